/* SPDX-License-Identifier: Apache-2.0 */
/* How connect.c and listen.c make connections; nothing outside net/ includes this. */
#pragma once
#include "net/conn.h"
#include "net/loop_uv.h"

/* An unconnected TCP handle; give it a socket through conn_tcp, then conn_open. */
struct conn *conn_new(struct loop *l, int family);
uv_tcp_t *conn_tcp(struct conn *c);
/* The socket is connected: no-delay on, reading starts when a callback owner is set. */
void conn_open(struct conn *c);
/* Wraps a connected, non-blocking socket. Closes fd on failure. */
enum err conn_from_fd(struct loop *l, int fd, struct conn **ret) MUST_CHECK;

/* Runs the handshake of t (now c's); on_done once, from the loop. The owner of c is set after it. */
void conn_start_tls(struct conn *c, struct tls *t, void (*on_done)(void *arg, enum err e), void *arg);

/* on_gone runs when c's memory goes: a listener counts its connections by it. */
void conn_on_gone(struct conn *c, void (*on_gone)(void *arg), void *arg);

/* libuv's code for a failed connect or read, as ours. */
enum err conn_err(int uv_code);
