/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepting. libuv holds one accepted socket back until uv_accept is called, and stops accepting
 * meanwhile: leaving it there is how a full listener makes the rest wait in the kernel.
 */
#include "net/listen.h"
#include "net/conn_uv.h"

#include <errno.h>
#include <unistd.h>

struct listener {
    uv_tcp_t tcp;
    struct loop *loop;
    struct tls_server *tls;
    unsigned live, max;
    uint64_t handshake_ms;
    void (*on_conn)(void *arg, struct conn *c);
    void *arg;
    int refs;     /* its own handle, and every live connection */
    bool waiting; /* a socket is held back */
    bool closing;
};

/* A connection whose TLS handshake is under way. */
struct greeting {
    struct listener *listener;
    struct conn *conn;
    struct timer timer;
};

static void unref(struct listener *l)
{
    if (--l->refs > 0)
        return;
    tls_server_unref(l->tls);
    mem_free(l);
}

static void accept_one(struct listener *l);

static void on_conn_gone(void *arg)
{
    struct listener *l = arg;
    l->live--;
    if (l->waiting && !l->closing) {
        l->waiting = false;
        accept_one(l);
    }
    unref(l);
}

static void greeting_end(struct greeting *g)
{
    timer_stop(&g->timer);
    mem_free(g);
}

static void on_handshake(void *arg, enum err e)
{
    struct greeting *g = arg;
    struct listener *l = g->listener;
    struct conn *c = g->conn;
    greeting_end(g);
    if (e != E_OK || l->closing)
        conn_close(c);
    else
        l->on_conn(l->arg, c);
}

static void on_handshake_late(struct timer *t)
{
    struct greeting *g = container_of(t, struct greeting, timer);
    conn_close(g->conn);
    greeting_end(g);
}

static void greet(struct listener *l, struct conn *c)
{
    l->live++;
    l->refs++;
    conn_on_gone(c, on_conn_gone, l);
    if (!l->tls) {
        l->on_conn(l->arg, c);
        return;
    }
    struct greeting *g = mem_zalloc(sizeof(*g));
    g->listener = l;
    g->conn = c;
    timer_init(&g->timer, l->loop, on_handshake_late);
    timer_set(&g->timer, l->handshake_ms);
    conn_start_tls(c, tls_accept(l->tls), on_handshake, g);
}

static void accept_one(struct listener *l)
{
    struct conn *c = conn_new(l->loop, AF_UNSPEC);
    if (uv_accept((uv_stream_t *)&l->tcp, (uv_stream_t *)conn_tcp(c)) != 0) {
        conn_close(c);
        return;
    }
    conn_open(c);
    greet(l, c);
}

static void on_connection(uv_stream_t *s, int status)
{
    struct listener *l = container_of((uv_tcp_t *)s, struct listener, tcp);
    if (status < 0 || l->closing)
        return; /* out of descriptors, or the peer left again: libuv tries later */
    if (l->live >= l->max)
        l->waiting = true;
    else
        accept_one(l);
    loop_settle(l->loop);
}

static int bind_and_listen(struct listener *l, const struct addr *addr)
{
    int fd, on = 1;
    int code = uv_tcp_init_ex(loop_uv(l->loop), &l->tcp, addr->sa.ss_family);
    if (code == 0)
        code = uv_fileno((uv_handle_t *)&l->tcp, &fd);
    if (code == 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
        code = -errno;
    if (code == 0)
        code = uv_tcp_bind(&l->tcp, (const struct sockaddr *)&addr->sa, 0);
    return code == 0 ? uv_listen((uv_stream_t *)&l->tcp, SOMAXCONN, on_connection) : code;
}

static void on_closed(uv_handle_t *h)
{
    unref(container_of((uv_tcp_t *)h, struct listener, tcp));
}

enum err listener_new(struct loop *loop, const struct addr *addr, struct tls_server *tls, unsigned max,
                      uint64_t handshake_ms, void (*on_conn)(void *arg, struct conn *c), void *arg,
                      struct listener **ret, const char **ret_why)
{
    struct listener *l = mem_zalloc(sizeof(*l));
    *l = (struct listener){
        .loop = loop, .max = max, .handshake_ms = handshake_ms, .on_conn = on_conn, .arg = arg, .refs = 1};
    l->tls = tls_server_ref(tls);
    int code = bind_and_listen(l, addr);
    if (code != 0) {
        *ret_why = uv_strerror(code);
        uv_close((uv_handle_t *)&l->tcp, on_closed);
        return E_IO;
    }
    *ret = l;
    return E_OK;
}

uint16_t listener_port(const struct listener *l)
{
    struct addr a = {0};
    int len = sizeof(a.sa);
    must(uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&a.sa, &len) == 0);
    return addr_port(&a);
}

const struct tls_server *listener_tls(const struct listener *l)
{
    return l->tls;
}

void listener_set_tls(struct listener *l, struct tls_server *tls)
{
    struct tls_server *old = l->tls;
    l->tls = tls_server_ref(tls);
    tls_server_unref(old);
}

/* Connections the kernel has completed already were promised an answer: take them all. */
static void take_backlog(struct listener *l)
{
    int listen_fd;
    if (uv_fileno((uv_handle_t *)&l->tcp, &listen_fd) != 0)
        return;
    if (l->waiting)
        accept_one(l);
    for (;;) {
        struct conn *c;
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        if (conn_from_fd(l->loop, fd, &c) == E_OK)
            greet(l, c);
    }
}

void listener_close(struct listener *l)
{
    take_backlog(l);
    l->closing = true;
    uv_close((uv_handle_t *)&l->tcp, on_closed);
}
