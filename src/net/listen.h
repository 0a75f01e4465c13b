/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets with SO_REUSEPORT, one per worker on the same address. Loop's thread. */
#pragma once
#include "net/conn.h"

struct listener;

/*
 * Accepts connections on addr; each is handed over with its TLS handshake done when tls is given
 * (connections that fail it vanish). port 0 takes a free one: see listener_port. `max` live
 * connections at most: beyond it they wait in the kernel's queue. E_IO with errno's reason
 * otherwise (*ret_why static text).
 */
enum err listener_new(struct loop *l, const struct addr *addr, struct tls_server *tls, unsigned max,
                      uint64_t handshake_ms, void (*on_conn)(void *arg, struct conn *c), void *arg,
                      struct listener **ret, const char **ret_why) MUST_CHECK;
uint16_t listener_port(const struct listener *l);
/* New handshakes use this context from now on (certificate reload). */
void listener_set_tls(struct listener *l, struct tls_server *tls);
/* What it uses now; borrowed. NULL: plain connections. */
const struct tls_server *listener_tls(const struct listener *l);
/* Stops accepting; connections already handed over live on. */
void listener_close(struct listener *l);
