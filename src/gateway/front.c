/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From exchange to txn: cuts the path (data plane section 1.1), answers preflights, and hands the
 * exchange's further callbacks to the txn.
 */
#include "gateway/front.h"
#include "gateway/answer.h"
#include "gateway/decode.h"
#include "gateway/rest.h"
#include "store/domain.h"

/* What the host that was asked stands for; NULL: nothing. */
static const struct domain *domain_of(const struct catalog *c, const struct request_head *head)
{
    return catalog_has_domains(c) ? catalog_domain(c, headers_last(&head->headers, STR("host"))) : NULL;
}

/* A host that stands for a gateway (data plane section 30): what follows it is the path. */
static bool cut_domain(struct txn *t, struct str path, struct str *ret_rest)
{
    enum { TLS13 = 0x0304 };
    const struct domain *d = domain_of(t->catalog, exchange_request(t->x));
    const struct gateway *g = d ? catalog_gateway_id(t->catalog, d->object->gateway) : NULL;
    if (!g)
        return false;
    t->account = g->account;
    t->gateway_slug = g->slug;
    t->tls_too_old = d->tls13 && exchange_tls(t->x) && exchange_tls(t->x) < TLS13;
    *ret_rest = str_from(path, 1);
    return true;
}

/* Pieces of the path, raw; missing ones are empty. */
static void cut_path(struct txn *t, struct str path)
{
    static const struct str prefix = S("/v1/");
    struct str rest;
    if (!cut_domain(t, path, &rest)) {
        if (rest_cut_path(t, path))
            return;
        rest = str_starts(path, prefix) ? str_from(path, prefix.n) : STR("");
        t->account = str_cut(&rest, '/');
        t->gateway_slug = rest.p ? str_cut(&rest, '/') : STR("");
    }
    t->provider_slug = rest.p ? str_cut(&rest, '/') : STR("");
    t->rest = rest.p ? rest : STR("");
    t->universal = t->provider_slug.n == 0 && t->rest.n == 0;
    t->face = str_eq(t->provider_slug, STR("run")) && !t->rest.n ? FACE_PREVIEW : FACE_GATEWAY;
}

static struct txn *txn_new(struct worker *w, struct exchange *x)
{
    struct txn *t = arena_new(exchange_arena(x), struct txn);
    if (!t)
        return NULL;
    t->x = x;
    t->arena = exchange_arena(x);
    t->w = w;
    t->view = view_ref(w->view);
    t->settings = t->view->settings;
    t->catalog = t->view->catalog;
    t->cors = t->settings->conf->cors && headers_last(&exchange_request(x)->headers, STR("origin")).p;
    buf_init(&t->body, SIZE_MAX / 2); /* the server refuses longer bodies than limits.max_body_bytes */
    buf_init(&t->asking_body, SIZE_MAX / 2);
    cut_path(t, exchange_request(x)->path);
    w->live++;
    stat_add(&w->stats.requests, 1);
    stat_add(&w->stats.in_flight, 1);
    return t;
}

static void on_request(void *service, struct exchange *x)
{
    struct worker *w = service;
    worker_catch_up(w);
    if (w->view->settings->conf->cors && answer_preflight(x)) {
        exchange_release(x);
        return;
    }
    struct txn *t = txn_new(w, x);
    if (!t) {
        exchange_abort(x);
        exchange_release(x);
        return;
    }
    exchange_set_user(x, t);
    txn_run(t);
}

static enum flow on_body(void *service, struct exchange *x, struct str piece)
{
    (void)service;
    struct txn *t = exchange_user(x);
    return t ? decode_body(t, piece) : GO;
}

static void on_body_end(void *service, struct exchange *x)
{
    (void)service;
    struct txn *t = exchange_user(x);
    if (t)
        decode_body_end(t);
}

static void on_drain(void *service, struct exchange *x)
{
    (void)service;
    txn_drain(exchange_user(x));
}

static void on_gone(void *service, struct exchange *x, enum err why)
{
    (void)service;
    txn_abort(exchange_user(x), why);
}

/* A host that is somebody's gateway has no other pages. */
static bool is_domain(void *service, const struct request_head *head)
{
    struct worker *w = service;
    worker_catch_up(w);
    return domain_of(w->view->catalog, head);
}

const struct service front_service = {.on_request = on_request,
                                      .on_body = on_body,
                                      .on_body_end = on_body_end,
                                      .on_drain = on_drain,
                                      .on_gone = on_gone};

const struct service front_domain_service = {.on_request = on_request,
                                             .on_body = on_body,
                                             .on_body_end = on_body_end,
                                             .on_drain = on_drain,
                                             .on_gone = on_gone,
                                             .claims = is_domain};
