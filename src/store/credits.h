/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What accounts have left for Unified Billing, so that calls which run at the same time cannot spend the same
 * dollar. Any thread; one lock, held for a look-up and an addition: these calls are limited to a few a
 * second.
 *
 *   left = booked - pending - reserved
 *
 *   booked    the ledger's balance, as the writer knows it
 *   pending   charges of calls that are over, on their way to the ledger
 *   reserved  what calls that are running may cost
 *
 * A restart begins with what is booked: calls that ran then are gone, and what was pending was committed, or
 * lost together with its rows.
 */
#pragma once
#include "base/base.h"
#include "base/str.h"

struct credits;

struct credits *credits_new(void);
void credits_free(struct credits *c); /* accepts NULL */

/*
 * Reserves for a call what it may cost, if that is left; or whatever is left, if no other call runs: then a
 * call costs too much by itself, and not because it is one of many. False: nothing is reserved.
 */
bool credits_reserve(struct credits *c, struct str account, int64_t pico);
/* The call is over; its charges were noted before. */
void credits_release(struct credits *c, struct str account, int64_t pico);
/* A charge of a call, before its record is pushed. */
void credits_charge(struct credits *c, struct str account, int64_t pico);
/* What could be reserved now; 0 or less: nothing. */
int64_t credits_left(struct credits *c, struct str account);

/* ---- the writer's thread ---- */
/* A charge that was noted is in the ledger, whose balance is this now. */
void credits_committed(struct credits *c, struct str account, int64_t pico, int64_t balance);
/* The ledger's balance is this, whoever changed it. */
void credits_post(struct credits *c, struct str account, int64_t balance);
