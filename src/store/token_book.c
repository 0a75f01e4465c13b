/* SPDX-License-Identifier: Apache-2.0 */
/* `weir token`: the catalogue of a data directory, whether a daemon has it open or not. */
#include "store/seed.h"

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

enum err token_create(struct token_book *b, struct str account, struct str name, unsigned permissions,
                      int64_t expires_ms, char ret_text[128], int64_t *ret_id)
{
    char text[TOKEN_TEXT + 1];
    struct token t = {.account = account, .name = name, .permissions = permissions, .expires_ms = expires_ms};
    token_text(text);
    sha256(str_c(text), t.hash);
    enum err e = catalog_db_add_token(b->db, &t, ret_id);
    if (e == E_OK)
        snprintf(ret_text, 128, "%s", text);
    return e;
}

enum err token_revoke(struct token_book *b, int64_t id)
{
    return catalog_db_delete_token(b->db, id);
}

struct catalog *token_book_catalog(struct token_book *b)
{
    return catalog_db_load(b->db);
}
