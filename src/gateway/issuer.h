/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who issues identity tokens: its description of itself (OpenID Connect Discovery 1.0) and its keys, as one
 * worker knows them. Both are fetched when somebody first needs them, renewed while they are needed, and kept
 * when the issuer cannot be reached. Loop's thread.
 */
#pragma once
#include "gateway/jwt.h"
#include "gateway/worker.h"
#include "providers/provider.h"

struct issuer;
struct issuer_wait;

/* http(s)://host[:port][/path][?query]; the strs of *ret are views of the text. */
bool issuer_read_url(struct str text, struct upstream_url *ret);

/* url: what its tokens and its description must say as theirs. jwks_url empty: the keys are where the
 * description says, else there. Both are good URLs, and copied. One reference; nothing is fetched yet. */
struct issuer *issuer_new(struct worker *w, struct str url, struct str jwks_url);
struct issuer *issuer_ref(struct issuer *i);
/* Accepts NULL. Nobody may wait for it any more when the last goes. */
void issuer_unref(struct issuer *i);
struct str issuer_url(const struct issuer *i);

/* What it says of itself. Strs hold until the next fetch; empty: it does not say. URLs are good ones, and of
 * TLS if the issuer's is. */
struct issuer_description {
    struct str keys, authorization, token, end_session;
    bool takes_basic, takes_post; /* how clients may show their secret to `token` */
    bool names_itself;            /* RFC 9207: its answers to browsers have `iss` */
};
/* Reads an openid-configuration. False: it is not that of this issuer, or has no place of keys. Pure. */
bool issuer_read_description(struct arena *a, struct str issuer, struct str text,
                             struct issuer_description *ret);
/* NULL when it has not told yet, or the keys' place is set so that it is not asked. */
const struct issuer_description *issuer_description(const struct issuer *i);

/*
 * Fetches what is missing or due, unless that was tried just now. True: so much is missing, or it is so old,
 * that the fetch under way is worth waiting for.
 */
bool issuer_refresh(struct issuer *i);
/* Grows with every new set of keys. */
uint64_t issuer_version(const struct issuer *i);
/* Why the last fetch failed, static text; NULL: it did not. */
const char *issuer_trouble(const struct issuer *i);

/*
 * jwt_verify with the keys at hand. *ret_later: a fetch is under way whose end may change the verdict; await
 * it and ask again.
 */
enum jwt_verdict issuer_verify(struct issuer *i, struct arena *a, struct str token,
                               const struct jwt_rules *rules, struct identity *ret,
                               bool *ret_later) MUST_CHECK;

/*
 * While a fetch is under way: on_ready runs once from the loop, never before this returns, when it has ended
 * one way or the other. The wait is over then; issuer_cancel ends it before.
 */
struct issuer_wait *issuer_await(struct issuer *i, void (*on_ready)(void *arg), void *arg);
void issuer_cancel(struct issuer_wait *wait);

/* Where to connect for a URL that the issuer told: it does not lead into the operator's network, unless the
 * issuer lives there. */
struct origin *issuer_origin(const struct issuer *i, const struct upstream_url *u);
