/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times of many requests, so that percentiles of any group of them can be told later: counts in buckets, 32
 * to an octave of microseconds. Histograms add up, and a percentile read from one is off by 1/64 (1.6 %) at
 * most: half the width of its bucket. Below 64 us it is exact; what takes longer than 38 hours counts as
 * that.
 *
 * At rest it is a blob of the buckets that are not empty: for each the distance to the one before and the
 * count, as LEB128 numbers: some two bytes for a bucket that was hit, 3 KiB with all of them.
 */
#pragma once
#include "base/str.h"

enum {
    HISTOGRAM_OCTAVE = 32,
    HISTOGRAM_BUCKETS = 33 * HISTOGRAM_OCTAVE,
    HISTOGRAM_BLOB = HISTOGRAM_BUCKETS * (2 + 10), /* longest blob: every count has 64 bits */
};

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
};

/* The bucket of a time; a negative one counts as 0. */
size_t histogram_bucket(int64_t us);
/* The middle of a bucket, in microseconds. */
int64_t histogram_middle(size_t bucket);

/* Returns the length. */
size_t histogram_write(const struct histogram *h, char out[HISTOGRAM_BLOB]);
/* Adds the counts of a blob; counts stop at UINT64_MAX. False: damaged, and what stands before the damage was
 * added. */
bool histogram_add_blob(struct histogram *h, struct str blob);
/* The time that the share p (0 to 1) of all did not exceed, by nearest rank; -1: nothing was counted. */
int64_t histogram_quantile(const struct histogram *h, double p);
