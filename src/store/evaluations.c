/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Working evaluations off, the oldest first, one at a time, as a question to the reader's thread that nobody
 * waits for:
 *
 *   the next one ─ some rows ─ some rows ─ ... ─ save ─ the next one
 *                     └ others' questions in between
 *
 * Saving is a change of the catalogue by the writer, like any other but for the audit log. What was not
 * finished when the daemon ended begins anew: its settings say which rows it is about. An evaluation that was
 * deleted, or whose gateway was, is not in the catalogue any more; then nobody looks any further.
 */
#include "store/private.h"
#include "base/clock.h"
#include "base/limits.h"

#include <stdatomic.h>

void evaluations_notice(struct store *s)
{
    struct evaluations *v = &s->evaluations;
    if (atomic_fetch_add(&v->noticed, 1) == 0)
        reader_ask(s, &v->q, NULL);
}

/* ---- one of them ---- */

static void drop(struct evaluations *v)
{
    arena_done(&v->arena);
    v->busy = false;
}

/* The oldest that has not all of its results; NULL: there is none. */
static const struct object *find_next(const struct catalog *c)
{
    const struct object *next = NULL;
    for (const struct object *o = NULL;
         (o = catalog_next_object(c, KIND_EVALUATION, str_of(NULL, 0), -1, o)) != NULL;)
        if (catalog_gateway_id(c, o->gateway) && !evaluation_is_processed(o->settings))
            next = o;
    return next;
}

static bool take_next(struct store *s, struct evaluations *v)
{
    struct catalog *c = store_catalog(s);
    const struct object *o = find_next(c);
    if (o) {
        v->busy = true;
        arena_init(&v->arena, 4 * (size_t)EVALUATION_BYTES);
        v->uuid = o->uuid;
        v->gateway = o->gateway;
        v->account = arena_dup(&v->arena, o->account);
        v->slug = arena_dup(&v->arena, catalog_gateway_id(c, o->gateway)->slug);
        v->settings = arena_dup(&v->arena, o->settings);
        v->readable = evaluation_read(&v->arena, o->settings, &v->work);
        v->at = (struct uuid){{0}};
        v->sums = (struct evaluation_sums){0};
        v->save_us = clock_us() + (uint64_t)EVALUATION_FIRST_MS * 1000;
    }
    catalog_unref(c);
    return v->busy;
}

static bool is_wanted(struct store *s, const struct evaluations *v)
{
    struct catalog *c = store_catalog(s);
    bool there = catalog_object_uuid(c, KIND_EVALUATION, v->uuid) != NULL;
    catalog_unref(c);
    return there && !reader_is_stopping(s);
}

/* ---- saving ---- */

/* On the writer's thread, which has no more to do with it after this. */
static void on_saved(void *arg, enum err e)
{
    struct store *s = arg;
    s->evaluations.saved = e;
    reader_ask(s, &s->evaluations.q, NULL);
}

static void save(struct store *s, struct evaluations *v, enum evaluation_status status)
{
    struct arena a;
    arena_init(&a, 4 * (size_t)EVALUATION_BYTES);
    struct change c = {.what = CHANGE_UPDATE,
                       .kind = KIND_EVALUATION,
                       .account = v->account,
                       .gateway = v->slug,
                       .uuid = v->uuid,
                       .settings = evaluation_update(&a, v->settings, &v->sums, status, clock_wall_ms()),
                       .quiet = true};
    struct change_set set = {
        &c, 1, {.type = STR("system"), .name = STR("evaluation"), .interface = STR("API")}};
    v->saving = true;
    v->finished = status >= EVALUATION_DONE;
    store_change(s, &set, NULL, on_saved, s);
    arena_done(&a);
}

/* ---- turns ---- */

/* Nothing is left to do, or nothing can be done now. False: there was a notice meanwhile. */
static bool rest(struct evaluations *v, unsigned noticed)
{
    return atomic_compare_exchange_strong(&v->noticed, &noticed, 0);
}

/* What was saved; false: it could not be, and to try at once would not help. */
static bool after_save(struct evaluations *v)
{
    v->saving = false;
    v->save_us = clock_us() + (uint64_t)EVALUATION_SAVE_MS * 1000;
    if (v->saved != E_OK || v->finished)
        drop(v);
    return v->saved == E_OK || v->saved == E_NOT_FOUND; /* it was deleted */
}

/* Some rows; true: it wants another turn of the reader, false: the writer gives it one. */
static bool look(struct store *s, struct evaluations *v)
{
    enum err e =
        v->readable ? log_db_evaluate(s->reader.logs, v->gateway, &v->work, &v->at, &v->sums) : E_SYNTAX;
    if (e == E_AGAIN && clock_us() < v->save_us)
        return true;
    save(s, v, e == E_AGAIN ? EVALUATION_RUNNING : e == E_OK ? EVALUATION_DONE : EVALUATION_FAILED);
    return false;
}

static void run(struct store *s, struct question *q)
{
    struct evaluations *v = container_of(q, struct evaluations, q);
    unsigned noticed = atomic_load(&v->noticed);
    bool possible = !v->saving || after_save(v);
    if (v->busy && !is_wanted(s, v))
        drop(v);
    if (reader_is_stopping(s))
        return;
    bool more = possible && (v->busy || take_next(s, v)) ? look(s, v) : !rest(v, noticed);
    if (more)
        reader_again(s, q);
}

void evaluations_init(struct store *s)
{
    s->evaluations.q.run = run;
}

void evaluations_done(struct store *s)
{
    if (s->evaluations.busy)
        drop(&s->evaluations);
}

/* ---- what a new one is about ---- */

struct last_row_ask {
    struct question q;
    int64_t row;
    void (*done)(void *arg, int64_t row);
    void *arg;
};

static void run_last_row(struct store *s, struct question *q)
{
    container_of(q, struct last_row_ask, q)->row = log_db_last_row(s->reader.logs);
}

static void last_row_done(struct question *q)
{
    struct last_row_ask *k = container_of(q, struct last_row_ask, q);
    k->done(k->arg, k->row);
    mem_free(k);
}

void store_last_row(struct store *s, struct loop *l, void (*done)(void *arg, int64_t row), void *arg)
{
    struct last_row_ask *k = mem_alloc(sizeof(*k));
    *k = (struct last_row_ask){.q = {.run = run_last_row, .done = last_row_done}, .done = done, .arg = arg};
    reader_ask(s, &k->q, l);
}
