/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Cohere v2 chat codec share. Sources: docs.cohere.com (the v2 chat reference, its
 * pages on streaming, tool use, structured outputs, reasoning, citations) and the types of cohere-ai 8.1.
 *
 *   codec_cohere.c               the codec; errors; finish reasons, usage, citations
 *   codec_cohere_read.c          a request read
 *   codec_cohere_write.c         a request written: messages and documents
 *   codec_cohere_params.c        a request written: tools, sampling, reasoning, output format
 *   codec_cohere_answer.c        whole answers
 *   codec_cohere_stream.c        streams read
 *   codec_cohere_stream_write.c  streams written
 *
 * What older models say before they call tools is a plan, beside the content; newer ones think, in the
 * content. Both are thinking in the neutral form. Documents of the request are files of the last user
 * message.
 */
#pragma once
#include "providers/codec_anthropic.h"

/* A model that plans (tool_plan) and does not know of thinking. */
bool cohere_plans(struct str model);

enum err cohere_read_request(struct arena *a, struct str body, struct str path, struct ir_request *ret,
                             struct str *ret_why);
/* Parts of the assistant, in a request and in an answer: tool_plan, content, tool_calls, citations. */
enum err cohere_read_assistant(struct arena *a, const struct json_val *message, const char *at,
                               struct ir_part **parts, struct str *ret_why);

struct cohere_request {
    struct arena *a;
    struct ir_request *r;
    const struct codec_ask *ask;
    struct json_out w;
    struct str *ret_why;
    struct str model;
    struct str order; /* for the system prompt: what there is no member for; p == NULL: nothing */
};
enum err cohere_write_request(struct arena *a, struct ir_request *r, const struct codec_ask *ask,
                              struct buf *out, struct str *ret_why);
/* Sets order; before anything is written. E_FULL past the arena's cap. */
enum err cohere_decide(struct cohere_request *q);
void cohere_put_rest(struct cohere_request *q);

/* An item of tool_calls. */
void cohere_put_call(struct json_out *w, const struct ir_part *call);

/* false: a reason that Cohere does not have. */
bool cohere_finish(struct str reason, enum ir_finish *ret);
/* calls: the answer has some; some dialects say "stop" then. */
struct str cohere_finish_reason(enum ir_finish finish, bool calls);
/* What is said where a blocked or broken answer says nothing: an ERROR without words is no answer. */
struct str cohere_excuse(enum ir_finish finish);
void cohere_put_usage(struct json_out *w, const struct usage *u);
enum err cohere_read_citation(struct arena *a, const struct json_val *v, struct ir_citation *ret);
void cohere_put_citation(struct json_out *w, const struct ir_citation *c, int64_t content_index);
/* OpenAI's array of entries from Cohere's list, or from one of its items; p == NULL: none, or past the cap.
 * And an item from an entry. */
struct str cohere_read_logprobs(struct arena *a, const struct json_val *v);
void cohere_put_logprob(struct json_out *w, const struct json_val *entry);
/* The error of an answer that ended with ERROR or TIMEOUT; message may be absent. */
struct ir_error cohere_ended_badly(struct str reason, struct str message);

enum err cohere_read_answer(struct arena *a, struct str body,
                            void (*on_event)(void *arg, const struct ir_event *ev), void *arg);
enum err cohere_write_answer(struct arena *a, const struct ir_answer *answer,
                             const struct ir_request *request, struct buf *out);
enum err cohere_read_sse(struct codec_reader *r, const struct sse_event *ev);
void cohere_read_end(struct codec_reader *r);
enum err cohere_write_event(struct codec_writer *w, const struct ir_event *ev);
