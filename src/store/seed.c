/* SPDX-License-Identifier: Apache-2.0 */
#include "store/seed.h"
#include "store/token.h"

#include <stdio.h>

struct str gateway_defaults(void)
{
    return STR(
        "{\"authentication\":true,\"byok_only\":false,\"cache_invalidate_on_update\":false,\"cache_ttl\":0,"
        "\"collect_logs\":true,\"guardrails\":null,\"log_classification\":false,"
        "\"log_management\":10000000,\"log_management_strategy\":\"DELETE_OLDEST\","
        "\"logpush\":false,\"logpush_public_key\":null,\"otel\":null,"
        "\"rate_limiting_interval\":0,\"rate_limiting_limit\":0,\"rate_limiting_technique\":\"fixed\","
        "\"retry_backoff\":null,\"retry_delay\":null,\"retry_max_attempts\":null,"
        "\"spend_limits\":null,\"store_id\":null,\"stripe\":null,\"wholesale\":true,"
        "\"workers_ai_billing_mode\":\"postpaid\",\"zdr\":false}");
}

static bool is_account_id(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (hex_digit(s.p[i]) < 0 || (s.p[i] >= 'A' && s.p[i] <= 'F'))
            return false;
    return s.n == 32;
}

static const struct actor first_start = {
    .type = S("system"), .name = S("first start"), .interface = S("CLI")};

enum err add_token(struct catalog_db *db, const struct actor *who, struct str account, struct str name,
                   struct str text, struct str settings)
{
    unsigned char hash[SHA256_BYTES];
    struct uuid_source uuids = {0};
    sha256(text, hash);
    struct change c = {.what = CHANGE_CREATE,
                       .kind = KIND_TOKEN,
                       .account = account,
                       .uuid = uuid_v7(&uuids),
                       .name = name,
                       .settings = settings,
                       .secret = str_of((char *)hash, sizeof(hash))};
    struct change_set set = {&c, 1, *who};
    return catalog_db_apply(db, &set);
}

/* The token unless it is stored already: no error, and nothing made. */
static enum err add_root_token(struct catalog_db *db, const struct actor *who, struct str account,
                               struct str text)
{
    bool operates = who == &first_start; /* who says what the daemon starts with runs the instance */
    enum err e = add_token(db, who, account, STR("root"), text,
                           operates ? STR("{\"permissions\":255,\"expires_ms\":0}")
                                    : STR("{\"permissions\":127,\"expires_ms\":0}"));
    _Static_assert(PERM_ALL == 255 && PERM_ACCOUNT == 127, "the root token may do everything");
    return e == E_AGAIN ? E_OK : e;
}

static enum err add_account(struct catalog_db *db, const struct actor *who, struct str account)
{
    struct change c = {.what = CHANGE_CREATE,
                       .kind = KIND_GATEWAY,
                       .account = account,
                       .name = STR("default"),
                       .settings = gateway_defaults()};
    struct change_set set = {&c, 1, *who};
    enum err e = catalog_db_add_account(db, account);
    return e == E_OK ? catalog_db_apply(db, &set) : e;
}

/* `token` empty: a new one, which *ret tells. */
static enum err make_account(struct catalog_db *db, const struct actor *who, struct str id, struct str token,
                             struct store_first *ret)
{
    char account[33];
    if (!id.n) {
        unsigned char random[16];
        random_bytes(random, sizeof(random));
        hex_encode(account, random, sizeof(random));
        id = str_of(account, 32);
    }
    if (!is_account_id(id))
        return E_SYNTAX;
    snprintf(ret->account, sizeof(ret->account), "%.*s", STR_FMT(id));
    if (!token.n) {
        token_text(ret->token);
        token = str_c(ret->token);
    }
    enum err e = add_account(db, who, id);
    return e == E_OK ? add_root_token(db, who, id, token) : e;
}

enum err seed_account(struct catalog_db *db, const struct actor *who, struct str id, struct store_first *ret)
{
    struct store_first first = {0};
    enum err e = make_account(db, who, id, STR(""), &first);
    if (e == E_OK)
        *ret = first;
    return e;
}

static enum err seed(struct catalog_db *db, const struct store_options *o, struct catalog *c,
                     struct store_first *first)
{
    struct str wanted = str_c(o->account), token = str_c(o->root_token);
    if (wanted.n ? !catalog_has_account(c, wanted) : c->n_accounts == 0)
        return make_account(db, &first_start, wanted, token, first);
    return token.n ? add_root_token(db, &first_start, wanted.n ? wanted : c->accounts[0], token) : E_OK;
}

enum err seed_catalog(struct catalog_db *db, const struct store_options *o, struct store_first *ret)
{
    struct store_first first = {0};
    enum err e = catalog_db_begin(db);
    if (e != E_OK)
        return e;
    struct catalog *c = catalog_db_load(db, NULL);
    e = c ? seed(db, o, c, &first) : E_DB;
    catalog_unref(c);
    if (e == E_OK)
        e = catalog_db_commit(db);
    if (e == E_OK)
        *ret = first;
    else
        catalog_db_rollback(db);
    return e;
}
