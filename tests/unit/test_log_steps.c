/* SPDX-License-Identifier: Apache-2.0 */
/* Where a row's time went, written and read back. */
#include "tests/unit/test.h"

#include "store/log_steps.h"

static struct str written(const struct step_times *s, uint64_t arrived)
{
    static char out[LOG_STEPS_TEXT];
    return step_times_write(s, arrived, out);
}

static void expect(struct step_reader *r, const char *name, int64_t start_us, int64_t duration_us)
{
    struct step_time got;
    assert_true(step_reader_next(r, &got));
    assert_string_equal(got.name, name);
    assert_int_equal(got.start_us, start_us);
    assert_int_equal(got.duration_us, duration_us);
}

static void expect_end(struct step_reader *r, int64_t attempt_us)
{
    struct step_time got;
    assert_false(step_reader_next(r, &got));
    assert_int_equal(r->attempt_us, attempt_us);
    assert_int_equal(r->rest.n, 0);
}

static void steps_come_back(void **state)
{
    (void)state;
    struct step_times s = {.begin = 1000};
    step_times_add(&s, STEP_AUTH, 1041);
    step_times_add(&s, STEP_BODY, 1351);
    step_times_add(&s, STEP_PLAN, 1351); /* took no time */
    s.own = s.n;
    step_times_add(&s, STEP_REUSE, 1351); /* neither, but it is told */
    step_times_add(&s, STEP_WAIT, 5001351);
    assert_str(written(&s, 1000), STR("0A29B136|R0F4c4b40"));
    struct step_reader r;
    assert_true(step_reader_init(&r, written(&s, 900)));
    expect(&r, "auth", 100, 41);
    expect(&r, "body", 141, 310);
    expect(&r, "reuse", 451, 0);
    expect(&r, "wait", 451, 5000000);
    expect_end(&r, 451);
    assert_int_equal(r.age_ms, -1);
}

static void an_attempt_may_have_no_steps(void **state)
{
    (void)state;
    struct step_times none = {0}, refused = {.begin = 10}, first = {.begin = 10};
    assert_int_equal(written(&none, 0).n, 0);
    step_times_add(&refused, STEP_LIMITS, 15);
    refused.own = 1;
    assert_str(written(&refused, 10), STR("0L5|"));
    struct step_reader r;
    assert_true(step_reader_init(&r, written(&refused, 10)));
    expect(&r, "limits", 0, 5);
    expect_end(&r, 5);
    step_times_add(&first, STEP_WAIT, 26);
    assert_str(written(&first, 9), STR("1|F10"));
}

static void a_cached_answer_has_an_age(void **state)
{
    (void)state;
    struct step_times s = {.begin = 1, .aged_ms = 1};
    s.own = 0;
    step_times_add(&s, STEP_ANSWER, 3);
    assert_str(written(&s, 1), STR("0|E2~0"));
    s.aged_ms = UINT32_MAX;
    struct step_reader r;
    assert_true(step_reader_init(&r, written(&s, 1)));
    expect(&r, "answer", 0, 2);
    expect_end(&r, 0);
    assert_int_equal(r.age_ms, (int64_t)UINT32_MAX - 1);
}

/* The longest text fits, and the last step has what was beyond. */
static void too_many_are_one(void **state)
{
    (void)state;
    struct step_times s = {.begin = 1};
    const uint64_t long_us = (uint64_t)UINT32_MAX + 5;
    for (uint64_t i = 1; i <= 40; i++)
        step_times_add(&s, STEP_PAUSE, 1 + i * long_us);
    assert_int_equal(s.n, LOG_ROW_STEPS);
    s.own = 3;
    s.aged_ms = UINT32_MAX;
    struct step_reader r;
    struct step_time step;
    assert_true(step_reader_init(&r, written(&s, 0)));
    int n = 0;
    while (step_reader_next(&r, &step)) {
        assert_int_equal(step.duration_us, UINT32_MAX); /* more is not told apart */
        n++;
    }
    assert_int_equal(n, LOG_ROW_STEPS);
    assert_int_equal(r.rest.n, 0);
}

static void other_text_ends_early(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        bool known;
        int steps;
    } cases[] = {
        {S(""), false, 0},           {S("A1"), false, 0},  {S("0"), true, 0},     {S("0?1"), true, 0},
        {S("0A"), true, 0},          {S("0A1A"), true, 1}, {S("0A1|"), true, 1},  {S("0A1|||B2"), true, 1},
        {S("0A123456789"), true, 1}, {S("0A1~"), true, 1}, {S("0~5A1"), true, 1}, {S("0a1"), true, 0},
        {S("ffffffffA1"), true, 1},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct step_reader r;
        struct step_time step;
        int n = 0;
        assert_int_equal(step_reader_init(&r, cases[i].text), cases[i].known);
        while (cases[i].known && step_reader_next(&r, &step))
            n++;
        assert_int_equal(n, cases[i].steps);
    }
}

/* A text that ends anywhere is never read beyond. */
static void any_beginning_is_read_safely(void **state)
{
    (void)state;
    struct step_times s = {.begin = 5, .aged_ms = 77};
    for (int i = STEP_NONE + 1; i < LOG_STEPS; i++)
        step_times_add(&s, (enum log_step)i, 5 + 1000 * (uint64_t)i);
    s.own = 4;
    struct str whole = written(&s, 0);
    for (size_t n = 0; n <= whole.n; n++) {
        char *copy = mem_alloc(n + 1); /* for sanitizers: nothing is behind it */
        memcpy(copy, whole.p, n);
        struct step_reader r;
        struct step_time step;
        bool known = step_reader_init(&r, str_of(copy, n));
        assert_int_equal(known, n > 0);
        while (known && step_reader_next(&r, &step))
            assert_true(step.duration_us >= 0);
        mem_free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_come_back),
        cmocka_unit_test(an_attempt_may_have_no_steps),
        cmocka_unit_test(a_cached_answer_has_an_age),
        cmocka_unit_test(too_many_are_one),
        cmocka_unit_test(other_text_ends_early),
        cmocka_unit_test(any_beginning_is_read_safely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
