/* SPDX-License-Identifier: Apache-2.0 */
/* Files and descriptors of the process. */
#pragma once
#include "base/buf.h"

/* Appends a whole file to out. E_IO: it cannot be read; E_FULL: longer than out may grow. */
enum err file_read(const char *path, struct buf *out) MUST_CHECK;
/* The same, and "-" is standard input. */
enum err file_read_named(const char *name, struct buf *out) MUST_CHECK;
/* Takes as many descriptors as the system lets the process have: a connection is one. */
void file_raise_limit(void);
