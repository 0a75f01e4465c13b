/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/target.h"
#include "base/clock.h"
#include "gateway/byok.h"
#include "gateway/unified.h"
#include "store/provider_key.h"

/* ---- health: results by gateway, provider, credential and model ---- */

bool target_is_watched(const struct txn *t)
{
    return t->w->health && t->gateway->policy.target_health;
}

/* A stored key keeps its name when it is rotated. */
static struct str credential_of(const struct target *target)
{
    struct secret_ref ref;
    const struct provider_key *k = target->stored ? target->stored : target->unified;
    if (k)
        return provider_key_about(&k->object->uuid);
    for (unsigned i = 0; (ref = provider_credential(target->provider, &target->headers, i)).name.p; i++)
        if (ref.value.n)
            return ref.value;
    return STR("");
}

bool target_is_cooling(const struct txn *t, const struct target *target)
{
    return target_is_watched(t) && health_cooling_ms(t->w->health, target->health, clock_wall_ms()) > 0;
}

int64_t target_cooling_ms(struct txn *t, struct target *target)
{
    if (!target_is_watched(t))
        return 0;
    target->health = health_id(t->w->health, t->gateway->id, target->provider->slug, credential_of(target),
                               target_model(target));
    return health_cooling_ms(t->w->health, target->health, clock_wall_ms());
}

static bool counts_against(const struct attempt *a)
{
    return a->status == 0 || a->status == 429 || a->status >= 500;
}

void target_report(struct txn *t, const struct attempt *a, const struct response_head *h)
{
    byok_report(a->target, a);
    if (!target_is_watched(t))
        return;
    int64_t now_ms = clock_wall_ms(), after_ms = -1;
    if (a->status == 429 || a->status == 503)
        after_ms = health_retry_after_ms(headers_last(&h->headers, STR("retry-after")), now_ms);
    if (a->status == 429 && after_ms < 0)
        after_ms = 0;
    if (health_report(t->w->health, txn_target(t)->health, !counts_against(a), after_ms, now_ms))
        stat_add(&t->w->stats.cooldowns, 1);
}

/* ---- both ---- */

enum err target_refusal(struct txn *t, struct target *target, struct str *ret_detail)
{
    enum err e = byok_refusal(t, target, ret_detail);
    if (e == E_OK)
        e = unified_refusal(t, target, ret_detail);
    if (e != E_OK)
        return e;
    return target_cooling_ms(t, target) > 0 && txn_has_more_targets(t) ? E_COOLING : E_OK;
}
