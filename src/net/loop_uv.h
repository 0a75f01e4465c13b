/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of net/ share about the loop; nothing outside net/ includes this. */
#pragma once
#include "net/loop.h"

#include <uv.h>

struct conn;

uv_loop_t *loop_uv(struct loop *l);

/* The last act of every libuv callback: flush, tasks, until both are empty. */
void loop_settle(struct loop *l);
/* conn.c: one more connection, or one fewer. */
void loop_count_conn(struct loop *l, int change);
/* Flushes now: before memory that written views point to is used again. */
void loop_flush(struct loop *l);
/* c has something to flush: conn_flush(c) is called before the callback's end. */
void loop_add_dirty(struct loop *l, struct conn *c);

/* Where reads land, NET_READ_BYTES; where TLS puts plaintext, as large; and NET_RECORD_BYTES where
 * small pieces are joined into one TLS record. */
char *loop_read_space(struct loop *l);
char *loop_plain_space(struct loop *l);
char *loop_join_space(struct loop *l);

/* The loop's resolver cache (dns.c), made on first use. */
struct dns *loop_dns(struct loop *l);

/* conn.c: writes what was gathered since the last flush. Returns the next dirty connection. */
struct conn *conn_flush(struct conn *c);
void conn_set_next_dirty(struct conn *c, struct conn *next);
