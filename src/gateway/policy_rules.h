/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies (control plane section 11): who may use which models, and for how much. Reading one, and what all
 * of a gateway's say about a request:
 *
 *   none at all                  allowed
 *   any that blocks it           refused
 *   none that grants it          refused
 *   grants                       a bucket for each resolved actor and resource; what a bucket may spend in a
 *                                period is the highest amount, unless a policy of it sets no limit
 *
 * A policy that asks for what the request does not have grants nothing, and blocks. Spending is the caller's
 * to know. Pure.
 */
#pragma once
#include "base/complaints.h"
#include "gateway/cel.h"

enum policy_effect { POLICY_NO_LIMIT, POLICY_BLOCK, POLICY_LIMIT };
enum policy_period { POLICY_HOURLY, POLICY_DAILY, POLICY_WEEKLY, POLICY_MONTHLY };

struct policy_rule {
    struct str name;
    struct str actor;    /* with fields in it: "user:{cf.user.id}" */
    struct str resource; /* JSON: "*", or its lists in their order; rules of the same text share buckets */
    const struct str *models;    /* patterns; NULL: any */
    const struct str *providers; /* NULL: any */
    size_t n_models, n_providers;
    const struct cel *condition;
    enum policy_effect effect;
    bool except;    /* POLICY_BLOCK: everything but the resource */
    int64_t amount; /* POLICY_LIMIT: pico-dollars a period */
    enum policy_period period;
};

/*
 * Reads a policy as the API takes it (members name, actor, resource, condition, action) into the arena. False
 * with complaints under those keys.
 */
bool policy_rule_read(struct arena *a, const struct json_val *policy, struct policy_rule *ret,
                      struct complaints *wrong);

/* What a bucket may spend in one period. */
struct policy_limit {
    struct str bucket;              /* the actor, resolved */
    const struct policy_rule *rule; /* the one whose amount counts */
};

enum policy_decision { POLICY_ALLOW, POLICY_REFUSE, POLICY_CHECK };
struct policy_verdict {
    enum policy_decision decision;
    const struct policy_rule *blocked; /* POLICY_REFUSE: the rule that blocks; NULL: none grants */
    struct policy_limit *limits;       /* POLICY_CHECK: spent must be below each */
    size_t n;
    size_t tested; /* rules whose resource the request is */
};
/* E_FULL past the arena's cap. */
enum err policy_judge(struct arena *a, const struct policy_rule *rules, size_t n, const struct cel_input *in,
                      struct policy_verdict *ret) MUST_CHECK;

/* Does the rule's resource have this model of this provider (section 11.2)? Whatever `except` says. */
bool policy_rule_covers(const struct policy_rule *r, struct str provider, struct str model);
/* The actor of a request; p == NULL: it lacks a field of it. */
struct str policy_rule_actor(struct arena *a, const struct policy_rule *r, const struct cel_input *in);

/* "hourly", ... */
struct str policy_period_word(enum policy_period p);
/* When the period of a time began, by UTC's calendar; weeks begin on Monday. Milliseconds since 1970. */
int64_t policy_period_start(enum policy_period p, int64_t now_ms);
