/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments: see segment.h for the form on disk.
 *
 *   segments_add ─ copies into `raw` ─ full? compress to `out` ─ long? write
 *   segments_commit ─ compress the rest ─ one write ─ (fdatasync) ─ maybe the next file
 */
#include "store/segment.h"
#include "base/buf.h"
#include "base/limits.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

enum {
    HEAD_BYTES = 32,
    HEAD_HASHED = 24,
    NAME_BYTES = 48,
    PATH_BYTES = 56,
    /* The faster, negative levels save a tenth of the CPU of a row and cost a third more disk: measured
     * in docs/data-at-rest.md. */
    LEVEL = 1,
};
static const char magic[4] = {'W', 'S', 'F', '1'};
/* Two bodies of the longest kind keys.def allows; a head that claims more is damaged. */
static const uint64_t frame_max = (uint64_t)4 << 30;

struct segments {
    int dir;           /* DATA/bodies */
    int fd;            /* the open segment, -1: none yet */
    int64_t number;    /* its number, or the next one's */
    int64_t committed; /* length that counts */
    int64_t end;       /* length, with what an unfinished batch wrote */
    ZSTD_CCtx *zstd;
    struct buf raw; /* frame being filled */
    struct buf out; /* frames done, not written yet */
    uint64_t bytes;
    bool failed; /* this batch */
    bool made;   /* a file since the last sync: its directory entry is not on disk */
};

/* ---- writing ---- */

static int64_t newest_segment(int dir)
{
    int64_t newest = 0;
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
    if (!d)
        return -1;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char *end;
        long long n = strtoll(e->d_name, &end, 10);
        if (end != e->d_name && strcmp(end, ".seg") == 0 && n > newest)
            newest = n;
    }
    closedir(d);
    return newest;
}

struct segments *segments_open(int data_dir, const char **ret_why)
{
    if (mkdirat(data_dir, "bodies", 0700) != 0 && errno != EEXIST) {
        *ret_why = "cannot create the directory bodies";
        return NULL;
    }
    int dir = openat(data_dir, "bodies", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int64_t newest = dir >= 0 ? newest_segment(dir) : -1;
    if (newest < 0) {
        *ret_why = "cannot read the directory bodies";
        if (dir >= 0)
            close(dir);
        return NULL;
    }
    struct segments *s = mem_zalloc(sizeof(*s));
    *s = (struct segments){.dir = dir, .fd = -1, .number = newest + 1, .zstd = ZSTD_createCCtx()};
    must(s->zstd && !ZSTD_isError(ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, LEVEL)));
    buf_init(&s->raw, frame_max);
    buf_init(&s->out, SIZE_MAX / 2);
    return s;
}

void segments_close(struct segments *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    close(s->dir);
    ZSTD_freeCCtx(s->zstd);
    buf_done(&s->raw);
    buf_done(&s->out);
    mem_free(s);
}

int64_t segments_current(const struct segments *s)
{
    return s->number;
}

uint64_t segments_bytes(const struct segments *s)
{
    return s->bytes;
}

static uint64_t frame_hash(const char *head, const char *data, size_t n)
{
    return XXH3_64bits_withSeed(data, n, XXH3_64bits(head, HEAD_HASHED));
}

static void put_u64(char *at, uint64_t v)
{
    v = htole64(v);
    memcpy(at, &v, sizeof(v));
}

static uint64_t get_u64(const char *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof(v));
    return le64toh(v);
}

static void close_frame(struct segments *s)
{
    if (s->raw.n == 0)
        return;
    size_t bound = ZSTD_compressBound(s->raw.n);
    char *head = buf_room(&s->out, HEAD_BYTES + bound);
    must(head != NULL);
    size_t packed = ZSTD_compress2(s->zstd, head + HEAD_BYTES, bound, s->raw.p, s->raw.n);
    must(!ZSTD_isError(packed));
    memset(head, 0, HEAD_BYTES);
    memcpy(head, magic, sizeof(magic));
    put_u64(head + 8, s->raw.n);
    put_u64(head + 16, packed);
    put_u64(head + HEAD_HASHED, frame_hash(head, head + HEAD_BYTES, packed));
    buf_grew(&s->out, HEAD_BYTES + packed);
    buf_clear(&s->raw);
    /* one long body must not hold its memory for ever */
    if (s->raw.cap > 4 * SEGMENT_FRAME_BYTES)
        buf_done(&s->raw);
}

static void segment_name(char name[NAME_BYTES], int64_t number)
{
    snprintf(name, NAME_BYTES, "%08lld.seg", (long long)number);
}

static void segment_path(char path[PATH_BYTES], int64_t number)
{
    snprintf(path, PATH_BYTES, "bodies/%08lld.seg", (long long)number);
}

bool segment_remove(int data_dir, int64_t number)
{
    char path[PATH_BYTES];
    segment_path(path, number);
    return unlinkat(data_dir, path, 0) == 0 || errno == ENOENT;
}

static bool open_segment(struct segments *s)
{
    char name[NAME_BYTES];
    segment_name(name, s->number);
    s->fd = openat(s->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    s->made = s->fd >= 0;
    return s->fd >= 0;
}

static void write_out(struct segments *s)
{
    size_t done = 0;
    if (s->fd < 0 && !open_segment(s))
        s->failed = true;
    while (!s->failed && done < s->out.n) {
        ssize_t n = pwrite(s->fd, s->out.p + done, s->out.n - done, (off_t)(s->end + (int64_t)done));
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            s->failed = true;
    }
    s->end += (int64_t)s->out.n;
    s->bytes += s->failed ? 0 : s->out.n;
    buf_clear(&s->out);
    if (s->out.cap > 4 * SEGMENT_WRITE_BYTES)
        buf_done(&s->out);
}

static void append_body(struct buf *b, struct record_body body)
{
    enum err e = buf_append(b, str_of(body.p, body.n));
    must(e == E_OK); /* bodies are no longer than the largest setting, two of them fit */
}

struct body_place segments_add(struct segments *s, struct record_body request, struct record_body response)
{
    if (request.n + response.n == 0)
        return (struct body_place){.request = request.p ? 0 : -1, .response = response.p ? 0 : -1};
    if (s->raw.n && s->raw.n + request.n + response.n > SEGMENT_FRAME_BYTES)
        close_frame(s);
    if (s->out.n > SEGMENT_WRITE_BYTES)
        write_out(s);
    struct body_place p = {
        .segment = s->number,
        .frame = s->end + (int64_t)s->out.n,
        .at = (int64_t)s->raw.n,
        .request = request.p ? (int64_t)request.n : -1,
        .response = response.p ? (int64_t)response.n : -1,
    };
    append_body(&s->raw, request);
    append_body(&s->raw, response);
    return p;
}

static void next_segment(struct segments *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->number++;
    s->committed = s->end = 0;
}

static void sync_segment(struct segments *s)
{
    if (fdatasync(s->fd) == 0 && (!s->made || fsync(s->dir) == 0)) {
        s->made = false;
        return;
    }
    /* what the kernel keeps of a file that failed to sync is anybody's guess */
    s->failed = true;
    next_segment(s);
}

enum err segments_commit(struct segments *s, bool sync)
{
    close_frame(s);
    if (s->out.n)
        write_out(s);
    if (sync && !s->failed && s->end > s->committed)
        sync_segment(s);
    if (s->failed) {
        /* give the space back and go on from there; if even that fails, nothing points at the rest */
        if (s->fd < 0 || ftruncate(s->fd, (off_t)s->committed) != 0)
            next_segment(s);
        s->end = s->committed;
        s->failed = false;
        return E_IO;
    }
    s->committed = s->end;
    if (s->committed >= SEGMENT_BYTES)
        next_segment(s);
    return E_OK;
}

/* ---- reading ---- */

/* Reads n bytes into a new block; NULL when the file is shorter or cannot be read. */
static char *read_block(int fd, int64_t at, size_t n)
{
    char *p = mem_alloc(n);
    size_t done = 0;
    while (done < n) {
        ssize_t r = pread(fd, p + done, n - done, (off_t)(at + (int64_t)done));
        if (r > 0) {
            done += (size_t)r;
        } else if (r == 0 || errno != EINTR) {
            mem_free(p);
            return NULL;
        }
    }
    return p;
}

/* The zstd data of the frame at an offset; NULL unless head and data are what was written. */
static char *read_frame(int fd, int64_t frame, uint64_t *ret_raw, uint64_t *ret_packed)
{
    struct stat st;
    if (frame < 0 || fstat(fd, &st) != 0 || frame > st.st_size - HEAD_BYTES)
        return NULL;
    char *head = read_block(fd, frame, HEAD_BYTES), *data = NULL;
    if (!head)
        return NULL;
    uint64_t raw = get_u64(head + 8), packed = get_u64(head + 16);
    if (memcmp(head, magic, sizeof(magic)) == 0 && raw <= frame_max &&
        packed <= (uint64_t)(st.st_size - HEAD_BYTES - frame))
        data = read_block(fd, frame + HEAD_BYTES, packed);
    if (data && frame_hash(head, data, packed) != get_u64(head + HEAD_HASHED)) {
        mem_free(data);
        data = NULL;
    }
    mem_free(head);
    *ret_raw = raw;
    *ret_packed = packed;
    return data;
}

/* The first `need` bytes of the raw frame. Damage is caught by the hash; this only refuses to trust it. */
static bool unpack(const char *data, size_t packed, char *out, size_t need)
{
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    must(zstd != NULL);
    ZSTD_inBuffer in = {data, packed, 0};
    ZSTD_outBuffer to = {out, need, 0};
    size_t left = 1;
    while (to.pos < need && left > 0) {
        size_t before = in.pos + to.pos;
        left = ZSTD_decompressStream(zstd, &to, &in);
        if (ZSTD_isError(left) || in.pos + to.pos == before)
            break;
    }
    ZSTD_freeDCtx(zstd);
    return to.pos == need;
}

static size_t length(int64_t n)
{
    return n < 0 ? 0 : (size_t)n;
}

static bool slice(struct arena *a, const char *p, int64_t n, struct str *ret)
{
    *ret = n < 0 ? (struct str){NULL, 0} : arena_dup(a, str_of(p, (size_t)n));
    return n < 0 || ret->p;
}

enum err segment_read_fd(int fd, const struct body_place *p, struct arena *a, struct str *ret_request,
                         struct str *ret_response)
{
    uint64_t raw, packed;
    size_t at = length(p->at), request = length(p->request), response = length(p->response);
    if (at > frame_max || request > frame_max || response > frame_max)
        return E_IO;
    size_t need = at + request + response;
    char *data = read_frame(fd, p->frame, &raw, &packed);
    if (!data)
        return E_IO;
    enum err e = E_IO;
    char *out = NULL;
    if (need > raw)
        goto out;
    out = mem_alloc(need);
    struct str first, second;
    if (!unpack(data, packed, out, need))
        goto out;
    e = E_FULL;
    if (!slice(a, out + at, p->request, &first) || !slice(a, out + at + request, p->response, &second))
        goto out;
    *ret_request = first;
    *ret_response = second;
    e = E_OK;
out:
    mem_free(out);
    mem_free(data);
    return e;
}

enum err segment_read(int data_dir, const struct body_place *p, struct arena *a, struct str *ret_request,
                      struct str *ret_response)
{
    if (p->request <= 0 && p->response <= 0) /* empty bodies take no frame */
        return slice(a, "", p->request, ret_request) && slice(a, "", p->response, ret_response) ? E_OK
                                                                                                : E_FULL;
    char path[PATH_BYTES];
    segment_path(path, p->segment);
    int fd = openat(data_dir, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? E_NOT_FOUND : E_IO;
    enum err e = segment_read_fd(fd, p, a, ret_request, ret_response);
    close(fd);
    return e;
}
