/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Cohere request written: messages and documents. Documents of whatever message stand at the top, in order;
 * the API has no other place for them. Blank messages, which it refuses, are left out.
 */
#include "base/crypto.h"
#include "providers/codec_cohere.h"

static bool is_blank(struct str text)
{
    return str_trim(text).n == 0;
}

static void drop(struct cohere_request *q, struct str name)
{
    ir_drop(q->a, q->r, name);
}

static void note_cache(struct cohere_request *q, enum ir_cache cache)
{
    if (cache != IR_CACHE_NONE)
        drop(q, STR("cache_control"));
}

static void put_item(struct json_out *w, const char *type, const char *key, struct str text)
{
    json_open(w, '{');
    json_add_str(w, "type", str_c(type));
    json_add_str(w, key, text);
    json_close(w, '}');
}

/* ---- media ----------------------------------------------------------------------------------------- */

static enum err put_image(struct cohere_request *q, const struct ir_part *p)
{
    const struct ir_media *m = &p->media;
    struct json_out *w = &q->w;
    const struct str pieces[] = {S("data:"), m->mime.p ? m->mime : STR("image/png"), S(";base64,"), m->data};
    struct str url = m->data.p ? arena_join(q->a, pieces, countof(pieces)) : m->url;
    if (!url.p && m->data.p)
        return E_FULL;
    if (!m->data.p && !str_istarts(url, STR("http://")) && !str_istarts(url, STR("https://")))
        return codec_refuse(q->a, q->ret_why,
                            "an image must be its data or an http address for this provider");
    json_open(w, '{');
    json_add_str(w, "type", STR("image_url"));
    json_key(w, "image_url");
    json_open(w, '{');
    json_add_str(w, "url", url);
    if (m->detail.n)
        json_add_str(w, "detail", m->detail);
    json_close(w, '}');
    json_close(w, '}');
    return E_OK;
}

static bool is_text_type(struct str type)
{
    return str_istarts(type, STR("text/")) || str_istarts(type, STR("application/json")) ||
           str_istarts(type, STR("application/xml"));
}

/* Documents are text. */
static enum err document_text(struct cohere_request *q, const struct ir_media *m, struct str *ret)
{
    *ret = m->text;
    if (m->text.p)
        return E_OK;
    if (!m->data.p)
        return codec_refuse(q->a, q->ret_why,
                            "this provider takes documents as text, no URLs and no file ids");
    if (!is_text_type(m->mime))
        return codec_refuse(q->a, q->ret_why, "this provider takes documents as text, not \"%.*s\"",
                            STR_FMT(str_head(m->mime, 60)));
    enum err e = base64_decode(q->a, m->data, ret);
    if (e == E_SYNTAX)
        return codec_refuse(q->a, q->ret_why, "a document's data is not base64");
    if (!str_eq(m->mime, STR("text/plain")))
        drop(q, STR("file.mime"));
    drop(q, STR("file.data")); /* said as text */
    drop(q, STR("file.text"));
    return e;
}

static enum err put_document(struct cohere_request *q, const struct ir_part *p)
{
    struct json_out *w = &q->w;
    struct str text;
    enum err e = document_text(q, &p->media, &text);
    if (e != E_OK)
        return e;
    json_open(w, '{');
    json_key(w, "data");
    json_open(w, '{');
    if (p->media.name.n)
        json_add_str(w, "title", p->media.name);
    json_add_str(w, "text", text);
    json_close(w, '}');
    json_close(w, '}');
    return E_OK;
}

static enum err put_documents(struct cohere_request *q)
{
    enum err e = E_OK;
    bool any = false;
    for (const struct ir_message *m = q->r->messages; m; m = m->next)
        for (const struct ir_part *p = m->parts; p && e == E_OK; p = p->next) {
            if (p->kind != IR_FILE || m->role == IR_TOOL)
                continue;
            if (!any) {
                json_key(&q->w, "documents");
                json_open(&q->w, '[');
            }
            any = true;
            e = put_document(q, p);
        }
    if (any)
        json_close(&q->w, ']');
    return e;
}

/* ---- content --------------------------------------------------------------------------------------- */

static size_t count_kind(const struct ir_part *p, enum ir_kind kind)
{
    size_t n = 0;
    for (; p; p = p->next)
        n += p->kind == kind;
    return n;
}

static void open_message(struct cohere_request *q, const char *role)
{
    json_open(&q->w, '{');
    json_add_str(&q->w, "role", str_c(role));
}

/* Can it be a string? One text is; lists are for what is more. */
static bool is_plain(const struct ir_part *p)
{
    bool one = false;
    for (; p; p = p->next) {
        if (p->kind == IR_FILE)
            continue;
        if (one || (p->kind != IR_TEXT && p->kind != IR_REFUSAL))
            return false;
        one = true;
    }
    return one;
}

static enum err put_user_part(struct cohere_request *q, const struct ir_part *p)
{
    note_cache(q, p->cache);
    switch (p->kind) {
    case IR_TEXT:
    case IR_REFUSAL:
        if (!is_blank(p->text))
            put_item(&q->w, "text", "text", p->text);
        return E_OK;
    case IR_IMAGE: return put_image(q, p);
    case IR_FILE: return E_OK; /* among the documents */
    case IR_AUDIO: return codec_refuse(q->a, q->ret_why, "this provider takes no audio");
    case IR_VIDEO: return codec_refuse(q->a, q->ret_why, "this provider takes no video");
    default: drop(q, p->kind == IR_RAW ? STR("raw") : STR("content of another role")); return E_OK;
    }
}

static bool says_something(const struct ir_part *p)
{
    for (; p; p = p->next)
        if (p->kind != IR_FILE && ((p->kind != IR_TEXT && p->kind != IR_REFUSAL) || !is_blank(p->text)))
            return true;
    return false;
}

/* Of the user and of the system. Files alone are no question, but something must be said. */
static enum err put_said(struct cohere_request *q, const char *role, const struct ir_message *m)
{
    enum err e = E_OK;
    bool something = says_something(m->parts);
    if (!something && !count_kind(m->parts, IR_FILE))
        return E_OK;
    open_message(q, role);
    json_key(&q->w, "content");
    if (!something) {
        json_put_str(&q->w, STR("See the documents."));
        drop(q, STR("user.text"));
    } else if (is_plain(m->parts)) {
        const struct ir_part *p = m->parts;
        while (p->kind == IR_FILE)
            p = p->next;
        json_put_str(&q->w, p->text);
        note_cache(q, p->cache);
    } else {
        json_open(&q->w, '[');
        for (const struct ir_part *p = m->parts; p && e == E_OK; p = p->next)
            e = put_user_part(q, p);
        json_close(&q->w, ']');
    }
    json_close(&q->w, '}');
    return e;
}

/* ---- the assistant --------------------------------------------------------------------------------- */

static void put_call(struct cohere_request *q, const struct ir_part *p)
{
    note_cache(q, p->cache);
    if (p->signature.n)
        drop(q, STR("signature"));
    cohere_put_call(&q->w, p);
}

static enum err put_plan(struct cohere_request *q, const struct ir_part *p)
{
    struct ir_strs texts = {NULL, 0};
    for (; p; p = p->next)
        if (p->kind == IR_THINKING && p->text.n && !ir_add_str(q->a, &texts, p->text))
            return E_FULL;
    struct str plan = texts.n ? arena_join(q->a, texts.v, texts.n) : str_of(NULL, 0);
    if (texts.n && !plan.p)
        return E_FULL;
    if (plan.n)
        json_add_str(&q->w, "tool_plan", plan);
    return E_OK;
}

/* Thoughts that are a plan stand elsewhere; those of a model that does not think cannot be told. */
static void put_content_item(struct cohere_request *q, const struct ir_part *p, bool thinks, bool calls)
{
    if (p->kind == IR_THINKING && p->signature.n)
        drop(q, STR("signature"));
    if (p->kind == IR_THINKING && (p->redacted || p->id.p || (!thinks && !calls)))
        drop(q, STR("thinking"));
    note_cache(q, p->cache);
    if (p->kind == IR_TEXT && p->signature.n)
        drop(q, STR("signature"));
    if (p->kind == IR_RAW)
        drop(q, STR("raw"));
    if (p->kind == IR_IMAGE || p->kind == IR_AUDIO)
        drop(q, p->kind == IR_IMAGE ? STR("assistant.image") : STR("assistant.audio"));
    if ((p->kind == IR_TEXT || p->kind == IR_REFUSAL) && !is_blank(p->text))
        put_item(&q->w, "text", "text", p->text);
    else if (p->kind == IR_THINKING && thinks && !is_blank(p->text))
        put_item(&q->w, "thinking", "thinking", p->text);
}

static void put_citations(struct cohere_request *q, const struct ir_part *p)
{
    bool any = false;
    for (; p; p = p->next)
        for (const struct ir_citation *c = p->citations; c; c = c->next) {
            if (c->raw_dialect != D_COHERE_V2 || !c->raw.n) {
                drop(q, STR("citation")); /* of documents that are not here */
                continue;
            }
            if (!any) {
                json_key(&q->w, "citations");
                json_open(&q->w, '[');
            }
            any = true;
            json_put_raw(&q->w, c->raw);
        }
    if (any)
        json_close(&q->w, ']');
}

static bool has_content(const struct ir_part *p, bool thinks)
{
    for (; p; p = p->next)
        if (((p->kind == IR_TEXT || p->kind == IR_REFUSAL) || (p->kind == IR_THINKING && thinks)) &&
            !is_blank(p->text))
            return true;
    return false;
}

static enum err put_assistant(struct cohere_request *q, const struct ir_message *m)
{
    bool calls = count_kind(m->parts, IR_TOOL_CALL), thinks = !cohere_plans(q->model);
    bool content = has_content(m->parts, thinks);
    struct json_out *w = &q->w;
    if (!content && !calls) {
        drop(q, STR("assistant"));
        return E_OK;
    }
    open_message(q, "assistant");
    enum err e = calls && !thinks ? put_plan(q, m->parts) : E_OK;
    if (content) {
        json_key(w, "content");
        json_open(w, '[');
    }
    for (const struct ir_part *p = m->parts; p; p = p->next)
        if (p->kind != IR_TOOL_CALL)
            put_content_item(q, p, thinks, calls);
    if (content)
        json_close(w, ']');
    if (calls) {
        json_key(w, "tool_calls");
        json_open(w, '[');
        for (const struct ir_part *p = m->parts; p; p = p->next)
            if (p->kind == IR_TOOL_CALL)
                put_call(q, p);
        json_close(w, ']');
    }
    put_citations(q, m->parts);
    json_close(w, '}');
    return e;
}

/* ---- tools' results -------------------------------------------------------------------------------- */

static enum err put_found(struct cohere_request *q, const struct ir_part *p)
{
    struct json_out *w = &q->w;
    note_cache(q, p->cache);
    if (p->kind == IR_TEXT) {
        put_item(w, "text", "text", p->text);
        return E_OK;
    }
    if (p->kind != IR_FILE)
        return codec_refuse(q->a, q->ret_why,
                            "this provider takes text and documents as a tool's result, no media");
    json_open(w, '{');
    json_add_str(w, "type", STR("document"));
    json_key(w, "document");
    enum err e = put_document(q, p);
    json_close(w, '}');
    drop(q, STR("result.file")); /* text, from here on */
    return e;
}

static enum err put_result(struct cohere_request *q, const struct ir_part *p)
{
    struct json_out *w = &q->w;
    enum err e = E_OK;
    if (p->is_error)
        drop(q, STR("is_error"));
    note_cache(q, p->cache);
    open_message(q, "tool");
    json_add_str(w, "tool_call_id", p->id);
    json_key(w, "content");
    if (!p->parts || (is_plain(p->parts) && p->parts->kind == IR_TEXT && !p->parts->next)) {
        json_put_str(w, p->parts ? p->parts->text : STR(""));
        note_cache(q, p->parts ? p->parts->cache : IR_CACHE_NONE);
    } else {
        json_open(w, '[');
        for (const struct ir_part *in = p->parts; in && e == E_OK; in = in->next)
            e = put_found(q, in);
        json_close(w, ']');
    }
    json_close(w, '}');
    return e;
}

/* ---- messages -------------------------------------------------------------------------------------- */

static enum err put_message(struct cohere_request *q, const struct ir_message *m)
{
    enum err e = E_OK;
    note_cache(q, m->cache);
    if (m->name.n)
        drop(q, STR("name"));
    switch (m->role) {
    case IR_SYSTEM:
    case IR_DEVELOPER: return put_said(q, "system", m);
    case IR_USER: return put_said(q, "user", m);
    case IR_ASSISTANT: return put_assistant(q, m);
    case IR_TOOL: break;
    }
    for (const struct ir_part *p = m->parts; p && e == E_OK; p = p->next)
        if (p->kind == IR_TOOL_RESULT)
            e = put_result(q, p);
    return e;
}

static enum err put_messages(struct cohere_request *q)
{
    enum err e = E_OK;
    json_key(&q->w, "messages");
    json_open(&q->w, '[');
    if (q->order.p) {
        open_message(q, "system");
        json_add_str(&q->w, "content", q->order);
        json_close(&q->w, '}');
    }
    for (const struct ir_message *m = q->r->messages; m && e == E_OK; m = m->next)
        e = put_message(q, m);
    json_close(&q->w, ']');
    return e;
}

enum err cohere_write_request(struct arena *a, struct ir_request *r, const struct codec_ask *ask,
                              struct buf *out, struct str *ret_why)
{
    struct cohere_request q = {.a = a,
                               .r = r,
                               .ask = ask,
                               .w = json_out(out),
                               .ret_why = ret_why,
                               .model = ask->model.n ? ask->model : r->model};
    enum err e = cohere_decide(&q);
    if (e != E_OK)
        return e;
    json_open(&q.w, '{');
    json_add_str(&q.w, "model", q.model);
    e = put_messages(&q);
    if (e == E_OK)
        e = put_documents(&q);
    cohere_put_rest(&q);
    json_close(&q.w, '}');
    return e == E_OK && out->full ? E_FULL : e;
}
