/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's own struct (sched_setattr(2)); the C library of Debian 12 has none. */
struct schedule {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

void thread_schedule(int behind, uint64_t slice_ns)
{
    int nice =
        getpriority(PRIO_PROCESS, (id_t)gettid()) + behind; /* the operator's choice is where we start */
    if (nice > 19)
        nice = 19;
    struct schedule s = {.size = sizeof(s), .nice = nice, .runtime = slice_ns};
    if (syscall(SYS_sched_setattr, 0, &s, 0) != 0)
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), nice);
}
