/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes two requests the same to the cache (data plane section 18.2), and which lines of an answer
 * are stored with it (18.5). Pure.
 */
#pragma once
#include "base/buf.h"
#include "providers/request.h"
#include "store/record.h"
#include "store/respcache.h"

struct cache_key_parts {
    int64_t gateway, generation; /* an entry is one gateway's; a new generation forgets the old one's */
    int64_t provider_changed;    /* the same of a custom provider, ms; 0: it is none */
    const struct provider *provider;
    struct str rest, model;
    const struct upstream_url *url;
    const struct headers *headers; /* to the provider: its credential lines count */
    struct str alias;              /* of the stored key in their place; p == NULL: none */
    struct str body;
    /* what kind of answer can be read: by the caller, or by who translates it from that dialect */
    bool stream, usage_asked, translated;
    enum dialect dialect;
    struct str own; /* cf-aig-cache-key: replaces all but the gateway and the kind of answer; empty: none */
};
struct cache_key cache_key_of(const struct cache_key_parts *p);

bool cache_is_event_stream(struct str content_type);

/* The head as it is stored: content type and the few lines that describe the body. E_FULL past out's cap. */
enum err cache_head_write(struct buf *out, const struct response_head *h) MUST_CHECK;
/* Adds what the answer cost, if that is known (not RECORD_NULL). E_FULL past out's cap. */
enum err cache_head_put_cost(struct buf *out, int64_t pico);
/* The head of a stored answer; the strs are views of `stored`. length: of the body; an event stream's is not
 * told, so that it looks as it did the first time. *ret_cost: RECORD_NULL where it has none. */
enum err cache_head_read(struct arena *a, struct str stored, int64_t length, struct response_head *ret,
                         int64_t *ret_cost) MUST_CHECK;
