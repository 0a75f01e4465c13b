/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of Anthropic Messages written. The official client takes blocks by their index and in their order
 * only, so one block is open at a time and closed before the next. A signature waits for its block's end: the
 * client replaces it by each that comes, instead of joining them.
 */
#include "providers/codec_anthropic.h"

enum block { NOTHING, TEXT, THINKING, REDACTED, CALL };

struct writing {
    enum block open;
    int block;                   /* the neutral number of what is open */
    int index;                   /* of what is open, or comes next */
    struct codec_pile id;        /* of a thinking item of another dialect */
    struct codec_pile signature; /* of what is open */
    struct codec_pile stop;      /* the sequence that was hit */
    bool has_stop, calls, refused;
    enum ir_finish finish;
    struct usage usage;
};

static struct json_out begin_event(struct codec_writer *w, const char *name)
{
    (void)buf_printf(w->out, "event: %s\ndata: ", name);
    struct json_out o = json_out(w->out);
    json_open(&o, '{');
    json_add_str(&o, "type", str_c(name));
    return o;
}

static void end_event(struct json_out *o)
{
    json_close(o, '}');
    (void)buf_append(o->b, STR("\n\n"));
}

static void put_member(struct json_out *o, const char *key, struct str value)
{
    json_add_str(o, key, value.p ? value : STR(""));
}

static void put_index(struct json_out *o, int index)
{
    json_add_int(o, "index", index);
}

static void write_start(struct codec_writer *w, const struct ir_event *ev)
{
    struct str model = ev->model.n || !w->request ? ev->model : w->request->model;
    struct json_out o = begin_event(w, "message_start");
    json_key(&o, "message");
    json_open(&o, '{');
    put_member(&o, "id", ev->id.n ? ev->id : STR("msg_0"));
    put_member(&o, "type", STR("message"));
    put_member(&o, "role", STR("assistant"));
    put_member(&o, "model", model);
    json_key(&o, "content");
    json_open(&o, '[');
    json_close(&o, ']');
    json_key(&o, "stop_reason");
    json_put_null(&o);
    json_key(&o, "stop_sequence");
    json_put_null(&o);
    json_key(&o, "usage");
    anthropic_put_usage(&o, ev->usage);
    json_close(&o, '}');
    end_event(&o);
    w->started = true;
}

/* content_block_start up to the block's own members. */
static struct json_out begin_block(struct codec_writer *w, const char *type)
{
    struct writing *y = w->state;
    struct json_out o = begin_event(w, "content_block_start");
    put_index(&o, y->index);
    json_key(&o, "content_block");
    json_open(&o, '{');
    put_member(&o, "type", str_c(type));
    return o;
}

static void end_block_start(struct json_out *o)
{
    json_close(o, '}');
    end_event(o);
}

static void write_block_stop(struct codec_writer *w)
{
    struct writing *y = w->state;
    struct json_out o = begin_event(w, "content_block_stop");
    put_index(&o, y->index);
    end_event(&o);
    y->index++;
}

/* content_block_delta up to the delta's own members. */
static struct json_out begin_delta(struct codec_writer *w, const char *type)
{
    struct writing *y = w->state;
    struct json_out o = begin_event(w, "content_block_delta");
    put_index(&o, y->index);
    json_key(&o, "delta");
    json_open(&o, '{');
    put_member(&o, "type", str_c(type));
    return o;
}

static void write_delta(struct codec_writer *w, const char *type, const char *key, struct str value)
{
    struct json_out o = begin_delta(w, type);
    put_member(&o, key, value);
    json_close(&o, '}');
    end_event(&o);
}

static void write_redacted(struct codec_writer *w, struct str data)
{
    struct json_out o = begin_block(w, "redacted_thinking");
    put_member(&o, "data", data);
    end_block_start(&o);
    write_block_stop(w);
}

static enum err close_block(struct codec_writer *w)
{
    struct writing *y = w->state;
    struct str signature = codec_pile_str(&y->signature), id = codec_pile_str(&y->id);
    bool thinking = y->open == THINKING || y->open == REDACTED;
    if (y->open == NOTHING)
        return E_OK;
    if ((thinking && id.n) || (!thinking && signature.n))
        signature = anthropic_tag(w->arena, id, signature);
    if (!signature.p && y->signature.n + id.n)
        return E_FULL;
    if (y->open == THINKING && signature.n)
        write_delta(w, "signature_delta", "signature", signature);
    if (y->open != REDACTED)
        write_block_stop(w);
    if ((y->open == REDACTED || !thinking) && signature.n)
        write_redacted(w, signature);
    y->open = NOTHING;
    y->signature.n = y->id.n = 0;
    return E_OK;
}

static void open_block(struct codec_writer *w, const struct ir_event *ev, enum block kind)
{
    struct json_out o;
    switch (kind) {
    case TEXT:
        o = begin_block(w, "text");
        put_member(&o, "text", STR(""));
        break;
    case THINKING:
        o = begin_block(w, "thinking");
        put_member(&o, "thinking", STR(""));
        put_member(&o, "signature", STR(""));
        break;
    case CALL:
        o = begin_block(w, "tool_use");
        put_member(&o, "id", ev->id);
        put_member(&o, "name", ev->name);
        json_key(&o, "input");
        json_open(&o, '{');
        json_close(&o, '}');
        break;
    default: return; /* REDACTED comes whole, at its end */
    }
    end_block_start(&o);
}

/* Sees to it that the event's block is the open one. A block of two kinds, as some provider may send, is two.
 */
static enum err turn_to(struct codec_writer *w, const struct ir_event *ev, enum block kind)
{
    struct writing *y = w->state;
    bool fits = y->open == kind || ev->kind == IR_EV_SIGNATURE || (y->open == REDACTED && kind == THINKING);
    if (y->open != NOTHING && y->block == ev->block && fits)
        return E_OK;
    enum err e = close_block(w);
    if (e != E_OK)
        return e;
    open_block(w, ev, kind);
    y->open = kind;
    y->block = ev->block;
    return E_OK;
}

static enum err write_text(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *y = w->state;
    enum err e = turn_to(w, ev, TEXT);
    y->refused |= ev->kind == IR_EV_REFUSAL;
    if (e == E_OK && ev->text.n)
        write_delta(w, "text_delta", "text", ev->text);
    return e;
}

static enum err write_thinking(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *y = w->state;
    enum err e = turn_to(w, ev, THINKING);
    if (e == E_OK && ev->text.n && y->open == THINKING)
        write_delta(w, "thinking_delta", "thinking", ev->text);
    if (e == E_OK && ev->id.n && !y->id.n)
        e = codec_pile_add(w->arena, &y->id, ev->id);
    return e;
}

static enum err write_signature(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *y = w->state;
    enum err e = turn_to(w, ev, ev->redacted ? REDACTED : THINKING);
    return e == E_OK ? codec_pile_add(w->arena, &y->signature, ev->text) : e;
}

static enum err write_call(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *y = w->state;
    y->calls = true;
    return turn_to(w, ev, CALL);
}

static enum err write_arguments(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *y = w->state;
    if (y->open == CALL && y->block == ev->block && ev->text.n)
        write_delta(w, "input_json_delta", "partial_json", ev->text);
    return E_OK;
}

static enum err write_citation(struct codec_writer *w, const struct ir_event *ev)
{
    enum err e = turn_to(w, ev, TEXT);
    if (e != E_OK)
        return e;
    struct json_out o = begin_delta(w, "citations_delta");
    json_key(&o, "citation");
    anthropic_put_citation(&o, ev->citation);
    json_close(&o, '}');
    end_event(&o);
    return E_OK;
}

static enum err write_raw(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *y = w->state;
    enum err e = close_block(w);
    if (e != E_OK || ev->part->raw_dialect != D_ANTHROPIC)
        return e;
    struct json_out o = begin_event(w, "content_block_start");
    put_index(&o, y->index);
    json_add_raw(&o, "content_block", ev->part->raw);
    end_event(&o);
    write_block_stop(w);
    return E_OK;
}

static enum err write_media(struct codec_writer *w, const struct ir_event *ev)
{
    struct str text = anthropic_media_text(w->arena, ev->part);
    enum err e = text.p ? turn_to(w, ev, TEXT) : E_FULL;
    if (e == E_OK)
        write_delta(w, "text_delta", "text", text);
    return e;
}

static void write_error_event(struct codec_writer *w, const struct ir_error *error)
{
    (void)buf_append(w->out, STR("event: error\ndata: "));
    struct json_out o = json_out(w->out);
    anthropic_put_error(&o, error);
    (void)buf_append(w->out, STR("\n\n"));
    w->ended = true;
}

static enum err write_end(struct codec_writer *w)
{
    struct writing *y = w->state;
    enum err e = close_block(w);
    if (e != E_OK)
        return e;
    struct str stop = y->has_stop ? codec_pile_str(&y->stop) : str_of(NULL, 0);
    struct json_out o = begin_event(w, "message_delta");
    json_key(&o, "delta");
    json_open(&o, '{');
    anthropic_put_stop(&o, y->finish, stop, y->calls, y->refused);
    json_close(&o, '}');
    json_key(&o, "usage");
    anthropic_put_usage(&o, &y->usage);
    end_event(&o);
    o = begin_event(w, "message_stop");
    end_event(&o);
    w->ended = true;
    return E_OK;
}

static enum err write_finish(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *y = w->state;
    y->finish = ev->finish;
    y->has_stop = ev->text.n > 0;
    return codec_pile_set(w->arena, &y->stop, ev->text);
}

static enum err write_content(struct codec_writer *w, const struct ir_event *ev)
{
    switch (ev->kind) {
    case IR_EV_TEXT:
    case IR_EV_REFUSAL: return write_text(w, ev);
    case IR_EV_THINKING: return write_thinking(w, ev);
    case IR_EV_SIGNATURE: return write_signature(w, ev);
    case IR_EV_CALL: return write_call(w, ev);
    case IR_EV_ARGUMENTS: return write_arguments(w, ev);
    case IR_EV_CITATION: return write_citation(w, ev);
    case IR_EV_MEDIA: return write_media(w, ev);
    case IR_EV_RAW: return write_raw(w, ev);
    case IR_EV_FINISH: return write_finish(w, ev);
    default: return E_OK; /* log probabilities have no place here */
    }
}

enum err anthropic_write_event(struct codec_writer *w, const struct ir_event *ev)
{
    if (!w->state)
        w->state = arena_new(w->arena, struct writing);
    struct writing *y = w->state;
    enum err e = E_OK;
    if (!y)
        return E_FULL;
    if (w->ended || ev->choice > 0) /* there is room for one answer */
        return E_OK;
    if (!w->started && ev->kind != IR_EV_START && ev->kind != IR_EV_ERROR)
        write_start(w, &(struct ir_event){.kind = IR_EV_START});
    switch (ev->kind) {
    case IR_EV_START:
        if (!w->started)
            write_start(w, ev);
        break;
    case IR_EV_USAGE: y->usage = *ev->usage; break;
    case IR_EV_ERROR: write_error_event(w, ev->error); break;
    case IR_EV_END: e = write_end(w); break;
    default: e = write_content(w, ev); break;
    }
    return e == E_OK && w->out->full ? E_FULL : e;
}
