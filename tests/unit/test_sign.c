/* SPDX-License-Identifier: Apache-2.0 */
/* sign: Google service accounts in, token requests out, answers in; hostile ones included. */
#include "tests/unit/test.h"

#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"
#include "providers/sign.h"

#include <stdio.h>

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
    char bytes[8192];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    return arena_dup(&arena, str_of(bytes, n));
}

/* A service account as JSON, base64; a member named `key` gets `value` instead of its own, NULL leaves it
 * out. */
static struct secret account(const char *key, const char *value)
{
    const struct str pem = file(TEST_DATA "/golden/gcp/key.pem");
    const struct str members[][2] = {
        {S("type"), S("service_account")},
        {S("project_id"), S("example-project")},
        {S("private_key_id"), S("0123abcd")},
        {S("private_key"), pem},
        {S("client_email"), S("weir-test@example-project.iam.gserviceaccount.com")},
        {S("token_uri"), S("https://oauth2.googleapis.com/token")},
        {S("region"), S("us-east5")},
    };
    struct buf b;
    buf_init(&b, 64 * KIB);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    for (size_t i = 0; i < countof(members); i++) {
        bool other = key && str_eq(members[i][0], str_c(key));
        if (other && !value)
            continue;
        json_key_str(&w, members[i][0]);
        json_put_str(&w, other ? str_c(value) : members[i][1]);
    }
    json_close(&w, '}');
    struct str text = base64_encode(&arena, buf_str(&b));
    buf_done(&b);
    return secret_of(text);
}

static void account_is_read(void **state)
{
    (void)state;
    struct gcp_account g, again;
    assert_true(gcp_account_parse(&arena, account(NULL, NULL), &g));
    assert_str(g.email, STR("weir-test@example-project.iam.gserviceaccount.com"));
    assert_str(g.project, STR("example-project"));
    assert_str(g.region, STR("us-east5"));
    assert_str(g.token_uri, STR("https://oauth2.googleapis.com/token"));
    assert_str(g.key_id, STR("0123abcd"));
    assert_str(secret_reveal(g.key), file(TEST_DATA "/golden/gcp/key.pem"));
    assert_true(gcp_account_parse(&arena, account(NULL, NULL), &again));
    assert_memory_equal(g.id, again.id, sizeof(g.id));
    assert_true(gcp_account_parse(&arena, account("region", "global"), &again));
    assert_memory_not_equal(g.id, again.id, sizeof(g.id));
}

static void what_may_be_absent(void **state)
{
    (void)state;
    struct gcp_account g;
    assert_true(gcp_account_parse(&arena, account("region", NULL), &g));
    assert_int_equal(g.region.n, 0);
    assert_true(gcp_account_parse(&arena, account("token_uri", NULL), &g));
    assert_str(g.token_uri, STR("https://oauth2.googleapis.com/token"));
    assert_true(gcp_account_parse(&arena, account("private_key_id", NULL), &g));
    assert_true(gcp_account_parse(&arena, account("project_id", NULL), &g));
}

static void hostile_accounts_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value;
    } cases[] = {
        {"type", "authorized_user"},
        {"type", NULL},
        {"client_email", NULL},
        {"client_email", ""},
        {"client_email", "a b"},
        {"client_email", "a\r\nb"},
        {"private_key", NULL},
        {"private_key", "not PEM"},
        {"private_key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nxx\n-----END ENCRYPTED PRIVATE KEY-----\n"},
        {"private_key",
         "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nxx\n-----END RSA PRIVATE KEY-----\n"},
        {"token_uri", "http://oauth2.googleapis.com/token"},
        {"token_uri", "https://evil.com/token"},
        {"token_uri", "https://evilgoogleapis.com/token"},
        {"token_uri", "https://googleapis.com.evil.com/token"},
        {"token_uri", "https://oauth2.googleapis.com@evil.com/token"},
        {"token_uri", "https://evil.com#.googleapis.com/token"},
        {"token_uri", "https://evil.com/.googleapis.com"},
        {"token_uri", "https://127.0.0.1/token"},
        {"token_uri", "https://169.254.169.254/computeMetadata"},
        {"token_uri", "https://oauth2.googleapis.com:8443/token"},
        {"token_uri", "https://oauth2.googleapis.com/../x"},
        {"token_uri", "https://oauth2.googleapis.com/a b"},
        {"token_uri", "https://oauth2.googleapis.com/a\r\nHost: evil"},
        {"token_uri", "file:///etc/passwd"},
        {"region", "evil.com/"},
        {"region", "us.east"},
        {"region", "US"},
        {"region", "a123456789012345678901234567890123456789012345678901234567890123"},
    };
    struct gcp_account g;
    for (size_t i = 0; i < countof(cases); i++)
        if (gcp_account_parse(&arena, account(cases[i].key, cases[i].value), &g))
            fail_msg("%s = %s was taken", cases[i].key, cases[i].value ? cases[i].value : "nothing");
    char pem[GCP_KEY_BYTES + 64];
    memset(pem, 'A', sizeof(pem) - 1);
    pem[sizeof(pem) - 1] = '\0';
    memcpy(pem, "-----BEGIN ", 11);
    assert_false(gcp_account_parse(&arena, account("private_key", pem), &g));
}

static void other_bearers_are_none(void **state)
{
    (void)state;
    static const char *const bearers[] = {"",         "ya29.a0AfH6S", "sk-abc",      "e30",
                                          "bnVsbA==", "W10",          "eyJ0eXBlIjo", "IA=="};
    struct gcp_account g;
    for (size_t i = 0; i < countof(bearers); i++)
        assert_false(gcp_account_parse(&arena, secret_of(str_c(bearers[i])), &g));
    assert_false(gcp_account_parse(&arena, (struct secret){{NULL, 0}}, &g));
    char *big = arena_alloc(&arena, GCP_ACCOUNT_BYTES + 4);
    memset(big, 'A', GCP_ACCOUNT_BYTES + 4);
    assert_false(gcp_account_parse(&arena, secret_of(str_of(big, GCP_ACCOUNT_BYTES + 4)), &g));
}

static void token_request_is_as_openssl_signs_it(void **state)
{
    (void)state;
    struct gcp_account g;
    struct str body;
    assert_true(gcp_account_parse(&arena, account(NULL, NULL), &g));
    assert_int_equal(gcp_token_request(&arena, &g, 1792000000, &body), E_OK);
    assert_str(body, file(TEST_DATA "/golden/gcp/body.txt"));
}

static void fields_cannot_add_claims(void **state)
{
    (void)state;
    struct gcp_account g;
    struct str body, claims;
    assert_true(gcp_account_parse(&arena, account("client_email", "a\",\"sub\":\"b\\"), &g));
    assert_int_equal(gcp_token_request(&arena, &g, 1, &body), E_OK);
    str_cut(&body, '.');
    assert_int_equal(base64_decode(&arena, str_cut(&body, '.'), &claims), E_OK);
    struct json_doc *doc = json_parse(claims);
    assert_non_null(doc);
    assert_str(json_str(json_get(json_root(doc), "iss")), STR("a\",\"sub\":\"b\\"));
    assert_null(json_get(json_root(doc), "sub"));
    json_free(doc);
}

static void a_key_that_signs_nothing(void **state)
{
    (void)state;
    struct gcp_account g;
    struct str body;
    assert_true(gcp_account_parse(
        &arena, account("private_key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        &g));
    assert_int_equal(gcp_token_request(&arena, &g, 1, &body), E_CREDENTIAL);
}

static void token_url_is_google_s_or_the_operator_s(void **state)
{
    (void)state;
    struct gcp_account g;
    struct upstream_url u;
    assert_true(gcp_account_parse(&arena, account(NULL, NULL), &g));
    assert_int_equal(gcp_token_url(&arena, &g, STR(""), &u), E_OK);
    assert_true(u.tls && u.port == 443 && !u.trusted && u.from_request);
    assert_str(u.authority, STR("oauth2.googleapis.com"));
    assert_str(u.target, STR("/token"));
    assert_int_equal(gcp_token_url(&arena, &g, STR("http://127.0.0.1:9099/oauth"), &u), E_OK);
    assert_true(!u.tls && u.port == 9099 && u.trusted && !u.from_request);
    assert_str(u.target, STR("/oauth/token"));
    assert_int_equal(gcp_token_url(&arena, &g, STR("nonsense"), &u), E_INTERNAL);
    assert_true(gcp_account_parse(
        &arena, account("token_uri", "https://www.googleapis.com/oauth2/v4/token?a=b"), &g));
    assert_int_equal(gcp_token_url(&arena, &g, STR(""), &u), E_OK);
    assert_str(u.target, STR("/oauth2/v4/token?a=b"));
    assert_true(gcp_account_parse(&arena, account("token_uri", "https://googleapis.com"), &g));
    assert_int_equal(gcp_token_url(&arena, &g, STR(""), &u), E_OK);
    assert_str(u.target, STR("/"));
}

static void answers_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"error\":\"invalid_grant\"}",
        "{\"access_token\":\"a\"}",
        "{\"access_token\":\"\",\"expires_in\":10}",
        "{\"access_token\":5,\"expires_in\":10}",
        "{\"access_token\":\"a\\r\\nb: c\",\"expires_in\":10}",
        "{\"access_token\":\"a b\",\"expires_in\":10}",
        "{\"access_token\":\"a\",\"expires_in\":0}",
        "{\"access_token\":\"a\",\"expires_in\":-1}",
        "{\"access_token\":\"a\",\"expires_in\":\"10\"}",
        "{\"access_token\":\"a\",\"expires_in\":9223372036854775807}",
        "{\"access_token\":\"a\",\"expires_in\":10",
    };
    struct secret token = {{NULL, 0}};
    int64_t expires = -7;
    for (size_t i = 0; i < countof(bad); i++)
        assert_int_equal(gcp_token_answer(&arena, str_c(bad[i]), &token, &expires), E_CREDENTIAL);
    assert_true(!secret_set(token) && expires == -7);
    assert_int_equal(
        gcp_token_answer(&arena,
                         STR("{\"access_token\":\"ya29.c.x\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"),
                         &token, &expires),
        E_OK);
    assert_str(secret_reveal(token), STR("ya29.c.x"));
    assert_int_equal(expires, 3599);
}

static void a_full_arena_is_an_error(void **state)
{
    (void)state;
    struct gcp_account g;
    assert_true(gcp_account_parse(&arena, account(NULL, NULL), &g));
    for (size_t cap = 0; cap < 8 * KIB; cap += 256) {
        struct arena small;
        arena_init(&small, cap);
        struct str body = STR("untouched");
        enum err e = gcp_token_request(&small, &g, 1, &body);
        assert_true(e == E_OK || ((e == E_FULL || e == E_CREDENTIAL) && str_eq(body, STR("untouched"))));
        arena_done(&small);
        struct gcp_account other;
        arena_init(&small, cap);
        gcp_account_parse(&small, account(NULL, NULL), &other);
        arena_done(&small);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(account_is_read),
        T(what_may_be_absent),
        T(hostile_accounts_are_none),
        T(other_bearers_are_none),
        T(token_request_is_as_openssl_signs_it),
        T(fields_cannot_add_claims),
        T(a_key_that_signs_nothing),
        T(token_url_is_google_s_or_the_operator_s),
        T(answers_are_checked),
        T(a_full_arena_is_an_error),
    };
    return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
