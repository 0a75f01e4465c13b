/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading logs.db: rows, the conditions of a query, and what is known without looking through the log: one
 * row, the newest page of all, a tail. Everything else is sqlite_log_scan.c.
 */
#include "store/sqlite_logs.h"
#include "base/limits.h"

#include <math.h>
#include <stdio.h>

/* ---- conditions ---- */

/* A column's value as clauses see it; an id's text goes to `id`. */
static struct log_value value_of(sqlite3_value *v, enum log_kind kind, char id[UUID_TEXT])
{
    static const struct log_value none = {.type = LOG_VALUE_NULL};
    struct log_value out = {.type = LOG_VALUE_TEXT};
    struct uuid raw;
    switch (sqlite3_value_type(v)) {
    case SQLITE_NULL: return none;
    case SQLITE_INTEGER:
    case SQLITE_FLOAT:
        out.type = LOG_VALUE_NUMBER;
        out.number = sqlite3_value_double(v);
        if (kind == LOG_FLAG)
            out.number = sqlite3_value_int64(v) != 0;
        return out;
    case SQLITE_BLOB:
        if (sqlite3_value_bytes(v) != sizeof(raw))
            return none;
        memcpy(&raw, sqlite3_value_blob(v), sizeof(raw));
        uuid_text(raw, id);
        out.text = str_of(id, UUID_TEXT);
        return out;
    default:
        out.text.p = (const char *)sqlite3_value_text(v);
        out.text.n = (size_t)sqlite3_value_bytes(v);
        return out.text.n ? out : none;
    }
}

/* fits(clause, value) */
static void fits(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    char id[UUID_TEXT];
    const struct log_clause *c = sqlite3_value_pointer(argv[0], "clause");
    must(argc == 2 && c);
    struct log_value v = value_of(argv[1], log_keys[c->key].kind, id);
    sqlite3_result_int(ctx, log_clause_meets(c, &v));
}

/* found(needle, value...): the needle is part of one of the values, in any case. */
static void found(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    char id[UUID_TEXT];
    struct log_value needle = value_of(argv[0], LOG_TEXT, id);
    const struct log_clause part = {.key = KEY_MODEL, .op = LOG_CONTAINS, .values = &needle, .n = 1};
    bool yes = false;
    for (int i = 1; i < argc && !yes; i++) {
        struct log_value v = value_of(argv[i], LOG_TEXT, id);
        yes = log_clause_meets(&part, &v);
    }
    sqlite3_result_int(ctx, yes);
}

/* error_kind(flags) */
static void error_kind(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    struct str name = error_kind_name(error_kind_of_flags((unsigned)sqlite3_value_int64(argv[0])));
    must(argc == 1);
    sqlite3_result_text64(ctx, name.p, name.n, SQLITE_STATIC, SQLITE_UTF8); /* NULL: null */
}

bool log_define_functions(struct sqlite3 *db)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    return sqlite3_create_function(db, "fits", 2, flags, NULL, fits, NULL, NULL) == SQLITE_OK &&
           sqlite3_create_function(db, "found", -1, flags, NULL, found, NULL, NULL) == SQLITE_OK &&
           sqlite3_create_function(db, "error_kind", 1, flags, NULL, error_kind, NULL, NULL) == SQLITE_OK;
}

enum { PARAM_SEARCH = 9, PARAM_CLAUSES = 10 };

/* An id has an index of its own. */
static void put_ids(struct buf *sql, const struct log_clause *c)
{
    (void)buf_append_c(sql, " AND id IN (");
    for (size_t i = 0, n = 0; i < c->n; i++) {
        struct uuid id;
        char hex[2 * sizeof(id.b)];
        if (c->values[i].type != LOG_VALUE_TEXT || uuid_parse(c->values[i].text, &id) != E_OK)
            continue;
        hex_encode(hex, id.b, sizeof(id.b));
        (void)buf_printf(sql, "%sx'%.*s'", n++ ? "," : "", (int)sizeof(hex), hex);
    }
    (void)buf_append_c(sql, ")");
}

void log_put_conditions(struct buf *sql, const struct log_query *q, bool facets)
{
    for (size_t i = 0; i < q->filter.n; i++) {
        const struct log_clause *c = &q->filter.clauses[i];
        if (facets && !log_keys[c->key].facet)
            continue;
        if (c->key == KEY_ID && c->op == LOG_EQ)
            put_ids(sql, c);
        (void)buf_printf(sql, " AND fits(?%zu, %s)", PARAM_CLAUSES + i, log_keys[c->key].sql);
    }
    if (q->search.n && !facets)
        (void)buf_printf(sql, " AND found(?%d, id, event_id, model, provider, path, metadata)", PARAM_SEARCH);
}

void log_bind_conditions(struct sqlite3_stmt *st, const struct log_query *q, bool facets)
{
    for (size_t i = 0; i < q->filter.n; i++) {
        const struct log_clause *c = &q->filter.clauses[i];
        if (!facets || log_keys[c->key].facet)
            sqlite3_bind_pointer(st, PARAM_CLAUSES + (int)i, (void *)(uintptr_t)c, "clause", NULL);
    }
    if (q->search.n && !facets)
        sqlite_bind_str(st, PARAM_SEARCH, q->search);
}

struct uuid uuid_at(int64_t ms)
{
    struct uuid id = {{0}};
    for (int i = 0; i < 6; i++)
        id.b[i] = (unsigned char)(ms >> (40 - 8 * i));
    return id;
}

struct log_ref log_ref_of(struct sqlite3_stmt *st)
{
    struct log_ref ref = {.seq = sqlite3_column_int64(st, 0)};
    if (sqlite3_column_bytes(st, 1) == sizeof(ref.id))
        memcpy(&ref.id, sqlite3_column_blob(st, 1), sizeof(ref.id));
    return ref;
}

/* ---- rows ---- */

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
    void *field = (char *)&row->r + log_columns[at].at;
    switch (log_columns[at].kind) {
    case COLUMN_NUMBER: *(int64_t *)field = read_number(st, at); return true;
    case COLUMN_SMALL: *(int *)field = (int)read_number(st, at); return true;
    case COLUMN_TEXT: return sqlite_str(st, at, a, field);
    case COLUMN_ID: return read_id(st, at, a, row->id_text, field);
    }
    return true;
}

static double read_real(struct sqlite3_stmt *st, int at)
{
    return sqlite3_column_type(st, at) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(st, at);
}

bool log_read_row(struct sqlite3_stmt *st, struct arena *a, struct log_row *row, struct body_place *ret_place)
{
    int last = (int)log_column_count;
    char text[UUID_TEXT];
    memset(row, 0, sizeof(*row));
    if (sqlite3_column_bytes(st, last) == sizeof(row->r.id))
        memcpy(&row->r.id, sqlite3_column_blob(st, last), sizeof(row->r.id));
    uuid_text(row->r.id, text);
    row->id_text = arena_dup(a, str_of(text, UUID_TEXT));
    bool fits = row->id_text.p;
    for (int i = 0; fits && i < last; i++)
        fits = read_column(st, i, a, row);
    struct body_place p = {
        .segment = sqlite3_column_int64(st, last + 1),
        .frame = sqlite3_column_int64(st, last + 2),
        .at = sqlite3_column_int64(st, last + 3),
        .request = read_number(st, last + 4),
        .response = read_number(st, last + 5),
    };
    row->has_request = p.request >= 0;
    row->has_response = p.response >= 0;
    row->feedback = read_real(st, last + LOG_LAST_COUNT);
    row->score = read_real(st, last + LOG_LAST_COUNT + 1);
    fits = fits && sqlite_str(st, last + LOG_LAST_COUNT + 2, a, &row->note);
    if (ret_place)
        *ret_place = p;
    return fits;
}

/* Rows of a statement that selects what read_row reads, `max` at most. */
enum err log_read_rows(struct log_db *db, struct sqlite3_stmt *st, size_t max, struct log_page *ret,
                       struct body_place *ret_place)
{
    struct log_row row;
    while (ret->n < max && sqlite3_step(st) == SQLITE_ROW) {
        if (ret->n == ret->cap) {
            ret->cap = ret->cap ? 2 * ret->cap : 32;
            struct log_row *more = arena_alloc(&ret->arena, ret->cap * sizeof(*more));
            if (more && ret->n)
                memcpy(more, ret->rows, ret->n * sizeof(*more));
            if (!more)
                return E_FULL;
            ret->rows = more;
        }
        if (!log_read_row(st, &ret->arena, &row, ret_place))
            return E_FULL;
        ret->rows[ret->n++] = row;
    }
    int code = sqlite3_errcode(db->db);
    return code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE ? E_OK : E_DB;
}

enum err log_db_get(struct log_db *db, int64_t gateway, struct uuid id, struct log_page *ret,
                    struct body_place *ret_place)
{
    char sql[LOG_SQL_BYTES];
    snprintf(sql, sizeof(sql), "SELECT %s, " LOG_ADDED_COLUMNS " FROM log WHERE gateway %s AND id = ?2",
             db->names, gateway ? "= ?1" : "IN (SELECT gateway FROM gateway_rows)");
    struct sqlite3_stmt *st = sqlite_prepare(db->db, sql);
    if (!st)
        return ret->err = E_DB;
    if (gateway)
        sqlite3_bind_int64(st, 1, gateway);
    sqlite_bind_blob(st, 2, id.b, sizeof(id.b));
    ret->err = log_read_rows(db, st, 1, ret, ret_place);
    sqlite3_finalize(st);
    if (ret->err == E_OK && ret->n == 0)
        ret->err = E_NOT_FOUND;
    ret->total = (int64_t)ret->n;
    return ret->err;
}

/* ---- what needs no look through the log ---- */

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

static bool is_tail(const struct log_query *q)
{
    static const struct uuid none;
    return memcmp(&q->after, &none, sizeof(none)) != 0;
}

int64_t log_skipped(const struct log_query *q)
{
    int64_t skip;
    if (q->page < 1 || __builtin_mul_overflow(q->page - 1, log_page_size(q), &skip))
        return q->page < 1 ? 0 : INT64_MAX;
    return skip;
}

int64_t log_page_size(const struct log_query *q)
{
    return q->per_page < 1 ? 1 : q->per_page > LOG_PAGE_ROWS ? LOG_PAGE_ROWS : q->per_page;
}

/* Which rows, and their order: the newest of all, by the index or by seq; or what came after one. */
static void put_selection(struct buf *sql, const struct log_query *q)
{
    bool tail = is_tail(q);
    const char *dir = tail || q->ascending ? "ASC" : "DESC";
    /* the plus keeps a tail off the index: its rows are a short range of seq */
    (void)buf_printf(sql, " FROM log WHERE %s%s",
                     !q->gateway ? "1"
                     : tail      ? "+gateway = ?1"
                                 : "gateway = ?1",
                     tail ? " AND seq > ?2" : "");
    log_put_conditions(sql, q, false);
    (void)buf_printf(sql, " ORDER BY %s %s LIMIT ?4 OFFSET ?5", q->gateway && !tail ? "id" : "seq", dir);
}

static enum err list_rows(struct log_db *db, const struct log_query *q, int64_t after, struct log_page *ret)
{
    struct buf sql;
    buf_init(&sql, LOG_SQL_MAX);
    (void)buf_printf(&sql, "SELECT %s, " LOG_ADDED_COLUMNS " FROM log WHERE seq IN (SELECT seq", db->names);
    put_selection(&sql, q);
    bool tail = is_tail(q);
    (void)buf_printf(&sql, ") ORDER BY %s %s%c", q->gateway && !tail ? "id" : "seq",
                     tail || q->ascending ? "ASC" : "DESC", '\0');
    struct sqlite3_stmt *st = sql.full ? NULL : sqlite_prepare(db->db, sql.p);
    buf_done(&sql);
    if (!st)
        return E_DB;
    sqlite3_bind_int64(st, 1, q->gateway);
    sqlite3_bind_int64(st, 2, after);
    log_bind_conditions(st, q, false);
    sqlite3_bind_int64(st, 4, log_page_size(q));
    sqlite3_bind_int64(st, 5, log_skipped(q));
    enum err e = log_read_rows(db, st, (size_t)log_page_size(q), ret, NULL);
    sqlite3_finalize(st);
    return e;
}

static int64_t count_all(struct log_db *db, int64_t gateway)
{
    return gateway ? log_db_rows(db, gateway)
                   : sqlite_number(db->db, "SELECT coalesce(sum(rows), 0) FROM gateway_rows", -1);
}

enum err log_list_known(struct log_db *db, const struct log_query *q, struct log_page *ret)
{
    /* one transaction: rows and total are of the same moment */
    enum err e = sqlite_run(db->db, "BEGIN");
    int64_t after = is_tail(q) ? seq_after(db, q->after) : 0;
    if (e == E_OK)
        e = list_rows(db, q, after, ret);
    ret->total = is_tail(q) ? (int64_t)ret->n : count_all(db, q->gateway);
    if (ret->total < 0)
        e = E_DB;
    sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
    return e;
}

bool log_query_is_known(const struct log_query *q)
{
    bool plain = q->filter.n == 0 && q->search.n == 0 && !q->meta && q->order == ORDER_CREATED;
    return plain || is_tail(q);
}

enum err log_db_list(struct log_db *db, const struct log_query *q, struct log_page *ret)
{
    struct log_scan *s = log_scan_new(db, q, false);
    while (log_scan_step(s, ret) == E_AGAIN)
        ;
    log_scan_free(s);
    return ret->err;
}
