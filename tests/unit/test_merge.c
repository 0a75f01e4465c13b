/* SPDX-License-Identifier: Apache-2.0 */
/* merge: the stored form of each kind of stream, and what may not get lost on the way there. */
#include "tests/unit/test.h"

#include "base/arena.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"
#include "http/sse.h"
#include "providers/aws_stream.h"
#include "providers/merge.h"

#include <stdio.h>

static const struct str sse_type = S("text/event-stream; charset=utf-8");

/* The merged stream without streamed_data, for comparison with a literal. */
static void expect_merged(struct str type, struct str body, const char *want)
{
    struct buf out;
    buf_init(&out, 4 * MIB);
    assert_true(merge_stream(type, body, &out));
    struct str got = str_head(buf_str(&out), str_search(buf_str(&out), STR(",\"streamed_data\":[")));
    assert_str(got, str_c(want));
    struct json_doc *doc = json_parse(buf_str(&out));
    assert_non_null(doc);
    assert_int_equal(json_type(json_get(json_root(doc), "streamed_data")), JSON_ARRAY);
    json_free(doc);
    buf_done(&out);
}

#define EVENT(json) "data: " json "\n\n"

static void the_example_of_the_specification(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, KIB);
    assert_true(merge_stream(sse_type,
                             STR(EVENT("{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":"
                                       "\"assistant\",\"content\":\"Hello\"}}]}") EVENT(
                                 "{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" "
                                 "there\"},\"finish_reason\":\"stop\"}]}") EVENT("[DONE]")),
                             &out));
    assert_str(buf_str(&out), STR("{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":"
                                  "\"assistant\",\"content\":\"Hello there\"},"
                                  "\"finish_reason\":\"stop\"}],\"streamed_data\":["
                                  "{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":"
                                  "\"assistant\",\"content\":\"Hello\"}}]},"
                                  "{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
                                  "\" there\"},\"finish_reason\":\"stop\"}]}]}"));
    buf_done(&out);
}

static const struct {
    const char *body, *want;
} streams[] = {
    /* choices by index, tool calls by theirs, extras by the last value, nulls never over values */
    {EVENT("{\"model\":\"m\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}],\"usage\":null,\"x_"
           "groq\":{\"id\":\"r\"}}")
         EVENT("{\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":"
               "null,\"reasoning_content\":\"t\"}}],\"usage\":{\"a\":1}}")
             EVENT("{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"reasoning_content\":\"h\","
                   "\"tool_calls\":[{\"index\":1,\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":"
                   "\"\"}}]}}],\"usage\":null}")
                 EVENT("{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c0\","
                       "\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}}]}")
                     EVENT("{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"\","
                           "\"function\":{\"name\":null,\"arguments\":\"{\\\"a\\\"\"}},{\"index\":1,"
                           "\"function\":{\"arguments\":\":1}\"}}]},\"finish_reason\":\"tool_calls\"}]}"),
     "{\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null,"
     "\"reasoning_content\":\"th\",\"tool_calls\":["
     "{\"index\":0,\"id\":\"c0\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}},"
     "{\"index\":1,\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]},\"finish_"
     "reason\":\"tool_calls\"},"
     "{\"index\":1,\"delta\":{\"content\":\"b\"}}],\"usage\":{\"a\":1},\"x_groq\":{\"id\":\"r\"}"},
    /* log probabilities are lists that grow; completions have text beside the delta */
    {EVENT("{\"choices\":[{\"index\":0,\"text\":\"a\",\"logprobs\":{\"tokens\":[\"a\"]}}]}")
         EVENT("{\"choices\":[{\"index\":0,\"text\":\"b\",\"logprobs\":{\"tokens\":[\"b\"]},\"finish_"
               "reason\":\"length\"}]}"),
     "{\"choices\":[{\"index\":0,\"text\":\"ab\",\"logprobs\":{\"tokens\":[\"a\",\"b\"]},\"finish_reason\":"
     "\"length\"}]"},
    /* a stream of nothing but its usage */
    {EVENT("{\"choices\":[],\"usage\":{\"n\":1}}"), "{\"choices\":[],\"usage\":{\"n\":1}"},
    /* Anthropic */
    {EVENT("{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"content\":[],\"stop_"
           "reason\":null,\"usage\":{\"input_tokens\":3,\"cache_read_input_tokens\":2,\"output_tokens\":1}}}")
         EVENT("{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\","
               "\"thinking\":\"\",\"signature\":\"\"}}")
             EVENT("{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\","
                   "\"thinking\":\"hm\"}}") EVENT("{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{"
                                                  "\"type\":\"signature_delta\",\"signature\":\"Eq\"}}")
                 EVENT("{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\","
                       "\"text\":\"\"}}") EVENT("{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{"
                                                "\"type\":\"text_delta\",\"text\":\"Hi\"}}") EVENT(
                     "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"citations_delta\","
                     "\"citation\":{\"n\":1}}}")
                     EVENT("{\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_"
                           "use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}}") EVENT(
                         "{\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_"
                         "delta\",\"partial_json\":\"{\\\"a\\\":\"}}")
                         EVENT("{\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_"
                               "json_delta\",\"partial_json\":\"1}\"}}") EVENT(
                             "{\"type\":\"content_block_start\",\"index\":3,\"content_block\":{\"type\":"
                             "\"tool_use\",\"id\":\"u\",\"name\":\"g\",\"input\":{}}}")
                             EVENT("{\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":"
                                   "\"input_json_delta\",\"partial_json\":\"\"}}") EVENT(
                                 "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_"
                                 "sequence\":null},\"usage\":{\"input_tokens\":null,\"output_tokens\":9}}")
                                 EVENT("{\"type\":\"message_stop\"}"),
     "{\"id\":\"m\",\"type\":\"message\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\","
     "\"signature\":\"Eq\"},"
     "{\"type\":\"text\",\"text\":\"Hi\",\"citations\":[{\"n\":1}]},{\"type\":\"tool_use\",\"id\":\"t\","
     "\"name\":\"f\",\"input\":{\"a\":1}},"
     "{\"type\":\"tool_use\",\"id\":\"u\",\"name\":\"g\",\"input\":{}}],\"stop_reason\":\"tool_use\","
     "\"usage\":{\"input_tokens\":3,\"cache_read_input_tokens\":2,\"output_tokens\":9},\"stop_sequence\":"
     "null"},
    /* responses: the last response stands for all; an error after it stays visible */
    {EVENT("{\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"status\":\"in_progress\",\"usage\":"
           "null}}") EVENT("{\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}")
         EVENT("{\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"output\":[{\"text\":\"Hi\"}],"
               "\"usage\":{\"n\":2}}}"),
     "{\"id\":\"r\",\"output\":[{\"text\":\"Hi\"}],\"usage\":{\"n\":2}"},
    {EVENT("{\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}")
         EVENT("{\"type\":\"error\",\"code\":\"x\",\"message\":\"no\"}"),
     "{\"id\":\"r\",\"error\":{\"type\":\"error\",\"code\":\"x\",\"message\":\"no\"}"},
    /* Gemini: parts go on; thoughts, calls and images are parts of their own */
    {EVENT("{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"h\",\"thought\":true}]}}"
           "],\"usageMetadata\":{\"a\":1}}")
         EVENT("{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"m\",\"thought\":"
               "true},{\"text\":\"A\"}]}}]}")
             EVENT("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"B\"},{\"functionCall\":{\"name\":"
                   "\"f\",\"args\":{\"text\":\"x\",\"l\":[{\"index\":5},{\"index\":5}]}}},{\"text\":\"C\","
                   "\"thoughtSignature\":\"s\"}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"a\":2}}"),
     "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"hm\",\"thought\":true},{"
     "\"text\":\"AB\"},"
     "{\"functionCall\":{\"name\":\"f\",\"args\":{\"text\":\"x\",\"l\":[{\"index\":5},{\"index\":5}]}}},{"
     "\"text\":\"C\",\"thoughtSignature\":\"s\"}]},"
     "\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"a\":2}"},
    /* Cohere v2 and v1 */
    {EVENT("{\"id\":\"c\",\"type\":\"message-start\",\"delta\":{\"message\":{\"role\":\"assistant\","
           "\"content\":[],\"tool_plan\":\"\",\"tool_calls\":[],\"citations\":[]}}}")
         EVENT("{\"type\":\"tool-plan-delta\",\"delta\":{\"message\":{\"tool_plan\":\"I\"}}}") EVENT(
             "{\"type\":\"tool-plan-delta\",\"delta\":{\"message\":{\"tool_plan\":\" go\"}}}")
             EVENT("{\"type\":\"tool-call-start\",\"index\":0,\"delta\":{\"message\":{\"tool_calls\":{\"id\":"
                   "\"t\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}}}}") EVENT(
                 "{\"type\":\"tool-call-delta\",\"index\":0,\"delta\":{\"message\":{\"tool_calls\":{"
                 "\"function\":{\"arguments\":\"{}\"}}}}}") EVENT("{\"type\":\"tool-call-end\",\"index\":0}")
                 EVENT("{\"type\":\"content-start\",\"index\":0,\"delta\":{\"message\":{\"content\":{"
                       "\"type\":\"text\",\"text\":\"\"}}}}")
                     EVENT("{\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":{"
                           "\"text\":\"Hi\"}}}}") EVENT("{\"type\":\"message-end\",\"delta\":{\"finish_"
                                                        "reason\":\"COMPLETE\",\"usage\":{\"n\":1.0}}}"),
     "{\"id\":\"c\",\"message\":{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}],"
     "\"tool_plan\":\"I go\","
     "\"tool_calls\":[{\"id\":\"t\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}],\"citations\":[]},"
     "\"finish_reason\":\"COMPLETE\",\"usage\":{\"n\":1.0}"},
    {EVENT("{\"event_type\":\"stream-start\",\"generation_id\":\"g\"}")
         EVENT("{\"event_type\":\"text-generation\",\"text\":\"Hi\"}")
             EVENT("{\"event_type\":\"text-generation\",\"text\":\"!\"}"),
     "{\"text\":\"Hi!\""},
    /* Workers AI */
    {EVENT("{\"response\":\"a\",\"p\":\"x\"}") EVENT("{\"response\":\"b\",\"p\":\"\"}")
         EVENT("{\"response\":\"\",\"usage\":{\"n\":2}}"),
     "{\"response\":\"ab\",\"p\":\"\",\"usage\":{\"n\":2}"},
    /* a metadata member is not Bedrock's unless it looks so */
    {EVENT("{\"id\":\"a\",\"metadata\":{\"usage\":{\"n\":1}}}"),
     "{\"id\":\"a\",\"metadata\":{\"usage\":{\"n\":1}}"},
    /* events that are no objects, or no JSON, do not disturb */
    {": hello\n\n" EVENT("oops") EVENT("[1]")
         EVENT("{\"id\":\"a\"}") "event: ping\n\ndata: {\"b\":\ndata: 1}",
     "{\"id\":\"a\",\"b\":1"},
};

static void streams_of_all_providers(void **state)
{
    (void)state;
    for (size_t i = 0; i < countof(streams); i++)
        expect_merged(sse_type, str_c(streams[i].body), streams[i].want);
}

static void chunks_stay_as_they_were(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, KIB);
    assert_true(merge_stream(STR("text/event-stream"),
                             STR("data: {\"id\": 12345678901234567890123, \"u\":\"\\u00e9\\/\", "
                                 "\"f\":1.0}\r\n\r\ndata: [1 ,2]\r\n\r\n"),
                             &out));
    assert_true(str_ends(buf_str(&out), STR("\"streamed_data\":[{\"id\": 12345678901234567890123, "
                                            "\"u\":\"\\u00e9\\/\", \"f\":1.0},[1 ,2]]}")));
    buf_done(&out);
}

static void add_frame(struct buf *b, const char *kind, const char *name, const char *payload)
{
    const struct str headers[][2] = {{str_c(kind), str_c(name)}};
    assert_int_equal(aws_frame_write(b, headers, 1, str_c(payload)), E_OK);
}

static void add_chunk(struct buf *b, struct str json)
{
    struct arena a;
    arena_init(&a, 64 * KIB);
    struct str coded = base64_encode(&a, json);
    add_frame(b, ":event-type", "chunk",
              arena_printf(&a, "{\"bytes\":\"%.*s\",\"p\":\"abc\"}", STR_FMT(coded)).p);
    arena_done(&a);
}

static void frames_of_bedrock(void **state)
{
    (void)state;
    static const struct str type = S("application/vnd.amazon.eventstream");
    struct buf b;
    buf_init(&b, 64 * KIB);
    add_frame(&b, ":event-type", "messageStart", "{\"role\":\"assistant\"}");
    add_frame(&b, ":event-type", "contentBlockDelta",
              "{\"contentBlockIndex\":0,\"delta\":{\"reasoningContent\":{\"text\":\"h\"}}}");
    add_frame(&b, ":event-type", "contentBlockDelta",
              "{\"contentBlockIndex\":0,\"delta\":{\"reasoningContent\":{\"text\":\"m\"}}}");
    add_frame(&b, ":event-type", "contentBlockDelta",
              "{\"contentBlockIndex\":1,\"delta\":{\"text\":\"Hi\"}}");
    add_frame(&b, ":event-type", "contentBlockStart",
              "{\"contentBlockIndex\":2,\"start\":{\"toolUse\":{\"toolUseId\":\"t\",\"name\":\"f\"}}}");
    add_frame(&b, ":event-type", "contentBlockDelta",
              "{\"contentBlockIndex\":2,\"delta\":{\"toolUse\":{\"input\":\"{\\\"a\\\":\"}}}");
    add_frame(&b, ":event-type", "contentBlockDelta",
              "{\"contentBlockIndex\":2,\"delta\":{\"toolUse\":{\"input\":\"[]}\"}}}");
    add_frame(&b, ":event-type", "messageStop", "{\"stopReason\":\"tool_use\"}");
    add_frame(&b, ":event-type", "metadata", "{\"usage\":{\"inputTokens\":1},\"metrics\":{\"latencyMs\":2}}");
    add_frame(&b, ":exception-type", "throttlingException", "{\"message\":\"slow down\"}");
    expect_merged(type, buf_str(&b),
                  "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"reasoningContent\":{"
                  "\"text\":\"hm\"}},{\"text\":\"Hi\"},"
                  "{\"toolUse\":{\"toolUseId\":\"t\",\"name\":\"f\",\"input\":{\"a\":[]}}}]}},\"stopReason\":"
                  "\"tool_use\","
                  "\"usage\":{\"inputTokens\":1},\"metrics\":{\"latencyMs\":2},\"throttlingException\":{"
                  "\"message\":\"slow down\"}");
    buf_clear(&b);
    add_chunk(&b, STR("{\"outputText\":\"a\",\"index\":0}"));
    add_chunk(&b, STR("{\"outputText\":\"é\",\"index\":0,\"amazon-bedrock-invocationMetrics\":{"
                      "\"inputTokenCount\":5}}"));
    expect_merged(
        type, buf_str(&b),
        "{\"outputText\":\"aé\",\"index\":0,\"amazon-bedrock-invocationMetrics\":{\"inputTokenCount\":5}");
    struct buf out;
    buf_init(&out, KIB);
    assert_true(merge_stream(type, buf_str(&b), &out));
    assert_true(str_has(buf_str(&out),
                        STR("\"streamed_data\":[{\"outputText\":\"a\",\"index\":0},{\"outputText\":\"é\"")));
    buf_done(&out);
    buf_done(&b);
}

static void lines_of_json(void **state)
{
    (void)state;
    expect_merged(STR("application/stream+json"),
                  STR("{\"event_type\":\"text-generation\",\"text\":\"a\"}\r\n\n{\"event_type\":\"text-"
                      "generation\",\"text\":\"b\"}"),
                  "{\"text\":\"ab\"");
}

static void what_is_no_stream_is_left_alone(void **state)
{
    (void)state;
    static const struct str bodies[][2] = {
        {S("text/event-stream"), S("")},
        {S("text/event-stream"), S("data: [DONE]\n\n")},
        {S("text/event-stream"), S("event: ping\n\n: x\n\n")},
        {S("text/event-stream"), S("data: plain text\n\n")},
        {S("application/json"), S("data: {}\n\n")},
        {S(""), S("data: {}\n\n")},
        {S("application/vnd.amazon.eventstream"), S("data: {}\n\n")},
    };
    struct buf out;
    buf_init(&out, KIB);
    buf_append_c(&out, "before");
    for (size_t i = 0; i < countof(bodies); i++) {
        assert_false(merge_stream(bodies[i][0], bodies[i][1], &out));
        assert_str(buf_str(&out), STR("before"));
    }
    buf_done(&out);
}

static void an_output_that_does_not_fit_is_none(void **state)
{
    (void)state;
    static const struct str body = S(EVENT("{\"choices\":[{\"delta\":{\"content\":\"0123456789\"}}]}"));
    for (size_t max = 0; max < 140; max++) {
        struct buf out;
        buf_init(&out, max);
        bool merged = merge_stream(sse_type, body, &out);
        assert_true(merged ? out.n > 100 : out.n == 0);
        buf_done(&out);
    }
}

/* A provider cannot make reading a log slow or big. */
static void masses_of_members_are_bounded(void **state)
{
    (void)state;
    struct buf b, out;
    buf_init(&b, 8 * MIB);
    buf_init(&out, 16 * MIB);
    buf_append_c(&b, "data: {");
    for (unsigned i = 0; i < 50000; i++)
        buf_printf(&b, "\"k%u\":%u,", i, i);
    buf_append_c(&b, "\"choices\":[]}\n\n");
    for (unsigned i = 0; i < 20000; i++)
        buf_printf(&b, "data: {\"choices\":[{\"index\":%u,\"delta\":{\"content\":\"x\"}}]}\n\n", 20000 - i);
    assert_true(merge_stream(sse_type, buf_str(&b), &out));
    assert_true(out.n < 3 * b.n);
    buf_done(&b);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_specification),
        cmocka_unit_test(streams_of_all_providers),
        cmocka_unit_test(chunks_stay_as_they_were),
        cmocka_unit_test(frames_of_bedrock),
        cmocka_unit_test(lines_of_json),
        cmocka_unit_test(what_is_no_stream_is_left_alone),
        cmocka_unit_test(an_output_that_does_not_fit_is_none),
        cmocka_unit_test(masses_of_members_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
