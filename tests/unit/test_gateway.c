/* SPDX-License-Identifier: Apache-2.0 */
/* gateway: the pure parts. Forwarded headers, fault envelopes, metrics text. */
#include "tests/unit/test.h"

#include "base/json.h"
#include "base/limits.h"
#include "gateway/fault.h"
#include "gateway/forward.h"
#include "gateway/stats.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, MIB);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* ---- forwarding: section 8 ---- */

static void add(struct headers *h, const char *name, const char *value)
{
    assert_int_equal(headers_add(h, &arena, str_c(name), str_c(value)), E_OK);
}

static struct str names(const struct headers *h)
{
    struct str joined = STR("");
    for (unsigned i = 0; i < h->n; i++)
        joined = arena_printf(&arena, "%.*s%s%.*s", STR_FMT(joined), i ? "," : "", STR_FMT(h->v[i].name));
    return joined;
}

static void requests_lose_what_is_not_the_providers(void **state)
{
    (void)state;
    static const char *const dropped[] = {
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Upgrade",
        "Proxy-Authorization",
        "Expect",
        "cf-aig-authorization",
        "cf-aig-metadata",
        "CF-Connecting-IP",
        "cf-ray",
        "cf-skip-cache",
        "X-Forwarded-For",
        "x-forwarded-proto",
        "Forwarded",
        "X-Real-IP",
        "True-Client-IP",
        "Via",
        "Cf-Access-Jwt-Assertion",
        "x-fal-target-url",
        "weir-trace",
        "Weir-Total-Timeout",
        "X-Private",
    };
    static const char *const kept[] = {
        "Authorization",  "anthropic-version", "OpenAI-Organization",
        "x-stainless-os", "api-key",           "User-Agent",
        "Accept",         "Content-Type",      "cookie",
        "x-api-key",
    };
    struct headers in = {0}, out = {0};
    for (size_t i = 0; i < countof(dropped); i++)
        add(&in, dropped[i], i == 3 ? "close, X-Private" : "v");
    for (size_t i = 0; i < countof(kept); i++)
        add(&in, kept[i], "");
    add(&in, "Accept-Encoding", "gzip");
    assert_int_equal(forward_request(&arena, &in, &out), E_OK);
    assert_str(names(&out),
               STR("Authorization,anthropic-version,OpenAI-Organization,x-stainless-os,api-key,User-Agent,"
                   "Accept,Content-Type,cookie,x-api-key,Accept-Encoding"));
    assert_str(headers_last(&out, STR("accept-encoding")), STR("identity"));
}

static void signed_lines_stay_as_they_are(void **state)
{
    (void)state;
    struct headers in = {0}, out = {0};
    add(&in, "Authorization",
        "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=accept-encoding;host;x-amz-date, Signature=0");
    add(&in, "Accept-Encoding", "gzip");
    assert_int_equal(forward_request(&arena, &in, &out), E_OK);
    assert_str(headers_last(&out, STR("accept-encoding")), STR("gzip"));
}

static void only_the_access_cookie_goes(void **state)
{
    (void)state;
    struct headers h = {0};
    add(&h, "Cookie", "a=1; CF_Authorization=eyJ; b=2");
    assert_int_equal(forward_drop_cookie(&arena, &h, STR("CF_Authorization")), E_OK);
    assert_str(h.v[0].value, STR("a=1; b=2"));
}

static void answers_lose_framing_and_our_names(void **state)
{
    (void)state;
    struct headers in = {0}, out = {0};
    add(&in, "Content-Type", "application/json");
    add(&in, "Content-Length", "3");
    add(&in, "Transfer-Encoding", "chunked");
    add(&in, "cf-aig-step", "9");
    add(&in, "Weir-Trace", "{}");
    add(&in, "Alt-Svc", "h3");
    add(&in, "x-ratelimit-remaining", "1");
    add(&in, "Access-Control-Allow-Origin", "https://x");
    assert_int_equal(forward_answer(&arena, &in, true, &out), E_OK);
    assert_str(names(&out), STR("Content-Type,x-ratelimit-remaining"));
    out = (struct headers){0};
    assert_int_equal(forward_answer(&arena, &in, false, &out), E_OK);
    assert_str(names(&out), STR("Content-Type,x-ratelimit-remaining,Access-Control-Allow-Origin"));
}

/* ---- faults: section 9 ---- */

static void faults_have_the_whole_envelope(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    fault_render(&b, E_NO_GATEWAY, STR(""));
    assert_str(buf_str(&b),
               STR("{\"success\":false,\"result\":[],\"messages\":[],\"error\":[{\"code\":2001,\"message\":"
                   "\"Please configure AI Gateway in the Cloudflare dashboard\"}],\"name\":"
                   "\"AiGatewayError\",\"httpCode\":400,\"internalCode\":2001,\"message\":"
                   "\"Please configure AI Gateway in the Cloudflare dashboard\",\"description\":"
                   "\"Please configure AI Gateway in the Cloudflare dashboard\"}"));
    buf_clear(&b);
    fault_render(&b, E_REFUSED, STR(""));
    struct json_doc *d = json_parse(buf_str(&b));
    assert_str(json_str(json_get(json_root(d), "message")), STR("Failed to get response from provider"));
    assert_str(json_str(json_get(json_root(d), "description")), STR("The connection was refused"));
    struct arena a;
    arena_init(&a, KIB);
    assert_str(fault_sentence(&a, E_REFUSED, STR("")),
               STR("Failed to get response from provider: The connection was refused"));
    assert_str(fault_sentence(&a, E_BAD_CHAT, STR("no list")), STR("no list"));
    assert_str(fault_sentence(&a, E_BAD_CHAT, STR("")), STR("Chat completion bad format"));
    arena_done(&a);
    json_free(d);
    buf_done(&b);
}

static void metrics_sum_over_workers(void **state)
{
    (void)state;
    struct stats a = {0}, b = {0};
    struct stats *v[] = {&a, &b};
    struct buf out;
    buf_init(&out, 64 * KIB);
    stat_add(&a.requests, 2);
    stat_add(&b.requests, 3);
    stats_render(&out, v, 2, &(struct store_stats){.rows = 4}, &(struct respcache_stats){.disk_hits = 5});
    assert_true(str_has(buf_str(&out), STR("\nweir_log_rows_total 4\n")));
    assert_true(str_has(buf_str(&out), STR("\nweir_cache_disk_hits_total 5\n")));
    assert_true(str_has(buf_str(&out), STR("# TYPE weir_requests_total counter\nweir_requests_total 5\n")));
    buf_done(&out);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(requests_lose_what_is_not_the_providers),
        TEST(signed_lines_stay_as_they_are),
        TEST(only_the_access_cookie_goes),
        TEST(answers_lose_framing_and_our_names),
        TEST(faults_have_the_whole_envelope),
        TEST(metrics_sum_over_workers),
    };
    return cmocka_run_group_tests_name("gateway", tests, NULL, NULL);
}
