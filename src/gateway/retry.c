/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/retry.h"
#include "base/limits.h"

static int64_t delay_before(const struct retry_case *c)
{
    int64_t d = c->delay_ms < RETRY_DELAY_MS ? c->delay_ms : RETRY_DELAY_MS;
    /* try n is the one after this: n - 1 is c->attempt */
    if (c->backoff == BACKOFF_LINEAR)
        d *= c->attempt;
    for (int i = 1; c->backoff == BACKOFF_EXPONENTIAL && i < c->attempt && d < RETRY_DELAY_MS; i++)
        d *= 2;
    if (d > RETRY_DELAY_MS)
        d = RETRY_DELAY_MS;
    return c->jitter ? (int64_t)(c->random % ((uint64_t)d + 1)) : d;
}

enum retry_verdict retry_decide(const struct retry_case *c, int64_t *ret_delay_ms)
{
    must(c->attempt >= 1 && c->delay_ms >= 0);
    bool unwanted = c->err == E_CLIENT_GONE;
    bool failed = c->err != E_OK || c->status >= 400;
    if (!failed || unwanted || c->left_ms <= 0)
        return RETRY_DELIVER;
    bool may_pass = c->err != E_OK ? err_retryable(c->err) : statuses_has(c->statuses, c->status);
    int64_t delay = delay_before(c);
    if (may_pass && c->attempt < c->attempts && c->replayable && delay < c->left_ms) {
        *ret_delay_ms = delay;
        return RETRY_AGAIN;
    }
    return c->more_targets ? RETRY_NEXT : RETRY_DELIVER;
}
