/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger in the forms of control plane section 12. Pure. */
#pragma once
#include "api/objects.h"
#include "store/ledger.h"

/* Of a cent. */
#define CENT_PICO ((int64_t)10 * 1000 * 1000 * 1000)

enum invoice_type { INVOICES_ALL, INVOICES_AUTO, INVOICES_MANUAL };

/* When the calendar month, the day or the hour began, ms; UTC. */
int64_t billing_month(int64_t ms);
int64_t billing_floor(int64_t ms, enum ledger_span span);

void billing_put_balance(struct json_out *w, const struct ledger_page *p);
/* A page of invoices, newest first: top-ups and corrections (manual), and months that are over (auto). The
 * ledger's page has as many of the former as could come before this page's end. */
void billing_put_invoices(struct json_out *w, const struct ledger_page *p, enum invoice_type type,
                          int64_t page, int64_t per_page);
/* The month that began then, so far: a line for each provider and model. */
void billing_put_preview(struct json_out *w, const struct ledger_page *p, int64_t month_ms);
void billing_put_usage(struct json_out *w, const struct ledger_page *p, enum ledger_span span);
void billing_put_topup(struct json_out *w, struct uuid id);
void billing_put_status(struct json_out *w, struct uuid id);
void billing_put_topup_config(struct json_out *w);
void billing_put_limits(struct json_out *w, int64_t min_cents, int64_t max_cents);
void billing_put_spending_limit(struct json_out *w);

/* The table of a top-up's members as Markdown. */
void topup_fields_document(struct buf *out);
