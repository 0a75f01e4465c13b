/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A txn is one client request and everything done on its behalf. It lives in its exchange's arena,
 * on one worker. Fields are grouped by the question they answer; "by" names the only writer.
 *
 * Life: txn_new (front.c) ─ steps inwards ─ events outwards ─ finish: leaves in reverse ─ free.
 * The runner (txn.c) alone moves `entered`, `resume` and `cancel`; at most one operation is pending.
 */
#pragma once
#include "gateway/attempt.h"
#include "gateway/health.h"
#include "gateway/policy.h"
#include "gateway/retry.h"
#include "gateway/step.h"
#include "gateway/worker.h"
#include "providers/codec.h"
#include "providers/credential.h"
#include "providers/request.h"
#include "store/counters.h"
#include "store/respcache.h"

struct identity;
struct provider_key;

/* What a call with the operator's key may use at most, about, and what is reserved for it. By unified.c. */
struct unified_hold {
    int64_t input, output; /* tokens */
    int64_t pico;
    bool reserved;
};
struct issuer_wait;

enum { TXN_STEPS = 12 };

/* Through which door a request came: how models are named, and how faults are worded (rest.h). */
enum face {
    FACE_GATEWAY, /* /v1/{account}/{gateway}/... */
    FACE_PREVIEW, /* its run call */
    FACE_RUN,     /* the REST host from here on */
    FACE_CHAT,
    FACE_RESPONSES,
    FACE_MESSAGES,
    FACE_EMBEDDINGS,
    FACE_UNKNOWN, /* a path it does not have */
};

/* One provider + model + credential + body that could answer. By plan. */
struct target {
    int step; /* index in the plan, as the client sees it */
    const struct provider *provider;
    struct operation op;
    struct upstream_url url;
    bool local;             /* the sandbox answers */
    bool compat;            /* its endpoint found the provider by the model */
    struct str rest, query; /* raw */
    struct str method;
    struct headers headers; /* that go on to the provider */
    struct str body;        /* whole; empty while the client's is streamed through */
    bool body_json;
    struct request_facts facts;
    struct translation *translation;     /* the provider speaks another dialect; NULL: it does not */
    struct ir_strs left_out;             /* members that the provider refuses; of its own dialect */
    struct buf own_body;                 /* that body is a view of, where it is not the client's */
    struct parts *parts;                 /* the answer takes several calls; NULL: one. By parts.c */
    struct options options;              /* of the request, with a step's over them */
    bool vouched;                        /* a step's credential was a gateway token */
    const struct provider_key *stored;   /* the key that is used, where the request brings none. By byok */
    const struct credential *credential; /* what it says; NULL: it cannot be read */
    const struct provider_key *unified;  /* the operator's, as there is no other; NULL. By unified */
    struct unified_hold hold;
    struct policy policy; /* what follows from them and the gateway's settings */
    enum { CACHED_OFF, CACHED_MISS, CACHED_HIT, CACHED_SHARED } cache; /* by cache */
    struct cache_key key;                                              /* unless CACHED_OFF */
    struct target_id health; /* by upstream, where health is watched */
};

struct txn {
    struct exchange *x;
    struct arena *arena;
    struct worker *w;

    /* snapshots, for life; by txn_new, and by auth when it made the gateway */
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
    enum face face;
    struct str account, gateway_slug, provider_slug, rest;
    bool universal;   /* no provider in the path: the body names them */
    bool tls_too_old; /* for the host that was asked */
    bool picture;     /* run is asked for one; by rest.c */

    /* who; by auth */
    const struct gateway *gateway;
    const struct token *token;
    const struct identity *identity; /* whom a token of the issuer names, where there is no gateway token */
    struct issuer_wait *issuer_wait; /* for the issuer's keys */
    struct maker *maker;             /* makes the gateway `default` */
    struct headers forward;          /* the client's header lines that may go on to a provider */
    bool cors;                       /* a browser asks: expose the gateway's headers */

    /* what; by decode */
    struct buf body;
    enum { BODY_NONE, BODY_BUFFERING, BODY_STREAMING, BODY_WHOLE } body_state;
    bool body_json;
    int64_t body_bytes;

    /* plan; by plan */
    struct target *targets;
    size_t n_targets;
    size_t n_made;              /* targets that hold memory; more than n_targets when planning failed */
    const struct codec *speaks; /* compat: errors of ours are said in its dialect; NULL: the envelope */
    struct timer deadline;      /* for the first byte to the client */
    uint64_t deadline_ms;       /* of the loop's clock; 0: none */

    /* the cache's part in the current target; by cache */
    struct cache_use *cache;

    /* limits; by admit */
    bool admitted;

    /* attempts; by attempt.c, for cache, admit and upstream */
    struct attempt **attempts;
    size_t n_attempts, cap_attempts;
    struct step_times times; /* for the next one's row; by timeline.c */
    enum log_step turn;      /* what takes time now, likewise */

    /* the pending call; by upstream */
    struct call *call;
    struct gcp_wait *gcp;
    struct timer timer;         /* of an attempt: its first byte, the pause after it, the rest of a failure */
    struct buf asking_body;     /* the target's body with the question for usage spliced in */
    bool asking;                /* asking_body is the current target's */
    enum retry_verdict verdict; /* on the last attempt */
    int64_t pause_ms;           /* before the next one */

    /* progress; by txn.c only */
    const struct step *entered[TXN_STEPS];
    size_t n_entered, n_request_steps;
    size_t at; /* next row of the table we are in */
    bool in_target;
    size_t target; /* index of the one being tried */
    enum next (*resume)(struct txn *t);
    void (*cancel)(struct txn *t);
    struct task finish_task;
    bool finishing;

    /* answer; by txn.c, decode's sink, and whoever is the source of events */
    struct sink *sinks;
    struct sink encoder;
    void (*drain)(struct txn *t); /* the source: the client takes more */
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
    bool final;              /* the fault is the whole request's: no other target may be tried */

    struct trace *trace; /* for weir-trace; NULL: nobody asked. By trace.c */
};

/* Of the path, where that rules, else of the body; empty: not known. */
static inline struct str target_model(const struct target *target)
{
    return target->op.model.n ? target->op.model : target->facts.model;
}

static inline struct target *txn_target(const struct txn *t)
{
    return &t->targets[t->target];
}

/* ---- the runner ---- */
/* Starts a txn that front.c has filled in. */
void txn_run(struct txn *t);
/* The operation a step waited for is over: calls its continuation and goes on. */
void txn_resume(struct txn *t);
/* A step waits: `resume` is called by txn_resume, `cancel` when the txn ends before that. */
enum next txn_wait(struct txn *t, enum next (*resume)(struct txn *t), void (*cancel)(struct txn *t));
/* The same operation is over, and the events it caused are the answer: nothing is to be resumed. */
void txn_settled(struct txn *t);
/* Notes the first fault; returns DONE for `return txn_fail(...)`. detail may be empty. In a target's steps
 * the next target is tried, if there is one. */
enum next txn_fail(struct txn *t, enum err e, struct str detail);
/* The same for a fault that no other target could mend. */
enum next txn_refuse(struct txn *t, enum err e, struct str detail);
/* From a callback, with nothing pending: the current target has failed, the next one is tried. There is one,
 * and nothing was sent to the client. */
void txn_next_target(struct txn *t);
bool txn_has_more_targets(const struct txn *t);
/* From a callback: fails and ends the txn. Before the first byte the client gets an error answer,
 * after it a cut connection. */
void txn_break(struct txn *t, enum err e, struct str detail);
/* The client left or drain's deadline came. Goes on to the end of the answer while others wait for it. */
void txn_abort(struct txn *t, enum err why);
/* The answer is complete (or cut): leaves run after this callback, once. */
void txn_finish(struct txn *t);

/* ---- the answer ---- */
/* Hands an event to the innermost sink; builds the chain of taps on the first one. */
enum flow txn_emit(struct txn *t, const struct event *ev);
/* The client takes more: tells the source. */
void txn_drain(struct txn *t);
