/* SPDX-License-Identifier: Apache-2.0 */
/* signin: which settings will do, and whom which rule fits. */
#include "tests/unit/test.h"

#include "base/limits.h"
#include "gateway/settings.h"
#include "store/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ISSUER "\"dashboard.oidc.issuer\": \"https://login.example/realms/x\", "
#define CLIENT "\"dashboard.oidc.client_id\": \"weir\", "
#define URL "\"dashboard.url\": \"https://weir.example/\", "
#define RULES(text) "\"dashboard.oidc.rules\": " text
#define WHOLE(rules) "{" ISSUER CLIENT URL RULES(rules) "}"

static struct arena arena;

static int open_arena(void **state)
{
    (void)state;
    arena_init(&arena, MIB);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct signin *load(const char *text, const char **ret_why)
{
    static const char *const no_env[] = {NULL};
    static const struct conf_options no_options;
    struct conf *conf = conf_parse(str_c(text), "weir.jsonc", &no_options, no_env, ret_why);
    if (!conf)
        fail_msg("%s", *ret_why);
    struct signin *s = NULL;
    if (signin_load(conf, &s, ret_why))
        *ret_why = NULL;
    else
        assert_null(s);
    conf_free(conf); /* what was read stands by itself */
    return s;
}

static struct signin *loaded(const char *text)
{
    const char *why;
    struct signin *s = load(text, &why);
    if (why)
        fail_msg("%s: %s", text, why);
    return s;
}

/* ---- settings ---- */

static void nothing_is_asked_of_those_who_do_not_use_it(void **state)
{
    (void)state;
    assert_null(loaded("{}"));
    assert_null(loaded("{\"dashboard.url\": \"https://weir.example/deep\"}"));
}

static void what_the_settings_say(void **state)
{
    (void)state;
    struct signin *s =
        loaded("{" ISSUER CLIENT "\"public_url\": \"http://10.0.0.1:8787\", "
               "\"dashboard.oidc.client_secret\": \"s3cret\", \"dashboard.oidc.client_auth\": \"post\", "
               "\"dashboard.oidc.session_hours\": 2, " RULES("[{\"claim\": \"g\", \"value\": \"a\", "
                                                             "\"permissions\": [\"read\", \"run\"], "
                                                             "\"gateways\": [\"x\", \"y\"]}]") "}");
    assert_str(s->url, STR("http://10.0.0.1:8787"));
    assert_str(s->scopes, STR("openid email profile"));
    assert_str(secret_reveal(s->client_secret), STR("s3cret"));
    assert_int_equal(s->auth, SIGNIN_POST);
    assert_int_equal(s->session_ms, 2 * 3600 * 1000);
    assert_int_equal(s->n_rules, 1);
    assert_int_equal(s->rules[0].permissions, PERM_READ | PERM_RUN);
    assert_int_equal(s->rules[0].n_gateways, 2);
    assert_str(s->rules[0].gateways[1], STR("y"));
    signin_free(s);
    s = loaded(WHOLE("[]")); /* the last rule may go: then nobody gets in */
    assert_str(s->url, STR("https://weir.example"));
    assert_false(secret_set(s->client_secret));
    signin_free(s);
    signin_free(NULL);
}

static void a_secret_may_be_in_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/weir-signin-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    struct str text =
        arena_printf(&arena, "{" ISSUER CLIENT URL "\"dashboard.oidc.client_secret_file\": \"%s\"}", path);
    const char *why = NULL;
    assert_null(load(text.p, &why));
    assert_true(strstr(why, "it is empty"));
    assert_int_equal(write(fd, "  hush\n", 7), 7);
    struct signin *s = loaded(text.p);
    assert_str(secret_reveal(s->client_secret), STR("hush"));
    signin_free(s);
    (void)close(fd);
    (void)unlink(path);
    assert_null(load(text.p, &why));
    assert_true(strstr(why, "it cannot be read"));
}

static void settings_that_will_not_do(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"{" CLIENT URL RULES("[]") "}", "dashboard.oidc.issuer: must be set where"},
        {"{" RULES("[{}]") "}", "dashboard.oidc.issuer: must be set where"},
        {"{\"dashboard.oidc.issuer\": \"login.example\", " CLIENT URL RULES("[]") "}",
         "dashboard.oidc.issuer: must be http"},
        {"{\"dashboard.oidc.issuer\": \"https://a?b\", " CLIENT URL RULES("[]") "}",
         "dashboard.oidc.issuer: must be http"},
        {"{" ISSUER URL RULES("[]") "}", "dashboard.oidc.client_id: must be set"},
        {"{" ISSUER CLIENT RULES("[]") "}", "dashboard.url: must be set, or public_url"},
        {"{" ISSUER CLIENT "\"public_url\": \"https://a/b\", " RULES("[]") "}",
         "public_url: must be http(s)://HOST[:PORT] without a path"},
        {"{" ISSUER CLIENT "\"public_url\": \"https://a\", \"dashboard.url\": \"https://a/b/\"}",
         "dashboard.url: must be http(s)://HOST"},
        {"{" ISSUER CLIENT "\"public_url\": \"https://a\", \"admin.listen\": \"127.0.0.1:1\"}",
         "with admin.listen the dashboard is not at public_url"},
        {"{" ISSUER CLIENT URL "\"dashboard.oidc.scopes\": \"email openidx\"}",
         "dashboard.oidc.scopes: must have openid"},
        {"{" ISSUER CLIENT URL
         "\"dashboard.oidc.client_secret\": \"a\", \"dashboard.oidc.client_secret_file\": \"b\"}",
         "one of them has to go"},
        {"{" ISSUER CLIENT URL "\"dashboard.oidc.client_auth\": \"basic\"}",
         "there is no dashboard.oidc.client_secret to send"},
        {WHOLE("[1]"), "dashboard.oidc.rules[0]: needs an object"},
        {WHOLE("[{\"value\": \"a\", \"permissions\": [\"read\"]}]"), "rules[0].claim: needs a text"},
        {WHOLE("[{\"claim\": \"g\", \"value\": \"\", \"permissions\": [\"read\"]}]"),
         "rules[0].value: needs a text"},
        {WHOLE("[{\"claim\": \"g\", \"value\": [\"a\"], \"permissions\": [\"read\"]}]"),
         "rules[0].value: needs a text"},
        {WHOLE("[{\"claim\": \"g\", \"value\": \"a\"}]"), "rules[0].permissions: needs a list"},
        {WHOLE("[{\"claim\": \"g\", \"value\": \"a\", \"permissions\": \"read\"}]"),
         "rules[0].permissions: needs a list"},
        {WHOLE("[{\"claim\": \"g\", \"value\": \"a\", \"permissions\": [\"read\", \"reed\"]}]"),
         "rules[0].permissions: no such permission \"reed\""},
        {WHOLE("[{\"claim\": \"g\", \"value\": \"a\", \"permissions\": [\"read\"], \"gateways\": []}]"),
         "rules[0].gateways: needs a list"},
        {WHOLE("[{\"claim\": \"g\", \"value\": \"a\", \"permissions\": [\"read\"], \"gateways\": \"x\"}]"),
         "rules[0].gateways: needs a list"},
        {WHOLE(
             "[{\"claim\": \"g\", \"value\": \"a\", \"permissions\": [\"read\"], \"gateways\": [\"x\", 1]}]"),
         "rules[0].gateways: needs a list"},
        {WHOLE("[{\"claim\": \"g\", \"value\": \"a\", \"permissions\": [\"read\"], \"gateway\": [\"x\"]}]"),
         "rules[0]: no such key \"gateway\""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        const char *why = NULL;
        assert_null(load(cases[i].text, &why));
        if (!why || !strstr(why, cases[i].why))
            fail_msg("%s\ngot:  %s\nwant: %s", cases[i].text, why ? why : "taken", cases[i].why);
    }
}

/* ---- rules ---- */

#define R(claim, value, permission)                                                                          \
    "{\"claim\":\"" claim "\",\"value\":\"" value "\",\"permissions\":[\"" permission "\"]}"

static const char rules[] = WHOLE(
    "[{\"claim\":\"sub\",\"value\":\"mallory\",\"permissions\":[]}," R("groups", "admins", "write") "," R(
        "email", "ada@example.com",
        "run") "," R("email", "*@example.com",
                     "read") "," R("realm_access.roles", "viewer",
                                   "metadata_read") "," R("https://example.com/role", "ops",
                                                          "analytics_read") "," R("sub", "*",
                                                                                  "tokens_write") "]");

/* What the claims are kept as, and what that allows. */
static unsigned allowed(const struct signin *s, const char *claims, const char *kept)
{
    struct json_doc *doc = json_parse(str_c(claims));
    assert_non_null(doc);
    struct str pairs = signin_keep(s, &arena, json_root(doc));
    json_free(doc);
    assert_str(pairs, str_c(kept));
    doc = json_parse(pairs);
    const struct signin_rule *r = signin_rule(s, json_root(doc));
    json_free(doc);
    return r ? r->permissions : 0;
}

static void the_first_rule_that_fits_counts(void **state)
{
    (void)state;
    static const struct {
        const char *claims, *kept;
        unsigned want;
    } cases[] = {
        {"{}", "[]", 0},
        {"[]", "[]", 0},
        {"{\"sub\":\"1\"}", "[[\"sub\",\"1\"]]", PERM_TOKENS_WRITE},
        {"{\"sub\":\"\"}", "[]", 0},
        {"{\"groups\":[\"users\",\"admins\"]}", "[[\"groups\",\"admins\"]]", PERM_WRITE},
        {"{\"sub\":\"mallory\",\"groups\":[\"admins\"]}", "[[\"sub\",\"mallory\"],[\"groups\",\"admins\"]]",
         0},
        {"{\"groups\":\"admins\"}", "[[\"groups\",\"admins\"]]", PERM_WRITE},
        {"{\"groups\":[\"admins2\",\"Admins\",[\"admins\"],{\"admins\":1},null]}", "[]", 0},
        {"{\"groups\":{\"admins\":\"admins\"}}", "[]", 0},
        {"{\"sub\":\"1\",\"groups\":[\"admins\"]}", "[[\"sub\",\"1\"],[\"groups\",\"admins\"]]", PERM_WRITE},
        /* an address counts when the provider has looked at it */
        {"{\"email\":\"ada@example.com\"}", "[]", 0},
        {"{\"email\":\"ada@example.com\",\"email_verified\":false}", "[]", 0},
        {"{\"email\":\"ada@example.com\",\"email_verified\":\"false\"}", "[]", 0},
        {"{\"email\":\"ada@example.com\",\"email_verified\":true}",
         "[[\"email\",\"ada@example.com\"],[\"email\",\"ada@example.com\"]]", PERM_RUN},
        {"{\"email\":\"bob@example.com\",\"email_verified\":\"true\"}", "[[\"email\",\"bob@example.com\"]]",
         PERM_READ},
        {"{\"email\":\"bob@example.com.evil\",\"email_verified\":true}", "[]", 0},
        {"{\"email\":[\"bob@example.com\"],\"email_verified\":true}", "[[\"email\",\"bob@example.com\"]]",
         PERM_READ},
        /* names with dots are names first */
        {"{\"realm_access\":{\"roles\":[\"viewer\"]}}", "[[\"realm_access.roles\",\"viewer\"]]",
         PERM_METADATA_READ},
        {"{\"realm_access.roles\":[\"viewer\"]}", "[[\"realm_access.roles\",\"viewer\"]]",
         PERM_METADATA_READ},
        {"{\"realm_access\":[\"viewer\"]}", "[]", 0},
        {"{\"realm_access\":{\"roles\":{\"viewer\":\"viewer\"}}}", "[]", 0},
        {"{\"https://example.com/role\":\"ops\"}", "[[\"https://example.com/role\",\"ops\"]]",
         PERM_ANALYTICS_READ},
    };
    struct signin *s = loaded(rules);
    for (size_t i = 0; i < countof(cases); i++)
        if (allowed(s, cases[i].claims, cases[i].kept) != cases[i].want)
            fail_msg("%s", cases[i].claims);
    signin_free(s);
}

static void values_too_long_for_a_cookie_fit_nothing(void **state)
{
    (void)state;
    struct signin *s = loaded(rules);
    char value[SIGNIN_VALUE_BYTES + 2];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    assert_int_equal(allowed(s, arena_printf(&arena, "{\"sub\":\"%s\"}", value).p, "[]"), 0);
    signin_free(s);
}

static void a_session_follows_the_rules(void **state)
{
    (void)state;
    struct json_doc *pairs = json_parse(STR("[[\"groups\",\"admins\"],[\"sub\",\"1\"]]"));
    static const struct {
        const char *rules;
        unsigned want;
    } cases[] = {
        {WHOLE("[" R("groups", "admins", "write") "]"), PERM_WRITE},
        {WHOLE("[" R("groups", "admins", "read") "]"), PERM_READ},
        {WHOLE("[" R("sub", "1", "run") "," R("groups", "admins", "write") "]"), PERM_RUN},
        {WHOLE("[" R("groups", "others", "write") "," R("roles", "admins", "write") "]"), 0},
        {WHOLE("[{\"claim\":\"sub\",\"value\":\"1\",\"permissions\":[]}," R("groups", "admins", "write") "]"),
         0},
        {WHOLE("[]"), 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct signin *s = loaded(cases[i].rules);
        const struct signin_rule *r = signin_rule(s, json_root(pairs));
        assert_int_equal(r ? r->permissions : 0, cases[i].want);
        signin_free(s);
    }
    json_free(pairs);
}

static void few_pairs_are_kept(void **state)
{
    (void)state;
    struct str all = STR("");
    for (int i = 0; i < 3 * SIGNIN_PAIRS; i++)
        all = arena_printf(&arena, "%.*s%s{\"claim\":\"g\",\"value\":\"v%d\",\"permissions\":[\"read\"]}",
                           STR_FMT(all), i ? "," : "", i);
    struct signin *s = loaded(arena_printf(&arena, "{" ISSUER CLIENT URL RULES("[%s]") "}", all.p).p);
    struct str groups = STR("");
    for (int i = 0; i < 3 * SIGNIN_PAIRS; i++)
        groups = arena_printf(&arena, "\"v%d\"%s%.*s", i, i ? "," : "", STR_FMT(groups));
    struct json_doc *doc = json_parse(arena_printf(&arena, "{\"g\":[%s]}", groups.p));
    struct str pairs = signin_keep(s, &arena, json_root(doc));
    json_free(doc);
    doc = json_parse(pairs);
    assert_int_equal(json_count(json_root(doc)), SIGNIN_PAIRS);
    assert_ptr_equal(signin_rule(s, json_root(doc)), &s->rules[0]);
    json_free(doc);
    signin_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_asked_of_those_who_do_not_use_it, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(what_the_settings_say, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(a_secret_may_be_in_a_file, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(settings_that_will_not_do, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(the_first_rule_that_fits_counts, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(values_too_long_for_a_cookie_fit_nothing, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(a_session_follows_the_rules, open_arena, close_arena),
        cmocka_unit_test_setup_teardown(few_pairs_are_kept, open_arena, close_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
