/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Gemini request written: contents take turns, so that everything one side says in a row is one content,
 * tool results being the user's; all system messages are the one systemInstruction. What was signed by Gemini
 * goes back with its signature; calls that another model made say so, because Gemini 3 refuses calls without
 * one.
 */
#include "providers/codec_gemini.h"

void gemini_drop(struct gemini_request *q, const char *what)
{
    ir_drop(q->a, q->r, str_c(what));
}

static bool is_system(const struct ir_message *m)
{
    return m->role == IR_SYSTEM || m->role == IR_DEVELOPER;
}

/* ---- contents -------------------------------------------------------------------------------------- */

static void close_content(struct gemini_request *q)
{
    if (!q->role)
        return;
    json_close(&q->w, ']');
    json_close(&q->w, '}');
    q->role = NULL;
}

/* What that role says next goes into the content that is open now. */
static void open_content(struct gemini_request *q, const char *role)
{
    if (q->role && strcmp(q->role, role) == 0)
        return;
    close_content(q);
    json_open(&q->w, '{');
    json_add_str(&q->w, "role", str_c(role));
    json_key(&q->w, "parts");
    json_open(&q->w, '[');
    q->role = role;
    q->called = false;
    q->contents++;
}

static void open_part(struct gemini_request *q, const char *role)
{
    open_content(q, role);
    json_open(&q->w, '{');
}

/* ---- parts ----------------------------------------------------------------------------------------- */

static void put_text(struct gemini_request *q, const char *role, const struct ir_part *p)
{
    if (p->citations)
        gemini_drop(q, "citation");
    if (!p->text.n && !p->signature.n)
        return; /* refused, and says nothing */
    open_part(q, role);
    gemini_put_text(&q->w, p->text.p ? p->text : STR(""), false, p->signature);
    json_close(&q->w, '}');
}

/* Gemini signs calls and text, never thoughts: a thought's signature is some other provider's. */
static void put_thought(struct gemini_request *q, const char *role, const struct ir_part *p)
{
    if (p->signature.n)
        gemini_drop(q, "thinking.signature");
    if (!p->text.n) {
        gemini_drop(q, "thinking");
        return;
    }
    open_part(q, role);
    gemini_put_text(&q->w, p->text, true, str_of(NULL, 0));
    json_close(&q->w, '}');
}

static enum err refuse_media(struct gemini_request *q, const struct ir_part *p)
{
    const struct ir_media *m = &p->media;
    if (m->data.p || m->text.p)
        return E_FULL;
    if (m->file_id.p)
        return codec_refuse(q->a, q->ret_why,
                            "the file \"%.*s\" is at another provider: Gemini needs its data, or a URL",
                            STR_FMT(str_head(m->file_id, 60)));
    return codec_refuse(q->a, q->ret_why, "Gemini fetches files from http, https and gs URLs, not \"%.*s\"",
                        STR_FMT(str_head(m->url, 60)));
}

/* Members of a part, or of a part of a tool's result. */
static enum err put_media(struct gemini_request *q, const struct ir_part *p)
{
    if (p->media.name.n)
        gemini_drop(q, "file.name");
    if (p->media.detail.n && !str_eq(p->media.detail, STR("auto")))
        gemini_drop(q, "detail");
    return gemini_put_media(q->a, &q->w, p) ? E_OK : refuse_media(q, p);
}

static enum err put_media_part(struct gemini_request *q, const char *role, const struct ir_part *p)
{
    if (p->kind == IR_AUDIO && p->media.file_id.p && str_eq(str_c(role), STR("model"))) {
        gemini_drop(q, "assistant.audio"); /* it spoke, and the client has no more than a name of that */
        return E_OK;
    }
    open_part(q, role);
    enum err e = put_media(q, p);
    json_close(&q->w, '}');
    return e;
}

static enum err put_call(struct gemini_request *q, const struct ir_part *p)
{
    bool wrapped = false;
    struct str arguments = gemini_arguments(q->a, p->arguments, &wrapped), signature = p->signature;
    if (!arguments.p)
        return E_FULL;
    if (wrapped)
        gemini_drop(q, "call.arguments"); /* changed, rather */
    open_part(q, "model");
    if (!signature.n && !q->called && !q->old)
        signature = gemini_no_signature;
    q->called = true;
    gemini_put_call(&q->w, gemini_is_made_id(p->id) ? STR("") : p->id, p->name, arguments, signature);
    json_close(&q->w, '}');
    return E_OK;
}

static void put_raw(struct gemini_request *q, const char *role, const struct ir_part *p)
{
    if (p->raw_dialect != D_GEMINI) {
        gemini_drop(q, "raw");
        return;
    }
    open_content(q, role);
    json_put_raw(&q->w, p->raw);
}

/* ---- tool results ---------------------------------------------------------------------------------- */

static bool is_wrapped(const struct json_val *v)
{
    static const char *const names[] = {"result", "output", "error"};
    for (size_t i = 0; json_count(v) == 1 && i < countof(names); i++)
        if (json_get(v, names[i]))
            return true;
    return false;
}

/* The text of a result as an object: JSON objects as they are, all else as the only member of one. */
static void put_response(struct gemini_request *q, struct str text, bool is_error)
{
    struct json_doc *doc = json_parse(text);
    const struct json_val *root = json_root(doc);
    bool object = json_type(root) == JSON_OBJECT, list = json_type(root) == JSON_ARRAY;
    bool wrap = is_error || !object || is_wrapped(root);
    json_key(&q->w, "response");
    if (wrap) {
        json_open(&q->w, '{');
        json_key(&q->w, is_error ? "error" : "result");
    }
    if (object || list)
        json_put_raw(&q->w, str_trim(text));
    else
        json_put_str(&q->w, text);
    if (wrap)
        json_close(&q->w, '}');
    json_free(doc);
}

static bool is_media(const struct ir_part *p)
{
    return p->kind >= IR_IMAGE && p->kind <= IR_FILE;
}

/* Texts of a result, a line each. p == NULL past the cap. */
static struct str result_text(struct gemini_request *q, const struct ir_part *p)
{
    struct ir_strs texts = {NULL, 0};
    for (; p; p = p->next) {
        if (p->kind == IR_RAW)
            gemini_drop(q, "raw");
        if (p->kind != IR_TEXT && p->kind != IR_REFUSAL)
            continue;
        if ((texts.n && !ir_add_str(q->a, &texts, STR("\n"))) || !ir_add_str(q->a, &texts, p->text))
            return str_of(NULL, 0);
    }
    return texts.n ? arena_join(q->a, texts.v, texts.n) : STR("");
}

static enum err put_result_media(struct gemini_request *q, const struct ir_part *list)
{
    bool any = false;
    enum err e = E_OK;
    for (const struct ir_part *p = list; p && e == E_OK; p = p->next) {
        if (!is_media(p))
            continue;
        if (!any) {
            json_key(&q->w, "parts");
            json_open(&q->w, '[');
        }
        any = true;
        json_open(&q->w, '{');
        e = put_media(q, p);
        json_close(&q->w, '}');
    }
    if (any)
        json_close(&q->w, ']');
    return e;
}

static enum err put_result(struct gemini_request *q, const struct ir_part *p)
{
    struct str text = result_text(q, p->parts);
    enum err e = E_OK;
    if (!text.p)
        return E_FULL;
    if (!p->name.n)
        return codec_refuse(q->a, q->ret_why, "the tool result \"%.*s\" belongs to no tool call before it",
                            STR_FMT(str_head(p->id, 60)));
    open_part(q, "user");
    json_key(&q->w, "functionResponse");
    json_open(&q->w, '{');
    if (p->id.n && !gemini_is_made_id(p->id))
        json_add_str(&q->w, "id", p->id);
    json_add_str(&q->w, "name", p->name);
    put_response(q, text, p->is_error);
    if (!q->old)
        e = put_result_media(q, p->parts);
    json_close(&q->w, '}');
    json_close(&q->w, '}');
    for (const struct ir_part *in = p->parts; in && q->old && e == E_OK; in = in->next)
        if (is_media(in)) /* older models take it beside the result only */
            e = put_media_part(q, "user", in);
    return e;
}

/* ---- messages -------------------------------------------------------------------------------------- */

static enum err put_part(struct gemini_request *q, const char *role, const struct ir_part *p)
{
    if (p->cache != IR_CACHE_NONE)
        gemini_drop(q, "cache_control"); /* the service finds repeated prefixes by itself */
    switch (p->kind) {
    case IR_TEXT:
    case IR_REFUSAL: put_text(q, role, p); return E_OK;
    case IR_IMAGE:
    case IR_AUDIO:
    case IR_VIDEO:
    case IR_FILE: return put_media_part(q, role, p);
    case IR_TOOL_CALL: return put_call(q, p);
    case IR_TOOL_RESULT: return put_result(q, p);
    case IR_THINKING: put_thought(q, role, p); return E_OK;
    case IR_RAW: put_raw(q, role, p); return E_OK;
    }
    return E_OK;
}

static enum err put_message(struct gemini_request *q, const struct ir_message *m)
{
    static const char *const names[] = {"system.name", "developer.name", "user.name", "assistant.name",
                                        "tool.name"};
    enum err e = E_OK;
    if (m->name.n)
        gemini_drop(q, names[m->role]);
    if (m->cache != IR_CACHE_NONE)
        gemini_drop(q, "cache_control");
    for (const struct ir_part *p = m->parts; p && e == E_OK; p = p->next)
        e = put_part(q, m->role == IR_ASSISTANT ? "model" : "user", p);
    return e;
}

static bool says_something(const struct ir_request *r)
{
    for (const struct ir_message *m = r->messages; m; m = m->next)
        if (!is_system(m) && m->parts)
            return true;
    return false;
}

/* Where there is nothing but a system prompt, it is what the user says: somebody has to speak. */
static enum err put_contents(struct gemini_request *q, bool prompt_alone)
{
    enum err e = E_OK;
    json_key(&q->w, "contents");
    json_open(&q->w, '[');
    for (const struct ir_message *m = q->r->messages; m && e == E_OK; m = m->next)
        if (!is_system(m) || prompt_alone)
            e = put_message(q, m);
    close_content(q);
    json_close(&q->w, ']');
    if (e == E_OK && q->contents == 0)
        return codec_refuse(q->a, q->ret_why, "messages: nothing is said in them");
    return e;
}

/* ---- system ---------------------------------------------------------------------------------------- */

static void put_prompt_text(struct gemini_request *q, struct str text)
{
    if (!text.n)
        return;
    if (!q->prompt) {
        json_key(&q->w, "systemInstruction");
        json_open(&q->w, '{');
        json_key(&q->w, "parts");
        json_open(&q->w, '[');
    }
    q->prompt = true;
    json_open(&q->w, '{');
    json_add_str(&q->w, "text", text);
    json_close(&q->w, '}');
}

static void put_prompt(struct gemini_request *q)
{
    for (const struct ir_message *m = q->r->messages; m; m = m->next) {
        if (is_system(m) && m->name.n)
            gemini_drop(q, m->role == IR_SYSTEM ? "system.name" : "developer.name");
        for (const struct ir_part *p = m->parts; p && is_system(m); p = p->next) {
            if (p->cache != IR_CACHE_NONE)
                gemini_drop(q, "cache_control");
            if (p->kind == IR_TEXT)
                put_prompt_text(q, p->text);
            else
                gemini_drop(q, "system prompt's media");
        }
    }
}

/* Models that take no format beside tools are asked for it. */
static enum err put_format_words(struct gemini_request *q)
{
    static const struct str json =
        S("Answer with one JSON value and nothing else: no explanation, no code fence.");
    static const struct str head = S("\nIt must be valid by this JSON Schema:\n");
    const struct str words[] = {json, head, q->r->format_schema};
    struct str text = arena_join(q->a, words, q->r->format_schema.n ? 3 : 1);
    if (!text.p)
        return E_FULL;
    put_prompt_text(q, text);
    return E_OK;
}

static enum err put_system(struct gemini_request *q, bool prompt_alone)
{
    enum err e = E_OK;
    if (!prompt_alone)
        put_prompt(q);
    if (gemini_needs_words(q))
        e = put_format_words(q);
    if (q->prompt) {
        json_close(&q->w, ']');
        json_close(&q->w, '}');
    }
    return e;
}

enum err gemini_write_request(struct arena *a, struct ir_request *r, const struct codec_ask *ask,
                              struct buf *out, struct str *ret_why)
{
    struct str model = ask->model.n ? ask->model : r->model;
    struct gemini_request q = {
        .a = a, .r = r, .model = model, .w = json_out(out), .ret_why = ret_why, .old = gemini_is_old(model)};
    bool prompt_alone = !says_something(r);
    ir_link_results(r);
    json_open(&q.w, '{');
    enum err e = put_contents(&q, prompt_alone);
    if (e == E_OK)
        e = put_system(&q, prompt_alone);
    gemini_put_params(&q);
    json_close(&q.w, '}');
    return e == E_OK && out->full ? E_FULL : e;
}
