/* SPDX-License-Identifier: Apache-2.0 */
/* A Gemini request read: tools, generationConfig and everything else that is not said by anybody. */
#include "providers/codec_gemini.h"

/* One of them at most: a JSON Schema, or one of the service's own kind. */
static enum err read_schema(struct gemini_reading *g, const struct json_val *schema,
                            const struct json_val *own, const char *where, struct str *ret)
{
    const struct json_val *v = schema ? schema : own;
    if (!v)
        return E_OK;
    if (json_type(v) != JSON_OBJECT)
        return codec_refuse(g->a, g->ret_why, "%s: a schema is an object", where);
    *ret = schema ? codec_raw(g->a, v) : gemini_json_schema(g->a, v);
    return ret->p ? E_OK : E_FULL;
}

/* Raw, if it is of that type. */
static enum err read_raw(struct gemini_reading *g, const struct json_val *root, const char *name,
                         enum json_type type, struct str *ret)
{
    const struct json_val *v = gemini_get(root, name);
    if (!v)
        return E_OK;
    if (json_type(v) != type)
        return codec_refuse(g->a, g->ret_why, "%s: not a%s", name, type == JSON_ARRAY ? " list" : "n object");
    *ret = codec_raw(g->a, v);
    return ret->p ? E_OK : E_FULL;
}

/* ---- tools ----------------------------------------------------------------------------------------- */

static enum err read_function(struct gemini_reading *g, const struct json_val *v)
{
    static const char *const known[] = {"name", "description", "parameters", "parametersJsonSchema", NULL};
    const struct json_val *schema = gemini_get(v, "parametersJsonSchema"), *own = gemini_get(v, "parameters");
    struct ir_tool *t = ir_add_tool(g->a, g->r);
    if (!t)
        return E_FULL;
    t->name = gemini_text(v, "name");
    t->description = gemini_text(v, "description");
    if (!t->name.n)
        return codec_refuse(g->a, g->ret_why, "tools: a function declaration without a name");
    gemini_note_unknown(g->a, g->r, v, known);
    return read_schema(g, schema, own, "a function's parameters", &t->schema);
}

/* {"googleSearch": {...}}: a tool for each member. */
static enum err read_own_tool(struct gemini_reading *g, struct str name, const struct json_val *v)
{
    struct buf b;
    struct ir_tool *t = ir_add_tool(g->a, g->r);
    if (!t)
        return E_FULL;
    buf_init(&b, g->a->cap);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    json_key_str(&w, name);
    json_put_val(&w, v);
    json_close(&w, '}');
    t->name = name;
    t->raw = b.full ? str_of(NULL, 0) : arena_dup(g->a, buf_str(&b));
    t->raw_dialect = D_GEMINI;
    buf_done(&b);
    return t->raw.p ? E_OK : E_FULL;
}

static enum err read_tool(struct gemini_reading *g, const struct json_val *tool)
{
    const struct json_val *functions = gemini_get(tool, "functionDeclarations");
    enum err e = E_OK;
    for (struct json_iter it = json_iter(functions); e == E_OK && json_next(&it);)
        e = read_function(g, it.val);
    for (struct json_iter it = json_iter(tool); it.object && e == E_OK && json_next(&it);)
        if (it.val != functions && json_type(it.val) != JSON_NULL)
            e = read_own_tool(g, it.key, it.val);
    return e;
}

static enum err read_choice(struct gemini_reading *g, const struct json_val *config)
{
    static const struct {
        struct str mode;
        enum ir_choice choice;
    } modes[] = {{S("AUTO"), IR_CHOICE_AUTO},
                 {S("VALIDATED"), IR_CHOICE_AUTO},
                 {S("ANY"), IR_CHOICE_REQUIRED},
                 {S("NONE"), IR_CHOICE_NONE}};
    static const char *const known[] = {"mode", "allowedFunctionNames", NULL};
    const struct json_val *allowed = gemini_get(config, "allowedFunctionNames");
    struct str mode = gemini_text(config, "mode");
    for (size_t i = 0; i < countof(modes); i++)
        if (str_ieq(mode, modes[i].mode))
            g->r->choice = modes[i].choice;
    if (str_ieq(mode, STR("VALIDATED")))
        ir_drop(g->a, g->r, STR("toolConfig.VALIDATED"));
    if (g->r->choice == IR_CHOICE_REQUIRED && json_count(allowed) == 1) {
        g->r->choice = IR_CHOICE_NAMED;
        g->r->choice_name = json_str(json_at(allowed, 0));
        if (!g->r->choice_name.n)
            return codec_refuse(g->a, g->ret_why, "toolConfig: allowedFunctionNames are strings");
    } else if (json_count(allowed)) {
        ir_drop(g->a, g->r, STR("allowedFunctionNames"));
    }
    gemini_note_unknown(g->a, g->r, config, known);
    return E_OK;
}

static enum err read_tools(struct gemini_reading *g, const struct json_val *root)
{
    static const char *const known[] = {"functionCallingConfig", NULL};
    const struct json_val *config = gemini_get(root, "toolConfig"), *list = gemini_get(root, "tools");
    enum err e = E_OK;
    if (list && json_type(list) != JSON_ARRAY)
        return codec_refuse(g->a, g->ret_why, "tools: not a list");
    for (struct json_iter it = json_iter(list); e == E_OK && json_next(&it);)
        e = read_tool(g, it.val);
    gemini_note_unknown(g->a, g->r, config, known);
    return e == E_OK ? read_choice(g, gemini_get(config, "functionCallingConfig")) : e;
}

/* ---- generationConfig ------------------------------------------------------------------------------ */

/* Sampling parameters stay as they were written. */
static enum err read_number(struct gemini_reading *g, const struct json_val *config, const char *name,
                            struct str *ret)
{
    const struct json_val *v = gemini_get(config, name);
    if (!v)
        return E_OK;
    *ret = json_number(v);
    return ret->p ? E_OK : codec_refuse(g->a, g->ret_why, "generationConfig.%s: not a number", name);
}

static enum err read_numbers(struct gemini_reading *g, const struct json_val *config)
{
    struct ir_request *r = g->r;
    const struct {
        const char *name;
        struct str *to;
    } numbers[] = {{"temperature", &r->temperature},
                   {"topP", &r->top_p},
                   {"topK", &r->top_k},
                   {"frequencyPenalty", &r->frequency_penalty},
                   {"presencePenalty", &r->presence_penalty},
                   {"seed", &r->seed}};
    const struct {
        const char *name;
        int64_t *to;
    } counts[] = {
        {"maxOutputTokens", &r->max_tokens}, {"candidateCount", &r->n}, {"logprobs", &r->top_logprobs}};
    enum err e = E_OK;
    for (size_t i = 0; i < countof(numbers) && e == E_OK; i++)
        e = read_number(g, config, numbers[i].name, numbers[i].to);
    for (size_t i = 0; i < countof(counts) && e == E_OK; i++) {
        const struct json_val *v = gemini_get(config, counts[i].name);
        if (v && (!gemini_int(v, counts[i].to) || *counts[i].to < 0))
            e = codec_refuse(g->a, g->ret_why, "generationConfig.%s: not a whole number", counts[i].name);
    }
    return e;
}

static enum err read_strs(struct gemini_reading *g, const struct json_val *config, const char *name,
                          struct ir_strs *ret)
{
    const struct json_val *list = gemini_get(config, name);
    if (list && json_type(list) != JSON_ARRAY)
        return codec_refuse(g->a, g->ret_why, "generationConfig.%s: not a list", name);
    for (struct json_iter it = json_iter(list); json_next(&it);)
        if (json_str(it.val).p && !ir_add_str(g->a, ret, json_str(it.val)))
            return E_FULL;
    return E_OK;
}

/* "TEXT" is "text". */
static bool lower_all(struct arena *a, struct ir_strs *l)
{
    for (size_t i = 0; i < l->n; i++) {
        char *p = arena_alloc(a, l->v[i].n + 1);
        if (!p)
            return false;
        for (size_t k = 0; k < l->v[i].n; k++) {
            char c = l->v[i].p[k];
            p[k] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        }
        l->v[i].p = p;
    }
    return true;
}

static enum err read_format(struct gemini_reading *g, const struct json_val *config)
{
    struct ir_request *r = g->r;
    const struct json_val *schema = gemini_get(config, "responseJsonSchema");
    const struct json_val *own = gemini_get(config, "responseSchema");
    struct str mime = gemini_text(config, "responseMimeType");
    schema = schema ? schema : json_get(config, "_responseJsonSchema"); /* its name in older clients */
    if (str_eq(mime, STR("text/x.enum")))
        ir_drop(g->a, r, mime);
    else if (schema || own)
        r->format = IR_FORMAT_SCHEMA;
    else if (str_eq(mime, STR("application/json")))
        r->format = IR_FORMAT_JSON;
    else if (str_eq(mime, STR("text/plain")))
        r->format = IR_FORMAT_TEXT;
    else if (mime.n)
        ir_drop(g->a, r, mime);
    if (r->format != IR_FORMAT_SCHEMA)
        return E_OK;
    return read_schema(g, schema, own, "generationConfig.responseSchema", &r->format_schema);
}

static enum err read_thinking(struct gemini_reading *g, const struct json_val *config)
{
    static const char *const known[] = {"includeThoughts", "thinkingBudget", "thinkingLevel", NULL};
    static const struct str efforts[] = {S("minimal"), S("low"), S("medium"), S("high")};
    struct ir_request *r = g->r;
    const struct json_val *v = gemini_get(config, "thinkingBudget"),
                          *shown = gemini_get(config, "includeThoughts");
    struct str level = gemini_text(config, "thinkingLevel");
    int64_t budget = 0;
    if (v && !gemini_int(v, &budget))
        return codec_refuse(g->a, g->ret_why, "thinkingConfig.thinkingBudget: not a whole number");
    if (v) {
        r->thinking = budget != 0;
        r->thinking_budget = budget < 0 ? -2 : budget ? budget : -1;
    }
    for (size_t i = 0; i < countof(efforts); i++)
        if (str_ieq(level, efforts[i]))
            r->effort = efforts[i];
    if (shown)
        r->thinking_shown = json_bool(shown, false);
    gemini_note_unknown(g->a, r, config, known);
    return E_OK;
}

/* The voice of spoken answers, as OpenAI names it. */
static enum err read_speech(struct gemini_reading *g, const struct json_val *config)
{
    static const char *const known[] = {"voiceConfig", NULL};
    const struct json_val *voice = gemini_get(config, "voiceConfig");
    struct str name = gemini_text(gemini_get(voice, "prebuiltVoiceConfig"), "voiceName");
    struct buf b;
    gemini_note_unknown(g->a, g->r, config, known);
    if (!name.n)
        return E_OK;
    buf_init(&b, g->a->cap);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    json_add_str(&w, "voice", name);
    json_close(&w, '}');
    g->r->audio = b.full ? str_of(NULL, 0) : arena_dup(g->a, buf_str(&b));
    buf_done(&b);
    return g->r->audio.p ? E_OK : E_FULL;
}

static enum err read_config(struct gemini_reading *g, const struct json_val *config)
{
    static const char *const known[] = {"temperature",
                                        "topP",
                                        "topK",
                                        "frequencyPenalty",
                                        "presencePenalty",
                                        "seed",
                                        "maxOutputTokens",
                                        "candidateCount",
                                        "stopSequences",
                                        "responseLogprobs",
                                        "logprobs",
                                        "responseMimeType",
                                        "responseSchema",
                                        "responseJsonSchema",
                                        "_responseJsonSchema",
                                        "responseModalities",
                                        "speechConfig",
                                        "thinkingConfig",
                                        NULL};
    const struct json_val *logprobs = gemini_get(config, "responseLogprobs");
    gemini_note_unknown(g->a, g->r, config, known);
    if (logprobs)
        g->r->logprobs = json_bool(logprobs, false);
    enum err e = read_numbers(g, config);
    if (e == E_OK)
        e = read_strs(g, config, "stopSequences", &g->r->stop);
    if (e == E_OK)
        e = read_strs(g, config, "responseModalities", &g->r->modalities);
    if (e == E_OK && !lower_all(g->a, &g->r->modalities))
        e = E_FULL;
    if (e == E_OK)
        e = read_format(g, config);
    if (e == E_OK)
        e = read_thinking(g, gemini_get(config, "thinkingConfig"));
    return e == E_OK ? read_speech(g, gemini_get(config, "speechConfig")) : e;
}

/* ---- everything ------------------------------------------------------------------------------------ */

static void read_service(struct gemini_reading *g, const struct json_val *root)
{
    static const struct str tiers[][2] = {
        {S("standard"), S("default")}, {S("flex"), S("flex")}, {S("priority"), S("priority")}};
    struct str tier = gemini_text(root, "serviceTier");
    for (size_t i = 0; i < countof(tiers); i++)
        if (str_ieq(tier, tiers[i][0]))
            g->r->service_tier = tiers[i][1];
    g->r->store = codec_bool(root, "store");
}

enum err gemini_read_params(struct gemini_reading *g, const struct json_val *root)
{
    static const char *const known[] = {"contents",
                                        "systemInstruction",
                                        "tools",
                                        "toolConfig",
                                        "generationConfig",
                                        "safetySettings",
                                        "cachedContent",
                                        "labels",
                                        "model",
                                        "serviceTier",
                                        "store",
                                        NULL};
    const struct json_val *config = gemini_get(root, "generationConfig");
    if (gemini_get(root, "cachedContent")) /* half of the prompt stands there */
        return codec_refuse(g->a, g->ret_why, "cachedContent: only Gemini itself can read its caches");
    if (config && json_type(config) != JSON_OBJECT)
        return codec_refuse(g->a, g->ret_why, "generationConfig: not an object");
    gemini_note_unknown(g->a, g->r, root, known);
    read_service(g, root);
    enum err e = read_raw(g, root, "safetySettings", JSON_ARRAY, &g->r->safety);
    if (e == E_OK)
        e = read_raw(g, root, "labels", JSON_OBJECT, &g->r->metadata);
    if (e == E_OK)
        e = read_tools(g, root);
    return e == E_OK ? read_config(g, config) : e;
}
