/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of an OpenAI Responses request, read and written: tools, output format, reasoning, numbers,
 * labels. Two defaults differ from everybody else's: functions are strict unless it is said that they are
 * not, and answers are stored unless it is said that they are not.
 *
 * Cache marks exist for this dialect's newest models and are refused by the others, which cache without being
 * told: they are read and not written.
 */
#include "base/crypto.h"
#include "providers/codec_openai_responses.h"

/* ---- tools, read ---- */

/* Could a provider hold the model to this schema as it stands: every object lists all it may have, and all of
 * that is required? */
static bool is_strict(const struct json_val *v)
{
    const struct json_val *properties = json_get(v, "properties");
    bool object = json_type(properties) == JSON_OBJECT || str_eq(codec_text(v, "type"), STR("object"));
    if (object && (json_bool(json_get(v, "additionalProperties"), true) ||
                   json_count(json_get(v, "required")) != json_count(properties)))
        return false;
    for (struct json_iter it = json_iter(v); json_next(&it);)
        if (!is_strict(it.val))
            return false;
    return true;
}

/*
 * Strict is the default here, and providers of this dialect make an unfit schema fit. Others refuse it; so
 * strictness that was not asked for is only asked of them where the schema bears it. `false` is what all
 * others mean when they say nothing.
 */
static int read_strict(const struct json_val *tool, const struct json_val *schema)
{
    int said = codec_bool(tool, "strict");
    if (said >= 0)
        return said ? 1 : -1;
    return json_type(schema) == JSON_OBJECT && is_strict(schema) ? 1 : -1;
}

static enum err read_tool(struct responses_reading *q, const struct json_val *v, size_t i)
{
    static const char *const known[] = {"type", "name", "description", "parameters", "strict", NULL};
    const struct json_val *schema = json_get(v, "parameters");
    struct str type = codec_text(v, "type"), name = codec_text(v, "name");
    bool function = str_eq(type, STR("function"));
    if (!type.n || (function && !name.p))
        return codec_refuse(q->a, q->ret_why, "tools[%zu] has no %s", i, function ? "name" : "type");
    struct ir_tool *t = ir_add_tool(q->a, q->r);
    if (!t)
        return E_FULL;
    if (!function) {
        t->name = type;
        t->raw = codec_raw(q->a, v);
        t->raw_dialect = D_OPENAI_RESPONSES;
        return t->raw.p ? E_OK : E_FULL;
    }
    codec_note_unknown(q->a, q->r, v, known);
    t->name = name;
    t->description = codec_text(v, "description");
    t->strict = read_strict(v, schema);
    if (json_type(schema) == JSON_OBJECT)
        t->schema = codec_raw(q->a, schema);
    return t->schema.p || json_type(schema) != JSON_OBJECT ? E_OK : E_FULL;
}

static enum err read_tools(struct responses_reading *q, const struct json_val *tools)
{
    size_t i = 0;
    for (struct json_iter it = json_iter(tools); json_next(&it); i++) {
        enum err e = read_tool(q, it.val, i);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

static bool is_allowed(const struct ir_tool *t, const struct json_val *list)
{
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        bool function = str_eq(codec_text(it.val, "type"), STR("function"));
        if (str_eq(codec_text(it.val, function ? "name" : "type"), t->name) && function == !t->raw.p)
            return true;
    }
    return false;
}

/* The others have no word for "of these tools only": the rest is not offered. */
static void keep_allowed(struct ir_request *r, const struct json_val *list)
{
    struct ir_tool **at = &r->tools;
    while (*at) {
        if (is_allowed(*at, list))
            at = &(*at)->next;
        else
            *at = (*at)->next;
    }
    r->last_tool = at;
}

static enum ir_choice choice_word(struct str word)
{
    return str_eq(word, STR("auto"))       ? IR_CHOICE_AUTO
           : str_eq(word, STR("none"))     ? IR_CHOICE_NONE
           : str_eq(word, STR("required")) ? IR_CHOICE_REQUIRED
                                           : IR_CHOICE_UNSET;
}

static void read_choice(struct responses_reading *q, const struct json_val *v)
{
    struct str type = codec_text(v, "type");
    if (json_type(v) == JSON_STRING) {
        q->r->choice = choice_word(json_str(v));
    } else if (str_eq(type, STR("function"))) {
        q->r->choice = IR_CHOICE_NAMED;
        q->r->choice_name = codec_text(v, "name");
    } else if (str_eq(type, STR("allowed_tools"))) {
        q->r->choice = choice_word(codec_text(v, "mode"));
        keep_allowed(q->r, json_get(v, "tools"));
    }
    bool unread =
        q->r->choice == IR_CHOICE_UNSET || (q->r->choice == IR_CHOICE_NAMED && !q->r->choice_name.n);
    if (unread)
        q->r->choice = IR_CHOICE_UNSET;
    if (unread && json_type(v) != JSON_NONE && json_type(v) != JSON_NULL)
        ir_drop(q->a, q->r, STR("tool_choice"));
}

/* ---- everything else, read ---- */

static enum err read_format(struct responses_reading *q, const struct json_val *format)
{
    struct ir_request *r = q->r;
    struct str type = codec_text(format, "type");
    if (str_eq(type, STR("text")))
        r->format = IR_FORMAT_TEXT;
    else if (str_eq(type, STR("json_object")))
        r->format = IR_FORMAT_JSON;
    else if (type.p && !str_eq(type, STR("json_schema")))
        return codec_refuse(q->a, q->ret_why, "text.format has an unknown type");
    if (!str_eq(type, STR("json_schema")))
        return E_OK;
    r->format = IR_FORMAT_SCHEMA;
    r->format_name = codec_text(format, "name");
    r->format_description = codec_text(format, "description");
    r->format_strict = codec_bool(format, "strict");
    r->format_schema = codec_raw(q->a, json_get(format, "schema"));
    if (!json_get(format, "schema"))
        return codec_refuse(q->a, q->ret_why, "text.format has no schema");
    return r->format_schema.p ? E_OK : E_FULL;
}

static void read_thinking(struct responses_reading *q, const struct json_val *v)
{
    static const char *const known[] = {"effort", "summary", "generate_summary", NULL};
    q->r->effort = codec_text(v, "effort");
    if (str_eq(q->r->effort, STR("none")))
        q->r->thinking = 0;
    if (str_eq(q->r->effort, STR("max"))) /* beyond what the neutral form knows */
        q->r->effort = STR("xhigh");
    if (codec_text(v, "summary").p || codec_text(v, "generate_summary").p)
        q->r->thinking_shown = 1;
    codec_note_unknown(q->a, q->r, v, known);
}

static void read_include(struct responses_reading *q, const struct json_val *list)
{
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct str what = json_str(it.val);
        if (str_eq(what, STR("message.output_text.logprobs")))
            q->r->logprobs = 1;
        else if (!str_eq(what, STR("reasoning.encrypted_content"))) /* clients get it in any case */
            ir_drop(q->a, q->r, what.n ? what : STR("include"));
    }
}

static enum err read_numbers(struct responses_reading *q, const struct json_val *root)
{
    const struct json_val *max = json_get(root, "max_output_tokens"), *top = json_get(root, "top_logprobs");
    struct ir_request *r = q->r;
    r->temperature = codec_number(q->a, root, "temperature");
    r->top_p = codec_number(q->a, root, "top_p");
    r->max_tokens = codec_int(max);
    r->top_logprobs = codec_int(top);
    if (r->top_logprobs > 0)
        r->logprobs = 1;
    if (r->max_tokens < 0 && json_type(max) != JSON_NONE && json_type(max) != JSON_NULL)
        return codec_refuse(q->a, q->ret_why, "max_output_tokens is not a whole number");
    return E_OK;
}

static void read_labels(struct responses_reading *q, const struct json_val *root)
{
    struct ir_request *r = q->r;
    struct str user = codec_text(root, "user"), safety = codec_text(root, "safety_identifier");
    r->user = user.p ? user : safety;
    if (user.p && safety.p)
        ir_drop(q->a, q->r, STR("safety_identifier"));
    if (json_type(json_get(root, "metadata")) == JSON_OBJECT)
        r->metadata = codec_raw(q->a, json_get(root, "metadata"));
    r->service_tier = codec_text(root, "service_tier");
    r->verbosity = codec_text(json_get(root, "text"), "verbosity");
    r->store = codec_bool(root, "store");
    r->stream = codec_bool(root, "stream") == 1;
    r->parallel_tools = codec_bool(root, "parallel_tool_calls");
}

enum err responses_read_settings(struct responses_reading *q, const struct json_val *root)
{
    static const char *const known[] = {"model",
                                        "input",
                                        "instructions",
                                        "stream",
                                        "stream_options",
                                        "tools",
                                        "tool_choice",
                                        "parallel_tool_calls",
                                        "text",
                                        "reasoning",
                                        "max_output_tokens",
                                        "temperature",
                                        "top_p",
                                        "top_logprobs",
                                        "include",
                                        "store",
                                        "metadata",
                                        "user",
                                        "safety_identifier",
                                        "service_tier",
                                        NULL};
    codec_note_unknown(q->a, q->r, root, known);
    q->r->model = codec_text(root, "model");
    read_labels(q, root);
    read_thinking(q, json_get(root, "reasoning"));
    read_include(q, json_get(root, "include"));
    enum err e = read_numbers(q, root);
    if (e == E_OK)
        e = read_format(q, json_get(json_get(root, "text"), "format"));
    if (e == E_OK)
        e = read_tools(q, json_get(root, "tools"));
    if (e == E_OK)
        read_choice(q, json_get(root, "tool_choice"));
    return e;
}

/* ---- tools, written
 * ---- */

void responses_put_tools(struct json_out *w, const struct ir_request *r, unsigned quirks)
{
    json_open(w, '[');
    for (const struct ir_tool *t = r->tools; t; t = t->next) {
        if (t->raw.p && t->raw_dialect == D_OPENAI_RESPONSES)
            json_put_raw(w, t->raw);
        if (t->raw.p)
            continue;
        json_open(w, '{');
        responses_put(w, "type", STR("function"));
        responses_put(w, "name", t->name);
        if (t->description.p)
            responses_put(w, "description", t->description);
        json_add_raw(w, "parameters", t->schema.p ? t->schema : STR("null"));
        if (!(quirks & CODEC_NO_STRICT)) { /* not to say it means true, here alone */
            json_add_bool(w, "strict", t->strict == 1);
        }
        json_close(w, '}');
    }
    json_close(w, ']');
}

void responses_put_choice(struct json_out *w, const struct ir_request *r)
{
    switch (r->choice) {
    case IR_CHOICE_NONE: json_put_str(w, STR("none")); break;
    case IR_CHOICE_REQUIRED: json_put_str(w, STR("required")); break;
    case IR_CHOICE_NAMED:
        json_open(w, '{');
        responses_put(w, "type", STR("function"));
        responses_put(w, "name", r->choice_name);
        json_close(w, '}');
        break;
    default: json_put_str(w, STR("auto"));
    }
}

static void put_tools(struct responses_writing *q)
{
    const struct ir_request *r = q->r;
    bool any = false;
    for (const struct ir_tool *t = r->tools; t; t = t->next) {
        bool foreign = t->raw.p && t->raw_dialect != D_OPENAI_RESPONSES;
        if (foreign)
            ir_drop(q->a, q->r, t->name);
        any |= !foreign;
    }
    if (any) {
        json_key(&q->w, "tools");
        responses_put_tools(&q->w, r, q->ask->quirks);
    }
    if (r->choice != IR_CHOICE_UNSET) {
        json_key(&q->w, "tool_choice");
        responses_put_choice(&q->w, r);
    }
    if (r->parallel_tools >= 0 && !(q->ask->quirks & CODEC_NO_PARALLEL))
        json_add_bool(&q->w, "parallel_tool_calls", r->parallel_tools);
}

/* ---- everything else, written
 * ---- */

void responses_put_format(struct json_out *w, const struct ir_request *r)
{
    json_open(w, '{');
    if (r->format != IR_FORMAT_SCHEMA) {
        responses_put(w, "type", r->format == IR_FORMAT_JSON ? STR("json_object") : STR("text"));
    } else {
        responses_put(w, "type", STR("json_schema"));
        responses_put(w, "name", r->format_name.n ? r->format_name : STR("answer"));
        if (r->format_description.p)
            responses_put(w, "description", r->format_description);
        json_add_raw(w, "schema", r->format_schema.p ? r->format_schema : STR("{}"));
        if (r->format_strict >= 0)
            json_add_bool(w, "strict", r->format_strict);
    }
    json_close(w, '}');
}

static void put_text_settings(struct responses_writing *q)
{
    if (q->r->format == IR_FORMAT_UNSET && !q->r->verbosity.p)
        return;
    json_key(&q->w, "text");
    json_open(&q->w, '{');
    if (q->r->format == IR_FORMAT_SCHEMA && (q->ask->quirks & CODEC_NO_JSON_SCHEMA)) {
        json_add_raw(&q->w, "format", STR("{\"type\":\"json_object\"}"));
    } else if (q->r->format != IR_FORMAT_UNSET) {
        json_key(&q->w, "format");
        responses_put_format(&q->w, q->r);
    }
    if (q->r->verbosity.p)
        responses_put(&q->w, "verbosity", q->r->verbosity);
    json_close(&q->w, '}');
}

struct str responses_effort(const struct ir_request *r)
{
    if (r->effort.p)
        return r->effort;
    if (r->thinking == 0)
        return STR("none");
    /* the newest models do not think unless they are told how much */
    return r->thinking == 1 && r->thinking_budget < 0 ? STR("medium") : ir_budget_effort(r->thinking_budget);
}

static void put_reasoning(struct responses_writing *q)
{
    struct str effort = responses_effort(q->r);
    if (!effort.p && q->r->thinking_shown != 1)
        return;
    json_key(&q->w, "reasoning");
    json_open(&q->w, '{');
    if (effort.p)
        responses_put(&q->w, "effort", effort);
    if (q->r->thinking_shown == 1)
        responses_put(&q->w, "summary", STR("auto"));
    json_close(&q->w, '}');
}

static bool has_thoughts(const struct ir_request *r)
{
    for (const struct ir_message *m = r->messages; m; m = m->next)
        for (const struct ir_part *p = m->parts; p; p = p->next)
            if (p->kind == IR_THINKING && p->id.n)
                return true;
    return false;
}

/* Models that do not think refuse to be asked for encrypted thoughts: only where thinking is talked of. */
static bool wants_thoughts(const struct ir_request *r)
{
    struct str effort = responses_effort(r);
    if (r->thinking == 0 || str_eq(effort, STR("none")))
        return false;
    return effort.p || r->thinking_shown == 1 || has_thoughts(r);
}

static void put_include(struct responses_writing *q)
{
    bool thoughts = wants_thoughts(q->r), logprobs = q->r->logprobs == 1;
    if (!thoughts && !logprobs)
        return;
    json_key(&q->w, "include");
    json_open(&q->w, '[');
    if (thoughts)
        json_put_str(&q->w, STR("reasoning.encrypted_content"));
    if (logprobs)
        json_put_str(&q->w, STR("message.output_text.logprobs"));
    json_close(&q->w, ']');
}

static void put_numbers(struct responses_writing *q)
{
    if (q->r->max_tokens >= 0)
        json_add_int(&q->w, "max_output_tokens", q->r->max_tokens);
    if (q->r->temperature.p)
        json_add_raw(&q->w, "temperature", q->r->temperature);
    if (q->r->top_p.p)
        json_add_raw(&q->w, "top_p", q->r->top_p);
    if (q->r->top_logprobs >= 0)
        json_add_int(&q->w, "top_logprobs", q->r->top_logprobs);
}

static bool is_tier(struct str word)
{
    static const struct str tiers[] = {S("auto"), S("default"), S("flex"), S("scale"), S("priority")};
    for (size_t i = 0; i < countof(tiers); i++)
        if (str_eq(word, tiers[i]))
            return true;
    return false;
}

/* 64 characters are taken; Claude Code's ids have 150. */
static void put_user(struct responses_writing *q)
{
    struct str user = q->r->user;
    unsigned char digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES];
    if (user.n > sizeof(text)) {
        sha256(user, digest);
        hex_encode(text, digest, sizeof(digest));
        user = str_of(text, sizeof(text));
    }
    responses_put(&q->w, "user", user);
}

static void put_labels(struct responses_writing *q)
{
    if (q->r->metadata.p)
        json_add_raw(&q->w, "metadata", q->r->metadata);
    if (q->r->user.p)
        put_user(q);
    if (is_tier(q->r->service_tier))
        responses_put(&q->w, "service_tier", q->r->service_tier);
    if (q->r->store >= 0)
        json_add_bool(&q->w, "store", q->r->store);
    if (q->r->stream)
        json_add_bool(&q->w, "stream", true);
}

static bool has_cache_marks(const struct ir_request *r)
{
    for (const struct ir_tool *t = r->tools; t; t = t->next)
        if (t->cache != IR_CACHE_NONE)
            return true;
    for (const struct ir_message *m = r->messages; m; m = m->next) {
        if (m->cache != IR_CACHE_NONE)
            return true;
        for (const struct ir_part *p = m->parts; p; p = p->next)
            if (p->cache != IR_CACHE_NONE)
                return true;
    }
    return false;
}

static void note_unsaid(struct responses_writing *q)
{
    const struct ir_request *r = q->r;
    const struct {
        bool said;
        const char *name;
    } members[] = {
        {r->top_k.p != NULL, "top_k"},
        {r->frequency_penalty.p != NULL, "frequency_penalty"},
        {r->presence_penalty.p != NULL, "presence_penalty"},
        {r->seed.p != NULL, "seed"},
        {r->n > 1, "n"},
        {r->stop.n > 0, "stop"},
        {r->logit_bias.p != NULL, "logit_bias"},
        {r->modalities.n > 1 || (r->modalities.n == 1 && !str_eq(r->modalities.v[0], STR("text"))),
         "modalities"},
        {r->audio.p != NULL, "audio_output"},
        {r->safety.p != NULL, "safety"},
        {r->service_tier.p && !is_tier(r->service_tier), "service_tier"},
        {has_cache_marks(r), "cache_control"},
        {ir_wants_single_calls(r) && (q->ask->quirks & CODEC_NO_PARALLEL), "parallel_tool_calls"},
    };
    for (size_t i = 0; i < countof(members); i++)
        if (members[i].said)
            ir_drop(q->a, q->r, str_c(members[i].name));
}

void responses_put_settings(struct responses_writing *q)
{
    put_tools(q);
    put_text_settings(q);
    put_reasoning(q);
    put_include(q);
    put_numbers(q);
    put_labels(q);
    note_unsaid(q);
}
