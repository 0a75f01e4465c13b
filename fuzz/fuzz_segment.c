/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a segment that is anything but one. The input is a place (where a row says its bodies are),
 * then the file. So that damage gets past the hash, the first byte may ask for a head that is right
 * about its data, or for data that was zstd before bytes of it were changed.
 */
#include "base/limits.h"
#include "store/segment.h"

#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { REPAIR = 1, PACK = 2, HEAD = 32, FILE_MAX = 64 * KIB };

struct input {
    uint8_t kind, frame;
    uint8_t change_at[2], change_to;
    uint8_t at[3], request[3], response[3];
};

static int64_t number(const uint8_t p[3])
{
    /* up to 1 MiB, and -1 */
    return (int64_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)(p[2] & 15) << 16) - 1;
}

static void put(char *at, uint64_t v)
{
    memcpy(at, &v, sizeof(v)); /* fuzzers run where numbers are little-endian */
}

/* The head of a frame with these n bytes of data. */
static void repair(char *head, uint64_t raw, size_t n)
{
    memset(head, 0, HEAD);
    memcpy(head, "WSF1", 4);
    put(head + 8, raw);
    put(head + 16, n);
    put(head + 24, XXH3_64bits_withSeed(head + HEAD, n, XXH3_64bits(head, 24)));
}

static size_t make_file(const struct input *in, struct str rest, char *out, size_t cap)
{
    size_t n = rest.n < cap / 2 ? rest.n : cap / 2;
    if (!(in->kind & (REPAIR | PACK))) {
        memcpy(out, rest.p, n);
        return n;
    }
    char *frame = out + in->frame;
    memset(out, 0, in->frame);
    if (in->kind & PACK) {
        size_t packed = ZSTD_compress(frame + HEAD, cap - HEAD - in->frame, rest.p, n, 1);
        must(!ZSTD_isError(packed));
        frame[HEAD + (size_t)(in->change_at[0] | in->change_at[1] << 8) % packed] ^= (char)in->change_to;
        n = packed;
    } else {
        memcpy(frame + HEAD, rest.p, n);
    }
    repair(frame, in->kind & PACK ? rest.n : 1 * MIB, n);
    return in->frame + HEAD + n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char file[FILE_MAX];
    struct input in;
    if (n < sizeof(in))
        return 0;
    memcpy(&in, data, sizeof(in));
    size_t length =
        make_file(&in, str_of((const char *)data + sizeof(in), n - sizeof(in)), file, sizeof(file));
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("segment", MFD_CLOEXEC);
    must(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, file, length, 0) == (ssize_t)length);
    struct body_place p = {.segment = 1,
                           .frame = in.frame,
                           .at = number(in.at),
                           .request = number(in.request),
                           .response = number(in.response)};
    struct arena a;
    struct str request, response;
    arena_init(&a, 8 * MIB);
    if (segment_read_fd(fd, &p, &a, &request, &response) == E_OK) {
        must(request.p ? (int64_t)request.n == p.request : p.request < 0);
        must(response.p ? (int64_t)response.n == p.response : p.response < 0);
    }
    arena_done(&a);
    return 0;
}
