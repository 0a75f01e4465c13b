/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session of a browser: a cookie that stands for a token from then on, or for a person who signed in with
 * a provider (signin.c). It holds the token's text, or what is known of the person, sealed under the master
 * key, and until when: nothing is kept, and a token that is revoked, or a person whom no rule fits any more,
 * opens nothing, however old the cookie.
 */
#pragma once
#include "api/cookie.h"
#include "api/person.h"

/*
 * What a request's cookie stands for; NULL: none, or not to be trusted with what the request does. A page of
 * another site can make a browser send requests, but not with a line of its own: all but reading needs
 * "x-weir-ui", besides SameSite=Strict (RFC 6265bis section 8.8). Sets c->person, if it is one.
 */
const struct token *session_token(struct api_call *c);

/* The cookie for a person, of whom person_write wrote the text, with the answer. False: it would be too long.
 */
bool session_begin(struct api_call *c, const struct signin *s, struct str person);

/* Answers a signing out. url: where the browser has to go to sign out of the provider, too; p == NULL:
 * nowhere. */
void session_ended(struct api_call *c, struct str url);
