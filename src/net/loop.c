/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: libuv underneath, with three things of our own.
 *
 *  - Timers in a binary heap. Moving a timer later only changes `due`; the heap entry is corrected
 *    when it comes up. A connection's idle timer is moved on every request, so this matters.
 *  - Settling: see loop.h.
 *  - A lock-free inbox for other threads, emptied at once and put back into order.
 */
#include "net/loop_uv.h"
#include "base/limits.h"
#include "net/dns.h"

#include <stdatomic.h>

struct signal_watch {
    uv_signal_t handle;
    void (*run)(void *arg, int signum);
    void *arg;
    struct signal_watch *next;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t clock;
    uint64_t armed; /* when clock fires, ms; 0: it does not */
    _Atomic(struct msg *) inbox;
    struct list tasks;
    struct conn *dirty;
    size_t conns;
    struct timer **heap;
    size_t n_heap, cap_heap;
    struct signal_watch *signals;
    struct dns *dns;
    bool settling;
    char read_space[NET_READ_BYTES];
    char plain_space[NET_READ_BYTES];
    char join_space[NET_RECORD_BYTES];
};

uv_loop_t *loop_uv(struct loop *l)
{
    return &l->uv;
}

static struct loop *loop_of(uv_loop_t *uv)
{
    return container_of(uv, struct loop, uv);
}

char *loop_read_space(struct loop *l)
{
    return l->read_space;
}

char *loop_plain_space(struct loop *l)
{
    return l->plain_space;
}

char *loop_join_space(struct loop *l)
{
    return l->join_space;
}

struct dns *loop_dns(struct loop *l)
{
    if (!l->dns)
        l->dns = dns_new(l);
    return l->dns;
}

void loop_count_conn(struct loop *l, int change)
{
    l->conns += (size_t)change;
}

size_t loop_conns(const struct loop *l)
{
    return l->conns;
}

uint64_t loop_ms(struct loop *l)
{
    return uv_now(&l->uv);
}

/* ---- settling ---- */

void loop_flush(struct loop *l)
{
    while (l->dirty) {
        struct conn *c = l->dirty;
        l->dirty = NULL;
        while (c)
            c = conn_flush(c);
    }
}

void loop_add_dirty(struct loop *l, struct conn *c)
{
    conn_set_next_dirty(c, l->dirty);
    l->dirty = c;
}

void loop_settle(struct loop *l)
{
    must(!l->settling);
    l->settling = true;
    loop_flush(l);
    for (struct node *n; (n = list_pop(&l->tasks)) != NULL;) {
        struct task *t = container_of(n, struct task, node);
        t->run(t);
        loop_flush(l);
    }
    l->settling = false;
}

void loop_post(struct loop *l, struct task *t)
{
    /* every callback ends by settling, and loop_run starts with it: no wake-up is needed */
    if (!node_linked(&t->node))
        list_push(&l->tasks, &t->node);
}

void loop_unpost(struct loop *l, struct task *t)
{
    if (node_linked(&t->node))
        list_remove(&l->tasks, &t->node);
}

/* ---- messages ---- */

void loop_send(struct loop *l, struct msg *m)
{
    struct msg *head = atomic_load_explicit(&l->inbox, memory_order_relaxed);
    do
        m->next = head;
    while (!atomic_compare_exchange_weak_explicit(&l->inbox, &head, m, memory_order_release,
                                                  memory_order_relaxed));
    uv_async_send(&l->wake);
}

static struct msg *reversed(struct msg *m)
{
    struct msg *out = NULL;
    while (m) {
        struct msg *next = m->next;
        m->next = out;
        out = m;
        m = next;
    }
    return out;
}

static void on_wake(uv_async_t *wake)
{
    struct loop *l = loop_of(wake->loop);
    struct msg *m = reversed(atomic_exchange_explicit(&l->inbox, NULL, memory_order_acquire));
    while (m) {
        struct msg *next = m->next;
        m->run(l, m);
        m = next;
    }
    loop_settle(l);
}

/* ---- timers ---- */

static void heap_put(struct loop *l, size_t i, struct timer *t)
{
    l->heap[i] = t;
    t->slot = i + 1;
}

static void sift_up(struct loop *l, size_t i, struct timer *t)
{
    while (i > 0 && l->heap[(i - 1) / 2]->queued > t->queued) {
        heap_put(l, i, l->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    heap_put(l, i, t);
}

static void sift_down(struct loop *l, size_t i, struct timer *t)
{
    for (size_t child; (child = 2 * i + 1) < l->n_heap; i = child) {
        if (child + 1 < l->n_heap && l->heap[child + 1]->queued < l->heap[child]->queued)
            child++;
        if (l->heap[child]->queued >= t->queued)
            break;
        heap_put(l, i, l->heap[child]);
    }
    heap_put(l, i, t);
}

static void heap_remove(struct loop *l, struct timer *t)
{
    size_t i = t->slot - 1;
    struct timer *last = l->heap[--l->n_heap];
    t->slot = 0;
    if (last == t)
        return;
    if (i > 0 && l->heap[(i - 1) / 2]->queued > last->queued)
        sift_up(l, i, last);
    else
        sift_down(l, i, last);
}

static void heap_add(struct loop *l, struct timer *t)
{
    if (l->n_heap == l->cap_heap) {
        l->cap_heap = l->cap_heap ? l->cap_heap * 2 : 64;
        l->heap = mem_realloc(l->heap, l->cap_heap * sizeof(struct timer *));
    }
    sift_up(l, l->n_heap++, t);
}

static void on_clock(uv_timer_t *clock);

static void arm_clock(struct loop *l)
{
    if (l->n_heap == 0) {
        if (l->armed)
            uv_timer_stop(&l->clock);
        l->armed = 0;
        return;
    }
    uint64_t first = l->heap[0]->queued, now = uv_now(&l->uv);
    if (l->armed && l->armed <= first)
        return; /* it comes early enough, and corrects itself then */
    l->armed = first;
    must(uv_timer_start(&l->clock, on_clock, first > now ? first - now : 0, 0) == 0);
}

/* Takes the first timer that is due now; entries whose timer was moved later go back. */
static struct timer *take_due(struct loop *l, uint64_t now)
{
    while (l->n_heap && l->heap[0]->queued <= now) {
        struct timer *t = l->heap[0];
        if (t->due <= now) {
            heap_remove(l, t);
            return t;
        }
        t->queued = t->due;
        sift_down(l, 0, t);
    }
    return NULL;
}

static void on_clock(uv_timer_t *clock)
{
    struct loop *l = loop_of(clock->loop);
    struct timer *t;
    l->armed = 0;
    for (int i = 0; i < NET_TIMER_BATCH && (t = take_due(l, uv_now(&l->uv))) != NULL; i++) {
        t->due = 0;
        t->fire(t);
        loop_settle(l);
    }
    arm_clock(l);
}

void timer_init(struct timer *t, struct loop *l, void (*fire)(struct timer *t))
{
    *t = (struct timer){.loop = l, .fire = fire};
}

void timer_set(struct timer *t, uint64_t ms)
{
    struct loop *l = t->loop;
    t->due = uv_now(&l->uv) + (ms ? ms : 1);
    if (t->slot && t->due >= t->queued)
        return;
    bool queued = t->slot != 0;
    t->queued = t->due;
    if (queued)
        sift_up(l, t->slot - 1, t);
    else
        heap_add(l, t);
    if (l->heap[0] == t)
        arm_clock(l);
}

void timer_stop(struct timer *t)
{
    t->due = 0;
    if (!t->slot)
        return;
    heap_remove(t->loop, t);
    if (t->loop->n_heap == 0)
        arm_clock(t->loop);
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *handle, int signum)
{
    struct signal_watch *w = container_of(handle, struct signal_watch, handle);
    w->run(w->arg, signum);
    loop_settle(loop_of(handle->loop));
}

void loop_on_signal(struct loop *l, int signum, void (*run)(void *arg, int signum), void *arg)
{
    struct signal_watch *w = mem_zalloc(sizeof(*w));
    w->run = run;
    w->arg = arg;
    w->next = l->signals;
    l->signals = w;
    must(uv_signal_init(&l->uv, &w->handle) == 0);
    must(uv_signal_start(&w->handle, on_signal, signum) == 0);
    uv_unref((uv_handle_t *)&w->handle);
}

/* ---- life ---- */

struct loop *loop_new(void)
{
    struct loop *l = mem_zalloc(sizeof(*l));
    must(uv_loop_init(&l->uv) == 0);
    must(uv_async_init(&l->uv, &l->wake, on_wake) == 0);
    must(uv_timer_init(&l->uv, &l->clock) == 0);
    uv_unref((uv_handle_t *)&l->wake);
    list_init(&l->tasks);
    return l;
}

void loop_keep(struct loop *l, bool keep)
{
    if (keep)
        uv_ref((uv_handle_t *)&l->wake);
    else
        uv_unref((uv_handle_t *)&l->wake);
}

void loop_run(struct loop *l)
{
    do {
        loop_settle(l);
        uv_run(&l->uv, UV_RUN_DEFAULT);
        /* with the wake-up unreferenced, tasks posted by the last callback still count */
    } while (l->tasks.count);
}

void loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

static void drop_inbox(struct loop *l)
{
    /* what arrives after the last round is run, so that its sender's memory is freed */
    struct msg *m = reversed(atomic_exchange(&l->inbox, NULL));
    while (m) {
        struct msg *next = m->next;
        m->run(l, m);
        m = next;
    }
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    drop_inbox(l);
    loop_settle(l);
    dns_free(l->dns);
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->clock, NULL);
    for (struct signal_watch *w = l->signals; w; w = w->next)
        uv_close((uv_handle_t *)&w->handle, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    must(uv_loop_close(&l->uv) == 0);
    while (l->signals) {
        struct signal_watch *w = l->signals;
        l->signals = w->next;
        mem_free(w);
    }
    mem_free(l->heap);
    mem_free(l);
}
