/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A query becomes one statement:
 *
 *   SELECT dimensions, measures FROM (source) WHERE filter GROUP BY dimensions HAVING ... ORDER BY ... LIMIT
 * n
 *
 * The source is of one form whatever it is read from: hours, the minutes before the first and after the last
 * whole hour, or rows of the log. What bounds the time, and names gateways outright, is part of it; the rest
 * of the filter is tests of expressions. Numbers stand in the text, everything a client wrote is bound.
 */
#include "store/sqlite_analytics.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "store/sqlite_functions.h"
#include "store/sqlite_rollup.h"
#include "store/token.h"

#include <stdio.h>

/* ---- gateways ---- */

/* gateway_name(id) */
static void gateway_name(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const struct analytics *a = sqlite3_user_data(ctx);
    const struct gateway *g = catalog_gateway_id(a->catalog, sqlite3_value_int64(argv[0]));
    (void)argc;
    if (g)
        sqlite3_result_text64(ctx, g->slug.p, g->slug.n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static int64_t find_management(const struct gateway *g)
{
    int64_t rows = -1;
    struct json_doc *doc = json_parse(g ? g->settings : STR("{}"));
    if (!json_uint(json_get(json_root(doc), "log_management"), &rows))
        rows = -1;
    json_free(doc);
    return rows;
}

/* log_management(id); rows come gateway by gateway */
static void log_management(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct analytics *a = sqlite3_user_data(ctx);
    int64_t id = sqlite3_value_int64(argv[0]);
    (void)argc;
    if (id != a->managed_gateway)
        a->managed = find_management(catalog_gateway_id(a->catalog, id));
    a->managed_gateway = id;
    if (a->managed >= 0)
        sqlite3_result_int64(ctx, a->managed);
}

static int too_late(void *arg)
{
    const struct analytics *a = arg;
    return clock_us() > a->deadline_us;
}

bool sqlite_analytics_init(struct analytics *a, struct sqlite3 *db)
{
    *a = (struct analytics){.db = db};
    sqlite3_progress_handler(db, 10000, too_late, a);
    a->deadline_us = UINT64_MAX;
    return sqlite_analytics_functions(db) == SQLITE_OK &&
           sqlite3_create_function(db, "gateway_name", 1, SQLITE_UTF8, a, gateway_name, NULL, NULL) ==
               SQLITE_OK &&
           sqlite3_create_function(db, "log_management", 1, SQLITE_UTF8, a, log_management, NULL, NULL) ==
               SQLITE_OK;
}

/* ---- expressions ---- */

#define IS_CACHED "(marks & 1 > 0)"
#define IS_ERROR "(marks & 2 > 0)"
#define IS_LIMITED "(marks & 4 > 0)"
#define IS_WHOLESALE "(marks & 8 > 0)"
#define WAS_CACHE_ASKED "(marks & 17 > 0)"
_Static_assert(MARK_CACHED == 1 && MARK_ERROR == 2 && MARK_RATE_LIMITED == 4 && MARK_WHOLESALE == 8 &&
                   MARK_CACHE_MISSED == 16,
               "the expressions above");
_Static_assert(REC_SUCCESS == 1 && REC_CACHED == 2 && REC_WHOLESALE == 32 && REC_FOLLOWED == 4096 &&
                   REC_RATE_LIMITED == 8192 && REC_CACHE_MISSED == 16384 && REC_ERROR_MASK == 520093696 &&
                   MARK_ERROR_KIND == 520093696,
               "log_columns");

static const char *const dimension_sql[DIM_COUNT] = {
    [DIM_DATE] = "at / 1440 * 86400",
    [DIM_DATETIME] = "second",
    [DIM_MINUTE] = "at * 60",
    [DIM_FIVE_MINUTES] = "at / 5 * 300",
    [DIM_FIFTEEN_MINUTES] = "at / 15 * 900",
    [DIM_HOUR] = "at / 60 * 3600",
    [DIM_GATEWAY] = "gateway_name(gateway)",
    [DIM_PROVIDER] = "provider",
    [DIM_MODEL] = "model",
    [DIM_CACHED] = IS_CACHED,
    [DIM_ERROR] = IS_ERROR,
    [DIM_RATE_LIMITED] = IS_LIMITED,
    [DIM_STATUS] = "status",
    [DIM_WHOLESALE] = IS_WHOLESALE,
    [DIM_ERROR_KIND] = "coalesce(error_kind(marks), '')",
    [DIM_DURATION] = "(took_us + 500) / 1000",
    [DIM_TOKENS_IN] = "tokens_in",
    [DIM_TOKENS_OUT] = "tokens_out",
    [DIM_COST] = "cost_pico",
    [DIM_USER_AGENT] = "coalesce(user_agent, '')",
    [DIM_METADATA_KEYS] = "entries(metadata, 0)",
    [DIM_METADATA_VALUES] = "entries(metadata, 1)",
    [DIM_METADATA_RAW] = "coalesce(metadata, '')",
    [DIM_CACHE_OP] = "iif(" IS_CACHED ", 'hit', 'miss')",
    [DIM_CACHE_STATUS] = "iif(" IS_CACHED ", 'hit', 'miss')",
    [DIM_LOG_MANAGEMENT] = "log_management(gateway)",
    [DIM_LABEL] = "label",
    [DIM_VALUE] = "value",
    [DIM_OTHER] = "other",
};

#define SUM_WHERE(condition, column) "sums(iif(" condition ", " column ", 0))"
#define SHARE(column, p) "time_share(all_times(" column "), " p ")"

static const char *const measure_sql[MEASURE_ALL_COUNT] = {
    [MEASURE_COUNT] = "sums(requests)",
    [MEASURE_CACHED_REQUESTS] = "sums(cached)",
    [MEASURE_ERRORED_REQUESTS] = "sums(errors)",
    [MEASURE_CACHED_TOKENS_IN] = SUM_WHERE(IS_CACHED, "tokens_in"),
    [MEASURE_CACHED_TOKENS_OUT] = SUM_WHERE(IS_CACHED, "tokens_out"),
    [MEASURE_UNCACHED_TOKENS_IN] = SUM_WHERE("NOT " IS_CACHED, "tokens_in"),
    [MEASURE_UNCACHED_TOKENS_OUT] = SUM_WHERE("NOT " IS_CACHED, "tokens_out"),
    [MEASURE_TOKENS_IN] = "sums(tokens_in)",
    [MEASURE_TOKENS_OUT] = "sums(tokens_out)",
    [MEASURE_CACHE_READ_TOKENS] = "sums(cache_read_tokens)",
    [MEASURE_CACHE_WRITE_TOKENS] = "sums(cache_write_tokens)",
    [MEASURE_COST] = "sums(cost_pico)",
    [MEASURE_SAVED] = "sums(saved_pico)",
    [MEASURE_ATTEMPTS] = "sums(attempts)",
    [MEASURE_UNPRICED] = "sums(unpriced)",
    [MEASURE_REQUEST_BYTES] = "sums(request_bytes)",
    [MEASURE_RESPONSE_BYTES] = "sums(response_bytes)",
    [MEASURE_AVG_DURATION] = "sums(duration_us) / nullif(sums(requests), 0)",
    [MEASURE_AVG_TTFT] = "sums(first_byte_us) / nullif(sums(first_bytes), 0)",
    [MEASURE_DURATION_P50] = SHARE("durations", "0.5"),
    [MEASURE_DURATION_P90] = SHARE("durations", "0.9"),
    [MEASURE_DURATION_P95] = SHARE("durations", "0.95"),
    [MEASURE_DURATION_P99] = SHARE("durations", "0.99"),
    [MEASURE_TTFT_P50] = SHARE("first_byte_times", "0.5"),
    [MEASURE_TTFT_P90] = SHARE("first_byte_times", "0.9"),
    [MEASURE_TTFT_P95] = SHARE("first_byte_times", "0.95"),
    [MEASURE_TTFT_P99] = SHARE("first_byte_times", "0.99"),
    [MEASURE_ROWS] = "max(rows)",
    [MEASURE_LAST] = "max(last) / 1000",
};

/* Columns of the source; times only where they are asked for, as they are the longest. */
static const char rollup_columns[] =
    "gateway, at, provider, model, status, marks, requests, attempts, unpriced, tokens_in, tokens_out,"
    " cache_read_tokens, cache_write_tokens, cost_pico, saved_pico, duration_us, first_byte_us, first_bytes,"
    " request_bytes, response_bytes, iif(" IS_CACHED ", requests, 0) AS cached,"
    " iif(" IS_ERROR ", requests, 0) AS errors";
static const char label_columns[] =
    "gateway, at, at * 60 AS second, label, other, value, requests, cached, errors, unpriced, tokens_in,"
    " tokens_out, cost_pico, saved_pico, last";
static const char rollup_times_columns[] = ", durations, first_byte_times";

#define COUNTED "(flags & 4096 = 0)"
static const char log_columns[] =
    "gateway, created / 60000 AS at, created / 1000 AS second, coalesce(provider, '') AS provider,"
    " coalesce(model, '') AS model, coalesce(status, 0) AS status,"
    " (flags & 2 > 0) + 2 * (flags & 1 = 0) + 4 * (flags & 8192 > 0) + 8 * (flags & 32 > 0)"
    " + 16 * (flags & 16384 > 0) + (flags & 520093696) AS marks,"
    " " COUNTED " AS requests, 1 AS attempts, (flags & 1 AND cost_pico IS NULL) AS unpriced,"
    " tokens_in, tokens_out, cached_tokens AS cache_read_tokens, cache_write_tokens, cost_pico, saved_pico,"
    " iif(" COUNTED ", duration_us, 0) AS duration_us, iif(" COUNTED ", latency_us, 0) AS first_byte_us,"
    " (" COUNTED " AND latency_us IS NOT NULL) AS first_bytes, request_bytes, response_bytes,"
    " (" COUNTED " AND flags & 2) AS cached, (" COUNTED " AND flags & 1 = 0) AS errors,"
    " duration_us AS took_us, user_agent, metadata";
static const char log_times_columns[] = ", iif(" COUNTED ", duration_us, NULL) AS durations,"
                                        " iif(" COUNTED ", latency_us, NULL) AS first_byte_times";

/* Groups that nobody would miss: of tries that another one followed, free of charge. */
#define IS_SOMETHING                                                                                         \
    "sums(requests) > 0 OR sums(cost_pico) > 0 OR sums(tokens_in) > 0 OR sums(tokens_out) > 0"
static const char *const having[NODE_COUNT] = {
    [NODE_REQUESTS] = IS_SOMETHING,        [NODE_LABELS] = IS_SOMETHING,
    [NODE_CACHE] = "sums(requests) > 0",   [NODE_ERRORS] = "sums(requests) > 0",
    [NODE_SIZE] = "max(rows) IS NOT NULL",
};
static const char *const of_node[NODE_COUNT] = {
    [NODE_REQUESTS] = "1", [NODE_CACHE] = WAS_CACHE_ASKED, [NODE_ERRORS] = IS_ERROR, [NODE_SIZE] = "1",
    [NODE_LABELS] = "1",
};

/* ---- writing the statement ---- */

struct sql {
    const struct analytics *a;
    const struct analytics_query *q;
    const struct analytics_plan *p;
    struct buf text;
    const struct analytics_value *bound[ANALYTICS_VALUES];
    size_t n_bound, n_gateways;
    bool too_many;
};

static void put(struct sql *s, const char *text)
{
    (void)buf_append_c(&s->text, text);
}

static void put_value(struct sql *s, const struct analytics_value *v)
{
    if (s->n_bound == ANALYTICS_VALUES) {
        s->too_many = true;
        return;
    }
    s->bound[s->n_bound++] = v;
    (void)buf_printf(&s->text, "?%zu", s->n_bound);
}

/* Tests that name gateways where all must hold: they choose what is read at all. */
static bool names_gateways(const struct analytics_filter *f)
{
    return f->kind == FILTER_TEST && f->dimension == DIM_GATEWAY && (f->op == OP_EQ || f->op == OP_IN);
}

static bool names_this(const struct analytics_filter *f, const struct gateway *g)
{
    bool named = false;
    for (size_t i = 0; i < f->n && !named; i++)
        named = str_eq(f->values[i].s, g->slug);
    return named;
}

static bool wants_gateway(const struct analytics_filter *f, const struct gateway *g)
{
    if (f->kind == FILTER_TEST)
        return !names_gateways(f) || names_this(f, g);
    for (const struct analytics_filter *c = f->kind == FILTER_ALL ? f->first : NULL; c; c = c->next)
        if (!wants_gateway(c, g))
            return false;
    return true;
}

static bool is_visible(const struct analytics_query *q, const struct gateway *g)
{
    return str_eq(g->account, q->account) && (!q->token || token_covers(q->token, g->slug));
}

static void put_gateways(struct sql *s)
{
    const struct catalog *c = s->a->catalog;
    s->n_gateways = 0;
    put(s, "gateway IN (");
    for (size_t i = 0; i < c->n_gateways; i++) {
        const struct gateway *g = &c->gateways[i];
        if (!is_visible(s->q, g) || (s->q->filter && !wants_gateway(s->q->filter, g)))
            continue;
        (void)buf_printf(&s->text, "%s%lld", s->n_gateways++ ? "," : "", (long long)g->id);
    }
    put(s, ")");
}

static bool wants_times(const struct sql *s)
{
    const uint64_t times = (UINT64_MAX << MEASURE_DURATION_P50) & ~(UINT64_MAX << MEASURE_ROWS);
    bool wanted = s->q->measures & times;
    for (size_t i = 0; i < s->q->n_orders; i++)
        wanted |= s->q->orders[i].measure && (times >> s->q->orders[i].id & 1);
    return wanted;
}

static void put_columns(struct sql *s)
{
    bool labels = s->q->node == NODE_LABELS;
    (void)buf_printf(&s->text, "SELECT %s%s FROM %s WHERE ", labels ? label_columns : rollup_columns,
                     wants_times(s) ? rollup_times_columns : "", labels ? "label" : "rollup");
}

/* One span of the roll-ups, from and to in minutes. */
static void put_span(struct sql *s, const char **between, int span, int64_t from, int64_t to)
{
    if (from >= to)
        return;
    put(s, *between);
    put_columns(s);
    *between = " UNION ALL ";
    put_gateways(s);
    (void)buf_printf(&s->text, " AND span = %d AND at >= %lld AND at < %lld", span, (long long)from,
                     (long long)to);
}

static void put_rollups(struct sql *s)
{
    const char *between = "";
    int64_t from = s->p->from / 60, to = s->p->to / 60;
    int64_t first = (from + 59) / 60 * 60, last = to / 60 * 60; /* whole hours */
    if (s->p->fine || first >= last) {
        put_span(s, &between, SPAN_MINUTE, from, to);
        return;
    }
    put_span(s, &between, SPAN_MINUTE, from, first);
    put_span(s, &between, SPAN_HOUR, first, last);
    put_span(s, &between, SPAN_MINUTE, last, to);
}

/* Ids begin with the time they were made (UUIDv7), some time after the request came: retries have their own.
 */
static void put_log(struct sql *s)
{
    enum { EARLIER_S = 3600, LATER_S = 25 * 3600 };
    (void)buf_printf(&s->text, "SELECT %s%s FROM log WHERE ", log_columns,
                     wants_times(s) ? log_times_columns : "");
    put_gateways(s);
    int64_t from = s->p->from > EARLIER_S ? s->p->from - EARLIER_S : 0;
    (void)buf_printf(&s->text,
                     " AND id >= x'%012llx' AND id < x'%012llx' AND created >= %lld AND created < %lld",
                     (unsigned long long)from * 1000, (unsigned long long)(s->p->to + LATER_S) * 1000,
                     (long long)s->p->from * 1000, (long long)s->p->to * 1000);
}

static void put_sizes(struct sql *s)
{
    put(s, "SELECT gateway, at, at * 60 AS second, rows FROM size WHERE ");
    put_gateways(s);
    (void)buf_printf(&s->text, " AND at >= %lld AND at < %lld", (long long)s->p->from / 60,
                     (long long)s->p->to / 60);
}

static void put_filter(struct sql *s, const struct analytics_filter *f, bool all);

static void put_children(struct sql *s, const struct analytics_filter *f, bool all)
{
    bool any = f->kind == FILTER_ANY;
    put(s, any ? "(0" : "(1");
    for (const struct analytics_filter *c = f->first; c; c = c->next) {
        put(s, any ? " OR " : " AND ");
        put_filter(s, c, all && !any);
    }
    put(s, ")");
}

static void put_list(struct sql *s, const struct analytics_filter *f)
{
    put(s, " IN (");
    for (size_t i = 0; i < f->n; i++) {
        put(s, i ? "," : "");
        put_value(s, &f->values[i]);
    }
    put(s, ")");
}

static void put_has(struct sql *s, const struct analytics_filter *f)
{
    bool any = f->op == OP_HAS_ANY;
    put(s, any ? "(0" : "(1");
    for (size_t i = 0; i < f->n; i++) {
        (void)buf_printf(&s->text, " %s has_entry(metadata, %d, ", any ? "OR" : "AND",
                         f->dimension == DIM_METADATA_VALUES);
        put_value(s, &f->values[i]);
        put(s, ")");
    }
    put(s, ")");
}

/* Null is no value: it equals nothing, and is not among any list. */
static void put_test(struct sql *s, const struct analytics_filter *f)
{
    static const char *const signs[OP_COUNT] = {
        [OP_EQ] = "=", [OP_GT] = ">", [OP_GEQ] = ">=", [OP_LT] = "<", [OP_LEQ] = "<=", [OP_NEQ] = "IS NOT"};
    const char *what = dimension_sql[f->dimension];
    switch (f->op) {
    case OP_HAS:
    case OP_HAS_ANY:
    case OP_HAS_ALL: put_has(s, f); return;
    case OP_IN:
    case OP_NOTIN:
        (void)buf_printf(&s->text, "coalesce(%s", what);
        put_list(s, f);
        put(s, f->op == OP_IN ? ", 0)" : ", 0) = 0");
        return;
    case OP_LIKE:
        put(s, "matches(");
        put_value(s, &f->values[0]);
        (void)buf_printf(&s->text, ", %s)", what);
        return;
    default: (void)buf_printf(&s->text, "%s %s ", what, signs[f->op]); put_value(s, &f->values[0]);
    }
}

/* all: it stands where all must hold */
static void put_filter(struct sql *s, const struct analytics_filter *f, bool all)
{
    if (f->kind != FILTER_TEST)
        put_children(s, f, all);
    else if (all && (analytics_is_bound(f) || names_gateways(f)))
        put(s, "1"); /* the source is chosen by it */
    else
        put_test(s, f);
}

static void put_selected(struct sql *s)
{
    const char *between = "SELECT ";
    for (int d = 0; d < DIM_COUNT; d++)
        if (s->q->dimensions >> d & 1) {
            (void)buf_printf(&s->text, "%s%s AS d%d", between, dimension_sql[d], d);
            between = ", ";
        }
    for (int m = 0; m < MEASURE_ALL_COUNT; m++)
        if (s->q->measures >> m & 1) {
            (void)buf_printf(&s->text, "%s%s AS m%d", between, measure_sql[m], m);
            between = ", ";
        }
    if (*between == 'S')
        put(s, "SELECT NULL");
}

static void put_groups(struct sql *s)
{
    const char *between = " GROUP BY ";
    for (int d = 0; d < DIM_COUNT; d++)
        if (s->q->dimensions >> d & 1) {
            (void)buf_printf(&s->text, "%sd%d", between, d);
            between = ", ";
        }
    if (*between == ' ')
        put(s, " GROUP BY NULL"); /* one group; none when there is nothing */
}

static void put_orders(struct sql *s)
{
    const char *between = " ORDER BY ";
    for (size_t i = 0; i < s->q->n_orders; i++) {
        const struct analytics_order *o = &s->q->orders[i];
        if (o->measure)
            (void)buf_printf(&s->text, "%s%s", between, measure_sql[o->id]);
        else
            (void)buf_printf(&s->text, "%sd%d", between, o->id);
        put(s, o->descending ? " DESC" : "");
        between = ", ";
    }
    for (int d = 0; d < DIM_COUNT; d++)
        if (s->q->dimensions >> d & 1) {
            (void)buf_printf(&s->text, "%sd%d", between, d);
            between = ", ";
        }
}

static void put_statement(struct sql *s)
{
    put_selected(s);
    put(s, " FROM (");
    if (s->q->node == NODE_SIZE)
        put_sizes(s);
    else if (s->p->from_log)
        put_log(s);
    else
        put_rollups(s);
    (void)buf_printf(&s->text, ") WHERE %s", of_node[s->q->node]);
    if (s->q->filter) {
        put(s, " AND ");
        put_filter(s, s->q->filter, true);
    }
    put_groups(s);
    (void)buf_printf(&s->text, " HAVING (%s)", having[s->q->node]);
    put_orders(s);
    (void)buf_printf(&s->text, " LIMIT %lld", (long long)s->q->limit);
}

/* ---- running it ---- */

static void bind(struct sqlite3_stmt *st, const struct sql *s)
{
    for (size_t i = 0; i < s->n_bound; i++) {
        const struct analytics_value *v = s->bound[i];
        if (v->kind == VALUE_INT)
            sqlite3_bind_int64(st, (int)i + 1, v->n);
        else
            sqlite_bind_text(st, (int)i + 1, v->s);
    }
}

static struct analytics_value column(struct sqlite3_stmt *st, int at)
{
    switch (sqlite3_column_type(st, at)) {
    case SQLITE_NULL: return (struct analytics_value){.kind = VALUE_NULL};
    case SQLITE_INTEGER:
        return (struct analytics_value){.kind = VALUE_INT, .n = sqlite3_column_int64(st, at)};
    default: {
        const char *p = (const char *)sqlite3_column_text(st, at);
        return (struct analytics_value){.kind = VALUE_TEXT,
                                        .s = str_of(p, (size_t)sqlite3_column_bytes(st, at))};
    }
    }
}

static void tell(struct sqlite3_stmt *st, const struct analytics_query *q, struct analytics_row *row,
                 analytics_row_fn *on_row, void *arg)
{
    int at = 0;
    for (int d = 0; d < DIM_COUNT; d++)
        if (q->dimensions >> d & 1)
            row->dimensions[d] = column(st, at++);
    for (int m = 0; m < MEASURE_ALL_COUNT; m++)
        if (q->measures >> m & 1)
            row->measures[m] = column(st, at++);
    on_row(arg, row);
}

static enum err step_all(struct sqlite3_stmt *st, const struct analytics_query *q, analytics_row_fn *on_row,
                         void *arg)
{
    struct analytics_row row = {0};
    int code;
    while ((code = sqlite3_step(st)) == SQLITE_ROW)
        tell(st, q, &row, on_row, arg);
    return code == SQLITE_DONE ? E_OK : code == SQLITE_INTERRUPT ? E_TIMED_OUT : E_DB;
}

enum err analytics_run(struct analytics *a, const struct analytics_query *q, const struct analytics_plan *p,
                       analytics_row_fn *on_row, void *arg)
{
    struct sql s = {.a = a, .q = q, .p = p};
    struct sqlite3_stmt *st = NULL;
    enum err e = E_OK;
    a->managed_gateway = 0;
    buf_init(&s.text, ANALYTICS_SQL_BYTES);
    put_statement(&s);
    if (s.too_many || s.text.full)
        e = E_FULL;
    else if (s.n_gateways && p->from < p->to)
        e = sqlite3_prepare_v2(a->db, s.text.p, (int)s.text.n, &st, NULL) == SQLITE_OK ? E_OK : E_DB;
    if (st) {
        bind(st, &s);
        e = step_all(st, q, on_row, arg);
    }
    sqlite3_finalize(st);
    buf_done(&s.text);
    return e;
}
