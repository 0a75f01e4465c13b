/* SPDX-License-Identifier: Apache-2.0 */
/* Which account a command on a data directory is for. */
#pragma once
#include "store/catalog.h"

enum { ACCOUNT_CHOICE = 64 };

/* The one that is named, or, with NULL or "", the only one of c, which has one at least. 0 and its id, or
 * what failure("what is wrong", "why") returned. */
int account_choice(const struct catalog *c, const char *named,
                   int (*failure)(const char *what, const char *why), char ret[ACCOUNT_CHOICE]);
