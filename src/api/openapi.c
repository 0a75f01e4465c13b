/* SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi.h"
#include "api/call.h"
#include "api/openapi_schema.h"
#include "api/queries.h"
#include "base/limits.h"

#include <stdio.h>

/* ---- the rows of openapi.def ---- */

enum form {
    AS_ONE,
    AS_LIST,
    AS_TEXT,
    AS_NOTHING,
    AS_BESIDE,
    AS_UNDER,
    AS_PLAIN,
    AS_BYTES,
    AS_HTML,
    AS_REFUSED
};

static const struct op {
    void (*handler)(struct api_call *c);
    const char *id;
    struct {
        const struct fields_table *table;
        const char *shape; /* alone, or with the table */
        bool partial;
    } body;
    /* more: the shape of result_info, or the one beside the result; the key in place of "result"; what bytes
     * are */
    struct answer {
        enum form form;
        const char *shape, *more; /* of bytes: media types; of pages: the status */
    } answer;
} ops[] = {
#define NONE NULL, NULL, false
#define WHOLE(table) &table, NULL, false
#define PART(table) &table, NULL, true
#define NEW(table, shape) &table, #shape, false
#define FORM(shape) NULL, #shape, false
#define ONE(shape) AS_ONE, #shape, NULL
#define MANY(shape) AS_LIST, #shape, "ResultInfo"
#define PAGE(shape, info) AS_LIST, #shape, #info
#define ALL(shape) AS_LIST, #shape, NULL
#define TEXT AS_TEXT, NULL, NULL
#define NOTHING AS_NOTHING, NULL, NULL
#define BESIDE(shape, beside) AS_BESIDE, #shape, #beside
#define UNDER(key, shape) AS_UNDER, #shape, #key
#define PLAIN(shape) AS_PLAIN, #shape, NULL
#define BYTES(types, says) AS_BYTES, types, says
#define HTML(status, says) AS_HTML, #status, says
#define REFUSED AS_REFUSED, NULL, NULL
#define OP(handler, id, body, answer) {handler, id, {body}, {answer}},
#include "api/openapi.def"
#undef OP
};

/* Of each call there is one: tests/flow/openapi.test.mjs. */
static const struct op *find_op(const struct route *r)
{
    static const struct op unknown = {.answer = {AS_REFUSED, NULL, NULL}};
    for (size_t i = 0; i < countof(ops); i++)
        if (ops[i].handler == r->run)
            return &ops[i];
    return &unknown;
}

/* ---- writing ---- */

static void put_c(struct json_out *w, const char *key, const char *value)
{
    json_add_str(w, key, str_c(value));
}

static void open_key(struct json_out *w, const char *key, char bracket)
{
    json_key(w, key);
    json_open(w, bracket);
}

static void open_schema(struct json_out *w, const char *media)
{
    open_key(w, "content", '{');
    open_key(w, media, '{');
    json_key(w, "schema");
}

static void close_schema(struct json_out *w)
{
    json_close(w, '}');
    json_close(w, '}');
}

/* ---- bodies ---- */

/* What one member of a body must be is the same everywhere; which must be there depends on the call. */
static void put_required(struct json_out *w, const struct op *op)
{
    if (!op->body.table || op->body.partial)
        return;
    open_key(w, "required", '[');
    for (size_t i = 0; i < op->body.table->n; i++)
        if (op->body.table->v[i].flags & FIELD_REQUIRED)
            json_put_str(w, str_c(op->body.table->v[i].key));
    json_close(w, ']');
}

static void put_body(struct json_out *w, const struct op *op)
{
    if (!op->body.table && !op->body.shape)
        return;
    open_key(w, "requestBody", '{');
    json_add_bool(w, "required", true);
    open_schema(w, "application/json");
    json_open(w, '{');
    open_key(w, "allOf", '[');
    if (op->body.table)
        schema_put_ref(w, op->body.table->name);
    if (op->body.shape)
        schema_put_ref(w, op->body.shape);
    json_close(w, ']');
    put_required(w, op);
    json_close(w, '}');
    close_schema(w);
    json_close(w, '}');
}

/* ---- parameters ---- */

static void put_parameter(struct json_out *w, const char *place, const struct field *f)
{
    json_open(w, '{');
    put_c(w, "name", f->key);
    put_c(w, "in", place);
    json_add_bool(w, "required", f->flags & FIELD_REQUIRED);
    if (f->doc[0])
        put_c(w, "description", f->doc);
    open_key(w, "schema", '{');
    schema_put_field(w, f);
    json_close(w, '}');
    json_close(w, '}');
}

static void put_segment(struct json_out *w, struct str name)
{
    char key[32];
    (void)snprintf(key, sizeof(key), "%.*s", STR_FMT(name));
    put_parameter(
        w, "path",
        &(struct field){.key = key, .kind = FIELD_TEXT, .omitted = "", .flags = FIELD_REQUIRED, .doc = ""});
}

static void put_parameters(struct json_out *w, const struct route *r)
{
    struct str path = r->pattern;
    open_key(w, "parameters", '[');
    while (path.p) {
        struct str part = str_cut(&path, '/');
        if (str_starts(part, STR("{")))
            put_segment(w, str_of(part.p + 1, part.n - 2));
    }
    for (size_t i = 0; i < api_query_count; i++)
        if (api_queries[i].handler == r->run)
            put_parameter(w, "query", &api_queries[i].field);
    json_close(w, ']');
}

/* ---- answers ---- */

/* The member that a call is about, and what stands beside it. */
static void put_members(struct json_out *w, const struct answer *a)
{
    char type[64];
    const char *key = a->form == AS_UNDER ? a->more : "result";
    bool paged = a->form == AS_LIST && a->more;
    (void)snprintf(type, sizeof(type), a->form == AS_LIST ? "[%s]" : "%s",
                   a->form == AS_TEXT      ? "text"
                   : a->form == AS_NOTHING ? "null"
                                           : a->shape);
    json_open(w, '{');
    put_c(w, "type", "object");
    open_key(w, "required", '[');
    json_put_str(w, str_c(key));
    if (paged)
        json_put_str(w, STR("result_info"));
    json_close(w, ']');
    open_key(w, "properties", '{');
    open_key(w, key, '{');
    schema_put_type(w, str_c(type));
    json_close(w, '}');
    if (paged) {
        json_key(w, "result_info");
        schema_put_ref(w, a->more);
    }
    json_close(w, '}');
    json_close(w, '}');
}

static void put_envelope(struct json_out *w, const struct answer *a)
{
    json_open(w, '{');
    open_key(w, "allOf", '[');
    schema_put_ref(w, "Answer");
    put_members(w, a);
    if (a->form == AS_BESIDE)
        schema_put_ref(w, a->more);
    json_close(w, ']');
    json_close(w, '}');
}

/* A schema can say little of them. */
static void put_bytes(struct json_out *w, const char *types)
{
    struct str rest = str_c(types);
    open_key(w, "content", '{');
    while (rest.p) {
        struct str type = str_cut(&rest, ' ');
        bool any = str_ends(type, STR("/json")) || str_ends(type, STR("/octet-stream"));
        json_key_str(w, type);
        json_put_raw(w, any ? STR("{\"schema\":{}}") : STR("{\"schema\":{\"type\":\"string\"}}"));
    }
    json_close(w, '}');
}

static void put_plain(struct json_out *w, const char *status, const struct answer *a)
{
    open_key(w, status, '{');
    put_c(w, "description",
          a->form == AS_BYTES ? a->more
          : status[0] == '2'  ? "As asked"
                              : "It cannot be answered");
    if (a->form == AS_BYTES) {
        put_bytes(w, a->shape);
    } else {
        open_schema(w, "application/json");
        if (a->form == AS_PLAIN)
            schema_put_ref(w, a->shape);
        else
            put_envelope(w, a);
        close_schema(w);
    }
    json_close(w, '}');
}

static void put_refusal(struct json_out *w, const char *status, const char *name)
{
    char ref[64];
    (void)snprintf(ref, sizeof(ref), "#/components/responses/%s", name);
    open_key(w, status, '{');
    put_c(w, "$ref", ref);
    json_close(w, '}');
}

/* What browsers are sent to: whatever the status, for people. */
static void put_pages(struct json_out *w, const struct answer *a)
{
    open_key(w, "responses", '{');
    open_key(w, a->shape, '{');
    put_c(w, "description", a->more);
    if (a->shape[0] == '2')
        put_bytes(w, "text/html");
    json_close(w, '}');
    open_key(w, "default", '{');
    put_c(w, "description", "A page that says what failed");
    put_bytes(w, "text/html");
    json_close(w, '}');
    json_close(w, '}');
}

static void put_answers(struct json_out *w, const struct route *r, const struct answer *a)
{
    if (a->form == AS_HTML) {
        put_pages(w, a);
        return;
    }
    open_key(w, "responses", '{');
    if (a->form != AS_REFUSED)
        put_plain(w, "200", a);
    if (a->form == AS_PLAIN && r->takes_body) /* its complaints have the form of its answers */
        put_plain(w, "400", a);
    else if (r->takes_body || route_has_query(r))
        put_refusal(w, "400", "Wrong");
    if (r->allowed != ALLOW_PUBLIC)
        put_refusal(w, "403", "Forbidden");
    if (str_has(r->pattern, STR("{G}")) || str_ends(r->pattern, STR("}")))
        put_refusal(w, "404", "NotFound");
    put_refusal(w, "default", "Failed");
    json_close(w, '}');
}

/* ---- the document ---- */

/* "/accounts/{A}/ai-gateway/gateways/{G}/logs" is about logs. */
static struct str tag_of(struct str pattern)
{
    struct str tag = STR("");
    while (pattern.p) {
        struct str part = str_cut(&pattern, '/');
        if (part.n && !str_starts(part, STR("{")) && !str_eq(part, STR("accounts")) &&
            !str_eq(part, STR("ai-gateway")) && (tag.n == 0 || str_eq(tag, STR("gateways"))))
            tag = part;
    }
    return tag;
}

static void put_operation(struct json_out *w, const struct route *r)
{
    const struct op *op = find_op(r);
    char name[8] = "";
    for (size_t i = 0; i < r->method.n && i < sizeof(name) - 1; i++)
        name[i] = (char)(r->method.p[i] | 0x20);
    open_key(w, name, '{');
    if (op->id)
        put_c(w, "operationId", op->id);
    open_key(w, "tags", '[');
    json_put_str(w, tag_of(r->pattern));
    json_close(w, ']');
    put_c(w, "summary", r->summary);
    put_parameters(w, r);
    put_body(w, op);
    put_answers(w, r, &op->answer);
    if (r->allowed == ALLOW_PUBLIC) {
        json_add_raw(w, "security", STR("[]"));
    }
    json_close(w, '}');
}

/* Rows of one path may stand apart. */
static bool came_before(size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (str_eq(api_routes[k].pattern, api_routes[i].pattern))
            return true;
    return false;
}

static void put_paths(struct json_out *w)
{
    open_key(w, "paths", '{');
    for (size_t i = 0; i < api_route_count; i++) {
        if (came_before(i))
            continue;
        json_key_str(w, api_routes[i].pattern);
        json_open(w, '{');
        for (size_t k = i; k < api_route_count; k++)
            if (str_eq(api_routes[k].pattern, api_routes[i].pattern))
                put_operation(w, &api_routes[k]);
        json_close(w, '}');
    }
    json_close(w, '}');
}

static void put_tables(struct json_out *w)
{
    for (size_t i = 0; i < countof(ops); i++) {
        bool seen = !ops[i].body.table;
        for (size_t k = 0; k < i && !seen; k++)
            seen = ops[k].body.table == ops[i].body.table;
        if (!seen)
            schema_put_table(w, ops[i].body.table);
    }
}

static void put_responses(struct json_out *w)
{
    static const char *const rows[][2] = {
        {"Wrong", "Something in the request is wrong; `path` says what"},
        {"Forbidden", "No token, or one that may not do this"},
        {"NotFound", "There is none"},
        {"Failed", "Refused for another reason; see docs/errors.md"},
    };
    open_key(w, "responses", '{');
    for (size_t i = 0; i < countof(rows); i++) {
        open_key(w, rows[i][0], '{');
        put_c(w, "description", rows[i][1]);
        open_schema(w, "application/json");
        schema_put_ref(w, "Refusal");
        close_schema(w);
        json_close(w, '}');
    }
    json_close(w, '}');
}

static void put_components(struct json_out *w)
{
    open_key(w, "components", '{');
    json_add_raw(w, "securitySchemes", STR("{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}"));
    put_responses(w);
    open_key(w, "schemas", '{');
    put_tables(w);
    schema_put_shapes(w);
    json_close(w, '}');
    json_close(w, '}');
}

static void put_head(struct json_out *w, struct str base)
{
    put_c(w, "openapi", "3.1.0");
    open_key(w, "info", '{');
    put_c(w, "title", "weir");
    put_c(w, "version", WEIR_VERSION);
    put_c(w, "summary", "The management API of a self-hosted AI gateway");
    json_close(w, '}');
    open_key(w, "servers", '[');
    json_open(w, '{');
    json_add_str(w, "url", base);
    json_close(w, '}');
    json_close(w, ']');
    json_add_raw(w, "security", STR("[{\"token\":[]}]"));
}

void openapi_document(struct buf *out, struct str base)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    put_head(&w, base);
    put_paths(&w);
    put_components(&w);
    json_close(&w, '}');
}

void openapi_page(struct buf *out)
{
    struct buf b;
    buf_init(&b, API_ANSWER_BYTES);
    openapi_document(&b, STR(API_PREFIX));
    struct json_doc *doc = json_parse(buf_str(&b));
    must(doc != NULL);
    json_put_pretty(out, json_root(doc));
    (void)buf_append_byte(out, '\n');
    json_free(doc);
    buf_done(&b);
}

void openapi_fetch(struct api_call *c)
{
    struct str base = arena_printf(c->arena, "%.*s" API_PREFIX, STR_FMT(api_call_public_url(c)));
    buf_clear(&c->answer);
    openapi_document(&c->answer, base);
    if (c->answer.full)
        reply_error(c, API_INTERNAL);
    else
        api_call_send(c, 200, STR("application/json"), buf_str(&c->answer));
}
