/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verified tokens are remembered by their hash until they end or the keys change, so that a signature is
 * checked once, not for each request.
 */
#include "gateway/oidc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

enum { SETS = 256, WAYS = 4 };

struct known {
    unsigned char hash[SHA256_BYTES];
    int64_t expires_s; /* 0: free */
    struct str user;   /* owned */
};

struct oidc {
    struct settings *settings; /* whose strs these are */
    struct str audience, account;
    struct issuer *issuer;
    struct known *known; /* SETS * WAYS */
    uint64_t version;    /* of the keys that vouched for them */
};

/* ---- settings ---- */

bool oidc_settings_good(const struct conf *conf, const char **ret_why)
{
    struct upstream_url u;
    struct str issuer = conf->oidc_issuer, keys = conf->oidc_jwks_url;
    *ret_why = NULL;
    if (issuer.n == 0 && keys.n == 0 && conf->oidc_audience.n == 0 && conf->oidc_account.n == 0)
        return true;
    if (issuer.n == 0)
        *ret_why = "oidc.issuer: must be set for identity tokens: issuers may share keys, so a key set alone "
                   "does not say whose token it is";
    else if (conf->oidc_audience.n == 0)
        *ret_why =
            "oidc.audience: must be set with oidc.issuer: without it every token of the issuer would do, "
            "whatever it was issued for";
    else if (keys.n > 0 && !issuer_read_url(keys, &u))
        *ret_why = "oidc.jwks_url: must be http(s)://HOST[:PORT]/PATH";
    else if (keys.n == 0 && (!issuer_read_url(issuer, &u) || str_has(issuer, STR("?"))))
        *ret_why = "oidc.issuer: must be http(s)://HOST[:PORT][/PATH], or oidc.jwks_url be set: the keys are "
                   "looked for below the issuer";
    return !*ret_why;
}

/* ---- tokens that were found good ---- */

static struct known *set_of(struct oidc *o, const unsigned char hash[SHA256_BYTES])
{
    return &o->known[hash[0] * WAYS];
}

static bool recall(struct oidc *o, struct arena *a, const unsigned char hash[SHA256_BYTES], int64_t now_s,
                   struct identity *ret)
{
    struct known *k = set_of(o, hash);
    for (size_t i = 0; i < WAYS; i++, k++)
        if (k->expires_s > now_s && memcmp(k->hash, hash, SHA256_BYTES) == 0) {
            struct identity id = {.user = arena_dup(a, k->user), .expires_s = k->expires_s};
            *ret = id;
            return id.user.p != NULL;
        }
    return false;
}

static void forget(struct known *k)
{
    mem_free((char *)(uintptr_t)k->user.p);
    *k = (struct known){0};
}

static void forget_all(struct oidc *o)
{
    for (size_t i = 0; i < (size_t)SETS * WAYS; i++)
        forget(&o->known[i]);
}

/* In place of one that has ended, else of any: hashes are as good as dice. */
static void remember(struct oidc *o, const unsigned char hash[SHA256_BYTES], int64_t now_s,
                     const struct identity *id)
{
    struct known *set = set_of(o, hash), *k = &set[hash[1] % WAYS];
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].expires_s <= now_s)
            k = &set[i];
    forget(k);
    char *user = mem_alloc(id->user.n);
    memcpy(user, id->user.p, id->user.n);
    memcpy(k->hash, hash, SHA256_BYTES);
    k->expires_s = id->expires_s;
    k->user = str_of(user, id->user.n);
}

/* ---- judging ---- */

/* A key that is gone vouches for nothing. */
static void follow_keys(struct oidc *o)
{
    if (o->version != issuer_version(o->issuer))
        forget_all(o);
    o->version = issuer_version(o->issuer);
}

enum oidc_verdict oidc_judge(struct oidc *o, struct arena *a, struct str token, struct identity *ret)
{
    unsigned char hash[SHA256_BYTES];
    int64_t now_s = clock_wall_ms() / 1000;
    struct jwt_rules rules = {.issuer = issuer_url(o->issuer), .audience = o->audience, .now_s = now_s};
    struct identity id;
    bool later;
    if (!jwt_is_compact(token))
        return OIDC_REFUSED;
    follow_keys(o);
    bool outdated = o->version > 0 && issuer_refresh(o->issuer);
    sha256(token, hash);
    if (!outdated && recall(o, a, hash, now_s, ret))
        return OIDC_ACCEPTED;
    enum jwt_verdict v = issuer_verify(o->issuer, a, token, &rules, &id, &later);
    if (later)
        return OIDC_LATER;
    if (v != JWT_GOOD) {
        log_debug("oidc: a token was refused: %s", jwt_verdict_text(v));
        return OIDC_REFUSED;
    }
    remember(o, hash, now_s, &id);
    id.claims = STR(""); /* as if it had been remembered */
    *ret = id;
    return OIDC_ACCEPTED;
}

bool oidc_serves(const struct oidc *o, struct str account)
{
    return o->account.n == 0 || str_eq(o->account, account);
}

bool oidc_is_own(const struct oidc *o, struct arena *a, struct str token)
{
    return jwt_names_issuer(a, token, issuer_url(o->issuer));
}

struct issuer_wait *oidc_await(struct oidc *o, void (*on_ready)(void *arg), void *arg)
{
    return issuer_await(o->issuer, on_ready, arg);
}

/* ---- life ---- */

struct oidc *oidc_new(struct worker *w)
{
    const struct conf *conf = w->view->settings->conf;
    if (conf->oidc_issuer.n == 0)
        return NULL;
    struct oidc *o = mem_zalloc(sizeof(*o));
    o->settings = settings_ref(w->view->settings);
    o->issuer = issuer_new(w, conf->oidc_issuer, conf->oidc_jwks_url);
    o->audience = conf->oidc_audience;
    o->account = conf->oidc_account;
    o->known = mem_zalloc((size_t)SETS * WAYS * sizeof(struct known));
    return o;
}

void oidc_free(struct oidc *o)
{
    if (!o)
        return;
    issuer_unref(o->issuer);
    forget_all(o);
    mem_free(o->known);
    settings_unref(o->settings);
    mem_free(o);
}
