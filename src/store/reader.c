/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader thread: one query at a time, each after a flush of the writer, so that an answer holds
 * everything its asker had pushed.
 */
#include "store/private.h"

void reader_ask(struct store *s, struct query *q)
{
    struct reader *r = &s->reader;
    q->next = NULL;
    pthread_mutex_lock(&r->lock);
    *r->queries_end = q;
    r->queries_end = &q->next;
    pthread_mutex_unlock(&r->lock);
    pthread_cond_signal(&r->wake);
}

/* NULL: the thread is to stop, and nothing is left to answer. */
static struct query *next_query(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    while (!r->queries && !r->stop)
        pthread_cond_wait(&r->wake, &r->lock);
    struct query *q = r->queries;
    if (q)
        r->queries = q->next;
    if (!r->queries)
        r->queries_end = &r->queries;
    pthread_mutex_unlock(&r->lock);
    return q;
}

static void get_bodies(struct store *s, struct log_detail *d, const struct body_place *p)
{
    enum err e = segment_read(s->dir, p, &d->page.arena, &d->request, &d->response);
    if (e != E_OK)
        d->request = d->response = (struct str){NULL, 0};
}

static void answer(struct store *s, struct query *q)
{
    struct log_detail *d = q->answer;
    struct body_place place;
    if (q->what == QUERY_LIST)
        log_db_list(s->reader.logs, &q->list, &d->page);
    else if (log_db_get(s->reader.logs, q->gateway, q->id, &d->page, &place) == E_OK && q->with_bodies)
        get_bodies(s, d, &place);
    struct catalog *c = store_catalog(s);
    log_page_name_gateways(&d->page, c);
    catalog_unref(c);
    loop_send(q->loop, &q->msg);
}

static void *reader_main(void *arg)
{
    struct store *s = arg;
    for (struct query *q; (q = next_query(&s->reader)) != NULL;) {
        writer_flush(s);
        answer(s, q);
    }
    return NULL;
}

void reader_init(struct store *s)
{
    struct reader *r = &s->reader;
    r->queries_end = &r->queries;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->wake, NULL);
}

bool reader_start(struct store *s, const char *dir, const char **ret_why)
{
    struct reader *r = &s->reader;
    r->logs = log_db_open(dir, DB_READ, ret_why);
    if (!r->logs)
        return false;
    int failed = pthread_create(&r->thread, NULL, reader_main, s);
    must(failed == 0);
    return r->started = true;
}

void reader_stop(struct store *s)
{
    struct reader *r = &s->reader;
    if (r->started) {
        pthread_mutex_lock(&r->lock);
        r->stop = true;
        pthread_mutex_unlock(&r->lock);
        pthread_cond_signal(&r->wake);
        pthread_join(r->thread, NULL);
    }
    log_db_close(r->logs);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
}
