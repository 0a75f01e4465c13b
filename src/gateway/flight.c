/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/flight.h"
#include "base/limits.h"

enum { SLOTS = 1024, HEAD_BYTES = 64 * KIB };

struct flights {
    struct flight *slots[SLOTS];
};

struct flights *flights_new(void)
{
    return mem_zalloc(sizeof(struct flights));
}

void flights_free(struct flights *f)
{
    mem_free(f);
}

/* Keys are hashes: any of their bytes will do. */
static struct flight **slot_of(struct flights *f, const struct cache_key *key)
{
    return &f->slots[(key->b[0] | key->b[1] << 8) % SLOTS];
}

struct flight *flight_new(struct flights *listed, const struct cache_key *key, struct txn *leader, size_t cap)
{
    struct flight *f = mem_zalloc(sizeof(*f));
    f->key = *key;
    f->leader = leader;
    f->cap = cap;
    f->cost_pico = RECORD_NULL;
    list_init(&f->readers);
    buf_init(&f->head, HEAD_BYTES);
    buf_init(&f->body, SIZE_MAX / 2); /* flight_is_full stops the provider */
    if (listed) {
        struct flight **slot = slot_of(listed, key);
        f->listed = listed;
        f->next = *slot;
        *slot = f;
    }
    return f;
}

struct flight *flights_find(struct flights *all, const struct cache_key *key)
{
    struct flight *f = *slot_of(all, key);
    while (f && memcmp(f->key.b, key->b, sizeof(key->b)) != 0)
        f = f->next;
    return f;
}

void flight_unlist(struct flight *f)
{
    if (!f->listed)
        return;
    struct flight **at = slot_of(f->listed, &f->key);
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    f->listed = NULL;
}

void flight_free(struct flight *f)
{
    must(!f->leader && !f->readers.count);
    flight_unlist(f);
    buf_done(&f->head);
    buf_done(&f->body);
    mem_free(f);
}

void flight_append(struct flight *f, struct str bytes)
{
    (void)buf_append(&f->body, bytes);
    if (flight_end(f) > f->cap)
        flight_outgrew(f);
}

void flight_outgrew(struct flight *f)
{
    f->too_large = true;
    flight_unlist(f);
}

size_t flight_end(const struct flight *f)
{
    return f->base + f->body.n;
}

struct str flight_from(const struct flight *f, size_t at)
{
    must(at >= f->base);
    return str_from(buf_str(&f->body), at - f->base);
}

void flight_trim(struct flight *f, size_t at)
{
    must(f->too_large && at >= f->base);
    size_t n = at - f->base;
    if (n < f->body.n && n < f->cap / 4)
        return; /* what stays would be moved for little */
    buf_consume(&f->body, n);
    f->base = at;
}

bool flight_is_full(const struct flight *f)
{
    return f->body.n > f->cap;
}
