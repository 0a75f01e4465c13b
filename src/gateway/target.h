/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a target be called, and how did it go? Its credential (data plane section 4), and its health where the
 * gateway has that watched (weir_target_health).
 */
#pragma once
#include "gateway/txn.h"

/*
 * E_OK: it may be called. E_NO_CREDENTIAL, E_NO_BYOK: see byok_refusal. E_COOLING: it is passed over, for
 * there is another after it. In the steps of this target: names it for target_is_cooling and target_report,
 * before its credential is put in.
 */
enum err target_refusal(struct txn *t, struct target *target, struct str *ret_detail);

/* Are results of this gateway's targets kept? */
bool target_is_watched(const struct txn *t);
/* Milliseconds until a target may be called again, 0: now. Fills in target->health where it is watched. */
int64_t target_cooling_ms(struct txn *t, struct target *target);
/* The same of a target that has its name. */
bool target_is_cooling(const struct txn *t, const struct target *target);
/* How an attempt at the current target went: its head, or NULL when none came. */
void target_report(struct txn *t, const struct attempt *a, const struct response_head *h);
