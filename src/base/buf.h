/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growable bytes with a maximum. The only way the program grows a buffer.
 *
 *   buf_init(&b, max) ─ buf_append* ─ buf_done
 *
 * After an append failed with E_FULL the contents are what they were and `full` is set, so a run
 * of appends may be checked once at its end. Not shared between threads.
 */
#pragma once
#include "base/str.h"

struct buf {
    char *p;
    size_t n, cap, max;
    bool full;
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);
/* Empties, keeps the memory. */
void buf_clear(struct buf *b);

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->p, b->n};
}

enum err buf_append(struct buf *b, struct str s);
enum err buf_append_c(struct buf *b, const char *cstr);
enum err buf_append_byte(struct buf *b, char c);
enum err buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Room for n more bytes at the end, or NULL past the maximum; buf_grew tells how many were used. */
char *buf_room(struct buf *b, size_t n);
static inline void buf_grew(struct buf *b, size_t n)
{
    must(n <= b->cap - b->n);
    b->n += n;
}
/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);
/* Hands the memory over to the caller (mem_free) and leaves the buffer empty. */
char *buf_take(struct buf *b, size_t *ret_n);
