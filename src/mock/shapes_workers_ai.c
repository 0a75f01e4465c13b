/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers AI's run path in its native form: an answer inside an API envelope; a stream of small
 * events that ends with the usage. A model asked with `text` is an embedding model.
 */
#include "mock/shape.h"

enum { WORKERS_DIMENSIONS = 768 };

static void field_usage(struct json_out *w, const struct ask *q)
{
    int64_t in = q->tokens_in + q->cached + q->written + q->written1h, out = q->tokens_out + q->reasoning;
    field_open(w, "usage", '{');
    json_add_int(w, "prompt_tokens", in);
    json_add_int(w, "completion_tokens", out);
    json_add_int(w, "total_tokens", in + out);
    field_open(w, "prompt_tokens_details", '{');
    json_add_int(w, "cached_tokens", q->cached);
    json_close(w, '}');
    json_close(w, '}');
}

static void field_calls(struct json_out *w, const struct ask *q)
{
    field_open(w, "tool_calls", '[');
    if (q->tool.n) {
        json_open(w, '{');
        json_add_str(w, "name", q->tool);
        json_add_raw(w, "arguments", q->said);
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void put_generated(struct json_out *w, const struct ask *q)
{
    json_key(w, "response");
    if (q->tool.n)
        json_put_null(w);
    else
        put_whole(w, q);
    field_calls(w, q);
    field_usage(w, q);
}

static void put_embeddings(struct json_out *w, const struct json_val *text)
{
    bool one = json_type(text) == JSON_STRING;
    size_t n = one ? 1 : json_count(text);
    field_open(w, "shape", '[');
    json_put_int(w, (int64_t)n);
    json_put_int(w, WORKERS_DIMENSIONS);
    json_close(w, ']');
    field_open(w, "data", '[');
    for (size_t i = 0; i < n && !w->b->full; i++)
        put_vector(w, json_str(one ? text : json_at(text, i)), WORKERS_DIMENSIONS);
    json_close(w, ']');
    json_add_str(w, "pooling", STR("mean"));
}

static void run_whole(const struct ask *q, struct buf *out)
{
    const struct json_val *text = json_get(q->root, "text");
    struct json_out w = json_out(out);
    json_open(&w, '{');
    field_open(&w, "result", '{');
    if (text)
        put_embeddings(&w, text);
    else
        put_generated(&w, q);
    json_close(&w, '}');
    json_add_raw(&w, "success", STR("true"));
    json_add_raw(&w, "errors", STR("[]"));
    json_add_raw(&w, "messages", STR("[]"));
    json_close(&w, '}');
}

static void run_text(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)i;
    struct json_out w = sse_open(out, STR(""));
    json_key(&w, "response");
    put_piece(&w, q, k);
    sse_close(out);
}

static void run_calls(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = sse_open(out, STR(""));
    json_add_str(&w, "response", STR(""));
    field_calls(&w, q);
    sse_close(out);
}

static void run_usage(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = sse_open(out, STR(""));
    json_add_str(&w, "response", STR(""));
    field_usage(&w, q);
    sse_close(out);
}

static const struct part run_parts[] = {
    {count_text, run_text}, {count_if_tool, run_calls}, {count_one, run_usage}, {count_one, write_done},
    {NULL, NULL},
};

static void field_errors(struct json_out *w, const struct fault *f)
{
    field_open(w, "errors", '[');
    json_open(w, '{');
    json_add_str(w, "message", f->message);
    json_add_int(w, "code", fault_names(f->status)->workers_ai);
    json_close(w, '}');
    json_close(w, ']');
}

static void run_fault(const struct ask *q, const struct fault *f, struct buf *out)
{
    (void)q;
    struct json_out w = json_out(out);
    json_open(&w, '{');
    field_errors(&w, f);
    json_add_raw(&w, "success", STR("false"));
    json_add_raw(&w, "result", STR("{}"));
    json_add_raw(&w, "messages", STR("[]"));
    json_close(&w, '}');
}

static void run_fault_event(const struct ask *q, const struct fault *f, unsigned i, struct buf *out)
{
    (void)q, (void)i;
    struct json_out w = sse_open(out, STR(""));
    field_errors(&w, f);
    sse_close(out);
}

const struct shape shape_workers_ai = {
    .type = S("application/json"),
    .stream_type = S("text/event-stream"),
    .whole = run_whole,
    .parts = run_parts,
    .fault = run_fault,
    .fault_event = run_fault_event,
};
