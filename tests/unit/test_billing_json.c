/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger in the words of the billing endpoints: cents, months, and two lists merged into one. */
#include "tests/unit/test.h"

#include "api/billing.h"
#include "base/clock.h"

#include <stdio.h>

#define MONTH(y, m) ms_of(#y "-" #m "-01T00:00:00Z")

static int64_t ms_of(const char *text)
{
    int64_t ms;
    assert_int_equal(clock_parse(str_c(text), &ms), E_OK);
    return ms;
}

static void months_begin_with_the_calendar(void **state)
{
    (void)state;
    assert_int_equal(billing_month(ms_of("2026-12-31T23:59:59Z")), MONTH(2026, 12));
    assert_int_equal(billing_month(MONTH(2027, 01)), MONTH(2027, 01));
    assert_int_equal(billing_month(ms_of("2028-02-29T12:00:00Z")), MONTH(2028, 02));
    assert_int_equal(billing_floor(ms_of("2026-03-01T23:59:59Z"), LEDGER_DAY), MONTH(2026, 03));
    assert_int_equal(billing_floor(ms_of("2026-03-01T00:59:59Z"), LEDGER_HOUR), MONTH(2026, 03));
}

static void assert_balance(int64_t pico, const char *cents)
{
    struct buf b;
    char want[64];
    buf_init(&b, 4096);
    struct json_out w = json_out(&b);
    snprintf(want, sizeof(want), "{\"balance\":%s,", cents);
    billing_put_balance(&w, &(struct ledger_page){.balance_pico = pico});
    assert_true(str_starts(buf_str(&b), str_c(want)));
    buf_done(&b);
}

static void cents_are_exact(void **state)
{
    (void)state;
    assert_balance(0, "0");
    assert_balance(CENT_PICO, "1");
    assert_balance(210000000, "0.021");
    assert_balance(-1, "-0.0000000001");
    assert_balance(25 * 100 * CENT_PICO - 1, "2499.9999999999");
    assert_balance(INT64_MAX, "922337203.6854775807");
    assert_balance(INT64_MIN, "-922337203.6854775808");
}

/* Ids, or descriptions, of the invoices on a page, and what the pagination says. */
static void assert_page(const struct ledger_page *p, enum invoice_type type, int64_t page, int64_t per_page,
                        const char *want)
{
    struct buf b, got;
    buf_init(&b, 65536);
    buf_init(&got, 65536);
    struct json_out w = json_out(&b);
    billing_put_invoices(&w, p, type, page, per_page);
    struct json_doc *doc = json_parse(buf_str(&b));
    const struct json_val *root = json_root(doc), *pages = json_get(root, "pagination");
    for (struct json_iter it = json_iter(json_get(root, "invoices")); json_next(&it);)
        (void)buf_printf(&got, "%.*s ", STR_FMT(json_str(json_get(it.val, "description"))));
    (void)buf_printf(&got, "%s%.0f", json_bool(json_get(pages, "has_more"), false) ? "more " : "",
                     json_num(json_get(pages, "total_count"), -1));
    if (!str_eq(buf_str(&got), str_c(want)))
        fail_msg("%.*s, not %s", STR_FMT(buf_str(&got)), want);
    json_free(doc);
    buf_done(&got);
    buf_done(&b);
}

static void invoices_come_newest_first(void **state)
{
    (void)state;
    struct ledger_entry entries[] = {
        {.at_ms = ms_of("2026-11-05T00:00:00Z"), .kind = LEDGER_CORRECTION, .note = STR("c")},
        {.at_ms = MONTH(2026, 11), .kind = LEDGER_TOPUP, .note = STR("b")},
        {.at_ms = ms_of("2026-09-30T00:00:00Z"), .kind = LEDGER_TOPUP, .note = STR("a")},
    };
    struct ledger_sum sums[] = {{.begin_ms = MONTH(2026, 09)}, {.begin_ms = MONTH(2026, 10)}};
    struct ledger_page p = {.entries = entries, .n_entries = 3, .total = 3, .sums = sums, .n_sums = 2};
    assert_page(&p, INVOICES_ALL, 1, 10, "c b Usage in 2026-10 Usage in 2026-09 a 5");
    assert_page(&p, INVOICES_ALL, 1, 2, "c b more 5");
    assert_page(&p, INVOICES_ALL, 2, 2, "Usage in 2026-10 Usage in 2026-09 more 5");
    assert_page(&p, INVOICES_ALL, 3, 2, "a 5");
    assert_page(&p, INVOICES_ALL, 4, 2, "5");
    assert_page(&p, INVOICES_AUTO, 1, 10, "Usage in 2026-10 Usage in 2026-09 2");
    assert_page(&p, INVOICES_MANUAL, 1, 10, "c b a 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(months_begin_with_the_calendar),
        cmocka_unit_test(cents_are_exact),
        cmocka_unit_test(invoices_come_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
