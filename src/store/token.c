/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of KIND_TOKEN as the catalogue's tokens. */
#include "store/token.h"
#include "base/json.h"
#include "base/limits.h"

const struct permission_row permission_rows[] = {
#define PERMISSION(name, bit, word, id, group, says) {PERM_##name, S(word), S(id), S(group), S(says)},
#include "store/permissions.def"
#undef PERMISSION
};
const size_t permission_count = countof(permission_rows);

void token_text(char out[TOKEN_TEXT + 1])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char prefix[] = "weir_";
    size_t n = sizeof(prefix) - 1;
    memcpy(out, prefix, n);
    while (n < TOKEN_TEXT) {
        unsigned char bytes[64];
        random_bytes(bytes, sizeof(bytes));
        /* 248 = 4 * 62: what is above would favour the first digits */
        for (size_t i = 0; i < sizeof(bytes) && n < TOKEN_TEXT; i++)
            if (bytes[i] < 248)
                out[n++] = digits[bytes[i] % 62];
    }
    out[n] = '\0';
}

/* ---- settings ---- */

/* A list that cannot be read is one of no gateway: never of all. */
static bool read_gateways(struct arena *a, const struct json_val *list, struct token *ret)
{
    if (json_type(list) == JSON_NONE)
        return true;
    struct str *all = arena_alloc(a, (json_count(list) + 1) * sizeof(*all));
    for (struct json_iter it = json_iter(list); all && json_next(&it);)
        all[ret->n_gateways++] = arena_dup(a, json_str(it.val));
    ret->gateways = all;
    return all;
}

static struct str read_policies(struct arena *a, const struct json_val *list)
{
    if (json_type(list) != JSON_ARRAY)
        return STR("");
    struct buf b;
    buf_init(&b, CATALOG_BYTES);
    struct json_out w = json_out(&b);
    json_put_val(&w, list);
    struct str text = arena_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

bool token_read(struct arena *a, const struct object *o, struct token *ret)
{
    struct json_doc *doc = json_parse(o->settings);
    const struct json_val *root = json_root(doc);
    int64_t permissions = 0;
    *ret = (struct token){.id = o->id,
                          .object = o,
                          .account = o->account,
                          .name = o->name,
                          .created_ms = o->created_ms,
                          .disabled = json_bool(json_get(root, "disabled"), false),
                          .policies = read_policies(a, json_get(root, "policies"))};
    bool ok = o->secret.n == SHA256_BYTES && json_uint(json_get(root, "permissions"), &permissions) &&
              read_gateways(a, json_get(root, "gateways"), ret);
    (void)json_uint(json_get(root, "expires_ms"), &ret->expires_ms);
    (void)json_uint(json_get(root, "not_before_ms"), &ret->not_before_ms);
    json_free(doc);
    ret->permissions = (unsigned)permissions & PERM_ALL;
    if (ok)
        memcpy(ret->hash, o->secret.p, SHA256_BYTES);
    return ok;
}

struct str token_settings(struct arena *a, const struct token *t)
{
    struct buf b;
    buf_init(&b, CATALOG_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    json_add_int(&w, "permissions", t->permissions);
    json_add_int(&w, "expires_ms", t->expires_ms);
    json_add_int(&w, "not_before_ms", t->not_before_ms);
    json_add_bool(&w, "disabled", t->disabled);
    if (t->gateways) {
        json_key(&w, "gateways");
        json_open(&w, '[');
        for (size_t i = 0; i < t->n_gateways; i++)
            json_put_str(&w, t->gateways[i]);
        json_close(&w, ']');
    }
    if (t->policies.n)
        json_add_raw(&w, "policies", t->policies);
    json_close(&w, '}');
    struct str text = b.full ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

/* ---- what it may ---- */

enum token_status token_status(const struct token *t, int64_t now_ms)
{
    return t->disabled                                     ? TOKEN_DISABLED
           : t->expires_ms && t->expires_ms <= now_ms      ? TOKEN_EXPIRED
           : t->not_before_ms && t->not_before_ms > now_ms ? TOKEN_EARLY
                                                           : TOKEN_ACTIVE;
}

bool token_covers(const struct token *t, struct str gateway)
{
    for (size_t i = 0; i < t->n_gateways; i++)
        if (str_eq(t->gateways[i], gateway))
            return true;
    return !t->gateways;
}

static unsigned with_included(unsigned permissions)
{
    if (permissions & PERM_WRITE)
        permissions |= PERM_READ;
    return permissions & PERM_READ ? permissions | PERM_METADATA_READ : permissions;
}

bool token_within(const struct token *inner, const struct token *outer)
{
    if (with_included(inner->permissions) & ~with_included(outer->permissions))
        return false;
    if (outer->expires_ms && (!inner->expires_ms || inner->expires_ms > outer->expires_ms))
        return false;
    if (outer->gateways && !inner->gateways)
        return false;
    for (size_t i = 0; i < inner->n_gateways; i++)
        if (!token_covers(outer, inner->gateways[i]))
            return false;
    return true;
}
