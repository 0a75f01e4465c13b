/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage: what a provider's answer says about tokens, read from whole JSON bodies, server-sent
 * events and AWS event-stream frames. The meaning of each provider's numbers is normalised here, so
 * that the rest of the program knows one form:
 *
 *   input  = everything that went in, cached reads and cache writes included
 *   output = everything that came out, reasoning included
 *
 * Pure; one thread at a time. Reads only where the dialect puts usage: text or tool arguments that
 * look like usage are not read.
 */
#pragma once
#include "http/sse.h"
#include "providers/provider.h"

enum { USAGE_MODEL_BYTES = 128, USAGE_ERROR_BYTES = 256 };

struct usage {
    bool known; /* the provider reported usage; otherwise all counts are meaningless */
    int64_t input, output;
    int64_t cached;                /* part of input: read from a cache */
    int64_t cache_write;           /* part of input: written, both durations; cached + cache_write <= input */
    int64_t cache_write_1h;        /* part of cache_write */
    int64_t reasoning;             /* part of output */
    int64_t audio_in, audio_out;   /* parts of input and output */
    int64_t cached_audio;          /* part of cached and of audio_in */
    int64_t image_in, image_out;   /* parts of input and output, apart from audio */
    bool has_cost;                 /* the provider reported what it charged */
    int64_t cost_pico;             /* in pico-dollars */
    char model[USAGE_MODEL_BYTES]; /* the model the answer names, "" when none; NUL-terminated. Not read
                                    * from Bedrock, whose answers name it without the prefix that prices go by
                                    */
};

struct meter {
    const struct provider *provider; /* NULL: one without quirks */
    enum dialect dialect;
    struct usage usage;
    int64_t raw[24];      /* last values of the fields (enum raw), before normalising; -1: never seen */
    double raw_cost;      /* last usage.cost in USD, -1: never seen */
    uint32_t tails;       /* last letters of the keys that matter, a bit each */
    unsigned model_looks; /* events that were read to find the model's name */
    bool error;           /* the answer, or an event of its stream, reports an error */
    bool complete;        /* the stream's own end mark was seen ([DONE], message_stop, finish reason, ...) */
    char error_text[USAGE_ERROR_BYTES]; /* the provider's message, cut, NUL-terminated; the first one wins */
};

void meter_init(struct meter *m, const struct provider *p, enum dialect d);
/*
 * A whole body that is not a stream; also Gemini's JSON array of a stream without alt=sse, and
 * Cohere's newline-delimited JSON. `error` is set when a success status carries an error object.
 */
void meter_json(struct meter *m, struct str body);
/* The same of a body that is parsed. */
struct json_val;
void meter_value(struct meter *m, const struct json_val *v);
/*
 * The head of an answer that is not a stream: Bedrock counts the tokens of invoked models there, and for
 * Cohere's embeddings there alone. To be called first: what the body says counts.
 */
void meter_head(struct meter *m, const struct headers *h);
/* One event of a text/event-stream answer. Content events cost no allocation. */
void meter_sse(struct meter *m, const struct sse_event *ev);
/* One frame of an application/vnd.amazon.eventstream answer. */
struct aws_frame;
void meter_aws(struct meter *m, const struct aws_frame *f);
/* The body of an answer with an error status, of any provider: sets error and error_text. */
void meter_error(struct meter *m, struct str body);
/* Usage as seen so far, normalised; callable at any time (a stream may be cut). */
const struct usage *meter_usage(struct meter *m);

/*
 * Is this event nothing but the usage chunk that stream_options.include_usage adds: usage present,
 * `choices` an empty array? Only such a chunk may be taken out for a client that did not ask.
 */
bool usage_chunk_only(struct str data);
/*
 * Where, in the bytes of an event, the same question has put a `"usage":null` and its comma into the other
 * chunks: a view of them; false: nowhere. A quote inside a string is escaped, so what looks like a member is
 * one.
 */
bool usage_placeholder(struct str raw, struct str *ret);
