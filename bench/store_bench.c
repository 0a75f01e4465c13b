/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What logging costs: CPU of one row with its bodies, from store_push to the commit, all threads.
 *
 *   store_bench [rows] [pushing threads] [gateways] [same|text|words|bytes] [rows a second, 0: as fast as it
 * goes]
 *
 * `same` pushes the same 2 KB request and 0.6 KB answer every time, as a load generator does; in `text`
 * every body starts like the others and goes on in words of its own, as prompts do; `words` share
 * nothing; `bytes` cannot be compressed. Making bodies is not counted, only the store is. Then some
 * queries are timed. What it wrote stays in ./store-bench-XXXXXX.
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "store/store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST = 2048, RESPONSE = 618, QUEUE = 64 << 20, AHEAD = 1024 };

struct pusher {
    pthread_t thread;
    struct store *store;
    long rows;
    int gateways, number;
    char kind;
    double per_second;
    int64_t push_ns, total_ns; /* CPU in store_push; of the thread */
};

static int64_t ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static const char *const words[] = {
    "the ",       "of ",        "and ",      "to ",        "a ",        "in ",         "is ",
    "that ",      "it ",        "for ",      "was ",       "on ",       "are ",        "as ",
    "with ",      "they ",      "be ",       "at ",        "this ",     "from ",       "have ",
    "or ",        "by ",        "one ",      "had ",       "not ",      "but ",        "what ",
    "all ",       "were ",      "when ",     "we ",        "there ",    "can ",        "an ",
    "your ",      "which ",     "their ",    "said ",      "if ",       "do ",         "will ",
    "each ",      "about ",     "how ",      "up ",        "out ",      "them ",       "then ",
    "she ",       "many ",      "some ",     "so ",        "these ",    "would ",      "other ",
    "into ",      "has ",       "more ",     "two ",       "like ",     "him ",        "see ",
    "time ",      "could ",     "no ",       "make ",      "than ",     "first ",      "been ",
    "its ",       "who ",       "now ",      "people ",    "my ",       "made ",       "over ",
    "did ",       "down ",      "only ",     "way ",       "find ",     "use ",        "may ",
    "water ",     "long ",      "little ",   "very ",      "after ",    "words ",      "called ",
    "just ",      "where ",     "most ",     "know ",      "answer ",   "question ",   "document ",
    "customer ",  "summary ",   "contract ", "invoice ",   "function ", "returns ",    "value ",
    "error ",     "number ",    "string ",   "language ",  "model ",    "response ",   "please ",
    "translate ", "following ", "sentence ", "paragraph ", "explain ",  "difference ", "between ",
    "history ",   "country ",   "science ",  "weather ",   "tomorrow ", "meeting ",    "schedule ",
    "product ",   "review ",
};

static unsigned pick(char kind, size_t at, size_t n, unsigned *seed)
{
    bool shared = kind == 's' || (kind == 't' && at < n / 2);
    return shared ? (unsigned)at * 2654435761U >> 8 : (unsigned)rand_r(seed);
}

static void fill(char *p, size_t n, char kind, unsigned *seed)
{
    size_t at = 0;
    while (at < n) {
        unsigned r = pick(kind, at, n, seed);
        struct str w = str_c(words[r % countof(words)]);
        if (kind == 'b')
            w = str_of((const char *)&r, 3);
        memcpy(p + at, w.p, w.n < n - at ? w.n : n - at);
        at += w.n;
    }
}

static struct record_body body(size_t n, const struct pusher *p, unsigned *seed)
{
    struct record_body b = {mem_alloc(n), n};
    fill(b.p, n, p->kind, seed);
    return b;
}

static void wait_for_room(const struct pusher *p, long done, int64_t since)
{
    while (store_stats(p->store).queued_bytes > QUEUE / 2)
        usleep(500);
    double due = p->per_second > 0 ? (double)done / p->per_second : 0;
    double late = (double)(ns(CLOCK_MONOTONIC) - since) / 1e9;
    if (due > late)
        usleep((useconds_t)((due - late) * 1e6));
}

static struct record make_row(const struct pusher *p, long n, struct uuid id, char text[UUID_TEXT],
                              unsigned *seed)
{
    uuid_text(id, text);
    return (struct record){
        .id = id,
        .created_ms = clock_wall_ms(),
        .gateway = 1 + n % p->gateways,
        .token = 1,
        .provider = STR("openai"),
        .model = STR("gpt-4o-mini"),
        .model_type = STR("chat"),
        .path = STR("chat/completions"),
        .event_id = str_of(text, UUID_TEXT),
        .request_id = str_of(text, UUID_TEXT),
        .request_type = STR("native"),
        .method = STR("POST"),
        .request_content_type = STR("application/json"),
        .response_content_type = STR("application/json"),
        .user_agent = STR("OpenAI/Python 1.51.0"),
        .metadata = STR("{\"user\":\"u-7\"}"),
        .trace_id = STR("0123456789abcdef0123456789abcdef"),
        .status = 200,
        .flags = REC_SUCCESS,
        .request_bytes = REQUEST,
        .response_bytes = RESPONSE,
        .duration_us = 812345 + rand_r(seed) % 500000,
        .latency_us = 212345,
        .tokens_in = 42,
        .tokens_out = 118,
        .cost_pico = 77100000,
        .request = body(REQUEST, p, seed),
        .response = body(RESPONSE, p, seed),
    };
}

static void *push_rows(void *arg)
{
    struct pusher *p = arg;
    unsigned seed = 7 + (unsigned)p->number;
    struct uuid_source ids = {0};
    struct record *ready = mem_zalloc(AHEAD * sizeof(*ready));
    char(*texts)[UUID_TEXT] = mem_alloc(AHEAD * sizeof(*texts));
    int64_t since = ns(CLOCK_MONOTONIC);
    long ahead = p->per_second > 0 && p->per_second < 1000 * AHEAD ? 1 + (long)(p->per_second / 1000) : AHEAD;
    for (long done = 0; done < p->rows; done += ahead) {
        wait_for_room(p, done, since);
        for (long i = 0; i < ahead; i++)
            ready[i] = make_row(p, done + i, uuid_v7(&ids), texts[i], &seed);
        int64_t start = ns(CLOCK_THREAD_CPUTIME_ID);
        for (long i = 0; i < ahead; i++)
            store_push(p->store, &ready[i], NULL, NULL);
        p->push_ns += ns(CLOCK_THREAD_CPUTIME_ID) - start;
    }
    mem_free(ready);
    mem_free(texts);
    p->total_ns = ns(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

static void time_queries(const char *dir)
{
    static const struct {
        const char *name;
        struct log_query q;
    } cases[] = {
        {"newest page", {.gateway = 1, .page = 1}},
        {"page 1000", {.gateway = 1, .page = 1000}},
        {"newest of all gateways", {.page = 1}},
        {"by cost", {.gateway = 1, .page = 1, .order = ORDER_COST}},
        {"search, all match", {.gateway = 1, .page = 1, .search = S("mini")}},
        {"search, none does", {.gateway = 1, .page = 1, .search = S("claude")}},
    };
    const char *why;
    struct log_reader *r = log_reader_open(dir, &why);
    for (size_t i = 0; r && i < countof(cases); i++) {
        struct log_query q = cases[i].q;
        struct log_page page;
        q.per_page = 50;
        int64_t start = ns(CLOCK_MONOTONIC);
        log_reader_list(r, &q, &page);
        printf("  %s: %.2f ms (%zu of %lld rows)\n", cases[i].name,
               (double)(ns(CLOCK_MONOTONIC) - start) / 1e6, page.n, (long long)page.total);
        log_page_free(&page);
    }
    log_reader_close(r);
}

int main(int argc, char **argv)
{
    long rows = argc > 1 ? atol(argv[1]) : 200000;
    int threads = argc > 2 ? atoi(argv[2]) : 1, gateways = argc > 3 ? atoi(argv[3]) : 1;
    char kind = argc > 4 ? argv[4][0] : 's', dir[] = "./store-bench-XXXXXX";
    double per_second = argc > 5 ? atof(argv[5]) : 0;
    struct pusher p[64] = {0};
    if (threads < 1 || threads > (int)countof(p) || gateways < 1 || rows < threads || !mkdtemp(dir))
        return 2;
    const char *why;
    struct store_first first;
    struct store_options o = {.dir = dir, .queue_bytes = QUEUE, .max_body_bytes = 1 << 20};
    struct store *s = store_open(&o, &first, &why);
    if (!s) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    int64_t wall = ns(CLOCK_MONOTONIC), cpu = ns(CLOCK_PROCESS_CPUTIME_ID), pushing = 0;
    for (int i = 0; i < threads; i++) {
        p[i] = (struct pusher){.store = s,
                               .rows = rows / threads,
                               .gateways = gateways,
                               .number = i,
                               .kind = kind,
                               .per_second = per_second / threads};
        pthread_create(&p[i].thread, NULL, push_rows, &p[i]);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(p[i].thread, NULL);
        pushing += p[i].push_ns;
        cpu += p[i].total_ns - p[i].push_ns;
    }
    while (store_stats(s).queued_rows)
        usleep(1000);
    cpu = ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    wall = ns(CLOCK_MONOTONIC) - wall;
    struct store_stats end = store_stats(s);
    double n = (double)end.rows;
    printf("%.0f rows, %d threads, %d gateways: %.2f us CPU a row (push %.2f), %.0f rows/s, "
           "%.0f rows a commit, %.0f B of bodies a row, %llu shed\n",
           n, threads, gateways, (double)cpu / n / 1e3, (double)pushing / n / 1e3, n / (double)wall * 1e9,
           n / (double)end.commits, (double)end.segment_bytes / n, (unsigned long long)end.shed_bodies);
    time_queries(dir);
    return store_close(s) ? 1 : 0;
}
