/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

static char lower(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char)(c | 0x20) : c;
}

/* Eight at once: bytes may differ in the case bit alone, and there only if they are letters. */
static bool same_eight(const char *a, const char *b)
{
    static const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    uint64_t small = (x & 0x7f * ones) | 0x20 * ones;
    uint64_t from_a = small + (0x80 - 'a') * ones, beyond_z = small + (0x80 - 'z' - 1) * ones;
    uint64_t letters = from_a & ~beyond_z & ~x & 0x80 * ones; /* the highest bit of each that is one */
    return ((x ^ y) & ~(letters >> 2)) == 0;
}

static bool same_few(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

bool str_same_letters(const char *a, const char *b, size_t n)
{
    if (n < 8)
        return same_few(a, b, n);
    for (size_t i = 0; i < n - 8; i += 8)
        if (!same_eight(a + i, b + i))
            return false;
    return same_eight(a + n - 8, b + n - 8); /* some of them for the second time */
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0]))
        s = str_from(s, 1);
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

size_t str_find(struct str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

size_t str_search(struct str s, struct str needle)
{
    const char *at = s.n && needle.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return at ? (size_t)(at - s.p) : s.n;
}

struct str str_cut(struct str *rest, char sep)
{
    size_t at = str_find(*rest, sep);
    struct str first = str_head(*rest, at);
    *rest = at < rest->n ? str_from(*rest, at + 1) : (struct str){NULL, 0};
    return first;
}

void str_position(struct str text, size_t at, size_t *ret_line, size_t *ret_column)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at && i < text.n; i++) {
        bool continuation = ((unsigned char)text.p[i] & 0xc0) == 0x80;
        column = text.p[i] == '\n' ? 1 : column + !continuation;
        line += text.p[i] == '\n';
    }
    *ret_line = line;
    *ret_column = column;
}

enum err str_to_int(struct str s, int64_t *ret)
{
    int64_t value = 0;
    if (s.n == 0)
        return E_SYNTAX;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return E_SYNTAX;
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, s.p[i] - '0', &value))
            return E_FULL;
    }
    *ret = value;
    return E_OK;
}

enum err str_to_bool(struct str s, bool *ret)
{
    if (str_ieq(s, STR("true")) || str_eq(s, STR("1")))
        *ret = true;
    else if (str_ieq(s, STR("false")) || str_eq(s, STR("0")))
        *ret = false;
    else
        return E_SYNTAX;
    return E_OK;
}

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return (c >= 'a' && c <= 'f') ? c - 'a' + 10 : -1;
}

void hex_encode(char *out, const void *bytes, size_t n)
{
    const unsigned char *in = bytes;
    for (size_t i = 0; i < n; i++) {
        *out++ = "0123456789abcdef"[in[i] >> 4];
        *out++ = "0123456789abcdef"[in[i] & 15];
    }
}

/* One row of the table at a time. */
size_t str_distance(struct str a, struct str b)
{
    size_t row[STR_DISTANCE_BYTES + 1];
    if (a.n > STR_DISTANCE_BYTES || b.n > STR_DISTANCE_BYTES)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 0; i < a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.n; j++) {
            size_t change = diagonal + (a.p[i] != b.p[j]);
            size_t gap = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = change < gap ? change : gap;
        }
    }
    return row[b.n];
}
