/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zones in logs.db (store/zone.h). The newest one grows in memory, `tail`; when a row of the next arrives it
 * is written, once. Whatever undoes rows of the tail (a rollback, a deletion) forgets it, and it is read
 * back from the rows before the next one is written.
 */
#include "store/sqlite_logs.h"
#include "base/buf.h"
#include "base/limits.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>

bool log_prepare_zones(struct log_db *db)
{
    db->facet =
        sqlite_prepare(db->db, "INSERT INTO facet (gateway, provider, model, model_type, request_type,"
                               " status, flags, rows) VALUES (?,?,?,?,?,?,?,?)"
                               " ON CONFLICT DO UPDATE SET rows = rows + excluded.rows"
                               " RETURNING id, rows");
    db->zone = sqlite_prepare(db->db, "INSERT OR REPLACE INTO zone VALUES (?,?,?,?)");
    db->terms = sqlite_prepare(db->db, "INSERT OR REPLACE INTO zone_terms VALUES (?,?)");
    db->trigrams = sqlite_prepare(db->db, "INSERT OR REPLACE INTO zone_trigrams VALUES (?,?)");
    return db->facet && db->zone && db->terms && db->trigrams;
}

void log_finish_zones(struct log_db *db)
{
    sqlite3_finalize(db->facet);
    sqlite3_finalize(db->zone);
    sqlite3_finalize(db->terms);
    sqlite3_finalize(db->trigrams);
}

/* ---- writing a zone ---- */

enum err log_count_facet(struct log_db *db, const struct facet *f, int64_t rows, int64_t *ret_id,
                         int64_t *ret_rows)
{
    struct sqlite3_stmt *st = db->facet;
    sqlite3_bind_int64(st, 1, f->gateway);
    sqlite_bind_text(st, 2, f->provider);
    sqlite_bind_text(st, 3, f->model);
    sqlite_bind_text(st, 4, f->model_type);
    sqlite_bind_text(st, 5, f->request_type);
    sqlite3_bind_int(st, 6, f->status < 0 ? 0 : f->status);
    sqlite3_bind_int64(st, 7, f->flags & FACET_FLAGS);
    sqlite3_bind_int64(st, 8, rows);
    bool found = sqlite3_step(st) == SQLITE_ROW;
    *ret_id = found ? sqlite3_column_int64(st, 0) : 0;
    *ret_rows = found ? sqlite3_column_int64(st, 1) : 0;
    return sqlite3_reset(st) == SQLITE_OK && found ? E_OK : E_DB;
}

/* The pairs of the zone's facets, empty where it has too many kinds of rows, or the table has. */
static enum err pack_facets(struct log_db *db, const struct zone *z, struct buf *out)
{
    enum err e = E_OK;
    bool many = sqlite_number(db->db, "SELECT count(*) FROM facet", 0) > LOG_FACETS;
    for (size_t i = 0; e == E_OK && !z->mixed && !many && i < z->n_facets; i++) {
        int64_t id, rows;
        e = log_count_facet(db, &z->facets[i].key, z->facets[i].rows, &id, &rows);
        uint32_t pair[2] = {htole32((uint32_t)id), htole32(z->facets[i].rows)};
        (void)buf_append(out, str_of((const char *)pair, sizeof(pair)));
    }
    return e;
}

static enum err write_zone(struct log_db *db, struct zone *z)
{
    char summary[ZONE_SUMMARY_BYTES];
    struct buf facets;
    size_t n;
    buf_init(&facets, ZONE_FACETS * 2 * sizeof(uint32_t));
    zone_summary_pack(&z->summary, summary);
    unsigned char *bloom = zone_bloom(z, &n);
    enum err e = pack_facets(db, z, &facets);
    sqlite3_bind_int64(db->zone, 1, z->number);
    sqlite3_bind_int64(db->zone, 2, z->rows);
    sqlite_bind_blob(db->zone, 3, summary, sizeof(summary));
    if (facets.n)
        sqlite_bind_blob(db->zone, 4, facets.p, facets.n);
    else
        sqlite3_bind_null(db->zone, 4);
    sqlite3_bind_int64(db->terms, 1, z->number);
    sqlite_bind_blob(db->terms, 2, bloom, n);
    sqlite3_bind_int64(db->trigrams, 1, z->number);
    sqlite_bind_blob(db->trigrams, 2, z->trigrams, sizeof(z->trigrams));
    if (e == E_OK)
        e = sqlite_once(db->zone);
    if (e == E_OK)
        e = sqlite_once(db->terms);
    if (e == E_OK)
        e = sqlite_once(db->trigrams);
    mem_free(bloom);
    buf_done(&facets);
    return e;
}

/* ---- the tail ---- */

/* A zone from its rows. */
static enum err read_zone(struct log_db *db, int64_t number, struct zone *z)
{
    char sql[LOG_SQL_BYTES];
    snprintf(sql, sizeof(sql), "SELECT %s, " LOG_ADDED_COLUMNS " FROM log WHERE seq BETWEEN ?1 AND ?2",
             db->names);
    struct sqlite3_stmt *st = sqlite_prepare(db->db, sql);
    if (!st)
        return E_DB;
    sqlite3_bind_int64(st, 1, number << ZONE_SHIFT);
    sqlite3_bind_int64(st, 2, (number << ZONE_SHIFT) + ZONE_ROWS - 1);
    struct arena a;
    struct log_row row;
    arena_init(&a, SIZE_MAX / 2);
    zone_begin(z, number);
    while (sqlite3_step(st) == SQLITE_ROW && log_read_row(st, &a, &row, NULL)) {
        zone_add(z, &row.r);
        z->summary.has |= isnan(row.feedback) ? 0u : ZONE_HAS_FEEDBACK;
        z->summary.has |= row.note.n ? ZONE_HAS_NOTE : 0u;
        arena_reset(&a);
    }
    arena_done(&a);
    bool whole = sqlite3_reset(st) == SQLITE_OK;
    sqlite3_finalize(st);
    return whole ? E_OK : E_DB;
}

static int64_t next_unzoned(struct log_db *db)
{
    return sqlite_number(db->db, "SELECT coalesce(min(number), -1) FROM unzoned", -1);
}

static enum err build_zone(struct log_db *db, struct zone *z, int64_t number)
{
    char sql[96];
    enum err e = read_zone(db, number, z);
    if (e == E_OK && z->rows)
        e = write_zone(db, z);
    snprintf(sql, sizeof(sql), "DELETE FROM unzoned WHERE number = %lld", (long long)number);
    return e == E_OK ? sqlite_run(db->db, sql) : e;
}

enum err log_build_zones(struct log_db *db)
{
    struct zone z;
    enum err e = E_OK;
    zone_init(&z);
    for (int64_t n = next_unzoned(db); e == E_OK && n >= 0;) {
        e = log_db_begin(db);
        for (int i = 0; e == E_OK && i < LOG_ZONES_AT_ONCE && n >= 0; i++, n = next_unzoned(db))
            e = build_zone(db, &z, n);
        if (e == E_OK)
            e = log_db_commit(db);
        else
            log_db_rollback(db);
    }
    zone_done(&z);
    return e;
}

enum err log_ready_tail(struct log_db *db)
{
    if (db->tail.number >= 0)
        return E_OK;
    int64_t rows = sqlite_number(db->db, "SELECT coalesce(max(seq), 0) + 1 FROM log", -1);
    int64_t zones = sqlite_number(db->db, "SELECT coalesce(max(number) + 1, 0) FROM zone", -1);
    if (rows < 0 || zones < 0)
        return E_DB;
    int64_t next = db->safe_seq > rows ? db->safe_seq : rows;
    next = zones << ZONE_SHIFT > next ? zones << ZONE_SHIFT : next;
    enum err e = read_zone(db, next >> ZONE_SHIFT, &db->tail);
    if (e != E_OK)
        db->tail.number = -1;
    db->next_seq = next;
    return e;
}

enum err log_tail_add(struct log_db *db, const struct record *r)
{
    enum err e = E_OK;
    int64_t number = db->next_seq >> ZONE_SHIFT;
    if (number != db->tail.number) {
        if (db->tail.rows)
            e = write_zone(db, &db->tail);
        zone_begin(&db->tail, number);
    }
    zone_add(&db->tail, r);
    db->next_seq++;
    return e;
}
