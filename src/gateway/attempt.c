/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/attempt.h"
#include "base/limits.h"
#include "gateway/timeline.h"

struct attempt *attempt_last(const struct txn *t)
{
    must(t->n_attempts > 0);
    return t->attempts[t->n_attempts - 1];
}

static bool make_room(struct txn *t)
{
    if (t->n_attempts < t->cap_attempts)
        return true;
    size_t cap = t->cap_attempts ? 4 * t->cap_attempts : 1;
    struct attempt **v = arena_alloc(t->arena, cap * sizeof(*v));
    if (!v)
        return false;
    if (t->n_attempts)
        memcpy(v, t->attempts, t->n_attempts * sizeof(*v));
    t->attempts = v;
    t->cap_attempts = cap;
    return true;
}

struct attempt *attempt_new(struct txn *t, enum answered_by by)
{
    struct target *target = txn_target(t);
    struct attempt *a = make_room(t) ? arena_new(t->arena, struct attempt) : NULL;
    if (!a)
        return NULL;
    const struct attempt *before = t->n_attempts ? attempt_last(t) : NULL;
    bool again = before && before->target == target && before->by == BY_PROVIDER &&
                 before->body.p == (target->parts ? target->body.p : NULL);
    a->target = target;
    a->by = by;
    a->body = target->parts && by == BY_PROVIDER ? target->body : str_of(NULL, 0);
    a->number = again ? before->number + 1 : 0;
    a->log_id = before ? uuid_v7(&t->w->ids) : t->id; /* a single one shares the request's id (section 2) */
    a->saved_pico = RECORD_NULL;
    a->started_us = clock_us();
    timeline_attempt(t, a);
    sse_init(&a->sse);
    aws_stream_init(&a->aws);
    buf_init(&a->edited, 2 * (size_t)SSE_EVENT_BYTES);
    meter_init(&a->meter, target->provider, target->op.dialect);
    t->attempts[t->n_attempts++] = a;
    return a;
}

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

static bool keeps_body(const struct attempt *a)
{
    const struct policy *p = &a->target->policy;
    return p->logged && p->payload;
}

/* The call has looked at the clock already. */
static uint64_t first_byte_us(const struct txn *t, const struct attempt *a)
{
    return a->by == BY_PROVIDER ? call_times(t->call).first_byte : clock_us();
}

void attempt_head(struct txn *t, struct attempt *a, const struct response_head *h)
{
    struct str type = headers_last(&h->headers, STR("content-type"));
    struct str encoding = headers_last(&h->headers, STR("content-encoding"));
    bool readable = encoding.n == 0 || str_ieq(encoding, STR("identity"));
    size_t max = (size_t)t->settings->conf->max_log_body_bytes;
    a->status = h->status;
    a->first_byte_us = first_byte_us(t, a);
    a->head_ms = loop_ms(t->w->loop);
    a->until_close = h->until_close;
    a->content_type = arena_dup(t->arena, type); /* the head goes with the call, the row comes later */
    if (readable && str_istarts(type, STR("text/event-stream")))
        a->framing = FRAME_SSE;
    else if (readable && str_istarts(type, STR("application/vnd.amazon.eventstream")))
        a->framing = FRAME_AWS;
    bool whole_needed = a->framing == FRAME_NONE && a->by == BY_PROVIDER &&
                        (a->target->op.dialect != D_OPAQUE || h->status >= 400);
    a->capturing = readable && is_text(type) && (keeps_body(a) || whole_needed);
    a->capture_lost = !a->capturing && keeps_body(a) && h->length != 0;
    /* usage is read from bodies that are too long for the log, too */
    buf_init(&a->capture, whole_needed ? METER_BODY_BYTES : max);
    spool_init(&a->spool, max);
    if (a->capturing && a->framing == FRAME_NONE &&
        h->length > 0) /* what a provider announces is not what it sends */
        (void)buf_room(&a->capture, h->length < BODY_BUFFER_BYTES ? (size_t)h->length : BODY_BUFFER_BYTES);
    /* only an event stream can carry a chunk that must be taken out */
    a->strip_usage = a->strip_usage && a->framing == FRAME_SSE;
}

static void drop_capture(struct attempt *a)
{
    buf_done(&a->capture);
    spool_done(&a->spool);
}

void attempt_capture(struct txn *t, struct attempt *a, struct str piece)
{
    a->response_bytes += (int64_t)piece.n;
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

/* Reads usage and errors from whole bodies. What a cache or the gateway says was metered before, if at all.
 */
static void meter_whole(struct attempt *a)
{
    if (a->by != BY_PROVIDER || a->framing != FRAME_NONE || a->capture.n == 0)
        return;
    if (a->status >= 400)
        meter_error(&a->meter, buf_str(&a->capture));
    else if (a->answered)
        meter_json(&a->meter, buf_str(&a->capture));
}

void attempt_settle(struct txn *t, struct attempt *a)
{
    (void)t;
    if (a->settled)
        return;
    a->settled = true;
    if (!a->ended_us)
        a->ended_us = clock_us();
    meter_whole(a);
    if (!keeps_body(a))
        drop_capture(a);
    sse_done(&a->sse);
    aws_stream_done(&a->aws);
    buf_done(&a->edited);
}

void attempt_refused(struct txn *t, enum err e)
{
    struct attempt *a = attempt_new(t, BY_GATEWAY);
    if (!a)
        return;
    a->err = e;
    attempt_settle(t, a);
}
