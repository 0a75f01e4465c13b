/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole answers of Anthropic Messages, both ways. Usage counts apart here what the neutral form counts in:
 * input_tokens is without what was read from and written to the cache.
 */
#include "providers/codec_anthropic.h"

/* ---- usage, stop reasons, citations: for streams too ------------------------------------------------- */

void anthropic_put_usage(struct json_out *w, const struct usage *u)
{
    static const struct usage none = {.known = false};
    if (!u || !u->known)
        u = &none;
    json_open(w, '{');
    json_add_int(w, "input_tokens", u->input - u->cached - u->cache_write);
    json_add_int(w, "cache_creation_input_tokens", u->cache_write);
    json_add_int(w, "cache_read_input_tokens", u->cached);
    if (u->cache_write) {
        json_key(w, "cache_creation");
        json_open(w, '{');
        json_add_int(w, "ephemeral_5m_input_tokens", u->cache_write - u->cache_write_1h);
        json_add_int(w, "ephemeral_1h_input_tokens", u->cache_write_1h);
        json_close(w, '}');
    }
    json_add_int(w, "output_tokens", u->output);
    if (u->reasoning) {
        json_key(w, "output_tokens_details");
        json_open(w, '{');
        json_add_int(w, "thinking_tokens", u->reasoning);
        json_close(w, '}');
    }
    json_close(w, '}');
}

static const struct {
    struct str reason;
    enum ir_finish finish;
} reasons[] = {
    /* the first of a kind is the one that is written */
    {S("end_turn"), IR_FINISH_STOP},     {S("stop_sequence"), IR_FINISH_STOP_SEQUENCE},
    {S("max_tokens"), IR_FINISH_LENGTH}, {S("model_context_window_exceeded"), IR_FINISH_LENGTH},
    {S("tool_use"), IR_FINISH_TOOLS},    {S("refusal"), IR_FINISH_REFUSAL},
    {S("pause_turn"), IR_FINISH_PAUSE},
};

enum ir_finish anthropic_finish(struct str stop_reason)
{
    for (size_t i = 0; i < countof(reasons); i++)
        if (str_eq(stop_reason, reasons[i].reason))
            return reasons[i].finish;
    return IR_FINISH_UNKNOWN;
}

static struct str reason_of(enum ir_finish finish)
{
    for (size_t i = 0; i < countof(reasons); i++)
        if (reasons[i].finish == finish)
            return reasons[i].reason;
    return STR("end_turn");
}

/* One of another dialect: what was found in the web, or in something that the request gave. */
void anthropic_put_citation(struct json_out *w, const struct ir_citation *c)
{
    if (c->raw.n && c->raw_dialect == D_ANTHROPIC) {
        json_put_raw(w, c->raw);
        return;
    }
    json_open(w, '{');
    json_add_str(w, "type", c->url.n ? STR("web_search_result_location") : STR("search_result_location"));
    json_add_str(w, "cited_text", c->quote.p ? c->quote : STR(""));
    json_add_str(w, "title", c->title);
    if (c->url.n) {
        json_add_str(w, "url", c->url);
        json_add_str(w, "encrypted_index", STR(""));
    } else {
        struct str source = c->document.p ? c->document : c->file_id;
        json_add_str(w, "source", source.p ? source : STR(""));
        json_add_int(w, "search_result_index", 0);
        json_add_int(w, "start_block_index", 0);
        json_add_int(w, "end_block_index", 1);
    }
    json_close(w, '}');
}

struct str anthropic_media_text(struct arena *a, const struct ir_part *p)
{
    const struct ir_media *m = &p->media;
    const struct str pieces[] = {S("data:"), m->mime, S(";base64,"), m->data};
    if (m->data.p && !m->text.p)
        return arena_join(a, pieces, countof(pieces));
    return m->text.p ? m->text : m->url.p ? m->url : m->file_id.p ? m->file_id : STR("");
}

void anthropic_put_stop(struct json_out *w, enum ir_finish finish, struct str sequence, bool calls,
                        bool refused)
{
    bool failed = finish == IR_FINISH_ERROR;
    if (finish == IR_FINISH_STOP || finish == IR_FINISH_UNKNOWN)
        finish = calls ? IR_FINISH_TOOLS : refused ? IR_FINISH_REFUSAL : IR_FINISH_STOP;
    if (failed || finish == IR_FINISH_FILTER)
        finish = IR_FINISH_REFUSAL;
    json_add_str(w, "stop_reason", reason_of(finish));
    json_add_str(w, "stop_sequence", sequence);
    if (!failed) /* there is no word for it, but it must not look like an answer that is complete */
        return;
    json_key(w, "stop_details");
    json_open(w, '{');
    json_add_str(w, "type", STR("refusal"));
    json_add_str(w, "category", str_of(NULL, 0));
    json_add_str(w, "explanation", STR("The provider ended its answer with an error"));
    json_close(w, '}');
}

/* ---- reading --------------------------------------------------------------------------------------- */

static void give_error(struct arena *a, const struct json_val *root,
                       void (*on_event)(void *arg, const struct ir_event *ev), void *arg)
{
    struct ir_error error;
    anthropic_error_of(a, root, 0, &error);
    on_event(arg, &(struct ir_event){.kind = IR_EV_ERROR, .error = &error});
}

static enum err read_choice(struct arena *a, const struct json_val *root, struct ir_choice_answer *c)
{
    struct str why = {NULL, 0}, explanation = codec_text(json_get(root, "stop_details"), "explanation");
    enum err e = anthropic_read_blocks(a, json_get(root, "content"), &c->parts, NULL, "content", &why);
    c->finish = anthropic_finish(codec_text(root, "stop_reason"));
    c->stop_sequence = codec_text(root, "stop_sequence");
    if (e != E_OK || !explanation.n)
        return e;
    struct ir_part *p = ir_add_part(a, &c->parts, IR_REFUSAL);
    if (p)
        p->text = explanation;
    return p ? E_OK : E_FULL;
}

static enum err read_root(struct arena *a, struct str body, const struct json_val *root,
                          void (*on_event)(void *arg, const struct ir_event *ev), void *arg)
{
    struct ir_choice_answer choice = {.last_block = -1};
    struct ir_answer answer;
    struct meter m;
    if (json_type(json_get(root, "error")) == JSON_OBJECT) {
        give_error(a, root, on_event, arg);
        return E_SYNTAX;
    }
    const struct json_val *content = json_get(root, "content");
    bool ended = codec_text(root, "stop_reason").n;
    if (json_type(content) != JSON_ARRAY || (json_count(content) == 0 && !ended)) /* nothing is no answer */
        return E_SYNTAX;
    enum err e = read_choice(a, root, &choice);
    if (e != E_OK)
        return e;
    ir_answer_init(&answer, a);
    answer.id = codec_text(root, "id");
    answer.model = codec_text(root, "model");
    answer.choices = &choice;
    meter_init(&m, NULL, D_ANTHROPIC);
    meter_json(&m, body);
    answer.usage = *meter_usage(&m);
    answer.has_usage = answer.usage.known;
    ir_answer_play(&answer, on_event, arg);
    return E_OK;
}

enum err anthropic_read_answer(struct arena *a, struct str body,
                               void (*on_event)(void *arg, const struct ir_event *ev), void *arg)
{
    struct json_doc *doc = json_parse_exact(body, NULL, NULL);
    enum err e = doc ? read_root(a, body, json_root(doc), on_event, arg) : E_SYNTAX;
    json_free(doc);
    return e;
}

/* ---- writing --------------------------------------------------------------------------------------- */

struct writing {
    struct arena *a;
    struct json_out w;
    bool calls, refused;
};

static void put_text(struct writing *y, struct str text, const struct ir_citation *c)
{
    json_open(&y->w, '{');
    json_add_str(&y->w, "type", STR("text"));
    json_add_str(&y->w, "text", text.p ? text : STR(""));
    if (c) {
        json_key(&y->w, "citations");
        json_open(&y->w, '[');
        for (; c; c = c->next)
            anthropic_put_citation(&y->w, c);
        json_close(&y->w, ']');
    }
    json_close(&y->w, '}');
}

static enum err put_call(struct writing *y, const struct ir_part *p)
{
    bool wrapped = false;
    struct str input = anthropic_arguments(y->a, p->arguments, &wrapped);
    if (!input.p)
        return E_FULL;
    y->calls = true;
    json_open(&y->w, '{');
    json_add_str(&y->w, "type", STR("tool_use"));
    json_add_str(&y->w, "id", p->id.p ? p->id : STR(""));
    json_add_str(&y->w, "name", p->name.p ? p->name : STR(""));
    json_add_raw(&y->w, "input", input);
    json_close(&y->w, '}');
    return E_OK;
}

static void put_redacted(struct writing *y, struct str data)
{
    json_open(&y->w, '{');
    json_add_str(&y->w, "type", STR("redacted_thinking"));
    json_add_str(&y->w, "data", data);
    json_close(&y->w, '}');
}

static enum err put_thinking(struct writing *y, const struct ir_part *p)
{
    struct str signature = p->signature.p ? p->signature : STR("");
    if (p->id.n)
        signature = anthropic_tag(y->a, p->id, signature);
    if (!signature.p)
        return E_FULL;
    if (p->redacted) {
        if (signature.n) /* else it says nothing at all */
            put_redacted(y, signature);
        return E_OK;
    }
    json_open(&y->w, '{');
    json_add_str(&y->w, "type", STR("thinking"));
    json_add_str(&y->w, "thinking", p->text.p ? p->text : STR(""));
    json_add_str(&y->w, "signature", signature);
    json_close(&y->w, '}');
    return E_OK;
}

static enum err put_media(struct writing *y, const struct ir_part *p)
{
    struct str text = anthropic_media_text(y->a, p);
    if (!text.p)
        return E_FULL;
    put_text(y, text, NULL);
    return E_OK;
}

static enum err put_kind(struct writing *y, const struct ir_part *p)
{
    switch (p->kind) {
    case IR_TEXT: put_text(y, p->text, p->citations); return E_OK;
    case IR_REFUSAL:
        y->refused = true;
        put_text(y, p->text, NULL);
        return E_OK;
    case IR_TOOL_CALL: return put_call(y, p);
    case IR_THINKING: return put_thinking(y, p);
    case IR_RAW:
        if (p->raw_dialect == D_ANTHROPIC)
            json_put_raw(&y->w, p->raw);
        return E_OK;
    case IR_TOOL_RESULT: return E_OK; /* not in an answer */
    default: return put_media(y, p);
    }
}

static enum err put_part(struct writing *y, const struct ir_part *p)
{
    enum err e = put_kind(y, p);
    if (e != E_OK || p->kind == IR_THINKING || !p->signature.n)
        return e;
    struct str data = anthropic_tag(y->a, STR(""), p->signature);
    if (!data.p)
        return E_FULL;
    put_redacted(y, data);
    return E_OK;
}

static enum err put_content(struct writing *y, const struct ir_choice_answer *c)
{
    enum err e = E_OK;
    json_key(&y->w, "content");
    json_open(&y->w, '[');
    for (const struct ir_part *p = c ? c->parts : NULL; p && e == E_OK; p = p->next)
        e = put_part(y, p);
    json_close(&y->w, ']');
    return e;
}

enum err anthropic_write_answer(struct arena *a, const struct ir_answer *answer,
                                const struct ir_request *request, struct buf *out)
{
    const struct ir_choice_answer *c = answer->choices; /* there is room for one */
    struct str model = answer->model.n || !request ? answer->model : request->model;
    struct writing y = {.a = a, .w = json_out(out)};
    json_open(&y.w, '{');
    json_add_str(&y.w, "id", answer->id.n ? answer->id : STR("msg_0"));
    json_add_str(&y.w, "type", STR("message"));
    json_add_str(&y.w, "role", STR("assistant"));
    json_add_str(&y.w, "model", model.p ? model : STR(""));
    enum err e = put_content(&y, c);
    enum ir_finish finish = c ? c->finish : IR_FINISH_UNKNOWN;
    anthropic_put_stop(&y.w, finish, c ? c->stop_sequence : str_of(NULL, 0), y.calls, y.refused);
    json_key(&y.w, "usage");
    anthropic_put_usage(&y.w, answer->has_usage ? &answer->usage : NULL);
    json_close(&y.w, '}');
    return e == E_OK && out->full ? E_FULL : e;
}
