/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes: cmocka in the order it wants, and comparisons of views. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

#define assert_str(got, want)                                                                                \
    do {                                                                                                     \
        struct str got_ = (got), want_ = (want);                                                             \
        if (!str_eq(got_, want_))                                                                            \
            fail_msg("%s: got \"%.*s\", want \"%.*s\"", #got, STR_FMT(got_), STR_FMT(want_));                \
    } while (0)
