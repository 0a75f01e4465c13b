/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a document to what is to be done: the one operation, fragments in their places, variables replaced by
 * values, every name and value checked against the schema. What comes out is a tree of the answer's fields,
 * in its order, that graphql_run.c walks without looking back.
 *
 * Parts that no request reaches (unused fragments, what @skip leaves out) are not checked. The first fault
 * ends it.
 */
#pragma once
#include "api/graphql_parse.h"
#include "api/graphql_schema.h"
#include "base/json.h"

/* A field of the answer. */
struct graphql_plan {
    struct str key;
    const struct graphql_field *field;
    const struct graphql_type *parent;
    const struct graphql_selection *asked; /* the first of several that mean the same */
    struct graphql_plan *first, *next;
    struct analytics_query query; /* M_NODE */
    struct analytics_plan when;
    struct str name; /* I_TYPE: which one */
};

/* For clients: GraphQL spec section 7.1.2. */
struct graphql_error {
    struct str message; /* p == NULL: there is none */
    const char *code;   /* "parse", "invalid", "authz", "limit" or "internal" */
    size_t at;          /* byte of the document; SIZE_MAX: no place in it */
    struct str path[8]; /* response keys; no node is deeper */
    size_t n_path;
};

struct graphql_request {
    struct arena *arena;
    const struct graphql_schema *schema;
    struct str source, operation_name; /* empty: the only one */
    const struct json_val *variables;  /* an object, or NULL */
    const struct token *token;         /* who asks */
    int64_t now_s;
    struct graphql_plan *plan;  /* what comes out: fields of the root */
    struct graphql_error error; /* or this */

    /* private to graphql_*.c */
    struct graphql_document document;
    const struct graphql_operation *operation;
    size_t n_fields, n_nodes;
    struct str path[8];
    size_t n_path;
};

/* Parses and plans. False: see error. Everything lies in the arena or is a view of source. */
bool graphql_plan(struct graphql_request *r);

/* ---- private to graphql_*.c ---- */

/* Notes the first fault; always false. at: SIZE_MAX, or a byte of the document. */
bool graphql_fail(struct graphql_request *r, const char *code, size_t at, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
bool graphql_failed(const struct graphql_request *r);

/* graphql_values.c: checks what the operation declares. */
bool graphql_check_variables(struct graphql_request *r);
/* A variable's value in its place; anything else as it is. NULL: it has none. Elements of lists and fields of
 * objects are looked at when they are reached. */
const struct graphql_value *graphql_resolve(struct graphql_request *r, const struct graphql_value *v);
/* The value of an argument; NULL: not given, or null. */
const struct graphql_value *graphql_argument(struct graphql_request *r, const struct graphql_value *arguments,
                                             const char *name);
/* A value as the kind of thing it has to be; false: the fault is noted. */
bool graphql_text(struct graphql_request *r, const struct graphql_value *v, struct str *ret);
bool graphql_uint(struct graphql_request *r, const struct graphql_value *v, int64_t *ret);
bool graphql_boolean(struct graphql_request *r, const struct graphql_value *v, bool *ret);
/* As a value of a dimension, in its unit. */
bool graphql_analytics_value(struct graphql_request *r, const struct graphql_value *v, enum analytics_type t,
                             struct analytics_value *ret);
/* A moment or day as seconds since 1970; false: it is neither, or before that. */
bool graphql_time(struct str text, int64_t *ret);

/* graphql_node.c: arguments of a node, and what its fields ask for. */
bool graphql_plan_node(struct graphql_request *r, struct graphql_plan *p);
