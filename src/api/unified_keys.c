/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of .../billing/keys: the operator's keys for Unified Billing, one for a provider, for the whole
 * instance. A secret goes in, is sealed before it leaves this thread, and never comes out.
 */
#include "api/objects.h"
#include "api/provider_key_json.h"
#include "providers/provider.h"

static void put_key(struct json_out *w, struct api_call *c, const struct object *o)
{
    const struct provider_key *k = o->read;
    json_open(w, '{');
    json_add_str(w, "provider_slug", k->provider);
    json_add_str(w, "secret_preview", k->readable ? provider_key_preview(c->arena, k->secret) : STR(""));
    provider_key_put_use(w, k);
    put_time_ms(w, "created_at", o->created_ms);
    put_time_ms(w, "modified_at", o->modified_ms);
    json_close(w, '}');
}

/* Whichever account they are filed under: they are few. */
void unified_keys_list(struct api_call *c)
{
    struct json_out w = reply_open(c);
    const struct object *o = NULL;
    json_open(&w, '[');
    while ((o = catalog_next_object(c->catalog, KIND_UNIFIED_KEY, str_of(NULL, 0), -1, o)) != NULL)
        put_key(&w, c, o);
    json_close(&w, ']');
    reply_close(c, &w);
}

static void on_saved(struct api_call *c, enum err e)
{
    const struct provider_key *k = catalog_unified_key(c->catalog, c->params[PARAM_ID]);
    if (e != E_OK)
        reply_change_error(c, e, "provider_slug");
    else if (k)
        reply_object(c, k->object, put_key);
    else
        reply_error(c, API_NOT_FOUND); /* deleted since by somebody else */
}

static void save(struct api_call *c, struct str provider, struct secret secret)
{
    const struct provider_key *old = catalog_unified_key(c->catalog, provider);
    struct change change = {.what = old ? CHANGE_UPDATE : CHANGE_CREATE,
                            .kind = KIND_UNIFIED_KEY,
                            .account = old ? old->object->account : c->token->account,
                            .uuid = old ? old->object->uuid : api_call_uuid(c),
                            .name = provider,
                            .settings = STR("{}")};
    change.secret = store_seal(api_call_store(c), c->arena, &change.uuid, secret);
    if (change.secret.p)
        api_call_change(c, &change, 1, on_saved);
    else
        reply_error(c, API_INTERNAL);
}

void unified_keys_put(struct api_call *c)
{
    struct json_doc *doc = NULL;
    struct complaints wrong;
    const struct provider *p = provider_find(c->params[PARAM_ID]);
    complaints_init(&wrong, c->arena, "body");
    const struct json_val *body = body_read(buf_str(&c->body), &doc, &wrong);
    struct secret secret = secret_of(arena_dup(c->arena, str_trim(json_str(json_get(body, "secret")))));
    if (c->body.n) /* nobody needs the key in the clear any more */
        explicit_bzero(c->body.p, c->body.n);
    json_free(doc);
    if (body && !secret_set(secret))
        complain(&wrong, STR("secret"), "Required");
    if (!p)
        reply_error(c, API_NOT_FOUND);
    else if (!wrong.first)
        provider_key_check(p->slug, secret, &wrong);
    if (p && wrong.first)
        reply_invalid(c, &wrong);
    else if (p)
        save(c, p->slug, secret);
    if (secret_set(secret))
        explicit_bzero((void *)(uintptr_t)secret_reveal(secret).p, secret_reveal(secret).n);
}

static void on_deleted(struct api_call *c, enum err e)
{
    if (e == E_OK) /* as it was: the old snapshot still has it */
        reply_object(c, catalog_unified_key(c->before, c->params[PARAM_ID])->object, put_key);
    else
        reply_change_error(c, e, "provider_slug");
}

void unified_keys_delete(struct api_call *c)
{
    const struct provider_key *k = catalog_unified_key(c->catalog, c->params[PARAM_ID]);
    if (!k) {
        reply_error(c, API_NOT_FOUND);
        return;
    }
    struct change gone = {.what = CHANGE_DELETE,
                          .kind = KIND_UNIFIED_KEY,
                          .account = k->object->account,
                          .uuid = k->object->uuid};
    api_call_change(c, &gone, 1, on_deleted);
}
