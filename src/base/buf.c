/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdio.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
    mem_free(b->p);
    *b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->full = false;
}

char *buf_room(struct buf *b, size_t n)
{
    if (n <= b->cap - b->n)
        return b->p + b->n;
    if (n > b->max - b->n) {
        b->full = true;
        return NULL;
    }
    size_t cap = b->cap ? b->cap : 64;
    while (cap < b->n + n)
        cap *= 2;
    if (cap > b->max)
        cap = b->max;
    b->p = mem_realloc(b->p, cap);
    b->cap = cap;
    return b->p + b->n;
}

enum err buf_append(struct buf *b, struct str s)
{
    if (s.n == 0)
        return E_OK;
    char *at = buf_room(b, s.n);
    if (!at)
        return E_FULL;
    memcpy(at, s.p, s.n);
    b->n += s.n;
    return E_OK;
}

enum err buf_append_c(struct buf *b, const char *cstr)
{
    return buf_append(b, str_c(cstr));
}

enum err buf_append_byte(struct buf *b, char c)
{
    return buf_append(b, str_of(&c, 1));
}

enum err buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    must(n >= 0);
    /* room for the terminator vsnprintf insists on, too */
    char *at = buf_room(b, (size_t)n + 1);
    if (!at)
        return E_FULL;
    va_start(args, fmt);
    vsnprintf(at, (size_t)n + 1, fmt, args);
    va_end(args);
    b->n += (size_t)n;
    return E_OK;
}

void buf_consume(struct buf *b, size_t n)
{
    must(n <= b->n);
    b->n -= n;
    if (b->n)
        memmove(b->p, b->p + n, b->n);
}

char *buf_take(struct buf *b, size_t *ret_n)
{
    char *p = b->p;
    *ret_n = b->n;
    *b = (struct buf){.max = b->max};
    return p;
}
