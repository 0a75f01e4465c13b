/* SPDX-License-Identifier: Apache-2.0 */
#include "store/provider_key.h"
#include "base/json.h"

enum { DEFAULT_PERIOD_S = 60 };

struct str provider_key_about(const struct uuid *uuid)
{
    return str_of((const char *)uuid->b, sizeof(uuid->b));
}

const struct provider_key *provider_key_read(struct arena *a, const struct object *o,
                                             const struct keyring *keys)
{
    struct provider_key *k = arena_new(a, struct provider_key);
    if (!k)
        return NULL;
    struct str rest = o->name;
    k->object = o;
    k->provider = str_cut(&rest, '/');
    k->alias = rest;
    struct json_doc *doc = json_parse(o->settings);
    const struct json_val *root = json_root(doc);
    double limit = json_num(json_get(root, "rate_limit"), 0);
    double period = json_num(json_get(root, "rate_limit_period"), DEFAULT_PERIOD_S);
    json_free(doc);
    k->limit = limit > 0 ? (int64_t)limit : 0;
    k->period_ms = (int64_t)(period * 1000);
    k->readable = keys && seal_open(a, keys, provider_key_about(&o->uuid), o->secret, &k->secret) == E_OK;
    return k;
}

const struct provider_key *catalog_provider_key(const struct catalog *c, const struct gateway *g,
                                                struct str provider, struct str alias)
{
    char name[512];
    if (provider.n + 1 + alias.n > sizeof(name))
        return NULL;
    memcpy(name, provider.p, provider.n);
    name[provider.n] = '/';
    memcpy(name + provider.n + 1, alias.p, alias.n);
    const struct object *o =
        catalog_object(c, KIND_PROVIDER_KEY, g->account, g->id, str_of(name, provider.n + 1 + alias.n));
    return o ? o->read : NULL;
}

struct str catalog_key_aliases(const struct catalog *c, const struct gateway *g, struct str provider,
                               struct arena *a)
{
    struct str list = STR("");
    for (const struct object *o = NULL;
         list.p && (o = catalog_next_object(c, KIND_PROVIDER_KEY, g->account, g->id, o)) != NULL;) {
        const struct provider_key *k = o->read;
        if (str_eq(k->provider, provider)) /* newest first, shown oldest first */
            list = arena_printf(a, "'%.*s'%s%.*s", STR_FMT(k->alias), list.n ? ", " : "", STR_FMT(list));
    }
    return list;
}
