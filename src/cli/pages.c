/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pages.h"
#include "cli/web.h"
#include "base/limits.h"
#include "gateway/fault.h"

static const struct str plain = S("text/plain; charset=utf-8");

void pages_render_fault(struct buf *out, enum err e)
{
    fault_render_bare(out, e);
}

static void health(struct pages *p, struct exchange *x)
{
    (void)p;
    exchange_reply(x, 200, plain, STR("ok\n"));
}

/* Ready: this worker takes new work. A draining one tells load balancers to look elsewhere. */
static void ready(struct pages *p, struct exchange *x)
{
    if (p->worker->draining)
        exchange_reply(x, 503, plain, STR("draining\n"));
    else
        exchange_reply(x, 200, plain, STR("ready\n"));
}

static void metrics(struct pages *p, struct exchange *x)
{
    struct buf out;
    struct store_stats s = store_stats(p->store);
    struct respcache_stats c = respcache_stats(p->worker->cache);
    buf_init(&out, MIB);
    stats_render(&out, p->stats, p->n_stats, &s, &c);
    struct str text = arena_dup(exchange_arena(x), buf_str(&out));
    buf_done(&out);
    exchange_reply(x, 200, STR("text/plain; version=0.0.4; charset=utf-8"), text);
}

static void front_page(struct pages *p, struct exchange *x)
{
    (void)p;
    exchange_reply(
        x, 200, plain,
        STR("weir " WEIR_VERSION ", an AI gateway\n\n"
            "  /v1/{account}/{gateway}/{provider}/...   the data plane: set it as your SDK's base URL\n"
            "  /client/v4/accounts/{account}/ai-gateway the management API\n"
            "  /healthz /readyz /metrics                for operators\n"));
}

static const struct page {
    struct str path;
    void (*answer)(struct pages *p, struct exchange *x);
} table[] = {
    /* the first two are all that a public door serves */
    {S("/healthz"), health},
    {S("/readyz"), ready},
    {S("/metrics"), metrics},
    {S("/"), front_page},
};

static void answer_from(struct pages *p, struct exchange *x, size_t n)
{
    const struct request_head *req = exchange_request(x);
    bool reads = str_eq(req->method, STR("GET")) || str_eq(req->method, STR("HEAD"));
    const struct page *found = NULL;
    for (size_t i = 0; i < n; i++)
        if (str_eq(req->path, table[i].path))
            found = &table[i];
    bool home = found && found->answer == front_page; /* a browser wants the dashboard, curl a line of text */
    if (reads && (!found || home) && n == countof(table) && web_answer(x)) {
        exchange_release(x);
        return;
    }
    if (found && reads)
        found->answer(p, x);
    else
        exchange_reply(x, found ? 405 : 404, plain,
                       found ? STR("only GET\n") : STR("there is nothing here\n"));
    exchange_release(x);
}

static void on_request(void *service, struct exchange *x)
{
    answer_from(service, x, countof(table));
}

static void on_health_request(void *service, struct exchange *x)
{
    answer_from(service, x, 2);
}

/* Answered at once: nothing else can happen to the exchange. */
static enum flow on_body(void *service, struct exchange *x, struct str piece)
{
    (void)service, (void)x, (void)piece;
    return GO;
}

static void on_nothing(void *service, struct exchange *x)
{
    (void)service, (void)x;
}

static void on_gone(void *service, struct exchange *x, enum err why)
{
    (void)service, (void)x, (void)why;
}

const struct service pages_service = {on_request, on_body, on_nothing, on_nothing, on_gone, NULL};
const struct service pages_health_service = {on_health_request, on_body, on_nothing,
                                             on_nothing,        on_gone, NULL};
