/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a running store: what workers touch, the writer thread, the reader thread. */
#pragma once
#include "store/backend.h"
#include "store/credits.h"
#include "store/key_use.h"
#include "store/queue.h"

#include <pthread.h>

/* A change_set on its way to the writer and back; lives in its own arena, with copies of everything. */
struct job {
    struct job *next;
    struct arena arena;
    struct change_set set;
    struct booking *booking; /* in place of the set; NULL: none */
    struct loop *loop;       /* NULL: done runs on the writer's thread */
    void (*done)(void *arg, enum err e);
    void *arg;
    enum err result;
    struct msg msg;
};

/*
 * Work on rows of the log. Who asks embeds it:
 *
 *   run   on the writer's thread, after everything that was pushed before is committed, within a transaction
 *         of its own: some ms of work; true: it wants another turn
 *   done  on the asker's loop; it frees
 */
struct row_job {
    struct row_job *next;
    bool (*run)(struct store *s, struct row_job *j);
    void (*done)(struct row_job *j);
    enum err result; /* what run says; E_DB: the transaction failed */
    struct loop *loop;
    struct msg msg;
};

/* What the writer does between batches (upkeep.c); its own. */
struct upkeep {
    struct row_job *jobs, **jobs_end;
    int64_t *doomed; /* gateways that are gone but for their rows */
    size_t n_doomed;
    bool walking;        /* through the gateways, for rows too many or too old */
    size_t at;           /* the next one in the catalogue */
    bool emptied;        /* rows were deleted: segments may have no bodies any more */
    int64_t next_ms;     /* when to walk again, for rows have grown old; by clock_us */
    int64_t tended_hour; /* since 1970: when old roll-ups were looked for */
    bool trimming;       /* some are left */
    struct log_ref *refs;
};

/* An entry of the ledger. */
struct booking {
    struct ledger_entry entry;
    int64_t balance; /* after it; by the writer */
    void (*done)(void *arg, enum err e, int64_t balance);
    void *arg;
};

struct writer {
    pthread_t thread;
    pthread_mutex_t lock; /* of the members up to the next blank line */
    pthread_cond_t wake, flushed;
    struct job *jobs, **jobs_end;
    struct row_job *row_jobs, **row_jobs_end;
    uint64_t flush_wanted, flush_done; /* tickets: rows pushed before ticket n are dealt with at n */
    bool poll, stop;

    bool started;
    /* the thread's own */
    struct log_db *logs;
    struct catalog_db *catalog;
    struct segments *segments;
    struct rollup rollup;
    struct labels labels;
    struct queued *held, **held_end; /* taken, not committed; oldest first */
    bool failing, syncing;
    bool stale;        /* the catalogue changed, but could not be read again */
    bool unread;       /* the same of the ledger's balances */
    unsigned failures; /* in a row */
    int64_t saved_ns;  /* when uses of keys were saved last */
    struct upkeep upkeep;
};

/*
 * A question to the reader's thread. Who asks embeds it in what the answer is made of:
 *
 *   run   on the reader's thread, after everything that was pushed before is committed
 *   done  on the asker's loop; it frees
 *
 * One without a loop is the store's own: nobody is told, run alone says when it is asked again.
 */
struct question {
    struct question *next;
    bool again; /* run sets it: it wants another turn, after the others */
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

/* The one evaluation that is worked on (evaluations.c). It belongs to whoever has the question: the reader's
 * thread, or while `saving` the writer's. */
struct evaluations {
    struct question q;
    _Atomic unsigned noticed; /* above 0: the question is on its way, or its result is being saved */
    bool busy;                /* with the one that the rest is about */
    bool readable, saving, finished;
    enum err saved;
    struct arena arena;
    struct uuid uuid;
    int64_t gateway;
    struct str account, slug, settings;
    struct evaluation work;
    struct uuid at; /* the last row that was looked at */
    struct evaluation_sums sums;
    uint64_t save_us; /* when its progress is to be saved */
};

struct store {
    struct queue queue;
    _Atomic int64_t queue_bytes, max_body_bytes, audit_ms; /* 0: for ever */
    _Atomic int64_t max_age_ms;
    _Atomic bool sync, upkeep_due; /* the rules for keeping rows may have changed */
    _Atomic uint64_t rows, commits, refused_rows, deleted_rows, failed_commits, held, segment_bytes;
    _Atomic(const char *) trouble;
    int dir, lock_file;
    struct counters *counters;
    struct key_uses *key_uses;
    struct credits *credits;

    char *path, *master_key, *master_key_file; /* the data directory, and where the master key may be */

    pthread_mutex_t catalog_lock; /* of the next four; a catalogue itself never changes */
    struct keyring keys;
    _Atomic(struct catalog *) catalog; /* written with the lock */
    void (*on_catalog)(void *arg, struct catalog *c);
    void *on_catalog_arg;

    struct writer writer;
    struct reader reader;
    struct evaluations evaluations;
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
/* Any thread. */
void writer_ask(struct store *s, struct row_job *j, struct loop *l);
/* Waits until everything pushed before was committed, or a commit was tried and failed. */
void writer_flush(struct store *s);

/* ---- upkeep.c: the writer's thread ---- */
void upkeep_init(struct upkeep *u);
void upkeep_done(struct upkeep *u);
/* Rows and counters whose gateway is not in the catalogue: deleted just now, or by a process that did not
 * live to finish. */
void upkeep_find_doomed(struct store *s);
/* Some ms of work, if there is any; at the end only what somebody waits for. */
void upkeep_run(struct store *s, bool end);
/* How long until there is some, at most an hour. */
int64_t upkeep_patience_ms(struct store *s);
/* Rows that a gateway takes no more lose their bodies and their place in the log (REC_NO_ROW). */
void upkeep_refuse(struct store *s, struct queued *rows);
/* Within the transaction of a batch: gateways that have too many rows now lose as many of the oldest. */
enum err upkeep_trim(struct store *s, const struct rollup *batch) MUST_CHECK;

/* ---- reader.c ---- */
void reader_init(struct store *s);
bool reader_start(struct store *s, const char *dir, const char **ret_why);
/* Answers what was asked; then the thread is over, but may still be asked, in vain, until reader_done. */
void reader_stop(struct store *s);
void reader_done(struct store *s);
/* The reader's thread: what nobody waits for is to end. */
bool reader_is_stopping(struct store *s);
/* Any thread. */
void reader_ask(struct store *s, struct question *q, struct loop *l);
/* From run of one without a loop: another turn, after the others. It may have begun when this returns. */
void reader_again(struct store *s, struct question *q);

/* ---- evaluations.c ---- */
void evaluations_init(struct store *s);
/* When both threads are over. */
void evaluations_done(struct store *s);
/* There may be a new one. Any thread. */
void evaluations_notice(struct store *s);

/* ---- store.c ---- */
/* The master key's source read again: a key that was rotated is known. The old ring stays when it cannot be.
 */
bool store_read_keys(struct store *s, bool make, const char **ret_why);

/* ---- log_page.c ---- */
/* A page in its own arena. */
struct log_detail *log_detail_new(void);
void log_page_name_gateways(struct log_page *page, const struct catalog *c);
