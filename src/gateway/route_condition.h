/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions of dynamic routes (data plane section 21.2), as documents with operators:
 *
 *   {"metadata.plan": {"$eq": "paid"}, "$or": [{"headers.x-beta": "1"}, {"body.max_tokens": {"$lte": 100}}]}
 *
 * All members of a document must hold. Pure.
 */
#pragma once
#include "base/complaints.h"
#include "base/json.h"

enum condition_op {
    CONDITION_AND,
    CONDITION_OR,
    CONDITION_NOT,
    CONDITION_EXISTS, /* with the value true or false */
    CONDITION_EQ,
    CONDITION_NE,
    CONDITION_GT,
    CONDITION_GTE,
    CONDITION_LT,
    CONDITION_LTE,
    CONDITION_IN,
    CONDITION_NIN,
};

/* A text, number, boolean or null. */
struct condition_value {
    enum json_type type;
    struct str text;
    double number;
    bool yes;
};

struct condition {
    enum condition_op op;
    struct str field;                     /* "metadata.plan"; empty for the first three, which join others */
    const struct condition *parts;        /* theirs: one for NOT */
    const struct condition_value *values; /* of the others: one, for IN and NIN any number */
    size_t n;                             /* of parts or values */
};

/* Does a field's name begin with metadata., headers. or body., and go on? */
bool condition_field(struct str name);

/*
 * Reads a condition, an object or the JSON text of one, into the arena. Complains at `at` and what is inside
 * it; NULL then, and past the arena's cap.
 */
const struct condition *condition_read(struct arena *a, const struct json_val *v, struct str at,
                                       struct complaints *wrong);
