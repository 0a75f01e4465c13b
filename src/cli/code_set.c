/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/code_set.h"
#include "base/limits.h"
#include "cli/code_value.h"
#include "cli/text.h"

void code_set_init(struct code_set *set, struct arena *a)
{
    *set = (struct code_set){.arena = a};
    set->last = &set->first;
}

void code_set_done(struct code_set *set)
{
    for (struct code_object *o = set->first; o; o = o->next)
        json_free(o->doc);
}

/* ---- one form ---- */

static bool is_default(const struct field *f, const struct code_shape *s, struct str json)
{
    struct json_doc *value = json_parse(json),
                    *usual = code_usual(f) ? json_parse(str_c(code_usual(f))) : NULL;
    bool same = usual && code_same(s, json_root(value), json_root(usual), false);
    if (s && s->text && json_count(json_root(value)) == 0 && json_type(json_root(value)) == JSON_OBJECT)
        same = true; /* no lines, no text */
    json_free(value);
    json_free(usual);
    return same;
}

static void put_value(struct json_out *w, const struct field *f, const struct code_shape *s,
                      const struct json_val *v, bool answered)
{
    bool text = answered && json_str(v).n && (f->kind == FIELD_OBJECT || (s && s->text));
    struct json_doc *inner = text ? json_parse(json_str(v)) : NULL;
    if (json_type(v) == JSON_NULL && f->null)
        json_put_raw(w, str_c(f->null));
    else
        json_put_val(w, inner ? json_root(inner) : v);
    json_free(inner);
}

/* Writes the setting unless it is what it would be anyway. */
static void put_setting(struct json_out *w, const struct code_kind *kind, const struct field *f,
                        const struct json_val *v, bool answered)
{
    const struct code_shape *s = code_shape_in(kind->inside, str_c(f->key));
    struct buf b;
    if (!v || (json_type(v) == JSON_NULL && f->null && !f->null[0]))
        return;
    buf_init(&b, API_ANSWER_BYTES);
    struct json_out value = json_out(&b);
    put_value(&value, f, s, v, answered);
    if (b.full)
        w->b->full = true;
    if (!is_default(f, s, buf_str(&b)))
        json_add_raw(w, f->key, buf_str(&b));
    buf_done(&b);
}

static struct json_doc *settings(const struct code_kind *kind, const struct json_val *members, bool answered)
{
    struct buf b;
    buf_init(&b, API_ANSWER_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    for (size_t i = 0; i < kind->table->n; i++) {
        const struct field *f = code_field(kind, str_c(kind->table->v[i].key));
        if (f && !(answered && kind->hidden && strcmp(kind->hidden, f->key) == 0))
            put_setting(&w, kind, f, json_get(members, f->key), answered);
    }
    if (answered && kind->hidden) { /* it has one, and shows no more of it */
        json_add_bool(&w, kind->hidden, true);
    }
    json_close(&w, '}');
    struct json_doc *doc = b.full ? NULL : json_parse(buf_str(&b));
    buf_done(&b);
    return doc;
}

struct code_object *code_set_add(struct code_set *set, const struct code_kind *kind,
                                 struct code_object *parent, struct str name, const struct json_val *members,
                                 bool answered)
{
    struct code_object *o = arena_new(set->arena, struct code_object);
    struct str copy = arena_dup(set->arena, name);
    struct json_doc *doc = o && copy.p ? settings(kind, members, answered) : NULL;
    if (!doc) {
        set->full = true;
        return NULL;
    }
    *o = (struct code_object){
        .kind = kind, .parent = parent, .name = copy, .doc = doc, .body = json_root(doc)};
    *set->last = o;
    set->last = &o->next;
    return o;
}

struct code_object *code_set_find(const struct code_set *set, const struct code_kind *kind,
                                  const struct code_object *parent, struct str name)
{
    for (struct code_object *o = set->first; o; o = o->next)
        if (o->kind == kind && str_eq(o->name, name) && !o->parent == !parent &&
            (!parent || str_eq(o->parent->name, parent->name)))
            return o;
    return NULL;
}

/* ---- names ---- */

/* What an element leaves out is its default: the text without its quotes. */
static struct str name_part(const struct code_kind *kind, size_t i, const struct json_val *members,
                            bool answered)
{
    const char *member = i == 0 && answered && kind->answer_name ? kind->answer_name : kind->names[i];
    const struct json_val *v = json_get(members, member);
    for (size_t k = 0; !v && k < kind->table->n; k++) {
        struct str usual = str_c(kind->table->v[k].omitted);
        if (strcmp(kind->table->v[k].key, member) == 0 && usual.n > 2)
            return str_of(usual.p + 1, usual.n - 2);
    }
    return json_str(v);
}

struct str code_name_of(struct arena *a, const struct code_kind *kind, const struct json_val *members,
                        bool answered)
{
    struct str first = name_part(kind, 0, members, answered);
    if (!kind->names[1] || !first.p)
        return first;
    struct str second = name_part(kind, 1, members, answered);
    return second.p ? arena_join(a, (const struct str[]){first, {&kind->between, 1}, second}, 3) : second;
}

void code_put_names(struct json_out *w, const struct code_kind *kind, struct str name)
{
    struct str rest = name;
    struct str first = kind->names[1] ? str_cut(&rest, kind->between) : name;
    json_add_str(w, kind->names[0], first);
    if (!kind->names[1])
        return;
    json_add_str(w, kind->names[1], rest.p ? rest : STR(""));
}

void code_describe(struct buf *out, const struct code_object *o)
{
    (void)buf_printf(out, "%s ", o->kind->one);
    text_put(out, o->name);
    if (o->parent) {
        (void)buf_printf(out, " of %s ", o->parent->kind->one);
        text_put(out, o->parent->name);
    }
}
