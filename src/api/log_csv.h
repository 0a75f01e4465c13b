/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log rows as comma-separated values (RFC 4180), one line each. Texts that a spreadsheet would run as a
 * formula begin with an apostrophe; JSON has them as they are. Pure; any thread.
 */
#pragma once
#include "base/buf.h"
#include "store/store.h"

void log_csv_heading(struct buf *out);
void log_csv_row(struct buf *out, const struct log_row *row);
