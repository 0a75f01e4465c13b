/* SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi.h"
#include "api/call.h"
#include "api/objects.h"
#include "base/limits.h"

#include <stdio.h>

enum answer { OBJECT, LIST, TEXT, NOTHING, RAW, STREAM };

static const struct op {
    void (*handler)(struct api_call *c);
    const char *id;
    const struct fields_table *body;
    enum answer answer;
} ops[] = {
#define OP(handler, id, body, answer) {handler, id, body, answer},
#include "api/openapi.def"
#undef OP
};

static const struct op *find_op(const struct route *r)
{
    static const struct op unknown = {.answer = OBJECT};
    for (size_t i = 0; i < countof(ops); i++)
        if (ops[i].handler == r->run)
            return &ops[i];
    return &unknown;
}

static void put_c(struct json_out *w, const char *key, const char *value)
{
    json_key(w, key);
    json_put_str(w, str_c(value));
}

/* ---- schemas of bodies ---- */

static void put_choices(struct json_out *w, const char *choices)
{
    struct str rest = str_c(choices);
    json_key(w, "enum");
    json_open(w, '[');
    while (rest.p)
        json_put_str(w, str_cut(&rest, ' '));
    json_close(w, ']');
}

static void put_limits(struct json_out *w, const struct field *f)
{
    static const char *const names[][2] = {
        [FIELD_INT] = {"minimum", "maximum"},
        [FIELD_NUMBER] = {"minimum", "maximum"},
        [FIELD_TEXT] = {"minLength", "maxLength"},
        [FIELD_LIST] = {"minItems", "maxItems"},
    };
    if ((size_t)f->kind >= countof(names) || !names[f->kind][0] || (f->kind == FIELD_LIST && !f->max))
        return;
    json_key(w, names[f->kind][0]);
    json_put_int(w, f->min);
    if (f->max != FIELD_INT_LARGE) {
        json_key(w, names[f->kind][1]);
        json_put_int(w, f->max);
    }
}

static void put_field(struct json_out *w, const struct field *f)
{
    static const char *const types[] = {
        [FIELD_BOOL] = "boolean", [FIELD_INT] = "integer",    [FIELD_NUMBER] = "number",
        [FIELD_TEXT] = "string",  [FIELD_ENUM] = "string",    [FIELD_OBJECT] = "object",
        [FIELD_LIST] = "array",   [FIELD_STATUSES] = "array",
    };
    bool several = f->null || f->kind == FIELD_TEXT_OR_OBJECT;
    json_key(w, f->key);
    json_open(w, '{');
    json_key(w, "type");
    if (several) {
        json_open(w, '[');
        json_put_str(w, f->null ? str_c(types[f->kind]) : STR("string"));
        json_put_str(w, f->null ? STR("null") : STR("object"));
        json_close(w, ']');
    } else {
        json_put_str(w, str_c(types[f->kind]));
    }
    put_c(w, "description", f->doc);
    if (f->kind == FIELD_ENUM && !f->null)
        put_choices(w, f->choices);
    put_limits(w, f);
    if (f->flags & FIELD_IDLE) { /* kept and shown; nothing acts on it yet */
        json_key(w, "x-weir-idle");
        json_put_bool(w, true);
    }
    if (f->omitted[0] && !(f->flags & FIELD_REQUIRED)) {
        json_key(w, "default");
        json_put_raw(w, str_c(f->omitted));
    }
    json_close(w, '}');
}

static void put_table(struct json_out *w, const struct fields_table *t)
{
    json_key(w, t->name);
    json_open(w, '{');
    put_c(w, "type", "object");
    json_key(w, "properties");
    json_open(w, '{');
    for (size_t i = 0; i < t->n; i++)
        put_field(w, &t->v[i]);
    json_close(w, '}');
    json_close(w, '}');
}

/* What one member of a body must be is the same everywhere; which must be there depends on the call. */
static void put_body(struct json_out *w, const struct route *r, const struct fields_table *t)
{
    bool partial = str_eq(r->method, STR("PATCH"));
    json_key(w, "requestBody");
    json_open(w, '{');
    json_key(w, "required");
    json_put_bool(w, true);
    json_key(w, "content");
    json_open(w, '{');
    json_key(w, "application/json");
    json_open(w, '{');
    json_key(w, "schema");
    json_open(w, '{');
    json_key(w, "allOf");
    json_open(w, '[');
    json_open(w, '{');
    char ref[128];
    (void)snprintf(ref, sizeof(ref), "#/components/schemas/%s", t->name);
    put_c(w, "$ref", ref);
    json_close(w, '}');
    json_close(w, ']');
    json_key(w, "required");
    json_open(w, '[');
    for (size_t i = 0; i < t->n && !partial; i++)
        if (t->v[i].flags & FIELD_REQUIRED)
            json_put_str(w, str_c(t->v[i].key));
    json_close(w, ']');
    for (int i = 0; i < 4; i++)
        json_close(w, '}');
}

/* ---- parameters ---- */

static void put_parameter(struct json_out *w, struct str name, const char *place)
{
    json_open(w, '{');
    json_key(w, "name");
    json_put_str(w, name);
    put_c(w, "in", place);
    json_key(w, "required");
    json_put_bool(w, place[0] == 'p');
    json_key(w, "schema");
    json_open(w, '{');
    bool number = str_eq(name, STR("page")) || str_eq(name, STR("per_page")) || str_eq(name, STR("limit"));
    put_c(w, "type", number ? "integer" : "string");
    json_close(w, '}');
    json_close(w, '}');
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && s.p[i] != '_' && s.p[i] != '.')
            return false;
    return s.n > 1;
}

/* A summary names a call's parameters behind "Query:", in backquotes; what it says of one is in parentheses.
 */
static void put_query(struct json_out *w, struct str summary)
{
    struct str rest = str_from(summary, str_search(summary, STR("Query: ")));
    int depth = 0;
    for (size_t i = 0; i < rest.n; i++) {
        depth += rest.p[i] == '(' ? 1 : rest.p[i] == ')' ? -1 : 0;
        if (rest.p[i] != '`')
            continue;
        struct str name = str_from(rest, i + 1);
        name = str_head(name, str_find(name, '`'));
        if (depth == 0 && is_name(name))
            put_parameter(w, name, "query");
        i += name.n + 1;
    }
}

static void put_parameters(struct json_out *w, const struct route *r)
{
    struct str path = r->pattern;
    json_key(w, "parameters");
    json_open(w, '[');
    while (path.p) {
        struct str part = str_cut(&path, '/');
        if (str_starts(part, STR("{")))
            put_parameter(w, str_head(str_from(part, 1), part.n - 2), "path");
    }
    put_query(w, str_c(r->summary));
    json_close(w, ']');
}

/* ---- answers ---- */

static void put_ref_answer(struct json_out *w, const char *status, const char *says, const char *schema)
{
    json_key(w, status);
    json_open(w, '{');
    put_c(w, "description", says);
    if (schema) {
        char ref[128];
        (void)snprintf(ref, sizeof(ref), "#/components/schemas/%s", schema);
        json_key(w, "content");
        json_open(w, '{');
        json_key(w, "application/json");
        json_open(w, '{');
        json_key(w, "schema");
        json_open(w, '{');
        put_c(w, "$ref", ref);
        for (int i = 0; i < 3; i++)
            json_close(w, '}');
    }
    json_close(w, '}');
}

static void put_answers(struct json_out *w, const struct route *r, enum answer answer)
{
    static const char *const schemas[] = {
        [OBJECT] = "ObjectAnswer", [LIST] = "ListAnswer", [TEXT] = "TextAnswer", [NOTHING] = "Answer"};
    json_key(w, "responses");
    json_open(w, '{');
    put_ref_answer(w, "200", answer == STREAM ? "Rows, as they are read" : "As asked",
                   answer < RAW ? schemas[answer] : NULL);
    if (r->takes_body || str_has(str_c(r->summary), STR("Query: ")))
        put_ref_answer(w, "400", "Something in the request is wrong; `path` says what", "Refusal");
    if (r->allowed != ALLOW_PUBLIC)
        put_ref_answer(w, "403", "No token, or one that may not do this", "Refusal");
    if (str_has(r->pattern, STR("{G}")) || str_ends(r->pattern, STR("}")))
        put_ref_answer(w, "404", "There is none", "Refusal");
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
    struct str tag = tag_of(r->pattern), method = r->method;
    char name[8] = "";
    for (size_t i = 0; i < method.n && i < sizeof(name) - 1; i++)
        name[i] = (char)(method.p[i] | 0x20);
    json_key(w, name);
    json_open(w, '{');
    if (op->id && !str_eq(r->pattern, STR("/accounts/{A}/tokens/verify")))
        put_c(w, "operationId", op->id);
    json_key(w, "tags");
    json_open(w, '[');
    json_put_str(w, tag);
    json_close(w, ']');
    put_c(w, "summary", r->summary);
    put_parameters(w, r);
    if (op->body)
        put_body(w, r, op->body);
    put_answers(w, r, op->answer);
    if (r->allowed == ALLOW_PUBLIC) {
        json_key(w, "security");
        json_put_raw(w, STR("[]"));
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
    json_key(w, "paths");
    json_open(w, '{');
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
        bool seen = !ops[i].body;
        for (size_t k = 0; k < i && !seen; k++)
            seen = ops[k].body == ops[i].body;
        if (!seen)
            put_table(w, ops[i].body);
    }
}

/* The envelopes of control plane section 2. */
static const char envelopes[] =
    "\"Message\":{\"type\":\"object\",\"required\":[\"code\",\"message\"],\"properties\":{\"code\":{\"type\":"
    "\"integer\"},"
    "\"message\":{\"type\":\"string\"},\"path\":{\"type\":\"array\",\"items\":{\"type\":[\"string\","
    "\"integer\"]}}}},"
    "\"Answer\":{\"type\":\"object\",\"required\":[\"success\"],\"properties\":{\"success\":{\"type\":"
    "\"boolean\"},"
    "\"errors\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Message\"}},"
    "\"messages\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Message\"}}}},"
    "\"ObjectAnswer\":{\"allOf\":[{\"$ref\":\"#/components/schemas/Answer\"}],\"type\":\"object\","
    "\"properties\":{\"result\":{\"type\":\"object\"}}},"
    "\"TextAnswer\":{\"allOf\":[{\"$ref\":\"#/components/schemas/Answer\"}],\"type\":\"object\","
    "\"properties\":{\"result\":{\"type\":\"string\"}}},"
    "\"ListAnswer\":{\"allOf\":[{\"$ref\":\"#/components/schemas/"
    "Answer\"}],\"type\":\"object\",\"properties\":{"
    "\"result\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},\"result_info\":{\"type\":\"object\","
    "\"properties\":{"
    "\"page\":{\"type\":\"integer\"},\"per_page\":{\"type\":\"integer\"},\"count\":{\"type\":\"integer\"},"
    "\"total_count\":{\"type\":\"integer\"},\"total_pages\":{\"type\":\"integer\"}}}}},"
    "\"Refusal\":{\"allOf\":[{\"$ref\":\"#/components/schemas/Answer\"}]}";

void openapi_document(struct buf *out, struct str base)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    put_c(&w, "openapi", "3.1.0");
    json_key(&w, "info");
    json_open(&w, '{');
    put_c(&w, "title", "weir");
    put_c(&w, "version", WEIR_VERSION);
    put_c(&w, "summary", "The management API of a self-hosted AI gateway");
    json_close(&w, '}');
    json_key(&w, "servers");
    json_open(&w, '[');
    json_open(&w, '{');
    json_key(&w, "url");
    json_put_str(&w, base);
    json_close(&w, '}');
    json_close(&w, ']');
    json_key(&w, "security");
    json_put_raw(&w, STR("[{\"token\":[]}]"));
    put_paths(&w);
    json_key(&w, "components");
    json_open(&w, '{');
    json_key(&w, "securitySchemes");
    json_put_raw(&w, STR("{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}"));
    json_key(&w, "schemas");
    json_open(&w, '{');
    put_tables(&w);
    (void)buf_append_c(out, ",");
    (void)buf_append_c(out, envelopes);
    json_close(&w, '}');
    json_close(&w, '}');
    json_close(&w, '}');
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
