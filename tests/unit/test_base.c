/* SPDX-License-Identifier: Apache-2.0 */
/* base: strings, arenas, buffers, JSON, crypto, clock. */
#include "tests/unit/test.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"

static void str_cuts_and_trims(void **state)
{
    (void)state;
    struct str rest = STR("a/b//c");
    assert_str(str_cut(&rest, '/'), STR("a"));
    assert_str(str_cut(&rest, '/'), STR("b"));
    assert_str(str_cut(&rest, '/'), STR(""));
    assert_str(str_cut(&rest, '/'), STR("c"));
    assert_null(rest.p);
    assert_str(str_trim(STR(" \t x y\r\n")), STR("x y"));
    assert_true(str_ieq(STR("Content-Type"), STR("content-type")));
    assert_int_equal(str_search(STR("hello"), STR("lo")), 3);
    assert_int_equal(str_search(STR("hello"), STR("xx")), 5);
}

static void str_ignores_case_of_letters_only(void **state)
{
    (void)state;
    static const struct str names[] = {S("a"), S("Content-Type"), S("x-forwarded-proto"), S("@bcdefgh"),
                                       S("[]^_`{|}~")};
    for (size_t i = 0; i < countof(names); i++)
        for (unsigned at = 0; at < names[i].n; at++)
            for (unsigned c = 0; c < 256; c++) {
                char other[32];
                memcpy(other, names[i].p, names[i].n);
                other[at] = (char)c;
                unsigned was = (unsigned char)names[i].p[at];
                bool letter = (was | 0x20) >= 'a' && (was | 0x20) <= 'z';
                bool same = c == was || (letter && (c ^ was) == 0x20);
                if (str_ieq(names[i], str_of(other, names[i].n)) != same)
                    fail_msg("%s at %u with %u", names[i].p, at, c);
            }
}

static void str_numbers_are_strict(void **state)
{
    (void)state;
    int64_t n = -7;
    assert_int_equal(str_to_int(STR("9223372036854775807"), &n), E_OK);
    assert_true(n == INT64_MAX);
    assert_int_equal(str_to_int(STR("9223372036854775808"), &n), E_FULL);
    assert_int_equal(str_to_int(STR(""), &n), E_SYNTAX);
    assert_int_equal(str_to_int(STR("-1"), &n), E_SYNTAX);
    assert_int_equal(str_to_int(STR("1 "), &n), E_SYNTAX);
    assert_true(n == INT64_MAX);
    bool b = false;
    assert_int_equal(str_to_bool(STR("TRUE"), &b), E_OK);
    assert_true(b);
    assert_int_equal(str_to_bool(STR("yes"), &b), E_SYNTAX);
}

static void arena_keeps_to_its_cap(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64 * KIB);
    size_t got = 0;
    while (arena_alloc(&a, 1000))
        got += 1000;
    assert_true(got > 48 * KIB && got <= 64 * KIB);
    arena_reset(&a);
    assert_non_null(arena_alloc(&a, 1000));
    volatile size_t huge = SIZE_MAX;
    assert_null(arena_alloc(&a, huge));
    assert_str(arena_printf(&a, "%d-%s", 7, "x"), STR("7-x"));
    arena_done(&a);
}

static void buf_stops_at_its_maximum(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_int_equal(buf_append(&b, STR("12345678")), E_OK);
    assert_int_equal(buf_append(&b, STR("abc")), E_FULL);
    assert_true(b.full);
    assert_str(buf_str(&b), STR("12345678"));
    buf_consume(&b, 6);
    assert_int_equal(buf_append(&b, STR("abcdefgh")), E_OK);
    assert_str(buf_str(&b), STR("78abcdefgh"));
    buf_done(&b);
}

static void json_reads(void **state)
{
    (void)state;
    struct str text =
        STR(" {\"a\": 5.0, \"model\":\"m\\u0041\", \"big\":12345678901234567890, \"l\":[1,null,\"x\"]}");
    struct json_doc *d = json_parse(text);
    assert_non_null(d);
    const struct json_val *root = json_root(d);
    int64_t n = 0;
    assert_true(json_uint(json_get(root, "a"), &n));
    assert_int_equal(n, 5);
    assert_false(json_uint(json_get(root, "big"), &n));
    assert_str(json_str(json_get(root, "model")), STR("mA"));
    assert_int_equal(json_type(json_at(json_get(root, "l"), 1)), JSON_NULL);
    assert_null(json_get(json_get(root, "nope"), "x"));
    struct json_iter it = json_iter(root);
    assert_true(json_next(&it));
    assert_str(it.key, STR("a"));
    assert_int_equal(json_offset(d, it.key_val), 2);
    assert_true(json_next(&it));
    assert_str(str_head(str_from(text, json_offset(d, it.key_val)), 7), STR("\"model\""));
    json_free(d);
    assert_null(json_parse(STR("{\"a\":1,}")));
    assert_null(json_parse(STR("01")));
}

static void json_refuses_depth(void **state)
{
    (void)state;
    char deep[2 * (JSON_DEPTH + 1)];
    memset(deep, '[', JSON_DEPTH + 1);
    memset(deep + JSON_DEPTH + 1, ']', JSON_DEPTH + 1);
    assert_null(json_parse(str_of(deep, sizeof(deep))));
    struct json_doc *d = json_parse(str_of(deep + 1, sizeof(deep) - 2));
    assert_non_null(d);
    json_free(d);
}

static void json_writes(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    json_key(&w, "s");
    json_put_str(&w, STR("q\"\\\n\x01\x7f \xc3\xa9 \xff"));
    json_key(&w, "n");
    json_open(&w, '[');
    json_put_int(&w, INT64_MIN);
    json_put_num(&w, 0.1);
    json_put_num(&w, 1e-7);
    json_put_bool(&w, true);
    json_put_str(&w, (struct str){NULL, 0});
    json_close(&w, ']');
    json_close(&w, '}');
    assert_str(buf_str(&b), STR("{\"s\":\"q\\\"\\\\\\n\\u0001\\u007f \xc3\xa9 \xef\xbf\xbd\","
                                "\"n\":[-9223372036854775808,0.1,1e-07,true,null]}"));
    buf_done(&b);
}

static void json_is_indented(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    struct json_doc *d = json_parse(STR("{\"b\":[1,{}],\"a\":\"\xc3\xa9\"}"));
    json_put_pretty(&b, json_root(d));
    assert_str(buf_str(&b), STR("{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": \"\xc3\xa9\"\n}"));
    json_free(d);
    buf_done(&b);
}

static void json_walks_over_members(void **state)
{
    (void)state;
    static const struct str text =
        S(" {\"a\" : [1,{\"model\":\"x]}\"}], \"mo\\u0064el\":\"q\\\"\\\\\",\"n\":-1.5e3 ,\"t\":true}\n");
    struct json_walk w;
    assert_true(json_walk(&w, text));
    assert_true(json_walk_next(&w));
    assert_str(w.key, STR("\"a\""));
    assert_str(w.value, STR("[1,{\"model\":\"x]}\"}]"));
    assert_true(json_walk_next(&w) && json_raw_is(w.key, STR("model")));
    assert_str(w.value, STR("\"q\\\"\\\\\""));
    assert_true(json_walk_next(&w));
    assert_str(w.value, STR("-1.5e3"));
    assert_true(json_walk_next(&w));
    assert_str(w.value, STR("true"));
    assert_false(json_walk_next(&w));
    assert_false(w.broken);
    assert_true(json_walk(&w, STR("{}")) && !json_walk_next(&w) && !w.broken);
    for (size_t n = 0; n + 1 < text.n; n++) {
        json_walk(&w, str_head(text, n));
        while (json_walk_next(&w))
            continue;
        assert_true(w.broken);
    }
    static const char *const bad[] = {"",           "[]",  "{\"a\"}", "{\"a\":}",
                                      "{\"a\":1,}", "{,}", "{}x",     "{\"a\":1 \"b\":2}"};
    for (size_t i = 0; i < countof(bad); i++) {
        json_walk(&w, str_c(bad[i]));
        while (json_walk_next(&w))
            continue;
        if (!w.broken)
            fail_msg("%s", bad[i]);
    }
}

static void json_walks_over_elements(void **state)
{
    (void)state;
    static const struct str text = S(" [ {\"a\":[\"]\"]} ,12345678901234567890,\t\"x\\\"\" , [], null ]\n");
    static const struct str want[] = {S("{\"a\":[\"]\"]}"), S("12345678901234567890"), S("\"x\\\"\""),
                                      S("[]"), S("null")};
    struct json_walk w;
    assert_true(json_walk_array(&w, text));
    for (size_t i = 0; i < countof(want); i++) {
        assert_true(json_walk_next(&w));
        assert_str(w.value, want[i]);
        assert_null(w.key.p);
    }
    assert_false(json_walk_next(&w));
    assert_false(w.broken);
    assert_true(json_walk_array(&w, STR("[ ]")) && !json_walk_next(&w) && !w.broken);
    for (size_t n = 0; n + 1 < text.n; n++) {
        json_walk_array(&w, str_head(text, n));
        while (json_walk_next(&w))
            continue;
        assert_true(w.broken);
    }
    static const char *const bad[] = {"", "{}", "[1,]", "[,]", "[,1]", "[]x", "[1 2]", "[1}", "[\"a\":1]"};
    for (size_t i = 0; i < countof(bad); i++) {
        json_walk_array(&w, str_c(bad[i]));
        while (json_walk_next(&w))
            continue;
        if (!w.broken)
            fail_msg("%s", bad[i]);
    }
}

static void json_unescapes_raw_strings(void **state)
{
    (void)state;
    static const struct str plain = S("\"plain\"");
    struct arena a, small;
    struct str got = STR("before");
    arena_init(&a, 64 * KIB);
    assert_int_equal(json_raw_str(&a, plain, &got), E_OK);
    assert_ptr_equal(got.p, plain.p + 1);
    assert_int_equal(got.n, 5);
    assert_int_equal(json_raw_str(&a, STR("\"\""), &got), E_OK);
    assert_true(got.p && got.n == 0);
    assert_int_equal(json_raw_str(&a, STR("\"\\u0000\\n\\\"\\u00e9\""), &got), E_OK);
    assert_str(got, STR("\0\n\"\xc3\xa9"));
    got = STR("before");
    static const char *const bad[] = {"", "\"", "1", "null", "{}", "\"\\x\""};
    for (size_t i = 0; i < countof(bad); i++)
        assert_int_equal(json_raw_str(&a, str_c(bad[i]), &got), E_SYNTAX);
    arena_init(&small, 8);
    assert_int_equal(json_raw_str(&small, STR("\"\\n\""), &got), E_FULL);
    assert_str(got, STR("before"));
    arena_done(&small);
    arena_done(&a);
}

static void json_documents_may_overlap(void **state)
{
    (void)state;
    struct json_doc *a = json_parse(STR("{\"x\":\"one\"}")), *b = json_parse(STR("{\"x\":\"two\"}"));
    assert_str(json_str(json_get(json_root(a), "x")), STR("one"));
    assert_str(json_str(json_get(json_root(b), "x")), STR("two"));
    json_free(a);
    struct json_doc *c = json_parse(STR("{\"x\":\"three\"}"));
    assert_str(json_str(json_get(json_root(b), "x")), STR("two"));
    assert_str(json_str(json_get(json_root(c), "x")), STR("three"));
    json_free(b);
    json_free(c);
}

static void base64_round_trips(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 64 * KIB);
    assert_str(base64_encode(&a, STR("any carnal pleas")), STR("YW55IGNhcm5hbCBwbGVhcw=="));
    assert_str(base64url_encode(&a, STR("\xfb\xff")), STR("-_8"));
    for (size_t n = 0; n < 70; n++) {
        char bytes[70];
        random_bytes(bytes, sizeof(bytes));
        struct str back;
        assert_int_equal(base64_decode(&a, base64_encode(&a, str_of(bytes, n)), &back), E_OK);
        assert_str(back, str_of(bytes, n));
    }
    struct str out;
    assert_int_equal(base64_decode(&a, STR("abcde"), &out), E_SYNTAX);
    assert_int_equal(base64_decode(&a, STR("ab c"), &out), E_SYNTAX);
    arena_done(&a);
}

/* RFC 4231, and the lengths around a block. `fill`: the key is so many of that byte. */
static void hmacs_are_those_of_rfc_4231(void **state)
{
    (void)state;
    static const struct {
        unsigned char fill;
        size_t n;
        struct str data;
        const char *mac;
    } cases[] = {
        {0x0b, 20, S("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {0xaa, 20,
         S("\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
           "\xdd"
           "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
           "\xdd"),
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {0xaa, 131, S("Test Using Larger Than Block-Size Key - Hash Key First"),
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {0, 0, S(""), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
        {0xaa, 64, S("x"), "ce3c639dcb9d8baae5d44c3b8b5e233faab4d1860e07489af5c84f213998bd79"},
        {0xaa, 65, S("x"), "c2b9a0a013df029c7d812c5ac18388feef0194ee64fcc5f321d149c06137caa3"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char key[131], hex[2 * SHA256_BYTES];
        unsigned char mac[SHA256_BYTES];
        memset(key, cases[i].fill, sizeof(key));
        hmac_sha256(str_of(cases[i].n ? key : NULL, cases[i].n), cases[i].data, mac);
        hex_encode(hex, mac, sizeof(mac));
        assert_str(str_of(hex, sizeof(hex)), str_c(cases[i].mac));
    }
    unsigned char at[SHA256_BYTES] = {1}, apart[SHA256_BYTES];
    struct str key = str_of((const char *)at, sizeof(at));
    hmac_sha256(key, STR("data"), apart);
    hmac_sha256(key, STR("data"), at); /* in the key's own place */
    assert_memory_equal(at, apart, sizeof(at));
}

static void uuids_rise(void **state)
{
    (void)state;
    struct uuid_source src = {0};
    char last[UUID_TEXT] = {0}, text[UUID_TEXT];
    clock_fake(1, 1792000000123);
    for (int i = 0; i < 10000; i++) {
        struct uuid u = uuid_v7(&src), back;
        uuid_text(u, text);
        assert_true(memcmp(last, text, UUID_TEXT) < 0);
        memcpy(last, text, UUID_TEXT);
        assert_int_equal(uuid_parse(str_of(text, UUID_TEXT), &back), E_OK);
        assert_memory_equal(&u, &back, sizeof(u));
        assert_true(text[14] == '7' && strchr("89ab", text[19]));
        assert_true(uuid_ms(u) >= 1792000000123);
    }
    clock_real();
}

static void times_read_as_rfc3339(void **state)
{
    (void)state;
    char text[TIME_TEXT];
    clock_rfc3339(1760261411482, text);
    assert_string_equal(text, "2025-10-12T09:30:11.482Z");
}

static void times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } rows[] = {
        {"2025-10-12T09:30:11.482Z", 1760261411482},
        {"2025-10-12T09:30:11Z", 1760261411000},
        {"2025-10-12t09:30:11.4829999z", 1760261411482},
        {"2025-10-12 11:30:11.4+02:00", 1760261411400},
        {"2025-10-12T04:00:11-05:30", 1760261411000},
        {"2025-10-12", 1760227200000},
        {"1970-01-01T00:00:00Z", 0},
        {"2024-02-29", 1709164800000},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"9999-12-31T23:59:59Z", 253402300799000},
        {"", -1},
        {"2025", -1},
        {"2025-10", -1},
        {"2025-1-2", -1},
        {"2025-02-29", -1},
        {"2025-04-31", -1},
        {"2025-13-01", -1},
        {"2025-00-01", -1},
        {"2025-01-00", -1},
        {"1969-12-31", -1},
        {"2025-10-12T", -1},
        {"2025-10-12T09:30", -1},
        {"2025-10-12T09:30:11", -1},
        {"2025-10-12T09:30:11.Z", -1},
        {"2025-10-12T24:00:00Z", -1},
        {"2025-10-12T09:60:00Z", -1},
        {"2025-10-12T09:30:61Z", -1},
        {"2025-10-12T09:30:11+2:00", -1},
        {"2025-10-12T09:30:11+02", -1},
        {"2025-10-12T09:30:11+02:60", -1},
        {"2025-10-12T09:30:11Zx", -1},
        {"2025-10-12T09:30:11.1234567890Z", -1},
        {"+025-10-12", -1},
        {"today", -1},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        int64_t ms = -1;
        enum err e = clock_parse(str_c(rows[i].text), &ms);
        assert_int_equal(e, rows[i].ms < 0 ? E_SYNTAX : E_OK);
        assert_int_equal(ms, rows[i].ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(str_cuts_and_trims),
        cmocka_unit_test(str_ignores_case_of_letters_only),
        cmocka_unit_test(str_numbers_are_strict),
        cmocka_unit_test(arena_keeps_to_its_cap),
        cmocka_unit_test(buf_stops_at_its_maximum),
        cmocka_unit_test(json_reads),
        cmocka_unit_test(json_refuses_depth),
        cmocka_unit_test(json_walks_over_members),
        cmocka_unit_test(json_walks_over_elements),
        cmocka_unit_test(json_unescapes_raw_strings),
        cmocka_unit_test(json_documents_may_overlap),
        cmocka_unit_test(json_writes),
        cmocka_unit_test(json_is_indented),
        cmocka_unit_test(base64_round_trips),
        cmocka_unit_test(hmacs_are_those_of_rfc_4231),
        cmocka_unit_test(uuids_rise),
        cmocka_unit_test(times_read_as_rfc3339),
        cmocka_unit_test(times_are_read),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
