/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of .../routes (control plane section 9). What is deployed is what the newest deployment says:
 * nothing is changed but names, everything else is added.
 */
#include "api/dynamic_routes.h"
#include "api/fields.h"
#include "api/objects.h"
#include "api/openapi.h"
#include "base/limits.h"

#define FIELD(key, kind, min, max, choices, omitted, null, flags, doc)                                       \
    {#key, FIELD_##kind, min, max, choices, omitted, null, flags, doc},
#define REQUIRED FIELD_REQUIRED
static const struct field route_fields[] = {
#include "api/dynamic_route_fields.def"
};
#undef FIELD
enum { NAME, ELEMENTS };
static const struct field version_id = {.key = "version_id",
                                        .kind = FIELD_TEXT,
                                        .min = 1,
                                        .max = UUID_TEXT,
                                        .omitted = "",
                                        .flags = FIELD_REQUIRED,
                                        .doc = "The version of the route that is to count."};

const struct fields_table dynamic_route_table = {"DynamicRouteBody", route_fields, countof(route_fields)},
                          dynamic_route_name_table = {"DynamicRouteName", &route_fields[NAME], 1},
                          dynamic_route_version_table = {"DynamicRouteVersionBody", &route_fields[ELEMENTS],
                                                         1},
                          dynamic_route_deployment_table = {"DynamicRouteDeploymentBody", &version_id, 1};

static const char *const IDLE_NOTE = "weir keeps this route, but does not run it yet: requests for it are "
                                     "answered with status 501";

void route_fields_document(struct buf *out)
{
    (void)buf_append_c(out,
                       "\n## Keys of a dynamic route\n\nWhat they are for: [dynamic routes](routes.md). A "
                       "version takes `elements`, a deployment `version_id`.\n\n");
    fields_document(out, route_fields, countof(route_fields));
    (void)buf_append_c(out, "\n## Keys of a dynamic route's deployment\n\n");
    fields_document(out, &version_id, 1);
}

/* ---- finding ---- */

static const struct object *route_of_call(struct api_call *c)
{
    return object_of_call(c, KIND_ROUTE, PARAM_ID);
}

/* A version of this route; NULL: none. */
static const struct object *find_version(struct api_call *c, const struct object *route, struct str id)
{
    struct uuid uuid;
    const struct object *v =
        object_uuid(id, &uuid) == E_OK ? catalog_object_uuid(c->catalog, KIND_ROUTE_VERSION, uuid) : NULL;
    return v && v->parent == route->id ? v : NULL;
}

static size_t count_parts(struct api_call *c, enum object_kind kind, const struct object *route,
                          const struct object **ret_oldest)
{
    size_t n = 0;
    const struct object *o = NULL;
    *ret_oldest = NULL;
    for (; (o = route_part(c->catalog, kind, route, o)) != NULL; n++)
        *ret_oldest = o;
    return n;
}

/* ---- lists: {"data": {"routes": [...], "page", "per_page", "order_by", "order_by_direction"}} ---- */

static void reply_list(struct api_call *c, const char *key, enum object_kind kind, const struct object *route,
                       object_put *put)
{
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    int64_t page = ask_int(&k, "page", 1, API_PAGE_MAX, 1),
            per_page = ask_int(&k, "per_page", 1, API_PAGE_ROWS, API_PAGE_DEFAULT), i = 0;
    if (k.wrong.first) {
        reply_invalid(c, &k.wrong);
        return;
    }
    struct json_out w = reply_open_as(c, "data");
    json_open(&w, '{');
    json_key(&w, key);
    json_open(&w, '[');
    const struct object *o = NULL;
    while ((o = catalog_next_object(c->catalog, kind, c->params[PARAM_ACCOUNT], c->gateway->id, o)) != NULL) {
        if (route && o->parent != route->id)
            continue;
        if (i / per_page == page - 1)
            put(&w, c, o);
        i++;
    }
    json_close(&w, ']');
    json_add_int(&w, "page", page);
    json_add_int(&w, "per_page", per_page);
    json_add_str(&w, "order_by", STR("created_at"));
    json_add_str(&w, "order_by_direction", STR("desc"));
    json_close(&w, '}');
    reply_close(c, &w);
}

static void put_listed(struct json_out *w, struct api_call *c, const struct object *route)
{
    put_route(w, c, route, ROUTE_WHOLE | ROUTE_TAGGED);
}

void routes_list(struct api_call *c)
{
    reply_list(c, "routes", KIND_ROUTE, NULL, put_listed);
}

void route_versions_list(struct api_call *c)
{
    const struct object *route = route_of_call(c);
    if (route)
        reply_list(c, "versions", KIND_ROUTE_VERSION, route, put_version);
}

void route_deployments_list(struct api_call *c)
{
    const struct object *route = route_of_call(c);
    if (route)
        reply_list(c, "deployments", KIND_ROUTE_DEPLOYMENT, route, put_deployment);
}

/* ---- changes ---- */

static struct str uuid_name(struct api_call *c, struct uuid id)
{
    char *text = arena_alloc(c->arena, UUID_TEXT);
    if (text)
        uuid_text(id, text);
    return str_of(text, text ? UUID_TEXT : 0);
}

static struct change new_version(struct api_call *c, struct uuid route, const struct json_val *body)
{
    struct change v = object_change(c, CHANGE_CREATE, KIND_ROUTE_VERSION);
    v.uuid = api_call_uuid(c);
    v.parent = route;
    v.name = uuid_name(c, v.uuid);
    v.settings = fields_object(&route_fields[ELEMENTS], 1, body, NULL, c->arena);
    return v;
}

static struct change new_deployment(struct api_call *c, struct uuid route, struct uuid version)
{
    struct change d = object_change(c, CHANGE_CREATE, KIND_ROUTE_DEPLOYMENT);
    d.uuid = api_call_uuid(c);
    d.parent = route;
    d.name = uuid_name(c, d.uuid);
    d.settings = arena_printf(c->arena, "{\"version_id\":\"%.*s\"}", STR_FMT(uuid_name(c, version)));
    return d;
}

/* The route's time of change; and nothing is added to one that is deleted meanwhile. */
static struct change touch(struct api_call *c, const struct object *route)
{
    struct change t = object_change(c, CHANGE_UPDATE, KIND_ROUTE);
    t.uuid = route->uuid;
    t.quiet = true;
    return t;
}

/* Applies what is complete; else the request's memory is used up. */
static void apply(struct api_call *c, const struct change *changes, size_t n,
                  void (*done)(struct api_call *c, enum err e))
{
    for (size_t i = 0; i < n; i++)
        if (changes[i].what == CHANGE_CREATE && (!changes[i].name.n || !changes[i].settings.p)) {
            reply_error(c, API_INTERNAL);
            return;
        }
    api_call_change(c, changes, n, done);
}

/* The object this call made or changed; NULL, and the call is answered, when it came to nothing. */
static const struct object *changed_object(struct api_call *c, enum err e, enum object_kind kind)
{
    const struct object *o = e == E_OK ? catalog_object_uuid(c->catalog, kind, c->subject) : NULL;
    if (!o)
        reply_change_error(c, e == E_OK ? E_NOT_FOUND : e, "name");
    return o;
}

/* ---- routes ---- */

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    struct str slash = STR("/");
    return s.n && str_eq(str_trim(s), s) && !str_starts(s, STR(" ")) && !str_ends(s, STR(" ")) &&
           !str_starts(s, slash) && !str_ends(s, slash);
}

static void check_name(const struct json_val *body, struct complaints *wrong)
{
    struct complaint **before = wrong->last;
    field_check(&route_fields[NAME], json_get(body, "name"), false, wrong);
    if (wrong->last == before && !is_name(json_str(json_get(body, "name"))))
        complain(wrong, STR("name"), "A name has no control characters, and no space or slash at either end");
}

/* What can be saved may be no graph: see elements_check. */
static void check_elements(struct api_call *c, const struct json_val *body, struct complaints *wrong,
                           struct complaints *graph)
{
    struct str text = fields_object(&route_fields[ELEMENTS], 1, body, NULL, c->arena);
    if (!text.p || text.n > ROUTE_BYTES)
        complain(wrong, STR("elements"), "The elements may have %d bytes as JSON", ROUTE_BYTES);
    else
        elements_check(c, c->arena, json_get(body, "elements"), wrong, graph);
}

static void check_room(struct api_call *c, struct complaints *wrong)
{
    size_t n = 0;
    const struct object *o = NULL;
    while ((o = catalog_next_object(c->catalog, KIND_ROUTE, c->params[PARAM_ACCOUNT], c->gateway->id, o)))
        n++;
    if (n >= ROUTES_MAX)
        complain(wrong, STR(""), "A gateway may have %d routes", ROUTES_MAX);
}

static void on_route_made(struct api_call *c, enum err e)
{
    const struct object *route = changed_object(c, e, KIND_ROUTE);
    if (!route)
        return;
    c->note = IDLE_NOTE;
    struct json_out w = reply_open(c);
    put_route(&w, c, route, ROUTE_WHOLE);
    reply_close(c, &w);
}

/* The first version is deployed at once. */
static void make_route(struct api_call *c, const struct json_val *body)
{
    struct change changes[3] = {object_change(c, CHANGE_CREATE, KIND_ROUTE)};
    changes[0].uuid = c->subject = api_call_uuid(c);
    changes[0].name = arena_dup(c->arena, json_str(json_get(body, "name")));
    changes[0].settings = STR("{}");
    changes[1] = new_version(c, changes[0].uuid, body);
    changes[2] = new_deployment(c, changes[0].uuid, changes[1].uuid);
    apply(c, changes, countof(changes), on_route_made);
}

void routes_create(struct api_call *c)
{
    struct complaints wrong;
    struct json_doc *doc;
    complaints_init(&wrong, c->arena, "body");
    const struct json_val *body = body_read(buf_str(&c->body), &doc, &wrong);
    if (body) {
        check_name(body, &wrong);
        check_elements(c, body, &wrong, &wrong);
        check_room(c, &wrong);
    }
    if (wrong.first)
        reply_invalid(c, &wrong);
    else
        make_route(c, body);
    json_free(doc);
}

static void put_whole(struct json_out *w, struct api_call *c, const struct object *route)
{
    put_route(w, c, route, ROUTE_WHOLE);
}

void routes_fetch(struct api_call *c)
{
    fetch_object(c, KIND_ROUTE, PARAM_ID, put_whole);
}

static void on_route_renamed(struct api_call *c, enum err e)
{
    const struct object *route = changed_object(c, e, KIND_ROUTE);
    if (!route)
        return;
    struct json_out w = reply_open_as(c, "route");
    put_route(&w, c, route, ROUTE_WHOLE | ROUTE_TAGGED);
    reply_close(c, &w);
}

void routes_rename(struct api_call *c)
{
    struct complaints wrong;
    struct json_doc *doc;
    const struct object *route = route_of_call(c);
    if (!route)
        return;
    complaints_init(&wrong, c->arena, "body");
    const struct json_val *body = body_read(buf_str(&c->body), &doc, &wrong);
    if (body)
        check_name(body, &wrong);
    if (json_get(body, "elements"))
        c->note = "A change of the name alone: elements change with a new version, and its deployment";
    struct change change = object_change(c, CHANGE_UPDATE, KIND_ROUTE);
    change.uuid = c->subject = route->uuid;
    change.name = arena_dup(c->arena, json_str(json_get(body, "name")));
    json_free(doc);
    if (wrong.first)
        reply_invalid(c, &wrong);
    else
        api_call_change(c, &change, 1, on_route_renamed);
}

static void put_bare(struct json_out *w, struct api_call *c, const struct object *route)
{
    put_route(w, c, route, ROUTE_BARE);
}

void routes_delete(struct api_call *c)
{
    delete_object(c, KIND_ROUTE, PARAM_ID, put_bare);
}

/* ---- versions ---- */

/* "elements.1.outputs.next.elementId: There is no ..." */
static struct str first_of(const struct complaints *wrong)
{
    return arena_printf(wrong->arena, "%.*s: %.*s", STR_FMT(complaint_shown(wrong->arena, wrong->first->key)),
                        STR_FMT(wrong->first->message));
}

static void on_version_made(struct api_call *c, enum err e)
{
    struct version_view v;
    const struct object *version = changed_object(c, e, KIND_ROUTE_VERSION);
    if (!version)
        return;
    version_open(c, version, &v);
    if (!v.valid)
        c->note =
            arena_printf(c->arena, "Saved, but it cannot be deployed: %.*s", STR_FMT(first_of(&v.wrong))).p;
    version_close(&v);
    struct json_out w = reply_open(c);
    put_route_version(&w, c, version, NULL);
    reply_close(c, &w);
}

void route_versions_create(struct api_call *c)
{
    struct complaints wrong, graph;
    struct json_doc *doc;
    const struct object *oldest, *route = route_of_call(c);
    if (!route)
        return;
    complaints_init(&wrong, c->arena, "body");
    complaints_init(&graph, c->arena, "body");
    const struct json_val *body = body_read(buf_str(&c->body), &doc, &wrong);
    if (body)
        check_elements(c, body, &wrong, &graph);
    if (count_parts(c, KIND_ROUTE_VERSION, route, &oldest) >= ROUTE_VERSIONS_MAX)
        complain(&wrong, STR(""), "A route may have %d versions", ROUTE_VERSIONS_MAX);
    if (wrong.first) {
        reply_invalid(c, &wrong);
    } else {
        struct change changes[] = {touch(c, route), new_version(c, route->uuid, body)};
        c->subject = changes[1].uuid;
        apply(c, changes, countof(changes), on_version_made);
    }
    json_free(doc);
}

void route_versions_fetch(struct api_call *c)
{
    const struct object *route = route_of_call(c);
    if (!route)
        return;
    const struct object *version = find_version(c, route, c->params[PARAM_ID2]);
    if (!version) {
        reply_error(c, API_NOT_FOUND);
        return;
    }
    struct json_out w = reply_open(c);
    put_route_version(&w, c, version, NULL);
    reply_close(c, &w);
}

/* ---- deployments ---- */

static void on_deployed(struct api_call *c, enum err e)
{
    const struct object *d = changed_object(c, e, KIND_ROUTE_DEPLOYMENT);
    if (!d)
        return;
    const struct object *version = deployment_version(c->catalog, d);
    c->note = IDLE_NOTE;
    struct json_out w = reply_open(c);
    if (version)
        put_route_version(&w, c, version, d);
    else
        json_put_null(&w);
    reply_close(c, &w);
}

/* The oldest deployment goes when there are too many. */
static void deploy(struct api_call *c, const struct object *route, const struct object *version)
{
    const struct object *oldest;
    struct change changes[3] = {touch(c, route), new_deployment(c, route->uuid, version->uuid)};
    size_t n = 2;
    c->subject = changes[1].uuid;
    if (count_parts(c, KIND_ROUTE_DEPLOYMENT, route, &oldest) >= ROUTE_DEPLOYMENTS_MAX) {
        changes[n] = object_change(c, CHANGE_DELETE, KIND_ROUTE_DEPLOYMENT);
        changes[n].uuid = oldest->uuid;
        changes[n++].quiet = true;
    }
    apply(c, changes, n, on_deployed);
}

/* The version a body names; NULL with a complaint. */
static const struct object *version_of_body(struct api_call *c, const struct object *route,
                                            struct complaints *wrong)
{
    struct json_doc *doc;
    const struct object *version = NULL;
    const struct json_val *body = body_read(buf_str(&c->body), &doc, wrong);
    if (body)
        field_check(&version_id, json_get(body, version_id.key), false, wrong);
    if (!wrong->first)
        version = find_version(c, route, json_str(json_get(body, version_id.key)));
    if (!wrong->first && !version)
        complain(wrong, STR("version_id"), "This route has no such version");
    json_free(doc);
    return version;
}

void route_deployments_create(struct api_call *c)
{
    struct complaints wrong;
    struct version_view v;
    const struct object *route = route_of_call(c);
    if (!route)
        return;
    complaints_init(&wrong, c->arena, "body");
    const struct object *version = version_of_body(c, route, &wrong);
    version_open(c, version, &v);
    if (version && !v.valid)
        complain(&wrong, STR("version_id"), "This version cannot be deployed: %.*s",
                 STR_FMT(first_of(&v.wrong)));
    version_close(&v);
    if (wrong.first)
        reply_invalid(c, &wrong);
    else
        deploy(c, route, version);
}
