/* SPDX-License-Identifier: Apache-2.0 */
/* Looking through a gateway's rows for an evaluation, some at a time, in the order of their ids. */
#include "store/sqlite_logs.h"
#include "base/clock.h"
#include "base/limits.h"

#include <math.h>

enum { PARAM_FIRST = 5, COLUMN_COST = 1, COLUMN_DURATION, COLUMN_FEEDBACK, COLUMN_MEETS };

/* "((... AND ...) OR (...))": is the row one of any dataset's? So it counts once. */
static void put_union(struct buf *sql, const struct evaluation *e)
{
    size_t param = PARAM_FIRST;
    (void)buf_append_c(sql, "(");
    for (size_t i = 0; i < e->n; i++) {
        (void)buf_append_c(sql, i ? " OR (1" : "(1");
        for (size_t k = 0; k < e->filters[i].n; k++)
            (void)buf_printf(sql, " AND fits(?%zu, %s)", param++, log_keys[e->filters[i].clauses[k].key].sql);
        (void)buf_append_c(sql, ")");
    }
    (void)buf_append_c(sql, ")");
}

static void bind_union(struct sqlite3_stmt *st, const struct evaluation *e)
{
    int param = PARAM_FIRST;
    for (size_t i = 0; i < e->n; i++)
        for (size_t k = 0; k < e->filters[i].n; k++)
            sqlite3_bind_pointer(st, param++, (void *)(uintptr_t)&e->filters[i].clauses[k], "clause", NULL);
}

static struct sqlite3_stmt *prepare(struct log_db *db, const struct evaluation *e)
{
    struct buf sql;
    buf_init(&sql, LOG_SQL_MAX);
    (void)buf_append_c(&sql, "SELECT id, cost_pico, duration_us, feedback, ");
    put_union(&sql, e);
    (void)buf_printf(&sql, " FROM log WHERE gateway = ?1 AND id > ?2 AND seq <= ?3 ORDER BY id LIMIT ?4%c",
                     '\0');
    struct sqlite3_stmt *st = sql.full ? NULL : sqlite_prepare(db->db, sql.p);
    buf_done(&sql);
    return st;
}

static int64_t number(struct sqlite3_stmt *st, int at)
{
    return sqlite3_column_type(st, at) == SQLITE_NULL ? RECORD_NULL : sqlite3_column_int64(st, at);
}

static void add_row(struct sqlite3_stmt *st, struct uuid *at, struct evaluation_sums *sums)
{
    bool rated = sqlite3_column_type(st, COLUMN_FEEDBACK) != SQLITE_NULL;
    if (sqlite3_column_bytes(st, 0) == sizeof(*at))
        memcpy(at, sqlite3_column_blob(st, 0), sizeof(*at));
    if (sqlite3_column_int(st, COLUMN_MEETS))
        evaluation_add(sums, number(st, COLUMN_COST), number(st, COLUMN_DURATION),
                       rated ? sqlite3_column_double(st, COLUMN_FEEDBACK) : (double)NAN);
}

enum err log_db_evaluate(struct log_db *db, int64_t gateway, const struct evaluation *e, struct uuid *at,
                         struct evaluation_sums *sums)
{
    struct sqlite3_stmt *st = prepare(db, e);
    uint64_t until_us = clock_us() + EVALUATION_STEP_MS * 1000;
    int64_t n = 0;
    if (!st)
        return E_DB;
    struct uuid after = *at;
    sqlite3_bind_int64(st, 1, gateway);
    sqlite_bind_blob(st, 2, after.b, sizeof(after.b));
    sqlite3_bind_int64(st, 3, e->last_row);
    sqlite3_bind_int64(st, 4, EVALUATION_STEP_ROWS);
    bind_union(st, e);
    bool late = false;
    for (; !late && sqlite3_step(st) == SQLITE_ROW; n++) {
        add_row(st, at, sums);
        late = n % 64 == 63 && clock_us() > until_us;
    }
    bool more = late || n == EVALUATION_STEP_ROWS;
    enum err err = sqlite3_reset(st) != SQLITE_OK ? E_DB : more ? E_AGAIN : E_OK;
    sqlite3_finalize(st);
    return err;
}

int64_t log_db_last_row(struct log_db *db)
{
    return sqlite_number(db->db, "SELECT coalesce(max(seq), 0) FROM log", -1);
}
