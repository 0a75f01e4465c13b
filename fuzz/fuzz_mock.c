/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mock's answers to arbitrary requests. The first line is the target, the second is words for
 * x-mock, the rest the body. Whatever is asked: JSON answers are JSON, streams have as many events
 * as announced and each of them parses.
 */
#include "base/limits.h"
#include "http/sse.h"
#include "mock/shape.h"
#include "providers/aws_stream.h"

static void must_be_json(struct str text)
{
    struct json_doc *d = json_parse(text);
    must(d != NULL);
    json_free(d);
}

static void on_event(void *arg, const struct sse_event *ev)
{
    unsigned *n = arg;
    ++*n;
    if (!str_eq(ev->data, STR("[DONE]")))
        must_be_json(ev->data);
}

static void on_frame(void *arg, const struct aws_frame *f)
{
    unsigned *n = arg;
    ++*n;
    must_be_json(f->payload);
}

static void check_stream(const struct ask *q, struct str bytes, unsigned events)
{
    unsigned n = 0;
    struct aws_stream frames;
    struct sse sse;
    if (str_starts(q->shape->stream_type, STR("text/event-stream"))) {
        sse_init(&sse);
        must(sse_feed(&sse, bytes, on_event, &n) == E_OK && n == events);
        sse_done(&sse);
    } else if (str_has(q->shape->stream_type, STR("eventstream"))) {
        aws_stream_init(&frames);
        must(aws_stream_feed(&frames, bytes, on_frame, &n) == E_OK && n == events);
        aws_stream_done(&frames);
    } else if (str_eq(q->shape->stream_type, q->shape->type)) {
        must_be_json(bytes); /* one array */
    }
}

static void render(const struct ask *q, struct buf *out)
{
    unsigned i = 0;
    if (q->fault.status) {
        q->shape->fault(q, &q->fault, out);
    } else if (!q->stream) {
        q->shape->whole(q, out);
    } else {
        for (const struct part *p = q->shape->parts; p->count; p++)
            for (unsigned k = 0; k < p->count(q); k++)
                p->write(q, k, i++, out);
        must(i == ask_events(q));
    }
    if (out->full)
        return;
    if (q->stream && !q->fault.status)
        check_stream(q, buf_str(out), i);
    else if (q->fault.status || str_has(q->shape->type, STR("json")))
        must_be_json(buf_str(out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_of((const char *)data, size), target = str_cut(&rest, '\n');
    if (!rest.p)
        return 0;
    struct header line = {STR("x-mock"), str_cut(&rest, '\n')};
    struct request_head head = {
        .method = str_starts(target, STR("get ")) ? STR("GET") : STR("POST"),
        .target = target,
        .headers = {&line, 1, 1},
    };
    head.path = str_cut(&target, '?');
    head.query = target;
    struct arena a;
    struct buf out;
    struct ask q;
    arena_init(&a, TXN_ARENA_BYTES);
    buf_init(&out, 1 * MIB);
    ask_read(&q, &a, &head, rest.p ? rest : STR(""));
    if (q.how.big > 100000)
        q.how.big = 100000;
    if (q.how.events > 1000)
        q.how.events = 1000;
    ask_settle(&q);
    render(&q, &out);
    ask_done(&q);
    buf_done(&out);
    arena_done(&a);
    return 0;
}
