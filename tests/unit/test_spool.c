/* SPDX-License-Identifier: Apache-2.0 */
/* spool: what goes in comes out, whatever the pieces; repetition costs little. */
#include "tests/unit/test.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "base/limits.h"
#include "store/spool.h"

static void everything_comes_back(void **state)
{
    (void)state;
    static char bytes[2 * SPOOL_LONG_BYTES];
    random_bytes(bytes, sizeof(bytes)); /* what does not compress must survive, too */
    for (size_t total = 0; total <= sizeof(bytes); total += 9973) {
        for (size_t piece = 1; piece <= total + 1; piece = piece * 7 + 1) {
            struct spool s;
            size_t n;
            spool_init(&s, sizeof(bytes));
            for (size_t at = 0; at < total; at += piece)
                assert_int_equal(
                    spool_add(&s, str_head(str_of(bytes + at, total - at), piece), at > total / 2), E_OK);
            char *got = spool_take(&s, &n);
            assert_int_equal(n, total);
            assert_true(total == 0 ? got == NULL : memcmp(got, bytes, n) == 0);
            mem_free(got);
            spool_done(&s);
        }
    }
}

static void events_take_a_fraction_of_their_size(void **state)
{
    (void)state;
    struct spool s;
    struct buf event;
    size_t n;
    spool_init(&s, MIB);
    buf_init(&event, KIB);
    for (int i = 0; i < 200; i++) {
        buf_clear(&event);
        assert_int_equal(
            buf_printf(&event,
                       "data: {\"id\":\"chatcmpl-3085e6061700\",\"object\":\"chat.completion.chunk\","
                       "\"created\":1760000000,\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,"
                       "\"delta\":{\"content\":\"word %d\"},\"finish_reason\":null}]}\n\n",
                       i * 7919 % 1000),
            E_OK);
        assert_int_equal(spool_add(&s, buf_str(&event), true), E_OK);
    }
    assert_true(s.n > 32 * KIB);
    assert_true(s.now.cap + s.packed.cap < s.n / 3);
    mem_free(spool_take(&s, &n));
    buf_done(&event);
}

static void the_maximum_holds(void **state)
{
    (void)state;
    struct spool s;
    size_t n;
    spool_init(&s, 10);
    assert_int_equal(spool_add(&s, STR("12345678"), true), E_OK);
    assert_int_equal(spool_add(&s, STR("abc"), true), E_FULL);
    assert_int_equal(spool_add(&s, STR("ab"), false), E_OK);
    char *got = spool_take(&s, &n);
    assert_str(str_of(got, n), STR("12345678ab"));
    mem_free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(events_take_a_fraction_of_their_size),
        cmocka_unit_test(the_maximum_holds),
    };
    return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
