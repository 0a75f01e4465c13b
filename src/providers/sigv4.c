/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   canonical request = method, path, query, lines, their names, hash of the body
 *   string to sign    = algorithm, time, scope, hash of the canonical request
 *   signature         = HMAC of that, by a key made from the secret and the scope
 */
#include "providers/sigv4.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/limits.h"

#include <stdlib.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

enum { TIME_BYTES = 16, DAY_BYTES = 8, HEX_BYTES = 2 * SHA256_BYTES };

/* ---- text ---- */

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

/* The byte at *i; *i moves to the last character of its escape. */
static unsigned char unescape(struct str s, size_t *i)
{
    int high = *i + 2 < s.n && s.p[*i] == '%' ? hex_digit(s.p[*i + 1]) : -1;
    int low = high >= 0 ? hex_digit(s.p[*i + 2]) : -1;
    if (low < 0)
        return (unsigned char)s.p[*i];
    *i += 2;
    return (unsigned char)(high * 16 + low);
}

/* RFC 3986 section 2.1, upper case. `once`: s is escaped already, in whatever spelling, and stays so once. */
static void put_escaped(struct buf *out, struct str s, bool once)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = once ? unescape(s, &i) : (unsigned char)s.p[i];
        const char escape[] = {'%', hex[c >> 4], hex[c & 15]};
        if (is_unreserved(c))
            (void)buf_append_byte(out, (char)c);
        else
            (void)buf_append(out, str_of(escape, sizeof(escape)));
    }
}

/* ---- the canonical request ---- */

static void drop_segment(struct buf *out, size_t start)
{
    while (out->n > start)
        if (out->p[--out->n] == '/')
            break;
}

/* Empty and dot segments are resolved, what is left is escaped as if it were not yet. */
static void put_path(struct buf *out, struct str path)
{
    size_t start = out->n;
    struct str rest = path;
    while (rest.p) {
        struct str segment = str_cut(&rest, '/');
        if (str_eq(segment, STR(".."))) {
            drop_segment(out, start);
        } else if (segment.n && !str_eq(segment, STR("."))) {
            (void)buf_append_byte(out, '/');
            put_escaped(out, segment, false);
        }
    }
    if (out->n == start || str_ends(path, STR("/")))
        (void)buf_append_byte(out, '/');
}

struct pair {
    struct str name, value;
    size_t at; /* of several lines of one name the order is kept */
};

static int by_name_and_value(const void *x, const void *y)
{
    const struct pair *a = x, *b = y;
    int name = str_compare(a->name, b->name);
    return name ? name : str_compare(a->value, b->value);
}

static int by_name_and_place(const void *x, const void *y)
{
    const struct pair *a = x, *b = y;
    int name = str_compare(a->name, b->name);
    return name ? name : (a->at > b->at) - (a->at < b->at);
}

static struct str escaped_once(struct arena *a, struct str s)
{
    struct buf b;
    buf_init(&b, SIGV4_BYTES);
    put_escaped(&b, s, true);
    struct str ret = b.full ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
    buf_done(&b);
    return ret;
}

static size_t count(struct str s, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == c;
    return n;
}

static enum err put_query(struct arena *a, struct buf *out, struct str query)
{
    size_t n = 0;
    struct pair *v = arena_alloc(a, (count(query, '&') + 1) * sizeof(*v));
    if (!v)
        return E_FULL;
    while (query.n) {
        struct str value = str_cut(&query, '&'), name = str_cut(&value, '=');
        if (name.n == 0 && !value.p)
            continue;
        v[n] = (struct pair){.name = escaped_once(a, name), .value = escaped_once(a, value)};
        if (!v[n].name.p || !v[n].value.p)
            return E_FULL;
        n++;
    }
    qsort(v, n, sizeof(*v), by_name_and_value);
    for (size_t i = 0; i < n; i++) {
        (void)buf_append_c(out, i ? "&" : "");
        (void)buf_append(out, v[i].name);
        (void)buf_append_byte(out, '=');
        (void)buf_append(out, v[i].value);
    }
    return E_OK;
}

/* Without space around it, and one blank for several. */
static void put_value(struct buf *out, struct str value)
{
    value = str_trim(value);
    for (size_t i = 0; i < value.n; i++) {
        bool blank = value.p[i] == ' ' || value.p[i] == '\t';
        bool again = blank && (value.p[i - 1] == ' ' || value.p[i - 1] == '\t');
        if (!again)
            (void)buf_append_byte(out, blank ? ' ' : value.p[i]);
    }
}

static struct str lower_case(struct arena *a, struct str name)
{
    char *copy = arena_alloc(a, name.n + 1);
    for (size_t i = 0; copy && i < name.n; i++)
        copy[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] - 'A' + 'a') : name.p[i];
    return str_of(copy, copy ? name.n : 0);
}

/* Lines of one name become one. Names are appended to `names`. */
static enum err put_lines(struct arena *a, struct buf *out, struct buf *names, const struct headers *lines)
{
    struct pair *v = arena_alloc(a, (lines->n + 1) * sizeof(*v));
    if (!v)
        return E_FULL;
    for (unsigned i = 0; i < lines->n; i++) {
        v[i] = (struct pair){lower_case(a, lines->v[i].name), lines->v[i].value, i};
        if (!v[i].name.p)
            return E_FULL;
    }
    qsort(v, lines->n, sizeof(*v), by_name_and_place);
    for (unsigned i = 0; i < lines->n; i++) {
        bool again = i > 0 && str_eq(v[i].name, v[i - 1].name);
        (void)buf_append_c(out, again ? "," : i ? "\n" : "");
        if (!again) {
            (void)buf_append_c(names, i ? ";" : "");
            (void)buf_append(names, v[i].name);
            (void)buf_append(out, v[i].name);
            (void)buf_append_byte(out, ':');
        }
        put_value(out, v[i].value);
    }
    return E_OK;
}

static struct str hash_text(struct str data, char out[HEX_BYTES])
{
    unsigned char hash[SHA256_BYTES];
    sha256(data, hash);
    hex_encode(out, hash, sizeof(hash));
    return str_of(out, HEX_BYTES);
}

static enum err put_request(struct arena *a, const struct sigv4_call *c, const struct headers *lines,
                            struct buf *out, struct buf *names)
{
    char hash[HEX_BYTES];
    struct str query = c->target, path = str_cut(&query, '?');
    (void)buf_append(out, c->method);
    (void)buf_append_byte(out, '\n');
    put_path(out, path);
    (void)buf_append_byte(out, '\n');
    enum err e = put_query(a, out, query);
    (void)buf_append_byte(out, '\n');
    if (e == E_OK)
        e = put_lines(a, out, names, lines);
    (void)buf_append_c(out, "\n\n");
    (void)buf_append(out, buf_str(names));
    (void)buf_append_byte(out, '\n');
    (void)buf_append(out, hash_text(c->body, hash));
    return e == E_OK && (out->full || names->full) ? E_FULL : e;
}

enum err sigv4_canonical(struct arena *a, const struct sigv4_call *c, const struct headers *lines,
                         struct str *ret_signed, struct str *ret)
{
    struct buf out, names;
    struct str text = {NULL, 0}, list = {NULL, 0};
    buf_init(&out, SIGV4_BYTES);
    buf_init(&names, SIGV4_BYTES);
    enum err e = put_request(a, c, lines, &out, &names);
    if (e == E_OK) {
        text = arena_dup(a, buf_str(&out));
        list = arena_dup(a, buf_str(&names));
        e = text.p && list.p ? E_OK : E_FULL;
    }
    buf_done(&out);
    buf_done(&names);
    if (e == E_OK) {
        *ret_signed = list;
        *ret = text;
    }
    return e;
}

/* ---- the signature ---- */

/* "20150830T123600Z", NUL-terminated; its first eight are the day. */
static struct str time_text(int64_t now_s, char out[TIME_BYTES + 1])
{
    time_t seconds = now_s;
    struct tm t;
    must(gmtime_r(&seconds, &t) != NULL && strftime(out, TIME_BYTES + 1, "%Y%m%dT%H%M%SZ", &t) == TIME_BYTES);
    return str_of(out, TIME_BYTES);
}

/* The secret itself never signs: a key is made from it for each day, region and service. */
static enum err make_key(struct arena *a, const struct sigv4_key *k, struct str day,
                         unsigned char key[SHA256_BYTES])
{
    const struct str first[] = {STR("AWS4"), secret_reveal(k->secret)};
    const struct str rest[] = {day, k->region, k->service, STR("aws4_request")};
    struct str by = arena_join(a, first, countof(first));
    if (!by.p)
        return E_FULL;
    for (size_t i = 0; i < countof(rest); i++) {
        hmac_sha256(by, rest[i], key);
        by = str_of((const char *)key, SHA256_BYTES);
    }
    return E_OK;
}

enum err sigv4_authorization(struct arena *a, const struct sigv4_key *k, struct str canonical,
                             struct str signed_names, int64_t now_s, struct str *ret)
{
    char stamp[TIME_BYTES + 1], hash[HEX_BYTES], signature[HEX_BYTES];
    unsigned char key[SHA256_BYTES], mac[SHA256_BYTES];
    struct str now = time_text(now_s, stamp), day = str_head(now, DAY_BYTES);
    struct str scope =
        arena_printf(a, "%.*s/%.*s/%.*s/aws4_request", STR_FMT(day), STR_FMT(k->region), STR_FMT(k->service));
    if (!scope.p)
        return E_FULL;
    const struct str parts[] = {STR(ALGORITHM "\n"),       now, STR("\n"), scope, STR("\n"),
                                hash_text(canonical, hash)};
    struct str text = arena_join(a, parts, countof(parts));
    if (!text.p || make_key(a, k, day, key))
        return E_FULL;
    hmac_sha256(str_of((const char *)key, sizeof(key)), text, mac);
    hex_encode(signature, mac, sizeof(mac));
    const struct str line[] = {STR(ALGORITHM " Credential="),
                               k->id,
                               STR("/"),
                               scope,
                               STR(", SignedHeaders="),
                               signed_names,
                               STR(", Signature="),
                               str_of(signature, HEX_BYTES)};
    struct str value = arena_join(a, line, countof(line));
    if (!value.p)
        return E_FULL;
    *ret = value;
    return E_OK;
}

/* ---- a request ---- */

static bool is_covered(struct str name)
{
    return str_istarts(name, STR("x-amz-")) || str_ieq(name, STR("content-type"));
}

static enum err covered_lines(struct arena *a, struct str host, const struct headers *h, struct headers *ret)
{
    enum err e = headers_add(ret, a, STR("Host"), host);
    for (unsigned i = 0; i < h->n && e == E_OK; i++)
        if (is_covered(h->v[i].name))
            e = headers_add(ret, a, h->v[i].name, h->v[i].value);
    return e;
}

static enum err replace(struct arena *a, struct headers *h, struct str name, struct str value)
{
    struct str copy = arena_dup(a, value);
    headers_remove(h, name);
    if (!copy.p)
        return E_FULL;
    return header_is_legal(name, copy) ? headers_add(h, a, name, copy) : E_CREDENTIAL;
}

enum err sigv4_sign(struct arena *a, const struct sigv4_key *k, const struct sigv4_call *c, int64_t now_s,
                    struct headers *h)
{
    static const struct str authorization = S("Authorization"), session = S("X-Amz-Security-Token");
    char stamp[TIME_BYTES + 1], hash[HEX_BYTES];
    struct headers lines = {0};
    struct str canonical, names, value;
    headers_remove(h, authorization);
    headers_remove(h, session);
    enum err e = replace(a, h, STR("X-Amz-Date"), time_text(now_s, stamp));
    if (e == E_OK)
        e = replace(a, h, STR("X-Amz-Content-Sha256"), hash_text(c->body, hash));
    if (e == E_OK && secret_set(k->session))
        e = replace(a, h, session, secret_reveal(k->session));
    if (e == E_OK)
        e = covered_lines(a, c->host, h, &lines);
    if (e == E_OK)
        e = sigv4_canonical(a, c, &lines, &names, &canonical);
    if (e == E_OK)
        e = sigv4_authorization(a, k, canonical, names, now_s, &value);
    return e == E_OK ? replace(a, h, authorization, value) : e;
}
