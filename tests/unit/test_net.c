/* SPDX-License-Identifier: Apache-2.0 */
/* net: timers, messages, pairs, listeners and connecting, addresses, TLS. */
#include "tests/unit/test.h"

#include "base/limits.h"
#include "net/listen.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- timers and messages ---- */

static int order[8], n_order;

struct numbered {
    struct timer t;
    int number;
};

static void note(struct timer *t)
{
    order[n_order++] = container_of(t, struct numbered, t)->number;
}

static void timers_fire_in_order(void **state)
{
    (void)state;
    struct loop *l = loop_new();
    struct numbered v[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    n_order = 0;
    for (size_t i = 0; i < countof(v); i++)
        timer_init(&v[i].t, l, note);
    timer_set(&v[0].t, 5);
    timer_set(&v[1].t, 10);
    timer_set(&v[2].t, 15);
    timer_set(&v[3].t, 20);
    timer_set(&v[0].t, 30); /* later: only noted */
    timer_set(&v[3].t, 1);  /* earlier: moved */
    timer_stop(&v[2].t);
    loop_run(l);
    assert_int_equal(n_order, 3);
    assert_int_equal(order[0], 3);
    assert_int_equal(order[1], 1);
    assert_int_equal(order[2], 0);
    assert_false(timer_is_set(&v[0].t));
    loop_free(l);
}

struct counted {
    struct msg m;
    int *count;
    int number;
};

static void count(struct loop *l, struct msg *m)
{
    struct counted *c = container_of(m, struct counted, m);
    assert_int_equal(*c->count, c->number);
    if (++*c->count == 1000)
        loop_stop(l);
    mem_free(c);
}

static int sum;

static void *send_thousand(void *l)
{
    for (int i = 0; i < 1000; i++) {
        struct counted *c = mem_zalloc(sizeof(*c));
        *c = (struct counted){.m.run = count, .count = &sum, .number = i};
        loop_send(l, &c->m);
    }
    return NULL;
}

static void messages_arrive_in_order(void **state)
{
    (void)state;
    struct loop *l = loop_new();
    pthread_t thread;
    sum = 0;
    loop_keep(l, true);
    assert_int_equal(pthread_create(&thread, NULL, send_thousand, l), 0);
    loop_run(l);
    pthread_join(thread, NULL);
    assert_int_equal(sum, 1000);
    loop_free(l);
}

/* ---- streams ---- */

struct side {
    struct buf got;
    int ends, drains;
    enum err end;
    bool echo, pause_first;
    struct conn *conn;
};

static void side_read(void *owner, struct conn *c, struct str bytes)
{
    struct side *s = owner;
    assert_int_equal(buf_append(&s->got, bytes), E_OK);
    if (s->echo)
        (void)conn_write(c, bytes);
}

static void side_drain(void *owner, struct conn *c)
{
    struct side *s = owner;
    s->drains++;
    conn_finish(c);
    s->conn = NULL;
}

static void side_end(void *owner, struct conn *c, enum err why)
{
    struct side *s = owner;
    s->ends++;
    s->end = why;
    conn_close(c);
    s->conn = NULL;
}

static const struct conn_events side_events = {side_read, side_drain, side_end};

static void side_init(struct side *s, struct conn *c)
{
    *s = (struct side){.conn = c};
    buf_init(&s->got, 64 * MIB);
    if (c)
        conn_set_owner(c, &side_events, s);
}

static void a_pair_carries_bytes_and_the_end(void **state)
{
    (void)state;
    struct loop *l = loop_new();
    struct side a, b;
    struct conn *ca, *cb;
    assert_int_equal(conn_pair(l, &ca, &cb), E_OK);
    side_init(&a, ca);
    side_init(&b, cb);
    assert_int_equal(conn_write(ca, STR("hello ")), GO);
    assert_int_equal(conn_write(ca, STR("world")), GO);
    assert_int_equal(conn_queued(ca), 11);
    conn_finish(ca);
    loop_run(l);
    assert_str(buf_str(&b.got), STR("hello world"));
    assert_int_equal(b.ends, 1);
    assert_int_equal(b.end, E_EOF);
    assert_int_equal(a.ends, 0);
    buf_done(&b.got);
    loop_free(l);
}

static void a_slow_reader_holds_the_writer(void **state)
{
    (void)state;
    struct loop *l = loop_new();
    struct side a, b;
    struct conn *ca, *cb;
    enum { BIG = 4 * MIB };
    char *bytes = mem_alloc(BIG);
    for (size_t i = 0; i < BIG; i++)
        bytes[i] = (char)(i * 31 >> 3);
    assert_int_equal(conn_pair(l, &ca, &cb), E_OK);
    side_init(&a, ca);
    side_init(&b, cb);
    assert_int_equal(conn_write(ca, str_of(bytes, BIG)), HOLD);
    assert_true(conn_queued(ca) > NET_WRITE_HIGH);
    loop_run(l);
    assert_int_equal(a.drains, 1);
    assert_int_equal(b.got.n, BIG);
    assert_memory_equal(b.got.p, bytes, BIG);
    buf_done(&b.got);
    mem_free(bytes);
    loop_free(l);
}

/* Pieces with gaps between them in memory; what of them is written is expected. */
static size_t write_pieces(struct conn *c, const char *bytes, int n, size_t most, struct buf *expected)
{
    size_t at = 0, all = 0;
    for (int i = 0; i < n; i++) {
        struct str piece = str_of(bytes + at, 1 + (size_t)rand() % most);
        (void)conn_write(c, piece);
        assert_int_equal(buf_append(expected, piece), E_OK);
        at += piece.n + 1;
        all += piece.n;
    }
    return all;
}

static void pieces_leave_together_and_in_order(void **state)
{
    (void)state;
    static char bytes[MIB];
    struct loop *l = loop_new();
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 31 >> 3);
    srand(1);
    for (int round = 0; round < 300; round++) {
        static const size_t most[] = {20, 400, 5000, 60000};
        struct side a, b;
        struct conn *ca, *cb;
        struct buf expected;
        buf_init(&expected, sizeof(bytes));
        assert_int_equal(conn_pair(l, &ca, &cb), E_OK);
        side_init(&a, NULL);
        side_init(&b, cb);
        size_t all =
            write_pieces(ca, bytes, 1 + rand() % (round % 4 == 3 ? 12 : 100), most[round % 4], &expected);
        if (round % 4 == 0)
            assert_int_equal(conn_queued(ca),
                             all); /* small ones wait for the end of the callback, however many */
        conn_finish(ca);
        loop_run(l);
        assert_str(buf_str(&b.got), buf_str(&expected));
        buf_done(&b.got);
        buf_done(&expected);
    }
    loop_free(l);
}

/* ---- listener and connect ---- */

struct meeting {
    struct loop *loop;
    struct listener *listener;
    struct side server, client;
    enum err connected;
    bool resumed;
};

static void meeting_accept(void *arg, struct conn *c)
{
    struct meeting *m = arg;
    side_init(&m->server, c);
    m->server.echo = true;
    listener_close(m->listener);
}

static void meeting_connected(void *arg, enum err e, struct conn *c)
{
    struct meeting *m = arg;
    m->connected = e;
    if (e != E_OK) {
        if (m->listener)
            listener_close(m->listener);
        return;
    }
    side_init(&m->client, c);
    (void)conn_write(c, STR("ping"));
    conn_finish(c);
}

static void meet(struct meeting *m, struct tls_server *server, struct connect_target *target)
{
    struct addr addr;
    const char *why = NULL;
    *m = (struct meeting){.loop = loop_new()};
    assert_int_equal(addr_parse(STR("127.0.0.1:0"), &addr), E_OK);
    assert_int_equal(listener_new(m->loop, &addr, server, 100, 1000, meeting_accept, m, &m->listener, &why),
                     E_OK);
    target->port = listener_port(m->listener);
    target->timeout_ms = 2000;
    conn_connect(m->loop, target, meeting_connected, m);
    loop_run(m->loop);
    loop_free(m->loop);
}

static void plain_connections_meet(void **state)
{
    (void)state;
    struct meeting m;
    struct connect_target t = {.host = STR("localhost")};
    meet(&m, NULL, &t);
    assert_int_equal(m.connected, E_OK);
    assert_str(buf_str(&m.server.got), STR("ping"));
    buf_done(&m.server.got);
}

static void refused_and_forbidden_targets_fail_once(void **state)
{
    (void)state;
    struct meeting m = {.loop = loop_new()};
    struct connect_target t = {.host = STR("127.0.0.1"), .port = 1, .timeout_ms = 1000};
    conn_connect(m.loop, &t, meeting_connected, &m);
    loop_run(m.loop);
    assert_int_equal(m.connected, E_REFUSED);
    static const struct egress only_public;
    t.egress = &only_public;
    conn_connect(m.loop, &t, meeting_connected, &m);
    loop_run(m.loop);
    assert_int_equal(m.connected, E_EGRESS);
    connect_cancel(conn_connect(m.loop, &t, meeting_connected, NULL));
    loop_run(m.loop);
    loop_free(m.loop);
}

static char dir[] = "/tmp/weir-test-net-XXXXXX";

static int make_certificate(void **state)
{
    (void)state;
    char command[512];
    if (!mkdtemp(dir))
        return -1;
    snprintf(
        command, sizeof(command),
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout %s/key.pem -out %s/cert.pem 2>/dev/null",
        dir, dir);
    return system(command);
}

static int remove_certificate(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof(path), "%s/key.pem", dir);
    unlink(path);
    snprintf(path, sizeof(path), "%s/cert.pem", dir);
    unlink(path);
    return rmdir(dir);
}

static void tls_verifies_and_resumes(void **state)
{
    (void)state;
    char key[64], cert[64];
    const char *why = NULL;
    snprintf(key, sizeof(key), "%s/key.pem", dir);
    snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
    struct tls_server *server = tls_server_new(cert, key, &why);
    struct tls_client *client = tls_client_new(cert, &why), *stranger = tls_client_new(NULL, &why);
    struct tls_session *session = tls_session_new();
    assert_non_null(server);
    assert_non_null(client);
    struct meeting m;
    struct connect_target t = {.host = STR("127.0.0.1"), .tls = client, .session = session};
    for (int i = 0; i < 2; i++) {
        meet(&m, server, &t);
        if (m.connected != E_OK)
            fail_msg("round %d: %s", i, tls_why());
        assert_str(buf_str(&m.server.got), STR("ping"));
        buf_done(&m.server.got);
    }
    t.server_name = STR("example.com");
    t.session = NULL;
    meet(&m, server, &t);
    assert_int_equal(m.connected, E_TLS);
    t.server_name = STR("localhost");
    t.tls = stranger;
    meet(&m, server, &t);
    assert_int_equal(m.connected, E_TLS);
    assert_null(tls_server_new(key, cert, &why));
    assert_non_null(why);
    tls_session_free(session);
    tls_client_free(client);
    tls_client_free(stranger);
    tls_server_unref(server);
}

/* ---- addresses ---- */

static void only_public_addresses_are_public(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_public;
    } rows[] = {
        {"8.8.8.8", true},
        {"127.0.0.1", false},
        {"10.1.2.3", false},
        {"172.16.0.1", false},
        {"172.32.0.1", true},
        {"192.168.1.1", false},
        {"169.254.169.254", false},
        {"100.64.0.1", false},
        {"0.0.0.0", false},
        {"224.0.0.1", false},
        {"255.255.255.255", false},
        {"::1", false},
        {"::", false},
        {"fe80::1", false},
        {"fd00::1", false},
        {"2606:4700::1111", true},
        {"::ffff:10.0.0.1", false},
        {"::ffff:8.8.8.8", true},
        {"64:ff9b::7f00:1", false},
        {"2002:7f00:1::", false},
        {"2001:db8::1", false},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct addr a;
        assert_true(addr_from_literal(str_c(rows[i].text), 80, &a));
        if (addr_is_public(&a) != rows[i].is_public)
            fail_msg("%s", rows[i].text);
    }
}

static void networks_contain(void **state)
{
    (void)state;
    struct network n;
    struct addr a;
    assert_int_equal(network_parse(STR("10.0.0.0/8"), &n), E_OK);
    assert_true(addr_from_literal(STR("10.200.0.1"), 0, &a) && network_contains(&n, &a));
    assert_true(addr_from_literal(STR("11.0.0.1"), 0, &a) && !network_contains(&n, &a));
    assert_int_equal(network_parse(STR("fd00::/9"), &n), E_OK);
    assert_true(addr_from_literal(STR("fd7f::1"), 0, &a) && network_contains(&n, &a));
    assert_true(addr_from_literal(STR("fd80::1"), 0, &a) && !network_contains(&n, &a));
    assert_int_equal(network_parse(STR("10.0.0.0/33"), &n), E_SYNTAX);
    assert_int_equal(network_parse(STR("ten"), &n), E_SYNTAX);
    struct str host;
    uint16_t port;
    assert_int_equal(addr_split(STR("[::1]:80"), 1, &host, &port), E_OK);
    assert_str(host, STR("::1"));
    assert_int_equal(port, 80);
    assert_int_equal(addr_split(STR("h:99999"), 1, &host, &port), E_SYNTAX);
    assert_int_equal(addr_split(STR(":80"), 1, &host, &port), E_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_order),
        cmocka_unit_test(messages_arrive_in_order),
        cmocka_unit_test(a_pair_carries_bytes_and_the_end),
        cmocka_unit_test(a_slow_reader_holds_the_writer),
        cmocka_unit_test(pieces_leave_together_and_in_order),
        cmocka_unit_test(plain_connections_meet),
        cmocka_unit_test(refused_and_forbidden_targets_fail_once),
        cmocka_unit_test_setup_teardown(tls_verifies_and_resumes, make_certificate, remove_certificate),
        cmocka_unit_test(only_public_addresses_are_public),
        cmocka_unit_test(networks_contain),
    };
    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
