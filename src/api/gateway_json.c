/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gateway_json.h"
#include "api/fields.h"
#include "api/openapi.h"
#include "api/gateway_parts.h"
#include "base/limits.h"

#define FIELD(key, kind, min, max, choices, omitted, null, flags, doc)                                       \
    {#key, FIELD_##kind, min, max, choices, omitted, null, flags, doc},
#define REQUIRED FIELD_REQUIRED
#define IDLE FIELD_IDLE
#define INT_LARGE FIELD_INT_LARGE
static const struct field fields[] = {
#include "api/gateway_fields.def"
};
const struct fields_table gateway_table = {"GatewayBody", fields, countof(fields)};
#undef FIELD

bool gateway_slug_valid(struct str slug)
{
    if (slug.n == 0 || slug.n > 64)
        return false;
    for (size_t i = 0; i < slug.n; i++) {
        char c = slug.p[i];
        bool hyphen = c == '-' && i > 0 && i + 1 < slug.n && slug.p[i - 1] != '-';
        if (!hyphen && c != '_' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return false;
    }
    return true;
}

static void read_slug(const struct json_val *v, struct gateway_input *ret, struct complaints *wrong)
{
    struct str key = STR("id"), slug = json_str(v);
    if (json_type(v) == JSON_NONE)
        complain(wrong, key, "Required");
    else if (!slug.p)
        complain(wrong, key, "Expected string, received %s", json_type_name(json_type(v)));
    else if (!gateway_slug_valid(slug))
        complain(wrong, key,
                 "An id has 1 to 64 lower-case letters, digits, underscores and single hyphens inside");
    else
        ret->slug = arena_dup(wrong->arena, slug);
}

static void check_together(const struct json_val *body, struct complaints *wrong)
{
    if (json_bool(json_get(body, "log_classification"), false) &&
        !json_bool(json_get(body, "collect_logs"), false))
        complain(wrong, STR("log_classification"), "log_classification needs collect_logs");
    if (json_bool(json_get(body, "logpush"), false) && !json_str(json_get(body, "logpush_public_key")).p)
        complain(wrong, STR("logpush"), "logpush needs logpush_public_key");
}

/* The body with its spend limits whole; *ret_doc is the caller's. */
static const struct json_val *complete(const struct json_val *body, struct arena *a,
                                       struct json_doc **ret_doc)
{
    const struct json_val *limits = json_get(body, "spend_limits");
    *ret_doc = NULL;
    if (json_type(limits) != JSON_OBJECT)
        return body;
    struct buf b;
    buf_init(&b, 2 * API_BODY_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    for (struct json_iter it = json_iter(body); json_next(&it);) {
        json_key_str(&w, it.key);
        if (it.val == limits)
            json_put_raw(&w, gateway_spend_limits(limits, a));
        else
            json_put_val(&w, it.val);
    }
    json_close(&w, '}');
    *ret_doc = json_parse(buf_str(&b));
    buf_done(&b);
    return json_root(*ret_doc);
}

static void write_settings(const struct json_val *body, struct gateway_input *ret, struct arena *a)
{
    struct buf b;
    struct json_doc *doc;
    body = complete(body, a, &doc);
    buf_init(&b, 2 * API_BODY_BYTES); /* escapes may grow */
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    ret->idle = fields_write(&w, fields, countof(fields), body, NULL, a);
    /* clients read it, nobody can set it */
    json_add_bool(&w, "wholesale", true);
    json_close(&w, '}');
    ret->settings = b.full || !body ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
    buf_done(&b);
    json_free(doc);
}

static void read_object(const struct json_val *body, bool with_id, struct gateway_input *ret,
                        struct complaints *wrong)
{
    if (with_id)
        read_slug(json_get(body, "id"), ret, wrong);
    fields_check(fields, countof(fields), body, false, wrong);
    gateway_parts_check(body, wrong);
    if (!wrong->first)
        check_together(body, wrong);
    if (wrong->first)
        return;
    write_settings(body, ret, wrong->arena);
    if (!ret->settings.p)
        complain(wrong, STR(""), "The settings are too large");
}

void gateway_read(struct str body, bool with_id, struct gateway_input *ret, struct complaints *wrong)
{
    *ret = (struct gateway_input){0};
    struct json_doc *doc;
    const struct json_val *root = body_read(body, &doc, wrong);
    if (root)
        read_object(root, with_id, ret, wrong);
    json_free(doc);
}

void gateway_fields_document(struct buf *out)
{
    fields_document(out, fields, countof(fields));
}
