/* SPDX-License-Identifier: Apache-2.0 */
/* Provider keys in a catalogue: how they are found, and what is remembered of their use. */
#include "tests/unit/store_fixture.h"

#include "store/key_use.h"

#include <stdio.h>

static struct fixture fixture;
static char account[33];

static int setup(void **state)
{
    (void)state;
    fixture_start(&fixture);
    memcpy(account, fixture.first.account, sizeof(account));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_end(&fixture);
    return 0;
}

static struct change change_of(enum change_what what, const char *gateway, struct uuid id)
{
    return (struct change){.what = what,
                           .kind = KIND_PROVIDER_KEY,
                           .account = str_c(account),
                           .gateway = str_c(gateway),
                           .uuid = id};
}

static struct uuid put(const char *gateway, const char *name, const char *secret, const char *settings)
{
    struct arena a;
    arena_init(&a, 1 << 16);
    struct change c = change_of(CHANGE_CREATE, gateway, uuid_v7(&fixture.ids));
    c.name = str_c(name);
    c.settings = str_c(settings);
    c.secret = store_seal(fixture.s, &a, &c.uuid, secret_of(str_c(secret)));
    assert_int_equal(fixture_change(&fixture, c), E_OK);
    arena_done(&a);
    return c.uuid;
}

static const struct gateway *gateway_of(const struct catalog *c, const char *slug)
{
    return catalog_gateway(c, str_c(account), str_c(slug));
}

static void expect(const char *gateway, const char *provider, const char *alias, const char *secret)
{
    struct catalog *c = store_catalog(fixture.s);
    const struct provider_key *k =
        provider_key_named(catalog_provider_keys(c, gateway_of(c, gateway), str_c(provider)), str_c(alias));
    if (!secret != !k)
        fail_msg("%s/%s in %s", provider, alias, gateway);
    if (k) {
        assert_true(k->readable);
        assert_str(secret_reveal(k->secret), str_c(secret));
    }
    catalog_unref(c);
}

static void keys_are_found_by_gateway_provider_and_alias(void **state)
{
    (void)state;
    struct change g = {.what = CHANGE_CREATE,
                       .kind = KIND_GATEWAY,
                       .account = str_c(account),
                       .name = STR("other"),
                       .settings = STR("{}")};
    assert_int_equal(fixture_change(&fixture, g), E_OK);
    expect("default", "openai", "", NULL);
    put("default", "openai/red", "sk-red", "{}");
    put("default", "anthropic/default", "sk-ant", "{}");
    put("other", "openai/default", "sk-other", "{}");
    expect("default", "openai", "", NULL); /* neither called default nor marked */
    struct uuid blue = put("default", "openai/blue", "sk-blue", "{\"default_config\":true}");
    expect("default", "openai", "", "sk-blue");
    expect("default", "openai", "red", "sk-red");
    expect("default", "openai", "default", NULL);
    expect("default", "anthropic", "", "sk-ant");
    expect("default", "open", "", NULL);
    expect("other", "openai", "red", NULL);
    expect("other", "openai", "", "sk-other");
    put("default", "openai/default", "sk-default", "{}");
    expect("default", "openai", "", "sk-default");
    assert_int_equal(fixture_change(&fixture, change_of(CHANGE_DELETE, "default", blue)), E_OK);
    expect("default", "openai", "blue", NULL);

    struct arena a;
    arena_init(&a, 1 << 16);
    struct catalog *c = store_catalog(fixture.s);
    const struct provider_key *keys = catalog_provider_keys(c, gateway_of(c, "default"), STR("openai"));
    assert_str(provider_key_aliases(&a, keys), STR("'red', 'default'"));
    assert_str(provider_key_aliases(&a, NULL), STR("none"));
    catalog_unref(c);
    arena_done(&a);
}

static void many_keys_are_found(void **state)
{
    (void)state;
    char name[64], secret[64];
    for (int i = 0; i < 120; i++) {
        snprintf(name, sizeof(name), "custom-%d/alias-%d", i % 40, i / 40);
        snprintf(secret, sizeof(secret), "sk-%d", i);
        put("default", name, secret, "{}");
    }
    for (int i = 0; i < 120; i++) {
        char provider[32], alias[32];
        snprintf(provider, sizeof(provider), "custom-%d", i % 40);
        snprintf(alias, sizeof(alias), "alias-%d", i / 40);
        snprintf(secret, sizeof(secret), "sk-%d", i);
        expect("default", provider, alias, secret);
    }
}

static void a_sealed_secret_opens_for_its_own_object_only(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 16);
    struct change c = change_of(CHANGE_CREATE, "default", uuid_v7(&fixture.ids));
    struct uuid another = uuid_v7(&fixture.ids);
    c.name = STR("openai/default");
    c.settings = STR("{}");
    c.secret = store_seal(fixture.s, &a, &another, secret_of(STR("sk-of-another")));
    assert_int_equal(fixture_change(&fixture, c), E_OK);
    struct catalog *now = store_catalog(fixture.s);
    const struct provider_key *k = catalog_provider_keys(now, gateway_of(now, "default"), STR("openai"));
    assert_false(k->readable);
    assert_false(secret_set(k->secret));
    catalog_unref(now);
    arena_done(&a);
}

static struct catalog *key_now(const struct provider_key **ret)
{
    struct catalog *c = store_catalog(fixture.s);
    *ret = catalog_provider_keys(c, gateway_of(c, "default"), STR("openai"));
    assert_non_null(*ret);
    return c;
}

static void uses_outlive_snapshots_and_restarts(void **state)
{
    (void)state;
    const struct provider_key *k;
    struct uuid id = put("default", "openai/default", "sk-one", "{\"rate_limit\":5}");
    struct catalog *c = key_now(&k);
    assert_int_equal(k->limit.limit, 5);
    assert_int_equal(k->limit.interval_ms, 60000);
    key_used(k, 1000000);
    key_used(k, 1000400); /* within the same second: not worth a word */
    key_answered(k, true);
    assert_int_equal(k->use->used_ms, 1000000);
    put("default", "anthropic/default", "sk-ant", "{}"); /* another snapshot */
    catalog_unref(c);
    c = key_now(&k);
    assert_int_equal(k->use->used_ms, 1000000);
    assert_true(k->use->failing);
    int64_t modified_ms = k->object->modified_ms;
    catalog_unref(c);

    assert_int_equal(store_close(fixture.s), 0);
    fixture_open(&fixture);
    c = key_now(&k);
    assert_int_equal(k->use->used_ms, 1000000);
    assert_true(k->use->failing);
    assert_int_equal(k->object->modified_ms, modified_ms); /* nobody changed it */
    assert_int_equal(k->limit.limit, 5);
    catalog_unref(c);

    struct arena a;
    arena_init(&a, 1 << 16);
    struct change rotated = change_of(CHANGE_UPDATE, "default", id);
    rotated.secret = store_seal(fixture.s, &a, &id, secret_of(STR("sk-two")));
    assert_int_equal(fixture_change(&fixture, rotated), E_OK);
    arena_done(&a);
    expect("default", "openai", "", "sk-two");
    c = key_now(&k);
    assert_false(k->use->failing); /* nobody has refused this one */
    assert_int_equal(k->use->used_ms, 1000000);
    catalog_unref(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_are_found_by_gateway_provider_and_alias, setup, teardown),
        cmocka_unit_test_setup_teardown(many_keys_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_sealed_secret_opens_for_its_own_object_only, setup, teardown),
        cmocka_unit_test_setup_teardown(uses_outlive_snapshots_and_restarts, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
