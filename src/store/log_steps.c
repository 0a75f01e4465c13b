/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_steps.h"
#include "base/buf.h"

static const struct {
    char letter;
    const char *name, *doc;
} steps[LOG_STEPS] = {
#define LOG_STEP(step, letter, name, doc) [step] = {letter, name, doc},
#include "store/log_steps.def"
#undef LOG_STEP
};

/* ---- writing ---- */

/* The number that ends here; where it begins. At most 32 bits, some 71 minutes: more is not told apart. */
static char *put_number(char *end, uint64_t n)
{
    n = n < UINT32_MAX ? n : UINT32_MAX;
    do
        *--end = "0123456789abcdef"[n & 15];
    while (n >>= 4);
    return end;
}

/* Backwards: numbers are written from their last digit. */
struct str step_times_write(const struct step_times *s, uint64_t arrived, char out[LOG_STEPS_TEXT])
{
    char *end = out + LOG_STEPS_TEXT, *at = end;
    if (!s->begin)
        return STR("");
    if (s->aged_ms) {
        at = put_number(at, s->aged_ms - 1);
        *--at = '~';
    }
    for (unsigned i = s->n; i-- > 0;) {
        uint64_t us = s->until[i] - (i ? s->until[i - 1] : s->begin);
        if (i + 1 == s->own)
            *--at = '|';
        if (us == 0 && s->steps[i] != STEP_REUSE)
            continue;
        at = put_number(at, us);
        *--at = steps[s->steps[i]].letter;
    }
    if (s->own == 0)
        *--at = '|';
    at = put_number(at, s->begin - arrived);
    return str_of(at, (size_t)(end - at));
}

/* ---- reading ---- */

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits at the beginning; false: there are none. */
static bool take_number(struct str *s, int64_t *ret)
{
    size_t i = 0;
    int64_t n = 0;
    for (int d; i < s->n && i < 8 && (d = digit(s->p[i])) >= 0; i++)
        n = 16 * n + d;
    *s = str_from(*s, i);
    *ret = n;
    return i > 0;
}

static bool take_mark(struct str *s, struct str mark)
{
    bool there = str_starts(*s, mark);
    *s = str_from(*s, there ? mark.n : 0);
    return there;
}

bool step_reader_init(struct step_reader *r, struct str text)
{
    *r = (struct step_reader){.rest = text, .attempt_us = -1, .age_ms = -1};
    return take_number(&r->rest, &r->at_us);
}

static const char *name_of(char letter)
{
    for (int i = STEP_NONE + 1; i < LOG_STEPS; i++)
        if (steps[i].letter == letter)
            return steps[i].name;
    return NULL;
}

bool step_reader_next(struct step_reader *r, struct step_time *ret)
{
    int64_t us;
    if (take_mark(&r->rest, STR("|")))
        r->attempt_us = r->at_us;
    if (take_mark(&r->rest, STR("~")) && take_number(&r->rest, &us))
        r->age_ms = us;
    const char *name = r->rest.n ? name_of(r->rest.p[0]) : NULL;
    if (!name)
        return false;
    r->rest = str_from(r->rest, 1);
    if (!take_number(&r->rest, &us))
        return false;
    *ret = (struct step_time){name, r->at_us, us};
    r->at_us += us;
    return true;
}

void log_steps_document(struct buf *out)
{
    (void)buf_append_c(out, "| Step | Where the time went |\n| --- | --- |\n");
    for (int i = STEP_NONE + 1; i < LOG_STEPS; i++)
        (void)buf_printf(out, "| `%s` | %s |\n", steps[i].name, steps[i].doc);
}
