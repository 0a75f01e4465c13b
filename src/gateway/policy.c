/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/policy.h"
#include "base/limits.h"

/* Section 18: a time to live of its own, the gateway's, or five minutes for a key of its own. */
static int64_t cache_ttl_s(const struct gateway_policy *g, const struct options *o)
{
    if (o->skip_cache == ON || o->cache_ttl_s == 0)
        return 0;
    if (o->cache_ttl_s > 0)
        return o->cache_ttl_s;
    if (g->cache_ttl_s > 0)
        return g->cache_ttl_s;
    return o->cache_key.n ? CACHE_KEY_TTL_S : 0;
}

static int64_t asked(int64_t option, int64_t setting)
{
    return option >= 0 ? option : setting;
}

static bool toggled(enum toggle option, bool setting)
{
    return option == UNSET ? setting : option == ON;
}

bool policy_logs(const struct gateway *gateway, const struct options *o)
{
    return toggled(o->collect_log, gateway->collect_logs);
}

void policy_resolve(const struct gateway *gateway, const struct options *o, struct policy *ret)
{
    const struct gateway_policy *g = &gateway->policy;
    int attempts = o->max_attempts ? o->max_attempts : g->max_attempts;
    enum backoff backoff = o->backoff ? o->backoff : g->backoff;
    *ret = (struct policy){
        .logged = policy_logs(gateway, o),
        .payload = o->collect_payload != OFF,
        .cache_ttl_ms = cache_ttl_s(g, o) * 1000,
        .attempts = attempts ? attempts : 1,
        .retry_delay_ms = asked(o->retry_delay_ms, asked(g->retry_delay_ms, RETRY_DEFAULT_DELAY_MS)),
        .backoff = backoff ? backoff : BACKOFF_CONSTANT,
        .retry_jitter = toggled(o->retry_jitter, g->retry_jitter),
        .retry_statuses = o->retry_statuses ? o->retry_statuses : &g->retry_statuses,
        .request_timeout_ms = asked(o->request_timeout_ms, g->request_timeout_ms),
        .own_key = g->byok_only || o->no_wholesale == ON, /* a header can only tighten (section 4) */
    };
}

int64_t policy_total_timeout(const struct gateway *g, const struct options *o)
{
    return asked(o->total_timeout_ms, g->policy.total_timeout_ms);
}
