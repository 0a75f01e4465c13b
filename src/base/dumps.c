/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>

void dumps_forbid(void)
{
    struct rlimit none = {0, 0};
    /* one for files, the other also where cores are piped to a program */
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
