/* SPDX-License-Identifier: Apache-2.0 */
#include "api/token_json.h"
#include "api/fields.h"
#include "api/openapi.h"
#include "base/clock.h"
#include "base/limits.h"

#include <stdio.h>

#define FIELD(key, kind, min, max, choices, omitted, null, flags, doc)                                       \
    {#key, FIELD_##kind, min, max, choices, omitted, null, flags, doc},
#define REQUIRED FIELD_REQUIRED
static const struct field fields[] = {
#include "api/token_fields.def"
};
const struct fields_table token_table = {"TokenBody", fields, countof(fields)};
#undef FIELD

static const struct str resource_prefix = S("com.cloudflare.api.account.");

/* Where in the body something is, and who hears of it. */
struct place {
    struct complaints *wrong;
    const struct token_terms *terms;
    struct str key;
};

static struct place member(const struct place *p, const char *name)
{
    struct place in = *p;
    in.key = p->key.n ? arena_printf(p->wrong->arena, "%.*s.%s", STR_FMT(p->key), name) : str_c(name);
    return in;
}

static struct place element(const struct place *p, size_t i)
{
    struct place in = *p;
    in.key = arena_printf(p->wrong->arena, "%.*s.%zu", STR_FMT(p->key), i);
    return in;
}

static bool is_type(const struct place *p, const struct json_val *v, enum json_type want)
{
    if (json_type(v) == want)
        return true;
    if (json_type(v) == JSON_NONE)
        complain(p->wrong, p->key, "Required");
    else
        complain(p->wrong, p->key, "Expected %s, received %s", json_type_name(want),
                 json_type_name(json_type(v)));
    return false;
}

/* ---- policies ---- */

static const struct permission_row *find_group(const struct json_val *v)
{
    struct str id = json_str(json_get(v, "id")), name = json_str(json_get(v, "name"));
    for (size_t i = 0; i < permission_count; i++)
        if (id.p ? str_eq(id, permission_rows[i].id) : str_eq(name, permission_rows[i].group))
            return &permission_rows[i];
    return NULL;
}

static unsigned read_group(const struct place *p, const struct json_val *v, struct json_out *w)
{
    if (!is_type(p, v, JSON_OBJECT))
        return 0;
    const struct permission_row *row = find_group(v);
    if (!row) {
        complain(p->wrong, p->key, "No such permission group; .../tokens/permission_groups lists them");
        return 0;
    }
    json_open(w, '{');
    json_add_str(w, "id", row->id);
    json_add_str(w, "name", row->group);
    json_close(w, '}');
    return row->bit;
}

static unsigned read_groups(const struct place *p, const struct json_val *list, struct json_out *w)
{
    unsigned bits = 0;
    size_t i = 0;
    if (!is_type(p, list, JSON_ARRAY))
        return 0;
    if (!json_count(list))
        complain(p->wrong, p->key, "Array must contain at least 1 element(s)");
    json_key(w, "permission_groups");
    json_open(w, '[');
    for (struct json_iter it = json_iter(list); json_next(&it); i++) {
        struct place in = element(p, i);
        bits |= read_group(&in, it.val, w);
    }
    json_close(w, ']');
    return bits;
}

/* The account as a whole, by its id or as "*". */
static bool is_account(const struct place *p, struct str resource)
{
    if (!str_starts(resource, resource_prefix))
        return false;
    struct str rest = str_from(resource, resource_prefix.n);
    return str_eq(rest, p->terms->account) || str_eq(rest, STR("*"));
}

static void read_resources(const struct place *p, const struct json_val *v, struct json_out *w)
{
    if (!is_type(p, v, JSON_OBJECT))
        return;
    bool good = json_count(v) > 0;
    for (struct json_iter it = json_iter(v); json_next(&it);)
        good = good && is_account(p, it.key) && str_eq(json_str(it.val), STR("*"));
    if (!good)
        complain(p->wrong, p->key, "Expected {\"%.*s%.*s\": \"*\"}; weir_gateways says which gateways",
                 STR_FMT(resource_prefix), STR_FMT(p->terms->account));
    json_key(w, "resources");
    json_put_val(w, v);
}

/* The one it had, when it is sent back. */
static void put_policy_id(const struct json_val *v, struct json_out *w)
{
    unsigned char random[16];
    char text[32];
    struct str id = json_str(json_get(v, "id"));
    random_bytes(random, sizeof(random));
    hex_encode(text, random, sizeof(random));
    json_add_str(w, "id", id.n == sizeof(text) ? id : str_of(text, sizeof(text)));
}

/* Adds to what is allowed and what is denied. */
static void read_policy(const struct place *p, const struct json_val *v, struct json_out *w, unsigned *allow,
                        unsigned *deny)
{
    static const struct field effect = {
        .key = "effect", .kind = FIELD_ENUM, .choices = "allow deny", .flags = FIELD_REQUIRED};
    if (!is_type(p, v, JSON_OBJECT))
        return;
    struct place in = member(p, "effect");
    struct field named = effect;
    named.key = in.key.p;
    field_check(&named, json_get(v, "effect"), false, p->wrong);
    json_open(w, '{');
    put_policy_id(v, w);
    json_add_str(w, "effect", json_str(json_get(v, "effect")));
    in = member(p, "permission_groups");
    unsigned bits = read_groups(&in, json_get(v, "permission_groups"), w);
    in = member(p, "resources");
    read_resources(&in, json_get(v, "resources"), w);
    json_close(w, '}');
    *(str_eq(json_str(json_get(v, "effect")), STR("allow")) ? allow : deny) |= bits;
}

static void read_policies(const struct place *p, const struct json_val *list, struct token *ret)
{
    struct buf b;
    struct place all = member(p, "policies");
    unsigned allow = 0, deny = 0;
    size_t i = 0;
    buf_init(&b, 2 * API_BODY_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '[');
    for (struct json_iter it = json_iter(list); json_next(&it); i++) {
        struct place in = element(&all, i);
        read_policy(&in, it.val, &w, &allow, &deny);
    }
    json_close(&w, ']');
    ret->permissions = allow & ~deny;
    ret->policies = arena_dup(p->wrong->arena, buf_str(&b));
    buf_done(&b);
    if (!p->wrong->first && !ret->permissions)
        complain(p->wrong, STR("policies"), "The policies allow nothing");
}

/* ---- the rest ---- */

static void read_gateways(const struct place *p, const struct json_val *list, struct token *ret)
{
    struct place here = member(p, "weir_gateways");
    size_t i = 0;
    if (json_type(list) != JSON_ARRAY)
        return;
    struct str *all = arena_zalloc(p->wrong->arena, (json_count(list) + 1) * sizeof(*all));
    for (struct json_iter it = json_iter(list); all && json_next(&it); i++) {
        struct place in = element(&here, i);
        struct str slug = json_str(it.val);
        if (!is_type(&in, it.val, JSON_STRING))
            continue;
        if (!str_eq(slug, STR("default")) && !catalog_gateway(p->terms->catalog, p->terms->account, slug))
            complain(p->wrong, in.key, "The account has no such gateway");
        all[ret->n_gateways++] = arena_dup(p->wrong->arena, slug);
    }
    ret->gateways = all;
}

static int64_t read_time(const struct place *p, const struct json_val *body, const char *key)
{
    struct str text = json_str(json_get(body, key));
    int64_t ms = 0;
    if (text.p && clock_parse(text, &ms) != E_OK)
        complain(p->wrong, str_c(key), "Expected a time such as 2026-12-31T23:59:59Z");
    return ms / 1000 * 1000;
}

static void read_bounds(const struct place *p, const struct json_val *body, struct token *ret)
{
    ret->not_before_ms = read_time(p, body, "not_before");
    ret->expires_ms = read_time(p, body, "expires_on");
    if (!ret->expires_ms)
        return;
    if (p->terms->create && ret->expires_ms <= p->terms->now_ms)
        complain(p->wrong, STR("expires_on"), "It has passed already");
    else if (ret->expires_ms <= ret->not_before_ms)
        complain(p->wrong, STR("expires_on"), "It must come after not_before");
}

static bool says_nothing(const struct json_val *v)
{
    enum json_type t = json_type(v);
    if (t != JSON_OBJECT)
        return t == JSON_NONE || t == JSON_NULL || (t == JSON_ARRAY && !json_count(v));
    for (struct json_iter it = json_iter(v); json_next(&it);)
        if (!says_nothing(it.val))
            return false;
    return true;
}

/* A restriction that is not kept must not look as if it were. */
static void check_condition(const struct place *p, const struct json_val *v)
{
    if (json_type(v) == JSON_OBJECT && !says_nothing(v))
        complain(p->wrong, STR("condition"), "weir does not bind tokens to addresses");
}

static void read_members(const struct place *p, const struct json_val *body, struct token *ret)
{
    fields_check(fields, countof(fields), body, false, p->wrong);
    if (json_type(json_get(body, "policies")) == JSON_ARRAY)
        read_policies(p, json_get(body, "policies"), ret);
    read_gateways(p, json_get(body, "weir_gateways"), ret);
    read_bounds(p, body, ret);
    check_condition(p, json_get(body, "condition"));
    ret->name = arena_dup(p->wrong->arena, json_str(json_get(body, "name")));
    ret->disabled = str_eq(json_str(json_get(body, "status")), STR("disabled"));
}

void token_input(struct str body, const struct token_terms *terms, struct token *ret,
                 struct complaints *wrong)
{
    *ret = (struct token){.account = terms->account};
    struct place whole = {.wrong = wrong, .terms = terms, .key = STR("")};
    struct json_doc *doc;
    const struct json_val *root = body_read(body, &doc, wrong);
    if (root)
        read_members(&whole, root, ret);
    json_free(doc);
}

/* ---- writing ---- */

/* Whole seconds, as they came. */
static void put_time(struct json_out *w, const char *key, int64_t ms)
{
    char text[TIME_TEXT];
    clock_rfc3339(ms, text);
    memcpy(text + 19, "Z", 2);
    json_add_str(w, key, str_c(text));
}

void token_id_text(const struct token *t, char out[32])
{
    hex_encode(out, t->object->uuid.b, sizeof(t->object->uuid.b));
}

struct str token_status_word(const struct token *t, int64_t now_ms)
{
    static const struct str words[] = {[TOKEN_ACTIVE] = S("active"),
                                       [TOKEN_DISABLED] = S("disabled"),
                                       [TOKEN_EXPIRED] = S("expired"),
                                       [TOKEN_EARLY] = S("active")};
    return words[token_status(t, now_ms)];
}

void token_put_bounds(struct json_out *w, const struct token *t)
{
    if (t->not_before_ms)
        put_time(w, "not_before", t->not_before_ms);
    if (t->expires_ms)
        put_time(w, "expires_on", t->expires_ms);
}

static void put_group(struct json_out *w, const struct permission_row *row)
{
    json_open(w, '{');
    json_add_str(w, "id", row->id);
    json_add_str(w, "name", row->group);
    json_close(w, '}');
}

/* Of a token that the shell made: one policy says it all. */
static void put_policy(struct json_out *w, const struct token *t)
{
    char id[32], resource[96];
    token_id_text(t, id);
    snprintf(resource, sizeof(resource), "%.*s%.*s", STR_FMT(resource_prefix), STR_FMT(t->account));
    json_open(w, '[');
    json_open(w, '{');
    json_add_str(w, "id", str_of(id, sizeof(id)));
    json_add_str(w, "effect", STR("allow"));
    json_key(w, "permission_groups");
    json_open(w, '[');
    for (size_t i = 0; i < permission_count; i++)
        if (t->permissions & permission_rows[i].bit)
            put_group(w, &permission_rows[i]);
    json_close(w, ']');
    json_key(w, "resources");
    json_open(w, '{');
    json_add_str(w, resource, STR("*"));
    json_close(w, '}');
    json_close(w, '}');
    json_close(w, ']');
}

void token_put(struct json_out *w, const struct token *t, int64_t now_ms, struct str value)
{
    char id[32];
    token_id_text(t, id);
    json_open(w, '{');
    json_add_str(w, "id", str_of(id, sizeof(id)));
    json_add_str(w, "name", t->name);
    json_add_str(w, "status", token_status_word(t, now_ms));
    put_time(w, "issued_on", t->created_ms);
    put_time(w, "modified_on", t->object->modified_ms);
    token_put_bounds(w, t);
    json_key(w, "policies");
    if (t->policies.n)
        json_put_raw(w, t->policies);
    else
        put_policy(w, t);
    json_add_int(w, "weir_id", t->id);
    if (t->gateways) {
        json_key(w, "weir_gateways");
        json_open(w, '[');
        for (size_t i = 0; i < t->n_gateways; i++)
            json_put_str(w, t->gateways[i]);
        json_close(w, ']');
    }
    if (value.p)
        json_add_str(w, "value", value);
    json_close(w, '}');
}

void token_put_groups(struct json_out *w, struct str name, const struct token *asking)
{
    json_open(w, '[');
    for (size_t i = 0; i < permission_count; i++) {
        const struct permission_row *row = &permission_rows[i];
        const struct token it = {.permissions = row->bit}, all = {.permissions = asking->permissions};
        if (name.n && !str_ieq(row->group, name))
            continue;
        json_open(w, '{');
        json_add_str(w, "id", row->id);
        json_add_str(w, "name", row->group);
        json_add_str(w, "category", STR("ai_and_machine_learning"));
        json_add_bool(w, "is_selectable", token_within(&it, &all));
        json_add_raw(w, "scopes", STR("[\"com.cloudflare.api.account\"]"));
        json_close(w, '}');
    }
    json_close(w, ']');
}

void token_fields_document(struct buf *out)
{
    fields_document(out, fields, countof(fields));
}
