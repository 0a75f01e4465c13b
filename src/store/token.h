/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as they are stored: objects of KIND_TOKEN, their secret the SHA-256 of the text. Pure. */
#pragma once
#include "store/catalog.h"

enum { TOKEN_TEXT = 45 }; /* weir_ and 40 characters of base 62: 238 bits */

/* A new token's text, NUL-terminated. */
void token_text(char out[TOKEN_TEXT + 1]);

/* Strs of *ret are the object's, or in the arena. False: it opens nothing (not written by weir, or past the
 * arena's cap). */
bool token_read(struct arena *a, const struct object *o, struct token *ret);
/* Settings of a token's object: permissions, bounds, gateways and policies of t. p == NULL past the arena's
 * cap. */
struct str token_settings(struct arena *a, const struct token *t);

enum token_status { TOKEN_ACTIVE, TOKEN_DISABLED, TOKEN_EXPIRED, TOKEN_EARLY };
enum token_status token_status(const struct token *t, int64_t now_ms);

/* Is it for this gateway? */
bool token_covers(const struct token *t, struct str gateway);
/*
 * May `inner` nothing that `outer` may not: permissions, gateways, and for how long? Write includes read,
 * read includes metadata_read.
 */
bool token_within(const struct token *inner, const struct token *outer);

/* ---- permissions.def ---- */
struct permission_row {
    unsigned bit;
    struct str word, id, group, says;
};
extern const struct permission_row permission_rows[];
extern const size_t permission_count;
