/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of the catalogue. Look-ups are open-addressing tables of element numbers + 1. */
#include "store/catalog.h"
#include "store/domain.h"
#include "store/provider_key.h"
#include "store/token.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"

#include <stdatomic.h>
#include <xxhash.h>

struct table {
    uint32_t *slots;
    size_t mask;
};

struct catalog_index {
    struct table accounts, gateways, tokens, names, uuids, domains;
    struct table keys; /* the newest provider key of each gateway and provider */
};

struct catalog *catalog_new(void)
{
    struct catalog *c = mem_zalloc(sizeof(*c));
    arena_init(&c->arena, CATALOG_BYTES);
    c->refs = 1;
    return c;
}

struct catalog *catalog_ref(struct catalog *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void catalog_unref(struct catalog *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1)
        return;
    arena_wipe(&c->arena);
    mem_free(c);
}

static uint64_t hash_str(struct str s, uint64_t seed)
{
    return XXH3_64bits_withSeed(s.p, s.n, seed);
}

static uint64_t hash_gateway(struct str account, struct str slug)
{
    return hash_str(slug, hash_str(account, 0));
}

/* A SHA-256 is as good a hash as any: its first word will do. */
static uint64_t hash_token(const unsigned char hash[SHA256_BYTES])
{
    uint64_t word;
    memcpy(&word, hash, sizeof(word));
    return word;
}

static bool table_init(struct table *t, struct arena *a, size_t n)
{
    size_t slots = 4;
    while (slots < 2 * n)
        slots *= 2;
    *t = (struct table){arena_zalloc(a, slots * sizeof(*t->slots)), slots - 1};
    return t->slots;
}

static void table_put(struct table *t, uint64_t hash, size_t element)
{
    size_t i = hash & t->mask;
    while (t->slots[i])
        i = (i + 1) & t->mask;
    t->slots[i] = (uint32_t)element + 1;
}

/* for (size_t i = hash; (e = table_next(t, &i)) != NONE;): the elements that may have this hash. */
static const size_t NONE = SIZE_MAX;
static size_t table_next(const struct table *t, uint64_t *at)
{
    uint32_t e = t->slots[(*at)++ & t->mask];
    return e ? e - 1 : NONE;
}

bool catalog_has_account(const struct catalog *c, struct str account)
{
    uint64_t at = hash_str(account, 0);
    for (size_t i; (i = table_next(&c->index->accounts, &at)) != NONE;)
        if (str_eq(c->accounts[i], account))
            return true;
    return false;
}

const struct gateway *catalog_gateway(const struct catalog *c, struct str account, struct str slug)
{
    uint64_t at = hash_gateway(account, slug);
    for (size_t i; (i = table_next(&c->index->gateways, &at)) != NONE;)
        if (str_eq(c->gateways[i].slug, slug) && str_eq(c->gateways[i].account, account))
            return &c->gateways[i];
    return NULL;
}

/* Of a list, oldest first, of what begins with its id. */
static const void *find_id(const void *list, size_t n, size_t size, int64_t id)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const int64_t *at = (const void *)((const char *)list + mid * size);
        if (*at == id)
            return at;
        if (*at < id)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct gateway *catalog_gateway_id(const struct catalog *c, int64_t id)
{
    _Static_assert(offsetof(struct gateway, id) == 0, "found by it");
    return find_id(c->gateways, c->n_gateways, sizeof(*c->gateways), id);
}

const struct token *catalog_token_known(const struct catalog *c, struct str text)
{
    unsigned char hash[SHA256_BYTES];
    sha256(text, hash);
    uint64_t at = hash_token(hash);
    for (size_t i; (i = table_next(&c->index->tokens, &at)) != NONE;) {
        const struct token *t = &c->tokens[i];
        if (equal_constant_time(str_of((char *)hash, sizeof(hash)),
                                str_of((const char *)t->hash, sizeof(hash))))
            return t;
    }
    return NULL;
}

const struct token *catalog_token(const struct catalog *c, struct str text, int64_t now_ms)
{
    const struct token *t = catalog_token_known(c, text);
    return t && token_status(t, now_ms) == TOKEN_ACTIVE ? t : NULL;
}

const struct token *catalog_token_id(const struct catalog *c, int64_t id)
{
    for (size_t i = 0; i < c->n_tokens; i++) /* asked when a gateway is made: hardly ever */
        if (c->tokens[i].id == id)
            return &c->tokens[i];
    return NULL;
}

static void put_time(struct json_out *w, const char *key, int64_t ms)
{
    char text[TIME_TEXT];
    clock_rfc3339(ms, text);
    json_add_str(w, key, str_c(text));
}

static void read_gateway(struct gateway *g)
{
    struct json_doc *doc = json_parse(g->settings);
    const struct json_val *root = json_root(doc);
    g->authentication = json_bool(json_get(root, "authentication"), false);
    g->collect_logs = json_bool(json_get(root, "collect_logs"), true);
    json_free(doc);
    gateway_policy_read(g->settings, &g->policy);
}

/* {"id":...,"created_at":..., and then the members that are stored} */
static bool complete_settings(struct arena *a, struct gateway *g)
{
    struct buf b;
    char uuid[UUID_TEXT];
    uuid_text(g->uuid, uuid);
    buf_init(&b, CATALOG_BYTES);
    struct json_out w = json_out(&b);
    const struct {
        const char *key;
        struct str value;
    } names[] = {{"id", g->slug},
                 {"account_id", g->account},
                 {"account_tag", g->account},
                 {"internal_id", str_of(uuid, sizeof(uuid))}};
    json_open(&w, '{');
    for (size_t i = 0; i < countof(names); i++)
        json_add_str(&w, names[i].key, names[i].value);
    json_add_bool(&w, "is_default", str_eq(g->slug, STR("default")));
    put_time(&w, "created_at", g->created_ms);
    put_time(&w, "modified_at", g->modified_ms);
    struct str stored = str_trim(g->settings);
    bool members = str_starts(stored, STR("{")) && str_trim(str_from(stored, 1)).n > 1;
    if (members)
        buf_append_byte(&b, ',');
    buf_append(&b, members ? str_from(stored, 1) : STR("}"));
    g->settings = arena_dup(a, buf_str(&b));
    buf_done(&b);
    return g->settings.p;
}

/* ---- objects ---- */

static uint64_t hash_object(enum object_kind kind, struct str account, int64_t gateway, struct str name)
{
    return hash_str(name, hash_str(account, (uint64_t)gateway * KIND_COUNT + (uint64_t)kind));
}

/* A UUID of version 7 begins with its time: the end is what differs. */
static uint64_t hash_uuid(const struct uuid *u)
{
    uint64_t word;
    memcpy(&word, u->b + 8, sizeof(word));
    return word;
}

const struct object *catalog_object(const struct catalog *c, enum object_kind kind, struct str account,
                                    int64_t gateway, struct str name)
{
    uint64_t at = hash_object(kind, account, gateway, name);
    for (size_t i; (i = table_next(&c->index->names, &at)) != NONE;) {
        const struct object *o = &c->objects[i];
        if (o->kind == kind && o->gateway == gateway && str_eq(o->name, name) && str_eq(o->account, account))
            return o;
    }
    return NULL;
}

const struct object *catalog_object_id(const struct catalog *c, int64_t id)
{
    _Static_assert(offsetof(struct object, id) == 0, "found by it");
    return find_id(c->objects, c->n_objects, sizeof(*c->objects), id);
}

static uint64_t hash_domain(struct str host)
{
    return hash_str(host, KIND_DOMAIN);
}

bool catalog_has_domains(const struct catalog *c)
{
    return c->index->domains.slots;
}

const struct domain *catalog_domain(const struct catalog *c, struct str host)
{
    char name[HOST_NAME_BYTES];
    host = str_cut(&host, ':');
    if (!c->index->domains.slots || host.n > sizeof(name))
        return NULL;
    for (size_t i = 0; i < host.n; i++)
        name[i] = host.p[i] >= 'A' && host.p[i] <= 'Z' ? (char)(host.p[i] | 0x20) : host.p[i];
    uint64_t at = hash_domain(str_of(name, host.n));
    for (size_t i; (i = table_next(&c->index->domains, &at)) != NONE;)
        if (c->objects[i].kind == KIND_DOMAIN && str_eq(c->objects[i].name, str_of(name, host.n)))
            return c->objects[i].read;
    return NULL;
}

const struct object *catalog_object_uuid(const struct catalog *c, enum object_kind kind, struct uuid uuid)
{
    uint64_t at = hash_uuid(&uuid);
    for (size_t i; (i = table_next(&c->index->uuids, &at)) != NONE;)
        if (c->objects[i].kind == kind && memcmp(&c->objects[i].uuid, &uuid, sizeof(uuid)) == 0)
            return &c->objects[i];
    return NULL;
}

const struct object *catalog_next_object(const struct catalog *c, enum object_kind kind, struct str account,
                                         int64_t gateway, const struct object *after)
{
    for (size_t i = after ? (size_t)(after - c->objects) : c->n_objects; i-- > 0;) {
        const struct object *o = &c->objects[i];
        if (o->kind == kind && (gateway < 0 || o->gateway == gateway) &&
            (!account.p || str_eq(o->account, account)))
            return o;
    }
    return NULL;
}

/* ---- provider keys ---- */

static uint64_t hash_keys(int64_t gateway, struct str provider)
{
    return hash_str(provider, (uint64_t)gateway);
}

static const struct provider_key *key_at(const struct catalog *c, size_t element)
{
    return c->objects[element].read;
}

/* Where the gateway's newest key for a provider stands in the table, or would. */
static uint32_t *place_of_keys(const struct catalog *c, int64_t gateway, struct str provider)
{
    const struct table *t = &c->index->keys;
    uint64_t at = hash_keys(gateway, provider);
    for (size_t i; (i = table_next(t, &at)) != NONE;)
        if (c->objects[i].gateway == gateway && str_eq(key_at(c, i)->provider, provider))
            break;
    return &t->slots[(at - 1) & t->mask];
}

const struct provider_key *catalog_provider_keys(const struct catalog *c, const struct gateway *g,
                                                 struct str provider)
{
    uint32_t e = *place_of_keys(c, g->id, provider);
    return e ? key_at(c, e - 1) : NULL;
}

/* The operator's are filed as if they were of gateway 0, which is none. */
const struct provider_key *catalog_unified_key(const struct catalog *c, struct str provider)
{
    uint32_t e = *place_of_keys(c, 0, provider);
    return e ? key_at(c, e - 1) : NULL;
}

/* Objects come oldest first: each goes in front of those before it. */
static bool read_provider_key(struct catalog *c, struct object *o, const struct keyring *keys)
{
    struct provider_key *k = provider_key_read(&c->arena, o, keys);
    if (!k)
        return false;
    uint32_t *place = place_of_keys(c, o->gateway, k->provider);
    k->next = *place ? key_at(c, *place - 1) : NULL;
    *place = (uint32_t)(o - c->objects) + 1;
    o->read = k;
    return true;
}

/* The table is made for the first one: most have none, and are not asked. */
static bool add_domain(struct catalog *c, struct object *o)
{
    struct table *t = &c->index->domains;
    if (!t->slots && !table_init(t, &c->arena, c->n_objects))
        return false;
    table_put(t, hash_domain(o->name), (size_t)(o - c->objects));
    return (o->read = domain_read(&c->arena, o)) != NULL;
}

/* ---- their kinds' own forms ---- */

/* False past the arena's cap. */
static bool read_object(struct catalog *c, struct object *o, const struct keyring *keys)
{
    switch (o->kind) {
    case KIND_TOKEN: {
        struct token *t = &c->tokens[c->n_tokens];
        if (token_read(&c->arena, o, t)) {
            table_put(&c->index->tokens, hash_token(t->hash), c->n_tokens++);
            o->read = t;
        }
        return true;
    }
    case KIND_UNIFIED_KEY: c->n_unified++; return read_provider_key(c, o, keys);
    case KIND_PROVIDER_KEY: return read_provider_key(c, o, keys);
    case KIND_DOMAIN: return add_domain(c, o);
    default: return true;
    }
}

static bool seal_objects(struct catalog *c, const struct keyring *keys)
{
    struct catalog_index *x = c->index;
    c->tokens = arena_zalloc(&c->arena, (c->n_objects + 1) * sizeof(*c->tokens));
    for (size_t i = 0; c->tokens && i < c->n_objects; i++) {
        struct object *o = &c->objects[i];
        table_put(&x->names, hash_object(o->kind, o->account, o->gateway, o->name), i);
        table_put(&x->uuids, hash_uuid(&o->uuid), i);
        if (!read_object(c, o, keys))
            return false;
    }
    return c->tokens;
}

/* ---- */

bool catalog_seal(struct catalog *c, const struct keyring *keys)
{
    struct catalog_index *x = c->index = arena_new(&c->arena, struct catalog_index);
    if (!x || !table_init(&x->accounts, &c->arena, c->n_accounts) ||
        !table_init(&x->gateways, &c->arena, c->n_gateways) ||
        !table_init(&x->tokens, &c->arena, c->n_objects) || !table_init(&x->names, &c->arena, c->n_objects) ||
        !table_init(&x->uuids, &c->arena, c->n_objects) || !table_init(&x->keys, &c->arena, c->n_objects))
        return false;
    for (size_t i = 0; i < c->n_accounts; i++)
        table_put(&x->accounts, hash_str(c->accounts[i], 0), i);
    for (size_t i = 0; i < c->n_gateways; i++) {
        struct gateway *g = &c->gateways[i];
        table_put(&x->gateways, hash_gateway(g->account, g->slug), i);
        read_gateway(g);
        if (!complete_settings(&c->arena, g))
            return false;
    }
    return seal_objects(c, keys);
}
