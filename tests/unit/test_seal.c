/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing: who can open what, and what a keyring's text may say. */
#include "tests/unit/test.h"

#include "base/crypto.h"
#include "base/seal.h"

static struct arena arena;
static const struct str about = S("object one"), text = S("sk-a-provider-key");

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_wipe(&arena);
    return 0;
}

static struct keyring ring_of(unsigned char first, size_t n)
{
    struct keyring k = {.n = n};
    for (size_t i = 0; i < n; i++)
        memset(k.keys[i], first + (int)i, SEAL_KEY_BYTES);
    return k;
}

static enum err open_with(const struct keyring *k, struct str whose, struct str sealed, struct str *ret)
{
    struct secret plain;
    enum err e = seal_open(&arena, k, whose, sealed, &plain);
    if (e == E_OK)
        *ret = secret_reveal(plain);
    return e;
}

static void what_is_sealed_opens_again(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 15, 16, 17, 4096, 70000};
    struct keyring k = ring_of(1, 1);
    char *bytes = arena_alloc(&arena, 70000);
    memset(bytes, 'x', 70000);
    for (size_t i = 0; i < countof(lengths); i++) {
        struct str plain = str_of(bytes, lengths[i]), got = STR("?");
        struct str sealed = seal(&arena, &k, about, secret_of(plain));
        assert_int_equal(open_with(&k, about, sealed, &got), E_OK);
        assert_str(got, plain);
        assert_int_equal(got.p[got.n], '\0');
        assert_true(lengths[i] < 15 || !str_has(sealed, plain));
    }
    struct str one = seal(&arena, &k, about, secret_of(text)), two = seal(&arena, &k, about, secret_of(text));
    assert_false(str_eq(one, two)); /* never the same nonce */
}

static void it_opens_only_for_what_it_is_about(void **state)
{
    (void)state;
    struct keyring k = ring_of(1, 1);
    struct str sealed = seal(&arena, &k, about, secret_of(text)), got;
    assert_int_equal(open_with(&k, STR("object two"), sealed, &got), E_CREDENTIAL);
    assert_int_equal(open_with(&k, STR(""), sealed, &got), E_CREDENTIAL);
    assert_int_equal(open_with(&k, STR("object one "), sealed, &got), E_CREDENTIAL);
}

static void every_changed_bit_is_noticed(void **state)
{
    (void)state;
    struct keyring k = ring_of(1, 1);
    struct str sealed = seal(&arena, &k, about, secret_of(text)), got;
    char *copy = arena_alloc(&arena, sealed.n);
    for (size_t i = 0; i < 8 * sealed.n; i++) {
        memcpy(copy, sealed.p, sealed.n);
        copy[i / 8] = (char)(copy[i / 8] ^ (1 << i % 8));
        assert_int_equal(open_with(&k, about, str_of(copy, sealed.n), &got), E_CREDENTIAL);
    }
    for (size_t n = 0; n < sealed.n; n++)
        assert_int_equal(open_with(&k, about, str_head(sealed, n), &got), E_CREDENTIAL);
}

static void keys_follow_each_other(void **state)
{
    (void)state;
    struct keyring old = ring_of(1, 1), both = ring_of(1, 1), fresh = ring_of(2, 1);
    struct str sealed = seal(&arena, &old, about, secret_of(text)), got = STR("");
    memcpy(both.keys[0], fresh.keys[0], SEAL_KEY_BYTES);
    memcpy(both.keys[1], old.keys[0], SEAL_KEY_BYTES);
    both.n = 2;
    assert_int_equal(open_with(&fresh, about, sealed, &got), E_CREDENTIAL);
    assert_int_equal(open_with(&both, about, sealed, &got), E_OK);
    assert_str(got, text);
    assert_true(seal_is_current(&old, sealed));
    assert_false(seal_is_current(&both, sealed));
    struct str again = seal(&arena, &both, about, secret_of(text));
    assert_true(seal_is_current(&both, again) && seal_is_current(&fresh, again));
    assert_int_equal(open_with(&old, about, again, &got), E_CREDENTIAL);
    assert_int_equal(open_with(&fresh, about, again, &got), E_OK);
}

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"
#define B64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static void keyrings_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n; /* 0: refused */
    } cases[] = {
        {HEX, 1},
        {B64, 1},
        {"\n# a comment with " HEX "\n  " HEX " \r\n\n", 1},
        {HEX "," B64, 2},
        {HEX "\n" B64 "\n" HEX "\t" HEX, 4},
        {HEX " " HEX " " HEX " " HEX " " HEX, 0},
        {"", 0},
        {"# " HEX, 0},
        {"short", 0},
        {HEX "0", 0},
        {HEX HEX, 0},
        {HEX " trailing", 0},
        {"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", 0}, /* 31 bytes */
        {"gg0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct keyring k;
        enum err e = keyring_read(str_c(cases[i].text), &k);
        if ((e == E_OK) != (cases[i].n > 0))
            fail_msg("\"%s\": %d", cases[i].text, e);
        for (size_t j = 0; e == E_OK && j < SEAL_KEY_BYTES; j++)
            assert_int_equal(k.keys[k.n - 1][j], j);
        if (e == E_OK)
            assert_int_equal(k.n, cases[i].n);
    }
    struct keyring k = ring_of(1, 2), wiped = {0};
    keyring_done(&k);
    assert_memory_equal(&k, &wiped, sizeof(k));
}

static void past_the_cap_nothing_is_sealed(void **state)
{
    (void)state;
    struct arena small;
    struct keyring k = ring_of(1, 1);
    arena_init(&small, 8);
    assert_null(seal(&small, &k, about, secret_of(text)).p);
    struct str sealed = seal(&arena, &k, about, secret_of(text));
    struct secret got;
    assert_int_equal(seal_open(&small, &k, about, sealed, &got), E_FULL);
    arena_done(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_sealed_opens_again, setup, teardown),
        cmocka_unit_test_setup_teardown(it_opens_only_for_what_it_is_about, setup, teardown),
        cmocka_unit_test_setup_teardown(every_changed_bit_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_follow_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(keyrings_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(past_the_cap_nothing_is_sealed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
