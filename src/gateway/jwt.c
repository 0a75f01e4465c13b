/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/jwt.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/verify.h"

struct jwk {
    struct str id; /* p == NULL: it has none */
    bool bound;    /* the key says itself what it is for */
    enum sig_alg alg;
    struct verify_key *key;
};

struct jwk_set {
    struct jwk keys[JWKS_KEYS];
    size_t n;
    struct arena arena;
};

/* ---- key sets ---- */

/* A member that is text or absent (p == NULL); false for any other value. */
static bool optional_text(const struct json_val *object, const char *name, struct str *ret)
{
    const struct json_val *v = json_get(object, name);
    *ret = json_str(v);
    return !v || ret->p;
}

/* The bytes of a base64url member; empty when it is absent or broken, which no key accepts. */
static struct str decoded(struct arena *a, const struct json_val *object, const char *name)
{
    struct str text = json_str(json_get(object, name)), bytes;
    return text.p && base64_decode(a, text, &bytes) == E_OK ? bytes : STR("");
}

/* RFC 7517 sections 4.2 and 4.3 */
static bool is_for_signatures(const struct json_val *jwk)
{
    struct str use;
    const struct json_val *ops = json_get(jwk, "key_ops");
    if (!optional_text(jwk, "use", &use) || (use.p && !str_eq(use, STR("sig"))))
        return false;
    if (!ops)
        return true;
    for (struct json_iter it = json_iter(ops); json_next(&it);)
        if (str_eq(json_str(it.val), STR("verify")))
            return true;
    return false;
}

static enum err read_parameters(struct arena *a, const struct json_val *jwk, struct verify_key **ret)
{
    struct str type = json_str(json_get(jwk, "kty")), curve = json_str(json_get(jwk, "crv"));
    if (str_eq(type, STR("RSA")))
        return verify_key_rsa(decoded(a, jwk, "n"), decoded(a, jwk, "e"), ret);
    if (str_eq(type, STR("EC")))
        return verify_key_ec(curve, decoded(a, jwk, "x"), decoded(a, jwk, "y"), ret);
    if (str_eq(type, STR("OKP")))
        return verify_key_okp(curve, decoded(a, jwk, "x"), ret);
    return E_SYNTAX; /* "oct" among them: a secret that everybody can fetch is none */
}

static void add_key(struct jwk_set *set, const struct json_val *jwk)
{
    struct jwk k = {0};
    struct str alg;
    if (!is_for_signatures(jwk) || !optional_text(jwk, "kid", &k.id) || !optional_text(jwk, "alg", &alg))
        return;
    k.bound = alg.p != NULL;
    if (k.bound && !sig_alg_named(alg, &k.alg))
        return;
    if (read_parameters(&set->arena, jwk, &k.key) != E_OK)
        return;
    if (k.id.p)
        k.id = arena_dup(&set->arena, k.id);
    set->keys[set->n++] = k;
}

struct jwk_set *jwk_set_parse(struct str json)
{
    struct json_doc *doc = json.n <= JWKS_BYTES ? json_parse(json) : NULL;
    const struct json_val *keys = json_get(json_root(doc), "keys");
    struct jwk_set *set = mem_zalloc(sizeof(*set));
    /* what is copied is part of the text */
    arena_init(&set->arena, (size_t)2 * JWKS_BYTES);
    if (json_type(keys) == JSON_ARRAY)
        for (struct json_iter it = json_iter(keys); set->n < JWKS_KEYS && json_next(&it);)
            add_key(set, it.val);
    json_free(doc);
    if (set->n > 0)
        return set;
    jwk_set_free(set);
    return NULL;
}

void jwk_set_free(struct jwk_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->n; i++)
        verify_key_free(set->keys[i].key);
    arena_done(&set->arena);
    mem_free(set);
}

/* The key of that id; for a token that names none the only one that fits. */
static const struct verify_key *find_key(const struct jwk_set *set, enum sig_alg alg, struct str id)
{
    const struct verify_key *found = NULL;
    for (size_t i = 0; set && i < set->n; i++) {
        const struct jwk *k = &set->keys[i];
        if ((k->bound && k->alg != alg) || !verify_key_fits(k->key, alg))
            continue;
        if (id.p ? k->id.p && str_eq(k->id, id) : !found)
            found = k->key;
        else if (!id.p)
            return NULL;
    }
    return found;
}

/* ---- tokens ---- */

const char *jwt_verdict_text(enum jwt_verdict v)
{
    static const char *const texts[] = {
        [JWT_GOOD] = "good",
        [JWT_MALFORMED] = "malformed, or of a type or algorithm that is not accepted",
        [JWT_WRONG_ISSUER] = "of another issuer",
        [JWT_WRONG_AUDIENCE] = "for another audience",
        [JWT_WRONG_NONCE] = "of another sign-in",
        [JWT_EXPIRED] = "expired",
        [JWT_NOT_YET] = "not valid yet",
        [JWT_UNKNOWN_KEY] = "signed with a key that is not in the issuer's set",
        [JWT_WRONG_SIGNATURE] = "wrongly signed",
    };
    return texts[v];
}

struct parts {
    struct str header, payload, signature; /* base64url */
    struct str input;                      /* of the signature: header "." payload */
};

static struct parts split(struct str text)
{
    struct str rest = text;
    struct parts p = {.header = str_cut(&rest, '.')};
    p.payload = rest.p ? str_cut(&rest, '.') : rest;
    p.signature = rest;
    p.input = str_head(text, p.header.n + 1 + p.payload.n);
    return p;
}

static bool is_base64url(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
    }
    return true;
}

bool jwt_is_compact(struct str text)
{
    if (text.n > JWT_BYTES || str_find(text, '.') == text.n)
        return false; /* most keys of providers have no dot */
    struct parts p = split(text);
    return p.signature.p && p.header.n > 0 && p.payload.n > 0 && is_base64url(p.header) &&
           is_base64url(p.payload) && is_base64url(p.signature);
}

/* An object with no name twice (RFC 7519 section 4): two readers might take it for two different things. */
static bool is_plain_object(const struct json_val *v)
{
    struct str names[JWT_MEMBERS];
    size_t n = 0;
    if (json_type(v) != JSON_OBJECT || json_count(v) > JWT_MEMBERS)
        return false;
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        for (size_t i = 0; i < n; i++)
            if (str_eq(names[i], it.key))
                return false;
        names[n++] = it.key;
    }
    return true;
}

static struct json_doc *decode_part(struct arena *a, struct str part, struct str *ret_json)
{
    return base64_decode(a, part, ret_json) == E_OK ? json_parse(*ret_json) : NULL;
}

/*
 * RFC 8725 section 3.11: a token of another type that the same issuer signs (a logout token, a proof of
 * possession) is no identity. Identity and access tokens are of these types, or of none.
 */
static bool is_identity_type(struct str typ)
{
    static const struct str application = S("application/");
    struct str kind = str_istarts(typ, application) ? str_from(typ, application.n) : typ;
    return !typ.p || str_ieq(kind, STR("jwt")) || str_ieq(kind, STR("at+jwt"));
}

/* What the header says about the signature. Keys it carries or points at are never used. */
static bool read_header(const struct json_val *header, enum sig_alg *ret_alg, struct str *ret_key_id)
{
    struct str typ;
    return is_plain_object(header) && !json_get(header, "crit") &&
           sig_alg_named(json_str(json_get(header, "alg")), ret_alg) && optional_text(header, "typ", &typ) &&
           is_identity_type(typ) && optional_text(header, "kid", ret_key_id);
}

static bool is_for(const struct json_val *aud, struct str audience)
{
    if (json_type(aud) != JSON_ARRAY)
        return json_type(aud) == JSON_STRING && str_eq(json_str(aud), audience);
    for (struct json_iter it = json_iter(aud); json_next(&it);)
        if (json_type(it.val) == JSON_STRING && str_eq(json_str(it.val), audience))
            return true;
    return false;
}

/* A NumericDate, whole seconds of it; `fallback` when it is absent, -1 when it is no time. */
static int64_t time_of(const struct json_val *claims, const char *name, int64_t fallback)
{
    const double latest = 253402300800; /* the year 10000 */
    const struct json_val *v = json_get(claims, name);
    double s = json_num(v, -1);
    if (!v)
        return fallback;
    return s >= 0 && s < latest ? (int64_t)s : -1;
}

static enum jwt_verdict judge_times(const struct json_val *claims, int64_t now_s, int64_t *ret_expires_s)
{
    int64_t exp = time_of(claims, "exp", -1), nbf = time_of(claims, "nbf", 0),
            iat = time_of(claims, "iat", 0);
    if (exp < 0 || nbf < 0 || iat < 0)
        return JWT_MALFORMED;
    if (exp <= now_s)
        return JWT_EXPIRED;
    if (nbf > now_s + JWT_LEEWAY_S || iat > now_s + JWT_LEEWAY_S)
        return JWT_NOT_YET;
    *ret_expires_s = exp;
    return JWT_GOOD;
}

/* A token for several is ours if we asked for it: then `azp` says so. */
static enum jwt_verdict judge_sign_in(const struct json_val *claims, const struct jwt_rules *rules)
{
    const struct json_val *party = json_get(claims, "azp");
    bool several = json_count(json_get(claims, "aud")) > 1;
    if (!json_str(json_get(claims, "sub")).n || !json_get(claims, "iat"))
        return JWT_MALFORMED;
    if ((party || several) && !str_eq(json_str(party), rules->audience))
        return JWT_WRONG_AUDIENCE;
    return str_eq(json_str(json_get(claims, "nonce")), rules->nonce) ? JWT_GOOD : JWT_WRONG_NONCE;
}

static enum jwt_verdict judge_claims(const struct json_val *claims, const struct jwt_rules *rules,
                                     struct identity *ret)
{
    if (!is_plain_object(claims) || !optional_text(claims, "sub", &ret->user) ||
        ret->user.n > JWT_SUBJECT_BYTES)
        return JWT_MALFORMED;
    if (!str_eq(json_str(json_get(claims, "iss")), rules->issuer))
        return JWT_WRONG_ISSUER;
    if (!is_for(json_get(claims, "aud"), rules->audience))
        return JWT_WRONG_AUDIENCE;
    enum jwt_verdict v = rules->nonce.p ? judge_sign_in(claims, rules) : JWT_GOOD;
    return v == JWT_GOOD ? judge_times(claims, rules->now_s, &ret->expires_s) : v;
}

static enum jwt_verdict judge_signature(struct arena *a, const struct parts *p, const struct json_val *header,
                                        const struct jwk_set *set)
{
    enum sig_alg alg;
    struct str key_id, signature;
    if (!read_header(header, &alg, &key_id) || base64_decode(a, p->signature, &signature) != E_OK)
        return JWT_MALFORMED;
    const struct verify_key *key = find_key(set, alg, key_id);
    if (!key)
        return JWT_UNKNOWN_KEY;
    return verify_signature(key, alg, p->input, signature) ? JWT_GOOD : JWT_WRONG_SIGNATURE;
}

enum jwt_verdict jwt_verify(struct arena *a, struct str text, const struct jwk_set *set,
                            const struct jwt_rules *rules, struct identity *ret)
{
    must(rules->issuer.n > 0 && rules->audience.n > 0 && (rules->nonce.n > 0 || !rules->nonce.p));
    if (!jwt_is_compact(text))
        return JWT_MALFORMED;
    struct str ignored;
    struct identity id;
    struct parts p = split(text);
    struct json_doc *header = decode_part(a, p.header, &ignored),
                    *claims = decode_part(a, p.payload, &id.claims);
    enum jwt_verdict v = judge_claims(json_root(claims), rules, &id);
    if (v == JWT_GOOD)
        v = judge_signature(a, &p, json_root(header), set);
    if (v == JWT_GOOD) {
        id.user = arena_dup(a, id.user);
        if (id.user.p)
            *ret = id;
        else
            v = JWT_MALFORMED; /* the request's memory is used up */
    }
    json_free(header);
    json_free(claims);
    return v;
}

bool jwt_names_issuer(struct arena *a, struct str text, struct str issuer)
{
    if (!jwt_is_compact(text))
        return false;
    bool named = false;
    struct str ignored;
    struct json_doc *claims = decode_part(a, split(text).payload, &ignored);
    for (struct json_iter it = json_iter(json_root(claims)); json_next(&it);)
        named = named || (str_eq(it.key, STR("iss")) && str_eq(json_str(it.val), issuer));
    json_free(claims);
    return named;
}
