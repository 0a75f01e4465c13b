/* SPDX-License-Identifier: Apache-2.0 */
#include "api/signin.h"
#include "api/objects.h"
#include "api/session.h"
#include "api/signin_page.h"
#include "base/clock.h"
#include "base/log.h"
#include "gateway/code_flow.h"

#define SIGNIN_PATH API_PREFIX "/weir/signin"
#define CALLBACK_PATH SIGNIN_PATH "/callback"

enum { LIFE_S = 600, PATH_BYTES = 1024 };

static const struct cookie cookie = {S("weir_signin"), S(CALLBACK_PATH), "Lax"};
/* The ID token, if signing out is to reach the provider: some want to see it then. */
static const struct cookie hint = {S("weir_id"), S(API_PREFIX "/weir/session"), "Strict"};

/* One call's part of a sign-in. */
struct signing {
    struct api_call *call;
    struct issuer_wait *wait;
    struct code_exchange *exchange;
    void (*then)(struct signing *g);
    struct code_secrets secrets;
    struct str path, code; /* where the browser goes in the end; what the provider gave it */
};

/* ---- what a call waits for ---- */

static const struct signin *settings_of(struct signing *g)
{
    return api_call_settings(g->call)->signin;
}

static void on_left(struct api_call *c)
{
    struct signing *g = c->kept;
    if (g->wait)
        issuer_cancel(g->wait);
    if (g->exchange)
        code_exchange_cancel(g->exchange);
    api_call_finish(c);
}

static void on_described(void *arg)
{
    struct signing *g = arg;
    g->wait = NULL;
    g->then(g);
}

static void refuse(struct signing *g, enum signin_fault fault, struct str detail)
{
    signin_page_fault(g->call, fault, detail, g->path);
}

/* The issuer is this call's from here on, whatever the settings say meanwhile. NULL: nobody signs in here, or
 * no memory is left; the call has been answered. */
static struct signing *begin(struct api_call *c)
{
    struct worker *w = api_call_worker(c);
    const struct signin *s = api_call_settings(c)->signin;
    struct signing *g = s && w->people ? arena_new(c->arena, struct signing) : NULL;
    if (!g) {
        signin_page_fault(c, SIGNIN_OFF, STR(""), STR("/"));
        return NULL;
    }
    g->call = c;
    g->path = STR("/");
    c->kept = g;
    c->issuer = issuer_ref(w->people);
    return g;
}

/* Goes on when the provider's description is there, or cannot be had. */
static void describe(struct signing *g, void (*then)(struct signing *g))
{
    struct issuer *i = g->call->issuer;
    g->then = then;
    g->call->left = on_left;
    if (!issuer_refresh(i) || issuer_description(i))
        then(g);
    else
        g->wait = issuer_await(i, on_described, g);
}

static void cannot_describe(struct signing *g)
{
    const char *why = issuer_trouble(g->call->issuer);
    refuse(g, SIGNIN_UNREACHABLE, str_c(why ? why : "its description lacks a place"));
}

static struct str redirect_of(struct signing *g)
{
    return arena_printf(g->call->arena, "%.*s" CALLBACK_PATH, STR_FMT(settings_of(g)->url));
}

/* ---- the way there ---- */

/* "//host" and "/\host" are other sites to browsers, and the API is no page. */
struct str signin_path(struct str wanted)
{
    bool good = wanted.n > 0 && wanted.n <= PATH_BYTES && wanted.p[0] == '/' &&
                !str_starts(wanted, STR("//")) && !str_starts(wanted, STR(API_PREFIX)) &&
                str_find(wanted, '\\') == wanted.n;
    for (size_t i = 0; good && i < wanted.n; i++)
        good = (unsigned char)wanted.p[i] > 0x20 && wanted.p[i] != 0x7f;
    return good ? wanted : STR("/");
}

/* Of this client at this provider. */
static struct str about(struct signing *g, const char *what)
{
    return arena_printf(g->call->arena, "weir dashboard %s %.*s %.*s", what, STR_FMT(settings_of(g)->issuer),
                        STR_FMT(settings_of(g)->client_id));
}

/* "UNTIL-MS STATE NONCE VERIFIER PATH", sealed */
static struct str seal_secrets(struct signing *g)
{
    const struct code_secrets *k = &g->secrets;
    struct str text = arena_printf(g->call->arena, "%lld %.*s %.*s %.*s %.*s",
                                   (long long)(clock_wall_ms() + (int64_t)LIFE_S * 1000), STR_FMT(k->state),
                                   STR_FMT(k->nonce), STR_FMT(k->verifier), STR_FMT(g->path));
    return cookie_seal(g->call, text, about(g, "sign-in"));
}

static void send_there(struct signing *g)
{
    struct api_call *c = g->call;
    const struct issuer_description *d = issuer_description(c->issuer);
    if (!d || !d->authorization.n) {
        cannot_describe(g);
        return;
    }
    struct str value = code_secrets_make(c->arena, &g->secrets) ? seal_secrets(g) : str_of(NULL, 0);
    struct str url = code_flow_url(c->arena, d, settings_of(g), &g->secrets, redirect_of(g));
    if (!value.p || !url.p) {
        reply_error(c, API_INTERNAL);
        return;
    }
    cookie_set(c, &cookie, value, LIFE_S);
    api_call_header(c, "location", url);
    api_call_send(c, 302, STR("text/plain"), STR(""));
}

void signin_begin(struct api_call *c)
{
    struct signing *g = begin(c);
    if (!g)
        return;
    g->path = signin_path(query_value(c->arena, api_call_query(c), STR("to")));
    describe(g, send_there);
}

/* ---- the way back ---- */

/* Without it, where it is too long, the provider may ask the person. */
static void keep_hint(struct signing *g, struct str token)
{
    struct str value = cookie_seal(g->call, token, about(g, "ID token"));
    if (settings_of(g)->end_session && value.n)
        cookie_set(g->call, &hint, value, settings_of(g)->session_ms / 1000);
}

static void let_in(struct signing *g, const struct code_result *r)
{
    struct api_call *c = g->call;
    struct person person;
    const struct signin *s = settings_of(g);
    int64_t now = clock_wall_ms();
    struct str text = person_write(c->arena, s, &r->identity, now, &person);
    if (!person_account(s, c->catalog).p)
        refuse(g, SIGNIN_NO_ACCOUNT, STR(""));
    else if (!person_read(c->arena, s, c->catalog, text, now, &person))
        refuse(
            g, SIGNIN_NOBODY,
            arena_printf(c->arena, "You are %.*s (%.*s).", STR_FMT(person.login), STR_FMT(person.subject)));
    else if (!session_begin(c, s, text))
        refuse(g, SIGNIN_TOO_LONG, STR(""));
    else {
        keep_hint(g, r->token);
        signin_page_go(c, g->path);
    }
}

static void on_exchanged(void *arg, const struct code_result *r)
{
    struct signing *g = arg;
    g->exchange = NULL;
    if (r->end == CODE_GOOD) {
        let_in(g, r);
        return;
    }
    log_warn("sign-in: %s at %.*s: %s%s%.*s",
             r->end == CODE_BAD_TOKEN ? "an ID token that does not hold" : "no ID token",
             STR_FMT(settings_of(g)->issuer), r->why, r->error.n ? ": " : "", STR_FMT(r->error));
    struct str detail = r->error.n ? r->error : str_c(r->why);
    refuse(g, r->end == CODE_BAD_TOKEN ? SIGNIN_BAD_TOKEN : SIGNIN_NO_ANSWER, detail);
}

static struct str asked(struct signing *g, const char *name)
{
    return query_value(g->call->arena, api_call_query(g->call), str_c(name));
}

/* RFC 9207: a provider that names itself in its answers must do so in each, and nobody else may. */
static bool is_from_issuer(struct signing *g)
{
    struct str named = asked(g, "iss");
    return named.p ? str_eq(named, issuer_url(g->call->issuer))
                   : !issuer_description(g->call->issuer)->names_itself;
}

static void exchange(struct signing *g)
{
    struct api_call *c = g->call;
    const struct issuer_description *d = issuer_description(c->issuer);
    if (!d || !d->token.n) {
        cannot_describe(g);
        return;
    }
    if (!is_from_issuer(g)) {
        refuse(g, SIGNIN_MIXED_UP, STR(""));
        return;
    }
    struct str refusal = asked(g, "error");
    if (refusal.p || !g->code.n) {
        refuse(g, SIGNIN_REFUSED, code_error_good(refusal) ? refusal : STR(""));
        return;
    }
    struct code_ask ask = {.issuer = c->issuer,
                           .signin = settings_of(g),
                           .redirect = redirect_of(g),
                           .code = g->code,
                           .verifier = g->secrets.verifier,
                           .nonce = g->secrets.nonce};
    g->exchange = code_exchange_start(api_call_worker(c), c->arena, &ask, on_exchanged, g);
    if (!g->exchange)
        reply_error(c, API_INTERNAL);
}

/* Did this browser begin the sign-in that this is the answer to? */
static bool open_secrets(struct signing *g)
{
    struct str text = cookie_open(g->call, cookie_find(g->call, &cookie), about(g, "sign-in"));
    struct str until = str_cut(&text, ' ');
    int64_t until_ms = 0;
    g->secrets.state = str_cut(&text, ' ');
    g->secrets.nonce = str_cut(&text, ' ');
    g->secrets.verifier = str_cut(&text, ' ');
    g->path = signin_path(text);
    g->code = asked(g, "code");
    struct str state = asked(g, "state");
    return str_to_int(until, &until_ms) == E_OK && until_ms > clock_wall_ms() && g->secrets.nonce.n &&
           state.n && equal_constant_time(state, g->secrets.state);
}

void signin_callback(struct api_call *c)
{
    struct signing *g = begin(c);
    if (!g)
        return;
    if (!open_secrets(g)) {
        refuse(g, SIGNIN_STALE, STR(""));
        return;
    }
    cookie_set(c, &cookie, STR(""), 0); /* whatever comes of it: once only */
    describe(g, exchange);
}

/* ---- signing out, and what ways there are ---- */

/* OpenID Connect RP-Initiated Logout 1.0 section 2 */
static struct str end_url(struct signing *g, struct str end)
{
    struct api_call *c = g->call;
    const struct signin *s = settings_of(g);
    struct str back = arena_printf(c->arena, "%.*s/", STR_FMT(s->url)), joint = STR("?");
    const struct code_field fields[] = {
        {"client_id", s->client_id},
        {"post_logout_redirect_uri", back},
        {"id_token_hint", cookie_open(c, cookie_find(c, &hint), about(g, "ID token"))},
    };
    if (str_has(end, joint))
        joint = STR("&");
    const struct str parts[] = {end, joint, code_fields(c->arena, fields, countof(fields))};
    return arena_join(c->arena, parts, countof(parts));
}

static void send_out(struct signing *g)
{
    struct api_call *c = g->call;
    const struct issuer_description *d = issuer_description(c->issuer);
    struct str url = d && d->end_session.n ? end_url(g, d->end_session) : str_of(NULL, 0);
    cookie_set(c, &hint, STR(""), 0);
    session_ended(c, url);
}

void signin_end(struct api_call *c)
{
    struct signing *g = begin(c);
    if (g)
        describe(g, send_out);
}

void session_ways(struct api_call *c)
{
    const struct signin *s = api_call_settings(c)->signin;
    struct json_out w = reply_open(c);
    json_open(&w, '{');
    json_add_bool(&w, "token", true);
    json_key(&w, "provider");
    if (s) {
        json_open(&w, '{');
        json_add_str(&w, "name", s->name);
        json_add_str(&w, "url", arena_printf(c->arena, "%.*s" SIGNIN_PATH, STR_FMT(s->url)));
        json_close(&w, '}');
    } else {
        json_put_null(&w);
    }
    json_close(&w, '}');
    reply_close(c, &w);
}
