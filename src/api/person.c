/* SPDX-License-Identifier: Apache-2.0 */
#include "api/person.h"
#include "base/limits.h"
#include "gateway/signin.h"

enum { NAME_BYTES = 128 };

/* ---- writing ---- */

static struct str short_text(const struct json_val *claims, const char *name)
{
    struct str s = json_str(json_get(claims, name));
    return s.n <= NAME_BYTES ? s : STR("");
}

/* An address that the provider says is unproven may be anybody's. */
static struct str login_of(const struct json_val *claims, struct str subject)
{
    struct str proven = json_str(json_get(claims, "email_verified"));
    bool unproven = !json_bool(json_get(claims, "email_verified"), true) || str_eq(proven, STR("false"));
    struct str email = unproven ? STR("") : short_text(claims, "email");
    struct str name = short_text(claims, "preferred_username");
    return email.n ? email : name.n ? name : subject;
}

static void put(struct json_out *w, const char *key, struct str value)
{
    json_add_str(w, key, value.n ? value : STR(""));
}

static struct str write_text(struct arena *a, const struct person *p, struct str pairs)
{
    struct buf b;
    buf_init(&b, JWT_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    json_add_int(&w, "until", p->until_ms);
    put(&w, "subject", p->subject);
    put(&w, "login", p->login);
    put(&w, "name", p->name);
    json_add_raw(&w, "claims", pairs);
    json_close(&w, '}');
    struct str text = b.full ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

struct str person_write(struct arena *a, const struct signin *s, const struct identity *id, int64_t now_ms,
                        struct person *ret)
{
    struct json_doc *doc = json_parse(id->claims);
    const struct json_val *claims = json_root(doc);
    *ret = (struct person){.subject = id->user,
                           .login = arena_dup(a, login_of(claims, id->user)),
                           .name = arena_dup(a, short_text(claims, "name")),
                           .until_ms = now_ms + s->session_ms};
    struct str pairs = signin_keep(s, a, claims);
    json_free(doc);
    return pairs.p ? write_text(a, ret, pairs) : pairs;
}

/* ---- reading ---- */

struct str person_account(const struct signin *s, const struct catalog *catalog)
{
    if (s->account.n)
        return catalog_has_account(catalog, s->account) ? s->account : str_of(NULL, 0);
    return catalog->n_accounts == 1 ? catalog->accounts[0] : str_of(NULL, 0);
}

/* The same for the same person always, and nobody else's: of issuer and subject together (OpenID Connect Core
 * section 5.7). In the form of RFC 9562 version 8. */
static struct uuid id_of(const struct signin *s, const struct person *p)
{
    const struct str parts[] = {s->issuer, STR("\n"), p->subject};
    unsigned char hash[SHA256_BYTES];
    struct uuid id;
    sha256_parts(parts, countof(parts), hash);
    memcpy(id.b, hash, sizeof(id.b));
    id.b[6] = (unsigned char)((id.b[6] & 0x0f) | 0x80);
    id.b[8] = (unsigned char)((id.b[8] & 0x3f) | 0x80);
    return id;
}

static bool read_text(struct arena *a, const struct json_val *root, struct person *ret)
{
    *ret = (struct person){.subject = arena_dup(a, json_str(json_get(root, "subject"))),
                           .login = arena_dup(a, json_str(json_get(root, "login"))),
                           .name = arena_dup(a, json_str(json_get(root, "name")))};
    return ret->subject.n && ret->login.n && ret->name.p &&
           json_uint(json_get(root, "until"), &ret->until_ms);
}

static const struct token *token_of(struct arena *a, const struct signin *s, const struct signin_rule *r,
                                    const struct person *p, struct str account)
{
    struct object *o = arena_new(a, struct object);
    struct token *t = arena_new(a, struct token);
    if (!o || !t)
        return NULL;
    *o = (struct object){.uuid = id_of(s, p), .kind = KIND_TOKEN, .account = account, .name = p->login};
    *t = (struct token){.object = o,
                        .account = account,
                        .name = p->login,
                        .permissions = r->permissions,
                        .expires_ms = s->lasting_tokens ? 0 : p->until_ms,
                        .gateways = r->gateways,
                        .n_gateways = r->n_gateways};
    return t;
}

const struct token *person_read(struct arena *a, const struct signin *s, const struct catalog *catalog,
                                struct str text, int64_t now_ms, struct person *ret)
{
    struct json_doc *doc = json_parse(text);
    const struct json_val *root = json_root(doc);
    struct str account = person_account(s, catalog);
    bool there = account.p && read_text(a, root, ret) && ret->until_ms > now_ms;
    const struct signin_rule *r = there ? signin_rule(s, json_get(root, "claims")) : NULL;
    json_free(doc);
    return r ? token_of(a, s, r, ret, account) : NULL;
}
