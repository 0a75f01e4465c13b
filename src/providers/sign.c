/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google service accounts: from the JSON a client or an operator holds to an access token, by a
 * signed assertion (RFC 7523). The JSON may be anybody's, so every field is checked here.
 */
#include "providers/sign.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

static const struct str token_domains[] = {S("googleapis.com"), S(".googleapis.com")};

static bool is_printable(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7f)
            return false;
    return true;
}

static bool is_region(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-'))
            return false;
    return s.n <= HOST_LABEL_BYTES;
}

static bool is_pem(struct str s)
{
    /* an encrypted key would make OpenSSL ask the terminal for its password */
    return s.n > 0 && s.n <= GCP_KEY_BYTES && str_starts(s, STR("-----BEGIN ")) &&
           !str_has(s, STR("ENCRYPTED"));
}

/* The text of a member in the arena; empty when it is absent or no string. */
static bool take(struct arena *a, const struct json_val *root, const char *key, struct str *ret)
{
    struct str s = json_str(json_get(root, key));
    *ret = s.n ? arena_dup(a, s) : STR("");
    return ret->p != NULL;
}

static bool take_all(struct arena *a, const struct json_val *root, struct gcp_account *g)
{
    struct str pem;
    if (!take(a, root, "client_email", &g->email) || !take(a, root, "project_id", &g->project) ||
        !take(a, root, "region", &g->region) || !take(a, root, "private_key_id", &g->key_id) ||
        !take(a, root, "token_uri", &g->token_uri) || !take(a, root, "private_key", &pem))
        return false;
    if (g->token_uri.n == 0)
        g->token_uri = STR("https://oauth2.googleapis.com/token");
    g->key = secret_of(pem);
    return true;
}

static const char *fault_of(const struct gcp_account *g)
{
    struct foreign_url where;
    if (g->email.n == 0 || !is_printable(g->email))
        return "\"client_email\" is missing, or is no address";
    if (!is_printable(g->project))
        return "\"project_id\" is not the id of a project";
    if (!is_printable(g->key_id))
        return "\"private_key_id\" is not the id of a key";
    if (!is_region(g->region))
        return "\"region\" is not a location such as \"us-central1\" or \"global\"";
    if (!is_pem(secret_reveal(g->key)))
        return "\"private_key\" is missing, or is not an unencrypted PEM key of at most 4 KiB";
    if (provider_foreign_url(g->token_uri, token_domains, countof(token_domains), &where))
        return "\"token_uri\" is not an https URL of googleapis.com";
    return NULL;
}

const char *gcp_account_read(struct arena *a, struct secret json, struct gcp_account *ret)
{
    struct str text = secret_reveal(json);
    struct json_doc *doc = json_parse(text);
    const struct json_val *root = json_root(doc);
    struct gcp_account g = {0};
    const char *why;
    if (json_type(root) != JSON_OBJECT)
        why = "The service account is not a JSON object";
    else if (!str_eq(json_str(json_get(root, "type")), STR("service_account")))
        why = "\"type\" must be \"service_account\"";
    else
        why = take_all(a, root, &g) ? fault_of(&g) : "The service account is too long";
    json_free(doc);
    if (why)
        return why;
    sha256(text, g.id);
    *ret = g;
    return NULL;
}

bool gcp_account_parse(struct arena *a, struct secret bearer, struct gcp_account *ret)
{
    struct str text = secret_reveal(bearer), json;
    return text.n <= GCP_ACCOUNT_BYTES && base64_decode(a, text, &json) == E_OK &&
           !gcp_account_read(a, secret_of(json), ret);
}

enum err gcp_token_url(struct arena *a, const struct gcp_account *g, struct str override,
                       struct upstream_url *ret)
{
    struct foreign_url f;
    enum err e = provider_foreign_url(g->token_uri, token_domains, countof(token_domains), &f);
    if (e)
        return e;
    struct upstream_url u;
    struct str prefix;
    if (provider_parse_origin(override.n ? override : f.origin, &u, &prefix))
        return E_INTERNAL;
    struct str mark = f.query.p ? STR("?") : STR("");
    const struct str parts[] = {prefix, STR("/"), f.path, mark, f.query};
    u.trusted = override.n > 0;
    u.from_request = !u.trusted;
    u.target = arena_join(a, parts, countof(parts));
    if (!u.target.p)
        return E_FULL;
    *ret = u;
    return E_OK;
}

/* One part of a JSON Web Token: a JSON object of text members and, when now_s is set, its two times. */
static struct str jwt_part(struct arena *a, const struct str (*members)[2], size_t n, int64_t now_s)
{
    struct buf b;
    buf_init(&b, 2 * GCP_ACCOUNT_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    for (size_t i = 0; i < n; i++) {
        if (members[i][1].n == 0)
            continue;
        json_key_str(&w, members[i][0]);
        json_put_str(&w, members[i][1]);
    }
    if (now_s) {
        json_add_int(&w, "iat", now_s);
        json_add_int(&w, "exp", now_s + HOUR_S);
    }
    json_close(&w, '}');
    struct str part = b.full ? (struct str){NULL, 0} : base64url_encode(a, buf_str(&b));
    buf_done(&b);
    return part;
}

enum err gcp_token_request(struct arena *a, const struct gcp_account *g, int64_t now_s, struct str *ret_body)
{
    const struct str header[][2] = {{S("alg"), S("RS256")}, {S("typ"), S("JWT")}, {S("kid"), g->key_id}};
    const struct str claims[][2] = {{S("iss"), g->email},
                                    {S("scope"), S("https://www.googleapis.com/auth/cloud-platform")},
                                    {S("aud"), g->token_uri}};
    const struct str signed_parts[] = {jwt_part(a, header, countof(header), 0), STR("."),
                                       jwt_part(a, claims, countof(claims), now_s)};
    if (!signed_parts[0].p || !signed_parts[2].p)
        return E_FULL;
    struct str text = arena_join(a, signed_parts, countof(signed_parts)), signature;
    if (!text.p)
        return E_FULL;
    if (rsa_sha256_sign(a, g->key, text, &signature))
        return E_CREDENTIAL;
    const struct str body[] = {
        STR("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="), text, STR("."),
        base64url_encode(a, signature)};
    struct str joined = body[3].p ? arena_join(a, body, countof(body)) : (struct str){NULL, 0};
    if (!joined.p)
        return E_FULL;
    *ret_body = joined;
    return E_OK;
}

enum err gcp_token_answer(struct arena *a, struct str body, struct secret *ret_token, int64_t *ret_expires_s)
{
    struct json_doc *doc = json_parse(body);
    const struct json_val *root = json_root(doc);
    struct str token = json_str(json_get(root, "access_token"));
    int64_t expires = 0;
    enum err e = E_CREDENTIAL;
    if (token.n > 0 && token.n <= GCP_ACCOUNT_BYTES && is_printable(token) &&
        json_uint(json_get(root, "expires_in"), &expires) && expires >= 1 && expires <= DAY_S) {
        token = arena_dup(a, token);
        e = token.p ? E_OK : E_FULL;
    }
    json_free(doc);
    if (!e) {
        *ret_token = secret_of(token);
        *ret_expires_s = expires;
    }
    return e;
}
