/* SPDX-License-Identifier: Apache-2.0 */
/* Analytics against sums that anybody can follow: random rows, random questions. */
#include "tests/unit/store_fixture.h"

#include "base/limits.h"
#include "store/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROWS = 2000, GATEWAYS = 3, GROUPS = 4096, HOURS = 50 };

static const struct str providers[] = {S("openai"), S("anthropic"), S("workers-ai")};
static const struct str models[] = {S("small"), S("large"), {NULL, 0}};
static const struct str agents[] = {S("curl/8"), S("OpenAI/Python 1.51.0")};
static const struct str metadata[] = {{NULL, 0},
                                      S("{\"user\":\"u-7\",\"n\":3}"),
                                      S("{\"user\":\"u-8\"}"),
                                      S("{\"team\":\"blue \\\"1\\\"\",\"ok\":true}")};
static const int statuses[] = {200, 429, 500, 0};

struct rig {
    struct fixture f;
    struct str account;
    const struct gateway *gateways[GATEWAYS];
    struct catalog *catalog;
    struct record rows[ROWS];
    int64_t now_s;
};

static int roll(int n)
{
    return rand() % n;
}

static struct uuid id_at(int64_t ms, unsigned number)
{
    struct uuid id = {{0}};
    for (int i = 0; i < 6; i++)
        id.b[i] = (unsigned char)(ms >> (40 - 8 * i));
    id.b[6] = 0x70;
    for (int i = 0; i < 4; i++)
        id.b[12 + i] = (unsigned char)(number >> (24 - 8 * i));
    return id;
}

static struct record random_row(struct rig *r, unsigned number)
{
    struct record row = fixture_record(&r->f, r->gateways[roll(GATEWAYS)]->id);
    bool success = roll(3);
    row.created_ms = r->now_s * 1000 - 1 - (int64_t)roll(HOURS * 3600) * 1000;
    row.id = id_at(row.created_ms + roll(1000), number);
    row.provider = providers[roll(countof(providers))];
    row.model = models[roll(countof(models))];
    row.user_agent = agents[roll(countof(agents))];
    row.metadata = metadata[roll(countof(metadata))];
    row.status = statuses[success ? 0 : roll(countof(statuses))];
    row.flags = (success ? REC_SUCCESS : 0u) | (roll(4) ? 0u : REC_CACHED) | (roll(5) ? 0u : REC_FOLLOWED) |
                (roll(9) ? 0u : REC_RATE_LIMITED) | (roll(6) ? 0u : REC_WHOLESALE) |
                (roll(3) ? 0u : REC_CACHE_MISSED) | (roll(8) ? 0u : REC_NO_ROW);
    row.flags |= success ? 0u : (unsigned)roll(4) << REC_ERROR_SHIFT;
    row.duration_us = (int64_t)roll(1000) * roll(10000);
    row.latency_us = roll(4) ? row.duration_us / 2 : RECORD_NULL;
    row.tokens_in = roll(4) ? roll(100000) : RECORD_NULL;
    row.tokens_out = roll(4) ? roll(100000) : RECORD_NULL;
    row.cached_tokens = row.tokens_in > 0 ? roll(100) : RECORD_NULL;
    row.cache_write_tokens = row.tokens_in > 0 ? roll(10) : RECORD_NULL;
    row.cost_pico = roll(4) ? (int64_t)roll(100000) * 1000007 : RECORD_NULL;
    row.saved_pico = row.flags & REC_CACHED && roll(3) ? (int64_t)roll(1000) * 1000003 : RECORD_NULL;
    row.token = roll(3);
    row.request_bytes = roll(100000);
    row.response_bytes = roll(100000);
    return row;
}

static void rig_start(struct rig *r)
{
    static const struct str slugs[GATEWAYS] = {S("team-a"), S("team-b"), S("other")};
    memset(r, 0, sizeof(*r));
    fixture_start(&r->f);
    r->account = str_c(r->f.first.account);
    for (size_t i = 0; i < GATEWAYS; i++)
        assert_int_equal(fixture_change(&r->f, (struct change){.kind = KIND_GATEWAY,
                                                               .what = CHANGE_CREATE,
                                                               .account = r->account,
                                                               .name = slugs[i]}),
                         E_OK);
    r->catalog = store_catalog(r->f.s);
    for (size_t i = 0; i < GATEWAYS; i++)
        r->gateways[i] = catalog_gateway(r->catalog, r->account, slugs[i]);
    r->now_s = clock_wall_ms() / 1000;
}

static void rig_fill(struct rig *r)
{
    for (unsigned i = 0; i < ROWS; i++) {
        r->rows[i] = random_row(r, i);
        store_push(r->f.s, &r->rows[i], NULL, NULL);
    }
}

static void rig_end(struct rig *r)
{
    catalog_unref(r->catalog);
    fixture_end(&r->f);
}

/* ---- asking ---- */

struct group {
    char key[512];
    struct analytics_row row;
};

struct asking {
    struct rig *rig;
    struct analytics_query q;
    struct analytics_plan plan;
    enum err err;
    struct group groups[GROUPS];
    size_t n;
};
static struct asking asking; /* large */

static int put_value(char *out, size_t n, const struct analytics_value *v)
{
    return v->kind == VALUE_NULL  ? snprintf(out, n, "-|")
           : v->kind == VALUE_INT ? snprintf(out, n, "%lld|", (long long)v->n)
                                  : snprintf(out, n, "%.*s|", STR_FMT(v->s));
}

static void on_row(void *arg, const struct analytics_row *row)
{
    struct asking *k = arg;
    if (k->n == GROUPS)
        return;
    struct group *g = &k->groups[k->n++];
    size_t at = 0;
    g->row = *row;
    g->key[0] = '\0';
    for (int d = 0; d < DIM_COUNT; d++)
        if (k->q.dimensions >> d & 1)
            at += (size_t)put_value(g->key + at, sizeof(g->key) - at, &row->dimensions[d]);
}

static void run(void *arg, struct analytics *a)
{
    struct asking *k = arg;
    k->n = 0;
    k->err = analytics_run(a, &k->q, &k->plan, on_row, k);
}

static void ran(void *arg)
{
    struct asking *k = arg;
    fixture_answered(&k->rig->f);
}

static void ask(struct rig *r, struct analytics_query q)
{
    asking.rig = r;
    asking.q = q;
    asking.q.account = r->account;
    asking.q.limit = q.limit ? q.limit : GROUPS;
    assert_int_equal(analytics_plan(&asking.q, r->now_s, &asking.plan), E_OK);
    store_ask_analytics(r->f.s, r->f.loop, run, ran, &asking);
    fixture_wait(&r->f);
    assert_int_equal(asking.err, E_OK);
}

/* ---- the same by hand ---- */

static struct analytics_value number(int64_t n)
{
    return (struct analytics_value){.kind = n < 0 ? VALUE_NULL : VALUE_INT, .n = n};
}

static struct analytics_value text(struct str s)
{
    return (struct analytics_value){.kind = VALUE_TEXT, .s = s.n ? s : STR("")};
}

static const struct str keys_of[] = {S("[]"), S("[\"user\",\"n\"]"), S("[\"user\"]"), S("[\"team\",\"ok\"]")};
static const struct str values_of[] = {S("[]"), S("[\"u-7\",\"3\"]"), S("[\"u-8\"]"),
                                       S("[\"blue \\\"1\\\"\",\"true\"]")};

static size_t metadata_number(const struct record *r)
{
    size_t i = 0;
    while (metadata[i].p != r->metadata.p)
        i++;
    return i;
}

static struct analytics_value value_of(struct rig *rig, const struct record *r, int d)
{
    int64_t s = r->created_ms / 1000;
    switch (d) {
    case DIM_DATE: return number(s / 86400 * 86400);
    case DIM_DATETIME: return number(s);
    case DIM_MINUTE: return number(s / 60 * 60);
    case DIM_FIVE_MINUTES: return number(s / 300 * 300);
    case DIM_FIFTEEN_MINUTES: return number(s / 900 * 900);
    case DIM_HOUR: return number(s / 3600 * 3600);
    case DIM_GATEWAY: return text(catalog_gateway_id(rig->catalog, r->gateway)->slug);
    case DIM_PROVIDER: return text(r->provider);
    case DIM_MODEL: return text(r->model);
    case DIM_CACHED: return number((r->flags & REC_CACHED) != 0);
    case DIM_ERROR: return number(!(r->flags & REC_SUCCESS));
    case DIM_RATE_LIMITED: return number((r->flags & REC_RATE_LIMITED) != 0);
    case DIM_STATUS: return number(r->status);
    case DIM_WHOLESALE: return number((r->flags & REC_WHOLESALE) != 0);
    case DIM_ERROR_KIND: return text(error_kind_name(error_kind_of_flags(r->flags)));
    case DIM_DURATION: return number((r->duration_us + 500) / 1000);
    case DIM_TOKENS_IN: return number(r->tokens_in);
    case DIM_TOKENS_OUT: return number(r->tokens_out);
    case DIM_COST: return number(r->cost_pico);
    case DIM_USER_AGENT: return text(r->user_agent);
    case DIM_METADATA_KEYS: return text(keys_of[metadata_number(r)]);
    case DIM_METADATA_VALUES: return text(values_of[metadata_number(r)]);
    case DIM_METADATA_RAW: return text(r->metadata);
    default: return text(r->flags & REC_CACHED ? STR("hit") : STR("miss"));
    }
}

static int compare(struct analytics_value a, struct analytics_value b)
{
    if (a.kind == VALUE_INT)
        return (a.n > b.n) - (a.n < b.n);
    size_t n = a.s.n < b.s.n ? a.s.n : b.s.n;
    int c = memcmp(a.s.p, b.s.p, n);
    return c ? c : (a.s.n > b.s.n) - (a.s.n < b.s.n);
}

static bool among(struct analytics_value v, const struct analytics_filter *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (v.kind != VALUE_NULL && compare(v, f->values[i]) == 0)
            return true;
    return false;
}

/* Entries are told apart well enough by their quotes. */
static bool has(struct str list, struct str want)
{
    char quoted[64];
    size_t n = (size_t)snprintf(quoted, sizeof(quoted), "\"%.*s\"", STR_FMT(want));
    return str_has(list, str_of(quoted, n));
}

static size_t count_had(struct analytics_value v, const struct analytics_filter *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        n += has(v.s, f->values[i].s);
    return n;
}

static bool passes(struct rig *rig, const struct record *r, const struct analytics_filter *f)
{
    if (f->kind != FILTER_TEST) {
        for (const struct analytics_filter *c = f->first; c; c = c->next)
            if (passes(rig, r, c) == (f->kind == FILTER_ANY))
                return f->kind == FILTER_ANY;
        return f->kind == FILTER_ALL;
    }
    struct analytics_value v = value_of(rig, r, (int)f->dimension);
    bool null = v.kind == VALUE_NULL;
    int c = null ? 0 : f->op <= OP_NEQ ? compare(v, f->values[0]) : 0;
    switch (f->op) {
    case OP_EQ: return !null && c == 0;
    case OP_GT: return !null && c > 0;
    case OP_GEQ: return !null && c >= 0;
    case OP_LT: return !null && c < 0;
    case OP_LEQ: return !null && c <= 0;
    case OP_NEQ: return null || c != 0;
    case OP_IN: return among(v, f);
    case OP_NOTIN: return !among(v, f);
    case OP_LIKE: return str_has(v.s, STR("a")); /* the only pattern below */
    case OP_HAS:
    case OP_HAS_ALL: return count_had(v, f) == f->n;
    default: return count_had(v, f) > 0;
    }
}

struct naive {
    char key[512];
    int64_t sums[MEASURE_ALL_COUNT];
    int64_t times[ROWS], first[ROWS];
    size_t n_times, n_first;
};

static void add(struct naive *g, const struct record *r)
{
    bool counted = !(r->flags & REC_FOLLOWED), cached = r->flags & REC_CACHED;
    int64_t in = r->tokens_in > 0 ? r->tokens_in : 0, out = r->tokens_out > 0 ? r->tokens_out : 0;
    g->sums[MEASURE_COUNT] += counted;
    g->sums[MEASURE_CACHED_REQUESTS] += counted && cached;
    g->sums[MEASURE_ERRORED_REQUESTS] += counted && !(r->flags & REC_SUCCESS);
    g->sums[cached ? MEASURE_CACHED_TOKENS_IN : MEASURE_UNCACHED_TOKENS_IN] += in;
    g->sums[cached ? MEASURE_CACHED_TOKENS_OUT : MEASURE_UNCACHED_TOKENS_OUT] += out;
    g->sums[MEASURE_TOKENS_IN] += in;
    g->sums[MEASURE_TOKENS_OUT] += out;
    g->sums[MEASURE_CACHE_READ_TOKENS] += r->cached_tokens > 0 ? r->cached_tokens : 0;
    g->sums[MEASURE_CACHE_WRITE_TOKENS] += r->cache_write_tokens > 0 ? r->cache_write_tokens : 0;
    g->sums[MEASURE_COST] += r->cost_pico > 0 ? r->cost_pico : 0;
    g->sums[MEASURE_SAVED] += r->saved_pico > 0 ? r->saved_pico : 0;
    g->sums[MEASURE_ATTEMPTS]++;
    g->sums[MEASURE_UNPRICED] += (r->flags & REC_SUCCESS) && r->cost_pico < 0;
    g->sums[MEASURE_REQUEST_BYTES] += r->request_bytes;
    g->sums[MEASURE_RESPONSE_BYTES] += r->response_bytes;
    if (counted)
        g->times[g->n_times++] = r->duration_us;
    if (counted && r->latency_us >= 0)
        g->first[g->n_first++] = r->latency_us;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void check_times(const struct group *g, int64_t *times, size_t n, int average, int p50)
{
    static const int shares[] = {50, 90, 95, 99};
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += times[i];
    qsort(times, n, sizeof(*times), by_size);
    const struct analytics_value *told = g->row.measures;
    assert_int_equal(told[average].kind, n ? VALUE_INT : VALUE_NULL);
    if (n)
        assert_int_equal(told[average].n, sum / (int64_t)n);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(told[p50 + i].kind, n ? VALUE_INT : VALUE_NULL);
        size_t rank = (n * (size_t)shares[i] + 99) / 100;
        if (n && llabs(told[p50 + i].n - times[rank - 1]) * 64 > times[rank - 1])
            fail_msg("p%d is told as %lld, not %lld", shares[i], (long long)told[p50 + i].n,
                     (long long)times[rank - 1]);
    }
}

static struct naive *by_hand[GROUPS];
static size_t n_by_hand;

static void clear_by_hand(void)
{
    while (n_by_hand)
        mem_free(by_hand[--n_by_hand]);
}

static struct naive *group_of(const char *key)
{
    for (size_t i = 0; i < n_by_hand; i++)
        if (strcmp(by_hand[i]->key, key) == 0)
            return by_hand[i];
    assert_true(n_by_hand < GROUPS);
    struct naive *g = mem_zalloc(sizeof(*g));
    snprintf(g->key, sizeof(g->key), "%s", key);
    return by_hand[n_by_hand++] = g;
}

static bool of_node(const struct record *r, enum analytics_node node)
{
    return node == NODE_ERRORS  ? !(r->flags & REC_SUCCESS)
           : node == NODE_CACHE ? (r->flags & (REC_CACHED | REC_CACHE_MISSED)) != 0
                                : true;
}

static void sum_by_hand(struct rig *rig, const struct analytics_query *q)
{
    clear_by_hand();
    for (size_t i = 0; i < ROWS; i++) {
        const struct record *r = &rig->rows[i];
        char key[512] = "";
        size_t at = 0;
        if (!of_node(r, q->node) || (asking.plan.from_log && r->flags & REC_NO_ROW) ||
            (q->filter && !passes(rig, r, q->filter)))
            continue;
        for (int d = 0; d < DIM_COUNT; d++)
            if (q->dimensions >> d & 1) {
                struct analytics_value v = value_of(rig, r, d);
                at += (size_t)put_value(key + at, sizeof(key) - at, &v);
            }
        add(group_of(key), r);
    }
}

static bool is_told(const struct naive *g, enum analytics_node node)
{
    return g->sums[MEASURE_COUNT] ||
           ((node == NODE_REQUESTS || node == NODE_LABELS) &&
            (g->sums[MEASURE_COST] || g->sums[MEASURE_TOKENS_IN] || g->sums[MEASURE_TOKENS_OUT]));
}

static void check_answer(const struct analytics_query *q)
{
    size_t told = 0;
    for (size_t i = 0; i < n_by_hand; i++)
        told += is_told(by_hand[i], q->node);
    assert_int_equal(asking.n, told);
    for (size_t i = 0; i < asking.n; i++) {
        struct naive *g = group_of(asking.groups[i].key);
        for (int m = 0; m < MEASURE_AVG_DURATION; m++)
            if (q->measures >> m & 1 && asking.groups[i].row.measures[m].n != g->sums[m])
                fail_msg("%s of %s: %lld, not %lld", analytics_measures[m].name, g->key,
                         (long long)asking.groups[i].row.measures[m].n, (long long)g->sums[m]);
        if (q->node != NODE_REQUESTS)
            continue;
        check_times(&asking.groups[i], g->times, g->n_times, MEASURE_AVG_DURATION, MEASURE_DURATION_P50);
        check_times(&asking.groups[i], g->first, g->n_first, MEASURE_AVG_TTFT, MEASURE_TTFT_P50);
    }
}

/* ---- random questions ---- */

struct made {
    struct analytics_filter filters[64];
    struct analytics_value values[128];
    size_t n_filters, n_values;
};

static struct analytics_filter *make_test(struct rig *rig, struct made *m, bool log)
{
    struct analytics_filter *f = &m->filters[m->n_filters++];
    int last = log ? DIM_METADATA_RAW : DIM_WHOLESALE;
    int d = roll(last + 1);
    while (!log && d == DIM_DATETIME)
        d = roll(last + 1);
    bool list = d == DIM_METADATA_KEYS || d == DIM_METADATA_VALUES;
    static const struct str entries[] = {S("user"), S("n"), S("team"), S("u-7"),
                                         S("true"), S("3"), S("none")};
    int op = list ? OP_HAS + roll(3) : roll(OP_LIKE);
    bool many = op == OP_IN || op == OP_NOTIN || op == OP_HAS_ANY || op == OP_HAS_ALL;
    *f = (struct analytics_filter){.kind = FILTER_TEST,
                                   .dimension = (enum analytics_dimension)d,
                                   .op = (enum analytics_op)op,
                                   .values = &m->values[m->n_values],
                                   .n = many ? (size_t)roll(3) : 1};
    if (!list && analytics_dimensions[d].type == TYPE_TEXT && roll(4) == 0) {
        f->op = OP_LIKE;
        f->n = 1;
        m->values[m->n_values++] = text(STR("%a%"));
        return f;
    }
    for (size_t i = 0; i < f->n; i++) {
        struct analytics_value v = value_of(rig, &rig->rows[roll(ROWS)], d);
        if (list)
            v = text(entries[roll(countof(entries))]);
        if (v.kind == VALUE_NULL)
            v = number(5);
        m->values[m->n_values++] = v;
    }
    return f;
}

static struct analytics_filter *make_filter(struct rig *rig, struct made *m, int depth, bool log)
{
    if (depth == 0 || roll(3) == 0)
        return make_test(rig, m, log);
    struct analytics_filter *f = &m->filters[m->n_filters++], **end = &f->first;
    *f = (struct analytics_filter){.kind = roll(2) ? FILTER_ALL : FILTER_ANY};
    for (int i = 1 + roll(2); i > 0; i--) {
        *end = make_filter(rig, m, depth - 1, log);
        end = &(*end)->next;
    }
    return f;
}

static uint64_t random_dimensions(bool log)
{
    uint64_t mask = 0;
    for (int n = roll(4); n > 0; n--)
        mask |= UINT64_C(1) << roll(DIM_WHOLESALE + 1);
    mask &= log ? UINT64_MAX : ~(UINT64_C(1) << DIM_DATETIME);
    return log ? mask | UINT64_C(1) << (DIM_DURATION + roll(DIM_METADATA_RAW - DIM_DURATION + 1)) : mask;
}

static const uint64_t all_measures = (UINT64_C(1) << MEASURE_ROWS) - 1;

static void compare_random(bool log)
{
    static struct rig rig;
    srand(log ? 11 : 7);
    size_t groups = 0;
    rig_start(&rig);
    rig_fill(&rig);
    for (int i = 0; i < 100; i++) {
        struct made made = {0};
        struct analytics_query q = {.node = NODE_REQUESTS, .measures = all_measures};
        q.dimensions = random_dimensions(log);
        q.filter = roll(5) ? make_filter(&rig, &made, 3, log) : NULL;
        ask(&rig, q);
        if (log)
            assert_true(asking.plan.from_log);
        sum_by_hand(&rig, &q);
        check_answer(&q);
        groups += asking.n;
    }
    assert_true(groups > 1000);
    clear_by_hand();
    rig_end(&rig);
}

static void rollups_agree_with_sums(void **state)
{
    (void)state;
    compare_random(false);
}

static void the_log_agrees_with_sums(void **state)
{
    (void)state;
    compare_random(true);
}

static void other_nodes_count_their_part(void **state)
{
    (void)state;
    static struct rig rig;
    const uint64_t by = UINT64_C(1) << DIM_PROVIDER | UINT64_C(1) << DIM_HOUR;
    srand(3);
    rig_start(&rig);
    rig_fill(&rig);
    struct analytics_query cache = {
        .node = NODE_CACHE, .measures = 1, .dimensions = by | UINT64_C(1) << DIM_CACHE_OP};
    struct analytics_query errors = {.node = NODE_ERRORS, .measures = 1, .dimensions = by};
    ask(&rig, cache);
    sum_by_hand(&rig, &cache);
    check_answer(&cache);
    ask(&rig, errors);
    sum_by_hand(&rig, &errors);
    check_answer(&errors);

    struct analytics_query size = {.node = NODE_SIZE,
                                   .measures = UINT64_C(1) << MEASURE_ROWS,
                                   .dimensions = UINT64_C(1) << DIM_GATEWAY | UINT64_C(1)
                                                                                  << DIM_LOG_MANAGEMENT};
    ask(&rig, size);
    assert_int_equal(asking.n, GATEWAYS);
    int64_t rows = 0, all = 0;
    for (size_t i = 0; i < asking.n; i++) {
        rows += asking.groups[i].row.measures[MEASURE_ROWS].n;
        assert_int_equal(asking.groups[i].row.dimensions[DIM_LOG_MANAGEMENT].n, 10000000);
    }
    for (size_t i = 0; i < ROWS; i++)
        all += !(rig.rows[i].flags & REC_NO_ROW);
    assert_int_equal(rows, all);
    clear_by_hand();
    rig_end(&rig);
}

/* Labels of a row by number: its entries, then its token. False: it has no more. */
static bool label_of(const struct record *r, size_t i, struct str *ret_label, struct str *ret_value)
{
    static const struct {
        size_t metadata;
        struct str label, value;
    } entries[] = {{1, S("user"), S("u-7")},
                   {1, S("n"), S("3")},
                   {2, S("user"), S("u-8")},
                   {3, S("team"), S("blue \"1\"")},
                   {3, S("ok"), S("true")}};
    static const struct str tokens[] = {S(""), S("1"), S("2")};
    for (size_t k = 0; k < countof(entries); k++)
        if (entries[k].metadata == metadata_number(r) && i-- == 0) {
            *ret_label = entries[k].label;
            *ret_value = entries[k].value;
            return true;
        }
    *ret_label = STR(LABEL_TOKEN);
    *ret_value = tokens[r->token];
    return i == 0 && r->token;
}

static void sum_labels_by_hand(struct rig *rig, const struct analytics_query *q, const char *only)
{
    struct str label, value;
    clear_by_hand();
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; label_of(&rig->rows[i], k, &label, &value); k++) {
            char key[512] = "";
            if (only && !str_eq(label, str_c(only)))
                continue;
            if (q->dimensions >> DIM_HOUR & 1)
                put_value(key, sizeof(key),
                          &(struct analytics_value){.kind = VALUE_INT,
                                                    .n = rig->rows[i].created_ms / 3600000 * 3600});
            snprintf(key + strlen(key), sizeof(key) - strlen(key), "%.*s|%.*s|", STR_FMT(label),
                     STR_FMT(value));
            add(group_of(key), &rig->rows[i]);
        }
}

static void labels_agree_with_sums(void **state)
{
    (void)state;
    static struct rig rig;
    static const int measures[] = {MEASURE_COUNT,     MEASURE_CACHED_REQUESTS, MEASURE_ERRORED_REQUESTS,
                                   MEASURE_TOKENS_IN, MEASURE_TOKENS_OUT,      MEASURE_COST,
                                   MEASURE_SAVED,     MEASURE_UNPRICED};
    const uint64_t by = UINT64_C(1) << DIM_LABEL | UINT64_C(1) << DIM_VALUE;
    const struct analytics_value user = text(STR("user"));
    const struct analytics_filter is_user = {
        .kind = FILTER_TEST, .dimension = DIM_LABEL, .op = OP_EQ, .values = &user, .n = 1};
    struct analytics_query all = {.node = NODE_LABELS, .dimensions = by | UINT64_C(1) << DIM_HOUR},
                           users = {.node = NODE_LABELS, .dimensions = by, .filter = &is_user};
    for (size_t i = 0; i < countof(measures); i++)
        all.measures = users.measures |= UINT64_C(1) << measures[i];
    srand(13);
    rig_start(&rig);
    rig_fill(&rig);
    ask(&rig, all);
    sum_labels_by_hand(&rig, &all, NULL);
    check_answer(&all);
    assert_true(asking.n > 200);
    ask(&rig, users);
    sum_labels_by_hand(&rig, &users, "user");
    check_answer(&users);
    assert_int_equal(asking.n, 2);
    clear_by_hand();
    rig_end(&rig);
}

static void order_and_limit(void **state)
{
    (void)state;
    static struct rig rig;
    srand(5);
    rig_start(&rig);
    rig_fill(&rig);
    const struct analytics_order orders[] = {{.measure = true, .id = MEASURE_COUNT, .descending = true},
                                             {.id = DIM_HOUR}};
    struct analytics_query q = {.measures = 1,
                                .dimensions = UINT64_C(1) << DIM_HOUR | UINT64_C(1) << DIM_GATEWAY,
                                .orders = orders,
                                .n_orders = 2,
                                .limit = 20};
    ask(&rig, q);
    assert_int_equal(asking.n, 20);
    for (size_t i = 1; i < asking.n; i++) {
        const struct analytics_row *a = &asking.groups[i - 1].row, *b = &asking.groups[i].row;
        assert_true(
            a->measures[0].n > b->measures[0].n ||
            (a->measures[0].n == b->measures[0].n && a->dimensions[DIM_HOUR].n <= b->dimensions[DIM_HOUR].n));
    }
    const struct analytics_order slow[] = {{.measure = true, .id = MEASURE_DURATION_P99}};
    q.orders = slow; /* not asked for otherwise */
    q.n_orders = 1;
    ask(&rig, q);
    assert_int_equal(asking.n, 20);
    rig_end(&rig);
}

/* ---- who sees what ---- */

static void other_accounts_are_not_there(void **state)
{
    (void)state;
    static struct rig rig;
    srand(9);
    rig_start(&rig);
    rig_fill(&rig);
    struct analytics_query q = {.measures = 1};
    ask(&rig, q);
    assert_int_equal(asking.n, 1);
    rig.account = STR("ffffffffffffffffffffffffffffffff");
    ask(&rig, q);
    assert_int_equal(asking.n, 0);
    rig_end(&rig);
}

/* A question whose time is over ends, and the next one is answered. */
static void questions_have_their_time(void **state)
{
    (void)state;
    static struct rig rig;
    const char *why = NULL;
    srand(13);
    rig_start(&rig);
    rig_fill(&rig);
    struct analytics_query q = {.measures = 1, .dimensions = UINT64_C(1) << DIM_METADATA_RAW};
    ask(&rig, q);
    size_t groups = asking.n;
    struct log_db *db = log_db_open(rig.f.tmp.path, DB_READ, &why);
    asking.n = 0;
    assert_int_equal(
        analytics_run(log_db_analytics(db, rig.catalog, -1), &asking.q, &asking.plan, on_row, &asking),
        E_TIMED_OUT);
    asking.n = 0;
    assert_int_equal(
        analytics_run(log_db_analytics(db, rig.catalog, 60000), &asking.q, &asking.plan, on_row, &asking),
        E_OK);
    assert_int_equal(asking.n, groups);
    log_db_close(db);
    rig_end(&rig);
}

/* ---- plans ---- */

static struct analytics_plan plan_of(const struct analytics_filter *f, uint64_t dimensions, int64_t now,
                                     enum err want)
{
    struct analytics_plan p = {0};
    struct analytics_query q = {.filter = f, .dimensions = dimensions};
    assert_int_equal(analytics_plan(&q, now, &p), want);
    return p;
}

static struct analytics_filter bound(enum analytics_dimension d, enum analytics_op op,
                                     const struct analytics_value *v)
{
    return (struct analytics_filter){.kind = FILTER_TEST, .dimension = d, .op = op, .values = v, .n = 1};
}

static void plans_follow_bounds(void **state)
{
    (void)state;
    const int64_t now = 1792000000, hour = 3600, day = 24 * hour, whole = now / hour * hour - 2 * hour;
    struct analytics_value v = number(whole + 90);
    static const struct {
        enum analytics_dimension d;
        enum analytics_op op;
        int64_t from, to; /* from the whole hour; -1: as without */
    } rows[] = {
        {DIM_HOUR, OP_GEQ, 3600, -1},    {DIM_HOUR, OP_GT, 3600, -1},    {DIM_HOUR, OP_LEQ, -1, 3600},
        {DIM_HOUR, OP_LT, -1, 3600},     {DIM_MINUTE, OP_GEQ, 120, -1},  {DIM_MINUTE, OP_GT, 120, -1},
        {DIM_MINUTE, OP_LEQ, -1, 120},   {DIM_MINUTE, OP_LT, -1, 120},   {DIM_DATETIME, OP_GEQ, 60, -1},
        {DIM_DATETIME, OP_LEQ, -1, 120}, {DIM_DATETIME, OP_LT, -1, 120}, {DIM_DATETIME, OP_EQ, 60, 120},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct analytics_filter f = bound(rows[i].d, rows[i].op, &v);
        struct analytics_plan p = plan_of(&f, 0, now, E_OK);
        int64_t to = rows[i].to < 0 ? (now / 60 + 1) * 60 : whole + rows[i].to;
        assert_int_equal(p.to, to);
        assert_int_equal(p.from, rows[i].from < 0 ? to - 32 * day : whole + rows[i].from);
        assert_false(p.from_log || p.fine);
    }
    struct analytics_filter nothing = bound(DIM_HOUR, OP_EQ, &v);
    struct analytics_plan p = plan_of(&nothing, 0, now, E_OK);
    assert_true(p.from >= p.to);
}

static void plans_have_limits(void **state)
{
    (void)state;
    const int64_t now = 1792000000, day = 24 * 3600;
    struct analytics_value v = number(now - 33 * day), old = number(now - 63 * day),
                           end = number(now - 40 * day);
    struct analytics_filter f = bound(DIM_DATETIME, OP_GEQ, &v);
    plan_of(&f, 0, now, E_FULL);
    v.n = now - 32 * day + 30;
    plan_of(&f, 0, now, E_OK);
    struct analytics_filter from = bound(DIM_DATETIME, OP_GEQ, &old), to = bound(DIM_DATETIME, OP_LT, &end);
    struct analytics_filter both = {.kind = FILTER_ALL, .first = &from};
    from.next = &to;
    plan_of(&both, 0, now, E_NOT_FOUND);
    old.n = now - 61 * day;
    assert_int_equal(plan_of(&both, 0, now, E_OK).to, (now - 40 * day + 59) / 60 * 60);
    both.kind = FILTER_ANY; /* no bounds any more: seconds are told apart by the log only */
    assert_true(plan_of(&both, 0, now, E_OK).from_log);
    from = bound(DIM_MINUTE, OP_NEQ, &end);
    assert_true(plan_of(&from, 0, now, E_OK).fine);
    assert_true(plan_of(NULL, UINT64_C(1) << DIM_FIVE_MINUTES, now, E_OK).fine);
    assert_false(plan_of(NULL, UINT64_C(1) << DIM_HOUR, now, E_OK).fine);
    assert_true(plan_of(NULL, UINT64_C(1) << DIM_USER_AGENT, now, E_OK).from_log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rollups_agree_with_sums),   cmocka_unit_test(the_log_agrees_with_sums),
        cmocka_unit_test(labels_agree_with_sums),    cmocka_unit_test(other_nodes_count_their_part),
        cmocka_unit_test(order_and_limit),           cmocka_unit_test(other_accounts_are_not_there),
        cmocka_unit_test(questions_have_their_time), cmocka_unit_test(plans_follow_bounds),
        cmocka_unit_test(plans_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
