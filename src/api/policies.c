/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of .../policies (control plane section 11.1), but for the simulator. */
#include "api/policies.h"
#include "api/fields.h"
#include "api/objects.h"
#include "api/openapi.h"
#include "base/limits.h"

#define FIELD(key, kind, min, max, choices, omitted, null, flags, doc)                                       \
    {#key, FIELD_##kind, min, max, choices, omitted, null, flags, doc},
#define REQUIRED FIELD_REQUIRED
static const struct field fields[] = {
#include "api/policy_fields.def"
};
#undef FIELD

const struct fields_table policy_table = {"PolicyBody", fields, countof(fields)};

void policy_fields_document(struct buf *out)
{
    (void)buf_append_c(
        out, "\n## Keys of a policy\n\nAnswers also have `id`, `created_at` and `updated_at` (seconds since "
             "1970), and `staging` for a draft. What they are for: [policies](policies.md).\n\n");
    fields_document(out, fields, countof(fields));
}

static const char *const IDLE_NOTE =
    "Policies are kept and can be simulated; weir does not hold requests to them yet";

/* ---- what is stored ---- */

/* The object without what is said about it; with `staged` in place of the members, if that is asked for. */
struct str policy_look(struct arena *a, const struct object *o, enum policy_view view, bool *ret_draft)
{
    struct json_doc *doc = json_parse(o->settings);
    const struct json_val *root = json_root(doc), *staged = json_get(root, "staged");
    bool first = json_bool(json_get(root, "staging"), false);
    struct str text = {NULL, 0};
    *ret_draft = view == POLICY_STAGED && (first || staged);
    if (view == POLICY_STAGED || !first)
        text =
            fields_object(fields, countof(fields), view == POLICY_STAGED && staged ? staged : root, NULL, a);
    json_free(doc);
    return text;
}

static bool is_committed(const struct object *o)
{
    struct json_doc *doc = json_parse(o->settings);
    bool first = json_bool(json_get(json_root(doc), "staging"), false);
    json_free(doc);
    return !first;
}

/* A change that is not committed: beside what is, or in place of nothing. */
static struct str as_draft(struct api_call *c, struct str committed, struct str draft)
{
    struct buf b;
    buf_init(&b, 2 * API_BODY_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    if (committed.p) {
        put_members(&w, committed);
        json_add_raw(&w, "staged", draft);
    } else {
        json_add_bool(&w, "staging", true);
        put_members(&w, draft);
    }
    json_close(&w, '}');
    struct str text = b.full ? str_of(NULL, 0) : arena_dup(c->arena, buf_str(&b));
    buf_done(&b);
    return text;
}

static struct str name_of(struct api_call *c, struct str members)
{
    struct json_doc *doc = json_parse(members);
    struct str name = arena_dup(c->arena, json_str(json_get(json_root(doc), "name")));
    json_free(doc);
    return name;
}

/* ---- answers ---- */

/* Memory of its own for each: pages have many. One that is only a draft is shown as one. */
static void put_policy_view(struct json_out *w, struct api_call *c, const struct object *o,
                            enum policy_view view)
{
    struct arena a;
    bool draft;
    arena_init(&a, API_BODY_BYTES);
    struct str members = policy_look(&a, o, is_committed(o) ? view : POLICY_STAGED, &draft);
    json_open(w, '{');
    json_add_str(w, "id", object_id(c, o));
    put_members(w, members);
    if (draft) {
        json_add_bool(w, "staging", true);
    }
    json_add_int(w, "created_at", o->created_ms / 1000);
    json_add_int(w, "updated_at", o->modified_ms / 1000);
    json_close(w, '}');
    arena_done(&a);
}

static void put_policy(struct json_out *w, struct api_call *c, const struct object *o)
{
    put_policy_view(w, c, o, POLICY_COMMITTED);
}

static void put_staged(struct json_out *w, struct api_call *c, const struct object *o)
{
    put_policy_view(w, c, o, POLICY_STAGED);
}

enum policy_view policy_view_of(struct ask *k)
{
    return ask_bool(k, "includeStaging", false) ? POLICY_STAGED : POLICY_COMMITTED;
}

static bool matches_view(struct api_call *c, const struct object *o, const void *arg)
{
    const enum policy_view *view = arg;
    (void)c;
    return *view == POLICY_STAGED || is_committed(o);
}

void policies_list(struct api_call *c)
{
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    enum policy_view view = policy_view_of(&k);
    list_objects(c, &k,
                 (struct object_list){.kind = KIND_POLICY,
                                      .match = matches_view,
                                      .arg = &view,
                                      .put = view == POLICY_STAGED ? put_staged : put_policy});
}

void policies_fetch(struct api_call *c)
{
    struct ask k;
    const struct object *o = object_of_call(c, KIND_POLICY, PARAM_ID);
    if (!o)
        return;
    ask_init(&k, c->arena, api_call_query(c));
    enum policy_view view = policy_view_of(&k);
    if (k.wrong.first)
        reply_invalid(c, &k.wrong);
    else
        reply_object(c, o, view == POLICY_STAGED ? put_staged : put_policy);
}

/* ---- saving ---- */

static void on_saved(struct api_call *c, enum err e)
{
    const struct object *o = e == E_OK ? catalog_object_uuid(c->catalog, KIND_POLICY, c->subject) : NULL;
    struct ask k;
    if (!o) {
        reply_change_error(c, e == E_OK ? E_NOT_FOUND : e, "name");
        return;
    }
    ask_init(&k, c->arena, api_call_query(c));
    bool commit = ask_bool(&k, "commit", false);
    c->note = commit ? IDLE_NOTE : NULL;
    struct json_out w = reply_open(c);
    put_policy_view(&w, c, o, commit ? POLICY_COMMITTED : POLICY_STAGED);
    json_add_bool(&w, "committed", commit);
    reply_close(c, &w);
}

static void check_rule(struct api_call *c, struct str members, struct complaints *wrong)
{
    struct policy_rule rule;
    struct json_doc *doc = json_parse(members);
    if (members.n > POLICY_BYTES)
        complain(wrong, STR(""), "A policy may have %d bytes as JSON", POLICY_BYTES);
    else if (!policy_rule_read(c->arena, json_root(doc), &rule, wrong) && !wrong->first)
        complain(wrong, STR(""), "The drafts are too large to be looked at together");
    json_free(doc);
}

static void check_room(struct api_call *c, struct complaints *wrong)
{
    size_t n = 0;
    const struct object *o = NULL;
    while ((o = catalog_next_object(c->catalog, KIND_POLICY, c->params[PARAM_ACCOUNT], c->gateway->id, o)))
        n++;
    if (n >= POLICIES_MAX)
        complain(wrong, STR(""), "A gateway may have %d policies", POLICIES_MAX);
}

/* The policy as it will be: the body's members, over those of `old` (p == NULL: it is new). */
static struct str read_members(struct api_call *c, struct str old, struct complaints *wrong)
{
    struct json_doc *doc, *kept = json_parse(old);
    struct str members = {NULL, 0};
    const struct json_val *body = body_read(buf_str(&c->body), &doc, wrong);
    if (body)
        fields_check(fields, countof(fields), body, old.p != NULL, wrong);
    if (!wrong->first) {
        members = fields_object(fields, countof(fields), body, json_root(kept), c->arena);
        check_rule(c, members, wrong);
    }
    json_free(kept);
    json_free(doc);
    return members;
}

/* old NULL: a new one. */
static void save(struct api_call *c, const struct object *old)
{
    struct complaints wrong;
    struct ask k;
    bool draft;
    ask_init(&k, c->arena, api_call_query(c));
    complaints_init(&wrong, c->arena, "body");
    bool commit = ask_bool(&k, "commit", false);
    struct str committed = old ? policy_look(c->arena, old, POLICY_COMMITTED, &draft) : str_of(NULL, 0);
    struct str base = old ? policy_look(c->arena, old, POLICY_STAGED, &draft) : committed;
    struct str members = read_members(c, base, &wrong);
    if (!old)
        check_room(c, &wrong);
    else if (!committed.p)
        complain(&wrong, STR(""),
                 "This policy is a draft: only committed ones are updated. Commit it first, or delete it");
    if (k.wrong.first || wrong.first) {
        reply_invalid(c, k.wrong.first ? &k.wrong : &wrong);
        return;
    }
    struct change change = object_change(c, old ? CHANGE_UPDATE : CHANGE_CREATE, KIND_POLICY);
    change.uuid = c->subject = old ? old->uuid : api_call_uuid(c);
    change.if_modified = old ? old->modified_ms : 0;
    change.name =
        old && !commit ? str_of(NULL, 0) : name_of(c, members); /* a draft's name is not taken yet */
    change.settings = commit ? members : as_draft(c, committed, members);
    if (!change.settings.p)
        reply_error(c, API_INTERNAL);
    else
        api_call_change(c, &change, 1, on_saved);
}

void policies_create(struct api_call *c)
{
    save(c, NULL);
}

void policies_update(struct api_call *c)
{
    const struct object *o = object_of_call(c, KIND_POLICY, PARAM_ID);
    if (o)
        save(c, o);
}

void policies_delete(struct api_call *c)
{
    delete_object(c, KIND_POLICY, PARAM_ID, put_policy);
}

/* ---- committing all drafts ---- */

struct refusal {
    const struct object *o;
    struct str name, why;
};

/* Kept over the change. */
struct commit {
    struct change *changes;
    size_t n;
    struct refusal *refused;
    size_t n_refused;
};

static void refuse(struct commit *k, const struct object *o, struct str name, const char *why)
{
    k->refused[k->n_refused++] = (struct refusal){o, name, str_c(why)};
}

/* Has another policy, or a draft that is committed with this one, the name? */
static bool is_taken(struct api_call *c, const struct commit *k, const struct object *o, struct str name)
{
    const struct object *other = catalog_object(c->catalog, KIND_POLICY, o->account, o->gateway, name);
    for (size_t i = 0; i < k->n; i++)
        if (str_eq(k->changes[i].name, name))
            return true;
    return other && other != o;
}

static void add_draft(struct api_call *c, struct commit *k, const struct object *o)
{
    bool draft;
    struct complaints wrong;
    struct str members = policy_look(c->arena, o, POLICY_STAGED, &draft);
    if (!draft)
        return;
    struct str name = name_of(c, members);
    complaints_init(&wrong, c->arena, "body");
    check_rule(c, members, &wrong);
    if (wrong.first || is_taken(c, k, o, name)) {
        refuse(k, o, name, wrong.first ? wrong.first->message.p : "Another policy has this name");
        return;
    }
    struct change *change = &k->changes[k->n++];
    *change = object_change(c, CHANGE_UPDATE, KIND_POLICY);
    change->uuid = o->uuid;
    change->if_modified = o->modified_ms;
    change->name = name;
    change->settings = members;
}

static void put_refusal(struct json_out *w, struct api_call *c, const struct refusal *r)
{
    json_open(w, '{');
    json_add_str(w, "policyId", object_id(c, r->o));
    json_add_str(w, "name", r->name);
    json_add_str(w, "message", r->why);
    json_close(w, '}');
}

static void on_committed(struct api_call *c, enum err e)
{
    const struct commit *k = c->kept;
    if (e != E_OK) {
        reply_change_error(c, e, "name");
        return;
    }
    c->note = IDLE_NOTE;
    struct json_out w = reply_open(c);
    json_open(&w, '{');
    json_add_int(&w, "committed", (int64_t)k->n);
    json_add_int(&w, "failed", (int64_t)k->n_refused);
    json_key(&w, "policies");
    json_open(&w, '[');
    for (size_t i = 0; i < k->n; i++) {
        const struct object *o = catalog_object_uuid(c->catalog, KIND_POLICY, k->changes[i].uuid);
        if (o) /* not deleted since */
            put_policy(&w, c, o);
    }
    json_close(&w, ']');
    json_key(&w, "errors");
    json_open(&w, '[');
    for (size_t i = 0; i < k->n_refused; i++)
        put_refusal(&w, c, &k->refused[i]);
    json_close(&w, ']');
    json_close(&w, '}');
    reply_close(c, &w);
}

void policies_commit(struct api_call *c)
{
    struct commit *k = c->kept = arena_new(c->arena, struct commit);
    const struct object *o = NULL;
    if (!k || !(k->changes = arena_alloc(c->arena, POLICIES_MAX * sizeof(*k->changes))) ||
        !(k->refused = arena_alloc(c->arena, POLICIES_MAX * sizeof(*k->refused)))) {
        reply_error(c, API_INTERNAL);
        return;
    }
    while ((o = catalog_next_object(c->catalog, KIND_POLICY, c->params[PARAM_ACCOUNT], c->gateway->id, o)) &&
           k->n + k->n_refused < POLICIES_MAX)
        add_draft(c, k, o);
    if (k->n)
        api_call_change(c, k->changes, k->n, on_committed);
    else
        on_committed(c, E_OK);
}
