/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An Anthropic request, and the content blocks of requests and whole answers, read into the neutral form.
 * Blocks of a kind that the neutral form has no word for (tools that the provider ran itself, and their
 * results) are kept raw, for this dialect alone. Numbers are read as text, so that they stay as they were.
 */
#include "providers/codec_anthropic.h"

#include <stdio.h>

/* A value's text; p == NULL: there is no value. */
static enum err read_raw(struct arena *a, const struct json_val *v, struct str *ret)
{
    *ret = codec_raw(a, v);
    return ret->p || json_type(v) == JSON_NONE ? E_OK : E_FULL;
}

static enum ir_cache read_cache(const struct json_val *holder)
{
    const struct json_val *v = json_get(holder, "cache_control");
    if (json_type(v) != JSON_OBJECT)
        return IR_CACHE_NONE;
    return str_eq(codec_text(v, "ttl"), STR("1h")) ? IR_CACHE_1H : IR_CACHE_5M;
}

/* ---- content blocks -------------------------------------------------------------------------------- */

/* A block being read. */
struct reading {
    struct arena *a;
    const struct json_val *v;
    struct ir_part **parts, **results; /* the ends of the lists */
    struct ir_part *before;            /* the last of parts; NULL: there is none */
    const char *at;
    struct str *ret_why;
};

static enum err put_raw(const struct reading *b)
{
    struct ir_part *p = ir_add_part(b->a, b->parts, IR_RAW);
    if (!p)
        return E_FULL;
    p->raw = codec_raw(b->a, b->v);
    p->raw_dialect = D_ANTHROPIC;
    return p->raw.p ? E_OK : E_FULL;
}

/* Which of url, document and file a citation has depends on its type; all have title and quote. */
enum err anthropic_read_citation(struct arena *a, const struct json_val *v, struct ir_citation *ret)
{
    struct str title = codec_text(v, "title"), source = codec_text(v, "source"),
               quote = codec_text(v, "cited_text");
    const struct json_val *index = json_get(v, "document_index");
    *ret = (struct ir_citation){.url = codec_text(v, "url"),
                                .title = title.p ? title : codec_text(v, "document_title"),
                                .quote = quote.n ? quote : str_of(NULL, 0), /* it has to be there */
                                .file_id = codec_text(v, "file_id"),
                                .document = source,
                                .start = -1,
                                .end = -1,
                                .raw = codec_raw(a, v),
                                .raw_dialect = D_ANTHROPIC};
    if (!ret->raw.p)
        return E_FULL;
    return source.p ? E_OK : read_raw(a, index, &ret->document);
}

static enum err read_citations(struct arena *a, const struct json_val *list, struct ir_citation **at)
{
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct ir_citation *c = arena_new(a, struct ir_citation);
        if (!c || anthropic_read_citation(a, it.val, c) != E_OK)
            return E_FULL;
        *at = c;
        at = &c->next;
    }
    return E_OK;
}

static enum err read_text(const struct reading *b)
{
    struct ir_part *p = ir_add_part(b->a, b->parts, IR_TEXT);
    if (!p)
        return E_FULL;
    p->text = codec_text(b->v, "text");
    if (!p->text.p)
        return codec_refuse(b->a, b->ret_why, "%s: a text block without text", b->at);
    p->cache = read_cache(b->v);
    const struct json_val *citations = json_get(b->v, "citations");
    return json_type(citations) == JSON_ARRAY ? read_citations(b->a, citations, &p->citations) : E_OK;
}

/* The texts of a list of blocks, with line breaks between them. */
static struct str join_texts(struct arena *a, const struct json_val *blocks, struct str first)
{
    struct ir_strs texts = {NULL, 0};
    if (first.n && !ir_add_str(a, &texts, first))
        return str_of(NULL, 0);
    for (struct json_iter it = json_iter(blocks); json_next(&it);) {
        struct str text = codec_text(it.val, "text");
        if (!text.p)
            continue;
        if ((texts.n && !ir_add_str(a, &texts, STR("\n"))) || !ir_add_str(a, &texts, text))
            return str_of(NULL, 0);
    }
    return arena_join(a, texts.v, texts.n);
}

/* source of an image or a document: base64, url, file, text, content. */
static enum err read_source(const struct reading *b, struct ir_media *m)
{
    const struct json_val *source = json_get(b->v, "source"), *content = json_get(source, "content");
    struct str type = codec_text(source, "type");
    m->mime = ir_media_type(codec_text(source, "media_type"));
    if (str_eq(type, STR("base64")))
        m->data = codec_text(source, "data");
    else if (str_eq(type, STR("text")))
        m->text = codec_text(source, "data");
    else if (str_eq(type, STR("url")))
        m->url = codec_text(source, "url");
    else if (str_eq(type, STR("file")))
        m->file_id = codec_text(source, "file_id");
    else if (str_eq(type, STR("content")))
        m->text = json_type(content) == JSON_STRING ? json_str(content)
                                                    : join_texts(b->a, content, str_of(NULL, 0));
    if (m->data.p || m->text.p || m->url.p || m->file_id.p)
        return E_OK;
    if (json_type(content) == JSON_ARRAY)
        return E_FULL;
    return codec_refuse(b->a, b->ret_why, "%s: a source of an unknown type", b->at);
}

static enum err read_image(const struct reading *b)
{
    struct ir_part *p = ir_add_part(b->a, b->parts, IR_IMAGE);
    if (!p)
        return E_FULL;
    p->cache = read_cache(b->v);
    return read_source(b, &p->media);
}

static enum err read_document(const struct reading *b)
{
    struct ir_part *p = ir_add_part(b->a, b->parts, IR_FILE);
    if (!p)
        return E_FULL;
    p->cache = read_cache(b->v);
    p->media.name = codec_text(b->v, "title");
    enum err e = read_source(b, &p->media);
    if (e == E_OK && p->media.text.p)
        p->media.mime = STR("text/plain");
    else if (e == E_OK && p->media.url.p && !p->media.mime.p)
        p->media.mime = STR("application/pdf"); /* nothing else is fetched */
    return e;
}

/* What a client found itself: a document whose first line says where it is from. */
static enum err read_search_result(const struct reading *b)
{
    struct ir_part *p = ir_add_part(b->a, b->parts, IR_FILE);
    if (!p)
        return E_FULL;
    p->cache = read_cache(b->v);
    p->media.name = codec_text(b->v, "title");
    p->media.mime = STR("text/plain");
    p->media.text = join_texts(b->a, json_get(b->v, "content"), codec_text(b->v, "source"));
    return p->media.text.p ? E_OK : E_FULL;
}

static enum err read_call(const struct reading *b)
{
    struct ir_part *p = ir_add_part(b->a, b->parts, IR_TOOL_CALL);
    if (!p)
        return E_FULL;
    const struct json_val *input = json_get(b->v, "input");
    p->id = codec_text(b->v, "id");
    p->name = codec_text(b->v, "name");
    p->cache = read_cache(b->v);
    if (!p->id.p || !p->name.p)
        return codec_refuse(b->a, b->ret_why, "%s: a tool_use block without id or name", b->at);
    p->arguments = json_type(input) == JSON_OBJECT ? codec_raw(b->a, input) : STR("{}");
    return p->arguments.p ? E_OK : E_FULL;
}

static enum err read_result(const struct reading *b)
{
    struct ir_part *p = ir_add_part(b->a, b->results, IR_TOOL_RESULT);
    if (!p)
        return E_FULL;
    const struct json_val *content = json_get(b->v, "content");
    p->id = codec_text(b->v, "tool_use_id");
    p->is_error = json_bool(json_get(b->v, "is_error"), false);
    p->cache = read_cache(b->v);
    if (!p->id.p)
        return codec_refuse(b->a, b->ret_why, "%s: a tool_result block without tool_use_id", b->at);
    return anthropic_read_blocks(b->a, content, &p->parts, &p->parts, b->at, b->ret_why);
}

/* The text of a thinking block that another dialect's signature travels in (codec_anthropic.h). */
static enum err read_signed(const struct reading *b, bool redacted, struct str text, struct str signature)
{
    struct str id = {NULL, 0};
    if (anthropic_untag(signature, &id, &signature) && !id.n && b->before) {
        b->before->signature = signature;
        return E_OK;
    }
    struct ir_part *p = ir_add_part(b->a, b->parts, IR_THINKING);
    if (!p)
        return E_FULL;
    p->text = text;
    p->id = id.n ? id : str_of(NULL, 0);
    p->signature = signature;
    p->redacted = redacted;
    return E_OK;
}

static enum err read_thinking(const struct reading *b)
{
    return read_signed(b, false, codec_text(b->v, "thinking"), codec_text(b->v, "signature"));
}

static enum err read_redacted(const struct reading *b)
{
    if (!codec_text(b->v, "data").n)
        return codec_refuse(b->a, b->ret_why, "%s: a redacted_thinking block without data", b->at);
    return read_signed(b, true, str_of(NULL, 0), codec_text(b->v, "data"));
}

static enum err read_block(const struct reading *b)
{
    static const struct {
        struct str type;
        enum err (*read)(const struct reading *b);
        bool in_answers;
    } kinds[] = {
        {S("text"), read_text, true},           {S("tool_use"), read_call, true},
        {S("thinking"), read_thinking, true},   {S("redacted_thinking"), read_redacted, true},
        {S("tool_result"), read_result, false}, {S("image"), read_image, false},
        {S("document"), read_document, false},  {S("search_result"), read_search_result, false},
    };
    struct str type = codec_text(b->v, "type");
    if (!type.n)
        return codec_refuse(b->a, b->ret_why, "%s: a content block without type", b->at);
    for (size_t i = 0; i < countof(kinds); i++)
        if (str_eq(type, kinds[i].type) && (kinds[i].in_answers || b->results))
            return kinds[i].read(b);
    return put_raw(b);
}

static enum err read_list(struct arena *a, const struct json_val *blocks, struct ir_part **parts,
                          struct ir_part **results, const char *at, struct str *ret_why)
{
    struct reading b = {.a = a, .parts = parts, .results = results, .at = at, .ret_why = ret_why};
    bool apart = results && parts != results;
    enum err e = E_OK;
    for (struct json_iter it = json_iter(blocks); e == E_OK && json_next(&it);) {
        b.v = it.val;
        e = read_block(&b);
        if (e == E_OK && *b.parts) {
            b.before = *b.parts;
            b.parts = &b.before->next;
        }
        if (apart && *b.results)
            b.results = &(*b.results)->next;
        else if (results == parts)
            b.results = b.parts;
    }
    return e;
}

enum err anthropic_read_blocks(struct arena *a, const struct json_val *blocks, struct ir_part **parts,
                               struct ir_part **results, const char *at, struct str *ret_why)
{
    struct ir_part *p;
    switch (json_type(blocks)) {
    case JSON_STRING:
        p = ir_add_part(a, parts, IR_TEXT);
        if (p)
            p->text = json_str(blocks);
        return p ? E_OK : E_FULL;
    case JSON_NONE:
    case JSON_NULL: return E_OK;
    case JSON_ARRAY: break;
    default: return codec_refuse(a, ret_why, "%s: content is a string or a list of blocks", at);
    }
    return read_list(a, blocks, parts, results, at, ret_why);
}

/* ---- messages -------------------------------------------------------------------------------------- */

/* What the neutral form has no place for, although its block has one. */
static void note_documents(struct arena *a, struct ir_request *r, const struct json_val *blocks)
{
    if (json_type(blocks) != JSON_ARRAY)
        return;
    for (struct json_iter it = json_iter(blocks); json_next(&it);) {
        struct str type = codec_text(it.val, "type");
        if (!str_eq(type, STR("document")) && !str_eq(type, STR("search_result")))
            continue;
        if (json_bool(json_get(json_get(it.val, "citations"), "enabled"), false))
            ir_drop(a, r, STR("citations"));
        if (codec_text(it.val, "context").n)
            ir_drop(a, r, STR("document.context"));
    }
}

/* Tool results are a turn of their own, before what the user says in the same message. */
static enum err read_user(struct arena *a, struct ir_request *r, const struct json_val *content,
                          const char *at, struct str *ret_why)
{
    struct ir_part *parts = NULL, *results = NULL;
    enum err e = anthropic_read_blocks(a, content, &parts, &results, at, ret_why);
    struct ir_message *m;
    if (e == E_OK && results) {
        m = ir_add_message(a, r, IR_TOOL);
        if (!m)
            return E_FULL;
        m->parts = results;
    }
    if (e == E_OK && (parts || !results)) {
        m = ir_add_message(a, r, IR_USER);
        if (!m)
            return E_FULL;
        m->parts = parts;
    }
    note_documents(a, r, content);
    return e;
}

static enum err read_other(struct arena *a, struct ir_request *r, enum ir_role role,
                           const struct json_val *content, const char *at, struct str *ret_why)
{
    struct ir_message *m = ir_add_message(a, r, role);
    if (!m)
        return E_FULL;
    return anthropic_read_blocks(a, content, &m->parts, &m->parts, at, ret_why);
}

static enum err read_message(struct arena *a, struct ir_request *r, const struct json_val *v, const char *at,
                             struct str *ret_why)
{
    const struct json_val *content = json_get(v, "content");
    struct str role = codec_text(v, "role");
    if (json_type(content) != JSON_STRING && json_type(content) != JSON_ARRAY)
        return codec_refuse(a, ret_why, "%s: content is a string or a list of blocks", at);
    if (str_eq(role, STR("user")))
        return read_user(a, r, content, at, ret_why);
    if (str_eq(role, STR("assistant")))
        return read_other(a, r, IR_ASSISTANT, content, at, ret_why);
    if (str_eq(role, STR("system")))
        return read_other(a, r, IR_SYSTEM, content, at, ret_why);
    return codec_refuse(a, ret_why, "%s: role is user, assistant or system", at);
}

/* The top-level cache_control stands for one at the last block that can have it. */
static void mark_last(struct ir_request *r, enum ir_cache cache)
{
    struct ir_part *last = NULL;
    for (struct ir_message *m = r->messages; m; m = m->next)
        for (struct ir_part *p = m->parts; p; p = p->next)
            if (p->kind != IR_THINKING && p->kind != IR_RAW)
                last = p;
    if (last && last->cache == IR_CACHE_NONE)
        last->cache = cache;
}

static enum err read_messages(struct arena *a, struct ir_request *r, const struct json_val *root,
                              struct str *ret_why)
{
    const struct json_val *system = json_get(root, "system"), *list = json_get(root, "messages");
    if (json_type(list) != JSON_ARRAY || json_count(list) == 0)
        return codec_refuse(a, ret_why, "messages: at least one is required");
    enum err e = E_OK;
    if (json_type(system) != JSON_NONE && json_type(system) != JSON_NULL)
        e = read_other(a, r, IR_SYSTEM, system, "system", ret_why);
    unsigned i = 0;
    for (struct json_iter it = json_iter(list); e == E_OK && json_next(&it); i++) {
        char at[32];
        snprintf(at, sizeof(at), "messages.%u", i);
        e = read_message(a, r, it.val, at, ret_why);
    }
    mark_last(r, read_cache(root));
    return e;
}

/* ---- tools ----------------------------------------------------------------------------------------- */

static enum err read_tool(struct arena *a, struct ir_request *r, const struct json_val *v,
                          struct str *ret_why)
{
    static const char *const known[] = {"type",   "name",          "description", "input_schema",
                                        "strict", "cache_control", NULL};
    struct str type = codec_text(v, "type");
    struct ir_tool *t = ir_add_tool(a, r);
    if (!t)
        return E_FULL;
    t->cache = read_cache(v);
    if (type.n && !str_eq(type, STR("custom"))) {
        t->name = type;
        t->raw = codec_raw(a, v);
        t->raw_dialect = D_ANTHROPIC;
        return t->raw.p ? E_OK : E_FULL;
    }
    t->name = codec_text(v, "name");
    t->description = codec_text(v, "description");
    t->strict = codec_bool(v, "strict");
    codec_note_unknown(a, r, v, known);
    if (!t->name.n)
        return codec_refuse(a, ret_why, "tools: a tool without a name");
    return read_raw(a, json_get(v, "input_schema"), &t->schema);
}

static enum err read_tools(struct arena *a, struct ir_request *r, const struct json_val *root,
                           struct str *ret_why)
{
    enum err e = E_OK;
    for (struct json_iter it = json_iter(json_get(root, "tools")); e == E_OK && json_next(&it);)
        e = read_tool(a, r, it.val, ret_why);
    return e;
}

static enum err read_choice(struct arena *a, struct ir_request *r, const struct json_val *v,
                            struct str *ret_why)
{
    static const struct {
        struct str type;
        enum ir_choice choice;
    } choices[] = {{S("auto"), IR_CHOICE_AUTO},
                   {S("any"), IR_CHOICE_REQUIRED},
                   {S("tool"), IR_CHOICE_NAMED},
                   {S("none"), IR_CHOICE_NONE}};
    if (json_type(v) != JSON_OBJECT)
        return E_OK;
    struct str type = codec_text(v, "type");
    for (size_t i = 0; i < countof(choices); i++)
        if (str_eq(type, choices[i].type))
            r->choice = choices[i].choice;
    int alone = codec_bool(v, "disable_parallel_tool_use");
    r->parallel_tools = alone < 0 ? -1 : !alone;
    r->choice_name = codec_text(v, "name");
    if (r->choice == IR_CHOICE_UNSET || (r->choice == IR_CHOICE_NAMED && !r->choice_name.n))
        return codec_refuse(a, ret_why, "tool_choice: type is auto, any, none, or tool with a name");
    return E_OK;
}

/* ---- everything else ------------------------------------------------------------------------------- */

static enum err read_thinking_config(struct arena *a, struct ir_request *r, const struct json_val *v,
                                     struct str *ret_why)
{
    struct str type = codec_text(v, "type"), display = codec_text(v, "display");
    if (json_type(v) != JSON_OBJECT)
        return E_OK;
    if (display.p)
        r->thinking_shown = !str_eq(display, STR("omitted"));
    if (str_eq(type, STR("enabled")))
        r->thinking_budget = codec_int(json_get(v, "budget_tokens"));
    else if (str_eq(type, STR("adaptive")))
        r->thinking_budget = -2;
    else if (!str_eq(type, STR("disabled")) && !str_eq(type, STR("between_tools")))
        return codec_refuse(a, ret_why, "thinking: type is enabled, adaptive or disabled");
    r->thinking = str_eq(type, STR("enabled")) || str_eq(type, STR("adaptive"));
    return E_OK;
}

static enum err read_output(struct arena *a, struct ir_request *r, const struct json_val *root,
                            struct str *ret_why)
{
    static const char *const known[] = {"effort", "format", NULL};
    const struct json_val *config = json_get(root, "output_config"), *format = json_get(config, "format");
    struct str effort = codec_text(config, "effort");
    r->effort = str_eq(effort, STR("max")) ? STR("xhigh") : effort;
    if (json_type(format) != JSON_OBJECT)
        format = json_get(root, "output_format"); /* its name in the beta */
    codec_note_unknown(a, r, config, known);
    if (json_type(format) != JSON_OBJECT)
        return E_OK;
    r->format = IR_FORMAT_SCHEMA;
    enum err e = read_raw(a, json_get(format, "schema"), &r->format_schema);
    if (e != E_OK)
        return e;
    bool schema = str_eq(codec_text(format, "type"), STR("json_schema")) && r->format_schema.p;
    return schema ? E_OK
                  : codec_refuse(a, ret_why, "output_config.format: type is json_schema, with a schema");
}

static enum err read_stop(struct arena *a, struct ir_request *r, const struct json_val *list)
{
    for (struct json_iter it = json_iter(list); json_next(&it);)
        if (json_str(it.val).p && !ir_add_str(a, &r->stop, json_str(it.val)))
            return E_FULL;
    return E_OK;
}

static enum err read_rest(struct arena *a, struct ir_request *r, const struct json_val *root,
                          struct str *ret_why)
{
    static const char *const known[] = {
        "model",  "max_tokens", "messages",      "system",        "tools",          "tool_choice",
        "stream", "thinking",   "output_config", "output_format", "temperature",    "top_p",
        "top_k",  "metadata",   "service_tier",  "cache_control", "stop_sequences", NULL};
    static const char *const in_metadata[] = {"user_id", NULL};
    struct str tier = codec_text(root, "service_tier");
    r->model = codec_text(root, "model");
    r->stream = json_bool(json_get(root, "stream"), false);
    r->stream_usage = true; /* always there */
    r->max_tokens = codec_int(json_get(root, "max_tokens"));
    r->temperature = json_number(json_get(root, "temperature"));
    r->top_p = json_number(json_get(root, "top_p"));
    r->top_k = json_number(json_get(root, "top_k"));
    r->user = codec_text(json_get(root, "metadata"), "user_id");
    r->service_tier = str_eq(tier, STR("standard_only")) ? STR("default") : tier;
    codec_note_unknown(a, r, root, known);
    codec_note_unknown(a, r, json_get(root, "metadata"), in_metadata);
    enum err e = read_stop(a, r, json_get(root, "stop_sequences"));
    if (e == E_OK)
        e = read_output(a, r, root, ret_why);
    if (e == E_OK)
        e = read_choice(a, r, json_get(root, "tool_choice"), ret_why);
    return e == E_OK ? read_thinking_config(a, r, json_get(root, "thinking"), ret_why) : e;
}

enum err anthropic_read_request(struct arena *a, struct str body, struct str path, struct ir_request *ret,
                                struct str *ret_why)
{
    (void)path; /* says nothing that the body does not */
    enum err e = codec_read_body(a, body, ret, ret_why);
    const struct json_val *root = json_root(ret->doc);
    if (e == E_OK)
        e = read_rest(a, ret, root, ret_why);
    if (e == E_OK)
        e = read_messages(a, ret, root, ret_why);
    if (e == E_OK)
        e = read_tools(a, ret, root, ret_why);
    if (e == E_OK)
        ir_link_results(ret);
    return e;
}
