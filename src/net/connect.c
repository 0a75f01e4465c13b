/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connecting, in three stages that each may be cancelled: resolve the name, race its addresses
 * (RFC 8305: the next one starts when the last failed or after RACE_DELAY_MS), TLS handshake.
 */
#include "base/limits.h"
#include "net/conn_uv.h"
#include "net/dns.h"

struct attempt {
    uv_connect_t req;
    struct conn *conn;
    struct connect *owner; /* NULL once it lost */
};

struct connect {
    struct loop *loop;
    struct connect_target target;
    struct dns_query *query;
    struct addr v[RACE_ADDRESSES];
    size_t n, next;
    struct attempt *running[RACE_ADDRESSES];
    size_t n_running;
    struct conn *winner;
    struct timer race, deadline;
    struct task done_task;
    enum err err;
    void (*on_done)(void *arg, enum err e, struct conn *c);
    void *arg;
};

static void next_attempt(struct connect *k);

static void lose(struct attempt *at)
{
    at->owner = NULL; /* its callback frees it */
    conn_close(at->conn);
    at->conn = NULL;
}

static void stop_all(struct connect *k)
{
    if (k->query)
        dns_cancel(k->query);
    k->query = NULL;
    for (size_t i = 0; i < k->n_running; i++)
        lose(k->running[i]);
    k->n_running = 0;
    timer_stop(&k->race);
    timer_stop(&k->deadline);
}

static void run_done(struct task *t)
{
    struct connect *k = container_of(t, struct connect, done_task);
    k->on_done(k->arg, k->err, k->winner);
    mem_free(k);
}

static void finish(struct connect *k, enum err e)
{
    stop_all(k);
    if (e != E_OK && k->winner) {
        conn_close(k->winner);
        k->winner = NULL;
    }
    k->err = e;
    loop_post(k->loop, &k->done_task);
}

static void on_deadline(struct timer *t)
{
    finish(container_of(t, struct connect, deadline), E_CONNECT_TIMEOUT);
}

static void on_race(struct timer *t)
{
    next_attempt(container_of(t, struct connect, race));
}

static void on_handshake(void *arg, enum err e)
{
    finish(arg, e);
}

static void won(struct connect *k, struct conn *c)
{
    for (size_t i = 0; i < k->n_running; i++)
        if (k->running[i]->conn != c)
            lose(k->running[i]);
    k->n_running = 0;
    timer_stop(&k->race);
    k->winner = c;
    conn_open(c);
    if (!k->target.tls) {
        finish(k, E_OK);
        return;
    }
    struct str name = k->target.server_name.n ? k->target.server_name : k->target.host;
    struct tls *t = tls_connect(k->target.tls, name, k->target.session);
    if (t)
        conn_start_tls(c, t, on_handshake, k);
    else
        finish(k, E_TLS);
}

static void failed(struct connect *k, struct attempt *at, enum err e)
{
    for (size_t i = 0; i < k->n_running; i++)
        if (k->running[i] == at)
            k->running[i] = k->running[--k->n_running];
    conn_close(at->conn);
    k->err = e;
    next_attempt(k);
}

static void on_connected(uv_connect_t *req, int status)
{
    struct attempt *at = container_of(req, struct attempt, req);
    struct connect *k = at->owner;
    if (k) {
        struct loop *l = k->loop;
        if (status == 0)
            won(k, at->conn);
        else
            failed(k, at, conn_err(status));
        mem_free(at);
        loop_settle(l);
    } else {
        mem_free(at);
    }
}

static void start_attempt(struct connect *k, const struct addr *to)
{
    struct attempt *at = mem_zalloc(sizeof(*at));
    at->owner = k;
    at->conn = conn_new(k->loop, to->sa.ss_family);
    int code = uv_tcp_connect(&at->req, conn_tcp(at->conn), (const struct sockaddr *)&to->sa, on_connected);
    if (code == 0) {
        k->running[k->n_running++] = at;
        return;
    }
    conn_close(at->conn);
    mem_free(at);
    k->err = conn_err(code);
}

static void next_attempt(struct connect *k)
{
    while (k->next < k->n) {
        size_t before = k->n_running;
        start_attempt(k, &k->v[k->next++]);
        if (k->n_running > before)
            break;
    }
    if (k->next < k->n)
        timer_set(&k->race, RACE_DELAY_MS);
    else if (k->n_running == 0)
        finish(k, k->err);
}

static void set_port(struct addr *a, uint16_t port)
{
    char host[ADDR_TEXT];
    addr_text(a, host);
    must(addr_from_literal(str_c(host), port, a));
}

/* Keeps the addresses the egress rule allows, and starts the race. */
static void race(struct connect *k, const struct addr *v, size_t n)
{
    k->err = E_DNS;
    for (size_t i = 0; i < n && k->n < countof(k->v); i++) {
        if (!egress_allows(k->target.egress, &v[i], k->target.tls)) {
            k->err = E_EGRESS;
            continue;
        }
        k->v[k->n] = v[i];
        set_port(&k->v[k->n++], k->target.port);
    }
    next_attempt(k);
}

static void on_resolved(void *arg, enum err e, const struct addr *v, size_t n)
{
    struct connect *k = arg;
    k->query = NULL;
    if (e == E_OK)
        race(k, v, n);
    else
        finish(k, e);
}

struct connect *conn_connect(struct loop *l, const struct connect_target *target,
                             void (*on_done)(void *arg, enum err e, struct conn *c), void *arg)
{
    struct connect *k = mem_zalloc(sizeof(*k));
    *k = (struct connect){
        .loop = l, .target = *target, .on_done = on_done, .arg = arg, .done_task.run = run_done};
    timer_init(&k->race, l, on_race);
    timer_init(&k->deadline, l, on_deadline);
    if (target->timeout_ms)
        timer_set(&k->deadline, target->timeout_ms);
    struct addr literal;
    if (addr_from_literal(target->host, target->port, &literal))
        race(k, &literal, 1);
    else
        k->query = dns_lookup(loop_dns(l), target->host, on_resolved, k);
    return k;
}

void connect_cancel(struct connect *k)
{
    if (!k)
        return;
    stop_all(k);
    loop_unpost(k->loop, &k->done_task);
    if (k->winner)
        conn_close(k->winner);
    mem_free(k);
}
