/* SPDX-License-Identifier: Apache-2.0 */
/* aws_stream: frames found at every split, damage noticed, the writer read back by the reader. */
#include "tests/unit/test.h"

#include "base/arena.h"
#include "base/limits.h"
#include "providers/aws_stream.h"

static const struct str plain_headers[][2] = {{S(":event-type"), S("chunk")},
                                              {S(":content-type"), S("application/json")},
                                              {S(":message-type"), S("event")}};

/* What came out, as text: "event-type/message-type/exception-type/error-message=payload;" a frame. */
static void on_frame(void *arg, const struct aws_frame *f)
{
    buf_printf(arg, "%.*s/%.*s/%.*s/%.*s=%.*s;", STR_FMT(f->event_type), STR_FMT(f->message_type),
               STR_FMT(f->exception_type), STR_FMT(f->error_message), STR_FMT(f->payload));
}

static enum err feed_all(struct str bytes, size_t first, size_t step, struct buf *out)
{
    struct aws_stream s;
    enum err e = E_OK;
    aws_stream_init(&s);
    for (size_t at = 0, n = first; at < bytes.n; at += n, n = step)
        e = aws_stream_feed(&s, str_head(str_from(bytes, at), at ? step : first), on_frame, out);
    aws_stream_done(&s);
    return e;
}

/* The test vector of the event-stream encoding's specification: no headers, no payload. */
static void the_empty_message(void **state)
{
    (void)state;
    static const char vector[] = "\x00\x00\x00\x10\x00\x00\x00\x00\x05\xc2\x48\xeb\x7d\x98\xc8\xff";
    struct buf b, out;
    buf_init(&b, KIB);
    buf_init(&out, KIB);
    assert_int_equal(aws_frame_write(&b, NULL, 0, STR("")), E_OK);
    assert_str(buf_str(&b), str_of(vector, sizeof(vector) - 1));
    assert_int_equal(feed_all(buf_str(&b), 16, 16, &out), E_OK);
    assert_str(buf_str(&out), STR("///=;"));
    buf_done(&b);
    buf_done(&out);
}

/* The same specification's "payload with one int32 header". */
static void headers_of_other_types_are_skipped(void **state)
{
    (void)state;
    static const char vector[] = "\x00\x00\x00\x2d\x00\x00\x00\x10\x41\xc4\x24\xb8"
                                 "\x0a"
                                 "event-type"
                                 "\x04\x00\x00\xa0\x0c"
                                 "{'foo':'bar'}"
                                 "\x36\xf4\x80\xa0";
    struct buf out;
    buf_init(&out, KIB);
    assert_int_equal(feed_all(str_of(vector, sizeof(vector) - 1), 100, 100, &out), E_OK);
    assert_str(buf_str(&out), STR("///={'foo':'bar'};"));
    buf_done(&out);
}

static void write_three(struct buf *b)
{
    static const struct str exception[][2] = {{S(":message-type"), S("exception")},
                                              {S(":exception-type"), S("throttlingException")}};
    static const struct str error[][2] = {
        {S(":message-type"), S("error")}, {S(":error-code"), S("500")}, {S(":error-message"), S("sorry")}};
    assert_int_equal(aws_frame_write(b, plain_headers, 3, STR("{\"bytes\":\"e30=\"}")), E_OK);
    assert_int_equal(aws_frame_write(b, exception, 2, STR("{}")), E_OK);
    assert_int_equal(aws_frame_write(b, error, 3, STR("")), E_OK);
}

static void frames_at_every_split(void **state)
{
    (void)state;
    struct buf b, out;
    buf_init(&b, KIB);
    buf_init(&out, KIB);
    write_three(&b);
    for (size_t first = 1; first <= b.n; first++)
        for (size_t step = 1; step <= b.n; step += 7) {
            buf_clear(&out);
            assert_int_equal(feed_all(buf_str(&b), first, step, &out), E_OK);
            assert_str(buf_str(&out),
                       STR("chunk/event//={\"bytes\":\"e30=\"};/exception/throttlingException/={};"
                           "/error/500/sorry=;"));
        }
    buf_done(&b);
    buf_done(&out);
}

static void raw_is_the_whole_frame(void *arg, const struct aws_frame *f)
{
    buf_append(arg, f->raw);
}

static void raw_bytes_add_up_to_the_stream(void **state)
{
    (void)state;
    struct buf b, out;
    struct aws_stream s;
    buf_init(&b, KIB);
    buf_init(&out, KIB);
    write_three(&b);
    aws_stream_init(&s);
    for (size_t i = 0; i < b.n; i += 5)
        aws_stream_feed(&s, str_head(str_from(buf_str(&b), i), 5), raw_is_the_whole_frame, &out);
    assert_str(buf_str(&out), buf_str(&b));
    aws_stream_done(&s);
    buf_done(&b);
    buf_done(&out);
}

static void damage_at_any_byte_stops_the_stream(void **state)
{
    (void)state;
    struct buf b, out;
    buf_init(&b, KIB);
    buf_init(&out, KIB);
    write_three(&b);
    size_t first = 256 * (size_t)(unsigned char)b.p[2] + (unsigned char)b.p[3];
    for (size_t i = 0; i < first; i++) {
        b.p[i] = (char)(b.p[i] ^ 0x20);
        buf_clear(&out);
        assert_int_equal(feed_all(buf_str(&b), b.n, b.n, &out), E_SYNTAX);
        assert_int_equal(out.n, 0);
        b.p[i] = (char)(b.p[i] ^ 0x20);
    }
    buf_done(&b);
    buf_done(&out);
}

static void lengths_beyond_the_cap_are_refused_at_once(void **state)
{
    (void)state;
    struct buf out, payload, b;
    buf_init(&out, KIB);
    assert_int_equal(feed_all(STR("\x7f\xff\xff\xff\0\0\0\0\0\0\0\0"), 12, 12, &out), E_SYNTAX);
    buf_init(&payload, AWS_FRAME_BYTES);
    buf_init(&b, 2 * (size_t)AWS_FRAME_BYTES);
    char *room = buf_room(&payload, AWS_FRAME_BYTES);
    memset(room, 'x', AWS_FRAME_BYTES);
    assert_int_equal(aws_frame_write(&b, NULL, 0, str_of(room, AWS_FRAME_BYTES - 15)), E_FULL);
    assert_int_equal(aws_frame_write(&b, NULL, 0, str_of(room, AWS_FRAME_BYTES - 16)), E_OK);
    assert_int_equal(feed_all(buf_str(&b), 64 * KIB, 64 * KIB, &out), E_OK);
    const struct str long_name[][2] = {{str_of(room, 256), S("")}},
                     long_value[][2] = {{S("n"), str_of(room, 0x8000)}};
    assert_int_equal(aws_frame_write(&b, long_name, 1, STR("")), E_FULL);
    assert_int_equal(aws_frame_write(&b, long_value, 1, STR("")), E_FULL);
    buf_done(&payload);
    buf_done(&b);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_empty_message),
        cmocka_unit_test(headers_of_other_types_are_skipped),
        cmocka_unit_test(frames_at_every_split),
        cmocka_unit_test(raw_bytes_add_up_to_the_stream),
        cmocka_unit_test(damage_at_any_byte_stops_the_stream),
        cmocka_unit_test(lengths_beyond_the_cap_are_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
