/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker knows of the process settings: the configuration with all that is derived from it,
 * as one immutable snapshot. A txn keeps the snapshot it started with. Reference-counted; any thread.
 */
#pragma once
#include "gateway/signin.h"
#include "http/client.h"
#include "http/server.h"
#include "providers/price_rules.h"
#include "providers/prices.h"

struct settings {
    const struct conf *conf; /* owned */
    struct prices *prices;
    struct price_rules *rules; /* NULL: none */
    struct signin *signin;     /* NULL: people cannot sign in but with tokens */
    struct server_limits server;
    struct client_limits client;
    bool sync; /* durability: sync */
    _Atomic int refs;
};

/* Takes conf over. NULL with *ret_why (thread-local) when the price catalogue, a price rule, a network, a
 * provider's origin or what is said about identities is not usable. */
struct settings *settings_new(struct conf *conf, const char **ret_why);
struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s);

/* The operator's origin for a provider, empty when the row's own applies. */
struct str settings_origin(const struct settings *s, struct str slug);
/* May streams of this provider be asked for usage? */
bool settings_asks_usage(const struct settings *s, struct str slug);
