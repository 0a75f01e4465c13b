/* SPDX-License-Identifier: Apache-2.0 */
/* weir.db: reading the audit log. */
#include "store/sqlite_catalog.h"

/* Every condition is there always: one that is not asked for is true. */
#define MATCHING                                                                                             \
    " FROM audit WHERE account = ?1 AND (?2 = 0 OR at >= ?2) AND (?3 = 0 OR at < ?3)"                        \
    " AND (?4 IS NULL OR action = ?4)"                                                                       \
    " AND (?5 IS NULL OR json_extract(actor, '$.name') = ?5 COLLATE NOCASE)"                                 \
    " AND (?6 IS NULL OR resource = ?6) AND (?7 IS NULL OR gateway = ?7)"                                    \
    " AND (?8 IS NULL OR json_extract(actor, '$.id') = ?8)"                                                  \
    " AND (?9 IS NULL OR json_extract(actor, '$.ip') = ?9)"
#define COLUMNS                                                                                              \
    "SELECT uuid, at, interface, actor, action, resource, resource_id, name, gateway, before, "              \
    "after" MATCHING

static void bind(struct sqlite3_stmt *st, const struct audit_query *q)
{
    sqlite_bind_str(st, 1, q->account);
    sqlite3_bind_int64(st, 2, q->since_ms);
    sqlite3_bind_int64(st, 3, q->before_ms);
    sqlite_bind_str(st, 4, q->action);
    sqlite_bind_str(st, 5, q->actor);
    sqlite_bind_str(st, 6, q->resource);
    sqlite_bind_str(st, 7, q->gateway);
    sqlite_bind_str(st, 8, q->actor_id);
    sqlite_bind_str(st, 9, q->actor_ip);
}

static void read_uuid(struct sqlite3_stmt *st, int column, struct uuid *ret)
{
    if (sqlite3_column_bytes(st, column) == sizeof(*ret))
        memcpy(ret, sqlite3_column_blob(st, column), sizeof(*ret));
}

static bool read_row(struct sqlite3_stmt *st, struct arena *a, struct audit_row *r)
{
    read_uuid(st, 0, &r->id);
    r->at_ms = sqlite3_column_int64(st, 1);
    read_uuid(st, 6, &r->resource_id);
    return sqlite_str(st, 2, a, &r->interface) && sqlite_str(st, 3, a, &r->actor) &&
           sqlite_str(st, 4, a, &r->action) && sqlite_str(st, 5, a, &r->resource) &&
           sqlite_str(st, 7, a, &r->name) && sqlite_str(st, 8, a, &r->gateway) &&
           sqlite_str(st, 9, a, &r->before) && sqlite_str(st, 10, a, &r->after);
}

static bool count(struct catalog_db *db, const struct audit_query *q, int64_t *ret)
{
    struct sqlite3_stmt *st = sqlite_prepare(db->db, "SELECT count(*)" MATCHING);
    if (!st)
        return false;
    bind(st, q);
    bool ok = sqlite3_step(st) == SQLITE_ROW;
    *ret = ok ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_finalize(st);
    return ok;
}

static enum err read_rows(struct sqlite3_stmt *st, const struct audit_query *q, struct audit_page *ret)
{
    ret->rows = arena_zalloc(&ret->arena, (size_t)q->per_page * sizeof(*ret->rows));
    while (ret->rows && ret->n < (size_t)q->per_page) {
        int step = sqlite3_step(st);
        if (step != SQLITE_ROW)
            return step == SQLITE_DONE ? E_OK : E_DB;
        if (!read_row(st, &ret->arena, &ret->rows[ret->n]))
            return E_FULL;
        ret->n++;
    }
    return ret->rows ? E_OK : E_FULL;
}

enum err catalog_db_audit(struct catalog_db *db, const struct audit_query *q, struct audit_page *ret)
{
    struct sqlite3_stmt *st =
        sqlite_prepare(db->db, q->ascending ? COLUMNS " ORDER BY at, id LIMIT ?10 OFFSET ?11"
                                            : COLUMNS " ORDER BY at DESC, id DESC LIMIT ?10 OFFSET ?11");
    if (!st || !count(db, q, &ret->total)) {
        sqlite3_finalize(st);
        return ret->err = E_DB;
    }
    bind(st, q);
    sqlite3_bind_int64(st, 10, q->per_page);
    sqlite3_bind_int64(st, 11, (q->page - 1) * q->per_page);
    ret->err = read_rows(st, q, ret);
    sqlite3_finalize(st);
    return ret->err;
}
