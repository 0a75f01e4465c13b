/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client asks of the gateway in headers (data plane sections 0, 6 and 25). A malformed
 * header never fails a request: it is ignored.
 */
#pragma once
#include "http/http.h"

enum toggle { UNSET, OFF, ON };

struct options {
    struct str authorization;    /* cf-aig-authorization, as received; p == NULL when absent */
    struct str event_id;         /* cf-aig-event-id; empty: none */
    struct str trace_id;         /* cf-aig-otel-trace-id, 32 hex; empty: none */
    enum toggle collect_log;     /* cf-aig-collect-log */
    enum toggle collect_payload; /* cf-aig-collect-log-payload */
    struct str metadata;         /* cf-aig-metadata, normalised JSON object; p == NULL: none */
};

/* Reads every cf-aig header of h; of several of one name the last counts. */
void options_read(struct arena *a, const struct headers *h, struct options *ret);

/*
 * cf-aig-metadata (section 25): the first five entries in document order, keys starting "cf."
 * taken out, nothing at all if any value is not a string, number or boolean. p == NULL: none.
 */
struct str options_metadata(struct arena *a, struct str json);
