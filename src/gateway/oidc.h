/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identities from outside (data plane section 3.5): tokens of the issuer that the operator trusts, checked
 * against its keys (issuer.h). Loop's thread.
 */
#pragma once
#include "gateway/issuer.h"

struct oidc;

/* Do the oidc.* settings fit together? False with *ret_why, static text. */
bool oidc_settings_good(const struct conf *conf, const char **ret_why);

/* NULL when the settings name no issuer. They hold for the worker's life. */
struct oidc *oidc_new(struct worker *w);
/* Nobody may wait any more. Accepts NULL. */
void oidc_free(struct oidc *o);

/* May identities use the gateways of this account? */
bool oidc_serves(const struct oidc *o, struct str account);
/* Does the token claim to be the issuer's? Then it is nobody else's to see, valid or not. */
bool oidc_is_own(const struct oidc *o, struct arena *a, struct str token);

enum oidc_verdict {
    OIDC_REFUSED,
    OIDC_ACCEPTED,
    OIDC_LATER, /* keys are being fetched that will tell: await them and ask again */
};
/* *ret lives in the arena and is set, but for `claims`, when the token is accepted. */
enum oidc_verdict oidc_judge(struct oidc *o, struct arena *a, struct str token, struct identity *ret);

/* After OIDC_LATER: issuer_await, for the keys that are being fetched. */
struct issuer_wait *oidc_await(struct oidc *o, void (*on_ready)(void *arg), void *arg);
