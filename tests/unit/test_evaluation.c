/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluations: exact results, against sums that anybody can follow; what they count, and when they stop. */
#include "tests/unit/store_fixture.h"

#include "store/evaluation.h"

#include <math.h>

static unsigned seed = 815;

static unsigned below(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

/* ---- texts ---- */

/* sum / n by hand: digits of the quotient from the last one on, rounded by carrying; then the point. */
static void divide_by_hand(char *out, unsigned __int128 sum, unsigned __int128 n, int digits)
{
    unsigned __int128 whole = sum / n, left = sum % n;
    char figures[64];
    int k = 0;
    for (unsigned __int128 w = whole; w || k == 0; w /= 10)
        figures[k++] = (char)('0' + (int)(w % 10));
    while (k <= digits)
        figures[k++] = '0';
    if (2 * left >= n) { /* carry */
        int i = 0;
        while (i < k && figures[i] == '9')
            figures[i++] = '0';
        if (i == k)
            figures[k++] = '1';
        else
            figures[i]++;
    }
    int first = 0; /* zeros at the end say nothing */
    while (first < digits && figures[first] == '0')
        first++;
    for (int i = k - 1; i >= first; i--) {
        *out++ = figures[i];
        if (i == digits && i > first)
            *out++ = '.';
    }
    *out = '\0';
}

static void assert_result(const struct evaluation_sums *s, enum evaluator e, const char *want)
{
    struct arena a;
    arena_init(&a, 4096);
    struct str got = evaluation_result(&a, s, e);
    if (!str_eq(got, str_c(want)))
        fail_msg("%.*s instead of %s", STR_FMT(got), want);
    arena_done(&a);
}

static void test_results_by_hand(void **state)
{
    (void)state;
    struct evaluation_sums s = {0};
    for (int i = 0; i < EVALUATOR_COUNT; i++)
        assert_result(&s, (enum evaluator)i, "");
    evaluation_add(&s, RECORD_NULL, 1500, NAN);
    assert_result(&s, EVALUATE_COST, "");
    assert_result(&s, EVALUATE_SPEED, "1.5");
    assert_result(&s, EVALUATE_FEEDBACK, "");
    evaluation_add(&s, 0, 812345, 0);
    assert_result(&s, EVALUATE_COST, "0");
    assert_result(&s, EVALUATE_SPEED, "406.923");
    assert_result(&s, EVALUATE_FEEDBACK, "");
    evaluation_add(&s, 77100000, RECORD_NULL, 1);
    assert_result(&s, EVALUATE_COST, "0.00003855");
    assert_result(&s, EVALUATE_FEEDBACK, "1");
    evaluation_add(&s, 1, RECORD_NULL, -1);
    evaluation_add(&s, RECORD_NULL, RECORD_NULL, -1);
    assert_result(&s, EVALUATE_COST, "0.0000257"); /* 77100001 / 3 is 25700000.33 */
    assert_result(&s, EVALUATE_FEEDBACK, "0.333333");
    assert_int_equal(s.rows, 5);
    struct evaluation_sums large = {0};
    for (int i = 0; i < 1000; i++)
        evaluation_add(&large, INT64_MAX, INT64_MAX, NAN);
    assert_result(&large, EVALUATE_COST, "9223372.036854775807");
    assert_result(&large, EVALUATE_SPEED, "9223372036854775.807");
}

static void test_results_at_random(void **state)
{
    (void)state;
    char want[64];
    for (int round = 0; round < 5000; round++) {
        struct evaluation_sums s = {0};
        for (unsigned n = 1 + below(5); n; n--) {
            int64_t cost = (int64_t)rand_r(&seed) << below(30), us = (int64_t)rand_r(&seed) << below(30);
            evaluation_add(&s, cost, us, (double)below(3) - 1);
        }
        divide_by_hand(want, (unsigned __int128)s.cost_pico, (unsigned __int128)s.priced, 12);
        assert_result(&s, EVALUATE_COST, want);
        divide_by_hand(want, (unsigned __int128)s.duration_us, (unsigned __int128)s.timed, 3);
        assert_result(&s, EVALUATE_SPEED, want);
        if (s.rated) {
            divide_by_hand(want, (unsigned __int128)s.liked * 1000000, (unsigned __int128)s.rated, 6);
            assert_result(&s, EVALUATE_FEEDBACK, want);
        }
    }
}

/* ---- evaluations of a store ---- */

static const struct log_value small = {.type = LOG_VALUE_TEXT, .text = S("small")};
static const struct log_value yes = {.type = LOG_VALUE_NUMBER, .number = 1};
static const struct log_value dear = {.type = LOG_VALUE_NUMBER, .number = 5e8};
static const struct log_clause of_small = {KEY_MODEL, LOG_EQ, &small, 1},
                               of_success = {KEY_SUCCESS, LOG_EQ, &yes, 1},
                               of_dear = {KEY_COST, LOG_GT, &dear, 1},
                               of_parts[] = {{KEY_MODEL, LOG_CONTAINS, &small, 1},
                                             {KEY_SUCCESS, LOG_EQ, &yes, 1}};
static const struct log_filter all = {NULL, 0}, small_ones = {&of_small, 1}, good_ones = {&of_success, 1},
                               dear_ones = {&of_dear, 1}, small_good_ones = {of_parts, 2};

static struct str settings_of(struct arena *a, const struct log_filter *filters, size_t n, int64_t last_row)
{
    struct buf b;
    struct evaluation e = {last_row, filters, n};
    buf_init(&b, 1 << 20);
    struct json_out w = json_out(&b);
    json_put_raw(&w,
                 STR("{\"name\":\"x\",\"processed\":false,\"total_logs\":0,\"datasets\":[],\"results\":["));
    for (int i = 0; i < EVALUATOR_COUNT; i++)
        (void)buf_printf(&b, "%s{\"id\":\"r%d\",\"evaluation_type_id\":\"%.*s\"}", i ? "," : "", i,
                         STR_FMT(evaluators[i].id));
    (void)buf_append_c(&b, "],\"snapshot\":");
    w = json_out(&b);
    evaluation_put(&w, &e);
    (void)buf_append_c(&b, "}");
    struct str text = arena_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

struct row_wait {
    struct fixture *f;
    int64_t row;
};

static void on_last_row(void *arg, int64_t row)
{
    struct row_wait *w = arg;
    w->row = row;
    fixture_answered(w->f);
}

static int64_t last_row(struct fixture *f)
{
    struct row_wait w = {f, -1};
    store_last_row(f->s, f->loop, on_last_row, &w);
    fixture_wait(f);
    assert_true(w.row >= 0);
    return w.row;
}

static struct uuid create(struct fixture *f, const struct log_filter *filters, size_t n, int64_t row)
{
    struct arena a;
    char name[UUID_TEXT];
    struct uuid id = uuid_v7(&f->ids);
    arena_init(&a, 1 << 20);
    uuid_text(id, name);
    struct change c = {.what = CHANGE_CREATE,
                       .kind = KIND_EVALUATION,
                       .account = str_c(f->first.account),
                       .gateway = STR("default"),
                       .uuid = id,
                       .name = str_of(name, UUID_TEXT),
                       .settings = settings_of(&a, filters, n, row)};
    assert_int_equal(fixture_change(f, c), E_OK);
    arena_done(&a);
    return id;
}

static struct json_doc *look(struct fixture *f, struct uuid id)
{
    struct catalog *c = store_catalog(f->s);
    const struct object *o = catalog_object_uuid(c, KIND_EVALUATION, id);
    struct json_doc *doc = o ? json_parse(o->settings) : NULL;
    catalog_unref(c);
    return doc;
}

/* The caller frees it. */
static struct json_doc *processed(struct fixture *f, struct uuid id)
{
    for (int i = 0; i < DEADLINE_MS / 5; i++) {
        struct json_doc *doc = look(f, id);
        assert_non_null(doc);
        if (json_bool(json_get(json_root(doc), "processed"), false))
            return doc;
        json_free(doc);
        usleep(5000);
    }
    fail_msg("not processed");
    return NULL;
}

static void assert_sums(const struct json_doc *doc, const struct evaluation_sums *want)
{
    struct arena a;
    arena_init(&a, 4096);
    const struct json_val *root = json_root(doc);
    assert_true(json_num(json_get(root, "total_logs"), -1) == (double)want->rows);
    for (int i = 0; i < EVALUATOR_COUNT; i++) {
        const struct json_val *r = json_at(json_get(root, "results"), (size_t)i);
        assert_true(json_num(json_get(r, "status"), -1) == EVALUATION_DONE);
        assert_true(json_num(json_get(r, "total_logs"), -1) ==
                    (double)evaluation_logs(want, (enum evaluator)i));
        assert_str(json_str(json_get(r, "result")), evaluation_result(&a, want, (enum evaluator)i));
    }
    arena_done(&a);
}

/* A row and what the model knows of it. */
struct known {
    struct uuid id;
    bool small, good;
    int64_t cost, us;
    double feedback;
};

static void push(struct fixture *f, struct known *k)
{
    struct record r = fixture_record(f, 1);
    *k = (struct known){.id = r.id, .small = below(2), .good = below(3) > 0, .feedback = NAN};
    k->cost = below(5) ? (int64_t)rand_r(&seed) : RECORD_NULL;
    k->us = below(7) ? (int64_t)rand_r(&seed) : RECORD_NULL;
    r.model = k->small ? STR("small") : STR("large");
    r.flags = k->good ? REC_SUCCESS : 0;
    r.cost_pico = k->cost;
    r.duration_us = k->us;
    store_push(f->s, &r, NULL, NULL);
}

static void rate(struct fixture *f, struct known *k, double feedback)
{
    struct log_patch p = {.has_feedback = true, .feedback = k->feedback = feedback};
    assert_int_equal(fixture_patch(f, 1, k->id, &p), E_OK);
}

static bool meets(const struct known *k, const struct log_filter *f)
{
    if (f == &small_ones)
        return k->small;
    if (f == &good_ones)
        return k->good;
    if (f == &dear_ones)
        return k->cost > 500000000;
    return f == &all || (k->small && k->good);
}

static struct evaluation_sums model(const struct known *rows, int n, const struct log_filter *const *filters,
                                    size_t n_filters)
{
    struct evaluation_sums s = {0};
    for (int i = 0; i < n; i++) {
        bool any = false;
        for (size_t k = 0; k < n_filters; k++)
            any |= meets(&rows[i], filters[k]);
        if (any)
            evaluation_add(&s, rows[i].cost, rows[i].us, rows[i].feedback);
    }
    return s;
}

enum { ROWS = 5000, LATER = 100 };

static void check(struct fixture *f, const struct known *rows, int n, const struct log_filter *const *filters,
                  size_t n_filters)
{
    struct log_filter copies[5];
    for (size_t i = 0; i < n_filters; i++)
        copies[i] = *filters[i];
    struct uuid id = create(f, copies, n_filters, last_row(f));
    struct evaluation_sums want = model(rows, n, filters, n_filters);
    struct json_doc *doc = processed(f, id);
    assert_sums(doc, &want);
    json_free(doc);
}

static void test_rows_count_once(void **state)
{
    (void)state;
    struct fixture f;
    static struct known rows[ROWS];
    fixture_start(&f);
    for (int i = 0; i < ROWS; i++)
        push(&f, &rows[i]);
    struct record stranger = fixture_record(&f, 77);
    store_push(f.s, &stranger, NULL, NULL);
    (void)last_row(&f);
    for (int i = 0; i < 300; i++)
        rate(&f, &rows[below(ROWS)], (double)below(3) - 1);
    const struct log_filter *const filters[] = {&all, &small_ones, &good_ones, &dear_ones, &small_good_ones};
    for (size_t i = 0; i < countof(filters); i++)
        check(&f, rows, ROWS, &filters[i], 1);
    check(&f, rows, ROWS, &filters[1], 4);
    check(&f, rows, ROWS, &filters[3], 2);
    fixture_end(&f);
}

static void test_a_snapshot_stays(void **state)
{
    (void)state;
    struct fixture f;
    static struct known rows[ROWS + LATER];
    const struct log_filter *const filters[] = {&all};
    fixture_start(&f);
    for (int i = 0; i < ROWS; i++)
        push(&f, &rows[i]);
    int64_t row = last_row(&f);
    for (int i = ROWS; i < ROWS + LATER; i++)
        push(&f, &rows[i]);
    struct uuid id = create(&f, &all, 1, row);
    struct evaluation_sums want = model(rows, ROWS, filters, 1);
    struct json_doc *doc = processed(&f, id);
    assert_sums(doc, &want);
    json_free(doc);
    rate(&f, &rows[0], 1);
    struct log_query q = {.gateway = 1, .per_page = 1000};
    assert_int_equal(fixture_delete(&f, &q), E_OK);
    doc = processed(&f, create(&f, &all, 1, last_row(&f)));
    assert_true(json_num(json_get(json_root(doc), "total_logs"), -1) == ROWS + LATER - 1000);
    json_free(doc);
    doc = look(&f, id);
    assert_sums(doc, &want);
    json_free(doc);
    fixture_end(&f);
}

/* The daemon may end at any time: what it had not finished begins anew, with the rows of then. */
static void test_the_unfinished_is_taken_up(void **state)
{
    (void)state;
    struct fixture f;
    static struct known rows[ROWS + LATER];
    struct uuid ids[3];
    const struct log_filter *const filters[] = {&all};
    fixture_start(&f);
    for (int i = 0; i < ROWS; i++)
        push(&f, &rows[i]);
    int64_t row = last_row(&f);
    for (size_t i = 0; i < countof(ids); i++)
        ids[i] = create(&f, &all, 1, row);
    assert_int_equal(store_close(f.s), 0);
    struct store_first again;
    const char *why = NULL;
    f.s = store_open(&f.o, &again, &why);
    assert_non_null(f.s);
    for (int i = ROWS; i < ROWS + LATER; i++)
        push(&f, &rows[i]);
    struct evaluation_sums want = model(rows, ROWS, filters, 1);
    for (size_t i = 0; i < countof(ids); i++) {
        struct json_doc *doc = processed(&f, ids[i]);
        assert_sums(doc, &want);
        json_free(doc);
    }
    fixture_end(&f);
}

/* Others get their turns, progress can be seen, and what is deleted keeps nobody busy. */
static void test_others_are_not_kept_waiting(void **state)
{
    (void)state;
    struct fixture f;
    struct known one;
    enum { MANY = 60000 };
    fixture_start(&f);
    for (int i = 0; i < MANY; i++)
        push(&f, &one);
    int64_t row = last_row(&f);
    struct uuid gone = create(&f, &all, 1, row);
    struct uuid id = create(&f, &small_good_ones, 1, row);
    struct change c = {.what = CHANGE_DELETE,
                       .kind = KIND_EVALUATION,
                       .account = str_c(f.first.account),
                       .gateway = STR("default"),
                       .uuid = gone};
    assert_int_equal(fixture_change(&f, c), E_OK);
    int turns = 0;
    for (bool done = false; !done; turns++) {
        assert_int_equal(fixture_count(&f, (struct log_query){.gateway = 1, .per_page = 10}), MANY);
        struct json_doc *doc = look(&f, id);
        done = json_bool(json_get(json_root(doc), "processed"), false);
        json_free(doc);
    }
    assert_true(turns >= 3);
    assert_null(look(&f, gone));
    c = (struct change){.what = CHANGE_DELETE,
                        .kind = KIND_GATEWAY,
                        .account = str_c(f.first.account),
                        .name = STR("default")};
    (void)create(&f, &all, 1, row);
    assert_int_equal(fixture_change(&f, c), E_OK);
    assert_null(look(&f, id));
    fixture_end(&f);
}

/* What takes long can be watched. */
static void test_progress_is_saved(void **state)
{
    (void)state;
    struct fixture f;
    struct known one;
    static struct log_clause clauses[100];
    const struct log_filter slow[] = {{clauses, 100}, {clauses, 100}};
    enum { MANY = 30000 };
    for (size_t i = 0; i < countof(clauses); i++)
        clauses[i] = (struct log_clause){KEY_PROVIDER, LOG_NEQ, &small, 1};
    clauses[99].op = LOG_EQ; /* in vain */
    fixture_start(&f);
    for (int i = 0; i < MANY; i++)
        push(&f, &one);
    struct uuid id = create(&f, slow, 2, last_row(&f));
    int watched = 0;
    for (bool done = false; !done; usleep(1000)) {
        struct json_doc *doc = look(&f, id);
        const struct json_val *r = json_at(json_get(json_root(doc), "results"), 2);
        double status = json_num(json_get(r, "status"), -1);
        watched += status == EVALUATION_RUNNING;
        done = json_bool(json_get(json_root(doc), "processed"), false);
        assert_true(done ? status == EVALUATION_DONE : status <= EVALUATION_RUNNING);
        json_free(doc);
    }
    assert_true(watched > 0);
    fixture_end(&f);
}

/* Settings that say nothing fail, and keep nobody from those behind them. */
static void test_what_cannot_be_read_fails(void **state)
{
    (void)state;
    struct fixture f;
    struct known one;
    fixture_start(&f);
    push(&f, &one);
    struct uuid broken = create(&f, &all, 0, last_row(&f));
    struct uuid whole = create(&f, &all, 1, last_row(&f));
    json_free(processed(&f, whole));
    struct json_doc *doc = processed(&f, broken);
    const struct json_val *r = json_at(json_get(json_root(doc), "results"), 0);
    assert_true(json_num(json_get(r, "status"), -1) == EVALUATION_FAILED);
    json_free(doc);
    fixture_end(&f);
}

/* ---- filters that are kept ---- */

static void test_filters_come_back(void **state)
{
    (void)state;
    const struct log_value values[] = {{.type = LOG_VALUE_NULL},
                                       {.type = LOG_VALUE_NUMBER, .number = 77100000},
                                       {.type = LOG_VALUE_NUMBER, .number = -0.1},
                                       {.type = LOG_VALUE_TEXT, .text = S("a \"text\"\n")},
                                       {.type = LOG_VALUE_TEXT, .text = S("")},
                                       {.type = LOG_VALUE_ABSURD}};
    for (int key = 0; key < LOG_KEY_COUNT; key++)
        for (int op = LOG_EQ; op <= LOG_GE; op++) {
            struct arena a;
            struct buf b, again;
            struct log_clause c = {(enum log_key)key, (enum log_operator)op, values, countof(values)};
            struct log_filter f = {&c, 1}, back;
            arena_init(&a, 1 << 20);
            buf_init(&b, 1 << 20);
            buf_init(&again, 1 << 20);
            struct json_out w = json_out(&b), x = json_out(&again);
            log_filter_put(&w, &f);
            struct json_doc *doc = json_parse(buf_str(&b));
            assert_true(log_filter_get(&a, json_root(doc), &back));
            log_filter_put(&x, &back);
            assert_str(buf_str(&again), buf_str(&b));
            assert_int_equal(back.clauses[0].key, key);
            assert_int_equal(back.clauses[0].op, op);
            assert_int_equal(back.clauses[0].n, countof(values));
            json_free(doc);
            buf_done(&b);
            buf_done(&again);
            arena_done(&a);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_by_hand),
        cmocka_unit_test(test_results_at_random),
        cmocka_unit_test(test_filters_come_back),
        cmocka_unit_test(test_rows_count_once),
        cmocka_unit_test(test_a_snapshot_stays),
        cmocka_unit_test(test_the_unfinished_is_taken_up),
        cmocka_unit_test(test_others_are_not_kept_waiting),
        cmocka_unit_test(test_progress_is_saved),
        cmocka_unit_test(test_what_cannot_be_read_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
