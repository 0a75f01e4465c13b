/* SPDX-License-Identifier: Apache-2.0 */
/* http/http: header lists and the small tables. */
#include "tests/unit/test.h"

#include "base/limits.h"
#include "http/http.h"

static void headers_are_found_whatever_their_case(void **state)
{
    (void)state;
    struct arena a;
    struct headers h = {0};
    arena_init(&a, 64 * KIB);
    assert_int_equal(headers_add(&h, &a, STR("Accept"), STR("a")), E_OK);
    assert_int_equal(headers_add(&h, &a, STR("X-One"), STR("1")), E_OK);
    assert_int_equal(headers_add(&h, &a, STR("accept"), STR("b")), E_OK);
    assert_str(headers_first(&h, STR("ACCEPT")), STR("a"));
    assert_str(headers_last(&h, STR("ACCEPT")), STR("b"));
    assert_null(headers_last(&h, STR("Accep")).p);
    assert_null(headers_first(&h, STR("X-Two")).p);
    assert_int_equal(headers_remove(&h, STR("Accept")), 2);
    assert_int_equal(h.n, 1);
    assert_str(h.v[0].name, STR("X-One"));
    assert_int_equal(headers_remove(&h, STR("Accept")), 0);
    arena_done(&a);
}

static void headers_have_a_limit(void **state)
{
    (void)state;
    struct arena a;
    struct headers h = {0};
    arena_init(&a, 1 * MIB);
    for (unsigned i = 0; i < HTTP_HEADERS; i++)
        assert_int_equal(headers_add(&h, &a, STR("n"), STR("v")), E_OK);
    assert_int_equal(headers_add(&h, &a, STR("n"), STR("v")), E_FULL);
    assert_int_equal(h.n, HTTP_HEADERS);
    arena_done(&a);
    struct headers none = {0};
    arena_init(&a, 16);
    assert_int_equal(headers_add(&none, &a, STR("n"), STR("v")), E_FULL);
    assert_int_equal(none.n, 0);
    arena_done(&a);
}

static void lists_are_searched_for_tokens(void **state)
{
    (void)state;
    struct header v[] = {{STR("Connection"), STR("foo, Close ,bar")}, {STR("connection"), STR("x-y")}};
    struct headers h = {v, 2, 2};
    assert_true(headers_has_token(&h, STR("Connection"), STR("close")));
    assert_true(headers_has_token(&h, STR("Connection"), STR("X-Y")));
    assert_false(headers_has_token(&h, STR("Connection"), STR("clos")));
    assert_false(headers_has_token(&h, STR("Connection"), STR("ba")));
    assert_false(headers_has_token(&h, STR("Other"), STR("close")));
}

static void hop_by_hop_names_are_known(void **state)
{
    (void)state;
    const char *yes[] = {"connection", "Keep-Alive",        "PROXY-CONNECTION", "te",
                         "Trailer",    "transfer-encoding", "Upgrade"};
    const char *no[] = {"",     "Host",    "tea", "Content-Length", "Connectiom", "x-transfer-encoding",
                        "Date", "upgrades"};
    for (size_t i = 0; i < countof(yes); i++)
        assert_true(header_is_hop_by_hop(str_c(yes[i])));
    for (size_t i = 0; i < countof(no); i++)
        assert_false(header_is_hop_by_hop(str_c(no[i])));
}

static void illegal_bytes_are_told(void **state)
{
    (void)state;
    assert_true(header_is_legal(STR("X-a_1!"), STR("any\tvalue \xc3\xa9")));
    assert_true(header_is_legal(STR("cookie"), STR("")));
    assert_false(header_is_legal(STR(""), STR("v")));
    assert_false(header_is_legal(STR("a b"), STR("v")));
    assert_false(header_is_legal(STR("a:"), STR("v")));
    assert_false(header_is_legal(STR("a\xc3"), STR("v")));
    assert_false(header_is_legal(STR("a"), STR("v\r\nEvil: 1")));
    assert_false(header_is_legal(STR("a"), STR("v\n")));
    assert_false(header_is_legal(STR("a"), STR("v\0w")));
    assert_false(header_is_legal(STR("a"), STR("v\x7f")));
}

static void statuses_have_reasons(void **state)
{
    (void)state;
    assert_str(http_reason(200), STR("OK"));
    assert_str(http_reason(429), STR("Too Many Requests"));
    assert_str(http_reason(777), STR("Unknown"));
    assert_false(http_status_has_body(100));
    assert_false(http_status_has_body(204));
    assert_false(http_status_has_body(304));
    assert_true(http_status_has_body(205));
    assert_true(http_status_has_body(200));
}

static void percent_encoding_is_undone_by_decoding(void **state)
{
    (void)state;
    struct arena a;
    char all[256];
    arena_init(&a, 64 * 1024);
    assert_str(percent_encode(&a, STR("aZ09-._~ /?&=+%\xc3\xa9")),
               STR("aZ09-._~%20%2F%3F%26%3D%2B%25%C3%A9"));
    assert_str(percent_encode(&a, STR("")), STR(""));
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    struct str bytes = str_of(all, sizeof(all));
    assert_str(percent_decode(&a, percent_encode(&a, bytes), true), bytes);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_found_whatever_their_case),
        cmocka_unit_test(headers_have_a_limit),
        cmocka_unit_test(lists_are_searched_for_tokens),
        cmocka_unit_test(hop_by_hop_names_are_known),
        cmocka_unit_test(illegal_bytes_are_told),
        cmocka_unit_test(statuses_have_reasons),
        cmocka_unit_test(percent_encoding_is_undone_by_decoding),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
