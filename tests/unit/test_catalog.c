/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue: first start, later starts, tokens from another process, changes of gateways. */
#include "tests/unit/store_fixture.h"

#include "base/json.h"
#include "base/limits.h"
#include "store/token.h"

#include <stdatomic.h>
#include <sys/stat.h>

static const char account[] = "0123456789abcdef0123456789abcdef";
static const char other_account[] = "fedcba9876543210fedcba9876543210";

static void first_start_makes_what_is_needed(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    assert_int_equal(strlen(f.first.account), 32);
    assert_true(str_starts(str_c(f.first.token), STR("weir_")) && strlen(f.first.token) == 45);
    struct catalog *c = store_catalog(f.s);
    struct str id = str_c(f.first.account);
    assert_int_equal(c->n_accounts, 1);
    assert_true(catalog_has_account(c, id));
    assert_false(catalog_has_account(c, STR("0")));
    const struct gateway *g = catalog_gateway(c, id, STR("default"));
    assert_non_null(g);
    assert_true(g->authentication && g->collect_logs);
    assert_ptr_equal(catalog_gateway_id(c, g->id), g);
    assert_null(catalog_gateway_id(c, g->id + 1));
    assert_null(catalog_gateway_id(c, 0));
    assert_null(catalog_gateway(c, id, STR("nope")));
    assert_null(catalog_gateway(c, STR(""), STR("default")));
    const struct token *t = catalog_token(c, str_c(f.first.token), 1);
    assert_non_null(t);
    assert_int_equal(t->permissions, PERM_ALL);
    assert_str(t->account, id);
    assert_str(t->name, STR("root"));
    assert_null(catalog_token(c, STR("weir_wrong"), 1));
    assert_null(catalog_token(c, STR(""), 1));
    catalog_unref(c);
    fixture_end(&f);
}

static void default_settings_are_complete(void **state)
{
    (void)state;
    static const char *const keys[] = {"id",
                                       "account_id",
                                       "account_tag",
                                       "internal_id",
                                       "created_at",
                                       "modified_at",
                                       "is_default",
                                       "cache_ttl",
                                       "stripe",
                                       "zdr",
                                       "store_id",
                                       "collect_logs",
                                       "spend_limits",
                                       "rate_limiting_limit",
                                       "authentication",
                                       "cache_invalidate_on_update"};
    struct fixture f;
    fixture_start(&f);
    struct catalog *c = store_catalog(f.s);
    struct json_doc *d = json_parse(c->gateways[0].settings);
    assert_non_null(d);
    const struct json_val *v = json_root(d);
    for (size_t i = 0; i < countof(keys); i++)
        if (!json_get(v, keys[i]))
            fail_msg("%s is missing", keys[i]);
    assert_str(json_str(json_get(v, "id")), STR("default"));
    assert_str(json_str(json_get(v, "account_id")), str_c(f.first.account));
    assert_str(json_str(json_get(v, "created_at")), json_str(json_get(v, "modified_at")));
    assert_true(json_bool(json_get(v, "authentication"), false));
    assert_true(json_bool(json_get(v, "is_default"), false));
    json_free(d);
    catalog_unref(c);
    fixture_end(&f);
}

static void options_choose_account_and_token(void **state)
{
    (void)state;
    struct fixture f;
    fixture_prepare(&f);
    f.o.account = account;
    f.o.root_token = "a token of the operator's";
    fixture_open(&f);
    assert_string_equal(f.first.account, account);
    assert_string_equal(f.first.token, "");
    store_close(f.s);

    fixture_open(&f); /* again, nothing to make */
    assert_string_equal(f.first.account, "");
    struct catalog *c = store_catalog(f.s);
    assert_int_equal(c->n_tokens, 1);
    assert_non_null(catalog_token(c, str_c(f.o.root_token), 1));
    catalog_unref(c);
    store_close(f.s);

    f.o.account = other_account; /* one more account, and the token is taken already */
    fixture_open(&f);
    assert_string_equal(f.first.account, other_account);
    c = store_catalog(f.s);
    assert_int_equal(c->n_accounts, 2);
    assert_non_null(catalog_gateway(c, str_c(account), STR("default")));
    assert_non_null(catalog_gateway(c, str_c(other_account), STR("default")));
    assert_str(catalog_token(c, str_c(f.o.root_token), 1)->account, str_c(account));
    catalog_unref(c);
    fixture_end(&f);
}

static void wrong_directories_are_explained(void **state)
{
    (void)state;
    struct fixture f;
    struct store_first first;
    const char *why = NULL;
    fixture_prepare(&f);
    f.o.account = "Not-An-Account";
    assert_null(store_open(&f.o, &first, &why));
    assert_non_null(strstr(why, "32"));
    f.o.account = NULL;
    fixture_open(&f);
    assert_null(store_open(&f.o, &first, &why));
    assert_non_null(strstr(why, f.tmp.path));
    assert_non_null(strstr(why, "another"));
    struct store_options o = f.o;
    o.dir = "/proc/nowhere";
    assert_null(store_open(&o, &first, &why));
    assert_non_null(strstr(why, "/proc/nowhere"));
    assert_null(token_book_open("/proc/nowhere", &why));
    assert_null(log_reader_open("/proc/nowhere", &why));
    fixture_end(&f);
}

static unsigned mode_of(const struct fixture *f, const char *name)
{
    char path[512];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", f->tmp.path, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void files_are_private(void **state)
{
    (void)state;
    struct fixture f;
    char deep[300];
    fixture_prepare(&f);
    snprintf(deep, sizeof(deep), "%s/a/b", f.tmp.path);
    f.o.dir = deep; /* directories on the way are made */
    fixture_open(&f);
    assert_int_equal(mode_of(&f, "a"), 0700);
    assert_int_equal(mode_of(&f, "a/b"), 0700);
    assert_int_equal(mode_of(&f, "a/b/bodies"), 0700);
    assert_int_equal(mode_of(&f, "a/b/weir.db"), 0600);
    assert_int_equal(mode_of(&f, "a/b/weir.db-wal"), 0600);
    assert_int_equal(mode_of(&f, "a/b/logs.db"), 0600);
    fixture_end(&f);
}

/* ---- tokens from the shell ---- */

static void on_catalog(void *arg, struct catalog *c)
{
    struct catalog *_Atomic *seen = arg;
    catalog_unref(atomic_exchange(seen, catalog_ref(c)));
}

/* Waits for a snapshot newer than what *seen held. */
static struct catalog *wait_for(struct catalog *_Atomic *seen)
{
    for (int i = 0; i < DEADLINE_MS; i++) {
        struct catalog *c = atomic_exchange(seen, NULL);
        if (c)
            return c;
        usleep(1000);
    }
    fail_msg("no snapshot in time");
    return NULL;
}

static void tokens_come_and_go(void **state)
{
    (void)state;
    struct fixture f;
    struct catalog *_Atomic seen = NULL;
    const char *why = NULL;
    char text[128];
    int64_t id = 0, again = 0;
    fixture_prepare(&f);
    f.o.account = account;
    fixture_open(&f);
    store_on_catalog(f.s, on_catalog, &seen);
    struct token_book *b = token_book_open(f.tmp.path, &why);
    assert_non_null(b);
    struct token spec = {.account = STR("no such account"), .name = STR("x"), .permissions = PERM_RUN};
    assert_int_equal(token_create(b, &spec, text, &id), E_NOT_FOUND);
    spec = (struct token){
        .account = str_c(account), .name = STR("ci"), .permissions = PERM_RUN, .expires_ms = 5000};
    assert_int_equal(token_create(b, &spec, text, &id), E_OK);
    store_poll(f.s);
    struct catalog *c = wait_for(&seen);
    const struct token *t = catalog_token(c, str_c(text), 4999);
    assert_non_null(t);
    assert_int_equal(t->id, id);
    assert_int_equal(t->permissions, PERM_RUN);
    assert_str(t->name, STR("ci"));
    assert_null(catalog_token(c, str_c(text), 5000)); /* expired */
    catalog_unref(c);

    assert_int_equal(token_revoke(b, id), E_OK);
    assert_int_equal(token_revoke(b, id), E_NOT_FOUND);
    store_poll(f.s);
    c = wait_for(&seen);
    assert_null(catalog_token(c, str_c(text), 1));
    catalog_unref(c);

    spec = (struct token){.account = str_c(account), .permissions = PERM_ALL};
    assert_int_equal(token_create(b, &spec, text, &again), E_OK);
    assert_true(again > id); /* ids are not used twice */
    c = token_book_catalog(b);
    assert_int_equal(c->n_tokens, 2);
    catalog_unref(c);
    token_book_close(b);
    fixture_end(&f);
    catalog_unref(seen);
}

static void a_rolled_token_has_another_text(void **state)
{
    (void)state;
    struct fixture f;
    const char *why = NULL;
    char old[128], text[128];
    int64_t id = 0;
    fixture_prepare(&f);
    f.o.account = account;
    fixture_open(&f);
    struct token_book *b = token_book_open(f.tmp.path, &why);
    struct str gateways[] = {S("default"), S("a")};
    struct token spec = {.account = str_c(account),
                         .name = STR("ci"),
                         .permissions = PERM_RUN,
                         .gateways = gateways,
                         .n_gateways = 2};
    assert_int_equal(token_create(b, &spec, old, &id), E_OK);
    assert_int_equal(token_roll(b, id + 1, text), E_NOT_FOUND);
    assert_int_equal(token_roll(b, id, text), E_OK);
    struct catalog *c = token_book_catalog(b);
    assert_null(catalog_token(c, str_c(old), 1));
    const struct token *t = catalog_token(c, str_c(text), 1);
    assert_non_null(t);
    assert_int_equal(t->id, id);
    assert_str(t->name, STR("ci"));
    assert_true(token_covers(t, STR("a")) && token_covers(t, STR("default")));
    assert_false(token_covers(t, STR("b")) || token_covers(t, STR("")));
    catalog_unref(c);
    token_book_close(b);
    fixture_end(&f);
}

static void accounts_are_made_with_all_they_need(void **state)
{
    (void)state;
    struct fixture f;
    const char *why = NULL;
    fixture_prepare(&f);
    f.o.account = account;
    fixture_open(&f);
    struct token_book *b = token_book_open(f.tmp.path, &why);
    struct store_first made, other;
    assert_int_equal(account_create(b, STR("nope"), &made), E_SYNTAX);
    assert_int_equal(account_create(b, str_c(account), &made), E_AGAIN);
    assert_int_equal(account_create(b, str_c(other_account), &made), E_OK);
    assert_int_equal(account_create(b, STR(""), &other), E_OK);
    assert_string_equal(made.account, other_account);
    struct catalog *c = token_book_catalog(b);
    assert_int_equal(c->n_accounts, 3);
    assert_non_null(catalog_gateway(c, str_c(other.account), STR("default")));
    const struct token *t = catalog_token(c, str_c(made.token), 1);
    assert_str(t->account, str_c(other_account));
    assert_int_equal(t->permissions, PERM_ACCOUNT);
    catalog_unref(c);
    token_book_close(b);
    fixture_end(&f);
}

/* A token as an object, written and read. */
static struct token stored(struct arena *a, const struct token *spec)
{
    struct object *o = arena_new(a, struct object);
    struct token t;
    o->settings = token_settings(a, spec);
    o->secret = arena_dup(a, STR("01234567890123456789012345678901"));
    assert_true(token_read(a, o, &t));
    return t;
}

static void settings_of_tokens_are_kept(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, MIB);
    struct str gateways[] = {S("a\"b"), S("c")};
    struct token spec = {.permissions = PERM_READ | PERM_RUN,
                         .expires_ms = 7,
                         .not_before_ms = 3,
                         .disabled = true,
                         .gateways = gateways,
                         .n_gateways = 2,
                         .policies = STR("[{\"effect\":\"allow\"}]")};
    struct token t = stored(&a, &spec);
    assert_int_equal(t.permissions, spec.permissions);
    assert_int_equal(t.expires_ms, 7);
    assert_int_equal(t.not_before_ms, 3);
    assert_true(t.disabled);
    assert_int_equal(t.n_gateways, 2);
    assert_str(t.gateways[0], gateways[0]);
    assert_str(t.policies, spec.policies);
    /* nobody's, rather than everybody's */
    struct object broken = {.settings = STR("{\"permissions\":8,\"gateways\":{}}"),
                            .secret = STR("01234567890123456789012345678901")};
    assert_true(token_read(&a, &broken, &t));
    assert_false(token_covers(&t, STR("default")));
    arena_done(&a);
}

static void tokens_are_live_within_their_bounds(void **state)
{
    (void)state;
    const struct token t = {.not_before_ms = 10, .expires_ms = 20}, off = {.disabled = true}, any = {0};
    assert_int_equal(token_status(&t, 9), TOKEN_EARLY);
    assert_int_equal(token_status(&t, 10), TOKEN_ACTIVE);
    assert_int_equal(token_status(&t, 19), TOKEN_ACTIVE);
    assert_int_equal(token_status(&t, 20), TOKEN_EXPIRED);
    assert_int_equal(token_status(&off, 1), TOKEN_DISABLED);
    assert_int_equal(token_status(&any, 1), TOKEN_ACTIVE);
}

static void no_token_is_within_a_lesser_one(void **state)
{
    (void)state;
    struct str a[] = {S("a")}, ab[] = {S("a"), S("b")};
    const struct token write = {.permissions = PERM_WRITE}, read = {.permissions = PERM_READ},
                       metadata = {.permissions = PERM_METADATA_READ}, run = {.permissions = PERM_RUN},
                       all = {.permissions = PERM_ALL}, nothing = {0};
    assert_true(token_within(&read, &write) && token_within(&metadata, &read) && token_within(&all, &all));
    assert_true(token_within(&nothing, &run));
    assert_false(token_within(&write, &read) || token_within(&read, &metadata) || token_within(&run, &write));
    const struct token one = {.gateways = a, .n_gateways = 1}, two = {.gateways = ab, .n_gateways = 2};
    assert_true(token_within(&one, &two) && token_within(&two, &nothing) && token_within(&one, &one));
    assert_false(token_within(&two, &one) || token_within(&nothing, &two));
    const struct token soon = {.expires_ms = 5}, late = {.expires_ms = 9};
    assert_true(token_within(&soon, &late) && token_within(&late, &nothing) && token_within(&late, &late));
    assert_false(token_within(&late, &soon) || token_within(&nothing, &late));
}

/* ---- gateways ---- */

static void gateways_change(void **state)
{
    (void)state;
    struct fixture f;
    fixture_prepare(&f);
    f.o.account = account;
    fixture_open(&f);
    struct str a = str_c(account);
    struct change c = {.kind = KIND_GATEWAY,
                       .what = CHANGE_CREATE,
                       .account = a,
                       .name = STR("team"),
                       .settings = STR("{\"cache_ttl\":7}")};
    assert_int_equal(fixture_change(&f, c), E_OK);
    assert_int_equal(fixture_change(&f, c), E_AGAIN);
    c.account = STR("nobody");
    assert_int_equal(fixture_change(&f, c), E_NOT_FOUND);
    struct catalog *before = store_catalog(f.s);
    const struct gateway *g = catalog_gateway(before, a, STR("team"));
    assert_non_null(g);
    assert_false(g->authentication);
    assert_true(str_has(g->settings, STR("\"cache_ttl\":7}")));
    assert_true(g->created_ms == g->modified_ms && g->id > 0);

    c = (struct change){.kind = KIND_GATEWAY,
                        .what = CHANGE_UPDATE,
                        .account = a,
                        .name = STR("team"),
                        .settings = STR("{\"authentication\":true}")};
    assert_int_equal(fixture_change(&f, c), E_OK);
    struct catalog *after = store_catalog(f.s);
    const struct gateway *h = catalog_gateway(after, a, STR("team"));
    assert_true(h->authentication && !g->authentication); /* the old snapshot is as it was */
    assert_true(h->id == g->id && h->modified_ms > g->modified_ms && h->created_ms == g->created_ms);
    assert_memory_equal(&h->uuid, &g->uuid, sizeof(h->uuid));
    struct json_doc *d = json_parse(h->settings);
    assert_non_null(d);
    json_free(d);
    catalog_unref(before);
    catalog_unref(after);

    c.name = STR("nope");
    assert_int_equal(fixture_change(&f, c), E_NOT_FOUND);
    c.what = CHANGE_DELETE;
    assert_int_equal(fixture_change(&f, c), E_NOT_FOUND);
    c.name = STR("team");
    assert_int_equal(fixture_change(&f, c), E_OK);
    c = (struct change){.kind = KIND_GATEWAY, .what = CHANGE_CREATE, .account = a, .name = STR("team")};
    assert_int_equal(fixture_change(&f, c), E_OK); /* no settings: the defaults */
    after = store_catalog(f.s);
    assert_true(
        str_has(catalog_gateway(after, a, STR("team"))->settings, STR("\"log_management\":10000000")));
    catalog_unref(after);
    fixture_end(&f);
}

static int64_t generation_after(struct fixture *f, const char *settings)
{
    struct change c = {.kind = KIND_GATEWAY,
                       .what = CHANGE_UPDATE,
                       .account = str_c(account),
                       .name = STR("team"),
                       .settings = str_c(settings)};
    assert_int_equal(fixture_change(f, c), E_OK);
    struct catalog *now = store_catalog(f->s);
    int64_t generation = catalog_gateway(now, c.account, c.name)->cache_generation;
    catalog_unref(now);
    return generation;
}

/* Data plane section 18.5: the old or the new settings ask for it. */
static void updates_make_cached_answers_old(void **state)
{
    (void)state;
    static const char on[] = "{\"cache_invalidate_on_update\":true}";
    static const char off[] = "{\"cache_ttl\":60,\"cache_invalidate_on_update\":false}";
    struct fixture f;
    fixture_prepare(&f);
    f.o.account = account;
    fixture_open(&f);
    struct change c = {.kind = KIND_GATEWAY,
                       .what = CHANGE_CREATE,
                       .account = str_c(account),
                       .name = STR("team"),
                       .settings = str_c(off)};
    assert_int_equal(fixture_change(&f, c), E_OK);
    assert_int_equal(generation_after(&f, off), 0);
    assert_int_equal(generation_after(&f, "{}"), 0);
    assert_int_equal(generation_after(&f, on), 1);
    assert_int_equal(generation_after(&f, on), 2);
    assert_int_equal(generation_after(&f, off), 3);
    assert_int_equal(generation_after(&f, off), 3);
    store_close(f.s);
    fixture_open(&f);
    struct catalog *again = store_catalog(f.s);
    const struct gateway *g = catalog_gateway(again, str_c(account), STR("team"));
    assert_int_equal(g->cache_generation, 3);
    assert_int_equal(g->policy.cache_ttl_s, 60); /* read from what is stored */
    assert_false(g->policy.cache_invalidate_on_update);
    catalog_unref(again);
    fixture_end(&f);
}

static void many_gateways_are_found(void **state)
{
    (void)state;
    struct fixture f;
    char slug[32];
    fixture_prepare(&f);
    f.o.account = account;
    fixture_open(&f);
    for (int i = 0; i < 100; i++) {
        int n = snprintf(slug, sizeof(slug), "gateway-%d", i);
        struct change c = {.kind = KIND_GATEWAY,
                           .what = CHANGE_CREATE,
                           .account = str_c(account),
                           .name = str_of(slug, (size_t)n)};
        assert_int_equal(fixture_change(&f, c), E_OK);
    }
    struct catalog *c = store_catalog(f.s);
    for (int i = 0; i < 100; i++) {
        int n = snprintf(slug, sizeof(slug), "gateway-%d", i);
        const struct gateway *g = catalog_gateway(c, str_c(account), str_of(slug, (size_t)n));
        assert_non_null(g);
        assert_ptr_equal(catalog_gateway_id(c, g->id), g);
    }
    catalog_unref(c);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_start_makes_what_is_needed),
        cmocka_unit_test(default_settings_are_complete),
        cmocka_unit_test(options_choose_account_and_token),
        cmocka_unit_test(wrong_directories_are_explained),
        cmocka_unit_test(files_are_private),
        cmocka_unit_test(tokens_come_and_go),
        cmocka_unit_test(a_rolled_token_has_another_text),
        cmocka_unit_test(accounts_are_made_with_all_they_need),
        cmocka_unit_test(settings_of_tokens_are_kept),
        cmocka_unit_test(tokens_are_live_within_their_bounds),
        cmocka_unit_test(no_token_is_within_a_lesser_one),
        cmocka_unit_test(gateways_change),
        cmocka_unit_test(updates_make_cached_answers_old),
        cmocka_unit_test(many_gateways_are_found),
    };
    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
