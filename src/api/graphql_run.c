/* SPDX-License-Identifier: Apache-2.0 */
#include "api/graphql_run.h"
#include "base/clock.h"
#include "base/limits.h"
#include "providers/prices.h"

#include <stdio.h>

bool graphql_goes_on(struct graphql_run *run)
{
    /* what nests much and says nothing fills no buffer */
    if (run->err == E_OK && (run->to->full || ++run->fields > GRAPHQL_WRITTEN))
        run->err = E_TOO_LARGE;
    return run->err == E_OK;
}

/* ---- values ---- */

static void put_time(struct json_out *w, int64_t s, bool day)
{
    char text[TIME_TEXT];
    clock_rfc3339(s * 1000, text);
    text[19] = 'Z'; /* no milliseconds */
    json_put_str(w, str_of(text, day ? 10 : 20));
}

static void put_value(struct json_out *w, enum analytics_type t, const struct analytics_value *v)
{
    if (v->kind == VALUE_NULL) {
        json_put_null(w);
        return;
    }
    switch (t) {
    case TYPE_TEXT: json_put_str(w, v->s.p ? v->s : STR("")); break;
    case TYPE_TEXTS: json_put_raw(w, v->s); break; /* JSON already */
    case TYPE_TIME: put_time(w, v->n, false); break;
    case TYPE_DATE: put_time(w, v->n, true); break;
    case TYPE_MONEY: money_put(w, v->n); break;
    case TYPE_TOOK: json_put_num(w, (double)v->n / 1000); break;
    default: json_put_int(w, v->n);
    }
}

/* ---- rows ---- */

static void write_row(struct graphql_run *run, const struct graphql_plan *list,
                      const struct analytics_row *row);

static void write_cell(struct graphql_run *run, const struct graphql_plan *p, const struct analytics_row *row)
{
    struct json_out *w = &run->out;
    int id = p->field->id;
    switch (p->field->meaning) {
    case M_TYPENAME: json_put_str(w, p->parent->name); break;
    case M_GROUP: write_row(run, p->first, row); break;
    case M_MEASURE: put_value(w, analytics_measures[id].type, &row->measures[id]); break;
    case M_DIMENSION: put_value(w, analytics_dimensions[id].type, &row->dimensions[id]); break;
    case M_CONFIDENCE_LEVEL: json_put_int(w, 1); break;
    case M_CONFIDENCE_COUNT: json_put_int(w, row->measures[MEASURE_COUNT].n); break;
    default: json_put_bool(w, true); /* M_TRUE */
    }
}

static void write_row(struct graphql_run *run, const struct graphql_plan *list,
                      const struct analytics_row *row)
{
    json_open(&run->out, '{');
    for (const struct graphql_plan *p = list; p; p = p->next) {
        json_key_str(&run->out, p->key);
        write_cell(run, p, row);
    }
    json_close(&run->out, '}');
}

struct node_writing {
    struct graphql_run *run;
    const struct graphql_plan *plan;
};

static void on_row(void *arg, const struct analytics_row *row)
{
    struct node_writing *n = arg;
    if (graphql_goes_on(n->run))
        write_row(n->run, n->plan->first, row);
}

static void write_node(struct graphql_run *run, const struct graphql_plan *p)
{
    struct node_writing n = {run, p};
    json_open(&run->out, '[');
    enum err e = analytics_run(run->analytics, &p->query, &p->when, on_row, &n);
    json_close(&run->out, ']');
    if (e != E_OK && run->err == E_OK)
        run->err = e;
    if (run->err != E_OK)
        run->troubled = p;
}

/* ---- objects above rows ---- */

/* Names of what may be selected, as paths: "sum_cost". */
static void write_available(struct graphql_run *run, unsigned node)
{
    const struct {
        const struct analytics_field *v;
        size_t n;
    } parts[] = {{analytics_measures, MEASURE_ALL_COUNT}, {analytics_dimensions, DIM_COUNT}};
    char name[64];
    json_open(&run->out, '[');
    for (size_t i = 0; i < countof(parts); i++)
        for (size_t j = 0; j < parts[i].n; j++) {
            const struct analytics_field *f = &parts[i].v[j];
            const char *group = f->group ? f->group : "dimensions";
            if (!(f->nodes >> node & 1))
                continue;
            snprintf(name, sizeof(name), "%s%s%s", group, *group ? "_" : "", f->name);
            json_put_str(&run->out, str_c(name));
        }
    json_close(&run->out, ']');
}

static void write_setting(struct graphql_run *run, enum graphql_meaning m, unsigned node)
{
    struct json_out *w = &run->out;
    switch (m) {
    case M_MAX_DURATION: json_put_int(w, analytics_nodes[node].span_s); break;
    case M_NOT_OLDER: json_put_int(w, analytics_nodes[node].history_s); break;
    case M_MAX_FIELDS: json_put_int(w, GRAPHQL_NODE_FIELDS); break;
    case M_MAX_PAGE: json_put_int(w, GRAPHQL_PAGE_ROWS); break;
    case M_AVAILABLE: write_available(run, node); break;
    default: json_put_bool(w, true); /* M_ENABLED */
    }
}

static void write_object(struct graphql_run *run, const struct graphql_plan *list, unsigned node);

/* node: of whose settings this is a field */
static void write_field(struct graphql_run *run, const struct graphql_plan *p, unsigned node)
{
    static const struct graphql_thing nothing;
    struct json_out *w = &run->out;
    switch (p->field->meaning) {
    case M_TYPENAME: json_put_str(w, p->parent->name); break;
    case M_ACCOUNT_TAG: json_put_str(w, run->request->token->account); break;
    case M_NODE: write_node(run, p); break;
    case M_VIEWER:
    case M_SETTINGS: write_object(run, p->first, 0); break;
    case M_NODE_SETTINGS: write_object(run, p->first, (unsigned)p->field->id); break;
    case M_ACCOUNTS:
        json_open(w, '[');
        write_object(run, p->first, 0);
        json_close(w, ']');
        break;
    case I_SCHEMA:
    case I_TYPE: graphql_introspect(run, p, &nothing); break;
    default: write_setting(run, p->field->meaning, node);
    }
}

static void write_object(struct graphql_run *run, const struct graphql_plan *list, unsigned node)
{
    json_open(&run->out, '{');
    for (const struct graphql_plan *p = list; p && graphql_goes_on(run); p = p->next) {
        json_key_str(&run->out, p->key);
        write_field(run, p, node);
    }
    json_close(&run->out, '}');
}

/* ---- */

static const char *explain(enum err e)
{
    switch (e) {
    case E_TIMED_OUT: return "the query takes too long; ask for less time, or for fewer dimensions";
    case E_TOO_LARGE: return "the answer is too large; ask for less";
    case E_FULL: return "the filter has too many values";
    default: return "internal error: the logs cannot be read";
    }
}

bool graphql_run(struct graphql_request *r, struct analytics *a, struct buf *to)
{
    struct graphql_run run = {.request = r, .analytics = a, .out = json_out(to), .to = to};
    write_object(&run, r->plan, 0);
    if (run.err == E_OK && to->full)
        run.err = E_TOO_LARGE;
    if (run.err == E_OK)
        return true;
    size_t at = run.troubled ? run.troubled->asked->at : SIZE_MAX;
    return graphql_fail(r, run.err == E_DB ? "internal" : "limit", at, "%s", explain(run.err));
}
