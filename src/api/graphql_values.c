/* SPDX-License-Identifier: Apache-2.0 */
/* Variables, and values as what they have to be. */
#include "api/graphql_plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- variables ---- */

/* Names of scalars that clients declare variables with, beside those of the schema. */
static const struct str scalars[] = {S("Int"),    S("Float"),  S("ID"),     S("bool"),  S("boolean"),
                                     S("int8"),   S("int16"),  S("int32"),  S("int64"), S("uint8"),
                                     S("uint16"), S("uint32"), S("float32")};

static bool is_input_type(const struct graphql_request *r, struct str name)
{
    const struct graphql_type *t = graphql_type_named(r->schema, name);
    for (size_t i = 0; i < countof(scalars); i++)
        if (str_eq(name, scalars[i]))
            return true;
    return t && t->kind != GRAPHQL_OBJECT;
}

static const struct json_val *given(const struct graphql_request *r, struct str name)
{
    return json_member(r->variables, name);
}

bool graphql_check_variables(struct graphql_request *r)
{
    for (const struct graphql_variable *v = r->operation->variables; v; v = v->next) {
        const struct json_val *value = given(r, v->name);
        if (!is_input_type(r, v->type.name))
            return graphql_fail(r, "invalid", v->type.at, "unknown type \"%.*s\"", STR_FMT(v->type.name));
        if (v->type.required && (value ? json_type(value) == JSON_NULL : !v->fallback))
            return graphql_fail(r, "invalid", v->at, "variable \"$%.*s\" must be given", STR_FMT(v->name));
    }
    return true;
}

static struct graphql_value *from_json(struct graphql_request *r, const struct json_val *v, size_t at);

static void children_from_json(struct graphql_request *r, const struct json_val *v, struct graphql_value *out)
{
    struct graphql_value **end = &out->first;
    for (struct json_iter it = json_iter(v); json_next(&it) && !graphql_failed(r); end = &(*end)->next) {
        *end = from_json(r, it.val, out->at);
        if (!*end)
            return;
        (*end)->name = it.key.p ? arena_dup(r->arena, it.key) : it.key;
    }
}

static void number_from_json(struct graphql_request *r, const struct json_val *v, struct graphql_value *out)
{
    struct buf b;
    int64_t n;
    buf_init(&b, 64);
    struct json_out w = json_out(&b);
    out->kind = json_uint(v, &n) ? GRAPHQL_VALUE_INT : GRAPHQL_VALUE_FLOAT;
    if (out->kind == GRAPHQL_VALUE_INT)
        json_put_int(&w, n);
    else
        json_put_val(&w, v);
    out->text = arena_dup(r->arena, buf_str(&b));
    buf_done(&b);
}

static struct graphql_value *from_json(struct graphql_request *r, const struct json_val *v, size_t at)
{
    struct graphql_value *out = arena_new(r->arena, struct graphql_value);
    if (!out) {
        graphql_fail(r, "limit", SIZE_MAX, "the variables are too large");
        return NULL;
    }
    out->at = at;
    switch (json_type(v)) {
    case JSON_BOOL:
        out->kind = GRAPHQL_VALUE_BOOLEAN;
        out->text = json_bool(v, false) ? STR("true") : STR("false");
        break;
    case JSON_NUMBER: number_from_json(r, v, out); break;
    case JSON_STRING:
        out->kind = GRAPHQL_VALUE_STRING;
        out->text = arena_dup(r->arena, json_str(v));
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        out->kind = json_type(v) == JSON_ARRAY ? GRAPHQL_VALUE_LIST : GRAPHQL_VALUE_OBJECT;
        children_from_json(r, v, out);
        break;
    default: out->kind = GRAPHQL_VALUE_NULL;
    }
    return out;
}

const struct graphql_value *graphql_resolve(struct graphql_request *r, const struct graphql_value *v)
{
    if (!v || v->kind != GRAPHQL_VALUE_VARIABLE)
        return v;
    const struct graphql_variable *d = r->operation->variables;
    while (d && !str_eq(d->name, v->text))
        d = d->next;
    if (!d) {
        graphql_fail(r, "invalid", v->at, "variable \"$%.*s\" is not declared", STR_FMT(v->text));
        return NULL;
    }
    const struct json_val *value = given(r, d->name);
    return value ? from_json(r, value, v->at) : d->fallback;
}

const struct graphql_value *graphql_argument(struct graphql_request *r, const struct graphql_value *arguments,
                                             const char *name)
{
    while (arguments && !str_eq(arguments->name, str_c(name)))
        arguments = arguments->next;
    const struct graphql_value *v = graphql_resolve(r, arguments);
    return v && v->kind != GRAPHQL_VALUE_NULL ? v : NULL;
}

/* ---- values ---- */

static bool wrong(struct graphql_request *r, const struct graphql_value *v, const char *want)
{
    return graphql_fail(r, "invalid", v ? v->at : SIZE_MAX, "expected %s", want);
}

bool graphql_text(struct graphql_request *r, const struct graphql_value *v, struct str *ret)
{
    if (!v || v->kind != GRAPHQL_VALUE_STRING || !v->text.p)
        return wrong(r, v, "a string");
    *ret = v->text;
    return true;
}

bool graphql_uint(struct graphql_request *r, const struct graphql_value *v, int64_t *ret)
{
    bool number = v && v->kind == GRAPHQL_VALUE_INT && v->text.p;
    return (number && str_to_int(v->text, ret) == E_OK) || wrong(r, v, "a whole number from 0");
}

bool graphql_boolean(struct graphql_request *r, const struct graphql_value *v, bool *ret)
{
    if (!v || v->kind != GRAPHQL_VALUE_BOOLEAN)
        return wrong(r, v, "true or false");
    *ret = v->text.p[0] == 't';
    return true;
}

static bool digits(struct str *s, size_t n, char behind, int64_t *ret)
{
    if (s->n < n || str_to_int(str_head(*s, n), ret) != E_OK)
        return false;
    *s = str_from(*s, n);
    if (behind && (s->n == 0 || (s->p[0] | 0x20) != (behind | 0x20)))
        return false;
    *s = str_from(*s, behind ? 1 : 0);
    return true;
}

/* Days since 1970 of a day of the Gregorian calendar; false: there is no such day. */
static bool day_number(int64_t y, int64_t m, int64_t d, int64_t *ret)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (y < 1970 || m < 1 || m > 12 || d < 1 || d > lengths[m - 1] + (m == 2 && leap))
        return false;
    int64_t before = y - 1, days = 365 * y + before / 4 - before / 100 + before / 400 - 719527;
    for (int64_t i = 1; i < m; i++)
        days += lengths[i - 1] + (i == 2 && leap);
    *ret = days + d - 1;
    return true;
}

/* "Z", "+02:00"; in seconds. */
static bool offset(struct str s, int64_t *ret)
{
    int64_t h = 0, m = 0;
    if (s.n == 1 && (s.p[0] | 0x20) == 'z') {
        *ret = 0;
        return true;
    }
    bool minus = str_starts(s, STR("-"));
    if (!minus && !str_starts(s, STR("+")))
        return false;
    s = str_from(s, 1);
    if (!digits(&s, 2, ':', &h) || !digits(&s, 2, '\0', &m) || s.n || h > 23 || m > 59)
        return false;
    *ret = (minus ? -1 : 1) * (h * 3600 + m * 60);
    return true;
}

bool graphql_time(struct str text, int64_t *ret)
{
    int64_t y, mo, d, h = 0, mi = 0, s = 0, days, ahead = 0;
    if (!digits(&text, 4, '-', &y) || !digits(&text, 2, '-', &mo) || !digits(&text, 2, '\0', &d) ||
        !day_number(y, mo, d, &days))
        return false;
    if (text.n) {
        if ((text.p[0] | 0x20) != 't' && text.p[0] != ' ')
            return false;
        text = str_from(text, 1);
        if (!digits(&text, 2, ':', &h) || !digits(&text, 2, ':', &mi) || !digits(&text, 2, '\0', &s))
            return false;
        if (str_starts(text, STR(".")))
            do
                text = str_from(text, 1);
            while (text.n && text.p[0] >= '0' && text.p[0] <= '9');
        if (h > 23 || mi > 59 || s > 60 || !offset(text, &ahead))
            return false;
    }
    *ret = days * 86400 + h * 3600 + mi * 60 + s - ahead;
    return *ret >= 0;
}

static bool time_value(struct graphql_request *r, const struct graphql_value *v, int64_t *ret)
{
    return (v->kind == GRAPHQL_VALUE_STRING && v->text.p && graphql_time(v->text, ret)) ||
           wrong(r, v, "a time such as \"2026-10-12T09:30:00Z\", or a day such as \"2026-10-12\"");
}

/* Dollars as pico-dollars. */
static bool money_value(struct graphql_request *r, const struct graphql_value *v, int64_t *ret)
{
    char text[64];
    bool number = (v->kind == GRAPHQL_VALUE_INT || v->kind == GRAPHQL_VALUE_FLOAT) && v->text.p &&
                  v->text.n < sizeof(text);
    if (!number)
        return wrong(r, v, "a number");
    snprintf(text, sizeof(text), "%.*s", STR_FMT(v->text));
    double pico = round(strtod(text, NULL) * 1e12);
    *ret = pico >= 9e18 ? INT64_MAX : pico <= -9e18 ? INT64_MIN : (int64_t)pico;
    return true;
}

bool graphql_analytics_value(struct graphql_request *r, const struct graphql_value *v, enum analytics_type t,
                             struct analytics_value *ret)
{
    *ret = (struct analytics_value){.kind = t == TYPE_TEXT || t == TYPE_TEXTS ? VALUE_TEXT : VALUE_INT};
    switch (t) {
    case TYPE_TEXT:
    case TYPE_TEXTS: return graphql_text(r, v, &ret->s);
    case TYPE_TIME:
    case TYPE_DATE: return time_value(r, v, &ret->n);
    case TYPE_MONEY: return money_value(r, v, &ret->n);
    default:
        if (v->kind == GRAPHQL_VALUE_BOOLEAN && t == TYPE_FLAG) {
            ret->n = v->text.p[0] == 't';
            return true;
        }
        return graphql_uint(r, v, &ret->n);
    }
}
