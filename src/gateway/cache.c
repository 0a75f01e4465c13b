/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step: is the answer known, or on its way? (data plane section 18)
 *
 *   key ─┬ stored: it is replayed, and nobody further in is entered
 *        ├ on disk: wait for it
 *        ├ on its way to another request of this worker: read along (coalescing)
 *        └ not: lead. The tap keeps what flows out; a whole, good answer is stored at its end
 *
 * A leader whose client leaves goes on while others read. When it fails, those that have sent nothing
 * yet try for themselves; the others are cut as it was. A leader with readers does not wait for its own
 * client: when that is slow the leader reads what was kept, like the rest.
 *
 * There may be thousands of readers. They are served by a task, a few at a time: what is written in one go
 * takes memory until it is flushed.
 */
#include "gateway/cache.h"
#include "base/limits.h"
#include "gateway/cache_key.h"
#include "gateway/cost.h"
#include "gateway/custom.h"
#include "gateway/flight.h"
#include "gateway/timeline.h"
#include "store/provider_key.h"

/* A txn's dealings with the cache, for its current target. */
struct cache_use {
    struct txn *t;
    struct cache_load *load;
    struct cache_entry *entry; /* replayed */
    struct flight *flight;     /* led, or read */
    struct node node;          /* among the readers */
    struct timer patience;     /* a reader's, for the head */
    size_t at;                 /* bytes of entry or flight that went out */
    bool leads;
    bool started; /* answers from what is kept */
    bool behind;  /* leads, but reads what was kept: its client is slow */
    struct sink sink;
};

static void pump(struct cache_use *u);
static void serve(struct task *task);

/* ---- reading what is kept ---- */

static struct str kept_from(const struct cache_use *u)
{
    struct str all = u->entry ? str_from(u->entry->body, u->at) : flight_from(u->flight, u->at);
    return str_head(all, CACHE_PIECE_BYTES);
}

static bool has_whole(const struct cache_use *u)
{
    return u->entry || u->flight->complete;
}

/* A leader is its own tap: what it reads goes on from there. */
static void emit(struct cache_use *u, const struct event *ev)
{
    if (u->leads)
        (void)u->sink.out->event(u->sink.out, ev);
    else
        (void)txn_emit(u->t, ev);
}

/* The leader's own events were accounted for when they came. */
static void send_kept(struct cache_use *u, struct str piece)
{
    struct txn *t = u->t;
    u->at += piece.n;
    if (!u->leads)
        attempt_capture(t, attempt_last(t), piece);
    emit(u, &(struct event){.kind = EV_DATA, .raw = piece});
}

/* The slowest reader of a window says how much of it is kept. */
static void trim_window(struct flight *f)
{
    size_t least = flight_end(f);
    if (!f->too_large)
        return;
    for (struct node *n = f->readers.head.next; n != &f->readers.head; n = n->next) {
        struct cache_use *u = container_of(n, struct cache_use, node);
        least = u->at < least ? u->at : least;
    }
    struct cache_use *lead = f->leader ? f->leader->cache : NULL;
    if (lead && lead->behind && lead->at < least)
        least = lead->at;
    bool was_full = flight_is_full(f);
    flight_trim(f, least);
    if (was_full && !flight_is_full(f) && f->leader && f->leader->call)
        call_resume(f->leader->call);
}

/* There may be something to do for readers, to give up, or to free. */
static void serve_later(struct cache_use *u)
{
    if (u->flight)
        loop_post(u->flight->loop, &u->flight->serve);
}

static void leave_flight(struct cache_use *u)
{
    struct flight *f = u->flight;
    timer_stop(&u->patience);
    if (!f)
        return;
    if (u->leads)
        f->leader = NULL;
    else
        list_remove(&f->readers, &u->node);
    serve_later(u); /* the leader may have waited for this one */
    u->flight = NULL;
    if (f->leader && f->leader->gone && f->readers.count == 0 && !f->complete)
        txn_abort(f->leader, E_CLIENT_GONE); /* it went on for the readers */
}

static void end_kept(struct cache_use *u)
{
    struct txn *t = u->t;
    if (!u->leads) {
        struct attempt *a = attempt_last(t);
        a->answered = true;
        a->ended_us = clock_us();
        a->meter.error = u->flight && u->flight->error;
        if (u->flight)
            a->saved_pico = u->flight->cost_pico;
        leave_flight(u);
    }
    u->behind = false;
    t->drain = NULL;
    emit(u, &(struct event){.kind = EV_END});
}

static void pump(struct cache_use *u)
{
    struct txn *t = u->t;
    struct str piece;
    if (t->finishing)
        return; /* there was no room for the head */
    while (!t->held && (piece = kept_from(u)).n)
        send_kept(u, piece);
    if (kept_from(u).n == 0 && has_whole(u))
        end_kept(u);
}

static void drain_kept(struct txn *t)
{
    pump(t->cache);
    serve_later(t->cache);
}

/* ---- answering from what is kept ---- */

/* A row of its own, and the head. False: the txn's memory is used up; it has failed. */
static bool start_answer(struct cache_use *u, struct str stored, int64_t length)
{
    struct txn *t = u->t;
    struct response_head h;
    struct attempt *a = attempt_new(t, BY_CACHE);
    u->started = true;
    if (!a || cache_head_read(t->arena, stored, length, &h, &a->saved_pico) != E_OK)
        return false;
    attempt_head(t, a, &h);
    t->drain = drain_kept;
    (void)txn_emit(t, &(struct event){.kind = EV_HEAD, .head = &h});
    return true;
}

static enum next replay(struct txn *t, struct cache_entry *e)
{
    struct cache_use *u = t->cache;
    u->entry = e;
    txn_target(t)->cache = CACHED_HIT;
    if (!start_answer(u, e->head, (int64_t)e->body.n))
        return txn_refuse(t, E_TOO_LARGE, STR(""));
    timeline_cache_age(attempt_last(t), clock_wall_ms() - e->stored_ms);
    pump(u);
    return DONE;
}

/* ---- readers ---- */

static void start_reader(struct cache_use *u)
{
    struct txn *t = u->t;
    timer_stop(&u->patience);
    txn_settled(t); /* it may have waited */
    if (!start_answer(u, buf_str(&u->flight->head), u->flight->length))
        txn_break(t, E_TOO_LARGE, STR(""));
    else
        pump(u);
}

/* The request ends while it waits. It has a row all the same. */
static void stop_reading(struct txn *t)
{
    leave_flight(t->cache);
    attempt_refused(t, t->fault);
}

/* Brings the answer, and keeps it. listed: for others to read along. */
static enum next lead(struct txn *t, bool listed)
{
    struct cache_use *u = t->cache;
    struct target *target = txn_target(t);
    u->leads = true;
    u->flight = flight_new(listed ? t->w->flights : NULL, &target->key, t,
                           (size_t)t->settings->conf->cache_entry_bytes);
    u->flight->serve.run = serve;
    u->flight->loop = t->w->loop;
    target->cache = CACHED_MISS;
    return NEXT;
}

/* The leader failed, or is too slow for this one, before a byte of it came here. */
static enum next go_alone(struct txn *t)
{
    return lead(t, false);
}

/* It would not wait longer for a provider of its own. */
static void on_patience(struct timer *timer)
{
    struct cache_use *u = container_of(timer, struct cache_use, patience);
    leave_flight(u);
    txn_resume(u->t);
}

static void fall_behind(struct cache_use *lead)
{
    struct txn *t = lead->t;
    lead->behind = true;
    lead->at = flight_end(lead->flight);
    t->drain = drain_kept;
    if (t->call)
        call_resume(t->call);
}

static enum next read_along(struct txn *t, struct flight *f)
{
    struct cache_use *u = t->cache;
    struct txn *leader = f->leader;
    u->flight = f;
    list_push(&f->readers, &u->node);
    txn_target(t)->cache = CACHED_SHARED;
    timeline_rename(t, STEP_SHARED);
    stat_add(&t->w->stats.cache_shared, 1);
    if (leader->held && !leader->cache->behind)
        fall_behind(leader->cache);
    if (f->has_head) {
        start_reader(u);
        return DONE;
    }
    if (txn_target(t)->policy.request_timeout_ms)
        timer_set(&u->patience, (uint64_t)txn_target(t)->policy.request_timeout_ms);
    return txn_wait(t, go_alone, stop_reading);
}

/* ---- serving readers ---- */

static void let_go(struct cache_use *u, enum err why)
{
    list_remove(&u->flight->readers, &u->node);
    u->flight = NULL;
    timer_stop(&u->patience);
    if (u->started)
        txn_break(u->t, why, STR(""));
    else
        txn_resume(u->t);
}

/* Those who have had their turn go to the end of the line. */
static void serve_first(struct flight *f)
{
    struct cache_use *u = container_of(f->readers.head.next, struct cache_use, node);
    list_remove(&f->readers, &u->node);
    list_push(&f->readers, &u->node);
    if (f->broken != E_OK)
        let_go(u, f->broken);
    else if (u->started)
        pump(u);
    else if (f->has_head)
        start_reader(u);
}

static void serve(struct task *task)
{
    struct flight *f = container_of(task, struct flight, serve);
    struct cache_use *lead = f->leader ? f->leader->cache : NULL;
    if (!lead && f->readers.count == 0) {
        flight_free(f);
        return;
    }
    if (lead && lead->behind)
        pump(lead);
    if (f->unserved > f->readers.count)
        f->unserved = f->readers.count; /* some have left */
    if (f->unserved == 0) {
        trim_window(f);
        return;
    }
    for (int i = 0; i < CACHE_SERVED_AT_ONCE && f->unserved > 0; i++, f->unserved--)
        serve_first(f);
    loop_post(f->loop, task); /* for the others, and for what all have had */
}

/* There is something new for all. */
static void serve_all(struct cache_use *lead)
{
    struct flight *f = lead->flight;
    f->unserved = f->readers.count;
    if (f->unserved || lead->behind)
        serve_later(lead);
}

/* ---- the leader ---- */

/* The answer is not for others, or not any more. */
static void dissolve(struct cache_use *lead, enum err why)
{
    flight_unlist(lead->flight);
    lead->flight->broken = why;
    serve_all(lead);
    leave_flight(lead);
}

static void take_head(struct cache_use *u, const struct response_head *h)
{
    struct flight *f = u->flight;
    bool shared = h->status == 200 && !attempt_last(u->t)->until_close;
    if (!shared || cache_head_write(&f->head, h) != E_OK) {
        dissolve(u, E_RESET);
        return;
    }
    f->has_head = true;
    f->length = h->length;
    if (h->length > 0 && (size_t)h->length > f->cap)
        flight_outgrew(f);
    else if (h->length > 0) /* what a provider announces is not what it sends */
        (void)buf_room(&f->body, h->length < BODY_BUFFER_BYTES ? (size_t)h->length : BODY_BUFFER_BYTES);
    serve_all(u);
}

/* A stream must have come to its own end, where it is known how that looks. What could not be translated was
 * not answered with 200. */
static bool is_good(const struct txn *t, const struct attempt *a)
{
    bool marked = cache_is_event_stream(a->content_type) && a->target->op.dialect != D_OPAQUE;
    return !a->meter.error && (!marked || a->meter.complete) && t->answer_status == 200;
}

static void store(struct cache_use *u)
{
    struct txn *t = u->t;
    struct flight *f = u->flight;
    struct buf copy, head;
    size_t n;
    buf_init(&copy, SIZE_MAX / 2);
    buf_init(&head, SIZE_MAX / 2); /* readers may have views of the flight's */
    (void)buf_append(&head, buf_str(&f->head));
    (void)cache_head_put_cost(&head, f->cost_pico);
    if (f->readers.count || u->behind) /* they still read */
        (void)buf_append(&copy, buf_str(&f->body));
    else
        copy = f->body, f->body = (struct buf){.max = f->body.max};
    char *body = buf_take(&copy, &n);
    respcache_put(t->w->cache, &f->key, clock_wall_ms(), txn_target(t)->policy.cache_ttl_ms, buf_str(&head),
                  body, n);
    buf_done(&head);
}

static enum flow take_bytes(struct cache_use *u, const struct event *ev)
{
    struct flight *f = u->flight;
    flight_append(f, ev->raw);
    if (f->too_large && f->readers.count == 0 && !u->behind) {
        leave_flight(u); /* nobody will ever read it */
        return u->sink.out->event(u->sink.out, ev);
    }
    serve_all(u);
    if (!u->behind && u->sink.out->event(u->sink.out, ev) == HOLD) {
        if (f->readers.count == 0)
            return HOLD;
        fall_behind(u);
    }
    return f->too_large && flight_is_full(f) ? HOLD : GO;
}

static enum flow take_end(struct cache_use *u, const struct event *ev)
{
    struct flight *f = u->flight;
    struct attempt *a = attempt_last(u->t);
    attempt_settle(u->t, a); /* usage, and errors that came with a 200 */
    flight_unlist(f);
    f->complete = true;
    f->error = a->meter.error;
    f->cost_pico = cost_of_answer(u->t);
    serve_all(u);
    if (!u->behind) /* else its end comes when all before it was read */
        (void)u->sink.out->event(u->sink.out, ev);
    if (!f->too_large && is_good(u->t, a))
        store(u);
    return GO;
}

static enum flow keep(struct sink *s, const struct event *ev)
{
    struct cache_use *u = container_of(s, struct cache_use, sink);
    if (!u->flight)
        return s->out->event(s->out, ev);
    switch (ev->kind) {
    case EV_HEAD: take_head(u, ev->head); break;
    case EV_DATA:
    case EV_SSE: return take_bytes(u, ev);
    case EV_END: return take_end(u, ev);
    }
    return s->out->event(s->out, ev);
}

bool cache_goes_on(struct txn *t)
{
    struct cache_use *u = t->cache;
    if (!u || !u->leads || !u->flight || u->flight->complete || u->flight->readers.count == 0)
        return false;
    t->held = false;
    t->drain = NULL;
    if (t->call)
        call_resume(t->call);
    return true;
}

/* ---- the step ---- */

struct str cache_why_not(const struct txn *t, const struct target *target)
{
    if (target->policy.cache_ttl_ms == 0)
        return target->options.skip_cache == ON ? STR("the request skips it") : STR("no time to live is set");
    if (!t->w->cache)
        return STR("there is no cache");
    if (!str_eq(target->method, STR("POST")))
        return STR("only answers to POST are kept");
    if (t->body_state != BODY_WHOLE || target->body.n > (size_t)t->settings->conf->cache_entry_bytes)
        return STR("the request is too large");
    return (struct str){NULL, 0};
}

bool cache_key_for(const struct txn *t, const struct target *target, struct cache_key *ret)
{
    if (cache_why_not(t, target).p)
        return false;
    const struct custom *custom = custom_of(target->provider);
    *ret = cache_key_of(&(struct cache_key_parts){
        .gateway = t->gateway->id,
        .provider_changed = custom ? custom->object->modified_ms : 0,
        .generation = t->gateway->cache_generation,
        .provider = target->provider,
        .rest = target->rest,
        .model = target_model(target),
        .url = &target->url,
        .headers = &target->headers,
        .alias = target->stored    ? target->stored->alias
                 : target->unified ? STR("\x1funified") /* no alias: they have no control characters */
                                   : (struct str){NULL, 0},
        .body = target->parts ? buf_str(&target->own_body) : target->body,
        .stream = target->facts.stream || target->op.stream,
        .usage_asked = target->facts.usage_asked,
        .translated = target->translation,
        .dialect = target->op.dialect,
        .own = target->options.cache_key,
    });
    return true;
}

static enum next missed(struct txn *t)
{
    struct flight *f = flights_find(t->w->flights, &txn_target(t)->key);
    return f ? read_along(t, f) : lead(t, true);
}

static enum next loaded(struct txn *t)
{
    struct cache_entry *e = t->cache->entry;
    return e ? replay(t, e) : missed(t);
}

static void on_loaded(void *arg, struct cache_entry *e)
{
    struct txn *t = arg;
    t->cache->load = NULL;
    t->cache->entry = e;
    txn_resume(t);
}

static void stop_loading(struct txn *t)
{
    cache_load_cancel(t->cache->load);
    t->cache->load = NULL;
    attempt_refused(t, t->fault);
}

static enum next enter(struct txn *t)
{
    struct target *target = txn_target(t);
    struct cache_entry *e = NULL;
    target->cache = CACHED_OFF;
    if (!cache_key_for(t, target, &target->key))
        return NEXT;
    t->cache = arena_new(t->arena, struct cache_use);
    if (!t->cache)
        return txn_refuse(t, E_TOO_LARGE, STR(""));
    t->cache->t = t;
    timeline_turn(t, STEP_CACHE);
    timer_init(&t->cache->patience, t->w->loop, on_patience);
    switch (respcache_get(t->w->cache, &target->key, clock_wall_ms(), &e)) {
    case CACHE_HIT: return replay(t, e);
    case CACHE_MISS: return missed(t);
    case CACHE_ON_DISK: break;
    }
    t->cache->load = respcache_load(t->w->cache, &target->key, t->w->loop, on_loaded, t);
    return txn_wait(t, loaded, stop_loading);
}

static struct sink *tap(struct txn *t, struct sink *out)
{
    struct cache_use *u = t->cache;
    if (!u || !u->leads || !u->flight)
        return out;
    u->sink = (struct sink){.event = keep, .out = out, .txn = t};
    return &u->sink;
}

static enum err why_it_ended(const struct txn *t)
{
    return t->n_attempts && attempt_last(t)->err != E_OK ? attempt_last(t)->err : E_RESET;
}

static void leave(struct txn *t)
{
    struct cache_use *u = t->cache;
    if (!u)
        return;
    if (u->leads && u->flight && !u->flight->complete)
        dissolve(u, why_it_ended(t));
    else
        leave_flight(u);
    if (t->n_attempts && !u->leads && u->started)
        attempt_settle(t, attempt_last(t));
    cache_entry_unref(u->entry);
    t->cache = NULL;
    t->drain = NULL;
}

const struct step step_cache = {"cache", enter, tap, leave};
