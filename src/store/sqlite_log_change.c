/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing rows of the log that were written: deleting them, and what people add to them. Everything that
 * counts rows follows in the same transaction: the gateway's counter, the facets, the zone's list of them,
 * the segments.
 */
#include "store/sqlite_logs.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"

#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- deleting ---- */

/* The zone whose rows go at the moment. */
struct open_zone {
    int64_t number; /* -1: none */
    bool written;   /* it has a row in the table; else it is the tail */
    bool counted;   /* facets are known */
    int64_t rows;
    uint32_t pairs[2 * ZONE_FACETS]; /* facet, rows */
    size_t n;
};

struct deletion {
    struct log_db *db;
    int64_t gateway;
    struct sqlite3_stmt *look, *remove, *load, *store;
    struct open_zone zone;
    int64_t gone;
    bool emptied; /* a facet */
};

static bool prepare_deletion(struct deletion *d)
{
    struct sqlite3 *db = d->db->db;
    d->look = sqlite_prepare(db, "SELECT provider, model, model_type, request_type, status, flags, segment"
                                 " FROM log WHERE seq = ?1 AND id = ?2 AND gateway = ?3");
    d->remove = sqlite_prepare(db, "DELETE FROM log WHERE seq = ?1");
    d->load = sqlite_prepare(db, "SELECT rows, facets FROM zone WHERE number = ?1");
    d->store = sqlite_prepare(db, "UPDATE zone SET rows = ?2, facets = ?3 WHERE number = ?1");
    d->zone.number = -1;
    return d->look && d->remove && d->load && d->store;
}

static void finish_deletion(struct deletion *d)
{
    sqlite3_finalize(d->look);
    sqlite3_finalize(d->remove);
    sqlite3_finalize(d->load);
    sqlite3_finalize(d->store);
}

static enum err leave_zone(struct deletion *d)
{
    struct open_zone *z = &d->zone;
    char sql[192];
    if (z->number < 0 || !z->written)
        return E_OK;
    if (z->rows <= 0) {
        snprintf(sql, sizeof(sql),
                 "DELETE FROM zone WHERE number = %1$lld; DELETE FROM zone_terms WHERE number = %1$lld;"
                 "DELETE FROM zone_trigrams WHERE number = %1$lld",
                 (long long)z->number);
        return sqlite_run(d->db->db, sql);
    }
    sqlite3_bind_int64(d->store, 1, z->number);
    sqlite3_bind_int64(d->store, 2, z->rows);
    if (z->counted)
        sqlite_bind_blob(d->store, 3, z->pairs, z->n * sizeof(*z->pairs));
    else
        sqlite3_bind_null(d->store, 3);
    return sqlite_once(d->store);
}

static enum err enter_zone(struct deletion *d, int64_t number)
{
    struct open_zone *z = &d->zone;
    if (z->number == number)
        return E_OK;
    enum err e = leave_zone(d);
    *z = (struct open_zone){.number = number};
    sqlite3_bind_int64(d->load, 1, number);
    if (sqlite3_step(d->load) == SQLITE_ROW) {
        size_t n = (size_t)sqlite3_column_bytes(d->load, 1);
        z->written = true;
        z->rows = sqlite3_column_int64(d->load, 0);
        z->counted = n > 0 && n <= sizeof(z->pairs);
        z->n = z->counted ? n / sizeof(*z->pairs) : 0;
        if (z->counted)
            memcpy(z->pairs, sqlite3_column_blob(d->load, 1), n);
    }
    if (sqlite3_reset(d->load) != SQLITE_OK)
        return E_DB;
    if (!z->written)
        d->db->tail.number = -1; /* to be read back */
    return e;
}

/* The zone has one less of this facet. */
static void uncount(struct open_zone *z, int64_t id)
{
    size_t i = 0;
    while (i < z->n && le32toh(z->pairs[i]) != (uint32_t)id)
        i += 2;
    if (i >= z->n)
        return;
    uint32_t left = le32toh(z->pairs[i + 1]) - 1;
    z->pairs[i + 1] = htole32(left);
    if (left == 0) {
        memmove(&z->pairs[i], &z->pairs[i + 2], (z->n - i - 2) * sizeof(*z->pairs));
        z->n -= 2;
    }
}

static struct str column_text(struct sqlite3_stmt *st, int at)
{
    const char *p = (const char *)sqlite3_column_text(st, at);
    return str_of(p, (size_t)sqlite3_column_bytes(st, at));
}

/* The row that `look` found. */
static enum err remove_row(struct deletion *d, int64_t seq)
{
    const struct facet f = {
        .gateway = d->gateway,
        .provider = column_text(d->look, 0),
        .model = column_text(d->look, 1),
        .model_type = column_text(d->look, 2),
        .request_type = column_text(d->look, 3),
        .status = sqlite3_column_int(d->look, 4),
        .flags = (unsigned)sqlite3_column_int64(d->look, 5),
    };
    int64_t segment = sqlite3_column_int64(d->look, 6), id, left;
    enum err e = enter_zone(d, seq >> ZONE_SHIFT);
    if (e == E_OK && d->zone.written && d->zone.counted) {
        e = log_count_facet(d->db, &f, -1, &id, &left);
        uncount(&d->zone, id);
        d->emptied |= left <= 0;
    }
    d->zone.rows--;
    if (e == E_OK && segment > 0)
        e = log_touch_segment(d->db, segment, -1);
    sqlite3_bind_int64(d->remove, 1, seq);
    return e == E_OK ? sqlite_once(d->remove) : e;
}

static enum err delete_row(struct deletion *d, const struct log_ref *ref)
{
    enum err e = E_OK;
    sqlite3_bind_int64(d->look, 1, ref->seq);
    sqlite_bind_blob(d->look, 2, ref->id.b, sizeof(ref->id.b));
    sqlite3_bind_int64(d->look, 3, d->gateway);
    if (sqlite3_step(d->look) == SQLITE_ROW) {
        e = remove_row(d, ref->seq);
        d->gone++;
    }
    return sqlite3_reset(d->look) == SQLITE_OK ? e : E_DB;
}

static int by_seq(const void *a, const void *b)
{
    const struct log_ref *x = a, *y = b;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static enum err settle(struct deletion *d)
{
    char sql[128];
    enum err e = leave_zone(d);
    snprintf(sql, sizeof(sql), "UPDATE gateway_rows SET rows = rows - %lld WHERE gateway = %lld",
             (long long)d->gone, (long long)d->gateway);
    if (e == E_OK && d->emptied)
        e = sqlite_run(d->db->db, "DELETE FROM facet WHERE rows <= 0");
    return e == E_OK ? sqlite_run(d->db->db, sql) : e;
}

enum err log_db_delete(struct log_db *db, int64_t gateway, struct log_ref *refs, size_t n, int64_t *ret_gone)
{
    struct deletion d = {.db = db, .gateway = gateway};
    enum err e = prepare_deletion(&d) ? E_OK : E_DB;
    if (n)
        qsort(refs, n, sizeof(*refs), by_seq);
    for (size_t i = 0; e == E_OK && i < n; i++)
        e = delete_row(&d, &refs[i]);
    if (e == E_OK && n)
        e = settle(&d);
    finish_deletion(&d);
    *ret_gone = d.gone;
    return e;
}

enum err log_db_oldest(struct log_db *db, int64_t gateway, int64_t before_ms, struct log_ref *refs,
                       size_t max, size_t *ret_n)
{
    struct uuid bound = uuid_at(before_ms);
    struct sqlite3_stmt *st =
        sqlite_prepare(db->db, "SELECT seq, id FROM log WHERE gateway = ?1 AND id < ?2 ORDER BY id LIMIT ?3");
    if (!st)
        return E_DB;
    sqlite3_bind_int64(st, 1, gateway);
    sqlite_bind_blob(st, 2, bound.b, sizeof(bound.b));
    sqlite3_bind_int64(st, 3, (int64_t)max);
    size_t n = 0;
    while (n < max && sqlite3_step(st) == SQLITE_ROW)
        refs[n++] = log_ref_of(st);
    bool whole = sqlite3_reset(st) == SQLITE_OK;
    sqlite3_finalize(st);
    *ret_n = n;
    return whole ? E_OK : E_DB;
}

int64_t log_db_rows(struct log_db *db, int64_t gateway)
{
    char sql[96];
    snprintf(sql, sizeof(sql), "SELECT rows FROM gateway_rows WHERE gateway = %lld", (long long)gateway);
    return sqlite_number(db->db, sql, 0);
}

int64_t log_db_empty_segment(struct log_db *db, int64_t below)
{
    char sql[128];
    snprintf(sql, sizeof(sql), "SELECT min(number) FROM segment WHERE rows <= 0 AND number < %lld",
             (long long)below);
    return sqlite_number(db->db, sql, 0);
}

enum err log_db_forget_segment(struct log_db *db, int64_t number)
{
    char sql[96];
    snprintf(sql, sizeof(sql), "DELETE FROM segment WHERE number = %lld AND rows <= 0", (long long)number);
    return sqlite_run(db->db, sql);
}

/* ---- what people add ---- */

/* The new map with the old one's entries that only the gateway sets; p == NULL: nothing is left. */
static struct str merged_metadata(struct arena *a, struct str fresh, struct str old)
{
    struct buf b;
    size_t n = 0;
    buf_init(&b, fresh.n + old.n + 16);
    struct json_out w = json_out(&b);
    struct json_doc *docs[] = {json_parse(fresh), json_parse(old)};
    json_open(&w, '{');
    for (size_t i = 0; i < countof(docs); i++)
        for (struct json_iter it = json_iter(json_root(docs[i])); json_next(&it);) {
            if (str_starts(it.key, STR("cf.")) != (i == 1))
                continue;
            json_key_str(&w, it.key);
            json_put_val(&w, it.val);
            n++;
        }
    json_close(&w, '}');
    struct str map = n ? arena_dup(a, buf_str(&b)) : (struct str){NULL, 0};
    json_free(docs[0]);
    json_free(docs[1]);
    buf_done(&b);
    return map;
}

/* The texts of a written zone. */
struct texts {
    unsigned char *bloom, *trigrams;
    size_t bloom_n, trigrams_n; /* 0: it has none */
};

static void put_text(void *arg, enum term_kind kind, struct str text)
{
    const struct texts *t = arg;
    if (term_is_whole(kind))
        bloom_put(t->bloom, t->bloom_n, term_hash(kind, text));
    if (term_has_parts(kind) && t->trigrams_n == TRIGRAMS_BYTES)
        trigrams_put(t->trigrams, text);
}

static unsigned char *copy_blob(struct sqlite3_stmt *st, int column, size_t *ret_n)
{
    *ret_n = (size_t)sqlite3_column_bytes(st, column);
    unsigned char *p = mem_alloc(*ret_n + 1);
    if (*ret_n)
        memcpy(p, sqlite3_column_blob(st, column), *ret_n);
    return p;
}

static enum err write_blob(struct log_db *db, const char *sql, int64_t number, const void *p, size_t n)
{
    struct sqlite3_stmt *st = sqlite_prepare(db->db, sql);
    if (!st)
        return E_DB;
    sqlite3_bind_int64(st, 1, number);
    sqlite_bind_blob(st, 2, p, n);
    enum err e = sqlite_once(st);
    sqlite3_finalize(st);
    return e;
}

static enum err write_texts(struct log_db *db, int64_t number, const struct texts *t)
{
    enum err e =
        write_blob(db, "UPDATE zone_terms SET terms = ?2 WHERE number = ?1", number, t->bloom, t->bloom_n);
    if (e == E_OK && t->trigrams_n)
        e = write_blob(db, "UPDATE zone_trigrams SET trigrams = ?2 WHERE number = ?1", number, t->trigrams,
                       t->trigrams_n);
    return e;
}

static enum err write_summary(struct log_db *db, int64_t number, const struct zone_summary *s)
{
    char packed[ZONE_SUMMARY_BYTES];
    zone_summary_pack(s, packed);
    return write_blob(db, "UPDATE zone SET summary = ?2 WHERE number = ?1", number, packed, sizeof(packed));
}

/* A written zone learns of the row's metadata, and what else it has. */
static enum err widen_zone(struct log_db *db, int64_t number, struct str metadata, unsigned has)
{
    struct sqlite3_stmt *st =
        sqlite_prepare(db->db, "SELECT summary, terms, trigrams FROM zone NATURAL JOIN zone_terms"
                               " NATURAL LEFT JOIN zone_trigrams WHERE number = ?1");
    if (!st)
        return E_DB;
    struct zone_summary s;
    struct texts t = {0};
    sqlite3_bind_int64(st, 1, number);
    bool found =
        sqlite3_step(st) == SQLITE_ROW &&
        zone_summary_unpack(str_of(sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0)), &s);
    if (found) {
        t.bloom = copy_blob(st, 1, &t.bloom_n);
        t.trigrams = copy_blob(st, 2, &t.trigrams_n);
        texts_of_metadata(metadata, put_text, &t);
        s.has |= has;
    }
    sqlite3_finalize(st);
    enum err e = found ? write_summary(db, number, &s) : E_OK;
    if (found && e == E_OK)
        e = write_texts(db, number, &t);
    mem_free(t.bloom);
    mem_free(t.trigrams);
    return e;
}

static void bind_rating(struct sqlite3_stmt *st, int at, double v)
{
    if (isnan(v))
        sqlite3_bind_null(st, at);
    else
        sqlite3_bind_double(st, at, v);
}

static enum err update_row(struct log_db *db, int64_t seq, const struct log_patch *p, struct str metadata)
{
    struct sqlite3_stmt *st =
        sqlite_prepare(db->db, "UPDATE log SET feedback = iif(?2, ?3, feedback), score = iif(?4, ?5, score),"
                               " metadata = iif(?6, ?7, metadata), note = iif(?8, ?9, note) WHERE seq = ?1");
    if (!st)
        return E_DB;
    sqlite3_bind_int64(st, 1, seq);
    sqlite3_bind_int(st, 2, p->has_feedback);
    bind_rating(st, 3, p->feedback);
    sqlite3_bind_int(st, 4, p->has_score);
    bind_rating(st, 5, p->score);
    sqlite3_bind_int(st, 6, p->has_metadata);
    sqlite_bind_str(st, 7, metadata);
    sqlite3_bind_int(st, 8, p->has_note);
    sqlite_bind_str(st, 9, p->note);
    enum err e = sqlite_once(st);
    sqlite3_finalize(st);
    return e;
}

/* seq of the row, 0: none; its metadata into a. */
static int64_t find_row(struct log_db *db, int64_t gateway, struct uuid id, struct arena *a,
                        struct str *ret_metadata)
{
    struct sqlite3_stmt *st =
        sqlite_prepare(db->db, "SELECT seq, metadata FROM log WHERE gateway = ?1 AND id = ?2");
    if (!st)
        return -1;
    sqlite3_bind_int64(st, 1, gateway);
    sqlite_bind_blob(st, 2, id.b, sizeof(id.b));
    int64_t seq = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    if (seq && !sqlite_str(st, 1, a, ret_metadata))
        seq = -1;
    if (sqlite3_reset(st) != SQLITE_OK)
        seq = -1;
    sqlite3_finalize(st);
    return seq;
}

enum err log_db_patch(struct log_db *db, int64_t gateway, struct uuid id, const struct log_patch *p)
{
    struct arena a;
    struct str metadata = {NULL, 0};
    arena_init(&a, LOG_PAGE_BYTES);
    int64_t seq = find_row(db, gateway, id, &a, &metadata);
    enum err e = seq > 0 ? E_OK : seq ? E_DB : E_NOT_FOUND;
    if (p->has_metadata && e == E_OK)
        metadata = merged_metadata(&a, p->metadata, metadata);
    if (e == E_OK)
        e = update_row(db, seq, p, metadata);
    if (e == E_OK) {
        db->tail.number = seq >> ZONE_SHIFT == db->tail.number ? -1 : db->tail.number; /* to be read back */
        unsigned has = (p->has_feedback && !isnan(p->feedback) ? ZONE_HAS_FEEDBACK : 0u) |
                       (p->has_note && p->note.n ? ZONE_HAS_NOTE : 0u);
        e = widen_zone(db, seq >> ZONE_SHIFT, metadata, has);
    }
    arena_done(&a);
    return e;
}
