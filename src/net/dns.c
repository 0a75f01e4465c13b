/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry per name: being looked up (queries wait on it) or answered (kept for DNS_TTL_MS). A
 * failed lookup is kept for a shorter time, so that a burst of calls asks once.
 */
#include "net/dns.h"
#include "base/limits.h"
#include "net/loop_uv.h"

#include <netdb.h>
#include <netinet/in.h>

struct dns_query {
    struct node node; /* in its entry's waiting list, or in none once answered */
    struct task task;
    struct dns_entry *entry;
    void (*on_done)(void *arg, enum err e, const struct addr *v, size_t n);
    void *arg;
};

struct dns_entry {
    struct node node; /* in dns.entries, oldest first */
    uv_getaddrinfo_t req;
    struct dns *dns;
    struct list waiting; /* queries without an answer yet */
    size_t users;        /* queries that point here: the entry stays */
    bool busy;
    enum err err;
    uint64_t until;
    struct addr v[RACE_ADDRESSES];
    size_t n;
    size_t host_n;
    char host[];
};

struct dns {
    struct loop *loop;
    struct list entries;
    bool closing;
};

struct dns *dns_new(struct loop *l)
{
    struct dns *d = mem_zalloc(sizeof(*d));
    d->loop = l;
    list_init(&d->entries);
    return d;
}

static void entry_drop(struct dns_entry *e)
{
    list_remove(&e->dns->entries, &e->node);
    mem_free(e);
}

void dns_free(struct dns *d)
{
    if (!d)
        return;
    for (struct node *n = d->entries.head.next, *next; n != &d->entries.head; n = next) {
        struct dns_entry *e = container_of(n, struct dns_entry, node);
        next = n->next;
        must(e->users == 0);
        if (e->busy)
            uv_cancel((uv_req_t *)&e->req); /* the loop's last round frees it */
        else
            entry_drop(e);
    }
    d->closing = true;
    if (d->entries.count == 0)
        mem_free(d);
}

static void answer(struct task *t)
{
    struct dns_query *q = container_of(t, struct dns_query, task);
    struct dns_entry *e = q->entry;
    q->on_done(q->arg, e->err, e->v, e->n);
    e->users--;
    mem_free(q);
}

static bool known(const struct dns_entry *e, const struct sockaddr *sa, socklen_t len)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->v[i].len == len && memcmp(&e->v[i].sa, sa, len) == 0)
            return true;
    return false;
}

/* Takes the next unused address of a family, in the resolver's order. */
static bool take_family(struct dns_entry *e, const struct addrinfo **from, int family)
{
    for (; *from; *from = (*from)->ai_next) {
        if ((*from)->ai_family != family || known(e, (*from)->ai_addr, (*from)->ai_addrlen))
            continue;
        memcpy(&e->v[e->n].sa, (*from)->ai_addr, (*from)->ai_addrlen);
        e->v[e->n++].len = (*from)->ai_addrlen;
        return true;
    }
    return false;
}

static void interleave(struct dns_entry *e, const struct addrinfo *list)
{
    const struct addrinfo *six = list, *four = list;
    bool more = true;
    while (more && e->n < RACE_ADDRESSES) {
        more = take_family(e, &six, AF_INET6);
        if (e->n < RACE_ADDRESSES)
            more |= take_family(e, &four, AF_INET);
    }
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct dns_entry *e = container_of(req, struct dns_entry, req);
    struct dns *d = e->dns;
    e->busy = false;
    if (status == 0)
        interleave(e, list);
    uv_freeaddrinfo(list);
    e->err = e->n ? E_OK : E_DNS;
    e->until = loop_ms(d->loop) + (e->n ? DNS_TTL_MS : DNS_NEGATIVE_TTL_MS);
    if (d->closing) {
        entry_drop(e);
        if (d->entries.count == 0)
            mem_free(d);
        return;
    }
    for (struct node *n; (n = list_pop(&e->waiting)) != NULL;)
        loop_post(d->loop, &container_of(n, struct dns_query, node)->task);
    loop_settle(d->loop);
}

static struct dns_entry *entry_find(struct dns *d, struct str host)
{
    for (struct node *n = d->entries.head.next; n != &d->entries.head; n = n->next) {
        struct dns_entry *e = container_of(n, struct dns_entry, node);
        if (str_ieq(str_of(e->host, e->host_n), host))
            return e;
    }
    return NULL;
}

static void make_room(struct dns *d)
{
    for (struct node *n = d->entries.head.next, *next; n != &d->entries.head; n = next) {
        struct dns_entry *e = container_of(n, struct dns_entry, node);
        next = n->next;
        if (d->entries.count >= DNS_CACHE_ENTRIES && !e->busy && e->users == 0)
            entry_drop(e);
    }
}

static struct dns_entry *entry_new(struct dns *d, struct str host)
{
    make_room(d);
    struct dns_entry *e = mem_zalloc(sizeof(*e) + host.n + 1);
    memcpy(e->host, host.p, host.n);
    e->host_n = host.n;
    e->dns = d;
    list_init(&e->waiting);
    list_push(&d->entries, &e->node);
    return e;
}

static void resolve(struct dns_entry *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    e->n = 0;
    e->busy = uv_getaddrinfo(loop_uv(e->dns->loop), &e->req, on_resolved, e->host, NULL, &hints) == 0;
    if (e->busy)
        return;
    e->err = E_DNS;
    e->until = 0;
}

struct dns_query *dns_lookup(struct dns *d, struct str host,
                             void (*on_done)(void *arg, enum err e, const struct addr *v, size_t n),
                             void *arg)
{
    struct dns_entry *e = entry_find(d, host);
    if (!e)
        e = entry_new(d, host);
    /* answers in use are not overwritten: whoever waits for them still gets them */
    if (!e->busy && e->users == 0 && e->until <= loop_ms(d->loop))
        resolve(e);
    struct dns_query *q = mem_zalloc(sizeof(*q));
    *q = (struct dns_query){.task.run = answer, .entry = e, .on_done = on_done, .arg = arg};
    e->users++;
    if (e->busy)
        list_push(&e->waiting, &q->node);
    else
        loop_post(d->loop, &q->task);
    return q;
}

void dns_cancel(struct dns_query *q)
{
    if (node_linked(&q->node))
        list_remove(&q->entry->waiting, &q->node);
    loop_unpost(q->entry->dns->loop, &q->task);
    q->entry->users--;
    mem_free(q);
}
