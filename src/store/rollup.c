/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rollup.h"

#include <xxhash.h>

void rollup_init(struct rollup *u)
{
    *u = (struct rollup){0};
}

void rollup_done(struct rollup *u)
{
    mem_free(u->cells);
    mem_free(u->slots);
    mem_free(u->samples);
    *u = (struct rollup){0};
}

void rollup_clear(struct rollup *u)
{
    u->n = u->n_samples = 0;
    if (u->slots)
        memset(u->slots, 0, 2 * u->cap * sizeof(*u->slots));
}

static uint64_t hash_key(const struct rollup_key *k)
{
    int64_t numbers[] = {k->minute, k->gateway, (int64_t)k->status << 32 | k->marks, (int64_t)k->provider.n};
    XXH64_hash_t seed = XXH3_64bits(numbers, sizeof(numbers));
    seed = XXH3_64bits_withSeed(k->provider.p, k->provider.n, seed);
    return XXH3_64bits_withSeed(k->model.p, k->model.n, seed);
}

static bool same_key(const struct rollup_key *a, const struct rollup_key *b)
{
    return a->minute == b->minute && a->gateway == b->gateway && a->status == b->status &&
           a->marks == b->marks && str_eq(a->provider, b->provider) && str_eq(a->model, b->model);
}

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t *slot_of(struct rollup *u, const struct rollup_key *k)
{
    size_t mask = 2 * u->cap - 1;
    for (size_t i = hash_key(k) & mask;; i = (i + 1) & mask)
        if (!u->slots[i] || same_key(&u->cells[u->slots[i] - 1].key, k))
            return &u->slots[i];
}

static void grow(struct rollup *u)
{
    u->cap = u->cap ? 2 * u->cap : 16;
    u->cells = mem_realloc(u->cells, u->cap * sizeof(*u->cells));
    mem_free(u->slots);
    u->slots = mem_zalloc(2 * u->cap * sizeof(*u->slots));
    for (size_t i = 0; i < u->n; i++)
        *slot_of(u, &u->cells[i].key) = (uint32_t)i + 1;
}

static struct rollup_cell *cell_of(struct rollup *u, const struct rollup_key *k)
{
    if (u->n == u->cap)
        grow(u);
    uint32_t *slot = slot_of(u, k);
    if (!*slot) {
        u->cells[u->n] = (struct rollup_cell){.key = *k};
        *slot = (uint32_t)++u->n;
    }
    return &u->cells[*slot - 1];
}

/* Unknown (negative) adds nothing; a provider that reports nonsense must not wrap the sum. */
static void add(int64_t *sum, int64_t n)
{
    if (n > 0 && __builtin_add_overflow(*sum, n, sum))
        *sum = INT64_MAX;
}

static unsigned marks_of(const struct record *r)
{
    return (r->flags & REC_CACHED ? MARK_CACHED : 0u) | (r->flags & REC_SUCCESS ? 0u : MARK_ERROR) |
           (r->flags & REC_RATE_LIMITED ? MARK_RATE_LIMITED : 0u) |
           (r->flags & REC_WHOLESALE ? MARK_WHOLESALE : 0u) |
           (r->flags & REC_CACHE_MISSED ? MARK_CACHE_MISSED : 0u) | (r->flags & MARK_ERROR_KIND);
}

enum { NO_FIRST_BYTE = UINT16_MAX };
_Static_assert((int)HISTOGRAM_BUCKETS < (int)NO_FIRST_BYTE, "struct rollup_sample");

static void add_times(struct rollup *u, struct rollup_cell *c, const struct record *r)
{
    if (u->n_samples == u->cap_samples) {
        u->cap_samples = u->cap_samples ? 2 * u->cap_samples : 64;
        u->samples = mem_realloc(u->samples, u->cap_samples * sizeof(*u->samples));
    }
    bool answered = r->latency_us >= 0;
    u->samples[u->n_samples] = (struct rollup_sample){
        .older = c->samples,
        .duration = (uint16_t)histogram_bucket(r->duration_us),
        .first_byte = answered ? (uint16_t)histogram_bucket(r->latency_us) : NO_FIRST_BYTE,
    };
    c->samples = (uint32_t)++u->n_samples;
    add(&c->duration_us, r->duration_us);
    add(&c->first_byte_us, r->latency_us);
    c->first_bytes += answered;
}

void rollup_add(struct rollup *u, const struct record *r)
{
    struct rollup_key key = {
        .minute = r->created_ms / 60000,
        .gateway = r->gateway,
        .provider = r->provider,
        .model = r->model,
        .status = r->status,
        .marks = marks_of(r),
    };
    struct rollup_cell *c = cell_of(u, &key);
    c->attempts++;
    c->rows += !(r->flags & REC_NO_ROW);
    c->unpriced += (r->flags & REC_SUCCESS) && r->cost_pico < 0;
    add(&c->tokens_in, r->tokens_in);
    add(&c->tokens_out, r->tokens_out);
    add(&c->cache_read_tokens, r->cached_tokens);
    add(&c->cache_write_tokens, r->cache_write_tokens);
    add(&c->cost_pico, r->cost_pico);
    add(&c->saved_pico, r->saved_pico);
    add(&c->request_bytes, r->request_bytes);
    add(&c->response_bytes, r->response_bytes);
    if (r->flags & REC_FOLLOWED)
        return;
    c->requests++;
    add_times(u, c, r);
}

void rollup_times(const struct rollup *u, const struct rollup_cell *c, struct histogram *durations,
                  struct histogram *first_bytes)
{
    for (uint32_t at = c->samples; at; at = u->samples[at - 1].older) {
        const struct rollup_sample *s = &u->samples[at - 1];
        durations->counts[s->duration]++;
        if (s->first_byte != NO_FIRST_BYTE)
            first_bytes->counts[s->first_byte]++;
    }
}
