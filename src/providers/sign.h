/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials that need work before they go on the wire. Pure: the HTTP exchange is the gateway's. */
#pragma once
#include "base/secret.h"
#include "http/http.h"
#include "providers/provider.h"

/*
 * Google service accounts (data plane 33.3). A bearer value that base64-decodes to JSON with
 * "type":"service_account" is one. Fields live in the arena.
 */
struct gcp_account {
    struct str email, token_uri, project, region;
    struct str key_id;    /* empty when the JSON has none */
    struct secret key;    /* PEM */
    unsigned char id[32]; /* SHA-256 of the JSON: cache key */
};
/*
 * False when the value is none, and also when one is not to be trusted: whoever sends it chooses what
 * weir signs and where the assertion goes. So token_uri must be https at googleapis.com or below
 * (absent: Google's), region a host label such as "global" or absent, email and project printable,
 * and the key an unencrypted PEM of at most GCP_KEY_BYTES.
 */
bool gcp_account_parse(struct arena *a, struct secret bearer, struct gcp_account *ret);
/* The same from the JSON itself. NULL, or what is wrong with it: static text that repeats nothing of it. */
const char *gcp_account_read(struct arena *a, struct secret json, struct gcp_account *ret) MUST_CHECK;
/*
 * Where the token request goes: token_uri, or its path at the operator's origin for Google's token
 * service when there is one (`override`, may be empty).
 */
enum err gcp_token_url(struct arena *a, const struct gcp_account *g, struct str override,
                       struct upstream_url *ret) MUST_CHECK;
/*
 * The token request (RFC 7523): body for a POST of application/x-www-form-urlencoded to token_uri
 * with a fresh RS256 assertion, scope cloud-platform, one hour. now_s: seconds since 1970.
 * E_CREDENTIAL when the key does not sign.
 */
enum err gcp_token_request(struct arena *a, const struct gcp_account *g, int64_t now_s,
                           struct str *ret_body) MUST_CHECK;
/*
 * Reads {"access_token", "expires_in"}; E_CREDENTIAL otherwise, and for a token that could not stand
 * in a header or a life that is not 1 second to a day. The token lives in the arena.
 */
enum err gcp_token_answer(struct arena *a, struct str body, struct secret *ret_token,
                          int64_t *ret_expires_s) MUST_CHECK;
