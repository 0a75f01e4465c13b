/* SPDX-License-Identifier: Apache-2.0 */
/* A store of a test's own, with a loop to answer on, and questions asked as plain calls. */
#pragma once
#include "tests/unit/tmpdir.h"

#include "base/clock.h"
#include "store/store.h"

enum { DEADLINE_MS = 30000 };

struct fixture {
    struct tmpdir tmp;
    struct store_options o;
    struct store *s;
    struct store_first first;
    struct loop *loop;
    struct timer deadline;
    struct uuid_source ids;
    /* the answer that was waited for */
    bool answered;
    enum err result;
    struct log_page *page;
    bool more; /* of an export */
    struct log_detail *detail;
};

static inline void fixture_too_late(struct timer *t)
{
    (void)t;
    fail_msg("no answer in time");
}

static inline void fixture_open(struct fixture *f)
{
    const char *why = NULL;
    f->s = store_open(&f->o, &f->first, &why);
    if (!f->s)
        fail_msg("%s", why);
}

/* Everything but opening the store. */
static inline void fixture_prepare(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->tmp = tmpdir_make();
    f->o = (struct store_options){.dir = f->tmp.path, .queue_bytes = 64 << 20, .max_body_bytes = 16 << 20};
    f->loop = loop_new();
    timer_init(&f->deadline, f->loop, fixture_too_late);
}

static inline void fixture_start(struct fixture *f)
{
    fixture_prepare(f);
    fixture_open(f);
}

static inline void fixture_end(struct fixture *f)
{
    assert_int_equal(store_close(f->s), 0);
    timer_stop(&f->deadline);
    loop_free(f->loop);
    tmpdir_remove(&f->tmp);
}

static inline void fixture_wait(struct fixture *f)
{
    timer_set(&f->deadline, DEADLINE_MS);
    while (!f->answered)
        loop_run(f->loop);
    f->answered = false;
}

static inline void fixture_answered(struct fixture *f)
{
    f->answered = true;
    loop_stop(f->loop);
}

static inline void fixture_on_page(void *arg, struct log_page *page)
{
    struct fixture *f = arg;
    f->page = page;
    fixture_answered(f);
}

/* The caller frees the page. */
static inline struct log_page *fixture_list(struct fixture *f, struct log_query q)
{
    q.page = q.page ? q.page : 1;
    q.per_page = q.per_page ? q.per_page : 1000;
    store_list_logs(f->s, &q, f->loop, fixture_on_page, f);
    fixture_wait(f);
    assert_int_equal(f->page->err, E_OK);
    return f->page;
}

static inline int64_t fixture_count(struct fixture *f, struct log_query q)
{
    struct log_page *page = fixture_list(f, q);
    int64_t n = page->total;
    log_page_free(page);
    return n;
}

static inline void fixture_on_detail(void *arg, struct log_detail *d)
{
    struct fixture *f = arg;
    f->detail = d;
    fixture_answered(f);
}

static inline struct log_detail *fixture_get(struct fixture *f, int64_t gateway, struct uuid id)
{
    store_get_log(f->s, gateway, id, true, f->loop, fixture_on_detail, f);
    fixture_wait(f);
    return f->detail;
}

static inline void fixture_on_change(void *arg, enum err e)
{
    struct fixture *f = arg;
    f->result = e;
    fixture_answered(f);
}

static inline enum err fixture_change(struct fixture *f, struct change c)
{
    struct change_set set = {&c, 1, {.type = STR("system"), .name = STR("test"), .interface = STR("API")}};
    store_change(f->s, &set, f->loop, fixture_on_change, f);
    fixture_wait(f);
    return f->result;
}

static inline enum err fixture_patch(struct fixture *f, int64_t gateway, struct uuid id,
                                     const struct log_patch *p)
{
    store_patch_log(f->s, gateway, id, p, f->loop, fixture_on_change, f);
    fixture_wait(f);
    return f->result;
}

static inline enum err fixture_delete(struct fixture *f, const struct log_query *q)
{
    store_delete_logs(f->s, q, f->loop, fixture_on_change, f);
    fixture_wait(f);
    return f->result;
}

/* Row by row through an export. */
struct fixture_export {
    struct fixture *f;
    struct log_export *x;
    size_t at;
};

static inline void fixture_on_rows(void *arg, struct log_page *page, bool more)
{
    struct fixture *f = arg;
    f->page = page;
    f->more = more;
    fixture_answered(f);
}

static inline struct fixture_export fixture_export_open(struct fixture *f, const struct log_query *q)
{
    struct fixture_export e = {.f = f, .x = store_export_open(f->s, q, f->loop, fixture_on_rows, f)};
    fixture_wait(f);
    return e;
}

/* NULL: there are no more. The row lives until the next call. */
static inline const struct log_row *fixture_export_row(struct fixture_export *e)
{
    while (e->at == e->f->page->n) {
        if (!e->f->more)
            return NULL;
        log_page_free(e->f->page);
        e->at = 0;
        store_export_next(e->x);
        fixture_wait(e->f);
    }
    return &e->f->page->rows[e->at++];
}

static inline void fixture_on_closed(void *arg)
{
    fixture_answered(arg);
}

static inline void fixture_export_close(struct fixture_export *e)
{
    log_page_free(e->f->page);
    store_export_close(e->x, fixture_on_closed);
    fixture_wait(e->f);
}

static inline struct record_body fixture_body(struct str s)
{
    struct record_body b = {s.p ? mem_alloc(s.n) : NULL, s.n};
    if (s.n)
        memcpy(b.p, s.p, s.n);
    return b;
}

/* A row that knows nothing but its id. */
static inline struct record fixture_record(struct fixture *f, int64_t gateway)
{
    return (struct record){
        .id = uuid_v7(&f->ids),
        .created_ms = clock_wall_ms(),
        .gateway = gateway,
        .latency_us = RECORD_NULL,
        .tokens_in = RECORD_NULL,
        .tokens_out = RECORD_NULL,
        .cached_tokens = RECORD_NULL,
        .cache_write_tokens = RECORD_NULL,
        .cache_write_1h_tokens = RECORD_NULL,
        .reasoning_tokens = RECORD_NULL,
        .audio_in_tokens = RECORD_NULL,
        .audio_out_tokens = RECORD_NULL,
        .cost_pico = RECORD_NULL,
        .saved_pico = RECORD_NULL,
    };
}
