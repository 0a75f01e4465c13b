/* SPDX-License-Identifier: Apache-2.0 */
/* How the calling thread shares a processor with the others. Linux; elsewhere and on failure: as before. */
#pragma once
#include "base/base.h"

enum {
    /* five steps of niceness behind the others a thread still gets a fourth of a processor that they fill */
    THREAD_BEHIND = 5,
    /* the shorter its slice, the sooner a thread runs when it wakes up (EEVDF: the earlier deadline) */
    THREAD_SLICE_SHORT_NS = 100 * 1000,
    THREAD_SLICE_LONG_NS = 10 * 1000 * 1000,
};

/* Adds `behind` to the thread's niceness. Kernels before 6.12 have one slice for all and take that alone. */
void thread_schedule(int behind, uint64_t slice_ns);
