/* SPDX-License-Identifier: Apache-2.0 */
/* Filters as they are kept: [{"key", "operator", "value": [...]}], values as they are compared. */
#include "store/log_filter.h"

static const struct str operators[] = {
    [LOG_EQ] = S("eq"), [LOG_NEQ] = S("neq"), [LOG_CONTAINS] = S("contains"),
    [LOG_LT] = S("lt"), [LOG_GT] = S("gt"),   [LOG_LE] = S("le"),
    [LOG_GE] = S("ge"),
};

/* false stands for a value that no row has. */
static void put_value(struct json_out *w, const struct log_value *v)
{
    switch (v->type) {
    case LOG_VALUE_NULL: json_put_null(w); break;
    case LOG_VALUE_NUMBER: json_put_num(w, v->number); break;
    case LOG_VALUE_TEXT: json_put_str(w, v->text.p ? v->text : STR("")); break;
    case LOG_VALUE_ABSURD: json_put_bool(w, false); break;
    }
}

void log_filter_put(struct json_out *w, const struct log_filter *f)
{
    json_open(w, '[');
    for (size_t i = 0; i < f->n; i++) {
        const struct log_clause *c = &f->clauses[i];
        json_open(w, '{');
        json_add_str(w, "key", log_keys[c->key].name);
        json_add_str(w, "operator", operators[c->op]);
        json_key(w, "value");
        json_open(w, '[');
        for (size_t k = 0; k < c->n; k++)
            put_value(w, &c->values[k]);
        json_close(w, ']');
        json_close(w, '}');
    }
    json_close(w, ']');
}

static bool get_value(struct arena *a, const struct json_val *v, struct log_value *ret)
{
    *ret = (struct log_value){.type = LOG_VALUE_NULL};
    switch (json_type(v)) {
    case JSON_NULL: return true;
    case JSON_BOOL: ret->type = LOG_VALUE_ABSURD; return true;
    case JSON_NUMBER:
        ret->type = LOG_VALUE_NUMBER;
        ret->number = json_num(v, 0);
        return true;
    case JSON_STRING:
        ret->type = LOG_VALUE_TEXT;
        ret->text = arena_dup(a, json_str(v));
        return ret->text.p;
    default: return false;
    }
}

static bool get_clause(struct arena *a, const struct json_val *v, struct log_clause *ret)
{
    const struct json_val *list = json_get(v, "value");
    struct str key = json_str(json_get(v, "key")), op = json_str(json_get(v, "operator"));
    size_t k = 0, o = 0;
    while (k < LOG_KEY_COUNT && !str_eq(log_keys[k].name, key))
        k++;
    while (o < countof(operators) && !str_eq(operators[o], op))
        o++;
    struct log_value *values = arena_alloc(a, (json_count(list) + 1) * sizeof(*values));
    bool ok = values && k < LOG_KEY_COUNT && o < countof(operators) && json_type(list) == JSON_ARRAY;
    *ret = (struct log_clause){(enum log_key)k, (enum log_operator)o, values, 0};
    for (struct json_iter it = json_iter(list); ok && json_next(&it);)
        ok = get_value(a, it.val, &values[ret->n++]);
    return ok;
}

bool log_filter_get(struct arena *a, const struct json_val *list, struct log_filter *ret)
{
    struct log_clause *clauses = arena_alloc(a, (json_count(list) + 1) * sizeof(*clauses));
    bool ok = clauses && json_type(list) == JSON_ARRAY;
    *ret = (struct log_filter){clauses, 0};
    for (struct json_iter it = json_iter(list); ok && json_next(&it);)
        ok = get_clause(a, it.val, &clauses[ret->n++]);
    return ok;
}
