/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds for one target: what its step and its request ask for, else the gateway's settings, else
 * what is built in (data plane sections 6, 18 and 20). Pure.
 */
#pragma once
#include "gateway/options.h"
#include "store/catalog.h"

struct policy {
    bool logged;          /* leaves a row */
    bool payload;         /* with bodies */
    int64_t cache_ttl_ms; /* 0: neither looked up nor stored */
    int attempts;         /* 1 .. RETRY_ATTEMPTS */
    int64_t retry_delay_ms;
    enum backoff backoff;
    bool retry_jitter;
    const struct statuses *retry_statuses; /* the gateway's or the options' */
    int64_t request_timeout_ms;            /* 0: none */
    bool own_key;                          /* refused without a credential of the caller's */
};

/* Do these leave rows in the log? */
bool policy_logs(const struct gateway *g, const struct options *o);
void policy_resolve(const struct gateway *g, const struct options *o, struct policy *ret);
/* For the request as a whole, ms; 0: none. */
int64_t policy_total_timeout(const struct gateway *g, const struct options *o);
