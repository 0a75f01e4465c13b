/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the time of a row went: steps that follow each other without a gap, from the end of what the row
 * before it of the same request tells, or from the request's arrival, to the attempt's end. Kept as text,
 * microseconds each, hexadecimal, which costs a third of decimal:
 *
 *     0A29B136P16|N2f0bS8F64279E167c4        0A29B136P16C4|E5~1b207
 *     │          └ here the attempt begins                   └ a cached answer's age, ms
 *     └ when the first step began, since the arrival
 *
 * Pure.
 */
#pragma once
#include "base/str.h"

struct buf;

enum log_step {
    STEP_NONE,
#define LOG_STEP(step, letter, name, doc) step,
#include "store/log_steps.def"
#undef LOG_STEP
    LOG_STEPS
};

/* Steps of a row at most: the last one takes the time of those beyond. */
enum { LOG_ROW_STEPS = 14, LOG_STEPS_TEXT = (LOG_ROW_STEPS + 2) * 9 + 1 };

/* While they are gathered; zeroed. Times are clock_us. */
struct step_times {
    uint64_t begin;                     /* of the first; 0: nothing has begun */
    unsigned n, own;                    /* own: steps from this one on are the attempt's */
    uint32_t aged_ms;                   /* a cached answer's age and 1; 0: it is none */
    unsigned char steps[LOG_ROW_STEPS]; /* enum log_step */
    uint64_t until[LOG_ROW_STEPS];      /* never falling */
};

/* What passed since the step before ended (the first: since `begin`) was this one. */
static inline void step_times_add(struct step_times *s, enum log_step step, uint64_t until)
{
    s->n -= s->n == LOG_ROW_STEPS;
    s->steps[s->n] = (unsigned char)step;
    s->until[s->n++] = until;
}
/*
 * Their text, somewhere in `out`; empty: nothing is known. arrived: when the request did. A step that took no
 * time is left out, but for reuse.
 */
struct str step_times_write(const struct step_times *s, uint64_t arrived, char out[LOG_STEPS_TEXT]);

/* One read back; us since the request's arrival. */
struct step_time {
    const char *name;
    int64_t start_us, duration_us;
};
struct step_reader {
    struct str rest;
    int64_t at_us, attempt_us, age_ms; /* when the attempt began, a cached answer's age; -1: not read (yet) */
};
/* False: the text is empty, or none. */
bool step_reader_init(struct step_reader *r, struct str text);
/* The next one; false at the end, and at what is not as above. */
bool step_reader_next(struct step_reader *r, struct step_time *ret);

/* The table of steps as Markdown, for docs/api.md. */
void log_steps_document(struct buf *out);
