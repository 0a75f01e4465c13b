/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key_book.h"
#include "store/backend.h"

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
