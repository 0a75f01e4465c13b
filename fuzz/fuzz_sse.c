/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events. The first byte chooses how the rest, the stream, is cut. Events must not
 * depend on the cuts, and their raw bytes are the stream.
 */
#include "base/limits.h"
#include "http/sse.h"

struct heard {
    struct buf said, raw;
};

static void on_event(void *arg, const struct sse_event *ev)
{
    struct heard *h = arg;
    must(ev->raw.n > 0);
    buf_append(&h->raw, ev->raw);
    buf_printf(&h->said, "%zu %zu %zu %d\n", ev->raw.n, ev->name.n, ev->data.n, ev->data.p != NULL);
    buf_append(&h->said, ev->name);
    buf_append(&h->said, ev->data);
}

static void hear(struct heard *h, struct str s, unsigned seed)
{
    struct sse sse;
    sse_init(&sse);
    buf_init(&h->said, 64 * MIB);
    buf_init(&h->raw, 64 * MIB);
    while (s.n) {
        size_t n = s.n;
        if (seed) {
            seed = seed * 1103515245 + 12345;
            n = 1 + (seed >> 16) % 13;
        }
        struct str piece = str_head(s, n);
        char *copy = mem_alloc(piece.n);
        memcpy(copy, piece.p, piece.n);
        must(sse_feed(&sse, str_of(copy, piece.n), on_event, h) == E_OK);
        mem_free(copy);
        s = str_from(s, n);
    }
    sse_flush(&sse, on_event, h);
    sse_done(&sse);
}

static void heard_done(struct heard *h)
{
    buf_done(&h->said);
    buf_done(&h->raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct str s = str_of((const char *)data + 1, size - 1);
    struct heard whole, cut;
    hear(&whole, s, 0);
    hear(&cut, s, data[0] + 1u);
    must(str_eq(buf_str(&whole.raw), s));
    must(str_eq(buf_str(&cut.raw), s));
    must(str_eq(buf_str(&whole.said), buf_str(&cut.said)));
    heard_done(&whole);
    heard_done(&cut);
    return 0;
}
