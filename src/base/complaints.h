/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with something that came from outside: one message for each place, all of them told at once.
 * Pure. */
#pragma once
#include "base/arena.h"

struct complaint {
    struct complaint *next;
    struct str key; /* "key", or "key.1" for an element; empty: the whole of it */
    struct str message;
};

struct complaints {
    struct arena *arena;
    const char *place; /* "body" or "query" */
    struct complaint *first, **last;
};

void complaints_init(struct complaints *list, struct arena *a, const char *place);
/* Notes one; the key is not copied. */
void complain(struct complaints *list, struct str key, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Keys of what is inside: "at.name", and "at.3"; at may be empty. In the arena. */
struct str complaint_in(struct complaints *list, struct str at, struct str name);
struct str complaint_nth(struct complaints *list, struct str at, size_t i);
/* Stands for a dot that is part of a name, and does not lead inside: complaint_in puts it there. */
#define COMPLAINT_DOT '\x1f'
/* A key, or a part of one, as people write it. */
struct str complaint_shown(struct arena *a, struct str key);
