/* SPDX-License-Identifier: Apache-2.0 */
/* http/server: exchanges over scripted connections. */
#include "tests/unit/http_end.h"

#include "base/clock.h"
#include "http/server.h"

#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define H "Host: h\r\n"

/*
 * One server with one service. What the service does is named by the path:
 *   /now  answers at once        /echo  answers with the body when it has ended
 *   /hold takes one piece of the body at a time          anything else waits for the test
 */
struct scene {
    struct stage stage;
    struct server *server;
    struct server_limits limits;
    struct exchange *x; /* the newest one */
    struct buf body;
    size_t pieces, drains;
    bool hold, empty, keep_exchange;
};

static struct scene *scene_of(void *service)
{
    return service;
}

static void say(struct scene *s, const char *what, struct str detail)
{
    buf_printf(&s->stage.said, "%s %.*s\n", what, STR_FMT(detail));
    poke(&s->stage);
}

static void finish(struct scene *s, struct exchange *x, int status, struct str body)
{
    exchange_reply(x, status, STR("text/plain"), body);
    exchange_release(x);
    s->x = NULL;
}

static void on_request(void *service, struct exchange *x)
{
    struct scene *s = scene_of(service);
    const struct request_head *r = exchange_request(x);
    s->x = x;
    buf_clear(&s->body);
    s->hold = str_starts(r->path, STR("/hold"));
    assert_str(exchange_peer(x), STR("unix"));
    assert_int_equal(exchange_started(x), 7);
    say(s, "request", r->target);
    if (str_starts(r->path, STR("/now")))
        finish(s, x, 200, STR("now"));
}

static enum flow on_body(void *service, struct exchange *x, struct str piece)
{
    struct scene *s = scene_of(service);
    assert_ptr_equal(x, s->x);
    s->pieces++;
    assert_int_equal(buf_append(&s->body, piece), E_OK);
    poke(&s->stage);
    return s->hold ? HOLD : GO;
}

static void on_body_end(void *service, struct exchange *x)
{
    struct scene *s = scene_of(service);
    say(s, "body", str_head(buf_str(&s->body), 100));
    if (str_starts(exchange_request(x)->path, STR("/echo")))
        finish(s, x, 200, arena_dup(exchange_arena(x), buf_str(&s->body)));
}

static void on_drain(void *service, struct exchange *x)
{
    struct scene *s = scene_of(service);
    assert_ptr_equal(x, s->x);
    s->drains++;
    poke(&s->stage);
}

static void on_gone(void *service, struct exchange *x, enum err why)
{
    struct scene *s = scene_of(service);
    assert_ptr_equal(x, s->x);
    say(s, "gone", str_c(err_name(why)));
    if (s->keep_exchange)
        return;
    s->x = NULL;
    exchange_release(x);
}

static const struct service service = {on_request, on_body, on_body_end, on_drain, on_gone, NULL};
static const struct service no_service;

static void render(struct buf *out, enum err e)
{
    buf_printf(out, "{\"error\":\"%s\"}", err_name(e));
}

static struct server_route routes[2];

static void scene_open(struct scene *s)
{
    *s = (struct scene){.limits = {
                            .max_head_bytes = 1024,
                            .max_body_bytes = 4 * MIB,
                            .head_timeout_ms = 10000,
                            .body_timeout_ms = 10000,
                            .idle_timeout_ms = 10000,
                        }};
    clock_fake(7, 784111777000);
    stage_open(&s->stage);
    buf_init(&s->body, 64 * MIB);
    routes[0] = (struct server_route){STR("/"), &service, s};
    routes[1] = (struct server_route){STR("*"), &no_service, NULL};
    s->server = server_new(s->stage.l, &s->limits, routes, 1, render);
}

static void scene_limits(struct scene *s)
{
    server_set_limits(s->server, &s->limits);
}

static void scene_close(struct scene *s)
{
    server_free(s->server);
    buf_done(&s->body);
    stage_close(&s->stage);
    clock_real();
}

static void connect_to(struct scene *s, struct end *e)
{
    struct conn *ours, *theirs;
    assert_int_equal(conn_pair(s->stage.l, &ours, &theirs), E_OK);
    end_open(&s->stage, e, ours);
    server_accept(s->server, theirs);
}

#define OK(body, length)                                                                                     \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" DATE "Content-Length: " length "\r\n\r\n" body
#define GET(path) "GET " path " HTTP/1.1\r\n" H "\r\n"

static void a_connection_is_kept(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    for (int i = 0; i < 3; i++) {
        end_send(&e, GET("/now?a"));
        await_text(&s.stage, &e, OK("now", "3"));
        assert_str(buf_str(&e.got), STR(OK("now", "3")));
        buf_clear(&e.got);
        end_send(&e, "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello");
        await_text(&s.stage, &e, OK("hello", "5"));
        assert_str(buf_str(&e.got), STR(OK("hello", "5")));
        buf_clear(&e.got);
    }
    assert_int_equal(server_conns(s.server), 1);
    assert_int_equal(server_busy(s.server), 0);
    end_close(&e);
    scene_close(&s);
}

static void kept_connections_allocate_nothing(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    uint64_t before = 0;
    for (int i = 0; i < 20; i++) {
        if (i == 10)
            before = mem_count();
        buf_clear(&e.got);
        buf_clear(&s.stage.said);
        end_send(&e, "POST /echo HTTP/1.1\r\n" H "Accept: */*\r\nContent-Length: 5\r\n\r\nhello");
        await_text(&s.stage, &e, OK("hello", "5"));
    }
    assert_int_equal(mem_count(), before);
    end_close(&e);
    scene_close(&s);
}

static const char two_requests[] = "POST /echo/1 HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"
                                   "POST /echo/2?q HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
                                   "3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: v\r\n\r\n" GET("/now");

static void cuts_make_no_difference(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    for (size_t cut = 0; cut < sizeof(two_requests); cut++) {
        struct end e;
        connect_to(&s, &e);
        buf_clear(&s.stage.said);
        struct str text = str_c(two_requests);
        (void)conn_write(e.c, str_head(text, cut));
        if (cut)
            (void)run_until(&s.stage, NULL, 1);
        (void)conn_write(e.c, str_from(text, cut));
        await_text(&s.stage, &e, OK("now", "3"));
        assert_str(buf_str(&e.got), STR(OK("hello", "5") OK("abcde", "5") OK("now", "3")));
        assert_str(buf_str(&s.stage.said), STR("request /echo/1\nbody hello\nrequest /echo/2?q\nbody abcde\n"
                                               "request /now\n"));
        end_close(&e);
    }
    scene_close(&s);
}

static void bytes_may_come_one_by_one(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    for (size_t i = 0; i < sizeof(two_requests) - 1; i++) {
        (void)conn_write(e.c, str_of(two_requests + i, 1));
        (void)run_until(&s.stage, NULL, 1);
    }
    await_text(&s.stage, &e, OK("now", "3"));
    assert_str(buf_str(&e.got), STR(OK("hello", "5") OK("abcde", "5") OK("now", "3")));
    end_close(&e);
    scene_close(&s);
}

static void pipelined_requests_wait_their_turn(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    end_send(&e, GET("/1") GET("/2") GET("/3"));
    await_said(&s.stage, "body");
    run_on(&s.stage);
    assert_str(buf_str(&s.stage.said), STR("request /1\nbody \n"));
    assert_int_equal(server_busy(s.server), 1);
    finish(&s, s.x, 200, STR("a"));
    await_said(&s.stage, "request /2");
    end_send(&e, GET("/now"));
    run_on(&s.stage);
    finish(&s, s.x, 404, STR("b"));
    await_said(&s.stage, "request /3");
    finish(&s, s.x, 200, STR("c"));
    await_text(&s.stage, &e, "now");
    assert_str(buf_str(&e.got), STR(OK("a", "1") "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n" DATE
                                                 "Content-Length: 1\r\n\r\nb" OK("c", "1") OK("now", "3")));
    end_close(&e);
    scene_close(&s);
}

static void reading_stops_behind_many_pipelined_bytes(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    end_send(&e, GET("/first"));
    await_said(&s.stage, "body");
    const int count = 40000;
    for (int i = 0; i < count; i++)
        end_send(&e, GET("/now"));
    run_on(&s.stage);
    assert_true(conn_queued(e.c) > 100 * KIB); /* our bytes pile up, not the server's */
    finish(&s, s.x, 200, STR("first"));
    s.stage.end = &e;
    while (e.got.n < sizeof(OK("now", "3")) * (size_t)count)
        if (!run_until(&s.stage, NULL, 1) && e.got.n + 1000 > (sizeof(OK("now", "3")) - 1) * (size_t)count)
            break;
    run_on(&s.stage);
    assert_int_equal(e.got.n, sizeof(OK("first", "5")) - 1 + (sizeof(OK("now", "3")) - 1) * (size_t)count);
    end_close(&e);
    scene_close(&s);
}

static void head_has_no_body(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    end_send(&e, "HEAD /now HTTP/1.1\r\n" H "\r\nHEAD /x HTTP/1.1\r\n" H "\r\n" GET("/now"));
    await_said(&s.stage, "request /x");
    exchange_head(s.x, 200, NULL, LENGTH_UNKNOWN);
    assert_int_equal(exchange_write(s.x, STR("dropped")), GO);
    exchange_end(s.x);
    exchange_release(s.x);
    await_text(&s.stage, &e, "\r\n\r\nnow");
    assert_str(buf_str(&e.got), STR(OK("", "3") "HTTP/1.1 200 OK\r\n" DATE "\r\n" OK("now", "3")));
    end_close(&e);
    scene_close(&s);
}

static void answers_of_unknown_length_are_chunked(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    end_send(&e, GET("/x"));
    await_said(&s.stage, "body");
    struct header line[] = {{STR("Date"), STR("mine")}, {STR("Keep-Alive"), STR("no")}};
    exchange_head(s.x, 201, &(struct headers){line, 2, 2}, LENGTH_UNKNOWN);
    assert_true(exchange_head_sent(s.x));
    assert_int_equal(exchange_write(s.x, STR("hello")), GO);
    assert_int_equal(exchange_write(s.x, STR("")), GO);
    char temporary[] = " you";
    assert_int_equal(exchange_write_copy(s.x, str_c(temporary)), GO);
    memset(temporary, 'x', sizeof(temporary));
    exchange_end(s.x);
    exchange_release(s.x);
    await_text(&s.stage, &e, "0\r\n\r\n");
    assert_str(buf_str(&e.got), STR("HTTP/1.1 201 Created\r\nDate: mine\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "5\r\nhello\r\n4\r\n you\r\n0\r\n\r\n"));
    buf_clear(&e.got);
    end_send(&e, GET("/204"));
    await_said(&s.stage, "/204\nbody");
    exchange_head(s.x, 204, NULL, 0);
    exchange_end(s.x);
    exchange_release(s.x);
    await_text(&s.stage, &e, "\r\n\r\n");
    assert_str(buf_str(&e.got), STR("HTTP/1.1 204 No Content\r\n" DATE "\r\n"));
    end_close(&e);
    scene_close(&s);
}

static void old_clients_are_served(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    end_send(&e, "GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    await_text(&s.stage, &e, "\r\n\r\nnow");
    assert_true(str_has(buf_str(&e.got), STR("Connection: keep-alive\r\n")));
    buf_clear(&e.got);
    end_send(&e, "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    await_said(&s.stage, "/x\nbody");
    exchange_head(s.x, 200, NULL, LENGTH_UNKNOWN);
    exchange_write(s.x, STR("until the end"));
    exchange_end(s.x);
    exchange_release(s.x);
    await_end(&s.stage, &e);
    assert_str(buf_str(&e.got), STR("HTTP/1.1 200 OK\r\n" DATE "Connection: close\r\n\r\nuntil the end"));
    end_close(&e);
    connect_to(&s, &e);
    end_send(&e, "GET /now HTTP/1.0\r\n\r\n" GET("/never"));
    await_end(&s.stage, &e);
    assert_true(str_has(buf_str(&e.got), STR("Connection: close\r\n")));
    assert_false(str_has(buf_str(&s.stage.said), STR("never")));
    end_close(&e);
    scene_close(&s);
}

static void close_is_honoured(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    end_send(&e, "GET /now HTTP/1.1\r\n" H "Connection: close\r\n\r\n" GET("/never"));
    await_end(&s.stage, &e);
    assert_str(buf_str(&e.got), STR("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" DATE
                                    "Connection: close\r\nContent-Length: 3\r\n\r\nnow"));
    assert_str(buf_str(&s.stage.said), STR("request /now\n"));
    end_close(&e);
    scene_close(&s);
}

static void continue_is_said_when_the_body_is_wanted(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    end_send(&e, "POST /echo HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    await_text(&s.stage, &e, "HTTP/1.1 100 Continue\r\n\r\n");
    end_send(&e, "hi");
    await_text(&s.stage, &e, OK("hi", "2"));
    buf_clear(&e.got);
    /* the body is here already: nobody waits */
    end_send(&e, "POST /echo HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nho");
    await_text(&s.stage, &e, "ho");
    assert_str(buf_str(&e.got), STR(OK("ho", "2")));
    buf_clear(&e.got);
    /* refused before the body: the connection ends, since nobody knows whether one follows */
    end_send(&e, "POST /now HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    await_end(&s.stage, &e);
    assert_true(str_starts(buf_str(&e.got), STR("HTTP/1.1 200 OK\r\n")));
    assert_true(str_has(buf_str(&e.got), STR("Connection: close\r\n")));
    end_close(&e);
    scene_close(&s);
}

static void faults_are_answered_and_close(void **state)
{
    (void)state;
    static const struct {
        const char *request, *status, *err;
    } rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", "400", "E_HTTP_SYNTAX"},
        {"GET / HTTP/1.1\nHost: h\n\n", "400", "E_HTTP_SYNTAX"},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400",
         "E_HTTP_SYNTAX"},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", "400", "E_HTTP_SYNTAX"},
        {"\x16\x03\x01\x02", "400", "E_HTTP_SYNTAX"},
        {"GET / HTTP/1.1\r\n" H "Expect: tea\r\n\r\n", "417", "E_EXPECTATION"},
        {"GET / HTTP/2.0\r\n" H "\r\n", "505", "E_HTTP_VERSION"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505", "E_HTTP_VERSION"},
        {"CONNECT a:1 HTTP/1.1\r\n" H "\r\n", "405", "E_BAD_METHOD"},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 4194305\r\n\r\nabc", "413", "E_TOO_LARGE"},
        {"OPTIONS * HTTP/1.1\r\n" H "\r\n", "404", "E_NOT_FOUND"},
    };
    struct scene s;
    scene_open(&s);
    for (size_t i = 0; i < countof(rows); i++) {
        struct end e;
        connect_to(&s, &e);
        end_send(&e, GET("/now")); /* the answer before it is not lost */
        end_send(&e, rows[i].request);
        await_end(&s.stage, &e);
        struct str answer = str_from(buf_str(&e.got), sizeof(OK("now", "3")) - 1);
        struct buf want;
        buf_init(&want, KIB);
        buf_printf(&want, "HTTP/1.1 %s ", rows[i].status);
        assert_true(str_starts(answer, buf_str(&want)));
        buf_clear(&want);
        buf_printf(&want, "Connection: close\r\nContent-Length: %zu\r\n\r\n{\"error\":\"%s\"}",
                   strlen(rows[i].err) + 12, rows[i].err);
        assert_true(str_ends(answer, buf_str(&want)));
        buf_done(&want);
        end_close(&e);
    }
    assert_false(str_has(buf_str(&s.stage.said), STR("request /\n")));
    assert_int_equal(server_conns(s.server), 0);
    scene_close(&s);
}

static void long_heads_are_refused(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    char many[2000];
    memset(many, 'a', sizeof(many));
    scene_open(&s);
    connect_to(&s, &e);
    end_send(&e, "GET /");
    (void)conn_write(e.c, str_of(many, sizeof(many)));
    await_end(&s.stage, &e);
    assert_true(str_starts(buf_str(&e.got), STR("HTTP/1.1 414 ")));
    end_close(&e);
    connect_to(&s, &e);
    end_send(&e, "GET / HTTP/1.1\r\nX: ");
    (void)conn_write(e.c, str_of(many, sizeof(many)));
    await_end(&s.stage, &e);
    assert_true(str_starts(buf_str(&e.got), STR("HTTP/1.1 431 ")));
    end_close(&e);
    scene_close(&s);
}

static void bodies_that_grow_too_large_are_refused(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    s.limits.max_body_bytes = 10;
    scene_limits(&s);
    connect_to(&s, &e);
    end_send(&e, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n");
    (void)run_until(&s.stage, NULL, 2);
    end_send(&e, "1\r\nx\r\n");
    await_end(&s.stage, &e);
    assert_true(str_starts(buf_str(&e.got), STR("HTTP/1.1 413 ")));
    assert_str(buf_str(&s.stage.said), STR("request /echo\ngone E_TOO_LARGE\n"));
    end_close(&e);
    scene_close(&s);
}

static void broken_bodies_are_refused(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    end_send(&e, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n");
    await_end(&s.stage, &e);
    assert_true(str_starts(buf_str(&e.got), STR("HTTP/1.1 400 ")));
    assert_str(buf_str(&s.stage.said), STR("request /echo\ngone E_HTTP_SYNTAX\n"));
    end_close(&e);
    /* with an answer begun, there is nothing left but to cut */
    connect_to(&s, &e);
    end_send(&e, "POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    await_said(&s.stage, "request /x");
    exchange_head(s.x, 200, NULL, LENGTH_UNKNOWN);
    end_send(&e, "zz\r\n");
    await_end(&s.stage, &e);
    assert_true(str_ends(buf_str(&e.got), STR("chunked\r\n\r\n")));
    end_close(&e);
    scene_close(&s);
}

static void slow_clients_time_out(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    s.limits.head_timeout_ms = s.limits.body_timeout_ms = s.limits.idle_timeout_ms = 20;
    scene_limits(&s);
    connect_to(&s, &e); /* says nothing at all */
    await_end(&s.stage, &e);
    assert_int_equal(e.got.n, 0);
    end_close(&e);
    connect_to(&s, &e); /* half a head */
    end_send(&e, "GET / HTTP/1.1\r\n");
    await_end(&s.stage, &e);
    assert_true(str_starts(buf_str(&e.got), STR("HTTP/1.1 408 ")));
    assert_true(str_has(buf_str(&e.got), STR("E_HEAD_TIMEOUT")));
    end_close(&e);
    connect_to(&s, &e); /* half a body */
    end_send(&e, "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhel");
    await_end(&s.stage, &e);
    assert_true(str_has(buf_str(&e.got), STR("E_BODY_TIMEOUT")));
    end_close(&e);
    connect_to(&s, &e); /* nothing after an answer */
    end_send(&e, GET("/now"));
    await_end(&s.stage, &e);
    assert_str(buf_str(&e.got), STR(OK("now", "3")));
    end_close(&e);
    assert_str(buf_str(&s.stage.said), STR("request /echo\ngone E_BODY_TIMEOUT\nrequest /now\n"));
    scene_close(&s);
}

static void a_slow_service_does_not_time_out(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    s.limits.head_timeout_ms = s.limits.body_timeout_ms = s.limits.idle_timeout_ms = 10;
    scene_limits(&s);
    connect_to(&s, &e);
    end_send(&e, GET("/x"));
    await_said(&s.stage, "body");
    (void)run_until(&s.stage, NULL, 50);
    assert_false(e.ended);
    finish(&s, s.x, 200, STR("late"));
    await_text(&s.stage, &e, "late");
    end_close(&e);
    connect_to(&s, &e);
    end_send(&e, "POST /hold HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\na");
    await_said(&s.stage, "request /hold");
    (void)run_until(&s.stage, NULL, 50);
    assert_false(e.ended);
    end_close(&e);
    run_on(&s.stage);
    scene_close(&s);
}

static void dribbled_heads_time_out_as_a_whole(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    s.limits.head_timeout_ms = 40;
    scene_limits(&s);
    connect_to(&s, &e);
    end_send(&e, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 100 && !e.ended; i++) {
        end_send(&e, "X: y\r\n");
        (void)run_until(&s.stage, NULL, 5);
    }
    assert_true(e.ended);
    assert_true(str_starts(buf_str(&e.got), STR("HTTP/1.1 408 ")));
    end_close(&e);
    scene_close(&s);
}

static char big[1 * MIB];

static void a_client_that_takes_nothing_is_cut(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    s.limits.body_timeout_ms = 20;
    scene_limits(&s);
    connect_to(&s, &e);
    end_send(&e, GET("/x"));
    await_said(&s.stage, "body");
    conn_pause(e.c);
    exchange_head(s.x, 200, NULL, 2 * (int64_t)sizeof(big));
    assert_int_equal(exchange_write(s.x, str_of(big, sizeof(big))), HOLD);
    await_said(&s.stage, "gone E_CLIENT_GONE");
    assert_int_equal(server_conns(s.server), 0);
    end_close(&e);
    scene_close(&s);
}

static void a_slow_client_holds_the_service(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    end_send(&e, GET("/x") GET("/now"));
    await_said(&s.stage, "body");
    conn_pause(e.c);
    exchange_head(s.x, 200, NULL, 2 * (int64_t)sizeof(big));
    assert_int_equal(exchange_write(s.x, str_of(big, sizeof(big))), HOLD);
    run_on(&s.stage);
    assert_int_equal(s.drains, 0);
    assert_true(exchange_queued(s.x) > NET_WRITE_HIGH);
    conn_resume(e.c);
    while (!s.drains)
        (void)run_until(&s.stage, NULL, 1);
    conn_pause(e.c);
    /* the next answer waits until this one is taken: memory stays flat */
    (void)exchange_write(s.x, str_of(big, sizeof(big)));
    exchange_end(s.x);
    exchange_release(s.x);
    run_on(&s.stage);
    assert_false(str_has(buf_str(&s.stage.said), STR("/now")));
    conn_resume(e.c);
    await_text(&s.stage, &e, OK("now", "3"));
    assert_int_equal(s.drains, 1);
    assert_true(e.got.n > 2 * sizeof(big));
    end_close(&e);
    scene_close(&s);
}

static void a_slow_service_holds_the_client(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)('a' + i % 23);
    end_send(&e, "POST /hold HTTP/1.1\r\n" H "Content-Length: 1048576\r\n\r\n");
    (void)conn_write(e.c, str_of(big, sizeof(big)));
    await_said(&s.stage, "request");
    run_on(&s.stage);
    assert_int_equal(s.pieces, 1);
    assert_true(s.body.n <= NET_READ_BYTES);
    assert_true(conn_queued(e.c) > 256 * KIB);
    while (s.body.n < sizeof(big)) {
        size_t pieces = s.pieces;
        exchange_body_resume(s.x);
        exchange_body_resume(s.x);
        run_on(&s.stage);
        assert_int_equal(s.pieces, pieces + 1);
    }
    run_on(&s.stage);
    assert_false(str_has(buf_str(&s.stage.said), STR("body")));
    exchange_body_resume(s.x);
    await_said(&s.stage, "body");
    assert_memory_equal(s.body.p, big, sizeof(big));
    finish(&s, s.x, 200, STR("done"));
    await_text(&s.stage, &e, "done");
    end_close(&e);
    scene_close(&s);
}

static void held_chunks_come_one_by_one(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    end_send(&e, "POST /hold HTTP/1.1\r\n" H
                 "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n" GET("/now"));
    await_said(&s.stage, "request");
    for (size_t i = 1; i <= 3; i++) {
        run_on(&s.stage);
        assert_int_equal(s.pieces, i);
        exchange_body_resume(s.x);
    }
    await_said(&s.stage, "body abc");
    finish(&s, s.x, 200, STR("done"));
    await_text(&s.stage, &e, OK("done", "4") OK("now", "3"));
    end_close(&e);
    scene_close(&s);
}

static void a_client_that_leaves_is_noticed(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    const char *requests[] = {
        "POST /a HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhel",
        GET("/b"),
        GET("/c"),
        GET("/d") GET("/never"),
    };
    for (size_t i = 0; i < countof(requests); i++) {
        buf_clear(&s.stage.said);
        connect_to(&s, &e);
        end_send(&e, requests[i]);
        await_said(&s.stage, "request");
        run_on(&s.stage);
        if (i == 2) {
            exchange_head(s.x, 200, NULL, LENGTH_UNKNOWN);
            exchange_write(s.x, STR("piece"));
            run_on(&s.stage);
        }
        conn_close(e.c);
        e.c = NULL;
        await_said(&s.stage, "gone E_CLIENT_GONE");
        run_on(&s.stage);
        assert_int_equal(server_conns(s.server), 0);
        assert_int_equal(server_busy(s.server), 0);
        assert_false(str_has(buf_str(&s.stage.said), STR("never")));
        end_close(&e);
    }
    scene_close(&s);
}

static void an_exchange_outlives_its_connection(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    s.keep_exchange = true;
    connect_to(&s, &e);
    end_send(&e, GET("/x"));
    await_said(&s.stage, "body");
    end_close(&e);
    await_said(&s.stage, "gone");
    run_on(&s.stage);
    /* all of this is harmless now */
    exchange_head(s.x, 200, NULL, 5);
    assert_int_equal(exchange_write(s.x, STR("hello")), GO);
    exchange_end(s.x);
    exchange_body_resume(s.x);
    assert_int_equal(exchange_queued(s.x), 0);
    assert_str(exchange_peer(s.x), STR("unix"));
    assert_str(exchange_request(s.x)->path, STR("/x"));
    server_free(s.server);
    run_on(&s.stage);
    exchange_release(s.x);
    buf_done(&s.body);
    stage_close(&s.stage);
    clock_real();
}

static void aborted_answers_look_incomplete(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    end_send(&e, GET("/x"));
    await_said(&s.stage, "body");
    exchange_head(s.x, 200, NULL, LENGTH_UNKNOWN);
    exchange_write(s.x, STR("so far"));
    exchange_abort(s.x);
    exchange_release(s.x);
    await_end(&s.stage, &e);
    assert_true(str_ends(buf_str(&e.got), STR("6\r\nso far\r\n")));
    end_close(&e);
    connect_to(&s, &e); /* less than was announced */
    end_send(&e, GET("/y"));
    await_said(&s.stage, "/y\nbody");
    exchange_head(s.x, 200, NULL, 100);
    exchange_write(s.x, STR("short"));
    exchange_end(s.x);
    exchange_release(s.x);
    await_end(&s.stage, &e);
    assert_true(str_ends(buf_str(&e.got), STR("Content-Length: 100\r\n\r\nshort")));
    end_close(&e);
    connect_to(&s, &e); /* no answer at all */
    end_send(&e, GET("/z"));
    await_said(&s.stage, "/z\nbody");
    exchange_abort(s.x);
    exchange_release(s.x);
    await_end(&s.stage, &e);
    assert_int_equal(e.got.n, 0);
    end_close(&e);
    assert_false(str_has(buf_str(&s.stage.said), STR("gone")));
    scene_close(&s);
}

static void bodies_of_answered_requests_are_read_away(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    end_send(&e, "POST /now HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello" GET("/now"));
    await_text(&s.stage, &e, OK("now", "3") OK("now", "3"));
    buf_clear(&e.got);
    end_send(&e, "POST /now HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    await_text(&s.stage, &e, OK("now", "3"));
    end_send(&e, "1\r\nd\r\n0\r\n\r\n" GET("/now"));
    await_text(&s.stage, &e, OK("now", "3") OK("now", "3"));
    buf_clear(&e.got);
    /* too much to read: the connection ends */
    end_send(&e, "POST /now HTTP/1.1\r\n" H "Content-Length: 4000000\r\n\r\nhello");
    await_end(&s.stage, &e);
    assert_true(str_has(buf_str(&e.got), STR("Connection: close\r\n")));
    end_close(&e);
    connect_to(&s, &e);
    end_send(&e, "POST /now HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n200000\r\n");
    (void)conn_write(e.c, str_of(big, sizeof(big)));
    (void)conn_write(e.c, str_of(big, sizeof(big)));
    await_end(&s.stage, &e);
    assert_str(buf_str(&e.got), STR(OK("now", "3")));
    end_close(&e);
    scene_close(&s);
}

static void an_early_answer_releases_a_held_body(void **state)
{
    (void)state;
    struct scene s;
    struct end e;
    scene_open(&s);
    connect_to(&s, &e);
    end_send(&e, "POST /hold HTTP/1.1\r\n" H
                 "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n" GET("/now"));
    await_said(&s.stage, "request");
    run_on(&s.stage);
    finish(&s, s.x, 200, STR("early"));
    await_text(&s.stage, &e, OK("early", "5") OK("now", "3"));
    assert_int_equal(s.pieces, 1);
    end_close(&e);
    scene_close(&s);
}

static void on_empty(void *arg)
{
    struct scene *s = arg;
    assert_false(s->empty);
    s->empty = true;
    poke(&s->stage);
}

static bool is_empty(struct stage *stage)
{
    return container_of(stage, struct scene, stage)->empty;
}

static void draining_lets_exchanges_finish(void **state)
{
    (void)state;
    struct scene s;
    struct end idle, busy, fresh, begun;
    scene_open(&s);
    connect_to(&s, &idle);
    connect_to(&s, &busy);
    connect_to(&s, &begun);
    end_send(&idle, GET("/now"));
    await_text(&s.stage, &idle, "now");
    end_send(&busy, GET("/x") GET("/never"));
    end_send(&begun, "GET /now HTTP/1.1\r\n");
    await_said(&s.stage, "/x\nbody");
    struct exchange *waiting = s.x;
    run_on(&s.stage);
    server_drain(s.server, on_empty, &s);
    await_end(&s.stage, &idle);
    connect_to(&s, &fresh);
    await_end(&s.stage, &fresh);
    assert_false(busy.ended);
    assert_false(s.empty);
    end_send(&begun, H "\r\n");
    await_end(&s.stage, &begun);
    assert_true(str_has(buf_str(&begun.got), STR("Connection: close\r\n")));
    finish(&s, waiting, 200, STR("last"));
    await_end(&s.stage, &busy);
    assert_str(buf_str(&busy.got), STR("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" DATE
                                       "Connection: close\r\nContent-Length: 4\r\n\r\nlast"));
    assert_true(run_until(&s.stage, is_empty, 5000));
    assert_int_equal(server_conns(s.server), 0);
    end_close(&idle);
    end_close(&busy);
    end_close(&fresh);
    end_close(&begun);
    scene_close(&s);
}

static void draining_nothing_is_over_at_once(void **state)
{
    (void)state;
    struct scene s;
    scene_open(&s);
    server_drain(s.server, on_empty, &s);
    assert_false(s.empty);
    assert_true(run_until(&s.stage, is_empty, 1000));
    scene_close(&s);
}

static void freeing_cuts_what_is_left(void **state)
{
    (void)state;
    struct scene s;
    struct end idle, busy;
    scene_open(&s);
    connect_to(&s, &idle);
    connect_to(&s, &busy);
    end_send(&busy, GET("/x"));
    await_said(&s.stage, "body");
    server_free(s.server);
    assert_true(str_has(buf_str(&s.stage.said), STR("gone E_CLIENT_GONE")));
    await_end(&s.stage, &idle);
    await_end(&s.stage, &busy);
    end_close(&idle);
    end_close(&busy);
    buf_done(&s.body);
    stage_close(&s.stage);
    clock_real();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_kept),
        cmocka_unit_test(kept_connections_allocate_nothing),
        cmocka_unit_test(cuts_make_no_difference),
        cmocka_unit_test(bytes_may_come_one_by_one),
        cmocka_unit_test(pipelined_requests_wait_their_turn),
        cmocka_unit_test(reading_stops_behind_many_pipelined_bytes),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(answers_of_unknown_length_are_chunked),
        cmocka_unit_test(old_clients_are_served),
        cmocka_unit_test(close_is_honoured),
        cmocka_unit_test(continue_is_said_when_the_body_is_wanted),
        cmocka_unit_test(faults_are_answered_and_close),
        cmocka_unit_test(long_heads_are_refused),
        cmocka_unit_test(bodies_that_grow_too_large_are_refused),
        cmocka_unit_test(broken_bodies_are_refused),
        cmocka_unit_test(slow_clients_time_out),
        cmocka_unit_test(a_slow_service_does_not_time_out),
        cmocka_unit_test(dribbled_heads_time_out_as_a_whole),
        cmocka_unit_test(a_client_that_takes_nothing_is_cut),
        cmocka_unit_test(a_slow_client_holds_the_service),
        cmocka_unit_test(a_slow_service_holds_the_client),
        cmocka_unit_test(held_chunks_come_one_by_one),
        cmocka_unit_test(a_client_that_leaves_is_noticed),
        cmocka_unit_test(an_exchange_outlives_its_connection),
        cmocka_unit_test(aborted_answers_look_incomplete),
        cmocka_unit_test(bodies_of_answered_requests_are_read_away),
        cmocka_unit_test(an_early_answer_releases_a_held_body),
        cmocka_unit_test(draining_lets_exchanges_finish),
        cmocka_unit_test(draining_nothing_is_over_at_once),
        cmocka_unit_test(freeing_cuts_what_is_left),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
