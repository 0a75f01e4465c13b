/* SPDX-License-Identifier: Apache-2.0 */
/* The small pages that are neither data plane nor API: /, /healthz, /readyz, /metrics. */
#pragma once
#include "gateway/worker.h"

enum { PAGES_ROUTES = 6 };

/* Per worker; `stats` are every worker's. */
struct pages {
    struct worker *worker;
    struct store *store;
    struct stats *const *stats;
    size_t n_stats;
};

extern const struct service pages_service;        /* all pages, arg = struct pages */
extern const struct service pages_health_service; /* /healthz and /readyz alone */
/* For server_new. */
void pages_render_fault(struct buf *out, enum err e);
