/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/decimal.h"

/* Below 10^DECIMAL_WHOLE dollars: times 2^63 tokens times a thousand parts that is under 2^256. */
enum { DECIMAL_WHOLE = 7, PICO_PLACES = 12 };

/* d = d * factor + addend */
static void multiply(struct decimal *d, uint64_t factor, uint64_t addend)
{
    unsigned __int128 carry = addend;
    for (size_t i = 0; i < countof(d->v); i++) {
        carry += (unsigned __int128)d->v[i] * factor;
        d->v[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

/* d = d / divisor, rounded down */
static void divide(struct decimal *d, uint64_t divisor)
{
    unsigned __int128 rest = 0;
    for (size_t i = countof(d->v); i-- > 0;) {
        rest = rest << 64 | d->v[i];
        d->v[i] = (uint64_t)(rest / divisor);
        rest %= divisor;
    }
}

static bool is_digit(struct str s, size_t at)
{
    return at < s.n && s.p[at] >= '0' && s.p[at] <= '9';
}

static size_t digits_from(struct str s, size_t at)
{
    while (is_digit(s, at))
        at++;
    return at;
}

/* A number in pieces: all of its digits without the point, and the place where the point belongs. */
struct number {
    struct str whole, fraction;
    int64_t point; /* digits before the point, the exponent counted in; may be negative */
};

/* "e-7"; an exponent of more digits than the number can hold is as good as a million. */
static bool read_exponent(struct str s, int64_t *ret)
{
    const int64_t huge = 1000 * 1000;
    bool minus = s.n && s.p[0] == '-';
    int64_t n;
    if (minus || (s.n && s.p[0] == '+'))
        s = str_from(s, 1);
    enum err e = str_to_int(s, &n);
    if (e == E_SYNTAX || digits_from(s, 0) != s.n)
        return false;
    n = e == E_OK && n < huge ? n : huge;
    *ret = minus ? -n : n;
    return true;
}

static bool split(struct str s, struct number *ret)
{
    int64_t exponent = 0;
    size_t end = digits_from(s, 0);
    struct number n = {.whole = str_head(s, end), .fraction = STR("")};
    if (end == 0 || (end > 1 && s.p[0] == '0'))
        return false;
    if (end < s.n && s.p[end] == '.') {
        size_t start = end + 1;
        end = digits_from(s, start);
        n.fraction = str_from(str_head(s, end), start);
        if (n.fraction.n == 0)
            return false;
    }
    if (end < s.n && (s.p[end] | 0x20) == 'e') {
        if (!read_exponent(str_from(s, end + 1), &exponent))
            return false;
        end = s.n;
    }
    n.point = (int64_t)n.whole.n + exponent;
    *ret = n;
    return end == s.n;
}

/* The i-th digit of all, '0' past the end. */
static unsigned digit_at(const struct number *n, size_t i)
{
    char c = '0';
    if (i < n->whole.n)
        c = n->whole.p[i];
    else if (i - n->whole.n < n->fraction.n)
        c = n->fraction.p[i - n->whole.n];
    return (unsigned)(c - '0');
}

bool decimal_read(struct str text, struct decimal *ret)
{
    struct number n;
    struct decimal d = {0};
    bool minus = text.n && text.p[0] == '-';
    if (!split(minus ? str_from(text, 1) : text, &n))
        return false;
    size_t first = 0, all = n.whole.n + n.fraction.n;
    while (first < all && digit_at(&n, first) == 0)
        first++;
    if (minus && first < all)
        return false;
    int64_t leading = n.point - (int64_t)first; /* digits before the point that count */
    if (first < all && leading > DECIMAL_WHOLE) {
        n = (struct number){.whole = STR("10000000"), .fraction = STR(""), .point = DECIMAL_WHOLE + 1};
        first = 0;
        leading = DECIMAL_WHOLE + 1;
    }
    for (int64_t i = 0; i < leading + DECIMAL_PLACES; i++)
        multiply(&d, 10, digit_at(&n, first + (size_t)i));
    *ret = d;
    return true;
}

void decimal_add(struct decimal *sum, const struct decimal *d, int64_t times)
{
    struct decimal product = *d;
    unsigned __int128 carry = 0;
    if (times <= 0)
        return;
    multiply(&product, (uint64_t)times, 0);
    for (size_t i = 0; i < countof(sum->v); i++) {
        carry += (unsigned __int128)sum->v[i] + product.v[i];
        sum->v[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

int64_t decimal_pico(const struct decimal *d, int64_t max)
{
    _Static_assert(DECIMAL_PLACES - PICO_PLACES == 18 + 17 + 1, "as it is divided here");
    struct decimal sum = *d;
    divide(&sum, UINT64_C(1000000000000000000)); /* 10^18 */
    divide(&sum, UINT64_C(100000000000000000));  /* 10^17 */
    multiply(&sum, 1, 5);                        /* tenths of a pico-dollar, and half of one */
    divide(&sum, 10);
    bool above = sum.v[3] || sum.v[2] || sum.v[1] || sum.v[0] > (uint64_t)max;
    return above ? max : (int64_t)sum.v[0];
}
