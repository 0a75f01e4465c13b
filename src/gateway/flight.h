/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer on its way into the cache: its head, its bytes so far, and the requests that read along
 * (coalescing). One worker's own; loop's thread.
 *
 * While it is within the size of an entry all its bytes are kept: readers may come late, and the whole is
 * stored. Beyond that it is a window over the answer for the readers it has, as long as the slowest needs.
 *
 * What readers write to their clients are views of the body. So it grows only in callbacks in which nothing
 * of it is written, and is trimmed and freed only by the task `serve`, which runs when all was flushed.
 */
#pragma once
#include "base/buf.h"
#include "base/list.h"
#include "net/loop.h"
#include "store/record.h"
#include "store/respcache.h"

struct txn;
struct flights;

struct flight {
    struct flight *next;    /* of the same slot */
    struct flights *listed; /* where new readers find it; NULL: nowhere */
    struct cache_key key;
    struct txn *leader; /* makes the upstream call; NULL: has left */
    struct list readers;
    size_t unserved;   /* of the readers, the first so many */
    struct task serve; /* brings readers what is new, and frees the flight when nobody is left; by cache.c */
    struct loop *loop; /* where it runs */
    struct buf head, body;
    size_t base;    /* bytes of the answer before body's first */
    size_t cap;     /* largest entry */
    int64_t length; /* of the answer, as announced */
    bool has_head, complete;
    bool too_large;    /* will not be stored; body is a window */
    bool error;        /* the answer reports one, whatever its status says; known when it is complete */
    int64_t cost_pico; /* of the answer, known when it is complete; RECORD_NULL: unknown */
    enum err broken;   /* there will be no more of it */
};

struct flights *flights_new(void);
void flights_free(struct flights *f); /* empty; accepts NULL */

/* Listed under its key, unless listed is NULL. cap: largest entry. */
struct flight *flight_new(struct flights *listed, const struct cache_key *key, struct txn *leader,
                          size_t cap);
struct flight *flights_find(struct flights *f, const struct cache_key *key);
/* No new readers from now on. */
void flight_unlist(struct flight *f);
/* Nobody leads or reads it. */
void flight_free(struct flight *f);

/* More of the answer. Beyond the cap it is too large. */
void flight_append(struct flight *f, struct str bytes);
/* It is, or will be, more than an entry may have: it is taken off the list and becomes a window. */
void flight_outgrew(struct flight *f);
/* What there is from offset `at` of the answer on. */
struct str flight_from(const struct flight *f, size_t at);
/* Total bytes so far. */
size_t flight_end(const struct flight *f);
/* A window gives up what is before `at`, the offset of the slowest reader. */
void flight_trim(struct flight *f, size_t at);
/* Does the window hold as much as it may? */
bool flight_is_full(const struct flight *f);
