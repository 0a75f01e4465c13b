/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Origins and the connections to them. A link is one connection; it is on loan to a call, or idle
 * in its origin's stack (the warmest on top), or being opened.
 *
 *   pool_take, or pool_wait ─ on_link        pool_give (to be reused) | pool_drop
 *
 * Opening is not bound to who asked: a link goes to the first in the queue, whether it was just
 * opened or just given back. A link that could not be opened fails the first in the queue.
 * Private to http/.
 */
#pragma once
#include "http/client.h"
#include "http/h1.h"

struct link {
    struct node node;      /* in the pool's links, or its dead */
    struct node idle_node; /* in the origin's idle */
    struct origin *origin;
    struct conn *conn;       /* NULL while it is opened */
    struct connect *connect; /* while it is opened */
    struct h1 *h1;
    struct timer idle_timer;
    struct task open_task; /* opens a link to a service in this process */
    bool reused;           /* it has carried an answer before */
};

struct waiter {
    struct node node; /* in the origin's queue */
    /* link: on loan now. E_OK or why none could be opened. May come before pool_wait returns. */
    void (*on_link)(struct waiter *w, enum err e, struct link *k);
};

struct pool {
    struct loop *loop;
    struct client_limits limits;
    struct tls_client *tls;
    const struct egress *egress;
    struct list origins; /* the most recently used last */
    struct list links, dead;
    struct task sweep;
};

void pool_init(struct pool *p, struct loop *l, const struct client_limits *limits, struct tls_client *tls,
               const struct egress *egress);
/* No link may be on loan. */
void pool_done(struct pool *p);

struct origin *pool_origin(struct pool *p, const struct origin_name *name, struct server *local);
/* A held origin stays, even if it is not the operator's. */
void origin_hold(struct origin *o);
void origin_unhold(struct origin *o);
bool origin_is_opening(const struct origin *o);

/* An idle link, or NULL. */
struct link *pool_take(struct origin *o);
/* Queues for a link; a retry goes first, and gets an idle one only if no other can be had. */
void pool_wait(struct origin *o, struct waiter *w, bool retry);
void pool_leave(struct origin *o, struct waiter *w);
/* The answer was complete, and the peer lets the connection live. */
void pool_give(struct link *k);
void pool_drop(struct link *k);
