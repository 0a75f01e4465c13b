/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DATA/logs.db: one row per attempt, the minute roll-ups, and the rate limits' counters.
 *
 * `seq` numbers rows in the order they were committed: inserting is appending, and following the log
 * is a range of seq even though ids (made when a call starts) arrive out of order. The one index,
 * (gateway, id), finds a row and gives a gateway's newest page. docs/decisions/0010-log-table.md has
 * the measurements. `columns` is the only list of a row's fields: the statements that write and read
 * rows are made from it.
 */
#include "store/backend.h"
#include "store/sqlite.h"
#include "store/sqlite_analytics.h"
#include "store/sqlite_rollup.h"
#include "base/clock.h"
#include "base/limits.h"

#include <math.h>
#include <stdio.h>

static const char schema_1[] =
    "CREATE TABLE log ("
    " seq INTEGER PRIMARY KEY, gateway INTEGER NOT NULL, id BLOB NOT NULL,"
    " created INTEGER NOT NULL," /* ms since 1970 */
    " token INTEGER, provider TEXT, model TEXT, model_type TEXT, path TEXT,"
    " event_id TEXT, request_id TEXT," /* NULL: the same as id */
    " request_type TEXT, method TEXT, request_content_type TEXT, response_content_type TEXT,"
    " user_agent TEXT, metadata TEXT, error TEXT, trace_id TEXT,"
    " status INTEGER, step INTEGER, attempt INTEGER, flags INTEGER NOT NULL,"
    " request_bytes INTEGER, response_bytes INTEGER, duration_us INTEGER, latency_us INTEGER,"
    " tokens_in INTEGER, tokens_out INTEGER, cached_tokens INTEGER, cache_write_tokens INTEGER,"
    " cache_write_1h_tokens INTEGER, reasoning_tokens INTEGER, audio_in_tokens INTEGER,"
    " audio_out_tokens INTEGER, cost_pico INTEGER,"
    " segment INTEGER, frame INTEGER, body_at INTEGER, request_length INTEGER, response_length INTEGER,"
    " feedback REAL, score REAL);"
    "CREATE UNIQUE INDEX log_id ON log (gateway, id);"
    "CREATE TABLE gateway_rows (gateway INTEGER PRIMARY KEY, rows INTEGER NOT NULL);"
    "CREATE TABLE minute ("
    " minute INTEGER NOT NULL, gateway INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,"
    " status INTEGER NOT NULL, cached INTEGER NOT NULL,"
    " requests INTEGER NOT NULL, attempts INTEGER NOT NULL, errors INTEGER NOT NULL, unpriced INTEGER NOT "
    "NULL,"
    " tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,"
    " cost_pico INTEGER NOT NULL, duration_us INTEGER NOT NULL,"
    " request_bytes INTEGER NOT NULL, response_bytes INTEGER NOT NULL,"
    " PRIMARY KEY (minute, gateway, provider, model, status, cached)) WITHOUT ROWID;"
    "CREATE TABLE minute_latency (" /* bucket: latency_bucket in rollup.h */
    " minute INTEGER NOT NULL, gateway INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,"
    " cached INTEGER NOT NULL, bucket INTEGER NOT NULL,"
    " durations INTEGER NOT NULL, first_bytes INTEGER NOT NULL,"
    " PRIMARY KEY (minute, gateway, provider, model, cached, bucket)) WITHOUT ROWID;";
static const char schema_2[] = "CREATE TABLE counters (" /* struct counter_row */
                               " gateway INTEGER PRIMARY KEY, interval_ms INTEGER NOT NULL,"
                               " window_number INTEGER NOT NULL, current_count INTEGER NOT NULL,"
                               " previous_count INTEGER NOT NULL);";
static const char *const migrations[] = {schema_1, schema_2, rollup_schema};
static const struct sqlite_schema schema = {"logs.db", migrations, countof(migrations)};

enum kind {
    NUMBER,       /* int64_t; negative is NULL */
    SMALL_NUMBER, /* int; negative is NULL */
    TEXT,         /* empty is NULL */
    ID,           /* the row's own id is NULL */
};
static const struct column {
    const char *name;
    enum kind kind;
    size_t at;
} columns[] = {
#define COLUMN(name, kind, field)                                                                            \
    {                                                                                                        \
        name, kind, offsetof(struct record, field)                                                           \
    }
    COLUMN("gateway", NUMBER, gateway),
    COLUMN("created", NUMBER, created_ms),
    COLUMN("token", NUMBER, token),
    COLUMN("provider", TEXT, provider),
    COLUMN("model", TEXT, model),
    COLUMN("model_type", TEXT, model_type),
    COLUMN("path", TEXT, path),
    COLUMN("event_id", ID, event_id),
    COLUMN("request_id", ID, request_id),
    COLUMN("request_type", TEXT, request_type),
    COLUMN("method", TEXT, method),
    COLUMN("request_content_type", TEXT, request_content_type),
    COLUMN("response_content_type", TEXT, response_content_type),
    COLUMN("user_agent", TEXT, user_agent),
    COLUMN("metadata", TEXT, metadata),
    COLUMN("error", TEXT, error),
    COLUMN("trace_id", TEXT, trace_id),
    COLUMN("status", SMALL_NUMBER, status),
    COLUMN("step", SMALL_NUMBER, step),
    COLUMN("attempt", SMALL_NUMBER, attempt),
    COLUMN("flags", SMALL_NUMBER, flags),
    COLUMN("request_bytes", NUMBER, request_bytes),
    COLUMN("response_bytes", NUMBER, response_bytes),
    COLUMN("duration_us", NUMBER, duration_us),
    COLUMN("latency_us", NUMBER, latency_us),
    COLUMN("tokens_in", NUMBER, tokens_in),
    COLUMN("tokens_out", NUMBER, tokens_out),
    COLUMN("cached_tokens", NUMBER, cached_tokens),
    COLUMN("cache_write_tokens", NUMBER, cache_write_tokens),
    COLUMN("cache_write_1h_tokens", NUMBER, cache_write_1h_tokens),
    COLUMN("reasoning_tokens", NUMBER, reasoning_tokens),
    COLUMN("audio_in_tokens", NUMBER, audio_in_tokens),
    COLUMN("audio_out_tokens", NUMBER, audio_out_tokens),
    COLUMN("cost_pico", NUMBER, cost_pico),
#undef COLUMN
};
/* Behind `columns` in every statement: the id and the members of body_place. */
#define LAST_COLUMNS "id, segment, frame, body_at, request_length, response_length"
enum { LAST = countof(columns), LAST_COUNT = 6, SQL_BYTES = 4096 };

struct log_db {
    struct sqlite3 *db;
    struct sqlite3_stmt *insert, *counter;
    struct rollup_sql rollups;
    struct analytics analytics;
    char names[1024]; /* of columns, with commas; then LAST_COLUMNS */
};

/* ---- opening ---- */

/* found(needle, id, text...): the needle, in lower case, is part of the id's text or of one of the texts. */
static bool contains(const char *hay, size_t n, const char *needle, size_t k)
{
    for (size_t i = 0; i + k <= n; i++) {
        size_t j = 0;
        while (j < k &&
               (hay[i + j] >= 'A' && hay[i + j] <= 'Z' ? hay[i + j] | 0x20 : hay[i + j]) == needle[j])
            j++;
        if (j == k)
            return true;
    }
    return false;
}

static void found(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const char *needle = (const char *)sqlite3_value_text(argv[0]);
    size_t k = (size_t)sqlite3_value_bytes(argv[0]);
    bool yes = false;
    if (needle && sqlite3_value_bytes(argv[1]) == sizeof(struct uuid)) {
        struct uuid id;
        char text[UUID_TEXT];
        memcpy(&id, sqlite3_value_blob(argv[1]), sizeof(id));
        uuid_text(id, text);
        yes = contains(text, UUID_TEXT, needle, k);
    }
    for (int i = 2; needle && i < argc && !yes; i++) {
        const char *hay = (const char *)sqlite3_value_text(argv[i]);
        yes = hay && contains(hay, (size_t)sqlite3_value_bytes(argv[i]), needle, k);
    }
    sqlite3_result_int(ctx, yes);
}

static bool prepare_writer(struct log_db *db)
{
    char sql[SQL_BYTES];
    int n = snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO log (%s) VALUES (?", db->names);
    for (size_t i = 1; i < LAST + LAST_COUNT; i++)
        n += snprintf(sql + n, sizeof(sql) - (size_t)n, ",?");
    snprintf(sql + n, sizeof(sql) - (size_t)n, ")");
    db->insert = sqlite_prepare(db->db, sql);
    db->counter = sqlite_prepare(db->db, "INSERT OR REPLACE INTO counters VALUES (?,?,?,?,?)");
    return db->insert && db->counter && rollup_sql_prepare(&db->rollups, db->db);
}

struct log_db *log_db_open(const char *dir, enum db_mode mode, const char **ret_why)
{
    struct sqlite3 *handle = sqlite_open(dir, &schema, mode, ret_why);
    if (!handle)
        return NULL;
    struct log_db *db = mem_zalloc(sizeof(*db));
    db->db = handle;
    int n = 0;
    for (size_t i = 0; i < countof(columns); i++)
        n += snprintf(db->names + n, sizeof(db->names) - (size_t)n, "%s, ", columns[i].name);
    n += snprintf(db->names + n, sizeof(db->names) - (size_t)n, LAST_COLUMNS);
    must(n < (int)sizeof(db->names));
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    if ((mode == DB_READ ? sqlite_analytics_init(&db->analytics, handle) : prepare_writer(db)) &&
        sqlite3_create_function(handle, "found", -1, flags, NULL, found, NULL, NULL) == SQLITE_OK)
        return db;
    *ret_why = "the tables of logs.db are not as they should be";
    log_db_close(db);
    return NULL;
}

void log_db_close(struct log_db *db)
{
    if (!db)
        return;
    sqlite3_finalize(db->insert);
    sqlite3_finalize(db->counter);
    rollup_sql_done(&db->rollups);
    sqlite3_close(db->db);
    mem_free(db);
}

const char *log_db_why(struct log_db *db)
{
    return sqlite3_errstr(sqlite3_extended_errcode(db->db));
}

struct analytics *log_db_analytics(struct log_db *db, const struct catalog *c, int64_t for_ms)
{
    db->analytics.catalog = c;
    db->analytics.deadline_us = c ? clock_us() + (uint64_t)for_ms * 1000 : UINT64_MAX;
    return &db->analytics;
}

/* ---- writing ---- */

void log_db_set_sync(struct log_db *db, bool sync)
{
    enum err e = sqlite_run(db->db, sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    must(e == E_OK);
}

enum err log_db_begin(struct log_db *db)
{
    return sqlite_run(db->db, "BEGIN IMMEDIATE");
}

enum err log_db_commit(struct log_db *db)
{
    return sqlite_run(db->db, "COMMIT");
}

void log_db_rollback(struct log_db *db)
{
    /* some errors have rolled back already, then this one says so and changes nothing */
    sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
}

static void bind_number(struct sqlite3_stmt *st, int at, int64_t n)
{
    if (n < 0)
        sqlite3_bind_null(st, at);
    else
        sqlite3_bind_int64(st, at, n);
}

static void bind_column(struct sqlite3_stmt *st, int at, const struct column *c, const struct record *r,
                        struct str id)
{
    const void *field = (const char *)r + c->at;
    const struct str *s = field;
    switch (c->kind) {
    case NUMBER: bind_number(st, at, *(const int64_t *)field); break;
    case SMALL_NUMBER: bind_number(st, at, *(const int *)field); break;
    case TEXT: sqlite_bind_str(st, at, *s); break;
    case ID:
        if (s->n == 0)
            sqlite3_bind_text(st, at, "", 0, SQLITE_STATIC);
        else
            sqlite_bind_str(st, at, str_eq(*s, id) ? (struct str){NULL, 0} : *s);
        break;
    }
}

enum err log_db_insert(struct log_db *db, const struct record *r, const struct body_place *p)
{
    char text[UUID_TEXT];
    uuid_text(r->id, text);
    int at = 1;
    for (size_t i = 0; i < countof(columns); i++)
        bind_column(db->insert, at++, &columns[i], r, str_of(text, UUID_TEXT));
    sqlite_bind_blob(db->insert, at++, r->id.b, sizeof(r->id.b));
    bool none = p->request < 0 && p->response < 0;
    const int64_t place[] = {p->segment, p->frame, p->at, p->request, p->response};
    for (size_t i = 0; i < countof(place); i++)
        bind_number(db->insert, at++, none ? -1 : place[i]);
    enum err e = sqlite_once(db->insert);
    return e == E_OK && sqlite3_changes(db->db) == 0 ? E_AGAIN : e;
}

static void bind_all(struct sqlite3_stmt *st, int at, const int64_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sqlite3_bind_int64(st, at++, v[i]);
}

enum err log_db_add_cell(struct log_db *db, const struct rollup *u, const struct rollup_cell *c)
{
    return rollup_sql_add(&db->rollups, u, c, clock_wall_ms() / 60000);
}

enum err log_db_set_counter(struct log_db *db, const struct counter_row *r)
{
    bind_all(db->counter, 1, (const int64_t[]){r->key, r->interval_ms, r->window, r->current, r->previous},
             5);
    return sqlite_once(db->counter);
}

enum err log_db_counters(struct log_db *db, struct arena *a, struct counter_row **ret, size_t *ret_n)
{
    int64_t n = sqlite_number(db->db, "SELECT count(*) FROM counters", -1);
    struct counter_row *v = n < 0 ? NULL : arena_alloc(a, ((size_t)n + 1) * sizeof(*v));
    struct sqlite3_stmt *st = sqlite_prepare(
        db->db, "SELECT gateway, interval_ms, window_number, current_count, previous_count FROM counters");
    size_t got = 0;
    for (; v && st && got < (size_t)n && sqlite3_step(st) == SQLITE_ROW; got++)
        v[got] = (struct counter_row){
            .key = sqlite3_column_int64(st, 0),
            .interval_ms = sqlite3_column_int64(st, 1),
            .window = sqlite3_column_int64(st, 2),
            .current = sqlite3_column_int64(st, 3),
            .previous = sqlite3_column_int64(st, 4),
        };
    sqlite3_finalize(st);
    if (!v || !st)
        return E_DB;
    *ret = v;
    *ret_n = got;
    return E_OK;
}

#define KNOWN_GATEWAYS "(SELECT gateway FROM gateway_rows UNION SELECT gateway FROM counters)"

enum err log_db_gateways(struct log_db *db, struct arena *a, int64_t **ret, size_t *ret_n)
{
    int64_t n = sqlite_number(db->db, "SELECT count(*) FROM " KNOWN_GATEWAYS, -1);
    int64_t *v = n < 0 ? NULL : arena_alloc(a, ((size_t)n + 1) * sizeof(*v));
    struct sqlite3_stmt *st =
        sqlite_prepare(db->db, "SELECT gateway FROM " KNOWN_GATEWAYS " ORDER BY gateway");
    size_t got = 0;
    while (v && st && got < (size_t)n && sqlite3_step(st) == SQLITE_ROW)
        v[got++] = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    if (!v || !st)
        return E_DB;
    *ret = v;
    *ret_n = got;
    return E_OK;
}

static enum err delete_some(struct log_db *db, int64_t gateway, int64_t max)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "DELETE FROM log WHERE seq IN (SELECT seq FROM log WHERE gateway = %lld LIMIT %lld)",
             (long long)gateway, (long long)max);
    if (sqlite_run(db->db, sql) != E_OK)
        return E_DB;
    int gone = sqlite3_changes(db->db);
    enum err rollups = gone > 0 ? E_OK : rollup_sql_trim_gateway(&db->rollups, gateway, INT64_MAX);
    if (gone == 0 && rollups != E_NOT_FOUND)
        return rollups;
    if (gone > 0)
        snprintf(sql, sizeof(sql), "UPDATE gateway_rows SET rows = rows - %d WHERE gateway = %lld", gone,
                 (long long)gateway);
    else
        snprintf(sql, sizeof(sql),
                 "DELETE FROM gateway_rows WHERE gateway = %lld; DELETE FROM counters WHERE gateway = %lld",
                 (long long)gateway, (long long)gateway);
    enum err e = sqlite_run(db->db, sql);
    return e == E_OK && gone == 0 ? E_NOT_FOUND : e;
}

/* Ends the transaction that e comes from. */
static enum err end(struct log_db *db, enum err e)
{
    enum err done = e == E_DB ? E_DB : log_db_commit(db);
    if (done != E_OK)
        log_db_rollback(db);
    return done == E_OK ? e : E_DB;
}

enum err log_db_delete(struct log_db *db, int64_t gateway, int64_t max)
{
    enum err e = log_db_begin(db);
    return e == E_OK ? end(db, delete_some(db, gateway, max)) : e;
}

enum err log_db_trim(struct log_db *db, int64_t before)
{
    enum err e = log_db_begin(db);
    return e == E_OK ? end(db, rollup_sql_trim(&db->rollups, before)) : e;
}

enum err log_db_note_sizes(struct log_db *db, int64_t minute)
{
    return rollup_sql_sizes(&db->rollups, minute);
}

/* ---- reading ---- */

static bool read_id(struct sqlite3_stmt *st, int at, struct arena *a, struct str id, struct str *ret)
{
    if (sqlite3_column_type(st, at) != SQLITE_NULL)
        return sqlite_str(st, at, a, ret);
    *ret = id;
    return true;
}

static int64_t read_number(struct sqlite3_stmt *st, int at)
{
    return sqlite3_column_type(st, at) == SQLITE_NULL ? RECORD_NULL : sqlite3_column_int64(st, at);
}

static bool read_column(struct sqlite3_stmt *st, int at, struct arena *a, struct log_row *row)
{
    void *field = (char *)&row->r + columns[at].at;
    switch (columns[at].kind) {
    case NUMBER: *(int64_t *)field = read_number(st, at); return true;
    case SMALL_NUMBER: *(int *)field = (int)read_number(st, at); return true;
    case TEXT: return sqlite_str(st, at, a, field);
    case ID: return read_id(st, at, a, row->id_text, field);
    }
    return true;
}

static double read_real(struct sqlite3_stmt *st, int at)
{
    return sqlite3_column_type(st, at) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(st, at);
}

static bool read_row(struct sqlite3_stmt *st, struct arena *a, struct log_row *row,
                     struct body_place *ret_place)
{
    char text[UUID_TEXT];
    memset(row, 0, sizeof(*row));
    if (sqlite3_column_bytes(st, LAST) == sizeof(row->r.id))
        memcpy(&row->r.id, sqlite3_column_blob(st, LAST), sizeof(row->r.id));
    uuid_text(row->r.id, text);
    row->id_text = arena_dup(a, str_of(text, UUID_TEXT));
    bool fits = row->id_text.p;
    for (int i = 0; fits && i < LAST; i++)
        fits = read_column(st, i, a, row);
    struct body_place p = {
        .segment = sqlite3_column_int64(st, LAST + 1),
        .frame = sqlite3_column_int64(st, LAST + 2),
        .at = sqlite3_column_int64(st, LAST + 3),
        .request = read_number(st, LAST + 4),
        .response = read_number(st, LAST + 5),
    };
    row->has_request = p.request >= 0;
    row->has_response = p.response >= 0;
    row->feedback = read_real(st, LAST + LAST_COUNT);
    row->score = read_real(st, LAST + LAST_COUNT + 1);
    if (ret_place)
        *ret_place = p;
    return fits;
}

/* Rows of a statement that selects what read_row reads, `max` at most. */
static enum err read_rows(struct log_db *db, struct sqlite3_stmt *st, size_t max, struct log_page *ret,
                          struct body_place *ret_place)
{
    struct log_row row;
    size_t cap = 0;
    while (ret->n < max && sqlite3_step(st) == SQLITE_ROW) {
        if (ret->n == cap) {
            cap = cap ? 2 * cap : 32;
            struct log_row *more = arena_alloc(&ret->arena, cap * sizeof(*more));
            if (more && ret->n)
                memcpy(more, ret->rows, ret->n * sizeof(*more));
            if (!more)
                return E_FULL;
            ret->rows = more;
        }
        if (!read_row(st, &ret->arena, &row, ret_place))
            return E_FULL;
        ret->rows[ret->n++] = row;
    }
    int code = sqlite3_errcode(db->db);
    return code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE ? E_OK : E_DB;
}

enum err log_db_get(struct log_db *db, int64_t gateway, struct uuid id, struct log_page *ret,
                    struct body_place *ret_place)
{
    char sql[SQL_BYTES];
    snprintf(sql, sizeof(sql), "SELECT %s, feedback, score FROM log WHERE gateway %s AND id = ?2", db->names,
             gateway ? "= ?1" : "IN (SELECT gateway FROM gateway_rows)");
    struct sqlite3_stmt *st = sqlite_prepare(db->db, sql);
    if (!st)
        return ret->err = E_DB;
    if (gateway)
        sqlite3_bind_int64(st, 1, gateway);
    sqlite_bind_blob(st, 2, id.b, sizeof(id.b));
    ret->err = read_rows(db, st, 1, ret, ret_place);
    sqlite3_finalize(st);
    if (ret->err == E_OK && ret->n == 0)
        ret->err = E_NOT_FOUND;
    ret->total = (int64_t)ret->n;
    return ret->err;
}

/* What rows a query is about, and in which order: text for the statements, values by number. */
struct selection {
    char where[256];
    char order[96];
    int64_t gateway, after; /* ?1, ?2 */
    struct str needle;      /* ?3, in lower case; empty: no search */
    bool tail;
};

static const char *const order_keys[] = {
    [ORDER_CREATED] = NULL, /* below */
    [ORDER_PROVIDER] = "provider",   [ORDER_MODEL] = "model",           [ORDER_MODEL_TYPE] = "model_type",
    [ORDER_SUCCESS] = "flags & 1",   [ORDER_CACHED] = "flags & 2",      [ORDER_COST] = "cost_pico",
    [ORDER_TOKENS_IN] = "tokens_in", [ORDER_TOKENS_OUT] = "tokens_out", [ORDER_DURATION] = "duration_us",
    [ORDER_FEEDBACK] = "feedback",
};
_Static_assert(REC_SUCCESS == 1 && REC_CACHED == 2, "order_keys");

/* seq of the row a tail goes on from; of the newest older row when that one is gone. */
static int64_t seq_after(struct log_db *db, struct uuid after)
{
    struct sqlite3_stmt *st = sqlite_prepare(
        db->db, "SELECT coalesce((SELECT seq FROM log WHERE gateway IN (SELECT gateway FROM gateway_rows)"
                " AND id = ?1), (SELECT max(seq) FROM log WHERE id < ?1), 0)");
    sqlite_bind_blob(st, 1, after.b, sizeof(after.b));
    int64_t seq = st && sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_finalize(st);
    return seq;
}

static void set_order(struct selection *sel, const struct log_query *q)
{
    const char *dir = sel->tail || q->ascending ? "ASC" : "DESC";
    const char *key = q->order < countof(order_keys) ? order_keys[q->order] : NULL;
    if (sel->tail)
        snprintf(sel->order, sizeof(sel->order), "seq ASC");
    else if (key)
        snprintf(sel->order, sizeof(sel->order), "%s %s NULLS LAST, seq %s", key, dir, dir);
    else
        snprintf(sel->order, sizeof(sel->order), "%s %s", q->gateway ? "id" : "seq", dir);
}

static enum err select_rows(struct log_db *db, const struct log_query *q, struct arena *a,
                            struct selection *sel)
{
    static const struct uuid none;
    *sel = (struct selection){.gateway = q->gateway, .tail = memcmp(&q->after, &none, sizeof(none)) != 0};
    if (sel->tail)
        sel->after = seq_after(db, q->after);
    char *needle = arena_alloc(a, q->search.n + 1);
    if (!needle)
        return E_FULL;
    for (size_t i = 0; i < q->search.n; i++)
        needle[i] = q->search.p[i] >= 'A' && q->search.p[i] <= 'Z' ? q->search.p[i] | 0x20 : q->search.p[i];
    sel->needle = str_of(needle, q->search.n);
    /* the plus keeps a tail off the index: its rows are a short range of seq */
    snprintf(sel->where, sizeof(sel->where), "%s%s%s",
             !q->gateway ? "1"
             : sel->tail ? "+gateway = ?1"
                         : "gateway = ?1",
             sel->tail ? " AND seq > ?2" : "",
             sel->needle.n ? " AND found(?3, id, event_id, model, provider, path, metadata)" : "");
    set_order(sel, q);
    return E_OK;
}

/* Each only if the statement names it. */
static void bind_selection(struct sqlite3_stmt *st, const struct selection *sel)
{
    if (sel->gateway)
        sqlite3_bind_int64(st, 1, sel->gateway);
    if (sel->tail)
        sqlite3_bind_int64(st, 2, sel->after);
    if (sel->needle.n)
        sqlite_bind_str(st, 3, sel->needle);
}

static enum err list_rows(struct log_db *db, const struct selection *sel, const struct log_query *q,
                          struct log_page *ret)
{
    int64_t per_page = q->per_page < 1 ? 1 : q->per_page, skip;
    if (per_page > LOG_PAGE_ROWS)
        per_page = LOG_PAGE_ROWS;
    if (q->page < 1 || __builtin_mul_overflow(q->page - 1, per_page, &skip))
        skip = q->page < 1 ? 0 : INT64_MAX;
    char sql[SQL_BYTES];
    snprintf(sql, sizeof(sql),
             "SELECT %s, feedback, score FROM log WHERE seq IN"
             " (SELECT seq FROM log WHERE %s ORDER BY %s LIMIT ?4 OFFSET ?5) ORDER BY %s",
             db->names, sel->where, sel->order, sel->order);
    struct sqlite3_stmt *st = sqlite_prepare(db->db, sql);
    if (!st)
        return E_DB;
    bind_selection(st, sel);
    sqlite3_bind_int64(st, 4, per_page);
    sqlite3_bind_int64(st, 5, skip);
    enum err e = read_rows(db, st, (size_t)per_page, ret, NULL);
    sqlite3_finalize(st);
    return e;
}

/* Without a search or tail the counter knows; else the rows are counted. */
static int64_t count_rows(struct log_db *db, const struct selection *sel)
{
    char sql[512];
    if (sel->needle.n || sel->tail)
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM log WHERE %s", sel->where);
    else
        snprintf(sql, sizeof(sql), "SELECT coalesce(sum(rows), 0) FROM gateway_rows%s",
                 sel->gateway ? " WHERE gateway = ?1" : "");
    struct sqlite3_stmt *st = sqlite_prepare(db->db, sql);
    if (st)
        bind_selection(st, sel);
    int64_t n = st && sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
    sqlite3_finalize(st);
    return n;
}

enum err log_db_list(struct log_db *db, const struct log_query *q, struct log_page *ret)
{
    struct selection sel;
    ret->err = select_rows(db, q, &ret->arena, &sel);
    if (ret->err != E_OK)
        return ret->err;
    /* one transaction: rows and total are of the same moment */
    ret->err = sqlite_run(db->db, "BEGIN");
    if (ret->err == E_OK)
        ret->err = list_rows(db, &sel, q, ret);
    if (ret->err == E_OK)
        ret->total = count_rows(db, &sel);
    if (ret->total < 0)
        ret->err = E_DB;
    log_db_rollback(db);
    return ret->err;
}
