/* SPDX-License-Identifier: Apache-2.0 */
/* A log row as one line for people: aligned columns, colours if wanted. Pure. */
#pragma once
#include "base/buf.h"
#include "store/store.h"

void log_line_heading(struct buf *out);
void log_line_put(struct buf *out, const struct log_row *row, bool colours);
