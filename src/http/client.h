/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side: one request to a provider, over a pooled connection.
 *
 *   call_start ─ [call_send* ─ call_send_end] ─ on_head ─ on_body* ─ on_end | on_fail
 *
 * Rules
 *  - Exactly one of on_end and on_fail comes, never before call_start returns; after it, and after
 *    call_cancel, the call is gone and no callback comes.
 *  - Pools are per worker and per origin. An idle connection that the peer closed before the first
 *    byte of an answer is retried once on another connection, for free, if the request's body is
 *    whole in memory (RFC 9110 section 9.2.2 does not allow it for a body already streamed).
 *  - Loop's thread only.
 */
#pragma once
#include "http/http.h"
#include "http/server.h"
#include "net/conn.h"

struct client; /* per worker */
struct origin; /* scheme, host, port and their pool */
struct call;

struct client_limits {
    uint64_t connect_timeout_ms;     /* DNS + TCP + TLS */
    uint64_t first_byte_timeout_ms;  /* request sent .. first byte of the answer; 0: none */
    uint64_t stream_idle_timeout_ms; /* between two pieces of an answer; 0: none */
    uint64_t pool_idle_timeout_ms;   /* an idle connection is closed after this */
    unsigned pool_max_conns;         /* per origin and worker; callers beyond it queue for as long as
                                      * connecting may take, then E_POOL_FULL */
    unsigned pool_max_idle;
    size_t max_head_bytes;
};

/* `tls` and `egress` are borrowed for the client's life. */
struct client *client_new(struct loop *l, const struct client_limits *limits, struct tls_client *tls,
                          const struct egress *egress);
void client_set_limits(struct client *c, const struct client_limits *limits);
/* Every call must have ended. Closes idle connections. */
void client_free(struct client *c);

/* Where to connect. Same values, same origin (and pool). The strs are copied. An origin that is not
 * trusted may be forgotten when no call uses it: look it up for each call. */
struct origin_name {
    bool tls;
    struct str host;
    uint16_t port;
    bool trusted; /* configured by the operator: the egress rule does not apply */
};
struct origin *client_origin(struct client *c, const struct origin_name *name);
/* An origin answered inside this process, by a service on the same loop. Lives as the client. */
struct origin *client_local_origin(struct client *c, struct str name, struct server *server);

struct call_events {
    /* the final answer's; interim ones (1xx) are skipped. Memory of h lives until the call ends */
    void (*on_head)(void *owner, struct call *c, const struct response_head *h);
    /* HOLD: no more until call_resume; the provider is slowed down */
    enum flow (*on_body)(void *owner, struct call *c, struct str piece);
    void (*on_end)(void *owner, struct call *c);
    void (*on_fail)(void *owner, struct call *c, enum err why);
    /* after call_send said HOLD */
    void (*on_drain)(void *owner, struct call *c);
};

struct call_request {
    struct origin *origin;
    struct str method, target, host; /* host: the Host line's value */
    const struct headers *headers;   /* written as given, but for Host, Expect, Content-Length and
                                      * hop-by-hop lines, which are the client's */
    struct str body;                 /* whole body, unless streamed */
    bool streamed;                   /* the body comes through call_send */
    int64_t length;                  /* of a streamed body; LENGTH_UNKNOWN: chunked */
    uint64_t first_byte_timeout_ms;  /* 0: the client's */
};
/* Everything in req, bytes included, must live until the call ends. */
struct call *call_start(struct client *c, const struct call_request *req, const struct call_events *events,
                        void *owner);
/* A piece of a streamed body; memory as for conn_write once connected, copied before. */
enum flow call_send(struct call *c, struct str piece);
void call_send_end(struct call *c);
void call_resume(struct call *c);
/* The owner has read the answer's head, whose memory goes back now: for answers that stay for long. From
 * on_head on. */
void call_forget_head(struct call *c);
/* Ends the call; its connection is not reused. Accepts NULL. */
void call_cancel(struct call *c);

/* What happened so far, clock_us; 0 when not yet. For the record's timeline. */
struct call_times {
    uint64_t connected, sent, first_byte;
    bool reused;
};
struct call_times call_times(const struct call *c);
/* For metrics. */
size_t client_open_conns(const struct client *c);
