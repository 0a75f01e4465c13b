/* SPDX-License-Identifier: Apache-2.0 */
#include "api/queries.h"
#include "api/call.h"

const struct query_row api_queries[] = {
#define QUERY(handler, name, kind, min, max, choices, omitted, flags, doc)                                   \
    {handler, {name, FIELD_##kind, min, max, choices, omitted, NULL, flags, doc}},
#include "api/queries.def"
#undef QUERY
};
const size_t api_query_count = countof(api_queries);

bool route_has_query(const struct route *r)
{
    for (size_t i = 0; i < api_query_count; i++)
        if (api_queries[i].handler == r->run)
            return true;
    return false;
}

/* Puts what is said of a parameter in parentheses: " (a, b; c)". */
struct remarks {
    struct buf *out;
    bool open;
};

static void remark(struct remarks *r, const char *sep)
{
    (void)buf_append_c(r->out, r->open ? sep : " (");
    r->open = true;
}

static void put_parameter(struct buf *out, const struct field *f)
{
    struct remarks r = {.out = out};
    struct str rest = str_c(f->choices), usual = str_c(f->omitted);
    (void)buf_printf(out, "`%s`", f->key);
    while (rest.p) {
        struct str one = str_cut(&rest, ' ');
        remark(&r, ", ");
        (void)buf_printf(out, "`%.*s`", STR_FMT(one));
    }
    if (f->kind == FIELD_INT && f->max < API_PAGE_MAX) {
        remark(&r, ", ");
        (void)buf_printf(out, "%lld to %lld", (long long)f->min, (long long)f->max);
    }
    if (str_starts(usual, STR("\"")))
        usual = str_of(usual.p + 1, usual.n - 2);
    if (usual.n && !str_eq(str_c(f->key), STR("page"))) {
        remark(&r, ", ");
        (void)buf_printf(out, f->kind == FIELD_ENUM ? "default `%.*s`" : "default %.*s", STR_FMT(usual));
    }
    if (f->flags & FIELD_REQUIRED) {
        remark(&r, "; ");
        (void)buf_append_c(out, "needed");
    }
    if (f->doc[0]) {
        remark(&r, "; ");
        (void)buf_append_c(out, f->doc);
    }
    (void)buf_append_c(out, r.open ? ")" : "");
}

void queries_document(struct buf *out, const struct route *r)
{
    const char *sep = " Query: ";
    for (size_t i = 0; i < api_query_count; i++) {
        if (api_queries[i].handler != r->run)
            continue;
        (void)buf_append_c(out, sep);
        put_parameter(out, &api_queries[i].field);
        sep = ", ";
    }
    (void)buf_append_c(out, sep[0] == ',' ? "." : "");
}
