/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all shapes are made with: the table of paths, the names of errors, the writers of fields,
 * text, ids and vectors. Nothing here looks at a clock or rolls dice.
 */
#include "mock/shape.h"
#include "base/crypto.h"
#include "base/limits.h"

#include <math.h>
#include <stdio.h>

const struct route routes[] = {
    {NULL, "", "/mock/echo", NULL, &shape_echo, false, "what arrived, as JSON"},
    {NULL, "", "/__echo", NULL, &shape_echo, false, "the same"},
    {"POST", "", "/chat/completions", NULL, &shape_chat, false, "OpenAI chat, and all who speak it"},
    {"POST", "", "/completions", NULL, &shape_completions, false, "OpenAI text completions"},
    {"POST", "", "/responses", NULL, &shape_responses, false, "OpenAI responses"},
    {"POST", "", "/embeddings", NULL, &shape_embeddings, false, "OpenAI embeddings"},
    {"POST", "", "/images/generations", NULL, &shape_images, false, "OpenAI images: one pixel"},
    {"POST", "", "/audio/speech", NULL, &shape_speech, false, "OpenAI speech: bytes that are no audio"},
    {"POST", "", "/audio/transcriptions", NULL, &shape_transcription, false, "OpenAI transcription"},
    {"POST", "", "/audio/translations", NULL, &shape_transcription, false, "OpenAI translation"},
    {"POST", "", "/messages/count_tokens", NULL, &shape_anthropic_count, false, "Anthropic token count"},
    {"POST", "", "/messages", NULL, &shape_anthropic, false, "Anthropic messages"},
    {"POST", "/publishers/anthropic/models/", ":rawPredict", NULL, &shape_anthropic, false,
     "the same on Vertex"},
    {"POST", "/publishers/anthropic/models/", ":streamRawPredict", NULL, &shape_anthropic, true,
     "its stream"},
    {"POST", "/models/", ":generateContent", NULL, &shape_gemini, false, "Gemini"},
    {"POST", "/models/", ":streamGenerateContent", "alt=sse", &shape_gemini_sse, true,
     "its stream as events"},
    {"POST", "/models/", ":streamGenerateContent", NULL, &shape_gemini, true, "its stream as one JSON array"},
    {"POST", "/models/", ":embedContent", NULL, &shape_gemini_embed, false, "Gemini embedding"},
    {"POST", "/models/", ":batchEmbedContents", NULL, &shape_gemini_embed_batch, false, "Gemini embeddings"},
    {"POST", "/models/", ":predict", NULL, &shape_vertex_predict, false, "Vertex AI embeddings"},
    {"POST", "/models/", ":countTokens", NULL, &shape_gemini_count, false, "Gemini token count"},
    {"POST", "", "/v1/chat", NULL, &shape_cohere_v1, false, "Cohere chat, version 1"},
    {"POST", "", "/v2/chat", NULL, &shape_cohere_v2, false, "Cohere chat, version 2"},
    {"POST", "", "/v1/embed", NULL, &shape_cohere_embed, false, "Cohere embeddings"},
    {"POST", "", "/v2/embed", NULL, &shape_cohere_embed, false, "the same"},
    {"POST", "/model/", "/converse", NULL, &shape_bedrock_converse, false, "Bedrock converse"},
    {"POST", "/model/", "/converse-stream", NULL, &shape_bedrock_converse, true, "its stream"},
    {"POST", "/model/", "/invoke", NULL, &shape_bedrock_invoke, false,
     "Bedrock invoke: Claude, Nova, embeddings"},
    {"POST", "/model/", "/invoke-with-response-stream", NULL, &shape_bedrock_invoke, true, "its stream"},
    {"POST", "/run/", "", NULL, &shape_workers_ai, false, "Workers AI"},
    {"GET", "", "/models", NULL, &shape_models, false, "models: OpenAI's, Anthropic's or Gemini's list"},
    {"GET", "/models/", "", NULL, &shape_model, false, "one model"},
};
const size_t n_routes = countof(routes);

const struct shape *shape_of_stranger(const struct request_head *head)
{
    static const struct {
        struct str sign;
        const struct shape *shape;
    } signs[] = {
        {S("/v1beta"), &shape_gemini},
        {S("/anthropic/"), &shape_anthropic},
        {S("/cohere/"), &shape_cohere_v2},
        {S("/v2/"), &shape_cohere_v2},
        {S("/bedrock"), &shape_bedrock_converse},
        {S("/model/"), &shape_bedrock_converse},
        {S("/ai/"), &shape_workers_ai},
        {S("/accounts/"), &shape_workers_ai},
    };
    if (headers_first(&head->headers, STR("anthropic-version")).p)
        return &shape_anthropic;
    if (headers_first(&head->headers, STR("x-goog-api-key")).p)
        return &shape_gemini;
    for (size_t i = 0; i < countof(signs); i++)
        if (str_has(head->path, signs[i].sign))
            return signs[i].shape;
    return &shape_chat;
}

const struct fault_names *fault_names(int status)
{
    static const struct fault_names names[] = {
        {400, "invalid_request_error", NULL, "invalid_request_error", "INVALID_ARGUMENT",
         "ValidationException", 5006},
        {401, "invalid_request_error", "invalid_api_key", "authentication_error", "UNAUTHENTICATED",
         "AccessDeniedException", 10000},
        {402, "insufficient_quota", "insufficient_quota", "billing_error", "FAILED_PRECONDITION",
         "ServiceQuotaExceededException", 3036},
        {403, "invalid_request_error", NULL, "permission_error", "PERMISSION_DENIED", "AccessDeniedException",
         5018},
        {404, "invalid_request_error", "model_not_found", "not_found_error", "NOT_FOUND",
         "ResourceNotFoundException", 7003},
        {408, "timeout", NULL, "timeout_error", "DEADLINE_EXCEEDED", "ModelTimeoutException", 3046},
        {413, "invalid_request_error", NULL, "request_too_large", "INVALID_ARGUMENT", "ValidationException",
         3006},
        {424, "server_error", NULL, "api_error", "FAILED_PRECONDITION", "ModelErrorException", 3040},
        {429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED",
         "ThrottlingException", 3040},
        {500, "server_error", NULL, "api_error", "INTERNAL", "InternalServerException", 3043},
        {503, "server_error", NULL, "overloaded_error", "UNAVAILABLE", "ServiceUnavailableException", 3040},
        {504, "server_error", NULL, "timeout_error", "DEADLINE_EXCEEDED", "ModelTimeoutException", 3046},
        {529, "server_error", NULL, "overloaded_error", "UNAVAILABLE", "ServiceUnavailableException", 3040},
    };
    const struct fault_names *other = &names[0];
    for (size_t i = 0; i < countof(names); i++) {
        if (names[i].status == status)
            return &names[i];
        if (status >= 500 && names[i].status == 500)
            other = &names[i];
    }
    return other;
}

/* ---- counts ---- */

unsigned count_one(const struct ask *q)
{
    (void)q;
    return 1;
}

unsigned count_text(const struct ask *q)
{
    return q->tool.n ? 0 : q->pieces;
}

unsigned count_args(const struct ask *q)
{
    return q->tool.n ? q->pieces : 0;
}

unsigned count_if_tool(const struct ask *q)
{
    return q->tool.n ? 1 : 0;
}

unsigned count_if_text(const struct ask *q)
{
    return q->tool.n ? 0 : 1;
}

/* ---- fields ---- */

void field_open(struct json_out *w, const char *key, char bracket)
{
    json_key(w, key);
    json_open(w, bracket);
}

struct str id_text(const struct ask *q, struct str prefix, char space[64])
{
    uint64_t words[2] = {q->hash, q->hash * 0x9e3779b97f4a7c15u};
    must(prefix.n <= 40);
    memcpy(space, prefix.p, prefix.n);
    hex_encode(space + prefix.n, words, 12);
    return str_of(space, prefix.n + 24);
}

void field_id(struct json_out *w, const char *key, struct str prefix, const struct ask *q)
{
    char space[64];
    json_add_str(w, key, id_text(q, prefix, space));
}

/* ---- text ---- */

static void append_filler(struct buf *out, size_t from, size_t to)
{
    static const struct str filler = S(MOCK_FILLER);
    while (from < to) {
        struct str rest = str_from(filler, from % filler.n);
        struct str some = str_head(rest, to - from);
        (void)buf_append(out, some); /* noted in buf.full */
        from += some.n;
    }
}

/* Bytes [from, to) of the text with its filler, as one JSON string. */
static void put_range(struct json_out *w, const struct ask *q, size_t from, size_t to)
{
    size_t own = to < q->said.n ? to : q->said.n;
    json_put_str(w, from < own ? str_of(q->said.p + from, own - from) : STR(""));
    size_t filler_from = from > q->said.n ? from : q->said.n;
    if (filler_from >= to || w->b->full)
        return;
    w->b->n--; /* the filler goes before the closing quote */
    append_filler(w->b, filler_from - q->said.n, to - q->said.n);
    (void)buf_append_byte(w->b, '"');
}

/* Where piece k begins: an even share, moved back to the start of a character. */
static size_t piece_start(const struct ask *q, unsigned k)
{
    if (k >= q->pieces)
        return q->said_bytes;
    size_t at = (size_t)((uint64_t)q->said_bytes * k / q->pieces);
    while (at > 0 && at < q->said.n && ((unsigned char)q->said.p[at] & 0xc0) == 0x80)
        at--;
    return at;
}

void put_whole(struct json_out *w, const struct ask *q)
{
    put_range(w, q, 0, q->said_bytes);
}

void put_piece(struct json_out *w, const struct ask *q, unsigned k)
{
    put_range(w, q, piece_start(q, k), piece_start(q, k + 1));
}

int64_t tokens_until(const struct ask *q, unsigned k)
{
    return k + 1 >= q->pieces ? q->tokens_out : tokens_of(piece_start(q, k + 1));
}

/* ---- numbers ---- */

/* Mixes a word into a hash: the finaliser of splitmix64. */
static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) + 0x9e3779b97f4a7c15u;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

uint64_t hash_bytes(struct str s, uint64_t seed)
{
    /* four lanes, so that a long body does not wait for one multiplication after another */
    uint64_t lanes[4] = {seed, ~seed, seed << 1, s.n}, words[4] = {0};
    while (s.n) {
        size_t n = s.n < sizeof(words) ? s.n : sizeof(words);
        memset(words, 0, sizeof(words));
        memcpy(words, s.p, n);
        for (size_t i = 0; i < countof(lanes); i++) {
            lanes[i] = (lanes[i] ^ words[i]) * 0x9e3779b97f4a7c15u;
            lanes[i] ^= lanes[i] >> 32;
        }
        s = str_from(s, n);
    }
    return mix(mix(lanes[0], lanes[1]), mix(lanes[2], lanes[3]));
}

/* Item i of a vector of about length 1, in ten-thousandths so that its text is short. */
static int vector_item(uint64_t seed, int64_t i, double scale)
{
    double r = (double)(mix(seed, (uint64_t)i) % 2001) / 1000 - 1;
    return (int)round(r * scale);
}

static double vector_scale(int64_t n)
{
    return 10000 * sqrt(3 / (double)n); /* the mean square of r is 1/3 */
}

int64_t vector_size(const struct json_val *asked, int64_t own)
{
    enum { MOST = 4096 };
    int64_t n;
    if (!json_uint(asked, &n))
        return own;
    return n < 1 || n > MOST ? MOST : n;
}

void put_vector(struct json_out *w, struct str text, int64_t n)
{
    uint64_t seed = hash_bytes(text, 1);
    double scale = vector_scale(n);
    json_open(w, '[');
    for (int64_t i = 0; i < n && !w->b->full; i++) {
        char number[16];
        int v = vector_item(seed, i, scale), size = v < 0 ? -v : v;
        int len = snprintf(number, sizeof(number), "%s%d.%04d", v < 0 ? "-" : "", size / 10000, size % 10000);
        json_put_raw(w, str_of(number, (size_t)len));
    }
    json_close(w, ']');
}

void put_vector_base64(struct json_out *w, struct str text, int64_t n)
{
    struct arena a;
    arena_init(&a, (size_t)n * 16 + 4 * KIB);
    float *v = arena_alloc(&a, (size_t)n * sizeof(float));
    must(v != NULL);
    uint64_t seed = hash_bytes(text, 1);
    double scale = vector_scale(n);
    for (int64_t i = 0; i < n; i++)
        v[i] = (float)vector_item(seed, i, scale) / 10000;
    json_put_str(w, base64_encode(&a, str_of((const char *)v, (size_t)n * sizeof(float))));
    arena_done(&a);
}

/* ---- framing of events ---- */

struct json_out sse_open(struct buf *out, struct str name)
{
    if (name.n) {
        (void)buf_append_c(out, "event: ");
        (void)buf_append(out, name);
        (void)buf_append_byte(out, '\n');
    }
    (void)buf_append_c(out, "data: ");
    struct json_out w = json_out(out);
    json_open(&w, '{');
    return w;
}

void sse_close(struct buf *out)
{
    (void)buf_append_c(out, "}\n\n");
}

void write_done(const struct ask *q, unsigned k, unsigned i, struct buf *out)
{
    (void)q, (void)k, (void)i;
    (void)buf_append_c(out, "data: [DONE]\n\n");
}

/* ---- the echo ---- */

static void put_headers(struct json_out *w, const struct headers *h)
{
    json_open(w, '[');
    for (unsigned i = 0; i < h->n; i++) {
        json_open(w, '[');
        json_put_str(w, h->v[i].name);
        json_put_str(w, h->v[i].value);
        json_close(w, ']');
    }
    json_close(w, ']');
}

static void write_echo(const struct ask *q, struct buf *out)
{
    unsigned char digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    sha256(q->body, digest);
    hex_encode(hex, digest, sizeof(digest));
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_add_str(&w, "method", q->head->method);
    json_add_str(&w, "target", q->head->target);
    json_key(&w, "headers");
    put_headers(&w, &q->head->headers);
    json_add_str(&w, "body_sha256", str_of(hex, sizeof(hex)));
    json_add_int(&w, "body_bytes", (int64_t)q->body.n);
    json_add_str(&w, "body", q->body.p ? str_head(q->body, MOCK_ECHO_BYTES) : STR(""));
    json_close(&w, '}');
}

struct str echo_text(const struct ask *q)
{
    struct buf b;
    buf_init(&b, 1 * MIB);
    write_echo(q, &b);
    struct str out = arena_dup(q->arena, b.full ? STR("{}") : buf_str(&b));
    buf_done(&b);
    return out;
}

const struct shape shape_echo = {
    .type = S("application/json"),
    .whole = write_echo,
    .fault = openai_fault,
    .any_body = true,
};
