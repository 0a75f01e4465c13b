/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a catalogue (data/prices.json's form, docs/prices.md) into the table. Strict: a field that is
 * not known, a name that stands twice or a price that is not a whole number ends the reading with a
 * message that names provider and model, because a price that is silently not read costs money.
 */
#include "providers/prices_table.h"
#include "base/json.h"

#include <stdio.h>

/* A price beyond a dollar a token is a mistake in the file. */
#define RATE_MAX INT64_C(1000000000000)

static _Thread_local char why[256];

/* What is being read, for messages. */
struct loader {
    struct prices *p;
    struct str provider, model;
};

static bool fail(const struct loader *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool fail(const struct loader *l, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = snprintf(why, sizeof(why), "%.*s%s%.*s%s", STR_FMT(str_head(l->provider, 64)),
                     l->provider.n ? ": " : "", STR_FMT(str_head(l->model, 80)), l->model.n ? ": " : "");
    (void)vsnprintf(why + n, sizeof(why) - (size_t)n, fmt, args);
    va_end(args);
    return false;
}

static void *take(const struct loader *l, size_t n, size_t size)
{
    void *memory = arena_zalloc(&l->p->arena, (n ? n : 1) * size);
    if (!memory)
        (void)fail(l, "the catalogue is too large");
    return memory;
}

/* Names are stored in lower case. */
static bool take_name(const struct loader *l, const struct json_val *v, struct str *ret)
{
    struct text t;
    struct str s = json_str(v);
    if (s.n == 0 || !lower_case(&t, s))
        return fail(l, "a name is a text of 1 to %d bytes", MODEL_NAME_BYTES);
    *ret = arena_dup(&l->p->arena, t.s);
    return ret->p || fail(l, "the catalogue is too large");
}

static const struct {
    struct str name;
    size_t at;
} rate_fields[] = {
    {S("input"), offsetof(struct rates, input)},
    {S("output"), offsetof(struct rates, output)},
    {S("cached"), offsetof(struct rates, cached)},
    {S("cached_audio"), offsetof(struct rates, cached_audio)},
    {S("cache_write"), offsetof(struct rates, cache_write)},
    {S("cache_write_1h"), offsetof(struct rates, cache_write_1h)},
    {S("audio_in"), offsetof(struct rates, audio_in)},
    {S("audio_out"), offsetof(struct rates, audio_out)},
    {S("image_in"), offsetof(struct rates, image_in)},
    {S("image_out"), offsetof(struct rates, image_out)},
    {S("reasoning"), offsetof(struct rates, reasoning)},
};

/* Sets the rate of that name; *ret_known tells whether there is one. */
static bool read_rate(const struct loader *l, struct str name, const struct json_val *v, struct rates *r,
                      bool *ret_known)
{
    *ret_known = false;
    for (size_t i = 0; i < countof(rate_fields) && !*ret_known; i++) {
        int64_t *rate = (int64_t *)(void *)((char *)r + rate_fields[i].at);
        *ret_known = str_eq(rate_fields[i].name, name);
        if (*ret_known && (!json_uint(v, rate) || *rate > RATE_MAX))
            return fail(l, "\"%.*s\" needs whole pico-dollars per token, at most %lld", STR_FMT(name),
                        (long long)RATE_MAX);
    }
    return true;
}

/* Days from 1970-01-01, proleptic Gregorian calendar; years from March, so that leap days come last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month < 3;
    month += month < 3 ? 9 : -3;
    int64_t of_year = (153 * month + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719468;
}

static bool read_date(struct str s, int64_t *ret_ms)
{
    int64_t year, month, day;
    struct str y = str_cut(&s, '-'), m = str_cut(&s, '-');
    if (y.n != 4 || m.n != 2 || s.n != 2 || str_to_int(y, &year) != E_OK || str_to_int(m, &month) != E_OK ||
        str_to_int(s, &day) != E_OK || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    *ret_ms = days_of(year, month, day) * 86400000;
    return true;
}

static bool read_minute(struct str s, int *ret)
{
    int64_t hours, minutes;
    struct str h = str_cut(&s, ':');
    if (h.n != 2 || s.n != 2 || str_to_int(h, &hours) != E_OK || str_to_int(s, &minutes) != E_OK ||
        hours > 24 || minutes > 59)
        return false;
    *ret = (int)(hours * 60 + minutes);
    return true;
}

/* "01:00-04:00", "mon-fri 01:00-04:00" */
static bool read_hours(struct str s, struct price_set *set)
{
    struct str week = STR("mon-fri ");
    set->working_day = str_starts(s, week);
    s = str_from(s, set->working_day ? week.n : 0);
    struct str from = str_cut(&s, '-');
    return read_minute(from, &set->begin) && read_minute(s, &set->end) && set->begin != set->end;
}

static bool read_condition(const struct loader *l, struct str name, const struct json_val *v,
                           struct price_set *set)
{
    bool good = false;
    if (str_eq(name, STR("above"))) {
        good = json_uint(v, &set->least) && set->least < INT64_MAX;
        set->least += good;
    } else if (str_eq(name, STR("at_least"))) {
        good = json_uint(v, &set->least);
    } else if (str_eq(name, STR("from"))) {
        good = read_date(json_str(v), &set->from_ms);
    } else if (str_eq(name, STR("utc"))) {
        good = read_hours(json_str(v), set);
    } else {
        return fail(l, "\"when\" has no field \"%.*s\"", STR_FMT(str_head(name, 64)));
    }
    return good || fail(l, "\"%.*s\" is malformed", STR_FMT(name));
}

/* A conditional set starts from the unconditional rates and replaces those it names. */
static bool read_sets(const struct loader *l, const struct json_val *list, struct model *m)
{
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct price_set *set = &m->sets[m->n_sets++];
        *set = m->sets[0];
        if (json_type(it.val) != JSON_OBJECT)
            return fail(l, "\"when\" needs a list of objects");
        for (struct json_iter field = json_iter(it.val); json_next(&field);) {
            bool known;
            if (!read_rate(l, field.key, field.val, &set->rates, &known))
                return false;
            if (!known && !read_condition(l, field.key, field.val, set))
                return false;
        }
        m->timed |= set->from_ms > 0 || set->begin != set->end;
    }
    return true;
}

static bool add_name(const struct loader *l, size_t book, const struct model *m, const struct json_val *name)
{
    struct str s;
    if (!take_name(l, name, &s))
        return false;
    struct slot *slot = prices_slot(l->p, book, s);
    if (slot->name.p)
        return fail(l, "two models of the provider have the name \"%.*s\"", STR_FMT(s));
    *slot = (struct slot){s, book, m};
    return true;
}

/* Rates of the model itself, and nothing that is not a field. */
static bool read_fields(const struct loader *l, const struct json_val *object, struct model *m)
{
    struct rates *r = &m->sets[0].rates;
    memset(r, 0xff, sizeof(*r)); /* every rate -1 */
    for (struct json_iter it = json_iter(object); json_next(&it);) {
        bool known, list = str_eq(it.key, STR("also")) || str_eq(it.key, STR("when"));
        if (!read_rate(l, it.key, it.val, r, &known))
            return false;
        if (known || (list && json_type(it.val) == JSON_ARRAY) || str_eq(it.key, STR("note")))
            continue;
        if (!str_eq(it.key, STR("dated")) || json_type(it.val) != JSON_BOOL)
            return fail(l, "\"%.*s\" is no field of a model, or has the wrong type",
                        STR_FMT(str_head(it.key, 64)));
        m->dated = json_bool(it.val, false);
    }
    return (r->input >= 0 && r->output >= 0) || fail(l, "a model needs \"input\" and \"output\"");
}

static bool read_model(struct loader *l, size_t book, const struct json_val *name,
                       const struct json_val *object)
{
    const struct json_val *also = json_get(object, "also"), *when = json_get(object, "when");
    struct model *m = take(l, 1, sizeof(*m));
    if (!m || !(m->sets = take(l, 1 + json_count(when), sizeof(*m->sets))))
        return false;
    m->n_sets = 1;
    if (!read_fields(l, object, m) || !read_sets(l, when, m) || !add_name(l, book, m, name))
        return false;
    for (struct json_iter it = json_iter(also); json_next(&it);)
        if (!add_name(l, book, m, it.val))
            return false;
    if (str_eq(json_str(name), STR("*")))
        l->p->books[book].any = m;
    return true;
}

static bool is_list(const struct json_val *v)
{
    return !v || json_type(v) == JSON_ARRAY;
}

static bool read_fallback(const struct loader *l, struct book *b, const struct json_val *list)
{
    if (!(b->fallback = take(l, json_count(list), sizeof(*b->fallback))))
        return false;
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        size_t other = prices_book(l->p, json_str(it.val));
        if (other == l->p->n_books)
            return fail(l, "a fallback names no provider of this catalogue");
        b->fallback[b->n_fallback++] = other;
    }
    return true;
}

static bool read_book(struct loader *l, size_t book, const struct json_val *object)
{
    struct book *b = &l->p->books[book];
    const struct json_val *prefixes = json_get(object, "prefixes"), *models = json_get(object, "models");
    const struct json_val *fallback = json_get(object, "fallback");
    if (json_count(object) != 1u + (prefixes != NULL) + (fallback != NULL) ||
        json_type(models) != JSON_OBJECT || !is_list(prefixes) || !is_list(fallback))
        return fail(l,
                    "a provider has an object \"models\", and may have lists \"prefixes\" and \"fallback\"");
    if (!read_fallback(l, b, fallback) ||
        !(b->prefixes = take(l, json_count(prefixes), sizeof(*b->prefixes))))
        return false;
    for (struct json_iter it = json_iter(prefixes); json_next(&it);)
        if (!take_name(l, it.val, &b->prefixes[b->n_prefixes++]))
            return false;
    for (struct json_iter it = json_iter(models); json_next(&it);) {
        l->model = it.key;
        if (!read_model(l, book, it.key_val, it.val))
            return false;
    }
    l->model = STR("");
    return true;
}

/* The table must be large enough before the first name goes in; the keys before the first fallback. */
static bool prepare(const struct loader *l, const struct json_val *books)
{
    struct prices *p = l->p;
    size_t names = 0, slots = 2;
    if (!(p->books = take(l, json_count(books), sizeof(*p->books))))
        return false;
    for (struct json_iter it = json_iter(books); json_next(&it);) {
        if (!take_name(l, it.key_val, &p->books[p->n_books].key))
            return false;
        if (prices_book(p, p->books[p->n_books].key) < p->n_books)
            return fail(l, "two providers are called \"%.*s\"", STR_FMT(p->books[p->n_books].key));
        p->n_books++;
        for (struct json_iter m = json_iter(json_get(it.val, "models")); json_next(&m);)
            names += 1 + json_count(json_get(m.val, "also"));
    }
    while (slots < 2 * names)
        slots *= 2;
    p->mask = slots - 1;
    return (p->slots = take(l, slots, sizeof(*p->slots))) != NULL;
}

static bool read_catalogue(struct loader *l, const struct json_val *root)
{
    const struct json_val *books = json_get(root, "providers");
    size_t i = 0;
    if (json_type(books) != JSON_OBJECT)
        return fail(l, "needs an object \"providers\"");
    if (!prepare(l, books))
        return false;
    for (struct json_iter it = json_iter(books); json_next(&it);) {
        l->provider = it.key;
        if (!read_book(l, i++, it.val))
            return false;
    }
    return true;
}

struct prices *prices_load(struct str json, const char **ret_why)
{
    struct loader l = {.p = mem_zalloc(sizeof(struct prices)), .provider = STR(""), .model = STR("")};
    size_t at = 0, line = 1;
    const char *reason = NULL;
    atomic_init(&l.p->refs, 1);
    arena_init(&l.p->arena, PRICES_ARENA_BYTES);
    struct json_doc *doc = json_parse_relaxed(json, &at, &reason);
    for (size_t i = 0; i < at && i < json.n; i++)
        line += json.p[i] == '\n';
    bool ok = doc ? read_catalogue(&l, json_root(doc))
                  : fail(&l, "line %zu: %s", line, reason ? reason : "nested too deeply");
    json_free(doc);
    if (ok)
        return l.p;
    prices_unref(l.p);
    *ret_why = why;
    return NULL;
}
