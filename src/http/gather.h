/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call for an answer that is small and wanted whole, such as keys and tokens, with a deadline for all of
 * it: who waits for it waits for nothing else. Loop's thread.
 */
#pragma once
#include "base/buf.h"
#include "http/client.h"

struct gather {
    struct call *call; /* NULL: none is under way */
    struct timer deadline;
    struct buf body; /* of the answer; full: it was longer than may be */
    int status;
    void (*on_head)(void *arg, const struct response_head *h); /* may be set by the owner */
    void (*on_done)(void *arg, enum err why);
    void *arg;
};

/*
 * on_done comes once for each start, never before that returns: E_OK when status and body are there,
 * E_TIMED_OUT past the deadline, else why the call failed. None is under way then: another may be started.
 */
void gather_init(struct gather *g, struct loop *l, size_t max, void (*on_done)(void *arg, enum err why),
                 void *arg);
/* None is under way. What req names lives until on_done. ms: for the whole of it. */
void gather_start(struct gather *g, struct client *c, const struct call_request *req, uint64_t ms);
/* Ends the call, if there is one; on_done does not come. */
void gather_stop(struct gather *g);
/* Stops, and lets go of the body. */
void gather_done(struct gather *g);
