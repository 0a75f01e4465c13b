/* SPDX-License-Identifier: Apache-2.0 */
#include "store/analytics.h"

enum { DAY = 24 * 3600 };

/* The letters of a column `nodes` as bits. */
#define NODE_BIT(nodes, letter, node) (__builtin_strchr(nodes, letter) ? 1U << (node) : 0U)
#define NODE_BITS(nodes)                                                                                     \
    (NODE_BIT(nodes, 'R', NODE_REQUESTS) | NODE_BIT(nodes, 'C', NODE_CACHE) |                                \
     NODE_BIT(nodes, 'E', NODE_ERRORS) | NODE_BIT(nodes, 'S', NODE_SIZE) |                                   \
     NODE_BIT(nodes, 'L', NODE_LABELS))

const struct analytics_node_row analytics_nodes[NODE_COUNT] = {
#define NODE(id, name, type, history, span, doc) [id] = {name, type, (history)*DAY, (span)*DAY, doc},
#include "store/analytics.def"
};
const struct analytics_field analytics_dimensions[DIM_COUNT] = {
#define DIMENSION(id, name, type, nodes, doc) [id] = {NULL, name, TYPE_##type, NODE_BITS(nodes), doc},
#include "store/analytics.def"
};
const struct analytics_field analytics_measures[MEASURE_ALL_COUNT] = {
#define MEASURE(id, group, name, type, nodes, doc) [id] = {group, name, TYPE_##type, NODE_BITS(nodes), doc},
#include "store/analytics.def"
};

/* Seconds that values of a dimension of time are apart; 0: of none. */
static int64_t grain(enum analytics_dimension d)
{
    switch (d) {
    case DIM_DATE: return DAY;
    case DIM_DATETIME: return 1;
    case DIM_MINUTE: return 60;
    case DIM_FIVE_MINUTES: return 300;
    case DIM_FIFTEEN_MINUTES: return 900;
    case DIM_HOUR: return 3600;
    default: return 0;
    }
}

/* Does the dimension come from rows of the log only? `exactly`: not as a bound of time. */
static bool only_in_log(enum analytics_dimension d)
{
    return d == DIM_DATETIME || (d >= DIM_DURATION && d <= DIM_METADATA_RAW);
}

bool analytics_is_bound(const struct analytics_filter *test)
{
    return test->kind == FILTER_TEST && test->n == 1 && grain(test->dimension) > 0 && test->op <= OP_LEQ;
}

static int64_t down(int64_t n, int64_t step)
{
    return n - n % step;
}

static int64_t up(int64_t n, int64_t step)
{
    return down(n + step - 1, step);
}

static void at_least(int64_t *n, int64_t least)
{
    if (*n < least)
        *n = least;
}

static void at_most(int64_t *n, int64_t most)
{
    if (*n > most)
        *n = most;
}

/* Values of the dimension are multiples of its grain: those that pass the test, as a range of seconds. */
static void narrow(const struct analytics_filter *test, struct analytics_plan *p)
{
    int64_t g = grain(test->dimension), n = test->values[0].n;
    switch (test->op) {
    case OP_GT: at_least(&p->from, down(n, g) + g); break;
    case OP_GEQ: at_least(&p->from, up(n, g)); break;
    case OP_LT: at_most(&p->to, up(n, g)); break;
    case OP_LEQ: at_most(&p->to, down(n, g) + g); break;
    default: /* equal; none is, unless n is one of them */
        at_least(&p->from, up(n, g));
        at_most(&p->to, down(n, g) + g);
    }
}

/* What all must pass: bounds narrow the time, the rest says what has to be read. */
static void look_at(const struct analytics_filter *f, bool all, struct analytics_plan *p)
{
    if (f->kind != FILTER_TEST) {
        for (const struct analytics_filter *c = f->first; c; c = c->next)
            look_at(c, all && f->kind == FILTER_ALL, p);
        return;
    }
    if (all && analytics_is_bound(f)) {
        narrow(f, p);
        return;
    }
    int64_t g = grain(f->dimension);
    p->from_log |= only_in_log(f->dimension);
    p->fine |= g > 0 && g < 3600;
}

enum err analytics_plan(const struct analytics_query *q, int64_t now_s, struct analytics_plan *ret)
{
    const struct analytics_node_row *node = &analytics_nodes[q->node];
    struct analytics_plan p = {.from = INT64_MIN, .to = up(now_s + 1, 60)};
    if (q->filter)
        look_at(q->filter, true, &p);
    for (int d = 0; d < DIM_COUNT; d++) {
        if (!(q->dimensions >> d & 1))
            continue;
        int64_t g = grain((enum analytics_dimension)d);
        p.from_log |= only_in_log((enum analytics_dimension)d);
        p.fine |= g > 0 && g < 3600;
    }
    p.from_log &= q->node != NODE_SIZE && q->node != NODE_LABELS;
    if (!p.from_log)
        p.to = up(p.to, 60);
    if (p.from == INT64_MIN)
        p.from = p.to - node->span_s;
    if (!p.from_log)
        p.from = down(p.from, 60);
    if (p.to > p.from && p.to - p.from > node->span_s + 60) /* the minutes touched may be one more */
        return E_FULL;
    if (p.from < now_s - node->history_s - 3600) /* clocks differ */
        return E_NOT_FOUND;
    *ret = p;
    return E_OK;
}
