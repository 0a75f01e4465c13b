/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes of dynamic routes, versions and deployments (control plane section 9.1). */
#include "api/dynamic_routes.h"
#include "api/objects.h"
#include "base/limits.h"
#include "gateway/custom.h"
#include "gateway/route_graph.h"

/* ---- finding ---- */

const struct object *route_part(const struct catalog *c, enum object_kind kind, const struct object *route,
                                const struct object *after)
{
    do
        after = catalog_next_object(c, kind, route->account, route->gateway, after);
    while (after && after->parent != route->id);
    return after;
}

const struct object *deployment_version(const struct catalog *c, const struct object *deployment)
{
    struct uuid id;
    struct json_doc *doc = json_parse(deployment->settings);
    enum err e = uuid_parse(json_str(json_get(json_root(doc), "version_id")), &id);
    json_free(doc);
    return e == E_OK ? catalog_object_uuid(c, KIND_ROUTE_VERSION, id) : NULL;
}

/* The version that is deployed; NULL: somebody deleted the route. */
static const struct object *route_deployed(const struct catalog *c, const struct object *route)
{
    const struct object *d = route_part(c, KIND_ROUTE_DEPLOYMENT, route, NULL);
    return d ? deployment_version(c, d) : NULL;
}

/* ---- elements ---- */

static bool has_provider(struct api_call *c, struct str slug)
{
    struct str custom = STR(CUSTOM_PREFIX);
    if (provider_find(slug) || str_eq(slug, provider_mock()->slug))
        return true;
    return str_starts(slug, custom) && catalog_object(c->catalog, KIND_CUSTOM_PROVIDER,
                                                      c->params[PARAM_ACCOUNT], 0, str_from(slug, custom.n));
}

static void check_providers(struct api_call *c, const struct route_graph *g, struct complaints *wrong)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct route_node *node = &g->nodes[i];
        if (node->type != NODE_MODEL || !node->model.provider.n || has_provider(c, node->model.provider))
            continue;
        struct str at = complaint_nth(wrong, STR("elements"), i);
        complain(wrong, complaint_in(wrong, complaint_in(wrong, at, STR("properties")), STR("provider")),
                 "There is no provider \"%.*s\"", STR_FMT(str_head(node->model.provider, 64)));
    }
}

void elements_check(struct api_call *c, struct arena *a, const struct json_val *elements,
                    struct complaints *wrong, struct complaints *graph)
{
    struct route_graph *g = route_graph_read(a, elements, wrong);
    if (g)
        check_providers(c, g, wrong);
    if (g && !wrong->first)
        route_graph_check(g, graph);
    if (!g && !wrong->first)
        complain(wrong, STR("elements"), "The elements are too large");
}

void version_open(struct api_call *c, const struct object *version, struct version_view *v)
{
    *v = (struct version_view){.doc = version ? json_parse(version->settings) : NULL};
    arena_init(&v->arena, TXN_ARENA_BYTES);
    complaints_init(&v->wrong, &v->arena, "body");
    v->elements = json_get(json_root(v->doc), "elements");
    elements_check(c, &v->arena, v->elements, &v->wrong, &v->wrong);
    v->valid = !v->wrong.first;
}

void version_close(struct version_view *v)
{
    json_free(v->doc);
    arena_done(&v->arena);
}

/* ---- shapes ---- */

static void put_id(struct json_out *w, struct api_call *c, const char *key, const struct object *o)
{
    json_add_str(w, key, o ? object_id(c, o) : str_of(NULL, 0));
}

void put_deployment(struct json_out *w, struct api_call *c, const struct object *d)
{
    json_open(w, '{');
    put_id(w, c, "deployment_id", d);
    put_id(w, c, "version_id", d ? deployment_version(c->catalog, d) : NULL);
    put_time_ms(w, "created_at", d ? d->created_ms : 0);
    json_close(w, '}');
}

static bool is_active(struct api_call *c, const struct object *version)
{
    const struct object *route = catalog_object_id(c->catalog, version->parent);
    return route && route_deployed(c->catalog, route) == version;
}

static void put_json_text(struct json_out *w, const char *key, const struct json_val *v)
{
    struct buf b;
    buf_init(&b, 2 * API_BODY_BYTES);
    struct json_out text = json_out(&b);
    json_put_val(&text, v);
    json_add_str(w, key, buf_str(&b));
    buf_done(&b);
}

/* "active" is a text, as is the JSON in "data". */
static void put_version_members(struct json_out *w, struct api_call *c, const struct object *version,
                                const struct version_view *v)
{
    put_id(w, c, "version_id", version);
    json_add_str(w, "active", is_active(c, version) ? STR("true") : STR("false"));
    put_json_text(w, "data", v->elements);
    json_add_bool(w, "is_valid", v->valid);
}

static void put_viewed(struct json_out *w, struct api_call *c, const struct object *version,
                       const struct version_view *v)
{
    json_open(w, '{');
    put_version_members(w, c, version, v);
    put_time_ms(w, "created_at", version->created_ms);
    json_close(w, '}');
}

void put_version(struct json_out *w, struct api_call *c, const struct object *version)
{
    struct version_view v;
    version_open(c, version, &v);
    put_viewed(w, c, version, &v);
    version_close(&v);
}

static void put_head(struct json_out *w, struct api_call *c, const struct object *route,
                     const struct version_view *v)
{
    put_id(w, c, "id", route);
    json_add_str(w, "name", route ? route->name : STR(""));
    json_add_str(w, "gateway_id", c->params[PARAM_GATEWAY]);
    json_key(w, "elements");
    if (v->elements)
        json_put_val(w, v->elements);
    else
        json_put_raw(w, STR("[]"));
}

static void put_deployed(struct json_out *w, struct api_call *c, const struct object *deployment,
                         const struct object *version, const struct version_view *v)
{
    json_key(w, "deployment");
    put_deployment(w, c, deployment);
    json_key(w, "version");
    if (version)
        put_viewed(w, c, version, v);
    else
        json_put_null(w);
}

void put_route(struct json_out *w, struct api_call *c, const struct object *route, int form)
{
    /* what was deleted is as it was */
    const struct catalog *where =
        catalog_object_uuid(c->catalog, KIND_ROUTE, route->uuid) || !c->before ? c->catalog : c->before;
    const struct object *version = route_deployed(where, route);
    struct version_view v;
    version_open(c, version, &v);
    json_open(w, '{');
    put_head(w, c, route, &v);
    if (form & ROUTE_TAGGED)
        json_add_str(w, "account_tag", c->params[PARAM_ACCOUNT]);
    put_time_ms(w, "created_at", route->created_ms);
    put_time_ms(w, "modified_at", route->modified_ms);
    if (form & ROUTE_WHOLE)
        put_deployed(w, c, route_part(where, KIND_ROUTE_DEPLOYMENT, route, NULL), version, &v);
    json_close(w, '}');
    version_close(&v);
}

void put_route_version(struct json_out *w, struct api_call *c, const struct object *version,
                       const struct object *deployment)
{
    const struct object *newest = deployment ? deployment : version;
    struct version_view v;
    version_open(c, version, &v);
    json_open(w, '{');
    put_head(w, c, catalog_object_id(c->catalog, version->parent), &v);
    put_version_members(w, c, version, &v);
    if (deployment)
        put_id(w, c, "deployment_id", deployment);
    put_time_ms(w, "created_at", newest->created_ms);
    put_time_ms(w, "modified_at", newest->modified_ms);
    json_close(w, '}');
    version_close(&v);
}
