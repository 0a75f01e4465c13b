/* SPDX-License-Identifier: Apache-2.0 */
/* sigv4: AWS's published cases, and what AWS's own JavaScript code signs for Bedrock. */
#include "tests/unit/test.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "base/limits.h"
#include "providers/sigv4.h"

#include <stdio.h>

enum { AWS_S = 1440938160, BEDROCK_S = 1792000000 };

static struct arena arena;

static int open_arena(void **state)
{
    (void)state;
    arena_init(&arena, TXN_ARENA_BYTES);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct str file(const char *path)
{
    char bytes[32 * KIB];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    return arena_dup(&arena, str_of(bytes, n));
}

/* One block of a golden file. */
struct vector {
    struct str name, hash, names, signature;
    struct sigv4_key key;
    struct sigv4_call call;
    struct headers lines;
};

static void read_line(struct vector *v, struct str line)
{
    struct str rest = line, word = str_cut(&rest, ' ');
    const struct {
        struct str word;
        struct str *to;
    } members[] = {{S("name"), &v->name},
                   {S("hash"), &v->hash},
                   {S("signed"), &v->names},
                   {S("signature"), &v->signature},
                   {S("session"), &v->key.session.hidden},
                   {S("host"), &v->call.host},
                   {S("body"), &v->call.body}};
    for (size_t i = 0; i < countof(members); i++)
        if (str_eq(word, members[i].word))
            *members[i].to = rest;
    if (str_eq(word, STR("call"))) {
        v->call.method = str_cut(&rest, ' ');
        v->call.target = rest;
    } else if (str_eq(word, STR("scope"))) {
        v->key.region = str_cut(&rest, '/');
        v->key.service = rest;
    } else if (str_eq(word, STR("line"))) {
        struct str name = str_cut(&rest, ':');
        assert_int_equal(headers_add(&v->lines, &arena, name, rest), E_OK);
    }
}

static bool next_vector(struct str *text, struct vector *v)
{
    *v = (struct vector){
        .key = {.id = S("AKIDEXAMPLE"),
                .secret = {S("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")},
                .region = S("us-east-1"),
                .service = S("service")},
    };
    while (text->n) {
        struct str line = str_cut(text, '\n');
        if (line.n == 0)
            break;
        read_line(v, line);
    }
    return v->name.n > 0;
}

static struct str authorization(const struct vector *v, const char *day)
{
    return arena_printf(&arena,
                        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/%s/%.*s/%.*s/aws4_request, "
                        "SignedHeaders=%.*s, Signature=%.*s",
                        day, STR_FMT(v->key.region), STR_FMT(v->key.service), STR_FMT(v->names),
                        STR_FMT(v->signature));
}

static void what_aws_published(void **state)
{
    (void)state;
    struct str text = file(TEST_DATA "/golden/sigv4/aws.txt");
    struct vector v;
    unsigned n = 0;
    while (next_vector(&text, &v)) {
        struct str canonical, names, line;
        unsigned char hash[SHA256_BYTES];
        char hex[2 * SHA256_BYTES];
        assert_int_equal(sigv4_canonical(&arena, &v.call, &v.lines, &names, &canonical), E_OK);
        sha256(canonical, hash);
        hex_encode(hex, hash, sizeof(hash));
        if (!str_eq(str_of(hex, sizeof(hex)), v.hash))
            fail_msg("%.*s: canonical request\n%.*s", STR_FMT(v.name), STR_FMT(canonical));
        assert_str(names, v.names);
        assert_int_equal(sigv4_authorization(&arena, &v.key, canonical, names, AWS_S, &line), E_OK);
        assert_str(line, authorization(&v, "20150830"));
        n++;
    }
    assert_int_equal(n, 26);
}

static void bedrock_as_amazon_s_own_code_signs_it(void **state)
{
    (void)state;
    struct str text = file(TEST_DATA "/golden/sigv4/bedrock.txt");
    struct vector v;
    unsigned n = 0;
    while (next_vector(&text, &v)) {
        struct headers h = v.lines;
        assert_int_equal(sigv4_sign(&arena, &v.key, &v.call, BEDROCK_S, &h), E_OK);
        struct str want = authorization(&v, "20261014"), got = headers_last(&h, STR("authorization"));
        if (!str_eq(got, want))
            fail_msg("%.*s: got %.*s, want %.*s", STR_FMT(v.name), STR_FMT(got), STR_FMT(want));
        assert_str(headers_last(&h, STR("x-amz-date")), STR("20261014T174640Z"));
        n++;
    }
    assert_int_equal(n, 11);
}

static struct sigv4_key key(void)
{
    return (struct sigv4_key){.id = S("AKIDEXAMPLE"),
                              .secret = {S("secret")},
                              .session = {S("session")},
                              .region = S("us-east-1"),
                              .service = S("bedrock")};
}

static const struct sigv4_call call = {S("POST"), S("h"), S("/model/m/invoke"), S("{}")};

/* Signed again, for another try, it is as if it had been signed once. */
static void what_was_signed_before_is_replaced(void **state)
{
    (void)state;
    static const char *const names[] = {"authorization", "x-amz-date", "x-amz-security-token",
                                        "x-amz-content-sha256"};
    struct sigv4_key k = key();
    struct headers h = {0}, once = {0};
    for (size_t i = 0; i < countof(names); i++)
        assert_int_equal(headers_add(&h, &arena, str_c(names[i]), STR("of the client")), E_OK);
    assert_int_equal(sigv4_sign(&arena, &k, &call, 1, &h), E_OK);
    struct str first = headers_last(&h, STR("authorization"));
    assert_int_equal(sigv4_sign(&arena, &k, &call, 90000, &h), E_OK);
    assert_int_equal(sigv4_sign(&arena, &k, &call, 90000, &once), E_OK);
    assert_int_equal(h.n, countof(names));
    for (size_t i = 0; i < countof(names); i++) {
        assert_str(headers_last(&h, str_c(names[i])), headers_last(&once, str_c(names[i])));
        assert_str(headers_last(&h, str_c(names[i])), headers_first(&h, str_c(names[i])));
    }
    assert_str(headers_last(&h, STR("x-amz-date")), STR("19700102T010000Z"));
    assert_false(str_eq(first, headers_last(&h, STR("authorization"))));
    k.session = secret_of(STR(""));
    assert_int_equal(sigv4_sign(&arena, &k, &call, 90000, &h), E_OK);
    assert_null(headers_last(&h, STR("x-amz-security-token")).p);
}

static void every_part_counts(void **state)
{
    (void)state;
    const struct sigv4_call others[] = {
        {S("PUT"), S("h"), S("/model/m/invoke"), S("{}")},
        {S("POST"), S("i"), S("/model/m/invoke"), S("{}")},
        {S("POST"), S("h"), S("/model/m/invoke/"), S("{}")},
        {S("POST"), S("h"), S("/model/m/invoke"), S("{} ")},
        {S("POST"), S("h"), S("/model/m/invoke?a"), S("{}")},
        {S("POST"), S("h"), S("/model/%6d/invoke"), S("{}")},
    };
    struct sigv4_key k = key();
    struct headers h = {0};
    assert_int_equal(sigv4_sign(&arena, &k, &call, 1, &h), E_OK);
    struct str first = headers_last(&h, STR("authorization"));
    for (size_t i = 0; i < countof(others); i++) {
        struct headers other = {0};
        assert_int_equal(sigv4_sign(&arena, &k, &others[i], 1, &other), E_OK);
        assert_false(str_eq(headers_last(&other, STR("authorization")), first));
    }
}

static void a_key_that_cannot_stand_in_a_header(void **state)
{
    (void)state;
    struct sigv4_key k = key();
    struct headers h = {0};
    k.session = secret_of(STR("a\r\nb: c"));
    assert_int_equal(sigv4_sign(&arena, &k, &call, 1, &h), E_CREDENTIAL);
    k = key();
    k.id = STR("a\nb");
    assert_int_equal(sigv4_sign(&arena, &k, &call, 1, &h), E_CREDENTIAL);
}

static void what_does_not_fit_is_an_error(void **state)
{
    (void)state;
    struct sigv4_key k = key();
    bool good = false;
    for (size_t cap = 0; !good; cap += 64) {
        struct arena small;
        struct headers h = {0};
        arena_init(&small, cap);
        enum err e = sigv4_sign(&small, &k, &call, 1, &h);
        good = e == E_OK;
        assert_true(good || e == E_FULL);
        arena_done(&small);
    }
    struct sigv4_call wide = call;
    char *path = arena_alloc(&arena, SIGV4_BYTES);
    memset(path, ':', SIGV4_BYTES);
    path[0] = '/';
    wide.target = str_of(path, SIGV4_BYTES / 2);
    struct headers h = {0};
    assert_int_equal(sigv4_sign(&arena, &k, &wide, 1, &h), E_FULL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_aws_published),
        T(bedrock_as_amazon_s_own_code_signs_it),
        T(what_was_signed_before_is_replaced),
        T(every_part_counts),
        T(a_key_that_cannot_stand_in_a_header),
        T(what_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests_name("sigv4", tests, NULL, NULL);
}
