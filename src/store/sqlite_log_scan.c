/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking through the log zone by zone (store/zone.h), in steps, so that one long search does not keep the
 * others waiting.
 *
 *   plan: which zones may have rows, best first (sqlite_log_plan.h) ─ visit them ─ settle rows that nothing
 *   can come before any more ─ when the page is full: count the rest, or reckon it from a sample
 *
 * In the order of time a row is settled once all zones that may hold a newer one were visited. In any other
 * order the best `want` rows are kept until no zone can better them. What is planned once stays planned:
 * rows that arrive later are not looked for, rows deleted meanwhile are not found.
 */
#include "store/sqlite_log_plan.h"
#include "base/buf.h"
#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>

/* A row that was found. `rank` is what it is ordered by, but for equal ones; null ones are last. */
struct hit {
    struct log_ref ref;
    double rank;
    struct str text;
    bool null;
};

struct log_scan {
    struct log_db *db;
    struct log_query q; /* the filter and search are the caller's */
    struct sqlite3_stmt *visit, *count;
    const struct log_order_row *order;
    struct log_plan plan;
    size_t at; /* spans before it were visited */
    struct hit *hits;
    size_t n_hits, cap_hits;
    struct hit worst; /* of those worth keeping, once there are enough; its text is one of theirs */
    bool bounded;
    struct log_ref *out; /* settled and wanted */
    size_t n_out, cap_out;
    int64_t settled; /* rows passed over included */
    int64_t skip, want;
    bool endless;   /* an export: everything that is settled goes out at each step */
    bool full;      /* all that is wanted is found */
    size_t counted; /* spans before it are counted, once full */
    int64_t total, sampled, unknown;
    size_t stride;
    bool planned, counting;
    struct log_meta meta; /* of rows that were looked at */
};

/* ---- the order of rows ---- */

static int compare_hits(const struct hit *a, const struct hit *b, int sign, bool by_id)
{
    if (a->null != b->null)
        return a->null ? 1 : -1;
    int d = (a->rank > b->rank) - (a->rank < b->rank);
    if (d == 0)
        d = str_compare(a->text, b->text);
    if (d == 0 && by_id)
        d = memcmp(&a->ref.id, &b->ref.id, sizeof(a->ref.id));
    if (d == 0)
        d = (a->ref.seq > b->ref.seq) - (a->ref.seq < b->ref.seq);
    return sign * d;
}

static int up(const void *a, const void *b)
{
    return compare_hits(a, b, 1, false);
}

static int down(const void *a, const void *b)
{
    return compare_hits(a, b, -1, false);
}

static int up_by_id(const void *a, const void *b)
{
    return compare_hits(a, b, 1, true);
}

static int down_by_id(const void *a, const void *b)
{
    return compare_hits(a, b, -1, true);
}

static void sort_hits(struct log_scan *s)
{
    bool by_id = s->q.order == ORDER_CREATED && s->q.gateway;
    if (s->n_hits > 1)
        qsort(s->hits, s->n_hits, sizeof(*s->hits),
              by_id ? (s->q.ascending ? up_by_id : down_by_id) : (s->q.ascending ? up : down));
}

static void drop_hits(struct log_scan *s, size_t from)
{
    for (size_t i = from; i < s->n_hits; i++)
        mem_free((char *)(uintptr_t)s->hits[i].text.p);
    s->n_hits = from < s->n_hits ? from : s->n_hits;
}

/* ---- visiting ---- */

static struct str keep(const char *p, size_t n)
{
    char *copy = mem_alloc(n + 1);
    memcpy(copy, p, n);
    return str_of(copy, n);
}

static struct hit hit_of(const struct log_scan *s, struct sqlite3_stmt *st)
{
    struct hit h = {.ref = log_ref_of(st)};
    if (s->q.order == ORDER_CREATED) {
        h.rank = s->q.gateway ? (double)uuid_ms(h.ref.id) : (double)(h.ref.seq >> ZONE_SHIFT);
        return h;
    }
    const char *p = (const char *)sqlite3_column_text(st, 2);
    h.null = !p;
    if (p && s->order->text) {
        h.text = keep(p, (size_t)sqlite3_column_bytes(st, 2));
        h.rank = log_plan_rank(&s->plan, h.text);
    } else if (p)
        h.rank = sqlite3_column_double(st, 2);
    return h;
}

static void add_hit(struct log_scan *s, struct hit h)
{
    if (s->n_hits == s->cap_hits) {
        s->cap_hits = s->cap_hits ? 2 * s->cap_hits : 256;
        s->hits = mem_realloc(s->hits, s->cap_hits * sizeof(*s->hits));
    }
    s->hits[s->n_hits++] = h;
}

static void aim(struct log_scan *s, struct sqlite3_stmt *st, int64_t zone)
{
    sqlite3_bind_int64(st, 1, s->q.gateway);
    sqlite3_bind_int64(st, 2, zone << ZONE_SHIFT);
    sqlite3_bind_int64(st, 3, (zone << ZONE_SHIFT) + ZONE_ROWS - 1);
}

static enum err visit(struct log_scan *s, struct log_span *span)
{
    aim(s, s->visit, span->number);
    span->rows = 0;
    for (; sqlite3_step(s->visit) == SQLITE_ROW; span->rows++) {
        struct hit h = hit_of(s, s->visit);
        if (!s->bounded || compare_hits(&h, &s->worst, s->q.ascending ? 1 : -1, false) < 0)
            add_hit(s, h);
        else
            mem_free((char *)(uintptr_t)h.text.p);
    }
    return sqlite3_reset(s->visit) == SQLITE_OK ? E_OK : E_DB;
}

static enum err count(struct log_scan *s, struct log_span *span)
{
    aim(s, s->count, span->number);
    bool found = sqlite3_step(s->count) == SQLITE_ROW;
    span->rows = found ? sqlite3_column_int64(s->count, 0) : 0;
    for (int i = 0; found && s->q.meta && i < ZONE_RANGES; i++)
        if (sqlite3_column_type(s->count, 1 + 2 * i) != SQLITE_NULL)
            log_meta_add(&s->meta, (enum zone_number)i,
                         &(struct zone_range){sqlite3_column_int64(s->count, 1 + 2 * i),
                                              sqlite3_column_int64(s->count, 2 + 2 * i)});
    return sqlite3_reset(s->count) == SQLITE_OK ? E_OK : E_DB;
}

/* ---- settling ---- */

static void put_out(struct log_scan *s, const struct log_ref *ref)
{
    if (s->n_out == s->cap_out) {
        s->cap_out = s->cap_out ? 2 * s->cap_out : 64;
        s->out = mem_realloc(s->out, s->cap_out * sizeof(*s->out));
    }
    s->out[s->n_out++] = *ref;
}

static void settle(struct log_scan *s, const struct hit *h)
{
    if (s->settled >= s->skip && s->settled < s->want)
        put_out(s, &h->ref);
    s->settled++;
    s->full = s->settled >= s->want;
}

/* No row of spans[at] or behind comes before this one. */
static bool is_final(const struct log_scan *s, const struct hit *h)
{
    if (s->at == s->plan.n)
        return true;
    const struct log_span *next = &s->plan.spans[s->at];
    return s->q.ascending ? h->rank < next->low : h->rank > next->high;
}

/* Rows in the order of time go out as soon as they are final. */
static void settle_by_time(struct log_scan *s)
{
    size_t n = 0;
    sort_hits(s);
    while (n < s->n_hits && !s->full && is_final(s, &s->hits[n]))
        settle(s, &s->hits[n++]);
    if (n)
        memmove(s->hits, s->hits + n, (s->n_hits - n) * sizeof(*s->hits));
    s->n_hits -= n;
}

/* Can no row of spans[at] or behind come before the last one that is wanted? */
static bool is_beaten(const struct log_scan *s, const struct hit *worst)
{
    const struct log_span *next = &s->plan.spans[s->at];
    double best = s->q.ascending ? next->low : next->high;
    if (worst->null)
        return false;
    if (s->q.ascending ? best < worst->rank : best > worst->rank)
        return false;
    if (s->q.ascending ? best > worst->rank : best < worst->rank)
        return true;
    int64_t zone = worst->ref.seq >> ZONE_SHIFT;
    return s->q.ascending ? next->number > zone : next->number < zone;
}

/* The best rows are kept; they go out when none can better them. */
static void settle_by_rank(struct log_scan *s)
{
    size_t want = (size_t)s->want;
    bool over = s->at == s->plan.n;
    if (!over && s->n_hits < want + ZONE_ROWS && s->at % LOG_STEP_ZONES)
        return;
    sort_hits(s);
    drop_hits(s, want);
    s->bounded = s->n_hits == want;
    if (s->bounded)
        s->worst = s->hits[want - 1];
    if (!over && (s->n_hits < want || !is_beaten(s, &s->hits[want - 1])))
        return;
    for (size_t i = 0; i < s->n_hits; i++)
        settle(s, &s->hits[i]);
    drop_hits(s, 0);
    s->bounded = false;
    s->full = true;
}

static enum err seek(struct log_scan *s)
{
    enum err e = E_OK;
    for (int i = 0; e == E_OK && !s->full && i < LOG_STEP_ZONES && !(s->endless && s->n_out); i++) {
        if (s->at < s->plan.n)
            e = visit(s, &s->plan.spans[s->at++]);
        if (s->q.order == ORDER_CREATED)
            settle_by_time(s);
        else
            settle_by_rank(s);
        s->full |= s->at == s->plan.n && s->n_hits == 0;
    }
    return e;
}

/* ---- the total ---- */

static void begin_count(struct log_scan *s)
{
    int64_t unknown = 0;
    bool exact = s->q.meta && s->plan.n <= LOG_COUNT_ZONES; /* then every row is looked at */
    drop_hits(s, 0);
    for (size_t i = 0; i < s->plan.n; i++) {
        if (exact)
            s->plan.spans[i].rows = -1;
        unknown += s->plan.spans[i].rows < 0;
    }
    s->stride = unknown <= LOG_COUNT_ZONES ? 1 : (size_t)unknown / LOG_SAMPLE_ZONES;
    s->counting = true;
}

/* Every span that is known, and every stride-th of the others. */
static enum err count_some(struct log_scan *s)
{
    enum err e = E_OK;
    for (int i = 0; e == E_OK && i < LOG_STEP_ZONES && s->counted < s->plan.n; s->counted++) {
        struct log_span *span = &s->plan.spans[s->counted];
        if (span->rows >= 0) {
            s->total += span->rows;
            continue;
        }
        if ((size_t)s->unknown++ % s->stride)
            continue;
        e = count(s, span);
        s->sampled += span->rows;
        i++;
    }
    return e;
}

static int64_t reckon(const struct log_scan *s, struct log_page *page)
{
    page->estimated = s->stride > 1;
    if (!page->estimated)
        return s->total + s->sampled;
    int64_t looked = (s->unknown + (int64_t)s->stride - 1) / (int64_t)s->stride;
    int64_t all = s->total + (int64_t)((double)s->sampled / (double)looked * (double)s->unknown);
    return all > s->settled ? all : s->settled;
}

/* ---- the whole ---- */

static struct sqlite3_stmt *prepare(struct log_scan *s, const char *columns)
{
    struct buf sql;
    buf_init(&sql, LOG_SQL_MAX);
    (void)buf_printf(&sql, "SELECT %s FROM log WHERE seq BETWEEN ?2 AND ?3%s", columns,
                     s->q.gateway ? " AND +gateway = ?1" : "");
    log_put_conditions(&sql, &s->q, false);
    (void)buf_append_byte(&sql, '\0');
    struct sqlite3_stmt *st = sql.full ? NULL : sqlite_prepare(s->db->db, sql.p);
    buf_done(&sql);
    if (st)
        log_bind_conditions(st, &s->q, false);
    return st;
}

/* The rows of `out`, in its order; what was deleted meanwhile is left out. */
static enum err fetch(struct log_scan *s, struct log_page *page)
{
    char sql[LOG_SQL_BYTES];
    enum err e = E_OK;
    snprintf(sql, sizeof(sql), "SELECT %s, " LOG_ADDED_COLUMNS " FROM log WHERE seq = ?1", s->db->names);
    struct sqlite3_stmt *st = sqlite_prepare(s->db->db, sql);
    for (size_t i = 0; st && e == E_OK && i < s->n_out; i++) {
        sqlite3_bind_int64(st, 1, s->out[i].seq);
        e = log_read_rows(s->db, st, page->n + 1, page, NULL);
        sqlite3_reset(st);
    }
    sqlite3_finalize(st);
    s->n_out = 0;
    return st ? e : E_DB;
}

static enum err finish(struct log_scan *s, struct log_page *page)
{
    bool all = s->plan.n <= LOG_COUNT_ZONES;
    for (int i = 0; i < ZONE_RANGES && !all; i++)
        log_meta_add(&s->meta, (enum zone_number)i, &s->plan.bounds.ranges[i]);
    page->meta = s->meta;
    page->total = reckon(s, page);
    return fetch(s, page);
}

static enum err step(struct log_scan *s, struct log_page *page)
{
    enum err e;
    if (!s->planned) {
        s->planned = true;
        e = s->visit && s->count ? log_plan_make(&s->plan, s->db, &s->q) : E_DB;
    } else if (!s->full) {
        e = seek(s);
    } else if (!s->counting) {
        begin_count(s);
        e = E_OK;
    } else if (s->counted < s->plan.n) {
        e = count_some(s);
    } else {
        return finish(s, page);
    }
    return e == E_OK ? E_AGAIN : e;
}

static enum err step_endless(struct log_scan *s, struct log_page *page)
{
    enum err e = E_OK;
    if (!s->planned) {
        s->planned = true;
        e = s->visit ? log_plan_make(&s->plan, s->db, &s->q) : E_DB;
    } else {
        e = seek(s);
    }
    if (e == E_OK)
        e = fetch(s, page);
    return e == E_OK && !s->full ? E_AGAIN : e;
}

enum err log_scan_step(struct log_scan *s, struct log_page *page)
{
    if (!s->endless && log_query_is_known(&s->q))
        return page->err = log_list_known(s->db, &s->q, page);
    if (s->q.order != ORDER_CREATED && s->want > LOG_DEEP_ROWS)
        return page->err = E_FULL;
    page->err = sqlite_run(s->db->db, "BEGIN"); /* one moment for each step */
    if (page->err == E_OK)
        page->err = s->endless ? step_endless(s, page) : step(s, page);
    sqlite3_exec(s->db->db, "ROLLBACK", NULL, NULL, NULL);
    return page->err;
}

enum err log_scan_refs(struct log_scan *s, struct log_ref **ret, size_t *ret_n)
{
    enum err e = E_OK;
    struct log_page none = {0};
    if (!s->full)
        e = s->q.order != ORDER_CREATED && s->want > LOG_DEEP_ROWS ? E_FULL : sqlite_run(s->db->db, "BEGIN");
    if (e == E_OK && !s->full)
        e = step(s, &none);
    sqlite3_exec(s->db->db, "ROLLBACK", NULL, NULL, NULL);
    if (e != E_AGAIN && e != E_OK)
        return e;
    *ret = s->out;
    *ret_n = s->n_out;
    return s->full ? E_OK : E_AGAIN;
}

struct log_scan *log_scan_new(struct log_db *db, const struct log_query *q, bool endless)
{
    struct log_scan *s = mem_zalloc(sizeof(*s));
    *s =
        (struct log_scan){.db = db, .q = *q, .order = log_order_of(q), .endless = endless, .want = INT64_MAX};
    char columns[64];
    const char *key = s->order->sql;
    if (!key)
        s->q.order = ORDER_CREATED;
    s->skip = endless ? 0 : log_skipped(q);
    if (!endless && s->skip < INT64_MAX - LOG_PAGE_ROWS)
        s->want = s->skip + log_page_size(q);
    snprintf(columns, sizeof(columns), "seq, id%s%s", key ? ", " : "", key ? key : "");
    s->visit = prepare(s, columns);
    s->count = prepare(s, q->meta ? "count(*), min(created), max(created), min(cost_pico), max(cost_pico),"
                                    " min(tokens_in), max(tokens_in), min(tokens_out), max(tokens_out),"
                                    " min(tokens_in + tokens_out), max(tokens_in + tokens_out),"
                                    " min((duration_us + 500) / 1000), max((duration_us + 500) / 1000)"
                                  : "count(*)");
    log_meta_clear(&s->meta);
    return s;
}

void log_scan_free(struct log_scan *s)
{
    if (!s)
        return;
    drop_hits(s, 0);
    sqlite3_finalize(s->visit);
    sqlite3_finalize(s->count);
    log_plan_done(&s->plan);
    mem_free(s->hits);
    mem_free(s->out);
    mem_free(s);
}
