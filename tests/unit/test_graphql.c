/* SPDX-License-Identifier: Apache-2.0 */
/* From GraphQL to a question to the store: the schema, values, plans; and that little memory is told. */
#include "tests/unit/test.h"

#include "api/graphql_plan.h"
#include "base/limits.h"

#include <stdio.h>

static const int64_t NOW = 1792000000; /* 2026-10-14T17:46:40Z */
static const struct token caller = {.account = S("0123456789abcdef0123456789abcdef")};

static void times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want; /* -1: it is none */
    } rows[] = {
        {"1970-01-01", 0},
        {"1970-01-01T00:00:00Z", 0},
        {"2026-10-14T17:46:40Z", 1792000000},
        {"2026-10-14t17:46:40z", 1792000000},
        {"2026-10-14 17:46:40.999+00:00", 1792000000},
        {"2026-10-14T19:46:40+02:00", 1792000000},
        {"2026-10-14T12:16:40-05:30", 1792000000},
        {"2024-02-29", 1709164800},
        {"2000-02-29", 951782400},
        {"2100-03-01", 4107542400},
        {"9999-12-31T23:59:60Z", 253402300800},
        {"2023-02-29", -1},
        {"2100-02-29", -1},
        {"2026-13-01", -1},
        {"2026-00-01", -1},
        {"2026-01-32", -1},
        {"1969-12-31", -1},
        {"1970-01-01T00:00:00+00:01", -1},
        {"2026-10-14T24:00:00Z", -1},
        {"2026-10-14T17:46Z", -1},
        {"2026-10-14T17:46:40", -1},
        {"2026-10-14T17:46:40+2", -1},
        {"2026-10-14T17:46:40Zx", -1},
        {"2026-10-14x", -1},
        {"26-10-14", -1},
        {"", -1},
        {"now", -1},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        int64_t got = -1;
        bool is = graphql_time(str_c(rows[i].text), &got);
        if (is != (rows[i].want >= 0) || (is && got != rows[i].want))
            fail_msg("%s: %lld", rows[i].text, (long long)got);
    }
}

static void the_schema_is_whole(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, GRAPHQL_ARENA_BYTES);
    const struct graphql_schema *s = graphql_schema(&a);
    assert_non_null(s);
    for (size_t i = 0; i < s->n; i++) {
        const struct graphql_type *t = &s->types[i];
        assert_ptr_equal(graphql_type_named(s, t->name), t); /* once */
        for (size_t f = 0; f < t->n_fields; f++)
            assert_ptr_equal(graphql_field_named(s, t, t->fields[f].name), &t->fields[f]);
        for (size_t f = 0; f < t->n_inputs; f++)
            assert_ptr_equal(graphql_input_named(t->inputs, t->n_inputs, t->inputs[f].name), &t->inputs[f]);
        bool scalar = t->kind == GRAPHQL_SCALAR;
        assert_true(scalar || t->n_fields + t->n_inputs + t->n_choices > 0);
    }
    const struct graphql_type *filter =
        graphql_type_named(s, STR("AccountAiGatewayRequestsAdaptiveGroupsFilter_InputObject"));
    static const char *const there[] = {"gateway",
                                        "gateway_in",
                                        "error",
                                        "statusCode_geq",
                                        "datetimeHour_leq",
                                        "date_geq",
                                        "model_like",
                                        "metadataKeys_has",
                                        "metadataValues_hasany",
                                        "AND",
                                        "OR"};
    static const char *const not_there[] = {"statusCode_like", "metadataKeys", "metadataKeys_in",
                                            "gateway_has", "count"};
    for (size_t i = 0; i < countof(there); i++)
        assert_non_null(graphql_input_named(filter->inputs, filter->n_inputs, str_c(there[i])));
    for (size_t i = 0; i < countof(not_there); i++)
        assert_null(graphql_input_named(filter->inputs, filter->n_inputs, str_c(not_there[i])));
    arena_done(&a);
}

struct planned {
    struct arena arena;
    struct json_doc *variables;
    struct graphql_request r;
    bool ok;
};

static void plan(struct planned *p, const char *query, const char *variables, size_t room)
{
    arena_init(&p->arena, room);
    p->variables = json_parse(str_c(variables));
    p->r = (struct graphql_request){.arena = &p->arena,
                                    .source = str_c(query),
                                    .variables = json_root(p->variables),
                                    .token = &caller,
                                    .now_s = NOW};
    p->ok = graphql_plan(&p->r);
}

static void planned_done(struct planned *p)
{
    json_free(p->variables);
    arena_done(&p->arena);
}

static const char usage[] =
    "query ($g: string, $gs: [string!], $no: string, $n: uint64 = 3, $e: uint64!) { viewer { accounts {"
    " aiGatewayRequestsAdaptiveGroups(limit: $n, orderBy: count_DESC, filter: {gateway: $g, provider: $no,"
    " model_in: $gs, statusCode_in: 500, error: $e, cost_gt: 0.5, cached: false, datetimeHour_geq: "
    "\"2026-10-14\","
    " OR: [{model: \"a\", model_like: $g}, {}], AND: []})"
    " { ...A count sum { cost } } } } } "
    "fragment A on AccountAiGatewayRequestsAdaptiveGroups { n: count sum { tokensIn x: cost } dimensions { "
    "date } }";
static const char usage_variables[] = "{\"g\":\"team\",\"gs\":[\"a\",\"b\"],\"e\":1.0,\"unused\":{}}";

static const struct analytics_filter *child(const struct analytics_filter *f, size_t i)
{
    for (f = f->first; i > 0; i--)
        f = f->next;
    return f;
}

static void assert_test(const struct analytics_filter *f, enum analytics_dimension d, enum analytics_op op,
                        size_t n)
{
    assert_int_equal(f->kind, FILTER_TEST);
    assert_int_equal(f->dimension, d);
    assert_int_equal(f->op, op);
    assert_int_equal(f->n, n);
}

static void a_query_is_planned(void **state)
{
    (void)state;
    struct planned p;
    plan(&p, usage, usage_variables, GRAPHQL_ARENA_BYTES);
    if (!p.ok)
        fail_msg("%.*s", STR_FMT(p.r.error.message));
    const struct graphql_plan *node = p.r.plan->first->first;
    const struct analytics_query *q = &node->query;
    assert_str(q->account, caller.account);
    assert_ptr_equal(q->token, &caller);
    assert_int_equal(q->limit, 3);
    assert_int_equal(q->dimensions, UINT64_C(1) << DIM_DATE);
    assert_int_equal(q->measures, UINT64_C(1) << MEASURE_COUNT | UINT64_C(1) << MEASURE_COST |
                                      UINT64_C(1) << MEASURE_TOKENS_IN);
    assert_int_equal(q->n_orders, 1);
    assert_true(q->orders[0].measure && q->orders[0].id == MEASURE_COUNT && q->orders[0].descending);
    assert_true(node->when.from_log); /* cost_gt: of single rows */
    planned_done(&p);
}

static void a_filter_is_read(void **state)
{
    (void)state;
    struct planned p;
    plan(&p, usage, usage_variables, GRAPHQL_ARENA_BYTES);
    const struct analytics_filter *f = p.r.plan->first->first->query.filter;
    assert_int_equal(f->kind, FILTER_ALL);
    assert_test(child(f, 0), DIM_GATEWAY, OP_EQ, 1);
    assert_str(child(f, 0)->values[0].s, STR("team"));
    assert_test(child(f, 1), DIM_MODEL, OP_IN, 2); /* $no was not given */
    assert_str(child(f, 1)->values[1].s, STR("b"));
    assert_test(child(f, 2), DIM_STATUS, OP_IN, 1); /* one stands for a list */
    assert_test(child(f, 3), DIM_ERROR, OP_EQ, 1);
    assert_int_equal(child(f, 3)->values[0].n, 1);
    assert_test(child(f, 4), DIM_COST, OP_GT, 1);
    assert_int_equal(child(f, 4)->values[0].n, 500000000000);
    assert_int_equal(child(f, 5)->values[0].n, 0); /* false */
    assert_int_equal(child(f, 6)->values[0].n, 1791936000);
    const struct analytics_filter *any = child(f, 7);
    assert_int_equal(any->kind, FILTER_ANY);
    assert_int_equal(child(any, 0)->kind, FILTER_ALL);
    assert_test(child(child(any, 0), 1), DIM_MODEL, OP_LIKE, 1);
    assert_null(child(any, 1)->first);
    assert_null(any->next); /* an empty list says nothing */
    planned_done(&p);
}

/* In the order they were first asked for, each key once. */
static void fields_are_merged(void **state)
{
    (void)state;
    struct planned p;
    static const char *const keys[] = {"n", "sum", "dimensions", "count"}, *const sums[] = {"tokensIn", "x",
                                                                                            "cost"};
    plan(&p, usage, usage_variables, GRAPHQL_ARENA_BYTES);
    const struct graphql_plan *f = p.r.plan->first->first->first;
    for (size_t i = 0; i < countof(keys); i++, f = f->next)
        assert_str(f->key, str_c(keys[i]));
    assert_null(f);
    f = p.r.plan->first->first->first->next->first;
    for (size_t i = 0; i < countof(sums); i++, f = f->next)
        assert_str(f->key, str_c(sums[i]));
    assert_null(f);
    planned_done(&p);
}

static void faults_say_where(void **state)
{
    (void)state;
    struct planned p;
    plan(&p, "{viewer{a:accounts{b:settings{c:aiGatewayCacheAdaptiveGroups{d}}}}}", "{}",
         GRAPHQL_ARENA_BYTES);
    static const char *const path[] = {"viewer", "a", "b", "c"};
    assert_false(p.ok);
    assert_str(p.r.error.message, STR("unknown field \"d\""));
    assert_int_equal(p.r.error.at, 61);
    assert_int_equal(p.r.error.n_path, countof(path));
    for (size_t i = 0; i < countof(path); i++)
        assert_str(p.r.error.path[i], str_c(path[i]));
    planned_done(&p);
}

static void little_memory_is_told(void **state)
{
    (void)state;
    size_t refused = 0;
    for (size_t room = 256; room < 2 * MIB; room += room / 7) {
        struct planned p;
        plan(&p, usage, usage_variables, room);
        refused += !p.ok;
        if (!p.ok)
            assert_string_equal(p.r.error.code, "limit");
        planned_done(&p);
    }
    assert_in_range(refused, 10, 60);
    struct planned p;
    plan(&p, usage, usage_variables, 2 * MIB);
    assert_true(p.ok);
    planned_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),        cmocka_unit_test(the_schema_is_whole),
        cmocka_unit_test(a_query_is_planned),    cmocka_unit_test(a_filter_is_read),
        cmocka_unit_test(fields_are_merged),     cmocka_unit_test(faults_say_where),
        cmocka_unit_test(little_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
