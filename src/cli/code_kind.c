/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/code_kind.h"
#include "api/gateway_json.h"
#include "api/log_filters.h"
#include "api/openapi.h"
#include "api/provider_key_json.h"
#include "base/limits.h"
#include "gateway/policy_rules.h"
#include "gateway/route_graph.h"
#include "store/domain.h"

/* ---- inside of settings: control plane section 4.2 ---- */

#define IS(of)                                                                                               \
    {                                                                                                        \
        .name = (of)                                                                                         \
    }
#define HAS(of, list)                                                                                        \
    {                                                                                                        \
        .name = (of), .inside = (list)                                                                       \
    }
#define HIDES(of)                                                                                            \
    {                                                                                                        \
        .name = (of), .secrecy = CODE_SECRET                                                                 \
    }
#define FILLED(of, json)                                                                                     \
    {                                                                                                        \
        .name = (of), .filled = (json)                                                                       \
    }
#define EACH(list, by)                                                                                       \
    {                                                                                                        \
        .name = "*", .inside = (list), .key = (by)                                                           \
    }
#define END                                                                                                  \
    {                                                                                                        \
        0                                                                                                    \
    }

static const struct code_shape secret_headers[] = {{.name = "*", .secrecy = CODE_SECRET_HEADER}, END};
static const struct code_shape guardrails[] = {IS("prompt"), IS("response"), END};
static const struct code_shape dlp_policy[] = {IS("id"),    IS("enabled"),  IS("action"),
                                               IS("check"), IS("profiles"), END};
static const struct code_shape dlp_policies[] = {EACH(dlp_policy, "id"), END};
static const struct code_shape dlp[] = {IS("enabled"), IS("action"), IS("profiles"),
                                        HAS("policies", dlp_policies), END};
static const struct code_shape exporter[] = {IS("url"), HAS("headers", secret_headers),
                                             HIDES("authorization"), IS("content_type"), END};
static const struct code_shape exporters[] = {EACH(exporter, "url"), END};
static const struct code_shape scope[] = {IS("mode"), IS("values"), END};
static const struct code_shape scopes[] = {EACH(scope, NULL), END};
static const struct code_shape rule[] = {FILLED("id", "?"),
                                         FILLED("enabled", "true"),
                                         IS("limit"),
                                         IS("limitType"),
                                         IS("window"),
                                         FILLED("technique", "\"sliding\""),
                                         HAS("model", scope),
                                         HAS("provider", scope),
                                         HAS("metadata", scopes),
                                         END};
static const struct code_shape rules[] = {EACH(rule, "id"), END};
static const struct code_shape spend_limits[] = {
    FILLED("enabled", "false"), {.name = "rules", .inside = rules, .filled = "[]"}, END};
static const struct code_shape event[] = {IS("payload"), END};
static const struct code_shape events[] = {EACH(event, NULL), END};
static const struct code_shape stripe[] = {HIDES("authorization"), HAS("usage_events", events), END};
static const struct code_shape gateway[] = {HAS("guardrails", guardrails), HAS("dlp", dlp),
                                            HAS("otel", exporters),        HAS("spend_limits", spend_limits),
                                            HAS("stripe", stripe),         END};
static const struct code_shape provider_key[] = {HIDES("secret"), END};
static const struct code_shape custom_provider[] = {
    {.name = "headers", .inside = secret_headers, .text = true}, END};
static const struct code_shape prices[] = {IS("input_tokens"),
                                           IS("input_text_tokens"),
                                           IS("input_audio_tokens"),
                                           IS("input_image_tokens"),
                                           IS("input_image_count"),
                                           IS("input_video_tokens"),
                                           IS("input_cached_tokens"),
                                           IS("input_cache_creation_tokens"),
                                           IS("output_tokens"),
                                           IS("output_reasoning_tokens"),
                                           IS("output_image_count"),
                                           IS("total_tokens"),
                                           END};
static const struct code_shape cost[] = {HAS("token_pricing", prices), END};
static const struct code_shape element[] = {IS("id"), IS("type"), IS("outputs"), IS("properties"), END};
static const struct code_shape elements[] = {EACH(element, "id"), END};
static const struct code_shape route[] = {HAS("elements", elements), END};
static const struct code_shape resource[] = {IS("model"), IS("provider"), END};
static const struct code_shape action[] = {IS("type"),   IS("except"),    IS("amount"),
                                           IS("period"), IS("technique"), END};
static const struct code_shape policy[] = {HAS("resource", resource), HAS("action", action), END};
static const struct code_shape clause[] = {IS("key"), IS("operator"), IS("value"), END};
static const struct code_shape clauses[] = {EACH(clause, NULL), END};
static const struct code_shape dataset[] = {HAS("filters", clauses), END};

const struct code_shape *code_shape_in(const struct code_shape *list, struct str name)
{
    for (const struct code_shape *s = list; s && s->name; s++)
        if (str_eq(name, str_c(s->name)) || strcmp(s->name, "*") == 0)
            return s;
    return NULL;
}

const struct code_shape *code_shape_of(const struct code_shape *of, struct str name)
{
    return of ? code_shape_in(of->inside, name) : NULL;
}

static bool has_word(struct str name, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= name.n; i++)
        if (str_same_letters(name.p + i, word, n))
            return true;
    return false;
}

bool code_names_credential(struct str header)
{
    static const char *const words[] = {"auth", "key", "token", "secret", "cookie", "password", "credential"};
    for (size_t i = 0; i < countof(words); i++)
        if (has_word(header, words[i]))
            return true;
    return false;
}

/* ---- what is known beyond types ---- */

static void check_gateway(struct str body, struct complaints *wrong)
{
    struct gateway_input in;
    gateway_read(body, true, &in, wrong);
}

/* The secret is somewhere else: one that is taken over from another key needs as much around it. */
static void check_provider_key(struct str body, struct complaints *wrong)
{
    struct provider_key_input in;
    struct buf b;
    struct json_doc *doc = json_parse(body);
    buf_init(&b, 2 * API_BODY_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    for (struct json_iter it = json_iter(json_root(doc)); json_next(&it);) {
        bool secret = str_eq(it.key, STR("secret"));
        json_key_str(&w, secret ? STR("secret_id") : it.key);
        if (secret)
            json_put_str(&w, STR("00000000-0000-0000-0000-000000000000"));
        else
            json_put_val(&w, it.val);
    }
    json_close(&w, '}');
    provider_key_input_read(buf_str(&b), str_of(NULL, 0), &in, wrong);
    json_free(doc);
    buf_done(&b);
}

static void check_domain(struct str body, struct complaints *wrong)
{
    struct json_doc *doc = json_parse(body);
    struct str host = json_str(json_get(json_root(doc), "domain"));
    fields_check(domain_table.v, domain_table.n, json_root(doc), false, wrong);
    if (!domain_is_valid(host))
        complain(wrong, STR("domain"), "Expected a host name in lower case such as ai.example.com");
    json_free(doc);
}

static void check_route(struct str body, struct complaints *wrong)
{
    struct json_doc *doc = json_parse(body);
    const struct json_val *root = json_root(doc);
    fields_check(dynamic_route_table.v, dynamic_route_table.n, root, false, wrong);
    struct route_graph *g =
        wrong->first ? NULL : route_graph_read(wrong->arena, json_get(root, "elements"), wrong);
    if (g && !wrong->first)
        route_graph_check(g, wrong);
    json_free(doc);
}

static void check_policy(struct str body, struct complaints *wrong)
{
    struct json_doc *doc = json_parse(body), *whole = NULL;
    struct policy_rule read;
    fields_check(policy_table.v, policy_table.n, json_root(doc), false, wrong);
    if (!wrong->first) /* as it will be stored: with what it leaves out */
        whole = json_parse(fields_object(policy_table.v, policy_table.n, json_root(doc), NULL, wrong->arena));
    if (whole)
        (void)policy_rule_read(wrong->arena, json_root(whole), &read, wrong);
    json_free(whole);
    json_free(doc);
}

static void check_dataset(struct str body, struct complaints *wrong)
{
    struct json_doc *doc = json_parse(body);
    fields_check(dataset_table.v, dataset_table.n, json_root(doc), false, wrong);
    if (!wrong->first)
        (void)log_filters_dataset(json_get(json_root(doc), "filters"), wrong);
    json_free(doc);
}

static void check_custom_provider(struct str body, struct complaints *wrong)
{
    struct json_doc *doc = json_parse(body);
    fields_check(custom_provider_table.v, custom_provider_table.n, json_root(doc), false, wrong);
    json_free(doc);
}

static void check_cost(struct str body, struct complaints *wrong)
{
    struct json_doc *doc = json_parse(body);
    fields_check(custom_cost_table.v, custom_cost_table.n, json_root(doc), false, wrong);
    json_free(doc);
}

/* ---- the kinds ---- */

const struct code_kind code_kinds[CODE_KINDS] = {
    [CODE_CUSTOM_PROVIDER] = {.member = "custom_providers",
                              .one = "custom provider",
                              .parent = CODE_KINDS,
                              .names = {"slug"},
                              .name_form = "a slug such as \"vllm\"",
                              .table = &custom_provider_table,
                              .inside = custom_provider,
                              .id = "id",
                              .path = "/custom-providers",
                              .update = CODE_PART,
                              .update_method = "PATCH",
                              .lost = "its costs go with it",
                              .check = check_custom_provider},
    [CODE_COST] = {.member = "costs",
                   .one = "cost",
                   .parent = CODE_CUSTOM_PROVIDER,
                   .list = true,
                   .names = {"model_rule", "model"},
                   .between = ' ',
                   .table = &custom_cost_table,
                   .inside = cost,
                   .id = "id",
                   .path = "/custom-providers/costs",
                   .parent_member = "account_provider_id",
                   .update = CODE_PART,
                   .update_method = "PATCH",
                   .check = check_cost},
    [CODE_GATEWAY] = {.member = "gateways",
                      .one = "gateway",
                      .parent = CODE_KINDS,
                      .names = {"id"},
                      .name_form = "an id such as \"team\"",
                      .table = &gateway_table,
                      .inside = gateway,
                      .id = "id",
                      .path = "/gateways",
                      .update = CODE_WHOLE,
                      .update_method = "PUT",
                      .lost = "its log goes with it: every row and every stored body, which nothing brings "
                              "back; so do its provider keys, routes, policies, datasets and custom domains",
                      .check = check_gateway},
    [CODE_PROVIDER_KEY] = {.member = "provider_keys",
                           .one = "provider key",
                           .parent = CODE_GATEWAY,
                           .names = {"provider_slug", "alias"},
                           .between = '/',
                           .name_form = "provider/alias, such as \"openai/default\"",
                           .table = &provider_key_table,
                           .inside = provider_key,
                           .hidden = "secret",
                           .id = "id",
                           .path = "/gateways/%.*s/provider_configs",
                           .update = CODE_PART,
                           .update_method = "PUT",
                           .check = check_provider_key},
    [CODE_ROUTE] = {.member = "routes",
                    .one = "route",
                    .parent = CODE_GATEWAY,
                    .names = {"name"},
                    .name_form = "a name such as \"support\"",
                    .table = &dynamic_route_table,
                    .inside = route,
                    .id = "id",
                    .path = "/gateways/%.*s/routes",
                    .answer_list = {"data", "routes"},
                    .update = CODE_VERSION,
                    .lost = "its versions and deployments go with it",
                    .check = check_route},
    [CODE_POLICY] = {.member = "policies",
                     .one = "policy",
                     .parent = CODE_GATEWAY,
                     .names = {"name"},
                     .name_form = "a name such as \"daily budget\"",
                     .table = &policy_table,
                     .inside = policy,
                     .id = "id",
                     .path = "/gateways/%.*s/policies",
                     .query = "?commit=true",
                     .update = CODE_ALL,
                     .update_method = "PUT",
                     .check = check_policy},
    [CODE_DATASET] = {.member = "datasets",
                      .one = "dataset",
                      .parent = CODE_GATEWAY,
                      .names = {"name"},
                      .name_form = "a name such as \"failed calls\"",
                      .table = &dataset_table,
                      .inside = dataset,
                      .id = "id",
                      .path = "/gateways/%.*s/datasets",
                      .update = CODE_WHOLE,
                      .update_method = "PUT",
                      .check = check_dataset},
    [CODE_DOMAIN] = {.member = "custom_domains",
                     .one = "custom domain",
                     .parent = CODE_GATEWAY,
                     .names = {"domain"},
                     .name_form = "a host name such as \"ai.example.com\"",
                     .answer_name = "hostname",
                     .table = &domain_table,
                     .id = "hostname",
                     .path = "/gateways/%.*s/custom-domains",
                     .update = CODE_ANEW,
                     .unique = true,
                     .check = check_domain},
};

bool code_is_name(const struct code_kind *k, const char *setting)
{
    for (size_t i = 0; i < countof(k->names); i++)
        if (k->names[i] && strcmp(k->names[i], setting) == 0)
            return true;
    return k->parent_member && strcmp(k->parent_member, setting) == 0;
}

/* Another key's secret has no name that a file could know. */
static bool is_for_calls_only(const char *setting)
{
    return strcmp(setting, "secret_id") == 0;
}

const struct field *code_field(const struct code_kind *k, struct str name)
{
    for (size_t i = 0; i < k->table->n; i++)
        if (str_eq(name, str_c(k->table->v[i].key)))
            return code_is_name(k, k->table->v[i].key) || is_for_calls_only(k->table->v[i].key)
                       ? NULL
                       : &k->table->v[i];
    return NULL;
}

const char *code_usual(const struct field *f)
{
    bool may_be_empty = f->kind == FIELD_TEXT && f->min == 0 && (f->flags & FIELD_REQUIRED);
    return f->omitted[0] ? f->omitted : may_be_empty ? "\"\"" : NULL;
}
