/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of providers and what its rows say about credentials. How a path becomes a URL is in
 * url.c, what kind of call a path is in operation.c.
 */
#include "providers/provider.h"

#define LINES(...)                                                                                           \
    (const struct str[])                                                                                     \
    {                                                                                                        \
        __VA_ARGS__,                                                                                         \
        {                                                                                                    \
            NULL, 0                                                                                          \
        }                                                                                                    \
    }
static const struct provider rows[] = {
#define PROVIDER(slug_, origin_, base_, rule_, auth_, auth_header_, lines_, apis_, quirks_)                  \
    {.slug = S(slug_),                                                                                       \
     .origin = S(origin_),                                                                                   \
     .base = S(base_),                                                                                       \
     .rule = rule_,                                                                                          \
     .auth = auth_,                                                                                          \
     .auth_header = S(auth_header_),                                                                         \
     .lines = lines_,                                                                                        \
     .apis = apis_,                                                                                          \
     .quirks = quirks_,                                                                                      \
     .prices = S(slug_)},
#include "providers/providers.def"
#undef PROVIDER
};
#undef LINES

const struct provider *provider_find(struct str slug)
{
    size_t low = 0, high = countof(rows);
    while (low < high) {
        size_t mid = (low + high) / 2;
        struct str at = rows[mid].slug;
        int order = memcmp(slug.n ? slug.p : "", at.p, slug.n < at.n ? slug.n : at.n);
        if (order == 0 && slug.n == at.n)
            return &rows[mid];
        if (order < 0 || (order == 0 && slug.n < at.n))
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

const struct provider *provider_at(size_t i)
{
    return i < countof(rows) ? &rows[i] : NULL;
}

const struct provider *provider_mock(void)
{
    return provider_find(STR("mock"));
}

bool provider_asks_usage(const struct provider *p, const struct headers *h, struct str query)
{
    /* the first version of Azure's API that knows stream_options; names such as "preview" sort after it */
    const struct str least = S("api-version=2024-09-01"), key = S("api-version=");
    if (!(p->quirks & Q_ASK_USAGE) ||
        str_istarts(headers_last(h, STR("Authorization")), STR("AWS4-HMAC-SHA256")))
        return false;
    while (query.n > 0) {
        struct str pair = str_cut(&query, '&');
        if (str_starts(pair, key))
            return memcmp(pair.p, least.p, pair.n < least.n ? pair.n : least.n) >= 0;
    }
    return true;
}

static const struct str schemes[] = {S("Bearer"), S("Token"), S("Key"), S("Api-Key")};

static bool is_scheme(struct str word)
{
    for (size_t i = 0; i < countof(schemes); i++)
        if (str_ieq(word, schemes[i]))
            return true;
    return false;
}

/*
 * The key in an Authorization line. Every scheme is read for every provider: a gateway token behind
 * the wrong word would otherwise pass for something else and reach the provider.
 */
static struct str key_of_authorization(struct str line)
{
    size_t space = 0;
    while (space < line.n && line.p[space] != ' ' && line.p[space] != '\t')
        space++;
    struct str word = str_head(line, space);
    if (space < line.n)
        return is_scheme(word) ? str_trim(str_from(line, space)) : STR("");
    return is_scheme(word) ? STR("") : word;
}

struct secret_ref provider_credential(const struct provider *p, const struct headers *h, unsigned i)
{
    const struct str *at = p->lines;
    while (at->p && i > 0)
        at++, i--;
    if (!at->p)
        return (struct secret_ref){{NULL, 0}, {NULL, 0}};
    struct str name = *at;
    struct str line = str_trim(headers_last(h, name));
    struct str key = str_ieq(name, STR("Authorization")) ? key_of_authorization(line) : line;
    if (str_istarts(key, STR("AWS4-HMAC-SHA256")))
        key = STR("");
    return (struct secret_ref){name, key};
}

/* The name in the query whose value is a key, or a signature; empty: there is none. */
static struct str query_name(const struct provider *p)
{
    if (p->auth == AUTH_SIGV4)
        return STR("X-Amz-Signature");
    return p->apis & API_GEMINI ? STR("key") : STR("");
}

bool provider_has_credential(const struct provider *p, const struct headers *h, struct str query)
{
    for (const struct str *name = p->lines; name->p; name++) {
        struct str line = str_trim(headers_last(h, *name));
        if (line.n && !(str_ieq(*name, STR("Authorization")) && is_scheme(line)))
            return true;
    }
    struct str name = query_name(p);
    while (name.n && query.n) {
        struct str value = str_cut(&query, '&');
        if (str_eq(str_cut(&value, '='), name) && value.n)
            return true;
    }
    return false;
}

enum err provider_put_credential(struct arena *a, const struct provider *p, struct str key, struct headers *h)
{
    static const struct str words[] = {
        [AUTH_BEARER] = S("Bearer "), [AUTH_TOKEN] = S("Token "),  [AUTH_KEY] = S("Key "),
        [AUTH_HEADER] = S(""),        [AUTH_SIGV4] = S("Bearer "), [AUTH_GCP] = S("Bearer "),
    };
    struct str name = p->auth == AUTH_HEADER ? p->auth_header : STR("Authorization");
    const struct str parts[] = {words[p->auth], key};
    struct str value = arena_join(a, parts, countof(parts));
    if (!value.p)
        return E_FULL;
    if (key.n == 0 || !header_is_legal(name, value))
        return E_CREDENTIAL;
    headers_remove(h, name);
    return headers_add(h, a, name, value);
}

enum err provider_settle_headers(struct arena *a, const struct provider *p, struct str rest,
                                 struct headers *h)
{
    const struct str from = S("Authorization"), to = S("x-api-key");
    if (p->rule != PATH_BEDROCK || !str_starts(rest, STR("bedrock-mantle/")) ||
        !str_has(rest, STR("/anthropic/")))
        return E_OK;
    struct str line = headers_last(h, from);
    struct str key = str_istarts(line, STR("Bearer ")) ? key_of_authorization(str_trim(line)) : STR("");
    if (key.n == 0 || headers_last(h, to).p)
        return E_OK;
    headers_remove(h, from);
    return headers_add(h, a, to, key);
}

struct str provider_log_path(struct str rest)
{
    return rest.p ? str_head(rest, str_find(rest, '?')) : STR("");
}
