/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server (server.c: services, exchanges, drain) and the protocols it speaks (server_h1.c)
 * share. A wire is one client connection that speaks one protocol version; it makes exchanges,
 * tells their services what arrives, and is told through `ops` what to answer.
 *
 *   free ── exchange_take ── head arriving ── exchange_announce ── exchange_close ── released ── free
 *
 * Memory that an answer's bytes may lie in (arena, scratch) is used again only by `sweep`, a task,
 * and so after the bytes were flushed. Private to http/.
 */
#pragma once
#include "http/scratch.h"
#include "http/server.h"

struct wire;

struct wire_ops {
    /* the answer */
    void (*head)(struct exchange *x, int status, const struct headers *h, int64_t length);
    enum flow (*write)(struct exchange *x, struct str piece);
    void (*end)(struct exchange *x); /* these two lead to exchange_close */
    void (*abort)(struct exchange *x);
    size_t (*queued)(const struct exchange *x);
    void (*resume)(struct exchange *x);
    /* the connection */
    void (*drain)(struct wire *w); /* close when there is no exchange */
    void (*cut)(struct wire *w);   /* close now */
    void (*free)(struct wire *w);
};

struct wire {
    struct node node; /* in the server's wires, or its dead */
    const struct wire_ops *ops;
    struct server *server;
    struct conn *conn;
    bool dead;
};

struct exchange {
    struct node node; /* in the server's spare or released */
    struct server *server;
    struct wire *wire; /* NULL: none any more, nothing is written */
    const struct service *service;
    void *service_arg, *user;
    struct arena arena;
    struct request_head request;
    struct str peer;
    int tls; /* version; 0: none */
    uint64_t started;
    int64_t left;   /* of the announced length; LENGTH_UNKNOWN */
    bool announced; /* the service has it */
    bool closed;    /* ended, aborted or gone: no callback comes any more */
    bool head_sent, bodyless;
};

enum { DATE_LINE = 37 };

struct server {
    struct loop *loop;
    struct server_limits limits;
    const struct server_route *routes;
    size_t n_routes;
    void (*render)(struct buf *out, enum err e);
    struct list wires, dead_wires;
    struct list spare, released;
    size_t busy; /* exchanges announced and not closed */
    size_t held; /* exchanges not released: the server's memory waits for them */
    struct task sweep;
    struct scratch scratch;
    int64_t date_s;
    char date[DATE_LINE + 1];
    void (*on_empty)(void *arg);
    void *on_empty_arg;
    bool draining, freed;
};

struct exchange *exchange_take(struct wire *w);
/* The head is complete: finds the service. False when there is none for the path. */
bool exchange_route(struct exchange *x);
void exchange_announce(struct exchange *x);
/* No further callback; the wire lets go of it. An exchange that was not announced is free then. */
void exchange_close(struct exchange *x);
/* As exchange_close, and the service is told. */
void exchange_lose(struct exchange *x, enum err why);
/* "Date: ...\r\n", made once a second. */
struct str server_date(struct server *s);
/* After the flush: the scratch is emptied, what was released is used again. */
void server_sweep_later(struct server *s);

void wire_init(struct wire *w, const struct wire_ops *ops, struct server *s, struct conn *c);
/* The connection is closed; w is freed after the current callback. */
void wire_gone(struct wire *w);

void server_h1_accept(struct server *s, struct conn *c);
