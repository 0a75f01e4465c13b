/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that know weir.db share. */
#pragma once
#include "store/sqlite.h"

struct catalog_db {
    struct sqlite3 *db;
    int64_t version; /* PRAGMA data_version as last seen */
    struct uuid_source uuids;
};
