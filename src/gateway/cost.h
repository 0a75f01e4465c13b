/* SPDX-License-Identifier: Apache-2.0 */
/* What attempts cost, by the rules of billing.h: each is reckoned once. Loop's thread. */
#pragma once
#include "gateway/txn.h"

/* Of a settled attempt at a provider. False: unknown. *ret_custom: the caller or the account named the price.
 */
bool cost_of_attempt(const struct txn *t, struct attempt *a, int64_t *ret_pico, bool *ret_custom);
/* Of the current target's answer, all the calls it took together; RECORD_NULL: unknown. */
int64_t cost_of_answer(const struct txn *t);
