/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame, all integers big-endian:
 *
 *   total length 4 | headers length 4 | CRC-32 of these 8 | headers | payload | CRC-32 of all before
 *
 * A header is: name length 1 | name | type 1 | value, whose length follows from the type. Frames that
 * lie wholly in the piece are read where they are; only one that is cut is carried over.
 */
#include "providers/aws_stream.h"
#include "base/limits.h"

enum {
    PRELUDE_BYTES = 12,
    CRC_BYTES = 4,
    FRAME_MIN = PRELUDE_BYTES + CRC_BYTES,
    HEADER_STRING = 7,
    HEADER_NAME_MAX = 255,
    HEADER_VALUE_MAX = 0x7fff, /* the encoding's own limit on strings */
};

/*
 * CRC-32 as in zlib (reflected 0xedb88320), a table entry per byte. The sum is linear over GF(2): an
 * entry is the XOR of the entries of its index's bits, so eight numbers make the table.
 */
#define CRC_BIT(n, bit, entry) ((((n) >> (bit)) & 1) ? (entry) : 0u)
#define CRC_1(n)                                                                                             \
    (CRC_BIT(n, 0, 0x77073096u) ^ CRC_BIT(n, 1, 0xee0e612cu) ^ CRC_BIT(n, 2, 0x076dc419u) ^                  \
     CRC_BIT(n, 3, 0x0edb8832u) ^ CRC_BIT(n, 4, 0x1db71064u) ^ CRC_BIT(n, 5, 0x3b6e20c8u) ^                  \
     CRC_BIT(n, 6, 0x76dc4190u) ^ CRC_BIT(n, 7, 0xedb88320u))
#define CRC_4(n) CRC_1(n), CRC_1((n) + 1), CRC_1((n) + 2), CRC_1((n) + 3)
#define CRC_16(n) CRC_4(n), CRC_4((n) + 4), CRC_4((n) + 8), CRC_4((n) + 12)
#define CRC_64(n) CRC_16(n), CRC_16((n) + 16), CRC_16((n) + 32), CRC_16((n) + 48)
static const uint32_t crc_table[256] = {CRC_64(0), CRC_64(64), CRC_64(128), CRC_64(192)};

static uint32_t crc32(const char *p, size_t n)
{
    uint32_t sum = UINT32_MAX;
    for (size_t i = 0; i < n; i++)
        sum = crc_table[(sum ^ (unsigned char)p[i]) & 255] ^ (sum >> 8);
    return ~sum;
}

static uint32_t get_be(const char *p, size_t bytes)
{
    uint32_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

static char *put_be(char *at, size_t bytes, size_t v)
{
    for (size_t i = bytes; i-- > 0; v >>= 8)
        at[i] = (char)(v & 255);
    return at + bytes;
}

static char *put_bytes(char *at, struct str s)
{
    if (s.n)
        memcpy(at, s.p, s.n);
    return at + s.n;
}

void aws_stream_init(struct aws_stream *s)
{
    *s = (struct aws_stream){.broken = false};
    buf_init(&s->carry, AWS_FRAME_BYTES);
}

void aws_stream_done(struct aws_stream *s)
{
    buf_done(&s->carry);
}

/* Takes n bytes off the front of *rest. */
static bool take(struct str *rest, size_t n, struct str *ret)
{
    if (rest->n < n)
        return false;
    *ret = str_head(*rest, n);
    *rest = str_from(*rest, n);
    return true;
}

static bool take_sized(struct str *rest, size_t length_bytes, struct str *ret)
{
    struct str length;
    return take(rest, length_bytes, &length) && take(rest, get_be(length.p, length_bytes), ret);
}

/* Only strings interest us; values of other types are skipped and come out empty. */
static bool take_value(struct str *rest, struct str *ret)
{
    /* true, false, byte, short, int, long, bytes, string, timestamp, uuid; -1: two bytes of length */
    static const signed char size_of[] = {0, 0, 1, 2, 4, 8, -1, -1, 8, 16};
    struct str type, value;
    if (!take(rest, 1, &type) || (unsigned char)type.p[0] >= sizeof(size_of))
        return false;
    int size = size_of[(unsigned char)type.p[0]];
    if (!(size < 0 ? take_sized(rest, 2, &value) : take(rest, (size_t)size, &value)))
        return false;
    *ret = type.p[0] == HEADER_STRING ? value : STR("");
    return true;
}

static bool read_headers(struct str headers, struct aws_frame *f)
{
    const struct {
        struct str name;
        struct str *to;
    } known[] = {
        {S(":event-type"), &f->event_type},         {S(":message-type"), &f->message_type},
        {S(":exception-type"), &f->exception_type}, {S(":error-code"), &f->exception_type},
        {S(":error-message"), &f->error_message},
    };
    while (headers.n) {
        struct str name, value;
        if (!take_sized(&headers, 1, &name) || !take_value(&headers, &value))
            return false;
        for (size_t i = 0; i < countof(known); i++)
            if (str_eq(name, known[i].name))
                *known[i].to = value;
    }
    return true;
}

static bool read_frame(struct str raw, struct aws_frame *ret)
{
    if (crc32(raw.p, raw.n - CRC_BYTES) != get_be(raw.p + raw.n - CRC_BYTES, CRC_BYTES))
        return false;
    size_t headers = get_be(raw.p + 4, 4);
    *ret = (struct aws_frame){.raw = raw};
    ret->payload = str_of(raw.p + PRELUDE_BYTES + headers, raw.n - FRAME_MIN - headers);
    return read_headers(str_of(raw.p + PRELUDE_BYTES, headers), ret);
}

/* Length of the frame whose prelude is at p; 0 when it is not a prelude. */
static size_t frame_length(const char *p)
{
    size_t total = get_be(p, 4), headers = get_be(p + 4, 4);
    bool sound = total >= FRAME_MIN && total <= AWS_FRAME_BYTES && headers <= total - FRAME_MIN &&
                 crc32(p, 8) == get_be(p + 8, CRC_BYTES);
    return sound ? total : 0;
}

/* Moves bytes from *piece until the carry holds `want`. */
static bool carry_up_to(struct aws_stream *s, struct str *piece, size_t want)
{
    if (s->carry.n < want) {
        struct str part = str_head(*piece, want - s->carry.n);
        must(buf_append(&s->carry, part) == E_OK); /* want <= AWS_FRAME_BYTES, its maximum */
        *piece = str_from(*piece, part.n);
    }
    return s->carry.n >= want;
}

/* Takes the next whole frame off *piece; false when there is none (yet). */
static bool next_frame(struct aws_stream *s, struct str *piece, struct str *ret)
{
    bool carried = s->carry.n > 0 || piece->n < PRELUDE_BYTES;
    if (carried && !carry_up_to(s, piece, PRELUDE_BYTES))
        return false;
    size_t total = frame_length(carried ? s->carry.p : piece->p);
    s->broken = total == 0;
    if (s->broken)
        return false;
    if (!carried && take(piece, total, ret))
        return true;
    if (!carry_up_to(s, piece, total))
        return false;
    *ret = buf_str(&s->carry);
    return true;
}

enum err aws_stream_feed(struct aws_stream *s, struct str piece,
                         void (*on_frame)(void *arg, const struct aws_frame *f), void *arg)
{
    struct str raw;
    while (!s->broken && piece.n && next_frame(s, &piece, &raw)) {
        struct aws_frame f;
        s->broken = !read_frame(raw, &f);
        if (!s->broken)
            on_frame(arg, &f);
        buf_clear(&s->carry);
    }
    return s->broken ? E_SYNTAX : E_OK;
}

enum err aws_frame_write(struct buf *out, const struct str (*headers)[2], size_t n_headers,
                         struct str payload)
{
    size_t headers_bytes = 0;
    for (size_t i = 0; i < n_headers; i++) {
        if (headers[i][0].n > HEADER_NAME_MAX || headers[i][1].n > HEADER_VALUE_MAX)
            return E_FULL;
        headers_bytes += 1 + headers[i][0].n + 1 + 2 + headers[i][1].n;
    }
    size_t total = FRAME_MIN + headers_bytes + payload.n;
    char *frame = total <= AWS_FRAME_BYTES ? buf_room(out, total) : NULL;
    if (!frame)
        return E_FULL;
    char *at = put_be(put_be(frame, 4, total), 4, headers_bytes);
    at = put_be(at, CRC_BYTES, crc32(frame, 8));
    for (size_t i = 0; i < n_headers; i++) {
        at = put_bytes(put_be(at, 1, headers[i][0].n), headers[i][0]);
        at = put_be(at, 1, HEADER_STRING);
        at = put_bytes(put_be(at, 2, headers[i][1].n), headers[i][1]);
    }
    at = put_bytes(at, payload);
    put_be(at, CRC_BYTES, crc32(frame, (size_t)(at - frame)));
    buf_grew(out, total);
    return E_OK;
}
