/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capped bump allocator: everything that belongs to one request lives and dies together.
 *
 *   arena_init ─ arena_alloc* ─ arena_done
 *
 * Chunks grow with use; reaching the cap is the client's error (E_FULL), not ours. Not shared
 * between threads.
 */
#pragma once
#include "base/str.h"

struct arena_chunk;

struct arena {
    char *at, *end;             /* free part of the newest chunk */
    struct arena_chunk *chunks; /* newest first */
    size_t used, cap;           /* bytes taken from the allocator, and their maximum */
};

void arena_init(struct arena *a, size_t cap);
void arena_done(struct arena *a);
/* The same for memory that held secrets: zeroed before it goes back. */
void arena_wipe(struct arena *a);
/* Gives back all but one chunk, for reuse by the next request. */
void arena_reset(struct arena *a);

/* n bytes aligned for any type, or NULL past the cap. Uninitialised. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((alloc_size(2)));
void *arena_zalloc(struct arena *a, size_t n) __attribute__((alloc_size(2)));
#define arena_new(a, type) ((type *)arena_zalloc((a), sizeof(type)))

/* Copies s; the copy is NUL-terminated for borders that need it. p == NULL past the cap. */
struct str arena_dup(struct arena *a, struct str s);
/* printf into the arena; p == NULL past the cap. */
struct str arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The concatenation of n parts; p == NULL past the cap. */
struct str arena_join(struct arena *a, const struct str *parts, size_t n);
