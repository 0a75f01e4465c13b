/* SPDX-License-Identifier: Apache-2.0 */
/* The store's face: opening a data directory, and handing work to the writer and the reader. */
#include "store/master_key.h"
#include "store/private.h"
#include "store/provider_key.h"
#include "store/seed.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Longest body a frame of a segment is made for; keys.def allows no more. */
static const int64_t body_max = (int64_t)1 << 30;

enum { DAY_MS = 24 * 3600 * 1000 };

static _Thread_local char why[PATH_MAX + 256];

/* ---- opening and closing ---- */

static bool refuse(const char **ret_why, const char *what, const char *dir)
{
    snprintf(why, sizeof(why), "data directory %s: %s", dir, what);
    *ret_why = why;
    return false;
}

static bool make_directory(const char *dir)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
        return false;
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        mkdir(path, 0700); /* what cannot be made is noticed below */
        *p = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static bool open_directory(struct store *s, const char *dir, const char **ret_why)
{
    if (!make_directory(dir))
        return refuse(ret_why, "cannot be created", dir);
    s->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir < 0)
        return refuse(ret_why, "cannot be opened", dir);
    s->lock_file = openat(s->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_file < 0)
        return refuse(ret_why, "cannot be written", dir);
    if (flock(s->lock_file, LOCK_EX | LOCK_NB) != 0)
        return refuse(ret_why, "another weir process is using it", dir);
    return true;
}

void store_reload(struct store *s, const struct store_options *o)
{
    int64_t max = o->max_body_bytes < body_max ? o->max_body_bytes : body_max;
    atomic_store(&s->queue_bytes, o->queue_bytes);
    atomic_store(&s->max_body_bytes, max < 0 ? 0 : max);
    atomic_store(&s->sync, o->sync);
    atomic_store(&s->audit_ms, o->audit_days * DAY_MS);
    atomic_store(&s->max_age_ms, o->max_age_days * DAY_MS);
    atomic_store(&s->upkeep_due, true);
}

static uint64_t shut(struct store *s)
{
    reader_stop(s);
    uint64_t lost = writer_stop(s);
    reader_done(s);
    evaluations_done(s);
    catalog_unref(s->catalog);
    counters_free(s->counters);
    key_uses_free(s->key_uses);
    credits_free(s->credits);
    pthread_mutex_destroy(&s->catalog_lock);
    keyring_done(&s->keys);
    if (s->master_key)
        explicit_bzero(s->master_key, strlen(s->master_key));
    mem_free(s->master_key);
    mem_free(s->master_key_file);
    mem_free(s->path);
    if (s->lock_file >= 0)
        close(s->lock_file);
    if (s->dir >= 0)
        close(s->dir);
    mem_free(s);
    return lost;
}

static char *copy_text(const char *text)
{
    size_t n = text ? strlen(text) + 1 : 0;
    return n ? memcpy(mem_alloc(n), text, n) : NULL;
}

struct store *store_open(const struct store_options *o, struct store_first *ret_first, const char **ret_why)
{
    struct store *s = mem_zalloc(sizeof(*s));
    s->dir = s->lock_file = -1;
    pthread_mutex_init(&s->catalog_lock, NULL);
    s->counters = counters_new();
    s->key_uses = key_uses_new();
    s->credits = credits_new();
    s->path = copy_text(o->dir);
    s->master_key = copy_text(o->master_key);
    s->master_key_file = copy_text(o->master_key_file);
    store_reload(s, o);
    writer_init(s);
    reader_init(s);
    evaluations_init(s);
    *ret_first = (struct store_first){0};
    if (open_directory(s, o->dir, ret_why) && writer_start(s, o->dir, o, ret_first, ret_why) &&
        reader_start(s, o->dir, ret_why))
        return s;
    shut(s);
    return NULL;
}

uint64_t store_close(struct store *s)
{
    return s ? shut(s) : 0;
}

/* ---- catalogue ---- */

struct catalog *store_catalog(struct store *s)
{
    pthread_mutex_lock(&s->catalog_lock);
    struct catalog *c = catalog_ref(s->catalog);
    pthread_mutex_unlock(&s->catalog_lock);
    return c;
}

bool store_is_current(struct store *s, const struct catalog *c)
{
    return atomic_load_explicit(&s->catalog, memory_order_acquire) == c;
}

void store_on_catalog(struct store *s, void (*fn)(void *arg, struct catalog *c), void *arg)
{
    pthread_mutex_lock(&s->catalog_lock);
    s->on_catalog = fn;
    s->on_catalog_arg = arg;
    pthread_mutex_unlock(&s->catalog_lock);
}

void store_poll(struct store *s)
{
    writer_poll(s);
}

/* ---- secrets ---- */

bool store_read_keys(struct store *s, bool make, const char **ret_why)
{
    struct keyring fresh;
    if (!master_key_load(s->path, s->master_key, s->master_key_file, make, &fresh, ret_why))
        return false;
    pthread_mutex_lock(&s->catalog_lock);
    s->keys = fresh;
    pthread_mutex_unlock(&s->catalog_lock);
    keyring_done(&fresh);
    return true;
}

static struct keyring copy_keys(struct store *s)
{
    pthread_mutex_lock(&s->catalog_lock);
    struct keyring keys = s->keys;
    pthread_mutex_unlock(&s->catalog_lock);
    return keys;
}

struct str store_seal_for(struct store *s, struct arena *a, struct str about, struct secret plain)
{
    struct keyring keys = copy_keys(s);
    struct str sealed = seal(a, &keys, about, plain);
    keyring_done(&keys);
    return sealed;
}

struct str store_seal(struct store *s, struct arena *a, const struct uuid *object, struct secret plain)
{
    return store_seal_for(s, a, provider_key_about(object), plain);
}

enum err store_unseal(struct store *s, struct arena *a, struct str about, struct str sealed,
                      struct secret *ret)
{
    struct keyring keys = copy_keys(s);
    enum err e = seal_open(a, &keys, about, sealed, ret);
    keyring_done(&keys);
    return e;
}

/* ---- changes ---- */

static void on_changed(struct loop *l, struct msg *m)
{
    (void)l;
    struct job *j = container_of(m, struct job, msg);
    j->done(j->arg, j->result);
    struct arena a = j->arena; /* the job lies in it */
    arena_done(&a);
}

static void copy_change(struct arena *a, struct change *c)
{
    struct str *parts[] = {&c->account, &c->gateway, &c->name, &c->settings, &c->secret};
    if (c->kind == KIND_GATEWAY && c->what == CHANGE_CREATE && !c->settings.p)
        c->settings = gateway_defaults();
    for (size_t i = 0; i < countof(parts); i++)
        if (parts[i]->p)
            *parts[i] = arena_dup(a, *parts[i]);
}

static void copy_actor(struct arena *a, struct actor *who)
{
    struct str *parts[] = {&who->type, &who->id, &who->name, &who->ip, &who->interface};
    for (size_t i = 0; i < countof(parts); i++)
        *parts[i] = arena_dup(a, *parts[i]);
}

void store_change(struct store *s, const struct change_set *set, struct loop *l,
                  void (*done)(void *arg, enum err e), void *arg)
{
    struct arena a;
    arena_init(&a, SIZE_MAX / 2);
    struct job *j = arena_new(&a, struct job);
    struct change *copy = arena_alloc(&a, (set->n + 1) * sizeof(*copy));
    for (size_t i = 0; i < set->n; i++) {
        copy[i] = set->changes[i];
        copy_change(&a, &copy[i]);
    }
    j->set = (struct change_set){copy, set->n, set->actor};
    copy_actor(&a, &j->set.actor);
    j->loop = l;
    j->done = done;
    j->arg = arg;
    j->msg.run = on_changed;
    j->arena = a;
    writer_change(s, j);
}

/* ---- rate limits ---- */

struct counters *store_counters(struct store *s)
{
    return s->counters;
}

/* ---- log rows ---- */

void store_push(struct store *s, const struct record *r, struct loop *l, struct msg *ack)
{
    struct queued *e = queued_new(r, atomic_load_explicit(&s->max_body_bytes, memory_order_relaxed));
    e->loop = l;
    e->ack = ack;
    int64_t max = atomic_load_explicit(&s->queue_bytes, memory_order_relaxed);
    writer_notice(s, queue_push(&s->queue, e, max));
}

struct store_stats store_stats(struct store *s)
{
    int64_t waiting = atomic_load(&s->queue.waiting), bytes = atomic_load(&s->queue.bytes);
    return (struct store_stats){
        .rows = s->rows,
        .commits = s->commits,
        .refused_rows = s->refused_rows,
        .deleted_rows = s->deleted_rows,
        .shed_bodies = s->queue.shed,
        .queued_rows = s->held + (uint64_t)(waiting > 0 ? waiting : 0),
        .queued_bytes = (uint64_t)(bytes > 0 ? bytes : 0),
        .segment_bytes = s->segment_bytes,
        .failed_commits = s->failed_commits,
        .trouble = s->trouble,
    };
}

/* ---- queries ---- */

struct audit_ask {
    struct question q;
    struct audit_query query; /* its strs lie in the page's arena */
    struct audit_page *page;
    void (*done)(void *arg, struct audit_page *page);
    void *arg;
};

static void run_audit(struct store *s, struct question *q)
{
    struct audit_ask *k = container_of(q, struct audit_ask, q);
    const char *trouble;
    if (!s->reader.catalog) /* most of the time nobody asks */
        s->reader.catalog = catalog_db_open(s->path, DB_READ, &trouble);
    k->page->err = E_DB;
    if (s->reader.catalog)
        catalog_db_audit(s->reader.catalog, &k->query, k->page);
}

static void audit_done(struct question *q)
{
    struct audit_ask *k = container_of(q, struct audit_ask, q);
    k->done(k->arg, k->page); /* its arena holds the question too */
}

void store_list_audit(struct store *s, const struct audit_query *query, struct loop *l,
                      void (*done)(void *arg, struct audit_page *page), void *arg)
{
    struct arena a;
    arena_init(&a, LOG_PAGE_BYTES);
    struct audit_page *page = arena_new(&a, struct audit_page);
    struct audit_ask *k = arena_new(&a, struct audit_ask);
    *k = (struct audit_ask){
        .q = {.run = run_audit, .done = audit_done}, .query = *query, .page = page, .done = done, .arg = arg};
    struct str *parts[] = {&k->query.account, &k->query.action,   &k->query.actor,   &k->query.resource,
                           &k->query.gateway, &k->query.actor_id, &k->query.actor_ip};
    for (size_t i = 0; i < countof(parts); i++)
        *parts[i] = arena_dup(&a, *parts[i]);
    page->arena = a;
    reader_ask(s, &k->q, l);
}

struct analytics_ask {
    struct question q;
    void (*ask)(void *arg, struct analytics *a);
    void (*done)(void *arg);
    void *arg;
};

static void run_analytics(struct store *s, struct question *q)
{
    struct analytics_ask *k = container_of(q, struct analytics_ask, q);
    struct catalog *c = store_catalog(s);
    k->ask(k->arg, log_db_analytics(s->reader.logs, c, ANALYTICS_TIME_MS));
    log_db_analytics(s->reader.logs, NULL, 0);
    catalog_unref(c);
}

static void analytics_done(struct question *q)
{
    struct analytics_ask *k = container_of(q, struct analytics_ask, q);
    k->done(k->arg);
    mem_free(k);
}

void store_ask_analytics(struct store *s, struct loop *l, void (*ask)(void *arg, struct analytics *a),
                         void (*done)(void *arg), void *arg)
{
    struct analytics_ask *k = mem_alloc(sizeof(*k));
    *k = (struct analytics_ask){
        .q = {.run = run_analytics, .done = analytics_done}, .ask = ask, .done = done, .arg = arg};
    reader_ask(s, &k->q, l);
}
