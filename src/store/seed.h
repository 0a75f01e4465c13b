/* SPDX-License-Identifier: Apache-2.0 */
/* What a start puts into the catalogue when it is missing: the first account, its token, its gateway. */
#pragma once
#include "store/backend.h"

enum { TOKEN_TEXT = 45 }; /* weir_ and 40 characters of base 62: 238 bits */

/* A new token's text, NUL-terminated. */
void token_text(char out[TOKEN_TEXT + 1]);
/* Adds a token to an account, within the caller's transaction. E_AGAIN: its text is taken; E_NOT_FOUND: no
 * such account. */
enum err add_token(struct catalog_db *db, const struct actor *who, struct str account, struct str name,
                   struct str text, struct str settings) MUST_CHECK;
/* Settings of a gateway nobody has configured (control plane 4.2 and 4.3), as JSON. */
struct str gateway_defaults(void);
/* Adds what is missing, in one transaction. E_SYNTAX: o->account is not an account id. */
enum err seed_catalog(struct catalog_db *db, const struct store_options *o,
                      struct store_first *ret) MUST_CHECK;
