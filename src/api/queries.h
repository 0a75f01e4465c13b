/* SPDX-License-Identifier: Apache-2.0 */
/* What calls can be asked for in a query, for the pages that describe them: the rows of queries.def. Pure. */
#pragma once
#include "api/fields.h"
#include "api/route.h"

struct query_row {
    void (*handler)(struct api_call *c);
    struct field field;
};
extern const struct query_row api_queries[];
extern const size_t api_query_count;

/* Can the call be asked for anything? */
bool route_has_query(const struct route *r);
/* " Query: `page`, `per_page` (1 to 100, default 20)." as Markdown; nothing for a call that has none. */
void queries_document(struct buf *out, const struct route *r);
