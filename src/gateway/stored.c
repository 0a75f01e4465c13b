/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/stored.h"
#include "base/clock.h"
#include "providers/credential.h"

enum err stored_use(struct txn *t, struct target *target, struct secret text)
{
    struct credential *c = arena_new(t->arena, struct credential);
    if (!c)
        return E_FULL;
    if (credential_read(t->arena, target->provider, text, c))
        return E_CREDENTIAL; /* it was checked when it was stored: the provider's row has changed */
    target->credential = c;
    return credential_put(t->arena, target->provider, c, &target->headers, &target->query);
}

enum err stored_place(struct txn *t, struct target *target, struct str *ret_account)
{
    const struct credential *c = target->credential;
    *ret_account = c && c->account.n ? c->account : t->account;
    return c ? credential_path(t->arena, target->provider, c, target->rest, &target->rest) : E_OK;
}

const struct gcp_account *stored_account(const struct target *target)
{
    const struct credential *c = target->credential;
    return c && c->kind == CREDENTIAL_ACCOUNT ? &c->gcp : NULL;
}

/* Of its own for each try: what a try signed must not stand in the next one's lines. */
static struct headers *copy_lines(struct arena *a, const struct headers *from)
{
    struct headers *h = arena_new(a, struct headers);
    for (unsigned i = 0; h && i < from->n; i++)
        if (headers_add(h, a, from->v[i].name, from->v[i].value))
            return NULL;
    return h;
}

enum err stored_sign(struct txn *t, struct target *target, struct str body, struct headers **ret)
{
    const struct credential *c = target->credential;
    *ret = &target->headers;
    if (!c || c->kind != CREDENTIAL_SIGNS)
        return E_OK;
    if (t->body_state == BODY_STREAMING)
        return E_TOO_LARGE;
    *ret = copy_lines(t->arena, &target->headers);
    if (!*ret)
        return E_FULL;
    const struct sigv4_call call = {target->method, target->url.authority, target->url.target, body};
    return credential_sign(t->arena, c, target->rest, &call, clock_wall_ms() / 1000, *ret);
}
