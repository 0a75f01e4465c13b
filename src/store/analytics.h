/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions about requests: which of them (filter), grouped by what (dimensions), and what to tell about each
 * group (measures). analytics.def is the list of all three.
 *
 *   analytics_query ─ analytics_plan: from when to when, from roll-ups or from the log ─ analytics_run ─ rows
 *
 * Roll-ups know every request, also those that left no row, and answer in milliseconds. Where a dimension is
 * asked for that only rows of the log have, the log is read.
 */
#pragma once
#include "store/catalog.h"
#include "store/store.h"

enum analytics_node {
#define NODE(id, name, type, history, span, doc) id,
#include "store/analytics.def"
    NODE_COUNT
};
enum analytics_dimension {
#define DIMENSION(id, name, type, nodes, doc) id,
#include "store/analytics.def"
    DIM_COUNT
};
enum analytics_measure {
#define MEASURE(id, group, name, type, nodes, doc) id,
#include "store/analytics.def"
    MEASURE_ALL_COUNT
};
_Static_assert(DIM_COUNT <= 64 && MEASURE_ALL_COUNT <= 64, "masks of analytics_query");

enum analytics_type {
    TYPE_TEXT,
    TYPE_TEXTS,
    TYPE_COUNT,
    TYPE_FLAG,
    TYPE_TIME,
    TYPE_DATE,
    TYPE_MONEY,
    TYPE_TOOK
};

struct analytics_node_row {
    const char *name, *type;
    int64_t history_s, span_s; /* how old, and how long */
    const char *doc;
};
struct analytics_field {
    const char *group; /* NULL: a dimension */
    const char *name;
    enum analytics_type type;
    unsigned nodes; /* bits, 1 << node */
    const char *doc;
};
extern const struct analytics_node_row analytics_nodes[NODE_COUNT];
extern const struct analytics_field analytics_dimensions[DIM_COUNT];
extern const struct analytics_field analytics_measures[MEASURE_ALL_COUNT];

struct analytics_value {
    enum { VALUE_NULL, VALUE_INT, VALUE_TEXT } kind;
    int64_t n;
    struct str s;
};

enum analytics_op {
    OP_EQ,
    OP_GT,
    OP_GEQ,
    OP_LT,
    OP_LEQ,
    OP_NEQ,
    OP_IN,
    OP_NOTIN,
    OP_LIKE,
    OP_HAS,
    OP_HAS_ANY,
    OP_HAS_ALL,
    OP_COUNT
};

/* A tree. Values are of the dimension's type: texts, or integers in its unit; `like` and `has` take texts. */
struct analytics_filter {
    enum { FILTER_ALL, FILTER_ANY, FILTER_TEST } kind;
    struct analytics_filter *next,
        *first; /* sibling; first child. ALL of none is true, ANY of none is false */
    enum analytics_dimension dimension;
    enum analytics_op op;
    const struct analytics_value *values;
    size_t n;
};

struct analytics_order {
    bool measure; /* else a dimension */
    int id;
    bool descending;
};

struct analytics_query {
    enum analytics_node node;
    struct str account;
    const struct token *token;             /* of gateways it covers only; NULL: of all of the account */
    uint64_t dimensions, measures;         /* bits, 1 << id */
    const struct analytics_filter *filter; /* NULL: all */
    const struct analytics_order
        *orders; /* dimensions among them are in the mask; ties follow the dimensions */
    size_t n_orders;
    int64_t limit;
};

/* What follows from a query. Times in seconds since 1970, `to` is not included. */
struct analytics_plan {
    int64_t from, to;
    bool from_log; /* a dimension only the log has */
    bool fine;     /* a time finer than hours matters beyond from and to */
};

/*
 * Pure. E_OK; E_FULL: the time is longer than the node's span; E_NOT_FOUND: it begins before its history.
 * Where the filter does not say, it ends now and is as long as may be. Roll-ups are of minutes: from and to
 * are then the minutes touched.
 */
enum err analytics_plan(const struct analytics_query *q, int64_t now_s,
                        struct analytics_plan *ret) MUST_CHECK;
/* A test that is nothing but a bound of the plan's time. Only if it stands where all must hold. */
bool analytics_is_bound(const struct analytics_filter *test);

/* A group. Values of what was not asked for are null; texts live until the callback returns. */
struct analytics_row {
    struct analytics_value dimensions[DIM_COUNT], measures[MEASURE_ALL_COUNT];
};
typedef void analytics_row_fn(void *arg, const struct analytics_row *row);

struct analytics; /* on the store's reader */
/*
 * Answers a query, a call for each group in its order. E_OK; E_FULL: the filter has too many parts;
 * E_TIMED_OUT: the time of this question is used up; E_DB.
 */
enum err analytics_run(struct analytics *a, const struct analytics_query *q, const struct analytics_plan *p,
                       analytics_row_fn *on_row, void *arg) MUST_CHECK;
/*
 * Calls `ask` on the reader's thread, where it may run queries; then `done` on l, once. Between the two calls
 * whatever arg points to belongs to them.
 */
void store_ask_analytics(struct store *s, struct loop *l, void (*ask)(void *arg, struct analytics *a),
                         void (*done)(void *arg), void *arg);
