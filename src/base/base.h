/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First include of every source file: the standard headers everybody needs, the attributes that
 * make the compiler check our promises, assertions that stay on in release builds, and the only
 * allocator the rest of the program uses.
 */
#pragma once

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define countof(array) (sizeof(array) / sizeof((array)[0]))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* A broken promise inside weir, never bad input: says where and aborts, in release builds too. */
#define must(cond) (LIKELY(cond) ? (void)0 : must_fail(#cond, __FILE__, __LINE__))
void must_fail(const char *what, const char *file, int line) NORETURN;

/*
 * The process allocator. Never returns NULL: running out of memory ends the process with a
 * message, because no caller could do better. mem_free accepts NULL. Any thread.
 */
void *mem_alloc(size_t n) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *mem_zalloc(size_t n) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *mem_realloc(void *p, size_t n) __attribute__((alloc_size(2), returns_nonnull));
void mem_free(void *p);
/* Calls of the three above by this thread so far: tests assert that a path makes none. */
uint64_t mem_count(void);

/* Backpressure is a return value: HOLD asks the producer to stop until it is told to go on. */
enum flow { GO, HOLD };
