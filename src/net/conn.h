/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte stream: TCP, TLS over TCP, or one end of a socket pair. Reading is pushed to the owner;
 * writing is gathered and flushed once at the end of the current callback.
 *
 *   conn_connect / listener ── on_open ── on_read* ── on_end ── conn_close
 *
 * Rules
 *  - Callbacks never run inside a call of this header, only from the loop.
 *  - After on_end no other callback comes. After conn_close or conn_finish none comes at all, and
 *    the pointer is dead for the owner.
 *  - Loop's thread only.
 */
#pragma once
#include "net/addr.h"
#include "net/loop.h"
#include "net/tls.h"

struct conn;

struct conn_events {
    /* bytes arrived; all of them are consumed by this call, the memory is the loop's */
    void (*on_read)(void *owner, struct conn *c, struct str bytes);
    /* after a HOLD: the queue fell below the low-water mark */
    void (*on_drain)(void *owner, struct conn *c);
    /* the peer closed (E_EOF) or the stream broke; close it */
    void (*on_end)(void *owner, struct conn *c, enum err why);
};

void conn_set_owner(struct conn *c, const struct conn_events *events, void *owner);

/*
 * Queues bytes for writing. Their memory must stay valid until the current callback has returned;
 * what the kernel does not take then is copied. HOLD: more than NET_WRITE_HIGH is queued, wait for
 * on_drain (writing on is allowed and only uses memory). Does nothing after on_end.
 */
enum flow conn_write(struct conn *c, struct str bytes);
/* Bytes queued and not yet taken by the kernel. */
size_t conn_queued(const struct conn *c);

/*
 * The next n bytes are read right into `space`, so that on_read's bytes lie there already and need no
 * copy: for a body whose length is known. It must stay valid until it is filled or taken back with
 * NULL. A TLS connection ignores it.
 */
void conn_read_into(struct conn *c, char *space, size_t n);

/* Stops and resumes reading: backpressure towards the peer. Idempotent. A paused connection does
 * not notice that the peer left, except by a failing write. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);

/* Drops the connection now, queued bytes included. */
void conn_close(struct conn *c);
/* As conn_close, but with a reset (SO_LINGER 0): the peer must not take what it has for complete. */
void conn_reset(struct conn *c);
/* Sends what is queued, then closes in an orderly way (RFC 9112 section 9.6). */
void conn_finish(struct conn *c);

/* 0x0303 for TLS 1.2, 0x0304 for 1.3; 0: plain TCP. */
int conn_tls_version(const struct conn *c);
/* The peer's address without port as text, "unix" for a pair; static per connection. */
struct str conn_peer(const struct conn *c);

/* Two connected ends on one loop, without a network: in-process services and tests. */
enum err conn_pair(struct loop *l, struct conn **ret_a, struct conn **ret_b) MUST_CHECK;

/*
 * Connecting: resolve, race the address families (RFC 8305), TLS handshake. Completes exactly once
 * through on_done, never before returning; connect_cancel prevents it.
 */
struct connect_target {
    struct str host; /* name or address literal, without brackets */
    uint16_t port;
    struct tls_client *tls;      /* NULL: plain TCP. Borrowed until on_done */
    struct tls_session *session; /* resumption slot of this origin; NULL: none. Borrowed likewise */
    struct str server_name;      /* SNI and the name to verify; empty: host */
    const struct egress *egress; /* addresses that are allowed; NULL: all. Borrowed likewise */
    uint64_t timeout_ms;         /* over everything; 0: none */
};
struct connect;
struct connect *conn_connect(struct loop *l, const struct connect_target *target,
                             void (*on_done)(void *arg, enum err e, struct conn *c), void *arg);
void connect_cancel(struct connect *k);
