/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection's bytes, both ways.
 *
 * Writing: conn_write only notes where the bytes are (gather). The flush at the end of the callback
 * hands them to the kernel in one call; what it does not take is copied to `wait` and goes out
 * through an asynchronous write (`sending`). Order: sending, then wait, then gather. Pieces that are more
 * than gather has room for are copied to `wait` before, if they are small: so many events of a stream that
 * came together leave together.
 *
 *   conn_write ──> gather[] ──flush──> kernel
 *                     └── rest, or too many, copied ──> wait ──> sending ──> kernel
 *
 * Reading: all connections of a loop read into the same space, since a read is consumed whole by
 * on_read. A connection at rest owns no buffer at all.
 */
#include "base/limits.h"
#include "net/conn_uv.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

/* Pieces; and how large they are together if copying them is quicker than a write of their own. */
enum { GATHER = 8, PACK_BYTES = 16 * KIB };

struct sending {
    uv_write_t req;
    struct conn *conn;
    size_t n;
    char *bytes;
};

struct conn {
    union {
        uv_tcp_t tcp;
        uv_stream_t stream;
        uv_handle_t handle;
    };
    struct loop *loop;
    const struct conn_events *events;
    void *owner;
    struct tls *tls;

    struct conn *next_dirty;
    uv_buf_t gather[GATHER];
    size_t gathered; /* bytes in gather */
    unsigned n_gather;
    struct sending *sending;
    struct buf wait;

    struct task end_task;  /* brings on_end, or the end of a handshake */
    struct task more_task; /* plaintext that was left while paused */
    enum err end;
    void (*on_handshake)(void *arg, enum err e);
    void *handshake_arg;
    void (*on_gone)(void *arg);
    void *gone_arg;
    struct timer *linger; /* while finishing */
    size_t lingered;
    char *peer; /* text, made on demand */

    char *into; /* where the next bytes are read, if not into the loop's space */
    size_t into_n;

    bool open, reading, paused, ended, closing, dirty, held, finishing, shut;
};

static void start_reading(struct conn *c);
static void finish_next(struct conn *c);

enum err conn_err(int uv_code)
{
    switch (uv_code) {
    case 0: return E_OK;
    case UV_EOF: return E_EOF;
    case UV_ECONNREFUSED: return E_REFUSED;
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
    case UV_EADDRNOTAVAIL: return E_UNREACHABLE;
    case UV_ETIMEDOUT: return E_CONNECT_TIMEOUT;
    default: return E_RESET;
    }
}

/* ---- life ---- */

static void run_end(struct task *t);
static void run_more(struct task *t);

struct conn *conn_new(struct loop *l, int family)
{
    struct conn *c = mem_zalloc(sizeof(*c));
    must(uv_tcp_init_ex(loop_uv(l), &c->tcp, (unsigned)family) == 0);
    c->loop = l;
    loop_count_conn(l, 1);
    c->end_task.run = run_end;
    c->more_task.run = run_more;
    buf_init(&c->wait, NET_WRITE_CAP);
    return c;
}

uv_tcp_t *conn_tcp(struct conn *c)
{
    return &c->tcp;
}

void conn_open(struct conn *c)
{
    c->open = true;
    (void)uv_tcp_nodelay(&c->tcp, 1); /* a socket pair has no such option */
}

enum err conn_from_fd(struct loop *l, int fd, struct conn **ret)
{
    struct conn *c = conn_new(l, AF_UNSPEC);
    if (uv_tcp_open(&c->tcp, fd) != 0) {
        close(fd);
        conn_close(c);
        return E_IO;
    }
    conn_open(c);
    *ret = c;
    return E_OK;
}

enum err conn_pair(struct loop *l, struct conn **ret_a, struct conn **ret_b)
{
    int fd[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) != 0)
        return E_IO;
    struct conn *a, *b;
    if (conn_from_fd(l, fd[0], &a) != E_OK) {
        close(fd[1]);
        return E_IO;
    }
    if (conn_from_fd(l, fd[1], &b) != E_OK) {
        conn_close(a);
        return E_IO;
    }
    *ret_a = a;
    *ret_b = b;
    return E_OK;
}

static void on_closed(uv_handle_t *h)
{
    struct conn *c = container_of(h, struct conn, handle);
    tls_free(c->tls);
    buf_done(&c->wait);
    mem_free(c->linger);
    mem_free(c->peer);
    void (*on_gone)(void *arg) = c->on_gone;
    void *arg = c->gone_arg;
    struct loop *l = c->loop;
    loop_count_conn(l, -1);
    mem_free(c);
    if (on_gone) {
        on_gone(arg);
        loop_settle(l);
    }
}

static void start_closing(struct conn *c)
{
    must(!c->closing);
    c->closing = true;
    c->n_gather = 0;
    c->gathered = 0;
    loop_unpost(c->loop, &c->end_task);
    loop_unpost(c->loop, &c->more_task);
    if (c->linger)
        timer_stop(c->linger);
}

void conn_close(struct conn *c)
{
    start_closing(c);
    uv_close(&c->handle, on_closed);
}

void conn_reset(struct conn *c)
{
    start_closing(c);
    if (uv_tcp_close_reset(&c->tcp, on_closed) != 0)
        uv_close(&c->handle, on_closed);
}

void conn_set_owner(struct conn *c, const struct conn_events *events, void *owner)
{
    c->events = events;
    c->owner = owner;
    if (!events)
        return;
    if (c->ended)
        loop_post(c->loop, &c->end_task); /* it ended while nobody owned it */
    else if (!c->paused)
        start_reading(c);
}

void conn_on_gone(struct conn *c, void (*on_gone)(void *arg), void *arg)
{
    c->on_gone = on_gone;
    c->gone_arg = arg;
}

int conn_tls_version(const struct conn *c)
{
    return c->tls ? tls_version(c->tls) : 0;
}

struct str conn_peer(const struct conn *c)
{
    struct conn *m = (struct conn *)(uintptr_t)c; /* fills a cache */
    if (!m->peer) {
        struct addr a = {.len = sizeof(a.sa)};
        int len = (int)a.len;
        m->peer = mem_zalloc(ADDR_TEXT);
        if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&a.sa, &len) != 0)
            a.sa.ss_family = AF_UNIX;
        addr_text(&a, m->peer);
    }
    return str_c(m->peer);
}

/* ---- the end ---- */

static void run_end(struct task *t)
{
    struct conn *c = container_of(t, struct conn, end_task);
    if (c->on_handshake) {
        void (*done)(void *arg, enum err e) = c->on_handshake;
        c->on_handshake = NULL;
        done(c->handshake_arg, c->end);
    } else if (c->finishing) {
        conn_close(c);
    } else if (c->events) {
        c->events->on_end(c->owner, c, c->end);
    }
}

/* The stream is over, one way or another. Without an owner yet, the next owner is told. */
static void end(struct conn *c, enum err e)
{
    if (c->ended || c->closing)
        return;
    c->ended = true;
    c->end = e;
    c->n_gather = 0;
    c->gathered = 0;
    if (c->reading)
        uv_read_stop(&c->stream);
    c->reading = false;
    loop_post(c->loop, &c->end_task);
}

/* ---- reading ---- */

static void on_space(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
    (void)suggested;
    struct conn *c = container_of(h, struct conn, handle);
    if (c->into_n)
        *ret = uv_buf_init(c->into, (unsigned)(c->into_n < NET_INTO_BYTES ? c->into_n : NET_INTO_BYTES));
    else
        *ret = uv_buf_init(loop_read_space(c->loop), NET_READ_BYTES);
}

void conn_read_into(struct conn *c, char *space, size_t n)
{
    c->into = space;
    c->into_n = space && !c->tls ? n : 0;
}

/* The bytes of this read have their place; the next ones go behind them. */
static void advance_into(struct conn *c, size_t n)
{
    if (c->into_n == 0)
        return;
    c->into += n;
    c->into_n -= n;
}

static void deliver(struct conn *c, struct str bytes)
{
    if (!c->finishing) {
        if (c->events)
            c->events->on_read(c->owner, c, bytes);
        return;
    }
    c->lingered += bytes.n;
    if (c->lingered > NET_LINGER_BYTES)
        conn_close(c);
}

static void handshake_step(struct conn *c)
{
    enum err e = tls_handshake(c->tls);
    if (tls_output(c->tls).n && !c->dirty) {
        c->dirty = true;
        loop_add_dirty(c->loop, c);
    }
    if (e == E_AGAIN)
        return;
    if (e != E_OK) {
        end(c, E_TLS);
        return;
    }
    void (*done)(void *arg, enum err e) = c->on_handshake;
    c->on_handshake = NULL;
    done(c->handshake_arg, E_OK);
}

/* Decrypts as much as fits: one delivery, and so one write behind it, for several records. */
static enum err fill_plain(struct conn *c, size_t *ret_n)
{
    char *space = loop_plain_space(c->loop);
    enum err e = E_OK;
    for (size_t n = 0; *ret_n < NET_READ_BYTES; *ret_n += n)
        if ((e = tls_read(c->tls, space + *ret_n, NET_READ_BYTES - *ret_n, &n)) != E_OK)
            break;
    return e;
}

static void read_plaintext(struct conn *c)
{
    /* conn_resume comes back here */
    while (!c->closing && !c->ended && !c->on_handshake && (!c->paused || c->finishing)) {
        size_t n = 0;
        enum err e = fill_plain(c, &n);
        if (n) {
            deliver(c, str_of(loop_plain_space(c->loop), n));
            loop_flush(c->loop); /* the space is used again */
        }
        if (e == E_AGAIN)
            return;
        if (e != E_OK)
            end(c, e);
    }
}

static void run_more(struct task *t)
{
    read_plaintext(container_of(t, struct conn, more_task));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct conn *c = container_of(s, struct conn, stream);
    struct loop *l = c->loop;
    if (n < 0) {
        end(c, conn_err((int)n));
    } else if (n > 0 && c->tls) {
        tls_feed(c->tls, str_of(b->base, (size_t)n));
        if (c->on_handshake)
            handshake_step(c);
        read_plaintext(c);
    } else if (n > 0) {
        advance_into(c, (size_t)n);
        deliver(c, str_of(b->base, (size_t)n));
    }
    loop_settle(l);
}

static void start_reading(struct conn *c)
{
    if (c->reading || c->ended || c->closing || !c->open)
        return;
    int code = uv_read_start(&c->stream, on_space, on_read);
    if (code != 0)
        end(c, conn_err(code));
    else
        c->reading = true;
}

void conn_pause(struct conn *c)
{
    if (c->paused || c->closing)
        return;
    c->paused = true;
    if (c->reading)
        uv_read_stop(&c->stream);
    c->reading = false;
}

void conn_resume(struct conn *c)
{
    if (!c->paused || c->closing)
        return;
    c->paused = false;
    if (c->tls)
        loop_post(c->loop, &c->more_task);
    start_reading(c);
}

/* ---- writing ---- */

size_t conn_queued(const struct conn *c)
{
    return c->gathered + c->wait.n + (c->sending ? c->sending->n : 0);
}

void conn_set_next_dirty(struct conn *c, struct conn *next)
{
    c->next_dirty = next;
}

static void on_sent(uv_write_t *req, int status);

static void send_waiting(struct conn *c)
{
    if (c->sending || c->wait.n == 0 || c->ended || c->closing)
        return;
    struct sending *s = mem_zalloc(sizeof(*s));
    s->conn = c;
    s->bytes = buf_take(&c->wait, &s->n);
    c->sending = s;
    uv_buf_t b = uv_buf_init(s->bytes, (unsigned)s->n);
    int code = uv_write(&s->req, &c->stream, &b, 1, on_sent);
    if (code == 0)
        return;
    c->sending = NULL;
    mem_free(s->bytes);
    mem_free(s);
    end(c, conn_err(code));
}

static void after_writing(struct conn *c)
{
    if (c->finishing)
        finish_next(c);
    else if (c->held && conn_queued(c) < NET_WRITE_LOW) {
        c->held = false;
        if (c->events && !c->ended)
            c->events->on_drain(c->owner, c);
    }
}

static void on_sent(uv_write_t *req, int status)
{
    struct sending *s = container_of(req, struct sending, req);
    struct conn *c = s->conn;
    struct loop *l = c->loop;
    c->sending = NULL;
    mem_free(s->bytes);
    mem_free(s);
    if (!c->closing) {
        if (status < 0)
            end(c, conn_err(status));
        send_waiting(c);
        after_writing(c);
        loop_settle(l);
    }
}

/* Copies what the kernel did not take, or is to take with what follows. */
static void keep(struct conn *c, struct str bytes)
{
    if (buf_append(&c->wait, bytes) != E_OK)
        end(c, E_FULL);
}

/* Nothing else is on its way. */
static size_t hand_over(struct conn *c, const uv_buf_t *b, unsigned n)
{
    int code = uv_try_write(&c->stream, b, n);
    if (code >= 0)
        return (size_t)code;
    if (code != UV_EAGAIN)
        end(c, conn_err(code));
    return 0;
}

static size_t try_kernel(struct conn *c, const uv_buf_t *b, unsigned n)
{
    return c->sending || c->wait.n ? 0 : hand_over(c, b, n);
}

static void pack(struct conn *c)
{
    for (unsigned i = 0; i < c->n_gather && !c->ended; i++)
        keep(c, str_of(c->gather[i].base, c->gather[i].len));
    c->n_gather = 0;
    c->gathered = 0;
}

/* What was packed, and what came since. */
static void write_packed(struct conn *c)
{
    pack(c);
    if (c->ended)
        return;
    uv_buf_t b = uv_buf_init(c->wait.p, (unsigned)c->wait.n);
    size_t taken = hand_over(c, &b, 1);
    if (taken == c->wait.n) {
        buf_done(&c->wait); /* a connection at rest owns no buffer */
        buf_init(&c->wait, NET_WRITE_CAP);
    } else {
        buf_consume(&c->wait, taken);
    }
}

static void write_plain(struct conn *c)
{
    if (c->wait.n && !c->sending) {
        write_packed(c);
        return;
    }
    size_t taken = try_kernel(c, c->gather, c->n_gather);
    for (unsigned i = 0; i < c->n_gather && !c->ended; i++) {
        struct str piece = str_of(c->gather[i].base, c->gather[i].len);
        size_t skip = taken < piece.n ? taken : piece.n;
        taken -= skip;
        keep(c, str_from(piece, skip));
    }
}

static void write_ciphertext(struct conn *c)
{
    struct str out = tls_output(c->tls);
    if (out.n == 0)
        return;
    uv_buf_t b = uv_buf_init((char *)(uintptr_t)out.p, (unsigned)out.n);
    size_t taken = try_kernel(c, &b, 1);
    if (!c->ended)
        keep(c, str_from(out, taken));
    tls_sent(c->tls, out.n);
}

/* Small pieces share a record: head and body of an answer cost one encryption, one header. */
static struct str join_pieces(struct conn *c)
{
    char *space = loop_join_space(c->loop);
    size_t n = 0;
    for (unsigned i = 0; i < c->n_gather; i++) {
        memcpy(space + n, c->gather[i].base, c->gather[i].len);
        n += c->gather[i].len;
    }
    return str_of(space, n);
}

static enum err encrypt(struct conn *c)
{
    if (c->n_gather > 1 && c->gathered <= NET_RECORD_BYTES)
        return tls_write(c->tls, join_pieces(c));
    enum err e = E_OK;
    for (unsigned i = 0; i < c->n_gather && e == E_OK; i++)
        e = tls_write(c->tls, str_of(c->gather[i].base, c->gather[i].len));
    return e;
}

static void flush(struct conn *c)
{
    if (c->ended || c->closing || !c->open)
        return;
    if (c->tls && c->n_gather && encrypt(c) != E_OK)
        end(c, E_TLS);
    if (c->tls && !c->ended)
        write_ciphertext(c);
    else if ((c->n_gather || c->wait.n) && !c->ended)
        write_plain(c);
    c->n_gather = 0;
    c->gathered = 0;
    send_waiting(c);
}

struct conn *conn_flush(struct conn *c)
{
    struct conn *next = c->next_dirty;
    c->dirty = false;
    c->next_dirty = NULL;
    flush(c);
    if (!c->closing)
        after_writing(c);
    return next;
}

static void mark_dirty(struct conn *c)
{
    if (c->dirty)
        return;
    c->dirty = true;
    loop_add_dirty(c->loop, c);
}

static void gather(struct conn *c, struct str bytes)
{
    if (c->n_gather) {
        uv_buf_t *last = &c->gather[c->n_gather - 1];
        if (last->base + last->len == bytes.p) {
            last->len += bytes.n; /* the next slice of the same buffer */
            c->gathered += bytes.n;
            return;
        }
    }
    if (c->n_gather == GATHER && !c->tls && c->gathered <= PACK_BYTES)
        pack(c);
    else if (c->n_gather == GATHER)
        flush(c);
    c->gather[c->n_gather++] = uv_buf_init((char *)(uintptr_t)bytes.p, (unsigned)bytes.n);
    c->gathered += bytes.n;
}

enum flow conn_write(struct conn *c, struct str bytes)
{
    if (c->ended || c->closing || bytes.n == 0)
        return GO;
    /* libuv's lengths are 32 bits wide */
    for (; bytes.n > INT32_MAX; bytes = str_from(bytes, INT32_MAX))
        gather(c, str_head(bytes, INT32_MAX));
    gather(c, bytes);
    mark_dirty(c);
    if (c->gathered + (c->sending ? 0 : c->wait.n) > NET_WRITE_HIGH)
        flush(c);
    if (conn_queued(c) <= NET_WRITE_HIGH)
        return GO;
    c->held = true;
    return HOLD;
}

/* ---- finishing ---- */

static void on_linger(struct timer *t)
{
    conn_close(*(struct conn **)(t + 1));
}

static void set_linger(struct conn *c, uint64_t ms)
{
    if (!c->linger) {
        c->linger = mem_zalloc(sizeof(struct timer) + sizeof(struct conn *));
        *(struct conn **)(c->linger + 1) = c;
        timer_init(c->linger, c->loop, on_linger);
    }
    timer_set(c->linger, ms);
}

/* All is written: say so, then read away what the peer still sends (RFC 9112 section 9.6). */
static void finish_next(struct conn *c)
{
    if (c->shut || c->closing || conn_queued(c))
        return;
    c->shut = true;
    int fd = -1;
    if (c->ended || uv_fileno(&c->handle, &fd) != 0 || shutdown(fd, SHUT_WR) != 0) {
        conn_close(c);
        return;
    }
    set_linger(c, NET_LINGER_MS);
}

void conn_finish(struct conn *c)
{
    must(!c->closing && !c->finishing);
    c->finishing = true;
    c->into_n = 0;
    c->events = NULL;
    c->owner = NULL;
    c->on_handshake = NULL;
    if (c->ended) {
        conn_close(c);
        return;
    }
    if (c->tls) {
        flush(c); /* close-notify comes after the last byte */
        tls_shutdown(c->tls);
    }
    c->paused = false;
    set_linger(c, NET_FINISH_MS);
    start_reading(c);
    mark_dirty(c);
}

/* ---- TLS ---- */

void conn_start_tls(struct conn *c, struct tls *t, void (*on_done)(void *arg, enum err e), void *arg)
{
    c->tls = t;
    c->on_handshake = on_done;
    c->handshake_arg = arg;
    start_reading(c);
    if (tls_handshake(t) == E_TLS)
        end(c, E_TLS);
    mark_dirty(c);
}
