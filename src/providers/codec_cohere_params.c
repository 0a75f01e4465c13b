/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Cohere request written: tools, sampling, reasoning, the answer's format. The API refuses numbers out of
 * its ranges, and a format beside tools or documents; so numbers are moved into the range, with a note, and
 * the format is then said in words.
 */
#include "providers/codec_cohere.h"

#include <stdlib.h>

enum { STOPS = 5 }; /* stop sequences a request may have */

static void drop(struct cohere_request *q, struct str name)
{
    ir_drop(q->a, q->r, name);
}

static void put_raw_member(struct cohere_request *q, const char *key, struct str json)
{
    json_add_raw(&q->w, key, json);
}

static void put_bool(struct cohere_request *q, const char *key, bool v)
{
    json_add_bool(&q->w, key, v);
}

/* ---- the answer's format --------------------------------------------------------------------------- */

static bool has_documents(const struct ir_request *r)
{
    for (const struct ir_message *m = r->messages; m; m = m->next)
        for (const struct ir_part *p = m->parts; p; p = p->next)
            if (p->kind == IR_FILE)
                return true;
    return false;
}

static bool in_words(const struct cohere_request *q)
{
    return q->r->tools || has_documents(q->r) || (q->ask->quirks & CODEC_NO_JSON_SCHEMA);
}

enum err cohere_decide(struct cohere_request *q)
{
    const struct ir_request *r = q->r;
    if ((r->format != IR_FORMAT_JSON && r->format != IR_FORMAT_SCHEMA) || !in_words(q))
        return E_OK;
    const struct str pieces[] = {S("Answer with one JSON value and nothing else: no text around it, no code "
                                   "fence. It must be valid by this JSON Schema:\n"),
                                 r->format_schema.n ? r->format_schema : STR("{\"type\":\"object\"}")};
    q->order = arena_join(q->a, pieces, countof(pieces));
    drop(q, STR("response_format"));
    return q->order.p ? E_OK : E_FULL;
}

static void put_format(struct cohere_request *q)
{
    const struct ir_request *r = q->r;
    struct json_out *w = &q->w;
    if (r->format == IR_FORMAT_UNSET || (r->format != IR_FORMAT_TEXT && in_words(q)))
        return;
    json_key(w, "response_format");
    json_open(w, '{');
    json_add_str(w, "type", r->format == IR_FORMAT_TEXT ? STR("text") : STR("json_object"));
    if (r->format == IR_FORMAT_SCHEMA && r->format_schema.n)
        put_raw_member(q, "json_schema", r->format_schema);
    json_close(w, '}');
    if (r->format_name.n)
        drop(q, STR("response_format.name"));
    if (r->format_description.n)
        drop(q, STR("response_format.description"));
    if (r->format_strict >= 0)
        drop(q, STR("response_format.strict"));
}

/* ---- tools ----------------------------------------------------------------------------------------- */

static void put_tool(struct cohere_request *q, const struct ir_tool *t)
{
    struct json_out *w = &q->w;
    struct json_doc *doc = t->schema.n ? json_parse(t->schema) : NULL;
    bool object = json_type(json_root(doc)) == JSON_OBJECT;
    json_free(doc);
    json_open(w, '{');
    json_add_str(w, "type", STR("function"));
    json_key(w, "function");
    json_open(w, '{');
    json_add_str(w, "name", t->name);
    if (t->description.n)
        json_add_str(w, "description", t->description);
    put_raw_member(q, "parameters", object ? t->schema : STR("{\"type\":\"object\",\"properties\":{}}"));
    json_close(w, '}');
    json_close(w, '}');
    if (t->cache != IR_CACHE_NONE)
        drop(q, STR("cache_control"));
}

/* One word for all of them: as strict as the least strict one. */
static void put_strictness(struct cohere_request *q)
{
    bool all = true, some = false, said = false;
    for (const struct ir_tool *t = q->r->tools; t; t = t->next) {
        if (t->raw.p)
            continue;
        all = all && t->strict == 1;
        some = some || t->strict == 1;
        said = said || t->strict >= 0;
    }
    if (said && !(q->ask->quirks & CODEC_NO_STRICT))
        put_bool(q, "strict_tools", all);
    if ((some && !all) || (said && (q->ask->quirks & CODEC_NO_STRICT)))
        drop(q, STR("tools.strict"));
}

static bool is_wanted(const struct ir_request *r, const struct ir_tool *t)
{
    return !t->raw.p && (r->choice != IR_CHOICE_NAMED || str_eq(t->name, r->choice_name));
}

/* There is no word for one tool that must be called: so it is the only one there is. */
static bool put_tools(struct cohere_request *q)
{
    const struct ir_request *r = q->r;
    bool any = false;
    for (const struct ir_tool *t = r->tools; t; t = t->next) {
        if (!is_wanted(r, t)) {
            drop(q, t->raw.p ? t->name : STR("tools"));
            continue;
        }
        if (!any) {
            json_key(&q->w, "tools");
            json_open(&q->w, '[');
        }
        any = true;
        put_tool(q, t);
    }
    if (any)
        json_close(&q->w, ']');
    return any;
}

static void put_choice(struct cohere_request *q)
{
    switch (q->r->choice) {
    case IR_CHOICE_NONE: json_add_str(&q->w, "tool_choice", STR("NONE")); break;
    case IR_CHOICE_NAMED:
        drop(q, STR("tool_choice")); /* fall through */
        __attribute__((fallthrough));
    case IR_CHOICE_REQUIRED: json_add_str(&q->w, "tool_choice", STR("REQUIRED")); break;
    case IR_CHOICE_AUTO: /* what it does unasked */
    case IR_CHOICE_UNSET: break;
    }
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

struct range {
    const char *key;
    struct str name; /* the neutral one */
    double low, high;
    struct str at_low, at_high;
};

static void put_number(struct cohere_request *q, const struct range *g, struct str number)
{
    if (!number.p)
        return;
    double v = value_of(number);
    bool low = v<g->low, high = v> g->high;
    put_raw_member(q, g->key, low ? g->at_low : high ? g->at_high : number);
    if (low || high)
        drop(q, g->name);
}

static void put_sampling(struct cohere_request *q)
{
    static const struct range p = {"p", S("top_p"), 0.01, 0.99, S("0.01"), S("0.99")};
    static const struct range k = {"k", S("top_k"), 0, 500, S("0"), S("500")};
    static const struct range f = {"frequency_penalty", S("frequency_penalty"), 0, 1, S("0"), S("1")};
    static const struct range e = {"presence_penalty", S("presence_penalty"), 0, 1, S("0"), S("1")};
    const struct ir_request *r = q->r;
    if (r->temperature.p)
        put_raw_member(q, "temperature", r->temperature);
    put_number(q, &p, r->top_p);
    put_number(q, &k, r->top_k);
    put_number(q, &f, r->frequency_penalty);
    put_number(q, &e, r->presence_penalty);
    if (r->seed.p && value_of(r->seed) >= 0)
        put_raw_member(q, "seed", r->seed);
    else if (r->seed.p)
        drop(q, STR("seed"));
    if (r->max_tokens >= 0)
        json_add_int(&q->w, "max_tokens", r->max_tokens);
    if (r->logprobs >= 0)
        put_bool(q, "logprobs", r->logprobs);
}

static void put_stop(struct cohere_request *q)
{
    if (!q->r->stop.n)
        return;
    json_key(&q->w, "stop_sequences");
    json_open(&q->w, '[');
    for (size_t i = 0; i < q->r->stop.n; i++)
        if (i < STOPS)
            json_put_str(&q->w, q->r->stop.v[i]);
        else
            drop(q, STR("stop"));
    json_close(&q->w, ']');
}

/* ---- reasoning ------------------------------------------------------------------------------------- */

static void put_thinking(struct cohere_request *q)
{
    const struct ir_request *r = q->r;
    struct json_out *w = &q->w;
    int64_t budget = r->thinking_budget > 0 ? r->thinking_budget : ir_effort_budget(r->effort);
    bool off = r->thinking == 0 || r->thinking_budget == 0 || budget == 0;
    bool said = r->thinking >= 0 || r->thinking_budget != -1 || r->effort.n;
    if (r->thinking_shown >= 0)
        drop(q, STR("reasoning.shown"));
    if (said && (r->effort.n || r->thinking_budget == -2 || (cohere_plans(q->model) && !off)))
        drop(q, STR("reasoning")); /* in other words, or not at all */
    if (!said || cohere_plans(q->model))
        return;
    json_key(w, "thinking");
    json_open(w, '{');
    json_add_str(w, "type", off ? STR("disabled") : STR("enabled"));
    if (!off && budget > 0)
        json_add_int(w, "token_budget", budget);
    json_close(w, '}');
}

/* ---- the rest -------------------------------------------------------------------------------------- */

/* What there is no word for here. */
static void note_lost(struct cohere_request *q)
{
    const struct ir_request *r = q->r;
    const struct {
        bool said;
        struct str name;
    } lost[] = {
        {r->n > 1, S("n")},
        {r->top_logprobs >= 0, S("top_logprobs")},
        {r->logit_bias.p, S("logit_bias")},
        {ir_wants_single_calls(r), S("parallel_tool_calls")},
        {r->user.p, S("user")},
        {r->metadata.p, S("metadata")},
        {r->service_tier.p, S("service_tier")},
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

void cohere_put_rest(struct cohere_request *q)
{
    if (put_tools(q)) {
        put_strictness(q);
        put_choice(q);
    } else if (q->r->choice != IR_CHOICE_UNSET) {
        drop(q, STR("tool_choice"));
    }
    put_format(q);
    put_sampling(q);
    put_stop(q);
    put_thinking(q);
    if (q->r->stream)
        put_bool(q, "stream", true);
    note_lost(q);
}
