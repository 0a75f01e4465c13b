/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What questions to a large log cost: log_bench [rows] writes that many rows as a gateway would see them,
 * times pages, totals, an export and a bulk delete, and tells how many rows a second are written while rows
 * are deleted. Run by bench/logs.py. What it wrote stays in ./log-bench-XXXXXX.
 */
#include "base/clock.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { QUEUE = 256 << 20, AHEAD = 20000, REPEAT = 5 };

struct bench {
    struct store *store;
    struct loop *loop;
    struct uuid_source ids;
    int64_t made;
    bool answered;
    struct log_page *page;
    bool more, deleting, failed;
    struct timer tick;
};

static double now_ms(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void wait_answer(struct bench *b)
{
    while (!b->answered)
        loop_run(b->loop);
    b->answered = false;
}

static void answered(struct bench *b)
{
    b->answered = true;
    loop_stop(b->loop);
}

static void on_tick(struct timer *t)
{
    struct bench *b = container_of(t, struct bench, tick);
    loop_stop(b->loop);
}

/* Takes the messages that are there. */
static void loop_turn(struct bench *b)
{
    if (!b->deleting)
        return;
    timer_set(&b->tick, 1);
    loop_run(b->loop);
    timer_stop(&b->tick);
}

/* ---- rows: a few models, one failure in fifty, one dear call in ten thousand, a hundred users, a rare one
 * ---- */

static void push_row(struct bench *b, unsigned *seed)
{
    static const struct str models[] = {S("gpt-4o-mini"), S("gpt-4o"), S("claude-sonnet-4-5"),
                                        S("gemini-2.5-flash")};
    static const struct str providers[] = {S("openai"), S("openai"), S("anthropic"), S("google-ai-studio")};
    char id[UUID_TEXT], metadata[64];
    unsigned r = (unsigned)rand_r(seed), m = r % 4;
    bool failed = r / 4 % 50 == 0, dear = b->made % 10000 == 7777, rare = b->made % 250000 == 123456;
    snprintf(metadata, sizeof(metadata), "{\"user\":\"u-%u\",\"team\":\"%s\"}", rare ? 4711 : r / 256 % 100,
             r & 64 ? "blue" : "green");
    struct record row = {
        .id = uuid_v7(&b->ids),
        .gateway = 1,
        .token = 1,
        .provider = providers[m],
        .model = models[m],
        .model_type = STR("chat"),
        .path = STR("chat/completions"),
        .request_type = STR("native"),
        .method = STR("POST"),
        .request_content_type = STR("application/json"),
        .response_content_type = STR("application/json"),
        .user_agent = r & 32 ? STR("OpenAI/Python 1.51.0") : STR("OpenAI/JS 6.49.0"),
        .metadata = str_c(metadata),
        .trace_id = STR("0123456789abcdef0123456789abcdef"),
        .status = failed ? 500 : 200,
        .flags = (failed ? 0u : REC_SUCCESS) | (r / 1024 % 20 ? 0u : REC_CACHED),
        .request_bytes = 2048,
        .response_bytes = 618,
        .duration_us = 200000 + r % 900000,
        .latency_us = 212345,
        .tokens_in = 40 + r % 1000,
        .tokens_out = 10 + r % 300,
        .cost_pico = dear ? 2000000000000 : 77100000 + (int64_t)(r % 100000) * 1000,
    };
    uuid_text(row.id, id);
    row.created_ms = uuid_ms(row.id);
    row.event_id = row.request_id = str_of(id, UUID_TEXT);
    store_push(b->store, &row, NULL, NULL);
    b->made++;
}

static void push_rows(struct bench *b, int64_t n)
{
    unsigned seed = 7;
    for (int64_t i = 0; i < n; i++) {
        push_row(b, &seed);
        while (i % 1000 == 0 && store_stats(b->store).queued_rows > AHEAD)
            usleep(500);
    }
    while (store_stats(b->store).queued_rows)
        usleep(1000);
}

/* ---- questions ---- */

static void on_page(void *arg, struct log_page *page)
{
    struct bench *b = arg;
    b->page = page;
    answered(b);
}

static void ask(struct bench *b, const char *name, const struct log_query *q)
{
    double best = 1e9;
    for (int i = 0; i < REPEAT; i++) {
        double start = now_ms(CLOCK_MONOTONIC);
        store_list_logs(b->store, q, b->loop, on_page, b);
        wait_answer(b);
        double ms = now_ms(CLOCK_MONOTONIC) - start;
        best = ms < best ? ms : best;
        if (i + 1 < REPEAT)
            log_page_free(b->page);
    }
    printf("%-34s %8.2f ms   %2zu of %s%lld rows\n", name, best, b->page->n,
           b->page->estimated ? "about " : "", (long long)b->page->total);
    fflush(stdout);
    log_page_free(b->page);
}

#define TEXT(s)                                                                                              \
    {                                                                                                        \
        LOG_VALUE_TEXT, 0, S(s)                                                                              \
    }
#define NUMBER(n)                                                                                            \
    {                                                                                                        \
        LOG_VALUE_NUMBER, n,                                                                                 \
        {                                                                                                    \
            NULL, 0                                                                                          \
        }                                                                                                    \
    }

static void ask_all(struct bench *b, int64_t since_ms)
{
    const struct {
        const char *name;
        struct log_value value;
        enum log_key key;
        enum log_operator op;
    } cases[] = {
        {"provider eq openai", TEXT("openai"), KEY_PROVIDER, LOG_EQ},
        {"model contains SONNET", TEXT("SONNET"), KEY_MODEL, LOG_CONTAINS},
        {"model eq nobody's", TEXT("nobody's"), KEY_MODEL, LOG_EQ},
        {"success eq false", NUMBER(0), KEY_SUCCESS, LOG_EQ},
        {"status_code eq 500", NUMBER(500), KEY_STATUS_CODE, LOG_EQ},
        {"cached eq true", NUMBER(1), KEY_CACHED, LOG_EQ},
        {"cost gt 1 (one in 10,000)", NUMBER(1e12), KEY_COST, LOG_GT},
        {"cost gt 0.0001 (every second)", NUMBER(1.2e8), KEY_COST, LOG_GT},
        {"duration gt 1000", NUMBER(1000), KEY_DURATION, LOG_GT},
        {"tokens_in gt 5000 (none)", NUMBER(5000), KEY_TOKENS_IN, LOG_GT},
        {"metadata.value eq u-7", TEXT("u-7"), KEY_METADATA_VALUE, LOG_EQ},
        {"metadata.value eq u-4711 (rare)", TEXT("u-4711"), KEY_METADATA_VALUE, LOG_EQ},
        {"metadata.key eq nothing", TEXT("nothing"), KEY_METADATA_KEY, LOG_EQ},
        {"event_id eq nobody's", TEXT("nobody's"), KEY_EVENT_ID, LOG_EQ},
        {"user_agent contains python", TEXT("python"), KEY_USER_AGENT, LOG_CONTAINS},
        {"user_agent contains curl (none)", TEXT("curl"), KEY_USER_AGENT, LOG_CONTAINS},
        {"feedback eq 1 (none)", NUMBER(1), KEY_FEEDBACK, LOG_EQ},
        {"created_at gt the middle", NUMBER(0), KEY_CREATED_AT, LOG_GT},
    };
    struct log_query q = {.gateway = 1, .page = 1, .per_page = 50};
    ask(b, "newest page", &q);
    for (size_t i = 0; i < countof(cases); i++) {
        struct log_value v = cases[i].value;
        if (cases[i].key == KEY_CREATED_AT)
            v.number = (double)since_ms;
        const struct log_clause c = {cases[i].key, cases[i].op, &v, 1};
        struct log_query filtered = q;
        filtered.filter = (struct log_filter){&c, 1};
        ask(b, cases[i].name, &filtered);
    }
    ask(b, "search sonnet",
        &(struct log_query){.gateway = 1, .page = 1, .per_page = 50, .search = S("sonnet")});
    ask(b, "search nothing (none)",
        &(struct log_query){.gateway = 1, .page = 1, .per_page = 50, .search = S("nothing")});
    ask(b, "by cost", &(struct log_query){.gateway = 1, .page = 1, .per_page = 50, .order = ORDER_COST});
    ask(b, "by model", &(struct log_query){.gateway = 1, .page = 1, .per_page = 50, .order = ORDER_MODEL});
    ask(b, "page 1000 of provider openai",
        &(struct log_query){
            .gateway = 1,
            .page = 1000,
            .per_page = 50,
            .filter = {&(struct log_clause){KEY_PROVIDER, LOG_EQ, &(struct log_value)TEXT("openai"), 1}, 1}});
}

/* ---- everything, and less of it ---- */

static void on_rows(void *arg, struct log_page *page, bool more)
{
    struct bench *b = arg;
    b->page = page;
    b->more = more;
    answered(b);
}

static void on_closed(void *arg)
{
    answered(arg);
}

static void export_all(struct bench *b)
{
    const struct log_query q = {.gateway = 1};
    double start = now_ms(CLOCK_MONOTONIC);
    int64_t n = 0;
    struct log_export *x = store_export_open(b->store, &q, b->loop, on_rows, b);
    for (wait_answer(b);; wait_answer(b)) {
        n += (int64_t)b->page->n;
        log_page_free(b->page);
        if (!b->more)
            break;
        store_export_next(x);
    }
    store_export_close(x, on_closed);
    wait_answer(b);
    printf("%-34s %8.0f rows/s\n", "export", (double)n / (now_ms(CLOCK_MONOTONIC) - start) * 1e3);
}

static void on_deleted(void *arg, enum err e)
{
    struct bench *b = arg;
    b->failed |= e != E_OK;
    b->deleting = false;
}

/* 5,000 rows a second for some seconds, while the oldest rows are deleted, 10,000 a call. */
static void write_beside(struct bench *b, const char *name, int64_t deletes)
{
    const struct log_query oldest = {.gateway = 1, .page = 1, .per_page = 10000, .ascending = true};
    unsigned seed = 9;
    double start = now_ms(CLOCK_MONOTONIC), cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID), worst = 0, ms = 0;
    int64_t before = b->made, asked = 0;
    double over = 0; /* when the last row was deleted */
    while (ms < 4000 || b->deleting) {
        ms = now_ms(CLOCK_MONOTONIC) - start;
        while ((double)(b->made - before) < ms * 5)
            push_row(b, &seed);
        if (!b->deleting && asked < deletes) {
            b->deleting = true;
            asked += oldest.per_page;
            store_delete_logs(b->store, &oldest, b->loop, on_deleted, b);
        }
        loop_turn(b);
        over = b->deleting ? ms : over;
        double waiting = (double)store_stats(b->store).queued_rows;
        worst = waiting > worst ? waiting : worst;
        if (!b->deleting)
            usleep(1000);
    }
    while (store_stats(b->store).queued_rows)
        usleep(1000);
    ms = now_ms(CLOCK_MONOTONIC) - start;
    printf("%-34s %8.0f rows/s, %.1f us CPU a row, %.0f rows waiting at most", name,
           (double)(b->made - before) / ms * 1e3,
           (now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e3 / (double)(b->made - before), worst);
    if (asked)
        printf("; %lld rows deleted in %.0f ms", (long long)asked, over);
    printf("\n");
}

int main(int argc, char **argv)
{
    int64_t rows = argc > 1 ? atoll(argv[1]) : 1000000;
    char dir[] = "./log-bench-XXXXXX";
    const char *why;
    struct store_first first;
    if (!mkdtemp(dir))
        return 2;
    struct store_options o = {.dir = dir, .queue_bytes = QUEUE, .max_body_bytes = 1 << 20};
    struct bench b = {.store = store_open(&o, &first, &why), .loop = loop_new()};
    if (!b.store) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    loop_keep(b.loop, true);
    timer_init(&b.tick, b.loop, on_tick);
    double start = now_ms(CLOCK_MONOTONIC), cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID);
    push_rows(&b, rows / 2);
    int64_t middle = clock_wall_ms();
    push_rows(&b, rows - rows / 2);
    printf("%lld rows, no bodies: %.2f us CPU a row, %.0f rows/s\n", (long long)rows,
           (now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e3 / (double)rows,
           (double)rows / (now_ms(CLOCK_MONOTONIC) - start) * 1e3);
    ask_all(&b, middle);
    export_all(&b);
    write_beside(&b, "writing", 0);
    write_beside(&b, "writing, rows being deleted", 100000);
    uint64_t lost = store_close(b.store);
    loop_keep(b.loop, false);
    loop_free(b.loop);
    return lost || b.failed ? 1 : 0;
}
