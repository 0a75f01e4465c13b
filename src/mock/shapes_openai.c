/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's chat completions, text completions, embeddings and models, and the small differences of
 * services that speak the same form (enum flavour). Streams report usage only when asked, in a last
 * chunk with empty choices, unless the flavour says otherwise.
 */
#include "mock/shape.h"

#define FINGERPRINT "fp_mock"

/* ---- usage ---- */

static void put_cost(struct json_out *w, int64_t tokens)
{
    json_key(w, "cost");
    json_put_num(w, (double)tokens / 1e6); /* a dollar for a million tokens */
}

/* Usage when `out` tokens of text have been generated. */
static void field_usage(struct json_out *w, const struct ask *q, int64_t out)
{
    int64_t written = q->written + q->written1h, in = q->tokens_in + q->cached + written;

    field_open(w, "usage", '{');
    json_add_int(w, "prompt_tokens", in);
    json_add_int(w, "completion_tokens", q->flavour & F_REASONING_APART ? out : out + q->reasoning);
    json_add_int(w, "total_tokens", in + out + q->reasoning);
    field_open(w, "prompt_tokens_details", '{');
    json_add_int(w, "cached_tokens", q->cached);
    if (written)
        json_add_int(w, "cache_write_tokens", written);
    json_close(w, '}');
    field_open(w, "completion_tokens_details", '{');
    json_add_int(w, "reasoning_tokens", q->reasoning);
    json_close(w, '}');
    if (q->flavour & F_USAGE_EVERY)
        json_add_int(w, "reasoning_tokens", q->reasoning); /* where Perplexity has it */
    if (q->flavour & F_CACHE_HIT) {
        json_add_int(w, "prompt_cache_hit_tokens", q->cached);
        json_add_int(w, "prompt_cache_miss_tokens", in - q->cached);
    }
    if (q->flavour & F_COST)
        put_cost(w, in + out + q->reasoning);
    json_close(w, '}');
}

/* ---- chat ---- */

static struct str finish_reason(const struct ask *q)
{
    return q->tool.n ? STR("tool_calls") : q->cut_short ? STR("length") : STR("stop");
}

static void put_call(struct json_out *w, const struct ask *q)
{
    json_open(w, '{');
    field_id(w, "id", STR("call_"), q);
    json_add_str(w, "type", STR("function"));
    field_open(w, "function", '{');
    json_add_str(w, "name", q->tool);
    json_key(w, "arguments");
    put_whole(w, q);
    json_close(w, '}');
    json_close(w, '}');
}

static void field_message(struct json_out *w, const struct ask *q)
{
    field_open(w, "message", '{');
    json_add_str(w, "role", STR("assistant"));
    json_key(w, "content");
    if (q->tool.n) {
        json_put_null(w);
        field_open(w, "tool_calls", '[');
        put_call(w, q);
        json_close(w, ']');
    } else {
        put_whole(w, q);
    }
    json_add_raw(w, "refusal", STR("null"));
    json_add_raw(w, "annotations", STR("[]"));
    json_close(w, '}');
}

static void field_common(struct json_out *w, const struct ask *q, struct str id_prefix, struct str object)
{
    field_id(w, "id", id_prefix, q);
    json_add_str(w, "object", object);
    json_add_raw(w, "created", STR(MOCK_CREATED));
    json_add_str(w, "model", q->model);
}

static void chat_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    field_common(&w, q, STR("chatcmpl-"), STR("chat.completion"));
    field_open(&w, "choices", '[');
    json_open(&w, '{');
    json_add_raw(&w, "index", STR("0"));
    field_message(&w, q);
    json_add_raw(&w, "logprobs", STR("null"));
    json_add_str(&w, "finish_reason", finish_reason(q));
    json_close(&w, '}');
    json_close(&w, ']');
    field_usage(&w, q, q->tokens_out);
    json_add_str(&w, "service_tier", STR("default"));
    json_add_str(&w, "system_fingerprint", STR(FINGERPRINT));
    json_close(&w, '}');
}

/* Chunks are what benchmarks are made of: what never changes in them is written as it is. */
static struct json_out chunk_open(const struct ask *q, struct buf *out)
{
    struct json_out w = sse_open(out, STR(""));
    field_id(&w, "id", STR("chatcmpl-"), q);
    json_put_raw(&w, STR("\"object\":\"chat.completion.chunk\",\"created\":" MOCK_CREATED));
    json_add_str(&w, "model", q->model);
    json_put_raw(&w, STR("\"system_fingerprint\":\"" FINGERPRINT "\""));
    return w;
}

static struct json_out delta_open(const struct ask *q, struct buf *out)
{
    struct json_out w = chunk_open(q, out);
    json_put_raw(&w, STR("\"choices\":[{\"index\":0,\"delta\":{"));
    w.comma = false;
    return w;
}

/* `generated`: tokens up to here. */
static void delta_close(struct json_out *w, const struct ask *q, struct str finish, int64_t generated)
{
    json_close(w, '}');
    json_put_raw(w, STR("\"logprobs\":null"));
    json_add_str(w, "finish_reason", finish);
    json_close(w, '}');
    json_close(w, ']');
    if ((q->flavour & F_USAGE_EVERY) || (finish.p && (q->flavour & F_USAGE_LAST)))
        field_usage(w, q, generated);
    else if (q->usage_asked)
        json_add_raw(w, "usage", STR("null"));
    if (finish.p && (q->flavour & F_X_GROQ)) {
        field_open(w, "x_groq", '{');
        field_id(w, "id", STR("req_"), q);
        field_usage(w, q, generated);
        json_close(w, '}');
    }
    sse_close(w->b);
}

static const struct str unfinished = {NULL, 0};

static void chat_role(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = delta_open(q, out);
    json_add_str(&w, "role", STR("assistant"));
    json_add_raw(&w, "content", q->tool.n ? STR("null") : STR("\"\""));
    delta_close(&w, q, unfinished, 0);
}

static void chat_text(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)i;
    struct json_out w = delta_open(q, out);
    json_key(&w, "content");
    put_piece(&w, q, k);
    delta_close(&w, q, unfinished, tokens_until(q, k));
}

static struct json_out call_open(const struct ask *q, struct buf *out)
{
    struct json_out w = delta_open(q, out);
    field_open(&w, "tool_calls", '[');
    json_open(&w, '{');
    json_add_raw(&w, "index", STR("0"));
    return w;
}

static void call_close(struct json_out *w, const struct ask *q)
{
    json_close(w, '}');
    json_close(w, '}');
    json_close(w, ']');
    delta_close(w, q, unfinished, 0);
}

static void chat_call(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = call_open(q, out);
    field_id(&w, "id", STR("call_"), q);
    json_add_str(&w, "type", STR("function"));
    field_open(&w, "function", '{');
    json_add_str(&w, "name", q->tool);
    json_add_str(&w, "arguments", STR(""));
    call_close(&w, q);
}

static void chat_args(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)i;
    struct json_out w = call_open(q, out);
    field_open(&w, "function", '{');
    json_key(&w, "arguments");
    put_piece(&w, q, k);
    call_close(&w, q);
}

static void chat_finish(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = delta_open(q, out);
    delta_close(&w, q, finish_reason(q), q->tokens_out);
}

static unsigned count_usage(const struct ask *q)
{
    return q->usage_asked && !(q->flavour & (F_USAGE_LAST | F_USAGE_EVERY));
}

static void chat_usage(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = chunk_open(q, out);
    json_add_raw(&w, "choices", STR("[]"));
    field_usage(&w, q, q->tokens_out);
    sse_close(out);
}

static const struct part chat_parts[] = {
    {count_one, chat_role},   {count_text, chat_text},   {count_if_tool, chat_call}, {count_args, chat_args},
    {count_one, chat_finish}, {count_usage, chat_usage}, {count_one, write_done},    {NULL, NULL},
};

/* ---- errors ---- */

static void put_error(struct json_out *w, const struct fault *f)
{
    const struct fault_names *names = fault_names(f->status);
    field_open(w, "error", '{');
    json_add_str(w, "message", f->message);
    json_add_str(w, "type", str_c(names->openai_type));
    json_add_raw(w, "param", STR("null"));
    json_add_str(w, "code", str_c(names->openai_code));
    json_close(w, '}');
}

void openai_fault(const struct ask *q, const struct fault *f, struct buf *out)
{
    (void)q;
    struct json_out w = json_out(out);
    json_open(&w, '{');
    put_error(&w, f);
    json_close(&w, '}');
}

static void openai_fault_event(const struct ask *q, const struct fault *f, unsigned i, struct buf *out)
{
    (void)q, (void)i;
    struct json_out w = sse_open(out, STR(""));
    put_error(&w, f);
    sse_close(out);
}

const struct shape shape_chat = {
    .type = S("application/json"),
    .stream_type = S("text/event-stream; charset=utf-8"),
    .id_header = S("x-request-id"),
    .whole = chat_whole,
    .parts = chat_parts,
    .fault = openai_fault,
    .fault_event = openai_fault_event,
};

/* ---- text completions ---- */

static void completion_choice(struct json_out *w, const struct ask *q, unsigned k, struct str finish)
{
    field_open(w, "choices", '[');
    json_open(w, '{');
    json_key(w, "text");
    if (q->stream && finish.p)
        json_put_str(w, STR(""));
    else if (q->stream)
        put_piece(w, q, k);
    else
        put_whole(w, q);
    json_add_raw(w, "index", STR("0"));
    json_add_raw(w, "logprobs", STR("null"));
    json_add_str(w, "finish_reason", finish);
    json_close(w, '}');
    json_close(w, ']');
}

static void completions_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    field_common(&w, q, STR("cmpl-"), STR("text_completion"));
    completion_choice(&w, q, 0, finish_reason(q));
    field_usage(&w, q, q->tokens_out);
    json_close(&w, '}');
}

static void completions_chunk(const struct ask *q, unsigned k, struct str finish, struct buf *out)
{
    struct json_out w = sse_open(out, STR(""));
    field_common(&w, q, STR("cmpl-"), STR("text_completion"));
    completion_choice(&w, q, k, finish);
    if (q->usage_asked)
        json_add_raw(&w, "usage", STR("null"));
    sse_close(out);
}

static void completions_text(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)i;
    completions_chunk(q, k, unfinished, out);
}

static void completions_finish(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)i;
    completions_chunk(q, k, finish_reason(q), out);
}

static unsigned count_asked(const struct ask *q)
{
    return q->usage_asked;
}

static void completions_usage(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)k, (void)i;
    struct json_out w = sse_open(out, STR(""));
    field_common(&w, q, STR("cmpl-"), STR("text_completion"));
    json_add_raw(&w, "choices", STR("[]"));
    field_usage(&w, q, q->tokens_out);
    sse_close(out);
}

static const struct part completions_parts[] = {
    {count_text, completions_text},
    {count_one, completions_finish},
    {count_asked, completions_usage},
    {count_one, write_done},
    {NULL, NULL},
};

const struct shape shape_completions = {
    .type = S("application/json"),
    .stream_type = S("text/event-stream; charset=utf-8"),
    .id_header = S("x-request-id"),
    .whole = completions_whole,
    .parts = completions_parts,
    .fault = openai_fault,
    .fault_event = openai_fault_event,
};

/* ---- embeddings ---- */

enum { OPENAI_DIMENSIONS = 1536 };

static void put_embedding(struct json_out *w, const struct ask *q, size_t index, struct str text)
{
    const char *name = q->flavour & F_EMBEDDING_ID ? "output_dimension" : "dimensions";
    int64_t n = vector_size(json_get(q->root, name), OPENAI_DIMENSIONS);
    json_open(w, '{');
    json_add_str(w, "object", STR("embedding"));
    json_add_int(w, "index", (int64_t)index);
    json_key(w, "embedding");
    if (str_eq(json_str(json_get(q->root, "encoding_format")), STR("base64")))
        put_vector_base64(w, text, n);
    else
        put_vector(w, text, n);
    json_close(w, '}');
}

static void embeddings_whole(const struct ask *q, struct buf *out)
{
    const struct json_val *input = json_get(q->root, "input");
    struct json_out w = json_out(out);
    json_open(&w, '{');
    if (q->flavour & F_EMBEDDING_ID)
        field_id(&w, "id", STR(""), q);
    json_add_str(&w, "object", STR("list"));
    field_open(&w, "data", '[');
    if (json_at(input, 0) && json_type(json_at(input, 0)) != JSON_NUMBER) /* one of numbers is token ids */
        for (size_t i = 0; i < json_count(input) && !out->full; i++)
            put_embedding(&w, q, i, json_str(json_at(input, i)));
    else
        put_embedding(&w, q, 0, json_str(input));
    json_close(&w, ']');
    json_add_str(&w, "model", q->model);
    field_open(&w, "usage", '{');
    json_add_int(&w, "prompt_tokens", q->tokens_in);
    json_add_int(&w, "total_tokens", q->tokens_in);
    json_close(&w, '}');
    json_close(&w, '}');
}

const struct shape shape_embeddings = {
    .type = S("application/json"),
    .id_header = S("x-request-id"),
    .whole = embeddings_whole,
    .fault = openai_fault,
};

/* ---- models ---- */

enum model_form { OPENAI_MODEL, ANTHROPIC_MODEL, GEMINI_MODEL };

static enum model_form model_form(const struct ask *q)
{
    if (headers_first(&q->head->headers, STR("anthropic-version")).p)
        return ANTHROPIC_MODEL;
    return str_has(q->head->path, STR("/v1beta/")) && !str_has(q->head->path, STR("/openai/")) ? GEMINI_MODEL
                                                                                               : OPENAI_MODEL;
}

static void put_model(struct json_out *w, enum model_form form, struct str id)
{
    char space[160];
    size_t n = id.n < 128 ? id.n : 128;
    memcpy(space, "models/", 7);
    memcpy(space + 7, id.p, n);
    json_open(w, '{');
    if (form == GEMINI_MODEL) {
        json_add_str(w, "name", str_of(space, n + 7));
        json_add_str(w, "displayName", id);
        json_add_raw(w, "inputTokenLimit", STR("1048576"));
        json_add_raw(w, "outputTokenLimit", STR("65536"));
        json_add_raw(w, "supportedGenerationMethods",
                     STR("[\"generateContent\",\"countTokens\",\"embedContent\"]"));
    } else if (form == ANTHROPIC_MODEL) {
        json_add_str(w, "type", STR("model"));
        json_add_str(w, "id", id);
        json_add_str(w, "display_name", id);
        json_add_str(w, "created_at", STR("2025-10-09T08:53:20Z"));
    } else {
        json_add_str(w, "id", id);
        json_add_str(w, "object", STR("model"));
        json_add_raw(w, "created", STR(MOCK_CREATED));
        json_add_str(w, "owned_by", STR("mock"));
    }
    json_close(w, '}');
}

static void models_whole(const struct ask *q, struct buf *out)
{
    static const struct str names[] = {S("mock"), S("mock-echo"), S("mock-slow-2000"), S("mock-tps-50"),
                                       S("mock-500")};
    enum model_form form = model_form(q);
    struct json_out w = json_out(out);
    json_open(&w, '{');
    if (form == OPENAI_MODEL)
        json_add_str(&w, "object", STR("list"));
    field_open(&w, form == GEMINI_MODEL ? "models" : "data", '[');
    for (size_t i = 0; i < countof(names); i++)
        put_model(&w, form, names[i]);
    json_close(&w, ']');
    if (form == ANTHROPIC_MODEL) {
        json_add_raw(&w, "has_more", STR("false"));
        json_add_str(&w, "first_id", names[0]);
        json_add_str(&w, "last_id", names[countof(names) - 1]);
    }
    json_close(&w, '}');
}

static void model_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    put_model(&w, model_form(q), q->model);
}

const struct shape shape_models = {
    .type = S("application/json"),
    .id_header = S("x-request-id"),
    .whole = models_whole,
    .fault = openai_fault,
    .any_body = true,
};

const struct shape shape_model = {
    .type = S("application/json"),
    .id_header = S("x-request-id"),
    .whole = model_whole,
    .fault = openai_fault,
    .any_body = true,
};
