/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell is written twice, to its minute and to its hour: a month of one gateway is then read from some
 * thousand rows instead of some hundred thousand. The key begins with the gateway, so that what a chart
 * reads lies together.
 */
#include "store/sqlite_rollup.h"
#include "base/buf.h"

#include <stdio.h>

enum { SQL_BYTES = 2048 };

const char rollup_schema[] =
    "DROP TABLE minute; DROP TABLE minute_latency;" /* nothing could read them */
    "CREATE TABLE rollup ("
    " gateway INTEGER NOT NULL, span INTEGER NOT NULL, at INTEGER NOT NULL,"
    " provider TEXT NOT NULL, model TEXT NOT NULL, status INTEGER NOT NULL, marks INTEGER NOT NULL,"
    " requests INTEGER NOT NULL, attempts INTEGER NOT NULL, unpriced INTEGER NOT NULL,"
    " tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL,"
    " cache_read_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL, cost_pico INTEGER NOT NULL,"
    " duration_us INTEGER NOT NULL, first_byte_us INTEGER NOT NULL, first_bytes INTEGER NOT NULL,"
    " request_bytes INTEGER NOT NULL, response_bytes INTEGER NOT NULL,"
    " durations BLOB NOT NULL, first_byte_times BLOB NOT NULL," /* histogram.h */
    " PRIMARY KEY (gateway, span, at, provider, model, status, marks)) WITHOUT ROWID;"
    "CREATE TABLE size (gateway INTEGER NOT NULL, at INTEGER NOT NULL, rows INTEGER NOT NULL,"
    " PRIMARY KEY (gateway, at)) WITHOUT ROWID;";
const char saved_schema[] = "ALTER TABLE log ADD COLUMN saved_pico INTEGER;"
                            "ALTER TABLE rollup ADD COLUMN saved_pico INTEGER NOT NULL DEFAULT 0;";

/* ---- sums in SQL ---- */

static struct str blob_of(sqlite3_value *v)
{
    const char *p = sqlite3_value_blob(v);
    return str_of(p, (size_t)sqlite3_value_bytes(v));
}

/* add_times(blob, blob) */
static void add_times(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct histogram h = {0};
    char out[HISTOGRAM_BLOB];
    for (int i = 0; i < argc; i++)
        (void)histogram_add_blob(&h, blob_of(argv[i])); /* of a damaged one, what is left */
    sqlite3_result_blob64(ctx, out, histogram_write(&h, out), SQLITE_TRANSIENT);
}

/* add_up(a, b): as everywhere, sums stop at the largest number. */
static void add_up(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    int64_t sum;
    (void)argc;
    if (__builtin_add_overflow(sqlite3_value_int64(argv[0]), sqlite3_value_int64(argv[1]), &sum))
        sum = INT64_MAX;
    sqlite3_result_int64(ctx, sum);
}

struct sqlite3_stmt *prepare_sums(struct sqlite3 *db, const char *table, size_t n_key,
                                  const struct sum_column *sums, size_t n)
{
    struct buf sql;
    buf_init(&sql, SQL_BYTES);
    (void)buf_printf(&sql, "INSERT INTO %s VALUES (?", table);
    for (size_t i = 1; i < n_key + n; i++)
        (void)buf_append(&sql, STR(",?"));
    (void)buf_append(&sql, STR(") ON CONFLICT DO UPDATE SET "));
    for (size_t i = 0; i < n; i++)
        (void)buf_printf(&sql, "%s%s = %s(%s, excluded.%s)", i ? "," : "", sums[i].name, sums[i].function,
                         sums[i].name, sums[i].name);
    (void)buf_append_byte(&sql, '\0');
    struct sqlite3_stmt *st = sql.full ? NULL : sqlite_prepare(db, sql.p);
    buf_done(&sql);
    return st;
}

/* Behind (gateway, span, at, provider, model, status, marks). */
static const struct sum_column sums[] = {
    {"requests", "add_up"},           {"attempts", "add_up"},     {"unpriced", "add_up"},
    {"tokens_in", "add_up"},          {"tokens_out", "add_up"},   {"cache_read_tokens", "add_up"},
    {"cache_write_tokens", "add_up"}, {"cost_pico", "add_up"},    {"duration_us", "add_up"},
    {"first_byte_us", "add_up"},      {"first_bytes", "add_up"},  {"request_bytes", "add_up"},
    {"response_bytes", "add_up"},     {"durations", "add_times"}, {"first_byte_times", "add_times"},
    {"saved_pico", "add_up"},
};
enum { KEY_COLUMNS = 7 };

bool rollup_sql_prepare(struct rollup_sql *r, struct sqlite3 *db)
{
    static const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    *r = (struct rollup_sql){.db = db};
    if (sqlite3_create_function(db, "add_times", 2, flags, NULL, add_times, NULL, NULL) != SQLITE_OK ||
        sqlite3_create_function(db, "add_up", 2, flags, NULL, add_up, NULL, NULL) != SQLITE_OK)
        return false;
    r->add = prepare_sums(db, "rollup", KEY_COLUMNS, sums, countof(sums));
    r->count = sqlite_prepare(db, "INSERT INTO gateway_rows VALUES (?,?) ON CONFLICT DO UPDATE SET"
                                  " rows = rows + excluded.rows");
    r->size = sqlite_prepare(db, "INSERT INTO size SELECT gateway, ?1, rows FROM gateway_rows"
                                 " WHERE ?2 IS NULL OR gateway = ?2"
                                 " ON CONFLICT DO UPDATE SET rows = max(rows, excluded.rows)");
    return r->add && r->count && r->size;
}

void rollup_sql_done(struct rollup_sql *r)
{
    sqlite3_finalize(r->add);
    sqlite3_finalize(r->count);
    sqlite3_finalize(r->size);
}

/* ---- writing ---- */

/* The columns behind (gateway, span, at). */
static void bind_cell(struct sqlite3_stmt *st, const struct rollup_cell *c)
{
    const struct rollup_key *k = &c->key;
    const int64_t numbers[] = {
        k->status,      k->marks,         c->requests,          c->attempts,           c->unpriced,
        c->tokens_in,   c->tokens_out,    c->cache_read_tokens, c->cache_write_tokens, c->cost_pico,
        c->duration_us, c->first_byte_us, c->first_bytes,       c->request_bytes,      c->response_bytes,
    };
    sqlite_bind_text(st, 4, k->provider);
    sqlite_bind_text(st, 5, k->model);
    sqlite_bind_numbers(st, 6, numbers, countof(numbers));
}

static enum err add_cell(struct rollup_sql *r, const struct rollup *u, const struct rollup_cell *c)
{
    static const int64_t spans[] = {SPAN_MINUTE, SPAN_HOUR};
    struct histogram durations = {0}, first_bytes = {0};
    char blobs[2][HISTOGRAM_BLOB];
    rollup_times(u, c, &durations, &first_bytes);
    bind_cell(r->add, c);
    sqlite3_bind_blob64(r->add, 21, blobs[0], histogram_write(&durations, blobs[0]), SQLITE_STATIC);
    sqlite3_bind_blob64(r->add, 22, blobs[1], histogram_write(&first_bytes, blobs[1]), SQLITE_STATIC);
    sqlite3_bind_int64(r->add, 23, c->saved_pico);
    enum err e = E_OK;
    for (size_t i = 0; e == E_OK && i < countof(spans); i++) {
        int64_t at = c->key.minute - c->key.minute % spans[i];
        sqlite_bind_numbers(r->add, 1, (const int64_t[]){c->key.gateway, spans[i], at}, 3);
        e = sqlite_once(r->add);
    }
    return e;
}

enum err rollup_sql_add(struct rollup_sql *r, const struct rollup *u, const struct rollup_cell *c,
                        int64_t now_minute)
{
    enum err e = add_cell(r, u, c);
    if (e != E_OK)
        return e;
    /* also without rows: the gateway is then known to have something that goes with it */
    sqlite_bind_numbers(r->count, 1, (const int64_t[]){c->key.gateway, c->rows}, 2);
    e = sqlite_once(r->count);
    if (e != E_OK || c->rows == 0)
        return e;
    sqlite_bind_numbers(r->size, 1, (const int64_t[]){now_minute, c->key.gateway}, 2);
    return sqlite_once(r->size);
}

enum err rollup_sql_sizes(struct rollup_sql *r, int64_t now_minute)
{
    sqlite3_bind_int64(r->size, 1, now_minute);
    sqlite3_bind_null(r->size, 2);
    return sqlite_once(r->size);
}

/* ---- retention ---- */

/* E_NOT_FOUND: nothing was there. */
static enum err delete_hour(struct rollup_sql *r, const char *table, const char *where, int64_t gateway,
                            int64_t before)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "DELETE FROM %s WHERE gateway = %lld AND %s AND at <"
             " min(%lld, (SELECT min(at) FROM %s WHERE gateway = %lld AND %s) + 60)",
             table, (long long)gateway, where, (long long)before, table, (long long)gateway, where);
    if (sqlite_run(r->db, sql) != E_OK)
        return E_DB;
    return sqlite3_changes(r->db) > 0 ? E_OK : E_NOT_FOUND;
}

enum err rollup_sql_trim_gateway(struct rollup_sql *r, int64_t gateway, int64_t before)
{
    static const struct {
        const char *table, *where;
    } parts[] = {{"rollup", "span = 1"}, {"rollup", "span = 60"}, {"size", "1"}};
    enum err all = E_NOT_FOUND;
    for (size_t i = 0; i < countof(parts); i++) {
        enum err e = delete_hour(r, parts[i].table, parts[i].where, gateway, before);
        if (e == E_DB)
            return e;
        all = e == E_OK ? E_OK : all;
    }
    return all;
}

/* One index look-up a gateway and table. */
static int64_t gateway_with_old(struct sqlite3 *db, int64_t before)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "SELECT g.gateway FROM gateway_rows g WHERE"
             " EXISTS (SELECT 1 FROM rollup r WHERE r.gateway = g.gateway AND span = 1 AND at < %1$lld) OR"
             " EXISTS (SELECT 1 FROM rollup r WHERE r.gateway = g.gateway AND span = 60 AND at < %1$lld) OR"
             " EXISTS (SELECT 1 FROM size s WHERE s.gateway = g.gateway AND at < %1$lld) LIMIT 1",
             (long long)before);
    return sqlite_number(db, sql, -1);
}

enum err rollup_sql_trim(struct rollup_sql *r, int64_t before)
{
    int64_t gateway = gateway_with_old(r->db, before);
    return gateway < 0 ? E_NOT_FOUND : rollup_sql_trim_gateway(r, gateway, before);
}
