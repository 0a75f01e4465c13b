/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for what is written once and forgotten: heads and chunk framing. conn_write wants its
 * bytes to live until the current callback has returned; the owner of a scratch empties it from a
 * task, and tasks run after the connections were flushed.
 *
 *   scratch_init ─ { scratch_take*  …flush…  scratch_reset }* ─ scratch_done
 *
 * Pieces are taken back to back, so that what was written in a row goes out as one slice.
 */
#pragma once
#include "base/arena.h"

struct scratch {
    char *p;
    size_t n;              /* of p in use */
    struct arena overflow; /* what did not fit, and what was adopted */
    struct adopted *adopted;
};

void scratch_init(struct scratch *s);
void scratch_done(struct scratch *s);
/* n bytes; give back what was too much with scratch_trim. */
char *scratch_take(struct scratch *s, size_t n);
/* Of the last n bytes taken only the first `used` are needed. */
void scratch_trim(struct scratch *s, const char *taken, size_t n, size_t used);
/* Frees p (from mem_alloc) at the next reset. */
void scratch_adopt(struct scratch *s, char *p);
void scratch_reset(struct scratch *s);
