/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OpenAI Responses request, read. Its input is a list of items; those of the assistant that follow each
 * other (reasoning, messages, function calls) are one message of the neutral form. Items and tools that the
 * neutral form has no word for are kept raw, for this dialect alone. Numbers are read as text, so that they
 * stay as they were.
 */
#include "base/crypto.h"
#include "providers/codec_openai_responses.h"

static void note(struct responses_reading *q, struct str name)
{
    ir_drop(q->a, q->r, name);
}

/* ---- pieces that requests and answers share ---- */

enum err responses_read_annotation(struct arena *a, const struct json_val *v, struct ir_citation *ret)
{
    struct str title = codec_text(v, "title"), none = {NULL, 0};
    if (!title.p)
        title = codec_text(v, "filename");
    *ret = (struct ir_citation){
        .url = codec_text(v, "url"),
        .title = title.n ? title : none,
        .file_id = codec_text(v, "file_id"),
        .start = codec_int(json_get(v, "start_index")),
        .end = codec_int(json_get(v, "end_index")),
        .raw = codec_raw(a, v),
        .raw_dialect = D_OPENAI_RESPONSES,
    };
    return ret->raw.p ? E_OK : E_FULL;
}

static bool add_thoughts(struct arena *a, struct ir_strs *to, const struct json_val *list)
{
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct str text = codec_text(it.val, "text");
        if (text.n && ((to->n && !ir_add_str(a, to, STR("\n\n"))) || !ir_add_str(a, to, text)))
            return false;
    }
    return true;
}

struct str responses_thoughts(struct arena *a, const struct json_val *item)
{
    struct ir_strs texts = {NULL, 0};
    if (!add_thoughts(a, &texts, json_get(item, "summary")) ||
        !add_thoughts(a, &texts, json_get(item, "content")))
        return str_of(NULL, 0);
    return arena_join(a, texts.v, texts.n);
}

struct str responses_thought_id(const struct json_val *item)
{
    struct str id = codec_text(item, "id");
    return str_starts(id, STR(RESPONSES_OWN_ID)) || !id.n ? str_of(NULL, 0) : id;
}

bool responses_is_redacted(const struct json_val *item, struct str text)
{
    struct str id = codec_text(item, "id");
    if (str_starts(id, STR(RESPONSES_OWN_ID)))
        return str_starts(id, STR(RESPONSES_OWN_REDACTED));
    return !text.n;
}

struct ir_media responses_picture(struct arena *a, const struct json_val *item)
{
    struct str format = codec_text(item, "output_format"), result = codec_text(item, "result");
    struct ir_media m = {.data = result.n ? result : str_of(NULL, 0)};
    if (m.data.p)
        m.mime = arena_printf(a, "image/%.*s", STR_FMT(format.n ? format : STR("png")));
    return m;
}

/* ---- content parts ---- */

/* A content part, and where it stands. */
struct reading_part {
    struct responses_reading *q;
    const struct json_val *v;
    struct ir_part *p;
    size_t i;
};

static enum err refuse_part(const struct reading_part *x, const char *why)
{
    return codec_refuse(x->q->a, x->q->ret_why, "input[%zu], part %zu: %s", x->q->item, x->i, why);
}

static enum err read_text(const struct reading_part *x)
{
    struct ir_citation **at = &x->p->citations;
    x->p->text = codec_text(x->v, "text");
    if (!x->p->text.p)
        return refuse_part(x, "a text without text");
    for (struct json_iter it = json_iter(json_get(x->v, "annotations")); json_next(&it);) {
        struct ir_citation *c = arena_new(x->q->a, struct ir_citation);
        if (!c || responses_read_annotation(x->q->a, it.val, c) != E_OK)
            return E_FULL;
        *at = c;
        at = &c->next;
    }
    return E_OK;
}

static enum err read_refusal(const struct reading_part *x)
{
    x->p->text = codec_text(x->v, "refusal");
    return x->p->text.p ? E_OK : refuse_part(x, "a refusal without text");
}

static enum err read_image(const struct reading_part *x)
{
    struct ir_media *m = &x->p->media;
    struct str url = codec_text(x->v, "image_url");
    m->detail = codec_text(x->v, "detail");
    if (url.p && !ir_data_url(url, &m->mime, &m->data))
        m->url = url;
    if (!url.p)
        m->file_id = codec_text(x->v, "file_id");
    if (str_istarts(m->url, STR("data:")))
        return refuse_part(x, "image_url holds data that is not base64");
    return url.p || m->file_id.p ? E_OK : refuse_part(x, "an image without image_url or file_id");
}

/* file_data: a data URL, or base64 alone. Plain text is said as text. */
static enum err read_file_data(const struct reading_part *x, struct str data)
{
    struct ir_media *m = &x->p->media;
    if (!ir_data_url(data, &m->mime, &m->data))
        m->data = data;
    if (str_istarts(m->data, STR("data:")))
        return refuse_part(x, "file_data holds data that is not base64");
    enum err e = str_ieq(m->mime, STR("text/plain")) ? base64_decode(x->q->a, m->data, &m->text) : E_SYNTAX;
    if (e == E_OK)
        m->data = str_of(NULL, 0);
    return e == E_FULL ? e : E_OK;
}

static enum err read_file(const struct reading_part *x)
{
    struct ir_media *m = &x->p->media;
    struct str data = codec_text(x->v, "file_data");
    m->name = codec_text(x->v, "filename");
    m->detail = codec_text(x->v, "detail");
    if (data.n)
        return read_file_data(x, data);
    m->url = codec_text(x->v, "file_url");
    if (!m->url.p)
        m->file_id = codec_text(x->v, "file_id");
    return m->url.p || m->file_id.p ? E_OK : refuse_part(x, "a file without file_data, file_url or file_id");
}

static enum err read_audio(const struct reading_part *x)
{
    const struct json_val *audio = json_get(x->v, "input_audio");
    struct str format = codec_text(audio, "format");
    struct ir_media *m = &x->p->media;
    m->data = codec_text(audio, "data");
    if (format.n)
        m->mime = str_eq(format, STR("mp3")) ? STR("audio/mpeg")
                                             : arena_printf(x->q->a, "audio/%.*s", STR_FMT(format));
    return m->data.p ? E_OK : refuse_part(x, "a sound without data");
}

/* {"mode": "explicit", "ttl": "30m" or "12h"}: the neutral form knows a shorter and a longer one. */
static enum ir_cache read_cache(const struct json_val *part)
{
    const struct json_val *mark = json_get(part, "prompt_cache_breakpoint");
    if (json_type(mark) != JSON_OBJECT)
        return IR_CACHE_NONE;
    return str_eq(codec_text(mark, "ttl"), STR("12h")) ? IR_CACHE_1H : IR_CACHE_5M;
}

static const struct part_type {
    struct str type;
    enum ir_kind kind;
    enum err (*read)(const struct reading_part *x);
} part_types[] = {
    {S("input_text"), IR_TEXT, read_text},    {S("output_text"), IR_TEXT, read_text},
    {S("text"), IR_TEXT, read_text},          {S("refusal"), IR_REFUSAL, read_refusal},
    {S("input_image"), IR_IMAGE, read_image}, {S("input_file"), IR_FILE, read_file},
    {S("input_audio"), IR_AUDIO, read_audio},
};

static enum err read_part(struct reading_part *x, struct ir_part **list)
{
    static const char *const known[] = {"type",
                                        "text",
                                        "annotations",
                                        "logprobs",
                                        "refusal",
                                        "detail",
                                        "file_id",
                                        "image_url",
                                        "filename",
                                        "file_data",
                                        "file_url",
                                        "input_audio",
                                        "prompt_cache_breakpoint",
                                        NULL};
    struct str type = codec_text(x->v, "type");
    for (size_t i = 0; i < countof(part_types); i++) {
        if (!str_eq(type, part_types[i].type))
            continue;
        x->p = ir_add_part(x->q->a, list, part_types[i].kind);
        if (!x->p)
            return E_FULL;
        x->p->cache = read_cache(x->v);
        codec_note_unknown(x->q->a, x->q->r, x->v, known);
        return part_types[i].read(x);
    }
    return refuse_part(x, "a part of an unknown type");
}

/* A string, or a list of parts; *list gets them, *ret_last the last one. */
static enum err read_content(struct responses_reading *q, const struct json_val *content,
                             struct ir_part **list, struct ir_part **ret_last)
{
    struct reading_part x = {.q = q};
    if (json_type(content) == JSON_STRING) {
        *ret_last = ir_add_part(q->a, list, IR_TEXT);
        if (!*ret_last)
            return E_FULL;
        (*ret_last)->text = json_str(content);
        return E_OK;
    }
    if (json_type(content) != JSON_ARRAY)
        return codec_refuse(q->a, q->ret_why, "input[%zu]: content is not a string or a list", q->item);
    for (struct json_iter it = json_iter(content); json_next(&it); x.i++) {
        x.v = it.val;
        enum err e = read_part(&x, list);
        if (e != E_OK)
            return e;
        *ret_last = x.p;
        list = &x.p->next;
    }
    return E_OK;
}

/* ---- items ---- */

/* Where the assistant's next part goes; NULL past the cap. */
static struct ir_part **turn_end(struct responses_reading *q)
{
    if (!q->turn) {
        q->turn = ir_add_message(q->a, q->r, IR_ASSISTANT);
        q->last = NULL;
    }
    if (!q->turn)
        return NULL;
    return q->last ? &q->last->next : &q->turn->parts;
}

static struct ir_part *add_to_turn(struct responses_reading *q, enum ir_kind kind)
{
    struct ir_part **end = turn_end(q);
    return end ? q->last = ir_add_part(q->a, end, kind) : NULL;
}

static bool read_role(struct str word, enum ir_role *ret)
{
    static const struct {
        struct str word;
        enum ir_role role;
    } roles[] = {{S("user"), IR_USER},
                 {S("assistant"), IR_ASSISTANT},
                 {S("system"), IR_SYSTEM},
                 {S("developer"), IR_DEVELOPER}};
    for (size_t i = 0; i < countof(roles); i++)
        if (str_eq(word, roles[i].word)) {
            *ret = roles[i].role;
            return true;
        }
    return false;
}

static enum err read_message(struct responses_reading *q, const struct json_val *v)
{
    static const char *const known[] = {"type", "role", "content", "id", "status", NULL};
    const struct json_val *content = json_get(v, "content");
    enum ir_role role;
    struct ir_part *last = NULL;
    if (!read_role(codec_text(v, "role"), &role))
        return codec_refuse(q->a, q->ret_why,
                            "input[%zu]: the role is not user, assistant, system or developer", q->item);
    codec_note_unknown(q->a, q->r, v, known);
    if (json_type(content) == JSON_ARRAY && json_count(content) == 0)
        return E_OK;
    if (role == IR_ASSISTANT) {
        struct ir_part **end = turn_end(q);
        return end ? read_content(q, content, end, &q->last) : E_FULL;
    }
    q->turn = NULL;
    struct ir_message *m = ir_add_message(q->a, q->r, role);
    return m ? read_content(q, content, &m->parts, &last) : E_FULL;
}

static enum err read_call(struct responses_reading *q, const struct json_val *v)
{
    static const char *const known[] = {"type", "call_id", "name", "arguments", "id", "status", NULL};
    struct str id = codec_text(v, "call_id"), name = codec_text(v, "name");
    struct str arguments = str_trim(codec_text(v, "arguments"));
    if (!id.p || !name.p)
        return codec_refuse(q->a, q->ret_why, "input[%zu]: a function call without call_id or name", q->item);
    struct ir_part *p = add_to_turn(q, IR_TOOL_CALL);
    if (!p)
        return E_FULL;
    p->id = id;
    p->name = name;
    p->arguments = arguments.n ? arguments : STR("{}");
    codec_note_unknown(q->a, q->r, v, known);
    return E_OK;
}

static enum err read_call_output(struct responses_reading *q, const struct json_val *v)
{
    static const char *const known[] = {"type", "call_id", "output", "id", "status", NULL};
    const struct json_val *output = json_get(v, "output");
    struct ir_part *last = NULL;
    q->turn = NULL;
    struct ir_message *m = ir_add_message(q->a, q->r, IR_TOOL);
    struct ir_part *p = m ? ir_add_part(q->a, &m->parts, IR_TOOL_RESULT) : NULL;
    if (!p)
        return E_FULL;
    p->id = codec_text(v, "call_id");
    /* how our writer says that the tool failed; the dialect has no other word */
    p->is_error = str_eq(codec_text(v, "status"), STR("incomplete"));
    codec_note_unknown(q->a, q->r, v, known);
    if (!p->id.p)
        return codec_refuse(q->a, q->ret_why, "input[%zu]: an output without call_id", q->item);
    if (json_type(output) == JSON_STRING && json_str(output).n == 0)
        return E_OK;
    return read_content(q, output, &p->parts, &last);
}

static enum err read_reasoning(struct responses_reading *q, const struct json_val *v)
{
    static const char *const known[] = {"type",    "id",     "summary", "encrypted_content",
                                        "content", "status", NULL};
    struct str signature = codec_text(v, "encrypted_content"), text = responses_thoughts(q->a, v);
    if (!text.p)
        return E_FULL;
    if (str_starts(signature, STR(RESPONSES_OF_LAST)) && q->turn && q->last) {
        q->last->signature = str_from(signature, sizeof(RESPONSES_OF_LAST) - 1);
        return E_OK;
    }
    if (!text.n && !signature.n) { /* an id of something that the provider keeps */
        note(q, STR("item_reference"));
        return E_OK;
    }
    struct ir_part *p = add_to_turn(q, IR_THINKING);
    if (!p)
        return E_FULL;
    p->id = responses_thought_id(v);
    p->text = text;
    p->signature = signature.n ? signature : str_of(NULL, 0);
    p->redacted = responses_is_redacted(v, text);
    codec_note_unknown(q->a, q->r, v, known);
    return E_OK;
}

static enum err read_picture(struct responses_reading *q, const struct json_val *v)
{
    struct ir_media m = responses_picture(q->a, v);
    if (!m.data.p) {
        note(q, STR("item_reference"));
        return E_OK;
    }
    struct ir_part *p = add_to_turn(q, IR_IMAGE);
    if (!p)
        return E_FULL;
    p->media = m;
    return E_OK;
}

/* Something that the provider keeps, by its id. */
static enum err read_reference(struct responses_reading *q, const struct json_val *v)
{
    (void)v;
    note(q, STR("item_reference"));
    return E_OK;
}

/* A tool that the provider runs itself, or its output: the assistant's, as far as others are concerned. */
static enum err read_raw(struct responses_reading *q, const struct json_val *v)
{
    struct ir_part *p = add_to_turn(q, IR_RAW);
    if (!p)
        return E_FULL;
    p->raw = codec_raw(q->a, v);
    p->raw_dialect = D_OPENAI_RESPONSES;
    return p->raw.p ? E_OK : E_FULL;
}

static enum err read_item(struct responses_reading *q, const struct json_val *v)
{
    static const struct {
        struct str type;
        enum err (*read)(struct responses_reading *q, const struct json_val *v);
    } types[] = {
        {S("message"), read_message},
        {S("function_call"), read_call},
        {S("function_call_output"), read_call_output},
        {S("reasoning"), read_reasoning},
        {S("image_generation_call"), read_picture},
        {S("item_reference"), read_reference},
    };
    struct str type = codec_text(v, "type");
    if (json_type(v) != JSON_OBJECT)
        return codec_refuse(q->a, q->ret_why, "input[%zu] is not an object", q->item);
    for (size_t i = 0; i < countof(types); i++)
        if (str_eq(type, types[i].type))
            return types[i].read(q, v);
    if (type.p)
        return read_raw(q, v);
    return json_get(v, "role") || !json_get(v, "id") ? read_message(q, v) : read_reference(q, v);
}

static enum err read_input(struct responses_reading *q, const struct json_val *input)
{
    if (json_type(input) == JSON_STRING) {
        struct ir_message *m = ir_add_message(q->a, q->r, IR_USER);
        struct ir_part *last;
        return m ? read_content(q, input, &m->parts, &last) : E_FULL;
    }
    if (json_type(input) != JSON_ARRAY)
        return codec_refuse(q->a, q->ret_why, "input is not a string or a list");
    for (struct json_iter it = json_iter(input); json_next(&it); q->item++) {
        enum err e = read_item(q, it.val);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

static enum err read_instructions(struct responses_reading *q, const struct json_val *v)
{
    struct ir_part *last;
    if (json_type(v) == JSON_NONE || json_type(v) == JSON_NULL)
        return E_OK;
    if (json_type(v) != JSON_STRING)
        return codec_refuse(q->a, q->ret_why, "instructions is not a string");
    struct ir_message *m = ir_add_message(q->a, q->r, IR_SYSTEM);
    return m ? read_content(q, v, &m->parts, &last) : E_FULL;
}

/* ---- all of it ---- */

/* Members that stand for a part of the prompt which is at OpenAI, and which nobody else can be told. */
static enum err refuse_stored(struct responses_reading *q, const struct json_val *root)
{
    static const char *const members[] = {"previous_response_id", "conversation", "prompt"};
    for (size_t i = 0; i < countof(members); i++) {
        enum json_type type = json_type(json_get(root, members[i]));
        if (type != JSON_NONE && type != JSON_NULL)
            return codec_refuse(q->a, q->ret_why,
                                "%s refers to text that is stored at OpenAI, and the request goes to another "
                                "provider's API: send the whole conversation in input",
                                members[i]);
    }
    return E_OK;
}

static enum err read_root(struct responses_reading *q, const struct json_val *root)
{
    enum err e = refuse_stored(q, root);
    if (e == E_OK)
        e = read_instructions(q, json_get(root, "instructions"));
    if (e == E_OK)
        e = read_input(q, json_get(root, "input"));
    if (e == E_OK)
        e = responses_read_settings(q, root);
    ir_link_results(q->r);
    return e;
}

enum err responses_read_request(struct arena *a, struct str body, struct str path, struct ir_request *ret,
                                struct str *ret_why)
{
    struct responses_reading q = {.a = a, .r = ret, .ret_why = ret_why};
    (void)path;
    enum err e = codec_read_body(a, body, ret, ret_why);
    return e == E_OK ? read_root(&q, json_root(ret->doc)) : e;
}
