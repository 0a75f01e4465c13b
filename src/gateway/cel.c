/* SPDX-License-Identifier: Apache-2.0 */
/* What an expression answers. */
#include "gateway/cel_tree.h"

static const struct cel_value nothing = {.type = CEL_NOTHING};

static struct cel_value truth(bool yes)
{
    return (struct cel_value){.type = CEL_BOOL, .yes = yes};
}

static struct cel_value ask(const struct cel *e, const struct cel_input *in, struct arena *a);

/* ---- fields ---- */

static struct cel_value from_json(const struct json_val *v, struct arena *a)
{
    struct cel_value *items;
    size_t i = 0;
    switch (json_type(v)) {
    case JSON_NONE: return nothing;
    case JSON_NULL: return (struct cel_value){.type = CEL_NULL};
    case JSON_BOOL: return truth(json_bool(v, false));
    case JSON_NUMBER: return (struct cel_value){.type = CEL_NUMBER, .number = json_num(v, 0)};
    case JSON_STRING: return (struct cel_value){.type = CEL_TEXT, .text = json_str(v)};
    case JSON_OBJECT: return (struct cel_value){.type = CEL_MAP, .map = v};
    case JSON_ARRAY: break;
    }
    items = arena_alloc(a, (json_count(v) + 1) * sizeof(*items));
    for (struct json_iter it = json_iter(v); items && json_next(&it); i++)
        items[i] = json_type(it.val) == JSON_ARRAY ? nothing : from_json(it.val, a);
    return items ? (struct cel_value){.type = CEL_ARRAY, .items = items, .n = i} : nothing;
}

static struct cel_value text_or_nothing(struct str s)
{
    return s.p ? (struct cel_value){.type = CEL_TEXT, .text = s} : nothing;
}

static struct cel_value ask_root(struct str name, const struct cel_input *in)
{
    if (str_eq(name, STR("model")))
        return text_or_nothing(in->model);
    if (str_eq(name, STR("provider")))
        return text_or_nothing(in->provider);
    const struct json_val *map = str_eq(name, STR("cf")) ? in->cf : in->metadata;
    return json_type(map) == JSON_OBJECT ? (struct cel_value){.type = CEL_MAP, .map = map} : nothing;
}

static struct cel_value member(const struct cel_value *of, struct str name, struct arena *a)
{
    return of->type == CEL_MAP ? from_json(json_member(of->map, name), a) : nothing;
}

static struct cel_value ask_index(const struct cel_value *of, const struct cel_value *index, struct arena *a)
{
    if (index->type == CEL_TEXT)
        return member(of, index->text, a);
    double n = index->number;
    bool inside = of->type == CEL_ARRAY && index->type == CEL_NUMBER && n >= 0 && n < (double)of->n;
    return inside && n == (double)(size_t)n ? of->items[(size_t)n] : nothing;
}

/* ---- comparing ---- */

/* Values of different types are not equal; maps are not compared. */
static bool equals(const struct cel_value *x, const struct cel_value *y)
{
    if (x->type != y->type)
        return false;
    switch (x->type) {
    case CEL_NULL: return true;
    case CEL_BOOL: return x->yes == y->yes;
    case CEL_NUMBER: return x->number == y->number;
    case CEL_TEXT: return str_eq(x->text, y->text);
    case CEL_ARRAY:
        for (size_t i = 0; i < x->n && x->n == y->n; i++)
            if (!equals(&x->items[i], &y->items[i]))
                return false;
        return x->n == y->n;
    default: return false;
    }
}

static int order(struct str x, struct str y)
{
    size_t n = x.n < y.n ? x.n : y.n;
    int o = n ? memcmp(x.p, y.p, n) : 0;
    return o ? o : (x.n > y.n) - (x.n < y.n);
}

static struct cel_value compare(enum cel_op op, const struct cel_value *x, const struct cel_value *y)
{
    if (x->type != y->type || (x->type != CEL_NUMBER && x->type != CEL_TEXT))
        return nothing;
    int o = x->type == CEL_TEXT ? order(x->text, y->text) : (x->number > y->number) - (x->number < y->number);
    switch (op) {
    case CEL_LT: return truth(o < 0);
    case CEL_LE: return truth(o <= 0);
    case CEL_GT: return truth(o > 0);
    default: return truth(o >= 0);
    }
}

static struct cel_value is_in(const struct cel_value *x, const struct cel_value *y)
{
    if (y->type == CEL_MAP && x->type == CEL_TEXT)
        return truth(json_member(y->map, x->text) != NULL);
    if (y->type != CEL_ARRAY)
        return nothing;
    for (size_t i = 0; i < y->n; i++)
        if (equals(x, &y->items[i]))
            return truth(true);
    return truth(false);
}

/* ---- making ---- */

static struct cel_value add(const struct cel_value *x, const struct cel_value *y, struct arena *a)
{
    if (x->type != y->type)
        return nothing;
    if (x->type == CEL_NUMBER)
        return (struct cel_value){.type = CEL_NUMBER, .number = x->number + y->number};
    if (x->type == CEL_TEXT)
        return text_or_nothing(arena_join(a, (struct str[]){x->text, y->text}, 2));
    struct cel_value *items =
        x->type == CEL_ARRAY ? arena_alloc(a, (x->n + y->n + 1) * sizeof(*items)) : NULL;
    if (!items)
        return nothing;
    memcpy(items, x->items, x->n * sizeof(*items));
    memcpy(items + x->n, y->items, y->n * sizeof(*items));
    return (struct cel_value){.type = CEL_ARRAY, .items = items, .n = x->n + y->n};
}

/* Characters, not bytes: all but the continuations of UTF-8. */
static size_t characters(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static struct cel_value size_of(const struct cel_value *x)
{
    if (x->type != CEL_TEXT && x->type != CEL_ARRAY && x->type != CEL_MAP)
        return nothing;
    size_t n = x->type == CEL_TEXT ? characters(x->text) : x->type == CEL_ARRAY ? x->n : json_count(x->map);
    return (struct cel_value){.type = CEL_NUMBER, .number = (double)n};
}

static struct cel_value match(enum cel_op op, const struct cel_value *x, const struct cel_value *y)
{
    if (x->type != CEL_TEXT || y->type != CEL_TEXT)
        return nothing;
    if (op == CEL_CONTAINS)
        return truth(str_has(x->text, y->text));
    return truth(op == CEL_STARTS_WITH ? str_starts(x->text, y->text) : str_ends(x->text, y->text));
}

/* ---- all of it ---- */

/* One side that decides is enough, whatever becomes of the other. */
static struct cel_value ask_joint(const struct cel *e, const struct cel_input *in, struct arena *a)
{
    bool decides = e->op == CEL_OR;
    struct cel_value x = ask(e->args[0], in, a);
    if (x.type == CEL_BOOL && x.yes == decides)
        return x;
    struct cel_value y = ask(e->args[1], in, a);
    if (y.type == CEL_BOOL && y.yes == decides)
        return y;
    return x.type == CEL_BOOL && y.type == CEL_BOOL ? truth(!decides) : nothing;
}

static struct cel_value ask_list(const struct cel *e, const struct cel_input *in, struct arena *a)
{
    struct cel_value *items = arena_alloc(a, (e->n + 1) * sizeof(*items));
    for (size_t i = 0; items && i < e->n; i++)
        if ((items[i] = ask(e->args[i], in, a)).type == CEL_NOTHING)
            return nothing;
    return items ? (struct cel_value){.type = CEL_ARRAY, .items = items, .n = e->n} : nothing;
}

static struct cel_value ask_unary(const struct cel *e, const struct cel_value *x, struct arena *a)
{
    switch (e->op) {
    case CEL_MEMBER: return member(x, e->name, a);
    case CEL_NOT: return x->type == CEL_BOOL ? truth(!x->yes) : nothing;
    case CEL_MINUS:
        return x->type == CEL_NUMBER ? (struct cel_value){.type = CEL_NUMBER, .number = -x->number} : nothing;
    default: return size_of(x);
    }
}

static struct cel_value ask_binary(enum cel_op op, const struct cel_value *x, const struct cel_value *y,
                                   struct arena *a)
{
    switch (op) {
    case CEL_INDEX: return ask_index(x, y, a);
    case CEL_EQ: return truth(equals(x, y));
    case CEL_NE: return truth(!equals(x, y));
    case CEL_IN: return is_in(x, y);
    case CEL_ADD: return add(x, y, a);
    case CEL_STARTS_WITH:
    case CEL_ENDS_WITH:
    case CEL_CONTAINS: return match(op, x, y);
    default: return compare(op, x, y);
    }
}

static struct cel_value ask(const struct cel *e, const struct cel_input *in, struct arena *a)
{
    switch (e->op) {
    case CEL_VALUE: return e->value;
    case CEL_LIST: return ask_list(e, in, a);
    case CEL_ROOT: return ask_root(e->name, in);
    case CEL_AND:
    case CEL_OR: return ask_joint(e, in, a);
    case CEL_HAS: return truth(ask(e->args[0], in, a).type != CEL_NOTHING);
    default: break;
    }
    struct cel_value x = ask(e->args[0], in, a), y = e->n > 1 ? ask(e->args[1], in, a) : nothing;
    if (x.type == CEL_NOTHING || (e->n > 1 && y.type == CEL_NOTHING))
        return nothing;
    return e->n > 1 ? ask_binary(e->op, &x, &y, a) : ask_unary(e, &x, a);
}

enum cel_answer cel_ask(const struct cel *e, const struct cel_input *in, struct arena *a)
{
    struct cel_value v = ask(e, in, a);
    return v.type != CEL_BOOL ? CEL_UNKNOWN : v.yes ? CEL_TRUE : CEL_FALSE;
}

/* ---- templates ---- */

bool cel_is_field(struct str path)
{
    struct str root = str_cut(&path, '.');
    if (!path.p || (!str_eq(root, STR("cf")) && !str_eq(root, STR("metadata"))))
        return false;
    while (path.p) {
        struct str name = str_cut(&path, '.');
        for (size_t i = 0; i < name.n; i++) {
            char c = name.p[i];
            if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_' &&
                c != '-')
                return false;
        }
        if (!name.n)
            return false;
    }
    return true;
}

struct str cel_field_text(struct arena *a, const struct cel_input *in, struct str path)
{
    struct cel_value v = ask_root(str_cut(&path, '.'), in);
    while (path.p && v.type != CEL_NOTHING)
        v = member(&v, str_cut(&path, '.'), a);
    switch (v.type) {
    case CEL_TEXT: return v.text.n ? v.text : str_of(NULL, 0);
    case CEL_BOOL: return v.yes ? STR("true") : STR("false");
    case CEL_NUMBER: {
        char text[64];
        struct buf b;
        buf_init(&b, sizeof(text));
        struct json_out w = json_out(&b);
        json_put_num(&w, v.number);
        struct str s = arena_dup(a, buf_str(&b));
        buf_done(&b);
        return s;
    }
    default: return str_of(NULL, 0);
    }
}
