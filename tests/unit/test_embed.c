/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embeddings: for each case of tests/golden/embed what is asked, what each call must be and what the
 * provider's answers must become; JSON is compared as values. Then what the cases do not show.
 */
#include "tests/unit/golden.h"
#include "base/json.h"
#include "providers/embed.h"

static struct arena arena;
static struct buf out;
static struct str why;
static struct ir_request notes;
static struct embed_request request;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 4 * MIB);
    buf_init(&out, 16 * MIB);
    notes = ir_request_none();
    request = (struct embed_request){.doc = NULL};
    why = str_of(NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    embed_done(&request);
    ir_request_done(&notes);
    buf_done(&out);
    arena_done(&arena);
    return 0;
}

/* ---- the golden cases ---- */

static struct str read_case(const char *name, const char *file)
{
    struct buf b;
    struct str text = golden_read("embed", name, file, &b);
    text = text.p ? arena_dup(&arena, text) : text;
    buf_done(&b);
    return text;
}

static struct str canonical(struct str text)
{
    struct buf b;
    struct json_doc *doc = json_parse(text);
    if (!doc)
        fail_msg("not JSON: %.*s", STR_FMT(text));
    buf_init(&b, 1 * MIB);
    struct json_out w = json_out(&b);
    json_put_val(&w, json_root(doc));
    struct str copy = arena_dup(&arena, buf_str(&b));
    buf_done(&b);
    json_free(doc);
    return copy;
}

struct asked {
    const struct embed_row *row;
    struct str model;
    const struct provider *provider;
    enum dialect dialect;
};

/* As compat.c does it. */
static struct asked find(struct str model)
{
    struct model_name name;
    struct str rest, query;
    struct operation op;
    assert_true(model_name_split(model, &name));
    struct asked x = {.row = embed_find(name.slug, name.model), .provider = provider_find(name.slug)};
    assert_non_null(x.row);
    x.model = embed_model(x.row, name.model);
    struct entry_place place = {.model = x.model, .project = STR("p"), .region = STR("eu-west-1")};
    assert_int_equal(entry_path(&arena, &x.row->entry, &place, &rest, &query), E_OK);
    provider_operation(&arena, x.provider, STR("POST"), rest, &op);
    assert_string_equal(op.type, "embeddings");
    x.dialect = op.dialect;
    return x;
}

static void check_calls(const char *name, const struct asked *x)
{
    struct str calls = read_case(name, "calls.jsonl");
    for (size_t i = 0; i < embed_calls(x->row, &request); i++) {
        buf_clear(&out);
        enum err e = embed_write(&arena, x->row, &request, x->model, i, &out, &notes, &why);
        if (e != E_OK)
            fail_msg("%s: %s: %.*s", name, err_name(e), STR_FMT(why));
        assert_str(canonical(buf_str(&out)), canonical(str_cut(&calls, '\n')));
    }
    assert_int_equal(calls.n, 0);
}

/* One a line in the file. */
static struct str answers_of(const char *name)
{
    struct buf b;
    struct str lines = str_trim(read_case(name, "answers.jsonl"));
    buf_init(&b, 1 * MIB);
    while (lines.p) {
        (void)buf_append(&b, str_cut(&lines, '\n'));
        if (lines.p)
            (void)buf_append_byte(&b, EMBED_BETWEEN);
    }
    struct str bodies = arena_dup(&arena, buf_str(&b));
    buf_done(&b);
    return bodies;
}

static void check_answer(const char *name, const struct asked *x)
{
    int64_t tokens = -1;
    struct str head = read_case(name, "head_tokens"), bodies = answers_of(name);
    if (head.p)
        assert_int_equal(str_to_int(str_trim(head), &tokens), E_OK);
    struct embed_answer answer = {x->row, &request, x->model, x->provider, x->dialect, tokens};
    buf_clear(&out);
    assert_int_equal(embed_answer(&answer, bodies, &out), E_OK);
    assert_str(canonical(buf_str(&out)), canonical(read_case(name, "answer.json")));
}

static void run_case(const char *name)
{
    setup(NULL);
    struct asked x = find(str_trim(read_case(name, "model")));
    assert_int_equal(embed_read(&arena, read_case(name, "request.json"), &request, &why), E_OK);
    check_calls(name, &x);
    check_answer(name, &x);
    teardown(NULL);
}

static void every_golden_case(void **state)
{
    (void)state;
    assert_true(golden_each("embed", run_case) > 10);
}

/* ---- requests ---- */

static enum err read_it(const char *body)
{
    embed_done(&request);
    return embed_read(&arena, str_c(body), &request, &why);
}

static void what_is_no_request(void **state)
{
    (void)state;
    static const char *const bodies[] = {"",
                                         "[]",
                                         "{}",
                                         "{\"input\":null}",
                                         "{\"input\":7}",
                                         "{\"input\":[]}",
                                         "{\"input\":[null]}",
                                         "{\"input\":[\"a\",1]}",
                                         "{\"input\":[[1],2]}",
                                         "{\"input\":[{\"type\":\"text\"}]}",
                                         "{\"input\":\"a\",\"dimensions\":0}",
                                         "{\"input\":\"a\",\"dimensions\":-1}",
                                         "{\"input\":\"a\",\"dimensions\":1.5}",
                                         "{\"input\":\"a\",\"dimensions\":\"8\"}",
                                         "{\"input\":\"a\",\"encoding_format\":\"hex\"}",
                                         "{\"input\":\"a\",\"encoding_format\":1}"};
    for (size_t i = 0; i < countof(bodies); i++) {
        why = str_of(NULL, 0);
        if (read_it(bodies[i]) != E_SYNTAX || why.n == 0)
            fail_msg("%s is taken", bodies[i]);
    }
}

static void nulls_say_nothing(void **state)
{
    (void)state;
    assert_int_equal(
        read_it("{\"input\":\"a\",\"dimensions\":null,\"encoding_format\":null,\"input_type\":null}"), E_OK);
    assert_int_equal(request.dimensions, 0);
    assert_false(request.base64);
    assert_null(request.purpose.p);
}

static void token_ids(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t n;
    } cases[] = {{"{\"input\":[1,2,3]}", 1}, {"{\"input\":[[1,2],[3]]}", 2}};
    static const char *const refusing[] = {"cohere/embed-v4.0", "mistral/mistral-embed",
                                           "workers-ai/@cf/baai/bge-m3", "google/gemini-embedding-001",
                                           "aws-bedrock/amazon.titan-embed-text-v1"};
    for (size_t i = 0; i < countof(cases); i++) {
        assert_int_equal(read_it(cases[i].body), E_OK);
        assert_int_equal(request.kind, EMBED_TOKENS);
        assert_int_equal(request.n, cases[i].n);
        for (size_t k = 0; k < countof(refusing); k++) {
            struct asked x = find(str_c(refusing[k]));
            assert_int_equal(embed_write(&arena, x.row, &request, x.model, 0, &out, &notes, &why), E_SYNTAX);
            assert_true(str_has(why, STR("token ids")));
        }
        struct asked x = find(STR("fireworks/nomic-ai/nomic-embed-text-v1.5"));
        assert_int_equal(embed_write(&arena, x.row, &request, x.model, 0, &out, &notes, &why), E_OK);
    }
}

static void inputs_have_an_end(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 * MIB);
    for (size_t n = EMBED_INPUTS; n <= EMBED_INPUTS + 1; n++) {
        buf_clear(&b);
        (void)buf_append_c(&b, "{\"input\":[\"x\"");
        for (size_t i = 1; i < n; i++)
            (void)buf_append_c(&b, ",\"x\"");
        (void)buf_append_c(&b, "]}");
        embed_done(&request);
        assert_int_equal(embed_read(&arena, buf_str(&b), &request, &why), n > EMBED_INPUTS ? E_SYNTAX : E_OK);
    }
    buf_done(&b);
}

static void calls_are_counted(void **state)
{
    (void)state;
    struct embed_row row = {.most = 3};
    static const size_t want[] = {0, 1, 1, 1, 2, 2, 2, 3};
    for (size_t n = 1; n < countof(want); n++) {
        request.n = n;
        assert_int_equal(embed_calls(&row, &request), want[n]);
    }
    row.most = 0;
    assert_int_equal(embed_calls(&row, &request), 1);
}

static void what_is_left_out_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *model, *left_out;
    } cases[] = {{"cohere/embed-v4.0", "user other "},
                 {"mistral/mistral-embed", "user other input_type "},
                 {"openrouter/x/y", ""}};
    for (size_t i = 0; i < countof(cases); i++) {
        char names[128] = "";
        struct asked x = find(str_c(cases[i].model));
        assert_int_equal(
            read_it("{\"model\":\"m\",\"input\":[\"a\"],\"user\":\"u\",\"other\":1,\"input_type\":\"x\","
                    "\"none\":null,\"dimensions\":2,\"encoding_format\":\"float\"}"),
            E_OK);
        notes = ir_request_none();
        assert_int_equal(embed_write(&arena, x.row, &request, x.model, 0, &out, &notes, &why), E_OK);
        for (size_t k = 0; k < notes.dropped.n; k++)
            snprintf(names + strlen(names), sizeof(names) - strlen(names), "%.*s ",
                     STR_FMT(notes.dropped.v[k]));
        assert_string_equal(names, cases[i].left_out);
    }
}

static void purposes(void **state)
{
    (void)state;
    assert_str(embed_purpose(STR("RETRIEVAL_QUERY"), WORDS_COHERE), STR("search_query"));
    assert_str(embed_purpose(STR("search_document"), WORDS_GOOGLE), STR("RETRIEVAL_DOCUMENT"));
    assert_str(embed_purpose(STR("clustering"), WORDS_NOVA), STR("CLUSTERING"));
    assert_str(embed_purpose(STR("FACT_VERIFICATION"), WORDS_COHERE), STR("FACT_VERIFICATION"));
    assert_null(embed_purpose(str_of(NULL, 0), WORDS_COHERE).p);
}

static void models_without_a_row(void **state)
{
    (void)state;
    assert_null(embed_find(STR("anthropic"), STR("claude-sonnet-5")));
    assert_null(embed_find(STR("aws-bedrock"), STR("amazon.titan-embed-image-v1")));
    assert_null(embed_find(STR("aws-bedrock"), STR("amazon.nova-lite-v1:0")));
}

/* ---- answers ---- */

static enum err answer(const char *model, const char *body, bool base64)
{
    struct asked x = find(str_c(model));
    request.base64 = base64;
    struct embed_answer a = {x.row, &request, x.model, x.provider, x.dialect, -1};
    buf_clear(&out);
    return embed_answer(&a, str_c(body), &out);
}

static void what_is_no_answer(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"data\":[]}",
        "{\"data\":{}}",
        "{\"data\":[{\"embedding\":[]}]}",
        "{\"data\":[{\"embedding\":\"AAAA\"}]}",
        "{\"data\":[{\"embedding\":[\"a\"]}]}",
        "{\"data\":[{\"embedding\":[1]},{\"embedding\":[2]}]}",
        "{\"data\":[{\"embedding\":[1]}]}\x1e",
        "{\"data\":[{\"embedding\":[1]}]}\x1e{\"data\":[{\"embedding\":[1]}]}"};
    assert_int_equal(read_it("{\"input\":\"a\"}"), E_OK);
    for (size_t i = 0; i < 2 * countof(bodies); i++)
        if (answer("fireworks/m", bodies[i / 2], i % 2) != E_SYNTAX)
            fail_msg("%s is taken", bodies[i / 2]);
    assert_int_equal(answer("fireworks/m", "{\"data\":[{\"embedding\":[1,\"a\"]}]}", true), E_SYNTAX);
    assert_int_equal(answer("fireworks/m", "{\"data\":[{\"embedding\":[1]}]}", true), E_OK);
}

/* base64 is written in pieces: around their ends it must be as in one. */
static void vectors_of_every_length(void **state)
{
    (void)state;
    struct buf b, want;
    buf_init(&b, 1 * MIB);
    buf_init(&want, 1 * MIB);
    assert_int_equal(read_it("{\"input\":\"a\"}"), E_OK);
    for (size_t n = 1; n < 400; n++) {
        buf_clear(&b);
        buf_clear(&want);
        (void)buf_append_c(&b, "{\"data\":[{\"embedding\":[");
        for (size_t i = 0; i < n; i++) {
            float f = (float)i * 0.37f - 20;
            (void)buf_printf(&b, "%s%.9g", i ? "," : "", (double)f);
            (void)buf_append(&want, str_of((const char *)&f, sizeof(f)));
        }
        (void)buf_append_c(&b, "]}]}");
        (void)buf_append_byte(&b, '\0');
        assert_int_equal(answer("fireworks/m", b.p, true), E_OK);
        struct str text = base64_encode(&arena, buf_str(&want));
        assert_true(str_has(buf_str(&out), arena_printf(&arena, "\"embedding\":\"%.*s\"", STR_FMT(text))));
    }
    buf_done(&b);
    buf_done(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_golden_case),
        cmocka_unit_test_setup_teardown(what_is_no_request, setup, teardown),
        cmocka_unit_test_setup_teardown(nulls_say_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(token_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(inputs_have_an_end, setup, teardown),
        cmocka_unit_test_setup_teardown(calls_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_left_out_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(purposes, setup, teardown),
        cmocka_unit_test_setup_teardown(models_without_a_row, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(vectors_of_every_length, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
