/* SPDX-License-Identifier: Apache-2.0 */
#include "api/objects.h"
#include "base/clock.h"

/* ---- finding ---- */

enum err object_uuid(struct str text, struct uuid *ret)
{
    char full[UUID_TEXT];
    if (text.n != 32)
        return uuid_parse(text, ret);
    size_t n = 0;
    for (size_t i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20)
            full[n++] = '-';
        full[n++] = text.p[i];
    }
    return uuid_parse(str_of(full, n), ret);
}

/* Of the account, or of the gateway, whatever the path is about. */
static int64_t scope(const struct api_call *c)
{
    return c->gateway ? c->gateway->id : 0;
}

const struct object *object_of_call(struct api_call *c, enum object_kind kind, int param)
{
    struct uuid id;
    const struct object *o = NULL;
    if (object_uuid(c->params[param], &id) == E_OK)
        o = catalog_object_uuid(c->catalog, kind, id);
    if (o && str_eq(o->account, c->params[PARAM_ACCOUNT]) && o->gateway == scope(c))
        return o;
    reply_error(c, API_NOT_FOUND);
    return NULL;
}

struct change object_change(struct api_call *c, enum change_what what, enum object_kind kind)
{
    return (struct change){
        .what = what, .kind = kind, .account = c->params[PARAM_ACCOUNT], .gateway = c->params[PARAM_GATEWAY]};
}

/* ---- one object ---- */

struct str object_id(struct api_call *c, const struct object *o)
{
    char *text = arena_alloc(c->arena, UUID_TEXT);
    if (!text)
        return STR("");
    uuid_text(o->uuid, text);
    return str_of(text, UUID_TEXT);
}

void put_time_ms(struct json_out *w, const char *key, int64_t ms)
{
    char text[TIME_TEXT];
    clock_rfc3339(ms, text);
    json_add_str(w, key, str_c(text));
}

void put_members(struct json_out *w, struct str object)
{
    struct json_doc *doc = json_parse(object);
    for (struct json_iter it = json_iter(json_root(doc)); json_next(&it);) {
        json_key_str(w, it.key);
        json_put_val(w, it.val);
    }
    json_free(doc);
}

void put_object(struct json_out *w, struct api_call *c, const struct object *o)
{
    json_open(w, '{');
    json_add_str(w, "id", object_id(c, o));
    put_members(w, o->settings);
    const struct gateway *g = o->gateway ? catalog_gateway_id(c->catalog, o->gateway) : NULL;
    if (g)
        json_add_str(w, "gateway_id", g->slug);
    put_time_ms(w, "created_at", o->created_ms);
    put_time_ms(w, "modified_at", o->modified_ms);
    json_close(w, '}');
}

void reply_object(struct api_call *c, const struct object *o, object_put *put)
{
    struct json_out w = reply_open(c);
    (put ? put : put_object)(&w, c, o);
    reply_close(c, &w);
}

/* ---- lists ---- */

/* The objects a list is about, newest first; NULL past the arena's cap. */
static const struct object **find(struct api_call *c, const struct object_list *l, size_t *ret_n)
{
    const struct object **found =
        arena_alloc(c->arena, (c->catalog->n_objects + 1) * sizeof(struct object *));
    size_t n = 0;
    for (const struct object *o = NULL;
         found &&
         (o = catalog_next_object(c->catalog, l->kind, c->params[PARAM_ACCOUNT], scope(c), o)) != NULL;)
        if (!l->match || l->match(c, o, l->arg))
            found[n++] = o;
    *ret_n = n;
    return found;
}

/* Insertion is stable, and lists of the catalogue are short. */
static void sort(const struct object **v, size_t n,
                 int (*order)(const struct object *a, const struct object *b))
{
    for (size_t i = 1; i < n; i++) {
        const struct object *o = v[i];
        size_t at = i;
        for (; at > 0 && order(v[at - 1], o) > 0; at--)
            v[at] = v[at - 1];
        v[at] = o;
    }
}

static void reply_page(struct api_call *c, const struct object_list *l, struct paging p)
{
    size_t n = 0;
    const struct object **found = find(c, l, &n);
    if (!found) {
        reply_error(c, API_INTERNAL);
        return;
    }
    if (l->order)
        sort(found, n, l->order);
    p.total = (int64_t)n;
    struct json_out w = reply_open(c);
    json_open(&w, '[');
    for (size_t i = (size_t)((p.page - 1) * p.per_page); i < n && p.count < p.per_page; i++, p.count++)
        (l->put ? l->put : put_object)(&w, c, found[i]);
    json_close(&w, ']');
    reply_close_page(c, &w, &p);
}

void list_objects(struct api_call *c, struct ask *k, struct object_list l)
{
    struct paging p = {.page = ask_int(k, "page", 1, API_PAGE_MAX, 1),
                       .per_page = ask_int(k, "per_page", 1, API_PAGE_ROWS, API_PAGE_DEFAULT)};
    if (k->wrong.first)
        reply_invalid(c, &k->wrong);
    else
        reply_page(c, &l, p);
}

/* ---- whole handlers ---- */

void fetch_object(struct api_call *c, enum object_kind kind, int param, object_put *put)
{
    const struct object *o = object_of_call(c, kind, param);
    if (o)
        reply_object(c, o, put);
}

/* Deleted since by somebody else: there is none. */
static void on_saved(struct api_call *c, enum err e)
{
    const struct object *o = e == E_OK ? catalog_object_uuid(c->catalog, c->subject_kind, c->subject) : NULL;
    if (o)
        reply_object(c, o, c->subject_put);
    else
        reply_change_error(c, e == E_OK ? E_NOT_FOUND : e, c->taken);
}

void save_object(struct api_call *c, const struct change *change, object_put *put, const char *taken)
{
    c->subject = change->uuid;
    c->subject_kind = change->kind;
    c->subject_put = put;
    c->taken = taken;
    api_call_change(c, change, 1, on_saved);
}

/* The old snapshot still has it. */
static void on_deleted(struct api_call *c, enum err e)
{
    if (e != E_OK)
        reply_change_error(c, e, "id");
    else
        reply_object(c, catalog_object_uuid(c->before, c->subject_kind, c->subject), c->subject_put);
}

void delete_object(struct api_call *c, enum object_kind kind, int param, object_put *put)
{
    const struct object *o = object_of_call(c, kind, param);
    if (!o)
        return;
    struct change change = object_change(c, CHANGE_DELETE, kind);
    change.uuid = c->subject = o->uuid;
    c->subject_kind = kind;
    c->subject_put = put;
    api_call_change(c, &change, 1, on_deleted);
}
