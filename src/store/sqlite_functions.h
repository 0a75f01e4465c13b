/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What analytics needs and SQL does not have:
 *
 *   sums(n)                 aggregate; stops at the largest number, null adds nothing
 *   all_times(times)        aggregate; a histogram of histograms, or of microseconds; null adds nothing
 *   time_share(blob, p)     the time that the share p did not exceed; null when there is none
 *   matches(pattern, text)  LIKE of capital and small letters: % for any text, _ for a character, \ before
 * either entries(json, values)   the keys (0) or values (1) of metadata as a JSON array of texts
 *   has_entry(json, values, text)  is the text one of them?
 */
#pragma once
#include "store/sqlite.h"

/* SQLITE_OK, or why not. */
int sqlite_analytics_functions(struct sqlite3 *db);
