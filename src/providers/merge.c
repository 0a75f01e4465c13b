/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every event's JSON goes to streamed_data as it came and is then folded into one tree. How it is
 * folded is decided per chunk by the shape it has (table `shapes`): a log may hold any provider's
 * stream, and the shapes do not clash. What no shape knows is folded plainly: the last value of each
 * top-level key stays.
 */
#include "providers/merge.h"
#include "base/crypto.h"
#include "http/sse.h"
#include "providers/aws_stream.h"
#include "providers/merge_tree.h"

struct merge {
    struct tree tree;
    struct buf chunks; /* the elements of streamed_data */
    struct json_out out;
};

/* ---- joining deltas ------------------------------------------------------------------------------ */

static bool is_one_of(struct str s, const struct str *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(s, list[i]))
            return true;
    return false;
}

/* Strings that come in pieces; all others (id, role, name, ...) come whole, if more than once then alike. */
static bool is_piecemeal(struct str key)
{
    static const struct str keys[] = {
        S("content"),           S("text"),       S("arguments"),
        S("reasoning_content"), S("reasoning"),  S("refusal"),
        S("summary"),           S("transcript"), S("data"),
        S("thinking"),          S("tool_plan"),  S("signature"),
        S("encrypted_content"),
    };
    return is_one_of(key, keys, countof(keys));
}

static void join(struct tree *t, struct node *n, struct str key, const struct json_val *v);

static void join_members(struct tree *t, struct node *n, const struct json_val *object)
{
    for (struct json_iter it = json_iter(object); json_next(&it);)
        join(t, tree_member(t, n, it.key), it.key, it.val);
}

static void join_elements(struct tree *t, struct node *n, const struct json_val *array)
{
    for (struct json_iter it = json_iter(array); json_next(&it);) {
        int64_t index = 0;
        bool indexed = json_uint(json_get(it.val, "index"), &index);
        join(t, indexed ? tree_element(t, n, index) : tree_append(t, n), STR(""), it.val);
    }
}

static void join(struct tree *t, struct node *n, struct str key, const struct json_val *v)
{
    if (json_type(v) == JSON_OBJECT && json_count(v))
        join_members(t, n, v);
    else if (json_type(v) == JSON_ARRAY && json_count(v))
        join_elements(t, n, v);
    else if (json_type(v) == JSON_STRING && is_piecemeal(key))
        tree_add_text(t, n, NODE_TEXT, v);
    else if (n->kind == NODE_EMPTY || json_str(v).n || json_type(v) == JSON_NUMBER ||
             json_type(v) == JSON_BOOL)
        tree_set(n, v);
}

/* One level: texts are joined, the rest is taken over whole. */
static void adopt(struct tree *t, struct node *n, const struct json_val *object)
{
    if (n->kind == NODE_LEAF) {
        const struct json_val *before = n->leaf;
        tree_empty(n);
        adopt(t, n, before);
    }
    for (struct json_iter it = json_iter(object); json_next(&it);) {
        struct node *member = tree_member(t, n, it.key);
        if (json_type(it.val) == JSON_STRING && is_piecemeal(it.key))
            tree_add_text(t, member, NODE_TEXT, it.val);
        else
            tree_set(member, it.val);
    }
}

static void set_members(struct tree *t, struct node *n, const struct json_val *object)
{
    for (struct json_iter it = json_iter(object); json_next(&it);)
        tree_set(tree_member(t, n, it.key), it.val);
}

static int64_t index_of(const struct json_val *v, const char *name)
{
    int64_t index = 0;
    (void)json_uint(json_get(v, name), &index);
    return index;
}

static struct node *under(struct tree *t, struct node *n, const char *key)
{
    return tree_member(t, n, str_c(key));
}

/* ---- OpenAI chat and completions, and everything unknown ------------------------------------------- */

static void fold_choice(struct tree *t, struct node *n, const struct json_val *choice)
{
    for (struct json_iter it = json_iter(choice); json_next(&it);) {
        struct node *member = tree_member(t, n, it.key);
        bool delta = str_eq(it.key, STR("delta")) || str_eq(it.key, STR("logprobs"));
        if (delta || str_eq(it.key, STR("text")))
            join(t, member, it.key, it.val);
        else
            tree_set(member, it.val);
    }
}

/* Gemini: a text part goes on where the last one ended, unless one is thought and the other is not. */
static void fold_parts(struct tree *t, struct node *parts, const struct json_val *list)
{
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct node *last = parts->kind == NODE_ARRAY ? parts->last : NULL;
        bool is_text = json_str(json_get(it.val, "text")).p != NULL;
        bool was_text = last && tree_find(last, STR("text"));
        bool thought = json_bool(json_get(it.val, "thought"), false);
        if (is_text && was_text && thought == (tree_find(last, STR("thought")) != NULL))
            adopt(t, last, it.val);
        else if (is_text)
            adopt(t, tree_append(t, parts), it.val);
        else
            tree_set(tree_append(t, parts), it.val);
    }
}

static void fold_candidate(struct tree *t, struct node *n, const struct json_val *candidate)
{
    for (struct json_iter it = json_iter(candidate); json_next(&it);) {
        struct node *member = tree_member(t, n, it.key);
        if (!str_eq(it.key, STR("content"))) {
            tree_set(member, it.val);
            continue;
        }
        for (struct json_iter in = json_iter(it.val); json_next(&in);)
            if (str_eq(in.key, STR("parts")))
                fold_parts(t, tree_member(t, member, in.key), in.val);
            else
                tree_set(tree_member(t, member, in.key), in.val);
    }
}

static void fold_list(struct tree *t, struct node *n, const struct json_val *list,
                      void (*fold_one)(struct tree *t, struct node *n, const struct json_val *v))
{
    if (n->kind == NODE_EMPTY)
        tree_set(n, list); /* stays if all lists are empty */
    for (struct json_iter it = json_iter(list); json_next(&it);)
        fold_one(t, tree_element(t, n, index_of(it.val, "index")), it.val);
}

static void fold_plain(struct tree *t, const struct json_val *chunk)
{
    /* Workers AI, Titan, Llama, Claude's text completions: the text stands at the top */
    static const struct str texts[] = {S("response"), S("outputText"), S("generation"), S("completion")};
    for (struct json_iter it = json_iter(chunk); json_next(&it);) {
        struct node *n = tree_member(t, &t->root, it.key);
        bool list = json_type(it.val) == JSON_ARRAY;
        if (list && str_eq(it.key, STR("choices")))
            fold_list(t, n, it.val, fold_choice);
        else if (list && str_eq(it.key, STR("candidates")))
            fold_list(t, n, it.val, fold_candidate);
        else if (json_type(it.val) == JSON_STRING && is_one_of(it.key, texts, countof(texts)))
            tree_add_text(t, n, NODE_TEXT, it.val);
        else
            tree_set(n, it.val);
    }
}

/* ---- typed events ---------------------------------------------------------------------------------- */

/* OpenAI responses: events that carry the response carry all of it. */
static void fold_response(struct tree *t, const struct json_val *event)
{
    const struct json_val *response = json_get(event, "response");
    if (json_type(response) == JSON_OBJECT) {
        tree_empty(&t->root);
        set_members(t, &t->root, response);
    }
}

static void fold_error(struct tree *t, const struct json_val *event)
{
    const struct json_val *error = json_get(event, "error");
    tree_set(under(t, &t->root, "error"), error ? error : event);
}

static void fold_message_start(struct tree *t, const struct json_val *event)
{
    set_members(t, &t->root, json_get(event, "message"));
}

static void fold_message_delta(struct tree *t, const struct json_val *event)
{
    set_members(t, &t->root, json_get(event, "delta"));
    adopt(t, under(t, &t->root, "usage"), json_get(event, "usage"));
}

static struct node *anthropic_block(struct tree *t, const struct json_val *event)
{
    return tree_element(t, under(t, &t->root, "content"), index_of(event, "index"));
}

static void fold_block_start(struct tree *t, const struct json_val *event)
{
    adopt(t, anthropic_block(t, event), json_get(event, "content_block"));
}

static void fold_block_delta(struct tree *t, const struct json_val *event)
{
    struct node *block = anthropic_block(t, event);
    for (struct json_iter it = json_iter(json_get(event, "delta")); json_next(&it);) {
        if (str_eq(it.key, STR("partial_json")))
            tree_add_text(t, under(t, block, "input"), NODE_JSON_TEXT, it.val);
        else if (str_eq(it.key, STR("citation")))
            tree_set(tree_append(t, under(t, block, "citations")), it.val);
        else if (!str_eq(it.key, STR("type")))
            tree_add_text(t, tree_member(t, block, it.key), NODE_TEXT, it.val);
    }
}

/* Cohere v2: a part of the message stands under delta.message, which of several under index. */
static void fold_cohere(struct tree *t, const struct json_val *event)
{
    const struct json_val *delta = json_get(event, "delta");
    if (json_get(event, "id"))
        tree_set(under(t, &t->root, "id"), json_get(event, "id"));
    struct node *message = under(t, &t->root, "message");
    for (struct json_iter it = json_iter(json_get(delta, "message")); json_next(&it);) {
        struct node *member = tree_member(t, message, it.key);
        if (json_type(it.val) == JSON_OBJECT)
            join_members(t, tree_element(t, member, index_of(event, "index")), it.val);
        else
            join(t, member, it.key, it.val);
    }
    for (struct json_iter it = json_iter(delta); json_next(&it);)
        if (!str_eq(it.key, STR("message")))
            tree_set(tree_member(t, &t->root, it.key), it.val);
}

static void fold_cohere_v1(struct tree *t, const struct json_val *event)
{
    const struct json_val *response = json_get(event, "response");
    if (response)
        set_members(t, &t->root, response);
    else if (json_get(event, "text"))
        tree_add_text(t, under(t, &t->root, "text"), NODE_TEXT, json_get(event, "text"));
}

/* ---- Bedrock converse, and Nova's invoke streams ---------------------------------------------------- */

static struct node *converse_message(struct tree *t)
{
    return under(t, under(t, &t->root, "output"), "message");
}

static struct node *converse_block(struct tree *t, const struct json_val *event)
{
    return tree_element(t, under(t, converse_message(t), "content"), index_of(event, "contentBlockIndex"));
}

static void fold_converse_role(struct tree *t, const struct json_val *event)
{
    tree_set(under(t, converse_message(t), "role"), json_get(json_get(event, "messageStart"), "role"));
}

static void fold_converse_start(struct tree *t, const struct json_val *event)
{
    const struct json_val *start = json_get(event, "contentBlockStart");
    join_members(t, converse_block(t, start), json_get(start, "start"));
}

static void fold_converse_delta(struct tree *t, const struct json_val *event)
{
    const struct json_val *block = json_get(event, "contentBlockDelta"), *delta = json_get(block, "delta");
    const struct json_val *input = json_get(json_get(delta, "toolUse"), "input");
    struct node *n = converse_block(t, block);
    if (input)
        tree_add_text(t, under(t, under(t, n, "toolUse"), "input"), NODE_JSON_TEXT, input);
    else
        join_members(t, n, delta);
}

static void fold_converse_stop(struct tree *t, const struct json_val *event)
{
    set_members(t, &t->root, json_get(event, "messageStop"));
}

/* `metadata` is a common word; Bedrock's has Bedrock's usage in it. */
static void fold_metadata(struct tree *t, const struct json_val *event)
{
    const struct json_val *metadata = json_get(event, "metadata");
    if (json_get(json_get(metadata, "usage"), "inputTokens"))
        set_members(t, &t->root, metadata);
    else
        fold_plain(t, event);
}

static void fold_nothing(struct tree *t, const struct json_val *event)
{
    (void)t;
    (void)event;
}

/* ---- which shape ------------------------------------------------------------------------------------ */

/* The first row whose key is there, with a string that starts so if `starts` is set. */
static const struct {
    const char *key, *starts;
    void (*fold)(struct tree *t, const struct json_val *chunk);
} shapes[] = {
    {"type", "response.", fold_response},
    {"type", "error", fold_error},
    {"type", "message_start", fold_message_start},
    {"type", "message_delta", fold_message_delta},
    {"type", "content_block_start", fold_block_start},
    {"type", "content_block_delta", fold_block_delta},
    {"type", "content_block_stop", fold_nothing},
    {"type", "message_stop", fold_nothing},
    {"type", "ping", fold_nothing},
    {"type", "message-", fold_cohere},
    {"type", "content-", fold_cohere},
    {"type", "tool-", fold_cohere},
    {"type", "citation-", fold_cohere},
    {"type", "transcript.text.delta", fold_nothing}, /* transcript.text.done has all the text */
    {"type", "speech.audio.delta", fold_nothing},
    {"event_type", "", fold_cohere_v1},
    {"messageStart", NULL, fold_converse_role},
    {"contentBlockStart", NULL, fold_converse_start},
    {"contentBlockDelta", NULL, fold_converse_delta},
    {"contentBlockStop", NULL, fold_nothing},
    {"messageStop", NULL, fold_converse_stop},
    {"metadata", NULL, fold_metadata},
};

static void fold(struct tree *t, const struct json_val *chunk)
{
    /* Bedrock adds this to the last chunk of any model */
    static const char *const metrics = "amazon-bedrock-invocationMetrics";
    size_t i = 0;
    for (; i < countof(shapes); i++) {
        const struct json_val *v = json_get(chunk, shapes[i].key);
        struct str text = json_str(v);
        if (shapes[i].starts ? text.p && str_starts(text, str_c(shapes[i].starts)) : v != NULL)
            break;
    }
    (i < countof(shapes) ? shapes[i].fold : fold_plain)(t, chunk);
    if (json_get(chunk, metrics))
        tree_set(under(t, &t->root, metrics), json_get(chunk, metrics));
}

static void add_chunk(struct merge *m, struct str text)
{
    const struct json_val *v = tree_parse(&m->tree, text);
    if (!v)
        return;
    json_put_raw(&m->out, text);
    if (json_type(v) == JSON_OBJECT)
        fold(&m->tree, v);
}

/* ---- framings --------------------------------------------------------------------------------------- */

static void on_event(void *arg, const struct sse_event *ev)
{
    add_chunk(arg, ev->data);
}

static void merge_sse(struct merge *m, struct str body)
{
    struct sse s;
    sse_init(&s);
    (void)sse_feed(&s, body, on_event, m); /* an event beyond the cap comes without data */
    sse_flush(&s, on_event, m);
    sse_done(&s);
}

static bool is_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z'))
            return false;
    return s.n > 0;
}

/* Converse events get their type's name around them, as the SDKs show them; invoke chunks lose their base64.
 */
static void on_frame(void *arg, const struct aws_frame *f)
{
    struct merge *m = arg;
    struct str name = f->event_type.n ? f->event_type : f->exception_type, text = f->payload;
    struct json_doc *doc = json_parse(f->payload);
    struct str bytes = json_str(json_get(json_root(doc), "bytes"));
    if (bytes.p && base64_decode(&m->tree.arena, bytes, &text) != E_OK)
        text = f->payload;
    const struct str parts[] = {STR("{\""), name, STR("\":"), f->payload, STR("}")};
    if (doc && !bytes.p && is_word(name))
        text = arena_join(&m->tree.arena, parts, countof(parts));
    json_free(doc);
    add_chunk(m, text);
}

static void merge_aws(struct merge *m, struct str body)
{
    struct aws_stream s;
    aws_stream_init(&s);
    (void)aws_stream_feed(&s, body, on_frame, m); /* what came before the damage is worth showing */
    aws_stream_done(&s);
}

static void merge_lines(struct merge *m, struct str body)
{
    while (body.n)
        add_chunk(m, str_trim(str_cut(&body, '\n')));
}

static const struct {
    struct str content_type;
    void (*split)(struct merge *m, struct str body);
} framings[] = {
    {S("text/event-stream"), merge_sse},
    {S("application/vnd.amazon.eventstream"), merge_aws},
    {S("application/stream+json"), merge_lines},
    {S("application/x-ndjson"), merge_lines},
};

static bool write_merged(struct merge *m, struct buf *out)
{
    static const struct str streamed = S("streamed_data");
    size_t before = out->n;
    struct json_out w = json_out(out);
    struct tree *t = &m->tree;
    json_open(&w, '{');
    for (const struct node *n = t->root.first; n; n = n->next)
        if (!str_eq(n->key, streamed)) {
            json_key_str(&w, n->key);
            tree_write(t, n, &w);
        }
    json_key_str(&w, streamed);
    json_open(&w, '[');
    json_put_raw(&w, buf_str(&m->chunks));
    json_close(&w, ']');
    json_close(&w, '}');
    bool fits = !t->full && !out->full && !m->chunks.full;
    if (!fits)
        out->n = before;
    return fits;
}

bool merge_stream(struct str content_type, struct str body, struct buf *out)
{
    struct merge m;
    bool merged = false;
    tree_init(&m.tree);
    buf_init(&m.chunks, out->max);
    m.out = json_out(&m.chunks);
    for (size_t i = 0; i < countof(framings); i++)
        if (str_istarts(content_type, framings[i].content_type))
            framings[i].split(&m, body);
    if (m.chunks.n)
        merged = write_merged(&m, out);
    buf_done(&m.chunks);
    tree_done(&m.tree);
    return merged;
}
