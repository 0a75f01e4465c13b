/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key_book.h"
#include "store/backend.h"
#include "store/provider_key.h"
#include "base/limits.h"

struct catalog *key_book_catalog(const char *dir, const struct keyring *keys, const char **ret_why)
{
    struct catalog_db *db = catalog_db_open(dir, DB_READ, ret_why);
    struct catalog *c = db ? catalog_db_load(db, keys) : NULL;
    if (db && !c)
        *ret_why = "weir.db cannot be read";
    catalog_db_close(db);
    return c;
}

static enum err reseal(struct catalog_db *db, const struct keyring *keys, struct key_book_count *ret)
{
    enum err e = catalog_db_begin(db);
    if (e != E_OK)
        return e;
    e = catalog_db_reseal(db, keys, ret);
    if (e == E_OK && ret->resealed)
        return catalog_db_commit(db);
    catalog_db_rollback(db);
    return e;
}

enum err key_book_reseal(const char *dir, const struct keyring *keys, struct key_book_count *ret,
                         const char **ret_why)
{
    *ret = (struct key_book_count){0};
    struct catalog_db *db = catalog_db_open(dir, DB_WRITE, ret_why);
    if (!db)
        return E_DB;
    enum err e = reseal(db, keys, ret);
    if (e != E_OK)
        *ret_why = "weir.db cannot be written";
    else
        catalog_db_tidy(db);
    catalog_db_close(db);
    return e;
}

/* ---- the operator's keys ---- */

static const struct actor shell = {.type = S("shell"), .name = S("weir keys"), .interface = S("CLI")};

/* Within a transaction that was begun. */
static enum err apply(struct catalog_db *db, const struct change *c)
{
    struct change_set set = {c, 1, shell};
    enum err e = catalog_db_apply(db, &set);
    if (e == E_OK)
        e = catalog_db_commit(db);
    return e;
}

static enum err set_unified(struct catalog_db *db, const struct catalog *c, const struct keyring *keys,
                            struct str provider, struct secret secret)
{
    struct arena a;
    struct uuid_source uuids = {0};
    const struct provider_key *old = catalog_unified_key(c, provider);
    struct change change = {.what = old ? CHANGE_UPDATE : CHANGE_CREATE,
                            .kind = KIND_UNIFIED_KEY,
                            .account = old ? old->object->account : c->accounts[0],
                            .uuid = old ? old->object->uuid : uuid_v7(&uuids),
                            .name = provider,
                            .settings = STR("{}")};
    arena_init(&a, CATALOG_BYTES);
    change.secret = seal(&a, keys, provider_key_about(&change.uuid), secret);
    enum err e = change.secret.p ? apply(db, &change) : E_CREDENTIAL;
    arena_done(&a);
    return e;
}

static enum err delete_unified(struct catalog_db *db, const struct catalog *c, struct str provider)
{
    const struct provider_key *old = catalog_unified_key(c, provider);
    if (!old)
        return E_NOT_FOUND;
    struct change change = {.what = CHANGE_DELETE,
                            .kind = KIND_UNIFIED_KEY,
                            .account = old->object->account,
                            .uuid = old->object->uuid};
    return apply(db, &change);
}

/* keys NULL: the provider's is deleted. */
static enum err change_unified(const char *dir, const struct keyring *keys, struct str provider,
                               struct secret secret, const char **ret_why)
{
    struct catalog_db *db = catalog_db_open(dir, DB_WRITE, ret_why);
    enum err e = db ? catalog_db_begin(db) : E_DB;
    struct catalog *c = e == E_OK ? catalog_db_load(db, NULL) : NULL;
    if (e == E_OK)
        e = !c ? E_DB : c->n_accounts == 0 ? E_NOT_FOUND : E_OK;
    if (e == E_OK)
        e = keys ? set_unified(db, c, keys, provider, secret) : delete_unified(db, c, provider);
    if (db && e != E_OK)
        catalog_db_rollback(db);
    if (db && e == E_DB)
        *ret_why = "weir.db cannot be written";
    if (e == E_OK)
        catalog_db_tidy(db);
    catalog_unref(c);
    catalog_db_close(db);
    return e;
}

enum err key_book_set_unified(const char *dir, const struct keyring *keys, struct str provider,
                              struct secret secret, const char **ret_why)
{
    return change_unified(dir, keys, provider, secret, ret_why);
}

enum err key_book_delete_unified(const char *dir, struct str provider, const char **ret_why)
{
    return change_unified(dir, NULL, provider, secret_of(STR("")), ret_why);
}
