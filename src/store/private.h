/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a running store: what workers touch, the writer thread, the reader thread. */
#pragma once
#include "store/backend.h"
#include "store/key_use.h"
#include "store/queue.h"

#include <pthread.h>

/* A change_set on its way to the writer and back; lives in its own arena, with copies of everything. */
struct job {
    struct job *next;
    struct arena arena;
    struct change_set set;
    struct loop *loop;
    void (*done)(void *arg, enum err e);
    void *arg;
    enum err result;
    struct msg msg;
};

struct writer {
    pthread_t thread;
    pthread_mutex_t lock; /* of the members up to the next blank line */
    pthread_cond_t wake, flushed;
    struct job *jobs, **jobs_end;
    uint64_t flush_wanted, flush_done; /* tickets: rows pushed before ticket n are dealt with at n */
    bool poll, stop;

    bool started;
    /* the thread's own */
    struct log_db *logs;
    struct catalog_db *catalog;
    struct segments *segments;
    struct rollup rollup;
    struct queued *held, **held_end; /* taken, not committed; oldest first */
    bool failing, syncing;
    bool stale;        /* the catalogue changed, but could not be read again */
    unsigned failures; /* in a row */
    int64_t saved_ns;  /* when uses of keys were saved last */
    int64_t *doomed;   /* gateways that are gone but for their rows */
    size_t n_doomed;
    int64_t tended_hour; /* since 1970: when old roll-ups were looked for */
    bool trimming;       /* some are left */
};

/*
 * A question to the reader's thread. Who asks embeds it in what the answer is made of:
 *
 *   run   on the reader's thread, after everything that was pushed before is committed
 *   done  on the asker's loop; it frees
 */
struct question {
    struct question *next;
    void (*run)(struct store *s, struct question *q);
    void (*done)(struct question *q);
    struct loop *loop;
    struct msg msg;
};

struct reader {
    pthread_t thread;
    pthread_mutex_t lock; /* of the members up to the next blank line */
    pthread_cond_t wake;
    struct question *questions, **questions_end;
    bool stop;

    bool started;
    /* the thread's own */
    struct log_db *logs;
    struct catalog_db *catalog;
};

struct store {
    struct queue queue;
    _Atomic int64_t queue_bytes, max_body_bytes, audit_ms; /* 0: for ever */
    _Atomic bool sync;
    _Atomic uint64_t rows, commits, failed_commits, held, segment_bytes;
    _Atomic(const char *) trouble;
    int dir, lock_file;
    struct counters *counters;
    struct key_uses *key_uses;

    char *path, *master_key, *master_key_file; /* the data directory, and where the master key may be */

    pthread_mutex_t catalog_lock; /* of the next four; a catalogue itself never changes */
    struct keyring keys;
    _Atomic(struct catalog *) catalog; /* written with the lock */
    void (*on_catalog)(void *arg, struct catalog *c);
    void *on_catalog_arg;

    struct writer writer;
    struct reader reader;
};

/* ---- writer.c ---- */
void writer_init(struct store *s);
bool writer_start(struct store *s, const char *dir, const struct store_options *o,
                  struct store_first *ret_first, const char **ret_why);
/* Whatever has been started. Returns the rows that were lost. */
uint64_t writer_stop(struct store *s);
/* A row was pushed behind `before` others. */
void writer_notice(struct store *s, int64_t before);
void writer_change(struct store *s, struct job *j);
void writer_poll(struct store *s);
/* Waits until everything pushed before was committed, or a commit was tried and failed. */
void writer_flush(struct store *s);

/* ---- reader.c ---- */
void reader_init(struct store *s);
bool reader_start(struct store *s, const char *dir, const char **ret_why);
void reader_stop(struct store *s);
/* Any thread. */
void reader_ask(struct store *s, struct question *q, struct loop *l);

/* ---- store.c ---- */
/* The master key's source read again: a key that was rotated is known. The old ring stays when it cannot be.
 */
bool store_read_keys(struct store *s, bool make, const char **ret_why);

/* ---- log_page.c ---- */
/* A page in its own arena. */
struct log_detail *log_detail_new(void);
void log_page_name_gateways(struct log_page *page, const struct catalog *c);
