/* SPDX-License-Identifier: Apache-2.0 */
/* providers/prices: names, tiers and hours of the built-in catalogue; cost; money; refused catalogues. */
#include "tests/unit/test.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "providers/prices.h"

#include <stdio.h>

enum { M = 1000000 }; /* 1 USD per million tokens, in pico-dollars per token */

#define SATURDAY_EVENING INT64_C(1795291200000) /* 2026-11-21 20:00 UTC */
#define MONDAY_PEAK INT64_C(1795399200000)      /* 2026-11-23 02:00 UTC */

static struct prices *catalogue;

static int setup(void **state)
{
    (void)state;
    clock_fake(1, SATURDAY_EVENING);
    catalogue = prices_builtin();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    prices_unref(catalogue);
    clock_real();
    return 0;
}

static struct rates find(const char *provider, const char *model, int64_t input)
{
    struct rates r;
    if (!prices_find(catalogue, str_c(provider), str_c(model), input, &r))
        fail_msg("%s: %s is not known", provider, model);
    return r;
}

static void expect(const char *provider, const char *model, int64_t input, int64_t output)
{
    struct rates r = find(provider, model, 1000);
    if (r.input != input || r.output != output)
        fail_msg("%s: %s costs %lld and %lld, not %lld and %lld", provider, model, (long long)r.input,
                 (long long)r.output, (long long)input, (long long)output);
}

static void unknown(const char *provider, const char *model)
{
    struct rates r;
    if (prices_find(catalogue, str_c(provider), str_c(model), 1000, &r))
        fail_msg("%s: %s costs %lld and %lld, but is not known", provider, model, (long long)r.input,
                 (long long)r.output);
}

static void names_do_not_resolve_to_neighbours(void **state)
{
    (void)state;
    expect("openai", "gpt-4o", 2500000, 10 * M);
    expect("openai", "gpt-4o-2024-05-13", 5 * M, 15 * M);
    expect("openai", "gpt-4o-2024-08-06", 2500000, 10 * M);
    expect("openai", "gpt-4o-mini", 150000, 600000);
    expect("openai", "gpt-4o-mini-2024-07-18", 150000, 600000);
    expect("openai", "gpt-5", 1250000, 10 * M);
    expect("openai", "gpt-5-pro", 15 * M, 120 * M);
    expect("openai", "gpt-5-mini", 250000, 2 * M);
    expect("google-ai-studio", "gemini-3.5-flash", 1500000, 9 * M);
    expect("google-ai-studio", "gemini-3.5-flash-lite", 300000, 2500000);
    expect("google-ai-studio", "gemini-2.5-flash", 300000, 2500000);
    expect("google-ai-studio", "gemini-2.5-flash-lite", 100000, 400000);
    expect("google-ai-studio", "gemini-2.5-flash-preview-05-20", 150000, 600000);
    expect("google-ai-studio", "gemini-2.5-pro-preview-tts", 1 * M, 20 * M);
    expect("anthropic", "claude-opus-4", 15 * M, 75 * M);
    expect("anthropic", "claude-opus-4-5", 5 * M, 25 * M);
    expect("anthropic", "claude-opus-5", 5 * M, 25 * M);
    expect("anthropic", "claude-opus-5-5", 4 * M, 20 * M);
    unknown("openai", "gpt-4o-2031-01-01");
    unknown("openai", "gpt-4o-mega");
    unknown("openai", "gpt-5-pro-max");
    unknown("anthropic", "claude-opus-4-99");
    unknown("anthropic", "claude-opus-5-5-mini");
    unknown("google-ai-studio", "gemini-3.5-flash-nano");
    unknown("openai", "");
    unknown("openai", "claude-opus-5-5");
    unknown("nobody", "gpt-4o");
}

static void dated_names_and_aliases_resolve(void **state)
{
    (void)state;
    expect("anthropic", "claude-sonnet-4-5", 3 * M, 15 * M);
    expect("anthropic", "claude-sonnet-4-5-20250929", 3 * M, 15 * M);
    expect("anthropic", "claude-sonnet-4-20250514", 3 * M, 15 * M);
    expect("anthropic", "claude-3-7-sonnet-latest", 3 * M, 15 * M);
    expect("anthropic", "claude-haiku-4.5", 1 * M, 5 * M);
    expect("openai", "gpt-5.6-sol-2026-06-09", 4 * M, 20 * M);
    expect("openai", "gpt-5.6", 4 * M, 20 * M);
    expect("google-ai-studio", "gemini-2.5-pro-preview-06-05", 1250000, 10 * M);
    expect("google-ai-studio", "gemini-2.0-flash-001", 100000, 400000);
    expect("google-ai-studio", "gemini-2.0-flash-lite-001", 75000, 300000);
    expect("google-ai-studio", "gemini-2.5-flash-preview-09-2025", 300000, 2500000);
    expect("grok", "grok-4.5-20260708", 2 * M, 6 * M);
    expect("mistral", "magistral-medium-2506", 2 * M, 5 * M);
    expect("openai", "ft:gpt-4o-2024-08-06:acme:support:abc123", 3750000, 15 * M);
    expect("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc123", 300000, 1200000);
}

static void case_and_surroundings_do_not_matter(void **state)
{
    (void)state;
    expect("openai", "GPT-4o", 2500000, 10 * M);
    expect("openai", "openai/gpt-4o", 2500000, 10 * M);
    expect("groq", "openai/gpt-oss-20b", 75000, 300000);
    expect("groq", "groq/openai/gpt-oss-20b", 75000, 300000);
    expect("grok", "x-ai/grok-4.3", 1250000, 2500000);
    expect("google-ai-studio", "models/gemini-2.5-flash", 300000, 2500000);
    expect("google-vertex-ai", "google/gemini-2.5-flash", 300000, 2500000);
    expect("google-vertex-ai", "publishers/google/models/gemini-2.5-flash", 300000, 2500000);
    expect("google-vertex-ai", "projects/p/locations/l/publishers/google/models/gemini-2.5-flash", 300000,
           2500000);
    expect("google-vertex-ai", "claude-sonnet-4-5@20250929", 3 * M, 15 * M);
    expect("google-vertex-ai", "claude-opus-4-1@default", 15 * M, 75 * M);
    expect("google-vertex-ai", "claude-haiku-4-5@20251001", 1 * M, 5 * M); /* Anthropic's list */
    expect("workers-ai", "@cf/meta/llama-3.1-8b-instruct", 282000, 827000);
    expect("workers-ai", "workers-ai/@cf/moondream/moondream3.1-9B-A2B", 300000, 1 * M);
    expect("fireworks", "accounts/fireworks/models/deepseek-v3p2", 560000, 1680000);
    expect("huggingface", "meta-llama/Llama-3.3-70B-Instruct:groq", 590000, 790000);
    unknown("huggingface", "meta-llama/Llama-3.3-70B-Instruct");
    expect("azure-openai", "gpt-4o", 2500000, 10 * M);
    expect("azure-openai", "gpt-4o-2024-05-13", 5 * M, 15 * M);
    unknown("azure-openai", "our-deployment");
}

static void bedrock_regions_differ(void **state)
{
    (void)state;
    expect("aws-bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", 3 * M, 15 * M);
    expect("aws-bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", 3300000, 16500000);
    expect("aws-bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", 3300000, 16500000);
    expect("aws-bedrock", "apac.anthropic.claude-sonnet-4-5-20250929-v1:0", 3300000, 16500000);
    expect("aws-bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", 3300000, 16500000);
    expect("aws-bedrock", "anthropic.claude-opus-5-5", 4400000, 22 * M);
    expect("aws-bedrock", "global.anthropic.claude-opus-5-5", 4 * M, 20 * M);
    expect("aws-bedrock", "anthropic.claude-3-haiku-20240307-v1:0", 250000, 1250000);
    expect("aws-bedrock", "anthropic.claude-3-5-sonnet-20241022-v2:0", 3 * M, 15 * M);
    expect("aws-bedrock", "anthropic.claude-3-sonnet-20240229-v1:0:200k", 3 * M, 15 * M);
    expect(
        "aws-bedrock",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-opus-4-5-20251101-v1:0",
        5500000, 27500000);
    expect("aws-bedrock", "amazon.nova-micro-v1:0", 35000, 140000);
    expect("aws-bedrock", "amazon.titan-embed-text-v1", 100000, 0);
    expect("aws-bedrock", "amazon.titan-embed-text-v2:0", 20000, 0);
    unknown("aws-bedrock", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc");
    unknown("aws-bedrock", "arn:aws:bedrock");
    unknown("aws-bedrock", "claude-sonnet-4-5-20250929"); /* the answer's id: which region is not known */
}

static void tiers_go_by_the_whole_prompt(void **state)
{
    (void)state;
    static const struct {
        const char *provider, *model;
        int64_t first; /* the shortest long prompt */
        int64_t short_in, short_out, long_in, long_out;
    } cases[] = {
        {"google-ai-studio", "gemini-2.5-pro", 200001, 1250000, 10 * M, 2500000, 15 * M},
        {"google-ai-studio", "gemini-3-pro-preview", 200001, 2 * M, 12 * M, 4 * M, 18 * M},
        {"google-vertex-ai", "gemini-2.5-pro", 200001, 1250000, 10 * M, 2500000, 15 * M},
        {"grok", "grok-4.3", 200000, 1250000, 2500000, 2500000, 5 * M},
        {"grok", "grok-4.5", 200000, 2 * M, 6 * M, 4 * M, 12 * M},
        {"openai", "gpt-5.4", 272000, 2500000, 15 * M, 5 * M, 22500000},
        {"openai", "gpt-5.5", 272000, 5 * M, 30 * M, 10 * M, 45 * M},
        {"openai", "gpt-5.6-luna", 272000, 200000, 1200000, 400000, 1800000},
        {"anthropic", "claude-sonnet-4-5", 200001, 3 * M, 15 * M, 6 * M, 22500000},
        {"anthropic", "claude-haiku-5-5", 100001, 100000, 500000, 500000, 2500000},
        {"anthropic", "claude-sonnet-4-6", INT64_MAX, 3 * M, 15 * M, 3 * M, 15 * M},
        {"anthropic", "claude-opus-4-6", INT64_MAX, 5 * M, 25 * M, 5 * M, 25 * M},
        {"google-vertex-ai", "claude-opus-4-6", INT64_MAX, 5 * M, 25 * M, 5 * M, 25 * M},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct rates r = find(cases[i].provider, cases[i].model, cases[i].first - 1);
        assert_true(r.input == cases[i].short_in && r.output == cases[i].short_out);
        r = find(cases[i].provider, cases[i].model, cases[i].first);
        if (r.input != cases[i].long_in || r.output != cases[i].long_out)
            fail_msg("%s: a long prompt costs %lld and %lld", cases[i].model, (long long)r.input,
                     (long long)r.output);
    }
    assert_int_equal(find("openai", "gpt-5.6-luna", 272000).cached, 40000);
    assert_int_equal(find("openai", "gpt-5.6-luna", 272000).cache_write, 500000);
}

static void hours_and_days_are_respected(void **state)
{
    (void)state;
    expect("deepseek", "deepseek-flash", 150000, 600000);
    expect("deepseek", "deepseek-v4-pro", 660000, 1980000);
    clock_fake(1, MONDAY_PEAK);
    expect("deepseek", "deepseek-flash", 300000, 1200000);
    expect("deepseek", "deepseek-v4-pro", 1320000, 3960000);
    assert_int_equal(find("deepseek", "deepseek-v4-flash", 1).cached, 6000);
    clock_fake(1, MONDAY_PEAK + INT64_C(2) * 3600 * 1000 - 1); /* 03:59:59.999 */
    expect("deepseek", "deepseek-flash", 300000, 1200000);
    clock_fake(1, MONDAY_PEAK + INT64_C(2) * 3600 * 1000); /* 04:00 */
    expect("deepseek", "deepseek-flash", 150000, 600000);
    clock_fake(1, MONDAY_PEAK - INT64_C(24) * 3600 * 1000); /* Sunday */
    expect("deepseek", "deepseek-flash", 150000, 600000);
    clock_fake(1, SATURDAY_EVENING);
    expect("google-ai-studio", "gemini-4-argon", 2 * M, 10 * M);
    clock_fake(1, INT64_C(1796083199999)); /* the last millisecond of November */
    expect("google-ai-studio", "gemini-4-argon", 2 * M, 10 * M);
    clock_fake(1, INT64_C(1796083200000));
    expect("google-ai-studio", "gemini-4-argon", 4 * M, 20 * M);
    clock_fake(1, SATURDAY_EVENING);
}

static void cache_rates_are_those_of_the_price_lists(void **state)
{
    (void)state;
    struct rates r = find("anthropic", "claude-opus-5-5", 1);
    assert_true(r.cached == 200000 && r.cache_write == 5 * M && r.cache_write_1h == 8 * M);
    r = find("anthropic", "claude-fable-5-1", 1);
    assert_true(r.cached == 250000 && r.cache_write == 12500000 && r.cache_write_1h == 20 * M);
    r = find("aws-bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", 1);
    assert_true(r.cached == 330000 && r.cache_write == 4125000 && r.cache_write_1h == 6600000);
    r = find("google-vertex-ai", "claude-sonnet-4-6", 1);
    assert_true(r.cache_write_1h == 6 * M);
    assert_int_equal(find("aws-bedrock", "amazon.nova-micro-v1:0", 1).cached, 8750);
    assert_int_equal(find("groq", "openai/gpt-oss-20b", 1).cached, 37500);
    assert_int_equal(find("cerebras", "gpt-oss-120b", 1).cached, -1);
    assert_int_equal(find("perplexity-ai", "sonar-deep-research", 1).reasoning, 3 * M);
}

static void the_sandbox_prices_any_model(void **state)
{
    (void)state;
    expect("mock", "mock-slow-2000", 150000, 600000);
    expect("mock", "", 150000, 600000);
    char longer[MODEL_NAME_BYTES + 1];
    struct rates r;
    memset(longer, 'x', sizeof(longer));
    assert_true(prices_find(catalogue, STR("mock"), str_of(longer, sizeof(longer)), 1, &r));
    assert_false(prices_find(catalogue, STR("openai"), str_of(longer, sizeof(longer)), 1, &r));
}

/* Every name of the file is found, in any case, with the very rates it stands beside. */
static void the_whole_table_is_found(void **state)
{
    (void)state;
    extern const unsigned char prices_json[];
    extern const size_t prices_json_bytes;
    struct json_doc *doc = json_parse(str_of((const char *)prices_json, prices_json_bytes));
    assert_non_null(doc); /* strictly JSON, though the loader would take comments */
    int models = 0;
    for (struct json_iter b = json_iter(json_get(json_root(doc), "providers")); json_next(&b);) {
        const struct provider *row = provider_find(b.key);
        assert_true(row ? str_eq(row->prices, b.key) : str_eq(b.key, provider_mock()->prices));
        for (struct json_iter m = json_iter(json_get(b.val, "models")); json_next(&m); models++) {
            char name[MODEL_NAME_BYTES];
            const struct json_val *also = json_get(m.val, "also");
            int64_t input = -1, output = -1;
            assert_true(json_uint(json_get(m.val, "input"), &input));
            assert_true(json_uint(json_get(m.val, "output"), &output));
            for (size_t i = 0; i <= json_count(also); i++) {
                struct str s = i ? json_str(json_at(also, i - 1)) : m.key;
                struct rates r;
                for (size_t c = 0; c < s.n; c++)
                    name[c] = s.p[c] >= 'a' && s.p[c] <= 'z' ? (char)(s.p[c] - 32) : s.p[c];
                assert_true(prices_find(catalogue, b.key, str_of(name, s.n), 1, &r));
                if (r.input != input || r.output != output)
                    fail_msg("%.*s: %.*s", STR_FMT(b.key), STR_FMT(s));
            }
        }
    }
    assert_true(models > 1000);
    json_free(doc);
}

static void costs_are_exact(void **state)
{
    (void)state;
    /* control plane section 17: prompt 1000 (400 cached), completion 200 */
    struct rates r = {.input = 1 * M,
                      .output = 4 * M,
                      .cached = 100000,
                      .cache_write = -1,
                      .cache_write_1h = -1,
                      .audio_in = -1,
                      .audio_out = -1,
                      .cached_audio = -1,
                      .image_in = -1,
                      .image_out = -1,
                      .reasoning = -1};
    struct usage u = {.known = true, .input = 1000, .cached = 400, .output = 200};
    char text[MONEY_TEXT];
    assert_int_equal(rates_cost(&r, &u), 1440000000);
    money_text(rates_cost(&r, &u), text);
    assert_string_equal(text, "0.00144");

    u.reasoning = 150; /* a part of output: not priced again */
    assert_int_equal(rates_cost(&r, &u), 1440000000);
    r.cached = -1; /* without a cached rate, cached tokens cost the input rate */
    assert_int_equal(rates_cost(&r, &u), 1800000000);
    r.reasoning = 3 * M;
    assert_int_equal(rates_cost(&r, &u), 1000 * (int64_t)M + 150 * 3 * (int64_t)M + 50 * 4 * (int64_t)M);
}

static void each_token_is_priced_once(void **state)
{
    (void)state;
    const struct rates r = {.input = 1,
                            .cached = 10,
                            .cached_audio = 100,
                            .cache_write = 1000,
                            .cache_write_1h = 10000,
                            .audio_in = 100000,
                            .image_in = 1000000,
                            .output = 1,
                            .reasoning = 10,
                            .audio_out = 100,
                            .image_out = 1000};
    struct usage u = {.known = true,
                      .input = 45,
                      .cached = 9,
                      .cached_audio = 2,
                      .cache_write = 7,
                      .cache_write_1h = 3,
                      .audio_in = 5,
                      .image_in = 6,
                      .output = 20,
                      .reasoning = 4,
                      .audio_out = 3,
                      .image_out = 2};
    /* cached text 7, cached audio 2, written 4 + 3, audio 3, images 6, text 20; output 11 + 4 + 3 + 2 */
    assert_int_equal(rates_cost(&r, &u), 7 * 10 + 2 * 100 + 4 * 1000 + 3 * 10000 + 3 * 100000 + 6 * 1000000 +
                                             20 + 11 + 4 * 10 + 3 * 100 + 2 * 1000);

    const struct rates plain = {.input = 3,
                                .output = 5,
                                .cached = -1,
                                .cached_audio = -1,
                                .cache_write = -1,
                                .cache_write_1h = -1,
                                .audio_in = -1,
                                .audio_out = -1,
                                .image_in = -1,
                                .image_out = -1,
                                .reasoning = -1};
    assert_int_equal(rates_cost(&plain, &u), 45 * 3 + 20 * 5);

    struct rates some = plain;
    some.cache_write = 7; /* an hour costs what a write costs */
    assert_int_equal(rates_cost(&some, &u), 38 * 3 + 7 * 7 + 20 * 5);
}

static void strange_counts_do_not_wrap(void **state)
{
    (void)state;
    const struct rates r = {.input = 2 * M,
                            .output = 8 * M,
                            .cached = 1 * M,
                            .cached_audio = -1,
                            .cache_write = 3 * M,
                            .cache_write_1h = 4 * M,
                            .audio_in = -1,
                            .audio_out = -1,
                            .image_in = -1,
                            .image_out = -1,
                            .reasoning = -1};
    struct usage u = {.known = true, .input = 100, .cached = 100};
    assert_int_equal(rates_cost(&r, &u), 100 * (int64_t)M); /* nothing is left uncached */
    u.cached = 250;                                         /* more cached than there was */
    u.cache_write = 50;
    assert_int_equal(rates_cost(&r, &u), 100 * (int64_t)M);
    u = (struct usage){.known = true,
                       .input = 100,
                       .cache_write = 40,
                       .cache_write_1h = 90,
                       .audio_in = 1000,
                       .output = 10,
                       .audio_out = 30,
                       .reasoning = 30};
    assert_int_equal(rates_cost(&r, &u), (60 * 2 + 40 * 4 + 10 * 8) * (int64_t)M);
    u = (struct usage){.known = true, .input = -5, .output = -5, .cached = -1, .reasoning = INT64_MIN};
    assert_int_equal(rates_cost(&r, &u), 0);
    u = (struct usage){.known = true};
    assert_int_equal(rates_cost(&r, &u), 0);
}

static void large_counts_do_not_overflow(void **state)
{
    (void)state;
    const struct rates r = {.input = 150 * M,
                            .output = 600 * M,
                            .cached = -1,
                            .cached_audio = -1,
                            .cache_write = -1,
                            .cache_write_1h = -1,
                            .audio_in = -1,
                            .audio_out = -1,
                            .image_in = -1,
                            .image_out = -1,
                            .reasoning = -1};
    struct usage u = {.known = true, .input = INT64_C(5000000000), .output = INT64_C(5000000000)};
    assert_true(rates_cost(&r, &u) == INT64_C(3750000000000000000)); /* 3.75 million dollars */
    u.input = u.output = INT64_MAX;
    assert_true(rates_cost(&r, &u) == COST_MAX);
    u.cached = u.cache_write = u.audio_in = u.image_in = u.reasoning = INT64_MAX;
    assert_true(rates_cost(&r, &u) == COST_MAX && COST_MAX < INT64_MAX);
}

static void a_reported_cost_wins(void **state)
{
    (void)state;
    const struct provider p = {.slug = S("openrouter"), .prices = S("openrouter")};
    struct usage u = {.known = true, .input = 1000, .output = 10, .has_cost = true, .cost_pico = 0};
    int64_t pico = -7;
    assert_true(prices_cost(catalogue, &p, STR("nobody/knows"), &u, &pico));
    assert_int_equal(pico, 0);
    u.cost_pico = 42;
    assert_true(prices_cost(catalogue, &p, STR("openai/gpt-4o"), &u, &pico));
    assert_int_equal(pico, 42);
    u.has_cost = false;
    assert_true(prices_cost(catalogue, &p, STR("openai/gpt-4o"), &u, &pico));
    assert_int_equal(pico, 1000 * INT64_C(2500000) + 10 * INT64_C(10000000));
    assert_false(prices_cost(catalogue, &p, STR("nobody/knows"), &u, &pico));
    u.known = false;
    assert_false(prices_cost(catalogue, &p, STR("openai/gpt-4o"), &u, &pico));
}

static void zero_usage_costs_zero(void **state)
{
    (void)state;
    const struct provider p = {.slug = S("openai"), .prices = S("openai")};
    const struct usage u = {.known = true};
    int64_t pico = -7;
    assert_true(prices_cost(catalogue, &p, STR("gpt-4o"), &u, &pico));
    assert_int_equal(pico, 0);
}

static void money_is_written_exactly(void **state)
{
    (void)state;
    static const struct {
        int64_t pico;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1, "0.000000000001"},
        {77100000, "0.0000771"},
        {1440000000, "0.00144"},
        {INT64_C(1000000000000), "1"},
        {INT64_C(10000000000000), "10"},
        {INT64_C(1230000000000), "1.23"},
        {INT64_C(999999999999), "0.999999999999"},
        {-1, "-0.000000000001"},
        {-INT64_C(2500000000000), "-2.5"},
        {INT64_MAX, "9223372.036854775807"},
        {INT64_MIN, "-9223372.036854775808"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char text[MONEY_TEXT];
        money_text(cases[i].pico, text);
        assert_string_equal(text, cases[i].text);
    }
}

#define BOOK(models) "{\"providers\": {\"p\": {\"models\": {" models "}}}}"

static void own_catalogues_replace_the_builtin(void **state)
{
    (void)state;
    const char *why = NULL;
    struct rates r;
    struct prices *own =
        prices_load(STR("{\"providers\": { // an operator's own\n"
                        " \"p\": {\"prefixes\": [\"Vendor/\"], \"fallback\": [\"q\"], \"models\": {\n"
                        "  \"Big\": {\"also\": [\"large\"], \"dated\": true, \"input\": 5, \"output\": 7.0, "
                        "\"note\": \"n\", \"when\": [\n"
                        "    {\"above\": 10, \"input\": 6}, {\"at_least\": 20, \"output\": 9},\n"
                        "    {\"utc\": \"22:00-02:00\", \"input\": 1, \"output\": 1}]},\n"
                        "  \"*\": {\"input\": 1, \"output\": 2}}},\n"
                        " \"q\": {\"models\": {\"small\": {\"input\": 3, \"output\": 4}}}}}"),
                    &why);
    if (!own)
        fail_msg("%s", why);
    assert_true(prices_find(own, STR("p"), STR("vendor/BIG-20260101"), 10, &r));
    assert_true(r.input == 5 && r.output == 7 && r.cached == -1);
    assert_true(prices_find(own, STR("p"), STR("large"), 11, &r) && r.input == 6 && r.output == 7);
    assert_true(prices_find(own, STR("p"), STR("large"), 20, &r) && r.input == 5 && r.output == 9);
    clock_fake(1, SATURDAY_EVENING + INT64_C(3) * 3600 * 1000); /* 23:00: over midnight */
    assert_true(prices_find(own, STR("p"), STR("large"), 20, &r) && r.input == 1);
    clock_fake(1, SATURDAY_EVENING);
    assert_true(prices_find(own, STR("p"), STR("small"), 1, &r) && r.input == 3);
    assert_true(prices_find(own, STR("p"), STR("anything"), 1, &r) && r.input == 1);
    assert_false(prices_find(own, STR("q"), STR("anything"), 1, &r));
    prices_unref(prices_ref(own));
    prices_unref(own);
    prices_unref(NULL);
}

static void malformed_catalogues_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *want;
    } cases[] = {
        {"{\n\n oops}", "line 3: "},
        {"[]", "needs an object \"providers\""},
        {"{\"providers\": {\"p\": 5}}", "p: a provider has an object \"models\""},
        {"{\"providers\": {\"p\": {\"models\": {}, \"model\": {}}}}", "p: a provider has an object"},
        {"{\"providers\": {\"p\": {\"models\": {}}, \"P\": {\"models\": {}}}}",
         "two providers are called \"p\""},
        {"{\"providers\": {\"p\": {\"models\": {}, \"fallback\": [\"q\"]}}}",
         "p: a fallback names no provider"},
        {"{\"providers\": {\"p\": {\"models\": {}, \"prefixes\": [\"\"]}}}", "p: a name is a text of 1 to"},
        {BOOK("\"m\": {\"input\": 1}"), "p: m: a model needs \"input\" and \"output\""},
        {BOOK("\"m\": 1"), "p: m: a model needs \"input\" and \"output\""},
        {BOOK("\"m\": {\"input\": -1, \"output\": 1}"), "p: m: \"input\" needs whole pico-dollars"},
        {BOOK("\"m\": {\"input\": 1.5, \"output\": 1}"), "p: m: \"input\" needs whole pico-dollars"},
        {BOOK("\"m\": {\"input\": \"1\", \"output\": 1}"), "p: m: \"input\" needs whole pico-dollars"},
        {BOOK("\"m\": {\"input\": 1e13, \"output\": 1}"), "p: m: \"input\" needs whole pico-dollars"},
        {BOOK("\"m\": {\"input\": 1, \"output\": 1, \"cache\": 1}"),
         "p: m: \"cache\" is no field of a model"},
        {BOOK("\"m\": {\"input\": 1, \"output\": 1, \"dated\": 1}"),
         "p: m: \"dated\" is no field of a model"},
        {BOOK("\"m\": {\"input\": 1, \"output\": 1, \"also\": \"n\"}"),
         "p: m: \"also\" is no field of a model"},
        {BOOK("\"m\": {\"input\": 1, \"output\": 1, \"also\": [\"M\"]}"), "p: m: two models of the provider"},
        {BOOK("\"m\": {\"input\": 1, \"output\": 1, \"also\": [1]}"), "p: m: a name is a text of 1 to"},
        {BOOK("\"m\": {\"input\": 1, \"output\": 1, \"when\": [5]}"),
         "p: m: \"when\" needs a list of objects"},
        {BOOK("\"m\": {\"input\": 1, \"output\": 1, \"when\": [{\"over\": 5}]}"),
         "p: m: \"when\" has no field"},
        {BOOK("\"m\": {\"input\": 1, \"output\": 1, \"when\": [{\"above\": \"5\"}]}"),
         "p: m: \"above\" is malformed"},
        {BOOK("\"m\": {\"input\": 1, \"output\": 1, \"when\": [{\"from\": \"2026-1-1\"}]}"),
         "p: m: \"from\" is"},
        {BOOK("\"m\": {\"input\": 1, \"output\": 1, \"when\": [{\"from\": \"2026-13-01\"}]}"),
         "p: m: \"from\" is"},
        {BOOK("\"m\": {\"input\": 1, \"output\": 1, \"when\": [{\"utc\": \"1-2\"}]}"),
         "p: m: \"utc\" is malformed"},
        {BOOK("\"m\": {\"input\": 1, \"output\": 1, \"when\": [{\"utc\": \"25:00-26:00\"}]}"),
         "p: m: \"utc\" is"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        const char *why = NULL;
        assert_null(prices_load(str_c(cases[i].json), &why));
        if (!str_starts(str_c(why), str_c(cases[i].want)))
            fail_msg("got:  %s\nwant: %s...", why, cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_do_not_resolve_to_neighbours),
        cmocka_unit_test(dated_names_and_aliases_resolve),
        cmocka_unit_test(case_and_surroundings_do_not_matter),
        cmocka_unit_test(bedrock_regions_differ),
        cmocka_unit_test(tiers_go_by_the_whole_prompt),
        cmocka_unit_test(hours_and_days_are_respected),
        cmocka_unit_test(cache_rates_are_those_of_the_price_lists),
        cmocka_unit_test(the_sandbox_prices_any_model),
        cmocka_unit_test(the_whole_table_is_found),
        cmocka_unit_test(costs_are_exact),
        cmocka_unit_test(each_token_is_priced_once),
        cmocka_unit_test(strange_counts_do_not_wrap),
        cmocka_unit_test(large_counts_do_not_overflow),
        cmocka_unit_test(a_reported_cost_wins),
        cmocka_unit_test(zero_usage_costs_zero),
        cmocka_unit_test(money_is_written_exactly),
        cmocka_unit_test(own_catalogues_replace_the_builtin),
        cmocka_unit_test(malformed_catalogues_are_refused),
    };
    return cmocka_run_group_tests_name("prices", tests, setup, teardown);
}
