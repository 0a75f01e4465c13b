/* SPDX-License-Identifier: Apache-2.0 */
/* Which row of routes.def a request means. Pure. */
#pragma once
#include "base/arena.h"
#include "store/catalog.h"

struct api_call;

/* {A}, {G}, and the others in their order. */
enum { PARAM_ACCOUNT, PARAM_GATEWAY, PARAM_ID, PARAM_ID2, PARAM_COUNT };

/* The permission column: any one of these bits is enough; for SECRETS write and secrets_write together. */
enum {
    ALLOW_ANY = PERM_ALL,
    ALLOW_WRITE = PERM_WRITE,
    ALLOW_READ = PERM_READ | ALLOW_WRITE,
    ALLOW_METADATA = PERM_METADATA_READ | ALLOW_READ,
    ALLOW_ANALYTICS = PERM_ANALYTICS_READ,
    ALLOW_RUN = PERM_RUN,
    ALLOW_TOKENS = PERM_TOKENS_WRITE,
    ALLOW_OPERATOR = PERM_OPERATOR,
    ALLOW_PUBLIC = 1 << 17, /* whoever asks */
    ALLOW_SECRETS = PERM_WRITE | PERM_SECRETS_WRITE | 1 << 16,
};

struct route {
    struct str method, pattern;
    unsigned allowed; /* ALLOW_... */
    void (*run)(struct api_call *c);
    bool takes_body;
    const char *summary;
};

/* Does a token with these permissions pass? */
bool route_allows(const struct route *r, unsigned permissions);

/* Is it about what accounts pay? */
bool route_bills(const struct route *r);

/* Without {G} in its path, does it show a token that is for some gateways only what concerns those? */
bool route_narrows(const struct route *r);

extern const struct route api_routes[];
extern const size_t api_route_count;

/*
 * The row for a method and a raw path below API_PREFIX; params are the raw segments that stand for the
 * pattern's names. NULL when there is none; *ret_known then says whether the path exists for another method.
 */
const struct route *route_find(struct str method, struct str path, struct str params[PARAM_COUNT],
                               bool *ret_known);
/* The methods of a path as an Allow line: "GET, HEAD, PUT". */
struct str route_methods(struct arena *a, struct str path);
