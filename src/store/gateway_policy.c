/* SPDX-License-Identifier: Apache-2.0 */
#include "store/gateway_policy.h"
#include "base/json.h"
#include "base/limits.h"

/* ---- sets of statuses ---- */

enum { STATUS_FIRST = 400, STATUS_LAST = 599 };

bool statuses_has(const struct statuses *s, int status)
{
    if (status < STATUS_FIRST || status > STATUS_LAST)
        return false;
    unsigned bit = (unsigned)(status - STATUS_FIRST);
    return s->bits[bit / 64] >> bit % 64 & 1;
}

static void put_range(struct statuses *s, int from, int to)
{
    for (unsigned bit = (unsigned)(from - STATUS_FIRST); bit <= (unsigned)(to - STATUS_FIRST); bit++)
        s->bits[bit / 64] |= UINT64_C(1) << bit % 64;
}

bool statuses_add(struct statuses *s, struct str text)
{
    int64_t status;
    if (text.n != 3 || (text.p[0] != '4' && text.p[0] != '5'))
        return false;
    if (str_ieq(str_from(text, 1), STR("xx"))) {
        int from = 100 * (text.p[0] - '0');
        put_range(s, from, from + 99);
        return true;
    }
    if (str_to_int(text, &status) != E_OK)
        return false;
    put_range(s, (int)status, (int)status);
    return true;
}

struct statuses statuses_default(void)
{
    static const int single[] = {408, 409, 425, 429};
    struct statuses s = {0};
    for (size_t i = 0; i < countof(single); i++)
        put_range(&s, single[i], single[i]);
    put_range(&s, 500, 599);
    return s;
}

bool statuses_add_json(struct statuses *s, const struct json_val *v)
{
    int64_t status;
    if (json_type(v) == JSON_STRING)
        return statuses_add(s, json_str(v));
    if (!json_uint(v, &status) || status < STATUS_FIRST || status > STATUS_LAST)
        return false;
    put_range(s, (int)status, (int)status);
    return true;
}

/* ---- the settings ---- */

/* A whole number in this range, else fallback. */
static int64_t read_int(const struct json_val *v, int64_t min, int64_t max, int64_t fallback)
{
    int64_t n;
    return json_uint(v, &n) && n >= min && n <= max ? n : fallback;
}

int64_t cache_ttl_clamp(int64_t seconds)
{
    if (seconds <= 0)
        return 0;
    return seconds < CACHE_TTL_MIN_S   ? CACHE_TTL_MIN_S
           : seconds > CACHE_TTL_MAX_S ? CACHE_TTL_MAX_S
                                       : seconds;
}

enum backoff backoff_of(struct str name)
{
    static const struct str names[] = {[BACKOFF_CONSTANT] = S("constant"),
                                       [BACKOFF_LINEAR] = S("linear"),
                                       [BACKOFF_EXPONENTIAL] = S("exponential")};
    for (enum backoff b = BACKOFF_CONSTANT; b < countof(names); b++)
        if (str_ieq(name, names[b]))
            return b;
    return BACKOFF_UNSET;
}

/* Intervals that no clock will see the end of are the longest there is. */
static struct window read_window(const struct json_val *root)
{
    const int64_t longest_s = INT64_MAX / 1000;
    int64_t interval_s = read_int(json_get(root, "rate_limiting_interval"), 0, INT64_MAX, 0);
    return (struct window){
        .limit = read_int(json_get(root, "rate_limiting_limit"), 0, INT64_MAX, 0),
        .interval_ms = (interval_s < longest_s ? interval_s : longest_s) * 1000,
        .sliding = str_eq(json_str(json_get(root, "rate_limiting_technique")), STR("sliding")),
    };
}

static struct statuses read_statuses(const struct json_val *list)
{
    struct statuses s = {0};
    if (json_type(list) != JSON_ARRAY)
        return statuses_default();
    for (struct json_iter it = json_iter(list); json_next(&it);)
        (void)statuses_add_json(&s, it.val);
    return s;
}

/* Not said is DELETE_OLDEST, null is STOP_INSERTING (control plane section 4.2). */
static bool read_log_stops(const struct json_val *strategy)
{
    return json_type(strategy) == JSON_NULL || str_eq(json_str(strategy), STR("STOP_INSERTING"));
}

void gateway_policy_read(struct str settings, struct gateway_policy *ret)
{
    struct json_doc *doc = json_parse(settings);
    const struct json_val *root = json_root(doc);
    *ret = (struct gateway_policy){
        .cache_ttl_s = cache_ttl_clamp(read_int(json_get(root, "cache_ttl"), 0, INT64_MAX, 0)),
        .cache_invalidate_on_update = json_bool(json_get(root, "cache_invalidate_on_update"), false),
        .limit = read_window(root),
        .max_attempts = (int)read_int(json_get(root, "retry_max_attempts"), 1, RETRY_ATTEMPTS, 0),
        .retry_delay_ms = read_int(json_get(root, "retry_delay"), 0, RETRY_DELAY_MS, -1),
        .backoff = backoff_of(json_str(json_get(root, "retry_backoff"))),
        .byok_only = json_bool(json_get(root, "byok_only"), false),
        .log_rows = read_int(json_get(root, "log_management"), 1, INT64_MAX, 0),
        .log_stops = read_log_stops(json_get(root, "log_management_strategy")),
        .retry_jitter = json_bool(json_get(root, "weir_retry_jitter"), false),
        .retry_statuses = read_statuses(json_get(root, "weir_retry_statuses")),
        .request_timeout_ms = read_int(json_get(root, "weir_request_timeout"), 0, TIMEOUT_MAX_MS, 0),
        .total_timeout_ms = read_int(json_get(root, "weir_total_timeout"), 0, TIMEOUT_MAX_MS, 0),
        .target_health = json_bool(json_get(root, "weir_target_health"), false),
    };
    json_free(doc);
}
