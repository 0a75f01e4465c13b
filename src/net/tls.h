/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS contexts and the per-connection engine (memory in, memory out: the socket is conn.c's).
 * OpenSSL inside. Contexts may be shared between threads; engines and sessions belong to one
 * loop.
 */
#pragma once
#include "base/buf.h"

struct tls_server;  /* certificate and key, from files */
struct tls_client;  /* trust store */
struct tls_session; /* what the last connection to an origin left for resumption */

/* Reads PEM files. On failure *ret_why gets a static or thread-local text for the operator. */
struct tls_server *tls_server_new(const char *cert_file, const char *key_file, const char **ret_why);
/*
 * Another certificate and its key, for clients that ask for one of its names (RFC 6066 section 3); the first
 * one is for everybody else. Before the context is used. False: *ret_why as above.
 */
bool tls_server_add(struct tls_server *s, const char *cert_file, const char *key_file, const char **ret_why);
/* What a client that asks for a name is shown. */
struct tls_certificate {
    bool named;      /* it is for that name: clients accept it, if they trust who signed it */
    int64_t ends_ms; /* wall clock; 0: it does not say */
};
/* `name` is a host name, not empty. Any thread. */
struct tls_certificate tls_server_certificate(const struct tls_server *s, struct str name);
/* Counted: connections outlive a reload. */
struct tls_server *tls_server_ref(struct tls_server *s);
void tls_server_unref(struct tls_server *s);

/* Verifies peers against ca_file, NULL as above; or against the system's trust store, which is read
 * when the first connection needs it. */
struct tls_client *tls_client_new(const char *ca_file, const char **ret_why);
/* After the last connection of any thread; NULL is fine. */
void tls_client_free(struct tls_client *c);

/* A slot serves one server name: a resumed handshake does not check the name again. */
struct tls_session *tls_session_new(void);
void tls_session_free(struct tls_session *s);

/* ---- the engine, used by conn.c only ---- */
struct tls;
struct tls *tls_accept(struct tls_server *s);
/* server_name is sent (unless an address) and verified. `session` may be NULL. */
struct tls *tls_connect(struct tls_client *c, struct str server_name, struct tls_session *session);
void tls_free(struct tls *t);
/* Gives ciphertext to the engine. */
void tls_feed(struct tls *t, struct str ciphertext);
/* Goes on with the handshake: E_OK done, E_AGAIN needs more input, E_TLS failed. */
enum err tls_handshake(struct tls *t);
/* Next plaintext into out: *ret_n bytes; E_AGAIN: none now, E_EOF: close-notify, E_TLS: broken. */
enum err tls_read(struct tls *t, char *out, size_t cap, size_t *ret_n);
enum err tls_write(struct tls *t, struct str plaintext);
void tls_shutdown(struct tls *t);
/* Ciphertext to send: a view, valid until the next call; tls_sent drops it. */
struct str tls_output(struct tls *t);
void tls_sent(struct tls *t, size_t n);
/* 0x0303 for TLS 1.2, 0x0304 for 1.3. */
int tls_version(const struct tls *t);
/* Why the last call failed, for the operator; static or thread-local text. */
const char *tls_why(void);
