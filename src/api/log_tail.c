/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET .../logs/tail: rows as they reach the log, as server-sent events. Each has its row's id, so that a
 * browser that lost the connection goes on where it was (Last-Event-ID; WHATWG HTML, "server-sent events").
 *
 *   poll ─ store ─ rows ─ [the client takes them] ─ some time ─┐
 *    ^─────────────────────────────────────────────────────────┘
 */
#include "api/log_json.h"
#include "api/log_query.h"

enum { POLL_MS = 500, QUIET_POLLS = 30, ROWS = 200 };

struct tail {
    struct api_call *call;
    struct log_query query;
    struct timer timer;
    unsigned quiet; /* polls without a row: proxies cut what says nothing for long */
};

static void on_rows(void *arg, struct log_page *page);

static void poll(struct timer *timer)
{
    struct tail *t = container_of(timer, struct tail, timer);
    struct api_call *c = t->call;
    if (exchange_is_ending(c->x)) { /* a client comes back, to the next process */
        exchange_end(c->x);
        api_call_finish(c);
        return;
    }
    api_call_wait(c);
    store_list_logs(api_call_store(c), &t->query, api_call_loop(c), on_rows, t);
}

static void put_event(struct buf *out, const struct log_row *row)
{
    (void)buf_printf(out, "id: %.*s\ndata: ", STR_FMT(row->id_text));
    struct json_out w = json_out(out);
    log_json_item(&w, row);
    (void)buf_append_c(out, "\n\n");
}

static enum flow send_rows(struct tail *t, const struct log_page *page)
{
    struct api_call *c = t->call;
    buf_clear(&c->answer);
    for (size_t i = 0; i < page->n; i++) {
        put_event(&c->answer, &page->rows[i]);
        t->query.after = page->rows[i].r.id;
    }
    t->quiet = page->n ? 0 : t->quiet + 1;
    if (t->quiet % QUIET_POLLS == QUIET_POLLS - 1)
        (void)buf_append_c(&c->answer, ": still here\n\n");
    return c->answer.n ? exchange_write_copy(c->x, buf_str(&c->answer)) : GO;
}

static void on_rows(void *arg, struct log_page *page)
{
    struct tail *t = arg;
    bool there = api_call_resume(t->call);
    if (there && send_rows(t, page) == GO)
        timer_set(&t->timer, page->n == ROWS ? 1 : POLL_MS);
    log_page_free(page);
}

static void on_drained(struct api_call *c)
{
    struct tail *t = c->stream;
    if (!c->waiting && !timer_is_set(&t->timer))
        timer_set(&t->timer, 1);
}

static void on_left(struct api_call *c)
{
    struct tail *t = c->stream;
    timer_stop(&t->timer);
    api_call_finish(c);
}

static void send_head(struct api_call *c)
{
    struct header lines[] = {
        {STR("content-type"), STR("text/event-stream")},
        {STR("cache-control"), STR("no-store")},
        {STR("x-content-type-options"), STR("nosniff")},
    };
    struct headers h = {.v = lines, .n = countof(lines), .cap = countof(lines)};
    exchange_head(c->x, 200, &h, LENGTH_UNKNOWN);
}

/* What arrives after this; or after what the client has seen. */
static struct uuid begin(struct api_call *c)
{
    struct uuid seen;
    struct str last = headers_last(&exchange_request(c->x)->headers, STR("last-event-id"));
    return uuid_parse(last, &seen) == E_OK ? seen : api_call_uuid(c);
}

void logs_tail(struct api_call *c)
{
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    struct tail *t = arena_new(c->arena, struct tail);
    if (t)
        *t = (struct tail){.call = c, .query = log_query_read(c, &k)};
    if (k.wrong.first || !t) {
        reply_invalid(c, &k.wrong);
        return;
    }
    t->query.per_page = ROWS;
    t->query.order = ORDER_CREATED;
    t->query.after = begin(c);
    timer_init(&t->timer, api_call_loop(c), poll);
    send_head(c);
    if (str_eq(exchange_request(c->x)->method, STR("HEAD"))) {
        exchange_end(c->x);
        api_call_finish(c);
        return;
    }
    c->stream = t;
    c->drained = on_drained;
    c->left = on_left;
    (void)exchange_write(c->x, STR(": rows follow\n\n")); /* the head goes out at once */
    timer_set(&t->timer, 1);
}
