/* SPDX-License-Identifier: Apache-2.0 */
/* credential: what stored texts say, what is wrong with them, and where they go in a request. */
#include "tests/unit/test.h"

#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"
#include "providers/credential.h"

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

/* The JSON of a service account; the member named `key` is `value` instead, or left out. */
static struct str account(const char *key, const char *value)
{
    const struct str members[][2] = {
        {S("type"), S("service_account")},
        {S("project_id"), S("example-project")},
        {S("private_key_id"), S("0123abcd")},
        {S("private_key"), file(TEST_DATA "/golden/gcp/key.pem")},
        {S("client_email"), S("weir-test@example-project.iam.gserviceaccount.com")},
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
    struct str text = arena_dup(&arena, buf_str(&b));
    buf_done(&b);
    return text;
}

#define AWS                                                                                                  \
    "{\"accessKeyId\":\"AKIAEXAMPLE\",\"secretAccessKey\":\"s3cr3t/Example+Key\",\"region\":\"eu-west-1\"}"
#define AWS_SESSION                                                                                          \
    "{\"accessKeyId\":\"ASIAEXAMPLE\",\"secretAccessKey\":\"s3cr3t\",\"region\":\"us-gov-west-1\","          \
    "\"sessionToken\":\"Fwo//se+ss==\"}"

static const struct provider *row(const char *slug)
{
    const struct provider *p = provider_find(str_c(slug));
    assert_non_null(p);
    return p;
}

static struct credential read_as(const char *slug, struct str text)
{
    struct credential c;
    const char *why = credential_read(&arena, row(slug), secret_of(text), &c);
    if (why)
        fail_msg("%s: %s", slug, why);
    assert_null(credential_check(row(slug), secret_of(text)));
    return c;
}

static void structured_texts_are_read(void **state)
{
    (void)state;
    struct credential c = read_as("aws-bedrock", STR(AWS));
    assert_int_equal(c.kind, CREDENTIAL_SIGNS);
    assert_str(c.aws.id, STR("AKIAEXAMPLE"));
    assert_str(secret_reveal(c.aws.secret), STR("s3cr3t/Example+Key"));
    assert_str(c.aws.region, STR("eu-west-1"));
    assert_false(secret_set(c.aws.session));
    c = read_as("aws-bedrock", STR("\n " AWS_SESSION "\n"));
    assert_str(secret_reveal(c.aws.session), STR("Fwo//se+ss=="));
    c = read_as("aws-bedrock", STR("ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl=\n"));
    assert_int_equal(c.kind, CREDENTIAL_KEY);
    assert_str(secret_reveal(c.key), STR("ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl="));
    c = read_as("workers-ai", STR("{\"accountId\":\"0123abc\",\"apiToken\":\"t0ken\"}"));
    assert_int_equal(c.kind, CREDENTIAL_KEY);
    assert_str(c.account, STR("0123abc"));
    assert_str(secret_reveal(c.key), STR("t0ken"));
    c = read_as("workers-ai", STR("t0ken"));
    assert_int_equal(c.account.n, 0);
}

static void service_accounts_are_read_in_every_form(void **state)
{
    (void)state;
    struct str json = account(NULL, NULL), coded = base64_encode(&arena, json);
    const struct str lines[] = {str_head(coded, 76), STR("\r\n"), str_from(coded, 76), STR("\n")};
    const struct str texts[] = {json, coded, base64url_encode(&arena, json), arena_join(&arena, lines, 4)};
    for (size_t i = 0; i < countof(texts); i++) {
        struct credential c = read_as("google-vertex-ai", texts[i]);
        assert_int_equal(c.kind, CREDENTIAL_ACCOUNT);
        assert_str(c.gcp.project, STR("example-project"));
        assert_str(c.gcp.region, STR("us-east5"));
        assert_str(secret_reveal(c.gcp.key), file(TEST_DATA "/golden/gcp/key.pem"));
    }
}

/* Each with a word that its reason has, and MARK somewhere, which no reason has. */
#define MARK "hunter2"
static void what_is_wrong_is_said_and_nothing_repeated(void **state)
{
    (void)state;
    const struct {
        const char *slug;
        struct str text;
        const char *says;
    } cases[] = {
        {"openai", S(""), "empty"},
        {"openai", S(" \n"), "empty"},
        {"openai", S("Bearer " MARK), "Bearer"},
        {"openai", S(MARK "\nsecond"), "line breaks"},
        {"openai", S(MARK "\xc3\xbc"), "one word"},
        {"openai", S(MARK "\0x"), "one word"},
        {"aws-bedrock", S("{\"accessKeyId\":\"" MARK "\""), "broken JSON"},
        {"aws-bedrock", S("[\"" MARK " \"]"), "one word"},
        {"aws-bedrock", S("{\"accessKeyID\":\"" MARK "\"}"), "\"accessKeyId\" is missing"},
        {"aws-bedrock", S("{\"accessKeyId\":\"" MARK "/x\"}"), "\"accessKeyId\""},
        {"aws-bedrock", S("{\"accessKeyId\":\"" MARK "\\n\"}"), "\"accessKeyId\""},
        {"aws-bedrock", S("{\"accessKeyId\":7}"), "\"accessKeyId\""},
        {"aws-bedrock", S("{\"accessKeyId\":\"A\",\"secretAccessKey\":\"" MARK " x\"}"),
         "\"secretAccessKey\""},
        {"aws-bedrock", S("{\"accessKeyId\":\"A\",\"secretAccessKey\":\"" MARK "\"}"), "\"region\""},
        {"aws-bedrock", S("{\"accessKeyId\":\"A\",\"secretAccessKey\":\"s\",\"region\":\"" MARK ".evil\"}"),
         "us-east-1"},
        {"aws-bedrock", S("{\"accessKeyId\":\"A\",\"secretAccessKey\":\"s\",\"region\":\"EU-WEST-1\"}"),
         "us-east-1"},
        {"aws-bedrock", S("{\"accessKeyId\":\"A\",\"secretAccessKey\":\"s\",\"region\":\"eu-west-1a\"}"),
         "us-east-1"},
        {"aws-bedrock",
         S("{\"accessKeyId\":\"A\",\"secretAccessKey\":\"s\",\"region\":\"eu-west-1\",\"sessionToken\":"
           "\"" MARK "\\r\\n\"}"),
         "\"sessionToken\""},
        {"workers-ai", S("{\"apiToken\":\"" MARK "\"}"), "\"accountId\""},
        {"workers-ai", S("{\"accountId\":\"../" MARK "\",\"apiToken\":\"t\"}"), "\"accountId\""},
        {"workers-ai", S("{\"accountId\":\"a\",\"apiToken\":\"" MARK " \"}"), "\"apiToken\""},
        {"workers-ai", S("{" MARK), "broken JSON"},
        {"google-vertex-ai", S("ya29." MARK), "as it is or in base64"},
        {"google-vertex-ai", S("{\"type\":\"" MARK), "not a JSON object"},
        {"google-vertex-ai", S("{\"type\":\"authorized_user\",\"" MARK "\":1}"), "\"type\""},
        {"google-vertex-ai", account("client_email", "a\n" MARK), "\"client_email\""},
        {"google-vertex-ai", account("project_id", NULL), "\"project_id\" is missing"},
        {"google-vertex-ai", account("project_id", MARK "/locations"), "\"project_id\""},
        {"google-vertex-ai", account("region", NULL), "\"region\" is missing"},
        {"google-vertex-ai", account("region", MARK ".evil"), "\"region\""},
        {"google-vertex-ai", account("private_key", MARK), "\"private_key\""},
        {"google-vertex-ai", account("private_key_id", MARK "\n"), "\"private_key_id\""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct credential c = {.kind = CREDENTIAL_SIGNS};
        const char *why = credential_read(&arena, row(cases[i].slug), secret_of(cases[i].text), &c);
        if (!why || !strstr(why, cases[i].says))
            fail_msg("%s, case %zu: %s", cases[i].slug, i, why ? why : "taken");
        assert_null(strstr(why, MARK));
        assert_int_equal(c.kind, CREDENTIAL_SIGNS);
        assert_string_equal(credential_check(row(cases[i].slug), secret_of(cases[i].text)), why);
    }
    char *big = arena_alloc(&arena, GCP_ACCOUNT_BYTES + 1);
    memset(big, 'A', GCP_ACCOUNT_BYTES + 1);
    assert_non_null(credential_check(row("openai"), secret_of(str_of(big, GCP_ACCOUNT_BYTES + 1))));
    assert_null(credential_check(row("openai"), secret_of(str_of(big, GCP_ACCOUNT_BYTES))));
}

static struct headers lines_of(const char *const (*lines)[2], size_t n)
{
    struct headers h = {0};
    for (size_t i = 0; i < n; i++)
        assert_int_equal(headers_add(&h, &arena, str_c(lines[i][0]), str_c(lines[i][1])), E_OK);
    return h;
}

static void a_key_takes_the_provider_s_own_form(void **state)
{
    (void)state;
    static const struct {
        const char *slug, *name, *value;
    } cases[] = {
        {"openai", "Authorization", "Bearer k"},
        {"groq", "Authorization", "Bearer k"},
        {"workers-ai", "Authorization", "Bearer k"},
        {"aws-bedrock", "Authorization", "Bearer k"},
        {"anthropic", "x-api-key", "k"},
        {"parallel", "x-api-key", "k"},
        {"cartesia", "X-API-Key", "k"},
        {"google-ai-studio", "x-goog-api-key", "k"},
        {"azure-openai", "api-key", "k"},
        {"elevenlabs", "xi-api-key", "k"},
        {"deepgram", "Authorization", "Token k"},
        {"fal", "Authorization", "Key k"},
        {"ideogram", "Api-Key", "k"},
    };
    static const char *const sent[][2] = {
        {"Authorization", "Bearer client"}, {"X-Api-Key", "client"},
        {"x-goog-api-key", "client"},       {"API-KEY", "client"},
        {"xi-api-key", "client"},           {"Accept", "*/*"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        const struct provider *p = row(cases[i].slug);
        struct credential c = read_as(cases[i].slug, STR("k"));
        struct headers h = lines_of(sent, countof(sent));
        assert_int_equal(credential_put(&arena, p, &c, &h), E_OK);
        assert_str(headers_last(&h, str_c(cases[i].name)), str_c(cases[i].value));
        for (unsigned k = 0; k < h.n; k++)
            if (str_eq(h.v[k].value, STR("client")) || str_has(h.v[k].value, STR("Bearer client")))
                assert_true(str_ieq(h.v[k].name, STR("xi-api-key")) && !str_eq(p->slug, STR("elevenlabs")));
        assert_str(headers_last(&h, STR("accept")), STR("*/*"));
    }
}

static void a_signer_s_and_an_account_s_key_stay_here(void **state)
{
    (void)state;
    static const char *const sent[][2] = {
        {"Authorization", "Bearer"},        {"x-api-key", "dummy"},
        {"X-Amz-Date", "20200101T000000Z"}, {"x-amz-security-token", "old"},
        {"X-Amz-Content-SHA256", "old"},    {"Content-Type", "application/json"},
    };
    const struct str texts[] = {STR(AWS), account(NULL, NULL)};
    const char *const slugs[] = {"aws-bedrock", "google-vertex-ai"};
    for (size_t i = 0; i < countof(slugs); i++) {
        struct credential c = read_as(slugs[i], texts[i]);
        struct headers h = lines_of(sent, countof(sent));
        assert_int_equal(credential_put(&arena, row(slugs[i]), &c, &h), E_OK);
        assert_int_equal(h.n, i == 0 ? 1 : 4); /* to Google, x-amz- means nothing */
        assert_null(headers_last(&h, STR("authorization")).p);
        assert_str(headers_last(&h, STR("content-type")), STR("application/json"));
    }
}

static void a_key_in_the_query_goes(void **state)
{
    (void)state;
    static const struct {
        const char *slug, *query, *left;
    } cases[] = {
        {"google-ai-studio", "key=old", NULL},
        {"google-ai-studio", "key", NULL},
        {"google-ai-studio", "alt=sse&key=old", "alt=sse"},
        {"google-ai-studio", "key=&alt=sse&key=2&b", "alt=sse&b"},
        {"google-ai-studio", "keys=1&monkey=2", "keys=1&monkey=2"},
        {"google-ai-studio", NULL, NULL},
        {"openai", "key=mine", "key=mine"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct str query = str_c(cases[i].query);
        assert_int_equal(credential_query(&arena, row(cases[i].slug), &query), E_OK);
        assert_str(query, str_c(cases[i].left));
        assert_true((query.p != NULL) == (cases[i].left != NULL));
    }
}

static void native_paths_are_completed(void **state)
{
    (void)state;
    struct credential aws = read_as("aws-bedrock", STR(AWS)), key = read_as("aws-bedrock", STR("k"));
    struct credential gcp = read_as("google-vertex-ai", account(NULL, NULL));
    const struct {
        const struct credential *c;
        const char *slug, *rest, *want;
    } cases[] = {
        {&aws, "aws-bedrock", "bedrock-runtime/us-east-1/model/m/converse",
         "bedrock-runtime/us-east-1/model/m/converse"},
        {&aws, "aws-bedrock", "bedrock-runtime/us-isob-east-1/model/m/converse",
         "bedrock-runtime/us-isob-east-1/model/m/converse"},
        {&aws, "aws-bedrock", "bedrock-runtime/model/anthropic.claude-v2:1/invoke",
         "bedrock-runtime/eu-west-1/model/anthropic.claude-v2:1/invoke"},
        {&aws, "aws-bedrock", "bedrock-runtime/async-invoke", "bedrock-runtime/eu-west-1/async-invoke"},
        {&aws, "aws-bedrock", "bedrock-mantle/anthropic/v1/messages",
         "bedrock-mantle/eu-west-1/anthropic/v1/messages"},
        {&aws, "aws-bedrock", "bedrock-runtime", "bedrock-runtime"},
        {&key, "aws-bedrock", "bedrock-runtime/model/m/invoke", "bedrock-runtime/model/m/invoke"},
        {&gcp, "google-vertex-ai", "v1/publishers/google/models/m:generateContent",
         "v1/projects/example-project/locations/us-east5/publishers/google/models/m:generateContent"},
        {&gcp, "google-vertex-ai",
         "v1/projects/p/locations/global/publishers/google/models/m:generateContent",
         "v1/projects/p/locations/global/publishers/google/models/m:generateContent"},
        {&key, "openai", "chat/completions", "chat/completions"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct str got;
        assert_int_equal(credential_path(&arena, row(cases[i].slug), cases[i].c, str_c(cases[i].rest), &got),
                         E_OK);
        assert_str(got, str_c(cases[i].want));
    }
}

static struct str host_of(const char *slug, const struct credential *c, const char *model,
                          struct str *ret_target)
{
    const struct entry *e = entry_find(str_c(slug), D_OPENAI_CHAT);
    struct entry_place place = {.model = str_c(model)};
    struct upstream_ask ask = {.provider = row(slug)};
    struct upstream_url u;
    credential_place(ask.provider, c, &place);
    assert_int_equal(entry_path(&arena, e, &place, &ask.rest, &ask.query), E_OK);
    assert_int_equal(provider_url(&arena, &ask, &u), E_OK);
    *ret_target = u.target;
    return u.host;
}

static void compat_goes_where_the_credential_lives(void **state)
{
    (void)state;
    struct credential aws = read_as("aws-bedrock", STR(AWS)), key = read_as("aws-bedrock", STR("k"));
    static const char profile[] = "arn:aws:bedrock:ap-south-1:1:inference-profile/apac.amazon.nova-lite-v1:0";
    struct str target;
    assert_str(host_of("aws-bedrock", &aws, "anthropic.claude-v2:1", &target),
               STR("bedrock-runtime.eu-west-1.amazonaws.com"));
    assert_str(target, STR("/model/anthropic.claude-v2%3A1/converse"));
    assert_str(host_of("aws-bedrock", &key, "m", &target), STR("bedrock-runtime.us-east-1.amazonaws.com"));
    assert_str(host_of("aws-bedrock", NULL, "m", &target), STR("bedrock-runtime.us-east-1.amazonaws.com"));
    assert_str(host_of("aws-bedrock", &aws, profile, &target),
               STR("bedrock-runtime.ap-south-1.amazonaws.com"));
    assert_str(target, STR("/model/arn%3Aaws%3Abedrock%3Aap-south-1%3A1%3Ainference-profile%2F"
                           "apac.amazon.nova-lite-v1%3A0/converse"));
    assert_str(host_of("aws-bedrock", &aws, "arn:aws:bedrock:evil.com/:1:x", &target),
               STR("bedrock-runtime.eu-west-1.amazonaws.com"));
    assert_str(host_of("aws-bedrock", &aws, "arn:", &target), STR("bedrock-runtime.eu-west-1.amazonaws.com"));
}

static void google_s_locations_have_three_kinds_of_hosts(void **state)
{
    (void)state;
    static const char *const hosts[][2] = {
        {"us-east5", "us-east5-aiplatform.googleapis.com"},
        {"global", "aiplatform.googleapis.com"},
        {"us", "aiplatform.us.rep.googleapis.com"},
        {"eu", "aiplatform.eu.rep.googleapis.com"},
    };
    for (size_t i = 0; i < countof(hosts); i++) {
        struct credential c = read_as("google-vertex-ai", account("region", hosts[i][0]));
        struct str target;
        assert_str(host_of("google-vertex-ai", &c, "google/gemini-2.5-pro", &target), str_c(hosts[i][1]));
        assert_str(target,
                   arena_printf(
                       &arena, "/v1/projects/example-project/locations/%s/endpoints/openapi/chat/completions",
                       hosts[i][0]));
    }
}

static void a_call_is_signed_for_where_it_goes(void **state)
{
    (void)state;
    static const struct {
        const char *rest, *scope;
    } cases[] = {
        {"bedrock-runtime/us-east-1/model/m/converse", "AKIAEXAMPLE/20261014/us-east-1/bedrock/aws4_request"},
        {"bedrock-mantle/eu-west-1/anthropic/v1/messages",
         "AKIAEXAMPLE/20261014/eu-west-1/bedrock-mantle/aws4_request"},
    };
    struct credential c = read_as("aws-bedrock", STR(AWS));
    const struct sigv4_call call = {S("POST"), S("h"), S("/model/m/converse"), S("{}")};
    for (size_t i = 0; i < countof(cases); i++) {
        struct headers h = {0};
        assert_int_equal(credential_sign(&arena, &c, str_c(cases[i].rest), &call, 1792000000, &h), E_OK);
        assert_true(str_has(headers_last(&h, STR("authorization")), str_c(cases[i].scope)));
        assert_false(str_has(headers_last(&h, STR("authorization")), STR("s3cr3t")));
    }
}

static void what_does_not_fit_is_an_error(void **state)
{
    (void)state;
    const struct str texts[] = {STR("k"), STR(AWS_SESSION), account(NULL, NULL)};
    const char *const slugs[] = {"google-ai-studio", "aws-bedrock", "google-vertex-ai"};
    for (size_t i = 0; i < countof(texts); i++)
        for (size_t cap = 0; cap < 24 * KIB; cap += 256) {
            struct arena small;
            struct credential c;
            struct headers h = {0};
            struct str query = STR("a&key=x&b"), rest;
            arena_init(&small, cap);
            const struct provider *p = row(slugs[i]);
            if (!credential_read(&small, p, secret_of(texts[i]), &c)) {
                enum err put = credential_put(&small, p, &c, &h), cut = credential_query(&small, p, &query);
                enum err path = credential_path(&small, p, &c, STR("v1/publishers/x"), &rest);
                assert_true(cut == E_OK || cut == E_FULL);
                assert_true((put == E_OK || put == E_FULL) && (path == E_OK || path == E_FULL));
            }
            arena_done(&small);
        }
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(structured_texts_are_read),
        T(service_accounts_are_read_in_every_form),
        T(what_is_wrong_is_said_and_nothing_repeated),
        T(a_key_takes_the_provider_s_own_form),
        T(a_signer_s_and_an_account_s_key_stay_here),
        T(a_key_in_the_query_goes),
        T(native_paths_are_completed),
        T(compat_goes_where_the_credential_lives),
        T(google_s_locations_have_three_kinds_of_hosts),
        T(a_call_is_signed_for_where_it_goes),
        T(what_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests_name("credential", tests, NULL, NULL);
}
