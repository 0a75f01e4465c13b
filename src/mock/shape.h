/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the mock share. A request is read once into an `ask`, which says what to answer
 * independently of any provider; a `shape` renders that in one provider's form, as a whole or event
 * by event. Shapes are pure: same ask, same bytes. The service (mock.c) plays them in time.
 */
#pragma once
#include "base/arena.h"
#include "base/json.h"
#include "http/http.h"

/*
 * How to behave, in words of the request or rules of the profile; -1 where nobody said. The words
 * and what they mean stand in the table of words.c, which is also their documentation.
 */
struct behaviour {
    int64_t status;            /* answer with this error */
    int64_t slow, ttft, tps;   /* ms before the head, ms before the first event, tokens per second */
    int64_t cut, stall, error; /* after so many events: break off, go silent, report an error */
    int64_t big, events;       /* bytes of text, number of events */
    int64_t cached, written, written1h, reasoning; /* parts of the usage, in tokens */
    int64_t hang, reset, echo;                     /* flags */
};

/* Sets what the words in text say; unknown words mean nothing. */
void words_read(struct behaviour *how, struct str text);
/* The same for a model's name: only what follows the word "mock" counts. */
void words_read_model(struct behaviour *how, struct str model);
/* One Markdown table row a word. */
void words_document(struct buf *out);

/* Providers that speak OpenAI's form with a difference; known by a segment of the path. */
enum flavour {
    F_USAGE_LAST = 1,      /* usage on the finish chunk, asked for or not */
    F_USAGE_EVERY = 2,     /* cumulative usage on every chunk */
    F_X_GROQ = 4,          /* usage of streams inside x_groq */
    F_REASONING_APART = 8, /* completion_tokens leaves reasoning out */
    F_CACHE_HIT = 16,      /* prompt_cache_hit_tokens and prompt_cache_miss_tokens */
    F_COST = 32,           /* usage.cost in USD */
    F_EMBEDDING_ID = 64,   /* embeddings have an id, and their size is output_dimension */
};

struct flavour_row {
    struct str segment; /* of the path */
    unsigned flavour;
    const char *doc;
};
extern const struct flavour_row flavours[];
extern const size_t n_flavours;

struct fault {
    int status; /* 0: none */
    struct str message;
};

struct ask {
    const struct shape *shape;
    const struct request_head *head;
    struct str body;
    struct arena *arena;
    struct json_doc *doc;        /* only while a whole answer is rendered */
    const struct json_val *root; /* likewise */
    struct behaviour how;
    unsigned flavour;
    uint64_t hash; /* of path and body: the only source of ids */
    struct str model;
    struct fault fault;  /* instead of an answer */
    int64_t retry_after; /* seconds; 0: not said */
    bool stream, usage_asked;
    bool exact;            /* `said` must not be lengthened or cut: it is JSON */
    bool cut_short;        /* max_tokens ended the text */
    int64_t max_tokens;    /* -1: no limit */
    struct str tool, said; /* tool: name of the tool to call, `said` its arguments as JSON */
    size_t said_bytes;     /* `said`, then filler up to this many bytes */
    unsigned pieces;       /* parts in which `said` is streamed */
    /* disjoint: fresh input, text, and what the words add to them */
    int64_t tokens_in, tokens_out, cached, written, written1h, reasoning;
};

/* Reads everything into q, which lives in the arena as long as the strings do. Never fails: what
 * is wrong stands in q->fault. */
void ask_read(struct ask *q, struct arena *a, const struct request_head *head, struct str body);
/* Settles error, text and pieces once all behaviour is known. */
void ask_settle(struct ask *q);
/* How many events the stream has. */
unsigned ask_events(const struct ask *q);
/* Drops the parsed body. */
void ask_done(struct ask *q);
/* ceil(bytes / 4): the one rule by which the mock counts tokens. */
int64_t tokens_of(size_t bytes);

/* Appends an instance of a JSON schema, or of an object with these properties; `said` fills strings. */
void schema_instance(struct json_out *w, const struct json_val *schema, struct str said);
void schema_object(struct json_out *w, const struct json_val *properties, struct str said);
/* What arrived, as JSON, in the arena. Shows header values: that is its purpose. */
struct str echo_text(const struct ask *q);

/* A run of events of a stream: how many, and how the k-th of the run, i-th of all, is written. */
struct part {
    unsigned (*count)(const struct ask *q);
    void (*write)(const struct ask *q, unsigned k, unsigned i, struct buf *out);
};

struct shape {
    struct str type, stream_type; /* content types */
    struct str id_header;         /* response header that carries the request's id; may be empty */
    struct str tokens_header; /* that of a whole answer that carries the tokens of the prompt; may be empty */
    void (*whole)(const struct ask *q, struct buf *out);
    const struct part *parts; /* of a stream, ended by an empty one; NULL: never streams */
    void (*fault)(const struct ask *q, const struct fault *f, struct buf *out);
    void (*fault_event)(const struct ask *q, const struct fault *f, unsigned i, struct buf *out);
    bool any_body; /* the body need not be JSON */
};

/* A path as the mock knows it. First match wins. */
struct route {
    const char *method; /* NULL: any */
    const char *within; /* the path holds this; what follows, up to `ends`, is the model's name */
    const char *ends;   /* and ends so */
    const char *query;  /* and the query has this parameter */
    const struct shape *shape;
    bool stream; /* the path says so, not the body */
    const char *title;
};
extern const struct route routes[];
extern const size_t n_routes;
/* Shape of errors for a path that no route knows. */
const struct shape *shape_of_stranger(const struct request_head *head);

extern const struct shape shape_chat, shape_completions, shape_embeddings, shape_models, shape_model;
extern const struct shape shape_responses;
extern const struct shape shape_images, shape_speech, shape_transcription;
extern const struct shape shape_anthropic, shape_anthropic_count;
extern const struct shape shape_gemini, shape_gemini_sse, shape_gemini_embed, shape_gemini_embed_batch,
    shape_gemini_count, shape_vertex_predict;
extern const struct shape shape_cohere_v1, shape_cohere_v2, shape_cohere_embed;
extern const struct shape shape_workers_ai;
extern const struct shape shape_bedrock_converse, shape_bedrock_invoke;
extern const struct shape shape_echo;

/* ---- what shapes are written with (shape.c) ---- */

/* Names of an error's status in each provider's words; never NULL. */
struct fault_names {
    int status;
    const char *openai_type, *openai_code; /* code may be NULL */
    const char *anthropic, *google, *aws;
    int64_t workers_ai;
};
const struct fault_names *fault_names(int status);

/* Frequent counts of events. */
unsigned count_one(const struct ask *q);
unsigned count_text(const struct ask *q); /* pieces of text; 0 when a tool is called */
unsigned count_args(const struct ask *q); /* pieces of arguments; 0 when none is */
unsigned count_if_tool(const struct ask *q);
unsigned count_if_text(const struct ask *q);

void field_open(struct json_out *w, const char *key, char bracket);
/* A string value: prefix and 24 digits made of the ask's hash. */
void field_id(struct json_out *w, const char *key, struct str prefix, const struct ask *q);
struct str id_text(const struct ask *q, struct str prefix, char space[64]);
/* The whole text, or the k-th piece of it, as a JSON string. */
void put_whole(struct json_out *w, const struct ask *q);
void put_piece(struct json_out *w, const struct ask *q, unsigned k);
/* Tokens up to the end of piece k. */
int64_t tokens_until(const struct ask *q, unsigned k);
/* How many numbers a vector has: as asked for, if that can be, else the model's own. */
int64_t vector_size(const struct json_val *asked, int64_t own);
/* `n` numbers between -1 and 1 made of the text's hash; with about unit length. */
void put_vector(struct json_out *w, struct str text, int64_t n);
/* The same numbers as little-endian floats in base64. */
void put_vector_base64(struct json_out *w, struct str text, int64_t n);

/* An event of text/event-stream: name (may be empty) and JSON between these two. */
struct json_out sse_open(struct buf *out, struct str name);
void sse_close(struct buf *out);
void write_done(const struct ask *q, unsigned k, unsigned i, struct buf *out); /* data: [DONE] */

/* What OpenAI's shapes share (shapes_openai.c). */
void openai_fault(const struct ask *q, const struct fault *f, struct buf *out);

uint64_t hash_bytes(struct str s, uint64_t seed);
/* Seconds since 1970 in every answer: a constant, so that answers repeat. */
/* What follows the text when more bytes are wanted; needs no escape in JSON. */
#define MOCK_FILLER "The quick brown fox jumps over the lazy dog. "
#define MOCK_CREATED "1760000000"
