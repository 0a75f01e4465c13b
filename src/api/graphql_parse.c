/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recursive descent with one token ahead. Once something is wrong, `err` is set and every function returns
 * without reading on; callers look at it where they would loop.
 */
#include "api/graphql_parse.h"
#include "api/graphql_lex.h"
#include "base/limits.h"

struct parser {
    struct graphql_lexer lexer;
    struct graphql_token token; /* not yet used */
    struct arena *arena;
    unsigned depth;
    enum err err;
    struct graphql_fault fault;
};

/* ---- tokens ---- */

static void fail(struct parser *p, size_t at, struct str message)
{
    if (p->err != E_OK)
        return;
    p->err = message.p ? E_SYNTAX : E_FULL;
    p->fault = (struct graphql_fault){message, at};
}

static void advance(struct parser *p)
{
    enum err e = p->err == E_OK ? graphql_next(&p->lexer, &p->token) : E_OK;
    if (e == E_SYNTAX)
        fail(p, p->lexer.why_at, arena_printf(p->arena, "syntax error: %s", p->lexer.why));
    else if (e != E_OK)
        fail(p, p->lexer.at, str_of(NULL, 0));
}

static void expected(struct parser *p, const char *what)
{
    const struct graphql_token *t = &p->token;
    struct str shown = t->kind == GRAPHQL_END ? STR("the end") : str_head(t->text, 40);
    fail(p, t->at, arena_printf(p->arena, "syntax error: expected %s, found \"%.*s\"", what, STR_FMT(shown)));
}

static bool is(const struct parser *p, char punctuator)
{
    return p->err == E_OK && p->token.kind == GRAPHQL_PUNCTUATOR && p->token.punctuator == punctuator;
}

static bool take(struct parser *p, char punctuator)
{
    bool there = is(p, punctuator);
    if (there)
        advance(p);
    return there;
}

static void want(struct parser *p, char punctuator)
{
    char what[] = {'"', punctuator, '"', '\0'};
    if (!take(p, punctuator))
        expected(p, what);
}

static bool is_word(const struct parser *p, const char *word)
{
    return p->err == E_OK && p->token.kind == GRAPHQL_NAME && str_eq(p->token.text, str_c(word));
}

static struct str name(struct parser *p)
{
    struct str text = p->token.text;
    if (p->token.kind != GRAPHQL_NAME)
        expected(p, "a name");
    else
        advance(p);
    return text;
}

/* Nesting uses the stack. */
static bool enter(struct parser *p)
{
    if (++p->depth > GRAPHQL_DEPTH)
        fail(p, p->token.at, STR("the query is nested too deeply"));
    return p->err == E_OK;
}

#define NEW(p, type) ((p)->err == E_OK ? make_room((p), sizeof(type)) : NULL)
static void *make_room(struct parser *p, size_t n)
{
    void *room = arena_zalloc(p->arena, n);
    if (!room)
        fail(p, p->token.at, str_of(NULL, 0));
    return room;
}

/* ---- values ---- */

static struct graphql_value *value(struct parser *p, bool constant);

static struct graphql_value *elements(struct parser *p, bool constant)
{
    struct graphql_value *first = NULL, **end = &first;
    while (p->err == E_OK && !take(p, ']')) {
        *end = value(p, constant);
        if (*end)
            end = &(*end)->next;
    }
    return first;
}

/* name: value, up to the closing punctuator */
static struct graphql_value *fields(struct parser *p, char close, bool constant)
{
    struct graphql_value *first = NULL, **end = &first;
    while (p->err == E_OK && !take(p, close)) {
        size_t at = p->token.at;
        struct str key = name(p);
        want(p, ':');
        for (const struct graphql_value *v = first; v; v = v->next)
            if (str_eq(v->name, key))
                fail(p, at, arena_printf(p->arena, "syntax error: \"%.*s\" is given twice", STR_FMT(key)));
        *end = value(p, constant);
        if (!*end)
            break;
        (*end)->name = key;
        end = &(*end)->next;
    }
    return first;
}

static void word_value(struct graphql_value *v, struct str word)
{
    bool boolean = str_eq(word, STR("true")) || str_eq(word, STR("false"));
    v->kind = boolean                     ? GRAPHQL_VALUE_BOOLEAN
              : str_eq(word, STR("null")) ? GRAPHQL_VALUE_NULL
                                          : GRAPHQL_VALUE_ENUM;
    v->text = word;
}

static void punctuated_value(struct parser *p, struct graphql_value *v, bool constant)
{
    if (!constant && take(p, '$')) {
        v->kind = GRAPHQL_VALUE_VARIABLE;
        v->text = name(p);
    } else if (take(p, '[')) {
        v->kind = GRAPHQL_VALUE_LIST;
        v->first = elements(p, constant);
    } else if (take(p, '{')) {
        v->kind = GRAPHQL_VALUE_OBJECT;
        v->first = fields(p, '}', constant);
    } else {
        expected(p, constant ? "a value without variables" : "a value");
    }
}

static struct graphql_value *value(struct parser *p, bool constant)
{
    struct graphql_value *v = enter(p) ? NEW(p, struct graphql_value) : NULL;
    if (!v)
        return NULL;
    const struct graphql_token t = p->token;
    v->at = t.at;
    v->text = t.text;
    switch (t.kind) {
    case GRAPHQL_INT: v->kind = GRAPHQL_VALUE_INT; break;
    case GRAPHQL_FLOAT: v->kind = GRAPHQL_VALUE_FLOAT; break;
    case GRAPHQL_STRING: v->kind = GRAPHQL_VALUE_STRING; break;
    case GRAPHQL_NAME: word_value(v, t.text); break;
    default: punctuated_value(p, v, constant);
    }
    if (t.kind != GRAPHQL_PUNCTUATOR)
        advance(p);
    p->depth--;
    return p->err == E_OK ? v : NULL;
}

/* ---- selections ---- */

static struct graphql_value *arguments(struct parser *p, bool constant)
{
    if (!take(p, '('))
        return NULL;
    if (is(p, ')'))
        expected(p, "an argument");
    return fields(p, ')', constant);
}

static struct graphql_directive *directives(struct parser *p, bool constant)
{
    struct graphql_directive *first = NULL, **end = &first;
    while (is(p, '@')) {
        struct graphql_directive *d = NEW(p, struct graphql_directive);
        if (!d)
            break;
        d->at = p->token.at;
        advance(p);
        d->name = name(p);
        d->arguments = arguments(p, constant);
        *end = d;
        end = &d->next;
    }
    return first;
}

static struct graphql_selection *selection_set(struct parser *p);

static void field(struct parser *p, struct graphql_selection *s)
{
    s->name = name(p);
    if (take(p, ':')) {
        s->alias = s->name;
        s->name = name(p);
    }
    s->arguments = arguments(p, false);
    s->directives = directives(p, false);
    s->has_set = is(p, '{');
    s->first = s->has_set ? selection_set(p) : NULL;
}

/* Behind the dots. */
static void fragment_use(struct parser *p, struct graphql_selection *s)
{
    s->kind = GRAPHQL_INLINE;
    if (is_word(p, "on")) {
        advance(p);
        s->name = name(p);
    } else if (p->token.kind == GRAPHQL_NAME) {
        s->kind = GRAPHQL_SPREAD;
        s->name = name(p);
    }
    s->directives = directives(p, false);
    s->has_set = s->kind == GRAPHQL_INLINE;
    s->first = s->has_set ? selection_set(p) : NULL;
}

static struct graphql_selection *selection(struct parser *p)
{
    struct graphql_selection *s = NEW(p, struct graphql_selection);
    if (!s)
        return NULL;
    s->at = p->token.at;
    if (take(p, '.'))
        fragment_use(p, s);
    else
        field(p, s);
    return s;
}

static struct graphql_selection *selection_set(struct parser *p)
{
    struct graphql_selection *first = NULL, **end = &first;
    if (!enter(p))
        return NULL;
    want(p, '{');
    if (is(p, '}'))
        expected(p, "a field");
    while (p->err == E_OK && !take(p, '}')) {
        *end = selection(p);
        if (*end)
            end = &(*end)->next;
    }
    p->depth--;
    return first;
}

/* ---- definitions ---- */

static struct graphql_type_ref type_ref(struct parser *p)
{
    struct graphql_type_ref t = {.at = p->token.at};
    if (enter(p) && take(p, '[')) {
        t = (struct graphql_type_ref){.name = type_ref(p).name, .list = true, .at = t.at};
        want(p, ']');
    } else {
        t.name = name(p);
    }
    p->depth--;
    t.required = take(p, '!');
    return t;
}

static struct graphql_variable *variables(struct parser *p)
{
    struct graphql_variable *first = NULL, **end = &first;
    if (!take(p, '('))
        return NULL;
    do {
        struct graphql_variable *v = NEW(p, struct graphql_variable);
        if (!v)
            break;
        v->at = p->token.at;
        want(p, '$');
        v->name = name(p);
        want(p, ':');
        v->type = type_ref(p);
        v->fallback = take(p, '=') ? value(p, true) : NULL;
        for (struct graphql_directive *d = directives(p, true); d; d = NULL)
            fail(p, d->at, STR("no directive is known for variables"));
        *end = v;
        end = &v->next;
    } while (p->err == E_OK && !take(p, ')'));
    return first;
}

static struct graphql_operation *operation(struct parser *p)
{
    struct graphql_operation *o = NEW(p, struct graphql_operation);
    if (!o)
        return NULL;
    o->at = p->token.at;
    o->kind = STR("query");
    if (!is(p, '{')) {
        o->kind = name(p);
        o->name = p->token.kind == GRAPHQL_NAME ? name(p) : STR("");
        o->variables = variables(p);
        o->directives = directives(p, false);
    }
    o->first = selection_set(p);
    return o;
}

static struct graphql_fragment *fragment(struct parser *p)
{
    struct graphql_fragment *f = NEW(p, struct graphql_fragment);
    if (!f)
        return NULL;
    f->at = p->token.at;
    advance(p);
    if (is_word(p, "on"))
        expected(p, "the fragment's name");
    f->name = name(p);
    if (!is_word(p, "on"))
        expected(p, "\"on\"");
    advance(p);
    f->on = name(p);
    f->directives = directives(p, false);
    f->first = selection_set(p);
    return f;
}

static void definition(struct parser *p, struct graphql_operation ***operations,
                       struct graphql_fragment ***fragments)
{
    if (is_word(p, "fragment")) {
        **fragments = fragment(p);
        if (**fragments)
            *fragments = &(**fragments)->next;
    } else if (is(p, '{') || is_word(p, "query") || is_word(p, "mutation") || is_word(p, "subscription")) {
        **operations = operation(p);
        if (**operations)
            *operations = &(**operations)->next;
    } else {
        expected(p, "an operation or a fragment");
    }
}

enum err graphql_parse(struct arena *a, struct str source, struct graphql_document *ret,
                       struct graphql_fault *ret_fault)
{
    struct parser p = {.lexer = {.source = source, .arena = a}, .arena = a};
    struct graphql_document doc = {.source = source};
    struct graphql_operation **operations = &doc.operations;
    struct graphql_fragment **fragments = &doc.fragments;
    if (source.n > GRAPHQL_BYTES)
        fail(&p, 0, STR("the query is too long"));
    advance(&p);
    do
        definition(&p, &operations, &fragments);
    while (p.err == E_OK && p.token.kind != GRAPHQL_END);
    if (p.err == E_OK)
        *ret = doc;
    else
        *ret_fault = p.fault;
    return p.err;
}
