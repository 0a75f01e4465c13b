/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step: which gateway, and may this client use it (data plane sections 1.1 and 3)? Reads headers
 * only, so that a stranger cannot make us take a body. Leaves in t->forward the header lines that
 * may go on to a provider, without a token that was meant for us.
 */
#include "gateway/forward.h"
#include "gateway/txn.h"

/* "Bearer X" or a bare "X" (section 3.1: both are seen). */
static struct str bare_token(struct str value)
{
    static const struct str bearer = S("bearer ");
    return str_trim(str_istarts(value, bearer) ? str_from(value, bearer.n) : value);
}

static const struct token *find_token(const struct txn *t, struct str text)
{
    const struct token *k = text.n ? catalog_token(t->catalog, text, t->created_ms) : NULL;
    return k && (k->permissions & PERM_RUN) && str_eq(k->account, t->account) ? k : NULL;
}

/* Values that SDK users put where a key is required but not meant (section 3.2). */
static bool is_dummy(struct str key)
{
    return key.n == 0 || str_eq(key, STR("placeholder")) || str_eq(key, STR("dummy"));
}

/* Takes out the lines of a credential position that hold no credential of the provider. */
static void drop_dummies(struct txn *t, const struct provider *p, struct str except)
{
    struct secret_ref ref;
    for (unsigned i = 0; (ref = provider_credential(p, &t->forward, i)).name.p; i++)
        if (!str_ieq(ref.name, except) && is_dummy(ref.value))
            headers_remove(&t->forward, ref.name);
}

/* A gateway token where the provider's key goes is consumed here; anything else is the provider's. */
static const struct token *token_in_key_position(struct txn *t)
{
    const struct provider *p = provider_find(t->provider_slug);
    struct secret_ref ref;
    for (unsigned i = 0; p && (ref = provider_credential(p, &t->forward, i)).name.p; i++) {
        const struct token *k = find_token(t, ref.value);
        if (!k)
            continue;
        headers_remove(&t->forward, ref.name);
        drop_dummies(t, p, ref.name);
        return k;
    }
    return NULL;
}

static enum next enter(struct txn *t)
{
    t->gateway = catalog_gateway(t->catalog, t->account, t->gateway_slug);
    if (!t->gateway)
        return txn_fail(t, E_NO_GATEWAY, STR(""));
    enum err e = forward_request(t->arena, &exchange_request(t->x)->headers, &t->forward);
    if (e == E_OK)
        e = forward_drop_cookie(t->arena, &t->forward, STR("CF_Authorization"));
    if (e != E_OK)
        return txn_fail(t, E_TOO_LARGE, STR("The request's headers are too large"));
    if (t->options.authorization.p)
        t->token = find_token(t, bare_token(t->options.authorization));
    else
        t->token = token_in_key_position(t);
    if (t->token || !t->gateway->authentication)
        return NEXT;
    stat_add(&t->w->stats.unauthorized, 1);
    return txn_fail(t, E_UNAUTHORIZED, STR(""));
}

const struct step step_auth = {"auth", enter, NULL, NULL};
