/* SPDX-License-Identifier: Apache-2.0 */
/* What clients send as a gateway, checked against gateway_fields.def. Pure. */
#pragma once
#include "api/ask.h"
#include "base/buf.h"

/* A body that has been checked. Strs live in the arena of the complaints. */
struct gateway_input {
    struct str slug;     /* p == NULL unless it was asked for */
    struct str settings; /* the members that can be set, with their values, as a compact JSON object */
    struct str idle;     /* keys that were given a value nothing acts on yet: "a, b"; empty: none */
};

/*
 * Reads the body of a create (`with_id`) or a replacement. Keys that are not settings are ignored. What is
 * wrong goes to `wrong`, the first fault of each key; ret counts only when that stays empty.
 */
void gateway_read(struct str body, bool with_id, struct gateway_input *ret, struct complaints *wrong);

/* Lower-case letters, digits and underscores, single hyphens inside; 1 to 64 of them. */
bool gateway_slug_valid(struct str slug);

/* The table of keys as Markdown. */
void gateway_fields_document(struct buf *out);
