/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GraphQL documents: what is read, printed and read again is the same; a fault is inside the text. Planned,
 * with variables, it is a fault with words to it, or fields of the root.
 */
#include "tests/unit/graphql_print.h"

#include "api/graphql_plan.h"
#include "base/limits.h"

static enum err parse_and_print(struct arena *a, struct str source, struct buf *b)
{
    struct graphql_document d;
    struct graphql_fault fault = {STR(""), 0};
    enum err e = graphql_parse(a, source, &d, &fault);
    if (e == E_OK)
        print_document(b, &d);
    else
        must(e == E_FULL || (e == E_SYNTAX && fault.message.n && fault.at <= source.n));
    return e;
}

static const char variables[] =
    "{\"s\":\"default\",\"n\":7,\"x\":1.5,\"b\":true,\"z\":null,\"l\":[\"a\",\"b\"],"
    "\"t\":\"2026-10-12T09:30:00+02:00\",\"f\":{\"gateway\":\"default\",\"OR\":[{\"error\":1}]}}";

static void check_query(const struct analytics_query *q, const struct analytics_plan *p)
{
    must(q->limit >= 1 && q->limit <= GRAPHQL_PAGE_ROWS);
    must(p->to - p->from <= analytics_nodes[q->node].span_s + 60);
    for (size_t i = 0; i < q->n_orders; i++)
        must(q->orders[i].measure || q->dimensions >> q->orders[i].id & 1);
}

static void check_plan(struct str source)
{
    struct arena a;
    struct json_doc *doc = json_parse(str_c(variables));
    const struct token token = {.account = STR("0123456789abcdef0123456789abcdef")};
    arena_init(&a, GRAPHQL_ARENA_BYTES);
    struct graphql_request r = {
        .arena = &a, .source = source, .variables = json_root(doc), .token = &token, .now_s = 1792000000};
    bool planned = graphql_plan(&r);
    must(planned ? r.plan != NULL && !r.error.message.p : r.error.message.n > 0 && r.error.code);
    must(planned || r.error.at == SIZE_MAX || r.error.at <= source.n);
    const struct graphql_plan *p = planned ? r.plan : NULL;
    while (p && p->field->meaning != M_NODE)
        p = p->first ? p->first : p->next; /* a node, if it is not hard to find */
    if (p)
        check_query(&p->query, &p->when);
    json_free(doc);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct buf first, second;
    arena_init(&a, 2 * GRAPHQL_ARENA_BYTES);
    buf_init(&first, 16 * MIB);
    buf_init(&second, 16 * MIB);
    /* what is no UTF-8 is printed with replacements, which are read as they are */
    if (parse_and_print(&a, str_of((const char *)data, size), &first) == E_OK && first.n <= GRAPHQL_BYTES) {
        must(parse_and_print(&a, buf_str(&first), &second) == E_OK);
        must(str_eq(buf_str(&first), buf_str(&second)));
    }
    check_plan(str_of((const char *)data, size));
    buf_done(&first);
    buf_done(&second);
    arena_done(&a);
    return 0;
}
