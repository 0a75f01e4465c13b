/* SPDX-License-Identifier: Apache-2.0 */
/* The store's face for log rows: questions to the reader's thread, changes to the writer's. */
#include "store/private.h"
#include "base/limits.h"

#include <stdatomic.h>

/* What a question keeps of a query: it has its own filter and search. */
static struct log_query keep_query(struct arena *a, const struct log_query *q)
{
    struct log_query own = *q;
    bool kept = log_filter_copy(a, &q->filter, &own.filter);
    must(kept); /* arenas here are larger than any request */
    own.search = q->search.n ? arena_dup(a, q->search) : (struct str){NULL, 0};
    return own;
}

static void name_gateways(struct store *s, struct log_page *page)
{
    struct catalog *c = store_catalog(s);
    log_page_name_gateways(page, c);
    catalog_unref(c);
}

/* ---- a page ---- */

struct list_query {
    struct question q;
    struct log_query list;
    struct log_scan *scan;
    struct log_page *page;
    void (*done)(void *arg, struct log_page *page);
    void *arg;
};

static void run_list(struct store *s, struct question *q)
{
    struct list_query *l = container_of(q, struct list_query, q);
    if (!l->scan)
        l->scan = log_scan_new(s->reader.logs, &l->list, false);
    q->again = log_scan_step(l->scan, l->page) == E_AGAIN;
    if (q->again)
        return;
    log_scan_free(l->scan);
    name_gateways(s, l->page);
}

static void list_done(struct question *q)
{
    struct list_query *l = container_of(q, struct list_query, q);
    l->done(l->arg, l->page);
    mem_free(l);
}

void store_list_logs(struct store *s, const struct log_query *list, struct loop *l,
                     void (*done)(void *arg, struct log_page *page), void *arg)
{
    struct list_query *q = mem_alloc(sizeof(*q));
    *q = (struct list_query){
        .q = {.run = run_list, .done = list_done}, .page = &log_detail_new()->page, .done = done, .arg = arg};
    q->list = keep_query(&q->page->arena, list);
    reader_ask(s, &q->q, l);
}

/* ---- one row ---- */

struct get_query {
    struct question q;
    int64_t gateway;
    struct uuid id;
    bool with_bodies;
    struct log_detail *detail;
    void (*done)(void *arg, struct log_detail *d);
    void *arg;
};

static void run_get(struct store *s, struct question *q)
{
    struct get_query *g = container_of(q, struct get_query, q);
    struct log_detail *d = g->detail;
    struct body_place p;
    if (log_db_get(s->reader.logs, g->gateway, g->id, &d->page, &p) == E_OK && g->with_bodies &&
        segment_read(s->dir, &p, &d->page.arena, &d->request, &d->response) != E_OK)
        d->request = d->response = (struct str){NULL, 0};
    name_gateways(s, &d->page);
}

static void get_done(struct question *q)
{
    struct get_query *g = container_of(q, struct get_query, q);
    g->done(g->arg, g->detail);
    mem_free(g);
}

void store_get_log(struct store *s, int64_t gateway, struct uuid id, bool with_bodies, struct loop *l,
                   void (*done)(void *arg, struct log_detail *d), void *arg)
{
    struct get_query *q = mem_alloc(sizeof(*q));
    *q = (struct get_query){.q = {.run = run_get, .done = get_done},
                            .gateway = gateway,
                            .id = id,
                            .with_bodies = with_bodies,
                            .detail = log_detail_new(),
                            .done = done,
                            .arg = arg};
    reader_ask(s, &q->q, l);
}

/* ---- all rows ---- */

/* The scan belongs to the reader's thread: there it is made, and there it is freed. */
struct log_export {
    struct question q;
    struct store *store;
    struct loop *loop;
    struct arena arena; /* of the query */
    struct log_query query;
    struct log_scan *scan;
    struct log_page *page;
    bool more;
    void (*rows)(void *arg, struct log_page *page, bool more);
    void (*closed)(void *arg);
    void *arg;
};

static void run_export(struct store *s, struct question *q)
{
    struct log_export *x = container_of(q, struct log_export, q);
    if (!x->scan)
        x->scan = log_scan_new(s->reader.logs, &x->query, true);
    x->more = log_scan_step(x->scan, x->page) == E_AGAIN;
    q->again = x->more && x->page->n == 0;
    if (!q->again)
        name_gateways(s, x->page);
}

static void export_done(struct question *q)
{
    struct log_export *x = container_of(q, struct log_export, q);
    struct log_page *page = x->page;
    x->page = NULL;
    x->rows(x->arg, page, x->more);
}

void store_export_next(struct log_export *x)
{
    x->page = &log_detail_new()->page;
    x->q = (struct question){.run = run_export, .done = export_done};
    reader_ask(x->store, &x->q, x->loop);
}

struct log_export *store_export_open(struct store *s, const struct log_query *q, struct loop *l,
                                     void (*rows)(void *arg, struct log_page *page, bool more), void *arg)
{
    struct log_export *x = mem_zalloc(sizeof(*x));
    *x = (struct log_export){.store = s, .loop = l, .rows = rows, .arg = arg};
    arena_init(&x->arena, SIZE_MAX / 2);
    x->query = keep_query(&x->arena, q);
    store_export_next(x);
    return x;
}

static void run_close(struct store *s, struct question *q)
{
    (void)s;
    log_scan_free(container_of(q, struct log_export, q)->scan);
}

static void close_done(struct question *q)
{
    struct log_export *x = container_of(q, struct log_export, q);
    x->closed(x->arg);
    arena_done(&x->arena);
    mem_free(x);
}

void store_export_close(struct log_export *x, void (*closed)(void *arg))
{
    must(!x->page);
    x->closed = closed;
    x->q = (struct question){.run = run_close, .done = close_done};
    reader_ask(x->store, &x->q, x->loop);
}

/* ---- what people add ---- */

struct patch_job {
    struct row_job job;
    struct arena arena; /* it lies in it */
    int64_t gateway;
    struct uuid id;
    struct log_patch patch;
    void (*done)(void *arg, enum err e);
    void *arg;
};

static bool run_patch(struct store *s, struct row_job *j)
{
    struct patch_job *p = container_of(j, struct patch_job, job);
    j->result = log_db_patch(s->writer.logs, p->gateway, p->id, &p->patch);
    return false;
}

static void patch_done(struct row_job *j)
{
    struct patch_job *p = container_of(j, struct patch_job, job);
    struct arena a = p->arena;
    p->done(p->arg, j->result);
    arena_done(&a);
}

void store_patch_log(struct store *s, int64_t gateway, struct uuid id, const struct log_patch *p,
                     struct loop *l, void (*done)(void *arg, enum err e), void *arg)
{
    struct arena a;
    arena_init(&a, SIZE_MAX / 2);
    struct patch_job *j = arena_new(&a, struct patch_job);
    *j = (struct patch_job){.job = {.run = run_patch, .done = patch_done},
                            .gateway = gateway,
                            .id = id,
                            .patch = *p,
                            .done = done,
                            .arg = arg};
    if (p->metadata.n)
        j->patch.metadata = arena_dup(&a, p->metadata);
    if (p->note.n)
        j->patch.note = arena_dup(&a, p->note);
    j->arena = a;
    writer_ask(s, &j->job, l);
}

/* ---- deleting: the reader finds the rows, the writer deletes them ---- */

struct deletion {
    struct question q;
    struct row_job job;
    struct store *store;
    struct arena arena; /* it lies in it */
    struct log_query query;
    struct log_scan *scan;
    struct log_ref *refs;
    size_t n, at;
    enum err found;
    void (*done)(void *arg, enum err e);
    void *arg;
};

static void run_find(struct store *s, struct question *q)
{
    struct deletion *d = container_of(q, struct deletion, q);
    struct log_ref *refs;
    size_t n;
    if (!d->scan)
        d->scan = log_scan_new(s->reader.logs, &d->query, false);
    d->found = log_scan_refs(d->scan, &refs, &n);
    q->again = d->found == E_AGAIN;
    if (q->again)
        return;
    if (d->found == E_OK && n) {
        d->refs = arena_alloc(&d->arena, n * sizeof(*refs));
        memcpy(d->refs, refs, n * sizeof(*refs));
        d->n = n;
    }
    log_scan_free(d->scan);
}

static bool run_delete(struct store *s, struct row_job *j)
{
    struct deletion *d = container_of(j, struct deletion, job);
    size_t left = d->n - d->at, n = left < STORE_SWEEP_ROWS ? left : STORE_SWEEP_ROWS;
    int64_t gone = 0;
    j->result = log_db_delete(s->writer.logs, d->query.gateway, d->refs + d->at, n, &gone);
    d->at += n;
    atomic_fetch_add_explicit(&s->deleted_rows, (uint64_t)gone, memory_order_relaxed);
    return d->at < d->n;
}

static void finish_deletion(struct deletion *d, enum err e)
{
    struct arena a = d->arena;
    d->done(d->arg, e);
    arena_done(&a);
}

static void delete_done(struct row_job *j)
{
    finish_deletion(container_of(j, struct deletion, job), j->result);
}

static void find_done(struct question *q)
{
    struct deletion *d = container_of(q, struct deletion, q);
    if (d->n)
        writer_ask(d->store, &d->job, q->loop);
    else
        finish_deletion(d, d->found);
}

void store_delete_logs(struct store *s, const struct log_query *q, struct loop *l,
                       void (*done)(void *arg, enum err e), void *arg)
{
    struct arena a;
    arena_init(&a, SIZE_MAX / 2);
    struct deletion *d = arena_new(&a, struct deletion);
    *d = (struct deletion){.q = {.run = run_find, .done = find_done},
                           .job = {.run = run_delete, .done = delete_done},
                           .store = s,
                           .query = keep_query(&a, q),
                           .done = done,
                           .arg = arg};
    d->arena = a;
    reader_ask(s, &d->q, l);
}
