/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of the GraphQL service: viewer, accounts, and for each node of store/analytics.def its groups,
 * sums, dimensions, filter and order. Made from that table for each request that needs it: some 1000 rows, in
 * well under a millisecond, and nothing to keep. Pure.
 */
#pragma once
#include "base/arena.h"
#include "store/analytics.h"

enum graphql_kind { GRAPHQL_SCALAR, GRAPHQL_OBJECT, GRAPHQL_ENUM, GRAPHQL_INPUT };

/* What a field of an object means to graphql_run.c (M_) and graphql_introspect.c (I_). */
enum graphql_meaning {
    M_TYPENAME,
    M_VIEWER,
    M_ACCOUNTS,
    M_ACCOUNT_TAG,
    M_NODE, /* id: enum analytics_node */
    M_SETTINGS,
    M_NODE_SETTINGS, /* id: enum analytics_node */
    M_ENABLED,
    M_MAX_DURATION,
    M_MAX_FIELDS,
    M_MAX_PAGE,
    M_NOT_OLDER,
    M_AVAILABLE,
    M_GROUP,     /* an object of the same row: sum, dimensions, ... */
    M_MEASURE,   /* id: enum analytics_measure */
    M_DIMENSION, /* id: enum analytics_dimension */
    M_CONFIDENCE_LEVEL,
    M_CONFIDENCE_COUNT, /* estimate, bounds, size of the sample: all were counted */
    M_TRUE,
    I_SCHEMA,
    I_TYPE,
    I_TYPES,
    I_QUERY_TYPE,
    I_DIRECTIVES,
    I_NOTHING, /* null */
    I_FALSE,
    I_KIND,
    I_NAME,
    I_DESCRIPTION,
    I_FIELDS,
    I_ENUM_VALUES,
    I_INPUT_FIELDS,
    I_INTERFACES,
    I_OF_TYPE,
    I_ONE_OF,
    I_ARGS,
    I_REF,
    I_LOCATIONS,
};

struct graphql_type;

/* A use of a type: itself, a list of it, and what of that is never null. */
struct graphql_ref {
    const struct graphql_type *type;
    bool required, list, item_required;
};

/* An argument, or a field of an input object. */
struct graphql_input {
    struct str name, doc;
    struct graphql_ref ref;
    enum { INPUT_ARGUMENT, INPUT_AND, INPUT_OR, INPUT_TEST } what;
    enum analytics_dimension dimension; /* of a test */
    enum analytics_op op;
};

struct graphql_field {
    struct str name, doc;
    struct graphql_ref ref;
    struct graphql_input *args;
    size_t n_args;
    enum graphql_meaning meaning;
    int id;
};

/* A value of an enum; of those that order, what by. */
struct graphql_choice {
    struct str name, doc;
    struct analytics_order order;
};

struct graphql_type {
    enum graphql_kind kind;
    struct str name, doc;
    struct graphql_field *fields; /* of an object */
    size_t n_fields;
    struct graphql_input *inputs; /* of an input object */
    size_t n_inputs;
    struct graphql_choice *choices; /* of an enum */
    size_t n_choices;
};

struct graphql_directive_row {
    const char *name, *doc;
};
enum { GRAPHQL_DIRECTIVES = 2 };
/* @include and @skip; both have the argument `if` and stand at fields, spreads and inline fragments. */
extern const struct graphql_directive_row graphql_directives[GRAPHQL_DIRECTIVES];
extern const char *const graphql_directive_places[3];

struct graphql_schema {
    struct graphql_type *types;
    size_t n;
    const struct graphql_type *query;
    /* not listed by their type: of every object, and of the root */
    struct graphql_field typename_field, root_fields[2];
    struct graphql_input *if_argument;
};

/* NULL past the arena's cap. */
const struct graphql_schema *graphql_schema(struct arena *a);

/* NULL: there is none. */
const struct graphql_type *graphql_type_named(const struct graphql_schema *s, struct str name);
const struct graphql_field *graphql_field_named(const struct graphql_schema *s, const struct graphql_type *t,
                                                struct str name);
const struct graphql_input *graphql_input_named(const struct graphql_input *v, size_t n, struct str name);
