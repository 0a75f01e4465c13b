/* SPDX-License-Identifier: Apache-2.0 */
#include "store/histogram.h"

#include <math.h>

size_t histogram_bucket(int64_t us)
{
    if (us < HISTOGRAM_OCTAVE)
        return us < 0 ? 0 : (size_t)us;
    unsigned shift = 63U - (unsigned)__builtin_clzll((uint64_t)us) - 5; /* 32 = 2^5 */
    size_t bucket = HISTOGRAM_OCTAVE * (size_t)shift + (size_t)(us >> shift);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

int64_t histogram_middle(size_t bucket)
{
    if (bucket < 2 * HISTOGRAM_OCTAVE)
        return (int64_t)bucket;
    size_t shift = bucket / HISTOGRAM_OCTAVE - 1;
    int64_t from = (int64_t)(HISTOGRAM_OCTAVE + bucket % HISTOGRAM_OCTAVE) << shift;
    return from + (((int64_t)1 << shift) - 1) / 2;
}

static char *put_number(char *at, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        *at++ = (char)(n | 0x80);
    *at++ = (char)n;
    return at;
}

/* False: the blob ends inside the number, or it has more than 64 bits. */
static bool take_number(struct str *blob, uint64_t *ret)
{
    uint64_t n = 0;
    for (unsigned shift = 0; shift < 64 && shift / 7 < blob->n; shift += 7) {
        unsigned char c = (unsigned char)blob->p[shift / 7];
        n |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) {
            *blob = str_from(*blob, shift / 7 + 1);
            *ret = n;
            return true;
        }
    }
    return false;
}

size_t histogram_write(const struct histogram *h, char out[HISTOGRAM_BLOB])
{
    char *at = out;
    size_t next = 0;
    for (size_t b = 0; b < HISTOGRAM_BUCKETS; b++) {
        if (!h->counts[b])
            continue;
        at = put_number(at, b - next);
        at = put_number(at, h->counts[b]);
        next = b + 1;
    }
    return (size_t)(at - out);
}

bool histogram_add_blob(struct histogram *h, struct str blob)
{
    size_t bucket = 0;
    uint64_t gap, count;
    while (blob.n) {
        if (!take_number(&blob, &gap) || gap >= HISTOGRAM_BUCKETS - bucket || !take_number(&blob, &count))
            return false;
        bucket += (size_t)gap;
        if (__builtin_add_overflow(h->counts[bucket], count, &h->counts[bucket]))
            h->counts[bucket] = UINT64_MAX;
        if (++bucket == HISTOGRAM_BUCKETS)
            return blob.n == 0;
    }
    return true;
}

int64_t histogram_quantile(const struct histogram *h, double p)
{
    double all = 0;
    for (size_t b = 0; b < HISTOGRAM_BUCKETS; b++)
        all += (double)h->counts[b];
    if (all <= 0)
        return -1;
    double rank = ceil(p * all), seen = 0;
    size_t last = 0;
    for (size_t b = 0; b < HISTOGRAM_BUCKETS; b++) {
        if (!h->counts[b])
            continue;
        last = b;
        seen += (double)h->counts[b];
        if (seen >= rank)
            break;
    }
    return histogram_middle(last);
}
