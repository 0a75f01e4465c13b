/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step: the request's body in, the answer's bytes out.
 *
 * In: JSON bodies, and others up to BODY_BUFFER_BYTES, are read whole: they are parsed once for
 * their facts, logged, and can be sent again. Longer bodies of other kinds stream to the provider
 * as they come.
 *
 * Out: the outermost sink. Bytes of events are written as they came.
 */
#include "gateway/decode.h"
#include "base/limits.h"
#include "gateway/answer.h"
#include "gateway/timeline.h"
#include "gateway/upstream.h"

/* ---- in ---- */

static bool is_json(struct str content_type)
{
    struct str kind = str_trim(str_cut(&content_type, ';'));
    return str_ieq(kind, STR("application/json")) ||
           (kind.n > 5 && str_ieq(str_from(kind, kind.n - 5), STR("+json")));
}

static enum next body_complete(struct txn *t)
{
    (void)t;
    return NEXT;
}

static void stop_waiting(struct txn *t)
{
    (void)t; /* the body's bytes are dropped from now on */
}

static enum next enter(struct txn *t)
{
    const struct request_head *req = exchange_request(t->x);
    /* the steps of a Universal request are JSON, whatever its client calls them */
    t->body_json = t->universal || is_json(headers_last(&req->headers, STR("content-type")));
    if (req->length == 0 || t->body_state == BODY_WHOLE) {
        t->body_state = BODY_WHOLE;
        return NEXT;
    }
    t->body_state = BODY_BUFFERING;
    timeline_turn(t, STEP_BODY);
    exchange_body_resume(t->x);
    if (req->length > 0 && (t->body_json || req->length <= BODY_BUFFER_BYTES))
        (void)buf_room(&t->body,
                       (size_t)req->length < BODY_BUFFER_BYTES ? (size_t)req->length : BODY_BUFFER_BYTES);
    return txn_wait(t, body_complete, stop_waiting);
}

/* Adds a piece, unless it was read to its place already. */
static enum err append(struct txn *t, struct str piece)
{
    if (!t->body.p || piece.p != t->body.p + t->body.n)
        return buf_append(&t->body, piece);
    buf_grew(&t->body, piece.n);
    return E_OK;
}

/* A body of known length is read right into what was set aside for it. */
static void read_in_place(struct txn *t)
{
    int64_t length = exchange_request(t->x)->length;
    size_t room = t->body.cap - t->body.n;
    if (length == LENGTH_UNKNOWN)
        return;
    size_t left = (size_t)length - t->body.n;
    exchange_read_into(t->x, t->body.p + t->body.n, left < room ? left : room);
}

enum flow decode_body(struct txn *t, struct str piece)
{
    t->body_bytes += (int64_t)piece.n;
    if (t->fault != E_OK || t->ended)
        return GO; /* answered already: read away */
    if (t->body_state == BODY_STREAMING)
        return upstream_send(t, piece);
    if (append(t, piece) != E_OK) {
        txn_break(t, E_TOO_LARGE, STR(""));
        return GO;
    }
    if (t->body_state == BODY_NONE)
        return HOLD; /* until it is known who this is: a stranger's body is not taken */
    if (t->body_json || t->body.n <= BODY_BUFFER_BYTES) {
        read_in_place(t);
        return GO;
    }
    exchange_read_into(t->x, NULL, 0);
    t->body_state = BODY_STREAMING;
    txn_resume(t);
    return GO;
}

void decode_body_end(struct txn *t)
{
    if (t->fault != E_OK || t->ended)
        return;
    if (t->body_state == BODY_STREAMING) {
        upstream_send_end(t);
        return;
    }
    bool awaited = t->body_state == BODY_BUFFERING;
    t->body_state = BODY_WHOLE;
    if (awaited)
        txn_resume(t);
}

/* ---- out ---- */

static enum flow write(struct txn *t, struct str bytes, bool lasts)
{
    enum flow flow = lasts ? exchange_write(t->x, bytes) : exchange_write_copy(t->x, bytes);
    if (flow == HOLD)
        t->held = true;
    return flow;
}

/* durability "sync": the last byte so far stays here, the client's answer is not complete without it. */
static enum flow write_but_last(struct txn *t, struct str bytes, bool lasts)
{
    if (t->has_last)
        (void)write(t, str_of(&t->last, 1), false);
    t->has_last = true;
    t->last = bytes.p[bytes.n - 1];
    return write(t, str_head(bytes, bytes.n - 1), lasts);
}

/* lasts: the bytes stay where they are until this callback is over. */
static enum flow write_bytes(struct txn *t, struct str bytes, bool lasts)
{
    if (bytes.n == 0 || t->ended || t->gone)
        return GO;
    t->answer_bytes += (int64_t)bytes.n;
    return t->end_waits ? write_but_last(t, bytes, lasts) : write(t, bytes, lasts);
}

static void end_answer(struct txn *t)
{
    t->ended = true;
    if (!t->end_waits)
        exchange_end(t->x);
    txn_finish(t);
}

static enum flow encode(struct sink *s, const struct event *ev)
{
    struct txn *t = s->txn;
    switch (ev->kind) {
    case EV_HEAD:
        t->end_waits = t->settings->sync;
        answer_head(t, ev->head);
        return GO;
    case EV_DATA: return write_bytes(t, ev->raw, !ev->fleeting);
    case EV_SSE: return write_bytes(t, ev->raw, !ev->sse->carried);
    case EV_END: end_answer(t); return GO;
    }
    return GO;
}

static struct sink *tap(struct txn *t, struct sink *out)
{
    must(out == NULL);
    t->encoder = (struct sink){.event = encode, .txn = t};
    return &t->encoder;
}

const struct step step_decode = {"decode", enter, tap, NULL};
