/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request to what is asked: the route, the behaviour its words want, and what to say. The
 * providers' request forms differ in names more than in structure, so one reader knows them all:
 * it looks for a member under each of its names.
 */
#include "base/limits.h"
#include "mock/shape.h"

int64_t tokens_of(size_t bytes)
{
    return (int64_t)((bytes + 3) / 4);
}

/* ---- the request line ---- */

static struct str percent_decoded(struct arena *a, struct str s)
{
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;
    if (!out)
        return (struct str){NULL, 0};
    for (size_t i = 0; i < s.n; i++) {
        bool escape =
            s.p[i] == '%' && i + 2 < s.n && hex_digit(s.p[i + 1]) >= 0 && hex_digit(s.p[i + 2]) >= 0;
        out[n++] = escape ? (char)(hex_digit(s.p[i + 1]) * 16 + hex_digit(s.p[i + 2])) : s.p[i];
        i += escape ? 2 : 0;
    }
    return str_of(out, n);
}

/* Value of a query parameter, raw; p == NULL when absent. */
static struct str query_get(struct str query, struct str name)
{
    while (query.p) {
        struct str value = str_cut(&query, '&');
        if (str_eq(str_cut(&value, '='), name))
            return value.p ? value : STR("");
    }
    return (struct str){NULL, 0};
}

static bool query_has(struct str query, const char *parameter)
{
    while (query.p)
        if (str_eq(str_cut(&query, '&'), str_c(parameter)))
            return true;
    return false;
}

static bool route_matches(const struct route *r, const struct request_head *h, struct str *ret_model)
{
    struct str within = str_c(r->within), ends = str_c(r->ends);
    if ((r->method && !str_eq(h->method, str_c(r->method))) || !str_ends(h->path, ends))
        return false;
    size_t at = within.n ? str_search(h->path, within) : 0;
    if (at + within.n + ends.n > h->path.n || (r->query && !query_has(h->query, r->query)))
        return false;
    if (within.n)
        *ret_model = str_of(h->path.p + at + within.n, h->path.n - at - within.n - ends.n);
    return true;
}

static void read_route(struct ask *q)
{
    struct str model = {NULL, 0};
    for (size_t i = 0; i < n_routes && !q->shape; i++)
        if (route_matches(&routes[i], q->head, &model)) {
            q->shape = routes[i].shape;
            q->stream = routes[i].stream;
        }
    if (!q->shape) {
        q->shape = shape_of_stranger(q->head);
        q->fault = (struct fault){404, STR("The mock provider does not know this path.")};
    }
    /* Azure keeps the model before the operation's name */
    size_t deployment = str_search(q->head->path, STR("/deployments/"));
    if (deployment < q->head->path.n) {
        struct str rest = str_from(q->head->path, deployment + STR("/deployments/").n);
        model = str_cut(&rest, '/');
    }
    if (model.n)
        q->model = percent_decoded(q->arena, model);
    words_read_model(&q->how, q->model);
}

const struct flavour_row flavours[] = {
    {S("/groq/"), F_X_GROQ, "streams report usage inside `x_groq` of the finish chunk"},
    {S("/grok/"), F_REASONING_APART | F_USAGE_LAST,
     "`total_tokens` has reasoning, `completion_tokens` has not"},
    {S("/xai/"), F_REASONING_APART | F_USAGE_LAST, "the same"},
    {S("/perplexity"), F_REASONING_APART | F_USAGE_EVERY,
     "every chunk reports usage so far; reasoning apart"},
    {S("/deepseek/"), F_CACHE_HIT | F_USAGE_LAST, "`prompt_cache_hit_tokens` and `prompt_cache_miss_tokens`"},
    {S("/openrouter/"), F_COST | F_USAGE_LAST, "`usage.cost`: a dollar for a million tokens"},
    {S("/mistral/"), F_EMBEDDING_ID | F_USAGE_LAST,
     "usage on the finish chunk, asked for or not; embeddings have an `id` and `output_dimension`"},
    {S("/cerebras/"), F_USAGE_LAST, "usage on the finish chunk, asked for or not"},
};
const size_t n_flavours = countof(flavours);

static void read_flavour(struct ask *q)
{
    for (size_t i = 0; i < n_flavours; i++)
        if (str_has(q->head->path, flavours[i].segment))
            q->flavour = flavours[i].flavour;
}

static void read_words(struct ask *q)
{
    struct str from_query = query_get(q->head->query, STR("model"));
    if (from_query.p)
        words_read_model(&q->how, percent_decoded(q->arena, from_query));
    words_read(&q->how, query_get(q->head->query, STR("mock")));
    words_read(&q->how, headers_first(&q->head->headers, STR("x-mock")));
}

/* ---- the body ---- */

/* The first member that is there, of those with these names. */
static const struct json_val *get_any(const struct json_val *object, const char *const *names, size_t n)
{
    const struct json_val *v = NULL;
    for (size_t i = 0; i < n && !v; i++)
        v = json_get(object, names[i]);
    return v;
}
#define GET_ANY(object, ...)                                                                                 \
    get_any((object), (const char *const[]){__VA_ARGS__}, countof(((const char *const[]){__VA_ARGS__})))

static const struct json_val *get_path(const struct json_val *v, const char *const *keys)
{
    for (size_t i = 0; keys[i] && v; i++)
        v = json_get(v, keys[i]);
    return v;
}

/* Bytes of all text that a prompt's value holds: recursion ends at JSON_DEPTH. */
static size_t text_bytes(const struct json_val *v)
{
    static const char *const holders[] = {"content", "text",       "parts", "message",
                                          "output",  "toolResult", "value"};
    size_t n = json_str(v).n;
    if (json_type(v) == JSON_ARRAY)
        for (struct json_iter it = json_iter(v); json_next(&it);)
            n += text_bytes(it.val);
    for (size_t i = 0; i < countof(holders); i++)
        n += json_type(v) == JSON_OBJECT ? text_bytes(json_get(v, holders[i])) : 0;
    return n;
}

static size_t prompt_bytes(const struct json_val *root)
{
    static const char *const prompts[] = {
        "messages",     "input",  "prompt",       "message",   "contents",          "content",
        "requests",     "texts",  "text",         "inputText", "instances",         "singleEmbeddingParams",
        "chat_history", "system", "instructions", "preamble",  "systemInstruction", "system_instruction",
    };
    size_t n = 0;
    for (size_t i = 0; i < countof(prompts); i++)
        n += text_bytes(json_get(root, prompts[i]));
    return n;
}

/* The last piece of text in a message. */
static struct str text_in(const struct json_val *v)
{
    struct str text = json_str(v);
    if (json_type(v) == JSON_ARRAY)
        for (size_t i = json_count(v); i > 0 && text.n == 0; i--)
            text = text_in(json_at(v, i - 1));
    if (json_type(v) == JSON_OBJECT)
        text = text_in(GET_ANY(v, "text", "content", "parts", "output", "toolResult"));
    return text;
}

static bool holds_tool_result(const struct json_val *message)
{
    struct str type = json_str(json_get(message, "type"));
    if (str_eq(json_str(json_get(message, "role")), STR("tool")) || str_eq(type, STR("function_call_output")))
        return true;
    for (struct json_iter it = json_iter(GET_ANY(message, "content", "parts")); json_next(&it);)
        if (str_eq(json_str(json_get(it.val, "type")), STR("tool_result")) ||
            GET_ANY(it.val, "toolResult", "functionResponse"))
            return true;
    return false;
}

static bool is_users(const struct json_val *message)
{
    struct str role = json_str(json_get(message, "role"));
    return role.n == 0 || str_ieq(role, STR("user"));
}

struct turn {
    struct str text;
    bool from_tool;
};

static struct turn last_turn(const struct json_val *root)
{
    const struct json_val *list =
        GET_ANY(root, "messages", "contents", "input", "prompt", "message", "inputText", "text");
    if (json_count(json_get(root, "tool_results")) > 0)
        return (struct turn){.from_tool = true};
    if (json_type(list) != JSON_ARRAY)
        return (struct turn){.text = text_in(list)};
    for (size_t i = json_count(list); i > 0; i--) {
        const struct json_val *message = json_at(list, i - 1);
        if (holds_tool_result(message))
            return (struct turn){.text = text_in(message), .from_tool = true};
        if (is_users(message))
            return (struct turn){.text = text_in(message)};
    }
    return (struct turn){.from_tool = false};
}

/* ---- tools ---- */

struct tool {
    struct str name;
    const struct json_val *schema, *properties; /* one or the other */
};

static struct tool as_tool(const struct json_val *v)
{
    const struct json_val *inner = GET_ANY(v, "function", "toolSpec");
    const struct json_val *declaration = inner ? inner : v;
    const struct json_val *schema =
        GET_ANY(declaration, "parameters", "input_schema", "parametersJsonSchema", "inputSchema");
    const struct json_val *json = json_get(schema, "json"); /* Bedrock's wrapping */
    return (struct tool){
        .name = json_str(json_get(declaration, "name")),
        .schema = json ? json : schema,
        .properties = json_get(declaration, "parameter_definitions"), /* Cohere, version 1 */
    };
}

/* The first tool of that name, or for an empty name of any; or, by `mention`, one the text names. */
static struct tool find_tool(const struct json_val *tools, struct str name, struct str mention)
{
    for (struct json_iter it = json_iter(tools); json_next(&it);) {
        const struct json_val *several = GET_ANY(it.val, "functionDeclarations", "function_declarations");
        struct tool t = several ? find_tool(several, name, mention) : as_tool(it.val);
        bool wanted = mention.p ? str_has(mention, t.name) : name.n == 0 || str_eq(name, t.name);
        if (t.name.n && wanted)
            return t;
    }
    return (struct tool){.schema = NULL};
}

enum choice { TOOL_AUTO, TOOL_FORCED, TOOL_NEVER };

static enum choice tool_choice(const struct json_val *root, struct str *ret_name)
{
    const struct json_val *config = json_get(root, "toolConfig");
    const struct json_val *gemini = json_get(config, "functionCallingConfig");
    const struct json_val *v = json_get(root, "tool_choice");
    if (!v)
        v = gemini ? json_get(gemini, "mode") : json_get(config, "toolChoice");
    struct str word = json_str(json_type(v) == JSON_OBJECT ? json_get(v, "type") : v);
    const struct json_val *named = GET_ANY(v, "function", "tool");
    *ret_name = json_str(gemini ? json_at(json_get(gemini, "allowedFunctionNames"), 0)
                                : json_get(named ? named : v, "name"));
    if (str_ieq(word, STR("none")))
        return TOOL_NEVER;
    bool any = str_ieq(word, STR("required")) || str_ieq(word, STR("any")) || json_get(v, "any");
    return any || ret_name->n ? TOOL_FORCED : TOOL_AUTO;
}

static struct str instance(struct ask *q, const struct tool *t, struct str said)
{
    struct buf b;
    buf_init(&b, MOCK_INSTANCE_BYTES);
    struct json_out w = json_out(&b);
    if (t->schema)
        schema_instance(&w, t->schema, said);
    else
        schema_object(&w, t->properties, said);
    struct str out = b.full ? STR("{}") : arena_dup(q->arena, buf_str(&b));
    buf_done(&b);
    return out;
}

static void read_tool(struct ask *q, const struct turn *turn)
{
    const struct json_val *tools = json_get(q->root, "tools");
    if (!tools)
        tools = json_get(json_get(q->root, "toolConfig"), "tools");
    if (json_count(tools) == 0)
        return;
    struct str name = {NULL, 0};
    enum choice choice = tool_choice(q->root, &name);
    struct tool t = {.schema = NULL};
    if (choice == TOOL_FORCED)
        t = find_tool(tools, name, (struct str){NULL, 0});
    else if (choice == TOOL_AUTO && !turn->from_tool && turn->text.n)
        t = find_tool(tools, name, turn->text);
    if (t.name.n == 0)
        return;
    q->tool = arena_dup(q->arena, t.name);
    q->said = instance(q, &t, STR("mock"));
}

/* ---- what to say ---- */

/* At most n bytes of s, without a torn character at the end. */
static struct str head_of_text(struct str s, size_t n)
{
    if (n >= s.n)
        return s;
    while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return str_head(s, n);
}

static const struct json_val *answer_schema(const struct json_val *root)
{
    static const char *const paths[][5] = {
        {"response_format", "json_schema", "schema"},
        {"response_format", "json_schema"},
        {"response_format", "schema"},
        {"text", "format", "schema"},
        {"generationConfig", "responseSchema"},
        {"generationConfig", "responseJsonSchema"},
        {"output_config", "format", "schema"},
        {"output_format", "schema"},
    };
    const struct json_val *v = NULL;
    for (size_t i = 0; i < countof(paths) && !v; i++)
        v = get_path(root, paths[i]);
    return v;
}

static struct str friendly(struct ask *q, const struct turn *turn)
{
    static const struct str closing = S("\". This is the mock provider: the same request, the same answer.");
    if (turn->text.n == 0)
        return turn->from_tool ? STR("The mock provider has seen the tool's answer.")
                               : STR("Hello from the mock provider: the same request, the same answer.");
    const struct str parts[] = {
        turn->from_tool ? STR("The tool said: \"") : STR("You said: \""),
        head_of_text(turn->text, MOCK_QUOTE_BYTES),
        closing,
    };
    return arena_join(q->arena, parts, countof(parts));
}

static void read_said(struct ask *q)
{
    struct turn turn = last_turn(q->root);
    read_tool(q, &turn);
    if (q->tool.n)
        return;
    const struct tool form = {.schema = answer_schema(q->root)};
    q->exact = form.schema != NULL;
    q->said = q->exact ? instance(q, &form, head_of_text(turn.text, MOCK_QUOTE_BYTES)) : friendly(q, &turn);
}

static void read_limits(struct ask *q)
{
    static const char *const configs[] = {"generationConfig", "inferenceConfig"};
    const struct json_val *v = GET_ANY(q->root, "max_completion_tokens", "max_output_tokens", "max_tokens",
                                       "maxTokens", "max_gen_len");
    for (size_t i = 0; i < countof(configs) && !v; i++)
        v = GET_ANY(json_get(q->root, configs[i]), "maxOutputTokens", "maxTokens");
    if (!json_uint(v, &q->max_tokens))
        q->max_tokens = -1;
}

/* The value of a multipart form's field `model`: enough to find the words in an upload. */
static struct str form_model(struct str body)
{
    struct str rest = str_from(body, str_search(body, STR("name=\"model\"")));
    rest = str_from(rest, str_search(rest, STR("\r\n\r\n")));
    rest = str_from(rest, 4);
    return str_head(rest, str_find(rest, '\r'));
}

static void read_body(struct ask *q)
{
    q->doc = json_parse(q->body);
    q->root = json_root(q->doc);
    if (json_type(q->root) != JSON_OBJECT) {
        if (!q->shape->any_body && !q->fault.status)
            q->fault = (struct fault){400, STR("The request body is not a JSON object.")};
        if (q->model.n == 0 && q->body.n)
            q->model = arena_dup(q->arena, form_model(q->body));
        return;
    }
    struct str model = json_str(json_get(q->root, "model"));
    if (model.n)
        q->model = arena_dup(q->arena, model);
    q->stream = q->stream || json_bool(json_get(q->root, "stream"), false);
    q->usage_asked = json_bool(json_get(json_get(q->root, "stream_options"), "include_usage"), false);
    q->tokens_in = tokens_of(prompt_bytes(q->root));
    read_limits(q);
    read_said(q);
}

void ask_read(struct ask *q, struct arena *a, const struct request_head *head, struct str body)
{
    *q = (struct ask){.arena = a, .head = head, .body = body, .max_tokens = -1};
    memset(&q->how, 0xff, sizeof(q->how)); /* -1 everywhere */
    q->hash = hash_bytes(body, hash_bytes(head->path, 0));
    read_route(q);
    read_flavour(q);
    if (body.n || !q->shape->any_body)
        read_body(q);
    read_words(q);
    words_read_model(&q->how, q->model);
    if (q->model.n == 0)
        q->model = STR("mock");
}

/* ---- once the behaviour is known ---- */

unsigned ask_events(const struct ask *q)
{
    unsigned n = 0;
    for (const struct part *p = q->shape->parts; p->count; p++)
        n += p->count(q);
    return n;
}

static void settle_pieces(struct ask *q)
{
    q->pieces = 0;
    unsigned others = ask_events(q);
    if (q->how.events >= 0)
        q->pieces = q->how.events > others ? (unsigned)q->how.events - others : 1;
    else
        q->pieces = (unsigned)(q->tokens_out < MOCK_PIECES ? q->tokens_out : MOCK_PIECES);
    if (q->pieces == 0)
        q->pieces = 1;
}

static void settle_bytes(struct ask *q)
{
    bool exact = q->exact || q->tool.n;
    q->said_bytes = q->said.n;
    if (exact)
        return;
    if (q->how.big >= 0)
        q->said_bytes = (size_t)q->how.big;
    else if (q->how.events >= 0 && q->stream && q->said_bytes < 4 * (size_t)q->how.events)
        q->said_bytes = 4 * (size_t)q->how.events; /* a token for every event */
    else if (q->max_tokens >= 0 && (size_t)q->max_tokens < (q->said_bytes + 3) / 4) {
        q->said_bytes = 4 * (size_t)q->max_tokens;
        q->cut_short = true;
    }
    q->said = head_of_text(q->said, q->said_bytes);
    if (q->cut_short)
        q->said_bytes = q->said.n;
}

static int64_t or_none(int64_t n)
{
    return n > 0 ? n : 0;
}

static void settle_fault(struct ask *q)
{
    if (q->how.status < 0)
        return;
    q->fault.status = (int)q->how.status;
    q->fault.message = arena_printf(q->arena, "The mock provider answers %d because the request asks for it.",
                                    q->fault.status);
    if (q->fault.status == 429)
        q->retry_after = 1;
}

void ask_settle(struct ask *q)
{
    q->cached = or_none(q->how.cached);
    q->written = or_none(q->how.written);
    q->written1h = or_none(q->how.written1h);
    q->reasoning = or_none(q->how.reasoning);
    if (q->how.echo > 0) {
        q->tool.n = 0;
        q->exact = true;
        if (q->fault.status || !q->shape->parts)
            q->shape = &shape_echo;
        else
            q->said = echo_text(q);
        q->fault.status = 0;
    }
    settle_fault(q);
    q->stream = q->stream && q->shape->parts;
    settle_bytes(q);
    q->tokens_out = tokens_of(q->said_bytes + q->tool.n);
    if (q->stream)
        settle_pieces(q);
}

void ask_done(struct ask *q)
{
    json_free(q->doc);
    q->doc = NULL;
    q->root = NULL;
}
