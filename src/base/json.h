/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: a reader façade over yyjson and a small writer. yyjson.h is included by json.c only.
 *
 * Reading is strict (RFC 8259), keeps key order and big integers; depth is capped by JSON_DEPTH.
 * Values are views into the document: valid until json_free. Every getter accepts NULL and a value
 * of another type and answers with "nothing", so a path reads as one expression.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

struct json_doc;
struct json_val; /* never defined: a yyjson value inside */

/*
 * Parses text; NULL when it is not one JSON value. `text` may go away afterwards. Free with
 * json_free (accepts NULL). Not shared between threads.
 */
struct json_doc *json_parse(struct str text);
/* Same, but comments and trailing commas are allowed: configuration files. *ret_at gets the offset
 * of a mistake and *ret_why static text; both may be NULL. */
struct json_doc *json_parse_relaxed(struct str text, size_t *ret_at, const char **ret_why);
/* The same, and every number is kept as it is written, for json_number: money must not become a double. */
struct json_doc *json_parse_exact(struct str text, size_t *ret_at, const char **ret_why);
void json_free(struct json_doc *doc);
const struct json_val *json_root(const struct json_doc *doc);

enum json_type { JSON_NONE, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
enum json_type json_type(const struct json_val *v);

/* Member of an object, or NULL; the first of several of that name. */
const struct json_val *json_member(const struct json_val *object, struct str key);
static inline const struct json_val *json_get(const struct json_val *object, const char *key)
{
    return json_member(object, str_c(key)); /* inline: the length of a literal is known */
}
/* Element of an array, or NULL. */
const struct json_val *json_at(const struct json_val *array, size_t i);
/* Members of an object, elements of an array, else 0. */
size_t json_count(const struct json_val *v);
/* The text of a string, unescaped, UTF-8, may contain NUL bytes; p == NULL when not a string. */
struct str json_str(const struct json_val *v);
/* The text of a number that was kept as text; p == NULL for anything else. */
struct str json_number(const struct json_val *v);
/* v if it is a boolean, else fallback. */
bool json_bool(const struct json_val *v, bool fallback);
/* Any number, as the nearest double; fallback when not a number. */
double json_num(const struct json_val *v, double fallback);
/*
 * A whole number >= 0 that fits int64: integers, and reals without fraction (providers send
 * `5.0`). False for anything else.
 */
bool json_uint(const struct json_val *v, int64_t *ret);

/* for (struct json_iter it = json_iter(v); json_next(&it);) ... it.key, it.val. Arrays have no key. */
struct json_iter {
    const struct json_val *key_val; /* the key's own value, for json_offset */
    struct str key;
    const struct json_val *val;
    size_t left;
    const void *at;
    bool object;
};
struct json_iter json_iter(const struct json_val *v);
bool json_next(struct json_iter *it);

/*
 * Offset in the parsed text of a key's or string's opening quote: the anchor for splicing a change
 * into the original bytes instead of writing them anew.
 */
size_t json_offset(const struct json_doc *doc, const struct json_val *key_or_string);

/*
 * The members of a top-level object, or the elements of a top-level array, without a tree: for bodies
 * of which little is wanted. Keys and values are views of the text's own bytes (strings with their
 * quotes and escapes). Nesting is skipped, not checked: this finds things in JSON, it does not say
 * that it is JSON.
 *
 *   struct json_walk w;
 *   if (json_walk(&w, text)) while (json_walk_next(&w)) ... w.key, w.value
 *   if (w.broken) ...
 */
struct json_walk {
    struct str text;
    size_t at;
    struct str key, value; /* elements have no key */
    bool array;
    bool broken; /* the text ended early, or is not what was to be walked over */
};
bool json_walk(struct json_walk *w, struct str text);
bool json_walk_array(struct json_walk *w, struct str text);
bool json_walk_next(struct json_walk *w);
/* Is this raw string (quotes included), once unescaped, `name`? */
bool json_raw_is(struct str raw, struct str name);
/*
 * The text of a raw string, unescaped: a view of it where nothing is escaped, else in the arena.
 * E_SYNTAX when it is not a string, E_FULL past the arena's cap.
 */
enum err json_raw_str(struct arena *a, struct str raw, struct str *ret) MUST_CHECK;

/*
 * The writer appends to a buf; commas are its business. Overflow is noted in buf.full.
 *
 *   struct json_out w = json_out(&b);
 *   json_open(&w, '{'); json_key(&w, "id"); json_put_str(&w, id); json_close(&w, '}');
 */
struct json_out {
    struct buf *b;
    bool comma;
};
struct json_out json_out(struct buf *b);
void json_open(struct json_out *w, char bracket);  /* '{' or '[' */
void json_close(struct json_out *w, char bracket); /* '}' or ']' */
void json_key(struct json_out *w, const char *key);
void json_key_str(struct json_out *w, struct str key);
void json_put_str(struct json_out *w, struct str s); /* p == NULL writes null; bad UTF-8 becomes U+FFFD */
void json_put_int(struct json_out *w, int64_t v);
void json_put_num(struct json_out *w, double v); /* shortest text that reads back the same; NaN, Inf: null */
void json_put_bool(struct json_out *w, bool v);
void json_put_null(struct json_out *w);
/* Bytes that are JSON already. */
void json_put_raw(struct json_out *w, struct str json);
/* A member, key and value. */
static inline void json_add_str(struct json_out *w, const char *key, struct str s)
{
    json_key(w, key);
    json_put_str(w, s);
}
static inline void json_add_int(struct json_out *w, const char *key, int64_t v)
{
    json_key(w, key);
    json_put_int(w, v);
}
static inline void json_add_bool(struct json_out *w, const char *key, bool v)
{
    json_key(w, key);
    json_put_bool(w, v);
}
static inline void json_add_raw(struct json_out *w, const char *key, struct str json)
{
    json_key(w, key);
    json_put_raw(w, json);
}
/* A parsed value, written compactly. */
void json_put_val(struct json_out *w, const struct json_val *v);
/* The same for people: indented by two spaces. */
void json_put_pretty(struct buf *out, const struct json_val *v);
