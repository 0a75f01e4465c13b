/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graph of a dynamic route (control plane section 9.2, data plane section 21.2): from the `elements` that
 * people write to nodes that can be walked.
 *
 *   start ─ conditional ─ true ──── rate ─ success ─ model ─ success ─ end
 *                └─ false ─ percentage ─ "80%" ─ ...   └─ fallback ─ ...
 *
 * Reading finds what is wrong with single elements, checking what is wrong with them as a graph. Pure.
 */
#pragma once
#include "gateway/route_condition.h"

enum node_type { NODE_START, NODE_CONDITIONAL, NODE_PERCENTAGE, NODE_RATE, NODE_MODEL, NODE_END };

/* Places of a node's outputs in `next`; those of `percentage` are its branches in their order. */
enum {
    OUT_NEXT = 0,
    OUT_TRUE = 0,
    OUT_FALSE = 1,
    OUT_SUCCESS = 0,
    OUT_FALLBACK = 1,
    OUT_BRANCHES = 5,
    OUT_ELSE = OUT_BRANCHES,
    OUT_COUNT
};
enum { NO_NODE = -1, SHARE_ALL = 10000 };

struct route_node {
    struct str id;
    enum node_type type;
    struct str out[OUT_COUNT]; /* names of outputs; p == NULL: there is none */
    struct str to[OUT_COUNT];  /* the elements they lead to, by id */
    int next[OUT_COUNT];       /* by number; NO_NODE: no such output, or no such element */

    const struct condition *condition; /* conditional */
    int share[OUT_BRANCHES];           /* percentage: hundredths of a percent */
    struct {
        struct str key;
        bool cost;     /* false: requests are counted */
        int64_t limit; /* requests, or pico-dollars */
        int64_t window_s;
        bool sliding;
    } rate;
    struct {
        struct str provider, model;
        int64_t timeout_ms; /* 0: none of its own */
        int retries;        /* further tries after the first */
    } model;
};

struct route_graph {
    struct route_node *nodes; /* in the order of the elements */
    size_t n;
    int start; /* NO_NODE: there is not exactly one */
};

/*
 * Reads `elements` into the arena, complaining under keys that begin with "elements". NULL when it is no
 * array of 1 to ROUTE_ELEMENTS, and past the arena's cap. With complaints, the graph is for nobody to walk.
 */
struct route_graph *route_graph_read(struct arena *a, const struct json_val *elements,
                                     struct complaints *wrong);
/*
 * Of a graph that was read without complaints: is there one start, does every output lead to an element,
 * never in a circle, and so in the end to an `end`?
 */
void route_graph_check(const struct route_graph *g, struct complaints *wrong);
