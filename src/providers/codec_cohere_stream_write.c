/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of Cohere v2 chat, written. Content and tool calls are counted apart. The reason and the usage come
 * together in the last event, so they wait for the end.
 */
#include "providers/codec_cohere.h"

struct writing {
    int block; /* of the neutral form, which is open; -1: none */
    enum open { OPEN_NOTHING, OPEN_TEXT, OPEN_THINKING, OPEN_CALL } open;
    int64_t content, calls; /* so far; the open one is the last of its kind */
    bool said;              /* the call has arguments */
    int64_t citations;
    enum ir_finish finish;
    bool has_usage;
    struct usage usage;
};

static struct writing *writing_of(struct codec_writer *w)
{
    if (!w->state) {
        struct writing *s = w->state = arena_new(w->arena, struct writing);
        if (s)
            s->block = -1;
    }
    return w->state;
}

/* ---- pieces of events ------------------------------------------------------------------------------ */

/* event: TYPE, data: {"type":"TYPE", and an index unless it is negative */
static struct json_out open_event(struct codec_writer *w, const char *type, int64_t index)
{
    (void)buf_append(w->out, STR("event: "));
    (void)buf_append_c(w->out, type);
    (void)buf_append(w->out, STR("\ndata: "));
    struct json_out j = json_out(w->out);
    json_open(&j, '{');
    json_add_str(&j, "type", str_c(type));
    if (index >= 0)
        json_add_int(&j, "index", index);
    return j;
}

static void close_event(struct codec_writer *w, struct json_out *j)
{
    json_close(j, '}');
    (void)buf_append(w->out, STR("\n\n"));
}

static void open_message(struct json_out *j)
{
    json_key(j, "delta");
    json_open(j, '{');
    json_key(j, "message");
    json_open(j, '{');
}

static void close_message(struct codec_writer *w, struct json_out *j)
{
    json_close(j, '}');
    json_close(j, '}');
    close_event(w, j);
}

static void put_empty(struct json_out *j, const char *key)
{
    json_key(j, key);
    json_open(j, '[');
    json_close(j, ']');
}

static void put_start(struct codec_writer *w, struct str id)
{
    struct json_out j = open_event(w, "message-start", -1);
    json_add_str(&j, "id", id.p ? id : STR("0"));
    open_message(&j);
    json_add_str(&j, "role", STR("assistant"));
    put_empty(&j, "content");
    json_add_str(&j, "tool_plan", STR(""));
    put_empty(&j, "tool_calls");
    put_empty(&j, "citations");
    close_message(w, &j);
}

static void put_content(struct codec_writer *w, const char *event, enum open kind, struct str text)
{
    const struct writing *s = w->state;
    const char *type = kind == OPEN_THINKING ? "thinking" : "text";
    struct json_out j = open_event(w, event, s->content - 1);
    open_message(&j);
    json_key(&j, "content");
    json_open(&j, '{');
    if (!text.p)
        json_add_str(&j, "type", str_c(type));
    json_add_str(&j, type, text.p ? text : STR(""));
    json_close(&j, '}');
    close_message(w, &j);
}

static void put_arguments(struct codec_writer *w, struct str text)
{
    struct writing *s = w->state;
    struct json_out j = open_event(w, "tool-call-delta", s->calls - 1);
    open_message(&j);
    json_key(&j, "tool_calls");
    json_open(&j, '{');
    json_key(&j, "function");
    json_open(&j, '{');
    json_add_str(&j, "arguments", text);
    json_close(&j, '}');
    json_close(&j, '}');
    close_message(w, &j);
    s->said = true;
}

/* ---- blocks ---------------------------------------------------------------------------------------- */

static void close_block(struct codec_writer *w)
{
    struct writing *s = w->state;
    bool call = s->open == OPEN_CALL;
    if (call && !s->said)
        put_arguments(w, STR("{}"));
    if (s->open != OPEN_NOTHING) {
        struct json_out j =
            open_event(w, call ? "tool-call-end" : "content-end", call ? s->calls - 1 : s->content - 1);
        close_event(w, &j);
    }
    s->open = OPEN_NOTHING;
    s->block = -1;
}

static void enter(struct codec_writer *w, int block, enum open kind)
{
    struct writing *s = w->state;
    if (s->open == kind && s->block == block)
        return;
    close_block(w);
    s->open = kind;
    s->block = block;
    s->content++;
    put_content(w, "content-start", kind, str_of(NULL, 0));
}

static void put_text(struct codec_writer *w, int block, enum open kind, struct str text)
{
    enter(w, block, kind);
    if (text.n)
        put_content(w, "content-delta", kind, text);
}

static void put_call(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *s = w->state;
    close_block(w);
    s->open = OPEN_CALL;
    s->block = ev->block;
    s->said = false;
    s->calls++;
    struct json_out j = open_event(w, "tool-call-start", s->calls - 1);
    open_message(&j);
    json_key(&j, "tool_calls");
    json_open(&j, '{');
    json_add_str(&j, "id", ev->id);
    json_add_str(&j, "type", STR("function"));
    json_key(&j, "function");
    json_open(&j, '{');
    json_add_str(&j, "name", ev->name);
    json_add_str(&j, "arguments", STR(""));
    json_close(&j, '}');
    json_close(&j, '}');
    close_message(w, &j);
}

static void put_media(struct codec_writer *w, const struct ir_event *ev)
{
    const struct ir_media *m = &ev->part->media;
    struct str text = m->text.p ? m->text : m->url; /* a transcript, an address */
    if (text.p)
        put_text(w, ev->block, OPEN_TEXT, text);
}

static void put_citation(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *s = w->state;
    enter(w, ev->block, OPEN_TEXT);
    int64_t number = s->citations++;
    struct json_out j = open_event(w, "citation-start", number);
    open_message(&j);
    json_key(&j, "citations");
    cohere_put_citation(&j, ev->citation, s->content - 1);
    close_message(w, &j);
    j = open_event(w, "citation-end", number);
    close_event(w, &j);
}

/* An entry each, beside a text that says nothing more. */
static void put_logprobs(struct codec_writer *w, struct str entries)
{
    const struct writing *s = w->state;
    struct json_doc *doc = json_parse(entries);
    for (struct json_iter it = json_iter(json_root(doc)); s->content && json_next(&it);) {
        struct json_out j = open_event(w, "content-delta", s->content - 1);
        open_message(&j);
        json_key(&j, "content");
        json_open(&j, '{');
        json_add_str(&j, "text", STR(""));
        json_close(&j, '}');
        json_close(&j, '}');
        json_close(&j, '}');
        json_key(&j, "logprobs");
        cohere_put_logprob(&j, it.val);
        close_event(w, &j);
    }
    json_free(doc);
}

/* ---- the end --------------------------------------------------------------------------------------- */

static void put_end(struct codec_writer *w)
{
    const struct writing *s = w->state;
    struct str excuse = cohere_excuse(s->finish);
    if (excuse.p && !s->content && !s->calls)
        put_text(w, 0, OPEN_TEXT, excuse);
    close_block(w);
    struct json_out j = open_event(w, "message-end", -1);
    json_key(&j, "delta");
    json_open(&j, '{');
    json_add_str(&j, "finish_reason", cohere_finish_reason(s->finish, s->calls > 0));
    if (s->has_usage) {
        json_key(&j, "usage");
        cohere_put_usage(&j, &s->usage);
    }
    json_close(&j, '}');
    close_event(w, &j);
}

static void put_error(struct codec_writer *w, const struct ir_error *e)
{
    bool timeout = e->kind == IR_ERR_TIMEOUT;
    struct json_out j = open_event(w, "message-end", -1);
    json_key(&j, "delta");
    json_open(&j, '{');
    json_add_str(&j, "error", e->message.n ? e->message : cohere_excuse(IR_FINISH_ERROR));
    json_add_str(&j, "finish_reason", timeout ? STR("TIMEOUT") : STR("ERROR"));
    json_close(&j, '}');
    close_event(w, &j);
}

static void put_event(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *s = w->state;
    switch (ev->kind) {
    case IR_EV_START: put_start(w, ev->id); break;
    case IR_EV_TEXT:
    case IR_EV_REFUSAL: put_text(w, ev->block, OPEN_TEXT, ev->text); break;
    case IR_EV_THINKING: put_text(w, ev->block, OPEN_THINKING, ev->text); break;
    case IR_EV_CALL: put_call(w, ev); break;
    case IR_EV_ARGUMENTS:
        if (ev->text.n && s->open == OPEN_CALL)
            put_arguments(w, ev->text);
        break;
    case IR_EV_MEDIA: put_media(w, ev); break;
    case IR_EV_CITATION: put_citation(w, ev); break;
    case IR_EV_LOGPROBS: put_logprobs(w, ev->text); break;
    case IR_EV_FINISH:
        close_block(w);
        s->finish = ev->finish;
        break;
    case IR_EV_USAGE:
        s->has_usage = true;
        s->usage = *ev->usage;
        break;
    case IR_EV_ERROR: put_error(w, ev->error); break;
    case IR_EV_END: put_end(w); break;
    case IR_EV_SIGNATURE: /* has no place here */
    case IR_EV_RAW: break;
    }
}

/* The dialect has one choice: others are not told. */
enum err cohere_write_event(struct codec_writer *w, const struct ir_event *ev)
{
    if (!writing_of(w))
        return E_FULL;
    if (w->ended || ev->choice != 0)
        return E_OK;
    w->started |= ev->kind == IR_EV_START;
    w->ended = ev->kind == IR_EV_END || ev->kind == IR_EV_ERROR;
    put_event(w, ev);
    return w->out->full ? E_FULL : E_OK;
}
