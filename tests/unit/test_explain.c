/* SPDX-License-Identifier: Apache-2.0 */
/* weir explain: the file with the request, and what is made of the gateway's words. */
#include "tests/unit/test.h"

#include "base/limits.h"
#include "cli/explain_text.h"
#include "cli/request_file.h"

static int make_arena(void **state)
{
    static struct arena a;
    arena_init(&a, MIB);
    *state = &a;
    return 0;
}

static int drop_arena(void **state)
{
    arena_done(*state);
    return 0;
}

/* ---- the file ---- */

static void reads_a_request(void **state)
{
    struct request_file f;
    char why[REQUEST_FILE_WHY] = "";
    static const struct str text =
        S("// how it goes wrong\n{ \"path\": \"/v1/a/g/openai/x?k=v\", \"method\": \"PUT\",\n"
          "  \"headers\": {\"B\": \" 1 \", \"content-type\": \"text/x\", /* last */ \"a\": \"\"},\n"
          "  \"body\": {\"z\": 0.70, \"a\": [12345678901234567890, \"\\u00e9\", null, ], },\n}");
    if (request_file_read(*state, "f", text, &f, why) != E_OK)
        fail_msg("%s", why);
    assert_str(f.method, STR("PUT"));
    assert_str(f.path, STR("/v1/a/g/openai/x?k=v"));
    assert_int_equal(f.headers.n, 3);
    assert_str(f.headers.v[0].name, STR("B"));
    assert_str(f.headers.v[0].value, STR("1"));
    assert_str(f.headers.v[1].value, STR("text/x"));
    assert_str(f.headers.v[2].value, STR(""));
    assert_str(f.body, STR("{\"z\":0.70,\"a\":[12345678901234567890,\"\xc3\xa9\",null]}"));
}

static void what_is_not_said_is_usual(void **state)
{
    struct request_file f;
    char why[REQUEST_FILE_WHY];
    assert_int_equal(request_file_read(*state, "f", STR("{\"path\":\"/\",\"body\":[]}"), &f, why), E_OK);
    assert_str(f.method, STR("POST"));
    assert_str(headers_last(&f.headers, STR("content-type")), STR("application/json"));
    assert_str(f.body, STR("[]"));
    assert_int_equal(request_file_read(*state, "f", STR("{\"path\":\"/\"}"), &f, why), E_OK);
    assert_int_equal(f.headers.n, 0);
    assert_null(f.body.p);
}

static void mistakes_have_a_place(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "f:1:1: not valid JSON: "},
        {"{\n  \"path\": \"/x\"\n  \"body\": 1}", "f:3:3: not valid JSON: "},
        {"[]", "f:1:1: a request is an object"},
        {"{\"body\": 1}", "f:1:1: \"path\" is missing"},
        {"{\n \"\xc3\xa9\": 1, \"heders\": {}}",
         "f:2:2: a request has method, path, headers and body, but no \xc3\xa9"},
        {"{\"path\": \"/x\", \"heders\": {}}",
         "f:1:16: a request has method, path, headers and body, but no heders"},
        {"{\"path\": \"/x\", \"path\": \"/y\"}", "f:1:16: a second time: path"},
        {"{\"path\": \"v1/x\"}", "f:1:2: \"path\" is what follows the host"},
        {"{\"path\": 1}", "f:1:2: \"path\" is what follows the host"},
        {"{\"path\": \"/a b\"}", "f:1:2: \"path\" has a space"},
        {"{\"path\": \"/a\\u0000b\"}", "f:1:2: \"path\" has a space"},
        {"{\"path\": \"/\xc3\xa9\"}", "f:1:2: \"path\" has a space"},
        {"{\"method\": \"post\"}", "f:1:2: \"method\" is a word in capitals"},
        {"{\"method\": \"\"}", "f:1:2: \"method\" is a word in capitals"},
        {"{\"method\": \"GET /\"}", "f:1:2: \"method\" is a word in capitals"},
        {"{\"headers\": []}", "f:1:2: \"headers\" is an object of texts"},
        {"{\"headers\": {\n\"n\": 1}}", "f:2:1: not a text in quotes: the header n"},
        {"{\"headers\": {\"a b\": \"\"}}", "f:1:14: may not be sent: the header a b"},
        {"{\"headers\": {\"a\": \"x\\r\\nb: y\"}}", "f:1:14: may not be sent: the header a"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct request_file f = {.body = S("untouched")};
        char why[REQUEST_FILE_WHY] = "";
        assert_int_equal(request_file_read(*state, "f", str_c(cases[i].text), &f, why), E_SYNTAX);
        if (!str_starts(str_c(why), str_c(cases[i].why)))
            fail_msg("%s: %s", cases[i].text, why);
        assert_str(f.body, STR("untouched"));
    }
}

static void a_body_may_be_too_large(void **state)
{
    struct request_file f;
    struct buf text;
    char why[REQUEST_FILE_WHY];
    buf_init(&text, 4 * MIB);
    (void)buf_printf(&text, "{\"path\":\"/\",\"body\":\"%*s\"}", 2 * MIB, "x");
    assert_int_equal(request_file_read(*state, "f", buf_str(&text), &f, why), E_FULL);
    assert_string_equal(why, "f: too large");
    buf_done(&text);
}

/* ---- the texts ---- */

static void assert_text(const char *json, int status, const char *want)
{
    struct buf out;
    struct json_doc *doc = json_parse(str_c(json));
    assert_non_null(doc);
    buf_init(&out, MIB);
    if (status)
        explain_trace_text(&out, status, json_root(doc));
    else
        explain_plan_text(&out, json_root(doc));
    assert_str(buf_str(&out), str_c(want));
    buf_done(&out);
    json_free(doc);
}

static void shows_a_plan(void **state)
{
    (void)state;
    assert_text(
        "{\"gateway\":\"g\",\"authentication\":true,\"token\":\"ci\",\"answer\":{\"step\":1,\"by\":"
        "\"provider\"},"
        "\"limit\":{\"requests\":10,\"interval_s\":60,\"technique\":\"fixed\",\"left\":3,\"renewed_in_ms\":"
        "12345},"
        "\"total_timeout_ms\":30000,\"targets\":["
        "{\"step\":0,\"provider\":\"openai\",\"model\":\"m\\u001b[2J\\u009b\",\"stream\":true,\"url\":"
        "\"https://h/p\","
        "\"credential\":\"none\",\"refused\":\"No provider credential\","
        "\"cache\":{\"verdict\":\"hit\",\"key\":\"ab\",\"ttl_s\":300,\"left_s\":61},\"request_timeout_ms\":"
        "2500,\"tries\":3,"
        "\"retry\":{\"on\":[408,\"5xx\"],\"pauses_ms\":[500,1000],\"jitter\":true},"
        "\"health\":{\"results\":12,\"failures\":4,\"cooling_ms\":1500},\"log\":true,\"log_payload\":false,"
        "\"from\":{\"cache_ttl\":\"request\",\"tries\":\"gateway\",\"backoff\":\"step\",\"log\":\"request\"}}"
        ","
        "{\"step\":1,\"provider\":\"groq\",\"model\":\"\",\"url\":\"u\",\"credential\":\"request\","
        "\"cache\":{\"verdict\":\"off\",\"why\":\"because\"},\"request_timeout_ms\":0,\"tries\":1,\"health\":"
        "{\"results\":0,\"failures\":0,\"cooling_ms\":0},\"log\":"
        "false,"
        "\"log_payload\":false,\"from\":{}}],\"total_us\":999,\"steps_us\":{\"record\":12,\"plan\":1200}}",
        0,
        "gateway       g, for callers with a token\n"
        "caller        token ci\n"
        "answer        step 1, from the provider, if it has one\n"
        "limit         3 of 10 requests left, fixed window of 60 s, a new one in 12.3 s\n"
        "deadline      30 s to the first byte, all steps and tries together\n"
        "\n"
        "step 0        openai/m?[2J?, a stream\n"
        "  url         https://h/p\n"
        "  credential  none\n"
        "  refused     No provider credential\n"
        "  cache       hit, good for another 61 s\n"
        "              key ab\n"
        "  tries       3, again after up to 500 ms, 1 s; on no answer, 408, 5xx\n"
        "  timeout     2500 ms to the first byte of a try\n"
        "  health      4 of the last 12 calls failed; cools down for another 1500 ms\n"
        "  log         a row without bodies\n"
        "  set by      step: backoff\n"
        "              request: cache_ttl, log\n"
        "              gateway: tries\n"
        "\n"
        "step 1        groq\n"
        "  url         u\n"
        "  credential  the request brings its own\n"
        "  cache       off: because\n"
        "  tries       1\n"
        "  health      not called lately\n"
        "  log         none\n"
        "\n"
        "took          999 us: record 12 us, plan 1.2 ms\n");
}

static void names_the_stored_key(void **state)
{
    (void)state;
    assert_text("{\"gateway\":\"g\",\"token\":\"ci\",\"answer\":{\"step\":0,\"by\":\"provider\"},\"total_"
                "timeout_ms\":0,"
                "\"targets\":[{\"step\":0,\"provider\":\"openai\",\"model\":\"m\",\"url\":\"u\","
                "\"credential\":\"stored\","
                "\"alias\":\"bl\\u001bue\",\"cache\":{\"verdict\":\"off\",\"why\":\"because\"},\"request_"
                "timeout_ms\":0,"
                "\"tries\":1,\"log\":false,\"log_payload\":false,\"from\":{}}],\"total_us\":1,\"steps_us\":{"
                "\"plan\":1}}",
                0,
                "gateway       g, open to everybody\n"
                "caller        token ci\n"
                "answer        from the provider, if it has one\n"
                "\n"
                "step 0        openai/m\n"
                "  url         u\n"
                "  credential  the stored key bl?ue\n"
                "  cache       off: because\n"
                "  tries       1\n"
                "  log         none\n"
                "\n"
                "took          1 us: plan 1 us\n");
}

static void says_that_the_operator_lends_a_key(void **state)
{
    (void)state;
    assert_text(
        "{\"gateway\":\"g\",\"token\":\"ci\",\"answer\":{\"step\":0,\"by\":\"gateway\",\"error\":\"No\"},"
        "\"total_timeout_ms\":0,\"targets\":[{\"step\":0,\"provider\":\"openai\",\"model\":\"m\","
        "\"url\":\"u\",\"credential\":\"unified\",\"refused\":\"No\",\"cache\":{\"verdict\":\"off\","
        "\"why\":\"because\"},\"request_timeout_ms\":0,\"tries\":1,\"log\":false,\"log_payload\":false,"
        "\"from\":{}}],\"total_us\":1,\"steps_us\":{\"plan\":1}}",
        0,
        "gateway       g, open to everybody\n"
        "caller        token ci\n"
        "answer        refused: No\n"
        "\n"
        "step 0        openai/m\n"
        "  url         u\n"
        "  credential  the operator's key (Unified Billing)\n"
        "  refused     No\n"
        "  cache       off: because\n"
        "  tries       1\n"
        "  log         none\n"
        "\n"
        "took          1 us: plan 1 us\n");
}

static void shows_a_trace(void **state)
{
    (void)state;
    assert_text("{\"gateway\":\"g\",\"target\":{\"step\":1,\"provider\":\"groq\",\"model\":\"l\",\"cache\":{"
                "\"verdict\":\"miss\","
                "\"key\":\"ab\",\"ttl_s\":3600}},\"limit\":{\"requests\":10,\"interval_s\":1,\"technique\":"
                "\"sliding\",\"left\":0},"
                "\"attempts\":[{\"step\":0,\"try\":1,\"provider\":\"openai\",\"model\":\"gpt\",\"by\":"
                "\"provider\",\"status\":500,"
                "\"at_us\":47,\"us\":150000},"
                "{\"step\":0,\"try\":2,\"provider\":\"openai\",\"model\":\"gpt\",\"by\":\"provider\","
                "\"error\":\"Refused\","
                "\"at_us\":10200000,\"us\":3},"
                "{\"step\":1,\"try\":1,\"provider\":\"groq\",\"model\":\"l\",\"by\":\"gateway\",\"error\":"
                "\"Cooling\","
                "\"at_us\":10300000,\"us\":1},"
                "{\"step\":1,\"try\":1,\"provider\":\"groq\",\"model\":\"l\",\"by\":\"cache\",\"status\":200,"
                "\"at_us\":10300000,\"us\":2}],\"attempts_not_shown\":4,\"total_us\":10300100,\"steps_us\":{"
                "\"upstream\":10300000}}",
                200,
                "answer        200 OK\n"
                "attempts\n"
                "  at     47 us  step 0 try 1  openai/gpt  500 after 150 ms\n"
                "  at    10.2 s  step 0 try 2  openai/gpt  Refused after 3 us\n"
                "  at    10.3 s  step 1 try 1  groq/l      not called: Cooling\n"
                "  at    10.3 s  step 1 try 1  groq/l      200 from the cache after 2 us\n"
                "  and 4 more\n"
                "cache         miss, a good answer is kept for 3600 s\n"
                "              key ab\n"
                "limit         0 of 10 requests left, sliding window of 1 s\n"
                "took          10.3 s: upstream 10.3 s\n");
    assert_text("{\"gateway\":\"g\",\"error\":\"Unauthorized\",\"total_us\":5,\"steps_us\":{}}", 401,
                "answer        401 Unauthorized: Unauthorized\ntook          5 us\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_a_request, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(what_is_not_said_is_usual, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(mistakes_have_a_place, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(a_body_may_be_too_large, make_arena, drop_arena),
        cmocka_unit_test(shows_a_plan),
        cmocka_unit_test(names_the_stored_key),
        cmocka_unit_test(says_that_the_operator_lends_a_key),
        cmocka_unit_test(shows_a_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
