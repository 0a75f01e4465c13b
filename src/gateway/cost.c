/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/cost.h"
#include "gateway/billing.h"

static void reckon(const struct txn *t, struct attempt *a)
{
    const struct target *target = a->target;
    const struct usage *u = meter_usage(&a->meter);
    a->cost.reckoned = true;
    a->cost.known = bill(t->settings, &target->options, target->provider, target_model(target),
                         str_c(u->model), u, &a->cost.pico, &a->cost.custom);
}

bool cost_of_attempt(const struct txn *t, struct attempt *a, int64_t *ret_pico, bool *ret_custom)
{
    must(a->settled && a->by == BY_PROVIDER);
    if (!a->cost.reckoned)
        reckon(t, a);
    *ret_custom = a->cost.custom;
    if (a->cost.known)
        *ret_pico = a->cost.pico;
    return a->cost.known;
}

/* Tries that failed cost nothing. */
static bool is_part(const struct txn *t, const struct attempt *a)
{
    return a->by == BY_PROVIDER && a->target == txn_target(t) && a->answered && a->status < 400;
}

int64_t cost_of_answer(const struct txn *t)
{
    int64_t sum = 0, pico = 0;
    bool custom;
    for (size_t i = 0; i < t->n_attempts; i++) {
        struct attempt *a = t->attempts[i];
        if (!is_part(t, a))
            continue;
        if (!cost_of_attempt(t, a, &pico, &custom) || __builtin_add_overflow(sum, pico, &sum))
            return RECORD_NULL;
    }
    return sum;
}
