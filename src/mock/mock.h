/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mock provider: deterministic answers in the shapes of OpenAI, Anthropic, Gemini, Cohere,
 * Workers AI and Bedrock, as JSON and as streams, with made-up latency, failures and limits. It is
 * the sandbox users try weir with and the upstream of the benchmarks; a service like any other.
 */
#pragma once
#include "http/server.h"

struct mock;

/* `profile` is the text of a profile file (JSON with comments), empty for the defaults. NULL with
 * *ret_why (static or thread-local text) when it is not one. One per loop. */
struct mock *mock_new(struct loop *l, struct str profile, const char **ret_why);
/* After server_free of every server it serves. Accepts NULL. */
void mock_free(struct mock *m);
/* For server_route: service = &mock_service, arg = the mock. */
extern const struct service mock_service;

/* What profiles and model names can do, as Markdown (weir docs mock). */
void mock_document(struct buf *out);
