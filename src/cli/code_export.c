/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/code_export.h"
#include "base/limits.h"
#include "cli/code_text.h"
#include "cli/code_value.h"

#include <stdlib.h>

static const char head[] =
    "// Gateways as code: weir apply makes them like this. Secrets are not in here: each is the name of a\n"
    "// variable, {\"env\": NAME}, or of a file, {\"file\": PATH}.\n";

static int by_name(const void *a, const void *b)
{
    struct str x = (*(const struct code_object *const *)a)->name,
               y = (*(const struct code_object *const *)b)->name;
    size_t n = x.n < y.n ? x.n : y.n;
    int order = n ? memcmp(x.p, y.p, n) : 0;
    return order ? order : (x.n > y.n) - (x.n < y.n);
}

/* The objects of a kind and parent, sorted; in the set's arena. */
static const struct code_object **sorted(const struct code_set *set, const struct code_kind *kind,
                                         const struct code_object *parent, size_t *ret_n)
{
    size_t n = 0;
    for (const struct code_object *o = set->first; o; o = o->next)
        n += o->kind == kind && o->parent == parent;
    const struct code_object **all = arena_alloc(set->arena, (n + 1) * sizeof(struct code_object *));
    *ret_n = 0;
    for (const struct code_object *o = set->first; o && all; o = o->next)
        if (o->kind == kind && o->parent == parent)
            all[(*ret_n)++] = o;
    if (all)
        qsort(all, *ret_n, sizeof(struct code_object *), by_name);
    return all;
}

/* ---- names of variables ---- */

/* Two gateways may have different keys of one name. */
static bool is_alone(const struct code_set *set, const struct code_object *o)
{
    for (const struct code_object *other = set->first; other; other = other->next)
        if (other != o && other->kind == o->kind && str_eq(other->name, o->name))
            return false;
    return true;
}

/* "openai/default" is OPENAI_API_KEY, "openai/team" is OPENAI_TEAM_API_KEY. */
static void put_hidden(struct json_out *w, const struct code_set *set, const struct code_object *o)
{
    struct buf b;
    struct str alias = o->name, provider = str_cut(&alias, '/');
    buf_init(&b, API_BODY_BYTES);
    if (!is_alone(set, o))
        code_variable(&b, o->parent->name);
    code_variable(&b, provider);
    if (!str_eq(alias, STR("default")))
        code_variable(&b, alias);
    code_variable(&b, STR("API_KEY"));
    json_open(w, '{');
    json_add_str(w, "env", buf_str(&b));
    json_close(w, '}');
    buf_done(&b);
}

/* ---- objects ---- */

static void put_kind(struct json_out *w, const struct code_set *set, const struct code_kind *kind,
                     const struct code_object *parent);

static void put_settings(struct json_out *w, const struct code_set *set, const struct code_object *o)
{
    json_open(w, '{');
    if (o->kind->list)
        code_put_names(w, o->kind, o->name);
    for (struct json_iter it = json_iter(o->body); json_next(&it);) {
        json_key_str(w, it.key);
        if (o->kind->hidden && str_eq(it.key, str_c(o->kind->hidden)))
            put_hidden(w, set, o);
        else
            code_put_filed(w, code_shape_in(o->kind->inside, it.key), o->name, it.key, it.val);
    }
    for (size_t i = 0; i < CODE_KINDS; i++)
        if (code_kinds[i].parent == (enum code_kind_id)(o->kind - code_kinds))
            put_kind(w, set, &code_kinds[i], o);
    json_close(w, '}');
}

/* Nothing at all where there is none: what is not mentioned is left alone. */
static void put_kind(struct json_out *w, const struct code_set *set, const struct code_kind *kind,
                     const struct code_object *parent)
{
    size_t n = 0;
    const struct code_object **all = sorted(set, kind, parent, &n);
    if (!n)
        return;
    json_key(w, kind->member);
    json_open(w, kind->list ? '[' : '{');
    for (size_t i = 0; i < n; i++) {
        if (!kind->list)
            json_key_str(w, all[i]->name);
        put_settings(w, set, all[i]);
    }
    json_close(w, kind->list ? ']' : '}');
}

void code_export(struct buf *out, const struct code_set *set)
{
    struct buf b;
    buf_init(&b, out->max);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    json_add_int(&w, "version", 1);
    for (size_t i = CODE_KINDS; i-- > 0;) /* gateways are what people look for */
        if (code_kinds[i].parent == CODE_KINDS)
            put_kind(&w, set, &code_kinds[i], NULL);
    json_close(&w, '}');
    struct json_doc *doc = json_parse(buf_str(&b));
    (void)buf_append_c(out, head);
    code_pretty(out, json_root(doc));
    out->full |= b.full;
    json_free(doc);
    buf_done(&b);
}
