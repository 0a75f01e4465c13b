/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streamed body on its way to the log: thousands of streams are open at once and each keeps what it
 * has said, so all but the newest block is kept compressed. Events repeat themselves: that is most of
 * it. One thread at a time; the compressor is the thread's.
 *
 *   spool_init ─ spool_add* ─ spool_take | spool_done
 */
#pragma once
#include "base/str.h"

struct spool_bytes { /* grown in small steps: doubling would waste what compressing saves */
    char *p;
    size_t n, cap;
};

struct spool {
    struct spool_bytes now;    /* the newest block, as it came */
    struct spool_bytes packed; /* blocks before it: length (native, 4 bytes), zstd data */
    size_t n, max;             /* bytes that were added, and their maximum */
};

void spool_init(struct spool *s, size_t max);
void spool_done(struct spool *s);
/*
 * E_FULL past the maximum: nothing of the piece is kept. slow: the stream will be here for a while, so
 * memory matters more than time.
 */
enum err spool_add(struct spool *s, struct str piece, bool slow) MUST_CHECK;
/* All bytes in one piece, the caller's to mem_free; NULL when there are none. The spool is empty then. */
char *spool_take(struct spool *s, size_t *ret_n);
