/* SPDX-License-Identifier: Apache-2.0 */
/* What is in memory, and may be a key, stays there. */
#pragma once

/* From here on no crash writes the process's memory to a core file, and no other process of the same user
 * reads it (ptrace, /proc/PID/mem). Linux: PR_SET_DUMPABLE, RLIMIT_CORE. */
void dumps_forbid(void);
