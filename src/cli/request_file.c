/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/request_file.h"
#include "base/json.h"

#include <stdio.h>

struct reader {
    struct arena *arena;
    const char *name;
    struct str text;
    const struct json_doc *doc;
    struct request_file out;
    bool seen[4]; /* of `members` */
    char *why;
};

/* Says where, and what is wrong. */
static enum err bad_at(struct reader *r, size_t at, const char *what, struct str word)
{
    size_t line, column;
    str_position(r->text, at, &line, &column);
    (void)snprintf(r->why, REQUEST_FILE_WHY, "%s:%zu:%zu: %s%.*s", r->name, line, column, what,
                   STR_FMT(str_head(word, 64)));
    return E_SYNTAX;
}

static enum err bad(struct reader *r, const struct json_val *key, const char *what, struct str word)
{
    return bad_at(r, key ? json_offset(r->doc, key) : 0, what, word);
}

static enum err too_large(struct reader *r)
{
    (void)snprintf(r->why, REQUEST_FILE_WHY, "%s: too large", r->name);
    return E_FULL;
}

static enum err keep(struct reader *r, struct str s, struct str *ret)
{
    struct str copy = arena_dup(r->arena, s);
    if (!copy.p)
        return too_large(r);
    *ret = copy;
    return E_OK;
}

/* ---- members ---- */

static enum err read_method(struct reader *r, const struct json_iter *it)
{
    struct str method = json_str(it->val);
    size_t n = 0;
    while (n < method.n && method.p[n] >= 'A' && method.p[n] <= 'Z')
        n++;
    if (n == 0 || n < method.n)
        return bad(r, it->key_val, "\"method\" is a word in capitals, such as \"POST\"", STR(""));
    return keep(r, method, &r->out.method);
}

/* Bytes that cannot stand in a request line are told here: an escaped one is what is meant. */
static enum err read_path(struct reader *r, const struct json_iter *it)
{
    struct str path = json_str(it->val);
    if (!str_starts(path, STR("/")))
        return bad(
            r, it->key_val,
            "\"path\" is what follows the host, such as \"/v1/ACCOUNT/GATEWAY/openai/chat/completions\"",
            STR(""));
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] <= ' ' || path.p[i] > '~' || path.p[i] == '#')
            return bad(r, it->key_val, "\"path\" has a space or a character to be written as %XX", STR(""));
    return keep(r, path, &r->out.path);
}

static enum err read_header(struct reader *r, const struct json_iter *it)
{
    struct str name, value = str_trim(json_str(it->val));
    if (!value.p)
        return bad(r, it->key_val, "not a text in quotes: the header ", it->key);
    if (!header_is_legal(it->key, value))
        return bad(r, it->key_val, "may not be sent: the header ", it->key);
    enum err e = keep(r, it->key, &name);
    if (e == E_OK)
        e = keep(r, value, &value);
    if (e != E_OK)
        return e;
    if (headers_add(&r->out.headers, r->arena, name, value) != E_OK)
        return bad(r, it->key_val, "too many headers", STR(""));
    return E_OK;
}

static enum err read_headers(struct reader *r, const struct json_iter *it)
{
    if (json_type(it->val) != JSON_OBJECT)
        return bad(r, it->key_val, "\"headers\" is an object of texts, {\"name\": \"value\"}", STR(""));
    enum err e = E_OK;
    for (struct json_iter line = json_iter(it->val); e == E_OK && json_next(&line);)
        e = read_header(r, &line);
    return e;
}

static enum err read_body(struct reader *r, const struct json_iter *it)
{
    struct buf b;
    buf_init(&b, SIZE_MAX / 2);
    struct json_out w = json_out(&b);
    json_put_val(&w, it->val);
    enum err e = keep(r, buf_str(&b), &r->out.body);
    buf_done(&b);
    return e;
}

static const struct {
    struct str name;
    enum err (*read)(struct reader *r, const struct json_iter *it);
} members[] = {
    {S("method"), read_method}, {S("path"), read_path}, {S("headers"), read_headers}, {S("body"), read_body}};

static enum err read_member(struct reader *r, const struct json_iter *it)
{
    for (size_t i = 0; i < countof(members); i++) {
        if (!str_eq(it->key, members[i].name))
            continue;
        if (r->seen[i])
            return bad(r, it->key_val, "a second time: ", it->key);
        r->seen[i] = true;
        return members[i].read(r, it);
    }
    return bad(r, it->key_val, "a request has method, path, headers and body, but no ", it->key);
}

/* ---- the file ---- */

static enum err read_object(struct reader *r, const struct json_val *root)
{
    enum err e = E_OK;
    if (json_type(root) != JSON_OBJECT)
        return bad(r, NULL, "a request is an object, {\"path\": ..., \"body\": ...}", STR(""));
    for (struct json_iter it = json_iter(root); e == E_OK && json_next(&it);)
        e = read_member(r, &it);
    if (e == E_OK && !r->out.path.p)
        return bad(r, NULL, "\"path\" is missing", STR(""));
    return e;
}

/* Of a body weir is told that it is JSON, unless the file knows better. */
static enum err complete(struct reader *r)
{
    struct request_file *f = &r->out;
    if (!f->body.p || headers_last(&f->headers, STR("content-type")).p)
        return E_OK;
    return headers_add(&f->headers, r->arena, STR("Content-Type"), STR("application/json")) == E_OK
               ? E_OK
               : too_large(r);
}

enum err request_file_read(struct arena *a, const char *name, struct str text, struct request_file *ret,
                           char why[REQUEST_FILE_WHY])
{
    size_t at = 0;
    const char *reason = NULL;
    struct reader r = {
        .arena = a, .name = name, .text = text, .out.method = STR("POST"), .out.body = {NULL, 0}, .why = why};
    struct json_doc *doc = json_parse_exact(text, &at, &reason); /* numbers go out as they are written */
    if (!doc) {
        (void)bad_at(&r, at, "not valid JSON: ", str_c(reason ? reason : "nested too deeply"));
        return E_SYNTAX;
    }
    r.doc = doc;
    enum err e = read_object(&r, json_root(doc));
    json_free(doc);
    if (e == E_OK)
        e = complete(&r);
    if (e == E_OK)
        *ret = r.out;
    return e;
}
