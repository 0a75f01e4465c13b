/* SPDX-License-Identifier: Apache-2.0 */
/* providers: rows, URLs, operations, credentials. Tables of what goes in and what must come out. */
#include "tests/unit/test.h"

#include "base/buf.h"
#include "base/limits.h"
#include "providers/provider.h"

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

static const struct provider *row(const char *slug)
{
    const struct provider *p = provider_find(str_c(slug));
    if (!p)
        fail_msg("no row %s", slug);
    return p;
}

static void rows_are_sorted_and_found(void **state)
{
    (void)state;
    static const char *const slugs[] = {
        "openai",       "anthropic",  "google-ai-studio", "google-vertex-ai", "workers-ai",    "aws-bedrock",
        "azure-openai", "groq",       "mistral",          "cohere",           "perplexity-ai", "deepseek",
        "grok",         "cerebras",   "baseten",          "parallel",         "openrouter",    "huggingface",
        "replicate",    "elevenlabs", "deepgram",         "cartesia",         "fal",           "ideogram",
        "fireworks",    "mock",
    };
    for (size_t i = 0; i < countof(slugs); i++)
        assert_str(row(slugs[i])->slug, str_c(slugs[i]));
    size_t n = 0;
    for (const struct provider *p; (p = provider_at(n)) != NULL; n++) {
        assert_ptr_equal(provider_find(p->slug), p);
        assert_true(p->lines && p->lines[0].p);
        assert_true((p->auth == AUTH_HEADER) == (p->auth_header.n > 0));
    }
    assert_int_equal(n, countof(slugs));
    assert_ptr_equal(provider_mock(), row("mock"));
}

static void other_slugs_are_not_rows(void **state)
{
    (void)state;
    static const char *const slugs[] = {
        "",     "compat",  "run",    "google",  "custom-x",   "bedrock", "azure",    "xai",
        "open", "openaix", "OpenAI", "openai/", "anthropic ", "zzz",     "\xff\xff", "perplexity"};
    for (size_t i = 0; i < countof(slugs); i++)
        assert_null(provider_find(str_c(slugs[i])));
    assert_null(provider_find((struct str){NULL, 0}));
    assert_null(provider_find(str_of("openai\0", 7)));
}

/* Every slug has its line in the page that lists them. */
static void rows_are_documented(void **state)
{
    (void)state;
    char page[64 * 1024];
    FILE *f = fopen(TEST_DATA "/../docs/providers.md", "r");
    assert_non_null(f);
    size_t n = fread(page, 1, sizeof(page), f);
    fclose(f);
    const struct provider *p;
    for (size_t i = 0; (p = provider_at(i)) != NULL; i++) {
        struct str cell = arena_printf(&arena, "| `%.*s` |", STR_FMT(p->slug));
        if (!str_has(str_of(page, n), cell))
            fail_msg("docs/providers.md lacks %.*s", STR_FMT(p->slug));
    }
}

static enum err url(const char *slug, const char *rest, const char *query, const char *override,
                    const struct headers *h, struct upstream_url *ret)
{
    const struct upstream_ask ask = {.provider = row(slug),
                                     .account = STR("0123456789abcdef0123456789abcdef"),
                                     .rest = str_c(rest),
                                     .query = str_c(query),
                                     .headers = h,
                                     .override = str_c(override)};
    return provider_url(&arena, &ask, ret);
}

#define CF "/client/v4/accounts/0123456789abcdef0123456789abcdef/ai"

static void urls_of_every_row(void **state)
{
    (void)state;
    static const struct {
        const char *slug, *rest, *host, *target;
    } cases[] = {
        /* flex v1; conformance case 21 */
        {"openai", "chat/completions", "api.openai.com", "/v1/chat/completions"},
        {"openai", "v1/chat/completions", "api.openai.com", "/v1/chat/completions"},
        {"openai", "responses", "api.openai.com", "/v1/responses"},
        {"openai", "realtime", "api.openai.com", "/v1/realtime"},
        {"openai", "v1", "api.openai.com", "/v1"},
        {"openai", "v1/", "api.openai.com", "/v1/"},
        {"openai", "", "api.openai.com", "/v1"},
        {"openai", "v1/v1/models", "api.openai.com", "/v1/v1/models"},
        {"openai", "v1beta/x", "api.openai.com", "/v1/v1beta/x"},
        {"openai", "v11/x", "api.openai.com", "/v1/v11/x"},
        {"openai", "/chat", "api.openai.com", "/v1//chat"},
        {"openai", "files/a%2Fb%3a/content", "api.openai.com", "/v1/files/a%2Fb%3a/content"},
        {"groq", "chat/completions", "api.groq.com", "/openai/v1/chat/completions"},
        {"groq", "v1/models", "api.groq.com", "/openai/v1/models"},
        {"groq", "openai/v1/chat/completions", "api.groq.com", "/openai/v1/chat/completions"},
        {"cerebras", "chat/completions", "api.cerebras.ai", "/v1/chat/completions"},
        {"cerebras", "v1/chat/completions", "api.cerebras.ai", "/v1/chat/completions"},
        {"openrouter", "chat/completions", "openrouter.ai", "/api/v1/chat/completions"},
        {"openrouter", "v1/chat/completions", "openrouter.ai", "/api/v1/chat/completions"},
        {"openrouter", "api/v1/models", "openrouter.ai", "/api/v1/models"},
        {"replicate", "predictions", "api.replicate.com", "/v1/predictions"},
        {"replicate", "v1/models/o/m/predictions", "api.replicate.com", "/v1/models/o/m/predictions"},
        {"fireworks", "chat/completions", "api.fireworks.ai", "/inference/v1/chat/completions"},
        {"fireworks", "v1/embeddings", "api.fireworks.ai", "/inference/v1/embeddings"},
        /* verbatim */
        {"anthropic", "v1/messages", "api.anthropic.com", "/v1/messages"},
        {"anthropic", "", "api.anthropic.com", "/"},
        {"anthropic", "api/hello", "api.anthropic.com", "/api/hello"},
        {"google-ai-studio", "v1beta/models/m:generateContent", "generativelanguage.googleapis.com",
         "/v1beta/models/m:generateContent"},
        {"google-ai-studio", "v1beta/openai/chat/completions", "generativelanguage.googleapis.com",
         "/v1beta/openai/chat/completions"},
        {"perplexity-ai", "chat/completions", "api.perplexity.ai", "/chat/completions"},
        {"deepseek", "v1/chat/completions", "api.deepseek.com", "/v1/chat/completions"},
        {"deepseek", "anthropic/v1/messages", "api.deepseek.com", "/anthropic/v1/messages"},
        {"parallel", "v1beta/findall/ingest", "api.parallel.ai", "/v1beta/findall/ingest"},
        {"elevenlabs", "v1/text-to-speech/JBFq", "api.elevenlabs.io", "/v1/text-to-speech/JBFq"},
        {"deepgram", "v1/listen", "api.deepgram.com", "/v1/listen"},
        {"cartesia", "tts/bytes", "api.cartesia.ai", "/tts/bytes"},
        {"ideogram", "v1/ideogram-v3/generate", "api.ideogram.ai", "/v1/ideogram-v3/generate"},
        {"huggingface", "bigcode/starcoder", "router.huggingface.co",
         "/hf-inference/models/bigcode/starcoder"},
        {"fal", "fal-ai/fast-sdxl", "fal.run", "/fal-ai/fast-sdxl"},
        {"mock", "v1/chat/completions", "mock.invalid", "/v1/chat/completions"},
        /* v1 put in front */
        {"mistral", "v1/chat/completions", "api.mistral.ai", "/v1/chat/completions"},
        {"mistral", "chat/completions", "api.mistral.ai", "/v1/chat/completions"},
        {"mistral", "v2/x", "api.mistral.ai", "/v2/x"},
        {"mistral", "voices", "api.mistral.ai", "/v1/voices"},
        {"grok", "chat/completions", "api.x.ai", "/v1/chat/completions"},
        {"grok", "v1/messages", "api.x.ai", "/v1/messages"},
        {"grok", "v1beta/x", "api.x.ai", "/v1beta/x"},
        {"grok", "v1", "api.x.ai", "/v1"},
        {"cohere", "v1/chat", "api.cohere.com", "/v1/chat"},
        {"cohere", "v2/chat", "api.cohere.com", "/v2/chat"},
        {"cohere", "chat", "api.cohere.com", "/v1/chat"},
        {"cohere", "compatibility/v1/chat/completions", "api.cohere.com",
         "/compatibility/v1/chat/completions"},
        /* rules of their own */
        {"workers-ai", "@cf/meta/llama-3.1-8b-instruct", "api.cloudflare.com",
         CF "/run/@cf/meta/llama-3.1-8b-instruct"},
        {"workers-ai", "run/@cf/meta/llama", "api.cloudflare.com", CF "/run/@cf/meta/llama"},
        {"workers-ai", "@cf%2Fmeta%2Fllama", "api.cloudflare.com", CF "/run/@cf%2Fmeta%2Fllama"},
        {"workers-ai", "v1/chat/completions", "api.cloudflare.com", CF "/v1/chat/completions"},
        {"azure-openai", "res/gpt-4o/chat/completions", "res.openai.azure.com",
         "/openai/deployments/gpt-4o/chat/completions"},
        {"azure-openai", "res/openai/v1/responses", "res.openai.azure.com", "/openai/v1/responses"},
        {"azure-openai", "res/openai/deployments/d/embeddings", "res.openai.azure.com",
         "/openai/deployments/d/embeddings"},
        {"aws-bedrock", "bedrock-runtime/us-east-1/model/anthropic.claude%3A0/invoke",
         "bedrock-runtime.us-east-1.amazonaws.com", "/model/anthropic.claude%3A0/invoke"},
        {"aws-bedrock", "bedrock-mantle/eu-west-1/anthropic/v1/messages", "bedrock-mantle.eu-west-1.api.aws",
         "/anthropic/v1/messages"},
        {"google-vertex-ai", "v1/projects/p/locations/us-east5/publishers/anthropic/models/c:rawPredict",
         "us-east5-aiplatform.googleapis.com",
         "/v1/projects/p/locations/us-east5/publishers/anthropic/models/c:rawPredict"},
        {"google-vertex-ai", "v1/projects/p/locations/global/publishers/google/models/g:generateContent",
         "aiplatform.googleapis.com",
         "/v1/projects/p/locations/global/publishers/google/models/g:generateContent"},
        {"google-vertex-ai", "v1/projects/p/locations/eu/x", "aiplatform.eu.rep.googleapis.com",
         "/v1/projects/p/locations/eu/x"},
        {"google-vertex-ai", "v1/publishers/google/models/g:generateContent", "aiplatform.googleapis.com",
         "/v1/publishers/google/models/g:generateContent"},
        {"baseten", "v1/chat/completions", "inference.baseten.co", "/v1/chat/completions"},
        {"baseten", "chat/completions", "inference.baseten.co", "/v1/chat/completions"},
        {"baseten", "model/abc123", "model-abc123.api.baseten.co", "/production/predict"},
        {"baseten", "model/abc123/", "model-abc123.api.baseten.co", "/production/predict"},
        {"baseten", "model/abc123/environments/x/predict", "model-abc123.api.baseten.co",
         "/environments/x/predict"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct upstream_url u;
        enum err e = url(cases[i].slug, cases[i].rest, NULL, NULL, NULL, &u);
        if (e)
            fail_msg("%s/%s: %s", cases[i].slug, cases[i].rest, err_name(e));
        assert_str(u.host, str_c(cases[i].host));
        assert_str(u.target, str_c(cases[i].target));
        assert_str(u.authority, u.host);
        assert_false(u.trusted);
        bool mock = provider_find(str_c(cases[i].slug)) == provider_mock();
        assert_true(u.tls == !mock && u.port == (mock ? 80 : 443));
    }
}

static void urls_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *slug, *rest;
        enum err want;
    } cases[] = {
        {"openai", "..", E_BAD_PATH},
        {"openai", ".", E_BAD_PATH},
        {"openai", "../x", E_BAD_PATH},
        {"openai", "a/../b", E_BAD_PATH},
        {"openai", "a/./b", E_BAD_PATH},
        {"openai", "a/..", E_BAD_PATH},
        {"openai", "%2e%2e/x", E_BAD_PATH},
        {"openai", "%2E./x", E_BAD_PATH},
        {"openai", ".%2e", E_BAD_PATH},
        {"openai", "a/%2e/b", E_BAD_PATH},
        {"openai", "a%2f..%2Fb", E_BAD_PATH},
        {"openai", "a\\..\\b", E_BAD_PATH},
        {"openai", "a%5c%2e%2e%5Cb", E_BAD_PATH},
        {"openai", "a b", E_BAD_PATH},
        {"openai", "a\tb", E_BAD_PATH},
        {"openai", "a\r\nHost: evil", E_BAD_PATH},
        {"openai", "a\x7f", E_BAD_PATH},
        {"openai", "a#b", E_BAD_PATH},
        {"openai", "a?b", E_BAD_PATH},
        {"workers-ai", "run/@cf/../../../../tokens", E_BAD_PATH},
        {"azure-openai", "evil.com%2F/d/chat/completions", E_NO_PROVIDER},
        {"azure-openai", "evil.com/d/x", E_NO_PROVIDER},
        {"azure-openai", "a@evil/d/x", E_NO_PROVIDER},
        {"azure-openai", "a:80/d/x", E_NO_PROVIDER},
        {"azure-openai", "/d/x", E_NO_PROVIDER},
        {"azure-openai", "", E_NO_PROVIDER},
        {"azure-openai", "res", E_BAD_PATH},
        {"azure-openai", "res//x", E_BAD_PATH},
        {"azure-openai", "a123456789012345678901234567890123456789012345678901234567890123/d/x",
         E_NO_PROVIDER},
        {"aws-bedrock", "model/x/invoke", E_NO_PROVIDER},
        {"aws-bedrock", "s3/us-east-1/x", E_NO_PROVIDER},
        {"aws-bedrock", "bedrock-runtime/evil.com%2f/x", E_NO_PROVIDER},
        {"aws-bedrock", "bedrock-runtime/evil_com/x", E_NO_PROVIDER},
        {"aws-bedrock", "bedrock-runtime//x", E_NO_PROVIDER},
        {"aws-bedrock", "bedrock-runtime", E_NO_PROVIDER},
        {"aws-bedrock", "", E_NO_PROVIDER},
        {"google-vertex-ai", "v1/projects/p/locations/evil.com%2f/x", E_NO_PROVIDER},
        {"google-vertex-ai", "v1/projects/p/locations/", E_NO_PROVIDER},
        {"google-vertex-ai", "v1/projects/p/locations/a.b/x", E_NO_PROVIDER},
        {"google-vertex-ai", "v1/projects/p/locations/@evil/x", E_NO_PROVIDER},
        {"baseten", "model", E_NO_PROVIDER},
        {"baseten", "model/", E_NO_PROVIDER},
        {"baseten", "model/a.evil.com%23/x", E_NO_PROVIDER},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct upstream_url u = {.port = 7};
        enum err e = url(cases[i].slug, cases[i].rest, NULL, NULL, NULL, &u);
        if (e != cases[i].want)
            fail_msg("%s/%s: %s", cases[i].slug, cases[i].rest, err_name(e));
        assert_int_equal(u.port, 7);
        /* an override takes the host away, not the rule */
        assert_int_equal(url(cases[i].slug, cases[i].rest, NULL, "http://127.0.0.1", NULL, &u),
                         cases[i].want);
    }
}

static void dots_that_are_no_segments_pass(void **state)
{
    (void)state;
    static const char *const rests[] = {"...", "a/...",  ".x",       "a/.well-known", "x.",
                                        "..x", "a..b/c", "%2ex",     "%252e%252e",    "%2",
                                        "%",   "%zz",    "a/%3g/.b", "%2e%2e%2e",     "\xc3\xa9"};
    for (size_t i = 0; i < countof(rests); i++) {
        struct upstream_url u;
        if (url("anthropic", rests[i], NULL, NULL, NULL, &u))
            fail_msg("%s was refused", rests[i]);
        assert_str(str_from(u.target, 1), str_c(rests[i]));
    }
}

static void queries_pass_byte_for_byte(void **state)
{
    (void)state;
    struct upstream_url u;
    assert_int_equal(url("openai", "models", "a=%2e%2e/../&b=?", NULL, NULL, &u), E_OK);
    assert_str(u.target, STR("/v1/models?a=%2e%2e/../&b=?"));
    assert_int_equal(url("openai", "models", "", NULL, NULL, &u), E_OK);
    assert_str(u.target, STR("/v1/models?"));
    assert_int_equal(url("openai", "", "model=x", NULL, NULL, &u), E_OK);
    assert_str(u.target, STR("/v1?model=x"));
    assert_int_equal(url("openai", "models", "a#b", NULL, NULL, &u), E_BAD_PATH);
    assert_int_equal(url("openai", "models", "a b", NULL, NULL, &u), E_BAD_PATH);
    assert_int_equal(url("openai", "models", "a\nb", NULL, NULL, &u), E_BAD_PATH);
    assert_int_equal(url("azure-openai", "r/d/chat/completions", "api-version=2024-10-21", NULL, NULL, &u),
                     E_OK);
    assert_str(u.target, STR("/openai/deployments/d/chat/completions?api-version=2024-10-21"));
}

static void overrides_replace_the_origin(void **state)
{
    (void)state;
    static const struct {
        const char *slug, *rest, *override, *authority, *target;
    } cases[] = {
        {"openai", "v1/models", "http://127.0.0.1:9099/openai", "127.0.0.1:9099", "/openai/v1/models"},
        {"openai", "models", "http://127.0.0.1:9099/openai/", "127.0.0.1:9099", "/openai/v1/models"},
        {"openai", "models", "ws://[::1]:9099", "[::1]:9099", "/v1/models"},
        {"openai", "models", "http://llm.lan:80", "llm.lan", "/v1/models"},
        {"anthropic", "v1/messages", "HTTP://h/p/q", "h", "/p/q/v1/messages"},
        {"anthropic", "", "http://h/p", "h", "/p"},
        {"groq", "chat/completions", "http://h:1", "h:1", "/openai/v1/chat/completions"},
        {"huggingface", "o/m", "http://h:1", "h:1", "/models/o/m"},
        {"workers-ai", "v1/chat/completions", "http://h:1", "h:1", CF "/v1/chat/completions"},
        {"azure-openai", "res/dep/chat/completions", "http://h:1", "h:1",
         "/openai/deployments/dep/chat/completions"},
        {"aws-bedrock", "bedrock-runtime/us-east-1/model/m%3A0/invoke", "http://h:1/aws", "h:1",
         "/aws/model/m%3A0/invoke"},
        {"google-vertex-ai", "v1/projects/p/locations/r1/x", "http://h:1", "h:1",
         "/v1/projects/p/locations/r1/x"},
        {"google-vertex-ai", "v1/projects/p/locations/global/x", "http://h:1", "h:1",
         "/v1/projects/p/locations/global/x"},
        {"baseten", "model/abc", "http://h:1", "h:1", "/production/predict"},
        {"fal", "fal-ai/x", "http://h:1", "h:1", "/fal-ai/x"},
        {"mock", "v1/messages", "http://h:1", "h:1", "/v1/messages"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct upstream_url u;
        assert_int_equal(url(cases[i].slug, cases[i].rest, NULL, cases[i].override, NULL, &u), E_OK);
        assert_str(u.authority, str_c(cases[i].authority));
        assert_str(u.target, str_c(cases[i].target));
        assert_true(u.trusted && !u.tls && !u.from_request);
    }
    struct upstream_url u;
    assert_int_equal(url("openai", "x", NULL, "wss://h", NULL, &u), E_OK);
    assert_true(u.tls && u.port == 443);
    assert_int_equal(url("openai", "x", NULL, "h:80", NULL, &u), E_INTERNAL);
}

static void hosts_from_the_request_are_marked(void **state)
{
    (void)state;
    struct upstream_url u;
    assert_int_equal(url("azure-openai", "r/d/x", NULL, NULL, NULL, &u), E_OK);
    assert_true(u.from_request);
    assert_int_equal(url("openai", "x", NULL, NULL, NULL, &u), E_OK);
    assert_false(u.from_request);
}

static void origins_are_parsed_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "h",
                                      "ftp://h",
                                      "http:/h",
                                      "http://",
                                      "http:///x",
                                      "http://a b",
                                      "http://u@h",
                                      "http://h:",
                                      "http://h:0",
                                      "http://h:65536",
                                      "http://h:x",
                                      "http://h:80:80",
                                      "http://[::1",
                                      "http://::1",
                                      "http://[]",
                                      "http://[::1]x",
                                      "http://[fe80::1%25eth0]",
                                      "http://h?q",
                                      "http://h/#f",
                                      "http://h/?q",
                                      "http://h/a/../b",
                                      "http://.h",
                                      "http://h\n",
                                      "http://h/ x",
                                      "http://[x]"};
    struct upstream_url u = {.port = 7};
    struct str prefix = STR("untouched");
    for (size_t i = 0; i < countof(bad); i++)
        if (provider_parse_origin(str_c(bad[i]), &u, &prefix) != E_SYNTAX)
            fail_msg("%s was taken for an origin", bad[i]);
    assert_int_equal(u.port, 7);
    assert_str(prefix, STR("untouched"));
    assert_int_equal(provider_parse_origin(STR("https://[2001:db8::1]:8443/a/b//"), &u, &prefix), E_OK);
    assert_str(u.host, STR("2001:db8::1"));
    assert_str(u.authority, STR("[2001:db8::1]:8443"));
    assert_str(prefix, STR("/a/b"));
    assert_true(u.tls && u.port == 8443);
    assert_int_equal(provider_parse_origin(STR("https://[::1]:443"), &u, &prefix), E_OK);
    assert_str(u.authority, STR("[::1]"));
    assert_int_equal(prefix.n, 0);
}

static void account_is_one_safe_segment(void **state)
{
    (void)state;
    static const struct {
        const char *account;
        enum err want;
    } cases[] = {{"abc_DEF-1", E_OK},   {"", E_BAD_PATH},    {"a/b", E_BAD_PATH}, {"..", E_BAD_PATH},
                 {"a%2fb", E_BAD_PATH}, {"a?b", E_BAD_PATH}, {"a b", E_BAD_PATH}};
    for (size_t i = 0; i < countof(cases); i++) {
        const struct upstream_ask ask = {
            .provider = row("workers-ai"), .account = str_c(cases[i].account), .rest = STR("@cf/m")};
        struct upstream_url u;
        assert_int_equal(provider_url(&arena, &ask, &u), cases[i].want);
    }
}

static struct headers one_header(struct str name, struct str value)
{
    struct headers h = {0};
    assert_int_equal(headers_add(&h, &arena, name, value), E_OK);
    return h;
}

static void fal_target_url_rule(void **state)
{
    (void)state;
    static const struct {
        const char *header, *host, *target;
        enum err want;
    } cases[] = {
        {"https://queue.fal.run/fal-ai/flux?x=1", "queue.fal.run", "/fal-ai/flux?x=1", E_OK},
        {"https://fal.run/fal-ai/flux", "fal.run", "/fal-ai/flux", E_OK},
        {"HTTPS://Rest.Alpha.FAL.ai:443/storage", "Rest.Alpha.FAL.ai", "/storage", E_OK},
        {"https://fal.run", "fal.run", "/", E_OK},
        {"https://fal.run?a", "fal.run", "/?a", E_OK},
        {"  https://fal.run/x\t", "fal.run", "/x", E_OK},
        {"", "fal.run", "/rest", E_OK},
        {"http://fal.run/x", NULL, NULL, E_NO_PROVIDER},
        {"https://fal.ai/x", NULL, NULL, E_NO_PROVIDER},
        {"https://evilfal.run/x", NULL, NULL, E_NO_PROVIDER},
        {"https://fal.run.evil.com/x", NULL, NULL, E_NO_PROVIDER},
        {"https://fal.run./x", NULL, NULL, E_NO_PROVIDER},
        {"https://.fal.run/x", NULL, NULL, E_NO_PROVIDER},
        {"https://fal.run:8443/x", NULL, NULL, E_NO_PROVIDER},
        {"https://fal.run:80/x", NULL, NULL, E_NO_PROVIDER},
        {"https://u@fal.run/x", NULL, NULL, E_NO_PROVIDER},
        {"https://evil.com\\.fal.run/x", NULL, NULL, E_NO_PROVIDER},
        {"https://evil.com#.fal.run/x", NULL, NULL, E_NO_PROVIDER},
        {"https://evil.com?.fal.run/x", NULL, NULL, E_NO_PROVIDER},
        {"https://127.0.0.1/x", NULL, NULL, E_NO_PROVIDER},
        {"https://[::1]/x", NULL, NULL, E_NO_PROVIDER},
        {"wss://fal.run/x", NULL, NULL, E_NO_PROVIDER},
        {"fal.run/x", NULL, NULL, E_NO_PROVIDER},
        {"//fal.run/x", NULL, NULL, E_NO_PROVIDER},
        {"https://fal.run/a/../b", NULL, NULL, E_BAD_PATH},
        {"https://fal.run/a b", NULL, NULL, E_BAD_PATH},
        {"https://fal.run/a#b", NULL, NULL, E_BAD_PATH},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct headers h = one_header(STR("X-Fal-Target-Url"), str_c(cases[i].header));
        struct upstream_url u;
        enum err e = url("fal", "rest", NULL, NULL, &h, &u);
        if (e != cases[i].want)
            fail_msg("%s: %s", cases[i].header, err_name(e));
        if (e)
            continue;
        assert_str(u.host, str_c(cases[i].host));
        assert_str(u.target, str_c(cases[i].target));
        assert_true(u.tls && u.port == 443 && u.from_request == (cases[i].header[0] != '\0'));
    }
    struct headers h = one_header(STR("x-fal-target-url"), STR("https://queue.fal.run/a/b?c"));
    struct upstream_url u;
    assert_int_equal(url("fal", "", NULL, "http://h:1/p", &h, &u), E_OK);
    assert_str(u.authority, STR("h:1"));
    assert_str(u.target, STR("/p/a/b?c"));
    assert_true(u.trusted);
    /* only fal reads it */
    assert_int_equal(url("openai", "x", NULL, NULL, &h, &u), E_OK);
    assert_str(u.host, STR("api.openai.com"));
}

static void what_counts_as_a_credential(void **state)
{
    (void)state;
    static const struct {
        const char *slug, *name, *value, *query;
        bool want;
    } cases[] = {
        {"openai", "authorization", "Bearer k", NULL, true},
        {"openai", "Authorization", "Bearer", NULL, false},
        {"openai", "Authorization", " bearer  ", NULL, false},
        {"openai", "Authorization", "Basic abc", NULL, true},
        {"openai", "x-api-key", "k", NULL, false},
        {"openai", "Accept", "*", "key=k", false},
        {"anthropic", "x-api-key", "k", NULL, true},
        {"anthropic", "x-api-key", "  ", NULL, false},
        {"google-ai-studio", "Accept", "*", "alt=sse&key=k", true},
        {"google-ai-studio", "Accept", "*", "key=", false},
        {"google-ai-studio", "Accept", "*", "key&monkey=k&keys=k", false},
        {"google-vertex-ai", "x-goog-api-key", "k", NULL, true},
        {"aws-bedrock", "Authorization", "AWS4-HMAC-SHA256 Credential=a/b", NULL, true},
        {"aws-bedrock", "Accept", "*", "X-Amz-Date=1&X-Amz-Signature=ab", true},
        {"aws-bedrock", "Accept", "*", "X-Amz-Signature=&key=k", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct headers h = one_header(str_c(cases[i].name), str_c(cases[i].value));
        if (provider_has_credential(row(cases[i].slug), &h, str_c(cases[i].query)) != cases[i].want)
            fail_msg("case %zu: %s", i, cases[i].want ? "none found" : "found");
    }
}

static void a_full_arena_is_an_error(void **state)
{
    (void)state;
    struct arena small;
    arena_init(&small, 0);
    struct upstream_url u;
    const struct upstream_ask ask = {.provider = row("openai"), .rest = STR("models")};
    assert_int_equal(provider_url(&small, &ask, &u), E_FULL);
    const struct upstream_ask filled = {.provider = row("azure-openai"), .rest = STR("r/d/x")};
    assert_int_equal(provider_url(&small, &filled, &u), E_FULL);
    struct operation op;
    provider_operation(&small, row("aws-bedrock"), STR("POST"), STR("bedrock-runtime/r/model/a%3A0/invoke"),
                       &op);
    assert_str(op.model, STR("a%3A0"));
    arena_done(&small);
}

static void operations_of_every_row(void **state)
{
    (void)state;
    static const struct {
        const char *slug, *rest;
        enum dialect dialect;
        const char *type, *model;
        bool stream;
    } cases[] = {
        {"openai", "chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"openai", "v1/chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"openai", "v1/chat/completions/", D_OPENAI_CHAT, "chat", "", false},
        {"openai", "v1/chat/completions/id", D_OPAQUE, NULL, "", false},
        {"openai", "completions", D_OPENAI_COMPLETIONS, "completions", "", false},
        {"openai", "responses", D_OPENAI_RESPONSES, "chat", "", false},
        {"openai", "responses/r1/cancel", D_OPAQUE, NULL, "", false},
        {"openai", "v1/responses/compact", D_OPENAI_RESPONSES, "chat", "", false},
        {"openai", "embeddings", D_OPENAI_EMBEDDINGS, "embeddings", "", false},
        {"openai", "images/generations", D_OPENAI_IMAGES, "image", "", false},
        {"openai", "images/edits", D_OPENAI_IMAGES, "image", "", false},
        {"openai", "images/variations", D_OPENAI_IMAGES, "image", "", false},
        {"openai", "audio/speech", D_OPENAI_AUDIO, "audio", "", false},
        {"openai", "audio/transcriptions", D_OPENAI_AUDIO, "audio", "", false},
        {"openai", "audio/translations", D_OPENAI_AUDIO, "audio", "", false},
        {"openai", "moderations", D_OPAQUE, "moderation", "", false},
        {"openai", "threads/t/messages", D_OPAQUE, NULL, "", false},
        {"openai", "xchat/completions", D_OPENAI_COMPLETIONS, "completions", "", false},
        {"openai", "myembeddings", D_OPAQUE, NULL, "", false},
        {"openai", "", D_OPAQUE, NULL, "", false},
        {"openai", "/", D_OPAQUE, NULL, "", false},
        {"anthropic", "v1/messages", D_ANTHROPIC, "chat", "", false},
        {"anthropic", "v1/messages/count_tokens", D_OPAQUE, NULL, "", false},
        {"anthropic", "v1/messages/batches", D_OPAQUE, NULL, "", false},
        {"anthropic", "v1/chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"google-ai-studio", "v1beta/models/gemini-2.5-pro:generateContent", D_GEMINI, "chat",
         "gemini-2.5-pro", false},
        {"google-ai-studio", "v1/models/g:streamGenerateContent", D_GEMINI, "chat", "g", true},
        {"google-ai-studio", "v1beta/models/e:embedContent", D_GEMINI, "embeddings", "e", false},
        {"google-ai-studio", "v1beta/models/e:batchEmbedContents", D_GEMINI, "embeddings", "e", false},
        {"google-ai-studio", "v1beta/models/g:countTokens", D_OPAQUE, NULL, "g", false},
        {"google-ai-studio", "v1beta/models/imagen-4:predict", D_OPAQUE, "image", "imagen-4", false},
        {"google-ai-studio", "v1beta/tunedModels/t:generateContent", D_GEMINI, "chat", "t", false},
        {"google-ai-studio", "v1beta/openai/chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"google-ai-studio", "v1beta/openai/embeddings", D_OPENAI_EMBEDDINGS, "embeddings", "", false},
        {"google-vertex-ai", "v1/projects/p/locations/r/publishers/google/models/g%2D1:generateContent",
         D_GEMINI, "chat", "g-1", false},
        {"google-vertex-ai", "v1/projects/p/locations/r/publishers/anthropic/models/c@2025:rawPredict",
         D_ANTHROPIC, "chat", "c@2025", false},
        {"google-vertex-ai", "v1/projects/p/locations/r/publishers/anthropic/models/c:streamRawPredict",
         D_ANTHROPIC, "chat", "c", true},
        {"google-vertex-ai", "v1/projects/p/locations/r/publishers/mistralai/models/m:streamRawPredict",
         D_OPENAI_CHAT, "chat", "m", true},
        {"google-vertex-ai", "v1/projects/p/locations/r/publishers/other/models/m:rawPredict", D_OPAQUE, NULL,
         "", false},
        {"google-vertex-ai", "v1/projects/p/locations/r/endpoints/openapi/chat/completions", D_OPENAI_CHAT,
         "chat", "", false},
        {"aws-bedrock", "bedrock-runtime/r/model/us.anthropic.claude-x-v1%3A0/invoke", D_BEDROCK_INVOKE,
         "chat", "us.anthropic.claude-x-v1:0", false},
        {"aws-bedrock", "bedrock-runtime/r/model/amazon.titan-embed-text-v2:0/invoke", D_BEDROCK_INVOKE,
         "embeddings", "amazon.titan-embed-text-v2:0", false},
        {"aws-bedrock", "bedrock-runtime/r/model/m/invoke-with-response-stream", D_BEDROCK_INVOKE, "chat",
         "m", true},
        {"aws-bedrock", "bedrock-runtime/r/model/m/converse", D_BEDROCK_CONVERSE, "chat", "m", false},
        {"aws-bedrock",
         "bedrock-runtime/r/model/arn%3Aaws%3Ab%3A%3A1%3Ainference-profile%2Fm/converse-stream",
         D_BEDROCK_CONVERSE, "chat", "arn:aws:b::1:inference-profile/m", true},
        {"aws-bedrock", "bedrock-runtime/r/model/m/count-tokens", D_OPAQUE, NULL, "m", false},
        {"aws-bedrock", "bedrock-runtime/r/openai/v1/chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"aws-bedrock", "bedrock-mantle/r/anthropic/v1/messages", D_ANTHROPIC, "chat", "", false},
        {"aws-bedrock", "bedrock-mantle/r/v1/chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"aws-bedrock", "bedrock-mantle/r/openai/v1/responses", D_OPENAI_RESPONSES, "chat", "", false},
        {"cohere", "v1/chat", D_COHERE_V1, "chat", "", false},
        {"cohere", "chat", D_COHERE_V1, "chat", "", false},
        {"cohere", "v2/chat", D_COHERE_V2, "chat", "", false},
        {"cohere", "v1/embed", D_COHERE_V1, "embeddings", "", false},
        {"cohere", "v2/embed", D_COHERE_V2, "embeddings", "", false},
        {"cohere", "v2/rerank", D_COHERE_V2, "rerank", "", false},
        {"cohere", "compatibility/v1/chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"workers-ai", "@cf/meta/llama-3", D_WORKERS_AI, "chat", "@cf/meta/llama-3", false},
        {"workers-ai", "run/@cf%2Fmeta%2Fllama-3", D_WORKERS_AI, "chat", "@cf/meta/llama-3", false},
        {"workers-ai", "run/@cf/baai/bge-m3", D_WORKERS_AI, "embeddings", "@cf/baai/bge-m3", false},
        {"workers-ai", "@cf/openai/whisper", D_WORKERS_AI, "audio", "@cf/openai/whisper", false},
        {"workers-ai", "v1/chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"workers-ai", "v1/embeddings", D_OPENAI_EMBEDDINGS, "embeddings", "", false},
        {"workers-ai", "v1/other", D_OPAQUE, NULL, "", false},
        {"azure-openai", "res/gpt-4o/chat/completions", D_OPENAI_CHAT, "chat", "gpt-4o", false},
        {"azure-openai", "res/openai/deployments/d/embeddings", D_OPENAI_EMBEDDINGS, "embeddings", "d",
         false},
        {"azure-openai", "res/openai/v1/responses", D_OPENAI_RESPONSES, "chat", "", false},
        {"grok", "v1/messages", D_ANTHROPIC, "chat", "", false},
        {"grok", "v1/responses", D_OPENAI_RESPONSES, "chat", "", false},
        {"deepseek", "anthropic/v1/messages", D_ANTHROPIC, "chat", "", false},
        {"deepseek", "chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"groq", "openai/v1/audio/transcriptions", D_OPENAI_AUDIO, "audio", "", false},
        {"mistral", "v1/fim/completions", D_OPENAI_CHAT, "chat", "", false},
        {"mistral", "v1/agents/completions", D_OPENAI_CHAT, "chat", "", false},
        {"perplexity-ai", "chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"cerebras", "completions", D_OPENAI_COMPLETIONS, "completions", "", false},
        {"baseten", "v1/chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"parallel", "chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"parallel", "v1/tasks/runs", D_OPAQUE, NULL, "", false},
        {"openrouter", "v1/messages", D_ANTHROPIC, "chat", "", false},
        {"fireworks", "chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"huggingface", "bigcode/starcoder", D_OPAQUE, NULL, "bigcode/starcoder", false},
        {"huggingface", "o/m/v1/chat/completions", D_OPENAI_CHAT, "chat", "o/m", false},
        {"huggingface", "o/m/pipeline/feature-extraction", D_OPAQUE, "embeddings", "o/m", false},
        {"replicate", "models/o/flux/predictions", D_OPAQUE, "image", "o/flux", false},
        {"replicate", "predictions", D_OPAQUE, NULL, "", false},
        {"fal", "fal-ai/fast-sdxl", D_OPAQUE, NULL, "fal-ai/fast-sdxl", false},
        {"elevenlabs", "v1/text-to-speech/v", D_OPAQUE, "audio", "", false},
        {"deepgram", "v1/listen", D_OPAQUE, "audio", "", false},
        {"cartesia", "tts/bytes", D_OPAQUE, "audio", "", false},
        {"ideogram", "v1/ideogram-v3/generate", D_OPAQUE, "image", "", false},
        {"mock", "v1/chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"mock", "chat/completions", D_OPENAI_CHAT, "chat", "", false},
        {"mock", "v1/messages", D_ANTHROPIC, "chat", "", false},
        {"mock", "v1/responses", D_OPENAI_RESPONSES, "chat", "", false},
        {"mock", "v1beta/models/m:streamGenerateContent", D_GEMINI, "chat", "m", true},
        {"mock", "v1/chat", D_COHERE_V1, "chat", "", false},
        {"mock", "v2/chat", D_COHERE_V2, "chat", "", false},
        {"mock", "model/m%3A0/converse-stream", D_BEDROCK_CONVERSE, "chat", "m:0", true},
        {"mock", "run/@cf/a/b", D_WORKERS_AI, "chat", "@cf/a/b", false},
        {"mock", "nothing", D_OPAQUE, NULL, "", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct operation op;
        provider_operation(&arena, row(cases[i].slug), STR("POST"), str_c(cases[i].rest), &op);
        if (op.dialect != cases[i].dialect || op.stream != cases[i].stream)
            fail_msg("%s/%s: dialect %d", cases[i].slug, cases[i].rest, (int)op.dialect);
        if (!str_eq(str_c(op.type), str_c(cases[i].type)))
            fail_msg("%s/%s: type %s", cases[i].slug, cases[i].rest, op.type ? op.type : "none");
        assert_str(op.model, str_c(cases[i].model));
        provider_operation(&arena, row(cases[i].slug), STR("GET"), str_c(cases[i].rest), &op);
        assert_true(op.dialect == D_OPAQUE && !op.type && op.model.n == 0);
    }
}

static void escapes_are_decoded_leniently(void **state)
{
    (void)state;
    struct operation op;
    const struct provider *p = row("workers-ai");
    provider_operation(&arena, p, STR("POST"), STR("run/%41%zz%4"), &op);
    assert_str(op.model, STR("A%zz%4"));
    provider_operation(&arena, p, STR("POST"), STR("run/%"), &op);
    assert_str(op.model, STR("%"));
    provider_operation(&arena, p, STR("POST"), STR("run/a%00b"), &op);
    assert_str(op.model, str_of("a\0b", 3));
}

static void credentials_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *slug, *name, *value;
        unsigned at;
        const char *want;
    } cases[] = {
        {"openai", "Authorization", "Bearer sk-1", 0, "sk-1"},
        {"openai", "authorization", "bearer   sk-1 ", 0, "sk-1"},
        {"openai", "authorization", "BEARER\tsk-1", 0, "sk-1"},
        {"openai", "Authorization", "Bearer", 0, ""},
        {"openai", "Authorization", "Bearer ", 0, ""},
        {"openai", "Authorization", "", 0, ""},
        {"openai", "Authorization", "sk-1", 0, "sk-1"},
        {"openai", "Authorization", "Basic dTpw", 0, ""},
        {"openai", "X-Other", "Bearer sk-1", 0, ""},
        {"aws-bedrock", "Authorization", "AWS4-HMAC-SHA256 Credential=a/b, Signature=c", 0, ""},
        {"aws-bedrock", "Authorization", "AWS4-HMAC-SHA256", 0, ""},
        {"aws-bedrock", "Authorization", "Bearer AWS4-HMAC-SHA256x", 0, ""},
        {"aws-bedrock", "Authorization", "Bearer ABSK1", 0, "ABSK1"},
        {"aws-bedrock", "x-api-key", "ABSK1", 1, "ABSK1"},
        {"anthropic", "Authorization", "Bearer t", 0, "t"},
        {"anthropic", "X-Api-Key", "sk-ant", 1, "sk-ant"},
        {"google-ai-studio", "x-goog-api-key", "AIza", 0, "AIza"},
        {"google-ai-studio", "Authorization", "Bearer AIza", 1, "AIza"},
        {"google-vertex-ai", "Authorization", "Bearer ya29", 0, "ya29"},
        {"azure-openai", "api-key", "k", 0, "k"},
        {"azure-openai", "Authorization", "Bearer e", 1, "e"},
        {"replicate", "Authorization", "Token r8", 0, "r8"},
        {"cohere", "Authorization", "token co", 0, "co"},
        {"baseten", "Authorization", "Api-Key b", 0, "b"},
        {"deepgram", "Authorization", "Token d", 0, "d"},
        {"fal", "Authorization", "Key id:secret", 0, "id:secret"},
        {"elevenlabs", "xi-api-key", "x", 0, "x"},
        {"parallel", "x-api-key", "x", 0, "x"},
        {"cartesia", "x-api-key", "x", 0, "x"},
        {"ideogram", "api-key", "x", 0, "x"},
        {"deepseek", "x-api-key", "x", 1, "x"},
        {"grok", "x-api-key", "x", 1, "x"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct headers h = one_header(str_c(cases[i].name), str_c(cases[i].value));
        struct secret_ref r = provider_credential(row(cases[i].slug), &h, cases[i].at);
        assert_non_null(r.name.p);
        assert_str(r.value, str_c(cases[i].want));
    }
    const struct headers none = {0};
    const struct provider *p;
    for (size_t i = 0; (p = provider_at(i)) != NULL; i++) {
        unsigned n = 0;
        for (struct secret_ref r; (r = provider_credential(p, &none, n)).name.p; n++)
            assert_int_equal(r.value.n, 0);
        assert_true(n > 0);
        assert_null(provider_credential(p, &none, n + 5).name.p);
    }
}

static void credentials_are_put(void **state)
{
    (void)state;
    static const struct {
        const char *slug, *name, *value;
    } cases[] = {
        {"openai", "Authorization", "Bearer k"},
        {"anthropic", "x-api-key", "k"},
        {"parallel", "x-api-key", "k"},
        {"cartesia", "X-API-Key", "k"},
        {"google-ai-studio", "x-goog-api-key", "k"},
        {"azure-openai", "api-key", "k"},
        {"elevenlabs", "xi-api-key", "k"},
        {"deepgram", "Authorization", "Token k"},
        {"fal", "Authorization", "Key k"},
        {"ideogram", "Api-Key", "k"},
        {"google-vertex-ai", "Authorization", "Bearer k"},
        {"aws-bedrock", "Authorization", "Bearer k"},
        {"replicate", "Authorization", "Bearer k"},
        {"workers-ai", "Authorization", "Bearer k"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        /* an old line of that name goes, whatever its case */
        struct headers h = one_header(STR("AUTHORIZATION"), STR("old"));
        assert_int_equal(headers_add(&h, &arena, str_c(cases[i].name), STR("old")), E_OK);
        assert_int_equal(provider_put_credential(&arena, row(cases[i].slug), STR("k"), &h), E_OK);
        assert_str(headers_first(&h, str_c(cases[i].name)), str_c(cases[i].value));
        assert_str(headers_last(&h, str_c(cases[i].name)), str_c(cases[i].value));
        assert_str(h.v[h.n - 1].name, str_c(cases[i].name));
    }
    struct headers h = one_header(STR("x"), STR("y"));
    assert_int_equal(provider_put_credential(&arena, row("openai"), STR("a\r\nb: c"), &h), E_CREDENTIAL);
    assert_int_equal(provider_put_credential(&arena, row("openai"), STR(""), &h), E_CREDENTIAL);
    assert_int_equal(h.n, 1);
}

static void mantle_takes_its_key_elsewhere(void **state)
{
    (void)state;
    const struct provider *bedrock = row("aws-bedrock");
    const struct str route = S("bedrock-mantle/us-east-1/anthropic/v1/messages");
    struct headers h = one_header(STR("authorization"), STR("Bearer ABSK"));
    assert_int_equal(provider_settle_headers(&arena, bedrock, route, &h), E_OK);
    assert_null(headers_last(&h, STR("authorization")).p);
    assert_str(headers_last(&h, STR("x-api-key")), STR("ABSK"));

    static const struct {
        const char *slug, *rest, *value;
    } kept[] = {
        {"aws-bedrock", "bedrock-mantle/us-east-1/anthropic/v1/messages", "AWS4-HMAC-SHA256 Credential=x"},
        {"aws-bedrock", "bedrock-mantle/us-east-1/v1/chat/completions", "Bearer ABSK"},
        {"aws-bedrock", "bedrock-runtime/us-east-1/model/m/invoke", "Bearer ABSK"},
        {"mock", "bedrock-mantle/us-east-1/anthropic/v1/messages", "Bearer ABSK"},
    };
    for (size_t i = 0; i < countof(kept); i++) {
        h = one_header(STR("Authorization"), str_c(kept[i].value));
        assert_int_equal(provider_settle_headers(&arena, row(kept[i].slug), str_c(kept[i].rest), &h), E_OK);
        assert_str(headers_last(&h, STR("Authorization")), str_c(kept[i].value));
        assert_null(headers_last(&h, STR("x-api-key")).p);
    }
}

static void usage_is_asked_where_it_breaks_nothing(void **state)
{
    (void)state;
    const struct headers none = {0};
    struct headers signed_ = one_header(STR("authorization"), STR("AWS4-HMAC-SHA256 Credential=x"));
    static const struct {
        const char *slug, *query;
        bool want;
    } cases[] = {
        {"openai", NULL, true},
        {"mock", NULL, true},
        {"mistral", NULL, false},
        {"deepseek", NULL, false},
        {"azure-openai", "api-version=2024-10-21", true},
        {"azure-openai", "a=b&api-version=2025-04-01-preview&c", true},
        {"azure-openai", "api-version=preview", true},
        {"azure-openai", "api-version=2024-09-01-preview", true},
        {"azure-openai", "api-version=2024-08-01-preview", false},
        {"azure-openai", "x=1&api-version=2024-06-01", false},
        {"azure-openai", "", true},
        {"aws-bedrock", NULL, true},
    };
    for (size_t i = 0; i < countof(cases); i++)
        assert_int_equal(provider_asks_usage(row(cases[i].slug), &none, str_c(cases[i].query)),
                         cases[i].want);
    assert_false(provider_asks_usage(row("aws-bedrock"), &signed_, STR("")));
}

static void log_path_has_no_query(void **state)
{
    (void)state;
    assert_str(provider_log_path(STR("chat/completions")), STR("chat/completions"));
    assert_str(provider_log_path(STR("v1beta/m:x?alt=sse")), STR("v1beta/m:x"));
    assert_non_null(provider_log_path((struct str){NULL, 0}).p);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(rows_are_sorted_and_found),
        T(other_slugs_are_not_rows),
        T(rows_are_documented),
        T(urls_of_every_row),
        T(urls_that_are_refused),
        T(dots_that_are_no_segments_pass),
        T(queries_pass_byte_for_byte),
        T(overrides_replace_the_origin),
        T(hosts_from_the_request_are_marked),
        T(origins_are_parsed_strictly),
        T(account_is_one_safe_segment),
        T(fal_target_url_rule),
        T(what_counts_as_a_credential),
        T(a_full_arena_is_an_error),
        T(operations_of_every_row),
        T(escapes_are_decoded_leniently),
        T(credentials_are_found),
        T(credentials_are_put),
        T(mantle_takes_its_key_elsewhere),
        T(usage_is_asked_where_it_breaks_nothing),
        T(log_path_has_no_query),
    };
    return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
