/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step: call the provider, again if need be. The source of the answer's events: heads, bytes,
 * server-sent events.
 *
 *   enter ─ [access token] ─ call ─┬ an answer to deliver: its events
 *             ^                    ├ again: read the failed answer away ─ pause ─┐
 *             └────────────────────│─────────────────────────────────────────────┘
 *                                  └ next: read it away ─ the runner tries the next target
 *
 * An attempt is all of a try, the exchange for a token included. retry.c decides at the head of an answer, or
 * when none comes; once the head has gone to the client there is no other try. May fail with whatever the
 * network can do; before the first byte to the client that is a clean error answer.
 */
#include "gateway/upstream.h"
#include "base/limits.h"
#include "gateway/byok.h"
#include "gateway/gcp.h"
#include "gateway/parts.h"
#include "gateway/retry.h"
#include "gateway/target.h"
#include "gateway/timeline.h"
#include "gateway/unified.h"

static enum next start_attempt(struct txn *t);

/* ---- after an attempt ---- */

static int64_t time_left_ms(const struct txn *t)
{
    uint64_t now = loop_ms(t->w->loop);
    if (!t->deadline_ms)
        return INT64_MAX;
    return t->deadline_ms > now ? (int64_t)(t->deadline_ms - now) : 0;
}

static uint64_t some_number(void)
{
    uint64_t n;
    random_bytes(&n, sizeof(n));
    return n;
}

static enum retry_verdict decide(const struct txn *t, const struct attempt *a, int64_t *ret_delay_ms)
{
    const struct policy *p = &a->target->policy;
    bool more = txn_has_more_targets(t);
    if (a->err == E_OK && a->status < 400)
        return RETRY_DELIVER;
    struct retry_case c = {
        .err = a->err,
        .status = a->status,
        .attempt = a->number + 1,
        .attempts = more && target_is_cooling(t, a->target) ? 1 : p->attempts,
        .replayable = t->body_state == BODY_WHOLE,
        .more_targets = more,
        .left_ms = time_left_ms(t),
        .statuses = p->retry_statuses,
        .backoff = p->backoff,
        .delay_ms = p->retry_delay_ms,
        .jitter = p->retry_jitter,
        .random = p->retry_jitter ? some_number() : 0,
    };
    return retry_decide(&c, ret_delay_ms);
}

static enum next again(struct txn *t)
{
    stat_add(&t->w->stats.retries, 1);
    return start_attempt(t);
}

static void stop_pause(struct txn *t)
{
    timer_stop(&t->timer);
}

/* The attempt is over and was not the answer; nothing is pending. */
static void try_on(struct txn *t)
{
    attempt_settle(t, attempt_last(t));
    if (t->verdict == RETRY_NEXT) {
        txn_next_target(t);
        return;
    }
    timeline_rename(t, STEP_PAUSE);
    (void)txn_wait(t, again, stop_pause);
    timer_set(&t->timer, (uint64_t)t->pause_ms);
}

/* The pending operation is over without txn_resume: the answer itself is what was waited for. */
static void call_over(struct txn *t)
{
    struct attempt *a = attempt_last(t);
    a->called = t->call != NULL;
    if (t->call)
        a->call = call_times(t->call); /* it is over, but swept away later */
    t->call = NULL;
    t->gcp = NULL;
    timer_stop(&t->timer);
    txn_settled(t);
    a->ended_us = clock_us();
}

static void give_up_call(struct txn *t)
{
    if (t->gcp)
        gcp_cancel(t->gcp);
    call_cancel(t->call);
    call_over(t);
}

/* The request ends before this attempt does. */
static void stop_call(struct txn *t)
{
    give_up_call(t);
    attempt_last(t)->err = t->fault;
}

/* No answer came. detail: for the client, if it is the last word. */
static void attempt_failed(struct txn *t, enum err why, struct str detail)
{
    struct attempt *a = attempt_last(t);
    a->err = why;
    stat_add(&t->w->stats.attempts_failed, 1);
    target_report(t, a, NULL);
    t->verdict = decide(t, a, &t->pause_ms);
    if (t->verdict == RETRY_DELIVER)
        txn_break(t, why, detail);
    else
        try_on(t);
}

static void on_timer(struct timer *timer)
{
    struct txn *t = container_of(timer, struct txn, timer);
    if (!t->call && !t->gcp) {
        txn_resume(t); /* the pause is over */
        return;
    }
    give_up_call(t);
    if (attempt_last(t)->status)
        try_on(t); /* enough of a failed answer was read for the log */
    else
        attempt_failed(t, E_FIRST_BYTE_TIMEOUT, STR(""));
}

/* ---- the answer ---- */

/* The answer of an attempt that is not the last: read away, so that the log has its words and the
 * connection is kept, but not for long. */
static bool is_read_away(const struct txn *t)
{
    return t->verdict != RETRY_DELIVER;
}

/* Good answers of a target that takes several calls are gathered. */
static bool is_part(const struct attempt *a)
{
    return a->target->parts && a->status < 400;
}

static void deliver_head(struct txn *t, struct attempt *a, const struct response_head *h)
{
    struct response_head head = *h;
    if (a->strip_usage)
        head.length = LENGTH_UNKNOWN;
    (void)txn_emit(t, &(struct event){.kind = EV_HEAD, .head = &head});
    if (a->framing != FRAME_NONE && t->call)
        call_forget_head(t->call); /* a stream may be here for long */
}

static void on_head(void *owner, struct call *c, const struct response_head *h)
{
    (void)c;
    struct txn *t = owner;
    struct attempt *a = attempt_last(t);
    timer_stop(&t->timer);
    if (unified_is_refusal(a, h->status)) {
        give_up_call(t);
        attempt_failed(t, E_UNIFIED_KEY, STR(""));
        return;
    }
    attempt_head(t, a, h);
    meter_head(&a->meter, &h->headers);
    target_report(t, a, h);
    t->verdict = decide(t, a, &t->pause_ms);
    if (is_read_away(t))
        timer_set(&t->timer, RETRY_READ_AWAY_MS);
    else if (is_part(a))
        parts_head(t, a->target->parts, h);
    else
        deliver_head(t, a, h);
}

/* A piece of a stream on its way to the sinks. */
struct piece {
    struct txn *t;
    enum flow flow;
};

static void give_event(struct piece *p, const struct sse_event *ev)
{
    if (txn_emit(p->t, &(struct event){.kind = EV_SSE, .raw = ev->raw, .sse = ev}) == HOLD)
        p->flow = HOLD;
}

/* Other chunks get an empty member by the question; strict clients trip over it. */
static struct sse_event without_placeholder(struct attempt *a, const struct sse_event *ev)
{
    struct sse_event edited = *ev;
    struct str cut;
    if (!usage_placeholder(ev->raw, &cut))
        return edited;
    size_t before = (size_t)(cut.p - ev->raw.p);
    buf_clear(&a->edited);
    (void)buf_append(&a->edited, str_head(ev->raw, before)); /* an event and less: never full */
    (void)buf_append(&a->edited, str_from(ev->raw, before + cut.n));
    edited.raw = buf_str(&a->edited);
    edited.carried = true; /* gone with the next one */
    return edited;
}

static void on_sse(void *arg, const struct sse_event *ev)
{
    struct piece *p = arg;
    struct attempt *a = attempt_last(p->t);
    meter_sse(&a->meter, ev);
    if (!a->strip_usage) {
        give_event(p, ev);
    } else if (!usage_chunk_only(ev->data)) {
        struct sse_event edited = without_placeholder(a, ev);
        give_event(p, &edited);
    }
}

static void on_frame(void *arg, const struct aws_frame *f)
{
    meter_aws(&attempt_last(arg)->meter, f);
}

static void read_away(struct txn *t, struct attempt *a)
{
    if (a->response_bytes <= RETRY_READ_AWAY_BYTES)
        return;
    give_up_call(t);
    try_on(t);
}

static enum flow on_body(void *owner, struct call *c, struct str piece)
{
    (void)c;
    struct txn *t = owner;
    struct attempt *a = attempt_last(t);
    struct piece p = {t, GO};
    attempt_capture(t, a, piece);
    if (is_read_away(t)) {
        read_away(t, a);
    } else if (is_part(a)) {
        parts_body(a->target->parts, piece);
    } else if (a->framing == FRAME_SSE) {
        (void)sse_feed(&a->sse, piece, on_sse, &p);
    } else {
        if (a->framing == FRAME_AWS)
            (void)aws_stream_feed(&a->aws, piece, on_frame, t);
        p.flow = txn_emit(t, &(struct event){.kind = EV_DATA, .raw = piece});
    }
    return p.flow;
}

static void flush_events(struct txn *t, struct attempt *a)
{
    if (a->framing == FRAME_SSE)
        sse_flush(&a->sse, on_sse, &(struct piece){t, GO});
}

static enum next next_part(struct txn *t)
{
    return start_attempt(t);
}

static void end_part(struct txn *t, struct attempt *a)
{
    attempt_settle(t, a);
    if (!parts_next(txn_target(t))) {
        parts_deliver(t);
        return;
    }
    (void)txn_wait(t, next_part, stop_pause);
    timer_set(&t->timer, 0);
}

static void on_end(void *owner, struct call *c)
{
    (void)c;
    struct txn *t = owner;
    struct attempt *a = attempt_last(t);
    call_over(t);
    a->answered = true;
    if (is_read_away(t)) {
        try_on(t);
        return;
    }
    if (is_part(a)) {
        end_part(t, a);
        return;
    }
    flush_events(t, a);
    (void)txn_emit(t, &(struct event){.kind = EV_END});
}

static void on_fail(void *owner, struct call *c, enum err why)
{
    (void)c;
    struct txn *t = owner;
    struct attempt *a = attempt_last(t);
    call_over(t);
    if (a->status && is_read_away(t)) {
        try_on(t);
    } else if (a->status && is_part(a)) {
        attempt_failed(t, why, STR("")); /* nobody has got any of it */
    } else if (a->status) {
        a->err = why;
        stat_add(&t->w->stats.attempts_cut, 1);
        flush_events(t, a); /* what came is the client's, even if it is half an event */
        txn_break(t, why, STR(""));
    } else {
        attempt_failed(t, why, STR(""));
    }
}

static void on_drain(void *owner, struct call *c)
{
    (void)c;
    exchange_body_resume(((struct txn *)owner)->x);
}

static const struct call_events call_events = {on_head, on_body, on_end, on_fail, on_drain};

static void client_takes_more(struct txn *t)
{
    if (t->call)
        call_resume(t->call);
}

/* ---- the request ---- */

/* May this stream be asked for its usage, so that its cost is known? */
static bool asks_usage(const struct txn *t, const struct target *target)
{
    bool chat = target->op.dialect == D_OPENAI_CHAT || target->op.dialect == D_OPENAI_COMPLETIONS;
    if (!chat || !target->facts.insert.p)
        return false;
    if (target->provider->rule == PATH_AZURE && str_has(target->body, STR("\"data_sources\"")))
        return false; /* Azure refuses the question beside its own retrieval */
    return settings_asks_usage(t->settings, target->provider->slug) &&
           provider_asks_usage(target->provider, &target->headers, target->query);
}

static struct str body_for(struct txn *t, const struct target *target, struct attempt *a)
{
    struct str parts[3];
    if (!asks_usage(t, target))
        return target->body;
    a->strip_usage = true;
    if (t->asking)
        return buf_str(&t->asking_body);
    request_ask_usage(&target->facts, target->body, parts);
    buf_clear(&t->asking_body);
    for (size_t i = 0; i < countof(parts); i++)
        (void)buf_append(&t->asking_body, parts[i]); /* cannot be full: a body and a few bytes */
    t->asking = true;
    return buf_str(&t->asking_body);
}

static struct origin *origin_of(struct txn *t, const struct target *target)
{
    if (target->local)
        return t->w->mock;
    return client_origin(t->w->client, &(struct origin_name){.tls = target->url.tls,
                                                             .host = target->url.host,
                                                             .port = target->url.port,
                                                             .trusted = target->url.trusted});
}

static void send_what_came(struct txn *t)
{
    if (t->body_state == BODY_STREAMING && call_send(t->call, buf_str(&t->body)) == GO)
        exchange_body_resume(t->x); /* it may have been held for an access token */
}

/* The last try of all waits for as long as it takes (section 20.1); a single one does not. */
static int64_t timeout_ms(const struct txn *t, const struct attempt *a)
{
    const struct policy *p = &a->target->policy;
    bool last = a->number + 1 >= p->attempts && !txn_has_more_targets(t);
    return last && a->number > 0 ? 0 : p->request_timeout_ms;
}

static enum next never_resumed(struct txn *t)
{
    (void)t;
    must(false); /* an upstream call ends through its own callbacks */
    return DONE;
}

static const struct str cannot_sign =
    S("A body of this length is signed only if its Content-Type is application/json");

static enum next call_provider(struct txn *t)
{
    struct target *target = txn_target(t);
    struct attempt *a = attempt_last(t);
    bool streaming = t->body_state == BODY_STREAMING;
    struct str body = streaming ? STR("") : body_for(t, target, a);
    struct headers *lines;
    enum err e = provider_settle_headers(t->arena, target->provider, target->rest, &target->headers);
    if (e == E_OK)
        e = byok_sign(t, target, body, &lines);
    if (e != E_OK)
        return txn_fail(t, e, e == E_TOO_LARGE ? cannot_sign : STR(""));
    struct call_request req = {
        .origin = origin_of(t, target),
        .method = target->method,
        .target = target->url.target,
        .host = target->url.authority,
        .headers = lines,
        .body = body,
        .streamed = streaming,
        .length = streaming ? exchange_request(t->x)->length : 0,
    };
    stat_add(&t->w->stats.attempts, 1);
    t->drain = client_takes_more;
    t->call = call_start(t->w->client, &req, &call_events, t);
    send_what_came(t);
    return txn_wait(t, never_resumed, stop_call);
}

/* ---- credentials ---- */

static void token_ready(void *arg)
{
    struct txn *t = arg;
    struct target *target = txn_target(t);
    struct secret token;
    enum err e = gcp_result(t->gcp, t->arena, &token);
    t->gcp = NULL;
    if (e == E_OK)
        e = provider_put_credential(t->arena, target->provider, secret_reveal(token), &target->headers);
    if (e == E_OK) {
        timeline_credential(attempt_last(t));
        txn_resume(t);
        return;
    }
    call_over(t);
    attempt_failed(t, e, STR("The service account could not be exchanged for an access token"));
}

/* A service account in the key's place is exchanged for a token first (section 33.3). */
static bool needs_token(struct txn *t, struct target *target)
{
    struct gcp_account account;
    if (target->provider->auth != AUTH_GCP)
        return false;
    if (target->credential) {
        t->gcp = gcp_exchange(t->w, &target->credential->gcp, token_ready, t);
        return true;
    }
    struct secret_ref key = provider_credential(target->provider, &target->headers, 0);
    if (key.value.n == 0 || !gcp_account_parse(t->arena, secret_of(key.value), &account))
        return false;
    t->gcp = gcp_exchange(t->w, &account, token_ready, t);
    return true;
}

static enum next start_attempt(struct txn *t)
{
    struct target *target = txn_target(t);
    struct attempt *a = attempt_new(t, BY_PROVIDER);
    if (!a)
        return txn_fail(t, E_TOO_LARGE, STR(""));
    int64_t timeout = timeout_ms(t, a);
    if (timeout)
        timer_set(&t->timer, (uint64_t)timeout);
    if (needs_token(t, target))
        return txn_wait(t, call_provider, stop_call);
    return call_provider(t);
}

static enum next enter(struct txn *t)
{
    struct target *target = txn_target(t);
    struct str detail = STR("");
    timer_init(&t->timer, t->w->loop, on_timer);
    enum err e = target_refusal(t, target, &detail);
    if (e == E_OK)
        e = byok_use(t, target);
    if (e == E_OK)
        e = unified_use(t, target, &detail);
    if (e == E_OK)
        return start_attempt(t);
    stat_add(&t->w->stats.cooling_skips, e == E_COOLING);
    stat_add(&t->w->stats.rate_limited, e == E_RATE_LIMITED);
    stat_add(&t->w->stats.no_credits, e == E_NO_CREDITS);
    attempt_refused(t, e);
    return txn_fail(t, e, detail);
}

static void leave(struct txn *t)
{
    timer_stop(&t->timer);
    t->asking = false;
    for (size_t i = 0; i < t->n_attempts; i++)
        attempt_settle(t, t->attempts[i]);
}

enum flow upstream_send(struct txn *t, struct str piece)
{
    if (t->call)
        return call_send(t->call, piece);
    if (!t->gcp)
        return GO; /* nobody wants it any more */
    (void)buf_append(&t->body, piece);
    return HOLD; /* until there is a token */
}

void upstream_send_end(struct txn *t)
{
    if (t->call) {
        call_send_end(t->call);
    } else if (t->gcp) { /* all of it is here, while the token is not */
        t->body_state = BODY_WHOLE;
        txn_target(t)->body = buf_str(&t->body);
    }
}

const struct step step_upstream = {"upstream", enter, NULL, leave};
