/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static _Atomic int least_level = LOG_INFO;

void log_set_level(enum log_level least)
{
    least_level = (int)least;
}

void log_write(enum log_level level, const char *fmt, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    if ((int)level < least_level)
        return;
    char time[TIME_TEXT], line[1024];
    clock_rfc3339(clock_wall_ms(), time);
    int n = snprintf(line, sizeof(line), "%s %-5s ", time, names[level]);
    must(n > 0);
    va_list args;
    va_start(args, fmt);
    int m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, args);
    va_end(args);
    must(m >= 0);
    size_t end = (size_t)n + (size_t)m;
    if (end > sizeof(line) - 2)
        end = sizeof(line) - 2;
    for (size_t i = (size_t)n; i < end; i++)
        if ((unsigned char)line[i] < ' ')
            line[i] = ' '; /* one record, one line, whatever a peer sent */
    line[end] = '\n';
    /* one write: lines of several threads do not mix; nothing to do about a closed stderr */
    ssize_t ignored = write(STDERR_FILENO, line, end + 1);
    (void)ignored;
}
