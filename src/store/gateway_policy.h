/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a gateway's settings say to the request path, read once from their JSON when a catalogue is
 * made (data plane section 34, control plane section 4.2). Absent, null and out-of-range members are
 * their defaults: the API refuses them before they are stored. Immutable; any thread.
 */
#pragma once
#include "base/json.h"

enum backoff { BACKOFF_UNSET, BACKOFF_CONSTANT, BACKOFF_LINEAR, BACKOFF_EXPONENTIAL };
/* "constant", "linear", "exponential" in any letter case; BACKOFF_UNSET for anything else. */
enum backoff backoff_of(struct str name);

/* A set of HTTP statuses from 400 to 599. */
struct statuses {
    uint64_t bits[4];
};
bool statuses_has(const struct statuses *s, int status);
/* Adds "429", or "5xx" for a whole class; false (and nothing added) for anything else. */
bool statuses_add(struct statuses *s, struct str text);
/* The same for an element of a JSON list: a number, or a string as above. */
bool statuses_add_json(struct statuses *s, const struct json_val *v);
/* 408, 409, 425, 429 and 5xx (data plane section 20.2). */
struct statuses statuses_default(void);

/* A rate limit (data plane section 19). */
struct window {
    int64_t limit;       /* requests; 0: no limit */
    int64_t interval_ms; /* 0: no limit */
    bool sliding;
};

/* A cache's time to live as anybody may name it: 0 stays 0, else 60 s to 30 days (section 18.4). */
int64_t cache_ttl_clamp(int64_t seconds);

struct gateway_policy {
    int64_t cache_ttl_s; /* 0: off; else clamped to 60 .. 30 days */
    bool cache_invalidate_on_update;
    struct window limit;
    int max_attempts;       /* retry_max_attempts; 0: unset */
    int64_t retry_delay_ms; /* -1: unset */
    enum backoff backoff;
    bool byok_only;
    int64_t log_rows; /* log_management: how many are kept; 0: any number */
    bool log_stops;   /* at that number no more are taken, else the oldest go (control plane section 15.4) */
    /* weir's own members: weir_retry_jitter, weir_retry_statuses, weir_request_timeout,
     * weir_total_timeout, weir_target_health */
    bool retry_jitter;
    struct statuses retry_statuses;
    int64_t request_timeout_ms, total_timeout_ms; /* 0: none */
    bool target_health;
};

/* settings: the gateway object as JSON. Anything that is not an object gives the defaults. */
void gateway_policy_read(struct str settings, struct gateway_policy *ret);
