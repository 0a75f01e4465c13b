/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of log rows, and reading them from a process that is not the daemon. */
#include "store/private.h"
#include "base/limits.h"

/* Beyond rows and texts: two bodies of the longest kind, and their frame. */
static const size_t detail_max = ((size_t)4 << 30) + LOG_PAGE_BYTES;

struct log_detail *log_detail_new(void)
{
    struct arena a;
    arena_init(&a, detail_max);
    struct log_detail *d = arena_new(&a, struct log_detail);
    must(d != NULL);
    d->page.arena = a;
    return d;
}

/* The page may lie in its own arena, so the arena is moved out first. */
void log_page_free(struct log_page *page)
{
    if (!page)
        return;
    struct arena a = page->arena;
    page->arena = (struct arena){0};
    arena_done(&a);
}

void log_detail_free(struct log_detail *d)
{
    if (d)
        log_page_free(&d->page);
}

void log_page_name_gateways(struct log_page *page, const struct catalog *c)
{
    for (size_t i = 0; i < page->n; i++) {
        const struct gateway *g = catalog_gateway_id(c, page->rows[i].r.gateway);
        if (g)
            page->rows[i].gateway_slug = arena_dup(&page->arena, g->slug);
    }
}

void log_meta_clear(struct log_meta *m)
{
    for (int i = 0; i < ZONE_RANGES; i++)
        m->ranges[i] = (struct zone_range){.min = INT64_MAX, .max = INT64_MIN};
}

void log_meta_add(struct log_meta *m, enum zone_number which, const struct zone_range *r)
{
    struct zone_range *to = &m->ranges[which];
    to->min = r->min < to->min ? r->min : to->min;
    to->max = r->max > to->max ? r->max : to->max;
}

struct log_reader {
    struct log_db *logs;
    struct catalog_db *catalog;
};

struct log_reader *log_reader_open(const char *dir, const char **ret_why)
{
    struct log_reader *r = mem_zalloc(sizeof(*r));
    r->catalog = catalog_db_open(dir, DB_READ, ret_why);
    r->logs = r->catalog ? log_db_open(dir, DB_READ, ret_why) : NULL;
    if (r->logs)
        return r;
    log_reader_close(r);
    return NULL;
}

void log_reader_close(struct log_reader *r)
{
    if (!r)
        return;
    log_db_close(r->logs);
    catalog_db_close(r->catalog);
    mem_free(r);
}

void log_reader_list(struct log_reader *r, const struct log_query *q, struct log_page *ret)
{
    *ret = (struct log_page){0};
    arena_init(&ret->arena, LOG_PAGE_BYTES);
    struct catalog *c = catalog_db_load(r->catalog, NULL);
    log_db_list(r->logs, q, ret);
    if (c)
        log_page_name_gateways(ret, c);
    catalog_unref(c);
}

struct log_walk {
    struct log_scan *scan;
    struct catalog *catalog; /* NULL: gateways stay without names */
};

struct log_walk *log_reader_walk(struct log_reader *r, const struct log_query *q)
{
    struct log_walk *w = mem_alloc(sizeof(*w));
    *w = (struct log_walk){log_scan_new(r->logs, q, true), catalog_db_load(r->catalog, NULL)};
    return w;
}

enum err log_walk_next(struct log_walk *w, struct log_page *ret)
{
    *ret = (struct log_page){0};
    arena_init(&ret->arena, LOG_PAGE_BYTES);
    enum err e = log_scan_step(w->scan, ret);
    if (w->catalog)
        log_page_name_gateways(ret, w->catalog);
    return e;
}

void log_walk_free(struct log_walk *w)
{
    log_scan_free(w->scan);
    catalog_unref(w->catalog);
    mem_free(w);
}
