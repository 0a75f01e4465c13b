/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a GraphQL request carried out: its `data` as JSON. */
#pragma once
#include "api/graphql_plan.h"

struct graphql_run {
    const struct graphql_request *request;
    struct analytics *analytics;
    struct json_out out;
    struct buf *to;
    enum err err;                        /* the first trouble; what was written is then of no use */
    const struct graphql_plan *troubled; /* the node it came from, or NULL */
    uint64_t fields;                     /* written so far */
};

/*
 * Writes the object `data`, on the reader's thread. r->error is set when it fails;
 * `to` may then hold anything.
 */
bool graphql_run(struct graphql_request *r, struct analytics *a, struct buf *to);

/* ---- private to graphql_*.c ---- */
/* Whose fields are asked for, to the introspection: what points to a row of the schema. */
struct graphql_thing {
    enum {
        THING_NONE,
        THING_SCHEMA,
        THING_TYPE,
        THING_FIELD,
        THING_INPUT,
        THING_CHOICE,
        THING_DIRECTIVE
    } kind;
    const void *row;
    struct graphql_ref ref; /* of a type */
};
/* A field of the introspection: I_... */
void graphql_introspect(struct graphql_run *run, const struct graphql_plan *p,
                        const struct graphql_thing *of);
/* False: too much was written, or something failed; write no more. */
bool graphql_goes_on(struct graphql_run *run);
