/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/code_file.h"
#include "cli/code_value.h"
#include "cli/text.h"

#include <stdio.h>

struct reader {
    struct code_set *set;
    const char *name;
    struct str text;
    struct json_doc *doc;
    struct buf *wrong;
    unsigned mistakes;
};

/* ---- complaints ---- */

/* Says where: at a key or a text of the document; NULL: at its beginning. */
static void mistake(struct reader *r, const struct json_val *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void mistake(struct reader *r, const struct json_val *at, const char *fmt, ...)
{
    size_t line = 1, column = 1;
    char text[1024];
    va_list args;
    if (r->mistakes++ >= CODE_FILE_MISTAKES)
        return;
    if (at)
        str_position(r->text, json_offset(r->doc, at), &line, &column);
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    (void)buf_printf(r->wrong, "%s:%zu:%zu: ", r->name, line, column);
    text_put(r->wrong, str_c(text));
    (void)buf_append_c(r->wrong, "\n");
}

struct nearest {
    struct str wrong, best;
    size_t distance;
};

/* With half of it to be changed there is no likeness. */
static void consider(struct nearest *n, struct str candidate)
{
    size_t d = str_distance(n->wrong, candidate);
    if (d >= n->distance || d > candidate.n / 2)
        return;
    n->distance = d;
    n->best = candidate;
}

static void unknown(struct reader *r, const struct json_iter *it, const char *owner, const struct nearest *n)
{
    struct str name = str_head(it->key, 64);
    if (n->best.n)
        mistake(r, it->key_val, "%s has no \"%.*s\"; did you mean \"%.*s\"?", owner, STR_FMT(name),
                STR_FMT(n->best));
    else
        mistake(r, it->key_val, "%s has no \"%.*s\"", owner, STR_FMT(name));
}

/* Of two members of a name only the first would count. */
static bool comes_twice(struct reader *r, const struct json_val *object, const struct json_iter *it)
{
    bool twice = json_member(object, it->key) != it->val;
    if (twice)
        mistake(r, it->key_val, "\"%.*s\" is there a second time", STR_FMT(str_head(it->key, 64)));
    return twice;
}

/* The key that a complaint's path leads to, as far as it goes; arrays are left for what stands in them. */
static const struct json_val *place_of(const struct json_val *object, struct str path,
                                       const struct json_val *key)
{
    while (path.p) {
        struct str part = str_cut(&path, '.');
        int64_t i;
        const struct json_val *next = NULL;
        if (json_type(object) == JSON_ARRAY && str_to_int(part, &i) == E_OK)
            next = json_at(object, (size_t)i);
        for (struct json_iter it = json_iter(object); json_next(&it) && !next;)
            if (it.object && str_eq(it.key, part)) {
                next = it.val;
                key = it.key_val;
            }
        if (!next)
            break;
        object = next;
    }
    return key;
}

/* ---- settings ---- */

static void check_secret(struct reader *r, const struct code_shape *s, const struct json_iter *it)
{
    if (code_reference(it->val, NULL, NULL))
        return;
    if (json_type(it->val) == JSON_STRING)
        mistake(r, it->key_val,
                "a secret does not stand in the file: write {\"env\": \"NAME\"} for a variable or {\"file\": "
                "\"PATH\"}");
    else if (s->secrecy == CODE_SECRET)
        mistake(r, it->key_val, "\"%.*s\" is {\"env\": \"NAME\"} or {\"file\": \"PATH\"}",
                STR_FMT(str_head(it->key, 64)));
}

static void check_inside(struct reader *r, const struct code_shape *s, struct str name,
                         const struct json_val *v);

static void check_member(struct reader *r, const struct code_shape *of, struct str owner,
                         const struct json_val *object, const struct json_iter *it)
{
    const struct code_shape *s = code_shape_of(of, it->key);
    struct nearest n = {.wrong = it->key, .distance = SIZE_MAX};
    char words[80];
    if (comes_twice(r, object, it))
        return;
    if (!s && of && of->inside) {
        for (const struct code_shape *known = of->inside; known->name; known++)
            consider(&n, str_c(known->name));
        (void)snprintf(words, sizeof(words), "\"%.*s\"", STR_FMT(str_head(owner, 64)));
        unknown(r, it, words, &n);
    } else if (code_is_secret(s, it->key)) {
        check_secret(r, s, it);
    } else {
        check_inside(r, s, it->key, it->val);
    }
}

static void check_inside(struct reader *r, const struct code_shape *s, struct str name,
                         const struct json_val *v)
{
    if (s && s->secrecy != CODE_OPEN && code_reference(v, NULL, NULL))
        return;
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        if (it.object)
            check_member(r, s, name, v, &it);
        else
            check_inside(r, code_shape_of(s, STR("*")), name, it.val);
    }
}

static void unknown_setting(struct reader *r, const struct code_kind *kind, const struct json_iter *it)
{
    struct nearest n = {.wrong = it->key, .distance = SIZE_MAX};
    char owner[64];
    (void)snprintf(owner, sizeof(owner), "a %s", kind->one);
    if (code_is_name(kind, arena_dup(r->set->arena, it->key).p) && !kind->list) {
        mistake(r, it->key_val, "\"%.*s\" of a %s is its name: the member it stands under", STR_FMT(it->key),
                kind->one);
        return;
    }
    for (size_t i = 0; i < kind->table->n; i++)
        if (code_field(kind, str_c(kind->table->v[i].key)))
            consider(&n, str_c(kind->table->v[i].key));
    for (size_t i = 0; i < CODE_KINDS; i++)
        if (code_kinds[i].parent == (enum code_kind_id)(kind - code_kinds))
            consider(&n, str_c(code_kinds[i].member));
    unknown(r, it, owner, &n);
}

/* What the API would be sent, with words in place of secrets. */
static void put_specimen(struct json_out *w, const struct code_object *o, const struct json_val *members)
{
    const struct code_kind *kind = o->kind;
    json_open(w, '{');
    code_put_names(w, kind, o->name);
    if (kind->parent_member)
        json_add_str(w, kind->parent_member, STR("00000000-0000-0000-0000-000000000000"));
    for (size_t i = 0; i < kind->table->n; i++) {
        const struct field *f = code_field(kind, str_c(kind->table->v[i].key));
        const struct json_val *v = f ? json_get(members, f->key) : NULL;
        const struct code_shape *s = code_shape_in(kind->inside, str_c(f ? f->key : ""));
        if (v && s && s->text && json_type(v) == JSON_OBJECT)
            continue; /* its lines are the API's to judge */
        if (!v && (!f || !(f->flags & FIELD_REQUIRED) || !code_usual(f) || (f->kind == FIELD_TEXT && f->min)))
            continue;
        json_key(w, f->key);
        if (v)
            code_put_shown(w, s, str_c(f->key), v);
        else
            json_put_raw(w, str_c(code_usual(f)));
    }
    json_close(w, '}');
}

static void check_values(struct reader *r, const struct code_object *o, const struct json_val *members,
                         const struct json_val *key)
{
    struct buf b;
    struct complaints wrong;
    buf_init(&b, 2 * CODE_FILE_BYTES);
    struct json_out w = json_out(&b);
    put_specimen(&w, o, members);
    complaints_init(&wrong, r->set->arena, "body");
    o->kind->check(buf_str(&b), &wrong);
    for (const struct complaint *c = wrong.first; c; c = c->next) {
        char at[128];
        size_t n = 0;
        for (; n < c->key.n && n < sizeof(at); n++)
            at[n] = c->key.p[n] == COMPLAINT_DOT ? '.' : c->key.p[n];
        mistake(r, place_of(members, c->key, key), "%.*s%s%.*s", (int)n, at, n ? ": " : "",
                STR_FMT(c->message));
    }
    buf_done(&b);
}

/* ---- things ---- */

static void read_collection(struct reader *r, const struct code_kind *kind, struct code_object *parent,
                            const struct json_iter *at);

static const struct code_kind *kind_in(const struct code_kind *parent, struct str member)
{
    enum code_kind_id id = parent ? (enum code_kind_id)(parent - code_kinds) : CODE_KINDS;
    for (size_t i = 0; i < CODE_KINDS; i++)
        if (code_kinds[i].parent == id && str_eq(member, str_c(code_kinds[i].member)))
            return &code_kinds[i];
    return NULL;
}

static void read_member(struct reader *r, struct code_object *o, const struct json_val *members,
                        const struct json_iter *it)
{
    const struct code_kind *kind = o->kind, *inner = kind_in(kind, it->key);
    const struct code_shape settings = {.inside = kind->inside};
    const struct code_shape *s = code_shape_of(&settings, it->key);
    if (comes_twice(r, members, it))
        return;
    if (inner)
        o->mentions |= code_bit(inner);
    if (inner)
        read_collection(r, inner, o, it);
    else if (kind->list && code_is_name(kind, arena_dup(r->set->arena, it->key).p))
        return;
    else if (!code_field(kind, it->key))
        unknown_setting(r, kind, it);
    else if (code_is_secret(s, it->key))
        check_secret(r, s, it);
    else if (s && s->text && json_type(it->val) == JSON_STRING)
        mistake(r, it->key_val, "\"%.*s\" is an object here, {\"name\": \"value\"}", STR_FMT(it->key));
    else
        check_inside(r, s, it->key, it->val);
}

static void read_object(struct reader *r, const struct code_kind *kind, struct code_object *parent,
                        struct str name, const struct json_val *members, const struct json_val *key)
{
    if (code_set_find(r->set, kind, parent, name)) {
        mistake(r, key, "the %s %.*s is there a second time", kind->one, STR_FMT(str_head(name, 64)));
        return;
    }
    struct code_object *o = code_set_add(r->set, kind, parent, name, members, false);
    if (!o)
        return;
    for (struct json_iter it = json_iter(members); json_next(&it);)
        read_member(r, o, members, &it);
    check_values(r, o, members, key);
}

static void read_named(struct reader *r, const struct code_kind *kind, struct code_object *parent,
                       const struct json_iter *it)
{
    bool whole = !kind->names[1] || str_find(it->key, kind->between) < it->key.n;
    if (json_type(it->val) != JSON_OBJECT)
        mistake(r, it->key_val, "a %s is an object of its settings", kind->one);
    else if (!it->key.n || !whole)
        mistake(r, it->key_val, "a %s is called by %s", kind->one, kind->name_form);
    else
        read_object(r, kind, parent, it->key, it->val, it->key_val);
}

static void read_element(struct reader *r, const struct code_kind *kind, struct code_object *parent,
                         const struct json_val *v, const struct json_val *key)
{
    struct json_iter first = json_iter(v);
    struct str name = code_name_of(r->set->arena, kind, v, false);
    if (json_type(v) != JSON_OBJECT)
        mistake(r, key, "a %s is an object of its settings", kind->one);
    else if (!name.p)
        mistake(r, key, "a %s needs \"%s\", a text", kind->one, kind->names[1]);
    else
        read_object(r, kind, parent, name, v, json_next(&first) && first.object ? first.key_val : key);
}

static void read_collection(struct reader *r, const struct code_kind *kind, struct code_object *parent,
                            const struct json_iter *at)
{
    enum json_type want = kind->list ? JSON_ARRAY : JSON_OBJECT;
    if (json_type(at->val) != want) {
        mistake(r, at->key_val, "\"%s\" is %s", kind->member, kind->list ? "an array" : "an object");
        return;
    }
    for (struct json_iter it = json_iter(at->val); json_next(&it);) {
        if (kind->list)
            read_element(r, kind, parent, it.val, at->key_val);
        else
            read_named(r, kind, parent, &it);
    }
}

/* ---- the document ---- */

static void read_top(struct reader *r, const struct json_val *root, const struct json_iter *it)
{
    const struct code_kind *kind = kind_in(NULL, it->key);
    struct nearest n = {.wrong = it->key, .distance = SIZE_MAX};
    if (comes_twice(r, root, it) || str_eq(it->key, STR("version")))
        return;
    if (kind) {
        r->set->mentions |= code_bit(kind);
        read_collection(r, kind, NULL, it);
        return;
    }
    consider(&n, STR("version"));
    for (size_t i = 0; i < CODE_KINDS; i++)
        if (code_kinds[i].parent == CODE_KINDS)
            consider(&n, str_c(code_kinds[i].member));
    unknown(r, it, "the document", &n);
}

static void read_document(struct reader *r)
{
    const struct json_val *root = json_root(r->doc);
    int64_t version = 0;
    if (json_type(root) != JSON_OBJECT) {
        mistake(r, NULL, "a document is an object, {\"version\": 1, \"gateways\": {...}}");
        return;
    }
    if (!json_uint(json_get(root, "version"), &version) || version != 1)
        mistake(r, place_of(root, STR("version"), NULL),
                "\"version\": 1 is needed, which this is the form of");
    for (struct json_iter it = json_iter(root); json_next(&it);)
        read_top(r, root, &it);
}

enum err code_file_read(struct code_set *ret, const char *name, struct str text, struct buf *wrong)
{
    size_t at = 0, line, column;
    const char *why = NULL;
    struct reader r = {.set = ret, .name = name, .text = text, .wrong = wrong};
    r.doc = json_parse_relaxed(text, &at, &why);
    if (!r.doc) {
        str_position(text, at, &line, &column);
        (void)buf_printf(wrong, "%s:%zu:%zu: not valid JSON: %s\n", name, line, column,
                         why ? why : "nested too deeply");
        return E_SYNTAX;
    }
    read_document(&r);
    json_free(r.doc);
    if (r.mistakes > CODE_FILE_MISTAKES)
        (void)buf_printf(wrong, "%s: and %u more\n", name, r.mistakes - CODE_FILE_MISTAKES);
    return r.mistakes ? E_SYNTAX : ret->full ? E_FULL : E_OK;
}
