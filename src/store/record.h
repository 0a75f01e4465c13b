/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log row on its way to disk: one attempt at a provider. Workers fill one with views, store_push
 * makes one flat copy of it and takes the bodies over, the writer thread inserts it.
 */
#pragma once
#include "base/crypto.h"
#include "base/str.h"
#include "store/error_kind.h"

enum { RECORD_NULL = -1 }; /* tokens, cost, status: not known */

struct record_body {
    char *p; /* from mem_alloc; the store frees it */
    size_t n;
};

/* Bits of record.flags; the highest are the error_kind (error_kind.h). */
enum {
    REC_SUCCESS = 1,
    REC_CACHED = 2,
    REC_CUSTOM_COST = 4,
    REC_BYOK = 8,
    REC_AUTHENTICATION = 16, /* the gateway required and got a token */
    REC_WHOLESALE = 32,
    REC_STREAM = 64,
    REC_REQUEST_MISSING = 128, /* body too long for the log, or shed under pressure */
    REC_RESPONSE_MISSING = 256,
    REC_NO_PAYLOAD = 512,     /* bodies switched off for this request */
    REC_NO_ROW = 1024,        /* collection is off: counts in roll-ups and metrics, leaves no row */
    REC_CLIENT_GONE = 2048,   /* the client left before the answer was complete */
    REC_FOLLOWED = 4096,      /* another attempt came after: that one is counted as the client's request */
    REC_RATE_LIMITED = 8192,  /* refused by the gateway's rate limit */
    REC_CACHE_MISSED = 16384, /* the cache was asked and did not know */
    REC_COMPAT = 32768,       /* came by a compat endpoint */
};

struct record {
    struct uuid id;
    int64_t created_ms;
    int64_t gateway; /* internal id of the gateway (catalog) */
    int64_t token;   /* internal id of the token used; 0: none */
    struct str provider, model, model_type, path;
    struct str event_id, request_id;
    struct str request_type; /* "native", "universal", ... */
    struct str method;
    struct str request_content_type, response_content_type;
    struct str user_agent;
    struct str metadata; /* a JSON object or p == NULL */
    struct str error;    /* fault or the provider's message; empty: none */
    struct str trace_id;
    struct str steps;     /* where the time went (log_steps.h); empty: not known */
    struct str key_alias; /* of the stored provider key; empty: none was used */
    int status;           /* HTTP status the attempt ended with; 0: none came */
    int step, attempt;    /* fallback index; try within the step */
    unsigned flags;
    int64_t request_bytes, response_bytes; /* sizes on the wire, whatever is stored */
    int64_t duration_us, latency_us;       /* whole attempt; to the first byte (RECORD_NULL: none came) */
    int64_t tokens_in, tokens_out;         /* RECORD_NULL: not known */
    int64_t cached_tokens, cache_write_tokens, cache_write_1h_tokens, reasoning_tokens;
    int64_t audio_in_tokens, audio_out_tokens;
    int64_t cost_pico;  /* RECORD_NULL: not known */
    int64_t saved_pico; /* by an answer from the cache: what it cost when it was made; RECORD_NULL: not known,
                           or none */
    struct str account; /* that pays charge_pico for the operator's key; empty: nobody does */
    int64_t charge_pico;
    struct record_body request, response; /* raw bytes; streams unmerged */
};
