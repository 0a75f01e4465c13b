/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the OpenAI chat completions codec share. Sources: the types of openai 6.49 and groq-sdk,
 * what
 * @ai-sdk/openai and @ai-sdk/openai-compatible accept, platform.openai.com (chat, errors), and for what
 * others added: api-docs.deepseek.com (reasoning_content), openrouter.ai (reasoning_details, images, files by
 * URL), docs.litellm.ai (thinking_blocks, cache_control), ai.google.dev (OpenAI compatibility:
 * extra_content), docs.mistral.ai (content as a list of chunks in answers).
 *
 *   codec_openai_chat.c         the codec; errors; pieces that requests and answers share
 *   codec_openai_chat_read.c    a request, read
 *   codec_openai_chat_write.c   a request, written: the conversation
 *   codec_openai_chat_params.c  a request, written: all else
 *   codec_openai_chat_answer.c  answers, whole and as streams, read
 *   codec_openai_chat_put.c     answers, whole and as streams, written
 *
 * Thoughts and signatures. The API has no place for them; what a client of weir sees, and sends back when it
 * puts the assistant's message into the next request as it came, is:
 *
 *   reasoning_content                       the thoughts' text, for people (and DeepSeek)
 *   reasoning_details                       a list, an item for each thought, in OpenRouter's form:
 *       {"type":"reasoning.text","index":0,"text":T,"signature":S,"id":I}   signature and id where there are
 * any
 *       {"type":"reasoning.encrypted","index":1,"data":S,"id":I}            a thought without readable text
 *   tool_calls[].extra_content.google.thought_signature   a call's signature, in Google's form
 *   extra_content.google.thought_signature                the text's signature, beside content
 *
 * In a stream the items come in pieces: those of one index belong together, their texts joined. When read,
 * reasoning_details stand for all the thoughts, else LiteLLM's thinking_blocks, else reasoning_content or
 * reasoning.
 */
#pragma once
#include "providers/codec.h"

/* ---- members that are read, and mostly written, as they are (codec_openai_chat_read.c) ---- */

enum chat_form { CHAT_NUMBER, CHAT_COUNT, CHAT_FLAG, CHAT_TEXT, CHAT_OBJECT, CHAT_BOOL };
struct chat_member {
    const char *key;
    enum chat_form form; /* struct str, int64_t, int, struct str, struct str, bool in struct ir_request */
    size_t at;
    bool by_hand;     /* the writer sees to it apart */
    unsigned refused; /* CODEC_...: by providers of that kind */
};
extern const struct chat_member chat_members[]; /* ended by key == NULL */

/* ---- codec_openai_chat.c ---- */

/* A whole number, also of a document that keeps its numbers as text. False, and nothing is written, for
 * anything else. */
bool chat_count(const struct json_val *v, int64_t *ret);

/*
 * The thoughts of a message, or those that a delta adds to.
 *
 *   struct chat_thoughts t = chat_thoughts(message);
 *   for (struct chat_thought th; chat_next_thought(&t, &th);) ...
 */
struct chat_thought {
    struct str text, signature, id; /* n == 0: none */
    bool redacted;                  /* no readable text: all of it is the signature */
    int64_t index;                  /* items of the same one are one thought; -1: none is said */
};
struct chat_thoughts {
    struct json_iter items;
    bool blocks;      /* LiteLLM's form */
    struct str plain; /* a text is all there is */
};
struct chat_thoughts chat_thoughts(const struct json_val *message);
bool chat_next_thought(struct chat_thoughts *t, struct chat_thought *ret);

/* extra_content.google.thought_signature; n == 0: none. */
struct str chat_signature(const struct json_val *holder);
/* The same, written as the next member of the object. */
void chat_put_signature(struct json_out *w, struct str signature);
/* An item of reasoning_details. id and signature only where they are not empty, text only where p != NULL. */
void chat_put_thought(struct json_out *w, const struct chat_thought *t);

/* {"url", "detail"} or a URL: url, or mime and data. False: not such, or a data URL in another form than
 * base64. */
bool chat_read_url(const struct json_val *v, struct ir_media *ret);
/* A part of type image_url or video_url; media has data or url. */
void chat_put_url(struct arena *a, struct json_out *w, const char *type, const struct ir_media *m);
/* "wav" for audio/wav and back. */
struct str chat_audio_format(struct str mime);
struct str chat_audio_mime(struct arena *a, struct str format);

/* A call's arguments as a JSON object's text: "" is {}, what is no object is put into one. p == NULL past the
 * cap. */
struct str chat_arguments(struct arena *a, struct str arguments);

enum ir_finish chat_finish(struct str reason);
/* calls: the answer has some; functions: the client knows function_call only. */
struct str chat_finish_reason(enum ir_finish f, bool calls, bool functions);

/* The value of "error", of an answer with that status; 0: inside a stream. */
void chat_read_error_value(struct arena *a, int status, const struct json_val *error, struct ir_error *ret);
/* {"message":..., "type":..., "param":..., "code":...} */
void chat_put_error(struct json_out *w, const struct ir_error *e);

/* ---- a request, being written (codec_openai_chat_write.c, codec_openai_chat_params.c) ---- */

struct chat_writing {
    struct arena *a;
    struct ir_request *r;
    const struct codec_ask *ask;
    struct str *why;
    struct json_out w;
    struct str orders; /* what stands for a format that the provider cannot be told; n == 0: none */
};

static inline bool chat_lacks(const struct chat_writing *q, unsigned quirk)
{
    return q->ask->quirks & quirk;
}

static inline void chat_drop(const struct chat_writing *q, const char *name)
{
    ir_drop(q->a, q->r, str_c(name));
}

/* "key":"text" */
static inline void chat_put(struct chat_writing *q, const char *key, struct str text)
{
    json_key(&q->w, key);
    json_put_str(&q->w, text);
}

/* Member cache_control. */
void chat_put_cache(struct chat_writing *q, enum ir_cache cache);
/* Decides q->orders. */
enum err chat_make_orders(struct chat_writing *q);
/* All members behind messages. */
void chat_put_params(struct chat_writing *q);

/* ---- the codec's functions, by file ---- */

enum err chat_read_request(struct arena *a, struct str body, struct str path, struct ir_request *ret,
                           struct str *ret_why);
enum err chat_write_request(struct arena *a, struct ir_request *r, const struct codec_ask *ask,
                            struct buf *out, struct str *ret_why);
enum err chat_read_answer(struct arena *a, struct str body,
                          void (*on_event)(void *arg, const struct ir_event *ev), void *arg);
enum err chat_read_sse(struct codec_reader *r, const struct sse_event *ev);
void chat_read_end(struct codec_reader *r);
enum err chat_write_answer(struct arena *a, const struct ir_answer *answer, const struct ir_request *request,
                           struct buf *out);
enum err chat_write_event(struct codec_writer *w, const struct ir_event *ev);
