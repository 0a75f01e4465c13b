/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials that need work before they go on the wire. Pure: the HTTP exchange is the gateway's. */
#pragma once
#include "base/secret.h"
#include "http/http.h"

/*
 * Google service accounts (data plane 33.3). A bearer value that base64-decodes to JSON with
 * "type":"service_account" is one. Fields live in the arena.
 */
struct gcp_account {
    struct str email, token_uri, project, region;
    struct secret key; /* PEM */
    unsigned char id[32]; /* SHA-256 of the JSON: cache key */
};
bool gcp_account_parse(struct arena *a, struct secret bearer, struct gcp_account *ret);
/*
 * The token request (RFC 7523): body for a POST of application/x-www-form-urlencoded to token_uri
 * with a fresh RS256 assertion, scope cloud-platform, one hour. now_s: seconds since 1970.
 */
enum err gcp_token_request(struct arena *a, const struct gcp_account *g, int64_t now_s, struct str *ret_body) MUST_CHECK;
/* Reads {"access_token", "expires_in"}; E_CREDENTIAL otherwise. The token lives in the arena. */
enum err gcp_token_answer(struct arena *a, struct str body, struct secret *ret_token, int64_t *ret_expires_s) MUST_CHECK;
