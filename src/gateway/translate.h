/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A target whose provider speaks another dialect than the client: its request is written anew, its answer on
 * the way back. Loop's thread.
 */
#pragma once
#include "gateway/txn.h"
#include "providers/embed.h"

struct translation;

/*
 * Reads target->body as `client` and writes target's own body for `provider`. E_SYNTAX with *ret_why (in the
 * arena) when the one cannot be read or cannot be said, E_FULL past the arena's cap. path: of the client's
 * URL.
 */
enum err translate_request(struct txn *t, struct target *target, const struct codec *client,
                           const struct codec *provider, struct str path, const struct codec_ask *ask,
                           struct str *ret_why) MUST_CHECK;
/*
 * The same for a client of OpenAI's embeddings, and of a row that translates. What one call cannot take
 * becomes several (parts.h).
 */
enum err translate_embeddings(struct txn *t, struct target *target, const struct embed_row *row,
                              struct str model, struct str *ret_why) MUST_CHECK;
/* What could not be said to the provider, for weir-trace; NULL: nothing. */
const struct ir_strs *translate_dropped(const struct target *target);
/* The sink that does it, in front of out; out itself where the current target is not translated. */
struct sink *translate_tap(struct txn *t, struct sink *out);
/* Frees what the arena does not. */
void translate_done(struct target *target);
