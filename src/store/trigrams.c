/* SPDX-License-Identifier: Apache-2.0 */
#include "store/trigrams.h"

enum { BITS = 15 };
_Static_assert(TRIGRAMS_BYTES * 8 == 1 << BITS, "a set has a bit for each hash");

static uint32_t lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* Multiplicative hashing: the upper bits of the product depend on all of the run. */
static uint32_t hash(uint32_t run)
{
    return (run & 0xffffff) * UINT32_C(2654435761) >> (32 - BITS);
}

void trigrams_put(unsigned char *set, struct str text)
{
    uint32_t run = 0;
    for (size_t i = 0; i < text.n; i++) {
        run = run << 8 | lower(text.p[i]);
        uint32_t bit = hash(run);
        if (i >= 2)
            set[bit / 8] = (unsigned char)(set[bit / 8] | 1U << bit % 8);
    }
}

bool trigrams_may_have(struct str set, struct str part)
{
    uint32_t run = 0;
    for (size_t i = 0; set.n == TRIGRAMS_BYTES && i < part.n; i++) {
        run = run << 8 | lower(part.p[i]);
        uint32_t bit = hash(run);
        if (i >= 2 && !((unsigned char)set.p[bit / 8] >> bit % 8 & 1))
            return false;
    }
    return true;
}
