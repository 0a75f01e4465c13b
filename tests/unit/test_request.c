/* SPDX-License-Identifier: Apache-2.0 */
/* request: facts read from bodies, the splice that asks for usage, fields of multipart bodies. */
#include "tests/unit/test.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/limits.h"
#include "providers/request.h"

static struct str asked(struct arena *a, const char *body, enum dialect d, struct request_facts *f)
{
    struct str parts[3];
    assert_int_equal(request_facts_read(a, d, str_c(body), f), E_OK);
    if (!f->insert.p)
        return (struct str){NULL, 0};
    request_ask_usage(f, str_c(body), parts);
    return arena_join(a, parts, 3);
}

/* want NULL: the body stays as it is. */
static const struct {
    const char *body, *want;
    bool usage_asked;
} splices[] = {
    {"{\"stream\":true}", "{\"stream_options\":{\"include_usage\":true},\"stream\":true}", false},
    {" \r\n{ \"stream\" : true, \"n\": 12345678901234567890123 }\n",
     " \r\n{\"stream_options\":{\"include_usage\":true}, \"stream\" : true, \"n\": 12345678901234567890123 "
     "}\n",
     false},
    {"{\"stream\":true,\"stream_options\":{}}",
     "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}", false},
    {"{\"stream\":true,\"stream_options\" :\t{ }}",
     "{\"stream\":true,\"stream_options\" :\t{\"include_usage\":true }}", false},
    {"{\"stream_options\":{\"include_obfuscation\":false},\"stream\":true}",
     "{\"stream_options\":{\"include_usage\":true,\"include_obfuscation\":false},\"stream\":true}", false},
    {"{\"stream\":true,\"stream_options\":{\"include_usage\":false}}",
     "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}", false},
    {"{\"stream\":true,\"stream_options\":{\"include_usage\" : null , \"a\":1}}",
     "{\"stream\":true,\"stream_options\":{\"include_usage\" : true , \"a\":1}}", false},
    {"{\"stream\":true,\"stream_options\": null}",
     "{\"stream\":true,\"stream_options\": {\"include_usage\":true}}", false},
    {"{\"stream\":true,\"stream_options\":{\"include_usage\":true}}", NULL, true},
    {"{\"stream\":true,\"stream_options\":[]}", NULL, false},
    {"{\"stream\":true,\"stream_options\":\"yes\"}", NULL, false},
    {"{\"stream\":true,\"stream_options\":true}", NULL, false},
    {"{\"stream\":true,\"stream_options\":{\"include_usage\":\"yes\"}}", NULL, false},
    {"{\"stream\":true,\"stream_options\":{\"include_usage\":1}}", NULL, false},
    {"{\"stream\":false}", NULL, false},
    {"{\"stream\":null,\"stream_options\":{}}", NULL, false},
    {"{\"stream\":\"true\"}", NULL, false},
    {"{}", NULL, false},
    /* the last of two counts; text that looks like members does not */
    {"{\"stream\":false,\"stream\":true}",
     "{\"stream_options\":{\"include_usage\":true},\"stream\":false,\"stream\":true}", false},
    {"{\"stream\":true,\"stream_options\":{\"include_usage\":true},\"stream_options\":{}}",
     "{\"stream\":true,\"stream_options\":{\"include_usage\":true},\"stream_options\":{\"include_usage\":"
     "true}}",
     false},
    {"{\"messages\":[{\"content\":\"\\\"stream_options\\\":{}\\u00e9\\\\\"}],\"stream\":true,\"stream_"
     "options\":{\"include_usage\":false}}",
     "{\"messages\":[{\"content\":\"\\\"stream_options\\\":{}\\u00e9\\\\\"}],\"stream\":true,\"stream_"
     "options\":{\"include_usage\":true}}",
     false},
    {"{\"messages\":[{\"stream_options\":null}],\"stream\":true}",
     "{\"stream_options\":{\"include_usage\":true},\"messages\":[{\"stream_options\":null}],\"stream\":true}",
     false},
    {"{\"stream\":true,\"str\\u0065am_options\":{}}",
     "{\"stream\":true,\"str\\u0065am_options\":{\"include_usage\":true}}", false},
};

static void the_splice_changes_nothing_else(void **state)
{
    (void)state;
    static const enum dialect dialects[] = {D_OPENAI_CHAT, D_OPENAI_COMPLETIONS};
    struct arena a;
    arena_init(&a, MIB);
    for (size_t i = 0; i < countof(splices); i++)
        for (size_t d = 0; d < countof(dialects); d++) {
            struct request_facts f;
            assert_str(asked(&a, splices[i].body, dialects[d], &f), str_c(splices[i].want));
            assert_int_equal(f.usage_asked, splices[i].usage_asked);
        }
    arena_done(&a);
}

/* What was spliced in must be read back as asked for. */
static void the_new_body_asks(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, MIB);
    for (size_t i = 0; i < countof(splices); i++) {
        struct request_facts f, g;
        struct str body = asked(&a, splices[i].body, D_OPENAI_CHAT, &f);
        if (!body.p)
            continue;
        assert_int_equal(request_facts_read(&a, D_OPENAI_CHAT, body, &g), E_OK);
        assert_true(g.usage_asked && g.stream && !g.insert.p);
    }
    arena_done(&a);
}

static void other_dialects_are_not_asked(void **state)
{
    (void)state;
    static const enum dialect others[] = {D_ANTHROPIC, D_OPENAI_RESPONSES, D_OPAQUE,
                                          D_COHERE_V2, D_WORKERS_AI,       D_OPENAI_AUDIO};
    struct arena a;
    arena_init(&a, MIB);
    for (size_t i = 0; i < countof(others); i++) {
        struct request_facts f;
        assert_null(asked(&a, "{\"model\":\"m\\u00e9\",\"stream\":true}", others[i], &f).p);
        assert_true(f.stream);
        assert_str(f.model, STR("mé"));
    }
    arena_done(&a);
}

static void bodies_that_are_no_object(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "", "[]", "\"stream\"", "{\"stream\":true", "{\"stream\":true}{}", "null", "\x80"};
    struct arena a;
    arena_init(&a, MIB);
    for (size_t i = 0; i < countof(bodies); i++) {
        struct request_facts f = {.at = 77};
        assert_int_equal(request_facts_read(&a, D_OPENAI_CHAT, str_c(bodies[i]), &f), E_SYNTAX);
        assert_int_equal(f.at, 77);
    }
    struct request_facts f;
    assert_int_equal(request_facts_read(&a, D_OPENAI_CHAT, STR("{\"model\":4,\"stream\":1}"), &f), E_OK);
    assert_null(f.model.p);
    assert_false(f.stream);
    arena_done(&a);
    arena_init(&a, 8);
    assert_int_equal(request_facts_read(&a, D_OPENAI_CHAT, STR("{\"model\":\"a long model name\"}"), &f),
                     E_FULL);
    arena_done(&a);
}

#define FILE_PART                                                                                            \
    "Content-Disposition: form-data; name=\"file\"; filename=\"a; "                                          \
    "name=\\\"model\\\"--XX\"\r\nContent-Type: audio/mpeg\r\n\r\n"
#define FORM                                                                                                 \
    "--XX\r\n" FILE_PART                                                                                     \
    "ID3 --XX\r\n--XXY\r\n\r\n--X\r\n--XX\r\ncontent-disposition:form-data;NAME=model\r\n\r\nwhisper-1\r\n"  \
    "--XX\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\n\r\n--XX "   \
    "\r\n"                                                                                                   \
    "Content-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n--XX--\r\n"

static void fields_of_a_form(void **state)
{
    (void)state;
    static const char *const types[] = {"multipart/form-data; boundary=XX",
                                        "Multipart/Form-Data;charset=utf-8; Boundary=\"XX\" ",
                                        "multipart/form-data; a=\"b;boundary=no\";boundary=XX"};
    for (size_t i = 0; i < countof(types); i++) {
        assert_str(multipart_field(str_c(types[i]), STR(FORM), STR("model")), STR("whisper-1"));
        assert_str(multipart_field(str_c(types[i]), STR("preamble\r\n" FORM), STR("stream")), STR("true"));
        struct str empty = multipart_field(str_c(types[i]), STR(FORM), STR("prompt"));
        assert_true(empty.p && empty.n == 0);
        assert_null(multipart_field(str_c(types[i]), STR(FORM), STR("n")).p);
    }
}

static void forms_that_have_no_such_field(void **state)
{
    (void)state;
    assert_null(multipart_field(STR("multipart/form-data"), STR(FORM), STR("model")).p);
    assert_null(multipart_field(STR("multipart/form-data; boundary="), STR(FORM), STR("model")).p);
    assert_null(multipart_field(STR("multipart/form-data; boundary=YY"), STR(FORM), STR("model")).p);
    assert_null(multipart_field(STR("application/json; boundary=XX"), STR(FORM), STR("model")).p);
    assert_null(multipart_field(STR(""), STR(""), STR("model")).p);
    assert_null(multipart_field((struct str){NULL, 0}, (struct str){NULL, 0}, STR("model")).p);
    assert_null(
        multipart_field(STR("multipart/form-data; boundary=XX"), STR("--XX--\r\n" FORM), STR("model")).p);
}

/* A prefix yields the value or nothing, never a piece of it. */
static void a_prefix_yields_all_or_nothing(void **state)
{
    (void)state;
    struct str form = STR(FORM), type = STR("multipart/form-data; boundary=XX");
    bool found = false;
    for (size_t n = 0; n <= form.n; n++) {
        struct str model = multipart_field(type, str_head(form, n), STR("model"));
        if (model.p)
            assert_str(model, STR("whisper-1"));
        assert_true(model.p || !found);
        found = model.p != NULL;
    }
    assert_true(found);
}

static void answers_are_as_long_as_the_request_allows(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int64_t tokens;
    } cases[] = {
        {"{}", 7},
        {"", 7},
        {"not json", 7},
        {"{\"max_tokens\":100}", 100},
        {"{\"max_completion_tokens\":0}", 0},
        {"{\"max_output_tokens\": 50, \"n\": 3}", 150},
        {"{\"n\":2,\"messages\":[{\"max_tokens\":9}]}", 14},
        {"{\"generationConfig\":{\"maxOutputTokens\":20,\"candidateCount\":2}}", 40},
        {"{\"inferenceConfig\":{\"maxTokens\":30}}", 30},
        {"{\"max_tokens\":-5}", 7},
        {"{\"max_tokens\":\"9\"}", 7},
        {"{\"max_tokens\":null,\"n\":0}", 7},
        {"{\"max_tokens\":9223372036854775807,\"n\":9}", INT64_MAX},
        {"{\"max_tokens\":99999999999999999999}", 7},
        {"{\"max\\u005ftokens\":11}", 11},
    };
    for (size_t i = 0; i < countof(cases); i++)
        assert_int_equal(request_answer_tokens(str_c(cases[i].body), 7), cases[i].tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_splice_changes_nothing_else),
        cmocka_unit_test(the_new_body_asks),
        cmocka_unit_test(other_dialects_are_not_asked),
        cmocka_unit_test(bodies_that_are_no_object),
        cmocka_unit_test(fields_of_a_form),
        cmocka_unit_test(forms_that_have_no_such_field),
        cmocka_unit_test(a_prefix_yields_all_or_nothing),
        cmocka_unit_test(answers_are_as_long_as_the_request_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
