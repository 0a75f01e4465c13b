/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec_bedrock_converse: what the API's documentation says, spelled out. The golden cases (test_codec.c)
 * show that nothing is lost on the way; here stands what exactly is written for what, and what is refused.
 */
#include "tests/unit/codec_written.h"
#include "providers/codec_bedrock.h"

#define CLAUDE "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
#define HI "\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"Hi\"}]}]"

static const struct codec *const tested = &codec_bedrock_converse;

static struct ir_tool *tool(struct ir_request *r)
{
    struct ir_tool *t = ir_add_tool(&arena, r);
    t->name = STR("look");
    t->schema = STR("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}");
    return t;
}

/* ---- requests, written ---- */

static void all_of_a_request(void **state)
{
    (void)state;
    struct ir_request r = request_to(CLAUDE);
    say(&r, IR_SYSTEM, "Be terse.")->cache = IR_CACHE_1H;
    say(&r, IR_DEVELOPER, "Speak German.");
    say(&r, IR_USER, "Look.");
    call(&r, "call.1", "{\"a\": 1}");
    call(&r, "call_2", "");
    result(&r, "call.1", "found");
    result(&r, "call_2", "no")->is_error = true;
    say(&r, IR_USER, "And?")->cache = IR_CACHE_5M;
    struct ir_tool *t = tool(&r);
    t->description = STR("Looks.");
    r.choice = IR_CHOICE_REQUIRED;
    r.max_tokens = 100;
    r.temperature = STR("0.20");
    r.top_k = STR("7");
    assert_true(ir_add_str(&arena, &r.stop, STR("END")));
    r.metadata = STR("{\"team\":\"a\"}");
    r.service_tier = STR("priority");
    r.seed = STR("4");
    writes(
        &r,
        "{\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"look\",\"description\":\"Looks.\","
        "\"inputSchema\":"
        "{\"json\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}}}}],\"toolChoice\":"
        "{\"any\":{}}},"
        "\"system\":[{\"text\":\"Be "
        "terse.\"},{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"1h\"}},{\"text\":"
        "\"Speak German.\"}],"
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"Look.\"}]},"
        "{\"role\":\"assistant\",\"content\":[{\"toolUse\":{\"toolUseId\":\"call_1\",\"name\":\"look\","
        "\"input\":"
        "{\"a\": 1}}},{\"toolUse\":{\"toolUseId\":\"call_2\",\"name\":\"look\",\"input\":{}}}]},"
        "{\"role\":\"user\",\"content\":[{\"toolResult\":{\"toolUseId\":\"call_1\",\"content\":[{\"text\":"
        "\"found\"}]}},{\"toolResult\":{\"toolUseId\":\"call_2\",\"content\":[{\"text\":\"no\"}],\"status\":"
        "\"error\"}},{\"text\":\"And?\"},{\"cachePoint\":{\"type\":\"default\"}}]}],"
        "\"inferenceConfig\":{\"maxTokens\":100,\"temperature\":0.20,\"stopSequences\":[\"END\"]},"
        "\"additionalModelRequestFields\":{\"top_k\":7},"
        "\"requestMetadata\":{\"team\":\"a\"},\"serviceTier\":{\"type\":\"priority\"},"
        "\"additionalModelResponseFieldPaths\":[\"/stop_sequence\"]}");
    drops(&r, "seed");
}

static void media(void **state)
{
    (void)state;
    struct ir_request r = request_to(CLAUDE);
    struct ir_part *p = add(&r, IR_USER, IR_IMAGE);
    p->media = (struct ir_media){.mime = STR("image/jpeg"), .data = STR("/9j/")};
    p = add(&r, IR_USER, IR_FILE);
    p->media = (struct ir_media){
        .mime = STR("application/pdf"), .data = STR("JVBERi0="), .name = STR("my  report.pdf")};
    p = add(&r, IR_USER, IR_FILE);
    p->media = (struct ir_media){.text = STR("Notes.")};
    writes_member(
        &r, "messages",
        "[{\"role\":\"user\",\"content\":[{\"image\":{\"format\":\"jpeg\",\"source\":{\"bytes\":\"/9j/\"}}},"
        "{\"document\":{\"format\":\"pdf\",\"source\":{\"bytes\":\"JVBERi0=\"},\"name\":\"my report-pdf\"}},"
        "{\"document\":{\"format\":\"txt\",\"source\":{\"text\":\"Notes.\"},\"name\":\"document-1\"}}]}]");
    drops(&r, "file.name");
    p->media = (struct ir_media){.mime = STR("image/png"), .url = STR("https://a.test/x.png")};
    p->kind = IR_IMAGE;
    refuses(&r, "image: this provider takes the bytes or an s3:// address, no other URL and no file id");
    p->media = (struct ir_media){.mime = STR("image/tiff"), .data = STR("AAAA")};
    refuses(&r, "image: this provider does not take the type \"image/tiff\"");
    p->media = (struct ir_media){.mime = STR("image/png"), .url = STR("s3://b/x.png")};
    writes_member(&r, "toolConfig", "");
    assert_true(str_has(
        buf_str(&out),
        STR("{\"image\":{\"format\":\"png\",\"source\":{\"s3Location\":{\"uri\":\"s3://b/x.png\"}}}}")));
}

static void reasoning(void **state)
{
    (void)state;
    static const struct {
        const char *model, *effort, *fields, *config;
    } cases[] = {
        {CLAUDE, "low", "{\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}}", ""},
        {"anthropic.claude-opus-4-6-v1", "low", "{\"thinking\":{\"type\":\"adaptive\"}}",
         "{\"effort\":\"low\"}"},
        {"amazon.nova-2-lite-v1:0", "low",
         "{\"reasoningConfig\":{\"type\":\"enabled\",\"maxReasoningEffort\":\"low\"}}", ""},
        {"openai.gpt-oss-120b-1:0", "high", "{\"reasoning_effort\":\"high\"}", ""},
        {"meta.llama3-1-70b-instruct-v1:0", "high", "", ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r = request_to(cases[i].model);
        say(&r, IR_USER, "Hi");
        r.effort = str_c(cases[i].effort);
        r.max_tokens = 8000;
        writes_member(&r, "additionalModelRequestFields", cases[i].fields);
        writes_member(&r, "outputConfig", cases[i].config);
        drops(&r, *cases[i].fields ? "" : "reasoning reasoning.effort");
    }
}

/* A Nova that thinks hard decides about these itself, and refuses to be told. */
static void nova_thinks_hard(void **state)
{
    (void)state;
    struct ir_request r = request_to("us.amazon.nova-2-lite-v1:0");
    say(&r, IR_USER, "Hi");
    r.effort = STR("high");
    r.max_tokens = 8000;
    r.temperature = STR("1");
    writes(&r, "{" HI ",\"additionalModelRequestFields\":{\"reasoningConfig\":{\"type\":\"enabled\","
               "\"maxReasoningEffort\":\"high\"}}}");
    drops(&r, "temperature max_tokens");
}

static void tool_choices(void **state)
{
    (void)state;
    struct ir_request r = request_to(CLAUDE);
    say(&r, IR_USER, "Hi");
    tool(&r);
    r.choice = IR_CHOICE_NAMED;
    r.choice_name = STR("look");
    writes_member(
        &r, "toolConfig",
        "{\"tools\":[{\"toolSpec\":{\"name\":\"look\",\"inputSchema\":{\"json\":{\"type\":\"object\","
        "\"properties\":{\"a\":{\"type\":\"integer\"}}}}}}],\"toolChoice\":{\"tool\":{\"name\":\"look\"}}}");
    r.choice = IR_CHOICE_NONE; /* there is no word for it: so there are no tools */
    writes(&r, "{" HI "}");
    drops(&r, "tool_choice tools");
}

/* A history with calls needs tools, whatever the client says now. */
static void tools_that_were_called(void **state)
{
    (void)state;
    struct ir_request r = request_to(CLAUDE);
    say(&r, IR_USER, "Hi");
    call(&r, "a", "{}");
    result(&r, "a", "x");
    call(&r, "b", "{}");
    result(&r, "b", "y");
    writes_member(
        &r, "toolConfig",
        "{\"tools\":[{\"toolSpec\":{\"name\":\"look\",\"inputSchema\":{\"json\":{\"type\":\"object\","
        "\"properties\":{}}}}}]}");
    tool(&r);
    r.choice = IR_CHOICE_NONE;
    writes_member(&r, "system", "[{\"text\":\"Answer without calling any tool.\"}]");
}

static void formats(void **state)
{
    (void)state;
    struct ir_request r = request_to(CLAUDE);
    say(&r, IR_USER, "Hi");
    r.format = IR_FORMAT_SCHEMA;
    r.format_name = STR("p");
    r.format_schema = STR("{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}");
    writes_member(
        &r, "outputConfig",
        "{\"textFormat\":{\"type\":\"json_schema\",\"structure\":{\"jsonSchema\":{\"schema\":\"{\\\"type\\\":"
        "\\\"object\\\",\\\"properties\\\":{},\\\"additionalProperties\\\":false}\",\"name\":\"p\"}}}}");
    drops(&r, "");
    r.model = STR("meta.llama3-1-70b-instruct-v1:0"); /* by words */
    writes_member(&r, "outputConfig", "");
    assert_true(str_has(buf_str(&out), STR("\"system\":[{\"text\":\"Answer with one JSON value")));
    drops(&r, "response_format");
}

static void models_without_cache(void **state)
{
    (void)state;
    struct ir_request r = request_to("meta.llama3-1-70b-instruct-v1:0");
    say(&r, IR_USER, "Hi")->cache = IR_CACHE_5M;
    writes(&r, "{" HI "}");
    drops(&r, "cache_control");
}

static void foreign_thoughts(void **state)
{
    (void)state;
    struct ir_request r = request_to(CLAUDE);
    say(&r, IR_USER, "Hi");
    struct ir_part *p = add(&r, IR_ASSISTANT, IR_THINKING);
    p->text = STR("Hm.");
    say(&r, IR_ASSISTANT, "Ho");
    say(&r, IR_USER, "He");
    static const char bare[] = "[{\"role\":\"user\",\"content\":[{\"text\":\"Hi\"}]},{\"role\":\"assistant\","
                               "\"content\":[{\"text\":\"Ho\"}]},"
                               "{\"role\":\"user\",\"content\":[{\"text\":\"He\"}]}]";
    writes_member(&r, "messages", bare); /* nobody signed it */
    drops(&r, "thinking");
    p->signature = STR("gAAA");
    p->id = STR("rs_1");
    writes_member(&r, "messages", bare); /* somebody else did */
    p->id = str_of(NULL, 0);
    p->signature = STR("c2ln");
    writes_member(&r, "messages",
                  "[{\"role\":\"user\",\"content\":[{\"text\":\"Hi\"}]},{\"role\":\"assistant\",\"content\":["
                  "{\"reasoningContent\":"
                  "{\"reasoningText\":{\"text\":\"Hm.\",\"signature\":\"c2ln\"}}},{\"text\":\"Ho\"}]},"
                  "{\"role\":\"user\",\"content\":[{\"text\":\"He\"}]}]");
}

/* ---- requests, read ---- */

static void reads(const char *body, const char *path, const char *want)
{
    struct ir_request r;
    struct buf b;
    buf_init(&b, MIB);
    enum err e = codec_bedrock_converse.read_request(&arena, str_c(body), str_c(path), &r, &why);
    if (e != E_OK)
        fail_msg("%s: %.*s", err_name(e), STR_FMT(why));
    dump_request(&b, DUMP_EXACT, &r);
    for (size_t i = 0; i < r.dropped.n; i++)
        dump_str(&b, "dropped", r.dropped.v[i]);
    assert_str(buf_str(&b), str_c(want));
    buf_done(&b);
    ir_request_done(&r);
}

static void paths(void **state)
{
    (void)state;
    reads("{" HI "}", "model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x/converse-stream",
          "model \"arn:aws:bedrock:us-east-1:1:inference-profile/us.x\"\nstream 1\nstream_usage 1\nuser "
          "{\nuser.text \"Hi\"\n}\n");
    struct ir_request r;
    static const char *const bad[] = {"", "model/x/invoke", "model//converse", "v1/chat"};
    for (size_t i = 0; i < countof(bad); i++) {
        enum err e = codec_bedrock_converse.read_request(&arena, STR("{" HI "}"), str_c(bad[i]), &r, &why);
        assert_int_equal(e, E_SYNTAX);
        assert_str(why, STR("the path is not model/{id}/converse or model/{id}/converse-stream"));
        ir_request_done(&r);
    }
}

static void what_others_have_no_word_for(void **state)
{
    (void)state;
    reads("{\"messages\":[{\"role\":\"user\",\"content\":[{\"guardContent\":{\"text\":{\"text\":\"Hi\"}}},{"
          "\"searchResult\":{\"source\":\"s\","
          "\"title\":\"T\",\"content\":[{\"text\":\"a\"}]}},{\"toolRemoval\":{\"tool\":{}}}]}],"
          "\"guardrailConfig\":{\"guardrailIdentifier\":"
          "\"g\"},\"performanceConfig\":{\"latency\":\"optimized\"},\"additionalModelRequestFields\":{"
          "\"anthropic_beta\":[\"x\"]}}",
          "model/m/converse",
          "model \"m\"\nstream_usage 1\nuser {\nuser.text \"Hi\"\nuser.file.mime "
          "\"text/plain\"\nuser.file.text \"a\"\nuser.file.name "
          "\"T\"\nuser.raw \"{\\\"toolRemoval\\\":{\\\"tool\\\":{}}}\"\n}\ndropped "
          "\"anthropic_beta\"\ndropped \"guardrailConfig\"\n"
          "dropped \"performanceConfig\"\ndropped \"guardContent\"\ndropped \"searchResult.source\"\n");
}

static void bad_requests(void **state)
{
    (void)state;
    static const struct {
        const char *body, *why;
    } bad[] = {
        {"[]", "the body is not a JSON object"},
        {"{}", "messages: a list is required"},
        {"{\"messages\":[{\"role\":\"tool\",\"content\":[]}]}", "messages.0: role is user or assistant"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
         "messages.0: content is a list of blocks"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"image\":{\"format\":\"png\"}}]}]}",
         "messages.0: a source of an unknown kind"},
        {"{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"toolUse\":{\"name\":\"x\"}}]}]}",
         "messages.0: a toolUse without toolUseId or name"},
        {"{\"messages\":[],\"toolConfig\":{\"tools\":[{\"toolSpec\":{}}]}}",
         "toolConfig.tools: a tool without a name"},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        struct ir_request r;
        enum err e = codec_bedrock_converse.read_request(&arena, str_c(bad[i].body), STR("model/m/converse"),
                                                         &r, &why);
        assert_int_equal(e, E_SYNTAX);
        assert_str(why, str_c(bad[i].why));
        ir_request_done(&r);
    }
}

/* ---- what is written is also what the official client is shown (tests/flow/bedrock-client.test.mjs) ---- */

static struct ir_part *part(struct ir_part **list, enum ir_kind kind, const char *text)
{
    struct ir_part *p = ir_add_part(&arena, list, kind);
    if (text)
        p->text = str_c(text);
    return p;
}

static struct ir_answer mixed(void)
{
    struct ir_answer w;
    ir_answer_init(&w, &arena);
    struct ir_choice_answer *c = w.choices = arena_new(&arena, struct ir_choice_answer);
    w.id = STR("chatcmpl-1");
    w.model = STR("gpt-5");
    struct ir_part *p = part(&c->parts, IR_THINKING, "Hm.");
    p->id = STR("rs_1");
    p->signature = STR("gAAA=");
    p = part(&c->parts, IR_TEXT, "Line\n\"two\" 🙂");
    p->citations = arena_new(&arena, struct ir_citation);
    *p->citations =
        (struct ir_citation){.url = STR("https://x.test/"), .title = STR("X"), .start = -1, .end = -1};
    p = part(&c->parts, IR_TOOL_CALL, NULL);
    p->id = STR("call_1");
    p->name = STR("look");
    p->arguments = STR("{\"a\":1}");
    p->signature = STR("Gem");
    p = part(&c->parts, IR_TOOL_CALL, NULL);
    p->id = STR("call_2");
    p->name = STR("now");
    c->finish = IR_FINISH_STOP;
    w.has_usage = true;
    w.usage = (struct usage){
        .known = true, .input = 100, .output = 20, .cached = 60, .cache_write = 30, .cache_write_1h = 10};
    return w;
}

static struct ir_answer plain(void)
{
    struct ir_answer w;
    ir_answer_init(&w, &arena);
    struct ir_choice_answer *c = w.choices = arena_new(&arena, struct ir_choice_answer);
    (void)part(&c->parts, IR_TEXT, "So");
    c->finish = IR_FINISH_STOP_SEQUENCE;
    c->stop_sequence = STR("END");
    w.has_usage = true;
    w.usage = (struct usage){.known = true, .input = 7, .output = 3};
    return w;
}

static struct ir_answer failing(void)
{
    struct ir_answer w = plain();
    w.choices->finish = IR_FINISH_UNKNOWN;
    w.has_error = true;
    w.error = (struct ir_error){.kind = IR_ERR_RATE, .status = 429, .message = STR("Slower, \"please\"")};
    return w;
}

static void on_play(void *arg, const struct ir_event *ev)
{
    assert_int_equal(codec_bedrock_converse.write_event(arg, ev), E_OK);
}

static void same_as_file(const char *name, const char *file)
{
    struct buf b;
    assert_str(buf_str(&out), golden_read("bedrock_written", name, file, &b));
    buf_done(&b);
}

static void answers_written(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ir_answer (*make)(void);
        bool whole;
    } cases[] = {{"mixed", mixed, true}, {"plain", plain, true}, {"failing", failing, false}};
    struct ir_request r = ir_request_none();
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_answer w = cases[i].make();
        struct codec_writer to = {
            .codec = &codec_bedrock_converse, .arena = &arena, .out = &out, .request = &r};
        buf_clear(&out);
        ir_answer_play(&w, on_play, &to);
        same_as_file(cases[i].name, "stream.bin");
        buf_clear(&out);
        if (!cases[i].whole)
            continue;
        assert_int_equal(codec_bedrock_converse.write_answer(&arena, &w, &r, &out), E_OK);
        same_as_file(cases[i].name, "whole.json");
    }
}

static void errors_written(void **state)
{
    (void)state;
    static const struct {
        enum ir_error_kind kind;
        int status;
        const char *type;
    } cases[] = {{IR_ERR_INVALID, 400, "ValidationException"},
                 {IR_ERR_AUTH, 403, "UnrecognizedClientException"},
                 {IR_ERR_PERMISSION, 403, "AccessDeniedException"},
                 {IR_ERR_NOT_FOUND, 404, "ResourceNotFoundException"},
                 {IR_ERR_RATE, 429, "ThrottlingException"},
                 {IR_ERR_QUOTA, 400, "ServiceQuotaExceededException"},
                 {IR_ERR_OVERLOADED, 503, "ServiceUnavailableException"},
                 {IR_ERR_TIMEOUT, 408, "ModelTimeoutException"},
                 {IR_ERR_SERVER, 500, "InternalServerException"}};
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_error e = {
            .kind = cases[i].kind, .status = 599, .message = STR("Say \"why\""), .code = STR("other")};
        buf_clear(&out);
        codec_bedrock_converse.write_error(&e, &out);
        struct str want =
            arena_printf(&arena, "{\"__type\":\"%s\",\"message\":\"Say \\\"why\\\"\"}", cases[i].type);
        assert_str(buf_str(&out), want);
        assert_int_equal(codec_bedrock_converse.error_status(&e), cases[i].status);
    }
}

static void errors_read(void **state)
{
    (void)state;
    struct ir_error e;
    codec_bedrock_converse.read_error(&arena, 429, STR("{\"message\":\"Slow.\"}"), &e);
    assert_int_equal(e.kind, IR_ERR_RATE);
    assert_str(e.message, STR("Slow."));
    codec_bedrock_converse.read_error(
        &arena, 400, STR("{\"__type\":\"com.amazon.coral#ServiceQuotaExceededException\",\"Message\":\"M\"}"),
        &e);
    assert_int_equal(e.kind, IR_ERR_QUOTA);
    assert_str(e.message, STR("M"));
    codec_bedrock_converse.read_error(&arena, 503, STR("<html>"), &e);
    assert_int_equal(e.kind, IR_ERR_OVERLOADED);
    assert_str(e.message, STR("Service Unavailable"));
}

/* ---- streams, read ---- */

static void on_event(void *arg, const struct ir_event *ev)
{
    dump_event(arg, ev);
}

static enum err feed(struct codec_reader *r, const char *type, const char *payload)
{
    struct aws_frame f = {.event_type = str_c(type), .message_type = STR("event"), .payload = str_c(payload)};
    return codec_bedrock_converse.read_frame(r, &f);
}

static void broken_streams(void **state)
{
    (void)state;
    static const struct {
        const char *type, *payload;
    } bad[] = {
        {"contentBlockDelta", "{\"delta\":{\"text\":3},\"contentBlockIndex\":0}"},
        {"contentBlockDelta", "{\"delta\":{\"text\":\"x\"}}"},
        {"contentBlockDelta", "{\"contentBlockIndex\":0}"},
        {"contentBlockDelta", "{\"delta\":{\"toolUse\":{\"input\":\"{\"}},\"contentBlockIndex\":0}"},
        {"contentBlockDelta", "nothing"},
        {"contentBlockStart", "{\"start\":{\"toolUse\":{\"name\":\"x\"}},\"contentBlockIndex\":0}"},
        {"contentBlockStart", "{\"start\":{}}"},
        {"messageStop", "{}"},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        struct buf b;
        buf_init(&b, MIB);
        struct codec_reader r = {
            .codec = &codec_bedrock_converse, .arena = &arena, .on_event = on_event, .arg = &b};
        assert_int_equal(feed(&r, bad[i].type, bad[i].payload), E_SYNTAX); /* before the start */
        assert_int_equal(feed(&r, "messageStart", "{\"role\":\"assistant\"}"), E_OK);
        assert_int_equal(feed(&r, bad[i].type, bad[i].payload), E_SYNTAX);
        assert_str(buf_str(&b), STR("START 0.0\n"));
        buf_done(&b);
    }
}

/* Deltas of any number take no more of the arena than the longest of them. */
static void deltas_cost_nothing(void **state)
{
    (void)state;
    struct buf b;
    struct ir_request q = ir_request_none();
    buf_init(&b, 16 * MIB);
    struct codec_reader r = {
        .codec = &codec_bedrock_converse, .arena = &arena, .on_event = on_event, .arg = &b};
    struct codec_writer w = {.codec = &codec_bedrock_converse, .arena = &arena, .out = &out, .request = &q};
    const struct ir_event start = {.kind = IR_EV_START}, text = {.kind = IR_EV_TEXT, .text = STR("a\n\"b\"")};
    assert_int_equal(feed(&r, "messageStart", "{}"), E_OK);
    assert_int_equal(codec_bedrock_converse.write_event(&w, &start), E_OK);
    const char *used = NULL;
    for (int i = 0; i < 1000; i++) {
        buf_clear(&out);
        assert_int_equal(
            feed(&r, "contentBlockDelta", "{\"delta\":{\"text\":\"a\\n\\\"b\\\"\"},\"contentBlockIndex\":0}"),
            E_OK);
        assert_int_equal(codec_bedrock_converse.write_event(&w, &text), E_OK);
        if (i == 1)
            used = arena.at;
        else if (i > 1)
            assert_ptr_equal(arena.at, used);
    }
    buf_done(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_of_a_request),
        TEST(media),
        TEST(reasoning),
        TEST(nova_thinks_hard),
        TEST(tool_choices),
        TEST(tools_that_were_called),
        TEST(formats),
        TEST(models_without_cache),
        TEST(foreign_thoughts),
        TEST(paths),
        TEST(what_others_have_no_word_for),
        TEST(bad_requests),
        TEST(answers_written),
        TEST(errors_written),
        TEST(errors_read),
        TEST(broken_streams),
        TEST(deltas_cost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
