/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Name resolution off the loop (the resolver's threads), with a cache per loop. Private to net/.
 */
#pragma once
#include "net/addr.h"
#include "net/loop.h"

struct dns;
struct dns_query;

struct dns *dns_new(struct loop *l);
void dns_free(struct dns *d);

/*
 * Resolves host; on_done runs once from the loop, never before this returns, with addresses in the
 * order to try them (families alternate, RFC 8305 section 4) and port 0. E_DNS when there is none.
 * The array is valid during the call.
 */
struct dns_query *dns_lookup(struct dns *d, struct str host,
                             void (*on_done)(void *arg, enum err e, const struct addr *v, size_t n),
                             void *arg);
void dns_cancel(struct dns_query *q);
