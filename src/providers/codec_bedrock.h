/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Bedrock Converse codec share. Sources: the Converse and ConverseStream operations and
 * their data types in Amazon's API reference, the user guide's pages on tools, prompt caching, reasoning and
 * structured outputs, and the types of @aws-sdk/client-bedrock-runtime 3.1162.
 *
 *   codec_bedrock.c         the codec; errors; names of formats; what is known about models
 *   codec_bedrock_read.c    a request, and content blocks, read
 *   codec_bedrock_write.c   a request written: messages and system
 *   codec_bedrock_params.c  a request written: tools, sampling, reasoning, output format
 *   codec_bedrock_answer.c  whole answers
 *   codec_bedrock_stream.c  streams, which are AWS frames, read; and in codec_bedrock_stream_write.c written
 *
 * Claudes on Bedrock refuse and take what they do elsewhere, so what was found out for them is asked of the
 * Anthropic codec. Answers have no id and name no model: START has neither.
 */
#pragma once
#include "providers/codec_anthropic.h"

/* ---- names of formats (codec_bedrock.c) ---- */

/* "image/png" for "png"; p == NULL: unknown. And back: p == NULL where Bedrock has none. */
struct str bedrock_mime(enum ir_kind kind, struct str format);
struct str bedrock_format(enum ir_kind kind, struct str mime);

/* ---- models (codec_bedrock.c) ---- */

enum {
    BEDROCK_CLAUDE = 1 << 0,   /* members of Anthropic's own go into additionalModelRequestFields */
    BEDROCK_SCHEMA = 1 << 1,   /* outputConfig.textFormat, strict tools */
    BEDROCK_CACHE = 1 << 2,    /* cachePoint */
    BEDROCK_NOVA = 1 << 3,     /* inferenceConfig.topK among the additional fields */
    BEDROCK_REASONS = 1 << 4,  /* reasoningConfig.maxReasoningEffort there */
    BEDROCK_EFFORT = 1 << 5,   /* reasoning_effort there */
    BEDROCK_TOP_K = 1 << 6,    /* top_k there */
    BEDROCK_UNSIGNED = 1 << 7, /* takes back reasoning that nobody signed */
};
unsigned bedrock_traits(struct str model);

/* ---- signatures of others ----
 *
 * Those of thinking blocks stand where a block's own would. All else that another dialect wants to see again
 * is a redactedContent block of its own, the base64 of anthropic_tag's text: behind the block it belongs to,
 * or, for thinking that nobody can read, with its id ("-" where it has none and is not base64 itself). */
struct str bedrock_redacted(struct arena *a, const struct ir_part *p);
/* What a redactedContent is. *ret_behind: a signature of the block before it. */
enum err bedrock_read_redacted(struct arena *a, struct str content, struct ir_part *ret, bool *ret_behind);

/* ---- reading (codec_bedrock_read.c) ---- */

struct bedrock_blocks {
    struct arena *a;
    struct ir_request *r;    /* for notes; NULL: an answer */
    struct ir_part *parts;   /* read so far */
    struct ir_part *results; /* the same, those of kind TOOL_RESULT; only with `user` */
    bool user;               /* false: results are what the provider's own tools gave */
    const char *at;          /* where, for *ret_why */
    struct str *ret_why;
};
enum err bedrock_read_blocks(struct bedrock_blocks *b, const struct json_val *list);
enum err bedrock_read_citation(struct arena *a, const struct json_val *v, struct ir_citation *ret);
enum err bedrock_read_request(struct arena *a, struct str body, struct str path, struct ir_request *ret,
                              struct str *ret_why);

/* ---- writing (codec_bedrock_write.c, codec_bedrock_params.c) ---- */

struct bedrock_request {
    struct anthropic_request q; /* w, and what anthropic_decide decides */
    unsigned traits;
    const char *role;   /* of the message that is being written; NULL: none */
    size_t messages;    /* written */
    unsigned documents; /* without a name, so far */
};
/* Before anything is written; and tools, sampling and the rest. */
enum err bedrock_decide(struct bedrock_request *q);
enum err bedrock_put_tools(struct bedrock_request *q);
void bedrock_put_rest(struct bedrock_request *q);
void bedrock_put_cache(struct bedrock_request *q, enum ir_cache cache);
enum err bedrock_write_request(struct arena *a, struct ir_request *r, const struct codec_ask *ask,
                               struct buf *out, struct str *ret_why);
/* {"KEY": {... and its end */
void bedrock_open(struct json_out *w, const char *key);
void bedrock_close(struct json_out *w);
/* A block toolUse; input is a JSON object. */
void bedrock_put_call(struct json_out *w, struct str id, struct str name, struct str input);
/* Members format and source. False: neither the bytes nor a place in S3 are known. */
bool bedrock_put_media(struct json_out *w, const struct ir_part *p, struct str format);

/* ---- answers (codec_bedrock_answer.c, codec_bedrock_stream.c) ---- */

enum ir_finish bedrock_finish(struct str stop_reason);
/* calls: the answer has some; some dialects say "stop" then. */
struct str bedrock_stop_reason(enum ir_finish finish, bool calls);
/* What stands for media that the answer cannot have: a transcript, an address; p == NULL: nothing does. */
struct str bedrock_media_text(const struct ir_part *p);
void bedrock_put_usage(struct json_out *w, const struct usage *u); /* the value */
void bedrock_put_citation(struct json_out *w, const struct ir_citation *c);
enum err bedrock_read_answer(struct arena *a, struct str body,
                             void (*on_event)(void *arg, const struct ir_event *ev), void *arg);
enum err bedrock_write_answer(struct arena *a, const struct ir_answer *answer,
                              const struct ir_request *request, struct buf *out);
enum err bedrock_read_frame(struct codec_reader *r, const struct aws_frame *f);
void bedrock_read_end(struct codec_reader *r);
enum err bedrock_write_event(struct codec_writer *w, const struct ir_event *ev);

/* ---- errors (codec_bedrock.c) ---- */

/* By the name of the exception; status 0: by that too. */
void bedrock_error_of(struct str type, struct str message, int status, struct ir_error *ret);
