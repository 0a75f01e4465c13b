/* SPDX-License-Identifier: Apache-2.0 */
#include "store/spool.h"
#include "base/limits.h"

#include <pthread.h>
#include <zstd.h>

/* The block is what a stream costs in memory, the level what an event costs in time. */
enum { LEVEL_SLOW = 1, LEVEL_FAST = -4, STEP = 512, PACKED_MAX = ZSTD_COMPRESSBOUND(SPOOL_LONG_BYTES) };

/* What packing and unpacking need, once a thread. */
struct packer {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
    char out[PACKED_MAX];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static _Thread_local struct packer *packer;

static void free_packer(void *arg)
{
    struct packer *p = arg;
    ZSTD_freeCCtx(p->pack);
    ZSTD_freeDCtx(p->unpack);
    mem_free(p);
}

static void make_key(void)
{
    must(pthread_key_create(&key, free_packer) == 0);
}

static struct packer *packer_of_thread(void)
{
    if (!packer) {
        must(pthread_once(&once, make_key) == 0);
        packer = mem_zalloc(sizeof(*packer));
        packer->pack = ZSTD_createCCtx();
        packer->unpack = ZSTD_createDCtx();
        must(packer->pack && packer->unpack && pthread_setspecific(key, packer) == 0);
    }
    return packer;
}

void spool_init(struct spool *s, size_t max)
{
    *s = (struct spool){.max = max};
}

void spool_done(struct spool *s)
{
    mem_free(s->now.p);
    mem_free(s->packed.p);
    *s = (struct spool){.max = s->max};
}

static void append(struct spool_bytes *b, const void *bytes, size_t n)
{
    if (n > b->cap - b->n) {
        b->cap = (b->n + n + STEP - 1) / STEP * STEP;
        b->p = mem_realloc(b->p, b->cap);
    }
    memcpy(b->p + b->n, bytes, n);
    b->n += n;
}

static void pack_block(struct spool *s, int level)
{
    struct packer *p = packer_of_thread();
    size_t n = ZSTD_compressCCtx(p->pack, p->out, sizeof(p->out), s->now.p, s->now.n, level);
    must(!ZSTD_isError(n));
    uint32_t head = (uint32_t)n;
    append(&s->packed, &head, sizeof(head));
    append(&s->packed, p->out, n);
    s->now.n = 0;
    if (s->now.cap <= SPOOL_BLOCK_BYTES)
        return; /* kept for the next block: giving it back would leave holes in the heap */
    mem_free(s->now.p);
    s->now = (struct spool_bytes){0};
}

enum err spool_add(struct spool *s, struct str piece, bool slow)
{
    size_t block = slow ? SPOOL_BLOCK_BYTES : SPOOL_LONG_BYTES;
    if (piece.n > s->max - s->n)
        return E_FULL;
    s->n += piece.n;
    while (piece.n) {
        if (s->now.n >= block)
            pack_block(s, slow ? LEVEL_SLOW : LEVEL_FAST);
        struct str part = str_head(piece, block - s->now.n);
        append(&s->now, part.p, part.n);
        piece = str_from(piece, part.n);
    }
    return E_OK;
}

/* Unpacks the blocks to out; how many bytes they were. */
static size_t unpack_blocks(const struct spool *s, char *out, size_t cap)
{
    struct packer *p = packer_of_thread();
    size_t n = 0;
    for (struct str rest = str_of(s->packed.p, s->packed.n); rest.n;) {
        uint32_t packed;
        memcpy(&packed, rest.p, sizeof(packed));
        rest = str_from(rest, sizeof(packed));
        size_t got = ZSTD_decompressDCtx(p->unpack, out + n, cap - n, rest.p, packed);
        must(!ZSTD_isError(got));
        n += got;
        rest = str_from(rest, packed);
    }
    return n;
}

char *spool_take(struct spool *s, size_t *ret_n)
{
    size_t n = s->n;
    char *out = n ? mem_alloc(n) : NULL;
    if (out) {
        size_t at = s->packed.n ? unpack_blocks(s, out, n) : 0;
        must(at + s->now.n == n);
        if (s->now.n)
            memcpy(out + at, s->now.p, s->now.n);
    }
    spool_done(s);
    *ret_n = n;
    return out;
}
