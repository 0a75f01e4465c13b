/* SPDX-License-Identifier: Apache-2.0 */
#include "http/gather.h"

static void end(struct gather *g, enum err why)
{
    g->call = NULL;
    timer_stop(&g->deadline);
    g->on_done(g->arg, why);
}

static void on_head(void *owner, struct call *c, const struct response_head *h)
{
    (void)c;
    struct gather *g = owner;
    g->status = h->status;
    if (g->on_head)
        g->on_head(g->arg, h);
}

static enum flow on_body(void *owner, struct call *c, struct str piece)
{
    (void)c;
    (void)buf_append(&((struct gather *)owner)->body, piece); /* the owner sees that it is full */
    return GO;
}

static void on_end(void *owner, struct call *c)
{
    (void)c;
    end(owner, E_OK);
}

static void on_fail(void *owner, struct call *c, enum err why)
{
    (void)c;
    end(owner, why);
}

static void on_drain(void *owner, struct call *c)
{
    (void)owner; /* requests are given whole */
    (void)c;
}

static const struct call_events events = {on_head, on_body, on_end, on_fail, on_drain};

static void on_deadline(struct timer *t)
{
    struct gather *g = container_of(t, struct gather, deadline);
    call_cancel(g->call);
    end(g, E_TIMED_OUT);
}

void gather_init(struct gather *g, struct loop *l, size_t max, void (*on_done)(void *arg, enum err why),
                 void *arg)
{
    *g = (struct gather){.on_done = on_done, .arg = arg};
    timer_init(&g->deadline, l, on_deadline);
    buf_init(&g->body, max);
}

void gather_start(struct gather *g, struct client *c, const struct call_request *req, uint64_t ms)
{
    buf_clear(&g->body);
    g->status = 0;
    timer_set(&g->deadline, ms);
    g->call = call_start(c, req, &events, g);
}

void gather_stop(struct gather *g)
{
    call_cancel(g->call);
    g->call = NULL;
    timer_stop(&g->deadline);
}

void gather_done(struct gather *g)
{
    gather_stop(g);
    buf_done(&g->body);
}
