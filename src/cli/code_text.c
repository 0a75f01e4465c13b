/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/code_text.h"
#include "base/limits.h"
#include "cli/text.h"

enum { SHOWN_BYTES = 400, LINE = 100, OPEN_LEVELS = 3, INDENT = 2 };

static const struct {
    char sign;
    const char *word, *colour;
} actions[] = {
    [APPLY_CREATE] = {'+', "create", "\033[32m"},
    [APPLY_UPDATE] = {'~', "update", "\033[33m"},
    [APPLY_REPLACE] = {'~', "replace", "\033[33m"},
    [APPLY_DELETE] = {'-', "delete", "\033[31m"},
};

/* ---- a plan for people ---- */

static void line_end(struct buf *out, bool colour)
{
    (void)buf_append_c(out, colour ? "\033[0m\n" : "\n");
}

/* On one line, cut where it would be long; words in place of a secret stand without quotes. */
static void put_shown(struct buf *out, const struct apply_change *c, const struct json_val *v)
{
    struct buf b;
    buf_init(&b, API_ANSWER_BYTES);
    struct json_out w = json_out(&b);
    code_put_shown(&w, c->shape, c->name, v);
    struct str text = buf_str(&b);
    bool words =
        str_starts(text, STR("\"(")) && (code_is_secret(c->shape, c->name) || code_reference(v, NULL, NULL));
    text_put(out, words ? str_of(text.p + 1, text.n - 2) : str_head(text, SHOWN_BYTES));
    if (!words && text.n > SHOWN_BYTES)
        (void)buf_append_c(out, "...");
    buf_done(&b);
}

static void put_change(struct buf *out, const struct apply_change *c, bool colour)
{
    enum apply_action a = !c->from ? APPLY_CREATE : !c->to ? APPLY_DELETE : APPLY_UPDATE;
    (void)buf_printf(out, "%s    %c ", colour ? actions[a].colour : "", actions[a].sign);
    text_put(out, c->path);
    (void)buf_append_c(out, ": ");
    if (c->from)
        put_shown(out, c, c->from);
    if (c->from && c->to)
        (void)buf_append_c(out, " -> ");
    if (c->to)
        put_shown(out, c, c->to);
    line_end(out, colour);
}

static void put_call(struct buf *out, const struct apply_call *call, bool colour)
{
    const struct code_object *o = call->want ? call->want : call->have;
    (void)buf_printf(out, "%s%c ", colour ? actions[call->action].colour : "", actions[call->action].sign);
    code_describe(out, o);
    if (call->action == APPLY_REPLACE)
        (void)buf_append_c(out, ", deleted and made again");
    line_end(out, colour);
    if (call->action == APPLY_DELETE && o->kind->lost)
        (void)buf_printf(out, "    %s\n", o->kind->lost);
    for (const struct apply_change *c = call->changes; c; c = c->next)
        put_change(out, c, colour);
}

void code_plan_text(struct buf *out, const struct apply_plan *p, bool colour)
{
    for (const struct apply_call *call = p->first; call; call = call->next)
        put_call(out, call, colour);
    if (!p->n)
        (void)buf_append_c(out, "nothing to do\n");
    else
        (void)buf_printf(out, "\n%zu to create, %zu to change, %zu to delete\n", p->count[APPLY_CREATE],
                         p->count[APPLY_UPDATE] + p->count[APPLY_REPLACE], p->count[APPLY_DELETE]);
    if (p->kept)
        (void)buf_printf(
            out,
            "%zu stored secret%s not looked at: secrets cannot be compared, --secrets sends them again\n",
            p->kept, p->kept == 1 ? " is" : "s are");
}

/* ---- a plan for programs ---- */

static void put_side(struct json_out *w, const char *key, const struct apply_change *c,
                     const struct json_val *v)
{
    if (!v)
        return;
    json_key(w, key);
    code_put_shown(w, c->shape, c->name, v);
}

static void put_call_json(struct json_out *w, const struct apply_call *call)
{
    const struct code_object *o = call->want ? call->want : call->have;
    json_open(w, '{');
    json_add_str(w, "action", str_c(actions[call->action].word));
    json_add_str(w, "kind", str_c(o->kind->member));
    json_add_str(w, "name", o->name);
    if (o->parent)
        json_add_str(w, "of", o->parent->name);
    if (call->action == APPLY_DELETE && o->kind->lost)
        json_add_str(w, "lost", str_c(o->kind->lost));
    json_key(w, "settings");
    json_open(w, '[');
    for (const struct apply_change *c = call->changes; c; c = c->next) {
        json_open(w, '{');
        json_add_str(w, "path", c->path);
        put_side(w, "from", c, c->from);
        put_side(w, "to", c, c->to);
        json_close(w, '}');
    }
    json_close(w, ']');
    json_close(w, '}');
}

void code_plan_json(struct buf *out, const struct apply_plan *p, size_t done)
{
    const struct {
        const char *key;
        size_t n;
    } counts[] = {{"create", p->count[APPLY_CREATE]},
                  {"update", p->count[APPLY_UPDATE] + p->count[APPLY_REPLACE]},
                  {"delete", p->count[APPLY_DELETE]},
                  {"secrets_kept", p->kept},
                  {"done", done}};
    struct json_out w = json_out(out);
    json_open(&w, '{');
    for (size_t i = 0; i < countof(counts); i++)
        json_add_int(&w, counts[i].key, (int64_t)counts[i].n);
    json_key(&w, "changes");
    json_open(&w, '[');
    for (const struct apply_call *call = p->first; call; call = call->next)
        put_call_json(&w, call);
    json_close(&w, ']');
    json_close(&w, '}');
    (void)buf_append_c(out, "\n");
}

/* ---- files ---- */

static void put_line(struct buf *out, const struct json_val *v);

static void put_key(struct buf *out, const struct json_iter *it)
{
    struct json_out w = json_out(out);
    if (!it->object)
        return;
    json_put_str(&w, it->key);
    (void)buf_append_c(out, ": ");
}

/* All of it on one line, with a blank behind each comma. */
static void put_line(struct buf *out, const struct json_val *v)
{
    bool object = json_type(v) == JSON_OBJECT;
    struct json_out w = json_out(out);
    const char *between = "";
    if (!object && json_type(v) != JSON_ARRAY) {
        json_put_val(&w, v);
        return;
    }
    (void)buf_append_byte(out, object ? '{' : '[');
    for (struct json_iter it = json_iter(v); json_next(&it); between = ", ") {
        (void)buf_append_c(out, between);
        put_key(out, &it);
        put_line(out, it.val);
    }
    (void)buf_append_byte(out, object ? '}' : ']');
}

static void put_pretty(struct buf *out, const struct json_val *v, int level, size_t column)
{
    bool object = json_type(v) == JSON_OBJECT;
    const char *between = "\n";
    size_t before = out->n;
    put_line(out, v);
    if (json_count(v) == 0 || (level >= OPEN_LEVELS && column + (out->n - before) <= LINE) || out->full)
        return;
    out->n = before;
    (void)buf_append_byte(out, object ? '{' : '[');
    for (struct json_iter it = json_iter(v); json_next(&it); between = ",\n") {
        (void)buf_append_c(out, between);
        size_t start = out->n;
        text_spaces(out, (level + 1) * INDENT);
        put_key(out, &it);
        put_pretty(out, it.val, level + 1, out->n - start);
    }
    (void)buf_append_c(out, "\n");
    text_spaces(out, level * INDENT);
    (void)buf_append_byte(out, object ? '}' : ']');
}

void code_pretty(struct buf *out, const struct json_val *v)
{
    put_pretty(out, v, 0, 0);
    (void)buf_append_c(out, "\n");
}
