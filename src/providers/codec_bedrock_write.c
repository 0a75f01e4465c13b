/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Converse request written: messages and system. The API wants turns of two: what is not the assistant's
 * between two of its messages becomes one user turn, tool results first. What it refuses is not produced:
 * blank text, unknown formats, ids with other letters, a fifth cache point.
 *
 * System messages before the first other message are the prompt's `system`. Later ones keep their place: with
 * the role "system", where the model takes that; else as text of the user's turn, in <system> marks.
 */
#include "providers/codec_bedrock.h"

enum { POINTS = 4, NAME_BYTES = 200 }; /* cache points a request may have; letters of a document's name */

static bool is_system(const struct ir_message *m)
{
    return m->role == IR_SYSTEM || m->role == IR_DEVELOPER;
}

static bool is_blank(struct str text)
{
    return str_trim(text).n == 0;
}

static void drop(struct bedrock_request *q, struct str name)
{
    ir_drop(q->q.a, q->q.r, name);
}

void bedrock_open(struct json_out *w, const char *key)
{
    json_open(w, '{');
    json_key(w, key);
    json_open(w, '{');
}

void bedrock_close(struct json_out *w)
{
    json_close(w, '}');
    json_close(w, '}');
}

void bedrock_put_call(struct json_out *w, struct str id, struct str name, struct str input)
{
    bedrock_open(w, "toolUse");
    json_add_str(w, "toolUseId", id);
    json_add_str(w, "name", name);
    json_add_raw(w, "input", input);
    bedrock_close(w);
}

/* ---- cache points ---------------------------------------------------------------------------------- */

/* A block of its own behind what it covers. The last ones stay: they cover what the earlier ones would. */
void bedrock_put_cache(struct bedrock_request *q, enum ir_cache cache)
{
    struct json_out *w = &q->q.w;
    if (cache == IR_CACHE_NONE)
        return;
    if (q->q.marks_over > 0 || !(q->traits & BEDROCK_CACHE)) {
        q->q.marks_over--;
        drop(q, STR("cache_control"));
        return;
    }
    bool hour = cache == IR_CACHE_1H && (q->traits & BEDROCK_CLAUDE);
    if (cache == IR_CACHE_1H && !hour)
        drop(q, STR("cache_control"));
    bedrock_open(w, "cachePoint");
    json_add_str(w, "type", STR("default"));
    if (hour)
        json_add_str(w, "ttl", STR("1h"));
    bedrock_close(w);
}

/* ---- messages are opened when they turn out to have content ---------------------------------------- */

static void close_message(struct bedrock_request *q)
{
    if (!q->role)
        return;
    json_close(&q->q.w, ']');
    json_close(&q->q.w, '}');
    q->role = NULL;
}

/* NULL: inside of a tool's result, or of the prompt. */
static void open_message(struct bedrock_request *q, const char *role)
{
    if (!role || q->role == role)
        return;
    close_message(q);
    json_open(&q->q.w, '{');
    json_add_str(&q->q.w, "role", str_c(role));
    json_key(&q->q.w, "content");
    json_open(&q->q.w, '[');
    q->role = role;
    q->messages++;
}

/* The only pointers that open_message compares. */
static const char user[] = "user", assistant[] = "assistant", system_role[] = "system";

/* ---- media ----------------------------------------------------------------------------------------- */

static bool is_s3(struct str url)
{
    return str_istarts(url, STR("s3://"));
}

bool bedrock_put_media(struct json_out *w, const struct ir_part *p, struct str format)
{
    const struct ir_media *m = &p->media;
    if (!m->data.p && !m->text.p && !is_s3(m->url))
        return false;
    json_add_str(w, "format", format);
    json_key(w, "source");
    json_open(w, '{');
    if (m->data.p)
        json_add_str(w, "bytes", m->data);
    else if (m->text.p)
        json_add_str(w, "text", m->text);
    else {
        json_key(w, "s3Location");
        json_open(w, '{');
        json_add_str(w, "uri", m->url);
        json_close(w, '}');
    }
    json_close(w, '}');
    return true;
}

static bool is_name_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '(' || c == ')' || c == '[' || c == ']';
}

/* Letters, digits, single spaces and some marks are all that a document may be called; called it must be. */
static enum err put_name(struct bedrock_request *q, struct str name)
{
    struct str given = name;
    char *p = arena_alloc(q->q.a, NAME_BYTES);
    size_t n = 0;
    if (!p)
        return E_FULL;
    for (size_t i = 0; i < name.n && n < NAME_BYTES; i++) {
        bool space = name.p[i] == ' ';
        if (!space || n == 0 || p[n - 1] != ' ')
            p[n++] = space || is_name_letter(name.p[i]) ? name.p[i] : '-';
    }
    name = str_of(p, n);
    if (is_blank(name))
        name = arena_printf(q->q.a, "document-%u", ++q->documents);
    if (given.n && !str_eq(given, name))
        drop(q, STR("file.name")); /* changed, rather */
    json_add_str(&q->q.w, "name", name);
    return name.p ? E_OK : E_FULL;
}

static const char *key_of(enum ir_kind kind)
{
    return kind == IR_IMAGE ? "image" : kind == IR_AUDIO ? "audio" : kind == IR_VIDEO ? "video" : "document";
}

/* What the name of a file ends in. */
static struct str extension_of(struct str url)
{
    struct str last = url;
    for (size_t dot = str_find(last, '.'); dot < last.n; dot = str_find(last, '.'))
        last = str_from(last, dot + 1);
    return last;
}

/* A document without a known type is text, if it is; some say that a picture is a file. */
static struct str format_of(const struct ir_part *p, enum ir_kind *kind)
{
    struct str mime = p->media.mime;
    if (!mime.n && is_s3(p->media.url))
        mime = bedrock_mime(p->kind, extension_of(p->media.url));
    struct str format = bedrock_format(p->kind, mime);
    *kind = p->kind;
    if (p->kind == IR_FILE && bedrock_format(IR_IMAGE, p->media.mime).p) {
        *kind = IR_IMAGE;
        return bedrock_format(IR_IMAGE, p->media.mime);
    }
    if (p->kind == IR_FILE && !format.p && (p->media.text.p || str_istarts(p->media.mime, STR("text/"))))
        return STR("txt");
    return format;
}

static enum err put_media(struct bedrock_request *q, const char *role, const struct ir_part *p)
{
    enum ir_kind kind;
    const struct ir_media *m = &p->media;
    struct str format = format_of(p, &kind);
    if (!m->data.p && !m->text.p && !is_s3(m->url))
        return codec_refuse(
            q->q.a, q->q.ret_why,
            "%s: this provider takes the bytes or an s3:// address, no other URL and no file id",
            key_of(kind));
    if (!format.p)
        return codec_refuse(q->q.a, q->q.ret_why, "%s: this provider does not take the type \"%.*s\"",
                            key_of(kind), STR_FMT(str_head(m->mime, 60)));
    if (m->detail.n && !str_eq(m->detail, STR("auto")))
        drop(q, STR("image.detail"));
    open_message(q, role);
    bedrock_open(&q->q.w, key_of(kind));
    (void)bedrock_put_media(&q->q.w, p, format);
    enum err e = kind == IR_FILE ? put_name(q, m->name) : E_OK;
    bedrock_close(&q->q.w);
    return e;
}

/* ---- blocks ---------------------------------------------------------------------------------------- */

static void put_plain(struct bedrock_request *q, const char *role, struct str text)
{
    if (is_blank(text))
        return; /* refused, and says nothing */
    open_message(q, role);
    json_open(&q->q.w, '{');
    json_add_str(&q->q.w, "text", text);
    json_close(&q->q.w, '}');
}

/* Of what the assistant said: as a block with citations, if they are Bedrock's own. */
static void put_text(struct bedrock_request *q, const char *role, const struct ir_part *p)
{
    struct json_out *w = &q->q.w;
    bool own = p->citations && role == assistant;
    for (const struct ir_citation *c = p->citations; c; c = c->next)
        own = own && c->raw.n && c->raw_dialect == D_BEDROCK_CONVERSE;
    if (p->citations && !own)
        drop(q, STR("citation"));
    if (!own || is_blank(p->text)) {
        put_plain(q, role, p->text);
        return;
    }
    open_message(q, role);
    bedrock_open(w, "citationsContent");
    json_key(w, "content");
    json_open(w, '[');
    put_plain(q, NULL, p->text);
    json_close(w, ']');
    json_key(w, "citations");
    json_open(w, '[');
    for (const struct ir_citation *c = p->citations; c; c = c->next)
        json_put_raw(w, c->raw);
    json_close(w, ']');
    bedrock_close(w);
}

static void put_raw(struct bedrock_request *q, const char *role, const struct ir_part *p)
{
    if (p->raw_dialect != D_BEDROCK_CONVERSE) {
        drop(q, STR("raw"));
        return;
    }
    open_message(q, role);
    json_put_raw(&q->q.w, p->raw);
}

/* A part of what the user says, or of a tool's result. */
static enum err put_user_part(struct bedrock_request *q, const char *role, const struct ir_part *p)
{
    switch (p->kind) {
    case IR_TEXT:
    case IR_REFUSAL: put_text(q, role, p); return E_OK;
    case IR_IMAGE:
    case IR_AUDIO:
    case IR_VIDEO:
    case IR_FILE: return put_media(q, role, p);
    case IR_RAW: put_raw(q, role, p); return E_OK;
    case IR_TOOL_RESULT: return E_OK; /* came first */
    case IR_TOOL_CALL:
    case IR_THINKING: break;
    }
    drop(q, STR("content of another role"));
    return E_OK;
}

static enum err put_result(struct bedrock_request *q, const struct ir_part *p)
{
    struct json_out *w = &q->q.w;
    struct str id = anthropic_call_id(q->q.a, p->id);
    enum err e = id.p ? E_OK : E_FULL;
    open_message(q, user);
    bedrock_open(w, "toolResult");
    json_add_str(w, "toolUseId", id);
    json_key(w, "content");
    json_open(w, '[');
    for (const struct ir_part *in = p->parts; in && e == E_OK; in = in->next) {
        if (in->kind == IR_AUDIO)
            e = codec_refuse(q->q.a, q->q.ret_why, "this provider takes no audio in a tool's result");
        else
            e = put_user_part(q, NULL, in);
        if (in->cache != IR_CACHE_NONE)
            drop(q, STR("result.cache_control"));
    }
    json_close(w, ']');
    if (p->is_error)
        json_add_str(w, "status", STR("error"));
    bedrock_close(w);
    return e;
}

static enum err put_call(struct bedrock_request *q, const struct ir_part *p)
{
    bool wrapped = false;
    struct str input = anthropic_arguments(q->q.a, p->arguments, &wrapped),
               id = anthropic_call_id(q->q.a, p->id);
    if (!input.p || !id.p)
        return E_FULL;
    if (wrapped)
        drop(q, STR("call.arguments")); /* changed, rather */
    if (p->signature.n)
        drop(q, STR("call.signature"));
    open_message(q, assistant);
    bedrock_put_call(&q->q.w, id, p->name, input);
    return E_OK;
}

/* Only what the model's own provider signed is taken back, and by some what nobody signed. */
static void put_thinking(struct bedrock_request *q, const struct ir_part *p)
{
    struct json_out *w = &q->q.w;
    bool unsigned_ok = q->traits & BEDROCK_UNSIGNED;
    if (p->id.n || (!p->signature.n && (!unsigned_ok || is_blank(p->text)))) {
        drop(q, STR("thinking"));
        return;
    }
    struct str redacted = p->redacted ? bedrock_redacted(q->q.a, p) : str_of(NULL, 0);
    if (p->redacted && !str_eq(redacted, p->signature)) { /* another's */
        drop(q, STR("thinking"));
        return;
    }
    open_message(q, assistant);
    bedrock_open(w, "reasoningContent");
    if (p->redacted) {
        json_add_str(w, "redactedContent", redacted);
    } else {
        json_key(w, "reasoningText");
        json_open(w, '{');
        json_add_str(w, "text", p->text.p ? p->text : STR(""));
        if (p->signature.n)
            json_add_str(w, "signature", p->signature);
        json_close(w, '}');
    }
    bedrock_close(w);
}

static enum err put_assistant_part(struct bedrock_request *q, const struct ir_part *p)
{
    switch (p->kind) {
    case IR_TEXT:
        if (p->signature.n)
            drop(q, STR("text.signature"));
        put_text(q, assistant, p);
        return E_OK;
    case IR_REFUSAL: put_plain(q, assistant, p->text); return E_OK;
    case IR_TOOL_CALL: return put_call(q, p);
    case IR_THINKING: put_thinking(q, p); return E_OK;
    case IR_RAW: put_raw(q, assistant, p); return E_OK;
    case IR_IMAGE: return put_media(q, assistant, p);
    case IR_AUDIO: drop(q, STR("assistant.audio")); return E_OK;
    default: drop(q, STR("assistant's media")); return E_OK;
    }
}

/* ---- turns ----------------------------------------------------------------------------------------- */

static enum err put_results(struct bedrock_request *q, const struct ir_message *m,
                            const struct ir_message *end)
{
    enum err e = E_OK;
    for (; m != end; m = m->next)
        for (const struct ir_part *p = m->parts; p && e == E_OK; p = p->next) {
            if (p->kind != IR_TOOL_RESULT)
                continue;
            e = put_result(q, p);
            bedrock_put_cache(q, ir_cache_behind(m, p));
        }
    return e;
}

/* A system message in the middle of the conversation. */
static enum err put_late_system(struct bedrock_request *q, const struct ir_message *m)
{
    bool role = q->q.traits & CLAUDE_SYSTEM;
    for (const struct ir_part *p = m->parts; p; p = p->next) {
        const struct str pieces[] = {S("<system>\n"), p->text, S("\n</system>")};
        if (p->kind != IR_TEXT || is_blank(p->text))
            continue;
        struct str text = role ? p->text : arena_join(q->q.a, pieces, countof(pieces));
        if (!text.p)
            return E_FULL;
        put_plain(q, role ? system_role : user, text);
        bedrock_put_cache(q, ir_cache_behind(m, p));
    }
    return E_OK;
}

static enum err put_said(struct bedrock_request *q, const struct ir_message *m)
{
    enum err e = E_OK;
    for (const struct ir_part *p = m->parts; p && e == E_OK; p = p->next) {
        e = put_user_part(q, user, p);
        bool there = p->kind != IR_TOOL_RESULT && q->role == user;
        if (e == E_OK && there)
            bedrock_put_cache(q, ir_cache_behind(m, p));
    }
    return e;
}

/* All that stands between two messages of the assistant. */
static enum err put_user_turn(struct bedrock_request *q, const struct ir_message *m,
                              const struct ir_message *end)
{
    enum err e = put_results(q, m, end);
    for (; m != end && e == E_OK; m = m->next) {
        if (m->name.n)
            drop(q, STR("name"));
        e = is_system(m) ? put_late_system(q, m) : put_said(q, m);
    }
    return e;
}

static enum err put_assistant_turn(struct bedrock_request *q, const struct ir_message *m,
                                   const struct ir_message *end)
{
    enum err e = E_OK;
    for (; m != end; m = m->next)
        for (const struct ir_part *p = m->parts; p && e == E_OK; p = p->next) {
            e = put_assistant_part(q, p);
            if (e == E_OK && q->role == assistant)
                bedrock_put_cache(q, ir_cache_behind(m, p));
        }
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

static enum err put_messages(struct bedrock_request *q)
{
    const struct ir_message *m = first_turn(q->q.r);
    enum err e = E_OK;
    json_key(&q->q.w, "messages");
    json_open(&q->q.w, '[');
    while (m && e == E_OK) {
        bool by_assistant = m->role == IR_ASSISTANT;
        const struct ir_message *end = m;
        while (end && (end->role == IR_ASSISTANT) == by_assistant)
            end = end->next;
        e = by_assistant ? put_assistant_turn(q, m, end) : put_user_turn(q, m, end);
        close_message(q);
        m = end;
    }
    json_close(&q->q.w, ']');
    if (e == E_OK && q->messages == 0)
        return codec_refuse(q->q.a, q->q.ret_why, "messages: nothing is said in them");
    return e;
}

static void put_prompt_part(struct bedrock_request *q, const struct ir_message *m, const struct ir_part *p)
{
    if (p->kind == IR_TEXT && is_blank(p->text))
        return;
    if (p->kind == IR_TEXT)
        put_plain(q, NULL, p->text);
    else
        drop(q, STR("system prompt's media"));
    if (p->kind == IR_TEXT)
        bedrock_put_cache(q, ir_cache_behind(m, p));
}

static void put_system(struct bedrock_request *q)
{
    const struct ir_message *end = first_turn(q->q.r);
    if (end == q->q.r->messages && !q->q.orders.n)
        return;
    json_key(&q->q.w, "system");
    json_open(&q->q.w, '[');
    for (const struct ir_message *m = q->q.r->messages; m != end; m = m->next)
        for (const struct ir_part *p = m->parts; p; p = p->next)
            put_prompt_part(q, m, p);
    for (size_t i = 0; i < q->q.orders.n; i++)
        put_plain(q, NULL, q->q.orders.v[i]);
    json_close(&q->q.w, ']');
}

enum err bedrock_write_request(struct arena *a, struct ir_request *r, const struct codec_ask *ask,
                               struct buf *out, struct str *ret_why)
{
    struct str model = ask->model.n ? ask->model : r->model;
    struct bedrock_request q = {
        .q = {.a = a, .r = r, .ask = ask, .w = json_out(out), .ret_why = ret_why},
        .traits = bedrock_traits(model),
    };
    int points = ir_count_breakpoints(r);
    q.q.traits = claude_traits(model);
    q.q.marks_over = points > POINTS ? points - POINTS : 0;
    enum err e = bedrock_decide(&q);
    if (e != E_OK)
        return e;
    json_open(&q.q.w, '{');
    e = bedrock_put_tools(&q);
    put_system(&q);
    if (e == E_OK)
        e = put_messages(&q);
    bedrock_put_rest(&q);
    json_close(&q.q.w, '}');
    return e == E_OK && out->full ? E_FULL : e;
}
