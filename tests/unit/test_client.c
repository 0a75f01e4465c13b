/* SPDX-License-Identifier: Apache-2.0 */
/* http/client: calls to a scripted provider, and to a service in the same process. */
#include "tests/unit/http_end.h"

#include "base/clock.h"
#include "http/client.h"
#include "net/listen.h"

#include <stdio.h>

enum { PROVIDERS = 16 };

/* A listener whose connections are scripted by the test, in order of arrival. */
struct scene {
    struct stage stage;
    struct listener *listener;
    struct end at[PROVIDERS];
    unsigned n;
    unsigned wanted;
    struct client *client;
    struct client_limits limits;
    struct origin *origin;
};

/* One call and what it heard. */
struct asker {
    struct scene *scene;
    struct call *call;
    struct buf body;
    size_t pieces, drains;
    unsigned heads, ends; /* on_end or on_fail */
    bool hold, cancel_at_head, ask_again;
    struct call_times times;
};

static void on_conn(void *arg, struct conn *c)
{
    struct scene *s = arg;
    must(s->n < PROVIDERS);
    end_open(&s->stage, &s->at[s->n++], c);
    poke(&s->stage);
}

static const struct egress nothing_private;

static void scene_open(struct scene *s)
{
    *s = (struct scene){.limits = {
                            .connect_timeout_ms = 5000,
                            .first_byte_timeout_ms = 5000,
                            .stream_idle_timeout_ms = 5000,
                            .pool_idle_timeout_ms = 5000,
                            .pool_max_conns = 4,
                            .pool_max_idle = 2,
                            .max_head_bytes = 4096,
                        }};
    stage_open(&s->stage);
    struct addr here;
    const char *why;
    assert_int_equal(addr_parse(STR("127.0.0.1:0"), &here), E_OK);
    assert_int_equal(listener_new(s->stage.l, &here, NULL, 100, 1000, on_conn, s, &s->listener, &why), E_OK);
    s->client = client_new(s->stage.l, &s->limits, NULL, &nothing_private);
    struct origin_name name = {.host = STR("127.0.0.1"), .port = listener_port(s->listener), .trusted = true};
    s->origin = client_origin(s->client, &name);
    assert_ptr_equal(client_origin(s->client, &name), s->origin);
}

static void scene_limits(struct scene *s)
{
    client_set_limits(s->client, &s->limits);
}

static void scene_close(struct scene *s)
{
    client_free(s->client);
    listener_close(s->listener);
    for (unsigned i = 0; i < s->n; i++)
        end_close(&s->at[i]);
    stage_close(&s->stage);
}

static bool has_conns(struct stage *stage)
{
    struct scene *s = container_of(stage, struct scene, stage);
    return s->n >= s->wanted;
}

static struct end *await_conn(struct scene *s, unsigned number)
{
    s->wanted = number + 1;
    assert_true(run_until(&s->stage, has_conns, 5000));
    return &s->at[number];
}

/* ---- the caller ---- */

static void say(struct asker *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(struct asker *a, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    buf_append_c(&a->scene->stage.said, text);
    poke(&a->scene->stage);
}

static void on_head(void *owner, struct call *c, const struct response_head *h)
{
    struct asker *a = owner;
    assert_ptr_equal(c, a->call);
    assert_int_equal(a->heads++, 0);
    say(a, "%d %d %.*s\n", h->status, (int)h->length, STR_FMT(headers_last(&h->headers, STR("x"))));
    if (a->cancel_at_head)
        call_cancel(c);
}

static enum flow on_body(void *owner, struct call *c, struct str piece)
{
    struct asker *a = owner;
    assert_ptr_equal(c, a->call);
    assert_int_equal(a->ends, 0);
    assert_false(a->cancel_at_head);
    a->pieces++;
    buf_append(&a->body, piece);
    poke(&a->scene->stage);
    return a->hold ? HOLD : GO;
}

static void ask(struct scene *s, struct asker *a, const char *method, struct str body);

static void on_end(void *owner, struct call *c)
{
    struct asker *a = owner;
    assert_int_equal(a->ends++, 0);
    a->times = call_times(c);
    a->call = NULL;
    say(a, "%.*s END\n", STR_FMT(str_head(buf_str(&a->body), 60)));
    if (a->ask_again) {
        a->ask_again = false;
        buf_clear(&a->body);
        a->heads = a->ends = 0;
        ask(a->scene, a, "GET", STR(""));
    }
}

static void on_fail(void *owner, struct call *c, enum err why)
{
    struct asker *a = owner;
    assert_int_equal(a->ends++, 0);
    a->times = call_times(c);
    a->call = NULL;
    say(a, "%.*s FAIL %s\n", STR_FMT(str_head(buf_str(&a->body), 60)), err_name(why));
}

static void on_drain(void *owner, struct call *c)
{
    struct asker *a = owner;
    assert_ptr_equal(c, a->call);
    a->drains++;
    poke(&a->scene->stage);
}

static const struct call_events events = {on_head, on_body, on_end, on_fail, on_drain};

static void asker_init(struct asker *a, struct scene *s)
{
    *a = (struct asker){.scene = s};
    buf_init(&a->body, 64 * MIB);
}

static void asker_done(struct asker *a)
{
    buf_done(&a->body);
}

static void ask(struct scene *s, struct asker *a, const char *method, struct str body)
{
    struct call_request req = {.origin = s->origin,
                               .method = str_c(method),
                               .target = STR("/t?q"),
                               .host = STR("api"),
                               .body = body};
    if (!a->body.max)
        asker_init(a, s);
    a->call = call_start(s->client, &req, &events, a);
}

static void ask_streaming(struct scene *s, struct asker *a, int64_t length)
{
    struct call_request req = {.origin = s->origin,
                               .method = STR("POST"),
                               .target = STR("/s"),
                               .host = STR("api"),
                               .streamed = true,
                               .length = length};
    asker_init(a, s);
    a->call = call_start(s->client, &req, &events, a);
}

#define assert_said(scene, text)                                                                             \
    do {                                                                                                     \
        await_said(&(scene)->stage, text);                                                                   \
        assert_str(buf_str(&(scene)->stage.said), STR(text));                                                \
        buf_clear(&(scene)->stage.said);                                                                     \
    } while (0)

#define GET_TEXT "GET /t?q HTTP/1.1\r\nHost: api\r\n\r\n"
#define OK3 "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 3\r\n\r\n"

/* ---- plain calls ---- */

static void connections_are_reused(void **state)
{
    (void)state;
    struct scene s;
    struct asker a = {0};
    scene_open(&s);
    ask(&s, &a, "GET", STR(""));
    assert_int_equal(s.stage.said.n, 0);
    struct end *p = await_conn(&s, 0);
    await_text(&s.stage, p, GET_TEXT);
    end_send(p, OK3 "abc");
    assert_said(&s, "200 3 y\nabc END\n");
    assert_false(a.times.reused);
    assert_true(a.times.connected && a.times.sent >= a.times.connected && a.times.first_byte >= a.times.sent);
    asker_done(&a);
    asker_init(&a, &s);
    buf_clear(&p->got);
    ask(&s, &a, "GET", STR(""));
    await_text(&s.stage, p, GET_TEXT);
    assert_str(buf_str(&p->got), STR(GET_TEXT));
    a.ask_again = true; /* from on_end: the connection is free already */
    end_send(p, OK3 "def");
    await_text(&s.stage, p, GET_TEXT GET_TEXT);
    end_send(p, OK3 "ghi");
    await_said(&s.stage, "ghi END");
    assert_true(a.times.reused);
    assert_int_equal(s.n, 1);
    assert_int_equal(client_open_conns(s.client), 1);
    asker_done(&a);
    scene_close(&s);
}

static void bodies_are_sent_with_their_length(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        struct str body;
        const char *tail;
    } rows[] = {
        {"POST", S("hello"), "Content-Length: 5\r\n\r\nhello"},
        {"POST", S(""), "Content-Length: 0\r\n\r\n"},
        {"PUT", S(""), "Content-Length: 0\r\n\r\n"},
        {"PATCH", S(""), "Content-Length: 0\r\n\r\n"},
        {"DELETE", S(""), "Host: api\r\n\r\n"},
        {"DELETE", S("x"), "Content-Length: 1\r\n\r\nx"},
    };
    struct scene s;
    scene_open(&s);
    for (size_t i = 0; i < countof(rows); i++) {
        struct asker a = {0};
        ask(&s, &a, rows[i].method, rows[i].body);
        struct end *p = await_conn(&s, 0);
        await_text(&s.stage, p, rows[i].tail);
        assert_true(str_ends(buf_str(&p->got), str_c(rows[i].tail)));
        buf_clear(&p->got);
        end_send(p, OK3 "abc");
        assert_said(&s, "200 3 y\nabc END\n");
        asker_done(&a);
    }
    scene_close(&s);
}

static void answer_in_cuts(struct scene *s, const char *method, struct str answer, const char *want, bool eof)
{
    for (size_t cut = 0; cut <= answer.n; cut++) {
        struct asker a = {0};
        s->n = 0;
        ask(s, &a, method, STR(""));
        struct end *p = await_conn(s, 0);
        await_text(&s->stage, p, "\r\n\r\n");
        (void)conn_write(p->c, str_head(answer, cut));
        if (cut)
            (void)run_until(&s->stage, NULL, 1);
        if (p->c) /* else it was refused already */
            (void)conn_write(p->c, str_from(answer, cut));
        if (eof && p->c) {
            conn_finish(p->c);
            p->c = NULL;
        }
        await_said(&s->stage, want);
        assert_str(buf_str(&s->stage.said), str_c(want));
        buf_clear(&s->stage.said);
        assert_int_equal(a.heads, str_starts(str_c(want), STR(" FAIL")) ? 0 : 1);
        asker_done(&a);
        end_close(p);
        run_on(&s->stage);
    }
    s->n = 0;
}

static void cuts_make_no_difference(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    answer_in_cuts(&s, "GET", STR(OK3 "abc"), "200 3 y\nabc END\n", false);
    answer_in_cuts(
        &s, "GET",
        STR("HTTP/1.1 429 No\r\nTransfer-Encoding: chunked\r\nX: z\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
        "429 -1 z\nabc END\n", false);
    answer_in_cuts(&s, "GET", STR("HTTP/1.0 200 OK\r\n\r\nabc"), "200 -1 \nabc END\n", true);
    answer_in_cuts(&s, "HEAD", STR("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"), "200 7 \n END\n", false);
    answer_in_cuts(
        &s, "GET",
        STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nX: n\r\n\r\nHTTP/1.1 204 No\r\nX: y\r\n\r\n"),
        "204 0 y\n END\n", false);
    answer_in_cuts(&s, "GET", STR("HTTP/1.1 304 Same\r\nX: y\r\nContent-Length: 9\r\n\r\n"),
                   "304 0 y\n END\n", false);
    scene_close(&s);
}

static void broken_answers_fail(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    answer_in_cuts(&s, "GET", STR(OK3 "ab"), "200 3 y\nab FAIL E_BAD_ANSWER\n", true);
    answer_in_cuts(&s, "GET", STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"),
                   "200 -1 \nab FAIL E_BAD_ANSWER\n", true);
    answer_in_cuts(&s, "GET", STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz"),
                   "200 -1 \n FAIL E_BAD_ANSWER\n", false);
    answer_in_cuts(&s, "GET", STR("HTTP/1.1 200 OK\r\nContent-Le"), " FAIL E_BAD_ANSWER\n", true);
    answer_in_cuts(&s, "GET", STR("HTTP/1.1 101 x\r\n\r\n"), " FAIL E_BAD_ANSWER\n", false);
    answer_in_cuts(&s, "GET", STR("SSH-2.0-OpenSSH"), " FAIL E_BAD_ANSWER\n", false);
    answer_in_cuts(&s, "GET", STR(""), " FAIL E_EOF\n", true);
    assert_int_equal(client_open_conns(s.client), 0);
    scene_close(&s);
}

static void interim_answers_must_end(void **state)
{
    (void)state;
    struct scene s;
    struct asker a = {0};
    scene_open(&s);
    ask(&s, &a, "GET", STR(""));
    struct end *p = await_conn(&s, 0);
    for (int i = 0; i <= HTTP_INTERIM_ANSWERS; i++)
        end_send(p, "HTTP/1.1 102 Processing\r\n\r\n");
    assert_said(&s, " FAIL E_BAD_ANSWER\n");
    asker_done(&a);
    scene_close(&s);
}

/* ---- times ---- */

static void pass_time(struct scene *s)
{
    uint64_t since = clock_us();
    while (clock_us() < since + 10000)
        run_on(&s->stage);
}

static void the_first_byte_is_of_the_answer_itself(void **state)
{
    (void)state;
    struct scene s;
    struct asker a = {0};
    scene_open(&s);
    ask(&s, &a, "GET", STR(""));
    struct end *p = await_conn(&s, 0);
    end_send(p, "HTTP/1.1 103 Early Hints\r\n\r\n");
    pass_time(&s);
    uint64_t then = clock_us();
    end_send(p, "HTTP/1.1 200 OK\r\nX: y\r\nContent-Le");
    pass_time(&s);
    end_send(p, "ngth: 3\r\n\r\nabc");
    assert_said(&s, "200 3 y\nabc END\n");
    assert_true(a.times.first_byte >= then);
    asker_done(&a);

    asker_init(&a, &s);
    ask(&s, &a, "GET", STR(""));
    end_send(p, "HTTP/1.1 200 OK\r\nX: y\r\nContent-Le");
    pass_time(&s);
    then = clock_us();
    end_send(p, "ngth: 3\r\n\r\nabc");
    assert_said(&s, "200 3 y\nabc END\n");
    assert_true(a.times.first_byte < then); /* the head need not be whole */
    asker_done(&a);
    scene_close(&s);
}

static void a_large_body_is_sent_when_it_is_through(void **state)
{
    (void)state;
    enum { LONG = 32 * MIB };
    struct scene s;
    struct asker a = {0};
    char *body = mem_zalloc(LONG);
    scene_open(&s);
    ask(&s, &a, "POST", str_of(body, LONG));
    struct end *p = await_conn(&s, 0);
    conn_pause(p->c);
    pass_time(&s);
    assert_true(call_times(a.call).connected && !call_times(a.call).sent);
    uint64_t then = clock_us();
    conn_resume(p->c);
    while (p->got.n < LONG)
        run_on(&s.stage);
    end_send(p, OK3 "abc");
    assert_said(&s, "200 3 y\nabc END\n");
    assert_true(a.times.sent >= then && a.times.sent <= a.times.first_byte);
    asker_done(&a);
    scene_close(&s);
    mem_free(body);
}

/* ---- the pool ---- */

static void ask_and_answer(struct scene *s, unsigned number, const char *answer)
{
    struct asker a = {0};
    ask(s, &a, "GET", STR(""));
    struct end *p = await_conn(s, number);
    await_text(&s->stage, p, GET_TEXT);
    buf_clear(&p->got);
    end_send(p, answer);
    await_said(&s->stage, "END\n");
    buf_clear(&s->stage.said);
    asker_done(&a);
}

static void only_clean_connections_are_reused(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    ask_and_answer(&s, 0, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(client_open_conns(s.client), 0);
    ask_and_answer(&s, 1, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(client_open_conns(s.client), 0);
    ask_and_answer(&s, 2, OK3 "abcHTTP/1.1 200 OK\r\n"); /* more than was asked for */
    assert_int_equal(client_open_conns(s.client), 0);
    ask_and_answer(&s, 3, OK3 "abc");
    assert_int_equal(client_open_conns(s.client), 1);
    end_send(&s.at[3], "HTTP/1.1 408 Too slow\r\n\r\n"); /* nobody asked */
    await_end(&s.stage, &s.at[3]);
    assert_int_equal(client_open_conns(s.client), 0);
    ask_and_answer(&s, 4, OK3 "abc");
    conn_close(s.at[4].c); /* the provider ends it */
    s.at[4].c = NULL;
    run_on(&s.stage);
    assert_int_equal(client_open_conns(s.client), 0);
    scene_close(&s);
}

static void a_stale_connection_is_retried_once(void **state)
{
    (void)state;
    struct scene s;
    struct asker a = {0};
    scene_open(&s);
    ask_and_answer(&s, 0, OK3 "abc");
    ask(&s, &a, "POST", STR("body"));
    await_text(&s.stage, &s.at[0], "body");
    conn_close(s.at[0].c);
    s.at[0].c = NULL;
    struct end *p = await_conn(&s, 1);
    await_text(&s.stage, p, "Content-Length: 4\r\n\r\nbody");
    end_send(p, OK3 "abc");
    assert_said(&s, "200 3 y\nabc END\n");
    assert_false(a.times.reused);
    asker_done(&a);
    /* a fresh one that dies is a failure */
    a = (struct asker){0};
    s.at[1].got.n = 0;
    ask(&s, &a, "POST", STR("body"));
    await_text(&s.stage, &s.at[1], "body");
    conn_close(s.at[1].c);
    s.at[1].c = NULL;
    p = await_conn(&s, 2);
    await_text(&s.stage, p, "body");
    conn_close(p->c);
    p->c = NULL;
    await_said(&s.stage, "FAIL");
    assert_int_equal(a.heads, 0);
    assert_int_equal(s.n, 3);
    asker_done(&a);
    scene_close(&s);
}

static void half_an_answer_is_not_retried(void **state)
{
    (void)state;
    struct scene s;
    struct asker a = {0};
    scene_open(&s);
    ask_and_answer(&s, 0, OK3 "abc");
    ask(&s, &a, "GET", STR(""));
    await_text(&s.stage, &s.at[0], GET_TEXT);
    end_send(&s.at[0], "H");
    conn_finish(s.at[0].c);
    s.at[0].c = NULL;
    assert_said(&s, " FAIL E_BAD_ANSWER\n");
    assert_int_equal(s.n, 1);
    asker_done(&a);
    scene_close(&s);
}

static void a_streamed_body_is_not_retried(void **state)
{
    (void)state;
    struct scene s;
    struct asker a = {0};
    scene_open(&s);
    ask_and_answer(&s, 0, OK3 "abc");
    ask_streaming(&s, &a, 4);
    (void)call_send(a.call, STR("body"));
    call_send_end(a.call);
    await_text(&s.stage, &s.at[0], "body");
    conn_finish(s.at[0].c);
    s.at[0].c = NULL;
    assert_said(&s, " FAIL E_EOF\n");
    assert_int_equal(s.n, 1);
    asker_done(&a);
    scene_close(&s);
}

static void calls_queue_at_the_limit(void **state)
{
    (void)state;
    struct scene s;
    struct asker a[3] = {{0}};
    scene_open(&s);
    s.limits.pool_max_conns = 1;
    scene_limits(&s);
    for (int i = 0; i < 3; i++)
        ask(&s, &a[i], "GET", STR(""));
    struct end *p = await_conn(&s, 0);
    await_text(&s.stage, p, GET_TEXT);
    call_cancel(a[1].call); /* while it queues */
    run_on(&s.stage);
    assert_str(buf_str(&p->got), STR(GET_TEXT));
    end_send(p, OK3 "abc");
    await_text(&s.stage, p, GET_TEXT GET_TEXT);
    end_send(p, OK3 "def");
    await_said(&s.stage, "def END");
    assert_int_equal(a[1].ends, 0);
    assert_int_equal(s.n, 1);
    for (int i = 0; i < 3; i++)
        asker_done(&a[i]);
    scene_close(&s);
}

static void queueing_has_an_end(void **state)
{
    (void)state;
    struct scene s;
    struct asker a[2] = {{0}};
    scene_open(&s);
    s.limits.pool_max_conns = 1;
    s.limits.connect_timeout_ms = 30;
    scene_limits(&s);
    ask(&s, &a[0], "GET", STR(""));
    (void)await_conn(&s, 0);
    ask(&s, &a[1], "GET", STR(""));
    assert_said(&s, " FAIL E_POOL_FULL\n");
    call_cancel(a[0].call);
    await_end(&s.stage, &s.at[0]);
    asker_done(&a[0]);
    asker_done(&a[1]);
    scene_close(&s);
}

static void idle_connections_are_few_and_do_not_last(void **state)
{
    (void)state;
    struct scene s;
    struct asker a[3] = {{0}};
    scene_open(&s);
    s.limits.pool_idle_timeout_ms = 30;
    scene_limits(&s);
    for (int i = 0; i < 3; i++)
        ask(&s, &a[i], "GET", STR(""));
    (void)await_conn(&s, 2);
    for (int i = 0; i < 3; i++) {
        end_send(&s.at[i], OK3 "abc");
        await_said(&s.stage, "END");
        buf_clear(&s.stage.said);
    }
    run_on(&s.stage);
    assert_int_equal(client_open_conns(s.client), s.limits.pool_max_idle);
    for (int i = 0; i < 3; i++)
        await_end(&s.stage, &s.at[i]);
    assert_int_equal(client_open_conns(s.client), 0);
    for (int i = 0; i < 3; i++)
        asker_done(&a[i]);
    scene_close(&s);
}

static void connecting_may_fail(void **state)
{
    (void)state;
    struct scene s;
    struct asker a = {0};
    scene_open(&s);
    struct origin *open = s.origin;
    uint16_t port = listener_port(s.listener);
    s.origin = client_origin(s.client, &(struct origin_name){.host = STR("127.0.0.1"), .port = port});
    assert_ptr_not_equal(s.origin, open);
    ask(&s, &a, "GET", STR(""));
    assert_said(&s, " FAIL E_EGRESS\n");
    asker_done(&a);
    a = (struct asker){0};
    s.origin =
        client_origin(s.client, &(struct origin_name){.host = STR("127.0.0.1"), .port = 1, .trusted = true});
    ask(&s, &a, "GET", STR(""));
    assert_said(&s, " FAIL E_REFUSED\n");
    asker_done(&a);
    a = (struct asker){0};
    s.origin = open;
    ask(&s, &a, "GET", STR(""));
    call_cancel(a.call);
    call_cancel(NULL);
    run_on(&s.stage);
    assert_int_equal(s.stage.said.n, 0);
    asker_done(&a);
    scene_close(&s);
}

static void origins_of_requests_do_not_pile_up(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    for (int i = 0; i < 2 * HTTP_ORIGINS; i++) {
        char host[32];
        int n = snprintf(host, sizeof(host), "h%d.example", i);
        struct origin_name name = {.host = str_of(host, (size_t)n), .port = 443, .tls = i % 2};
        struct origin *o = client_origin(s.client, &name);
        assert_ptr_equal(client_origin(s.client, &name), o);
    }
    struct origin_name own = {.host = STR("127.0.0.1"), .port = listener_port(s.listener), .trusted = true};
    assert_ptr_equal(client_origin(s.client, &own), s.origin); /* the operator's stay */
    scene_close(&s);
}

/* ---- time, cancelling ---- */

static void silence_fails(void **state)
{
    (void)state;
    struct scene s;
    struct asker a = {0};
    scene_open(&s);
    s.limits.first_byte_timeout_ms = s.limits.stream_idle_timeout_ms = 30;
    scene_limits(&s);
    ask(&s, &a, "GET", STR(""));
    assert_said(&s, " FAIL E_FIRST_BYTE_TIMEOUT\n");
    await_end(&s.stage, &s.at[0]);
    asker_done(&a);
    a = (struct asker){0};
    ask(&s, &a, "GET", STR(""));
    struct end *p = await_conn(&s, 1);
    end_send(p, OK3 "a");
    assert_said(&s, "200 3 y\na FAIL E_STREAM_IDLE\n");
    asker_done(&a);
    scene_close(&s);
}

static void a_slow_owner_is_not_the_providers_silence(void **state)
{
    (void)state;
    struct scene s;
    struct asker a = {0};
    scene_open(&s);
    s.limits.stream_idle_timeout_ms = 20;
    scene_limits(&s);
    ask(&s, &a, "GET", STR(""));
    a.hold = true;
    struct end *p = await_conn(&s, 0);
    end_send(p, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    await_said(&s.stage, "200");
    (void)run_until(&s.stage, NULL, 60);
    assert_int_equal(a.ends, 0);
    end_send(p, "def");
    a.hold = false;
    call_resume(a.call);
    assert_said(&s, "200 6 \nabcdef END\n");
    asker_done(&a);
    scene_close(&s);
}

static void no_limit_means_none(void **state)
{
    (void)state;
    struct scene s;
    struct asker a = {0};
    scene_open(&s);
    s.limits.first_byte_timeout_ms = 20;
    s.limits.stream_idle_timeout_ms = 0;
    scene_limits(&s);
    ask(&s, &a, "GET", STR(""));
    struct end *p = await_conn(&s, 0);
    end_send(p, OK3 "a");
    await_said(&s.stage, "200");
    (void)run_until(&s.stage, NULL, 60);
    end_send(p, "bc");
    assert_said(&s, "200 3 y\nabc END\n");
    asker_done(&a);
    scene_close(&s);
}

static void cancelling_closes(void **state)
{
    (void)state;
    struct scene s;
    struct asker a = {0};
    scene_open(&s);
    ask(&s, &a, "GET", STR(""));
    struct end *p = await_conn(&s, 0);
    await_text(&s.stage, p, GET_TEXT);
    call_cancel(a.call);
    await_end(&s.stage, p);
    assert_int_equal(s.stage.said.n, 0);
    asker_done(&a);
    a = (struct asker){0};
    ask(&s, &a, "GET", STR(""));
    a.cancel_at_head = true;
    p = await_conn(&s, 1);
    end_send(p, OK3 "abc");
    await_end(&s.stage, p);
    assert_said(&s, "200 3 y\n");
    assert_int_equal(client_open_conns(s.client), 0);
    asker_done(&a);
    scene_close(&s);
}

/* ---- streaming ---- */

static void bodies_may_be_streamed(void **state)
{
    (void)state;
    struct scene s;
    struct asker a;
    scene_open(&s);
    ask_streaming(&s, &a, LENGTH_UNKNOWN);
    char early[] = "early ";
    assert_int_equal(call_send(a.call, str_c(early)), GO);
    memset(early, 'x', sizeof(early));
    struct end *p = await_conn(&s, 0);
    await_text(&s.stage, p, "chunked\r\n\r\n6\r\nearly \r\n");
    assert_int_equal(call_send(a.call, STR("late")), GO);
    assert_int_equal(call_send(a.call, STR("")), GO);
    run_on(&s.stage);
    call_send_end(a.call);
    await_text(&s.stage, p, "6\r\nearly \r\n4\r\nlate\r\n0\r\n\r\n");
    end_send(p, OK3 "abc");
    assert_said(&s, "200 3 y\nabc END\n");
    assert_int_equal(client_open_conns(s.client), 1);
    asker_done(&a);
    buf_clear(&p->got);
    ask_streaming(&s, &a, 8); /* on the reused connection: at once */
    (void)call_send(a.call, STR("1234"));
    (void)call_send(a.call, STR("5678"));
    call_send_end(a.call);
    await_text(&s.stage, p, "12345678");
    assert_str(buf_str(&p->got), STR("POST /s HTTP/1.1\r\nHost: api\r\nContent-Length: 8\r\n\r\n12345678"));
    end_send(p, OK3 "abc");
    assert_said(&s, "200 3 y\nabc END\n");
    asker_done(&a);
    s.limits.pool_max_idle = 0;
    ask_streaming(&s, &a, 0);
    call_send_end(a.call);
    await_text(&s.stage, p, "Content-Length: 0\r\n\r\n");
    end_send(p, OK3 "abc");
    assert_said(&s, "200 3 y\nabc END\n");
    asker_done(&a);
    scene_close(&s);
}

static char big[1 * MIB];

static void a_slow_provider_holds_the_owner(void **state)
{
    (void)state;
    struct scene s;
    struct asker a;
    scene_open(&s);
    ask_streaming(&s, &a, LENGTH_UNKNOWN);
    assert_int_equal(call_send(a.call, str_of(big, 32 * KIB)), GO);
    assert_int_equal(call_send(a.call, str_of(big, 64 * KIB)), HOLD); /* not even connected */
    struct end *p = await_conn(&s, 0);
    conn_pause(p->c);
    while (!a.drains)
        (void)run_until(&s.stage, NULL, 1);
    size_t sent = 96 * KIB;
    for (unsigned drains = 0; sent < 64 * MIB; sent += sizeof(big)) {
        drains = (unsigned)a.drains;
        if (call_send(a.call, str_of(big, sizeof(big))) == GO)
            continue;
        run_on(&s.stage);
        if (a.drains == drains)
            break; /* the kernel is full, and so are we */
    }
    assert_true(sent < 64 * MIB);
    size_t drains = a.drains;
    conn_resume(p->c);
    while (a.drains == drains)
        (void)run_until(&s.stage, NULL, 1);
    call_send_end(a.call);
    await_text(&s.stage, p, "\r\n0\r\n\r\n");
    end_send(p, OK3 "abc");
    assert_said(&s, "200 3 y\nabc END\n");
    asker_done(&a);
    scene_close(&s);
}

static void an_answer_may_come_early(void **state)
{
    (void)state;
    struct scene s;
    struct asker a;
    scene_open(&s);
    ask_streaming(&s, &a, 10);
    (void)call_send(a.call, STR("1234"));
    struct end *p = await_conn(&s, 0);
    await_text(&s.stage, p, "1234");
    end_send(p, "HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\n");
    await_said(&s.stage, "413");
    (void)call_send(a.call, STR("56"));
    end_send(p, "abc");
    assert_said(&s, "413 3 \nabc END\n");
    await_end(&s.stage, p); /* the request was not whole */
    asker_done(&a);
    scene_close(&s);
}

static void a_slow_owner_holds_the_provider(void **state)
{
    (void)state;
    struct scene s;
    struct asker a = {0};
    scene_open(&s);
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)('a' + i % 23);
    ask(&s, &a, "GET", STR(""));
    a.hold = true;
    struct end *p = await_conn(&s, 0);
    end_send(p, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
    (void)conn_write(p->c, str_of(big, sizeof(big)));
    await_said(&s.stage, "200");
    run_on(&s.stage);
    assert_int_equal(a.pieces, 1);
    while (!a.ends) {
        size_t pieces = a.pieces;
        call_resume(a.call);
        call_resume(a.call);
        assert_int_equal(a.pieces, pieces);
        for (int i = 0; i < 100 && a.pieces == pieces && !a.ends; i++)
            run_on(&s.stage);
        assert_true(a.ends || a.pieces == pieces + 1);
    }
    assert_int_equal(a.body.n, sizeof(big));
    assert_memory_equal(a.body.p, big, sizeof(big));
    asker_done(&a);
    scene_close(&s);
}

static void held_pieces_survive_the_end(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *want;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n",
         "200 -1 \nabc END\n"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n",
         "200 -1 \nabc FAIL E_BAD_ANSWER\n"},
        {"HTTP/1.1 200 OK\r\n\r\nabc", "200 -1 \nabc END\n"},
    };
    struct scene s;
    scene_open(&s);
    for (unsigned i = 0; i < countof(rows); i++) {
        struct asker a = {0};
        ask(&s, &a, "GET", STR(""));
        a.hold = true;
        struct end *p = await_conn(&s, i);
        end_send(p, rows[i].answer);
        conn_finish(p->c);
        p->c = NULL;
        await_said(&s.stage, "200");
        for (int n = 0; n < 5 && !a.ends; n++) {
            run_on(&s.stage);
            if (a.call)
                call_resume(a.call);
        }
        await_said(&s.stage, rows[i].want);
        assert_str(buf_str(&s.stage.said), str_c(rows[i].want));
        buf_clear(&s.stage.said);
        asker_done(&a);
    }
    scene_close(&s);
}

/* ---- a service in this process ---- */

struct mirror {
    struct exchange *x;
    bool ended;
};

static void mirror_request(void *service, struct exchange *x)
{
    *(struct mirror *)service = (struct mirror){.x = x};
    struct header line = {STR("X"), STR("local")};
    exchange_head(x, 200, &(struct headers){&line, 1, 1}, LENGTH_UNKNOWN);
}

static enum flow mirror_body(void *service, struct exchange *x, struct str piece)
{
    (void)service;
    return exchange_write(x, piece);
}

static void mirror_end(void *service, struct exchange *x)
{
    (void)service;
    exchange_end(x);
    exchange_release(x);
}

static void mirror_drain(void *service, struct exchange *x)
{
    (void)service;
    exchange_body_resume(x);
}

static void mirror_gone(void *service, struct exchange *x, enum err why)
{
    (void)service;
    (void)why;
    exchange_release(x);
}

static const struct service mirror = {mirror_request, mirror_body, mirror_end,
                                      mirror_drain,   mirror_gone, NULL};

static void no_render(struct buf *out, enum err e)
{
    (void)out;
    (void)e;
}

static void services_in_this_process_are_origins(void **state)
{
    (void)state;
    struct scene s;
    struct asker a = {0};
    struct mirror m;
    scene_open(&s);
    const struct server_limits limits = {
        .max_head_bytes = 4096,
        .max_body_bytes = 64 * MIB,
        .head_timeout_ms = 5000,
        .body_timeout_ms = 5000,
        .idle_timeout_ms = 5000,
    };
    const struct server_route route = {STR(""), &mirror, &m};
    struct server *server = server_new(s.stage.l, &limits, &route, 1, no_render);
    s.origin = client_local_origin(s.client, STR("mirror"), server);
    assert_ptr_equal(client_local_origin(s.client, STR("mirror"), server), s.origin);
    ask(&s, &a, "POST", STR("look"));
    assert_said(&s, "200 -1 local\nlook END\n");
    asker_done(&a);
    for (int round = 0; round < 2; round++) {
        ask_streaming(&s, &a, LENGTH_UNKNOWN);
        for (int i = 0; i < 32; i++) {
            size_t drains = a.drains;
            if (call_send(a.call, str_of(big, sizeof(big))) == HOLD)
                while (a.drains == drains)
                    (void)run_until(&s.stage, NULL, 1);
        }
        call_send_end(a.call);
        await_said(&s.stage, "END");
        buf_clear(&s.stage.said);
        assert_int_equal(a.body.n, 32 * sizeof(big));
        for (size_t i = 0; i < 32; i++)
            assert_memory_equal(a.body.p + i * sizeof(big), big, sizeof(big));
        asker_done(&a);
    }
    assert_int_equal(server_conns(server), 1);
    client_free(s.client);
    run_on(&s.stage);
    assert_int_equal(server_conns(server), 0);
    server_free(server);
    s.client = NULL;
    scene_close(&s);
}

static void streaming_allocates_nothing(void **state)
{
    (void)state;
    struct scene s;
    struct asker a;
    struct mirror m;
    scene_open(&s);
    const struct server_limits limits = {4096, 64 * MIB, 5000, 5000, 5000};
    const struct server_route route = {STR(""), &mirror, &m};
    struct server *server = server_new(s.stage.l, &limits, &route, 1, no_render);
    s.origin = client_local_origin(s.client, STR("mirror"), server);
    ask_streaming(&s, &a, LENGTH_UNKNOWN);
    uint64_t before = 0;
    for (size_t i = 0; i < 100; i++) {
        if (i == 50)
            before = mem_count();
        buf_clear(&a.body);
        (void)call_send(a.call, STR("data: {\"delta\":\"hello\"}\n\n"));
        while (a.body.n == 0)
            (void)run_until(&s.stage, NULL, 1);
    }
    assert_int_equal(mem_count(), before);
    call_send_end(a.call);
    await_said(&s.stage, "END");
    asker_done(&a);
    client_free(s.client);
    s.client = NULL;
    run_on(&s.stage);
    server_free(server);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_reused),
        cmocka_unit_test(bodies_are_sent_with_their_length),
        cmocka_unit_test(cuts_make_no_difference),
        cmocka_unit_test(broken_answers_fail),
        cmocka_unit_test(interim_answers_must_end),
        cmocka_unit_test(the_first_byte_is_of_the_answer_itself),
        cmocka_unit_test(a_large_body_is_sent_when_it_is_through),
        cmocka_unit_test(only_clean_connections_are_reused),
        cmocka_unit_test(a_stale_connection_is_retried_once),
        cmocka_unit_test(half_an_answer_is_not_retried),
        cmocka_unit_test(a_streamed_body_is_not_retried),
        cmocka_unit_test(calls_queue_at_the_limit),
        cmocka_unit_test(queueing_has_an_end),
        cmocka_unit_test(idle_connections_are_few_and_do_not_last),
        cmocka_unit_test(connecting_may_fail),
        cmocka_unit_test(origins_of_requests_do_not_pile_up),
        cmocka_unit_test(silence_fails),
        cmocka_unit_test(a_slow_owner_is_not_the_providers_silence),
        cmocka_unit_test(no_limit_means_none),
        cmocka_unit_test(cancelling_closes),
        cmocka_unit_test(bodies_may_be_streamed),
        cmocka_unit_test(a_slow_provider_holds_the_owner),
        cmocka_unit_test(an_answer_may_come_early),
        cmocka_unit_test(a_slow_owner_holds_the_provider),
        cmocka_unit_test(held_pieces_survive_the_end),
        cmocka_unit_test(services_in_this_process_are_origins),
        cmocka_unit_test(streaming_allocates_nothing),
    };
    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
