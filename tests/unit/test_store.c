/* SPDX-License-Identifier: Apache-2.0 */
/* The log: what is pushed is read back, whole, at once, in every order. */
#include "tests/unit/store_number.h"

#include "store/rollup.h"

#include <math.h>
#include <sys/stat.h>

static struct record full_record(struct fixture *f)
{
    return (struct record){
        .id = uuid_v7(&f->ids),
        .created_ms = 1792000000123,
        .gateway = 1,
        .token = 3,
        .provider = STR("openai"),
        .model = STR("gpt-4o-mini"),
        .model_type = STR("chat"),
        .path = STR("chat/completions"),
        .event_id = STR("an event of the client's"),
        .request_id = STR("0199c8b2-6f1e-7c40-9f1a-5d2f0c9be011"),
        .request_type = STR("native"),
        .method = STR("POST"),
        .request_content_type = STR("application/json"),
        .response_content_type = STR("text/event-stream"),
        .user_agent = STR("a client"),
        .metadata = STR("{\"user\":\"u-7\"}"),
        .error = STR("the provider said no"),
        .trace_id = STR("0123456789abcdef0123456789abcdef"),
        .steps = STR("0A29|N2f0bS8F64279E167c4"),
        .key_alias = STR("team-a"),
        .status = 429,
        .step = 1,
        .attempt = 2,
        .flags = REC_STREAM | REC_BYOK | REC_CUSTOM_COST,
        .request_bytes = 2048,
        .response_bytes = (int64_t)1 << 40,
        .duration_us = 812345,
        .latency_us = 212345,
        .tokens_in = 0,
        .tokens_out = (int64_t)1 << 50,
        .cached_tokens = 1,
        .cache_write_tokens = 2,
        .cache_write_1h_tokens = 3,
        .reasoning_tokens = 4,
        .audio_in_tokens = 5,
        .audio_out_tokens = 6,
        .cost_pico = INT64_MAX,
        .request = fixture_body(STR("the request")),
        .response = fixture_body(STR("the response")),
    };
}

static void assert_same_record(const struct record *got, const struct record *want)
{
#define SAME_STR(field) assert_str(got->field, want->field)
#define SAME_INT(field) assert_true(got->field == want->field)
    SAME_STR(provider);
    SAME_STR(model);
    SAME_STR(model_type);
    SAME_STR(path);
    SAME_STR(event_id);
    SAME_STR(request_id);
    SAME_STR(request_type);
    SAME_STR(method);
    SAME_STR(request_content_type);
    SAME_STR(response_content_type);
    SAME_STR(user_agent);
    SAME_STR(metadata);
    SAME_STR(error);
    SAME_STR(trace_id);
    SAME_STR(steps);
    SAME_STR(key_alias);
    SAME_INT(created_ms);
    SAME_INT(gateway);
    SAME_INT(token);
    SAME_INT(status);
    SAME_INT(step);
    SAME_INT(attempt);
    SAME_INT(flags);
    SAME_INT(request_bytes);
    SAME_INT(response_bytes);
    SAME_INT(duration_us);
    SAME_INT(latency_us);
    SAME_INT(tokens_in);
    SAME_INT(tokens_out);
    SAME_INT(cached_tokens);
    SAME_INT(cache_write_tokens);
    SAME_INT(cache_write_1h_tokens);
    SAME_INT(reasoning_tokens);
    SAME_INT(audio_in_tokens);
    SAME_INT(audio_out_tokens);
    SAME_INT(cost_pico);
    assert_memory_equal(&got->id, &want->id, sizeof(got->id));
#undef SAME_STR
#undef SAME_INT
}

static void rows_come_back_whole(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    struct record r = full_record(&f);
    char text[UUID_TEXT];
    uuid_text(r.id, text);
    store_push(f.s, &r, NULL, NULL);
    struct log_detail *d = fixture_get(&f, 1, r.id);
    assert_int_equal(d->page.n, 1);
    const struct log_row *row = &d->page.rows[0];
    assert_same_record(&row->r, &r);
    assert_str(row->id_text, str_of(text, UUID_TEXT));
    assert_str(row->gateway_slug, STR("default"));
    assert_true(isnan(row->feedback) && isnan(row->score) && !row->note.p);
    assert_true(row->has_request && row->has_response);
    assert_str(d->request, STR("the request"));
    assert_str(d->response, STR("the response"));
    log_detail_free(d);
    fixture_end(&f);
}

static void unknown_stays_unknown(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    struct record r = fixture_record(&f, 1);
    char text[UUID_TEXT];
    uuid_text(r.id, text);
    r.request_id = str_of(text, UUID_TEXT); /* kept once, and given back */
    store_push(f.s, &r, NULL, NULL);
    struct log_page *page = fixture_list(&f, (struct log_query){.gateway = 1});
    assert_int_equal(page->n, 1);
    assert_same_record(&page->rows[0].r, &r);
    assert_null(page->rows[0].r.metadata.p);
    assert_false(page->rows[0].has_request || page->rows[0].has_response);
    log_page_free(page);
    struct log_detail *d = fixture_get(&f, 1, r.id);
    assert_true(!d->request.p && !d->response.p);
    log_detail_free(d);
    d = fixture_get(&f, 2, r.id); /* another gateway's */
    assert_int_equal(d->page.err, E_NOT_FOUND);
    assert_int_equal(d->page.n, 0);
    log_detail_free(d);
    d = fixture_get(&f, 0, r.id);
    assert_int_equal(d->page.n, 1);
    log_detail_free(d);
    fixture_end(&f);
}

static void ids_are_unique(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    struct record r = fixture_record(&f, 1);
    store_push(f.s, &r, NULL, NULL);
    store_push(f.s, &r, NULL, NULL);
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 1}), 1);
    store_push(f.s, &r, NULL, NULL);
    struct log_page *page = fixture_list(&f, (struct log_query){.gateway = 1});
    assert_true(page->n == 1 && page->total == 1);
    log_page_free(page);
    fixture_end(&f);
}

/* ---- lists ---- */

static void pages_follow_each_other(void **state)
{
    (void)state;
    static const size_t sizes[] = {20, 20, 5, 0};
    struct fixture f;
    struct uuid ids[45];
    fixture_start(&f);
    for (int i = 0; i < 45; i++) {
        struct record r = fixture_record(&f, 1), other = fixture_record(&f, 2);
        ids[i] = r.id;
        store_push(f.s, &r, NULL, NULL);
        store_push(f.s, &other, NULL, NULL);
    }
    for (int64_t p = 0; p < 4; p++) {
        struct log_page *page =
            fixture_list(&f, (struct log_query){.gateway = 1, .page = p + 1, .per_page = 20});
        assert_int_equal(page->n, sizes[p]);
        assert_int_equal(page->total, 45);
        for (size_t i = 0; i < page->n; i++)
            assert_memory_equal(&page->rows[i].r.id, &ids[44 - 20 * (size_t)p - i], sizeof(ids[0]));
        log_page_free(page);
    }
    struct log_query q = {.gateway = 1, .page = INT64_MAX, .per_page = INT64_MAX};
    assert_int_equal(fixture_count(&f, q), 45);
    q = (struct log_query){.gateway = 1, .ascending = true, .per_page = 1};
    struct log_page *page = fixture_list(&f, q);
    assert_memory_equal(&page->rows[0].r.id, &ids[0], sizeof(ids[0]));
    log_page_free(page);
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 0}), 90);
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 3}), 0);
    fixture_end(&f);
}

/* Row i of five has the value of rank i in every order; the last one has none where there can be none. */
static void push_ranked(struct fixture *f)
{
    static const struct str names[] = {S("a"), S("b"), S("c"), S("d"), {NULL, 0}};
    for (int i = 0; i < 5; i++) {
        struct record r = fixture_record(f, 1);
        int64_t n = i < 4 ? i * 10 : RECORD_NULL;
        r.provider = r.model = r.model_type = names[i];
        r.cost_pico = r.tokens_in = r.tokens_out = n;
        r.duration_us = i;
        r.attempt = i;
        r.flags = i < 3 ? 0 : REC_SUCCESS | REC_CACHED;
        store_push(f->s, &r, NULL, NULL);
    }
}

static void assert_order(struct fixture *f, enum log_order order, bool ascending, const char *want)
{
    struct log_page *page =
        fixture_list(f, (struct log_query){.gateway = 1, .order = order, .ascending = ascending});
    char got[6] = "";
    for (size_t i = 0; i < page->n && i < 5; i++)
        got[i] = (char)('0' + page->rows[i].r.attempt);
    if (strcmp(got, want) != 0)
        fail_msg("order %d %s: %s, want %s", (int)order, ascending ? "up" : "down", got, want);
    log_page_free(page);
}

static void every_order_works(void **state)
{
    (void)state;
    /* unknown is last, whichever way; equal ones follow the time */
    static const struct {
        enum log_order order;
        const char *up, *down;
    } cases[] = {
        {ORDER_CREATED, "01234", "43210"},    {ORDER_PROVIDER, "01234", "32104"},
        {ORDER_MODEL, "01234", "32104"},      {ORDER_MODEL_TYPE, "01234", "32104"},
        {ORDER_SUCCESS, "01234", "43210"},    {ORDER_CACHED, "01234", "43210"},
        {ORDER_COST, "01234", "32104"},       {ORDER_TOKENS_IN, "01234", "32104"},
        {ORDER_TOKENS_OUT, "01234", "32104"}, {ORDER_DURATION, "01234", "43210"},
        {ORDER_FEEDBACK, "01234", "43210"},
    };
    struct fixture f;
    fixture_start(&f);
    push_ranked(&f);
    for (size_t i = 0; i < countof(cases); i++) {
        assert_order(&f, cases[i].order, true, cases[i].up);
        assert_order(&f, cases[i].order, false, cases[i].down);
    }
    assert_order(&f, (enum log_order)999, true, "01234");
    fixture_end(&f);
}

static void search_looks_where_it_says(void **state)
{
    (void)state;
    struct fixture f;
    char id[UUID_TEXT];
    fixture_start(&f);
    struct record r = fixture_record(&f, 1), plain = fixture_record(&f, 1);
    r.provider = STR("anthropic");
    r.model = STR("Claude-Opus");
    r.path = STR("v1/messages");
    r.event_id = STR("ev-4711");
    r.metadata = STR("{\"team\":\"Blue 100%\"}");
    r.user_agent = STR("nobody looks here");
    uuid_text(r.id, id);
    store_push(f.s, &r, NULL, NULL);
    store_push(f.s, &plain, NULL, NULL);
    const struct str hits[] = {STR("THROPIC"),   STR("claude-opus"),    STR("v1/mess"),     STR("EV-4711"),
                               STR("blue 100%"), str_of(id, UUID_TEXT), str_of(id + 15, 21)};
    for (size_t i = 0; i < countof(hits); i++) {
        struct log_page *page = fixture_list(&f, (struct log_query){.gateway = 1, .search = hits[i]});
        if (page->n != 1 || page->total != 1)
            fail_msg("\"%.*s\": %zu rows", STR_FMT(hits[i]), page->n);
        log_page_free(page);
    }
    const struct str misses[] = {STR("nobody"), STR("claude%"), STR("_"), STR("'"), STR("anthropic claude")};
    for (size_t i = 0; i < countof(misses); i++)
        assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 1, .search = misses[i]}), 0);
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 0, .search = STR("Claude")}), 1);
    fixture_end(&f);
}

/* A long call ends after short ones that began later: the tail shows it all the same. */
static void tail_follows_the_order_of_arrival(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    struct record slow = fixture_record(&f, 2), first = fixture_record(&f, 1), second = fixture_record(&f, 1);
    store_push(f.s, &first, NULL, NULL);
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 0, .after = first.id}), 0);
    store_push(f.s, &slow, NULL, NULL);
    store_push(f.s, &second, NULL, NULL);
    struct log_page *page = fixture_list(&f, (struct log_query){.gateway = 0, .after = first.id});
    assert_true(page->n == 2 && page->total == 2);
    assert_memory_equal(&page->rows[0].r.id, &slow.id, sizeof(slow.id));
    assert_memory_equal(&page->rows[1].r.id, &second.id, sizeof(slow.id));
    log_page_free(page);
    page = fixture_list(&f, (struct log_query){.gateway = 1, .after = first.id, .order = ORDER_COST});
    assert_int_equal(page->n, 1);
    log_page_free(page);
    /* the newest of all gateways is what came last */
    page = fixture_list(&f, (struct log_query){.gateway = 0, .per_page = 1});
    assert_memory_equal(&page->rows[0].r.id, &second.id, sizeof(slow.id));
    log_page_free(page);
    fixture_end(&f);
}

/* ---- bodies ---- */

static void long_bodies_are_left_out(void **state)
{
    (void)state;
    struct fixture f;
    fixture_prepare(&f);
    f.o.max_body_bytes = 10;
    fixture_open(&f);
    struct record r = fixture_record(&f, 1);
    r.request = fixture_body(STR("0123456789"));
    r.response = fixture_body(STR("0123456789+"));
    store_push(f.s, &r, NULL, NULL);
    struct log_detail *d = fixture_get(&f, 1, r.id);
    assert_str(d->request, STR("0123456789"));
    assert_null(d->response.p);
    assert_int_equal(d->page.rows[0].r.flags, REC_RESPONSE_MISSING);
    assert_true(d->page.rows[0].has_request && !d->page.rows[0].has_response);
    log_detail_free(d);
    assert_int_equal(store_stats(f.s).shed_bodies, 0);
    fixture_end(&f);
}

static void damaged_bodies_are_not_there(void **state)
{
    (void)state;
    struct fixture f;
    char path[512];
    fixture_start(&f);
    struct record r = full_record(&f);
    store_push(f.s, &r, NULL, NULL);
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 1}), 1);
    snprintf(path, sizeof(path), "%s/bodies/00000001.seg", f.tmp.path);
    assert_int_equal(truncate(path, 40), 0);
    struct log_detail *d = fixture_get(&f, 1, r.id);
    assert_int_equal(d->page.n, 1);
    assert_true(!d->request.p && !d->response.p);
    log_detail_free(d);
    assert_int_equal(unlink(path), 0);
    d = fixture_get(&f, 1, r.id);
    assert_true(d->page.n == 1 && !d->request.p);
    log_detail_free(d);
    fixture_end(&f);
}

/* ---- roll-ups ---- */

static void rollups_count_everything(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    struct record r = full_record(&f);
    r.cost_pico = 5;
    r.flags = REC_SUCCESS;
    r.status = 200;
    store_push(f.s, &r, NULL, NULL);
    fixture_count(&f, (struct log_query){.gateway = 1}); /* a commit, so the next ones are added to it */
    r = full_record(&f);
    r.cost_pico = RECORD_NULL;
    r.flags = REC_SUCCESS | REC_NO_ROW;
    r.status = 200;
    store_push(f.s, &r, NULL, NULL);
    r = full_record(&f);
    r.cost_pico = 0;
    r.flags = REC_FOLLOWED;
    store_push(f.s, &r, NULL, NULL);
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 1}), 2);
    const int64_t minute = 1792000000123 / 60000;
    char sql[128];
    for (int span = 1; span <= 60; span += 59) {
        snprintf(sql, sizeof(sql), "SELECT at FROM rollup WHERE span = %d", span);
        assert_int_equal(number(&f, sql), minute - minute % span);
    }
    assert_int_equal(number(&f, "SELECT count(*) FROM rollup"), 4);
#define MINUTE(column, marks) number(&f, "SELECT " column " FROM rollup WHERE span = 1 AND marks = " marks)
    assert_int_equal(MINUTE("status", "0"), 200);
    assert_int_equal(MINUTE("requests", "0"), 2);
    assert_int_equal(MINUTE("attempts", "0"), 2);
    assert_int_equal(MINUTE("unpriced", "0"), 1);
    assert_int_equal(MINUTE("cost_pico", "0"), 5);
    assert_int_equal(MINUTE("tokens_out", "0"), (int64_t)1 << 51);
    assert_int_equal(MINUTE("duration_us", "0"), 2 * 812345);
    assert_int_equal(MINUTE("first_bytes", "0"), 2);
    assert_int_equal(MINUTE("status", "2"), 429);
    assert_int_equal(MINUTE("requests", "2"), 0);
    assert_int_equal(MINUTE("attempts", "2"), 1);
    assert_int_equal(MINUTE("length(durations)", "2"), 0);
#undef MINUTE
    fixture_end(&f);
}

static void rollup_sums_do_not_wrap(void **state)
{
    (void)state;
    struct rollup u;
    rollup_init(&u);
    for (int i = 0; i < 1000; i++) {
        struct record r = {.gateway = 1, .provider = STR("p"), .tokens_in = INT64_MAX, .tokens_out = -1};
        r.model = i % 2 ? STR("one") : STR("two");
        rollup_add(&u, &r);
    }
    assert_int_equal(u.n, 2);
    assert_true(u.cells[0].tokens_in == INT64_MAX && u.cells[0].tokens_out == 0 &&
                u.cells[0].attempts == 500);
    rollup_clear(&u);
    assert_int_equal(u.n, 0);
    static char names[100][4];
    for (int i = 0; i < 100; i++) {
        struct record r = {.gateway = i % 7, .status = i};
        r.model = str_of(names[i], (size_t)snprintf(names[i], sizeof(names[i]), "%d", i));
        rollup_add(&u, &r);
        rollup_add(&u, &r);
    }
    assert_int_equal(u.n, 100);
    for (size_t i = 0; i < u.n; i++)
        assert_int_equal(u.cells[i].attempts, 2);
    rollup_done(&u);
}

/* ---- gateways and other processes ---- */

static void a_deleted_gateway_takes_its_rows(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    struct change c = {
        .kind = KIND_GATEWAY, .what = CHANGE_CREATE, .account = str_c(f.first.account), .name = STR("team")};
    assert_int_equal(fixture_change(&f, c), E_OK);
    struct catalog *cat = store_catalog(f.s);
    int64_t gateway = catalog_gateway(cat, c.account, c.name)->id;
    catalog_unref(cat);
    for (int i = 0; i < 3000; i++) {
        struct record r = fixture_record(&f, i % 10 ? gateway : 1);
        store_push(f.s, &r, NULL, NULL);
    }
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = gateway}), 2700);
    c.what = CHANGE_DELETE;
    assert_int_equal(fixture_change(&f, c), E_OK);
    for (int i = 0; fixture_count(&f, (struct log_query){.gateway = gateway}) > 0; i++) {
        assert_true(i < 10000);
        usleep(1000);
    }
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 1}), 300);
    assert_int_equal(number(&f, "SELECT count(*) FROM log"), 300);
    fixture_end(&f);
}

static void expect_rows(const struct fixture *f, int64_t want)
{
    const char *why = NULL;
    struct log_page page;
    struct log_reader *r = log_reader_open(f->tmp.path, &why);
    if (!r)
        fail_msg("%s", why);
    log_reader_list(r, &(struct log_query){.page = 1, .per_page = 10}, &page);
    assert_int_equal(page.err, E_OK);
    assert_int_equal(page.total, want);
    if (page.n)
        assert_str(page.rows[0].gateway_slug, STR("default"));
    log_page_free(&page);
    log_reader_close(r);
}

static void another_process_reads_the_log(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f);
    expect_rows(&f, 0);
    struct record r = fixture_record(&f, 1);
    store_push(f.s, &r, NULL, NULL);
    fixture_count(&f, (struct log_query){.gateway = 1});
    expect_rows(&f, 1);
    assert_int_equal(store_close(f.s), 0);
    expect_rows(&f, 1); /* and when no daemon runs */
    fixture_open(&f);
    r = fixture_record(&f, 1);
    store_push(f.s, &r, NULL, NULL);
    assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 1}), 2);
    expect_rows(&f, 2);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_whole),
        cmocka_unit_test(unknown_stays_unknown),
        cmocka_unit_test(ids_are_unique),
        cmocka_unit_test(pages_follow_each_other),
        cmocka_unit_test(every_order_works),
        cmocka_unit_test(search_looks_where_it_says),
        cmocka_unit_test(tail_follows_the_order_of_arrival),
        cmocka_unit_test(long_bodies_are_left_out),
        cmocka_unit_test(damaged_bodies_are_not_there),
        cmocka_unit_test(rollups_count_everything),
        cmocka_unit_test(rollup_sums_do_not_wrap),
        cmocka_unit_test(a_deleted_gateway_takes_its_rows),
        cmocka_unit_test(another_process_reads_the_log),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
