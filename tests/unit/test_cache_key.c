/* SPDX-License-Identifier: Apache-2.0 */
/* What makes two requests the same to the cache, and what is stored of an answer's head. */
#include "tests/unit/test.h"

#include "base/arena.h"
#include "base/limits.h"
#include "gateway/cache_key.h"

#include <stdio.h>

static struct arena arena;
static struct headers headers;
static struct upstream_url url;
static struct cache_key_parts parts;

static void line(const char *name, const char *value)
{
    (void)headers_remove(&headers, str_c(name));
    assert_int_equal(headers_add(&headers, &arena, str_c(name), str_c(value)), E_OK);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, MIB);
    headers = (struct headers){0};
    url =
        (struct upstream_url){.authority = STR("api.openai.com"), .target = STR("/v1/chat/completions?a=1")};
    line("Authorization", "Bearer one");
    parts = (struct cache_key_parts){
        .gateway = 1,
        .generation = 1,
        .provider = provider_find(STR("openai")),
        .rest = STR("chat/completions"),
        .model = STR("gpt-4o"),
        .url = &url,
        .headers = &headers,
        .body = STR("{\"model\":\"gpt-4o\"}"),
    };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static bool same(struct cache_key a, struct cache_key b)
{
    return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

/* Does doing this to the request make it another one? It is undone. */
#define CHANGES(change)                                                                                      \
    ({                                                                                                       \
        struct cache_key before_ = cache_key_of(&parts);                                                     \
        struct cache_key_parts kept_ = parts;                                                                \
        struct upstream_url kept_url_ = url;                                                                 \
        change;                                                                                              \
        struct cache_key after_ = cache_key_of(&parts);                                                      \
        parts = kept_;                                                                                       \
        url = kept_url_;                                                                                     \
        !same(before_, after_);                                                                              \
    })

static void every_part_counts(void **state)
{
    (void)state;
    assert_true(same(cache_key_of(&parts), cache_key_of(&parts)));
    assert_true(CHANGES(parts.gateway = 2));
    assert_true(CHANGES(parts.generation = 2));
    assert_true(CHANGES(parts.provider = provider_find(STR("groq"))));
    assert_true(CHANGES(parts.rest = STR("v1/chat/completions")));
    assert_true(CHANGES(parts.model = STR("gpt-4o-mini")));
    assert_true(CHANGES(parts.model = STR("")));
    assert_true(CHANGES(parts.body = STR("{\"model\": \"gpt-4o\"}")));
    assert_true(CHANGES(parts.body = STR("")));
    assert_true(CHANGES(parts.stream = true));
    assert_true(CHANGES(parts.usage_asked = true));
    assert_true(CHANGES(parts.translated = true));
    assert_true(CHANGES(parts.alias = STR("default")));
    assert_true(CHANGES(parts.alias = STR("")));
    assert_true(CHANGES(url.authority = STR("api.groq.com")));
    assert_true(CHANGES(url.target = STR("/v1/chat/completions?a=2")));
    assert_true(CHANGES(url.target = STR("/v1/chat/completions")));
}

static void the_callers_credential_counts_in_each_of_its_places(void **state)
{
    (void)state;
    struct cache_key one = cache_key_of(&parts);
    line("Authorization", "Bearer two");
    assert_false(same(one, cache_key_of(&parts)));
    (void)headers_remove(&headers, STR("Authorization"));
    assert_false(same(one, cache_key_of(&parts)));
    line("authorization", "Bearer one");
    assert_true(same(one, cache_key_of(&parts)));

    parts.provider = provider_find(STR("anthropic"));
    one = cache_key_of(&parts);
    line("x-api-key", "three");
    struct cache_key two = cache_key_of(&parts);
    assert_false(same(one, two));
    (void)headers_remove(&headers, STR("authorization"));
    assert_false(same(two, cache_key_of(&parts)));
    line("Authorization", "three"); /* the same word in another place is another request */
    (void)headers_remove(&headers, STR("x-api-key"));
    assert_false(same(two, cache_key_of(&parts)));
}

static void other_lines_do_not_count(void **state)
{
    (void)state;
    struct cache_key one = cache_key_of(&parts);
    line("User-Agent", "curl");
    line("x-request-id", "7");
    line("x-api-key", "not OpenAI's");
    assert_true(same(one, cache_key_of(&parts)));
}

/* Moving bytes from one part to its neighbour makes another request. */
static void parts_have_borders(void **state)
{
    (void)state;
    parts.rest = STR("ab");
    parts.model = STR("c");
    url.authority = STR("de");
    url.target = STR("f");
    assert_true(CHANGES((parts.rest = STR("a"), url.authority = STR("bde"))));
    assert_true(CHANGES((url.authority = STR("def"), url.target = STR(""))));
    assert_true(CHANGES((url.target = STR("fc"), parts.model = STR(""))));
    assert_true(CHANGES(
        (parts.rest = STR(""), url.authority = STR("ab"), url.target = STR("de"), parts.model = STR("f"))));
    line("Authorization", "xy");
    parts.body = STR("z");
    struct cache_key one = cache_key_of(&parts);
    line("Authorization", "x");
    parts.body = STR("yz");
    assert_false(same(one, cache_key_of(&parts)));
}

static void a_key_of_ones_own_stands_for_all_but_gateway_and_kind(void **state)
{
    (void)state;
    struct cache_key computed = cache_key_of(&parts);
    parts.own = STR("a");
    assert_false(same(computed, cache_key_of(&parts)));
    assert_false(CHANGES(parts.provider = provider_find(STR("groq"))));
    assert_false(CHANGES(parts.rest = STR("x")));
    assert_false(CHANGES(parts.model = STR("x")));
    assert_false(CHANGES(parts.body = STR("x")));
    assert_false(CHANGES(url.target = STR("x")));
    assert_false(CHANGES(url.authority = STR("x")));
    struct cache_key one = cache_key_of(&parts);
    line("Authorization", "Bearer two");
    assert_true(same(one, cache_key_of(&parts)));

    assert_true(CHANGES(parts.own = STR("A")));
    assert_true(CHANGES(parts.own = STR("a ")));
    assert_true(CHANGES(parts.gateway = 2));
    assert_true(CHANGES(parts.generation = 2));
    assert_true(CHANGES(parts.stream = true));
    assert_true(CHANGES(parts.usage_asked = true));
    assert_true(CHANGES((parts.stream = true, parts.usage_asked = true)));
    assert_false(CHANGES(parts.dialect = D_ANTHROPIC)); /* the caller's own affair */
    parts.translated = true;
    assert_true(CHANGES(parts.dialect = D_ANTHROPIC)); /* but not where we are to read it */
    assert_true(CHANGES(parts.translated = false));
}

static struct str written(const struct headers *h)
{
    struct buf b;
    buf_init(&b, 64 * KIB);
    assert_int_equal(cache_head_write(&b, &(struct response_head){.status = 200, .headers = *h}), E_OK);
    struct str text = arena_dup(&arena, buf_str(&b));
    buf_done(&b);
    return text;
}

static void a_head_keeps_what_describes_the_body(void **state)
{
    (void)state;
    struct response_head h;
    int64_t cost;
    headers = (struct headers){0};
    line("x-request-id", "req_1");
    line("CONTENT-TYPE", "application/json; charset=\"a:b\"");
    line("Set-Cookie", "a=b");
    line("openai-organization", "me");
    line("content-encoding", "gzip");
    line("Content-Disposition", "attachment");
    line("Content-Language", "");
    line("X-Amzn-Bedrock-Content-Type", "application/json");
    line("content-length", "17");
    line("date", "today");
    assert_int_equal(cache_head_read(&arena, written(&headers), 17, &h, &cost), E_OK);
    assert_int_equal(h.status, 200);
    assert_int_equal(h.length, 17);
    assert_int_equal(h.headers.n, 5);
    assert_str(headers_last(&h.headers, STR("content-type")), STR("application/json; charset=\"a:b\""));
    assert_str(headers_last(&h.headers, STR("content-encoding")), STR("gzip"));
    assert_str(headers_last(&h.headers, STR("content-disposition")), STR("attachment"));
    assert_str(headers_last(&h.headers, STR("x-amzn-bedrock-content-type")), STR("application/json"));
    struct str language = headers_last(&h.headers, STR("content-language"));
    assert_non_null(language.p);
    assert_int_equal(language.n, 0);

    headers = (struct headers){0};
    assert_int_equal(cache_head_read(&arena, written(&headers), 0, &h, &cost), E_OK);
    assert_int_equal(h.headers.n, 0);
    assert_int_equal(h.length, 0);
}

static void an_event_streams_length_is_not_told(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        bool told;
    } cases[] = {
        {"text/event-stream", false},
        {"Text/Event-Stream; charset=utf-8", false},
        {"application/vnd.amazon.eventstream", false},
        {"application/json", true},
        {"text/plain", true},
        {"", true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct response_head h;
        int64_t cost;
        headers = (struct headers){0};
        line("Content-Type", cases[i].type);
        assert_int_equal(cache_head_read(&arena, written(&headers), 9, &h, &cost), E_OK);
        assert_int_equal(h.length, cases[i].told ? 9 : LENGTH_UNKNOWN);
    }
}

static void a_head_may_say_what_the_answer_cost(void **state)
{
    (void)state;
    static const int64_t costs[] = {0, 1, 77100000, INT64_MAX, RECORD_NULL};
    for (size_t i = 0; i < countof(costs); i++) {
        struct response_head h;
        struct buf b;
        int64_t cost = 4711;
        headers = (struct headers){0};
        line("Content-Type", "text/plain");
        buf_init(&b, KIB);
        assert_int_equal(buf_append(&b, written(&headers)), E_OK);
        assert_int_equal(cache_head_put_cost(&b, costs[i]), E_OK);
        assert_int_equal(cache_head_read(&arena, buf_str(&b), 9, &h, &cost), E_OK);
        assert_int_equal(cost, costs[i]);
        assert_int_equal(h.headers.n, 1);
        buf_done(&b);
    }
}

static void a_head_has_a_cap(void **state)
{
    (void)state;
    struct buf b;
    struct response_head h = {.status = 200, .headers = headers};
    buf_init(&b, 8);
    line("content-type", "application/json");
    h.headers = headers;
    assert_int_equal(cache_head_write(&b, &h), E_FULL);
    buf_done(&b);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_part_counts),
        TEST(the_callers_credential_counts_in_each_of_its_places),
        TEST(other_lines_do_not_count),
        TEST(parts_have_borders),
        TEST(a_key_of_ones_own_stands_for_all_but_gateway_and_kind),
        TEST(a_head_keeps_what_describes_the_body),
        TEST(an_event_streams_length_is_not_told),
        TEST(a_head_may_say_what_the_answer_cost),
        TEST(a_head_has_a_cap),
    };
    return cmocka_run_group_tests_name("cache_key", tests, NULL, NULL);
}
