/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/limits.h"

#include <stdio.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* of bytes[] */
    _Alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, size_t cap)
{
    *a = (struct arena){.cap = cap};
}

static void free_chunks(struct arena *a, struct arena_chunk *c)
{
    while (c) {
        struct arena_chunk *next = c->next;
        a->used -= c->size;
        mem_free(c);
        c = next;
    }
}

void arena_done(struct arena *a)
{
    free_chunks(a, a->chunks);
    a->chunks = NULL;
    a->at = a->end = NULL;
}

void arena_wipe(struct arena *a)
{
    for (struct arena_chunk *c = a->chunks; c; c = c->next)
        explicit_bzero(c->bytes, c->size);
    arena_done(a);
}

void arena_reset(struct arena *a)
{
    struct arena_chunk *last = a->chunks;
    if (!last)
        return;
    while (last->next) {
        struct arena_chunk *next = last->next;
        last->next = NULL;
        free_chunks(a, last);
        last = next;
    }
    a->chunks = last;
    a->at = last->bytes;
    a->end = last->bytes + last->size;
}

static bool add_chunk(struct arena *a, size_t need)
{
    /* small steps while it is small: thousands of requests are open at a time */
    size_t size = a->used < ARENA_SMALL_BYTES ? ARENA_CHUNK_BYTES - sizeof(struct arena_chunk) : a->used;
    if (size < need)
        size = need;
    if (a->used + size > a->cap)
        size = need;
    if (need > a->cap || a->used > a->cap - need)
        return false;
    struct arena_chunk *c = mem_alloc(sizeof(*c) + size);
    *c = (struct arena_chunk){.next = a->chunks, .size = size};
    a->chunks = c;
    a->used += size;
    a->at = c->bytes;
    a->end = c->bytes + size;
    return true;
}

void *arena_alloc(struct arena *a, size_t n)
{
    const size_t align = _Alignof(max_align_t);
    if (UNLIKELY(n > SIZE_MAX - align))
        return NULL;
    n = (n + align - 1) & ~(align - 1);
    if (n > (size_t)(a->end - a->at) && !add_chunk(a, n))
        return NULL;
    void *p = a->at;
    a->at += n;
    return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    void *p = arena_alloc(a, n);
    return p ? memset(p, 0, n) : NULL;
}

struct str arena_dup(struct arena *a, struct str s)
{
    return arena_join(a, &s, 1);
}

struct str arena_join(struct arena *a, const struct str *parts, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += parts[i].n;
    char *p = arena_alloc(a, total + 1);
    if (!p)
        return (struct str){NULL, 0};
    char *at = p;
    for (size_t i = 0; i < n; at += parts[i++].n)
        if (parts[i].n)
            memcpy(at, parts[i].p, parts[i].n);
    *at = '\0';
    return (struct str){p, total};
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    char small[256];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(small, sizeof(small), fmt, args);
    va_end(args);
    must(n >= 0);
    if ((size_t)n < sizeof(small))
        return arena_dup(a, str_of(small, (size_t)n));
    char *p = arena_alloc(a, (size_t)n + 1);
    if (!p)
        return (struct str){NULL, 0};
    va_start(args, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, args);
    va_end(args);
    return (struct str){p, (size_t)n};
}
