/* SPDX-License-Identifier: Apache-2.0 */
/* The log under pressure: many threads, little memory, full disks, sudden death. */
#include "tests/unit/store_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- many threads ---- */

enum { THREADS = 4, ROWS_EACH = 2000 };

struct pusher {
    pthread_t thread;
    struct fixture *f;
    int number;
};

static void *push_rows(void *arg)
{
    struct pusher *p = arg;
    struct fixture own = {0}; /* for its ids */
    char body[600];
    memset(body, 'a' + p->number, sizeof(body));
    for (int i = 0; i < ROWS_EACH; i++) {
        struct record r = fixture_record(&own, 1 + i % 3);
        r.token = p->number * ROWS_EACH + i;
        r.provider = STR("mock");
        r.request = fixture_body(str_of(body, (size_t)i % sizeof(body)));
        r.response = fixture_body(STR("an answer"));
        store_push(p->f->s, &r, NULL, NULL);
    }
    return NULL;
}

static void expect_each_once(struct fixture *f, size_t n)
{
    bool *seen = mem_zalloc(n);
    struct log_page *page = fixture_list(f, (struct log_query){.per_page = (int64_t)n});
    assert_int_equal(page->total, n);
    assert_int_equal(page->n, n);
    for (size_t i = 0; i < page->n; i++) {
        int64_t token = page->rows[i].r.token;
        assert_true(token >= 0 && token < (int64_t)n && !seen[token]);
        seen[token] = true;
    }
    log_page_free(page);
    mem_free(seen);
}

static void threads_push_while_others_read(void **state)
{
    (void)state;
    struct fixture f;
    struct pusher p[THREADS];
    fixture_start(&f);
    for (int i = 0; i < THREADS; i++) {
        p[i] = (struct pusher){.f = &f, .number = i};
        assert_int_equal(pthread_create(&p[i].thread, NULL, push_rows, &p[i]), 0);
    }
    int64_t last = 0;
    for (int i = 0; i < 50; i++) {
        /* what this thread pushed is in its next answer, whatever the others do */
        struct record r = fixture_record(&f, 4);
        store_push(f.s, &r, NULL, NULL);
        assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 4}), i + 1);
        int64_t n = fixture_count(&f, (struct log_query){.gateway = 1});
        assert_true(n >= last);
        last = n;
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(p[i].thread, NULL);
    int64_t all = 50 + THREADS * ROWS_EACH;
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 0}), all);
    struct store_stats stats = store_stats(f.s);
    assert_int_equal(stats.rows, all);
    assert_int_equal(stats.queued_rows, 0);
    assert_int_equal(stats.queued_bytes, 0);
    assert_int_equal(stats.shed_bodies, 0);
    assert_null(stats.trouble);
    fixture_end(&f);
}

static void no_row_waits_longer_than_the_interval(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    for (int i = 1; i <= 20; i++) {
        struct record r = fixture_record(&f, 1);
        store_push(f.s, &r, NULL, NULL);
        for (int k = 0; store_stats(f.s).rows < (uint64_t)i; k++) {
            assert_true(k < 5000);
            usleep(1000);
        }
    }
    assert_int_equal(store_stats(f.s).commits, 20);
    fixture_end(&f);
}

/* ---- acks ---- */

struct ack {
    struct msg msg;
    struct fixture *f;
    int number, *seen;
    struct uuid id;
};

static void on_ack(struct loop *l, struct msg *m)
{
    (void)l;
    struct ack *a = container_of(m, struct ack, msg);
    assert_int_equal(*a->seen, a->number); /* in the order they were pushed */
    (*a->seen)++;
    fixture_answered(a->f);
}

static void acks_come_after_the_commit(void **state)
{
    (void)state;
    struct fixture f;
    struct ack acks[100];
    const char *why = NULL;
    int seen = 0;
    fixture_prepare(&f);
    f.o.sync = true;
    fixture_open(&f);
    struct log_reader *other = log_reader_open(f.tmp.path, &why);
    assert_non_null(other);
    for (int i = 0; i < (int)countof(acks); i++) {
        struct record r = fixture_record(&f, 1);
        r.request = fixture_body(STR("kept"));
        acks[i] = (struct ack){.msg.run = on_ack, .f = &f, .number = i, .seen = &seen, .id = r.id};
        store_push(f.s, &r, f.loop, &acks[i].msg);
    }
    while (seen < (int)countof(acks)) {
        fixture_wait(&f);
        struct log_page page; /* no flush: another connection sees what is committed, no more */
        log_reader_list(other, &(struct log_query){.page = 1, .per_page = 1000}, &page);
        assert_true(page.total >= seen);
        log_page_free(&page);
    }
    log_reader_close(other);
    f.o.sync = false;
    store_reload(f.s, &f.o);
    struct record r = fixture_record(&f, 1);
    acks[0] = (struct ack){.msg.run = on_ack, .f = &f, .number = seen, .seen = &seen};
    store_push(f.s, &r, f.loop, &acks[0].msg);
    while (seen == (int)countof(acks))
        fixture_wait(&f);
    fixture_end(&f);
}

/* ---- little memory ---- */

static void bodies_are_shed_before_rows(void **state)
{
    (void)state;
    struct fixture f;
    static char body[10000];
    fixture_prepare(&f);
    f.o.queue_bytes = 60000;
    fixture_open(&f);
    for (int i = 0; i < 200; i++) {
        struct record r = fixture_record(&f, 1);
        r.token = i;
        r.request = fixture_body(str_of(body, sizeof(body)));
        r.response = fixture_body(STR("small"));
        store_push(f.s, &r, NULL, NULL);
    }
    expect_each_once(&f, 200);
    struct log_page *page = fixture_list(&f, (struct log_query){.gateway = 1});
    uint64_t missing = 0;
    for (size_t i = 0; i < page->n; i++) {
        const struct log_row *row = &page->rows[i];
        assert_true(row->has_request == !(row->r.flags & REC_REQUEST_MISSING));
        assert_true(row->has_response == !(row->r.flags & REC_RESPONSE_MISSING));
        missing += !row->has_request;
        missing += !row->has_response;
    }
    assert_true(missing > 0 && missing < 400);
    assert_int_equal(store_stats(f.s).shed_bodies, missing);
    assert_int_equal(store_stats(f.s).queued_bytes, 0);
    log_page_free(page);
    fixture_end(&f);
}

/* ---- full disk ---- */

/* Files may grow to n bytes and no further: what a full disk does, without filling one. */
static void limit_files(rlim_t n)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void push_random(struct fixture *f, int from, int to, size_t n)
{
    char *bytes = mem_alloc(n + 1);
    for (int i = from; i < to; i++) {
        struct record r = fixture_record(f, 1);
        random_bytes(bytes, n);
        r.token = i;
        r.metadata = STR("{\"what\":\"a row that takes some space\"}");
        if (n)
            r.request = fixture_body(str_of(bytes, n));
        store_push(f->s, &r, NULL, NULL);
    }
    mem_free(bytes);
}

static void rows_outlive_a_full_disk(void **state)
{
    (void)state;
    struct fixture f;
    for (size_t body = 0; body <= 20000; body += 20000) { /* the database refuses; the segment does */
        fixture_start(&f);
        push_random(&f, 0, 100, body);
        assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 1}), 100);
        limit_files(body ? 100 * body : 8192);
        push_random(&f, 100, 200, body);
        assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 1}), 100);
        struct store_stats stats = store_stats(f.s);
        assert_true(stats.failed_commits > 0 && stats.queued_rows == 100 && stats.trouble);
        push_random(&f, 200, 210, body);
        assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 1}), 100);
        limit_files(RLIM_INFINITY);
        expect_each_once(&f, 210);
        assert_null(store_stats(f.s).trouble);
        struct log_page *page = fixture_list(&f, (struct log_query){.gateway = 1});
        for (size_t i = 0; body && i < page->n; i += 10) {
            struct log_detail *d = fixture_get(&f, 1, page->rows[i].r.id);
            assert_int_equal(d->request.n, body);
            log_detail_free(d);
        }
        log_page_free(page);
        fixture_end(&f);
    }
}

static void a_closing_store_tells_what_it_lost(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    limit_files(8192);
    push_random(&f, 0, 7, 20000);
    assert_int_equal(store_close(f.s), 7);
    limit_files(RLIM_INFINITY);
    fixture_open(&f);
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 1}), 0);
    fixture_end(&f);
}

/* ---- sudden death ---- */

/* In a process of its own: opens the store, pushes for a while, waits for the end. Reports the number
 * of the last row, before it may have been committed and when it must have been. */
static void live_and_die(const struct store_options *o, int report)
{
    struct store_first first;
    const char *why;
    struct store *s = store_open(o, &first, &why);
    struct fixture own = {0};
    int64_t said[2] = {0, 0};
    for (int i = 0; s; i++) {
        struct record r = fixture_record(&own, 1);
        r.token = i;
        r.request = fixture_body(STR("what was asked"));
        store_push(s, &r, NULL, NULL);
        if (i % 100 == 0)
            usleep(2000);
        if (i == 20000) {
            /* nobody asks for a flush: the interval alone commits them */
            while (store_stats(s).queued_rows > 0)
                usleep(1000);
            said[0] = i;
            if (write(report, said, sizeof(said)) < 0)
                break;
        }
        if (i > 20000 && store_stats(s).queued_rows > 50000)
            usleep(10000);
    }
    _exit(1);
}

static void kill_nine_loses_an_interval_at_most(void **state)
{
    (void)state;
    struct fixture f;
    int pipes[2], status;
    int64_t said[2];
    fixture_prepare(&f);
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0)
        live_and_die(&f.o, pipes[1]);
    close(pipes[1]);
    assert_int_equal(read(pipes[0], said, sizeof(said)), sizeof(said));
    usleep(30 * 1000); /* into the middle of things */
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    close(pipes[0]);

    fixture_open(&f);
    struct log_query q = {.gateway = 1, .ascending = true, .per_page = 10000};
    int64_t next = 0, total = fixture_count(&f, q);
    assert_true(total > said[0]);
    for (q.page = 1; next < total; q.page++) {
        struct log_page *page = fixture_list(&f, q);
        assert_true(page->n > 0 && page->total == total);
        for (size_t i = 0; i < page->n; i++)
            assert_int_equal(page->rows[i].r.token, next++); /* no gap: only the end is missing */
        struct log_detail *d = fixture_get(&f, 1, page->rows[page->n - 1].r.id);
        assert_str(d->request, STR("what was asked"));
        log_detail_free(d);
        log_page_free(page);
    }
    struct record r = fixture_record(&f, 1);
    r.request = fixture_body(STR("life goes on"));
    store_push(f.s, &r, NULL, NULL);
    struct log_detail *d = fixture_get(&f, 1, r.id);
    assert_str(d->request, STR("life goes on"));
    log_detail_free(d);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_push_while_others_read),
        cmocka_unit_test(no_row_waits_longer_than_the_interval),
        cmocka_unit_test(acks_come_after_the_commit),
        cmocka_unit_test(bodies_are_shed_before_rows),
        cmocka_unit_test(rows_outlive_a_full_disk),
        cmocka_unit_test(a_closing_store_tells_what_it_lost),
        cmocka_unit_test(kill_nine_loses_an_interval_at_most),
    };
    signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests_name("store_durability", tests, NULL, NULL);
}
