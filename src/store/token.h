/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as they are stored: objects of KIND_TOKEN, their secret the SHA-256 of the text. Pure. */
#pragma once
#include "store/catalog.h"

/* False: it opens nothing (not written by weir). */
bool token_read(const struct object *o, struct token *ret);
/* Settings of a token's object. expires_ms 0: never. p == NULL past the arena's cap. */
struct str token_settings(struct arena *a, unsigned permissions, int64_t expires_ms);
