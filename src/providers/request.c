/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's body is mostly prompt, and three of its members matter: so the members are walked over,
 * not parsed. What is found are views of the original bytes, which is also what splicing needs.
 */
#include "providers/request.h"
#include "base/json.h"

/* ---- JSON ---------------------------------------------------------------------------------------- */

struct wanted {
    struct str name;
    struct str value; /* raw; p == NULL when absent */
};

/* Finds members. Where a key stands twice, the last one is what providers read. */
static enum err find_members(struct str object, struct wanted *v, size_t n)
{
    struct json_walk w;
    json_walk(&w, object);
    while (json_walk_next(&w))
        for (size_t i = 0; i < n; i++)
            if (json_raw_is(w.key, v[i].name))
                v[i].value = w.value;
    return w.broken ? E_SYNTAX : E_OK;
}

static enum err read_string(struct arena *a, struct str raw, struct str *ret)
{
    if (raw.n < 2 || raw.p[0] != '"')
        return E_OK;
    struct json_doc *doc = str_find(raw, '\\') < raw.n ? json_parse(raw) : NULL;
    struct str copy = arena_dup(a, doc ? json_str(json_root(doc)) : str_of(raw.p + 1, raw.n - 2));
    json_free(doc);
    if (!copy.p)
        return E_FULL;
    *ret = copy;
    return E_OK;
}

static bool is_literal(struct str raw)
{
    return str_eq(raw, STR("true")) || str_eq(raw, STR("false")) || str_eq(raw, STR("null"));
}

static void splice(struct request_facts *f, size_t at, size_t cut, struct str insert)
{
    f->at = at;
    f->cut = cut;
    f->insert = insert;
}

static bool is_empty_object(struct str raw)
{
    return str_trim(str_of(raw.p + 1, raw.n - 2)).n == 0;
}

/* `options`: the raw value of stream_options in body; `asked`: that of include_usage in it. */
static void plan_splice(struct str body, struct str options, struct str asked, struct request_facts *f)
{
    static const struct str option = S("\"stream_options\":{\"include_usage\":true},"),
                            object = S("{\"include_usage\":true}"), asks = S("\"include_usage\":true"),
                            asks_more = S("\"include_usage\":true,");
    if (!options.p)
        splice(f, str_find(body, '{') + 1, 0, option); /* "stream" is there, so a comma is right */
    else if (str_eq(options, STR("null")))
        splice(f, (size_t)(options.p - body.p), options.n, object);
    else if (options.p[0] == '{' && !asked.p)
        splice(f, (size_t)(options.p - body.p) + 1, 0, is_empty_object(options) ? asks : asks_more);
    else if (is_literal(asked))
        splice(f, (size_t)(asked.p - body.p), asked.n, STR("true"));
}

static enum err read_options(struct str body, struct str options, struct request_facts *f)
{
    struct wanted asked = {S("include_usage"), {NULL, 0}};
    if (options.p && options.p[0] == '{' && find_members(options, &asked, 1) != E_OK)
        return E_SYNTAX;
    f->usage_asked = str_eq(asked.value, STR("true"));
    if (f->stream && !f->usage_asked)
        plan_splice(body, options, asked.value, f);
    return E_OK;
}

static bool has_stream_options(enum dialect d)
{
    return d == D_OPENAI_CHAT || d == D_OPENAI_COMPLETIONS;
}

enum err request_facts_read(struct arena *a, enum dialect d, struct str body, struct request_facts *ret)
{
    struct request_facts facts = {.stream = false};
    struct wanted v[] = {{S("model"), {NULL, 0}}, {S("stream"), {NULL, 0}}, {S("stream_options"), {NULL, 0}}};
    enum err e = find_members(body, v, countof(v));
    facts.stream = str_eq(v[1].value, STR("true"));
    if (e == E_OK && has_stream_options(d))
        e = read_options(body, v[2].value, &facts);
    if (e == E_OK)
        e = read_string(a, v[0].value, &facts.model);
    if (e == E_OK)
        *ret = facts;
    return e;
}

void request_ask_usage(const struct request_facts *f, struct str body, struct str ret_parts[3])
{
    must(f->insert.p && f->at + f->cut <= body.n);
    ret_parts[0] = str_head(body, f->at);
    ret_parts[1] = f->insert;
    ret_parts[2] = str_from(body, f->at + f->cut);
}

/* ---- multipart/form-data --------------------------------------------------------------------------- */

/* Up to the first `sep` that is not inside quotes; *rest goes on after it, p == NULL at the end. */
static struct str cut_unquoted(struct str *rest, char sep)
{
    bool quoted = false;
    for (size_t i = 0; i < rest->n; i++) {
        char c = rest->p[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (c == sep && !quoted) {
            struct str first = str_head(*rest, i);
            *rest = str_from(*rest, i + 1);
            return first;
        }
    }
    struct str all = *rest;
    *rest = (struct str){NULL, 0};
    return all;
}

/* A parameter of a header value such as `form-data; name="model"` (RFC 9110 section 5.6.6), unquoted. */
static struct str parameter(struct str value, struct str name)
{
    (void)cut_unquoted(&value, ';');
    while (value.p) {
        struct str one = str_trim(cut_unquoted(&value, ';'));
        struct str key = str_trim(str_cut(&one, '='));
        if (!one.p || !str_ieq(key, name))
            continue;
        one = str_trim(one);
        bool quoted = one.n >= 2 && one.p[0] == '"' && one.p[one.n - 1] == '"';
        return quoted ? str_of(one.p + 1, one.n - 2) : one;
    }
    return (struct str){NULL, 0};
}

/* Position of the next delimiter line ("--" boundary), at the start of the text or of a line; n if none. */
static size_t find_delimiter(struct str text, struct str boundary)
{
    for (size_t at = 0;; at++) {
        at += str_search(str_from(text, at), boundary);
        if (at + boundary.n >= text.n)
            return text.n;
        struct str before = str_head(text, at);
        bool starts = str_eq(before, STR("--")) || str_ends(before, STR("\r\n--"));
        char next = text.p[at + boundary.n];
        if (starts && (next == '\r' || next == '-' || next == ' ' || next == '\t'))
            return at - 2;
    }
}

/* The name of the form field whose part has these header lines. */
static struct str part_name(struct str lines)
{
    while (lines.p) {
        struct str line = str_cut(&lines, '\n');
        struct str name = str_cut(&line, ':');
        if (str_ieq(str_trim(name), STR("content-disposition")))
            return parameter(line, STR("name"));
    }
    return (struct str){NULL, 0};
}

struct str multipart_field(struct str content_type, struct str body_prefix, struct str name)
{
    static const struct str none = {NULL, 0}, blank = S("\r\n\r\n");
    struct str boundary = parameter(content_type, STR("boundary")), rest = body_prefix;
    if (!str_istarts(content_type, STR("multipart/form-data")) || !boundary.n || !body_prefix.n)
        return none;
    for (;;) {
        rest = str_from(rest, find_delimiter(rest, boundary));
        rest = str_from(rest, 2 + boundary.n);
        size_t head = str_search(rest, blank);
        if (head == rest.n || str_starts(rest, STR("--")))
            return none;
        struct str field = part_name(str_head(rest, head));
        rest = str_from(rest, head + blank.n);
        size_t end = find_delimiter(rest, boundary);
        if (str_eq(field, name))
            return end < rest.n ? str_head(rest, end > 2 ? end - 2 : 0) : none; /* CRLF is the delimiter's */
        rest = str_from(rest, end);
    }
}

/* ---- how long the answer may be ---- */

/* A whole number; `otherwise` for anything else. */
static int64_t count_of(struct str raw, int64_t otherwise)
{
    int64_t n;
    return str_to_int(raw, &n) == E_OK && n >= 0 ? n : otherwise;
}

static bool is_one_of(struct str key, const struct str *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (json_raw_is(key, names[i]))
            return true;
    return false;
}

struct answers {
    int64_t tokens, n;
};

static void read_answers(struct str object, bool nested, struct answers *ret)
{
    static const struct str tokens[] = {S("max_tokens"), S("max_completion_tokens"), S("max_output_tokens"),
                                        S("maxOutputTokens"), S("maxTokens")};
    static const struct str counts[] = {S("n"), S("candidateCount")};
    static const struct str within[] = {S("generationConfig"), S("inferenceConfig")};
    struct json_walk w;
    for (bool ok = json_walk(&w, object); ok && json_walk_next(&w);) {
        if (is_one_of(w.key, tokens, countof(tokens)))
            ret->tokens = count_of(w.value, ret->tokens);
        else if (is_one_of(w.key, counts, countof(counts)))
            ret->n = count_of(w.value, ret->n);
        else if (!nested && is_one_of(w.key, within, countof(within)))
            read_answers(w.value, true, ret);
    }
}

int64_t request_answer_tokens(struct str body, int64_t otherwise)
{
    struct answers a = {otherwise, 1};
    int64_t all;
    read_answers(body, false, &a);
    return __builtin_mul_overflow(a.tokens, a.n > 0 ? a.n : 1, &all) ? INT64_MAX : all;
}
