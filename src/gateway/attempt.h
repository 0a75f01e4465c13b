/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attempt at an answer: a call to a provider, a cached answer, or a refusal by the gateway itself.
 * Each becomes one log row. Here its body is metered and captured for the log, where the bytes are still
 * the provider's own.
 */
#pragma once
#include "base/clock.h"
#include "base/crypto.h"
#include "http/client.h"
#include "providers/aws_stream.h"
#include "providers/usage.h"
#include "store/log_steps.h"
#include "store/record.h"
#include "store/spool.h"

struct txn;
struct target;

enum answered_by { BY_PROVIDER, BY_CACHE, BY_GATEWAY };

struct attempt {
    const struct target *target;
    struct uuid log_id;
    enum answered_by by;
    int number;       /* try within the step, from 0 */
    struct str body;  /* that was sent, of a target with parts */
    int status;       /* 0: no answer came */
    enum err err;     /* why it ended early */
    bool answered;    /* the answer came to its end */
    bool settled;     /* usage is read, what the log does not want is gone */
    bool strip_usage; /* the client did not ask for the usage chunk that the provider was asked for */
    bool until_close; /* the answer's end is the connection's: nobody can tell whether it is complete */
    uint64_t started_us, first_byte_us, ended_us;
    struct step_times times; /* until it began, and what it waited for since; nothing: no row is left */
    struct call_times call;  /* when it was over */
    bool called;             /* there was one */
    uint64_t head_ms;        /* of the loop's clock */
    struct str content_type;
    int64_t response_bytes;
    struct buf capture; /* a whole answer's body, for metering and the log */
    struct spool spool; /* a streamed one, for the log */
    struct buf edited;  /* an event without what only the gateway asked for */
    bool capturing, capture_lost;
    enum { FRAME_NONE, FRAME_SSE, FRAME_AWS } framing;
    struct sse sse;
    struct aws_stream aws;
    struct meter meter;
    struct {
        bool reckoned, known, custom;
        int64_t pico;
    } cost;             /* of a provider's answer; by cost.c */
    int64_t saved_pico; /* what an answer of the cache cost when it was made; RECORD_NULL: unknown, or none */
};

/* Begins an attempt at t's current target; NULL past the arena's cap. */
struct attempt *attempt_new(struct txn *t, enum answered_by by);
/* The one that was begun last; there is one. */
struct attempt *attempt_last(const struct txn *t);
/* The answer's head: decides once what is done with its body. */
void attempt_head(struct txn *t, struct attempt *a, const struct response_head *h);
/* A piece of the body, for the log. Framing and metering of streams are the caller's. */
void attempt_capture(struct txn *t, struct attempt *a, struct str piece);
/* The body's end: reads usage and errors from what is whole. May be called early, and again. */
void attempt_settle(struct txn *t, struct attempt *a);
/* A row for a refusal at the current target, with this fault. */
void attempt_refused(struct txn *t, enum err e);
