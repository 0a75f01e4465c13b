/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A response object and its items, written: what a whole answer is, and what a stream says over and over.
 * Items stand for the answer's parts in their order, all texts in a row for one message; only the first of
 * several choices can be said.
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "providers/codec_openai_responses.h"

#include <stdio.h>

/* ---- the answer ---- */

static struct str made_up_id(struct arena *a)
{
    unsigned char bytes[12];
    char text[2 * sizeof(bytes)];
    random_bytes(bytes, sizeof(bytes));
    hex_encode(text, bytes, sizeof(bytes));
    return arena_printf(a, "resp_%.*s", (int)sizeof(text), text);
}

enum err responses_answer_init(struct responses_answer *y, struct arena *a, const struct ir_answer *answer,
                               const struct ir_request *request)
{
    *y = (struct responses_answer){.answer = answer, .request = request};
    y->id = answer->id.n ? answer->id : made_up_id(a);
    y->model = answer->model.n ? answer->model : request->model.p ? request->model : STR("");
    y->created = answer->created ? answer->created : clock_wall_ms() / 1000;
    return y->id.p ? E_OK : E_FULL;
}

static const struct ir_choice_answer *first_choice(const struct responses_answer *y)
{
    const struct ir_choice_answer *c = y->answer->choices;
    return c && c->choice == 0 ? c : NULL;
}

const struct ir_part *responses_parts(const struct responses_answer *y)
{
    const struct ir_choice_answer *c = first_choice(y);
    return c ? c->parts : NULL;
}

/* What clients of this dialect are told of a reason to stop that it has no word for; p == NULL: it was not
 * cut short. */
static struct str incomplete_reason(const struct responses_answer *y)
{
    const struct ir_choice_answer *c = first_choice(y);
    bool refused = false;
    for (const struct ir_part *p = responses_parts(y); p; p = p->next)
        refused |= p->kind == IR_REFUSAL;
    switch (c ? c->finish : IR_FINISH_UNKNOWN) {
    case IR_FINISH_LENGTH: return STR("max_output_tokens");
    case IR_FINISH_FILTER: return STR("content_filter");
    case IR_FINISH_REFUSAL: return refused ? str_of(NULL, 0) : STR("content_filter"); /* in no words */
    case IR_FINISH_PAUSE: return STR("pause_turn");
    case IR_FINISH_ERROR: return STR("error");
    default: return str_of(NULL, 0);
    }
}

struct str responses_status(const struct responses_answer *y)
{
    return incomplete_reason(y).p ? STR("incomplete") : STR("completed");
}

/* ---- which parts are which items ---- */

static bool is_content(const struct ir_part *p)
{
    return p->kind == IR_TEXT || p->kind == IR_REFUSAL;
}

bool responses_is_said(const struct ir_part *p)
{
    switch (p->kind) {
    case IR_IMAGE: return p->media.data.p != NULL;
    case IR_RAW: return p->raw_dialect == D_OPENAI_RESPONSES;
    case IR_TEXT:
    case IR_REFUSAL:
    case IR_THINKING:
    case IR_TOOL_CALL: return true;
    default: return false;
    }
}

bool responses_has_follower(const struct ir_part *last)
{
    return last->signature.n && (last->kind == IR_TEXT || last->kind == IR_TOOL_CALL);
}

/* An item stands for the parts from `first` up to what this returns: a message for all its texts. */
static const struct ir_part *item_end(const struct ir_part *first)
{
    const struct ir_part *p = first;
    while (p->next && is_content(first) && !responses_has_follower(p) &&
           (is_content(p->next) || !responses_is_said(p->next)))
        p = p->next;
    return p->next;
}

struct str responses_item_id(const struct responses_answer *y, const struct ir_part *first, size_t index,
                             char buf[RESPONSES_ID])
{
    static const char *const prefixes[] = {
        [IR_TEXT] = "msg_",     [IR_REFUSAL] = "msg_", [IR_THINKING] = RESPONSES_OWN_ID,
        [IR_TOOL_CALL] = "fc_", [IR_IMAGE] = "ig_",    [IR_RAW] = "item_",
    };
    if (first->kind == IR_THINKING && first->id.n)
        return first->id;
    size_t word = str_find(y->id, '_'); /* "resp_0123" and "msg_0123" are 0123 */
    struct str tail = str_head(word + 1 < y->id.n ? str_from(y->id, word + 1) : y->id, RESPONSES_ID / 2);
    const char *prefix = first->redacted ? RESPONSES_OWN_REDACTED : prefixes[first->kind];
    int n = snprintf(buf, RESPONSES_ID, "%s%.*s_%zu", prefix, STR_FMT(tail), index);
    must(n > 0 && n < RESPONSES_ID);
    return str_of(buf, (size_t)n);
}

/* ---- items ---- */

struct str responses_logprobs(const struct responses_answer *y, const struct ir_part *p)
{
    const struct ir_choice_answer *c = first_choice(y);
    const struct ir_part *first = c ? c->parts : NULL;
    while (first && first->kind != IR_TEXT)
        first = first->next;
    return first == p && c->logprobs.n ? c->logprobs : STR("[]");
}

void responses_put_content(struct json_out *w, const struct responses_answer *y, const struct ir_part *p,
                           bool empty)
{
    json_open(w, '{');
    if (p->kind == IR_REFUSAL) {
        responses_put(w, "type", STR("refusal"));
        responses_put(w, "refusal", empty ? STR("") : p->text);
    } else {
        responses_put(w, "type", STR("output_text"));
        responses_put(w, "text", empty ? STR("") : p->text);
        json_key(w, "annotations");
        if (empty)
            json_put_raw(w, STR("[]"));
        else
            responses_put_annotations(w, p);
        json_add_raw(w, "logprobs", empty ? STR("[]") : responses_logprobs(y, p));
    }
    json_close(w, '}');
}

static void put_message(struct json_out *w, const struct responses_answer *y, const struct ir_part *first,
                        bool empty)
{
    const struct ir_part *end = item_end(first);
    responses_put(w, "role", STR("assistant"));
    json_key(w, "content");
    json_open(w, '[');
    for (const struct ir_part *p = first; p != end && !empty; p = p->next)
        if (is_content(p))
            responses_put_content(w, y, p, false);
    json_close(w, ']');
}

static void put_thoughts(struct json_out *w, const struct ir_part *p, bool empty)
{
    json_key(w, "summary");
    json_open(w, '[');
    if (p->text.n && !empty) {
        json_open(w, '{');
        responses_put(w, "type", STR("summary_text"));
        responses_put(w, "text", p->text);
        json_close(w, '}');
    }
    json_close(w, ']');
    json_add_str(w, "encrypted_content", p->signature.n && !empty ? p->signature : str_of(NULL, 0));
}

static void put_call(struct json_out *w, const struct ir_part *p, bool empty)
{
    responses_put(w, "call_id", p->id);
    responses_put(w, "name", p->name);
    responses_put(w, "arguments", empty ? STR("") : p->arguments.n ? p->arguments : STR("{}"));
}

static void put_picture(struct json_out *w, const struct ir_part *p, bool empty)
{
    static const struct str image = S("image/");
    struct str mime = p->media.mime;
    json_add_str(w, "result", empty ? str_of(NULL, 0) : p->media.data);
    responses_put(w, "output_format", str_istarts(mime, image) ? str_from(mime, image.n) : STR("png"));
}

void responses_put_item(struct json_out *w, const struct responses_answer *y, const struct ir_part *first,
                        size_t index, struct str status)
{
    static const struct str types[] = {
        [IR_TEXT] = S("message"),
        [IR_REFUSAL] = S("message"),
        [IR_THINKING] = S("reasoning"),
        [IR_TOOL_CALL] = S("function_call"),
        [IR_IMAGE] = S("image_generation_call"),
    };
    bool empty = str_eq(status, STR("in_progress"));
    char id[RESPONSES_ID];
    if (first->kind == IR_RAW) {
        json_put_raw(w, first->raw);
        return;
    }
    json_open(w, '{');
    responses_put(w, "id", responses_item_id(y, first, index, id));
    responses_put(w, "type", types[first->kind]);
    if (first->kind != IR_THINKING)
        responses_put(w, "status", status);
    switch (first->kind) {
    case IR_THINKING: put_thoughts(w, first, empty); break;
    case IR_TOOL_CALL: put_call(w, first, empty); break;
    case IR_IMAGE: put_picture(w, first, empty); break;
    default: put_message(w, y, first, empty);
    }
    json_close(w, '}');
}

void responses_put_follower(struct json_out *w, const struct responses_answer *y, const struct ir_part *of,
                            size_t index)
{
    const struct ir_part carrier = {.kind = IR_THINKING};
    char id[RESPONSES_ID];
    struct buf b; /* bounded by the arena that the signature is in */
    buf_init(&b, SIZE_MAX / 2);
    (void)buf_append(&b, STR(RESPONSES_OF_LAST));
    (void)buf_append(&b, of->signature);
    json_open(w, '{');
    responses_put(w, "id", responses_item_id(y, &carrier, index, id));
    responses_put(w, "type", STR("reasoning"));
    json_add_raw(w, "summary", STR("[]"));
    responses_put(w, "encrypted_content", buf_str(&b));
    json_close(w, '}');
    buf_done(&b);
}

static void put_output(struct json_out *w, const struct responses_answer *y, struct str last)
{
    size_t index = 0;
    json_open(w, '[');
    for (const struct ir_part *p = responses_parts(y), *end; p; p = end) {
        end = item_end(p);
        if (!responses_is_said(p))
            continue;
        responses_put_item(w, y, p, index++, end ? STR("completed") : last);
        while (p->next != end)
            p = p->next;
        if (responses_has_follower(p))
            responses_put_follower(w, y, p, index++);
    }
    json_close(w, ']');
}

/* ---- the response object ---- */

static void put_usage(struct json_out *w, const struct usage *u)
{
    json_open(w, '{');
    json_add_int(w, "input_tokens", u->input);
    json_key(w, "input_tokens_details");
    json_open(w, '{');
    json_add_int(w, "cached_tokens", u->cached);
    json_add_int(w, "cache_write_tokens", u->cache_write);
    if (u->audio_in)
        json_add_int(w, "audio_tokens", u->audio_in);
    if (u->image_in)
        json_add_int(w, "image_tokens", u->image_in);
    json_close(w, '}');
    json_add_int(w, "output_tokens", u->output);
    json_key(w, "output_tokens_details");
    json_open(w, '{');
    json_add_int(w, "reasoning_tokens", u->reasoning);
    if (u->audio_out)
        json_add_int(w, "audio_tokens", u->audio_out);
    if (u->image_out)
        json_add_int(w, "image_tokens", u->image_out);
    json_close(w, '}');
    json_add_int(w, "total_tokens", u->input + u->output);
    json_close(w, '}');
}

/* The members that repeat how the request was meant; those are there that clients' types ask for. */
static void put_request(struct json_out *w, const struct ir_request *r)
{
    const struct str null = STR("null");
    json_key(w, "instructions");
    json_put_null(w);
    json_add_raw(w, "metadata", r->metadata.p ? r->metadata : STR("{}"));
    json_add_bool(w, "parallel_tool_calls", r->parallel_tools != 0);
    json_add_raw(w, "temperature", r->temperature.p ? r->temperature : null);
    json_add_raw(w, "top_p", r->top_p.p ? r->top_p : null);
    json_key(w, "max_output_tokens");
    if (r->max_tokens >= 0)
        json_put_int(w, r->max_tokens);
    else
        json_put_null(w);
    json_key(w, "tool_choice");
    responses_put_choice(w, r);
    json_key(w, "tools");
    responses_put_tools(w, r, 0);
    json_key(w, "text");
    json_open(w, '{');
    json_key(w, "format");
    responses_put_format(w, r);
    json_close(w, '}');
    json_key(w, "reasoning");
    json_open(w, '{');
    json_add_str(w, "effort", responses_effort(r));
    json_add_str(w, "summary", r->thinking_shown == 1 ? STR("auto") : str_of(NULL, 0));
    json_close(w, '}');
    json_add_raw(w, "previous_response_id", null);
    json_add_raw(w, "truncation", STR("\"disabled\""));
    json_add_raw(w, "background", STR("false"));
    json_add_raw(w, "store", STR("false")); /* nobody can ask for it later */
    if (r->user.p)
        responses_put(w, "user", r->user);
}

static void put_outcome(struct json_out *w, const struct responses_answer *y, bool begun,
                        const struct ir_error *error)
{
    struct str reason = begun || error ? str_of(NULL, 0) : incomplete_reason(y);
    responses_put(w, "status", error ? STR("failed") : begun ? STR("in_progress") : responses_status(y));
    json_key(w, "error");
    if (error) {
        json_open(w, '{');
        responses_put(w, "code", responses_error_code(error));
        responses_put(w, "message", error->message);
        json_close(w, '}');
    } else {
        json_put_null(w);
    }
    json_key(w, "incomplete_details");
    if (reason.p) {
        json_open(w, '{');
        responses_put(w, "reason", reason);
        json_close(w, '}');
    } else {
        json_put_null(w);
    }
}

void responses_put_response(struct json_out *w, const struct responses_answer *y, bool begun,
                            const struct ir_error *error)
{
    json_open(w, '{');
    responses_put(w, "id", y->id);
    responses_put(w, "object", STR("response"));
    json_add_int(w, "created_at", y->created);
    put_outcome(w, y, begun, error);
    responses_put(w, "model", y->model);
    json_key(w, "output");
    if (begun)
        json_put_raw(w, STR("[]"));
    else
        put_output(w, y, error ? STR("incomplete") : responses_status(y));
    put_request(w, y->request);
    json_key(w, "usage");
    if (y->answer->has_usage && !begun)
        put_usage(w, &y->answer->usage);
    else
        json_put_null(w);
    json_close(w, '}');
}

enum err responses_write_answer(struct arena *a, const struct ir_answer *answer,
                                const struct ir_request *request, struct buf *out)
{
    struct responses_answer y;
    struct json_out w = json_out(out);
    if (responses_answer_init(&y, a, answer, request) != E_OK)
        return E_FULL;
    responses_put_response(&w, &y, false, NULL);
    return out->full ? E_FULL : E_OK;
}
