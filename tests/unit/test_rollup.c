/* SPDX-License-Identifier: Apache-2.0 */
/* Roll-ups at rest: histograms, what two commits add up to, and how long it is kept. */
#include "tests/unit/store_number.h"

#include "base/limits.h"
#include "store/backend.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- histograms ---- */

static void buckets_are_even(void **state)
{
    (void)state;
    assert_int_equal(histogram_bucket(-1), 0);
    assert_int_equal(histogram_bucket(INT64_MAX), HISTOGRAM_BUCKETS - 1);
    for (size_t b = 0; b < HISTOGRAM_BUCKETS; b++)
        assert_int_equal(histogram_bucket(histogram_middle(b)), b);
    for (int64_t us = 0; us < (int64_t)1 << 37; us += 1 + us / 300) {
        int64_t told = histogram_middle(histogram_bucket(us));
        if (llabs(told - us) * 64 > us)
            fail_msg("%lld us is told as %lld", (long long)us, (long long)told);
    }
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void quantiles_are_near(void **state)
{
    (void)state;
    static const double shares[] = {0.001, 0.5, 0.9, 0.95, 0.99, 1};
    int64_t times[999];
    struct histogram h = {0};
    srand(4711);
    for (size_t i = 0; i < countof(times); i++) {
        times[i] = (int64_t)exp((double)rand() / RAND_MAX * 20);
        h.counts[histogram_bucket(times[i])]++;
    }
    qsort(times, countof(times), sizeof(*times), by_size);
    for (size_t i = 0; i < countof(shares); i++) {
        int64_t want = times[(size_t)ceil(shares[i] * countof(times)) - 1];
        assert_true(llabs(histogram_quantile(&h, shares[i]) - want) * 64 <= want);
    }
    assert_int_equal(histogram_quantile(&(struct histogram){0}, 0.5), -1);
}

static void blobs_keep_all_counts(void **state)
{
    (void)state;
    static struct histogram h, back;
    static char blob[HISTOGRAM_BLOB];
    srand(42);
    for (int round = 0; round < 200; round++) {
        memset(&h, 0, sizeof(h));
        memset(&back, 0, sizeof(back));
        for (int i = rand() % 50; i > 0; i--)
            h.counts[(size_t)rand() % HISTOGRAM_BUCKETS] = (uint64_t)rand() << (rand() % 34);
        size_t n = histogram_write(&h, blob);
        assert_true(histogram_add_blob(&back, str_of(blob, n)));
        assert_memory_equal(&h, &back, sizeof(h));
        for (size_t cut = 0; cut < n; cut++)
            (void)histogram_add_blob(&back, str_of(blob, cut)); /* the sanitizer looks on */
    }
    memset(&h, 0xff, sizeof(h)); /* the longest there is, and counts that cannot grow */
    size_t n = histogram_write(&h, blob);
    assert_true(n <= sizeof(blob) && histogram_add_blob(&h, str_of(blob, n)));
    assert_int_equal(h.counts[77], UINT64_MAX);
}

static void damaged_blobs_are_noticed(void **state)
{
    (void)state;
    static const struct str damaged[] = {S("\x01"), S("\x80"),
                                         S("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01"),
                                         S("\xa0\x08\x01"), S("\x9f\x08\x01\x00\x01")};
    for (size_t i = 0; i < countof(damaged); i++) {
        struct histogram h = {0};
        assert_false(histogram_add_blob(&h, damaged[i]));
    }
    struct histogram last = {0};
    assert_true(histogram_add_blob(&last, STR("\x9f\x08\x01")));
    assert_int_equal(last.counts[HISTOGRAM_BUCKETS - 1], 1);
}

/* ---- at rest ---- */

static void commit(struct fixture *f)
{
    fixture_count(f, (struct log_query){.gateway = 1});
}

static void push_at(struct fixture *f, int64_t minutes_ago, int64_t duration_us)
{
    struct record r = fixture_record(f, 1);
    r.created_ms = clock_wall_ms() - minutes_ago * 60000;
    r.duration_us = duration_us;
    r.flags = REC_SUCCESS;
    store_push(f->s, &r, NULL, NULL);
}

/* The histogram of the only hour. */
static void read_times(const struct fixture *f, struct histogram *h)
{
    char path[512];
    sqlite3 *db;
    sqlite3_stmt *st;
    snprintf(path, sizeof(path), "%s/logs.db", f->tmp.path);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT durations FROM rollup WHERE span = 60", -1, &st, NULL),
                     SQLITE_OK);
    *h = (struct histogram){0};
    while (sqlite3_step(st) == SQLITE_ROW)
        assert_true(
            histogram_add_blob(h, str_of(sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0))));
    sqlite3_finalize(st);
    sqlite3_close(db);
}

static void commits_add_up(void **state)
{
    (void)state;
    struct fixture f;
    struct histogram h;
    fixture_start(&f);
    for (int i = 0; i < 3; i++) {
        push_at(&f, 0, 1000);
        push_at(&f, 0, 1000 * (i + 1));
        commit(&f);
    }
    assert_int_equal(number(&f, "SELECT sum(requests) FROM rollup WHERE span = 1"), 6);
    assert_int_equal(number(&f, "SELECT sum(duration_us) FROM rollup WHERE span = 60"), 9000);
    assert_int_equal(number(&f, "SELECT max(rows) FROM size WHERE gateway = 1"), 6);
    read_times(&f, &h);
    assert_int_equal(h.counts[histogram_bucket(1000)], 4);
    assert_int_equal(h.counts[histogram_bucket(2000)], 1);
    assert_int_equal(h.counts[histogram_bucket(3000)], 1);
    fixture_end(&f);
}

static void old_rollups_go_a_piece_at_a_time(void **state)
{
    (void)state;
    struct fixture f;
    const char *why = NULL;
    fixture_start(&f);
    commit(&f); /* the hour's trimming is done with */
    for (int i = 1; i <= 5; i++)
        push_at(&f, ROLLUP_KEEP_MINUTES + 60 * i, 1000);
    push_at(&f, ROLLUP_KEEP_MINUTES - 60, 1000);
    push_at(&f, 0, 1000);
    commit(&f);
    assert_int_equal(number(&f, "SELECT sum(requests) FROM rollup WHERE span = 1"), 7);
    assert_int_equal(store_close(f.s), 0);

    struct log_db *db = log_db_open(f.tmp.path, DB_WRITE, &why);
    int64_t before = clock_wall_ms() / 60000 - ROLLUP_KEEP_MINUTES;
    int pieces = 0;
    enum err e;
    while ((e = log_db_trim(db, before)) == E_OK)
        pieces++;
    assert_int_equal(e, E_NOT_FOUND);
    assert_in_range(pieces, 5, 6);
    log_db_close(db);
    assert_int_equal(number(&f, "SELECT sum(requests) FROM rollup WHERE span = 1"), 2);
    assert_in_range(number(&f, "SELECT count(*) FROM rollup WHERE span = 60"), 2, 3);
    assert_int_equal(number(&f, "SELECT count(*) FROM log"), 7);
    fixture_open(&f);
    fixture_end(&f);
}

/* A start looks for what has become too old meanwhile. */
static void a_start_trims(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    commit(&f);
    push_at(&f, ROLLUP_KEEP_MINUTES + 60, 1000);
    push_at(&f, ROLLUP_KEEP_MINUTES + 600, 1000);
    commit(&f);
    assert_int_equal(store_close(f.s), 0);
    fixture_open(&f);
    for (int i = 0; i < 100 && number(&f, "SELECT count(*) FROM rollup"); i++) {
        commit(&f);
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000000}, NULL);
    }
    assert_int_equal(number(&f, "SELECT count(*) FROM rollup"), 0);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_even),      cmocka_unit_test(quantiles_are_near),
        cmocka_unit_test(blobs_keep_all_counts), cmocka_unit_test(damaged_blobs_are_noticed),
        cmocka_unit_test(commits_add_up),        cmocka_unit_test(old_rollups_go_a_piece_at_a_time),
        cmocka_unit_test(a_start_trims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
