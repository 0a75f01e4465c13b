/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Signature Version 4 (AWS: "Signature Version 4 signing process", IAM user guide), with the signature in
 * a header. Paths are escaped a second time and tidied, as every service but S3 wants it. Pure.
 */
#pragma once
#include "base/secret.h"
#include "http/http.h"

struct sigv4_key {
    struct str id; /* access key id */
    struct secret secret;
    struct secret session; /* of temporary credentials; unset: none */
    struct str region, service;
};

/* What is sent, exactly as it is sent. */
struct sigv4_call {
    struct str method;
    struct str host;   /* the Host line */
    struct str target; /* "/path?query" */
    struct str body;
};

/*
 * Signs: sets X-Amz-Date, X-Amz-Content-Sha256, Authorization and, with a session, X-Amz-Security-Token in
 * place of whatever lines of these names there were. Covered are Host, Content-Type and the x-amz- lines:
 * what AWS asks for, and nothing that a proxy in between may touch. now_s: seconds since 1970. E_CREDENTIAL
 * for a key that cannot stand in a header, E_FULL past the arena.
 */
enum err sigv4_sign(struct arena *a, const struct sigv4_key *k, const struct sigv4_call *c, int64_t now_s,
                    struct headers *h) MUST_CHECK;

/*
 * The two halves of it, for lines that the caller chose, Host and X-Amz-Date among them. The canonical
 * request, with *ret_signed its list of names;
 */
enum err sigv4_canonical(struct arena *a, const struct sigv4_call *c, const struct headers *lines,
                         struct str *ret_signed, struct str *ret) MUST_CHECK;
/* and the value of an Authorization line for one. */
enum err sigv4_authorization(struct arena *a, const struct sigv4_key *k, struct str canonical,
                             struct str signed_names, int64_t now_s, struct str *ret) MUST_CHECK;
