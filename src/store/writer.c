/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer thread. A turn:
 *
 *   wait ─ changes of the catalogue, bookings ─ take the queue ─ bodies to the segment ─ rows, charges,
 *   roll-ups and counters in one transaction ─ acks ─ flush tickets ─ some upkeep (upkeep.c)
 *
 * It waits for the next hour while nothing is queued, STORE_COMMIT_MS after the first row otherwise, less
 * when a batch is full or somebody asks. A failed commit keeps its rows in `held`, in order, and is tried
 * again with whatever came since.
 */
#include "store/private.h"
#include "store/provider_key.h"
#include "store/seed.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

/* ---- from other threads ---- */

static void wake(struct writer *w)
{
    /* the writer is before its look at the queue, or in the wait: never in between */
    pthread_mutex_lock(&w->lock);
    pthread_mutex_unlock(&w->lock);
    pthread_cond_signal(&w->wake);
}

void writer_notice(struct store *s, int64_t before)
{
    if (before == 0 || before + 1 == STORE_BATCH_ROWS)
        wake(&s->writer);
}

void writer_change(struct store *s, struct job *j)
{
    struct writer *w = &s->writer;
    pthread_mutex_lock(&w->lock);
    *w->jobs_end = j;
    w->jobs_end = &j->next;
    pthread_mutex_unlock(&w->lock);
    pthread_cond_signal(&w->wake);
}

void writer_ask(struct store *s, struct row_job *j, struct loop *l)
{
    struct writer *w = &s->writer;
    j->next = NULL;
    j->loop = l;
    pthread_mutex_lock(&w->lock);
    *w->row_jobs_end = j;
    w->row_jobs_end = &j->next;
    pthread_mutex_unlock(&w->lock);
    pthread_cond_signal(&w->wake);
}

void writer_poll(struct store *s)
{
    struct writer *w = &s->writer;
    pthread_mutex_lock(&w->lock);
    w->poll = true;
    pthread_mutex_unlock(&w->lock);
    pthread_cond_signal(&w->wake);
}

void writer_flush(struct store *s)
{
    struct writer *w = &s->writer;
    pthread_mutex_lock(&w->lock);
    uint64_t ticket = ++w->flush_wanted;
    pthread_cond_signal(&w->wake);
    while (w->flush_done < ticket)
        pthread_cond_wait(&w->flushed, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

/* ---- the catalogue ---- */

static void publish(struct store *s, struct catalog *c)
{
    key_uses_attach(s->key_uses, c);
    pthread_mutex_lock(&s->catalog_lock);
    struct catalog *old = s->catalog;
    void (*tell)(void *arg, struct catalog *c) = s->on_catalog;
    void *arg = s->on_catalog_arg;
    s->catalog = c;
    pthread_mutex_unlock(&s->catalog_lock);
    if (tell)
        tell(arg, c);
    catalog_unref(old);
}

/* The ring is read before what it opens. A rotation may come in between: then both are read again. */
static struct catalog *load_catalog(struct store *s)
{
    enum { TRIES = 3 };
    for (int i = 1;; i++) {
        const char *why;
        (void)store_read_keys(s, false, &why); /* the old ring is better than none */
        struct catalog *c = catalog_db_load(s->writer.catalog, &s->keys);
        if (!c || i == TRIES || catalog_keys_readable(c))
            return c;
        catalog_unref(c);
    }
}

static bool reload_catalog(struct store *s)
{
    struct catalog *c = load_catalog(s);
    s->writer.stale = !c;
    if (c) {
        publish(s, c);
        atomic_store(&s->upkeep_due, true);
    }
    return c;
}

static bool restore_counters(struct store *s)
{
    struct arena a;
    struct counter_row *rows;
    size_t n;
    arena_init(&a, CATALOG_BYTES);
    enum err e = log_db_counters(s->writer.logs, &a, &rows, &n);
    for (size_t i = 0; e == E_OK && i < n; i++)
        counters_restore(s->counters, &rows[i]);
    arena_done(&a);
    return e == E_OK;
}

static void on_balance(void *arg, struct str account, int64_t pico)
{
    credits_post(((struct store *)arg)->credits, account, pico);
}

/* Each change also takes away some of what the audit log need not keep: more than it adds. */
/* Sealed under a master key that is not the current one any more: it is about to be forgotten. With the lock
 * of the database, so that no `weir keys rotate` is half done. */
static bool is_sealed_late(struct store *s, const struct change_set *set)
{
    bool late = false;
    const char *why;
    for (size_t i = 0; i < set->n && !late; i++) {
        const struct change *c = &set->changes[i];
        late = c->kind != KIND_TOKEN && c->secret.n && store_read_keys(s, false, &why) &&
               !seal_is_current(&s->keys, c->secret);
    }
    return late;
}

static enum err apply(struct store *s, const struct change_set *set)
{
    struct catalog_db *db = s->writer.catalog;
    int64_t keep_ms = atomic_load(&s->audit_ms);
    enum err e = catalog_db_begin(db);
    if (e != E_OK)
        return e;
    e = is_sealed_late(s, set) ? E_STALE : catalog_db_apply(db, set);
    if (e == E_OK && keep_ms)
        e = catalog_db_forget(db, clock_wall_ms() - keep_ms);
    if (e == E_OK)
        e = catalog_db_commit(db);
    if (e != E_OK)
        catalog_db_rollback(db);
    return e;
}

static bool leaves_rows(const struct change *c)
{
    return c->what == CHANGE_DELETE && (c->kind == KIND_GATEWAY || c->kind == KIND_PROVIDER_KEY);
}

/* Money is on disk when whoever booked it hears so. */
static void run_booking(struct store *s, struct job *j)
{
    struct writer *w = &s->writer;
    struct booking *b = j->booking;
    log_db_set_sync(w->logs, true);
    j->result = log_db_book(w->logs, &b->entry, &b->balance);
    log_db_set_sync(w->logs, w->syncing);
    if (j->result == E_OK)
        credits_post(s->credits, b->entry.account, b->balance);
    loop_send(j->loop, &j->msg);
}

static bool makes_evaluation(const struct change *c)
{
    return c->what == CHANGE_CREATE && c->kind == KIND_EVALUATION;
}

static void run_job(struct store *s, struct job *j)
{
    if (j->booking) {
        run_booking(s, j);
        return;
    }
    j->result = apply(s, &j->set);
    if (j->result == E_OK && !reload_catalog(s))
        j->result = E_DB;
    for (size_t i = 0; i < j->set.n && j->result == E_OK; i++) {
        if (leaves_rows(&j->set.changes[i]))
            upkeep_find_doomed(s);
        if (makes_evaluation(&j->set.changes[i]))
            evaluations_notice(s);
    }
    if (j->loop)
        loop_send(j->loop, &j->msg);
    else
        j->msg.run(NULL, &j->msg);
}

/* ---- uses of keys ---- */

static enum err save_one(struct catalog_db *db, struct key_use *k)
{
    int64_t used_ms = atomic_load(&k->used_ms);
    bool failing = atomic_load(&k->failing);
    enum err e = catalog_db_note_use(db, k->id, used_ms, failing);
    if (e == E_OK || e == E_NOT_FOUND) { /* deleted: nobody will ask again */
        k->saved_ms = used_ms;
        k->saved_failing = failing;
    }
    return e;
}

/* What a crash takes of it is a minute's. Trouble is not told: the next time will do. */
static void save_uses(struct store *s)
{
    struct catalog_db *db = s->writer.catalog;
    struct key_use *k = key_uses_unsaved(s->key_uses, NULL);
    if (!k || catalog_db_begin(db) != E_OK)
        return;
    for (; k; k = key_uses_unsaved(s->key_uses, k))
        (void)save_one(db, k);
    if (catalog_db_commit(db) != E_OK)
        catalog_db_rollback(db);
}

/* ---- rows ---- */

static void take_queue(struct store *s)
{
    struct writer *w = &s->writer;
    int64_t n;
    struct queued *e = queue_take(&s->queue, &n);
    atomic_fetch_add_explicit(&s->held, (uint64_t)n, memory_order_relaxed);
    *w->held_end = e;
    while (*w->held_end)
        w->held_end = &(*w->held_end)->next;
}

/* Bodies first, so that no committed row points at nothing. */
static enum err place_bodies(struct store *s)
{
    struct writer *w = &s->writer;
    upkeep_refuse(s, w->held);
    for (struct queued *e = w->held; e; e = e->next)
        if (!e->placed)
            e->place = segments_add(w->segments, e->r.request, e->r.response);
    enum err err = segments_commit(w->segments, w->syncing);
    if (err != E_OK)
        return err;
    for (struct queued *e = w->held; e; e = e->next) {
        if (!e->placed)
            queued_drop_bodies(&s->queue, e);
        e->placed = true;
    }
    return E_OK;
}

/* The row, and what its call is charged. */
static enum err insert_row(struct writer *w, struct queued *e)
{
    enum err err = e->r.account.n ? log_db_charge(w->logs, &e->r, &e->balance) : E_OK;
    if (err == E_OK && !(e->r.flags & REC_NO_ROW))
        err = log_db_insert(w->logs, &e->r, &e->place);
    return err;
}

static enum err insert_rows(struct writer *w)
{
    rollup_clear(&w->rollup);
    labels_clear(&w->labels);
    for (struct queued *e = w->held; e; e = e->next) {
        enum err err = insert_row(w, e);
        if (err == E_OK) {
            rollup_add(&w->rollup, &e->r);
            labels_add(&w->labels, &e->r);
        } else if (err != E_AGAIN) { /* a second row of the same id changes nothing */
            return err;
        }
    }
    for (size_t i = 0; i < w->rollup.n; i++) {
        enum err err = log_db_add_cell(w->logs, &w->rollup, &w->rollup.cells[i]);
        if (err != E_OK)
            return err;
    }
    return log_db_add_labels(w->logs, &w->labels);
}

/* The rows were pushed, hence counted, before the counters are read. */
static enum err commit_rows(struct store *s)
{
    struct writer *w = &s->writer;
    struct counter_row *counted;
    size_t n = counters_changed(s->counters, &counted);
    enum err e = log_db_begin(w->logs);
    if (e == E_OK)
        e = insert_rows(w);
    if (e == E_OK)
        e = upkeep_trim(s, &w->rollup);
    for (size_t i = 0; e == E_OK && i < n; i++)
        e = log_db_set_counter(w->logs, &counted[i]);
    if (e == E_OK)
        e = log_db_commit(w->logs);
    if (e != E_OK)
        counters_unsaved(s->counters, counted, n);
    mem_free(counted);
    return e;
}

static enum err commit_held(struct store *s, const char **ret_trouble)
{
    struct writer *w = &s->writer;
    *ret_trouble = "a segment of bodies cannot be written";
    enum err e = place_bodies(s);
    if (e != E_OK)
        return e;
    e = commit_rows(s);
    if (e != E_OK) {
        *ret_trouble = log_db_why(w->logs);
        log_db_rollback(w->logs);
    }
    return e;
}

/* Frees the held records; returns how many of them have rows. */
static uint64_t release_held(struct store *s)
{
    struct writer *w = &s->writer;
    uint64_t n = 0, rows = 0;
    for (struct queued *e = w->held, *next; e; e = next, n++) {
        next = e->next;
        rows += !(e->r.flags & REC_NO_ROW);
        if (e->r.account.n)
            credits_committed(s->credits, e->r.account, e->r.charge_pico, e->balance);
        if (e->ack)
            loop_send(e->loop, e->ack);
        queued_free(&s->queue, e);
    }
    w->held = NULL;
    w->held_end = &w->held;
    atomic_fetch_sub_explicit(&s->held, n, memory_order_relaxed);
    return rows;
}

static void write_held(struct store *s)
{
    struct writer *w = &s->writer;
    const char *trouble = NULL;
    bool sync = atomic_load_explicit(&s->sync, memory_order_relaxed);
    if (sync != w->syncing)
        log_db_set_sync(w->logs, w->syncing = sync);
    w->failing = commit_held(s, &trouble) != E_OK;
    atomic_store(&s->trouble, w->failing ? trouble : NULL);
    atomic_store_explicit(&s->segment_bytes, segments_bytes(w->segments), memory_order_relaxed);
    if (w->failing) {
        w->failures++;
        atomic_fetch_add_explicit(&s->failed_commits, 1, memory_order_relaxed);
        return;
    }
    w->failures = 0;
    atomic_fetch_add_explicit(&s->commits, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->rows, release_held(s), memory_order_relaxed);
}

/* ---- the thread ---- */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static bool asked(const struct writer *w)
{
    return w->stop || w->poll || w->jobs || w->row_jobs || w->flush_wanted != w->flush_done;
}

/* How long this turn may sleep. */
static int64_t patience_ms(struct store *s)
{
    struct writer *w = &s->writer;
    int64_t waiting = atomic_load(&s->queue.waiting);
    if (asked(w))
        return 0;
    if (w->failing)
        return STORE_RETRY_MS;
    int64_t upkeep = upkeep_patience_ms(s);
    if (waiting == 0 || upkeep == 0)
        return upkeep;
    return s->sync || waiting >= STORE_BATCH_ROWS ? 0 : STORE_COMMIT_MS;
}

/* With the lock. Each wake-up asks anew, but the time counts from the first row. */
static void wait_turn(struct store *s)
{
    struct writer *w = &s->writer;
    int64_t since = 0, ms;
    while ((ms = patience_ms(s)) != 0) {
        bool idle = !w->failing && atomic_load(&s->queue.waiting) == 0;
        int64_t start = idle || !since ? now_ns() : since, until = start + ms * 1000000;
        struct timespec t = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
        since = idle ? 0 : start;
        if (now_ns() >= until || pthread_cond_timedwait(&w->wake, &w->lock, &t) == ETIMEDOUT)
            return;
    }
}

struct turn {
    struct job *jobs;
    uint64_t ticket;
    bool poll, stop;
};

static struct turn next_turn(struct store *s)
{
    struct writer *w = &s->writer;
    pthread_mutex_lock(&w->lock);
    wait_turn(s);
    struct turn t = {w->jobs, w->flush_wanted, w->poll, w->stop};
    w->jobs = NULL;
    w->jobs_end = &w->jobs;
    if (w->row_jobs) {
        *w->upkeep.jobs_end = w->row_jobs;
        w->upkeep.jobs_end = w->row_jobs_end;
        w->row_jobs = NULL;
        w->row_jobs_end = &w->row_jobs;
    }
    w->poll = false;
    pthread_mutex_unlock(&w->lock);
    return t;
}

static void end_turn(struct writer *w, const struct turn *t)
{
    pthread_mutex_lock(&w->lock);
    bool tell = w->flush_done != t->ticket;
    w->flush_done = t->ticket;
    pthread_mutex_unlock(&w->lock);
    if (tell)
        pthread_cond_broadcast(&w->flushed);
}

/* weir token and weir credits write from processes of their own. */
static void look_around(struct store *s)
{
    struct writer *w = &s->writer;
    if (catalog_db_changed(w->catalog) || w->stale)
        reload_catalog(s);
    if (log_db_ledger_changed(w->logs) || w->unread)
        w->unread = log_db_balances(w->logs, on_balance, s) != E_OK;
}

static void *writer_main(void *arg)
{
    struct store *s = arg;
    struct writer *w = &s->writer;
    /* requests come first; the queue takes what waits meanwhile */
    thread_schedule(THREAD_BEHIND, THREAD_SLICE_LONG_NS);
    for (bool over = false; !over;) {
        struct turn t = next_turn(s);
        for (struct job *j = t.jobs, *next; j; j = next) {
            next = j->next;
            run_job(s, j);
        }
        if (t.poll)
            look_around(s);
        take_queue(s);
        if (w->held || t.stop) /* the end saves the counters of requests that left no record */
            write_held(s);
        if (t.stop || now_ns() - w->saved_ns >= (int64_t)STORE_USES_MS * 1000000) {
            save_uses(s);
            w->saved_ns = now_ns();
        }
        end_turn(w, &t);
        if (!w->failing || t.stop)
            upkeep_run(s, t.stop);
        over = t.stop && !w->upkeep.jobs && (!w->held || w->failures >= STORE_CLOSE_TRIES);
        if (t.stop && !over && w->failing)
            nanosleep(&(struct timespec){.tv_nsec = 100 * 1000000}, NULL);
    }
    return NULL;
}

static const char *seed_trouble(enum err e)
{
    return e == E_SYNTAX ? "the account id must be 32 lower-case hex digits" : "weir.db cannot be written";
}

void writer_init(struct store *s)
{
    struct writer *w = &s->writer;
    w->jobs_end = &w->jobs;
    w->row_jobs_end = &w->row_jobs;
    upkeep_init(&w->upkeep);
    w->held_end = &w->held;
    rollup_init(&w->rollup);
    labels_init(&w->labels);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_cond_init(&w->flushed, NULL);
    pthread_condattr_destroy(&monotonic);
}

bool writer_start(struct store *s, const char *dir, const struct store_options *o,
                  struct store_first *ret_first, const char **ret_why)
{
    struct writer *w = &s->writer;
    w->catalog = catalog_db_open(dir, DB_CREATE, ret_why);
    w->logs = w->catalog ? log_db_open(dir, DB_CREATE, ret_why) : NULL;
    w->segments = w->logs ? segments_open(s->dir, ret_why) : NULL;
    if (!w->segments)
        return false;
    enum err e = seed_catalog(w->catalog, o, ret_first);
    if (e == E_OK && !store_read_keys(s, true, ret_why))
        return false;
    s->catalog = e == E_OK ? catalog_db_load(w->catalog, &s->keys) : NULL;
    if (!s->catalog) {
        *ret_why = seed_trouble(e);
        return false;
    }
    key_uses_attach(s->key_uses, s->catalog);
    if (!restore_counters(s) || log_db_balances(w->logs, on_balance, s) != E_OK) {
        *ret_why = "logs.db cannot be read";
        return false;
    }
    upkeep_find_doomed(s);
    int failed = pthread_create(&w->thread, NULL, writer_main, s);
    must(failed == 0);
    return w->started = true;
}

uint64_t writer_stop(struct store *s)
{
    struct writer *w = &s->writer;
    if (w->started) {
        pthread_mutex_lock(&w->lock);
        w->stop = true;
        pthread_mutex_unlock(&w->lock);
        pthread_cond_signal(&w->wake);
        pthread_join(w->thread, NULL);
    }
    uint64_t lost = release_held(s);
    segments_close(w->segments);
    log_db_close(w->logs);
    catalog_db_close(w->catalog);
    rollup_done(&w->rollup);
    labels_done(&w->labels);
    upkeep_done(&w->upkeep);
    pthread_cond_destroy(&w->wake);
    pthread_cond_destroy(&w->flushed);
    pthread_mutex_destroy(&w->lock);
    return lost;
}
