/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step: which targets could answer? A native path names one: the provider of its third segment
 * (data plane sections 1.1, 10 and 33).
 */
#include "gateway/txn.h"

/* The sandbox's row, when there is somebody to answer for it. */
static const struct provider *find_provider(const struct txn *t)
{
    const struct provider *mock = provider_mock();
    if (!str_eq(t->provider_slug, mock->slug))
        return provider_find(t->provider_slug);
    return t->w->mock || settings_origin(t->settings, mock->slug).n ? mock : NULL;
}

static enum err make_target(struct txn *t, const struct provider *p, struct target *target)
{
    const struct request_head *req = exchange_request(t->x);
    struct upstream_ask ask = {
        .provider = p,
        .account = t->account,
        .rest = t->rest,
        .query = req->query,
        .headers = &req->headers,
        .override = settings_origin(t->settings, p->slug),
    };
    target->local = p == provider_mock() && ask.override.n == 0;
    target->provider = p;
    target->rest = t->rest;
    target->query = req->query;
    provider_operation(t->arena, p, req->method, t->rest, &target->op);
    return provider_url(t->arena, &ask, &target->url);
}

static enum next enter(struct txn *t)
{
    if (t->provider_slug.n == 0 && !str_eq(exchange_request(t->x)->method, STR("POST")))
        return txn_fail(t, E_BAD_METHOD, STR(""));
    const struct provider *p = find_provider(t);
    if (!p)
        return txn_fail(
            t, E_NO_PROVIDER,
            arena_printf(t->arena, "There is no provider \"%.*s\"", STR_FMT(str_head(t->provider_slug, 64))));
    enum err e = make_target(t, p, &t->targets[0]);
    if (e != E_OK)
        return txn_fail(t, e, STR("The path cannot be mapped to this provider's API"));
    t->n_targets = 1;
    return NEXT;
}

const struct step step_plan = {"plan", enter, NULL, NULL};
