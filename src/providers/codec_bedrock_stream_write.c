/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ConverseStream written. A payload is made at the end of the output, and its frame then takes its place;
 * deltas cost no allocation.
 */
#include "providers/aws_stream.h"
#include "providers/codec_bedrock.h"

struct writing {
    int64_t index;                   /* of the block that is open, or was last; -1: none yet */
    int block;                       /* the neutral form's; -1: none is open */
    bool open, thinking, call, said; /* the block: is it open, what is it, has the call arguments */
    bool calls;                      /* the answer has some */
    struct str thought; /* a thinking item's id, which goes before its signature; p == NULL: none, or told */
    bool unknown;       /* no reason to end is known by now; an error may be it */
    bool has_usage;
    struct usage usage;
    char *space; /* a payload, until its frame is made */
    size_t cap;
};

static struct writing *writing_of(struct codec_writer *w)
{
    if (!w->state) {
        struct writing *s = w->state = arena_new(w->arena, struct writing);
        if (s)
            *s = (struct writing){.index = -1, .block = -1, .unknown = true};
    }
    return w->state;
}

/* The payload stands at the end of out, from `at` on: its frame takes its place. */
static enum err frame(struct codec_writer *w, size_t at, const char *type, bool exception)
{
    struct writing *s = w->state;
    size_t n = w->out->n - at;
    if (w->out->full)
        return E_FULL;
    if (s->cap < n) {
        s->space = arena_alloc(w->arena, 2 * n);
        s->cap = s->space ? 2 * n : 0;
        if (!s->space)
            return E_FULL;
    }
    if (n)
        memcpy(s->space, w->out->p + at, n);
    w->out->n = at;
    const struct str headers[][2] = {
        {exception ? STR(":exception-type") : STR(":event-type"), str_c(type)},
        {S(":content-type"), S("application/json")},
        {S(":message-type"), exception ? STR("exception") : STR("event")},
    };
    return aws_frame_write(w->out, headers, countof(headers), str_of(s->space, n));
}

static void put_index(struct codec_writer *w, struct json_out *j)
{
    const struct writing *s = w->state;
    json_add_int(j, "contentBlockIndex", s->index);
}

/* {"delta": {"KIND": {"KEY": text}}, ...}; key NULL: {"delta": {"KIND": text}, ...} */
static enum err put_delta(struct codec_writer *w, const char *kind, const char *key, struct str text)
{
    size_t at = w->out->n;
    struct json_out j = json_out(w->out);
    bedrock_open(&j, "delta");
    json_key(&j, kind);
    if (key)
        json_open(&j, '{');
    if (key)
        json_key(&j, key);
    json_put_str(&j, text.p ? text : STR(""));
    if (key)
        json_close(&j, '}');
    json_close(&j, '}');
    put_index(w, &j);
    json_close(&j, '}');
    return frame(w, at, "contentBlockDelta", false);
}

static enum err stop_block(struct codec_writer *w)
{
    struct writing *s = w->state;
    enum err e = E_OK;
    if (!s->open)
        return E_OK;
    if (s->call && !s->said)
        e = put_delta(w, "toolUse", "input", STR("{}"));
    if (e == E_OK && s->thought.p) { /* nobody signed it, but it has an id */
        struct str tag = anthropic_tag(w->arena, s->thought, STR(""));
        e = tag.p ? put_delta(w, "reasoningContent", "signature", tag) : E_FULL;
    }
    if (e != E_OK)
        return e;
    size_t at = w->out->n;
    struct json_out j = json_out(w->out);
    json_open(&j, '{');
    put_index(w, &j);
    json_close(&j, '}');
    s->open = s->call = s->said = false;
    s->thought = str_of(NULL, 0);
    return frame(w, at, "contentBlockStop", false);
}

static enum err begin_block(struct codec_writer *w, int block)
{
    struct writing *s = w->state;
    enum err e = stop_block(w);
    s->open = true;
    s->thinking = false;
    s->block = block;
    s->index++;
    return e;
}

static enum err enter_block(struct codec_writer *w, const struct ir_event *ev)
{
    const struct writing *s = w->state;
    return s->open && s->block == ev->block ? E_OK : begin_block(w, ev->block);
}

static enum err put_call(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *s = w->state;
    struct str id = anthropic_call_id(w->arena, ev->id);
    enum err e = id.p ? begin_block(w, ev->block) : E_FULL;
    if (e != E_OK)
        return e;
    s->call = s->calls = true;
    size_t at = w->out->n;
    struct json_out j = json_out(w->out);
    bedrock_open(&j, "start");
    json_key(&j, "toolUse");
    json_open(&j, '{');
    json_add_str(&j, "toolUseId", id);
    json_add_str(&j, "name", ev->name);
    bedrock_close(&j);
    put_index(w, &j);
    json_close(&j, '}');
    return frame(w, at, "contentBlockStart", false);
}

static enum err put_arguments(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *s = w->state;
    if (!ev->text.n || !s->call)
        return E_OK;
    s->said = true;
    return put_delta(w, "toolUse", "input", ev->text);
}

static enum err put_thinking(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *s = w->state;
    enum err e = enter_block(w, ev);
    s->thinking = true;
    if (e == E_OK && ev->id.n && !s->thought.p) {
        s->thought = arena_dup(w->arena, ev->id);
        e = s->thought.p ? E_OK : E_FULL;
    }
    return e == E_OK && ev->text.n ? put_delta(w, "reasoningContent", "text", ev->text) : e;
}

/* Of a block that is no thinking, or of thinking that nobody can read: a block of its own. */
static enum err put_redacted(struct codec_writer *w, const struct ir_event *ev, bool thinking)
{
    struct writing *s = w->state;
    struct ir_part p = {.kind = thinking ? IR_THINKING : IR_TEXT, .signature = ev->text, .id = s->thought};
    struct str content = bedrock_redacted(w->arena, &p);
    s->thought = str_of(NULL, 0);
    enum err e = content.p ? E_OK : E_FULL;
    if (e == E_OK && (!thinking || !s->open || s->block != ev->block))
        e = begin_block(w, ev->block);
    if (e == E_OK)
        e = put_delta(w, "reasoningContent", "redactedContent", content);
    return e == E_OK ? stop_block(w) : e;
}

static enum err put_signature(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *s = w->state;
    bool behind = s->block == ev->block && !s->thinking && s->index >= 0;
    if (!ev->text.n)
        return E_OK;
    if (behind || ev->redacted)
        return put_redacted(w, ev, !behind);
    enum err e = enter_block(w, ev);
    s->thinking = true;
    struct str text = s->thought.p ? anthropic_tag(w->arena, s->thought, ev->text) : ev->text;
    s->thought = str_of(NULL, 0);
    if (e == E_OK && !text.p)
        return E_FULL;
    return e == E_OK ? put_delta(w, "reasoningContent", "signature", text) : e;
}

static enum err put_text(struct codec_writer *w, const struct ir_event *ev)
{
    enum err e = enter_block(w, ev);
    return e == E_OK ? put_delta(w, "text", NULL, ev->text) : e;
}

static enum err put_citation(struct codec_writer *w, const struct ir_event *ev)
{
    enum err e = enter_block(w, ev);
    if (e != E_OK)
        return e;
    size_t at = w->out->n;
    struct json_out j = json_out(w->out);
    bedrock_open(&j, "delta");
    json_key(&j, "citation");
    bedrock_put_citation(&j, ev->citation);
    json_close(&j, '}');
    put_index(w, &j);
    json_close(&j, '}');
    return frame(w, at, "contentBlockDelta", false);
}

static enum err put_image(struct codec_writer *w, const struct ir_event *ev, struct str format)
{
    enum err e = begin_block(w, ev->block);
    size_t at = w->out->n;
    struct json_out j = json_out(w->out);
    bedrock_open(&j, "start");
    json_key(&j, "image");
    json_open(&j, '{');
    json_add_str(&j, "format", format);
    bedrock_close(&j);
    put_index(w, &j);
    json_close(&j, '}');
    if (e == E_OK)
        e = frame(w, at, "contentBlockStart", false);
    at = w->out->n;
    j = json_out(w->out);
    bedrock_open(&j, "delta");
    json_key(&j, "image");
    bedrock_open(&j, "source");
    json_add_str(&j, "bytes", ev->part->media.data);
    bedrock_close(&j);
    json_close(&j, '}');
    put_index(w, &j);
    json_close(&j, '}');
    return e == E_OK ? frame(w, at, "contentBlockDelta", false) : e;
}

static enum err put_media(struct codec_writer *w, const struct ir_event *ev)
{
    const struct ir_part *p = ev->part;
    struct str format = bedrock_format(IR_IMAGE, p->media.mime), text = bedrock_media_text(p);
    if (p->kind == IR_IMAGE && format.p && p->media.data.p)
        return put_image(w, ev, format);
    if (!text.p)
        return E_OK;
    enum err e = begin_block(w, ev->block);
    return e == E_OK ? put_delta(w, "text", NULL, text) : e;
}

static enum err put_start(struct codec_writer *w)
{
    size_t at = w->out->n;
    struct json_out j = json_out(w->out);
    json_open(&j, '{');
    json_add_str(&j, "role", STR("assistant"));
    json_close(&j, '}');
    return frame(w, at, "messageStart", false);
}

static enum err put_finish(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *s = w->state;
    s->unknown = false;
    enum err e = stop_block(w);
    size_t at = w->out->n;
    struct json_out j = json_out(w->out);
    json_open(&j, '{');
    json_add_str(&j, "stopReason", bedrock_stop_reason(ev->finish, s->calls));
    if (ev->text.p) {
        json_key(&j, "additionalModelResponseFields");
        json_open(&j, '{');
        json_add_str(&j, "stop_sequence", ev->text);
        json_close(&j, '}');
    }
    json_close(&j, '}');
    return e == E_OK ? frame(w, at, "messageStop", false) : e;
}

/* Behind messageStop, whenever the numbers came. */
static enum err put_metadata(struct codec_writer *w)
{
    const struct writing *s = w->state;
    if (!s->has_usage)
        return E_OK;
    size_t at = w->out->n;
    struct json_out j = json_out(w->out);
    json_open(&j, '{');
    json_key(&j, "usage");
    bedrock_put_usage(&j, &s->usage);
    json_key(&j, "metrics");
    json_open(&j, '{');
    json_add_int(&j, "latencyMs", 0); /* required */
    json_close(&j, '}');
    json_close(&j, '}');
    return frame(w, at, "metadata", false);
}

static enum err put_end(struct codec_writer *w)
{
    const struct writing *s = w->state;
    const struct ir_event finish = {.kind = IR_EV_FINISH, .finish = IR_FINISH_UNKNOWN};
    enum err e = s->unknown ? put_finish(w, &finish) : E_OK;
    return e == E_OK ? put_metadata(w) : e;
}

/* Streams know five exceptions, written with a small letter. */
static const char *stream_exception(const struct ir_error *e)
{
    switch (e->kind) {
    case IR_ERR_INVALID:
    case IR_ERR_AUTH:
    case IR_ERR_PERMISSION:
    case IR_ERR_NOT_FOUND: return "validationException";
    case IR_ERR_RATE:
    case IR_ERR_QUOTA: return "throttlingException";
    case IR_ERR_OVERLOADED: return "serviceUnavailableException";
    case IR_ERR_TIMEOUT: return "modelStreamErrorException";
    case IR_ERR_SERVER: break;
    }
    bool model = str_istarts(e->code, STR("Model"));
    return model ? "modelStreamErrorException" : "internalServerException";
}

static enum err put_error(struct codec_writer *w, const struct ir_error *e)
{
    size_t at = w->out->n;
    struct json_out j = json_out(w->out);
    json_open(&j, '{');
    json_add_str(&j, "message", e->message.p ? e->message : STR(""));
    json_close(&j, '}');
    return frame(w, at, stream_exception(e), true);
}

static enum err put_event(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *s = w->state;
    switch (ev->kind) {
    case IR_EV_START: return put_start(w);
    case IR_EV_TEXT:
    case IR_EV_REFUSAL: return put_text(w, ev);
    case IR_EV_THINKING: return put_thinking(w, ev);
    case IR_EV_SIGNATURE: return put_signature(w, ev);
    case IR_EV_CALL: return put_call(w, ev);
    case IR_EV_ARGUMENTS: return put_arguments(w, ev);
    case IR_EV_MEDIA: return put_media(w, ev);
    case IR_EV_CITATION: return put_citation(w, ev);
    case IR_EV_FINISH:
        s->unknown = ev->finish == IR_FINISH_UNKNOWN;
        return s->unknown ? stop_block(w) : put_finish(w, ev);
    case IR_EV_USAGE:
        s->has_usage = true;
        s->usage = *ev->usage;
        return E_OK;
    case IR_EV_ERROR: return put_error(w, ev->error);
    case IR_EV_END: return put_end(w);
    case IR_EV_RAW: /* has no form in a stream */
    case IR_EV_LOGPROBS: break;
    }
    return E_OK;
}

/* The dialect has one choice: others are not told. */
enum err bedrock_write_event(struct codec_writer *w, const struct ir_event *ev)
{
    if (!writing_of(w))
        return E_FULL;
    if (w->ended || ev->choice != 0)
        return E_OK;
    w->started |= ev->kind == IR_EV_START;
    w->ended = ev->kind == IR_EV_END || ev->kind == IR_EV_ERROR;
    enum err e = put_event(w, ev);
    return e == E_OK && w->out->full ? E_FULL : e;
}
