/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Converse request, and the content blocks of requests and whole answers, read into the neutral form. A
 * block is an object with one member, whose name is its kind. Blocks of a kind that the neutral form has no
 * word for are kept raw, for this dialect alone. Numbers are read as text, so that they stay as they were.
 */
#include "providers/codec_bedrock.h"

#include <stdio.h>

static void note(struct bedrock_blocks *b, struct str name)
{
    if (b->r)
        ir_drop(b->a, b->r, name);
}

/* ---- content blocks -------------------------------------------------------------------------------- */

/* Where the next block goes; `last` is kept for what stands behind a block. */
struct reading {
    struct bedrock_blocks *b;
    const struct json_val *block, *v; /* {"kind": v} */
    struct ir_part **parts, **results;
    struct ir_part *last;
};

static struct ir_part *add(struct reading *d, enum ir_kind kind)
{
    struct ir_part ***end = kind == IR_TOOL_RESULT ? &d->results : &d->parts;
    struct ir_part *p = ir_add_part(d->b->a, *end, kind);
    if (!p)
        return NULL;
    *end = &p->next;
    return d->last = p;
}

static enum err add_raw(struct reading *d)
{
    struct ir_part *p = add(d, IR_RAW);
    if (!p)
        return E_FULL;
    p->raw = codec_raw(d->b->a, d->block);
    p->raw_dialect = D_BEDROCK_CONVERSE;
    return p->raw.p ? E_OK : E_FULL;
}

static enum err add_text(struct reading *d, struct str text)
{
    struct ir_part *p = add(d, IR_TEXT);
    if (!p)
        return E_FULL;
    p->text = text;
    return text.p ? E_OK : codec_refuse(d->b->a, d->b->ret_why, "%s: a text that is none", d->b->at);
}

static enum err read_text(struct reading *d)
{
    return add_text(d, json_str(d->v));
}

/* The texts of a list of blocks {"text": ...} in one. p == NULL past the cap. */
static struct str join_texts(struct arena *a, const struct json_val *list)
{
    struct ir_strs texts = {NULL, 0};
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct str text = codec_text(it.val, "text");
        if (text.p && !ir_add_str(a, &texts, text))
            return str_of(NULL, 0);
    }
    return texts.n == 1 ? texts.v[0] : arena_join(a, texts.v, texts.n);
}

static enum err read_source(struct reading *d, struct ir_media *m)
{
    const struct json_val *source = json_get(d->v, "source"), *s3 = json_get(source, "s3Location");
    m->data = codec_text(source, "bytes");
    if (!m->data.p)
        m->url = codec_text(s3, "uri");
    if (codec_text(s3, "bucketOwner").p)
        note(d->b, STR("s3Location.bucketOwner"));
    if (!m->data.p && !m->url.p)
        m->text = codec_text(source, "text");
    if (json_type(json_get(source, "content")) == JSON_ARRAY)
        m->text = join_texts(d->b->a, json_get(source, "content"));
    if (m->data.p || m->url.p || m->text.p)
        return E_OK;
    return codec_refuse(d->b->a, d->b->ret_why, "%s: a source of an unknown kind", d->b->at);
}

static enum err read_media(struct reading *d, enum ir_kind kind)
{
    struct ir_part *p = add(d, kind);
    if (!p)
        return E_FULL;
    p->media.mime = bedrock_mime(kind, codec_text(d->v, "format"));
    if (codec_text(d->v, "context").n)
        note(d->b, STR("document.context"));
    if (json_bool(json_get(json_get(d->v, "citations"), "enabled"), false))
        note(d->b, STR("document.citations"));
    if (kind == IR_FILE)
        p->media.name = codec_text(d->v, "name");
    enum err e = read_source(d, &p->media);
    if (e == E_OK && kind == IR_FILE && p->media.text.p && !p->media.mime.p)
        p->media.mime = STR("text/plain");
    return e;
}

static enum err read_image(struct reading *d)
{
    return read_media(d, IR_IMAGE);
}
static enum err read_audio(struct reading *d)
{
    return read_media(d, IR_AUDIO);
}
static enum err read_video(struct reading *d)
{
    return read_media(d, IR_VIDEO);
}
static enum err read_document(struct reading *d)
{
    return read_media(d, IR_FILE);
}

/* What a client found itself: a document. */
static enum err read_search_result(struct reading *d)
{
    struct ir_part *p = add(d, IR_FILE);
    if (!p)
        return E_FULL;
    p->media.mime = STR("text/plain");
    p->media.name = codec_text(d->v, "title");
    p->media.text = join_texts(d->b->a, json_get(d->v, "content"));
    note(d->b, STR("searchResult.source"));
    return p->media.text.p ? E_OK : E_FULL;
}

/* Marked for a guardrail, which is not told of it; the content is content. */
static enum err read_guarded(struct reading *d)
{
    const struct json_val *text = json_get(d->v, "text"), *image = json_get(d->v, "image");
    note(d->b, STR("guardContent"));
    if (image) {
        d->v = image;
        return read_image(d);
    }
    return add_text(d, codec_text(text, "text"));
}

static enum err read_call(struct reading *d)
{
    if (codec_text(d->v, "type").p) /* a tool that the provider runs */
        return add_raw(d);
    const struct json_val *input = json_get(d->v, "input");
    struct ir_part *p = add(d, IR_TOOL_CALL);
    if (!p)
        return E_FULL;
    p->id = codec_text(d->v, "toolUseId");
    p->name = codec_text(d->v, "name");
    if (!p->id.p || !p->name.p)
        return codec_refuse(d->b->a, d->b->ret_why, "%s: a toolUse without toolUseId or name", d->b->at);
    p->arguments = json_type(input) == JSON_OBJECT ? codec_raw(d->b->a, input) : STR("{}");
    return p->arguments.p ? E_OK : E_FULL;
}

static enum err read_result(struct reading *d)
{
    if (!d->b->user || codec_text(d->v, "type").p)
        return add_raw(d);
    struct ir_part *p = add(d, IR_TOOL_RESULT);
    if (!p)
        return E_FULL;
    p->id = codec_text(d->v, "toolUseId");
    p->is_error = str_eq(codec_text(d->v, "status"), STR("error"));
    if (!p->id.p)
        return codec_refuse(d->b->a, d->b->ret_why, "%s: a toolResult without toolUseId", d->b->at);
    struct bedrock_blocks inner = {.a = d->b->a, .r = d->b->r, .at = d->b->at, .ret_why = d->b->ret_why};
    enum err e = bedrock_read_blocks(&inner, json_get(d->v, "content"));
    p->parts = inner.parts;
    return e;
}

/* Inside of a tool's result. */
static enum err read_json(struct reading *d)
{
    struct str text = codec_raw(d->b->a, d->v);
    return text.p ? add_text(d, text) : E_FULL;
}

static enum err read_redacted(struct reading *d, struct str content)
{
    struct ir_part r;
    bool behind;
    enum err e = bedrock_read_redacted(d->b->a, content, &r, &behind);
    if (e != E_OK)
        return e;
    if (behind && d->last) {
        d->last->signature = r.signature;
        return E_OK;
    }
    struct ir_part *p = add(d, IR_THINKING);
    if (!p)
        return E_FULL;
    p->id = r.id;
    p->signature = r.signature;
    p->redacted = true;
    return E_OK;
}

static enum err read_reasoning(struct reading *d)
{
    const struct json_val *text = json_get(d->v, "reasoningText");
    struct str redacted = codec_text(d->v, "redactedContent"), id = {NULL, 0};
    if (redacted.p)
        return read_redacted(d, redacted);
    struct ir_part *p = add(d, IR_THINKING);
    if (!p)
        return E_FULL;
    p->text = codec_text(text, "text");
    p->signature = codec_text(text, "signature");
    if (anthropic_untag(p->signature, &id, &p->signature) && id.n)
        p->id = id;
    return E_OK;
}

/* {"text": {...}, ...} of a citation's location says which of the documents it is. */
static struct str document_of(struct arena *a, const struct json_val *location)
{
    static const char *const kinds[] = {"documentChar", "documentPage", "documentChunk"};
    for (size_t i = 0; i < countof(kinds); i++) {
        const struct json_val *v = json_get(json_get(location, kinds[i]), "documentIndex");
        if (v)
            return codec_raw(a, v);
    }
    return str_of(NULL, 0);
}

enum err bedrock_read_citation(struct arena *a, const struct json_val *v, struct ir_citation *ret)
{
    const struct json_val *location = json_get(v, "location"), *quoted = json_get(v, "sourceContent");
    struct str source = codec_text(v, "source"), url = codec_text(json_get(location, "web"), "url");
    *ret = (struct ir_citation){.url = url,
                                .title = codec_text(v, "title"),
                                .document = document_of(a, location),
                                .start = -1,
                                .end = -1,
                                .raw = codec_raw(a, v),
                                .raw_dialect = D_BEDROCK_CONVERSE};
    bool found = json_get(location, "searchResultLocation");
    if (!url.p && !found && str_has(source, STR("://")))
        ret->url = source;
    else if (!ret->document.p && source.n && !url.p)
        ret->document = source;
    if (json_count(quoted) && !(ret->quote = join_texts(a, quoted)).p)
        return E_FULL;
    return ret->raw.p ? E_OK : E_FULL;
}

static enum err read_cited(struct reading *d)
{
    enum err e = add_text(d, join_texts(d->b->a, json_get(d->v, "content")));
    struct ir_citation **at = e == E_OK ? &d->last->citations : NULL;
    for (struct json_iter it = json_iter(json_get(d->v, "citations")); e == E_OK && json_next(&it);) {
        struct ir_citation *c = arena_new(d->b->a, struct ir_citation);
        e = c ? bedrock_read_citation(d->b->a, it.val, c) : E_FULL;
        *at = c;
        at = c ? &c->next : at;
    }
    return e;
}

static enum err read_cache_point(struct reading *d)
{
    bool hour = str_eq(codec_text(d->v, "ttl"), STR("1h"));
    if (d->last)
        d->last->cache = hour ? IR_CACHE_1H : IR_CACHE_5M;
    else
        note(d->b, STR("cachePoint"));
    return E_OK;
}

static enum err read_block(struct reading *d)
{
    static const struct {
        struct str kind;
        enum err (*read)(struct reading *d);
    } kinds[] = {
        {S("text"), read_text},
        {S("toolUse"), read_call},
        {S("toolResult"), read_result},
        {S("reasoningContent"), read_reasoning},
        {S("cachePoint"), read_cache_point},
        {S("image"), read_image},
        {S("document"), read_document},
        {S("json"), read_json},
        {S("citationsContent"), read_cited},
        {S("guardContent"), read_guarded},
        {S("searchResult"), read_search_result},
        {S("audio"), read_audio},
        {S("video"), read_video},
    };
    struct json_iter it = json_iter(d->block);
    if (json_type(d->block) != JSON_OBJECT || !json_next(&it))
        return codec_refuse(d->b->a, d->b->ret_why, "%s: a content block is an object", d->b->at);
    d->v = it.val;
    for (size_t i = 0; i < countof(kinds); i++)
        if (str_eq(it.key, kinds[i].kind))
            return kinds[i].read(d);
    return add_raw(d);
}

enum err bedrock_read_blocks(struct bedrock_blocks *b, const struct json_val *list)
{
    struct reading d = {.b = b, .parts = &b->parts, .results = &b->results};
    enum err e = E_OK;
    if (json_type(list) != JSON_ARRAY)
        return codec_refuse(b->a, b->ret_why, "%s: content is a list of blocks", b->at);
    for (struct json_iter it = json_iter(list); e == E_OK && json_next(&it);) {
        d.block = it.val;
        e = read_block(&d);
    }
    return e;
}

/* ---- messages -------------------------------------------------------------------------------------- */

static enum err put_message(struct bedrock_blocks *b, enum ir_role role, struct ir_part *parts)
{
    struct ir_message *m = ir_add_message(b->a, b->r, role);
    if (!m)
        return E_FULL;
    m->parts = parts;
    return E_OK;
}

/* Tool results are a turn of their own, before what the user says in the same message. */
static enum err read_turn(struct bedrock_blocks *b, enum ir_role role, const struct json_val *content)
{
    enum err e = bedrock_read_blocks(b, content);
    if (e == E_OK && b->results)
        e = put_message(b, IR_TOOL, b->results);
    if (e == E_OK && (b->parts || !b->results))
        e = put_message(b, role, b->parts);
    return e;
}

static enum err read_message(struct arena *a, struct ir_request *r, const struct json_val *v, const char *at,
                             struct str *ret_why)
{
    static const struct {
        struct str name;
        enum ir_role role;
    } roles[] = {{S("user"), IR_USER}, {S("assistant"), IR_ASSISTANT}, {S("system"), IR_SYSTEM}};
    struct str role = codec_text(v, "role");
    struct bedrock_blocks b = {.a = a, .r = r, .at = at, .ret_why = ret_why};
    for (size_t i = 0; i < countof(roles); i++) {
        if (!str_eq(role, roles[i].name))
            continue;
        b.user = roles[i].role == IR_USER;
        return read_turn(&b, roles[i].role, json_get(v, "content"));
    }
    return codec_refuse(a, ret_why, "%s: role is user or assistant", at);
}

static enum err read_messages(struct arena *a, struct ir_request *r, const struct json_val *root,
                              struct str *ret_why)
{
    const struct json_val *system = json_get(root, "system"), *list = json_get(root, "messages");
    struct bedrock_blocks b = {.a = a, .r = r, .at = "system", .ret_why = ret_why};
    if (json_type(list) != JSON_ARRAY)
        return codec_refuse(a, ret_why, "messages: a list is required");
    enum err e = json_count(system) ? read_turn(&b, IR_SYSTEM, system) : E_OK;
    unsigned i = 0;
    for (struct json_iter it = json_iter(list); e == E_OK && json_next(&it); i++) {
        char at[32];
        (void)snprintf(at, sizeof(at), "messages.%u", i);
        e = read_message(a, r, it.val, at, ret_why);
    }
    return e;
}

/* ---- tools ----------------------------------------------------------------------------------------- */

static enum err read_spec(struct arena *a, struct ir_tool *t, const struct json_val *spec,
                          struct str *ret_why)
{
    t->name = codec_text(spec, "name");
    t->description = codec_text(spec, "description");
    t->schema = codec_raw(a, json_get(json_get(spec, "inputSchema"), "json"));
    t->strict = codec_bool(spec, "strict");
    return t->name.n ? E_OK : codec_refuse(a, ret_why, "toolConfig.tools: a tool without a name");
}

static enum err read_tool(struct arena *a, struct ir_request *r, const struct json_val *v,
                          struct ir_tool **last, struct str *ret_why)
{
    const struct json_val *point = json_get(v, "cachePoint"), *spec = json_get(v, "toolSpec");
    if (point && !*last)
        ir_drop(a, r, STR("cachePoint"));
    else if (point)
        (*last)->cache = str_eq(codec_text(point, "ttl"), STR("1h")) ? IR_CACHE_1H : IR_CACHE_5M;
    if (point)
        return E_OK;
    struct ir_tool *t = *last = ir_add_tool(a, r);
    if (!t)
        return E_FULL;
    if (spec)
        return read_spec(a, t, spec, ret_why);
    t->name = codec_text(json_get(v, "systemTool"), "name");
    t->raw = codec_raw(a, v);
    t->raw_dialect = D_BEDROCK_CONVERSE;
    return t->raw.p ? E_OK : E_FULL;
}

static enum err read_tools(struct arena *a, struct ir_request *r, const struct json_val *config,
                           struct str *ret_why)
{
    const struct json_val *choice = json_get(config, "toolChoice");
    struct ir_tool *last = NULL;
    enum err e = E_OK;
    for (struct json_iter it = json_iter(json_get(config, "tools")); e == E_OK && json_next(&it);)
        e = read_tool(a, r, it.val, &last, ret_why);
    if (json_get(choice, "auto"))
        r->choice = IR_CHOICE_AUTO;
    else if (json_get(choice, "any"))
        r->choice = IR_CHOICE_REQUIRED;
    r->choice_name = codec_text(json_get(choice, "tool"), "name");
    if (r->choice_name.p)
        r->choice = IR_CHOICE_NAMED;
    if (e == E_OK && json_count(choice) && r->choice == IR_CHOICE_UNSET)
        return codec_refuse(a, ret_why, "toolConfig.toolChoice: auto, any, or tool with a name");
    return e;
}

/* ---- everything else ------------------------------------------------------------------------------- */

static enum err read_inference(struct arena *a, struct ir_request *r, const struct json_val *v)
{
    static const char *const known[] = {"maxTokens", "temperature", "topP", "stopSequences", NULL};
    r->max_tokens = codec_int(json_get(v, "maxTokens"));
    r->temperature = codec_number(a, v, "temperature");
    r->top_p = codec_number(a, v, "topP");
    for (struct json_iter it = json_iter(json_get(v, "stopSequences")); json_next(&it);)
        if (json_str(it.val).p && !ir_add_str(a, &r->stop, json_str(it.val)))
            return E_FULL;
    codec_note_unknown(a, r, v, known);
    return E_OK;
}

static void read_thinking(struct ir_request *r, const struct json_val *v)
{
    struct str type = codec_text(v, "type"), display = codec_text(v, "display");
    if (!type.p)
        return;
    r->thinking = str_eq(type, STR("enabled")) || str_eq(type, STR("adaptive"));
    if (str_eq(type, STR("enabled")))
        r->thinking_budget = codec_int(json_get(v, "budget_tokens"));
    else if (str_eq(type, STR("adaptive")))
        r->thinking_budget = -2;
    if (display.p)
        r->thinking_shown = !str_eq(display, STR("omitted"));
}

/* What the models themselves name: Anthropic's thinking and top_k, Nova's and gpt-oss's reasoning. */
static void read_additional(struct arena *a, struct ir_request *r, const struct json_val *v)
{
    static const char *const known[] = {
        "thinking", "top_k", "output_config", "reasoningConfig", "inferenceConfig", "reasoning_effort", NULL};
    const struct json_val *reasoning = json_get(v, "reasoningConfig");
    struct str effort = codec_text(json_get(v, "output_config"), "effort");
    r->top_k = codec_number(a, v, "top_k");
    if (!r->top_k.p)
        r->top_k = codec_number(a, json_get(v, "inferenceConfig"), "topK");
    read_thinking(r, json_get(v, "thinking"));
    if (codec_text(reasoning, "type").p)
        r->thinking = str_eq(codec_text(reasoning, "type"), STR("enabled"));
    if (!effort.p)
        effort = codec_text(reasoning, "maxReasoningEffort");
    if (!effort.p)
        effort = codec_text(v, "reasoning_effort");
    if (effort.p)
        r->effort = str_eq(effort, STR("max")) ? STR("xhigh") : effort;
    codec_note_unknown(a, r, v, known);
}

static void read_output_config(struct ir_request *r, const struct json_val *v)
{
    const struct json_val *format = json_get(v, "textFormat");
    const struct json_val *schema = json_get(json_get(format, "structure"), "jsonSchema");
    struct str effort = codec_text(v, "effort");
    if (effort.p)
        r->effort = str_eq(effort, STR("max")) ? STR("xhigh") : effort;
    if (json_type(schema) != JSON_OBJECT)
        return;
    r->format = IR_FORMAT_SCHEMA;
    r->format_schema = codec_text(schema, "schema");
    r->format_name = codec_text(schema, "name");
    r->format_description = codec_text(schema, "description");
}

static enum err read_rest(struct arena *a, struct ir_request *r, const struct json_val *root,
                          struct str *ret_why)
{
    static const char *const known[] = {"messages",     "system",          "inferenceConfig",
                                        "toolConfig",   "serviceTier",     "additionalModelRequestFields",
                                        "outputConfig", "requestMetadata", NULL};
    const struct json_val *metadata = json_get(root, "requestMetadata");
    r->stream_usage = true; /* always there */
    r->service_tier = codec_text(json_get(root, "serviceTier"), "type");
    if (json_count(metadata))
        r->metadata = codec_raw(a, metadata);
    enum err e = read_inference(a, r, json_get(root, "inferenceConfig"));
    read_additional(a, r, json_get(root, "additionalModelRequestFields"));
    read_output_config(r, json_get(root, "outputConfig"));
    codec_note_unknown(a, r, root, known);
    if (e == E_OK && r->format_schema.p) { /* it is a text here, and JSON in the neutral form */
        struct json_doc *doc = json_parse(r->format_schema);
        if (!doc)
            e = codec_refuse(a, ret_why, "outputConfig.textFormat: the schema is not JSON");
        json_free(doc);
    }
    return e == E_OK ? read_tools(a, r, json_get(root, "toolConfig"), ret_why) : e;
}

static struct str unescape(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; p && i < s.n; i++) {
        bool escaped =
            s.p[i] == '%' && i + 2 < s.n && hex_digit(s.p[i + 1]) >= 0 && hex_digit(s.p[i + 2]) >= 0;
        p[n++] = escaped ? (char)(hex_digit(s.p[i + 1]) * 16 + hex_digit(s.p[i + 2])) : s.p[i];
        i += escaped ? 2 : 0;
    }
    return str_of(p, n);
}

/* model/{id}/converse or model/{id}/converse-stream */
static enum err read_path(struct arena *a, struct ir_request *r, struct str path, struct str *ret_why)
{
    static const struct str begin = S("model/"), whole = S("/converse"), stream = S("/converse-stream");
    path = str_cut(&path, '?');
    struct str rest = str_from(path, str_search(path, begin) + begin.n);
    r->stream = str_ends(rest, stream);
    size_t tail = r->stream ? stream.n : whole.n;
    if (rest.n <= tail || (!r->stream && !str_ends(rest, whole)))
        return codec_refuse(a, ret_why, "the path is not model/{id}/converse or model/{id}/converse-stream");
    r->model = unescape(a, str_head(rest, rest.n - tail));
    return r->model.p ? E_OK : E_FULL;
}

enum err bedrock_read_request(struct arena *a, struct str body, struct str path, struct ir_request *ret,
                              struct str *ret_why)
{
    enum err e = codec_read_body(a, body, ret, ret_why);
    const struct json_val *root = json_root(ret->doc);
    if (e == E_OK)
        e = read_path(a, ret, path, ret_why);
    if (e == E_OK)
        e = read_rest(a, ret, root, ret_why);
    if (e == E_OK)
        e = read_messages(a, ret, root, ret_why);
    if (e == E_OK)
        ir_link_results(ret);
    return e;
}
