/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neutral form of a conversation with a model: what all dialects can be read into and written from.
 * One request form; one stream of answer events, whole answers included. It holds the union of what the
 * dialects express, so that nothing two of them share is lost on the way between them.
 *
 *   dialect A ── codec A reads ──> struct ir_request ── codec B writes ──> dialect B
 *   dialect A <── codec A writes ── struct ir_event ... <── codec B reads ── dialect B
 *
 * Plain data. Strs are views of the parsed input, of the arena, or static; JSON values that are handed on
 * unread (schemas, arguments, numbers) stay the raw text they were, so that no digit is lost. An absent str
 * has p == NULL; an empty one has not. Lists are singly linked, in document order. One thread at a time.
 */
#pragma once
#include "base/json.h"
#include "providers/usage.h"

/* ---- content ---- */

enum ir_role { IR_SYSTEM, IR_DEVELOPER, IR_USER, IR_ASSISTANT, IR_TOOL };

enum ir_kind {
    IR_TEXT,
    IR_IMAGE,
    IR_AUDIO,
    IR_VIDEO,
    IR_FILE,        /* a document: PDF, text, ... */
    IR_TOOL_CALL,   /* by the assistant */
    IR_TOOL_RESULT, /* in a message of role IR_TOOL */
    IR_THINKING,    /* the assistant's reasoning */
    IR_REFUSAL,     /* the assistant says that it will not */
    IR_RAW,         /* what one provider alone has: a tool that it ran itself, and its result */
};

/* Where a picture, a sound or a document is: exactly one of data, url, file_id and text is set. */
struct ir_media {
    struct str mime;    /* "image/png"; p == NULL: not known */
    struct str data;    /* base64, as it came */
    struct str url;     /* http(s), gs, s3 */
    struct str file_id; /* at the provider */
    struct str text;    /* a document that is plain text */
    struct str name;    /* file name or title */
    struct str detail;  /* OpenAI's image detail: "low", "high", "auto" */
};

/* A prompt cache breakpoint behind this part. */
enum ir_cache { IR_CACHE_NONE, IR_CACHE_5M, IR_CACHE_1H };

/* Where a statement comes from. */
struct ir_citation {
    struct ir_citation *next;
    struct str url, title, quote; /* quote: the cited source text */
    struct str file_id, document; /* document: index or id of it in the request, as text */
    int64_t start, end;           /* of the statement in the text part, code points; -1: not known */
    struct str raw;               /* the provider's own object, JSON, and its dialect: given back unread */
    enum dialect raw_dialect;
};

struct ir_part {
    struct ir_part *next;
    enum ir_kind kind;
    struct str text;       /* TEXT, THINKING, REFUSAL */
    struct ir_media media; /* IMAGE, AUDIO, VIDEO, FILE */
    struct str id;         /* TOOL_CALL: its id; TOOL_RESULT: the call's; THINKING: an item's (Responses) */
    struct str name;       /* TOOL_CALL: the function; TOOL_RESULT: the same, filled in by ir_link_results */
    struct str arguments;  /* TOOL_CALL: a JSON object as text; "{}" for none */
    struct ir_part *parts; /* TOOL_RESULT: its content; THINKING: none */
    bool is_error;         /* TOOL_RESULT */
    /*
     * THINKING, TOOL_CALL, TEXT: what the provider wants to see again in the next turn: Anthropic's
     * signature, Gemini's thoughtSignature, Responses' encrypted_content. redacted: THINKING without readable
     * text, all of it is in the signature.
     */
    struct str signature;
    bool redacted;
    enum ir_cache cache;
    struct ir_citation *citations; /* TEXT */
    struct str raw;                /* RAW: the provider's own object, JSON; only its dialect can be told */
    enum dialect raw_dialect;
};

struct ir_message {
    struct ir_message *next;
    enum ir_role role;
    struct str name; /* of the participant */
    struct ir_part *parts;
    enum ir_cache cache; /* behind the whole message (Bedrock's cachePoint as a last block is the part's) */
};

/* ---- the request ---- */

struct ir_tool {
    struct ir_tool *next;
    struct str name, description;
    struct str schema; /* JSON Schema of the arguments, raw; p == NULL: none */
    int strict;        /* -1: not said */
    enum ir_cache cache;
    /* a tool that the provider runs itself (web search, ...): its object, raw, in its own dialect. Only that
     * dialect can be told about it. name is its type then. */
    struct str raw;
    enum dialect raw_dialect;
};

enum ir_choice { IR_CHOICE_UNSET, IR_CHOICE_AUTO, IR_CHOICE_NONE, IR_CHOICE_REQUIRED, IR_CHOICE_NAMED };
enum ir_format { IR_FORMAT_UNSET, IR_FORMAT_TEXT, IR_FORMAT_JSON, IR_FORMAT_SCHEMA };

struct ir_strs {
    struct str *v;
    size_t n;
};

struct ir_request {
    struct json_doc *doc; /* that strs are views of; ir_request_done frees it. NULL: none */
    struct str model;
    bool stream;
    bool stream_usage;                /* the client asked for a usage chunk (OpenAI chat) */
    bool functions;                   /* it knows function_call only, not tool_calls (OpenAI chat, of old) */
    struct ir_message *messages;      /* system and developer messages among them, where they stood */
    struct ir_message **last_message; /* where ir_add_message goes on; NULL: at the start */
    struct ir_tool *tools;
    struct ir_tool **last_tool; /* where ir_add_tool goes on; NULL: at the start */
    enum ir_choice choice;
    struct str choice_name; /* IR_CHOICE_NAMED */
    int parallel_tools;     /* -1: not said */

    /* numbers as raw text; p == NULL: not said */
    struct str temperature, top_p, top_k, frequency_penalty, presence_penalty, seed;
    int64_t max_tokens; /* -1: not said */
    int64_t n;          /* answers wanted; -1 */
    struct ir_strs stop;
    int logprobs;          /* -1: not said */
    int64_t top_logprobs;  /* -1 */
    struct str logit_bias; /* raw object */

    enum ir_format format;
    struct str format_name, format_description, format_schema; /* IR_FORMAT_SCHEMA; schema raw */
    int format_strict;                                         /* -1: not said */

    /* reasoning: at most one of effort and budget is what the client said; dialects that know only the other
     * get it from ir_effort_budget / ir_budget_effort */
    int thinking;            /* -1: not said, 0: off, 1: on */
    struct str effort;       /* "none", "minimal", "low", "medium", "high", "xhigh" */
    int64_t thinking_budget; /* tokens; -1: not said; -2: the model decides */
    int thinking_shown;      /* summaries or thoughts wanted in the answer; -1: not said */

    struct str user;     /* an id of the end user */
    struct str metadata; /* raw object of the client's own labels */
    struct str service_tier;
    struct str verbosity;
    int store;                 /* -1 */
    struct ir_strs modalities; /* wanted in the answer: "text", "audio", "image" */
    struct str audio;          /* raw object: voice and format of spoken answers */
    struct str safety;         /* raw array: Gemini's safetySettings; Bedrock's guardrailConfig is not this */

    /* what was read and no field above holds: names of members, for weir-trace. The codec that writes adds
     * what it could not express with ir_drop. */
    struct ir_strs dropped;
};

/* All "not said". */
struct ir_request ir_request_none(void);
/* Frees the parsed document; the arena has the rest. */
void ir_request_done(struct ir_request *r);
/* Notes a member, or a feature, that the target cannot be told; name is copied. Past IR_DROPPED names:
 * silent. */
void ir_drop(struct arena *a, struct ir_request *r, struct str name);
/* Gives every TOOL_RESULT the name of the call it answers (Gemini needs it), searching backwards by id. */
void ir_link_results(struct ir_request *r);
/* Budget for an effort and the other way round: none 0, minimal 512, low 1024, medium 8192, high 24576, xhigh
 * 32768; a budget maps to the smallest effort whose budget is not below it. -1 / p == NULL for what is not
 * said. */
int64_t ir_effort_budget(struct str effort);
struct str ir_budget_effort(int64_t budget);
/* Calls are wanted one at a time, and there may be some: what must be told, and otherwise need not. */
bool ir_wants_single_calls(const struct ir_request *r);
/* How many prompt cache breakpoints it has: tools, messages and their parts. */
int ir_count_breakpoints(const struct ir_request *r);
/* The breakpoint behind a part of the message: at its end that may be the message's own. */
enum ir_cache ir_cache_behind(const struct ir_message *m, const struct ir_part *p);
/* The answer is to have sounds or pictures in it. */
bool ir_wants_other_than_text(const struct ir_request *r);
/* Builders for codecs: zeroed and appended. NULL past the arena's cap. ir_add_part walks to the list's end:
 * give it the last part's `next` where there may be many. */
struct ir_message *ir_add_message(struct arena *a, struct ir_request *r, enum ir_role role);
struct ir_part *ir_add_part(struct arena *a, struct ir_part **list, enum ir_kind kind);
struct ir_tool *ir_add_tool(struct arena *a, struct ir_request *r);
bool ir_add_str(struct arena *a, struct ir_strs *l, struct str s);

/* "data:image/png;base64,AAAA" in pieces; false for anything else (RFC 2397; only base64 bodies count). */
bool ir_data_url(struct str url, struct str *ret_mime, struct str *ret_data);
/* A media type as it came; p == NULL for what cannot stand in a data URL (RFC 2397) and so is none. */
struct str ir_media_type(struct str mime);
/* The system prompt as one text, parts joined by a blank line, for dialects that have one place for it. p ==
 * NULL: there is none, or past the cap. */
struct str ir_system_text(struct arena *a, const struct ir_request *r);

/* ---- the answer ---- */

enum ir_finish {
    IR_FINISH_UNKNOWN,
    IR_FINISH_STOP,
    IR_FINISH_STOP_SEQUENCE,
    IR_FINISH_LENGTH,
    IR_FINISH_TOOLS,
    IR_FINISH_FILTER,  /* blocked for safety */
    IR_FINISH_REFUSAL, /* the model refused */
    IR_FINISH_PAUSE,   /* Anthropic's pause_turn */
    IR_FINISH_ERROR,
};

enum ir_error_kind {
    IR_ERR_INVALID,    /* 400, 413, 422: the request */
    IR_ERR_AUTH,       /* 401 */
    IR_ERR_PERMISSION, /* 403 */
    IR_ERR_NOT_FOUND,  /* 404 */
    IR_ERR_RATE,       /* 429 */
    IR_ERR_QUOTA,      /* 402, or 429 for want of money */
    IR_ERR_OVERLOADED, /* 503, 529 */
    IR_ERR_TIMEOUT,    /* 408, 504 */
    IR_ERR_SERVER,     /* other 5xx */
};

struct ir_error {
    enum ir_error_kind kind;
    int status;             /* HTTP, as the provider gave it; inside a stream: what it would have been */
    struct str message;     /* for people */
    struct str code, param; /* the provider's own, if any */
    int64_t retry_after; /* seconds, where the body says it instead of a line of the head (Gemini); 0: no */
};
/* The kind that a status stands for. */
enum ir_error_kind ir_error_of_status(int status);

/*
 * An answer is a sequence of events: START, then per choice any number of blocks, then FINISH, then USAGE
 * (when known), then END; ERROR instead of what would follow. A block is a run of events with the same
 * `block` number; numbers count from 0 within a choice and never come back. Deltas of one block come in
 * order; those of different choices may mix. Strs live during the call that hands the event on.
 */
enum ir_event_kind {
    IR_EV_START,     /* id, model, created; usage: what is known of it by now, or NULL */
    IR_EV_TEXT,      /* text: more of a text block */
    IR_EV_REFUSAL,   /* text */
    IR_EV_THINKING,  /* text: more of a thinking block */
    IR_EV_SIGNATURE, /* text: more of the block's signature; of a thinking, call or text block. redacted: see
                        ir_part */
    IR_EV_CALL,      /* id, name: a tool call begins */
    IR_EV_ARGUMENTS, /* text: more of the block's arguments */
    IR_EV_MEDIA,     /* media and its kind in part: a block that comes whole */
    IR_EV_RAW,       /* part of kind RAW: a block that comes whole */
    IR_EV_CITATION,  /* citation: of the text block */
    IR_EV_LOGPROBS,  /* text: raw JSON array of OpenAI's logprobs.content entries */
    IR_EV_FINISH,    /* finish, text: the stop sequence that was hit, or p == NULL */
    IR_EV_USAGE,     /* usage: cumulative, the last one counts */
    IR_EV_ERROR,     /* error */
    IR_EV_END,
};

struct ir_event {
    enum ir_event_kind kind;
    int choice, block;
    struct str text;
    struct str id, name, model;
    int64_t created; /* seconds since 1970; 0: not known */
    bool redacted;
    const struct ir_part *part;
    const struct ir_citation *citation;
    enum ir_finish finish;
    const struct usage *usage;
    const struct ir_error *error;
};

/* A whole answer, collected from events; for writing one that is not a stream, and for tests. */
struct ir_choice_answer {
    struct ir_choice_answer *next;
    int choice;
    struct ir_part *parts; /* blocks in order */
    enum ir_finish finish;
    struct str stop_sequence;
    struct str logprobs;  /* raw array of entries */
    struct ir_part *last; /* of parts, and its block number; -1: none yet */
    int last_block;
};

struct ir_answer {
    struct arena *arena;
    struct str id, model;
    int64_t created;
    struct ir_choice_answer *choices;
    bool has_usage, ended, has_error;
    struct usage usage;
    struct ir_error error;
};
void ir_answer_init(struct ir_answer *w, struct arena *a);
/* Takes an event in; copies what it keeps. E_FULL past the arena's cap. */
enum err ir_answer_add(struct ir_answer *w, const struct ir_event *ev) MUST_CHECK;
/* The same events again, a block at a time; for reading whole answers through one interface. */
void ir_answer_play(const struct ir_answer *w, void (*on_event)(void *arg, const struct ir_event *ev),
                    void *arg);
