/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of .../billing (control plane section 12): the ledger as accounts see it. Amounts are cents,
 * exact, with a fraction where calls cost less. Money is moved by the operator alone, and then it is only
 * booked.
 */
#include "api/billing.h"
#include "api/fields.h"
#include "api/openapi.h"
#include "store/store.h"
#include "base/clock.h"

enum { MIN_CENTS = 1000, MAX_CENTS = 100 * 1000 * 1000, HISTORY_ROWS = 10000 };
_Static_assert(MAX_CENTS *CENT_PICO == LEDGER_ENTRY_PICO, "the largest top-up");

static const struct field topup_fields[] = {
#define FIELD(key, kind, min, max, choices, omitted, null, flags, doc)                                       \
    {#key, FIELD_##kind, min, max, choices, omitted, null, flags, doc},
#include "api/topup_fields.def"
#undef FIELD
};
const struct fields_table topup_table = {"TopupBody", topup_fields, countof(topup_fields)};

void topup_fields_document(struct buf *out)
{
    fields_document(out, topup_fields, countof(topup_fields));
}

/* ---- asking the ledger ---- */

struct billing_ask {
    struct api_call *c;
    struct ledger_query q;
    struct uuid id;
    enum invoice_type type; /* of the history */
    int64_t now_ms;
    void (*answer)(struct billing_ask *k, const struct ledger_page *p);
};

static void on_page(void *arg, struct ledger_page *p)
{
    struct billing_ask *k = arg;
    if (api_call_resume(k->c)) {
        if (p->err == E_OK)
            k->answer(k, p);
        else
            reply_error(k->c, API_INTERNAL);
    }
    ledger_page_free(p);
}

static struct billing_ask *new_ask(struct api_call *c,
                                   void (*answer)(struct billing_ask *k, const struct ledger_page *p))
{
    struct billing_ask *k = arena_new(c->arena, struct billing_ask);
    if (!k) {
        reply_error(c, API_INTERNAL);
        return NULL;
    }
    k->c = c;
    k->answer = answer;
    k->now_ms = clock_wall_ms();
    k->q.account = c->params[PARAM_ACCOUNT];
    return k;
}

static void read_ledger(struct billing_ask *k)
{
    api_call_wait(k->c);
    store_read_ledger(api_call_store(k->c), &k->q, api_call_loop(k->c), on_page, k);
}

/* ---- the balance ---- */

static void answer_balance(struct billing_ask *k, const struct ledger_page *p)
{
    struct json_out w = reply_open(k->c);
    billing_put_balance(&w, p);
    reply_close(k->c, &w);
}

void billing_balance(struct api_call *c)
{
    struct billing_ask *k = new_ask(c, answer_balance);
    if (!k)
        return;
    k->q.page = k->q.per_page = 1; /* was there ever a top-up? */
    read_ledger(k);
}

/* ---- invoices ---- */

static void answer_history(struct billing_ask *k, const struct ledger_page *p)
{
    struct json_out w = reply_open(k->c);
    billing_put_invoices(&w, p, k->type, k->c->page, k->c->per_page);
    reply_close(k->c, &w);
}

void billing_invoices(struct api_call *c)
{
    static const struct str types[] = {
        [INVOICES_ALL] = S("all"), [INVOICES_AUTO] = S("auto"), [INVOICES_MANUAL] = S("manual")};
    struct ask a;
    ask_init(&a, c->arena, api_call_query(c));
    size_t type = ask_choice(&a, "type", types, countof(types), INVOICES_ALL);
    c->page = ask_int(&a, "page", 1, HISTORY_ROWS / API_PAGE_ROWS, 1);
    c->per_page = ask_int(&a, "per_page", 1, API_PAGE_ROWS, API_PAGE_DEFAULT);
    if (a.wrong.first) {
        reply_invalid(c, &a.wrong);
        return;
    }
    struct billing_ask *k = new_ask(c, answer_history);
    if (!k)
        return;
    k->type = (enum invoice_type)type;
    k->q.page = 1; /* both kinds are merged by time: all that could be on this page or before it */
    k->q.per_page = c->page * c->per_page;
    k->q.sums = true;
    k->q.span = LEDGER_MONTH;
    k->q.before_ms = billing_month(k->now_ms);
    read_ledger(k);
}

static void answer_preview(struct billing_ask *k, const struct ledger_page *p)
{
    struct json_out w = reply_open(k->c);
    billing_put_preview(&w, p, k->q.since_ms);
    reply_close(k->c, &w);
}

void billing_preview(struct api_call *c)
{
    struct billing_ask *k = new_ask(c, answer_preview);
    if (!k)
        return;
    k->q.sums = k->q.by_model = true;
    k->q.span = LEDGER_MONTH;
    k->q.since_ms = billing_month(k->now_ms);
    k->q.before_ms = INT64_MAX / 2;
    read_ledger(k);
}

/* ---- usage ---- */

static void answer_usage(struct billing_ask *k, const struct ledger_page *p)
{
    struct json_out w = reply_open(k->c);
    billing_put_usage(&w, p, k->q.span);
    reply_close(k->c, &w);
}

/* What a chart shows: a month of days, a week of hours. */
static int64_t usual_ms(enum ledger_span span)
{
    return (int64_t)(span == LEDGER_DAY ? 31 : 7) * 24 * 3600 * 1000;
}

void billing_usage(struct api_call *c)
{
    static const struct str windows[] = {S("day"), S("hour")};
    static const enum ledger_span spans[] = {LEDGER_DAY, LEDGER_HOUR};
    struct ask a;
    struct billing_ask *k = new_ask(c, answer_usage);
    if (!k)
        return;
    ask_init(&a, c->arena, api_call_query(c));
    if (!ask_text(&a, "value_grouping_window").p)
        complain(&a.wrong, STR("value_grouping_window"), "Required");
    k->q.sums = true;
    k->q.span = spans[ask_choice(&a, "value_grouping_window", windows, countof(windows), 0)];
    k->q.before_ms = ask_int(&a, "end_time", 0, FIELD_INT_LARGE, k->now_ms + 1);
    int64_t usual = k->q.before_ms - usual_ms(k->q.span);
    k->q.since_ms = ask_int(&a, "start_time", 0, FIELD_INT_LARGE, usual > 0 ? usual : 0);
    k->q.since_ms = billing_floor(k->q.since_ms, k->q.span); /* windows are whole */
    if (!a.wrong.first && k->q.before_ms - k->q.since_ms > HISTORY_ROWS * (int64_t)3600 * 1000)
        complain(&a.wrong, STR("start_time"), "At most %d hours may lie before end_time", HISTORY_ROWS);
    if (a.wrong.first)
        reply_invalid(c, &a.wrong);
    else
        read_ledger(k);
}

/* ---- top-ups ---- */

struct topup {
    struct api_call *c;
    struct uuid id;
};

static void on_booked(void *arg, enum err e, int64_t balance)
{
    (void)balance;
    struct topup *u = arg;
    struct api_call *c = u->c;
    if (!api_call_resume(c))
        return;
    if (e != E_OK) {
        reply_error(c, e == E_FULL ? API_INVALID : API_INTERNAL);
        return;
    }
    struct json_out w = reply_open(c);
    billing_put_topup(&w, u->id);
    reply_close(c, &w);
}

static void book(struct api_call *c, const struct json_val *body)
{
    struct topup *u = arena_new(c->arena, struct topup);
    int64_t cents = 0;
    if (!u || !json_uint(json_get(body, "amount"), &cents)) {
        reply_error(c, API_INTERNAL);
        return;
    }
    *u = (struct topup){c, api_call_uuid(c)};
    struct ledger_entry e = {.id = u->id,
                             .account = c->params[PARAM_ACCOUNT],
                             .kind = LEDGER_TOPUP,
                             .at_ms = clock_wall_ms(),
                             .amount_pico = cents * CENT_PICO,
                             .actor = c->token->name,
                             .note = json_str(json_get(body, "weir_note"))};
    api_call_wait(c);
    store_book(api_call_store(c), &e, api_call_loop(c), on_booked, u);
}

void billing_topup(struct api_call *c)
{
    struct json_doc *doc = NULL;
    struct complaints wrong;
    if (!(c->token->permissions & PERM_OPERATOR)) {
        reply_error(c, API_NO_MONEY);
        return;
    }
    complaints_init(&wrong, c->arena, "body");
    const struct json_val *body = body_read(buf_str(&c->body), &doc, &wrong);
    if (body)
        fields_check(topup_fields, countof(topup_fields), body, false, &wrong);
    if (wrong.first)
        reply_invalid(c, &wrong);
    else
        book(c, body);
    json_free(doc);
}

static void answer_status(struct billing_ask *k, const struct ledger_page *p)
{
    if (p->n_entries == 0 || p->entries[0].kind != LEDGER_TOPUP) {
        reply_error(k->c, API_NOT_FOUND);
        return;
    }
    struct json_out w = reply_open(k->c);
    billing_put_status(&w, k->id);
    reply_close(k->c, &w);
}

void billing_topup_status(struct api_call *c)
{
    struct json_doc *doc = NULL;
    struct complaints wrong;
    struct billing_ask *k = new_ask(c, answer_status);
    if (!k)
        return;
    complaints_init(&wrong, c->arena, "body");
    const struct json_val *body = body_read(buf_str(&c->body), &doc, &wrong);
    struct str id = json_str(json_get(body, "payment_intent_id"));
    if (body && !id.p)
        complain(&wrong, STR("payment_intent_id"), "Required");
    bool known = id.p && uuid_parse(id, &k->id) == E_OK;
    json_free(doc);
    k->q.id = &k->id;
    if (wrong.first)
        reply_invalid(c, &wrong);
    else if (known)
        read_ledger(k);
    else
        reply_error(c, API_NOT_FOUND);
}

/* ---- what there is no more to say about ---- */

void billing_topup_config(struct api_call *c)
{
    struct json_out w = reply_open(c);
    billing_put_topup_config(&w);
    reply_close(c, &w);
}

void billing_topup_config_create(struct api_call *c)
{
    reply_error(c, API_NO_SESSION);
}

void billing_topup_config_delete(struct api_call *c)
{
    reply_error(c, API_NO_SESSION);
}

void billing_topup_limits(struct api_call *c)
{
    struct json_out w = reply_open(c);
    billing_put_limits(&w, MIN_CENTS, MAX_CENTS);
    reply_close(c, &w);
}

void billing_spending_limit(struct api_call *c)
{
    struct json_out w = reply_open(c);
    billing_put_spending_limit(&w);
    reply_close(c, &w);
}

void billing_spending_limit_refused(struct api_call *c)
{
    reply_error(c, API_DEPRECATED);
}

/* There is none that could be left from before. */
void billing_spending_limit_delete(struct api_call *c)
{
    struct json_out w = reply_open(c);
    json_put_null(&w);
    reply_close(c, &w);
}
