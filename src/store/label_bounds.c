/* SPDX-License-Identifier: Apache-2.0 */
#include "store/label_bounds.h"

#include <xxhash.h>

uint64_t label_hash(struct str text)
{
    uint64_t h = XXH3_64bits(text.p, text.n);
    return h ? h : 1;
}

void label_bounds_clear(struct label_bounds *b)
{
    for (size_t i = 0; i < b->n; i++)
        mem_free(b->sets[i].hashes);
    b->n = 0;
}

static struct label_set *find(struct label_bounds *b, int64_t gateway, int64_t hour, uint64_t label)
{
    for (size_t i = 0; i < b->n; i++) {
        struct label_set *s = &b->sets[i];
        if (s->label == label && s->hour == hour && s->gateway == gateway)
            return s;
    }
    return NULL;
}

static struct label_set *room(struct label_bounds *b)
{
    if (b->n < LABEL_SETS)
        return &b->sets[b->n++];
    struct label_set *oldest = &b->sets[0];
    for (size_t i = 1; i < b->n; i++)
        if (b->sets[i].used < oldest->used)
            oldest = &b->sets[i];
    mem_free(oldest->hashes);
    return oldest;
}

struct label_set *label_bounds_set(struct label_bounds *b, int64_t gateway, int64_t hour, uint64_t label,
                                   bool *ret_fresh)
{
    struct label_set *s = find(b, gateway, hour, label);
    *ret_fresh = !s;
    if (!s) {
        s = room(b);
        *s = (struct label_set){.gateway = gateway, .hour = hour, .label = label};
    }
    s->used = ++b->ticks;
    return s;
}

/* Where the hash is, or belongs. */
static uint64_t *place(const struct label_set *s, uint64_t hash)
{
    size_t i = hash & (s->cap - 1);
    while (s->hashes[i] && s->hashes[i] != hash)
        i = (i + 1) & (s->cap - 1);
    return &s->hashes[i];
}

static void grow(struct label_set *s)
{
    struct label_set more = {.cap = s->cap ? 2 * s->cap : 16};
    more.hashes = mem_zalloc(more.cap * sizeof(*more.hashes));
    for (size_t i = 0; i < s->cap; i++)
        if (s->hashes[i])
            *place(&more, s->hashes[i]) = s->hashes[i];
    mem_free(s->hashes);
    s->hashes = more.hashes;
    s->cap = more.cap;
}

bool label_set_admit(struct label_set *s, uint64_t hash, size_t max)
{
    if (2 * (s->n + 1) > s->cap)
        grow(s);
    uint64_t *at = place(s, hash);
    if (*at)
        return true;
    if (s->n >= max)
        return false;
    *at = hash;
    s->n++;
    return true;
}
