/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cohere's chat in both versions, and embeddings. billed_units are what is billed; `tokens` also
 * counts the prompt's template and must not be taken for it. Version 1 writes its numbers as 5.0
 * and streams lines of JSON; version 2 streams events.
 */
#include "mock/shape.h"

#include <stdio.h>

enum { TEMPLATE_TOKENS = 66, COHERE_DIMENSIONS = 1024 };

static struct str finish_reason(const struct ask *q)
{
    return q->cut_short ? STR("MAX_TOKENS") : STR("COMPLETE");
}

static void field_count(struct json_out *w, const char *key, int64_t n, bool as_real)
{
    char text[32];
    if (!as_real) {
        json_add_int(w, key, n);
        return;
    }
    int len = snprintf(text, sizeof(text), "%lld.0", (long long)n);
    json_add_raw(w, key, str_of(text, (size_t)len));
}

static void field_counts(struct json_out *w, const struct ask *q, bool as_real)
{
    int64_t in = q->tokens_in + q->cached + q->written + q->written1h, out = q->tokens_out + q->reasoning;
    field_open(w, "billed_units", '{');
    field_count(w, "input_tokens", in, as_real);
    field_count(w, "output_tokens", out, as_real);
    json_close(w, '}');
    field_open(w, "tokens", '{');
    field_count(w, "input_tokens", in + TEMPLATE_TOKENS, as_real);
    field_count(w, "output_tokens", out, as_real);
    json_close(w, '}');
    if (q->cached)
        field_count(w, "cached_tokens", q->cached, as_real);
}

static void cohere_fault(const struct ask *q, const struct fault *f, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    field_id(&w, "id", STR(""), q);
    json_add_str(&w, "message", f->message);
    json_close(&w, '}');
}

/* ---- version 2 ---- */

static void put_call(struct json_out *w, const struct ask *q, bool with_arguments)
{
    json_open(w, '{');
    field_id(w, "id", STR("call_"), q);
    json_add_str(w, "type", STR("function"));
    field_open(w, "function", '{');
    json_add_str(w, "name", q->tool);
    json_key(w, "arguments");
    if (with_arguments)
        put_whole(w, q);
    else
        json_put_str(w, STR(""));
    json_close(w, '}');
    json_close(w, '}');
}

static void field_message_v2(struct json_out *w, const struct ask *q)
{
    field_open(w, "message", '{');
    json_add_str(w, "role", STR("assistant"));
    if (q->tool.n) {
        json_add_str(w, "tool_plan", STR("I will use a tool."));
        field_open(w, "tool_calls", '[');
        put_call(w, q, true);
        json_close(w, ']');
    } else {
        field_open(w, "content", '[');
        json_open(w, '{');
        json_add_str(w, "type", STR("text"));
        json_key(w, "text");
        put_whole(w, q);
        json_close(w, '}');
        json_close(w, ']');
    }
    json_close(w, '}');
}

static void field_end_v2(struct json_out *w, const struct ask *q)
{
    json_add_str(w, "finish_reason", q->tool.n ? STR("TOOL_CALL") : finish_reason(q));
    field_open(w, "usage", '{');
    field_counts(w, q, false);
    json_close(w, '}');
}

static void v2_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    field_id(&w, "id", STR(""), q);
    field_message_v2(&w, q);
    field_end_v2(&w, q);
    json_close(&w, '}');
}

static struct json_out v2_open(struct str type, struct buf *out)
{
    struct json_out w = sse_open(out, type);
    json_add_str(&w, "type", type);
    return w;
}

/* Opens {"type":...,"index":0,"delta":{"message":{ */
static struct json_out delta_open(struct str type, struct buf *out)
{
    struct json_out w = v2_open(type, out);
    json_add_raw(&w, "index", STR("0"));
    field_open(&w, "delta", '{');
    field_open(&w, "message", '{');
    return w;
}

static void delta_close(struct json_out *w)
{
    json_close(w, '}');
    json_close(w, '}');
    sse_close(w->b);
}

static void v2_start(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = v2_open(STR("message-start"), out);
    field_id(&w, "id", STR(""), q);
    json_add_raw(
        &w, "delta",
        STR("{\"message\":{\"role\":\"assistant\",\"content\":[],\"tool_plan\":\"\",\"tool_calls\":[],"
            "\"citations\":[]}}"));
    sse_close(out);
}

static void v2_content_start(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)q, (void)k, (void)i;
    struct json_out w = delta_open(STR("content-start"), out);
    json_add_raw(&w, "content", STR("{\"type\":\"text\",\"text\":\"\"}"));
    delta_close(&w);
}

static void v2_content_delta(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)i;
    struct json_out w = delta_open(STR("content-delta"), out);
    field_open(&w, "content", '{');
    json_key(&w, "text");
    put_piece(&w, q, k);
    json_close(&w, '}');
    delta_close(&w);
}

static void v2_call_start(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = delta_open(STR("tool-call-start"), out);
    json_key(&w, "tool_calls");
    put_call(&w, q, false);
    delta_close(&w);
}

static void v2_call_delta(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)i;
    struct json_out w = delta_open(STR("tool-call-delta"), out);
    field_open(&w, "tool_calls", '{');
    field_open(&w, "function", '{');
    json_key(&w, "arguments");
    put_piece(&w, q, k);
    json_close(&w, '}');
    json_close(&w, '}');
    delta_close(&w);
}

static void v2_block_end(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = v2_open(q->tool.n ? STR("tool-call-end") : STR("content-end"), out);
    json_add_raw(&w, "index", STR("0"));
    sse_close(out);
}

static void v2_end(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = v2_open(STR("message-end"), out);
    field_open(&w, "delta", '{');
    field_end_v2(&w, q);
    json_close(&w, '}');
    sse_close(out);
}

static const struct part v2_parts[] = {
    {count_one, v2_start},
    {count_if_text, v2_content_start},
    {count_text, v2_content_delta},
    {count_if_tool, v2_call_start},
    {count_args, v2_call_delta},
    {count_one, v2_block_end},
    {count_one, v2_end},
    {count_one, write_done},
    {NULL, NULL},
};

static void v2_fault_event(const struct ask *q, const struct fault *f, unsigned i, struct buf *out)
{
    (void)q, (void)i;
    struct json_out w = v2_open(STR("message-end"), out);
    field_open(&w, "delta", '{');
    json_add_str(&w, "finish_reason", STR("ERROR"));
    json_add_str(&w, "error", f->message);
    json_close(&w, '}');
    sse_close(out);
}

const struct shape shape_cohere_v2 = {
    .type = S("application/json"),
    .stream_type = S("text/event-stream"),
    .whole = v2_whole,
    .parts = v2_parts,
    .fault = cohere_fault,
    .fault_event = v2_fault_event,
};

/* ---- version 1 ---- */

static void field_calls_v1(struct json_out *w, const struct ask *q)
{
    field_open(w, "tool_calls", '[');
    json_open(w, '{');
    json_add_str(w, "name", q->tool);
    json_add_raw(w, "parameters", q->said);
    json_close(w, '}');
    json_close(w, ']');
}

static void put_response_v1(struct json_out *w, const struct ask *q)
{
    json_open(w, '{');
    field_id(w, "response_id", STR(""), q);
    json_key(w, "text");
    if (q->tool.n)
        json_put_str(w, STR("I will use a tool."));
    else
        put_whole(w, q);
    field_id(w, "generation_id", STR(""), q);
    json_add_raw(w, "chat_history", STR("[]"));
    json_add_str(w, "finish_reason", finish_reason(q));
    if (q->tool.n)
        field_calls_v1(w, q);
    field_open(w, "meta", '{');
    json_add_raw(w, "api_version", STR("{\"version\":\"1\"}"));
    field_counts(w, q, true);
    json_close(w, '}');
    json_close(w, '}');
}

static void v1_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    put_response_v1(&w, q);
}

static struct json_out line_open(struct str type, bool finished, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_add_raw(&w, "is_finished", finished ? STR("true") : STR("false"));
    json_add_str(&w, "event_type", type);
    return w;
}

static void line_close(struct json_out *w)
{
    json_close(w, '}');
    (void)buf_append_byte(w->b, '\n');
}

static void v1_start(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = line_open(STR("stream-start"), false, out);
    field_id(&w, "generation_id", STR(""), q);
    line_close(&w);
}

static void v1_text(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)i;
    struct json_out w = line_open(STR("text-generation"), false, out);
    json_key(&w, "text");
    put_piece(&w, q, k);
    line_close(&w);
}

static void v1_calls(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = line_open(STR("tool-calls-generation"), false, out);
    field_calls_v1(&w, q);
    line_close(&w);
}

static void v1_end(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = line_open(STR("stream-end"), true, out);
    json_add_str(&w, "finish_reason", finish_reason(q));
    json_key(&w, "response");
    put_response_v1(&w, q);
    line_close(&w);
}

static const struct part v1_parts[] = {
    {count_one, v1_start}, {count_text, v1_text}, {count_if_tool, v1_calls},
    {count_one, v1_end},   {NULL, NULL},
};

static void v1_fault_event(const struct ask *q, const struct fault *f, unsigned i, struct buf *out)
{
    (void)i;
    struct json_out w = line_open(STR("stream-end"), true, out);
    json_add_str(&w, "finish_reason", STR("ERROR"));
    json_add_str(&w, "error", f->message);
    field_open(&w, "response", '{');
    field_id(&w, "response_id", STR(""), q);
    json_add_str(&w, "text", STR(""));
    json_add_str(&w, "finish_reason", STR("ERROR"));
    json_close(&w, '}');
    line_close(&w);
}

const struct shape shape_cohere_v1 = {
    .type = S("application/json"),
    .stream_type = S("application/stream+json"),
    .whole = v1_whole,
    .parts = v1_parts,
    .fault = cohere_fault,
    .fault_event = v1_fault_event,
};

/* ---- embeddings ---- */

static void put_embeddings(struct json_out *w, const struct ask *q, const struct json_val *texts)
{
    int64_t n = vector_size(json_get(q->root, "output_dimension"), COHERE_DIMENSIONS);
    json_open(w, '[');
    for (struct json_iter it = json_iter(texts); json_next(&it);)
        put_vector(w, json_str(it.val), n);
    json_close(w, ']');
}

static void embed_whole(const struct ask *q, struct buf *out)
{
    const struct json_val *texts = json_get(q->root, "texts");
    bool by_type = json_get(q->root, "embedding_types") || str_ends(q->head->path, STR("/v2/embed"));
    struct json_out w = json_out(out);
    json_open(&w, '{');
    field_id(&w, "id", STR(""), q);
    if (by_type)
        field_open(&w, "embeddings", '{');
    json_key(&w, by_type ? "float" : "embeddings");
    put_embeddings(&w, q, texts);
    if (by_type)
        json_close(&w, '}');
    json_key(&w, "texts");
    if (texts)
        json_put_val(&w, texts);
    else
        json_put_raw(&w, STR("[]"));
    field_open(&w, "meta", '{');
    field_open(&w, "billed_units", '{');
    json_add_int(&w, "input_tokens", q->tokens_in);
    json_close(&w, '}');
    json_close(&w, '}');
    json_add_str(&w, "response_type", by_type ? STR("embeddings_by_type") : STR("embeddings_floats"));
    json_close(&w, '}');
}

const struct shape shape_cohere_embed = {
    .type = S("application/json"),
    .whole = embed_whole,
    .fault = cohere_fault,
};
