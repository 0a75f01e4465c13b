/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An Anthropic request written: system, messages, content blocks. The API wants turns of two: what is not the
 * assistant's between two of its messages becomes one user turn, tool results first. What it refuses is not
 * produced: blank text, unknown picture types, ids with other letters, a fifth cache breakpoint.
 *
 * System messages before the first other message are the prompt's `system`. Later ones keep their place: as
 * role "system" behind the user turn they came in, where the model takes that; else as text of the user
 * turn, in <system> marks.
 */
#include "base/crypto.h"
#include "providers/codec_anthropic.h"

enum { MARKS = 4 }; /* cache breakpoints a request may have */

static bool is_system(const struct ir_message *m)
{
    return m->role == IR_SYSTEM || m->role == IR_DEVELOPER;
}

static void drop(struct anthropic_request *q, struct str name)
{
    ir_drop(q->a, q->r, name);
}

static void put_member(struct anthropic_request *q, const char *key, struct str value)
{
    json_add_str(&q->w, key, value);
}

/* ---- cache breakpoints ----------------------------------------------------------------------------- */

/* The last ones stay: they cover what the earlier ones would. Longer ones must stand before shorter ones. */
void anthropic_put_cache(struct anthropic_request *q, enum ir_cache cache)
{
    if (cache == IR_CACHE_NONE)
        return;
    if (q->marks_over > 0) {
        q->marks_over--;
        drop(q, STR("cache_control"));
        return;
    }
    bool hour = cache == IR_CACHE_1H && !q->marked_5m;
    q->marked_5m = !hour;
    json_key(&q->w, "cache_control");
    json_open(&q->w, '{');
    put_member(q, "type", STR("ephemeral"));
    if (hour)
        put_member(q, "ttl", STR("1h"));
    json_close(&q->w, '}');
}

/* ---- messages are opened when they turn out to have content ---------------------------------------- */

static void open_block(struct anthropic_request *q, const char *role, const char *type)
{
    if (!q->open) {
        json_open(&q->w, '{');
        put_member(q, "role", str_c(role));
        json_key(&q->w, "content");
        json_open(&q->w, '[');
        q->open = true;
        q->messages++;
    }
    if (type) {
        json_open(&q->w, '{');
        put_member(q, "type", str_c(type));
    }
}

static void close_message(struct anthropic_request *q)
{
    if (!q->open)
        return;
    json_close(&q->w, ']');
    json_close(&q->w, '}');
    q->open = false;
}

static bool is_blank(struct str text)
{
    return str_trim(text).n == 0;
}

/* ---- pictures and documents ------------------------------------------------------------------------ */

/* By the first letters of the base64, for senders that do not say. */
static struct str guess_type(struct str data)
{
    static const struct {
        struct str starts, type;
    } known[] = {
        {S("iVBORw"), S("image/png")}, {S("/9j/"), S("image/jpeg")},        {S("R0lGOD"), S("image/gif")},
        {S("UklGR"), S("image/webp")}, {S("JVBERi"), S("application/pdf")},
    };
    for (size_t i = 0; i < countof(known); i++)
        if (str_starts(data, known[i].starts))
            return known[i].type;
    return str_of(NULL, 0);
}

static struct str type_of(const struct ir_media *m)
{
    struct str mime = m->mime;
    mime = str_trim(str_cut(&mime, ';'));
    if (str_ieq(mime, STR("image/jpg")))
        return STR("image/jpeg");
    if (m->data.p && (!mime.n || str_ieq(mime, STR("application/octet-stream"))))
        return guess_type(m->data);
    return mime;
}

static bool is_picture(struct str type)
{
    static const struct str types[] = {S("image/jpeg"), S("image/png"), S("image/gif"), S("image/webp")};
    for (size_t i = 0; i < countof(types); i++)
        if (str_ieq(type, types[i]))
            return true;
    return false;
}

static bool is_text_type(struct str type)
{
    static const struct str types[] = {S("application/json"), S("application/xml"), S("application/yaml"),
                                       S("application/x-yaml"), S("application/javascript")};
    for (size_t i = 0; i < countof(types); i++)
        if (str_ieq(type, types[i]))
            return true;
    return str_istarts(type, STR("text/"));
}

static bool is_web(struct str url)
{
    return str_istarts(url, STR("https://")) || str_istarts(url, STR("http://"));
}

/* {"type": TYPE, NAME: VALUE, "media_type": MEDIA_TYPE} */
static void put_source(struct anthropic_request *q, const char *type, const char *name, struct str value,
                       struct str media_type)
{
    json_key(&q->w, "source");
    json_open(&q->w, '{');
    put_member(q, "type", str_c(type));
    if (media_type.p)
        put_member(q, "media_type", media_type);
    put_member(q, name, value);
    json_close(&q->w, '}');
}

/* Where it is: at a URL, at the provider. False: the bytes are here. */
static bool put_place(struct anthropic_request *q, const struct ir_media *m)
{
    struct str none = {NULL, 0};
    if (m->url.p)
        put_source(q, "url", "url", m->url, none);
    else if (m->file_id.p)
        put_source(q, "file", "file_id", m->file_id, none);
    return m->url.p || m->file_id.p;
}

static enum err put_image(struct anthropic_request *q, const char *role, const struct ir_part *p)
{
    const struct ir_media *m = &p->media;
    struct str type = type_of(m);
    if (m->url.p && !is_web(m->url))
        return codec_refuse(q->a, q->ret_why, "an image URL must be http or https for this provider");
    if (!m->url.p && !m->file_id.p && !is_picture(type))
        return codec_refuse(q->a, q->ret_why,
                            "this provider takes images of type jpeg, png, gif and webp, not \"%.*s\"",
                            STR_FMT(str_head(type, 40)));
    if (m->detail.n && !str_eq(m->detail, STR("auto")))
        drop(q, STR("image.detail"));
    open_block(q, role, "image");
    if (!put_place(q, m))
        put_source(q, "base64", "data", m->data, type);
    return E_OK;
}

static enum err put_text_document(struct anthropic_request *q, struct str text)
{
    put_source(q, "text", "data", text, STR("text/plain"));
    return E_OK;
}

static enum err put_document(struct anthropic_request *q, const char *role, const struct ir_part *p)
{
    const struct ir_media *m = &p->media;
    struct str type = type_of(m), text = m->text;
    if (m->url.p && !is_web(m->url))
        return codec_refuse(q->a, q->ret_why, "a document URL must be http or https for this provider");
    if (m->data.p && is_picture(type))
        return put_image(q, role, p);
    if (!m->url.p && !m->data.p && !m->text.p && !m->file_id.p)
        return codec_refuse(q->a, q->ret_why, "a document without content");
    bool pdf = str_ieq(type, STR("application/pdf"));
    if (m->data.p && is_text_type(type) && base64_decode(q->a, m->data, &text) != E_OK)
        return codec_refuse(q->a, q->ret_why, "a document's data is not base64");
    if (m->data.p && !pdf && !text.p)
        return codec_refuse(q->a, q->ret_why, "this provider takes PDF and text, not \"%.*s\"",
                            STR_FMT(str_head(type, 60)));
    open_block(q, role, "document");
    if (text.p)
        (void)put_text_document(q, text);
    else if (!put_place(q, m))
        put_source(q, "base64", "data", m->data, STR("application/pdf"));
    if (m->name.n)
        put_member(q, "title", m->name);
    return E_OK;
}

/* ---- blocks ---------------------------------------------------------------------------------------- */

static void put_citations(struct anthropic_request *q, const struct ir_citation *c)
{
    bool any = false;
    for (; c; c = c->next) {
        if (c->raw_dialect != D_ANTHROPIC || !c->raw.n) {
            drop(q, STR("citation")); /* those of others have no index that could be checked */
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

static void put_text(struct anthropic_request *q, const char *role, const struct ir_message *m,
                     const struct ir_part *p, struct str text)
{
    if (is_blank(text))
        return; /* refused, and says nothing */
    if (p->signature.n)
        drop(q, STR("text.signature")); /* another provider's */
    open_block(q, role, "text");
    put_member(q, "text", text);
    put_citations(q, p->citations);
    anthropic_put_cache(q, ir_cache_behind(m, p));
    json_close(&q->w, '}');
}

struct str anthropic_arguments(struct arena *a, struct str arguments, bool *ret_wrapped)
{
    struct str text = str_trim(arguments), out = text;
    *ret_wrapped = false;
    if (!text.n || str_eq(text, STR("null")))
        return STR("{}");
    struct json_doc *doc = json_parse(text);
    if (json_type(json_root(doc)) != JSON_OBJECT) { /* what a model wrote may be anything */
        struct buf b;
        buf_init(&b, a->cap);
        struct json_out w = json_out(&b);
        json_open(&w, '{');
        json_key(&w, "arguments");
        if (doc)
            json_put_raw(&w, text);
        else
            json_put_str(&w, text);
        json_close(&w, '}');
        out = b.full ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
        buf_done(&b);
        *ret_wrapped = true;
    }
    json_free(doc);
    return out;
}

static bool is_id_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

struct str anthropic_call_id(struct arena *a, struct str id)
{
    size_t good = 0;
    while (good < id.n && is_id_letter(id.p[good]))
        good++;
    if (id.n && good == id.n)
        return id;
    if (!id.n)
        return STR("call_0");
    char *p = arena_alloc(a, id.n);
    if (!p)
        return str_of(NULL, 0);
    for (size_t i = 0; i < id.n; i++)
        p[i] = is_id_letter(id.p[i]) ? id.p[i] : '_';
    return str_of(p, id.n);
}

static enum err put_call(struct anthropic_request *q, const struct ir_message *m, const struct ir_part *p)
{
    bool wrapped = false;
    struct str input = anthropic_arguments(q->a, p->arguments, &wrapped), id = anthropic_call_id(q->a, p->id);
    if (!input.p || !id.p)
        return E_FULL;
    if (wrapped)
        drop(q, STR("call.arguments")); /* changed, rather */
    if (p->signature.n)
        drop(q, STR("call.signature"));
    open_block(q, "assistant", "tool_use");
    put_member(q, "id", id);
    put_member(q, "name", p->name.p ? p->name : STR(""));
    json_add_raw(&q->w, "input", input);
    anthropic_put_cache(q, ir_cache_behind(m, p));
    json_close(&q->w, '}');
    return E_OK;
}

/* Only what Anthropic itself signed is taken back, and not at the end of a turn. */
static void put_thinking(struct anthropic_request *q, const struct ir_part *p, bool goes_on)
{
    if (!p->signature.n || p->id.n || !goes_on) {
        drop(q, STR("thinking"));
        return;
    }
    open_block(q, "assistant", p->redacted ? "redacted_thinking" : "thinking");
    if (!p->redacted)
        put_member(q, "thinking", p->text.p ? p->text : STR(""));
    put_member(q, p->redacted ? "data" : "signature", p->signature);
    json_close(&q->w, '}');
}

static void put_raw(struct anthropic_request *q, const char *role, const struct ir_part *p)
{
    if (p->raw_dialect != D_ANTHROPIC) {
        drop(q, STR("raw"));
        return;
    }
    open_block(q, role, NULL);
    json_put_raw(&q->w, p->raw);
}

static enum err put_media(struct anthropic_request *q, const struct ir_message *m, const struct ir_part *p)
{
    enum err e = p->kind == IR_IMAGE ? put_image(q, "user", p) : put_document(q, "user", p);
    if (e != E_OK)
        return e;
    anthropic_put_cache(q, ir_cache_behind(m, p));
    json_close(&q->w, '}');
    return E_OK;
}

/* A part of what the user says, or of a tool's result. */
static enum err put_user_part(struct anthropic_request *q, const struct ir_message *m,
                              const struct ir_part *p)
{
    switch (p->kind) {
    case IR_TEXT:
    case IR_REFUSAL: put_text(q, "user", m, p, p->text); return E_OK;
    case IR_IMAGE:
    case IR_FILE: return put_media(q, m, p);
    case IR_AUDIO: return codec_refuse(q->a, q->ret_why, "this provider takes no audio");
    case IR_VIDEO: return codec_refuse(q->a, q->ret_why, "this provider takes no video");
    case IR_RAW: put_raw(q, "user", p); return E_OK;
    case IR_TOOL_RESULT: return E_OK; /* came first */
    case IR_TOOL_CALL: drop(q, STR("user.call")); return E_OK;
    case IR_THINKING: drop(q, STR("user.thinking")); return E_OK;
    }
    return E_OK;
}

static bool is_plain_text(const struct ir_part *p)
{
    return p && !p->next && p->kind == IR_TEXT && p->cache == IR_CACHE_NONE && !p->citations;
}

static enum err put_result(struct anthropic_request *q, const struct ir_message *m, const struct ir_part *p)
{
    static const struct ir_message none = {.cache = IR_CACHE_NONE};
    struct str id = anthropic_call_id(q->a, p->id);
    enum err e = E_OK;
    if (!id.p)
        return E_FULL;
    open_block(q, "user", "tool_result");
    put_member(q, "tool_use_id", id);
    if (is_plain_text(p->parts)) {
        put_member(q, "content", p->parts->text);
    } else if (p->parts) {
        json_key(&q->w, "content");
        json_open(&q->w, '[');
        for (const struct ir_part *in = p->parts; in && e == E_OK; in = in->next)
            e = put_user_part(q, &none, in);
        json_close(&q->w, ']');
    }
    if (p->is_error)
        json_add_bool(&q->w, "is_error", true);
    anthropic_put_cache(q, ir_cache_behind(m, p));
    json_close(&q->w, '}');
    return e;
}

/* ---- turns ----------------------------------------------------------------------------------------- */

static enum err put_results(struct anthropic_request *q, const struct ir_message *m,
                            const struct ir_message *end)
{
    enum err e = E_OK;
    for (; m != end; m = m->next)
        for (const struct ir_part *p = m->parts; p && e == E_OK; p = p->next)
            if (p->kind == IR_TOOL_RESULT)
                e = put_result(q, m, p);
    return e;
}

/* A system message as text of the user's turn. */
static enum err put_marked(struct anthropic_request *q, const struct ir_message *m)
{
    for (const struct ir_part *p = m->parts; p; p = p->next) {
        if (p->kind != IR_TEXT || is_blank(p->text))
            continue;
        const struct str pieces[] = {S("<system>\n"), p->text, S("\n</system>")};
        struct str text = arena_join(q->a, pieces, countof(pieces));
        if (!text.p)
            return E_FULL;
        put_text(q, "user", m, p, text);
    }
    return E_OK;
}

static void note_name(struct anthropic_request *q, const struct ir_message *m)
{
    static const struct str names[] = {[IR_SYSTEM] = S("system.name"),
                                       [IR_DEVELOPER] = S("developer.name"),
                                       [IR_USER] = S("user.name"),
                                       [IR_ASSISTANT] = S("assistant.name"),
                                       [IR_TOOL] = S("tool.name")};
    if (m->name.n)
        drop(q, names[m->role]);
}

static enum err put_said(struct anthropic_request *q, const struct ir_message *m,
                         const struct ir_message *end, bool later)
{
    enum err e = E_OK;
    for (; m != end && e == E_OK; m = m->next) {
        note_name(q, m);
        if (is_system(m)) {
            e = later ? E_OK : put_marked(q, m);
            continue;
        }
        for (const struct ir_part *p = m->parts; p && e == E_OK; p = p->next)
            e = put_user_part(q, m, p);
    }
    return e;
}

static void put_late_system(struct anthropic_request *q, const struct ir_message *m,
                            const struct ir_message *end)
{
    for (; m != end; m = m->next)
        for (const struct ir_part *p = m->parts; p && is_system(m); p = p->next)
            if (p->kind == IR_TEXT)
                put_text(q, "system", m, p, p->text);
    close_message(q);
}

static bool says_something(const struct ir_message *m, const struct ir_message *end)
{
    for (; m != end; m = m->next)
        for (const struct ir_part *p = m->parts; p && !is_system(m); p = p->next)
            if (p->kind != IR_TEXT || !is_blank(p->text))
                return true;
    return false;
}

/* All that stands between two messages of the assistant. */
static enum err put_user_turn(struct anthropic_request *q, const struct ir_message *m,
                              const struct ir_message *end)
{
    bool later = (q->traits & CLAUDE_SYSTEM) && says_something(m, end);
    enum err e = put_results(q, m, end);
    if (e == E_OK)
        e = put_said(q, m, end, later);
    close_message(q);
    if (e == E_OK && later)
        put_late_system(q, m, end);
    return e;
}

static struct str trim_end(struct str s)
{
    while (s.n && strchr(" \t\r\n", s.p[s.n - 1]))
        s.n--;
    return s;
}

static enum err put_assistant_part(struct anthropic_request *q, const struct ir_message *m,
                                   const struct ir_part *p, bool prefill, bool goes_on)
{
    switch (p->kind) {
    case IR_TEXT:
    case IR_REFUSAL:
        /* text that the model is to go on with must not end in white space */
        put_text(q, "assistant", m, p, prefill ? trim_end(p->text) : p->text);
        return E_OK;
    case IR_TOOL_CALL: return put_call(q, m, p);
    case IR_THINKING: put_thinking(q, p, goes_on); return E_OK;
    case IR_RAW: put_raw(q, "assistant", p); return E_OK;
    case IR_IMAGE: drop(q, STR("assistant.image")); return E_OK;
    case IR_AUDIO: drop(q, STR("assistant.audio")); return E_OK;
    case IR_VIDEO: drop(q, STR("assistant.video")); return E_OK;
    case IR_FILE: drop(q, STR("assistant.file")); return E_OK;
    case IR_TOOL_RESULT: drop(q, STR("assistant.result")); return E_OK;
    }
    return E_OK;
}

/* The last part that is more than a thought. */
static const struct ir_part *last_said(const struct ir_message *m, const struct ir_message *end)
{
    const struct ir_part *last = NULL;
    for (; m != end; m = m->next)
        for (const struct ir_part *p = m->parts; p; p = p->next)
            if (p->kind == IR_TOOL_CALL || p->kind == IR_RAW ||
                (p->kind != IR_THINKING && !is_blank(p->text)))
                last = p;
    return last;
}

static enum err put_assistant_turn(struct anthropic_request *q, const struct ir_message *m,
                                   const struct ir_message *end)
{
    const struct ir_part *last = last_said(m, end);
    bool goes_on = last;
    enum err e = E_OK;
    for (; m != end; m = m->next) {
        note_name(q, m);
        for (const struct ir_part *p = m->parts; p && e == E_OK; p = p->next) {
            goes_on &= p != last;
            e = put_assistant_part(q, m, p, !end && p == last, goes_on);
        }
    }
    close_message(q);
    return e;
}

/* The first message that is not a system message; where there is none, the first: somebody has to speak. */
static const struct ir_message *first_turn(const struct ir_request *r)
{
    const struct ir_message *m = r->messages;
    while (m && is_system(m))
        m = m->next;
    return m ? m : r->messages;
}

static enum err put_messages(struct anthropic_request *q)
{
    const struct ir_message *m = first_turn(q->r);
    enum err e = E_OK;
    json_key(&q->w, "messages");
    json_open(&q->w, '[');
    while (m && e == E_OK) {
        bool assistant = m->role == IR_ASSISTANT;
        const struct ir_message *end = m;
        while (end && (end->role == IR_ASSISTANT) == assistant)
            end = end->next;
        e = assistant ? put_assistant_turn(q, m, end) : put_user_turn(q, m, end);
        m = end;
    }
    json_close(&q->w, ']');
    if (e == E_OK && q->messages == 0)
        return codec_refuse(q->a, q->ret_why, "messages: nothing is said in them");
    return e;
}

/* ---- system ---------------------------------------------------------------------------------------- */

static void put_system_block(struct anthropic_request *q, struct str text, enum ir_cache cache)
{
    json_open(&q->w, '{');
    put_member(q, "type", STR("text"));
    put_member(q, "text", text);
    anthropic_put_cache(q, cache);
    json_close(&q->w, '}');
}

static size_t count_system(const struct ir_request *r, const struct ir_message *end)
{
    size_t n = 0;
    for (const struct ir_message *m = r->messages; m != end; m = m->next)
        for (const struct ir_part *p = m->parts; p; p = p->next)
            n += p->kind == IR_TEXT && !is_blank(p->text);
    return n;
}

static void put_prompt(struct anthropic_request *q, const struct ir_message *end, bool alone)
{
    for (const struct ir_message *m = q->r->messages; m != end; m = m->next) {
        note_name(q, m);
        for (const struct ir_part *p = m->parts; p; p = p->next) {
            if (p->kind != IR_TEXT)
                drop(q, STR("system.image"));
            else if (is_blank(p->text))
                continue;
            else if (alone)
                json_put_str(&q->w, p->text); /* a string, which everybody who speaks this dialect takes */
            else
                put_system_block(q, p->text, ir_cache_behind(m, p));
        }
    }
}

static bool is_marked(const struct ir_request *r, const struct ir_message *end)
{
    for (const struct ir_message *m = r->messages; m != end; m = m->next)
        for (const struct ir_part *p = m->parts; p; p = p->next)
            if (ir_cache_behind(m, p) != IR_CACHE_NONE)
                return true;
    return false;
}

static void put_system(struct anthropic_request *q)
{
    const struct ir_message *end = first_turn(q->r);
    size_t texts = count_system(q->r, end) + q->orders.n;
    bool alone = texts == 1 && !q->orders.n && !is_marked(q->r, end);
    if (!texts)
        return;
    json_key(&q->w, "system");
    if (!alone)
        json_open(&q->w, '[');
    put_prompt(q, end, alone);
    for (size_t i = 0; i < q->orders.n; i++)
        put_system_block(q, q->orders.v[i], IR_CACHE_NONE);
    if (!alone)
        json_close(&q->w, ']');
}

enum err anthropic_write_request(struct arena *a, struct ir_request *r, const struct codec_ask *ask,
                                 struct buf *out, struct str *ret_why)
{
    struct str model = ask->model.n ? ask->model : r->model;
    struct anthropic_request q = {
        .a = a, .r = r, .ask = ask, .w = json_out(out), .ret_why = ret_why, .traits = claude_traits(model)};
    int marks = ir_count_breakpoints(r);
    q.marks_over = marks > MARKS ? marks - MARKS : 0;
    enum err e = anthropic_decide(&q);
    if (e != E_OK)
        return e;
    json_open(&q.w, '{');
    put_member(&q, "model", model);
    json_add_int(&q.w, "max_tokens", q.max_tokens);
    e = anthropic_put_tools(&q);
    put_system(&q);
    if (e == E_OK)
        e = put_messages(&q);
    anthropic_put_rest(&q);
    json_close(&q.w, '}');
    return e == E_OK && out->full ? E_FULL : e;
}
