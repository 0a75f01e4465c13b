/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A txn is one client request and everything done on its behalf. It lives in its exchange's arena,
 * on one worker. Fields are grouped by the question they answer; "by" names the only writer.
 *
 * Life: txn_new (front.c) ─ steps inwards ─ events outwards ─ finish: leaves in reverse ─ free.
 * The runner (txn.c) alone moves `entered`, `resume` and `cancel`; at most one operation is pending.
 */
#pragma once
#include "gateway/options.h"
#include "gateway/step.h"
#include "gateway/worker.h"
#include "providers/aws_stream.h"
#include "providers/request.h"
#include "store/spool.h"

enum { TXN_STEPS = 12, TXN_TARGETS = 32, TXN_ATTEMPTS = 8 };

/* One provider + model + credential that could answer. */
struct target {
    const struct provider *provider;
    struct operation op;
    struct upstream_url url;
    bool local;             /* the sandbox answers */
    struct str rest, query; /* raw */
    int step;               /* index in the plan, as the client sees it */
};

/* One call to a provider; becomes one log row. By upstream. */
struct attempt {
    const struct target *target;
    struct uuid log_id;
    int number;    /* try within the step, from 0 */
    int status;    /* 0: no answer came */
    enum err err;  /* why it ended early */
    bool answered; /* the answer came to its end */
    uint64_t started_us, first_byte_us, ended_us;
    uint64_t head_ms; /* of the loop's clock */
    struct str content_type;
    int64_t response_bytes;
    struct buf capture; /* a whole answer's body, for metering and the log */
    struct spool spool; /* a streamed one, for the log */
    bool capturing, capture_lost;
    enum { FRAME_NONE, FRAME_SSE, FRAME_AWS } framing;
    struct sse sse;
    struct aws_stream aws;
    struct meter meter;
};

struct txn {
    struct exchange *x;
    struct arena *arena;
    struct worker *w;

    /* snapshots, for life; by txn_new */
    struct view *view;
    const struct settings *settings; /* the view's */
    const struct catalog *catalog;

    /* identity; by record */
    struct uuid id;
    char id_text[UUID_TEXT];
    struct str event_id, trace_id;
    int64_t created_ms;
    struct options options;

    /* where: pieces of the path, raw; by txn_new */
    struct str account, gateway_slug, provider_slug, rest;

    /* who; by auth */
    const struct gateway *gateway;
    const struct token *token;
    struct headers forward; /* the client's header lines that may go on to a provider */
    bool cors;              /* a browser asks: expose the gateway's headers */

    /* what; by decode */
    struct buf body;
    enum { BODY_NONE, BODY_BUFFERING, BODY_STREAMING, BODY_WHOLE } body_state;
    bool body_json;
    int64_t body_bytes;
    struct request_facts facts;
    struct buf asking_body; /* body with the question for usage spliced in; by upstream */
    bool strip_usage;       /* the client did not ask for the usage chunk that the provider was asked for */

    /* plan; by plan */
    struct target targets[1]; /* a native path has one */
    size_t n_targets;

    /* attempts; by upstream */
    struct attempt *attempts[TXN_ATTEMPTS];
    size_t n_attempts;
    struct call *call;
    struct gcp_wait *gcp;

    /* progress; by txn.c only */
    const struct step *entered[TXN_STEPS];
    size_t n_entered;
    size_t at; /* next row of the table we are in */
    bool in_target;
    size_t target; /* index of the one being tried */
    enum next (*resume)(struct txn *t);
    void (*cancel)(struct txn *t);
    struct task finish_task;
    bool finishing;

    /* answer; by txn.c and decode's sink */
    struct sink *sinks;
    struct sink encoder;
    bool committed, held, ended, gone;
    int answer_status;
    int64_t answer_bytes;

    /* durability: sync; by decode's sink */
    bool has_last;
    char last; /* the last byte of the answer so far, held back */
    struct msg ack;
    int acks; /* rows whose commit the last byte waits for */
    bool end_waits;

    /* outcome */
    enum err fault;
    struct str fault_detail; /* says more than the phrase; never a secret */
};

/* ---- the runner ---- */
/* Starts a txn that front.c has filled in. */
void txn_run(struct txn *t);
/* The operation a step waited for is over: calls its continuation and goes on. */
void txn_resume(struct txn *t);
/* A step waits: `resume` is called by txn_resume, `cancel` when the txn ends before that. */
enum next txn_wait(struct txn *t, enum next (*resume)(struct txn *t), void (*cancel)(struct txn *t));
/* Notes the first fault; returns DONE for `return txn_fail(...)`. detail may be empty. */
enum next txn_fail(struct txn *t, enum err e, struct str detail);
/* From a callback: fails and ends the txn. Before the first byte the client gets an error answer,
 * after it a cut connection. */
void txn_break(struct txn *t, enum err e, struct str detail);
/* The client left or drain's deadline came. */
void txn_abort(struct txn *t, enum err why);
/* The answer is complete (or cut): leaves run after this callback, once. */
void txn_finish(struct txn *t);

/* ---- the log ---- */
/* Will this request leave rows? The gateway's setting, unless a header says otherwise. */
bool txn_is_logged(const struct txn *t);

/* ---- the answer ---- */
/* Hands an event to the innermost sink; builds the chain of taps on the first one. */
enum flow txn_emit(struct txn *t, const struct event *ev);
