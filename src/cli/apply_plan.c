/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/apply_plan.h"

struct planner {
    struct arena *arena;
    struct code_set *want;
    const struct code_set *have;
    const struct apply_options *options;
    struct apply_plan *plan;
};

/* ---- what differs ---- */

/* A list that grows at its end. */
struct differ {
    struct planner *p;
    struct apply_change **last;
};

struct place {
    struct str path, name;
    const struct code_shape *shape;
};

static struct place inside(struct differ *d, const struct place *at, struct str name)
{
    struct str path = at->path.n ? arena_join(d->p->arena, (const struct str[]){at->path, STR("."), name}, 3)
                                 : arena_dup(d->p->arena, name);
    return (struct place){path, name, code_shape_of(at->shape, name)};
}

static void note(struct differ *d, const struct place *at, const struct json_val *from,
                 const struct json_val *to)
{
    struct apply_change *c = arena_new(d->p->arena, struct apply_change);
    if (!c || !at->path.p) {
        d->p->plan->full = true;
        return;
    }
    *c =
        (struct apply_change){.path = at->path, .name = at->name, .shape = at->shape, .from = from, .to = to};
    *d->last = c;
    d->last = &c->next;
}

static void compare(struct differ *d, const struct place *at, const struct json_val *from,
                    const struct json_val *to);

/* The same elements in the same order, as far as their keys tell. */
static bool correspond(const struct code_shape *each, const struct json_val *from, const struct json_val *to)
{
    bool same = each && each->key && json_type(from) == JSON_ARRAY && json_count(from) == json_count(to);
    for (struct json_iter a = json_iter(from), b = json_iter(to); same && json_next(&a) && json_next(&b);) {
        const struct json_val *key = json_get(b.val, each->key);
        same = json_type(a.val) == JSON_OBJECT && json_type(b.val) == JSON_OBJECT &&
               (!key || code_same(NULL, key, json_get(a.val, each->key), false));
    }
    return same;
}

static void compare_elements(struct differ *d, const struct place *at, const struct json_val *from,
                             const struct json_val *to)
{
    size_t i = 0;
    for (struct json_iter a = json_iter(from), b = json_iter(to); json_next(&a) && json_next(&b); i++) {
        struct str id = json_str(json_get(b.val, "id"));
        struct place in = inside(d, at, id.n ? id : arena_printf(d->p->arena, "%zu", i));
        in.shape = code_shape_of(at->shape, STR("*"));
        compare(d, &in, a.val, b.val);
    }
}

static void compare(struct differ *d, const struct place *at, const struct json_val *from,
                    const struct json_val *to)
{
    bool both = json_type(from) == JSON_OBJECT && json_type(to) == JSON_OBJECT;
    if (code_same(at->shape, to, from, d->p->options->secrets))
        return;
    if (json_type(to) == JSON_ARRAY && correspond(code_shape_of(at->shape, STR("*")), from, to)) {
        compare_elements(d, at, from, to);
        return;
    }
    if (!both || code_reference(to, NULL, NULL)) {
        note(d, at, from, to);
        return;
    }
    for (struct json_iter it = json_iter(to); json_next(&it);) {
        struct place in = inside(d, at, it.key);
        compare(d, &in, json_member(from, it.key), it.val);
    }
    for (struct json_iter it = json_iter(from); json_next(&it);) {
        struct place in = inside(d, at, it.key);
        if (!json_member(to, it.key))
            compare(d, &in, it.val, NULL);
    }
}

static struct apply_change *changes(struct planner *p, const struct code_object *want,
                                    const struct code_object *have)
{
    const struct code_shape settings = {.inside = want->kind->inside};
    const struct json_val *from = have ? have->body : NULL;
    const struct place whole = {.shape = &settings};
    struct apply_change *first = NULL;
    struct differ d = {p, &first};
    for (size_t i = 0; i < want->kind->table->n; i++) {
        struct str name = str_c(want->kind->table->v[i].key);
        struct place in = inside(&d, &whole, name);
        if (have && want->kind->hidden && str_eq(name, str_c(want->kind->hidden)) &&
            !json_member(want->body, name))
            continue; /* a file need not tell of what it cannot see */
        compare(&d, &in, json_member(from, name), json_member(want->body, name));
    }
    return first;
}

/* References that are not sent. */
static size_t count_kept(const struct code_shape *s, const struct json_val *want, const struct json_val *have)
{
    size_t n = s && s->secrecy != CODE_OPEN && have && code_reference(want, NULL, NULL), i = 0;
    bool object = json_type(want) == JSON_OBJECT;
    if (n || (!object && json_type(want) != JSON_ARRAY))
        return n;
    for (struct json_iter it = json_iter(want); json_next(&it); i++)
        n += count_kept(code_shape_of(s, object ? it.key : STR("*")), it.val,
                        object ? json_member(have, it.key) : json_at(have, i));
    return n;
}

/* ---- calls ---- */

static void add(struct planner *p, enum apply_action action, struct code_object *want,
                struct code_object *have, struct apply_change *list)
{
    struct apply_call *call = arena_new(p->arena, struct apply_call);
    if (!call) {
        p->plan->full = true;
        return;
    }
    *call = (struct apply_call){.action = action, .want = want, .have = have, .changes = list};
    *p->plan->last = call;
    p->plan->last = &call->next;
    p->plan->n++;
    p->plan->count[action]++;
}

/* One that is changed by making it anew loses its place for a moment; what cannot be changed at all, too. */
static void plan_wanted(struct planner *p, struct code_object *want)
{
    const struct code_shape settings = {.inside = want->kind->inside};
    struct code_object *have = code_set_find(p->have, want->kind, want->parent, want->name);
    struct apply_change *list = changes(p, want, have);
    want->id = have ? have->id : str_of(NULL, 0);
    if (!have)
        add(p, APPLY_CREATE, want, NULL, list);
    else if (list)
        add(p, want->kind->update == CODE_ANEW ? APPLY_REPLACE : APPLY_UPDATE, want, have, list);
    if (have && !p->options->secrets)
        p->plan->kept += count_kept(&settings, want->body, have->body);
}

/* Does the file say what there is of its kind beside it? */
static bool is_spoken_of(struct planner *p, const struct code_object *have)
{
    if (!have->parent)
        return p->want->mentions & code_bit(have->kind);
    const struct code_object *parent =
        code_set_find(p->want, have->parent->kind, have->parent->parent, have->parent->name);
    return parent && (parent->mentions & code_bit(have->kind)); /* without its parent it goes anyway */
}

/* It would go with its parent, at the end; but its name is wanted before. */
static bool makes_room(struct planner *p, const struct code_object *have)
{
    bool wanted = false;
    if (!have->kind->unique || !(p->want->mentions & code_bit(have->parent->kind)) ||
        code_set_find(p->want, have->parent->kind, have->parent->parent, have->parent->name))
        return false;
    for (const struct code_object *w = p->want->first; w && !wanted; w = w->next)
        wanted = w->kind == have->kind && str_eq(w->name, have->name);
    return wanted;
}

static void plan_unwanted(struct planner *p, const struct code_kind *kind)
{
    for (struct code_object *have = p->have->first; have && p->options->prune; have = have->next)
        if (have->kind == kind && (is_spoken_of(p, have) || makes_room(p, have)) &&
            !code_set_find(p->want, kind, have->parent, have->name))
            add(p, APPLY_DELETE, NULL, have, NULL);
}

void apply_plan(struct apply_plan *ret, struct arena *a, struct code_set *want, const struct code_set *have,
                const struct apply_options *o)
{
    struct planner p = {a, want, have, o, ret};
    *ret = (struct apply_plan){0};
    ret->last = &ret->first;
    for (size_t k = 0; k < CODE_KINDS; k++)
        if (code_kinds[k].unique)
            plan_unwanted(&p, &code_kinds[k]);
    for (size_t k = 0; k < CODE_KINDS; k++)
        for (struct code_object *w = want->first; w; w = w->next)
            if (w->kind == &code_kinds[k])
                plan_wanted(&p, w);
    for (size_t k = CODE_KINDS; k-- > 0;)
        if (!code_kinds[k].unique)
            plan_unwanted(&p, &code_kinds[k]);
}

/* ---- bodies ---- */

static void put_usual(struct json_out *w, const struct field *f, bool clear)
{
    const char *json = code_usual(f) ? code_usual(f) : clear ? "null" : NULL;
    if (!json)
        return;
    json_add_raw(w, f->key, str_c(json));
}

static void put_setting(struct json_out *w, const struct apply_call *call, const struct field *f,
                        struct code_secrets *secrets)
{
    const struct code_kind *kind = call->want->kind;
    const struct code_shape *s = code_shape_in(kind->inside, str_c(f->key));
    const struct json_val *want = json_get(call->want->body, f->key),
                          *have = call->have ? json_get(call->have->body, f->key) : NULL;
    bool part = call->action == APPLY_UPDATE && (kind->update == CODE_PART || kind->update == CODE_VERSION);
    bool all = call->action == APPLY_UPDATE && kind->update == CODE_ALL;
    bool hidden = kind->hidden && strcmp(kind->hidden, f->key) == 0;
    if (part && (code_same(s, want, have, secrets->again) || (hidden && !want)))
        return;
    if (want) {
        json_key(w, f->key);
        code_put_sent(w, s, want, have, secrets);
    } else if (part || all || (f->flags & FIELD_REQUIRED)) {
        put_usual(w, f, part || all);
    }
}

void apply_body(struct buf *out, const struct apply_call *call, struct code_secrets *secrets)
{
    const struct code_kind *kind = call->want->kind;
    struct json_out w = json_out(out);
    json_open(&w, '{');
    if (call->action != APPLY_UPDATE || kind->update == CODE_WHOLE || kind->update == CODE_ALL) {
        code_put_names(&w, kind, call->want->name);
        if (kind->parent_member)
            json_add_str(&w, kind->parent_member, call->want->parent->id);
    }
    for (size_t i = 0; i < kind->table->n; i++) {
        const struct field *f = code_field(kind, str_c(kind->table->v[i].key));
        if (f)
            put_setting(&w, call, f, secrets);
    }
    json_close(&w, '}');
}
