/* SPDX-License-Identifier: Apache-2.0 */
/* `weir token` and `weir account`: the catalogue of a data directory, whether a daemon has it open or not. */
#include "store/seed.h"
#include "store/token.h"
#include "base/limits.h"

#include <stdio.h>

struct token_book {
    struct catalog_db *db;
};

struct token_book *token_book_open(const char *dir, const char **ret_why)
{
    struct catalog_db *db = catalog_db_open(dir, DB_WRITE, ret_why);
    if (!db)
        return NULL;
    struct token_book *b = mem_zalloc(sizeof(*b));
    b->db = db;
    return b;
}

void token_book_close(struct token_book *b)
{
    if (!b)
        return;
    catalog_db_close(b->db);
    mem_free(b);
}

static const struct actor shell = {.type = S("shell"), .name = S("weir token"), .interface = S("CLI")};

static enum err end(struct token_book *b, enum err e)
{
    if (e == E_OK)
        e = catalog_db_commit(b->db);
    if (e != E_OK)
        catalog_db_rollback(b->db);
    return e;
}

enum err token_create(struct token_book *b, const struct token *spec, char ret_text[128], int64_t *ret_id)
{
    char text[TOKEN_TEXT + 1];
    struct arena a;
    arena_init(&a, MIB);
    token_text(text);
    struct str settings = token_settings(&a, spec);
    enum err e = settings.p ? catalog_db_begin(b->db) : E_FULL;
    if (e == E_OK)
        e = end(b, add_token(b->db, &shell, spec->account, spec->name, str_c(text), settings));
    arena_done(&a);
    struct catalog *c = e == E_OK ? catalog_db_load(b->db, NULL) : NULL;
    const struct token *t = c ? catalog_token(c, str_c(text), 0) : NULL;
    if (e == E_OK && !t)
        e = E_DB;
    if (t) {
        *ret_id = t->id;
        snprintf(ret_text, 128, "%s", text);
    }
    catalog_unref(c);
    return e;
}

/* Deletes it, or gives it the new secret. */
static enum err change_token(struct token_book *b, int64_t id, enum change_what what, struct str secret)
{
    struct catalog *c = catalog_db_load(b->db, NULL);
    const struct token *t = c ? catalog_token_id(c, id) : NULL;
    enum err e = c ? E_NOT_FOUND : E_DB;
    if (t) {
        struct change change = {.what = what,
                                .kind = KIND_TOKEN,
                                .account = t->account,
                                .uuid = t->object->uuid,
                                .secret = secret};
        struct change_set set = {&change, 1, shell};
        e = catalog_db_begin(b->db);
        if (e == E_OK)
            e = end(b, catalog_db_apply(b->db, &set));
    }
    catalog_unref(c);
    return e;
}

enum err token_roll(struct token_book *b, int64_t id, char ret_text[128])
{
    char text[TOKEN_TEXT + 1];
    unsigned char hash[SHA256_BYTES];
    token_text(text);
    sha256(str_c(text), hash);
    enum err e = change_token(b, id, CHANGE_UPDATE, str_of((char *)hash, sizeof(hash)));
    if (e == E_OK)
        snprintf(ret_text, 128, "%s", text);
    return e;
}

enum err token_revoke(struct token_book *b, int64_t id)
{
    return change_token(b, id, CHANGE_DELETE, str_of(NULL, 0));
}

enum err account_create(struct token_book *b, struct str id, struct store_first *ret)
{
    struct actor who = shell;
    who.name = STR("weir account");
    enum err e = catalog_db_begin(b->db);
    return e == E_OK ? end(b, seed_account(b->db, &who, id, ret)) : e;
}

struct catalog *token_book_catalog(struct token_book *b)
{
    return catalog_db_load(b->db, NULL);
}
