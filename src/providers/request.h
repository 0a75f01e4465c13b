/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the gateway must know from a request's body, read in one parse: which model, whether the
 * answer is to be a stream, and where the body would be changed to ask for usage. The body itself is
 * never written anew: a change is a splice of the original bytes. Pure.
 */
#pragma once
#include "providers/provider.h"

struct request_facts {
    struct str model; /* "model" of the body, in the arena; p == NULL when it names none */
    bool stream;      /* "stream": true */
    bool usage_asked; /* stream_options.include_usage is true */
    /*
     * How the body is made to ask for usage: `insert` takes the place of `cut` bytes at `at`. Set for
     * streams of chat and completions that did not ask; insert.p == NULL otherwise, and where
     * stream_options is of a type that the provider will refuse anyway.
     */
    size_t at, cut;
    struct str insert;
};

/* E_SYNTAX when the body is not a JSON object: forward it all the same. E_FULL past the arena's cap. */
enum err request_facts_read(struct arena *a, enum dialect d, struct str body,
                            struct request_facts *ret) MUST_CHECK;

/*
 * The body that asks for usage, in three views of `body` and static bytes. Only for facts with
 * insert.p != NULL: then the chunk that usage_chunk_only() knows is to be taken out of the answer again.
 */
void request_ask_usage(const struct request_facts *f, struct str body, struct str ret_parts[3]);

/*
 * The value of a form field in the first bytes of a multipart/form-data body (RFC 7578). p == NULL when
 * it is not there, or not there in full. The value is a view.
 */
struct str multipart_field(struct str content_type, struct str body_prefix, struct str name);

/*
 * How many tokens the body allows all answers together to have, by the members that the dialects have for it
 * (max_tokens, generationConfig.maxOutputTokens, n, ...); each has `otherwise` where it says nothing. Never
 * negative.
 */
int64_t request_answer_tokens(struct str body, int64_t otherwise);
