/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader thread: one question at a time, each after a flush of the writer, so that an answer holds
 * everything its asker had pushed. A long one does some of its work and goes to the end of the list.
 */
#include "store/private.h"

static void on_answered(struct loop *l, struct msg *m)
{
    (void)l;
    struct question *q = container_of(m, struct question, msg);
    q->done(q);
}

static void append(struct reader *r, struct question *q)
{
    q->next = NULL;
    pthread_mutex_lock(&r->lock);
    *r->questions_end = q;
    r->questions_end = &q->next;
    pthread_mutex_unlock(&r->lock);
    pthread_cond_signal(&r->wake);
}

void reader_ask(struct store *s, struct question *q, struct loop *l)
{
    q->again = false;
    q->loop = l;
    q->msg.run = on_answered;
    append(&s->reader, q);
}

void reader_again(struct store *s, struct question *q)
{
    q->again = true;
    append(&s->reader, q);
}

/* NULL: the thread is to stop, and nothing is left to answer. */
static struct question *next_question(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    while (!r->questions && !r->stop)
        pthread_cond_wait(&r->wake, &r->lock);
    struct question *q = r->questions;
    if (q)
        r->questions = q->next;
    if (!r->questions)
        r->questions_end = &r->questions;
    pthread_mutex_unlock(&r->lock);
    return q;
}

bool reader_is_stopping(struct store *s)
{
    struct reader *r = &s->reader;
    pthread_mutex_lock(&r->lock);
    bool stop = r->stop;
    pthread_mutex_unlock(&r->lock);
    return stop;
}

static void *reader_main(void *arg)
{
    struct store *s = arg;
    for (struct question *q; (q = next_question(&s->reader)) != NULL;) {
        if (!q->again)
            writer_flush(s);
        q->again = false;
        bool own = !q->loop;
        q->run(s, q);
        if (own)
            continue; /* it may be asked again by now */
        if (q->again)
            append(&s->reader, q);
        else
            loop_send(q->loop, &q->msg);
    }
    return NULL;
}

void reader_init(struct store *s)
{
    struct reader *r = &s->reader;
    r->questions_end = &r->questions;
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
    evaluations_notice(s); /* some may be unfinished */
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
}

void reader_done(struct store *s)
{
    struct reader *r = &s->reader;
    log_db_close(r->logs);
    catalog_db_close(r->catalog);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
}
