/* SPDX-License-Identifier: Apache-2.0 */
#include "api/route.h"
#include "api/call.h"

const struct route api_routes[] = {
#define ROUTE(method, pattern, permission, handler, summary)                                                 \
    {S(#method), S(pattern), ALLOW_##permission, handler, #method[0] == 'P', summary},
#include "api/routes.def"
#undef ROUTE
};
const size_t api_route_count = countof(api_routes);

static bool matches(struct str pattern, struct str path, struct str params[PARAM_COUNT])
{
    size_t next = PARAM_ID;
    while (pattern.p && path.p) {
        struct str want = str_cut(&pattern, '/'), got = str_cut(&path, '/');
        if (!str_starts(want, STR("{"))) {
            if (!str_eq(want, got))
                return false;
        } else if (got.n == 0) {
            return false;
        } else {
            size_t at = str_eq(want, STR("{A}"))   ? PARAM_ACCOUNT
                        : str_eq(want, STR("{G}")) ? PARAM_GATEWAY
                                                   : next++;
            must(at < PARAM_COUNT);
            params[at] = got;
        }
    }
    return !pattern.p && !path.p;
}

bool route_allows(const struct route *r, unsigned permissions)
{
    if (r->allowed == ALLOW_PUBLIC)
        return true;
    if (r->allowed == ALLOW_SECRETS)
        return (permissions & PERM_WRITE) && (permissions & PERM_SECRETS_WRITE);
    return permissions & r->allowed;
}

bool route_bills(const struct route *r)
{
    return str_starts(r->pattern, STR("/accounts/{A}/ai-gateway/billing/"));
}

bool route_narrows(const struct route *r)
{
    static void (*const narrowing[])(struct api_call * c) = {
        gateways_list, graphql,     session_fetch, tokens_create, tokens_delete, tokens_fetch,
        tokens_groups, tokens_list, tokens_roll,   tokens_update, tokens_verify, tokens_verify_account};
    for (size_t i = 0; i < countof(narrowing); i++)
        if (r->run == narrowing[i])
            return true;
    return false;
}

const struct route *route_find(struct str method, struct str path, struct str params[PARAM_COUNT],
                               bool *ret_known)
{
    if (str_eq(method, STR("HEAD")))
        method = STR("GET");
    *ret_known = false;
    for (size_t i = 0; i < api_route_count; i++) {
        const struct route *r = &api_routes[i];
        struct str found[PARAM_COUNT] = {{NULL, 0}};
        if (!matches(r->pattern, path, found))
            continue;
        *ret_known = true;
        memcpy(params, found, sizeof(found));
        if (str_eq(r->method, method))
            return r;
    }
    return NULL;
}

struct str route_methods(struct arena *a, struct str path)
{
    struct str ignored[PARAM_COUNT], list = STR("");
    for (size_t i = 0; i < api_route_count; i++) {
        const struct route *r = &api_routes[i];
        if (!matches(r->pattern, path, ignored))
            continue;
        bool get = str_eq(r->method, STR("GET"));
        list = arena_printf(a, "%.*s%s%.*s%s", STR_FMT(list), list.n ? ", " : "", STR_FMT(r->method),
                            get ? ", HEAD" : "");
    }
    return list;
}
