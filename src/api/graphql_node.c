/* SPDX-License-Identifier: Apache-2.0 */
/* A node's arguments and fields as a question to the store. */
#include "api/graphql_plan.h"
#include "base/limits.h"

/* ---- filter ---- */

static struct analytics_filter *new_filter(struct graphql_request *r, struct analytics_filter one)
{
    struct analytics_filter *f = arena_new(r->arena, struct analytics_filter);
    if (f)
        *f = one;
    else
        graphql_fail(r, "limit", SIZE_MAX, "the filter is too large");
    return f;
}

/* One value stands for a list of one (spec section 3.11). */
static const struct graphql_value *elements(const struct graphql_value *v, size_t *ret_n)
{
    const struct graphql_value *first = v->kind == GRAPHQL_VALUE_LIST ? v->first : v;
    *ret_n = v->kind == GRAPHQL_VALUE_LIST ? 0 : 1;
    for (const struct graphql_value *e = first; e && v->kind == GRAPHQL_VALUE_LIST; e = e->next)
        ++*ret_n;
    return first;
}

static struct analytics_filter *test(struct graphql_request *r, const struct graphql_input *in,
                                     const struct graphql_value *v)
{
    size_t n = 1, i = 0;
    const struct graphql_value *e = in->ref.list ? elements(v, &n) : v;
    struct analytics_value *values = arena_zalloc(r->arena, (n + 1) * sizeof(*values));
    if (!values) {
        graphql_fail(r, "limit", v->at, "the filter is too large");
        return NULL;
    }
    for (; i < n && !graphql_failed(r); i++, e = e->next) {
        const struct graphql_value *one = graphql_resolve(r, e);
        if (!one || one->kind == GRAPHQL_VALUE_NULL)
            graphql_fail(r, "invalid", e->at, "a value of \"%.*s\" is null", STR_FMT(in->name));
        else
            graphql_analytics_value(r, one, analytics_dimensions[in->dimension].type, &values[i]);
    }
    return new_filter(
        r, (struct analytics_filter){
               .kind = FILTER_TEST, .dimension = in->dimension, .op = in->op, .values = values, .n = n});
}

static struct analytics_filter *filter_of(struct graphql_request *r, const struct graphql_type *t,
                                          const struct graphql_value *v);

/* AND, OR; NULL for an empty list, which says nothing. */
static struct analytics_filter *combination(struct graphql_request *r, const struct graphql_input *in,
                                            const struct graphql_value *v)
{
    size_t n;
    const struct graphql_value *e = elements(v, &n);
    struct analytics_filter *f =
        n ? new_filter(r, (struct analytics_filter){.kind = in->what == INPUT_OR ? FILTER_ANY : FILTER_ALL})
          : NULL;
    struct analytics_filter **end = f ? &f->first : NULL;
    for (size_t i = 0; f && i < n && !graphql_failed(r); i++, e = e->next) {
        *end = filter_of(r, in->ref.type, graphql_resolve(r, e));
        if (*end)
            end = &(*end)->next;
    }
    return f;
}

/* What is absent or null is no condition: so do clients leave a filter out. */
static struct analytics_filter *filter_of(struct graphql_request *r, const struct graphql_type *t,
                                          const struct graphql_value *v)
{
    if (!v || v->kind != GRAPHQL_VALUE_OBJECT) {
        graphql_fail(r, "invalid", v ? v->at : SIZE_MAX, "a filter must be an object");
        return NULL;
    }
    struct analytics_filter *all = new_filter(r, (struct analytics_filter){.kind = FILTER_ALL});
    struct analytics_filter **end = all ? &all->first : NULL;
    for (const struct graphql_value *m = all ? v->first : NULL; m && !graphql_failed(r); m = m->next) {
        const struct graphql_input *in = graphql_input_named(t->inputs, t->n_inputs, m->name);
        const struct graphql_value *value = graphql_resolve(r, m);
        if (!in)
            graphql_fail(r, "invalid", m->at, "unknown arg \"%.*s\"", STR_FMT(m->name));
        else if (!value || value->kind == GRAPHQL_VALUE_NULL)
            continue;
        else
            *end = in->what == INPUT_TEST ? test(r, in, value) : combination(r, in, value);
        if (*end)
            end = &(*end)->next;
    }
    return all;
}

static bool read_filter(struct graphql_request *r, struct graphql_plan *p)
{
    const struct graphql_input *in = graphql_input_named(p->field->args, p->field->n_args, STR("filter"));
    const struct graphql_value *v = graphql_argument(r, p->asked->arguments, "filter");
    p->query.filter = v ? filter_of(r, in->ref.type, v) : NULL;
    return !graphql_failed(r);
}

/* ---- order and limit ---- */

static bool read_order(struct graphql_request *r, const struct graphql_type *t, const struct graphql_value *v,
                       struct analytics_order *ret)
{
    bool word = v && (v->kind == GRAPHQL_VALUE_ENUM || v->kind == GRAPHQL_VALUE_STRING);
    for (size_t i = 0; word && i < t->n_choices; i++)
        if (str_eq(t->choices[i].name, v->text)) {
            *ret = t->choices[i].order;
            return true;
        }
    return graphql_fail(r, "invalid", v ? v->at : SIZE_MAX, "cannot order by \"%.*s\"",
                        STR_FMT(word ? v->text : STR("")));
}

/* A dimension that is not selected has no one value in a group. */
static bool check_orders(struct graphql_request *r, const struct graphql_plan *p)
{
    for (size_t i = 0; i < p->query.n_orders; i++) {
        const struct analytics_order *o = &p->query.orders[i];
        if (!o->measure && !(p->query.dimensions >> o->id & 1))
            return graphql_fail(r, "invalid", p->asked->at,
                                "cannot order by \"%s\": it is not among the selected dimensions",
                                analytics_dimensions[o->id].name);
    }
    return true;
}

static bool read_orders(struct graphql_request *r, struct graphql_plan *p)
{
    const struct graphql_input *in = graphql_input_named(p->field->args, p->field->n_args, STR("orderBy"));
    const struct graphql_value *v = graphql_argument(r, p->asked->arguments, "orderBy");
    size_t n = 0;
    const struct graphql_value *e = v ? elements(v, &n) : NULL;
    struct analytics_order *orders = arena_zalloc(r->arena, (n + 1) * sizeof(*orders));
    if (!orders || n > GRAPHQL_NODE_FIELDS)
        return graphql_fail(r, "limit", v ? v->at : SIZE_MAX, "orderBy is too long");
    p->query.orders = orders;
    for (; p->query.n_orders < n; e = e->next)
        if (!read_order(r, in->ref.type, graphql_resolve(r, e), &orders[p->query.n_orders++]))
            return false;
    return check_orders(r, p);
}

static bool read_limit(struct graphql_request *r, struct graphql_plan *p)
{
    const struct graphql_value *v = graphql_argument(r, p->asked->arguments, "limit");
    if (!graphql_uint(r, v, &p->query.limit))
        return false;
    if (p->query.limit >= 1 && p->query.limit <= GRAPHQL_PAGE_ROWS)
        return true;
    return graphql_fail(r, "limit", v->at, "limit must be from 1 to %d", GRAPHQL_PAGE_ROWS);
}

/* ---- fields ---- */

/* Returns how many were selected. */
static size_t select_fields(struct analytics_query *q, const struct graphql_plan *list)
{
    size_t n = 0;
    for (const struct graphql_plan *p = list; p; p = p->next) {
        n += !p->first;
        if (p->field->meaning == M_MEASURE)
            q->measures |= UINT64_C(1) << p->field->id;
        else if (p->field->meaning == M_DIMENSION)
            q->dimensions |= UINT64_C(1) << p->field->id;
        else if (p->field->meaning == M_CONFIDENCE_COUNT)
            q->measures |= UINT64_C(1) << MEASURE_COUNT;
        n += select_fields(q, p->first);
    }
    return n;
}

static bool read_time(struct graphql_request *r, struct graphql_plan *p)
{
    const struct analytics_node_row *node = &analytics_nodes[p->query.node];
    enum err e = analytics_plan(&p->query, r->now_s, &p->when);
    if (e == E_FULL)
        return graphql_fail(r, "limit", p->asked->at,
                            "query time range is too large: it can't be wider than %lld days",
                            (long long)node->span_s / 86400);
    if (e == E_NOT_FOUND)
        return graphql_fail(r, "limit", p->asked->at, "cannot request data older than %lld days",
                            (long long)node->history_s / 86400);
    return true;
}

bool graphql_plan_node(struct graphql_request *r, struct graphql_plan *p)
{
    p->query.node = (enum analytics_node)p->field->id;
    p->query.account = r->token->account;
    p->query.token = r->token;
    if (select_fields(&p->query, p->first) > GRAPHQL_NODE_FIELDS)
        return graphql_fail(r, "limit", p->asked->at, "number of fields can't be more than %d",
                            GRAPHQL_NODE_FIELDS);
    if (++r->n_nodes > GRAPHQL_NODES)
        return graphql_fail(r, "limit", p->asked->at, "number of nodes can't be more than %d", GRAPHQL_NODES);
    return read_limit(r, p) && read_filter(r, p) && read_orders(r, p) && read_time(r, p);
}
