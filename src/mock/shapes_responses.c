/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's responses: one output item, a message or a function call. The stream names every event
 * twice, numbers them, and repeats the whole response at its end, where the usage is.
 */
#include "mock/shape.h"

static void field_usage(struct json_out *w, const struct ask *q)
{
    int64_t written = q->written + q->written1h;
    int64_t in = q->tokens_in + q->cached + written, out = q->tokens_out + q->reasoning;

    field_open(w, "usage", '{');
    json_add_int(w, "input_tokens", in);
    field_open(w, "input_tokens_details", '{');
    json_add_int(w, "cached_tokens", q->cached);
    if (written)
        json_add_int(w, "cache_write_tokens", written);
    json_close(w, '}');
    json_add_int(w, "output_tokens", out);
    field_open(w, "output_tokens_details", '{');
    json_add_int(w, "reasoning_tokens", q->reasoning);
    json_close(w, '}');
    json_add_int(w, "total_tokens", in + out);
    json_close(w, '}');
}

static struct str status(const struct ask *q, bool complete)
{
    if (!complete)
        return STR("in_progress");
    return q->cut_short ? STR("incomplete") : STR("completed");
}

static void put_content(struct json_out *w, const struct ask *q, bool complete)
{
    json_open(w, '{');
    json_add_str(w, "type", STR("output_text"));
    json_key(w, "text");
    if (complete)
        put_whole(w, q);
    else
        json_put_str(w, STR(""));
    json_add_raw(w, "annotations", STR("[]"));
    json_add_raw(w, "logprobs", STR("[]"));
    json_close(w, '}');
}

static void put_item(struct json_out *w, const struct ask *q, bool complete)
{
    json_open(w, '{');
    field_id(w, "id", q->tool.n ? STR("fc_") : STR("msg_"), q);
    json_add_str(w, "type", q->tool.n ? STR("function_call") : STR("message"));
    json_add_str(w, "status", status(q, complete));
    if (q->tool.n) {
        field_id(w, "call_id", STR("call_"), q);
        json_add_str(w, "name", q->tool);
        json_key(w, "arguments");
        if (complete)
            put_whole(w, q);
        else
            json_put_str(w, STR(""));
    } else {
        json_add_str(w, "role", STR("assistant"));
        field_open(w, "content", '[');
        if (complete)
            put_content(w, q, true);
        json_close(w, ']');
    }
    json_close(w, '}');
}

/* The members that only repeat how the request was meant. */
static void put_constants(struct json_out *w)
{
    static const struct {
        const char *key;
        struct str json;
    } constants[] = {
        {"error", S("null")},
        {"instructions", S("null")},
        {"max_output_tokens", S("null")},
        {"metadata", S("{}")},
        {"parallel_tool_calls", S("true")},
        {"previous_response_id", S("null")},
        {"reasoning", S("{\"effort\":null,\"summary\":null}")},
        {"service_tier", S("\"default\"")},
        {"store", S("true")},
        {"temperature", S("1.0")},
        {"text", S("{\"format\":{\"type\":\"text\"}}")},
        {"tool_choice", S("\"auto\"")},
        {"tools", S("[]")},
        {"top_p", S("1.0")},
        {"truncation", S("\"disabled\"")},
        {"user", S("null")},
    };
    for (size_t i = 0; i < countof(constants); i++)
        json_add_raw(w, constants[i].key, constants[i].json);
}

static void put_response(struct json_out *w, const struct ask *q, bool complete)
{
    json_open(w, '{');
    field_id(w, "id", STR("resp_"), q);
    json_add_str(w, "object", STR("response"));
    json_add_raw(w, "created_at", STR(MOCK_CREATED));
    json_add_str(w, "status", status(q, complete));
    json_add_raw(w, "incomplete_details",
                 complete && q->cut_short ? STR("{\"reason\":\"max_output_tokens\"}") : STR("null"));
    json_add_str(w, "model", q->model);
    field_open(w, "output", '[');
    if (complete)
        put_item(w, q, true);
    json_close(w, ']');
    put_constants(w);
    if (complete)
        field_usage(w, q);
    else
        json_add_raw(w, "usage", STR("null"));
    json_close(w, '}');
}

static void responses_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    put_response(&w, q, true);
}

/* ---- the stream ---- */

static struct json_out event_open(struct str type, unsigned i, struct buf *out)
{
    struct json_out w = sse_open(out, type);
    json_add_str(&w, "type", type);
    json_add_int(&w, "sequence_number", i);
    return w;
}

static void about_item(struct json_out *w, const struct ask *q)
{
    field_id(w, "item_id", q->tool.n ? STR("fc_") : STR("msg_"), q);
    json_add_raw(w, "output_index", STR("0"));
    if (!q->tool.n)
        json_add_raw(w, "content_index", STR("0"));
}

static void write_opening(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    static const struct str types[] = {S("response.created"), S("response.in_progress")};
    struct json_out w = event_open(types[k], i, out);
    json_key(&w, "response");
    put_response(&w, q, false);
    sse_close(out);
}

static void write_item(const struct ask *q, struct str type, bool complete, unsigned i, struct buf *out)
{
    struct json_out w = event_open(type, i, out);
    json_add_raw(&w, "output_index", STR("0"));
    json_key(&w, "item");
    put_item(&w, q, complete);
    sse_close(out);
}

static void write_item_added(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k;
    write_item(q, STR("response.output_item.added"), false, i, out);
}

static void write_item_done(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k;
    write_item(q, STR("response.output_item.done"), true, i, out);
}

static void write_part(const struct ask *q, struct str type, bool complete, unsigned i, struct buf *out)
{
    struct json_out w = event_open(type, i, out);
    about_item(&w, q);
    json_key(&w, "part");
    put_content(&w, q, complete);
    sse_close(out);
}

static void write_part_added(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k;
    write_part(q, STR("response.content_part.added"), false, i, out);
}

static void write_part_done(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k;
    write_part(q, STR("response.content_part.done"), true, i, out);
}

static void write_delta(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    struct json_out w = event_open(q->tool.n ? STR("response.function_call_arguments.delta")
                                             : STR("response.output_text.delta"),
                                   i, out);
    about_item(&w, q);
    json_key(&w, "delta");
    put_piece(&w, q, k);
    if (!q->tool.n)
        json_add_raw(&w, "logprobs", STR("[]"));
    sse_close(out);
}

static void write_delta_done(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k;
    struct json_out w = event_open(
        q->tool.n ? STR("response.function_call_arguments.done") : STR("response.output_text.done"), i, out);
    about_item(&w, q);
    if (q->tool.n) {
        json_add_str(&w, "name", q->tool);
        json_key(&w, "arguments");
    } else {
        json_add_raw(&w, "logprobs", STR("[]"));
        json_key(&w, "text");
    }
    put_whole(&w, q);
    sse_close(out);
}

static void write_closing(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k;
    struct json_out w =
        event_open(q->cut_short ? STR("response.incomplete") : STR("response.completed"), i, out);
    json_key(&w, "response");
    put_response(&w, q, true);
    sse_close(out);
}

static unsigned count_opening(const struct ask *q)
{
    (void)q;
    return 2;
}

static const struct part responses_parts[] = {
    {count_opening, write_opening},    {count_one, write_item_added},
    {count_if_text, write_part_added}, {count_text, write_delta},
    {count_args, write_delta},         {count_one, write_delta_done},
    {count_if_text, write_part_done},  {count_one, write_item_done},
    {count_one, write_closing},        {NULL, NULL},
};

static void responses_fault_event(const struct ask *q, const struct fault *f, unsigned i, struct buf *out)
{
    (void)q;
    struct json_out w = event_open(STR("error"), i, out);
    json_add_str(&w, "code", str_c(fault_names(f->status)->openai_type));
    json_add_str(&w, "message", f->message);
    json_add_raw(&w, "param", STR("null"));
    sse_close(out);
}

const struct shape shape_responses = {
    .type = S("application/json"),
    .stream_type = S("text/event-stream; charset=utf-8"),
    .id_header = S("x-request-id"),
    .whole = responses_whole,
    .parts = responses_parts,
    .fault = openai_fault,
    .fault_event = responses_fault_event,
};
