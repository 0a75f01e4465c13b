/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain_text.h"
#include "cli/text.h"
#include "http/http.h"

#include <inttypes.h>
#include <stdio.h>

enum { LABEL_WIDTH = 14, TIME_WIDTH = 9, TIME_TEXT_BYTES = 32 };

/* ---- pieces ---- */

static void put(struct buf *out, const char *text)
{
    (void)buf_append_c(out, text);
}

/* The end of a line that may have nothing in it. */
static void end_line(struct buf *out)
{
    while (out->n && out->p[out->n - 1] == ' ')
        out->n--;
    put(out, "\n");
}

static void label(struct buf *out, int indent, const char *text)
{
    (void)buf_printf(out, "%*s%-*s", indent, "", LABEL_WIDTH - indent, text);
}

static bool has(const struct json_val *object, const char *key)
{
    return json_type(json_get(object, key)) > JSON_NULL;
}

static int64_t number(const struct json_val *object, const char *key)
{
    int64_t n = 0;
    (void)json_uint(json_get(object, key), &n);
    return n;
}

static struct str text(const struct json_val *object, const char *key)
{
    return json_str(json_get(object, key));
}

static bool is(const struct json_val *object, const char *key, const char *value)
{
    return str_eq(text(object, key), str_c(value));
}

static void put_text(struct buf *out, const struct json_val *object, const char *key)
{
    text_put(out, text(object, key));
}

/* Three digits or so, in the unit that suits. */
static const char *time_text(char t[TIME_TEXT_BYTES], int64_t us)
{
    double ms = (double)us / 1000;
    if (us < 1000)
        (void)snprintf(t, TIME_TEXT_BYTES, "%" PRId64 " us", us);
    else if (ms < 10000)
        (void)snprintf(t, TIME_TEXT_BYTES, "%.*f ms", ms < 100 ? 1 : 0, ms);
    else
        (void)snprintf(t, TIME_TEXT_BYTES, "%.1f s", ms / 1000);
    return t;
}

/* Settings are round numbers: "30 s", "2500 ms". */
static const char *setting_text(char t[TIME_TEXT_BYTES], int64_t ms)
{
    bool round = ms >= 1000 && ms % 1000 == 0;
    (void)snprintf(t, TIME_TEXT_BYTES, "%" PRId64 " %s", round ? ms / 1000 : ms, round ? "s" : "ms");
    return t;
}

static void put_model(struct buf *out, const struct json_val *v)
{
    put_text(out, v, "provider");
    if (text(v, "model").n) {
        put(out, "/");
        put_text(out, v, "model");
    }
}

/* ---- lines that both have ---- */

static void put_limit(struct buf *out, const struct json_val *limit)
{
    char t[TIME_TEXT_BYTES];
    if (!limit)
        return;
    label(out, 0, "limit");
    (void)buf_printf(out, "%" PRId64 " of %" PRId64 " requests left, ", number(limit, "left"),
                     number(limit, "requests"));
    put_text(out, limit, "technique");
    (void)buf_printf(out, " window of %s", setting_text(t, 1000 * number(limit, "interval_s")));
    if (has(limit, "renewed_in_ms"))
        (void)buf_printf(out, ", a new one in %s", time_text(t, 1000 * number(limit, "renewed_in_ms")));
    end_line(out);
}

static void put_cache(struct buf *out, int indent, const struct json_val *cache)
{
    char t[TIME_TEXT_BYTES];
    label(out, indent, "cache");
    put_text(out, cache, "verdict");
    if (has(cache, "why")) {
        put(out, ": ");
        put_text(out, cache, "why");
    }
    if (is(cache, "verdict", "miss"))
        (void)buf_printf(out, ", a good answer is kept for %s",
                         setting_text(t, 1000 * number(cache, "ttl_s")));
    if (is(cache, "verdict", "shared"))
        put(out, ": the same request is under way, its answer is for both");
    if (has(cache, "left_s"))
        (void)buf_printf(out, ", good for another %s", setting_text(t, 1000 * number(cache, "left_s")));
    end_line(out);
    if (!has(cache, "key"))
        return;
    label(out, indent, "");
    put(out, "key ");
    put_text(out, cache, "key");
    end_line(out);
}

static void put_times(struct buf *out, const struct json_val *v)
{
    char t[TIME_TEXT_BYTES];
    const char *between = ": ";
    label(out, 0, "took");
    put(out, time_text(t, number(v, "total_us")));
    for (struct json_iter it = json_iter(json_get(v, "steps_us")); json_next(&it); between = ", ") {
        int64_t us = 0;
        (void)json_uint(it.val, &us);
        put(out, between);
        text_put(out, it.key);
        (void)buf_printf(out, " %s", time_text(t, us));
    }
    end_line(out);
}

/* ---- the plan ---- */

static void put_gateway(struct buf *out, const struct json_val *plan)
{
    label(out, 0, "gateway");
    put_text(out, plan, "gateway");
    put(out, json_bool(json_get(plan, "authentication"), false) ? ", for callers with a token"
                                                                : ", open to everybody");
    end_line(out);
    label(out, 0, "caller");
    put(out, has(plan, "token") ? "token " : "identity ");
    put_text(out, plan, has(plan, "token") ? "token" : "identity");
    end_line(out);
}

static void put_answer(struct buf *out, const struct json_val *plan)
{
    const struct json_val *answer = json_get(plan, "answer");
    size_t n = json_count(json_get(plan, "targets"));
    label(out, 0, "answer");
    if (n > 1)
        (void)buf_printf(out, "step %" PRId64 ", ", number(answer, "step"));
    if (is(answer, "by", "provider")) {
        put(out, "from the provider, if it has one");
    } else if (is(answer, "by", "cache")) {
        put(out, "from the cache");
    } else {
        put(out, "refused: ");
        put_text(out, answer, "error");
    }
    end_line(out);
}

static void put_tries(struct buf *out, const struct json_val *target)
{
    char t[TIME_TEXT_BYTES];
    const struct json_val *retry = json_get(target, "retry");
    const char *between =
        json_bool(json_get(retry, "jitter"), false) ? ", again after up to " : ", again after ";
    label(out, 2, "tries");
    (void)buf_printf(out, "%" PRId64, number(target, "tries"));
    for (struct json_iter it = json_iter(json_get(retry, "pauses_ms")); json_next(&it); between = ", ")
        (void)buf_printf(out, "%s%s", between, setting_text(t, (int64_t)json_num(it.val, 0)));
    between = "; on no answer, ";
    for (struct json_iter it = json_iter(json_get(retry, "on")); json_next(&it); between = ", ") {
        put(out, between);
        if (json_type(it.val) == JSON_STRING)
            text_put(out, json_str(it.val));
        else
            (void)buf_printf(out, "%.0f", json_num(it.val, 0));
    }
    end_line(out);
    if (number(target, "request_timeout_ms")) {
        label(out, 2, "timeout");
        (void)buf_printf(out, "%s to the first byte of a try",
                         setting_text(t, number(target, "request_timeout_ms")));
        end_line(out);
    }
}

static void put_health(struct buf *out, const struct json_val *health)
{
    char t[TIME_TEXT_BYTES];
    if (!health)
        return;
    label(out, 2, "health");
    if (number(health, "results") == 0)
        put(out, "not called lately");
    else
        (void)buf_printf(out, "%" PRId64 " of the last %" PRId64 " calls failed", number(health, "failures"),
                         number(health, "results"));
    if (number(health, "cooling_ms"))
        (void)buf_printf(out, "; cools down for another %s",
                         time_text(t, 1000 * number(health, "cooling_ms")));
    end_line(out);
}

static void put_log(struct buf *out, const struct json_val *target)
{
    bool row = json_bool(json_get(target, "log"), true),
         bodies = json_bool(json_get(target, "log_payload"), true);
    label(out, 2, "log");
    put(out, !row ? "none" : bodies ? "a row with both bodies" : "a row without bodies");
    end_line(out);
}

/* Who said what, one after the other. */
static void put_from(struct buf *out, const struct json_val *from)
{
    static const char *const who[] = {"step", "request", "gateway"};
    const char *line = "set by";
    for (size_t i = 0; i < countof(who); i++) {
        const char *between = ": ";
        for (struct json_iter it = json_iter(from); json_next(&it);) {
            if (!str_eq(json_str(it.val), str_c(who[i])))
                continue;
            if (between[0] == ':') {
                label(out, 2, line);
                put(out, who[i]);
                line = "";
            }
            put(out, between);
            text_put(out, it.key);
            between = ", ";
        }
        if (between[0] == ',')
            end_line(out);
    }
}

static void put_credential(struct buf *out, const struct json_val *target)
{
    label(out, 2, "credential");
    if (is(target, "credential", "stored")) {
        put(out, "the stored key ");
        put_text(out, target, "alias");
    } else if (is(target, "credential", "unified")) {
        put(out, "the operator's key (Unified Billing)");
    } else {
        put(out, is(target, "credential", "request") ? "the request brings its own" : "none");
    }
    end_line(out);
    if (has(target, "refused")) {
        label(out, 2, "refused");
        put_text(out, target, "refused");
        end_line(out);
    }
}

static void put_target(struct buf *out, const struct json_val *target)
{
    char step[32];
    (void)snprintf(step, sizeof(step), "step %" PRId64, number(target, "step"));
    put(out, "\n");
    label(out, 0, step);
    put_model(out, target);
    put(out, json_bool(json_get(target, "stream"), false) ? ", a stream" : "");
    end_line(out);
    label(out, 2, "url");
    put_text(out, target, "url");
    end_line(out);
    put_credential(out, target);
    put_cache(out, 2, json_get(target, "cache"));
    put_tries(out, target);
    put_health(out, json_get(target, "health"));
    put_log(out, target);
    put_from(out, json_get(target, "from"));
}

void explain_plan_text(struct buf *out, const struct json_val *plan)
{
    char t[TIME_TEXT_BYTES];
    put_gateway(out, plan);
    put_answer(out, plan);
    put_limit(out, json_get(plan, "limit"));
    if (number(plan, "total_timeout_ms")) {
        label(out, 0, "deadline");
        (void)buf_printf(out, "%s to the first byte, all steps and tries together",
                         setting_text(t, number(plan, "total_timeout_ms")));
        end_line(out);
    }
    for (struct json_iter it = json_iter(json_get(plan, "targets")); json_next(&it);)
        put_target(out, it.val);
    put(out, "\n");
    put_times(out, plan);
}

/* ---- the trace ---- */

/* What came of an attempt. */
static void put_outcome(struct buf *out, const struct json_val *a)
{
    char t[TIME_TEXT_BYTES];
    if (is(a, "by", "gateway"))
        put(out, "not called: ");
    if (number(a, "status"))
        (void)buf_printf(out, "%" PRId64, number(a, "status"));
    if (number(a, "status") && has(a, "error"))
        put(out, ", ");
    put_text(out, a, "error");
    if (is(a, "by", "cache"))
        put(out, " from the cache");
    if (!is(a, "by", "gateway"))
        (void)buf_printf(out, " after %s", time_text(t, number(a, "us")));
    end_line(out);
}

static void put_attempt(struct buf *out, const struct json_val *a, int model_width)
{
    char t[TIME_TEXT_BYTES];
    struct buf model;
    buf_init(&model, SIZE_MAX / 2);
    put_model(&model, a);
    (void)buf_printf(out, "  at %*s  step %" PRId64 " try %" PRId64 "  ", TIME_WIDTH,
                     time_text(t, number(a, "at_us")), number(a, "step"), number(a, "try"));
    (void)buf_append(out, buf_str(&model));
    text_spaces(out, model_width - text_columns(buf_str(&model)) + 2);
    buf_done(&model);
    put_outcome(out, a);
}

static int model_width(const struct json_val *attempts)
{
    int width = 0;
    for (struct json_iter it = json_iter(attempts); json_next(&it);) {
        int n = text_columns(text(it.val, "provider")) + 1 + text_columns(text(it.val, "model"));
        width = n > width ? n : width;
    }
    return width;
}

static void put_attempts(struct buf *out, const struct json_val *trace)
{
    const struct json_val *attempts = json_get(trace, "attempts");
    int width = model_width(attempts);
    if (json_count(attempts) == 0)
        return;
    put(out, "attempts\n");
    for (struct json_iter it = json_iter(attempts); json_next(&it);)
        put_attempt(out, it.val, width);
    if (has(trace, "attempts_not_shown"))
        (void)buf_printf(out, "  and %" PRId64 " more\n", number(trace, "attempts_not_shown"));
}

void explain_trace_text(struct buf *out, int status, const struct json_val *trace)
{
    const struct json_val *target = json_get(trace, "target");
    label(out, 0, "answer");
    (void)buf_printf(out, "%d %.*s", status, STR_FMT(http_reason(status)));
    if (has(trace, "error")) {
        put(out, ": ");
        put_text(out, trace, "error");
    }
    end_line(out);
    put_attempts(out, trace);
    if (target)
        put_cache(out, 0, json_get(target, "cache"));
    put_limit(out, json_get(trace, "limit"));
    put_times(out, trace);
}
