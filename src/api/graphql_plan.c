/* SPDX-License-Identifier: Apache-2.0 */
#include "api/graphql_plan.h"
#include "base/limits.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- faults ---- */

bool graphql_fail(struct graphql_request *r, const char *code, size_t at, const char *fmt, ...)
{
    char text[512];
    va_list args;
    if (graphql_failed(r))
        return false;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    size_t n_path = r->n_path < countof(r->path) ? r->n_path : countof(r->path);
    r->error = (struct graphql_error){.code = code, .at = at, .n_path = n_path};
    r->error.message = arena_dup(r->arena, str_c(text));
    if (!r->error.message.p)
        r->error.message = STR("the query is too large");
    memcpy(r->error.path, r->path, sizeof(r->path));
    return false;
}

bool graphql_failed(const struct graphql_request *r)
{
    return r->error.message.p != NULL;
}

static bool no_room(struct graphql_request *r)
{
    return graphql_fail(r, "limit", SIZE_MAX, "the query is too large");
}

/* ---- directives ---- */

static bool is_directive(struct str name)
{
    for (size_t i = 0; i < countof(graphql_directives); i++)
        if (str_eq(name, str_c(graphql_directives[i].name)))
            return true;
    return false;
}

/* Does @include or @skip leave it out? */
static bool left_out(struct graphql_request *r, const struct graphql_directive *d)
{
    bool out = false, when = false;
    for (; d && !graphql_failed(r); d = d->next) {
        if (!is_directive(d->name)) {
            graphql_fail(r, "invalid", d->at, "unknown directive \"%.*s\"", STR_FMT(d->name));
            continue;
        }
        for (const struct graphql_value *a = d->arguments; a; a = a->next)
            if (!str_eq(a->name, STR("if")))
                graphql_fail(r, "invalid", a->at, "unknown arg \"%.*s\"", STR_FMT(a->name));
        const struct graphql_value *v = graphql_argument(r, d->arguments, "if");
        if (!v)
            graphql_fail(r, "invalid", d->at, "directive \"%.*s\" needs the arg \"if\"", STR_FMT(d->name));
        else if (graphql_boolean(r, v, &when))
            out |= when == str_eq(d->name, STR("skip"));
    }
    return out || graphql_failed(r);
}

/* ---- fields ---- */

static bool same_value(const struct graphql_value *a, const struct graphql_value *b)
{
    for (; a && b; a = a->next, b = b->next)
        if (a->kind != b->kind || !str_eq(a->name, b->name) || !str_eq(a->text, b->text) ||
            !same_value(a->first, b->first))
            return false;
    return !a && !b;
}

static void collect(struct graphql_request *r, struct graphql_plan **list, const struct graphql_type *t,
                    const struct graphql_selection *s);

static bool check_arguments(struct graphql_request *r, const struct graphql_selection *s,
                            const struct graphql_field *f)
{
    for (const struct graphql_value *a = s->arguments; a; a = a->next)
        if (!graphql_input_named(f->args, f->n_args, a->name))
            return graphql_fail(r, "invalid", a->at, "unknown arg \"%.*s\"", STR_FMT(a->name));
    for (size_t i = 0; i < f->n_args; i++)
        if (f->args[i].ref.required && !graphql_argument(r, s->arguments, f->args[i].name.p))
            return graphql_fail(r, "invalid", s->at, "%.*s must be specified", STR_FMT(f->args[i].name));
    return true;
}

static bool check_field(struct graphql_request *r, const struct graphql_selection *s,
                        const struct graphql_field *f)
{
    bool leaf = f->ref.type->kind != GRAPHQL_OBJECT;
    if (leaf && s->has_set)
        return graphql_fail(r, "invalid", s->at, "field \"%.*s\" has no fields of its own", STR_FMT(s->name));
    if (!leaf && !s->has_set)
        return graphql_fail(r, "invalid", s->at, "field \"%.*s\" needs a selection of its fields",
                            STR_FMT(s->name));
    return check_arguments(r, s, f);
}

/* The field of this key, made if it is not there; NULL: it means something else, or there is no room. */
static struct graphql_plan *place(struct graphql_request *r, struct graphql_plan **list, struct str key,
                                  const struct graphql_selection *s, const struct graphql_field *f)
{
    for (; *list; list = &(*list)->next) {
        if (!str_eq((*list)->key, key))
            continue;
        if ((*list)->field == f && same_value((*list)->asked->arguments, s->arguments))
            return *list;
        graphql_fail(r, "invalid", s->at, "\"%.*s\" stands for two different fields; give one an alias",
                     STR_FMT(key));
        return NULL;
    }
    struct graphql_plan *p = *list = arena_new(r->arena, struct graphql_plan);
    if (!p) {
        no_room(r);
        return NULL;
    }
    p->key = key;
    p->field = f;
    p->asked = s;
    return p;
}

static void push_key(struct graphql_request *r, struct str key)
{
    if (r->n_path < countof(r->path))
        r->path[r->n_path] = key;
    if (++r->n_path > GRAPHQL_DEPTH) /* fragments in fragments */
        graphql_fail(r, "limit", SIZE_MAX, "the query is nested too deeply");
}

static void collect_field(struct graphql_request *r, struct graphql_plan **list, const struct graphql_type *t,
                          const struct graphql_selection *s)
{
    const struct graphql_field *f = graphql_field_named(r->schema, t, s->name);
    if (!f) {
        graphql_fail(r, "invalid", s->at, "unknown field \"%.*s\"", STR_FMT(s->name));
        return;
    }
    struct str key = s->alias.n ? s->alias : s->name;
    struct graphql_plan *p = check_field(r, s, f) ? place(r, list, key, s, f) : NULL;
    if (!p)
        return;
    p->parent = t;
    push_key(r, key);
    if (s->has_set)
        collect(r, &p->first, f->ref.type, s->first);
    r->n_path--;
}

/* ---- fragments ---- */

static struct graphql_fragment *find_fragment(struct graphql_request *r, struct str name)
{
    struct graphql_fragment *f = r->document.fragments;
    while (f && !str_eq(f->name, name))
        f = f->next;
    return f;
}

static bool check_condition(struct graphql_request *r, const struct graphql_type *t, struct str on, size_t at)
{
    if (on.n == 0 || str_eq(on, t->name))
        return true;
    if (!graphql_type_named(r->schema, on))
        return graphql_fail(r, "invalid", at, "unknown type \"%.*s\"", STR_FMT(on));
    return graphql_fail(r, "invalid", at, "a fragment on \"%.*s\" cannot stand in \"%.*s\"", STR_FMT(on),
                        STR_FMT(t->name));
}

static void collect_fragment(struct graphql_request *r, struct graphql_plan **list,
                             const struct graphql_type *t, const struct graphql_selection *s)
{
    struct graphql_fragment *f = find_fragment(r, s->name);
    if (!f)
        graphql_fail(r, "invalid", s->at, "unknown fragment \"%.*s\"", STR_FMT(s->name));
    else if (f->open)
        graphql_fail(r, "invalid", s->at, "fragment \"%.*s\" contains itself", STR_FMT(s->name));
    else if (check_condition(r, t, f->on, f->at)) {
        f->open = true;
        collect(r, list, t, f->first);
        f->open = false;
    }
}

static void collect(struct graphql_request *r, struct graphql_plan **list, const struct graphql_type *t,
                    const struct graphql_selection *s)
{
    for (; s && !graphql_failed(r); s = s->next) {
        if (++r->n_fields > GRAPHQL_FIELDS)
            graphql_fail(r, "limit", s->at, "the query has too many fields");
        else if (left_out(r, s->directives))
            continue;
        else if (s->kind == GRAPHQL_FIELD)
            collect_field(r, list, t, s);
        else if (s->kind == GRAPHQL_SPREAD)
            collect_fragment(r, list, t, s);
        else if (check_condition(r, t, s->name, s->at))
            collect(r, list, t, s->first);
    }
}

/* ---- what arguments mean ---- */

/* Whatever account is asked for that is not the token's, the answer is the same: nothing is told of it. */
static bool plan_accounts(struct graphql_request *r, const struct graphql_plan *p)
{
    const struct graphql_value *filter = graphql_argument(r, p->asked->arguments, "filter");
    struct str tag = r->token->account;
    if (!filter)
        return true;
    if (filter->kind != GRAPHQL_VALUE_OBJECT)
        return graphql_fail(r, "invalid", filter->at, "filter must be an object");
    for (const struct graphql_value *f = filter->first; f; f = f->next)
        if (!str_eq(f->name, STR("accountTag")))
            return graphql_fail(r, "invalid", f->at, "unknown arg \"%.*s\"", STR_FMT(f->name));
    const struct graphql_value *v = graphql_argument(r, filter->first, "accountTag");
    if (v && !graphql_text(r, v, &tag))
        return false;
    return str_eq(tag, r->token->account) ||
           graphql_fail(r, "authz", p->asked->at, "not authorized for that account");
}

static bool plan_arguments(struct graphql_request *r, struct graphql_plan *list)
{
    for (struct graphql_plan *p = list; p && !graphql_failed(r); p = p->next) {
        push_key(r, p->key);
        if (p->field->meaning == M_ACCOUNTS)
            plan_accounts(r, p);
        else if (p->field->meaning == M_NODE)
            graphql_plan_node(r, p);
        else if (p->field->meaning == I_TYPE)
            graphql_text(r, graphql_argument(r, p->asked->arguments, "name"), &p->name);
        plan_arguments(r, p->first);
        r->n_path--;
    }
    return !graphql_failed(r);
}

/* ---- the operation ---- */

static bool choose_operation(struct graphql_request *r)
{
    const struct graphql_operation *o = r->document.operations;
    bool named = r->operation_name.n > 0;
    if (!named && o && o->next)
        return graphql_fail(r, "invalid", SIZE_MAX,
                            "operationName has to say which of the operations is meant");
    while (o && named && !str_eq(o->name, r->operation_name))
        o = o->next;
    if (!o && named)
        return graphql_fail(r, "invalid", SIZE_MAX, "unknown operation \"%.*s\"", STR_FMT(r->operation_name));
    if (!o)
        return graphql_fail(r, "invalid", SIZE_MAX, "there is no operation");
    if (!str_eq(o->kind, STR("query")))
        return graphql_fail(r, "invalid", o->at, "there is no %.*s here, only queries", STR_FMT(o->kind));
    r->operation = o;
    return true;
}

bool graphql_plan(struct graphql_request *r)
{
    struct graphql_fault fault = {.message = STR("the query is too large")};
    enum err e = graphql_parse(r->arena, r->source, &r->document, &fault);
    if (e != E_OK)
        return graphql_fail(r, e == E_SYNTAX ? "parse" : "limit", e == E_SYNTAX ? fault.at : SIZE_MAX, "%.*s",
                            STR_FMT(fault.message));
    r->schema = graphql_schema(r->arena);
    if (!r->schema)
        return no_room(r);
    if (!choose_operation(r) || !graphql_check_variables(r) || left_out(r, r->operation->directives))
        return false;
    collect(r, &r->plan, r->schema->query, r->operation->first);
    return !graphql_failed(r) && plan_arguments(r, r->plan);
}
