/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zones: what is known about ZONE_ROWS neighbouring rows of the log, so that a filter looks only where
 * something may be. Rows are neighbours in the order of arrival: zone n has the rows whose seq >> ZONE_SHIFT
 * is n. A zone is summed up in memory while its rows arrive and written once, when the next one begins
 * (docs/decisions/0014-log-zones.md). Pure; belongs to the writer's thread.
 *
 * What a zone says is never too little: rows that are deleted later leave ranges and terms as they were.
 * Counts of facets are kept exact.
 */
#pragma once
#include "store/record.h"
#include "store/trigrams.h"

enum {
    ZONE_SHIFT = 10,
    ZONE_ROWS = 1 << ZONE_SHIFT,
    /* Kinds of rows a zone counts apart; one with more says nothing about kinds. */
    ZONE_FACETS = 256,
    ZONE_SUMMARY_BYTES = 8 * 16,
};

enum zone_number {
    ZONE_CREATED,
    ZONE_COST,
    ZONE_TOKENS_IN,
    ZONE_TOKENS_OUT,
    ZONE_TOKENS,
    ZONE_DURATION,
    ZONE_RANGES
};

/* Texts that rows have. Up to the last type they are asked for as a whole: terms, for a Bloom filter. From
 * the event on, parts of them are: trigrams. Neither has a row's own id. */
enum term_kind {
    TERM_TOKEN, /* a number */
    TERM_KEY,
    TERM_VALUE,
    TERM_EVENT,
    TERM_AGENT,
    TERM_REQUEST_TYPE,
    TERM_RESPONSE_TYPE,
    TERM_KEY_ALIAS,
    TERM_METADATA, /* as it stands, and what of it is written with escapes as it reads */
    TERM_PROVIDER,
    TERM_MODEL,
    TERM_PATH,
    TERM_KINDS
};
static inline bool term_is_whole(enum term_kind kind)
{
    return kind <= TERM_KEY_ALIAS;
}
static inline bool term_has_parts(enum term_kind kind)
{
    return kind >= TERM_EVENT;
}

enum { ZONE_HAS_FEEDBACK = 1, ZONE_HAS_NOTE = 2, ZONE_HAS_KEY_ALIAS = 4 };

struct zone_summary {
    int64_t first_ms, last_ms; /* of the rows' ids */
    struct zone_range {
        int64_t min, max; /* min > max: no row has one */
    } ranges[ZONE_RANGES];
    uint32_t absent; /* bit n: some row has no ranges[n] */
    unsigned has;    /* ZONE_HAS_...: some row has that */
};

/* What makes the kind of a row; the columns of the table facet. Views. */
struct facet {
    int64_t gateway;
    struct str provider, model, model_type, request_type;
    int status;
    unsigned flags;
};
enum {
    FACET_FLAGS = REC_SUCCESS | REC_CACHED | REC_AUTHENTICATION | REC_WHOLESALE | REC_COMPAT | REC_ERROR_MASK
};

struct zone {
    int64_t number; /* -1: none begun */
    int64_t rows;
    struct zone_summary summary;
    struct zone_facet {
        struct facet key; /* owns its texts */
        uint32_t rows;
    } * facets;
    size_t n_facets;
    bool mixed;      /* too many kinds: none are counted */
    uint64_t *terms; /* hashes, in no order, some of them more than once */
    size_t n_terms, cap_terms;
    unsigned char trigrams[TRIGRAMS_BYTES];
    uint64_t last[TERM_KINDS]; /* most rows say what the one before said */
};

void zone_init(struct zone *z);
void zone_done(struct zone *z);
/* Begins another zone, or none (-1). */
void zone_begin(struct zone *z, int64_t number);
void zone_add(struct zone *z, const struct record *r);

/* On disk: little-endian numbers. */
void zone_summary_pack(const struct zone_summary *s, char out[ZONE_SUMMARY_BYTES]);
bool zone_summary_unpack(struct str packed, struct zone_summary *ret);

/* ---- terms ---- */
uint64_t term_hash(enum term_kind kind, struct str text);
uint64_t term_of_number(enum term_kind kind, int64_t n);
/* Calls put for each text of a metadata map (a flat JSON object); they live during the call. */
void texts_of_metadata(struct str metadata, void (*put)(void *arg, enum term_kind kind, struct str text),
                       void *arg);
/* The filter of the zone's terms; mem_free it. At least one byte. Sorts the terms. */
unsigned char *zone_bloom(struct zone *z, size_t *ret_n);
bool bloom_has(struct str bloom, uint64_t term);
void bloom_put(unsigned char *bloom, size_t n, uint64_t term);
