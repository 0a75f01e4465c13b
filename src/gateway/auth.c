/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step: which gateway, and may this client use it (data plane sections 1.1 and 3)? Reads headers
 * only, so that a stranger cannot make us take a body. Leaves in t->forward the header lines that
 * may go on to a provider, without a token that was meant for us.
 */
#include "gateway/auth.h"
#include "gateway/forward.h"
#include "gateway/identity.h"
#include "store/token.h"

struct str auth_bare_token(struct str value)
{
    static const struct str bearer = S("bearer ");
    return str_trim(str_istarts(value, bearer) ? str_from(value, bearer.n) : value);
}

/* Does it open this gateway? One that is for others is a stranger's. */
static bool is_good(const struct txn *t, const struct token *k)
{
    return k && token_status(k, t->created_ms) == TOKEN_ACTIVE && (k->permissions & PERM_RUN) &&
           str_eq(k->account, t->account) && token_covers(k, t->gateway_slug);
}

static const struct token *find_token(const struct txn *t, struct str text)
{
    const struct token *k = text.n ? catalog_token_known(t->catalog, text) : NULL;
    return is_good(t, k) ? k : NULL;
}

/* Values that SDK users put where a key is required but not meant (section 3.2). */
static bool is_dummy(struct str key, struct str line)
{
    if (key.n > 0)
        return str_eq(key, STR("placeholder")) || str_eq(key, STR("dummy"));
    line = str_trim(line); /* a scheme with something behind it that is no key is a signature or the like */
    return str_find(line, ' ') == line.n;
}

/* Takes out the lines of a credential position that hold no credential of the provider. */
static void drop_dummies(const struct provider *p, struct headers *h)
{
    struct secret_ref ref;
    for (unsigned i = 0; (ref = provider_credential(p, h, i)).name.p; i++)
        if (is_dummy(ref.value, headers_last(h, ref.name)))
            headers_remove(h, ref.name);
}

/*
 * Gateway tokens where the provider's key goes are consumed here; anything else is the provider's. A token
 * that is no good here opens something elsewhere: it is taken out too, and counts for nothing.
 */
const struct token *auth_take_token(struct txn *t, const struct provider *p, struct headers *h)
{
    const struct token *found = NULL;
    struct secret_ref ref;
    p = p ? p : provider_mock();
    for (unsigned i = 0; (ref = provider_credential(p, h, i)).name.p; i++) {
        const struct token *k = ref.value.n ? catalog_token_known(t->catalog, ref.value) : NULL;
        if (!k)
            continue;
        headers_remove(h, ref.name);
        found = is_good(t, k) ? k : found;
    }
    if (found)
        drop_dummies(p, h);
    return found;
}

/* ---- the gateway ---- */

static bool is_known(const struct txn *t)
{
    return t->token || t->identity;
}

static enum next check(struct txn *t)
{
    if (is_known(t) || (!t->gateway->authentication && t->face < FACE_RUN))
        return NEXT; /* the REST host serves nobody it does not know */
    stat_add(&t->w->stats.unauthorized, 1);
    return txn_fail(t, E_UNAUTHORIZED, STR(""));
}

/* The token's memory is the old catalogue's. */
static enum next default_made(struct txn *t)
{
    struct view *old = t->view;
    worker_catch_up(t->w);
    t->view = view_ref(t->w->view);
    t->settings = t->view->settings;
    t->catalog = t->view->catalog;
    if (t->token)
        t->token = catalog_token_id(t->catalog, t->token->id);
    view_unref(old);
    t->gateway = catalog_gateway(t->catalog, t->account, t->gateway_slug);
    return t->gateway ? check(t) : txn_fail(t, E_INTERNAL, STR("The gateway could not be made"));
}

struct maker {
    struct worker *w;
    struct txn *t; /* NULL: has left */
};

static void on_made(void *arg, enum err e)
{
    (void)e; /* E_AGAIN: somebody else was faster. What counts is whether it is there now */
    struct maker *m = arg;
    struct txn *t = m->t;
    m->w->live--;
    mem_free(m);
    if (t)
        txn_resume(t);
}

static void stop_making(struct txn *t)
{
    t->maker->t = NULL;
}

/* The first authenticated use of `default` makes it (section 1.2). */
static enum next make_default(struct txn *t)
{
    struct change c = {
        .what = CHANGE_CREATE, .kind = KIND_GATEWAY, .account = t->account, .name = t->gateway_slug};
    struct change_set set = {
        &c, 1, {.type = STR("system"), .name = STR("first use of default"), .interface = STR("API")}};
    t->maker = mem_zalloc(sizeof(*t->maker));
    *t->maker = (struct maker){t->w, t};
    t->w->live++; /* the store answers this loop, whoever has left by then */
    store_change(t->w->store, &set, t->w->loop, on_made, t->maker);
    return txn_wait(t, default_made, stop_making);
}

static bool is_default(const struct txn *t)
{
    return str_eq(t->gateway_slug, STR("default"));
}

static enum next find_gateway(struct txn *t)
{
    if (t->gateway)
        return check(t);
    if (is_known(t) && is_default(t) && catalog_has_account(t->catalog, t->account))
        return make_default(t);
    return txn_fail(t, E_NO_GATEWAY, STR(""));
}

/* ---- identities ---- */

static enum next go_in(struct txn *t)
{
    const struct provider *p = provider_find(t->provider_slug);
    identity_hide(t, &t->forward);
    if (t->identity && !t->options.authorization.p)
        drop_dummies(p ? p : provider_mock(), &t->forward);
    identity_sign(t, &t->options);
    return find_gateway(t);
}

static enum next keys_came(struct txn *t)
{
    t->issuer_wait = NULL;
    (void)identity_find(t, provider_find(t->provider_slug)); /* without keys still, nobody is known */
    return go_in(t);
}

static void keys_ready(void *arg)
{
    txn_resume(arg);
}

static void stop_waiting(struct txn *t)
{
    issuer_cancel(t->issuer_wait);
}

/* Who it is is waited for where it matters: an open gateway is not held up by a slow issuer. */
static enum next look_for_identity(struct txn *t)
{
    bool matters = t->face >= FACE_RUN || (t->gateway ? t->gateway->authentication : is_default(t));
    if (identity_find(t, provider_find(t->provider_slug)) != OIDC_LATER || !matters)
        return go_in(t);
    t->issuer_wait = oidc_await(t->w->oidc, keys_ready, t);
    return txn_wait(t, keys_came, stop_waiting);
}

static enum next enter(struct txn *t)
{
    enum err e = forward_request(t->arena, &exchange_request(t->x)->headers, &t->forward);
    if (e == E_OK)
        e = forward_drop_cookie(t->arena, &t->forward, STR("CF_Authorization"));
    if (e != E_OK)
        return txn_fail(t, E_TOO_LARGE, STR("The request's headers are too large"));
    t->gateway = catalog_gateway(t->catalog, t->account, t->gateway_slug);
    if (t->options.authorization.p)
        t->token = find_token(t, auth_bare_token(t->options.authorization));
    else
        t->token = auth_take_token(t, provider_find(t->provider_slug), &t->forward);
    return t->token ? go_in(t) : look_for_identity(t);
}

const struct step step_auth = {"auth", enter, NULL, NULL};
