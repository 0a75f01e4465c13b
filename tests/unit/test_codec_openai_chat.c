/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec_openai_chat: what the API's documentation and the SDKs say, spelled out. The golden cases
 * (test_codec.c) show that nothing is lost on the way; here stands what exactly is read and written, what is
 * refused, and what the providers of this dialect do differently.
 */
#include "tests/unit/golden.h"
#include "tests/unit/ir_dump.h"
#include "providers/codec_openai_chat.h"

static struct arena arena;
static struct buf out;
static struct str why;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 16 * MIB);
    buf_init(&out, 16 * MIB);
    why = str_of(NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_done(&out);
    arena_done(&arena);
    return 0;
}

/* ---- requests, read ---- */

static enum err read_it(const char *body, struct ir_request *r)
{
    *r = ir_request_none();
    return codec_openai_chat.read_request(&arena, str_c(body), STR("v1/chat/completions"), r, &why);
}

static void reads(const char *body, const char *want)
{
    struct ir_request r;
    enum err e = read_it(body, &r);
    if (e != E_OK)
        fail_msg("%s: %.*s", err_name(e), STR_FMT(why));
    buf_clear(&out);
    dump_request(&out, DUMP_EXACT, &r);
    for (size_t i = 0; i < r.dropped.n; i++)
        dump_str(&out, "dropped", r.dropped.v[i]);
    assert_str(buf_str(&out), str_c(want));
    ir_request_done(&r);
}

/* A conversation of one user's message, and these members. */
static void reads_member(const char *members, const char *want)
{
    struct str body = arena_printf(
        &arena, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],%s}", members);
    struct str all = arena_printf(&arena, "model \"m\"\nuser {\nuser.text \"x\"\n}\n%s", want);
    reads(body.p, all.p);
}

static void reads_message(const char *message, const char *want)
{
    struct str body = arena_printf(&arena, "{\"model\":\"m\",\"messages\":[%s]}", message);
    struct str all = arena_printf(&arena, "model \"m\"\n%s", want);
    reads(body.p, all.p);
}

static void numbers_keep_their_digits(void **state)
{
    (void)state;
    reads_member(
        "\"temperature\":0.70000000000000000001,\"top_p\":1.0,\"seed\":123456789012345678901234",
        "temperature \"0.70000000000000000001\"\ntop_p \"1.0\"\nseed \"123456789012345678901234\"\n");
    reads_member(
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\","
        "\"maximum\":1.10,\"n\":1e400}}}]",
        "tools \"f\"\ntools.schema \"{\\\"type\\\":\\\"object\\\",\\\"maximum\\\":1.10,\\\"n\\\":1e400}\"\n");
    reads_member("\"max_tokens\":5.0,\"n\":2", "max_tokens 5\nn 2\n");
}

static void null_is_as_good_as_nothing(void **state)
{
    (void)state;
    reads_member(
        "\"temperature\":null,\"stop\":null,\"tools\":null,\"tool_choice\":null,\"response_format\":null,"
        "\"max_tokens\":null,\"stream_options\":null,\"reasoning_effort\":null,\"unheard_of\":null",
        "");
}

static void members_that_nobody_knows_are_noted(void **state)
{
    (void)state;
    reads_member(
        "\"prediction\":{\"type\":\"content\",\"content\":\"x\"},\"prompt_cache_key\":\"k\",\"min_p\":0.1",
        "dropped \"prediction\"\ndropped \"prompt_cache_key\"\ndropped \"min_p\"\n");
    reads_message(
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\",\"colour\":1}],\"mood\":\"gay\"}",
        "user {\nuser.text \"x\"\n}\ndropped \"mood\"\ndropped \"colour\"\n");
}

static void the_forms_of_reasoning(void **state)
{
    (void)state;
    reads_member("\"reasoning_effort\":\"low\"", "reasoning.effort \"low\"\n");
    reads_member("\"reasoning_effort\":\"none\"", "reasoning 0\nreasoning.effort \"none\"\n");
    reads_member("\"reasoning_effort\":\"max\"", "reasoning.effort \"xhigh\"\n");
    reads_member("\"reasoning\":{\"effort\":\"high\",\"exclude\":true}",
                 "reasoning.effort \"high\"\nreasoning.shown 0\n");
    reads_member("\"reasoning\":{\"max_tokens\":2000}", "reasoning.budget 2000\n");
    reads_member("\"reasoning\":{\"enabled\":true}", "reasoning 1\n");
    reads_member("\"include_reasoning\":false", "reasoning.shown 0\n");
    reads_member("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":4000}",
                 "reasoning 1\nreasoning.budget 4000\n");
    reads_member("\"thinking\":{\"type\":\"disabled\"}", "reasoning 0\n");
    reads_member("\"reasoning_effort\":\"low\",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":4000}",
                 "reasoning 1\nreasoning.budget 4000\ndropped \"reasoning_effort\"\n");
}

#define TOOL(name) "{\"type\":\"function\",\"function\":{\"name\":\"" name "\"}}"

static void choices_of_tools(void **state)
{
    (void)state;
    reads_member("\"tools\":[" TOOL("a") "],\"tool_choice\":\"required\"",
                 "tools \"a\"\ntool_choice \"required\"\n");
    reads_member("\"tools\":[" TOOL("a") "],\"tool_choice\":\"any\"",
                 "tools \"a\"\ntool_choice \"required\"\n");
    reads_member("\"tools\":[" TOOL("a") "],\"tool_choice\":" TOOL("a"),
                 "tools \"a\"\ntool_choice \"named\"\ntool_choice \"a\"\n");
    /* what is not allowed is not shown */
    reads_member("\"tools\":[" TOOL("a") "," TOOL("b") "," TOOL(
                     "c") "],\"tool_choice\":{\"type\":\"allowed_tools\","
                          "\"allowed_tools\":{\"mode\":\"auto\",\"tools\":[" TOOL("c") "," TOOL("a") "]}}",
                 "tools \"a\"\ntools \"c\"\ntool_choice \"auto\"\n");
    reads_member("\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"sql\"}}]",
                 "tools.raw \"custom\"\n"
                 "tools.raw \"{\\\"type\\\":\\\"custom\\\",\\\"custom\\\":{\\\"name\\\":\\\"sql\\\"}}\"\n");
}

static void functions_of_old(void **state)
{
    (void)state;
    reads(
        "{\"model\":\"m\",\"functions\":[{\"name\":\"now\",\"parameters\":{\"type\":\"object\"}}],\"function_"
        "call\":\"auto\","
        "\"messages\":[{\"role\":\"user\",\"content\":\"x\"},"
        "{\"role\":\"assistant\",\"content\":null,\"function_call\":{\"name\":\"now\",\"arguments\":\"\"}},"
        "{\"role\":\"function\",\"name\":\"now\",\"content\":\"noon\"},"
        "{\"role\":\"assistant\",\"content\":null,\"function_call\":{\"name\":\"now\",\"arguments\":\"{}\"}},"
        "{\"role\":\"function\",\"name\":\"now\",\"content\":\"one\"}]}",
        "model \"m\"\nuser {\nuser.text \"x\"\n}\n"
        "assistant {\nassistant.call \"\"\nassistant.call.id \"call_function_1\"\nassistant.call.name "
        "\"now\"\n"
        "assistant.call.arguments \"{}\"\n}\n"
        "tool {\ntool.result \"\"\ntool.result.id \"call_function_1\"\ntool.result.name "
        "\"now\"\ntool.result.text \"noon\"\n}\n"
        "assistant {\nassistant.call \"\"\nassistant.call.id \"call_function_2\"\nassistant.call.name "
        "\"now\"\n"
        "assistant.call.arguments \"{}\"\n}\n"
        "tool {\ntool.result \"\"\ntool.result.id \"call_function_2\"\ntool.result.name "
        "\"now\"\ntool.result.text \"one\"\n}\n"
        "tools \"now\"\ntools.schema \"{\\\"type\\\":\\\"object\\\"}\"\ntool_choice "
        "\"auto\"\nparallel_tool_calls 0\n");
}

static void parts_of_content(void **state)
{
    (void)state;
    reads_message(
        "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":\"https://a/b.png\"},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/"
        "webp;base64,UklG\",\"detail\":\"high\"}},"
        "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\",\"format\":\"mp3\"}},"
        "{\"type\":\"file\",\"file\":{\"file_data\":\"JVBERi0=\",\"filename\":\"a.pdf\"}},"
        "{\"type\":\"file\",\"file\":{\"file_data\":\"QQ==\",\"filename\":\"a.TXT\"}},"
        "{\"type\":\"file\",\"file\":{\"file_data\":\"https://a/b.pdf\"}},"
        "{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}},"
        "{\"type\":\"video_url\",\"video_url\":{\"url\":\"data:video/mp4;base64,AAAA\"}}]}",
        "user {\nuser.image.url \"https://a/b.png\"\n"
        "user.image.mime \"image/webp\"\nuser.image.data \"UklG\"\nuser.image.detail \"high\"\n"
        "user.audio.mime \"audio/mpeg\"\nuser.audio.data \"AAAA\"\n"
        "user.file.mime \"application/pdf\"\nuser.file.data \"JVBERi0=\"\nuser.file.name \"a.pdf\"\n"
        "user.file.mime \"text/plain\"\nuser.file.data \"QQ==\"\nuser.file.name \"a.TXT\"\n"
        "user.file.url \"https://a/b.pdf\"\nuser.file.file_id \"file-1\"\n"
        "user.video.mime \"video/mp4\"\nuser.video.data \"AAAA\"\n}\n");
    reads_message(
        "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":[{\"type\":\"text\",\"text\":\"see\"},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://a/b.png\"}}]}",
        "tool {\ntool.result \"\"\ntool.result.id \"c\"\ntool.result.text \"see\"\ntool.result.image.url "
        "\"https://a/b.png\"\n}\n");
}

static void marks_of_the_cache(void **state)
{
    (void)state;
    reads_message(
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{\"type\":"
        "\"ephemeral\"}},"
        "{\"type\":\"text\",\"text\":\"b\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}},"
        "{\"type\":\"text\",\"text\":\"c\",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}}]}",
        "user {\nuser.text \"a\"\nuser.text.cache_control \"5m\"\nuser.text \"b\"\nuser.text.cache_control "
        "\"1h\"\n"
        "user.text \"c\"\nuser.text.cache_control \"5m\"\n}\n");
}

/* Everybody's way of giving thoughts back. */
static void thoughts_of_before(void **state)
{
    (void)state;
    reads_message("{\"role\":\"assistant\",\"content\":\"x\",\"reasoning_content\":\"why\"}",
                  "assistant {\nassistant.thinking \"why\"\nassistant.text \"x\"\n}\n");
    reads_message("{\"role\":\"assistant\",\"content\":\"x\",\"reasoning\":\"why\"}",
                  "assistant {\nassistant.thinking \"why\"\nassistant.text \"x\"\n}\n");
    reads_message(
        "{\"role\":\"assistant\",\"content\":\"x\",\"reasoning_content\":\"why\",\"thinking_blocks\":["
        "{\"type\":\"thinking\",\"thinking\":\"why\",\"signature\":\"s\"},{\"type\":\"redacted_thinking\","
        "\"data\":\"d\"}]}",
        "assistant {\nassistant.thinking \"why\"\nassistant.thinking.signature \"s\"\n"
        "assistant.thinking \"redacted\"\nassistant.thinking.signature \"d\"\nassistant.text \"x\"\n}\n");
    /* pieces of a stream, kept as they came: those of one index are one thought */
    reads_message(
        "{\"role\":\"assistant\",\"content\":\"x\",\"reasoning\":\"why not\",\"reasoning_details\":["
        "{\"type\":\"reasoning.text\",\"text\":\"why\",\"index\":0,\"id\":null},"
        "{\"type\":\"reasoning.text\",\"text\":\" not\",\"index\":0},"
        "{\"type\":\"reasoning.text\",\"text\":\"\",\"signature\":\"s\",\"index\":0},"
        "{\"type\":\"reasoning.summary\",\"summary\":\"in short\",\"index\":1,\"id\":\"rs_1\"},"
        "{\"type\":\"reasoning.encrypted\",\"data\":\"d\",\"index\":1},"
        "{\"type\":\"reasoning.encrypted\",\"data\":\"e\",\"index\":2}]}",
        "assistant {\nassistant.thinking \"why not\"\nassistant.thinking.signature \"s\"\n"
        "assistant.thinking \"in short\"\nassistant.thinking.id \"rs_1\"\nassistant.thinking.signature "
        "\"d\"\n"
        "assistant.thinking \"redacted\"\nassistant.thinking.signature \"e\"\nassistant.text \"x\"\n}\n");
}

static void calls_of_before(void **state)
{
    (void)state;
    reads_message(
        "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
        "{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\" { \\\"x\\\" : 1.0 "
        "} \"}},"
        "{\"id\":\"b\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}},"
        "{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\"}},"
        "{\"id\":\"d\",\"type\":\"custom\",\"custom\":{\"name\":\"sql\",\"input\":\"SELECT 1\"}}]}",
        "assistant {\nassistant.call \"\"\nassistant.call.id \"a\"\nassistant.call.name \"f\"\n"
        "assistant.call.arguments \" { \\\"x\\\" : 1.0 } \"\n"
        "assistant.call \"\"\nassistant.call.id \"b\"\nassistant.call.name \"f\"\n"
        "assistant.call.arguments \"{\\\"x\\\":1}\"\n"
        "assistant.call \"\"\nassistant.call.id \"c\"\nassistant.call.name \"f\"\n"
        "assistant.call.arguments \"{\\\"arguments\\\":\\\"{\\\\\\\"x\\\\\\\":\\\"}\"\n"
        "assistant.call \"\"\nassistant.call.id \"d\"\nassistant.call.name \"sql\"\n"
        "assistant.call.arguments \"{\\\"arguments\\\":\\\"SELECT 1\\\"}\"\n}\n");
}

static void what_is_no_request_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body, *why;
    } cases[] = {
        {"", "the body is not a JSON object"},
        {"[]", "the body is not a JSON object"},
        {"{\"model\":\"m\"", "the body is not a JSON object"},
        {"{\"messages\":[]}", "model: missing"},
        {"{\"model\":7,\"messages\":[]}", "model: not a string"},
        {"{\"model\":\"m\"}", "messages: not a list, or an empty one"},
        {"{\"model\":\"m\",\"messages\":[]}", "messages: not a list, or an empty one"},
        {"{\"model\":\"m\",\"messages\":[{\"content\":\"x\"}]}", "messages[0].role: unknown"},
        {"{\"model\":\"m\",\"messages\":[7]}", "messages[0].role: unknown"},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":7}]}",
         "messages[0].content: neither a string nor a list of parts"},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"user\","
         "\"content\":[{\"type\":\"text\","
         "\"text\":\"x\"},{\"type\":\"hologram\"}]}]}",
         "messages[1].content[1].type: unknown"},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]}",
         "messages[0].content[0].text: not a string"},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_"
         "url\":{\"url\":"
         "\"data:image/svg+xml,%3Csvg\"}}]}]}",
         "messages[0].content[0]: neither a URL nor a base64 data URL"},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}",
         "messages[0].tool_call_id: missing"},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"function\",\"name\":\"f\",\"content\":\"x\"}]}",
         "messages[0].name: no call of that function came before"},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\"}]}]}",
         "messages[0].tool_calls[0]: id or name is missing"},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"temperature\":\"0\"}",
         "temperature: not a number"},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":1.5}",
         "max_tokens: not a whole number"},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stream\":1}",
         "stream: not a boolean"},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stop\":[1]}",
         "stop: not a list of strings"},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tool_choice\":\"perhaps\"}",
         "tool_choice: unknown"},
        {"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"response_format\":{"
         "\"type\":\"json_schema\"}}",
         "response_format.json_schema.schema: not an object"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r;
        enum err e = read_it(cases[i].body, &r);
        if (e != E_SYNTAX || !str_eq(why, str_c(cases[i].why)))
            fail_msg("%s: %s, %.*s", cases[i].body, err_name(e), STR_FMT(why));
        ir_request_done(&r);
    }
}

/* ---- requests, written ---- */

static struct ir_part *add(struct ir_request *r, enum ir_role role, enum ir_kind kind)
{
    return ir_add_part(&arena, &ir_add_message(&arena, r, role)->parts, kind);
}

static struct ir_part *say(struct ir_request *r, enum ir_role role, const char *text)
{
    struct ir_part *p = add(r, role, IR_TEXT);
    p->text = str_c(text);
    return p;
}

static enum err write_it(struct ir_request *r, unsigned quirks)
{
    struct codec_ask ask = {.model = STR("theirs"), .quirks = quirks};
    buf_clear(&out);
    r->model = STR("ours");
    return codec_openai_chat.write_request(&arena, r, &ask, &out, &why);
}

/* The member `key` of what is written; "" when there is none. */
static void writes(struct ir_request *r, unsigned quirks, const char *key, const char *want)
{
    enum err e = write_it(r, quirks);
    if (e != E_OK)
        fail_msg("%s: %.*s", err_name(e), STR_FMT(why));
    struct json_doc *doc = json_parse_exact(buf_str(&out), NULL, NULL);
    assert_non_null(doc);
    struct str got = codec_raw(&arena, json_get(json_root(doc), key));
    assert_str(got, str_c(want));
    json_free(doc);
}

static void drops(const struct ir_request *r, const char *want)
{
    struct str names[2 * IR_DROPPED];
    size_t n = 0;
    for (size_t i = 0; i < r->dropped.n; i++) {
        if (i)
            names[n++] = STR(" ");
        names[n++] = r->dropped.v[i];
    }
    assert_str(arena_join(&arena, names, n), str_c(want));
}

static void all_of_a_request(void **state)
{
    (void)state;
    struct ir_request r = ir_request_none();
    say(&r, IR_DEVELOPER, "Be brief.");
    say(&r, IR_USER, "Time?");
    struct ir_part *p = add(&r, IR_ASSISTANT, IR_TOOL_CALL);
    *p = (struct ir_part){
        .kind = IR_TOOL_CALL, .id = STR("call_1"), .name = STR("now"), .arguments = STR("{}")};
    p = add(&r, IR_TOOL, IR_TOOL_RESULT);
    p->id = STR("call_1");
    ir_add_part(&arena, &p->parts, IR_TEXT)->text = STR("noon");
    struct ir_tool *t = ir_add_tool(&arena, &r);
    *t = (struct ir_tool){.name = STR("now"),
                          .description = STR("The time."),
                          .schema = STR("{\"type\":\"object\"}"),
                          .strict = 1};
    r.choice = IR_CHOICE_AUTO;
    r.parallel_tools = 1;
    r.temperature = STR("0.20");
    r.max_tokens = 7;
    assert_true(ir_add_str(&arena, &r.stop, STR("END")));
    r.stream = true;
    r.user = STR("u");
    assert_int_equal(write_it(&r, 0), E_OK);
    assert_str(
        buf_str(&out),
        STR("{\"model\":\"theirs\",\"messages\":[{\"role\":\"developer\",\"content\":\"Be brief.\"},"
            "{\"role\":\"user\",\"content\":\"Time?\"},"
            "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":"
            "\"function\","
            "\"function\":{\"name\":\"now\",\"arguments\":\"{}\"}}]},"
            "{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"noon\"}],"
            "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"now\",\"description\":\"The time.\","
            "\"parameters\":{\"type\":\"object\"},\"strict\":true}}],\"tool_choice\":\"auto\","
            "\"parallel_tool_calls\":true,\"temperature\":0.20,\"max_tokens\":7,\"user\":\"u\",\"stop\":["
            "\"END\"],"
            "\"stream\":true,\"stream_options\":{\"include_usage\":true}}"));
    drops(&r, "");
}

static void quirks(void **state)
{
    (void)state;
    struct ir_request r = ir_request_none();
    say(&r, IR_SYSTEM, "One.");
    say(&r, IR_USER, "x");
    say(&r, IR_DEVELOPER, "Two.");
    ir_add_tool(&arena, &r)->name = STR("f");
    r.tools->strict = 1;
    r.parallel_tools = 0;
    r.max_tokens = 7;
    r.stream = true;
    writes(&r, CODEC_MAX_COMPLETION_TOKENS, "max_completion_tokens", "7");
    writes(&r, CODEC_MAX_COMPLETION_TOKENS, "max_tokens", "");
    writes(&r, 0, "max_tokens", "7");
    writes(&r, CODEC_NO_STREAM_OPTIONS, "stream_options", "");
    writes(&r, CODEC_NO_DEVELOPER, "messages",
           "[{\"role\":\"system\",\"content\":\"One.\"},{\"role\":\"user\",\"content\":\"x\"},{\"role\":"
           "\"system\",\"content\":\"Two."
           "\"}]");
    writes(&r, CODEC_SYSTEM_FIRST, "messages",
           "[{\"role\":\"system\",\"content\":\"One.\\n\\nTwo.\"},{\"role\":\"user\",\"content\":\"x\"}]");
    drops(&r, "");
    writes(&r, CODEC_NO_STRICT, "tools", "[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]");
    drops(&r, "tools.strict");
    writes(&r, CODEC_NO_PARALLEL, "parallel_tool_calls", "");
    drops(&r, "tools.strict parallel_tool_calls");
}

/* Mistral knows its own list of members and refuses all others. */
static void what_mistral_does_not_know(void **state)
{
    (void)state;
    struct ir_request r = ir_request_none();
    say(&r, IR_USER, "x");
    r.user = STR("u");
    r.seed = STR("7");
    r.logprobs = 1;
    r.top_logprobs = 2;
    r.logit_bias = STR("{}");
    r.store = 0;
    r.verbosity = STR("low");
    r.audio = STR("{}");
    assert_true(ir_add_str(&arena, &r.modalities, STR("text")));
    r.n = 2;
    assert_int_equal(write_it(&r, CODEC_RANDOM_SEED), E_OK);
    assert_str(buf_str(&out),
               STR("{\"model\":\"theirs\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"n\":2,"
                   "\"random_seed\":7}"));
    drops(&r, "logprobs top_logprobs logit_bias verbosity store user modalities audio_output");
}

static void a_long_user_id_is_hashed(void **state)
{
    (void)state;
    struct ir_request r = ir_request_none();
    say(&r, IR_USER, "x");
    r.user = STR("0123456789012345678901234567890123456789012345678901234567890123");
    writes(&r, 0, "user", "\"0123456789012345678901234567890123456789012345678901234567890123\"");
    r.user = STR("01234567890123456789012345678901234567890123456789012345678901234");
    writes(&r, 0, "user", "\"52774b57c10e45040a61c14d35c1c8ebefe880082313aa0a21ebb077734cd067\"");
}

static void a_schema_in_words(void **state)
{
    (void)state;
    struct ir_request r = ir_request_none();
    say(&r, IR_SYSTEM, "Be brief.");
    say(&r, IR_USER, "x");
    r.format = IR_FORMAT_SCHEMA;
    r.format_name = STR("a");
    r.format_schema = STR("{\"type\":\"object\"}");
    writes(&r, 0, "response_format",
           "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"schema\":{\"type\":\"object\"}}}");
    writes(&r, CODEC_NO_JSON_SCHEMA, "response_format", "{\"type\":\"json_object\"}");
    writes(&r, CODEC_NO_JSON_SCHEMA | CODEC_SYSTEM_FIRST, "messages",
           "[{\"role\":\"system\",\"content\":\"Be brief.\\n\\nAnswer with one JSON object that is valid by "
           "this JSON Schema, and "
           "nothing else:\\n{\\\"type\\\":\\\"object\\\"}\"},{\"role\":\"user\",\"content\":\"x\"}]");
    writes(&r, CODEC_NO_JSON_SCHEMA, "messages",
           "[{\"role\":\"system\",\"content\":\"Answer with one JSON object that is valid by this JSON "
           "Schema, and nothing "
           "else:\\n{\\\"type\\\":\\\"object\\\"}\"},{\"role\":\"system\",\"content\":\"Be brief.\"},"
           "{\"role\":\"user\",\"content\":\"x\"}]");
}

static struct ir_request thoughtful(void)
{
    struct ir_request r = ir_request_none();
    say(&r, IR_USER, "x")->cache = IR_CACHE_1H;
    struct ir_message *m = ir_add_message(&arena, &r, IR_ASSISTANT);
    struct ir_part *p = ir_add_part(&arena, &m->parts, IR_THINKING);
    p->text = STR("why");
    p->signature = STR("s");
    p = ir_add_part(&arena, &m->parts, IR_THINKING);
    p->redacted = true;
    p->signature = STR("d");
    p = ir_add_part(&arena, &m->parts, IR_TEXT);
    p->text = STR("so");
    p->signature = STR("t");
    p = ir_add_part(&arena, &m->parts, IR_TOOL_CALL);
    *p = (struct ir_part){.kind = IR_TOOL_CALL, .id = STR("c"), .name = STR("f"), .signature = STR("g")};
    r.top_k = STR("40");
    r.metadata = STR("{\"a\":\"b\"}");
    return r;
}

static void what_openai_does_not_know(void **state)
{
    (void)state;
    struct ir_request r = thoughtful();
    writes(&r, 0, "messages",
           "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\",\"cache_control\":{\"type\":"
           "\"ephemeral\",\"ttl\":"
           "\"1h\"}}]},"
           "{\"role\":\"assistant\",\"content\":\"so\",\"reasoning_content\":\"why\",\"reasoning_details\":["
           "{\"type\":\"reasoning.text\",\"index\":0,\"text\":\"why\",\"signature\":\"s\"},"
           "{\"type\":\"reasoning.encrypted\",\"index\":1,\"data\":\"d\"}],"
           "\"extra_content\":{\"google\":{\"thought_signature\":\"t\"}},"
           "\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
           "\"{}\"},"
           "\"extra_content\":{\"google\":{\"thought_signature\":\"g\"}}}]}]");
    writes(&r, 0, "top_k", "40");
    writes(&r, 0, "metadata", "{\"a\":\"b\"}");
    drops(&r, "");
    writes(&r, CODEC_NO_EXTENSIONS, "messages",
           "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\","
           "\"content\":\"so\","
           "\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
           "\"{}\"}}]}]");
    drops(&r, "cache_control assistant.thinking signature top_k metadata");
    writes(&r, CODEC_NO_EXTENSIONS | CODEC_EXTRA_CONTENT, "messages",
           "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\","
           "\"content\":\"so\","
           "\"extra_content\":{\"google\":{\"thought_signature\":\"t\"}},"
           "\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
           "\"{}\"},"
           "\"extra_content\":{\"google\":{\"thought_signature\":\"g\"}}}]}]");
    r.store = 1;
    writes(&r, CODEC_NO_EXTENSIONS, "metadata", "{\"a\":\"b\"}");
}

static void efforts_and_budgets(void **state)
{
    (void)state;
    static const struct {
        const char *effort;
        int64_t budget;
        int thinking;
        const char *want, *dropped;
    } cases[] = {
        {NULL, -1, -1, "", ""},
        {"high", -1, -1, "\"high\"", ""},
        {"none", -1, 0, "\"none\"", ""},
        {NULL, 1024, 1, "\"low\"", ""},
        {NULL, 5000, 1, "\"medium\"", "reasoning.budget"},
        {NULL, 100000, 1, "\"xhigh\"", "reasoning.budget"},
        {NULL, -1, 1, "\"medium\"", ""},
        {NULL, -2, 1, "\"medium\"", ""},
        {NULL, -1, 0, "", "reasoning"}, /* models that cannot think refuse "none" */
        {NULL, 0, 0, "", "reasoning"},
        {NULL, -2, -1, "", "reasoning"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r = ir_request_none();
        say(&r, IR_USER, "x");
        r.effort = str_c(cases[i].effort);
        r.thinking_budget = cases[i].budget;
        r.thinking = cases[i].thinking;
        writes(&r, 0, "reasoning_effort", cases[i].want);
        drops(&r, cases[i].dropped);
    }
}

/* A result is text here: what else it has follows the whole run of results. */
static void pictures_in_results(void **state)
{
    (void)state;
    struct ir_request r = ir_request_none();
    struct ir_message *m = ir_add_message(&arena, &r, IR_TOOL);
    struct ir_part *p = ir_add_part(&arena, &m->parts, IR_TOOL_RESULT);
    p->id = STR("c1");
    ir_add_part(&arena, &p->parts, IR_TEXT)->text = STR("see");
    ir_add_part(&arena, &p->parts, IR_IMAGE)->media =
        (struct ir_media){.mime = STR("image/png"), .data = STR("AAAA")};
    p = ir_add_part(&arena, &m->parts, IR_TOOL_RESULT);
    p->id = STR("c2");
    p->is_error = true;
    p = add(&r, IR_TOOL, IR_TOOL_RESULT);
    p->id = STR("c3");
    ir_add_part(&arena, &p->parts, IR_FILE)->media =
        (struct ir_media){.text = STR("body"), .name = STR("a.txt")};
    say(&r, IR_USER, "Well?");
    writes(
        &r, 0, "messages",
        "[{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"see\"},{\"role\":\"tool\",\"tool_call_"
        "id\":\"c2\",\"content\":"
        "\"\"},"
        "{\"role\":\"tool\",\"tool_call_id\":\"c3\",\"content\":\"\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"From the result of tool call c1:\"},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}},"
        "{\"type\":\"text\",\"text\":\"From the result of tool call c3:\"},"
        "{\"type\":\"text\",\"text\":\"a.txt\\n\\nbody\"}]},"
        "{\"role\":\"user\",\"content\":\"Well?\"}]");
    drops(&r, "is_error");
}

static void files(void **state)
{
    (void)state;
    struct ir_request r = ir_request_none();
    struct ir_part *p = add(&r, IR_USER, IR_FILE);
    p->media = (struct ir_media){.mime = STR("application/pdf"), .data = STR("JVBE")};
    writes(&r, CODEC_NO_EXTENSIONS, "messages",
           "[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"filename\":\"document.pdf\","
           "\"file_data\":"
           "\"data:application/pdf;base64,JVBE\"}}]}]");
    p->media = (struct ir_media){.file_id = STR("file-1")};
    writes(&r, CODEC_NO_EXTENSIONS, "messages",
           "[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}}]}]");
    p->media = (struct ir_media){.url = STR("https://a/b.pdf"), .name = STR("b.pdf")};
    writes(&r, 0, "messages",
           "[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"filename\":\"b.pdf\",\"file_"
           "data\":\"https://a/"
           "b.pdf\"}}]}]");
}

static void what_cannot_be_said_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum ir_kind kind;
        struct ir_media media;
        unsigned quirks;
        const char *why;
    } cases[] = {
        {IR_IMAGE, {.file_id = S("file-1")}, 0, "a picture by file id: this API takes URLs and data"},
        {IR_IMAGE, {.url = S("data:image/svg+xml,x")}, 0, "a picture that is neither at a URL nor base64"},
        {IR_FILE, {.url = S("gs://a/b.pdf")}, 0, "a file by URL: the provider takes data and file ids"},
        {IR_FILE, {.name = S("a.pdf")}, 0, "a file without data"},
        {IR_AUDIO, {.url = S("https://a/b.wav")}, 0, "a sound by URL or file id: this API takes data"},
        {IR_FILE,
         {.url = S("https://a/b.pdf")},
         CODEC_NO_EXTENSIONS,
         "a file by URL: the provider takes data and file ids"},
        {IR_VIDEO, {.url = S("https://a/b.mp4")}, CODEC_NO_EXTENSIONS, "the provider takes no videos"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r = ir_request_none();
        add(&r, IR_USER, cases[i].kind)->media = cases[i].media;
        assert_int_equal(write_it(&r, cases[i].quirks), E_SYNTAX);
        assert_str(why, str_c(cases[i].why));
    }
}

static void what_cannot_be_said_is_noted(void **state)
{
    (void)state;
    struct ir_request r = ir_request_none();
    say(&r, IR_USER, "x");
    struct ir_part *p = add(&r, IR_ASSISTANT, IR_RAW);
    p->raw = STR("{\"type\":\"server_tool_use\"}");
    p->raw_dialect = D_ANTHROPIC;
    struct ir_tool *t = ir_add_tool(&arena, &r);
    t->name = STR("web_search_20250305");
    t->raw = STR("{}");
    t->raw_dialect = D_ANTHROPIC;
    r.choice = IR_CHOICE_AUTO;
    r.safety = STR("[]");
    r.service_tier = STR("standard_only");
    r.thinking_shown = 1;
    writes(&r, 0, "tools", "");
    drops(&r, "assistant.raw tools.raw tool_choice service_tier reasoning.shown safety");
}

/* ---- answers, read ---- */

struct taken {
    struct buf log;
    struct ir_rules rules;
    const char *wrong;
};

static void on_event(void *arg, const struct ir_event *ev)
{
    struct taken *t = arg;
    const char *wrong = ir_rule_broken(&t->rules, ev);
    t->wrong = t->wrong ? t->wrong : wrong;
    if (ev->kind != IR_EV_START || ev->id.n)
        dump_event(&t->log, ev);
}

static struct str log_of(struct taken *t)
{
    if (t->wrong)
        fail_msg("%s\n%.*s", t->wrong, STR_FMT(buf_str(&t->log)));
    struct str text = arena_dup(&arena, buf_str(&t->log));
    buf_done(&t->log);
    return text;
}

/* A message with these members, and how it ended; START and END are not in the log. */
static void answers(const char *message, const char *want)
{
    struct taken t = {.wrong = NULL};
    struct str body = arena_printf(
        &arena, "{\"choices\":[{\"index\":0,\"message\":{%s},\"finish_reason\":\"stop\"}]}", message);
    struct str all = arena_printf(&arena, "%sEND 0.0\n", want);
    buf_init(&t.log, MIB);
    enum err e = codec_openai_chat.read_answer(&arena, body, on_event, &t);
    if (e != E_OK)
        fail_msg("%s: %s", err_name(e), message);
    assert_str(log_of(&t), all);
}

static enum err feed(struct taken *t, const char *const *deltas, size_t n, const char *end)
{
    struct codec_reader r = {.codec = &codec_openai_chat, .arena = &arena, .on_event = on_event, .arg = t};
    enum err e = E_OK;
    buf_init(&t->log, MIB);
    for (size_t i = 0; i < n && e == E_OK; i++) {
        struct sse_event ev = {
            .data = arena_printf(&arena, "{\"choices\":[{\"index\":0,\"delta\":{%s}}]}", deltas[i])};
        e = codec_openai_chat.read_sse(&r, &ev);
    }
    if (end && e == E_OK)
        e = codec_openai_chat.read_sse(&r, &(struct sse_event){.data = str_c(end)});
    if (e == E_OK)
        codec_openai_chat.read_end(&r);
    return e;
}

/* Deltas with these members, then [DONE]. */
#define STREAMS(want, ...)                                                                                   \
    do {                                                                                                     \
        static const char *const deltas_[] = {__VA_ARGS__};                                                  \
        struct taken t_ = {.wrong = NULL};                                                                   \
        assert_int_equal(feed(&t_, deltas_, countof(deltas_), "[DONE]"), E_OK);                              \
        assert_str(log_of(&t_), STR(want));                                                                  \
    } while (0)

#define BREAKS(...)                                                                                          \
    do {                                                                                                     \
        static const char *const deltas_[] = {__VA_ARGS__};                                                  \
        struct taken t_ = {.wrong = NULL};                                                                   \
        assert_int_equal(feed(&t_, deltas_, countof(deltas_), "[DONE]"), E_SYNTAX);                          \
        assert_false(t_.rules.over);                                                                         \
        (void)log_of(&t_);                                                                                   \
    } while (0)

static void blocks_follow_each_other(void **state)
{
    (void)state;
    STREAMS("THINKING 0.0\n text \"a\"\nTHINKING 0.0\n text \"b\"\nTEXT 0.1\n text \"c\"\nTHINKING 0.2\n "
            "text \"d\"\n"
            "TEXT 0.3\n text \"e\"\nREFUSAL 0.4\n text \"f\"\nFINISH 0.4\n finish unknown\nEND 0.0\n",
            "\"role\":\"assistant\",\"content\":\"\"", "\"reasoning_content\":\"a\"", "\"reasoning\":\"b\"",
            "\"content\":\"c\"", "\"reasoning_content\":\"d\"", "\"content\":\"e\"", "\"refusal\":\"f\"");
}

static void thoughts_of_others(void **state)
{
    (void)state;
    /* OpenRouter: the same text twice, in two members */
    STREAMS(
        "THINKING 0.0\n text \"a\"\nTHINKING 0.0\n text \"b\"\nSIGNATURE 0.0\n text \"s\"\n"
        "SIGNATURE 0.1 redacted\n text \"d\"\nTEXT 0.2\n text \"x\"\nFINISH 0.2\n finish unknown\nEND 0.0\n",
        "\"reasoning\":\"a\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"a\",\"index\":0}"
        "]",
        "\"reasoning\":\"b\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"b\",\"index\":0}"
        "]",
        "\"reasoning_details\":[{\"type\":\"reasoning.text\",\"signature\":\"s\",\"index\":0}]",
        "\"reasoning_details\":[{\"type\":\"reasoning.encrypted\",\"data\":\"d\",\"index\":1}]",
        "\"content\":\"x\"");
    /* LiteLLM: blocks without numbers, one ends with its signature */
    STREAMS("THINKING 0.0\n text \"a\"\nSIGNATURE 0.0\n text \"s\"\nTHINKING 0.1\n text \"b\"\nFINISH 0.1\n "
            "finish "
            "unknown\nEND 0.0\n",
            "\"reasoning_content\":\"a\",\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"a\"}]",
            "\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"s\"}]",
            "\"reasoning_content\":\"b\",\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"b\"}]");
    /* Mistral: content is a list */
    answers("\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\","
            "\"text\":\"why\"}]},"
            "{\"type\":\"text\",\"text\":\"so\"},{\"type\":\"reference\",\"reference_ids\":[1]}]",
            "THINKING 0.0\n text \"why\"\nTEXT 0.1\n text \"so\"\nFINISH 0.1\n finish stop\n");
}

static void calls_of_others(void **state)
{
    (void)state;
    /* the usual; no arguments become {} */
    STREAMS(
        "CALL 0.0\n id \"a\"\n name \"f\"\nARGUMENTS 0.0\n text \"{\"\nARGUMENTS 0.0\n text \"}\"\n"
        "CALL 0.1\n id \"b\"\n name \"g\"\nARGUMENTS 0.1\n text \"{}\"\nFINISH 0.1\n finish tools\nEND 0.0\n",
        "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"\"}}]",
        "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\"}}]",
        "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"}\"}}]",
        "\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\"}}]");
    /* all have index 0, the id tells; the name in every piece; arguments as an object */
    STREAMS(
        "CALL 0.0\n id \"a\"\n name \"f\"\nARGUMENTS 0.0\n text \"{\"\nARGUMENTS 0.0\n text \"}\"\n"
        "CALL 0.1\n id \"b\"\n name \"f\"\nARGUMENTS 0.1\n text \"{\\\"x\\\":1}\"\nFINISH 0.1\n finish "
        "tools\nEND 0.0\n",
        "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]",
        "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"}\"}}]",
        "\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}}]");
    /* the id first, then the name; no index at all */
    STREAMS(
        "CALL 0.0\n id \"a\"\n name \"f\"\nARGUMENTS 0.0\n text \"{}\"\nFINISH 0.0\n finish tools\nEND 0.0\n",
        "\"tool_calls\":[{\"id\":\"a\"}]", "\"tool_calls\":[{\"function\":{\"name\":\"f\"}}]",
        "\"tool_calls\":[{\"function\":{\"arguments\":\"{}\"}}]");
    /* of old */
    STREAMS("CALL 0.0\n id \"call_af63db4c8601ead9\"\n name \"f\"\nARGUMENTS 0.0\n text \"{}\"\nFINISH 0.0\n "
            "finish "
            "tools\nEND 0.0\n",
            "\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}",
            "\"function_call\":{\"arguments\":\"{}\"}");
    answers("\"content\":null,\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{"
            "\"function\":{\"name\":\"f\"}}]",
            "CALL 0.0\n id \"call_af63db4c8601ead9\"\n name \"f\"\nARGUMENTS 0.0\n text \"{}\"\n"
            "CALL 0.1\n id \"call_af63d84c8601e5c0\"\n name \"f\"\nARGUMENTS 0.1\n text \"{}\"\nFINISH 0.1\n "
            "finish tools\n");
}

static void streams_that_make_no_sense(void **state)
{
    (void)state;
    BREAKS("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]"); /* of which call? */
    BREAKS("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"arguments\":\"{}\"}}]");
    BREAKS("\"tool_calls\":[{\"index\":0,\"id\":\"a\"}]", "\"content\":\"x\"");
    BREAKS("\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\"}}]",
           "\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"f\"}}]",
           "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]"); /* more of a call that is
                                                                                     over */
    BREAKS("\"content\":7");
    static const char *const events[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"choices\":{}}",
        "{\"choices\":[7]}",
        "{\"choices\":[{\"index\":0,\"delta\":[]}]}",
        "{\"choices\":[{\"index\":128,\"delta\":{}}]}",
        "{\"choices\":[{\"index\":-1,\"delta\":{}}]}",
        "{\"type\":\"message_start\",\"message\":{}}",
        "{\"choices\":[{\"index\":0,\"delta\":{}}]",
        "[DONE]",
    };
    for (size_t i = 1; i < countof(events); i++) {
        struct taken t = {.wrong = NULL};
        if (feed(&t, NULL, 0, events[i]) != E_SYNTAX || t.log.n)
            fail_msg("%s: %.*s", events[i], STR_FMT(buf_str(&t.log)));
        buf_done(&t.log);
    }
}

static void a_stream_that_ends_early(void **state)
{
    (void)state;
    static const char *const deltas[] = {"\"content\":\"Hal\""};
    struct taken t = {.wrong = NULL};
    assert_int_equal(feed(&t, deltas, 1, NULL), E_OK);
    assert_str(log_of(&t), STR("TEXT 0.0\n text \"Hal\"\nERROR 0.0\nerror.kind server\nerror.status 502\n"
                               "error.message \"The stream ended early\"\n"));
    t = (struct taken){.wrong = NULL};
    assert_int_equal(feed(&t, NULL, 0, NULL), E_OK);
    assert_str(
        log_of(&t),
        STR("ERROR 0.0\nerror.kind server\nerror.status 502\nerror.message \"The stream ended early\"\n"));
}

static void errors_in_streams(void **state)
{
    (void)state;
    static const struct {
        const char *event, *want;
    } cases[] = {
        {"{\"error\":{\"message\":\"m\",\"type\":\"server_error\",\"code\":null}}",
         "error.kind server\nerror.status 500\nerror.message \"m\"\n"},
        {"{\"error\":{\"message\":\"m\",\"code\":429}}",
         "error.kind rate\nerror.status 429\nerror.message \"m\"\n"},
        {"{\"error\":{\"message\":\"m\",\"code\":\"rate_limit_exceeded\",\"type\":\"tokens\"}}",
         "error.kind rate\nerror.status 429\nerror.message \"m\"\nerror.code \"rate_limit_exceeded\"\n"},
        {"{\"error\":{\"message\":\"m\",\"type\":\"insufficient_quota\"}}",
         "error.kind quota\nerror.status 429\nerror.message \"m\"\n"},
        {"{\"error\":\"m\"}", "error.kind server\nerror.status 500\nerror.message \"m\"\n"},
        {"{\"error\":{\"message\":{\"detail\":\"m\"}}}",
         "error.kind server\nerror.status 500\nerror.message \"{\\\"detail\\\":\\\"m\\\"}\"\n"},
        {"{\"error\":{}}", "error.kind server\nerror.status 500\nerror.message \"Internal Server Error\"\n"},
        {"{\"choices\":[{\"index\":0,\"delta\":{},\"error\":{\"message\":\"m\",\"code\":502},\"finish_"
         "reason\":\"error\"}]}",
         "error.kind server\nerror.status 502\nerror.message \"m\"\n"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        static const char *const deltas[] = {"\"content\":\"Hal\""};
        struct taken t = {.wrong = NULL};
        struct str want = arena_printf(&arena, "TEXT 0.0\n text \"Hal\"\nERROR 0.0\n%s", cases[i].want);
        assert_int_equal(feed(&t, deltas, 1, cases[i].event), E_OK);
        assert_str(log_of(&t), want);
    }
}

static void ends_of_answers(void **state)
{
    (void)state;
    static const struct {
        const char *reason;
        enum ir_finish finish;
    } cases[] = {
        {"stop", IR_FINISH_STOP},
        {"length", IR_FINISH_LENGTH},
        {"content_filter", IR_FINISH_FILTER},
        {"tool_calls", IR_FINISH_TOOLS},
        {"function_call", IR_FINISH_TOOLS},
        {"error", IR_FINISH_ERROR},
        {"model_length", IR_FINISH_LENGTH},
        {"whatever", IR_FINISH_UNKNOWN},
    };
    for (size_t i = 0; i < countof(cases); i++)
        assert_int_equal(chat_finish(str_c(cases[i].reason)), cases[i].finish);
    static const struct {
        enum ir_finish finish;
        bool calls, functions;
        const char *reason;
    } back[] = {
        {IR_FINISH_STOP, false, false, "stop"},
        {IR_FINISH_STOP, true, false, "tool_calls"},
        {IR_FINISH_TOOLS, true, true, "function_call"},
        {IR_FINISH_UNKNOWN, false, false, "stop"},
        {IR_FINISH_STOP_SEQUENCE, false, false, "stop"},
        {IR_FINISH_PAUSE, false, false, "stop"},
        {IR_FINISH_LENGTH, true, false, "length"},
        {IR_FINISH_FILTER, false, false, "content_filter"},
        {IR_FINISH_REFUSAL, false, false, "content_filter"},
        {IR_FINISH_ERROR, false, false, "error"},
    };
    for (size_t i = 0; i < countof(back); i++)
        assert_str(chat_finish_reason(back[i].finish, back[i].calls, back[i].functions),
                   str_c(back[i].reason));
}

static void sources_beside_the_choices(void **state)
{
    (void)state;
    struct taken t = {.wrong = NULL};
    buf_init(&t.log, MIB);
    struct str body =
        STR("{\"choices\":[{\"index\":0,\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}],"
            "\"citations\":[\"https://a\"],\"search_results\":[{\"title\":\"A\",\"url\":\"https://"
            "a\",\"date\":null}]}");
    assert_int_equal(codec_openai_chat.read_answer(&arena, body, on_event, &t), E_OK);
    assert_str(log_of(&t), STR("TEXT 0.0\n text \"x\"\nCITATION 0.0\n part.text.citation.url \"https://a\"\n"
                               " part.text.citation.title \"A\"\nFINISH 0.0\n finish stop\nEND 0.0\n"));
}

/* Gemini's chat, where all the tokens went into thoughts. */
static void a_reason_without_a_message(void **state)
{
    (void)state;
    struct taken t = {.wrong = NULL};
    buf_init(&t.log, MIB);
    struct str body =
        STR("{\"choices\":[{\"index\":0,\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":4,"
            "\"total_tokens\":9}}");
    assert_int_equal(codec_openai_chat.read_answer(&arena, body, on_event, &t), E_OK);
    assert_str(log_of(&t),
               STR("FINISH 0.0\n finish length\nUSAGE 0.0\nusage.input 4\nusage.output 0\nEND 0.0\n"));
}

static void what_is_no_answer(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "null",
        "{}",
        "[]",
        "{\"choices\":[]}",
        "{\"choices\":null}",
        "{\"choices\":[{}]}",
        "{\"choices\":[{\"message\":{}}]}",
        "{\"choices\":[{\"message\":\"x\"}]}",
        "{\"choices\":[{\"index\":\"0\",\"message\":{\"content\":\"x\"}}]}",
        "{\"choices\":[{\"message\":{\"content\":\"x\"}},{\"message\":null}]}",
        "{\"choices\":[{\"message\":{\"content\":\"x\",\"tool_calls\":[{\"id\":\"a\"}]}}]}",
        "{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}",
        "{\"candidates\":[]}",
    };
    for (size_t i = 0; i < countof(bodies); i++) {
        struct taken t = {.wrong = NULL};
        buf_init(&t.log, MIB);
        if (codec_openai_chat.read_answer(&arena, str_c(bodies[i]), on_event, &t) != E_SYNTAX || t.log.n)
            fail_msg("%s: %.*s", bodies[i], STR_FMT(buf_str(&t.log)));
        buf_done(&t.log);
    }
}

/* ---- answers, written ---- */

static struct ir_request asked;

static void write_events(const struct ir_event *ev, size_t n)
{
    struct codec_writer w = {.codec = &codec_openai_chat, .arena = &arena, .out = &out, .request = &asked};
    buf_clear(&out);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(codec_openai_chat.write_event(&w, &ev[i]), E_OK);
}

#define HEAD                                                                                                 \
    "data: {\"id\":\"i\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":["
#define CHUNK(delta) HEAD "{\"index\":0,\"delta\":{" delta "},\"logprobs\":null,\"finish_reason\":null}]}\n\n"
#define FIRST CHUNK("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null")
#define LAST(reason)                                                                                         \
    HEAD "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"" reason "\"}]}\n\ndata: "         \
         "[DONE]\n\n"
#define START                                                                                                \
    {                                                                                                        \
        .kind = IR_EV_START, .id = S("i"), .model = S("m"), .created = 7                                     \
    }

static void a_stream_as_openai_writes_it(void **state)
{
    (void)state;
    static const struct ir_event events[] = {
        START,
        {.kind = IR_EV_THINKING, .text = S("why")},
        {.kind = IR_EV_SIGNATURE, .text = S("s")},
        {.kind = IR_EV_SIGNATURE, .block = 1, .text = S("d"), .redacted = true},
        {.kind = IR_EV_TEXT, .block = 2, .text = S("Gr\xc3\xbc\xc3\x9f")},
        {.kind = IR_EV_TEXT, .block = 2, .text = S("e")},
        {.kind = IR_EV_CALL, .block = 3, .id = S("a"), .name = S("f")},
        {.kind = IR_EV_ARGUMENTS, .block = 3, .text = S("{\"x\":")},
        {.kind = IR_EV_ARGUMENTS, .block = 3, .text = S("1}")},
        {.kind = IR_EV_SIGNATURE, .block = 3, .text = S("g")},
        {.kind = IR_EV_CALL, .block = 4, .id = S("b"), .name = S("g")},
        {.kind = IR_EV_FINISH, .finish = IR_FINISH_TOOLS},
        {.kind = IR_EV_END},
    };
    asked = ir_request_none();
    write_events(events, countof(events));
    assert_str(
        buf_str(&out),
        STR(FIRST CHUNK(
            "\"reasoning_content\":\"why\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"index\":0,"
            "\"text\":\"why\"}]") CHUNK("\"reasoning_details\":[{\"type\":\"reasoning.text\",\"index\":0,"
                                        "\"signature\":\"s\"}]")
                CHUNK("\"reasoning_details\":[{\"type\":\"reasoning.encrypted\",\"index\":1,\"data\":\"d\"}]")
                    CHUNK("\"content\":\"Gr\xc3\xbc\xc3\x9f\"") CHUNK("\"content\":\"e\"") CHUNK(
                        "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{"
                        "\"name\":\"f\",\"arguments\":\"\"}}]")
                        CHUNK("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\":\"}}]")
                            CHUNK("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]") CHUNK(
                                "\"tool_calls\":[{\"index\":0,\"extra_content\":{\"google\":{"
                                "\"thought_signature\":\"g\"}}}]")
                                CHUNK("\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"type\":\"function\","
                                      "\"function\":{\"name\":\"g\",\"arguments\":\"\"}}]")
                                    CHUNK(
                                        "\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"{}\"}}]")
                                        LAST("tool_calls")));
}

static const struct usage some_usage = {.known = true,
                                        .input = 100,
                                        .output = 50,
                                        .cached = 60,
                                        .cache_write = 30,
                                        .cache_write_1h = 10,
                                        .reasoning = 20,
                                        .audio_in = 5,
                                        .audio_out = 4,
                                        .cached_audio = 3,
                                        .image_in = 2,
                                        .image_out = 1};
#define USAGE                                                                                                \
    "\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":50,\"total_tokens\":150,\"prompt_tokens_"        \
    "details\":{"                                                                                            \
    "\"cached_tokens\":60,\"audio_tokens\":5,\"cache_write_tokens\":30,\"image_tokens\":2,"                  \
    "\"cached_tokens_details\":{\"audio_tokens\":3}},\"completion_tokens_details\":{\"reasoning_tokens\":"   \
    "20,"                                                                                                    \
    "\"audio_tokens\":4,\"image_tokens\":1,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":" \
    "0}}"

/* The chunk with usage, and null in all others, for those who asked; else neither. */
static void usage_for_those_who_asked(void **state)
{
    (void)state;
    const struct ir_event events[] = {
        START,
        {.kind = IR_EV_TEXT, .text = S("x")},
        {.kind = IR_EV_FINISH, .finish = IR_FINISH_STOP},
        {.kind = IR_EV_USAGE, .usage = &some_usage},
        {.kind = IR_EV_END},
    };
    asked = ir_request_none();
    write_events(events, countof(events));
    assert_str(buf_str(&out), STR(FIRST CHUNK("\"content\":\"x\"") LAST("stop")));
    asked.stream_usage = true;
    write_events(events, countof(events));
    assert_str(buf_str(&out),
               STR(HEAD "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},"
                        "\"logprobs\":null,"
                        "\"finish_reason\":null}],\"usage\":null}\n\n" HEAD
                        "{\"index\":0,\"delta\":{\"content\":\"x\"},\"logprobs\":null,\"finish_reason\":null}"
                        "],\"usage\":null}\n\n" HEAD "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_"
                        "reason\":\"stop\"}],\"usage\":null}\n\n" HEAD "]," USAGE "}\n\ndata: [DONE]\n\n"));
}

static void an_error_ends_the_stream(void **state)
{
    (void)state;
    static const struct ir_error error = {
        .kind = IR_ERR_OVERLOADED, .status = 529, .message = S("Overloaded")};
    const struct ir_event events[] = {
        START, {.kind = IR_EV_TEXT, .text = S("x")}, {.kind = IR_EV_ERROR, .error = &error}};
    asked = ir_request_none();
    write_events(events, countof(events));
    assert_str(buf_str(&out),
               STR(FIRST CHUNK("\"content\":\"x\"") "data: "
                                                    "{\"error\":{\"message\":\"Overloaded\",\"type\":"
                                                    "\"service_unavailable_error\",\"param\":null,"
                                                    "\"code\":\"server_is_overloaded\"}}\n\n"));
    assert_int_equal(codec_openai_chat.error_status(&error), 503);
}

static void the_old_form_for_old_clients(void **state)
{
    (void)state;
    static const struct ir_event events[] = {
        START,
        {.kind = IR_EV_CALL, .id = S("a"), .name = S("f")},
        {.kind = IR_EV_ARGUMENTS, .text = S("{}")},
        {.kind = IR_EV_FINISH, .finish = IR_FINISH_TOOLS},
        {.kind = IR_EV_END},
    };
    asked = ir_request_none();
    asked.functions = true;
    write_events(events, countof(events));
    assert_str(buf_str(&out), STR(FIRST CHUNK("\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}") CHUNK(
                                  "\"function_call\":{\"arguments\":\"{}\"}") LAST("function_call")));
}

/* Positions are in the whole text: blocks before count, in code points. */
static void places_of_citations(void **state)
{
    (void)state;
    static const struct ir_citation placed = {.url = S("https://a"), .title = S("A"), .start = 1, .end = 3},
                                    unplaced = {.url = S("https://b"),
                                                .quote = S("q"),
                                                .start = -1,
                                                .end = -1},
                                    document = {.document = S("0"), .quote = S("q"), .start = -1, .end = -1};
    const struct ir_event events[] = {
        START,
        {.kind = IR_EV_TEXT, .text = S("\xe2\x82\xac\xe2\x82\xac ")},
        {.kind = IR_EV_TEXT, .block = 1, .text = S("four")},
        {.kind = IR_EV_CITATION, .block = 1, .citation = &placed},
        {.kind = IR_EV_CITATION, .block = 1, .citation = &unplaced},
        {.kind = IR_EV_CITATION, .block = 1, .citation = &document},
        {.kind = IR_EV_FINISH, .finish = IR_FINISH_STOP},
        {.kind = IR_EV_END},
    };
    asked = ir_request_none();
    write_events(events, countof(events));
#define CITED_A                                                                                              \
    "{\"type\":\"url_citation\",\"url_citation\":{\"start_index\":4,\"end_index\":6,\"url\":\"https://"      \
    "a\",\"title\":\"A\"}}"
#define CITED_B                                                                                              \
    "{\"type\":\"url_citation\",\"url_citation\":{\"start_index\":3,\"end_index\":7,\"url\":\"https://"      \
    "b\",\"title\":\"\",\"content\":\"q\"}}"
    assert_str(buf_str(&out), STR(FIRST CHUNK("\"content\":\"\xe2\x82\xac\xe2\x82\xac \"")
                                      CHUNK("\"content\":\"four\"") CHUNK("\"annotations\":[" CITED_A "]")
                                          CHUNK("\"annotations\":[" CITED_B "]") LAST("stop")));
    struct ir_answer answer;
    ir_answer_init(&answer, &arena);
    for (size_t i = 0; i < countof(events); i++)
        assert_int_equal(ir_answer_add(&answer, &events[i]), E_OK);
    buf_clear(&out);
    assert_int_equal(codec_openai_chat.write_answer(&arena, &answer, &asked, &out), E_OK);
    assert_str(buf_str(&out), STR("{\"id\":\"i\",\"object\":\"chat.completion\",\"created\":7,\"model\":"
                                  "\"m\",\"choices\":[{\"index\":0,"
                                  "\"message\":{\"role\":\"assistant\",\"content\":"
                                  "\"\xe2\x82\xac\xe2\x82\xac four\",\"refusal\":null,"
                                  "\"annotations\":[" CITED_A "," CITED_B
                                  "]},\"logprobs\":null,\"finish_reason\":\"stop\"}]}"));
}

static void a_whole_answer_as_openai_writes_it(void **state)
{
    (void)state;
    static const struct ir_part picture = {.kind = IR_IMAGE,
                                           .media = {.mime = S("image/png"), .data = S("AAAA")}},
                                sound = {.kind = IR_AUDIO,
                                         .media = {.data = S("AAEC"), .file_id = S("audio_1")}},
                                more = {.kind = IR_AUDIO, .media = {.data = S("AwQF")}};
    const struct ir_event events[] = {
        START,
        {.kind = IR_EV_THINKING, .text = S("why"), .id = S("rs_1")},
        {.kind = IR_EV_SIGNATURE, .text = S("s")},
        {.kind = IR_EV_TEXT, .block = 1, .text = S("so")},
        {.kind = IR_EV_REFUSAL, .block = 2, .text = S("no")},
        {.kind = IR_EV_MEDIA, .block = 3, .part = &picture},
        {.kind = IR_EV_MEDIA, .block = 4, .part = &sound},
        {.kind = IR_EV_MEDIA, .block = 5, .part = &more},
        {.kind = IR_EV_CALL, .block = 6, .id = S("a"), .name = S("f")},
        {.kind = IR_EV_SIGNATURE, .block = 6, .text = S("g")},
        {.kind = IR_EV_LOGPROBS, .text = S("[{\"token\":\"so\"}]")},
        {.kind = IR_EV_FINISH, .finish = IR_FINISH_STOP_SEQUENCE, .text = S("END")},
        {.kind = IR_EV_USAGE, .usage = &some_usage},
        {.kind = IR_EV_END},
    };
    struct ir_answer answer;
    asked = ir_request_none();
    ir_answer_init(&answer, &arena);
    for (size_t i = 0; i < countof(events); i++)
        assert_int_equal(ir_answer_add(&answer, &events[i]), E_OK);
    assert_int_equal(codec_openai_chat.write_answer(&arena, &answer, &asked, &out), E_OK);
    assert_str(
        buf_str(&out),
        STR("{\"id\":\"i\",\"object\":\"chat.completion\",\"created\":7,\"model\":\"m\",\"choices\":[{"
            "\"index\":0,"
            "\"message\":{\"role\":\"assistant\",\"content\":\"so\",\"refusal\":\"no\",\"reasoning_content\":"
            "\"why\","
            "\"reasoning_details\":[{\"type\":\"reasoning.text\",\"index\":0,\"text\":\"why\",\"signature\":"
            "\"s\",\"id\":\"rs_1\"}],"
            "\"audio\":{\"id\":\"audio_1\",\"data\":\"AAECAwQF\",\"expires_at\":3607,\"transcript\":\"\"},"
            "\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}],"
            "\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
            "\"{}\"},"
            "\"extra_content\":{\"google\":{\"thought_signature\":\"g\"}}}]},"
            "\"logprobs\":{\"content\":[{\"token\":\"so\"}],\"refusal\":null},\"finish_reason\":\"tool_"
            "calls\","
            "\"stop_reason\":\"END\"}]," USAGE "}"));
}

/* ---- errors ---- */

static void errors(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body, *want;
    } cases[] = {
        {429,
         "{\"error\":{\"message\":\"m\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}",
         "error.kind quota\nerror.status 429\nerror.message \"m\"\nerror.code \"insufficient_quota\"\n"},
        {402, "{\"error\":{\"message\":\"m\",\"code\":402}}",
         "error.kind quota\nerror.status 402\nerror.message \"m\"\n"},
        {400, "{\"error\":{\"message\":\"m\",\"param\":\"model\",\"code\":\"c\"}}",
         "error.kind invalid\nerror.status 400\nerror.message \"m\"\nerror.code \"c\"\nerror.param "
         "\"model\"\n"},
        {422, "{\"detail\":[{\"msg\":\"field required\"}]}",
         "error.kind invalid\nerror.status 422\nerror.message \"field required\"\n"},
        {503, "upstream connect error",
         "error.kind overloaded\nerror.status 503\nerror.message \"upstream connect error\"\n"},
        {502, "<html></html>", "error.kind server\nerror.status 502\nerror.message \"Bad Gateway\"\n"},
        {404, "", "error.kind not_found\nerror.status 404\nerror.message \"Not Found\"\n"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_error e;
        codec_openai_chat.read_error(&arena, cases[i].status, str_c(cases[i].body), &e);
        buf_clear(&out);
        dump_error(&out, &e);
        assert_str(buf_str(&out), str_c(cases[i].want));
        assert_int_equal(codec_openai_chat.error_status(&e), cases[i].status);
    }
    static const struct ir_error auth = {.kind = IR_ERR_AUTH, .status = 401, .message = S("No \"key\".")};
    buf_clear(&out);
    codec_openai_chat.write_error(&auth, &out);
    assert_str(
        buf_str(&out),
        STR("{\"error\":{\"message\":\"No \\\"key\\\".\",\"type\":\"invalid_request_error\",\"param\":null,"
            "\"code\":\"invalid_api_key\"}}"));
}

/* ---- cost ---- */

static void ignore(void *arg, const struct ir_event *ev)
{
    *(unsigned *)arg += ev->kind == IR_EV_TEXT || ev->kind == IR_EV_ARGUMENTS || ev->kind == IR_EV_LOGPROBS;
}

static void deltas_allocate_nothing(void **state)
{
    (void)state;
    static const char *const deltas[] = {
        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"more\"},\"logprobs\":{\"content\":[{\"token\":"
        "\"more\",\"logprob\":-0.5}],"
        "\"refusal\":null},\"finish_reason\":null}],\"usage\":null}",
        "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{"
        "\"name\":\"f\",\"arguments\":"
        "\"{}\"}}]}}]}",
    };
    static const struct ir_event events[] = {
        {.kind = IR_EV_TEXT, .text = S("more")},
        {.kind = IR_EV_THINKING, .block = 1, .text = S("more")},
        {.kind = IR_EV_CALL, .block = 2, .id = S("a"), .name = S("f")},
        {.kind = IR_EV_ARGUMENTS, .block = 2, .text = S("more")},
    };
    static const struct ir_event begin = START;
    unsigned seen = 0;
    struct codec_reader r = {.codec = &codec_openai_chat, .arena = &arena, .on_event = ignore, .arg = &seen};
    struct codec_writer w = {.codec = &codec_openai_chat, .arena = &arena, .out = &out, .request = &asked};
    asked = ir_request_none();
    for (size_t i = 0; i < countof(deltas); i++)
        for (unsigned round = 0; round < 100; round++) {
            struct sse_event ev = {.data = str_c(deltas[i])};
            uint64_t before = mem_count();
            size_t used = arena.used;
            assert_int_equal(codec_openai_chat.read_sse(&r, &ev), E_OK);
            if (round > 1)
                assert_true(mem_count() == before && arena.used == used);
        }
    assert_int_equal(seen, 300);
    assert_non_null(buf_room(&out, 64 * KIB));
    assert_int_equal(codec_openai_chat.write_event(&w, &begin), E_OK);
    for (size_t i = 0; i < countof(events); i++)
        for (unsigned round = 0; round < 100; round++) {
            uint64_t before = mem_count();
            size_t used = arena.used;
            assert_int_equal(codec_openai_chat.write_event(&w, &events[i]), E_OK);
            if (round > 0)
                assert_true(mem_count() == before && arena.used == used);
            buf_clear(&out);
        }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(numbers_keep_their_digits),
        TEST(null_is_as_good_as_nothing),
        TEST(members_that_nobody_knows_are_noted),
        TEST(the_forms_of_reasoning),
        TEST(choices_of_tools),
        TEST(functions_of_old),
        TEST(parts_of_content),
        TEST(marks_of_the_cache),
        TEST(thoughts_of_before),
        TEST(calls_of_before),
        TEST(what_is_no_request_is_refused),
        TEST(all_of_a_request),
        TEST(quirks),
        TEST(what_mistral_does_not_know),
        TEST(a_long_user_id_is_hashed),
        TEST(a_schema_in_words),
        TEST(what_openai_does_not_know),
        TEST(efforts_and_budgets),
        TEST(pictures_in_results),
        TEST(files),
        TEST(what_cannot_be_said_is_refused),
        TEST(what_cannot_be_said_is_noted),
        TEST(blocks_follow_each_other),
        TEST(thoughts_of_others),
        TEST(calls_of_others),
        TEST(streams_that_make_no_sense),
        TEST(a_stream_that_ends_early),
        TEST(errors_in_streams),
        TEST(ends_of_answers),
        TEST(sources_beside_the_choices),
        TEST(a_reason_without_a_message),
        TEST(what_is_no_answer),
        TEST(a_stream_as_openai_writes_it),
        TEST(usage_for_those_who_asked),
        TEST(an_error_ends_the_stream),
        TEST(the_old_form_for_old_clients),
        TEST(places_of_citations),
        TEST(a_whole_answer_as_openai_writes_it),
        TEST(errors),
        TEST(deltas_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
