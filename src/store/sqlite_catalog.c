/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DATA/weir.db: accounts, gateways, and everything else as objects. Small and seldom written, so every commit
 * waits for the disk. The daemon's writer thread and `weir token` may both have it open. Changes are in
 * sqlite_objects.c.
 */
#include "store/sqlite_catalog.h"
#include "base/clock.h"

static const char schema_1[] =
    "CREATE TABLE account (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created INTEGER NOT NULL);"
    "CREATE TABLE gateway ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB NOT NULL," /* AUTOINCREMENT: rows of the log keep the id
                                                                  */
    " account TEXT NOT NULL REFERENCES account (id), slug TEXT NOT NULL,"
    " authentication INTEGER NOT NULL, collect_logs INTEGER NOT NULL,"
    " settings TEXT NOT NULL," /* JSON: what the API lets people set */
    " created INTEGER NOT NULL, modified INTEGER NOT NULL, UNIQUE (account, slug));"
    "CREATE TABLE token ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL REFERENCES account (id), name TEXT NOT "
    "NULL,"
    " hash BLOB NOT NULL UNIQUE," /* SHA-256 of the text, which is nowhere */
    " permissions INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL);";
/* Goes up when settings change that say "cache_invalidate_on_update": keys of cached answers hold it. */
static const char schema_2[] = "ALTER TABLE gateway ADD COLUMN cache_generation INTEGER NOT NULL DEFAULT 0";
/* One table for all kinds: they are listed, changed, logged and exported alike. Tokens become the first. */
static const char schema_3[] =
    "CREATE TABLE object ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, uuid BLOB NOT NULL UNIQUE, kind TEXT NOT NULL,"
    " account TEXT NOT NULL REFERENCES account (id)," /* gateway, parent: 0 for none */
    " gateway INTEGER NOT NULL DEFAULT 0, parent INTEGER NOT NULL DEFAULT 0, name TEXT NOT NULL,"
    " settings TEXT NOT NULL," /* JSON */
    " secret BLOB,"            /* sealed (base/seal.h), or the SHA-256 of a token */
    " created INTEGER NOT NULL, modified INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX object_name ON object (account, kind, gateway, parent, name) WHERE kind <> 'token';"
    "CREATE UNIQUE INDEX object_token ON object (secret) WHERE kind = 'token';"
    "CREATE INDEX object_parent ON object (parent) WHERE parent <> 0;"
    "INSERT INTO object (id, uuid, kind, account, name, settings, secret, created, modified)"
    " SELECT id, randomblob(16), 'token', account, name,"
    " json_object('permissions', permissions, 'expires_ms', expires), hash, created, created FROM token;"
    "DELETE FROM sqlite_sequence WHERE name = 'object';" /* ids of tokens are not used twice */
    "INSERT INTO sqlite_sequence (name, seq) SELECT 'object', coalesce(max(seq), 0) FROM sqlite_sequence"
    " WHERE name = 'token';"
    "DROP TABLE token;"
    "ALTER TABLE gateway DROP COLUMN authentication;"
    "ALTER TABLE gateway DROP COLUMN collect_logs;"
    "CREATE TABLE audit ("
    " id INTEGER PRIMARY KEY, uuid BLOB NOT NULL, at INTEGER NOT NULL, account TEXT NOT NULL, interface TEXT,"
    " actor TEXT, action TEXT NOT NULL, resource TEXT NOT NULL, resource_id BLOB, name TEXT, gateway TEXT,"
    " before TEXT, after TEXT);"
    "CREATE INDEX audit_account ON audit (account, at);";
/* Who could do everything can also make tokens, since they can be made through the API. */
static const char schema_4[] =
    "UPDATE object SET settings = json_set(settings, '$.permissions', 127) WHERE kind = 'token'"
    " AND json_extract(settings, '$.permissions') = 63;";
/* A host stands for one gateway, whosever it is. */
static const char schema_5[] = "CREATE UNIQUE INDEX object_domain ON object (name) WHERE kind = 'domain'";
/* Whoever set the instance up is its operator. */
static const char schema_6[] =
    "UPDATE object SET settings = json_set(settings, '$.permissions', 255) WHERE kind = 'token'"
    " AND name = 'root' AND json_extract(settings, '$.permissions') = 127"
    " AND account = (SELECT id FROM account ORDER BY seq LIMIT 1);";
static const char *const migrations[] = {schema_1, schema_2, schema_3, schema_4, schema_5, schema_6};
static const struct sqlite_schema schema = {"weir.db", migrations, countof(migrations)};

struct catalog_db *catalog_db_open(const char *dir, enum db_mode mode, const char **ret_why)
{
    struct sqlite3 *handle = sqlite_open(dir, &schema, mode, ret_why);
    if (!handle)
        return NULL;
    struct catalog_db *db = mem_zalloc(sizeof(*db));
    db->db = handle;
    catalog_db_changed(db);
    if (sqlite_run(handle,
                   "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON") == E_OK)
        return db;
    *ret_why = "weir.db cannot be read";
    catalog_db_close(db);
    return NULL;
}

void catalog_db_close(struct catalog_db *db)
{
    if (!db)
        return;
    sqlite3_close(db->db);
    mem_free(db);
}

bool catalog_db_changed(struct catalog_db *db)
{
    int64_t version = sqlite_number(db->db, "PRAGMA data_version", db->version);
    bool changed = version != db->version;
    db->version = version;
    return changed;
}

/* ---- reading ---- */

static bool read_account(struct sqlite3_stmt *st, struct catalog *c, size_t i)
{
    return sqlite_str(st, 0, &c->arena, &c->accounts[i]);
}

static bool read_gateway(struct sqlite3_stmt *st, struct catalog *c, size_t i)
{
    struct gateway *g = &c->gateways[i];
    g->id = sqlite3_column_int64(st, 0);
    if (sqlite3_column_bytes(st, 1) == sizeof(g->uuid))
        memcpy(&g->uuid, sqlite3_column_blob(st, 1), sizeof(g->uuid));
    g->created_ms = sqlite3_column_int64(st, 5);
    g->modified_ms = sqlite3_column_int64(st, 6);
    g->cache_generation = sqlite3_column_int64(st, 7);
    return sqlite_str(st, 2, &c->arena, &g->account) && sqlite_str(st, 3, &c->arena, &g->slug) &&
           sqlite_str(st, 4, &c->arena, &g->settings);
}

/* A row of a kind this version does not know (a later one wrote it) is read as none. */
static enum object_kind kind_of(struct sqlite3_stmt *st, int column)
{
    const char *word = (const char *)sqlite3_column_text(st, column);
    for (int k = 0; k < KIND_COUNT; k++)
        if (str_eq(kind_word((enum object_kind)k), str_c(word)))
            return (enum object_kind)k;
    return KIND_COUNT;
}

static bool read_object(struct sqlite3_stmt *st, struct catalog *c, size_t i)
{
    struct object *o = &c->objects[i];
    o->id = sqlite3_column_int64(st, 0);
    if (sqlite3_column_bytes(st, 1) == sizeof(o->uuid))
        memcpy(&o->uuid, sqlite3_column_blob(st, 1), sizeof(o->uuid));
    o->kind = kind_of(st, 2);
    o->gateway = sqlite3_column_int64(st, 4);
    o->parent = sqlite3_column_int64(st, 5);
    o->created_ms = sqlite3_column_int64(st, 9);
    o->modified_ms = sqlite3_column_int64(st, 10);
    return sqlite_str(st, 3, &c->arena, &o->account) && sqlite_str(st, 6, &c->arena, &o->name) &&
           sqlite_str(st, 7, &c->arena, &o->settings) && sqlite_str(st, 8, &c->arena, &o->secret);
}

/* The three tables, read alike. */
static const struct part {
    const char *count, *select;
    size_t size, array, n; /* of an element; offsets in struct catalog */
    bool (*read)(struct sqlite3_stmt *st, struct catalog *c, size_t i);
} parts[] = {
    {"SELECT count(*) FROM account", "SELECT id FROM account ORDER BY seq", sizeof(struct str),
     offsetof(struct catalog, accounts), offsetof(struct catalog, n_accounts), read_account},
    {"SELECT count(*) FROM gateway",
     "SELECT id, uuid, account, slug, settings, created, modified, cache_generation FROM gateway ORDER BY id",
     sizeof(struct gateway), offsetof(struct catalog, gateways), offsetof(struct catalog, n_gateways),
     read_gateway},
    {"SELECT count(*) FROM object",
     "SELECT id, uuid, kind, account, gateway, parent, name, settings, secret, created, modified FROM object"
     " ORDER BY id",
     sizeof(struct object), offsetof(struct catalog, objects), offsetof(struct catalog, n_objects),
     read_object},
};

static bool load_part(struct catalog_db *db, struct catalog *c, const struct part *p)
{
    int64_t max = sqlite_number(db->db, p->count, -1);
    void *array = max < 0 ? NULL : arena_zalloc(&c->arena, ((size_t)max + 1) * p->size);
    struct sqlite3_stmt *st = sqlite_prepare(db->db, p->select);
    size_t n = 0;
    *(void **)(void *)((char *)c + p->array) = array;
    while (array && st && n < (size_t)max && sqlite3_step(st) == SQLITE_ROW && p->read(st, c, n))
        n++;
    *(size_t *)(void *)((char *)c + p->n) = n;
    sqlite3_finalize(st);
    return array && st && n == (size_t)max;
}

struct catalog *catalog_db_load(struct catalog_db *db, const struct keyring *keys)
{
    struct catalog *c = catalog_new();
    bool own = sqlite3_get_autocommit(db->db); /* else the caller has a transaction open */
    bool ok = !own || sqlite_run(db->db, "BEGIN") == E_OK;
    for (size_t i = 0; ok && i < countof(parts); i++)
        ok = load_part(db, c, &parts[i]);
    if (own)
        catalog_db_rollback(db);
    if (ok && catalog_seal(c, keys))
        return c;
    catalog_unref(c);
    return NULL;
}

/* ---- changing ---- */

enum err catalog_db_begin(struct catalog_db *db)
{
    return sqlite_run(db->db, "BEGIN IMMEDIATE");
}

enum err catalog_db_commit(struct catalog_db *db)
{
    return sqlite_run(db->db, "COMMIT");
}

void catalog_db_rollback(struct catalog_db *db)
{
    sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
}

enum err catalog_db_add_account(struct catalog_db *db, struct str account)
{
    struct sqlite3_stmt *st = sqlite_prepare(db->db, "INSERT INTO account (id, created) VALUES (?, ?)");
    if (!st)
        return E_DB;
    sqlite_bind_str(st, 1, account);
    sqlite3_bind_int64(st, 2, clock_wall_ms());
    return sqlite_finish(db->db, st);
}
