/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the cache step: clients, the gateway, and a provider on one loop. Everybody does what the
 * test says when it says so; the loop runs until something has come true, never for a time, except where
 * nothing must happen.
 */
#pragma once
#include "tests/unit/test.h"

#include "base/clock.h"
#include "base/limits.h"
#include "gateway/fault.h"
#include "gateway/flight.h"
#include "gateway/front.h"
#include "http/client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define ACCOUNT "0123456789abcdef0123456789abcdef"
#define TOKEN "test-root-token-0001"

enum { ENTRY_BYTES = 256 * KIB, SERVED = 32, LINES = 4, PATIENCE_MS = 10000, LARGE = 8 * MIB };

static const struct server_limits server_limits = {64 * KIB, MIB, 60000, 60000, 60000};
static const struct client_limits client_limits = {.connect_timeout_ms = 60000,
                                                   .pool_idle_timeout_ms = 60000,
                                                   .pool_max_conns = 100,
                                                   .pool_max_idle = 100,
                                                   .max_head_bytes = 64 * KIB};

static const struct str json_answer =
    S("{\"id\":\"x\",\"object\":\"chat.completion\",\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":"
      "{\"role\":\"assistant\",\"content\":\"hello\"}}],\"usage\":{\"prompt_tokens\":7,"
      "\"completion_tokens\":11}}");
static const struct str hello =
    S("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello \"}}]}\n\n");
static const struct str usage =
    S("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":11}}\n\n");
static const struct str done = S("data: [DONE]\n\n");

#define STREAM "{\"model\":\"m\",\"stream\":true}"
#define WHOLE "{\"model\":\"m\"}"

/* What the provider has of one request, and does about it. */
struct served {
    struct exchange *x; /* NULL: it is over, or the gateway has left */
    struct buf request;
    size_t poured, to_pour;
    bool whole, gone, held;
    bool keeps_on; /* does not end when all is poured */
};

struct asker {
    struct call *call;
    struct headers headers;
    struct str body;
    int status;
    struct str cache_status; /* "" when there is no such line */
    int64_t length;
    struct buf answer;
    enum err why;
    bool over, slow, reused;
};

static struct rig {
    char dir[64];
    struct store *store;
    struct worker *w;
    struct server *front, *provider;
    struct server_route front_route, provider_route;
    struct client *people;
    struct origin *door;
    struct arena arena;
    struct timer tick;
    bool (*cond)(void);
    bool came_true; /* and may not be any more */
    uint64_t give_up_ms;
    struct served served[SERVED];
    size_t n_served;
    struct log_page *page;
    uint64_t moved; /* bytes and events that anybody saw */
} rig;

static struct asker leader, reader, other;

/* ---- the provider ---- */

static inline void provider_request(void *service, struct exchange *x)
{
    (void)service;
    must(rig.n_served < SERVED);
    struct served *s = &rig.served[rig.n_served++];
    s->x = x;
    buf_init(&s->request, MIB);
    exchange_set_user(x, s);
}

static inline enum flow provider_body(void *service, struct exchange *x, struct str piece)
{
    (void)service;
    (void)buf_append(&((struct served *)exchange_user(x))->request, piece);
    return GO;
}

static inline void provider_body_end(void *service, struct exchange *x)
{
    (void)service;
    rig.moved++;
    ((struct served *)exchange_user(x))->whole = true;
}

static inline void finish(struct served *s)
{
    struct exchange *x = s->x;
    s->x = NULL;
    exchange_end(x);
    exchange_release(x);
}

static inline char byte_at(size_t i)
{
    return (char)((i * 2654435761u) >> 20);
}

static inline void pour(struct served *s)
{
    static char piece[32 * KIB];
    s->held = false;
    while (s->poured < s->to_pour && !s->held) {
        size_t n = s->to_pour - s->poured < sizeof(piece) ? s->to_pour - s->poured : sizeof(piece);
        for (size_t i = 0; i < n; i++)
            piece[i] = byte_at(s->poured + i);
        s->poured += n;
        s->held = exchange_write_copy(s->x, str_of(piece, n)) == HOLD;
    }
    if (s->poured == s->to_pour && !s->keeps_on)
        finish(s);
}

static inline void provider_drain(void *service, struct exchange *x)
{
    (void)service;
    rig.moved++;
    pour(exchange_user(x));
}

static inline void provider_gone(void *service, struct exchange *x, enum err why)
{
    (void)service, (void)why;
    struct served *s = exchange_user(x);
    rig.moved++;
    s->gone = true;
    s->x = NULL;
    exchange_release(x);
}

static const struct service provider_service = {provider_request, provider_body, provider_body_end,
                                                provider_drain,   provider_gone, NULL};

static inline void head(size_t i, int status, const char *type, int64_t length)
{
    struct header line = {STR("Content-Type"), str_c(type)};
    exchange_head(rig.served[i].x, status, &(struct headers){&line, 1, 1}, length);
}

static inline void say(size_t i, struct str text)
{
    (void)exchange_write_copy(rig.served[i].x, text);
}

static inline void end(size_t i)
{
    finish(&rig.served[i]);
}

static inline void cut(size_t i)
{
    struct exchange *x = rig.served[i].x;
    rig.served[i].x = NULL;
    exchange_abort(x);
    exchange_release(x);
}

static inline void reply(size_t i, int status, struct str json)
{
    head(i, status, "application/json", (int64_t)json.n);
    say(i, json);
    end(i);
}

static inline void start_stream(size_t i)
{
    head(i, 200, "text/event-stream", LENGTH_UNKNOWN);
    say(i, hello);
}

static inline void end_stream(size_t i)
{
    say(i, usage);
    say(i, done);
    end(i);
}

static inline void start_pouring(size_t i, size_t n, bool told)
{
    head(i, 200, "application/octet-stream", told ? (int64_t)n : LENGTH_UNKNOWN);
    rig.served[i].to_pour = n;
    pour(&rig.served[i]);
}

/* ---- clients ---- */

static inline void on_head(void *owner, struct call *c, const struct response_head *h)
{
    struct asker *a = owner;
    struct str cached = headers_last(&h->headers, STR("cf-aig-cache-status"));
    rig.moved++;
    a->status = h->status;
    a->length = h->length;
    a->reused = call_times(c).reused;
    a->cache_status = str_eq(cached, STR("HIT"))    ? STR("HIT")
                      : str_eq(cached, STR("MISS")) ? STR("MISS")
                                                    : STR("");
}

static inline enum flow on_body(void *owner, struct call *c, struct str piece)
{
    (void)c;
    struct asker *a = owner;
    rig.moved += piece.n;
    assert_int_equal(buf_append(&a->answer, piece), E_OK);
    return a->slow ? HOLD : GO;
}

static inline void on_end(void *owner, struct call *c)
{
    (void)c;
    struct asker *a = owner;
    rig.moved++;
    a->call = NULL;
    a->over = true;
}

static inline void on_fail(void *owner, struct call *c, enum err why)
{
    struct asker *a = owner;
    a->why = why;
    on_end(owner, c);
}

static inline void on_drain(void *owner, struct call *c)
{
    (void)owner, (void)c;
}

static const struct call_events call_events = {on_head, on_body, on_end, on_fail, on_drain};

static inline void add_line(struct asker *a, const char *name, const char *value)
{
    if (name)
        assert_int_equal(headers_add(&a->headers, &rig.arena, str_c(name), str_c(value)), E_OK);
}

/* Asks for what is worth a cache entry. more: pairs of names and values, ended by NULL. */
static inline void ask_path(struct asker *a, const char *path, const char *body, const char *const *more)
{
    static const struct str post = S("POST");
    must(!a->call);
    a->headers = (struct headers){0};
    a->body = str_c(body);
    a->status = 0;
    a->over = a->slow = a->reused = false;
    a->why = E_OK;
    a->answer.max = 64 * MIB;
    buf_clear(&a->answer);
    add_line(a, "Authorization", "Bearer " TOKEN);
    add_line(a, "Content-Type", "application/json");
    for (const char *const *pair = more; pair && *pair; pair += 2)
        add_line(a, pair[0], pair[1]);
    if (!headers_last(&a->headers, STR("cf-aig-cache-key")).p &&
        !headers_last(&a->headers, STR("cf-aig-cache-ttl")).p)
        add_line(a, "cf-aig-cache-ttl", "600");
    struct call_request r = {.origin = rig.door,
                             .method = post,
                             .target = arena_printf(&rig.arena, "/v1/" ACCOUNT "/default%s", path),
                             .host = STR("gateway.test"),
                             .headers = &a->headers,
                             .body = a->body};
    a->call = call_start(rig.people, &r, &call_events, a);
}

static inline void ask(struct asker *a, const char *body)
{
    ask_path(a, "/mock/chat/completions", body, NULL);
}

static inline void ask_with(struct asker *a, const char *body, const char *name, const char *value)
{
    ask_path(a, "/mock/chat/completions", body, (const char *const[]){name, value, NULL});
}

static inline void leave(struct asker *a)
{
    call_cancel(a->call);
    a->call = NULL;
}

static inline void read_on(struct asker *a)
{
    a->slow = false;
    call_resume(a->call);
}

/* ---- time ---- */

static inline bool enough(void)
{
    rig.came_true = rig.cond();
    return rig.came_true || loop_ms(rig.w->loop) > rig.give_up_ms;
}

static inline void on_tick(struct timer *t)
{
    if (enough())
        loop_stop(rig.w->loop);
    else
        timer_set(t, 1);
}

static inline void on_turn(struct loop *l, struct msg *m)
{
    if (enough())
        loop_stop(l);
    else
        loop_send(l, m);
}

/* Looks once in every turn of the loop. */
static inline bool run_until(bool (*cond)(void))
{
    static struct msg turn = {.run = on_turn};
    rig.cond = cond;
    rig.give_up_ms = loop_ms(rig.w->loop) + PATIENCE_MS;
    loop_send(rig.w->loop, &turn);
    loop_run(rig.w->loop);
    return rig.came_true;
}

/* Waits for a condition, which may use `n`. */
static size_t n;
#define AWAIT(condition)                                                                                     \
    do {                                                                                                     \
        if (!run_until(condition))                                                                           \
            fail_msg("never came true: " #condition);                                                        \
    } while (0)

static inline bool n_asked(void)
{
    return rig.n_served >= n && rig.served[n - 1].whole;
}

/* The provider has n requests. */
static inline void await_request(size_t count)
{
    n = count;
    AWAIT(n_asked);
}

static struct asker *who;

static inline bool asker_is_over(void)
{
    return who->over;
}

static inline bool asker_has_head(void)
{
    return who->status != 0;
}

static inline bool asker_has_bytes(void)
{
    return who->answer.n >= n;
}

static inline void await_over(struct asker *a)
{
    who = a;
    AWAIT(asker_is_over);
}

static inline void await_head(struct asker *a)
{
    who = a;
    AWAIT(asker_has_head);
}

static inline void await_bytes(struct asker *a, size_t count)
{
    who = a;
    n = count;
    AWAIT(asker_has_bytes);
}

static uint64_t moved_before;
static int quiet;

static inline bool is_quiet(void)
{
    quiet = rig.moved == moved_before ? quiet + 1 : 0;
    moved_before = rig.moved;
    return quiet > 20; /* milliseconds in which nobody did anything */
}

/* Everything that is under way has arrived, and nobody has anything more to do. */
static inline void settle(void)
{
    quiet = 0;
    rig.moved++;
    rig.cond = is_quiet;
    rig.give_up_ms = loop_ms(rig.w->loop) + PATIENCE_MS;
    timer_set(&rig.tick, 1);
    loop_run(rig.w->loop);
}

static inline bool nobody_is_live(void)
{
    return rig.w->live == 0;
}

/* ---- what is asserted of an answer ---- */

static inline void assert_whole(struct asker *a, struct str want, const char *cache_status)
{
    await_over(a);
    assert_int_equal(a->why, E_OK);
    assert_int_equal(a->status, 200);
    assert_str(buf_str(&a->answer), want);
    assert_str(a->cache_status, str_c(cache_status));
}

/* What start_stream and end_stream make: the client did not ask for usage, so it has none. */
static inline void assert_stream(struct asker *a, const char *cache_status)
{
    static char text[512];
    int len = snprintf(text, sizeof(text), "%.*s%.*s", STR_FMT(hello), STR_FMT(done));
    assert_whole(a, str_of(text, (size_t)len), cache_status);
}

static inline void assert_poured(struct asker *a, size_t size)
{
    await_over(a);
    assert_int_equal(a->why, E_OK);
    assert_int_equal(a->answer.n, size);
    for (size_t i = 0; i < size; i++)
        if (a->answer.p[i] != byte_at(i))
            fail_msg("byte %zu is another one", i);
}

/* The next request like this one is answered from the cache, on a connection that was used before. */
static inline void assert_stored(const char *body, struct str want)
{
    size_t before = rig.n_served;
    ask(&other, body);
    assert_whole(&other, want, "HIT");
    assert_true(other.reused);
    assert_int_equal(rig.n_served, before);
}

static inline void assert_not_stored(const char *body)
{
    size_t before = rig.n_served;
    ask(&other, body);
    await_request(before + 1);
    leave(&other);
    settle();
}

static inline void on_page(void *arg, struct log_page *p)
{
    rig.page = p;
    loop_stop(arg);
}

/* The log, oldest first. */
static inline size_t rows(void)
{
    AWAIT(nobody_is_live);
    struct log_query q = {.page = 1, .per_page = 50, .ascending = true};
    log_page_free(rig.page);
    store_list_logs(rig.store, &q, rig.w->loop, on_page, rig.w->loop);
    loop_run(rig.w->loop);
    for (size_t i = 0; i < rig.page->n; i++)
        assert_true(rig.page->rows[i].r.duration_us >= 0);
    return rig.page->n;
}

static inline const struct record *row(size_t i)
{
    return &rig.page->rows[i].r;
}

/* How many rows have all of these flags. */
static inline size_t rows_with(unsigned flags)
{
    size_t count = 0;
    for (size_t i = 0; i < rig.page->n; i++)
        count += (row(i)->flags & flags) == flags;
    return count;
}

/* ---- the rig ---- */

struct variant {
    const char *conf;
    bool on_disk; /* nothing stays in memory */
    bool sync;
};

static inline int setup(void **state)
{
    static const struct variant plain = {.conf = "{\"cache\":{\"entry_bytes\":262144}}"};
    static const char *const no_env[] = {NULL};
    const struct variant *v = *state ? *state : &plain;
    const char *why = NULL;
    struct store_first first;
    memset(&rig, 0, sizeof(rig));
    snprintf(rig.dir, sizeof(rig.dir), "/tmp/weir-test-cache-XXXXXX");
    assert_non_null(mkdtemp(rig.dir));
    rig.store = store_open(&(struct store_options){.dir = rig.dir,
                                                   .queue_bytes = 64 * MIB,
                                                   .max_body_bytes = MIB,
                                                   .sync = v->sync,
                                                   .account = ACCOUNT,
                                                   .root_token = TOKEN},
                           &first, &why);
    assert_non_null(rig.store);
    struct settings *settings =
        settings_new(conf_parse(str_c(v->conf), "test", &(struct conf_options){0}, no_env, &why), &why);
    struct catalog *catalog = store_catalog(rig.store);
    rig.w = worker_new(settings, rig.store, catalog, NULL);
    settings_unref(settings);
    catalog_unref(catalog);
    rig.w->cache = respcache_open(&(struct respcache_options){.dir = v->on_disk ? rig.dir : NULL,
                                                              .memory_bytes = v->on_disk ? 0 : 64 * MIB,
                                                              .disk_bytes = 64 * MIB,
                                                              .entry_bytes = ENTRY_BYTES},
                                  &why);
    assert_non_null(rig.w->cache);
    rig.provider_route = (struct server_route){STR(""), &provider_service, NULL};
    rig.provider = server_new(rig.w->loop, &server_limits, &rig.provider_route, 1, fault_render_bare);
    rig.w->mock = client_local_origin(rig.w->client, STR("mock"), rig.provider);
    rig.front_route = (struct server_route){STR(FRONT_PREFIX), &front_service, rig.w};
    rig.front = server_new(rig.w->loop, &server_limits, &rig.front_route, 1, fault_render_bare);
    rig.people = client_new(rig.w->loop, &client_limits, NULL, NULL);
    rig.door = client_local_origin(rig.people, STR("front"), rig.front);
    arena_init(&rig.arena, MIB);
    timer_init(&rig.tick, rig.w->loop, on_tick);
    return 0;
}

static inline void forget(struct asker *a)
{
    leave(a);
    buf_done(&a->answer);
    *a = (struct asker){0};
}

static inline int teardown(void **state)
{
    (void)state;
    char command[128];
    forget(&leader);
    forget(&reader);
    forget(&other);
    client_free(rig.people);
    server_free(rig.front);
    AWAIT(nobody_is_live);
    loop_keep(rig.w->loop, false);
    server_free(rig.provider);
    loop_run(rig.w->loop); /* the rest of what was posted */
    log_page_free(rig.page);
    assert_int_equal(store_close(rig.store), 0);
    struct respcache *cache = rig.w->cache;
    respcache_close(cache);
    worker_free(rig.w);
    for (size_t i = 0; i < rig.n_served; i++)
        buf_done(&rig.served[i].request);
    arena_done(&rig.arena);
    snprintf(command, sizeof(command), "rm -rf %s", rig.dir);
    return system(command);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TEST_OF(f, variant)                                                                                  \
    cmocka_unit_test_prestate_setup_teardown(f, setup, teardown, (void *)(uintptr_t)&variant)
