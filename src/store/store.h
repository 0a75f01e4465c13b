/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data at rest. One interface, back-ends behind it (backend.h); SQL never runs on a worker.
 *
 *   DATA/weir.db        all that people configure (struct catalog), and the audit log
 *   DATA/master.key     what stored provider keys are sealed under, unless it is elsewhere (master_key.h)
 *   DATA/logs.db        one row per attempt, minute roll-ups, rate limit counters, the ledger
 *   DATA/bodies/N.seg   bodies, compressed a batch at a time (segment.h)
 *
 * Threads: one writer (rows, changes) and one reader (queries). Workers push records without
 * blocking and get query results as messages.
 */
#pragma once
#include "net/loop.h"
#include "store/audit.h"
#include "store/catalog.h"
#include "store/counters.h"
#include "store/credits.h"
#include "store/ledger.h"
#include "store/log_filter.h"

struct store;

struct store_options {
    const char *dir;             /* created when missing, mode 0700 */
    int64_t queue_bytes;         /* memory for waiting records; beyond it bodies are shed */
    int64_t max_body_bytes;      /* longer bodies are not stored; at most 1 GiB */
    bool sync;                   /* fsync every commit */
    int64_t audit_days;          /* how long lines of the audit log are kept; 0: for ever */
    int64_t max_age_days;        /* older rows are deleted; 0: they stay */
    const char *account;         /* made when it is missing; NULL: a random one when there is none */
    const char *root_token;      /* its token, stored unless it is; NULL: a random one for a new account */
    const char *master_key;      /* text of a keyring; NULL: */
    const char *master_key_file; /* read again at each change; NULL or empty: see master_key.h */
};

/* What this start made, for the operator to read once; empty: nothing (or a token the operator gave). */
struct store_first {
    char account[33];
    char token[128];
};

/*
 * Opens or creates the data directory, migrates, starts the threads. One process a directory. NULL
 * with *ret_why set (thread-local, for the operator).
 */
struct store *store_open(const struct store_options *o, struct store_first *ret_first, const char **ret_why);
/* Takes over queue_bytes, max_body_bytes, sync, audit_days and max_age_days. Any thread. */
void store_reload(struct store *s, const struct store_options *o);
/*
 * Answers the queries that were asked, commits all that was pushed, then stops the threads. Nobody may
 * push or ask any more; loops that acks and answers go to must still be there. Returns the number of
 * rows that could not be written: 0 unless the disk refused them to the last.
 */
uint64_t store_close(struct store *s);

/* ---- catalogue ---- */
/* The current snapshot, with a reference for the caller. Any thread. */
struct catalog *store_catalog(struct store *s);
/* Is this it? One atomic load: cheap enough to be asked for every request. Any thread. */
bool store_is_current(struct store *s, const struct catalog *c);
/* Called on the store's thread with each new snapshot (the callee takes its own reference). Set before
 * workers start. */
void store_on_catalog(struct store *s, void (*fn)(void *arg, struct catalog *c), void *arg);
/* Re-reads weir.db if another process changed it. Any thread, returns at once. */
void store_poll(struct store *s);

/* ---- rate limits ---- */
/* The gateways' counters, as the last start left them. They live as long as the store; any thread. What was
 * counted before a row was pushed is on disk when that row is. */
struct counters *store_counters(struct store *s);

/* ---- the ledger ---- */
/* What accounts have left. Lives as long as the store; any thread. */
struct credits *store_credits(struct store *s);
/* Adds an entry that is no charge of a call: charges come with their records. `done` runs on l: E_OK with the
 * balance after it, on disk; E_FULL: it would leave what 63 bits can count; E_DB. */
void store_book(struct store *s, const struct ledger_entry *e, struct loop *l,
                void (*done)(void *arg, enum err e, int64_t balance), void *arg);
/* On the reader's thread, after everything that was pushed. `done` runs on l, once, and owns the page. */
void store_read_ledger(struct store *s, const struct ledger_query *q, struct loop *l,
                       void (*done)(void *arg, struct ledger_page *page), void *arg);

/* ---- log rows ---- */
/*
 * Queues a row. Copies every str of r, takes the bodies over. Never blocks, never fails; under
 * pressure bodies are dropped and flagged, rows are not. Any thread. `ack` (may be NULL) is sent to
 * `l` once the row is committed (on disk when sync).
 */
void store_push(struct store *s, const struct record *r, struct loop *l, struct msg *ack);

struct store_stats {
    uint64_t rows, commits, refused_rows, deleted_rows, shed_bodies, queued_rows, queued_bytes, segment_bytes,
        failed_commits;
    const char *trouble; /* why the last commit failed (static text); NULL: it did not */
};
struct store_stats store_stats(struct store *s);

/* ---- queries: run on the reader thread, answered on the caller's loop ---- */
enum log_order {
    ORDER_CREATED,
    ORDER_PROVIDER,
    ORDER_MODEL,
    ORDER_MODEL_TYPE,
    ORDER_SUCCESS,
    ORDER_CACHED,
    ORDER_COST,
    ORDER_TOKENS_IN,
    ORDER_TOKENS_OUT,
    ORDER_TOKENS,
    ORDER_DURATION,
    ORDER_FEEDBACK,
    ORDER_COUNT
};

struct log_query {
    int64_t gateway; /* 0: every gateway (weir logs), ORDER_CREATED is then the order of arrival */
    int64_t page, per_page;
    enum log_order order;
    bool ascending;
    /* Empty: all. Part of id, event id, model, provider, path, metadata; ASCII case ignored. */
    struct str search;
    struct log_filter filter;
    bool meta; /* fill the page's meta */
    /* Tail: rows that reached the log after this one, in that order, whatever `order` says. A call that
     * began earlier but ended later is among them. All zero: not a tail. */
    struct uuid after;
};

/* A row as read back. Strs live in the result's arena; texts that were empty have p == NULL. */
struct log_row {
    struct record r; /* bodies empty; see log_detail */
    struct str gateway_slug;
    struct str id_text;
    double feedback, score; /* NAN: not set */
    struct str note;
    bool has_request, has_response;
};

/* The smallest and largest values of the rows a query is about; min > max: none has one. Of a large log it is
 * what zones say, which may be a little wider. */
struct log_meta {
    struct zone_range ranges[ZONE_RANGES];
};
void log_meta_clear(struct log_meta *m);
void log_meta_add(struct log_meta *m, enum zone_number which, const struct zone_range *r);

struct log_page {
    struct arena arena;
    enum err err;
    struct log_row *rows;
    size_t n, cap; /* cap: while it is filled */
    int64_t total;
    bool estimated; /* the total: too many rows would have to be looked at */
    struct log_meta meta;
};

/*
 * Everything pushed before the call is in the answer (read your writes), unless commits fail. Pages
 * count from 1; one past the end is empty. E_FULL: too deep for an order other than that of time. `done` runs
 * on l, once, and owns the page (log_page_free).
 */
void store_list_logs(struct store *s, const struct log_query *q, struct loop *l,
                     void (*done)(void *arg, struct log_page *page), void *arg);
void log_page_free(struct log_page *page);
/* One row with its bodies: n is 1, or 0 when there is none (err E_NOT_FOUND); bodies are in the arena as
 * raw bytes. A body that is damaged counts as not stored. gateway 0: any. */
struct log_detail {
    struct log_page page;
    struct str request, response; /* p == NULL: not stored */
};
void store_get_log(struct store *s, int64_t gateway, struct uuid id, bool with_bodies, struct loop *l,
                   void (*done)(void *arg, struct log_detail *d), void *arg);
void log_detail_free(struct log_detail *d);

/*
 * All rows a query is about, in its order of time, some at a time; pages and totals are ignored. Rows that
 * arrive later are not among them. `rows` runs on l once for each call of open and next; page->n may be
 * smaller than what is to come, 0 with `more` never. The callee owns the page.
 */
struct log_export;
struct log_export *store_export_open(struct store *s, const struct log_query *q, struct loop *l,
                                     void (*rows)(void *arg, struct log_page *page, bool more), void *arg);
/* After rows was called. */
void store_export_next(struct log_export *e);
/* Not while a call of rows is awaited. `closed` runs on l when nothing refers to l any more. */
void store_export_close(struct log_export *e, void (*closed)(void *arg));

/*
 * The row that arrived last, after everything that was pushed is committed: rows of an evaluation that is
 * made now have this number at most (evaluation.h). Negative: the store failed. Evaluations of the catalogue
 * are worked off in the background (evaluations.c).
 */
void store_last_row(struct store *s, struct loop *l, void (*done)(void *arg, int64_t row), void *arg);

/* ---- changes of rows: run on the writer thread ---- */
/* What people add to a row. NAN: no rating. The metadata replaces the map but for the entries whose keys
 * begin with "cf."; p == NULL: none. An empty note is none. */
struct log_patch {
    bool has_feedback, has_score, has_metadata, has_note;
    double feedback, score;
    struct str metadata, note;
};
/* E_OK, E_NOT_FOUND, E_DB. */
void store_patch_log(struct store *s, int64_t gateway, struct uuid id, const struct log_patch *p,
                     struct loop *l, void (*done)(void *arg, enum err e), void *arg);
/* Deletes the rows of the query's page (per_page: how many at most), a few at a time so that new rows need
 * not wait. Bodies go when their segment has none of any other row. E_OK, E_FULL (store_list_logs), E_DB:
 * some may be gone. */
void store_delete_logs(struct store *s, const struct log_query *q, struct loop *l,
                       void (*done)(void *arg, enum err e), void *arg);

/* The same for a process of its own (weir logs), with or without a running daemon: opens logs.db
 * read-only and answers at once. *ret is the caller's; log_page_free frees what is in it. */
struct log_reader;
struct log_reader *log_reader_open(const char *dir, const char **ret_why);
void log_reader_list(struct log_reader *r, const struct log_query *q, struct log_page *ret);
/* All rows of a query, some at a time: E_AGAIN while there may be more. The page is the caller's, in any
 * case; the query's filter and search outlive the walk. */
struct log_walk;
struct log_walk *log_reader_walk(struct log_reader *r, const struct log_query *q);
enum err log_walk_next(struct log_walk *w, struct log_page *ret);
void log_walk_free(struct log_walk *w);
void log_reader_close(struct log_reader *r);

/* ---- changes: run on the writer thread, a new snapshot is published before `done` runs ---- */
/*
 * Applies a set, all or nothing. Everything is copied. `done` runs on l (NULL: the writer's thread), once:
 * E_OK, E_NOT_FOUND, E_AGAIN (a name is taken), E_STALE (changed since if_modified), E_DB. A gateway that is
 * created without settings gets the defaults of `default`; deleting one also removes its objects, and its
 * rows, a few at a time in the background.
 */
void store_change(struct store *s, const struct change_set *set, struct loop *l,
                  void (*done)(void *arg, enum err e), void *arg);
/* Seals a secret for an object (struct change: secret). p == NULL past the arena's cap. Any thread. */
struct str store_seal(struct store *s, struct arena *a, const struct uuid *object, struct secret plain);
/* The same for something that is no object's: bound to a text, which opening it needs. Any thread. */
struct str store_seal_for(struct store *s, struct arena *a, struct str about, struct secret plain);
/* E_CREDENTIAL: sealed by nobody here, for something else, or damaged; E_FULL past the arena's cap. */
enum err store_unseal(struct store *s, struct arena *a, struct str about, struct str sealed,
                      struct secret *ret) MUST_CHECK;
/* A page of the audit log. `done` runs on l, once, and owns the page (audit_page_free). */
void store_list_audit(struct store *s, const struct audit_query *q, struct loop *l,
                      void (*done)(void *arg, struct audit_page *page), void *arg);

/* ---- accounts and tokens from the shell: open weir.db directly, no threads ---- */
struct token_book;
struct token_book *token_book_open(const char *dir, const char **ret_why);
/*
 * Makes a token with the account, name, permissions, bounds and gateways of spec; its text appears here and
 * nowhere else, ever. E_NOT_FOUND: no such account.
 */
enum err token_create(struct token_book *b, const struct token *spec, char ret_text[128],
                      int64_t *ret_id) MUST_CHECK;
/* Gives a token a new text; the old one is worth nothing from now on. */
enum err token_roll(struct token_book *b, int64_t id, char ret_text[128]) MUST_CHECK;
enum err token_revoke(struct token_book *b, int64_t id) MUST_CHECK;
/* Makes an account with its gateway `default` and a token that may do everything. id empty: a random one.
 * E_SYNTAX: the id is none; E_AGAIN: it is taken. */
enum err account_create(struct token_book *b, struct str id, struct store_first *ret) MUST_CHECK;
/* The current catalogue, read fresh; the caller's. */
struct catalog *token_book_catalog(struct token_book *b);
void token_book_close(struct token_book *b);
