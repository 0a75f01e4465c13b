/* SPDX-License-Identifier: Apache-2.0 */
/* A chained table under one lock. Accounts stay in it until the store is closed. */
#include "store/credits.h"

#include <pthread.h>
#include <xxhash.h>

enum { BUCKETS = 256 };

struct purse {
    struct purse *next;
    int64_t booked, pending, reserved;
    size_t n;
    char account[];
};

struct credits {
    pthread_mutex_t lock; /* of all below */
    struct purse *buckets[BUCKETS];
};

struct credits *credits_new(void)
{
    struct credits *c = mem_zalloc(sizeof(*c));
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void credits_free(struct credits *c)
{
    for (size_t b = 0; c && b < BUCKETS; b++)
        for (struct purse *p = c->buckets[b], *next; p; p = next) {
            next = p->next;
            mem_free(p);
        }
    if (c)
        pthread_mutex_destroy(&c->lock);
    mem_free(c);
}

/* With the lock, which the caller gives back. */
static struct purse *take(struct credits *c, struct str account)
{
    pthread_mutex_lock(&c->lock);
    struct purse **at = &c->buckets[XXH3_64bits(account.p, account.n) % BUCKETS];
    while (*at && !str_eq(str_of((*at)->account, (*at)->n), account))
        at = &(*at)->next;
    if (!*at) {
        *at = mem_zalloc(sizeof(**at) + account.n);
        (*at)->n = account.n;
        memcpy((*at)->account, account.p, account.n);
    }
    return *at;
}

static int64_t left(const struct purse *p)
{
    return p->booked - p->pending - p->reserved;
}

bool credits_reserve(struct credits *c, struct str account, int64_t pico)
{
    struct purse *p = take(c, account);
    int64_t room = left(p);
    bool ok = room > 0 && (room >= pico || p->reserved == 0);
    if (ok && __builtin_add_overflow(p->reserved, pico, &p->reserved))
        must(false); /* reservations are capped far below */
    pthread_mutex_unlock(&c->lock);
    return ok;
}

void credits_release(struct credits *c, struct str account, int64_t pico)
{
    struct purse *p = take(c, account);
    must(p->reserved >= pico);
    p->reserved -= pico;
    pthread_mutex_unlock(&c->lock);
}

void credits_charge(struct credits *c, struct str account, int64_t pico)
{
    struct purse *p = take(c, account);
    p->pending += pico;
    pthread_mutex_unlock(&c->lock);
}

int64_t credits_left(struct credits *c, struct str account)
{
    struct purse *p = take(c, account);
    int64_t room = left(p);
    pthread_mutex_unlock(&c->lock);
    return room;
}

void credits_committed(struct credits *c, struct str account, int64_t pico, int64_t balance)
{
    struct purse *p = take(c, account);
    p->pending -= pico;
    p->booked = balance;
    pthread_mutex_unlock(&c->lock);
}

void credits_post(struct credits *c, struct str account, int64_t balance)
{
    struct purse *p = take(c, account);
    p->booked = balance;
    pthread_mutex_unlock(&c->lock);
}
