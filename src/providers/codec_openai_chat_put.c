/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chat completions answers, written. There is one text and one place for thoughts: text blocks are joined,
 * and what is said of them (citations) counts from the start of the whole. Annotations that do not point to a
 * URL are left out: clients check the type.
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "providers/codec_openai_chat.h"

enum { AUDIO_KEPT_S = 3600 }; /* expires_at must be said: what OpenAI says */

static int64_t code_points(struct str s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

/* ---- what whole answers and streams share ---- */

/* Members id, object, created, model. */
static void put_head(struct json_out *w, struct str object, const struct ir_request *r, struct str id,
                     struct str model, int64_t created)
{
    char made[] = "chatcmpl-000000000000000000000000";
    unsigned char random[12];
    if (!id.n) {
        random_bytes(random, sizeof(random));
        hex_encode(made + 9, random, sizeof(random));
    }
    json_add_str(w, "id", id.n ? id : str_c(made));
    json_add_str(w, "object", object);
    json_add_int(w, "created", created ? created : clock_wall_ms() / 1000);
    json_add_str(w, "model", model.n ? model : r->model.p ? r->model : STR(""));
}

static void put_usage(struct json_out *w, const struct usage *u)
{
    json_key(w, "usage");
    json_open(w, '{');
    json_add_int(w, "prompt_tokens", u->input);
    json_add_int(w, "completion_tokens", u->output);
    json_add_int(w, "total_tokens", u->input + u->output);
    json_key(w, "prompt_tokens_details");
    json_open(w, '{');
    json_add_int(w, "cached_tokens", u->cached);
    json_add_int(w, "audio_tokens", u->audio_in);
    if (u->cache_write)
        json_add_int(w, "cache_write_tokens", u->cache_write);
    if (u->image_in)
        json_add_int(w, "image_tokens", u->image_in);
    if (u->cached_audio) {
        json_key(w, "cached_tokens_details");
        json_open(w, '{');
        json_add_int(w, "audio_tokens", u->cached_audio);
        json_close(w, '}');
    }
    json_close(w, '}');
    json_key(w, "completion_tokens_details");
    json_open(w, '{');
    json_add_int(w, "reasoning_tokens", u->reasoning);
    json_add_int(w, "audio_tokens", u->audio_out);
    if (u->image_out)
        json_add_int(w, "image_tokens", u->image_out);
    json_add_int(w, "accepted_prediction_tokens", 0);
    json_add_int(w, "rejected_prediction_tokens", 0);
    json_close(w, '}');
    json_close(w, '}');
}

static bool is_sayable(const struct ir_citation *c)
{
    return c->url.n || (c->raw.p && c->raw_dialect == D_OPENAI_CHAT);
}

/* Of a text block that begins at `base` and has `n` code points so far. */
static void put_citation(struct json_out *w, const struct ir_citation *c, int64_t base, int64_t n)
{
    if (c->raw.p && c->raw_dialect == D_OPENAI_CHAT) {
        json_put_raw(w, c->raw);
        return;
    }
    json_open(w, '{');
    json_add_str(w, "type", STR("url_citation"));
    json_key(w, "url_citation");
    json_open(w, '{');
    json_add_int(w, "start_index", base + (c->start >= 0 ? c->start : 0));
    json_add_int(w, "end_index", base + (c->start >= 0 ? c->end : n));
    json_add_str(w, "url", c->url);
    json_add_str(w, "title", c->title.p ? c->title : STR(""));
    if (c->quote.n)
        json_add_str(w, "content", c->quote);
    json_close(w, '}');
    json_close(w, '}');
}

static void put_image(struct arena *a, struct json_out *w, const struct ir_media *m)
{
    chat_put_url(a, w, "image_url", m);
    json_close(w, '}');
}

static bool is_image(const struct ir_part *p)
{
    return p->kind == IR_IMAGE && (p->media.url.p || p->media.data.p);
}

static void put_logprobs(struct json_out *w, struct str content)
{
    json_key(w, "logprobs");
    if (content.n == 0) {
        json_put_null(w);
        return;
    }
    json_open(w, '{');
    json_add_raw(w, "content", content);
    json_add_str(w, "refusal", str_of(NULL, 0));
    json_close(w, '}');
}

/* stop: as vLLM says which string it was. */
static void put_finish(struct json_out *w, struct str reason, struct str stop)
{
    json_add_str(w, "finish_reason", reason);
    if (stop.p)
        json_add_str(w, "stop_reason", stop);
}

static void put_function(struct json_out *w, struct str name, struct str arguments)
{
    json_open(w, '{');
    if (name.p)
        json_add_str(w, "name", name);
    json_add_str(w, "arguments", arguments);
    json_close(w, '}');
}

/* ---- whole answers ---- */

/* The texts of all parts of that kind, joined; p == NULL: there is none. */
static struct str text_of(struct arena *a, const struct ir_part *p, enum ir_kind kind)
{
    struct ir_strs texts = {NULL, 0};
    for (; p; p = p->next)
        if (p->kind == kind && !p->redacted && !ir_add_str(a, &texts, p->text))
            return str_of(NULL, 0);
    return texts.n ? arena_join(a, texts.v, texts.n) : str_of(NULL, 0);
}

static void put_thoughts(struct arena *a, struct json_out *w, const struct ir_part *parts)
{
    struct str text = text_of(a, parts, IR_THINKING);
    struct chat_thought t = {.index = 0};
    if (text.n)
        json_add_str(w, "reasoning_content", text);
    for (const struct ir_part *p = parts; p; p = p->next) {
        if (p->kind != IR_THINKING)
            continue;
        if (t.index == 0) {
            json_key(w, "reasoning_details");
            json_open(w, '[');
        }
        t.text = p->text;
        t.signature = p->signature;
        t.id = p->id;
        t.redacted = p->redacted;
        chat_put_thought(w, &t);
        t.index++;
    }
    if (t.index)
        json_close(w, ']');
}

static void put_annotations(struct json_out *w, const struct ir_part *parts)
{
    int64_t base = 0;
    bool open = false;
    for (const struct ir_part *p = parts; p; p = p->next) {
        int64_t n = p->kind == IR_TEXT ? code_points(p->text) : 0;
        for (const struct ir_citation *c = p->citations; c; c = c->next) {
            if (!is_sayable(c))
                continue;
            if (!open)
                json_key(w, "annotations");
            if (!open)
                json_open(w, '[');
            open = true;
            put_citation(w, c, base, n);
        }
        base += n;
    }
    if (open)
        json_close(w, ']');
}

/* One sound, whatever number of pieces it came in. p == NULL: there is none. */
static struct str sound_of(struct arena *a, const struct ir_part *parts, struct str *ret_id)
{
    struct str all = {NULL, 0}, bytes;
    for (const struct ir_part *p = parts; p; p = p->next) {
        if (p->kind != IR_AUDIO || !p->media.data.p)
            continue;
        *ret_id = ret_id->n ? *ret_id : p->media.file_id;
        if (!p->next && !all.p)
            return p->media.data;
        if (base64_decode(a, p->media.data, &bytes) != E_OK)
            return p->media.data;
        all = arena_join(a, (const struct str[]){all, bytes}, 2);
    }
    return all.p ? base64_encode(a, all) : all;
}

static void put_works(struct arena *a, struct json_out *w, const struct ir_part *parts, int64_t created)
{
    struct str id = {NULL, 0}, sound = sound_of(a, parts, &id);
    bool open = false;
    if (sound.p) {
        json_key(w, "audio");
        json_open(w, '{');
        json_add_str(w, "id", id.n ? id : STR("audio"));
        json_add_str(w, "data", sound);
        json_add_int(w, "expires_at", (created ? created : clock_wall_ms() / 1000) + AUDIO_KEPT_S);
        json_add_str(w, "transcript", STR("")); /* it is the content */
        json_close(w, '}');
    }
    for (const struct ir_part *p = parts; p; p = p->next) {
        if (!is_image(p))
            continue;
        if (!open)
            json_key(w, "images");
        if (!open)
            json_open(w, '[');
        open = true;
        put_image(a, w, &p->media);
    }
    if (open)
        json_close(w, ']');
}

static void put_call(struct json_out *w, const struct ir_part *p)
{
    json_open(w, '{');
    json_add_str(w, "id", p->id);
    json_add_str(w, "type", STR("function"));
    json_key(w, "function");
    put_function(w, p->name, p->arguments.n ? p->arguments : STR("{}"));
    if (p->signature.n)
        chat_put_signature(w, p->signature);
    json_close(w, '}');
}

/* True: there are some. */
static bool put_calls(struct json_out *w, const struct ir_part *parts, bool functions)
{
    bool open = false;
    for (const struct ir_part *p = parts; p; p = p->next) {
        if (p->kind != IR_TOOL_CALL)
            continue;
        if (functions) { /* there is place for one */
            json_key(w, "function_call");
            put_function(w, p->name, p->arguments.n ? p->arguments : STR("{}"));
            return true;
        }
        if (!open)
            json_key(w, "tool_calls");
        if (!open)
            json_open(w, '[');
        open = true;
        put_call(w, p);
    }
    if (open)
        json_close(w, ']');
    return open;
}

static void put_choice(struct arena *a, struct json_out *w, const struct ir_choice_answer *c,
                       const struct ir_answer *answer, const struct ir_request *r)
{
    struct str signature = {NULL, 0};
    for (const struct ir_part *p = c->parts; p; p = p->next)
        signature = p->kind == IR_TEXT && p->signature.n ? p->signature : signature;
    json_open(w, '{');
    json_add_int(w, "index", c->choice);
    json_key(w, "message");
    json_open(w, '{');
    json_add_str(w, "role", STR("assistant"));
    json_add_str(w, "content", text_of(a, c->parts, IR_TEXT));
    json_add_str(w, "refusal", text_of(a, c->parts, IR_REFUSAL));
    put_thoughts(a, w, c->parts);
    put_annotations(w, c->parts);
    if (signature.n)
        chat_put_signature(w, signature);
    put_works(a, w, c->parts, answer->created);
    bool calls = put_calls(w, c->parts, r->functions);
    json_close(w, '}');
    put_logprobs(w, c->logprobs);
    put_finish(w, chat_finish_reason(c->finish, calls, r->functions), c->stop_sequence);
    json_close(w, '}');
}

enum err chat_write_answer(struct arena *a, const struct ir_answer *answer, const struct ir_request *request,
                           struct buf *out)
{
    struct json_out w = json_out(out);
    json_open(&w, '{');
    put_head(&w, STR("chat.completion"), request, answer->id, answer->model, answer->created);
    json_key(&w, "choices");
    json_open(&w, '[');
    for (const struct ir_choice_answer *c = answer->choices; c; c = c->next)
        put_choice(a, &w, c, answer, request);
    json_close(&w, ']');
    if (answer->has_usage)
        put_usage(&w, &answer->usage);
    json_close(&w, '}');
    return out->full ? E_FULL : E_OK;
}

/* ---- streams ---- */

struct choice {
    struct choice *next;
    int number;
    int block;            /* of the last event; -1: none yet */
    enum ir_kind kind;    /* of that block */
    int64_t points, base; /* code points of text so far, and those before this block */
    int thoughts, calls;  /* begun so far */
    bool argued;          /* the call has arguments */
};

struct state {
    struct str head; /* what every chunk begins with, up to its choices */
    struct choice *choices;
    bool has_usage;
    struct usage usage;
};

static struct state *state_of(struct codec_writer *w)
{
    if (!w->state)
        w->state = arena_new(w->arena, struct state);
    return w->state;
}

static struct json_out open_chunk(struct codec_writer *w, int choice)
{
    const struct state *s = w->state;
    struct json_out j = json_out(w->out);
    (void)buf_append(w->out, s->head);
    (void)buf_printf(w->out, "\"choices\":[{\"index\":%d,\"delta\":{", choice);
    return j;
}

static enum err close_chunk_with(struct codec_writer *w, struct json_out *j, struct str logprobs,
                                 struct str reason, struct str stop)
{
    json_close(j, '}');
    put_logprobs(j, logprobs);
    put_finish(j, reason, stop);
    (void)buf_append(w->out, w->request->stream_usage ? STR("}],\"usage\":null}\n\n") : STR("}]}\n\n"));
    return w->out->full ? E_FULL : E_OK;
}

static enum err close_chunk(struct codec_writer *w, struct json_out *j)
{
    const struct str none = {NULL, 0};
    return close_chunk_with(w, j, none, none, none);
}

/* The role comes first, in a chunk of its own. */
static struct choice *choice_of(struct codec_writer *w, int number)
{
    struct state *s = w->state;
    struct choice **at = &s->choices;
    while (*at && (*at)->number != number)
        at = &(*at)->next;
    if (*at)
        return *at;
    *at = arena_new(w->arena, struct choice);
    if (!*at)
        return NULL;
    **at = (struct choice){.number = number, .block = -1};
    struct json_out j = open_chunk(w, number);
    json_add_str(&j, "role", STR("assistant"));
    json_add_str(&j, "content", STR(""));
    json_add_str(&j, "refusal", str_of(NULL, 0));
    (void)close_chunk(w, &j);
    return *at;
}

static enum err start(struct codec_writer *w, const struct ir_event *ev)
{
    struct state *s = w->state;
    struct buf b;
    buf_init(&b, w->arena->cap);
    struct json_out j = json_out(&b);
    (void)buf_append(&b, STR("data: "));
    json_open(&j, '{');
    put_head(&j, STR("chat.completion.chunk"), w->request, ev->id, ev->model, ev->created);
    (void)buf_append(&b, STR(","));
    s->head = b.full ? str_of(NULL, 0) : arena_dup(w->arena, buf_str(&b));
    buf_done(&b);
    w->started = true;
    return s->head.p && choice_of(w, 0) ? E_OK : E_FULL;
}

/* Delta of the call that was begun last; name.p: it begins. */
static enum err give_call(struct codec_writer *w, const struct choice *c, struct str id, struct str name,
                          struct str arguments)
{
    if (w->request->functions && c->calls > 1)
        return E_OK; /* there is place for one */
    struct json_out j = open_chunk(w, c->number);
    if (w->request->functions) {
        json_key(&j, "function_call");
        put_function(&j, name, arguments);
        return close_chunk(w, &j);
    }
    json_key(&j, "tool_calls");
    json_open(&j, '[');
    json_open(&j, '{');
    json_add_int(&j, "index", c->calls - 1);
    if (name.p) {
        json_add_str(&j, "id", id);
        json_add_str(&j, "type", STR("function"));
    }
    json_key(&j, "function");
    put_function(&j, name, arguments);
    json_close(&j, '}');
    json_close(&j, ']');
    return close_chunk(w, &j);
}

static enum err leave_block(struct codec_writer *w, struct choice *c)
{
    const struct str none = {NULL, 0};
    if (c->block < 0 || c->kind != IR_TOOL_CALL || c->argued)
        return E_OK;
    c->argued = true;
    return give_call(w, c, none, none, STR("{}"));
}

static enum ir_kind kind_of(const struct ir_event *ev)
{
    switch (ev->kind) {
    case IR_EV_REFUSAL: return IR_REFUSAL;
    case IR_EV_THINKING:
    case IR_EV_SIGNATURE: return IR_THINKING; /* a signature that begins a block */
    case IR_EV_CALL:
    case IR_EV_ARGUMENTS: return IR_TOOL_CALL;
    case IR_EV_MEDIA:
    case IR_EV_RAW: return ev->part->kind;
    default: return IR_TEXT;
    }
}

static enum err enter_block(struct codec_writer *w, struct choice *c, const struct ir_event *ev)
{
    if (c->block == ev->block)
        return E_OK;
    enum err e = leave_block(w, c);
    c->block = ev->block;
    c->kind = kind_of(ev);
    c->base = c->points;
    c->thoughts += c->kind == IR_THINKING;
    c->calls += c->kind == IR_TOOL_CALL;
    c->argued = false;
    return e;
}

static enum err give_thought(struct codec_writer *w, const struct choice *c, const struct ir_event *ev)
{
    bool signature = ev->kind == IR_EV_SIGNATURE;
    struct chat_thought t = {.index = c->thoughts - 1, .id = ev->id, .redacted = ev->redacted};
    if (ev->text.n == 0 && ev->id.n == 0)
        return E_OK;
    *(signature ? &t.signature : &t.text) = ev->text;
    struct json_out j = open_chunk(w, c->number);
    if (!signature && ev->text.n)
        json_add_str(&j, "reasoning_content", ev->text);
    json_key(&j, "reasoning_details");
    json_open(&j, '[');
    chat_put_thought(&j, &t);
    json_close(&j, ']');
    return close_chunk(w, &j);
}

static enum err give_signature(struct codec_writer *w, const struct choice *c, const struct ir_event *ev)
{
    if (c->kind == IR_THINKING)
        return give_thought(w, c, ev);
    if (c->kind == IR_TOOL_CALL && w->request->functions)
        return E_OK;
    struct json_out j = open_chunk(w, c->number);
    if (c->kind == IR_TOOL_CALL) {
        json_key(&j, "tool_calls");
        json_open(&j, '[');
        json_open(&j, '{');
        json_add_int(&j, "index", c->calls - 1);
        chat_put_signature(&j, ev->text);
        json_close(&j, '}');
        json_close(&j, ']');
    } else {
        chat_put_signature(&j, ev->text);
    }
    return close_chunk(w, &j);
}

static enum err give_media(struct codec_writer *w, const struct choice *c, const struct ir_part *p)
{
    bool sound = p->kind == IR_AUDIO && p->media.data.p;
    if (!sound && !is_image(p))
        return E_OK;
    struct json_out j = open_chunk(w, c->number);
    json_key(&j, sound ? "audio" : "images");
    json_open(&j, sound ? '{' : '[');
    if (sound && p->media.file_id.n)
        json_add_str(&j, "id", p->media.file_id);
    if (sound)
        json_add_str(&j, "data", p->media.data);
    else
        put_image(w->arena, &j, &p->media);
    json_close(&j, sound ? '}' : ']');
    return close_chunk(w, &j);
}

static enum err give_text(struct codec_writer *w, struct choice *c, const char *key, struct str text)
{
    if (text.n == 0)
        return E_OK;
    struct json_out j = open_chunk(w, c->number);
    json_add_str(&j, key, text);
    return close_chunk(w, &j);
}

static enum err give_citation(struct codec_writer *w, const struct choice *c,
                              const struct ir_citation *citation)
{
    if (!is_sayable(citation))
        return E_OK;
    struct json_out j = open_chunk(w, c->number);
    json_key(&j, "annotations");
    json_open(&j, '[');
    put_citation(&j, citation, c->base, c->points - c->base);
    json_close(&j, ']');
    return close_chunk(w, &j);
}

/* An event of a block. */
static enum err give(struct codec_writer *w, struct choice *c, const struct ir_event *ev)
{
    enum err e = enter_block(w, c, ev);
    if (e != E_OK)
        return e;
    switch (ev->kind) {
    case IR_EV_TEXT: c->points += code_points(ev->text); return give_text(w, c, "content", ev->text);
    case IR_EV_REFUSAL: return give_text(w, c, "refusal", ev->text);
    case IR_EV_THINKING: return give_thought(w, c, ev);
    case IR_EV_SIGNATURE: return give_signature(w, c, ev);
    case IR_EV_CALL: return give_call(w, c, ev->id, ev->name, STR(""));
    case IR_EV_ARGUMENTS:
        c->argued |= ev->text.n > 0;
        return ev->text.n ? give_call(w, c, str_of(NULL, 0), str_of(NULL, 0), ev->text) : E_OK;
    case IR_EV_MEDIA: return give_media(w, c, ev->part);
    case IR_EV_CITATION: return give_citation(w, c, ev->citation);
    default: return E_OK; /* RAW: nobody here would know it */
    }
}

static enum err finish_choice(struct codec_writer *w, struct choice *c, const struct ir_event *ev)
{
    const struct str none = {NULL, 0};
    enum err e = leave_block(w, c);
    struct str reason = chat_finish_reason(ev->finish, c->calls > 0, w->request->functions);
    struct json_out j = open_chunk(w, c->number);
    enum err closed = close_chunk_with(w, &j, none, reason, ev->text);
    return e == E_OK ? closed : e;
}

static enum err end(struct codec_writer *w)
{
    const struct state *s = w->state;
    if (s->has_usage && w->request->stream_usage) {
        struct json_out j = json_out(w->out);
        (void)buf_append(w->out, s->head);
        json_add_raw(&j, "choices", STR("[]"));
        put_usage(&j, &s->usage);
        (void)buf_append(w->out, STR("}\n\n"));
    }
    (void)buf_append(w->out, STR("data: [DONE]\n\n"));
    return w->out->full ? E_FULL : E_OK;
}

/* No [DONE] behind it: the answer is not complete. */
static enum err give_error(struct codec_writer *w, const struct ir_error *error)
{
    struct json_out j = json_out(w->out);
    (void)buf_append(w->out, STR("data: {\"error\":"));
    chat_put_error(&j, error);
    (void)buf_append(w->out, STR("}\n\n"));
    return w->out->full ? E_FULL : E_OK;
}

enum err chat_write_event(struct codec_writer *w, const struct ir_event *ev)
{
    struct state *s = state_of(w);
    struct choice *c;
    if (!s)
        return E_FULL;
    switch (ev->kind) {
    case IR_EV_START: return start(w, ev);
    case IR_EV_USAGE:
        s->has_usage = ev->usage->known;
        s->usage = *ev->usage;
        return E_OK;
    case IR_EV_ERROR: w->ended = true; return give_error(w, ev->error);
    case IR_EV_END: w->ended = true; return end(w);
    default: break;
    }
    c = choice_of(w, ev->choice);
    if (!c)
        return E_FULL;
    if (ev->kind == IR_EV_FINISH)
        return finish_choice(w, c, ev);
    if (ev->kind != IR_EV_LOGPROBS)
        return give(w, c, ev);
    const struct str none = {NULL, 0};
    struct json_out j = open_chunk(w, c->number);
    return close_chunk_with(w, &j, ev->text, none, none);
}
