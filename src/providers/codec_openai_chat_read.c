/* SPDX-License-Identifier: Apache-2.0 */
/* A chat completions request, read. Numbers stay as they are written: the document is parsed with
 * json_parse_exact. */
#include "providers/codec_openai_chat.h"

const struct chat_member chat_members[] = {
    {"model", CHAT_TEXT, offsetof(struct ir_request, model), true, 0},
    {"stream", CHAT_BOOL, offsetof(struct ir_request, stream), true, 0},
    {"temperature", CHAT_NUMBER, offsetof(struct ir_request, temperature), false, 0},
    {"top_p", CHAT_NUMBER, offsetof(struct ir_request, top_p), false, 0},
    {"top_k", CHAT_NUMBER, offsetof(struct ir_request, top_k), false, CODEC_NO_EXTENSIONS},
    {"frequency_penalty", CHAT_NUMBER, offsetof(struct ir_request, frequency_penalty), false, 0},
    {"presence_penalty", CHAT_NUMBER, offsetof(struct ir_request, presence_penalty), false, 0},
    {"seed", CHAT_NUMBER, offsetof(struct ir_request, seed), true, 0},
    {"random_seed", CHAT_NUMBER, offsetof(struct ir_request, seed), true, 0}, /* Mistral's */
    {"max_tokens", CHAT_COUNT, offsetof(struct ir_request, max_tokens), true, 0},
    {"max_completion_tokens", CHAT_COUNT, offsetof(struct ir_request, max_tokens), true, 0},
    {"n", CHAT_COUNT, offsetof(struct ir_request, n), false, 0},
    {"logprobs", CHAT_FLAG, offsetof(struct ir_request, logprobs), false, CODEC_RANDOM_SEED},
    {"top_logprobs", CHAT_COUNT, offsetof(struct ir_request, top_logprobs), false, CODEC_RANDOM_SEED},
    {"logit_bias", CHAT_OBJECT, offsetof(struct ir_request, logit_bias), false, CODEC_RANDOM_SEED},
    {"parallel_tool_calls", CHAT_FLAG, offsetof(struct ir_request, parallel_tools), true, 0},
    {"reasoning_effort", CHAT_TEXT, offsetof(struct ir_request, effort), true, 0},
    {"safety_identifier", CHAT_TEXT, offsetof(struct ir_request, user), true, 0},
    {"user", CHAT_TEXT, offsetof(struct ir_request, user), true, 0},
    {"metadata", CHAT_OBJECT, offsetof(struct ir_request, metadata), true, 0},
    {"service_tier", CHAT_TEXT, offsetof(struct ir_request, service_tier), true, 0},
    {"verbosity", CHAT_TEXT, offsetof(struct ir_request, verbosity), false, CODEC_RANDOM_SEED},
    {"store", CHAT_FLAG, offsetof(struct ir_request, store), false, CODEC_RANDOM_SEED},
    {"audio", CHAT_OBJECT, offsetof(struct ir_request, audio), true, 0},
    {NULL, CHAT_TEXT, 0, false, 0},
};

struct reading {
    struct arena *a;
    struct ir_request *r;
    struct str *why;
    size_t message, part; /* which is being read */
    unsigned functions;   /* function_calls so far: they have no ids */
    struct ir_part **end; /* of the list of parts that is being read into */
};

#define REFUSE_MESSAGE(q, fmt, ...)                                                                          \
    codec_refuse((q)->a, (q)->why, "messages[%zu]" fmt, (q)->message __VA_OPT__(, ) __VA_ARGS__)
#define REFUSE_PART(q, fmt) REFUSE_MESSAGE(q, ".content[%zu]" fmt, (q)->part)

static bool is_said(const struct json_val *v)
{
    return json_type(v) != JSON_NONE && json_type(v) != JSON_NULL;
}

/* ---- plain members ---- */

static enum err read_member(struct reading *q, const struct json_val *v, const struct chat_member *m)
{
    void *at = (char *)q->r + m->at;
    enum json_type t = json_type(v);
    switch (m->form) {
    case CHAT_BOOL:
        *(bool *)at = json_bool(v, false);
        return t == JSON_BOOL ? E_OK : codec_refuse(q->a, q->why, "%s: not a boolean", m->key);
    case CHAT_FLAG:
        *(int *)at = json_bool(v, false);
        return t == JSON_BOOL ? E_OK : codec_refuse(q->a, q->why, "%s: not a boolean", m->key);
    case CHAT_COUNT:
        return chat_count(v, at) ? E_OK : codec_refuse(q->a, q->why, "%s: not a whole number", m->key);
    case CHAT_TEXT:
        *(struct str *)at = json_str(v);
        return t == JSON_STRING ? E_OK : codec_refuse(q->a, q->why, "%s: not a string", m->key);
    case CHAT_NUMBER:
        *(struct str *)at = json_number(v);
        return t == JSON_NUMBER ? E_OK : codec_refuse(q->a, q->why, "%s: not a number", m->key);
    case CHAT_OBJECT:
        if (t != JSON_OBJECT)
            return codec_refuse(q->a, q->why, "%s: not an object", m->key);
        *(struct str *)at = codec_raw(q->a, v);
        return ((struct str *)at)->p ? E_OK : E_FULL;
    }
    return E_OK;
}

static enum err read_members(struct reading *q, const struct json_val *root)
{
    for (const struct chat_member *m = chat_members; m->key; m++) {
        const struct json_val *v = json_get(root, m->key);
        enum err e = is_said(v) ? read_member(q, v, m) : E_OK;
        if (e != E_OK)
            return e;
    }
    return q->r->model.n ? E_OK : codec_refuse(q->a, q->why, "model: missing");
}

/* A string, or a list of strings. */
static enum err read_strs(struct reading *q, const struct json_val *root, const char *key,
                          struct ir_strs *ret)
{
    const struct json_val *v = json_get(root, key);
    if (!is_said(v))
        return E_OK;
    if (json_type(v) == JSON_STRING)
        return ir_add_str(q->a, ret, json_str(v)) ? E_OK : E_FULL;
    if (json_type(v) != JSON_ARRAY)
        return codec_refuse(q->a, q->why, "%s: neither a string nor a list of strings", key);
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        if (json_type(it.val) != JSON_STRING)
            return codec_refuse(q->a, q->why, "%s: not a list of strings", key);
        if (!ir_add_str(q->a, ret, json_str(it.val)))
            return E_FULL;
    }
    return E_OK;
}

/* ---- reasoning: reasoning_effort, OpenRouter's reasoning, Anthropic's thinking ---- */

static void read_reasoning(struct reading *q, const struct json_val *root)
{
    struct ir_request *r = q->r;
    const struct json_val *router = json_get(root, "reasoning"), *thinking = json_get(root, "thinking");
    struct str effort = codec_text(router, "effort"), type = codec_text(thinking, "type");
    int exclude = codec_bool(router, "exclude"), include = codec_bool(root, "include_reasoning");
    r->effort = effort.p ? effort : r->effort;
    r->thinking = codec_bool(router, "enabled");
    if (type.n)
        r->thinking = !str_eq(type, STR("disabled"));
    if (!chat_count(json_get(router, "max_tokens"), &r->thinking_budget))
        (void)chat_count(json_get(thinking, "budget_tokens"), &r->thinking_budget);
    if (r->effort.p && r->thinking_budget >= 0) { /* one of them: the more exact one */
        ir_drop(q->a, r, STR("reasoning_effort"));
        r->effort = str_of(NULL, 0);
    }
    if (str_eq(r->effort, STR("none")))
        r->thinking = 0;
    if (str_eq(r->effort, STR("max"))) /* the highest that the neutral form knows */
        r->effort = STR("xhigh");
    r->thinking_shown = exclude >= 0 ? !exclude : include;
}

/* ---- content ---- */

/* A new part at the end of the list. */
static struct ir_part *add_part(struct reading *q, enum ir_kind kind)
{
    struct ir_part *p = ir_add_part(q->a, q->end, kind);
    if (p)
        q->end = &p->next;
    return p;
}

static enum ir_cache read_cache(const struct json_val *v)
{
    const struct json_val *mark = json_get(v, "cache_control");
    if (json_type(mark) == JSON_OBJECT)
        return str_eq(codec_text(mark, "ttl"), STR("1h")) ? IR_CACHE_1H : IR_CACHE_5M;
    return json_type(json_get(v, "prompt_cache_breakpoint")) == JSON_OBJECT ? IR_CACHE_5M : IR_CACHE_NONE;
}

static enum err read_text(struct reading *q, const struct json_val *v, struct ir_part *p)
{
    p->text = codec_text(v, "text");
    return p->text.p ? E_OK : REFUSE_PART(q, ".text: not a string");
}

static enum err read_refusal(struct reading *q, const struct json_val *v, struct ir_part *p)
{
    p->text = codec_text(v, "refusal");
    return p->text.p ? E_OK : REFUSE_PART(q, ".refusal: not a string");
}

static enum err read_picture(struct reading *q, const struct json_val *v, struct ir_part *p)
{
    bool ok = chat_read_url(json_get(v, p->kind == IR_IMAGE ? "image_url" : "video_url"), &p->media);
    return ok ? E_OK : REFUSE_PART(q, ": neither a URL nor a base64 data URL");
}

static enum err read_sound(struct reading *q, const struct json_val *v, struct ir_part *p)
{
    const struct json_val *sound = json_get(v, "input_audio");
    p->media.data = codec_text(sound, "data");
    if (!p->media.data.n)
        return REFUSE_PART(q, ".input_audio.data: missing");
    (void)ir_data_url(p->media.data, &p->media.mime, &p->media.data);
    if (!p->media.mime.p)
        p->media.mime = chat_audio_mime(q->a, codec_text(sound, "format"));
    return p->media.mime.p ? E_OK : E_FULL;
}

/* Bare base64 comes without a type: the name's ending tells, and a PDF is what the API was made for. */
static struct str mime_of_name(struct str name)
{
    static const struct {
        struct str ending, mime;
    } types[] = {
        {S(".txt"), S("text/plain")}, {S(".md"), S("text/markdown")},      {S(".csv"), S("text/csv")},
        {S(".html"), S("text/html")}, {S(".json"), S("application/json")},
    };
    for (size_t i = 0; i < countof(types); i++)
        if (name.n >= types[i].ending.n &&
            str_ieq(str_from(name, name.n - types[i].ending.n), types[i].ending))
            return types[i].mime;
    return STR("application/pdf");
}

static enum err read_file(struct reading *q, const struct json_val *v, struct ir_part *p)
{
    const struct json_val *file = json_get(v, "file");
    struct ir_media *m = &p->media;
    struct str data = codec_text(file, "file_data");
    m->name = codec_text(file, "filename");
    m->file_id = codec_text(file, "file_id");
    if (m->file_id.n)
        return E_OK;
    if (!data.n)
        return REFUSE_PART(q, ".file: neither file_data nor file_id");
    if (str_istarts(data, STR("https://")) || str_istarts(data, STR("http://"))) {
        m->url = data; /* OpenRouter's */
    } else if (!ir_data_url(data, &m->mime, &m->data)) {
        if (str_istarts(data, STR("data:")))
            return REFUSE_PART(q, ".file.file_data: not base64");
        m->mime = mime_of_name(m->name);
        m->data = data;
    }
    return E_OK;
}

static enum err read_part(struct reading *q, const struct json_val *v)
{
    static const char *const known[] = {
        "type",        "text", "refusal", "image_url",     "video_url",
        "input_audio", "file", "detail",  "cache_control", "prompt_cache_breakpoint",
        NULL};
    static const struct {
        struct str type;
        enum ir_kind kind;
        enum err (*read)(struct reading *q, const struct json_val *v, struct ir_part *p);
    } types[] = {
        {S("text"), IR_TEXT, read_text},          {S("image_url"), IR_IMAGE, read_picture},
        {S("input_audio"), IR_AUDIO, read_sound}, {S("file"), IR_FILE, read_file},
        {S("refusal"), IR_REFUSAL, read_refusal}, {S("video_url"), IR_VIDEO, read_picture},
    };
    struct str type = codec_text(v, "type");
    for (size_t i = 0; i < countof(types); i++) {
        if (!str_eq(type, types[i].type))
            continue;
        struct ir_part *p = add_part(q, types[i].kind);
        if (!p)
            return E_FULL;
        p->cache = read_cache(v);
        codec_note_unknown(q->a, q->r, v, known);
        return types[i].read(q, v, p);
    }
    return REFUSE_PART(q, ".type: unknown");
}

static enum err read_content(struct reading *q, const struct json_val *content)
{
    if (!is_said(content))
        return E_OK;
    if (json_type(content) == JSON_STRING) {
        struct ir_part *p = add_part(q, IR_TEXT);
        if (p)
            p->text = json_str(content);
        return p ? E_OK : E_FULL;
    }
    if (json_type(content) != JSON_ARRAY)
        return REFUSE_MESSAGE(q, ".content: neither a string nor a list of parts");
    q->part = 0;
    for (struct json_iter it = json_iter(content); json_next(&it); q->part++) {
        enum err e = read_part(q, it.val);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

/* ---- assistant messages ---- */

static enum err read_thoughts(struct reading *q, const struct json_val *v)
{
    struct chat_thought th;
    struct ir_part *p = NULL;
    int64_t index = -1;
    for (struct chat_thoughts t = chat_thoughts(v); chat_next_thought(&t, &th); index = th.index) {
        if (!p || th.index < 0 || th.index != index) {
            p = add_part(q, IR_THINKING);
            if (!p)
                return E_FULL;
            p->redacted = true;
        }
        const struct str texts[] = {p->text, th.text}, signatures[] = {p->signature, th.signature};
        p->text = th.text.n ? arena_join(q->a, texts, 2) : p->text;
        p->signature = th.signature.n ? arena_join(q->a, signatures, 2) : p->signature;
        p->id = th.id.n ? th.id : p->id;
        p->redacted &= th.redacted;
        if ((th.text.n && !p->text.p) || (th.signature.n && !p->signature.p))
            return E_FULL;
    }
    return E_OK;
}

static enum err read_call(struct reading *q, const struct json_val *v, size_t n)
{
    bool custom = str_eq(codec_text(v, "type"), STR("custom"));
    const struct json_val *f = json_get(v, custom ? "custom" : "function");
    const struct json_val *arguments = json_get(f, custom ? "input" : "arguments");
    struct ir_part *p = add_part(q, IR_TOOL_CALL);
    if (!p)
        return E_FULL;
    p->id = codec_text(v, "id");
    p->name = codec_text(f, "name");
    if (!p->id.n || !p->name.n)
        return REFUSE_MESSAGE(q, ".tool_calls[%zu]: id or name is missing", n);
    p->arguments = json_type(arguments) == JSON_OBJECT ? codec_raw(q->a, arguments)
                                                       : chat_arguments(q->a, json_str(arguments));
    p->signature = chat_signature(v);
    p->cache = read_cache(v);
    return p->arguments.p ? E_OK : E_FULL;
}

/* Of old: one call, and it has no id. */
static enum err read_function_call(struct reading *q, const struct json_val *v)
{
    if (!is_said(v))
        return E_OK;
    struct ir_part *p = add_part(q, IR_TOOL_CALL);
    if (!p)
        return E_FULL;
    p->name = codec_text(v, "name");
    if (!p->name.n)
        return REFUSE_MESSAGE(q, ".function_call.name: missing");
    p->id = arena_printf(q->a, "call_function_%u", ++q->functions);
    p->arguments = chat_arguments(q->a, codec_text(v, "arguments"));
    return p->id.p && p->arguments.p ? E_OK : E_FULL;
}

static enum err read_calls(struct reading *q, const struct json_val *v)
{
    const struct json_val *calls = json_get(v, "tool_calls");
    size_t n = 0;
    if (is_said(calls) && json_type(calls) != JSON_ARRAY)
        return REFUSE_MESSAGE(q, ".tool_calls: not a list");
    for (struct json_iter it = json_iter(calls); json_next(&it); n++) {
        enum err e = read_call(q, it.val, n);
        if (e != E_OK)
            return e;
    }
    return n ? E_OK : read_function_call(q, json_get(v, "function_call"));
}

/* What it said aloud, and what it drew. */
static enum err read_media(struct reading *q, const struct json_val *v)
{
    struct str audio = codec_text(json_get(v, "audio"), "id");
    struct ir_part *p = audio.n ? add_part(q, IR_AUDIO) : NULL;
    if (p)
        p->media.file_id = audio;
    else if (audio.n)
        return E_FULL;
    for (struct json_iter it = json_iter(json_get(v, "images")); json_next(&it);) {
        p = add_part(q, IR_IMAGE);
        if (!p)
            return E_FULL;
        if (!chat_read_url(json_get(it.val, "image_url"), &p->media))
            return REFUSE_MESSAGE(q, ".images: neither a URL nor a base64 data URL");
    }
    return E_OK;
}

/* The text's signature belongs to the last text; where there is none, to an empty one. */
static enum err read_signature(struct reading *q, const struct json_val *v, struct ir_part *parts)
{
    struct str signature = chat_signature(v);
    struct ir_part *last = NULL;
    if (!signature.n)
        return E_OK;
    for (struct ir_part *p = parts; p; p = p->next)
        last = p->kind == IR_TEXT ? p : last;
    last = last ? last : add_part(q, IR_TEXT);
    if (!last)
        return E_FULL;
    last->text = last->text.p ? last->text : STR("");
    last->signature = signature;
    return E_OK;
}

static enum err read_assistant(struct reading *q, const struct json_val *v, struct ir_message *m)
{
    const struct json_val *content = json_get(v, "content");
    struct str refusal = codec_text(v, "refusal");
    enum err e = read_thoughts(q, v);
    if (e == E_OK && (json_type(content) != JSON_STRING || json_str(content).n))
        e = read_content(q, content); /* "" is what clients write for none */
    struct ir_part *p = e == E_OK && refusal.n ? add_part(q, IR_REFUSAL) : NULL;
    if (p)
        p->text = refusal;
    else if (e == E_OK && refusal.n)
        e = E_FULL;
    e = e == E_OK ? read_signature(q, v, m->parts) : e;
    e = e == E_OK ? read_media(q, v) : e;
    return e == E_OK ? read_calls(q, v) : e;
}

/* ---- the other roles ---- */

static enum err read_said(struct reading *q, const struct json_val *v, struct ir_message *m)
{
    (void)m;
    return read_content(q, json_get(v, "content"));
}

static enum err read_result(struct reading *q, const struct json_val *v, struct str id)
{
    struct ir_part *p = add_part(q, IR_TOOL_RESULT);
    if (!p)
        return E_FULL;
    p->id = id;
    p->name = codec_text(v, "name");
    p->cache = read_cache(v);
    q->end = &p->parts;
    return read_content(q, json_get(v, "content"));
}

static enum err read_tool(struct reading *q, const struct json_val *v, struct ir_message *m)
{
    struct str id = codec_text(v, "tool_call_id");
    (void)m;
    return id.n ? read_result(q, v, id) : REFUSE_MESSAGE(q, ".tool_call_id: missing");
}

/* Of old: the answer to the last call of that name. */
static enum err read_function(struct reading *q, const struct json_val *v, struct ir_message *self)
{
    struct str name = codec_text(v, "name"), id = {NULL, 0};
    for (const struct ir_message *m = q->r->messages; m != self; m = m->next)
        for (const struct ir_part *p = m->parts; p; p = p->next)
            if (p->kind == IR_TOOL_CALL && str_eq(p->name, name))
                id = p->id;
    return id.n ? read_result(q, v, id) : REFUSE_MESSAGE(q, ".name: no call of that function came before");
}

static enum err read_message(struct reading *q, const struct json_val *v)
{
    static const char *const known[] = {"role",
                                        "content",
                                        "name",
                                        "tool_calls",
                                        "tool_call_id",
                                        "refusal",
                                        "audio",
                                        "function_call",
                                        "reasoning_content",
                                        "reasoning",
                                        "images",
                                        "reasoning_details",
                                        "thinking_blocks",
                                        "extra_content",
                                        "cache_control",
                                        "annotations",
                                        NULL};
    static const struct {
        struct str name;
        enum ir_role role;
        enum err (*read)(struct reading *q, const struct json_val *v, struct ir_message *m);
    } roles[] = {
        {S("system"), IR_SYSTEM, read_said}, {S("developer"), IR_DEVELOPER, read_said},
        {S("user"), IR_USER, read_said},     {S("assistant"), IR_ASSISTANT, read_assistant},
        {S("tool"), IR_TOOL, read_tool},     {S("function"), IR_TOOL, read_function},
    };
    struct str role = codec_text(v, "role");
    for (size_t i = 0; i < countof(roles); i++) {
        if (!str_eq(role, roles[i].name))
            continue;
        struct ir_message *m = ir_add_message(q->a, q->r, roles[i].role);
        if (!m)
            return E_FULL;
        if (roles[i].role != IR_TOOL) { /* there it is the function's, and the mark the result's */
            m->name = codec_text(v, "name");
            m->cache = read_cache(v);
        }
        codec_note_unknown(q->a, q->r, v, known);
        q->end = &m->parts;
        return roles[i].read(q, v, m);
    }
    return REFUSE_MESSAGE(q, ".role: unknown");
}

static enum err read_messages(struct reading *q, const struct json_val *list)
{
    if (json_type(list) != JSON_ARRAY || json_count(list) == 0)
        return codec_refuse(q->a, q->why, "messages: not a list, or an empty one");
    for (struct json_iter it = json_iter(list); json_next(&it); q->message++) {
        enum err e = read_message(q, it.val);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

/* ---- tools ---- */

static enum err read_function_tool(struct reading *q, const struct json_val *f, enum ir_cache cache)
{
    static const char *const known[] = {"name", "description", "parameters", "strict", "cache_control", NULL};
    const struct json_val *schema = json_get(f, "parameters");
    struct ir_tool *t = ir_add_tool(q->a, q->r);
    if (!t)
        return E_FULL;
    t->name = codec_text(f, "name");
    if (!t->name.n)
        return codec_refuse(q->a, q->why, "tools: a function's name is missing");
    if (is_said(schema) && json_type(schema) != JSON_OBJECT)
        return codec_refuse(q->a, q->why, "tools: the parameters of a function are not an object");
    codec_note_unknown(q->a, q->r, f, known);
    t->description = codec_text(f, "description");
    t->strict = codec_bool(f, "strict");
    t->cache = cache != IR_CACHE_NONE ? cache : read_cache(f);
    t->schema = is_said(schema) ? codec_raw(q->a, schema) : str_of(NULL, 0);
    return t->schema.p || !is_said(schema) ? E_OK : E_FULL;
}

static enum err read_tool_entry(struct reading *q, const struct json_val *v)
{
    struct str type = codec_text(v, "type");
    if (str_eq(type, STR("function")))
        return read_function_tool(q, json_get(v, "function"), read_cache(v));
    if (!type.n)
        return codec_refuse(q->a, q->why, "tools: a type is missing");
    struct ir_tool *t = ir_add_tool(q->a, q->r);
    if (!t)
        return E_FULL;
    t->name = type;
    t->raw = codec_raw(q->a, v);
    t->raw_dialect = D_OPENAI_CHAT;
    return t->raw.p ? E_OK : E_FULL;
}

static enum err read_tools(struct reading *q, const struct json_val *root)
{
    const struct json_val *tools = json_get(root, "tools"), *functions = json_get(root, "functions");
    enum err e = E_OK;
    if ((is_said(tools) && json_type(tools) != JSON_ARRAY) ||
        (is_said(functions) && json_type(functions) != JSON_ARRAY))
        return codec_refuse(q->a, q->why, "tools: not a list");
    for (struct json_iter it = json_iter(tools); e == E_OK && json_next(&it);)
        e = read_tool_entry(q, it.val);
    q->r->functions = json_count(functions) > 0 && json_count(tools) == 0;
    for (struct json_iter it = json_iter(functions); e == E_OK && q->r->functions && json_next(&it);)
        e = read_function_tool(q, it.val, IR_CACHE_NONE);
    if (q->r->functions)
        q->r->parallel_tools = 0; /* there is place for one call */
    return e;
}

static enum err choose(struct reading *q, struct str word)
{
    static const struct {
        struct str word;
        enum ir_choice choice;
    } words[] = {
        {S("auto"), IR_CHOICE_AUTO},
        {S("none"), IR_CHOICE_NONE},
        {S("required"), IR_CHOICE_REQUIRED},
        {S("any"), IR_CHOICE_REQUIRED}, /* Mistral's */
    };
    for (size_t i = 0; i < countof(words); i++)
        if (str_eq(word, words[i].word)) {
            q->r->choice = words[i].choice;
            return E_OK;
        }
    return codec_refuse(q->a, q->why, "tool_choice: unknown");
}

static bool is_allowed(const struct json_val *allowed, struct str name)
{
    for (struct json_iter it = json_iter(json_get(allowed, "tools")); json_next(&it);)
        if (str_eq(codec_text(json_get(it.val, "function"), "name"), name))
            return true;
    return false;
}

/* Nobody else knows the list: the tools that are not on it are not shown to the model. */
static enum err allow(struct reading *q, const struct json_val *allowed)
{
    for (struct ir_tool **at = &q->r->tools; *at;)
        if (is_allowed(allowed, (*at)->name))
            at = &(*at)->next;
        else
            *at = (*at)->next;
    q->r->last_tool = NULL; /* none is added any more */
    return choose(q, codec_text(allowed, "mode"));
}

static enum err read_choice(struct reading *q, const struct json_val *root)
{
    const struct json_val *v = json_get(root, "tool_choice"), *of_old = json_get(root, "function_call");
    v = is_said(v) ? v : of_old;
    if (!is_said(v))
        return E_OK;
    if (json_type(v) == JSON_STRING)
        return choose(q, json_str(v));
    if (str_eq(codec_text(v, "type"), STR("allowed_tools")))
        return allow(q, json_get(v, "allowed_tools"));
    const struct json_val *named = v == of_old ? v : json_get(v, "function");
    named = named ? named : json_get(v, "custom");
    q->r->choice = IR_CHOICE_NAMED;
    q->r->choice_name = codec_text(named, "name");
    return q->r->choice_name.n ? E_OK : codec_refuse(q->a, q->why, "tool_choice: which function?");
}

/* ---- the form of the answer ---- */

static enum err read_format(struct reading *q, const struct json_val *v)
{
    struct ir_request *r = q->r;
    struct str type = codec_text(v, "type");
    const struct json_val *schema = json_get(v, "json_schema");
    if (!is_said(v) || str_eq(type, STR("text"))) {
        r->format = is_said(v) ? IR_FORMAT_TEXT : IR_FORMAT_UNSET;
        return E_OK;
    }
    if (str_eq(type, STR("json_object"))) {
        r->format = IR_FORMAT_JSON;
        return E_OK;
    }
    if (!str_eq(type, STR("json_schema")))
        return codec_refuse(q->a, q->why, "response_format: the type is unknown");
    r->format = IR_FORMAT_SCHEMA;
    r->format_name = codec_text(schema, "name");
    r->format_description = codec_text(schema, "description");
    r->format_strict = codec_bool(schema, "strict");
    r->format_schema = codec_raw(q->a, json_get(schema, "schema"));
    if (json_type(json_get(schema, "schema")) != JSON_OBJECT)
        return codec_refuse(q->a, q->why, "response_format.json_schema.schema: not an object");
    return r->format_schema.p ? E_OK : E_FULL;
}

static void note_unknown(struct reading *q, const struct json_val *root)
{
    static const char *const known[] = {
        "messages",   "tools",     "functions",      "tool_choice", "function_call",   "stop",
        "modalities", "reasoning", "stream_options", "thinking",    "response_format", "include_reasoning",
        NULL};
    for (struct json_iter it = json_iter(root); json_next(&it);) {
        bool found = !is_said(it.val);
        for (const struct chat_member *m = chat_members; m->key && !found; m++)
            found = str_eq(it.key, str_c(m->key));
        for (const char *const *k = known; *k && !found; k++)
            found = str_eq(it.key, str_c(*k));
        if (!found)
            ir_drop(q->a, q->r, it.key);
    }
}

enum err chat_read_request(struct arena *a, struct str body, struct str path, struct ir_request *ret,
                           struct str *ret_why)
{
    struct reading q = {.a = a, .r = ret, .why = ret_why};
    (void)path;
    ret->doc = json_parse_exact(body, NULL, NULL);
    const struct json_val *root = json_root(ret->doc);
    if (json_type(root) != JSON_OBJECT)
        return codec_refuse(a, ret_why, "the body is not a JSON object");
    note_unknown(&q, root);
    enum err e = read_members(&q, root);
    read_reasoning(&q, root);
    ret->stream_usage = json_bool(json_get(json_get(root, "stream_options"), "include_usage"), false);
    e = e == E_OK ? read_strs(&q, root, "stop", &ret->stop) : e;
    e = e == E_OK ? read_strs(&q, root, "modalities", &ret->modalities) : e;
    e = e == E_OK ? read_format(&q, json_get(root, "response_format")) : e;
    e = e == E_OK ? read_messages(&q, json_get(root, "messages")) : e;
    e = e == E_OK ? read_tools(&q, root) : e;
    return e == E_OK ? read_choice(&q, root) : e;
}
