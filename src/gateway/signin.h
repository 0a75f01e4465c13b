/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in to the dashboard with an OpenID Connect provider: what the settings say (dashboard.oidc.*), and
 * what somebody may do whose claims are known. A part of struct settings: immutable, any thread.
 *
 *   ID token ── signin_keep ── pairs, in the session's cookie ── signin_rule ── permissions, at each call
 *
 * So a session holds what the provider said of somebody, not what that allowed: a rule that is changed or
 * taken away is so for those who are signed in, too.
 */
#pragma once
#include "base/json.h"
#include "conf/conf.h"

struct signin_rule {
    struct str claim, value;    /* a value that begins with '*' stands for all that end like the rest of it */
    unsigned permissions;       /* PERM_...; 0: whom it fits is kept out */
    const struct str *gateways; /* slugs; NULL: all of the account */
    size_t n_gateways;
};

enum signin_auth { SIGNIN_AS_TOLD, SIGNIN_BASIC, SIGNIN_POST };

struct signin {
    struct str url; /* of the dashboard, without a slash at its end */
    struct str issuer, client_id, scopes, name;
    struct str account;          /* empty: the only one */
    struct secret client_secret; /* not set: a public client */
    enum signin_auth auth;
    int64_t session_ms;
    bool lasting_tokens, end_session;
    struct signin_rule *rules;
    size_t n_rules;
    struct arena arena; /* owns the strs above */
};

/* *ret NULL: nobody signs in that way. False with *ret_why (thread-local) when the settings will not do. */
bool signin_load(const struct conf *conf, struct signin **ret, const char **ret_why);
/* Accepts NULL. */
void signin_free(struct signin *s);

/* What rules may be asked about later: a JSON array of [claim, value]. `sub`, so that a rule can always be
 * made about one person; and the claims that rules are about now, as far as one fits: the first SIGNIN_PAIRS
 * in the order of the rules. p == NULL past the arena's cap. */
enum { SIGNIN_PAIRS = 8 };
struct str signin_keep(const struct signin *s, struct arena *a, const struct json_val *claims);
/* The first rule that fits one of the pairs; NULL: none fits, or it allows nothing. */
const struct signin_rule *signin_rule(const struct signin *s, const struct json_val *pairs);
