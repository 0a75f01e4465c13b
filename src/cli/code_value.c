/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/code_value.h"
#include "base/limits.h"

#include <stdio.h>
#include <ctype.h>

enum { VARIABLE_BYTES = 512 };

bool code_reference(const struct json_val *v, struct str *ret_from, struct str *ret_name)
{
    static const struct str words[] = {S("env"), S("file")};
    struct json_iter it = json_iter(v);
    if (json_type(v) != JSON_OBJECT || json_count(v) != 1 || !json_next(&it) || !json_str(it.val).n)
        return false;
    for (size_t i = 0; i < countof(words); i++)
        if (str_eq(it.key, words[i])) {
            if (ret_from)
                *ret_from = words[i];
            if (ret_name)
                *ret_name = json_str(it.val);
            return true;
        }
    return false;
}

bool code_is_secret(const struct code_shape *s, struct str name)
{
    return s &&
           (s->secrecy == CODE_SECRET || (s->secrecy == CODE_SECRET_HEADER && code_names_credential(name)));
}

static bool may_refer(const struct code_shape *s, const struct json_val *v)
{
    return s && s->secrecy != CODE_OPEN && code_reference(v, NULL, NULL);
}

static const struct str ELEMENT = S("*");

/* ---- comparing ---- */

/* Does the API put this there when nothing is wanted? */
static bool is_filled(const struct code_shape *s, const struct json_val *have)
{
    if (!have || !s || !s->filled)
        return !have;
    if (strcmp(s->filled, "?") == 0)
        return true;
    struct json_doc *doc = json_parse(str_c(s->filled));
    bool same = code_same(NULL, json_root(doc), have, false);
    json_free(doc);
    return same;
}

static bool same_number(const struct json_val *a, const struct json_val *b)
{
    int64_t x, y;
    struct str big = json_number(a);
    if (big.p)
        return str_eq(big, json_number(b));
    if (json_uint(a, &x) && json_uint(b, &y))
        return x == y;
    return !json_number(b).p && json_num(a, 0) == json_num(b, 0);
}

static bool same_objects(const struct code_shape *s, const struct json_val *want, const struct json_val *have,
                         bool secrets)
{
    for (struct json_iter it = json_iter(want); json_next(&it);)
        if (!code_same(code_shape_of(s, it.key), it.val, json_member(have, it.key), secrets))
            return false;
    for (struct json_iter it = json_iter(have); json_next(&it);)
        if (!json_member(want, it.key) && !is_filled(code_shape_of(s, it.key), it.val))
            return false;
    return true;
}

static bool same_arrays(const struct code_shape *s, const struct json_val *want, const struct json_val *have,
                        bool secrets)
{
    bool same = json_count(want) == json_count(have);
    for (struct json_iter a = json_iter(want), b = json_iter(have); same && json_next(&a) && json_next(&b);)
        same = code_same(code_shape_of(s, ELEMENT), a.val, b.val, secrets);
    return same;
}

bool code_same(const struct code_shape *s, const struct json_val *want, const struct json_val *have,
               bool secrets)
{
    enum json_type type = json_type(want);
    if (!want)
        return is_filled(s, have);
    if (may_refer(s, want))
        return have && !secrets;
    if (type != json_type(have))
        return false;
    switch (type) {
    case JSON_BOOL: return json_bool(want, false) == json_bool(have, false);
    case JSON_NUMBER: return same_number(want, have);
    case JSON_STRING: return str_eq(json_str(want), json_str(have));
    case JSON_ARRAY: return same_arrays(s, want, have, secrets);
    case JSON_OBJECT: return same_objects(s, want, have, secrets);
    default: return true;
    }
}

/* ---- sending ---- */

static void put_secret(struct json_out *w, const struct json_val *want, const struct json_val *have,
                       struct code_secrets *secrets)
{
    struct str from, name;
    struct secret found = secret_of(STR(""));
    (void)code_reference(want, &from, &name);
    if (json_str(have).p && !secrets->again) {
        json_put_str(w, json_str(have));
        return;
    }
    if (!secrets->find(secrets->arg, from, name, &found))
        secrets->missing = true;
    json_put_str(w, secret_reveal(found)); /* on its way to whom it is for */
}

/* The one it was: by what tells elements apart; by its place when that is left to the API. */
static const struct json_val *counterpart(const struct code_shape *s, const struct json_val *element,
                                          const struct json_val *have, size_t i)
{
    const struct json_val *key = s && s->key ? json_get(element, s->key) : NULL;
    if (!key)
        return json_at(have, i);
    for (struct json_iter it = json_iter(have); json_next(&it);)
        if (code_same(NULL, key, json_get(it.val, s->key), false))
            return it.val;
    return NULL;
}

static void put_elements(struct json_out *w, const struct code_shape *s, const struct json_val *want,
                         const struct json_val *have, struct code_secrets *secrets)
{
    const struct code_shape *each = code_shape_of(s, ELEMENT);
    size_t i = 0;
    json_open(w, '[');
    for (struct json_iter it = json_iter(want); json_next(&it); i++)
        code_put_sent(w, each, it.val, counterpart(each, it.val, have, i), secrets);
    json_close(w, ']');
}

static void put_members(struct json_out *w, const struct code_shape *s, const struct json_val *want,
                        const struct json_val *have, struct code_secrets *secrets)
{
    json_open(w, '{');
    for (struct json_iter it = json_iter(want); json_next(&it);) {
        json_key_str(w, it.key);
        code_put_sent(w, code_shape_of(s, it.key), it.val, json_member(have, it.key), secrets);
    }
    for (struct json_iter it = json_iter(have); json_next(&it);) {
        const struct code_shape *own = code_shape_of(s, it.key);
        if (json_member(want, it.key) || !own || !own->filled || strcmp(own->filled, "?") != 0)
            continue;
        json_key_str(w, it.key);
        json_put_val(w, it.val);
    }
    json_close(w, '}');
}

static void put_as_text(struct json_out *w, const struct code_shape *s, const struct json_val *want,
                        const struct json_val *have, struct code_secrets *secrets)
{
    struct buf b;
    buf_init(&b, API_BODY_BYTES);
    struct json_out text = json_out(&b);
    put_members(&text, s, want, have, secrets);
    json_put_str(w, buf_str(&b));
    if (b.n)
        explicit_bzero(b.p, b.n);
    buf_done(&b);
}

void code_put_sent(struct json_out *w, const struct code_shape *s, const struct json_val *want,
                   const struct json_val *have, struct code_secrets *secrets)
{
    if (may_refer(s, want))
        put_secret(w, want, have, secrets);
    else if (json_type(want) == JSON_ARRAY)
        put_elements(w, s, want, have, secrets);
    else if (json_type(want) == JSON_OBJECT && s && s->text)
        put_as_text(w, s, want, have, secrets);
    else if (json_type(want) == JSON_OBJECT)
        put_members(w, s, want, have, secrets);
    else
        json_put_val(w, want);
}

/* ---- showing, filing ---- */

/* What stands in the place of a secret. */
typedef void put_hidden(struct json_out *w, struct str at, struct str name, const struct json_val *v);

static struct str join(char text[VARIABLE_BYTES], struct str at, struct str name)
{
    size_t n = 0;
    for (size_t i = 0; i < at.n && n < VARIABLE_BYTES - 1; i++)
        text[n++] = at.p[i];
    text[n++] = '_';
    for (size_t i = 0; i < name.n && n < VARIABLE_BYTES; i++)
        text[n++] = name.p[i];
    return str_of(text, n);
}

static void put_with(struct json_out *w, const struct code_shape *s, struct str at, struct str name,
                     const struct json_val *v, put_hidden *hidden)
{
    char text[VARIABLE_BYTES], digits[24];
    struct str here = join(text, at, name);
    size_t i = 0;
    bool object = json_type(v) == JSON_OBJECT;
    if (code_is_secret(s, name) || may_refer(s, v)) {
        hidden(w, at, name, v);
        return;
    }
    if (!object && json_type(v) != JSON_ARRAY) {
        json_put_val(w, v);
        return;
    }
    json_open(w, object ? '{' : '[');
    for (struct json_iter it = json_iter(v); json_next(&it); i++) {
        int n = snprintf(digits, sizeof(digits), "%zu", i + 1);
        struct str own = object ? it.key : str_of(digits, (size_t)n);
        if (object)
            json_key_str(w, it.key);
        put_with(w, code_shape_of(s, object ? own : ELEMENT), here, own, it.val, hidden);
    }
    json_close(w, object ? '}' : ']');
}

static void put_words(struct json_out *w, struct str at, struct str name, const struct json_val *v)
{
    struct str from = STR(""), what = STR("");
    char text[VARIABLE_BYTES] = "(stored)";
    (void)at, (void)name;
    if (code_reference(v, &from, &what))
        (void)snprintf(text, sizeof(text), "(from %.*s %.*s)", STR_FMT(from), STR_FMT(what));
    json_put_str(w, str_c(text));
}

void code_put_shown(struct json_out *w, const struct code_shape *s, struct str name, const struct json_val *v)
{
    put_with(w, s, STR(""), name, v, put_words);
}

void code_variable(struct buf *out, struct str words)
{
    bool gap = out->n > 0;
    for (size_t i = 0; i < words.n; i++) {
        unsigned char c = (unsigned char)words.p[i];
        if (!isalnum(c)) {
            gap = out->n > 0;
            continue;
        }
        if (gap)
            (void)buf_append_byte(out, '_');
        (void)buf_append_byte(out, (char)toupper(c));
        gap = false;
    }
}

static void put_variable(struct json_out *w, struct str at, struct str name, const struct json_val *v)
{
    struct buf b;
    (void)v;
    buf_init(&b, 2 * VARIABLE_BYTES);
    code_variable(&b, at);
    code_variable(&b, name);
    json_open(w, '{');
    json_add_str(w, "env", buf_str(&b));
    json_close(w, '}');
    buf_done(&b);
}

void code_put_filed(struct json_out *w, const struct code_shape *s, struct str at, struct str name,
                    const struct json_val *v)
{
    put_with(w, s, at, name, v, put_variable);
}
