/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of .../tokens (control plane section 1). A token may make, change and delete tokens that may no
 * more than itself; of the others one that is for some gateways does not even hear.
 */
#include "api/objects.h"
#include "api/token_json.h"
#include "base/clock.h"

/* ---- what the caller's own token is ---- */

void tokens_verify(struct api_call *c)
{
    char id[32];
    token_id_text(c->token, id);
    c->note_code = 10000;
    c->note = "This API Token is valid and active";
    struct json_out w = reply_open(c);
    json_open(&w, '{');
    json_add_str(&w, "id", str_of(id, sizeof(id)));
    json_add_str(&w, "status", token_status_word(c->token, clock_wall_ms()));
    token_put_bounds(&w, c->token);
    json_close(&w, '}');
    reply_close(c, &w);
}

void tokens_verify_account(struct api_call *c)
{
    tokens_verify(c);
}

void tokens_groups(struct api_call *c)
{
    struct str name = query_value(c->arena, api_call_query(c), STR("name"));
    struct json_out w = reply_open(c);
    token_put_groups(&w, name, c->token);
    reply_close(c, &w);
}

/* ---- reading ---- */

static void put(struct json_out *w, struct api_call *c, const struct object *o)
{
    (void)c;
    token_put(w, o->read, clock_wall_ms(), str_of(NULL, 0));
}

/* Of its gateways, or of all. What is not a token weir made cannot be shown. */
static bool is_visible(struct api_call *c, const struct object *o)
{
    const struct token *t = o->read;
    if (!t || (c->token->gateways && !t->gateways))
        return false;
    for (size_t i = 0; i < t->n_gateways; i++)
        if (!token_covers(c->token, t->gateways[i]))
            return false;
    return true;
}

static bool is_listed(struct api_call *c, const struct object *o, const void *with_expired)
{
    return is_visible(c, o) &&
           (*(const bool *)with_expired || token_status(o->read, clock_wall_ms()) != TOKEN_EXPIRED);
}

static int oldest_first(const struct object *a, const struct object *b)
{
    return a->id < b->id ? -1 : a->id > b->id;
}

void tokens_list(struct api_call *c)
{
    static const struct str directions[] = {S("asc"), S("desc")};
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    bool with_expired = ask_bool(&k, "include_expired", false);
    struct object_list l = {.kind = KIND_TOKEN, .match = is_listed, .arg = &with_expired, .put = put};
    if (ask_choice(&k, "direction", directions, countof(directions), 1) == 0)
        l.order = oldest_first;
    list_objects(c, &k, l);
}

static const struct token *find(struct api_call *c)
{
    const struct object *o = object_of_call(c, KIND_TOKEN, PARAM_ID);
    if (o && !is_visible(c, o)) {
        reply_error(c, API_NOT_FOUND);
        return NULL;
    }
    return o ? o->read : NULL;
}

void tokens_fetch(struct api_call *c)
{
    const struct token *t = find(c);
    if (t)
        reply_object(c, t->object, put);
}

/* ---- changing ---- */

/* One that may be changed by the caller: who could change a mightier one would be it. */
static const struct token *find_lesser(struct api_call *c)
{
    const struct token *t = find(c);
    if (!t || token_within(t, c->token))
        return t;
    reply_error(c, API_BEYOND);
    return NULL;
}

/* The body as settings of a token; p == NULL: the call has been answered. */
static struct str read_body(struct api_call *c, bool create, struct token *ret)
{
    struct complaints wrong;
    struct token_terms terms = {c->catalog, c->params[PARAM_ACCOUNT], clock_wall_ms(), create};
    complaints_init(&wrong, c->arena, "body");
    token_input(buf_str(&c->body), &terms, ret, &wrong);
    if (wrong.first) {
        reply_invalid(c, &wrong);
        return str_of(NULL, 0);
    }
    if (!token_within(ret, c->token)) {
        reply_error(c, API_BEYOND);
        return str_of(NULL, 0);
    }
    struct str settings = token_settings(c->arena, ret);
    if (!settings.p)
        reply_error(c, API_INTERNAL);
    return settings;
}

/* A new text, which this call alone has, and its hash as the secret of the change. False: answered. */
static bool renew(struct api_call *c, struct change *change)
{
    char *text = arena_alloc(c->arena, TOKEN_TEXT + 1);
    unsigned char *hash = arena_alloc(c->arena, SHA256_BYTES);
    if (!text || !hash) {
        reply_error(c, API_INTERNAL);
        return false;
    }
    token_text(text);
    sha256(str_c(text), hash);
    c->made = str_c(text);
    change->secret = str_of((char *)hash, SHA256_BYTES);
    return true;
}

static void on_created(struct api_call *c, enum err e)
{
    const struct token *t = e == E_OK ? catalog_token_known(c->catalog, c->made) : NULL;
    if (!t) {
        reply_change_error(c, e == E_OK ? E_NOT_FOUND : e, "name");
        return;
    }
    struct json_out w = reply_open(c);
    token_put(&w, t, clock_wall_ms(), c->made);
    reply_close(c, &w);
}

void tokens_create(struct api_call *c)
{
    struct token t;
    struct change change = object_change(c, CHANGE_CREATE, KIND_TOKEN);
    change.settings = read_body(c, true, &t);
    if (!change.settings.p || !renew(c, &change))
        return;
    change.uuid = api_call_uuid(c);
    change.name = t.name;
    api_call_change(c, &change, 1, on_created);
}

static void on_updated(struct api_call *c, enum err e)
{
    if (e != E_OK)
        reply_change_error(c, e, "name");
    else
        tokens_fetch(c);
}

void tokens_update(struct api_call *c)
{
    const struct token *old = find_lesser(c);
    if (!old)
        return;
    struct token t;
    struct change change = object_change(c, CHANGE_UPDATE, KIND_TOKEN);
    change.settings = read_body(c, false, &t);
    if (!change.settings.p)
        return;
    change.uuid = old->object->uuid;
    change.if_modified = old->object->modified_ms; /* what was judged is what is changed */
    change.name = t.name;
    api_call_change(c, &change, 1, on_updated);
}

static void on_rolled(struct api_call *c, enum err e)
{
    if (e != E_OK) {
        reply_change_error(c, e, "name");
        return;
    }
    struct json_out w = reply_open(c);
    json_put_str(&w, c->made);
    reply_close(c, &w);
}

void tokens_roll(struct api_call *c)
{
    const struct token *old = find_lesser(c);
    struct change change = object_change(c, CHANGE_UPDATE, KIND_TOKEN);
    if (!old || !renew(c, &change))
        return;
    change.uuid = old->object->uuid;
    change.if_modified = old->object->modified_ms;
    api_call_change(c, &change, 1, on_rolled);
}

static void on_deleted(struct api_call *c, enum err e)
{
    if (e != E_OK) {
        reply_change_error(c, e, "name");
        return;
    }
    struct json_out w = reply_open(c);
    json_open(&w, '{');
    json_add_str(&w, "id", c->params[PARAM_ID]);
    json_close(&w, '}');
    reply_close(c, &w);
}

void tokens_delete(struct api_call *c)
{
    const struct token *old = find_lesser(c);
    if (!old)
        return;
    struct change change = object_change(c, CHANGE_DELETE, KIND_TOKEN);
    change.uuid = old->object->uuid;
    change.if_modified = old->object->modified_ms;
    api_call_change(c, &change, 1, on_deleted);
}
