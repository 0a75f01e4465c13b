/* SPDX-License-Identifier: Apache-2.0 */
/* The body of PATCH .../logs/{L} (control plane section 5.4). Pure. */
#pragma once
#include "api/ask.h"
#include "base/buf.h"
#include "store/store.h"

/* False: it is wrong, and noted. The texts lie in the complaints' arena. */
bool log_patch_read(struct str body, struct log_patch *ret, struct complaints *wrong);
/* The table of members as Markdown. */
void log_patch_document(struct buf *out);
