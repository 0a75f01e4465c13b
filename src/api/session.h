/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in to the dashboard: a browser gives a token once and gets a cookie, which stands for the token
 * from then on. The cookie holds the token's text sealed under the master key, and until when: any worker can
 * read it, nothing is kept, and a token that is revoked or has expired opens nothing, however old the cookie.
 */
#pragma once
#include "api/call.h"

/*
 * The token of a request's cookie; NULL: none, or not to be trusted with what the request does. A page of
 * another site can make a browser send requests, but not with a line of its own: all but reading needs
 * "x-weir-ui", besides SameSite=Strict (RFC 6265bis section 8.8).
 */
const struct token *session_token(struct api_call *c);
