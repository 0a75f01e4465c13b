/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sign-in with an OpenID Connect provider, the client's half: the authorization code flow (OpenID Connect
 * Core section 3.1) with PKCE (RFC 7636).
 *
 *   code_secrets_make ─ code_flow_url ── the browser goes there, and comes back with a code ──
 *   code_exchange_start ── on_done: whom the provider's ID token names, or why there is none
 *
 * Nothing is kept between the two halves: who calls puts the secrets where only this browser has them. Loop's
 * thread.
 */
#pragma once
#include "gateway/issuer.h"
#include "gateway/signin.h"

/* Of one sign-in: the first comes back with the browser, the second in the ID token, the third is shown with
 * the code. 43 characters each, of the alphabet of base64url. */
struct code_secrets {
    struct str state, nonce, verifier;
};
/* False past the arena's cap. */
bool code_secrets_make(struct arena *a, struct code_secrets *ret);

/* Fields as a query or form; those without a value are left out. p == NULL past the arena's cap. */
struct code_field {
    const char *name;
    struct str value;
};
struct str code_fields(struct arena *a, const struct code_field *fields, size_t n);

/* Where to send the browser; redirect: where it comes back to. The description has a place for it. p == NULL
 * past the arena's cap. */
struct str code_flow_url(struct arena *a, const struct issuer_description *d, const struct signin *s,
                         const struct code_secrets *secrets, struct str redirect);

struct code_ask {
    struct issuer *issuer; /* has a description */
    const struct signin *signin;
    struct str redirect, code, verifier, nonce;
};

struct code_result {
    enum { CODE_GOOD, CODE_NO_ANSWER, CODE_BAD_TOKEN } end;
    const char *why;          /* static text; NULL: CODE_GOOD */
    struct str error;         /* the word that the provider refused with; empty: none */
    struct identity identity; /* CODE_GOOD; in the arena, as is the token that says so: */
    struct str token;
};

/*
 * Asks the provider for the ID token and verifies it. What ask names must live until on_done, which comes
 * once, never before this returns; then the exchange is over. NULL: the provider has no place to ask.
 */
struct code_exchange;
struct code_exchange *code_exchange_start(struct worker *w, struct arena *a, const struct code_ask *ask,
                                          void (*on_done)(void *arg, const struct code_result *r), void *arg);
/* Ends it before; on_done does not come. */
void code_exchange_cancel(struct code_exchange *x);

/* The ID token in what the provider's token endpoint answered with 200 (section 3.1.3.3); p == NULL: there is
 * none, or past the arena's cap. */
struct str code_answer_token(struct arena *a, struct str body);
/* The word of a refusal (RFC 6749 section 5.2), if it is one that can be shown; else empty. */
struct str code_answer_error(struct arena *a, struct str body);
/* Is it a word such as RFC 6749 allows for errors, and of a sensible length? */
bool code_error_good(struct str word);
