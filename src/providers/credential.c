/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/credential.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"

static const struct str some_region = S("us-east-1"); /* data plane section 12.1 */

/* ---- what a text says ---- */

static bool is_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
            return false;
    return s.n > 0;
}

static bool is_word_or_none(struct str s)
{
    return s.n == 0 || is_word(s);
}

static bool is_made_of(struct str s, const char *others, bool capitals)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (capitals && c >= 'A' && c <= 'Z');
        if (!plain && (c == '\0' || !strchr(others, c)))
            return false;
    }
    return s.n > 0;
}

/* What stands between the slashes and commas of a signature, and in a path. */
static bool is_id(struct str s)
{
    return is_made_of(s, "_-", true);
}

/* Some are "example.com:project". */
static bool is_project(struct str s)
{
    return is_made_of(s, "-.:", false);
}

/* "us-east-1", "us-gov-west-1": also tells a region from the segments of Bedrock's own paths. */
static bool is_aws_region(struct str s)
{
    return is_made_of(s, "-", false) && s.n <= HOST_LABEL_BYTES && str_has(s, STR("-")) && s.p[0] >= 'a' &&
           s.p[s.n - 1] >= '0' && s.p[s.n - 1] <= '9';
}

struct member {
    const char *name;
    bool (*good)(struct str value);
    struct str *ret;
    const char *why;
};

/* The text members of an object; one that is absent, or no text, counts as empty. */
static const char *read_members(struct arena *a, struct str text, const struct member *m, size_t n,
                                const char *no_object)
{
    struct json_doc *doc = json_parse(text);
    const struct json_val *root = json_root(doc);
    const char *why = json_type(root) == JSON_OBJECT ? NULL : no_object;
    for (size_t i = 0; i < n && !why; i++) {
        struct str value = json_str(json_get(root, m[i].name));
        *m[i].ret = arena_dup(a, value);
        if (!m[i].good(value))
            why = m[i].why;
        else if (!m[i].ret->p)
            why = "The secret is too long";
    }
    json_free(doc);
    return why;
}

static const char *read_key(struct str text, struct credential *c)
{
    if (!is_word(text))
        return "The key must be one word: no blanks or line breaks in it, no \"Bearer\" in front of it";
    c->key = secret_of(text);
    return NULL;
}

static const char *read_aws(struct arena *a, struct str text, struct credential *c)
{
    struct str secret, session;
    const struct member members[] = {
        {"accessKeyId", is_id, &c->aws.id,
         "\"accessKeyId\" is missing, or is not the id of an AWS access key"},
        {"secretAccessKey", is_word, &secret, "\"secretAccessKey\" is missing, or has blanks in it"},
        {"region", is_aws_region, &c->aws.region,
         "\"region\" is missing, or is not an AWS region such as \"us-east-1\""},
        {"sessionToken", is_word_or_none, &session, "\"sessionToken\" has blanks in it"},
    };
    if (text.p[0] != '{')
        return read_key(text, c);
    const char *why = read_members(a, text, members, countof(members),
                                   "The secret must be the JSON {\"accessKeyId\", \"secretAccessKey\", "
                                   "\"region\"}, or an API key of Bedrock; this is broken JSON");
    if (why)
        return why;
    c->kind = CREDENTIAL_SIGNS;
    c->aws.secret = secret_of(secret);
    c->aws.session = secret_of(session);
    return NULL;
}

static const char *read_workers_ai(struct arena *a, struct str text, struct credential *c)
{
    struct str token;
    const struct member members[] = {
        {"accountId", is_id, &c->account, "\"accountId\" is missing, or is not the id of an account"},
        {"apiToken", is_word, &token, "\"apiToken\" is missing, or has blanks in it"},
    };
    if (text.p[0] != '{')
        return read_key(text, c);
    const char *why =
        read_members(a, text, members, countof(members),
                     "The secret must be the JSON {\"accountId\", \"apiToken\"}, or an API token; "
                     "this is broken JSON");
    c->key = secret_of(why ? STR("") : token);
    return why;
}

/* Base64 as many tools print it, in lines. */
static struct str without_breaks(struct arena *a, struct str text)
{
    char *out = arena_alloc(a, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; out && i < text.n; i++)
        if (text.p[i] != '\r' && text.p[i] != '\n')
            out[n++] = text.p[i];
    return str_of(out, n);
}

static const char *read_account(struct arena *a, struct str text, struct credential *c)
{
    struct str json = text;
    if (text.p[0] != '{' && base64_decode(a, without_breaks(a, text), &json))
        return "The secret must be the JSON of a service account, as it is or in base64";
    const char *why = gcp_account_read(a, secret_of(json), &c->gcp);
    if (why)
        return why;
    if (!is_project(c->gcp.project))
        return "\"project_id\" is missing, or is not the id of a project";
    if (c->gcp.region.n == 0)
        return "\"region\" is missing: add one to the service account's JSON, such as \"us-central1\" or "
               "\"global\"";
    c->kind = CREDENTIAL_ACCOUNT;
    return NULL;
}

const char *credential_read(struct arena *a, const struct provider *p, struct secret text,
                            struct credential *ret)
{
    struct str s = str_trim(secret_reveal(text));
    struct credential c = {.kind = CREDENTIAL_KEY};
    const char *why;
    if (s.n == 0 || s.n > GCP_ACCOUNT_BYTES)
        return s.n ? "The secret is longer than 16 KiB" : "The secret is empty";
    if (p->auth == AUTH_SIGV4)
        why = read_aws(a, s, &c);
    else if (p->auth == AUTH_GCP)
        why = read_account(a, s, &c);
    else if (p->rule == PATH_WORKERS_AI)
        why = read_workers_ai(a, s, &c);
    else
        why = read_key(s, &c);
    if (!why)
        *ret = c;
    return why;
}

const char *credential_check(const struct provider *p, struct secret text)
{
    struct arena a;
    struct credential c;
    arena_init(&a, 8 * GCP_ACCOUNT_BYTES);
    const char *why = credential_read(&a, p, text, &c);
    arena_done(&a);
    return why;
}

/* ---- where it leads ---- */

/* The region in "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/...", or empty. */
static struct str arn_region(struct str model)
{
    if (!str_eq(str_cut(&model, ':'), STR("arn")))
        return STR("");
    str_cut(&model, ':');
    str_cut(&model, ':');
    struct str region = str_cut(&model, ':');
    return is_aws_region(region) ? region : STR("");
}

void credential_place(const struct provider *p, const struct credential *c, struct entry_place *place)
{
    if (p->auth == AUTH_GCP && c && c->kind == CREDENTIAL_ACCOUNT) {
        place->project = c->gcp.project;
        place->region = c->gcp.region.n ? c->gcp.region : STR("us-central1");
    }
    if (p->auth == AUTH_SIGV4) {
        place->region = arn_region(place->model);
        if (place->region.n == 0)
            place->region = c && c->kind == CREDENTIAL_SIGNS ? c->aws.region : some_region;
    }
}

static enum err join(struct arena *a, const struct str *parts, size_t n, struct str *ret)
{
    struct str whole = arena_join(a, parts, n);
    if (!whole.p)
        return E_FULL;
    *ret = whole;
    return E_OK;
}

static enum err unchanged(struct str rest, struct str *ret)
{
    *ret = rest;
    return E_OK;
}

/* "{service}/{path}": a region belongs between the two */
static enum err bedrock_path(struct arena *a, const struct credential *c, struct str rest, struct str *ret)
{
    struct str path = rest, service = str_cut(&path, '/');
    if (path.n == 0 || is_aws_region(str_head(path, str_find(path, '/'))))
        return unchanged(rest, ret);
    const struct str parts[] = {service, STR("/"), c->aws.region, STR("/"), path};
    return join(a, parts, countof(parts), ret);
}

/* "{version}/publishers/...": project and location belong between the two */
static enum err vertex_path(struct arena *a, const struct credential *c, struct str rest, struct str *ret)
{
    struct str path = rest, version = str_cut(&path, '/');
    if (!str_starts(path, STR("publishers/")))
        return unchanged(rest, ret);
    const struct str parts[] = {
        version, STR("/projects/"), c->gcp.project, STR("/locations/"), c->gcp.region, STR("/"), path};
    return join(a, parts, countof(parts), ret);
}

enum err credential_path(struct arena *a, const struct provider *p, const struct credential *c,
                         struct str rest, struct str *ret)
{
    if (p->rule == PATH_BEDROCK && c->kind == CREDENTIAL_SIGNS)
        return bedrock_path(a, c, rest, ret);
    if (p->rule == PATH_VERTEX && c->kind == CREDENTIAL_ACCOUNT)
        return vertex_path(a, c, rest, ret);
    return unchanged(rest, ret);
}

/* ---- into a request ---- */

static void remove_lines(const struct provider *p, struct headers *h)
{
    static const struct str signature[] = {S("X-Amz-Date"), S("X-Amz-Security-Token"),
                                           S("X-Amz-Content-Sha256")};
    for (const struct str *name = p->lines; name->p; name++)
        headers_remove(h, *name);
    for (const struct str *name = provider_mock()->lines; name->p;
         name++) /* whatever they stand for elsewhere */
        headers_remove(h, *name);
    for (size_t i = 0; p->auth == AUTH_SIGV4 && i < countof(signature); i++)
        headers_remove(h, signature[i]);
}

static bool is_key_pair(struct str pair)
{
    return str_eq(pair, STR("key")) || str_starts(pair, STR("key="));
}

enum err credential_query(struct arena *a, const struct provider *p, struct str *query)
{
    struct str rest = *query, left = {NULL, 0};
    if (!(p->apis & API_GEMINI) || !str_has(rest, STR("key")))
        return E_OK;
    while (rest.p) {
        struct str pair = str_cut(&rest, '&');
        const struct str parts[] = {left, left.p ? STR("&") : STR(""), pair};
        if (!is_key_pair(pair) && join(a, parts, countof(parts), &left))
            return E_FULL;
    }
    *query = left;
    return E_OK;
}

enum err credential_put(struct arena *a, const struct provider *p, const struct credential *c,
                        struct headers *h)
{
    remove_lines(p, h);
    return c->kind == CREDENTIAL_KEY ? provider_put_credential(a, p, secret_reveal(c->key), h) : E_OK;
}

enum err credential_sign(struct arena *a, const struct credential *c, struct str rest,
                         const struct sigv4_call *call, int64_t now_s, struct headers *h)
{
    struct sigv4_key key = c->aws;
    struct str service = str_cut(&rest, '/');
    key.service = str_eq(service, STR("bedrock-runtime")) ? STR("bedrock") : service;
    key.region = str_cut(&rest, '/');
    return sigv4_sign(a, &key, call, now_s, h);
}
