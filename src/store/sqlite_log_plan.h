/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which zones of the log a query has to look at, and in what order: those that may have rows that meet it,
 * the one that may have the best first. What zones know (store/zone.h) is judged, no row is read.
 *
 * Rows are compared by a number, their rank. Where the query orders by texts, it is the text's number among
 * those the log has; one that zones do not know stands half-way between two of them.
 */
#pragma once
#include "store/sqlite_logs.h"

/* How rows are ordered. */
struct log_order_row {
    const char *sql; /* of a row of log; NULL: by time */
    enum zone_number range;
    bool facet; /* the table facet has the same columns */
    bool text;
};
/* Of ORDER_CREATED where the number is none. */
const struct log_order_row *log_order_of(const struct log_query *q);

/* A zone that may have rows; the ranks of those that have one are low to high. */
struct log_span {
    int64_t number;
    double low, high;
    int64_t rows; /* that meet the query; -1: not known */
};

struct log_plan {
    struct log_span *spans;
    size_t n, cap;
    struct log_meta bounds; /* of all these zones */
    struct str *texts;      /* in order; own their bytes */
    size_t n_texts, cap_texts;
};

/* Fills a plan that is all zero. Within a transaction. The reader's thread. */
enum err log_plan_make(struct log_plan *p, struct log_db *db, const struct log_query *q) MUST_CHECK;
void log_plan_done(struct log_plan *p);
double log_plan_rank(const struct log_plan *p, struct str text);
