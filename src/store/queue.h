/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records on their way from workers to the writer: one list, many pushers, one taker, no lock.
 *
 *   pushers ─ compare-and-swap ─> newest ─> ... ─> oldest      queue_take swaps the whole list out
 *
 * A record is one allocation: the struct and its texts; bodies are moved, not copied. Memory is
 * capped by giving up bodies, never rows (docs/decisions/0009-record-queue.md).
 */
#pragma once
#include "net/loop.h"
#include "store/record.h"
#include "store/segment.h"

struct queued {
    struct queued *next;
    struct record r;   /* its texts follow this struct */
    struct loop *loop; /* the ack goes there */
    struct msg *ack;   /* NULL: nobody waits */
    int64_t charged;   /* bytes counted in queue.bytes */
    int64_t balance;   /* of the account, after the charge */
    bool placed;       /* the bodies are in a segment, at place */
    struct body_place place;
    char text[];
};

/* Every push writes the first three; the space keeps what is only read out of their cache lines. */
struct queue {
    char before[64];
    _Atomic(struct queued *) newest;
    _Atomic int64_t waiting; /* rows pushed or about to be, not taken yet */
    _Atomic int64_t bytes;   /* memory of all rows that are not freed yet */
    _Atomic uint64_t shed;   /* bodies given up */
    char behind[64];
};

/* A copy of r that owns its bodies, except those longer than max_body. Any thread. */
struct queued *queued_new(const struct record *r, int64_t max_body);
/* Frees the bodies; the writer does so once they are in a segment. */
void queued_drop_bodies(struct queue *q, struct queued *e);
void queued_free(struct queue *q, struct queued *e);

/* Gives e to the queue; returns how many rows waited before. With more than max_bytes in the queue e
 * loses its bodies. Any thread. */
int64_t queue_push(struct queue *q, struct queued *e, int64_t max_bytes);
/* Everything pushed so far, oldest first; NULL: nothing. The writer thread. */
struct queued *queue_take(struct queue *q, int64_t *ret_n);
