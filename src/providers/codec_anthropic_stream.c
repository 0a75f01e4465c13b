/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of Anthropic Messages read:
 *
 *   message_start  (content_block_start  content_block_delta*  content_block_stop)*  message_delta
 * message_stop
 *
 * with pings and errors in between. What does not come in this order is no such stream; event and delta types
 * that are not known are skipped, for the API adds some at any time.
 */
#include "providers/codec_anthropic.h"

struct reading {
    struct meter meter;
    bool open;                /* between a block's start and stop */
    int64_t index;            /* its number in the stream */
    enum ir_kind kind;        /* IR_RAW: of no kind that is known */
    bool given;               /* an event was given for it */
    int block;                /* its number, or the next one's */
    struct codec_pile begun;  /* of a raw block, or a call's arguments that came with its start: JSON */
    struct codec_pile pieces; /* of a raw block's input */
    bool finished;
};

static void emit(struct codec_reader *r, struct ir_event ev)
{
    struct reading *y = r->state;
    ev.block = y->block;
    y->given = true;
    codec_emit(r, &ev);
}

static void emit_text(struct codec_reader *r, enum ir_event_kind kind, struct str text)
{
    emit(r, (struct ir_event){.kind = kind, .text = text});
}

static enum err read_start(struct codec_reader *r, const struct json_val *v)
{
    struct reading *y = r->state;
    const struct json_val *message = json_get(v, "message");
    const struct usage *u = meter_usage(&y->meter);
    if (r->started || json_type(message) != JSON_OBJECT)
        return E_SYNTAX;
    codec_emit(r, &(struct ir_event){.kind = IR_EV_START,
                                     .id = codec_text(message, "id"),
                                     .model = codec_text(message, "model"),
                                     .usage = u->known ? u : NULL});
    return E_OK;
}

/* A thinking block's signature, or what another dialect's travels in (codec_anthropic.h). */
static void give_signature(struct codec_reader *r, struct str text, bool redacted)
{
    struct reading *y = r->state;
    struct str id = {NULL, 0}, signature = text;
    bool tagged = anthropic_untag(text, &id, &signature);
    if (tagged && !id.n && !y->given && y->block > 0) { /* it is the block's before */
        codec_emit(r, &(struct ir_event){.kind = IR_EV_SIGNATURE, .block = y->block - 1, .text = signature});
        y->block--; /* this one never was */
        y->given = true;
        return;
    }
    if (tagged && id.n)
        emit(r, (struct ir_event){.kind = IR_EV_THINKING, .id = id, .text = STR("")});
    emit(r, (struct ir_event){.kind = IR_EV_SIGNATURE, .text = signature, .redacted = redacted});
}

static enum err begin_call(struct codec_reader *r, const struct json_val *block)
{
    struct reading *y = r->state;
    const struct json_val *input = json_get(block, "input");
    struct str id = codec_text(block, "id"), name = codec_text(block, "name");
    if (!id.p || !name.p)
        return E_SYNTAX;
    emit(r, (struct ir_event){.kind = IR_EV_CALL, .id = id, .name = name});
    y->given = false; /* of its arguments */
    struct str raw = json_count(input) ? codec_raw(r->arena, input) : STR("{}");
    return raw.p ? codec_pile_set(r->arena, &y->begun, raw) : E_FULL;
}

static enum err begin_raw(struct codec_reader *r, const struct json_val *block)
{
    struct reading *y = r->state;
    struct str raw = codec_raw(r->arena, block);
    y->pieces.n = 0;
    return raw.p ? codec_pile_set(r->arena, &y->begun, raw) : E_FULL;
}

static enum err begin_text(struct codec_reader *r, const struct json_val *block)
{
    struct str text = codec_text(block, "text");
    if (text.n) /* some who speak this dialect begin with it */
        emit_text(r, IR_EV_TEXT, text);
    return E_OK;
}

static enum err begin_thinking(struct codec_reader *r, const struct json_val *block)
{
    struct str text = codec_text(block, "thinking"), signature = codec_text(block, "signature");
    if (text.n)
        emit_text(r, IR_EV_THINKING, text);
    if (signature.n)
        give_signature(r, signature, false);
    return E_OK;
}

static enum err begin_redacted(struct codec_reader *r, const struct json_val *block)
{
    struct str data = codec_text(block, "data");
    if (!data.n)
        return E_SYNTAX;
    give_signature(r, data, true);
    return E_OK;
}

static enum err read_block_start(struct codec_reader *r, const struct json_val *v)
{
    static const struct {
        struct str type;
        enum ir_kind kind;
        enum err (*begin)(struct codec_reader *r, const struct json_val *block);
    } kinds[] = {
        {S("text"), IR_TEXT, begin_text},
        {S("tool_use"), IR_TOOL_CALL, begin_call},
        {S("thinking"), IR_THINKING, begin_thinking},
        {S("redacted_thinking"), IR_THINKING, begin_redacted},
    };
    struct reading *y = r->state;
    const struct json_val *block = json_get(v, "content_block");
    struct str type = codec_text(block, "type");
    if (!r->started || y->open || !type.n || !json_uint(json_get(v, "index"), &y->index))
        return E_SYNTAX;
    y->open = true;
    y->given = false;
    for (size_t i = 0; i < countof(kinds); i++)
        if (str_eq(type, kinds[i].type)) {
            y->kind = kinds[i].kind;
            return kinds[i].begin(r, block);
        }
    y->kind = IR_RAW;
    return begin_raw(r, block);
}

static enum err read_text_delta(struct codec_reader *r, const struct json_val *delta)
{
    emit_text(r, IR_EV_TEXT, codec_text(delta, "text"));
    return E_OK;
}

static enum err read_json_delta(struct codec_reader *r, const struct json_val *delta)
{
    struct reading *y = r->state;
    struct str piece = codec_text(delta, "partial_json");
    if (y->kind == IR_RAW)
        return codec_pile_add(r->arena, &y->pieces, piece);
    if (y->kind == IR_TOOL_CALL && piece.n)
        emit_text(r, IR_EV_ARGUMENTS, piece);
    return E_OK;
}

static enum err read_thinking_delta(struct codec_reader *r, const struct json_val *delta)
{
    emit_text(r, IR_EV_THINKING, codec_text(delta, "thinking"));
    return E_OK;
}

static enum err read_signature_delta(struct codec_reader *r, const struct json_val *delta)
{
    struct str signature = codec_text(delta, "signature");
    if (signature.n)
        give_signature(r, signature, false);
    return E_OK;
}

static enum err read_citation_delta(struct codec_reader *r, const struct json_val *delta)
{
    struct ir_citation c;
    enum err e = anthropic_read_citation(r->arena, json_get(delta, "citation"), &c);
    if (e == E_OK)
        emit(r, (struct ir_event){.kind = IR_EV_CITATION, .citation = &c});
    return e;
}

static enum err read_block_delta(struct codec_reader *r, const struct json_val *v)
{
    static const struct {
        struct str type;
        enum ir_kind kind; /* of blocks that have it; IR_RAW: any */
        enum err (*read)(struct codec_reader *r, const struct json_val *delta);
    } deltas[] = {
        {S("text_delta"), IR_TEXT, read_text_delta},
        {S("input_json_delta"), IR_RAW, read_json_delta},
        {S("thinking_delta"), IR_THINKING, read_thinking_delta},
        {S("signature_delta"), IR_THINKING, read_signature_delta},
        {S("citations_delta"), IR_TEXT, read_citation_delta},
    };
    struct reading *y = r->state;
    const struct json_val *delta = json_get(v, "delta");
    struct str type = codec_text(delta, "type");
    int64_t index = -1;
    if (!y->open || !json_uint(json_get(v, "index"), &index) || index != y->index)
        return E_SYNTAX;
    for (size_t i = 0; i < countof(deltas); i++)
        if (str_eq(type, deltas[i].type)) {
            bool fits = deltas[i].kind == y->kind || deltas[i].kind == IR_RAW;
            return fits ? deltas[i].read(r, delta) : E_SYNTAX;
        }
    return E_OK; /* kinds may be added to the API at any time */
}

/* A raw block as it would stand in a whole answer: its input came in pieces. */
static enum err end_raw(struct codec_reader *r)
{
    struct reading *y = r->state;
    struct ir_part part = {.kind = IR_RAW, .raw = codec_pile_str(&y->begun), .raw_dialect = D_ANTHROPIC};
    struct json_doc *doc = y->pieces.n ? json_parse(codec_pile_str(&y->begun)) : NULL;
    struct json_doc *input = doc ? json_parse(codec_pile_str(&y->pieces)) : NULL;
    if (y->pieces.n && !input) {
        json_free(doc);
        return E_SYNTAX;
    }
    if (input) {
        struct buf b;
        buf_init(&b, r->arena->cap);
        struct json_out w = json_out(&b);
        json_open(&w, '{');
        for (struct json_iter it = json_iter(json_root(doc)); json_next(&it);) {
            json_key_str(&w, it.key);
            json_put_val(&w, str_eq(it.key, STR("input")) ? json_root(input) : it.val);
        }
        json_close(&w, '}');
        part.raw = b.full ? str_of(NULL, 0) : arena_dup(r->arena, buf_str(&b));
        buf_done(&b);
    }
    json_free(input);
    json_free(doc);
    if (part.raw.p)
        emit(r, (struct ir_event){.kind = IR_EV_RAW, .part = &part});
    return part.raw.p ? E_OK : E_FULL;
}

static enum err read_block_stop(struct codec_reader *r, const struct json_val *v)
{
    struct reading *y = r->state;
    enum err e = E_OK;
    (void)v;
    if (!y->open)
        return E_SYNTAX;
    if (y->kind == IR_RAW)
        e = end_raw(r);
    else if (!y->given && y->kind == IR_TOOL_CALL)
        emit_text(r, IR_EV_ARGUMENTS, codec_pile_str(&y->begun));
    else if (!y->given)
        emit_text(r, y->kind == IR_TEXT ? IR_EV_TEXT : IR_EV_THINKING, STR(""));
    y->open = false;
    y->block++;
    return e;
}

static enum err read_message_delta(struct codec_reader *r, const struct json_val *v)
{
    struct reading *y = r->state;
    const struct json_val *delta = json_get(v, "delta");
    struct str reason = codec_text(delta, "stop_reason");
    struct str explanation = codec_text(json_get(delta, "stop_details"), "explanation");
    if (!r->started || y->open)
        return E_SYNTAX;
    if (!reason.n || y->finished)
        return E_OK;
    if (explanation.n) {
        emit_text(r, IR_EV_REFUSAL, explanation);
        y->block++;
    }
    y->finished = true;
    codec_emit(r, &(struct ir_event){.kind = IR_EV_FINISH,
                                     .finish = anthropic_finish(reason),
                                     .text = codec_text(delta, "stop_sequence")});
    return E_OK;
}

static enum err read_message_stop(struct codec_reader *r, const struct json_val *v)
{
    struct reading *y = r->state;
    const struct usage *u = meter_usage(&y->meter);
    (void)v;
    if (!y->finished)
        return E_SYNTAX;
    if (u->known)
        codec_emit(r, &(struct ir_event){.kind = IR_EV_USAGE, .usage = u});
    codec_emit(r, &(struct ir_event){.kind = IR_EV_END});
    return E_OK;
}

static enum err read_error_event(struct codec_reader *r, const struct json_val *v)
{
    struct ir_error error;
    anthropic_error_of(r->arena, v, 0, &error);
    codec_emit(r, &(struct ir_event){.kind = IR_EV_ERROR, .error = &error});
    return E_OK;
}

static enum err read_event(struct codec_reader *r, const struct json_val *v)
{
    static const struct {
        struct str type;
        enum err (*read)(struct codec_reader *r, const struct json_val *v);
    } events[] = {
        {S("content_block_delta"), read_block_delta},
        {S("content_block_start"), read_block_start},
        {S("content_block_stop"), read_block_stop},
        {S("message_start"), read_start},
        {S("message_delta"), read_message_delta},
        {S("message_stop"), read_message_stop},
        {S("error"), read_error_event},
    };
    struct str type = codec_text(v, "type");
    for (size_t i = 0; i < countof(events); i++)
        if (str_eq(type, events[i].type))
            return events[i].read(r, v);
    return json_type(v) == JSON_OBJECT ? E_OK : E_SYNTAX; /* ping, and what may come to be */
}

enum err anthropic_read_sse(struct codec_reader *r, const struct sse_event *ev)
{
    if (!r->state) {
        struct reading *y = arena_new(r->arena, struct reading);
        if (!y)
            return E_FULL;
        meter_init(&y->meter, NULL, D_ANTHROPIC);
        r->state = y;
    }
    if (r->ended || !ev->data.n || str_starts(ev->data, STR("[DONE]")))
        return E_OK;
    struct reading *y = r->state;
    struct json_doc *doc = json_parse(ev->data);
    const struct json_val *root = json_root(doc);
    struct str type = codec_text(root, "type");
    if (str_eq(type, STR("message_start")) || str_eq(type, STR("message_delta")))
        meter_sse(&y->meter, ev);
    enum err e = doc ? read_event(r, root) : E_SYNTAX;
    json_free(doc);
    return e;
}

void anthropic_read_end(struct codec_reader *r)
{
    static const struct ir_error early = {
        .kind = IR_ERR_SERVER, .status = 502, .message = S("The stream ended early")};
    codec_emit(r, &(struct ir_event){.kind = IR_EV_ERROR, .error = &early}); /* nothing after its own end */
}
