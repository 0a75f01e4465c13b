/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL between two memory buffers. conn.c moves the ciphertext; nothing here touches a socket.
 *
 *   socket ── tls_feed ──> in ── SSL ── tls_read ──> plaintext
 *   socket <── tls_output ── out ── SSL <── tls_write ── plaintext
 */
#include "net/tls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct tls_server {
    SSL_CTX *ctx;
    SSL_CTX **more; /* for the names in their certificates */
    size_t n_more;
    _Atomic int refs;
};

/* Without a file of its own the context is made on first use: a gateway that has only plain upstreams
 * never loads the trust store. */
struct tls_client {
    SSL_CTX *ctx;
    pthread_mutex_t making;
};

struct tls_session {
    SSL_SESSION *last;
    int refs; /* the origin's and one per live connection: tickets may come late */
};

struct tls {
    SSL *ssl;
    BIO *in, *out;
    struct tls_session *session;
};

/* "http/1.1" in the wire form of RFC 7301 */
static const unsigned char alpn_list[] = "\x08http/1.1";

static _Thread_local char why[256];

const char *tls_why(void)
{
    return why[0] ? why : "no reason given";
}

static void note_why(void)
{
    unsigned long code = ERR_peek_last_error();
    if (code)
        ERR_error_string_n(code, why, sizeof(why));
    ERR_clear_error();
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
                   unsigned in_n, void *arg)
{
    (void)ssl;
    (void)arg;
    unsigned char *picked;
    if (SSL_select_next_proto(&picked, out_n, alpn_list, sizeof(alpn_list) - 1, in, in_n) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 section 3.2 */
    *out = picked;
    return SSL_TLSEXT_ERR_OK;
}

static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls *t = SSL_get_app_data(ssl);
    if (!t->session)
        return 0;
    SSL_SESSION_free(t->session->last);
    t->session->last = session;
    return 1; /* the reference is ours */
}

static SSL_CTX *ctx_new(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    must(ctx != NULL);
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    return ctx;
}

/* NULL with *ret_why set when the files are no certificate and its key. */
static SSL_CTX *server_ctx(const char *cert_file, const char *key_file, const char **ret_why)
{
    SSL_CTX *ctx = ctx_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1) {
        note_why();
        SSL_CTX_free(ctx);
        *ret_why = tls_why();
        return NULL;
    }
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    return ctx;
}

static bool is_for(SSL_CTX *ctx, struct str name)
{
    return X509_check_host(SSL_CTX_get0_certificate(ctx), name.p, name.n, 0, NULL) == 1;
}

/* RFC 6066 section 3: the certificate that is for the name the client asks for, else the first one. */
static SSL_CTX *ctx_for(const struct tls_server *s, struct str name)
{
    for (size_t i = 0; i < s->n_more; i++)
        if (is_for(s->more[i], name))
            return s->more[i];
    return s->ctx;
}

static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    (void)alert;
    const struct tls_server *s = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX *ctx = name && name[0] ? ctx_for(s, str_c(name)) : s->ctx;
    if (ctx != s->ctx)
        SSL_set_SSL_CTX(ssl, ctx);
    return SSL_TLSEXT_ERR_OK;
}

struct tls_certificate tls_server_certificate(const struct tls_server *s, struct str name)
{
    SSL_CTX *ctx = ctx_for(s, name);
    struct tm end = {0};
    bool known = ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(ctx)), &end) == 1;
    return (struct tls_certificate){.named = is_for(ctx, name),
                                    .ends_ms = known ? (int64_t)timegm(&end) * 1000 : 0};
}

struct tls_server *tls_server_new(const char *cert_file, const char *key_file, const char **ret_why)
{
    SSL_CTX *ctx = server_ctx(cert_file, key_file, ret_why);
    if (!ctx)
        return NULL;
    struct tls_server *s = mem_zalloc(sizeof(*s));
    s->ctx = ctx;
    s->refs = 1;
    return s;
}

bool tls_server_add(struct tls_server *s, const char *cert_file, const char *key_file, const char **ret_why)
{
    SSL_CTX *ctx = server_ctx(cert_file, key_file, ret_why);
    if (!ctx)
        return false;
    s->more = mem_realloc(s->more, (s->n_more + 1) * sizeof(*s->more));
    s->more[s->n_more++] = ctx;
    SSL_CTX_set_tlsext_servername_callback(s->ctx, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(s->ctx, s);
    return true;
}

struct tls_server *tls_server_ref(struct tls_server *s)
{
    if (s)
        atomic_fetch_add(&s->refs, 1);
    return s;
}

void tls_server_unref(struct tls_server *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    SSL_CTX_free(s->ctx);
    for (size_t i = 0; i < s->n_more; i++)
        SSL_CTX_free(s->more[i]);
    mem_free(s->more);
    mem_free(s);
}

static SSL_CTX *client_ctx(const char *ca_file, const char **ret_why)
{
    SSL_CTX *ctx = ctx_new(TLS_client_method());
    int ok =
        ca_file ? SSL_CTX_load_verify_locations(ctx, ca_file, NULL) : SSL_CTX_set_default_verify_paths(ctx);
    if (ok != 1) {
        note_why();
        SSL_CTX_free(ctx);
        *ret_why = tls_why();
        return NULL;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_new_session);
    must(SSL_CTX_set_alpn_protos(ctx, alpn_list, sizeof(alpn_list) - 1) == 0);
    return ctx;
}

struct tls_client *tls_client_new(const char *ca_file, const char **ret_why)
{
    SSL_CTX *ctx = ca_file ? client_ctx(ca_file, ret_why) : NULL;
    if (ca_file && !ctx)
        return NULL;
    struct tls_client *c = mem_zalloc(sizeof(*c));
    must(pthread_mutex_init(&c->making, NULL) == 0);
    c->ctx = ctx;
    return c;
}

/* The context, made now if this is its first use; NULL when there is no usable trust store. */
static SSL_CTX *ctx_of(struct tls_client *c)
{
    const char *ignored;
    pthread_mutex_lock(&c->making);
    if (!c->ctx)
        c->ctx = client_ctx(NULL, &ignored);
    pthread_mutex_unlock(&c->making);
    return c->ctx;
}

void tls_client_free(struct tls_client *c)
{
    if (!c)
        return;
    SSL_CTX_free(c->ctx);
    pthread_mutex_destroy(&c->making);
    mem_free(c);
}

struct tls_session *tls_session_new(void)
{
    struct tls_session *s = mem_zalloc(sizeof(*s));
    s->refs = 1;
    return s;
}

void tls_session_free(struct tls_session *s)
{
    if (!s || --s->refs > 0)
        return;
    SSL_SESSION_free(s->last);
    mem_free(s);
}

static struct tls *engine_new(SSL_CTX *ctx)
{
    struct tls *t = mem_zalloc(sizeof(*t));
    t->ssl = SSL_new(ctx);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    must(t->ssl && t->in && t->out);
    BIO_set_mem_eof_return(t->in, -1);
    BIO_set_mem_eof_return(t->out, -1);
    SSL_set_bio(t->ssl, t->in, t->out);
    SSL_set_app_data(t->ssl, t);
    return t;
}

struct tls *tls_accept(struct tls_server *s)
{
    struct tls *t = engine_new(s->ctx);
    SSL_set_accept_state(t->ssl);
    return t;
}

/* Verification goes by the name, or by the address when the name is one; SNI only by name. */
static bool expect_name(SSL *ssl, struct str server_name)
{
    char name[256];
    if (server_name.n == 0 || server_name.n >= sizeof(name))
        return false;
    memcpy(name, server_name.p, server_name.n);
    name[server_name.n] = '\0';
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1)
        return true;
    ERR_clear_error();
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct tls *tls_connect(struct tls_client *c, struct str server_name, struct tls_session *session)
{
    SSL_CTX *ctx = ctx_of(c);
    if (!ctx)
        return NULL;
    struct tls *t = engine_new(ctx);
    if (!expect_name(t->ssl, server_name)) {
        tls_free(t);
        return NULL;
    }
    t->session = session;
    if (session) {
        session->refs++;
        if (session->last)
            SSL_set_session(t->ssl, session->last);
    }
    SSL_set_connect_state(t->ssl);
    return t;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    /* without this a connection that ends without close-notify would forget its session */
    SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(t->ssl);
    tls_session_free(t->session);
    mem_free(t);
}

void tls_feed(struct tls *t, struct str ciphertext)
{
    must(ciphertext.n <= INT_MAX);
    if (ciphertext.n)
        must(BIO_write(t->in, ciphertext.p, (int)ciphertext.n) == (int)ciphertext.n);
}

static enum err ssl_result(struct tls *t, int result)
{
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_NONE: return E_OK;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return E_AGAIN;
    case SSL_ERROR_ZERO_RETURN: return E_EOF;
    default: break;
    }
    long verdict = SSL_get_verify_result(t->ssl);
    note_why();
    if (verdict != X509_V_OK)
        snprintf(why, sizeof(why), "certificate refused: %s", X509_verify_cert_error_string(verdict));
    return E_TLS;
}

enum err tls_handshake(struct tls *t)
{
    ERR_clear_error();
    return ssl_result(t, SSL_do_handshake(t->ssl));
}

enum err tls_read(struct tls *t, char *out, size_t cap, size_t *ret_n)
{
    size_t n = 0;
    ERR_clear_error();
    int ok = SSL_read_ex(t->ssl, out, cap, &n);
    if (ok != 1)
        return ssl_result(t, ok);
    *ret_n = n;
    return E_OK;
}

enum err tls_write(struct tls *t, struct str plaintext)
{
    while (plaintext.n) {
        size_t n = 0;
        ERR_clear_error();
        int ok = SSL_write_ex(t->ssl, plaintext.p, plaintext.n, &n);
        if (ok != 1) {
            (void)ssl_result(t, ok); /* for tls_why: a memory buffer never makes us wait */
            return E_TLS;
        }
        plaintext = str_from(plaintext, n);
    }
    return E_OK;
}

void tls_shutdown(struct tls *t)
{
    ERR_clear_error();
    (void)SSL_shutdown(t->ssl); /* what it wrote is in the out buffer; the peer's part is not waited for */
    ERR_clear_error();
}

struct str tls_output(struct tls *t)
{
    char *p = NULL;
    long n = BIO_get_mem_data(t->out, &p);
    return str_of(p, n > 0 ? (size_t)n : 0);
}

void tls_sent(struct tls *t, size_t n)
{
    if (n == tls_output(t).n) {
        (void)BIO_reset(t->out);
        return;
    }
    char drop[4096];
    while (n) {
        int got = BIO_read(t->out, drop, n < sizeof(drop) ? (int)n : (int)sizeof(drop));
        must(got > 0);
        n -= (size_t)got;
    }
}

int tls_version(const struct tls *t)
{
    return SSL_version(t->ssl);
}
