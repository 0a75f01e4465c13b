/* SPDX-License-Identifier: Apache-2.0 */
#include "store/error_kind.h"
#include "base/buf.h"

static const struct str names[ERROR_KINDS] = {
#define ERROR_KIND(id, name, doc) [id] = S(name),
#include "store/error_kinds.def"
#undef ERROR_KIND
};

struct str error_kind_name(unsigned kind)
{
    return kind < ERROR_KINDS ? names[kind] : (struct str){NULL, 0};
}

void error_kinds_document(struct buf *out)
{
#define ERROR_KIND(id, name, doc) (void)buf_append_c(out, "| `" name "` | " doc " |\n");
#include "store/error_kinds.def"
#undef ERROR_KIND
}
