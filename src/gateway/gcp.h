/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google access tokens: one cache per worker, one exchange per service account at a time (data
 * plane 33.3). Loop's thread.
 */
#pragma once
#include "gateway/worker.h"
#include "providers/sign.h"

struct gcp_cache;
struct gcp_wait;

struct gcp_cache *gcp_cache_new(struct worker *w);
void gcp_cache_free(struct gcp_cache *c);

/*
 * Asks for a token of the account; fields of `account` are copied. on_ready runs once from the loop,
 * never before this returns; then gcp_result must be called, which ends the wait.
 */
struct gcp_wait *gcp_exchange(struct worker *w, const struct gcp_account *account,
                              void (*on_ready)(void *arg), void *arg);
void gcp_cancel(struct gcp_wait *wait);
/* The token, copied into the arena; E_CREDENTIAL when Google refused, or the network's error. */
enum err gcp_result(struct gcp_wait *wait, struct arena *a, struct secret *ret) MUST_CHECK;
