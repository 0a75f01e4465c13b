/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic bool faked;
static _Atomic uint64_t fake_us;
static _Atomic int64_t fake_wall;

static int64_t read_ns(clockid_t id)
{
    struct timespec t;
    must(clock_gettime(id, &t) == 0);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

uint64_t clock_us(void)
{
    return faked ? fake_us : (uint64_t)read_ns(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_wall_ms(void)
{
    return faked ? fake_wall : read_ns(CLOCK_REALTIME) / 1000000;
}

void clock_fake(uint64_t us, int64_t wall_ms)
{
    fake_us = us;
    fake_wall = wall_ms;
    faked = true;
}

void clock_real(void)
{
    faked = false;
}

void clock_rfc3339(int64_t wall_ms, char out[TIME_TEXT])
{
    time_t seconds = wall_ms / 1000;
    struct tm t;
    must(gmtime_r(&seconds, &t) != NULL);
    int n = snprintf(out, TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (t.tm_year + 1900) % 10000,
                     t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec % 61, (int)(wall_ms % 1000));
    must(n == TIME_TEXT - 1);
}
