/* SPDX-License-Identifier: Apache-2.0 */
/* What datasets and evaluations share: evaluations are of datasets, and show them. */
#pragma once
#include "api/objects.h"

/* A dataset as the API shows it. */
void put_dataset(struct json_out *w, struct api_call *c, const struct object *o);

/* Queries that lists of both have: `name` (the whole name), `search` (part of it, of the id or of what is in
 * it), and a member that is true or false. */
struct named_filter {
    const char *member;
    struct str name, search, flag; /* p == NULL: whatever */
};
struct named_filter named_filter_read(struct ask *k, const char *member);
/* For struct object_list: arg is a struct named_filter. */
bool named_filter_match(struct api_call *c, const struct object *o, const void *arg);

/* How many objects of a kind the call's gateway has. */
size_t count_objects(struct api_call *c, enum object_kind kind);

/* The tables of keys as Markdown. */
void datasets_document(struct buf *out);
void evaluations_document(struct buf *out);
