/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: one thread, one loop, and everything that loop's requests share. Workers share nothing
 * with each other but what is immutable, atomic, or a message.
 *
 *   worker_new (main) ─ worker_serve per route set (main) ─ loop_run (its thread) ─ worker_drain ─
 * worker_free
 */
#pragma once
#include "gateway/settings.h"
#include "gateway/stats.h"
#include "net/listen.h"
#include "store/store.h"

struct flights;
struct gcp_cache;
struct health;
struct issuer;
struct oidc;
struct respcache;

enum { WORKER_DOORS = 2 };

/*
 * The snapshots requests are served by. Settings and catalogue are shared between workers and counted
 * atomically; a view is one worker's own, so that a request counts without a locked instruction.
 */
struct view {
    struct settings *settings;
    struct catalog *catalog;
    struct customs *customs; /* the catalogue's custom providers */
    size_t refs;
};
/* Loop's thread. */
struct view *view_ref(struct view *v);
void view_unref(struct view *v);

/* A listener and the server behind it. */
struct door {
    struct listener *listener;
    struct server *server;
    bool empty; /* drained */
};

struct worker {
    struct loop *loop;
    struct client *client;
    struct store *store;
    struct respcache *cache; /* borrowed; set before the loop runs, NULL: none */
    struct view *view;       /* current */
    struct origin *mock;     /* the sandbox; NULL when it is off */
    struct health *health;   /* of targets; borrowed as the cache is, NULL: nobody watches */
    struct flights *flights; /* answers on their way into the cache */
    struct gcp_cache *gcp;
    struct oidc *oidc;     /* NULL: no identity tokens */
    struct issuer *people; /* who lets people in to the dashboard, as the settings have it; NULL: nobody */
    struct uuid_source ids;
    struct stats stats;
    size_t live; /* txns not yet freed: also those that wait for a commit; questions of such that have left */
    struct egress egress;
    struct network *networks;

    struct door doors[WORKER_DOORS];
    size_t n_doors;
    bool draining;
    struct timer drain_poll, drain_deadline;
    size_t (*busy_elsewhere)(void *arg); /* other questions that must be answered before the loop may end */
    void *busy_arg;
};

/* Takes references to the snapshots; store and tls are borrowed. Its loop does not run yet. */
struct worker *worker_new(struct settings *settings, struct store *store, struct catalog *catalog,
                          struct tls_client *tls);
/* The loop has ended. Accepts NULL. */
void worker_free(struct worker *w);

/*
 * Opens a door: listens on addr and serves the routes there. Before the loop runs, or on its
 * thread. E_IO with *ret_why (static text) when the address cannot be had.
 */
enum err worker_open(struct worker *w, const struct addr *addr, struct tls_server *tls, unsigned max_conns,
                     const struct server_route *routes, size_t n_routes, const char **ret_why) MUST_CHECK;

/* New settings, from any thread: they hold for requests that come after. Takes references. */
void worker_send_settings(struct worker *w, struct settings *s, struct tls_server *tls);
/* From any thread: the store has a new catalogue. An idle worker lets go of its old one then. */
void worker_send_catalog(struct worker *w);
/*
 * On the worker's loop, before a request: takes the store's catalogue if it is another. The message may still
 * be on its way when who made a change has its answer already and makes a request here.
 */
void worker_catch_up(struct worker *w);
/* From any thread: stop accepting, let requests end until the settings' deadline, then end the loop. */
void worker_send_drain(struct worker *w);
