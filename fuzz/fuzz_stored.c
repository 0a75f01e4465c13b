/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of stored credentials, and what AWS signatures make of targets. The first byte picks the
 * provider; past the last of them the rest is a target to be signed.
 */
#include "base/crypto.h"
#include "base/limits.h"
#include "providers/credential.h"

static const struct sigv4_call call = {S("POST"), S("h"), S("/model/m%3A0/invoke?a=%zz&b"), S("{}")};

static void check_lines(const struct headers *h)
{
    for (unsigned i = 0; i < h->n; i++)
        must(header_is_legal(h->v[i].name, h->v[i].value));
}

static void check_text(struct arena *a, const struct provider *p, struct str text)
{
    struct credential c;
    struct headers h = {0};
    struct str query = text, rest;
    const char *why = credential_read(a, p, secret_of(text), &c);
    must(!why == !credential_check(p, secret_of(text)));
    if (why)
        return;
    must(headers_add(&h, a, STR("Authorization"), STR("Bearer client")) == E_OK);
    must(credential_put(a, p, &c, &h) == E_OK && credential_query(a, p, &query) == E_OK);
    must((p->apis & API_GEMINI) ? !str_starts(query, STR("key=")) : str_eq(query, text));
    must(c.kind != CREDENTIAL_KEY || (h.n == 1 && str_ends(h.v[0].value, secret_reveal(c.key))));
    must(credential_path(a, p, &c, STR("v1/publishers/x"), &rest) == E_OK);
    struct upstream_ask ask = {.provider = p, .account = c.account.n ? c.account : STR("a"), .rest = rest};
    struct upstream_url u;
    enum err e = provider_url(a, &ask, &u);
    must(e == E_OK || e == E_NO_PROVIDER); /* what is read can be part of a URL */
    if (c.kind == CREDENTIAL_SIGNS)
        must(credential_sign(a, &c, rest, &call, 1, &h) == E_OK);
    check_lines(&h);
}

/* Made twice, it is the same. */
static void check_target(struct arena *a, struct str target)
{
    struct sigv4_call c = call;
    struct headers lines = {0};
    struct str names, canonical, again;
    must(headers_add(&lines, a, STR("Host"), target) == E_OK);
    c.target = target;
    if (sigv4_canonical(a, &c, &lines, &names, &canonical))
        return;
    must(str_eq(names, STR("host")) && str_starts(canonical, STR("POST\n/")));
    must(sigv4_canonical(a, &c, &lines, &names, &again) == E_OK && str_eq(canonical, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 2 * GCP_ACCOUNT_BYTES)
        return 0;
    struct arena a;
    arena_init(&a, TXN_ARENA_BYTES);
    struct str text = str_of((const char *)data + 1, size - 1);
    const struct provider *p = provider_at(data[0]);
    if (p)
        check_text(&a, p, text);
    else
        check_target(&a, text);
    arena_done(&a);
    return 0;
}
