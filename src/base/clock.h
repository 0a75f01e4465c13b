/* SPDX-License-Identifier: Apache-2.0 */
/* Time. Any thread. Tests may freeze both clocks with clock_fake. */
#pragma once
#include "base/str.h"

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

/*
 * The same backwards, ms since 1970: RFC 3339 with any offset and up to nine digits of a second's fraction
 * (what is below a millisecond is dropped), or a date alone, which is its midnight in UTC. Years 1970 to
 * 9999. E_SYNTAX otherwise.
 */
enum err clock_parse(struct str text, int64_t *ret_ms) MUST_CHECK;
