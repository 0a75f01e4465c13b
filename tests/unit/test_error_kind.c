/* SPDX-License-Identifier: Apache-2.0 */
/* Why an attempt failed, case by case. */
#include "tests/unit/test.h"

#include "gateway/error_kind.h"

static const struct {
    struct failure f;
    enum error_kind want;
} cases[] = {
    {{429, E_OK, true}, ERROR_PROVIDER_RATE_LIMITED},
    {{401, E_OK, true}, ERROR_PROVIDER_AUTH},
    {{403, E_OK, false}, ERROR_PROVIDER_AUTH},
    {{400, E_OK, true}, ERROR_REFUSED},
    {{404, E_OK, true}, ERROR_REFUSED},
    {{499, E_OK, true}, ERROR_REFUSED},
    {{500, E_OK, true}, ERROR_PROVIDER},
    {{529, E_OK, true}, ERROR_PROVIDER},
    /* the status says more than what happened while its body was read */
    {{503, E_RESET, true}, ERROR_PROVIDER},
    {{429, E_CLIENT_GONE, false}, ERROR_PROVIDER_RATE_LIMITED},
    /* no answer, or none of that status */
    {{0, E_RATE_LIMITED, false}, ERROR_RATE_LIMITED},
    {{0, E_CREDENTIAL, false}, ERROR_PROVIDER_AUTH},
    {{0, E_UNIFIED_KEY, false}, ERROR_PROVIDER_AUTH},
    {{0, E_FIRST_BYTE_TIMEOUT, false}, ERROR_TIMEOUT},
    {{0, E_CONNECT_TIMEOUT, false}, ERROR_TIMEOUT},
    {{200, E_STREAM_IDLE, false}, ERROR_TIMEOUT},
    {{0, E_DNS, false}, ERROR_UNREACHABLE},
    {{0, E_REFUSED, false}, ERROR_UNREACHABLE},
    {{0, E_TLS, false}, ERROR_UNREACHABLE},
    {{0, E_EGRESS, false}, ERROR_UNREACHABLE},
    {{0, E_POOL_FULL, false}, ERROR_UNREACHABLE},
    {{0, E_EOF, false}, ERROR_CUT},
    {{200, E_RESET, false}, ERROR_CUT},
    {{0, E_BAD_ANSWER, false}, ERROR_CUT},
    {{200, E_CLIENT_GONE, false}, ERROR_CLIENT_GONE},
    {{0, E_CLIENT_GONE, false}, ERROR_CLIENT_GONE},
    {{0, E_NO_CREDITS, false}, ERROR_GATEWAY},
    {{0, E_COOLING, false}, ERROR_GATEWAY},
    {{0, E_NO_CREDENTIAL, false}, ERROR_GATEWAY},
    /* the answer came to its end, and was none; it did not, and nobody knows why */
    {{200, E_OK, true}, ERROR_STREAM},
    {{200, E_OK, false}, ERROR_CUT},
};

static void every_failure_has_a_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(cases); i++)
        if (error_kind_of(&cases[i].f) != cases[i].want)
            fail_msg("case %zu is %s", i, error_kind_name(error_kind_of(&cases[i].f)).p);
    for (enum err e = E_OK + 1; e < E_COUNT; e++)
        assert_true(error_kind_name(error_kind_of(&(struct failure){.err = e})).n > 0);
}

static void flags_have_room_for_it(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < ERROR_KINDS; kind++)
        assert_int_equal(error_kind_of_flags(kind << REC_ERROR_SHIFT | 0xffff), kind);
    assert_null(error_kind_name(ERROR_NONE).p);
    assert_null(error_kind_name(31).p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_has_a_kind),
        cmocka_unit_test(flags_have_room_for_it),
    };
    return cmocka_run_group_tests_name("error_kind", tests, NULL, NULL);
}
