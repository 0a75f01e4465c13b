/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/answer.h"
#include "base/limits.h"
#include "gateway/fault.h"
#include "gateway/forward.h"
#include "gateway/rest.h"
#include "gateway/trace.h"
#include "gateway/unified.h"
#include <stdio.h>

enum { OWN_LINES = 9 }; /* at most, CORS included */

static const struct str exposed =
    S("cf-aig-cache-status, cf-aig-step, cf-aig-log-id, cf-aig-event-id, "
      "cf-aig-request-id, cf-aig-trace-id, cf-aig-model, cf-aig-provider, cf-aig-dlp, "
      "weir-trace");

static enum err add_cors(struct arena *a, struct headers *out)
{
    enum err e = headers_add(out, a, STR("Access-Control-Allow-Origin"), STR("*"));
    return e == E_OK ? headers_add(out, a, STR("Access-Control-Expose-Headers"), exposed) : e;
}

static struct str log_id(struct txn *t)
{
    if (t->n_attempts == 1)
        return str_of(t->id_text, UUID_TEXT);
    char *text = arena_alloc(t->arena, UUID_TEXT);
    if (!text)
        return STR("");
    uuid_text(attempt_last(t)->log_id, text);
    return str_of(text, UUID_TEXT);
}

static struct str step_text(const struct txn *t, const struct attempt *a)
{
    static const struct str digits[] = {S("0"), S("1"), S("2"), S("3"), S("4"),
                                        S("5"), S("6"), S("7"), S("8"), S("9")};
    size_t step = a ? (size_t)a->target->step : 0;
    return step < countof(digits) ? digits[step] : arena_printf(t->arena, "%zu", step);
}

/* A step may bring one of its own: bindings put the headers of the request there. */
static struct str event_id(const struct txn *t, const struct attempt *a)
{
    return a && a->target->options.event_id.n ? a->target->options.event_id : t->event_id;
}

/* Our lines. provider_called: a provider answered, or the cache for it. */
static enum err add_own(struct txn *t, bool provider_called, struct headers *out)
{
    const struct attempt *a = t->n_attempts ? attempt_last(t) : NULL;
    bool logged = a && a->target->policy.logged, hit = a && a->by == BY_CACHE;
    bool post = a && str_eq(a->target->method, STR("POST"));
    bool traced = t->trace && t->options.trace == TRACE_ON;
    struct {
        struct str name, value;
        bool wanted;
    } lines[] = {
        {S("cf-aig-cache-status"), hit ? STR("HIT") : STR("MISS"), provider_called && post},
        {S("cf-aig-event-id"), event_id(t, a), true},
        {S("cf-aig-log-id"), logged ? log_id(t) : STR(""), logged},
        {S("cf-aig-request-id"), {t->id_text, UUID_TEXT}, true},
        {S("cf-aig-step"), step_text(t, a), true},
        {S("cf-aig-trace-id"), t->trace_id, provider_called},
        {S("weir-trace"), traced ? trace_header(t) : STR(""), traced},
    };
    enum err e = E_OK;
    for (size_t i = 0; i < countof(lines) && e == E_OK; i++)
        if (lines[i].wanted)
            e = headers_add(out, t->arena, lines[i].name, lines[i].value);
    if (e == E_OK && t->cors)
        e = add_cors(t->arena, out);
    return e;
}

static void start(struct txn *t, int status, const struct headers *h, int64_t length)
{
    must(!t->committed);
    t->committed = true;
    timer_stop(&t->deadline);
    t->answer_status = status;
    exchange_head(t->x, status, h, length);
}

void answer_head(struct txn *t, const struct response_head *h)
{
    struct headers out = {0};
    headers_reserve(&out, t->arena, h->headers.n + OWN_LINES);
    enum err e = forward_answer(t->arena, &h->headers, t->cors, &out);
    unified_hide(txn_target(t), &out);
    if (e == E_OK)
        e = add_own(t, true, &out);
    if (e != E_OK) {
        txn_break(t, E_BAD_ANSWER, STR("The provider's answer has too many header lines"));
        return;
    }
    start(t, h->status, &out, h->length);
}

static void reply(struct txn *t, int status, struct str text)
{
    struct headers out = {0};
    enum err e = headers_add(&out, t->arena, STR("Content-Type"), STR("application/json"));
    if (e == E_OK)
        e = add_own(t, false, &out);
    if (e != E_OK || !text.p) {
        exchange_abort(t->x); /* the request's own memory is used up */
        return;
    }
    start(t, status, &out, (int64_t)text.n);
    (void)exchange_write(t->x, text);
    exchange_end(t->x);
}

/* The status that goes with it. */
static int put_fault(const struct txn *t, struct buf *body)
{
    char code[16];
    int status = err_http(t->fault);
    if (t->face != FACE_GATEWAY)
        return rest_fault(t, body);
    if (!t->speaks) {
        fault_render(body, t->fault, t->fault_detail);
        return status;
    }
    snprintf(code, sizeof(code), "%d", err_code(t->fault));
    const struct ir_error e = {.kind = ir_error_of_status(status),
                               .status = status,
                               .message = fault_sentence(t->arena, t->fault, t->fault_detail),
                               .code = str_c(code)};
    t->speaks->write_error(&e, body);
    return t->speaks->error_status(&e);
}

void answer_fault(struct txn *t)
{
    struct buf body;
    buf_init(&body, FAULT_BYTES);
    int status = put_fault(t, &body);
    struct str text = arena_dup(t->arena, buf_str(&body));
    buf_done(&body);
    reply(t, status, text);
}

void answer_json(struct txn *t, struct str text)
{
    t->ended = true;
    reply(t, 200, text);
    txn_finish(t);
}

bool answer_preflight(struct exchange *x)
{
    const struct request_head *req = exchange_request(x);
    struct str method = headers_last(&req->headers, STR("access-control-request-method"));
    if (!str_eq(req->method, STR("OPTIONS")) || !method.p || !headers_last(&req->headers, STR("origin")).p)
        return false;
    struct str asked = headers_last(&req->headers, STR("access-control-request-headers"));
    struct arena *a = exchange_arena(x);
    struct headers h = {0};
    enum err e = headers_add(&h, a, STR("Access-Control-Allow-Origin"), STR("*"));
    if (e == E_OK)
        e = headers_add(&h, a, STR("Access-Control-Allow-Methods"), method);
    if (e == E_OK && asked.p)
        e = headers_add(&h, a, STR("Access-Control-Allow-Headers"), asked);
    if (e == E_OK)
        e = headers_add(&h, a, STR("Access-Control-Max-Age"), STR("86400"));
    if (e != E_OK)
        return false;
    exchange_head(x, 204, &h, 0);
    exchange_end(x);
    return true;
}
