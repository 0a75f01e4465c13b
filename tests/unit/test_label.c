/* SPDX-License-Identifier: Apache-2.0 */
/* Labels: what a batch comes to, how many there may be, and what is left of them after a start. */
#include "tests/unit/store_number.h"

#include "base/limits.h"
#include "store/backend.h"
#include "store/label_bounds.h"

#include <stdio.h>

/* ---- a batch ---- */

static const struct label_cell *cell(const struct labels *u, const char *label, const char *value, bool other)
{
    for (size_t i = 0; i < u->n; i++) {
        const struct label_key *k = &u->cells[i].key;
        if (!u->cells[i].folded && k->other == other && str_eq(k->label, str_c(label)) &&
            str_eq(k->value, str_c(value)))
            return &u->cells[i];
    }
    return NULL;
}

static struct record row(struct str metadata, int64_t token, unsigned flags)
{
    return (struct record){.created_ms = 60000 * 100 + 7,
                           .gateway = 3,
                           .metadata = metadata,
                           .token = token,
                           .flags = flags,
                           .tokens_in = 10,
                           .tokens_out = RECORD_NULL,
                           .cost_pico = 5,
                           .saved_pico = flags & REC_CACHED ? 4 : RECORD_NULL};
}

static void entries_and_token_are_labels(void **state)
{
    (void)state;
    struct labels u;
    const struct record rows[] = {
        row(STR("{\"user\":\"u-7\",\"n\":3,\"ok\":true}"), 17, REC_SUCCESS),
        row(STR("{\"user\":\"u-\\u0037\"}"), 0, REC_SUCCESS | REC_CACHED),
        row(STR("{\"user\":\"u-7\"}"), 17, 0),
        row(STR("{\"user\":\"u-7\"}"), 17, REC_FOLLOWED),
        row((struct str){NULL, 0}, 0, REC_SUCCESS),
    };
    labels_init(&u);
    for (size_t i = 0; i < countof(rows); i++)
        labels_add(&u, &rows[i]);
    assert_int_equal(u.n, 4);
    const struct label_cell *user = cell(&u, "user", "u-7", false);
    assert_non_null(user);
    assert_int_equal(user->key.minute, 100);
    assert_int_equal(user->key.gateway, 3);
    assert_int_equal(user->requests, 3);
    assert_int_equal(user->cached, 1);
    assert_int_equal(user->errors, 1);
    assert_int_equal(user->tokens_in, 40); /* of all attempts */
    assert_int_equal(user->tokens_out, 0);
    assert_int_equal(user->cost_pico, 20);
    assert_int_equal(user->saved_pico, 4);
    assert_int_equal(user->last_ms, 6000007);
    assert_int_equal(cell(&u, "n", "3", false)->requests, 1);
    assert_int_equal(cell(&u, "ok", "true", false)->requests, 1);
    assert_int_equal(cell(&u, LABEL_TOKEN, "17", false)->requests, 2);
    labels_clear(&u);
    assert_int_equal(u.n, 0);
    labels_add(&u, &rows[0]);
    assert_int_equal(u.n, 4);
    labels_done(&u);
}

static void long_ones_are_other(void **state)
{
    (void)state;
    struct labels u;
    char text[1024];
    labels_init(&u);
    for (int n = -1; n <= 1; n++) {
        snprintf(text, sizeof(text), "{\"%0*d\":\"x\",\"v\":\"%0*d\"}", LABEL_NAME_BYTES + n, 0,
                 LABEL_VALUE_BYTES + n, 0);
        struct record r = row(str_of(text, strlen(text)), 0, REC_SUCCESS);
        char *keep = arena_alloc(&u.texts, sizeof(text));
        memcpy(keep, text, sizeof(text));
        r.metadata.p = keep;
        labels_add(&u, &r);
    }
    assert_int_equal(u.n, 6);
    assert_int_equal(cell(&u, "v", "", true)->requests, 1);
    assert_int_equal(cell(&u, "", "", true)->requests, 1);
    labels_done(&u);
}

static void folding_keeps_sums(void **state)
{
    (void)state;
    struct labels u;
    labels_init(&u);
    char texts[40][32];
    for (int i = 0; i < 40; i++) {
        snprintf(texts[i], sizeof(texts[i]), "{\"user\":\"u-%d\"}", i);
        struct record r = row(str_c(texts[i]), 0, i % 2 ? REC_SUCCESS : 0);
        labels_add(&u, &r);
    }
    for (size_t i = 10; i < 39; i++)
        labels_fold(&u, i, false);
    labels_fold(&u, 39, true);
    const struct label_cell *other = cell(&u, "user", "", true), *nameless = cell(&u, "", "", true);
    assert_int_equal(other->requests, 29);
    assert_int_equal(other->errors, 15);
    assert_int_equal(other->cost_pico, 29 * 5);
    assert_int_equal(other->last_ms, 6000007);
    assert_int_equal(nameless->requests, 1);
    assert_null(cell(&u, "user", "u-10", false));
    assert_non_null(cell(&u, "user", "u-9", false));
    labels_done(&u);
}

/* ---- sets ---- */

static void sets_have_a_bound(void **state)
{
    (void)state;
    struct label_bounds b = {0};
    bool fresh;
    struct label_set *s = label_bounds_set(&b, 1, 5, 9, &fresh);
    assert_true(fresh);
    for (uint64_t i = 1; i <= 100; i++)
        assert_true(label_set_admit(s, i << 32, 100));
    assert_false(label_set_admit(s, 7, 100));
    for (uint64_t i = 1; i <= 100; i++)
        assert_true(label_set_admit(s, i << 32, 100));
    assert_ptr_equal(label_bounds_set(&b, 1, 5, 9, &fresh), s);
    assert_false(fresh);
    (void)label_bounds_set(&b, 1, 6, 9, &fresh);
    assert_true(fresh);
    (void)label_bounds_set(&b, 2, 5, 9, &fresh);
    assert_true(fresh);
    /* the one that was unused the longest makes room */
    for (int64_t i = 0; i < LABEL_SETS - 2; i++) {
        (void)label_bounds_set(&b, 1, 5, 9, &fresh);
        assert_false(fresh);
        (void)label_bounds_set(&b, 1, 100 + i, 9, &fresh);
        assert_true(fresh);
    }
    (void)label_bounds_set(&b, 1, 6, 9, &fresh);
    assert_true(fresh);
    label_bounds_clear(&b);
    (void)label_bounds_set(&b, 1, 5, 9, &fresh);
    assert_true(fresh);
    label_bounds_clear(&b);
}

/* ---- at rest ---- */

static void push(struct fixture *f, int64_t gateway, int64_t minutes_ago, const char *label, int value)
{
    char text[64];
    struct record r = fixture_record(f, gateway);
    int n = snprintf(text, sizeof(text), "{\"%s\":\"v-%d\"}", label, value);
    r.created_ms = clock_wall_ms() - minutes_ago * 60000;
    r.metadata = str_of(text, (size_t)n);
    r.flags = REC_SUCCESS;
    r.cost_pico = 3;
    store_push(f->s, &r, NULL, NULL);
}

static void commit(struct fixture *f)
{
    fixture_count(f, (struct log_query){.gateway = 1});
}

/* The hour may change while a test runs: everything is a day ago, at a known minute of the hour. */
static int64_t ago(int64_t minute_of_hour)
{
    int64_t now = clock_wall_ms() / 60000;
    return now - ((now - 24 * 60) / 60 * 60 + minute_of_hour);
}

static void values_beyond_the_bound_are_other(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    for (int i = 0; i < LABEL_VALUES - 1; i++)
        push(&f, 1, ago(10), "session", i);
    commit(&f);
    assert_int_equal(store_close(f.s), 0);
    fixture_open(&f); /* what is there is known after a start */
    for (int i = LABEL_VALUES - 10; i < LABEL_VALUES + 40; i++)
        push(&f, 1, ago(20), "session", i);
    commit(&f);
    push(&f, 1, ago(20), "session", LABEL_VALUES + 41);
    push(&f, 1, ago(20), "session", 0);
    push(&f, 1, ago(-40), "session", LABEL_VALUES + 41); /* the hour before has room */
    push(&f, 2, ago(20), "session", LABEL_VALUES + 41);  /* and another gateway */
    push(&f, 1, ago(20), "team", 1);
    commit(&f);
#define HOUR                                                                                                 \
    "FROM label WHERE gateway = 1 AND span = 60 AND label = 'session'"                                       \
    " AND at = (SELECT max(at) FROM label WHERE span = 60)"
    assert_int_equal(number(&f, "SELECT count(*) " HOUR " AND other = 0"), LABEL_VALUES);
    assert_int_equal(number(&f, "SELECT requests " HOUR " AND other = 1"), 41);
    assert_int_equal(number(&f, "SELECT sum(requests) " HOUR), LABEL_VALUES - 1 + 50 + 2);
    assert_int_equal(number(&f, "SELECT sum(cost_pico) " HOUR), 3 * (LABEL_VALUES - 1 + 50 + 2));
    assert_int_equal(number(&f, "SELECT requests " HOUR " AND value = 'v-0'"), 2);
    assert_int_equal(number(&f, "SELECT sum(requests) FROM label WHERE span = 1"),
                     number(&f, "SELECT sum(requests) FROM label WHERE span = 60"));
    assert_int_equal(number(&f, "SELECT count(*) FROM label WHERE span = 60 AND other = 1"), 1);
    fixture_end(&f);
}

static void labels_beyond_the_bound_have_no_name(void **state)
{
    (void)state;
    struct fixture f;
    char label[16];
    fixture_start(&f);
    for (int i = 0; i < LABEL_NAMES + 5; i++) {
        snprintf(label, sizeof(label), "key-%d", i);
        push(&f, 1, ago(10), label, 1);
        push(&f, 1, ago(10), label, 2);
        commit(&f);
    }
    assert_int_equal(number(&f, "SELECT count(DISTINCT label) FROM label WHERE label <> ''"), LABEL_NAMES);
    assert_int_equal(number(&f, "SELECT requests FROM label WHERE label = '' AND other = 1 AND span = 60"),
                     10);
    assert_int_equal(store_close(f.s), 0);
    fixture_open(&f);
    push(&f, 1, ago(10), "key-0", 3);
    push(&f, 1, ago(10), "late", 1);
    commit(&f);
    assert_int_equal(number(&f, "SELECT count(DISTINCT label) FROM label WHERE label <> ''"), LABEL_NAMES);
    assert_int_equal(
        number(&f, "SELECT requests FROM label WHERE label = 'key-0' AND value = 'v-3' AND span = 1"), 1);
    fixture_end(&f);
}

static void a_gateway_takes_its_labels_with_it(void **state)
{
    (void)state;
    struct fixture f;
    const char *why = NULL;
    fixture_start(&f);
    for (int i = 0; i < 100; i++)
        push(&f, 1 + i % 2, i, "user", i);
    commit(&f);
    assert_int_equal(store_close(f.s), 0);
    struct log_db *db = log_db_open(f.tmp.path, DB_WRITE, &why);
    assert_int_equal(log_db_begin(db), E_OK);
    enum err e;
    while ((e = log_db_forget_gateway(db, 1)) == E_OK)
        ;
    assert_int_equal(e, E_NOT_FOUND);
    assert_int_equal(log_db_commit(db), E_OK);
    log_db_close(db);
    assert_int_equal(number(&f, "SELECT count(*) FROM label WHERE gateway = 1"), 0);
    assert_int_equal(number(&f, "SELECT sum(requests) FROM label WHERE gateway = 2 AND span = 60"), 50);
    fixture_open(&f);
    fixture_end(&f);
}

static void old_labels_go_some_at_a_time(void **state)
{
    (void)state;
    struct fixture f;
    const char *why = NULL;
    enum { MANY = LABEL_SWEEP_ROWS / 500 };
    fixture_start(&f);
    commit(&f);
    for (int i = 0; i < 500; i++)
        for (int k = 1; k <= MANY + 2; k++)
            push(&f, 1, ROLLUP_KEEP_MINUTES + 60 + k, "user", i);
    push(&f, 1, ROLLUP_KEEP_MINUTES - 60, "user", 1);
    push(&f, 1, 0, "user", 1);
    commit(&f);
    assert_int_equal(store_close(f.s), 0);
    struct log_db *db = log_db_open(f.tmp.path, DB_WRITE, &why);
    int64_t before = clock_wall_ms() / 60000 - ROLLUP_KEEP_MINUTES;
    int pieces = 0;
    enum err e;
    while ((e = log_db_trim(db, before)) == E_OK)
        pieces++;
    assert_int_equal(e, E_NOT_FOUND);
    assert_in_range(pieces, 4, 8); /* roll-ups; two of minutes, one or two of hours */
    log_db_close(db);
    assert_int_equal(number(&f, "SELECT sum(requests) FROM label WHERE span = 1"), 2);
    assert_int_equal(number(&f, "SELECT count(*) FROM rollup WHERE span = 1"), 2);
    fixture_open(&f);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_and_token_are_labels),
        cmocka_unit_test(long_ones_are_other),
        cmocka_unit_test(folding_keeps_sums),
        cmocka_unit_test(sets_have_a_bound),
        cmocka_unit_test(values_beyond_the_bound_are_other),
        cmocka_unit_test(labels_beyond_the_bound_have_no_name),
        cmocka_unit_test(a_gateway_takes_its_labels_with_it),
        cmocka_unit_test(old_labels_go_some_at_a_time),
    };
    return cmocka_run_group_tests_name("label", tests, NULL, NULL);
}
