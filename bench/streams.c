/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many concurrent streams through a gateway, each checked to the last byte.
 *
 *   streams GATEWAY_URL DIRECT_URL TOKEN COUNT MODEL
 *
 * Opens COUNT streams of a chat completion at GATEWAY_URL (http://host:port/path) over KINDS
 * different prompts, and one stream per prompt at DIRECT_URL, which is what the gateway stands in
 * front of. The upstream is deterministic, so every stream of a prompt must have the bytes of the
 * direct one: their SHA-256 are compared. Prints one line of JSON; exit code 1 if anything was cut
 * or differed. Bounded: DEADLINE_MS.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/limits.h"
#include "http/client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { KINDS = 16, DEADLINE_MS = 240 * 1000, RAMP = 200, RAMP_MS = 20 };

struct endpoint {
    struct origin *origin;
    struct str path, host;
};

struct stream {
    struct run *run;
    struct buf got;
    struct headers headers;
    struct arena arena;
    unsigned char hash[SHA256_BYTES];
    int status;
    bool done, cut;
};

struct run {
    struct loop *loop;
    struct client *client;
    struct endpoint gateway, direct;
    struct str token, bodies[KINDS];
    struct arena arena;
    struct stream *v; /* the direct ones first, then the gateway's */
    size_t n, started, finished;
    struct timer ramp, deadline;
    uint64_t t0;
};

static void finished(struct stream *s, bool cut)
{
    s->done = true;
    s->cut = cut;
    sha256(buf_str(&s->got), s->hash);
    if (++s->run->finished == s->run->n)
        loop_stop(s->run->loop);
}

static void on_head(void *owner, struct call *c, const struct response_head *h)
{
    (void)c;
    ((struct stream *)owner)->status = h->status;
}

static enum flow on_body(void *owner, struct call *c, struct str piece)
{
    (void)c;
    (void)buf_append(&((struct stream *)owner)->got, piece);
    return GO;
}

static void on_end(void *owner, struct call *c)
{
    (void)c;
    finished(owner, false);
}

static void on_fail(void *owner, struct call *c, enum err why)
{
    (void)c;
    fprintf(stderr, "streams: %s\n", err_name(why));
    finished(owner, true);
}

static void on_drain(void *owner, struct call *c)
{
    (void)owner;
    (void)c;
}

static const struct call_events events = {on_head, on_body, on_end, on_fail, on_drain};

static void start(struct run *r, size_t i)
{
    struct stream *s = &r->v[i];
    const struct endpoint *to = i < KINDS ? &r->direct : &r->gateway;
    s->run = r;
    buf_init(&s->got, 16 * MIB);
    arena_init(&s->arena, 16 * KIB);
    must(headers_add(&s->headers, &s->arena, STR("Content-Type"), STR("application/json")) == E_OK);
    must(headers_add(&s->headers, &s->arena, STR("cf-aig-authorization"), r->token) == E_OK);
    struct call_request req = {
        .origin = to->origin,
        .method = STR("POST"),
        .target = to->path,
        .host = to->host,
        .headers = &s->headers,
        .body = r->bodies[i % KINDS],
    };
    (void)call_start(r->client, &req, &events, s);
}

/* Connections are opened in waves: the test is of many streams, not of a connection storm. */
static void on_ramp(struct timer *t)
{
    struct run *r = container_of(t, struct run, ramp);
    for (int i = 0; i < RAMP && r->started < r->n; i++)
        start(r, r->started++);
    if (r->started < r->n)
        timer_set(t, RAMP_MS);
}

static void on_deadline(struct timer *t)
{
    loop_stop(container_of(t, struct run, deadline)->loop);
}

static bool endpoint(struct run *r, const char *url, struct endpoint *ret)
{
    struct str rest = str_c(url), host;
    uint16_t port;
    if (!str_starts(rest, STR("http://")))
        return false;
    rest = str_from(rest, 7);
    size_t slash = str_find(rest, '/');
    ret->host = str_head(rest, slash);
    ret->path = str_from(rest, slash);
    if (ret->path.n == 0 || addr_split(ret->host, 80, &host, &port) != E_OK)
        return false;
    ret->origin =
        client_origin(r->client, &(struct origin_name){.host = host, .port = port, .trusted = true});
    return true;
}

static int report(const struct run *r)
{
    size_t ok = 0, cut = 0, differ = 0, unfinished = 0, failed = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct stream *s = &r->v[i];
        bytes += s->got.n;
        if (!s->done)
            unfinished++;
        else if (s->cut)
            cut++;
        else if (s->status != 200)
            failed++;
        else if (memcmp(s->hash, r->v[i % KINDS].hash, SHA256_BYTES) != 0)
            differ++;
        else
            ok++;
    }
    printf("{\"streams\":%zu,\"ok\":%zu,\"cut\":%zu,\"differ\":%zu,\"failed\":%zu,\"unfinished\":%zu,"
           "\"bytes\":%llu,\"seconds\":%.1f}\n",
           r->n, ok, cut, differ, failed, unfinished, (unsigned long long)bytes,
           (double)(clock_us() - r->t0) / 1e6);
    return ok == r->n ? 0 : 1;
}

static void raise_descriptor_limit(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) != 0)
        return;
    l.rlim_cur = l.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &l);
}

int main(int argc, char **argv)
{
    static const struct client_limits limits = {.connect_timeout_ms = 30000,
                                                .pool_idle_timeout_ms = 1000,
                                                .pool_max_conns = 100000,
                                                .max_head_bytes = 65536};
    struct run r = {0};
    if (argc != 6) {
        fprintf(stderr, "usage: streams GATEWAY_URL DIRECT_URL TOKEN COUNT MODEL\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    arena_init(&r.arena, 16 * MIB);
    r.loop = loop_new();
    r.client = client_new(r.loop, &limits, NULL, NULL);
    r.token = arena_printf(&r.arena, "Bearer %s", argv[3]);
    r.n = KINDS + (size_t)strtoul(argv[4], NULL, 10);
    r.v = mem_zalloc(r.n * sizeof(struct stream));
    r.t0 = clock_us();
    if (!endpoint(&r, argv[1], &r.gateway) || !endpoint(&r, argv[2], &r.direct)) {
        fprintf(stderr, "streams: an URL looks like http://127.0.0.1:8787/path\n");
        return 2;
    }
    for (int i = 0; i < KINDS; i++)
        r.bodies[i] =
            arena_printf(&r.arena,
                         "{\"model\":\"%s\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
                         "\"messages\":[{\"role\":\"user\",\"content\":\"prompt %d \xc3\xa9\"}]}",
                         argv[5], i);
    timer_init(&r.ramp, r.loop, on_ramp);
    timer_init(&r.deadline, r.loop, on_deadline);
    timer_set(&r.ramp, 1);
    timer_set(&r.deadline, DEADLINE_MS);
    loop_keep(r.loop, true);
    loop_run(r.loop);
    return report(&r);
}
