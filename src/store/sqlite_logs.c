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
#include "store/sqlite_logs.h"
#include "base/clock.h"
#include "base/limits.h"

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
/* Zones: store/zone.h. Segments: how many rows have bodies there. What was there before has its zones made
 * at the next opening (unzoned). */
static const char zone_schema[] =
    "CREATE TABLE zone (number INTEGER PRIMARY KEY, rows INTEGER NOT NULL, summary BLOB NOT NULL,"
    " facets BLOB);" /* pairs of a facet's id and how many rows, 32 bits each; NULL: too many */
    "CREATE TABLE zone_terms (number INTEGER PRIMARY KEY, terms BLOB NOT NULL);"
    "CREATE TABLE facet (id INTEGER PRIMARY KEY, gateway INTEGER NOT NULL, provider TEXT NOT NULL,"
    " model TEXT NOT NULL, model_type TEXT NOT NULL, request_type TEXT NOT NULL, status INTEGER NOT NULL,"
    " flags INTEGER NOT NULL, rows INTEGER NOT NULL,"
    " UNIQUE (gateway, provider, model, model_type, request_type, status, flags));"
    "CREATE TABLE segment (number INTEGER PRIMARY KEY, rows INTEGER NOT NULL);"
    "INSERT INTO segment SELECT segment, count(*) FROM log WHERE segment > 0 GROUP BY segment;"
    "CREATE TABLE unzoned (number INTEGER PRIMARY KEY);"
    "INSERT INTO unzoned SELECT DISTINCT seq >> 10 FROM log WHERE seq >> 10 < (SELECT max(seq) >> 10 FROM "
    "log);";
/* What came later. The note is what people add, and never inserted. */
static const char trail_schema[] = "ALTER TABLE log ADD COLUMN steps TEXT;" /* log_steps.h */
                                   "ALTER TABLE log ADD COLUMN key_alias TEXT;"
                                   "ALTER TABLE log ADD COLUMN note TEXT;";
_Static_assert(ZONE_SHIFT == 10, "zone_schema");
/* Apart from the terms: reading those would take three times as long beside them. */
static const char trigram_schema[] =
    "CREATE TABLE zone_trigrams (number INTEGER PRIMARY KEY, trigrams BLOB NOT NULL);";
/* Zones made before they had trigrams, tokens and kinds of errors are made again, at this opening. */
static const char rezone_schema[] =
    "DELETE FROM zone; DELETE FROM zone_terms; DELETE FROM zone_trigrams; DELETE FROM facet;"
    "INSERT OR IGNORE INTO unzoned SELECT DISTINCT seq >> 10 FROM log"
    " WHERE seq >> 10 < (SELECT max(seq) >> 10 FROM log);";
static const char *const migrations[] = {schema_1,      schema_2,     rollup_schema,  zone_schema,
                                         ledger_schema, saved_schema, trigram_schema, trail_schema,
                                         label_schema,  rezone_schema};
const struct sqlite_schema log_schema = {"logs.db", migrations, countof(migrations)};

const struct log_column log_columns[] = {
#define COLUMN(name, kind, field)                                                                            \
    {                                                                                                        \
        name, kind, offsetof(struct record, field)                                                           \
    }
    COLUMN("gateway", COLUMN_NUMBER, gateway),
    COLUMN("created", COLUMN_NUMBER, created_ms),
    COLUMN("token", COLUMN_NUMBER, token),
    COLUMN("provider", COLUMN_TEXT, provider),
    COLUMN("model", COLUMN_TEXT, model),
    COLUMN("model_type", COLUMN_TEXT, model_type),
    COLUMN("path", COLUMN_TEXT, path),
    COLUMN("event_id", COLUMN_ID, event_id),
    COLUMN("request_id", COLUMN_ID, request_id),
    COLUMN("request_type", COLUMN_TEXT, request_type),
    COLUMN("method", COLUMN_TEXT, method),
    COLUMN("request_content_type", COLUMN_TEXT, request_content_type),
    COLUMN("response_content_type", COLUMN_TEXT, response_content_type),
    COLUMN("user_agent", COLUMN_TEXT, user_agent),
    COLUMN("metadata", COLUMN_TEXT, metadata),
    COLUMN("error", COLUMN_TEXT, error),
    COLUMN("trace_id", COLUMN_TEXT, trace_id),
    COLUMN("steps", COLUMN_TEXT, steps),
    COLUMN("key_alias", COLUMN_TEXT, key_alias),
    COLUMN("status", COLUMN_SMALL, status),
    COLUMN("step", COLUMN_SMALL, step),
    COLUMN("attempt", COLUMN_SMALL, attempt),
    COLUMN("flags", COLUMN_SMALL, flags),
    COLUMN("request_bytes", COLUMN_NUMBER, request_bytes),
    COLUMN("response_bytes", COLUMN_NUMBER, response_bytes),
    COLUMN("duration_us", COLUMN_NUMBER, duration_us),
    COLUMN("latency_us", COLUMN_NUMBER, latency_us),
    COLUMN("tokens_in", COLUMN_NUMBER, tokens_in),
    COLUMN("tokens_out", COLUMN_NUMBER, tokens_out),
    COLUMN("cached_tokens", COLUMN_NUMBER, cached_tokens),
    COLUMN("cache_write_tokens", COLUMN_NUMBER, cache_write_tokens),
    COLUMN("cache_write_1h_tokens", COLUMN_NUMBER, cache_write_1h_tokens),
    COLUMN("reasoning_tokens", COLUMN_NUMBER, reasoning_tokens),
    COLUMN("audio_in_tokens", COLUMN_NUMBER, audio_in_tokens),
    COLUMN("audio_out_tokens", COLUMN_NUMBER, audio_out_tokens),
    COLUMN("cost_pico", COLUMN_NUMBER, cost_pico),
    COLUMN("saved_pico", COLUMN_NUMBER, saved_pico),
#undef COLUMN
};
const size_t log_column_count = countof(log_columns);

/* ---- opening ---- */

static bool prepare_writer(struct log_db *db)
{
    char sql[LOG_SQL_BYTES];
    int n = snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO log (%s, seq) VALUES (?", db->names);
    for (size_t i = 0; i < log_column_count + LOG_LAST_COUNT; i++)
        n += snprintf(sql + n, sizeof(sql) - (size_t)n, ",?");
    snprintf(sql + n, sizeof(sql) - (size_t)n, ")");
    db->insert = sqlite_prepare(db->db, sql);
    db->counter = sqlite_prepare(db->db, "INSERT OR REPLACE INTO counters VALUES (?,?,?,?,?)");
    db->segment = sqlite_prepare(db->db, "INSERT INTO segment VALUES (?,?) ON CONFLICT DO UPDATE SET"
                                         " rows = rows + excluded.rows");
    return db->insert && db->counter && db->segment && rollup_sql_prepare(&db->rollups, db->db) &&
           label_sql_prepare(&db->labels, db->db) && ledger_sql_prepare(&db->ledger, db->db) &&
           log_prepare_zones(db) && log_build_zones(db) == E_OK;
}

struct log_db *log_db_open(const char *dir, enum db_mode mode, const char **ret_why)
{
    struct sqlite3 *handle = sqlite_open(dir, &log_schema, mode, ret_why);
    if (!handle)
        return NULL;
    struct log_db *db = mem_zalloc(sizeof(*db));
    db->db = db->ledger.db = handle;
    zone_init(&db->tail);
    int n = 0;
    for (size_t i = 0; i < log_column_count; i++)
        n += snprintf(db->names + n, sizeof(db->names) - (size_t)n, "%s, ", log_columns[i].name);
    n += snprintf(db->names + n, sizeof(db->names) - (size_t)n, LOG_LAST_COLUMNS);
    must(n < (int)sizeof(db->names));
    if (log_define_functions(handle) &&
        (mode == DB_READ ? sqlite_analytics_init(&db->analytics, handle) : prepare_writer(db)))
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
    sqlite3_finalize(db->segment);
    rollup_sql_done(&db->rollups);
    label_sql_done(&db->labels);
    log_finish_zones(db);
    zone_done(&db->tail);
    ledger_sql_done(&db->ledger);
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
    db->n_touched = 0;
    return sqlite_run(db->db, "BEGIN IMMEDIATE");
}

static enum err count_bodies(struct log_db *db)
{
    enum err e = E_OK;
    for (size_t i = 0; e == E_OK && i < db->n_touched; i++) {
        sqlite3_bind_int64(db->segment, 1, db->touched[i].number);
        sqlite3_bind_int64(db->segment, 2, db->touched[i].rows);
        e = sqlite_once(db->segment);
    }
    db->n_touched = 0;
    return e;
}

enum err log_touch_segment(struct log_db *db, int64_t number, int64_t rows)
{
    size_t i = 0;
    while (i < db->n_touched && db->touched[i].number != number)
        i++;
    if (i == countof(db->touched)) {
        if (count_bodies(db) != E_OK)
            return E_DB;
        i = 0;
    }
    if (i == db->n_touched)
        db->touched[db->n_touched++] = (struct segment_count){.number = number};
    db->touched[i].rows += rows;
    return E_OK;
}

enum err log_db_commit(struct log_db *db)
{
    enum err e = count_bodies(db);
    if (e == E_OK)
        e = sqlite_run(db->db, "COMMIT");
    if (e == E_OK)
        db->safe_seq = db->next_seq;
    return e;
}

void log_db_rollback(struct log_db *db)
{
    /* some errors have rolled back already, then this one says so and changes nothing */
    sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
    db->tail.number = -1; /* to be read back */
    label_sql_forget(&db->labels);
}

static void bind_number(struct sqlite3_stmt *st, int at, int64_t n)
{
    if (n < 0)
        sqlite3_bind_null(st, at);
    else
        sqlite3_bind_int64(st, at, n);
}

static void bind_column(struct sqlite3_stmt *st, int at, const struct log_column *c, const struct record *r,
                        struct str id)
{
    const void *field = (const char *)r + c->at;
    const struct str *s = field;
    switch (c->kind) {
    case COLUMN_NUMBER: bind_number(st, at, *(const int64_t *)field); break;
    case COLUMN_SMALL: bind_number(st, at, *(const int *)field); break;
    case COLUMN_TEXT: sqlite_bind_str(st, at, *s); break;
    case COLUMN_ID:
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
    if (log_ready_tail(db) != E_OK)
        return E_DB;
    int at = 1;
    for (size_t i = 0; i < log_column_count; i++)
        bind_column(db->insert, at++, &log_columns[i], r, str_of(text, UUID_TEXT));
    sqlite_bind_blob(db->insert, at++, r->id.b, sizeof(r->id.b));
    bool none = p->request < 0 && p->response < 0;
    const int64_t place[] = {p->segment, p->frame, p->at, p->request, p->response};
    for (size_t i = 0; i < countof(place); i++)
        bind_number(db->insert, at++, none ? -1 : place[i]);
    sqlite3_bind_int64(db->insert, at, db->next_seq);
    enum err e = sqlite_once(db->insert);
    if (e != E_OK || sqlite3_changes(db->db) == 0)
        return e == E_OK ? E_AGAIN : e;
    if (!none && p->segment > 0)
        e = log_touch_segment(db, p->segment, 1);
    return e == E_OK ? log_tail_add(db, r) : e;
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

enum err log_db_add_labels(struct log_db *db, struct labels *u)
{
    return label_sql_add(&db->labels, u);
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

enum err log_db_forget_gateway(struct log_db *db, int64_t gateway)
{
    char sql[192];
    enum err e = rollup_sql_trim_gateway(&db->rollups, gateway, INT64_MAX);
    if (e == E_NOT_FOUND)
        e = label_sql_trim_gateway(&db->labels, gateway, INT64_MAX);
    if (e != E_NOT_FOUND)
        return e;
    snprintf(sql, sizeof(sql),
             "DELETE FROM gateway_rows WHERE gateway = %lld; DELETE FROM counters WHERE gateway = %lld",
             (long long)gateway, (long long)gateway);
    e = sqlite_run(db->db, sql);
    return e == E_OK ? E_NOT_FOUND : e;
}

enum err log_db_trim(struct log_db *db, int64_t before)
{
    enum err e = log_db_begin(db);
    if (e != E_OK)
        return e;
    e = rollup_sql_trim(&db->rollups, before);
    if (e == E_NOT_FOUND)
        e = label_sql_trim(&db->labels, before);
    enum err done = e == E_DB ? E_DB : log_db_commit(db);
    if (done != E_OK)
        log_db_rollback(db);
    return done == E_OK ? e : E_DB;
}

enum err log_db_note_sizes(struct log_db *db, int64_t minute)
{
    return rollup_sql_sizes(&db->rollups, minute);
}
