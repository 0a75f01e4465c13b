/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI Responses answers, read: whole, and as streams. Items come one after the other from OpenAI itself;
 * other servers announce several before they fill them, or close all of them at the end, or leave out events.
 * So an item is followed from its first delta on, what did not come as deltas is taken from the finished
 * item, and an item that nothing was said of is taken whole when it is done. Deltas of two items that
 * alternate cannot be told in order: such a stream is refused.
 */
#include "providers/codec_openai_responses.h"

/* An item of a stream. */
struct item {
    struct item *next;
    int64_t index;
    enum {
        SILENT, /* announced */
        OPEN,   /* its parts are being given */
        LEFT,   /* another item has begun, it may not go on */
        DONE
    } at;
    struct str call_id, name; /* of a function call */
};

struct reading {
    struct codec_reader *r;
    int block; /* number of the newest one; -1: none yet */
    bool called;
    bool full;       /* the arena's cap was reached */
    struct str data; /* of the event being read */
    /* streams */
    struct item *items, *current; /* newest first; the one the newest block belongs to */
    int64_t part;                 /* which part of it the newest block is */
    int64_t piece;                /* of a reasoning item: the summary or content part last heard of */
    size_t annotations;           /* of the newest block, given so far */
    bool given, logprobs;         /* something of the newest block's text; its log probabilities */
};

static void emit(struct reading *y, struct ir_event ev)
{
    ev.block = y->block < 0 ? 0 : y->block;
    if (!y->r->started && ev.kind != IR_EV_START && ev.kind != IR_EV_ERROR)
        codec_emit(y->r, &(struct ir_event){.kind = IR_EV_START});
    codec_emit(y->r, &ev);
}

static void begin_block(struct reading *y)
{
    y->block++;
    y->annotations = 0;
    y->given = y->logprobs = false;
}

static void begin_answer(struct reading *y, const struct json_val *response)
{
    int64_t created = codec_int(json_get(response, "created_at"));
    if (!y->r->started)
        emit(y, (struct ir_event){.kind = IR_EV_START,
                                  .id = codec_text(response, "id"),
                                  .model = codec_text(response, "model"),
                                  .created = created > 0 ? created : 0});
}

/* ---- content ---- */

static bool is_refusal(const struct json_val *part)
{
    return str_eq(codec_text(part, "type"), STR("refusal"));
}

static struct str text_of(const struct json_val *part)
{
    return codec_text(part, is_refusal(part) ? "refusal" : "text");
}

static void give_text(struct reading *y, struct str text, bool refusal)
{
    y->given = true;
    emit(y, (struct ir_event){.kind = refusal ? IR_EV_REFUSAL : IR_EV_TEXT, .text = text});
}

static void give_annotation(struct reading *y, const struct json_val *v)
{
    struct ir_citation c;
    y->annotations++;
    if (responses_read_annotation(y->r->arena, v, &c) == E_OK)
        emit(y, (struct ir_event){.kind = IR_EV_CITATION, .citation = &c});
    else
        y->full = true;
}

static void give_logprobs(struct reading *y, const struct json_val *list)
{
    if (json_type(list) != JSON_ARRAY || json_count(list) == 0)
        return;
    struct str raw = codec_raw(y->r->arena, list);
    y->logprobs = true;
    y->full |= !raw.p;
    if (raw.p)
        emit(y, (struct ir_event){.kind = IR_EV_LOGPROBS, .text = raw});
}

/* The same of a delta, of which there are many: its own bytes, nothing is kept. */
static void give_delta_logprobs(struct reading *y, const struct json_val *ev)
{
    if (json_count(json_get(ev, "logprobs")) == 0)
        return;
    y->logprobs = true;
    emit(y, (struct ir_event){.kind = IR_EV_LOGPROBS, .text = codec_raw_member(y->data, "logprobs")});
}

/* What the newest block's part has and deltas did not bring. */
static void give_rest(struct reading *y, const struct json_val *part)
{
    const struct json_val *annotations = json_get(part, "annotations");
    if (!y->given && text_of(part).n)
        give_text(y, text_of(part), is_refusal(part));
    for (size_t i = y->annotations; i < json_count(annotations); i++)
        give_annotation(y, json_at(annotations, i));
    if (!y->logprobs)
        give_logprobs(y, json_get(part, "logprobs"));
}

/* A part of a message that nothing has come of yet. Empty ones are nothing. */
static void give_part(struct reading *y, const struct json_val *part)
{
    if (!text_of(part).n && !json_count(json_get(part, "annotations")))
        return;
    begin_block(y);
    give_rest(y, part);
}

static void give_message(struct reading *y, const struct json_val *item, size_t from)
{
    const struct json_val *content = json_get(item, "content");
    for (size_t i = from; i < json_count(content); i++)
        give_part(y, json_at(content, i));
}

/* ---- other items ---- */

/* Of the newest block, or of the one before it, see RESPONSES_OF_LAST. */
static void give_signature(struct reading *y, struct str signature, bool redacted)
{
    emit(y, (struct ir_event){.kind = IR_EV_SIGNATURE, .text = signature, .redacted = redacted});
}

static void give_reasoning(struct reading *y, const struct json_val *item)
{
    struct str signature = codec_text(item, "encrypted_content"), id = responses_thought_id(item);
    struct str text = responses_thoughts(y->r->arena, item);
    y->full |= !text.p;
    if (str_starts(signature, STR(RESPONSES_OF_LAST)) && !text.n && y->block >= 0) {
        give_signature(y, str_from(signature, sizeof(RESPONSES_OF_LAST) - 1), false);
        return;
    }
    if (!text.n && !signature.n)
        return;
    bool redacted = responses_is_redacted(item, text);
    begin_block(y);
    if (!redacted || id.n)
        emit(y, (struct ir_event){.kind = IR_EV_THINKING, .id = id, .text = text});
    if (signature.n)
        give_signature(y, signature, redacted);
}

static void begin_call(struct reading *y, struct str id, struct str name)
{
    y->called = true;
    begin_block(y);
    emit(y, (struct ir_event){.kind = IR_EV_CALL, .id = id, .name = name});
}

static void give_arguments(struct reading *y, struct str arguments)
{
    if (!arguments.n)
        return;
    y->given = true;
    emit(y, (struct ir_event){.kind = IR_EV_ARGUMENTS, .text = arguments});
}

static enum err give_call(struct reading *y, const struct json_val *item)
{
    struct str id = codec_text(item, "call_id"), name = codec_text(item, "name");
    if (!id.n || !name.n)
        return E_SYNTAX;
    begin_call(y, id, name);
    give_arguments(y, codec_text(item, "arguments"));
    return E_OK;
}

static void give_picture(struct reading *y, const struct json_val *item)
{
    struct ir_part p = {.kind = IR_IMAGE, .media = responses_picture(y->r->arena, item)};
    if (!p.media.data.p)
        return;
    begin_block(y);
    emit(y, (struct ir_event){.kind = IR_EV_MEDIA, .part = &p});
}

static void give_raw(struct reading *y, const struct json_val *item)
{
    struct ir_part p = {
        .kind = IR_RAW, .raw = codec_raw(y->r->arena, item), .raw_dialect = D_OPENAI_RESPONSES};
    y->full |= !p.raw.p;
    if (!p.raw.p)
        return;
    begin_block(y);
    emit(y, (struct ir_event){.kind = IR_EV_RAW, .part = &p});
}

/* ---- finished items ---- */

enum item_type { MESSAGE, REASONING, CALL, PICTURE, OTHER };

static enum item_type type_of(const struct json_val *item)
{
    static const struct str names[] = {[MESSAGE] = S("message"),
                                       [REASONING] = S("reasoning"),
                                       [CALL] = S("function_call"),
                                       [PICTURE] = S("image_generation_call")};
    struct str type = codec_text(item, "type");
    for (size_t i = 0; i < countof(names); i++)
        if (str_eq(type, names[i]))
            return (enum item_type)i;
    return OTHER;
}

static enum err give_item(struct reading *y, const struct json_val *item)
{
    enum err e = json_type(item) == JSON_OBJECT ? E_OK : E_SYNTAX;
    if (e != E_OK)
        return e;
    switch (type_of(item)) {
    case MESSAGE: give_message(y, item, 0); break;
    case REASONING: give_reasoning(y, item); break;
    case CALL: e = give_call(y, item); break;
    case PICTURE: give_picture(y, item); break;
    case OTHER: give_raw(y, item); break;
    }
    return y->full ? E_FULL : e;
}

static enum err give_items(struct reading *y, const struct json_val *output)
{
    enum err e = E_OK;
    for (struct json_iter it = json_iter(output); e == E_OK && json_next(&it);)
        e = give_item(y, it.val);
    return e;
}

/* ---- the end ---- */

static enum ir_finish finish_of(const struct reading *y, const struct json_val *response)
{
    static const struct {
        struct str reason;
        enum ir_finish finish;
    } reasons[] = {{S("content_filter"), IR_FINISH_FILTER},
                   /* not OpenAI's, see responses_put_response */
                   {S("pause_turn"), IR_FINISH_PAUSE},
                   {S("error"), IR_FINISH_ERROR}};
    const struct json_val *details = json_get(response, "incomplete_details");
    struct str reason = codec_text(details, "reason");
    if (json_type(details) == JSON_OBJECT || str_eq(codec_text(response, "status"), STR("incomplete"))) {
        for (size_t i = 0; i < countof(reasons); i++)
            if (str_eq(reason, reasons[i].reason))
                return reasons[i].finish;
        return IR_FINISH_LENGTH;
    }
    return y->called ? IR_FINISH_TOOLS : IR_FINISH_STOP;
}

static void give_end(struct reading *y, const struct json_val *response, struct meter *m)
{
    const struct usage *u = meter_usage(m);
    emit(y, (struct ir_event){.kind = IR_EV_FINISH, .finish = finish_of(y, response)});
    if (u->known)
        emit(y, (struct ir_event){.kind = IR_EV_USAGE, .usage = u});
    emit(y, (struct ir_event){.kind = IR_EV_END});
}

static void give_error(struct reading *y, const struct json_val *error)
{
    struct ir_error e;
    responses_error_of(error, 0, &e);
    emit(y, (struct ir_event){.kind = IR_EV_ERROR, .error = &e});
}

static bool has_error(const struct json_val *response)
{
    struct str status = codec_text(response, "status");
    enum json_type error = json_type(json_get(response, "error"));
    return error == JSON_OBJECT || error == JSON_STRING || str_eq(status, STR("failed")) ||
           str_eq(status, STR("cancelled"));
}

/* ---- whole answers ---- */

static enum err read_response(struct reading *y, const struct json_val *response, struct str body)
{
    struct str status = codec_text(response, "status");
    struct meter m;
    if (has_error(response)) {
        give_error(y, json_get(response, "error"));
        return E_SYNTAX;
    }
    /* the only ones with an answer in them; some servers do not say */
    const struct json_val *output = json_get(response, "output");
    if (json_type(output) != JSON_ARRAY ||
        (status.p ? !str_eq(status, STR("completed")) && !str_eq(status, STR("incomplete"))
                  : json_count(output) == 0))
        return E_SYNTAX;
    begin_answer(y, response);
    enum err e = give_items(y, output);
    if (e != E_OK)
        return e;
    meter_init(&m, NULL, D_OPENAI_RESPONSES);
    meter_json(&m, body);
    give_end(y, response, &m);
    return E_OK;
}

enum err responses_read_answer(struct arena *a, struct str body,
                               void (*on_event)(void *arg, const struct ir_event *ev), void *arg)
{
    struct codec_reader r = {.arena = a, .on_event = on_event, .arg = arg};
    struct reading y = {.r = &r, .block = -1};
    struct json_doc *doc = json_parse_exact(body, NULL, NULL);
    enum err e = read_response(&y, json_root(doc), body);
    json_free(doc);
    return e;
}

/* ---- streams ---- */

static struct item *new_item(struct reading *y, int64_t index)
{
    struct item *i = arena_new(y->r->arena, struct item);
    if (!i)
        return NULL;
    *i = (struct item){.next = y->items, .index = index};
    return y->items = i;
}

/* The item an event speaks of, new if it was not heard of; NULL past the cap. */
static struct item *item_of(struct reading *y, const struct json_val *ev)
{
    int64_t index = codec_int(json_get(ev, "output_index"));
    if (y->current && y->current->index == index && y->current->at == OPEN)
        return y->current;
    for (struct item *i = y->items; i; i = i->next)
        if (i->index == index)
            return i->at == DONE ? new_item(y, index) : i;
    return new_item(y, index);
}

/* Something of another item comes. */
static void leave(struct reading *y, const struct item *for_this)
{
    if (y->current && y->current != for_this && y->current->at == OPEN)
        y->current->at = LEFT;
}

/* Makes `part` of the item the newest block's. E_SYNTAX when its time is over. */
static enum err go_to(struct reading *y, struct item *i, int64_t part, bool *ret_new)
{
    *ret_new = !(y->current == i && i->at == OPEN && y->part == part);
    if (!*ret_new)
        return E_OK;
    if (i->at > OPEN || (i->at == OPEN && part < y->part))
        return E_SYNTAX;
    leave(y, i);
    i->at = OPEN;
    y->current = i;
    y->part = part;
    y->piece = -1;
    return E_OK;
}

static enum err on_created(struct reading *y, const struct json_val *ev)
{
    begin_answer(y, json_get(ev, "response"));
    return E_OK;
}

static enum err on_item_added(struct reading *y, const struct json_val *ev)
{
    const struct json_val *item = json_get(ev, "item");
    struct item *i = item_of(y, ev);
    if (i && i->at != SILENT) /* numbers that do not count: it is another one */
        i = new_item(y, i->index);
    struct str id = codec_text(item, "call_id"), name = codec_text(item, "name");
    if (!i || type_of(item) != CALL || !id.n || !name.n)
        return i ? E_OK : E_FULL;
    i->call_id = arena_dup(y->r->arena, id);
    i->name = arena_dup(y->r->arena, name);
    return i->call_id.p && i->name.p ? E_OK : E_FULL;
}

static enum err text_delta(struct reading *y, const struct json_val *ev, bool refusal)
{
    struct str delta = codec_text(ev, "delta");
    bool begun;
    struct item *i = delta.n ? item_of(y, ev) : NULL;
    if (delta.n) {
        enum err e = i ? go_to(y, i, codec_int(json_get(ev, "content_index")), &begun) : E_FULL;
        if (e != E_OK)
            return e;
        if (begun)
            begin_block(y);
        give_text(y, delta, refusal);
    }
    give_delta_logprobs(y, ev);
    return E_OK;
}

static enum err on_text_delta(struct reading *y, const struct json_val *ev)
{
    return text_delta(y, ev, false);
}

static enum err on_refusal_delta(struct reading *y, const struct json_val *ev)
{
    return text_delta(y, ev, true);
}

static enum err on_annotation(struct reading *y, const struct json_val *ev)
{
    struct item *i = item_of(y, ev);
    int64_t part = codec_int(json_get(ev, "content_index"));
    if (!i)
        return E_FULL;
    if (i == y->current && i->at == OPEN && part == y->part)
        give_annotation(y, json_get(ev, "annotation")); /* others are found in the finished item */
    return y->full ? E_FULL : E_OK;
}

static enum err on_part_done(struct reading *y, const struct json_val *ev)
{
    struct item *i = item_of(y, ev);
    int64_t index = codec_int(json_get(ev, "content_index"));
    const struct json_val *part = json_get(ev, "part");
    if (!i)
        return E_FULL;
    if (i == y->current && i->at == OPEN && index == y->part &&
        !str_eq(codec_text(part, "type"), STR("reasoning_text")))
        give_rest(y, part);
    return y->full ? E_FULL : E_OK;
}

static enum err thought_delta(struct reading *y, const struct json_val *ev, int64_t piece)
{
    struct str delta = codec_text(ev, "delta"), id = codec_text(ev, "item_id");
    bool begun;
    struct item *i = delta.n ? item_of(y, ev) : NULL;
    if (!i)
        return delta.n ? E_FULL : E_OK;
    enum err e = go_to(y, i, 0, &begun);
    if (e != E_OK)
        return e;
    if (begun)
        begin_block(y);
    else if (piece != y->piece)
        emit(y, (struct ir_event){.kind = IR_EV_THINKING, .text = STR("\n\n")});
    y->piece = piece;
    y->given = true;
    struct str none = {NULL, 0};
    bool tell = begun && id.n && !str_starts(id, STR(RESPONSES_OWN_ID));
    emit(y, (struct ir_event){.kind = IR_EV_THINKING, .id = tell ? id : none, .text = delta});
    return E_OK;
}

/* Summaries have even numbers, content has odd ones. */
static int64_t number_of_piece(const struct json_val *ev, const char *key)
{
    return 2 * (codec_int(json_get(ev, key)) & INT32_MAX);
}

static enum err on_summary_delta(struct reading *y, const struct json_val *ev)
{
    return thought_delta(y, ev, number_of_piece(ev, "summary_index"));
}

static enum err on_thought_delta(struct reading *y, const struct json_val *ev)
{
    return thought_delta(y, ev, number_of_piece(ev, "content_index") + 1);
}

static enum err on_arguments_delta(struct reading *y, const struct json_val *ev)
{
    bool begun;
    struct item *i = item_of(y, ev);
    if (!i)
        return E_FULL;
    if (!i->call_id.p) /* not announced: there will be a finished item */
        return E_OK;
    enum err e = go_to(y, i, 0, &begun);
    if (e != E_OK)
        return e;
    if (begun)
        begin_call(y, i->call_id, i->name);
    give_arguments(y, codec_text(ev, "delta"));
    return E_OK;
}

/* What is left of an item of which something has come. */
static void give_rest_of_item(struct reading *y, const struct json_val *item)
{
    struct str signature = codec_text(item, "encrypted_content");
    const struct json_val *content = json_get(item, "content");
    size_t part = y->part > 0 ? (size_t)y->part : 0;
    switch (type_of(item)) {
    case MESSAGE:
        give_rest(y, json_at(content, part));
        give_message(y, item, part + 1);
        break;
    case REASONING:
        if (signature.n)
            give_signature(y, signature, false);
        break;
    case CALL:
        if (!y->given)
            give_arguments(y, codec_text(item, "arguments"));
        break;
    default: break;
    }
}

static enum err on_item_done(struct reading *y, const struct json_val *ev)
{
    const struct json_val *item = json_get(ev, "item");
    struct item *i = item_of(y, ev);
    enum err e = E_OK;
    if (!i)
        return E_FULL;
    if (i->at == OPEN) {
        give_rest_of_item(y, item);
    } else if (i->at == SILENT) {
        leave(y, i);
        e = give_item(y, item);
    }
    i->at = DONE;
    return y->full ? E_FULL : e;
}

/* Servers that only announce their items, or do not even that, say them here. */
static enum err give_unsaid(struct reading *y, const struct json_val *output)
{
    enum err e = E_OK;
    if (y->block < 0)
        return give_items(y, output);
    for (size_t n = 0; e == E_OK && n < json_count(output); n++)
        for (struct item *i = y->items; i; i = i->next)
            if (i->index == (int64_t)n && i->at == SILENT) {
                e = give_item(y, json_at(output, n));
                break;
            }
    return e;
}

static enum err on_finished(struct reading *y, const struct json_val *ev)
{
    const struct json_val *response = json_get(ev, "response"), *output = json_get(response, "output");
    if (json_type(response) != JSON_OBJECT || (y->block < 0 && json_type(output) != JSON_ARRAY))
        return E_SYNTAX; /* nothing was said, and nothing is */
    begin_answer(y, response);
    return give_unsaid(y, output);
}

static enum err on_failed(struct reading *y, const struct json_val *ev)
{
    give_error(y, json_get(json_get(ev, "response"), "error"));
    return E_OK;
}

/* OpenAI documents the members beside `type`, and sends them in `error`. */
static enum err on_error(struct reading *y, const struct json_val *ev)
{
    const struct json_val *error = json_get(ev, "error");
    give_error(y, json_type(error) == JSON_OBJECT ? error : ev);
    return E_OK;
}

typedef enum err handler(struct reading *y, const struct json_val *ev);

static handler *handler_of(struct str type)
{
    static const struct {
        struct str type;
        handler *handle;
    } types[] = {
        {S("response.output_text.delta"), on_text_delta}, /* most are of these */
        {S("response.function_call_arguments.delta"), on_arguments_delta},
        {S("response.reasoning_summary_text.delta"), on_summary_delta},
        {S("response.reasoning_text.delta"), on_thought_delta},
        {S("response.refusal.delta"), on_refusal_delta},
        {S("response.output_text.annotation.added"), on_annotation},
        {S("response.content_part.done"), on_part_done},
        {S("response.output_item.added"), on_item_added},
        {S("response.output_item.done"), on_item_done},
        {S("response.created"), on_created},
        {S("response.in_progress"), on_created},
        {S("response.completed"), on_finished},
        {S("response.incomplete"), on_finished},
        {S("response.failed"), on_failed},
        {S("error"), on_error},
    };
    for (size_t i = 0; i < countof(types); i++)
        if (str_eq(type, types[i].type))
            return types[i].handle;
    return NULL;
}

static enum err read_event(struct reading *y, const struct json_val *root, const struct sse_event *ev)
{
    struct str type = codec_text(root, "type");
    bool error = json_type(json_get(root, "error")) == JSON_OBJECT;
    if (json_type(root) != JSON_OBJECT)
        return E_SYNTAX;
    handler *handle = error ? on_error : handler_of(type.p ? type : ev->name);
    enum err e = handle ? handle(y, root) : E_OK; /* of others there is a finished item */
    if (e != E_OK || handle != on_finished)
        return e;
    struct meter m;
    meter_init(&m, NULL, D_OPENAI_RESPONSES);
    meter_sse(&m, ev);
    give_end(y, json_get(root, "response"), &m);
    return E_OK;
}

enum err responses_read_sse(struct codec_reader *r, const struct sse_event *ev)
{
    struct reading *y = r->state;
    if (!ev->data.p || r->ended || str_eq(str_trim(ev->data), STR("[DONE]")))
        return E_OK;
    if (!y) {
        y = r->state = arena_new(r->arena, struct reading);
        if (!y)
            return E_FULL;
        *y = (struct reading){.r = r, .block = -1};
    }
    y->r = r;
    y->data = ev->data;
    struct json_doc *doc = json_parse(ev->data);
    enum err e = doc ? read_event(y, json_root(doc), ev) : E_SYNTAX;
    json_free(doc);
    return e;
}

void responses_read_end(struct codec_reader *r)
{
    const struct ir_error e = {
        .kind = IR_ERR_SERVER, .status = 502, .message = STR("The stream ended early")};
    if (!r->ended)
        codec_emit(r, &(struct ir_event){.kind = IR_EV_ERROR, .error = &e});
}
