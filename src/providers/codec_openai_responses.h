/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the OpenAI Responses codec share. Sources: developers.openai.com (API reference of
 * responses and of their streaming events, file inputs, reasoning), the types of openai 6.49 and what its
 * responses.stream() and @ai-sdk/openai 4.0 accept.
 *
 *   codec_openai_responses.c           the codec; errors
 *   codec_openai_responses_read.c      a request's input, read
 *   codec_openai_responses_write.c     a request's input, written
 *   codec_openai_responses_settings.c  everything else in a request, both ways
 *   codec_openai_responses_answer.c    answers, whole and as streams, read
 *   codec_openai_responses_put.c       a response object and its items, written
 *   codec_openai_responses_stream.c    a stream, written
 *
 * An answer is a list of items (reasoning, message, function_call, ...), and clients send them back as they
 * came. One message of the neutral form is a run of the assistant's items.
 *
 * Reasoning items. What a provider of this dialect gave has an id and opaque encrypted_content, and goes back
 * to such a provider with both. The thoughts of others travel to clients of this dialect in items with an id
 * that begins with RESPONSES_OWN_ID: it is not kept when they come back, so that a thought with an id is one
 * that this dialect's providers can take. Whether there never was a readable text, or it was only left out,
 * is said by the id as well. A signature that is not a thought's (Gemini signs calls and texts) follows its
 * item as one without a summary, RESPONSES_OF_LAST in front of it.
 */
#pragma once
#include "providers/codec.h"

#define RESPONSES_OWN_ID "rs_weir_"
#define RESPONSES_OWN_REDACTED "rs_weir_redacted_"
#define RESPONSES_OF_LAST "weir:"

/* ---- codec_openai_responses_read.c ---- */

/* What is being read. */
struct responses_reading {
    struct arena *a;
    struct ir_request *r;
    struct str *ret_why;
    size_t item;             /* of the input, for *ret_why */
    struct ir_message *turn; /* the assistant's, as long as its items follow each other */
    struct ir_part *last;    /* of turn */
};

/* An annotation of output text. E_FULL past the arena's cap. */
enum err responses_read_annotation(struct arena *a, const struct json_val *v, struct ir_citation *ret);
/* The thoughts of a reasoning item: its summary, and its content where models show that, blank lines between
 * the pieces; n == 0: none. p == NULL: past the arena's cap. */
struct str responses_thoughts(struct arena *a, const struct json_val *item);
/* An item's id, as the neutral form keeps it; p == NULL: it has none, or one of ours. */
struct str responses_thought_id(const struct json_val *item);
/* Is there nothing readable in the thought, whose text is this? */
bool responses_is_redacted(const struct json_val *item, struct str text);
/* The picture of an image_generation_call; p == NULL as its data: there is none. */
struct ir_media responses_picture(struct arena *a, const struct json_val *item);
enum err responses_read_request(struct arena *a, struct str body, struct str path, struct ir_request *ret,
                                struct str *ret_why);

/* ---- codec_openai_responses_write.c ---- */

/* What is being written. */
struct responses_writing {
    struct arena *a;
    struct ir_request *r;
    const struct codec_ask *ask;
    struct str *ret_why;
    struct json_out w;
    bool open; /* a message item and its content */
};

enum err responses_write_request(struct arena *a, struct ir_request *r, const struct codec_ask *ask,
                                 struct buf *out, struct str *ret_why);
/* "key":"value"; an absent value is an empty string. */
void responses_put(struct json_out *w, const char *key, struct str value);
/* The text part's annotations, as an array. */
void responses_put_annotations(struct json_out *w, const struct ir_part *text);
void responses_put_annotation(struct json_out *w, const struct ir_part *text, const struct ir_citation *c);

/* ---- codec_openai_responses_settings.c ---- */

/* Everything but the input and the instructions. */
enum err responses_read_settings(struct responses_reading *q, const struct json_val *root);
/* The same, and notes what cannot be said. */
void responses_put_settings(struct responses_writing *q);
/* Members that requests and responses share, the values without their keys. */
void responses_put_tools(struct json_out *w, const struct ir_request *r, unsigned quirks);
void responses_put_choice(struct json_out *w, const struct ir_request *r);
void responses_put_format(struct json_out *w, const struct ir_request *r);
/* The effort that a request asks for, in this dialect's words; p == NULL: it says nothing. */
struct str responses_effort(const struct ir_request *r);

/* ---- codec_openai_responses_answer.c ---- */

enum err responses_read_answer(struct arena *a, struct str body,
                               void (*on_event)(void *arg, const struct ir_event *ev), void *arg);
enum err responses_read_sse(struct codec_reader *r, const struct sse_event *ev);
void responses_read_end(struct codec_reader *r);

/* ---- codec_openai_responses_put.c ---- */

enum { RESPONSES_ID = 80 };

/* An answer on its way out; only its first choice can be said. */
struct responses_answer {
    const struct ir_answer *answer;
    const struct ir_request *request;
    struct str id, model; /* never empty */
    int64_t created;
};
/* Makes up what the provider did not tell: id, time; E_FULL past the arena's cap. */
enum err responses_answer_init(struct responses_answer *y, struct arena *a, const struct ir_answer *answer,
                               const struct ir_request *request);
/* The parts of the first choice, or NULL. */
const struct ir_part *responses_parts(const struct responses_answer *y);
/* Can this dialect say it in an answer? */
bool responses_is_said(const struct ir_part *p);
/* Is the item that ends with this part followed by one with its signature? */
bool responses_has_follower(const struct ir_part *last);
/* The item's id, made of the response's and its index; the text is in buf. */
struct str responses_item_id(const struct responses_answer *y, const struct ir_part *first, size_t index,
                             char buf[RESPONSES_ID]);
/* The whole item; status: "in_progress" for one without its content yet. */
void responses_put_item(struct json_out *w, const struct responses_answer *y, const struct ir_part *first,
                        size_t index, struct str status);
/* The item that carries the signature of a part before it. */
void responses_put_follower(struct json_out *w, const struct responses_answer *y, const struct ir_part *of,
                            size_t index);
/* A text or a refusal as a content part; empty: as it is when it begins. */
void responses_put_content(struct json_out *w, const struct responses_answer *y, const struct ir_part *p,
                           bool empty);
/* Raw array of the log probabilities of this text part; all of an answer's stand with its first text. */
struct str responses_logprobs(const struct responses_answer *y, const struct ir_part *p);
/* The response object. error: of a failed one, else NULL. begun: one whose answer is still to come. */
void responses_put_response(struct json_out *w, const struct responses_answer *y, bool begun,
                            const struct ir_error *error);
/* "completed" or "incomplete", by the answer's finish reason. */
struct str responses_status(const struct responses_answer *y);
enum err responses_write_answer(struct arena *a, const struct ir_answer *answer,
                                const struct ir_request *request, struct buf *out);

/* ---- codec_openai_responses_stream.c ---- */

enum err responses_write_event(struct codec_writer *w, const struct ir_event *ev);

/* ---- codec_openai_responses.c ---- */

/* The error in an object with message, type, code and param; status 0: it is read from type and code. Strs
 * are views of v. */
void responses_error_of(const struct json_val *v, int status, struct ir_error *ret);
/* Members of an error object: message, type, param, code. */
void responses_put_error(struct json_out *w, const struct ir_error *e);
/* The error's code, or what stands for its kind. */
struct str responses_error_code(const struct ir_error *e);
