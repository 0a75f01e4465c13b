/* SPDX-License-Identifier: Apache-2.0 */
/* A chained table. Entries stay until the store is closed: requests may hold snapshots that point at them. */
#include "store/key_use.h"
#include "base/json.h"

#include <stdatomic.h>
#include <xxhash.h>

enum { BUCKETS = 256, GRAIN_MS = 1000 };

struct key_uses {
    struct key_use *buckets[BUCKETS];
};

struct key_uses *key_uses_new(void)
{
    return mem_zalloc(sizeof(struct key_uses));
}

void key_uses_free(struct key_uses *u)
{
    for (size_t b = 0; u && b < BUCKETS; b++)
        for (struct key_use *k = u->buckets[b], *next; k; k = next) {
            next = k->next;
            mem_free(k);
        }
    mem_free(u);
}

/* ---- the writer's thread ---- */

static void read_saved(struct key_use *k, const struct object *o)
{
    k->saved_ms = 0;
    struct json_doc *doc = json_parse(o->settings);
    const struct json_val *root = json_root(doc);
    (void)json_uint(json_get(root, "last_used_ms"), &k->saved_ms);
    k->saved_failing = json_bool(json_get(root, "failing"), false);
    json_free(doc);
}

static struct key_use *make(const struct object *o, uint64_t secret)
{
    struct key_use *k = mem_zalloc(sizeof(*k));
    read_saved(k, o);
    k->id = o->id;
    k->secret = secret;
    atomic_init(&k->used_ms, k->saved_ms);
    atomic_init(&k->failing, k->saved_failing);
    return k;
}

static struct key_use *find(struct key_uses *u, const struct object *o)
{
    struct key_use **at = &u->buckets[(uint64_t)o->id % BUCKETS];
    uint64_t secret = XXH3_64bits(o->secret.p, o->secret.n);
    while (*at && (*at)->id != o->id)
        at = &(*at)->next;
    if (!*at)
        return *at = make(o, secret);
    read_saved(*at, o); /* whoever changed the key knew nothing of its use */
    if ((*at)->secret != secret)
        atomic_store(&(*at)->failing, false);
    (*at)->secret = secret;
    return *at;
}

void key_uses_attach(struct key_uses *u, struct catalog *c)
{
    for (size_t i = 0; i < c->n_objects; i++)
        if (c->objects[i].kind == KIND_PROVIDER_KEY || c->objects[i].kind == KIND_UNIFIED_KEY)
            provider_key_attach(&c->objects[i], find(u, &c->objects[i]));
}

static bool is_unsaved(struct key_use *k)
{
    return k->saved_ms != atomic_load(&k->used_ms) || k->saved_failing != atomic_load(&k->failing);
}

struct key_use *key_uses_unsaved(struct key_uses *u, struct key_use *after)
{
    size_t b = after ? (uint64_t)after->id % BUCKETS : 0;
    struct key_use *k = after ? after->next : u->buckets[0];
    for (;;) {
        for (; k; k = k->next)
            if (is_unsaved(k))
                return k;
        if (++b == BUCKETS)
            return NULL;
        k = u->buckets[b];
    }
}

/* ---- any thread ---- */

/* Not for every request: workers would take the line from each other. */
void key_used(const struct provider_key *k, int64_t now_ms)
{
    struct key_use *use = k->use;
    if (use && now_ms - atomic_load_explicit(&use->used_ms, memory_order_relaxed) >= GRAIN_MS)
        atomic_store_explicit(&use->used_ms, now_ms, memory_order_relaxed);
}

void key_answered(const struct provider_key *k, bool refused)
{
    struct key_use *use = k->use;
    if (use && atomic_load_explicit(&use->failing, memory_order_relaxed) != refused)
        atomic_store_explicit(&use->failing, refused, memory_order_relaxed);
}
