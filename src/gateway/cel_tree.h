/* SPDX-License-Identifier: Apache-2.0 */
/* What an expression is parsed to: between cel_parse.c and cel.c. */
#pragma once
#include "gateway/cel.h"

enum cel_op {
    CEL_VALUE,  /* value */
    CEL_LIST,   /* args */
    CEL_ROOT,   /* name: cf, metadata, model, provider */
    CEL_MEMBER, /* args[0].name */
    CEL_INDEX,  /* args[0][args[1]] */
    CEL_NOT,
    CEL_MINUS,
    CEL_OR,
    CEL_AND,
    CEL_EQ,
    CEL_NE,
    CEL_LT,
    CEL_LE,
    CEL_GT,
    CEL_GE,
    CEL_IN,
    CEL_ADD,
    CEL_SIZE,
    CEL_HAS,
    CEL_STARTS_WITH,
    CEL_ENDS_WITH,
    CEL_CONTAINS,
};

enum cel_type { CEL_NOTHING, CEL_NULL, CEL_BOOL, CEL_NUMBER, CEL_TEXT, CEL_ARRAY, CEL_MAP };

struct cel_value {
    enum cel_type type; /* CEL_NOTHING: missing, or what came of something that cannot be asked */
    bool yes;
    double number;
    struct str text;
    const struct cel_value *items; /* of CEL_ARRAY */
    size_t n;
    const struct json_val *map;
};

struct cel {
    enum cel_op op;
    struct str name;
    struct cel_value value;
    const struct cel **args;
    size_t n;
};
