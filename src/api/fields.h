/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that bodies may have, as tables: checked, written and documented the same way for everything the
 * API takes. Pure.
 */
#pragma once
#include "api/ask.h"
#include "base/buf.h"
#include "base/json.h"

enum field_kind {
    FIELD_BOOL,
    FIELD_INT,    /* min to max */
    FIELD_NUMBER, /* any number from min to max */
    FIELD_TEXT,   /* min to max bytes */
    FIELD_ENUM,   /* one of choices */
    FIELD_OBJECT,
    FIELD_TEXT_OR_OBJECT,
    FIELD_LIST,     /* min to max elements; max 0: any number */
    FIELD_STATUSES, /* HTTP statuses 400 to 599, "4xx", "5xx" */
};
enum {
    FIELD_REQUIRED = 1, /* creating and replacing need it */
    FIELD_IDLE = 2,     /* kept and shown, but nothing acts on it yet */
    FIELD_HIDDEN = 4,   /* taken, and not shown */
};
#define FIELD_INT_LARGE 9007199254740991 /* 2^53 - 1: what every client can write exactly */

struct field {
    const char *key;
    enum field_kind kind;
    int64_t min, max;
    const char *choices; /* apart by spaces */
    const char *omitted; /* JSON that stands in for a member left out; "": it stays out of the object */
    const char *null;    /* JSON that stands in for null, "" leaves it out; NULL: null is refused */
    unsigned flags;
    const char *doc;
};

/* All members of one kind of body; `name` as the OpenAPI document calls it. */
struct fields_table {
    const char *name;
    const struct field *v;
    size_t n;
};

/* "object", "string", ... as complaints name them. */
const char *json_type_name(enum json_type t);

/*
 * The body as a JSON object; NULL with a complaint when it is none. *ret_doc is the caller's (json_free), set
 * in any case.
 */
const struct json_val *body_read(struct str body, struct json_doc **ret_doc, struct complaints *wrong);

/* Complains of each member that is wrong. `partial` (PATCH): none is required. */
void fields_check(const struct field *f, size_t n, const struct json_val *body, bool partial,
                  struct complaints *wrong);
/* One value, under the key of the table. */
void field_check(const struct field *f, const struct json_val *v, bool partial, struct complaints *wrong);
/*
 * Writes the members into an open object: the body's; else those of `old` (NULL: none); else what stands for
 * one that is left out. Returns the names of idle members the body gives a value: "a, b"; empty: none.
 */
struct str fields_write(struct json_out *w, const struct field *f, size_t n, const struct json_val *body,
                        const struct json_val *old, struct arena *a);
/* The same as a whole object in the arena; p == NULL: too large. */
struct str fields_object(const struct field *f, size_t n, const struct json_val *body,
                         const struct json_val *old, struct arena *a);

/* The table as Markdown, with a head line. */
void fields_document(struct buf *out, const struct field *f, size_t n);
