/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of things of the kinds of code_kind.h: what a file wants, or what a gateway has. Both are kept in one
 * form, so that they can be compared: settings only, and only those that are not their default. Pure.
 *
 *   code_set_init ─ code_set_add* ─ code_set_done
 */
#pragma once
#include "cli/code_kind.h"

struct code_object {
    struct code_object *next;
    const struct code_kind *kind;
    struct code_object *parent; /* NULL: of the account */
    struct str name;            /* such as "openai/default" */
    struct str id;              /* what the API calls it; empty while it is not there */
    struct json_doc *doc;
    const struct json_val *body; /* its settings: an object */
    unsigned mentions;           /* of a file: kinds that it says something about, a bit each */
};

struct code_set {
    struct arena *arena; /* of all strs */
    struct code_object *first, **last;
    unsigned mentions; /* of the account's */
    bool full;         /* something did not fit in */
};

void code_set_init(struct code_set *set, struct arena *a);
void code_set_done(struct code_set *set);

/*
 * Adds an object with the settings among `members`; `answered`: they are the API's own words. The name is
 * copied. NULL: the set is full.
 */
struct code_object *code_set_add(struct code_set *set, const struct code_kind *kind,
                                 struct code_object *parent, struct str name, const struct json_val *members,
                                 bool answered);
/* By name; `parent` is one of either set, or NULL. */
struct code_object *code_set_find(const struct code_set *set, const struct code_kind *kind,
                                  const struct code_object *parent, struct str name);

/* The name that the members of an answer, or of an element of a file, give it; p == NULL: they do not. */
struct str code_name_of(struct arena *a, const struct code_kind *kind, const struct json_val *members,
                        bool answered);
/* Writes the members that its name is made of into an open object. */
void code_put_names(struct json_out *w, const struct code_kind *kind, struct str name);
/* "provider key openai/default of gateway team" */
void code_describe(struct buf *out, const struct code_object *o);

static inline unsigned code_bit(const struct code_kind *kind)
{
    return 1U << (kind - code_kinds);
}
