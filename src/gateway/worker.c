/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/worker.h"
#include "gateway/custom.h"
#include "gateway/fault.h"
#include "gateway/flight.h"
#include "gateway/gcp.h"
#include "gateway/oidc.h"

enum { DRAIN_POLL_MS = 5, NETWORKS = 256 };

static struct view *view_new(struct settings *s, struct catalog *c)
{
    struct view *v = mem_zalloc(sizeof(*v));
    v->settings = settings_ref(s);
    v->catalog = catalog_ref(c);
    v->customs = customs_new(c);
    v->refs = 1;
    return v;
}

struct view *view_ref(struct view *v)
{
    v->refs++;
    return v;
}

void view_unref(struct view *v)
{
    if (--v->refs > 0)
        return;
    settings_unref(v->settings);
    customs_free(v->customs);
    catalog_unref(v->catalog);
    mem_free(v);
}

/* What began with another goes on with that. */
static void follow_people(struct worker *w)
{
    const struct signin *s = w->view->settings->signin;
    if (s && w->people && str_eq(issuer_url(w->people), s->issuer))
        return;
    issuer_unref(w->people);
    w->people = s ? issuer_new(w, s->issuer, STR("")) : NULL;
}

/* Requests that have begun keep the old one. */
static void set_view(struct worker *w, struct settings *s, struct catalog *c)
{
    struct view *old = w->view;
    w->view = view_new(s, c);
    if (old)
        view_unref(old);
}

static void parse_networks(struct worker *w, const struct conf *conf)
{
    size_t n = conf->egress_allow.n < NETWORKS ? conf->egress_allow.n : NETWORKS;
    w->networks = mem_zalloc((n + 1) * sizeof(struct network));
    w->egress.allow = w->networks;
    for (; w->egress.n < n; w->egress.n++) /* settings_new took no other */
        must(network_parse(conf->egress_allow.v[w->egress.n], &w->networks[w->egress.n]) == E_OK);
}

struct worker *worker_new(struct settings *settings, struct store *store, struct catalog *catalog,
                          struct tls_client *tls)
{
    struct worker *w = mem_zalloc(sizeof(*w));
    w->loop = loop_new();
    loop_keep(w->loop, true);
    set_view(w, settings, catalog);
    w->store = store;
    parse_networks(w, settings->conf);
    w->client = client_new(w->loop, &settings->client, tls, &w->egress);
    w->gcp = gcp_cache_new(w);
    w->oidc = oidc_new(w);
    follow_people(w);
    w->flights = flights_new();
    return w;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n_doors; i++)
        server_free(w->doors[i].server);
    gcp_cache_free(w->gcp);
    oidc_free(w->oidc);
    issuer_unref(w->people);
    client_free(w->client);
    w->store = NULL; /* closed it may be; what it sent in the end is only freed */
    loop_free(w->loop);
    view_unref(w->view);
    flights_free(w->flights);
    mem_free(w->networks);
    mem_free(w);
}

static void on_conn(void *arg, struct conn *c)
{
    server_accept(arg, c);
}

enum err worker_open(struct worker *w, const struct addr *addr, struct tls_server *tls, unsigned max_conns,
                     const struct server_route *routes, size_t n_routes, const char **ret_why)
{
    must(w->n_doors < WORKER_DOORS);
    struct door *d = &w->doors[w->n_doors];
    const struct server_limits *limits = &w->view->settings->server;
    d->server = server_new(w->loop, limits, routes, n_routes, fault_render_bare);
    enum err e = listener_new(w->loop, addr, tls, max_conns, limits->head_timeout_ms, on_conn, d->server,
                              &d->listener, ret_why);
    if (e != E_OK) {
        server_free(d->server);
        return e;
    }
    w->n_doors++;
    return E_OK;
}

/* ---- snapshots ---- */

struct settings_msg {
    struct msg msg;
    struct worker *worker;
    struct settings *settings;
    struct tls_server *tls;
};

static void take_settings(struct loop *l, struct msg *m)
{
    (void)l;
    struct settings_msg *s = container_of(m, struct settings_msg, msg);
    struct worker *w = s->worker;
    set_view(w, s->settings, w->view->catalog);
    settings_unref(s->settings);
    follow_people(w);
    client_set_limits(w->client, &w->view->settings->client);
    for (size_t i = 0; i < w->n_doors; i++) {
        server_set_limits(w->doors[i].server, &w->view->settings->server);
        if (s->tls && w->doors[i].listener)
            listener_set_tls(w->doors[i].listener, s->tls);
    }
    tls_server_unref(s->tls);
    mem_free(s);
}

void worker_send_settings(struct worker *w, struct settings *settings, struct tls_server *tls)
{
    struct settings_msg *s = mem_zalloc(sizeof(*s));
    *s = (struct settings_msg){.msg.run = take_settings, .worker = w};
    s->settings = settings_ref(settings);
    s->tls = tls_server_ref(tls);
    loop_send(w->loop, &s->msg);
}

void worker_catch_up(struct worker *w)
{
    if (store_is_current(w->store, w->view->catalog))
        return;
    struct catalog *c = store_catalog(w->store);
    set_view(w, w->view->settings, c);
    catalog_unref(c);
}

struct catalog_msg {
    struct msg msg;
    struct worker *worker;
};

static void take_catalog(struct loop *l, struct msg *m)
{
    (void)l;
    struct catalog_msg *c = container_of(m, struct catalog_msg, msg);
    if (c->worker->store)
        worker_catch_up(c->worker);
    mem_free(c);
}

void worker_send_catalog(struct worker *w)
{
    struct catalog_msg *c = mem_zalloc(sizeof(*c));
    *c = (struct catalog_msg){.msg.run = take_catalog, .worker = w};
    loop_send(w->loop, &c->msg);
}

/* ---- draining ---- */

static bool is_idle(struct worker *w)
{
    for (size_t i = 0; i < w->n_doors; i++)
        if (!w->doors[i].empty)
            return false;
    return w->live == 0 && (!w->busy_elsewhere || w->busy_elsewhere(w->busy_arg) == 0);
}

/* Nothing is left to do but to let the last bytes leave: idle connections to providers go first. */
static void close_client(struct worker *w)
{
    gcp_cache_free(w->gcp);
    oidc_free(w->oidc);
    issuer_unref(w->people);
    client_free(w->client);
    w->gcp = NULL;
    w->oidc = NULL;
    w->people = NULL;
    w->client = NULL;
}

static void on_drain_poll(struct timer *t)
{
    struct worker *w = container_of(t, struct worker, drain_poll);
    if (is_idle(w) && w->client)
        close_client(w);
    if (w->client || (loop_conns(w->loop) && timer_is_set(&w->drain_deadline)))
        timer_set(t, DRAIN_POLL_MS);
    else
        loop_stop(w->loop);
}

static void on_empty(void *arg)
{
    ((struct door *)arg)->empty = true;
}

/* The deadline: what is left is cut, its rows say so. */
static void on_drain_deadline(struct timer *t)
{
    struct worker *w = container_of(t, struct worker, drain_deadline);
    for (size_t i = 0; i < w->n_doors; i++) {
        server_free(w->doors[i].server);
        w->doors[i].server = NULL;
        w->doors[i].empty = true;
    }
}

struct drain_msg {
    struct msg msg;
    struct worker *worker;
};

static void start_drain(struct loop *l, struct msg *m)
{
    struct worker *w = container_of(m, struct drain_msg, msg)->worker;
    mem_free(container_of(m, struct drain_msg, msg));
    if (w->draining)
        return;
    w->draining = true;
    for (size_t i = 0; i < w->n_doors; i++) {
        listener_close(w->doors[i].listener);
        w->doors[i].listener = NULL;
        server_drain(w->doors[i].server, on_empty, &w->doors[i]);
    }
    timer_init(&w->drain_poll, l, on_drain_poll);
    timer_init(&w->drain_deadline, l, on_drain_deadline);
    timer_set(&w->drain_poll, 1);
    timer_set(&w->drain_deadline, (uint64_t)w->view->settings->conf->drain_timeout_ms);
}

void worker_send_drain(struct worker *w)
{
    struct drain_msg *d = mem_zalloc(sizeof(*d));
    *d = (struct drain_msg){.msg.run = start_drain, .worker = w};
    loop_send(w->loop, &d->msg);
}
