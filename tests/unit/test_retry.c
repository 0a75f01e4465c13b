/* SPDX-License-Identifier: Apache-2.0 */
/* What follows an attempt, case by case: data plane sections 11.2 and 20.2. */
#include "tests/unit/test.h"

#include "base/limits.h"
#include "gateway/retry.h"

static struct statuses standard;

enum { LAST_STEP, MORE = 1, ONE_WAY = 2 };

/* One of three tries, half a second of pause, nothing in the way. */
static struct retry_case attempt(enum err err, int status, unsigned flags)
{
    return (struct retry_case){
        .err = err,
        .status = status,
        .attempt = 1,
        .attempts = 3,
        .replayable = !(flags & ONE_WAY),
        .more_targets = flags & MORE,
        .left_ms = INT64_MAX,
        .statuses = &standard,
        .delay_ms = 500,
    };
}

static const struct {
    enum err err;
    int status;
    unsigned flags;
    enum retry_verdict first, last; /* with tries left; without */
} cases[] = {
    /* answers */
    {E_OK, 200, MORE, RETRY_DELIVER, RETRY_DELIVER},
    {E_OK, 204, LAST_STEP, RETRY_DELIVER, RETRY_DELIVER},
    {E_OK, 302, MORE, RETRY_DELIVER, RETRY_DELIVER},
    {E_OK, 399, MORE, RETRY_DELIVER, RETRY_DELIVER},
    {E_OK, 400, MORE, RETRY_NEXT, RETRY_NEXT},
    {E_OK, 400, LAST_STEP, RETRY_DELIVER, RETRY_DELIVER},
    {E_OK, 401, MORE, RETRY_NEXT, RETRY_NEXT},
    {E_OK, 404, LAST_STEP, RETRY_DELIVER, RETRY_DELIVER},
    {E_OK, 408, LAST_STEP, RETRY_AGAIN, RETRY_DELIVER},
    {E_OK, 409, MORE, RETRY_AGAIN, RETRY_NEXT},
    {E_OK, 425, LAST_STEP, RETRY_AGAIN, RETRY_DELIVER},
    {E_OK, 429, MORE, RETRY_AGAIN, RETRY_NEXT},
    {E_OK, 500, LAST_STEP, RETRY_AGAIN, RETRY_DELIVER},
    {E_OK, 529, MORE, RETRY_AGAIN, RETRY_NEXT},
    {E_OK, 600, MORE, RETRY_NEXT, RETRY_NEXT}, /* no HTTP status, but no success either */
    /* bodies that were streamed through are gone */
    {E_OK, 503, ONE_WAY, RETRY_DELIVER, RETRY_DELIVER},
    {E_OK, 503, ONE_WAY | MORE, RETRY_NEXT, RETRY_NEXT},
    {E_RESET, 0, ONE_WAY, RETRY_DELIVER, RETRY_DELIVER},
    /* time */
    {E_TIMED_OUT, 0, LAST_STEP, RETRY_AGAIN, RETRY_DELIVER},
    {E_TIMED_OUT, 0, MORE, RETRY_AGAIN, RETRY_NEXT},
    {E_CONNECT_TIMEOUT, 0, MORE, RETRY_AGAIN, RETRY_NEXT},
    {E_FIRST_BYTE_TIMEOUT, 0, LAST_STEP, RETRY_AGAIN, RETRY_DELIVER},
    /* the network */
    {E_EOF, 0, MORE, RETRY_AGAIN, RETRY_NEXT},
    {E_RESET, 0, LAST_STEP, RETRY_AGAIN, RETRY_DELIVER},
    {E_REFUSED, 0, MORE, RETRY_AGAIN, RETRY_NEXT},
    {E_UNREACHABLE, 0, MORE, RETRY_AGAIN, RETRY_NEXT},
    {E_DNS, 0, MORE, RETRY_AGAIN, RETRY_NEXT},
    {E_BAD_ANSWER, 0, MORE, RETRY_AGAIN, RETRY_NEXT},
    {E_POOL_FULL, 0, LAST_STEP, RETRY_AGAIN, RETRY_DELIVER},
    /* what another try cannot mend, but another target can */
    {E_EGRESS, 0, MORE, RETRY_NEXT, RETRY_NEXT},
    {E_TLS, 0, MORE, RETRY_NEXT, RETRY_NEXT},
    {E_CREDENTIAL, 0, MORE, RETRY_NEXT, RETRY_NEXT},
    {E_TLS, 0, LAST_STEP, RETRY_DELIVER, RETRY_DELIVER},
    /* the error counts, not a status that came before it */
    {E_TLS, 503, LAST_STEP, RETRY_DELIVER, RETRY_DELIVER},
    {E_RESET, 200, LAST_STEP, RETRY_AGAIN, RETRY_DELIVER},
    /* nobody waits for it */
    {E_CLIENT_GONE, 0, MORE, RETRY_DELIVER, RETRY_DELIVER},
};

static void expect(const struct retry_case *c, enum retry_verdict want, int64_t want_delay, size_t row)
{
    int64_t delay = -7;
    enum retry_verdict got = retry_decide(c, &delay);
    if (got != want || delay != (want == RETRY_AGAIN ? want_delay : -7))
        fail_msg("case %zu (%s, %d), try %d of %d: verdict %d, %lld ms", row, err_name(c->err), c->status,
                 c->attempt, c->attempts, got, (long long)delay);
}

static void every_outcome_is_decided(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        struct retry_case c = attempt(cases[i].err, cases[i].status, cases[i].flags);
        expect(&c, cases[i].first, 500, i);
        c.attempt = 2;
        expect(&c, cases[i].first, 500, i);
        c.attempt = 3;
        expect(&c, cases[i].last, 0, i);
        c.attempt = c.attempts = 1;
        expect(&c, cases[i].last, 0, i);
    }
}

static void the_set_of_statuses_is_a_setting(void **state)
{
    (void)state;
    struct statuses own = {{0}};
    assert_true(statuses_add(&own, STR("404")));
    struct retry_case c = attempt(E_OK, 404, MORE);
    c.statuses = &own;
    expect(&c, RETRY_AGAIN, 500, 0);
    c.status = 503;
    expect(&c, RETRY_NEXT, 0, 1);
    own = (struct statuses){{0}};
    c.err = E_TIMED_OUT; /* not a status */
    expect(&c, RETRY_AGAIN, 500, 2);
}

static void a_pause_that_does_not_fit_is_not_begun(void **state)
{
    (void)state;
    static const struct {
        int64_t left_ms;
        enum retry_verdict alone, more;
    } rows[] = {
        {501, RETRY_AGAIN, RETRY_AGAIN},   {500, RETRY_DELIVER, RETRY_NEXT},   {1, RETRY_DELIVER, RETRY_NEXT},
        {0, RETRY_DELIVER, RETRY_DELIVER}, {-5, RETRY_DELIVER, RETRY_DELIVER},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct retry_case c = attempt(E_OK, 503, LAST_STEP);
        c.left_ms = rows[i].left_ms;
        expect(&c, rows[i].alone, 500, i);
        c.more_targets = true;
        expect(&c, rows[i].more, 500, i);
    }
}

static void pauses_grow_as_they_should(void **state)
{
    (void)state;
    static const struct {
        enum backoff backoff;
        int64_t base, want[4]; /* before tries 2, 3, 4, 5 */
    } rows[] = {
        {BACKOFF_UNSET, 300, {300, 300, 300, 300}},
        {BACKOFF_CONSTANT, 100, {100, 100, 100, 100}},
        {BACKOFF_LINEAR, 100, {100, 200, 300, 400}},
        {BACKOFF_EXPONENTIAL, 100, {100, 200, 400, 800}},
        {BACKOFF_CONSTANT, 0, {0, 0, 0, 0}},
        {BACKOFF_LINEAR, 0, {0, 0, 0, 0}},
        {BACKOFF_EXPONENTIAL, 0, {0, 0, 0, 0}},
        /* the cap */
        {BACKOFF_CONSTANT, 60000, {60000, 60000, 60000, 60000}},
        {BACKOFF_LINEAR, 25000, {25000, 50000, 60000, 60000}},
        {BACKOFF_EXPONENTIAL, 20000, {20000, 40000, 60000, 60000}},
        {BACKOFF_EXPONENTIAL, INT64_MAX, {60000, 60000, 60000, 60000}},
        {BACKOFF_LINEAR, INT64_MAX, {60000, 60000, 60000, 60000}},
    };
    for (size_t i = 0; i < countof(rows); i++)
        for (int tries = 1; tries <= 4; tries++) {
            struct retry_case c = attempt(E_TIMED_OUT, 0, LAST_STEP);
            c.backoff = rows[i].backoff;
            c.delay_ms = rows[i].base;
            c.attempt = tries;
            c.attempts = RETRY_ATTEMPTS;
            expect(&c, RETRY_AGAIN, rows[i].want[tries - 1], i);
        }
}

static void jitter_is_full(void **state)
{
    (void)state;
    struct retry_case c = attempt(E_TIMED_OUT, 0, LAST_STEP);
    bool seen[5] = {false};
    c.jitter = true;
    c.delay_ms = 4;
    for (c.random = 0; c.random < 5; c.random++) {
        int64_t delay;
        assert_int_equal(retry_decide(&c, &delay), RETRY_AGAIN);
        assert_in_range(delay, 0, 4);
        seen[delay] = true;
    }
    for (size_t i = 0; i < countof(seen); i++)
        assert_true(seen[i]);
    c.random = UINT64_MAX;
    c.delay_ms = 0;
    expect(&c, RETRY_AGAIN, 0, 0);
    /* what is drawn has to fit, not what it is drawn from */
    c.delay_ms = 60000;
    c.left_ms = 10;
    c.random = 9;
    expect(&c, RETRY_AGAIN, 9, 1);
    c.random = 10;
    expect(&c, RETRY_DELIVER, 0, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_outcome_is_decided),
        cmocka_unit_test(the_set_of_statuses_is_a_setting),
        cmocka_unit_test(a_pause_that_does_not_fit_is_not_begun),
        cmocka_unit_test(pauses_grow_as_they_should),
        cmocka_unit_test(jitter_is_full),
    };
    standard = statuses_default();
    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
