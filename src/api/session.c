/* SPDX-License-Identifier: Apache-2.0 */
#include "api/session.h"
#include "api/fields.h"
#include "api/objects.h"
#include "api/token_json.h"
#include "base/clock.h"
#include "store/token.h"

enum { LIFE_S = 7 * 24 * 3600, COOKIE_BYTES = 1024 };

static const struct str cookie_name = S("weir_session");
static const struct str bound_to = S("weir dashboard session");

/* ---- the cookie: base64url of the sealed "EXPIRES-MS TOKEN" ---- */

static struct str find_cookie(const struct api_call *c)
{
    struct str line = headers_last(&exchange_request(c->x)->headers, STR("cookie"));
    while (line.p) {
        struct str value = str_trim(str_cut(&line, ';')), name = str_cut(&value, '=');
        if (str_eq(name, cookie_name) && value.n <= COOKIE_BYTES)
            return value;
    }
    return str_of(NULL, 0);
}

static const struct token *open_cookie(struct api_call *c, struct str cookie)
{
    struct str sealed;
    struct secret plain;
    int64_t expires = 0, now = clock_wall_ms();
    if (!cookie.n || base64_decode(c->arena, cookie, &sealed) != E_OK ||
        store_unseal(api_call_store(c), c->arena, bound_to, sealed, &plain) != E_OK)
        return NULL;
    struct str text = secret_reveal(plain), until = str_cut(&text, ' ');
    if (str_to_int(until, &expires) != E_OK || expires <= now)
        return NULL;
    return catalog_token(c->catalog, text, now);
}

const struct token *session_token(struct api_call *c)
{
    const struct request_head *h = exchange_request(c->x);
    bool reads = str_eq(h->method, STR("GET")) || str_eq(h->method, STR("HEAD"));
    if (!reads && !headers_last(&h->headers, STR("x-weir-ui")).n)
        return NULL;
    return open_cookie(c, find_cookie(c));
}

/* The line that sets it, or (value empty) takes it away. */
static struct str cookie_line(struct api_call *c, struct str value)
{
    bool tls = str_starts(api_call_public_url(c), STR("https:"));
    return arena_printf(c->arena, "%.*s=%.*s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s",
                        STR_FMT(cookie_name), STR_FMT(value), value.n ? LIFE_S : 0, tls ? "; Secure" : "");
}

/* ---- the calls ---- */

/* Null: all of the account. */
static void put_gateways(struct json_out *w, const struct token *t)
{
    if (!t->gateways) {
        json_put_null(w);
        return;
    }
    json_open(w, '[');
    for (size_t i = 0; i < t->n_gateways; i++)
        json_put_str(w, t->gateways[i]);
    json_close(w, ']');
}

static void put_session(struct api_call *c)
{
    struct json_out w = reply_open(c);
    json_open(&w, '{');
    put_text(&w, "account", c->token->account);
    put_text(&w, "name", c->token->name);
    json_key(&w, "permissions");
    json_open(&w, '[');
    for (size_t i = 0; i < permission_count; i++)
        if (c->token->permissions & permission_rows[i].bit)
            json_put_str(&w, permission_rows[i].word);
    json_close(&w, ']');
    json_key(&w, "gateways");
    put_gateways(&w, c->token);
    json_key(&w, "expires_at");
    if (c->token->expires_ms) {
        char text[TIME_TEXT];
        clock_rfc3339(c->token->expires_ms, text);
        json_put_str(&w, str_c(text));
    } else {
        json_put_null(&w);
    }
    json_close(&w, '}');
    reply_close(c, &w);
}

static struct str seal_token(struct api_call *c, struct str token)
{
    struct str plain = arena_printf(c->arena, "%lld %.*s",
                                    (long long)(clock_wall_ms() + (int64_t)LIFE_S * 1000), STR_FMT(token));
    struct str sealed = store_seal_for(api_call_store(c), c->arena, bound_to, secret_of(plain));
    return base64url_encode(c->arena, sealed);
}

void session_create(struct api_call *c)
{
    struct complaints wrong;
    struct json_doc *doc;
    complaints_init(&wrong, c->arena, "body");
    const struct json_val *body = body_read(buf_str(&c->body), &doc, &wrong);
    struct str text = str_trim(json_str(json_get(body, "token")));
    if (body && !text.n)
        complain(&wrong, STR("token"), "Required");
    c->token = wrong.first ? NULL : catalog_token(c->catalog, text, clock_wall_ms());
    struct str value = c->token ? seal_token(c, text) : STR("");
    json_free(doc);
    if (wrong.first) {
        reply_invalid(c, &wrong);
    } else if (!value.n) {
        reply_error(c, API_AUTH);
    } else {
        c->cookie = cookie_line(c, value);
        put_session(c);
    }
}

void session_fetch(struct api_call *c)
{
    put_session(c);
}

void session_delete(struct api_call *c)
{
    c->cookie = cookie_line(c, STR(""));
    struct json_out w = reply_open(c);
    json_put_null(&w);
    reply_close(c, &w);
}
