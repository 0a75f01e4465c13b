/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity tokens: JSON Web Tokens (RFC 7519) in compact form, signed (RFC 7515), and the key sets of
 * who issues them (RFC 7517). What RFC 8725 asks of a verifier is done here. Pure; any thread.
 */
#pragma once
#include "base/arena.h"

/* The usable keys of a set: public, for signatures, of a known kind. Immutable. */
struct jwk_set;
/* NULL when the text is no key set or holds no usable key; others are skipped. At most JWKS_BYTES and
 * JWKS_KEYS are read. Free with jwk_set_free (accepts NULL). */
struct jwk_set *jwk_set_parse(struct str json);
void jwk_set_free(struct jwk_set *set);

/* How far the issuer's clock may be ahead of ours: for `iat` and `nbf`. `exp` holds to the second. */
enum { JWT_LEEWAY_S = 60 };

struct jwt_rules {
    struct str issuer;   /* `iss` must be this, byte for byte */
    struct str audience; /* `aud` must be or contain this; never empty */
    int64_t now_s;       /* since 1970 */
    /* Of a sign-in that the audience began as a client: it must be that one's ID token (OpenID Connect Core
     * section 3.1.3.7). p == NULL: any token of the audience will do. */
    struct str nonce;
};

/* Whom a good token names. */
struct identity {
    struct str user;   /* `sub`; empty: nobody in person, as in service tokens of Cloudflare Access */
    int64_t expires_s; /* `exp` */
    struct str claims; /* the whole payload, a JSON object */
};

enum jwt_verdict {
    JWT_GOOD,
    JWT_MALFORMED, /* no token, or one that asks for what is not done here: `crit`, other algorithms or types
                    */
    JWT_WRONG_ISSUER,
    JWT_WRONG_AUDIENCE,
    JWT_WRONG_NONCE,
    JWT_EXPIRED,
    JWT_NOT_YET,
    JWT_UNKNOWN_KEY, /* all else is in order, but the set has no such key that fits the algorithm */
    JWT_WRONG_SIGNATURE,
};
/* A few words for diagnostics; static text. */
const char *jwt_verdict_text(enum jwt_verdict v);

/* Three parts in the alphabet of base64url with dots between, up to JWT_BYTES: worth a closer look. */
bool jwt_is_compact(struct str text);
/*
 * Does the token hold, by this set (NULL: no keys are known)? Claims are judged before the key is looked
 * for, so that JWT_UNKNOWN_KEY is never said of a token that no key could mend. *ret lives in the arena;
 * untouched unless JWT_GOOD.
 */
enum jwt_verdict jwt_verify(struct arena *a, struct str text, const struct jwk_set *set,
                            const struct jwt_rules *rules, struct identity *ret) MUST_CHECK;
/*
 * Does the text say that it is from this issuer? Nothing is verified, and nothing but the payload must be
 * readable: this finds what must not be shown to others, be it valid or not.
 */
bool jwt_names_issuer(struct arena *a, struct str text, struct str issuer);
