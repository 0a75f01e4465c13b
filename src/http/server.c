/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the server that no protocol version changes: which service answers, the life and the
 * rules of an exchange, draining. See exchange.h for the other half.
 */
#include "http/exchange.h"
#include "base/clock.h"
#include "base/limits.h"

#include <stdio.h>
#include <time.h>

/* ---- exchanges: taken, closed, released, used again ---- */

static struct exchange *exchange_new(struct server *s)
{
    struct exchange *x = mem_zalloc(sizeof(*x));
    x->server = s;
    arena_init(&x->arena, TXN_ARENA_BYTES);
    /* the chunk that resets keep is one that suits most requests */
    (void)arena_alloc(&x->arena, HTTP_ARENA_BYTES);
    arena_reset(&x->arena);
    return x;
}

static void exchange_free(struct exchange *x)
{
    arena_done(&x->arena);
    mem_free(x);
}

struct exchange *exchange_take(struct wire *w)
{
    struct server *s = w->server;
    struct node *n = list_pop_back(&s->spare);
    struct exchange *x = n ? container_of(n, struct exchange, node) : exchange_new(s);
    x->wire = w;
    s->held++;
    return x;
}

static bool matches(struct str prefix, struct str path)
{
    struct str behind = prefix, before = str_cut(&behind, '*');
    if (!behind.p || !str_starts(path, before))
        return !behind.p && str_starts(path, before);
    struct str rest = str_from(path, before.n);
    return str_starts(str_from(rest, str_find(rest, '/')), behind);
}

static bool serves(const struct server_route *r, const struct request_head *head)
{
    return matches(r->prefix, head->path) && (!r->service->claims || r->service->claims(r->arg, head));
}

bool exchange_route(struct exchange *x)
{
    struct server *s = x->server;
    for (size_t i = 0; i < s->n_routes; i++) {
        const struct server_route *r = &s->routes[i];
        if (serves(r, &x->request)) {
            x->service = r->service;
            x->service_arg = r->arg;
            return true;
        }
    }
    return false;
}

bool exchange_is_ending(const struct exchange *x)
{
    return x->server->draining;
}

int exchange_tls(const struct exchange *x)
{
    return x->tls;
}

void exchange_announce(struct exchange *x)
{
    struct conn *c = x->wire->conn;
    /* the record of a request may be written after its connection is gone */
    x->peer = arena_dup(&x->arena, conn_peer(c));
    x->tls = conn_tls_version(c);
    x->started = clock_us();
    x->announced = true;
    x->server->busy++;
    x->service->on_request(x->service_arg, x);
}

static void let_go(struct exchange *x)
{
    list_push(&x->server->released, &x->node);
    server_sweep_later(x->server);
}

void exchange_close(struct exchange *x)
{
    must(!x->closed);
    x->closed = true;
    if (x->wire && x->wire->conn)
        conn_read_into(x->wire->conn, NULL, 0); /* the place is the service's, and may go now */
    x->wire = NULL;
    if (x->announced)
        x->server->busy--;
    else
        let_go(x);
}

void exchange_lose(struct exchange *x, enum err why)
{
    bool announced = x->announced;
    exchange_close(x);
    if (announced)
        x->service->on_gone(x->service_arg, x, why);
}

void exchange_read_into(struct exchange *x, char *space, size_t n)
{
    if (x->wire && x->wire->conn)
        conn_read_into(x->wire->conn, space, n);
}

void exchange_release(struct exchange *x)
{
    must(x->announced && x->closed && !node_linked(&x->node));
    let_go(x);
}

static void server_destroy(struct server *s);

static void reuse(struct server *s, struct exchange *x)
{
    s->held--;
    if (s->spare.count >= HTTP_SPARES) {
        exchange_free(x);
        return;
    }
    arena_reset(&x->arena);
    struct arena arena = x->arena;
    *x = (struct exchange){.server = s, .arena = arena};
    list_push(&s->spare, &x->node);
}

static void sweep(struct task *t)
{
    struct server *s = container_of(t, struct server, sweep);
    struct node *n;
    scratch_reset(&s->scratch);
    while ((n = list_pop(&s->released)) != NULL)
        reuse(s, container_of(n, struct exchange, node));
    while ((n = list_pop(&s->dead_wires)) != NULL) {
        struct wire *w = container_of(n, struct wire, node);
        w->ops->free(w);
    }
    void (*on_empty)(void *arg) = s->on_empty;
    if (s->freed) {
        if (s->held == 0)
            server_destroy(s);
    } else if (s->draining && on_empty && s->wires.count == 0) {
        s->on_empty = NULL;
        on_empty(s->on_empty_arg);
    }
}

void server_sweep_later(struct server *s)
{
    loop_post(s->loop, &s->sweep);
}

/* ---- what services call ---- */

const struct request_head *exchange_request(const struct exchange *x)
{
    return &x->request;
}

struct arena *exchange_arena(struct exchange *x)
{
    return &x->arena;
}

struct str exchange_peer(const struct exchange *x)
{
    return x->peer;
}

void *exchange_user(const struct exchange *x)
{
    return x->user;
}

void exchange_set_user(struct exchange *x, void *user)
{
    x->user = user;
}

uint64_t exchange_started(const struct exchange *x)
{
    return x->started;
}

bool exchange_head_sent(const struct exchange *x)
{
    return x->head_sent;
}

size_t exchange_queued(const struct exchange *x)
{
    return x->wire ? x->wire->ops->queued(x) : 0;
}

void exchange_body_resume(struct exchange *x)
{
    if (x->wire)
        x->wire->ops->resume(x);
}

void exchange_head(struct exchange *x, int status, const struct headers *h, int64_t length)
{
    if (x->closed)
        return;
    must(!x->head_sent && status >= 200);
    x->head_sent = true;
    x->bodyless = !http_status_has_body(status) || str_eq(x->request.method, STR("HEAD"));
    x->left = length;
    x->wire->ops->head(x, status, h, length);
}

enum flow exchange_write(struct exchange *x, struct str piece)
{
    if (x->closed)
        return GO;
    must(x->head_sent);
    if (x->bodyless || piece.n == 0)
        return GO;
    if (x->left != LENGTH_UNKNOWN) {
        must(piece.n <= (uint64_t)x->left);
        x->left -= (int64_t)piece.n;
    }
    return x->wire->ops->write(x, piece);
}

enum flow exchange_write_copy(struct exchange *x, struct str piece)
{
    if (x->closed || piece.n == 0)
        return GO;
    char *copy = scratch_take(&x->server->scratch, piece.n);
    memcpy(copy, piece.p, piece.n);
    server_sweep_later(x->server);
    return exchange_write(x, str_of(copy, piece.n));
}

static void finish(struct exchange *x, bool complete)
{
    if (x->closed)
        return;
    struct wire *w = x->wire;
    if (complete)
        w->ops->end(x);
    else
        w->ops->abort(x);
    must(x->closed);
}

void exchange_end(struct exchange *x)
{
    must(x->closed || x->head_sent);
    finish(x, x->bodyless || x->left == LENGTH_UNKNOWN || x->left == 0);
}

void exchange_abort(struct exchange *x)
{
    finish(x, false);
}

void exchange_reply(struct exchange *x, int status, struct str content_type, struct str body)
{
    struct header line = {STR("Content-Type"), content_type};
    struct headers h = {&line, content_type.n ? 1 : 0, 1};
    exchange_head(x, status, &h, (int64_t)body.n);
    exchange_write(x, body);
    exchange_end(x);
}

/* ---- wires ---- */

void wire_init(struct wire *w, const struct wire_ops *ops, struct server *s, struct conn *c)
{
    w->ops = ops;
    w->server = s;
    w->conn = c;
    list_push(&s->wires, &w->node);
}

void wire_gone(struct wire *w)
{
    must(!w->dead);
    w->dead = true;
    w->conn = NULL;
    list_remove(&w->server->wires, &w->node);
    list_push(&w->server->dead_wires, &w->node);
    server_sweep_later(w->server);
}

/* ---- the server ---- */

struct server *server_new(struct loop *l, const struct server_limits *limits,
                          const struct server_route *routes, size_t n_routes,
                          void (*render)(struct buf *out, enum err e))
{
    struct server *s = mem_zalloc(sizeof(*s));
    s->loop = l;
    s->limits = *limits;
    s->routes = routes;
    s->n_routes = n_routes;
    s->render = render;
    s->sweep.run = sweep;
    list_init(&s->wires);
    list_init(&s->dead_wires);
    list_init(&s->spare);
    list_init(&s->released);
    scratch_init(&s->scratch);
    return s;
}

void server_accept(struct server *s, struct conn *c)
{
    if (s->draining || s->freed)
        conn_close(c);
    else
        server_h1_accept(s, c);
}

void server_set_limits(struct server *s, const struct server_limits *limits)
{
    s->limits = *limits;
}

void server_drain(struct server *s, void (*on_empty)(void *arg), void *arg)
{
    s->draining = true;
    s->on_empty = on_empty;
    s->on_empty_arg = arg;
    struct node *n = list_first(&s->wires);
    for (size_t left = s->wires.count; left > 0; left--) {
        struct wire *w = container_of(n, struct wire, node);
        n = n->next; /* w may go */
        w->ops->drain(w);
    }
    server_sweep_later(s);
}

static void server_destroy(struct server *s)
{
    struct node *n;
    while ((n = list_pop(&s->spare)) != NULL)
        exchange_free(container_of(n, struct exchange, node));
    scratch_done(&s->scratch);
    loop_unpost(s->loop, &s->sweep);
    mem_free(s);
}

void server_free(struct server *s)
{
    if (!s)
        return;
    s->freed = true;
    for (struct node *n; (n = list_first(&s->wires)) != NULL;) {
        struct wire *w = container_of(n, struct wire, node);
        w->ops->cut(w);
    }
    server_sweep_later(s);
}

size_t server_conns(const struct server *s)
{
    return s->wires.count;
}

size_t server_busy(const struct server *s)
{
    return s->busy;
}

/* ---- the date ---- */

struct str server_date(struct server *s)
{
    int64_t now = clock_wall_ms() / 1000;
    if (now != s->date_s) {
        time_t t = (time_t)now;
        struct tm tm;
        must(gmtime_r(&t, &tm) != NULL);
        must(strftime(s->date, sizeof(s->date), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm) == DATE_LINE);
        s->date_s = now;
    }
    return str_of(s->date, DATE_LINE);
}
