/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /graphql (control plane section 23): the request is parsed and planned here, and carried out on the
 * store's reader thread, which writes the answer.
 *
 * The live service says "errors": null where there are none. The protocol's own media type (GraphQL over
 * HTTP) forbids that, so clients that ask for it get an answer without.
 */
#include "api/call.h"
#include "api/graphql_run.h"
#include "base/clock.h"
#include "base/limits.h"

struct graphql_call {
    struct api_call *call;
    struct arena arena; /* it lies in it */
    struct graphql_request request;
    bool strict; /* no null for errors */
};

static const struct str strict_type = S("application/graphql-response+json");

static bool wants_strict(const struct api_call *c)
{
    struct str line = headers_last(&exchange_request(c->x)->headers, STR("accept"));
    while (line.p) {
        struct str one = str_cut(&line, ',');
        if (str_ieq(str_trim(str_cut(&one, ';')), strict_type))
            return true;
    }
    return false;
}

/* ---- the answer ---- */

static void put_place(struct json_out *w, const struct graphql_request *r)
{
    size_t line, column;
    if (r->error.at > r->source.n)
        return;
    str_position(r->source, r->error.at, &line, &column);
    json_key(w, "locations");
    json_open(w, '[');
    json_open(w, '{');
    json_add_int(w, "line", (int64_t)line);
    json_add_int(w, "column", (int64_t)column);
    json_close(w, '}');
    json_close(w, ']');
}

static void put_path(struct json_out *w, const struct graphql_error *e)
{
    json_key(w, "path");
    if (e->n_path == 0) {
        json_put_null(w);
        return;
    }
    json_open(w, '[');
    for (size_t i = 0; i < e->n_path; i++)
        json_put_str(w, e->path[i]);
    json_close(w, ']');
}

static void put_error(struct json_out *w, const struct graphql_request *r)
{
    char now[TIME_TEXT];
    clock_rfc3339(clock_wall_ms(), now);
    json_open(w, '{');
    json_add_str(w, "message", r->error.message);
    put_place(w, r);
    put_path(w, &r->error);
    json_key(w, "extensions");
    json_open(w, '{');
    json_add_str(w, "code", str_c(r->error.code));
    json_add_str(w, "timestamp", str_c(now));
    json_close(w, '}');
    json_close(w, '}');
}

static void write_error(struct graphql_call *g)
{
    struct buf *b = &g->call->answer;
    buf_clear(b);
    struct json_out w = json_out(b);
    json_open(&w, '{');
    json_key(&w, "data");
    json_put_null(&w);
    json_key(&w, "errors");
    json_open(&w, '[');
    put_error(&w, &g->request);
    json_close(&w, ']');
    json_close(&w, '}');
}

/* On the reader's thread, while the call waits. */
static void write_answer(struct graphql_call *g, struct analytics *a)
{
    struct buf *b = &g->call->answer;
    (void)buf_append_c(b, "{\"data\":");
    if (!graphql_run(&g->request, a, b) || buf_append_c(b, g->strict ? "}" : ",\"errors\":null}") != E_OK)
        write_error(g);
}

static void reply(struct graphql_call *g, int status)
{
    struct api_call *c = g->call;
    bool strict = g->strict;
    struct arena a = g->arena;
    arena_done(&a);
    api_call_send(c, status, strict ? strict_type : STR("application/json"), buf_str(&c->answer));
}

/* ---- the question ---- */

static void answer(void *arg, struct analytics *a)
{
    write_answer(arg, a);
}

static void answered(void *arg)
{
    struct graphql_call *g = arg;
    struct arena a = g->arena;
    if (api_call_resume(g->call))
        reply(g, 200);
    else
        arena_done(&a);
}

/* False: the body is no request; the answer to that is written. */
static bool read_body(struct graphql_call *g, const struct json_val *body)
{
    struct graphql_request *r = &g->request;
    const struct json_val *variables = json_get(body, "variables"), *name = json_get(body, "operationName");
    struct str query = json_str(json_get(body, "query"));
    bool known = json_type(variables) <= JSON_NULL || json_type(variables) == JSON_OBJECT;
    if (!query.p)
        return graphql_fail(r, "parse", SIZE_MAX,
                            "the body must be a JSON object with the query in \"query\"");
    if (!known || (json_type(name) > JSON_NULL && json_type(name) != JSON_STRING))
        return graphql_fail(r, "parse", SIZE_MAX,
                            "\"variables\" must be an object and \"operationName\" a string");
    r->source = arena_dup(r->arena, query);
    r->operation_name = arena_dup(r->arena, json_str(name).p ? json_str(name) : STR(""));
    r->variables = variables;
    return (r->source.p && r->operation_name.p) ||
           graphql_fail(r, "limit", SIZE_MAX, "the query is too large");
}

static struct graphql_call *new_call(struct api_call *c)
{
    struct arena a;
    arena_init(&a, GRAPHQL_ARENA_BYTES);
    struct graphql_call *g = arena_new(&a, struct graphql_call);
    must(g != NULL);
    g->arena = a;
    g->call = c;
    g->strict = wants_strict(c);
    g->request =
        (struct graphql_request){.arena = &g->arena, .token = c->token, .now_s = clock_wall_ms() / 1000};
    return g;
}

void graphql(struct api_call *c)
{
    struct graphql_call *g = new_call(c);
    struct json_doc *body = json_parse(buf_str(&c->body));
    bool read = read_body(g, json_root(body));
    bool planned = read && graphql_plan(&g->request);
    json_free(body);
    g->request.variables = NULL;
    if (!planned) {
        write_error(g);
        reply(g, read ? 200 : 400);
    } else { /* also the schema alone: it can be asked for in ways that take long */
        api_call_wait(c);
        store_ask_analytics(api_call_store(c), api_call_loop(c), answer, answered, g);
    }
}
