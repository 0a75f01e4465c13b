/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity tokens and key sets from strangers. The first byte says what the rest is: a token; its header
 * and claims as JSON lines, so that mutations get past base64; or a key set, with a token that wants one.
 */
#include "base/crypto.h"
#include "base/limits.h"
#include "gateway/jwt.h"

static const struct str keys = S("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\","
                                 "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}");
static const struct jwt_rules rules = {
    .issuer = S("https://issuer.example"), .audience = S("weir"), .now_s = 1792000000};
static const struct jwt_rules sign_in = {
    .issuer = S("https://issuer.example"), .audience = S("weir"), .now_s = 1792000000, .nonce = S("n")};

static enum jwt_verdict check_token(struct arena *a, struct str text, const struct jwk_set *set)
{
    struct identity id = {0};
    enum jwt_verdict v = jwt_verify(a, text, set, &rules, &id);
    if (v == JWT_UNKNOWN_KEY || v == JWT_WRONG_SIGNATURE || v == JWT_GOOD)
        must(jwt_is_compact(text) && jwt_names_issuer(a, text, rules.issuer));
    else
        (void)jwt_names_issuer(a, text, rules.issuer);
    /* the answer to a sign-in is held to all that other tokens are */
    enum jwt_verdict strict = jwt_verify(a, text, set, &sign_in, &id);
    must(strict == v || (strict != JWT_GOOD && strict != JWT_UNKNOWN_KEY && strict != JWT_WRONG_SIGNATURE));
    must(v != JWT_GOOD || (id.expires_s > rules.now_s && id.user.n <= JWT_SUBJECT_BYTES));
    return v;
}

static struct str token_of(struct arena *a, struct str text)
{
    struct str claims = text, header = str_cut(&claims, '\n');
    const struct str parts[] = {base64url_encode(a, header), STR("."), base64url_encode(a, claims),
                                STR(".AAAA")};
    return arena_join(a, parts, countof(parts));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 64 * KIB)
        return 0;
    struct arena a;
    arena_init(&a, TXN_ARENA_BYTES);
    struct str text = str_of((const char *)data + 1, size - 1);
    bool is_set = data[0] == 'k';
    struct jwk_set *set = jwk_set_parse(is_set ? text : keys);
    if (is_set)
        text = STR(
            "{\"alg\":\"ES256\"}\n{\"iss\":\"https://issuer.example\",\"aud\":\"weir\",\"exp\":1800000000}");
    /* nothing that is made here can be rightly signed */
    must(check_token(&a, data[0] == 't' ? text : token_of(&a, text), set) != JWT_GOOD);
    jwk_set_free(set);
    arena_done(&a);
    return 0;
}
