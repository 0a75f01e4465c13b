/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing HTTP/1: heads are put together in one go in memory that is known to suffice, chunks get
 * their framing. Nothing here is slower than a copy.
 */
#include "base/limits.h"
#include "http/h1.h"

enum { DIGITS = 20, CHUNK_LINE = 18 };

struct out {
    char *at;
};

static void put(struct out *o, struct str s)
{
    if (s.n)
        memcpy(o->at, s.p, s.n);
    o->at += s.n;
}

static void put_number(struct out *o, uint64_t value)
{
    char digits[DIGITS];
    size_t at = DIGITS;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    put(o, str_of(digits + at, DIGITS - at));
}

static void put_line(struct out *o, struct str name, struct str value)
{
    put(o, name);
    put(o, STR(": "));
    put(o, value);
    put(o, STR("\r\n"));
}

static size_t lines_size(const struct headers *h)
{
    size_t n = 0;
    for (unsigned i = 0; h && i < h->n; i++)
        n += h->v[i].name.n + h->v[i].value.n + sizeof(": \r\n") - 1;
    return n;
}

/* The connection's own affair, written here or not at all. */
static bool is_ours(struct str name)
{
    return header_is_hop_by_hop(name) || str_ieq(name, STR("Content-Length"));
}

static void put_framing(struct out *o, enum h1_framing framing, int64_t length)
{
    if (framing == H1_CHUNKED)
        put(o, STR("Transfer-Encoding: chunked\r\n"));
    if (framing == H1_LENGTH) {
        put(o, STR("Content-Length: "));
        put_number(o, (uint64_t)length);
        put(o, STR("\r\n"));
    }
}

static struct str finished(struct scratch *s, const char *from, size_t room, const struct out *o)
{
    size_t n = (size_t)(o->at - from);
    scratch_trim(s, from, room, n);
    return str_of(from, n);
}

struct str h1_request_text(struct scratch *s, const struct h1_request *r)
{
    size_t room = r->method.n + r->target.n + r->host.n + lines_size(r->headers) + 96;
    char *from = scratch_take(s, room);
    struct out o = {from};
    put(&o, r->method);
    put(&o, STR(" "));
    put(&o, r->target);
    put(&o, STR(" HTTP/1.1\r\n"));
    put_line(&o, STR("Host"), r->host);
    for (unsigned i = 0; r->headers && i < r->headers->n; i++) {
        const struct header *line = &r->headers->v[i];
        if (!is_ours(line->name) && !str_ieq(line->name, STR("Host")) && !str_ieq(line->name, STR("Expect")))
            put_line(&o, line->name, line->value);
    }
    put_framing(&o, r->framing, r->length);
    put(&o, STR("\r\n"));
    return finished(s, from, room, &o);
}

static void put_status_line(struct out *o, int status, struct str reason)
{
    if (status == 200) { /* nearly always */
        put(o, STR("HTTP/1.1 200 OK\r\n"));
        return;
    }
    put(o, STR("HTTP/1.1 "));
    put_number(o, (uint64_t)status);
    put(o, STR(" "));
    put(o, reason);
    put(o, STR("\r\n"));
}

struct str h1_response_text(struct scratch *s, const struct h1_response *r)
{
    struct str reason = http_reason(r->status);
    size_t room = reason.n + lines_size(r->headers) + r->date.n + r->connection.n + 128;
    char *from = scratch_take(s, room);
    struct out o = {from};
    bool dated = false;
    put_status_line(&o, r->status, reason);
    for (unsigned i = 0; r->headers && i < r->headers->n; i++) {
        const struct header *line = &r->headers->v[i];
        if (is_ours(line->name))
            continue;
        dated |= line->name.n == 4 && str_ieq(line->name, STR("Date"));
        put_line(&o, line->name, line->value);
    }
    if (!dated)
        put(&o, r->date);
    if (r->connection.n)
        put_line(&o, STR("Connection"), r->connection);
    put_framing(&o, r->framing, r->length);
    put(&o, STR("\r\n"));
    return finished(s, from, room, &o);
}

/* "<hex>\r\n" */
static size_t chunk_line(char out[CHUNK_LINE], size_t n)
{
    static const char hex[] = "0123456789abcdef";
    size_t digits = 1;
    for (size_t rest = n; rest >>= 4;)
        digits++;
    for (size_t i = digits; i > 0; n >>= 4)
        out[--i] = hex[n & 15];
    memcpy(out + digits, "\r\n", 2);
    return digits + 2;
}

struct h1_chunk h1_chunk(struct scratch *s, struct str piece)
{
    bool copy = piece.n <= HTTP_JOIN_BYTES;
    size_t room = CHUNK_LINE + (copy ? piece.n + 2 : 0);
    char *from = scratch_take(s, room);
    size_t n = chunk_line(from, piece.n);
    if (copy) {
        memcpy(from + n, piece.p, piece.n);
        memcpy(from + n + piece.n, "\r\n", 2);
        n += piece.n + 2;
    }
    scratch_trim(s, from, room, n);
    struct str line = str_of(from, n);
    return copy ? (struct h1_chunk){.line = line} : (struct h1_chunk){line, piece, STR("\r\n")};
}
