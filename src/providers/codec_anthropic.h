/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Anthropic Messages codec share. Sources: platform.claude.com/docs (Messages, errors,
 * thinking, structured outputs, mid-conversation system messages, what is new in each model) and the types of
 * @anthropic-ai/sdk 0.137 and 1.11.
 *
 *   codec_anthropic.c         the codec; errors; what models refuse; pieces that requests and answers share
 *   codec_anthropic_read.c    a request, and content blocks, read
 *   codec_anthropic_write.c   a request written: system, messages, content blocks
 *   codec_anthropic_params.c  a request written: tools, thinking, output format, sampling
 *   codec_anthropic_schema.c  JSON schemas made such that the API takes them
 *   codec_anthropic_answer.c  whole answers
 *   codec_anthropic_stream.c, codec_anthropic_stream_write.c
 */
#pragma once
#include "providers/codec.h"

/* ---- what a model takes (codec_anthropic.c) ---- */

enum {
    CLAUDE_SAMPLING = 1 << 0,      /* temperature, top_p, top_k */
    CLAUDE_SAMPLING_BOTH = 1 << 1, /* temperature and top_p in one request */
    CLAUDE_THINKING = 1 << 2,      /* thinking at all */
    CLAUDE_BUDGET = 1 << 3,        /* thinking with budget_tokens */
    CLAUDE_ADAPTIVE = 1 << 4,      /* thinking as much as the model sees fit */
    CLAUDE_THINKS = 1 << 5,        /* thinks without being asked to */
    CLAUDE_QUIET = 1 << 6,         /* thinking can be switched off */
    CLAUDE_BETWEEN = 1 << 7,       /* the least it can think is "between_tools" */
    CLAUDE_FORCED = 1 << 8,        /* tool_choice any and tool */
    CLAUDE_EFFORT = 1 << 9,        /* output_config.effort, up to "high" */
    CLAUDE_EFFORT_MAX = 1 << 10,   /* "max" */
    CLAUDE_EFFORT_XHIGH = 1 << 11, /* "xhigh" */
    CLAUDE_SCHEMA = 1 << 12,       /* output_config.format, strict tools */
    CLAUDE_SYSTEM = 1 << 13,       /* role "system" inside messages */
};
/* By the model's name, in whatever spelling (dates, dots, prefixes of clouds). A Claude whose version cannot
 * be read is a new one; a model that is not a Claude (others speak this dialect too) takes what the first
 * thinking Claudes took. */
unsigned claude_traits(struct str model);

/* ---- signatures of others (codec_anthropic.c) ----
 *
 * A signature lives in a thinking block here. What has none here, but elsewhere (a tool call's, a text's),
 * and a thinking item's id, travel inside the opaque text: "weir:ID:SIGNATURE". Without an id it is a
 * redacted_thinking block and belongs to the block before it. */
struct str anthropic_tag(struct arena *a, struct str id, struct str signature);
/* False for a text without a tag: it is Anthropic's own. */
bool anthropic_untag(struct str text, struct str *ret_id, struct str *ret_signature);

/* ---- reading (codec_anthropic_read.c) ---- */

/* The content blocks of a message: tool results are put into *results, everything else into *parts (the same
 * list is fine). results == NULL: of an answer, where there are no results, pictures and documents. `at`:
 * where, for *ret_why. */
enum err anthropic_read_blocks(struct arena *a, const struct json_val *blocks, struct ir_part **parts,
                               struct ir_part **results, const char *at, struct str *ret_why);
enum err anthropic_read_citation(struct arena *a, const struct json_val *v, struct ir_citation *ret);
enum err anthropic_read_request(struct arena *a, struct str body, struct str path, struct ir_request *ret,
                                struct str *ret_why);

/* ---- writing (codec_anthropic_write.c, codec_anthropic_params.c, codec_anthropic_schema.c) ---- */

struct anthropic_request {
    struct arena *a;
    struct ir_request *r;
    const struct codec_ask *ask;
    struct json_out w;
    struct str *ret_why;
    unsigned traits;
    int marks_over;        /* cache breakpoints that must be left out */
    bool marked_5m;        /* from here on no longer breakpoint may come */
    bool open;             /* a message is being written */
    size_t messages;       /* written */
    struct ir_strs orders; /* sentences for the system prompt: what the API has no member for */
    struct str schema;     /* of the answer, as the API takes it; p == NULL: by words */
    enum { THINK_UNSAID, THINK_OFF, THINK_BETWEEN, THINK_ADAPTIVE, THINK_BUDGET } think;
    int64_t budget, max_tokens;
    struct str effort; /* p == NULL: none */
    bool forced;       /* tool_choice any or tool */
};
/* Decides thinking, effort, forced tools, the answer's format, and max_tokens. */
enum err anthropic_decide(struct anthropic_request *q);
/* Members tools and tool_choice; and all behind messages. */
enum err anthropic_put_tools(struct anthropic_request *q);
void anthropic_put_rest(struct anthropic_request *q);
/* Member cache_control, unless there are too many of them. */
void anthropic_put_cache(struct anthropic_request *q, enum ir_cache cache);
enum err anthropic_write_request(struct arena *a, struct ir_request *r, const struct codec_ask *ask,
                                 struct buf *out, struct str *ret_why);
/* A tool call's arguments as the JSON object that the API wants: "" is {}, what is no object is wrapped into
 * one and *ret_wrapped set. p == NULL past the cap. */
struct str anthropic_arguments(struct arena *a, struct str arguments, bool *ret_wrapped);
/* The id of a call in letters that the API takes. */
struct str anthropic_call_id(struct arena *a, struct str id);
/* The schema without what the API refuses: constraints go into descriptions, objects are closed. p == NULL:
 * cannot be said (open maps, recursion), or not a schema, or past the cap. */
struct str anthropic_schema(struct arena *a, struct str schema);

/* ---- answers (codec_anthropic_answer.c, codec_anthropic_stream.c, codec_anthropic_stream_write.c) ---- */

void anthropic_put_usage(struct json_out *w, const struct usage *u); /* NULL: zeros, for the type's sake */
void anthropic_put_citation(struct json_out *w, const struct ir_citation *c);
/* The text that stands for a picture or a sound, which answers here do not have: a transcript, a URL, a data
 * URL. p == NULL past the cap. */
struct str anthropic_media_text(struct arena *a, const struct ir_part *p);
enum ir_finish anthropic_finish(struct str stop_reason);
/* Members stop_reason and stop_sequence. calls, refused: what the answer held; some dialects say "stop" then.
 */
void anthropic_put_stop(struct json_out *w, enum ir_finish finish, struct str sequence, bool calls,
                        bool refused);
enum err anthropic_read_answer(struct arena *a, struct str body,
                               void (*on_event)(void *arg, const struct ir_event *ev), void *arg);
enum err anthropic_write_answer(struct arena *a, const struct ir_answer *answer,
                                const struct ir_request *request, struct buf *out);
enum err anthropic_read_sse(struct codec_reader *r, const struct sse_event *ev);
void anthropic_read_end(struct codec_reader *r);
enum err anthropic_write_event(struct codec_writer *w, const struct ir_event *ev);

/* ---- errors (codec_anthropic.c) ---- */

/* The object {"type":"error",...} of an answer's body or of a stream's event. status 0: by its type. */
void anthropic_error_of(struct arena *a, const struct json_val *v, int status, struct ir_error *ret);
void anthropic_put_error(struct json_out *w, const struct ir_error *e);
