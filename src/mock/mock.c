/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service: reads a request, settles what to answer, and plays the answer in time. Whole answers
 * are rendered at once, streams event by event as they are due, so that a slow stream keeps little
 * more than its ask. Bytes given to the exchange stay in `out` until they are flushed: what comes
 * next, releasing included, waits for a posted task.
 */
#include "mock/mock.h"
#include "base/limits.h"
#include "mock/profile.h"

#include <stdio.h>

enum { CUT_DELAY_MS = 10, SLICE_BYTES = 256 * KIB, ROOM_BYTES = 256 * KIB };

struct mock {
    struct loop *loop;
    struct profile *profile;
    uint64_t turn; /* requests so far: stands in for chance */
    size_t live;
};

enum stage {
    READING, /* the request's body comes in */
    WAITING, /* for the time of the head, or of the first event */
    STREAMING,
    WRITING, /* a whole answer, slice by slice */
    SILENT,  /* until the client leaves */
    CUTTING, /* the break comes when what was written has been sent */
    OVER,
};

struct play {
    struct mock *mock;
    struct exchange *x;
    enum stage stage;
    bool head_sent, too_large, held; /* held: the client has enough for now */
    struct timer timer;
    struct task task;
    struct buf body; /* of the request */
    struct buf out;
    struct ask ask;
    size_t written;          /* of a whole answer */
    const struct part *part; /* the next event: k-th of this part */
    unsigned k, sent, total;
    uint64_t first_ms; /* when the stream began */
    char id[64], retry_after[24], tokens[24];
};

static void release(struct play *p)
{
    timer_stop(&p->timer);
    loop_unpost(p->mock->loop, &p->task);
    buf_done(&p->body);
    buf_done(&p->out);
    ask_done(&p->ask);
    p->mock->live--;
    exchange_release(p->x);
}

static void finish(struct play *p)
{
    p->stage = OVER;
    timer_stop(&p->timer);
    loop_post(p->mock->loop, &p->task);
}

static void break_off(struct play *p)
{
    exchange_abort(p->x);
    finish(p);
}

/* ---- heads ---- */

static void add(struct headers *h, struct str name, struct str value)
{
    if (name.n && value.n && h->n < h->cap)
        h->v[h->n++] = (struct header){name, value};
}

static void send_head(struct play *p, int status, struct str type, int64_t length)
{
    const struct ask *q = &p->ask;
    struct header lines[6];
    struct headers h = {.v = lines, .cap = countof(lines)};
    add(&h, STR("content-type"), type);
    add(&h, q->shape->id_header, id_text(q, STR("req_"), p->id));
    if (q->shape->tokens_header.n && !q->stream && !q->fault.status) {
        int n = snprintf(p->tokens, sizeof(p->tokens), "%lld", (long long)q->tokens_in);
        add(&h, q->shape->tokens_header, str_of(p->tokens, (size_t)n));
    }
    if (q->stream && !q->fault.status)
        add(&h, STR("cache-control"), STR("no-cache"));
    if (q->retry_after > 0) {
        int n = snprintf(p->retry_after, sizeof(p->retry_after), "%lld", (long long)q->retry_after);
        add(&h, STR("retry-after"), str_of(p->retry_after, (size_t)n));
    }
    if (q->fault.status && q->shape->fault == shape_bedrock_converse.fault)
        add(&h, STR("x-amzn-ErrorType"), str_c(fault_names(q->fault.status)->aws));
    exchange_head(p->x, status, &h, length);
    p->head_sent = true;
}

/* ---- whole answers ---- */

/* How much of a whole answer is sent at all. */
static size_t whole_limit(const struct play *p)
{
    bool half = p->ask.how.cut >= 0 || p->ask.how.stall >= 0;
    return half && !p->ask.fault.status ? p->out.n / 2 : p->out.n;
}

static void write_slices(struct play *p)
{
    size_t limit = whole_limit(p);
    enum flow flow = GO;
    while (p->written < limit && flow == GO) {
        struct str slice = str_head(str_of(p->out.p + p->written, limit - p->written), SLICE_BYTES);
        p->written += slice.n;
        flow = exchange_write(p->x, slice);
    }
    if (p->written < limit)
        return; /* on_drain goes on */
    if (limit == p->out.n) {
        exchange_end(p->x);
        finish(p);
    } else if (p->ask.how.cut >= 0) {
        p->stage = CUTTING;
        timer_set(&p->timer, CUT_DELAY_MS);
    } else {
        p->stage = SILENT;
    }
}

static void send_whole(struct play *p)
{
    const struct fault *f = &p->ask.fault;
    p->stage = WRITING;
    send_head(p, f->status ? f->status : 200, p->ask.shape->type, (int64_t)p->out.n);
    write_slices(p);
}

/* ---- streams ---- */

static uint64_t due_ms(const struct play *p)
{
    if (p->ask.how.tps <= 0)
        return p->first_ms;
    uint64_t generated_ms = (uint64_t)p->ask.tokens_out * 1000 / (uint64_t)p->ask.how.tps;
    return p->first_ms + generated_ms * p->sent / p->total;
}

static void append_event(struct play *p)
{
    while (p->k >= p->part->count(&p->ask)) {
        p->k = 0;
        p->part++;
    }
    p->part->write(&p->ask, p->k++, p->sent, &p->out);
}

/* Does the stream stop before its next event, by design or at its end? */
static bool stops_here(const struct play *p)
{
    int64_t at = p->sent;
    const struct behaviour *how = &p->ask.how;
    return p->sent == p->total || at == how->cut || at == how->stall || at == how->error;
}

static void stop_here(struct play *p)
{
    int64_t at = p->sent;
    if (at == p->ask.how.cut && p->sent < p->total) {
        p->stage = CUTTING;
        timer_set(&p->timer, CUT_DELAY_MS);
    } else if (at == p->ask.how.stall && p->sent < p->total) {
        p->stage = SILENT;
    } else {
        exchange_end(p->x);
        finish(p);
    }
}

/* Appends what is due to `out`, noting where each event ends. */
static unsigned gather(struct play *p, size_t ends[MOCK_BATCH_EVENTS])
{
    unsigned n = 0;
    uint64_t now = loop_ms(p->mock->loop);
    while (n < MOCK_BATCH_EVENTS && p->out.n < MOCK_BATCH_BYTES && !stops_here(p) && due_ms(p) <= now) {
        append_event(p);
        p->sent++;
        ends[n++] = p->out.n;
    }
    if (p->sent == p->ask.how.error && p->sent < p->total && n < MOCK_BATCH_EVENTS) {
        const struct fault f = {
            503, STR("The mock provider ends this stream with an error because it was asked to.")};
        p->ask.shape->fault_event(&p->ask, &f, p->sent, &p->out);
        p->total = ++p->sent;
        ends[n++] = p->out.n;
    }
    return n;
}

static void stream_on(struct play *p)
{
    size_t ends[MOCK_BATCH_EVENTS], from = 0;
    buf_clear(&p->out);
    unsigned n = gather(p, ends);
    if (p->out.full) {
        break_off(p); /* an event that does not fit into any buffer */
        return;
    }
    enum flow flow = GO;
    for (unsigned i = 0; i < n; from = ends[i++])
        flow = exchange_write(p->x, str_of(p->out.p + from, ends[i] - from));
    p->held = flow == HOLD;
    if (stops_here(p))
        stop_here(p);
    else if (due_ms(p) > loop_ms(p->mock->loop))
        timer_set(&p->timer, due_ms(p) - loop_ms(p->mock->loop));
    else if (!p->held)
        loop_post(p->mock->loop, &p->task);
}

static void start_stream(struct play *p)
{
    p->stage = STREAMING;
    p->first_ms = loop_ms(p->mock->loop);
    stream_on(p);
}

/* ---- the course of an answer ---- */

/* The wait before the head is over. */
static void begin(struct play *p)
{
    const struct ask *q = &p->ask;
    if (q->how.reset > 0) {
        break_off(p);
    } else if (!q->stream || q->fault.status) {
        send_whole(p);
    } else {
        send_head(p, 200, q->shape->stream_type, LENGTH_UNKNOWN);
        if (q->how.ttft > 0)
            timer_set(&p->timer, (uint64_t)q->how.ttft);
        else
            start_stream(p);
    }
}

static void on_timer(struct timer *t)
{
    struct play *p = container_of(t, struct play, timer);
    if (p->stage == WAITING)
        p->head_sent ? start_stream(p) : begin(p);
    else if (p->stage == CUTTING)
        break_off(p);
    else if (p->stage == STREAMING && !p->held)
        stream_on(p);
}

static void on_task(struct task *t)
{
    struct play *p = container_of(t, struct play, task);
    if (p->stage == OVER)
        release(p);
    else if (p->stage == STREAMING)
        stream_on(p);
}

static void render_whole(struct play *p)
{
    struct ask *q = &p->ask;
    if (!q->fault.status)
        q->shape->whole(q, &p->out);
    if (p->out.full) {
        buf_clear(&p->out);
        q->fault = (struct fault){413, STR("The answer would be too large for the mock provider.")};
    }
    if (q->fault.status)
        q->shape->fault(q, &q->fault, &p->out);
}

static uint64_t wait_ms(const struct ask *q)
{
    int64_t ms = q->how.slow > 0 ? q->how.slow : 0;
    if (!q->stream && !q->fault.status) {
        ms += q->how.ttft > 0 ? q->how.ttft : 0;
        ms += q->how.tps > 0 ? q->tokens_out * 1000 / q->how.tps : 0;
    }
    return (uint64_t)ms;
}

static void answer(struct play *p)
{
    struct ask *q = &p->ask;
    ask_read(q, exchange_arena(p->x), exchange_request(p->x), buf_str(&p->body));
    if (p->too_large)
        q->fault = (struct fault){413, STR("The request body is larger than the mock provider takes.")};
    profile_apply(p->mock->profile, q, loop_ms(p->mock->loop), ++p->mock->turn);
    ask_settle(q);
    if (!q->stream || q->fault.status)
        render_whole(p);
    ask_done(q);
    buf_done(&p->body);
    p->part = q->shape->parts;
    p->total = q->stream ? ask_events(q) : 0;
    p->stage = WAITING;
    if (q->how.hang > 0)
        p->stage = SILENT;
    else if (wait_ms(q) > 0)
        timer_set(&p->timer, wait_ms(q));
    else
        begin(p);
}

/* ---- the service ---- */

static void on_request(void *service, struct exchange *x)
{
    struct mock *m = service;
    struct play *p = arena_new(exchange_arena(x), struct play);
    if (!p) { /* only a cap smaller than this struct */
        exchange_abort(x);
        exchange_release(x);
        return;
    }
    p->mock = m;
    p->x = x;
    p->task.run = on_task;
    timer_init(&p->timer, m->loop, on_timer);
    buf_init(&p->body, MOCK_BODY_BYTES);
    int64_t length = exchange_request(x)->length;
    if (length > 0 && length <= ROOM_BYTES)
        (void)buf_room(&p->body, (size_t)length); /* most bodies: one piece of memory, of the right size */
    buf_init(&p->out, 2 * (size_t)MOCK_ANSWER_BYTES);
    exchange_set_user(x, p);
    m->live++;
}

static enum flow on_body(void *service, struct exchange *x, struct str piece)
{
    (void)service;
    struct play *p = exchange_user(x);
    if (buf_append(&p->body, piece) != E_OK)
        p->too_large = true;
    return GO;
}

static void on_body_end(void *service, struct exchange *x)
{
    (void)service;
    answer(exchange_user(x));
}

static void on_drain(void *service, struct exchange *x)
{
    (void)service;
    struct play *p = exchange_user(x);
    p->held = false;
    if (p->stage == WRITING)
        write_slices(p);
    else if (p->stage == STREAMING)
        stream_on(p);
}

static void on_gone(void *service, struct exchange *x, enum err why)
{
    (void)service, (void)why;
    release(exchange_user(x)); /* the connection has let go of our bytes */
}

const struct service mock_service = {
    .on_request = on_request,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_drain = on_drain,
    .on_gone = on_gone,
};

struct mock *mock_new(struct loop *l, struct str profile, const char **ret_why)
{
    struct profile *p = profile_new(profile, ret_why);
    if (!p)
        return NULL;
    struct mock *m = mem_zalloc(sizeof(*m));
    m->loop = l;
    m->profile = p;
    return m;
}

void mock_free(struct mock *m)
{
    if (!m)
        return;
    must(m->live == 0);
    profile_free(m->profile);
    mem_free(m);
}
