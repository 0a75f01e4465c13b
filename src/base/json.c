/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/limits.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

static yyjson_doc *doc_in(const struct json_doc *d)
{
    return (yyjson_doc *)(uintptr_t)d;
}

static yyjson_val *val_in(const struct json_val *v)
{
    return (yyjson_val *)(uintptr_t)v;
}

static const struct json_val *val_out(const yyjson_val *v)
{
    return (const struct json_val *)(const void *)v;
}

/* yyjson itself does not recurse, our callers do: refuse depth before anybody walks the tree. */
static bool too_deep(struct str text)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > JSON_DEPTH)
                return true;
        } else if ((c == ']' || c == '}') && depth) {
            depth--;
        }
    }
    return false;
}

/*
 * Most documents are small and live for a moment: they are parsed into memory that the thread keeps.
 * One document at a time can have it; json_free gives it back.
 */
enum { POOL_BYTES = 128 * KIB };
struct pool {
    yyjson_doc *user;
    _Alignas(max_align_t) char bytes[POOL_BYTES];
};
static _Thread_local struct pool *pool; /* made on first use, freed with the thread */
static pthread_key_t pool_key;
static pthread_once_t pool_once = PTHREAD_ONCE_INIT;

static void make_pool_key(void)
{
    must(pthread_key_create(&pool_key, mem_free) == 0);
}

static struct pool *pool_of_thread(void)
{
    if (!pool) {
        must(pthread_once(&pool_once, make_pool_key) == 0);
        pool = mem_alloc(sizeof(*pool));
        pool->user = NULL;
        must(pthread_setspecific(pool_key, pool) == 0);
    }
    return pool;
}

static yyjson_doc *read_text(struct str text, yyjson_read_flag flags, yyjson_read_err *why)
{
    char *p = (char *)(uintptr_t)text.p; /* not changed without YYJSON_READ_INSITU */
    struct pool *own = pool_of_thread();
    yyjson_alc memory;
    if (own->user || yyjson_read_max_memory_usage(text.n, flags) > POOL_BYTES / 2)
        return yyjson_read_opts(p, text.n, flags, NULL, why);
    must(yyjson_alc_pool_init(&memory, own->bytes, POOL_BYTES));
    own->user = yyjson_read_opts(p, text.n, flags, &memory, why);
    return own->user;
}

static struct json_doc *parse(struct str text, yyjson_read_flag flags, yyjson_read_err *why)
{
    yyjson_doc *doc = read_text(text, flags, why);
    /* the quick test first: a tree of JSON_DEPTH levels has more values than that */
    if (doc && yyjson_doc_get_val_count(doc) > JSON_DEPTH && too_deep(text)) {
        json_free((struct json_doc *)doc);
        return NULL;
    }
    return (struct json_doc *)doc;
}

struct json_doc *json_parse(struct str text)
{
    return text.n ? parse(text, YYJSON_READ_BIGNUM_AS_RAW, NULL) : NULL;
}

static struct json_doc *parse_file(struct str text, yyjson_read_flag flags, size_t *ret_at,
                                   const char **ret_why)
{
    yyjson_read_err why = {.msg = "nested too deeply"};
    flags |= YYJSON_READ_ALLOW_COMMENTS | YYJSON_READ_ALLOW_TRAILING_COMMAS;
    struct json_doc *doc = parse(text, flags, &why);
    if (ret_at)
        *ret_at = why.pos;
    if (ret_why)
        *ret_why = why.msg;
    return doc;
}

struct json_doc *json_parse_relaxed(struct str text, size_t *ret_at, const char **ret_why)
{
    return parse_file(text, 0, ret_at, ret_why);
}

struct json_doc *json_parse_exact(struct str text, size_t *ret_at, const char **ret_why)
{
    return parse_file(text, YYJSON_READ_NUMBER_AS_RAW, ret_at, ret_why);
}

void json_free(struct json_doc *doc)
{
    if (doc && pool && doc_in(doc) == pool->user)
        pool->user = NULL;
    else
        yyjson_doc_free(doc_in(doc));
}

const struct json_val *json_root(const struct json_doc *doc)
{
    return val_out(yyjson_doc_get_root(doc_in(doc)));
}

enum json_type json_type(const struct json_val *v)
{
    switch (yyjson_get_type(val_in(v))) {
    case YYJSON_TYPE_NULL: return JSON_NULL;
    case YYJSON_TYPE_BOOL: return JSON_BOOL;
    case YYJSON_TYPE_NUM:
    case YYJSON_TYPE_RAW: return JSON_NUMBER; /* too large for any type: kept as text */
    case YYJSON_TYPE_STR: return JSON_STRING;
    case YYJSON_TYPE_ARR: return JSON_ARRAY;
    case YYJSON_TYPE_OBJ: return JSON_OBJECT;
    default: return JSON_NONE;
    }
}

const struct json_val *json_member(const struct json_val *object, struct str key)
{
    return val_out(yyjson_obj_getn(val_in(object), key.p, key.n));
}

const struct json_val *json_at(const struct json_val *array, size_t i)
{
    return val_out(yyjson_arr_get(val_in(array), i));
}

size_t json_count(const struct json_val *v)
{
    return yyjson_is_ctn(val_in(v)) ? unsafe_yyjson_get_len(val_in(v)) : 0;
}

struct str json_str(const struct json_val *v)
{
    const char *p = yyjson_get_str(val_in(v));
    return str_of(p, p ? yyjson_get_len(val_in(v)) : 0);
}

struct str json_number(const struct json_val *v)
{
    const char *p = yyjson_get_raw(val_in(v));
    return str_of(p, p ? yyjson_get_len(val_in(v)) : 0);
}

bool json_bool(const struct json_val *v, bool fallback)
{
    return yyjson_is_bool(val_in(v)) ? yyjson_get_bool(val_in(v)) : fallback;
}

double json_num(const struct json_val *v, double fallback)
{
    return yyjson_is_num(val_in(v)) ? yyjson_get_num(val_in(v)) : fallback;
}

bool json_uint(const struct json_val *v, int64_t *ret)
{
    yyjson_val *y = val_in(v);
    if (yyjson_is_uint(y) && yyjson_get_uint(y) <= INT64_MAX) {
        *ret = (int64_t)yyjson_get_uint(y);
        return true;
    }
    double d = yyjson_is_real(y) ? yyjson_get_real(y) : -1;
    /* 2^63 itself does not fit */
    if (!(d >= 0 && d < 9223372036854775808.0) || d != floor(d))
        return false;
    *ret = (int64_t)d;
    return true;
}

struct json_iter json_iter(const struct json_val *v)
{
    yyjson_val *y = val_in(v);
    struct json_iter it = {.left = json_count(v), .object = yyjson_is_obj(y)};
    if (it.left)
        it.at = unsafe_yyjson_get_first(y);
    return it;
}

bool json_next(struct json_iter *it)
{
    if (it->left == 0)
        return false;
    it->left--;
    yyjson_val *y = (yyjson_val *)(uintptr_t)it->at;
    if (it->object) {
        it->key_val = val_out(y);
        it->key = json_str(it->key_val);
        y++;
    }
    it->val = val_out(y);
    it->at = unsafe_yyjson_get_next(y);
    return true;
}

size_t json_offset(const struct json_doc *doc, const struct json_val *key_or_string)
{
    const char *text = yyjson_get_str(val_in(key_or_string));
    must(text != NULL && text > doc_in(doc)->str_pool);
    /* yyjson unescapes in place inside its copy of the input, so a string starts where it stood */
    return (size_t)(text - doc_in(doc)->str_pool) - 1;
}

struct json_out json_out(struct buf *b)
{
    return (struct json_out){.b = b};
}

static void put(struct json_out *w, const char *p, size_t n)
{
    (void)buf_append(w->b, str_of(p, n)); /* noted in buf.full */
}

static void separate(struct json_out *w)
{
    if (w->comma)
        put(w, ",", 1);
    w->comma = true;
}

void json_open(struct json_out *w, char bracket)
{
    separate(w);
    put(w, &bracket, 1);
    w->comma = false;
}

void json_close(struct json_out *w, char bracket)
{
    put(w, &bracket, 1);
    w->comma = true;
}

/* Length of the well-formed UTF-8 sequence at s (RFC 3629 section 4), 0 if there is none. */
static size_t utf8_sequence(struct str s)
{
    const unsigned char *b = (const unsigned char *)s.p;
    size_t n = b[0] < 0x80 ? 1 : b[0] >= 0xc2 && b[0] < 0xe0 ? 2 : (b[0] & 0xf0) == 0xe0 ? 3 : 0;
    if (b[0] >= 0xf0 && b[0] <= 0xf4)
        n = 4;
    if (n == 0 || n > s.n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((b[i] & 0xc0) != 0x80)
            return 0;
    if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) || (b[0] == 0xf0 && b[1] < 0x90) ||
        (b[0] == 0xf4 && b[1] > 0x8f))
        return 0;
    return n;
}

static void put_escaped(struct json_out *w, unsigned char c)
{
    static const char short_form[] = "\"\"\\\\\nn\rr\tt\bb\ff";
    for (size_t i = 0; i + 1 < sizeof(short_form); i += 2)
        if ((char)c == short_form[i]) {
            char two[2] = {'\\', short_form[i + 1]};
            put(w, two, 2);
            return;
        }
    char six[6] = {'\\', 'u', '0', '0'};
    hex_encode(six + 4, &c, 1);
    put(w, six, 6);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void put_quoted(struct json_out *w, struct str s)
{
    put(w, "\"", 1);
    for (size_t i = 0; i < s.n;) {
        size_t run = i;
        while (run < s.n && is_plain((unsigned char)s.p[run]))
            run++;
        put(w, s.p + i, run - i);
        i = run;
        if (i == s.n)
            break;
        size_t n = utf8_sequence(str_from(s, i));
        if (n == 1)
            put_escaped(w, (unsigned char)s.p[i]);
        else if (n > 1)
            put(w, s.p + i, n);
        else
            put(w, "\xef\xbf\xbd", 3);
        i += n ? n : 1;
    }
    put(w, "\"", 1);
}

void json_key_str(struct json_out *w, struct str key)
{
    separate(w);
    put_quoted(w, key);
    put(w, ":", 1);
    w->comma = false;
}

void json_key(struct json_out *w, const char *key)
{
    json_key_str(w, str_c(key));
}

void json_put_str(struct json_out *w, struct str s)
{
    if (!s.p) {
        json_put_null(w);
        return;
    }
    separate(w);
    put_quoted(w, s);
}

void json_put_raw(struct json_out *w, struct str json)
{
    separate(w);
    put(w, json.p, json.n);
}

void json_put_int(struct json_out *w, int64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%lld", (long long)v);
    json_put_raw(w, str_of(text, (size_t)n));
}

void json_put_num(struct json_out *w, double v)
{
    char text[40];
    if (!isfinite(v)) {
        json_put_null(w);
        return;
    }
    int n = 0;
    for (int digits = 1; digits <= 17; digits++) {
        n = snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    json_put_raw(w, str_of(text, (size_t)n));
}

void json_put_bool(struct json_out *w, bool v)
{
    json_put_raw(w, v ? STR("true") : STR("false"));
}

void json_put_null(struct json_out *w)
{
    json_put_raw(w, STR("null"));
}

void json_put_val(struct json_out *w, const struct json_val *v)
{
    size_t n = 0;
    char *text = yyjson_val_write(val_in(v), YYJSON_WRITE_ALLOW_INVALID_UNICODE, &n);
    json_put_raw(w, text ? str_of(text, n) : STR("null"));
    free(text); /* yyjson took it from the C allocator */
}

void json_put_pretty(struct buf *out, const struct json_val *v)
{
    size_t n = 0;
    char *text =
        yyjson_val_write(val_in(v), YYJSON_WRITE_PRETTY_TWO_SPACES | YYJSON_WRITE_ALLOW_INVALID_UNICODE, &n);
    (void)buf_append(out, text ? str_of(text, n) : STR("null"));
    free(text);
}
