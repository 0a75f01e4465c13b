/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Gemini generateContent codec share. Sources: ai.google.dev (generateContent, function
 * calling, thought signatures, thinking, structured output, file input methods), cloud.google.com (Vertex AI:
 * generateContent, errors) and the types of @google/genai 2.32.
 *
 *   codec_gemini.c          the codec; names, members, models, ids of calls; errors
 *   codec_gemini_read.c     a request read: contents and their parts
 *   codec_gemini_params.c   a request read: tools and everything else
 *   codec_gemini_schema.c   the service's own schemas made JSON Schema
 *   codec_gemini_write.c    a request written: contents and their parts
 *   codec_gemini_config.c   a request written: tools and everything else
 *   codec_gemini_answer.c   answers read, whole ones and streams
 *   codec_gemini_stream.c   streams written
 *   codec_gemini_whole.c    whole answers written, and what they share with streams
 *
 * The service takes members in camelCase and in snake_case: both are read, camelCase is written. Which model,
 * and whether to stream, stands in the URL's path.
 */
#pragma once
#include "providers/codec.h"

/* ---- members (codec_gemini.c); `name` in camelCase, found in either spelling ---- */

const struct json_val *gemini_get(const struct json_val *object, const char *name);
struct str gemini_text(const struct json_val *object, const char *name); /* p == NULL: no string */
/* A whole number, in whatever way proto3's JSON writes one ("5", 5, 5.0). */
bool gemini_int(const struct json_val *v, int64_t *ret);
/* Notes the members of object that are not in the NULL-ended list of camelCase names. */
void gemini_note_unknown(struct arena *a, struct ir_request *r, const struct json_val *object,
                         const char *const *known);

/* ---- models ---- */

/* Before Gemini 3: budgets instead of levels, no media in tool results, no tools beside JSON answers, and
 * nobody misses a signature. */
bool gemini_is_old(struct str model);
bool gemini_is_pro(struct str model); /* cannot be kept from thinking */
bool gemini_thinks(struct str model); /* those from 2.5 on */

/* ---- parts ---- */

/* Kind of what has this MIME type. */
enum ir_kind gemini_kind(struct str mime);
/* The MIME type that a URL's path ends in; p == NULL: none that is known. */
struct str gemini_mime_of_url(struct str url);
/* "inlineData" or "fileData" of a media part with data, url or text. False: file_id, an unfit URL scheme, or
 * past the cap. */
bool gemini_put_media(struct arena *a, struct json_out *w, const struct ir_part *p);
/* A call's arguments as an object on one line: "" is {}, what is no object is put into one and *ret_wrapped
 * set. p == NULL past the cap. */
struct str gemini_arguments(struct arena *a, struct str arguments, bool *ret_wrapped);
/* An id for a call that has none: hash of its place and name. Such ids are not told to the service. p == NULL
 * past the cap. */
struct str gemini_make_id(struct arena *a, struct str answer, int64_t choice, int64_t number,
                          struct str name);
bool gemini_is_made_id(struct str id);
/* What stands for the signature of a call that another model made; the service's own word for it. */
extern const struct str gemini_no_signature;
/* A thoughtSignature, but for those that say that there is none. p == NULL: none. */
struct str gemini_signature(const struct json_val *part);
/* The signature of a thought that has an id, which Gemini has no member for: base64 of both, as SDKs insist.
 * Of a thought without one as it is. p == NULL past the cap. */
struct str gemini_seal(struct arena *a, struct str id, struct str signature);
/* And back; other signatures stay, and *ret_id is left as it is. E_FULL. */
enum err gemini_unseal(struct arena *a, struct str *signature, struct str *ret_id) MUST_CHECK;

/* ---- requests ---- */

/* A request being read. */
struct gemini_calls;
struct gemini_reading {
    struct arena *a;
    struct ir_request *r;
    struct str *ret_why;
    int64_t made;                    /* calls so far */
    struct gemini_calls *calls;      /* of the last turn of the model, not answered yet */
    struct gemini_calls **last_call; /* their end; NULL: no call yet */
    struct ir_message *turn;         /* of the model, that is being read; NULL: another's */
    struct ir_part **turn_end;       /* of its parts */
    struct gemini_thought {
        struct ir_part *part; /* the last one read, while it has no signature; NULL: none */
        char *p;              /* its text, where that is ours */
        size_t cap;
    } thought;
};
enum err gemini_read_request(struct arena *a, struct str body, struct str path, struct ir_request *ret,
                             struct str *ret_why);
/* Everything but contents. */
enum err gemini_read_params(struct gemini_reading *g, const struct json_val *root);
/* A schema of the service (OpenAPI's, with its own type names) or a JSON Schema, as JSON Schema. p == NULL
 * past the cap, and for JSON_NONE. */
struct str gemini_json_schema(struct arena *a, const struct json_val *schema);

/* A request being written. */
struct gemini_request {
    struct arena *a;
    struct ir_request *r;
    struct str model;
    struct json_out w;
    struct str *ret_why;
    bool old;
    const char *role; /* of the content that is open; NULL: none */
    bool called;      /* it has a call already */
    size_t contents;  /* written */
    bool prompt;      /* systemInstruction is open */
};
enum err gemini_write_request(struct arena *a, struct ir_request *r, const struct codec_ask *ask,
                              struct buf *out, struct str *ret_why);
void gemini_drop(struct gemini_request *q, const char *what);
/* Does the answer's format have to be asked for in words? */
bool gemini_needs_words(const struct gemini_request *q);
/* What is behind contents and systemInstruction. */
void gemini_put_params(struct gemini_request *q);

/* ---- answers ---- */

struct str gemini_reason_of(enum ir_finish finish);
enum err gemini_read_answer(struct arena *a, struct str body,
                            void (*on_event)(void *arg, const struct ir_event *ev), void *arg);
enum err gemini_read_sse(struct codec_reader *r, const struct sse_event *ev);
void gemini_read_end(struct codec_reader *r);

/* How much text a run of text has so far: citations count bytes here and code points in the neutral form. */
struct gemini_span {
    size_t bytes, points;
};
void gemini_span_add(struct gemini_span *s, struct str text);

enum err gemini_write_answer(struct arena *a, const struct ir_answer *answer,
                             const struct ir_request *request, struct buf *out);
enum err gemini_write_event(struct codec_writer *w, const struct ir_event *ev);
/* Members of a part; text is left out when it has p == NULL, id and signature when empty; arguments are an
 * object. */
void gemini_put_text(struct json_out *w, struct str text, bool thought, struct str signature);
void gemini_put_call(struct json_out *w, struct str id, struct str name, struct str arguments,
                     struct str signature);
/* Members of a candidate. Places of citations that are not raw count bytes of the candidate's text here. */
void gemini_put_citations(struct json_out *w, const struct ir_citation *list);
void gemini_put_logprobs(struct json_out *w, struct str entries);
/* Members of an answer. */
void gemini_put_usage(struct json_out *w, const struct usage *u);
void gemini_put_names(struct json_out *w, struct str id, struct str model);

/* ---- errors ---- */

/* The object {"error":{...}}; status 0: its own. */
void gemini_error_of(struct arena *a, const struct json_val *v, int status, struct ir_error *ret);
void gemini_put_error(struct json_out *w, const struct ir_error *e);
