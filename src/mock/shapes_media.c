/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAI's images, speech and transcriptions: small, and right in form. */
#include "base/limits.h"
#include "mock/shape.h"

/* A PNG of one transparent pixel. */
static const struct str pixel = S("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhf"
                                  "DwAChwGA60e6kgAAAABJRU5ErkJggg==");

enum { IMAGE_TOKENS = 272, SPEECH_BYTES = 4096, SECOND_OF_AUDIO_TOKENS = 10 };

static void images_whole(const struct ask *q, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_add_raw(&w, "created", STR(MOCK_CREATED));
    field_open(&w, "data", '[');
    json_open(&w, '{');
    json_add_str(&w, "b64_json", pixel);
    json_close(&w, '}');
    json_close(&w, ']');
    field_open(&w, "usage", '{');
    json_add_int(&w, "input_tokens", q->tokens_in);
    field_open(&w, "input_tokens_details", '{');
    json_add_raw(&w, "image_tokens", STR("0"));
    json_add_int(&w, "text_tokens", q->tokens_in);
    json_close(&w, '}');
    json_add_int(&w, "output_tokens", IMAGE_TOKENS);
    json_add_int(&w, "total_tokens", q->tokens_in + IMAGE_TOKENS);
    json_close(&w, '}');
    json_close(&w, '}');
}

const struct shape shape_images = {
    .type = S("application/json"),
    .id_header = S("x-request-id"),
    .whole = images_whole,
    .fault = openai_fault,
};

/* An MP3's tag and then every byte value in turn: what a gateway must pass on unharmed. */
static void speech_whole(const struct ask *q, struct buf *out)
{
    static const char tag[] = "ID3\x04\0\0\0\0\0\0";
    size_t n = q->how.big >= 0 ? (size_t)q->how.big : SPEECH_BYTES;
    char *p = buf_room(out, n);
    if (!p)
        return;
    for (size_t i = 0; i < n; i++)
        p[i] = i < sizeof(tag) - 1 ? tag[i] : (char)(unsigned char)(i + q->hash);
    buf_grew(out, n);
}

const struct shape shape_speech = {
    .type = S("audio/mpeg"),
    .id_header = S("x-request-id"),
    .whole = speech_whole,
    .fault = openai_fault,
};

static void transcription_whole(const struct ask *q, struct buf *out)
{
    int64_t audio = 1 + (int64_t)(q->body.n / (32 * KIB)) * SECOND_OF_AUDIO_TOKENS;
    struct str text = STR("This is the mock provider: it has no ears.");
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_add_str(&w, "text", text);
    field_open(&w, "usage", '{');
    json_add_str(&w, "type", STR("tokens"));
    json_add_int(&w, "input_tokens", audio);
    field_open(&w, "input_token_details", '{');
    json_add_raw(&w, "text_tokens", STR("0"));
    json_add_int(&w, "audio_tokens", audio);
    json_close(&w, '}');
    json_add_int(&w, "output_tokens", tokens_of(text.n));
    json_add_int(&w, "total_tokens", audio + tokens_of(text.n));
    json_close(&w, '}');
    json_close(&w, '}');
}

const struct shape shape_transcription = {
    .type = S("application/json"),
    .id_header = S("x-request-id"),
    .whole = transcription_whole,
    .fault = openai_fault,
    .any_body = true,
};
