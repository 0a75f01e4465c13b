/* SPDX-License-Identifier: Apache-2.0 */
#include "http/scratch.h"
#include "base/limits.h"

struct adopted {
    struct adopted *next;
    char *p;
};

void scratch_init(struct scratch *s)
{
    *s = (struct scratch){.p = mem_alloc(HTTP_SCRATCH_BYTES)};
    arena_init(&s->overflow, HTTP_SCRATCH_MAX);
}

void scratch_reset(struct scratch *s)
{
    for (struct adopted *a = s->adopted; a; a = a->next)
        mem_free(a->p);
    s->adopted = NULL;
    s->n = 0;
    arena_reset(&s->overflow);
}

void scratch_done(struct scratch *s)
{
    scratch_reset(s);
    arena_done(&s->overflow);
    mem_free(s->p);
}

static void *overflow(struct scratch *s, size_t n)
{
    void *p = arena_alloc(&s->overflow, n);
    must(p);
    return p;
}

char *scratch_take(struct scratch *s, size_t n)
{
    if (n > HTTP_SCRATCH_BYTES - s->n)
        return overflow(s, n);
    char *p = s->p + s->n;
    s->n += n;
    return p;
}

void scratch_trim(struct scratch *s, const char *taken, size_t n, size_t used)
{
    must(used <= n);
    if (taken + n == s->p + s->n)
        s->n -= n - used;
}

void scratch_adopt(struct scratch *s, char *p)
{
    struct adopted *a = overflow(s, sizeof(*a));
    *a = (struct adopted){s->adopted, p};
    s->adopted = a;
}
