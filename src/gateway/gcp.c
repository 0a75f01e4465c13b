/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry is fresh (has a token that lives for a while), being fetched (waits queue on it), or
 * stale. Waits are answered by a task, so that a caller never sees its callback before it returns.
 */
#include "gateway/gcp.h"
#include "base/clock.h"
#include "base/limits.h"
#include "http/gather.h"

/* A token is used until this long before its end, so that it cannot run out on its way. */
enum { MARGIN_MS = 60 * 1000, ENTRIES = 256, ANSWER_BYTES = 64 * KIB, EXCHANGE_MS = 10 * 1000 };

struct gcp_entry {
    struct node node;
    struct gcp_cache *cache;
    unsigned char id[SHA256_BYTES];
    struct list waits;
    struct arena arena; /* of the exchange under way */
    struct headers headers;
    struct gather fetch;
    char *token;      /* NUL-terminated; a secret */
    int64_t until_ms; /* wall clock */
    enum err err;
    size_t users;
};

struct gcp_cache {
    struct worker *w;
    struct list entries; /* oldest first */
};

struct gcp_wait {
    struct node node;
    struct task task;
    struct gcp_entry *entry;
    void (*on_ready)(void *arg);
    void *arg;
};

struct gcp_cache *gcp_cache_new(struct worker *w)
{
    struct gcp_cache *c = mem_zalloc(sizeof(*c));
    c->w = w;
    list_init(&c->entries);
    return c;
}

static void entry_free(struct gcp_entry *e)
{
    list_remove(&e->cache->entries, &e->node);
    gather_done(&e->fetch);
    arena_done(&e->arena);
    mem_free(e->token);
    mem_free(e);
}

void gcp_cache_free(struct gcp_cache *c)
{
    struct node *n;
    if (!c)
        return;
    while ((n = list_first(&c->entries)) != NULL) {
        struct gcp_entry *e = container_of(n, struct gcp_entry, node);
        must(e->users == 0);
        entry_free(e);
    }
    mem_free(c);
}

static void run_wait(struct task *task)
{
    struct gcp_wait *w = container_of(task, struct gcp_wait, task);
    w->on_ready(w->arg);
}

static void answer_all(struct gcp_entry *e, enum err err)
{
    e->err = err;
    for (struct node *n; (n = list_pop(&e->waits)) != NULL;)
        loop_post(e->cache->w->loop, &container_of(n, struct gcp_wait, node)->task);
}

/* ---- the exchange ---- */

static void take_token(struct gcp_entry *e, struct secret token, int64_t seconds)
{
    struct str text = secret_reveal(token);
    mem_free(e->token);
    e->token = mem_zalloc(text.n + 1);
    memcpy(e->token, text.p, text.n);
    e->until_ms = clock_wall_ms() + seconds * 1000 - MARGIN_MS;
}

static void on_answer(void *arg, enum err why)
{
    struct gcp_entry *e = arg;
    struct secret token;
    int64_t seconds;
    if (why == E_OK)
        why = e->fetch.status == 200 && !e->fetch.body.full
                  ? gcp_token_answer(&e->arena, buf_str(&e->fetch.body), &token, &seconds)
                  : E_CREDENTIAL;
    if (why == E_OK)
        take_token(e, token, seconds);
    answer_all(e, why);
}

static enum err fetch(struct gcp_entry *e, const struct gcp_account *account)
{
    struct worker *w = e->cache->w;
    struct upstream_url url = {0};
    struct str body;
    arena_reset(&e->arena);
    e->headers = (struct headers){0};
    enum err err =
        gcp_token_url(&e->arena, account, settings_origin(w->view->settings, STR("google-oauth")), &url);
    if (err == E_OK)
        err = gcp_token_request(&e->arena, account, clock_wall_ms() / 1000, &body);
    if (err == E_OK)
        err = headers_add(&e->headers, &e->arena, STR("Content-Type"),
                          STR("application/x-www-form-urlencoded"));
    if (err != E_OK)
        return E_CREDENTIAL;
    struct str host = arena_dup(&e->arena, url.authority);
    struct call_request req = {
        .origin =
            client_origin(w->client,
                          &(struct origin_name){
                              .tls = url.tls, .host = url.host, .port = url.port, .trusted = url.trusted}),
        .method = STR("POST"),
        .target = url.target,
        .host = host,
        .headers = &e->headers,
        .body = body,
    };
    gather_start(&e->fetch, w->client, &req, EXCHANGE_MS);
    return E_OK;
}

/* ---- waits ---- */

static struct gcp_entry *entry_find(struct gcp_cache *c, const unsigned char id[SHA256_BYTES])
{
    for (struct node *n = c->entries.head.next; n != &c->entries.head; n = n->next) {
        struct gcp_entry *e = container_of(n, struct gcp_entry, node);
        if (memcmp(e->id, id, SHA256_BYTES) == 0)
            return e;
    }
    return NULL;
}

static void make_room(struct gcp_cache *c)
{
    for (struct node *n = c->entries.head.next, *next; n != &c->entries.head; n = next) {
        struct gcp_entry *e = container_of(n, struct gcp_entry, node);
        next = n->next;
        if (c->entries.count >= ENTRIES && e->users == 0 && !e->fetch.call)
            entry_free(e);
    }
}

static struct gcp_entry *entry_new(struct gcp_cache *c, const unsigned char id[SHA256_BYTES])
{
    make_room(c);
    struct gcp_entry *e = mem_zalloc(sizeof(*e));
    e->cache = c;
    memcpy(e->id, id, SHA256_BYTES);
    list_init(&e->waits);
    arena_init(&e->arena, ANSWER_BYTES * 4);
    gather_init(&e->fetch, c->w->loop, ANSWER_BYTES, on_answer, e);
    list_push(&c->entries, &e->node);
    return e;
}

struct gcp_wait *gcp_exchange(struct worker *w, const struct gcp_account *account,
                              void (*on_ready)(void *arg), void *arg)
{
    struct gcp_entry *e = entry_find(w->gcp, account->id);
    if (!e)
        e = entry_new(w->gcp, account->id);
    struct gcp_wait *wait = mem_zalloc(sizeof(*wait));
    *wait = (struct gcp_wait){.task.run = run_wait, .entry = e, .on_ready = on_ready, .arg = arg};
    e->users++;
    bool fresh = e->token && e->until_ms > clock_wall_ms();
    if (fresh)
        e->err = E_OK;
    else if (!e->fetch.call)
        e->err = fetch(e, account);
    if (e->fetch.call)
        list_push(&e->waits, &wait->node);
    else
        loop_post(w->loop, &wait->task);
    return wait;
}

void gcp_cancel(struct gcp_wait *wait)
{
    struct gcp_entry *e = wait->entry;
    if (node_linked(&wait->node))
        list_remove(&e->waits, &wait->node);
    loop_unpost(e->cache->w->loop, &wait->task);
    e->users--;
    mem_free(wait); /* the exchange goes on: the next call will want the token */
}

enum err gcp_result(struct gcp_wait *wait, struct arena *a, struct secret *ret)
{
    struct gcp_entry *e = wait->entry;
    enum err err = e->err;
    struct str copy = err == E_OK ? arena_dup(a, str_c(e->token)) : STR("");
    e->users--;
    mem_free(wait);
    if (err != E_OK)
        return err;
    if (!copy.p)
        return E_FULL;
    *ret = secret_of(copy);
    return E_OK;
}
