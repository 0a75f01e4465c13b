/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/cache_key.h"

enum { KEY_PARTS = 16 };

/* Parts are hashed behind their lengths: no two lists of parts are the same bytes. */
struct parts {
    struct str v[2 * KEY_PARTS];
    uint64_t lengths[KEY_PARTS];
    size_t n;
};

static void add(struct parts *p, struct str s)
{
    must(p->n < KEY_PARTS);
    p->lengths[p->n] = s.n;
    p->v[2 * p->n] = str_of((const char *)&p->lengths[p->n], sizeof(p->lengths[0]));
    p->v[2 * p->n + 1] = s;
    p->n++;
}

/* Callers with different provider keys do not share answers; those with the same stored one do, also after it
 * was rotated. */
static void add_credentials(struct parts *p, const struct cache_key_parts *k)
{
    struct secret_ref ref;
    add(p, k->alias.p ? STR("stored") : STR("")); /* no alias is not an empty one */
    add(p, k->alias);
    for (unsigned i = 0; (ref = provider_credential(k->provider, k->headers, i)).name.p; i++)
        add(p, headers_last(k->headers, ref.name));
}

struct cache_key cache_key_of(const struct cache_key_parts *k)
{
    struct parts p = {.n = 0};
    struct cache_key key;
    /* who reads a stream cannot read a whole answer, and the other way round */
    const char kind[4] = {k->own.n > 0, k->stream, k->usage_asked,
                          k->translated ? (char)(1 + k->dialect) : 0};
    add(&p, str_of((const char *)&k->gateway, sizeof(k->gateway)));
    add(&p, str_of((const char *)&k->generation, sizeof(k->generation)));
    if (k->provider_changed)
        add(&p, str_of((const char *)&k->provider_changed, sizeof(k->provider_changed)));
    add(&p, str_of(kind, sizeof(kind)));
    if (k->own.n) {
        add(&p, k->own);
    } else {
        add(&p, k->provider->slug);
        add(&p, k->rest);
        add(&p, k->url->authority); /* a header may say where to: fal */
        add(&p, k->url->target);
        add(&p, k->model);
        add_credentials(&p, k);
        add(&p, k->body);
    }
    sha256_parts(p.v, 2 * p.n, key.b);
    return key;
}

static const struct str kept[] = {S("content-type"),
                                  S("content-language"),
                                  S("content-disposition"),
                                  S("content-encoding"),
                                  S("x-amzn-bedrock-content-type"),
                                  S("x-amzn-bedrock-input-token-count")};

bool cache_is_event_stream(struct str content_type)
{
    return str_istarts(content_type, STR("text/event-stream")) ||
           str_istarts(content_type, STR("application/vnd.amazon.eventstream"));
}

/* Name, colon, value, line feed; neither may contain one. */
enum err cache_head_write(struct buf *out, const struct response_head *h)
{
    for (size_t i = 0; i < countof(kept); i++) {
        struct str value = headers_last(&h->headers, kept[i]);
        if (!value.p)
            continue;
        (void)buf_append(out, kept[i]);
        (void)buf_append_byte(out, ':');
        (void)buf_append(out, value);
        (void)buf_append_byte(out, '\n');
    }
    return out->full ? E_FULL : E_OK;
}

/* A line without a name. */
enum err cache_head_put_cost(struct buf *out, int64_t pico)
{
    return pico < 0 ? E_OK : buf_printf(out, ":%lld\n", (long long)pico);
}

enum err cache_head_read(struct arena *a, struct str stored, int64_t length, struct response_head *ret,
                         int64_t *ret_cost)
{
    *ret = (struct response_head){.status = 200, .length = length};
    *ret_cost = RECORD_NULL;
    enum err e = E_OK;
    while (stored.n && e == E_OK) {
        struct str value = str_cut(&stored, '\n'), name = str_cut(&value, ':');
        if (name.n)
            e = headers_add(&ret->headers, a, name, value);
        else
            e = str_to_int(value, ret_cost);
    }
    if (cache_is_event_stream(headers_last(&ret->headers, STR("content-type"))))
        ret->length = LENGTH_UNKNOWN;
    return e;
}
