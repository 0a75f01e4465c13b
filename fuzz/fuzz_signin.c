/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What browsers and identity providers send while somebody signs in. The first byte says what the rest is:
 * the provider's description of itself (d), what its token endpoint answers (t), the claims of an ID token
 * (c), a path to go on to (p).
 */
#include "api/person.h"
#include "api/signin.h"
#include "base/limits.h"
#include "gateway/code_flow.h"

static const char settings[] =
    "{\"dashboard\":{\"url\":\"https://w\",\"oidc\":{\"issuer\":\"https://i\",\"client_id\":\"c\",\"rules\":["
    "{\"claim\":\"groups\",\"value\":\"a\",\"permissions\":[\"write\"]},"
    "{\"claim\":\"email\",\"value\":\"*@e\",\"permissions\":[\"read\"],\"gateways\":[\"g\"]},"
    "{\"claim\":\"r.x.y\",\"value\":\"*\",\"permissions\":[\"run\"]},"
    "{\"claim\":\"sub\",\"value\":\"s\",\"permissions\":[]}]}}}";

static struct signin *rules(void)
{
    static struct signin *s;
    static const char *const no_env[] = {NULL};
    static const struct conf_options no_options;
    const char *why;
    if (s)
        return s;
    struct conf *conf = conf_parse(STR(settings), "fuzz", &no_options, no_env, &why);
    must(conf && signin_load(conf, &s, &why) && s);
    conf_free(conf);
    return s;
}

static void describe(struct arena *a, struct str text)
{
    struct issuer_description d = {0};
    struct upstream_url u;
    const struct code_secrets secrets = {S("s"), S("n"), S("v")};
    if (!issuer_read_description(a, STR("https://i"), text, &d))
        return;
    must(issuer_read_url(d.keys, &u) && u.tls);
    must(!d.token.n || (issuer_read_url(d.token, &u) && u.tls));
    if (d.authorization.n)
        (void)code_flow_url(a, &d, rules(), &secrets, STR("https://w/back"));
}

static void answer(struct arena *a, struct str text)
{
    struct str error = code_answer_error(a, text);
    must(!error.n || code_error_good(error));
    (void)code_answer_token(a, text);
}

/* Whoever gets in gets in again with what is kept of them, and with no more. */
static void claims(struct arena *a, struct str text)
{
    static struct str accounts[] = {S("0123456789abcdef0123456789abcdef")};
    static const struct catalog catalog = {.accounts = accounts, .n_accounts = 1};
    const struct identity id = {.user = S("s2"), .expires_s = 1, .claims = text};
    struct person p;
    struct str kept = person_write(a, rules(), &id, 1000, &p);
    const struct token *t = kept.p ? person_read(a, rules(), &catalog, kept, 2000, &p) : NULL;
    must(!t || (t->permissions && !(t->permissions & PERM_OPERATOR) && t->expires_ms > 2000));
    must(!t || (t->permissions == PERM_READ) == (t->n_gateways == 1));
    must(!person_read(a, rules(), &catalog, kept, p.until_ms, &p));
    (void)person_read(a, rules(), &catalog, text, 0, &p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 64 * KIB)
        return 0;
    struct arena a;
    arena_init(&a, TXN_ARENA_BYTES);
    struct str text = str_of((const char *)data + 1, size - 1);
    switch (data[0]) {
    case 'd': describe(&a, text); break;
    case 't': answer(&a, text); break;
    case 'c': claims(&a, text); break;
    default: must(signin_path(text).p[0] == '/' && !str_starts(signin_path(text), STR("//")));
    }
    arena_done(&a);
    return 0;
}
