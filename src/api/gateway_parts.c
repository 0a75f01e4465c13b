/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gateway_parts.h"
#include "api/fields.h"
#include "base/crypto.h"
#include "base/limits.h"

enum { RULES = 20, RULE_ID = 8 };

/* A member of a part: required unless optional; its text or number within bounds. */
#define MUST(key, kind, min, max, choices)                                                                   \
    {                                                                                                        \
        key, FIELD_##kind, min, max, choices, "", NULL, FIELD_REQUIRED, ""                                   \
    }
#define MAY(key, kind, min, max, choices)                                                                    \
    {                                                                                                        \
        key, FIELD_##kind, min, max, choices, "", NULL, 0, ""                                                \
    }

static struct str join(struct complaints *wrong, struct str at, struct str name)
{
    return at.n ? arena_printf(wrong->arena, "%.*s.%.*s", STR_FMT(at), STR_FMT(name)) : name;
}

static struct str nth(struct complaints *wrong, struct str at, size_t i)
{
    return arena_printf(wrong->arena, "%.*s.%zu", STR_FMT(at), i);
}

/* Is it an object whose members are these? */
static bool check(const struct field *f, size_t n, const struct json_val *v, struct str at,
                  struct complaints *wrong)
{
    if (json_type(v) != JSON_OBJECT) {
        complain(wrong, at, "Expected object, received %s", json_type_name(json_type(v)));
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct field named = f[i];
        named.key = join(wrong, at, str_c(f[i].key)).p;
        if (named.key)
            field_check(&named, json_get(v, f[i].key), false, wrong);
    }
    return true;
}

/* ---- lists and maps ---- */

typedef void check_fn(const struct json_val *v, struct str at, struct complaints *wrong);

/* What is no array is complained about where the array is asked for. */
static void each(const struct json_val *v, const char *key, struct str at, check_fn *fn,
                 struct complaints *wrong)
{
    const struct json_val *list = json_get(v, key);
    struct str here = join(wrong, at, str_c(key));
    size_t i = 0;
    if (json_type(list) != JSON_ARRAY)
        return;
    for (struct json_iter it = json_iter(list); json_next(&it); i++)
        fn(it.val, nth(wrong, here, i), wrong);
}

static void check_text(const struct json_val *v, struct str at, struct complaints *wrong)
{
    if (json_type(v) != JSON_STRING)
        complain(wrong, at, "Expected string, received %s", json_type_name(json_type(v)));
}

static void check_word(const struct json_val *v, struct str at, const char *choices, struct complaints *wrong)
{
    struct field f = {.key = at.p, .kind = FIELD_ENUM, .choices = choices, .flags = FIELD_REQUIRED};
    if (at.p)
        field_check(&f, v, false, wrong);
}

/* ---- dlp ---- */

static void check_direction(const struct json_val *v, struct str at, struct complaints *wrong)
{
    check_word(v, at, "REQUEST RESPONSE", wrong);
}

static void check_dlp_policy(const struct json_val *v, struct str at, struct complaints *wrong)
{
    static const struct field fields[] = {MUST("id", TEXT, 1, 256, NULL), MUST("enabled", BOOL, 0, 0, NULL),
                                          MUST("action", ENUM, 0, 0, "FLAG BLOCK"),
                                          MUST("check", LIST, 1, 0, NULL),
                                          MUST("profiles", LIST, 0, 0, NULL)};
    if (!check(fields, countof(fields), v, at, wrong))
        return;
    each(v, "check", at, check_direction, wrong);
    each(v, "profiles", at, check_text, wrong);
}

/* Two forms: the one with policies is the newer. */
static void check_dlp(const struct json_val *v, struct str at, struct complaints *wrong)
{
    static const struct field newer[] = {MUST("enabled", BOOL, 0, 0, NULL),
                                         MUST("policies", LIST, 0, 0, NULL)},
                              older[] = {MUST("enabled", BOOL, 0, 0, NULL),
                                         MUST("action", ENUM, 0, 0, "BLOCK FLAG"),
                                         MUST("profiles", LIST, 0, 0, NULL)};
    if (json_get(v, "policies")) {
        check(newer, countof(newer), v, at, wrong);
        each(v, "policies", at, check_dlp_policy, wrong);
    } else {
        check(older, countof(older), v, at, wrong);
        each(v, "profiles", at, check_text, wrong);
    }
}

/* ---- guardrails ---- */

static bool is_category(struct str name)
{
    static const char *const all[] = {"P1", "S1", "S2", "S3",  "S4",  "S5",  "S6",
                                      "S7", "S8", "S9", "S10", "S11", "S12", "S13"};
    for (size_t i = 0; i < countof(all); i++)
        if (str_eq(name, str_c(all[i])))
            return true;
    return false;
}

/* A category that is not known would guard nothing, and nobody would notice. */
static void check_categories(const struct json_val *v, struct str at, struct complaints *wrong)
{
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        struct str here = join(wrong, at, arena_dup(wrong->arena, it.key));
        if (is_category(it.key))
            check_word(it.val, here, "FLAG BLOCK", wrong);
        else
            complain(wrong, here, "No such category; there are P1 and S1 to S13");
    }
}

static void check_guardrails(const struct json_val *v, struct str at, struct complaints *wrong)
{
    static const struct field fields[] = {MAY("prompt", OBJECT, 0, 0, NULL),
                                          MAY("response", OBJECT, 0, 0, NULL)};
    check(fields, countof(fields), v, at, wrong);
    for (size_t i = 0; i < countof(fields); i++)
        if (json_type(json_get(v, fields[i].key)) == JSON_OBJECT)
            check_categories(json_get(v, fields[i].key), join(wrong, at, str_c(fields[i].key)), wrong);
}

/* ---- otel ---- */

static bool is_line(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

static void check_headers(const struct json_val *v, struct str at, struct complaints *wrong)
{
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        struct str here = join(wrong, at, arena_dup(wrong->arena, it.key));
        if (json_type(it.val) != JSON_STRING)
            check_text(it.val, here, wrong);
        else if (!it.key.n || !is_line(it.key) || !is_line(json_str(it.val)))
            complain(wrong, here, "Expected a header line");
    }
}

static void check_exporter(const struct json_val *v, struct str at, struct complaints *wrong)
{
    static const struct field fields[] = {
        MUST("url", TEXT, 1, 2048, NULL), MUST("headers", OBJECT, 0, 0, NULL),
        MAY("authorization", TEXT, 0, 4096, NULL), MAY("content_type", ENUM, 0, 0, "json protobuf")};
    if (!check(fields, countof(fields), v, at, wrong))
        return;
    struct str url = json_str(json_get(v, "url"));
    if (url.n && !str_istarts(url, STR("http://")) && !str_istarts(url, STR("https://")))
        complain(wrong, join(wrong, at, STR("url")), "Invalid url");
    if (json_type(json_get(v, "headers")) == JSON_OBJECT)
        check_headers(json_get(v, "headers"), join(wrong, at, STR("headers")), wrong);
}

/* ---- spend limits ---- */

static void check_scope(const struct json_val *v, struct str at, const char *modes, struct complaints *wrong)
{
    const struct field mode = MUST("mode", ENUM, 0, 0, modes), values = MUST("values", LIST, 1, 0, NULL);
    if (!check(&mode, 1, v, at, wrong) || !str_eq(json_str(json_get(v, "mode")), STR("filter")))
        return;
    check(&values, 1, v, at, wrong);
    each(v, "values", at, check_text, wrong);
}

static void check_metadata(const struct json_val *v, struct str at, struct complaints *wrong)
{
    for (struct json_iter it = json_iter(v); json_next(&it);)
        check_scope(it.val, join(wrong, at, arena_dup(wrong->arena, it.key)), "partition filter", wrong);
}

static void check_rule(const struct json_val *v, struct str at, struct complaints *wrong)
{
    static const struct field fields[] = {MAY("id", TEXT, 1, 64, NULL),
                                          MAY("enabled", BOOL, 0, 0, NULL),
                                          MUST("limit", NUMBER, 0, FIELD_INT_LARGE, NULL),
                                          MUST("limitType", ENUM, 0, 0, "cost"),
                                          MUST("window", INT, 0, FIELD_INT_LARGE, NULL),
                                          MAY("technique", ENUM, 0, 0, "fixed sliding"),
                                          MAY("metadata", OBJECT, 0, 0, NULL)};
    static const char *const scopes[] = {"model", "provider"};
    if (!check(fields, countof(fields), v, at, wrong))
        return;
    for (size_t i = 0; i < countof(scopes); i++)
        if (json_get(v, scopes[i]))
            check_scope(json_get(v, scopes[i]), join(wrong, at, str_c(scopes[i])), "filter", wrong);
    if (json_type(json_get(v, "metadata")) == JSON_OBJECT)
        check_metadata(json_get(v, "metadata"), join(wrong, at, STR("metadata")), wrong);
}

/* Two rules of one id would share a counter. */
static void check_ids(const struct json_val *rules, struct str at, struct complaints *wrong)
{
    size_t i = 0;
    for (struct json_iter it = json_iter(rules); json_next(&it); i++) {
        struct str id = json_str(json_get(it.val, "id"));
        for (size_t k = 0; id.n && k < i; k++)
            if (str_eq(json_str(json_get(json_at(rules, k), "id")), id)) {
                complain(wrong, join(wrong, nth(wrong, at, i), STR("id")), "Another rule has this id");
                break;
            }
    }
}

static void check_spend(const struct json_val *v, struct str at, struct complaints *wrong)
{
    static const struct field fields[] = {MAY("enabled", BOOL, 0, 0, NULL),
                                          MAY("rules", LIST, 0, RULES, NULL)};
    check(fields, countof(fields), v, at, wrong);
    if (json_count(json_get(v, "rules")) > RULES)
        return;
    each(v, "rules", at, check_rule, wrong);
    if (json_type(json_get(v, "rules")) == JSON_ARRAY)
        check_ids(json_get(v, "rules"), join(wrong, at, STR("rules")), wrong);
}

/* The members as they are, then those that are missing. */
static void put_members_of(struct json_out *w, const struct json_val *v)
{
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        json_key_str(w, it.key);
        json_put_val(w, it.val);
    }
}

static void put_missing(struct json_out *w, const struct json_val *v, const char *key, struct str json)
{
    if (json_get(v, key))
        return;
    json_add_raw(w, key, json);
}

static void put_rule(struct json_out *w, const struct json_val *v)
{
    unsigned char random[RULE_ID / 2];
    char id[RULE_ID + 2];
    random_bytes(random, sizeof(random));
    hex_encode(id + 1, random, sizeof(random));
    id[0] = id[RULE_ID + 1] = '"';
    json_open(w, '{');
    put_members_of(w, v);
    put_missing(w, v, "id", str_of(id, sizeof(id)));
    put_missing(w, v, "enabled", STR("true"));
    put_missing(w, v, "technique", STR("\"sliding\""));
    json_close(w, '}');
}

struct str gateway_spend_limits(const struct json_val *limits, struct arena *a)
{
    struct buf b;
    buf_init(&b, 2 * API_BODY_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    put_missing(&w, limits, "enabled", STR("false"));
    for (struct json_iter it = json_iter(limits); json_next(&it);) {
        json_key_str(&w, it.key);
        if (!str_eq(it.key, STR("rules"))) {
            json_put_val(&w, it.val);
            continue;
        }
        json_open(&w, '[');
        for (struct json_iter rule = json_iter(it.val); json_next(&rule);)
            put_rule(&w, rule.val);
        json_close(&w, ']');
    }
    put_missing(&w, limits, "rules", STR("[]"));
    json_close(&w, '}');
    struct str text = b.full ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

/* ---- stripe ---- */

static void check_event(const struct json_val *v, struct str at, struct complaints *wrong)
{
    static const struct field payload = MUST("payload", TEXT, 0, API_BODY_BYTES, NULL);
    check(&payload, 1, v, at, wrong);
}

static void check_stripe(const struct json_val *v, struct str at, struct complaints *wrong)
{
    static const struct field fields[] = {MUST("authorization", TEXT, 0, 4096, NULL),
                                          MUST("usage_events", LIST, 0, 0, NULL)};
    check(fields, countof(fields), v, at, wrong);
    each(v, "usage_events", at, check_event, wrong);
}

/* ---- all of them ---- */

void gateway_parts_check(const struct json_val *body, struct complaints *wrong)
{
    static const struct {
        const char *key;
        check_fn *fn;
    } parts[] = {{"dlp", check_dlp},
                 {"guardrails", check_guardrails},
                 {"spend_limits", check_spend},
                 {"stripe", check_stripe}};
    for (size_t i = 0; i < countof(parts); i++) /* another type has been complained about */
        if (json_type(json_get(body, parts[i].key)) == JSON_OBJECT)
            parts[i].fn(json_get(body, parts[i].key), str_c(parts[i].key), wrong);
    each(body, "otel", STR(""), check_exporter, wrong);
}
