/* SPDX-License-Identifier: Apache-2.0 */
#include "api/billing.h"

#include <stdio.h>
#include <time.h>

enum { SECOND_MS = 1000, HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

/* ---- time ---- */

static struct tm calendar(int64_t ms)
{
    struct tm tm;
    time_t s = ms / SECOND_MS;
    gmtime_r(&s, &tm);
    return tm;
}

/* The month that is `later` months after the one of ms. */
static int64_t month(int64_t ms, int later)
{
    struct tm now = calendar(ms),
              begin = {.tm_year = now.tm_year, .tm_mon = now.tm_mon + later, .tm_mday = 1};
    return (int64_t)timegm(&begin) * SECOND_MS;
}

int64_t billing_month(int64_t ms)
{
    return month(ms, 0);
}

int64_t billing_floor(int64_t ms, enum ledger_span span)
{
    return span == LEDGER_MONTH ? billing_month(ms)
           : span == LEDGER_DAY ? ms - ms % DAY_MS
                                : ms - ms % HOUR_MS;
}

static int64_t next(int64_t begin_ms, enum ledger_span span)
{
    return span == LEDGER_MONTH ? month(begin_ms, 1) : begin_ms + (span == LEDGER_DAY ? DAY_MS : HOUR_MS);
}

/* ---- members ---- */

static void put_null(struct json_out *w, const char *key)
{
    json_key(w, key);
    json_put_null(w);
}

/* Exact: 0.021 for 210,000,000 pico-dollars. */
static void put_cents(struct json_out *w, const char *key, int64_t pico)
{
    char text[48];
    uint64_t amount = pico < 0 ? -(uint64_t)pico : (uint64_t)pico, cent = (uint64_t)CENT_PICO;
    int n = snprintf(text, sizeof(text), "%s%llu.%010llu", pico < 0 ? "-" : "",
                     (unsigned long long)(amount / cent), (unsigned long long)(amount % cent));
    while (text[n - 1] == '0')
        n--;
    n -= text[n - 1] == '.';
    json_add_raw(w, key, str_of(text, (size_t)n));
}

static void put_uuid(struct json_out *w, const char *key, struct uuid id)
{
    char text[UUID_TEXT];
    uuid_text(id, text);
    json_add_str(w, key, str_of(text, UUID_TEXT));
}

/* All of it is paid: with credits, or it is where they come from. */
static void put_amounts(struct json_out *w, int64_t pico)
{
    put_cents(w, "amount_due", pico);
    put_cents(w, "amount_paid", pico);
    put_cents(w, "amount_remaining", 0);
    json_add_str(w, "currency", STR("usd"));
}

/* "2026-10" */
static void put_month(struct json_out *w, const char *key, const char *before, int64_t ms)
{
    char text[64];
    struct tm tm = calendar(ms);
    snprintf(text, sizeof(text), "%s%04d-%02d", before, tm.tm_year + 1900, tm.tm_mon + 1);
    json_add_str(w, key, str_c(text));
}

/* ---- the balance ---- */

void billing_put_topup_config(struct json_out *w)
{
    static const char *const keys[] = {"amount", "threshold", "disabledReason", "error", "lastFailedAt"};
    json_open(w, '{');
    for (size_t i = 0; i < countof(keys); i++)
        put_null(w, keys[i]);
    json_close(w, '}');
}

void billing_put_balance(struct json_out *w, const struct ledger_page *p)
{
    json_open(w, '{');
    put_cents(w, "balance", p->balance_pico);
    json_add_bool(w, "has_default_payment_method", false);
    put_null(w, "payment_method");
    json_key(w, "topup_config");
    billing_put_topup_config(w);
    json_add_bool(w, "first_topup_success", p->total > 0);
    json_close(w, '}');
}

/* ---- invoices ---- */

static void put_invoice_rest(struct json_out *w, bool manual, int64_t created_ms)
{
    json_add_str(w, "status", STR("paid"));
    json_add_int(w, "created", created_ms / SECOND_MS);
    json_add_int(w, "attempt_count", 0);
    json_add_bool(w, "attempted", false);
    json_add_bool(w, "auto_advance", false);
    json_add_str(w, "invoice_origin", manual ? STR("manual") : STR("auto"));
    put_null(w, "invoice_pdf");
    json_close(w, '}');
}

static void put_booked(struct json_out *w, const struct ledger_entry *e)
{
    json_open(w, '{');
    put_uuid(w, "id", e->id);
    put_amounts(w, e->amount_pico);
    json_add_str(w, "created_by", e->actor.n ? e->actor : STR("operator"));
    json_add_str(w, "description",
                 e->note.n                      ? e->note
                 : e->kind == LEDGER_CORRECTION ? STR("Correction")
                                                : STR("Top-up"));
    put_invoice_rest(w, true, e->at_ms);
}

static void put_statement(struct json_out *w, const struct ledger_sum *s)
{
    json_open(w, '{');
    put_month(w, "id", "usage-", s->begin_ms);
    put_amounts(w, s->amount_pico);
    json_add_str(w, "created_by", STR("weir"));
    put_month(w, "description", "Usage in ", s->begin_ms);
    put_invoice_rest(w, false, month(s->begin_ms, 1));
}

static void put_pagination(struct json_out *w, int64_t page, int64_t per_page, int64_t total)
{
    json_key(w, "pagination");
    json_open(w, '{');
    json_add_bool(w, "has_more", page * per_page < total);
    json_add_int(w, "page", page);
    json_add_int(w, "per_page", per_page);
    json_add_int(w, "total_count", total);
    json_close(w, '}');
}

/* Both lists by time, merged: entries come newest first, months oldest first. */
void billing_put_invoices(struct json_out *w, const struct ledger_page *p, enum invoice_type type,
                          int64_t page, int64_t per_page)
{
    size_t entry = 0, n_entries = type == INVOICES_AUTO ? 0 : p->n_entries;
    size_t months = type == INVOICES_MANUAL ? 0 : p->n_sums;
    int64_t total = (type == INVOICES_AUTO ? 0 : p->total) + (int64_t)months, skip = (page - 1) * per_page;
    json_open(w, '{');
    json_key(w, "invoices");
    json_open(w, '[');
    for (int64_t i = 0; i < skip + per_page && (entry < n_entries || months > 0); i++) {
        bool booked = months == 0 || (entry < n_entries &&
                                      p->entries[entry].at_ms >= month(p->sums[months - 1].begin_ms, 1));
        if (i >= skip && booked)
            put_booked(w, &p->entries[entry]);
        else if (i >= skip)
            put_statement(w, &p->sums[months - 1]);
        entry += booked;
        months -= !booked;
    }
    json_close(w, ']');
    put_pagination(w, page, per_page, total);
    json_close(w, '}');
}

static void put_line(struct json_out *w, const struct ledger_sum *s, int64_t end_ms)
{
    char name[512];
    snprintf(name, sizeof(name), "%.*s/%.*s", STR_FMT(s->provider), STR_FMT(s->model));
    json_open(w, '{');
    put_cents(w, "amount", s->amount_pico);
    json_add_str(w, "currency", STR("usd"));
    json_add_str(w, "description", str_c(name));
    json_key(w, "period");
    json_open(w, '{');
    json_add_int(w, "start", s->begin_ms / SECOND_MS);
    json_add_int(w, "end", end_ms / SECOND_MS);
    json_close(w, '}');
    json_key(w, "pricing");
    json_open(w, '{');
    put_null(w, "unit_amount_decimal"); /* calls have no price of their own */
    json_close(w, '}');
    json_add_int(w, "quantity", s->calls);
    json_key(w, "pretax_credit_amounts");
    json_open(w, '[');
    json_open(w, '{');
    put_cents(w, "amount", s->amount_pico);
    json_add_str(w, "type", STR("credit_balance_transaction"));
    json_close(w, '}');
    json_close(w, ']');
    json_close(w, '}');
}

void billing_put_preview(struct json_out *w, const struct ledger_page *p, int64_t month_ms)
{
    int64_t total = 0, end_ms = month(month_ms, 1);
    for (size_t i = 0; i < p->n_sums; i++)
        total += p->sums[i].amount_pico;
    json_open(w, '{');
    put_month(w, "id", "usage-", month_ms);
    put_amounts(w, total);
    json_add_str(w, "status", STR("draft"));
    json_add_int(w, "period_start", month_ms / SECOND_MS);
    json_add_int(w, "period_end", end_ms / SECOND_MS);
    json_key(w, "invoice_lines");
    json_open(w, '[');
    for (size_t i = 0; i < p->n_sums; i++)
        put_line(w, &p->sums[i], end_ms);
    json_close(w, ']');
    json_close(w, '}');
}

/* ---- usage ---- */

void billing_put_usage(struct json_out *w, const struct ledger_page *p, enum ledger_span span)
{
    char id[48];
    json_open(w, '{');
    json_key(w, "history");
    json_open(w, '[');
    for (size_t i = 0; i < p->n_sums; i++) {
        const struct ledger_sum *s = &p->sums[i];
        snprintf(id, sizeof(id), "%s-%lld", span == LEDGER_DAY ? "day" : "hour", (long long)s->begin_ms);
        json_open(w, '{');
        json_add_str(w, "id", str_c(id));
        put_cents(w, "aggregated_value", s->amount_pico);
        json_add_int(w, "start_time", s->begin_ms);
        json_add_int(w, "end_time", next(s->begin_ms, span));
        json_close(w, '}');
    }
    json_close(w, ']');
    json_close(w, '}');
}

/* ---- top-ups and limits ---- */

void billing_put_topup(struct json_out *w, struct uuid id)
{
    json_open(w, '{');
    put_null(w, "client_secret");
    json_add_bool(w, "onboarding", true);
    put_uuid(w, "payment_intent_id", id);
    json_close(w, '}');
}

void billing_put_status(struct json_out *w, struct uuid id)
{
    json_open(w, '{');
    put_uuid(w, "payment_intent_id", id);
    json_add_str(w, "status", STR("completed"));
    json_close(w, '}');
}

void billing_put_limits(struct json_out *w, int64_t min_cents, int64_t max_cents)
{
    json_open(w, '{');
    json_add_int(w, "min_cents", min_cents);
    json_add_int(w, "max_cents", max_cents);
    json_add_str(w, "currency", STR("usd"));
    json_close(w, '}');
}

void billing_put_spending_limit(struct json_out *w)
{
    static const char *const keys[] = {"amount", "duration", "strategy"};
    json_open(w, '{');
    json_key(w, "config");
    json_open(w, '{');
    for (size_t i = 0; i < countof(keys); i++)
        put_null(w, keys[i]);
    json_close(w, '}');
    json_add_bool(w, "enabled", false);
    json_close(w, '}');
}
