/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upstream URLs from arbitrary paths. The first byte picks the provider; then come, a line each, the
 * rest of the path, query, x-fal-target-url, account, override and method. Whatever comes out must be
 * a request target without dot segments, at a host of that provider or of the operator.
 */
#include "base/limits.h"
#include "providers/provider.h"

/* What hosts may end in besides the fixed end of the row's own origin. */
static const struct {
    struct str slug, end;
} more_ends[] = {
    {S("aws-bedrock"), S(".api.aws")},
    {S("baseten"), S(".api.baseten.co")},
    {S("fal"), S(".fal.run")},
    {S("fal"), S(".fal.ai")},
    {S("google-vertex-ai"), S("aiplatform.googleapis.com")},
    {S("google-vertex-ai"), S(".rep.googleapis.com")},
};

static bool ends_in(struct str host, struct str end)
{
    return host.n >= end.n && str_ieq(str_from(host, host.n - end.n), end);
}

static bool is_host_of(const struct provider *p, struct str host)
{
    struct str end = str_from(p->origin, str_search(p->origin, STR("//")) + 2);
    if (str_find(end, '}') < end.n)
        end = str_from(end, str_find(end, '}') + 1);
    if (ends_in(host, str_head(end, str_find(end, '/'))))
        return true;
    for (size_t i = 0; i < countof(more_ends); i++)
        if (str_eq(p->slug, more_ends[i].slug) && ends_in(host, more_ends[i].end))
            return true;
    return false;
}

/* Written another way than url.c does it: decode first, split then. */
static bool has_dot_segment(struct arena *a, struct str path)
{
    char *out = arena_alloc(a, path.n + 2);
    size_t n = 0;
    must(out);
    for (size_t i = 0; i < path.n; i++) {
        struct str at = str_head(str_from(path, i), 3);
        bool dot = str_ieq(at, STR("%2e")), slash = str_ieq(at, STR("%2f")) || str_ieq(at, STR("%5c"));
        out[n++] = dot ? '.' : slash || path.p[i] == '\\' ? '/' : path.p[i];
        i += dot || slash ? 2 : 0;
    }
    struct str rest = str_of(out, n);
    while (rest.p) {
        struct str segment = str_cut(&rest, '/');
        if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
            return true;
    }
    return false;
}

static void check_url(struct arena *a, const struct upstream_ask *ask, const struct upstream_url *u)
{
    struct str query = u->target, path = str_cut(&query, '?');
    must(u->target.n > 0 && u->target.p[0] == '/');
    for (size_t i = 0; i < u->target.n; i++)
        must((unsigned char)u->target.p[i] > 0x20 && u->target.p[i] != 0x7f && u->target.p[i] != '#');
    must(!has_dot_segment(a, path));
    must(u->host.n > 0 && u->host.n <= HOST_NAME_BYTES && u->port > 0);
    must(u->trusted == (ask->override.n > 0));
    must(u->trusted || is_host_of(ask->provider, u->host));
    must(u->trusted || ask->provider == provider_mock() || (u->tls && u->port == 443));
    must(!u->trusted || !u->from_request);
}

static void check_operation(struct arena *a, const struct provider *p, struct str method, struct str rest)
{
    struct operation op;
    provider_operation(a, p, method, rest, &op);
    must(op.model.n <= rest.n);
    must(str_eq(method, STR("POST")) || (op.dialect == D_OPAQUE && !op.type && op.model.n == 0));
    must(str_find(provider_log_path(rest), '?') == provider_log_path(rest).n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > HTTP_TARGET_BYTES)
        return 0;
    size_t rows = 0;
    while (provider_at(rows))
        rows++;
    struct arena a;
    arena_init(&a, TXN_ARENA_BYTES);
    struct str text = str_of((const char *)data + 1, size - 1);
    struct headers h = {0};
    struct upstream_ask ask = {.provider = provider_at(data[0] % rows), .headers = &h};
    ask.rest = str_cut(&text, '\n');
    ask.query = str_cut(&text, '\n');
    struct str fal = str_cut(&text, '\n');
    if (fal.n)
        must(headers_add(&h, &a, STR("x-fal-target-url"), fal) == E_OK);
    ask.account = str_cut(&text, '\n');
    ask.override = str_cut(&text, '\n');
    struct upstream_url u = {.port = 1};
    enum err e = provider_url(&a, &ask, &u);
    if (e)
        must(u.port == 1 && !u.host.p);
    else
        check_url(&a, &ask, &u);
    check_operation(&a, ask.provider, text.n ? text : STR("POST"), ask.rest);
    arena_done(&a);
    return 0;
}
