/* SPDX-License-Identifier: Apache-2.0 */
#include "store/audit.h"
#include "base/json.h"
#include "base/limits.h"

static bool may_hold_secret(struct str key)
{
    static const struct str names[] = {S("authorization"), S("headers"), S("secret"), S("password"),
                                       S("token")};
    for (size_t i = 0; i < countof(names); i++)
        if (str_ieq(key, names[i]))
            return true;
    return false;
}

static bool says_nothing(const struct json_val *v)
{
    enum json_type t = json_type(v);
    return t == JSON_NULL || t == JSON_BOOL || (t == JSON_STRING && !json_str(v).n) ||
           ((t == JSON_OBJECT || t == JSON_ARRAY) && json_count(v) == 0);
}

/* Nesting is capped by the parser. */
static void put_redacted(struct json_out *w, const struct json_val *v)
{
    enum json_type t = json_type(v);
    if (t != JSON_OBJECT && t != JSON_ARRAY) {
        json_put_val(w, v);
        return;
    }
    json_open(w, t == JSON_OBJECT ? '{' : '[');
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        if (t == JSON_OBJECT)
            json_key_str(w, it.key);
        if (t == JSON_OBJECT && may_hold_secret(it.key) && !says_nothing(it.val))
            json_put_str(w, STR("(hidden)"));
        else
            put_redacted(w, it.val);
    }
    json_close(w, t == JSON_OBJECT ? '}' : ']');
}

struct str audit_redact(struct arena *a, struct str settings)
{
    struct json_doc *doc = settings.n ? json_parse(settings) : NULL;
    struct str text = STR("");
    if (!doc)
        return text;
    struct buf b;
    buf_init(&b, AUDIT_BYTES);
    struct json_out w = json_out(&b);
    put_redacted(&w, json_root(doc));
    if (!b.full)
        text = arena_dup(a, buf_str(&b));
    buf_done(&b);
    json_free(doc);
    return text.p ? text : STR("");
}

void audit_page_free(struct audit_page *p)
{
    if (!p)
        return;
    struct arena a = p->arena; /* the page may lie in it */
    arena_done(&a);
}
