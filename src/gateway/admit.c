/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step: is there room for this request? The gateway's rate limit (data plane section 19). A request
 * counts once, however many targets it tries; an answer from the cache never comes here.
 */
#include "gateway/timeline.h"

static enum next enter(struct txn *t)
{
    const struct window *limit = &t->gateway->policy.limit;
    if (t->admitted)
        return NEXT;
    t->admitted = true;
    if (!limit->limit || !limit->interval_ms)
        return NEXT;
    timeline_turn(t, STEP_LIMITS);
    if (counters_take(store_counters(t->w->store), t->gateway->id, limit, clock_wall_ms(), NULL))
        return NEXT;
    stat_add(&t->w->stats.rate_limited, 1);
    attempt_refused(t, E_RATE_LIMITED);
    return txn_refuse(t, E_RATE_LIMITED, STR(""));
}

const struct step step_admit = {"admit", enter, NULL, NULL};
