/* SPDX-License-Identifier: Apache-2.0 */
/* The service: from a request's head to its handler, and the life of a call. See call.h. */
#include "api/call.h"
#include "api/session.h"
#include "base/clock.h"
#include "base/limits.h"
#include "gateway/issuer.h"
#include "gateway/worker.h"
#include "store/token.h"

struct api {
    struct worker *worker;
    const struct tls_server *(*certificates)(void *arg); /* NULL: nobody knows */
    void *certificates_arg;
    struct uuid_source uuids;
    size_t waiting;
};

struct api *api_new(struct worker *w)
{
    struct api *a = mem_zalloc(sizeof(*a));
    a->worker = w;
    return a;
}

void api_set_certificates(struct api *a, const struct tls_server *(*tls)(void *arg), void *arg)
{
    a->certificates = tls;
    a->certificates_arg = arg;
}

void api_free(struct api *a)
{
    if (!a)
        return;
    must(a->waiting == 0);
    mem_free(a);
}

size_t api_waiting(const struct api *a)
{
    return a->waiting;
}

struct store *api_call_store(struct api_call *c)
{
    return c->api->worker->store;
}

struct loop *api_call_loop(struct api_call *c)
{
    return c->api->worker->loop;
}

const struct tls_server *api_call_tls(struct api_call *c)
{
    return c->api->certificates ? c->api->certificates(c->api->certificates_arg) : NULL;
}

struct str api_call_query(const struct api_call *c)
{
    return exchange_request(c->x)->query;
}

struct worker *api_call_worker(struct api_call *c)
{
    return c->api->worker;
}

const struct settings *api_call_settings(const struct api_call *c)
{
    return c->settings;
}

static struct str without_slash(struct str url)
{
    return str_ends(url, STR("/")) ? str_head(url, url.n - 1) : url;
}

struct str api_call_public_url(struct api_call *c)
{
    struct str url = c->settings->conf->public_url;
    if (url.n)
        return without_slash(url);
    struct str host = headers_last(&exchange_request(c->x)->headers, STR("host"));
    return arena_printf(c->arena, "%s://%.*s", exchange_tls(c->x) ? "https" : "http",
                        STR_FMT(host.n ? host : STR("localhost")));
}

struct str api_call_dashboard_url(struct api_call *c)
{
    struct str url = c->settings->conf->dashboard_url;
    return url.n ? without_slash(url) : api_call_public_url(c);
}

void api_call_header(struct api_call *c, const char *name, struct str value)
{
    must(c->n_lines < countof(c->lines));
    if (value.p)
        c->lines[c->n_lines++] = (struct header){str_c(name), value};
}

struct uuid api_call_uuid(struct api_call *c)
{
    return uuid_v7(&c->api->uuids);
}

/* ---- changes ---- */

static struct actor actor_of(struct api_call *c)
{
    struct uuid uuid = c->token->object->uuid;
    char *id = arena_alloc(c->arena, 2 * sizeof(uuid));
    if (id)
        hex_encode(id, uuid.b, sizeof(uuid.b));
    return (struct actor){.type = c->person    ? STR("person")
                                  : c->session ? STR("session")
                                               : STR("token"),
                          .id = str_of(id, id ? 2 * sizeof(uuid) : 0),
                          .name = c->token->name,
                          .ip = exchange_peer(c->x),
                          .interface = c->session ? STR("UI") : STR("API")};
}

/* The new snapshot is out; the handler goes on with it. Its old one stays until the call ends: what it found
 * there is still referred to. */
static void on_changed(void *arg, enum err e)
{
    struct api_call *c = arg;
    if (!api_call_resume(c))
        return;
    catalog_unref(c->before);
    c->before = c->catalog;
    c->catalog = store_catalog(api_call_store(c));
    if (c->gateway) /* NULL from here: deleted, by this call or by somebody else */
        c->gateway = catalog_gateway(c->catalog, c->params[PARAM_ACCOUNT], c->params[PARAM_GATEWAY]);
    c->changed(c, e);
}

void api_call_change(struct api_call *c, const struct change *changes, size_t n,
                     void (*done)(struct api_call *c, enum err e))
{
    struct change_set set = {changes, n, actor_of(c)};
    c->changed = done;
    api_call_wait(c);
    store_change(api_call_store(c), &set, api_call_loop(c), on_changed, c);
}

/* ---- life ---- */

static void close_now(struct task *t)
{
    struct api_call *c = container_of(t, struct api_call, close);
    buf_done(&c->body);
    buf_done(&c->answer);
    log_detail_free(c->detail);
    catalog_unref(c->catalog);
    catalog_unref(c->before);
    issuer_unref(c->issuer);
    settings_unref(c->settings);
    exchange_release(c->x);
}

/* Not at once: the answer's bytes are read until the current callback has returned. */
static void api_call_close(struct api_call *c)
{
    loop_post(api_call_loop(c), &c->close);
}

void api_call_finish(struct api_call *c)
{
    api_call_close(c);
}

void api_call_wait(struct api_call *c)
{
    must(!c->waiting);
    c->waiting = true;
    c->api->waiting++;
}

bool api_call_resume(struct api_call *c)
{
    must(c->waiting);
    c->waiting = false;
    c->api->waiting--;
    if (c->gone)
        api_call_close(c);
    return !c->gone;
}

/* ---- the answer ---- */

static struct str below_prefix(const struct api_call *c)
{
    return str_from(exchange_request(c->x)->path, sizeof(API_PREFIX) - 1);
}

static void pump(struct api_call *c)
{
    while (c->unsent.n) {
        struct str piece = str_head(c->unsent, API_PIECE_BYTES);
        c->unsent = str_from(c->unsent, piece.n);
        if (exchange_write(c->x, piece) == HOLD && c->unsent.n)
            return;
    }
    exchange_end(c->x);
    api_call_close(c);
}

void api_call_send(struct api_call *c, int status, struct str content_type, struct str body)
{
    struct header lines[4 + countof(c->lines)] = {
        {STR("content-type"), content_type},
        {STR("cache-control"), STR("no-store")},
        {STR("x-content-type-options"), STR("nosniff")},
    };
    struct headers h = {.v = lines, .n = 3, .cap = countof(lines)};
    for (size_t i = 0; i < c->n_lines; i++)
        lines[h.n++] = c->lines[i];
    if (status == 405)
        lines[h.n++] = (struct header){STR("allow"), route_methods(c->arena, below_prefix(c))};
    exchange_head(c->x, status, &h, (int64_t)body.n);
    c->unsent = body;
    pump(c);
}

/* ---- the request ---- */

/* A bearer token; the older pair, whose key is a token too; or what a browser signed in with. */
static const struct token *find_token(struct api_call *c)
{
    const struct headers *h = &exchange_request(c->x)->headers;
    struct str line = headers_last(h, STR("authorization"));
    if (!line.p && headers_last(h, STR("x-auth-email")).n)
        return catalog_token(c->catalog, str_trim(headers_last(h, STR("x-auth-key"))), clock_wall_ms());
    if (!line.p) {
        const struct token *t = session_token(c);
        c->session = t != NULL;
        return t;
    }
    if (!str_istarts(line, STR("Bearer ")))
        return NULL;
    return catalog_token(c->catalog, str_trim(str_from(line, 7)), clock_wall_ms());
}

/* An operator bills every account of the instance. */
static bool bills(const struct api_call *c)
{
    return c->token && (c->token->permissions & PERM_OPERATOR) && route_bills(c->route) &&
           catalog_has_account(c->catalog, c->params[PARAM_ACCOUNT]);
}

/*
 * May this token do what the route does, in this account, to this gateway? Another account or gateway is not
 * there for it, be it there or not. What concerns all gateways is not for a token that is for some.
 */
static bool allowed(struct api_call *c)
{
    if (c->route->allowed == ALLOW_PUBLIC)
        return true;
    const struct token *t = c->token = find_token(c);
    struct str account = c->params[PARAM_ACCOUNT], gateway = c->params[PARAM_GATEWAY];
    if (!t || (account.p && !str_eq(t->account, account) && !bills(c)) ||
        !route_allows(c->route, t->permissions))
        return false;
    return gateway.p ? token_covers(t, gateway) : !t->gateways || route_narrows(c->route);
}

static enum api_err admit(struct api_call *c)
{
    const struct request_head *h = exchange_request(c->x);
    bool known = false;
    c->route = route_find(h->method, below_prefix(c), c->params, &known);
    if (!c->route)
        return known ? API_BAD_METHOD : API_NO_ROUTE;
    for (size_t i = 0; i < PARAM_COUNT; i++)
        if (c->params[i].p)
            c->params[i] = segment_decode(c->arena, c->params[i]);
    if (!allowed(c))
        return API_AUTH;
    if (c->params[PARAM_GATEWAY].p) {
        c->gateway = catalog_gateway(c->catalog, c->params[PARAM_ACCOUNT], c->params[PARAM_GATEWAY]);
        if (!c->gateway)
            return API_NOT_FOUND;
    }
    if (c->route->takes_body && h->length > API_BODY_BYTES)
        return API_TOO_LARGE;
    return API_OK;
}

static void on_request(void *service, struct exchange *x)
{
    struct api *a = service;
    struct api_call *c = arena_new(exchange_arena(x), struct api_call);
    if (!c) {
        exchange_abort(x);
        exchange_release(x);
        return;
    }
    c->api = a;
    c->x = x;
    c->arena = exchange_arena(x);
    c->close.run = close_now;
    c->settings = settings_ref(a->worker->view->settings);
    c->catalog = store_catalog(a->worker->store);
    buf_init(&c->body, API_BODY_BYTES);
    buf_init(&c->answer, API_ANSWER_BYTES);
    exchange_set_user(x, c);

    enum api_err e = admit(c);
    if (e)
        reply_error(c, e);
    else if (!c->route->takes_body)
        c->route->run(c);
}

static enum flow on_body(void *service, struct exchange *x, struct str piece)
{
    (void)service;
    struct api_call *c = exchange_user(x);
    if (c->route->takes_body && buf_append(&c->body, piece))
        reply_error(c, API_TOO_LARGE);
    return GO;
}

static void on_body_end(void *service, struct exchange *x)
{
    (void)service;
    struct api_call *c = exchange_user(x);
    if (c->route->takes_body)
        c->route->run(c);
}

static void on_drain(void *service, struct exchange *x)
{
    (void)service;
    struct api_call *c = exchange_user(x);
    if (c->drained)
        c->drained(c);
    else
        pump(c);
}

static void on_gone(void *service, struct exchange *x, enum err why)
{
    (void)service;
    (void)why;
    struct api_call *c = exchange_user(x);
    c->gone = true;
    if (c->waiting)
        return;
    if (c->left)
        c->left(c);
    else
        api_call_close(c);
}

const struct service api_service = {
    .on_request = on_request,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_drain = on_drain,
    .on_gone = on_gone,
};
