/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schemas (2020-12) of the tables of fields and of the rows of shapes.def, for the OpenAPI document.
 * Pure. */
#pragma once
#include "api/fields.h"

/* Writes "type" and what goes with it into an open schema; `type` in the words of shapes.def. */
void schema_put_type(struct json_out *w, struct str type);
/* The same of a field as bodies and queries have it, with its limits and what stands in for it. */
void schema_put_field(struct json_out *w, const struct field *f);
/* {"$ref": ...} to one of the document's schemas. */
void schema_put_ref(struct json_out *w, const char *name);

/* "name": {...} for a table, as bodies have it, and for each shape. Which keys of a body must be there
 * depends on the call. */
void schema_put_table(struct json_out *w, const struct fields_table *t);
void schema_put_shapes(struct json_out *w);
