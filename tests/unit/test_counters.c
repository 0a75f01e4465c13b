/* SPDX-License-Identifier: Apache-2.0 */
/* Rate limits: against a model written from the specification's words, from many threads, over restarts. */
#include "tests/unit/store_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

static struct counter_row row_of(struct counters *c, int64_t key)
{
    struct counter_row *rows, got = {.key = -1};
    size_t n = counters_changed(c, &rows);
    for (size_t i = 0; i < n; i++)
        if (rows[i].key == key)
            got = rows[i];
    mem_free(rows);
    return got;
}

/* How many of n requests pass. */
static int64_t ask(struct counters *c, int64_t key, struct window w, int64_t now_ms, int n)
{
    int64_t passed = 0;
    for (int i = 0; i < n; i++)
        passed += counters_take(c, key, &w, now_ms, NULL);
    return passed;
}

/* ---- examples ---- */

static void the_limit_itself_passes(void **state)
{
    (void)state;
    struct counters *c = counters_new();
    struct window w = {.limit = 3, .interval_ms = 60000};
    int64_t left;
    for (int i = 0; i < 3; i++) {
        assert_true(counters_peek(c, 1, &w, 1000, &left));
        assert_int_equal(left, 3 - i);
        assert_true(counters_take(c, 1, &w, 1000, &left));
        assert_int_equal(left, 2 - i);
    }
    assert_false(counters_take(c, 1, &w, 59999, &left));
    assert_int_equal(left, 0);
    assert_false(counters_peek(c, 1, &w, 59999, NULL));
    assert_true(counters_take(c, 2, &w, 1000, NULL)); /* another's count */
    assert_int_equal(ask(c, 1, w, 60000, 9), 3);      /* windows are aligned to the clock */
    counters_free(c);
}

static void two_bursts_pass_around_a_fixed_border_only(void **state)
{
    (void)state;
    struct counters *c = counters_new();
    struct window fixed = {.limit = 10, .interval_ms = 600000};
    struct window sliding = {.limit = 10, .interval_ms = 600000, .sliding = true};
    assert_int_equal(ask(c, 1, fixed, 599999, 20), 10);
    assert_int_equal(ask(c, 1, fixed, 600000, 20), 10);
    assert_int_equal(ask(c, 2, sliding, 599999, 20), 10);
    assert_int_equal(ask(c, 2, sliding, 600000, 20), 0);
    assert_int_equal(ask(c, 2, sliding, 660000, 20), 1); /* a tenth later, a tenth of the limit */
    assert_int_equal(ask(c, 2, sliding, 719999, 20), 0); /* a part of a request is none */
    assert_int_equal(ask(c, 2, sliding, 720000, 20), 1);
    assert_int_equal(ask(c, 2, sliding, 1800000, 20), 10); /* an empty window later */
    counters_free(c);
}

static void no_limit_counts_nothing(void **state)
{
    (void)state;
    struct counters *c = counters_new();
    struct window off[] = {{.limit = 0, .interval_ms = 1000}, {.limit = 5, .interval_ms = 0}, {.limit = 0}};
    struct counter_row *rows;
    int64_t left;
    for (size_t i = 0; i < countof(off); i++) {
        assert_true(counters_take(c, 1, &off[i], 5, &left) && left == INT64_MAX);
        assert_true(counters_peek(c, 1, &off[i], 5, &left) && left == INT64_MAX);
    }
    assert_int_equal(counters_changed(c, &rows), 0);
    assert_null(rows);
    counters_free(c);
    counters_free(NULL);
}

/* The widest numbers there are: the products have 126 bits. */
static void nothing_overflows(void **state)
{
    (void)state;
    struct counters *c = counters_new();
    int64_t huge = INT64_MAX, left;
    struct window w = {.limit = huge, .interval_ms = huge, .sliding = true};
    counters_restore(c, &(struct counter_row){1, huge, 0, 0, huge});
    assert_false(counters_take(c, 1, &w, 0, &left));
    assert_true(counters_take(c, 1, &w, 1, &left)); /* one millisecond of the old window is out of view */
    assert_int_equal(left, 0);
    assert_true(counters_take(c, 1, &w, huge - 1, &left));
    assert_int_equal(left, huge - 1 - 2);
    w = (struct window){.limit = 1, .interval_ms = 1, .sliding = true};
    counters_restore(c, &(struct counter_row){2, 1, huge, huge, huge});
    assert_false(counters_take(c, 2, &w, huge, &left));
    counters_restore(c, &(struct counter_row){3, 1, huge, huge, huge});
    assert_false(counters_take(c, 3, &w, 7, &left)); /* the clock went back by ages: the counts come along */
    assert_true(counters_take(c, 3, &w, 9, &left));
    counters_free(c);
}

static void senseless_rows_are_not_restored(void **state)
{
    (void)state;
    struct counters *c = counters_new();
    struct window w = {.limit = 2, .interval_ms = 1000};
    static const struct counter_row bad[] = {
        {1, 0, 5, 1, 1}, {1, -1000, 5, 1, 1}, {1, 1000, -5, 1, 1}, {1, 1000, 0, -1, 1}, {1, 1000, 0, 1, -1}};
    for (size_t i = 0; i < countof(bad); i++)
        counters_restore(c, &bad[i]);
    assert_int_equal(ask(c, 1, w, 10, 5), 2);
    counters_free(c);
}

static void what_was_not_saved_is_given_again(void **state)
{
    (void)state;
    struct counters *c = counters_new();
    struct window w = {.limit = 10, .interval_ms = 1000};
    struct counter_row *rows, *again;
    ask(c, 1, w, 5000, 3);
    ask(c, 2, w, 5000, 4);
    assert_int_equal(counters_changed(c, &rows), 2);
    assert_int_equal(counters_changed(c, &again), 0);
    ask(c, 1, w, 5000, 1);
    counters_forget(c, 2);
    counters_unsaved(c, rows, 2);
    mem_free(rows);
    assert_int_equal(counters_changed(c, &again), 1);
    assert_memory_equal(again, (&(struct counter_row){1, 1000, 5, 4, 0}), sizeof(*again));
    mem_free(again);
    counters_forget(c, 2);
    ask(c, 1, w, 5000, 1);
    counters_forget(c, 1);
    assert_int_equal(counters_changed(c, &again), 0);
    assert_int_equal(ask(c, 1, w, 5000, 20), 10);
    counters_free(c);
}

/* ---- the model ---- */

/*
 * Section 19, taken at its word: the times of all requests that passed are kept, and each question counts
 * them anew. `newest` is the latest window anybody asked in.
 */
enum { OPERATIONS = 250 };
struct model {
    int64_t interval, newest;
    int64_t passed[OPERATIONS];
    size_t n;
};

/* The time a request counts at: the clock's, unless it went back. */
static int64_t model_time(struct model *m, const struct window *w, int64_t now)
{
    if (m->interval != w->interval_ms) {
        m->interval = w->interval_ms;
        m->n = 0;
        m->newest = now / m->interval;
    }
    int64_t behind = m->newest - now / m->interval;
    if (behind == 1)
        return m->newest * m->interval;
    for (size_t i = 0; behind > 1 && i < m->n; i++)
        m->passed[i] -= behind * m->interval;
    m->newest = now / m->interval;
    return now;
}

static int64_t model_count(const struct model *m, int64_t from, int64_t to)
{
    int64_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += m->passed[i] >= from && m->passed[i] < to;
    return n;
}

/* prev * (1 - elapsed / interval) + cur, times the interval. */
static int64_t model_estimate(const struct model *m, const struct window *w, int64_t at)
{
    int64_t start = at / m->interval * m->interval, elapsed = at - start;
    int64_t current = model_count(m, start, start + m->interval);
    int64_t previous = w->sliding ? model_count(m, start - m->interval, start) : 0;
    return previous * m->interval - previous * elapsed + current * m->interval;
}

static bool model_ask(struct model *m, const struct window *w, int64_t now, bool take, int64_t *ret_left)
{
    *ret_left = INT64_MAX;
    if (w->limit == 0 || w->interval_ms == 0)
        return true;
    int64_t at = model_time(m, w, now < 0 ? 0 : now), more = 0;
    int64_t estimate = model_estimate(m, w, at);
    while (estimate + (more + 1) * m->interval <= w->limit * m->interval)
        more++;
    if (take && more > 0)
        m->passed[m->n++] = at;
    *ret_left = more - (take && more > 0);
    return more > 0;
}

/* splitmix64 */
static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static int64_t below(uint64_t *seed, int64_t n)
{
    return (int64_t)(next_random(seed) % (uint64_t)n);
}

/* Mostly a little on; sometimes far, back, or to a border. */
static int64_t step_clock(uint64_t *seed, int64_t now, int64_t interval)
{
    interval = interval ? interval : 1000;
    switch (below(seed, 12)) {
    case 0: return now + below(seed, 4 * interval);
    case 1: return now - below(seed, interval + 1);
    case 2: return now - below(seed, 5 * interval);
    case 3: return now + interval - now % interval;
    case 4: return now + interval - now % interval - 1;
    case 5: return now;
    default: return now + below(seed, interval / 8 + 1);
    }
}

static struct window random_window(uint64_t *seed)
{
    static const int64_t intervals[] = {1, 2, 7, 1000, 1000, 60000, 3600000, 0};
    static const int64_t limits[] = {1, 2, 3, 5, 8, 13, 40, 0};
    return (struct window){.limit = limits[below(seed, 8)],
                           .interval_ms = intervals[below(seed, 8)],
                           .sliding = below(seed, 2) == 0};
}

/* As over a restart: only what was saved goes on. */
static struct counters *save_and_restore(struct counters *c, struct counter_row *saved, size_t n_keys,
                                         const int64_t *keys)
{
    struct counter_row *rows;
    size_t n = counters_changed(c, &rows);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n_keys; k++)
            if (rows[i].key == keys[k])
                saved[k] = rows[i];
    mem_free(rows);
    counters_free(c);
    c = counters_new();
    for (size_t k = 0; k < n_keys; k++)
        counters_restore(c, &saved[k]);
    return c;
}

struct tally {
    uint64_t passed, refused;
};

static void compare(uint64_t first_seed, struct tally *t)
{
    static const int64_t keys[] = {1, 65, 4097}; /* one stripe; two share a bucket */
    static struct model models[countof(keys)];
    struct counter_row saved[countof(keys)] = {{0}};
    struct window windows[countof(keys)];
    uint64_t seed = first_seed;
    struct counters *c = counters_new();
    int64_t now = below(&seed, 4) ? below(&seed, (int64_t)1 << 41) : below(&seed, 5000);
    for (size_t k = 0; k < countof(keys); k++) {
        models[k].interval = 0;
        windows[k] = random_window(&seed);
    }
    for (int i = 0; i < OPERATIONS; i++) {
        size_t k = (size_t)below(&seed, countof(keys));
        struct window *w = &windows[k], other;
        switch (below(&seed, 30)) {
        case 0: *w = random_window(&seed); break;
        case 1: other = random_window(&seed), w->limit = other.limit, w->sliding = other.sliding; break;
        case 2: c = save_and_restore(c, saved, countof(keys), keys); break;
        }
        now = step_clock(&seed, now, w->interval_ms);
        /* a question must change nothing, so the model is asked a copy of itself */
        bool take = below(&seed, 4) != 0;
        static struct model copy;
        copy = models[k];
        int64_t left, want_left;
        bool want = model_ask(take ? &models[k] : &copy, w, now, take, &want_left);
        bool got = (take ? counters_take : counters_peek)(c, keys[k], w, now, &left);
        if (got != want || left != want_left)
            fail_msg("seed %llu, operation %d: %d with %lld left, the model says %d with %lld",
                     (unsigned long long)first_seed, i, got, (long long)left, want, (long long)want_left);
        t->passed += want;
        t->refused += !want;
    }
    counters_free(c);
}

static void counters_agree_with_the_model(void **state)
{
    (void)state;
    struct tally t = {0, 0};
    for (uint64_t seed = 1; seed <= 5000; seed++)
        compare(seed, &t);
    /* neither side of the question may have been asked too rarely */
    assert_true(t.passed > 200000 && t.refused > 200000);
}

/* ---- many threads ---- */

enum { THREADS = 8, ROUNDS = 5, LIMIT = 1000 };

struct crowd {
    struct counters *c;
    struct window w;
    pthread_barrier_t barrier;
    int64_t now_ms; /* changed between two waits at the barrier */
    _Atomic int64_t passed;
    _Atomic bool over;
    struct counter_row last; /* by the saver */
};

static void *hammer(void *arg)
{
    struct crowd *c = arg;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&c->barrier);
        int64_t passed = 0;
        for (int refused = 0; refused < 100;)
            if (counters_take(c->c, 1, &c->w, c->now_ms, NULL))
                passed++;
            else
                refused++;
        c->passed += passed;
        pthread_barrier_wait(&c->barrier);
    }
    return NULL;
}

static void *save(void *arg)
{
    struct crowd *c = arg;
    while (!c->over) {
        struct counter_row got = row_of(c->c, 1);
        if (got.key == 1)
            c->last = got;
    }
    return NULL;
}

/* Each round a quarter of an interval into the next window. */
static void exactly_the_limit_passes(bool sliding)
{
    struct crowd c = {.c = counters_new(), .now_ms = 250};
    c.w = (struct window){.limit = LIMIT, .interval_ms = 1000, .sliding = sliding};
    pthread_t threads[THREADS], saver;
    int64_t previous = 0, want = 0;
    pthread_barrier_init(&c.barrier, NULL, THREADS + 1);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, &c), 0);
    assert_int_equal(pthread_create(&saver, NULL, save, &c), 0);
    for (int round = 0; round < ROUNDS; round++) {
        c.passed = 0;
        pthread_barrier_wait(&c.barrier);
        pthread_barrier_wait(&c.barrier);
        want = sliding ? LIMIT - (previous * 3 + 3) / 4 : LIMIT;
        assert_int_equal(c.passed, want);
        previous = want;
        c.now_ms += 1000;
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    c.over = true;
    pthread_join(saver, NULL);
    struct counter_row rest = row_of(c.c, 1);
    assert_int_equal(rest.key == 1 ? rest.current : c.last.current, want); /* nothing was left out */
    pthread_barrier_destroy(&c.barrier);
    counters_free(c.c);
}

static void threads_do_not_overshoot(void **state)
{
    (void)state;
    exactly_the_limit_passes(false);
    exactly_the_limit_passes(true);
}

/* ---- restarts ---- */

enum { NOW = 1792000000 };
static const struct window hourly = {.limit = 7, .interval_ms = 3600000};

static int64_t number(const struct fixture *f, const char *sql)
{
    char path[512];
    struct sqlite3 *db = NULL;
    struct sqlite3_stmt *st = NULL;
    snprintf(path, sizeof(path), "%s/logs.db", f->tmp.path);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    int step = sqlite3_step(st);
    assert_true(step == SQLITE_ROW || step == SQLITE_DONE);
    int64_t n = step == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

static void wait_for(const struct fixture *f, const char *sql, int64_t want)
{
    for (int i = 0; number(f, sql) != want; i++) {
        assert_true(i < 10000);
        usleep(1000);
    }
}

static void counters_outlive_a_stop(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    assert_int_equal(ask(store_counters(f.s), 1, hourly, NOW, 5), 5);
    assert_int_equal(store_close(f.s), 0); /* not a single row */
    fixture_open(&f);
    assert_int_equal(ask(store_counters(f.s), 1, hourly, NOW, 5), 2);
    assert_int_equal(store_close(f.s), 0);
    fixture_open(&f);
    assert_int_equal(ask(store_counters(f.s), 1, hourly, NOW, 5), 0);
    assert_int_equal(ask(store_counters(f.s), 1, hourly, NOW + hourly.interval_ms, 9), 7);
    fixture_end(&f);
}

/* A record without a row commits too. */
static void counters_outlive_sudden_death(void **state)
{
    (void)state;
    struct fixture f;
    int status;
    fixture_prepare(&f);
    pid_t child = fork();
    if (child == 0) {
        struct store_first first;
        const char *why;
        struct store *s = store_open(&f.o, &first, &why);
        struct record r = fixture_record(&f, 1);
        r.flags = REC_NO_ROW;
        ask(store_counters(s), 1, hourly, NOW, 6);
        store_push(s, &r, NULL, NULL);
        while (store_stats(s).commits == 0)
            usleep(1000);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    fixture_open(&f);
    assert_int_equal(ask(store_counters(f.s), 1, hourly, NOW, 9), 1);
    fixture_end(&f);
}

static void limit_files(rlim_t n)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_failed_commit_keeps_counters_for_the_next(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    ask(store_counters(f.s), 1, hourly, NOW, 4);
    struct record r = fixture_record(&f, 1);
    limit_files(4096);
    store_push(f.s, &r, NULL, NULL);
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 1}), 0);
    assert_true(store_stats(f.s).failed_commits > 0);
    limit_files(RLIM_INFINITY);
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 1}), 1);
    assert_int_equal(number(&f, "SELECT current_count FROM counters WHERE gateway = 1"), 4);
    fixture_end(&f);
}

static void a_deleted_gateway_takes_its_counter(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    struct change c = {
        .kind = KIND_GATEWAY, .what = CHANGE_CREATE, .account = str_c(f.first.account), .name = STR("team")};
    assert_int_equal(fixture_change(&f, c), E_OK);
    struct catalog *cat = store_catalog(f.s);
    int64_t gateway = catalog_gateway(cat, c.account, c.name)->id, left;
    catalog_unref(cat);
    ask(store_counters(f.s), gateway, hourly, NOW, 4);
    ask(store_counters(f.s), 1, hourly, NOW, 4);
    struct record r = fixture_record(&f, 1);
    store_push(f.s, &r, NULL, NULL);
    fixture_count(&f, (struct log_query){.gateway = 1});
    assert_int_equal(number(&f, "SELECT count(*) FROM counters"), 2);
    c.what = CHANGE_DELETE;
    assert_int_equal(fixture_change(&f, c), E_OK);
    wait_for(&f, "SELECT count(*) FROM counters", 1);
    assert_true(counters_peek(store_counters(f.s), gateway, &hourly, NOW, &left) && left == 7);
    assert_true(counters_peek(store_counters(f.s), 1, &hourly, NOW, &left) && left == 3);
    fixture_end(&f);
}

/* Runs what the question answers, a statement at a time, until there is no more. */
static void run_each(struct sqlite3 *db, const char *question)
{
    for (;;) {
        struct sqlite3_stmt *st = NULL;
        char sql[256] = "";
        assert_int_equal(sqlite3_prepare_v2(db, question, -1, &st, NULL), SQLITE_OK);
        if (sqlite3_step(st) == SQLITE_ROW)
            snprintf(sql, sizeof(sql), "%s", (const char *)sqlite3_column_text(st, 0));
        sqlite3_finalize(st);
        if (!sql[0])
            return;
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    }
}

/* Takes everything away that came later: tables, and columns behind those of then. */
static void as_version_one(const struct fixture *f)
{
    char path[512];
    struct sqlite3 *db = NULL;
    snprintf(path, sizeof(path), "%s/logs.db", f->tmp.path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    run_each(db, "SELECT 'DROP TABLE ' || name FROM sqlite_master WHERE type = 'table' AND name NOT IN"
                 " ('log', 'gateway_rows') LIMIT 1");
    run_each(db, "SELECT 'ALTER TABLE log DROP COLUMN ' || name FROM pragma_table_info('log') WHERE cid >"
                 " (SELECT cid FROM pragma_table_info('log') WHERE name = 'score') LIMIT 1");
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE TABLE minute (minute INTEGER);"
                                  "CREATE TABLE minute_latency (minute INTEGER); PRAGMA user_version = 1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
}

static void an_older_directory_is_brought_up_to_date(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    struct record r = fixture_record(&f, 1);
    store_push(f.s, &r, NULL, NULL);
    assert_int_equal(store_close(f.s), 0);
    as_version_one(&f);
    fixture_open(&f);
    assert_int_equal(ask(store_counters(f.s), 1, hourly, NOW, 9), 7);
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 1}), 1);
    assert_int_equal(store_close(f.s), 0);
    assert_int_equal(number(&f, "SELECT current_count FROM counters WHERE gateway = 1"), 7);
    /* and of a gateway that went away while nobody looked */
    number(&f, "INSERT INTO counters VALUES (99, 3600000, 0, 1, 1)");
    fixture_open(&f);
    wait_for(&f, "SELECT count(*) FROM counters", 1);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_itself_passes),
        cmocka_unit_test(two_bursts_pass_around_a_fixed_border_only),
        cmocka_unit_test(no_limit_counts_nothing),
        cmocka_unit_test(nothing_overflows),
        cmocka_unit_test(senseless_rows_are_not_restored),
        cmocka_unit_test(what_was_not_saved_is_given_again),
        cmocka_unit_test(counters_agree_with_the_model),
        cmocka_unit_test(threads_do_not_overshoot),
        cmocka_unit_test(counters_outlive_a_stop),
        cmocka_unit_test(counters_outlive_sudden_death),
        cmocka_unit_test(a_failed_commit_keeps_counters_for_the_next),
        cmocka_unit_test(a_deleted_gateway_takes_its_counter),
        cmocka_unit_test(an_older_directory_is_brought_up_to_date),
    };
    signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
