/* SPDX-License-Identifier: Apache-2.0 */
#include "api/fields.h"
#include "base/limits.h"
#include "store/gateway_policy.h"

#include <math.h>

static const char *const type_names[] = {
    [JSON_NONE] = "undefined", [JSON_NULL] = "null",   [JSON_BOOL] = "boolean",  [JSON_NUMBER] = "number",
    [JSON_STRING] = "string",  [JSON_ARRAY] = "array", [JSON_OBJECT] = "object",
};

static const enum json_type type_of_kind[] = {
    [FIELD_BOOL] = JSON_BOOL,   [FIELD_INT] = JSON_NUMBER,     [FIELD_NUMBER] = JSON_NUMBER,
    [FIELD_TEXT] = JSON_STRING, [FIELD_ENUM] = JSON_STRING,    [FIELD_OBJECT] = JSON_OBJECT,
    [FIELD_LIST] = JSON_ARRAY,  [FIELD_STATUSES] = JSON_ARRAY,
};

const char *json_type_name(enum json_type t)
{
    return type_names[t];
}

const struct json_val *body_read(struct str body, struct json_doc **ret_doc, struct complaints *wrong)
{
    struct json_doc *doc = *ret_doc = json_parse(body);
    const struct json_val *root = json_root(doc);
    if (!doc)
        complain(wrong, STR(""), "The body is not valid JSON");
    else if (json_type(root) != JSON_OBJECT)
        complain(wrong, STR(""), "Expected object, received %s", type_names[json_type(root)]);
    return json_type(root) == JSON_OBJECT ? root : NULL;
}

/* ---- one value ---- */

static bool has_choice(const char *choices, struct str s)
{
    struct str rest = str_c(choices);
    while (rest.p)
        if (str_eq(str_cut(&rest, ' '), s))
            return true;
    return false;
}

static void check_number(const struct field *f, double d, struct complaints *wrong)
{
    struct str key = str_c(f->key);
    if (f->kind == FIELD_INT && d != floor(d))
        complain(wrong, key, "Expected integer, received float");
    else if (!(d >= (double)f->min))
        complain(wrong, key, "Number must be greater than or equal to %lld", (long long)f->min);
    else if (d > (double)f->max)
        complain(wrong, key, "Number must be less than or equal to %lld", (long long)f->max);
}

static void check_size(const struct field *f, size_t n, const char *what, struct complaints *wrong)
{
    struct str key = str_c(f->key);
    const char *type = f->kind == FIELD_TEXT ? "String" : "Array";
    if (n < (size_t)f->min)
        complain(wrong, key, "%s must contain at least %lld %s(s)", type, (long long)f->min, what);
    else if (f->max && n > (size_t)f->max)
        complain(wrong, key, "%s must contain at most %lld %s(s)", type, (long long)f->max, what);
}

static void check_enum(const struct field *f, struct str s, struct complaints *wrong)
{
    if (has_choice(f->choices, s))
        return;
    struct str shown = str_head(s, 64), rest = str_c(f->choices), list = STR("");
    while (rest.p) {
        struct str one = str_cut(&rest, ' ');
        list = arena_printf(wrong->arena, "%.*s%s'%.*s'", STR_FMT(list), list.n ? " | " : "", STR_FMT(one));
    }
    complain(wrong, str_c(f->key), "Invalid enum value. Expected %.*s, received '%.*s'", STR_FMT(list),
             STR_FMT(shown));
}

/* Only the first wrong element is named: one complaint for each key. */
static void check_statuses(const struct field *f, const struct json_val *list, struct complaints *wrong)
{
    struct statuses s = {0};
    size_t i = 0;
    for (struct json_iter it = json_iter(list); json_next(&it); i++)
        if (!statuses_add_json(&s, it.val)) {
            complain(wrong, arena_printf(wrong->arena, "%s.%zu", f->key, i),
                     "Expected a status from 400 to 599, '4xx' or '5xx'");
            return;
        }
}

static void check_value(const struct field *f, const struct json_val *v, struct complaints *wrong)
{
    switch (f->kind) {
    case FIELD_INT:
    case FIELD_NUMBER: check_number(f, json_num(v, 0), wrong); break;
    case FIELD_TEXT: check_size(f, json_str(v).n, "character", wrong); break;
    case FIELD_LIST: check_size(f, json_count(v), "element", wrong); break;
    case FIELD_ENUM: check_enum(f, json_str(v), wrong); break;
    case FIELD_STATUSES: check_statuses(f, v, wrong); break;
    default: break;
    }
}

void field_check(const struct field *f, const struct json_val *v, bool partial, struct complaints *wrong)
{
    enum json_type got = json_type(v), want = type_of_kind[f->kind];
    if (got == JSON_NONE) {
        if ((f->flags & FIELD_REQUIRED) && !partial)
            complain(wrong, str_c(f->key), "Required");
    } else if (got == JSON_NULL && f->null) {
        return;
    } else if (f->kind == FIELD_TEXT_OR_OBJECT) {
        if (got != JSON_STRING && got != JSON_OBJECT)
            complain(wrong, str_c(f->key), "Expected string or object, received %s", type_names[got]);
    } else if (got != want) {
        complain(wrong, str_c(f->key), "Expected %s, received %s", type_names[want], type_names[got]);
    } else {
        check_value(f, v, wrong);
    }
}

void fields_check(const struct field *f, size_t n, const struct json_val *body, bool partial,
                  struct complaints *wrong)
{
    for (size_t i = 0; i < n; i++)
        field_check(&f[i], json_get(body, f[i].key), partial, wrong);
}

/* ---- writing ---- */

/* Writes a member; tells its value's text, p == NULL when the key stays out. */
static struct str put_member(struct json_out *w, const struct field *f, const struct json_val *v)
{
    enum json_type type = json_type(v);
    if ((type == JSON_NONE && !f->omitted[0]) || (type == JSON_NULL && f->null && !f->null[0]))
        return str_of(NULL, 0);
    json_key(w, f->key);
    size_t start = w->b->n;
    if (type == JSON_NONE)
        json_put_raw(w, str_c(f->omitted));
    else if (type == JSON_NULL && f->null)
        json_put_raw(w, str_c(f->null));
    else if (f->kind == FIELD_INT && type == JSON_NUMBER) /* 5.0 is 5 */
        json_put_int(w, (int64_t)json_num(v, 0));
    else
        json_put_val(w, v);
    return str_from(buf_str(w->b), start);
}

/* Does a value ask for nothing beyond what happens anyway? */
static bool is_neutral(const struct field *f, struct str value)
{
    static const struct str nothings[] = {S("null"), S("false"), S("0"), S("{}"), S("[]")};
    for (size_t i = 0; i < countof(nothings); i++)
        if (str_eq(value, nothings[i]))
            return true;
    return !value.p || str_eq(value, str_c(f->omitted));
}

struct str fields_write(struct json_out *w, const struct field *f, size_t n, const struct json_val *body,
                        const struct json_val *old, struct arena *a)
{
    struct str idle = STR("");
    for (size_t i = 0; i < n; i++) {
        const struct json_val *v = json_get(body, f[i].key);
        struct str value = put_member(w, &f[i], v ? v : json_get(old, f[i].key));
        if ((f[i].flags & FIELD_IDLE) && !is_neutral(&f[i], value))
            idle = arena_printf(a, "%.*s%s%s", STR_FMT(idle), idle.n ? ", " : "", f[i].key);
    }
    return idle;
}

struct str fields_object(const struct field *f, size_t n, const struct json_val *body,
                         const struct json_val *old, struct arena *a)
{
    struct buf b;
    buf_init(&b, 2 * API_BODY_BYTES); /* escapes may grow */
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    (void)fields_write(&w, f, n, body, old, a);
    json_close(&w, '}');
    struct str text = b.full ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

/* ---- documentation ---- */

static void document_range(struct buf *out, const struct field *f)
{
    if (f->kind == FIELD_TEXT)
        (void)buf_printf(out, ", %lld to %lld bytes", (long long)f->min, (long long)f->max);
    else if (f->kind == FIELD_LIST && f->max)
        (void)buf_printf(out, " of %lld to %lld", (long long)f->min, (long long)f->max);
    else if ((f->kind == FIELD_INT || f->kind == FIELD_NUMBER) && f->max == FIELD_INT_LARGE)
        (void)buf_printf(out, " from %lld", (long long)f->min);
    else if (f->kind == FIELD_INT || f->kind == FIELD_NUMBER)
        (void)buf_printf(out, ", %lld to %lld", (long long)f->min, (long long)f->max);
}

static void document_values(struct buf *out, const struct field *f)
{
    static const char *const kinds[] = {
        [FIELD_BOOL] = "boolean",
        [FIELD_INT] = "integer",
        [FIELD_NUMBER] = "number",
        [FIELD_TEXT] = "text",
        [FIELD_ENUM] = "",
        [FIELD_OBJECT] = "object",
        [FIELD_LIST] = "array",
        [FIELD_STATUSES] = "array of 400 to 599, `\"4xx\"`, `\"5xx\"`",
        [FIELD_TEXT_OR_OBJECT] = "text or object",
    };
    (void)buf_append_c(out, kinds[f->kind]);
    struct str rest = str_c(f->kind == FIELD_ENUM ? f->choices : NULL);
    for (const char *sep = ""; rest.p; sep = ", ") {
        struct str one = str_cut(&rest, ' ');
        (void)buf_printf(out, "%s`%.*s`", sep, STR_FMT(one));
    }
    document_range(out, f);
    if (f->null)
        (void)buf_append_c(out, ", `null`");
}

void fields_document(struct buf *out, const struct field *f, size_t n)
{
    (void)buf_append_c(out, "| Key | Values | When left out | Meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < n; i++) {
        (void)buf_printf(out, "| `%s` | ", f[i].key);
        document_values(out, &f[i]);
        if (f[i].flags & FIELD_REQUIRED)
            (void)buf_append_c(out, " | refused");
        else
            (void)buf_printf(out, f[i].omitted[0] ? " | `%s`" : " | absent%s", f[i].omitted);
        (void)buf_printf(out, " | %s%s |\n", f[i].doc, f[i].flags & FIELD_IDLE ? " *Not acted on yet.*" : "");
    }
}
