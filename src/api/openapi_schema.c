/* SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi_schema.h"
#include "api/openapi.h"

#include <stdio.h>

static void put_c(struct json_out *w, const char *key, const char *value)
{
    json_add_str(w, key, str_c(value));
}

static void put_doc(struct json_out *w, const char *doc)
{
    if (doc[0])
        put_c(w, "description", doc);
}

/* ---- types ---- */

static const struct word {
    const char *word, *kinds, *format;
} words[] = {
    {"any", NULL, NULL},
    {"bool", "boolean", NULL},
    {"int", "integer", NULL},
    {"null", "null", NULL},
    {"number", "number", NULL},
    {"object", "object", NULL},
    {"scalar", "string number boolean", NULL},
    {"step", "string integer", NULL},
    {"text", "string", NULL},
    {"text_or_object", "string object", NULL},
    {"time", "string", "date-time"},
    {"uuid", "string", "uuid"},
};

/* kinds apart by spaces; NULL: any. */
static void put_kinds(struct json_out *w, const char *kinds, bool null)
{
    struct str rest = str_c(kinds);
    bool several = rest.p && (null || str_has(rest, STR(" ")));
    if (rest.p)
        json_key(w, "type");
    if (several)
        json_open(w, '[');
    while (rest.p)
        json_put_str(w, str_cut(&rest, ' '));
    if (several && null)
        json_put_str(w, STR("null"));
    if (several)
        json_close(w, ']');
}

static void put_choices(struct json_out *w, struct str choices, bool null)
{
    put_kinds(w, "string", null);
    json_key(w, "enum");
    json_open(w, '[');
    while (choices.p)
        json_put_str(w, str_cut(&choices, ' '));
    if (null)
        json_put_null(w);
    json_close(w, ']');
}

static void put_inner(struct json_out *w, const char *key, struct str type)
{
    json_key(w, key);
    json_open(w, '{');
    schema_put_type(w, str_of(type.p + 1, type.n - 2));
    json_close(w, '}');
}

static void put_ref_key(struct json_out *w, struct str name)
{
    char ref[128];
    (void)snprintf(ref, sizeof(ref), "#/components/schemas/%.*s", STR_FMT(name));
    put_c(w, "$ref", ref);
}

static void put_shape_or_null(struct json_out *w, struct str name)
{
    json_key(w, "anyOf");
    json_open(w, '[');
    json_open(w, '{');
    put_ref_key(w, name);
    json_close(w, '}');
    json_open(w, '{');
    put_c(w, "type", "null");
    json_close(w, '}');
    json_close(w, ']');
}

static void put_named(struct json_out *w, struct str name, bool null)
{
    for (const struct word *k = words; k < words + countof(words); k++)
        if (str_eq(name, str_c(k->word))) {
            put_kinds(w, k->kinds, null);
            if (k->format)
                put_c(w, "format", k->format);
            if (k->kinds && str_ends(str_c(k->kinds), STR("object"))) {
                json_add_bool(w, "additionalProperties", true);
            }
            return;
        }
    if (null)
        put_shape_or_null(w, name);
    else
        put_ref_key(w, name);
}

void schema_put_type(struct json_out *w, struct str type)
{
    bool null = str_starts(type, STR("?"));
    type = str_from(type, null);
    if (str_starts(type, STR("["))) {
        put_kinds(w, "array", null);
        put_inner(w, "items", type);
    } else if (str_starts(type, STR("{"))) {
        put_kinds(w, "object", null);
        put_inner(w, "additionalProperties", type);
    } else if (str_starts(type, STR("="))) {
        put_choices(w, str_from(type, 1), null);
    } else {
        put_named(w, type, null);
    }
}

void schema_put_ref(struct json_out *w, const char *name)
{
    json_open(w, '{');
    put_ref_key(w, str_c(name));
    json_close(w, '}');
}

/* ---- fields ---- */

static void put_kind(struct json_out *w, const struct field *f, bool null)
{
    static const char *const types[] = {
        [FIELD_BOOL] = "bool",  [FIELD_INT] = "int",         [FIELD_NUMBER] = "number",
        [FIELD_TEXT] = "text",  [FIELD_ENUM] = "=",          [FIELD_OBJECT] = "object",
        [FIELD_LIST] = "[any]", [FIELD_STATUSES] = "[step]", [FIELD_TEXT_OR_OBJECT] = "text_or_object",
    };
    char type[256];
    (void)snprintf(type, sizeof(type), "%s%s%s", null ? "?" : "", types[f->kind],
                   f->kind == FIELD_ENUM ? f->choices : "");
    schema_put_type(w, str_c(type));
}

static void put_limits(struct json_out *w, const struct field *f)
{
    static const char *const names[][2] = {
        [FIELD_INT] = {"minimum", "maximum"},
        [FIELD_NUMBER] = {"minimum", "maximum"},
        [FIELD_TEXT] = {"minLength", "maxLength"},
        [FIELD_LIST] = {"minItems", "maxItems"},
    };
    bool counted = f->kind == FIELD_LIST || f->kind == FIELD_TEXT;
    if ((size_t)f->kind >= countof(names) || !names[f->kind][0] || (counted && !f->max))
        return;
    json_key(w, names[f->kind][0]);
    json_put_int(w, f->min);
    if (f->max != FIELD_INT_LARGE) {
        json_key(w, names[f->kind][1]);
        json_put_int(w, f->max);
    }
}

static void put_flag(struct json_out *w, const char *key, bool is)
{
    if (!is)
        return;
    json_add_bool(w, key, true);
}

/* type: NULL, or a closer one than the kind. */
static void put_field(struct json_out *w, const struct field *f, const char *type)
{
    if (type)
        schema_put_type(w, str_c(type));
    else
        put_kind(w, f, f->null != NULL);
    put_limits(w, f);
    put_flag(w, "x-weir-idle", f->flags & FIELD_IDLE); /* kept and shown; nothing acts on it yet */
    put_flag(w, "writeOnly", f->flags & FIELD_HIDDEN);
    if (f->omitted[0] && !(f->flags & FIELD_REQUIRED))
        json_add_raw(w, "default", str_c(f->omitted));
}

void schema_put_field(struct json_out *w, const struct field *f)
{
    put_field(w, f, NULL);
}

static const struct {
    const struct fields_table *table;
    const char *key, *type;
} lists[] = {
#define LISTS(table, key, type) {&table, #key, type},
#include "api/shapes.def"
};

static const char *type_of_list(const struct fields_table *t, const char *key)
{
    for (size_t i = 0; i < countof(lists); i++)
        if (lists[i].table == t && strcmp(lists[i].key, key) == 0)
            return lists[i].type;
    return NULL;
}

void schema_put_table(struct json_out *w, const struct fields_table *t)
{
    json_key(w, t->name);
    json_open(w, '{');
    put_c(w, "type", "object");
    json_key(w, "properties");
    json_open(w, '{');
    for (size_t i = 0; i < t->n; i++) {
        json_key(w, t->v[i].key);
        json_open(w, '{');
        put_doc(w, t->v[i].doc);
        put_field(w, &t->v[i], type_of_list(t, t->v[i].key));
        json_close(w, '}');
    }
    json_close(w, '}');
    json_close(w, '}');
}

/* ---- shapes ---- */

enum row_kind { ROW_SHAPE, ROW_KEY, ROW_MAY, ROW_LIKE, ROW_FIELDS };

static const struct row {
    enum row_kind kind;
    const char *name, *type, *doc;
    const struct fields_table *table;
} rows[] = {
#define SHAPE(name, doc) {ROW_SHAPE, #name, NULL, doc, NULL},
#define KEY(name, type, doc) {ROW_KEY, #name, type, doc, NULL},
#define MAY(name, type, doc) {ROW_MAY, #name, type, doc, NULL},
#define LIKE(shape) {ROW_LIKE, #shape, NULL, NULL, NULL},
#define FIELDS(table) {ROW_FIELDS, NULL, NULL, NULL, &table},
#include "api/shapes.def"
};

static bool is_of_shape(const struct row *r)
{
    return r < rows + countof(rows) && r->kind != ROW_SHAPE;
}

static const struct row *find_shape(const char *name)
{
    const struct row *r = rows;
    while (r < rows + countof(rows) && (r->kind != ROW_SHAPE || strcmp(r->name, name) != 0))
        r++;
    must(r < rows + countof(rows));
    return r;
}

/* Does the shape say itself what a key is? */
static bool names(const struct row *shape, const char *key)
{
    for (const struct row *r = shape + 1; is_of_shape(r); r++)
        if (r->kind <= ROW_MAY && strcmp(r->name, key) == 0)
            return true;
    return false;
}

static bool is_null(const char *json)
{
    return json && strcmp(json, "null") == 0;
}

/* As fields_write leaves it. */
static bool is_always_there(const struct field *f)
{
    return (f->flags & FIELD_REQUIRED || f->omitted[0]) && !(f->null && !f->null[0]);
}

enum part { PROPERTIES, REQUIRED };

static void put_fields(struct json_out *w, const struct row *shape, const struct fields_table *t,
                       enum part part)
{
    for (const struct field *f = t->v; f < t->v + t->n; f++) {
        if (names(shape, f->key) || f->flags & FIELD_HIDDEN)
            continue;
        if (part == PROPERTIES) {
            json_key(w, f->key);
            json_open(w, '{');
            put_kind(w, f, is_null(f->null) || is_null(f->omitted));
            put_doc(w, f->doc);
            json_close(w, '}');
        } else if (is_always_there(f)) {
            json_put_str(w, str_c(f->key));
        }
    }
}

static void put_member(struct json_out *w, const struct row *r, enum part part)
{
    if (part == PROPERTIES) {
        json_key(w, r->name);
        json_open(w, '{');
        schema_put_type(w, str_c(r->type));
        put_doc(w, r->doc);
        json_close(w, '}');
    } else if (r->kind == ROW_KEY) {
        json_put_str(w, str_c(r->name));
    }
}

static void put_rows(struct json_out *w, const struct row *shape, enum part part)
{
    for (const struct row *r = shape + 1; is_of_shape(r); r++)
        if (r->kind == ROW_LIKE)
            put_rows(w, find_shape(r->name), part);
        else if (r->kind == ROW_FIELDS)
            put_fields(w, shape, r->table, part);
        else
            put_member(w, r, part);
}

static void put_shape(struct json_out *w, const struct row *shape)
{
    json_key(w, shape->name);
    json_open(w, '{');
    put_c(w, "type", "object");
    put_doc(w, shape->doc);
    json_key(w, "required");
    json_open(w, '[');
    put_rows(w, shape, REQUIRED);
    json_close(w, ']');
    json_key(w, "properties");
    json_open(w, '{');
    put_rows(w, shape, PROPERTIES);
    json_close(w, '}');
    json_close(w, '}');
}

void schema_put_shapes(struct json_out *w)
{
    for (const struct row *r = rows; r < rows + countof(rows); r++)
        if (r->kind == ROW_SHAPE)
            put_shape(w, r);
}
