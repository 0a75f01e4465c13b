/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/codec.h"
#include "base/limits.h"

#include <stdio.h>

void codec_emit(struct codec_reader *r, const struct ir_event *ev)
{
    if (r->ended)
        return;
    r->started |= ev->kind == IR_EV_START;
    r->ended = ev->kind == IR_EV_END || ev->kind == IR_EV_ERROR;
    r->on_event(r->arg, ev);
}

enum err codec_refuse(struct arena *a, struct str *ret_why, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    *ret_why = arena_dup(a, str_head(str_c(text), n < 0 ? 0 : (size_t)n));
    return E_SYNTAX;
}

enum err codec_read_body(struct arena *a, struct str body, struct ir_request *ret, struct str *ret_why)
{
    size_t at = 0;
    const char *why = "";
    *ret = ir_request_none();
    ret->doc = json_parse_exact(body, &at, &why);
    if (!ret->doc)
        return codec_refuse(a, ret_why, "the body is not JSON: %s at byte %zu", why, at);
    if (json_type(json_root(ret->doc)) != JSON_OBJECT)
        return codec_refuse(a, ret_why, "the body is not a JSON object");
    return E_OK;
}

struct str codec_raw(struct arena *a, const struct json_val *v)
{
    struct buf b;
    struct str none = {NULL, 0};
    if (json_type(v) == JSON_NONE)
        return none;
    buf_init(&b, a->cap);
    struct json_out w = json_out(&b);
    json_put_val(&w, v);
    struct str text = b.full ? none : arena_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

struct str codec_number(struct arena *a, const struct json_val *object, const char *key)
{
    const struct json_val *v = json_get(object, key);
    return json_type(v) == JSON_NUMBER ? codec_raw(a, v) : str_of(NULL, 0);
}

struct str codec_text(const struct json_val *object, const char *key)
{
    return json_str(json_get(object, key));
}

int64_t codec_int(const struct json_val *v)
{
    struct str text = json_number(v), digits = str_cut(&text, '.');
    int64_t n = 0;
    if (!digits.p)
        return json_uint(v, &n) ? n : -1;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '0')
            return -1; /* some clients write 1024.0 */
    return digits.n && str_to_int(digits, &n) == E_OK ? n : -1;
}

int codec_bool(const struct json_val *object, const char *key)
{
    const struct json_val *v = json_get(object, key);
    return json_type(v) == JSON_BOOL ? json_bool(v, false) : -1;
}

static bool is_listed(struct str name, const char *const *list)
{
    for (; *list; list++)
        if (str_eq(name, str_c(*list)))
            return true;
    return false;
}

void codec_note_unknown(struct arena *a, struct ir_request *r, const struct json_val *object,
                        const char *const *known)
{
    for (struct json_iter it = json_iter(object); json_next(&it);)
        if (json_type(it.val) != JSON_NULL && !is_listed(it.key, known))
            ir_drop(a, r, it.key);
}

struct str codec_error_text(struct arena *a, enum dialect d, int status, struct str body)
{
    struct meter m;
    meter_init(&m, NULL, d);
    meter_error(&m, body);
    struct str said = arena_dup(a, str_c(m.error_text));
    return said.n ? said : http_reason(status);
}

enum err codec_pile_add(struct arena *a, struct codec_pile *b, struct str more)
{
    if (b->n + more.n > b->cap) {
        size_t cap = b->cap ? b->cap : IR_TEXT_STEP;
        while (cap < b->n + more.n)
            cap *= 2;
        char *p = arena_alloc(a, cap);
        if (!p)
            return E_FULL;
        if (b->n)
            memcpy(p, b->p, b->n);
        b->p = p;
        b->cap = cap;
    }
    if (more.n)
        memcpy(b->p + b->n, more.p, more.n);
    b->n += more.n;
    return E_OK;
}

enum err codec_pile_set(struct arena *a, struct codec_pile *b, struct str s)
{
    b->n = 0;
    return codec_pile_add(a, b, s);
}

struct str codec_pile_str(const struct codec_pile *b)
{
    return str_of(b->p, b->n);
}

enum err codec_unescape(struct arena *a, struct codec_scratch *s, struct str raw, struct str *ret)
{
    size_t need = raw.n + 64; /* its end, and alignment */
    if (s->cap < need) {
        s->p = arena_alloc(a, 2 * need);
        s->cap = s->p ? 2 * need : 0;
        if (!s->p)
            return E_FULL;
    }
    struct arena lent;
    arena_init(&lent, 0);
    lent.at = s->p;
    lent.end = s->p + s->cap;
    return json_raw_str(&lent, raw, ret);
}

struct str codec_raw_member(struct str object, const char *key)
{
    struct json_walk w;
    if (object.n && json_walk(&w, object))
        while (json_walk_next(&w))
            if (json_raw_is(w.key, str_c(key)))
                return w.value;
    return str_of(NULL, 0);
}
