/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec_cohere_v2: what the API's documentation says, spelled out. The golden cases (test_codec.c) show that
 * nothing is lost on the way; here stands what exactly is written for what, and what is refused.
 */
#include "tests/unit/codec_written.h"
#include "providers/codec_cohere.h"

static const struct codec *const tested = &codec_cohere_v2;

static struct ir_tool *tool(struct ir_request *r, const char *name)
{
    struct ir_tool *t = ir_add_tool(&arena, r);
    t->name = str_c(name);
    return t;
}

/* ---- requests ---- */

static void conversation(struct ir_request *r)
{
    say(r, IR_SYSTEM, "Be terse.");
    say(r, IR_USER, "Look.");
    struct ir_message *m = ir_add_message(&arena, r, IR_ASSISTANT);
    ir_add_part(&arena, &m->parts, IR_THINKING)->text = STR("I look.");
    struct ir_part *p = ir_add_part(&arena, &m->parts, IR_TOOL_CALL);
    p->id = STR("c1");
    p->name = STR("look");
    p->arguments = STR("{\"a\":1}");
    p = ir_add_part(&arena, &m->parts, IR_TOOL_CALL);
    p->id = STR("c2");
    p->name = STR("now");
    m = ir_add_message(&arena, r, IR_TOOL);
    p = ir_add_part(&arena, &m->parts, IR_TOOL_RESULT);
    p->id = STR("c1");
    ir_add_part(&arena, &p->parts, IR_TEXT)->text = STR("found");
    p = ir_add_part(&arena, &m->parts, IR_TOOL_RESULT);
    p->id = STR("c2");
    p->is_error = true;
    tool(r, "look")->description = STR("Looks.");
    tool(r, "now");
}

#define CALLS                                                                                                \
    "\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"look\",\"arguments\":"    \
    "\"{\\\"a\\\":1}\"}},{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"now\",\"arguments\":" \
    "\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"found\"},{\"role\":\"tool\","       \
    "\"tool_call_id\":\"c2\",\"content\":\"\"}]"
#define LOOK                                                                                                 \
    "{\"type\":\"function\",\"function\":{\"name\":\"look\",\"description\":\"Looks.\",\"parameters\":"      \
    "{\"type\":\"object\",\"properties\":{}}}}"

static void all_of_a_request(void **state)
{
    (void)state;
    struct ir_request r = request_to("command-a-reasoning-08-2025");
    conversation(&r);
    r.choice = IR_CHOICE_REQUIRED;
    r.max_tokens = 100;
    r.temperature = STR("0.20");
    r.top_p = STR("1");
    r.top_k = STR("7");
    r.presence_penalty = STR("-1");
    r.seed = STR("4");
    r.thinking_budget = 500;
    r.user = STR("u");
    r.stream = true;
    assert_true(ir_add_str(&arena, &r.stop, STR("END")));
    writes(&r, "{\"model\":\"command-a-reasoning-08-2025\",\"messages\":[{\"role\":\"system\",\"content\":"
               "\"Be terse.\"},"
               "{\"role\":\"user\",\"content\":\"Look.\"},{\"role\":\"assistant\",\"content\":[{\"type\":"
               "\"thinking\","
               "\"thinking\":\"I look.\"}]," CALLS ",\"tools\":[" LOOK
               ",{\"type\":\"function\",\"function\":{\"name\":\"now\",\"parameters\":{\"type\":\"object\","
               "\"properties\":{}}}}],"
               "\"tool_choice\":\"REQUIRED\",\"temperature\":0.20,\"p\":0.99,\"k\":7,\"presence_penalty\":0,"
               "\"seed\":4,"
               "\"max_tokens\":100,\"stop_sequences\":[\"END\"],\"thinking\":{\"type\":\"enabled\",\"token_"
               "budget\":500},"
               "\"stream\":true}");
    drops(&r, "is_error top_p presence_penalty user");
}

/* An older model has plans, and a tool that must be called is the only one. */
static void older_models(void **state)
{
    (void)state;
    struct ir_request r = request_to("command-r-08-2024");
    conversation(&r);
    r.choice = IR_CHOICE_NAMED;
    r.choice_name = STR("look");
    r.effort = STR("low");
    writes(&r, "{\"model\":\"command-r-08-2024\",\"messages\":[{\"role\":\"system\",\"content\":\"Be "
               "terse.\"},{\"role\":\"user\","
               "\"content\":\"Look.\"},{\"role\":\"assistant\",\"tool_plan\":\"I look.\"," CALLS
               ",\"tools\":[" LOOK "],\"tool_choice\":\"REQUIRED\"}");
    drops(&r, "is_error tools tool_choice reasoning");
}

static void formats(void **state)
{
    (void)state;
    struct ir_request r = request_to("m");
    say(&r, IR_USER, "Hi");
    r.format = IR_FORMAT_SCHEMA;
    r.format_name = STR("p");
    r.format_schema = STR("{\"type\":\"object\"}");
    writes(&r, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"response_format\":{"
               "\"type\":\"json_object\","
               "\"json_schema\":{\"type\":\"object\"}}}");
    drops(&r, "response_format.name");
    tool(&r, "look"); /* not both: by words */
    assert_int_equal(write_it(&r), E_OK);
    assert_true(
        str_has(buf_str(&out), STR("[{\"role\":\"system\",\"content\":\"Answer with one JSON value")));
    assert_false(str_has(buf_str(&out), STR("\"response_format\"")));
    drops(&r, "response_format.name response_format");
}

static void media(void **state)
{
    (void)state;
    struct ir_request r = request_to("m");
    struct ir_message *m = ir_add_message(&arena, &r, IR_USER);
    struct ir_part *p = ir_add_part(&arena, &m->parts, IR_FILE);
    p->media = (struct ir_media){.mime = STR("text/plain"), .data = STR("Tm90ZXMu"), .name = STR("n.txt")};
    ir_add_part(&arena, &m->parts, IR_TEXT)->text = STR("What?");
    struct ir_part *image = ir_add_part(&arena, &m->parts, IR_IMAGE);
    image->media = (struct ir_media){.mime = STR("image/png"), .data = STR("iVBO")};
    writes(&r, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
               "\"What?\"},{\"type\":"
               "\"image_url\",\"image_url\":{\"url\":\"data:image/"
               "png;base64,iVBO\"}}]}],\"documents\":[{\"data\":{\"title\":\"n.txt\","
               "\"text\":\"Notes.\"}}]}");
    drops(&r, "file.data file.text");
    p->media.mime = STR("application/pdf");
    refuses(&r, "this provider takes documents as text, not \"application/pdf\"");
    p->kind = IR_AUDIO;
    refuses(&r, "this provider takes no audio");
    p->kind = IR_IMAGE;
    p->media = (struct ir_media){.file_id = STR("file_1")};
    refuses(&r, "an image must be its data or an http address for this provider");
}

static void bad_requests(void **state)
{
    (void)state;
    static const struct {
        const char *body, *why;
    } bad[] = {
        {"[]", "the body is not a JSON object"},
        {"{}", "messages: a list is required"},
        {"{\"messages\":[{\"role\":\"x\"}]}", "messages.0: role is system, user, assistant or tool"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":3}]}", "messages.0: content is a string or a list"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"x\"}]}]}",
         "messages.0: content of the unknown type \"x\""},
        {"{\"messages\":[{\"role\":\"tool\",\"content\":\"a\"}]}",
         "messages.0: a tool's message without tool_call_id"},
        {"{\"messages\":[],\"documents\":[\"x\"]}", "documents: there is no message of the user"},
        {"{\"messages\":[],\"tool_choice\":\"MAYBE\"}", "tool_choice is REQUIRED or NONE"},
        {"{\"messages\":[],\"response_format\":{\"type\":\"xml\"}}",
         "response_format: type is text or json_object"},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        struct ir_request r;
        assert_int_equal(codec_cohere_v2.read_request(&arena, str_c(bad[i].body), STR("v2/chat"), &r, &why),
                         E_SYNTAX);
        assert_str(why, str_c(bad[i].why));
        ir_request_done(&r);
    }
}

static void what_others_have_no_word_for(void **state)
{
    (void)state;
    struct ir_request r;
    const struct str body = S("{\"model\":\"m\",\"messages\":[],\"safety_mode\":\"STRICT\",\"citation_"
                              "options\":{\"mode\":\"FAST\"},\"priority\":1}");
    assert_int_equal(codec_cohere_v2.read_request(&arena, body, STR("v2/chat"), &r, &why), E_OK);
    drops(&r, "safety_mode citation_options priority");
    ir_request_done(&r);
}

/* ---- what is written is also what the official client is shown (tests/flow/cohere-client.test.mjs) ---- */

static struct ir_part *part(struct ir_answer *w, enum ir_kind kind, const char *text)
{
    struct ir_part *p = ir_add_part(&arena, &w->choices->parts, kind);
    if (text)
        p->text = str_c(text);
    return p;
}

static struct ir_answer answer(void)
{
    struct ir_answer w;
    ir_answer_init(&w, &arena);
    w.choices = arena_new(&arena, struct ir_choice_answer);
    w.id = STR("chatcmpl-1");
    w.has_usage = true;
    w.usage = (struct usage){.known = true, .input = 100, .output = 20, .cached = 60};
    return w;
}

static struct ir_answer mixed(void)
{
    struct ir_answer w = answer();
    part(&w, IR_THINKING, "Hm.")->signature = STR("sig");
    struct ir_part *p = part(&w, IR_TEXT, "Line\n\"two\" 🙂");
    p->citations = arena_new(&arena, struct ir_citation);
    *p->citations = (struct ir_citation){
        .url = STR("https://x.test/"), .title = STR("X"), .quote = STR("Q"), .start = 0, .end = 4};
    p = part(&w, IR_TOOL_CALL, NULL);
    p->id = STR("call_1");
    p->name = STR("look");
    p->arguments = STR("{\"a\":1}");
    p = part(&w, IR_TOOL_CALL, NULL);
    p->id = STR("call_2");
    p->name = STR("now");
    w.choices->finish = IR_FINISH_STOP;
    return w;
}

static struct ir_answer plain(void)
{
    struct ir_answer w = answer();
    (void)part(&w, IR_TEXT, "So");
    w.choices->finish = IR_FINISH_LENGTH;
    w.choices->logprobs = STR("[{\"token\":\"So\",\"logprob\":-0.25,\"top_logprobs\":[]}]");
    return w;
}

static struct ir_answer blocked(void)
{
    struct ir_answer w = answer();
    w.choices->finish = IR_FINISH_FILTER;
    return w;
}

static struct ir_answer failing(void)
{
    struct ir_answer w = plain();
    w.choices->logprobs = str_of(NULL, 0);
    w.choices->finish = IR_FINISH_UNKNOWN;
    w.has_error = true;
    w.error = (struct ir_error){.kind = IR_ERR_RATE, .status = 429, .message = STR("Slower, \"please\"")};
    return w;
}

static void on_play(void *arg, const struct ir_event *ev)
{
    assert_int_equal(codec_cohere_v2.write_event(arg, ev), E_OK);
}

static void same_as_file(const char *name, const char *file)
{
    struct buf b;
    assert_str(buf_str(&out), golden_read("cohere_written", name, file, &b));
    buf_done(&b);
}

static void answers_written(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct ir_answer (*make)(void);
        bool whole;
    } cases[] = {{"mixed", mixed, true},
                 {"plain", plain, true},
                 {"blocked", blocked, true},
                 {"failing", failing, false}};
    struct ir_request r = ir_request_none();
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_answer w = cases[i].make();
        struct codec_writer to = {.codec = &codec_cohere_v2, .arena = &arena, .out = &out, .request = &r};
        buf_clear(&out);
        ir_answer_play(&w, on_play, &to);
        same_as_file(cases[i].name, "stream.sse");
        buf_clear(&out);
        if (!cases[i].whole)
            continue;
        assert_int_equal(codec_cohere_v2.write_answer(&arena, &w, &r, &out), E_OK);
        same_as_file(cases[i].name, "whole.json");
    }
}

static void errors(void **state)
{
    (void)state;
    struct ir_error e = {
        .kind = IR_ERR_OVERLOADED, .status = 529, .message = STR("Say \"why\""), .code = STR("x")};
    codec_cohere_v2.write_error(&e, &out);
    assert_str(buf_str(&out), STR("{\"message\":\"Say \\\"why\\\"\"}"));
    assert_int_equal(codec_cohere_v2.error_status(&e), 503);
    e.status = 422;
    e.kind = IR_ERR_INVALID;
    assert_int_equal(codec_cohere_v2.error_status(&e), 422);
    codec_cohere_v2.read_error(&arena, 498, STR("{\"message\":\"invalid api token\"}"), &e);
    assert_int_equal(e.kind, IR_ERR_AUTH);
    codec_cohere_v2.read_error(&arena, 503, STR("<html>"), &e);
    assert_str(e.message, STR("Service Unavailable"));
}

/* ---- streams, read ---- */

static void on_event(void *arg, const struct ir_event *ev)
{
    dump_event(arg, ev);
}

static enum err feed(struct codec_reader *r, const char *data)
{
    struct sse_event ev = {.data = str_c(data)};
    return codec_cohere_v2.read_sse(r, &ev);
}

static void broken_streams(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "nothing",
        "{}",
        "{\"type\":\"content-delta\",\"delta\":{}}",
        "{\"type\":\"content-delta\",\"delta\":{\"message\":{\"content\":{\"text\":3}}}}",
        "{\"type\":\"tool-call-start\",\"delta\":{\"message\":{\"tool_calls\":{\"id\":\"x\"}}}}",
        "{\"type\":\"tool-call-delta\",\"delta\":{}}", /* of no call */
        "{\"type\":\"message-end\",\"delta\":{}}",
    };
    for (size_t i = 0; i < countof(bad); i++) {
        struct buf b;
        buf_init(&b, MIB);
        struct codec_reader r = {.codec = &codec_cohere_v2, .arena = &arena, .on_event = on_event, .arg = &b};
        assert_int_equal(feed(&r, bad[i]), E_SYNTAX); /* before the start */
        assert_int_equal(feed(&r, "{\"type\":\"message-start\",\"id\":\"a\"}"), E_OK);
        assert_int_equal(feed(&r, bad[i]), E_SYNTAX);
        assert_true(str_starts(buf_str(&b), STR("START 0.0\n id \"a\"\n")));
        assert_false(str_has(buf_str(&b), STR("END")));
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
    struct codec_reader r = {.codec = &codec_cohere_v2, .arena = &arena, .on_event = on_event, .arg = &b};
    struct codec_writer w = {.codec = &codec_cohere_v2, .arena = &arena, .out = &out, .request = &q};
    const struct ir_event start = {.kind = IR_EV_START}, text = {.kind = IR_EV_TEXT, .text = STR("a\n\"b\"")};
    assert_int_equal(feed(&r, "{\"type\":\"message-start\"}"), E_OK);
    assert_int_equal(codec_cohere_v2.write_event(&w, &start), E_OK);
    const char *used = NULL;
    for (int i = 0; i < 1000; i++) {
        buf_clear(&out);
        assert_int_equal(feed(&r, "{\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{"
                                  "\"content\":{\"text\":\"a\\n\\\"b\\\"\"}}}}"),
                         E_OK);
        assert_int_equal(codec_cohere_v2.write_event(&w, &text), E_OK);
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
        TEST(all_of_a_request), TEST(older_models),
        TEST(formats),          TEST(media),
        TEST(bad_requests),     TEST(what_others_have_no_word_for),
        TEST(answers_written),  TEST(errors),
        TEST(broken_streams),   TEST(deltas_cost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
