/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the writer does between two batches, one transaction of some ms at a time:
 *
 *   changes people asked for ─ rows of deleted gateways ─ rows too many or too old ─ segments without bodies
 *
 * How many rows a gateway may have is also watched where rows are written: rows beyond it are refused before
 * their bodies are placed, or the oldest go in the same transaction. The walk through the gateways is for
 * what that leaves: a number that was lowered, and age.
 */
#include "store/private.h"
#include "store/provider_key.h"
#include "base/clock.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

void upkeep_init(struct upkeep *u)
{
    *u = (struct upkeep){.emptied = true};
    u->jobs_end = &u->jobs;
    u->refs = mem_alloc(STORE_SWEEP_ROWS * sizeof(*u->refs));
}

void upkeep_done(struct upkeep *u)
{
    mem_free(u->doomed);
    mem_free(u->refs);
}

/* ---- transactions ---- */

static enum err end_transaction(struct log_db *logs, enum err e)
{
    if (e == E_OK)
        e = log_db_commit(logs);
    if (e != E_OK)
        log_db_rollback(logs);
    return e;
}

/* Within a transaction. */
static enum err delete_oldest(struct store *s, int64_t gateway, int64_t before_ms, int64_t max,
                              int64_t *ret_gone)
{
    struct upkeep *u = &s->writer.upkeep;
    size_t n;
    *ret_gone = 0;
    if (max > STORE_SWEEP_ROWS)
        max = STORE_SWEEP_ROWS;
    enum err e = log_db_oldest(s->writer.logs, gateway, before_ms, u->refs, (size_t)max, &n);
    if (e == E_OK && n)
        e = log_db_delete(s->writer.logs, gateway, u->refs, n, ret_gone);
    u->emptied |= n > 0;
    atomic_fetch_add_explicit(&s->deleted_rows, (uint64_t)*ret_gone, memory_order_relaxed);
    return e;
}

/* ---- deleted gateways ---- */

/* Does the catalogue have what rows and counters of that number are about? */
static bool is_there(const struct catalog *c, int64_t id)
{
    int64_t gateway;
    if (is_unified_counter(id, &gateway))
        id = gateway;
    return id >= 0 ? catalog_gateway_id(c, id) != NULL : catalog_object_id(c, -id) != NULL;
}

void upkeep_find_doomed(struct store *s)
{
    struct upkeep *u = &s->writer.upkeep;
    struct arena a;
    int64_t *all;
    size_t n;
    arena_init(&a, CATALOG_BYTES);
    u->n_doomed = 0;
    if (log_db_gateways(s->writer.logs, &a, &all, &n) == E_OK) {
        u->doomed = mem_realloc(u->doomed, (n + 1) * sizeof(*u->doomed));
        for (size_t i = 0; i < n; i++)
            if (!is_there(s->catalog, all[i])) {
                u->doomed[u->n_doomed++] = all[i];
                counters_forget(s->counters, all[i]);
            }
    }
    arena_done(&a);
}

static void sweep(struct store *s)
{
    struct upkeep *u = &s->writer.upkeep;
    struct log_db *logs = s->writer.logs;
    int64_t gateway = u->doomed[u->n_doomed - 1], gone = 0;
    enum err e = log_db_begin(logs);
    if (e == E_OK)
        e = delete_oldest(s, gateway, INT64_MAX, STORE_SWEEP_ROWS, &gone);
    bool over = e == E_OK && gone == 0 && (e = log_db_forget_gateway(logs, gateway)) == E_NOT_FOUND;
    e = end_transaction(logs, over ? E_OK : e);
    if (over || e != E_OK) /* trouble: the next start goes on */
        u->n_doomed--;
}

/* ---- how many, and how old ---- */

/* How many of a gateway's rows of this batch still have room. */
struct room {
    int64_t gateway, left;
};

static int64_t *room_of(struct store *s, struct buf *rooms, int64_t gateway)
{
    struct room *v = (struct room *)(void *)rooms->p;
    for (size_t i = rooms->n / sizeof(*v); i-- > 0;)
        if (v[i].gateway == gateway)
            return &v[i].left;
    const struct gateway *g = catalog_gateway_id(s->catalog, gateway);
    struct room fresh = {gateway, INT64_MAX};
    if (g && g->policy.log_rows && g->policy.log_stops)
        fresh.left = g->policy.log_rows - log_db_rows(s->writer.logs, gateway);
    enum err e = buf_append(rooms, str_of((const char *)&fresh, sizeof(fresh)));
    must(e == E_OK);
    return &((struct room *)(void *)(rooms->p + rooms->n))[-1].left;
}

void upkeep_refuse(struct store *s, struct queued *rows)
{
    struct buf rooms; /* most batches are of few gateways */
    buf_init(&rooms, SIZE_MAX / 2);
    for (struct queued *e = rows; e; e = e->next) {
        if (e->r.flags & REC_NO_ROW)
            continue;
        int64_t *left = room_of(s, &rooms, e->r.gateway);
        if ((*left)-- > 0)
            continue;
        e->r.flags |= REC_NO_ROW;
        queued_drop_bodies(&s->queue, e);
        atomic_fetch_add_explicit(&s->refused_rows, 1, memory_order_relaxed);
    }
    buf_done(&rooms);
}

/* Rows beyond the number a gateway keeps; 0: none, or it does not give up old ones. */
static int64_t rows_over(struct store *s, int64_t gateway)
{
    const struct gateway *g = catalog_gateway_id(s->catalog, gateway);
    if (!g || !g->policy.log_rows || g->policy.log_stops)
        return 0;
    int64_t over = log_db_rows(s->writer.logs, gateway) - g->policy.log_rows;
    return over > 0 ? over : 0;
}

/* A thousandth of what is kept goes at a time, so that not every batch has to. */
static int64_t chunk(struct store *s, int64_t gateway)
{
    int64_t n = catalog_gateway_id(s->catalog, gateway)->policy.log_rows / 1000;
    return n < 1 ? 1 : n;
}

enum err upkeep_trim(struct store *s, const struct rollup *batch)
{
    enum err e = E_OK;
    for (size_t i = 0; e == E_OK && i < batch->n; i++) {
        int64_t gateway = batch->cells[i].key.gateway, over = rows_over(s, gateway), gone;
        if (over == 0)
            continue;
        /* more than the batch brought: the number was lowered, and the walk will see to it */
        if (over > STORE_SWEEP_ROWS)
            atomic_store(&s->upkeep_due, true);
        e = delete_oldest(s, gateway, INT64_MAX, over + chunk(s, gateway) - 1, &gone);
    }
    return e;
}

static enum err trim_gateway(struct store *s, int64_t gateway, int64_t *ret_gone)
{
    int64_t age = atomic_load(&s->max_age_ms), over = rows_over(s, gateway);
    enum err e = E_OK;
    *ret_gone = 0;
    if (over)
        e = delete_oldest(s, gateway, INT64_MAX, over, ret_gone);
    else if (age)
        e = delete_oldest(s, gateway, clock_wall_ms() - age, STORE_SWEEP_ROWS, ret_gone);
    return e;
}

/* On to the next gateway when this one has nothing to give up. */
static void walk(struct store *s)
{
    struct upkeep *u = &s->writer.upkeep;
    enum err e = log_db_begin(s->writer.logs);
    int64_t gone = 0;
    for (int i = 0; e == E_OK && gone == 0 && i < STORE_SWEEP_ROWS && u->at < s->catalog->n_gateways; i++) {
        e = trim_gateway(s, s->catalog->gateways[u->at].id, &gone);
        u->at += gone == 0;
    }
    e = end_transaction(s->writer.logs, e);
    u->walking = e == E_OK && u->at < s->catalog->n_gateways;
    u->next_ms = (int64_t)(clock_us() / 1000) + STORE_WALK_MS;
}

static bool should_walk(struct store *s)
{
    struct upkeep *u = &s->writer.upkeep;
    bool old = atomic_load(&s->max_age_ms) && (int64_t)(clock_us() / 1000) >= u->next_ms;
    if (atomic_exchange(&s->upkeep_due, false) || (old && !u->walking)) {
        u->walking = true;
        u->at = 0;
    }
    return u->walking;
}

/* ---- segments ---- */

/* The file goes after the commit that took the last row's bodies: a crash in between leaves a segment that
 * the next start finds empty again. */
static void remove_segment(struct store *s)
{
    struct log_db *logs = s->writer.logs;
    int64_t number = log_db_empty_segment(logs, segments_current(s->writer.segments));
    s->writer.upkeep.emptied = number > 0;
    if (number > 0 && (!segment_remove(s->dir, number) || log_db_forget_segment(logs, number) != E_OK))
        s->writer.upkeep.emptied = false; /* trouble: the next deletion tries again */
}

/* ---- roll-ups ---- */

enum { HOUR_MS = 3600 * 1000 };

/* Once an hour: sizes are noted also of gateways that nobody calls, and roll-ups that are too old go, a piece
 * a turn. Trouble is left to the next hour. */
static void tend(struct store *s)
{
    struct upkeep *u = &s->writer.upkeep;
    struct log_db *logs = s->writer.logs;
    int64_t minute = clock_wall_ms() / 60000;
    bool noted = u->trimming || log_db_note_sizes(logs, minute) == E_OK;
    u->trimming = noted && log_db_trim(logs, minute - ROLLUP_KEEP_MINUTES) == E_OK;
    if (!u->trimming)
        u->tended_hour = minute / 60;
}

static bool is_tended(const struct upkeep *u)
{
    return clock_wall_ms() / HOUR_MS == u->tended_hour;
}

/* ---- what people asked for ---- */

static void on_done(struct loop *l, struct msg *m)
{
    (void)l;
    struct row_job *j = container_of(m, struct row_job, msg);
    j->done(j);
}

static void run_job(struct store *s)
{
    struct upkeep *u = &s->writer.upkeep;
    struct row_job *j = u->jobs;
    enum err e = log_db_begin(s->writer.logs);
    bool again = e == E_OK && j->run(s, j);
    if (e == E_OK)
        e = end_transaction(s->writer.logs, j->result == E_NOT_FOUND ? E_OK : j->result);
    if (e != E_OK)
        j->result = E_DB;
    u->emptied = true;
    if (again && e == E_OK)
        return;
    u->jobs = j->next;
    if (!u->jobs)
        u->jobs_end = &u->jobs;
    j->msg.run = on_done;
    loop_send(j->loop, &j->msg);
}

/* ---- a turn ---- */

void upkeep_run(struct store *s, bool end)
{
    struct upkeep *u = &s->writer.upkeep;
    if (u->jobs)
        run_job(s);
    else if (end)
        return;
    else if (u->n_doomed)
        sweep(s);
    else if (should_walk(s))
        walk(s);
    else if (!is_tended(u))
        tend(s);
    else if (u->emptied)
        remove_segment(s);
}

int64_t upkeep_patience_ms(struct store *s)
{
    struct upkeep *u = &s->writer.upkeep;
    if (u->jobs || atomic_load(&s->upkeep_due) || (!is_tended(u) && !u->trimming))
        return 0;
    if (u->n_doomed || u->walking || u->trimming || u->emptied)
        return STORE_PAUSE_MS;
    int64_t left = HOUR_MS - clock_wall_ms() % HOUR_MS;
    if (atomic_load(&s->max_age_ms) && u->next_ms - (int64_t)(clock_us() / 1000) < left)
        left = u->next_ms - (int64_t)(clock_us() / 1000);
    return left > 1 ? left : 1;
}
