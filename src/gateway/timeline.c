/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/timeline.h"
#include "http/server.h"

/* A step of a Universal request may ask for a row by itself. */
static bool may_leave_rows(const struct txn *t)
{
    return t->universal || policy_logs(t->gateway, &t->options);
}

/* The next row's line begins where the last one's ends. */
static void add(struct txn *t, uint64_t until)
{
    struct step_times *s = &t->times;
    if (!s->begin)
        s->begin = t->n_attempts ? attempt_last(t)->ended_us : exchange_started(t->x);
    step_times_add(s, t->turn, until);
}

void timeline_turn(struct txn *t, enum log_step step)
{
    if (!may_leave_rows(t))
        return;
    add(t, clock_us());
    t->turn = step;
}

void timeline_rename(struct txn *t, enum log_step step)
{
    t->turn = step;
}

void timeline_attempt(struct txn *t, struct attempt *a)
{
    if (a->target->policy.logged) {
        add(t, a->started_us);
        a->times = t->times;
        a->times.own = a->times.n;
    }
    t->times.begin = 0;
    t->times.n = 0;
    t->turn = STEP_PLAN;
}

void timeline_credential(struct attempt *a)
{
    if (a->times.begin)
        step_times_add(&a->times, STEP_CREDENTIAL, clock_us());
}

void timeline_cache_age(struct attempt *a, int64_t ms)
{
    a->times.aged_ms = ms < 0 ? 1 : ms < UINT32_MAX ? (uint32_t)ms + 1 : UINT32_MAX;
}

/* What never happened lasted to the end; nothing is left for the steps behind it. */
static uint64_t within(const struct attempt *a, uint64_t us)
{
    uint64_t before = a->times.until[a->times.n - 1];
    us = us && us < a->ended_us ? us : a->ended_us;
    return us > before ? us : before;
}

static void add_own(struct attempt *a, enum log_step step, uint64_t until)
{
    step_times_add(&a->times, step, within(a, until));
}

static void add_call(struct attempt *a)
{
    const struct call_times *c = &a->call;
    if (!a->called) {
        add_own(a, STEP_CREDENTIAL, 0);
        return;
    }
    add_own(a, c->reused ? STEP_REUSE : STEP_CONNECT, c->connected);
    add_own(a, STEP_SEND, c->sent ? c->sent : a->first_byte_us); /* or answered before it had all */
    add_own(a, STEP_WAIT, a->first_byte_us);
    add_own(a, STEP_ANSWER, 0);
}

struct str timeline_end(const struct txn *t, struct attempt *a, char out[LOG_STEPS_TEXT])
{
    if (!a->times.begin)
        return STR("");
    if (a->by == BY_PROVIDER)
        add_call(a);
    else if (a->by == BY_CACHE)
        add_own(a, STEP_ANSWER, 0);
    return step_times_write(&a->times, exchange_started(t->x), out);
}
