/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stored credential in the place of the one that a request does not bring (data plane section 4).
 *
 *   plan      stored_use       while the target is made: its lines and query, and then its URL, are the
 * credential's upstream  stored_account   before a try: what is to be exchanged for a token stored_sign when
 * a try's body is final
 */
#pragma once
#include "gateway/txn.h"

/*
 * The text stored for target->provider, which is known, becomes target->credential: the client's own key
 * lines are gone, a key stands in the provider's. To be called before the URL is made. E_CREDENTIAL: the text
 * is none, or cannot stand in a header; E_FULL.
 */
enum err stored_use(struct txn *t, struct target *target, struct secret text) MUST_CHECK;

/* The path and account of the target's URL, with what the credential knows. Without one: the request's.
 * E_FULL. */
enum err stored_place(struct txn *t, struct target *target, struct str *ret_account) MUST_CHECK;

/* The service account to be exchanged for a token; NULL: the stored credential is none, or there is none. */
const struct gcp_account *stored_account(const struct target *target);

/*
 * The header lines of a try with this body: signed now, in lines of their own, where the credential signs;
 * else the target's. E_TOO_LARGE: the body is streamed, and what is not there cannot be signed; else as
 * sigv4_sign.
 */
enum err stored_sign(struct txn *t, struct target *target, struct str body, struct headers **ret) MUST_CHECK;
