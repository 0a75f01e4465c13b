/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of .../gateways/{G}/logs (control plane section 5). */
#include "api/log_filters.h"
#include "api/log_json.h"
#include "api/log_patch.h"
#include "api/log_query.h"
#include "base/limits.h"
#include "providers/prices.h"

/* In the order of enum log_order. */
static const struct str order_names[] = {
    S("created_at"), S("provider"),  S("model"),      S("model_type"), S("success"),  S("cached"),
    S("cost"),       S("tokens_in"), S("tokens_out"), S("tokens"),     S("duration"), S("feedback"),
};
static const struct str directions[] = {S("asc"), S("desc")};

struct log_query log_query_read(struct api_call *c, struct ask *k)
{
    enum { ASC, DESC };
    struct log_query q = {
        .gateway = c->gateway->id,
        .page = 1,
        .per_page = API_PAGE_DEFAULT,
        .order = (enum log_order)ask_choice(k, "order_by", order_names, countof(order_names), ORDER_CREATED),
        .search = ask_text(k, "search"),
        .filter = log_filters_read(k),
    };
    /* `direction` is the older name */
    size_t older = ask_choice(k, "direction", directions, countof(directions), DESC);
    q.ascending = ask_choice(k, "order_by_direction", directions, countof(directions), older) == ASC;
    return q;
}

/* ---- a page ---- */

static void put_range(struct json_out *w, const char *const keys[2], const struct zone_range *r, bool money)
{
    const int64_t ends[] = {r->min, r->max};
    for (int i = 0; i < 2; i++) {
        json_key(w, keys[i]);
        if (r->min > r->max)
            json_put_null(w);
        else if (money)
            money_put(w, ends[i]);
        else
            json_put_int(w, ends[i]);
    }
}

/* Behind the paging: what sliders need to know (control plane section 5.1), and what the total is worth. */
static void put_more(struct json_out *w, const void *arg)
{
    static const struct {
        const char *keys[2];
        enum zone_number which;
    } ranges[] = {
        {{"min_cost", "max_cost"}, ZONE_COST},
        {{"min_duration", "max_duration"}, ZONE_DURATION},
        {{"min_tokens_in", "max_tokens_in"}, ZONE_TOKENS_IN},
        {{"min_tokens_out", "max_tokens_out"}, ZONE_TOKENS_OUT},
        {{"min_total_tokens", "max_total_tokens"}, ZONE_TOKENS},
    };
    const struct api_call *c = arg;
    const struct log_page *page = c->page_of_log;
    for (size_t i = 0; c->wants_meta && i < countof(ranges); i++)
        put_range(w, ranges[i].keys, &page->meta.ranges[ranges[i].which], ranges[i].which == ZONE_COST);
    if (page->estimated) {
        json_add_bool(w, "weir_total_is_estimate", true);
    }
}

static void reply_too_deep(struct api_call *c)
{
    struct complaints wrong;
    complaints_init(&wrong, c->arena, "query");
    complain(&wrong, STR("page"), "Beyond row %d rows are only listed in the order of 'created_at'",
             LOG_DEEP_ROWS);
    reply_invalid(c, &wrong);
}

static void reply_page(struct api_call *c, const struct log_page *page)
{
    struct json_out w = reply_open(c);
    json_open(&w, '[');
    for (size_t i = 0; i < page->n; i++)
        log_json_item(&w, &page->rows[i]);
    json_close(&w, ']');
    c->page_of_log = page;
    struct paging p = {c->page, c->per_page, (int64_t)page->n, page->total, put_more, c};
    reply_close_page(c, &w, &p);
}

static void on_page(void *arg, struct log_page *page)
{
    struct api_call *c = arg;
    bool there = api_call_resume(c);
    if (there && page->err == E_FULL && page->n == 0)
        reply_too_deep(c);
    else if (there && page->err)
        reply_error(c, API_INTERNAL);
    else if (there)
        reply_page(c, page);
    log_page_free(page);
}

void logs_list(struct api_call *c)
{
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    struct log_query q = log_query_read(c, &k);
    c->page = q.page = ask_int(&k, "page", 1, API_PAGE_MAX, 1);
    c->per_page = q.per_page = ask_int(&k, "per_page", 1, API_LOG_PAGE_ROWS, API_PAGE_DEFAULT);
    c->wants_meta = q.meta = ask_bool(&k, "meta_info", false);
    if (k.wrong.first) {
        reply_invalid(c, &k.wrong);
        return;
    }
    api_call_wait(c);
    store_list_logs(api_call_store(c), &q, api_call_loop(c), on_page, c);
}

/* ---- deleting ---- */

static void on_deleted(void *arg, enum err e)
{
    struct api_call *c = arg;
    if (!api_call_resume(c))
        return;
    if (e == E_OK)
        api_call_send(c, 200, STR("application/json"), STR("{\"success\":true}"));
    else if (e == E_FULL)
        reply_too_deep(c);
    else
        reply_error(c, API_INTERNAL);
}

static struct log_query what_to_delete(struct api_call *c, struct ask *k)
{
    ask_init(k, c->arena, api_call_query(c));
    struct log_query q = log_query_read(c, k);
    q.per_page = ask_int(k, "limit", 1, API_LOG_DELETE_ROWS, API_LOG_DELETE_ROWS);
    return q;
}

static void on_noted(struct api_call *c, enum err e)
{
    struct ask k;
    if (e != E_OK || !c->gateway) {
        reply_change_error(c, e == E_OK ? E_NOT_FOUND : e, "id");
        return;
    }
    struct log_query q = what_to_delete(c, &k);
    api_call_wait(c);
    store_delete_logs(api_call_store(c), &q, api_call_loop(c), on_deleted, c);
}

/* {"query": what was asked for} for the audit log. */
static struct str query_json(struct api_call *c)
{
    struct buf b;
    buf_init(&b, API_BODY_BYTES);
    struct json_out w = json_out(&b);
    struct str query = api_call_query(c);
    json_open(&w, '{');
    json_add_str(&w, "query", query_decode(c->arena, query.p ? query : STR("")));
    json_close(&w, '}');
    struct str text = arena_dup(c->arena, buf_str(&b));
    buf_done(&b);
    return text;
}

/* The audit log has it before it happens: rows that are gone without a word would be worse than the reverse.
 */
void logs_delete(struct api_call *c)
{
    struct ask k;
    (void)what_to_delete(c, &k);
    if (k.wrong.first) {
        reply_invalid(c, &k.wrong);
        return;
    }
    struct change gone = {.what = CHANGE_GONE,
                          .kind = KIND_LOGS,
                          .account = c->gateway->account,
                          .gateway = c->gateway->slug,
                          .uuid = c->gateway->uuid,
                          .name = c->gateway->slug,
                          .settings = query_json(c)};
    api_call_change(c, &gone, 1, on_noted);
}

/* ---- one row ---- */

static bool may_read_bodies(const struct api_call *c)
{
    return (c->token->permissions & ALLOW_READ) != 0;
}

/* Asks for the row the path names. Ids are opaque to clients; one that is no UUID names no row. */
static void get_log(struct api_call *c, void (*done)(void *arg, struct log_detail *d))
{
    struct uuid id;
    if (uuid_parse(c->params[PARAM_ID], &id)) {
        reply_error(c, API_NOT_FOUND);
        return;
    }
    api_call_wait(c);
    store_get_log(api_call_store(c), c->gateway->id, id, may_read_bodies(c), api_call_loop(c), done, c);
}

/* The row, kept in c->detail; NULL: somebody has been told why not, or nobody is there to be told. */
static const struct log_row *got_log(struct api_call *c, struct log_detail *d)
{
    if (!api_call_resume(c)) {
        log_detail_free(d);
        return NULL;
    }
    c->detail = d;
    if (d->page.n == 0) {
        reply_error(c, d->page.err == E_NOT_FOUND ? API_NOT_FOUND : API_INTERNAL);
        return NULL;
    }
    return &d->page.rows[0];
}

static void on_detail(void *arg, struct log_detail *d)
{
    struct api_call *c = arg;
    const struct log_row *row = got_log(c, d);
    if (!row)
        return;
    struct buf merged;
    struct str response = log_shown_response(row, d->response, &merged);
    struct json_out w = reply_open(c);
    log_json_detail(&w, row, d->request, response);
    buf_done(&merged);
    reply_close(c, &w);
}

void logs_fetch(struct api_call *c)
{
    get_log(c, on_detail);
}

static void on_request_body(void *arg, struct log_detail *d)
{
    struct api_call *c = arg;
    const struct log_row *row = got_log(c, d);
    if (!row)
        return;
    if (!d->request.p)
        reply_error(c, API_NOT_FOUND);
    else
        api_call_send(c, 200, log_shown_type(row->r.request_content_type, d->request), d->request);
}

void logs_request(struct api_call *c)
{
    get_log(c, on_request_body);
}

static void on_response_body(void *arg, struct log_detail *d)
{
    struct api_call *c = arg;
    const struct log_row *row = got_log(c, d);
    if (!row)
        return;
    if (!d->response.p) {
        reply_error(c, API_NOT_FOUND);
        return;
    }
    struct str body = log_shown_response(row, d->response, &c->answer);
    bool merged = body.p != d->response.p;
    api_call_send(
        c, 200, merged ? STR("application/json") : log_shown_type(row->r.response_content_type, body), body);
}

void logs_response(struct api_call *c)
{
    get_log(c, on_response_body);
}

/* ---- what people say about a row ---- */

static void on_patched(void *arg, enum err e)
{
    struct api_call *c = arg;
    if (!api_call_resume(c))
        return;
    if (e == E_OK)
        get_log(c, on_detail);
    else
        reply_error(c, e == E_NOT_FOUND ? API_NOT_FOUND : API_INTERNAL);
}

void logs_patch(struct api_call *c)
{
    struct uuid id;
    struct log_patch p;
    struct complaints wrong;
    complaints_init(&wrong, c->arena, "body");
    if (uuid_parse(c->params[PARAM_ID], &id)) {
        reply_error(c, API_NOT_FOUND);
    } else if (!log_patch_read(buf_str(&c->body), &p, &wrong)) {
        reply_invalid(c, &wrong);
    } else {
        api_call_wait(c);
        store_patch_log(api_call_store(c), c->gateway->id, id, &p, api_call_loop(c), on_patched, c);
    }
}
