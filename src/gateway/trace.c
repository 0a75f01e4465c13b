/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/trace.h"
#include "base/limits.h"
#include "gateway/cache.h"
#include "gateway/parts.h"
#include "gateway/translate.h"

/* The tail behind the attempts, and the last of them; names in front of it that came in the request. */
enum { TAIL_BYTES = 2 * KIB, NAME_BYTES = 64 };

void trace_step(struct txn *t, const char *step)
{
    struct trace *r = t->trace;
    uint64_t now = clock_us();
    if (r->n == 0) { /* whoever made the trace was first, and began with the request */
        r->marks[r->n++].step = step_record.name;
        r->since = exchange_started(t->x);
    }
    r->marks[r->at].us += now - r->since;
    r->since = now;
    for (r->at = 0; r->at < r->n && r->marks[r->at].step != step;)
        r->at++;
    must(r->at < TXN_STEPS);
    if (r->at == r->n)
        r->marks[r->n++].step = step;
}

/* What the client said and the provider's dialect cannot: some 2 KiB of names, the rest is counted. */
static void put_untold(struct json_out *w, const struct target *target)
{
    const struct ir_strs *names = translate_dropped(target);
    size_t end = w->b->n + 2 * KIB, i = 0;
    if (!names)
        return;
    json_key(w, "not_told");
    json_open(w, '[');
    for (; i < names->n && w->b->n < end; i++)
        json_put_str(w, names->v[i]);
    json_close(w, ']');
    if (i < names->n)
        json_add_int(w, "not_told_more", (int64_t)(names->n - i));
}

void trace_target(struct json_out *w, const struct target *target)
{
    json_add_int(w, "step", target->step);
    json_add_str(w, "provider", target->provider->slug);
    json_add_str(w, "model", str_head(target_model(target), MODEL_NAME_BYTES));
    if (parts_calls(target) > 1)
        json_add_int(w, "calls", (int64_t)parts_calls(target));
    put_untold(w, target);
}

void trace_cache(struct json_out *w, const struct txn *t, const struct target *target)
{
    static const struct str verdicts[] = {[CACHED_OFF] = S("off"),
                                          [CACHED_MISS] = S("miss"),
                                          [CACHED_HIT] = S("hit"),
                                          [CACHED_SHARED] = S("shared")};
    char key[2 * sizeof(target->key.b)];
    json_key(w, "cache");
    json_open(w, '{');
    json_add_str(w, "verdict", verdicts[target->cache]);
    if (target->cache == CACHED_OFF) {
        json_add_str(w, "why", cache_why_not(t, target));
        return;
    }
    hex_encode(key, target->key.b, sizeof(target->key.b));
    json_add_str(w, "key", str_of(key, sizeof(key)));
    json_add_int(w, "ttl_s", target->policy.cache_ttl_ms / 1000);
}

void trace_limit(struct json_out *w, const struct txn *t)
{
    const struct window *limit = &t->gateway->policy.limit;
    int64_t left, now_ms = clock_wall_ms();
    if (!limit->limit || !limit->interval_ms)
        return;
    (void)counters_peek(store_counters(t->w->store), t->gateway->id, limit, now_ms, &left);
    json_key(w, "limit");
    json_open(w, '{');
    json_add_int(w, "requests", limit->limit);
    json_add_int(w, "interval_s", limit->interval_ms / 1000);
    json_add_str(w, "technique", limit->sliding ? STR("sliding") : STR("fixed"));
    json_add_int(w, "left", left);
    if (!limit->sliding)
        json_add_int(w, "renewed_in_ms", limit->interval_ms - now_ms % limit->interval_ms);
    json_close(w, '}');
}

static void put_attempt(struct json_out *w, const struct txn *t, const struct attempt *a)
{
    static const struct str by[] = {
        [BY_PROVIDER] = S("provider"), [BY_CACHE] = S("cache"), [BY_GATEWAY] = S("gateway")};
    uint64_t end = a->first_byte_us ? a->first_byte_us : a->ended_us ? a->ended_us : clock_us();
    json_open(w, '{');
    json_add_int(w, "step", a->target->step);
    json_add_int(w, "try", a->number + 1);
    json_add_str(w, "provider", a->target->provider->slug);
    json_add_str(w, "model", str_head(target_model(a->target), NAME_BYTES));
    json_add_str(w, "by", by[a->by]);
    if (a->status)
        json_add_int(w, "status", a->status);
    if (a->err != E_OK)
        json_add_str(w, "error", str_c(err_phrase(a->err)));
    json_add_int(w, "at_us", (int64_t)(a->started_us - exchange_started(t->x)));
    json_add_int(w, "us", (int64_t)(end - a->started_us));
    json_close(w, '}');
}

static void put_attempts(struct json_out *w, const struct txn *t)
{
    size_t n = 0;
    json_key(w, "attempts");
    json_open(w, '[');
    for (; n < t->n_attempts && w->b->n < TRACE_BYTES - TAIL_BYTES; n++)
        put_attempt(w, t, t->attempts[n]);
    json_close(w, ']');
    if (n < t->n_attempts)
        json_add_int(w, "attempts_not_shown", (int64_t)(t->n_attempts - n));
}

void trace_times(struct json_out *w, const struct txn *t)
{
    const struct trace *r = t->trace;
    uint64_t now = clock_us();
    json_add_int(w, "total_us", (int64_t)(now - exchange_started(t->x)));
    json_key(w, "steps_us");
    json_open(w, '{');
    for (size_t i = 0; i < r->n; i++)
        json_add_int(w, r->marks[i].step, (int64_t)(r->marks[i].us + (i == r->at ? now - r->since : 0)));
    json_close(w, '}');
}

static void put_target(struct json_out *w, const struct txn *t)
{
    const struct target *target = txn_target(t);
    json_key(w, "target");
    json_open(w, '{');
    trace_target(w, target);
    trace_cache(w, t, target);
    json_close(w, '}');
    json_close(w, '}');
}

struct str trace_header(struct txn *t)
{
    struct buf b;
    buf_init(&b, TRACE_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    json_add_str(&w, "gateway", t->gateway ? t->gateway->slug : str_head(t->gateway_slug, NAME_BYTES));
    if (t->in_target) {
        put_target(&w, t);
        trace_limit(&w, t);
        put_attempts(&w, t);
    }
    if (t->fault != E_OK)
        json_add_str(&w, "error", str_c(err_phrase(t->fault)));
    trace_times(&w, t);
    json_close(&w, '}');
    must(!b.full); /* names are cut, attempts stop in time */
    struct str text = arena_dup(t->arena, buf_str(&b));
    buf_done(&b);
    return text;
}
