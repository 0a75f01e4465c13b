/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anthropic's messages. input_tokens counts neither cached nor written tokens; a stream reports the
 * input at its start and the cumulative output at its end, the split of written tokens by duration
 * at the start only.
 */
#include "mock/shape.h"

static struct str stop_reason(const struct ask *q)
{
    return q->tool.n ? STR("tool_use") : q->cut_short ? STR("max_tokens") : STR("end_turn");
}

/* `split`: with cache_creation, which the end of a stream leaves out. */
static void field_usage(struct json_out *w, const struct ask *q, int64_t out, bool split)
{
    field_open(w, "usage", '{');
    json_add_int(w, "input_tokens", q->tokens_in);
    json_add_int(w, "cache_creation_input_tokens", q->written + q->written1h);
    json_add_int(w, "cache_read_input_tokens", q->cached);
    if (split) {
        field_open(w, "cache_creation", '{');
        json_add_int(w, "ephemeral_5m_input_tokens", q->written);
        json_add_int(w, "ephemeral_1h_input_tokens", q->written1h);
        json_close(w, '}');
        json_add_str(w, "service_tier", STR("standard"));
    }
    json_add_int(w, "output_tokens", out);
    json_close(w, '}');
}

static void put_block(struct json_out *w, const struct ask *q)
{
    json_open(w, '{');
    json_add_str(w, "type", q->tool.n ? STR("tool_use") : STR("text"));
    if (q->tool.n) {
        field_id(w, "id", STR("toolu_"), q);
        json_add_str(w, "name", q->tool);
        json_add_raw(w, "input", q->said);
    } else {
        json_key(w, "text");
        put_whole(w, q);
    }
    json_close(w, '}');
}

static void field_common(struct json_out *w, const struct ask *q)
{
    field_id(w, "id", STR("msg_"), q);
    json_add_str(w, "type", STR("message"));
    json_add_str(w, "role", STR("assistant"));
    json_add_str(w, "model", q->model);
}

static void messages_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    field_common(&w, q);
    field_open(&w, "content", '[');
    put_block(&w, q);
    json_close(&w, ']');
    json_add_str(&w, "stop_reason", stop_reason(q));
    json_add_raw(&w, "stop_sequence", STR("null"));
    field_usage(&w, q, q->tokens_out + q->reasoning, true);
    json_close(&w, '}');
}

/* ---- the stream ---- */

static struct json_out event_open(struct str type, struct buf *out)
{
    struct json_out w = sse_open(out, type);
    json_add_str(&w, "type", type);
    return w;
}

static void message_start(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = event_open(STR("message_start"), out);
    field_open(&w, "message", '{');
    field_common(&w, q);
    json_add_raw(&w, "content", STR("[]"));
    json_add_raw(&w, "stop_reason", STR("null"));
    json_add_raw(&w, "stop_sequence", STR("null"));
    field_usage(&w, q, 1, true);
    json_close(&w, '}');
    sse_close(out);
}

static void block_start(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = event_open(STR("content_block_start"), out);
    json_add_raw(&w, "index", STR("0"));
    field_open(&w, "content_block", '{');
    if (q->tool.n) {
        json_add_str(&w, "type", STR("tool_use"));
        field_id(&w, "id", STR("toolu_"), q);
        json_add_str(&w, "name", q->tool);
        json_add_raw(&w, "input", STR("{}"));
    } else {
        json_add_str(&w, "type", STR("text"));
        json_add_str(&w, "text", STR(""));
    }
    json_close(&w, '}');
    sse_close(out);
}

static void ping(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)q, (void)k, (void)i;
    event_open(STR("ping"), out);
    sse_close(out);
}

static void block_delta(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)i;
    struct json_out w = event_open(STR("content_block_delta"), out);
    json_add_raw(&w, "index", STR("0"));
    field_open(&w, "delta", '{');
    json_add_str(&w, "type", q->tool.n ? STR("input_json_delta") : STR("text_delta"));
    json_key(&w, q->tool.n ? "partial_json" : "text");
    put_piece(&w, q, k);
    json_close(&w, '}');
    sse_close(out);
}

static void block_stop(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)q, (void)k, (void)i;
    struct json_out w = event_open(STR("content_block_stop"), out);
    json_add_raw(&w, "index", STR("0"));
    sse_close(out);
}

static void message_delta(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = event_open(STR("message_delta"), out);
    field_open(&w, "delta", '{');
    json_add_str(&w, "stop_reason", stop_reason(q));
    json_add_raw(&w, "stop_sequence", STR("null"));
    json_close(&w, '}');
    field_usage(&w, q, q->tokens_out + q->reasoning, false);
    sse_close(out);
}

static void message_stop(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)q, (void)k, (void)i;
    event_open(STR("message_stop"), out);
    sse_close(out);
}

static const struct part messages_parts[] = {
    {count_one, message_start}, {count_one, block_start},  {count_one, ping},
    {count_text, block_delta},  {count_args, block_delta}, {count_one, block_stop},
    {count_one, message_delta}, {count_one, message_stop}, {NULL, NULL},
};

/* ---- errors ---- */

static void put_error(struct json_out *w, const struct ask *q, const struct fault *f)
{
    json_add_str(w, "type", STR("error"));
    field_open(w, "error", '{');
    json_add_str(w, "type", str_c(fault_names(f->status)->anthropic));
    json_add_str(w, "message", f->message);
    json_close(w, '}');
    field_id(w, "request_id", STR("req_"), q);
}

static void anthropic_fault(const struct ask *q, const struct fault *f, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    put_error(&w, q, f);
    json_close(&w, '}');
}

static void anthropic_fault_event(const struct ask *q, const struct fault *f, unsigned i, struct buf *out)
{
    (void)i;
    struct json_out w = sse_open(out, STR("error"));
    put_error(&w, q, f);
    sse_close(out);
}

const struct shape shape_anthropic = {
    .type = S("application/json"),
    .stream_type = S("text/event-stream; charset=utf-8"),
    .id_header = S("request-id"),
    .whole = messages_whole,
    .parts = messages_parts,
    .fault = anthropic_fault,
    .fault_event = anthropic_fault_event,
};

/* ---- counting ---- */

static void count_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_add_int(&w, "input_tokens", q->tokens_in);
    json_close(&w, '}');
}

const struct shape shape_anthropic_count = {
    .type = S("application/json"),
    .id_header = S("request-id"),
    .whole = count_whole,
    .fault = anthropic_fault,
};
