/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OpenAI Responses request, written. A message of the neutral form becomes one or more items: its
 * thoughts, calls and tool results are items of their own, in the order in which they stood.
 *
 */
#include "base/crypto.h"
#include "providers/codec_openai_responses.h"

static void note(struct responses_writing *q, const char *name)
{
    ir_drop(q->a, q->r, str_c(name));
}

void responses_put(struct json_out *w, const char *key, struct str value)
{
    json_add_str(w, key, value.p ? value : STR(""));
}

/* ---- annotations ---- */

static int64_t count_letters(struct str text)
{
    int64_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += ((unsigned char)text.p[i] & 0xc0) != 0x80; /* not the rest of a UTF-8 sequence */
    return n;
}

/* Where the statement stands in the text; a citation that does not say means all of it. */
static void put_span(struct json_out *w, const struct ir_part *text, const struct ir_citation *c)
{
    json_add_int(w, "start_index", c->start >= 0 ? c->start : 0);
    json_add_int(w, "end_index", c->end >= 0 ? c->end : count_letters(text->text));
}

void responses_put_annotation(struct json_out *w, const struct ir_part *text, const struct ir_citation *c)
{
    if (c->raw.p && c->raw_dialect == D_OPENAI_RESPONSES) {
        json_put_raw(w, c->raw);
        return;
    }
    struct str file = c->file_id.p ? c->file_id : c->document;
    struct str title = c->title.p ? c->title : STR("");
    json_open(w, '{');
    if (c->url.p) {
        responses_put(w, "type", STR("url_citation"));
        responses_put(w, "url", c->url);
        responses_put(w, "title", title);
        put_span(w, text, c);
    } else {
        responses_put(w, "type", STR("file_citation"));
        responses_put(w, "file_id", file);
        responses_put(w, "filename", title);
        json_add_int(w, "index", c->end >= 0 ? c->end : count_letters(text->text));
    }
    json_close(w, '}');
}

void responses_put_annotations(struct json_out *w, const struct ir_part *text)
{
    json_open(w, '[');
    for (const struct ir_citation *c = text->citations; c; c = c->next)
        responses_put_annotation(w, text, c);
    json_close(w, ']');
}

/* ---- pictures, sounds, documents ---- */

/* "data:image/png;base64,AAAA" as a JSON string. */
static void put_data_url(struct json_out *w, struct str mime, struct str base64)
{
    struct buf b; /* it may be large, and has no business in an arena */
    buf_init(&b, SIZE_MAX / 2);
    (void)buf_append(&b, STR("data:"));
    (void)buf_append(&b, mime);
    (void)buf_append(&b, STR(";base64,"));
    (void)buf_append(&b, base64);
    json_put_str(w, buf_str(&b));
    buf_done(&b);
}

/* By the first letters of the base64, for senders that do not say. */
static struct str type_of(const struct ir_media *m, struct str otherwise)
{
    static const struct {
        struct str starts, type;
    } known[] = {
        {S("iVBORw"), S("image/png")}, {S("/9j/"), S("image/jpeg")},        {S("R0lGOD"), S("image/gif")},
        {S("UklGR"), S("image/webp")}, {S("JVBERi"), S("application/pdf")},
    };
    if (m->mime.n && str_find(m->mime, ',') == m->mime.n) /* a comma would end a data URL's type */
        return m->mime;
    for (size_t i = 0; i < countof(known); i++)
        if (str_starts(m->data, known[i].starts))
            return known[i].type;
    return otherwise;
}

static bool is_fetchable(struct str url)
{
    return str_istarts(url, STR("https://")) || str_istarts(url, STR("http://"));
}

static enum err put_image(struct responses_writing *q, const struct ir_media *m)
{
    if (m->url.p && !is_fetchable(m->url))
        return codec_refuse(q->a, q->ret_why, "an image's URL is not http or https");
    json_open(&q->w, '{');
    responses_put(&q->w, "type", STR("input_image"));
    if (m->file_id.p)
        responses_put(&q->w, "file_id", m->file_id);
    else if (m->url.p)
        responses_put(&q->w, "image_url", m->url);
    else {
        json_key(&q->w, "image_url");
        put_data_url(&q->w, type_of(m, STR("image/png")), m->data);
    }
    if (m->detail.p)
        responses_put(&q->w, "detail", m->detail);
    json_close(&q->w, '}');
    return E_OK;
}

/* A file's name has to be told; the provider goes by its end. */
static struct str name_of(struct responses_writing *q, const struct ir_media *m, struct str type)
{
    bool ends = str_find(m->name, '.') < m->name.n;
    const char *end = str_ieq(type, STR("application/pdf")) ? "pdf"
                      : str_istarts(type, STR("text/"))     ? "txt"
                                                            : "bin";
    if (ends || (m->name.n && str_eq(str_c(end), STR("bin"))))
        return m->name;
    return arena_printf(q->a, "%.*s.%s", STR_FMT(m->name.n ? m->name : STR("document")), end);
}

static enum err put_file_data(struct responses_writing *q, const struct ir_media *m)
{
    struct str type = m->text.p ? STR("text/plain") : type_of(m, STR("application/pdf"));
    struct str data = m->text.p ? base64_encode(q->a, m->text) : m->data, name = name_of(q, m, type);
    if (!data.p || !name.p)
        return E_FULL;
    responses_put(&q->w, "filename", name);
    json_key(&q->w, "file_data");
    put_data_url(&q->w, type, data);
    return E_OK;
}

static enum err put_file(struct responses_writing *q, const struct ir_media *m)
{
    enum err e = E_OK;
    if (m->url.p && !is_fetchable(m->url))
        return codec_refuse(q->a, q->ret_why, "a document's URL is not http or https");
    json_open(&q->w, '{');
    responses_put(&q->w, "type", STR("input_file"));
    if (m->file_id.p)
        responses_put(&q->w, "file_id", m->file_id);
    else if (m->url.p)
        responses_put(&q->w, "file_url", m->url);
    else
        e = put_file_data(q, m);
    if (m->name.p && (m->file_id.p || m->url.p))
        responses_put(&q->w, "filename", m->name);
    if (m->detail.p)
        responses_put(&q->w, "detail", m->detail);
    json_close(&q->w, '}');
    return e;
}

static struct str audio_format(struct str mime)
{
    static const struct {
        struct str mime, format;
    } formats[] = {
        {S("audio/mpeg"), S("mp3")}, {S("audio/mp3"), S("mp3")},   {S("audio/wav"), S("wav")},
        {S("audio/wave"), S("wav")}, {S("audio/x-wav"), S("wav")}, {S("audio/vnd.wave"), S("wav")},
    };
    for (size_t i = 0; i < countof(formats); i++)
        if (str_ieq(mime, formats[i].mime))
            return formats[i].format;
    return str_istarts(mime, STR("audio/")) ? str_from(mime, sizeof("audio/") - 1) : STR("wav");
}

static enum err put_audio(struct responses_writing *q, const struct ir_media *m)
{
    if (!m->data.p)
        return codec_refuse(q->a, q->ret_why, "a sound has to be sent as data, not as a URL or a file's id");
    json_open(&q->w, '{');
    responses_put(&q->w, "type", STR("input_audio"));
    json_key(&q->w, "input_audio");
    json_open(&q->w, '{');
    responses_put(&q->w, "data", m->data);
    responses_put(&q->w, "format", audio_format(m->mime));
    json_close(&q->w, '}');
    json_close(&q->w, '}');
    return E_OK;
}

/* ---- messages ---- */

/* Those that a provider of this dialect gave; it checks the ids in them. */
static void put_own_annotations(struct responses_writing *q, const struct ir_part *p)
{
    bool any = false;
    for (const struct ir_citation *c = p->citations; c; c = c->next) {
        if (c->raw_dialect != D_OPENAI_RESPONSES) {
            note(q, "citation");
            continue;
        }
        if (!any) {
            json_key(&q->w, "annotations");
            json_open(&q->w, '[');
        }
        any = true;
        json_put_raw(&q->w, c->raw);
    }
    if (any)
        json_close(&q->w, ']');
}

static void put_text(struct responses_writing *q, enum ir_role role, const struct ir_part *p)
{
    json_open(&q->w, '{');
    responses_put(&q->w, "type", role == IR_ASSISTANT ? STR("output_text") : STR("input_text"));
    responses_put(&q->w, "text", p->text);
    put_own_annotations(q, p);
    json_close(&q->w, '}');
}

static void put_refusal(struct responses_writing *q, const struct ir_part *p)
{
    json_open(&q->w, '{');
    responses_put(&q->w, "type", STR("refusal"));
    responses_put(&q->w, "refusal", p->text);
    json_close(&q->w, '}');
}

static struct str role_word(const struct responses_writing *q, enum ir_role role)
{
    switch (role) {
    case IR_SYSTEM: return STR("system");
    case IR_DEVELOPER: return q->ask->quirks & CODEC_NO_DEVELOPER ? STR("system") : STR("developer");
    case IR_ASSISTANT: return STR("assistant");
    default: return STR("user");
    }
}

static void open_message(struct responses_writing *q, enum ir_role role)
{
    if (q->open)
        return;
    q->open = true;
    json_open(&q->w, '{');
    responses_put(&q->w, "type", STR("message"));
    responses_put(&q->w, "role", role_word(q, role));
    json_key(&q->w, "content");
    json_open(&q->w, '[');
}

static void close_message(struct responses_writing *q)
{
    if (!q->open)
        return;
    q->open = false;
    json_close(&q->w, ']');
    json_close(&q->w, '}');
}

/* An item begins; a message before it is over. */
static void open_item(struct responses_writing *q, struct str type)
{
    close_message(q);
    json_open(&q->w, '{');
    responses_put(&q->w, "type", type);
}

static void put_call(struct responses_writing *q, const struct ir_part *p)
{
    open_item(q, STR("function_call"));
    responses_put(&q->w, "call_id", p->id);
    responses_put(&q->w, "name", p->name);
    responses_put(&q->w, "arguments", p->arguments.n ? p->arguments : STR("{}"));
    json_close(&q->w, '}');
    if (p->signature.n)
        note(q, "call.signature");
}

/* Without an id it is the thought of another dialect's model, whose signature is not taken here. */
static void put_thinking(struct responses_writing *q, const struct ir_part *p)
{
    if (!p->id.n) {
        note(q, "assistant.thinking");
        return;
    }
    open_item(q, STR("reasoning"));
    responses_put(&q->w, "id", p->id);
    json_key(&q->w, "summary");
    json_open(&q->w, '[');
    if (p->text.n) {
        json_open(&q->w, '{');
        responses_put(&q->w, "type", STR("summary_text"));
        responses_put(&q->w, "text", p->text);
        json_close(&q->w, '}');
    }
    json_close(&q->w, ']');
    if (p->signature.n)
        responses_put(&q->w, "encrypted_content", p->signature);
    json_close(&q->w, '}');
}

/* A picture that the assistant made. */
static enum err put_picture(struct responses_writing *q, const struct ir_media *m)
{
    static const struct str image = S("image/");
    struct str type = type_of(m, STR("image/png"));
    if (!m->data.p)
        return codec_refuse(q->a, q->ret_why, "an image of the assistant has to be sent as data");
    open_item(q, STR("image_generation_call"));
    responses_put(&q->w, "status", STR("completed"));
    responses_put(&q->w, "result", m->data);
    responses_put(&q->w, "output_format", str_istarts(type, image) ? str_from(type, image.n) : type);
    json_close(&q->w, '}');
    return E_OK;
}

static void put_provider_item(struct responses_writing *q, const struct ir_part *p)
{
    if (p->raw_dialect != D_OPENAI_RESPONSES) {
        note(q, "raw");
        return;
    }
    close_message(q);
    json_put_raw(&q->w, p->raw);
}

static enum err put_media(struct responses_writing *q, const struct ir_part *p)
{
    switch (p->kind) {
    case IR_IMAGE: return put_image(q, &p->media);
    case IR_FILE: return put_file(q, &p->media);
    case IR_AUDIO: return put_audio(q, &p->media);
    case IR_VIDEO: return codec_refuse(q->a, q->ret_why, "a video cannot be sent");
    default: note(q, "raw"); return E_OK;
    }
}

static enum err put_result(struct responses_writing *q, const struct ir_part *result)
{
    const struct ir_part *p = result->parts;
    enum err e = E_OK;
    open_item(q, STR("function_call_output"));
    responses_put(&q->w, "call_id", result->id);
    if (result->is_error)
        responses_put(&q->w, "status", STR("incomplete"));
    json_key(&q->w, "output");
    if (!p || (p->kind == IR_TEXT && !p->next)) {
        json_put_str(&q->w, p && p->text.p ? p->text : STR(""));
        json_close(&q->w, '}');
        return E_OK;
    }
    json_open(&q->w, '[');
    for (; p && e == E_OK; p = p->next) {
        if (p->kind == IR_TEXT)
            put_text(q, IR_TOOL, p);
        else
            e = put_media(q, p);
    }
    json_close(&q->w, ']');
    json_close(&q->w, '}');
    return e;
}

static enum err put_part(struct responses_writing *q, const struct ir_message *m, const struct ir_part *p)
{
    bool assistant = m->role == IR_ASSISTANT;
    switch (p->kind) {
    case IR_TEXT:
        open_message(q, m->role);
        put_text(q, m->role, p);
        if (p->signature.n)
            note(q, "text.signature");
        return E_OK;
    case IR_REFUSAL:
        open_message(q, m->role);
        put_refusal(q, p);
        return E_OK;
    case IR_TOOL_CALL: put_call(q, p); return E_OK;
    case IR_TOOL_RESULT: return put_result(q, p);
    case IR_THINKING: put_thinking(q, p); return E_OK;
    case IR_RAW: put_provider_item(q, p); return E_OK;
    default: break;
    }
    if (assistant && p->kind == IR_IMAGE)
        return put_picture(q, &p->media);
    if (assistant && p->kind == IR_AUDIO) { /* it spoke: no reason to refuse what comes now */
        note(q, "assistant.audio");
        return E_OK;
    }
    if (assistant)
        return codec_refuse(q->a, q->ret_why, "an assistant's message can hold text and images only");
    open_message(q, m->role);
    return put_media(q, p);
}

/* A single text is said as a string: every server that speaks this dialect takes that. */
static bool put_plain(struct responses_writing *q, const struct ir_message *m)
{
    const struct ir_part *p = m->parts;
    if (!p || p->next || p->kind != IR_TEXT || p->citations || p->signature.n)
        return false;
    json_open(&q->w, '{');
    responses_put(&q->w, "type", STR("message"));
    responses_put(&q->w, "role", role_word(q, m->role));
    responses_put(&q->w, "content", p->text);
    json_close(&q->w, '}');
    return true;
}

static enum err put_message(struct responses_writing *q, const struct ir_message *m)
{
    static const char *const names[] = {"system.name", "developer.name", "user.name", "assistant.name",
                                        "tool.name"};
    enum err e = E_OK;
    if (m->name.n)
        note(q, names[m->role]);
    if (put_plain(q, m))
        return E_OK;
    for (const struct ir_part *p = m->parts; p && e == E_OK; p = p->next)
        e = put_part(q, m, p);
    close_message(q);
    return e;
}

/* ---- the system prompt ---- */

static bool is_system(const struct ir_message *m)
{
    return m->role == IR_SYSTEM || m->role == IR_DEVELOPER;
}

/* A system message at the start with one text is what `instructions` says. */
static bool is_instructions(const struct ir_message *m)
{
    return m && m->role == IR_SYSTEM && m->parts && !m->parts->next && m->parts->kind == IR_TEXT;
}

/* The schema in words, for providers that only know json_object. */
static struct str schema_in_words(struct responses_writing *q)
{
    if (q->r->format != IR_FORMAT_SCHEMA || !(q->ask->quirks & CODEC_NO_JSON_SCHEMA))
        return STR("");
    note(q, "response_format"); /* said in words, which do not bind */
    return arena_printf(q->a,
                        "Answer with one JSON object and nothing else. It follows this JSON Schema:\n%.*s",
                        STR_FMT(q->r->format_schema));
}

static enum err put_instructions(struct responses_writing *q, bool all)
{
    const struct ir_message *first = q->r->messages;
    struct str words = schema_in_words(q), system = STR("");
    if (all)
        system = ir_system_text(q->a, q->r);
    else if (is_instructions(first))
        system = first->parts->text;
    const struct str pieces[] = {system, system.n && words.n ? STR("\n\n") : STR(""), words};
    struct str text = arena_join(q->a, pieces, countof(pieces));
    if (!words.p || !text.p)
        return E_FULL;
    if (text.n || is_instructions(first))
        responses_put(&q->w, "instructions", text);
    return E_OK;
}

static enum err put_input(struct responses_writing *q)
{
    bool all = q->ask->quirks & CODEC_SYSTEM_FIRST;
    enum err e = put_instructions(q, all);
    json_key(&q->w, "input");
    json_open(&q->w, '[');
    for (const struct ir_message *m = q->r->messages; m && e == E_OK; m = m->next)
        if (!(all ? is_system(m) : m == q->r->messages && is_instructions(m)))
            e = put_message(q, m);
    json_close(&q->w, ']');
    return e;
}

/* ---- all of it ---- */

enum err responses_write_request(struct arena *a, struct ir_request *r, const struct codec_ask *ask,
                                 struct buf *out, struct str *ret_why)
{
    struct responses_writing q = {.a = a, .r = r, .ask = ask, .ret_why = ret_why, .w = json_out(out)};
    json_open(&q.w, '{');
    responses_put(&q.w, "model", ask->model.p ? ask->model : r->model);
    enum err e = put_input(&q);
    responses_put_settings(&q);
    json_close(&q.w, '}');
    return e == E_OK && out->full ? E_FULL : e;
}
