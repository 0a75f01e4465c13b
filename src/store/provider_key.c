/* SPDX-License-Identifier: Apache-2.0 */
#include "store/provider_key.h"
#include "base/json.h"

enum { DEFAULT_PERIOD_S = 60 };

/* Ids of gateways and objects never come so far. */
#define UNIFIED_COUNTERS ((int64_t)1 << 62)

struct str provider_key_about(const struct uuid *uuid)
{
    return str_of((const char *)uuid->b, sizeof(uuid->b));
}

static void read_settings(struct provider_key *k)
{
    struct json_doc *doc = json_parse(k->object->settings);
    const struct json_val *root = json_root(doc);
    double limit = json_num(json_get(root, "rate_limit"), 0);
    double period = json_num(json_get(root, "rate_limit_period"), DEFAULT_PERIOD_S);
    k->preferred = json_bool(json_get(root, "default_config"), false);
    json_free(doc);
    k->limit =
        (struct window){.limit = limit > 0 ? (int64_t)limit : 0, .interval_ms = (int64_t)(period * 1000)};
}

struct provider_key *provider_key_read(struct arena *a, const struct object *o, const struct keyring *keys)
{
    struct provider_key *k = arena_new(a, struct provider_key);
    if (!k)
        return NULL;
    struct str rest = o->name;
    k->object = o;
    k->provider = str_cut(&rest, '/');
    k->alias = rest;
    read_settings(k);
    k->readable = keys && seal_open(a, keys, provider_key_about(&o->uuid), o->secret, &k->secret) == E_OK;
    return k;
}

void provider_key_attach(struct object *o, struct key_use *use)
{
    ((struct provider_key *)(uintptr_t)o->read)->use = use;
}

const struct provider_key *provider_key_named(const struct provider_key *keys, struct str alias)
{
    const struct provider_key *preferred = NULL;
    for (const struct provider_key *k = keys; k; k = k->next) {
        if (str_eq(k->alias, alias.n ? alias : STR("default")))
            return k;
        if (k->preferred && !preferred)
            preferred = k;
    }
    return alias.n ? NULL : preferred;
}

struct str provider_key_aliases(struct arena *a, const struct provider_key *keys)
{
    struct str list = STR("");
    for (const struct provider_key *k = keys; k && list.p; k = k->next) /* newest first */
        list = arena_printf(a, "'%.*s'%s%.*s", STR_FMT(k->alias), list.n ? ", " : "", STR_FMT(list));
    return list.n || !list.p ? list : STR("none");
}

int64_t provider_key_counter(const struct provider_key *k)
{
    return -k->object->id;
}

int64_t unified_counter(const struct gateway *g)
{
    return UNIFIED_COUNTERS + g->id;
}

bool is_unified_counter(int64_t counter, int64_t *ret_gateway)
{
    *ret_gateway = counter - UNIFIED_COUNTERS;
    return counter >= UNIFIED_COUNTERS;
}

bool catalog_keys_readable(const struct catalog *c)
{
    for (size_t i = 0; i < c->n_objects; i++) {
        const struct object *o = &c->objects[i];
        bool is_key = o->kind == KIND_PROVIDER_KEY || o->kind == KIND_UNIFIED_KEY;
        const struct provider_key *k = is_key ? o->read : NULL;
        if (k && !k->readable)
            return false;
    }
    return true;
}
