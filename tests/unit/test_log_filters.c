/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of the log as they are written: both dialects, the older parameters, and what is wrong with them.
 */
#include "tests/unit/test.h"

#include "api/log_filters.h"
#include "base/limits.h"

#include <stdio.h>

static void put_value(struct buf *b, const struct log_value *v)
{
    switch (v->type) {
    case LOG_VALUE_NULL: (void)buf_append_c(b, " null"); break;
    case LOG_VALUE_NUMBER: (void)buf_printf(b, " %.15g", v->number); break;
    case LOG_VALUE_TEXT: (void)buf_printf(b, " '%.*s'", STR_FMT(v->text)); break;
    case LOG_VALUE_ABSURD: (void)buf_append_c(b, " absurd"); break;
    }
}

/* "model eq 'a' 'b'; ...", or "! key: message; ..." */
static void expect(const char *query, const char *want)
{
    static const char *const ops[] = {"eq", "neq", "contains", "lt", "gt", "le", "ge"};
    struct arena a;
    struct ask k;
    struct buf b;
    arena_init(&a, MIB);
    buf_init(&b, MIB);
    ask_init(&k, &a, str_c(query));
    struct log_filter f = log_filters_read(&k);
    for (const struct complaint *c = k.wrong.first; c; c = c->next)
        (void)buf_printf(&b, "%s! %.*s: %.*s", b.n ? "; " : "", STR_FMT(c->key), STR_FMT(c->message));
    for (size_t i = 0; i < f.n && !k.wrong.first; i++) {
        const struct log_clause *c = &f.clauses[i];
        (void)buf_printf(&b, "%s%.*s %s", i ? "; " : "", STR_FMT(log_keys[c->key].name), ops[c->op]);
        for (size_t n = 0; n < c->n; n++)
            put_value(&b, &c->values[n]);
    }
    if (!str_eq(buf_str(&b), str_c(want)))
        fail_msg("%s\n  is   %.*s\n  want %s", query, STR_FMT(buf_str(&b)), want);
    buf_done(&b);
    arena_done(&a);
}

static void json_filters(void **state)
{
    (void)state;
    expect("filters=[]", "");
    expect("filters=[{\"key\":\"model\",\"operator\":\"eq\",\"value\":[\"gpt-4o\",null,4]}]",
           "model eq 'gpt-4o' null absurd");
    expect("filters=%5B%7B%22key%22%3A%22cost%22%2C%22operator%22%3A%22gt%22%2C%22value%22%3A%5B0.0000771%5D%"
           "7D%5D",
           "cost gt 77100000");
    expect("filters=[{\"key\":\"success\",\"operator\":\"neq\",\"value\":[true]},{\"key\":\"cached\","
           "\"operator\":\"eq\","
           "\"value\":[0,\"true\"]}]",
           "success neq 1; cached eq 0 1");
    expect("filters=[{\"key\":\"created_at\",\"operator\":\"lt\",\"value\":[\"2026-10-12T09:30:11.482Z\"]}]",
           "created_at lt 1791797411482");
    expect("filters=[{\"key\":\"metadata.value\",\"operator\":\"contains\",\"value\":[0,\"0\"]}]",
           "metadata.value contains absurd '0'");
    expect("filters=[{\"key\":\"tokens\",\"operator\":\"lt\",\"value\":[\"12\"]}]", "tokens lt 12");
}

static void json_that_is_wrong(void **state)
{
    (void)state;
    expect("filters=[{", "! filters: Invalid JSON");
    expect("filters=", "! filters: Invalid JSON");
    expect("filters={}", "! filters: Expected array, received object");
    expect("filters=[7]", "! filters.0: Expected object, received number");
    expect("filters=[{\"key\":\"model\",\"operator\":\"eq\",\"value\":\"gpt\"}]",
           "! filters.0.value: Expected array, received string");
    expect("filters=[{\"key\":\"model\",\"operator\":\"eq\"}]", "! filters.0.value: Required");
    expect("filters=[{\"key\":\"model\",\"operator\":\"eq\",\"value\":[]}]",
           "! filters.0.value: Array must contain at least 1 element(s)");
    expect("filters=[{\"value\":[1]}]", "! filters.0.key: Required; ! filters.0.operator: Required");
    expect("filters=[{\"key\":7,\"operator\":\"eq\",\"value\":[1]}]",
           "! filters.0.key: Expected string, received number");
    expect("filters=[{\"key\":\"model\",\"operator\":\"like\",\"value\":[\"a\"]}]",
           "! filters.0.operator: Invalid enum value. Expected 'eq' | 'neq' | 'contains' | 'lt' | 'gt', "
           "received 'like'");
    expect("filters=[{\"key\":\"cost\",\"operator\":\"gt\",\"value\":[\"a lot\"]}]",
           "! filters.0.value.0: Expected number, received string");
    expect("filters=[{\"key\":\"cost\",\"operator\":\"gt\",\"value\":[1,[]]}]",
           "! filters.0.value.1: Expected string, number, boolean or null, received array");
    expect("filters=[{\"key\":\"cost\",\"operator\":\"contains\",\"value\":[1]}]",
           "! filters.0.operator: 'cost' has no parts: 'contains' is for texts");
    expect("filters=[{\"key\":\"success\",\"operator\":\"gt\",\"value\":[false]}]",
           "! filters.0.operator: 'success' is true or false: use 'eq' or 'neq'");
    expect("filters=[{\"key\":\"created_at\",\"operator\":\"gt\",\"value\":[\"yesterday\"]}]",
           "! filters.0.value.0: Expected date, received string");
}

static void unknown_keys_name_the_known_ones(void **state)
{
    (void)state;
    struct arena a;
    struct ask k;
    arena_init(&a, MIB);
    ask_init(&k, &a, STR("filters=[{\"key\":\"metadata.user\",\"operator\":\"eq\",\"value\":[\"u-7\"]}]"));
    log_filters_read(&k);
    assert_str(k.wrong.first->key, STR("filters.0.key"));
    assert_true(
        str_starts(k.wrong.first->message, STR("Invalid enum value. Expected 'id' | 'created_at' | ")));
    assert_null(k.wrong.first->next);
    arena_done(&a);
}

static void dotted_filters(void **state)
{
    (void)state;
    expect(
        "filters.key=provider&filters.operator=eq&filters.value=openai&filters.value=groq&filters.key=cost&"
        "filters.operator=gt&filters.value=0.1",
        "provider eq 'openai' 'groq'; cost gt 100000000000");
    expect("filters.key=success&filters.operator=eq&filters.value=true&filters.key=model&filters.operator="
           "contains&"
           "filters.value=a&filters.value=b",
           "success eq 1; model contains 'a' 'b'");
    expect(
        "filters.key=feedback&filters.operator=eq&filters.value=null&filters.key=model&filters.operator=eq&"
        "filters.value=null",
        "feedback eq null; model eq 'null'");
    expect("filters%2Ekey=model&filters.operator=eq&filters.value=x+y%20z", "model eq 'x y z'");
    expect("filters.key=model&filters.operator=eq", "! filters.0.value: Required");
    expect("filters.value=a", "! filters.0.key: Required; ! filters.0.operator: Required");
    expect("filters[0][key]=model&filters[0][operator]=eq&filters[0][value]=a", "");
}

static void older_parameters(void **state)
{
    (void)state;
    expect("min_cost=0.5&max_duration=10&success=false&model=a&feedback=-1",
           "cost ge 500000000000; duration le 10; feedback eq -1; success eq 0; model eq 'a'");
    expect("start_date=2026-10-12&end_date=2026-10-13T00:00:00Z",
           "created_at ge 1791763200000; created_at le 1791849600000");
    expect("min_tokens_in=x&cached=perhaps",
           "! min_tokens_in: Expected number, received string; ! cached: Expected boolean, received string");
    expect("provider=a&filters=[{\"key\":\"provider\",\"operator\":\"neq\",\"value\":[\"b\"]}]",
           "provider neq 'b'; provider eq 'a'");
}

static void too_many_are_refused(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, MIB);
    for (int i = 0; i <= LOG_FILTER_CLAUSES; i++)
        (void)buf_append_c(&b, "filters.key=model&filters.operator=eq&filters.value=a&");
    (void)buf_append_byte(&b, '\0');
    expect(b.p, "! filters: Array must contain at most 100 element(s)");
    buf_done(&b);
}

static void words(void **state)
{
    (void)state;
    const struct str texts[] = {STR("model eq gpt-4o, o3"), STR("  cost  gt 0.1 "),
                                STR("metadata.key eq null")};
    const struct str wrong[] = {STR("model"), STR("cost gt much")};
    struct arena a;
    struct complaints list;
    struct log_filter f;
    arena_init(&a, MIB);
    complaints_init(&list, &a, "");
    assert_true(log_filters_words(texts, countof(texts), &list, &f));
    assert_int_equal(f.n, 3);
    assert_str(f.clauses[0].values[1].text, STR("o3"));
    assert_true(f.clauses[1].values[0].number > 9e10);
    assert_int_equal(f.clauses[2].values[0].type, LOG_VALUE_NULL);
    assert_false(log_filters_words(wrong, countof(wrong), &list, &f));
    assert_str(list.first->key, STR("filters.0.operator"));
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_filters),
        cmocka_unit_test(json_that_is_wrong),
        cmocka_unit_test(dotted_filters),
        cmocka_unit_test(unknown_keys_name_the_known_ones),
        cmocka_unit_test(older_parameters),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests_name("log_filters", tests, NULL, NULL);
}
