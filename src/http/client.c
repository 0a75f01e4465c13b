/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call: one request and its answer over a link from the pool.
 *
 *   queued ── link ──> sent ──> answer's head ── body ──> over
 *      └──────── stale link: once more ────┘
 *
 * What belongs to HTTP/1 is in three places: write_request and call_send (out), pump (in). Memory
 * of a call that is over, and the scratch its head was written in, are used again by `sweep`, a
 * task, and so after the flush.
 */
#include "http/client.h"
#include "base/clock.h"
#include "base/limits.h"
#include "http/pool.h"

struct client {
    struct pool pool;
    struct scratch scratch;
    struct list spare, over; /* calls */
    size_t live;
    struct task sweep;
};

struct call {
    struct node node;
    struct waiter waiter;
    struct client *client;
    struct call_request req;
    const struct call_events *events;
    void *owner;

    struct link *link; /* NULL while queued */
    struct arena arena;
    struct response_head head;
    struct call_times times;
    struct timer timer; /* waiting for a link, for the first byte, for the next piece */
    struct task go_on;  /* with what was put off: see run_go_on */
    struct buf early;   /* pieces of a streamed body, from before there was a link */
    struct buf kept;    /* bytes of the answer behind a HOLD */
    int64_t left;       /* of a streamed body's length */
    size_t queued;      /* bytes the provider had not taken when the timer was set */
    unsigned interim;
    enum err failure; /* to be told by go_on */
    enum err end;     /* the stream ended while bytes were kept */
    enum h1_framing framing;
    bool whole;        /* the body is whole: nothing more will be sent */
    bool retried;      /* on another link, for the first one was stale */
    bool held;         /* the owner takes no more of the answer */
    bool told_to_hold; /* the owner waits for on_drain */
    bool over;
};

/* ---- life ---- */

static struct call *call_new(struct client *c)
{
    struct node *n = list_pop_back(&c->spare);
    if (n)
        return container_of(n, struct call, node);
    struct call *k = mem_zalloc(sizeof(*k));
    arena_init(&k->arena, TXN_ARENA_BYTES);
    return k;
}

static void call_free(struct call *k)
{
    arena_done(&k->arena);
    mem_free(k);
}

static void reuse(struct client *c, struct call *k)
{
    buf_done(&k->early);
    buf_done(&k->kept);
    if (c->spare.count >= HTTP_SPARES) {
        call_free(k);
        return;
    }
    arena_reset(&k->arena);
    struct arena arena = k->arena;
    *k = (struct call){.arena = arena};
    list_push(&c->spare, &k->node);
}

static void sweep(struct task *t)
{
    struct client *c = container_of(t, struct client, sweep);
    struct node *n;
    scratch_reset(&c->scratch);
    while ((n = list_pop(&c->over)) != NULL)
        reuse(c, container_of(n, struct call, node));
}

static void sweep_later(struct client *c)
{
    loop_post(c->pool.loop, &c->sweep);
}

/* From here on the call makes no callback but the one its caller is about to make. */
static void close_call(struct call *k, bool reusable)
{
    struct client *c = k->client;
    must(!k->over);
    k->over = true;
    timer_stop(&k->timer);
    loop_unpost(c->pool.loop, &k->go_on);
    pool_leave(k->req.origin, &k->waiter);
    origin_unhold(k->req.origin);
    if (k->link && reusable)
        pool_give(k->link);
    else if (k->link)
        pool_drop(k->link);
    k->link = NULL;
    c->live--;
    list_push(&c->over, &k->node);
    sweep_later(c);
}

static void fail(struct call *k, enum err why)
{
    close_call(k, false);
    k->events->on_fail(k->owner, k, why);
}

static void fail_later(struct call *k, enum err why)
{
    if (k->failure == E_OK)
        k->failure = why;
    loop_post(k->client->pool.loop, &k->go_on);
}

/* ---- time ---- */

static void set_timer(struct call *k, uint64_t ms)
{
    if (ms)
        timer_set(&k->timer, ms);
    else
        timer_stop(&k->timer);
}

static void await_first_byte(struct call *k)
{
    k->queued = conn_queued(k->link->conn);
    set_timer(k, k->req.first_byte_timeout_ms ? k->req.first_byte_timeout_ms
                                              : k->client->pool.limits.first_byte_timeout_ms);
}

static void await_next_piece(struct call *k)
{
    set_timer(k, k->client->pool.limits.stream_idle_timeout_ms);
}

static void on_timer(struct timer *t)
{
    struct call *k = container_of(t, struct call, timer);
    if (!k->link) {
        fail(k, origin_is_opening(k->req.origin) ? E_CONNECT_TIMEOUT : E_POOL_FULL);
        return;
    }
    if (k->times.first_byte) {
        if (!k->held)
            fail(k, E_STREAM_IDLE);
        return;
    }
    size_t queued = conn_queued(k->link->conn);
    if (queued != k->queued)
        await_first_byte(k); /* the provider still takes the request */
    else if (queued || k->whole)
        fail(k, E_FIRST_BYTE_TIMEOUT);
    /* else it is the owner who is slow with the body */
}

/* ---- the answer ---- */

static void expect_answer(struct call *k)
{
    h1_expect_response(k->link->h1, &k->arena, k->client->pool.limits.max_head_bytes,
                       str_eq(k->req.method, STR("HEAD")), &k->head);
}

static void on_head(struct call *k)
{
    if (k->head.status < 200) {
        if (++k->interim > HTTP_INTERIM_ANSWERS)
            fail(k, E_BAD_ANSWER);
        return;
    }
    if (k->interim)
        k->times.first_byte = clock_us(); /* of the answer itself, about */
    k->events->on_head(k->owner, k, &k->head);
}

static void on_answer_end(struct call *k, bool nothing_follows)
{
    if (k->head.status < 200) {
        arena_reset(&k->arena);
        expect_answer(k);
        return;
    }
    bool reusable = nothing_follows && k->whole && k->end == E_OK && h1_keep_alive(k->link->h1) &&
                    conn_queued(k->link->conn) == 0;
    close_call(k, reusable);
    k->events->on_end(k->owner, k);
}

/* Reads as far as the owner wants; what is left in *in is to be kept. */
static void pump(struct call *k, struct str *in)
{
    while (!k->over && !k->held) {
        struct str piece = {NULL, 0};
        switch (h1_next(k->link->h1, in, &piece)) {
        case H1_MORE: return;
        case H1_HEAD: on_head(k); break;
        case H1_BODY: k->held = k->events->on_body(k->owner, k, piece) == HOLD; break;
        case H1_END: on_answer_end(k, in->n == 0); break;
        case H1_FAULT: fail(k, E_BAD_ANSWER); break;
        }
    }
}

static void keep(struct call *k, struct str rest)
{
    must(buf_append(&k->kept, rest) == E_OK);
    if (k->held)
        conn_pause(k->link->conn);
    else
        conn_resume(k->link->conn);
    await_next_piece(k);
}

static void on_read(void *owner, struct conn *c, struct str bytes)
{
    struct call *k = owner;
    (void)c;
    if (!k->times.first_byte)
        k->times.first_byte = clock_us();
    if (k->kept.n == 0)
        pump(k, &bytes);
    if (!k->over)
        keep(k, bytes);
}

/* ---- the request ---- */

static void write_piece(struct call *k, struct str piece)
{
    struct conn *c = k->link->conn;
    if (k->framing != H1_CHUNKED) {
        conn_write(c, piece);
        return;
    }
    struct h1_chunk parts = h1_chunk(&k->client->scratch, piece);
    conn_write(c, parts.line);
    conn_write(c, parts.data);
    conn_write(c, parts.end);
    sweep_later(k->client);
}

static enum h1_framing framing_of(const struct call_request *r)
{
    if (r->streamed)
        return r->length == LENGTH_UNKNOWN ? H1_CHUNKED : H1_LENGTH;
    /* these say how long their body is even if there is none: RFC 9110 section 8.6 */
    bool has_body = r->body.n || str_eq(r->method, STR("POST")) || str_eq(r->method, STR("PUT")) ||
                    str_eq(r->method, STR("PATCH"));
    return has_body ? H1_LENGTH : H1_NO_LENGTH;
}

/* All of it is with the connection; a large one is sent when that is through with it (on_drain). */
static void request_written(struct call *k, uint64_t now)
{
    if (conn_queued(k->link->conn) <= NET_WRITE_HIGH)
        k->times.sent = now;
    if (!k->times.first_byte)
        await_first_byte(k);
}

/* Pieces that came early are framed already. */
static void write_early(struct call *k)
{
    size_t n;
    char *bytes = buf_take(&k->early, &n);
    if (!bytes)
        return;
    bool full = conn_write(k->link->conn, str_of(bytes, n)) == HOLD;
    scratch_adopt(&k->client->scratch, bytes);
    if (k->told_to_hold && !full)
        loop_post(k->client->pool.loop, &k->go_on);
}

static void write_request(struct call *k)
{
    struct call_request *r = &k->req;
    struct h1_request head = {
        .method = r->method,
        .target = r->target,
        .host = r->host,
        .headers = r->headers,
        .framing = k->framing,
        .length = r->streamed ? r->length : (int64_t)r->body.n,
    };
    conn_write(k->link->conn, h1_request_text(&k->client->scratch, &head));
    if (r->streamed)
        write_early(k);
    else
        conn_write(k->link->conn, r->body);
    sweep_later(k->client);
    if (k->whole)
        request_written(k, k->times.connected);
}

enum flow call_send(struct call *k, struct str piece)
{
    must(k->req.streamed && !k->whole && !k->over);
    if (piece.n == 0)
        return GO;
    if (k->framing == H1_LENGTH) {
        must(piece.n <= (uint64_t)k->left);
        k->left -= (int64_t)piece.n;
    }
    size_t queued;
    if (k->link) {
        write_piece(k, piece);
        queued = conn_queued(k->link->conn);
        if (!timer_is_set(&k->timer) && !k->times.first_byte)
            await_first_byte(k);
    } else {
        struct h1_chunk c = {.data = piece};
        if (k->framing == H1_CHUNKED)
            c = h1_chunk(&k->client->scratch, piece);
        buf_append(&k->early, c.line);
        buf_append(&k->early, c.data);
        buf_append(&k->early, c.end);
        sweep_later(k->client);
        queued = k->early.n;
        if (k->early.full)
            fail_later(k, E_TOO_LARGE);
    }
    if (queued > NET_WRITE_HIGH)
        k->told_to_hold = true;
    return k->told_to_hold ? HOLD : GO;
}

void call_send_end(struct call *k)
{
    must(k->req.streamed && !k->whole && !k->over);
    must(k->framing == H1_CHUNKED || k->left == 0);
    k->whole = true;
    if (k->framing == H1_CHUNKED && k->link)
        conn_write(k->link->conn, H1_LAST_CHUNK);
    else if (k->framing == H1_CHUNKED && buf_append(&k->early, H1_LAST_CHUNK) != E_OK)
        fail_later(k, E_TOO_LARGE);
    if (k->link)
        request_written(k, clock_us());
}

/* ---- the link ---- */

static void on_drain(void *owner, struct conn *c)
{
    struct call *k = owner;
    (void)c;
    if (k->whole && !k->times.sent)
        k->times.sent = clock_us();
    if (!k->told_to_hold)
        return;
    k->told_to_hold = false;
    k->events->on_drain(k->owner, k);
}

static bool is_stale(const struct call *k)
{
    return k->link->reused && !k->times.first_byte && !k->req.streamed && !k->retried;
}

static void try_again(struct call *k)
{
    pool_drop(k->link);
    k->link = NULL;
    k->retried = true;
    k->times = (struct call_times){0};
    arena_reset(&k->arena);
    timer_set(&k->timer, k->client->pool.limits.connect_timeout_ms);
    pool_wait(k->req.origin, &k->waiter, true);
}

static void stream_ended(struct call *k)
{
    if (!k->times.first_byte)
        fail(k, k->end);
    else if (k->end == E_EOF && h1_eof(k->link->h1) == H1_END)
        on_answer_end(k, true);
    else
        fail(k, k->end == E_EOF ? E_BAD_ANSWER : k->end);
}

static void on_end(void *owner, struct conn *c, enum err why)
{
    struct call *k = owner;
    (void)c;
    if (is_stale(k)) {
        try_again(k);
        return;
    }
    k->end = why;
    if (!k->held && k->kept.n == 0)
        stream_ended(k);
    /* else the owner gets what came before: see run_go_on */
}

static const struct conn_events events = {on_read, on_drain, on_end};

static void on_link(struct waiter *w, enum err e, struct link *link)
{
    struct call *k = container_of(w, struct call, waiter);
    if (e != E_OK) {
        fail(k, e);
        return;
    }
    timer_stop(&k->timer);
    k->link = link;
    k->times.connected = clock_us();
    k->times.reused = link->reused;
    conn_set_owner(link->conn, &events, k);
    expect_answer(k);
    write_request(k);
}

static void take_kept(struct call *k)
{
    size_t n;
    char *bytes = buf_take(&k->kept, &n);
    struct str in = str_of(bytes, n);
    if (bytes) { /* views of it may have been handed on and written: it lives until the flush */
        scratch_adopt(&k->client->scratch, bytes);
        sweep_later(k->client);
    }
    pump(k, &in);
    if (k->over)
        return;
    keep(k, in);
    if (k->end != E_OK && !k->held)
        stream_ended(k);
}

static void run_go_on(struct task *t)
{
    struct call *k = container_of(t, struct call, go_on);
    if (k->failure != E_OK) {
        fail(k, k->failure);
        return;
    }
    if (k->told_to_hold && conn_queued(k->link->conn) <= NET_WRITE_HIGH)
        on_drain(k, NULL); /* the connection itself never said HOLD */
    if (!k->over && !k->held && k->times.first_byte)
        take_kept(k);
}

/* ---- what owners call ---- */

struct call *call_start(struct client *c, const struct call_request *req, const struct call_events *callbacks,
                        void *owner)
{
    struct call *k = call_new(c);
    k->client = c;
    k->req = *req;
    k->events = callbacks;
    k->owner = owner;
    k->framing = framing_of(req);
    k->left = req->length;
    k->whole = !req->streamed;
    k->waiter.on_link = on_link;
    k->go_on.run = run_go_on;
    buf_init(&k->early, NET_WRITE_CAP);
    buf_init(&k->kept, 2 * NET_READ_BYTES);
    timer_init(&k->timer, c->pool.loop, on_timer);
    c->live++;
    origin_hold(req->origin);
    struct link *link = pool_take(req->origin);
    if (link) {
        on_link(&k->waiter, E_OK, link);
        return k;
    }
    timer_set(&k->timer, c->pool.limits.connect_timeout_ms);
    pool_wait(req->origin, &k->waiter, false);
    return k;
}

void call_resume(struct call *k)
{
    if (!k->held || k->over)
        return;
    k->held = false;
    loop_post(k->client->pool.loop, &k->go_on);
}

void call_forget_head(struct call *k)
{
    must(k->link && k->head.status >= 200);
    h1_forget_head(k->link->h1);
    k->head.headers = (struct headers){0};
    arena_done(&k->arena);
}

void call_cancel(struct call *k)
{
    if (k && !k->over)
        close_call(k, false);
}

struct call_times call_times(const struct call *k)
{
    return k->times;
}

/* ---- the client ---- */

struct client *client_new(struct loop *l, const struct client_limits *limits, struct tls_client *tls,
                          const struct egress *egress)
{
    struct client *c = mem_zalloc(sizeof(*c));
    pool_init(&c->pool, l, limits, tls, egress);
    scratch_init(&c->scratch);
    list_init(&c->spare);
    list_init(&c->over);
    c->sweep.run = sweep;
    return c;
}

void client_set_limits(struct client *c, const struct client_limits *limits)
{
    c->pool.limits = *limits;
}

struct origin *client_origin(struct client *c, const struct origin_name *name)
{
    return pool_origin(&c->pool, name, NULL);
}

struct origin *client_local_origin(struct client *c, struct str name, struct server *server)
{
    return pool_origin(&c->pool, &(struct origin_name){.host = name, .trusted = true}, server);
}

size_t client_open_conns(const struct client *c)
{
    return c->pool.links.count;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    must(c->live == 0);
    pool_done(&c->pool);
    sweep(&c->sweep);
    loop_unpost(c->pool.loop, &c->sweep);
    for (struct node *n; (n = list_pop(&c->spare)) != NULL;)
        call_free(container_of(n, struct call, node));
    scratch_done(&c->scratch);
    mem_free(c);
}
