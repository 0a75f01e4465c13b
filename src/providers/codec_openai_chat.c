/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/codec_openai_chat.h"

bool chat_count(const struct json_val *v, int64_t *ret)
{
    struct str text = json_number(v); /* "5", "5.0", "5e2" */
    if (!text.p)
        return json_uint(v, ret);
    struct json_doc *doc = json_parse(text);
    bool ok = json_uint(json_root(doc), ret);
    json_free(doc);
    return ok;
}

/* ---- thoughts ---- */

struct chat_thoughts chat_thoughts(const struct json_val *message)
{
    static const char *const texts[] = {"reasoning_content", "reasoning"};
    struct chat_thoughts t = {.blocks = json_count(json_get(message, "reasoning_details")) == 0};
    t.items = json_iter(json_get(message, t.blocks ? "thinking_blocks" : "reasoning_details"));
    t.items.left = t.items.object ? 0 : t.items.left;
    for (size_t i = 0; t.items.left == 0 && t.plain.n == 0 && i < countof(texts); i++)
        t.plain = codec_text(message, texts[i]);
    return t;
}

static struct chat_thought block_of(const struct json_val *v)
{
    struct chat_thought t = {
        .text = codec_text(v, "thinking"), .signature = codec_text(v, "signature"), .index = -1};
    if (str_eq(codec_text(v, "type"), STR("redacted_thinking")))
        t = (struct chat_thought){.signature = codec_text(v, "data"), .redacted = true, .index = -1};
    return t;
}

static struct chat_thought item_of(const struct json_val *v)
{
    struct str type = codec_text(v, "type");
    struct chat_thought t = {.id = codec_text(v, "id"), .index = -1};
    (void)chat_count(json_get(v, "index"), &t.index);
    t.redacted = str_eq(type, STR("reasoning.encrypted"));
    t.signature = codec_text(v, t.redacted ? "data" : "signature");
    if (!t.redacted)
        t.text = codec_text(v, str_eq(type, STR("reasoning.summary")) ? "summary" : "text");
    return t;
}

bool chat_next_thought(struct chat_thoughts *t, struct chat_thought *ret)
{
    while (json_next(&t->items)) {
        *ret = t->blocks ? block_of(t->items.val) : item_of(t->items.val);
        if (ret->text.n || ret->signature.n)
            return true;
    }
    *ret = (struct chat_thought){.text = t->plain, .index = -1};
    t->plain = str_of(NULL, 0);
    return ret->text.n > 0;
}

void chat_put_thought(struct json_out *w, const struct chat_thought *t)
{
    json_open(w, '{');
    json_add_str(w, "type", t->redacted ? STR("reasoning.encrypted") : STR("reasoning.text"));
    json_add_int(w, "index", t->index);
    if (t->text.p && !t->redacted)
        json_add_str(w, "text", t->text);
    if (t->signature.n)
        json_add_str(w, t->redacted ? "data" : "signature", t->signature);
    if (t->id.n)
        json_add_str(w, "id", t->id);
    json_close(w, '}');
}

struct str chat_signature(const struct json_val *holder)
{
    return codec_text(json_get(json_get(holder, "extra_content"), "google"), "thought_signature");
}

void chat_put_signature(struct json_out *w, struct str signature)
{
    json_key(w, "extra_content");
    json_open(w, '{');
    json_key(w, "google");
    json_open(w, '{');
    json_add_str(w, "thought_signature", signature);
    json_close(w, '}');
    json_close(w, '}');
}

/* ---- media ---- */

bool chat_read_url(const struct json_val *v, struct ir_media *ret)
{
    struct str url = json_type(v) == JSON_OBJECT ? codec_text(v, "url") : json_str(v);
    struct ir_media m = {.detail = codec_text(v, "detail")};
    if (url.n == 0)
        return false;
    if (!str_istarts(url, STR("data:")))
        m.url = url;
    else if (!ir_data_url(url, &m.mime, &m.data))
        return false;
    *ret = m;
    return true;
}

void chat_put_url(struct arena *a, struct json_out *w, const char *type, const struct ir_media *m)
{
    struct str mime = m->mime.n                               ? m->mime
                      : str_eq(str_c(type), STR("video_url")) ? STR("video/mp4")
                                                              : STR("image/png");
    const struct str pieces[] = {S("data:"), mime, S(";base64,"), m->data};
    json_open(w, '{');
    json_add_str(w, "type", str_c(type));
    json_key(w, type);
    json_open(w, '{');
    json_add_str(w, "url", m->url.p ? m->url : arena_join(a, pieces, countof(pieces)));
    if (m->detail.n)
        json_add_str(w, "detail", m->detail);
    json_close(w, '}');
}

static const struct {
    struct str format, mime;
} sounds[] = {
    {S("wav"), S("audio/wav")},   {S("mp3"), S("audio/mpeg")},     {S("mp3"), S("audio/mp3")},
    {S("wav"), S("audio/x-wav")}, {S("wav"), S("audio/wave")},     {S("m4a"), S("audio/mp4")},
    {S("pcm16"), S("audio/pcm")}, {S("wav"), S("audio/vnd.wave")},
};

struct str chat_audio_format(struct str mime)
{
    struct str type = mime, rest = str_trim(str_cut(&type, ';'));
    for (size_t i = 0; i < countof(sounds); i++)
        if (str_ieq(rest, sounds[i].mime))
            return sounds[i].format;
    return str_istarts(rest, STR("audio/")) ? str_from(rest, 6) : STR("wav");
}

struct str chat_audio_mime(struct arena *a, struct str format)
{
    for (size_t i = 0; i < countof(sounds); i++)
        if (str_ieq(format, sounds[i].format))
            return sounds[i].mime;
    return arena_printf(a, "audio/%.*s", STR_FMT(format));
}

/* ---- calls ---- */

struct str chat_arguments(struct arena *a, struct str arguments)
{
    struct buf b;
    if (str_trim(arguments).n == 0)
        return STR("{}");
    struct json_doc *doc = json_parse(arguments);
    bool object = json_type(json_root(doc)) == JSON_OBJECT;
    json_free(doc);
    if (object)
        return arguments;
    buf_init(&b, a->cap);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    json_add_str(&w, "arguments", arguments);
    json_close(&w, '}');
    struct str text = b.full ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

/* ---- why answers end ---- */

enum ir_finish chat_finish(struct str reason)
{
    static const struct {
        struct str reason;
        enum ir_finish finish;
    } reasons[] = {
        {S("stop"), IR_FINISH_STOP},
        {S("length"), IR_FINISH_LENGTH},
        {S("tool_calls"), IR_FINISH_TOOLS},
        {S("function_call"), IR_FINISH_TOOLS},
        {S("content_filter"), IR_FINISH_FILTER},
        {S("error"), IR_FINISH_ERROR},
        {S("model_length"), IR_FINISH_LENGTH},                /* Mistral */
        {S("insufficient_system_resource"), IR_FINISH_ERROR}, /* DeepSeek */
        {S("end_turn"), IR_FINISH_STOP},                      /* servers of one's own */
        {S("eos"), IR_FINISH_STOP},
        {S("max_tokens"), IR_FINISH_LENGTH},
    };
    for (size_t i = 0; i < countof(reasons); i++)
        if (str_eq(reason, reasons[i].reason))
            return reasons[i].finish;
    return IR_FINISH_UNKNOWN;
}

struct str chat_finish_reason(enum ir_finish f, bool calls, bool functions)
{
    switch (f) {
    case IR_FINISH_LENGTH: return STR("length");
    case IR_FINISH_FILTER:
    case IR_FINISH_REFUSAL: return STR("content_filter");
    case IR_FINISH_ERROR: return STR("error"); /* OpenRouter's word: a "stop" would be a lie */
    default: break;
    }
    if (calls || f == IR_FINISH_TOOLS)
        return functions ? STR("function_call") : STR("tool_calls");
    return STR("stop");
}

/* ---- errors ---- */

/* Of each kind: what OpenAI says of it, and the status that its clients expect. */
static const struct {
    struct str type, code;
    int status;
} faults[] = {
    [IR_ERR_INVALID] = {S("invalid_request_error"), {NULL, 0}, 400},
    [IR_ERR_AUTH] = {S("invalid_request_error"), S("invalid_api_key"), 401},
    [IR_ERR_PERMISSION] = {S("permission_error"), {NULL, 0}, 403},
    [IR_ERR_NOT_FOUND] = {S("invalid_request_error"), S("not_found"), 404},
    [IR_ERR_RATE] = {S("rate_limit_error"), S("rate_limit_exceeded"), 429},
    [IR_ERR_QUOTA] = {S("insufficient_quota"), S("insufficient_quota"), 429},
    [IR_ERR_OVERLOADED] = {S("service_unavailable_error"), S("server_is_overloaded"), 503},
    [IR_ERR_TIMEOUT] = {S("timeout_error"), {NULL, 0}, 504},
    [IR_ERR_SERVER] = {S("server_error"), {NULL, 0}, 500},
};

/* Codes and types that say which kind it is, where no status does. */
static const struct {
    struct str word;
    enum ir_error_kind kind;
} words[] = {
    {S("invalid_api_key"), IR_ERR_AUTH},
    {S("authentication_error"), IR_ERR_AUTH},
    {S("permission_error"), IR_ERR_PERMISSION},
    {S("not_found"), IR_ERR_NOT_FOUND},
    {S("model_not_found"), IR_ERR_NOT_FOUND},
    {S("insufficient_quota"), IR_ERR_QUOTA},
    {S("rate_limit_exceeded"), IR_ERR_RATE},
    {S("rate_limit_error"), IR_ERR_RATE},
    {S("requests"), IR_ERR_RATE},
    {S("tokens"), IR_ERR_RATE},
    {S("server_is_overloaded"), IR_ERR_OVERLOADED},
    {S("service_unavailable_error"), IR_ERR_OVERLOADED},
    {S("overloaded_error"), IR_ERR_OVERLOADED},
    {S("timeout"), IR_ERR_TIMEOUT},
    {S("timeout_error"), IR_ERR_TIMEOUT},
    {S("invalid_request_error"), IR_ERR_INVALID},
};

static bool kind_of(struct str word, enum ir_error_kind *ret)
{
    for (size_t i = 0; i < countof(words); i++)
        if (str_eq(word, words[i].word)) {
            *ret = words[i].kind;
            return true;
        }
    return false;
}

void chat_read_error_value(struct arena *a, int status, const struct json_val *error, struct ir_error *ret)
{
    struct str type = codec_text(error, "type"), text = json_str(error);
    struct ir_error e = {.kind = IR_ERR_SERVER, .status = status, .code = codec_text(error, "code")};
    int64_t number;
    if (status == 0 && json_uint(json_get(error, "code"), &number) && number >= 400 && number <= 599)
        e.status = (int)number; /* OpenRouter, and others whose error came from one */
    if (e.status)
        e.kind = ir_error_of_status(e.status);
    else if (!kind_of(e.code, &e.kind))
        (void)kind_of(type, &e.kind);
    if (str_eq(e.code, faults[IR_ERR_QUOTA].code) || str_eq(type, faults[IR_ERR_QUOTA].type))
        e.kind = IR_ERR_QUOTA; /* not the rate: it comes as 429 as well */
    e.status = e.status ? e.status : faults[e.kind].status;
    e.message = text.p ? text : codec_text(error, "message");
    if (!e.message.p)
        e.message = codec_raw(a, json_get(error, "message"));
    if (!e.message.n)
        e.message = e.code.n ? e.code : type.n ? type : http_reason(e.status);
    e.param = codec_text(error, "param");
    *ret = e;
}

static void keep(struct arena *a, struct str *s)
{
    if (s->p)
        *s = arena_dup(a, *s);
}

static void read_error(struct arena *a, int status, struct str body, struct ir_error *ret)
{
    struct json_doc *doc = json_parse(body);
    const struct json_val *error = json_get(json_root(doc), "error");
    if (json_str(error).n || json_get(error, "message")) {
        chat_read_error_value(a, status, error, ret);
    } else { /* another shape, as some of this dialect's providers have */
        *ret = (struct ir_error){.kind = ir_error_of_status(status), .status = status};
        ret->message = codec_error_text(a, D_OPENAI_CHAT, status, body);
    }
    keep(a, &ret->message);
    keep(a, &ret->code);
    keep(a, &ret->param);
    json_free(doc);
}

void chat_put_error(struct json_out *w, const struct ir_error *e)
{
    json_open(w, '{');
    json_add_str(w, "message", e->message.n ? e->message : http_reason(faults[e->kind].status));
    json_add_str(w, "type", faults[e->kind].type);
    json_add_str(w, "param", e->param);
    json_add_str(w, "code", e->code.n ? e->code : faults[e->kind].code);
    json_close(w, '}');
}

static void write_error(const struct ir_error *e, struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    json_key(&w, "error");
    chat_put_error(&w, e);
    json_close(&w, '}');
}

static int error_status(const struct ir_error *e)
{
    bool known = e->status >= 400 && e->status <= 599 && e->status != 529; /* Anthropic's own */
    return known ? e->status : faults[e->kind].status;
}

const struct codec codec_openai_chat = {
    .dialect = D_OPENAI_CHAT,
    .name = "OpenAI chat",
    .stream_type = S("text/event-stream"),
    .read_request = chat_read_request,
    .write_request = chat_write_request,
    .read_answer = chat_read_answer,
    .write_answer = chat_write_answer,
    .read_sse = chat_read_sse,
    .read_end = chat_read_end,
    .write_event = chat_write_event,
    .read_error = read_error,
    .write_error = write_error,
    .error_status = error_status,
};
