/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 framing, both roles. The first byte chooses the role and the limits, the second how the
 * rest, the stream, is cut. What is read must not depend on the cuts, heads must be fit to be sent
 * on, and a request that is sent on must read the same again.
 */
#include "base/buf.h"
#include "base/limits.h"
#include "http/h1.h"

struct reader {
    struct h1 *h1;
    struct arena arena;
    struct request_head request;
    struct response_head response;
    struct buf said;
    int64_t body; /* of this message, so far */
    size_t max_head;
    bool requests, to_head, over;
};

static void expect(struct reader *r)
{
    r->body = 0;
    arena_reset(&r->arena);
    if (r->requests)
        h1_expect_request(r->h1, &r->arena, r->max_head, &r->request);
    else
        h1_expect_response(r->h1, &r->arena, r->max_head, r->to_head, &r->response);
}

static void say_headers(struct reader *r, const struct headers *h)
{
    for (unsigned i = 0; i < h->n; i++) {
        must(header_is_legal(h->v[i].name, h->v[i].value));
        buf_append(&r->said, h->v[i].name);
        buf_append_byte(&r->said, ':');
        buf_append(&r->said, h->v[i].value);
        buf_append_byte(&r->said, '\n');
    }
}

static bool is_ours(struct str name)
{
    return header_is_hop_by_hop(name) || str_ieq(name, STR("Content-Length")) || str_ieq(name, STR("Host")) ||
           str_ieq(name, STR("Expect"));
}

/* Writes the head as the client would, reads it as another server would. */
static void send_on(const struct request_head *q)
{
    struct scratch s;
    struct arena a;
    struct request_head again;
    scratch_init(&s);
    arena_init(&a, TXN_ARENA_BYTES);
    struct h1_request out = {q->method, q->target, STR("h"), &q->headers, H1_LENGTH, 0};
    struct str text = h1_request_text(&s, &out), piece;
    struct h1 *h = h1_new(true);
    h1_expect_request(h, &a, SIZE_MAX / 2, &again);
    enum h1_event e = h1_next(h, &text, &piece);
    /* a line more than there were: the length */
    must(e == H1_HEAD || (e == H1_FAULT && q->headers.n + 2 > HTTP_HEADERS));
    if (e == H1_HEAD) {
        must(text.n == 0 && h1_next(h, &text, &piece) == H1_END);
        must(str_eq(again.method, q->method) && str_eq(again.target, q->target));
        unsigned n = 1;
        for (unsigned i = 0; i < q->headers.n; i++) {
            if (is_ours(q->headers.v[i].name))
                continue;
            must(str_eq(again.headers.v[n].name, q->headers.v[i].name));
            must(str_eq(again.headers.v[n++].value, q->headers.v[i].value));
        }
        must(again.headers.n == n + 1);
    }
    h1_free(h);
    arena_done(&a);
    scratch_done(&s);
}

static void say_head(struct reader *r)
{
    if (r->requests) {
        const struct request_head *q = &r->request;
        must(str_starts(q->path, STR("/")) || str_eq(q->target, STR("*")));
        must(q->length >= LENGTH_UNKNOWN);
        buf_printf(&r->said, "%.*s %.*s %.*s %d %lld\n", STR_FMT(q->method), STR_FMT(q->path),
                   STR_FMT(q->query), q->minor, (long long)q->length);
        say_headers(r, &q->headers);
        send_on(q);
    } else {
        must(r->response.status >= 100 && r->response.status <= 999);
        buf_printf(&r->said, "%d %lld\n", r->response.status, (long long)r->response.length);
        say_headers(r, &r->response.headers);
    }
    buf_printf(&r->said, "%d%d\n", h1_keep_alive(r->h1), h1_expects_continue(r->h1));
}

static void say_end(struct reader *r)
{
    int64_t length = r->requests ? r->request.length : r->response.length;
    must(length == LENGTH_UNKNOWN || length == r->body || r->to_head);
    buf_append_c(&r->said, "\nEND\n");
}

static void feed(struct reader *r, struct str bytes)
{
    char *copy = mem_alloc(bytes.n + 1);
    if (bytes.n)
        memcpy(copy, bytes.p, bytes.n);
    struct str in = str_of(copy, bytes.n);
    for (enum h1_event e = H1_HEAD; e != H1_MORE && !r->over;) {
        struct str piece = {NULL, 0};
        switch (e = h1_next(r->h1, &in, &piece)) {
        case H1_MORE: must(in.n == 0); break;
        case H1_HEAD: say_head(r); break;
        case H1_BODY:
            must(piece.n > 0 && piece.p >= copy && piece.p + piece.n <= copy + bytes.n);
            r->body += (int64_t)piece.n;
            buf_append(&r->said, piece);
            break;
        case H1_END:
            say_end(r);
            expect(r);
            break;
        case H1_FAULT:
            must(h1_fault(r->h1) != E_OK);
            buf_append_c(&r->said, "\nFAULT"); /* of two faults, a cut may show the other one first */
            r->over = true;
            break;
        }
    }
    mem_free(copy);
}

static void read_in_pieces(struct reader *r, struct str s, unsigned seed, const struct reader *like)
{
    *r = *like;
    r->h1 = h1_new(r->requests);
    arena_init(&r->arena, TXN_ARENA_BYTES);
    buf_init(&r->said, 64 * MIB);
    expect(r);
    while (s.n && !r->over) {
        size_t n = s.n;
        if (seed) {
            seed = seed * 1103515245 + 12345;
            n = 1 + (seed >> 16) % 23;
        }
        feed(r, str_head(s, n));
        s = str_from(s, n);
    }
    if (!r->over)
        buf_append_c(&r->said, h1_eof(r->h1) == H1_END ? "\nEND" : "\nFAULT");
}

static void reader_done(struct reader *r)
{
    h1_free(r->h1);
    arena_done(&r->arena);
    buf_done(&r->said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const struct reader like = {
        .requests = data[0] & 1, .to_head = data[0] & 2, .max_head = data[0] & 4 ? 100 : 64 * KIB};
    struct str s = str_of((const char *)data + 2, size - 2);
    struct reader whole, cut;
    read_in_pieces(&whole, s, 0, &like);
    read_in_pieces(&cut, s, data[1] + 1u, &like);
    must(str_eq(buf_str(&whole.said), buf_str(&cut.said)));
    reader_done(&whole);
    reader_done(&cut);
    return 0;
}
