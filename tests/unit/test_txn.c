/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole pipeline on one loop, without a network: a client end of a socket pair, the gateway, and
 * a scripted provider as a local origin. For what cannot be seen from outside: allocations, rows.
 */
#include "tests/unit/test.h"

#include "base/json.h"
#include "base/limits.h"
#include "gateway/fault.h"
#include "gateway/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ACCOUNT "0123456789abcdef0123456789abcdef"
#define TOKEN "test-root-token-0001"

static const struct server_limits limits = {64 * KIB, MIB, 10000, 10000, 10000};

/* A provider that answers with `events` server-sent events, one a millisecond, then ends. */
struct provider_script {
    struct exchange *x;
    struct timer next;
    struct buf request;
    int sent, events;
};

static struct rig {
    char dir[64];
    struct store *store;
    struct worker *w;
    struct server *front, *provider;
    struct server_route front_route, provider_route;
    struct provider_script script;
    struct conn *client;
    struct buf answer;
    uint64_t counts[4096]; /* mem_count at the n-th read of the client */
    size_t n_counts;
    struct str until;
} rig;

/* ---- the provider ---- */

static void send_next(struct timer *t)
{
    static const struct str event =
        S("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello \"}}]}\n\n");
    struct provider_script *s = container_of(t, struct provider_script, next);
    if (s->sent++ < s->events) {
        (void)exchange_write(s->x, event);
        timer_set(&s->next, 1);
        return;
    }
    (void)exchange_write(
        s->x, STR("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":11}}\n\n"
                  "data: [DONE]\n\n"));
    exchange_end(s->x);
    exchange_release(s->x);
}

static void provider_request(void *service, struct exchange *x)
{
    struct provider_script *s = service;
    s->x = x;
}

static enum flow provider_body(void *service, struct exchange *x, struct str piece)
{
    (void)x;
    (void)buf_append(&((struct provider_script *)service)->request, piece);
    return GO;
}

static void provider_body_end(void *service, struct exchange *x)
{
    struct provider_script *s = service;
    struct headers h = {0};
    assert_int_equal(headers_add(&h, exchange_arena(x), STR("Content-Type"), STR("text/event-stream")), E_OK);
    exchange_head(x, 200, &h, LENGTH_UNKNOWN);
    timer_init(&s->next, rig.w->loop, send_next);
    timer_set(&s->next, 1);
}

static void provider_drain(void *service, struct exchange *x)
{
    (void)service, (void)x;
}

static void provider_gone(void *service, struct exchange *x, enum err why)
{
    (void)why;
    timer_stop(&((struct provider_script *)service)->next);
    exchange_release(x);
}

static const struct service provider_service = {provider_request, provider_body, provider_body_end,
                                                provider_drain,   provider_gone, NULL};

/* ---- the client ---- */

static void client_read(void *owner, struct conn *c, struct str bytes)
{
    (void)owner, (void)c;
    assert_int_equal(buf_append(&rig.answer, bytes), E_OK);
    if (rig.n_counts < countof(rig.counts))
        rig.counts[rig.n_counts++] = mem_count();
    if (str_has(buf_str(&rig.answer), rig.until))
        loop_stop(rig.w->loop);
}

static void client_drain(void *owner, struct conn *c)
{
    (void)owner, (void)c;
}

static void client_end(void *owner, struct conn *c, enum err why)
{
    (void)owner, (void)c, (void)why;
    fail_msg("the gateway closed the connection");
}

static const struct conn_events client_events = {client_read, client_drain, client_end};

/* ---- the rig ---- */

static int setup(void **state)
{
    (void)state;
    static const char *const no_env[] = {NULL};
    const char *why = NULL;
    struct store_first first;
    struct conn *server_end;
    memset(&rig, 0, sizeof(rig));
    snprintf(rig.dir, sizeof(rig.dir), "/tmp/weir-test-txn-XXXXXX");
    assert_non_null(mkdtemp(rig.dir));
    struct store_options o = {.dir = rig.dir,
                              .queue_bytes = 64 * MIB,
                              .max_body_bytes = MIB,
                              .account = ACCOUNT,
                              .root_token = TOKEN};
    rig.store = store_open(&o, &first, &why);
    struct conf *conf = conf_parse(STR("{}"), "test", &(struct conf_options){0}, no_env, &why);
    struct settings *settings = settings_new(conf, &why);
    struct catalog *catalog = store_catalog(rig.store);
    rig.w = worker_new(settings, rig.store, catalog, NULL);
    settings_unref(settings);
    catalog_unref(catalog);
    buf_init(&rig.answer, 16 * MIB);
    assert_non_null(buf_room(&rig.answer, MIB)); /* the test itself must not allocate later */
    buf_init(&rig.script.request, MIB);
    rig.provider_route = (struct server_route){STR(""), &provider_service, &rig.script};
    rig.provider = server_new(rig.w->loop, &limits, &rig.provider_route, 1, fault_render_bare);
    rig.w->mock = client_local_origin(rig.w->client, STR("mock"), rig.provider);
    rig.front_route = (struct server_route){STR(FRONT_PREFIX), &front_service, rig.w};
    rig.front = server_new(rig.w->loop, &limits, &rig.front_route, 1, fault_render_bare);
    assert_int_equal(conn_pair(rig.w->loop, &rig.client, &server_end), E_OK);
    conn_set_owner(rig.client, &client_events, NULL);
    server_accept(rig.front, server_end);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    conn_close(rig.client);
    server_free(rig.front);
    server_free(rig.provider); /* its idle connection would be waited for */
    loop_keep(rig.w->loop, false);
    loop_run(rig.w->loop); /* the rest of what was posted */
    assert_int_equal(store_close(rig.store), 0);
    worker_free(rig.w);
    buf_done(&rig.answer);
    buf_done(&rig.script.request);
    snprintf(command, sizeof(command), "rm -rf %s", rig.dir);
    return system(command);
}

static void ask(const char *more_headers, const char *body, int events, struct str until)
{
    char request[1024];
    int n = snprintf(request, sizeof(request),
                     "POST /v1/" ACCOUNT "/default/mock/chat/completions HTTP/1.1\r\nHost: x\r\n"
                     "Authorization: Bearer " TOKEN "\r\nContent-Type: application/json\r\n%s"
                     "Content-Length: %zu\r\n\r\n%s",
                     more_headers, strlen(body), body);
    rig.script.events = events;
    rig.until = until;
    rig.n_counts = 0;
    buf_clear(&rig.answer);
    (void)conn_write(rig.client, str_of(request, (size_t)n));
    loop_run(rig.w->loop);
}

/* ---- tests ---- */

static void a_streamed_event_allocates_nothing(void **state)
{
    (void)state;
    ask("cf-aig-collect-log: false\r\n", "{\"model\":\"m\",\"stream\":true}", 300, STR("[DONE]"));
    assert_true(rig.n_counts > 200);
    /* the first reads warm up buffers; from then on nothing is taken from the allocator */
    assert_int_equal(rig.counts[rig.n_counts - 2] - rig.counts[100], 0);
}

static void the_question_for_usage_stays_between_us_and_the_provider(void **state)
{
    (void)state;
    ask("", "{\"model\":\"m\",\"stream\":true}", 3, STR("[DONE]"));
    assert_true(str_has(buf_str(&rig.script.request), STR("\"include_usage\":true")));
    assert_false(str_has(buf_str(&rig.answer), STR("prompt_tokens")));
    buf_clear(&rig.script.request);
    rig.script.sent = 0;
    ask("", "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}", 3,
        STR("[DONE]"));
    assert_true(str_has(buf_str(&rig.answer), STR("prompt_tokens")));
}

static struct log_page *page;

static void on_page(void *arg, struct log_page *p)
{
    page = p;
    loop_stop(arg);
}

static void a_stream_leaves_a_row_with_its_usage(void **state)
{
    (void)state;
    ask("cf-aig-metadata: {\"team\":\"a\"}\r\n", "{\"model\":\"m\",\"stream\":true}", 3, STR("[DONE]"));
    struct catalog *c = store_catalog(rig.store);
    const struct gateway *g = catalog_gateway(c, STR(ACCOUNT), STR("default"));
    struct log_query q = {.gateway = g->id, .page = 1, .per_page = 10};
    store_list_logs(rig.store, &q, rig.w->loop, on_page, rig.w->loop);
    loop_run(rig.w->loop);
    assert_int_equal(page->n, 1);
    const struct record *r = &page->rows[0].r;
    assert_int_equal(r->tokens_in, 7);
    assert_int_equal(r->tokens_out, 11);
    assert_int_equal(r->status, 200);
    assert_true(r->flags & REC_SUCCESS);
    assert_str(r->model, STR("m"));
    assert_str(r->metadata, STR("{\"team\":\"a\"}"));
    assert_true(r->cost_pico > 0);
    log_page_free(page);
    catalog_unref(c);
}

static void a_stranger_reaches_nobody(void **state)
{
    (void)state;
    static const struct str request =
        S("POST /v1/" ACCOUNT "/default/mock/chat/completions HTTP/1.1\r\nHost: x\r\n"
          "Content-Length: 2\r\n\r\n{}");
    rig.until = STR("\"internalCode\":2009");
    (void)conn_write(rig.client, request);
    loop_run(rig.w->loop);
    assert_true(str_starts(buf_str(&rig.answer), STR("HTTP/1.1 401 ")));
    assert_null(rig.script.x);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_streamed_event_allocates_nothing),
        TEST(the_question_for_usage_stays_between_us_and_the_provider),
        TEST(a_stream_leaves_a_row_with_its_usage),
        TEST(a_stranger_reaches_nobody),
    };
    return cmocka_run_group_tests_name("txn", tests, NULL, NULL);
}
