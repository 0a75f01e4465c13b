/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored credentials: what the text of one says, and how it gets into a request (data plane sections 4, 33.3,
 * 33.4 and 33.7). Pure functions; what they read is in the arena or a view of the text.
 *
 *   credential_read ─ credential_place (compat), _path, _query ─ provider_url ─ credential_put
 *       └ KEY      nothing more
 *       └ ACCOUNT  gcp_exchange of c.gcp, then provider_put_credential with the token
 *       └ SIGNS    credential_sign of every try, when its body is final
 *
 * The texts that are more than a key:
 *
 *   aws-bedrock       {"accessKeyId", "secretAccessKey", "region", "sessionToken"?}, or an API key of Bedrock
 *   google-vertex-ai  a service account's JSON with a "region" added, as it is or in base64
 *   workers-ai        {"accountId", "apiToken"} where the URL's account is not Cloudflare's, or the token
 */
#pragma once
#include "providers/entry.h"
#include "providers/sign.h"
#include "providers/sigv4.h"

enum credential_kind {
    CREDENTIAL_KEY,     /* goes out in the provider's line */
    CREDENTIAL_ACCOUNT, /* is exchanged for an access token, which goes out */
    CREDENTIAL_SIGNS,   /* stays here and signs */
};

struct credential {
    enum credential_kind kind;
    struct secret key;      /* KEY */
    struct str account;     /* KEY of workers-ai: the account that the token belongs to; empty: the URL's */
    struct gcp_account gcp; /* ACCOUNT */
    struct sigv4_key aws;   /* SIGNS; without a service */
};

/*
 * Reads the text that is stored for p. NULL, or what is wrong with it and what to do: one static sentence,
 * which repeats nothing of the text.
 */
const char *credential_read(struct arena *a, const struct provider *p, struct secret text,
                            struct credential *ret) MUST_CHECK;
/* The same question when somebody wants to store it. */
const char *credential_check(const struct provider *p, struct secret text) MUST_CHECK;

/*
 * Fills in what a compat path asks for beside the model, which is in *place already: project and location of
 * the account, or the AWS region, which is the one in the model's ARN, else the credential's, else us-east-1.
 * c may be NULL: the request brings its own.
 */
void credential_place(const struct provider *p, const struct credential *c, struct entry_place *place);

/*
 * A native path with what the client left out: "bedrock-runtime/model/..." gets the credential's region,
 * "v1/publishers/..." of Vertex AI its project and location. Any other path is returned as it is. E_FULL past
 * the arena.
 */
enum err credential_path(struct arena *a, const struct provider *p, const struct credential *c,
                         struct str rest, struct str *ret) MUST_CHECK;

/*
 * Takes the query's `key` away where it is one, if only an empty one. *query: p == NULL when absent, or when
 * nothing is left of it. E_FULL past the arena.
 */
enum err credential_query(struct arena *a, const struct provider *p, struct str *query) MUST_CHECK;

/*
 * Takes away every line in which the client may have put a key or a signature, and then sets the line of a
 * KEY. E_CREDENTIAL for a key that cannot stand in a header, E_FULL past the arena.
 */
enum err credential_put(struct arena *a, const struct provider *p, const struct credential *c,
                        struct headers *h) MUST_CHECK;

/*
 * Signs a call of SIGNS, in place of an earlier signature. `rest` is the path that provider_url took: it
 * names the service and the region. The body is to be exactly what is sent. Errors are those of sigv4_sign.
 */
enum err credential_sign(struct arena *a, const struct credential *c, struct str rest,
                         const struct sigv4_call *call, int64_t now_s, struct headers *h) MUST_CHECK;
