/* SPDX-License-Identifier: Apache-2.0 */
/* A GraphQL document as canonical text: parsed again it gives the same. */
#pragma once
#include "api/graphql_parse.h"
#include "base/buf.h"
#include "base/json.h"

static inline void print_fields(struct buf *b, const char *open, const struct graphql_value *v,
                                const char *close);

static inline void print_value(struct buf *b, const struct graphql_value *v)
{
    struct json_out w = json_out(b);
    switch (v->kind) {
    case GRAPHQL_VALUE_VARIABLE: (void)buf_printf(b, "$%.*s", STR_FMT(v->text)); break;
    case GRAPHQL_VALUE_STRING: json_put_str(&w, v->text); break;
    case GRAPHQL_VALUE_LIST:
        (void)buf_append_c(b, "[");
        for (const struct graphql_value *e = v->first; e; e = e->next) {
            print_value(b, e);
            (void)buf_append_c(b, e->next ? " " : "");
        }
        (void)buf_append_c(b, "]");
        break;
    case GRAPHQL_VALUE_OBJECT: print_fields(b, "{", v->first, "}"); break;
    default: (void)buf_append(b, v->text);
    }
}

static inline void print_fields(struct buf *b, const char *open, const struct graphql_value *v,
                                const char *close)
{
    (void)buf_append_c(b, open);
    for (; v; v = v->next) {
        (void)buf_printf(b, "%.*s:", STR_FMT(v->name));
        print_value(b, v);
        (void)buf_append_c(b, v->next ? " " : "");
    }
    (void)buf_append_c(b, close);
}

static inline void print_directives(struct buf *b, const struct graphql_directive *d)
{
    for (; d; d = d->next) {
        (void)buf_printf(b, " @%.*s", STR_FMT(d->name));
        if (d->arguments)
            print_fields(b, "(", d->arguments, ")");
    }
}

static inline void print_set(struct buf *b, const struct graphql_selection *s)
{
    (void)buf_append_c(b, "{");
    for (; s; s = s->next) {
        if (s->kind == GRAPHQL_FIELD && s->alias.n)
            (void)buf_printf(b, "%.*s:", STR_FMT(s->alias));
        if (s->kind == GRAPHQL_INLINE)
            (void)buf_append_c(b, s->name.n ? "...on " : "...");
        else if (s->kind == GRAPHQL_SPREAD)
            (void)buf_append_c(b, "...");
        (void)buf_append(b, s->name);
        if (s->arguments)
            print_fields(b, "(", s->arguments, ")");
        print_directives(b, s->directives);
        if (s->has_set)
            print_set(b, s->first);
        (void)buf_append_c(b, s->next ? " " : "");
    }
    (void)buf_append_c(b, "}");
}

static inline void print_variables(struct buf *b, const struct graphql_variable *v)
{
    (void)buf_append_c(b, v ? "(" : "");
    for (bool any = v; v || any; v = v ? v->next : NULL) {
        if (!v) {
            (void)buf_append_c(b, ")");
            break;
        }
        (void)buf_printf(b, "$%.*s:%s%.*s%s%s", STR_FMT(v->name), v->type.list ? "[" : "",
                         STR_FMT(v->type.name), v->type.list ? "]" : "", v->type.required ? "!" : "");
        if (v->fallback) {
            (void)buf_append_c(b, "=");
            print_value(b, v->fallback);
        }
        (void)buf_append_c(b, v->next ? " " : "");
    }
}

static inline void print_document(struct buf *b, const struct graphql_document *d)
{
    for (const struct graphql_operation *o = d->operations; o; o = o->next) {
        (void)buf_printf(b, "%.*s %.*s", STR_FMT(o->kind), STR_FMT(o->name));
        print_variables(b, o->variables);
        print_directives(b, o->directives);
        print_set(b, o->first);
    }
    for (const struct graphql_fragment *f = d->fragments; f; f = f->next) {
        (void)buf_printf(b, "fragment %.*s on %.*s", STR_FMT(f->name), STR_FMT(f->on));
        print_directives(b, f->directives);
        print_set(b, f->first);
    }
}
