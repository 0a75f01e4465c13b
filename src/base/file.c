/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/limits.h"

#include <stdio.h>
#include <sys/resource.h>

static enum err read_all(FILE *f, struct buf *out)
{
    enum { STEP = 64 * KIB };
    for (size_t n = 1; n > 0;) {
        char *at = buf_room(out, STEP);
        if (!at)
            return E_FULL;
        n = fread(at, 1, STEP, f);
        buf_grew(out, n);
    }
    return ferror(f) ? E_IO : E_OK;
}

enum err file_read(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return E_IO;
    enum err e = read_all(f, out);
    fclose(f);
    return e;
}

enum err file_read_named(const char *name, struct buf *out)
{
    return strcmp(name, "-") == 0 ? read_all(stdin, out) : file_read(name, out);
}

void file_raise_limit(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return;
    r.rlim_cur = r.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &r);
}
