/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side: connections in, exchanges out. An exchange is one request and its answer,
 * whatever the protocol version; services see only exchanges.
 *
 *   on_request ─ on_body* ─ on_body_end        (request)
 *   exchange_head ─ exchange_write* ─ exchange_end   (answer, may start at any time)
 *
 * Rules
 *  - The service holds the exchange from on_request until it calls exchange_release; it must do so
 *    exactly once, after exchange_end, exchange_abort or on_gone. The arena lives as long.
 *  - After on_gone, and after exchange_end or exchange_abort, no other callback comes.
 *  - Answering before the request's body has arrived is legal: the rest is read away up to a
 *    limit, then the connection is closed.
 *  - HEAD: the service answers as if it were GET; body bytes are dropped here.
 *  - Loop's thread only.
 */
#pragma once
#include "http/http.h"
#include "net/conn.h"

struct exchange;
struct server;

struct service {
    /* The head is complete. Set exchange_user; the body comes later. */
    void (*on_request)(void *service, struct exchange *x);
    /* A piece of the body; memory is the loop's. HOLD: no more until exchange_body_resume. */
    enum flow (*on_body)(void *service, struct exchange *x, struct str piece);
    void (*on_body_end)(void *service, struct exchange *x);
    /* After exchange_write said HOLD: the client has taken enough. */
    void (*on_drain)(void *service, struct exchange *x);
    /* The client left, or its request broke (E_TOO_LARGE, E_BODY_TIMEOUT: already answered). */
    void (*on_gone)(void *service, struct exchange *x, enum err why);
    /* Of what its route's prefix matches, which requests are its; NULL: all. By the head alone. */
    bool (*claims)(void *service, const struct request_head *head);
};

struct server_limits {
    size_t max_head_bytes;
    int64_t max_body_bytes;
    uint64_t head_timeout_ms; /* from the first byte of a head, or the connection's start, to its end */
    uint64_t body_timeout_ms; /* between two pieces of a body; also for a client that reads nothing */
    uint64_t idle_timeout_ms; /* between requests on a connection */
};

/* Which service answers: first entry whose prefix matches the path ("" matches all). One '*' in it stands for
 * a segment. */
struct server_route {
    struct str prefix;
    const struct service *service;
    void *arg;
};

/* What the server answers by itself (framing faults) is rendered by `render`: it appends a JSON
 * body for the fault to out. `routes` is borrowed for the server's life. */
struct server *server_new(struct loop *l, const struct server_limits *limits,
                          const struct server_route *routes, size_t n_routes,
                          void (*render)(struct buf *out, enum err e));
/* Takes over a connection. */
void server_accept(struct server *s, struct conn *c);
/* Replaces the limits (reload); they apply to the next request on each connection. */
void server_set_limits(struct server *s, const struct server_limits *limits);
/* Closes idle connections now, others after their current exchange; on_empty once none is left.
 * Last bytes may still be under way then: let the loop run out rather than stopping it. */
void server_drain(struct server *s, void (*on_empty)(void *arg), void *arg);
/* Cuts what is left; services hear on_gone(E_CLIENT_GONE). Exchanges may be released afterwards, while
 * the loop lives. Accepts NULL. */
void server_free(struct server *s);
/* Live connections, and those of them with an exchange. */
size_t server_conns(const struct server *s);
size_t server_busy(const struct server *s);

const struct request_head *exchange_request(const struct exchange *x);
struct arena *exchange_arena(struct exchange *x);
struct str exchange_peer(const struct exchange *x);
/* Does the server only wait for its exchanges to end? One that could go on for ever should end by itself
 * then. */
bool exchange_is_ending(const struct exchange *x);
/* The version of TLS the client speaks: 0x0303 for 1.2, 0x0304 for 1.3; 0: none. */
int exchange_tls(const struct exchange *x);
void *exchange_user(const struct exchange *x);
void exchange_set_user(struct exchange *x, void *user);
/* Microseconds (clock_us) at which the head was complete. */
uint64_t exchange_started(const struct exchange *x);

/*
 * Starts the answer, status 200 or above. Header lines are written as given, in order, except
 * Content-Length and hop-by-hop lines (http.h), which are the server's; Date is added when absent.
 * length LENGTH_UNKNOWN: chunked (HTTP/1.0: until close). The strs are copied. All four functions
 * of the answer do nothing after on_gone.
 */
void exchange_head(struct exchange *x, int status, const struct headers *h, int64_t length);
/* A piece of the answer's body; memory as for conn_write: it must outlive the loop's callback, in
 * which several callbacks of this header may come. HOLD: wait for on_drain. */
enum flow exchange_write(struct exchange *x, struct str piece);
/* The same for bytes that do not live as long, such as a carried sse_event. */
enum flow exchange_write_copy(struct exchange *x, struct str piece);
/* The answer is complete. Having written less than the announced length is an abort. */
void exchange_end(struct exchange *x);
/* Cuts the connection so that the client sees an incomplete answer; what was written is sent. */
void exchange_abort(struct exchange *x);
/* The whole answer in one call: head, body, end. content_type may be empty. */
void exchange_reply(struct exchange *x, int status, struct str content_type, struct str body);
bool exchange_head_sent(const struct exchange *x);
/* Bytes of answer the client has not taken yet. */
size_t exchange_queued(const struct exchange *x);
void exchange_body_resume(struct exchange *x);
/*
 * Where the next n bytes of the body may be read to (conn_read_into): on_body's piece then lies there
 * already. Only for a body of known length, not beyond its end. Holds until the exchange ends, or
 * another place (or NULL) is given; a protocol that frames bodies ignores it.
 */
void exchange_read_into(struct exchange *x, char *space, size_t n);
/* The service is done with x. */
void exchange_release(struct exchange *x);
