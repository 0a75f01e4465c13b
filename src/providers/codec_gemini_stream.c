/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gemini streams written. Text goes out as it comes, a part in a chunk of its own; a call, which has to be
 * whole here, and a signature wait for the end of their block. Finish reasons, citations and usage are in the
 * last chunk.
 */
#include "providers/codec_gemini.h"

/* ---- state ----------------------------------------------------------------------------------------- */

enum { NOWHERE = -1, WHOLE = -2 }; /* places of citations: not known; the whole block */

/* A choice being written. */
struct candidate {
    struct candidate *next;
    int number;
    int block; /* the newest */
    enum ir_kind kind;
    bool open;     /* something of the block waits */
    bool redacted; /* a thought without text */
    struct codec_pile id, name, arguments, signature;
    struct gemini_span run, block_start; /* the run of text so far, and before the newest block */
    struct ir_citation *citations, **last;
    struct ir_citation **whole; /* where those begin that mean all of the newest block */
    bool finished;
    enum ir_finish finish;
};

struct writing {
    struct candidate *candidates;
    struct str id, model;
    bool has_usage;
    struct usage usage;
};

static struct candidate *candidate_of(struct codec_writer *w, int number)
{
    struct writing *s = w->state;
    struct candidate **at = &s->candidates;
    while (*at && (*at)->number != number)
        at = &(*at)->next;
    if (*at)
        return *at;
    struct candidate *c = arena_new(w->arena, struct candidate);
    if (!c)
        return NULL;
    c->number = number;
    c->block = -1;
    c->last = c->whole = &c->citations;
    return *at = c;
}

/* ---- chunks ---------------------------------------------------------------------------------------- */

static struct json_out open_chunk(struct codec_writer *w)
{
    (void)buf_append(w->out, STR("data: "));
    struct json_out j = json_out(w->out);
    json_open(&j, '{');
    json_key(&j, "candidates");
    json_open(&j, '[');
    return j;
}

static enum err close_chunk(struct codec_writer *w, struct json_out *j)
{
    const struct writing *s = w->state;
    json_close(j, ']');
    if (w->ended && s->has_usage)
        gemini_put_usage(j, &s->usage);
    gemini_put_names(j, s->id, s->model);
    json_close(j, '}');
    (void)buf_append(w->out, STR("\r\n\r\n")); /* as the service has it */
    return w->out->full ? E_FULL : E_OK;
}

static void open_candidate(struct json_out *j)
{
    json_open(j, '{');
    json_key(j, "content");
    json_open(j, '{');
    json_key(j, "parts");
    json_open(j, '[');
}

static void close_content(struct json_out *j, const struct candidate *c)
{
    json_close(j, ']');
    json_add_str(j, "role", STR("model"));
    json_close(j, '}');
    if (c->finished)
        json_add_str(j, "finishReason", gemini_reason_of(c->finish));
    json_add_int(j, "index", c->number);
}

static enum err put_text(struct codec_writer *w, const struct candidate *c, struct str text, bool thought,
                         struct str signature)
{
    struct json_out j = open_chunk(w);
    open_candidate(&j);
    json_open(&j, '{');
    gemini_put_text(&j, text, thought, signature);
    json_close(&j, '}');
    close_content(&j, c);
    json_close(&j, '}');
    return close_chunk(w, &j);
}

static enum err put_call(struct codec_writer *w, const struct candidate *c)
{
    struct arena a;
    bool wrapped = false;
    arena_init(&a, w->arena->cap);
    struct str arguments = gemini_arguments(&a, codec_pile_str(&c->arguments), &wrapped);
    enum err e = E_FULL;
    if (arguments.p) {
        struct json_out j = open_chunk(w);
        open_candidate(&j);
        json_open(&j, '{');
        gemini_put_call(&j, codec_pile_str(&c->id), codec_pile_str(&c->name), arguments,
                        codec_pile_str(&c->signature));
        json_close(&j, '}');
        close_content(&j, c);
        json_close(&j, '}');
        e = close_chunk(w, &j);
    }
    arena_done(&a);
    return e;
}

/* A block that comes whole: media, or what Gemini alone has. */
static enum err put_part(struct codec_writer *w, const struct candidate *c, const struct ir_part *p)
{
    struct arena a;
    struct str none = {NULL, 0};
    if (p->kind == IR_RAW && p->raw_dialect != D_GEMINI)
        return E_OK;
    arena_init(&a, w->arena->cap);
    struct json_out j = open_chunk(w);
    open_candidate(&j);
    if (p->kind == IR_RAW) {
        json_put_raw(&j, p->raw);
    } else {
        json_open(&j, '{');
        if (!gemini_put_media(&a, &j, p)) /* at the other provider, and out of reach */
            gemini_put_text(&j, p->media.url.n ? p->media.url : p->media.file_id, false, none);
        json_close(&j, '}');
    }
    close_content(&j, c);
    json_close(&j, '}');
    arena_done(&a);
    return close_chunk(w, &j);
}

/* What the service sends in a chunk without news. */
static void put_nothing(struct json_out *j, const struct candidate *c)
{
    open_candidate(j);
    json_open(j, '{');
    json_add_str(j, "text", STR(""));
    json_close(j, '}');
    close_content(j, c);
}

/* ---- blocks ---------------------------------------------------------------------------------------- */

/* What waited for the block's end. */
static enum err flush(struct codec_writer *w, struct candidate *c)
{
    struct str signature = codec_pile_str(&c->signature);
    enum err e = E_OK;
    if (!c->open)
        return E_OK;
    c->open = false;
    for (struct ir_citation *k = *c->whole; k; k = k->next)
        if (k->start == WHOLE) {
            k->start = (int64_t)c->block_start.bytes;
            k->end = (int64_t)c->run.bytes;
        }
    c->whole = c->last;
    if (c->kind == IR_THINKING && c->id.n) {
        signature = gemini_seal(w->arena, codec_pile_str(&c->id), signature);
        if (!signature.p)
            return E_FULL;
    }
    if (c->kind == IR_TOOL_CALL)
        e = put_call(w, c);
    else if (signature.n)
        e = put_text(w, c, c->redacted ? str_of(NULL, 0) : STR(""), c->kind == IR_THINKING, signature);
    if (signature.n || c->kind != IR_TEXT)
        c->run = (struct gemini_span){0, 0}; /* what comes next is another part */
    c->id.n = c->name.n = c->arguments.n = c->signature.n = 0;
    return e;
}

static enum err enter(struct codec_writer *w, struct candidate *c, const struct ir_event *ev)
{
    static const enum ir_kind kinds[] = {
        [IR_EV_TEXT] = IR_TEXT,          [IR_EV_REFUSAL] = IR_TEXT,   [IR_EV_THINKING] = IR_THINKING,
        [IR_EV_SIGNATURE] = IR_THINKING, [IR_EV_CALL] = IR_TOOL_CALL, [IR_EV_ARGUMENTS] = IR_TOOL_CALL,
        [IR_EV_MEDIA] = IR_FILE,         [IR_EV_RAW] = IR_RAW,        [IR_EV_CITATION] = IR_TEXT};
    if (c->block == ev->block)
        return E_OK;
    enum err e = flush(w, c);
    c->block = ev->block;
    c->kind = kinds[ev->kind];
    c->open = true;
    c->redacted = false;
    c->block_start = c->run;
    return e;
}

/* Code points of the block to bytes of the run; NOWHERE where text that is not ASCII, which is not kept, is
 * before. */
static int64_t bytes_of(const struct candidate *c, int64_t points)
{
    size_t bytes = c->run.bytes - c->block_start.bytes, all = c->run.points - c->block_start.points;
    if (points < 0 || (uint64_t)points > all)
        return NOWHERE;
    if ((size_t)points == all)
        return (int64_t)c->run.bytes;
    return bytes == all ? (int64_t)c->block_start.bytes + points : NOWHERE;
}

static bool keep(struct arena *a, struct str *s)
{
    if (s->p)
        *s = arena_dup(a, *s);
    return s->p || s->n == 0;
}

static enum err add_citation(struct codec_writer *w, struct candidate *c, const struct ir_citation *from)
{
    struct ir_citation *copy = arena_new(w->arena, struct ir_citation);
    if (!copy)
        return E_FULL;
    *copy = *from;
    copy->next = NULL;
    copy->start = from->start < 0 ? WHOLE : bytes_of(c, from->start);
    copy->end = bytes_of(c, from->end);
    *c->last = copy;
    c->last = &copy->next;
    bool ok = keep(w->arena, &copy->url) && keep(w->arena, &copy->title) && keep(w->arena, &copy->quote) &&
              keep(w->arena, &copy->document) && keep(w->arena, &copy->raw);
    return ok ? E_OK : E_FULL;
}

static enum err say(struct codec_writer *w, struct candidate *c, struct str text, bool thought)
{
    if (!thought)
        gemini_span_add(&c->run, text);
    return text.n ? put_text(w, c, text, thought, str_of(NULL, 0)) : E_OK;
}

static enum err begin_call(struct codec_writer *w, struct candidate *c, const struct ir_event *ev)
{
    enum err e = codec_pile_set(w->arena, &c->id, ev->id);
    return e == E_OK ? codec_pile_set(w->arena, &c->name, ev->name) : e;
}

static enum err put_logprobs(struct codec_writer *w, const struct candidate *c, struct str entries)
{
    struct json_out j = open_chunk(w);
    put_nothing(&j, c);
    gemini_put_logprobs(&j, entries);
    json_close(&j, '}');
    return close_chunk(w, &j);
}

static enum err write_block(struct codec_writer *w, struct candidate *c, const struct ir_event *ev)
{
    enum err e = enter(w, c, ev);
    if (e != E_OK)
        return e;
    switch (ev->kind) {
    case IR_EV_TEXT:
    case IR_EV_REFUSAL: return say(w, c, ev->text, false);
    case IR_EV_THINKING:
        e = c->id.n ? E_OK : codec_pile_set(w->arena, &c->id, ev->id);
        return e == E_OK ? say(w, c, ev->text, true) : e;
    case IR_EV_SIGNATURE:
        c->redacted |= ev->redacted;
        return codec_pile_add(w->arena, &c->signature, ev->text);
    case IR_EV_CALL: return begin_call(w, c, ev);
    case IR_EV_ARGUMENTS: return codec_pile_add(w->arena, &c->arguments, ev->text);
    case IR_EV_CITATION: return add_citation(w, c, ev->citation);
    default: return put_part(w, c, ev->part);
    }
}

/* ---- the beginning and the end --------------------------------------------------------------------- */

static enum err start(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *s = w->state;
    s->id = ev->id;
    s->model = ev->model.n ? ev->model : w->request->model;
    w->started = true;
    return keep(w->arena, &s->id) && keep(w->arena, &s->model) ? E_OK : E_FULL;
}

static enum err finish(struct codec_writer *w, struct candidate *c, const struct ir_event *ev)
{
    enum err e = flush(w, c);
    c->finish = ev->finish;
    c->finished = true;
    return e;
}

static enum err end(struct codec_writer *w)
{
    struct writing *s = w->state;
    struct candidate *c = s->candidates ? s->candidates : candidate_of(w, 0);
    if (!c)
        return E_FULL;
    w->ended = true;
    struct json_out j = open_chunk(w);
    for (; c; c = c->next) {
        c->finished = true;
        put_nothing(&j, c);
        gemini_put_citations(&j, c->citations);
        json_close(&j, '}');
    }
    return close_chunk(w, &j);
}

static enum err fail(struct codec_writer *w, const struct ir_error *error)
{
    w->ended = true;
    (void)buf_append(w->out, STR("data: "));
    struct json_out j = json_out(w->out);
    gemini_put_error(&j, error);
    (void)buf_append(w->out, STR("\r\n\r\n"));
    return w->out->full ? E_FULL : E_OK;
}

static enum err write_choice(struct codec_writer *w, const struct ir_event *ev)
{
    struct candidate *c = candidate_of(w, ev->choice);
    if (!c)
        return E_FULL;
    if (ev->kind == IR_EV_LOGPROBS)
        return put_logprobs(w, c, ev->text);
    return ev->kind == IR_EV_FINISH ? finish(w, c, ev) : write_block(w, c, ev);
}

enum err gemini_write_event(struct codec_writer *w, const struct ir_event *ev)
{
    struct writing *s = w->state ? w->state : (w->state = arena_new(w->arena, struct writing));
    if (!s)
        return E_FULL;
    switch (ev->kind) {
    case IR_EV_START: return start(w, ev);
    case IR_EV_USAGE:
        s->has_usage = true;
        s->usage = *ev->usage;
        return E_OK;
    case IR_EV_END: return end(w);
    case IR_EV_ERROR: return fail(w, ev->error);
    default: return write_choice(w, ev);
    }
}
