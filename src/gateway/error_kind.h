/* SPDX-License-Identifier: Apache-2.0 */
/* Why an attempt failed, in one word of store/error_kinds.def. Pure. */
#pragma once
#include "store/error_kind.h"

struct failure {
    int status;    /* of the provider's answer, or the cache's; 0: none came */
    enum err err;  /* why there is none, or no end of it; E_OK: the answer came to its end */
    bool reported; /* the answer itself reports an error */
};
/* Of an attempt that failed. A status of 400 and more says most, whatever happened after it. */
enum error_kind error_kind_of(const struct failure *f);
