/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chat completions request, written. What OpenAI's own API does not know is written for providers that do,
 * or that look away: thoughts, signatures, cache_control, top_k, videos, files by URL (CODEC_NO_EXTENSIONS).
 *
 * A tool's result is text here. Pictures and files in it follow the run of results in a user's message of
 * their own, with a word about which call they belong to.
 */
#include "providers/codec_openai_chat.h"

void chat_put_cache(struct chat_writing *q, enum ir_cache cache)
{
    if (cache == IR_CACHE_NONE)
        return;
    if (chat_lacks(q, CODEC_NO_EXTENSIONS)) {
        chat_drop(q, "cache_control");
        return;
    }
    json_key(&q->w, "cache_control");
    json_open(&q->w, '{');
    chat_put(q, "type", STR("ephemeral"));
    if (cache == IR_CACHE_1H)
        chat_put(q, "ttl", STR("1h"));
    json_close(&q->w, '}');
}

/* ---- parts of content ---- */

static void put_text_part(struct chat_writing *q, struct str text, enum ir_cache cache)
{
    json_open(&q->w, '{');
    chat_put(q, "type", STR("text"));
    chat_put(q, "text", text.p ? text : STR(""));
    chat_put_cache(q, cache);
    json_close(&q->w, '}');
}

/* The object is left open for the caller's members. */
static enum err open_picture(struct chat_writing *q, const struct ir_part *p)
{
    bool video = p->kind == IR_VIDEO;
    if (p->media.file_id.n)
        return codec_refuse(q->a, q->why, "%s by file id: this API takes URLs and data",
                            video ? "a video" : "a picture");
    if (video && chat_lacks(q, CODEC_NO_EXTENSIONS))
        return codec_refuse(q->a, q->why, "the provider takes no videos");
    if (str_istarts(p->media.url, STR("data:")) || (!p->media.url.n && !p->media.data.n))
        return codec_refuse(q->a, q->why, "%s that is neither at a URL nor base64",
                            video ? "a video" : "a picture");
    chat_put_url(q->a, &q->w, video ? "video_url" : "image_url", &p->media);
    return E_OK;
}

static enum err open_sound(struct chat_writing *q, const struct ir_part *p)
{
    if (!p->media.data.n)
        return codec_refuse(q->a, q->why, "a sound by URL or file id: this API takes data");
    json_open(&q->w, '{');
    chat_put(q, "type", STR("input_audio"));
    json_key(&q->w, "input_audio");
    json_open(&q->w, '{');
    chat_put(q, "data", p->media.data);
    chat_put(q, "format", chat_audio_format(p->media.mime));
    json_close(&q->w, '}');
    return E_OK;
}

static struct str file_data(struct chat_writing *q, const struct ir_media *m)
{
    const struct str pieces[] = {S("data:"), m->mime.n ? m->mime : STR("application/pdf"), S(";base64,"),
                                 m->data};
    return m->url.p ? m->url : arena_join(q->a, pieces, countof(pieces));
}

static enum err open_file(struct chat_writing *q, const struct ir_part *p)
{
    const struct ir_media *m = &p->media;
    bool web = str_istarts(m->url, STR("https://")) || str_istarts(m->url, STR("http://"));
    if (m->url.p && (!web || chat_lacks(q, CODEC_NO_EXTENSIONS)))
        return codec_refuse(q->a, q->why, "a file by URL: the provider takes data and file ids");
    if (!m->file_id.n && !m->url.p && !m->data.n)
        return codec_refuse(q->a, q->why, "a file without data");
    json_open(&q->w, '{');
    chat_put(q, "type", STR("file"));
    json_key(&q->w, "file");
    json_open(&q->w, '{');
    if (m->file_id.n) {
        chat_put(q, "file_id", m->file_id);
    } else {
        chat_put(q, "filename",
                 m->name.n ? m->name : STR("document.pdf")); /* data without a name is refused */
        chat_put(q, "file_data", file_data(q, m));
    }
    json_close(&q->w, '}');
    return E_OK;
}

/* The API takes PDFs; a plain text is content. */
static void put_document(struct chat_writing *q, const struct ir_part *p)
{
    const struct str pieces[] = {p->media.name, S("\n\n"), p->media.text};
    put_text_part(q, p->media.name.n ? arena_join(q->a, pieces, countof(pieces)) : p->media.text, p->cache);
}

static enum err put_part(struct chat_writing *q, const struct ir_part *p)
{
    enum err e;
    switch (p->kind) {
    case IR_TEXT: put_text_part(q, p->text, p->cache); return E_OK;
    case IR_IMAGE:
    case IR_VIDEO: e = open_picture(q, p); break;
    case IR_AUDIO: e = open_sound(q, p); break;
    case IR_FILE:
        if (p->media.text.p) {
            put_document(q, p);
            return E_OK;
        }
        e = open_file(q, p);
        break;
    default: return E_OK; /* not in a message of this role */
    }
    if (e != E_OK)
        return e;
    chat_put_cache(q, p->cache);
    json_close(&q->w, '}');
    return E_OK;
}

static bool is_media(enum ir_kind k)
{
    return k == IR_IMAGE || k == IR_AUDIO || k == IR_VIDEO || k == IR_FILE;
}

/* A string for one text without a mark, else a list; `none` where there is no text. Only texts are written.
 */
static void put_texts(struct chat_writing *q, const struct ir_part *parts, struct str none)
{
    const struct ir_part *text = NULL;
    bool list = false;
    for (const struct ir_part *p = parts; p; p = p->next) {
        if (p->kind != IR_TEXT)
            continue;
        list = list || text || p->cache != IR_CACHE_NONE;
        text = p;
    }
    if (!list) {
        json_put_str(&q->w, !text ? none : text->text.p ? text->text : STR(""));
        return;
    }
    json_open(&q->w, '[');
    for (const struct ir_part *p = parts; p; p = p->next)
        if (p->kind == IR_TEXT)
            put_text_part(q, p->text, p->cache);
    json_close(&q->w, ']');
}

static bool has_media(const struct ir_part *p)
{
    for (; p; p = p->next)
        if (is_media(p->kind))
            return true;
    return false;
}

static enum err put_content(struct chat_writing *q, const struct ir_part *parts)
{
    enum err e = E_OK;
    json_key(&q->w, "content");
    if (!has_media(parts)) {
        put_texts(q, parts, STR(""));
        return E_OK;
    }
    json_open(&q->w, '[');
    for (const struct ir_part *p = parts; p && e == E_OK; p = p->next)
        e = put_part(q, p);
    json_close(&q->w, ']');
    return e;
}

static void open_message(struct chat_writing *q, struct str role, struct str name)
{
    json_open(&q->w, '{');
    chat_put(q, "role", role);
    if (name.n)
        chat_put(q, "name", name);
}

/* ---- system ---- */

static struct str system_role(const struct chat_writing *q, enum ir_role role)
{
    return role == IR_DEVELOPER && !chat_lacks(q, CODEC_NO_DEVELOPER) ? STR("developer") : STR("system");
}

/* What must come first: everything, for providers that take one system message; else what weir has to add. */
static enum err put_orders(struct chat_writing *q)
{
    bool all = chat_lacks(q, CODEC_SYSTEM_FIRST);
    struct str text = all ? ir_system_text(q->a, q->r) : str_of(NULL, 0);
    const struct str pieces[] = {text, text.n && q->orders.n ? STR("\n\n") : STR(""), q->orders};
    text = arena_join(q->a, pieces, countof(pieces));
    if (!text.p)
        return E_FULL;
    if (text.n) {
        open_message(q, STR("system"), STR(""));
        chat_put(q, "content", text);
        json_close(&q->w, '}');
    }
    return E_OK;
}

static enum err put_said(struct chat_writing *q, const struct ir_message *m)
{
    bool system = m->role != IR_USER;
    if (system && chat_lacks(q, CODEC_SYSTEM_FIRST))
        return E_OK;
    open_message(q, system ? system_role(q, m->role) : STR("user"), m->name);
    enum err e = put_content(q, m->parts);
    chat_put_cache(q, m->cache);
    json_close(&q->w, '}');
    return e;
}

/* ---- assistant ---- */

static void put_thoughts(struct chat_writing *q, const struct ir_message *m)
{
    struct ir_strs texts = {NULL, 0};
    size_t n = 0;
    bool ok = true;
    for (const struct ir_part *p = m->parts; p; p = p->next) {
        n += p->kind == IR_THINKING;
        if (p->kind == IR_THINKING && p->text.n && !p->redacted)
            ok = ok && ir_add_str(q->a, &texts, p->text);
    }
    if (n && chat_lacks(q, CODEC_NO_EXTENSIONS))
        chat_drop(q, "assistant.thinking");
    if (n == 0 || !ok || chat_lacks(q, CODEC_NO_EXTENSIONS))
        return;
    if (texts.n)
        chat_put(q, "reasoning_content", arena_join(q->a, texts.v, texts.n));
    json_key(&q->w, "reasoning_details");
    json_open(&q->w, '[');
    struct chat_thought t = {.index = 0};
    for (const struct ir_part *p = m->parts; p; p = p->next) {
        if (p->kind != IR_THINKING)
            continue;
        t.text = p->text;
        t.signature = p->signature;
        t.id = p->id;
        t.redacted = p->redacted;
        chat_put_thought(&q->w, &t);
        t.index++;
    }
    json_close(&q->w, ']');
}

static void put_signature(struct chat_writing *q, struct str signature)
{
    if (!signature.n)
        return;
    if (chat_lacks(q, CODEC_NO_EXTENSIONS) && !(q->ask->quirks & CODEC_EXTRA_CONTENT))
        chat_drop(q, "signature");
    else
        chat_put_signature(&q->w, signature);
}

static void put_call(struct chat_writing *q, const struct ir_part *p)
{
    json_open(&q->w, '{');
    chat_put(q, "id", p->id);
    chat_put(q, "type", STR("function"));
    json_key(&q->w, "function");
    json_open(&q->w, '{');
    chat_put(q, "name", p->name);
    chat_put(q, "arguments", p->arguments.n ? p->arguments : STR("{}"));
    json_close(&q->w, '}');
    put_signature(q, p->signature);
    chat_put_cache(q, p->cache);
    json_close(&q->w, '}');
}

/* What it drew, as OpenRouter has it, and what it said aloud. */
static void put_works(struct chat_writing *q, const struct ir_message *m)
{
    bool list = false;
    for (const struct ir_part *p = m->parts; p; p = p->next) {
        if (p->kind == IR_AUDIO && p->media.file_id.n) {
            json_key(&q->w, "audio");
            json_open(&q->w, '{');
            chat_put(q, "id", p->media.file_id);
            json_close(&q->w, '}');
        } else if (p->kind == IR_IMAGE && !p->media.file_id.n && !chat_lacks(q, CODEC_NO_EXTENSIONS)) {
            if (!list)
                json_key(&q->w, "images");
            if (!list)
                json_open(&q->w, '[');
            list = true;
            chat_put_url(q->a, &q->w, "image_url", &p->media);
            json_close(&q->w, '}');
        } else if (is_media(p->kind) || p->kind == IR_RAW) {
            ir_drop(q->a, q->r, p->kind == IR_RAW ? STR("assistant.raw") : STR("assistant.media"));
        }
    }
    if (list)
        json_close(&q->w, ']');
}

static void put_refusal(struct chat_writing *q, const struct ir_message *m)
{
    struct ir_strs texts = {NULL, 0};
    for (const struct ir_part *p = m->parts; p; p = p->next)
        if (p->kind == IR_REFUSAL && !ir_add_str(q->a, &texts, p->text))
            return;
    if (texts.n)
        chat_put(q, "refusal", arena_join(q->a, texts.v, texts.n));
}

static void put_calls(struct chat_writing *q, const struct ir_message *m)
{
    bool open = false;
    for (const struct ir_part *p = m->parts; p; p = p->next) {
        if (p->kind != IR_TOOL_CALL)
            continue;
        if (!open)
            json_key(&q->w, "tool_calls");
        if (!open)
            json_open(&q->w, '[');
        open = true;
        put_call(q, p);
    }
    if (open)
        json_close(&q->w, ']');
}

static bool has_part(const struct ir_message *m, enum ir_kind kind)
{
    for (const struct ir_part *p = m->parts; p; p = p->next)
        if (p->kind == kind)
            return true;
    return false;
}

static enum err put_assistant(struct chat_writing *q, const struct ir_message *m)
{
    struct str signature = {NULL, 0};
    bool null = has_part(m, IR_TOOL_CALL) || has_part(m, IR_REFUSAL) || has_part(m, IR_AUDIO);
    for (const struct ir_part *p = m->parts; p; p = p->next) {
        signature = p->kind == IR_TEXT && p->signature.n ? p->signature : signature;
        if (p->citations)
            chat_drop(q, "citation");
    }
    open_message(q, STR("assistant"), m->name);
    json_key(&q->w, "content");
    put_texts(q, m->parts, null ? str_of(NULL, 0) : STR(""));
    put_refusal(q, m);
    put_thoughts(q, m);
    put_signature(q, signature);
    put_works(q, m);
    put_calls(q, m);
    chat_put_cache(q, m->cache);
    json_close(&q->w, '}');
    return E_OK;
}

/* ---- results of tools ---- */

static void put_result(struct chat_writing *q, const struct ir_part *p)
{
    open_message(q, STR("tool"), STR(""));
    chat_put(q, "tool_call_id", p->id);
    json_key(&q->w, "content");
    put_texts(q, p->parts, STR(""));
    chat_put_cache(q, p->cache);
    json_close(&q->w, '}');
    if (p->is_error)
        chat_drop(q, "is_error");
}

/* The pictures and files of one result, behind a word about whose they are. */
static enum err put_result_media(struct chat_writing *q, const struct ir_part *result)
{
    enum err e = E_OK;
    struct str word = arena_printf(q->a, "From the result of tool call %.*s:", STR_FMT(result->id));
    put_text_part(q, word, IR_CACHE_NONE);
    for (const struct ir_part *p = result->parts; p && e == E_OK; p = p->next)
        if (is_media(p->kind))
            e = put_part(q, p);
    return e;
}

/* All messages of the run that m begins; *ret_last is the last of them. */
static enum err put_results(struct chat_writing *q, const struct ir_message *m,
                            const struct ir_message **ret_last)
{
    enum err e = E_OK;
    bool open = false;
    for (const struct ir_message *at = m; at && at->role == IR_TOOL; at = at->next)
        for (const struct ir_part *p = at->parts; p; p = p->next)
            if (p->kind == IR_TOOL_RESULT)
                put_result(q, p);
    for (; m && m->role == IR_TOOL; *ret_last = m, m = m->next)
        for (const struct ir_part *p = m->parts; p && e == E_OK; p = p->next) {
            if (p->kind != IR_TOOL_RESULT || !has_media(p->parts))
                continue;
            if (!open) {
                open_message(q, STR("user"), STR(""));
                json_key(&q->w, "content");
                json_open(&q->w, '[');
            }
            open = true;
            e = put_result_media(q, p);
        }
    if (open) {
        json_close(&q->w, ']');
        json_close(&q->w, '}');
    }
    return e;
}

static enum err put_messages(struct chat_writing *q)
{
    enum err e;
    json_key(&q->w, "messages");
    json_open(&q->w, '[');
    e = put_orders(q);
    for (const struct ir_message *m = q->r->messages; m && e == E_OK; m = m->next)
        switch (m->role) {
        case IR_SYSTEM:
        case IR_DEVELOPER:
        case IR_USER: e = put_said(q, m); break;
        case IR_ASSISTANT: e = put_assistant(q, m); break;
        case IR_TOOL: e = put_results(q, m, &m); break;
        }
    if (e == E_OK && !q->w.comma)
        e = codec_refuse(q->a, q->why, "there is no message");
    json_close(&q->w, ']');
    return e;
}

enum err chat_write_request(struct arena *a, struct ir_request *r, const struct codec_ask *ask,
                            struct buf *out, struct str *ret_why)
{
    struct chat_writing q = {.a = a, .r = r, .ask = ask, .why = ret_why, .w = json_out(out)};
    enum err e = chat_make_orders(&q);
    json_open(&q.w, '{');
    chat_put(&q, "model", ask->model.p ? ask->model : r->model);
    e = e == E_OK ? put_messages(&q) : e;
    chat_put_params(&q);
    json_close(&q.w, '}');
    return e == E_OK && out->full ? E_FULL : e;
}
