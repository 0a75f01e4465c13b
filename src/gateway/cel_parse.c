/* SPDX-License-Identifier: Apache-2.0 */
/* From text to tree: recursive descent, with the binary operators by level. */
#include "base/limits.h"
#include "gateway/cel_tree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct parser {
    struct arena *arena;
    struct str text;
    size_t at;
    size_t nodes;
    int depth;
    struct cel_fault fault; /* says NULL: none yet */
};

static const struct {
    const char *sign;
    int level; /* the higher binds closer */
    enum cel_op op;
} binaries[] = {{"||", 0, CEL_OR}, {"&&", 1, CEL_AND}, {"==", 2, CEL_EQ}, {"!=", 2, CEL_NE},
                {"<=", 2, CEL_LE}, {">=", 2, CEL_GE},  {"<", 2, CEL_LT},  {">", 2, CEL_GT},
                {"in", 2, CEL_IN}, {"+", 3, CEL_ADD}};
enum { LEVELS = 4 };

static const struct {
    const char *name;
    enum cel_op op;
    size_t args; /* with what a method stands behind */
} functions[] = {{"size", CEL_SIZE, 1},
                 {"has", CEL_HAS, 1},
                 {"startsWith", CEL_STARTS_WITH, 2},
                 {"endsWith", CEL_ENDS_WITH, 2},
                 {"contains", CEL_CONTAINS, 2}};

static const struct cel *parse_expression(struct parser *p);

/* ---- characters ---- */

static const struct cel *fail(struct parser *p, size_t at, const char *says)
{
    if (!p->fault.says)
        p->fault = (struct cel_fault){at, says};
    return NULL;
}

static char peek(const struct parser *p)
{
    return p->at < p->text.n ? p->text.p[p->at] : '\0';
}

static void skip_space(struct parser *p)
{
    while (p->at < p->text.n && strchr(" \t\r\n", p->text.p[p->at]) && p->text.p[p->at])
        p->at++;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct str word(struct parser *p)
{
    size_t from = p->at;
    while (is_letter(peek(p)) || (p->at > from && is_digit(peek(p))))
        p->at++;
    return str_of(p->text.p + from, p->at - from);
}

/* Takes a sign, or a whole word, behind white space. */
static bool take(struct parser *p, const char *sign)
{
    skip_space(p);
    struct str s = str_c(sign), rest = str_from(p->text, p->at);
    bool is_word = is_letter(sign[0]);
    if (!str_starts(rest, s) ||
        (is_word && s.n < rest.n && (is_letter(rest.p[s.n]) || is_digit(rest.p[s.n]))))
        return false;
    p->at += s.n;
    return true;
}

/* ---- nodes ---- */

static struct cel *node(struct parser *p, enum cel_op op, size_t n)
{
    struct cel *e = arena_new(p->arena, struct cel);
    if (++p->nodes > CEL_NODES || !e || (n && !(e->args = arena_zalloc(p->arena, n * sizeof(*e->args))))) {
        fail(p, p->at, "the expression is too large");
        return NULL;
    }
    e->op = op;
    e->n = n;
    return e;
}

static const struct cel *join(struct parser *p, enum cel_op op, const struct cel *left,
                              const struct cel *right)
{
    struct cel *e = left ? node(p, op, right ? 2 : 1) : NULL;
    if (!e)
        return NULL;
    e->args[0] = left;
    if (right)
        e->args[1] = right;
    return e;
}

static const struct cel *value(struct parser *p, struct cel_value v)
{
    struct cel *e = node(p, CEL_VALUE, 0);
    if (e)
        e->value = v;
    return e;
}

/* ---- literals ---- */

static const struct cel *parse_number(struct parser *p)
{
    char text[64];
    size_t from = p->at, n;
    while (is_digit(peek(p)) || peek(p) == '.' || peek(p) == 'e' || peek(p) == 'E' ||
           ((peek(p) == '+' || peek(p) == '-') && p->at > from && strchr("eE", p->text.p[p->at - 1])))
        p->at++;
    n = p->at - from;
    if (n >= sizeof(text) || is_letter(peek(p)))
        return fail(p, from, "this is no number");
    memcpy(text, p->text.p + from, n);
    text[n] = '\0';
    char *end;
    double d = strtod(text, &end);
    if (*end || !isfinite(d))
        return fail(p, from, "this is no number");
    return value(p, (struct cel_value){.type = CEL_NUMBER, .number = d});
}

/* What stands behind a backslash; 0: nothing that is known. */
static char unescape(char c)
{
    static const char from[] = "nrt\\'\"`?", to[] = "\n\r\t\\'\"`?";
    const char *at = c ? strchr(from, c) : NULL;
    return at ? to[at - from] : '\0';
}

static const struct cel *parse_text(struct parser *p)
{
    size_t from = p->at, n = 0;
    char quote = p->text.p[p->at++], *out = arena_alloc(p->arena, p->text.n);
    if (!out)
        return fail(p, from, "the expression is too large");
    for (; p->at < p->text.n && p->text.p[p->at] != quote; p->at++) {
        char c = p->text.p[p->at];
        if (c == '\\') {
            c = ++p->at < p->text.n ? unescape(p->text.p[p->at]) : '\0';
            if (!c)
                return fail(p, p->at - 1, "this escape is not known; there are \\\\ \\' \\\" \\n \\r \\t");
        } else if (c == '\n' || c == '\r') {
            return fail(p, from, "this text has no end");
        }
        out[n++] = c;
    }
    if (p->at == p->text.n)
        return fail(p, from, "this text has no end");
    p->at++;
    return value(p, (struct cel_value){.type = CEL_TEXT, .text = str_of(out, n)});
}

/* Expressions apart by commas up to the closing sign; the opening one is taken. */
static size_t parse_several(struct parser *p, const char *closing, const struct cel **into, size_t most)
{
    size_t n = 0;
    while (!p->fault.says && !take(p, closing)) {
        if (n && !take(p, ","))
            fail(p, p->at, "expected a comma or the closing bracket");
        else if (n == most)
            fail(p, p->at, "there are too many of these");
        else
            into[n++] = parse_expression(p);
    }
    return n;
}

static const struct cel *parse_list(struct parser *p)
{
    const struct cel *items[CEL_ITEMS];
    size_t n = parse_several(p, "]", items, countof(items));
    struct cel *e = p->fault.says ? NULL : node(p, CEL_LIST, n);
    for (size_t i = 0; e && i < n; i++)
        e->args[i] = items[i];
    return e;
}

/* ---- names ---- */

static const struct cel *make_call(struct parser *p, struct str name, size_t at, const struct cel **args,
                                   size_t n, bool method)
{
    for (size_t i = 0; i < countof(functions); i++) {
        if (!str_eq(name, str_c(functions[i].name)) || (method ? i == 1 : i > 1))
            continue;
        if (n != functions[i].args)
            return fail(p, at, "it takes another number of arguments");
        if (functions[i].op == CEL_HAS && args[0]->op != CEL_MEMBER)
            return fail(p, at, "has() takes a field, such as has(metadata.team)");
        return join(p, functions[i].op, args[0], n > 1 ? args[1] : NULL);
    }
    return fail(p, at,
                method ? "there is no such method; there are startsWith, endsWith, contains and size"
                       : "there is no such function; there are size and has");
}

/* The arguments behind an opening bracket; `self` is what a method stands behind. */
static const struct cel *parse_call(struct parser *p, struct str name, size_t at, const struct cel *self)
{
    const struct cel *args[3] = {self};
    size_t n = self ? 1 : 0;
    n += parse_several(p, ")", args + n, countof(args) - n);
    return p->fault.says ? NULL : make_call(p, name, at, args, n, self != NULL);
}

static const struct cel *parse_name(struct parser *p)
{
    static const char *const roots[] = {"cf", "metadata", "model", "provider"};
    size_t at = p->at;
    struct str name = word(p);
    if (str_eq(name, STR("true")) || str_eq(name, STR("false")))
        return value(p, (struct cel_value){.type = CEL_BOOL, .yes = str_eq(name, STR("true"))});
    if (str_eq(name, STR("null")))
        return value(p, (struct cel_value){.type = CEL_NULL});
    if (take(p, "("))
        return parse_call(p, name, at, NULL);
    for (size_t i = 0; i < countof(roots); i++)
        if (str_eq(name, str_c(roots[i]))) {
            struct cel *e = node(p, CEL_ROOT, 0);
            if (e)
                e->name = str_c(roots[i]);
            return e;
        }
    return fail(p, at, "there is no such name; there are cf, metadata, model and provider");
}

static const struct cel *parse_primary(struct parser *p)
{
    skip_space(p);
    char c = peek(p);
    if (is_digit(c))
        return parse_number(p);
    if (c == '"' || c == '\'')
        return parse_text(p);
    if (is_letter(c))
        return parse_name(p);
    if (take(p, "["))
        return parse_list(p);
    if (!take(p, "("))
        return fail(p, p->at, p->at < p->text.n ? "expected a value" : "the expression ends too early");
    const struct cel *e = parse_expression(p);
    return e && !take(p, ")") ? fail(p, p->at, "expected a closing bracket") : e;
}

/* .name, .method(...) and [...] behind something. */
static const struct cel *parse_member(struct parser *p)
{
    const struct cel *e = parse_primary(p);
    while (e) {
        if (take(p, "[")) {
            const struct cel *index = parse_expression(p);
            e = index ? join(p, CEL_INDEX, e, index) : NULL;
            if (e && !take(p, "]"))
                return fail(p, p->at, "expected a closing bracket");
        } else if (take(p, ".")) {
            skip_space(p);
            size_t at = p->at;
            struct str name = word(p);
            if (!name.n)
                return fail(p, at, "expected a name behind the dot");
            if (take(p, "(")) {
                e = parse_call(p, name, at, e);
                continue;
            }
            struct cel *member = node(p, CEL_MEMBER, 1);
            if (!member)
                return NULL;
            member->name = arena_dup(p->arena, name);
            member->args[0] = e;
            e = member;
        } else {
            return e;
        }
    }
    return NULL;
}

/* ---- operators ---- */

static const struct cel *parse_unary(struct parser *p)
{
    const struct cel *e = NULL;
    if (++p->depth > CEL_DEPTH)
        fail(p, p->at, "the expression is too deep");
    else if (take(p, "!"))
        e = join(p, CEL_NOT, parse_unary(p), NULL);
    else if (take(p, "-"))
        e = join(p, CEL_MINUS, parse_unary(p), NULL);
    else
        e = parse_member(p);
    p->depth--;
    return e;
}

static bool take_binary(struct parser *p, int level, enum cel_op *ret)
{
    for (size_t i = 0; i < countof(binaries); i++)
        if (binaries[i].level == level && take(p, binaries[i].sign)) {
            *ret = binaries[i].op;
            return true;
        }
    return false;
}

static const struct cel *parse_binary(struct parser *p, int level)
{
    enum cel_op op;
    if (level == LEVELS)
        return parse_unary(p);
    const struct cel *left = parse_binary(p, level + 1);
    while (left && take_binary(p, level, &op)) {
        const struct cel *right = parse_binary(p, level + 1);
        left = right ? join(p, op, left, right) : NULL;
    }
    return left;
}

static const struct cel *parse_expression(struct parser *p)
{
    const struct cel *e =
        ++p->depth > CEL_DEPTH ? fail(p, p->at, "the expression is too deep") : parse_binary(p, 0);
    p->depth--;
    return e;
}

/* A text or a sum is never true or false; a field may be. */
static bool may_decide(const struct cel *e)
{
    return e->op != CEL_LIST && e->op != CEL_MINUS && e->op != CEL_ADD && e->op != CEL_SIZE &&
           (e->op != CEL_VALUE || e->value.type == CEL_BOOL);
}

const struct cel *cel_parse(struct arena *a, struct str text, struct cel_fault *ret_fault)
{
    struct parser p = {.arena = a, .text = text};
    const struct cel *e = NULL;
    if (text.n > CEL_BYTES)
        fail(&p, CEL_BYTES, "the expression is too long");
    else
        e = parse_expression(&p);
    skip_space(&p);
    if (e && p.at < text.n)
        e = fail(&p, p.at, "expected an operator, or nothing more");
    if (e && !may_decide(e))
        e = fail(&p, 0, "this is never true or false");
    if (!e)
        *ret_fault = p.fault.says ? p.fault : (struct cel_fault){0, "the expression is too large"};
    return p.fault.says ? NULL : e;
}
