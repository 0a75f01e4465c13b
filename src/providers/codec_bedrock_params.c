/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Converse request written: tools, sampling, reasoning, the answer's format. The API itself knows little of
 * this; the rest is told to the model in words of its own, inside additionalModelRequestFields.
 */
#include "providers/codec_bedrock.h"

#include <stdlib.h>

enum { LABELS = 16, LABEL_BYTES = 256 }; /* of requestMetadata */

static void drop(struct bedrock_request *q, struct str name)
{
    ir_drop(q->q.a, q->q.r, name);
}

static void put_raw_member(struct bedrock_request *q, const char *key, struct str json)
{
    json_add_raw(&q->q.w, key, json);
}

/* ---- decisions ------------------------------------------------------------------------------------- */

/* Models of others take everything; those that reason do it as much as a word says. */
static unsigned as_claude(unsigned traits)
{
    unsigned t = CLAUDE_SAMPLING | CLAUDE_SAMPLING_BOTH | CLAUDE_FORCED;
    if (traits & (BEDROCK_REASONS | BEDROCK_EFFORT))
        t |= CLAUDE_THINKING | CLAUDE_ADAPTIVE | CLAUDE_QUIET | CLAUDE_EFFORT;
    return t | (traits & BEDROCK_SCHEMA ? CLAUDE_SCHEMA : 0);
}

static bool has_calls(const struct ir_request *r)
{
    for (const struct ir_message *m = r->messages; m; m = m->next)
        for (const struct ir_part *p = m->parts; p; p = p->next)
            if (p->kind == IR_TOOL_CALL || p->kind == IR_TOOL_RESULT)
                return true;
    return false;
}

static enum err order(struct bedrock_request *q, struct str sentence)
{
    return ir_add_str(q->q.a, &q->q.orders, sentence) ? E_OK : E_FULL;
}

enum err bedrock_decide(struct bedrock_request *q)
{
    if (!(q->traits & BEDROCK_CLAUDE))
        q->q.traits = as_claude(q->traits);
    else if (!(q->traits & BEDROCK_SCHEMA))
        q->q.traits &= ~(unsigned)CLAUDE_SCHEMA;
    /* which Anthropic has no words for, and says so */
    struct str name = q->q.r->format_name, description = q->q.r->format_description;
    q->q.r->format_name = q->q.r->format_description = str_of(NULL, 0);
    enum err e = anthropic_decide(&q->q);
    q->q.r->format_name = name;
    q->q.r->format_description = description;
    if (q->q.r->format >= IR_FORMAT_JSON && !q->q.schema.p)
        drop(q, STR("response_format")); /* said in words */
    if (e != E_OK || q->q.r->choice != IR_CHOICE_NONE)
        return e;
    drop(q, STR("tool_choice"));
    return has_calls(q->q.r) ? order(q, STR("Answer without calling any tool.")) : E_OK;
}

/* ---- tools ----------------------------------------------------------------------------------------- */

static struct str schema_of(struct bedrock_request *q, struct str schema, bool *strict)
{
    struct str closed = {NULL, 0};
    if (*strict)
        closed = anthropic_schema(q->q.a, schema);
    if (*strict && !closed.p)
        drop(q, STR("tools.strict"));
    *strict = closed.p;
    if (closed.p)
        return closed;
    struct json_doc *doc = schema.n ? json_parse(schema) : NULL;
    bool object = json_type(json_root(doc)) == JSON_OBJECT && json_count(json_root(doc));
    json_free(doc);
    return object ? schema : STR("{\"type\":\"object\",\"properties\":{}}");
}

static void put_spec(struct bedrock_request *q, const struct ir_tool *t)
{
    struct json_out *w = &q->q.w;
    bool can_strict = (q->traits & BEDROCK_SCHEMA) && !(q->q.ask->quirks & CODEC_NO_STRICT);
    bool strict = t->strict == 1 && can_strict;
    if (t->strict >= 0 && !can_strict)
        drop(q, STR("tools.strict"));
    struct str schema = schema_of(q, t->schema, &strict);
    bedrock_open(w, "toolSpec");
    json_add_str(w, "name", t->name);
    if (t->description.n)
        json_add_str(w, "description", t->description);
    json_key(w, "inputSchema");
    json_open(w, '{');
    put_raw_member(q, "json", schema);
    json_close(w, '}');
    if (strict || (t->strict == 0 && can_strict))
        json_add_bool(w, "strict", strict);
    bedrock_close(w);
}

static bool is_ours(const struct ir_tool *t)
{
    return !t->raw.p || t->raw_dialect == D_BEDROCK_CONVERSE;
}

static bool was_called_before(const struct ir_request *r, const struct ir_part *call)
{
    for (const struct ir_message *m = r->messages; m; m = m->next)
        for (const struct ir_part *p = m->parts; p; p = p->next) {
            if (p == call)
                return false;
            if (p->kind == IR_TOOL_CALL && str_eq(p->name, call->name))
                return true;
        }
    return false;
}

/* A history with calls needs the tools that were called, although they are not to be called again. */
static void put_called(struct bedrock_request *q)
{
    for (const struct ir_message *m = q->q.r->messages; m; m = m->next)
        for (const struct ir_part *p = m->parts; p; p = p->next)
            if (p->kind == IR_TOOL_CALL && !was_called_before(q->q.r, p))
                put_spec(q, &(struct ir_tool){.name = p->name, .strict = -1});
}

static void put_choice(struct bedrock_request *q)
{
    const struct ir_request *r = q->q.r;
    struct json_out *w = &q->q.w;
    if (r->choice == IR_CHOICE_UNSET || r->choice == IR_CHOICE_NONE)
        return;
    json_key(w, "toolChoice");
    bedrock_open(w, !q->q.forced ? "auto" : r->choice == IR_CHOICE_NAMED ? "tool" : "any");
    if (q->q.forced && r->choice == IR_CHOICE_NAMED)
        json_add_str(w, "name", r->choice_name);
    bedrock_close(w);
}

static void put_given(struct bedrock_request *q)
{
    for (const struct ir_tool *t = q->q.r->tools; t; t = t->next) {
        if (!is_ours(t))
            drop(q, t->name);
        else if (t->raw.p)
            json_put_raw(&q->q.w, t->raw);
        else
            put_spec(q, t);
        if (is_ours(t))
            bedrock_put_cache(q, t->cache);
    }
}

enum err bedrock_put_tools(struct bedrock_request *q)
{
    const struct ir_request *r = q->q.r;
    bool given = false, called = has_calls(r);
    for (const struct ir_tool *t = r->tools; t; t = t->next)
        given |= is_ours(t);
    if (ir_wants_single_calls(r))
        drop(q, STR("parallel_tool_calls"));
    if (r->choice == IR_CHOICE_NONE && given && !called) { /* the only way to say so */
        drop(q, STR("tools"));
        return E_OK;
    }
    if (!given && !called) {
        for (const struct ir_tool *t = r->tools; t; t = t->next)
            drop(q, t->name);
        return E_OK;
    }
    if (!given) /* made up below */
        drop(q, STR("tools"));
    json_key(&q->q.w, "toolConfig");
    json_open(&q->q.w, '{');
    json_key(&q->q.w, "tools");
    json_open(&q->q.w, '[');
    put_given(q);
    if (!given)
        put_called(q);
    json_close(&q->q.w, ']');
    if (given)
        put_choice(q);
    json_close(&q->q.w, '}');
    return E_OK;
}

/* ---- sampling -------------------------------------------------------------------------------------- */

static double value_of(struct str number)
{
    char text[64];
    size_t n = number.n < sizeof(text) ? number.n : sizeof(text) - 1;
    memcpy(text, number.p, n);
    text[n] = '\0';
    return strtod(text, NULL);
}

struct sampling {
    bool temperature, top_p, top_k, max_tokens;
};

/* What the model refuses while it thinks, or always; a Nova that thinks hard wants to decide on its own. */
static struct sampling sampling_of(const struct bedrock_request *q)
{
    const struct ir_request *r = q->q.r;
    bool thinks = q->q.think == THINK_ADAPTIVE || q->q.think == THINK_BUDGET;
    bool claude = q->traits & BEDROCK_CLAUDE, can = q->q.traits & CLAUDE_SAMPLING;
    bool hard = (q->traits & BEDROCK_REASONS) && thinks && str_eq(q->q.effort, STR("high"));
    bool free = claude ? can && !thinks : !hard;
    struct sampling s = {.temperature = r->temperature.p && free,
                         .top_k = r->top_k.p && free && (q->traits & (BEDROCK_TOP_K | BEDROCK_NOVA)),
                         .max_tokens = r->max_tokens >= 0 && !hard};
    s.top_p = r->top_p.p && free;
    if (claude && r->top_p.p)
        s.top_p = can && (!thinks || value_of(r->top_p) >= 0.95) &&
                  (!s.temperature || (q->q.traits & CLAUDE_SAMPLING_BOTH));
    return s;
}

static void put_stop(struct bedrock_request *q)
{
    struct json_out *w = &q->q.w;
    if (!q->q.r->stop.n)
        return;
    json_key(w, "stopSequences");
    json_open(w, '[');
    for (size_t i = 0; i < q->q.r->stop.n; i++) {
        struct str stop = q->q.r->stop.v[i];
        if (stop.n && (!(q->traits & BEDROCK_CLAUDE) || str_trim(stop).n))
            json_put_str(w, stop);
        else
            drop(q, STR("stop")); /* refused */
    }
    json_close(w, ']');
}

static void put_inference(struct bedrock_request *q, const struct sampling *s)
{
    const struct ir_request *r = q->q.r;
    struct json_out *w = &q->q.w;
    bool budget = q->q.think == THINK_BUDGET && r->max_tokens < 0; /* must be below the most */
    if (!s->max_tokens && !s->temperature && !s->top_p && !r->stop.n && !budget)
        return;
    json_key(w, "inferenceConfig");
    json_open(w, '{');
    if (s->max_tokens || budget)
        json_add_int(w, "maxTokens", q->q.max_tokens);
    bool hot = s->temperature && (q->traits & BEDROCK_CLAUDE) && value_of(r->temperature) > 1;
    if (s->temperature)
        put_raw_member(q, "temperature", hot ? STR("1") : r->temperature);
    if (hot)
        drop(q, STR("temperature"));
    if (s->top_p)
        put_raw_member(q, "topP", r->top_p);
    put_stop(q);
    json_close(w, '}');
}

/* ---- what models have their own words for ----------------------------------------------------------- */

static void put_claude_thinking(struct bedrock_request *q)
{
    static const char *const types[] = {[THINK_OFF] = "disabled",
                                        [THINK_BETWEEN] = "between_tools",
                                        [THINK_ADAPTIVE] = "adaptive",
                                        [THINK_BUDGET] = "enabled"};
    struct json_out *w = &q->q.w;
    bool on = q->q.think == THINK_ADAPTIVE || q->q.think == THINK_BUDGET;
    if (q->q.think == THINK_UNSAID)
        return;
    json_key(w, "thinking");
    json_open(w, '{');
    json_add_str(w, "type", str_c(types[q->q.think]));
    if (q->q.think == THINK_BUDGET)
        json_add_int(w, "budget_tokens", q->q.budget);
    if (on && q->q.r->thinking_shown >= 0)
        json_add_str(w, "display", q->q.r->thinking_shown ? STR("summarized") : STR("omitted"));
    json_close(w, '}');
}

static void put_effort(struct bedrock_request *q)
{
    struct json_out *w = &q->q.w;
    bool on = q->q.think == THINK_ADAPTIVE;
    if ((q->traits & BEDROCK_REASONS) && q->q.think != THINK_UNSAID) {
        json_key(w, "reasoningConfig");
        json_open(w, '{');
        json_add_str(w, "type", on ? STR("enabled") : STR("disabled"));
        if (on)
            json_add_str(w, "maxReasoningEffort", q->q.effort.n ? q->q.effort : STR("medium"));
        json_close(w, '}');
    }
    if ((q->traits & BEDROCK_EFFORT) && q->q.effort.n)
        json_add_str(w, "reasoning_effort", q->q.effort);
    if ((q->traits & BEDROCK_EFFORT) && q->q.think == THINK_OFF)
        drop(q, STR("reasoning"));
}

static void put_top_k(struct bedrock_request *q)
{
    struct json_out *w = &q->q.w;
    if (q->traits & BEDROCK_NOVA) {
        json_key(w, "inferenceConfig");
        json_open(w, '{');
        put_raw_member(q, "topK", q->q.r->top_k);
        json_close(w, '}');
    } else {
        put_raw_member(q, "top_k", q->q.r->top_k);
    }
}

static void put_additional(struct bedrock_request *q, const struct sampling *s)
{
    struct json_out *w = &q->q.w;
    bool claude = q->traits & BEDROCK_CLAUDE, thinks = q->q.think != THINK_UNSAID;
    if (!s->top_k && !thinks && (claude || !q->q.effort.n))
        return;
    json_key(w, "additionalModelRequestFields");
    json_open(w, '{');
    if (s->top_k)
        put_top_k(q);
    if (claude)
        put_claude_thinking(q);
    else
        put_effort(q);
    json_close(w, '}');
    if (!claude && q->q.r->thinking_shown >= 0)
        drop(q, STR("reasoning.shown"));
}

/* ---- the rest -------------------------------------------------------------------------------------- */

/* The schema is a text that is JSON. */
static void put_text_format(struct bedrock_request *q)
{
    const struct ir_request *r = q->q.r;
    struct json_out *w = &q->q.w;
    json_key(w, "textFormat");
    json_open(w, '{');
    json_add_str(w, "type", STR("json_schema"));
    json_key(w, "structure");
    bedrock_open(w, "jsonSchema");
    json_add_str(w, "schema", q->q.schema);
    if (r->format_name.n)
        json_add_str(w, "name", r->format_name);
    if (r->format_description.n)
        json_add_str(w, "description", r->format_description);
    bedrock_close(w);
    json_close(w, '}');
    if (r->format_strict >= 0)
        drop(q, STR("response_format.strict"));
}

static void put_output_config(struct bedrock_request *q)
{
    bool effort = q->q.effort.n && (q->traits & BEDROCK_CLAUDE);
    if (!q->q.schema.p && !effort)
        return;
    json_key(&q->q.w, "outputConfig");
    json_open(&q->q.w, '{');
    if (q->q.schema.p)
        put_text_format(q);
    if (effort)
        json_add_str(&q->q.w, "effort", q->q.effort);
    json_close(&q->q.w, '}');
}

static bool is_label(struct str s)
{
    bool good = s.p && s.n <= LABEL_BYTES;
    for (size_t i = 0; good && i < s.n; i++) {
        char c = s.p[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c && strchr(" :_@$#=/+,-.", c));
    }
    return good;
}

/* Labels with other letters than the API takes would cost the whole request. */
static void put_metadata(struct bedrock_request *q)
{
    struct json_doc *doc = q->q.r->metadata.n ? json_parse(q->q.r->metadata) : NULL;
    const struct json_val *labels = json_root(doc);
    bool good = json_count(labels) && json_count(labels) <= LABELS && json_type(labels) == JSON_OBJECT;
    for (struct json_iter it = json_iter(labels); good && json_next(&it);)
        good = it.key.n && is_label(it.key) && is_label(json_str(it.val));
    json_free(doc);
    if (good)
        put_raw_member(q, "requestMetadata", q->q.r->metadata);
    else if (q->q.r->metadata.n)
        drop(q, STR("metadata"));
}

static void put_tier(struct bedrock_request *q)
{
    static const struct str tiers[] = {S("default"), S("flex"), S("priority"), S("reserved")};
    struct str tier = q->q.r->service_tier;
    for (size_t i = 0; i < countof(tiers); i++)
        if (str_eq(tier, tiers[i])) {
            json_key(&q->q.w, "serviceTier");
            json_open(&q->q.w, '{');
            json_add_str(&q->q.w, "type", tier);
            json_close(&q->q.w, '}');
            return;
        }
    if (tier.n)
        drop(q, STR("service_tier"));
}

/* What there is no word for here. */
static void note_lost(struct bedrock_request *q, const struct sampling *s)
{
    const struct ir_request *r = q->q.r;
    const struct {
        bool said;
        struct str name;
    } lost[] = {
        {r->temperature.p && !s->temperature, S("temperature")},
        {r->top_p.p && !s->top_p, S("top_p")},
        {r->top_k.p && !s->top_k, S("top_k")},
        {r->max_tokens >= 0 && !s->max_tokens, S("max_tokens")},
        {r->thinking == 0 && q->q.think == THINK_UNSAID, S("reasoning")}, /* never thinks, or always */
        {r->frequency_penalty.p, S("frequency_penalty")},
        {r->presence_penalty.p, S("presence_penalty")},
        {r->seed.p, S("seed")},
        {r->n > 1, S("n")},
        {r->logprobs == 1 || r->top_logprobs > 0, S("logprobs")},
        {r->top_logprobs > 0, S("top_logprobs")},
        {r->logit_bias.p, S("logit_bias")},
        {r->user.p, S("user")},
        {r->verbosity.p, S("verbosity")},
        {r->store >= 0, S("store")},
        {ir_wants_other_than_text(r), S("modalities")},
        {r->audio.p, S("audio_output")},
        {r->safety.p, S("safety")},
    };
    for (size_t i = 0; i < countof(lost); i++)
        if (lost[i].said)
            drop(q, lost[i].name);
}

void bedrock_put_rest(struct bedrock_request *q)
{
    struct sampling s = sampling_of(q);
    put_inference(q, &s);
    put_additional(q, &s);
    put_output_config(q);
    put_metadata(q);
    put_tier(q);
    if ((q->traits & BEDROCK_CLAUDE) && q->q.r->stop.n) /* which of them it was */
        put_raw_member(q, "additionalModelResponseFieldPaths", STR("[\"/stop_sequence\"]"));
    note_lost(q, &s);
}
