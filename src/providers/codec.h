/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A codec speaks one dialect in both directions: requests, whole answers, streams, errors. The gateway
 * translates with two of them, the client's and the provider's; when both are the same nothing is
 * translated at all. Codecs do no I/O, never block and allocate from the arena they are given (writers append
 * to a buf). One file each; codec_of finds them.
 */
#pragma once
#include "providers/ir.h"
#include "http/http.h"

/* What a codec must know of the other side: quirks of a provider within its dialect. */
enum {
    CODEC_MAX_COMPLETION_TOKENS = 1, /* OpenAI's own models: max_completion_tokens instead of max_tokens */
    CODEC_NO_DEVELOPER = 2,          /* has no role "developer": system instead */
    CODEC_NO_STREAM_OPTIONS = 4,     /* refuses stream_options */
    CODEC_NO_STRICT = 8,             /* refuses "strict" in tools */
    CODEC_NO_JSON_SCHEMA = 16,       /* json_schema is emulated: json_object and words in the system prompt */
    CODEC_SYSTEM_FIRST = 32,         /* one system message, and at the start (Mistral, Perplexity) */
    CODEC_NO_PARALLEL = 64,          /* refuses parallel_tool_calls */
    CODEC_NO_EXTENSIONS = 128, /* refuses what OpenAI's own API does not know: thoughts and signatures in
                                  messages, cache_control, top_k, video */
    CODEC_EXTRA_CONTENT = 256, /* takes signatures in extra_content all the same (Google) */
    CODEC_RANDOM_SEED = 512,   /* seed is random_seed; user, logprobs, logit_bias, store, verbosity and audio
                                  are   refused (Mistral) */
    CODEC_MAX_TOKENS = 1024,   /* knows max_tokens only, not max_completion_tokens */
};

struct codec_ask {
    struct str model; /* to be written in place of the request's; the provider's own name */
    unsigned quirks;  /* CODEC_... */
};

/* State of a stream being read: one for each answer. feed and end call on_event, never for an answer's end
 * twice. */
struct codec_reader {
    const struct codec *codec;
    struct arena *arena; /* for what must outlive a call: small, whatever the stream's length */
    void (*on_event)(void *arg, const struct ir_event *ev);
    void *arg;
    bool started, ended;
    void *state; /* the codec's own, in the arena */
};

/* State of a stream being written. */
struct codec_writer {
    const struct codec *codec;
    struct arena *arena;
    struct buf *out;                  /* bytes for the client; the caller takes them away after each call */
    const struct ir_request *request; /* what the client asked: stream_usage, model for display */
    bool started, ended;
    void *state;
};

struct codec {
    enum dialect dialect;
    const char *name;       /* in messages: "OpenAI chat" */
    struct str stream_type; /* content type of a stream: "text/event-stream", ... */

    /* E_SYNTAX with *ret_why (in the arena: which member, what is wrong) for a body that is not a request of
     * this dialect; E_FULL past the arena's cap. ret->doc keeps the parsed body for the strs that are views
     * of it: also after an error ir_request_done is the caller's. Unknown members are noted with ir_drop.
     * path: of the client's URL, where the dialect keeps the model or the stream flag there (Gemini,
     * Bedrock). */
    enum err (*read_request)(struct arena *a, struct str body, struct str path, struct ir_request *ret,
                             struct str *ret_why);
    /* Appends the body. Notes what cannot be said with ir_drop. E_SYNTAX with *ret_why for what must be said
     * and cannot (an image URL where only data goes, ...). */
    enum err (*write_request)(struct arena *a, struct ir_request *r, const struct codec_ask *ask,
                              struct buf *out, struct str *ret_why);

    /* A whole answer with a success status, as events, END included. E_SYNTAX: not an answer of this dialect
     * (no event was given then, or an ERROR event where a success status carries an error). */
    enum err (*read_answer)(struct arena *a, struct str body,
                            void (*on_event)(void *arg, const struct ir_event *ev), void *arg);
    enum err (*write_answer)(struct arena *a, const struct ir_answer *answer,
                             const struct ir_request *request, struct buf *out);

    /* Streams. sse: one server-sent event; frame: one AWS frame (Bedrock only); reader->state was NULL at
     * first. E_SYNTAX: what came is not of this dialect; the stream is broken. end: the bytes ended; gives
     * END when the stream had come to its own end, else ERROR (kind SERVER, "The stream ended early"). */
    enum err (*read_sse)(struct codec_reader *r, const struct sse_event *ev);
    enum err (*read_frame)(struct codec_reader *r, const struct aws_frame *f);
    void (*read_end)(struct codec_reader *r);
    /* Steady deltas allocate nothing beyond the out buffer. E_FULL past the arena's cap. */
    enum err (*write_event)(struct codec_writer *w, const struct ir_event *ev);

    /* An error answer's body. read_error: never fails, a body that cannot be read gives the status's kind and
     * the body's first bytes, or the status phrase, as message. write_error: the whole body. */
    void (*read_error)(struct arena *a, int status, struct str body, struct ir_error *ret);
    void (*write_error)(const struct ir_error *e, struct buf *out);
    /* The status that this dialect's clients expect for the error (529 is Anthropic's only). */
    int (*error_status)(const struct ir_error *e);
};

extern const struct codec codec_openai_chat, codec_openai_responses, codec_anthropic, codec_gemini,
    codec_bedrock_converse, codec_cohere_v2;

/* NULL: no codec speaks it. */
const struct codec *codec_of(enum dialect d);

/* ---- for codecs ---- */
void codec_emit(struct codec_reader *r, const struct ir_event *ev); /* keeps started and ended */
/* E_SYNTAX with a formatted *ret_why in the arena, at most 255 bytes of it. */
enum err codec_refuse(struct arena *a, struct str *ret_why, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The first step of read_request: *ret is "not said", and its doc the body, an object whose numbers are text.
 * E_SYNTAX, with *ret_why, when it is none. */
enum err codec_read_body(struct arena *a, struct str body, struct ir_request *ret,
                         struct str *ret_why) MUST_CHECK;
/* The raw text of a parsed value, written compactly into the arena; p == NULL for JSON_NONE or past the cap.
 */
struct str codec_raw(struct arena *a, const struct json_val *v);
/* Raw text of a number or string member; p == NULL when absent, null, or of another type. */
struct str codec_number(struct arena *a, const struct json_val *object, const char *key);
struct str codec_text(const struct json_val *object, const char *key);
/* A whole number, also of a document that keeps its numbers as text; -1 for anything else. */
int64_t codec_int(const struct json_val *v);
/* -1 absent or null, else 0 or 1. */
int codec_bool(const struct json_val *object, const char *key);
/* Notes all members of object that are not in the NULL-ended list. */
void codec_note_unknown(struct arena *a, struct ir_request *r, const struct json_val *object,
                        const char *const *known);
/* What the body of an error says that is not in the dialect's form, by somebody between here and there, or
 * the status phrase. In the arena, or static. */
struct str codec_error_text(struct arena *a, enum dialect d, int status, struct str body);
/* Text that is collected from pieces: all zeros at first. The arena keeps what is outgrown. add appends, set
 * puts s in place of all before: E_FULL past the arena's cap. The text is a view, until the next of them. */
struct codec_pile {
    char *p;
    size_t n, cap;
};
enum err codec_pile_add(struct arena *a, struct codec_pile *b, struct str more) MUST_CHECK;
enum err codec_pile_set(struct arena *a, struct codec_pile *b, struct str s) MUST_CHECK;
struct str codec_pile_str(const struct codec_pile *b);
/* Memory for unescaping one text after another; zeroed at first. */
struct codec_scratch {
    char *p;
    size_t cap;
};
/* The text of a raw JSON string: a view of it where nothing is escaped, else a copy that lasts until the next
 * call. The arena is asked only for a text longer than all before. E_SYNTAX when it is no string, E_FULL. */
enum err codec_unescape(struct arena *a, struct codec_scratch *s, struct str raw, struct str *ret) MUST_CHECK;
/* The raw value of a member of a raw object, by json_walk; p == NULL: none. */
struct str codec_raw_member(struct str object, const char *key);
