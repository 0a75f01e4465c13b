/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of .../gateways/{G}/logs (control plane section 5). */
#include "api/call.h"
#include "api/log_json.h"

/* In the order of enum log_order. */
static const struct str order_names[] = {
    S("created_at"), S("provider"),  S("model"),      S("model_type"), S("success"),  S("cached"),
    S("cost"),       S("tokens_in"), S("tokens_out"), S("duration"),   S("feedback"),
};
static const struct str directions[] = {S("asc"), S("desc")};

/* Parameters that choose rows. Rows they should have left out are worse than a refusal. */
static const char *const filters[] = {
    "filters",
    "filters.key",
    "start_date",
    "end_date",
    "min_cost",
    "max_cost",
    "min_duration",
    "max_duration",
    "min_tokens_in",
    "max_tokens_in",
    "min_tokens_out",
    "max_tokens_out",
    "min_total_tokens",
    "max_total_tokens",
    "feedback",
    "success",
    "cached",
    "model",
    "model_type",
    "provider",
    "request_content_type",
    "response_content_type",
};

static void refuse_filters(struct ask *k)
{
    for (size_t i = 0; i < countof(filters); i++)
        if (ask_text(k, filters[i]).p)
            complain(&k->wrong, str_c(filters[i]),
                     "Filtering is not supported yet; leave '%s' out, or use 'search'", filters[i]);
    if (ask_bool(k, "meta_info", false))
        complain(&k->wrong, STR("meta_info"), "'meta_info' is not supported yet; leave it out");
}

/* What a list request asks for. False: it has been refused. */
static bool read_query(struct api_call *c, struct log_query *ret)
{
    enum { ASC, DESC };
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    *ret = (struct log_query){
        .gateway = c->gateway->id,
        .page = ask_int(&k, "page", 1, API_PAGE_MAX, 1),
        .per_page = ask_int(&k, "per_page", 1, API_LOG_PAGE_ROWS, API_PAGE_DEFAULT),
        .order = (enum log_order)ask_choice(&k, "order_by", order_names, countof(order_names), ORDER_CREATED),
        .search = ask_text(&k, "search"),
    };
    /* `direction` is the older name */
    size_t older = ask_choice(&k, "direction", directions, countof(directions), DESC);
    ret->ascending = ask_choice(&k, "order_by_direction", directions, countof(directions), older) == ASC;
    refuse_filters(&k);
    if (k.wrong.first)
        reply_invalid(c, &k.wrong);
    return !k.wrong.first;
}

static void on_page(void *arg, struct log_page *page)
{
    struct api_call *c = arg;
    if (!api_call_resume(c)) {
        log_page_free(page);
        return;
    }
    if (page->err) {
        log_page_free(page);
        reply_error(c, API_INTERNAL);
        return;
    }
    struct json_out w = reply_open(c);
    json_open(&w, '[');
    for (size_t i = 0; i < page->n; i++)
        log_json_item(&w, &page->rows[i]);
    json_close(&w, ']');
    struct paging p = {c->page, c->per_page, (int64_t)page->n, page->total};
    log_page_free(page);
    reply_close_page(c, &w, &p);
}

void logs_list(struct api_call *c)
{
    struct log_query q;
    if (!read_query(c, &q))
        return;
    c->page = q.page;
    c->per_page = q.per_page;
    api_call_wait(c);
    store_list_logs(api_call_store(c), &q, api_call_loop(c), on_page, c);
}

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
