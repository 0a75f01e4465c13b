/* SPDX-License-Identifier: Apache-2.0 */
/* A directory that a test has for itself: tmpdir_make, tmpdir_remove. */
#pragma once
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/test.h"

struct tmpdir {
    char path[256];
};

static inline struct tmpdir tmpdir_make(void)
{
    struct tmpdir d;
    const char *base = getenv("TMPDIR");
    snprintf(d.path, sizeof(d.path), "%s/weir-test-XXXXXX", base && *base ? base : P_tmpdir);
    assert_non_null(mkdtemp(d.path));
    return d;
}

static inline int tmpdir_remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static inline void tmpdir_remove(const struct tmpdir *d)
{
    nftw(d->path, tmpdir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
