/* SPDX-License-Identifier: Apache-2.0 */
#include "api/cookie.h"

struct str cookie_find(const struct api_call *c, const struct cookie *k)
{
    struct str line = headers_last(&exchange_request(c->x)->headers, STR("cookie"));
    while (line.p) {
        struct str value = str_trim(str_cut(&line, ';')), name = str_cut(&value, '=');
        if (str_eq(name, k->name) && value.n <= COOKIE_BYTES)
            return value;
    }
    return str_of(NULL, 0);
}

struct str cookie_open(struct api_call *c, struct str value, struct str about)
{
    struct str sealed;
    struct secret plain;
    if (!value.n || base64_decode(c->arena, value, &sealed) != E_OK ||
        store_unseal(api_call_store(c), c->arena, about, sealed, &plain) != E_OK)
        return str_of(NULL, 0);
    return secret_reveal(plain);
}

struct str cookie_seal(struct api_call *c, struct str text, struct str about)
{
    struct str sealed =
        text.p ? store_seal_for(api_call_store(c), c->arena, about, secret_of(text)) : str_of(NULL, 0);
    struct str value = sealed.p ? base64url_encode(c->arena, sealed) : sealed;
    return value.n <= COOKIE_BYTES ? value : str_of(NULL, 0);
}

void cookie_set(struct api_call *c, const struct cookie *k, struct str value, int64_t seconds)
{
    bool tls = str_starts(api_call_dashboard_url(c), STR("https:"));
    api_call_header(c, "set-cookie",
                    arena_printf(c->arena, "%.*s=%.*s; Path=%.*s; HttpOnly; SameSite=%s; Max-Age=%lld%s",
                                 STR_FMT(k->name), STR_FMT(value), STR_FMT(k->path), k->same_site,
                                 (long long)(value.n ? seconds : 0), tls ? "; Secure" : ""));
}
