/* SPDX-License-Identifier: Apache-2.0 */
/* A request that passes, made fit for the provider: what changes, and that nothing else does. */
#include "tests/unit/test.h"

#include "base/limits.h"
#include "providers/fit.h"

enum {
    OPENAI = CODEC_MAX_COMPLETION_TOKENS | CODEC_NO_EXTENSIONS,
    GROQ = CODEC_NO_DEVELOPER | CODEC_NO_EXTENSIONS,
    GOOGLE = CODEC_NO_EXTENSIONS | CODEC_EXTRA_CONTENT,
    MISTRAL = CODEC_NO_DEVELOPER | CODEC_NO_STREAM_OPTIONS | CODEC_NO_EXTENSIONS | CODEC_RANDOM_SEED |
              CODEC_MAX_TOKENS,
};

static const struct {
    unsigned quirks;
    const char *body, *want, *left_out; /* left_out: names, a space between */
} cases[] = {
    /* the model's name, and every other byte */
    {0, "{ \"a\" : 1.50,\"model\"\t: \"x/y\" ,\"b\":[ ]} ", "{ \"a\" : 1.50,\"model\"\t: \"m\" ,\"b\":[ ]} ",
     ""},
    {MISTRAL, "{\"messages\": [ {\"role\" : \"user\"} ],\"n\":1}",
     "{\"messages\": [ {\"role\" : \"user\"} ],\"n\":1}", ""},
    {0, "{\"stream\":true}", "{\"stream\":true}", ""}, /* the model stands in the path */
    {0, "{}", "{}", ""},
    {0, "{\"\\u006dodel\":1}", "{\"\\u006dodel\":\"m\"}", ""},

    /* limits */
    {OPENAI, "{\"max_tokens\": 5,\"model\":\"x\"}", "{\"max_completion_tokens\": 5,\"model\":\"m\"}", ""},
    {OPENAI, "{\"max_tokens\":5, \"max_completion_tokens\":6}", "{\"max_completion_tokens\":6}",
     "max_tokens"},
    {OPENAI, "{\"max_completion_tokens\":6}", "{\"max_completion_tokens\":6}", ""},
    {GROQ, "{\"max_completion_tokens\":6, \"max_tokens\":5}",
     "{\"max_completion_tokens\":6, \"max_tokens\":5}", ""},
    {MISTRAL, "{\"max_completion_tokens\":6}", "{\"max_tokens\":6}", ""},

    /* members of the request */
    {MISTRAL, "{ \"stream_options\":{\"include_usage\":true}, \"seed\":7, \"x\":1,\"user\":\"u\"}",
     "{ \"random_seed\":7, \"x\":1}", "stream_options user"},
    {MISTRAL, "{\"x\":1, \"store\":false }", "{\"x\":1 }", "store"},
    {MISTRAL, "{\"user\":1}", "{}", "user"},
    {MISTRAL, "{\"metadata\":{\"user\":1,\"max_completion_tokens\":2}}",
     "{\"metadata\":{\"user\":1,\"max_completion_tokens\":2}}", ""},
    {CODEC_NO_PARALLEL, "{\"parallel_tool_calls\":true,\"tools\":[]}", "{\"tools\":[]}",
     "parallel_tool_calls"},
    {OPENAI, "{\"parallel_tool_calls\":true,\"user\":\"u\",\"seed\":1}",
     "{\"parallel_tool_calls\":true,\"user\":\"u\",\"seed\":1}", ""},

    /* messages */
    {GROQ, "{\"messages\":[{\"role\": \"developer\",\"content\":\"developer\"},{\"role\":\"user\"}]}",
     "{\"messages\":[{\"role\": \"system\",\"content\":\"developer\"},{\"role\":\"user\"}]}", ""},
    {OPENAI, "{\"messages\":[{\"role\":\"developer\"}]}", "{\"messages\":[{\"role\":\"developer\"}]}", ""},
    {OPENAI,
     "{\"messages\":[{\"reasoning_content\":\"t\",\"role\":\"assistant\",\"reasoning_details\":[{}]},{"
     "\"reasoning_content\":\"u\"}]}",
     "{\"messages\":[{\"role\":\"assistant\"},{}]}", "reasoning_content reasoning_details"},
    {0, "{\"messages\":[{\"reasoning_content\":\"t\"}]}", "{\"messages\":[{\"reasoning_content\":\"t\"}]}",
     ""},
    {OPENAI,
     "{\"messages\":[{\"tool_calls\":[{\"id\":\"1\",\"extra_content\":{}} , "
     "{\"id\":\"2\"}],\"prefix\":false}]}",
     "{\"messages\":[{\"tool_calls\":[{\"id\":\"1\"} , {\"id\":\"2\"}]}]}", "extra_content prefix"},
    {GOOGLE, "{\"messages\":[{\"tool_calls\":[{\"extra_content\":{}}]}]}",
     "{\"messages\":[{\"tool_calls\":[{\"extra_content\":{}}]}]}", ""},
    {MISTRAL, "{\"messages\":[{\"refusal\":null,\"annotations\":[],\"prefix\":true}]}",
     "{\"messages\":[{\"prefix\":true}]}", "refusal annotations"},

    /* what is no request: the provider says so */
    {MISTRAL, "{\"messages\":\"developer\"}", "{\"messages\":\"developer\"}", ""},
    {MISTRAL, "{\"messages\":[1,\"developer\",[{\"role\":\"developer\"}]]}",
     "{\"messages\":[1,\"developer\",[{\"role\":\"developer\"}]]}", ""},
};

static void what_changes(void **state)
{
    (void)state;
    const struct codec_ask ask = {.model = STR("m")};
    for (size_t i = 0; i < countof(cases); i++) {
        struct arena a;
        struct buf out, names;
        struct ir_strs left_out = {0};
        struct codec_ask with = ask;
        with.quirks = cases[i].quirks;
        arena_init(&a, MIB);
        buf_init(&out, MIB);
        buf_init(&names, MIB);
        assert_int_equal(fit_request(&a, str_c(cases[i].body), &with, &out, &left_out), E_OK);
        assert_str(buf_str(&out), str_c(cases[i].want));
        for (size_t n = 0; n < left_out.n; n++) {
            assert_int_equal(buf_append(&names, n ? STR(" ") : STR("")), E_OK);
            assert_int_equal(buf_append(&names, left_out.v[n]), E_OK);
        }
        assert_str(buf_str(&names), str_c(cases[i].left_out));
        buf_done(&names);
        buf_done(&out);
        arena_done(&a);
    }
}

static void no_object(void **state)
{
    (void)state;
    const struct codec_ask ask = {.model = STR("m")};
    static const char *const bodies[] = {"", "[]", "\"x\"", "nonsense"};
    for (size_t i = 0; i < countof(bodies); i++) {
        struct arena a;
        struct buf out;
        struct ir_strs left_out = {0};
        arena_init(&a, MIB);
        buf_init(&out, MIB);
        assert_int_equal(fit_request(&a, str_c(bodies[i]), &ask, &out, &left_out), E_SYNTAX);
        buf_done(&out);
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_changes), cmocka_unit_test(no_object)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
