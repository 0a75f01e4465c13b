/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/route_graph: which elements make a route, and what exactly is wrong with the others. */
#include "tests/unit/test.h"

#include "base/limits.h"
#include "gateway/route_graph.h"

#include <stdio.h>

struct reading {
    struct arena arena;
    struct complaints wrong;
    struct json_doc *doc;
    struct route_graph *graph;
};

static void read_elements(struct reading *r, const char *json)
{
    arena_init(&r->arena, MIB);
    complaints_init(&r->wrong, &r->arena, "body");
    r->doc = json_parse(str_c(json));
    if (!r->doc)
        fail_msg("not JSON: %s", json);
    r->graph = route_graph_read(&r->arena, json_root(r->doc), &r->wrong);
    if (r->graph && !r->wrong.first)
        route_graph_check(r->graph, &r->wrong);
}

static void done(struct reading *r)
{
    json_free(r->doc);
    arena_done(&r->arena);
}

#define START "{\"id\":\"s\",\"type\":\"start\",\"outputs\":{\"next\":{\"elementId\":\"x\"}}}"
#define END "{\"id\":\"e\",\"type\":\"end\",\"outputs\":{}}"
#define TO_END "{\"elementId\":\"e\"}"
#define MODEL "\"provider\":\"openai\",\"model\":\"gpt-4o\""
/* A route with one element "x" in the middle: what stands behind its id. */
#define WITH(rest) "[" START ",{\"id\":\"x\"," rest "}," END "]"
#define CONDITIONAL(condition)                                                                               \
    WITH("\"type\":\"conditional\",\"properties\":{" condition "},\"outputs\":{\"true\":" TO_END             \
         ",\"false\":" TO_END "}")
#define IF(json) CONDITIONAL("\"conditions\":" json)
#define RATE(properties)                                                                                     \
    WITH("\"type\":\"rate\",\"properties\":{" properties "},\"outputs\":{\"success\":" TO_END "}")
#define SPLIT(outputs) WITH("\"type\":\"percentage\",\"outputs\":{" outputs "}")
#define CALL(properties)                                                                                     \
    WITH("\"type\":\"model\",\"properties\":{" properties "},\"outputs\":{\"success\":" TO_END "}")

static void every_type_is_read(void **state)
{
    (void)state;
    struct reading r;
    read_elements(
        &r, "[{\"id\":\"s\",\"type\":\"start\",\"outputs\":{\"next\":{\"elementId\":\"c\"}}},"
            "{\"id\":\"c\",\"type\":\"conditional\",\"properties\":{\"condition\":"
            "\"{\\\"metadata.plan\\\":{\\\"$in\\\":[\\\"paid\\\",7]}}\"},"
            "\"outputs\":{\"true\":{\"elementId\":\"r\"},\"false\":{\"elementId\":\"m\"}}},"
            "{\"id\":\"r\",\"type\":\"rate_limit\",\"properties\":{\"limitType\":\"cost\",\"key\":"
            "\"metadata.user\",\"limit\":0.25,\"interval\":60,\"technique\":\"sliding\"},"
            "\"outputs\":{\"success\":{\"elementId\":\"p\"},\"fallback\":{\"elementId\":\"m\"}}},"
            "{\"id\":\"p\",\"type\":\"percentage\",\"outputs\":{\"12.5%\":{\"elementId\":\"m\"},\"else\":"
            "{\"elementId\":\"e\"},\"0.05%\":{\"elementId\":\"e\"}}},"
            "{\"id\":\"m\",\"type\":\"model\",\"properties\":{" MODEL ",\"timeout\":8000,\"retries\":9},"
            "\"outputs\":{\"success\":{\"elementId\":\"e\"}}}," END "]");
    if (r.wrong.first)
        fail_msg("%.*s: %.*s", STR_FMT(r.wrong.first->key), STR_FMT(r.wrong.first->message));
    const struct route_graph *g = r.graph;
    assert_int_equal(g->n, 6);
    assert_int_equal(g->start, 0);
    assert_int_equal(g->nodes[0].next[OUT_NEXT], 1);
    assert_int_equal(g->nodes[1].next[OUT_TRUE], 2);
    assert_int_equal(g->nodes[1].next[OUT_FALSE], 4);
    const struct condition *in = g->nodes[1].condition->parts[0].parts;
    assert_int_equal(in->op, CONDITION_IN);
    assert_str(in->field, STR("metadata.plan"));
    assert_int_equal(in->n, 2);
    assert_str(in->values[0].text, STR("paid"));
    assert_true(in->values[1].type == JSON_NUMBER && in->values[1].number == 7);
    assert_true(g->nodes[2].type == NODE_RATE && g->nodes[2].rate.cost && g->nodes[2].rate.sliding);
    assert_int_equal(g->nodes[2].rate.limit, 250000000000);
    assert_int_equal(g->nodes[2].rate.window_s, 60);
    assert_int_equal(g->nodes[2].next[OUT_FALLBACK], 4);
    assert_int_equal(g->nodes[3].share[0], 1250);
    assert_int_equal(g->nodes[3].share[1], 5);
    assert_int_equal(g->nodes[3].next[OUT_ELSE], 5);
    assert_str(g->nodes[4].model.provider, STR("openai"));
    assert_int_equal(g->nodes[4].model.timeout_ms, 8000);
    assert_int_equal(g->nodes[4].model.retries, RETRY_ATTEMPTS);
    assert_int_equal(g->nodes[4].next[OUT_FALLBACK], NO_NODE);
    done(&r);
}

static void conditions_are_trees(void **state)
{
    (void)state;
    struct reading r;
    read_elements(&r, IF("{\"$or\":[{\"metadata.a\":true},{\"$not\":{\"headers.b\":{\"$gt\":\"x\",\"$not\":"
                         "{\"$exists\":false}}}}]}"));
    assert_null(r.wrong.first);
    const struct condition *all = r.graph->nodes[1].condition, * or = all->parts,
                           *not = & or->parts[1].parts[0];
    assert_int_equal(all->op, CONDITION_AND);
    assert_int_equal(or->op, CONDITION_OR);
    assert_int_equal(or->n, 2);
    assert_int_equal(or->parts[0].parts[0].op, CONDITION_EQ);
    assert_true(or->parts[0].parts[0].values[0].yes);
    assert_int_equal(not ->op, CONDITION_NOT);
    const struct condition *b = not ->parts[0].parts; /* about headers.b: both must hold */
    assert_int_equal(b->op, CONDITION_AND);
    assert_int_equal(b->parts[0].op, CONDITION_GT);
    assert_int_equal(b->parts[1].op, CONDITION_NOT);
    const struct condition *exists = b->parts[1].parts[0].parts;
    assert_int_equal(exists->op, CONDITION_EXISTS);
    assert_str(exists->field, STR("headers.b"));
    assert_false(exists->values[0].yes);
    done(&r);
}

/* The places that are complained about, apart by spaces; "" for a route that will do. */
static const struct {
    const char *elements, *places;
} rows[] = {
    {CALL(MODEL), ""},
    {"{}", "elements"},
    {"[]", "elements"},
    {"[1]", "elements.0"},
    {"[{}]", "elements.0.id elements.0.type"},
    {WITH("\"type\":\"loop\",\"outputs\":{}"), "elements.1.type"},
    {WITH("\"type\":7"), "elements.1.type"},
    {WITH("\"type\":\"end\""), ""},
    {WITH("\"type\":\"end\",\"outputs\":{\"next\":" TO_END "}"), "elements.1.outputs.next"},
    {WITH("\"type\":\"model\",\"properties\":{" MODEL "}"), "elements.1.outputs"},
    {WITH("\"type\":\"model\",\"outputs\":{\"success\":" TO_END "}"), "elements.1.properties"},
    {WITH("\"type\":\"model\",\"properties\":{" MODEL "},\"outputs\":{}"), "elements.1.outputs.success"},
    {WITH("\"type\":\"model\",\"properties\":{" MODEL "},\"outputs\":{\"success\":\"e\"}"),
     "elements.1.outputs.success"},
    {WITH("\"type\":\"model\",\"properties\":{" MODEL "},\"outputs\":{\"success\":{\"id\":\"e\"}}"),
     "elements.1.outputs.success.elementId"},
    {WITH("\"type\":\"model\",\"properties\":{" MODEL "},\"outputs\":{\"success\":" TO_END
          ",\"failure\":" TO_END "}"),
     "elements.1.outputs.failure"},
    {CALL("\"provider\":1,\"model\":\"\""), "elements.1.properties.provider elements.1.properties.model"},
    {CALL(MODEL ",\"timeout\":-1,\"retries\":1.5"),
     "elements.1.properties.timeout elements.1.properties.retries"},
    {CALL(MODEL ",\"timeout\":\"9\""), "elements.1.properties.timeout"},
    /* as a graph */
    {"[" END "]", "elements"},
    {"[" START ",{\"id\":\"x\",\"type\":\"start\",\"outputs\":{\"next\":" TO_END "}}," END "]",
     "elements.1.type"},
    {"[" START "," END "]", "elements.0.outputs.next.elementId"},
    {"[" START ",{\"id\":\"x\",\"type\":\"model\",\"properties\":{" MODEL "},\"outputs\":{\"success\":"
     "{\"elementId\":\"y\"}}}," END "]",
     "elements.1.outputs.success.elementId"},
    {"[" START ",{\"id\":\"x\",\"type\":\"model\",\"properties\":{" MODEL "},\"outputs\":{\"success\":" TO_END
     ",\"fallback\":{\"elementId\":\"x\"}}}," END "]",
     "elements.1.outputs.fallback.elementId"},
    {"[" START
     ",{\"id\":\"x\",\"type\":\"percentage\",\"outputs\":{\"50%\":{\"elementId\":\"y\"},\"else\":" TO_END
     "}},{\"id\":\"y\",\"type\":\"percentage\",\"outputs\":{\"99.5%\":" TO_END
     ",\"0.5%\":{\"elementId\":\"x\"}}}," END "]",
     "elements.2.outputs.0\x1f"
     "5%.elementId"},
    {"[" START "," END ",{\"id\":\"x\",\"type\":\"end\"},{\"id\":\"e\",\"type\":\"end\"}]", "elements.3.id"},
    {"[{\"id\":\"s\",\"type\":\"start\",\"outputs\":{\"next\":{\"elementId\":\"s\"}}}]",
     "elements elements.0.outputs.next.elementId"},
    /* conditions */
    {IF("{\"metadata.a\":\"x\"}"), ""},
    {CONDITIONAL("\"condition\":{\"metadata.a\":{\"$ne\":null}}"), ""},
    {CONDITIONAL(""), "elements.1.properties.conditions"},
    {IF("{}"), "elements.1.properties.conditions"},
    {IF("[]"), "elements.1.properties.conditions"},
    {IF("\"plan is paid\""), "elements.1.properties.conditions"},
    {IF("\"{\\\"metadata.a\\\":{\\\"$eg\\\":1}}\""), "elements.1.properties.conditions"},
    {IF("{\"plan\":1}"), "elements.1.properties.conditions.plan"},
    {IF("{\"metadata.\":1}"), "elements.1.properties.conditions.metadata\x1f"},
    {IF("{\"metadata.a\":{\"$eg\":1}}"), "elements.1.properties.conditions.metadata\x1f"
                                         "a.$eg"},
    {IF("{\"metadata.a\":[1]}"), "elements.1.properties.conditions.metadata\x1f"
                                 "a"},
    {IF("{\"metadata.a\":{}}"), "elements.1.properties.conditions.metadata\x1f"
                                "a"},
    {IF("{\"metadata.a\":{\"$gt\":true}}"), "elements.1.properties.conditions.metadata\x1f"
                                            "a.$gt"},
    {IF("{\"metadata.a\":{\"$exists\":1}}"), "elements.1.properties.conditions.metadata\x1f"
                                             "a.$exists"},
    {IF("{\"metadata.a\":{\"$in\":\"x\"}}"), "elements.1.properties.conditions.metadata\x1f"
                                             "a.$in"},
    {IF("{\"metadata.a\":{\"$nin\":[1,{}]}}"), "elements.1.properties.conditions.metadata\x1f"
                                               "a.$nin.1"},
    {IF("{\"metadata.a\":{\"$or\":[]}}"), "elements.1.properties.conditions.metadata\x1f"
                                          "a.$or"},
    {IF("{\"$or\":[]}"), "elements.1.properties.conditions.$or"},
    {IF("{\"$and\":[{\"body.x\":1},{\"y\":1}]}"), "elements.1.properties.conditions.$and.1.y"},
    {IF("{\"$not\":1}"), "elements.1.properties.conditions.$not"},
    {IF("{\"$eq\":1}"), "elements.1.properties.conditions.$eq"},
    {IF("{\"$regex\":1}"), "elements.1.properties.conditions.$regex"},
    /* limits */
    {RATE("\"key\":\"metadata.u\",\"limit\":1,\"limitType\":\"count\",\"window\":1"), ""},
    {RATE(
         "\"key\":\"metadata.u\",\"limit\":0.01,\"limitType\":\"cost\",\"window\":1,\"technique\":\"fixed\""),
     ""},
    {RATE(""), "elements.1.properties.key elements.1.properties.limitType elements.1.properties.window "
               "elements.1.properties.limit"},
    {RATE("\"key\":\"u\",\"limit\":1.5,\"limitType\":\"count\",\"window\":1"), "elements.1.properties.limit"},
    {RATE("\"key\":\"u\",\"limit\":0,\"limitType\":\"cost\",\"window\":1"), "elements.1.properties.limit"},
    {RATE("\"key\":\"u\",\"limit\":1e99,\"limitType\":\"cost\",\"window\":1"), "elements.1.properties.limit"},
    {RATE("\"key\":\"u\",\"limit\":1,\"limitType\":\"tokens\",\"window\":0"),
     "elements.1.properties.limitType elements.1.properties.window"},
    {RATE("\"key\":\"u\",\"limit\":1,\"limitType\":\"count\",\"interval\":\"x\",\"technique\":1"),
     "elements.1.properties.technique elements.1.properties.interval"},
    /* percentages */
    {SPLIT("\"50%\":" TO_END ",\"50.0%\":" TO_END), ""},
    {SPLIT("\"100%\":" TO_END), ""},
    {SPLIT("\"1%\":" TO_END ",\"2%\":" TO_END ",\"3%\":" TO_END ",\"4%\":" TO_END ",\"5%\":" TO_END
           ",\"else\":" TO_END),
     ""},
    {SPLIT(""), "elements.1.outputs"},
    {SPLIT("\"else\":" TO_END), "elements.1.outputs"},
    {SPLIT("\"99%\":" TO_END), "elements.1.outputs"},
    {SPLIT("\"99%\":" TO_END ",\"1.5%\":" TO_END), "elements.1.outputs"},
    {SPLIT("\"1%\":" TO_END ",\"2%\":" TO_END ",\"3%\":" TO_END ",\"4%\":" TO_END ",\"5%\":" TO_END
           ",\"6%\":" TO_END ",\"else\":" TO_END),
     "elements.1.outputs"},
    {SPLIT("\"half\":" TO_END ",\"else\":" TO_END), "elements.1.outputs.half"},
    {SPLIT("\"101%\":" TO_END ",\"else\":" TO_END), "elements.1.outputs.101%"},
    {SPLIT("\"-1%\":" TO_END ",\"else\":" TO_END), "elements.1.outputs.-1%"},
    {SPLIT("\"1.234%\":" TO_END ",\"else\":" TO_END), "elements.1.outputs.1\x1f"
                                                      "234%"},
    {SPLIT("\"10%\":{}"), "elements.1.outputs.10%.elementId elements.1.outputs"},
};

static void wrong_elements_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(rows); i++) {
        struct reading r;
        read_elements(&r, rows[i].elements);
        struct str got = STR("");
        for (const struct complaint *c = r.wrong.first; c; c = c->next)
            got = arena_printf(&r.arena, "%.*s%s%.*s", STR_FMT(got), got.n ? " " : "", STR_FMT(c->key));
        if (!str_eq(got, str_c(rows[i].places)))
            fail_msg("%s\n  got  %.*s\n  want %s", rows[i].elements, STR_FMT(got), rows[i].places);
        done(&r);
    }
}

static void sizes_are_capped(void **state)
{
    (void)state;
    static char text[64 * (ROUTE_ELEMENTS + 2)], deep[4096];
    for (int n = ROUTE_ELEMENTS; n <= ROUTE_ELEMENTS + 1; n++) {
        size_t at = (size_t)snprintf(text, sizeof(text), "[" START ",{\"id\":\"x\",\"type\":\"end\"}");
        for (int i = 2; i < n; i++)
            at += (size_t)snprintf(text + at, sizeof(text) - at, ",{\"id\":\"%d\",\"type\":\"end\"}", i);
        snprintf(text + at, sizeof(text) - at, "]");
        struct reading r;
        read_elements(&r, text);
        assert_int_equal(r.wrong.first != NULL, n > ROUTE_ELEMENTS);
        done(&r);
    }
    for (int levels = CONDITION_DEPTH - 1; levels <= CONDITION_DEPTH + 100; levels += 101) {
        size_t at = 0;
        for (int i = 0; i < levels; i++)
            at += (size_t)snprintf(deep + at, sizeof(deep) - at, "{\"$not\":");
        at += (size_t)snprintf(deep + at, sizeof(deep) - at, "{\"body.a\":1}");
        for (int i = 0; i < levels; i++)
            deep[at++] = '}';
        deep[at] = '\0';
        snprintf(text, sizeof(text), IF("%s"), deep);
        struct reading r;
        read_elements(&r, text);
        assert_int_equal(r.wrong.first != NULL, levels > CONDITION_DEPTH);
        done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(conditions_are_trees),
        cmocka_unit_test(wrong_elements_are_named),
        cmocka_unit_test(sizes_are_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
