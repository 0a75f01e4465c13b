/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/limits.h"

#include <stdio.h>
#include <sys/resource.h>

enum err file_read(const char *path, struct buf *out)
{
    enum { STEP = 64 * KIB };
    FILE *f = fopen(path, "rb");
    if (!f)
        return E_IO;
    enum err e = E_OK;
    for (size_t n = 1; n > 0 && e == E_OK;) {
        char *at = buf_room(out, STEP);
        n = at ? fread(at, 1, STEP, f) : 0;
        if (at)
            buf_grew(out, n);
        else
            e = E_FULL;
    }
    if (ferror(f))
        e = E_IO;
    fclose(f);
    return e;
}

void file_raise_limit(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return;
    r.rlim_cur = r.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &r);
}
