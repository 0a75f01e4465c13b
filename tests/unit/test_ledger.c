/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: its arithmetic, reservations from many threads, and what a crash leaves of both. */
#include "tests/unit/store_fixture.h"

#include "store/backend.h"
#include "store/private.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define DOLLAR INT64_C(1000000000000)
#define ACCOUNT STR("0123456789abcdef0123456789abcdef")

struct booked {
    struct fixture *f;
    enum err e;
    int64_t balance;
};

static void on_booked(void *arg, enum err e, int64_t balance)
{
    struct booked *b = arg;
    b->e = e;
    b->balance = balance;
    fixture_answered(b->f);
}

static enum err book(struct fixture *f, enum ledger_kind kind, int64_t pico, int64_t *ret_balance)
{
    struct booked b = {.f = f};
    struct ledger_entry e = {.id = uuid_v7(&f->ids),
                             .account = ACCOUNT,
                             .kind = kind,
                             .at_ms = clock_wall_ms(),
                             .amount_pico = pico,
                             .actor = STR("test"),
                             .note = STR("a note")};
    store_book(f->s, &e, f->loop, on_booked, &b);
    fixture_wait(f);
    *ret_balance = b.balance;
    return b.e;
}

struct read {
    struct fixture *f;
    struct ledger_page *page;
};

static void on_read(void *arg, struct ledger_page *page)
{
    struct read *r = arg;
    r->page = page;
    fixture_answered(r->f);
}

static struct ledger_page *read_ledger(struct fixture *f, struct ledger_query q)
{
    struct read r = {.f = f};
    q.account = ACCOUNT;
    q.before_ms = q.before_ms ? q.before_ms : INT64_MAX / 2;
    store_read_ledger(f->s, &q, f->loop, on_read, &r);
    fixture_wait(f);
    assert_int_equal(r.page->err, E_OK);
    return r.page;
}

static int64_t balance(struct fixture *f)
{
    struct ledger_page *p = read_ledger(f, (struct ledger_query){.per_page = 0});
    int64_t pico = p->balance_pico;
    ledger_page_free(p);
    return pico;
}

static struct record charge_of(struct fixture *f, const char *model, int64_t at_ms, int64_t pico)
{
    struct record r = fixture_record(f, 1);
    r.created_ms = at_ms;
    r.provider = STR("openai");
    r.model = str_c(model);
    r.account = ACCOUNT;
    r.cost_pico = r.charge_pico = pico;
    r.flags = REC_WHOLESALE;
    return r;
}

static void push_charge(struct fixture *f, const char *model, int64_t at_ms, int64_t pico)
{
    struct record r = charge_of(f, model, at_ms, pico);
    credits_charge(store_credits(f->s), ACCOUNT, pico);
    store_push(f->s, &r, NULL, NULL);
}

/* ---- the ledger ---- */

static void balances_run_along(void **state)
{
    (void)state;
    struct fixture f;
    int64_t after;
    fixture_start(&f);
    assert_int_equal(balance(&f), 0);
    assert_int_equal(book(&f, LEDGER_TOPUP, 25 * DOLLAR, &after), E_OK);
    assert_int_equal(after, 25 * DOLLAR);
    push_charge(&f, "a", 1000, DOLLAR + 1);
    assert_int_equal(balance(&f), 24 * DOLLAR - 1);
    assert_int_equal(book(&f, LEDGER_CORRECTION, -5 * DOLLAR, &after), E_OK);
    assert_int_equal(after, 19 * DOLLAR - 1);
    assert_int_equal(credits_left(store_credits(f.s), ACCOUNT), after);
    struct ledger_page *p = read_ledger(&f, (struct ledger_query){.page = 1, .per_page = 10});
    assert_int_equal(p->n_entries, 2); /* charges have a place of their own */
    assert_int_equal(p->total, 2);
    assert_int_equal(p->entries[0].kind, LEDGER_CORRECTION);
    assert_int_equal(p->entries[0].balance_pico, after);
    assert_int_equal(p->entries[1].amount_pico, 25 * DOLLAR);
    assert_true(str_eq(p->entries[1].note, STR("a note")));
    struct uuid id = p->entries[1].id;
    ledger_page_free(p);
    p = read_ledger(&f, (struct ledger_query){.id = &id});
    assert_int_equal(p->n_entries, 1);
    assert_int_equal(p->entries[0].amount_pico, 25 * DOLLAR);
    ledger_page_free(p);
    fixture_end(&f);
}

static void a_call_is_charged_once(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    struct record r = charge_of(&f, "a", 1000, DOLLAR);
    for (int i = 0; i < 3; i++) {
        credits_charge(store_credits(f.s), ACCOUNT, DOLLAR);
        store_push(f.s, &r, NULL, NULL);
    }
    assert_int_equal(balance(&f), -DOLLAR);
    assert_int_equal(credits_left(store_credits(f.s), ACCOUNT), -DOLLAR);
    r = charge_of(&f, "a", 1000, DOLLAR); /* collection is off: no row, but a charge */
    r.flags |= REC_NO_ROW;
    credits_charge(store_credits(f.s), ACCOUNT, DOLLAR);
    store_push(f.s, &r, NULL, NULL);
    assert_int_equal(balance(&f), -2 * DOLLAR);
    fixture_end(&f);
}

static void charges_are_summed_by_time_and_model(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    const int64_t hour = 3600 * 1000, day = 24 * hour, march = 1772323200000; /* 2026-03-01 */
    push_charge(&f, "a", march - 1, 1);
    push_charge(&f, "a", march, 10);
    push_charge(&f, "b", march + hour - 1, 100);
    push_charge(&f, "a", march + hour, 1000);
    push_charge(&f, "a", march + day, 10000);
    const struct {
        enum ledger_span span;
        bool by_model;
        int64_t since, before;
        size_t n;
        int64_t amounts[5], calls0;
    } cases[] = {
        {LEDGER_HOUR, false, 0, 0, 4, {1, 110, 1000, 10000}, 1},
        {LEDGER_DAY, false, 0, 0, 3, {1, 1110, 10000}, 1},
        {LEDGER_MONTH, false, 0, 0, 2, {1, 11110}, 1},
        {LEDGER_MONTH, true, march, 0, 2, {11010, 100}, 3},
        {LEDGER_HOUR, false, march, march + hour, 1, {110}, 2},
        {LEDGER_HOUR, false, march + 1, 0, 2, {1000, 10000}, 1},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ledger_page *p = read_ledger(&f, (struct ledger_query){.sums = true,
                                                                      .span = cases[i].span,
                                                                      .by_model = cases[i].by_model,
                                                                      .since_ms = cases[i].since,
                                                                      .before_ms = cases[i].before});
        assert_int_equal(p->n_sums, cases[i].n);
        for (size_t j = 0; j < p->n_sums; j++)
            assert_int_equal(p->sums[j].amount_pico, cases[i].amounts[j]);
        assert_int_equal(p->sums[0].calls, cases[i].calls0);
        assert_int_equal(p->sums[0].model.p != NULL, cases[i].by_model);
        ledger_page_free(p);
    }
    fixture_end(&f);
}

static void a_balance_does_not_wrap(void **state)
{
    (void)state;
    struct fixture f;
    int64_t after;
    fixture_start(&f);
    assert_int_equal(book(&f, LEDGER_TOPUP, INT64_MAX - 5, &after), E_OK);
    assert_int_equal(book(&f, LEDGER_TOPUP, 6, &after), E_FULL);
    assert_int_equal(book(&f, LEDGER_TOPUP, 5, &after), E_OK);
    assert_int_equal(balance(&f), INT64_MAX);
    fixture_end(&f);
}

/* What the file itself refuses, whoever has it open. */
static void entries_stay_as_they_are(void **state)
{
    (void)state;
    struct fixture f;
    int64_t after;
    char path[PATH_MAX];
    fixture_start(&f);
    assert_int_equal(book(&f, LEDGER_TOPUP, DOLLAR, &after), E_OK);
    snprintf(path, sizeof(path), "%s/logs.db", f.tmp.path);
    struct sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE ledger SET amount_pico = 1", NULL, NULL, NULL),
                     SQLITE_CONSTRAINT);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM ledger", NULL, NULL, NULL), SQLITE_CONSTRAINT);
    sqlite3_close(db);
    assert_int_equal(balance(&f), DOLLAR);
    fixture_end(&f);
}

/* `weir credits` beside a daemon. */
static void another_process_may_book(void **state)
{
    (void)state;
    struct fixture f;
    const char *why;
    int64_t after;
    fixture_start(&f);
    struct ledger_book *b = ledger_book_open(f.tmp.path, &why);
    assert_non_null(b);
    struct ledger_entry e = {
        .id = uuid_v7(&f.ids), .account = ACCOUNT, .kind = LEDGER_TOPUP, .amount_pico = 7 * DOLLAR};
    assert_int_equal(ledger_book_add(b, &e, &after), E_OK);
    assert_int_equal(after, 7 * DOLLAR);
    struct ledger_page *p =
        ledger_book_read(b, &(struct ledger_query){.account = ACCOUNT, .page = 1, .per_page = 5});
    assert_int_equal(p->n_entries, 1);
    ledger_page_free(p);
    ledger_book_close(b);
    store_poll(f.s);
    assert_int_equal(balance(&f), 7 * DOLLAR);
    assert_int_equal(credits_left(store_credits(f.s), ACCOUNT), 7 * DOLLAR);
    fixture_end(&f);
}

/* ---- reservations ---- */

static void what_is_reserved_is_not_left(void **state)
{
    (void)state;
    struct credits *c = credits_new();
    assert_false(credits_reserve(c, ACCOUNT, 1));
    credits_post(c, ACCOUNT, 100);
    assert_true(credits_reserve(c, ACCOUNT, 60));
    assert_false(credits_reserve(c, ACCOUNT, 41));
    assert_true(credits_reserve(c, ACCOUNT, 40));
    assert_false(credits_reserve(c, STR("another"), 1));
    credits_charge(c, ACCOUNT, 50);
    credits_release(c, ACCOUNT, 60);
    assert_int_equal(credits_left(c, ACCOUNT), 10);
    credits_committed(c, ACCOUNT, 50, 50);
    assert_int_equal(credits_left(c, ACCOUNT), 10);
    credits_release(c, ACCOUNT, 40);
    assert_true(credits_reserve(c, ACCOUNT, 1000)); /* alone: more than is left */
    assert_false(credits_reserve(c, ACCOUNT, 1));
    credits_charge(c, ACCOUNT, 50);
    credits_release(c, ACCOUNT, 1000);
    assert_false(credits_reserve(c, ACCOUNT, 1)); /* nothing is left */
    credits_free(c);
}

enum { THREADS = 8, MOST = 100 };

struct spender {
    pthread_t thread;
    struct credits *c;
    int64_t spent;
};

/* Calls that cost less than, or all of, what was reserved for them. */
static void *spend(void *arg)
{
    struct spender *s = arg;
    uint32_t random = (uint32_t)(uintptr_t)s | 1;
    while (credits_left(s->c, ACCOUNT) > 0) {
        int64_t held = 1 + (random = random * 1664525 + 1013904223) / 16 % MOST;
        if (!credits_reserve(s->c, ACCOUNT, held))
            continue;
        int64_t cost = held - (random / 4096) % held;
        credits_charge(s->c, ACCOUNT, cost);
        credits_release(s->c, ACCOUNT, held);
        s->spent += cost;
    }
    return NULL;
}

static void threads_do_not_spend_the_same_money(void **state)
{
    (void)state;
    struct credits *c = credits_new();
    struct spender v[THREADS];
    const int64_t have = 200000;
    credits_post(c, ACCOUNT, have);
    for (size_t i = 0; i < THREADS; i++) {
        v[i] = (struct spender){.c = c};
        assert_int_equal(pthread_create(&v[i].thread, NULL, spend, &v[i]), 0);
    }
    int64_t spent = 0;
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(v[i].thread, NULL);
        spent += v[i].spent;
    }
    assert_in_range(spent, have, have + MOST - 1); /* only the last, alone, may go beyond */
    assert_int_equal(credits_left(c, ACCOUNT), have - spent);
    credits_free(c);
}

/* ---- crashes ---- */

struct acked {
    struct msg msg;
    struct fixture *f;
};

static void on_ack(struct loop *l, struct msg *m)
{
    (void)l;
    fixture_answered(container_of(m, struct acked, msg)->f);
}

/* Charges until it is killed, telling after each which ones are committed. */
static void charge_for_ever(const char *dir, int out)
{
    struct fixture f = {.o = {.dir = dir, .queue_bytes = 64 << 20, .max_body_bytes = 1 << 20}};
    struct acked ack = {{.run = on_ack}, &f};
    f.loop = loop_new();
    timer_init(&f.deadline, f.loop, fixture_too_late);
    fixture_open(&f);
    for (;;) {
        struct record r = charge_of(&f, "a", clock_wall_ms(), 3);
        credits_charge(store_credits(f.s), ACCOUNT, 3);
        store_push(f.s, &r, f.loop, &ack.msg);
        fixture_wait(&f);
        if (write(out, "x", 1) != 1)
            _exit(1);
    }
}

static void kill_9_loses_no_charge(void **state)
{
    (void)state;
    struct fixture f;
    int pipes[2];
    int64_t after;
    char seen[64];
    fixture_start(&f);
    assert_int_equal(book(&f, LEDGER_TOPUP, DOLLAR, &after), E_OK);
    assert_int_equal(store_close(f.s), 0);
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0)
        charge_for_ever(f.tmp.path, pipes[1]);
    close(pipes[1]);
    int64_t told = 0;
    while (told < 20)
        told += read(pipes[0], seen, sizeof(seen));
    kill(child, SIGKILL);
    for (ssize_t n; (n = read(pipes[0], seen, sizeof(seen))) > 0;)
        told += n;
    waitpid(child, NULL, 0);
    close(pipes[0]);
    fixture_open(&f);
    struct ledger_page *p = read_ledger(&f, (struct ledger_query){.sums = true, .span = LEDGER_MONTH});
    int64_t charged = 0;
    for (size_t i = 0; i < p->n_sums; i++)
        charged += p->sums[i].calls;
    ledger_page_free(p);
    assert_true(charged >= told);
    assert_int_equal(balance(&f), DOLLAR - 3 * charged);
    assert_int_equal(fixture_count(&f, (struct log_query){0}), charged); /* a row for each, and no other */
    assert_int_equal(credits_left(store_credits(f.s), ACCOUNT), DOLLAR - 3 * charged);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(balances_run_along),
        cmocka_unit_test(a_call_is_charged_once),
        cmocka_unit_test(charges_are_summed_by_time_and_model),
        cmocka_unit_test(a_balance_does_not_wrap),
        cmocka_unit_test(entries_stay_as_they_are),
        cmocka_unit_test(another_process_may_book),
        cmocka_unit_test(what_is_reserved_is_not_left),
        cmocka_unit_test(threads_do_not_spend_the_same_money),
        cmocka_unit_test(kill_9_loses_no_charge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
