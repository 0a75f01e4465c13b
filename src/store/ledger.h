/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger of Unified Billing (docs/unified-billing.md): what accounts paid in, and what calls made with
 * the operator's keys cost them. In logs.db, because a charge is committed with the row of its call or not at
 * all.
 *
 *   entry    what happened, and the balance after it; numbered by account, never changed, never deleted
 *   balance  that of the account's last entry
 *   usage    charges summed by hour, provider and model, written with them
 *
 * Money is in pico-dollars.
 */
#pragma once
#include "base/arena.h"
#include "base/crypto.h"

enum ledger_kind { LEDGER_TOPUP = 1, LEDGER_CHARGE = 2, LEDGER_CORRECTION = 3 };

/* What one entry may add or take: a million dollars. */
#define LEDGER_ENTRY_PICO ((int64_t)1000 * 1000 * 1000 * 1000 * 1000 * 1000)

struct ledger_entry {
    struct uuid id; /* of a charge: its call's id in the log. Of two entries with one id the second is none */
    struct str account;
    enum ledger_kind kind;
    int64_t at_ms;
    int64_t amount_pico;  /* what it adds to the balance; a charge is negative */
    int64_t balance_pico; /* read back: after it */
    int64_t gateway;      /* of a charge: internal id */
    struct str provider, model;
    struct str actor, note; /* of others: who booked it, and why */
};

enum ledger_span { LEDGER_HOUR, LEDGER_DAY, LEDGER_MONTH };

struct ledger_query {
    struct str account;
    int64_t page, per_page; /* of top-ups and corrections, newest first; per_page 0: none of them */
    bool sums;              /* what was charged, oldest first */
    enum ledger_span span;
    bool by_model;
    int64_t since_ms, before_ms; /* hours that begin since <= begin < before */
    const struct uuid *id;       /* only the entry with this id, in place of a page; NULL: any */
};

/* Calendar months and days are UTC's. */
struct ledger_sum {
    int64_t begin_ms;
    struct str provider, model; /* p == NULL unless by_model */
    int64_t calls, amount_pico; /* what they cost, positive */
};

struct ledger_page {
    struct arena arena;
    enum err err;
    int64_t balance_pico;
    struct ledger_entry *entries;
    size_t n_entries;
    int64_t total; /* top-ups and corrections there are */
    struct ledger_sum *sums;
    size_t n_sums;
};
/* Accepts NULL. */
void ledger_page_free(struct ledger_page *p);

/* ---- `weir credits`: the ledger of a data directory, whether a daemon has it open or not ---- */
struct ledger_book;
/* NULL with *ret_why set. The daemon has made the directory. */
struct ledger_book *ledger_book_open(const char *dir, const char **ret_why);
void ledger_book_close(struct ledger_book *b);
/* On disk when it returns. E_FULL: the balance would leave what 63 bits can count. */
enum err ledger_book_add(struct ledger_book *b, const struct ledger_entry *e,
                         int64_t *ret_balance) MUST_CHECK;
/* The caller's. */
struct ledger_page *ledger_book_read(struct ledger_book *b, const struct ledger_query *q);
