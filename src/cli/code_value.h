/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of settings: what a file wants beside what the gateway has. In a file a secret is a reference,
 * {"env": NAME} or {"file": PATH}; what the gateway has is a text, or `true` where it never shows it. Pure.
 */
#pragma once
#include "base/secret.h"
#include "cli/code_kind.h"

/* Is it a reference? *ret_from is "env" or "file", *ret_name what it names; both may be NULL. */
bool code_reference(const struct json_val *v, struct str *ret_from, struct str *ret_name);
/* Must a value of that name and shape be a reference? */
bool code_is_secret(const struct code_shape *s, struct str name);

/*
 * Is what is there what is wanted? Order of members and what the API fills in do not count; of a secret only
 * whether there is one, unless `secrets` asks for it to be sent again. NULL stands for nothing.
 */
bool code_same(const struct code_shape *s, const struct json_val *want, const struct json_val *have,
               bool secrets);

/* Where the bytes of a reference come from. */
struct code_secrets {
    bool (*find)(void *arg, struct str from, struct str name, struct secret *ret);
    void *arg;
    bool again;   /* those that the gateway has are sent, too */
    bool missing; /* one was not found */
};
/*
 * Writes what is wanted as the API takes it. `have` (NULL: nothing): gives what it has where that stays, the
 * secrets and the ids.
 */
void code_put_sent(struct json_out *w, const struct code_shape *s, const struct json_val *want,
                   const struct json_val *have, struct code_secrets *secrets);
/* Writes either for people, as JSON; secrets are "(from env NAME)", "(stored)". */
void code_put_shown(struct json_out *w, const struct code_shape *s, struct str name,
                    const struct json_val *v);
/* Writes what the gateway has as a file has it: each secret is a reference to the variable that `at` and the
 * names inside make: TEAM_STRIPE_AUTHORIZATION. `name` is the value's own. */
void code_put_filed(struct json_out *w, const struct code_shape *s, struct str at, struct str name,
                    const struct json_val *v);
/* Appends words to the name of a variable: "my-team" and "a/b" make MY_TEAM_A_B. */
void code_variable(struct buf *out, struct str words);
