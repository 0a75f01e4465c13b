/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/route_condition.h"
#include "base/limits.h"

struct reading {
    struct arena *arena;
    struct complaints *wrong;
    bool text; /* the condition is text: no key leads inside */
};

static const struct {
    const char *name;
    enum condition_op op;
} operators[] = {{"$eq", CONDITION_EQ},         {"$ne", CONDITION_NE},   {"$gt", CONDITION_GT},
                 {"$gte", CONDITION_GTE},       {"$lt", CONDITION_LT},   {"$lte", CONDITION_LTE},
                 {"$in", CONDITION_IN},         {"$nin", CONDITION_NIN}, {"$not", CONDITION_NOT},
                 {"$exists", CONDITION_EXISTS}, {"$and", CONDITION_AND}, {"$or", CONDITION_OR}};

static struct str inside(struct reading *r, struct str at, struct str name)
{
    return r->text ? at : complaint_in(r->wrong, at, name);
}

static struct str nth(struct reading *r, struct str at, size_t i)
{
    return r->text ? at : complaint_nth(r->wrong, at, i);
}

static bool is_operator(struct str name)
{
    return str_starts(name, STR("$"));
}

/* False with a complaint. */
static bool find_operator(struct reading *r, struct str name, struct str at, enum condition_op *ret)
{
    for (size_t i = 0; i < countof(operators); i++)
        if (str_eq(name, str_c(operators[i].name))) {
            *ret = operators[i].op;
            return true;
        }
    complain(r->wrong, at,
             "There is no operator %.*s here; there are $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists, "
             "$not, and around others $and and $or",
             STR_FMT(str_head(name, 64)));
    return false;
}

bool condition_field(struct str name)
{
    static const struct str roots[] = {S("metadata."), S("headers."), S("body.")};
    for (size_t i = 0; i < countof(roots); i++)
        if (str_starts(name, roots[i]))
            return name.n > roots[i].n;
    return false;
}

static bool is_scalar(const struct json_val *v)
{
    enum json_type t = json_type(v);
    return t == JSON_NULL || t == JSON_BOOL || t == JSON_NUMBER || t == JSON_STRING;
}

/* ---- values ---- */

static struct condition_value value_of(struct reading *r, const struct json_val *v)
{
    return (struct condition_value){.type = json_type(v),
                                    .text = json_str(v).p ? arena_dup(r->arena, json_str(v)) : STR(""),
                                    .number = json_num(v, 0),
                                    .yes = json_bool(v, false)};
}

static void read_values(struct reading *r, const struct json_val *v, struct str at, struct condition *c)
{
    size_t n = json_count(v), i = 0;
    struct condition_value *values = arena_alloc(r->arena, (n + 1) * sizeof(*values));
    if (json_type(v) != JSON_ARRAY || !n) {
        complain(r->wrong, at, "Expected an array of texts, numbers and booleans");
        return;
    }
    for (struct json_iter it = json_iter(v); values && json_next(&it); i++) {
        if (!is_scalar(it.val))
            complain(r->wrong, nth(r, at, i), "Expected a text, number, boolean or null");
        values[i] = value_of(r, it.val);
    }
    if (!values)
        complain(r->wrong, at, "Too large");
    c->values = values;
    c->n = values ? n : 0;
}

/* What the operator takes, one of: a boolean, something with an order, anything flat. */
static void read_value(struct reading *r, const struct json_val *v, struct str at, struct condition *c)
{
    enum json_type t = json_type(v);
    struct condition_value *value = arena_new(r->arena, struct condition_value);
    if (c->op == CONDITION_EXISTS && t != JSON_BOOL)
        complain(r->wrong, at, "Expected true or false");
    else if (c->op >= CONDITION_GT && c->op <= CONDITION_LTE && t != JSON_NUMBER && t != JSON_STRING)
        complain(r->wrong, at, "Expected a number or a text");
    else if (!is_scalar(v))
        complain(r->wrong, at, "Expected a text, number, boolean or null");
    if (!value) {
        complain(r->wrong, at, "Too large");
        return;
    }
    *value = value_of(r, v);
    c->values = value;
    c->n = 1;
}

/* ---- documents ---- */

static struct condition *make_parts(struct reading *r, size_t n, enum condition_op op, struct condition *c)
{
    struct condition *parts = arena_zalloc(r->arena, (n + 1) * sizeof(*parts));
    *c = (struct condition){.op = op, .parts = parts, .n = parts ? n : 0};
    if (!parts)
        complain(r->wrong, STR("elements"), "Too large");
    return parts;
}

static void read_document(struct reading *r, const struct json_val *v, struct str at, int depth,
                          struct condition *c);

static void read_operators(struct reading *r, const struct json_val *v, struct str field, struct str at,
                           int depth, struct condition *c);

static void read_operator(struct reading *r, const struct json_val *v, struct str at, int depth,
                          struct condition *c)
{
    switch (c->op) {
    case CONDITION_AND:
    case CONDITION_OR: complain(r->wrong, at, "$and and $or stand around fields, not behind one"); break;
    case CONDITION_NOT: {
        struct str field = c->field;
        struct condition *part = make_parts(r, 1, CONDITION_NOT, c);
        if (part)
            read_operators(r, v, field, at, depth + 1, part);
        break;
    }
    case CONDITION_IN:
    case CONDITION_NIN: read_values(r, v, at, c); break;
    default: read_value(r, v, at, c);
    }
}

/* {"$gt": 1, "$lt": 9, "$not": {...}} about one field. */
static void read_operators(struct reading *r, const struct json_val *v, struct str field, struct str at,
                           int depth, struct condition *c)
{
    if (json_type(v) != JSON_OBJECT || !json_count(v) || depth > CONDITION_DEPTH) {
        complain(r->wrong, at,
                 depth > CONDITION_DEPTH ? "Too deep" : "Expected an object of operators, such as $eq");
        return;
    }
    struct condition *part = make_parts(r, json_count(v), CONDITION_AND, c);
    for (struct json_iter it = json_iter(v); part && json_next(&it); part++) {
        struct str here = inside(r, at, it.key);
        *part = (struct condition){.field = field};
        if (find_operator(r, it.key, here, &part->op))
            read_operator(r, it.val, here, depth, part);
    }
}

/* $and, $or and $not around documents. */
static void read_joint(struct reading *r, struct str name, const struct json_val *v, struct str at, int depth,
                       struct condition *c)
{
    enum condition_op op = CONDITION_AND;
    if (!find_operator(r, name, at, &op))
        return;
    bool one = op == CONDITION_NOT, several = op == CONDITION_AND || op == CONDITION_OR;
    if (!one && !several)
        complain(r->wrong, at, "This operator stands behind a field");
    else if (several && (json_type(v) != JSON_ARRAY || !json_count(v)))
        complain(r->wrong, at, "Expected an array of conditions");
    else {
        struct condition *part = make_parts(r, one ? 1 : json_count(v), op, c);
        size_t i = 0;
        if (part && one)
            read_document(r, v, at, depth + 1, part);
        for (struct json_iter it = json_iter(v); part && several && json_next(&it); i++)
            read_document(r, it.val, nth(r, at, i), depth + 1, part++);
    }
}

static void read_field(struct reading *r, struct str name, const struct json_val *v, struct str at, int depth,
                       struct condition *c)
{
    struct str field = arena_dup(r->arena, name);
    if (!condition_field(name)) {
        complain(r->wrong, at, "Fields begin with metadata., headers. or body.");
        return;
    }
    *c = (struct condition){.op = CONDITION_EQ, .field = field};
    if (json_type(v) == JSON_OBJECT)
        read_operators(r, v, field, at, depth, c);
    else
        read_value(r, v, at, c);
}

static void read_document(struct reading *r, const struct json_val *v, struct str at, int depth,
                          struct condition *c)
{
    if (json_type(v) != JSON_OBJECT || !json_count(v) || depth > CONDITION_DEPTH) {
        complain(r->wrong, at,
                 depth > CONDITION_DEPTH
                     ? "Too deep"
                     : "Expected a condition such as {\"metadata.plan\": {\"$eq\": \"paid\"}}");
        return;
    }
    struct condition *part = make_parts(r, json_count(v), CONDITION_AND, c);
    for (struct json_iter it = json_iter(v); part && json_next(&it); part++)
        (is_operator(it.key) ? read_joint : read_field)(r, it.key, it.val, inside(r, at, it.key), depth,
                                                        part);
}

const struct condition *condition_read(struct arena *a, const struct json_val *v, struct str at,
                                       struct complaints *wrong)
{
    struct complaint **last = wrong->last, *first = wrong->first;
    struct json_doc *doc = json_type(v) == JSON_STRING ? json_parse(json_str(v)) : NULL;
    struct reading r = {a, wrong, json_type(v) == JSON_STRING};
    struct condition *c = arena_new(a, struct condition);
    if (c)
        read_document(&r, r.text ? json_root(doc) : v, at, 0, c);
    json_free(doc);
    bool fine = wrong->last == last && wrong->first == first; /* one that found no memory is first only */
    return c && fine ? c : NULL;
}
