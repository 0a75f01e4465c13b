/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs.db: the ledger. Entries are numbered by account, so that the last one, which has the balance, is found
 * at the end of a range of the primary key. The database itself refuses to change or delete one, and a
 * balance that is not a whole number of 63 bits.
 */
#include "store/sqlite_logs.h"

#include <stdio.h>

enum { HOUR_MS = 3600 * 1000 };

const char ledger_schema[] =
    "CREATE TABLE ledger ("
    " account TEXT NOT NULL, number INTEGER NOT NULL, id BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL,"
    " at INTEGER NOT NULL," /* ms since 1970 */
    " amount_pico INTEGER NOT NULL,"
    " balance_pico INTEGER NOT NULL CHECK (typeof(balance_pico) = 'integer'),"
    " gateway INTEGER, provider TEXT, model TEXT, actor TEXT, note TEXT,"
    " PRIMARY KEY (account, number)) WITHOUT ROWID;"
    "CREATE INDEX ledger_booked ON ledger (account, number) WHERE kind <> 2;"
    "CREATE TRIGGER ledger_stays BEFORE UPDATE ON ledger BEGIN"
    " SELECT raise(ABORT, 'entries of the ledger are not changed'); END;"
    "CREATE TRIGGER ledger_keeps BEFORE DELETE ON ledger BEGIN"
    " SELECT raise(ABORT, 'entries of the ledger are not deleted'); END;"
    "CREATE TABLE ledger_hour ("
    " account TEXT NOT NULL, hour INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,"
    " calls INTEGER NOT NULL, amount_pico INTEGER NOT NULL,"
    " PRIMARY KEY (account, hour, provider, model)) WITHOUT ROWID;";
_Static_assert(LEDGER_CHARGE == 2, "ledger_booked");

#define BALANCE "SELECT balance_pico FROM ledger WHERE account = ? ORDER BY number DESC LIMIT 1"

/* ---- writing ---- */

bool ledger_sql_prepare(struct ledger_sql *l, struct sqlite3 *db)
{
    l->db = db;
    l->add = sqlite_prepare(
        db, "INSERT OR IGNORE INTO ledger (account, number, id, kind, at, amount_pico, balance_pico, gateway,"
            " provider, model, actor, note)"
            " SELECT ?1, coalesce(l.number, 0) + 1, ?2, ?3, ?4, ?5, coalesce(l.balance_pico, 0) + ?5, ?6, ?7,"
            " ?8, ?9, ?10 FROM (SELECT 1) LEFT JOIN (SELECT number, balance_pico FROM ledger"
            " WHERE account = ?1 ORDER BY number DESC LIMIT 1) l");
    l->sum = sqlite_prepare(db, "INSERT INTO ledger_hour VALUES (?1, ?2, ?3, ?4, 1, ?5)"
                                " ON CONFLICT DO UPDATE SET calls = calls + 1,"
                                " amount_pico = amount_pico + excluded.amount_pico");
    l->balance = sqlite_prepare(db, BALANCE);
    l->version = sqlite_number(db, "PRAGMA data_version", 0);
    return l->add && l->sum && l->balance;
}

void ledger_sql_done(struct ledger_sql *l)
{
    sqlite3_finalize(l->add);
    sqlite3_finalize(l->sum);
    sqlite3_finalize(l->balance);
}

static enum err add_to_hour(struct ledger_sql *l, const struct ledger_entry *e)
{
    sqlite_bind_str(l->sum, 1, e->account);
    sqlite3_bind_int64(l->sum, 2, e->at_ms / HOUR_MS);
    sqlite_bind_text(l->sum, 3, e->provider);
    sqlite_bind_text(l->sum, 4, e->model);
    sqlite3_bind_int64(l->sum, 5, -e->amount_pico);
    return sqlite_once(l->sum);
}

/* 0 for an account without entries. */
static enum err last_balance(struct sqlite3_stmt *st, struct str account, int64_t *ret)
{
    sqlite_bind_str(st, 1, account);
    int step = sqlite3_step(st);
    *ret = step == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_reset(st);
    return step == SQLITE_ROW || step == SQLITE_DONE ? E_OK : E_DB;
}

/* A balance that does not fit is found here: OR IGNORE would pass over it in silence, as over a second entry
 * of an id. */
static enum err add(struct ledger_sql *l, const struct ledger_entry *e)
{
    int64_t balance;
    if (last_balance(l->balance, e->account, &balance) != E_OK)
        return E_DB;
    if (__builtin_add_overflow(balance, e->amount_pico, &balance))
        return E_FULL;
    sqlite_bind_str(l->add, 1, e->account);
    sqlite_bind_blob(l->add, 2, e->id.b, sizeof(e->id.b));
    const int64_t numbers[] = {e->kind, e->at_ms, e->amount_pico, e->gateway};
    for (int i = 0; i < (int)countof(numbers); i++)
        sqlite3_bind_int64(l->add, 3 + i, numbers[i]);
    const struct str texts[] = {e->provider, e->model, e->actor, e->note};
    for (int i = 0; i < (int)countof(texts); i++)
        sqlite_bind_str(l->add, 7 + i, texts[i]);
    enum err err = sqlite_once(l->add);
    bool added = err == E_OK && sqlite3_changes(l->db) > 0;
    return added && e->kind == LEDGER_CHARGE ? add_to_hour(l, e) : err;
}

static enum err add_and_tell(struct ledger_sql *l, const struct ledger_entry *e, int64_t *ret_balance)
{
    enum err err = add(l, e);
    return err == E_OK ? last_balance(l->balance, e->account, ret_balance) : err;
}

enum err log_db_charge(struct log_db *db, const struct record *r, int64_t *ret_balance)
{
    struct ledger_entry e = {.id = r->id,
                             .account = r->account,
                             .kind = LEDGER_CHARGE,
                             .at_ms = r->created_ms + r->duration_us / 1000,
                             .amount_pico = -r->charge_pico,
                             .gateway = r->gateway,
                             .provider = r->provider,
                             .model = r->model};
    return add_and_tell(&db->ledger, &e, ret_balance);
}

/* In a transaction of its own. */
static enum err book(struct ledger_sql *l, const struct ledger_entry *e, int64_t *ret_balance)
{
    enum err err = sqlite_run(l->db, "BEGIN IMMEDIATE");
    if (err != E_OK)
        return err;
    err = add_and_tell(l, e, ret_balance);
    if (err == E_OK)
        err = sqlite_run(l->db, "COMMIT");
    if (err != E_OK)
        sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
    return err;
}

enum err log_db_book(struct log_db *db, const struct ledger_entry *e, int64_t *ret_balance)
{
    return book(&db->ledger, e, ret_balance);
}

bool log_db_ledger_changed(struct log_db *db)
{
    struct ledger_sql *l = &db->ledger;
    int64_t version = sqlite_number(l->db, "PRAGMA data_version", l->version);
    bool changed = version != l->version;
    l->version = version;
    return changed;
}

/* ---- reading ---- */

enum err log_db_balances(struct log_db *db, void (*on_balance)(void *arg, struct str account, int64_t pico),
                         void *arg)
{
    /* a step from one account to the next, whatever lies between */
    struct sqlite3_stmt *st = sqlite_prepare(
        db->db, "WITH RECURSIVE names(account) AS (SELECT min(account) FROM ledger UNION ALL"
                " SELECT (SELECT min(account) FROM ledger WHERE account > names.account) FROM names"
                " WHERE names.account IS NOT NULL) SELECT account, (SELECT balance_pico FROM ledger l"
                " WHERE l.account = names.account ORDER BY number DESC LIMIT 1) FROM names"
                " WHERE account IS NOT NULL");
    int step = SQLITE_ERROR;
    while (st && (step = sqlite3_step(st)) == SQLITE_ROW)
        on_balance(arg, str_of((const char *)sqlite3_column_text(st, 0), (size_t)sqlite3_column_bytes(st, 0)),
                   sqlite3_column_int64(st, 1));
    sqlite3_finalize(st);
    return step == SQLITE_DONE ? E_OK : E_DB;
}

/* An array that grows by doubling; the room for element n. NULL past the arena's cap. */
static void *room(struct arena *a, void *array, size_t n, size_t size)
{
    bool full = n == 0 || (n >= 16 && (n & (n - 1)) == 0);
    if (!full)
        return array;
    void *more = arena_zalloc(a, (n ? 2 * n : 16) * size);
    if (more && n)
        memcpy(more, array, n * size);
    return more;
}

#define ENTRY                                                                                                \
    "SELECT id, kind, at, amount_pico, balance_pico, gateway, provider, model, actor, note FROM ledger"

static bool read_entry(struct sqlite3_stmt *st, const struct ledger_query *q, struct ledger_page *p)
{
    p->entries = room(&p->arena, p->entries, p->n_entries, sizeof(*p->entries));
    if (!p->entries)
        return false;
    struct ledger_entry *e = &p->entries[p->n_entries++];
    *e = (struct ledger_entry){.account = arena_dup(&p->arena, q->account),
                               .kind = (enum ledger_kind)sqlite3_column_int64(st, 1),
                               .at_ms = sqlite3_column_int64(st, 2),
                               .amount_pico = sqlite3_column_int64(st, 3),
                               .balance_pico = sqlite3_column_int64(st, 4),
                               .gateway = sqlite3_column_int64(st, 5)};
    if (sqlite3_column_bytes(st, 0) == sizeof(e->id))
        memcpy(&e->id, sqlite3_column_blob(st, 0), sizeof(e->id));
    return e->account.p && sqlite_str(st, 6, &p->arena, &e->provider) &&
           sqlite_str(st, 7, &p->arena, &e->model) && sqlite_str(st, 8, &p->arena, &e->actor) &&
           sqlite_str(st, 9, &p->arena, &e->note);
}

static bool read_sum(struct sqlite3_stmt *st, const struct ledger_query *q, struct ledger_page *p)
{
    (void)q;
    p->sums = room(&p->arena, p->sums, p->n_sums, sizeof(*p->sums));
    if (!p->sums)
        return false;
    struct ledger_sum *s = &p->sums[p->n_sums++];
    *s = (struct ledger_sum){.begin_ms = sqlite3_column_int64(st, 0),
                             .calls = sqlite3_column_int64(st, 3),
                             .amount_pico = sqlite3_column_int64(st, 4)};
    return sqlite_str(st, 1, &p->arena, &s->provider) && sqlite_str(st, 2, &p->arena, &s->model);
}

/* Runs a bound statement to its end and frees it. */
static enum err read_all(struct sqlite3_stmt *st, const struct ledger_query *q, struct ledger_page *p,
                         bool (*read)(struct sqlite3_stmt *st, const struct ledger_query *q,
                                      struct ledger_page *p))
{
    int step = SQLITE_ERROR;
    bool fits = true;
    while (st && fits && (step = sqlite3_step(st)) == SQLITE_ROW)
        fits = read(st, q, p);
    sqlite3_finalize(st);
    return !fits ? E_FULL : step == SQLITE_DONE ? E_OK : E_DB;
}

static enum err read_page(struct sqlite3 *db, const struct ledger_query *q, struct ledger_page *p)
{
    struct sqlite3_stmt *st =
        sqlite_prepare(db, ENTRY " WHERE account = ?1 AND kind <> 2 ORDER BY number DESC LIMIT ?2 OFFSET ?3");
    struct sqlite3_stmt *count =
        sqlite_prepare(db, "SELECT count(*) FROM ledger WHERE account = ? AND kind <> 2");
    if (st && count) {
        sqlite_bind_str(count, 1, q->account);
        p->total = sqlite3_step(count) == SQLITE_ROW ? sqlite3_column_int64(count, 0) : 0;
        sqlite_bind_str(st, 1, q->account);
        sqlite3_bind_int64(st, 2, q->per_page);
        sqlite3_bind_int64(st, 3, (q->page - 1) * q->per_page);
    }
    sqlite3_finalize(count);
    return read_all(st, q, p, read_entry);
}

static enum err read_one(struct sqlite3 *db, const struct ledger_query *q, struct ledger_page *p)
{
    struct sqlite3_stmt *st = sqlite_prepare(db, ENTRY " WHERE id = ?1 AND account = ?2");
    if (st) {
        sqlite_bind_blob(st, 1, q->id->b, sizeof(q->id->b));
        sqlite_bind_str(st, 2, q->account);
    }
    return read_all(st, q, p, read_entry);
}

static enum err read_sums(struct sqlite3 *db, const struct ledger_query *q, struct ledger_page *p)
{
    static const char *const begin[] = {
        [LEDGER_HOUR] = "hour * 3600000",
        [LEDGER_DAY] = "hour / 24 * 86400000",
        [LEDGER_MONTH] = "CAST(strftime('%s', hour * 3600, 'unixepoch', 'start of month') AS INTEGER) * 1000",
    };
    char sql[512];
    snprintf(sql, sizeof(sql),
             "SELECT %s AS begin, %s, sum(calls), sum(amount_pico) FROM ledger_hour WHERE account = ?1"
             " AND hour >= ?2 AND hour < ?3 GROUP BY 1%s ORDER BY 1%s",
             begin[q->span], q->by_model ? "provider, model" : "NULL, NULL", q->by_model ? ", 2, 3" : "",
             q->by_model ? ", 2, 3" : "");
    struct sqlite3_stmt *st = sqlite_prepare(db, sql);
    if (st) {
        sqlite_bind_str(st, 1, q->account);
        sqlite3_bind_int64(st, 2, (q->since_ms + HOUR_MS - 1) / HOUR_MS);
        sqlite3_bind_int64(st, 3, q->before_ms / HOUR_MS + (q->before_ms % HOUR_MS != 0));
    }
    return read_all(st, q, p, read_sum);
}

static enum err read_balance(struct sqlite3 *db, const struct ledger_query *q, struct ledger_page *p)
{
    struct sqlite3_stmt *st = sqlite_prepare(db, BALANCE);
    enum err e = st ? last_balance(st, q->account, &p->balance_pico) : E_DB;
    sqlite3_finalize(st);
    return e;
}

/* One transaction: balance, entries and sums are of the same moment. */
static enum err read_ledger(struct sqlite3 *db, const struct ledger_query *q, struct ledger_page *p)
{
    p->err = sqlite_run(db, "BEGIN");
    if (p->err == E_OK)
        p->err = read_balance(db, q, p);
    if (p->err == E_OK && q->id)
        p->err = read_one(db, q, p);
    else if (p->err == E_OK && q->per_page)
        p->err = read_page(db, q, p);
    if (p->err == E_OK && q->sums)
        p->err = read_sums(db, q, p);
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return p->err;
}

enum err log_db_ledger(struct log_db *db, const struct ledger_query *q, struct ledger_page *ret)
{
    return read_ledger(db->db, q, ret);
}

/* ---- the book: a connection that knows of the ledger only ---- */

struct ledger_book {
    struct ledger_sql sql;
};

struct ledger_book *ledger_book_open(const char *dir, const char **ret_why)
{
    struct sqlite3 *db = sqlite_open(dir, &log_schema, DB_WRITE, ret_why);
    if (!db)
        return NULL;
    struct ledger_book *b = mem_zalloc(sizeof(*b));
    if (ledger_sql_prepare(&b->sql, db) && sqlite_run(db, "PRAGMA synchronous = FULL") == E_OK)
        return b;
    *ret_why = "the tables of logs.db are not as they should be";
    ledger_book_close(b);
    return NULL;
}

void ledger_book_close(struct ledger_book *b)
{
    if (!b)
        return;
    ledger_sql_done(&b->sql);
    sqlite3_close(b->sql.db);
    mem_free(b);
}

enum err ledger_book_add(struct ledger_book *b, const struct ledger_entry *e, int64_t *ret_balance)
{
    return book(&b->sql, e, ret_balance);
}

struct ledger_page *ledger_book_read(struct ledger_book *b, const struct ledger_query *q)
{
    struct ledger_page *page = ledger_page_new();
    (void)read_ledger(b->sql.db, q, page);
    return page;
}
