/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Minute roll-ups: what a batch of rows adds to each (minute, gateway, provider, model, status,
 * cached), so that charts never read the log. Summed in memory, written in the rows' transaction.
 */
#pragma once
#include "store/record.h"

enum {
    /* Four buckets an octave of microseconds, up to 19 hours: a percentile is off by 9 % at most. */
    LATENCY_BUCKETS = 140,
};

struct minute_key {
    int64_t minute; /* since 1970 */
    int64_t gateway;
    struct str provider, model; /* views into the batch */
    int status;
    bool cached;
};

struct minute {
    struct minute_key key;
    int64_t requests;                             /* of clients */
    int64_t attempts, errors;                     /* at providers */
    int64_t rows;                                 /* attempts with a row in the log */
    int64_t unpriced;                             /* succeeded, cost unknown */
    int64_t tokens_in, tokens_out, cached_tokens; /* sums stop at INT64_MAX */
    int64_t cost_pico, duration_us;
    int64_t request_bytes, response_bytes;
    uint32_t durations[LATENCY_BUCKETS], first_bytes[LATENCY_BUCKETS];
};

struct rollup {
    struct minute *cells;
    size_t n, cap;
    uint32_t *slots; /* hash table of cell numbers + 1; 2 * cap of them */
};

void rollup_init(struct rollup *u);
void rollup_done(struct rollup *u);
void rollup_clear(struct rollup *u);
/* Adds a record; its texts must live until rollup_clear. */
void rollup_add(struct rollup *u, const struct record *r);

/* The bucket of a duration, and the shortest duration of a bucket. */
size_t latency_bucket(int64_t us);
int64_t latency_bucket_us(size_t bucket);
