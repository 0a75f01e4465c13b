/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of failures, and where a row's flags have theirs. */
#pragma once
#include "base/str.h"

enum error_kind {
    ERROR_NONE, /* it succeeded, or the row is older than this */
#define ERROR_KIND(id, name, doc) id,
#include "store/error_kinds.def"
#undef ERROR_KIND
    ERROR_KINDS
};
/* Bits of record.flags */
enum { REC_ERROR_SHIFT = 24, REC_ERROR_MASK = 31 << REC_ERROR_SHIFT };
_Static_assert(ERROR_KINDS <= 32, "REC_ERROR_MASK");

/* p == NULL: of ERROR_NONE, or of a number from the future. */
struct str error_kind_name(unsigned kind);

/* The table, in Markdown. */
struct buf;
void error_kinds_document(struct buf *out);

static inline unsigned error_kind_of_flags(unsigned flags)
{
    return (flags & REC_ERROR_MASK) >> REC_ERROR_SHIFT;
}
