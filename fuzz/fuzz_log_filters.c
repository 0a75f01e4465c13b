/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary bytes as a query, as the JSON of its `filters`, and as words of weir logs: either there are
 * complaints, or every clause is one that can be evaluated, and is, for some rows and zones.
 */
#include "api/log_filters.h"
#include "base/limits.h"

static void check(const struct log_filter *f)
{
    static const struct log_value rows[] = {{LOG_VALUE_NULL, 0, {NULL, 0}},
                                            {LOG_VALUE_NUMBER, 1, {NULL, 0}},
                                            {LOG_VALUE_TEXT, 0, S("{\"a\":\"b\",\"c\":1}")}};
    struct zone_summary z = {.first_ms = 1, .last_ms = 2};
    must(f->n <= LOG_FILTER_CLAUSES + 20);
    for (size_t i = 0; i < f->n; i++) {
        const struct log_clause *c = &f->clauses[i];
        must(c->key < LOG_KEY_COUNT && c->n > 0);
        for (size_t k = 0; k < countof(rows); k++)
            (void)log_clause_meets(c, &rows[k]);
        (void)log_clause_zone(c, &z);
        (void)log_clause_terms(c, &z, STR("\x55\xaa"));
        (void)log_clause_parts(c, STR(""));
    }
}

static void as_query(struct str text)
{
    struct arena a;
    struct ask k;
    struct log_filter copy;
    arena_init(&a, 8 * MIB);
    ask_init(&k, &a, text);
    struct log_filter f = log_filters_read(&k);
    if (!k.wrong.first) {
        check(&f);
        if (log_filter_copy(&a, &f, &copy))
            check(&copy);
    }
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    struct arena a;
    struct complaints wrong;
    struct log_filter f;
    arena_init(&a, 8 * MIB);
    as_query(text);
    struct str json = arena_printf(&a, "filters=%.*s", STR_FMT(text));
    if (json.p)
        as_query(json);
    complaints_init(&wrong, &a, "");
    if (log_filters_words(&text, 1, &wrong, &f))
        check(&f);
    arena_done(&a);
    return 0;
}
