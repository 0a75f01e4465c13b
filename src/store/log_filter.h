/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters of the log: clauses over the keys of log_keys.def, all of which a row has to meet (control
 * plane section 5.1). Pure; who reads them from a request is api/log_filters.h.
 */
#pragma once
#include "base/arena.h"
#include "base/json.h"
#include "store/zone.h"

enum log_key {
#define LOG_KEY(key, name, kind, sql, range, facet) key,
#include "store/log_keys.def"
#undef LOG_KEY
    LOG_KEY_COUNT
};

struct log_key_row {
    struct str name;
    enum log_kind {
        LOG_TEXT,
        LOG_NUMBER,
        LOG_FLAG,
        LOG_TIME,
        LOG_MAP_KEY,
        LOG_MAP_VALUE,
        LOG_MAP_ENTRY
    } kind;
    const char *sql;
    enum zone_number range;
    bool facet;
};
extern const struct log_key_row log_keys[LOG_KEY_COUNT];

static inline bool log_kind_is_map(enum log_kind kind)
{
    return kind == LOG_MAP_KEY || kind == LOG_MAP_VALUE || kind == LOG_MAP_ENTRY;
}
static inline bool log_kind_is_text(enum log_kind kind)
{
    return kind == LOG_TEXT || log_kind_is_map(kind);
}

/* The last two are not in filters, only in what the older parameters (min_cost, ...) mean. */
enum log_operator { LOG_EQ, LOG_NEQ, LOG_CONTAINS, LOG_LT, LOG_GT, LOG_LE, LOG_GE };

/*
 * Numbers are in the unit of the key's column: pico-dollars, ms, ms since 1970; flags are 0 or 1. A value of
 * a type that the key never has (the number 0 among texts) is ABSURD: equal to nothing.
 */
struct log_value {
    enum { LOG_VALUE_NULL, LOG_VALUE_NUMBER, LOG_VALUE_TEXT, LOG_VALUE_ABSURD } type;
    double number;
    struct str text;
};

/* eq, contains: one of the values; neq: none of them; lt, gt: the first. null: the row has none. */
struct log_clause {
    enum log_key key;
    enum log_operator op;
    const struct log_value *values;
    size_t n;
};

struct log_filter {
    const struct log_clause *clauses;
    size_t n;
};

/* A copy that lives in the arena; false past its cap. */
bool log_filter_copy(struct arena *a, const struct log_filter *f, struct log_filter *ret);

/* For keeping: writes a filter as an array, and reads it back into the arena (false: it is none).
 * log_filter_json.c */
void log_filter_put(struct json_out *w, const struct log_filter *f);
bool log_filter_get(struct arena *a, const struct json_val *list, struct log_filter *ret);

/* Does a row with this value (type NULL: with none) meet the clause? For maps the text is a JSON object. */
bool log_clause_meets(const struct log_clause *c, const struct log_value *row);

/* What a zone's summary says about all of its rows. */
enum zone_verdict { ZONE_NONE, ZONE_SOME, ZONE_ALL };
enum zone_verdict log_clause_zone(const struct log_clause *c, const struct zone_summary *z);
/* False when no row of a zone with these terms, or trigrams, can meet the clause. */
bool log_clause_terms(const struct log_clause *c, const struct zone_summary *z, struct str bloom);
bool log_clause_parts(const struct log_clause *c, struct str trigrams);
/* Do they ever say no? */
bool log_clause_has_terms(const struct log_clause *c);
bool log_clause_has_parts(const struct log_clause *c);
/* The same for what is searched for in all of a row's texts, its ids among them. */
bool log_search_parts(struct str search, struct str trigrams);
