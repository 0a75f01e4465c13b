/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of a GraphQL document (spec October 2021, section 2.1). Pure. */
#pragma once
#include "base/arena.h"

enum graphql_token_kind {
    GRAPHQL_END,
    GRAPHQL_PUNCTUATOR, /* one of ! $ & ( ) : = @ [ ] { | }, or the spread ... */
    GRAPHQL_NAME,
    GRAPHQL_INT,
    GRAPHQL_FLOAT,
    GRAPHQL_STRING, /* a block string, too */
};

struct graphql_token {
    enum graphql_token_kind kind;
    char punctuator; /* '.' for a spread */
    size_t at;       /* of its first byte */
    struct str text; /* as written; of a string its value */
};

struct graphql_lexer {
    struct str source;
    size_t at;
    struct arena *arena; /* for values of strings */
    const char *why;     /* set when a token could not be read */
    size_t why_at;
};

/* E_OK, E_SYNTAX with why and why_at, E_FULL past the arena's cap. */
enum err graphql_next(struct graphql_lexer *l, struct graphql_token *ret) MUST_CHECK;
