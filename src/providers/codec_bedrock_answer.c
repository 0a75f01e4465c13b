/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole Converse answers, both ways. Usage counts apart here what the neutral form counts in: inputTokens is
 * without what was read from and written to the cache; totalTokens is with it.
 */
#include "providers/codec_bedrock.h"

/* ---- for streams too ------------------------------------------------------------------------------- */

static const struct {
    struct str reason;
    enum ir_finish finish;
} reasons[] = {
    /* the first of a kind is the one that is written */
    {S("end_turn"), IR_FINISH_STOP},
    {S("stop_sequence"), IR_FINISH_STOP_SEQUENCE},
    {S("max_tokens"), IR_FINISH_LENGTH},
    {S("model_context_window_exceeded"), IR_FINISH_LENGTH},
    {S("tool_use"), IR_FINISH_TOOLS},
    {S("content_filtered"), IR_FINISH_FILTER},
    {S("guardrail_intervened"), IR_FINISH_FILTER},
    {S("content_filtered"), IR_FINISH_REFUSAL},
    {S("malformed_model_output"), IR_FINISH_ERROR},
    {S("malformed_tool_use"), IR_FINISH_ERROR},
};

enum ir_finish bedrock_finish(struct str stop_reason)
{
    for (size_t i = 0; i < countof(reasons); i++)
        if (str_eq(stop_reason, reasons[i].reason))
            return reasons[i].finish;
    return IR_FINISH_UNKNOWN;
}

struct str bedrock_stop_reason(enum ir_finish finish, bool calls)
{
    if (finish == IR_FINISH_UNKNOWN || finish == IR_FINISH_STOP || finish == IR_FINISH_PAUSE)
        return calls ? STR("tool_use") : STR("end_turn");
    size_t i = 0;
    while (reasons[i].finish != finish)
        must(++i < countof(reasons));
    return reasons[i].reason;
}

static void put_detail(struct json_out *w, struct str ttl, int64_t n)
{
    if (n == 0)
        return;
    json_open(w, '{');
    json_add_str(w, "ttl", ttl);
    json_add_int(w, "inputTokens", n);
    json_close(w, '}');
}

void bedrock_put_usage(struct json_out *w, const struct usage *u)
{
    json_open(w, '{');
    json_add_int(w, "inputTokens", u->input - u->cached - u->cache_write);
    json_add_int(w, "outputTokens", u->output);
    json_add_int(w, "totalTokens", u->input + u->output);
    if (u->cached || u->cache_write) {
        json_add_int(w, "cacheReadInputTokens", u->cached);
        json_add_int(w, "cacheWriteInputTokens", u->cache_write);
    }
    if (u->cache_write_1h) {
        json_key(w, "cacheDetails");
        json_open(w, '[');
        put_detail(w, STR("5m"), u->cache_write - u->cache_write_1h);
        put_detail(w, STR("1h"), u->cache_write_1h);
        json_close(w, ']');
    }
    json_close(w, '}');
}

struct str bedrock_media_text(const struct ir_part *p)
{
    return p->media.text.p ? p->media.text : p->media.url;
}

static bool is_number(struct str s)
{
    int64_t n;
    return s.n && str_to_int(s, &n) == E_OK;
}

/* On the web, the how manieth document of the request, or something that a search gave. */
static void put_location(struct json_out *w, const struct ir_citation *c)
{
    bool number = is_number(c->document);
    if (!c->url.p && !c->document.p)
        return;
    json_key(w, "location");
    bedrock_open(w, c->url.p ? "web" : number ? "documentChunk" : "searchResultLocation");
    if (c->url.p) {
        json_add_str(w, "url", c->url);
    } else if (number) {
        json_add_raw(w, "documentIndex", c->document);
    }
    bedrock_close(w);
}

void bedrock_put_citation(struct json_out *w, const struct ir_citation *c)
{
    if (c->raw.n && c->raw_dialect == D_BEDROCK_CONVERSE) {
        json_put_raw(w, c->raw);
        return;
    }
    json_open(w, '{');
    if (c->title.p)
        json_add_str(w, "title", c->title);
    if (!c->url.p && c->document.p && !is_number(c->document))
        json_add_str(w, "source", c->document);
    if (c->quote.p) {
        json_key(w, "sourceContent");
        json_open(w, '[');
        json_open(w, '{');
        json_add_str(w, "text", c->quote);
        json_close(w, '}');
        json_close(w, ']');
    }
    put_location(w, c);
    json_close(w, '}');
}

/* ---- reading --------------------------------------------------------------------------------------- */

static enum err read_doc(struct arena *a, const struct json_val *root, struct ir_answer *w)
{
    const struct json_val *message = json_get(json_get(root, "output"), "message");
    struct str reason = codec_text(root, "stopReason"), why;
    struct bedrock_blocks b = {.a = a, .at = "output.message", .ret_why = &why};
    if (!reason.p || json_type(message) != JSON_OBJECT)
        return E_SYNTAX;
    enum err e = bedrock_read_blocks(&b, json_get(message, "content"));
    if (e != E_OK)
        return e;
    struct ir_choice_answer *c = w->choices = arena_new(a, struct ir_choice_answer);
    if (!c)
        return E_FULL;
    c->parts = b.parts;
    c->finish = bedrock_finish(reason);
    c->stop_sequence = codec_text(json_get(root, "additionalModelResponseFields"), "stop_sequence");
    return E_OK;
}

enum err bedrock_read_answer(struct arena *a, struct str body,
                             void (*on_event)(void *arg, const struct ir_event *ev), void *arg)
{
    struct ir_answer w;
    struct meter m;
    struct json_doc *doc = json_parse(body);
    if (!doc)
        return E_SYNTAX;
    ir_answer_init(&w, a);
    enum err e = read_doc(a, json_root(doc), &w);
    if (e == E_OK) {
        meter_init(&m, NULL, D_BEDROCK_CONVERSE);
        meter_json(&m, body);
        w.usage = *meter_usage(&m);
        w.has_usage = w.usage.known;
        ir_answer_play(&w, on_event, arg);
    }
    json_free(doc);
    return e;
}

/* ---- writing --------------------------------------------------------------------------------------- */

static void put_text(struct json_out *w, struct str text)
{
    json_open(w, '{');
    json_add_str(w, "text", text.p ? text : STR(""));
    json_close(w, '}');
}

static void put_cited(struct json_out *w, const struct ir_part *p)
{
    bedrock_open(w, "citationsContent");
    json_key(w, "content");
    json_open(w, '[');
    put_text(w, p->text);
    json_close(w, ']');
    json_key(w, "citations");
    json_open(w, '[');
    for (const struct ir_citation *c = p->citations; c; c = c->next)
        bedrock_put_citation(w, c);
    json_close(w, ']');
    bedrock_close(w);
}

static enum err put_redacted(struct arena *a, struct json_out *w, const struct ir_part *p)
{
    struct str content = bedrock_redacted(a, p);
    bedrock_open(w, "reasoningContent");
    json_add_str(w, "redactedContent", content);
    bedrock_close(w);
    return content.p ? E_OK : E_FULL;
}

static enum err put_thinking(struct arena *a, struct json_out *w, const struct ir_part *p)
{
    if (p->redacted)
        return put_redacted(a, w, p);
    struct str signature = p->id.n ? anthropic_tag(a, p->id, p->signature) : p->signature;
    bedrock_open(w, "reasoningContent");
    json_key(w, "reasoningText");
    json_open(w, '{');
    json_add_str(w, "text", p->text.p ? p->text : STR(""));
    if (signature.n)
        json_add_str(w, "signature", signature);
    json_close(w, '}');
    bedrock_close(w);
    return p->id.n && !signature.p ? E_FULL : E_OK;
}

static enum err put_call(struct arena *a, struct json_out *w, const struct ir_part *p)
{
    bool wrapped;
    struct str input = anthropic_arguments(a, p->arguments, &wrapped), id = anthropic_call_id(a, p->id);
    if (!input.p || !id.p)
        return E_FULL;
    bedrock_put_call(w, id, p->name, input);
    return E_OK;
}

static void put_media(struct json_out *w, const struct ir_part *p)
{
    struct str format = bedrock_format(p->kind, p->media.mime), text = bedrock_media_text(p);
    bool block = (p->kind == IR_IMAGE || p->kind == IR_AUDIO) && format.p && p->media.data.p;
    if (block) {
        bedrock_open(w, p->kind == IR_IMAGE ? "image" : "audio");
        (void)bedrock_put_media(w, p, format);
        bedrock_close(w);
    } else if (text.p) {
        put_text(w, text);
    }
}

static enum err put_part(struct arena *a, struct json_out *w, const struct ir_part *p)
{
    switch (p->kind) {
    case IR_TEXT:
        if (p->citations)
            put_cited(w, p);
        else
            put_text(w, p->text);
        return E_OK;
    case IR_REFUSAL: put_text(w, p->text); return E_OK;
    case IR_THINKING: return put_thinking(a, w, p);
    case IR_TOOL_CALL: return put_call(a, w, p);
    case IR_RAW:
        if (p->raw_dialect == D_BEDROCK_CONVERSE)
            json_put_raw(w, p->raw);
        return E_OK;
    case IR_TOOL_RESULT: return E_OK; /* not in an answer */
    default: put_media(w, p); return E_OK;
    }
}

static enum err put_content(struct arena *a, struct json_out *w, const struct ir_choice_answer *c,
                            bool *ret_calls)
{
    enum err e = E_OK;
    *ret_calls = false;
    for (const struct ir_part *p = c ? c->parts : NULL; p && e == E_OK; p = p->next) {
        e = put_part(a, w, p);
        if (e == E_OK && p->signature.n && p->kind != IR_THINKING)
            e = put_redacted(a, w, p);
        *ret_calls |= p->kind == IR_TOOL_CALL;
    }
    return e;
}

enum err bedrock_write_answer(struct arena *a, const struct ir_answer *answer,
                              const struct ir_request *request, struct buf *out)
{
    static const struct usage none = {.known = false};
    const struct ir_choice_answer *c = answer->choices;
    struct json_out w = json_out(out);
    bool calls;
    (void)request;
    json_open(&w, '{');
    json_key(&w, "output");
    bedrock_open(&w, "message");
    json_add_str(&w, "role", STR("assistant"));
    json_key(&w, "content");
    json_open(&w, '[');
    enum err e = put_content(a, &w, c, &calls);
    json_close(&w, ']');
    bedrock_close(&w);
    json_add_str(&w, "stopReason", bedrock_stop_reason(c ? c->finish : IR_FINISH_UNKNOWN, calls));
    if (c && c->stop_sequence.p) {
        json_key(&w, "additionalModelResponseFields");
        json_open(&w, '{');
        json_add_str(&w, "stop_sequence", c->stop_sequence);
        json_close(&w, '}');
    }
    json_key(&w, "usage"); /* required: zeros where nobody knows */
    bedrock_put_usage(&w, answer->has_usage ? &answer->usage : &none);
    json_key(&w, "metrics");
    json_open(&w, '{');
    json_add_int(&w, "latencyMs", 0); /* required too; the gateway's log has it */
    json_close(&w, '}');
    json_close(&w, '}');
    return e == E_OK && out->full ? E_FULL : e;
}
