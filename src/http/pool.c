/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything about a link but what is said on it. Links that are closed are freed by `sweep`, a task:
 * the call that drops one may be deep inside a callback about it.
 */
#include "http/pool.h"
#include "base/limits.h"

struct origin {
    struct node node; /* in the pool's origins */
    struct pool *pool;
    struct origin_name name; /* host is owned */
    struct server *local;
    struct tls_session *session;
    struct list idle, waiters;
    size_t open, opening; /* links; opening counts among open */
    size_t holds;
};

/* ---- origins ---- */

static bool same(const struct origin *o, const struct origin_name *name, const struct server *local)
{
    return o->name.port == name->port && o->name.tls == name->tls && o->name.trusted == name->trusted &&
           o->local == local && str_eq(o->name.host, name->host);
}

static void origin_free(struct origin *o)
{
    list_remove(&o->pool->origins, &o->node);
    tls_session_free(o->session);
    mem_free((char *)(uintptr_t)o->name.host.p);
    mem_free(o);
}

/* Names that came from requests must not pile up: the oldest one nobody uses goes. */
static void forget_one(struct pool *p)
{
    struct node *n = list_first(&p->origins);
    for (size_t left = p->origins.count; left > 0; left--, n = n->next) {
        struct origin *o = container_of(n, struct origin, node);
        if (o->open || o->waiters.count || o->holds || o->local || o->name.trusted)
            continue;
        origin_free(o);
        return;
    }
}

static struct origin *origin_new(struct pool *p, const struct origin_name *name, struct server *local)
{
    struct origin *o = mem_zalloc(sizeof(*o));
    char *host = mem_alloc(name->host.n + 1);
    memcpy(host, name->host.p, name->host.n);
    *o = (struct origin){.pool = p, .name = *name, .local = local};
    o->name.host.p = host;
    if (name->tls)
        o->session = tls_session_new();
    list_init(&o->idle);
    list_init(&o->waiters);
    return o;
}

struct origin *pool_origin(struct pool *p, const struct origin_name *name, struct server *local)
{
    struct node *n = p->origins.head.prev;
    for (size_t left = p->origins.count; left > 0; left--, n = n->prev) {
        struct origin *o = container_of(n, struct origin, node);
        if (!same(o, name, local))
            continue;
        list_remove(&p->origins, n);
        list_push(&p->origins, n);
        return o;
    }
    if (p->origins.count >= HTTP_ORIGINS)
        forget_one(p);
    struct origin *o = origin_new(p, name, local);
    list_push(&p->origins, &o->node);
    return o;
}

void origin_hold(struct origin *o)
{
    o->holds++;
}

void origin_unhold(struct origin *o)
{
    o->holds--;
}

bool origin_is_opening(const struct origin *o)
{
    return o->opening > 0;
}

/* ---- links ---- */

static void supply(struct origin *o);

static void link_free(struct link *k)
{
    h1_free(k->h1);
    mem_free(k);
}

static void sweep(struct task *t)
{
    struct pool *p = container_of(t, struct pool, sweep);
    struct node *n;
    while ((n = list_pop(&p->dead)) != NULL)
        link_free(container_of(n, struct link, node));
}

void pool_drop(struct link *k)
{
    struct origin *o = k->origin;
    struct pool *p = o->pool;
    timer_stop(&k->idle_timer);
    loop_unpost(p->loop, &k->open_task);
    if (node_linked(&k->idle_node))
        list_remove(&o->idle, &k->idle_node);
    if (k->conn)
        conn_close(k->conn);
    connect_cancel(k->connect);
    k->conn = NULL;
    k->connect = NULL;
    o->open--;
    list_remove(&p->links, &k->node);
    list_push(&p->dead, &k->node);
    loop_post(p->loop, &p->sweep);
    supply(o);
}

/* An idle connection has nothing to say: whatever happens on it is its end. */
static void on_idle_read(void *owner, struct conn *c, struct str bytes)
{
    (void)c;
    (void)bytes;
    pool_drop(owner);
}

static void on_idle_drain(void *owner, struct conn *c)
{
    (void)owner;
    (void)c;
}

static void on_idle_end(void *owner, struct conn *c, enum err why)
{
    (void)c;
    (void)why;
    pool_drop(owner);
}

static const struct conn_events idle_events = {on_idle_read, on_idle_drain, on_idle_end};

static void on_idle_timer(struct timer *t)
{
    struct link *k = container_of(t, struct link, idle_timer);
    if (node_linked(&k->idle_node)) /* else it was taken meanwhile, which does not stop the timer */
        pool_drop(k);
}

static void hand_over(struct link *k)
{
    struct origin *o = k->origin;
    struct node *n = list_pop(&o->waiters);
    if (n) {
        struct waiter *w = container_of(n, struct waiter, node);
        w->on_link(w, E_OK, k);
        return;
    }
    if (o->idle.count >= o->pool->limits.pool_max_idle) {
        pool_drop(k);
        return;
    }
    list_push(&o->idle, &k->idle_node);
    conn_set_owner(k->conn, &idle_events, k);
    timer_set(&k->idle_timer, o->pool->limits.pool_idle_timeout_ms);
}

/* ---- opening ---- */

static void on_open(void *arg, enum err e, struct conn *c)
{
    struct link *k = arg;
    struct origin *o = k->origin;
    k->connect = NULL;
    k->conn = c;
    o->opening--;
    if (e == E_OK) {
        hand_over(k);
        return;
    }
    struct node *n = list_pop(&o->waiters);
    pool_drop(k);
    if (n) {
        struct waiter *w = container_of(n, struct waiter, node);
        w->on_link(w, e, NULL);
    }
}

static void open_local(struct task *t)
{
    struct link *k = container_of(t, struct link, open_task);
    struct conn *ours = NULL, *theirs = NULL;
    enum err e = conn_pair(k->origin->pool->loop, &ours, &theirs);
    if (e == E_OK)
        server_accept(k->origin->local, theirs);
    on_open(k, e, ours);
}

static void open_link(struct origin *o)
{
    struct pool *p = o->pool;
    struct link *k = mem_zalloc(sizeof(*k));
    k->origin = o;
    k->h1 = h1_new(false);
    k->open_task.run = open_local;
    timer_init(&k->idle_timer, p->loop, on_idle_timer);
    list_push(&p->links, &k->node);
    o->open++;
    o->opening++;
    if (o->local) {
        loop_post(p->loop, &k->open_task);
        return;
    }
    struct connect_target target = {
        .host = o->name.host,
        .port = o->name.port,
        .tls = o->name.tls ? p->tls : NULL,
        .session = o->session,
        .egress = o->name.trusted ? NULL : p->egress,
        .timeout_ms = p->limits.connect_timeout_ms,
    };
    k->connect = conn_connect(p->loop, &target, on_open, k);
}

/* As many links are opened as somebody waits for; at the limit an idle one has to do. */
static void supply(struct origin *o)
{
    struct link *k;
    while (o->waiters.count > o->opening && o->open < o->pool->limits.pool_max_conns)
        open_link(o);
    while (o->waiters.count > o->opening && (k = pool_take(o)) != NULL)
        hand_over(k);
}

/* ---- lending ---- */

struct link *pool_take(struct origin *o)
{
    struct node *n = list_pop_back(&o->idle);
    return n ? container_of(n, struct link, idle_node) : NULL;
}

static void list_push_first(struct list *l, struct node *n)
{
    list_push(l, n);
    if (l->count == 1)
        return;
    /* from the ring's last place to its first */
    n->prev->next = &l->head;
    l->head.prev = n->prev;
    n->next = l->head.next;
    n->prev = &l->head;
    n->next->prev = n;
    l->head.next = n;
}

void pool_wait(struct origin *o, struct waiter *w, bool retry)
{
    if (retry)
        list_push_first(&o->waiters, &w->node);
    else
        list_push(&o->waiters, &w->node);
    supply(o);
}

void pool_leave(struct origin *o, struct waiter *w)
{
    if (node_linked(&w->node))
        list_remove(&o->waiters, &w->node);
}

void pool_give(struct link *k)
{
    k->reused = true;
    conn_resume(k->conn); /* a HOLD at the very end may have paused it */
    hand_over(k);
}

/* ---- life ---- */

void pool_init(struct pool *p, struct loop *l, const struct client_limits *limits, struct tls_client *tls,
               const struct egress *egress)
{
    *p = (struct pool){.loop = l, .limits = *limits, .tls = tls, .egress = egress, .sweep.run = sweep};
    list_init(&p->origins);
    list_init(&p->links);
    list_init(&p->dead);
}

void pool_done(struct pool *p)
{
    struct node *n;
    while ((n = list_first(&p->links)) != NULL)
        pool_drop(container_of(n, struct link, node));
    sweep(&p->sweep);
    loop_unpost(p->loop, &p->sweep);
    while ((n = list_first(&p->origins)) != NULL)
        origin_free(container_of(n, struct origin, node));
}
