/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gemini's generateContent and its kin. Cached tokens are part of promptTokenCount; thoughts are
 * not part of candidatesTokenCount. A stream is either events separated by CRLF CRLF or the
 * elements of one JSON array; every one of them has usageMetadata, and the last one counts.
 */
#include "mock/shape.h"

/* ---- usage ---- */

/* `generated` < 0: nothing yet, and the field is left out as the service does. */
static void field_usage(struct json_out *w, const struct ask *q, int64_t generated, bool last)
{
    int64_t in = q->tokens_in + q->cached + q->written + q->written1h;
    int64_t thoughts = last ? q->reasoning : 0;

    field_open(w, "usageMetadata", '{');
    json_add_int(w, "promptTokenCount", in);
    if (q->cached)
        json_add_int(w, "cachedContentTokenCount", q->cached);
    if (generated >= 0)
        json_add_int(w, "candidatesTokenCount", generated);
    if (thoughts)
        json_add_int(w, "thoughtsTokenCount", thoughts);
    json_add_int(w, "totalTokenCount", in + thoughts + (generated > 0 ? generated : 0));
    field_open(w, "promptTokensDetails", '[');
    json_open(w, '{');
    json_add_str(w, "modality", STR("TEXT"));
    json_add_int(w, "tokenCount", in);
    json_close(w, '}');
    json_close(w, ']');
    json_close(w, '}');
}

/* ---- answers ---- */

static void put_part(struct json_out *w, const struct ask *q, unsigned k)
{
    json_open(w, '{');
    if (q->tool.n) {
        field_open(w, "functionCall", '{');
        json_add_str(w, "name", q->tool);
        json_add_raw(w, "args", q->said);
        json_close(w, '}');
    } else {
        json_key(w, "text");
        if (q->stream)
            put_piece(w, q, k);
        else
            put_whole(w, q);
    }
    json_close(w, '}');
}

/* Piece k of a stream, or the whole with k = 0 and last. */
static void put_response(struct json_out *w, const struct ask *q, unsigned k, bool last)
{
    json_open(w, '{');
    field_open(w, "candidates", '[');
    json_open(w, '{');
    field_open(w, "content", '{');
    field_open(w, "parts", '[');
    put_part(w, q, k);
    json_close(w, ']');
    json_add_str(w, "role", STR("model"));
    json_close(w, '}');
    if (last)
        json_add_str(w, "finishReason", q->cut_short ? STR("MAX_TOKENS") : STR("STOP"));
    json_add_raw(w, "index", STR("0"));
    json_close(w, '}');
    json_close(w, ']');
    field_usage(w, q, last ? q->tokens_out : k == 0 ? -1 : tokens_until(q, k), last);
    json_add_str(w, "modelVersion", q->model);
    field_id(w, "responseId", STR(""), q);
    json_close(w, '}');
}

static void gemini_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    put_response(&w, q, 0, true);
}

static void write_event(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)i;
    (void)buf_append_c(out, "data: ");
    struct json_out w = json_out(out);
    put_response(&w, q, k, q->tool.n || k + 1 == q->pieces);
    (void)buf_append_c(out, "\r\n\r\n");
}

static void write_element(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    bool last = q->tool.n || k + 1 == q->pieces;
    (void)buf_append_c(out, i == 0 ? "[" : ",\r\n");
    struct json_out w = json_out(out);
    put_response(&w, q, k, last);
    if (last)
        (void)buf_append_c(out, "\n]");
}

static const struct part sse_parts[] = {
    {count_text, write_event},
    {count_if_tool, write_event}, /* arguments come in one piece */
    {NULL, NULL},
};

static const struct part array_parts[] = {
    {count_text, write_element},
    {count_if_tool, write_element},
    {NULL, NULL},
};

/* ---- errors ---- */

static void put_error(struct json_out *w, const struct fault *f)
{
    json_open(w, '{');
    field_open(w, "error", '{');
    json_add_int(w, "code", f->status);
    json_add_str(w, "message", f->message);
    json_add_str(w, "status", str_c(fault_names(f->status)->google));
    json_close(w, '}');
    json_close(w, '}');
}

static void gemini_fault(const struct ask *q, const struct fault *f, struct buf *out)
{
    bool in_array = q->stream && q->shape == &shape_gemini; /* an array even then */
    struct json_out w = json_out(out);
    if (in_array)
        json_open(&w, '[');
    put_error(&w, f);
    if (in_array)
        json_close(&w, ']');
}

static void sse_fault_event(const struct ask *q, const struct fault *f, unsigned i, struct buf *out)
{
    (void)q, (void)i;
    (void)buf_append_c(out, "data: ");
    struct json_out w = json_out(out);
    put_error(&w, f);
    (void)buf_append_c(out, "\r\n\r\n");
}

static void array_fault_event(const struct ask *q, const struct fault *f, unsigned i, struct buf *out)
{
    (void)q;
    (void)buf_append_c(out, i == 0 ? "[" : ",\r\n");
    struct json_out w = json_out(out);
    put_error(&w, f);
    (void)buf_append_c(out, "\n]");
}

const struct shape shape_gemini = {
    .type = S("application/json; charset=UTF-8"),
    .stream_type = S("application/json; charset=UTF-8"),
    .whole = gemini_whole,
    .parts = array_parts,
    .fault = gemini_fault,
    .fault_event = array_fault_event,
};

const struct shape shape_gemini_sse = {
    .type = S("application/json; charset=UTF-8"),
    .stream_type = S("text/event-stream"),
    .whole = gemini_whole,
    .parts = sse_parts,
    .fault = gemini_fault,
    .fault_event = sse_fault_event,
};

/* ---- embeddings and counting ---- */

enum { GEMINI_DIMENSIONS = 768 };

/* Vertex AI has the settings in an object of their own, and so have Gemini's newer models. */
static void put_embedding(struct json_out *w, const struct json_val *request)
{
    const struct json_val *part = json_at(json_get(json_get(request, "content"), "parts"), 0);
    const struct json_val *config = json_get(request, "embedContentConfig");
    const struct json_val *size = json_get(config ? config : request, "outputDimensionality");
    json_open(w, '{');
    json_key(w, "values");
    put_vector(w, json_str(json_get(part, "text")), vector_size(size, GEMINI_DIMENSIONS));
    json_close(w, '}');
}

static void field_embed_usage(struct json_out *w, const struct ask *q)
{
    field_open(w, "usageMetadata", '{');
    json_add_int(w, "promptTokenCount", q->tokens_in);
    json_close(w, '}');
}

static void embed_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_key(&w, "embedding");
    put_embedding(&w, q->root);
    field_embed_usage(&w, q);
    json_close(&w, '}');
}

static void embed_batch_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    field_open(&w, "embeddings", '[');
    for (struct json_iter it = json_iter(json_get(q->root, "requests")); json_next(&it);)
        put_embedding(&w, it.val);
    json_close(&w, ']');
    field_embed_usage(&w, q);
    json_close(&w, '}');
}

static void put_prediction(struct json_out *w, struct str text, int64_t n)
{
    json_open(w, '{');
    field_open(w, "embeddings", '{');
    field_open(w, "statistics", '{');
    json_add_int(w, "token_count", tokens_of(text.n));
    json_add_raw(w, "truncated", STR("false"));
    json_close(w, '}');
    json_key(w, "values");
    put_vector(w, text, n);
    json_close(w, '}');
    json_close(w, '}');
}

static void predict_whole(const struct ask *q, struct buf *out)
{
    const struct json_val *size = json_get(json_get(q->root, "parameters"), "outputDimensionality");
    struct json_out w = json_out(out);
    json_open(&w, '{');
    field_open(&w, "predictions", '[');
    for (struct json_iter it = json_iter(json_get(q->root, "instances")); json_next(&it);)
        put_prediction(&w, json_str(json_get(it.val, "content")), vector_size(size, GEMINI_DIMENSIONS));
    json_close(&w, ']');
    json_close(&w, '}');
}

static void count_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_add_int(&w, "totalTokens", q->tokens_in);
    json_close(&w, '}');
}

const struct shape shape_gemini_embed = {
    .type = S("application/json; charset=UTF-8"),
    .whole = embed_whole,
    .fault = gemini_fault,
};

const struct shape shape_gemini_embed_batch = {
    .type = S("application/json; charset=UTF-8"),
    .whole = embed_batch_whole,
    .fault = gemini_fault,
};

const struct shape shape_vertex_predict = {
    .type = S("application/json; charset=UTF-8"),
    .whole = predict_whole,
    .fault = gemini_fault,
};

const struct shape shape_gemini_count = {
    .type = S("application/json; charset=UTF-8"),
    .whole = count_whole,
    .fault = gemini_fault,
};
