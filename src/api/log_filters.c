/* SPDX-License-Identifier: Apache-2.0 */
#include "api/log_filters.h"
#include "api/fields.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"

#include <math.h>
#include <stdio.h>

static const struct {
    struct str name;
    enum log_operator op;
} operators[] = {
    {S("eq"), LOG_EQ}, {S("neq"), LOG_NEQ}, {S("contains"), LOG_CONTAINS},
    {S("lt"), LOG_LT}, {S("gt"), LOG_GT},
};

/* A clause as it is written, before it means anything. p == NULL, n == 0: not there. */
struct written {
    struct str key, op;
    struct value {
        enum json_type type;
        struct str text; /* of a string */
        double number;
        bool flag;
    } * values;
    size_t n;
    bool loose; /* everything is text: numbers, flags and null too */
};

struct reading {
    struct complaints *wrong;
    struct log_clause *clauses;
    size_t n, cap;
    bool dataset; /* fewer keys and operators */
};

/* What datasets are made of (control plane section 6.1). */
static bool is_for_datasets(enum log_key key)
{
    switch (key) {
    case KEY_CREATED_AT:
    case KEY_REQUEST_CONTENT_TYPE:
    case KEY_RESPONSE_CONTENT_TYPE:
    case KEY_SUCCESS:
    case KEY_CACHED:
    case KEY_PROVIDER:
    case KEY_MODEL:
    case KEY_COST:
    case KEY_TOKENS:
    case KEY_TOKENS_IN:
    case KEY_TOKENS_OUT:
    case KEY_DURATION:
    case KEY_FEEDBACK: return true;
    default: return false;
    }
}

/* ---- what is wrong ---- */

/* "filters.3.value.1": the last numbers are left out when negative. */
static struct str place(struct reading *r, size_t clause, const char *part, int value)
{
    struct str at = value < 0
                        ? arena_printf(r->wrong->arena, "filters.%zu%s%s", clause, part[0] ? "." : "", part)
                        : arena_printf(r->wrong->arena, "filters.%zu.%s.%d", clause, part, value);
    return at.p ? at : STR("filters");
}

static void complain_of_choice(struct reading *r, struct str at, struct str got, const struct str *names,
                               size_t n)
{
    struct buf list;
    buf_init(&list, 4 * KIB);
    for (size_t i = 0; i < n; i++)
        (void)buf_printf(&list, "%s'%.*s'", i ? " | " : "", STR_FMT(names[i]));
    struct str shown = str_head(got, 64);
    complain(r->wrong, at, "Invalid enum value. Expected %.*s, received '%.*s'", STR_FMT(buf_str(&list)),
             STR_FMT(shown));
    buf_done(&list);
}

/* ---- meaning ---- */

static bool read_number(const struct value *v, double *ret)
{
    *ret = v->number;
    if (v->type != JSON_STRING)
        return v->type == JSON_NUMBER;
    struct json_doc *doc = json_parse(str_trim(v->text));
    bool number = json_type(json_root(doc)) == JSON_NUMBER;
    *ret = json_num(json_root(doc), 0);
    json_free(doc);
    return number;
}

/* Pico-dollars are whole: what a double makes of 0.0000771 * 10^12 is not, by a hair. */
static double pico(double dollars)
{
    double p = dollars * 1e12, whole = round(p);
    return fabs(p - whole) < 1e-3 ? whole : p;
}

static bool read_flag(const struct value *v, double *ret)
{
    bool flag = v->flag;
    bool ok = v->type == JSON_BOOL || (v->type == JSON_STRING && str_to_bool(v->text, &flag) == E_OK);
    if (v->type == JSON_NUMBER && (v->number <= 0) == (v->number >= 0)) {
        flag = false;
        ok = true;
    } else if (v->type == JSON_NUMBER && (v->number <= 1) == (v->number >= 1)) {
        flag = ok = true;
    }
    *ret = flag;
    return ok;
}

static bool read_time(const struct value *v, double *ret)
{
    int64_t ms = 0;
    bool ok = v->type == JSON_STRING && clock_parse(str_trim(v->text), &ms) == E_OK;
    *ret = (double)ms;
    return ok;
}

static bool is_null(const struct written *w, const struct value *v, enum log_kind kind)
{
    bool text = log_kind_is_text(kind);
    return v->type == JSON_NULL ||
           (w->loose && !text && v->type == JSON_STRING && (v->text.n == 0 || str_eq(v->text, STR("null"))));
}

/* NULL, or what was expected instead. */
static const char *read_value(enum log_key key, const struct written *w, const struct value *v,
                              struct log_value *ret)
{
    enum log_kind kind = log_keys[key].kind;
    *ret = (struct log_value){.type = LOG_VALUE_NULL};
    if (v->type == JSON_ARRAY || v->type == JSON_OBJECT)
        return "string, number, boolean or null";
    if (is_null(w, v, kind))
        return NULL;
    ret->type = LOG_VALUE_NUMBER;
    switch (kind) {
    case LOG_FLAG: return read_flag(v, &ret->number) ? NULL : "boolean";
    case LOG_TIME: return read_time(v, &ret->number) ? NULL : "date";
    case LOG_NUMBER:
        if (!read_number(v, &ret->number))
            return "number";
        if (key == KEY_COST)
            ret->number = pico(ret->number);
        return NULL;
    case LOG_TEXT:
    case LOG_MAP_KEY:
    case LOG_MAP_VALUE:
    case LOG_MAP_ENTRY:
        ret->type = v->type == JSON_STRING ? LOG_VALUE_TEXT : LOG_VALUE_ABSURD;
        ret->text = v->text;
        return NULL;
    }
    return NULL;
}

static bool find_key(struct reading *r, size_t at, struct str name, enum log_key *ret)
{
    struct str names[LOG_KEY_COUNT];
    size_t n = 0;
    for (size_t i = 0; i < LOG_KEY_COUNT; i++) {
        if (r->dataset && !is_for_datasets((enum log_key)i))
            continue;
        names[n++] = log_keys[i].name;
        if (str_eq(log_keys[i].name, name)) {
            *ret = (enum log_key)i;
            return true;
        }
    }
    if (name.p)
        complain_of_choice(r, place(r, at, "key", -1), name, names, n);
    else
        complain(r->wrong, place(r, at, "key", -1), "Required");
    return false;
}

static bool find_operator(struct reading *r, size_t at, struct str name, enum log_operator *ret)
{
    struct str names[countof(operators)];
    size_t n = 0;
    for (size_t i = 0; i < countof(operators); i++) {
        if (r->dataset && operators[i].op == LOG_NEQ)
            continue;
        names[n++] = operators[i].name;
        if (str_eq(operators[i].name, name)) {
            *ret = operators[i].op;
            return true;
        }
    }
    if (name.p)
        complain_of_choice(r, place(r, at, "operator", -1), name, names, n);
    else
        complain(r->wrong, place(r, at, "operator", -1), "Required");
    return false;
}

/* Order and parts are for keys that have them. */
static bool suits(struct reading *r, size_t at, const struct log_clause *c)
{
    const struct log_key_row *k = &log_keys[c->key];
    bool text = log_kind_is_text(k->kind);
    const char *why =
        c->op == LOG_CONTAINS && !text ? "has no parts: 'contains' is for texts"
        : (c->op == LOG_LT || c->op == LOG_GT) && k->kind == LOG_FLAG
            ? (r->dataset ? "is true or false: use 'eq'" : "is true or false: use 'eq' or 'neq'")
            : NULL;
    if (why)
        complain(r->wrong, place(r, at, "operator", -1), "'%.*s' %s", STR_FMT(k->name), why);
    return !why;
}

static void add_clause(struct reading *r, const struct log_clause *c)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 8;
        struct log_clause *more = arena_alloc(r->wrong->arena, cap * sizeof(*more));
        if (!more) {
            complain(r->wrong, STR("filters"), "Too long");
            return;
        }
        if (r->n)
            memcpy(more, r->clauses, r->n * sizeof(*more));
        r->clauses = more;
        r->cap = cap;
    }
    r->clauses[r->n++] = *c;
}

static void read_clause(struct reading *r, size_t at, const struct written *w)
{
    struct log_clause c = {.n = w->n};
    bool ok = find_key(r, at, w->key, &c.key);
    ok = find_operator(r, at, w->op, &c.op) && ok;
    if (ok)
        ok = suits(r, at, &c);
    if (w->n == 0) {
        complain(r->wrong, place(r, at, "value", -1),
                 w->loose ? "Required" : "Array must contain at least 1 element(s)");
        return;
    }
    struct log_value *values = arena_alloc(r->wrong->arena, w->n * sizeof(*values));
    for (size_t i = 0; ok && values && i < w->n; i++) {
        const char *expected = read_value(c.key, w, &w->values[i], &values[i]);
        if (expected)
            complain(r->wrong, place(r, at, "value", (int)i), "Expected %s, received %s", expected,
                     json_type_name(w->values[i].type));
    }
    c.values = values;
    if (!values)
        complain(r->wrong, place(r, at, "value", -1), "Too long");
    else if (ok)
        add_clause(r, &c);
}

/* ---- a JSON array ---- */

static struct value value_of(struct arena *a, const struct json_val *v)
{
    struct value out = {.type = json_type(v), .number = json_num(v, 0), .flag = json_bool(v, false)};
    if (out.type == JSON_STRING) /* the document goes */
        out.text = arena_dup(a, json_str(v));
    return out;
}

static struct str member(struct reading *r, size_t at, const struct json_val *clause, const char *name)
{
    const struct json_val *v = json_get(clause, name);
    if (v && json_type(v) != JSON_STRING)
        complain(r->wrong, place(r, at, name, -1), "Expected string, received %s",
                 json_type_name(json_type(v)));
    return json_type(v) == JSON_STRING ? arena_dup(r->wrong->arena, json_str(v)) : (struct str){NULL, 0};
}

static void read_object(struct reading *r, size_t at, const struct json_val *clause)
{
    struct arena *a = r->wrong->arena;
    const struct json_val *list = json_get(clause, "value");
    if (json_type(clause) != JSON_OBJECT) {
        complain(r->wrong, place(r, at, "", -1), "Expected object, received %s",
                 json_type_name(json_type(clause)));
        return;
    }
    if (json_type(list) != JSON_ARRAY) {
        complain(r->wrong, place(r, at, "value", -1), list ? "Expected array, received %s" : "Required",
                 json_type_name(json_type(list)));
        return;
    }
    struct complaint **before = r->wrong->last;
    struct written w = {.key = member(r, at, clause, "key"), .op = member(r, at, clause, "operator")};
    w.values = arena_alloc(a, (json_count(list) + 1) * sizeof(*w.values));
    for (struct json_iter it = json_iter(list); w.values && json_next(&it);)
        w.values[w.n++] = value_of(a, it.val);
    if (before == r->wrong->last)
        read_clause(r, at, &w);
}

static void read_array(struct reading *r, const struct json_val *list)
{
    size_t i = 0;
    if (json_type(list) != JSON_ARRAY)
        complain(r->wrong, STR("filters"), "Expected array, received %s", json_type_name(json_type(list)));
    else if (json_count(list) > LOG_FILTER_CLAUSES)
        complain(r->wrong, STR("filters"), "Array must contain at most %d element(s)", LOG_FILTER_CLAUSES);
    else
        for (struct json_iter it = json_iter(list); json_next(&it);)
            read_object(r, i++, it.val);
}

static void read_json(struct reading *r, struct str text)
{
    struct json_doc *doc = json_parse(text);
    if (doc)
        read_array(r, json_root(doc));
    else
        complain(r->wrong, STR("filters"), "Invalid JSON");
    json_free(doc);
}

struct log_filter log_filters_dataset(const struct json_val *list, struct complaints *wrong)
{
    struct reading r = {.wrong = wrong, .dataset = true};
    read_array(&r, list);
    return (struct log_filter){r.clauses, r.n};
}

/* ---- dotted and repeated ---- */

static bool add_text(struct reading *r, struct written *w, size_t *cap, struct str text)
{
    if (w->n == *cap) {
        size_t more = *cap ? 2 * *cap : 8;
        struct value *values = arena_alloc(r->wrong->arena, more * sizeof(*values));
        if (!values)
            return false;
        if (w->n)
            memcpy(values, w->values, w->n * sizeof(*values));
        w->values = values;
        *cap = more;
    }
    w->values[w->n++] = (struct value){.type = JSON_STRING, .text = text};
    return true;
}

/* A key begins the next clause; what stands before the first one has no key. */
static void read_dotted(struct reading *r, struct str query)
{
    struct arena *a = r->wrong->arena;
    struct written w = {.loose = true};
    size_t cap = 0, at = 0;
    bool begun = false;
    while (query.p && at < LOG_FILTER_CLAUSES) {
        struct str value = str_cut(&query, '&'), name = query_decode(a, str_cut(&value, '='));
        bool key = str_eq(name, STR("filters.key")), op = str_eq(name, STR("filters.operator"));
        if (!key && !op && !str_eq(name, STR("filters.value")))
            continue;
        value = query_decode(a, value.p ? value : STR(""));
        if (key && begun) {
            read_clause(r, at++, &w);
            w = (struct written){.loose = true};
            cap = 0;
        }
        begun = true;
        if (key)
            w.key = value;
        else if (op)
            w.op = value;
        else if (!add_text(r, &w, &cap, value))
            complain(r->wrong, STR("filters"), "Too long");
    }
    if (at == LOG_FILTER_CLAUSES)
        complain(r->wrong, STR("filters"), "Array must contain at most %d element(s)", LOG_FILTER_CLAUSES);
    else if (begun)
        read_clause(r, at, &w);
}

/* ---- the older parameters ---- */

static const struct {
    const char *name;
    enum log_key key;
    enum log_operator op;
} older[] = {
    {"start_date", KEY_CREATED_AT, LOG_GE},
    {"end_date", KEY_CREATED_AT, LOG_LE},
    {"min_cost", KEY_COST, LOG_GE},
    {"max_cost", KEY_COST, LOG_LE},
    {"min_duration", KEY_DURATION, LOG_GE},
    {"max_duration", KEY_DURATION, LOG_LE},
    {"min_tokens_in", KEY_TOKENS_IN, LOG_GE},
    {"max_tokens_in", KEY_TOKENS_IN, LOG_LE},
    {"min_tokens_out", KEY_TOKENS_OUT, LOG_GE},
    {"max_tokens_out", KEY_TOKENS_OUT, LOG_LE},
    {"min_total_tokens", KEY_TOKENS, LOG_GE},
    {"max_total_tokens", KEY_TOKENS, LOG_LE},
    {"feedback", KEY_FEEDBACK, LOG_EQ},
    {"success", KEY_SUCCESS, LOG_EQ},
    {"cached", KEY_CACHED, LOG_EQ},
    {"model", KEY_MODEL, LOG_EQ},
    {"model_type", KEY_MODEL_TYPE, LOG_EQ},
    {"provider", KEY_PROVIDER, LOG_EQ},
    {"request_content_type", KEY_REQUEST_CONTENT_TYPE, LOG_EQ},
    {"response_content_type", KEY_RESPONSE_CONTENT_TYPE, LOG_EQ},
};

static void read_older(struct reading *r, struct ask *k)
{
    const struct written w = {.loose = false};
    for (size_t i = 0; i < countof(older); i++) {
        struct value v = {.type = JSON_STRING, .text = ask_text(k, older[i].name)};
        struct log_value *value = arena_new(r->wrong->arena, struct log_value);
        if (!v.text.p || !value)
            continue;
        const char *expected = read_value(older[i].key, &w, &v, value);
        if (expected)
            complain(r->wrong, str_c(older[i].name), "Expected %s, received string", expected);
        else
            add_clause(r, &(struct log_clause){older[i].key, older[i].op, value, 1});
    }
}

struct log_filter log_filters_read(struct ask *k)
{
    struct reading r = {.wrong = &k->wrong};
    struct str json = ask_text(k, "filters");
    if (json.p)
        read_json(&r, json);
    read_dotted(&r, k->query);
    read_older(&r, k);
    return (struct log_filter){r.clauses, r.n};
}

/* ---- words ---- */

bool log_filters_words(const struct str *texts, size_t n, struct complaints *wrong, struct log_filter *ret)
{
    struct reading r = {.wrong = wrong};
    for (size_t i = 0; i < n; i++) {
        struct written w = {.loose = true};
        size_t cap = 0;
        struct str rest = str_trim(texts[i]);
        w.key = str_cut(&rest, ' ');
        rest = str_trim(rest);
        w.op = str_cut(&rest, ' ');
        rest = str_trim(rest);
        while (rest.p) {
            struct str value = str_trim(str_cut(&rest, ','));
            if (!add_text(&r, &w, &cap, value))
                break;
            if (str_eq(value, STR("null")))
                w.values[w.n - 1].type = JSON_NULL;
        }
        read_clause(&r, i, &w);
    }
    *ret = (struct log_filter){r.clauses, r.n};
    return !wrong->first;
}

/* ---- the page ---- */

void log_filters_document(struct buf *out)
{
    static const char *const kinds[] = {
        [LOG_TEXT] = "text",
        [LOG_NUMBER] = "number",
        [LOG_FLAG] = "true or false",
        [LOG_TIME] = "RFC 3339 time",
        [LOG_MAP_KEY] = "text, of any entry",
        [LOG_MAP_VALUE] = "text, of any entry",
        [LOG_MAP_ENTRY] = "key=value, of any entry",
    };
    (void)buf_append_c(out, "| Key | Value |\n| --- | --- |\n");
    for (size_t i = 0; i < LOG_KEY_COUNT; i++)
        (void)buf_printf(out, "| `%.*s` | %s |\n", STR_FMT(log_keys[i].name), kinds[log_keys[i].kind]);
}
