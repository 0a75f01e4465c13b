/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step: a dry run? `weir-trace: explain` gets, instead of an answer, what would be done to find one:
 * targets in their order, where they are, whether the cache knows them, limits, retries, health. Nothing
 * is called, counted or logged. It needs a token also where the gateway does not: others need not know.
 *
 * The members are in docs/explain.md. No credential and no query string is among them.
 */
#include "base/json.h"
#include "base/limits.h"
#include "gateway/answer.h"
#include "gateway/byok.h"
#include "gateway/cache.h"
#include "gateway/flight.h"
#include "gateway/identity.h"
#include "gateway/target.h"
#include "gateway/trace.h"
#include "gateway/unified.h"
#include "store/provider_key.h"

/* ---- what would happen ---- */

static void look_up(struct txn *t, struct target *target)
{
    target->cache = CACHED_OFF;
    if (!cache_key_for(t, target, &target->key))
        return;
    bool known = respcache_peek(t->w->cache, &target->key, clock_wall_ms()) > 0;
    target->cache = known                                       ? CACHED_HIT
                    : flights_find(t->w->flights, &target->key) ? CACHED_SHARED
                                                                : CACHED_MISS;
}

static bool has_room(const struct txn *t)
{
    return counters_peek(store_counters(t->w->store), t->gateway->id, &t->gateway->policy.limit,
                         clock_wall_ms(), NULL);
}

/* Why a target would not be called, once its turn had come. */
static enum err refusal(struct txn *t, struct target *target)
{
    bool last = target == &t->targets[t->n_targets - 1];
    struct str detail;
    enum err e = byok_refusal(t, target, &detail);
    if (e == E_OK)
        e = unified_refusal(t, target, &detail);
    if (e != E_OK)
        return e;
    if (!last && target_cooling_ms(t, target) > 0)
        return E_COOLING;
    return byok_has_room(t, target) ? unified_room(t, target, &detail) : E_RATE_LIMITED;
}

/* Whose answer it would be if every provider gave one. */
static void put_answer(struct json_out *w, struct txn *t)
{
    struct target *target = t->targets;
    enum err e = E_OK;
    bool stored = false;
    for (size_t i = 0; i < t->n_targets; i++) {
        target = &t->targets[i];
        stored = target->cache == CACHED_HIT || target->cache == CACHED_SHARED;
        bool room = has_room(t);
        e = stored ? E_OK : room ? refusal(t, target) : E_RATE_LIMITED;
        if (e == E_OK || !room)
            break;
    }
    json_key(w, "answer");
    json_open(w, '{');
    json_add_int(w, "step", target->step);
    json_add_str(w, "by", e != E_OK ? STR("gateway") : stored ? STR("cache") : STR("provider"));
    if (e != E_OK)
        json_add_str(w, "error", str_c(err_phrase(e)));
    json_close(w, '}');
}

/* ---- a target ---- */

static void put_cache(struct json_out *w, struct txn *t, const struct target *target)
{
    trace_cache(w, t, target);
    if (target->cache == CACHED_HIT) {
        int64_t now_ms = clock_wall_ms(), end_ms = respcache_peek(t->w->cache, &target->key, now_ms);
        json_add_int(w, "left_s", end_ms > now_ms ? (end_ms - now_ms) / 1000 : 0);
    }
    json_close(w, '}');
}

static void put_url(struct json_out *w, struct txn *t, const struct target *target)
{
    const struct upstream_url *u = &target->url;
    struct str path = str_head(u->target, str_find(u->target, '?')); /* a query may hold a key */
    struct str url = target->local ? STR("(this process)")
                                   : arena_printf(t->arena, "%s://%.*s%.*s", u->tls ? "https" : "http",
                                                  STR_FMT(u->authority), STR_FMT(path));
    json_add_str(w, "url", url);
}

/* A class of which every status is in the set is named as one. */
static void put_statuses(struct json_out *w, const struct statuses *s)
{
    json_key(w, "on");
    json_open(w, '[');
    for (int class = 4; class <= 5; class ++) {
        int n = 0;
        for (int i = 100 * class; i < 100 * (class + 1); i++)
            n += statuses_has(s, i);
        if (n == 100)
            json_put_str(w, class == 4 ? STR("4xx") : STR("5xx"));
        for (int i = 100 * class; n < 100 && i < 100 * (class + 1); i++)
            if (statuses_has(s, i))
                json_put_int(w, i);
    }
    json_close(w, ']');
}

/* The pauses come from where they will come from when it is tried again. */
static void put_pauses(struct json_out *w, const struct policy *p)
{
    json_key(w, "pauses_ms");
    json_open(w, '[');
    for (int i = 1; i < p->attempts; i++) {
        int64_t pause_ms = 0;
        (void)retry_decide(&(struct retry_case){.err = E_RESET,
                                                .attempt = i,
                                                .attempts = p->attempts,
                                                .replayable = true,
                                                .left_ms = INT64_MAX,
                                                .statuses = p->retry_statuses,
                                                .backoff = p->backoff,
                                                .delay_ms = p->retry_delay_ms},
                           &pause_ms);
        json_put_int(w, pause_ms);
    }
    json_close(w, ']');
}

static void put_tries(struct json_out *w, const struct txn *t, const struct policy *p)
{
    bool replayable = t->body_state == BODY_WHOLE;
    json_add_int(w, "request_timeout_ms", p->request_timeout_ms);
    json_add_int(w, "tries", replayable ? p->attempts : 1);
    if (!replayable || p->attempts == 1)
        return;
    json_key(w, "retry");
    json_open(w, '{');
    put_statuses(w, p->retry_statuses);
    put_pauses(w, p);
    json_add_bool(w, "jitter", p->retry_jitter);
    json_close(w, '}');
}

static void put_health(struct json_out *w, struct txn *t, struct target *target)
{
    unsigned known;
    if (!target_is_watched(t))
        return;
    int64_t cooling_ms = target_cooling_ms(t, target);
    uint64_t history = health_history(t->w->health, target->health, &known);
    json_key(w, "health");
    json_open(w, '{');
    json_add_int(w, "results", known);
    json_add_int(w, "failures", (int64_t)known - __builtin_popcountll(history));
    json_add_int(w, "cooling_ms", cooling_ms);
    json_close(w, '}');
}

/* Who said it: what is built in goes without saying. */
struct said {
    const char *what;
    int64_t target, request, unset;
    bool gateway;
};

static void put_from(struct json_out *w, const struct txn *t, const struct target *target)
{
    const struct options *o = &target->options, *r = &t->options;
    const struct gateway_policy *g = &t->gateway->policy;
    const struct statuses built_in = statuses_default();
    const struct said said[] = {
        {"cache_ttl", o->cache_ttl_s, r->cache_ttl_s, -1, g->cache_ttl_s > 0},
        {"cache_key", (intptr_t)o->cache_key.p, (intptr_t)r->cache_key.p, 0, false},
        {"skip_cache", o->skip_cache, r->skip_cache, UNSET, false},
        {"request_timeout", o->request_timeout_ms, r->request_timeout_ms, -1, g->request_timeout_ms > 0},
        {"total_timeout", r->total_timeout_ms, r->total_timeout_ms, -1, g->total_timeout_ms > 0},
        {"tries", o->max_attempts, r->max_attempts, 0, g->max_attempts > 0},
        {"retry_delay", o->retry_delay_ms, r->retry_delay_ms, -1, g->retry_delay_ms >= 0},
        {"backoff", o->backoff, r->backoff, BACKOFF_UNSET, g->backoff != BACKOFF_UNSET},
        {"jitter", o->retry_jitter, r->retry_jitter, UNSET, g->retry_jitter},
        {"retry_on", (intptr_t)o->retry_statuses, (intptr_t)r->retry_statuses, 0,
         memcmp(&g->retry_statuses, &built_in, sizeof(built_in)) != 0},
        {"log", o->collect_log, r->collect_log, UNSET, !t->gateway->collect_logs},
    };
    json_key(w, "from");
    json_open(w, '{');
    for (size_t i = 0; i < countof(said); i++) {
        const struct said *s = &said[i];
        if (s->target != s->unset)
            json_add_str(w, s->what, s->target != s->request ? STR("step") : STR("request"));
        else if (s->gateway)
            json_add_str(w, s->what, STR("gateway"));
    }
    json_close(w, '}');
}

static void put_credential(struct json_out *w, const struct target *target)
{
    bool brings = provider_has_credential(target->provider, &target->headers, target->query);
    json_add_str(w, "credential",
                 target->stored    ? STR("stored")
                 : target->unified ? STR("unified")
                 : brings          ? STR("request")
                                   : STR("none"));
    if (target->stored)
        json_add_str(w, "alias", target->stored->alias);
}

static void put_target(struct json_out *w, struct txn *t, struct target *target)
{
    const struct policy *p = &target->policy;
    enum err e = refusal(t, target);
    json_open(w, '{');
    trace_target(w, target);
    json_add_bool(w, "stream", target->facts.stream || target->op.stream);
    put_url(w, t, target);
    put_credential(w, target);
    if (e != E_OK)
        json_add_str(w, "refused", str_c(err_phrase(e)));
    put_cache(w, t, target);
    put_tries(w, t, p);
    put_health(w, t, target);
    json_add_bool(w, "log", p->logged);
    json_add_bool(w, "log_payload", p->logged && p->payload);
    put_from(w, t, target);
    json_close(w, '}');
}

/* ---- the plan ---- */

static void put_caller(struct json_out *w, const struct txn *t)
{
    if (t->token)
        json_add_str(w, "token", t->token->name);
    else
        json_add_str(w, "identity", t->identity->user);
}

static void write_plan(struct txn *t, struct buf *out)
{
    struct json_out w = json_out(out);
    for (size_t i = 0; i < t->n_targets; i++)
        look_up(t, &t->targets[i]);
    json_open(&w, '{');
    json_add_str(&w, "gateway", t->gateway->slug);
    json_add_bool(&w, "authentication", t->gateway->authentication);
    put_caller(&w, t);
    put_answer(&w, t);
    trace_limit(&w, t);
    json_add_int(&w, "total_timeout_ms", policy_total_timeout(t->gateway, &t->options));
    json_key(&w, "targets");
    json_open(&w, '[');
    for (size_t i = 0; i < t->n_targets; i++)
        put_target(&w, t, &t->targets[i]);
    json_close(&w, ']');
    trace_times(&w, t);
    json_close(&w, '}');
}

static enum next enter(struct txn *t)
{
    struct buf out;
    if (t->options.trace != TRACE_EXPLAIN)
        return NEXT;
    if (!t->token && !t->identity)
        return txn_fail(t, E_UNAUTHORIZED, STR("weir-trace: explain needs a gateway token"));
    buf_init(&out, TXN_ARENA_BYTES);
    write_plan(t, &out);
    struct str text = arena_dup(t->arena, buf_str(&out));
    buf_done(&out);
    if (!text.p)
        return txn_fail(t, E_TOO_LARGE, STR(""));
    answer_json(t, text);
    return DONE;
}

const struct step step_explain = {"explain", enter, NULL, NULL};
