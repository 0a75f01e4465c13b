/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripted end of a connection, for tests of the server and the client: writes raw bytes,
 * collects what comes back, and runs the loop until something has happened (never for a time,
 * except where nothing must happen).
 */
#pragma once
#include "base/buf.h"
#include "base/limits.h"
#include "net/conn.h"
#include "tests/unit/test.h"

struct stage {
    struct loop *l;
    bool (*done)(struct stage *s);
    const char *text;
    struct str want;
    struct end *end;
    struct buf said; /* what the callbacks under test did */
    struct timer guard;
    bool late;
};

struct end {
    struct stage *stage;
    struct conn *c;
    struct buf got;
    bool ended;
    enum err why;
};

static inline void poke(struct stage *s)
{
    if (s->done && s->done(s))
        loop_stop(s->l);
}

static inline void end_read(void *owner, struct conn *c, struct str bytes)
{
    struct end *e = owner;
    (void)c;
    assert_int_equal(buf_append(&e->got, bytes), E_OK);
    poke(e->stage);
}

static inline void end_drain(void *owner, struct conn *c)
{
    (void)owner;
    (void)c;
}

static inline void end_over(void *owner, struct conn *c, enum err why)
{
    struct end *e = owner;
    e->ended = true;
    e->why = why;
    e->c = NULL;
    conn_close(c);
    poke(e->stage);
}

static const struct conn_events end_events = {end_read, end_drain, end_over};

static inline void end_open(struct stage *s, struct end *e, struct conn *c)
{
    *e = (struct end){.stage = s, .c = c};
    buf_init(&e->got, 64 * MIB);
    conn_set_owner(c, &end_events, e);
}

static inline void end_close(struct end *e)
{
    if (e->c)
        conn_close(e->c);
    e->c = NULL;
    buf_done(&e->got);
}

static inline void stage_late(struct timer *t)
{
    struct stage *s = container_of(t, struct stage, guard);
    s->late = true;
    loop_stop(s->l);
}

static inline void stage_open(struct stage *s)
{
    *s = (struct stage){.l = loop_new()};
    buf_init(&s->said, 64 * MIB);
    timer_init(&s->guard, s->l, stage_late);
}

static inline void stage_close(struct stage *s)
{
    timer_stop(&s->guard);
    loop_run(s->l);
    loop_free(s->l);
    buf_done(&s->said);
}

/* Runs until done says so; false if it never does. */
static inline bool run_until(struct stage *s, bool (*done)(struct stage *s), uint64_t ms)
{
    s->late = false;
    if (done && done(s))
        return true;
    s->done = done;
    timer_set(&s->guard, ms);
    loop_run(s->l);
    timer_stop(&s->guard);
    s->done = NULL;
    return !s->late;
}

/* Everything that is on its way arrives. */
static inline void run_on(struct stage *s)
{
    for (int i = 0; i < 3; i++)
        (void)run_until(s, NULL, 1);
}

static inline bool end_got(struct stage *s)
{
    return str_has(buf_str(&s->end->got), s->want);
}

static inline bool end_ended(struct stage *s)
{
    return s->end->ended;
}

static inline bool was_said(struct stage *s)
{
    return str_has(buf_str(&s->said), s->want);
}

#define await_text(stage_, end_, text_)                                                                      \
    do {                                                                                                     \
        (stage_)->end = (end_);                                                                              \
        (stage_)->want = str_c(text_);                                                                       \
        if (!run_until((stage_), end_got, 5000))                                                             \
            fail_msg("never came: \"%s\"; got \"%.*s\"", (text_), STR_FMT(buf_str(&(end_)->got)));           \
    } while (0)

#define await_end(stage_, end_)                                                                              \
    do {                                                                                                     \
        (stage_)->end = (end_);                                                                              \
        if (!run_until((stage_), end_ended, 5000))                                                           \
            fail_msg("never ended; got \"%.*s\"", STR_FMT(buf_str(&(end_)->got)));                           \
    } while (0)

#define await_said(stage_, text_)                                                                            \
    do {                                                                                                     \
        (stage_)->want = str_c(text_);                                                                       \
        if (!run_until((stage_), was_said, 5000))                                                            \
            fail_msg("never said: \"%s\"; but \"%.*s\"", (text_), STR_FMT(buf_str(&(stage_)->said)));        \
    } while (0)

static inline void end_send(struct end *e, const char *bytes)
{
    assert_non_null(e->c);
    (void)conn_write(e->c, str_c(bytes));
}
