/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OpenAI Responses stream, written. Its last event repeats the whole response, and each item and part is
 * repeated when it is done; so the answer is collected while it streams, in the arena, in doubling steps.
 *
 *   created, in_progress
 *     output_item.added                    an item: one thought, one call, or all texts in a row
 *       content_part.added                 a text or a refusal in a message
 *         output_text.delta ... .done
 *       content_part.done
 *     output_item.done
 *   completed | incomplete | error, failed
 */
#include "providers/codec_openai_responses.h"

struct stream {
    struct ir_answer answer;
    struct responses_answer y;
    int64_t sequence;
    bool begun;                  /* created was written */
    const struct ir_part *first; /* of the item that is open; NULL: none is */
    const struct ir_part *part;  /* the newest block's */
    int block;                   /* its number; -1: none yet */
    bool open;                   /* it is not done */
    bool heard;                  /* text or arguments of it were written */
    size_t index;                /* of the open item, or of the next one */
    size_t content;              /* of the newest part in its message */
    size_t annotations;          /* of it, written */
    char id[RESPONSES_ID];       /* place for the open item's id */
    struct str item_id;
};

/* ---- events ---- */

static struct json_out event_open(struct codec_writer *w, const char *type)
{
    struct stream *s = w->state;
    struct json_out j = json_out(w->out);
    (void)buf_append(w->out, STR("event: "));
    (void)buf_append_c(w->out, type);
    (void)buf_append(w->out, STR("\ndata: "));
    json_open(&j, '{');
    responses_put(&j, "type", str_c(type));
    json_add_int(&j, "sequence_number", s->sequence++);
    return j;
}

static void event_close(struct json_out *j)
{
    json_close(j, '}');
    (void)buf_append(j->b, STR("\n\n"));
}

static void put_number(struct json_out *j, const char *key, size_t n)
{
    json_add_int(j, key, (int64_t)n);
}

static void write_response(struct codec_writer *w, const char *type, bool begun, const struct ir_error *error)
{
    struct stream *s = w->state;
    struct json_out j = event_open(w, type);
    json_key(&j, "response");
    responses_put_response(&j, &s->y, begun, error);
    event_close(&j);
}

static void write_item(struct codec_writer *w, const char *type, struct str status)
{
    struct stream *s = w->state;
    struct json_out j = event_open(w, type);
    put_number(&j, "output_index", s->index);
    json_key(&j, "item");
    responses_put_item(&j, &s->y, s->first, s->index, status);
    event_close(&j);
}

/* An event about the open item; its own index is content_index in messages, summary_index in thoughts. */
static struct json_out item_event_open(struct codec_writer *w, const char *type)
{
    struct stream *s = w->state;
    struct json_out j = event_open(w, type);
    responses_put(&j, "item_id", s->item_id);
    put_number(&j, "output_index", s->index);
    if (s->part->kind == IR_THINKING)
        put_number(&j, "summary_index", 0);
    else if (s->part->kind != IR_TOOL_CALL)
        put_number(&j, "content_index", s->content);
    return j;
}

static void write_content(struct codec_writer *w, const char *type, bool empty)
{
    struct stream *s = w->state;
    struct json_out j = item_event_open(w, type);
    json_key(&j, "part");
    responses_put_content(&j, &s->y, s->part, empty);
    event_close(&j);
}

static void write_summary(struct codec_writer *w, const char *type, struct str text)
{
    struct json_out j = item_event_open(w, type);
    json_key(&j, "part");
    json_open(&j, '{');
    responses_put(&j, "type", STR("summary_text"));
    responses_put(&j, "text", text);
    json_close(&j, '}');
    event_close(&j);
}

/* ---- items and parts begin and end ---- */

static bool is_content(const struct ir_part *p)
{
    return p->kind == IR_TEXT || p->kind == IR_REFUSAL;
}

static void end_text(struct codec_writer *w)
{
    struct stream *s = w->state;
    bool refusal = s->part->kind == IR_REFUSAL;
    struct json_out j = item_event_open(w, refusal ? "response.refusal.done" : "response.output_text.done");
    responses_put(&j, refusal ? "refusal" : "text", s->part->text);
    if (!refusal)
        json_add_raw(&j, "logprobs", responses_logprobs(&s->y, s->part));
    event_close(&j);
    write_content(w, "response.content_part.done", false);
    s->content++;
}

static void end_thought(struct codec_writer *w)
{
    struct stream *s = w->state;
    if (!s->heard)
        return;
    struct json_out j = item_event_open(w, "response.reasoning_summary_text.done");
    responses_put(&j, "text", s->part->text);
    event_close(&j);
    write_summary(w, "response.reasoning_summary_part.done", s->part->text);
}

static void write_arguments(struct codec_writer *w, struct str delta)
{
    struct stream *s = w->state;
    struct json_out j = item_event_open(w, "response.function_call_arguments.delta");
    s->heard = true;
    responses_put(&j, "delta", delta);
    event_close(&j);
}

static void end_call(struct codec_writer *w)
{
    struct stream *s = w->state;
    if (!s->heard)
        write_arguments(w, STR("{}"));
    struct json_out j = item_event_open(w, "response.function_call_arguments.done");
    responses_put(&j, "name", s->part->name);
    responses_put(&j, "arguments", s->part->arguments.n ? s->part->arguments : STR("{}"));
    event_close(&j);
}

static void end_item(struct codec_writer *w, struct str status)
{
    struct stream *s = w->state;
    if (!s->first)
        return;
    write_item(w, "response.output_item.done", status);
    s->first = NULL;
    s->index++;
}

static void write_follower(struct codec_writer *w)
{
    static const char *const types[] = {"response.output_item.added", "response.output_item.done"};
    struct stream *s = w->state;
    for (size_t i = 0; i < countof(types); i++) {
        struct json_out j = event_open(w, types[i]);
        put_number(&j, "output_index", s->index);
        json_key(&j, "item");
        responses_put_follower(&j, &s->y, s->part, s->index);
        event_close(&j);
    }
    s->index++;
}

/* The newest block is over. Its item too, unless it is a message, in which more may follow. */
static void end_part(struct codec_writer *w, struct str status)
{
    struct stream *s = w->state;
    bool message = s->open && is_content(s->part);
    if (!s->open)
        return;
    s->open = false;
    if (message)
        end_text(w);
    else if (s->part->kind == IR_THINKING)
        end_thought(w);
    else if (s->part->kind == IR_TOOL_CALL)
        end_call(w);
    bool follower = responses_has_follower(s->part);
    if (!message || follower)
        end_item(w, status);
    if (follower)
        write_follower(w);
}

static void begin_item(struct codec_writer *w)
{
    struct stream *s = w->state;
    end_item(w, STR("completed"));
    s->first = s->part;
    s->content = 0;
    s->item_id = responses_item_id(&s->y, s->first, s->index, s->id);
    write_item(w, "response.output_item.added", STR("in_progress"));
}

/* The answer has a new part. */
static void begin_part(struct codec_writer *w, const struct ir_part *p, int block)
{
    struct stream *s = w->state;
    end_part(w, STR("completed"));
    s->part = p;
    s->block = block;
    if (!responses_is_said(p))
        return;
    s->open = true;
    s->heard = false;
    s->annotations = 0;
    if (!s->first || !is_content(p))
        begin_item(w);
    if (is_content(p))
        write_content(w, "response.content_part.added", true);
}

/* ---- what events bring ---- */

static void write_text(struct codec_writer *w, const struct ir_event *ev)
{
    bool refusal = ev->kind == IR_EV_REFUSAL;
    struct json_out j = item_event_open(w, refusal ? "response.refusal.delta" : "response.output_text.delta");
    responses_put(&j, "delta", ev->text);
    if (!refusal)
        json_add_raw(&j, "logprobs", STR("[]"));
    event_close(&j);
}

static void write_thought(struct codec_writer *w, struct str text)
{
    struct stream *s = w->state;
    if (!text.n)
        return;
    if (!s->heard)
        write_summary(w, "response.reasoning_summary_part.added", STR(""));
    s->heard = true;
    struct json_out j = item_event_open(w, "response.reasoning_summary_text.delta");
    responses_put(&j, "delta", text);
    event_close(&j);
}

static void write_citation(struct codec_writer *w, const struct ir_citation *c)
{
    struct stream *s = w->state;
    struct json_out j = item_event_open(w, "response.output_text.annotation.added");
    put_number(&j, "annotation_index", s->annotations++);
    json_key(&j, "annotation");
    responses_put_annotation(&j, s->part, c);
    event_close(&j);
}

/* They come apart from the text they are of: a delta without text. */
static void write_logprobs(struct codec_writer *w, struct str list)
{
    struct stream *s = w->state;
    if (!s->open || s->part->kind != IR_TEXT)
        return;
    struct json_out j = item_event_open(w, "response.output_text.delta");
    responses_put(&j, "delta", STR(""));
    json_add_raw(&j, "logprobs", list);
    event_close(&j);
}

static void write_block_event(struct codec_writer *w, const struct ir_event *ev)
{
    struct stream *s = w->state;
    const struct ir_part *part = s->answer.choices->last;
    if (ev->block != s->block)
        begin_part(w, part, ev->block);
    if (!s->open)
        return;
    switch (ev->kind) {
    case IR_EV_TEXT:
    case IR_EV_REFUSAL: write_text(w, ev); break;
    case IR_EV_THINKING: write_thought(w, ev->text); break;
    case IR_EV_ARGUMENTS:
        if (ev->text.n)
            write_arguments(w, ev->text);
        break;
    case IR_EV_CITATION: write_citation(w, ev->citation); break;
    default: break; /* told when the item is done */
    }
}

/* ---- beginning and end ---- */

static enum err begin(struct codec_writer *w)
{
    struct stream *s = w->state;
    w->started = s->begun = true;
    if (responses_answer_init(&s->y, w->arena, &s->answer, w->request) != E_OK)
        return E_FULL;
    write_response(w, "response.created", true, NULL);
    write_response(w, "response.in_progress", true, NULL);
    return E_OK;
}

static void finish(struct codec_writer *w)
{
    struct stream *s = w->state;
    struct str status = responses_status(&s->y);
    w->ended = true;
    end_part(w, status);
    end_item(w, status);
    write_response(w, str_eq(status, STR("completed")) ? "response.completed" : "response.incomplete", false,
                   NULL);
}

/* Clients throw at the first of the two; the second is the end that the others wait for. */
static void fail(struct codec_writer *w, const struct ir_error *error)
{
    struct stream *s = w->state;
    struct json_out j = event_open(w, "error");
    w->ended = true;
    responses_put(&j, "code", responses_error_code(error));
    responses_put(&j, "message", error->message);
    json_add_str(&j, "param", error->param);
    json_key(&j, "error");
    responses_put_error(&j, error);
    event_close(&j);
    if (s->begun)
        write_response(w, "response.failed", false, error);
}

static struct stream *new_stream(struct codec_writer *w)
{
    struct stream *s = arena_new(w->arena, struct stream);
    if (!s)
        return NULL;
    ir_answer_init(&s->answer, w->arena);
    s->block = -1;
    w->state = s;
    return s;
}

enum err responses_write_event(struct codec_writer *w, const struct ir_event *ev)
{
    struct stream *s = w->state ? w->state : new_stream(w);
    if (!s || (ev->choice == 0 && ir_answer_add(&s->answer, ev) != E_OK))
        return E_FULL;
    if (w->ended || ev->choice != 0)
        return E_OK;
    if (ev->kind == IR_EV_ERROR)
        fail(w, ev->error);
    else if (!s->begun && begin(w) != E_OK)
        return E_FULL;
    switch (ev->kind) {
    case IR_EV_LOGPROBS: write_logprobs(w, ev->text); break;
    case IR_EV_END: finish(w); break;
    case IR_EV_START:
    case IR_EV_ERROR:
    case IR_EV_FINISH:
    case IR_EV_USAGE: break;
    default: write_block_event(w, ev);
    }
    return w->out->full ? E_FULL : E_OK;
}
