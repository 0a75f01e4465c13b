/* SPDX-License-Identifier: Apache-2.0 */
#include "store/zone.h"
#include "base/json.h"

#include <endian.h>
#include <stdlib.h>
#include <xxhash.h>

void zone_init(struct zone *z)
{
    *z = (struct zone){.number = -1};
}

static void forget_facets(struct zone *z)
{
    for (size_t i = 0; i < z->n_facets; i++)
        mem_free((char *)(uintptr_t)z->facets[i].key.provider.p);
    z->n_facets = 0;
}

void zone_done(struct zone *z)
{
    forget_facets(z);
    mem_free(z->facets);
    mem_free(z->terms);
    zone_init(z);
}

void zone_begin(struct zone *z, int64_t number)
{
    forget_facets(z);
    memset(z->last, 0, sizeof(z->last));
    memset(z->trigrams, 0, sizeof(z->trigrams));
    z->mixed = false;
    z->number = number;
    z->rows = 0;
    z->n_terms = 0;
    z->summary = (struct zone_summary){.first_ms = INT64_MAX, .last_ms = INT64_MIN};
    for (size_t i = 0; i < ZONE_RANGES; i++)
        z->summary.ranges[i] = (struct zone_range){.min = INT64_MAX, .max = INT64_MIN};
    if (!z->facets)
        z->facets = mem_alloc(ZONE_FACETS * sizeof(*z->facets));
}

/* ---- ranges ---- */

static void widen(struct zone_summary *s, enum zone_number which, int64_t v, bool known)
{
    struct zone_range *r = &s->ranges[which];
    if (!known) {
        s->absent |= 1U << which;
        return;
    }
    r->min = v < r->min ? v : r->min;
    r->max = v > r->max ? v : r->max;
}

static void add_ranges(struct zone_summary *s, const struct record *r)
{
    int64_t ms = uuid_ms(r->id), tokens = 0;
    bool both = r->tokens_in >= 0 && r->tokens_out >= 0 &&
                !__builtin_add_overflow(r->tokens_in, r->tokens_out, &tokens);
    s->first_ms = ms < s->first_ms ? ms : s->first_ms;
    s->last_ms = ms > s->last_ms ? ms : s->last_ms;
    widen(s, ZONE_CREATED, r->created_ms, true);
    widen(s, ZONE_COST, r->cost_pico, r->cost_pico >= 0);
    widen(s, ZONE_TOKENS_IN, r->tokens_in, r->tokens_in >= 0);
    widen(s, ZONE_TOKENS_OUT, r->tokens_out, r->tokens_out >= 0);
    widen(s, ZONE_TOKENS, tokens, both);
    widen(s, ZONE_DURATION, (r->duration_us + 500) / 1000, r->duration_us >= 0);
    s->has |= r->key_alias.n ? ZONE_HAS_KEY_ALIAS : 0u;
}

enum { SUMMARY_NUMBERS = 4 + 2 * ZONE_RANGES };
_Static_assert(SUMMARY_NUMBERS * sizeof(int64_t) == ZONE_SUMMARY_BYTES, "ZONE_SUMMARY_BYTES");

void zone_summary_pack(const struct zone_summary *s, char out[ZONE_SUMMARY_BYTES])
{
    int64_t v[SUMMARY_NUMBERS] = {s->first_ms, s->last_ms, s->absent, s->has};
    for (size_t i = 0; i < ZONE_RANGES; i++) {
        v[4 + 2 * i] = s->ranges[i].min;
        v[5 + 2 * i] = s->ranges[i].max;
    }
    for (size_t i = 0; i < SUMMARY_NUMBERS; i++)
        v[i] = (int64_t)htole64((uint64_t)v[i]);
    memcpy(out, v, sizeof(v));
}

bool zone_summary_unpack(struct str packed, struct zone_summary *ret)
{
    int64_t v[SUMMARY_NUMBERS];
    if (packed.n != sizeof(v))
        return false;
    memcpy(v, packed.p, sizeof(v));
    for (size_t i = 0; i < SUMMARY_NUMBERS; i++)
        v[i] = (int64_t)le64toh((uint64_t)v[i]);
    *ret = (struct zone_summary){
        .first_ms = v[0], .last_ms = v[1], .absent = (uint32_t)v[2], .has = (unsigned)v[3]};
    for (size_t i = 0; i < ZONE_RANGES; i++)
        ret->ranges[i] = (struct zone_range){v[4 + 2 * i], v[5 + 2 * i]};
    return true;
}

/* ---- facets ---- */

static struct facet facet_of(const struct record *r)
{
    return (struct facet){
        .gateway = r->gateway,
        .provider = r->provider,
        .model = r->model,
        .model_type = r->model_type,
        .request_type = r->request_type,
        .status = r->status,
        .flags = r->flags & FACET_FLAGS,
    };
}

static bool same_facet(const struct facet *a, const struct facet *b)
{
    return a->gateway == b->gateway && a->status == b->status && a->flags == b->flags &&
           str_eq(a->model, b->model) && str_eq(a->provider, b->provider) &&
           str_eq(a->model_type, b->model_type) && str_eq(a->request_type, b->request_type);
}

static struct str put_text(char **at, struct str s)
{
    char *p = *at;
    if (s.n)
        memcpy(p, s.p, s.n);
    *at += s.n;
    return str_of(p, s.n);
}

/* All texts in one block, the provider's first. */
static struct facet keep_facet(struct facet f)
{
    char *at = mem_alloc(f.provider.n + f.model.n + f.model_type.n + f.request_type.n + 1);
    f.provider = put_text(&at, f.provider);
    f.model = put_text(&at, f.model);
    f.model_type = put_text(&at, f.model_type);
    f.request_type = put_text(&at, f.request_type);
    return f;
}

/* Neighbours are alike: the one that was found moves to the front. */
static void add_facet(struct zone *z, const struct record *r)
{
    struct facet f = facet_of(r);
    size_t i = 0;
    if (z->mixed)
        return;
    while (i < z->n_facets && !same_facet(&z->facets[i].key, &f))
        i++;
    if (i == ZONE_FACETS) {
        forget_facets(z);
        z->mixed = true;
        return;
    }
    struct zone_facet found = i < z->n_facets ? z->facets[i] : (struct zone_facet){keep_facet(f), 0};
    z->n_facets += i == z->n_facets;
    found.rows++;
    z->facets[i] = z->facets[i / 2];
    z->facets[i / 2] = found;
}

/* ---- texts ---- */

uint64_t term_hash(enum term_kind kind, struct str text)
{
    return XXH3_64bits_withSeed(text.p, text.n, (XXH64_hash_t)kind + 1);
}

uint64_t term_of_number(enum term_kind kind, int64_t n)
{
    uint64_t bytes = htole64((uint64_t)n);
    return term_hash(kind, str_of((const char *)&bytes, sizeof(bytes)));
}

static void add_term(struct zone *z, uint64_t term)
{
    if (z->n_terms == z->cap_terms) {
        z->cap_terms = z->cap_terms ? 2 * z->cap_terms : 256;
        z->terms = mem_realloc(z->terms, z->cap_terms * sizeof(*z->terms));
    }
    z->terms[z->n_terms++] = term;
}

static void add_text(void *arg, enum term_kind kind, struct str text)
{
    struct zone *z = arg;
    uint64_t term = term_hash(kind, text);
    if ((!text.n && kind > TERM_VALUE) || z->last[kind] == term)
        return;
    z->last[kind] = term;
    if (term_is_whole(kind))
        add_term(z, term);
    if (term_has_parts(kind))
        trigrams_put(z->trigrams, text);
}

/* As it reads; as it is written where that is no string. */
static struct str read_text(struct arena *a, struct str raw)
{
    struct str text;
    return json_raw_str(a, raw, &text) == E_OK ? text : raw;
}

static bool has_escapes(struct str raw)
{
    return raw.n && memchr(raw.p, '\\', raw.n);
}

void texts_of_metadata(struct str metadata, void (*put)(void *arg, enum term_kind kind, struct str text),
                       void *arg)
{
    struct json_walk w;
    struct arena a;
    arena_init(&a, SIZE_MAX / 2);
    put(arg, TERM_METADATA, metadata);
    if (metadata.n && json_walk(&w, metadata))
        while (json_walk_next(&w)) {
            struct str key = read_text(&a, w.key), value = read_text(&a, w.value);
            put(arg, TERM_KEY, key);
            put(arg, TERM_VALUE, value);
            if (has_escapes(w.key))
                put(arg, TERM_METADATA, key);
            if (has_escapes(w.value))
                put(arg, TERM_METADATA, value);
        }
    arena_done(&a);
}

static void add_metadata(struct zone *z, struct str metadata)
{
    texts_of_metadata(metadata, add_text, z);
}

static void add_token(struct zone *z, int64_t token)
{
    uint64_t term = term_of_number(TERM_TOKEN, token);
    if (token <= 0 || z->last[TERM_TOKEN] == term)
        return;
    z->last[TERM_TOKEN] = term;
    add_term(z, term);
}

static void add_texts(struct zone *z, const struct record *r)
{
    char id[UUID_TEXT];
    uuid_text(r->id, id);
    add_metadata(z, r->metadata);
    if (!str_eq(r->event_id, str_of(id, UUID_TEXT)))
        add_text(z, TERM_EVENT, r->event_id);
    add_text(z, TERM_AGENT, r->user_agent);
    add_text(z, TERM_REQUEST_TYPE, r->request_content_type);
    add_text(z, TERM_RESPONSE_TYPE, r->response_content_type);
    add_text(z, TERM_KEY_ALIAS, r->key_alias);
    add_text(z, TERM_PROVIDER, r->provider);
    add_text(z, TERM_MODEL, r->model);
    add_text(z, TERM_PATH, r->path);
}

void zone_add(struct zone *z, const struct record *r)
{
    z->rows++;
    add_ranges(&z->summary, r);
    add_facet(z, r);
    add_token(z, r->token);
    add_texts(z, r);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

enum { BLOOM_BITS = 16, BLOOM_PROBES = 6 }; /* a term: one wrong zone of a thousand */

/* Bit number i of a term, of n bytes. */
static size_t probe(uint64_t term, unsigned i, size_t n)
{
    uint64_t step = (term >> 32 | term << 32) | 1;
    return (size_t)((unsigned __int128)(term + i * step) * (8 * n) >> 64);
}

void bloom_put(unsigned char *bloom, size_t n, uint64_t term)
{
    for (unsigned i = 0; n && i < BLOOM_PROBES; i++) {
        size_t bit = probe(term, i, n);
        bloom[bit / 8] = (unsigned char)(bloom[bit / 8] | 1U << bit % 8);
    }
}

bool bloom_has(struct str bloom, uint64_t term)
{
    for (unsigned i = 0; bloom.n && i < BLOOM_PROBES; i++) {
        size_t bit = probe(term, i, bloom.n);
        if (!((unsigned char)bloom.p[bit / 8] >> bit % 8 & 1))
            return false;
    }
    return true;
}

unsigned char *zone_bloom(struct zone *z, size_t *ret_n)
{
    size_t distinct = 0;
    if (z->n_terms)
        qsort(z->terms, z->n_terms, sizeof(*z->terms), by_value);
    for (size_t i = 0; i < z->n_terms; i++)
        if (i == 0 || z->terms[i] != z->terms[distinct - 1])
            z->terms[distinct++] = z->terms[i];
    z->n_terms = distinct;
    size_t n = distinct * BLOOM_BITS / 8 + 1;
    unsigned char *bloom = mem_zalloc(n);
    for (size_t i = 0; i < distinct; i++)
        bloom_put(bloom, n, z->terms[i]);
    *ret_n = n;
    return bloom;
}
