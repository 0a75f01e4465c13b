/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of .../provider_configs (control plane section 7): provider keys that a gateway keeps. A secret
 * goes in, is sealed before it leaves this thread, and never comes out.
 */
#include "api/objects.h"
#include "api/provider_key_json.h"
#include "base/limits.h"
#include "store/token.h"

/* ---- reading ---- */

/* Beside the members, in words of their own: provider_key_put_use. */
static const struct str use_members[] = {S("last_used_ms"), S("failing")};

static bool is_about_use(struct str key)
{
    return str_eq(key, use_members[0]) || str_eq(key, use_members[1]);
}

static void put_open_members(struct json_out *w, const struct object *o)
{
    struct json_doc *doc = json_parse(o->settings);
    for (struct json_iter it = json_iter(json_root(doc)); json_next(&it);) {
        if (is_about_use(it.key))
            continue;
        json_key_str(w, it.key);
        json_put_val(w, it.val);
    }
    json_free(doc);
}

static void put_key(struct json_out *w, struct api_call *c, const struct object *o)
{
    json_open(w, '{');
    json_add_str(w, "id", object_id(c, o));
    json_add_str(w, "gateway_id", c->params[PARAM_GATEWAY]);
    put_open_members(w, o);
    provider_key_put_use(w, o->read);
    put_time_ms(w, "created_at", o->created_ms);
    put_time_ms(w, "modified_at", o->modified_ms);
    json_close(w, '}');
}

void provider_keys_list(struct api_call *c)
{
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    struct object_list l = {.kind = KIND_PROVIDER_KEY, .put = put_key};
    list_objects(c, &k, l);
}

/* ---- secrets that are taken over ---- */

static bool has_secret_id(const struct object *o, struct str id)
{
    struct json_doc *doc = json_parse(o->settings);
    bool same = str_eq(json_str(json_get(json_root(doc), "secret_id")), id);
    json_free(doc);
    return same;
}

/* A token that is for some gateways does not take what belongs to the others. */
static bool is_within_reach(struct api_call *c, const struct object *o)
{
    const struct gateway *g = catalog_gateway_id(c->catalog, o->gateway);
    return g && token_covers(c->token, g->slug);
}

static const struct provider_key *find_secret(struct api_call *c, struct str id)
{
    const struct object *o = NULL;
    do
        o = catalog_next_object(c->catalog, KIND_PROVIDER_KEY, c->params[PARAM_ACCOUNT], -1, o);
    while (o && !(has_secret_id(o, id) && is_within_reach(c, o)));
    return o ? o->read : NULL;
}

static void take_secret_over(struct api_call *c, struct provider_key_input *in, struct complaints *wrong)
{
    const struct provider_key *k = find_secret(c, in->secret_id);
    if (!k || !k->readable) {
        complain(wrong, STR("secret_id"),
                 k ? "That secret cannot be read" : "No stored key has this secret_id");
        return;
    }
    struct str slug = in->name;
    in->secret = k->secret;
    provider_key_check(str_cut(&slug, '/'), k->secret, wrong);
}

/* ---- changing ---- */

/* What is stored in the clear: the members, and what tells one secret from another. What is known of its use
 * is saved again by who knows it. */
static struct str whole_settings(struct api_call *c, const struct provider_key_input *in,
                                 const struct change *change, struct str old)
{
    struct json_doc *before = json_parse(old);
    struct str id = json_str(json_get(json_root(before), "secret_id")),
               preview = json_str(json_get(json_root(before), "secret_preview"));
    char own[UUID_TEXT];
    uuid_text(change->uuid, own);
    if (secret_set(in->secret)) {
        id = in->secret_id.n ? in->secret_id : str_of(own, UUID_TEXT);
        preview = provider_key_preview(c->arena, in->secret);
    }
    struct buf b;
    buf_init(&b, API_BODY_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    put_members(&w, in->settings);
    json_add_str(&w, "secret_id", id);
    json_add_str(&w, "secret_preview", preview);
    json_close(&w, '}');
    struct str text = b.full ? str_of(NULL, 0) : arena_dup(c->arena, buf_str(&b));
    buf_done(&b);
    json_free(before);
    return text;
}

static struct str not_preferred(struct api_call *c, struct str settings)
{
    struct json_doc *doc = json_parse(settings);
    struct buf b;
    buf_init(&b, API_BODY_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    for (struct json_iter it = json_iter(json_root(doc)); json_next(&it);) {
        json_key_str(&w, it.key);
        if (str_eq(it.key, STR("default_config")))
            json_put_bool(&w, false);
        else
            json_put_val(&w, it.val);
    }
    json_close(&w, '}');
    struct str text = b.full ? str_of(NULL, 0) : arena_dup(c->arena, buf_str(&b));
    buf_done(&b);
    json_free(doc);
    return text;
}

/* The others of the provider are not preferred any more. Appends to changes; returns how many. */
static size_t step_back(struct api_call *c, const struct provider_key_input *in, const struct change *first,
                        struct change *changes)
{
    struct str slug = in->name, provider = str_cut(&slug, '/');
    size_t n = 0;
    for (const struct provider_key *k = catalog_provider_keys(c->catalog, c->gateway, provider); k;
         k = k->next) {
        if (!k->preferred || memcmp(&k->object->uuid, &first->uuid, sizeof(first->uuid)) == 0)
            continue;
        changes[n] = object_change(c, CHANGE_UPDATE, KIND_PROVIDER_KEY);
        changes[n].uuid = k->object->uuid;
        changes[n].if_modified = k->object->modified_ms;
        changes[n++].settings = not_preferred(c, k->object->settings);
    }
    return n;
}

static size_t count_keys(struct api_call *c)
{
    size_t n = 0;
    const struct object *o = NULL;
    while (
        (o = catalog_next_object(c->catalog, KIND_PROVIDER_KEY, c->params[PARAM_ACCOUNT], c->gateway->id, o)))
        n++;
    return n;
}

static void on_saved(struct api_call *c, enum err e)
{
    struct uuid id;
    const struct object *o = object_uuid(c->params[PARAM_ID], &id) == E_OK
                                 ? catalog_object_uuid(c->catalog, KIND_PROVIDER_KEY, id)
                                 : NULL;
    if (e != E_OK)
        reply_change_error(c, e, "alias");
    else if (o && c->gateway)
        reply_object(c, o, put_key);
    else
        reply_error(c, API_NOT_FOUND); /* deleted since by somebody else */
}

static void apply(struct api_call *c, const struct provider_key_input *in, struct change first,
                  struct str old)
{
    struct change *changes = arena_alloc(c->arena, (count_keys(c) + 1) * sizeof(*changes));
    char *id = arena_alloc(c->arena, UUID_TEXT);
    first.name = in->name;
    first.settings = whole_settings(c, in, &first, old);
    if (secret_set(in->secret))
        first.secret = store_seal(api_call_store(c), c->arena, &first.uuid, in->secret);
    if (!changes || !id || !first.settings.p || (secret_set(in->secret) && !first.secret.p)) {
        reply_error(c, API_INTERNAL);
        return;
    }
    uuid_text(first.uuid, id);
    c->params[PARAM_ID] = str_of(id, UUID_TEXT);
    changes[0] = first;
    size_t n = in->preferred ? step_back(c, in, &first, changes + 1) : 0;
    api_call_change(c, changes, n + 1, on_saved);
}

/* What is not there has no address. */
static void wipe(const void *p, size_t n)
{
    if (n)
        explicit_bzero((void *)(uintptr_t)p, n);
}

static void save(struct api_call *c, struct change first, struct str old)
{
    struct provider_key_input in;
    struct complaints wrong;
    complaints_init(&wrong, c->arena, "body");
    provider_key_input_read(buf_str(&c->body), old, &in, &wrong);
    wipe(c->body.p, c->body.n); /* nobody needs the key in the clear any more */
    if (!wrong.first && in.secret_id.n)
        take_secret_over(c, &in, &wrong);
    if (wrong.first)
        reply_invalid(c, &wrong);
    else
        apply(c, &in, first, old);
    if (!in.secret_id.n)
        wipe(secret_reveal(in.secret).p, secret_reveal(in.secret).n);
}

void provider_keys_create(struct api_call *c)
{
    struct change first = object_change(c, CHANGE_CREATE, KIND_PROVIDER_KEY);
    first.uuid = api_call_uuid(c);
    save(c, first, str_of(NULL, 0));
}

void provider_keys_update(struct api_call *c)
{
    const struct object *o = object_of_call(c, KIND_PROVIDER_KEY, PARAM_ID);
    if (!o)
        return;
    struct change first = object_change(c, CHANGE_UPDATE, KIND_PROVIDER_KEY);
    first.uuid = o->uuid;
    first.if_modified = o->modified_ms;
    save(c, first, o->settings);
}

void provider_keys_delete(struct api_call *c)
{
    delete_object(c, KIND_PROVIDER_KEY, PARAM_ID, put_key);
}
