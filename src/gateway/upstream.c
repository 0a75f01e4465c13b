/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step: call the provider. The source of the answer's events: heads, bytes, server-sent events. Each
 * is metered and captured for the log here, where the bytes are still the provider's own.
 *
 * Waits for: a Google access token where one must be minted, then the answer. May fail with whatever
 * the network can do; before the first byte to the client that is a clean error answer.
 */
#include "gateway/upstream.h"
#include "base/clock.h"
#include "base/limits.h"
#include "gateway/gcp.h"

static struct attempt *current(const struct txn *t)
{
    must(t->n_attempts > 0);
    return t->attempts[t->n_attempts - 1];
}

/* ---- the answer ---- */

static bool is_text(struct str type)
{
    static const struct str kinds[] = {S("text/"),
                                       S("application/json"),
                                       S("application/x-ndjson"),
                                       S("application/stream+json"),
                                       S("application/vnd.amazon.eventstream"),
                                       S("application/problem+json"),
                                       S("application/xml")};
    for (size_t i = 0; i < countof(kinds); i++)
        if (str_istarts(type, kinds[i]))
            return true;
    return type.n == 0;
}

static bool keeps_bodies(const struct txn *t)
{
    return txn_is_logged(t) && t->options.collect_payload != OFF;
}

/* What will be done with the body is decided once, at its head. */
static void watch_body(struct txn *t, struct attempt *a, const struct response_head *h)
{
    struct str type = headers_last(&h->headers, STR("content-type"));
    struct str encoding = headers_last(&h->headers, STR("content-encoding"));
    bool readable = encoding.n == 0 || str_ieq(encoding, STR("identity"));
    a->content_type = arena_dup(t->arena, type); /* the head goes with the call, the row comes later */
    if (readable && str_istarts(type, STR("text/event-stream")))
        a->framing = FRAME_SSE;
    else if (readable && str_istarts(type, STR("application/vnd.amazon.eventstream")))
        a->framing = FRAME_AWS;
    bool whole_needed = a->framing == FRAME_NONE && (a->target->op.dialect != D_OPAQUE || h->status >= 400);
    a->capturing = readable && is_text(type) && (keeps_bodies(t) || whole_needed);
    a->capture_lost = !a->capturing && keeps_bodies(t) && h->length != 0;
    /* usage is read from bodies that are too long for the log, too */
    buf_init(&a->capture, whole_needed ? METER_BODY_BYTES : (size_t)t->settings->conf->max_log_body_bytes);
    spool_init(&a->spool, (size_t)t->settings->conf->max_log_body_bytes);
    if (a->capturing && a->framing == FRAME_NONE &&
        h->length > 0) /* what a provider announces is not what it sends */
        (void)buf_room(&a->capture, h->length < BODY_BUFFER_BYTES ? (size_t)h->length : BODY_BUFFER_BYTES);
}

static void on_head(void *owner, struct call *c, const struct response_head *h)
{
    (void)c;
    struct txn *t = owner;
    struct attempt *a = current(t);
    a->status = h->status;
    a->first_byte_us = clock_us();
    a->head_ms = loop_ms(t->w->loop);
    watch_body(t, a, h);
    /* only an event stream can carry a chunk that must be taken out */
    t->strip_usage = t->strip_usage && a->framing == FRAME_SSE;
    (void)txn_emit(t, &(struct event){.kind = EV_HEAD, .head = h});
    if (a->framing != FRAME_NONE && t->call)
        call_forget_head(t->call); /* a stream may be here for long */
}

static void on_sse(void *arg, const struct sse_event *ev)
{
    struct txn *t = arg;
    meter_sse(&current(t)->meter, ev);
    (void)txn_emit(t, &(struct event){.kind = EV_SSE, .raw = ev->raw, .sse = ev});
}

static void on_frame(void *arg, const struct aws_frame *f)
{
    meter_aws(&current(arg)->meter, f);
}

static void drop_capture(struct attempt *a)
{
    buf_done(&a->capture);
    spool_done(&a->spool);
}

static void capture(struct txn *t, struct attempt *a, struct str piece)
{
    if (!a->capturing)
        return;
    bool slow = loop_ms(t->w->loop) - a->head_ms > SPOOL_SLOW_MS;
    enum err e =
        a->framing == FRAME_NONE ? buf_append(&a->capture, piece) : spool_add(&a->spool, piece, slow);
    if (e == E_OK)
        return;
    a->capturing = false; /* longer than the log takes: better none than a torn one */
    a->capture_lost = true;
    drop_capture(a);
}

static enum flow on_body(void *owner, struct call *c, struct str piece)
{
    (void)c;
    struct txn *t = owner;
    struct attempt *a = current(t);
    a->response_bytes += (int64_t)piece.n;
    capture(t, a, piece);
    if (a->framing == FRAME_SSE) {
        (void)sse_feed(&a->sse, piece, on_sse, t);
    } else {
        if (a->framing == FRAME_AWS)
            (void)aws_stream_feed(&a->aws, piece, on_frame, t);
        (void)txn_emit(t, &(struct event){.kind = EV_DATA, .raw = piece});
    }
    return t->held ? HOLD : GO;
}

static void stop_call(struct txn *t)
{
    if (t->gcp)
        gcp_cancel(t->gcp);
    call_cancel(t->call);
    t->gcp = NULL;
    t->call = NULL;
    current(t)->ended_us = clock_us();
}

/* The pending operation is over without txn_resume: the answer itself is what was waited for. */
static void call_over(struct txn *t)
{
    t->call = NULL;
    t->resume = NULL;
    t->cancel = NULL;
    current(t)->ended_us = clock_us();
}

static void on_end(void *owner, struct call *c)
{
    (void)c;
    struct txn *t = owner;
    struct attempt *a = current(t);
    call_over(t);
    a->answered = true;
    if (a->framing == FRAME_SSE)
        sse_flush(&a->sse, on_sse, t);
    (void)txn_emit(t, &(struct event){.kind = EV_END});
}

static void on_fail(void *owner, struct call *c, enum err why)
{
    (void)c;
    struct txn *t = owner;
    struct attempt *a = current(t);
    call_over(t);
    a->err = why;
    stat_add(t->committed ? &t->w->stats.attempts_cut : &t->w->stats.attempts_failed, 1);
    if (t->committed && a->framing == FRAME_SSE)
        sse_flush(&a->sse, on_sse, t); /* what came is the client's, even if it is half an event */
    txn_break(t, why, STR(""));
}

static void on_drain(void *owner, struct call *c)
{
    (void)c;
    exchange_body_resume(((struct txn *)owner)->x);
}

static const struct call_events call_events = {on_head, on_body, on_end, on_fail, on_drain};

/* ---- the request ---- */

/* May this stream be asked for its usage, so that its cost is known? */
static bool asks_usage(const struct txn *t, const struct target *target)
{
    bool chat = target->op.dialect == D_OPENAI_CHAT || target->op.dialect == D_OPENAI_COMPLETIONS;
    if (!chat || !t->facts.insert.p || t->body_state != BODY_WHOLE)
        return false;
    if (target->provider->rule == PATH_AZURE && str_has(buf_str(&t->body), STR("\"data_sources\"")))
        return false; /* Azure refuses the question beside its own retrieval */
    return settings_asks_usage(t->settings, target->provider->slug) &&
           provider_asks_usage(target->provider, &t->forward, target->query);
}

static struct str body_for(struct txn *t, const struct target *target)
{
    struct str body = buf_str(&t->body), parts[3];
    if (!asks_usage(t, target))
        return body;
    request_ask_usage(&t->facts, body, parts);
    for (size_t i = 0; i < countof(parts); i++)
        (void)buf_append(&t->asking_body, parts[i]); /* cannot be full: a body and a few bytes */
    t->strip_usage = true;
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
    if (t->body_state == BODY_STREAMING)
        (void)call_send(t->call, buf_str(&t->body));
}

static enum next never_resumed(struct txn *t)
{
    (void)t;
    must(false); /* an upstream call ends through its own callbacks */
    return DONE;
}

static enum next call_provider(struct txn *t)
{
    const struct target *target = &t->targets[t->target];
    bool streaming = t->body_state == BODY_STREAMING;
    enum err e = provider_settle_headers(t->arena, target->provider, target->rest, &t->forward);
    if (e != E_OK)
        return txn_fail(t, e, STR(""));
    struct call_request req = {
        .origin = origin_of(t, target),
        .method = exchange_request(t->x)->method,
        .target = target->url.target,
        .host = target->url.authority,
        .headers = &t->forward,
        .body = streaming ? STR("") : body_for(t, target),
        .streamed = streaming,
        .length = streaming ? exchange_request(t->x)->length : 0,
    };
    t->call = call_start(t->w->client, &req, &call_events, t);
    send_what_came(t);
    return txn_wait(t, never_resumed, stop_call);
}

/* ---- credentials ---- */

static enum next have_token(struct txn *t)
{
    const struct target *target = &t->targets[t->target];
    struct secret token;
    enum err e = gcp_result(t->gcp, t->arena, &token);
    t->gcp = NULL;
    if (e == E_OK)
        e = provider_put_credential(t->arena, target->provider, secret_reveal(token), &t->forward);
    if (e != E_OK) {
        current(t)->err = e;
        current(t)->ended_us = clock_us();
        return txn_fail(t, e, STR("The service account could not be exchanged for an access token"));
    }
    return call_provider(t);
}

static void token_ready(void *arg)
{
    txn_resume(arg);
}

/* A service account in the key's place is exchanged for a token first (section 33.3). */
static bool needs_token(struct txn *t, const struct target *target)
{
    struct gcp_account account;
    if (target->provider->auth != AUTH_GCP)
        return false;
    struct secret_ref key = provider_credential(target->provider, &t->forward, 0);
    if (key.value.n == 0 || !gcp_account_parse(t->arena, secret_of(key.value), &account))
        return false;
    t->gcp = gcp_exchange(t->w, &account, token_ready, t);
    return true;
}

static struct attempt *attempt_new(struct txn *t, const struct target *target)
{
    struct attempt *a = arena_new(t->arena, struct attempt);
    if (!a)
        return NULL;
    a->target = target;
    a->log_id = t->n_attempts ? uuid_v7(&t->w->ids) : t->id;
    a->started_us = clock_us();
    sse_init(&a->sse);
    aws_stream_init(&a->aws);
    meter_init(&a->meter, target->provider, target->op.dialect);
    must(t->n_attempts < TXN_ATTEMPTS);
    t->attempts[t->n_attempts++] = a;
    stat_add(&t->w->stats.attempts, 1);
    return a;
}

static enum next enter(struct txn *t)
{
    const struct target *target = &t->targets[t->target];
    if (!attempt_new(t, target))
        return txn_fail(t, E_TOO_LARGE, STR(""));
    if (needs_token(t, target))
        return txn_wait(t, have_token, stop_call);
    return call_provider(t);
}

/* Reads usage and errors from whole bodies: after the client has its answer. */
static void meter_whole(struct attempt *a)
{
    if (a->framing != FRAME_NONE || a->capture.n == 0)
        return;
    if (a->status >= 400)
        meter_error(&a->meter, buf_str(&a->capture));
    else if (a->answered)
        meter_json(&a->meter, buf_str(&a->capture));
}

static void leave(struct txn *t)
{
    for (size_t i = 0; i < t->n_attempts; i++) {
        struct attempt *a = t->attempts[i];
        if (!a->ended_us)
            a->ended_us = clock_us();
        meter_whole(a);
        if (!keeps_bodies(t))
            drop_capture(a);
        sse_done(&a->sse);
        aws_stream_done(&a->aws);
    }
}

enum flow upstream_send(struct txn *t, struct str piece)
{
    return t->call ? call_send(t->call, piece) : GO;
}

void upstream_send_end(struct txn *t)
{
    if (t->call)
        call_send_end(t->call);
}

void upstream_resume(struct txn *t)
{
    t->held = false;
    if (t->call)
        call_resume(t->call);
}

const struct step step_upstream = {"upstream", enter, NULL, leave};
