/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels: what a request says about itself, or weir about it, as a name and a value. Its metadata are labels,
 * and the token it came with is the label "cf.token", a name that no client can send. A batch of rows is
 * summed up by (minute, gateway, label, value), like roll-ups, and written in the same transaction.
 *
 * Clients choose names and values, so how many are told apart is bounded (label_bounds.h): what lies beyond
 * is summed up under `other`, so that the sums over all values of a label are right. Pure; the writer's
 * thread.
 */
#pragma once
#include "base/arena.h"
#include "store/record.h"

#define LABEL_TOKEN "cf.token"

struct label_key {
    int64_t minute; /* since 1970 */
    int64_t gateway;
    struct str label, value; /* live until labels_clear */
    bool other;              /* values without a name; an empty label: of labels without one */
};

struct label_cell {
    struct label_key key;
    bool folded;                      /* into another one: nothing of it is left */
    int64_t requests;                 /* of clients */
    int64_t cached, errors, unpriced; /* of them */
    int64_t tokens_in, tokens_out;    /* of all attempts; sums stop at INT64_MAX, as all do */
    int64_t cost_pico, saved_pico;
    int64_t last_ms; /* when the newest began */
};

struct labels {
    struct label_cell *cells;
    size_t n, cap;
    uint32_t *slots; /* hash table of cell numbers + 1; 2 * cap of them */
    struct arena texts;
};

void labels_init(struct labels *u);
void labels_done(struct labels *u);
void labels_clear(struct labels *u);
/* Adds a record to a cell for each of its labels; its texts must live until labels_clear. */
void labels_add(struct labels *u, const struct record *r);
/* What a cell has goes to `other` of its label, or of all labels. That cell may be a new one, at the end. */
void labels_fold(struct labels *u, size_t cell, bool label_too);
