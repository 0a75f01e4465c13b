/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/fetch.h"
#include "base/limits.h"
#include "http/client.h"
#include "providers/provider.h"

#include <signal.h>

enum { CONNECT_MS = 10 * 1000, ARENA_BYTES = 64 * KIB };

/* A call under way. */
struct fetching {
    const struct fetch *f;
    struct loop *loop;
    enum err err;
};

static void on_head(void *owner, struct call *c, const struct response_head *h)
{
    (void)c;
    const struct fetch *f = ((struct fetching *)owner)->f;
    f->on_head(f->arg, h);
}

static enum flow on_body(void *owner, struct call *c, struct str piece)
{
    (void)c;
    const struct fetch *f = ((struct fetching *)owner)->f;
    f->on_body(f->arg, piece);
    return GO;
}

static void on_end(void *owner, struct call *c)
{
    (void)c;
    loop_stop(((struct fetching *)owner)->loop);
}

static void on_fail(void *owner, struct call *c, enum err why)
{
    (void)c;
    ((struct fetching *)owner)->err = why;
    loop_stop(((struct fetching *)owner)->loop);
}

static void on_drain(void *owner, struct call *c)
{
    (void)owner, (void)c; /* the body is given whole */
}

static const struct call_events events = {on_head, on_body, on_end, on_fail, on_drain};

/* The loop runs until the call is over. */
static enum err run(const struct fetch *f, const struct upstream_url *url, struct str target,
                    struct tls_client *tls)
{
    static const struct client_limits limits = {
        .connect_timeout_ms = CONNECT_MS, .pool_max_conns = 1, .max_head_bytes = 256 * KIB};
    struct fetching k = {.f = f, .loop = loop_new()};
    struct client *client = client_new(k.loop, &limits, tls, NULL);
    struct origin_name name = {.tls = url->tls, .host = url->host, .port = url->port, .trusted = true};
    struct call_request req = {
        .origin = client_origin(client, &name),
        .method = f->method,
        .target = target,
        .host = url->authority,
        .headers = &f->headers,
        .body = f->body,
        .first_byte_timeout_ms = f->first_byte_timeout_ms,
    };
    (void)call_start(client, &req, &events, &k);
    loop_run(k.loop);
    client_free(client);
    loop_free(k.loop);
    return k.err;
}

enum err fetch(const struct fetch *f)
{
    struct upstream_url url;
    struct str prefix;
    const char *why = NULL;
    if (provider_parse_origin(f->url, &url, &prefix) != E_OK)
        return E_SYNTAX;
    struct arena a;
    arena_init(&a, ARENA_BYTES);
    struct str target = arena_join(&a, (const struct str[]){prefix, f->target}, 2);
    struct tls_client *tls = tls_client_new(NULL, &why); /* reads the trust store when it is needed */
    enum err e = E_FULL;
    signal(SIGPIPE, SIG_IGN);
    if (target.p && tls)
        e = run(f, &url, target, tls);
    tls_client_free(tls);
    arena_done(&a);
    return e;
}
