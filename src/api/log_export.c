/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET .../logs/export: all rows a query is about, as they are found. Nothing is kept but some rows: the
 * next ones are asked for when the client has taken these, and when it leaves nobody looks any further.
 */
#include "api/log_csv.h"
#include "api/log_json.h"
#include "api/log_query.h"
#include "base/limits.h"

enum format { NDJSON, CSV };

struct export
{
    struct api_call *call;
    struct log_export *rows;
    enum format format;
};

static const struct str format_names[] = {S("ndjson"), S("csv")};

static void on_closed(void *arg)
{
    struct export *e = arg;
    if (api_call_resume(e->call))
        api_call_finish(e->call);
}

/* The call ends when the store has put everything away. */
static void put_away(struct export *e)
{
    store_export_close(e->rows, on_closed);
}

static void put_row(struct export *e, struct buf *out, const struct log_row *row)
{
    if (e->format == CSV) {
        log_csv_row(out, row);
        return;
    }
    struct json_out w = json_out(out);
    log_json_item(&w, row);
    (void)buf_append_byte(out, '\n');
}

/* HOLD: the client has enough for now. */
static enum flow send_some(struct api_call *c)
{
    enum flow flow = c->answer.n ? exchange_write_copy(c->x, buf_str(&c->answer)) : GO;
    buf_clear(&c->answer);
    return flow;
}

static enum flow send_rows(struct export *e, const struct log_page *page)
{
    struct api_call *c = e->call;
    enum flow flow = GO;
    for (size_t i = 0; i < page->n; i++) {
        put_row(e, &c->answer, &page->rows[i]);
        if (c->answer.n >= API_PIECE_BYTES)
            flow = send_some(c);
    }
    return c->answer.n ? send_some(c) : flow;
}

static void on_rows(void *arg, struct log_page *page, bool more)
{
    struct export *e = arg;
    struct api_call *c = e->call;
    bool failed = page->err != E_OK && page->err != E_AGAIN;
    enum flow flow = c->gone ? HOLD : send_rows(e, page);
    log_page_free(page);
    if (c->gone) {
        put_away(e);
    } else if (failed) {
        exchange_abort(c->x); /* what is incomplete must look incomplete */
        put_away(e);
    } else if (!more) {
        exchange_end(c->x);
        put_away(e);
    } else if (flow == GO) {
        store_export_next(e->rows);
    } else {
        (void)api_call_resume(c);
    }
}

static void on_drained(struct api_call *c)
{
    struct export *e = c->stream;
    if (c->waiting)
        return;
    api_call_wait(c);
    store_export_next(e->rows);
}

static void on_left(struct api_call *c)
{
    api_call_wait(c);
    put_away(c->stream);
}

static void send_head(struct api_call *c, enum format format)
{
    struct header lines[] = {
        {STR("content-type"), format == CSV ? STR("text/csv; charset=utf-8") : STR("application/x-ndjson")},
        {STR("content-disposition"), format == CSV ? STR("attachment; filename=\"logs.csv\"")
                                                   : STR("attachment; filename=\"logs.ndjson\"")},
        {STR("cache-control"), STR("no-store")},
        {STR("x-content-type-options"), STR("nosniff")},
    };
    struct headers h = {.v = lines, .n = countof(lines), .cap = countof(lines)};
    exchange_head(c->x, 200, &h, LENGTH_UNKNOWN);
}

void logs_export(struct api_call *c)
{
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    struct log_query q = log_query_read(c, &k);
    enum format format = (enum format)ask_choice(&k, "format", format_names, countof(format_names), NDJSON);
    if (q.order != ORDER_CREATED)
        complain(&k.wrong, STR("order_by"), "Rows are exported in the order of 'created_at'");
    struct export *e = arena_new(c->arena, struct export);
    if (k.wrong.first || !e) {
        reply_invalid(c, &k.wrong);
        return;
    }
    send_head(c, format);
    if (str_eq(exchange_request(c->x)->method, STR("HEAD"))) {
        exchange_end(c->x);
        api_call_finish(c);
        return;
    }
    *e = (struct export){.call = c, .format = format};
    c->stream = e;
    c->drained = on_drained;
    c->left = on_left;
    if (format == CSV)
        log_csv_heading(&c->answer);
    api_call_wait(c);
    e->rows = store_export_open(api_call_store(c), &q, api_call_loop(c), on_rows, e);
}
