/* SPDX-License-Identifier: Apache-2.0 */
/* weir.db: changes of gateways and objects, and the audit log they leave. See sqlite_catalog.c for reading.
 */
#include "store/audit.h"
#include "store/key_book.h"
#include "store/sqlite_catalog.h"
#include "base/clock.h"
#include "base/limits.h"

/* What a change finds: what is there before it. */
struct before {
    int64_t id, gateway, modified;
    struct uuid uuid;
    struct str name, settings;
};

static int64_t gateway_id(struct catalog_db *db, const struct change *c)
{
    struct sqlite3_stmt *st = sqlite_prepare(db->db, "SELECT id FROM gateway WHERE account = ? AND slug = ?");
    if (!st)
        return 0;
    sqlite_bind_str(st, 1, c->account);
    sqlite_bind_str(st, 2, c->gateway);
    int64_t id = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_finalize(st);
    return id;
}

/* ---- what is there ---- */

static struct sqlite3_stmt *select_gateway(struct catalog_db *db, const struct change *c)
{
    struct sqlite3_stmt *st = sqlite_prepare(
        db->db, "SELECT id, 0, modified, uuid, slug, settings FROM gateway WHERE account = ? AND slug = ?");
    if (st) {
        sqlite_bind_str(st, 1, c->account);
        sqlite_bind_str(st, 2, c->name);
    }
    return st;
}

static struct sqlite3_stmt *select_object(struct catalog_db *db, const struct change *c, int64_t gateway)
{
    struct sqlite3_stmt *st =
        sqlite_prepare(db->db, "SELECT id, gateway, modified, uuid, name, settings FROM object"
                               " WHERE uuid = ? AND kind = ? AND account = ? AND gateway = ?");
    if (st) {
        sqlite_bind_blob(st, 1, c->uuid.b, sizeof(c->uuid.b));
        sqlite_bind_str(st, 2, kind_word(c->kind));
        sqlite_bind_str(st, 3, c->account);
        sqlite3_bind_int64(st, 4, gateway);
    }
    return st;
}

/* E_NOT_FOUND, or E_STALE when somebody changed it since. */
static enum err look(struct catalog_db *db, const struct change *c, int64_t gateway, struct arena *a,
                     struct before *ret)
{
    struct sqlite3_stmt *st = c->kind == KIND_GATEWAY ? select_gateway(db, c) : select_object(db, c, gateway);
    enum err e = E_NOT_FOUND;
    if (!st)
        return E_DB;
    if (sqlite3_step(st) == SQLITE_ROW) {
        ret->id = sqlite3_column_int64(st, 0);
        ret->gateway = sqlite3_column_int64(st, 1);
        ret->modified = sqlite3_column_int64(st, 2);
        if (sqlite3_column_bytes(st, 3) == sizeof(ret->uuid))
            memcpy(&ret->uuid, sqlite3_column_blob(st, 3), sizeof(ret->uuid));
        bool ok = sqlite_str(st, 4, a, &ret->name) && sqlite_str(st, 5, a, &ret->settings);
        e = !ok ? E_FULL : c->if_modified && c->if_modified != ret->modified ? E_STALE : E_OK;
    }
    sqlite3_finalize(st);
    return e;
}

/* ---- the change ---- */

static const char *const gateway_sql[] = {
    [CHANGE_CREATE] = "INSERT INTO gateway (account, slug, settings, created, modified, uuid)"
                      " VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
    [CHANGE_UPDATE] = "UPDATE gateway SET settings = ?3, modified = max(?4, modified + 1),"
                      " cache_generation = cache_generation +"
                      " (json_extract(settings, '$.cache_invalidate_on_update') IS 1"
                      " OR json_extract(?3, '$.cache_invalidate_on_update') IS 1)"
                      " WHERE account = ?1 AND slug = ?2",
    [CHANGE_DELETE] = "DELETE FROM gateway WHERE account = ?1 AND slug = ?2",
};

static enum err change_gateway(struct catalog_db *db, const struct change *c, struct before *b)
{
    struct sqlite3_stmt *st = sqlite_prepare(db->db, gateway_sql[c->what]);
    if (!st)
        return E_DB;
    sqlite_bind_str(st, 1, c->account);
    sqlite_bind_str(st, 2, c->name);
    if (c->what != CHANGE_DELETE) {
        sqlite_bind_str(st, 3, c->settings);
        sqlite3_bind_int64(st, 4, clock_wall_ms());
    }
    if (c->what == CHANGE_CREATE) {
        b->uuid = uuid_v7(&db->uuids);
        sqlite_bind_blob(st, 5, b->uuid.b, sizeof(b->uuid.b));
    }
    enum err e = sqlite_finish(db->db, st);
    if (e != E_OK || c->what != CHANGE_DELETE)
        return e;
    st = sqlite_prepare(db->db, "DELETE FROM object WHERE gateway = ?");
    if (!st)
        return E_DB;
    sqlite3_bind_int64(st, 1, b->id);
    e = sqlite_finish(db->db, st);
    return e == E_NOT_FOUND ? E_OK : e;
}

static enum err create_object(struct catalog_db *db, const struct change *c, int64_t gateway)
{
    static const struct uuid none;
    struct sqlite3_stmt *st = sqlite_prepare(
        db->db, "INSERT INTO object (uuid, kind, account, gateway, name, settings, secret, created, modified,"
                " parent) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8,"
                " CASE WHEN ?9 IS NULL THEN 0 ELSE (SELECT id FROM object WHERE uuid = ?9) END");
    if (!st)
        return E_DB;
    sqlite_bind_blob(st, 1, c->uuid.b, sizeof(c->uuid.b));
    sqlite_bind_str(st, 2, kind_word(c->kind));
    sqlite_bind_str(st, 3, c->account);
    sqlite3_bind_int64(st, 4, gateway);
    sqlite_bind_text(st, 5, c->name);
    sqlite_bind_str(st, 6, c->settings);
    if (c->secret.n)
        sqlite_bind_blob(st, 7, c->secret.p, c->secret.n);
    sqlite3_bind_int64(st, 8, clock_wall_ms());
    if (memcmp(&c->parent, &none, sizeof(none)) != 0)
        sqlite_bind_blob(st, 9, c->parent.b, sizeof(c->parent.b));
    return sqlite_finish(db->db, st);
}

static enum err update_object(struct catalog_db *db, const struct change *c, int64_t id)
{
    struct sqlite3_stmt *st = sqlite_prepare(
        db->db, "UPDATE object SET name = coalesce(?2, name), settings = coalesce(?3, settings),"
                " secret = coalesce(?4, secret), modified = max(?5, modified + 1) WHERE id = ?1");
    if (!st)
        return E_DB;
    sqlite3_bind_int64(st, 1, id);
    sqlite_bind_str(st, 2, c->name);
    sqlite_bind_str(st, 3, c->settings);
    if (c->secret.n)
        sqlite_bind_blob(st, 4, c->secret.p, c->secret.n);
    sqlite3_bind_int64(st, 5, clock_wall_ms());
    return sqlite_finish(db->db, st);
}

static enum err delete_object(struct catalog_db *db, int64_t id)
{
    struct sqlite3_stmt *st = sqlite_prepare(db->db, "DELETE FROM object WHERE id = ?1 OR parent = ?1");
    if (!st)
        return E_DB;
    sqlite3_bind_int64(st, 1, id);
    return sqlite_finish(db->db, st);
}

enum err catalog_db_note_use(struct catalog_db *db, int64_t object, int64_t used_ms, bool failing)
{
    struct sqlite3_stmt *st = sqlite_prepare(
        db->db, "UPDATE object SET settings = json_set(settings, '$.last_used_ms', ?2, '$.failing',"
                " json(?3)) WHERE id = ?1");
    if (!st)
        return E_DB;
    sqlite3_bind_int64(st, 1, object);
    sqlite3_bind_int64(st, 2, used_ms);
    sqlite_bind_str(st, 3, failing ? STR("true") : STR("false"));
    return sqlite_finish(db->db, st);
}

/* ---- another master key ---- */

static enum err set_secret(struct catalog_db *db, int64_t id, struct str sealed)
{
    struct sqlite3_stmt *st = sqlite_prepare(db->db, "UPDATE object SET secret = ?2 WHERE id = ?1");
    if (!st)
        return E_DB;
    sqlite3_bind_int64(st, 1, id);
    sqlite_bind_blob(st, 2, sealed.p, sealed.n);
    return sqlite_finish(db->db, st);
}

static enum err reseal_one(struct catalog_db *db, const struct keyring *keys, struct sqlite3_stmt *st,
                           struct key_book_count *ret)
{
    struct arena a;
    struct str about, sealed;
    struct secret plain;
    arena_init(&a, CATALOG_BYTES);
    bool ok = sqlite_str(st, 1, &a, &about) && sqlite_str(st, 2, &a, &sealed);
    enum err e = ok ? E_OK : E_FULL;
    ret->sealed++;
    if (ok && seal_open(&a, keys, about, sealed, &plain) != E_OK) {
        ret->unreadable++;
    } else if (ok && !seal_is_current(keys, sealed)) {
        e = set_secret(db, sqlite3_column_int64(st, 0), seal(&a, keys, about, plain));
        ret->resealed++;
    }
    arena_wipe(&a);
    return e;
}

enum err catalog_db_reseal(struct catalog_db *db, const struct keyring *keys, struct key_book_count *ret)
{
    struct sqlite3_stmt *st = sqlite_prepare(
        db->db, "SELECT id, uuid, secret FROM object WHERE secret IS NOT NULL AND kind <> 'token'"
                " ORDER BY id");
    enum err e = st ? E_OK : E_DB;
    while (e == E_OK && sqlite3_step(st) == SQLITE_ROW)
        e = reseal_one(db, keys, st, ret);
    sqlite3_finalize(st);
    return e;
}

void catalog_db_tidy(struct catalog_db *db)
{
    sqlite3_exec(db->db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
}

/* ---- the audit log (control plane section 24) ---- */

static struct str actor_json(struct arena *a, const struct actor *who)
{
    struct buf b;
    buf_init(&b, AUDIT_BYTES);
    struct json_out w = json_out(&b);
    const struct {
        const char *key;
        struct str value;
    } rows[] = {{"type", who->type}, {"id", who->id}, {"name", who->name}, {"ip", who->ip}};
    json_open(&w, '{');
    for (size_t i = 0; i < countof(rows); i++) {
        if (!rows[i].value.n)
            continue;
        json_add_str(&w, rows[i].key, rows[i].value);
    }
    json_close(&w, '}');
    struct str text = arena_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

/* That there is a new secret is told, and no more of it. */
static struct str after_json(struct arena *a, const struct change *c, const struct before *b)
{
    if (c->what == CHANGE_DELETE || c->what == CHANGE_GONE)
        return STR("");
    struct str after = audit_redact(a, c->settings.p ? c->settings : b->settings);
    if (c->what != CHANGE_UPDATE || !c->secret.n || !str_ends(after, STR("}")))
        return after;
    struct str members = str_head(after, after.n - 1);
    return arena_printf(a, "%.*s%s\"secret\":\"(new)\"}", STR_FMT(members), members.n > 1 ? "," : "");
}

static enum err note(struct catalog_db *db, const struct change *c, const struct actor *who,
                     const struct before *b, struct arena *a)
{
    static const struct str words[] = {[CHANGE_CREATE] = S("create"),
                                       [CHANGE_UPDATE] = S("update"),
                                       [CHANGE_DELETE] = S("delete"),
                                       [CHANGE_GONE] = S("delete")};
    struct sqlite3_stmt *st = sqlite_prepare(
        db->db, "INSERT INTO audit (uuid, at, account, interface, actor, action, resource, resource_id, name,"
                " gateway, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
    if (!st)
        return E_DB;
    struct uuid id = uuid_v7(&db->uuids);
    sqlite_bind_blob(st, 1, id.b, sizeof(id.b));
    sqlite3_bind_int64(st, 2, clock_wall_ms());
    sqlite_bind_str(st, 3, c->account);
    sqlite_bind_str(st, 4, who->interface);
    sqlite_bind_str(st, 5, actor_json(a, who));
    sqlite_bind_str(st, 6, words[c->what]);
    sqlite_bind_str(st, 7, kind_resource(c->kind));
    sqlite_bind_blob(st, 8, b->uuid.b, sizeof(b->uuid.b));
    sqlite_bind_str(st, 9, c->name.n ? c->name : b->name);
    sqlite_bind_str(st, 10, c->gateway);
    sqlite_bind_str(st, 11, audit_redact(a, b->settings));
    sqlite_bind_str(st, 12, after_json(a, c, b));
    return sqlite_finish(db->db, st);
}

/* ---- all of it ---- */

static enum err apply(struct catalog_db *db, const struct change *c, struct before *b, struct arena *a)
{
    int64_t gateway = c->gateway.n ? gateway_id(db, c) : 0;
    if (c->gateway.n && !gateway)
        return E_NOT_FOUND;
    b->uuid = c->uuid;
    if (c->what == CHANGE_GONE) {
        b->settings = c->settings;
        return E_OK;
    }
    enum err e = c->what == CHANGE_CREATE ? E_OK : look(db, c, gateway, a, b);
    if (e != E_OK)
        return e;
    if (c->kind == KIND_GATEWAY)
        return change_gateway(db, c, b);
    switch (c->what) {
    case CHANGE_CREATE: return create_object(db, c, gateway);
    case CHANGE_UPDATE: return update_object(db, c, b->id);
    default: return delete_object(db, b->id);
    }
}

enum err catalog_db_forget(struct catalog_db *db, int64_t before_ms)
{
    struct sqlite3_stmt *st = sqlite_prepare(
        db->db, "DELETE FROM audit WHERE at < ? AND id IN (SELECT id FROM audit ORDER BY id LIMIT 200)");
    if (!st)
        return E_DB;
    sqlite3_bind_int64(st, 1, before_ms);
    enum err e = sqlite_finish(db->db, st);
    return e == E_NOT_FOUND ? E_OK : e;
}

enum err catalog_db_apply(struct catalog_db *db, const struct change_set *set)
{
    enum err e = E_OK;
    struct arena a;
    arena_init(&a, CATALOG_BYTES);
    for (size_t i = 0; i < set->n && e == E_OK; i++) {
        const struct change *c = &set->changes[i];
        struct before b = {0};
        e = apply(db, c, &b, &a);
        if (e == E_OK && !c->quiet)
            e = note(db, c, &set->actor, &b, &a);
    }
    arena_done(&a);
    return e;
}
