/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embeddings: what a client of OpenAI's `POST /embeddings` asks, in the forms of the other providers, and
 * their answers in OpenAI's (https://platform.openai.com/docs/api-reference/embeddings). A sibling of the
 * codecs: the client's side is one dialect, the provider's a row of embeds.def and a form of embed_forms.c.
 * Pure functions on immutable tables; any thread.
 */
#pragma once
#include "providers/codec.h"
#include "providers/entry.h"

enum {
    EMBED_MISTRAL = 1,   /* dimensions are output_dimension; what it does not know it refuses */
    EMBED_NO_TOKENS = 2, /* OpenAI's form, but for token ids as input */
};

enum embed_kind { EMBED_TEXTS, EMBED_TOKENS };

struct embed_request {
    struct json_doc *doc;
    const struct json_val *root;
    enum embed_kind kind;
    struct str *texts;  /* views of doc; NULL for token ids */
    size_t n;           /* inputs */
    int64_t dimensions; /* 0: not said */
    bool base64;
    struct str purpose; /* "input_type" (Cohere, OpenRouter) or "task_type" (Google); p == NULL */
};

struct embed_call;

/* A provider's form. Vectors stand in the list that `list` leads to, each where `in` leads to inside its
 * element; a list of numbers is the only vector. */
struct embed_form {
    const char *list[2], *in[2];
    bool tokens;                                                   /* takes token ids */
    const struct codec *errors;                                    /* reads the provider's */
    void (*write)(const struct embed_call *c, struct json_out *w); /* members; NULL: nothing is translated */
};

struct embed_row {
    struct entry entry;
    struct str part; /* of the model's name */
    const struct embed_form *form;
    size_t most; /* inputs of one call; 0: any number */
    unsigned quirks;
};

/* One call: some of the inputs. */
struct embed_call {
    const struct embed_row *row;
    const struct embed_request *request;
    struct str model; /* the provider's name for it */
    size_t from, n;
};

/* NULL: the provider has no embeddings, or none of that model that weir knows how to ask for. */
const struct embed_row *embed_find(struct str slug, struct str model);
/* The model's name as the provider's path has it. */
struct str embed_model(const struct embed_row *row, struct str model);

/* E_SYNTAX with *ret_why for a body that is no such request, E_FULL past the arena's cap. embed_done is the
 * caller's, also after an error. */
enum err embed_read(struct arena *a, struct str body, struct embed_request *ret,
                    struct str *ret_why) MUST_CHECK;
void embed_done(struct embed_request *r);

/* How many calls it takes. */
size_t embed_calls(const struct embed_row *row, const struct embed_request *r);
/*
 * Appends the body of call i, of embed_calls. E_SYNTAX with *ret_why for what the provider cannot be asked.
 * Notes in `notes` what is left out, at the first call.
 */
enum err embed_write(struct arena *a, const struct embed_row *row, const struct embed_request *r,
                     struct str model, size_t i, struct buf *out, struct ir_request *notes,
                     struct str *ret_why) MUST_CHECK;

/* An answer: that of one call, or those of all with EMBED_BETWEEN in between (RFC 7464 has it for the same
 * purpose: it stands in no JSON). */
#define EMBED_BETWEEN '\x1e'
struct embed_answer {
    const struct embed_row *row;
    const struct embed_request *request;
    struct str model; /* where the answer names none */
    const struct provider *provider;
    enum dialect dialect; /* of the call: how its usage is read */
    int64_t head_tokens;  /* what the answer's head says; -1: nothing */
};
/* Appends OpenAI's answer. E_SYNTAX: not an answer of this form, or not one vector for each input. */
enum err embed_answer(const struct embed_answer *x, struct str bodies, struct buf *out) MUST_CHECK;

/* What a text is embedded for, in a provider's word; one that is not known stays as it is. */
enum embed_words { WORDS_COHERE, WORDS_GOOGLE, WORDS_NOVA };
struct str embed_purpose(struct str said, enum embed_words words);

extern const struct embed_form embed_as_is, embed_openai, embed_gemini, embed_predict, embed_content,
    embed_cohere, embed_bedrock_cohere, embed_titan, embed_nova;
