/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles: how the mock behaves towards requests that say nothing themselves. A file of defaults
 * and of rules for paths and models; the first rule that matches holds, and takes what it does not
 * say from the defaults. One thread.
 */
#pragma once
#include "mock/shape.h"

struct profile;

/* JSON with comments; empty text is a profile without wishes. NULL with *ret_why (thread-local
 * text) for anything it does not understand. */
struct profile *profile_new(struct str text, const char **ret_why);
void profile_free(struct profile *p);
/* Fills in what the request's own words left open; may set q->fault. `turn` counts requests and
 * takes the place of chance. */
void profile_apply(struct profile *p, struct ask *q, uint64_t now_ms, uint64_t turn);
/* One Markdown table row a key. */
void profile_document(struct buf *out);
