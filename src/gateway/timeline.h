/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a request's time goes, for its rows (store/log_steps.h). A request does one thing at a time, so its
 * rows share one line: what happens between two attempts is told by the second one's. Whoever begins
 * something that may take time says so; nothing is measured when no row will be left.
 */
#pragma once
#include "gateway/txn.h"

/* What passed until now was what was said before; from now on it is `step`. */
void timeline_turn(struct txn *t, enum log_step step);
/* Without looking at the clock: what has just been said turns out to be `step`. */
void timeline_rename(struct txn *t, enum log_step step);
/* An attempt begins: what was gathered is its row's. */
void timeline_attempt(struct txn *t, struct attempt *a);
/* It had to wait for a credential, and does not any more. */
void timeline_credential(struct attempt *a);
/* The cached answer is that old. */
void timeline_cache_age(struct attempt *a, int64_t ms);
/* After the attempt has settled, once: the row's text, somewhere in `out`. */
struct str timeline_end(const struct txn *t, struct attempt *a, char out[LOG_STEPS_TEXT]);
