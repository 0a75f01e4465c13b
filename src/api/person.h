/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A person who signed in with a provider, as a cookie's text has them: who it is, until when, and the claims
 * that rules are about. What they may do is found out anew at each call, from the rules as they are then
 * (gateway/signin.h).
 */
#pragma once
#include "api/call.h"
#include "gateway/jwt.h"

struct person {
    struct str subject; /* the provider's name for them; never another's */
    struct str login;   /* what people know them by: their address, else a name, else the subject */
    struct str name;    /* empty: not told */
    int64_t until_ms;
};

/* The text for whom an ID token names; p == NULL past the arena's cap. *ret is set in any case. */
struct str person_write(struct arena *a, const struct signin *s, const struct identity *id, int64_t now_ms,
                        struct person *ret);
/*
 * What the person may do, in the form in which all of the API asks for it: a token that is nowhere stored.
 * NULL: the time is over, no rule fits, there is no such account, or past the arena's cap.
 */
const struct token *person_read(struct arena *a, const struct signin *s, const struct catalog *catalog,
                                struct str text, int64_t now_ms, struct person *ret);
/* The account that people get into; p == NULL: that is not clear. */
struct str person_account(const struct signin *s, const struct catalog *catalog);
