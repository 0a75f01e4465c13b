/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { BUSY_MS = 5000 };

static _Thread_local char why[PATH_MAX + 256];

static void configure_once(void)
{
    /* the allocator's statistics would cost a lock an allocation, all connections together */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    /* nor are twenty pages a connection set aside: what is idle should be small */
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    sqlite3_initialize();
}

static struct sqlite3 *refuse(struct sqlite3 *db, const char *path, const char *what, const char **ret_why)
{
    snprintf(why, sizeof(why), "%.*s: %s", PATH_MAX, path, what);
    *ret_why = why;
    sqlite3_close(db);
    return NULL;
}

/* Each step with its version number in one transaction: a crash leaves one version or the other, and
 * of two processes that start together one finds the work done. */
static enum err migrate(struct sqlite3 *db, const struct sqlite_schema *schema)
{
    for (;;) {
        if (sqlite_run(db, "BEGIN IMMEDIATE") != E_OK)
            return E_DB;
        int64_t version = sqlite_number(db, "PRAGMA user_version", -1);
        if (version < 0 || version >= (int64_t)schema->n_migrations)
            return version < 0 ? E_DB : sqlite_run(db, "COMMIT");
        char mark[48];
        snprintf(mark, sizeof(mark), "PRAGMA user_version = %lld", (long long)version + 1);
        if (sqlite_run(db, schema->migrations[version]) != E_OK || sqlite_run(db, mark) != E_OK ||
            sqlite_run(db, "COMMIT") != E_OK)
            return E_DB;
    }
}

static bool make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0 && close(fd) == 0;
}

struct sqlite3 *sqlite_open(const char *dir, const struct sqlite_schema *schema, enum db_mode mode,
                            const char **ret_why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure_once);
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/%s", dir, schema->file) >= (int)sizeof(path))
        return refuse(NULL, dir, "path too long", ret_why);
    if (mode == DB_CREATE && !make_file(path))
        return refuse(NULL, path, "cannot create the file", ret_why);
    struct sqlite3 *db = NULL;
    int flags = (mode == DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK)
        return refuse(db, path, access(path, F_OK) == 0 ? sqlite3_errmsg(db) : "no such file", ret_why);
    sqlite3_busy_timeout(db, BUSY_MS);
    /* the page size counts only while the file is empty */
    if (mode != DB_READ &&
        sqlite_run(db, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;"
                       "PRAGMA synchronous = NORMAL;"
                       "PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -4096") != E_OK)
        return refuse(db, path, sqlite3_errmsg(db), ret_why);
    int64_t version = sqlite_number(db, "PRAGMA user_version", -1);
    if (version < 0)
        return refuse(db, path, sqlite3_errmsg(db), ret_why);
    if (version > (int64_t)schema->n_migrations)
        return refuse(db, path, "written by a newer version of weir", ret_why);
    if (mode == DB_READ && version < (int64_t)schema->n_migrations)
        return refuse(db, path, "written by an older version of weir; start the daemon once", ret_why);
    if (version < (int64_t)schema->n_migrations && migrate(db, schema) != E_OK)
        return refuse(db, path, sqlite3_errmsg(db), ret_why);
    return db;
}

enum err sqlite_run(struct sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? E_OK : E_DB;
}

struct sqlite3_stmt *sqlite_prepare(struct sqlite3 *db, const char *sql)
{
    struct sqlite3_stmt *st = NULL;
    sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
    return st;
}

enum err sqlite_once(struct sqlite3_stmt *st)
{
    sqlite3_step(st);
    return sqlite3_reset(st) == SQLITE_OK ? E_OK : E_DB;
}

int64_t sqlite_number(struct sqlite3 *db, const char *sql, int64_t fallback)
{
    struct sqlite3_stmt *st = sqlite_prepare(db, sql);
    int64_t n = st && sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : fallback;
    sqlite3_finalize(st);
    return n;
}

void sqlite_bind_str(struct sqlite3_stmt *st, int at, struct str s)
{
    if (s.n)
        sqlite3_bind_text64(st, at, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_null(st, at);
}

void sqlite_bind_text(struct sqlite3_stmt *st, int at, struct str s)
{
    sqlite3_bind_text64(st, at, s.n ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
}

void sqlite_bind_numbers(struct sqlite3_stmt *st, int at, const int64_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sqlite3_bind_int64(st, at++, v[i]);
}

void sqlite_bind_blob(struct sqlite3_stmt *st, int at, const void *p, size_t n)
{
    sqlite3_bind_blob64(st, at, p, n, SQLITE_STATIC);
}

bool sqlite_str(struct sqlite3_stmt *st, int column, struct arena *a, struct str *ret)
{
    const char *p = (const char *)sqlite3_column_text(st, column);
    *ret = p ? arena_dup(a, str_of(p, (size_t)sqlite3_column_bytes(st, column))) : (struct str){NULL, 0};
    return !p || ret->p;
}

enum err sqlite_finish(struct sqlite3 *db, struct sqlite3_stmt *st)
{
    if (!st)
        return E_DB;
    sqlite3_step(st);
    int code = sqlite3_reset(st) == SQLITE_OK ? SQLITE_OK : sqlite3_extended_errcode(db);
    int changes = sqlite3_changes(db);
    sqlite3_finalize(st);
    switch (code) {
    case SQLITE_OK: return changes ? E_OK : E_NOT_FOUND;
    case SQLITE_CONSTRAINT_UNIQUE: return E_AGAIN;
    case SQLITE_CONSTRAINT_FOREIGNKEY: return E_NOT_FOUND;
    default: return E_DB;
    }
}
