/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in to the dashboard with a provider, as the browser sees it.
 *
 *   GET /weir/signin ── 302, a cookie with this sign-in's secrets ── the provider's pages ──
 *   GET /weir/signin/callback ── gateway/code_flow.h ── the session's cookie, a page that goes on to the
 * dashboard
 *
 * The first cookie has to come along when another site, the provider, sends the browser back: it is
 * SameSite=Lax, for the callback's path only, and gone after ten minutes or the callback. The session's is
 * SameSite=Strict, which browsers do not send with a navigation that another site began, redirects included:
 * so the callback answers with a page, and what that page leads to is the dashboard's own navigation.
 */
#pragma once
#include "api/call.h"

/* Answers a signing out, once it is known where the browser signs out of the provider, too. */
void signin_end(struct api_call *c);

/* A path of this site that a browser may be sent to after signing in: what is none becomes "/". */
struct str signin_path(struct str wanted);
