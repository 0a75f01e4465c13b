/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many labels a gateway may have an hour, and how many values each: sets of what there is, as hashes, in
 * memory. A set that is not there is made, empty, and its owner fills it from the database; those that were
 * unused the longest make room. So is everything after a rollback, when the sets know too much. Pure; the
 * writer's thread.
 */
#pragma once
#include "base/str.h"

enum { LABEL_SETS = 256 };

struct label_set {
    int64_t gateway, hour; /* since 1970 */
    uint64_t label;        /* hash; 0: the set of the labels themselves */
    uint64_t used;
    uint64_t *hashes; /* hash table, 0: free; at most half full */
    size_t n, cap;
};

struct label_bounds {
    struct label_set sets[LABEL_SETS];
    size_t n;
    uint64_t ticks;
};

void label_bounds_clear(struct label_bounds *b);
/* Good until the next call. *ret_fresh: it was just made. */
struct label_set *label_bounds_set(struct label_bounds *b, int64_t gateway, int64_t hour, uint64_t label,
                                   bool *ret_fresh);
/* It is in the set now; false: it was not, and the set has `max` already. */
bool label_set_admit(struct label_set *s, uint64_t hash, size_t max);
/* Never 0. */
uint64_t label_hash(struct str text);
