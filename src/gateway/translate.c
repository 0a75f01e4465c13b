/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer in the client's dialect. The plan's tap: it stands between the cache, which keeps the provider's
 * own bytes, and the encoder.
 *
 *   error    collected, read, written as the client's dialect has errors, with the status its clients expect
 *   whole    collected, read, written
 *   stream   event by event
 *
 * An answer that cannot be read is an error of its own (2002), never an empty success.
 */
#include "gateway/translate.h"
#include "base/limits.h"
#include "gateway/parts.h"

struct translation {
    struct txn *t;
    const struct codec *client, *provider;
    struct ir_request request;
    const struct embed_row
        *embed; /* embeddings: the codecs above are for errors alone; NULL: they are none */
    struct embed_request embedding;
    struct str model; /* the provider's name for it */
    struct sink sink;
    enum { ANSWER_WHOLE, ANSWER_STREAM, ANSWER_ERROR } kind;
    struct arena room;         /* for the answer: pictures do not fit in the txn's own */
    struct response_head head; /* of the provider, its lines in the arena */
    struct buf collected;      /* of an answer that is not a stream */
    struct buf out;            /* written, not yet handed on */
    struct sse sse;
    struct aws_stream aws;
    struct codec_reader reader;
    struct codec_writer writer;
    bool broken;
    bool full; /* what the client's codec has to keep of the stream did not fit */
};

/* ---- the request ---- */

static struct translation *begin(struct txn *t, struct target *target, const struct codec *client,
                                 const struct codec *provider, struct str model)
{
    struct translation *x = target->translation = arena_new(t->arena, struct translation);
    if (!x)
        return NULL;
    x->t = t;
    x->client = client;
    x->provider = provider;
    x->model = model;
    x->request = ir_request_none();
    buf_init(&x->collected, METER_BODY_BYTES);
    buf_init(&x->out, SIZE_MAX / 2);
    sse_init(&x->sse);
    aws_stream_init(&x->aws);
    arena_init(&x->room, 2 * METER_BODY_BYTES);
    return x;
}

enum err translate_request(struct txn *t, struct target *target, const struct codec *client,
                           const struct codec *provider, struct str path, const struct codec_ask *ask,
                           struct str *ret_why)
{
    struct translation *x = begin(t, target, client, provider, ask->model);
    if (!x)
        return E_FULL;
    enum err e = client->read_request(t->arena, target->body, path, &x->request, ret_why);
    if (e != E_OK)
        return e;
    bool usage_asked = x->request.stream_usage;
    x->request.stream_usage = true; /* of the provider: every other dialect tells it unasked */
    e = provider->write_request(t->arena, &x->request, ask, &target->own_body, ret_why);
    x->request.stream_usage = usage_asked;
    target->body = buf_str(&target->own_body);
    return e;
}

enum err translate_embeddings(struct txn *t, struct target *target, const struct embed_row *row,
                              struct str model, struct str *ret_why)
{
    struct translation *x = begin(t, target, &codec_openai_chat, row->form->errors, model);
    struct embed_request *r = x ? &x->embedding : NULL;
    if (!x)
        return E_FULL;
    x->embed = row;
    enum err e = embed_read(t->arena, target->body, r, ret_why);
    size_t n = e == E_OK ? embed_calls(row, r) : 0;
    size_t *ends = arena_alloc(t->arena, (n + 1) * sizeof(*ends));
    for (size_t i = 0; ends && i < n && e == E_OK; i++) {
        e = embed_write(t->arena, row, r, model, i, &target->own_body, &x->request, ret_why);
        ends[i] = target->own_body.n;
    }
    target->body = buf_str(&target->own_body);
    if (e != E_OK || n < 2)
        return ends ? e : E_FULL;
    return ends ? parts_new(t->arena, target, ends, n) : E_FULL;
}

const struct ir_strs *translate_dropped(const struct target *target)
{
    const struct translation *x = target->translation;
    const struct ir_strs *names = x ? &x->request.dropped : &target->left_out;
    return names->n ? names : NULL;
}

void translate_done(struct target *target)
{
    struct translation *x = target->translation;
    if (!x)
        return;
    ir_request_done(&x->request);
    embed_done(&x->embedding);
    buf_done(&x->collected);
    buf_done(&x->out);
    sse_done(&x->sse);
    aws_stream_done(&x->aws);
    arena_done(&x->room);
    target->translation = NULL;
}

/* ---- handing on ---- */

static enum flow give(struct translation *x, const struct event *ev)
{
    return x->sink.out->event(x->sink.out, ev);
}

/* Lines that describe the provider's body do not describe ours. */
static bool describes_body(struct str name)
{
    static const struct str names[] = {
        S("content-type"), S("content-length"), S("content-encoding"),
        S("content-md5"),  S("etag"),           S("x-amzn-bedrock-content-type")};
    for (size_t i = 0; i < countof(names); i++)
        if (str_ieq(name, names[i]))
            return true;
    return false;
}

/* The provider's other lines pass: ids, rate limits. */
static bool keep_head(struct translation *x, const struct response_head *h)
{
    struct arena *a = x->t->arena;
    x->head = (struct response_head){.status = h->status};
    for (unsigned i = 0; i < h->headers.n; i++) {
        const struct header *line = &h->headers.v[i];
        if (!describes_body(line->name) &&
            headers_add(&x->head.headers, a, arena_dup(a, line->name), arena_dup(a, line->value)) != E_OK)
            return false;
    }
    return true;
}

static enum flow give_head(struct translation *x, int status, struct str type, int64_t length)
{
    x->head.status = status;
    x->head.length = length;
    if (headers_add(&x->head.headers, x->t->arena, STR("Content-Type"), type) != E_OK) {
        txn_break(x->t, E_BAD_ANSWER, STR("The provider's answer has too many header lines"));
        return GO;
    }
    return give(x, &(struct event){.kind = EV_HEAD, .head = &x->head});
}

static enum flow give_out(struct translation *x)
{
    if (x->out.n == 0)
        return GO;
    enum flow flow = give(x, &(struct event){.kind = EV_DATA, .raw = buf_str(&x->out), .fleeting = true});
    buf_clear(&x->out);
    return flow;
}

/* What is in `out` is all of it. */
static void give_whole(struct translation *x, int status)
{
    (void)give_head(x, status, STR("application/json"), (int64_t)x->out.n);
    (void)give_out(x);
    (void)give(x, &(struct event){.kind = EV_END});
}

/* ---- errors ---- */

static struct ir_error unreadable(void)
{
    return (struct ir_error){.kind = IR_ERR_SERVER,
                             .status = err_http(E_BAD_OUTPUT),
                             .message = str_c(err_phrase(E_BAD_OUTPUT)),
                             .code = STR("2002")};
}

static void give_error(struct translation *x, const struct ir_error *e)
{
    buf_clear(&x->out);
    x->client->write_error(e, &x->out);
    give_whole(x, x->client->error_status(e));
}

/* Said in the provider's body, wanted in the head: by the client's SDK. */
static void add_retry_after(struct translation *x, const struct ir_error *e)
{
    static const struct str name = S("Retry-After");
    struct arena *a = x->t->arena;
    if (e->retry_after > 0 && !headers_last(&x->head.headers, name).p)
        (void)headers_add(&x->head.headers, a, name, arena_printf(a, "%lld", (long long)e->retry_after));
}

static void end_error(struct translation *x)
{
    struct ir_error e;
    x->provider->read_error(x->t->arena, x->head.status, buf_str(&x->collected), &e);
    add_retry_after(x, &e);
    give_error(x, &e);
}

/* Bedrock's answers do not say which model they are from. */
static struct ir_event with_model(const struct translation *x, const struct ir_event *ev)
{
    struct ir_event named = *ev;
    if (ev->kind == IR_EV_START && ev->model.n == 0)
        named.model = x->model;
    return named;
}

/* ---- whole answers ---- */

struct collecting {
    const struct translation *x;
    struct ir_answer answer;
    enum err err;
};

static void collect(void *arg, const struct ir_event *ev)
{
    struct collecting *c = arg;
    struct ir_event named = with_model(c->x, ev);
    if (c->err == E_OK)
        c->err = ir_answer_add(&c->answer, &named);
}

static void end_embeddings(struct translation *x)
{
    const struct target *target = txn_target(x->t);
    struct meter m;
    meter_init(&m, target->provider, target->op.dialect);
    meter_head(&m, &x->head.headers);
    struct usage u = *meter_usage(&m);
    struct embed_answer answer = {.row = x->embed,
                                  .request = &x->embedding,
                                  .model = x->model,
                                  .provider = target->provider,
                                  .dialect = target->op.dialect,
                                  .head_tokens = u.known ? u.input : -1};
    struct ir_error wrong = unreadable();
    if (embed_answer(&answer, buf_str(&x->collected), &x->out) == E_OK)
        give_whole(x, x->head.status);
    else
        give_error(x, &wrong);
}

static void give_as_stream(struct translation *x, const struct ir_answer *answer);

static void end_whole(struct translation *x)
{
    if (x->embed) {
        end_embeddings(x);
        return;
    }
    struct collecting c = {.x = x, .err = E_OK};
    ir_answer_init(&c.answer, &x->room);
    enum err e = x->provider->read_answer(&x->room, buf_str(&x->collected), collect, &c);
    struct ir_error wrong = c.answer.has_error ? c.answer.error : unreadable();
    bool good = !c.answer.has_error && e == E_OK && c.err == E_OK && c.answer.ended;
    if (good && x->request.stream)
        give_as_stream(x, &c.answer);
    else if (good && x->client->write_answer(&x->room, &c.answer, &x->request, &x->out) == E_OK)
        give_whole(x, x->head.status);
    else
        give_error(x, &wrong);
}

/* ---- streams ---- */

static void on_event(void *arg, const struct ir_event *ev)
{
    struct translation *x = arg;
    struct ir_event named = with_model(x, ev);
    if (!x->full && x->client->write_event(&x->writer, &named) != E_OK)
        x->broken = x->full = true;
}

/* An error cannot be written any more; an answer that is incomplete must look so. */
static void cut_if_full(struct translation *x)
{
    if (x->full)
        txn_break(x->t, E_BAD_ANSWER, STR("The provider's answer is too large to be translated"));
}

/* In the client's own words; what came before stays. */
static void break_stream(struct translation *x)
{
    struct ir_error e = unreadable();
    x->broken = true;
    if (!x->reader.ended)
        codec_emit(&x->reader, &(struct ir_event){.kind = IR_EV_ERROR, .error = &e});
}

static void on_sse(void *arg, const struct sse_event *ev)
{
    struct translation *x = arg;
    bool too_long = ev->raw.n >= SSE_EVENT_BYTES && !ev->data.p; /* cut by the splitter: nobody can read it */
    if (!x->broken && !x->reader.ended && (too_long || x->provider->read_sse(&x->reader, ev) != E_OK))
        break_stream(x);
}

static void on_frame(void *arg, const struct aws_frame *f)
{
    struct translation *x = arg;
    if (!x->broken && !x->reader.ended && x->provider->read_frame(&x->reader, f) != E_OK)
        break_stream(x);
}

static enum flow feed(struct translation *x, struct str bytes)
{
    enum err e = x->provider->read_frame ? aws_stream_feed(&x->aws, bytes, on_frame, x)
                                         : sse_feed(&x->sse, bytes, on_sse, x);
    if (e == E_SYNTAX && !x->broken)
        break_stream(x);
    enum flow flow = give_out(x);
    cut_if_full(x);
    return flow;
}

static void end_given(struct translation *x)
{
    (void)give_out(x);
    if (x->full)
        cut_if_full(x);
    else
        (void)give(x, &(struct event){.kind = EV_END});
}

static void end_stream(struct translation *x)
{
    if (!x->provider->read_frame)
        sse_flush(&x->sse, on_sse, x);
    if (!x->broken && !x->reader.ended)
        x->provider->read_end(&x->reader);
    end_given(x);
}

static enum flow begin_stream(struct translation *x)
{
    x->reader =
        (struct codec_reader){.codec = x->provider, .arena = &x->room, .on_event = on_event, .arg = x};
    x->writer =
        (struct codec_writer){.codec = x->client, .arena = &x->room, .out = &x->out, .request = &x->request};
    return give_head(x, x->head.status, x->client->stream_type, LENGTH_UNKNOWN);
}

/* A provider that does not stream, or not this model: the client gets what it asked for all the same. */
static void give_as_stream(struct translation *x, const struct ir_answer *answer)
{
    (void)begin_stream(x);
    ir_answer_play(answer, on_event, x);
    end_given(x);
}

/* ---- the tap ---- */

static bool is_stream(const struct response_head *h)
{
    struct str type = headers_last(&h->headers, STR("content-type"));
    return str_istarts(type, STR("text/event-stream")) ||
           str_istarts(type, STR("application/vnd.amazon.eventstream"));
}

static enum flow take_head(struct translation *x, const struct response_head *h)
{
    if (!keep_head(x, h)) {
        txn_break(x->t, E_BAD_ANSWER, STR("The provider's answer has too many header lines"));
        return GO;
    }
    x->kind = h->status >= 400 ? ANSWER_ERROR : is_stream(h) ? ANSWER_STREAM : ANSWER_WHOLE;
    return x->kind == ANSWER_STREAM ? begin_stream(x) : GO;
}

static enum flow take_bytes(struct translation *x, struct str bytes)
{
    if (x->kind == ANSWER_STREAM)
        return feed(x, bytes);
    if (buf_append(&x->collected, bytes) != E_OK)
        txn_break(x->t, E_BAD_ANSWER, STR("The provider's answer is too large to be translated"));
    return GO;
}

static void take_end(struct translation *x)
{
    switch (x->kind) {
    case ANSWER_WHOLE: end_whole(x); break;
    case ANSWER_STREAM: end_stream(x); break;
    case ANSWER_ERROR: end_error(x); break;
    }
}

static enum flow translate(struct sink *s, const struct event *ev)
{
    struct translation *x = container_of(s, struct translation, sink);
    if (x->t->ended)
        return GO;
    switch (ev->kind) {
    case EV_HEAD: return take_head(x, ev->head);
    case EV_DATA:
    case EV_SSE: return take_bytes(x, ev->raw);
    case EV_END: take_end(x); break;
    }
    return GO;
}

struct sink *translate_tap(struct txn *t, struct sink *out)
{
    struct translation *x = txn_target(t)->translation;
    if (!x)
        return out;
    x->sink = (struct sink){.event = translate, .out = out, .txn = t};
    return &x->sink;
}
