/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Cohere v2 chat request, and what the assistant says in requests and whole answers, read into the neutral
 * form. Numbers are read as text, so that they stay as they were.
 */
#include "providers/codec_cohere.h"

#include <stdio.h>

struct reading {
    struct arena *a;
    struct ir_request *r; /* for notes; NULL: an answer */
    const char *at;
    struct str *ret_why;
};

/* ---- parts ----------------------------------------------------------------------------------------- */

static enum err add_text(const struct reading *d, struct ir_part **list, enum ir_kind kind, struct str text)
{
    struct ir_part *p = ir_add_part(d->a, list, kind);
    if (!p)
        return E_FULL;
    p->text = text;
    return text.p ? E_OK : codec_refuse(d->a, d->ret_why, "%s: a text that is none", d->at);
}

/* The one text that a document's data has beside its title; p == NULL: it has more to say. */
static struct str only_text(const struct json_val *data)
{
    struct str text = {NULL, 0};
    for (struct json_iter it = json_iter(data); json_next(&it);) {
        bool body =
            str_eq(it.key, STR("text")) || str_eq(it.key, STR("snippet")) || str_eq(it.key, STR("content"));
        if (str_eq(it.key, STR("title")))
            continue;
        if (!body || text.p || !json_str(it.val).p)
            return str_of(NULL, 0);
        text = json_str(it.val);
    }
    return text;
}

/* A string, or {"data": string or object, "id": ...}. */
static enum err add_document(const struct reading *d, struct ir_part **list, const struct json_val *v)
{
    const struct json_val *data = json_get(v, "data");
    struct str text = json_str(v).p ? json_str(v) : json_str(data);
    struct ir_part *p = ir_add_part(d->a, list, IR_FILE);
    if (!p)
        return E_FULL;
    p->media.name = codec_text(data, "title");
    if (!text.p && json_type(data) == JSON_OBJECT)
        text = only_text(data);
    if (!text.p && json_type(data) == JSON_OBJECT) {
        p->media.name = str_of(NULL, 0);
        text = codec_raw(d->a, data);
    }
    if (!p->media.name.p)
        p->media.name = codec_text(v, "id");
    p->media.text = text;
    p->media.mime = STR("text/plain");
    return text.p ? E_OK : codec_refuse(d->a, d->ret_why, "%s: a document without data", d->at);
}

static enum err add_image(const struct reading *d, struct ir_part **list, const struct json_val *v)
{
    struct ir_part *p = ir_add_part(d->a, list, IR_IMAGE);
    struct str url = codec_text(v, "url");
    if (!p)
        return E_FULL;
    p->media.detail = codec_text(v, "detail");
    if (!ir_data_url(url, &p->media.mime, &p->media.data))
        p->media.url = url;
    return url.n ? E_OK : codec_refuse(d->a, d->ret_why, "%s: an image_url without url", d->at);
}

static enum err add_item(const struct reading *d, struct ir_part **list, const struct json_val *v)
{
    struct str type = codec_text(v, "type");
    if (str_eq(type, STR("text")))
        return add_text(d, list, IR_TEXT, codec_text(v, "text"));
    if (str_eq(type, STR("thinking")))
        return add_text(d, list, IR_THINKING, codec_text(v, "thinking"));
    if (str_eq(type, STR("image_url")))
        return add_image(d, list, json_get(v, "image_url"));
    if (str_eq(type, STR("document")))
        return add_document(d, list, json_get(v, "document"));
    return codec_refuse(d->a, d->ret_why, "%s: content of the unknown type \"%.*s\"", d->at,
                        STR_FMT(str_head(type, 40)));
}

/* A string, or a list of items; absent where the message may do without. */
static enum err add_content(const struct reading *d, struct ir_part **list, const struct json_val *content)
{
    enum err e = E_OK;
    switch (json_type(content)) {
    case JSON_STRING: return add_text(d, list, IR_TEXT, json_str(content));
    case JSON_NONE:
    case JSON_NULL: return E_OK;
    case JSON_ARRAY: break;
    default: return codec_refuse(d->a, d->ret_why, "%s: content is a string or a list", d->at);
    }
    for (struct json_iter it = json_iter(content); e == E_OK && json_next(&it);) {
        e = add_item(d, list, it.val);
        list = e == E_OK ? &(*list)->next : list;
    }
    return e;
}

static struct ir_part **end_of(struct ir_part **list)
{
    while (*list)
        list = &(*list)->next;
    return list;
}

static enum err add_call(const struct reading *d, struct ir_part **list, const struct json_val *v)
{
    const struct json_val *function = json_get(v, "function");
    struct str arguments = codec_text(function, "arguments");
    struct ir_part *p = ir_add_part(d->a, list, IR_TOOL_CALL);
    if (!p)
        return E_FULL;
    p->id = codec_text(v, "id");
    p->name = codec_text(function, "name");
    p->arguments = arguments.n ? arguments : STR("{}");
    if (!p->id.p || !p->name.p)
        return codec_refuse(d->a, d->ret_why, "%s: a tool call without id or name", d->at);
    return E_OK;
}

/* The text that a citation is of: the content item that it names, or else the first text. */
static struct ir_part *cited_part(struct ir_part *content, const struct json_val *v)
{
    struct str type = codec_text(v, "type");
    int64_t index = -1;
    if (type.n && !str_eq(type, STR("TEXT_CONTENT")))
        return NULL; /* of a plan or a thought */
    (void)json_uint(json_get(v, "content_index"), &index);
    struct ir_part *p = content;
    for (int64_t i = 0; p && i < index; i++)
        p = p->next;
    if (p && index >= 0 && p->kind == IR_TEXT)
        return p;
    for (p = content; p && p->kind != IR_TEXT;)
        p = p->next;
    return p;
}

static enum err add_citations(const struct reading *d, struct ir_part *content, const struct json_val *list)
{
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct ir_part *p = cited_part(content, it.val);
        struct ir_citation **at = p ? &p->citations : NULL;
        while (at && *at)
            at = &(*at)->next;
        if (!at)
            continue;
        *at = arena_new(d->a, struct ir_citation);
        if (!*at || cohere_read_citation(d->a, it.val, *at) != E_OK)
            return E_FULL;
    }
    return E_OK;
}

static enum err read_assistant(const struct reading *d, const struct json_val *message,
                               struct ir_part **parts)
{
    struct str plan = codec_text(message, "tool_plan");
    enum err e = plan.n ? add_text(d, parts, IR_THINKING, plan) : E_OK;
    struct ir_part **content = end_of(parts);
    if (e == E_OK)
        e = add_content(d, content, json_get(message, "content"));
    if (e == E_OK)
        e = add_citations(d, *content, json_get(message, "citations"));
    struct ir_part **calls = end_of(parts);
    for (struct json_iter it = json_iter(json_get(message, "tool_calls")); e == E_OK && json_next(&it);) {
        e = add_call(d, calls, it.val);
        calls = e == E_OK ? &(*calls)->next : calls;
    }
    return e;
}

enum err cohere_read_assistant(struct arena *a, const struct json_val *message, const char *at,
                               struct ir_part **parts, struct str *ret_why)
{
    return read_assistant(&(struct reading){.a = a, .at = at, .ret_why = ret_why}, message, parts);
}

/* ---- messages -------------------------------------------------------------------------------------- */

/* What a tool found is text; a document's data is the JSON that it is. */
static enum err add_found(const struct reading *d, struct ir_part **list, const struct json_val *v)
{
    const struct json_val *data = json_get(json_get(v, "document"), "data");
    if (!str_eq(codec_text(v, "type"), STR("document")))
        return add_item(d, list, v);
    struct str text = json_str(data).p ? json_str(data) : only_text(data);
    if (!text.p)
        text = codec_raw(d->a, data);
    return add_text(d, list, IR_TEXT, text);
}

static enum err read_result(const struct reading *d, const struct json_val *v, struct ir_message *m)
{
    const struct json_val *content = json_get(v, "content");
    struct ir_part *p = ir_add_part(d->a, &m->parts, IR_TOOL_RESULT);
    if (!p)
        return E_FULL;
    p->id = codec_text(v, "tool_call_id");
    if (!p->id.p)
        return codec_refuse(d->a, d->ret_why, "%s: a tool's message without tool_call_id", d->at);
    if (json_type(content) != JSON_ARRAY)
        return add_content(d, &p->parts, content);
    enum err e = E_OK;
    struct ir_part **list = &p->parts;
    for (struct json_iter it = json_iter(content); e == E_OK && json_next(&it);) {
        e = add_found(d, list, it.val);
        list = e == E_OK ? &(*list)->next : list;
    }
    return e;
}

static enum err read_message(const struct reading *d, const struct json_val *v)
{
    static const struct {
        struct str name;
        enum ir_role role;
    } roles[] = {{S("user"), IR_USER},
                 {S("assistant"), IR_ASSISTANT},
                 {S("system"), IR_SYSTEM},
                 {S("developer"), IR_DEVELOPER},
                 {S("tool"), IR_TOOL}};
    struct str name = codec_text(v, "role");
    size_t i = 0;
    while (i < countof(roles) && !str_ieq(name, roles[i].name))
        i++;
    if (i == countof(roles))
        return codec_refuse(d->a, d->ret_why, "%s: role is system, user, assistant or tool", d->at);
    struct ir_message *m = ir_add_message(d->a, d->r, roles[i].role);
    if (!m)
        return E_FULL;
    if (m->role == IR_TOOL)
        return read_result(d, v, m);
    if (m->role == IR_ASSISTANT)
        return read_assistant(d, v, &m->parts);
    return add_content(d, &m->parts, json_get(v, "content"));
}

/* What the answer is to be found in: files of the last user message. */
static enum err read_documents(struct reading *d, const struct json_val *list)
{
    struct ir_message *last = NULL;
    for (struct ir_message *m = d->r->messages; m; m = m->next)
        last = m->role == IR_USER ? m : last;
    d->at = "documents";
    if (json_count(list) && !last)
        return codec_refuse(d->a, d->ret_why, "documents: there is no message of the user");
    struct ir_part *said = last ? last->parts : NULL, **at = last ? &last->parts : NULL;
    if (!json_count(list))
        return E_OK;
    enum err e = E_OK;
    *at = NULL;
    for (struct json_iter it = json_iter(list); e == E_OK && json_next(&it);) {
        e = add_document(d, at, it.val);
        at = *at ? &(*at)->next : at;
    }
    *at = said; /* behind them */
    return e;
}

static enum err read_messages(struct reading *d, const struct json_val *root)
{
    const struct json_val *list = json_get(root, "messages");
    if (json_type(list) != JSON_ARRAY)
        return codec_refuse(d->a, d->ret_why, "messages: a list is required");
    enum err e = E_OK;
    unsigned i = 0;
    for (struct json_iter it = json_iter(list); e == E_OK && json_next(&it); i++) {
        char at[32];
        (void)snprintf(at, sizeof(at), "messages.%u", i);
        d->at = at;
        e = read_message(d, it.val);
    }
    return e == E_OK ? read_documents(d, json_get(root, "documents")) : e;
}

/* ---- tools ----------------------------------------------------------------------------------------- */

static enum err read_tools(const struct reading *d, const struct json_val *root)
{
    struct str choice = codec_text(root, "tool_choice");
    int strict = codec_bool(root, "strict_tools");
    for (struct json_iter it = json_iter(json_get(root, "tools")); json_next(&it);) {
        const struct json_val *function = json_get(it.val, "function");
        struct ir_tool *t = ir_add_tool(d->a, d->r);
        if (!t)
            return E_FULL;
        t->name = codec_text(function, "name");
        t->description = codec_text(function, "description");
        t->schema = codec_raw(d->a, json_get(function, "parameters"));
        t->strict = strict;
        if (!t->name.n)
            return codec_refuse(d->a, d->ret_why, "tools: a tool without a name");
    }
    if (str_ieq(choice, STR("REQUIRED")))
        d->r->choice = IR_CHOICE_REQUIRED;
    else if (str_ieq(choice, STR("NONE")))
        d->r->choice = IR_CHOICE_NONE;
    else if (choice.n)
        return codec_refuse(d->a, d->ret_why, "tool_choice is REQUIRED or NONE");
    return E_OK;
}

/* ---- everything else ------------------------------------------------------------------------------- */

static enum err read_format(const struct reading *d, const struct json_val *v)
{
    struct ir_request *r = d->r;
    const struct json_val *schema = json_get(v, "json_schema");
    struct str type = codec_text(v, "type");
    schema = json_type(schema) == JSON_OBJECT ? schema : json_get(v, "schema"); /* its older name */
    if (json_type(v) != JSON_OBJECT)
        return E_OK;
    if (str_eq(type, STR("text"))) {
        r->format = IR_FORMAT_TEXT;
        return E_OK;
    }
    if (!str_eq(type, STR("json_object")))
        return codec_refuse(d->a, d->ret_why, "response_format: type is text or json_object");
    r->format = json_type(schema) == JSON_OBJECT ? IR_FORMAT_SCHEMA : IR_FORMAT_JSON;
    if (r->format == IR_FORMAT_SCHEMA)
        r->format_schema = codec_raw(d->a, schema);
    return E_OK;
}

static enum err read_thinking(const struct reading *d, const struct json_val *v)
{
    struct str type = codec_text(v, "type");
    if (json_type(v) != JSON_OBJECT)
        return E_OK;
    d->r->thinking = str_eq(type, STR("enabled"));
    if (!d->r->thinking && !str_eq(type, STR("disabled")))
        return codec_refuse(d->a, d->ret_why, "thinking: type is enabled or disabled");
    d->r->thinking_budget = codec_int(json_get(v, "token_budget"));
    return E_OK;
}

static void read_sampling(struct arena *a, struct ir_request *r, const struct json_val *root)
{
    r->temperature = codec_number(a, root, "temperature");
    r->top_p = codec_number(a, root, "p");
    r->top_k = codec_number(a, root, "k");
    r->frequency_penalty = codec_number(a, root, "frequency_penalty");
    r->presence_penalty = codec_number(a, root, "presence_penalty");
    r->seed = codec_number(a, root, "seed");
    r->max_tokens = codec_int(json_get(root, "max_tokens"));
    r->logprobs = codec_bool(root, "logprobs");
}

static enum err read_rest(const struct reading *d, const struct json_val *root)
{
    static const char *const known[] = {"model",
                                        "messages",
                                        "documents",
                                        "tools",
                                        "tool_choice",
                                        "strict_tools",
                                        "stream",
                                        "thinking",
                                        "p",
                                        "k",
                                        "temperature",
                                        "frequency_penalty",
                                        "max_tokens",
                                        "seed",
                                        "logprobs",
                                        "stop_sequences",
                                        "response_format",
                                        "presence_penalty",
                                        NULL};
    struct ir_request *r = d->r;
    r->model = codec_text(root, "model");
    r->stream = json_bool(json_get(root, "stream"), false);
    r->stream_usage = true; /* always there */
    read_sampling(d->a, r, root);
    codec_note_unknown(d->a, r, root, known);
    for (struct json_iter it = json_iter(json_get(root, "stop_sequences")); json_next(&it);)
        if (json_str(it.val).p && !ir_add_str(d->a, &r->stop, json_str(it.val)))
            return E_FULL;
    enum err e = read_format(d, json_get(root, "response_format"));
    if (e == E_OK)
        e = read_thinking(d, json_get(root, "thinking"));
    return e == E_OK ? read_tools(d, root) : e;
}

enum err cohere_read_request(struct arena *a, struct str body, struct str path, struct ir_request *ret,
                             struct str *ret_why)
{
    struct reading d = {.a = a, .r = ret, .at = "", .ret_why = ret_why};
    (void)path; /* says nothing that the body does not */
    enum err e = codec_read_body(a, body, ret, ret_why);
    const struct json_val *root = json_root(ret->doc);
    if (e == E_OK)
        e = read_rest(&d, root);
    if (e == E_OK)
        e = read_messages(&d, root);
    if (e == E_OK)
        ir_link_results(ret);
    return e;
}
