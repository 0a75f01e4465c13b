/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_log_plan.h"
#include "base/buf.h"
#include "base/limits.h"

#include <endian.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct log_order_row orders[] = {
    [ORDER_CREATED] = {NULL, ZONE_RANGES, false, false},
    [ORDER_PROVIDER] = {"provider", ZONE_RANGES, true, true},
    [ORDER_MODEL] = {"model", ZONE_RANGES, true, true},
    [ORDER_MODEL_TYPE] = {"model_type", ZONE_RANGES, true, true},
    [ORDER_SUCCESS] = {"flags & 1", ZONE_RANGES, true, false},
    [ORDER_CACHED] = {"(flags & 2) / 2", ZONE_RANGES, true, false},
    [ORDER_COST] = {"cost_pico", ZONE_COST, false, false},
    [ORDER_TOKENS_IN] = {"tokens_in", ZONE_TOKENS_IN, false, false},
    [ORDER_TOKENS_OUT] = {"tokens_out", ZONE_TOKENS_OUT, false, false},
    [ORDER_TOKENS] = {"tokens_in + tokens_out", ZONE_TOKENS, false, false},
    [ORDER_DURATION] = {"duration_us", ZONE_DURATION, false, false},
    [ORDER_FEEDBACK] = {"feedback", ZONE_RANGES, false, false},
};
_Static_assert(REC_SUCCESS == 1 && REC_CACHED == 2, "orders");

const struct log_order_row *log_order_of(const struct log_query *q)
{
    return &orders[(size_t)q->order < countof(orders) ? q->order : ORDER_CREATED];
}

struct planner {
    struct log_plan *plan;
    struct log_db *db;
    const struct log_query *q;
    const struct log_order_row *order;
    struct facet_rank {
        bool fits;    /* its rows meet what facets can say */
        bool is_null; /* they have nothing to be ordered by */
        double rank;
    } * facets;
    int64_t max_facet;
    int64_t next; /* zones below it have been dealt with */
};

/* ---- facets ---- */

static double rank_of_next(struct log_plan *p, struct str text)
{
    if (!p->n_texts || str_compare(p->texts[p->n_texts - 1], text) != 0) {
        if (p->n_texts == p->cap_texts) {
            p->cap_texts = p->cap_texts ? 2 * p->cap_texts : 16;
            p->texts = mem_realloc(p->texts, p->cap_texts * sizeof(*p->texts));
        }
        char *own = mem_alloc(text.n + 1);
        if (text.n)
            memcpy(own, text.p, text.n);
        p->texts[p->n_texts++] = str_of(own, text.n);
    }
    return (double)(p->n_texts - 1);
}

double log_plan_rank(const struct log_plan *p, struct str text)
{
    size_t low = 0, high = p->n_texts;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int d = str_compare(p->texts[mid], text);
        if (d == 0)
            return (double)mid;
        if (d < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return (double)low - 0.5;
}

/* A row of id and what the query is ordered by, in that order. */
static void rank_facet(struct planner *p, struct sqlite3_stmt *st)
{
    int64_t id = sqlite3_column_int64(st, 0);
    if (id < 0 || id > p->max_facet)
        return;
    struct facet_rank *f = &p->facets[id];
    f->fits = true;
    if (!p->order->facet)
        return;
    if (!p->order->text) {
        f->rank = sqlite3_column_double(st, 1);
        return;
    }
    const char *text = (const char *)sqlite3_column_text(st, 1);
    size_t n = (size_t)sqlite3_column_bytes(st, 1);
    f->is_null = n == 0;
    if (n)
        f->rank = rank_of_next(p->plan, str_of(text, n));
}

static struct sqlite3_stmt *select_facets(const struct planner *p)
{
    struct buf sql;
    const struct log_query *q = p->q;
    buf_init(&sql, LOG_SQL_MAX);
    (void)buf_printf(&sql, "SELECT id, %s FROM facet WHERE %s", p->order->facet ? p->order->sql : "0",
                     q->gateway ? "gateway = ?1" : "1");
    log_put_conditions(&sql, q, true);
    (void)buf_append(&sql, STR(" ORDER BY 2"));
    (void)buf_append_byte(&sql, '\0');
    struct sqlite3_stmt *st = sql.full ? NULL : sqlite_prepare(p->db->db, sql.p);
    buf_done(&sql);
    if (st && q->gateway)
        sqlite3_bind_int64(st, 1, q->gateway);
    if (st)
        log_bind_conditions(st, q, true);
    return st;
}

static enum err rank_facets(struct planner *p)
{
    p->max_facet = sqlite_number(p->db->db, "SELECT coalesce(max(id), 0) FROM facet", -1);
    if (p->max_facet < 0)
        return E_DB;
    p->facets = mem_zalloc(((size_t)p->max_facet + 1) * sizeof(*p->facets));
    struct sqlite3_stmt *st = select_facets(p);
    while (st && sqlite3_step(st) == SQLITE_ROW)
        rank_facet(p, st);
    enum err e = st && sqlite3_reset(st) == SQLITE_OK ? E_OK : E_DB;
    sqlite3_finalize(st);
    return e;
}

/* ---- one zone ---- */

static void add_span(struct log_plan *p, const struct log_span *span)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 64;
        p->spans = mem_realloc(p->spans, p->cap * sizeof(*p->spans));
    }
    p->spans[p->n++] = *span;
}

static struct log_span anywhere(const struct planner *p, int64_t number)
{
    struct log_span s = {.number = number, .low = -DBL_MAX, .high = DBL_MAX, .rows = -1};
    if (p->order == &orders[ORDER_CREATED] && !p->q->gateway)
        s.low = s.high = (double)number;
    return s;
}

/* Where its rows stand in the order. Those without anything to be ordered by stand behind all others,
 * whichever way: they are in no bound. */
static void bound(const struct planner *p, const struct zone_summary *z, struct log_span *s)
{
    enum zone_number range = p->order->range;
    if (p->order == &orders[ORDER_CREATED] && p->q->gateway) {
        s->low = (double)z->first_ms;
        s->high = (double)z->last_ms;
    } else if (range != ZONE_RANGES ? z->ranges[range].min > z->ranges[range].max
                                    : p->order == &orders[ORDER_FEEDBACK] && !(z->has & ZONE_HAS_FEEDBACK)) {
        s->low = DBL_MAX;
        s->high = -DBL_MAX;
    } else if (range != ZONE_RANGES) {
        /* durations are kept in ms, rounded, and ordered in us */
        double unit = range == ZONE_DURATION ? 1000 : 1, slack = range == ZONE_DURATION ? 500 : 0;
        s->low = (double)z->ranges[range].min * unit - slack;
        s->high = (double)z->ranges[range].max * unit + slack;
    }
}

/* How many rows of the zone meet what facets can say; -1: it does not count them. With what facets know of
 * their place in the order. */
static int64_t weigh_facets(const struct planner *p, struct str pairs, struct log_span *s)
{
    int64_t rows = 0;
    if (p->order->facet && pairs.n) {
        s->low = DBL_MAX;
        s->high = -DBL_MAX;
    }
    for (size_t i = 0; i + 8 <= pairs.n; i += 8) {
        uint32_t pair[2];
        memcpy(pair, pairs.p + i, sizeof(pair));
        uint32_t id = le32toh(pair[0]), n = le32toh(pair[1]);
        const struct facet_rank *f = id <= p->max_facet ? &p->facets[id] : NULL;
        if (!f || !f->fits || !n)
            continue;
        rows += n;
        if (p->order->facet && !f->is_null) {
            s->low = fmin(s->low, f->rank);
            s->high = fmax(s->high, f->rank);
        }
    }
    return pairs.n ? rows : -1;
}

/* By the clauses that facets do not answer. */
static enum zone_verdict judge(const struct log_query *q, const struct zone_summary *z)
{
    enum zone_verdict all = q->search.n ? ZONE_SOME : ZONE_ALL;
    for (size_t i = 0; i < q->filter.n; i++) {
        const struct log_clause *c = &q->filter.clauses[i];
        if (log_keys[c->key].facet)
            continue;
        enum zone_verdict v = log_clause_zone(c, z);
        all = v < all ? v : all;
    }
    return all;
}

static struct str blob_at(struct sqlite3_stmt *st, int column)
{
    const char *p = sqlite3_column_blob(st, column);
    return str_of(p, (size_t)sqlite3_column_bytes(st, column));
}

/* By the texts of the zone; st: of select_texts, NULL where they say nothing about the query. */
static bool texts_fit(const struct log_query *q, const struct zone_summary *z, struct sqlite3_stmt *st,
                      int64_t zone)
{
    if (!st)
        return true;
    sqlite3_bind_int64(st, 1, zone);
    bool fit = true;
    if (sqlite3_step(st) == SQLITE_ROW) {
        struct str bloom = blob_at(st, 0), trigrams = blob_at(st, 1);
        fit = !q->search.n || log_search_parts(q->search, trigrams);
        for (size_t i = 0; fit && i < q->filter.n; i++) {
            const struct log_clause *c = &q->filter.clauses[i];
            fit = log_clause_terms(c, z, bloom) && log_clause_parts(c, trigrams);
        }
    }
    sqlite3_reset(st);
    return fit;
}

/* A row of number, summary, facets. */
static void plan_zone(struct planner *p, struct sqlite3_stmt *st, struct sqlite3_stmt *texts)
{
    struct zone_summary z;
    struct log_span span = anywhere(p, sqlite3_column_int64(st, 0));
    p->next = span.number + 1;
    if (!zone_summary_unpack(blob_at(st, 1), &z)) {
        add_span(p->plan, &span);
        return;
    }
    bound(p, &z, &span);
    int64_t rows = weigh_facets(p, blob_at(st, 2), &span);
    enum zone_verdict v = rows == 0 ? ZONE_NONE : judge(p->q, &z);
    if (v == ZONE_NONE || !texts_fit(p->q, &z, texts, span.number))
        return;
    for (int i = 0; i < ZONE_RANGES; i++)
        log_meta_add(&p->plan->bounds, (enum zone_number)i, &z.ranges[i]);
    span.rows = v == ZONE_ALL ? rows : -1;
    add_span(p->plan, &span);
}

/* Rows behind the last zone: the tail, and what a crash kept from being summed up. */
static void plan_tail(struct planner *p)
{
    int64_t first = sqlite_number(p->db->db, "SELECT min(seq) FROM log", 0) >> ZONE_SHIFT;
    int64_t last = sqlite_number(p->db->db, "SELECT coalesce(max(seq), -1) FROM log", -1);
    for (int64_t n = first > p->next ? first : p->next; last >= 0 && n <= last >> ZONE_SHIFT; n++) {
        struct log_span any = anywhere(p, n);
        add_span(p->plan, &any);
    }
}

/* ---- the whole ---- */

static bool any_clause(const struct log_query *q, bool (*has)(const struct log_clause *c))
{
    for (size_t i = 0; i < q->filter.n; i++)
        if (has(&q->filter.clauses[i]))
            return true;
    return false;
}

/* The texts of zone ?1 that the query is about: terms, trigrams. NULL: it is about none. */
static struct sqlite3_stmt *select_texts(const struct planner *p)
{
    bool terms = any_clause(p->q, log_clause_has_terms);
    if (p->q->search.n || any_clause(p->q, log_clause_has_parts))
        return sqlite_prepare(p->db->db, "SELECT terms, trigrams FROM zone_terms"
                                         " NATURAL LEFT JOIN zone_trigrams WHERE number = ?1");
    return terms ? sqlite_prepare(p->db->db, "SELECT terms, NULL FROM zone_terms WHERE number = ?1") : NULL;
}

/* Best first. */
static int by_high(const void *a, const void *b)
{
    const struct log_span *x = a, *y = b;
    int d = (x->high < y->high) - (x->high > y->high);
    return d ? d : (x->number < y->number) - (x->number > y->number);
}

static int by_low(const void *a, const void *b)
{
    const struct log_span *x = a, *y = b;
    int d = (x->low > y->low) - (x->low < y->low);
    return d ? d : (x->number > y->number) - (x->number < y->number);
}

enum err log_plan_make(struct log_plan *plan, struct log_db *db, const struct log_query *q)
{
    struct planner p = {.plan = plan, .db = db, .q = q, .order = log_order_of(q)};
    log_meta_clear(&plan->bounds);
    struct sqlite3_stmt *texts = select_texts(&p);
    struct sqlite3_stmt *st =
        sqlite_prepare(db->db, "SELECT number, summary, facets FROM zone ORDER BY number");
    enum err e = st ? rank_facets(&p) : E_DB;
    while (e == E_OK && sqlite3_step(st) == SQLITE_ROW)
        plan_zone(&p, st, texts);
    if (e == E_OK && sqlite3_reset(st) != SQLITE_OK)
        e = E_DB;
    if (e == E_OK)
        plan_tail(&p);
    sqlite3_finalize(st);
    sqlite3_finalize(texts);
    mem_free(p.facets);
    if (plan->n)
        qsort(plan->spans, plan->n, sizeof(*plan->spans), q->ascending ? by_low : by_high);
    return e;
}

void log_plan_done(struct log_plan *p)
{
    for (size_t i = 0; i < p->n_texts; i++)
        mem_free((char *)(uintptr_t)p->texts[i].p);
    mem_free(p->texts);
    mem_free(p->spans);
    *p = (struct log_plan){0};
}
