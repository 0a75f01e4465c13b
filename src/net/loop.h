/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event loop: callbacks, timers, tasks, messages from other threads. libuv inside; its types
 * stay in net/.
 *
 * Every callback from the outside world ends with a *settle*: first connections flush what was
 * written during the callback (one syscall each), then posted tasks run, then closed objects are
 * freed. So nothing is freed inside a callback, and bytes given to conn_write need to live only
 * until the callback returns.
 *
 * All functions: loop's own thread, except those that say otherwise.
 */
#pragma once
#include "base/list.h"

struct loop;

struct loop *loop_new(void);
/* Everything on the loop must be closed. Accepts NULL. */
void loop_free(struct loop *l);
/* Runs until loop_stop, or until nothing is left to wait for. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* With keep, loop_run does not end by itself: for loops that wait for messages. */
void loop_keep(struct loop *l, bool keep);

/* Milliseconds, monotonic, as of the start of this round of the loop. */
uint64_t loop_ms(struct loop *l);

/* A task runs once, on the same loop, after the current callback: the way to complete an
 * operation "not before it returns". The owner embeds it; it may be posted again from run. */
struct task {
    struct node node;
    void (*run)(struct task *t);
};
void loop_post(struct loop *l, struct task *t);
/* Takes a posted task back; harmless when it is not posted. */
void loop_unpost(struct loop *l, struct task *t);

/*
 * A timer fires once, at least `ms` after timer_set. Setting it again moves it; moving it later
 * costs nothing. Owner embeds it and calls timer_stop before its memory goes.
 */
struct timer {
    uint64_t due; /* ms; 0 when not set */
    uint64_t queued;
    size_t slot; /* place in the heap + 1; 0 when not in it */
    struct loop *loop;
    void (*fire)(struct timer *t);
};
void timer_init(struct timer *t, struct loop *l, void (*fire)(struct timer *t));
void timer_set(struct timer *t, uint64_t ms);
void timer_stop(struct timer *t);
static inline bool timer_is_set(const struct timer *t)
{
    return t->due != 0;
}

/*
 * A message to a loop from any thread. `run` is called once on the loop's thread and owns m from
 * then on. Messages of one sender arrive in order.
 */
struct msg {
    struct msg *next;
    void (*run)(struct loop *l, struct msg *m);
};
void loop_send(struct loop *l, struct msg *m);

/* Calls run once for each arrival of a Unix signal; for main's loop. */
void loop_on_signal(struct loop *l, int signum, void (*run)(void *arg, int signum), void *arg);

/* Connections whose memory is not freed yet, those that still send their last bytes included. */
size_t loop_conns(const struct loop *l);
