/* SPDX-License-Identifier: Apache-2.0 */
/* The process allocator and the assertion that stays on. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

void must_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "weir: internal error: %s is false at %s:%d\n", what, file, line);
    abort();
}

static _Thread_local uint64_t count;

uint64_t mem_count(void)
{
    return count;
}

static void *checked(void *p, size_t n)
{
    count++;
    if (LIKELY(p != NULL))
        return p;
    fprintf(stderr, "weir: out of memory asking for %zu bytes\n", n);
    abort();
}

void *mem_alloc(size_t n)
{
    return checked(malloc(n ? n : 1), n);
}

void *mem_zalloc(size_t n)
{
    return checked(calloc(1, n ? n : 1), n);
}

void *mem_realloc(void *p, size_t n)
{
    return checked(realloc(p, n ? n : 1), n);
}

void mem_free(void *p)
{
    free(p);
}
