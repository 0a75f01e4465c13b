/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/byok.h"
#include "base/clock.h"
#include "store/key_use.h"

/* ---- which ---- */

static bool brings_own(const struct target *target)
{
    return provider_has_credential(target->provider, &target->headers, target->query);
}

/* The keys this caller may use at that provider; NULL: none. */
static const struct provider_key *keys_for(const struct txn *t, const struct target *target)
{
    return t->token || t->identity || target->vouched
               ? catalog_provider_keys(t->catalog, t->gateway, target->provider->slug)
               : NULL;
}

void byok_find(const struct txn *t, struct target *target)
{
    if (brings_own(target))
        return;
    const struct provider_key *keys = keys_for(t, target);
    target->stored = keys ? provider_key_named(keys, target->options.byok_alias) : NULL;
    struct credential *c =
        target->stored && target->stored->readable ? arena_new(t->arena, struct credential) : NULL;
    if (c && !credential_read(t->arena, target->provider, target->stored->secret, c))
        target->credential = c;
}

/* ---- whether ---- */

/* Workers AI is exempt (data plane section 4). */
static bool must_bring(const struct target *target)
{
    return target->policy.own_key && target->provider->rule != PATH_WORKERS_AI;
}

/* Some hosts that fal's clients name are other people's programs. */
static bool may_go_there(const struct target *target)
{
    static const struct str own[] = {S("fal.run"), S("queue.fal.run"), S("rest.fal.ai"),
                                     S("rest.alpha.fal.ai")};
    if (target->provider->rule != PATH_FAL || !target->url.from_request)
        return true;
    for (size_t i = 0; i < countof(own); i++)
        if (str_ieq(target->url.host, own[i]))
            return true;
    return false;
}

static struct str no_such_alias(const struct txn *t, const struct target *target,
                                const struct provider_key *keys)
{
    struct str slug = target->provider->slug, aliases = provider_key_aliases(t->arena, keys);
    return arena_printf(t->arena,
                        "Provider '%.*s' has no BYOK credential named '%.*s'. Configured aliases: %.*s",
                        STR_FMT(slug), STR_FMT(target->options.byok_alias), STR_FMT(aliases));
}

static enum err refuse_stored(const struct txn *t, const struct target *target, struct str *ret_detail)
{
    if (!target->credential)
        return E_NO_BYOK;
    if (may_go_there(target))
        return E_OK;
    *ret_detail = arena_printf(t->arena, "A stored key of '%.*s' is not sent to %.*s",
                               STR_FMT(target->provider->slug), STR_FMT(target->url.host));
    return E_NO_CREDENTIAL;
}

enum err byok_refusal(const struct txn *t, const struct target *target, struct str *ret_detail)
{
    struct str slug = target->provider->slug;
    if (target->stored)
        return refuse_stored(t, target, ret_detail);
    if (brings_own(target))
        return E_OK;
    const struct provider_key *keys = keys_for(t, target);
    if (keys && target->options.byok_alias.n)
        *ret_detail = no_such_alias(t, target, keys);
    else if (must_bring(target))
        *ret_detail = arena_printf(
            t->arena, "Provider '%.*s' has no credentials and unified billing is disabled for this request",
            STR_FMT(slug));
    else
        return E_OK;
    return E_NO_CREDENTIAL;
}

/* ---- using it ---- */

bool byok_has_room(const struct txn *t, const struct target *target)
{
    const struct provider_key *k = target->stored;
    return !k || counters_peek(store_counters(t->w->store), provider_key_counter(k), &k->limit,
                               clock_wall_ms(), NULL);
}

enum err byok_use(struct txn *t, struct target *target)
{
    const struct provider_key *k = target->stored;
    int64_t now_ms = clock_wall_ms();
    if (!k)
        return E_OK;
    if (!counters_take(store_counters(t->w->store), provider_key_counter(k), &k->limit, now_ms, NULL))
        return E_RATE_LIMITED;
    key_used(k, now_ms);
    return credential_put(t->arena, target->provider, target->credential, &target->headers);
}

void byok_report(const struct target *target, const struct attempt *a)
{
    const struct provider_key *k = target->stored ? target->stored : target->unified;
    bool refused = a->status == 401 || a->status == 403 ||
                   (a->status == 0 && (a->err == E_CREDENTIAL || a->err == E_UNIFIED_KEY));
    if (k && (refused || (a->status > 0 && a->status < 400)))
        key_answered(k, refused);
}

/* What one try signed must not stand among the next one's lines, as if the client had signed. */
static struct headers *copy_lines(struct arena *a, const struct headers *from)
{
    struct headers *h = arena_new(a, struct headers);
    for (unsigned i = 0; h && i < from->n; i++)
        if (headers_add(h, a, from->v[i].name, from->v[i].value))
            return NULL;
    return h;
}

enum err byok_sign(struct txn *t, struct target *target, struct str body, struct headers **ret)
{
    const struct credential *c = target->credential;
    struct headers *lines = &target->headers;
    enum err e = E_OK;
    if (c && c->kind == CREDENTIAL_SIGNS) {
        struct sigv4_call call = {target->method, target->url.authority, target->url.target, body};
        if (t->body_state == BODY_STREAMING)
            return E_TOO_LARGE; /* its hash is part of what is signed */
        lines = copy_lines(t->arena, lines);
        e = lines ? credential_sign(t->arena, c, target->rest, &call, clock_wall_ms() / 1000, lines) : E_FULL;
    }
    if (e == E_OK)
        *ret = lines;
    return e;
}
