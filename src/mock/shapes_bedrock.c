/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amazon Bedrock: converse, and invoke in the forms of Claude, Nova and embedding models. Streams
 * are binary frames; those of invoke wrap each of the model's own events as base64. inputTokens
 * counts neither cached nor written tokens, totalTokens counts everything.
 */
#include "base/crypto.h"
#include "base/limits.h"
#include "mock/shape.h"
#include "providers/aws_stream.h"

enum { TITAN_DIMENSIONS = 1024, NOVA_DIMENSIONS = 3072 };

/* ---- frames ---- */

static void append_frame(struct buf *out, struct str kind, struct str name, struct str payload)
{
    struct str event_headers[][2] = {
        {S(":event-type"), name},
        {S(":content-type"), S("application/json")},
        {S(":message-type"), kind},
    };
    if (str_eq(kind, STR("exception")))
        event_headers[0][0] = STR(":exception-type");
    if (aws_frame_write(out, event_headers, countof(event_headers), payload) != E_OK)
        out->full = true;
}

/* A frame whose payload is being written: frame_open ─ fields ─ frame_close. */
struct frame {
    struct buf payload;
    struct json_out w;
};

static struct json_out *frame_open(struct frame *f)
{
    buf_init(&f->payload, MOCK_ANSWER_BYTES);
    f->w = json_out(&f->payload);
    json_open(&f->w, '{');
    return &f->w;
}

static void frame_close(struct frame *f, struct str name, struct buf *out)
{
    json_close(&f->w, '}');
    append_frame(out, STR("event"), name, buf_str(&f->payload));
    buf_done(&f->payload);
}

/* ---- usage and errors ---- */

static void field_usage(struct json_out *w, const struct ask *q)
{
    int64_t written = q->written + q->written1h, out = q->tokens_out + q->reasoning;
    field_open(w, "usage", '{');
    json_add_int(w, "inputTokens", q->tokens_in);
    json_add_int(w, "outputTokens", out);
    json_add_int(w, "totalTokens", q->tokens_in + q->cached + written + out);
    json_add_int(w, "cacheReadInputTokens", q->cached);
    json_add_int(w, "cacheWriteInputTokens", written);
    if (written) {
        field_open(w, "cacheDetails", '[');
        json_open(w, '{');
        json_add_str(w, "ttl", STR("5m"));
        json_add_int(w, "inputTokens", q->written);
        json_close(w, '}');
        json_open(w, '{');
        json_add_str(w, "ttl", STR("1h"));
        json_add_int(w, "inputTokens", q->written1h);
        json_close(w, '}');
        json_close(w, ']');
    }
    json_close(w, '}');
}

static struct str stop_reason(const struct ask *q)
{
    return q->tool.n ? STR("tool_use") : q->cut_short ? STR("max_tokens") : STR("end_turn");
}

static void bedrock_fault(const struct ask *q, const struct fault *f, struct buf *out)
{
    (void)q;
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_add_str(&w, "message", f->message);
    json_close(&w, '}');
}

static void bedrock_fault_event(const struct ask *q, const struct fault *f, unsigned i, struct buf *out)
{
    (void)i;
    struct buf payload;
    buf_init(&payload, 64 * KIB);
    bedrock_fault(q, f, &payload);
    append_frame(out, STR("exception"), STR("modelStreamErrorException"), buf_str(&payload));
    buf_done(&payload);
}

/* ---- converse ---- */

static void field_output(struct json_out *w, const struct ask *q)
{
    field_open(w, "output", '{');
    field_open(w, "message", '{');
    json_add_str(w, "role", STR("assistant"));
    field_open(w, "content", '[');
    json_open(w, '{');
    if (q->tool.n) {
        field_open(w, "toolUse", '{');
        field_id(w, "toolUseId", STR("tooluse_"), q);
        json_add_str(w, "name", q->tool);
        json_add_raw(w, "input", q->said);
        json_close(w, '}');
    } else {
        json_key(w, "text");
        put_whole(w, q);
    }
    json_close(w, '}');
    json_close(w, ']');
    json_close(w, '}');
    json_close(w, '}');
}

static void converse_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    field_output(&w, q);
    json_add_str(&w, "stopReason", stop_reason(q));
    field_usage(&w, q);
    json_add_raw(&w, "metrics", STR("{\"latencyMs\":1}"));
    json_close(&w, '}');
}

static void message_start(struct json_out *w, const struct ask *q, unsigned k)
{
    (void)q, (void)k;
    json_add_str(w, "role", STR("assistant"));
}

static void block_start(struct json_out *w, const struct ask *q, unsigned k)
{
    (void)k;
    field_open(w, "start", '{');
    field_open(w, "toolUse", '{');
    field_id(w, "toolUseId", STR("tooluse_"), q);
    json_add_str(w, "name", q->tool);
    json_close(w, '}');
    json_close(w, '}');
    json_add_raw(w, "contentBlockIndex", STR("0"));
}

static void block_delta(struct json_out *w, const struct ask *q, unsigned k)
{
    field_open(w, "delta", '{');
    if (q->tool.n)
        field_open(w, "toolUse", '{');
    json_key(w, q->tool.n ? "input" : "text");
    put_piece(w, q, k);
    if (q->tool.n)
        json_close(w, '}');
    json_close(w, '}');
    json_add_raw(w, "contentBlockIndex", STR("0"));
}

static void block_stop(struct json_out *w, const struct ask *q, unsigned k)
{
    (void)q, (void)k;
    json_add_raw(w, "contentBlockIndex", STR("0"));
}

static void message_stop(struct json_out *w, const struct ask *q, unsigned k)
{
    (void)k;
    json_add_str(w, "stopReason", stop_reason(q));
}

static void metadata(struct json_out *w, const struct ask *q, unsigned k)
{
    (void)k;
    field_usage(w, q);
    json_add_raw(w, "metrics", STR("{\"latencyMs\":1}"));
}

/* The events of a stream; Nova's invoke sends the same, each in an object under its name. */
static const struct event {
    struct str name;
    unsigned (*count)(const struct ask *q);
    void (*fill)(struct json_out *w, const struct ask *q, unsigned k);
} events[] = {
    {S("messageStart"), count_one, message_start},
    {S("contentBlockStart"), count_if_tool, block_start},
    {S("contentBlockDelta"), count_text, block_delta},
    {S("contentBlockDelta"), count_args, block_delta},
    {S("contentBlockStop"), count_one, block_stop},
    {S("messageStop"), count_one, message_stop},
    {S("metadata"), count_one, metadata},
};

static unsigned count_events(const struct ask *q)
{
    unsigned n = 0;
    for (size_t i = 0; i < countof(events); i++)
        n += events[i].count(q);
    return n;
}

/* The event at place *k of the stream; *k becomes its place among its like. */
static const struct event *event_at(const struct ask *q, unsigned *k)
{
    const struct event *e = events;
    for (; *k >= e->count(q); e++)
        *k -= e->count(q);
    return e;
}

static void write_event(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)i;
    const struct event *e = event_at(q, &k);
    struct frame f;
    e->fill(frame_open(&f), q, k);
    frame_close(&f, e->name, out);
}

static const struct part converse_parts[] = {{count_events, write_event}, {NULL, NULL}};

#define EVENT_STREAM S("application/vnd.amazon.eventstream")

const struct shape shape_bedrock_converse = {
    .type = S("application/json"),
    .stream_type = EVENT_STREAM,
    .id_header = S("x-amzn-RequestId"),
    .whole = converse_whole,
    .parts = converse_parts,
    .fault = bedrock_fault,
    .fault_event = bedrock_fault_event,
};

/* ---- invoke ---- */

static bool is_nova(const struct ask *q)
{
    return str_has(q->model, STR("nova"));
}

static void titan_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_key(&w, "embedding");
    put_vector(&w, json_str(json_get(q->root, "inputText")),
               vector_size(json_get(q->root, "dimensions"), TITAN_DIMENSIONS));
    json_add_int(&w, "inputTextTokenCount", q->tokens_in);
    json_close(&w, '}');
}

static void nova_embed_whole(const struct ask *q, struct buf *out)
{
    const struct json_val *params = json_get(q->root, "singleEmbeddingParams");
    struct json_out w = json_out(out);
    json_open(&w, '{');
    field_open(&w, "embeddings", '[');
    json_open(&w, '{');
    json_add_str(&w, "embeddingType", STR("TEXT"));
    json_key(&w, "embedding");
    put_vector(&w, json_str(json_get(json_get(params, "text"), "value")),
               vector_size(json_get(params, "embeddingDimension"), NOVA_DIMENSIONS));
    json_close(&w, '}');
    json_close(&w, ']');
    json_close(&w, '}');
}

/* Cohere's, but that the head alone counts tokens. */
static void cohere_embed_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    field_open(&w, "embeddings", '{');
    field_open(&w, "float", '[');
    for (struct json_iter it = json_iter(json_get(q->root, "texts")); json_next(&it);)
        put_vector(&w, json_str(it.val),
                   vector_size(json_get(q->root, "output_dimension"), TITAN_DIMENSIONS));
    json_close(&w, ']');
    json_close(&w, '}');
    json_add_str(&w, "response_type", STR("embeddings_by_type"));
    json_close(&w, '}');
}

static void nova_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    field_output(&w, q);
    json_add_str(&w, "stopReason", stop_reason(q));
    field_usage(&w, q);
    json_close(&w, '}');
}

static void invoke_whole(const struct ask *q, struct buf *out)
{
    if (json_get(q->root, "inputText"))
        titan_whole(q, out);
    else if (json_get(q->root, "singleEmbeddingParams"))
        nova_embed_whole(q, out);
    else if (json_get(q->root, "texts"))
        cohere_embed_whole(q, out);
    else if (is_nova(q))
        nova_whole(q, out);
    else
        shape_anthropic.whole(q, out);
}

static void put_metrics(struct buf *event, const struct ask *q)
{
    struct json_out w = {.b = event, .comma = true};
    event->n--; /* into the object */
    field_open(&w, "amazon-bedrock-invocationMetrics", '{');
    json_add_int(&w, "inputTokenCount", q->tokens_in);
    json_add_int(&w, "outputTokenCount", q->tokens_out + q->reasoning);
    json_add_raw(&w, "invocationLatency", STR("1"));
    json_add_raw(&w, "firstByteLatency", STR("1"));
    json_add_int(&w, "cacheReadInputTokenCount", q->cached);
    json_add_int(&w, "cacheWriteInputTokenCount", q->written + q->written1h);
    json_close(&w, '}');
    json_close(&w, '}');
}

/* An event of the model's own, wrapped; the last one carries the service's measurements. */
static void append_chunk(struct buf *out, struct buf *event, const struct ask *q, bool last)
{
    struct arena a;
    arena_init(&a, 2 * (size_t)MOCK_ANSWER_BYTES);
    if (last && event->n)
        put_metrics(event, q);
    struct frame f;
    json_add_str(frame_open(&f), "bytes", base64_encode(&a, buf_str(event)));
    frame_close(&f, STR("chunk"), out);
    arena_done(&a);
}

/* Claude's events are those of its own service, without the framing of server-sent events. */
static void fill_claude(const struct ask *q, unsigned k, unsigned i, struct buf *event)
{
    static const struct str data = S("data: ");
    const struct part *p = shape_anthropic.parts;
    for (; k >= p->count(q); p++)
        k -= p->count(q);
    p->write(q, k, i, event);
    buf_consume(event, str_search(buf_str(event), data) + data.n);
    event->n -= 2; /* the blank line */
}

static void fill_nova(const struct ask *q, unsigned k, struct buf *event)
{
    const struct event *e = event_at(q, &k);
    struct json_out w = json_out(event);
    json_open(&w, '{');
    json_key_str(&w, e->name);
    json_open(&w, '{');
    e->fill(&w, q, k);
    json_close(&w, '}');
    json_close(&w, '}');
}

static unsigned count_chunks(const struct ask *q)
{
    unsigned n = 0;
    if (is_nova(q))
        return count_events(q);
    for (const struct part *p = shape_anthropic.parts; p->count; p++)
        n += p->count(q);
    return n;
}

static void write_chunk(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    struct buf event;
    buf_init(&event, MOCK_ANSWER_BYTES);
    if (is_nova(q))
        fill_nova(q, k, &event);
    else
        fill_claude(q, k, i, &event);
    if (event.full)
        out->full = true;
    else
        append_chunk(out, &event, q, k + 1 == count_chunks(q));
    buf_done(&event);
}

static const struct part invoke_parts[] = {{count_chunks, write_chunk}, {NULL, NULL}};

const struct shape shape_bedrock_invoke = {
    .type = S("application/json"),
    .stream_type = EVENT_STREAM,
    .id_header = S("x-amzn-RequestId"),
    .tokens_header = S("x-amzn-bedrock-input-token-count"),
    .whole = invoke_whole,
    .parts = invoke_parts,
    .fault = bedrock_fault,
    .fault_event = bedrock_fault_event,
};
