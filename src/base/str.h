/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view of bytes: pointer and length, not owned, not terminated. Used everywhere; C strings only
 * at the borders of the system.
 */
#pragma once
#include "base/base.h"
#include "base/err.h"

struct str {
    const char *p;
    size_t n;
};

/* A literal as a str, usable as a static initialiser. */
#define S(lit)                                                                                               \
    {                                                                                                        \
        (lit), sizeof(lit) - 1                                                                               \
    }
#define STR(lit) ((struct str)S(lit))
/* Arguments for a "%.*s" conversion. */
#define STR_FMT(s) (int)(s).n, (s).p

static inline struct str str_of(const char *p, size_t n)
{
    return (struct str){p, n};
}

static inline struct str str_c(const char *cstr)
{
    return (struct str){cstr, cstr ? strlen(cstr) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Bytewise: below, at or above 0. What another one begins with comes before it. */
static inline int str_compare(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int d = n ? memcmp(a.p, b.p, n) : 0;
    return d ? d : (a.n > b.n) - (a.n < b.n);
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* The part of s from offset on; empty when offset is past the end. */
static inline struct str str_from(struct str s, size_t offset)
{
    if (s.n == 0)
        return s; /* it may be no string at all */
    return offset < s.n ? (struct str){s.p + offset, s.n - offset} : (struct str){s.p + s.n, 0};
}

static inline struct str str_head(struct str s, size_t n)
{
    return (struct str){s.p, n < s.n ? n : s.n};
}

/* ASCII case-insensitive comparisons (RFC 9110 section 5.1: field names). */
bool str_same_letters(const char *a, const char *b, size_t n);
static inline bool str_istarts(struct str s, struct str prefix)
{
    /* inline: asked of every line of every head, and the first letter nearly always tells */
    return s.n >= prefix.n && (prefix.n == 0 || (((s.p[0] ^ prefix.p[0]) & ~0x20) == 0 &&
                                                 str_same_letters(s.p, prefix.p, prefix.n)));
}
static inline bool str_ieq(struct str a, struct str b)
{
    return a.n == b.n && str_istarts(a, b);
}

/* Without leading and trailing SP, HTAB, CR, LF. */
struct str str_trim(struct str s);

/* Position of the first c, or of needle; s.n when absent. */
size_t str_find(struct str s, char c);
size_t str_search(struct str s, struct str needle);
static inline bool str_has(struct str s, struct str needle)
{
    return str_search(s, needle) < s.n || needle.n == 0;
}

/*
 * Cuts *rest at the first sep: returns what is before it and leaves what is after it. Without sep
 * returns all and leaves an empty view with p == NULL.
 */
struct str str_cut(struct str *rest, char sep);

/* Line and column, from 1, of a byte of text; UTF-8 sequences are one column. */
void str_position(struct str text, size_t at, size_t *ret_line, size_t *ret_column);

/* Decimal digits only, no sign, no space; E_SYNTAX otherwise, E_FULL past 2^63-1. */
enum err str_to_int(struct str s, int64_t *ret) MUST_CHECK;
/* true/false/1/0 in any case (data plane section 0); E_SYNTAX otherwise. */
enum err str_to_bool(struct str s, bool *ret) MUST_CHECK;

/* Levenshtein's distance: how many letters to change, add or take away; SIZE_MAX for texts too long to be
 * names.
 */
enum { STR_DISTANCE_BYTES = 128 };
size_t str_distance(struct str a, struct str b);

/* The value of a hex digit, -1 for anything else. */
int hex_digit(char c);
/* Writes 2*n lower-case hex digits, no terminator. */
void hex_encode(char *out, const void *bytes, size_t n);
