/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query language of GraphQL (spec October 2021, section 2): a document's operations and fragments as
 * trees of linked lists in an arena. Pure. What the names mean is not known here.
 */
#pragma once
#include "base/arena.h"

struct graphql_value {
    enum {
        GRAPHQL_VALUE_VARIABLE, /* text: its name */
        GRAPHQL_VALUE_INT,      /* text: as written */
        GRAPHQL_VALUE_FLOAT,    /* text: as written */
        GRAPHQL_VALUE_STRING,
        GRAPHQL_VALUE_BOOLEAN, /* text: "true" or "false" */
        GRAPHQL_VALUE_NULL,
        GRAPHQL_VALUE_ENUM,
        GRAPHQL_VALUE_LIST,   /* of its elements */
        GRAPHQL_VALUE_OBJECT, /* of its fields */
    } kind;
    struct str name; /* of a field or argument */
    struct str text;
    struct graphql_value *first, *next;
    size_t at; /* byte of the document */
};

struct graphql_directive {
    struct str name;
    struct graphql_value *arguments;
    struct graphql_directive *next;
    size_t at;
};

struct graphql_selection {
    enum { GRAPHQL_FIELD, GRAPHQL_SPREAD, GRAPHQL_INLINE } kind;
    struct str name;  /* of the field or fragment; inline: its type condition, empty: none */
    struct str alias; /* empty: none */
    struct graphql_value *arguments;
    struct graphql_directive *directives;
    struct graphql_selection *first, *next;
    bool has_set; /* braces were there */
    size_t at;
};

struct graphql_type_ref {
    struct str name; /* of the innermost type */
    bool required;   /* the outermost is non-null */
    bool list;
    size_t at;
};

struct graphql_variable {
    struct str name;
    struct graphql_type_ref type;
    struct graphql_value *fallback; /* NULL: none */
    struct graphql_variable *next;
    size_t at;
};

struct graphql_operation {
    struct str kind; /* "query", "mutation" or "subscription" */
    struct str name; /* empty: none */
    struct graphql_variable *variables;
    struct graphql_directive *directives;
    struct graphql_selection *first;
    struct graphql_operation *next;
    size_t at;
};

struct graphql_fragment {
    struct str name, on;
    struct graphql_directive *directives;
    struct graphql_selection *first;
    struct graphql_fragment *next;
    size_t at;
    bool open; /* for who puts fragments in their places: it is inside this one */
};

struct graphql_document {
    struct str source;
    struct graphql_operation *operations;
    struct graphql_fragment *fragments;
};

/* What is wrong with a document, and where. */
struct graphql_fault {
    struct str message;
    size_t at; /* byte of the document */
};

/* E_OK; E_SYNTAX with *ret_fault; E_FULL past the arena's cap. The document's texts are views of source, or
 * lie in the arena. */
enum err graphql_parse(struct arena *a, struct str source, struct graphql_document *ret,
                       struct graphql_fault *ret_fault) MUST_CHECK;
