/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roll-ups: what a batch of rows adds to each (minute, gateway, provider, model, status, marks), so that
 * charts never read the log. Summed in memory, written in the rows' transaction, to the minute and to its
 * hour.
 */
#pragma once
#include "store/histogram.h"
#include "store/record.h"

/* Bits of rollup_key.marks, as they are stored. */
enum {
    MARK_CACHED = 1,
    MARK_ERROR = 2,
    MARK_RATE_LIMITED = 4,
    MARK_WHOLESALE = 8,
    MARK_CACHE_MISSED = 16, /* looked up, not found */
    MARK_ERROR_KIND = REC_ERROR_MASK,
};

struct rollup_key {
    int64_t minute; /* since 1970 */
    int64_t gateway;
    struct str provider, model; /* views into the batch */
    int status;
    unsigned marks;
};

struct rollup_cell {
    struct rollup_key key;
    int64_t requests;                                /* of clients */
    int64_t attempts;                                /* at providers */
    int64_t rows;                                    /* attempts with a row in the log */
    int64_t unpriced;                                /* succeeded, cost unknown */
    int64_t tokens_in, tokens_out;                   /* sums stop at INT64_MAX */
    int64_t cache_read_tokens, cache_write_tokens;   /* parts of tokens_in */
    int64_t cost_pico;                               /* of all attempts, as are tokens and bytes */
    int64_t saved_pico;                              /* by answers from the cache */
    int64_t duration_us, first_byte_us, first_bytes; /* of requests; of those with a first byte, how many */
    int64_t request_bytes, response_bytes;
    uint32_t samples; /* number of the newest sample + 1 */
};

/* The times of one request, as buckets of a histogram. */
struct rollup_sample {
    uint32_t older; /* number + 1, of the same cell */
    uint16_t duration, first_byte;
};

struct rollup {
    struct rollup_cell *cells;
    size_t n, cap;
    uint32_t *slots; /* hash table of cell numbers + 1; 2 * cap of them */
    struct rollup_sample *samples;
    size_t n_samples, cap_samples;
};

void rollup_init(struct rollup *u);
void rollup_done(struct rollup *u);
void rollup_clear(struct rollup *u);
/* Adds a record; its texts must live until rollup_clear. */
void rollup_add(struct rollup *u, const struct record *r);
/* Adds the times of a cell's requests. */
void rollup_times(const struct rollup *u, const struct rollup_cell *c, struct histogram *durations,
                  struct histogram *first_bytes);
