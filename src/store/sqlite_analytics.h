/* SPDX-License-Identifier: Apache-2.0 */
/* Analytics on a connection to logs.db. */
#pragma once
#include "store/analytics.h"
#include "store/sqlite.h"

struct analytics {
    struct sqlite3 *db;
    const struct catalog *catalog;    /* names gateways */
    uint64_t deadline_us;             /* clock_us; then what runs is interrupted */
    int64_t managed_gateway, managed; /* what log_management was last asked, and said; -1: nothing is set */
};

/* Makes a connection ready for questions; False: see sqlite3_errmsg. `a` stays where it is while db is open.
 */
bool sqlite_analytics_init(struct analytics *a, struct sqlite3 *db);
