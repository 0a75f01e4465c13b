/* SPDX-License-Identifier: Apache-2.0 */
/* Time. Any thread. Tests may freeze both clocks with clock_fake. */
#pragma once
#include "base/base.h"

/* Monotonic microseconds, for durations. */
uint64_t clock_us(void);
/* Milliseconds since 1970 UTC, for records. */
int64_t clock_wall_ms(void);
/* Both clocks stand at these values until clock_real is called. */
void clock_fake(uint64_t us, int64_t wall_ms);
void clock_real(void);

enum { TIME_TEXT = 25 };
/* RFC 3339 UTC with milliseconds, "2026-10-12T09:30:11.482Z", NUL-terminated. */
void clock_rfc3339(int64_t wall_ms, char out[TIME_TEXT]);
