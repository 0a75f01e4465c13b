/* SPDX-License-Identifier: Apache-2.0 */
/* api, the pure parts: routes, queries, gateway bodies, log rows as JSON. */
#include "tests/unit/test.h"

#include "api/call.h"
#include "api/gateway_json.h"
#include "api/log_json.h"
#include "base/limits.h"

#include <math.h>
#include <stdio.h>

#define AIG "/accounts/0123456789abcdef0123456789abcdef/ai-gateway/gateways"

/* ---- routes ---- */

static const struct route *find(const char *method, const char *path, struct str *params, bool *known)
{
    return route_find(str_c(method), str_c(path), params, known);
}

static void routes_are_found_by_method_and_path(void **state)
{
    (void)state;
    struct str p[PARAM_COUNT] = {0};
    bool known;
    assert_ptr_equal(find("GET", AIG, p, &known)->run, gateways_list);
    assert_str(p[PARAM_ACCOUNT], STR("0123456789abcdef0123456789abcdef"));
    assert_ptr_equal(find("POST", AIG, p, &known)->run, gateways_create);
    assert_ptr_equal(find("HEAD", AIG "/default", p, &known)->run, gateways_fetch);
    assert_ptr_equal(find("GET", AIG "/default/logs", p, &known)->run, logs_list);
    assert_ptr_equal(find("GET", AIG "/default/logs/abc", p, &known)->run, logs_fetch);
    assert_str(p[PARAM_GATEWAY], STR("default"));
    assert_str(p[PARAM_ID], STR("abc"));
    assert_ptr_equal(find("GET", AIG "/default/logs/abc/request", p, &known)->run, logs_request);
    assert_ptr_equal(find("GET", AIG "/default/logs/abc/response", p, &known)->run, logs_response);
    assert_true(find("PUT", AIG "/default", p, &known)->takes_body);
    assert_false(find("DELETE", AIG "/default", p, &known)->takes_body);
}

static void other_paths_are_not(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "/",
        "/accounts",
        AIG "/",
        AIG "//logs",
        AIG "/default/",
        AIG "/default/logs/",
        AIG "/default/logs/a/body",
        AIG "/default/logs/a/request/",
        "accounts/x/ai-gateway/gateways",
        "/accounts/x/AI-gateway/gateways",
    };
    struct str p[PARAM_COUNT];
    for (size_t i = 0; i < countof(wrong); i++) {
        bool known = true;
        assert_null(find("GET", wrong[i], p, &known));
        assert_false(known);
    }
    bool known = false;
    assert_null(find("PATCH", AIG "/default", p, &known));
    assert_true(known);
    assert_null(find("get", AIG "/default", p, &known));
}

static void allow_names_the_methods_of_a_path(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, MIB);
    assert_str(route_methods(&a, STR(AIG "/x")), STR("GET, HEAD, PUT, DELETE"));
    assert_str(route_methods(&a, STR(AIG "/x/logs")), STR("GET, HEAD, DELETE"));
    assert_str(route_methods(&a, STR("/nowhere")), STR(""));
    arena_done(&a);
}

/* ---- queries ---- */

static void queries_are_decoded(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, MIB);
    struct str q = STR("a=1&b=x+y%20z&c&d=&a=2&%65=%zz%4&f=a%3db&g=1=2&=v");
    assert_str(query_value(&a, q, STR("a")), STR("2"));
    assert_str(query_value(&a, q, STR("b")), STR("x y z"));
    assert_str(query_value(&a, q, STR("c")), STR(""));
    assert_str(query_value(&a, q, STR("d")), STR(""));
    assert_str(query_value(&a, q, STR("e")), STR("%zz%4"));
    assert_str(query_value(&a, q, STR("f")), STR("a=b"));
    assert_str(query_value(&a, q, STR("g")), STR("1=2"));
    assert_null(query_value(&a, q, STR("h")).p);
    assert_null(query_value(&a, str_of(NULL, 0), STR("a")).p);
    assert_str(segment_decode(&a, STR("a+b%2Fc")), STR("a+b/c"));
    arena_done(&a);
}

static void numbers_keep_to_their_range(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        int64_t want;
        const char *why;
    } rows[] = {
        {"", 20, NULL},
        {"per_page=50", 50, NULL},
        {"per_page=1", 1, NULL},
        {"per_page=51", 20, "Number must be less than or equal to 50"},
        {"per_page=99999999999999999999", 20, "Number must be less than or equal to 50"},
        {"per_page=0", 20, "Number must be greater than or equal to 1"},
        {"per_page=-3", 20, "Number must be greater than or equal to 1"},
        {"per_page=x", 20, "Expected number, received nan"},
        {"per_page=", 20, "Expected number, received nan"},
        {"per_page=1.5", 20, "Expected number, received nan"},
    };
    struct arena a;
    arena_init(&a, MIB);
    for (size_t i = 0; i < countof(rows); i++) {
        struct ask k;
        ask_init(&k, &a, str_c(rows[i].query));
        assert_int_equal(ask_int(&k, "per_page", 1, 50, 20), rows[i].want);
        if (!rows[i].why)
            assert_null(k.wrong.first);
        else
            assert_str(k.wrong.first->message, str_c(rows[i].why));
    }
    arena_done(&a);
}

static void choices_and_flags_are_checked(void **state)
{
    (void)state;
    static const struct str ways[] = {S("asc"), S("desc")};
    struct arena a;
    struct ask k;
    arena_init(&a, MIB);
    ask_init(&k, &a, STR("way=asc&other=up&yes=TRUE&no=0&maybe=perhaps"));
    assert_int_equal(ask_choice(&k, "way", ways, 2, 1), 0);
    assert_int_equal(ask_choice(&k, "absent", ways, 2, 1), 1);
    assert_true(ask_bool(&k, "yes", false));
    assert_false(ask_bool(&k, "no", true));
    assert_null(k.wrong.first);
    assert_int_equal(ask_choice(&k, "other", ways, 2, 1), 1);
    assert_str(k.wrong.first->message, STR("Invalid enum value. Expected 'asc' | 'desc', received 'up'"));
    assert_false(ask_bool(&k, "maybe", false));
    assert_str(k.wrong.first->next->key, STR("maybe"));
    assert_null(k.wrong.first->next->next);
    arena_done(&a);
}

/* ---- gateways ---- */

#define RULE "{\"id\":\"a\",\"limit\":1,\"limitType\":\"cost\",\"window\":60}"
#define SIX                                                                                                  \
    "\"id\":\"team-chat\",\"cache_invalidate_on_update\":false,\"cache_ttl\":0,\"collect_logs\":true,"       \
    "\"rate_limiting_interval\":60,\"rate_limiting_limit\":0"

struct reading {
    struct arena arena;
    struct gateway_input in;
    struct complaints wrong;
};

static void read_gateway(struct reading *r, const char *body, bool with_id)
{
    arena_init(&r->arena, 4 * MIB);
    complaints_init(&r->wrong, &r->arena, "body");
    gateway_read(str_c(body), with_id, &r->in, &r->wrong);
}

static void slugs_follow_their_rule(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "default", "team-chat", "a_b", "0", "a-b-c", "_"};
    static const char *const bad[] = {
        "",     "Bad Id", "A",   "-a", "a-",
        "a--b", "a.b",    "a/b", "ä",  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < countof(good); i++)
        assert_true(gateway_slug_valid(str_c(good[i])));
    for (size_t i = 0; i < countof(bad); i++)
        assert_false(gateway_slug_valid(str_c(bad[i])));
}

static void six_keys_make_a_gateway(void **state)
{
    (void)state;
    struct reading r;
    read_gateway(&r, "{" SIX ",\"unknown\":[1],\"created_at\":\"x\"}", true);
    assert_null(r.wrong.first);
    assert_str(r.in.slug, STR("team-chat"));
    assert_str(r.in.idle, STR(""));
    struct json_doc *doc = json_parse(r.in.settings);
    const struct json_val *root = json_root(doc);
    assert_null(json_get(root, "unknown"));
    assert_null(json_get(root, "created_at"));
    assert_null(json_get(root, "id"));
    assert_null(json_get(root, "dlp"));
    assert_int_equal(json_num(json_get(root, "log_management"), 0), 10000000);
    assert_str(json_str(json_get(root, "log_management_strategy")), STR("DELETE_OLDEST"));
    assert_int_equal(json_type(json_get(root, "rate_limiting_technique")), JSON_NULL);
    assert_int_equal(json_type(json_get(root, "zdr")), JSON_BOOL);
    json_free(doc);
    arena_done(&r.arena);
}

static void what_was_set_is_kept(void **state)
{
    (void)state;
    static const char blocks[] =
        "{\"enabled\":true,\"rules\":[{\"id\":\"a1b2c3d4\",\"limit\":25.5,\"limitType\":\"cost\",\"window\":"
        "60,"
        "\"technique\":\"fixed\",\"enabled\":true,\"metadata\":{\"user_id\":{\"mode\":\"partition\"}}}]}";
    char body[1000];
    struct reading r;
    snprintf(body, sizeof(body),
             "{\"cache_invalidate_on_update\":true,\"cache_ttl\":null,\"collect_logs\":false,\"rate_limiting_"
             "interval\":null,"
             "\"rate_limiting_limit\":5.0,\"authentication\":true,\"spend_limits\":%s,\"retry_delay\":60000}",
             blocks);
    read_gateway(&r, body, false);
    assert_null(r.wrong.first);
    assert_null(r.in.slug.p);
    assert_str(r.in.idle, STR("spend_limits"));
    assert_true(str_has(r.in.settings, STR("\"cache_ttl\":0,")));
    assert_true(str_has(r.in.settings, STR("\"rate_limiting_limit\":5,")));
    assert_true(str_has(r.in.settings, STR("\"rate_limiting_interval\":null,")));
    assert_true(str_has(r.in.settings, str_c(blocks)));
    arena_done(&r.arena);
}

/* Clients that know nothing of weir's own members never see them. */
static void own_members_are_there_when_they_are_set(void **state)
{
    (void)state;
    static const char own[] =
        "\"weir_request_timeout\":1500,\"weir_retry_jitter\":true,"
        "\"weir_retry_statuses\":[429,\"5xx\"],\"weir_target_health\":false,\"weir_total_timeout\":0";
    struct reading r;
    char body[1000];
    read_gateway(&r, "{" SIX "}", true);
    assert_false(str_has(r.in.settings, STR("weir_")));
    arena_done(&r.arena);
    read_gateway(&r,
                 "{" SIX ",\"weir_request_timeout\":null,\"weir_retry_jitter\":null,\"weir_retry_statuses\":"
                 "null,\"weir_target_health\":null,\"weir_total_timeout\":null}",
                 true);
    assert_null(r.wrong.first);
    assert_false(str_has(r.in.settings, STR("weir_")));
    arena_done(&r.arena);
    snprintf(body, sizeof(body), "{" SIX ",%s}", own);
    read_gateway(&r, body, true);
    assert_null(r.wrong.first);
    assert_true(str_has(r.in.settings, str_c(own)));
    assert_str(r.in.idle, STR(""));
    arena_done(&r.arena);
}

/* A rule without an id gets one, and what it leaves out; one that has them keeps them. */
static void spend_rules_are_made_whole(void **state)
{
    (void)state;
    struct reading r;
    read_gateway(&r,
                 "{" SIX ",\"spend_limits\":{\"rules\":[{\"limit\":2.5,\"limitType\":\"cost\",\"window\":60},"
                 "{\"window\":5,\"technique\":\"fixed\",\"id\":\"mine\",\"limitType\":\"cost\",\"limit\":1,"
                 "\"enabled\":false}]}}",
                 true);
    assert_null(r.wrong.first);
    struct json_doc *doc = json_parse(r.in.settings);
    const struct json_val *limits = json_get(json_root(doc), "spend_limits"),
                          *rules = json_get(limits, "rules");
    assert_false(json_bool(json_get(limits, "enabled"), true));
    const struct json_val *made = json_at(rules, 0), *kept = json_at(rules, 1);
    struct str id = json_str(json_get(made, "id"));
    assert_int_equal(id.n, 8);
    for (size_t i = 0; i < id.n; i++)
        assert_true(hex_digit(id.p[i]) >= 0);
    assert_true(json_bool(json_get(made, "enabled"), false));
    assert_str(json_str(json_get(made, "technique")), STR("sliding"));
    assert_true(json_num(json_get(made, "limit"), 0) == 2.5);
    assert_str(json_str(json_get(kept, "id")), STR("mine"));
    assert_str(json_str(json_get(kept, "technique")), STR("fixed"));
    assert_false(json_bool(json_get(kept, "enabled"), true));
    json_free(doc);
    arena_done(&r.arena);
}

static void wrong_bodies_are_complained_about(void **state)
{
    (void)state;
    static const struct {
        const char *body, *key, *message;
    } rows[] = {
        {"", "", "The body is not valid JSON"},
        {"{", "", "The body is not valid JSON"},
        {"[]", "", "Expected object, received array"},
        {"{" SIX ",\"authentication\":\"yes\"}", "authentication", "Expected boolean, received string"},
        {"{" SIX ",\"authentication\":null}", "authentication", "Expected boolean, received null"},
        {"{" SIX ",\"retry_max_attempts\":6}", "retry_max_attempts",
         "Number must be less than or equal to 5"},
        {"{" SIX ",\"retry_max_attempts\":0}", "retry_max_attempts",
         "Number must be greater than or equal to 1"},
        {"{" SIX ",\"retry_max_attempts\":1.5}", "retry_max_attempts", "Expected integer, received float"},
        {"{" SIX ",\"log_management\":\"many\"}", "log_management", "Expected number, received string"},
        {"{" SIX ",\"rate_limiting_technique\":\"x\"}", "rate_limiting_technique",
         "Invalid enum value. Expected 'fixed' | 'sliding', received 'x'"},
        {"{" SIX ",\"rate_limiting_technique\":\"\"}", "rate_limiting_technique",
         "Invalid enum value. Expected 'fixed' | 'sliding', received ''"},
        {"{" SIX ",\"logpush_public_key\":\"short\"}", "logpush_public_key",
         "String must contain at least 16 character(s)"},
        {"{" SIX ",\"otel\":{}}", "otel", "Expected array, received object"},
        {"{" SIX ",\"otel\":[1]}", "otel.0", "Expected object, received number"},
        {"{" SIX ",\"otel\":[{\"url\":\"ftp://x\",\"headers\":{}}]}", "otel.0.url", "Invalid url"},
        {"{" SIX ",\"otel\":[{\"url\":\"http://x\",\"headers\":{\"a\":1}}]}", "otel.0.headers.a",
         "Expected string, received number"},
        {"{" SIX ",\"otel\":[{\"url\":\"http://x\",\"headers\":{\"a\":\"b\\nc\"}}]}", "otel.0.headers.a",
         "Expected a header line"},
        {"{" SIX ",\"otel\":[{\"url\":\"http://x\"}]}", "otel.0.headers", "Required"},
        {"{" SIX ",\"dlp\":{\"action\":\"BLOCK\",\"profiles\":[]}}", "dlp.enabled", "Required"},
        {"{" SIX ",\"dlp\":{\"enabled\":true,\"action\":\"DROP\",\"profiles\":[]}}", "dlp.action",
         "Invalid enum value. Expected 'BLOCK' | 'FLAG', received 'DROP'"},
        {"{" SIX ",\"dlp\":{\"enabled\":true,\"action\":\"FLAG\",\"profiles\":[\"a\",2]}}", "dlp.profiles.1",
         "Expected string, received number"},
        {"{" SIX ",\"dlp\":{\"enabled\":true,\"policies\":{}}}", "dlp.policies",
         "Expected array, received object"},
        {"{" SIX
         ",\"dlp\":{\"enabled\":true,\"policies\":[{\"id\":\"a\",\"enabled\":true,\"action\":\"FLAG\","
         "\"check\":[\"REQUEST\",\"BOTH\"],\"profiles\":[]}]}}",
         "dlp.policies.0.check.1", "Invalid enum value. Expected 'REQUEST' | 'RESPONSE', received 'BOTH'"},
        {"{" SIX ",\"guardrails\":{\"prompt\":{\"S1\":\"IGNORE\"}}}", "guardrails.prompt.S1",
         "Invalid enum value. Expected 'FLAG' | 'BLOCK', received 'IGNORE'"},
        {"{" SIX ",\"guardrails\":{\"prompt\":{},\"response\":{\"S14\":\"FLAG\"}}}",
         "guardrails.response.S14", "No such category; there are P1 and S1 to S13"},
        {"{" SIX ",\"guardrails\":{\"prompt\":[]}}", "guardrails.prompt", "Expected object, received array"},
        {"{" SIX ",\"spend_limits\":{\"rules\":[{\"limit\":-1,\"limitType\":\"cost\",\"window\":60}]}}",
         "spend_limits.rules.0.limit", "Number must be greater than or equal to 0"},
        {"{" SIX ",\"spend_limits\":{\"rules\":[{\"limit\":1,\"limitType\":\"tokens\",\"window\":60}]}}",
         "spend_limits.rules.0.limitType", "Invalid enum value. Expected 'cost', received 'tokens'"},
        {"{" SIX ",\"spend_limits\":{\"rules\":[" RULE "," RULE "]}}", "spend_limits.rules.1.id",
         "Another rule has this id"},
        {"{" SIX ",\"spend_limits\":{\"rules\":[{\"limit\":1,\"limitType\":\"cost\",\"window\":60,"
         "\"metadata\":{\"u\":{\"mode\":\"split\"}}}]}}",
         "spend_limits.rules.0.metadata.u.mode",
         "Invalid enum value. Expected 'partition' | 'filter', received 'split'"},
        {"{" SIX ",\"spend_limits\":{\"rules\":[{\"limit\":1,\"limitType\":\"cost\",\"window\":60,"
         "\"model\":{\"mode\":\"filter\"}}]}}",
         "spend_limits.rules.0.model.values", "Required"},
        {"{" SIX ",\"stripe\":{\"authorization\":\"sk\",\"usage_events\":[{}]}}",
         "stripe.usage_events.0.payload", "Required"},
        {"{" SIX ",\"logpush\":true}", "logpush", "logpush needs logpush_public_key"},
        {"{" SIX ",\"weir_retry_jitter\":1}", "weir_retry_jitter", "Expected boolean, received number"},
        {"{" SIX ",\"weir_target_health\":\"on\"}", "weir_target_health",
         "Expected boolean, received string"},
        {"{" SIX ",\"weir_request_timeout\":86400001}", "weir_request_timeout",
         "Number must be less than or equal to 86400000"},
        {"{" SIX ",\"weir_total_timeout\":-1}", "weir_total_timeout",
         "Number must be greater than or equal to 0"},
        {"{" SIX ",\"weir_retry_statuses\":\"429\"}", "weir_retry_statuses",
         "Expected array, received string"},
        {"{" SIX ",\"weir_retry_statuses\":[429,\"6xx\",1]}", "weir_retry_statuses.1",
         "Expected a status from 400 to 599, '4xx' or '5xx'"},
        {"{" SIX ",\"weir_retry_statuses\":[399]}", "weir_retry_statuses.0",
         "Expected a status from 400 to 599, '4xx' or '5xx'"},
        {"{" SIX ",\"weir_retry_statuses\":[\"5xx\",502,600]}", "weir_retry_statuses.2",
         "Expected a status from 400 to 599, '4xx' or '5xx'"},
        {"{" SIX ",\"weir_retry_statuses\":[null]}", "weir_retry_statuses.0",
         "Expected a status from 400 to 599, '4xx' or '5xx'"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct reading r;
        read_gateway(&r, rows[i].body, true);
        assert_non_null(r.wrong.first);
        assert_str(r.wrong.first->key, str_c(rows[i].key));
        assert_str(r.wrong.first->message, str_c(rows[i].message));
        assert_null(r.wrong.first->next);
        arena_done(&r.arena);
    }
}

static void every_wrong_key_is_named_once(void **state)
{
    (void)state;
    struct reading r;
    read_gateway(&r, "{\"id\":7,\"cache_ttl\":-1,\"log_classification\":true}", true);
    static const char *const keys[] = {"id",           "cache_invalidate_on_update", "cache_ttl",
                                       "collect_logs", "rate_limiting_interval",     "rate_limiting_limit"};
    const struct complaint *one = r.wrong.first;
    for (size_t i = 0; i < countof(keys); i++, one = one->next)
        assert_str(one->key, str_c(keys[i]));
    assert_null(one);
    arena_done(&r.arena);
}

/* ---- log rows ---- */

static struct log_row sample(void)
{
    return (struct log_row){
        .r = {.created_ms = 1791797411482,
              .provider = STR("openai"),
              .model = STR("gpt-4o-mini"),
              .model_type = STR("chat"),
              .path = STR("v1/chat/completions"),
              .event_id = STR("ev-1"),
              .request_type = STR("native"),
              .method = STR("POST"),
              .metadata = STR("{\"user\":\"u-7\",\"n\":3}"),
              .request_content_type = STR("application/json"),
              .response_content_type = STR("application/json"),
              .status = 200,
              .flags = REC_SUCCESS | REC_AUTHENTICATION,
              .request_bytes = 10,
              .response_bytes = 20,
              .duration_us = 812499,
              .latency_us = 210000,
              .tokens_in = 1000,
              .tokens_out = 500,
              .cached_tokens = 200,
              .reasoning_tokens = 100,
              .cost_pico = 435000000,
              .steps = STR("0A29B1|R0F64279E5~1b207"),
              .key_alias = STR("team-a")},
        .gateway_slug = STR("default"),
        .id_text = STR("0199c8b2-6f1e-7c40-9f1a-5d2f0c9be011"),
        .feedback = NAN,
        .score = NAN,
        .note = STR("seen \"before\""),
    };
}

struct written {
    struct buf b;
    struct json_doc *doc;
    const struct json_val *root;
};

static void parse_written(struct written *w)
{
    w->doc = json_parse(buf_str(&w->b));
    w->root = json_root(w->doc);
    assert_int_equal(json_type(w->root), JSON_OBJECT);
}

static void write_item(struct written *w, const struct log_row *row)
{
    buf_init(&w->b, MIB);
    struct json_out out = json_out(&w->b);
    log_json_item(&out, row);
    parse_written(w);
}

static void done_with(struct written *w)
{
    json_free(w->doc);
    buf_done(&w->b);
}

static void a_row_has_every_key(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "id",
        "created_at",
        "provider",
        "model",
        "model_type",
        "path",
        "duration",
        "success",
        "cached",
        "status_code",
        "tokens_in",
        "tokens_out",
        "cost",
        "custom_cost",
        "metadata",
        "step",
        "event_id",
        "request_type",
        "request_content_type",
        "response_content_type",
        "feedback",
        "score",
        "usage_metadata",
        "timings",
        "location",
        "prompts",
        "guardrails",
        "authentication",
        "wholesale",
        "byok",
        "user_agent",
        "dlp_action",
        "dlp_profiles",
        "request",
        "response",
        "weir",
    };
    struct log_row row = sample();
    struct written w;
    write_item(&w, &row);
    for (size_t i = 0; i < countof(keys); i++)
        if (!json_get(w.root, keys[i]))
            fail_msg("no %s", keys[i]);
    assert_int_equal(json_count(w.root), countof(keys));
    assert_str(json_str(json_get(w.root, "created_at")), STR("2026-10-12T09:30:11.482Z"));
    assert_int_equal(json_num(json_get(w.root, "duration"), 0), 812);
    assert_true(json_num(json_get(json_get(w.root, "timings"), "total"), 0) == 812.499);
    assert_true(json_num(json_get(json_get(w.root, "timings"), "latency"), 0) == 210);
    assert_int_equal(json_num(json_get(json_get(w.root, "metadata"), "n"), 0), 3);
    assert_int_equal(json_num(json_get(json_get(w.root, "usage_metadata"), "total_tokens"), 0), 1500);
    assert_true(str_has(buf_str(&w.b), STR("\"cost\":0.000435,")));
    assert_int_equal(json_type(json_get(w.root, "feedback")), JSON_NULL);
    assert_int_equal(json_type(json_get(w.root, "user_agent")), JSON_NULL);
    done_with(&w);
}

static void own_members_say_where_the_time_went(void **state)
{
    (void)state;
    struct log_row row = sample();
    struct written w;
    write_item(&w, &row);
    const struct json_val *own = json_get(w.root, "weir"), *steps = json_get(own, "steps");
    assert_int_equal(json_count(steps), 5);
    assert_true(str_has(buf_str(&w.b), STR("{\"name\":\"wait\",\"start_us\":42,\"duration_us\":410233}")));
    assert_int_equal(json_num(json_get(own, "started_us"), -1), 42);
    assert_int_equal(json_num(json_get(own, "cache_age_ms"), -1), 111111);
    assert_str(json_str(json_get(own, "key_alias")), STR("team-a"));
    assert_str(json_str(json_get(own, "note")), STR("seen \"before\""));
    done_with(&w);
    row.r.steps = row.r.key_alias = row.note = (struct str){NULL, 0};
    write_item(&w, &row);
    static const char *const nulls[] = {"steps", "started_us", "cache_age_ms", "key_alias", "note"};
    for (size_t i = 0; i < countof(nulls); i++)
        assert_int_equal(json_type(json_get(json_get(w.root, "weir"), nulls[i])), JSON_NULL);
    done_with(&w);
}

static void what_is_not_known_is_null(void **state)
{
    (void)state;
    struct log_row row = {.r = {.tokens_in = RECORD_NULL,
                                .tokens_out = RECORD_NULL,
                                .cached_tokens = RECORD_NULL,
                                .cost_pico = RECORD_NULL,
                                .latency_us = RECORD_NULL,
                                .error = STR("The connection was refused")},
                          .feedback = -1,
                          .score = 87.5};
    struct written w;
    write_item(&w, &row);
    static const char *const nulls[] = {"tokens_in",   "tokens_out", "cost",
                                        "status_code", "metadata",   "model_type"};
    for (size_t i = 0; i < countof(nulls); i++)
        assert_int_equal(json_type(json_get(w.root, nulls[i])), JSON_NULL);
    assert_int_equal(json_type(json_get(json_get(w.root, "usage_metadata"), "total_tokens")), JSON_NULL);
    assert_int_equal(json_type(json_get(json_get(w.root, "timings"), "latency")), JSON_NULL);
    assert_int_equal(json_type(json_get(w.root, "provider")), JSON_STRING);
    assert_true(json_num(json_get(w.root, "feedback"), 0) == -1);
    assert_true(json_num(json_get(w.root, "score"), 0) == 87.5);
    assert_str(json_str(json_get(json_get(w.root, "weir"), "error")), STR("The connection was refused"));
    done_with(&w);
}

static void heads_end_between_characters(void **state)
{
    (void)state;
    assert_str(utf8_head(STR("abc"), 3), STR("abc"));
    assert_str(utf8_head(STR("abcd"), 3), STR("abc"));
    assert_str(utf8_head(STR("ab\xc3\xa9z"), 3), STR("ab"));
    assert_str(utf8_head(STR("ab\xc3\xa9z"), 4), STR("ab\xc3\xa9"));
    assert_str(utf8_head(STR("\xf0\x9f\x8c\x8dxxxx"), 3), STR(""));
    /* not UTF-8 at all */
    assert_str(utf8_head(STR("\x80\x80\x80\x80\x80\x80\x80\x80"), 6), STR("\x80\x80\x80\x80\x80\x80"));
}

static void details_show_the_beginning_of_bodies(void **state)
{
    (void)state;
    struct log_row row = sample();
    char large[API_HEAD_BYTES + 10];
    memset(large, 'x', sizeof(large));
    struct written w;
    buf_init(&w.b, MIB);
    struct json_out out = json_out(&w.b);
    log_json_detail(&out, &row, str_of(large, sizeof(large)), str_of(NULL, 0));
    parse_written(&w);
    assert_int_equal(json_str(json_get(w.root, "request_head")).n, API_HEAD_BYTES);
    assert_false(json_bool(json_get(w.root, "request_head_complete"), true));
    assert_int_equal(json_num(json_get(w.root, "request_size"), 0), 10);
    assert_str(json_str(json_get(w.root, "response_head")), STR(""));
    assert_false(json_bool(json_get(w.root, "response_head_complete"), true));
    assert_int_equal(json_num(json_get(w.root, "response_size"), 0), 20);
    done_with(&w);
}

static void bodies_are_shown_with_harmless_types(void **state)
{
    (void)state;
    static const struct {
        const char *stored, *body, *want;
    } rows[] = {
        {"application/json; charset=utf-8", "not even", "application/json"},
        {"application/problem+json", "{}", "application/json"},
        {"", "{\"a\":1}", "application/json"},
        {"application/x-www-form-urlencoded", " {\"a\":1}\n", "application/json"},
        {"text/plain", "{nope", "text/plain; charset=utf-8"},
        {"text/html", "<script>", "text/plain; charset=utf-8"},
        {"text/event-stream", "data: x", "text/plain; charset=utf-8"},
        {"", "hello", "text/plain; charset=utf-8"},
        {"audio/mpeg", "\xff\xfb", "application/octet-stream"},
        {"image/svg+xml", "<svg/>", "application/octet-stream"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        assert_str(log_shown_type(str_c(rows[i].stored), str_c(rows[i].body)), str_c(rows[i].want));
}

static void streams_are_shown_merged(void **state)
{
    (void)state;
    struct log_row row = sample();
    struct buf merged;
    struct str raw = STR("{\"id\":1}");
    assert_ptr_equal(log_shown_response(&row, raw, &merged).p, raw.p);
    buf_done(&merged);
    row.r.response_content_type = STR("text/event-stream; charset=utf-8");
    raw = STR("data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n"
              "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"}}]}\n\n"
              "data: [DONE]\n\n");
    struct str shown = log_shown_response(&row, raw, &merged);
    struct json_doc *doc = json_parse(shown);
    assert_int_equal(json_count(json_get(json_root(doc), "streamed_data")), 2);
    assert_str(
        json_str(json_get(json_get(json_at(json_get(json_root(doc), "choices"), 0), "delta"), "content")),
        STR("Hello"));
    json_free(doc);
    buf_done(&merged);
    raw = STR("no events here");
    assert_ptr_equal(log_shown_response(&row, raw, &merged).p, raw.p);
    buf_done(&merged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_are_found_by_method_and_path),
        cmocka_unit_test(other_paths_are_not),
        cmocka_unit_test(allow_names_the_methods_of_a_path),
        cmocka_unit_test(queries_are_decoded),
        cmocka_unit_test(numbers_keep_to_their_range),
        cmocka_unit_test(choices_and_flags_are_checked),
        cmocka_unit_test(slugs_follow_their_rule),
        cmocka_unit_test(six_keys_make_a_gateway),
        cmocka_unit_test(what_was_set_is_kept),
        cmocka_unit_test(own_members_are_there_when_they_are_set),
        cmocka_unit_test(spend_rules_are_made_whole),
        cmocka_unit_test(wrong_bodies_are_complained_about),
        cmocka_unit_test(every_wrong_key_is_named_once),
        cmocka_unit_test(a_row_has_every_key),
        cmocka_unit_test(own_members_say_where_the_time_went),
        cmocka_unit_test(what_is_not_known_is_null),
        cmocka_unit_test(heads_end_between_characters),
        cmocka_unit_test(details_show_the_beginning_of_bodies),
        cmocka_unit_test(bodies_are_shown_with_harmless_types),
        cmocka_unit_test(streams_are_shown_merged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
