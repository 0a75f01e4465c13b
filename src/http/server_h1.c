/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client connection that speaks HTTP/1.
 *
 *           first byte        head complete          body complete
 *   H1_IDLE ─────────> H1_ARRIVING ─────────> H1_READING ─────────> H1_ANSWERING ─> H1_IDLE
 *                                                └─ answered early: the body is read away ─┘
 *
 * One exchange at a time: bytes of the next request, and bytes behind a HOLD, are kept. Reading goes
 * on while an answer is awaited, since only a read tells that the client has left; it stops for a
 * HOLD and when enough is kept.
 */
#include "http/exchange.h"
#include "http/h1.h"
#include "base/limits.h"

enum step { H1_IDLE, H1_ARRIVING, H1_READING, H1_ANSWERING };

struct h1_wire {
    struct wire wire;
    struct h1 *h1;
    struct exchange *x; /* NULL while idle, and while the body of an answered request is read away */
    struct buf kept;
    struct task go_on;   /* with what is kept */
    struct timer owed;   /* a request, the rest of a head, the next piece of a body */
    struct timer stall;  /* the client takes nothing of the answer */
    uint64_t written;    /* ever */
    uint64_t taken;      /* of it, when stall was set */
    int64_t received;    /* of this body */
    int64_t thrown_away; /* of it, after the answer */
    enum step step;
    bool keep_alive;
    bool chunked;      /* the answer */
    bool until_close;  /* the answer */
    bool wants_100;    /* the client waits for it before it sends the body */
    bool held;         /* the service takes no more of the body */
    bool choked;       /* the client is slow: wait for on_drain */
    bool told_to_hold; /* the service waits for on_drain */
    bool head_timed;   /* owed runs for this head */
};

static struct h1_wire *of(struct wire *w)
{
    return container_of(w, struct h1_wire, wire);
}

/* ---- ends of a connection ---- */

static void leave(struct h1_wire *w)
{
    timer_stop(&w->owed);
    timer_stop(&w->stall);
    loop_unpost(w->wire.server->loop, &w->go_on);
    wire_gone(&w->wire);
}

/* What was written is sent, then the connection closes. */
static void finish(struct h1_wire *w)
{
    conn_finish(w->wire.conn);
    leave(w);
}

/* The client is gone, or must not believe that its answer is complete. */
static void lose(struct h1_wire *w, void (*drop)(struct conn *c), enum err why)
{
    struct exchange *x = w->x;
    w->x = NULL;
    if (x) /* while there is a connection: the exchange lets go of it */
        exchange_lose(x, why);
    drop(w->wire.conn);
    leave(w);
}

static void free_wire(struct wire *wire)
{
    struct h1_wire *w = of(wire);
    h1_free(w->h1);
    buf_done(&w->kept);
    mem_free(w);
}

static void cut(struct wire *wire)
{
    lose(of(wire), conn_reset, E_CLIENT_GONE);
}

static void drain(struct wire *wire)
{
    struct h1_wire *w = of(wire);
    w->keep_alive = false;
    if (w->step == H1_IDLE && w->kept.n == 0)
        finish(w);
}

/* ---- timers ---- */

static void watch_writing(struct h1_wire *w)
{
    if (timer_is_set(&w->stall))
        return;
    w->taken = w->written - conn_queued(w->wire.conn);
    timer_set(&w->stall, w->wire.server->limits.body_timeout_ms);
}

static void write_bytes(struct h1_wire *w, struct str bytes)
{
    watch_writing(w);
    w->written += bytes.n;
    if (conn_write(w->wire.conn, bytes) == HOLD)
        w->choked = true; /* until on_drain */
}

/* Nothing was taken for a whole period: at least that long, at most twice. */
static void on_stall(struct timer *t)
{
    struct h1_wire *w = container_of(t, struct h1_wire, stall);
    size_t queued = conn_queued(w->wire.conn);
    if (queued == 0)
        return;
    if (w->written - queued == w->taken)
        lose(w, conn_reset, E_CLIENT_GONE);
    else
        watch_writing(w);
}

static void watch_reading(struct h1_wire *w)
{
    const struct server_limits *limits = &w->wire.server->limits;
    switch (w->step) {
    case H1_IDLE: timer_set(&w->owed, limits->idle_timeout_ms); break;
    case H1_ARRIVING:
        if (!w->head_timed)
            timer_set(&w->owed, limits->head_timeout_ms);
        w->head_timed = true;
        break;
    case H1_READING: timer_set(&w->owed, limits->body_timeout_ms); break;
    case H1_ANSWERING: break; /* it may fire, and finds that nothing is owed */
    }
}

/* ---- the answer ---- */

static bool body_is_long(const struct h1_wire *w, const struct exchange *x)
{
    return w->step == H1_READING && x->request.length - w->received > NET_LINGER_BYTES;
}

static struct str connection_line(const struct h1_wire *w, const struct exchange *x)
{
    if (!w->keep_alive)
        return STR("close");
    return x->request.minor == 0 ? STR("keep-alive") : STR("");
}

static enum h1_framing framing_of(const struct h1_wire *w, const struct exchange *x, int status,
                                  int64_t length)
{
    if (!http_status_has_body(status) || (x->bodyless && length == LENGTH_UNKNOWN))
        return H1_NO_LENGTH;
    if (length != LENGTH_UNKNOWN)
        return H1_LENGTH;
    return w->chunked ? H1_CHUNKED : H1_NO_LENGTH;
}

static void write_head(struct h1_wire *w, struct exchange *x, int status, const struct headers *h,
                       int64_t length)
{
    struct server *s = w->wire.server;
    bool open_end = length == LENGTH_UNKNOWN && !x->bodyless;
    w->chunked = open_end && x->request.minor > 0;
    w->until_close = open_end && !w->chunked;
    /* the client may now leave out the body it was to be asked for: what follows is unclear */
    if (w->until_close || w->wants_100 || body_is_long(w, x) || s->draining)
        w->keep_alive = false;
    struct h1_response r = {
        .status = status,
        .headers = h,
        .date = server_date(s),
        .connection = connection_line(w, x),
        .framing = framing_of(w, x, status, length),
        .length = length,
    };
    write_bytes(w, h1_response_text(&s->scratch, &r));
    server_sweep_later(s);
}

static void answer_head(struct exchange *x, int status, const struct headers *h, int64_t length)
{
    write_head(of(x->wire), x, status, h, length);
}

static enum flow answer_write(struct exchange *x, struct str piece)
{
    struct h1_wire *w = of(x->wire);
    struct server *s = w->wire.server;
    if (w->chunked) {
        struct h1_chunk c = h1_chunk(&s->scratch, piece);
        write_bytes(w, c.line);
        write_bytes(w, c.data);
        write_bytes(w, c.end);
        server_sweep_later(s);
    } else {
        write_bytes(w, piece);
    }
    w->told_to_hold = w->choked;
    return w->choked ? HOLD : GO;
}

/* Ready for the next request, which may be there already. */
static void next_request(struct h1_wire *w)
{
    w->step = H1_IDLE;
    if (w->wire.server->draining) {
        finish(w);
        return;
    }
    if (w->kept.n)
        loop_post(w->wire.server->loop, &w->go_on);
    watch_reading(w);
}

static struct h1_wire *detach(struct exchange *x)
{
    struct h1_wire *w = of(x->wire);
    exchange_close(x);
    w->x = NULL;
    w->told_to_hold = false;
    return w;
}

static void answer_end(struct exchange *x)
{
    struct h1_wire *w = detach(x);
    if (w->chunked)
        write_bytes(w, H1_LAST_CHUNK);
    if (!w->keep_alive) {
        finish(w);
    } else if (w->step == H1_ANSWERING) {
        next_request(w);
    } else if (w->held) { /* the rest of the body is read away */
        w->held = false;
        loop_post(w->wire.server->loop, &w->go_on);
    }
}

static void answer_abort(struct exchange *x)
{
    struct h1_wire *w = detach(x);
    /* a chunked answer without its end, or a short one, is seen to be incomplete */
    if (w->until_close || !x->head_sent)
        conn_reset(w->wire.conn);
    else
        conn_finish(w->wire.conn);
    leave(w);
}

static size_t answer_queued(const struct exchange *x)
{
    return conn_queued(x->wire->conn);
}

static void body_resume(struct exchange *x)
{
    struct h1_wire *w = of(x->wire);
    if (!w->held)
        return;
    w->held = false;
    loop_post(w->wire.server->loop, &w->go_on);
}

static const struct wire_ops ops = {
    .head = answer_head,
    .write = answer_write,
    .end = answer_end,
    .abort = answer_abort,
    .queued = answer_queued,
    .resume = body_resume,
    .drain = drain,
    .cut = cut,
    .free = free_wire,
};

/* ---- faults: the server answers by itself ---- */

static void write_fault(struct h1_wire *w, struct exchange *x, enum err e)
{
    struct buf body;
    buf_init(&body, HTTP_SCRATCH_BYTES);
    w->wire.server->render(&body, e);
    struct header line = {STR("Content-Type"), STR("application/json")};
    w->keep_alive = false;
    write_head(w, x, err_http(e), &(struct headers){&line, 1, 1}, (int64_t)body.n);
    if (!str_eq(x->request.method, STR("HEAD")))
        write_bytes(w, buf_str(&body));
    size_t n;
    scratch_adopt(&w->wire.server->scratch, buf_take(&body, &n));
}

static void fault(struct h1_wire *w, enum err e)
{
    struct exchange *x = w->x;
    if (x && x->head_sent) {
        lose(w, w->until_close ? conn_reset : conn_finish, e);
        return;
    }
    if (x)
        write_fault(w, x, e);
    lose(w, conn_finish, e);
}

static void on_owed(struct timer *t)
{
    struct h1_wire *w = container_of(t, struct h1_wire, owed);
    switch (w->step) {
    case H1_IDLE: finish(w); break;
    case H1_ARRIVING: fault(w, E_HEAD_TIMEOUT); break;
    case H1_READING:
        if (!w->held)
            fault(w, E_BODY_TIMEOUT);
        break;
    case H1_ANSWERING: break;
    }
}

/* ---- the request ---- */

static void begin_request(struct h1_wire *w)
{
    struct server *s = w->wire.server;
    w->x = exchange_take(&w->wire);
    w->received = w->thrown_away = 0;
    w->wants_100 = w->head_timed = false;
    w->chunked = w->until_close = false;
    h1_expect_request(w->h1, &w->x->arena, s->limits.max_head_bytes, &w->x->request);
    w->step = H1_ARRIVING;
}

static void on_head(struct h1_wire *w, bool body_follows)
{
    struct server *s = w->wire.server;
    struct exchange *x = w->x;
    w->keep_alive = h1_keep_alive(w->h1) && !s->draining;
    if (x->request.length > s->limits.max_body_bytes) {
        fault(w, E_TOO_LARGE);
        return;
    }
    if (!exchange_route(x)) {
        fault(w, E_NOT_FOUND);
        return;
    }
    w->step = H1_READING;
    w->wants_100 = h1_expects_continue(w->h1) && !body_follows;
    exchange_announce(x);
    /* not once it is refused or answered; then the client keeps the body to itself */
    if (w->wants_100 && w->x == x && !x->head_sent) {
        write_bytes(w, STR("HTTP/1.1 100 Continue\r\n\r\n"));
        w->wants_100 = false;
    }
}

static void on_body(struct h1_wire *w, struct str piece)
{
    struct exchange *x = w->x;
    w->received += (int64_t)piece.n;
    w->wants_100 = false;
    if (w->received > w->wire.server->limits.max_body_bytes) {
        fault(w, E_TOO_LARGE);
    } else if (!x) {
        w->thrown_away += (int64_t)piece.n;
        if (w->thrown_away > NET_LINGER_BYTES)
            finish(w);
    } else if (x->service->on_body(x->service_arg, x, piece) == HOLD && w->x == x) {
        w->held = true;
    }
}

static void on_body_end(struct h1_wire *w)
{
    struct exchange *x = w->x;
    if (!x) {
        next_request(w);
        return;
    }
    w->step = H1_ANSWERING;
    x->service->on_body_end(x->service_arg, x);
}

/* Browsers of old sent a blank line after a body: RFC 9112 section 2.2 has us ignore it. */
static void skip_blank_lines(struct str *in)
{
    while (in->n && (in->p[0] == '\r' || in->p[0] == '\n'))
        *in = str_from(*in, 1);
}

static bool may_read(const struct h1_wire *w)
{
    if (w->wire.dead || w->held || w->step == H1_ANSWERING)
        return false;
    return w->step != H1_IDLE || !w->choked; /* no further answer before the last one is taken */
}

/* Reads as far as the exchange allows; what is left in *in is to be kept. */
static void pump(struct h1_wire *w, struct str *in)
{
    while (may_read(w)) {
        struct str piece = {NULL, 0};
        if (w->step == H1_IDLE) {
            skip_blank_lines(in);
            if (in->n == 0)
                return;
            begin_request(w);
        }
        switch (h1_next(w->h1, in, &piece)) {
        case H1_MORE: return;
        case H1_HEAD: on_head(w, in->n > 0); break;
        case H1_BODY: on_body(w, piece); break;
        case H1_END: on_body_end(w); break;
        case H1_FAULT: fault(w, h1_fault(w->h1)); break;
        }
    }
}

static void keep(struct h1_wire *w, struct str rest)
{
    /* reading stops when the limit is crossed, so one read at most lies beyond it */
    must(buf_append(&w->kept, rest) == E_OK);
    if (w->held || w->kept.n >= HTTP_PIPELINE_BYTES)
        conn_pause(w->wire.conn);
    else
        conn_resume(w->wire.conn);
}

static void on_read(void *owner, struct conn *c, struct str bytes)
{
    struct h1_wire *w = owner;
    (void)c;
    if (w->kept.n == 0)
        pump(w, &bytes);
    if (w->wire.dead)
        return;
    keep(w, bytes);
    if (w->step != H1_IDLE)
        watch_reading(w);
}

static void run_go_on(struct task *t)
{
    struct h1_wire *w = container_of(t, struct h1_wire, go_on);
    struct server *s = w->wire.server;
    size_t n = 0;
    if (!may_read(w))
        return;
    /* views of it may have been written: it lives until they are flushed */
    char *bytes = buf_take(&w->kept, &n);
    struct str in = str_of(bytes, n);
    if (bytes) {
        scratch_adopt(&s->scratch, bytes);
        server_sweep_later(s);
    }
    pump(w, &in);
    if (w->wire.dead)
        return;
    keep(w, in);
    if (w->step != H1_IDLE)
        watch_reading(w);
}

static void on_drain(void *owner, struct conn *c)
{
    struct h1_wire *w = owner;
    struct exchange *x = w->x;
    (void)c;
    bool tell = w->told_to_hold;
    w->choked = w->told_to_hold = false;
    if (x && tell)
        x->service->on_drain(x->service_arg, x);
    if (!w->wire.dead && w->step == H1_IDLE && w->kept.n)
        loop_post(w->wire.server->loop, &w->go_on);
}

static void on_end(void *owner, struct conn *c, enum err why)
{
    (void)c;
    (void)why;
    lose(owner, conn_close, E_CLIENT_GONE);
}

static const struct conn_events events = {on_read, on_drain, on_end};

void server_h1_accept(struct server *s, struct conn *c)
{
    struct h1_wire *w = mem_zalloc(sizeof(*w));
    wire_init(&w->wire, &ops, s, c);
    w->h1 = h1_new(true);
    w->keep_alive = true;
    w->go_on.run = run_go_on;
    buf_init(&w->kept, HTTP_PIPELINE_BYTES + NET_READ_BYTES);
    timer_init(&w->owed, s->loop, on_owed);
    timer_init(&w->stall, s->loop, on_stall);
    timer_set(&w->owed, s->limits.head_timeout_ms);
    conn_set_owner(c, &events, w);
}
