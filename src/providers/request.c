/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splicing needs to know where a value starts in the original text. The parser tells where a key's
 * quote stands; the value follows it after a colon and white space, and the few values that are ever
 * replaced (true, false, null) have a known length.
 */
#include "providers/request.h"
#include "base/json.h"

/* ---- JSON ---------------------------------------------------------------------------------------- */

struct member {
    const struct json_val *key, *val;
};

/* The last member of that name: where a key stands twice, the last one is what providers read. */
static struct member last_member(const struct json_val *object, struct str name)
{
    struct member found = {NULL, NULL};
    if (json_type(object) == JSON_OBJECT)
        for (struct json_iter it = json_iter(object); json_next(&it);)
            if (str_eq(it.key, name))
                found = (struct member){it.key_val, it.val};
    return found;
}

static size_t skip_space(struct str text, size_t at)
{
    while (at < text.n &&
           (text.p[at] == ' ' || text.p[at] == '\t' || text.p[at] == '\r' || text.p[at] == '\n'))
        at++;
    return at;
}

/* Where the value begins whose key's opening quote stands at `key`. */
static size_t value_at(struct str text, size_t key)
{
    size_t at = key + 1;
    while (text.p[at] != '"')
        at += text.p[at] == '\\' ? 2 : 1;
    at = skip_space(text, at + 1); /* the colon */
    return skip_space(text, at + 1);
}

static void splice(struct request_facts *f, size_t at, size_t cut, struct str insert)
{
    f->at = at;
    f->cut = cut;
    f->insert = insert;
}

/* The bytes of a literal (true, false, null); 0 for values that are not one. */
static size_t literal_bytes(const struct json_val *v)
{
    if (json_type(v) == JSON_NULL)
        return 4;
    return json_type(v) == JSON_BOOL ? (json_bool(v, false) ? 4 : 5) : 0;
}

static void plan_splice(const struct json_doc *doc, struct str body, struct member options,
                        struct request_facts *f)
{
    static const struct str option = S("\"stream_options\":{\"include_usage\":true},"),
                            object = S("{\"include_usage\":true}"), asks = S("\"include_usage\":true"),
                            asks_more = S("\"include_usage\":true,");
    if (!options.key) {
        splice(f, skip_space(body, 0) + 1, 0, option); /* "stream" is there, so a comma is right */
        return;
    }
    size_t at = value_at(body, json_offset(doc, options.key));
    if (json_type(options.val) == JSON_NULL) {
        splice(f, at, literal_bytes(options.val), object);
        return;
    }
    if (json_type(options.val) != JSON_OBJECT)
        return;
    struct member asked = last_member(options.val, STR("include_usage"));
    if (!asked.key)
        splice(f, at + 1, 0, json_count(options.val) ? asks_more : asks);
    else if (literal_bytes(asked.val))
        splice(f, value_at(body, json_offset(doc, asked.key)), literal_bytes(asked.val), STR("true"));
}

static bool has_stream_options(enum dialect d)
{
    return d == D_OPENAI_CHAT || d == D_OPENAI_COMPLETIONS;
}

static enum err read_facts(struct arena *a, enum dialect d, const struct json_doc *doc, struct str body,
                           struct request_facts *f)
{
    const struct json_val *root = json_root(doc);
    if (json_type(root) != JSON_OBJECT)
        return E_SYNTAX;
    struct str model = json_str(last_member(root, STR("model")).val);
    f->stream = json_bool(last_member(root, STR("stream")).val, false);
    if (has_stream_options(d)) {
        struct member options = last_member(root, STR("stream_options"));
        f->usage_asked = json_bool(last_member(options.val, STR("include_usage")).val, false);
        if (f->stream && !f->usage_asked)
            plan_splice(doc, body, options, f);
    }
    if (model.p)
        f->model = arena_dup(a, model);
    return model.p && !f->model.p ? E_FULL : E_OK;
}

enum err request_facts_read(struct arena *a, enum dialect d, struct str body, struct request_facts *ret)
{
    struct request_facts facts = {.stream = false};
    struct json_doc *doc = json_parse(body);
    enum err e = read_facts(a, d, doc, body, &facts);
    json_free(doc);
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
    if (!str_istarts(content_type, STR("multipart/form-data")) || !boundary.n)
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
