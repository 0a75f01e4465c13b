/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step: identity on the way in, the log on the way out. Entered first, so its leave runs when all
 * others have settled: one row per attempt, whatever happened (data plane section 28).
 */
#include "base/clock.h"
#include "gateway/cost.h"
#include "gateway/error_kind.h"
#include "gateway/timeline.h"
#include "gateway/trace.h"
#include "gateway/unified.h"
#include "store/provider_key.h"

static enum next enter(struct txn *t)
{
    t->id = uuid_v7(&t->w->ids);
    uuid_text(t->id, t->id_text);
    t->created_ms = clock_wall_ms();
    t->options = options_none();
    options_read(t->arena, &exchange_request(t->x)->headers, &t->options);
    if (t->options.trace != TRACE_OFF)
        t->trace = arena_new(t->arena, struct trace);
    t->event_id = t->options.event_id.n ? t->options.event_id : str_of(t->id_text, UUID_TEXT);
    t->trace_id = t->options.trace_id;
    if (t->trace_id.n == 0) {
        char *hex = arena_alloc(t->arena, 2 * sizeof(t->id.b));
        if (!hex)
            return txn_fail(t, E_TOO_LARGE, STR("The request's headers are too large"));
        hex_encode(hex, t->id.b, sizeof(t->id.b)); /* a trace of its own, tied to the request */
        t->trace_id = str_of(hex, 2 * sizeof(t->id.b));
    }
    return t->tls_too_old ? txn_fail(t, E_OLD_TLS, STR("")) : NEXT;
}

static bool find_cost(const struct txn *t, struct attempt *a, const struct usage *u, struct record *r)
{
    struct str asked = target_model(a->target);
    bool custom = false, found = cost_of_attempt(t, a, &r->cost_pico, &custom);
    r->model = asked.n ? asked : str_c(u->model);
    r->flags |= custom ? REC_CUSTOM_COST : 0u;
    return found;
}

static void put_tokens(struct record *r, const struct usage *u)
{
    r->tokens_in = u->input;
    r->tokens_out = u->output;
    r->cached_tokens = u->cached;
    r->cache_write_tokens = u->cache_write;
    r->cache_write_1h_tokens = u->cache_write_1h;
    r->reasoning_tokens = u->reasoning;
    r->audio_in_tokens = u->audio_in;
    r->audio_out_tokens = u->audio_out;
}

/* Tokens and cost by the rules of what was reported; errors and cached answers cost nothing. */
static void put_usage(struct txn *t, struct attempt *a, struct record *r)
{
    struct stats *s = &t->w->stats;
    const struct usage *u = meter_usage(&a->meter);
    bool failed = a->status == 0 || a->status >= 400;
    bool found = a->by == BY_PROVIDER && find_cost(t, a, u, r);
    if (a->by != BY_PROVIDER)
        r->model = target_model(a->target);
    r->tokens_in = r->tokens_out = a->by == BY_CACHE ? 0 : RECORD_NULL;
    if (failed || a->by == BY_CACHE) {
        r->cost_pico = 0;
        stat_add(&s->saved_pico, a->saved_pico > 0 ? a->saved_pico : 0);
        return;
    }
    if (!found)
        r->cost_pico = RECORD_NULL;
    if (found)
        stat_add(&s->cost_pico, r->cost_pico);
    if (!u->known) {
        stat_add(&s->unmetered, a->target->op.dialect != D_OPAQUE);
        return;
    }
    put_tokens(r, u);
    stat_add(&s->tokens_in, u->input);
    stat_add(&s->tokens_out, u->output);
    stat_add(&s->unpriced, !found);
}

static struct str error_of(const struct txn *t, const struct attempt *a)
{
    if (a->meter.error_text[0])
        return str_c(a->meter.error_text);
    if (a->err != E_OK)
        return str_c(err_phrase(a->err));
    /* why the request ended; what an attempt before the last was up to is its own affair */
    return t->fault != E_OK && !a->answered && a == attempt_last(t) ? str_c(err_phrase(t->fault)) : STR("");
}

static unsigned error_bits(const struct txn *t, const struct attempt *a, bool last)
{
    /* one that was read along, and cut, knows no more than the request */
    bool cut = !a->answered && a->err == E_OK && last;
    const struct failure f = {a->status, cut ? t->fault : a->err, a->meter.error};
    return (unsigned)error_kind_of(&f) << REC_ERROR_SHIFT;
}

static unsigned flags_of(const struct txn *t, const struct attempt *a, bool last)
{
    const struct policy *p = &a->target->policy;
    bool ok = a->answered && a->status < 400 && !a->meter.error;
    bool stream = a->target->facts.stream || a->target->op.stream || a->framing != FRAME_NONE;
    return (ok ? REC_SUCCESS : error_bits(t, a, last)) |
           (t->gateway->authentication ? REC_AUTHENTICATION : 0u) | (a->by == BY_CACHE ? REC_CACHED : 0u) |
           (a->target->stored && a->by == BY_PROVIDER ? REC_BYOK : 0u) | (stream ? REC_STREAM : 0u) |
           (p->payload ? 0u : REC_NO_PAYLOAD) | (p->logged ? 0u : REC_NO_ROW) |
           (t->gone && last ? REC_CLIENT_GONE : 0u) | (last ? 0u : REC_FOLLOWED) |
           (a->target->compat ? REC_COMPAT : 0u) | (a->capture_lost ? REC_RESPONSE_MISSING : 0u) |
           (a->err == E_RATE_LIMITED ? REC_RATE_LIMITED : 0u) |
           (a->target->cache == CACHED_MISS ? REC_CACHE_MISSED : 0u);
}

static struct record_body take(struct buf *b)
{
    struct record_body body = {0};
    body.p = buf_take(b, &body.n);
    return body;
}

static struct record_body copy(struct str s)
{
    struct record_body body = {.p = mem_alloc(s.n), .n = s.n};
    memcpy(body.p, s.p, s.n);
    return body;
}

/* What was sent. Where the cache answers for several calls, what the client sent says more than one of them.
 */
static struct str request_of(const struct txn *t, const struct attempt *a)
{
    if (!a->target->parts)
        return a->target->body;
    if (a->body.p)
        return a->body;
    return t->universal ? a->target->body : buf_str(&t->body);
}

/* The last row of a request that has one body for all of them takes it over. */
static void put_bodies(struct txn *t, struct attempt *a, struct record *r, bool last)
{
    struct str request = request_of(t, a);
    if (r->flags & (REC_NO_ROW | REC_NO_PAYLOAD))
        return;
    if (a->framing == FRAME_NONE)
        r->response = take(&a->capture);
    else
        r->response.p = spool_take(&a->spool, &r->response.n);
    if (t->body_state == BODY_STREAMING || r->request_bytes > t->settings->conf->max_log_body_bytes)
        r->flags |= REC_REQUEST_MISSING;
    else if (!a->target->body_json) /* not text: its size is what the log keeps */
        r->flags |= r->request_bytes ? REC_REQUEST_MISSING : 0u;
    else if (last && !t->universal && request.p == t->body.p)
        r->request = take(&t->body);
    else if (request.n)
        r->request = copy(request);
}

/* Lines of the request as the provider got them: a step of a Universal body has its own. */
static struct str line_of(const struct txn *t, const struct attempt *a, struct str name)
{
    return headers_last(t->universal ? &a->target->headers : &exchange_request(t->x)->headers, name);
}

/* Of the stored key that the call was made with. */
static struct str key_alias(const struct attempt *a)
{
    return a->target->stored && a->by == BY_PROVIDER ? a->target->stored->alias : STR("");
}

/* All but what is counted and kept of the bodies. */
static struct record describe(const struct txn *t, struct attempt *a, bool last, char steps[LOG_STEPS_TEXT])
{
    const struct target *target = a->target;
    const struct options *o = &target->options;
    return (struct record){
        .id = a->log_id,
        .created_ms = uuid_ms(a->log_id), /* the attempt's beginning: filters by time go by ids */
        .gateway = t->gateway->id,
        .token = t->token ? t->token->id : 0,
        .provider = target->provider->slug,
        .model_type = str_c(target->op.type),
        .path = provider_log_path(target->rest),
        .event_id = o->event_id.n ? o->event_id : t->event_id,
        .request_id = {t->id_text, UUID_TEXT},
        .request_type = t->universal ? STR("universal") : STR("native"),
        .method = target->method,
        .request_content_type = line_of(t, a, STR("content-type")),
        .response_content_type = a->content_type,
        .user_agent = line_of(t, a, STR("user-agent")),
        .metadata = o->metadata,
        .error = error_of(t, a),
        .trace_id = t->trace_id,
        .steps = timeline_end(t, a, steps),
        .key_alias = key_alias(a),
        .status = a->status ? a->status : err_http(a->err),
        .step = target->step,
        .attempt = a->number,
        .flags = flags_of(t, a, last),
        .request_bytes = a->body.p      ? (int64_t)a->body.n
                         : t->universal ? (int64_t)target->body.n
                                        : t->body_bytes,
        .response_bytes = a->response_bytes,
        .duration_us = (int64_t)(a->ended_us - a->started_us),
        .saved_pico = a->saved_pico,
        .latency_us = a->first_byte_us ? (int64_t)(a->first_byte_us - a->started_us) : RECORD_NULL,
    };
}

static void push_row(struct txn *t, size_t index)
{
    struct attempt *a = t->attempts[index];
    char steps[LOG_STEPS_TEXT];
    bool last = index + 1 == t->n_attempts;
    struct record r = describe(t, a, last, steps);
    put_usage(t, a, &r);
    unified_charge(t, a, &r);
    put_bodies(t, a, &r, last);
    bool acked = t->end_waits && last && !(r.flags & REC_NO_ROW);
    t->acks += acked;
    store_push(t->w->store, &r, t->w->loop, acked ? &t->ack : NULL);
    buf_done(&a->capture); /* what the row did not take */
    spool_done(&a->spool);
}

static void leave(struct txn *t)
{
    for (size_t i = 0; i < t->n_attempts; i++)
        push_row(t, i);
    unified_settle(t);
}

const struct step step_record = {"record", enter, NULL, leave};
