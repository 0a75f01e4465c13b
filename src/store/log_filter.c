/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_filter.h"
#include "base/json.h"

const struct log_key_row log_keys[LOG_KEY_COUNT] = {
#define LOG_KEY(key, name, kind, sql, range, facet) [key] = {S(name), LOG_##kind, sql, range, facet},
#include "store/log_keys.def"
#undef LOG_KEY
};

bool log_filter_copy(struct arena *a, const struct log_filter *f, struct log_filter *ret)
{
    struct log_clause *clauses = arena_alloc(a, (f->n + 1) * sizeof(*clauses));
    for (size_t i = 0; clauses && i < f->n; i++) {
        const struct log_clause *from = &f->clauses[i];
        struct log_value *values = arena_alloc(a, (from->n + 1) * sizeof(*values));
        if (!values)
            return false;
        for (size_t k = 0; k < from->n; k++) {
            values[k] = from->values[k];
            if (values[k].type == LOG_VALUE_TEXT && !(values[k].text = arena_dup(a, values[k].text)).p)
                return false;
        }
        clauses[i] = *from;
        clauses[i].values = values;
    }
    *ret = (struct log_filter){clauses, f->n};
    return clauses != NULL;
}

/* ---- one row ---- */

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static bool has_part(struct str hay, struct str part)
{
    for (size_t i = 0; i + part.n <= hay.n; i++) {
        size_t k = 0;
        while (k < part.n && lower(hay.p[i + k]) == lower(part.p[k]))
            k++;
        if (k == part.n)
            return true;
    }
    return false;
}

static bool is_equal(const struct log_value *a, const struct log_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case LOG_VALUE_NULL: return true;
    case LOG_VALUE_NUMBER: return a->number >= b->number && a->number <= b->number;
    case LOG_VALUE_TEXT: return str_eq(a->text, b->text);
    case LOG_VALUE_ABSURD: return false;
    }
    return false;
}

static bool is_any(const struct log_clause *c, const struct log_value *row)
{
    for (size_t i = 0; i < c->n; i++)
        if (is_equal(&c->values[i], row))
            return true;
    return false;
}

static bool contains_any(const struct log_clause *c, const struct log_value *row)
{
    for (size_t i = 0; i < c->n; i++)
        if (row->type == LOG_VALUE_TEXT && c->values[i].type == LOG_VALUE_TEXT &&
            has_part(row->text, c->values[i].text))
            return true;
    return false;
}

/* The row's value less the clause's: below, at or above 0. False: they have no order. */
static bool compare(const struct log_clause *c, const struct log_value *row, int *ret)
{
    const struct log_value *v = c->n ? &c->values[0] : NULL;
    if (!v || v->type != row->type)
        return false;
    if (v->type == LOG_VALUE_TEXT)
        *ret = str_compare(row->text, v->text);
    else
        *ret = (row->number > v->number) - (row->number < v->number);
    return v->type == LOG_VALUE_TEXT || v->type == LOG_VALUE_NUMBER;
}

static bool meets(const struct log_clause *c, const struct log_value *row)
{
    int d;
    switch (c->op) {
    case LOG_EQ: return is_any(c, row);
    case LOG_NEQ: return !is_any(c, row);
    case LOG_CONTAINS: return contains_any(c, row);
    case LOG_LT: return compare(c, row, &d) && d < 0;
    case LOG_GT: return compare(c, row, &d) && d > 0;
    case LOG_LE: return compare(c, row, &d) && d <= 0;
    case LOG_GE: return compare(c, row, &d) && d >= 0;
    }
    return false;
}

/* Values that are no strings are compared as they are written. */
static struct str unquoted(struct arena *a, struct str raw)
{
    struct str text;
    return json_raw_str(a, raw, &text) == E_OK ? text : raw;
}

static struct str text_of_entry(struct arena *a, enum log_kind kind, const struct json_walk *w)
{
    if (kind != LOG_MAP_ENTRY)
        return unquoted(a, kind == LOG_MAP_KEY ? w->key : w->value);
    struct str key = unquoted(a, w->key), value = unquoted(a, w->value);
    return arena_printf(a, "%.*s=%.*s", STR_FMT(key), STR_FMT(value));
}

static bool some_entry(const struct log_clause *c, struct str map)
{
    struct arena a;
    struct json_walk w;
    bool found = false;
    arena_init(&a, SIZE_MAX / 2);
    if (json_walk(&w, map))
        while (!found && json_walk_next(&w)) {
            struct log_value entry = {.type = LOG_VALUE_TEXT};
            entry.text = text_of_entry(&a, log_keys[c->key].kind, &w);
            found = meets(c, &entry);
        }
    arena_done(&a);
    return found;
}

bool log_clause_meets(const struct log_clause *c, const struct log_value *row)
{
    enum log_kind kind = log_keys[c->key].kind;
    if (row->type == LOG_VALUE_NULL || !log_kind_is_map(kind))
        return meets(c, row);
    struct log_clause exists = *c;
    if (c->op == LOG_NEQ)
        exists.op = LOG_EQ;
    return some_entry(&exists, row->text) != (c->op == LOG_NEQ);
}

/* ---- zones ---- */

static enum zone_verdict all_absent(const struct log_clause *c)
{
    return log_clause_meets(c, &(struct log_value){.type = LOG_VALUE_NULL}) ? ZONE_ALL : ZONE_NONE;
}

/* May some row of a range meet an eq? */
static bool within(const struct log_clause *c, const struct zone_range *r, bool absent)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct log_value *v = &c->values[i];
        if (v->type == LOG_VALUE_NULL
                ? absent
                : v->type == LOG_VALUE_NUMBER && v->number >= (double)r->min && v->number <= (double)r->max)
            return true;
    }
    return false;
}

static enum zone_verdict judge_range(const struct log_clause *c, const struct zone_range *r, bool absent)
{
    if (r->min > r->max)
        return all_absent(c);
    if (c->op == LOG_EQ)
        return within(c, r, absent) ? ZONE_SOME : ZONE_NONE;
    if (c->op == LOG_NEQ)
        return within(c, r, absent) ? ZONE_SOME : ZONE_ALL;
    if (c->op == LOG_CONTAINS)
        return ZONE_SOME;
    const struct log_value min = {LOG_VALUE_NUMBER, (double)r->min, {NULL, 0}},
                           max = {LOG_VALUE_NUMBER, (double)r->max, {NULL, 0}};
    bool low = meets(c, &min), high = meets(c, &max);
    if (!low && !high)
        return ZONE_NONE;
    return low && high && !absent ? ZONE_ALL : ZONE_SOME;
}

/* An id says when it was made: is one of the clause's from the zone's time? */
static bool made_then(const struct log_clause *c, const struct zone_summary *z)
{
    for (size_t i = 0; i < c->n; i++) {
        struct uuid id;
        if (c->values[i].type != LOG_VALUE_TEXT || uuid_parse(c->values[i].text, &id) != E_OK)
            continue;
        if (uuid_ms(id) >= z->first_ms && uuid_ms(id) <= z->last_ms)
            return true;
    }
    return false;
}

/* No row of the zone has one. */
static bool nobody_has(enum log_key key, const struct zone_summary *z)
{
    switch (key) {
    case KEY_FEEDBACK: return !(z->has & ZONE_HAS_FEEDBACK);
    case KEY_NOTE: return !(z->has & ZONE_HAS_NOTE);
    case KEY_KEY_ALIAS: return !(z->has & ZONE_HAS_KEY_ALIAS);
    default: return str_eq(str_c(log_keys[key].sql), STR("NULL"));
    }
}

enum zone_verdict log_clause_zone(const struct log_clause *c, const struct zone_summary *z)
{
    const struct log_key_row *k = &log_keys[c->key];
    if (k->range != ZONE_RANGES)
        return judge_range(c, &z->ranges[k->range], z->absent >> k->range & 1);
    if (nobody_has(c->key, z))
        return all_absent(c);
    if (c->key == KEY_ID && c->op == LOG_EQ)
        return made_then(c, z) ? ZONE_SOME : ZONE_NONE;
    return ZONE_SOME;
}

static bool term_kind_of(enum log_key key, enum term_kind *ret)
{
    switch (key) {
    case KEY_TOKEN: *ret = TERM_TOKEN; return true;
    case KEY_METADATA_KEY: *ret = TERM_KEY; return true;
    case KEY_METADATA_VALUE:
    case KEY_METADATA_ENTRY: *ret = TERM_VALUE; return true;
    case KEY_EVENT_ID: *ret = TERM_EVENT; return true;
    case KEY_USER_AGENT: *ret = TERM_AGENT; return true;
    case KEY_REQUEST_CONTENT_TYPE: *ret = TERM_REQUEST_TYPE; return true;
    case KEY_RESPONSE_CONTENT_TYPE: *ret = TERM_RESPONSE_TYPE; return true;
    case KEY_KEY_ALIAS: *ret = TERM_KEY_ALIAS; return true;
    default: return false;
    }
}

bool log_clause_has_terms(const struct log_clause *c)
{
    enum term_kind kind;
    if (c->op != LOG_EQ || !term_kind_of(c->key, &kind))
        return false;
    for (size_t i = 0; i < c->n; i++)
        if (c->values[i].type == LOG_VALUE_NULL)
            return false;
    return true;
}

/* Ids of rows are in no set of trigrams. */
static bool may_be_in_id(struct str part)
{
    for (size_t i = 0; i < part.n; i++)
        if (part.p[i] != '-' && hex_digit(part.p[i]) < 0)
            return false;
    return part.n <= UUID_TEXT;
}

bool log_search_parts(struct str search, struct str trigrams)
{
    return may_be_in_id(search) || trigrams_may_have(trigrams, search);
}

bool log_clause_has_parts(const struct log_clause *c)
{
    enum term_kind kind;
    return c->op == LOG_CONTAINS && c->key != KEY_METADATA_ENTRY && c->key != KEY_TOKEN &&
           term_kind_of(c->key, &kind);
}

bool log_clause_parts(const struct log_clause *c, struct str trigrams)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->values[i].type == LOG_VALUE_TEXT && log_search_parts(c->values[i].text, trigrams))
            return true;
    return !log_clause_has_parts(c);
}

/* Keys and values are terms of their own; either may have a = in it. */
static bool has_entry(struct str bloom, struct str entry)
{
    for (size_t i = 0; i < entry.n; i++)
        if (entry.p[i] == '=' && bloom_has(bloom, term_hash(TERM_KEY, str_head(entry, i))) &&
            bloom_has(bloom, term_hash(TERM_VALUE, str_from(entry, i + 1))))
            return true;
    return false;
}

static bool has_term(struct str bloom, enum log_key key, enum term_kind kind, const struct log_value *v)
{
    if (v->type == LOG_VALUE_NUMBER) /* half a token there is not */
        return kind == TERM_TOKEN && v->number >= 0 && v->number < 0x1p53 &&
               bloom_has(bloom, term_of_number(kind, (int64_t)v->number));
    if (v->type != LOG_VALUE_TEXT)
        return false;
    return key == KEY_METADATA_ENTRY ? has_entry(bloom, v->text) : bloom_has(bloom, term_hash(kind, v->text));
}

bool log_clause_terms(const struct log_clause *c, const struct zone_summary *z, struct str bloom)
{
    enum term_kind kind = TERM_KEY;
    if (!log_clause_has_terms(c) || !term_kind_of(c->key, &kind))
        return true;
    for (size_t i = 0; i < c->n; i++)
        if (has_term(bloom, c->key, kind, &c->values[i]))
            return true;
    return c->key == KEY_EVENT_ID && made_then(c, z); /* a row's own id is no term */
}
