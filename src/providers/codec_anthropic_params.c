/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An Anthropic request written: all but the conversation. Three things exclude each other (thinking, forced
 * tools, sampling), and models differ in what they take, so anthropic_decide settles it first:
 *
 *   forced tools and thinking   the tool is forced: a program waits for its arguments
 *   thinking and sampling       thinking: temperature and top_k go, top_p where it is below 0.95
 *   models without forced tools the order is a sentence in the system prompt
 *   thinking that cannot be off "between_tools", or the least effort
 */
#include "providers/codec_anthropic.h"

#include <stdlib.h>

enum {
    MAX_TOKENS = 4096,     /* required; what every model can */
    BUDGET_LEAST = 1024,   /* the API's */
    BUDGET_DEFAULT = 8192, /* "medium" */
    CALLED_TOOLS = 256,    /* told anew to a request without tools: more than anybody has called */
};

static bool has(const struct anthropic_request *q, unsigned trait)
{
    return q->traits & trait;
}

static void drop(struct anthropic_request *q, struct str name)
{
    ir_drop(q->a, q->r, name);
}

static enum err order(struct anthropic_request *q, struct str sentence)
{
    return sentence.p && ir_add_str(q->a, &q->orders, sentence) ? E_OK : E_FULL;
}

/* ---- what the answer has to look like -------------------------------------------------------------- */

static enum err decide_format(struct anthropic_request *q)
{
    const struct ir_request *r = q->r;
    if (r->format == IR_FORMAT_JSON)
        drop(q, STR("response_format"));
    if (r->format == IR_FORMAT_JSON)
        return order(q,
                     STR("Answer with one JSON object and nothing else: no text around it, no code fence."));
    if (r->format != IR_FORMAT_SCHEMA)
        return E_OK;
    if (r->format_name.n)
        drop(q, STR("response_format.name"));
    if (r->format_description.n)
        drop(q, STR("response_format.description"));
    if (has(q, CLAUDE_SCHEMA) && !(q->ask->quirks & CODEC_NO_JSON_SCHEMA))
        q->schema = anthropic_schema(q->a, r->format_schema);
    if (q->schema.p)
        return E_OK;
    drop(q, STR("response_format"));
    const struct str pieces[] = {S("Answer with one JSON value and nothing else: no text around it, no code "
                                   "fence. It must be valid by "
                                   "this JSON Schema:\n"),
                                 r->format_schema.n ? r->format_schema : STR("{}")};
    return order(q, arena_join(q->a, pieces, countof(pieces)));
}

/* ---- tools ----------------------------------------------------------------------------------------- */

static bool is_ours(const struct ir_tool *t)
{
    return !t->raw.p || t->raw_dialect == D_ANTHROPIC;
}

static bool has_tools(const struct ir_request *r)
{
    for (const struct ir_tool *t = r->tools; t; t = t->next)
        if (is_ours(t))
            return true;
    return false;
}

static enum err decide_choice(struct anthropic_request *q)
{
    const struct ir_request *r = q->r;
    bool named = r->choice == IR_CHOICE_NAMED;
    if (named && !r->choice_name.n)
        return codec_refuse(q->a, q->ret_why, "tool_choice: of a tool without a name");
    q->forced = has_tools(r) && (named || r->choice == IR_CHOICE_REQUIRED);
    if (!q->forced || has(q, CLAUDE_FORCED))
        return E_OK;
    q->forced = false;
    drop(q, STR("tool_choice"));
    if (!named)
        return order(q, STR("Answer by calling at least one of the tools."));
    return order(q, arena_printf(q->a, "Answer by calling the tool \"%.*s\".", STR_FMT(r->choice_name)));
}

/* ---- thinking -------------------------------------------------------------------------------------- */

/* With a budget, the turn that tools are answering must begin with the thinking that led to the calls. What
 * came through a dialect without signatures cannot. */
static bool lacks_thought(const struct ir_request *r)
{
    const struct ir_message *turn = NULL; /* the assistant's last, which may be several messages */
    bool before = false;
    for (const struct ir_message *m = r->messages; m; m = m->next) {
        bool now = m->role == IR_ASSISTANT;
        turn = now && !before ? m : turn;
        before = now;
    }
    const struct ir_part *first = turn ? turn->parts : NULL;
    bool is_signed = first && first->kind == IR_THINKING && first->signature.n && !first->id.n;
    for (; turn && turn->role == IR_ASSISTANT; turn = turn->next)
        for (const struct ir_part *p = turn->parts; p; p = p->next)
            if (p->kind == IR_TOOL_CALL)
                return !is_signed;
    return false;
}

static bool wants_thinking(const struct ir_request *r)
{
    if (r->thinking == 0 || r->thinking_budget == 0 || str_eq(r->effort, STR("none")))
        return false;
    return r->thinking == 1 || r->thinking_budget > 0 || r->thinking_budget == -2 || r->effort.n;
}

static bool refuses_thinking(const struct ir_request *r)
{
    return r->thinking == 0 || r->thinking_budget == 0 || str_eq(r->effort, STR("none"));
}

static void decide_off(struct anthropic_request *q)
{
    if (!has(q, CLAUDE_THINKING))
        return;
    if (has(q, CLAUDE_QUIET))
        q->think = THINK_OFF;
    else if (has(q, CLAUDE_BETWEEN))
        q->think = THINK_BETWEEN;
    else
        drop(q, STR("reasoning")); /* it thinks, whatever we say; and little, see decide_effort */
}

static int64_t budget_of(const struct ir_request *r)
{
    int64_t budget = r->thinking_budget > 0 ? r->thinking_budget : ir_effort_budget(r->effort);
    if (budget < 0)
        budget = BUDGET_DEFAULT;
    return budget < BUDGET_LEAST ? BUDGET_LEAST : budget;
}

/* The budget is part of max_tokens, and half of them are for the answer. */
static void decide_budget(struct anthropic_request *q)
{
    int64_t most = q->r->max_tokens;
    q->budget = budget_of(q->r);
    if (most >= 0 && q->budget >= most)
        q->budget = most / 2 < BUDGET_LEAST ? BUDGET_LEAST : most / 2;
    if ((most >= 0 && q->budget >= most) || lacks_thought(q->r))
        drop(q, STR("reasoning"));
    else
        q->think = THINK_BUDGET;
}

static void decide_on(struct anthropic_request *q)
{
    const struct ir_request *r = q->r;
    if (!has(q, CLAUDE_THINKING)) {
        drop(q, STR("reasoning"));
    } else if (q->forced) {
        drop(q, STR("reasoning"));
        q->think = has(q, CLAUDE_THINKS) ? THINK_OFF : THINK_UNSAID;
    } else if (!has(q, CLAUDE_ADAPTIVE) || (has(q, CLAUDE_BUDGET) && r->thinking_budget > 0)) {
        decide_budget(q);
    } else if (r->thinking == 1 || r->thinking_budget != -1 || r->thinking_shown >= 0 ||
               !has(q, CLAUDE_THINKS)) {
        q->think = THINK_ADAPTIVE;
    }
}

/* The word for how much, out of those that the model knows. */
static void decide_effort(struct anthropic_request *q)
{
    struct str effort = q->r->effort;
    if (!effort.p && q->r->thinking_budget > 0 && q->think == THINK_ADAPTIVE)
        effort = ir_budget_effort(q->r->thinking_budget);
    if (refuses_thinking(q->r) && has(q, CLAUDE_THINKING) && !has(q, CLAUDE_QUIET | CLAUDE_BETWEEN))
        effort = STR("low");
    if (!effort.n || str_eq(effort, STR("none")))
        return;
    if (!has(q, CLAUDE_EFFORT)) {
        if (q->think == THINK_UNSAID)
            drop(q, STR("reasoning.effort"));
        return;
    }
    if (str_eq(effort, STR("minimal")))
        effort = STR("low");
    /* without thinking, models that think by themselves know no more than "high" */
    if (str_eq(effort, STR("xhigh")) && !has(q, CLAUDE_EFFORT_XHIGH))
        effort = has(q, CLAUDE_EFFORT_MAX) ? STR("max") : STR("high");
    else if (str_eq(effort, STR("xhigh")) && q->think == THINK_OFF)
        effort = STR("high");
    q->effort = effort;
}

enum err anthropic_decide(struct anthropic_request *q)
{
    enum err e = decide_choice(q);
    if (e == E_OK)
        e = decide_format(q);
    if (e != E_OK)
        return e;
    if (wants_thinking(q->r))
        decide_on(q);
    else if (refuses_thinking(q->r))
        decide_off(q);
    decide_effort(q);
    q->max_tokens = q->r->max_tokens >= 0 ? q->r->max_tokens : MAX_TOKENS;
    if (q->r->max_tokens < 0 && q->think == THINK_BUDGET)
        q->max_tokens += q->budget;
    return E_OK;
}

/* ---- writing --------------------------------------------------------------------------------------- */

static void put_member(struct anthropic_request *q, const char *key, struct str value)
{
    json_add_str(&q->w, key, value);
}

static void put_raw_member(struct anthropic_request *q, const char *key, struct str json)
{
    json_add_raw(&q->w, key, json);
}

/* An input schema is that of an object, and says so. */
static enum err put_input_schema(struct anthropic_request *q, struct str schema)
{
    static const struct str head = S("{\"type\":\"object\","),
                            empty = S("{\"type\":\"object\",\"properties\":{}}");
    struct json_doc *doc = schema.n ? json_parse(schema) : NULL;
    const struct json_val *root = json_root(doc);
    struct str out = schema;
    if (json_count(root) == 0 || json_type(root) != JSON_OBJECT)
        out = empty;
    else if (!json_get(root, "type")) {
        const struct str pieces[] = {head, str_from(str_trim(schema), 1)};
        out = arena_join(q->a, pieces, countof(pieces));
    }
    json_free(doc);
    if (!out.p)
        return E_FULL;
    put_raw_member(q, "input_schema", out);
    return E_OK;
}

static enum err put_tool(struct anthropic_request *q, const struct ir_tool *t)
{
    bool can_strict = has(q, CLAUDE_SCHEMA) && !(q->ask->quirks & CODEC_NO_STRICT);
    struct str schema = t->schema, closed = {NULL, 0};
    if (t->strict == 1 && can_strict)
        closed = anthropic_schema(q->a, schema);
    bool strict = closed.p, said = strict || (t->strict == 0 && can_strict);
    if (t->strict == 1 && !strict)
        drop(q, STR("tools.strict"));
    if (!t->name.n)
        return codec_refuse(q->a, q->ret_why, "tools: a tool without a name");
    json_open(&q->w, '{');
    put_member(q, "name", t->name);
    if (t->description.n)
        put_member(q, "description", t->description);
    enum err e = put_input_schema(q, strict ? closed : schema);
    if (said)
        json_add_bool(&q->w, "strict", strict);
    anthropic_put_cache(q, t->cache);
    json_close(&q->w, '}');
    return e;
}

static enum err put_given_tools(struct anthropic_request *q)
{
    enum err e = E_OK;
    json_key(&q->w, "tools");
    json_open(&q->w, '[');
    for (const struct ir_tool *t = q->r->tools; t && e == E_OK; t = t->next) {
        if (!is_ours(t))
            drop(q, STR("tools.raw"));
        else if (t->raw.p)
            json_put_raw(&q->w, t->raw);
        else
            e = put_tool(q, t);
    }
    json_close(&q->w, ']');
    return e;
}

static void put_choice(struct anthropic_request *q)
{
    static const char *const types[] = {[IR_CHOICE_UNSET] = "auto",
                                        [IR_CHOICE_AUTO] = "auto",
                                        [IR_CHOICE_NONE] = "none",
                                        [IR_CHOICE_REQUIRED] = "any",
                                        [IR_CHOICE_NAMED] = "tool"};
    const struct ir_request *r = q->r;
    bool weak = !q->forced && r->choice != IR_CHOICE_NONE;
    bool alone =
        r->parallel_tools >= 0 && r->choice != IR_CHOICE_NONE && !(q->ask->quirks & CODEC_NO_PARALLEL);
    if (ir_wants_single_calls(r) && !alone)
        drop(q, STR("parallel_tool_calls"));
    if (r->choice == IR_CHOICE_UNSET && !alone)
        return;
    json_key(&q->w, "tool_choice");
    json_open(&q->w, '{');
    put_member(q, "type", str_c(weak ? "auto" : types[r->choice]));
    if (q->forced && r->choice == IR_CHOICE_NAMED)
        put_member(q, "name", r->choice_name);
    if (alone)
        json_add_bool(&q->w, "disable_parallel_tool_use", r->parallel_tools == 0);
    json_close(&q->w, '}');
}

static bool is_in(const struct ir_strs *l, struct str s)
{
    for (size_t i = 0; i < l->n; i++)
        if (str_eq(l->v[i], s))
            return true;
    return false;
}

static enum err find_called(struct anthropic_request *q, struct ir_strs *ret)
{
    for (const struct ir_message *m = q->r->messages; m; m = m->next)
        for (const struct ir_part *p = m->parts; p && ret->n < CALLED_TOOLS; p = p->next)
            if (p->kind == IR_TOOL_CALL && p->name.n && !is_in(ret, p->name) &&
                !ir_add_str(q->a, ret, p->name))
                return E_FULL;
    return E_OK;
}

/* A history with calls needs the tools that were called; now they are not to be called again. */
static enum err put_called_tools(struct anthropic_request *q)
{
    struct ir_strs names = {NULL, 0};
    enum err e = find_called(q, &names);
    if (!names.n)
        return e;
    json_key(&q->w, "tools");
    json_open(&q->w, '[');
    for (size_t i = 0; i < names.n && e == E_OK; i++) {
        json_open(&q->w, '{');
        put_member(q, "name", names.v[i]);
        e = put_input_schema(q, str_of(NULL, 0));
        json_close(&q->w, '}');
    }
    json_close(&q->w, ']');
    put_raw_member(q, "tool_choice", STR("{\"type\":\"none\"}"));
    return e;
}

enum err anthropic_put_tools(struct anthropic_request *q)
{
    if (!has_tools(q->r)) {
        if (q->r->tools)
            drop(q, STR("tools.raw"));
        return put_called_tools(q);
    }
    enum err e = put_given_tools(q);
    put_choice(q);
    return e;
}

static bool is_on(const struct anthropic_request *q)
{
    return q->think == THINK_ADAPTIVE || q->think == THINK_BUDGET;
}

static void put_thinking(struct anthropic_request *q)
{
    static const char *const types[] = {[THINK_OFF] = "disabled",
                                        [THINK_BETWEEN] = "between_tools",
                                        [THINK_ADAPTIVE] = "adaptive",
                                        [THINK_BUDGET] = "enabled"};
    if (q->think == THINK_UNSAID)
        return;
    json_key(&q->w, "thinking");
    json_open(&q->w, '{');
    put_member(q, "type", str_c(types[q->think]));
    if (q->think == THINK_BUDGET)
        json_add_int(&q->w, "budget_tokens", q->budget);
    if (is_on(q) && q->r->thinking_shown >= 0)
        put_member(q, "display", q->r->thinking_shown ? STR("summarized") : STR("omitted"));
    json_close(&q->w, '}');
}

static void put_output_config(struct anthropic_request *q)
{
    if (!q->effort.n && !q->schema.p)
        return;
    json_key(&q->w, "output_config");
    json_open(&q->w, '{');
    if (q->effort.n)
        put_member(q, "effort", q->effort);
    if (q->schema.p) {
        json_key(&q->w, "format");
        json_open(&q->w, '{');
        put_member(q, "type", STR("json_schema"));
        put_raw_member(q, "schema", q->schema);
        json_close(&q->w, '}');
    }
    json_close(&q->w, '}');
}

static double value_of(struct str number)
{
    char text[64];
    size_t n = number.n < sizeof(text) ? number.n : sizeof(text) - 1;
    memcpy(text, number.p, n);
    text[n] = '\0';
    return strtod(text, NULL);
}

static void put_temperature(struct anthropic_request *q)
{
    struct str t = q->r->temperature;
    bool too_hot = value_of(t) > 1; /* elsewhere it goes up to 2 */
    put_raw_member(q, "temperature", too_hot ? STR("1") : t);
    if (too_hot)
        drop(q, STR("temperature"));
}

static void put_sampling(struct anthropic_request *q)
{
    const struct ir_request *r = q->r;
    bool thinks = is_on(q), can = has(q, CLAUDE_SAMPLING);
    bool temperature = r->temperature.p && can && !thinks;
    bool alone = !temperature || has(q, CLAUDE_SAMPLING_BOTH);
    if (temperature)
        put_temperature(q);
    else if (r->temperature.p)
        drop(q, STR("temperature"));
    if (r->top_p.p && can && alone && (!thinks || value_of(r->top_p) >= 0.95))
        put_raw_member(q, "top_p", r->top_p);
    else if (r->top_p.p)
        drop(q, STR("top_p"));
    if (r->top_k.p && can && !thinks)
        put_raw_member(q, "top_k", r->top_k);
    else if (r->top_k.p)
        drop(q, STR("top_k"));
}

static void put_stop(struct anthropic_request *q)
{
    bool any = false;
    for (size_t i = 0; i < q->r->stop.n; i++) {
        struct str stop = q->r->stop.v[i];
        if (!str_trim(stop).n) { /* refused */
            drop(q, STR("stop"));
            continue;
        }
        if (!any) {
            json_key(&q->w, "stop_sequences");
            json_open(&q->w, '[');
        }
        any = true;
        json_put_str(&q->w, stop);
    }
    if (any)
        json_close(&q->w, ']');
}

static void put_tier(struct anthropic_request *q)
{
    struct str tier = q->r->service_tier;
    if (!tier.n)
        return;
    if (str_eq(tier, STR("auto")) || str_eq(tier, STR("priority")))
        put_member(q, "service_tier", STR("auto"));
    else if (str_eq(tier, STR("default")))
        put_member(q, "service_tier", STR("standard_only"));
    else
        drop(q, STR("service_tier"));
}

/* What there is no word for here. */
static void note_lost(struct anthropic_request *q)
{
    const struct ir_request *r = q->r;
    const struct {
        bool said;
        struct str name;
    } lost[] = {
        {r->frequency_penalty.p, S("frequency_penalty")},
        {r->presence_penalty.p, S("presence_penalty")},
        {r->seed.p, S("seed")},
        {r->n > 1, S("n")},
        {r->thinking_shown >= 0 && !is_on(q), S("reasoning.shown")},
        {r->logprobs == 1, S("logprobs")},
        {r->top_logprobs > 0, S("top_logprobs")},
        {r->logit_bias.p, S("logit_bias")},
        {r->metadata.p, S("metadata")},
        {r->verbosity.p, S("verbosity")},
        {r->store == 1, S("store")},
        {ir_wants_other_than_text(r), S("modalities")},
        {r->audio.p, S("audio_output")},
        {r->safety.p, S("safety")},
    };
    for (size_t i = 0; i < countof(lost); i++)
        if (lost[i].said)
            drop(q, lost[i].name);
}

void anthropic_put_rest(struct anthropic_request *q)
{
    const struct ir_request *r = q->r;
    put_thinking(q);
    put_output_config(q);
    put_sampling(q);
    put_stop(q);
    put_tier(q);
    if (r->user.n) {
        json_key(&q->w, "metadata");
        json_open(&q->w, '{');
        put_member(q, "user_id", r->user);
        json_close(&q->w, '}');
    }
    if (r->stream)
        put_raw_member(q, "stream", STR("true"));
    note_lost(q);
}
