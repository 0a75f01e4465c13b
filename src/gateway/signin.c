/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/signin.h"
#include "base/file.h"
#include "base/limits.h"
#include "gateway/issuer.h"
#include "store/token.h"

#include <stdio.h>

enum { HOUR_MS = 3600 * 1000 };

static _Thread_local char why[512];

static bool fail(const char *fmt, ...) PRINTF_LIKE(1, 2);
static bool fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    return false;
}

/* ---- rules ---- */

static bool is_known(struct str key)
{
    static const struct str keys[] = {S("claim"), S("value"), S("permissions"), S("gateways")};
    for (size_t i = 0; i < countof(keys); i++)
        if (str_eq(key, keys[i]))
            return true;
    return false;
}

static bool check_keys(size_t at, const struct json_val *rule)
{
    if (json_type(rule) != JSON_OBJECT)
        return fail("dashboard.oidc.rules[%zu]: needs an object, {...}", at);
    for (struct json_iter it = json_iter(rule); json_next(&it);)
        if (!is_known(it.key))
            return fail("dashboard.oidc.rules[%zu]: no such key \"%.*s\"; a rule has \"claim\", \"value\", "
                        "\"permissions\" and \"gateways\"",
                        at, STR_FMT(str_head(it.key, CONF_NAME_BYTES)));
    return true;
}

static bool read_text(struct signin *s, size_t at, const struct json_val *rule, const char *key,
                      struct str *ret)
{
    struct str text = json_str(json_get(rule, key));
    if (text.n == 0 || text.n > SIGNIN_VALUE_BYTES)
        return fail("dashboard.oidc.rules[%zu].%s: needs a text of 1 to %d bytes", at, key,
                    SIGNIN_VALUE_BYTES);
    *ret = arena_dup(&s->arena, text);
    return ret->p || fail("dashboard.oidc.rules: too long");
}

static unsigned permission(struct str word)
{
    for (size_t i = 0; i < permission_count; i++)
        if (str_eq(permission_rows[i].word, word))
            return permission_rows[i].bit;
    return 0;
}

static bool read_permissions(size_t at, const struct json_val *list, unsigned *ret)
{
    if (json_type(list) != JSON_ARRAY)
        return fail("dashboard.oidc.rules[%zu].permissions: needs a list, such as [\"read\"]; [] keeps out "
                    "whom the rule fits",
                    at);
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct str word = json_str(it.val);
        unsigned bit = permission(word);
        if (!bit)
            return fail("dashboard.oidc.rules[%zu].permissions: no such permission \"%.*s\"; `weir token "
                        "create --help` lists them",
                        at, STR_FMT(str_head(word, CONF_NAME_BYTES)));
        *ret |= bit;
    }
    return true;
}

/* An empty list could be meant as none or as all: neither is guessed. */
static bool read_gateways(struct signin *s, size_t at, const struct json_val *list, struct signin_rule *ret)
{
    if (!list)
        return true;
    struct str *all = arena_zalloc(&s->arena, (json_count(list) + 1) * sizeof(*all));
    for (struct json_iter it = json_iter(list); all && json_next(&it); ret->n_gateways++) {
        struct str copy = arena_dup(&s->arena, json_str(it.val));
        if (!copy.n)
            all = NULL;
        else
            all[ret->n_gateways] = copy;
    }
    ret->gateways = all;
    return (all && json_type(list) == JSON_ARRAY && ret->n_gateways > 0) ||
           fail(
               "dashboard.oidc.rules[%zu].gateways: needs a list of gateways' ids; without the key it is all "
               "of them",
               at);
}

static bool read_rule(struct signin *s, size_t at, const struct json_val *rule, struct signin_rule *ret)
{
    return check_keys(at, rule) && read_text(s, at, rule, "claim", &ret->claim) &&
           read_text(s, at, rule, "value", &ret->value) &&
           read_permissions(at, json_get(rule, "permissions"), &ret->permissions) &&
           read_gateways(s, at, json_get(rule, "gateways"), ret);
}

static bool read_rules(struct signin *s, struct str text)
{
    struct json_doc *doc = json_parse(text);
    const struct json_val *list = json_root(doc);
    bool ok = json_count(list) <= CONF_LIST || fail("dashboard.oidc.rules: more than %d", CONF_LIST);
    s->rules = ok ? arena_zalloc(&s->arena, (json_count(list) + 1) * sizeof(*s->rules)) : NULL;
    ok = ok && s->rules;
    for (struct json_iter it = json_iter(list); ok && json_next(&it); s->n_rules++)
        ok = read_rule(s, s->n_rules, it.val, &s->rules[s->n_rules]);
    json_free(doc);
    return ok;
}

/* ---- the other settings ---- */

static bool is_among(struct str word, struct str list)
{
    while (list.p)
        if (str_eq(str_cut(&list, ' '), word))
            return true;
    return false;
}

static bool check_issuer(const struct conf *c)
{
    struct upstream_url u;
    struct str issuer = c->dashboard_oidc_issuer;
    if (!issuer_read_url(issuer, &u) || str_has(issuer, STR("?")))
        return fail("dashboard.oidc.issuer: must be http(s)://HOST[:PORT][/PATH]");
    if (c->dashboard_oidc_client_id.n == 0)
        return fail("dashboard.oidc.client_id: must be set with dashboard.oidc.issuer: it is what the "
                    "provider calls weir");
    if (!is_among(STR("openid"), c->dashboard_oidc_scopes))
        return fail("dashboard.oidc.scopes: must have openid among them, or the provider says nothing of who "
                    "somebody is");
    return true;
}

/* Where the provider sends browsers back to: it must be known before one comes, and be the page's own. */
static bool read_url(const struct conf *c, struct signin *s)
{
    struct upstream_url u;
    bool own = c->dashboard_url.n > 0;
    if (!own && c->admin_listen.n)
        return fail(
            "dashboard.url: must be set for dashboard.oidc.issuer: with admin.listen the dashboard is "
            "not at public_url");
    struct str url = own ? c->dashboard_url : c->public_url;
    if (!url.n)
        return fail(
            "dashboard.url: must be set, or public_url, for dashboard.oidc.issuer: the provider sends "
            "browsers back there");
    while (str_ends(url, STR("/")))
        url.n--;
    if (!issuer_read_url(url, &u) || !str_eq(u.target, STR("/")))
        return fail("%s: must be http(s)://HOST[:PORT] without a path for dashboard.oidc.issuer%s",
                    own ? "dashboard.url" : "public_url", own ? "" : "; dashboard.url may be set instead");
    s->url = arena_dup(&s->arena, url);
    return true;
}

static bool read_secret_file(struct signin *s, struct str path)
{
    struct buf text;
    buf_init(&text, MIB);
    bool read = file_read(path.p, &text) == E_OK;
    struct str secret = str_trim(buf_str(&text));
    bool ok = read && secret.n > 0 && secret.n <= SIGNIN_SECRET_BYTES;
    if (ok)
        s->client_secret = secret_of(arena_dup(&s->arena, secret));
    else
        (void)fail("dashboard.oidc.client_secret_file: %.256s: %s", path.p,
                   !read      ? "it cannot be read"
                   : secret.n ? "it is too long for a secret"
                              : "it is empty");
    buf_done(&text);
    return ok;
}

static bool read_secret(const struct conf *c, struct signin *s)
{
    struct str path = c->dashboard_oidc_client_secret_file,
               text = secret_reveal(c->dashboard_oidc_client_secret), auth = c->dashboard_oidc_client_auth;
    if (path.n && text.n)
        return fail(
            "dashboard.oidc.client_secret_file: dashboard.oidc.client_secret is set, too; one of them "
            "has to go");
    s->auth = str_eq(auth, STR("basic")) ? SIGNIN_BASIC : auth.n ? SIGNIN_POST : SIGNIN_AS_TOLD;
    if (auth.n && !path.n && !text.n)
        return fail(
            "dashboard.oidc.client_auth: is set, but there is no dashboard.oidc.client_secret to send");
    if (text.n)
        s->client_secret = secret_of(arena_dup(&s->arena, text));
    return path.n == 0 || read_secret_file(s, path);
}

static bool read_all(const struct conf *c, struct signin *s)
{
    s->issuer = arena_dup(&s->arena, c->dashboard_oidc_issuer);
    s->client_id = arena_dup(&s->arena, c->dashboard_oidc_client_id);
    s->scopes = arena_dup(&s->arena, c->dashboard_oidc_scopes);
    s->name = arena_dup(&s->arena, c->dashboard_oidc_name);
    s->account = arena_dup(&s->arena, c->dashboard_oidc_account);
    s->session_ms = c->dashboard_oidc_session_hours * HOUR_MS;
    s->lasting_tokens = c->dashboard_oidc_lasting_tokens;
    s->end_session = c->dashboard_oidc_end_session;
    return check_issuer(c) && read_url(c, s) && read_secret(c, s) && read_rules(s, c->dashboard_oidc_rules);
}

/* Somebody who set these counts on people being let in by them. */
static bool is_unused(const struct conf *c)
{
    return c->dashboard_oidc_client_id.n == 0 && !secret_set(c->dashboard_oidc_client_secret) &&
           c->dashboard_oidc_client_secret_file.n == 0 && str_eq(c->dashboard_oidc_rules, STR("[]"));
}

bool signin_load(const struct conf *conf, struct signin **ret, const char **ret_why)
{
    *ret = NULL;
    *ret_why = why;
    if (conf->dashboard_oidc_issuer.n == 0)
        return is_unused(conf) ||
               fail("dashboard.oidc.issuer: must be set where other keys of dashboard.oidc are");
    struct signin *s = mem_zalloc(sizeof(*s));
    arena_init(&s->arena, CONF_ARENA_BYTES);
    if (!read_all(conf, s)) {
        signin_free(s);
        return false;
    }
    *ret = s;
    return true;
}

void signin_free(struct signin *s)
{
    if (!s)
        return;
    arena_wipe(&s->arena);
    mem_free(s);
}

/* ---- claims ---- */

/* By its name; else, where that has dots, along them: Keycloak's roles are in "realm_access.roles". */
static const struct json_val *find_claim(const struct json_val *claims, struct str name)
{
    const struct json_val *v = json_member(claims, name);
    while (!v && claims && name.p) {
        claims = json_member(claims, str_cut(&name, '.'));
        v = name.p ? NULL : claims;
    }
    return v;
}

/* Anybody can write an address into a profile: the provider has to say that it looked. */
static bool is_proven(const struct json_val *claims, struct str name)
{
    const struct json_val *v = json_get(claims, "email_verified");
    return !str_eq(name, STR("email")) || json_bool(v, false) || str_eq(json_str(v), STR("true"));
}

static bool fits(struct str wanted, struct str value)
{
    if (value.n == 0 || value.n > SIGNIN_VALUE_BYTES)
        return false;
    return str_starts(wanted, STR("*")) ? str_ends(value, str_from(wanted, 1)) : str_eq(wanted, value);
}

/* Of a text, or of a list the first element, that fits; p == NULL: none. */
static struct str fitting(struct str wanted, const struct json_val *v)
{
    if (json_type(v) == JSON_STRING)
        return fits(wanted, json_str(v)) ? json_str(v) : str_of(NULL, 0);
    if (json_type(v) == JSON_ARRAY)
        for (struct json_iter it = json_iter(v); json_next(&it);)
            if (fits(wanted, json_str(it.val)))
                return json_str(it.val);
    return str_of(NULL, 0);
}

static void put_pair(struct json_out *w, struct str claim, struct str value)
{
    json_open(w, '[');
    json_put_str(w, claim);
    json_put_str(w, value);
    json_close(w, ']');
}

static const struct str subject = S("sub");

struct str signin_keep(const struct signin *s, struct arena *a, const struct json_val *claims)
{
    struct buf b;
    size_t n = 0;
    buf_init(&b, JWT_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '[');
    if (fits(STR("*"), json_str(json_member(claims, subject))))
        put_pair(&w, subject, json_str(json_member(claims, subject)));
    for (size_t i = 0; i < s->n_rules && n < SIGNIN_PAIRS; i++) {
        const struct signin_rule *r = &s->rules[i];
        struct str value = fitting(r->value, find_claim(claims, r->claim));
        if (!value.p || !is_proven(claims, r->claim) || str_eq(r->claim, subject))
            continue;
        put_pair(&w, r->claim, value);
        n++;
    }
    json_close(&w, ']');
    struct str text = b.full ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

static bool holds(const struct json_val *pairs, const struct signin_rule *r)
{
    for (struct json_iter it = json_iter(pairs); json_next(&it);)
        if (str_eq(json_str(json_at(it.val, 0)), r->claim) && fits(r->value, json_str(json_at(it.val, 1))))
            return true;
    return false;
}

const struct signin_rule *signin_rule(const struct signin *s, const struct json_val *pairs)
{
    for (size_t i = 0; i < s->n_rules; i++)
        if (holds(pairs, &s->rules[i]))
            return s->rules[i].permissions ? &s->rules[i] : NULL;
    return NULL;
}
