/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of keys.def and what they are called in the file and in the environment. Private to
 * conf/. Constant tables and pure functions, but for `why`: the text of the calling thread's last
 * mistake.
 */
#pragma once
#include "base/limits.h"
#include "conf/conf.h"

enum { BOOT = 1, RELOAD = 2 };
enum kind { KIND_INT, KIND_BOOL, KIND_STR, KIND_STRS, KIND_JSON, KIND_SECRET };

struct key {
    struct str name;
    enum kind kind;
    unsigned flags;
    size_t at; /* in struct conf */
    int64_t initial, min, max;
    struct str text; /* default of a KIND_STR */
    const char *doc;
};
extern const struct key conf_keys[];
extern const size_t conf_n_keys;

/* Variables with our prefix that are not settings: other parts of weir read them. */
struct other_variable {
    struct str name;
    const char *doc;
};
extern const struct other_variable conf_others[];
extern const size_t conf_n_others;

struct name {
    char p[CONF_NAME_BYTES];
    size_t n;
};

static inline struct str name_str(const struct name *n)
{
    return (struct str){n->p, n->n};
}

/* "WEIR_LIMITS_MAX_BODY_BYTES" for "limits.max_body_bytes". */
struct name key_variable(const struct key *k);
/* NULL when there is none. */
const struct key *key_named(struct str name);
const struct key *key_of_variable(struct str variable);
/* Is it a variable to pass over: one of conf_others, or Kubernetes' work? */
bool is_other_variable(struct str variable, struct str value);

/* Notes a mistake for conf_why; always false, to be returned. */
bool conf_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);
const char *conf_why(void);
/* conf_fail with the nearest existing name as a suggestion. */
bool unknown_key(const char *where, struct str name);
bool unknown_variable(struct str variable);

/* Rules beyond one value's type and range (check.c); conf_fail when one is broken. */
bool conf_check(const struct conf *c);
