/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every header that means something here is a row of options.def. Most header lines do not begin like
 * one, and are told apart by their first letters.
 */
#include "gateway/options.h"
#include "base/json.h"
#include "base/limits.h"

struct option;
/* Takes a trimmed value over into the option's field. False, and nothing changed: it is malformed. */
typedef bool reader(struct arena *a, const struct option *row, struct str value, void *field);

struct option {
    struct str name, alias;
    const char *config;
    reader *read;
    size_t at; /* of the field in struct options */
    int64_t min, max;
    const char *values, *doc;
};

/* ---- values ---- */

/* Also counts as given when it is empty: then it is a wrong token. */
static bool read_authorization(struct arena *a, const struct option *row, struct str value, void *field)
{
    (void)a, (void)row;
    *(struct str *)field = value;
    return true;
}

static bool read_text(struct arena *a, const struct option *row, struct str value, void *field)
{
    (void)a;
    if (value.n == 0 || value.n > (size_t)row->max)
        return false;
    *(struct str *)field = value;
    return true;
}

static bool read_toggle(struct arena *a, const struct option *row, struct str value, void *field)
{
    (void)a, (void)row;
    bool on;
    if (str_to_bool(value, &on) != E_OK)
        return false;
    *(enum toggle *)field = on ? ON : OFF;
    return true;
}

/* Digits only; more than a number can hold is the largest one. */
static bool digits(struct str value, int64_t *ret)
{
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] < '0' || value.p[i] > '9')
            return false;
    enum err e = str_to_int(value, ret);
    if (e == E_FULL)
        *ret = INT64_MAX;
    return e != E_SYNTAX;
}

static bool read_int(struct arena *a, const struct option *row, struct str value, void *field)
{
    (void)a;
    int64_t n;
    if (!digits(value, &n))
        return false;
    *(int64_t *)field = n < row->min ? row->min : n > row->max ? row->max : n;
    return true;
}

static bool read_attempts(struct arena *a, const struct option *row, struct str value, void *field)
{
    int64_t n;
    if (!read_int(a, row, value, &n))
        return false;
    *(int *)field = (int)n;
    return true;
}

static bool read_cache_ttl(struct arena *a, const struct option *row, struct str value, void *field)
{
    (void)a, (void)row;
    int64_t n;
    if (!digits(value, &n))
        return false;
    *(int64_t *)field = cache_ttl_clamp(n);
    return true;
}

static bool read_backoff(struct arena *a, const struct option *row, struct str value, void *field)
{
    (void)a, (void)row;
    enum backoff b = backoff_of(value);
    if (b == BACKOFF_UNSET)
        return false;
    *(enum backoff *)field = b;
    return true;
}

static bool read_trace_id(struct arena *a, const struct option *row, struct str value, void *field)
{
    (void)row;
    if (value.n != 32)
        return false;
    for (size_t i = 0; i < value.n; i++)
        if (hex_digit(value.p[i]) < 0)
            return false;
    struct str copy = arena_dup(a, value);
    if (!copy.p)
        return false;
    for (size_t i = 0; i < copy.n; i++)
        ((char *)(uintptr_t)copy.p)[i] |= 0x20; /* lower case; digits have the bit already */
    *(struct str *)field = copy;
    return true;
}

static bool read_custom_cost(struct arena *a, const struct option *row, struct str value, void *field)
{
    (void)row;
    struct custom_cost cost, *kept;
    if (!custom_cost_read(value, &cost) || !(kept = arena_new(a, struct custom_cost)))
        return false;
    *kept = cost;
    *(const struct custom_cost **)field = kept;
    return true;
}

static bool read_statuses(struct arena *a, const struct option *row, struct str value, void *field)
{
    (void)row;
    struct statuses s = {0}, *kept;
    for (struct str rest = value; rest.p;)
        if (!statuses_add(&s, str_trim(str_cut(&rest, ','))))
            return false;
    if (!value.p || !(kept = arena_new(a, struct statuses)))
        return false;
    *kept = s;
    *(const struct statuses **)field = kept;
    return true;
}

static bool read_trace(struct arena *a, const struct option *row, struct str value, void *field)
{
    (void)a, (void)row;
    bool on = str_ieq(value, STR("explain"));
    if (!on && str_to_bool(value, &on) != E_OK)
        return false;
    *(enum trace_wish *)field = str_ieq(value, STR("explain")) ? TRACE_EXPLAIN : on ? TRACE_ON : TRACE_OFF;
    return true;
}

/* ---- metadata ---- */

static bool is_flat(const struct json_val *map)
{
    for (struct json_iter it = json_iter(map); json_next(&it);) {
        enum json_type type = json_type(it.val);
        if (type != JSON_STRING && type != JSON_NUMBER && type != JSON_BOOL)
            return false;
    }
    return json_type(map) == JSON_OBJECT;
}

/* The first `most` entries of a flat map without those whose keys are the gateway's; tells how many. */
static size_t put_entries(struct json_out *w, const struct json_val *map, size_t most)
{
    size_t kept = 0;
    for (struct json_iter it = json_iter(map); json_next(&it) && kept < most;) {
        if (str_starts(it.key, STR("cf.")))
            continue;
        kept++;
        json_key_str(w, it.key);
        json_put_val(w, it.val);
    }
    return kept;
}

struct str options_metadata(struct arena *a, struct str json)
{
    struct json_doc *doc = json_parse(json);
    struct str out = {NULL, 0};
    struct buf b;
    buf_init(&b, METADATA_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    /* one nested value and the whole map is void */
    size_t kept = is_flat(json_root(doc)) ? put_entries(&w, json_root(doc), METADATA_ENTRIES) : 0;
    json_close(&w, '}');
    if (kept && !b.full)
        out = arena_dup(a, buf_str(&b));
    buf_done(&b);
    json_free(doc);
    return out;
}

struct str options_metadata_with_user(struct arena *a, struct str metadata, struct str user_id)
{
    struct json_doc *doc = json_parse(metadata);
    struct buf b;
    buf_init(&b, 2 * METADATA_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    (void)put_entries(&w, json_root(doc), METADATA_ENTRIES - 1);
    json_add_str(&w, "cf.user_id", user_id);
    json_close(&w, '}');
    struct str out = b.full ? metadata : arena_dup(a, buf_str(&b));
    buf_done(&b);
    json_free(doc);
    return out;
}

static bool read_metadata(struct arena *a, const struct option *row, struct str value, void *field)
{
    (void)row;
    struct str map = options_metadata(a, value);
    if (!map.p)
        return false;
    *(struct str *)field = map;
    return true;
}

/* ---- the table ---- */

static const struct option table[] = {
#define OPTION(name, alias, config, reader, field, min, max, values, doc)                                    \
    {S(name), S(alias), config, read_##reader, offsetof(struct options, field), min, max, values, doc},
#include "gateway/options.def"
#undef OPTION
};
_Static_assert(countof(table) <= 64, "options_read has a bit for each");

static bool take(struct arena *a, const struct option *row, struct str value, struct options *o)
{
    return row->read(a, row, str_trim(value), (char *)o + row->at);
}

struct options options_none(void)
{
    return (struct options){
        .cache_ttl_s = -1, .request_timeout_ms = -1, .retry_delay_ms = -1, .total_timeout_ms = -1};
}

/* "cf-" or "weir-" in any case, or nearly: most lines are neither. */
static bool may_be_ours(struct str name)
{
    if (name.n < 8)
        return false;
    char a = (char)(name.p[0] | 0x20), b = (char)(name.p[1] | 0x20);
    return (a == 'c' && b == 'f') || (a == 'w' && b == 'e');
}

/* An alias counts only where its name was not read from the same headers, before it or after. */
static void read_header(struct arena *a, const struct header *h, struct options *o, uint64_t *seen)
{
    for (size_t i = 0; i < countof(table); i++) {
        uint64_t bit = UINT64_C(1) << i;
        if (str_ieq(h->name, table[i].name)) {
            if (take(a, &table[i], h->value, o))
                *seen |= bit;
            return;
        }
        if (table[i].alias.n && str_ieq(h->name, table[i].alias)) {
            if (!(*seen & bit))
                (void)take(a, &table[i], h->value, o);
            return;
        }
    }
}

void options_read(struct arena *a, const struct headers *h, struct options *o)
{
    uint64_t seen = 0;
    for (unsigned i = 0; i < h->n; i++)
        if (may_be_ours(h->v[i].name))
            read_header(a, &h->v[i], o, &seen);
}

/* ---- a step's config ---- */

/* The value as a header would have it; false for what no header says. */
static bool put_text(struct buf *out, const struct json_val *v)
{
    int64_t n;
    if (json_number(v).p) /* larger than any number */
        return buf_append(out, json_number(v)) == E_OK;
    switch (json_type(v)) {
    case JSON_STRING: return buf_append(out, json_str(v)) == E_OK;
    case JSON_BOOL: return buf_append_c(out, json_bool(v, false) ? "true" : "false") == E_OK;
    case JSON_NUMBER: return json_uint(v, &n) && buf_printf(out, "%lld", (long long)n) == E_OK;
    default: return false;
    }
}

static bool put_list(struct buf *out, const struct json_val *list)
{
    const char *sep = "";
    for (struct json_iter it = json_iter(list); json_next(&it); sep = ",")
        if (buf_append_c(out, sep) != E_OK || !put_text(out, it.val))
            return false;
    return true;
}

static void read_member(struct arena *a, const struct option *row, const struct json_val *v,
                        struct options *o)
{
    struct buf text;
    buf_init(&text, 4 * KIB);
    bool ok =
        json_type(v) == JSON_ARRAY && row->read == read_statuses ? put_list(&text, v) : put_text(&text, v);
    if (ok)
        (void)take(a, row, buf_str(&text), o);
    buf_done(&text);
}

void options_read_config(struct arena *a, struct str json, struct options *o)
{
    struct json_doc *doc = json_parse(json);
    const struct json_val *root = json_root(doc);
    for (size_t i = 0; i < countof(table); i++)
        if (table[i].config)
            read_member(a, &table[i], json_get(root, table[i].config), o);
    json_free(doc);
}

/* ---- documentation ---- */

static const char intro[] =
    "# Request headers\n\n"
    "Printed by `weir docs headers`. What a caller may ask of the gateway, request by request. None of "
    "these\n"
    "headers reaches a provider.\n\n"
    "Names are in any letter case, values are trimmed. A boolean is `true`, `false`, `1` or `0`. A whole "
    "number\n"
    "is digits only; one outside its range is moved to the nearer end. What is malformed is ignored and "
    "never\n"
    "fails a request. Of several lines of one name the last counts.\n\n"
    "A header wins over the gateway's setting. In a step of a Universal request the same headers may stand "
    "in\n"
    "`headers`, where they win over those of the request, and some in `config`, which wins over both. What\n"
    "protects a gateway (authentication, rate limits, `byok_only`) cannot be loosened by a header.\n\n"
    "| Header | Values | In `config` | Meaning |\n| --- | --- | --- | --- |\n";

void options_document(struct buf *out)
{
    (void)buf_append_c(out, intro);
    for (size_t i = 0; i < countof(table); i++) {
        const struct option *row = &table[i];
        (void)buf_printf(out, "| `%.*s`", STR_FMT(row->name));
        if (row->alias.n)
            (void)buf_printf(out, "; older: `%.*s`", STR_FMT(row->alias));
        (void)buf_printf(out, " | %s | ", row->values);
        if (row->config)
            (void)buf_printf(out, "`%s`", row->config);
        (void)buf_printf(out, " | %s |\n", row->doc);
    }
}
