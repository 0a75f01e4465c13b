/* SPDX-License-Identifier: Apache-2.0 */
/* http/h1: what is a message, what is refused, and that cuts make no difference. */
#include "tests/unit/test.h"

#include "base/buf.h"
#include "base/limits.h"
#include "http/h1.h"

enum { MAX_HEAD = 64 * KIB };

/* Reads messages and says what it saw: head, body, END or the fault. */
struct reader {
    struct h1 *h1;
    struct arena arena;
    struct request_head request;
    struct response_head response;
    struct buf said;
    bool requests, to_head, in_body, over;
    size_t max_head;
};

static void expect(struct reader *r)
{
    if (r->requests)
        h1_expect_request(r->h1, &r->arena, r->max_head, &r->request);
    else
        h1_expect_response(r->h1, &r->arena, r->max_head, r->to_head, &r->response);
    r->in_body = false;
}

static void reader_init(struct reader *r, bool requests, bool to_head, size_t max_head)
{
    *r = (struct reader){
        .h1 = h1_new(requests), .requests = requests, .to_head = to_head, .max_head = max_head};
    arena_init(&r->arena, TXN_ARENA_BYTES);
    buf_init(&r->said, 8 * MIB);
    expect(r);
}

static void reader_done(struct reader *r)
{
    h1_free(r->h1);
    arena_done(&r->arena);
    buf_done(&r->said);
}

static void say_headers(struct reader *r, const struct headers *h, int64_t length)
{
    for (unsigned i = 0; i < h->n; i++)
        buf_printf(&r->said, " %.*s=%.*s", STR_FMT(h->v[i].name), STR_FMT(h->v[i].value));
    buf_printf(&r->said, " (%d%s%s)", (int)length, h1_keep_alive(r->h1) ? "" : " close",
               h1_expects_continue(r->h1) ? " 100" : "");
}

static void say_head(struct reader *r)
{
    if (r->requests) {
        const struct request_head *q = &r->request;
        buf_printf(&r->said, "%.*s %.*s", STR_FMT(q->method), STR_FMT(q->path));
        if (q->query.p)
            buf_printf(&r->said, " ?%.*s", STR_FMT(q->query));
        buf_printf(&r->said, " 1.%d", q->minor);
        say_headers(r, &q->headers, q->length);
    } else {
        buf_printf(&r->said, "%d", r->response.status);
        say_headers(r, &r->response.headers, r->response.length);
    }
}

static void say_event(struct reader *r, enum h1_event e, struct str piece)
{
    switch (e) {
    case H1_MORE: break;
    case H1_HEAD: say_head(r); break;
    case H1_BODY:
        assert_true(piece.n > 0);
        if (!r->in_body)
            buf_append_c(&r->said, " ");
        buf_append(&r->said, piece);
        r->in_body = true;
        break;
    case H1_END:
        buf_append_c(&r->said, " END\n");
        expect(r);
        break;
    case H1_FAULT:
        buf_printf(&r->said, " %s", err_name(h1_fault(r->h1)));
        r->over = true;
        break;
    }
}

static void feed(struct reader *r, struct str bytes)
{
    /* a copy of its own, so that the sanitizer sees a read past its end, and late views */
    char *copy = mem_alloc(bytes.n + 1);
    if (bytes.n)
        memcpy(copy, bytes.p, bytes.n);
    struct str in = str_of(copy, bytes.n);
    for (enum h1_event e = H1_HEAD; e != H1_MORE && !r->over;) {
        struct str piece = {NULL, 0};
        e = h1_next(r->h1, &in, &piece);
        if (e == H1_BODY)
            assert_true(piece.p >= copy && piece.p + piece.n <= copy + bytes.n);
        say_event(r, e, piece);
    }
    assert_true(r->over || in.n == 0);
    mem_free(copy);
}

struct how {
    bool requests, to_head, eof;
    size_t max_head;
};

static void read_cut(struct reader *r, const struct how *how, struct str s, size_t cut, size_t step)
{
    reader_init(r, how->requests, how->to_head, how->max_head ? how->max_head : MAX_HEAD);
    feed(r, str_head(s, cut));
    for (size_t at = cut; at < s.n && !r->over; at += step)
        feed(r, str_head(str_from(s, at), step));
    if (how->eof && !r->over)
        say_event(r, h1_eof(r->h1), STR(""));
}

static void check(const struct how *how, struct str s, const char *want)
{
    struct reader r;
    for (size_t cut = 0; cut <= s.n; cut++) {
        read_cut(&r, how, s, cut, s.n + 1);
        assert_str(buf_str(&r.said), str_c(want));
        reader_done(&r);
    }
    for (size_t step = 1; step < 8; step++) {
        read_cut(&r, how, s, 0, step);
        assert_str(buf_str(&r.said), str_c(want));
        reader_done(&r);
    }
}

#define REQUEST(s, want) check(&(struct how){.requests = true}, STR(s), want)
#define RESPONSE(s, want) check(&(struct how){0}, STR(s), want)
#define RESPONSE_EOF(s, want) check(&(struct how){.eof = true}, STR(s), want)
#define TO_HEAD(s, want) check(&(struct how){.to_head = true, .eof = true}, STR(s), want)
#define BAD(s) REQUEST(s, " E_HTTP_SYNTAX")
#define H "Host: h\r\n"

static void requests_without_body(void **state)
{
    (void)state;
    REQUEST("GET /a/b?x=1&y HTTP/1.1\r\n" H "\r\n", "GET /a/b ?x=1&y 1.1 Host=h (0) END\n");
    REQUEST("GET /a? HTTP/1.1\r\n" H "X:  a b \t\r\nY:\r\nZ: \r\n\r\n",
            "GET /a ? 1.1 Host=h X=a b Y= Z= (0) END\n");
    REQUEST("HEAD / HTTP/1.1\r\nhOST: [::1]:8080\r\nX: \xc3\xa9\r\n\r\n",
            "HEAD / 1.1 hOST=[::1]:8080 X=\xc3\xa9 (0) END\n");
    REQUEST("OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS * 1.1 Host=h (0) END\n");
    REQUEST("GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\n",
            "GET /1 1.1 Host=h (0) END\nGET /2 1.1 Host=h (0) END\n");
    REQUEST("M-SEARCH /%2F..%41//x HTTP/1.1\r\nHost:\r\n\r\n", "M-SEARCH /%2F..%41//x 1.1 Host= (0) END\n");
}

static void absolute_targets_name_their_path(void **state)
{
    (void)state;
    REQUEST("GET http://o.example:80/p?q HTTP/1.1\r\n" H "\r\n", "GET /p ?q 1.1 Host=h (0) END\n");
    REQUEST("GET http://o HTTP/1.1\r\n" H "\r\n", "GET / 1.1 Host=h (0) END\n");
    REQUEST("GET http://o?x HTTP/1.1\r\n" H "\r\n", "GET / ?x 1.1 Host=h (0) END\n");
    BAD("GET http://u:p@o/ HTTP/1.1\r\n" H "\r\n");
    BAD("GET http:///x HTTP/1.1\r\n" H "\r\n");
    BAD("GET x HTTP/1.1\r\n" H "\r\n");
    BAD("GET * HTTP/1.1\r\n" H "\r\n");
    BAD("GET /a#b HTTP/1.1\r\n" H "\r\n");
    REQUEST("CONNECT a:1 HTTP/1.1\r\n" H "\r\n", " E_BAD_METHOD");
}

static void requests_with_a_length(void **state)
{
    (void)state;
    REQUEST("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello",
            "POST / 1.1 Host=h Content-Length=5 (5) hello END\n");
    REQUEST("POST / HTTP/1.1\r\n" H "Content-Length: 005 \r\n\r\nhelloGET / HTTP/1.0\r\n\r\n",
            "POST / 1.1 Host=h Content-Length=005 (5) hello END\nGET / 1.0 (0 close) END\n");
    REQUEST("POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n",
            "POST / 1.1 Host=h Content-Length=0 (0) END\n");
    REQUEST("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhel",
            "POST / 1.1 Host=h Content-Length=5 (5) hel");
}

#define CHUNKED "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
#define SAW_CHUNKED "POST / 1.1 Host=h Transfer-Encoding=chunked (-1)"

static void requests_in_chunks(void **state)
{
    (void)state;
    REQUEST(CHUNKED "5\r\nhello\r\n0\r\n\r\n", SAW_CHUNKED " hello END\n");
    REQUEST(CHUNKED "0\r\n\r\n", SAW_CHUNKED " END\n");
    REQUEST(CHUNKED
            "1\r\na\r\n00A\r\n0123456789\r\n1;x=y;z=\"q\"\r\nb\r\n0;last\r\n\r\nGET / HTTP/1.0\r\n\r\n",
            SAW_CHUNKED " a0123456789b END\nGET / 1.0 (0 close) END\n");
    REQUEST("POST / HTTP/1.1\r\n" H "TRANSFER-encoding:  Chunked \r\n\r\n0\r\n\r\n",
            "POST / 1.1 Host=h TRANSFER-encoding=Chunked (-1) END\n");
    REQUEST(CHUNKED "5\r\nhel", SAW_CHUNKED " hel");
}

static void trailers_are_dropped(void **state)
{
    (void)state;
    REQUEST(CHUNKED "1\r\na\r\n0\r\nX: y\r\nConnection: close\r\n\r\nGET / HTTP/1.0\r\n\r\n",
            SAW_CHUNKED " a END\nGET / 1.0 (0 close) END\n");
    REQUEST(CHUNKED "1\r\na\r\n0\r\nContent-Length: 5\r\n\r\n", SAW_CHUNKED " a E_HTTP_SYNTAX");
    REQUEST(CHUNKED "1\r\na\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", SAW_CHUNKED " a E_HTTP_SYNTAX");
    REQUEST(CHUNKED "1\r\na\r\n0\r\nX : y\r\n\r\n", SAW_CHUNKED " a E_HTTP_SYNTAX");
}

static void two_framings_are_refused(void **state)
{
    (void)state;
    BAD("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    BAD("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n");
    BAD("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc");
    BAD("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd");
    BAD("POST / HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc");
    BAD("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    BAD("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n");
}

static void odd_lengths_are_refused(void **state)
{
    (void)state;
    BAD("POST / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc");
    BAD("POST / HTTP/1.1\r\n" H "Content-Length: -3\r\n\r\nabc");
    BAD("POST / HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\nabc");
    BAD("POST / HTTP/1.1\r\n" H "Content-Length: 3 3\r\n\r\nabc");
    BAD("POST / HTTP/1.1\r\n" H "Content-Length: 3.0\r\n\r\nabc");
    BAD("POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n");
    BAD("POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n\r\n");
    REQUEST("POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n", " E_TOO_LARGE");
}

static void odd_encodings_are_refused(void **state)
{
    (void)state;
    BAD("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n");
    BAD("POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    BAD("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n");
    BAD("POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n");
    BAD("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n");
    BAD("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n");
    BAD("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n0\r\n\r\n");
    BAD("POST / HTTP/1.1\r\n" H "Transfer-Encoding: \x0b"
        "chunked\r\n\r\n0\r\n\r\n");
    BAD("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

static void odd_chunks_are_refused(void **state)
{
    (void)state;
    const char *bad[] = {
        "3 \r\nabc\r\n",
        "3 ;a\r\nabc\r\n",
        " 3\r\nabc\r\n",
        "0x3\r\nabc\r\n",
        "-3\r\nabc\r\n",
        "+3\r\nabc\r\n",
        "\r\nabc\r\n",
        "g\r\nabc\r\n",
        "3\nabc\r\n",
        "3\rabc\r\n",
        "3;a\nabc\r\n",
        "3;a\rb\r\nabc\r\n",
        "3;a\x01\r\nabc\r\n",
        "10000000000000003\r\nabc\r\n",
        "0\n\n",
        "0\r\n\n",
    };
    struct buf s, want;
    buf_init(&s, KIB);
    buf_init(&want, KIB);
    buf_append_c(&want, SAW_CHUNKED " E_HTTP_SYNTAX");
    buf_append_byte(&want, '\0');
    for (size_t i = 0; i < countof(bad); i++) {
        buf_clear(&s);
        buf_append_c(&s, CHUNKED);
        buf_append_c(&s, bad[i]);
        check(&(struct how){.requests = true}, buf_str(&s), want.p);
    }
    buf_done(&s);
    buf_done(&want);
    REQUEST(CHUNKED "3\r\nabc\n0\r\n\r\n", SAW_CHUNKED " abc E_HTTP_SYNTAX");
    REQUEST(CHUNKED "3\r\nabcd\r\n0\r\n\r\n", SAW_CHUNKED " abc E_HTTP_SYNTAX");
    REQUEST(CHUNKED "3\r\nabc0\r\n\r\n", SAW_CHUNKED " abc E_HTTP_SYNTAX");
}

static void bare_line_ends_are_refused(void **state)
{
    (void)state;
    BAD("GET / HTTP/1.1\nHost: h\n\n");
    BAD("GET / HTTP/1.1\nHost: h\r\n\r\n");
    BAD("GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n");
    BAD("GET / HTTP/1.1\r\nX:\nHost: h\r\n\r\n");
    BAD("GET / HTTP/1.1\r\nHost: h\r\n\n");
    BAD("GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n");
    BAD("GET / HTTP/1.1\r\nHost: h\r\n\rX");
    BAD("\nGET / HTTP/1.1\r\n" H "\r\n");
    BAD("\rGET / HTTP/1.1\r\n" H "\r\n");
}

static void folded_and_spaced_lines_are_refused(void **state)
{
    (void)state;
    BAD("GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n");
    BAD("GET / HTTP/1.1\r\n" H "X:\r\n\tb\r\n\r\n");
    BAD("GET / HTTP/1.1\r\n Host: h\r\n\r\n");
    BAD("POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n chunked\r\n\r\n");
    BAD("GET / HTTP/1.1\r\nHost : h\r\n\r\n");
    BAD("GET / HTTP/1.1\r\nHost\t: h\r\n\r\n");
    BAD("GET / HTTP/1.1\r\n" H ": a\r\n\r\n");
    BAD("GET / HTTP/1.1\r\n" H "X\r\n\r\n");
    BAD("GET / HTTP/1.1\r\n" H "X y: a\r\n\r\n");
    BAD("GET / HTTP/1.1\r\n" H "X(y): a\r\n\r\n");
    BAD("GET / HTTP/1.1\r\n" H "X\xff: a\r\n\r\n");
}

static void control_bytes_are_refused(void **state)
{
    (void)state;
    BAD("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n");
    BAD("GET / HTTP/1.1\r\n" H "X\0: ab\r\n\r\n");
    BAD("GET /\0 HTTP/1.1\r\n" H "\r\n");
    BAD("GET /a\x01 HTTP/1.1\r\n" H "\r\n");
    BAD("GET /a\tb HTTP/1.1\r\n" H "\r\n");
    BAD("GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n");
    BAD("GET / HTTP/1.1\r\n" H "X: a\x01\r\n\r\n");
    BAD("GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n");
}

static void odd_request_lines_are_refused(void **state)
{
    (void)state;
    BAD("GET  / HTTP/1.1\r\n" H "\r\n");
    BAD("GET /  HTTP/1.1\r\n" H "\r\n");
    BAD("GET / HTTP/1.1 \r\n" H "\r\n");
    BAD(" GET / HTTP/1.1\r\n" H "\r\n");
    BAD("GET /a b HTTP/1.1\r\n" H "\r\n");
    BAD("get / HTTP/1.1\r\n" H "\r\n");
    BAD("FOO / HTTP/1.1\r\n" H "\r\n");
    BAD("DESCRIBE / HTTP/1.1\r\n" H "\r\n");
    BAD("GET / http/1.1\r\n" H "\r\n");
    BAD("GET / HTTP/11.1\r\n" H "\r\n");
    BAD("SOURCE / ICE/1.0\r\n" H "\r\n");
    BAD("DESCRIBE / RTSP/1.0\r\n" H "\r\n");
    BAD("\x16\x03\x01\x02\x00\x01\x00");
}

static void other_versions_are_refused(void **state)
{
    (void)state;
    REQUEST("GET /\r\n\r\n", " E_HTTP_VERSION");
    REQUEST("GET / HTTP/0.9\r\n" H "\r\n", " E_HTTP_VERSION");
    REQUEST("GET / HTTP/1.2\r\n" H "\r\n", " E_HTTP_VERSION");
    REQUEST("GET / HTTP/2.0\r\n" H "\r\n", " E_HTTP_VERSION");
    REQUEST("GET / HTTP/3.0\r\n" H "\r\n", " E_HTTP_VERSION");
    REQUEST("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", " E_HTTP_VERSION");
}

static void a_host_is_needed_once(void **state)
{
    (void)state;
    BAD("GET / HTTP/1.1\r\nX: y\r\n\r\n");
    BAD("GET / HTTP/1.1\r\n\r\n");
    BAD("GET / HTTP/1.1\r\n" H H "\r\n");
    BAD("GET / HTTP/1.0\r\n" H H "\r\n");
    BAD("GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    BAD("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n");
    BAD("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n");
    REQUEST("GET / HTTP/1.0\r\n\r\n", "GET / 1.0 (0 close) END\n");
}

static void connections_are_kept_or_not(void **state)
{
    (void)state;
    REQUEST("GET / HTTP/1.1\r\n" H "Connection: x, Close\r\n\r\n",
            "GET / 1.1 Host=h Connection=x, Close (0 close) END\n");
    REQUEST("GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n",
            "GET / 1.1 Host=h Connection=closed (0) END\n");
    REQUEST("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / 1.0 Connection=Keep-Alive (0) END\n");
    REQUEST("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
            "GET / 1.0 Connection=keep-alive, close (0 close) END\n");
}

static void upgrades_are_ignored(void **state)
{
    (void)state;
    REQUEST("GET / HTTP/1.1\r\n" H "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\nGET / HTTP/1.0\r\n\r\n",
            "GET / 1.1 Host=h Upgrade=websocket Connection=Upgrade (0) END\nGET / 1.0 (0 close) END\n");
    REQUEST("POST / HTTP/1.1\r\n" H
            "Upgrade: h2c\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n"
            "1\r\na\r\n0\r\n\r\nGET / HTTP/1.0\r\n\r\n",
            "POST / 1.1 Host=h Upgrade=h2c Connection=Upgrade Transfer-Encoding=chunked (-1) a END\n"
            "GET / 1.0 (0 close) END\n");
}

static void expectations_are_told(void **state)
{
    (void)state;
    REQUEST("POST / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\na",
            "POST / 1.1 Host=h Expect=100-Continue Content-Length=1 (1 100) a END\n");
    REQUEST("GET / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n",
            "GET / 1.1 Host=h Expect=100-continue (0) END\n");
    REQUEST("GET / HTTP/1.1\r\n" H "Expect: tea\r\n\r\n", " E_EXPECTATION");
    REQUEST("GET / HTTP/1.0\r\nExpect: tea\r\n\r\n", "GET / 1.0 Expect=tea (0 close) END\n");
}

static void heads_have_limits(void **state)
{
    (void)state;
    const struct how small = {.requests = true, .max_head = 64};
    check(&small, STR("GET / HTTP/1.1\r\nHost: h\r\nX: 34567890123456789012345678901234\r\n\r\n"),
          "GET / 1.1 Host=h X=34567890123456789012345678901234 (0) END\n");
    check(&small, STR("GET / HTTP/1.1\r\nHost: h\r\nX: 345678901234567890123456789012345\r\n\r\n"),
          " E_HEAD_TOO_LARGE");
    check(&small,
          STR("GET /34567890123456789012345678901234567890123456789012345678901234567890 HTTP/1.1\r\n"),
          " E_URI_TOO_LONG");
}

/* Many bytes: only a few ways of cutting. */
static void check_long(struct buf *s, const char *want)
{
    const struct how how = {.requests = true, .max_head = 1 * MIB};
    struct reader r;
    const size_t steps[] = {1, 7, 1000, 65536, s->n};
    for (size_t i = 0; i < countof(steps); i++) {
        read_cut(&r, &how, buf_str(s), 0, steps[i]);
        assert_str(str_head(buf_str(&r.said), strlen(want)), str_c(want));
        reader_done(&r);
    }
    buf_clear(s);
}

static void fill(struct buf *s, char c, size_t n)
{
    memset(buf_room(s, n), c, n);
    buf_grew(s, n);
}

static void targets_lines_and_extras_have_limits(void **state)
{
    (void)state;
    struct buf s;
    buf_init(&s, 4 * MIB);
    buf_append_c(&s, "GET /");
    fill(&s, 'a', HTTP_TARGET_BYTES - 1);
    buf_append_c(&s, " HTTP/1.1\r\n" H "\r\n");
    check_long(&s, "GET /aaaa");
    buf_append_c(&s, "GET /");
    fill(&s, 'a', HTTP_TARGET_BYTES);
    buf_append_c(&s, " HTTP/1.1\r\n" H "\r\n");
    check_long(&s, " E_URI_TOO_LONG");

    for (unsigned extra = 0; extra < 2; extra++) {
        buf_append_c(&s, "GET / HTTP/1.1\r\n");
        for (unsigned i = 1; i < HTTP_HEADERS + extra; i++)
            buf_append_c(&s, "n: v\r\n");
        buf_append_c(&s, H "\r\n");
        check_long(&s, extra ? " E_HEAD_TOO_LARGE" : "GET / 1.1 n=v");
    }

    buf_append_c(&s, CHUNKED "1;");
    fill(&s, 'x', HTTP_CHUNK_EXTENSION_BYTES);
    buf_append_c(&s, "\r\na\r\n0\r\n\r\n");
    check_long(&s, SAW_CHUNKED " a END");
    buf_append_c(&s, CHUNKED "1;");
    fill(&s, 'x', HTTP_CHUNK_EXTENSION_BYTES + 1);
    buf_append_c(&s, "\r\na\r\n0\r\n\r\n");
    check_long(&s, SAW_CHUNKED " E_HEAD_TOO_LARGE");

    buf_append_c(&s, CHUNKED "0\r\n");
    for (unsigned i = 0; i < MIB / 16 + 1; i++)
        buf_append_c(&s, "name: 0123456789012345\r\n");
    buf_append_c(&s, "\r\n");
    check_long(&s, SAW_CHUNKED " E_HEAD_TOO_LARGE");
    buf_done(&s);
}

static void answers(void **state)
{
    (void)state;
    RESPONSE("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc",
             "200 Content-Length=3 X=y (3) abc END\n");
    RESPONSE("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 Content-Length=0 (0) END\n");
    RESPONSE("HTTP/1.1 429 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
             "429 Content-Length=0 Connection=close (0 close) END\n");
    RESPONSE("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "200 Content-Length=1 (1 close) a END\n");
    RESPONSE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nT: x\r\n\r\n",
             "200 Transfer-Encoding=chunked (-1) abc END\n");
    RESPONSE("HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: h2\r\nContent-Length: 1\r\n\r\na",
             "200 Connection=Upgrade Upgrade=h2 Content-Length=1 (1) a END\n");
}

static void answers_without_body(void **state)
{
    (void)state;
    RESPONSE(
        "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nHTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n",
        "204 Content-Length=5 (0) END\n304 Transfer-Encoding=chunked (0) END\n");
    RESPONSE("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
             "OK\r\nContent-Length: 0\r\n\r\n",
             "100 (0) END\n103 Link=x (0) END\n200 Content-Length=0 (0) END\n");
    TO_HEAD(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "200 Content-Length=5 (5) END\n200 Transfer-Encoding=chunked (-1) END\n E_BAD_ANSWER");
    TO_HEAD("HTTP/1.1 200 OK\r\n\r\n", "200 (-1) END\n E_BAD_ANSWER");
}

static void answers_until_the_end(void **state)
{
    (void)state;
    RESPONSE_EOF("HTTP/1.1 200 OK\r\n\r\nabc", "200 (-1 close) abc END\n");
    RESPONSE_EOF("HTTP/1.0 200 OK\r\n\r\n", "200 (-1 close) END\n");
    RESPONSE_EOF("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc",
                 "200 Content-Length=4 (4) abc E_BAD_ANSWER");
    RESPONSE_EOF("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
                 "200 Transfer-Encoding=chunked (-1) a E_BAD_ANSWER");
    RESPONSE_EOF("HTTP/1.1 200 OK\r\nContent-Le", " E_BAD_ANSWER");
}

static void odd_answers_are_refused(void **state)
{
    (void)state;
    const char *bad[] = {
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 99 x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 1000 x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/0.9 200 x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2.0 200 x\r\nContent-Length: 0\r\n\r\n",
        "\r\nHTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 x\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        "HTTP/1.1 200 x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 x\r\nX: a\r\n b\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
    };
    for (size_t i = 0; i < countof(bad); i++)
        check(&(struct how){0}, str_c(bad[i]), " E_BAD_ANSWER");
}

/* ---- writing ---- */

static void requests_are_written(void **state)
{
    (void)state;
    struct scratch s;
    scratch_init(&s);
    struct header v[] = {{STR("host"), STR("evil")},
                         {STR("Accept"), STR("*/*")},
                         {STR("Connection"), STR("close")},
                         {STR("content-length"), STR("9")},
                         {STR("TE"), STR("trailers")},
                         {STR("Expect"), STR("100-continue")},
                         {STR("X"), STR("")}};
    struct headers h = {v, countof(v), countof(v)};
    struct h1_request r = {STR("POST"), STR("/a?b"), STR("o:81"), &h, H1_LENGTH, 1234567890123};
    assert_str(h1_request_text(&s, &r), STR("POST /a?b HTTP/1.1\r\nHost: o:81\r\nAccept: */*\r\nX: "
                                            "\r\nContent-Length: 1234567890123\r\n\r\n"));
    r = (struct h1_request){STR("PUT"), STR("/"), STR("o"), NULL, H1_CHUNKED, LENGTH_UNKNOWN};
    assert_str(h1_request_text(&s, &r),
               STR("PUT / HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n"));
    r.framing = H1_NO_LENGTH;
    assert_str(h1_request_text(&s, &r), STR("PUT / HTTP/1.1\r\nHost: o\r\n\r\n"));
    scratch_done(&s);
}

static void responses_are_written(void **state)
{
    (void)state;
    struct scratch s;
    scratch_init(&s);
    struct header v[] = {{STR("A"), STR("b")}, {STR("Transfer-Encoding"), STR("x")}, {STR("DATE"), STR("d")}};
    struct headers h = {v, 2, 3};
    struct h1_response r = {
        .status = 200, .headers = &h, .date = STR("Date: now\r\n"), .framing = H1_CHUNKED};
    assert_str(h1_response_text(&s, &r),
               STR("HTTP/1.1 200 OK\r\nA: b\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n"));
    h.n = 3;
    r.status = 418;
    r.connection = STR("close");
    r.framing = H1_LENGTH;
    assert_str(
        h1_response_text(&s, &r),
        STR("HTTP/1.1 418 Unknown\r\nA: b\r\nDATE: d\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
    r = (struct h1_response){.status = 204};
    assert_str(h1_response_text(&s, &r), STR("HTTP/1.1 204 No Content\r\n\r\n"));
    scratch_done(&s);
}

static void chunks_are_written(void **state)
{
    (void)state;
    struct scratch s;
    scratch_init(&s);
    char big[HTTP_JOIN_BYTES + 1] = {0};
    struct h1_chunk c = h1_chunk(&s, STR("hello"));
    assert_str(c.line, STR("5\r\nhello\r\n"));
    struct h1_chunk d = h1_chunk(&s, STR("0123456789abcdef"));
    assert_str(d.line, STR("10\r\n0123456789abcdef\r\n"));
    assert_ptr_equal(d.line.p, c.line.p + c.line.n); /* one slice */
    c = h1_chunk(&s, str_of(big, sizeof(big)));
    assert_str(c.line, STR("401\r\n"));
    assert_ptr_equal(c.data.p, big);
    assert_str(c.end, STR("\r\n"));
    scratch_done(&s);
}

static void scratch_grows_and_forgets(void **state)
{
    (void)state;
    struct scratch s;
    scratch_init(&s);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++)
            memset(scratch_take(&s, 1000), i, 1000);
        memset(scratch_take(&s, 100000), 7, 100000);
        scratch_adopt(&s, mem_alloc(10));
        scratch_reset(&s);
        assert_int_equal(s.n, 0);
    }
    scratch_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_without_body),
        cmocka_unit_test(absolute_targets_name_their_path),
        cmocka_unit_test(requests_with_a_length),
        cmocka_unit_test(requests_in_chunks),
        cmocka_unit_test(trailers_are_dropped),
        cmocka_unit_test(two_framings_are_refused),
        cmocka_unit_test(odd_lengths_are_refused),
        cmocka_unit_test(odd_encodings_are_refused),
        cmocka_unit_test(odd_chunks_are_refused),
        cmocka_unit_test(bare_line_ends_are_refused),
        cmocka_unit_test(folded_and_spaced_lines_are_refused),
        cmocka_unit_test(control_bytes_are_refused),
        cmocka_unit_test(odd_request_lines_are_refused),
        cmocka_unit_test(other_versions_are_refused),
        cmocka_unit_test(a_host_is_needed_once),
        cmocka_unit_test(connections_are_kept_or_not),
        cmocka_unit_test(upgrades_are_ignored),
        cmocka_unit_test(expectations_are_told),
        cmocka_unit_test(heads_have_limits),
        cmocka_unit_test(targets_lines_and_extras_have_limits),
        cmocka_unit_test(answers),
        cmocka_unit_test(answers_without_body),
        cmocka_unit_test(answers_until_the_end),
        cmocka_unit_test(odd_answers_are_refused),
        cmocka_unit_test(requests_are_written),
        cmocka_unit_test(responses_are_written),
        cmocka_unit_test(chunks_are_written),
        cmocka_unit_test(scratch_grows_and_forgets),
    };
    return cmocka_run_group_tests_name("h1", tests, NULL, NULL);
}
