/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A target whose answer takes several calls: a provider takes fewer texts in one than the client sends. They
 * are made one after the other, each as any call is, with tries, a row and tokens of its own. Good answers
 * are gathered, and handed on as one when the last has come, EMBED_BETWEEN in between; so until then another
 * target may be tried. The cache keeps them together. Loop's thread.
 */
#pragma once
#include "gateway/txn.h"

struct parts;

/*
 * target's own body is n bodies, each up to an offset in `ends` (in the arena). The first becomes
 * target->body. Raises the cap of the arena, the request's, until parts_done. E_FULL past it.
 */
enum err parts_new(struct arena *a, struct target *target, const size_t *ends, size_t n) MUST_CHECK;
/* What a good answer brings. What came of it in a try before is forgotten. */
void parts_head(struct txn *t, struct parts *p, const struct response_head *h);
void parts_body(struct parts *p, struct str piece);
/* The answer has come whole: target->body is the next one. False: that was the last. */
bool parts_next(struct target *target);
/* How many calls a target takes. */
size_t parts_calls(const struct target *target);
/* Emits all of it. Fails the txn when it is too large. */
void parts_deliver(struct txn *t);
/* Frees what the arena does not. */
void parts_done(struct target *target);
