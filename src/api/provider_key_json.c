/* SPDX-License-Identifier: Apache-2.0 */
#include "api/provider_key_json.h"
#include "api/objects.h"
#include "api/openapi.h"
#include "base/limits.h"
#include "providers/credential.h"
#include "store/key_use.h"

#define FIELD(key, kind, min, max, choices, omitted, null, flags, doc)                                       \
    {#key, FIELD_##kind, min, max, choices, omitted, null, flags, doc},
#define HIDDEN FIELD_HIDDEN
#define REQUIRED FIELD_REQUIRED
#define INT_LARGE FIELD_INT_LARGE
static const struct field fields[] = {
#include "api/provider_key_fields.def"
};
const struct fields_table provider_key_table = {"ProviderConfigBody", fields, countof(fields)};
#undef FIELD

enum { SECRET_FIELDS = 2 };
static const struct field *const open_fields = fields + SECRET_FIELDS;
static const size_t n_open_fields = countof(fields) - SECRET_FIELDS;

/* ---- secrets ---- */

struct str provider_key_preview(struct arena *a, struct secret secret)
{
    struct str s = secret_reveal(secret);
    if (str_starts(s, STR("{")))
        return STR("{…}");
    /* of 24 characters 17 stay hidden: as good as all of them */
    size_t head = s.n >= 24 ? 3 : 0, tail = s.n >= 24 ? 4 : s.n >= 16 ? 2 : 0;
    struct str last = str_from(s, s.n - tail);
    return arena_printf(a, "%.*s…%.*s", STR_FMT(str_head(s, head)), STR_FMT(last));
}

void provider_key_put_use(struct json_out *w, const struct provider_key *k)
{
    json_add_str(w, "status",
                 !k->readable                ? STR("unreadable")
                 : k->use && k->use->failing ? STR("failing")
                                             : STR("active"));
    if (k->use && k->use->used_ms) {
        put_time_ms(w, "last_used_at", k->use->used_ms);
        return;
    }
    json_key(w, "last_used_at");
    json_put_null(w);
}

/* A custom provider takes any key that can stand in a header. */
static const struct provider *provider_of(struct str slug)
{
    return provider_find(str_starts(slug, STR("custom-")) && slug.n > 7 ? STR("openai") : slug);
}

void provider_key_check(struct str slug, struct secret secret, struct complaints *wrong)
{
    const char *why = credential_check(provider_of(slug), secret);
    if (why)
        complain(wrong, STR("secret"), "%s", why);
}

/* ---- the members ---- */

static bool is_alias(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~')
            return false;
    return str_trim(s).n == s.n;
}

static void check_names(struct str slug, struct str alias, struct complaints *wrong)
{
    if (!provider_of(slug))
        complain(wrong, STR("provider_slug"), "There is no provider '%.*s'", STR_FMT(slug));
    if (!is_alias(alias))
        complain(wrong, STR("alias"), "An alias is printable ASCII without blanks at its ends");
}

static struct str member(const struct json_val *body, const struct json_val *old, const char *key)
{
    const struct json_val *v = json_get(body, key);
    return json_str(v ? v : json_get(old, key));
}

static void check_unchanged(const struct json_val *body, const struct json_val *old, struct complaints *wrong)
{
    struct str now = json_str(json_get(body, "provider_slug"));
    if (now.p && !str_eq(now, json_str(json_get(old, "provider_slug"))))
        complain(wrong, STR("provider_slug"),
                 "A stored key stays with its provider: delete it, and store another");
}

static void read_secret(const struct json_val *body, bool create, struct provider_key_input *ret,
                        struct complaints *wrong)
{
    struct str secret = json_str(json_get(body, "secret")), id = json_str(json_get(body, "secret_id"));
    if (secret.n && id.n)
        complain(wrong, STR("secret_id"), "Give a secret, or the secret_id of another key, not both");
    else if (create && !secret.n && !id.n)
        complain(wrong, STR("secret"), "Required");
    ret->secret = secret_of(arena_dup(wrong->arena, str_trim(secret)));
    ret->secret_id = arena_dup(wrong->arena, id);
}

static void read_members(const struct json_val *body, const struct json_val *old,
                         struct provider_key_input *ret, struct complaints *wrong)
{
    bool create = json_type(old) != JSON_OBJECT;
    fields_check(fields, countof(fields), body, !create, wrong);
    if (wrong->first)
        return;
    struct str slug = member(body, old, "provider_slug"), alias = member(body, old, "alias");
    check_names(slug, alias, wrong);
    if (!create)
        check_unchanged(body, old, wrong);
    read_secret(body, create, ret, wrong);
    if (!wrong->first && secret_set(ret->secret))
        provider_key_check(slug, ret->secret, wrong);
    if (wrong->first)
        return;
    const struct json_val *preferred = json_get(body, "default_config");
    ret->preferred = json_bool(preferred ? preferred : json_get(old, "default_config"), false);
    ret->name = arena_printf(wrong->arena, "%.*s/%.*s", STR_FMT(slug), STR_FMT(alias));
    ret->settings = fields_object(open_fields, n_open_fields, body, old, wrong->arena);
}

void provider_key_input_read(struct str body, struct str old, struct provider_key_input *ret,
                             struct complaints *wrong)
{
    *ret = (struct provider_key_input){0};
    struct json_doc *doc, *before = old.p ? json_parse(old) : NULL;
    const struct json_val *root = body_read(body, &doc, wrong);
    if (root)
        read_members(root, json_root(before), ret, wrong);
    json_free(doc);
    json_free(before);
}

void provider_key_fields_document(struct buf *out)
{
    fields_document(out, fields, countof(fields));
}
