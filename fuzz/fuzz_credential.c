/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials from arbitrary header values, service accounts and answers of a token service. The first
 * byte picks the provider and what the rest is: header value, service account (as JSON, so that
 * mutations get past base64) or answer.
 */
#include "base/crypto.h"
#include "base/limits.h"
#include "providers/sign.h"

static void check_positions(struct arena *a, const struct provider *p, struct str value)
{
    struct headers h = {0};
    struct secret_ref ref;
    for (unsigned i = 0; p->lines[i].p; i++)
        must(headers_add(&h, a, p->lines[i], value) == E_OK);
    unsigned n = h.n;
    for (unsigned i = 0; (ref = provider_credential(p, &h, i)).name.p; i++) {
        must(i < n && ref.value.n <= value.n);
        must(!str_istarts(ref.value, STR("AWS4-HMAC-SHA256")));
        must(ref.value.n == 0 || str_has(value, ref.value));
    }
    enum err e = provider_put_credential(a, p, value, &h);
    if (!e) {
        must(h.n == n || h.n == n + 1);
        for (size_t i = 0; i < h.v[h.n - 1].value.n; i++)
            must(!strchr("\r\n", h.v[h.n - 1].value.p[i]));
    }
    (void)provider_asks_usage(p, &h, value);
    must(provider_settle_headers(a, p, STR("bedrock-mantle/r/anthropic/v1/messages"), &h) == E_OK);
}

static bool is_googles(struct str host)
{
    const struct str apis = S("googleapis.com");
    return str_ieq(host, apis) || (host.n > apis.n && host.p[host.n - apis.n - 1] == '.' &&
                                   str_ieq(str_from(host, host.n - apis.n), apis));
}

static void check_account(struct arena *a, struct str json)
{
    struct gcp_account g;
    struct upstream_url u;
    struct str body;
    if (!gcp_account_parse(a, secret_of(base64_encode(a, json)), &g))
        return;
    must(g.email.n > 0 && secret_set(g.key));
    must(gcp_token_url(a, &g, STR(""), &u) == E_OK);
    must(u.tls && u.port == 443 && is_googles(u.host) && u.target.p[0] == '/');
    must(gcp_token_url(a, &g, STR("http://[::1]:1/p"), &u) == E_OK && str_starts(u.target, STR("/p/")));
    (void)!gcp_token_request(a, &g, 1, &body);
}

static void check_answer(struct arena *a, struct str body)
{
    struct secret token;
    int64_t expires;
    if (gcp_token_answer(a, body, &token, &expires) == E_OK)
        must(secret_set(token) && expires > 0 && header_is_legal(STR("Authorization"), secret_reveal(token)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > GCP_ACCOUNT_BYTES)
        return 0;
    struct arena a;
    arena_init(&a, TXN_ARENA_BYTES);
    struct str text = str_of((const char *)data + 1, size - 1);
    const struct provider *p = provider_at(data[0]);
    if (p)
        check_positions(&a, p, text);
    else if (data[0] & 1)
        check_account(&a, text);
    else
        check_answer(&a, text);
    arena_done(&a);
    return 0;
}
