/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies from arbitrary text: {"policies": [...], "cf", "metadata", "model", "provider"}. What they say
 * keeps the rules: a block refuses, limits are of grants whose bucket is known, each bucket has one for a
 * period.
 */
#include "base/limits.h"
#include "gateway/policy_rules.h"

enum { MOST = 32 };

static void check_limits(struct arena *a, const struct policy_verdict *v, const struct cel_input *in)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct policy_limit *l = &v->limits[i];
        must(l->rule->effect == POLICY_LIMIT && l->rule->amount > 0);
        must(policy_rule_covers(l->rule, in->provider, in->model));
        must(cel_ask(l->rule->condition, in, a) == CEL_TRUE);
        must(str_eq(policy_rule_actor(a, l->rule, in), l->bucket));
        for (size_t k = 0; k < i; k++)
            must(!str_eq(v->limits[k].bucket, l->bucket) || v->limits[k].rule->period != l->rule->period ||
                 !str_eq(v->limits[k].rule->resource, l->rule->resource));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct policy_rule rules[MOST];
    struct policy_verdict v;
    struct complaints wrong;
    size_t n = 0;
    arena_init(&a, TXN_ARENA_BYTES);
    complaints_init(&wrong, &a, "body");
    struct json_doc *doc = json_parse(str_of((const char *)data, size));
    const struct json_val *root = json_root(doc);
    const struct cel_input in = {json_get(root, "cf"), json_get(root, "metadata"),
                                 json_str(json_get(root, "model")), json_str(json_get(root, "provider"))};
    for (struct json_iter it = json_iter(json_get(root, "policies")); n < MOST && json_next(&it);)
        n += policy_rule_read(&a, it.val, &rules[n], &wrong);
    if (policy_judge(&a, rules, n, &in, &v) == E_OK) {
        must(v.tested <= n && v.n <= n);
        must((v.decision == POLICY_CHECK) == (v.n > 0));
        must(v.decision == POLICY_REFUSE || !v.blocked);
        must(n || v.decision == POLICY_ALLOW);
        must(!v.blocked ||
             (v.blocked->effect == POLICY_BLOCK && cel_ask(v.blocked->condition, &in, &a) != CEL_FALSE));
        check_limits(&a, &v, &in);
    }
    json_free(doc);
    arena_done(&a);
    return 0;
}
