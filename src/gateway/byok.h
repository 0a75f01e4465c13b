/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored provider keys on the request path (data plane section 4). A credential that the request brings wins.
 * One without is served by the gateway's stored key for the provider, if its caller is known here by a token
 * or an identity: the alias it names, else `default`, else the one that is marked so.
 *
 *   byok_find (plan) ─ byok_refusal (explain, upstream) ─ byok_use (upstream) ─ byok_sign (each try)
 *
 * A key goes to its own provider's origin, or to the one the operator put in its place, never to one that a
 * request can choose freely; and into no log, error, trace or cache key.
 */
#pragma once
#include "gateway/txn.h"

/* Fills in target->stored and target->credential. Its provider, headers, query and options are there. */
void byok_find(const struct txn *t, struct target *target);
/*
 * Why the target's credential will not do: E_NO_CREDENTIAL (an alias that is not stored; none at all where
 * there must be one; not to that host) with *ret_detail for the client, E_NO_BYOK (the stored key cannot be
 * read). E_OK: it will, or the provider is to say.
 */
enum err byok_refusal(const struct txn *t, const struct target *target, struct str *ret_detail);
/* Counts a use of the target's stored key and puts it into its headers; nothing without one. E_RATE_LIMITED:
 * it was used too often. A request counts once, however often it is tried. */
enum err byok_use(struct txn *t, struct target *target);
/* Could it be used now? */
bool byok_has_room(const struct txn *t, const struct target *target);
/* How an attempt with it went: a key that its provider refuses shows as failing. */
void byok_report(const struct target *target, const struct attempt *a);
/* The lines of a try: signed now, and its own, if it is a key that signs; else the target's. The body is what
 * will be sent, whole. E_TOO_LARGE: it is streamed. */
enum err byok_sign(struct txn *t, struct target *target, struct str body, struct headers **ret);
