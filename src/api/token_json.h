/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens as the API has them: policies of permission groups over the account's resources. Pure. */
#pragma once
#include "api/ask.h"
#include "base/buf.h"
#include "base/json.h"
#include "store/token.h"

/* What a body is read against. */
struct token_terms {
    const struct catalog *catalog;
    struct str account;
    int64_t now_ms;
    bool create; /* its end must be to come */
};

/*
 * Reads the body of a create or a replacement into name, permissions, bounds, gateways and policies of *ret,
 * which lie in the arena of the complaints. What is wrong goes to `wrong`; ret counts only when that stays
 * empty.
 */
void token_input(struct str body, const struct token_terms *terms, struct token *ret,
                 struct complaints *wrong);

/* Writes the token as an object; `value`: its text, which only who made it sees; p == NULL: without. */
void token_put(struct json_out *w, const struct token *t, int64_t now_ms, struct str value);
/* 32 hex digits. */
void token_id_text(const struct token *t, char out[32]);
/* "not_before" and "expires_on", those there are. */
void token_put_bounds(struct json_out *w, const struct token *t);
struct str token_status_word(const struct token *t, int64_t now_ms);
/* The permission groups, or the one of this name (empty: all), as an array; `asking` may hand on what is
 * selectable. */
void token_put_groups(struct json_out *w, struct str name, const struct token *asking);

/* The table of members as Markdown. */
void token_fields_document(struct buf *out);
