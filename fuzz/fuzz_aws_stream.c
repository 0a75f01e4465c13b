/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS frames from arbitrary bytes. The bytes are fed as they are, whole and cut; and again as the headers
 * and payload of a frame with right checksums, which mutation alone would never find. Frames go through
 * the meter, and may not depend on the cut.
 */
#include "providers/aws_stream.h"
#include "providers/usage.h"

struct seen {
    struct buf bytes;
    struct meter meters[2];
};

static void on_frame(void *arg, const struct aws_frame *f)
{
    struct seen *s = arg;
    must(f->raw.n >= 16 && f->payload.n <= f->raw.n - 16);
    must(buf_append(&s->bytes, f->raw) == E_OK);
    meter_aws(&s->meters[0], f);
    meter_aws(&s->meters[1], f);
}

static enum err feed(struct str bytes, size_t first, struct seen *s)
{
    struct aws_stream stream;
    buf_init(&s->bytes, bytes.n);
    meter_init(&s->meters[0], NULL, D_BEDROCK_INVOKE);
    meter_init(&s->meters[1], NULL, D_BEDROCK_CONVERSE);
    aws_stream_init(&stream);
    enum err e = aws_stream_feed(&stream, str_head(bytes, first), on_frame, s);
    if (first < bytes.n)
        e = aws_stream_feed(&stream, str_from(bytes, first), on_frame, s);
    aws_stream_done(&stream);
    return e;
}

static void check(struct str bytes, size_t first)
{
    struct seen whole, cut;
    enum err a = feed(bytes, bytes.n, &whole), b = feed(bytes, first, &cut);
    must(a == b && str_eq(buf_str(&whole.bytes), buf_str(&cut.bytes)));
    must(str_starts(bytes, buf_str(&whole.bytes)));
    for (size_t i = 0; i < countof(whole.meters); i++)
        must(meter_usage(&whole.meters[i])->input == meter_usage(&cut.meters[i])->input);
    buf_done(&whole.bytes);
    buf_done(&cut.bytes);
}

/* A bit at a time, unlike the code under test. */
static uint32_t crc(const char *p, size_t n)
{
    uint32_t sum = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        sum ^= (unsigned char)p[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
    }
    return ~sum;
}

static void put(struct buf *b, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        must(buf_append_byte(b, (char)(v >> shift & 255)) == E_OK);
}

static void check_framed(struct str inside, size_t headers)
{
    struct buf b;
    buf_init(&b, inside.n + 16);
    put(&b, (uint32_t)inside.n + 16);
    put(&b, (uint32_t)(headers < inside.n ? headers : inside.n));
    put(&b, crc(b.p, b.n));
    must(buf_append(&b, inside) == E_OK);
    put(&b, crc(b.p, b.n));
    check(buf_str(&b), headers);
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str bytes = str_of((const char *)data + 1, size - 1);
    check(bytes, data[0]);
    check_framed(bytes, data[0]);
    return 0;
}
