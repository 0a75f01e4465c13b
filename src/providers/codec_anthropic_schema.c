/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON schemas that the API compiles into a grammar (structured outputs, strict tools). It refuses
 * constraints that a grammar cannot check, open objects and recursion. Constraints move into descriptions,
 * where the model at least reads them; objects are closed; what stays impossible is said by words elsewhere.
 */
#include "providers/codec_anthropic.h"

enum { NODES = 4096, DEPTH = 64 }; /* beyond it, or by recursion, the API would say "too complex" */

struct schema {
    const struct json_val *root;
    struct json_out w;
    int nodes;
    bool impossible;
};

static bool is_listed(struct str key, const char *const *list)
{
    for (; *list; list++)
        if (str_eq(key, str_c(*list)))
            return true;
    return false;
}

/* "#/$defs/NAME": what it points at. */
static const struct json_val *resolve(const struct schema *s, struct str ref)
{
    const struct json_val *v = s->root;
    struct str rest = ref;
    if (!str_eq(str_cut(&rest, '/'), STR("#")))
        return NULL;
    while (rest.p)
        v = json_member(v, str_cut(&rest, '/'));
    return v;
}

static bool is_object(const struct json_val *v)
{
    const struct json_val *type = json_get(v, "type");
    if (json_type(type) == JSON_STRING)
        return str_eq(json_str(type), STR("object"));
    for (struct json_iter it = json_iter(type); json_next(&it);)
        if (str_eq(json_str(it.val), STR("object")))
            return true;
    return json_type(json_get(v, "properties")) == JSON_OBJECT;
}

/* An object whose names are not known beforehand. */
static bool is_map(const struct json_val *v)
{
    const struct json_val *more = json_get(v, "additionalProperties");
    if (!is_object(v))
        return false;
    return json_type(more) == JSON_OBJECT || json_get(v, "patternProperties") ||
           (json_count(json_get(v, "properties")) == 0 && json_bool(more, true));
}

/* Follows references, so that what never ends is found. */
static void look_at(struct schema *s, const struct json_val *v, int depth)
{
    if (++s->nodes > NODES || depth > DEPTH || (json_type(v) == JSON_OBJECT && is_map(v)))
        s->impossible = true;
    if (s->impossible)
        return;
    struct str ref = codec_text(v, "$ref");
    if (ref.p) {
        const struct json_val *to = resolve(s, ref);
        s->impossible |= !to;
        look_at(s, to, depth + 1);
    }
    static const char *const lists[] = {"anyOf", "oneOf", "allOf"};
    for (size_t i = 0; i < countof(lists); i++)
        for (struct json_iter it = json_iter(json_get(v, lists[i])); json_next(&it);)
            look_at(s, it.val, depth + 1);
    for (struct json_iter it = json_iter(json_get(v, "properties")); json_next(&it);)
        look_at(s, it.val, depth + 1);
    if (json_get(v, "items"))
        look_at(s, json_get(v, "items"), depth + 1);
}

/* ---- writing --------------------------------------------------------------------------------------- */

static void put_schema(struct schema *s, const struct json_val *v);

static void put_named(struct schema *s, const struct json_val *object)
{
    json_open(&s->w, '{');
    for (struct json_iter it = json_iter(object); json_next(&it);) {
        json_key_str(&s->w, it.key);
        put_schema(s, it.val);
    }
    json_close(&s->w, '}');
}

static void put_list(struct schema *s, const struct json_val *list)
{
    json_open(&s->w, '[');
    for (struct json_iter it = json_iter(list); json_next(&it);)
        put_schema(s, it.val);
    json_close(&s->w, ']');
}

static bool is_kept_value(struct str key, const struct json_val *v)
{
    static const char *const keys[] = {"type", "enum", "const", "$ref", "title", "default", "required", NULL};
    static const char *const formats[] = {"date-time", "time", "date", "duration", "email", "hostname",
                                          "uri",       "ipv4", "ipv6", "uuid",     NULL};
    if (str_eq(key, STR("format")))
        return is_listed(json_str(v), formats);
    if (str_eq(key, STR("minItems"))) {
        int64_t n = codec_int(v);
        return n == 0 || n == 1;
    }
    return is_listed(key, keys);
}

static bool is_kept(struct str key, const struct json_val *v)
{
    static const char *const keys[] = {"properties", "$defs", "definitions", "anyOf", "allOf", "oneOf", NULL};
    if (str_eq(key, STR("items")))
        return json_type(v) == JSON_OBJECT;
    return is_listed(key, keys) || is_kept_value(key, v);
}

static void put_kept(struct schema *s, struct str key, const struct json_val *v)
{
    bool one_of = str_eq(key, STR("oneOf"));
    json_key_str(&s->w, one_of ? STR("anyOf") : key);
    if (is_kept_value(key, v))
        json_put_val(&s->w, v);
    else if (json_type(v) == JSON_ARRAY)
        put_list(s, v);
    else if (str_eq(key, STR("items")))
        put_schema(s, v);
    else
        put_named(s, v);
}

/* The description, and behind it as JSON what had to be left out. */
static void put_description(struct schema *s, struct str text, const struct buf *left_out)
{
    struct buf b;
    buf_init(&b, s->w.b->max);
    (void)buf_append(&b, text);
    if (left_out->n) {
        (void)buf_append(&b, text.n ? STR("\n\n{") : STR("{"));
        (void)buf_append(&b, buf_str(left_out));
        (void)buf_append(&b, STR("}"));
    }
    json_add_str(&s->w, "description", buf_str(&b));
    buf_done(&b);
}

static void put_closed(struct schema *s)
{
    json_add_bool(&s->w, "additionalProperties", false);
}

static void find_left_out(const struct json_val *v, struct buf *left_out)
{
    static const char *const elsewhere[] = {"description", "additionalProperties", "$schema", "$id", NULL};
    struct json_out w = json_out(left_out);
    for (struct json_iter it = json_iter(v); json_next(&it);)
        if (!is_listed(it.key, elsewhere) && !is_kept(it.key, it.val)) {
            json_key_str(&w, it.key);
            json_put_val(&w, it.val);
        }
}

/* Members stay in their order. */
static void put_members(struct schema *s, const struct json_val *v, const struct buf *left_out)
{
    bool described = false, closed = !is_object(v);
    if (is_object(v) && !json_get(v, "type"))
        json_add_str(&s->w, "type", STR("object"));
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        if (str_eq(it.key, STR("description")) && !described) {
            put_description(s, json_str(it.val), left_out);
            described = true;
        } else if (str_eq(it.key, STR("additionalProperties")) && !closed) {
            put_closed(s);
            closed = true;
        } else if (is_kept(it.key, it.val)) {
            put_kept(s, it.key, it.val);
        }
    }
    if (!described && left_out->n)
        put_description(s, STR(""), left_out);
    if (!closed)
        put_closed(s);
}

static void put_schema(struct schema *s, const struct json_val *v)
{
    if (json_type(v) != JSON_OBJECT) { /* true, false */
        json_put_val(&s->w, v);
        return;
    }
    struct buf left_out;
    buf_init(&left_out, s->w.b->max);
    find_left_out(v, &left_out);
    json_open(&s->w, '{');
    put_members(s, v, &left_out);
    json_close(&s->w, '}');
    buf_done(&left_out);
}

struct str anthropic_schema(struct arena *a, struct str schema)
{
    struct str out = {NULL, 0};
    struct json_doc *doc = json_parse_exact(schema, NULL, NULL);
    struct schema s = {.root = json_root(doc)};
    if (json_type(s.root) == JSON_OBJECT)
        look_at(&s, s.root, 0);
    if (json_type(s.root) == JSON_OBJECT && !s.impossible) {
        struct buf b;
        buf_init(&b, a->cap);
        s.w = json_out(&b);
        put_schema(&s, s.root);
        if (!b.full)
            out = arena_dup(a, buf_str(&b));
        buf_done(&b);
    }
    json_free(doc);
    return out;
}
