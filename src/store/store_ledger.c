/* SPDX-License-Identifier: Apache-2.0 */
/* The store's face towards the ledger. */
#include "store/private.h"
#include "base/limits.h"

struct ledger_page *ledger_page_new(void)
{
    struct arena a;
    arena_init(&a, LOG_PAGE_BYTES);
    struct ledger_page *p = arena_new(&a, struct ledger_page);
    must(p != NULL);
    p->arena = a;
    return p;
}

void ledger_page_free(struct ledger_page *p)
{
    if (!p)
        return;
    struct arena a = p->arena; /* the page lies in it */
    arena_done(&a);
}

struct credits *store_credits(struct store *s)
{
    return s->credits;
}

/* ---- booking ---- */

static void on_booked(struct loop *l, struct msg *m)
{
    (void)l;
    struct job *j = container_of(m, struct job, msg);
    j->booking->done(j->booking->arg, j->result, j->booking->balance);
    struct arena a = j->arena; /* the job lies in it */
    arena_done(&a);
}

void store_book(struct store *s, const struct ledger_entry *e, struct loop *l,
                void (*done)(void *arg, enum err e, int64_t balance), void *arg)
{
    struct arena a;
    arena_init(&a, SIZE_MAX / 2);
    struct job *j = arena_new(&a, struct job);
    struct booking *b = arena_new(&a, struct booking);
    *b = (struct booking){.entry = *e, .done = done, .arg = arg};
    struct str *parts[] = {&b->entry.account, &b->entry.provider, &b->entry.model, &b->entry.actor,
                           &b->entry.note};
    for (size_t i = 0; i < countof(parts); i++)
        *parts[i] = arena_dup(&a, *parts[i]);
    j->booking = b;
    j->loop = l;
    j->msg.run = on_booked;
    j->arena = a;
    writer_change(s, j);
}

/* ---- reading ---- */

struct ledger_ask {
    struct question q;
    struct ledger_query query; /* its strs lie in the page's arena */
    struct uuid id;
    struct ledger_page *page;
    void (*done)(void *arg, struct ledger_page *page);
    void *arg;
};

static void run(struct store *s, struct question *q)
{
    struct ledger_ask *k = container_of(q, struct ledger_ask, q);
    (void)log_db_ledger(s->reader.logs, &k->query, k->page);
}

static void answer(struct question *q)
{
    struct ledger_ask *k = container_of(q, struct ledger_ask, q);
    k->done(k->arg, k->page); /* its arena holds the question too */
}

void store_read_ledger(struct store *s, const struct ledger_query *query, struct loop *l,
                       void (*done)(void *arg, struct ledger_page *page), void *arg)
{
    struct ledger_page *page = ledger_page_new();
    struct ledger_ask *k = arena_new(&page->arena, struct ledger_ask);
    must(k != NULL);
    *k = (struct ledger_ask){
        .q = {.run = run, .done = answer}, .query = *query, .page = page, .done = done, .arg = arg};
    k->query.account = arena_dup(&page->arena, query->account);
    if (query->id) {
        k->id = *query->id;
        k->query.id = &k->id;
    }
    reader_ask(s, &k->q, l);
}
