/* SPDX-License-Identifier: Apache-2.0 */
/* A Gemini request written: tools, generationConfig and everything else that is not said by anybody. */
#include "providers/codec_gemini.h"

/* ---- tools ----------------------------------------------------------------------------------------- */

static bool is_function(const struct ir_tool *t)
{
    return !t->raw.p;
}

static bool has_functions(const struct ir_request *r)
{
    for (const struct ir_tool *t = r->tools; t; t = t->next)
        if (is_function(t))
            return true;
    return false;
}

static void put_function(struct gemini_request *q, const struct ir_tool *t)
{
    if (t->strict > 0)
        gemini_drop(q, "tools.strict");
    if (t->cache != IR_CACHE_NONE)
        gemini_drop(q, "cache_control");
    json_open(&q->w, '{');
    json_add_str(&q->w, "name", t->name);
    if (t->description.n)
        json_add_str(&q->w, "description", t->description);
    if (t->schema.n &&
        !str_eq(t->schema, STR("{}"))) { /* as it is; `parameters` would take a part of it only */
        json_add_raw(&q->w, "parametersJsonSchema", t->schema);
    }
    json_close(&q->w, '}');
}

static void put_functions(struct gemini_request *q)
{
    if (!has_functions(q->r))
        return;
    json_open(&q->w, '{');
    json_key(&q->w, "functionDeclarations");
    json_open(&q->w, '[');
    for (const struct ir_tool *t = q->r->tools; t; t = t->next)
        if (is_function(t))
            put_function(q, t);
    json_close(&q->w, ']');
    json_close(&q->w, '}');
}

static void put_tools(struct gemini_request *q)
{
    bool any = has_functions(q->r);
    for (const struct ir_tool *t = q->r->tools; t; t = t->next) {
        any |= t->raw.p && t->raw_dialect == D_GEMINI;
        if (t->raw.p && t->raw_dialect != D_GEMINI)
            gemini_drop(q, "tools.raw");
    }
    if (!any)
        return;
    json_key(&q->w, "tools");
    json_open(&q->w, '[');
    put_functions(q);
    for (const struct ir_tool *t = q->r->tools; t; t = t->next)
        if (t->raw.p && t->raw_dialect == D_GEMINI)
            json_put_raw(&q->w, t->raw);
    json_close(&q->w, ']');
}

static void put_choice(struct gemini_request *q)
{
    static const char *const modes[] = {[IR_CHOICE_AUTO] = "AUTO",
                                        [IR_CHOICE_NONE] = "NONE",
                                        [IR_CHOICE_REQUIRED] = "ANY",
                                        [IR_CHOICE_NAMED] = "ANY"};
    const struct ir_request *r = q->r;
    if (ir_wants_single_calls(r))
        gemini_drop(q, "parallel_tool_calls");
    if (r->choice == IR_CHOICE_UNSET)
        return;
    if (!has_functions(r)) { /* refused without any; the service's own tools have no choice */
        gemini_drop(q, "tool_choice");
        return;
    }
    json_key(&q->w, "toolConfig");
    json_open(&q->w, '{');
    json_key(&q->w, "functionCallingConfig");
    json_open(&q->w, '{');
    json_add_str(&q->w, "mode", str_c(modes[r->choice]));
    if (r->choice == IR_CHOICE_NAMED) {
        json_key(&q->w, "allowedFunctionNames");
        json_open(&q->w, '[');
        json_put_str(&q->w, r->choice_name);
        json_close(&q->w, ']');
    }
    json_close(&q->w, '}');
    json_close(&q->w, '}');
}

/* ---- generationConfig ------------------------------------------------------------------------------ */

static bool is_zero(struct str number)
{
    for (size_t i = 0; i < number.n; i++)
        if (number.p[i] != '0' && number.p[i] != '.' && number.p[i] != '-')
            return false;
    return number.n > 0;
}

static void put_number(struct gemini_request *q, const char *name, struct str number)
{
    if (!number.n)
        return;
    json_add_raw(&q->w, name, number);
}

static void put_count(struct gemini_request *q, const char *name, int64_t n)
{
    if (n < 0)
        return;
    json_add_int(&q->w, name, n);
}

/* An int32. */
static void put_seed(struct gemini_request *q)
{
    struct str seed = q->r->seed, digits = str_starts(seed, STR("-")) ? str_from(seed, 1) : seed;
    int64_t n = 0;
    if (!seed.p)
        return;
    if (str_to_int(digits, &n) == E_OK && n <= INT32_MAX)
        put_number(q, "seed", seed);
    else
        gemini_drop(q, "seed");
}

enum { STOPS = 5 }; /* more are refused */

static void put_strs(struct gemini_request *q, const char *name, const struct ir_strs *l, size_t max)
{
    if (l->n == 0)
        return;
    json_key(&q->w, name);
    json_open(&q->w, '[');
    for (size_t i = 0; i < l->n && i < max; i++)
        json_put_str(&q->w, l->v[i]);
    json_close(&q->w, ']');
}

static void put_sampling(struct gemini_request *q)
{
    const struct ir_request *r = q->r;
    put_number(q, "temperature", r->temperature);
    put_number(q, "topP", r->top_p);
    put_number(q, "topK", r->top_k);
    put_count(q, "maxOutputTokens", r->max_tokens);
    put_count(q, "candidateCount", r->n);
    put_strs(q, "stopSequences", &r->stop, STOPS);
    if (r->stop.n > STOPS)
        gemini_drop(q, "stop");
    put_seed(q);
    if (!is_zero(r->presence_penalty)) /* some models refuse penalties, even none */
        put_number(q, "presencePenalty", r->presence_penalty);
    if (!is_zero(r->frequency_penalty))
        put_number(q, "frequencyPenalty", r->frequency_penalty);
    if (r->logprobs >= 0)
        json_add_bool(&q->w, "responseLogprobs", r->logprobs);
    put_count(q, "logprobs", r->top_logprobs);
}

bool gemini_needs_words(const struct gemini_request *q)
{
    const struct ir_request *r = q->r;
    return q->old && (r->format == IR_FORMAT_JSON || r->format == IR_FORMAT_SCHEMA) && has_functions(r) &&
           r->choice != IR_CHOICE_NONE;
}

static void put_format(struct gemini_request *q)
{
    const struct ir_request *r = q->r;
    if (r->format == IR_FORMAT_UNSET)
        return;
    if (r->format_name.n)
        gemini_drop(q, "response_format.name");
    if (r->format_description.n)
        gemini_drop(q, "response_format.description");
    if (r->format_strict >= 0)
        gemini_drop(q, "response_format.strict");
    if (gemini_needs_words(q)) {
        gemini_drop(q, "response_format");
        return;
    }
    json_add_str(&q->w, "responseMimeType",
                 r->format == IR_FORMAT_TEXT ? STR("text/plain") : STR("application/json"));
    if (r->format == IR_FORMAT_SCHEMA && r->format_schema.n)
        json_add_raw(&q->w, "responseJsonSchema", r->format_schema);
}

/* ---- thinking -------------------------------------------------------------------------------------- */

enum { PRO_LEAST = 128, PRO_MOST = 32768, FLASH_MOST = 24576 };

/* What Gemini 2.5 takes; its Pro cannot be kept from thinking. */
static int64_t fit_budget(const struct gemini_request *q, int64_t budget)
{
    int64_t most = gemini_is_pro(q->model) ? PRO_MOST : FLASH_MOST;
    if (!q->old)
        return budget;
    if (gemini_is_pro(q->model) && budget < PRO_LEAST)
        return PRO_LEAST;
    return budget < most ? budget : most;
}

static const char *level_of(const struct gemini_request *q, struct str effort)
{
    bool least = str_eq(effort, STR("none")) || str_eq(effort, STR("minimal"));
    if (least)
        return gemini_is_pro(q->model) ? "LOW" : "MINIMAL";
    if (str_eq(effort, STR("low")))
        return "LOW";
    return str_eq(effort, STR("medium")) ? "MEDIUM" : "HIGH";
}

static void put_budget(struct gemini_request *q, int64_t budget)
{
    json_add_int(&q->w, "thinkingBudget", budget);
}

static void put_thinking(struct gemini_request *q)
{
    const struct ir_request *r = q->r;
    bool none = r->thinking == 0 || (!r->effort.n && r->thinking_budget == 0);
    struct str effort = none ? STR("none") : r->effort;
    int64_t budget = ir_effort_budget(effort);
    bool off = budget == 0;
    if (budget < 0 && r->thinking_budget == -1 && r->thinking_shown < 0)
        return;
    if (!gemini_thinks(q->model)) {
        if (!off)
            gemini_drop(q, "reasoning");
        return;
    }
    if (off && (!q->old || gemini_is_pro(q->model)))
        gemini_drop(q, "reasoning"); /* it thinks as little as it can */
    json_key(&q->w, "thinkingConfig");
    json_open(&q->w, '{');
    if (budget >= 0 && q->old)
        put_budget(q, fit_budget(q, budget));
    else if (budget >= 0)
        json_add_str(&q->w, "thinkingLevel", str_c(level_of(q, effort)));
    else if (r->thinking_budget >= 0)
        put_budget(q, fit_budget(q, r->thinking_budget));
    else if (r->thinking_budget == -2)
        put_budget(q, -1);
    if (r->thinking_shown >= 0 && !off) { /* refused where there are none */
        json_add_bool(&q->w, "includeThoughts", r->thinking_shown);
    }
    json_close(&q->w, '}');
}

/* ---- what else the answer is to be ----------------------------------------------------------------- */

static void put_modalities(struct gemini_request *q)
{
    const struct ir_strs *l = &q->r->modalities;
    if (l->n == 0)
        return;
    json_key(&q->w, "responseModalities");
    json_open(&q->w, '[');
    for (size_t i = 0; i < l->n; i++) {
        char upper[16];
        size_t n = l->v[i].n < sizeof(upper) ? l->v[i].n : sizeof(upper);
        for (size_t k = 0; k < n; k++) {
            char c = l->v[i].p[k];
            upper[k] = c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
        }
        json_put_str(&q->w, str_of(upper, n));
    }
    json_close(&q->w, ']');
}

/* The voice; what comes out is PCM, whatever is asked for. */
static void put_speech(struct gemini_request *q)
{
    struct json_doc *doc = json_parse(q->r->audio);
    struct str voice = codec_text(json_root(doc), "voice");
    if (q->r->audio.n && (json_count(json_root(doc)) != 1 || !voice.n))
        gemini_drop(q, "audio_output");
    if (voice.n) {
        json_key(&q->w, "speechConfig");
        json_open(&q->w, '{');
        json_key(&q->w, "voiceConfig");
        json_open(&q->w, '{');
        json_key(&q->w, "prebuiltVoiceConfig");
        json_open(&q->w, '{');
        json_add_str(&q->w, "voiceName", voice);
        json_close(&q->w, '}');
        json_close(&q->w, '}');
        json_close(&q->w, '}');
    }
    json_free(doc);
}

static void put_config(struct gemini_request *q)
{
    json_key(&q->w, "generationConfig");
    json_open(&q->w, '{');
    put_sampling(q);
    put_format(q);
    put_thinking(q);
    put_modalities(q);
    put_speech(q);
    json_close(&q->w, '}');
}

/* ---- everything ------------------------------------------------------------------------------------ */

static bool is_label(struct str s, size_t least)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return s.p && s.n >= least && s.n <= 63;
}

/* What labels may be made of is restricted, and a label too many is not worth a refused request. */
static void put_labels(struct gemini_request *q)
{
    struct json_doc *doc = json_parse(q->r->metadata);
    bool fit = json_type(json_root(doc)) == JSON_OBJECT;
    for (struct json_iter it = json_iter(json_root(doc)); fit && json_next(&it);)
        fit = is_label(it.key, 1) && it.key.p[0] >= 'a' && is_label(json_str(it.val), 0);
    if (fit) {
        json_add_raw(&q->w, "labels", q->r->metadata);
    } else if (q->r->metadata.n) {
        gemini_drop(q, "metadata");
    }
    json_free(doc);
}

static void put_service(struct gemini_request *q)
{
    struct str tier = q->r->service_tier;
    if (str_eq(tier, STR("default")))
        json_add_str(&q->w, "serviceTier", STR("standard"));
    else if (str_eq(tier, STR("flex")) || str_eq(tier, STR("priority")))
        json_add_str(&q->w, "serviceTier", tier);
    else if (tier.n)
        gemini_drop(q, "service_tier");
    if (q->r->store >= 0)
        json_add_bool(&q->w, "store", q->r->store);
}

void gemini_put_params(struct gemini_request *q)
{
    put_tools(q);
    put_choice(q);
    put_config(q);
    if (q->r->safety.n)
        json_add_raw(&q->w, "safetySettings", q->r->safety);
    put_labels(q);
    put_service(q);
    if (q->r->user.n)
        gemini_drop(q, "user");
    if (q->r->logit_bias.n)
        gemini_drop(q, "logit_bias");
    if (q->r->verbosity.n)
        gemini_drop(q, "verbosity");
}
