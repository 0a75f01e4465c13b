/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/code_flow.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"
#include "http/gather.h"

enum { EXCHANGE_MS = 10 * 1000, SECRET_BYTES = 32, ERROR_BYTES = 64 };

struct code_exchange {
    struct worker *w;
    struct arena *arena;
    struct code_ask ask;
    void (*on_done)(void *arg, const struct code_result *r);
    void *arg;

    struct gather post;
    struct issuer_wait *wait;
    struct headers headers;
    struct code_result result;
};

/* ---- the way there ---- */

static struct str random_text(struct arena *a)
{
    char bytes[SECRET_BYTES];
    random_bytes(bytes, sizeof(bytes));
    return base64url_encode(a, str_of(bytes, sizeof(bytes)));
}

bool code_secrets_make(struct arena *a, struct code_secrets *ret)
{
    *ret = (struct code_secrets){random_text(a), random_text(a), random_text(a)};
    return ret->state.p && ret->nonce.p && ret->verifier.p;
}

/* RFC 7636 section 4.2, S256 */
static struct str challenge_of(struct arena *a, struct str verifier)
{
    unsigned char hash[SHA256_BYTES];
    sha256(verifier, hash);
    return base64url_encode(a, str_of((char *)hash, sizeof(hash)));
}

struct str code_fields(struct arena *a, const struct code_field *fields, size_t n)
{
    struct str text = STR("");
    for (size_t i = 0; i < n && text.p; i++) {
        struct str value = percent_encode(a, fields[i].value);
        if (!value.p)
            return value;
        if (value.n)
            text = arena_printf(a, "%.*s%s%s=%.*s", STR_FMT(text), text.n ? "&" : "", fields[i].name,
                                STR_FMT(value));
    }
    return text;
}

struct str code_flow_url(struct arena *a, const struct issuer_description *d, const struct signin *s,
                         const struct code_secrets *secrets, struct str redirect)
{
    const struct code_field fields[] = {
        {"response_type", STR("code")},
        {"client_id", s->client_id},
        {"redirect_uri", redirect},
        {"scope", s->scopes},
        {"state", secrets->state},
        {"nonce", secrets->nonce},
        {"code_challenge", challenge_of(a, secrets->verifier)},
        {"code_challenge_method", STR("S256")},
    };
    struct str query = code_fields(a, fields, countof(fields));
    const struct str parts[] = {d->authorization, str_has(d->authorization, STR("?")) ? STR("&") : STR("?"),
                                query};
    return query.p ? arena_join(a, parts, countof(parts)) : query;
}

/* ---- answers of the token endpoint ---- */

struct str code_answer_token(struct arena *a, struct str body)
{
    struct json_doc *doc = json_parse(body);
    struct str token = json_str(json_get(json_root(doc), "id_token"));
    struct str copy = token.n ? arena_dup(a, token) : str_of(NULL, 0);
    json_free(doc);
    return copy;
}

bool code_error_good(struct str word)
{
    for (size_t i = 0; i < word.n; i++)
        if (word.p[i] < 0x21 || word.p[i] > 0x7e || word.p[i] == '"' || word.p[i] == '\\')
            return false;
    return word.n > 0 && word.n <= ERROR_BYTES;
}

struct str code_answer_error(struct arena *a, struct str body)
{
    struct json_doc *doc = json_parse(body);
    struct str word = json_str(json_get(json_root(doc), "error"));
    struct str copy = code_error_good(word) ? arena_dup(a, word) : STR("");
    json_free(doc);
    return copy.p ? copy : STR("");
}

/* ---- the exchange ---- */

static void end(struct code_exchange *x)
{
    gather_done(&x->post);
    issuer_unref(x->ask.issuer);
}

static void finish(struct code_exchange *x, const char *why)
{
    x->result.why = why;
    end(x);
    x->on_done(x->arg, &x->result);
}

static void verify(struct code_exchange *x);

static void on_keys(void *arg)
{
    struct code_exchange *x = arg;
    x->wait = NULL;
    verify(x);
}

static void verify(struct code_exchange *x)
{
    struct jwt_rules rules = {.issuer = issuer_url(x->ask.issuer),
                              .audience = x->ask.signin->client_id,
                              .now_s = clock_wall_ms() / 1000,
                              .nonce = x->ask.nonce};
    bool later;
    x->result.end = CODE_BAD_TOKEN;
    enum jwt_verdict v =
        issuer_verify(x->ask.issuer, x->arena, x->result.token, &rules, &x->result.identity, &later);
    if (later) {
        x->wait = issuer_await(x->ask.issuer, on_keys, x);
        return;
    }
    if (v == JWT_GOOD)
        x->result.end = CODE_GOOD;
    finish(x, v == JWT_GOOD ? NULL : jwt_verdict_text(v));
}

static void on_answer(void *arg, enum err why)
{
    struct code_exchange *x = arg;
    struct str body = buf_str(&x->post.body); /* what is cut off is no JSON */
    if (why != E_OK) {
        finish(x, why == E_TIMED_OUT ? "it took too long" : err_phrase(why));
        return;
    }
    if (x->post.status != 200) {
        x->result.error = code_answer_error(x->arena, body);
        finish(x, "it refused");
        return;
    }
    x->result.token = code_answer_token(x->arena, body);
    if (x->result.token.p)
        verify(x);
    else
        finish(x, "its answer has no ID token");
}

/* RFC 6749 section 2.3.1: both encoded as in a form. */
static struct str basic(struct arena *a, const struct signin *s)
{
    struct str id = percent_encode(a, s->client_id),
               secret = percent_encode(a, secret_reveal(s->client_secret));
    struct str pair = arena_printf(a, "%.*s:%.*s", STR_FMT(id), STR_FMT(secret));
    struct str text = base64_encode(a, pair);
    return arena_printf(a, "Basic %.*s", STR_FMT(text));
}

/* A provider that says nothing of either gets what every one has to take (section 2.3.1). */
static bool in_header(const struct issuer_description *d, const struct signin *s)
{
    if (s->auth != SIGNIN_AS_TOLD)
        return s->auth == SIGNIN_BASIC;
    return d->takes_basic || !d->takes_post;
}

static bool add_header(struct code_exchange *x, const char *name, struct str value)
{
    return value.p && headers_add(&x->headers, x->arena, str_c(name), value) == E_OK;
}

/* The form, and the lines that go with it. p == NULL past the arena's cap. */
static struct str write_request(struct code_exchange *x)
{
    const struct signin *s = x->ask.signin;
    bool secret = secret_set(s->client_secret);
    bool header = secret && in_header(issuer_description(x->ask.issuer), s);
    const struct code_field fields[] = {
        {"grant_type", STR("authorization_code")},
        {"code", x->ask.code},
        {"redirect_uri", x->ask.redirect},
        {"code_verifier", x->ask.verifier},
        {"client_id", header ? STR("") : s->client_id},
        {"client_secret", header || !secret ? STR("") : secret_reveal(s->client_secret)},
    };
    if (!add_header(x, "Content-Type", STR("application/x-www-form-urlencoded")) ||
        !add_header(x, "Accept", STR("application/json")) ||
        (header && !add_header(x, "Authorization", basic(x->arena, s))))
        return str_of(NULL, 0);
    return code_fields(x->arena, fields, countof(fields));
}

static bool post(struct code_exchange *x)
{
    struct upstream_url u;
    /* copied: a fetch of the keys may bring another description while this is under way */
    struct str url = arena_dup(x->arena, issuer_description(x->ask.issuer)->token);
    struct str body = write_request(x);
    if (!body.p || !url.n || !issuer_read_url(url, &u))
        return false;
    struct call_request req = {
        .origin = issuer_origin(x->ask.issuer, &u),
        .method = STR("POST"),
        .target = u.target,
        .host = u.authority,
        .headers = &x->headers,
        .body = body,
    };
    gather_start(&x->post, x->w->client, &req, EXCHANGE_MS);
    return true;
}

struct code_exchange *code_exchange_start(struct worker *w, struct arena *a, const struct code_ask *ask,
                                          void (*on_done)(void *arg, const struct code_result *r), void *arg)
{
    struct code_exchange *x = arena_new(a, struct code_exchange);
    if (!x)
        return NULL;
    *x = (struct code_exchange){.w = w,
                                .arena = a,
                                .ask = *ask,
                                .on_done = on_done,
                                .arg = arg,
                                .result = {.end = CODE_NO_ANSWER, .error = S("")}};
    issuer_ref(ask->issuer);
    gather_init(&x->post, w->loop, SIGNIN_ANSWER_BYTES, on_answer, x);
    if (post(x))
        return x;
    end(x);
    return NULL;
}

void code_exchange_cancel(struct code_exchange *x)
{
    if (x->wait)
        issuer_cancel(x->wait);
    end(x);
}
