/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner: walks a txn through the step tables, parks it, resumes it, ends it. Steps never call
 * each other; they return what next, or come back later through txn_resume and txn_break.
 */
#include "gateway/answer.h"
#include "gateway/cache.h"
#include "gateway/parts.h"
#include "gateway/trace.h"
#include "gateway/translate.h"

static void run_finish(struct task *task);

/* The next step inwards: the request's table first, then the table of the target being tried. */
static const struct step *next_step(struct txn *t)
{
    const struct step *s = t->in_target ? target_steps[t->at] : request_steps[t->at];
    if (!s && !t->in_target) {
        must(t->n_targets > 0);
        t->in_target = true;
        t->n_request_steps = t->n_entered;
        t->at = 0;
        s = target_steps[0];
    }
    must(s != NULL); /* the last target step answers or waits */
    t->at++;
    return s;
}

static void leave_down_to(struct txn *t, size_t depth)
{
    while (t->n_entered > depth) {
        const struct step *s = t->entered[--t->n_entered];
        if (s->leave)
            s->leave(t);
    }
}

bool txn_has_more_targets(const struct txn *t)
{
    return t->in_target && !t->final && !t->committed && t->target + 1 < t->n_targets;
}

/* The current target's steps are left as if it had been the only one. Those who waited for its answer have
 * been let go then: whoever went on for their sake alone does not try another. */
static enum next step_to_next_target(struct txn *t)
{
    must(txn_has_more_targets(t) && !t->resume);
    leave_down_to(t, t->n_request_steps);
    t->fault = E_OK;
    t->fault_detail = STR("");
    if (t->gone)
        return txn_refuse(t, E_CLIENT_GONE, STR(""));
    t->target++;
    t->at = 0;
    stat_add(&t->w->stats.fallbacks, 1);
    return NEXT;
}

static enum next enter(struct txn *t)
{
    const struct step *s = next_step(t);
    must(t->n_entered < TXN_STEPS);
    t->entered[t->n_entered++] = s;
    if (t->trace)
        trace_step(t, s->name);
    return s->enter(t);
}

static void go_on(struct txn *t, enum next verdict)
{
    for (;;) {
        while (verdict == NEXT)
            verdict = enter(t);
        if (t->finishing)
            return; /* broken by what a step called */
        must((verdict == WAIT) == (t->resume != NULL));
        if (verdict == WAIT || t->fault == E_OK || !txn_has_more_targets(t))
            break;
        verdict = step_to_next_target(t);
    }
    if (verdict == DONE && t->fault != E_OK)
        txn_break(t, t->fault, t->fault_detail);
}

static void on_deadline(struct timer *timer)
{
    struct txn *t = container_of(timer, struct txn, deadline);
    if (!t->committed)
        txn_break(t, E_TIMED_OUT, STR("The time for the whole request is over"));
}

void txn_run(struct txn *t)
{
    t->finish_task.run = run_finish;
    t->turn = STEP_AUTH;
    timer_init(&t->deadline, t->w->loop, on_deadline);
    go_on(t, NEXT);
}

void txn_next_target(struct txn *t)
{
    go_on(t, step_to_next_target(t));
}

enum next txn_wait(struct txn *t, enum next (*resume)(struct txn *t), void (*cancel)(struct txn *t))
{
    must(!t->resume && resume && cancel);
    t->resume = resume;
    t->cancel = cancel;
    return WAIT;
}

void txn_settled(struct txn *t)
{
    t->resume = NULL;
    t->cancel = NULL;
}

void txn_resume(struct txn *t)
{
    enum next (*resume)(struct txn * t) = t->resume;
    must(resume != NULL);
    txn_settled(t);
    go_on(t, resume(t));
}

enum next txn_fail(struct txn *t, enum err e, struct str detail)
{
    if (t->fault == E_OK) {
        t->fault = e;
        t->fault_detail = detail;
    }
    return DONE;
}

enum next txn_refuse(struct txn *t, enum err e, struct str detail)
{
    t->final = true;
    return txn_fail(t, e, detail);
}

static void cancel_pending(struct txn *t)
{
    void (*cancel)(struct txn * t) = t->cancel;
    txn_settled(t);
    if (cancel)
        cancel(t);
}

void txn_break(struct txn *t, enum err e, struct str detail)
{
    if (t->ended || t->finishing)
        return;
    (void)txn_fail(t, e, detail);
    cancel_pending(t);
    t->ended = true;
    if (t->gone)
        ; /* went on for others' sake: nobody hears */
    else if (t->committed)
        exchange_abort(t->x);
    else
        answer_fault(t);
    txn_finish(t);
}

void txn_abort(struct txn *t, enum err why)
{
    if (t->finishing)
        return;
    t->gone = true;
    if (cache_goes_on(t))
        return; /* others wait for this answer */
    (void)txn_fail(t, why, STR(""));
    cancel_pending(t);
    txn_finish(t);
}

enum flow txn_emit(struct txn *t, const struct event *ev)
{
    if (!t->sinks) {
        struct sink *s = NULL;
        for (size_t i = 0; i < t->n_entered; i++)
            if (t->entered[i]->tap)
                s = t->entered[i]->tap(t, s);
        must(s != NULL);
        t->sinks = s;
    }
    return t->sinks->event(t->sinks, ev);
}

void txn_drain(struct txn *t)
{
    t->held = false;
    if (t->drain)
        t->drain(t);
}

/* ---- the end ---- */

void txn_finish(struct txn *t)
{
    if (t->finishing)
        return;
    t->finishing = true;
    /* a task: the answer's last bytes go out first, rows are built after */
    loop_post(t->w->loop, &t->finish_task);
}

static void txn_free(struct txn *t)
{
    struct worker *w = t->w;
    buf_done(&t->body);
    buf_done(&t->asking_body);
    for (size_t i = 0; i < t->n_made; i++) {
        translate_done(&t->targets[i]);
        parts_done(&t->targets[i]);
        buf_done(&t->targets[i].own_body);
    }
    view_unref(t->view);
    w->live--;
    stat_add(&w->stats.in_flight, -1);
    exchange_release(t->x); /* t lives in its arena */
}

static void send_the_end(struct txn *t)
{
    if (!t->end_waits || t->gone)
        return;
    if (t->has_last)
        (void)exchange_write_copy(t->x, str_of(&t->last, 1));
    exchange_end(t->x);
}

static void run_freeing(struct task *task)
{
    txn_free(container_of(task, struct txn, finish_task));
}

static void on_committed(struct loop *l, struct msg *m)
{
    struct txn *t = container_of(m, struct txn, ack);
    send_the_end(t);
    t->finish_task.run = run_freeing; /* after the bytes have left */
    loop_post(l, &t->finish_task);
}

static void count(struct txn *t)
{
    struct stats *s = &t->w->stats;
    _Atomic int64_t *by_class[] = {&s->answers_2xx, &s->answers_3xx, &s->answers_4xx, &s->answers_5xx};
    int class = t->answer_status / 100 - 2;
    if (class >= 0 && class < (int)countof(by_class))
        stat_add(by_class[class], 1);
    if (t->gone)
        stat_add(&s->client_gone, 1);
    else if (t->fault != E_OK)
        stat_add(&s->faults, 1);
    stat_add(&s->bytes_in, t->body_bytes);
    stat_add(&s->bytes_out, t->answer_bytes);
}

static void run_finish(struct task *task)
{
    struct txn *t = container_of(task, struct txn, finish_task);
    count(t);
    t->ack.run = on_committed;
    timer_stop(&t->deadline);
    leave_down_to(t, 0);
    if (t->acks == 0) {
        send_the_end(t);
        t->finish_task.run = run_freeing;
        if (t->end_waits)
            loop_post(t->w->loop, &t->finish_task);
        else
            txn_free(t);
    }
}
