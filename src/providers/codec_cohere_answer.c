/* SPDX-License-Identifier: Apache-2.0 */
/* Whole answers of Cohere v2 chat, both ways. */
#include "providers/codec_cohere.h"

/* ---- reading --------------------------------------------------------------------------------------- */

struct answer {
    struct ir_answer w;
    bool failed; /* it ended with an error, and says nothing */
};

static enum err read_root(struct arena *a, const struct json_val *root, struct answer *ret)
{
    const struct json_val *message = json_get(root, "message");
    struct str reason = codec_text(root, "finish_reason"), why;
    struct ir_choice_answer *c = ret->w.choices = arena_new(a, struct ir_choice_answer);
    if (!c)
        return E_FULL;
    if (json_type(message) != JSON_OBJECT || !reason.p)
        return E_SYNTAX;
    enum err e = cohere_read_assistant(a, message, "message", &c->parts, &why);
    if (e != E_OK)
        return e;
    (void)cohere_finish(reason, &c->finish);
    ret->w.id = codec_text(root, "id");
    c->logprobs = cohere_read_logprobs(a, json_get(root, "logprobs"));
    ret->failed = c->finish == IR_FINISH_ERROR && !c->parts;
    if (ret->failed) {
        ret->w.has_error = true;
        ret->w.error = cohere_ended_badly(reason, codec_text(root, "error"));
    }
    return E_OK;
}

enum err cohere_read_answer(struct arena *a, struct str body,
                            void (*on_event)(void *arg, const struct ir_event *ev), void *arg)
{
    struct answer x = {.failed = false};
    struct meter m;
    struct json_doc *doc = json_parse(body);
    if (!doc)
        return E_SYNTAX;
    ir_answer_init(&x.w, a);
    enum err e = read_root(a, json_root(doc), &x);
    if (e == E_OK && x.failed) {
        const struct ir_event ev = {.kind = IR_EV_ERROR, .error = &x.w.error};
        on_event(arg, &ev);
        e = E_SYNTAX;
    } else if (e == E_OK) {
        meter_init(&m, NULL, D_COHERE_V2);
        meter_json(&m, body);
        x.w.usage = *meter_usage(&m);
        x.w.has_usage = x.w.usage.known;
        ir_answer_play(&x.w, on_event, arg);
    }
    json_free(doc);
    return e;
}

/* ---- writing --------------------------------------------------------------------------------------- */

static struct str text_of(const struct ir_part *p)
{
    bool media = p->kind >= IR_IMAGE && p->kind <= IR_FILE;
    if (media) /* a transcript, an address */
        return p->media.text.p ? p->media.text : p->media.url;
    bool text = p->kind == IR_TEXT || p->kind == IR_REFUSAL || (p->kind == IR_THINKING && !p->redacted);
    return !text ? str_of(NULL, 0) : p->text.p ? p->text : STR("");
}

static void put_item(struct json_out *w, enum ir_kind kind, struct str text)
{
    const char *type = kind == IR_THINKING ? "thinking" : "text";
    json_open(w, '{');
    json_add_str(w, "type", str_c(type));
    json_add_str(w, type, text);
    json_close(w, '}');
}

static void put_content(struct json_out *w, const struct ir_choice_answer *c)
{
    bool told = false;
    json_key(w, "content");
    json_open(w, '[');
    for (const struct ir_part *p = c ? c->parts : NULL; p; p = p->next) {
        told |= text_of(p).p || p->kind == IR_TOOL_CALL;
        if (text_of(p).p)
            put_item(w, p->kind, text_of(p));
    }
    struct str excuse = c ? cohere_excuse(c->finish) : str_of(NULL, 0);
    if (!told && excuse.p)
        put_item(w, IR_TEXT, excuse);
    json_close(w, ']');
}

static bool put_calls(struct json_out *w, const struct ir_choice_answer *c)
{
    bool any = false;
    for (const struct ir_part *p = c ? c->parts : NULL; p; p = p->next) {
        if (p->kind != IR_TOOL_CALL)
            continue;
        if (!any) {
            json_key(w, "tool_calls");
            json_open(w, '[');
        }
        any = true;
        cohere_put_call(w, p);
    }
    if (any)
        json_close(w, ']');
    return any;
}

static void put_citations(struct json_out *w, const struct ir_choice_answer *c)
{
    bool any = false;
    int64_t index = 0;
    for (const struct ir_part *p = c ? c->parts : NULL; p; p = p->next) {
        for (const struct ir_citation *i = p->citations; i; i = i->next) {
            if (!any) {
                json_key(w, "citations");
                json_open(w, '[');
            }
            any = true;
            cohere_put_citation(w, i, index);
        }
        index += text_of(p).p != NULL;
    }
    if (any)
        json_close(w, ']');
}

static void put_logprobs(struct json_out *w, struct str entries)
{
    struct json_doc *doc = json_parse(entries);
    json_key(w, "logprobs");
    json_open(w, '[');
    for (struct json_iter it = json_iter(json_root(doc)); json_next(&it);)
        cohere_put_logprob(w, it.val);
    json_close(w, ']');
    json_free(doc);
}

enum err cohere_write_answer(struct arena *a, const struct ir_answer *answer,
                             const struct ir_request *request, struct buf *out)
{
    const struct ir_choice_answer *c = answer->choices;
    struct json_out w = json_out(out);
    (void)a;
    (void)request;
    json_open(&w, '{');
    json_add_str(&w, "id", answer->id.p ? answer->id : STR("0"));
    json_key(&w, "message");
    json_open(&w, '{');
    json_add_str(&w, "role", STR("assistant"));
    put_content(&w, c);
    bool calls = put_calls(&w, c);
    put_citations(&w, c);
    json_close(&w, '}');
    json_add_str(&w, "finish_reason", cohere_finish_reason(c ? c->finish : IR_FINISH_UNKNOWN, calls));
    if (answer->has_usage) {
        json_key(&w, "usage");
        cohere_put_usage(&w, &answer->usage);
    }
    if (c && c->logprobs.n)
        put_logprobs(&w, c->logprobs);
    json_close(&w, '}');
    return out->full ? E_FULL : E_OK;
}
