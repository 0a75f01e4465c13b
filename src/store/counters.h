/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rate limits (data plane section 19): requests counted in windows, exactly, by all workers together.
 * Striped by key, a mutex each, held for a look-up and some arithmetic. Any thread.
 *
 *   fixed     windows begin at multiples of the interval since 1970
 *   sliding   the window before counts by the share of it that is still in view:
 *             previous * (1 - elapsed / interval) + current, in integers, never rounded down
 *
 * A request passes when the count with it is within the limit; one that does not pass is not counted.
 */
#pragma once
#include "store/gateway_policy.h"

struct counters;

struct counters *counters_new(void);
void counters_free(struct counters *c); /* accepts NULL */

/*
 * Counts a request of `key` (a gateway's id; provider_key_counter) if the limit lets it pass. *ret_left (may
 * be NULL): how many more would pass now. No limit (limit or interval 0): true, left INT64_MAX, nothing is
 * counted. A changed interval begins anew; a changed limit or technique does not.
 *
 * now_ms is wall time. When it goes back into the window before, a request belongs to the newest window all
 * the same; when it goes back further, the counts move to the window it shows now.
 */
bool counters_take(struct counters *c, int64_t key, const struct window *w, int64_t now_ms,
                   int64_t *ret_left);
/* The same without counting. */
bool counters_peek(struct counters *c, int64_t key, const struct window *w, int64_t now_ms,
                   int64_t *ret_left);
/* The key's gateway is gone. */
void counters_forget(struct counters *c, int64_t key);

/* ---- for the log's writer: counters go on where they were after a restart ---- */
struct counter_row {
    int64_t key, interval_ms, window; /* window: how many intervals since 1970 were before it */
    int64_t current, previous;
};
/* Every counter that was asked since the last call, in an array of the caller's (mem_free; NULL: none). */
size_t counters_changed(struct counters *c, struct counter_row **ret);
/* They could not be saved: the next call has them again, as they are then. */
void counters_unsaved(struct counters *c, const struct counter_row *rows, size_t n);
void counters_restore(struct counters *c, const struct counter_row *row);
