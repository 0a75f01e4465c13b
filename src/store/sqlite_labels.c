/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell is written to its minute and to its hour, as roll-ups are. What an hour has already is what its row
 * of span 60 says; from there the bounds are read after a start.
 */
#include "store/sqlite_labels.h"
#include "base/limits.h"
#include "store/sqlite_rollup.h"

#include <stdio.h>

const char label_schema[] =
    "CREATE TABLE label ("
    " gateway INTEGER NOT NULL, span INTEGER NOT NULL, at INTEGER NOT NULL," /* as in rollup */
    " label TEXT NOT NULL, other INTEGER NOT NULL, value TEXT NOT NULL,"
    " requests INTEGER NOT NULL, cached INTEGER NOT NULL, errors INTEGER NOT NULL, unpriced INTEGER NOT NULL,"
    " tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL,"
    " cost_pico INTEGER NOT NULL, saved_pico INTEGER NOT NULL, last INTEGER NOT NULL," /* ms since 1970 */
    " PRIMARY KEY (gateway, span, at, label, other, value)) WITHOUT ROWID;";

/* Behind (gateway, span, at, label, other, value). */
static const struct sum_column sums[] = {
    {"requests", "add_up"},  {"cached", "add_up"},     {"errors", "add_up"},
    {"unpriced", "add_up"},  {"tokens_in", "add_up"},  {"tokens_out", "add_up"},
    {"cost_pico", "add_up"}, {"saved_pico", "add_up"}, {"last", "max"},
};
enum { KEY_COLUMNS = 6 };

bool label_sql_prepare(struct label_sql *l, struct sqlite3 *db)
{
    *l = (struct label_sql){.db = db};
    l->add = prepare_sums(db, "label", KEY_COLUMNS, sums, countof(sums));
    /* from one label to the next, not through all of their values */
    l->names = sqlite_prepare(
        db, "WITH RECURSIVE names(name) AS ("
            " SELECT (SELECT min(label) FROM label WHERE gateway = ?1 AND span = 60 AND at = ?2)"
            " UNION ALL SELECT (SELECT min(label) FROM label WHERE gateway = ?1 AND span = 60 AND at = ?2"
            "  AND label > name) FROM names WHERE name IS NOT NULL)"
            " SELECT name FROM names WHERE name > ''");
    l->values = sqlite_prepare(db, "SELECT value FROM label WHERE gateway = ?1 AND span = 60 AND at = ?2"
                                   " AND label = ?3 AND other = 0");
    return l->add && l->names && l->values;
}

void label_sql_forget(struct label_sql *l)
{
    label_bounds_clear(&l->bounds);
}

void label_sql_done(struct label_sql *l)
{
    sqlite3_finalize(l->add);
    sqlite3_finalize(l->names);
    sqlite3_finalize(l->values);
    label_sql_forget(l);
}

/* ---- bounds ---- */

/* What the first column of a statement has is in the set. Trouble is the commit's, too: then all of it is
 * forgotten. */
static void fill(struct label_set *s, struct sqlite3_stmt *st)
{
    sqlite3_bind_int64(st, 1, s->gateway);
    sqlite3_bind_int64(st, 2, s->hour * 60);
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *p = (const char *)sqlite3_column_text(st, 0);
        struct str text = str_of(p, (size_t)sqlite3_column_bytes(st, 0));
        (void)label_set_admit(s, label_hash(text), SIZE_MAX);
    }
    sqlite3_reset(st);
}

static bool admits_label(struct label_sql *l, const struct label_key *k, int64_t hour)
{
    bool fresh;
    struct label_set *s = label_bounds_set(&l->bounds, k->gateway, hour, 0, &fresh);
    if (fresh)
        fill(s, l->names);
    return label_set_admit(s, label_hash(k->label), LABEL_NAMES);
}

static bool admits_value(struct label_sql *l, const struct label_key *k, int64_t hour)
{
    bool fresh;
    struct label_set *s = label_bounds_set(&l->bounds, k->gateway, hour, label_hash(k->label), &fresh);
    if (fresh) {
        sqlite_bind_text(l->values, 3, k->label);
        fill(s, l->values);
    }
    return label_set_admit(s, label_hash(k->value), LABEL_VALUES);
}

/* Cells that folding makes come at the end, and are of labels that were admitted, or of none. */
static void keep_bounds(struct label_sql *l, struct labels *u)
{
    for (size_t i = 0; i < u->n; i++) {
        const struct label_key k = u->cells[i].key;
        int64_t hour = k.minute / 60;
        if (k.label.n == 0 || u->cells[i].folded)
            continue;
        if (!admits_label(l, &k, hour))
            labels_fold(u, i, true);
        else if (!k.other && !admits_value(l, &k, hour))
            labels_fold(u, i, false);
    }
}

/* ---- writing ---- */

static enum err add_cell(struct label_sql *l, const struct label_cell *c)
{
    static const int64_t spans[] = {SPAN_MINUTE, SPAN_HOUR};
    const int64_t numbers[] = {c->requests,   c->cached,    c->errors,     c->unpriced, c->tokens_in,
                               c->tokens_out, c->cost_pico, c->saved_pico, c->last_ms};
    enum err e = E_OK;
    sqlite_bind_text(l->add, 4, c->key.label);
    sqlite3_bind_int64(l->add, 5, c->key.other);
    sqlite_bind_text(l->add, 6, c->key.value);
    sqlite_bind_numbers(l->add, 7, numbers, countof(numbers));
    for (size_t i = 0; e == E_OK && i < countof(spans); i++) {
        int64_t at = c->key.minute - c->key.minute % spans[i];
        sqlite_bind_numbers(l->add, 1, (const int64_t[]){c->key.gateway, spans[i], at}, 3);
        e = sqlite_once(l->add);
    }
    return e;
}

enum err label_sql_add(struct label_sql *l, struct labels *u)
{
    enum err e = E_OK;
    keep_bounds(l, u);
    for (size_t i = 0; e == E_OK && i < u->n; i++)
        if (!u->cells[i].folded)
            e = add_cell(l, &u->cells[i]);
    return e;
}

/* ---- retention ---- */

/* The oldest time at least, and on to where so many rows are together. E_NOT_FOUND: nothing was there. */
static enum err delete_some(struct label_sql *l, int64_t gateway, int span, int64_t before)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "DELETE FROM label WHERE gateway = %1$lld AND span = %2$d AND at < min(%3$lld,"
             " max((SELECT min(at) + 1 FROM label WHERE gateway = %1$lld AND span = %2$d),"
             " coalesce((SELECT at FROM label WHERE gateway = %1$lld AND span = %2$d"
             " ORDER BY at LIMIT 1 OFFSET %4$d), %3$lld)))",
             (long long)gateway, span, (long long)before, LABEL_SWEEP_ROWS);
    if (sqlite_run(l->db, sql) != E_OK)
        return E_DB;
    return sqlite3_changes(l->db) > 0 ? E_OK : E_NOT_FOUND;
}

enum err label_sql_trim_gateway(struct label_sql *l, int64_t gateway, int64_t before)
{
    enum err e = delete_some(l, gateway, SPAN_MINUTE, before);
    return e == E_NOT_FOUND ? delete_some(l, gateway, SPAN_HOUR, before) : e;
}

enum err label_sql_trim(struct label_sql *l, int64_t before)
{
    char sql[384];
    snprintf(sql, sizeof(sql),
             "SELECT g.gateway FROM gateway_rows g WHERE"
             " EXISTS (SELECT 1 FROM label l WHERE l.gateway = g.gateway AND span = 1 AND at < %1$lld) OR"
             " EXISTS (SELECT 1 FROM label l WHERE l.gateway = g.gateway AND span = 60 AND at < %1$lld)"
             " LIMIT 1",
             (long long)before);
    int64_t gateway = sqlite_number(l->db, sql, -1);
    return gateway < 0 ? E_NOT_FOUND : label_sql_trim_gateway(l, gateway, before);
}
