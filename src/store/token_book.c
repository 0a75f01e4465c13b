/* SPDX-License-Identifier: Apache-2.0 */
/* `weir token`: the catalogue of a data directory, whether a daemon has it open or not. */
#include "store/seed.h"
#include "store/token.h"

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

enum err token_create(struct token_book *b, struct str account, struct str name, unsigned permissions,
                      int64_t expires_ms, char ret_text[128], int64_t *ret_id)
{
    char text[TOKEN_TEXT + 1];
    struct arena a;
    arena_init(&a, (size_t)4 * 1024);
    token_text(text);
    enum err e = catalog_db_begin(b->db);
    if (e == E_OK)
        e = end(b, add_token(b->db, &shell, account, name, str_c(text),
                             token_settings(&a, permissions, expires_ms)));
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

enum err token_revoke(struct token_book *b, int64_t id)
{
    struct catalog *c = catalog_db_load(b->db, NULL);
    const struct token *t = c ? catalog_token_id(c, id) : NULL;
    enum err e = c ? E_NOT_FOUND : E_DB;
    if (t) {
        struct change gone = {
            .what = CHANGE_DELETE, .kind = KIND_TOKEN, .account = t->account, .uuid = t->object->uuid};
        struct change_set set = {&gone, 1, shell};
        e = catalog_db_begin(b->db);
        if (e == E_OK)
            e = end(b, catalog_db_apply(b->db, &set));
    }
    catalog_unref(c);
    return e;
}

struct catalog *token_book_catalog(struct token_book *b)
{
    return catalog_db_load(b->db, NULL);
}
