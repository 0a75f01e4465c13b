/* SPDX-License-Identifier: Apache-2.0 */
#include "api/graphql_lex.h"

static char peek(const struct graphql_lexer *l, size_t ahead)
{
    return l->at + ahead < l->source.n ? l->source.p[l->at + ahead] : '\0';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum err refuse(struct graphql_lexer *l, size_t at, const char *why)
{
    l->why = why;
    l->why_at = at;
    return E_SYNTAX;
}

static void skip_ignored(struct graphql_lexer *l)
{
    while (l->at < l->source.n) {
        char c = l->source.p[l->at];
        if (str_starts(str_from(l->source, l->at), STR("\xef\xbb\xbf")))
            l->at += 3;
        else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',')
            l->at++;
        else if (c == '#')
            while (l->at < l->source.n && peek(l, 0) != '\n' && peek(l, 0) != '\r')
                l->at++;
        else
            return;
    }
}

/* ---- numbers ---- */

static bool skip_digits(struct graphql_lexer *l)
{
    size_t from = l->at;
    while (is_digit(peek(l, 0)))
        l->at++;
    return l->at > from;
}

static enum err number(struct graphql_lexer *l, struct graphql_token *t)
{
    t->kind = GRAPHQL_INT;
    l->at += peek(l, 0) == '-';
    bool zero = peek(l, 0) == '0';
    size_t from = l->at;
    if (!skip_digits(l) || (zero && l->at - from > 1))
        return refuse(l, from, "a number has a digit here, and no zero before others");
    if (peek(l, 0) == '.') {
        t->kind = GRAPHQL_FLOAT;
        l->at++;
        if (!skip_digits(l))
            return refuse(l, l->at, "a digit is missing behind the point");
    }
    if (peek(l, 0) == 'e' || peek(l, 0) == 'E') {
        t->kind = GRAPHQL_FLOAT;
        l->at += peek(l, 1) == '+' || peek(l, 1) == '-' ? 2 : 1;
        if (!skip_digits(l))
            return refuse(l, l->at, "a digit is missing in the exponent");
    }
    if (peek(l, 0) == '.' || is_letter(peek(l, 0)))
        return refuse(l, l->at, "a number ends with a digit");
    t->text = str_of(l->source.p + t->at, l->at - t->at);
    return E_OK;
}

/* ---- strings ---- */

static size_t put_utf8(char *out, unsigned c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(leads[n] | c);
    return n;
}

/* Four hex digits behind \u; 0x10000: there are none. */
static unsigned unit(const struct graphql_lexer *l, size_t ahead)
{
    unsigned c = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_digit(peek(l, ahead + i));
        if (digit < 0)
            return 0x10000;
        c = c * 16 + (unsigned)digit;
    }
    return c;
}

/* At \u; the two halves of a pair make one character. */
static enum err unicode_escape(struct graphql_lexer *l, char **out)
{
    unsigned c = unit(l, 2);
    size_t n = 6;
    if (c >= 0xd800 && c < 0xdc00 && peek(l, 6) == '\\' && peek(l, 7) == 'u') {
        unsigned low = unit(l, 8);
        if (low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            n = 12;
        }
    }
    if ((n == 6 && c == 0x10000) || (c >= 0xd800 && c < 0xe000))
        return refuse(l, l->at, "\\u needs four hex digits of a character");
    *out += put_utf8(*out, c);
    l->at += n;
    return E_OK;
}

static enum err escape(struct graphql_lexer *l, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = peek(l, 1);
    if (c == 'u')
        return unicode_escape(l, out);
    const char *known = c ? strchr(from, c) : NULL;
    if (!known)
        return refuse(l, l->at, "no such escape in a string");
    *(*out)++ = to[known - from];
    l->at += 2;
    return E_OK;
}

/* Bytes up to the closing quotes: all of the rest where they are missing. */
static size_t until(struct str rest, struct str quotes)
{
    for (size_t n = 0; n < rest.n; n++) {
        if (rest.p[n] == '\\' && (quotes.n == 1 || str_starts(str_from(rest, n + 1), quotes)))
            n += quotes.n;
        else if (str_starts(str_from(rest, n), quotes))
            return n;
    }
    return rest.n;
}

/* Behind the opening quote. No escape is shorter than what it stands for. */
static enum err plain_string(struct graphql_lexer *l, struct graphql_token *t)
{
    struct str rest = str_from(l->source, l->at);
    char *value = arena_alloc(l->arena, until(rest, STR("\"")) + 1), *out = value;
    if (!value)
        return E_FULL;
    while (peek(l, 0) != '"') {
        unsigned char c = (unsigned char)peek(l, 0);
        if (l->at >= l->source.n || c == '\n' || c == '\r')
            return refuse(l, t->at, "the string has no end on its line");
        if (c < 0x20 && c != '\t')
            return refuse(l, l->at, "a control character in a string has to be escaped");
        if (c == '\\') {
            enum err e = escape(l, &out);
            if (e != E_OK)
                return e;
        } else {
            *out++ = (char)c;
            l->at++;
        }
    }
    l->at++;
    t->text = str_of(value, (size_t)(out - value));
    return E_OK;
}

/* A line of a block string, without its end; false behind the last one. */
static bool next_line(struct str *rest, struct str *ret)
{
    if (!rest->p)
        return false;
    size_t n = 0;
    while (n < rest->n && rest->p[n] != '\n' && rest->p[n] != '\r')
        n++;
    *ret = str_head(*rest, n);
    bool last = n == rest->n;
    size_t skip = str_starts(str_from(*rest, n), STR("\r\n")) ? 2 : 1;
    *rest = last ? (struct str){NULL, 0} : str_of(rest->p + n + skip, rest->n - n - skip);
    return true;
}

static size_t indent_of(struct str line)
{
    size_t n = 0;
    while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t'))
        n++;
    return n;
}

/* The smallest of all lines but the first and empty ones. */
static size_t common_indent(struct str raw)
{
    struct str line;
    size_t common = SIZE_MAX;
    for (bool first = true; next_line(&raw, &line); first = false) {
        size_t n = indent_of(line);
        if (!first && n < line.n && n < common)
            common = n;
    }
    return common;
}

/* BlockStringValue() of section 2.9.4, in place: the value is no longer than the text. */
static struct str block_value(char *out, struct str raw)
{
    size_t common = common_indent(raw), n = 0, end = 0;
    struct str line, rest = raw;
    bool begun = false;
    for (bool first = true; next_line(&rest, &line); first = false) {
        bool empty = indent_of(line) == line.n;
        if (!begun && empty)
            continue;
        if (begun)
            out[n++] = '\n';
        begun = true;
        line = first ? line : str_from(line, common < line.n ? common : line.n);
        if (line.n)
            memmove(out + n, line.p, line.n);
        n += line.n;
        end = empty ? end : n;
    }
    return str_of(out, end);
}

/* Behind the opening quotes. */
static enum err block_string(struct graphql_lexer *l, struct graphql_token *t)
{
    size_t end = l->at + until(str_from(l->source, l->at), STR("\"\"\"")), n = 0;
    char *raw = arena_alloc(l->arena, 2 * (end - l->at) + 1);
    if (!raw)
        return E_FULL;
    if (end == l->source.n)
        return refuse(l, t->at, "the block string has no end");
    while (l->at < end) {
        bool quotes = str_starts(str_from(l->source, l->at), STR("\\\"\"\""));
        l->at += quotes;
        for (size_t i = quotes ? 3 : 1; i > 0; i--)
            raw[n++] = l->source.p[l->at++];
    }
    l->at += 3;
    t->text = block_value(raw + n, str_of(raw, n));
    return E_OK;
}

static enum err string(struct graphql_lexer *l, struct graphql_token *t)
{
    t->kind = GRAPHQL_STRING;
    if (str_starts(str_from(l->source, l->at), STR("\"\"\""))) {
        l->at += 3;
        return block_string(l, t);
    }
    l->at++;
    return plain_string(l, t);
}

enum err graphql_next(struct graphql_lexer *l, struct graphql_token *ret)
{
    skip_ignored(l);
    *ret = (struct graphql_token){.kind = GRAPHQL_END, .at = l->at, .text = STR("")};
    if (l->at >= l->source.n)
        return E_OK;
    char c = l->source.p[l->at];
    if (c == '"')
        return string(l, ret);
    if (is_digit(c) || c == '-')
        return number(l, ret);
    size_t n = 1;
    if (is_letter(c)) {
        ret->kind = GRAPHQL_NAME;
        while (is_letter(peek(l, n)) || is_digit(peek(l, n)))
            n++;
    } else if (c != '\0' &&
               (strchr("!$&():=@[]{|}", c) || str_starts(str_from(l->source, l->at), STR("...")))) {
        ret->kind = GRAPHQL_PUNCTUATOR;
        ret->punctuator = c;
        n = c == '.' ? 3 : 1;
    } else {
        return refuse(l, l->at, "a character that means nothing here");
    }
    ret->text = str_of(l->source.p + l->at, n);
    l->at += n;
    return E_OK;
}
