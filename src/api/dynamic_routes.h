/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dynamic routes in the catalogue: a route, its versions and its deployments are objects, the latter two with
 * the route as their parent. The newest deployment names the version that counts. Loop's thread.
 */
#pragma once
#include "api/call.h"

/* A version that is looked at, with memory of its own: pages have many. */
struct version_view {
    struct arena arena;
    struct json_doc *doc;
    const struct json_val *elements;
    bool valid;              /* it could be deployed now */
    struct complaints wrong; /* why not */
};

/* `version` NULL: no elements, not valid. */
void version_open(struct api_call *c, const struct object *version, struct version_view *v);
void version_close(struct version_view *v);
/*
 * Complains of elements that cannot be saved. Those that can may still make no graph, such as a circle, or an
 * output that leads nowhere: that goes to `graph`. What is read on the way goes into the arena.
 */
void elements_check(struct api_call *c, struct arena *a, const struct json_val *elements,
                    struct complaints *wrong, struct complaints *graph);

/* The newest object of the kind that belongs to the route, after this one (NULL: the newest of all). */
const struct object *route_part(const struct catalog *c, enum object_kind kind, const struct object *route,
                                const struct object *after);
/* The version a deployment is of. */
const struct object *deployment_version(const struct catalog *c, const struct object *deployment);

/* Objects of the literal shapes of section 9.1. */
enum { ROUTE_BARE = 0, ROUTE_WHOLE = 1, ROUTE_TAGGED = 2 };
/* ROUTE_WHOLE: with deployment and version; ROUTE_TAGGED: with account_tag. */
void put_route(struct json_out *w, struct api_call *c, const struct object *route, int form);
void put_version(struct json_out *w, struct api_call *c, const struct object *version);
void put_deployment(struct json_out *w, struct api_call *c, const struct object *deployment);
/* The route with one version's elements and times; `deployment` NULL: none. */
void put_route_version(struct json_out *w, struct api_call *c, const struct object *version,
                       const struct object *deployment);

/* The section of api.md. */
void route_fields_document(struct buf *out);
