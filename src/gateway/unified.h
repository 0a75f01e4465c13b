/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unified Billing on the request path (docs/unified-billing.md; data plane sections 4 and 32): a call that
 * brings no credential, and for which its gateway has stored none, is made with the operator's key and
 * charged to the account. Covered is what has a price: a call whose usage is read, of a model with a known
 * one.
 *
 *   unified_find ─ unified_cover (plan) ─ unified_refusal (explain, upstream) ─ unified_use (upstream)
 *       ─ unified_charge (record, each attempt) ─ unified_settle (record, at the end)
 *
 * The key goes where byok.h says that keys go. What a provider says when it refuses the key may quote it, and
 * goes nowhere.
 */
#pragma once
#include "gateway/txn.h"
#include "store/record.h"

/* After byok_find: fills in target->unified, and target->credential if the caller may use it. */
void unified_find(const struct txn *t, struct target *target);
/* Once operation, model, body and policy are there: takes it back where it is not covered, else estimates. */
void unified_cover(const struct txn *t, struct target *target);
/*
 * Why the target will not be called: E_NO_BILLING_AUTH, E_UNIFIED_KEY (no master key opens it), E_NOT_COVERED
 * (the REST host only; elsewhere the provider is to say that there is no credential). *ret_detail: for the
 * client. E_OK: it may.
 */
enum err unified_refusal(const struct txn *t, const struct target *target, struct str *ret_detail);
/* Is there room in the limit, and are there credits? E_RATE_LIMITED, E_NO_CREDITS with *ret_detail. */
enum err unified_room(const struct txn *t, const struct target *target, struct str *ret_detail);
/* The same; then reserves, and puts the key into the target's headers. Nothing for other targets. */
enum err unified_use(struct txn *t, struct target *target, struct str *ret_detail);
/* Does this answer say that the operator's key is no good? */
bool unified_is_refusal(const struct attempt *a, int status);
/* Takes the lines out of a provider's answer that name whose key it was. */
void unified_hide(const struct target *target, struct headers *h);
/* What an attempt with the key is charged, into its record, noted before that is pushed. */
void unified_charge(struct txn *t, struct attempt *a, struct record *r);
/* Nothing runs any more: gives back what was reserved. */
void unified_settle(struct txn *t);
