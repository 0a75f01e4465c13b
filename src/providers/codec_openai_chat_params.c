/* SPDX-License-Identifier: Apache-2.0 */
/* A chat completions request, written: all but the conversation. */
#include "base/crypto.h"
#include "providers/codec_openai_chat.h"

/* ---- tools ---- */

static void put_tool(struct chat_writing *q, const struct ir_tool *t)
{
    if (t->raw.p) {
        json_put_raw(&q->w, t->raw);
        return;
    }
    json_open(&q->w, '{');
    chat_put(q, "type", STR("function"));
    json_key(&q->w, "function");
    json_open(&q->w, '{');
    chat_put(q, "name", t->name);
    if (t->description.p)
        chat_put(q, "description", t->description);
    if (t->schema.p)
        json_add_raw(&q->w, "parameters", t->schema);
    if (t->strict >= 0 && !chat_lacks(q, CODEC_NO_STRICT))
        json_add_bool(&q->w, "strict", t->strict);
    json_close(&q->w, '}');
    chat_put_cache(q, t->cache);
    json_close(&q->w, '}');
    if (t->strict == 1 && chat_lacks(q, CODEC_NO_STRICT))
        chat_drop(q, "tools.strict");
}

static void put_choice(struct chat_writing *q)
{
    static const struct str words[] = {
        [IR_CHOICE_AUTO] = S("auto"), [IR_CHOICE_NONE] = S("none"), [IR_CHOICE_REQUIRED] = S("required")};
    if (q->r->choice == IR_CHOICE_UNSET)
        return;
    json_key(&q->w, "tool_choice");
    if (q->r->choice != IR_CHOICE_NAMED) {
        json_put_str(&q->w, words[q->r->choice]);
        return;
    }
    json_open(&q->w, '{');
    chat_put(q, "type", STR("function"));
    json_key(&q->w, "function");
    json_open(&q->w, '{');
    chat_put(q, "name", q->r->choice_name);
    json_close(&q->w, '}');
    json_close(&q->w, '}');
}

static void put_tools(struct chat_writing *q)
{
    bool open = false;
    for (const struct ir_tool *t = q->r->tools; t; t = t->next) {
        if (t->raw.p && t->raw_dialect != D_OPENAI_CHAT) {
            chat_drop(q, "tools.raw");
            continue;
        }
        if (!open)
            json_key(&q->w, "tools");
        if (!open)
            json_open(&q->w, '[');
        open = true;
        put_tool(q, t);
    }
    if (!open) { /* the choice of tools is refused then */
        if (q->r->choice != IR_CHOICE_UNSET)
            chat_drop(q, "tool_choice");
        return;
    }
    json_close(&q->w, ']');
    put_choice(q);
    if (q->r->parallel_tools < 0)
        return;
    if (chat_lacks(q, CODEC_NO_PARALLEL)) {
        if (ir_wants_single_calls(q->r))
            chat_drop(q, "parallel_tool_calls");
        return;
    }
    json_add_bool(&q->w, "parallel_tool_calls", q->r->parallel_tools);
}

/* ---- the form of the answer ---- */

static void put_format(struct chat_writing *q)
{
    const struct ir_request *r = q->r;
    bool schema = r->format == IR_FORMAT_SCHEMA && !chat_lacks(q, CODEC_NO_JSON_SCHEMA);
    if (r->format == IR_FORMAT_UNSET)
        return;
    json_key(&q->w, "response_format");
    json_open(&q->w, '{');
    chat_put(q, "type",
             schema                        ? STR("json_schema")
             : r->format == IR_FORMAT_TEXT ? STR("text")
                                           : STR("json_object"));
    if (schema) {
        json_key(&q->w, "json_schema");
        json_open(&q->w, '{');
        chat_put(q, "name", r->format_name.n ? r->format_name : STR("answer"));
        if (r->format_description.p)
            chat_put(q, "description", r->format_description);
        if (r->format_strict >= 0)
            json_add_bool(&q->w, "strict", r->format_strict);
        json_add_raw(&q->w, "schema", r->format_schema);
        json_close(&q->w, '}');
    }
    json_close(&q->w, '}');
}

/* json_object wants the word JSON somewhere, too; but that is for the client to say. */
enum err chat_make_orders(struct chat_writing *q)
{
    const struct ir_request *r = q->r;
    q->orders = STR("");
    if (r->format != IR_FORMAT_SCHEMA || !chat_lacks(q, CODEC_NO_JSON_SCHEMA))
        return E_OK;
    chat_drop(q, "response_format"); /* said in words, which do not bind */
    q->orders = arena_printf(
        q->a, "Answer with one JSON object that is valid by this JSON Schema, and nothing else:\n%.*s",
        STR_FMT(r->format_schema));
    return q->orders.p ? E_OK : E_FULL;
}

/* ---- the rest ---- */

static bool is_said(const struct chat_member *m, const void *at)
{
    switch (m->form) {
    case CHAT_COUNT: return *(const int64_t *)at >= 0;
    case CHAT_FLAG: return *(const int *)at >= 0;
    case CHAT_BOOL: return *(const bool *)at;
    default: return ((const struct str *)at)->p;
    }
}

static void put_member(struct chat_writing *q, const struct chat_member *m)
{
    const void *at = (const char *)q->r + m->at;
    if (!is_said(m, at))
        return;
    if (chat_lacks(q, m->refused)) {
        chat_drop(q, m->key);
        return;
    }
    json_key(&q->w, m->key);
    switch (m->form) {
    case CHAT_COUNT: json_put_int(&q->w, *(const int64_t *)at); break;
    case CHAT_FLAG: json_put_bool(&q->w, *(const int *)at); break;
    case CHAT_BOOL: json_put_bool(&q->w, *(const bool *)at); break;
    case CHAT_TEXT: json_put_str(&q->w, *(const struct str *)at); break;
    case CHAT_NUMBER:
    case CHAT_OBJECT: json_put_raw(&q->w, *(const struct str *)at); break;
    }
}

/* OpenAI takes 64 characters, others some more; Claude Code's ids have 150. */
static void put_user(struct chat_writing *q)
{
    struct str user = q->r->user;
    unsigned char digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES];
    if (!user.p)
        return;
    if (chat_lacks(q, CODEC_RANDOM_SEED)) {
        chat_drop(q, "user");
        return;
    }
    if (user.n > sizeof(text)) {
        sha256(user, digest);
        hex_encode(text, digest, sizeof(digest));
        user = str_of(text, sizeof(text));
    }
    chat_put(q, "user", user);
}

/* A token budget is no member of this API: the next effort stands for it. "Think" without more is the middle
 * one; "do not" is not written, since models that cannot think refuse the member altogether. */
static void put_reasoning(struct chat_writing *q)
{
    const struct ir_request *r = q->r;
    struct str effort = r->effort.p ? r->effort : ir_budget_effort(r->thinking_budget);
    if (!effort.p && r->thinking == 1)
        effort = STR("medium");
    if (!r->effort.p && (r->thinking == 0 || r->thinking_budget == 0))
        effort = str_of(NULL, 0);
    if (effort.p)
        chat_put(q, "reasoning_effort", effort);
    if (!effort.p && (r->thinking >= 0 || r->thinking_budget != -1))
        chat_drop(q, "reasoning");
    else if (r->thinking_budget >= 0 && ir_effort_budget(effort) != r->thinking_budget)
        chat_drop(q, "reasoning.budget");
    if (r->thinking_shown >= 0)
        chat_drop(q, "reasoning.shown");
}

static void put_strs(struct chat_writing *q, const char *key, const struct ir_strs *l)
{
    json_key(&q->w, key);
    json_open(&q->w, '[');
    for (size_t i = 0; i < l->n; i++)
        json_put_str(&q->w, l->v[i]);
    json_close(&q->w, ']');
}

/* Pictures are what others made of it. */
static void put_modalities(struct chat_writing *q)
{
    const struct ir_strs *l = &q->r->modalities;
    bool known = !chat_lacks(q, CODEC_RANDOM_SEED);
    for (size_t i = 0; i < l->n && chat_lacks(q, CODEC_NO_EXTENSIONS); i++)
        known = known && !str_eq(l->v[i], STR("image"));
    if (l->n && known)
        put_strs(q, "modalities", l);
    else if (l->n)
        chat_drop(q, "modalities");
    if (q->r->audio.p && chat_lacks(q, CODEC_RANDOM_SEED))
        chat_drop(q, "audio_output");
    else if (q->r->audio.p)
        json_add_raw(&q->w, "audio", q->r->audio);
}

static void put_tier(struct chat_writing *q)
{
    static const struct str tiers[] = {S("auto"), S("default"), S("flex"), S("scale"), S("priority")};
    if (!q->r->service_tier.p)
        return;
    for (size_t i = 0; i < countof(tiers); i++)
        if (str_eq(q->r->service_tier, tiers[i])) {
            chat_put(q, "service_tier", tiers[i]);
            return;
        }
    chat_drop(q, "service_tier"); /* another dialect's word */
}

/* Usage is always asked for: the log wants it, and whether the client is shown the chunk is decided on the
 * way back. */
static void put_stream(struct chat_writing *q)
{
    if (!q->r->stream)
        return;
    json_add_bool(&q->w, "stream", true);
    if (chat_lacks(q, CODEC_NO_STREAM_OPTIONS))
        return;
    json_add_raw(&q->w, "stream_options", STR("{\"include_usage\":true}"));
}

static void put_rest(struct chat_writing *q)
{
    const struct ir_request *r = q->r;
    bool strict = chat_lacks(q, CODEC_NO_EXTENSIONS);
    for (const struct chat_member *m = chat_members; m->key; m++)
        if (!m->by_hand)
            put_member(q, m);
    if (r->max_tokens >= 0) {
        json_key(&q->w, chat_lacks(q, CODEC_MAX_COMPLETION_TOKENS) ? "max_completion_tokens" : "max_tokens");
        json_put_int(&q->w, r->max_tokens);
    }
    if (r->seed.p) {
        json_key(&q->w, chat_lacks(q, CODEC_RANDOM_SEED) ? "random_seed" : "seed");
        json_put_raw(&q->w, r->seed);
    }
    put_user(q);
    if (r->metadata.p && strict && r->store != 1) /* labels of stored answers: refused for others */
        chat_drop(q, "metadata");
    else if (r->metadata.p)
        json_add_raw(&q->w, "metadata", r->metadata);
    if (r->stop.n)
        put_strs(q, "stop", &r->stop);
    put_modalities(q);
    put_tier(q);
    put_format(q);
    put_reasoning(q);
    if (r->safety.p)
        chat_drop(q, "safety");
}

void chat_put_params(struct chat_writing *q)
{
    put_tools(q);
    put_rest(q);
    put_stream(q);
}
