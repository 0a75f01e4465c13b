/* SPDX-License-Identifier: Apache-2.0 */
/* Where the master key comes from, how it is replaced, and secrets that are sealed again. */
#include "tests/unit/store_fixture.h"

#include "store/key_book.h"
#include "store/master_key.h"
#include "store/provider_key.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX_A "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
#define HEX_B "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

static unsigned char first_byte(const char *dir, const char *text, const char *file)
{
    struct keyring k;
    const char *why = NULL;
    if (!master_key_load(dir, text, file, false, &k, &why))
        fail_msg("%s", why);
    return k.keys[0][0];
}

static void the_first_source_there_is_counts(void **state)
{
    (void)state;
    struct tmpdir tmp = tmpdir_make();
    char own[300], named[300], credential[300];
    snprintf(own, sizeof(own), "%s/master.key", tmp.path);
    snprintf(named, sizeof(named), "%s/named", tmp.path);
    snprintf(credential, sizeof(credential), "%s/weir-master-key", tmp.path);
    struct keyring k;
    const char *why = NULL;
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_false(master_key_load(tmp.path, NULL, NULL, false, &k, &why));
    assert_non_null(strstr(why, "is missing"));
    assert_true(master_key_load(tmp.path, NULL, NULL, true, &k, &why)); /* made */
    struct stat st;
    assert_int_equal(stat(own, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(first_byte(tmp.path, "", ""), k.keys[0][0]);

    write_file(credential, HEX_A);
    setenv("CREDENTIALS_DIRECTORY", tmp.path, 1);
    assert_int_equal(first_byte(tmp.path, NULL, NULL), 0x0a);
    assert_string_equal(master_key_source(tmp.path, NULL, NULL), credential);
    assert_false(master_key_is_ours(NULL, NULL));
    write_file(named, HEX_B);
    assert_int_equal(first_byte(tmp.path, NULL, named), 0x0b);
    assert_true(master_key_is_ours(NULL, named));
    assert_int_equal(first_byte(tmp.path, HEX_A, named), 0x0a);
    assert_string_equal(master_key_source(tmp.path, HEX_A, named), "WEIR_MASTER_KEY");
    assert_false(master_key_is_ours(HEX_A, named));
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_true(master_key_is_ours(NULL, NULL));

    unlink(named); /* a source that is named and not there is not made */
    assert_false(master_key_load(tmp.path, NULL, named, true, &k, &why));
    assert_non_null(strstr(why, named));
    assert_false(master_key_load(tmp.path, "nonsense", NULL, true, &k, &why));
    tmpdir_remove(&tmp);
}

static void saving_keeps_mode_and_order(void **state)
{
    (void)state;
    struct tmpdir tmp = tmpdir_make();
    char path[300];
    struct keyring k, got;
    const char *why = NULL;
    snprintf(path, sizeof(path), "%s/named", tmp.path);
    write_file(path, HEX_A);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(keyring_read(STR(HEX_B " " HEX_A), &k), E_OK);
    assert_true(master_key_save(path, &k, &why));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_true(master_key_load(tmp.path, NULL, path, false, &got, &why));
    assert_memory_equal(&k, &got, sizeof(k));
    assert_false(master_key_save("/nowhere/at/all", &k, &why));
    assert_non_null(strstr(why, "/nowhere/at/all"));
    tmpdir_remove(&tmp);
}

static struct uuid store_key(struct fixture *f, const char *name, const char *secret)
{
    struct arena a;
    arena_init(&a, 1 << 16);
    struct change c = {.what = CHANGE_CREATE,
                       .kind = KIND_PROVIDER_KEY,
                       .account = str_c(f->first.account),
                       .gateway = STR("default"),
                       .uuid = uuid_v7(&f->ids),
                       .name = str_c(name),
                       .settings = STR("{}")};
    c.secret = store_seal(f->s, &a, &c.uuid, secret_of(str_c(secret)));
    assert_int_equal(fixture_change(f, c), E_OK);
    arena_done(&a);
    return c.uuid;
}

static struct str secret_in(const struct catalog *c, struct uuid id)
{
    const struct provider_key *k = catalog_object_uuid(c, KIND_PROVIDER_KEY, id)->read;
    return k->readable ? secret_reveal(k->secret) : str_of(NULL, 0);
}

static void everything_is_sealed_again_or_nothing(void **state)
{
    (void)state;
    struct fixture f;
    fixture_prepare(&f);
    f.o.master_key = HEX_A;
    fixture_open(&f);
    struct uuid one = store_key(&f, "openai/a", "sk-one"), two = store_key(&f, "openai/b", "sk-two");
    struct keyring both, fresh, foreign;
    struct key_book_count n;
    const char *why = NULL;
    assert_int_equal(keyring_read(STR(HEX_B " " HEX_A), &both), E_OK);
    assert_int_equal(keyring_read(STR(HEX_B), &fresh), E_OK);
    foreign = fresh;
    foreign.keys[0][0] = 99;
    assert_int_equal(key_book_reseal(f.tmp.path, &foreign, &n, &why), E_OK); /* opens none: touches none */
    assert_int_equal(n.sealed, 2);
    assert_int_equal(n.unreadable, 2);
    assert_int_equal(n.resealed, 0);
    assert_int_equal(key_book_reseal(f.tmp.path, &both, &n, &why), E_OK);
    assert_int_equal(n.resealed, 2);
    struct catalog *c = key_book_catalog(f.tmp.path, &fresh, &why);
    assert_str(secret_in(c, one), STR("sk-one"));
    assert_str(secret_in(c, two), STR("sk-two"));
    const struct token *root = catalog_token(c, str_c(f.first.token), 1);
    assert_non_null(root); /* a hash is not sealed */
    catalog_unref(c);
    assert_int_equal(key_book_reseal(f.tmp.path, &both, &n, &why), E_OK);
    assert_int_equal(n.resealed, 0);
    fixture_end(&f);
}

static void a_change_sealed_too_late_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    char path[300];
    fixture_start(&f);
    snprintf(path, sizeof(path), "%s/master.key", f.tmp.path);
    struct arena a;
    arena_init(&a, 1 << 16);
    struct change c = {.what = CHANGE_CREATE,
                       .kind = KIND_PROVIDER_KEY,
                       .account = str_c(f.first.account),
                       .gateway = STR("default"),
                       .uuid = uuid_v7(&f.ids),
                       .name = STR("openai/a"),
                       .settings = STR("{}")};
    c.secret = store_seal(f.s, &a, &c.uuid, secret_of(STR("sk-one")));
    write_file(path, HEX_B); /* as `weir keys rotate` does meanwhile */
    assert_int_equal(fixture_change(&f, c), E_STALE);
    c.secret = store_seal(f.s, &a, &c.uuid, secret_of(STR("sk-one"))); /* tried again */
    assert_int_equal(fixture_change(&f, c), E_OK);
    struct catalog *now = store_catalog(f.s);
    assert_str(secret_in(now, c.uuid), STR("sk-one"));
    catalog_unref(now);
    arena_done(&a);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_source_there_is_counts),
        cmocka_unit_test(saving_keeps_mode_and_order),
        cmocka_unit_test(everything_is_sealed_again_or_nothing),
        cmocka_unit_test(a_change_sealed_too_late_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
