/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/route_graph.h"
#include "base/limits.h"

#include <math.h>

static const struct {
    const char *name;
    enum node_type type;
    const char *outputs[3]; /* NULL: no more; a name in brackets may be left out */
} types[] = {
    {"start", NODE_START, {"next"}},
    {"conditional", NODE_CONDITIONAL, {"true", "false"}},
    {"percentage", NODE_PERCENTAGE, {NULL}},
    {"rate", NODE_RATE, {"success", "[fallback]"}},
    {"rate_limit", NODE_RATE, {"success", "[fallback]"}},
    {"model", NODE_MODEL, {"success", "[fallback]"}},
    {"end", NODE_END, {NULL}},
};

struct reading {
    struct arena *arena;
    struct complaints *wrong;
};

/* ---- members ---- */

static const char *type_name(const struct json_val *v)
{
    static const char *const names[] = {
        [JSON_NONE] = "undefined", [JSON_NULL] = "null",   [JSON_BOOL] = "boolean",  [JSON_NUMBER] = "number",
        [JSON_STRING] = "string",  [JSON_ARRAY] = "array", [JSON_OBJECT] = "object",
    };
    return names[json_type(v)];
}

/* What is missing, or of another type, is complained about; where it is not required it may be missing. */
static bool expect(struct reading *r, const struct json_val *v, enum json_type want, const char *word,
                   struct str at, bool required)
{
    if (json_type(v) == JSON_NONE && required)
        complain(r->wrong, at, "Required");
    else if (json_type(v) != JSON_NONE && json_type(v) != want)
        complain(r->wrong, at, "Expected %s, received %s", word, type_name(v));
    return json_type(v) == want;
}

static struct str text(struct reading *r, const struct json_val *object, const char *key, struct str at)
{
    struct str here = complaint_in(r->wrong, at, str_c(key));
    const struct json_val *v = json_get(object, key);
    struct str s = json_str(v);
    if (!expect(r, v, JSON_STRING, "string", here, true))
        return STR("");
    if (s.n == 0 || s.n > ROUTE_TEXT_BYTES)
        complain(r->wrong, here, "String must contain 1 to %d character(s)", ROUTE_TEXT_BYTES);
    return arena_dup(r->arena, s);
}

/* A whole number of at most `max`; `fallback` when it is left out, -1: it may not be. */
static int64_t whole(struct reading *r, const struct json_val *object, const char *key, struct str at,
                     int64_t min, int64_t max, int64_t fallback)
{
    struct str here = complaint_in(r->wrong, at, str_c(key));
    const struct json_val *v = json_get(object, key);
    int64_t n = 0;
    if (!expect(r, v, JSON_NUMBER, "number", here, fallback < 0))
        return fallback;
    if (!json_uint(v, &n) || n < min || n > max)
        complain(r->wrong, here, "Expected a whole number from %lld to %lld", (long long)min, (long long)max);
    return n;
}

/* The number of the word among the choices; 0, with a complaint, when it is none of them. */
static size_t choice(struct reading *r, const struct json_val *object, const char *key, struct str at,
                     const char *const choices[2], bool required)
{
    struct str here = complaint_in(r->wrong, at, str_c(key)), s;
    const struct json_val *v = json_get(object, key);
    if (!expect(r, v, JSON_STRING, "string", here, required))
        return 0;
    s = json_str(v);
    for (size_t i = 0; i < 2; i++)
        if (str_eq(s, str_c(choices[i])))
            return i;
    complain(r->wrong, here, "Invalid enum value. Expected '%s' | '%s', received '%.*s'", choices[0],
             choices[1], STR_FMT(str_head(s, 64)));
    return 0;
}

/* ---- outputs ---- */

static void read_output(struct reading *r, const struct json_val *v, struct str name, struct str at,
                        size_t place, struct route_node *node)
{
    struct str here = complaint_in(r->wrong, at, name);
    if (!expect(r, v, JSON_OBJECT, "object", here, true))
        return;
    node->out[place] = arena_dup(r->arena, name);
    node->to[place] = text(r, v, "elementId", here);
}

/* "12.5%" in hundredths of a percent; -1: it is none. */
static int read_share(struct str name)
{
    int64_t whole_part = 0, cents = 0;
    if (!str_ends(name, STR("%")))
        return -1;
    struct str rest = str_head(name, name.n - 1), digits = str_cut(&rest, '.');
    if (digits.n > 3 || str_to_int(digits, &whole_part) != E_OK)
        return -1;
    if (rest.p && (rest.n > 2 || str_to_int(rest, &cents) != E_OK))
        return -1;
    int64_t share = 100 * whole_part + (rest.n == 1 ? 10 * cents : cents);
    return share <= SHARE_ALL ? (int)share : -1;
}

static void check_shares(struct reading *r, const struct route_node *node, size_t branches, struct str at)
{
    int sum = 0;
    for (size_t i = 0; i < branches && i < OUT_BRANCHES; i++)
        sum += node->share[i];
    if (branches == 0)
        complain(r->wrong, at, "Expected a percentage, such as \"10%%\"");
    else if (branches > OUT_BRANCHES)
        complain(r->wrong, at, "There may be %d percentages, and \"else\"", OUT_BRANCHES);
    else if (sum > SHARE_ALL)
        complain(r->wrong, at, "The percentages are more than 100%% together");
    else if (sum < SHARE_ALL && !node->out[OUT_ELSE].p)
        complain(r->wrong, at, "The percentages are less than 100%% together, and there is no \"else\"");
}

static void read_branches(struct reading *r, const struct json_val *outputs, struct str at,
                          struct route_node *node)
{
    size_t n = 0;
    for (struct json_iter it = json_iter(outputs); json_next(&it);) {
        int share = read_share(it.key);
        if (str_eq(it.key, STR("else"))) {
            read_output(r, it.val, it.key, at, OUT_ELSE, node);
            continue;
        }
        if (share < 0)
            complain(r->wrong, complaint_in(r->wrong, at, str_head(it.key, 64)),
                     "Expected \"else\" or a percentage such as \"10%%\", with two decimals at most");
        if (n < OUT_BRANCHES) {
            node->share[n] = share > 0 ? share : 0;
            read_output(r, it.val, it.key, at, n, node);
        }
        n++;
    }
    check_shares(r, node, n, at);
}

/* "[fallback]" without its brackets. */
static struct str output_name(const char *row, bool *ret_optional)
{
    struct str s = str_c(row);
    *ret_optional = str_starts(s, STR("["));
    return *ret_optional ? str_of(s.p + 1, s.n - 2) : s;
}

static bool has_output(size_t type, struct str name)
{
    bool optional;
    for (size_t i = 0; types[type].outputs[i]; i++)
        if (str_eq(output_name(types[type].outputs[i], &optional), name))
            return true;
    return false;
}

static void read_named(struct reading *r, size_t type, const struct json_val *outputs, struct str at,
                       struct route_node *node)
{
    for (size_t i = 0; types[type].outputs[i]; i++) {
        bool optional;
        struct str name = output_name(types[type].outputs[i], &optional);
        const struct json_val *v = json_member(outputs, name);
        if (v || !optional)
            read_output(r, v, name, at, i, node);
    }
    for (struct json_iter it = json_iter(outputs); json_next(&it);)
        if (!has_output(type, it.key))
            complain(r->wrong, complaint_in(r->wrong, at, str_head(it.key, 64)), "A %s has no such output",
                     types[type].name);
}

static void read_outputs(struct reading *r, size_t type, const struct json_val *v, struct str at,
                         struct route_node *node)
{
    if (!expect(r, v, JSON_OBJECT, "object", at, node->type != NODE_END))
        return;
    if (node->type == NODE_PERCENTAGE)
        read_branches(r, v, at, node);
    else
        read_named(r, type, v, at, node);
}

/* ---- properties ---- */

static void read_conditional(struct reading *r, const struct json_val *v, struct str at,
                             struct route_node *node)
{
    const char *key = json_get(v, "conditions") || !json_get(v, "condition") ? "conditions" : "condition";
    struct str here = complaint_in(r->wrong, at, str_c(key));
    if (json_get(v, key))
        node->condition = condition_read(r->arena, json_get(v, key), here, r->wrong);
    else
        complain(r->wrong, here, "Required");
}

static void read_limit(struct reading *r, const struct json_val *v, struct str at, struct route_node *node)
{
    static const double PICO = 1e12, most = 1e6;
    struct str here = complaint_in(r->wrong, at, STR("limit"));
    double limit = json_num(v, 0);
    if (!expect(r, v, JSON_NUMBER, "number", here, true))
        return;
    if (node->rate.cost && !(limit > 0 && limit <= most))
        complain(r->wrong, here, "Expected US dollars: more than 0, at most 1000000");
    else if (!node->rate.cost && !(limit >= 1 && limit <= most * 1000 && limit == floor(limit)))
        complain(r->wrong, here, "Expected a whole number of requests from 1 to 1000000000");
    else
        node->rate.limit = node->rate.cost ? llround(limit * PICO) : llround(limit);
}

static void read_rate(struct reading *r, const struct json_val *v, struct str at, struct route_node *node)
{
    static const char *const kinds[] = {"count", "cost"}, *const techniques[] = {"fixed", "sliding"};
    const char *window = json_get(v, "window") || !json_get(v, "interval") ? "window" : "interval";
    node->rate.key = text(r, v, "key", at);
    node->rate.cost = choice(r, v, "limitType", at, kinds, true) == 1;
    node->rate.sliding = choice(r, v, "technique", at, techniques, false) == 1;
    node->rate.window_s = whole(r, v, window, at, 1, ROUTE_WINDOW_MAX_S, -1);
    read_limit(r, json_get(v, "limit"), at, node);
}

static void read_model(struct reading *r, const struct json_val *v, struct str at, struct route_node *node)
{
    enum { MOST_RETRIES = 100 };
    node->model.provider = text(r, v, "provider", at);
    node->model.model = text(r, v, "model", at);
    node->model.timeout_ms = whole(r, v, "timeout", at, 0, TIMEOUT_MAX_MS, 0);
    int64_t retries = whole(r, v, "retries", at, 0, MOST_RETRIES, 0);
    node->model.retries = retries < RETRY_ATTEMPTS ? (int)retries : RETRY_ATTEMPTS;
}

static void read_properties(struct reading *r, const struct json_val *v, struct str at,
                            struct route_node *node)
{
    static void (*const readers[])(struct reading *, const struct json_val *, struct str,
                                   struct route_node *) = {
        [NODE_CONDITIONAL] = read_conditional, [NODE_RATE] = read_rate, [NODE_MODEL] = read_model};
    if (node->type >= countof(readers) || !readers[node->type])
        return;
    if (expect(r, v, JSON_OBJECT, "object", at, true))
        readers[node->type](r, v, at, node);
}

/* ---- elements ---- */

/* The row of types; countof(types), with a complaint, when there is none. */
static size_t find_type(struct reading *r, const struct json_val *v, struct str at)
{
    struct str s = json_str(v);
    size_t i = 0;
    while (i < countof(types) && !str_eq(s, str_c(types[i].name)))
        i++;
    if (expect(r, v, JSON_STRING, "string", at, true) && i == countof(types))
        complain(r->wrong, at,
                 "Invalid enum value. Expected 'start' | 'conditional' | 'percentage' | 'rate' | 'model' | "
                 "'end', received '%.*s'",
                 STR_FMT(str_head(s, 64)));
    return s.p ? i : countof(types);
}

static void read_element(struct reading *r, const struct json_val *v, struct str at, struct route_node *node)
{
    for (size_t i = 0; i < OUT_COUNT; i++)
        node->next[i] = NO_NODE;
    if (!expect(r, v, JSON_OBJECT, "object", at, true))
        return;
    node->id = text(r, v, "id", at);
    size_t type = find_type(r, json_get(v, "type"), complaint_in(r->wrong, at, STR("type")));
    if (type == countof(types))
        return;
    node->type = types[type].type;
    read_outputs(r, type, json_get(v, "outputs"), complaint_in(r->wrong, at, STR("outputs")), node);
    read_properties(r, json_get(v, "properties"), complaint_in(r->wrong, at, STR("properties")), node);
}

static int find_node(const struct route_graph *g, struct str id)
{
    for (size_t i = 0; i < g->n; i++)
        if (str_eq(g->nodes[i].id, id))
            return (int)i;
    return NO_NODE;
}

static struct str element_key(struct complaints *wrong, size_t i, const char *inside)
{
    struct str at = complaint_nth(wrong, STR("elements"), i);
    return complaint_in(wrong, at, str_c(inside));
}

/* Ids are unique, names become numbers. */
static void connect(struct reading *r, struct route_graph *g)
{
    size_t starts = 0;
    for (size_t i = 0; i < g->n; i++) {
        struct route_node *node = &g->nodes[i];
        if (node->id.n && find_node(g, node->id) != (int)i)
            complain(r->wrong, element_key(r->wrong, i, "id"), "Another element has this id");
        if (node->type == NODE_START && node->out[OUT_NEXT].p)
            g->start = starts++ ? NO_NODE : (int)i;
        for (size_t k = 0; k < OUT_COUNT; k++)
            node->next[k] = node->out[k].p ? find_node(g, node->to[k]) : NO_NODE;
    }
}

struct route_graph *route_graph_read(struct arena *a, const struct json_val *elements,
                                     struct complaints *wrong)
{
    struct reading r = {a, wrong};
    size_t n = json_count(elements), i = 0;
    if (!expect(&r, elements, JSON_ARRAY, "array", STR("elements"), true))
        return NULL;
    if (n == 0 || n > ROUTE_ELEMENTS) {
        complain(wrong, STR("elements"), "Array must contain 1 to %d element(s)", ROUTE_ELEMENTS);
        return NULL;
    }
    struct route_graph *g = arena_new(a, struct route_graph);
    if (!g || !(g->nodes = arena_zalloc(a, n * sizeof(*g->nodes))))
        return NULL;
    g->n = n;
    g->start = NO_NODE;
    for (struct json_iter it = json_iter(elements); json_next(&it); i++)
        read_element(&r, it.val, complaint_nth(wrong, STR("elements"), i), &g->nodes[i]);
    connect(&r, g);
    return g;
}

/* ---- the graph ---- */

static void check_starts(const struct route_graph *g, struct complaints *wrong)
{
    size_t starts = 0, ends = 0;
    for (size_t i = 0; i < g->n; i++) {
        ends += g->nodes[i].type == NODE_END;
        if (g->nodes[i].type == NODE_START && starts++)
            complain(wrong, element_key(wrong, i, "type"), "There is another start");
    }
    if (!starts)
        complain(wrong, STR("elements"), "There is no start");
    if (!ends)
        complain(wrong, STR("elements"), "There is no end");
}

static struct str output_key(struct complaints *wrong, const struct route_graph *g, size_t node, size_t out)
{
    struct str at = complaint_in(wrong, element_key(wrong, node, "outputs"), g->nodes[node].out[out]);
    return complaint_in(wrong, at, STR("elementId"));
}

enum colour { WHITE, GREY, BLACK };

/* Depth first, ROUTE_ELEMENTS deep at most: whoever is met again on the way down closes a circle. */
static void look_for_circles(const struct route_graph *g, size_t at, unsigned char *colours,
                             struct complaints *wrong)
{
    colours[at] = GREY;
    for (size_t k = 0; k < OUT_COUNT; k++) {
        int next = g->nodes[at].next[k];
        if (next == NO_NODE)
            continue;
        if (colours[next] == GREY)
            complain(wrong, output_key(wrong, g, at, k), "This leads in a circle");
        else if (colours[next] == WHITE)
            look_for_circles(g, (size_t)next, colours, wrong);
    }
    colours[at] = BLACK;
}

void route_graph_check(const struct route_graph *g, struct complaints *wrong)
{
    unsigned char colours[ROUTE_ELEMENTS] = {WHITE};
    must(g->n <= ROUTE_ELEMENTS);
    check_starts(g, wrong);
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0; k < OUT_COUNT; k++)
            if (g->nodes[i].out[k].p && g->nodes[i].next[k] == NO_NODE)
                complain(wrong, output_key(wrong, g, i, k), "There is no element \"%.*s\"",
                         STR_FMT(g->nodes[i].to[k]));
    for (size_t i = 0; i < g->n; i++)
        if (colours[i] == WHITE)
            look_for_circles(g, i, colours, wrong);
}
