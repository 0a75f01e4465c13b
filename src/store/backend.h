/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boundary between the store and a database: everything that speaks SQL is behind these two
 * handles, and nothing else is. The store brings the threads, the queue, the roll-up sums, the
 * segments and the catalogue's look-ups; a back-end brings tables, their migrations and statements.
 *
 * sqlite_logs.c, sqlite_catalog.c and sqlite_objects.c are the back-end there is. A second one implements the
 * same functions and turns this header into a table of pointers, one table a back-end, picked by the storage
 * URL; callers keep their shape. Its handles may hold network connections: all calls but the opens come from
 * the store's two threads, or from a command of its own, and may block.
 *
 * A handle belongs to one thread at a time. Errors are E_DB unless said otherwise; the text of the
 * last one is at *_why (static storage or the handle's).
 */
#pragma once
#include "store/analytics.h"
#include "store/audit.h"
#include "store/counters.h"
#include "store/evaluation.h"
#include "store/label.h"
#include "store/ledger.h"
#include "store/rollup.h"
#include "store/segment.h"
#include "store/store.h"

/* CREATE makes what is missing (files of mode 0600), WRITE and READ want it to exist; READ changes nothing
 * and does not migrate. */
enum db_mode { DB_CREATE, DB_WRITE, DB_READ };

/* ---- logs: rows, roll-ups, counters ---- */
struct log_db;

/* NULL with *ret_why set. */
struct log_db *log_db_open(const char *dir, enum db_mode mode, const char **ret_why);
void log_db_close(struct log_db *db);
const char *log_db_why(struct log_db *db);
/* Whether commits wait for the disk; outside transactions. */
void log_db_set_sync(struct log_db *db, bool sync);

/* One transaction a batch: begin, insert*, add_cell*, add_labels and set_counter*, then commit or rollback. A
 * commit that fails has changed nothing. */
enum err log_db_begin(struct log_db *db) MUST_CHECK;
/* A row whose id is there already changes nothing and is E_OK. */
enum err log_db_insert(struct log_db *db, const struct record *r, const struct body_place *p) MUST_CHECK;
enum err log_db_add_cell(struct log_db *db, const struct rollup *u, const struct rollup_cell *c) MUST_CHECK;
/* What lies beyond the bounds of labels is folded (labels_fold). */
enum err log_db_add_labels(struct log_db *db, struct labels *u) MUST_CHECK;
enum err log_db_set_counter(struct log_db *db, const struct counter_row *r) MUST_CHECK;
enum err log_db_commit(struct log_db *db) MUST_CHECK;
void log_db_rollback(struct log_db *db);

/* Every gateway that has rows or a counter, ascending; into a. */
enum err log_db_gateways(struct log_db *db, struct arena *a, int64_t **ret, size_t *ret_n) MUST_CHECK;
/* A row, for deleting it: seq is never used again while the daemon runs. */
struct log_ref {
    int64_t seq;
    struct uuid id;
};
/* Up to max rows of a gateway whose ids were made before a time, oldest first. */
enum err log_db_oldest(struct log_db *db, int64_t gateway, int64_t before_ms, struct log_ref *refs,
                       size_t max, size_t *ret_n) MUST_CHECK;
/* Deletes those of the rows that are there, and sorts refs. Within a transaction. */
enum err log_db_delete(struct log_db *db, int64_t gateway, struct log_ref *refs, size_t n,
                       int64_t *ret_gone) MUST_CHECK;
/* When its rows are gone: removes some of its roll-ups; E_NOT_FOUND: none is left, nor its counters. */
enum err log_db_forget_gateway(struct log_db *db, int64_t gateway) MUST_CHECK;
int64_t log_db_rows(struct log_db *db, int64_t gateway);
/* E_NOT_FOUND: no such row. Within a transaction. */
enum err log_db_patch(struct log_db *db, int64_t gateway, struct uuid id,
                      const struct log_patch *p) MUST_CHECK;
/* The number of a segment below this one in which no row has bodies; 0: there is none. */
int64_t log_db_empty_segment(struct log_db *db, int64_t below);
/* After the file is gone. */
enum err log_db_forget_segment(struct log_db *db, int64_t number) MUST_CHECK;
/* Removes an hour of one gateway's roll-ups from before a minute (since 1970), in a transaction of its own;
 * E_NOT_FOUND: none was left. */
enum err log_db_trim(struct log_db *db, int64_t before) MUST_CHECK;
/* Notes how many rows each gateway has. Outside transactions. */
enum err log_db_note_sizes(struct log_db *db, int64_t minute) MUST_CHECK;

/* Every counter; into a. */
enum err log_db_counters(struct log_db *db, struct arena *a, struct counter_row **ret,
                         size_t *ret_n) MUST_CHECK;

/* Fills ret (arena initialised by the caller) but for gateway_slug. The error is also in ret->err. */
enum err log_db_list(struct log_db *db, const struct log_query *q, struct log_page *ret);

/*
 * The same in steps of some ms each: E_AGAIN until it is done. The filter and the search of q are the
 * caller's and outlive the scan. `endless`: no pages, every step appends rows that come next; no total.
 */
struct log_scan;
struct log_scan *log_scan_new(struct log_db *db, const struct log_query *q, bool endless);
enum err log_scan_step(struct log_scan *s, struct log_page *page) MUST_CHECK;
/* In place of log_scan_step: the rows themselves, once it says E_OK; they are the scan's. */
enum err log_scan_refs(struct log_scan *s, struct log_ref **ret, size_t *ret_n) MUST_CHECK;
void log_scan_free(struct log_scan *s);
/* The row, E_NOT_FOUND when there is none. gateway 0: any. */
enum err log_db_get(struct log_db *db, int64_t gateway, struct uuid id, struct log_page *ret,
                    struct body_place *ret_place);

/*
 * Adds some (EVALUATION_STEP_ROWS, EVALUATION_STEP_MS) of a gateway's rows, those behind *at in the order of
 * their ids, to the sums, and moves *at (all zero: before the first). E_AGAIN: there may be more.
 */
enum err log_db_evaluate(struct log_db *db, int64_t gateway, const struct evaluation *e, struct uuid *at,
                         struct evaluation_sums *sums) MUST_CHECK;
/* seq of the row that arrived last; 0: there is none. Negative: the database failed. */
int64_t log_db_last_row(struct log_db *db);

/*
 * For queries (analytics_run) on a handle opened to read: for so long, with the names of this catalogue.
 * Borrowed; over with log_db_analytics(db, NULL, 0).
 */
struct analytics *log_db_analytics(struct log_db *db, const struct catalog *c, int64_t for_ms);

/* ---- the ledger (ledger.h), in the database of the rows ---- */
/* The charge of a record, within a batch's transaction. A second one of its id changes nothing. E_FULL: the
 * balance would leave what 63 bits can count. */
enum err log_db_charge(struct log_db *db, const struct record *r, int64_t *ret_balance) MUST_CHECK;
/* Any entry, in a transaction of its own. */
enum err log_db_book(struct log_db *db, const struct ledger_entry *e, int64_t *ret_balance) MUST_CHECK;
/* True when another process changed the database since the last call. */
bool log_db_ledger_changed(struct log_db *db);
/* Of every account that has entries. */
enum err log_db_balances(struct log_db *db, void (*on_balance)(void *arg, struct str account, int64_t pico),
                         void *arg) MUST_CHECK;
/* Fills ret (arena initialised by the caller). The error is also in ret->err. */
enum err log_db_ledger(struct log_db *db, const struct ledger_query *q, struct ledger_page *ret);
/* An empty page in its own arena. */
struct ledger_page *ledger_page_new(void);

/* ---- the catalogue: accounts, gateways, objects ---- */
struct catalog_db;

struct catalog_db *catalog_db_open(const char *dir, enum db_mode mode, const char **ret_why);
void catalog_db_close(struct catalog_db *db);
/* A new snapshot with one reference, or NULL. `keys` open its secrets; NULL: they stay closed. */
struct catalog *catalog_db_load(struct catalog_db *db, const struct keyring *keys);
/* True when another process changed the database since the last call. */
bool catalog_db_changed(struct catalog_db *db);

enum err catalog_db_begin(struct catalog_db *db) MUST_CHECK;
enum err catalog_db_commit(struct catalog_db *db) MUST_CHECK;
void catalog_db_rollback(struct catalog_db *db);
/* E_AGAIN: it exists already. */
enum err catalog_db_add_account(struct catalog_db *db, struct str account) MUST_CHECK;
/*
 * All of a set, within the caller's transaction: roll back unless it is E_OK. E_AGAIN: its name (or a token's
 * hash) is taken; E_NOT_FOUND: it, its account, gateway or parent is not there; E_STALE: changed since
 * if_modified.
 */
enum err catalog_db_apply(struct catalog_db *db, const struct change_set *set) MUST_CHECK;
/* Seals every secret under the first key of the ring (key_book.h), within the caller's transaction. */
struct key_book_count;
enum err catalog_db_reseal(struct catalog_db *db, const struct keyring *keys,
                           struct key_book_count *ret) MUST_CHECK;
/* What was replaced shall not stay in the log of changes, if nobody reads it just now. */
void catalog_db_tidy(struct catalog_db *db);
/* What is known of a key's use, beside its settings: nobody changed it, so nothing else about it changes. */
enum err catalog_db_note_use(struct catalog_db *db, int64_t object, int64_t used_ms, bool failing) MUST_CHECK;
/* Deletes lines of the audit log that are older, the oldest 200 at most, within the caller's transaction. */
enum err catalog_db_forget(struct catalog_db *db, int64_t before_ms) MUST_CHECK;
/* A page of the audit log. ret's arena is initialised by the caller. The error is also in ret->err. */
enum err catalog_db_audit(struct catalog_db *db, const struct audit_query *q, struct audit_page *ret);
