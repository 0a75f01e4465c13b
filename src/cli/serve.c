/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir serve: settings, store, workers, signals, drain.
 *
 * The main thread owns the process: it opens everything, starts one thread per worker, then waits
 * on a loop of its own for signals. SIGTERM and SIGINT drain, a second one ends at once; SIGHUP
 * reads settings and TLS files again.
 */
#include "api/api.h"
#include "base/dumps.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "cli/cli.h"
#include "cli/pages.h"
#include "gateway/front.h"
#include "gateway/rest.h"
#include "gateway/health.h"
#include "mock/mock.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

enum { CATALOG_POLL_MS = 250 };

/* What belongs to one worker besides the worker itself. */
struct seat {
    struct worker *worker;
    struct api *api;
    struct mock *mock;
    struct server *mock_server;
    struct server_route mock_route;
    struct pages pages;
    struct server_route routes[WORKER_DOORS][PAGES_ROUTES]; /* servers borrow them */
    pthread_t thread;
};

struct process {
    struct conf_options options;
    struct settings *settings;
    struct store *store;
    struct respcache *cache;
    struct health *health;
    struct tls_server *tls_server;
    struct tls_client *tls_client;
    struct seat *seats;
    size_t n_seats;
    struct stats **stats; /* of every worker, for /metrics */
    struct loop *loop;
    struct timer poll;
    uint16_t port, admin_port;
    bool stopping;
};

static const char help[] =
    "usage: weir serve [--config FILE] [--listen HOST:PORT] [--data DIR] [--workers N] [--sandbox]\n\n"
    "Runs the gateway until SIGTERM or SIGINT, then lets running requests finish.\n\n"
    "  --config FILE       settings (JSON with comments); default: $WEIR_CONFIG, else weir.jsonc if it "
    "exists\n"
    "  --listen HOST:PORT  where to listen; default 127.0.0.1:8787; port 0 takes a free one\n"
    "  --data DIR          where databases and logs live; default ./data\n"
    "  --workers N         threads that serve requests; default one per processor\n"
    "  --sandbox           answer the provider slug `mock` in this process: no key, no network needed\n\n"
    "Every setting also has a WEIR_... variable: weir docs config. SIGHUP reads settings and certificates "
    "again.\n";

/* ---- settings ---- */

static struct settings *load_settings(const struct process *p, const char **ret_why)
{
    struct conf *conf = conf_load(&p->options, (const char *const *)environ, ret_why);
    return conf ? settings_new(conf, ret_why) : NULL;
}

/* "CERT:KEY" */
static bool add_tls(struct str pair, struct tls_server *tls)
{
    char cert[PATH_MAX], key[PATH_MAX];
    const char *why = "it is not CERT:KEY";
    struct str rest = pair, first = str_cut(&rest, ':');
    bool ok = rest.n && first.n < sizeof(cert) && rest.n < sizeof(key);
    if (ok) {
        snprintf(cert, sizeof(cert), "%.*s", STR_FMT(first));
        snprintf(key, sizeof(key), "%.*s", STR_FMT(rest));
        ok = tls_server_add(tls, cert, key, &why);
    }
    if (!ok)
        log_error("tls.more: %.*s: %s", STR_FMT(pair), why);
    return ok;
}

static bool load_more_tls(const struct conf *conf, struct tls_server *tls)
{
    for (size_t i = 0; i < conf->tls_more.n; i++)
        if (!add_tls(conf->tls_more.v[i], tls))
            return false;
    return true;
}

static bool load_tls(const struct conf *conf, struct tls_server **ret)
{
    const char *why = NULL;
    *ret = NULL;
    if (conf->tls_cert.n == 0)
        return true;
    *ret = tls_server_new(conf->tls_cert.p, conf->tls_key.p, &why);
    if (!*ret)
        log_error("tls.cert, tls.key: %s", why);
    return *ret && load_more_tls(conf, *ret);
}

static void set_log_level(const struct conf *conf)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (size_t i = 0; i < countof(names); i++)
        if (str_eq(conf->log_level, str_c(names[i])))
            log_set_level((enum log_level)i);
}

/* ---- opening ---- */

/* Empty counts as not set: a compose file or unit hands on what is not there. */
static const char *set_variable(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

static struct store_options store_options(const struct settings *s)
{
    return (struct store_options){
        .dir = s->conf->data.p,
        .queue_bytes = s->conf->log_queue_bytes,
        .max_body_bytes = s->conf->max_log_body_bytes,
        .sync = s->sync,
        .audit_days = s->conf->audit_keep_days,
        .max_age_days = s->conf->max_log_age_days,
        .account = set_variable("WEIR_ACCOUNT_ID"),
        .root_token = set_variable("WEIR_ROOT_TOKEN"),
        .master_key = set_variable("WEIR_MASTER_KEY"),
        .master_key_file = s->conf->master_key_file.p,
    };
}

static bool open_store(struct process *p)
{
    const char *why = NULL;
    struct store_first first;
    struct store_options o = store_options(p->settings);
    p->store = store_open(&o, &first, &why);
    if (!p->store) {
        log_error("data: %s", why);
        return false;
    }
    if (first.token[0] && !o.root_token)
        fprintf(stderr, "\n  First start. The root token, shown this once:\n\n    %s\n\n", first.token);
    return true;
}

static struct respcache_options cache_options(const struct conf *conf)
{
    return (struct respcache_options){
        .dir = conf->data.p,
        .memory_bytes = conf->cache_memory_bytes,
        .disk_bytes = conf->cache_disk_bytes,
        .entry_bytes = conf->cache_entry_bytes,
    };
}

static bool open_cache(struct process *p)
{
    const char *why = NULL;
    struct respcache_options o = cache_options(p->settings->conf);
    p->cache = respcache_open(&o, &why);
    if (!p->cache)
        log_error("cache: %s", why);
    else if (why)
        log_warn("cache: %s", why);
    return p->cache;
}

static void publish_catalog(void *arg, struct catalog *c)
{
    struct process *p = arg;
    (void)c;
    for (size_t i = 0; i < p->n_seats; i++)
        worker_send_catalog(p->seats[i].worker);
}

static bool open_sandbox(struct seat *s)
{
    const char *why = NULL;
    s->mock = mock_new(s->worker->loop, STR(""), &why);
    if (!s->mock) {
        log_error("sandbox: %s", why);
        return false;
    }
    s->mock_route = (struct server_route){STR(""), &mock_service, s->mock};
    s->mock_server = server_new(s->worker->loop, &s->worker->view->settings->server, &s->mock_route, 1,
                                pages_render_fault);
    s->worker->mock = client_local_origin(s->worker->client, STR("mock"), s->mock_server);
    return true;
}

static size_t api_busy(void *arg)
{
    return api_waiting(arg);
}

static const struct tls_server *seat_tls(void *arg)
{
    const struct seat *s = arg;
    const struct listener *first = s->worker->doors[0].listener;
    return first ? listener_tls(first) : NULL;
}

static bool open_seat(struct process *p, struct seat *s, struct catalog *catalog)
{
    s->worker = worker_new(p->settings, p->store, catalog, p->tls_client);
    s->worker->health = p->health;
    s->worker->cache = p->cache;
    s->api = api_new(s->worker);
    api_set_certificates(s->api, seat_tls, s);
    s->worker->busy_elsewhere = api_busy;
    s->worker->busy_arg = s->api;
    return !p->settings->conf->sandbox || open_sandbox(s);
}

static bool resolve_listen(struct str text, struct addr *ret)
{
    struct str host;
    uint16_t port;
    if (addr_split(text, 8787, &host, &port) == E_OK) {
        if (str_eq(host, STR("localhost")))
            host = STR("127.0.0.1");
        if (addr_from_literal(host, port, ret))
            return true;
    }
    log_error("listen: \"%.*s\" is not an address and port, such as 127.0.0.1:8787", STR_FMT(text));
    return false;
}

/* One door on every worker; the first one's port is everybody's (port 0 takes a free one). */
static bool open_doors(struct process *p, struct str listen, struct tls_server *tls,
                       size_t (*routes)(struct seat *s, struct server_route *out), uint16_t *ret_port)
{
    struct addr addr;
    const char *why = NULL;
    if (!resolve_listen(listen, &addr))
        return false;
    unsigned max = (unsigned)(p->settings->conf->max_connections / (int64_t)p->n_seats) + 1;
    for (size_t i = 0; i < p->n_seats; i++) {
        struct worker *w = p->seats[i].worker;
        struct server_route *table = p->seats[i].routes[w->n_doors];
        size_t n = routes(&p->seats[i], table);
        if (worker_open(w, &addr, tls, max, table, n, &why) != E_OK) {
            log_error("cannot listen on %.*s: %s", STR_FMT(listen), why);
            return false;
        }
        *ret_port = listener_port(w->doors[w->n_doors - 1].listener);
        char host[ADDR_TEXT];
        addr_text(&addr, host);
        must(addr_from_literal(str_c(host), *ret_port, &addr));
    }
    return true;
}

static size_t data_routes(struct seat *s, struct server_route *out)
{
    size_t n = 0;
    out[n++] = (struct server_route){STR("/"), &front_domain_service, s->worker};
    out[n++] = (struct server_route){STR(FRONT_PREFIX), &front_service, s->worker};
    out[n++] = (struct server_route){STR(REST_PREFIX), &front_service, s->worker};
    return n;
}

static size_t admin_routes(struct seat *s, struct server_route *out)
{
    size_t n = 0;
    out[n++] = (struct server_route){STR(API_PREFIX), &api_service, s->api};
    out[n++] = (struct server_route){STR(""), &pages_service, &s->pages};
    return n;
}

static size_t all_routes(struct seat *s, struct server_route *out)
{
    size_t n = data_routes(s, out);
    return n + admin_routes(s, out + n);
}

static size_t public_routes(struct seat *s, struct server_route *out)
{
    size_t n = data_routes(s, out);
    out[n++] = (struct server_route){STR(""), &pages_health_service, &s->pages};
    return n;
}

static bool open_workers(struct process *p)
{
    const struct conf *conf = p->settings->conf;
    struct catalog *catalog = store_catalog(p->store);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    bool ok = true;
    p->health = health_new();
    p->n_seats = conf->workers ? (size_t)conf->workers : processors > 0 ? (size_t)processors : 1;
    p->seats = mem_zalloc(p->n_seats * sizeof(struct seat));
    p->stats = mem_zalloc(p->n_seats * sizeof(struct stats *));
    for (size_t i = 0; i < p->n_seats; i++) {
        ok = open_seat(p, &p->seats[i], catalog) && ok;
        p->stats[i] = &p->seats[i].worker->stats;
    }
    for (size_t i = 0; i < p->n_seats; i++)
        p->seats[i].pages = (struct pages){p->seats[i].worker, p->store, p->stats, p->n_seats};
    catalog_unref(catalog);
    store_on_catalog(p->store, publish_catalog, p);
    return ok;
}

static bool open_all(struct process *p)
{
    const struct conf *conf = p->settings->conf;
    const char *why = NULL;
    if (!load_tls(conf, &p->tls_server))
        return false;
    p->tls_client = tls_client_new(conf->upstream_ca.n ? conf->upstream_ca.p : NULL, &why);
    if (!p->tls_client) {
        log_error("upstream.ca_file: %s", why);
        return false;
    }
    if (!open_store(p) || !open_cache(p) || !open_workers(p))
        return false;
    if (conf->admin_listen.n == 0)
        return open_doors(p, conf->listen, p->tls_server, all_routes, &p->port);
    return open_doors(p, conf->listen, p->tls_server, public_routes, &p->port) &&
           open_doors(p, conf->admin_listen, p->tls_server, admin_routes, &p->admin_port);
}

/* ---- running ---- */

static void *run_seat(void *arg)
{
    struct seat *s = arg;
    thread_schedule(0, THREAD_SLICE_SHORT_NS); /* a request waits for nobody's long work */
    loop_run(s->worker->loop);
    return NULL;
}

static void start_threads(struct process *p)
{
    /* signals are the main thread's */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (size_t i = 0; i < p->n_seats; i++)
        must(pthread_create(&p->seats[i].thread, NULL, run_seat, &p->seats[i]) == 0);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void reload(struct process *p)
{
    const char *why = NULL;
    struct tls_server *tls = NULL;
    struct settings *fresh = load_settings(p, &why);
    if (!fresh) {
        log_error("reload: %s; the old settings stay", why);
        return;
    }
    if (!load_tls(fresh->conf, &tls)) {
        settings_unref(fresh);
        return;
    }
    set_log_level(fresh->conf);
    for (size_t i = 0; i < p->n_seats; i++)
        worker_send_settings(p->seats[i].worker, fresh, tls);
    struct store_options o = store_options(fresh);
    store_reload(p->store, &o);
    struct respcache_options cache = cache_options(fresh->conf);
    respcache_reload(p->cache, &cache);
    store_poll(p->store);
    tls_server_unref(tls);
    settings_unref(p->settings);
    p->settings = fresh;
    log_info("settings read again");
}

static void on_signal(void *arg, int signum)
{
    struct process *p = arg;
    if (signum == SIGHUP) {
        reload(p);
        return;
    }
    if (p->stopping) {
        log_warn("second signal: ending at once");
        _exit(1);
    }
    p->stopping = true;
    log_info("draining: running requests have %lld ms", (long long)p->settings->conf->drain_timeout_ms);
    for (size_t i = 0; i < p->n_seats; i++)
        worker_send_drain(p->seats[i].worker);
    timer_stop(&p->poll);
    loop_stop(p->loop);
}

static void on_poll(struct timer *t)
{
    struct process *p = container_of(t, struct process, poll);
    store_poll(p->store); /* weir token writes from another process */
    timer_set(t, CATALOG_POLL_MS);
}

static void greet(const struct process *p)
{
    const struct conf *conf = p->settings->conf;
    const char *scheme = conf->tls_cert.n ? "https" : "http";
    struct catalog *c = store_catalog(p->store);
    struct str account = c->n_accounts ? c->accounts[0] : STR("?");
    struct str host = conf->listen;
    host = str_cut(&host, ':');
    if (host.n == 0 || host.p[0] == '[')
        host = STR("localhost");
    printf("listening on %s://%.*s:%u\n", scheme, STR_FMT(host), p->port);
    if (p->admin_port)
        printf("admin on port %u\n", p->admin_port);
    printf("base URL for SDKs: %s://%.*s:%u/v1/%.*s/default/{provider}\n", scheme, STR_FMT(host), p->port,
           STR_FMT(account));
    if (conf->sandbox)
        printf("try it without a provider key:\n"
               "  curl %s://%.*s:%u/v1/%.*s/default/mock/chat/completions -H \"Authorization: Bearer "
               "$WEIR_TOKEN\" \\\n"
               "    -H 'Content-Type: application/json' -d "
               "'{\"model\":\"mock-small\",\"messages\":[{\"role\":\"user\","
               "\"content\":\"Hello\"}]}'\n"
               "($WEIR_TOKEN: the root token, or one made with `weir token create --data %.*s`)\n",
               scheme, STR_FMT(host), p->port, STR_FMT(account), STR_FMT(conf->data));
    fflush(stdout);
    catalog_unref(c);
}

static void run(struct process *p)
{
    p->loop = loop_new();
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < countof(signals); i++)
        loop_on_signal(p->loop, signals[i], on_signal, p);
    timer_init(&p->poll, p->loop, on_poll);
    timer_set(&p->poll, CATALOG_POLL_MS);
    malloc_trim(0); /* starting parsed files that are gone */
    start_threads(p);
    greet(p);
    loop_run(p->loop); /* until on_signal */
    for (size_t i = 0; i < p->n_seats; i++)
        pthread_join(p->seats[i].thread, NULL);
    loop_free(p->loop);
}

static void close_all(struct process *p)
{
    for (size_t i = 0; i < p->n_seats; i++) {
        struct seat *s = &p->seats[i];
        api_free(s->api);
        server_free(s->mock_server);
        mock_free(s->mock);
    }
    respcache_close(p->cache); /* before the loops go: it and the store may still send to them */
    uint64_t lost = store_close(p->store);
    if (lost)
        log_error("%llu log rows could not be written", (unsigned long long)lost);
    for (size_t i = 0; i < p->n_seats; i++)
        worker_free(p->seats[i].worker);
    health_free(p->health);
    mem_free(p->seats);
    mem_free(p->stats);
    tls_client_free(p->tls_client);
    tls_server_unref(p->tls_server);
    settings_unref(p->settings);
}

static int parse_options(int argc, char **argv, struct conf_options *ret)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"listen", required_argument, NULL, 'l'},
        {"data", required_argument, NULL, 'd'},
        {"workers", required_argument, NULL, 'w'},
        {"sandbox", no_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'c': ret->file = optarg; break;
        case 'l': ret->listen = optarg; break;
        case 'd': ret->data = optarg; break;
        case 'w': ret->workers = optarg; break;
        case 's': setenv("WEIR_SANDBOX", "true", 1); break;
        case 'h': fputs(help, stdout); return 0;
        default: fputs(help, stderr); return 2;
        }
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "weir serve: what is \"%s\"?\n\n%s", argv[optind], help);
    return 2;
}

int cli_serve(int argc, char **argv)
{
    struct process p = {0};
    const char *why = NULL;
    int code = parse_options(argc, argv, &p.options);
    if (code >= 0)
        return code;
    signal(SIGPIPE, SIG_IGN);
    file_raise_limit();
    p.settings = load_settings(&p, &why);
    if (!p.settings) {
        fprintf(stderr, "weir: %s\n", why);
        return 2;
    }
    set_log_level(p.settings->conf);
    if (!p.settings->conf->core_dumps)
        dumps_forbid();
    if (!open_all(&p))
        return 1; /* the reason was logged; the process's end frees the rest */
    run(&p);
    close_all(&p);
    log_info("stopped");
    return 0;
}
