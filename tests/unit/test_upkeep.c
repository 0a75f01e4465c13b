/* SPDX-License-Identifier: Apache-2.0 */
/* How long rows stay: what a gateway's number and age leave, and segments that go with their last body. */
#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <unistd.h>

static void set(struct fixture *f, enum change_what what, const char *name, const char *settings)
{
    struct change c = {.kind = KIND_GATEWAY,
                       .what = what,
                       .account = str_c(f->first.account),
                       .name = str_c(name),
                       .settings = str_c(settings)};
    assert_int_equal(fixture_change(f, c), E_OK);
}

static void push(struct fixture *f, int n, struct uuid *ids)
{
    for (int i = 0; i < n; i++) {
        struct record r = fixture_record(f, 1);
        r.request = fixture_body(STR("asked"));
        ids[i] = r.id;
        store_push(f->s, &r, NULL, NULL);
    }
}

static int64_t rows_of(struct fixture *f)
{
    return fixture_count(f, (struct log_query){.gateway = 1});
}

static void wait_for_rows(struct fixture *f, int64_t want)
{
    for (int i = 0; rows_of(f) != want; i++) {
        if (i == 5000)
            fail_msg("%lld rows, want %lld", (long long)rows_of(f), (long long)want);
        usleep(1000);
    }
}

static void the_oldest_make_room(void **state)
{
    (void)state;
    struct fixture f;
    struct uuid ids[3000];
    fixture_start(&f);
    set(&f, CHANGE_UPDATE, "default",
        "{\"log_management\":2000,\"log_management_strategy\":\"DELETE_OLDEST\"}");
    for (int at = 0; at < 3000; at += 300) {
        push(&f, 300, ids + at);
        assert_true(rows_of(&f) <= 2000); /* at every moment */
    }
    struct log_page *page = fixture_list(&f, (struct log_query){.gateway = 1, .per_page = 10000});
    assert_true(page->n > 1990);
    for (size_t i = 0; i < page->n; i++)
        assert_memory_equal(&page->rows[i].r.id, &ids[2999 - i], sizeof(ids[0]));
    log_page_free(page);
    assert_int_equal(store_stats(f.s).deleted_rows, 3000 - (uint64_t)rows_of(&f));
    fixture_end(&f);
}

static void a_full_log_takes_no_more(void **state)
{
    (void)state;
    struct fixture f;
    struct uuid ids[1500];
    fixture_start(&f);
    set(&f, CHANGE_UPDATE, "default",
        "{\"log_management\":1000,\"log_management_strategy\":\"STOP_INSERTING\"}");
    push(&f, 900, ids);
    assert_int_equal(rows_of(&f), 900);
    push(&f, 600, ids + 900);
    assert_int_equal(rows_of(&f), 1000);
    struct log_detail *d = fixture_get(&f, 1, ids[0]);
    assert_str(d->request, STR("asked"));
    log_detail_free(d);
    d = fixture_get(&f, 1, ids[1400]);
    assert_int_equal(d->page.err, E_NOT_FOUND);
    log_detail_free(d);
    assert_int_equal(store_stats(f.s).refused_rows, 500);
    const struct log_query q = {.gateway = 1, .page = 1, .per_page = 10};
    assert_int_equal(fixture_delete(&f, &q), E_OK); /* space is freed */
    push(&f, 20, ids);
    assert_int_equal(rows_of(&f), 1000);
    set(&f, CHANGE_UPDATE, "default", "{\"log_management\":null,\"log_management_strategy\":null}");
    push(&f, 20, ids);
    assert_int_equal(rows_of(&f), 1020);
    fixture_end(&f);
}

static void a_lower_number_is_reached(void **state)
{
    (void)state;
    struct fixture f;
    struct uuid ids[5000];
    fixture_start(&f);
    push(&f, 5000, ids);
    assert_int_equal(rows_of(&f), 5000);
    set(&f, CHANGE_UPDATE, "default", "{\"log_management\":1234}");
    wait_for_rows(&f, 1234);
    struct log_detail *d = fixture_get(&f, 1, ids[4999]);
    assert_int_equal(d->page.n, 1);
    log_detail_free(d);
    fixture_end(&f);
}

static void old_rows_go(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    struct uuid young[10];
    for (int i = 0; i < 2500; i++) {
        struct record r = fixture_record(&f, 1);
        int64_t ms = clock_wall_ms() - (int64_t)40 * 86400 * 1000 + i; /* an id of 40 days ago */
        for (int b = 0; b < 6; b++)
            r.id.b[b] = (unsigned char)(ms >> (40 - 8 * b));
        r.created_ms = ms;
        store_push(f.s, &r, NULL, NULL);
    }
    push(&f, 10, young);
    assert_int_equal(rows_of(&f), 2510);
    f.o.max_age_days = 41;
    store_reload(f.s, &f.o);
    push(&f, 1, young);
    assert_int_equal(rows_of(&f), 2511);
    f.o.max_age_days = 39;
    store_reload(f.s, &f.o);
    push(&f, 1, young);
    wait_for_rows(&f, 12);
    fixture_end(&f);
}

static bool has_segment(const struct fixture *f, int number)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/bodies/%08d.seg", f->tmp.path, number);
    return access(path, F_OK) == 0;
}

static void segments_go_with_their_last_body(void **state)
{
    (void)state;
    struct fixture f;
    struct uuid ids[50];
    fixture_start(&f);
    push(&f, 20, ids);
    assert_int_equal(rows_of(&f), 20);
    assert_int_equal(store_close(f.s), 0);
    fixture_open(&f); /* each start writes to a new one */
    push(&f, 20, ids + 20);
    assert_int_equal(rows_of(&f), 40);
    assert_true(has_segment(&f, 1) && has_segment(&f, 2));
    struct log_query q = {.gateway = 1, .page = 1, .per_page = 19, .ascending = true};
    assert_int_equal(fixture_delete(&f, &q), E_OK);
    struct log_detail *d = fixture_get(&f, 1, ids[19]);
    assert_str(d->request, STR("asked")); /* one row is left there */
    log_detail_free(d);
    q.per_page = 1;
    assert_int_equal(fixture_delete(&f, &q), E_OK);
    for (int i = 0; has_segment(&f, 1); i++) {
        assert_true(i < 5000);
        usleep(1000);
    }
    q.per_page = 1000;
    assert_int_equal(fixture_delete(&f, &q), E_OK);
    assert_int_equal(rows_of(&f), 0);
    push(&f, 5, ids); /* the one that is written to stays */
    d = fixture_get(&f, 1, ids[0]);
    assert_str(d->request, STR("asked"));
    log_detail_free(d);
    assert_true(has_segment(&f, 2));
    /* what a crash kept from being removed is removed by the next start */
    assert_int_equal(fixture_delete(&f, &q), E_OK);
    assert_int_equal(store_close(f.s), 0);
    fixture_open(&f);
    for (int i = 0; has_segment(&f, 2); i++) {
        assert_true(i < 5000);
        usleep(1000);
    }
    fixture_end(&f);
}

static void metadata_of_the_gateway_stays(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    struct record r = fixture_record(&f, 1);
    r.metadata = STR("{\"a\":1,\"cf.user_id\":\"u-7\"}");
    store_push(f.s, &r, NULL, NULL);
    struct log_patch p = {
        .has_metadata = true, .metadata = STR("{\"b\":true}"), .has_score = true, .score = 87.5};
    assert_int_equal(fixture_patch(&f, 1, r.id, &p), E_OK);
    struct log_detail *d = fixture_get(&f, 1, r.id);
    assert_str(d->page.rows[0].r.metadata, STR("{\"b\":true,\"cf.user_id\":\"u-7\"}"));
    assert_true(d->page.rows[0].score > 87.4 && d->page.rows[0].score < 87.6);
    log_detail_free(d);
    assert_int_equal(fixture_patch(&f, 2, r.id, &p), E_NOT_FOUND);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_make_room),
        cmocka_unit_test(a_full_log_takes_no_more),
        cmocka_unit_test(a_lower_number_is_reached),
        cmocka_unit_test(old_rows_go),
        cmocka_unit_test(segments_go_with_their_last_body),
        cmocka_unit_test(metadata_of_the_gateway_stays),
    };
    return cmocka_run_group_tests_name("upkeep", tests, NULL, NULL);
}
