/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
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

/* ---- reading ---- */

/* Takes n digits off the text; -1 when it does not begin with them. */
static int take_digits(struct str *text, size_t n)
{
    int v = 0;
    if (text->n < n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        char c = text->p[i];
        if (c < '0' || c > '9')
            return -1;
        v = v * 10 + (c - '0');
    }
    *text = str_from(*text, n);
    return v;
}

static bool take_mark(struct str *text, const char *marks)
{
    if (!text->n || !strchr(marks, text->p[0]) || !text->p[0])
        return false;
    *text = str_from(*text, 1);
    return true;
}

/* "-05:30" or "Z" as seconds east of Greenwich. */
static bool take_offset(struct str *text, int *ret)
{
    *ret = 0;
    if (take_mark(text, "Zz"))
        return true;
    int sign = str_starts(*text, STR("-")) ? -1 : 1;
    if (!take_mark(text, "+-"))
        return false;
    int hours = take_digits(text, 2);
    if (hours < 0 || hours > 23 || !take_mark(text, ":"))
        return false;
    int minutes = take_digits(text, 2);
    *ret = sign * (hours * 3600 + minutes * 60);
    return minutes >= 0 && minutes < 60;
}

static bool take_fraction(struct str *text, int *ret_ms)
{
    *ret_ms = 0;
    if (!take_mark(text, "."))
        return true;
    int digits = 0;
    for (int d; digits < 9 && (d = take_digits(text, 1)) >= 0; digits++)
        *ret_ms += digits == 0 ? d * 100 : digits == 1 ? d * 10 : digits == 2 ? d : 0;
    return digits > 0;
}

static bool take_time(struct str *text, struct tm *t, int *ret_ms, int *ret_offset)
{
    t->tm_hour = take_digits(text, 2);
    bool ok = take_mark(text, ":");
    t->tm_min = take_digits(text, 2);
    ok = take_mark(text, ":") && ok;
    t->tm_sec = take_digits(text, 2);
    return ok && t->tm_hour >= 0 && t->tm_hour < 24 && t->tm_min >= 0 && t->tm_min < 60 && t->tm_sec >= 0 &&
           t->tm_sec <= 60 && take_fraction(text, ret_ms) && take_offset(text, ret_offset);
}

enum err clock_parse(struct str text, int64_t *ret_ms)
{
    struct tm t = {0};
    int ms = 0, offset = 0;
    t.tm_year = take_digits(&text, 4) - 1900;
    bool ok = take_mark(&text, "-");
    t.tm_mon = take_digits(&text, 2) - 1;
    ok = take_mark(&text, "-") && ok;
    int day = t.tm_mday = take_digits(&text, 2);
    if (!ok || t.tm_year < 70 || t.tm_mon < 0 || t.tm_mon > 11 || day < 1)
        return E_SYNTAX;
    if (text.n && (!take_mark(&text, "Tt ") || !take_time(&text, &t, &ms, &offset) || text.n))
        return E_SYNTAX;
    struct tm whole = t;
    whole.tm_sec = whole.tm_min = whole.tm_hour = 0;
    int64_t midnight = timegm(&whole); /* a day the month has not moves into the next */
    if (whole.tm_mday != day)
        return E_SYNTAX;
    int64_t seconds = t.tm_hour * 3600 + t.tm_min * 60 + t.tm_sec - offset;
    *ret_ms = (midnight + seconds) * 1000 + ms;
    return E_OK;
}
