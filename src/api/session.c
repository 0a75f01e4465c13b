/* SPDX-License-Identifier: Apache-2.0 */
#include "api/session.h"
#include "api/fields.h"
#include "api/objects.h"
#include "api/signin.h"
#include "api/token_json.h"
#include "base/clock.h"
#include "gateway/worker.h"
#include "store/token.h"

enum { LIFE_S = 7 * 24 * 3600 };

static const struct cookie cookie = {S("weir_session"), S("/"), "Strict"};

/* ---- the cookie: sealed, "EXPIRES-MS TOKEN" or what person.h writes ---- */

static const struct str about_token = S("weir dashboard session");

/* Of this client at this provider: where the settings name another, nobody is signed in. */
static struct str about_person(struct api_call *c, const struct signin *s)
{
    return arena_printf(c->arena, "weir dashboard person %.*s %.*s", STR_FMT(s->issuer),
                        STR_FMT(s->client_id));
}

static const struct token *open_token(struct api_call *c, struct str value)
{
    int64_t expires = 0, now = clock_wall_ms();
    struct str text = cookie_open(c, value, about_token), until = str_cut(&text, ' ');
    if (str_to_int(until, &expires) != E_OK || expires <= now)
        return NULL;
    return catalog_token(c->catalog, text, now);
}

static const struct token *open_person(struct api_call *c, struct str value)
{
    const struct signin *s = api_call_settings(c)->signin;
    struct str text = s ? cookie_open(c, value, about_person(c, s)) : str_of(NULL, 0);
    struct person *p = text.p ? arena_new(c->arena, struct person) : NULL;
    const struct token *t = p ? person_read(c->arena, s, c->catalog, text, clock_wall_ms(), p) : NULL;
    c->person = t ? p : NULL;
    return t;
}

const struct token *session_token(struct api_call *c)
{
    const struct request_head *h = exchange_request(c->x);
    bool reads = str_eq(h->method, STR("GET")) || str_eq(h->method, STR("HEAD"));
    struct str value = cookie_find(c, &cookie);
    if (!value.n || (!reads && !headers_last(&h->headers, STR("x-weir-ui")).n))
        return NULL;
    const struct token *t = open_token(c, value);
    return t ? t : open_person(c, value);
}

static struct str seal_token(struct api_call *c, struct str token)
{
    long long until = (long long)(clock_wall_ms() + (int64_t)LIFE_S * 1000);
    return cookie_seal(c, arena_printf(c->arena, "%lld %.*s", until, STR_FMT(token)), about_token);
}

bool session_begin(struct api_call *c, const struct signin *s, struct str person)
{
    struct str value = cookie_seal(c, person, about_person(c, s));
    if (value.n)
        cookie_set(c, &cookie, value, s->session_ms / 1000);
    return value.n > 0;
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

static void put_time_or_null(struct json_out *w, const char *key, int64_t ms)
{
    if (ms) {
        put_time_ms(w, key, ms);
    } else {
        json_key(w, key);
        json_put_null(w);
    }
}

/* Null: the session is that of a token. */
static void put_person(struct json_out *w, const struct person *p)
{
    json_key(w, "person");
    if (!p) {
        json_put_null(w);
        return;
    }
    json_open(w, '{');
    json_add_str(w, "subject", p->subject);
    json_add_str(w, "login", p->login);
    json_add_str(w, "name", p->name.n ? p->name : str_of(NULL, 0));
    json_close(w, '}');
}

static void put_session(struct api_call *c)
{
    struct json_out w = reply_open(c);
    json_open(&w, '{');
    json_add_str(&w, "account", c->token->account);
    json_add_str(&w, "name", c->token->name);
    put_person(&w, c->person);
    json_key(&w, "permissions");
    json_open(&w, '[');
    for (size_t i = 0; i < permission_count; i++)
        if (c->token->permissions & permission_rows[i].bit)
            json_put_str(&w, permission_rows[i].word);
    json_close(&w, ']');
    json_key(&w, "gateways");
    put_gateways(&w, c->token);
    put_time_or_null(&w, "expires_at", c->person ? c->person->until_ms : c->token->expires_ms);
    put_time_or_null(&w, "tokens_end_by", c->token->expires_ms);
    json_close(&w, '}');
    reply_close(c, &w);
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
        cookie_set(c, &cookie, value, LIFE_S);
        put_session(c);
    }
}

void session_fetch(struct api_call *c)
{
    put_session(c);
}

void session_ended(struct api_call *c, struct str url)
{
    struct json_out w = reply_open(c);
    json_open(&w, '{');
    json_add_str(&w, "url", url);
    json_close(&w, '}');
    reply_close(c, &w);
}

void session_delete(struct api_call *c)
{
    bool person = session_token(c) && c->person;
    cookie_set(c, &cookie, STR(""), 0);
    if (person && api_call_settings(c)->signin->end_session)
        signin_end(c);
    else
        session_ended(c, str_of(NULL, 0));
}
