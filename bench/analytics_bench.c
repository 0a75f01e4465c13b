/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What analytics costs: a month of one gateway's roll-ups, four cells a minute with twenty requests each, and
 * the time some questions take. The last two read rows of the log.
 *
 *   analytics_bench [days] [requests a cell] [rows of the log]
 *
 * What it wrote stays in ./analytics-bench-XXXXXX.
 */
#include "base/clock.h"
#include "store/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct str models[] = {S("gpt-4o-mini"), S("gpt-4o"), S("claude-sonnet-4-5"),
                                    S("gemini-2.5-flash")};

static void made(void *arg, enum err e)
{
    struct loop *l = arg;
    must(e == E_OK);
    loop_stop(l);
}

static void too_late(struct timer *t)
{
    (void)t;
    fprintf(stderr, "no answer in time\n");
    exit(1);
}

/* The catalogue of a new directory with one gateway. */
static struct catalog *make_gateway(const char *dir, struct store_first *first)
{
    const char *why;
    struct store_options o = {.dir = dir, .queue_bytes = 1 << 20};
    struct store *s = store_open(&o, first, &why);
    must(s != NULL);
    struct loop *l = loop_new();
    struct timer deadline;
    timer_init(&deadline, l, too_late);
    timer_set(&deadline, 30000); /* also keeps the loop running */
    struct change c = {
        .kind = KIND_GATEWAY, .what = CHANGE_CREATE, .account = str_c(first->account), .name = STR("bench")};
    struct change_set set = {&c, 1, {.type = STR("system"), .name = STR("bench"), .interface = STR("CLI")}};
    store_change(s, &set, l, made, l);
    loop_run(l);
    timer_stop(&deadline);
    struct catalog *catalog = store_catalog(s);
    store_close(s);
    loop_free(l);
    return catalog;
}

static struct record request(int64_t gateway, int64_t minute, size_t model)
{
    int64_t us = 200000 + rand() % 3000000;
    return (struct record){.created_ms = minute * 60000 + rand() % 60000,
                           .gateway = gateway,
                           .provider = model < 2    ? STR("openai")
                                       : model == 2 ? STR("anthropic")
                                                    : STR("google"),
                           .model = models[model],
                           .status = 200,
                           .flags = REC_SUCCESS,
                           .tokens_in = rand() % 5000,
                           .tokens_out = rand() % 1000,
                           .cost_pico = rand(),
                           .duration_us = us,
                           .latency_us = us / 4};
}

/* Returns the time a cell takes, in ns. */
static double fill(struct log_db *db, int64_t gateway, int64_t minutes, int per_cell)
{
    struct rollup u;
    uint64_t spent = 0, cells = 0;
    int64_t now = clock_wall_ms() / 60000;
    rollup_init(&u);
    for (int64_t minute = now - minutes; minute < now; minute++) {
        enum err e = log_db_begin(db);
        rollup_clear(&u);
        for (size_t model = 0; model < countof(models); model++)
            for (int i = 0; i < per_cell; i++) {
                struct record r = request(gateway, minute, model);
                rollup_add(&u, &r);
            }
        uint64_t start = clock_us();
        for (size_t i = 0; e == E_OK && i < u.n; i++)
            e = log_db_add_cell(db, &u, &u.cells[i]);
        spent += clock_us() - start;
        cells += u.n;
        must(e == E_OK && log_db_commit(db) == E_OK);
    }
    rollup_done(&u);
    return (double)spent * 1000 / (double)cells;
}

/* Rows of the last hour, with metadata. */
static void fill_log(struct log_db *db, int64_t gateway, int rows)
{
    static const struct body_place none = {.request = -1, .response = -1};
    struct uuid_source ids = {0};
    enum err e = log_db_begin(db);
    for (int i = 0; e == E_OK && i < rows; i++) {
        struct record r =
            request(gateway, clock_wall_ms() / 60000 - rand() % 60, (size_t)i % countof(models));
        r.id = uuid_v7(&ids);
        r.metadata = i % 2 ? STR("{\"user\":\"u-7\",\"team\":\"blue\"}") : STR("{\"user\":\"u-8\"}");
        r.user_agent = STR("OpenAI/Python 1.51.0");
        e = log_db_insert(db, &r, &none);
    }
    must(e == E_OK && log_db_commit(db) == E_OK);
}

#define D(id) (UINT64_C(1) << (id))

static void count(void *arg, const struct analytics_row *row)
{
    (void)row;
    ++*(size_t *)arg;
}

static void ask(struct log_db *db, const struct catalog *c, const char *account, int64_t days)
{
    static const struct {
        const char *name;
        uint64_t dimensions, measures;
    } cases[] = {
        {"total", 0, D(MEASURE_COUNT) | D(MEASURE_COST)},
        {"by hour: count, tokens, cost", D(DIM_HOUR),
         D(MEASURE_COUNT) | D(MEASURE_TOKENS_IN) | D(MEASURE_TOKENS_OUT) | D(MEASURE_COST)},
        {"by hour, provider, model: all sums", D(DIM_HOUR) | D(DIM_PROVIDER) | D(DIM_MODEL),
         D(MEASURE_AVG_DURATION) - 1},
        {"by hour: p50, p95, p99", D(DIM_HOUR),
         D(MEASURE_DURATION_P50) | D(MEASURE_DURATION_P95) | D(MEASURE_DURATION_P99)},
        {"by day and model: cost", D(DIM_DATE) | D(DIM_MODEL), D(MEASURE_COST)},
        {"by five minutes: count", D(DIM_FIVE_MINUTES), D(MEASURE_COUNT)},
        {"rows, by metadata: count, cost", D(DIM_METADATA_RAW), D(MEASURE_COUNT) | D(MEASURE_COST)},
        {"rows, by user agent: p95", D(DIM_USER_AGENT), D(MEASURE_DURATION_P95)},
    };
    int64_t now = clock_wall_ms() / 1000;
    struct analytics_value since = {.kind = VALUE_INT, .n = now - days * 86400 + 90};
    struct analytics_filter from = {
        .kind = FILTER_TEST, .dimension = DIM_DATETIME, .op = OP_GEQ, .values = &since, .n = 1};
    for (size_t i = 0; i < countof(cases); i++) {
        struct analytics_query q = {.account = str_c(account),
                                    .dimensions = cases[i].dimensions,
                                    .measures = cases[i].measures,
                                    .filter = &from,
                                    .limit = 10000};
        struct analytics_plan p;
        uint64_t best = UINT64_MAX;
        size_t rows = 0;
        must(analytics_plan(&q, now, &p) == E_OK);
        for (int round = 0; round < 5; round++) {
            rows = 0;
            uint64_t start = clock_us();
            must(analytics_run(log_db_analytics(db, c, 60000), &q, &p, count, &rows) == E_OK);
            uint64_t took = clock_us() - start;
            best = took < best ? took : best;
        }
        printf("  %-36s %6.1f ms, %zu groups\n", cases[i].name, (double)best / 1000, rows);
    }
}

int main(int argc, char **argv)
{
    int64_t days = argc > 1 ? atol(argv[1]) : 31;
    char dir[] = "analytics-bench-XXXXXX";
    struct store_first first;
    const char *why;
    must(mkdtemp(dir) != NULL);
    struct catalog *c = make_gateway(dir, &first);
    int64_t gateway = catalog_gateway(c, str_c(first.account), STR("bench"))->id;
    struct log_db *db = log_db_open(dir, DB_WRITE, &why);
    double ns = fill(db, gateway, days * 1440, argc > 2 ? (int)atol(argv[2]) : 20);
    fill_log(db, gateway, argc > 3 ? (int)atol(argv[3]) : 200000);
    log_db_close(db);
    printf("%lld days, %lld cells, %.1f us a cell\n", (long long)days, (long long)days * 1440 * 4, ns / 1000);
    db = log_db_open(dir, DB_READ, &why);
    ask(db, c, first.account, days);
    log_db_close(db);
    catalog_unref(c);
    return 0;
}
