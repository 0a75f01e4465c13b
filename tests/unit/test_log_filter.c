/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of the log against a model that looks at every row by itself, while rows come, go and are rated. */
#include "tests/unit/store_number.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 3500, GATEWAYS = 2, QUERIES = 400, MIXED_FROM = 1100, MIXED_TO = 1900 };

/* What the model knows of a row. */
struct known {
    struct record r;
    char id[UUID_TEXT + 1], event[16], model[16], metadata[96];
    double feedback;
    struct str note;
    bool gone;
    int n_entries;
    char keys[3][8], values[3][8], entries[3][24];
};

static unsigned seed = 4711;

static unsigned dice(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

static int64_t maybe(int64_t n, unsigned never)
{
    return dice(never) ? n : RECORD_NULL;
}

/* ---- rows ---- */

static void make_metadata(struct known *k)
{
    static const char *const written[] = {"\"0\"",          "0",   "true",       "\"blue\"",
                                          "\"bl\\u0075e\"", "1.5", "\"Red sky\""};
    static const char *const read[] = {"0", "0", "true", "blue", "blue", "1.5", "Red sky"};
    int n = (int)dice(4), at = 0;
    k->n_entries = n;
    for (int i = 0; i < n; i++) {
        unsigned v = dice(countof(written));
        snprintf(k->keys[i], sizeof(k->keys[i]), "k%u", dice(6) * 10 + (unsigned)i);
        snprintf(k->values[i], sizeof(k->values[i]), "%s", read[v]);
        snprintf(k->entries[i], sizeof(k->entries[i]), "%s=%s", k->keys[i], k->values[i]);
        at += snprintf(k->metadata + at, sizeof(k->metadata) - (size_t)at, "%s\"%s\":%s", i ? "," : "{",
                       k->keys[i], written[v]);
    }
    snprintf(k->metadata + at, sizeof(k->metadata) - (size_t)at, "%s", n ? "}" : "");
}

static void make_row(struct fixture *f, struct known *k, int i)
{
    static const struct str providers[] = {S("openai"), S("anthropic"), S("groq")};
    static const struct str agents[] = {S("curl/8"), S("OpenAI/Python 1.0"), {NULL, 0}};
    static const int statuses[] = {200, 200, 200, 429, 500, 0};
    memset(k, 0, sizeof(*k));
    k->r = fixture_record(f, 1 + (int64_t)dice(GATEWAYS));
    uuid_text(k->r.id, k->id);
    snprintf(k->event, sizeof(k->event), "ev-%d", i / 3);
    snprintf(k->model, sizeof(k->model), "model-%u", dice(5));
    make_metadata(k);
    k->r.created_ms = uuid_ms(k->r.id);
    k->r.event_id = dice(4) ? str_of(k->id, UUID_TEXT) : str_c(k->event);
    k->r.provider = providers[k->model[6] % 3];
    k->r.model = dice(9) ? str_c(k->model) : (struct str){NULL, 0};
    k->r.model_type = k->model[6] % 2 ? STR("chat") : STR("embeddings");
    k->r.request_type = dice(5) ? STR("native") : STR("universal");
    k->r.user_agent = agents[dice(3)];
    k->r.request_content_type = STR("application/json");
    k->r.metadata = str_c(k->metadata);
    k->r.status = statuses[dice(countof(statuses))];
    k->r.flags = (k->r.status == 200 ? REC_SUCCESS : 0u) | (k->r.gateway == 1 ? REC_AUTHENTICATION : 0u);
    if (i >= MIXED_FROM && i < MIXED_TO) /* more kinds than a zone counts */
        k->r.flags |=
            (dice(2) ? REC_CACHED : 0u) | (dice(2) ? REC_COMPAT : 0u) | (dice(2) ? REC_WHOLESALE : 0u);
    unsigned kind = k->r.status == 429   ? ERROR_PROVIDER_RATE_LIMITED
                    : k->r.status == 0   ? ERROR_TIMEOUT
                    : k->r.status == 500 ? (i % 5 ? ERROR_PROVIDER : ERROR_NONE) /* as older rows are */
                                         : ERROR_NONE;
    k->r.flags |= kind << REC_ERROR_SHIFT;
    k->r.key_alias = i % 1500 < 200 && dice(3) ? agents[dice(2)] : (struct str){NULL, 0};
    k->r.token = i % 4;
    k->r.tokens_in = maybe(dice(500), 5);
    k->r.tokens_out = maybe(dice(500), 7);
    k->r.cost_pico = maybe((int64_t)dice(1000) * 1000000 * (dice(50) ? 1 : 1000), 6);
    k->r.duration_us = dice(900) * 1000 + dice(1000);
    k->feedback = (double)NAN;
}

/* ---- the model ---- */

struct seen {
    bool absent;
    double number;
    struct str text;
};

static struct seen number_of(int64_t n)
{
    return (struct seen){.absent = n < 0, .number = (double)n};
}

static struct seen text_of(struct str s)
{
    return (struct seen){.absent = s.n == 0, .text = s};
}

static struct seen look(const struct known *k, enum log_key key)
{
    const struct record *r = &k->r;
    switch (key) {
    case KEY_ID: return text_of(str_of(k->id, UUID_TEXT));
    case KEY_CREATED_AT: return number_of(r->created_ms);
    case KEY_REQUEST_CONTENT_TYPE: return text_of(r->request_content_type);
    case KEY_RESPONSE_CONTENT_TYPE: return text_of(r->response_content_type);
    case KEY_REQUEST_TYPE: return text_of(r->request_type);
    case KEY_SUCCESS: return number_of((r->flags & REC_SUCCESS) != 0);
    case KEY_CACHED: return number_of((r->flags & REC_CACHED) != 0);
    case KEY_PROVIDER: return text_of(r->provider);
    case KEY_MODEL: return text_of(r->model);
    case KEY_MODEL_TYPE: return text_of(r->model_type);
    case KEY_STATUS_CODE: return number_of(r->status ? r->status : RECORD_NULL);
    case KEY_COST: return number_of(r->cost_pico);
    case KEY_TOKENS:
        return number_of(r->tokens_in < 0 || r->tokens_out < 0 ? -1 : r->tokens_in + r->tokens_out);
    case KEY_TOKENS_IN: return number_of(r->tokens_in);
    case KEY_TOKENS_OUT: return number_of(r->tokens_out);
    case KEY_DURATION: return number_of((r->duration_us + 500) / 1000);
    case KEY_FEEDBACK: return (struct seen){.absent = isnan(k->feedback), .number = k->feedback};
    case KEY_EVENT_ID: return text_of(r->event_id);
    case KEY_AUTHENTICATION: return number_of((r->flags & REC_AUTHENTICATION) != 0);
    case KEY_WHOLESALE: return number_of((r->flags & REC_WHOLESALE) != 0);
    case KEY_COMPATIBILITY_MODE: return number_of((r->flags & REC_COMPAT) != 0);
    case KEY_USER_AGENT: return text_of(r->user_agent);
    case KEY_TOKEN: return number_of(r->token ? r->token : RECORD_NULL);
    case KEY_ERROR_KIND: return text_of(error_kind_name(error_kind_of_flags(r->flags)));
    case KEY_KEY_ALIAS: return text_of(r->key_alias);
    case KEY_NOTE: return text_of(k->note);
    default: return (struct seen){.absent = true};
    }
}

static bool same(const struct log_value *v, const struct seen *s)
{
    if (v->type == LOG_VALUE_NULL)
        return s->absent;
    if (s->absent || v->type == LOG_VALUE_ABSURD)
        return false;
    return v->type == LOG_VALUE_TEXT ? str_eq(v->text, s->text)
                                     : !s->text.p && fabs(v->number - s->number) < 1e-9;
}

static bool part(const struct log_value *v, const struct seen *s)
{
    if (s->absent || v->type != LOG_VALUE_TEXT)
        return false;
    for (size_t i = 0; i + v->text.n <= s->text.n; i++)
        if (str_ieq(str_of(s->text.p + i, v->text.n), v->text))
            return true;
    return false;
}

static int order(const struct log_value *v, const struct seen *s)
{
    if (v->type != LOG_VALUE_TEXT)
        return s->number > v->number ? 1 : s->number < v->number ? -1 : 0;
    size_t n = s->text.n < v->text.n ? s->text.n : v->text.n;
    int d = memcmp(s->text.p, v->text.p, n);
    return d ? d : (int)s->text.n - (int)v->text.n;
}

static bool holds(const struct log_clause *c, enum log_operator op, const struct seen *s)
{
    bool any = false;
    for (size_t i = 0; i < c->n; i++)
        any |= op == LOG_CONTAINS ? part(&c->values[i], s) : same(&c->values[i], s);
    if (op == LOG_EQ || op == LOG_CONTAINS)
        return any;
    if (op == LOG_NEQ)
        return !any;
    bool text = c->values[0].type == LOG_VALUE_TEXT;
    if (s->absent || c->values[0].type == LOG_VALUE_NULL || c->values[0].type == LOG_VALUE_ABSURD ||
        text != (s->text.p != NULL))
        return false;
    int d = order(&c->values[0], s);
    return op == LOG_LT ? d < 0 : op == LOG_GT ? d > 0 : op == LOG_LE ? d <= 0 : d >= 0;
}

static bool expected(const struct known *k, const struct log_clause *c)
{
    if (!log_kind_is_map(log_keys[c->key].kind)) {
        struct seen s = look(k, c->key);
        return holds(c, c->op, &s);
    }
    struct seen none = {.absent = true};
    if (k->n_entries == 0)
        return holds(c, c->op, &none);
    bool some = false;
    for (int i = 0; i < k->n_entries; i++) {
        struct seen s = text_of(str_c(c->key == KEY_METADATA_KEY     ? k->keys[i]
                                      : c->key == KEY_METADATA_VALUE ? k->values[i]
                                                                     : k->entries[i]));
        some |= holds(c, c->op == LOG_NEQ ? LOG_EQ : c->op, &s);
    }
    return c->op == LOG_NEQ ? !some : some;
}

static bool searched(const struct known *k, struct str search)
{
    const struct record *r = &k->r;
    const struct str texts[] = {str_c(k->id), r->event_id, r->model, r->provider, r->path, r->metadata};
    const struct log_value v = {.type = LOG_VALUE_TEXT, .text = search};
    for (size_t i = 0; i < countof(texts); i++) {
        struct seen s = text_of(texts[i]);
        if (part(&v, &s))
            return true;
    }
    return false;
}

static bool wanted(const struct known *k, const struct log_query *q)
{
    if (k->gone || k->r.gateway != q->gateway || (q->search.n && !searched(k, q->search)))
        return false;
    for (size_t i = 0; i < q->filter.n; i++)
        if (!expected(k, &q->filter.clauses[i]))
            return false;
    return true;
}

/* ---- random questions ---- */

static struct log_value value_from(const struct known *rows, enum log_key key)
{
    const struct known *k = &rows[dice(ROWS)];
    enum log_kind kind = log_keys[key].kind;
    struct log_value v = {.type = LOG_VALUE_NULL};
    if (dice(12) == 0)
        return v;
    if (kind == LOG_MAP_ENTRY) {
        v.type = LOG_VALUE_TEXT;
        v.text = k->n_entries ? str_c(k->entries[0]) : STR("k0=");
        return v;
    }
    if (kind == LOG_MAP_KEY || kind == LOG_MAP_VALUE) {
        v.type = dice(8) ? LOG_VALUE_TEXT : LOG_VALUE_ABSURD;
        v.text = k->n_entries ? str_c(kind == LOG_MAP_KEY ? k->keys[0] : k->values[0]) : STR("nowhere");
        return v;
    }
    struct seen s = look(k, key);
    if (kind == LOG_TEXT) {
        v.type = LOG_VALUE_TEXT;
        v.text = s.absent || dice(10) == 0 ? STR("nobody") : s.text;
        if (dice(3) == 0 && v.text.n > 3)
            v.text = str_of(v.text.p + 1, v.text.n - 2);
        return v;
    }
    v.type = LOG_VALUE_NUMBER;
    v.number = kind == LOG_FLAG ? dice(2) : s.absent ? dice(1000) : s.number;
    return v;
}

static struct str search_from(const struct known *rows)
{
    const struct known *k = &rows[dice(ROWS)];
    const struct str texts[] = {str_c(k->id), str_c(k->event), k->r.model,
                                k->r.path,    k->r.metadata,   STR("nowhere")};
    struct str s = texts[dice(countof(texts))];
    if (s.n <= 4)
        return s;
    size_t from = dice((unsigned)s.n - 3);
    return str_of(s.p + from, 1 + dice((unsigned)(s.n - from)));
}

static void make_clause(struct log_clause *c, struct log_value *values, const struct known *rows)
{
    c->key = (enum log_key)dice(LOG_KEY_COUNT);
    enum log_kind kind = log_keys[c->key].kind;
    do
        c->op = (enum log_operator)dice(7);
    while (c->op == LOG_CONTAINS && (kind == LOG_NUMBER || kind == LOG_FLAG || kind == LOG_TIME));
    c->n = 1 + dice(3);
    for (size_t i = 0; i < c->n; i++)
        values[i] = value_from(rows, c->key);
    c->values = values;
}

static void describe(const struct log_query *q)
{
    print_message("gateway %lld, %s, page %lld of %lld\n", (long long)q->gateway,
                  q->ascending ? "up" : "down", (long long)q->page, (long long)q->per_page);
    print_message("  search '%.*s'\n", STR_FMT(q->search));
    for (size_t i = 0; i < q->filter.n; i++) {
        const struct log_clause *c = &q->filter.clauses[i];
        print_message("  %s, operator %d:", log_keys[c->key].name.p, (int)c->op);
        for (size_t k = 0; k < c->n; k++)
            print_message(" type %d %g '%.*s'", (int)c->values[k].type, c->values[k].number,
                          STR_FMT(c->values[k].text));
        print_message("\n");
    }
}

static void compare_page(struct fixture *f, const struct known *rows, struct log_query q)
{
    struct log_page *page = fixture_list(f, q);
    int64_t total = 0;
    size_t n = 0;
    for (int i = 0; i < ROWS; i++) {
        const struct known *k = &rows[q.ascending ? i : ROWS - 1 - i];
        if (!wanted(k, &q))
            continue;
        bool here = total >= (q.page - 1) * q.per_page && total < q.page * q.per_page;
        total++;
        if (!here)
            continue;
        if (n >= page->n || memcmp(&page->rows[n].r.id, &k->r.id, sizeof(k->r.id)) != 0) {
            describe(&q);
            fail_msg("row %zu is not %s", n, k->id);
        }
        n++;
    }
    if (page->n != n || page->total != total || page->estimated) {
        describe(&q);
        fail_msg("%zu of %lld rows, want %zu of %lld", page->n, (long long)page->total, n, (long long)total);
    }
    log_page_free(page);
}

static void ask_at_random(struct fixture *f, const struct known *rows, int n)
{
    for (int i = 0; i < n; i++) {
        struct log_clause clauses[3];
        struct log_value values[3][3];
        struct log_query q = {
            .gateway = 1 + (int64_t)dice(GATEWAYS), .ascending = dice(2), .meta = dice(5) == 0};
        q.filter = (struct log_filter){clauses, 1 + dice(3)};
        for (size_t k = 0; k < q.filter.n; k++)
            make_clause(&clauses[k], values[k], rows);
        if (dice(4) == 0) {
            q.search = search_from(rows);
            q.filter.n = dice(2);
        }
        q.per_page = 1 + (int64_t)dice(60);
        q.page = 1 + (int64_t)dice(dice(4) ? 2 : 40);
        compare_page(f, rows, q);
    }
}

/* ---- what is counted, against what is there ---- */

static void counts_agree(const struct fixture *f)
{
    assert_int_equal(number(f, "SELECT count(*) FROM zone WHERE facets IS NULL"),
                     number(f, "SELECT count(*) FROM zone WHERE number = 1"));
    assert_int_equal(
        number(f, "SELECT count(*) FROM log JOIN zone ON number = seq >> 10 WHERE facets IS NOT NULL"),
        number(f, "SELECT coalesce(sum(rows), 0) FROM facet"));
    assert_int_equal(
        number(f, "SELECT count(*) FROM zone WHERE rows IS NOT"
                  " (SELECT count(*) FROM log WHERE seq BETWEEN number * 1024 AND number * 1024 + 1023)"),
        0);
    assert_int_equal(number(f, "SELECT count(*) FROM gateway_rows g WHERE rows IS NOT"
                               " (SELECT count(*) FROM log WHERE log.gateway = g.gateway)"),
                     0);
    assert_int_equal(number(f, "SELECT count(*) FROM segment s WHERE rows IS NOT"
                               " (SELECT count(*) FROM log WHERE log.segment = s.number)"),
                     0);
    assert_int_equal(number(f, "SELECT count(*) FROM zone_terms"), number(f, "SELECT count(*) FROM zone"));
    assert_int_equal(number(f, "SELECT count(*) FROM zone_trigrams"), number(f, "SELECT count(*) FROM zone"));
}

/* ---- changes ---- */

static void rate_some(struct fixture *f, struct known *rows)
{
    for (int i = 0; i < 60; i++) {
        struct known *k = &rows[dice(ROWS)];
        struct log_patch p = {.has_feedback = dice(2),
                              .feedback = (double)dice(3) - 1,
                              .has_metadata = dice(2),
                              .has_note = dice(2)};
        if (p.has_feedback && dice(4) == 0)
            p.feedback = (double)NAN;
        p.note = dice(4) ? STR("look at this") : STR("");
        p.metadata = dice(3) ? STR("{\"k99\":\"green\"}") : (struct str){NULL, 0};
        enum err e = fixture_patch(f, k->r.gateway, k->r.id, &p);
        assert_int_equal(e, k->gone ? E_NOT_FOUND : E_OK);
        if (k->gone)
            continue;
        k->feedback = p.has_feedback ? p.feedback : k->feedback;
        k->note = p.has_note ? p.note : k->note;
        if (!p.has_metadata)
            continue;
        k->n_entries = p.metadata.p ? 1 : 0;
        snprintf(k->keys[0], sizeof(k->keys[0]), "k99");
        snprintf(k->values[0], sizeof(k->values[0]), "green");
        snprintf(k->entries[0], sizeof(k->entries[0]), "k99=green");
        snprintf(k->metadata, sizeof(k->metadata), "%.*s", STR_FMT(p.metadata));
        k->r.metadata = str_c(k->metadata);
    }
}

static void delete_some(struct fixture *f, struct known *rows)
{
    for (int i = 0; i < 10; i++) {
        struct log_clause c;
        struct log_value values[3];
        struct log_query q = {.gateway = 1 + (int64_t)dice(GATEWAYS), .ascending = dice(2), .page = 1};
        q.per_page = 1 + dice(40);
        q.filter = (struct log_filter){&c, 1};
        make_clause(&c, values, rows);
        assert_int_equal(fixture_delete(f, &q), E_OK);
        int64_t left = q.per_page;
        for (int k = 0; k < ROWS && left > 0; k++) {
            struct known *row = &rows[q.ascending ? k : ROWS - 1 - k];
            if (wanted(row, &q)) {
                row->gone = true;
                left--;
            }
        }
    }
}

static void push_all(struct fixture *f, struct known *rows, int from, int to)
{
    for (int i = from; i < to; i++) {
        make_row(f, &rows[i], i);
        if (i % 3 == 0)
            rows[i].r.request = fixture_body(str_c(rows[i].id));
        store_push(f->s, &rows[i].r, NULL, NULL);
        if (i % 700 == 699) /* several commits, and rows that are read back */
            fixture_count(f, (struct log_query){.gateway = 1});
    }
}

/* With a gateway 2: rows of one that does not exist are swept away at the next start. */
static void start(struct fixture *f)
{
    fixture_start(f);
    struct change c = {.kind = KIND_GATEWAY,
                       .what = CHANGE_CREATE,
                       .account = str_c(f->first.account),
                       .name = STR("second")};
    assert_int_equal(fixture_change(f, c), E_OK);
}

static void filters_agree_with_the_model(void **state)
{
    (void)state;
    struct fixture f;
    struct known *rows = mem_zalloc(ROWS * sizeof(*rows));
    start(&f);
    push_all(&f, rows, 0, ROWS);
    ask_at_random(&f, rows, QUERIES);
    counts_agree(&f);
    for (int round = 0; round < 5; round++) {
        rate_some(&f, rows);
        delete_some(&f, rows);
        ask_at_random(&f, rows, QUERIES / 5);
        counts_agree(&f);
        if (round == 2) { /* and what a restart reads back */
            assert_int_equal(store_close(f.s), 0);
            fixture_open(&f);
        }
    }
    fixture_end(&f);
    mem_free(rows);
}

/* Rows that are pushed between deletions of the newest ones never stand where those stood. */
static void rows_come_and_go_at_the_end(void **state)
{
    (void)state;
    struct fixture f;
    struct known *rows = mem_zalloc(ROWS * sizeof(*rows));
    start(&f);
    for (int at = 0; at < ROWS; at += 500) {
        push_all(&f, rows, at, at + 500);
        for (int k = at + 500; k < ROWS; k++)
            rows[k].gone = true; /* not there yet */
        struct log_query q = {.gateway = 1, .page = 1, .per_page = 200};
        assert_int_equal(fixture_delete(&f, &q), E_OK);
        int left = 200;
        for (int k = at + 499; k >= 0 && left > 0; k--)
            if (wanted(&rows[k], &q)) {
                rows[k].gone = true;
                left--;
            }
        ask_at_random(&f, rows, 20);
        counts_agree(&f);
    }
    fixture_end(&f);
    mem_free(rows);
}

/* What a row is ordered by. */
static struct seen ranked(const struct known *k, enum log_order o)
{
    static const enum log_key keys[] = {
        [ORDER_PROVIDER] = KEY_PROVIDER,     [ORDER_MODEL] = KEY_MODEL,
        [ORDER_MODEL_TYPE] = KEY_MODEL_TYPE, [ORDER_SUCCESS] = KEY_SUCCESS,
        [ORDER_CACHED] = KEY_CACHED,         [ORDER_COST] = KEY_COST,
        [ORDER_TOKENS_IN] = KEY_TOKENS_IN,   [ORDER_TOKENS_OUT] = KEY_TOKENS_OUT,
        [ORDER_TOKENS] = KEY_TOKENS,         [ORDER_FEEDBACK] = KEY_FEEDBACK,
    };
    return o == ORDER_DURATION ? number_of(k->r.duration_us) : look(k, keys[o]);
}

static struct {
    enum log_order order;
    int sign;
} sorting; /* what `before` sorts by */

static int before(const void *a, const void *b)
{
    const struct known *x = *(const struct known *const *)a, *y = *(const struct known *const *)b;
    struct seen s = ranked(x, sorting.order), t = ranked(y, sorting.order);
    int later = (x > y) - (x < y); /* both are of one array, in the order of arrival */
    if (s.absent || t.absent)
        return s.absent == t.absent ? sorting.sign * later : s.absent ? 1 : -1;
    int d = s.text.p ? str_compare(s.text, t.text) : (s.number > t.number) - (s.number < t.number);
    return sorting.sign * (d ? d : later);
}

static void compare_order(struct fixture *f, const struct known *rows, struct log_query q)
{
    const struct known **all = mem_alloc(ROWS * sizeof(*all));
    struct log_page *page = fixture_list(f, q);
    size_t n = 0, skip = (size_t)((q.page - 1) * q.per_page);
    for (int i = 0; i < ROWS; i++)
        if (wanted(&rows[i], &q))
            all[n++] = &rows[i];
    sorting.order = q.order;
    sorting.sign = q.ascending ? 1 : -1;
    qsort(all, n, sizeof(*all), before);
    size_t want = n <= skip ? 0 : n - skip < (size_t)q.per_page ? n - skip : (size_t)q.per_page;
    if (page->n != want || page->total != (int64_t)n)
        describe(&q);
    assert_int_equal(page->n, want);
    assert_int_equal(page->total, n);
    for (size_t i = 0; i < page->n; i++)
        if (memcmp(&page->rows[i].r.id, &all[skip + i]->r.id, sizeof(struct uuid)) != 0) {
            describe(&q);
            fail_msg("order %d: row %zu is not %s", (int)q.order, i, all[skip + i]->id);
        }
    log_page_free(page);
    mem_free(all);
}

static void orders_agree_with_sorting(void **state)
{
    (void)state;
    struct fixture f;
    struct known *rows = mem_zalloc(ROWS * sizeof(*rows));
    start(&f);
    push_all(&f, rows, 0, ROWS);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20 * ORDER_COUNT; i++) {
            struct log_clause clause;
            struct log_value values[3];
            struct log_query q = {.gateway = 1 + (int64_t)dice(GATEWAYS),
                                  .order = (enum log_order)(1 + dice(ORDER_COUNT - 1)),
                                  .ascending = dice(2),
                                  .per_page = 1 + (int64_t)dice(60),
                                  .page = 1 + (int64_t)dice(dice(4) ? 2 : 40)};
            make_clause(&clause, values, rows);
            q.filter = (struct log_filter){&clause, dice(2)};
            compare_order(&f, rows, q);
        }
        rate_some(&f, rows);
        delete_some(&f, rows);
    }
    fixture_end(&f);
    mem_free(rows);
}

static int64_t exported(struct fixture *f, const struct known *rows, struct log_query q)
{
    int64_t n = 0;
    struct fixture_export x = fixture_export_open(f, &q);
    for (int i = 0; i < ROWS; i++) {
        const struct known *k = &rows[q.ascending ? i : ROWS - 1 - i];
        if (!wanted(k, &q))
            continue;
        const struct log_row *row = fixture_export_row(&x);
        assert_non_null(row);
        assert_memory_equal(&row->r.id, &k->r.id, sizeof(k->r.id));
        n++;
    }
    assert_null(fixture_export_row(&x));
    fixture_export_close(&x);
    return n;
}

static void exports_have_every_row_once(void **state)
{
    (void)state;
    struct fixture f;
    struct known *rows = mem_zalloc(ROWS * sizeof(*rows));
    const struct log_value yes = {.type = LOG_VALUE_NUMBER, .number = 1},
                           never = {.type = LOG_VALUE_NUMBER, .number = -1};
    const struct log_clause success = {KEY_SUCCESS, LOG_EQ, &yes, 1}, none = {KEY_COST, LOG_LT, &never, 1};
    start(&f);
    push_all(&f, rows, 0, ROWS);
    assert_true(exported(&f, rows, (struct log_query){.gateway = 1}) > 1000);
    assert_true(exported(&f, rows,
                         (struct log_query){.gateway = 2, .ascending = true, .filter = {&success, 1}}) > 100);
    assert_int_equal(exported(&f, rows, (struct log_query){.gateway = 1, .filter = {&none, 1}}), 0);
    /* one that is given up in the middle */
    struct log_query q = {.gateway = 1};
    struct fixture_export x = fixture_export_open(&f, &q);
    assert_non_null(fixture_export_row(&x));
    fixture_export_close(&x);
    fixture_end(&f);
    mem_free(rows);
}

/* ---- an older log ---- */

static void change_file(const struct fixture *f, const char *sql)
{
    char path[512], *why = NULL;
    sqlite3 *db;
    snprintf(path, sizeof(path), "%s/logs.db", f->tmp.path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s", why);
    sqlite3_close(db);
}

/* What came after the roll-ups goes; later versions need not be named here. */
static void go_back_to_version_3(const struct fixture *f)
{
    char path[512], sql[1024] = "";
    sqlite3 *db;
    sqlite3_stmt *st;
    snprintf(path, sizeof(path), "%s/logs.db", f->tmp.path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    const char *newer =
        "SELECT group_concat('DROP TABLE ' || name, ';') FROM sqlite_schema WHERE type = 'table'"
        " AND name NOT IN ('log', 'gateway_rows', 'counters', 'rollup', 'size')";
    assert_int_equal(sqlite3_prepare_v2(db, newer, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int n = snprintf(sql, sizeof(sql),
                     "%s; ALTER TABLE log DROP COLUMN saved_pico; ALTER TABLE rollup DROP COLUMN saved_pico;"
                     "ALTER TABLE log DROP COLUMN steps; ALTER TABLE log DROP COLUMN key_alias;"
                     "ALTER TABLE log DROP COLUMN note;"
                     "PRAGMA user_version = 3",
                     (const char *)sqlite3_column_text(st, 0));
    assert_true(n < (int)sizeof(sql));
    sqlite3_finalize(st);
    sqlite3_close(db);
    change_file(f, sql);
}

static void an_older_log_gets_its_zones(void **state)
{
    (void)state;
    struct fixture f;
    struct known *rows = mem_zalloc(ROWS * sizeof(*rows));
    start(&f);
    push_all(&f, rows, 0, ROWS);
    assert_int_equal(store_close(f.s), 0);
    go_back_to_version_3(&f);
    for (int i = 0; i < ROWS; i++)
        rows[i].r.key_alias = STR(""); /* older rows have none */
    fixture_open(&f);
    assert_int_equal(number(&f, "SELECT count(*) FROM unzoned"), 0);
    assert_int_equal(number(&f, "SELECT count(*) FROM zone"), ROWS >> ZONE_SHIFT);
    ask_at_random(&f, rows, 100);
    counts_agree(&f);
    fixture_end(&f);
    mem_free(rows);
}

static void trigrams_know_parts(void **state)
{
    (void)state;
    unsigned char set[TRIGRAMS_BYTES] = {0};
    char text[64];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)dice(256);
    struct str whole = str_of(text, sizeof(text)), kept = str_of((const char *)set, sizeof(set));
    trigrams_put(set, whole);
    trigrams_put(set, STR("Crème Brûlée"));
    for (size_t from = 0; from < whole.n; from++)
        for (size_t n = 0; n <= whole.n - from; n++)
            assert_true(trigrams_may_have(kept, str_of(text + from, n)));
    assert_true(trigrams_may_have(kept, STR("BRûLéE")));
    assert_true(trigrams_may_have(kept, STR("xy")));
    assert_false(trigrams_may_have(kept, STR("brulee")));
    assert_true(trigrams_may_have(STR(""), STR("brulee"))); /* nothing is known */
}

static void totals_of_large_logs_are_near(void **state)
{
    (void)state;
    struct fixture f;
    enum { MANY = 110 * ZONE_ROWS };
    start(&f);
    for (int i = 0; i < MANY; i++) {
        struct record r = fixture_record(&f, 1);
        r.user_agent = i % 3 ? STR("curl/8.0") : STR("other");
        r.provider = i % 4 ? STR("a") : STR("b");
        r.cost_pico = i == 5 ? 7 : 1;
        store_push(f.s, &r, NULL, NULL);
    }
    const struct log_value agent = {.type = LOG_VALUE_TEXT, .text = S("CURL")},
                           b = {.type = LOG_VALUE_TEXT, .text = S("b")},
                           dear = {.type = LOG_VALUE_NUMBER, .number = 5};
    const struct log_clause part_of = {KEY_USER_AGENT, LOG_CONTAINS, &agent, 1},
                            is_b = {KEY_PROVIDER, LOG_EQ, &b, 1}, costs = {KEY_COST, LOG_GT, &dear, 1};
    struct log_page *page =
        fixture_list(&f, (struct log_query){.gateway = 1, .per_page = 5, .filter = {&part_of, 1}});
    assert_true(page->n == 5 && page->estimated);
    assert_true(llabs(page->total - MANY * 2 / 3) < MANY / 100);
    log_page_free(page);
    page = fixture_list(&f, (struct log_query){.gateway = 1, .per_page = 5, .filter = {&is_b, 1}});
    assert_true(page->n == 5 && !page->estimated && page->total == MANY / 4);
    log_page_free(page);
    const struct log_value none = {.type = LOG_VALUE_TEXT, .text = S("wget")};
    const struct log_clause part_of_none = {KEY_USER_AGENT, LOG_CONTAINS, &none, 1};
    page = fixture_list(&f, (struct log_query){.gateway = 1, .filter = {&part_of_none, 1}});
    assert_true(page->n == 0 && !page->estimated); /* no zone had to be looked at */
    log_page_free(page);
    const struct log_value nobody = {.type = LOG_VALUE_NUMBER, .number = 4711};
    const struct log_clause of_nobody = {KEY_TOKEN, LOG_EQ, &nobody, 1};
    page = fixture_list(&f, (struct log_query){.gateway = 1, .filter = {&of_nobody, 1}});
    assert_true(page->n == 0 && !page->estimated);
    log_page_free(page);
    page = fixture_list(&f, (struct log_query){.gateway = 1, .search = S("nowhere")});
    assert_true(page->n == 0 && !page->estimated);
    log_page_free(page);
    page = fixture_list(&f, (struct log_query){.gateway = 1, .filter = {&costs, 1}});
    assert_true(page->n == 1 && !page->estimated && page->total == 1);
    log_page_free(page);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_agree_with_the_model),  cmocka_unit_test(rows_come_and_go_at_the_end),
        cmocka_unit_test(orders_agree_with_sorting),     cmocka_unit_test(exports_have_every_row_once),
        cmocka_unit_test(an_older_log_gets_its_zones),   cmocka_unit_test(trigrams_know_parts),
        cmocka_unit_test(totals_of_large_logs_are_near),
    };
    return cmocka_run_group_tests_name("log_filter", tests, NULL, NULL);
}
