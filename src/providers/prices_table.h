/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue in memory, private to prices.c (look-up) and prices_load.c (filling): a hash table
 * from (provider, name) to a model, and each model's price sets. Everything lives in one arena, is
 * filled once and never changes.
 */
#pragma once
#include "base/arena.h"
#include "base/limits.h"
#include "providers/prices.h"

#include <stdatomic.h>

struct price_set {
    struct rates rates;
    int64_t least;    /* the shortest prompt it applies to */
    int64_t from_ms;  /* the day it begins, ms since 1970 */
    int begin, end;   /* minutes of the day, UTC; equal: the whole day */
    bool working_day; /* Monday to Friday only */
};

struct model {
    struct price_set *sets; /* sets[0] always applies; of the others the last that does wins */
    size_t n_sets;
    bool dated; /* release marks may follow its names */
    bool timed; /* some set depends on the time */
};

/* One provider's part of the catalogue. */
struct book {
    struct str key;
    struct str *prefixes;
    size_t n_prefixes;
    size_t *fallback; /* indexes of books */
    size_t n_fallback;
    const struct model *any; /* "*" */
};

struct slot {
    struct str name; /* p == NULL: free */
    size_t book;
    const struct model *model;
};

struct prices {
    atomic_uint refs;
    struct arena arena;
    struct book *books;
    size_t n_books;
    struct slot *slots; /* open addressing, at most half full */
    size_t mask;
};

struct text {
    char p[MODEL_NAME_BYTES];
    struct str s;
};

/* False when s is longer than any name. */
bool lower_case(struct text *t, struct str s);
/* The slot that holds the name, or the free one where it belongs. */
struct slot *prices_slot(const struct prices *p, size_t book, struct str name);
/* Index of a provider's book; n_books when there is none. */
size_t prices_book(const struct prices *p, struct str key);
