/* SPDX-License-Identifier: Apache-2.0 */
/* What a start puts into the catalogue when it is missing: the first account, its token, its gateway. */
#pragma once
#include "store/backend.h"

/* Adds a token to an account, within the caller's transaction. E_AGAIN: its text is taken; E_NOT_FOUND: no
 * such account. */
enum err add_token(struct catalog_db *db, const struct actor *who, struct str account, struct str name,
                   struct str text, struct str settings) MUST_CHECK;
/*
 * A new account with its gateway `default` and its token `root`, within the caller's transaction. id empty: a
 * random one. E_SYNTAX: it is not an account id; E_AGAIN: it is taken.
 */
enum err seed_account(struct catalog_db *db, const struct actor *who, struct str id,
                      struct store_first *ret) MUST_CHECK;
/* Settings of a gateway nobody has configured (control plane 4.2 and 4.3), as JSON. */
struct str gateway_defaults(void);
/* Adds what is missing, in one transaction. E_SYNTAX: o->account is not an account id. */
enum err seed_catalog(struct catalog_db *db, const struct store_options *o,
                      struct store_first *ret) MUST_CHECK;
