/* SPDX-License-Identifier: Apache-2.0 */
#include "store/label.h"
#include "base/json.h"
#include "base/limits.h"

#include <xxhash.h>

void labels_init(struct labels *u)
{
    *u = (struct labels){0};
    arena_init(&u->texts, SIZE_MAX / 2);
}

void labels_done(struct labels *u)
{
    mem_free(u->cells);
    mem_free(u->slots);
    arena_done(&u->texts);
    *u = (struct labels){0};
}

void labels_clear(struct labels *u)
{
    if (u->n)
        memset(u->slots, 0, 2 * u->cap * sizeof(*u->slots));
    u->n = 0;
    arena_reset(&u->texts);
}

/* ---- cells ---- */

static uint64_t hash_key(const struct label_key *k)
{
    int64_t numbers[] = {k->minute, k->gateway, k->other, (int64_t)k->label.n};
    XXH64_hash_t seed = XXH3_64bits(numbers, sizeof(numbers));
    seed = XXH3_64bits_withSeed(k->label.p, k->label.n, seed);
    return XXH3_64bits_withSeed(k->value.p, k->value.n, seed);
}

static bool same_key(const struct label_key *a, const struct label_key *b)
{
    return a->minute == b->minute && a->gateway == b->gateway && a->other == b->other &&
           str_eq(a->label, b->label) && str_eq(a->value, b->value);
}

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t *slot_of(struct labels *u, const struct label_key *k)
{
    size_t mask = 2 * u->cap - 1;
    for (size_t i = hash_key(k) & mask;; i = (i + 1) & mask)
        if (!u->slots[i] || same_key(&u->cells[u->slots[i] - 1].key, k))
            return &u->slots[i];
}

static void grow(struct labels *u)
{
    u->cap = u->cap ? 2 * u->cap : 16;
    u->cells = mem_realloc(u->cells, u->cap * sizeof(*u->cells));
    mem_free(u->slots);
    u->slots = mem_zalloc(2 * u->cap * sizeof(*u->slots));
    for (size_t i = 0; i < u->n; i++)
        *slot_of(u, &u->cells[i].key) = (uint32_t)i + 1;
}

static struct label_cell *cell_of(struct labels *u, const struct label_key *k)
{
    if (u->n == u->cap)
        grow(u);
    uint32_t *slot = slot_of(u, k);
    if (!*slot) {
        u->cells[u->n] = (struct label_cell){.key = *k};
        *slot = (uint32_t)++u->n;
    }
    return &u->cells[*slot - 1];
}

/* Unknown (negative) adds nothing. */
static void add(int64_t *sum, int64_t n)
{
    if (n > 0 && __builtin_add_overflow(*sum, n, sum))
        *sum = INT64_MAX;
}

static void add_cell(struct label_cell *to, const struct label_cell *c)
{
    to->requests += c->requests;
    to->cached += c->cached;
    to->errors += c->errors;
    to->unpriced += c->unpriced;
    add(&to->tokens_in, c->tokens_in);
    add(&to->tokens_out, c->tokens_out);
    add(&to->cost_pico, c->cost_pico);
    add(&to->saved_pico, c->saved_pico);
    to->last_ms = c->last_ms > to->last_ms ? c->last_ms : to->last_ms;
}

void labels_fold(struct labels *u, size_t cell, bool label_too)
{
    struct label_cell from = u->cells[cell];
    struct label_key k = {.minute = from.key.minute, .gateway = from.key.gateway, .other = true};
    if (!label_too)
        k.label = from.key.label;
    u->cells[cell] = (struct label_cell){.key = from.key, .folded = true};
    add_cell(cell_of(u, &k), &from);
}

/* ---- records ---- */

/* What a record comes to, whatever its labels. */
static struct label_cell sums_of(const struct record *r)
{
    bool counted = !(r->flags & REC_FOLLOWED);
    return (struct label_cell){
        .key = {.minute = r->created_ms / 60000, .gateway = r->gateway},
        .requests = counted,
        .cached = counted && (r->flags & REC_CACHED),
        .errors = counted && !(r->flags & REC_SUCCESS),
        .unpriced = (r->flags & REC_SUCCESS) && r->cost_pico < 0,
        .tokens_in = r->tokens_in,
        .tokens_out = r->tokens_out,
        .cost_pico = r->cost_pico,
        .saved_pico = r->saved_pico,
        .last_ms = r->created_ms,
    };
}

static void add_label(struct labels *u, const struct label_cell *sums, struct str label, struct str value)
{
    struct label_key k = sums->key;
    k.other = label.n > LABEL_NAME_BYTES || value.n > LABEL_VALUE_BYTES;
    k.label = label.n > LABEL_NAME_BYTES ? STR("") : label;
    k.value = k.other ? STR("") : value;
    add_cell(cell_of(u, &k), sums);
}

static void add_metadata(struct labels *u, const struct label_cell *sums, struct str metadata)
{
    struct json_walk w;
    if (!json_walk(&w, metadata))
        return;
    while (json_walk_next(&w)) {
        struct str label, value;
        if (json_raw_str(&u->texts, w.key, &label) != E_OK)
            continue;
        if (json_raw_str(&u->texts, w.value, &value) != E_OK)
            value = w.value; /* a number, true or false */
        if (label.n)
            add_label(u, sums, label, value);
    }
}

/* Every row has one: this is the quicker way to write a number. */
static void add_token(struct labels *u, const struct label_cell *sums, int64_t token)
{
    enum { DIGITS = 19 };
    char *p = arena_alloc(&u->texts, DIGITS), *at = p + DIGITS;
    for (int64_t n = token; n; n /= 10)
        *--at = (char)('0' + n % 10);
    add_label(u, sums, STR(LABEL_TOKEN), str_of(at, (size_t)(p + DIGITS - at)));
}

void labels_add(struct labels *u, const struct record *r)
{
    if (r->token <= 0 && r->metadata.n == 0)
        return;
    struct label_cell sums = sums_of(r);
    if (r->token > 0)
        add_token(u, &sums, r->token);
    if (r->metadata.n)
        add_metadata(u, &sums, r->metadata);
}
