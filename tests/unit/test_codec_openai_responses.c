/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec_openai_responses: what the API's documentation says, spelled out. The golden cases (test_codec.c)
 * show that nothing is lost on the way; here stands what exactly is read and written, and what is refused.
 * Answers as they are written are files under golden/openai_responses_written, which the official clients
 * read in flow/responses-client.test.mjs; with GOLDEN_WRITE=1 in the environment they are written anew.
 */
#include "tests/unit/golden.h"
#include "tests/unit/ir_dump.h"

#include "base/clock.h"

#include <stdlib.h>

static struct arena arena;
static struct buf out;
static struct str why;
static struct ir_request request; /* the one that was read or is being built */

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 16 * MIB);
    buf_init(&out, 16 * MIB);
    why = str_of(NULL, 0);
    request = ir_request_none();
    request.model = STR("gpt-5.1");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ir_request_done(&request);
    buf_done(&out);
    arena_done(&arena);
    return 0;
}

/* ---- requests, read ---- */

static enum err read_it(const char *body)
{
    ir_request_done(&request);
    return codec_openai_responses.read_request(&arena, str_c(body), STR("v1/responses"), &request, &why);
}

static struct str dropped(void)
{
    struct str names[2 * IR_DROPPED];
    size_t n = 0;
    for (size_t i = 0; i < request.dropped.n; i++) {
        if (i)
            names[n++] = STR(" ");
        names[n++] = request.dropped.v[i];
    }
    return arena_join(&arena, names, n);
}

/* want: lines of ir_dump, the model's left out. */
static void reads(const char *body, const char *want)
{
    enum err e = read_it(body);
    if (e != E_OK)
        fail_msg("%s: %.*s", err_name(e), STR_FMT(why));
    buf_clear(&out);
    request.model = str_of(NULL, 0);
    dump_request(&out, DUMP_EXACT, &request);
    assert_str(buf_str(&out), str_c(want));
}

static void refuses(const char *body, const char *want)
{
    assert_int_equal(read_it(body), E_SYNTAX);
    assert_str(why, str_c(want));
}

static void a_string_is_a_users_message(void **state)
{
    (void)state;
    reads("{\"input\":\"Hi\",\"instructions\":\"Be brief.\"}",
          "system {\nsystem.text \"Be brief.\"\n}\nuser {\nuser.text \"Hi\"\n}\n");
    reads("{\"input\":[]}", "");
    refuses("{}", "input is not a string or a list");
    refuses("[]", "the body is not a JSON object");
    refuses("{\"input\":[7]}", "input[0] is not an object");
    refuses("{\"input\":[{\"role\":\"user\",\"content\":7}]}", "input[0]: content is not a string or a list");
    refuses("{\"input\":\"a\",\"instructions\":[]}", "instructions is not a string");
    refuses("{\"input\":[{\"role\":\"tool\",\"content\":\"a\"}]}",
            "input[0]: the role is not user, assistant, system or developer");
    assert_int_equal(read_it("{\"input\":"), E_SYNTAX);
}

static void a_run_of_the_assistants_items_is_a_message(void **state)
{
    (void)state;
    reads("{\"input\":["
          "{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"A\"},"
          "{\"type\":\"summary_text\",\"text\":\"B\"}],\"encrypted_content\":\"enc\"},"
          "{\"role\":\"assistant\",\"content\":\"Text\"},"
          "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"\"},"
          "{\"type\":\"function_call\",\"call_id\":\"c2\",\"name\":\"g\",\"arguments\":\"{\\\"a\\\":1.0}\"},"
          "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"\"},"
          "{\"type\":\"function_call_output\",\"call_id\":\"c2\",\"status\":\"incomplete\",\"output\":["
          "{\"type\":\"input_text\",\"text\":\"no\"}]},"
          "{\"role\":\"assistant\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"No.\"}]}]}",
          "assistant {\nassistant.thinking \"A\\n\\nB\"\nassistant.thinking.id \"rs_1\"\n"
          "assistant.thinking.signature \"enc\"\nassistant.text \"Text\"\n"
          "assistant.call \"\"\nassistant.call.id \"c1\"\nassistant.call.name \"f\"\n"
          "assistant.call.arguments \"{}\"\n"
          "assistant.call \"\"\nassistant.call.id \"c2\"\nassistant.call.name \"g\"\n"
          "assistant.call.arguments \"{\\\"a\\\":1.0}\"\n}\n"
          "tool {\ntool.result \"\"\ntool.result.id \"c1\"\ntool.result.name \"f\"\n}\n"
          "tool {\ntool.result \"\"\ntool.result.id \"c2\"\ntool.result.name \"g\"\ntool.result.is_error "
          "\"true\"\n"
          "tool.result.text \"no\"\n}\n"
          "assistant {\nassistant.refusal \"No.\"\n}\n");
}

static void media_are_data_urls_and_ids(void **state)
{
    (void)state;
    reads("{\"input\":[{\"role\":\"user\",\"content\":["
          "{\"type\":\"input_image\",\"image_url\":\"data:image/gif;base64,R0lGOD\",\"detail\":\"low\"},"
          "{\"type\":\"input_image\",\"file_id\":\"file_1\"},"
          "{\"type\":\"input_file\",\"file_data\":\"JVBERi\",\"filename\":\"a.pdf\"},"
          "{\"type\":\"input_file\",\"file_data\":\"data:text/plain;base64,SGk=\"},"
          "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\",\"format\":\"mp3\"}}]}]}",
          "user {\nuser.image.mime \"image/gif\"\nuser.image.data \"R0lGOD\"\nuser.image.detail \"low\"\n"
          "user.image.file_id \"file_1\"\n"
          "user.file.data \"JVBERi\"\nuser.file.name \"a.pdf\"\n"
          "user.file.mime \"text/plain\"\nuser.file.text \"Hi\"\n"
          "user.audio.mime \"audio/mpeg\"\nuser.audio.data \"AAAA\"\n}\n");
    refuses("{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"a\"},"
            "{\"type\":\"input_image\",\"image_url\":\"data:image/png,abc\"}]}]}",
            "input[0], part 1: image_url holds data that is not base64");
    refuses("{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\"}]}]}",
            "input[0], part 0: an image without image_url or file_id");
    refuses("{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_video\"}]}]}",
            "input[0], part 0: a part of an unknown type");
}

static void what_openai_keeps_cannot_be_sent_elsewhere(void **state)
{
    (void)state;
    refuses("{\"input\":\"Go on\",\"previous_response_id\":\"resp_1\"}",
            "previous_response_id refers to text that is stored at OpenAI, and the request goes to another "
            "provider's API: send the whole conversation in input");
    assert_int_equal(read_it("{\"input\":\"a\",\"conversation\":{\"id\":\"conv_1\"}}"), E_SYNTAX);
    assert_int_equal(read_it("{\"prompt\":{\"id\":\"pmpt_1\"}}"), E_SYNTAX);
    reads("{\"input\":[{\"type\":\"item_reference\",\"id\":\"msg_1\"},{\"id\":\"rs_1\"},"
          "{\"role\":\"user\",\"content\":\"Hi\"}],\"previous_response_id\":null,\"truncation\":\"auto\","
          "\"background\":true,\"max_tool_calls\":3,\"prompt_cache_key\":\"k\",\"include\":["
          "\"file_search_call.results\",\"reasoning.encrypted_content\"]}",
          "user {\nuser.text \"Hi\"\n}\n");
    assert_str(dropped(), STR("item_reference truncation background max_tool_calls prompt_cache_key "
                              "file_search_call.results"));
}

static void cache_marks_are_read(void **state)
{
    (void)state;
    reads("{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"a\","
          "\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}},{\"type\":\"input_text\",\"text\":\"b\","
          "\"prompt_cache_breakpoint\":{\"mode\":\"explicit\",\"ttl\":\"12h\"}}]}]}",
          "user {\nuser.text \"a\"\nuser.text.cache_control \"5m\"\nuser.text \"b\"\n"
          "user.text.cache_control \"1h\"\n}\n");
}

/* Strict is the default here and nowhere else, so it is handed on only where the schema bears it. */
static void functions_are_strict_where_they_can_be(void **state)
{
    (void)state;
    reads(
        "{\"input\":[],\"tools\":["
        "{\"type\":\"function\",\"name\":\"a\",\"parameters\":{\"type\":\"object\",\"properties\":{\"x\":{"
        "\"type\":\"number\",\"maximum\":1.50}},\"required\":[\"x\"],\"additionalProperties\":false}},"
        "{\"type\":\"function\",\"name\":\"b\",\"parameters\":{\"type\":\"object\",\"properties\":{\"x\":{"
        "\"type\":\"object\"}},\"required\":[\"x\"],\"additionalProperties\":false}},"
        "{\"type\":\"function\",\"name\":\"c\",\"strict\":true,\"parameters\":{}},"
        "{\"type\":\"function\",\"name\":\"d\",\"strict\":false,\"description\":\"D\",\"parameters\":null}]}",
        "tools \"a\"\ntools.schema \"{\\\"type\\\":\\\"object\\\",\\\"properties\\\":{\\\"x\\\":{"
        "\\\"type\\\":\\\"number\\\",\\\"maximum\\\":1.50}},\\\"required\\\":[\\\"x\\\"],"
        "\\\"additionalProperties\\\":false}\"\ntools.strict 1\n"
        "tools \"b\"\ntools.schema \"{\\\"type\\\":\\\"object\\\",\\\"properties\\\":{\\\"x\\\":{"
        "\\\"type\\\":\\\"object\\\"}},\\\"required\\\":[\\\"x\\\"],\\\"additionalProperties\\\":false}\"\n"
        "tools \"c\"\ntools.schema \"{}\"\ntools.strict 1\n"
        "tools \"d\"\ntools.description \"D\"\n");
    refuses("{\"input\":[],\"tools\":[{\"type\":\"function\"}]}", "tools[0] has no name");
}

static void tool_choice_in_all_its_forms(void **state)
{
    (void)state;
    const char tools[] = "{\"type\":\"function\",\"name\":\"a\",\"strict\":false},"
                         "{\"type\":\"function\",\"name\":\"b\",\"strict\":false},{\"type\":\"web_search\"}";
    struct {
        const char *choice, *want, *dropped;
    } cases[] = {
        {"\"required\"",
         "tools \"a\"\ntools \"b\"\ntools.raw \"web_search\"\ntools.raw "
         "\"{\\\"type\\\":\\\"web_search\\\"}\"\ntool_choice \"required\"\n",
         ""},
        {"{\"type\":\"function\",\"name\":\"b\"}",
         "tools \"a\"\ntools \"b\"\ntools.raw \"web_search\"\ntools.raw "
         "\"{\\\"type\\\":\\\"web_search\\\"}\"\ntool_choice \"named\"\ntool_choice \"b\"\n",
         ""},
        {"{\"type\":\"allowed_tools\",\"mode\":\"required\",\"tools\":[{\"type\":\"function\",\"name\":\"b\"}"
         "]}",
         "tools \"b\"\ntool_choice \"required\"\n", ""},
        {"{\"type\":\"web_search\"}",
         "tools \"a\"\ntools \"b\"\ntools.raw \"web_search\"\ntools.raw "
         "\"{\\\"type\\\":\\\"web_search\\\"}\"\n",
         "tool_choice"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct str body =
            arena_printf(&arena, "{\"input\":[],\"tools\":[%s],\"tool_choice\":%s}", tools, cases[i].choice);
        reads(body.p, cases[i].want);
        assert_str(dropped(), str_c(cases[i].dropped));
    }
}

static void settings_are_read(void **state)
{
    (void)state;
    reads(
        "{\"input\":[],\"temperature\":0.70,\"top_p\":1e-1,\"max_output_tokens\":100.0,\"top_logprobs\":3,"
        "\"stream\":true,\"store\":false,\"parallel_tool_calls\":false,\"user\":\"u\","
        "\"safety_identifier\":\"s\",\"metadata\":{\"a\":\"b\"},\"service_tier\":\"flex\","
        "\"reasoning\":{\"effort\":\"max\",\"generate_summary\":\"concise\",\"mode\":\"pro\"},"
        "\"text\":{\"verbosity\":\"high\",\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{}}}"
        "}",
        "stream 1\nparallel_tool_calls 0\ntemperature \"0.70\"\ntop_p \"1e-1\"\nmax_tokens 100\nlogprobs 1\n"
        "top_logprobs 3\nresponse_format \"schema\"\nresponse_format.name \"n\"\nresponse_format.schema "
        "\"{}\"\nreasoning.effort \"xhigh\"\nreasoning.shown 1\nuser \"u\"\nmetadata "
        "\"{\\\"a\\\":\\\"b\\\"}\"\nservice_tier \"flex\"\nverbosity \"high\"\nstore 0\n");
    assert_str(dropped(), STR("safety_identifier mode"));
    refuses("{\"input\":[],\"max_output_tokens\":1.5}", "max_output_tokens is not a whole number");
    refuses("{\"input\":[],\"text\":{\"format\":{\"type\":\"grammar\"}}}", "text.format has an unknown type");
    refuses("{\"input\":[],\"text\":{\"format\":{\"type\":\"json_schema\"}}}", "text.format has no schema");
}

/* Thoughts that came from elsewhere carry our ids, and come back without; signatures return to their part. */
static void thoughts_of_others_return(void **state)
{
    (void)state;
    reads(
        "{\"input\":["
        "{\"type\":\"reasoning\",\"id\":\"rs_weir_x_0\",\"summary\":[{\"type\":\"summary_text\",\"text\":"
        "\"A\"}],\"encrypted_content\":\"sig\"},"
        "{\"type\":\"reasoning\",\"id\":\"rs_weir_x_1\",\"summary\":[],\"encrypted_content\":\"silent\"},"
        "{\"type\":\"reasoning\",\"id\":\"rs_weir_redacted_x_2\",\"summary\":[],\"encrypted_content\":\"r\"},"
        "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"},"
        "{\"type\":\"reasoning\",\"id\":\"rs_weir_x_4\",\"summary\":[],\"encrypted_content\":\"weir:gem\"}]}",
        "assistant {\nassistant.thinking \"A\"\nassistant.thinking.signature \"sig\"\n"
        "assistant.thinking \"\"\nassistant.thinking.signature \"silent\"\n"
        "assistant.thinking \"redacted\"\nassistant.thinking.signature \"r\"\n"
        "assistant.call \"\"\nassistant.call.id \"c\"\nassistant.call.name \"f\"\n"
        "assistant.call.arguments \"{}\"\nassistant.call.signature \"gem\"\n}\n");
}

/* ---- requests, written ---- */

static struct ir_part *say(enum ir_role role, const char *text)
{
    struct ir_part *p = ir_add_part(&arena, &ir_add_message(&arena, &request, role)->parts, IR_TEXT);
    p->text = str_c(text);
    return p;
}

static struct ir_part *add(enum ir_role role, enum ir_kind kind)
{
    return ir_add_part(&arena, &ir_add_message(&arena, &request, role)->parts, kind);
}

static enum err write_it(unsigned quirks)
{
    struct codec_ask ask = {.model = STR("m"), .quirks = quirks};
    buf_clear(&out);
    return codec_openai_responses.write_request(&arena, &request, &ask, &out, &why);
}

/* want: the body without {"model":"m", in front and } behind. */
static void writes_with(unsigned quirks, const char *want, const char *want_dropped)
{
    enum err e = write_it(quirks);
    if (e != E_OK)
        fail_msg("%s: %.*s", err_name(e), STR_FMT(why));
    static const struct str start = S("{\"model\":\"m\",");
    struct str body = buf_str(&out);
    assert_true(str_starts(body, start));
    assert_str(str_head(str_from(body, start.n), body.n - start.n - 1), str_c(want));
    assert_str(dropped(), str_c(want_dropped));
}

static void writes(const char *want, const char *want_dropped)
{
    writes_with(0, want, want_dropped);
}

static void cannot_write(const char *want)
{
    assert_int_equal(write_it(0), E_SYNTAX);
    assert_str(why, str_c(want));
}

static void a_first_system_message_is_instructions(void **state)
{
    (void)state;
    say(IR_SYSTEM, "S");
    say(IR_USER, "Hi");
    say(IR_DEVELOPER, "D");
    say(IR_ASSISTANT, "Ho");
    const char conversation[] =
        "\"instructions\":\"S\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":\"Hi\"},"
        "{\"type\":\"message\",\"role\":\"developer\",\"content\":\"D\"},"
        "{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"Ho\"}]";
    writes(conversation, "");
    writes_with(
        CODEC_NO_DEVELOPER,
        "\"instructions\":\"S\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":\"Hi\"},"
        "{\"type\":\"message\",\"role\":\"system\",\"content\":\"D\"},"
        "{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"Ho\"}]",
        "");
    writes_with(CODEC_SYSTEM_FIRST,
                "\"instructions\":\"S\\n\\nD\",\"input\":["
                "{\"type\":\"message\",\"role\":\"user\",\"content\":\"Hi\"},"
                "{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"Ho\"}]",
                "");
}

static void system_texts_in_pieces_stay_pieces(void **state)
{
    (void)state;
    struct ir_part *first = say(IR_SYSTEM, "A");
    ir_add_part(&arena, &first, IR_TEXT)->text = STR("B");
    first->cache = IR_CACHE_1H;
    writes("\"input\":[{\"type\":\"message\",\"role\":\"system\",\"content\":["
           "{\"type\":\"input_text\",\"text\":\"A\"},{\"type\":\"input_text\",\"text\":\"B\"}]}]",
           "cache_control");
}

static void calls_and_results_are_items(void **state)
{
    (void)state;
    struct ir_part *p = say(IR_ASSISTANT, "Look");
    struct ir_part *call = ir_add_part(&arena, &p, IR_TOOL_CALL);
    call->id = STR("c1");
    call->name = STR("look");
    call->signature = STR("gem");
    p = add(IR_TOOL, IR_TOOL_RESULT);
    p->id = STR("c1");
    p->is_error = true;
    ir_add_part(&arena, &p->parts, IR_TEXT)->text = STR("no");
    p = add(IR_TOOL, IR_TOOL_RESULT);
    p->id = STR("c2");
    struct ir_part *image = ir_add_part(&arena, &p->parts, IR_IMAGE);
    image->media.data = STR("/9j/");
    writes(
        "\"input\":[{\"type\":\"message\",\"role\":\"assistant\",\"content\":["
        "{\"type\":\"output_text\",\"text\":\"Look\"}]},"
        "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"look\",\"arguments\":\"{}\"},"
        "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"status\":\"incomplete\",\"output\":\"no\"},"
        "{\"type\":\"function_call_output\",\"call_id\":\"c2\",\"output\":["
        "{\"type\":\"input_image\",\"image_url\":\"data:image/jpeg;base64,/9j/\"}]}]",
        "call.signature");
}

static void only_thoughts_of_this_dialect_are_sent(void **state)
{
    (void)state;
    struct ir_part *p = add(IR_ASSISTANT, IR_THINKING);
    p->text = STR("Hm");
    p->signature = STR("claude's");
    p = add(IR_ASSISTANT, IR_THINKING);
    p->id = STR("rs_1");
    p->text = STR("Ah");
    p->signature = STR("enc");
    writes("\"input\":[{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":["
           "{\"type\":\"summary_text\",\"text\":\"Ah\"}],\"encrypted_content\":\"enc\"}],"
           "\"include\":[\"reasoning.encrypted_content\"]",
           "assistant.thinking");
}

static void documents_are_sent_with_a_name(void **state)
{
    (void)state;
    add(IR_USER, IR_FILE)->media = (struct ir_media){.data = STR("JVBERi"), .name = STR("Report")};
    add(IR_USER, IR_FILE)->media = (struct ir_media){.text = STR("Hi")};
    add(IR_USER, IR_FILE)->media = (struct ir_media){.url = STR("https://e.com/a.pdf")};
    add(IR_USER, IR_AUDIO)->media = (struct ir_media){.mime = STR("audio/mp3"), .data = STR("AAAA")};
    writes("\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_file\","
           "\"filename\":\"Report.pdf\",\"file_data\":\"data:application/pdf;base64,JVBERi\"}]},"
           "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_file\","
           "\"filename\":\"document.txt\",\"file_data\":\"data:text/plain;base64,SGk=\"}]},"
           "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_file\","
           "\"file_url\":\"https://e.com/a.pdf\"}]},"
           "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_audio\",\"input_audio\":{"
           "\"data\":\"AAAA\",\"format\":\"mp3\"}}]}]",
           "");
}

static void what_must_be_said_and_cannot_is_refused(void **state)
{
    (void)state;
    add(IR_USER, IR_IMAGE)->media.url = STR("gs://bucket/a.png");
    cannot_write("an image's URL is not http or https");
    request.messages = NULL;
    request.last_message = NULL;
    add(IR_USER, IR_VIDEO)->media.url = STR("https://e.com/a.mp4");
    cannot_write("a video cannot be sent");
    request.messages = NULL;
    request.last_message = NULL;
    add(IR_USER, IR_AUDIO)->media.url = STR("https://e.com/a.mp3");
    cannot_write("a sound has to be sent as data, not as a URL or a file's id");
}

static void functions_say_whether_they_are_strict(void **state)
{
    (void)state;
    struct ir_tool *t = ir_add_tool(&arena, &request);
    t->name = STR("f");
    t->description = STR("F");
    t->schema = STR("{\"type\":\"object\"}");
    t = ir_add_tool(&arena, &request);
    t->name = STR("web_search_20250305");
    t->raw = STR("{}");
    t->raw_dialect = D_ANTHROPIC;
    request.choice = IR_CHOICE_NAMED;
    request.choice_name = STR("f");
    request.parallel_tools = 0;
    const char rest[] = "\"input\":[],\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":\"F\","
                        "\"parameters\":{\"type\":\"object\"},\"strict\":false}],\"tool_choice\":{\"type\":"
                        "\"function\",\"name\":\"f\"},\"parallel_tool_calls\":false";
    writes(rest, "web_search_20250305");
    writes_with(
        CODEC_NO_STRICT | CODEC_NO_PARALLEL,
        "\"input\":[],\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":\"F\","
        "\"parameters\":{\"type\":\"object\"}}],\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"}",
        "web_search_20250305 parallel_tool_calls");
}

static void formats_and_verbosity(void **state)
{
    (void)state;
    request.format = IR_FORMAT_SCHEMA;
    request.format_schema = STR("{\"type\":\"object\"}");
    request.format_strict = 1;
    request.verbosity = STR("low");
    writes("\"input\":[],\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"answer\",\"schema\":{"
           "\"type\":\"object\"},\"strict\":true},\"verbosity\":\"low\"}",
           "");
    writes_with(CODEC_NO_JSON_SCHEMA,
                "\"instructions\":\"Answer with one JSON object and nothing else. It follows this JSON "
                "Schema:\\n{\\\"type\\\":\\\"object\\\"}\",\"input\":[],\"text\":{\"format\":{\"type\":"
                "\"json_object\"},\"verbosity\":\"low\"}",
                "response_format");
}

static void thinking_by_effort_and_budget(void **state)
{
    (void)state;
    request.thinking_budget = 5000;
    writes("\"input\":[],\"reasoning\":{\"effort\":\"medium\"},\"include\":[\"reasoning.encrypted_content\"]",
           "");
    request.thinking_budget = -1;
    request.thinking = 1;
    request.thinking_shown = 1;
    writes("\"input\":[],\"reasoning\":{\"effort\":\"medium\",\"summary\":\"auto\"},\"include\":["
           "\"reasoning.encrypted_content\"]",
           "");
    request.thinking = request.thinking_shown = 0;
    writes("\"input\":[],\"reasoning\":{\"effort\":\"none\"}", "");
}

static void what_is_not_there_is_noted(void **state)
{
    (void)state;
    struct str stop = STR("END");
    request.temperature = STR("0.70");
    request.max_tokens = 9;
    request.top_k = STR("5");
    request.seed = STR("1");
    request.n = 2;
    request.stop = (struct ir_strs){&stop, 1};
    request.frequency_penalty = request.presence_penalty = STR("0.1");
    request.service_tier = STR("standard_only");
    request.logprobs = 1;
    request.top_logprobs = 2;
    request.store = 0;
    request.stream = true;
    request.user = STR("u");
    request.metadata = STR("{\"a\":\"b\"}");
    say(IR_USER, "Hi");
    request.messages->name = STR("Ann");
    writes("\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":\"Hi\"}],"
           "\"include\":[\"message.output_text.logprobs\"],\"max_output_tokens\":9,\"temperature\":0.70,"
           "\"top_logprobs\":2,\"metadata\":{\"a\":\"b\"},\"user\":\"u\",\"store\":false,\"stream\":true",
           "user.name top_k frequency_penalty presence_penalty seed n stop service_tier");
}

static void long_ids_of_users_are_hashed(void **state)
{
    (void)state;
    request.user = STR("user_0123456789012345678901234567890123456789012345678901234567890");
    writes("\"input\":[],\"user\":\"cbd908c16812d2d4b5e701eeb443aebe0ce6a8bc8e71412d4cb38b76573b2c2f\"", "");
}

/* ---- answers, read ---- */

struct taking {
    struct buf log;
    struct ir_rules rules;
};

static void on_event(void *arg, const struct ir_event *ev)
{
    struct taking *t = arg;
    const char *wrong = ir_rule_broken(&t->rules, ev);
    if (wrong)
        fail_msg("%s", wrong);
    if (ev->kind != IR_EV_START && ev->kind != IR_EV_USAGE)
        dump_event(&t->log, ev);
}

struct feeding {
    struct codec_reader reader;
    enum err err;
};

static void on_sse(void *arg, const struct sse_event *ev)
{
    struct feeding *f = arg;
    if (f->err == E_OK)
        f->err = codec_openai_responses.read_sse(&f->reader, ev);
}

/* events: the data of each, a line each; want: the log without START and USAGE. */
static enum err take_stream(const char *events, struct taking *t)
{
    struct feeding f = {.err = E_OK};
    struct sse sse;
    *t = (struct taking){0};
    buf_init(&t->log, MIB);
    f.reader = (struct codec_reader){
        .codec = &codec_openai_responses, .arena = &arena, .on_event = on_event, .arg = t};
    sse_init(&sse);
    for (struct str rest = str_c(events); rest.n;) {
        struct str line = str_cut(&rest, '\n');
        struct str bytes = arena_printf(&arena, "data: %.*s\n\n", STR_FMT(line));
        assert_int_equal(sse_feed(&sse, bytes, on_sse, &f), E_OK);
    }
    sse_done(&sse);
    if (f.err == E_OK)
        codec_openai_responses.read_end(&f.reader);
    return f.err;
}

static void streams(const char *events, const char *want)
{
    struct taking t;
    assert_int_equal(take_stream(events, &t), E_OK);
    assert_str(buf_str(&t.log), str_c(want));
    buf_done(&t.log);
}

static void breaks(const char *events)
{
    struct taking t;
    assert_int_equal(take_stream(events, &t), E_SYNTAX);
    buf_done(&t.log);
}

#define CREATED                                                                                              \
    "{\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"model\":\"m\",\"created_at\":1}}\n"
#define COMPLETED "{\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":[]}}\n"
#define ADD_CALL(i)                                                                                          \
    "{\"type\":\"response.output_item.added\",\"output_index\":" #i                                          \
    ",\"item\":{\"type\":\"function_call\",\"call_id\":\"c" #i "\",\"name\":\"f\",\"arguments\":\"\"}}\n"
#define ARGS(i, text)                                                                                        \
    "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":" #i ",\"delta\":\"" text "\"}\n"
#define DONE_CALL(i, text)                                                                                   \
    "{\"type\":\"response.output_item.done\",\"output_index\":" #i                                           \
    ",\"item\":{\"type\":\"function_call\",\"call_id\":\"c" #i "\",\"name\":\"f\",\"arguments\":\"" text     \
    "\"}}\n"
#define TEXT(i, text)                                                                                        \
    "{\"type\":\"response.output_text.delta\",\"output_index\":" #i ",\"content_index\":0,\"delta\":\"" text \
    "\"}\n"
#define TWO_CALLS                                                                                            \
    "CALL 0.0\n id \"c0\"\n name \"f\"\nARGUMENTS 0.0\n text \"{\"\nARGUMENTS 0.0\n text \"}\"\n"            \
    "CALL 0.1\n id \"c1\"\n name \"f\"\nARGUMENTS 0.1\n text \"{}\"\nFINISH 0.1\n finish tools\nEND 0.1\n"

/* All are announced first, or closed last: llama.cpp and others. */
static void items_may_overlap(void **state)
{
    (void)state;
    streams(CREATED ADD_CALL(0) ADD_CALL(1) ARGS(0, "{") ARGS(0, "}") ARGS(1, "{}") DONE_CALL(0, "{}")
                DONE_CALL(1, "{}") COMPLETED,
            TWO_CALLS);
    streams(CREATED ADD_CALL(0) ARGS(0, "{") ARGS(0, "}") ADD_CALL(1) ARGS(1, "{}") DONE_CALL(0, "{}")
                DONE_CALL(1, "{}") COMPLETED,
            TWO_CALLS);
    breaks(CREATED ADD_CALL(0) ADD_CALL(1) ARGS(0, "{") ARGS(1, "{}") ARGS(0, "}"));
}

static void events_may_be_missing(void **state)
{
    (void)state;
    const char one_call[] = "CALL 0.0\n id \"c0\"\n name \"f\"\nARGUMENTS 0.0\n text \"{}\"\n"
                            "FINISH 0.0\n finish tools\nEND 0.0\n";
    const char one_text[] = "TEXT 0.0\n text \"Hi\"\nFINISH 0.0\n finish stop\nEND 0.0\n";
    streams(CREATED DONE_CALL(0, "{}") COMPLETED, one_call);
    streams(CREATED ARGS(0, "{}") DONE_CALL(0, "{}") COMPLETED, one_call);
    streams(ADD_CALL(0) ARGS(0, "{}") COMPLETED, one_call);
    streams(TEXT(0, "Hi") COMPLETED "[DONE]\n", one_text);
    streams("{\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"output\":[{\"type\":\"message\","
            "\"content\":[{\"type\":\"output_text\",\"text\":\"Hi\"}]}]}}\n",
            one_text);
    streams(
        CREATED ADD_CALL(0) TEXT(
            1, "Hi") "{\"type\":\"response.completed\",\"response\":{\"output\":[{\"type\":\"function_call\","
                     "\"call_id\":\"c0\",\"name\":\"f\",\"arguments\":\"{}\"}]}}\n",
        "TEXT 0.0\n text \"Hi\"\nCALL 0.1\n id \"c0\"\n name \"f\"\nARGUMENTS 0.1\n text \"{}\"\n"
        "FINISH 0.1\n finish tools\nEND 0.1\n");
}

/* Every item has number 0. */
static void numbers_that_do_not_count(void **state)
{
    (void)state;
    streams(CREATED ADD_CALL(0) ARGS(0, "{}") DONE_CALL(0, "{}") ADD_CALL(0) ARGS(0, "{}") DONE_CALL(0, "{}")
                COMPLETED,
            "CALL 0.0\n id \"c0\"\n name \"f\"\nARGUMENTS 0.0\n text \"{}\"\n"
            "CALL 0.1\n id \"c0\"\n name \"f\"\nARGUMENTS 0.1\n text \"{}\"\nFINISH 0.1\n finish tools\n"
            "END 0.1\n");
}

static void numbers_that_are_absurd(void **state)
{
    (void)state;
    streams(CREATED
            "{\"type\":\"response.reasoning_text.delta\",\"output_index\":9223372036854775807,"
            "\"content_index\":9223372036854775807,\"item_id\":\"rs_1\",\"delta\":\"Hm\"}\n" COMPLETED,
            "THINKING 0.0\n text \"Hm\"\n id \"rs_1\"\nFINISH 0.0\n finish stop\nEND 0.0\n");
}

static void streams_that_break(void **state)
{
    (void)state;
    breaks("nonsense\n");
    breaks("[1]\n");
    breaks("{\"type\":\"response.completed\"}\n");
    streams(CREATED TEXT(0, "Hi"), "TEXT 0.0\n text \"Hi\"\nERROR 0.0\nerror.kind server\nerror.status 502\n"
                                   "error.message \"The stream ended early\"\n");
    streams(CREATED "{\"type\":\"error\",\"code\":\"context_length_exceeded\",\"message\":\"Too long\","
                    "\"param\":\"input\"}\n" COMPLETED,
            "ERROR 0.0\nerror.kind invalid\nerror.status 400\nerror.message \"Too long\"\n"
            "error.code \"context_length_exceeded\"\nerror.param \"input\"\n");
    streams("{\"error\":{\"message\":\"Busy\",\"type\":\"overloaded_error\",\"code\":null}}\n",
            "ERROR 0.0\nerror.kind overloaded\nerror.status 503\nerror.message \"Busy\"\n");
}

static void reads_answer(const char *body, enum err want_err, const char *want)
{
    struct taking t = {0};
    buf_init(&t.log, MIB);
    assert_int_equal(codec_openai_responses.read_answer(&arena, str_c(body), on_event, &t), want_err);
    assert_str(buf_str(&t.log), str_c(want));
    buf_done(&t.log);
}

static void answers_that_are_none(void **state)
{
    (void)state;
    reads_answer("", E_SYNTAX, "");
    reads_answer("{}", E_SYNTAX, "");
    reads_answer("{\"output\":{}}", E_SYNTAX, "");
    reads_answer("{\"status\":\"queued\",\"output\":[]}", E_SYNTAX, "");
    reads_answer("{\"output\":[7]}", E_SYNTAX, "");
    reads_answer("{\"output\":[{\"type\":\"function_call\",\"call_id\":\"c\",\"arguments\":\"{}\"}]}",
                 E_SYNTAX, "");
    reads_answer("{\"error\":{\"message\":\"No\",\"code\":\"rate_limit_exceeded\"}}", E_SYNTAX,
                 "ERROR 0.0\nerror.kind rate\nerror.status 429\nerror.message \"No\"\n"
                 "error.code \"rate_limit_exceeded\"\n");
    reads_answer("{\"status\":\"cancelled\",\"output\":[]}", E_SYNTAX,
                 "ERROR 0.0\nerror.kind server\nerror.status 500\nerror.message \"Internal Server Error\"\n");
}

static void why_it_stopped(void **state)
{
    (void)state;
    reads_answer("{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"content_filter\"},"
                 "\"output\":[]}",
                 E_OK, "FINISH 0.0\n finish filter\nEND 0.0\n");
    reads_answer("{\"status\":\"incomplete\",\"incomplete_details\":null,\"output\":[]}", E_OK,
                 "FINISH 0.0\n finish length\nEND 0.0\n");
    reads_answer(
        "{\"output\":[{\"type\":\"message\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"No\"}]}]}", E_OK,
        "REFUSAL 0.0\n text \"No\"\nFINISH 0.0\n finish stop\nEND 0.0\n");
}

/* ---- answers, written ---- */

static const struct usage some_usage = {
    .known = true, .input = 120, .output = 60, .cached = 100, .cache_write = 5, .reasoning = 40};
static const struct ir_error some_error = {
    .kind = IR_ERR_OVERLOADED, .status = 529, .message = STR("Overloaded")};
static const struct ir_citation some_url = {
    .url = STR("https://example.com/"), .title = STR("Example"), .start = 0, .end = 5};
static const struct ir_citation some_document = {
    .document = STR("0"), .title = STR("Report"), .quote = STR("five"), .start = -1, .end = -1};
static const struct ir_part some_image = {.kind = IR_IMAGE,
                                          .media = {.mime = STR("image/webp"), .data = STR("UklGRg==")}};
static const struct ir_part some_raw = {
    .kind = IR_RAW, .raw = STR("{\"type\":\"server_tool_use\"}"), .raw_dialect = D_ANTHROPIC};

#define BEGIN                                                                                                \
    {                                                                                                        \
        .kind = IR_EV_START, .id = STR("msg_01abc"), .model = STR("some-model"), .created = 1754000000       \
    }
#define BLOCK(kind_, block_, text_)                                                                          \
    {                                                                                                        \
        .kind = (kind_), .block = (block_), .text = STR(text_)                                               \
    }
#define CALL(block_, id_, name_)                                                                             \
    {                                                                                                        \
        .kind = IR_EV_CALL, .block = (block_), .id = STR(id_), .name = STR(name_)                            \
    }
#define ENDING(finish_)                                                                                      \
    {.kind = IR_EV_FINISH, .finish = (finish_)}, {.kind = IR_EV_USAGE, .usage = &some_usage},                \
    {                                                                                                        \
        .kind = IR_EV_END                                                                                    \
    }

static const struct ir_event plain[] = {BEGIN, BLOCK(IR_EV_TEXT, 0, "Hello, "),
                                        BLOCK(IR_EV_TEXT, 0, "w\xc3\xb6rld\n"), ENDING(IR_FINISH_STOP)};
static const struct ir_event thinking_and_tools[] = {
    BEGIN,
    BLOCK(IR_EV_THINKING, 0, "Two tools "),
    BLOCK(IR_EV_THINKING, 0, "are needed."),
    BLOCK(IR_EV_SIGNATURE, 0, "c2lnbmVk"),
    {.kind = IR_EV_SIGNATURE, .block = 1, .text = STR("cmVkYWN0ZWQ="), .redacted = true},
    BLOCK(IR_EV_TEXT, 2, "Let me look."),
    CALL(3, "call_1", "get_weather"),
    BLOCK(IR_EV_ARGUMENTS, 3, "{\"city\":"),
    BLOCK(IR_EV_ARGUMENTS, 3, "\"Paris\"}"),
    BLOCK(IR_EV_SIGNATURE, 3, "Z2VtaW5p"),
    CALL(4, "call_2", "get_time"),
    ENDING(IR_FINISH_TOOLS),
};
static const struct ir_event cited[] = {
    BEGIN,
    BLOCK(IR_EV_TEXT, 0, "Five"),
    {.kind = IR_EV_CITATION, .block = 0, .citation = &some_document},
    {.kind = IR_EV_RAW, .block = 1, .part = &some_raw},
    BLOCK(IR_EV_TEXT, 2, "It is."),
    {.kind = IR_EV_CITATION, .block = 2, .citation = &some_url},
    ENDING(IR_FINISH_STOP),
};
static const struct ir_event probable[] = {
    BEGIN,
    BLOCK(IR_EV_TEXT, 0, "Hi"),
    {.kind = IR_EV_LOGPROBS,
     .text = STR("[{\"token\":\"Hi\",\"logprob\":-0.5,\"bytes\":[72,105],"
                 "\"top_logprobs\":[{\"token\":\"Hi\",\"logprob\":-0.5}]}]")},
    ENDING(IR_FINISH_STOP),
};
static const struct ir_event refused[] = {BEGIN, BLOCK(IR_EV_REFUSAL, 0, "I "),
                                          BLOCK(IR_EV_REFUSAL, 0, "won't."), ENDING(IR_FINISH_REFUSAL)};
static const struct ir_event cut_short[] = {BEGIN, BLOCK(IR_EV_TEXT, 0, "Once upon"),
                                            ENDING(IR_FINISH_LENGTH)};
static const struct ir_event pictured[] = {BEGIN,
                                           {.kind = IR_EV_MEDIA, .block = 0, .part = &some_image},
                                           BLOCK(IR_EV_TEXT, 1, "There."),
                                           ENDING(IR_FINISH_STOP)};
static const struct ir_event failing[] = {
    BEGIN, BLOCK(IR_EV_TEXT, 0, "Hel"), {.kind = IR_EV_ERROR, .error = &some_error}};
static const struct ir_event failed_at_once[] = {{.kind = IR_EV_ERROR, .error = &some_error}};

static const struct {
    const char *name;
    const struct ir_event *events;
    size_t n;
} written[] = {
    {"plain", plain, countof(plain)},
    {"thinking_and_tools", thinking_and_tools, countof(thinking_and_tools)},
    {"cited", cited, countof(cited)},
    {"probable", probable, countof(probable)},
    {"refused", refused, countof(refused)},
    {"cut_short", cut_short, countof(cut_short)},
    {"pictured", pictured, countof(pictured)},
    {"failing", failing, countof(failing)},
    {"failed_at_once", failed_at_once, countof(failed_at_once)},
};

static void expect_file(const char *name, const char *file, struct str got)
{
    char path[512];
    struct buf b;
    if (getenv("GOLDEN_WRITE")) {
        (void)snprintf(path, sizeof(path), "%s/golden/openai_responses_written/%s/%s", TEST_DATA, name, file);
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(got.p, 1, got.n, f), got.n);
        assert_int_equal(fclose(f), 0);
    }
    assert_str(got, golden_read("openai_responses_written", name, file, &b));
    buf_done(&b);
}

static void what_the_client_asked(void)
{
    struct ir_tool *t = ir_add_tool(&arena, &request);
    t->name = STR("get_weather");
    t->schema = STR("{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}");
    request.max_tokens = 100;
    request.temperature = STR("0.5");
    request.effort = STR("high");
}

static void streams_as_the_clients_want_them(void **state)
{
    (void)state;
    what_the_client_asked();
    for (size_t i = 0; i < countof(written); i++) {
        struct codec_writer w = {
            .codec = &codec_openai_responses, .arena = &arena, .out = &out, .request = &request};
        buf_clear(&out);
        for (size_t k = 0; k < written[i].n; k++)
            assert_int_equal(codec_openai_responses.write_event(&w, &written[i].events[k]), E_OK);
        assert_true(w.ended);
        expect_file(written[i].name, "stream.sse", buf_str(&out));
    }
}

static void answers_as_the_clients_want_them(void **state)
{
    (void)state;
    what_the_client_asked();
    for (size_t i = 0; i < countof(written); i++) {
        struct ir_answer answer;
        ir_answer_init(&answer, &arena);
        for (size_t k = 0; k < written[i].n; k++)
            assert_int_equal(ir_answer_add(&answer, &written[i].events[k]), E_OK);
        if (answer.has_error)
            continue; /* is written as an error */
        buf_clear(&out);
        assert_int_equal(codec_openai_responses.write_answer(&arena, &answer, &request, &out), E_OK);
        expect_file(written[i].name, "whole.json", buf_str(&out));
    }
}

static void what_a_provider_does_not_tell_is_made_up(void **state)
{
    (void)state;
    struct ir_answer answer;
    ir_answer_init(&answer, &arena);
    clock_fake(0, 1754000000123);
    assert_int_equal(codec_openai_responses.write_answer(&arena, &answer, &request, &out), E_OK);
    clock_real();
    struct json_doc *doc = json_parse(buf_str(&out));
    assert_true(str_starts(codec_text(json_root(doc), "id"), STR("resp_")));
    assert_str(codec_text(json_root(doc), "model"), STR("gpt-5.1"));
    assert_str(codec_raw(&arena, json_get(json_root(doc), "created_at")), STR("1754000000"));
    assert_str(codec_raw(&arena, json_get(json_root(doc), "usage")), STR("null"));
    json_free(doc);
}

/* ---- cost ---- */

static void ignore(void *arg, const struct ir_event *ev)
{
    (void)arg;
    (void)ev;
}

static void reading_deltas_allocates_nothing(void **state)
{
    (void)state;
    struct codec_reader r = {.codec = &codec_openai_responses, .arena = &arena, .on_event = ignore};
    const struct sse_event delta = {
        .data = STR("{\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,"
                    "\"delta\":\"word \",\"logprobs\":[{\"token\":\"word \",\"logprob\":-0.1}]}")};
    assert_int_equal(codec_openai_responses.read_sse(&r, &delta), E_OK);
    uint64_t calls = mem_count();
    size_t used = arena.used;
    for (int i = 0; i < 10000; i++)
        assert_int_equal(codec_openai_responses.read_sse(&r, &delta), E_OK);
    assert_int_equal(mem_count(), calls);
    assert_int_equal(arena.used, used);
}

/* The answer is collected, so space is taken, in doubling steps. */
static void writing_deltas_seldom_allocates(void **state)
{
    (void)state;
    struct codec_writer w = {
        .codec = &codec_openai_responses, .arena = &arena, .out = &out, .request = &request};
    const struct ir_event delta = BLOCK(IR_EV_TEXT, 0, "word ");
    assert_int_equal(codec_openai_responses.write_event(&w, &plain[0]), E_OK);
    assert_int_equal(codec_openai_responses.write_event(&w, &delta), E_OK);
    uint64_t calls = mem_count();
    for (int i = 0; i < 100000; i++) {
        buf_clear(&out);
        assert_int_equal(codec_openai_responses.write_event(&w, &delta), E_OK);
    }
    assert_true(mem_count() - calls < 20);
}

static void an_answer_may_be_too_long(void **state)
{
    (void)state;
    struct arena small;
    arena_init(&small, 16 * KIB);
    struct codec_writer w = {
        .codec = &codec_openai_responses, .arena = &small, .out = &out, .request = &request};
    const struct ir_event delta = BLOCK(IR_EV_TEXT, 0, "word ");
    enum err e = codec_openai_responses.write_event(&w, &plain[0]);
    for (int i = 0; i < 10000 && e == E_OK; i++)
        e = codec_openai_responses.write_event(&w, &delta);
    assert_int_equal(e, E_FULL);
    arena_done(&small);
}

/* ---- errors ---- */

static void errors_as_openai_has_them(void **state)
{
    (void)state;
    struct ir_error e;
    codec_openai_responses.write_error(&some_error, &out);
    assert_str(buf_str(&out), STR("{\"error\":{\"message\":\"Overloaded\",\"type\":\"overloaded_error\","
                                  "\"param\":null,\"code\":null}}"));
    assert_int_equal(codec_openai_responses.error_status(&some_error), 503);
    e = (struct ir_error){.kind = IR_ERR_QUOTA, .status = 402};
    assert_int_equal(codec_openai_responses.error_status(&e), 429);
    e = (struct ir_error){.kind = IR_ERR_INVALID, .status = 413};
    assert_int_equal(codec_openai_responses.error_status(&e), 413);
    e = (struct ir_error){.kind = IR_ERR_AUTH, .status = 403};
    assert_int_equal(codec_openai_responses.error_status(&e), 401);
    codec_openai_responses.read_error(&arena, 502, STR("<html>Bad gateway</html>"), &e);
    assert_int_equal(e.kind, IR_ERR_SERVER);
    assert_true(e.message.n > 0);
    codec_openai_responses.read_error(&arena, 400, STR("{\"error\":\"No such model\"}"), &e);
    assert_str(e.message, STR("No such model"));
    codec_openai_responses.read_error(&arena, 400, STR("{\"message\":\"Elsewhere\"}"), &e);
    assert_str(e.message, STR("Elsewhere"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_string_is_a_users_message),
        TEST(a_run_of_the_assistants_items_is_a_message),
        TEST(media_are_data_urls_and_ids),
        TEST(what_openai_keeps_cannot_be_sent_elsewhere),
        TEST(cache_marks_are_read),
        TEST(functions_are_strict_where_they_can_be),
        TEST(tool_choice_in_all_its_forms),
        TEST(settings_are_read),
        TEST(thoughts_of_others_return),
        TEST(a_first_system_message_is_instructions),
        TEST(system_texts_in_pieces_stay_pieces),
        TEST(calls_and_results_are_items),
        TEST(only_thoughts_of_this_dialect_are_sent),
        TEST(documents_are_sent_with_a_name),
        TEST(what_must_be_said_and_cannot_is_refused),
        TEST(functions_say_whether_they_are_strict),
        TEST(formats_and_verbosity),
        TEST(thinking_by_effort_and_budget),
        TEST(what_is_not_there_is_noted),
        TEST(long_ids_of_users_are_hashed),
        TEST(items_may_overlap),
        TEST(events_may_be_missing),
        TEST(numbers_that_do_not_count),
        TEST(numbers_that_are_absurd),
        TEST(streams_that_break),
        TEST(answers_that_are_none),
        TEST(why_it_stopped),
        TEST(streams_as_the_clients_want_them),
        TEST(answers_as_the_clients_want_them),
        TEST(what_a_provider_does_not_tell_is_made_up),
        TEST(reading_deltas_allocates_nothing),
        TEST(writing_deltas_seldom_allocates),
        TEST(an_answer_may_be_too_long),
        TEST(errors_as_openai_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
