/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of .../custom-providers and .../custom-providers/costs (control plane section 8). */
#include "api/custom_providers.h"
#include "api/fields.h"
#include "api/openapi.h"
#include "api/objects.h"
#include "base/limits.h"
#include "gateway/custom.h"

#include <stdlib.h>

#define FIELD(key, kind, min, max, choices, omitted, null, flags, doc)                                       \
    {#key, FIELD_##kind, min, max, choices, omitted, null, flags, doc},
#define REQUIRED FIELD_REQUIRED
#define IDLE FIELD_IDLE
static const struct field provider_fields[] = {
#include "api/custom_provider_fields.def"
};
const struct fields_table custom_provider_table = {"CustomProviderBody", provider_fields,
                                                   countof(provider_fields)};
static const struct field cost_fields[] = {
#include "api/custom_cost_fields.def"
};
const struct fields_table custom_cost_table = {"CustomProviderCostBody", cost_fields, countof(cost_fields)};
#undef FIELD

void custom_fields_document(struct buf *out)
{
    (void)buf_append_c(
        out,
        "\n## Keys of a custom provider\n\nHow they are used: [custom providers](custom-providers.md).\n\n");
    fields_document(out, provider_fields, countof(provider_fields));
    (void)buf_append_c(out, "\n## Keys of a custom provider's cost\n\n");
    fields_document(out, cost_fields, countof(cost_fields));
}

/* ---- shared ---- */

static bool member_is(const struct object *o, const char *key, bool wanted)
{
    struct json_doc *doc = json_parse(o->settings);
    bool is = json_bool(json_get(json_root(doc), key), false);
    json_free(doc);
    return is == wanted;
}

static bool member_equals(const struct object *o, const char *key, struct str wanted)
{
    struct json_doc *doc = json_parse(o->settings);
    bool is = str_eq(json_str(json_get(json_root(doc), key)), wanted);
    json_free(doc);
    return is;
}

/* ---- providers: checking ---- */

static bool is_slug(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-')
            return false;
    return s.n > 0;
}

static void check_base_url(struct str url, struct complaints *wrong)
{
    struct upstream_url u;
    struct str prefix, key = STR("base_url");
    bool http = str_starts(url, STR("https://")) || str_starts(url, STR("http://"));
    if (!http || provider_parse_origin(url, &u, &prefix) != E_OK)
        complain(wrong, key,
                 "Expected https://host[:port][/path]; plain http works for networks of the setting "
                 "egress.allow");
}

/* Left out: the body keeps what is stored. */
static void check_provider(const struct json_val *body, bool partial, struct complaints *wrong)
{
    const char *why = NULL;
    struct str slug = json_str(json_get(body, "slug")), url = json_str(json_get(body, "base_url"));
    struct str chat = json_str(json_get(body, "weir_chat_path"));
    fields_check(provider_fields, countof(provider_fields), body, partial, wrong);
    if (wrong->first)
        return;
    if (slug.p && !is_slug(slug))
        complain(wrong, STR("slug"), "A slug has lower-case letters, digits and hyphens");
    if (url.p)
        check_base_url(url, wrong);
    if (chat.p && (str_has(chat, STR("{")) || str_has(chat, STR("?")) || str_has(chat, STR(".."))))
        complain(wrong, STR("weir_chat_path"), "Expected a path such as v1/chat/completions");
    if (custom_headers_read(wrong->arena, json_str(json_get(body, "headers")), NULL, &why) == E_SYNTAX)
        complain(wrong, STR("headers"), "%s", why);
}

/* ---- providers ---- */

static int by_position(const struct object *a, const struct object *b)
{
    const struct object *v[] = {a, b};
    double position[2];
    struct json_doc *docs[2];
    struct str name[2];
    for (size_t i = 0; i < 2; i++) {
        docs[i] = json_parse(v[i]->settings);
        position[i] = json_num(json_get(json_root(docs[i]), "position"), 0);
        name[i] = json_str(json_get(json_root(docs[i]), "name"));
    }
    size_t n = name[0].n < name[1].n ? name[0].n : name[1].n;
    int order = n ? memcmp(name[0].p, name[1].p, n) : 0;
    order = order ? order : (name[0].n > name[1].n) - (name[0].n < name[1].n);
    order = position[0] != position[1] ? (position[0] > position[1] ? 1 : -1) : order;
    json_free(docs[0]);
    json_free(docs[1]);
    return order;
}

struct provider_filter {
    struct str search, enable, beta; /* p == NULL: whatever */
};

static bool matches_provider(struct api_call *c, const struct object *o, const void *arg)
{
    (void)c;
    const struct provider_filter *f = arg;
    return (!f->enable.p || member_is(o, "enable", str_eq(f->enable, STR("true")))) &&
           (!f->beta.p || member_is(o, "beta", str_eq(f->beta, STR("true")))) &&
           (!f->search.n || str_has(o->settings, f->search));
}

void custom_providers_list(struct api_call *c)
{
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    struct provider_filter f = {ask_text(&k, "search"), ask_text(&k, "enable"), ask_text(&k, "beta")};
    (void)ask_bool(&k, "enable", false);
    (void)ask_bool(&k, "beta", false);
    struct object_list l = {
        .kind = KIND_CUSTOM_PROVIDER, .match = matches_provider, .arg = &f, .order = by_position};
    list_objects(c, &k, l);
}

/* old: what a PATCH changes; NULL: a new one. */
static void save_provider(struct api_call *c, const struct object *old)
{
    struct complaints wrong;
    struct json_doc *doc, *kept = old ? json_parse(old->settings) : NULL;
    complaints_init(&wrong, c->arena, "body");
    const struct json_val *body = body_read(buf_str(&c->body), &doc, &wrong);
    struct change change = object_change(c, old ? CHANGE_UPDATE : CHANGE_CREATE, KIND_CUSTOM_PROVIDER);
    if (body)
        check_provider(body, old != NULL, &wrong);
    if (!wrong.first) {
        struct str slug = json_str(json_get(body, "slug"));
        change.uuid = old ? old->uuid : api_call_uuid(c);
        change.if_modified = old ? old->modified_ms : 0;
        change.name = arena_dup(c->arena, slug.p ? slug : old->name);
        change.settings =
            fields_object(provider_fields, countof(provider_fields), body, json_root(kept), c->arena);
        save_object(c, &change, NULL, "slug");
    }
    json_free(kept);
    json_free(doc);
    if (wrong.first)
        reply_invalid(c, &wrong);
}

void custom_providers_create(struct api_call *c)
{
    save_provider(c, NULL);
}

void custom_providers_fetch(struct api_call *c)
{
    fetch_object(c, KIND_CUSTOM_PROVIDER, PARAM_ID, NULL);
}

void custom_providers_patch(struct api_call *c)
{
    const struct object *o = object_of_call(c, KIND_CUSTOM_PROVIDER, PARAM_ID);
    if (o)
        save_provider(c, o);
}

void custom_providers_delete(struct api_call *c)
{
    delete_object(c, KIND_CUSTOM_PROVIDER, PARAM_ID, NULL);
}

/* ---- costs ---- */

/* equals before starts-with before contains, the longer text before the shorter: as they are looked up. */
static int64_t weight_of(const struct json_val *settings)
{
    enum { EQUALS = 2000000, STARTS_WITH = 1000000, LONGEST = 999999 };
    struct str rule = json_str(json_get(settings, "model_rule"));
    size_t n = json_str(json_get(settings, "model")).n;
    int64_t base = str_eq(rule, STR("equals")) ? EQUALS : str_eq(rule, STR("starts-with")) ? STARTS_WITH : 0;
    return base + (n < LONGEST ? (int64_t)n : LONGEST);
}

/* token_pricing comes back as the text of what went in. */
static void put_cost(struct json_out *w, struct api_call *c, const struct object *o)
{
    struct json_doc *doc = json_parse(o->settings);
    const struct json_val *root = json_root(doc);
    json_open(w, '{');
    json_add_str(w, "id", object_id(c, o));
    for (struct json_iter it = json_iter(root); json_next(&it);) {
        json_key_str(w, it.key);
        if (!str_eq(it.key, STR("token_pricing")) || json_type(it.val) != JSON_OBJECT) {
            json_put_val(w, it.val);
            continue;
        }
        struct buf b;
        buf_init(&b, API_ANSWER_BYTES);
        struct json_out text = json_out(&b);
        json_put_val(&text, it.val);
        json_put_str(w, buf_str(&b));
        buf_done(&b);
    }
    json_add_str(w, "changed_by", STR("manual"));
    json_add_int(w, "weight", weight_of(root));
    put_time_ms(w, "created_at", o->created_ms);
    put_time_ms(w, "modified_at", o->modified_ms);
    json_close(w, '}');
    json_free(doc);
}

/* As everything that is to be priced by it will read it. */
static void check_rule(struct api_call *c, struct str slug, struct str settings, struct complaints *wrong)
{
    const char *why = NULL;
    struct str rule = custom_price_rule(c->arena, slug, settings);
    struct str list = arena_printf(c->arena, "[%.*s]", STR_FMT(rule));
    struct price_rules *rules = price_rules_load(list, &why);
    if (!rules)
        complain(wrong, STR(""), "%s", why);
    price_rules_free(rules);
}

/* Another rule of the provider for the same models would leave open which one counts. */
static bool is_taken(struct api_call *c, const struct object *provider, const struct object *self,
                     const struct json_val *settings)
{
    for (const struct object *o = NULL;
         (o = catalog_next_object(c->catalog, KIND_CUSTOM_COST, provider->account, 0, o)) != NULL;)
        if (o != self && o->parent == provider->id &&
            member_equals(o, "model", json_str(json_get(settings, "model"))) &&
            member_equals(o, "model_rule", json_str(json_get(settings, "model_rule"))))
            return true;
    return false;
}

static const struct object *provider_of(struct api_call *c, struct str id)
{
    struct uuid uuid;
    const struct object *o =
        object_uuid(id, &uuid) == E_OK ? catalog_object_uuid(c->catalog, KIND_CUSTOM_PROVIDER, uuid) : NULL;
    return o && str_eq(o->account, c->params[PARAM_ACCOUNT]) ? o : NULL;
}

/* The settings of a cost as they will be; p == NULL: there are complaints. */
static struct str cost_settings(struct api_call *c, const struct object *old,
                                const struct object **ret_provider, struct complaints *wrong)
{
    struct json_doc *doc, *kept = old ? json_parse(old->settings) : NULL;
    const struct json_val *body = body_read(buf_str(&c->body), &doc, wrong);
    struct str settings = {NULL, 0};
    if (body)
        fields_check(cost_fields, countof(cost_fields), body, old != NULL, wrong);
    if (!wrong->first)
        settings = fields_object(cost_fields, countof(cost_fields), body, json_root(kept), c->arena);
    json_free(kept);
    json_free(doc);
    struct json_doc *whole = settings.p ? json_parse(settings) : NULL;
    const struct json_val *root = json_root(whole);
    *ret_provider = provider_of(c, json_str(json_get(root, "account_provider_id")));
    if (whole && !*ret_provider)
        complain(wrong, STR("account_provider_id"), "No custom provider of this account has this id");
    else if (whole && is_taken(c, *ret_provider, old, root))
        complain(wrong, STR("model"), "Another rule of this provider has this model and model_rule");
    else if (whole)
        check_rule(c, STR("custom-x"), settings, wrong);
    json_free(whole);
    return settings;
}

static void save_cost(struct api_call *c, const struct object *old)
{
    struct complaints wrong;
    const struct object *provider;
    complaints_init(&wrong, c->arena, "body");
    struct str settings = cost_settings(c, old, &provider, &wrong);
    if (wrong.first) {
        reply_invalid(c, &wrong);
        return;
    }
    char *name = arena_alloc(c->arena, UUID_TEXT);
    struct change change = object_change(c, old ? CHANGE_UPDATE : CHANGE_CREATE, KIND_CUSTOM_COST);
    change.uuid = old ? old->uuid : api_call_uuid(c);
    change.if_modified = old ? old->modified_ms : 0;
    change.parent = provider->uuid;
    change.settings = settings;
    if (name)
        uuid_text(change.uuid, name);
    change.name = str_of(name, name ? UUID_TEXT : 0);
    save_object(c, &change, put_cost, "account_provider_id");
}

struct cost_filter {
    struct str enable, provider, rule, type, search;
};

static bool matches_cost(struct api_call *c, const struct object *o, const void *arg)
{
    (void)c;
    const struct cost_filter *f = arg;
    return (!f->enable.p || member_is(o, "enable", str_eq(f->enable, STR("true")))) &&
           (!f->provider.p || member_equals(o, "account_provider_id", f->provider)) &&
           (!f->rule.p || member_equals(o, "model_rule", f->rule)) &&
           (!f->type.p || member_equals(o, "cost_type", f->type)) &&
           (!f->search.n || str_has(o->settings, f->search));
}

void custom_costs_list(struct api_call *c)
{
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    struct cost_filter f = {ask_text(&k, "enable"), ask_text(&k, "account_provider_id"),
                            ask_text(&k, "model_rule"), ask_text(&k, "cost_type"), ask_text(&k, "search")};
    (void)ask_bool(&k, "enable", false);
    struct object_list l = {.kind = KIND_CUSTOM_COST, .match = matches_cost, .arg = &f, .put = put_cost};
    list_objects(c, &k, l);
}

void custom_costs_create(struct api_call *c)
{
    save_cost(c, NULL);
}

void custom_costs_fetch(struct api_call *c)
{
    fetch_object(c, KIND_CUSTOM_COST, PARAM_ID, put_cost);
}

void custom_costs_patch(struct api_call *c)
{
    const struct object *o = object_of_call(c, KIND_CUSTOM_COST, PARAM_ID);
    if (o)
        save_cost(c, o);
}

void custom_costs_delete(struct api_call *c)
{
    delete_object(c, KIND_CUSTOM_COST, PARAM_ID, put_cost);
}
