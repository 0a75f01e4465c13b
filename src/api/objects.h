/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of every kind of object share: finding, listing, echoing. */
#pragma once
#include "api/call.h"

/*
 * The object a path segment names by its id (a UUID, with or without hyphens), if it belongs to the call's
 * account and, where the path names one, to its gateway. NULL: the call has been answered, 404.
 */
const struct object *object_of_call(struct api_call *c, enum object_kind kind, int param);

/* A UUID with or without hyphens, in either case. */
enum err object_uuid(struct str text, struct uuid *ret) MUST_CHECK;

/* 36 characters in the call's arena. */
struct str object_id(struct api_call *c, const struct object *o);

/* Writes "key": "2026-10-12T09:30:11.482Z". */
void put_time_ms(struct json_out *w, const char *key, int64_t ms);
/* Writes the members of a JSON object into the open one. */
void put_members(struct json_out *w, struct str object);
/* {"id", the members of its settings, "created_at", "modified_at"} and, of a gateway's object, "gateway_id".
 */
void put_object(struct json_out *w, struct api_call *c, const struct object *o);

/* The form most kinds are answered in; a kind with another form brings its own. */
typedef void object_put(struct json_out *w, struct api_call *c, const struct object *o);
/* Is an object among those that are asked for? */
typedef bool object_match(struct api_call *c, const struct object *o, const void *arg);

struct object_list {
    enum object_kind kind;
    object_match *match; /* NULL: all of them */
    const void *arg;
    object_put *put;                                              /* NULL: put_object */
    int (*order)(const struct object *a, const struct object *b); /* NULL: newest first */
};
/* Answers with a page of the objects of the call's account and gateway: `page` and `per_page` of the query,
 * if nothing in it is wrong. */
void list_objects(struct api_call *c, struct ask *k, struct object_list l);
/* Answers with one object. put NULL: put_object. */
void reply_object(struct api_call *c, const struct object *o, object_put *put);

/* A change of one object of the call's account and gateway, to be filled in further. */
struct change object_change(struct api_call *c, enum change_what what, enum object_kind kind);

/* ---- whole handlers, for kinds that need no more; put NULL: put_object ---- */

void fetch_object(struct api_call *c, enum object_kind kind, int param, object_put *put);
/* Answers with what it was. */
void delete_object(struct api_call *c, enum object_kind kind, int param, object_put *put);
/* Makes or changes one object and answers with what it is then. taken: see reply_change_error. */
void save_object(struct api_call *c, const struct change *change, object_put *put, const char *taken);
