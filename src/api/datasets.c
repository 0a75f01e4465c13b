/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of .../gateways/{G}/datasets (control plane section 6.1): saved queries of the log. */
#include "api/evaluations.h"
#include "api/fields.h"
#include "api/log_filters.h"
#include "api/openapi.h"
#include "base/limits.h"

#define FIELD(key, kind, min, max, doc)                                                                      \
    {                                                                                                        \
#key, FIELD_##kind, min, max, NULL, "", NULL, FIELD_REQUIRED, doc                                    \
    }
static const struct field fields[] = {
    FIELD(name, TEXT, 1, 255, "What people call it."),
    FIELD(enable, BOOL, 0, 0, "Only datasets that are enabled are taken for new evaluations."),
    FIELD(filters, LIST, 0, LOG_FILTER_CLAUSES,
          "Clauses that a log has to meet, all of them; none: every log."),
};
const struct fields_table dataset_table = {"DatasetBody", fields, countof(fields)};
#undef FIELD

void datasets_document(struct buf *out)
{
    (void)buf_append_c(out,
                       "\n## Keys of a dataset\n\nWhat they are for: [evaluations](evaluations.md).\n\n");
    fields_document(out, fields, countof(fields));
}

/* ---- lists ---- */

struct named_filter named_filter_read(struct ask *k, const char *member)
{
    struct named_filter f = {member, ask_text(k, "name"), ask_text(k, "search"), ask_text(k, member)};
    (void)ask_bool(k, member, false);
    return f;
}

bool named_filter_match(struct api_call *c, const struct object *o, const void *arg)
{
    const struct named_filter *f = arg;
    bool wanted = false, ok = !f->flag.p || str_to_bool(f->flag, &wanted) == E_OK;
    struct json_doc *doc = json_parse(o->settings);
    const struct json_val *root = json_root(doc);
    ok = ok && (!f->name.p || str_eq(json_str(json_get(root, "name")), f->name)) &&
         (!f->flag.p || json_bool(json_get(root, f->member), false) == wanted) &&
         (!f->search.n || str_has(o->settings, f->search) || str_has(object_id(c, o), f->search));
    json_free(doc);
    return ok;
}

size_t count_objects(struct api_call *c, enum object_kind kind)
{
    size_t n = 0;
    for (const struct object *o = NULL;
         (o = catalog_next_object(c->catalog, kind, c->params[PARAM_ACCOUNT], c->gateway->id, o)) != NULL;)
        n++;
    return n;
}

void put_dataset(struct json_out *w, struct api_call *c, const struct object *o)
{
    json_open(w, '{');
    json_add_str(w, "id", object_id(c, o));
    put_members(w, o->settings);
    json_add_str(w, "gateway_id", c->params[PARAM_GATEWAY]);
    json_add_str(w, "account_id", o->account);
    json_add_str(w, "account_tag", o->account);
    put_time_ms(w, "created_at", o->created_ms);
    put_time_ms(w, "modified_at", o->modified_ms);
    json_close(w, '}');
}

void datasets_list(struct api_call *c)
{
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    struct named_filter f = named_filter_read(&k, "enable");
    struct object_list l = {.kind = KIND_DATASET, .match = named_filter_match, .arg = &f, .put = put_dataset};
    list_objects(c, &k, l);
}

void datasets_fetch(struct api_call *c)
{
    fetch_object(c, KIND_DATASET, PARAM_ID, put_dataset);
}

/* ---- changes ---- */

static void check(struct api_call *c, const struct json_val *body, const struct object *old,
                  struct complaints *wrong)
{
    fields_check(fields, countof(fields), body, false, wrong);
    if (!wrong->first)
        (void)log_filters_dataset(json_get(body, "filters"), wrong);
    if (!wrong->first && !old && count_objects(c, KIND_DATASET) >= DATASETS_MAX)
        complain(wrong, STR(""), "A gateway has at most %d datasets: delete one first", DATASETS_MAX);
}

/* old: what a PUT replaces; NULL: a new one. Names need not differ: objects are known by their ids. */
static void save(struct api_call *c, const struct object *old)
{
    struct complaints wrong;
    struct json_doc *doc;
    complaints_init(&wrong, c->arena, "body");
    const struct json_val *body = body_read(buf_str(&c->body), &doc, &wrong);
    if (body)
        check(c, body, old, &wrong);
    struct change change = object_change(c, old ? CHANGE_UPDATE : CHANGE_CREATE, KIND_DATASET);
    if (!wrong.first) {
        char *name = arena_alloc(c->arena, UUID_TEXT);
        change.uuid = old ? old->uuid : api_call_uuid(c);
        change.if_modified = old ? old->modified_ms : 0;
        change.settings = fields_object(fields, countof(fields), body, NULL, c->arena);
        if (name)
            uuid_text(change.uuid, name);
        change.name = str_of(name, name ? UUID_TEXT : 0);
    }
    json_free(doc);
    if (wrong.first)
        reply_invalid(c, &wrong);
    else
        save_object(c, &change, put_dataset, "name");
}

void datasets_create(struct api_call *c)
{
    save(c, NULL);
}

void datasets_update(struct api_call *c)
{
    const struct object *o = object_of_call(c, KIND_DATASET, PARAM_ID);
    if (o)
        save(c, o);
}

void datasets_delete(struct api_call *c)
{
    delete_object(c, KIND_DATASET, PARAM_ID, put_dataset);
}
