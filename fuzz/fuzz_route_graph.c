/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elements of a dynamic route from arbitrary text. What passes reading and checking can be walked: every way
 * from the start is finite, leads to an end or to a fallback that was left out, and the branches of a
 * percentage are all of it.
 */
#include "base/limits.h"
#include "gateway/route_graph.h"

static void check_condition(const struct condition *c)
{
    bool joint = c->op <= CONDITION_NOT;
    must(c->n > 0 && (joint ? c->parts != NULL : c->values != NULL));
    must(joint || condition_field(c->field));
    must((c->op != CONDITION_NOT && (joint || c->op >= CONDITION_IN)) || c->n == 1);
    for (size_t i = 0; joint && i < c->n; i++)
        check_condition(&c->parts[i]);
}

static void check_shares(const struct route_node *node)
{
    int sum = 0;
    for (size_t i = 0; i < OUT_BRANCHES; i++) {
        must(node->share[i] >= 0 && (node->out[i].p || !node->share[i]));
        sum += node->share[i];
    }
    must(sum == SHARE_ALL || (sum < SHARE_ALL && node->out[OUT_ELSE].p));
}

static void check_node(const struct route_node *node)
{
    if (node->type == NODE_CONDITIONAL)
        check_condition(node->condition);
    if (node->type == NODE_PERCENTAGE)
        check_shares(node);
    if (node->type == NODE_RATE)
        must(node->rate.key.n && node->rate.limit > 0 && node->rate.window_s > 0);
    if (node->type == NODE_MODEL)
        must(node->model.provider.n && node->model.model.n && node->model.retries <= RETRY_ATTEMPTS);
    must(node->type == NODE_END || node->type == NODE_PERCENTAGE || node->next[0] != NO_NODE);
}

/* The longest way from here, in nodes; each node is looked at once. */
static int walk(const struct route_graph *g, int at, int *known)
{
    if (known[at])
        return known[at];
    int longest = 0;
    check_node(&g->nodes[at]);
    for (size_t k = 0; k < OUT_COUNT; k++) {
        must((g->nodes[at].out[k].p != NULL) == (g->nodes[at].next[k] != NO_NODE));
        int rest = g->nodes[at].out[k].p ? walk(g, g->nodes[at].next[k], known) : 0;
        longest = rest > longest ? rest : longest;
    }
    return known[at] = longest + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct complaints wrong;
    int known[ROUTE_ELEMENTS] = {0};
    arena_init(&a, TXN_ARENA_BYTES);
    complaints_init(&wrong, &a, "body");
    struct json_doc *doc = json_parse(str_of((const char *)data, size));
    struct route_graph *g = route_graph_read(&a, json_root(doc), &wrong);
    json_free(doc); /* the graph stands alone */
    if (g && !wrong.first)
        route_graph_check(g, &wrong);
    if (g && !wrong.first) {
        must(g->start != NO_NODE && g->nodes[g->start].type == NODE_START);
        must(walk(g, g->start, known) <= (int)g->n);
    }
    arena_done(&a);
    return 0;
}
