/* SPDX-License-Identifier: Apache-2.0 */
#include "store/queue.h"

#include <stdatomic.h>

static const size_t texts[] = {
    offsetof(struct record, provider),
    offsetof(struct record, model),
    offsetof(struct record, model_type),
    offsetof(struct record, path),
    offsetof(struct record, event_id),
    offsetof(struct record, request_id),
    offsetof(struct record, request_type),
    offsetof(struct record, method),
    offsetof(struct record, request_content_type),
    offsetof(struct record, response_content_type),
    offsetof(struct record, user_agent),
    offsetof(struct record, metadata),
    offsetof(struct record, error),
    offsetof(struct record, trace_id),
    offsetof(struct record, steps),
    offsetof(struct record, key_alias),
    offsetof(struct record, account),
};

static struct str *text_at(struct record *r, size_t i)
{
    return (struct str *)(void *)((char *)r + texts[i]);
}

static struct queued *copy_record(const struct record *r)
{
    struct record own = *r;
    size_t n = 0;
    for (size_t i = 0; i < countof(texts); i++)
        n += text_at(&own, i)->n;
    struct queued *e = mem_alloc(sizeof(*e) + n);
    *e = (struct queued){.r = own, .charged = (int64_t)(sizeof(*e) + n)};
    char *at = e->text;
    for (size_t i = 0; i < countof(texts); i++) {
        struct str *s = text_at(&e->r, i);
        if (s->n)
            memcpy(at, s->p, s->n);
        s->p = s->p ? at : NULL;
        at += s->n;
    }
    return e;
}

static void give_up(struct queued *e, struct record_body *body, unsigned flag)
{
    if (!body->p)
        return;
    mem_free(body->p);
    *body = (struct record_body){NULL, 0};
    e->r.flags |= flag;
}

struct queued *queued_new(const struct record *r, int64_t max_body)
{
    struct queued *e = copy_record(r);
    struct record *own = &e->r;
    bool none = own->flags & (REC_NO_ROW | REC_NO_PAYLOAD);
    if (none || own->request.n > (size_t)max_body)
        give_up(e, &own->request, none ? 0 : REC_REQUEST_MISSING);
    if (none || own->response.n > (size_t)max_body)
        give_up(e, &own->response, none ? 0 : REC_RESPONSE_MISSING);
    e->charged += (int64_t)(own->request.n + own->response.n);
    return e;
}

static void uncharge(struct queue *q, struct queued *e, int64_t n)
{
    e->charged -= n;
    atomic_fetch_sub_explicit(&q->bytes, n, memory_order_relaxed);
}

void queued_drop_bodies(struct queue *q, struct queued *e)
{
    uncharge(q, e, (int64_t)(e->r.request.n + e->r.response.n));
    give_up(e, &e->r.request, 0);
    give_up(e, &e->r.response, 0);
}

void queued_free(struct queue *q, struct queued *e)
{
    mem_free(e->r.request.p);
    mem_free(e->r.response.p);
    uncharge(q, e, e->charged);
    mem_free(e);
}

static void shed(struct queue *q, struct queued *e)
{
    struct record *r = &e->r;
    unsigned bodies = (r->request.p ? 1U : 0U) + (r->response.p ? 1U : 0U);
    r->flags |= (r->request.p ? REC_REQUEST_MISSING : 0U) | (r->response.p ? REC_RESPONSE_MISSING : 0U);
    queued_drop_bodies(q, e);
    atomic_fetch_add_explicit(&q->shed, bodies, memory_order_relaxed);
}

int64_t queue_push(struct queue *q, struct queued *e, int64_t max_bytes)
{
    int64_t bytes = atomic_fetch_add_explicit(&q->bytes, e->charged, memory_order_relaxed) + e->charged;
    if (UNLIKELY(bytes > max_bytes))
        shed(q, e);
    /* Counted before it is in the list: a writer that sees 0 waiting may sleep, because whoever comes
     * next sees that 0 too and wakes it. Counted after, two pushers could each leave it to the other. */
    int64_t before = atomic_fetch_add(&q->waiting, 1);
    struct queued *head = atomic_load_explicit(&q->newest, memory_order_relaxed);
    do
        e->next = head;
    while (!atomic_compare_exchange_weak_explicit(&q->newest, &head, e, memory_order_release,
                                                  memory_order_relaxed));
    return before;
}

struct queued *queue_take(struct queue *q, int64_t *ret_n)
{
    struct queued *e = atomic_exchange_explicit(&q->newest, NULL, memory_order_acquire), *out = NULL;
    int64_t n = 0;
    while (e) {
        struct queued *next = e->next;
        e->next = out;
        out = e;
        e = next;
        n++;
    }
    atomic_fetch_sub(&q->waiting, n);
    *ret_n = n;
    return out;
}
