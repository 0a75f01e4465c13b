/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec_anthropic: what the API's documentation says, spelled out. The golden cases (test_codec.c) show that
 * nothing is lost on the way; here stands what exactly is written for what, and what is refused.
 */
#include "tests/unit/codec_written.h"
#include "providers/codec_anthropic.h"

static const struct codec *const tested = &codec_anthropic;

/* ---- requests: builders ---- */

static struct ir_tool *tool(struct ir_request *r)
{
    struct ir_tool *t = ir_add_tool(&arena, r);
    t->name = STR("look");
    return t;
}

/* ---- requests: the conversation ---- */

static void all_of_a_request(void **state)
{
    (void)state;
    struct ir_request r = request_to("claude-haiku-4-5");
    say(&r, IR_SYSTEM, "Be terse.");
    say(&r, IR_DEVELOPER, "Speak German.");
    say(&r, IR_USER, "Weather in Paris?");
    call(&r, "call_1", "{\"city\": \"Paris\"}");
    result(&r, "call_1", "18");
    struct ir_tool *t = tool(&r);
    t->description = STR("Looks.");
    t->schema = STR("{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}");
    t->strict = 0;
    r.choice = IR_CHOICE_REQUIRED;
    r.parallel_tools = 0;
    r.max_tokens = 100;
    r.temperature = STR("0.20");
    r.top_k = STR("5");
    r.user = STR("u1");
    r.service_tier = STR("default");
    r.stream = true;
    assert_true(ir_add_str(&arena, &r.stop, STR("END")) && ir_add_str(&arena, &r.stop, STR(" \n")));
    writes(
        &r,
        "{\"model\":\"claude-haiku-4-5\",\"max_tokens\":100,\"tools\":[{\"name\":\"look\",\"description\":"
        "\"Looks.\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}},"
        "\"strict\":false}],\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":true},"
        "\"system\":[{\"type\":\"text\",\"text\":\"Be terse.\"},{\"type\":\"text\",\"text\":\"Speak "
        "German.\"}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Weather in "
        "Paris?\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":"
        "\"look\",\"input\":{\"city\": \"Paris\"}}]},{\"role\":\"user\",\"content\":[{\"type\":"
        "\"tool_result\",\"tool_use_id\":\"call_1\",\"content\":\"18\"}]}],\"temperature\":0.20,\"top_k\":5,"
        "\"stop_sequences\":[\"END\"],\"service_tier\":\"standard_only\",\"metadata\":{\"user_id\":\"u1\"},"
        "\"stream\":true}");
    drops(&r, "stop");
}

static void the_model_is_the_providers(void **state)
{
    (void)state;
    struct ir_request r = request_to("anthropic/claude-haiku-4.5");
    struct codec_ask ask = {.model = STR("claude-haiku-4-5")};
    say(&r, IR_USER, "Hi");
    assert_int_equal(codec_anthropic.write_request(&arena, &r, &ask, &out, &why), E_OK);
    assert_str(buf_str(&out),
               STR("{\"model\":\"claude-haiku-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":"
                   "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}]}]}"));
}

/* Consecutive messages are one turn, and results come first in it. */
static void turns_are_merged(void **state)
{
    (void)state;
    struct ir_request r = request_to("claude-haiku-4-5");
    tool(&r);
    say(&r, IR_USER, "One");
    say(&r, IR_USER, "two");
    say(&r, IR_ASSISTANT, "three");
    call(&r, "a", "");
    call(&r, "b", " ");
    result(&r, "a", "A");
    say(&r, IR_USER, "and");
    result(&r, "b", "B")->is_error = true;
    writes_member(
        &r, "messages",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"One\"},{\"type\":\"text\","
        "\"text\":\"two\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"three\"},{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"look\",\"input\":{}},{\"type\":"
        "\"tool_use\",\"id\":\"b\",\"name\":\"look\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{"
        "\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":\"A\"},{\"type\":\"tool_result\","
        "\"tool_use_id\":\"b\",\"content\":\"B\",\"is_error\":true},{\"type\":\"text\",\"text\":"
        "\"and\"}]}]");
}

static void late_system_messages(void **state)
{
    (void)state;
    struct ir_request old = request_to("claude-opus-4-7"), new = request_to("claude-opus-4-8");
    struct ir_request *both[] = {&old, &new};
    for (size_t i = 0; i < countof(both); i++) {
        say(both[i], IR_USER, "a");
        say(both[i], IR_DEVELOPER, "Mind b.");
        say(both[i], IR_USER, "b");
        say(both[i], IR_ASSISTANT, "c");
        say(both[i], IR_SYSTEM, "Stop now.");
    }
    writes_member(
        &old, "messages",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\","
        "\"text\":\"<system>\\nMind b.\\n</system>\"},{\"type\":\"text\",\"text\":\"b\"}]},{\"role\":"
        "\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"c\"}]},{\"role\":\"user\","
        "\"content\":[{\"type\":\"text\",\"text\":\"<system>\\nStop now.\\n</system>\"}]}]");
    /* behind its turn; and only where there is a turn that it can stand behind */
    writes_member(
        &new, "messages",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\","
        "\"text\":\"b\"}]},{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"Mind "
        "b.\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"c\"}]},{\"role\":"
        "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"<system>\\nStop now.\\n</system>\"}]}]");
    struct ir_request alone = request_to("claude-opus-4-8");
    say(&alone, IR_SYSTEM, "Say hi.");
    writes_member(&alone, "messages",
                  "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"<system>\\nSay hi."
                  "\\n</system>\"}]}]");
}

/* The API refuses blank text, and text that ends in white space where the model is to go on. */
static void blank_text(void **state)
{
    (void)state;
    struct ir_request r = request_to("claude-3-haiku-20240307"),
                      nothing = request_to("claude-3-haiku-20240307");
    say(&r, IR_SYSTEM, "");
    say(&r, IR_USER, " \n");
    say(&r, IR_USER, "Go");
    say(&r, IR_ASSISTANT, "On ");
    say(&r, IR_ASSISTANT, "and on: \n");
    writes(
        &r,
        "{\"model\":\"claude-3-haiku-20240307\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
        "\"content\":[{\"type\":\"text\",\"text\":\"Go\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":"
        "\"text\",\"text\":\"On \"},{\"type\":\"text\",\"text\":\"and on:\"}]}]}");
    say(&nothing, IR_USER, " ");
    refuses(&nothing, "messages: nothing is said in them");
}

static void calls_are_such_that_the_api_takes_them(void **state)
{
    (void)state;
    struct ir_request r = request_to("claude-haiku-4-5");
    tool(&r);
    say(&r, IR_USER, "x");
    call(&r, "functions.look:0", "{\"n\": 12345678901234567890.50}");
    call(&r, "c2", "[1]");
    call(&r, "c3", "{\"cut");
    call(&r, "c4", "null");
    result(&r, "functions.look:0", "");
    writes_member(
        &r, "messages",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\","
        "\"content\":[{\"type\":\"tool_use\",\"id\":\"functions_look_0\",\"name\":\"look\",\"input\":{"
        "\"n\":12345678901234567000.0}},{\"type\":\"tool_use\",\"id\":\"c2\",\"name\":\"look\",\"input\":"
        "{\"arguments\":[1]}},{\"type\":\"tool_use\",\"id\":\"c3\",\"name\":\"look\",\"input\":{"
        "\"arguments\":\"{\\\"cut\"}},{\"type\":\"tool_use\",\"id\":\"c4\",\"name\":\"look\",\"input\":{}}"
        "]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
        "\"functions_look_0\",\"content\":\"\"}]}]");
    assert_true(str_has(buf_str(&out), STR("12345678901234567890.50"))); /* as it was, before we read it */
    drops(&r, "call.arguments");
}

/* Calls in the history need their tools declared, also when none may be called any more. */
static void called_tools_are_declared(void **state)
{
    (void)state;
    struct ir_request r = request_to("claude-haiku-4-5");
    say(&r, IR_USER, "x");
    call(&r, "c1", "");
    call(&r, "c2", "");
    result(&r, "c1", "1");
    writes_member(&r, "tools",
                  "[{\"name\":\"look\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}]");
    writes_member(&r, "tool_choice", "{\"type\":\"none\"}");
}

static void thoughts(void **state)
{
    (void)state;
    struct ir_request r = request_to("claude-haiku-4-5");
    say(&r, IR_USER, "x");
    struct ir_part *own = add(&r, IR_ASSISTANT, IR_THINKING), *hidden = add(&r, IR_ASSISTANT, IR_THINKING),
                   *unsigned_one = add(&r, IR_ASSISTANT, IR_THINKING),
                   *of_others = add(&r, IR_ASSISTANT, IR_THINKING);
    own->text = STR("Hm.");
    own->signature = STR("sig");
    hidden->redacted = true;
    hidden->signature = STR("data");
    unsigned_one->text = STR("Hm?");
    of_others->id = STR("rs_1");
    of_others->signature = STR("gAAA");
    say(&r, IR_ASSISTANT, "y");
    add(&r, IR_ASSISTANT, IR_THINKING)->signature = STR("a turn must not end in it");
    say(&r, IR_USER, "z");
    writes_member(
        &r, "messages",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\","
        "\"content\":[{\"type\":\"thinking\",\"thinking\":\"Hm.\",\"signature\":\"sig\"},{\"type\":"
        "\"redacted_thinking\",\"data\":\"data\"},{\"type\":\"text\",\"text\":\"y\"}]},{\"role\":\"user\","
        "\"content\":[{\"type\":\"text\",\"text\":\"z\"}]}]");
    drops(&r, "thinking");
}

/* ---- requests: pictures and documents ---- */

static void media(void **state)
{
    static const struct {
        enum ir_kind kind;
        struct ir_media media;
        const char *block; /* or, without "{", why it is refused */
    } cases[] = {
        {IR_IMAGE,
         {.mime = S("image/jpg"), .data = S("/9j/4A")},
         "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/jpeg\",\"data\":\"/9j/"
         "4A\"}}"},
        {IR_IMAGE,
         {.data = S("R0lGODdh")},
         "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/"
         "gif\",\"data\":\"R0lGODdh\"}}"},
        {IR_IMAGE,
         {.url = S("https://x.test/a.png"), .mime = S("image/png")},
         "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://x.test/a.png\"}}"},
        {IR_IMAGE,
         {.file_id = S("file_1")},
         "{\"type\":\"image\",\"source\":{\"type\":\"file\",\"file_id\":\"file_1\"}}"},
        {IR_FILE,
         {.data = S("JVBERi0x"), .name = S("a.pdf")},
         "{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\",\"data\":"
         "\"JVBERi0x\"},\"title\":\"a.pdf\"}"},
        {IR_FILE,
         {.mime = S("text/csv; charset=utf-8"), .data = S("YSxiCjEsMgo=")},
         "{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":"
         "\"a,b\\n1,2\\n\"}}"},
        {IR_FILE,
         {.mime = S("image/webp"), .data = S("UklGRg")},
         "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/"
         "webp\",\"data\":\"UklGRg\"}}"},
        {IR_IMAGE, {.url = S("gs://bucket/a.png")}, "an image URL must be http or https for this provider"},
        {IR_FILE, {.url = S("s3://bucket/a.pdf")}, "a document URL must be http or https for this provider"},
        {IR_IMAGE,
         {.mime = S("image/png; x=y"), .data = S("")},
         "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"\"}}"},
        {IR_IMAGE,
         {.mime = S("image/heic"), .data = S("AAAA")},
         "this provider takes images of type jpeg, png, gif and webp, not \"image/heic\""},
        {IR_FILE,
         {.mime = S("application/zip"), .data = S("UEsD")},
         "this provider takes PDF and text, not \"application/zip\""},
        {IR_FILE, {.mime = S("text/plain"), .data = S("a?")}, "a document's data is not base64"},
        {IR_FILE, {.name = S("a.pdf")}, "a document without content"},
        {IR_AUDIO, {.data = S("AAAA")}, "this provider takes no audio"},
        {IR_VIDEO, {.data = S("AAAA")}, "this provider takes no video"},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r = request_to("claude-haiku-4-5");
        add(&r, IR_USER, cases[i].kind)->media = cases[i].media;
        if (cases[i].block[0] != '{') {
            refuses(&r, cases[i].block);
            continue;
        }
        struct str want = arena_printf(&arena, "[{\"role\":\"user\",\"content\":[%s]}]", cases[i].block);
        writes_member(&r, "messages", want.p);
    }
}

static void results_with_pictures(void **state)
{
    (void)state;
    struct ir_request r = request_to("claude-haiku-4-5");
    tool(&r);
    say(&r, IR_USER, "x");
    call(&r, "c", "");
    struct ir_part *p = result(&r, "c", "See:");
    ir_add_part(&arena, &p->parts, IR_IMAGE)->media = (struct ir_media){.data = STR("/9j/")};
    p->cache = IR_CACHE_1H;
    assert_int_equal(write_it(&r), E_OK);
    assert_true(str_has(buf_str(&out), STR("{\"type\":\"tool_result\",\"tool_use_id\":\"c\",\"content\":[{"
                                           "\"type\":\"text\",\"text\":\"See:\"},{"
                                           "\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_"
                                           "type\":\"image/jpeg\",\"data\":\"/9j/\"}}],"
                                           "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}")));
}

/* What has no place in its message, and what is another provider's. */
static void odds_and_ends(void **state)
{
    (void)state;
    struct ir_citation foreign = {.url = STR("https://x.test"), .start = -1, .end = -1};
    struct ir_request r = request_to("claude-haiku-4-5");
    tool(&r);
    add(&r, IR_SYSTEM, IR_IMAGE);
    say(&r, IR_SYSTEM, "s");
    say(&r, IR_USER, "x");
    struct ir_part *own = add(&r, IR_USER, IR_RAW), *theirs = add(&r, IR_USER, IR_RAW);
    own->raw = STR("{\"type\":\"container_upload\",\"file_id\":\"f\"}");
    own->raw_dialect = D_ANTHROPIC;
    theirs->raw_dialect = D_GEMINI;
    add(&r, IR_USER, IR_TOOL_CALL);
    add(&r, IR_USER, IR_THINKING);
    say(&r, IR_ASSISTANT, "y")->citations = &foreign;
    add(&r, IR_ASSISTANT, IR_FILE);
    call(&r, "", "")->signature = STR("sig");
    add(&r, IR_DEVELOPER, IR_IMAGE);
    r.service_tier = STR("priority");
    writes(
        &r,
        "{\"model\":\"claude-haiku-4-5\",\"max_tokens\":4096,\"tools\":[{\"name\":\"look\",\"input_schema\":{"
        "\"type\":\"object\",\"properties\":{}}}],\"system\":\"s\",\"messages\":[{\"role\":\"user\","
        "\"content\":"
        "[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"container_upload\",\"file_id\":\"f\"}]},{\"role\":"
        "\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"y\"},{\"type\":\"tool_use\",\"id\":\"call_"
        "0\","
        "\"name\":\"look\",\"input\":{}}]}],\"service_tier\":\"auto\"}");
    drops(&r, "system.image raw user.call user.thinking citation assistant.file call.signature");
    tool(&r)->name = STR("");
    refuses(&r, "tools: a tool without a name");
}

/* ---- requests: cache breakpoints ---- */

/* Four at most, the last ones; and none of an hour behind one of five minutes. */
static void cache_breakpoints(void **state)
{
    (void)state;
    struct ir_request r = request_to("claude-haiku-4-5");
    tool(&r)->cache = IR_CACHE_1H;
    say(&r, IR_SYSTEM, "s")->cache = IR_CACHE_1H;
    say(&r, IR_USER, "a")->cache = IR_CACHE_1H;
    say(&r, IR_ASSISTANT, "b")->cache = IR_CACHE_5M;
    say(&r, IR_USER, "c")->cache = IR_CACHE_1H;
    writes_member(&r, "tools",
                  "[{\"name\":\"look\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}]");
    writes_member(
        &r, "system",
        "[{\"type\":\"text\",\"text\":\"s\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}]");
    writes_member(
        &r, "messages",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{\"type\":"
        "\"ephemeral\",\"ttl\":\"1h\"}}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\","
        "\"text\":\"b\",\"cache_control\":{\"type\":\"ephemeral\"}}]},{\"role\":\"user\",\"content\":[{"
        "\"type\":\"text\",\"text\":\"c\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]");
    drops(&r, "cache_control");
}

static void a_messages_breakpoint_is_its_last_blocks(void **state)
{
    (void)state;
    struct ir_request r = request_to("claude-haiku-4-5");
    struct ir_message *m = ir_add_message(&arena, &r, IR_USER);
    ir_add_part(&arena, &m->parts, IR_TEXT)->text = STR("a");
    ir_add_part(&arena, &m->parts, IR_TEXT)->text = STR("b");
    m->cache = IR_CACHE_5M;
    writes_member(
        &r, "messages",
        "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":"
        "\"b\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]");
}

/* ---- requests: thinking, tools and sampling exclude each other, and models differ ---- */

struct wish {
    int thinking;       /* 1, 0; -1: not said */
    int64_t budget;     /* -1 */
    const char *effort; /* NULL */
    bool forced;
};

static struct ir_request ask(const char *model, struct wish w, int64_t max_tokens)
{
    struct ir_request r = request_to(model);
    say(&r, IR_USER, "x");
    r.thinking = w.thinking;
    r.thinking_budget = w.budget;
    r.effort = str_c(w.effort);
    r.max_tokens = max_tokens;
    if (w.forced) {
        tool(&r);
        r.choice = IR_CHOICE_NAMED;
        r.choice_name = STR("look");
    }
    return r;
}

static void thinking_in_each_models_way(void **state)
{
    static const struct wish adaptive = {1, -2, NULL, false}, budget = {1, 10000, NULL, false},
                             high = {-1, -1, "high", false}, xhigh = {-1, -1, "xhigh", false},
                             off = {0, -1, NULL, false}, none = {-1, -1, "none", false},
                             unsaid = {-1, -1, NULL, false}, forced = {1, -2, "high", true};
    static const struct {
        const char *model;
        const struct wish *wish;
        const char *thinking, *output_config, *dropped;
    } cases[] = {
        {"claude-haiku-4-5", &unsaid, "", "", ""},
        /* no thinking at all */
        {"claude-3-5-sonnet-20241022", &high, "", "", "reasoning reasoning.effort"},
        {"claude-3-haiku-20240307", &off, "", "", ""},
        /* budgets */
        {"claude-3-7-sonnet-latest", &budget, "{\"type\":\"enabled\",\"budget_tokens\":10000}", "", ""},
        {"claude-sonnet-4-20250514", &high, "{\"type\":\"enabled\",\"budget_tokens\":24576}", "", ""},
        {"claude-haiku-4-5-20251001", &adaptive, "{\"type\":\"enabled\",\"budget_tokens\":8192}", "", ""},
        {"claude-opus-4-5", &high, "{\"type\":\"enabled\",\"budget_tokens\":24576}", "{\"effort\":\"high\"}",
         ""},
        {"claude-opus-4-5", &xhigh, "{\"type\":\"enabled\",\"budget_tokens\":32768}", "{\"effort\":\"high\"}",
         ""},
        {"claude-sonnet-4-5", &off, "{\"type\":\"disabled\"}", "", ""},
        {"kimi-k2-thinking", &high, "{\"type\":\"enabled\",\"budget_tokens\":24576}", "", ""},
        /* both */
        {"claude-opus-4-6", &budget, "{\"type\":\"enabled\",\"budget_tokens\":10000}", "", ""},
        {"claude-sonnet-4-6", &high, "{\"type\":\"adaptive\"}", "{\"effort\":\"high\"}", ""},
        {"claude-opus-4-6", &xhigh, "{\"type\":\"adaptive\"}", "{\"effort\":\"max\"}", ""},
        /* as much as the model sees fit */
        {"claude-opus-4-7", &budget, "{\"type\":\"adaptive\"}", "{\"effort\":\"high\"}", ""},
        {"us.anthropic.claude-opus-4-8-v1:0", &xhigh, "{\"type\":\"adaptive\"}", "{\"effort\":\"xhigh\"}",
         ""},
        {"claude-opus-4-7", &none, "{\"type\":\"disabled\"}", "", ""},
        /* without being asked to */
        {"claude-sonnet-5", &high, "", "{\"effort\":\"high\"}", ""},
        {"claude-sonnet-5", &adaptive, "{\"type\":\"adaptive\"}", "", ""},
        {"claude-opus-5", &none, "{\"type\":\"disabled\"}", "", ""},
        {"claude-haiku-5-5", &off, "{\"type\":\"disabled\"}", "", ""},
        /* always */
        {"claude-sonnet-5-5", &off, "{\"type\":\"between_tools\"}", "", ""},
        {"claude-opus-5-5", &none, "", "{\"effort\":\"low\"}", "reasoning"},
        {"claude-fable-5", &off, "", "{\"effort\":\"low\"}", "reasoning"},
        {"claude-mythos-preview", &off, "", "{\"effort\":\"low\"}", "reasoning"},
        {"claude-opus-7", &none, "", "{\"effort\":\"low\"}", "reasoning"},
        /* a forced tool wins */
        {"claude-sonnet-4-5", &forced, "", "", "reasoning reasoning.effort"},
        {"claude-opus-4-6", &forced, "", "{\"effort\":\"high\"}", "reasoning"},
        {"claude-opus-5", &forced, "{\"type\":\"disabled\"}", "{\"effort\":\"high\"}", "reasoning"},
        /* unless nothing can be forced */
        {"claude-opus-5-5", &forced, "{\"type\":\"adaptive\"}", "{\"effort\":\"high\"}", "tool_choice"},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r = ask(cases[i].model, *cases[i].wish, 64000);
        print_message("%s, case %zu\n", cases[i].model, i);
        writes_member(&r, "thinking", cases[i].thinking);
        drops(&r, cases[i].dropped);
        writes_member(&r, "output_config", cases[i].output_config);
    }
}

/* Whether thoughts are shown can be said beside "adaptive" only, also to models that think unasked. */
static void thoughts_that_are_shown(void **state)
{
    (void)state;
    struct ir_request r = ask("claude-sonnet-5", (struct wish){-1, -1, "high", false}, -1);
    r.thinking_shown = 1;
    writes_member(&r, "thinking", "{\"type\":\"adaptive\",\"display\":\"summarized\"}");
    writes_member(&r, "output_config", "{\"effort\":\"high\"}");
    drops(&r, "");
}

static void a_budget_is_less_than_max_tokens(void **state)
{
    static const struct {
        int64_t max_tokens;
        const char *max, *thinking;
    } cases[] = {
        {-1, "14096", "{\"type\":\"enabled\",\"budget_tokens\":10000}"},
        {20000, "20000", "{\"type\":\"enabled\",\"budget_tokens\":10000}"},
        {8000, "8000", "{\"type\":\"enabled\",\"budget_tokens\":4000}"},
        {1500, "1500", "{\"type\":\"enabled\",\"budget_tokens\":1024}"},
        {1024, "1024", ""},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r =
            ask("claude-sonnet-4-5", (struct wish){1, 10000, NULL, false}, cases[i].max_tokens);
        writes_member(&r, "max_tokens", cases[i].max);
        writes_member(&r, "thinking", cases[i].thinking);
    }
    struct ir_request least = ask("claude-sonnet-4-5", (struct wish){-1, -1, "minimal", false}, 8000);
    writes_member(&least, "thinking", "{\"type\":\"enabled\",\"budget_tokens\":1024}");
}

/* A turn that tools are answering must begin with a signed thought where thinking has a budget. */
static void a_thought_that_was_lost(void **state)
{
    (void)state;
    struct ir_request r = ask("claude-sonnet-4-5", (struct wish){1, 2000, NULL, false}, 8000);
    tool(&r);
    call(&r, "c", "");
    result(&r, "c", "1");
    writes_member(&r, "thinking", "");
    drops(&r, "reasoning");
    struct ir_request kept = ask("claude-sonnet-4-5", (struct wish){1, 2000, NULL, false}, 8000);
    tool(&kept);
    struct ir_message *m = ir_add_message(&arena, &kept, IR_ASSISTANT);
    ir_add_part(&arena, &m->parts, IR_THINKING)->signature = STR("s");
    *ir_add_part(&arena, &m->parts, IR_TOOL_CALL) =
        (struct ir_part){.kind = IR_TOOL_CALL, .id = STR("c"), .name = STR("look")};
    result(&kept, "c", "1");
    writes_member(&kept, "thinking", "{\"type\":\"enabled\",\"budget_tokens\":2000}");
}

static void sampling(void **state)
{
    static const struct {
        const char *model;
        bool thinks;
        const char *temperature, *top_p, *top_k;                /* asked */
        const char *want_temperature, *want_top_p, *want_top_k; /* written */
        const char *dropped;
    } cases[] = {
        {"claude-3-haiku-20240307", false, "0.5", "0.9", "3", "0.5", "0.9", "3", ""},
        {"claude-sonnet-4-20250514", false, "1.9", "0.9", "3", "1", "0.9", "3", "temperature"},
        {"claude-sonnet-4-5", false, "0.5", "0.9", "3", "0.5", "", "3", "top_p"},
        {"claude-sonnet-4-5", false, NULL, "0.9", NULL, "", "0.9", "", ""},
        {"claude-sonnet-4-5", true, "0.5", "0.96", "3", "", "0.96", "", "temperature top_k"},
        {"claude-sonnet-4-5", true, "0.5", "0.9", NULL, "", "", "", "temperature top_p"},
        {"claude-opus-4-7", false, "0.5", "0.9", "3", "", "", "", "temperature top_p top_k"},
        {"claude-haiku-5-5", false, "0", NULL, NULL, "", "", "", "temperature"},
        {"claude-mythos-preview", false, "0", NULL, NULL, "", "", "", "temperature"},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r =
            ask(cases[i].model, (struct wish){cases[i].thinks ? 1 : -1, -1, NULL, false}, 32000);
        r.temperature = str_c(cases[i].temperature);
        r.top_p = str_c(cases[i].top_p);
        r.top_k = str_c(cases[i].top_k);
        print_message("%s, case %zu\n", cases[i].model, i);
        writes_member(&r, "top_p", cases[i].want_top_p);
        drops(&r, cases[i].dropped);
        writes_member(&r, "top_k", cases[i].want_top_k);
        if (cases[i].want_temperature[0])
            assert_true(str_has(buf_str(&out),
                                arena_printf(&arena, "\"temperature\":%s,", cases[i].want_temperature)));
        else
            assert_false(str_has(buf_str(&out), STR("temperature")));
    }
}

static void a_tool_that_cannot_be_forced(void **state)
{
    (void)state;
    struct ir_request r = ask("claude-opus-5-5", (struct wish){-1, -1, NULL, true}, 100);
    writes_member(&r, "tool_choice", "{\"type\":\"auto\"}");
    writes_member(&r, "system",
                  "[{\"type\":\"text\",\"text\":\"Answer by calling the tool \\\"look\\\".\"}]");
    r.choice = IR_CHOICE_REQUIRED;
    r.parallel_tools = 1;
    writes_member(&r, "tool_choice", "{\"type\":\"auto\",\"disable_parallel_tool_use\":false}");
    writes_member(&r, "system",
                  "[{\"type\":\"text\",\"text\":\"Answer by calling at least one of the tools.\"}]");
    r.choice = IR_CHOICE_NONE;
    writes_member(&r, "tool_choice", "{\"type\":\"none\"}");
    r.choice = IR_CHOICE_UNSET;
    writes_member(&r, "tool_choice", "{\"type\":\"auto\",\"disable_parallel_tool_use\":false}");
    assert_int_equal(write_with(&r, (struct codec_ask){.quirks = CODEC_NO_PARALLEL}), E_OK);
    assert_false(str_has(buf_str(&out), STR("tool_choice")));
    r.choice = IR_CHOICE_NAMED;
    r.choice_name = STR("");
    refuses(&r, "tool_choice: of a tool without a name");
}

static void tools(void **state)
{
    (void)state;
    struct ir_request r = request_to("claude-sonnet-4-5");
    say(&r, IR_USER, "x");
    tool(&r)->schema = STR("{}");
    tool(&r)->schema = STR("{ \"properties\":{}}");
    struct ir_tool *strict = tool(&r), *open = tool(&r), *foreign = tool(&r), *own = tool(&r);
    strict->strict = open->strict = 1;
    strict->schema = STR("{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":1}}}");
    open->schema = STR("{\"type\":\"object\",\"additionalProperties\":true}");
    foreign->raw = STR("{\"type\":\"web_search\"}");
    foreign->raw_dialect = D_OPENAI_RESPONSES;
    foreign->name = STR("web_search");
    own->raw = STR("{\"type\":\"bash_20250124\",\"name\":\"bash\"}");
    own->raw_dialect = D_ANTHROPIC;
    writes_member(
        &r, "tools",
        "[{\"name\":\"look\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}},{\"name\":\"look\","
        "\"input_schema\":{\"type\":\"object\",\"properties\":{}}},{\"name\":\"look\",\"input_schema\":{"
        "\"type\":"
        "\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"description\":\"{\\\"minimum\\\":1}\"}},"
        "\"additionalProperties\":false},\"strict\":true},{\"name\":\"look\",\"input_schema\":{\"type\":"
        "\"object\","
        "\"additionalProperties\":true}},{\"type\":\"bash_20250124\",\"name\":\"bash\"}]");
    drops(&r, "tools.strict tools.raw");
}

/* ---- requests: the answer's format ---- */

static void format(void **state)
{
    (void)state;
    struct ir_request r = request_to("claude-sonnet-4-5"), old = request_to("claude-sonnet-4-20250514");
    struct ir_request *both[] = {&r, &old};
    for (size_t i = 0; i < countof(both); i++) {
        say(both[i], IR_SYSTEM, "Be terse.");
        say(both[i], IR_USER, "x");
        both[i]->format = IR_FORMAT_SCHEMA;
        both[i]->format_name = STR("answer");
        both[i]->format_schema = STR("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}");
    }
    writes_member(
        &r, "output_config",
        "{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\",\"properties\":{\"a\":{"
        "\"type\":\"string\"}},\"additionalProperties\":false}}}");
    writes_member(&r, "system", "\"Be terse.\"");
    drops(&r, "response_format.name");
    const char *by_words = "[{\"type\":\"text\",\"text\":\"Be terse.\"},{\"type\":\"text\",\"text\":\"Answer "
                           "with one JSON value and "
                           "nothing else: no text around it, no code fence. It must be valid by this JSON "
                           "Schema:\\n{\\\"type\\\":\\\"object\\\",\\\"properties\\\":{\\\"a\\\":{"
                           "\\\"type\\\":\\\"string\\\"}}}\"}]";
    writes_member(&old, "system", by_words);
    writes_member(&old, "output_config", "");
    drops(&old, "response_format.name response_format");
    assert_int_equal(write_with(&r, (struct codec_ask){.quirks = CODEC_NO_JSON_SCHEMA}), E_OK);
    assert_false(str_has(buf_str(&out), STR("output_config")));
    old.format = IR_FORMAT_JSON;
    writes_member(
        &old, "system",
        "[{\"type\":\"text\",\"text\":\"Be terse.\"},{\"type\":\"text\",\"text\":\"Answer with one JSON "
        "object and nothing else: no text around it, no code fence.\"}]");
}

static void schemas(void **state)
{
    static const char *const cases[][2] = {
        /* what is right stays as it is, members in their order */
        {"{\"description\":\"d\",\"additionalProperties\":false,\"type\":\"object\",\"properties\":{\"a\":{"
         "\"$ref\":"
         "\"#/$defs/x\"}},\"required\":[\"a\"],\"$defs\":{\"x\":{\"enum\":[1,2.50,null]}}}",
         "{\"description\":\"d\",\"additionalProperties\":false,\"type\":\"object\",\"properties\":{\"a\":{"
         "\"$ref\":"
         "\"#/$defs/x\"}},\"required\":[\"a\"],\"$defs\":{\"x\":{\"enum\":[1,2.50,null]}}}"},
        /* constraints move into the description */
        {"{\"type\":\"string\",\"description\":\"A "
         "name.\",\"minLength\":1,\"format\":\"email\",\"maxLength\":9}",
         "{\"type\":\"string\",\"description\":\"A "
         "name.\\n\\n{\\\"minLength\\\":1,\\\"maxLength\\\":9}\",\"format\":"
         "\"email\"}"},
        {"{\"type\":\"string\",\"format\":\"phone\"}",
         "{\"type\":\"string\",\"description\":\"{\\\"format\\\":\\\"phone\\\"}\"}"},
        {"{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":1,\"maxItems\":3}",
         "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":1,\"description\":\"{"
         "\\\"maxItems\\\":"
         "3}\"}"},
        {"{\"type\":\"array\",\"minItems\":2}",
         "{\"type\":\"array\",\"description\":\"{\\\"minItems\\\":2}\"}"},
        {"{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"$schema\":\"x\"}",
         "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}"},
        /* objects are closed, and say that they are objects */
        {"{\"properties\":{\"minimum\":{\"type\":\"integer\"}},\"additionalProperties\":true}",
         "{\"type\":\"object\",\"properties\":{\"minimum\":{\"type\":\"integer\"}},\"additionalProperties\":"
         "false}"},
        {"{\"type\":[\"object\",\"null\"],\"properties\":{\"a\":true}}",
         "{\"type\":[\"object\",\"null\"],\"properties\":{\"a\":true},\"additionalProperties\":false}"},
        /* what cannot be said: maps, recursion, references to nothing */
        {"{\"type\":\"object\"}", NULL},
        {"{\"type\":\"object\",\"properties\":{\"m\":{\"type\":\"object\",\"additionalProperties\":{\"type\":"
         "\"string\"}}}}",
         NULL},
        {"{\"anyOf\":[{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}},{\"type\":\"null\"}]}", NULL},
        {"{\"$ref\":\"#/$defs/t\",\"$defs\":{\"t\":{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":"
         "\"#/$defs/t\"}}}}}",
         NULL},
        {"{\"$ref\":\"#/$defs/none\"}", NULL},
        {"[1]", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        struct str got = anthropic_schema(&arena, str_c(cases[i][0]));
        if (cases[i][1])
            assert_str(got, str_c(cases[i][1]));
        else if (got.p)
            fail_msg("%s became %.*s", cases[i][0], STR_FMT(got));
    }
}

static void what_there_is_no_word_for(void **state)
{
    (void)state;
    struct ir_request r = ask("claude-haiku-4-5", (struct wish){-1, -1, NULL, false}, 10);
    r.frequency_penalty = r.presence_penalty = r.seed = STR("1");
    r.n = 2;
    r.logprobs = 1;
    r.top_logprobs = 3;
    r.logit_bias = r.metadata = r.audio = STR("{}");
    r.safety = STR("[]");
    r.verbosity = STR("low");
    r.service_tier = STR("flex");
    r.store = 1;
    r.thinking_shown = 1;
    assert_true(ir_add_str(&arena, &r.modalities, STR("text")) &&
                ir_add_str(&arena, &r.modalities, STR("audio")));
    r.messages->name = STR("Bob");
    writes(&r,
           "{\"model\":\"claude-haiku-4-5\",\"max_tokens\":10,\"messages\":[{\"role\":\"user\",\"content\":[{"
           "\"type\":\"text\",\"text\":\"x\"}]}]}");
    drops(&r, "user.name service_tier frequency_penalty presence_penalty seed n reasoning.shown logprobs "
              "top_logprobs logit_bias metadata verbosity store modalities audio_output safety");
}

/* ---- requests read ---- */

static void reads(const char *body, const char *want, const char *dropped)
{
    struct ir_request r;
    struct buf b;
    enum err e = codec_anthropic.read_request(&arena, str_c(body), STR("v1/messages"), &r, &why);
    if (e != E_OK)
        fail_msg("%s: %.*s", err_name(e), STR_FMT(why));
    buf_init(&b, MIB);
    dump_request(&b, DUMP_EXACT, &r);
    assert_str(buf_str(&b), str_c(want));
    drops(&r, dropped);
    buf_done(&b);
    ir_request_done(&r);
}

static void reading_a_conversation(void **state)
{
    (void)state;
    reads("{\"model\":\"m\",\"max_tokens\":5.0,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
          "\"text\","
          "\"text\":\"and\"},{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":\"r\"}]}],"
          "\"container\":"
          "\"c\",\"mcp_servers\":[],\"speed\":null,\"metadata\":{\"user_id\":\"u\",\"x\":1}}",
          "model \"m\"\nstream_usage 1\ntool {\ntool.result \"\"\ntool.result.id \"t\"\ntool.result.text "
          "\"r\"\n}\n"
          "user {\nuser.text \"and\"\n}\nmax_tokens 5\nuser \"u\"\n",
          "container mcp_servers x");
    /* a breakpoint at the top is one at the last block */
    reads(
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
        "\"content\":[{\"type\":\"text\",\"text\":\"b\"},{\"type\":\"thinking\",\"thinking\":\"c\","
        "\"signature\":"
        "\"s\"}]}],\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}",
        "model \"m\"\nstream_usage 1\nuser {\nuser.text \"a\"\n}\nassistant {\nassistant.text "
        "\"b\"\nassistant.text.cache_control \"1h\"\nassistant.thinking \"c\"\nassistant.thinking.signature "
        "\"s\"\n}\n",
        "");
    reads(
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"search_result\","
        "\"source\":"
        "\"https://"
        "x.test\",\"title\":\"X\",\"content\":[{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"text\","
        "\"text\":\"two\"}],\"citations\":{\"enabled\":true}},{\"type\":\"document\",\"source\":{\"type\":"
        "\"content\",\"content\":[{\"type\":\"text\",\"text\":\"three\"}]},\"context\":\"why\"},{\"type\":"
        "\"container_upload\",\"file_id\":\"f\"}]}]}",
        "model \"m\"\nstream_usage 1\nuser {\nuser.file.mime \"text/plain\"\nuser.file.text "
        "\"https://x.test\\none\\ntwo\"\nuser.file.name \"X\"\nuser.file.mime \"text/plain\"\nuser.file.text "
        "\"three\"\nuser.raw \"{\\\"type\\\":\\\"container_upload\\\",\\\"file_id\\\":\\\"f\\\"}\"\n}\n",
        "citations document.context");
}

static void reading_parameters(void **state)
{
    (void)state;
    reads("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"thinking\":{\"type\":"
          "\"adaptive\",\"display\":\"omitted\"},"
          "\"output_config\":{\"effort\":\"max\",\"task_budget\":{}},\"service_tier\":\"standard_only\","
          "\"temperature\":0.10,\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":false},"
          "\"tools\":[{"
          "\"name\":\"a\",\"input_schema\":{\"type\":\"object\"},\"input_examples\":[{}],\"strict\":true},{"
          "\"type\":"
          "\"web_search_20250305\",\"name\":\"web_search\"}]}",
          "model \"m\"\nstream_usage 1\nuser {\nuser.text \"a\"\n}\ntools \"a\"\ntools.schema "
          "\"{\\\"type\\\":\\\"object\\\"}\"\ntools.strict "
          "1\ntools.raw \"web_search_20250305\"\ntools.raw "
          "\"{\\\"type\\\":\\\"web_search_20250305\\\",\\\"name\\\":\\\"web_search\\\"}\"\ntool_choice "
          "\"required\"\nparallel_tool_calls 1\ntemperature \"0.10\"\nreasoning 1\nreasoning.effort "
          "\"xhigh\"\nreasoning.budget -2\nreasoning.shown 0\nservice_tier \"default\"\n",
          "task_budget input_examples");
    /* as the beta named it */
    reads("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"output_format\":{\"type\":"
          "\"json_schema\",\"schema\":{\"type\":"
          "\"string\"}}}",
          "model \"m\"\nstream_usage 1\nuser {\nuser.text \"a\"\n}\nresponse_format "
          "\"schema\"\nresponse_format.schema "
          "\"{\\\"type\\\":\\\"string\\\"}\"\n",
          "");
}

static void requests_that_are_none(void **state)
{
    static const char *const cases[][2] = {
        {"", "the body is not JSON: "},
        {"[]", "the body is not a JSON object"},
        {"{\"messages\":[]}", "messages: at least one is required"},
        {"{\"model\":\"m\"}", "messages: at least one is required"},
        {"{\"messages\":[{\"role\":\"tool\",\"content\":\"\"}]}",
         "messages.0: role is user, assistant or system"},
        {"{\"messages\":[{\"role\":\"user\"}]}", "messages.0: content is a string or a list of blocks"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"\"},{\"role\":\"user\",\"content\":[{}]}]}",
         "messages.1: a content block without type"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]}",
         "messages.0: a text block without text"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\"}"
         "}]}]}",
         "messages.0: a source of an unknown type"},
        {"{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"a\"}]}]}",
         "messages.0: a tool_use block without id or name"},
        {"{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"redacted_thinking\"}]}]}",
         "messages.0: a redacted_thinking block without data"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\"}]}]}",
         "messages.0: a tool_result block without tool_use_id"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"a\","
         "\"content\":5}]}]}",
         "messages.0: content is a string or a list of blocks"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"system\":7}",
         "system: content is a string or a list of blocks"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"tools\":[{}]}",
         "tools: a tool without a name"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"tool_choice\":{\"type\":\"tool\"}}",
         "tool_choice: type is auto, any, none, or tool with a name"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"output_config\":{\"format\":{\"type\":"
         "\"json_schema\"}}}",
         "output_config.format: type is json_schema, with a schema"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"thinking\":{\"type\":\"on\"}}",
         "thinking: type is enabled, adaptive or disabled"},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r;
        assert_int_equal(codec_anthropic.read_request(&arena, str_c(cases[i][0]), STR(""), &r, &why),
                         E_SYNTAX);
        assert_str(str_head(why, strlen(cases[i][1])),
                   str_c(cases[i][1])); /* the parser's words may follow */
        ir_request_done(&r);
    }
}

/* ---- answers ---- */

static void on_event(void *arg, const struct ir_event *ev)
{
    assert_int_equal(ir_answer_add(arg, ev), E_OK);
}

static struct ir_answer answer_of(const struct ir_event *events, size_t n)
{
    struct ir_answer w;
    ir_answer_init(&w, &arena);
    for (size_t i = 0; i < n; i++)
        on_event(&w, &events[i]);
    return w;
}

#define START                                                                                                \
    {                                                                                                        \
        .kind = IR_EV_START, .id = S("chatcmpl-1"), .model = S("gpt-5")                                      \
    }

static const struct usage counted = {.known = true,
                                     .input = 100,
                                     .cached = 60,
                                     .cache_write = 30,
                                     .cache_write_1h = 10,
                                     .output = 20,
                                     .reasoning = 15};
/* As another dialect gives them: "stop" although a tool is called, no arguments, its own signatures. */
static const struct ir_event mixed[] = {
    START,
    {.kind = IR_EV_THINKING, .text = S("Hm"), .id = S("rs_1")},
    {.kind = IR_EV_THINKING, .text = S(".")},
    {.kind = IR_EV_SIGNATURE, .text = S("gAA")},
    {.kind = IR_EV_SIGNATURE, .text = S("A=")},
    {.kind = IR_EV_TEXT, .block = 1, .text = S("Line\n\"two\"")},
    {.kind = IR_EV_CALL, .block = 2, .id = S("call_1"), .name = S("look")},
    {.kind = IR_EV_ARGUMENTS, .block = 2, .text = S("{\"a\":")},
    {.kind = IR_EV_ARGUMENTS, .block = 2, .text = S("1}")},
    {.kind = IR_EV_SIGNATURE, .block = 2, .text = S("Gem")},
    {.kind = IR_EV_CALL, .block = 3, .id = S("call_2"), .name = S("now")},
    {.kind = IR_EV_TEXT, .choice = 1, .text = S("there is room for one answer")},
    {.kind = IR_EV_FINISH, .finish = IR_FINISH_STOP},
    {.kind = IR_EV_FINISH, .choice = 1, .finish = IR_FINISH_LENGTH},
    {.kind = IR_EV_USAGE, .usage = &counted},
    {.kind = IR_EV_END},
};
static struct str write_whole(const struct ir_event *events, size_t n)
{
    struct ir_answer w = answer_of(events, n);
    struct ir_request r = request_to("asked-for");
    buf_clear(&out);
    assert_int_equal(codec_anthropic.write_answer(&arena, &w, &r, &out), E_OK);
    return buf_str(&out);
}

static struct str write_stream(const struct ir_event *events, size_t n)
{
    struct ir_request r = request_to("asked-for");
    struct codec_writer w = {.codec = &codec_anthropic, .arena = &arena, .out = &out, .request = &r};
    buf_clear(&out);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(codec_anthropic.write_event(&w, &events[i]), E_OK);
    return buf_str(&out);
}

/* ---- what is written is also what the official client is shown (tests/flow/anthropic-client.test.mjs) ----
 */

static const struct ir_citation in_the_web = {
    .url = S("https://x.test/"), .title = S("X"), .quote = S("Said."), .start = 0, .end = 3};
static const struct usage few = {.known = true, .input = 7, .output = 3};
static const struct ir_error overloaded = {
    .kind = IR_ERR_OVERLOADED, .status = 503, .message = S("Overloaded")};
static const struct ir_event plain[] = {
    {.kind = IR_EV_START, .id = S("msg_1"), .model = S("claude-x"), .usage = &few},
    {.kind = IR_EV_TEXT, .text = S("Gr\xc3\xbc\xc3\x9f")},
    {.kind = IR_EV_TEXT, .text = S("e \xf0\x9f\x99\x82")},
    {.kind = IR_EV_CITATION, .citation = &in_the_web},
    {.kind = IR_EV_FINISH, .finish = IR_FINISH_STOP_SEQUENCE, .text = S("END")},
    {.kind = IR_EV_USAGE, .usage = &few},
    {.kind = IR_EV_END},
};
static const struct ir_event hidden[] = {
    START,
    {.kind = IR_EV_SIGNATURE, .text = S("EmwS"), .redacted = true},
    {.kind = IR_EV_SIGNATURE, .text = S("ecret"), .redacted = true},
    {.kind = IR_EV_SIGNATURE, .block = 1, .text = S("Only")},
    {.kind = IR_EV_REFUSAL, .block = 2, .text = S("No.")},
    {.kind = IR_EV_FINISH, .finish = IR_FINISH_STOP},
    {.kind = IR_EV_END},
};
static const struct ir_event empty[] = {
    START, {.kind = IR_EV_FINISH, .finish = IR_FINISH_STOP}, {.kind = IR_EV_END}};
static const struct ir_event failing[] = {
    START, {.kind = IR_EV_TEXT, .text = S("Once")}, {.kind = IR_EV_ERROR, .error = &overloaded}};

static void same_as_file(const char *name, const char *file, struct str got)
{
    struct buf b;
    struct str want = golden_read("anthropic_written", name, file, &b);
    assert_non_null(want.p);
    if (!str_eq(got, want))
        fail_msg("%s/%s is not\n%.*s", name, file, STR_FMT(got));
    buf_done(&b);
}

static void answers_for_the_official_client(void **state)
{
    static const struct {
        const char *name;
        const struct ir_event *events;
        size_t n;
        bool whole;
    } cases[] = {
        {"mixed", mixed, countof(mixed), true},        {"plain", plain, countof(plain), true},
        {"hidden", hidden, countof(hidden), true},     {"empty", empty, countof(empty), true},
        {"failing", failing, countof(failing), false},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        same_as_file(cases[i].name, "stream.sse", write_stream(cases[i].events, cases[i].n));
        if (cases[i].whole)
            same_as_file(cases[i].name, "whole.json", write_whole(cases[i].events, cases[i].n));
    }
}

/* What travels inside signatures is there again when the client sends its history. */
static void signatures_of_others_come_back(void **state)
{
    (void)state;
    struct str answer = write_whole(mixed, countof(mixed));
    struct json_doc *doc = json_parse(answer);
    struct str content = codec_raw(&arena, json_get(json_root(doc), "content"));
    json_free(doc);
    struct str body =
        arena_printf(&arena, "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":%.*s}]}",
                     STR_FMT(content));
    reads(body.p,
          "model \"m\"\nstream_usage 1\nassistant {\nassistant.thinking \"Hm.\"\nassistant.thinking.id "
          "\"rs_1\"\nassistant.thinking.signature \"gAAA=\"\nassistant.text "
          "\"Line\\n\\\"two\\\"\"\nassistant.call \"\"\nassistant.call.id \"call_1\"\nassistant.call.name "
          "\"look\"\nassistant.call.arguments \"{\\\"a\\\":1}\"\nassistant.call.signature "
          "\"Gem\"\nassistant.call "
          "\"\"\nassistant.call.id \"call_2\"\nassistant.call.name \"now\"\nassistant.call.arguments "
          "\"{}\"\n}\n",
          "");
}

static void how_answers_end(void **state)
{
    static const struct {
        enum ir_finish finish;
        const char *want;
    } cases[] = {
        {IR_FINISH_UNKNOWN, "\"stop_reason\":\"end_turn\",\"stop_sequence\":null"},
        {IR_FINISH_STOP, "\"stop_reason\":\"end_turn\",\"stop_sequence\":null"},
        {IR_FINISH_STOP_SEQUENCE, "\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"END\""},
        {IR_FINISH_LENGTH, "\"stop_reason\":\"max_tokens\",\"stop_sequence\":null"},
        {IR_FINISH_TOOLS, "\"stop_reason\":\"tool_use\",\"stop_sequence\":null"},
        {IR_FINISH_FILTER, "\"stop_reason\":\"refusal\",\"stop_sequence\":null"},
        {IR_FINISH_REFUSAL, "\"stop_reason\":\"refusal\",\"stop_sequence\":null"},
        {IR_FINISH_PAUSE, "\"stop_reason\":\"pause_turn\",\"stop_sequence\":null"},
        {IR_FINISH_ERROR,
         "\"stop_reason\":\"refusal\",\"stop_sequence\":null,\"stop_details\":{\"type\":\"refusal\","
         "\"category\":null,\"explanation\":\"The provider ended its answer with an error\"}"},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_event finish = {.kind = IR_EV_FINISH, .finish = cases[i].finish};
        if (cases[i].finish == IR_FINISH_STOP_SEQUENCE)
            finish.text = STR("END");
        const struct ir_event events[] = {START, finish, {.kind = IR_EV_END}};
        struct str want = arena_printf(
            &arena,
            "{\"id\":\"chatcmpl-1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"gpt-5\","
            "\"content\":[],%s,\"usage\":{\"input_tokens\":0,\"cache_creation_input_tokens\":0,"
            "\"cache_read_input_tokens\":0,\"output_tokens\":0}}",
            cases[i].want);
        assert_str(write_whole(events, countof(events)), want);
        want = arena_printf(&arena, "\"delta\":{%s}", cases[i].want);
        assert_true(str_has(write_stream(events, countof(events)), want));
    }
    static const struct ir_event refusal[] = {START,
                                              {.kind = IR_EV_REFUSAL, .text = S("No.")},
                                              {.kind = IR_EV_FINISH, .finish = IR_FINISH_STOP},
                                              {.kind = IR_EV_END}};
    const struct str want = S("[{\"type\":\"text\",\"text\":\"No.\"}],\"stop_reason\":\"refusal\"");
    assert_true(str_has(write_whole(refusal, countof(refusal)), want));
    assert_true(str_has(write_stream(refusal, countof(refusal)), STR("\"stop_reason\":\"refusal\"")));
}

static void citations_of_others(void **state)
{
    static const struct ir_citation web = {.url = S("https://x.test"), .title = S("X"), .start = 0, .end = 3},
                                    doc = {.document = S("d1"), .quote = S("Said."), .start = -1, .end = -1};
    static const struct ir_event events[] = {START,
                                             {.kind = IR_EV_TEXT, .text = S("abc")},
                                             {.kind = IR_EV_CITATION, .citation = &web},
                                             {.kind = IR_EV_CITATION, .citation = &doc},
                                             {.kind = IR_EV_FINISH, .finish = IR_FINISH_STOP},
                                             {.kind = IR_EV_END}};
    static const char first[] =
        "{\"type\":\"web_search_result_location\",\"cited_text\":\"\",\"title\":\"X\",\"url\":"
        "\"https://x.test\",\"encrypted_index\":\"\"}";
    static const char second[] =
        "{\"type\":\"search_result_location\",\"cited_text\":\"Said.\",\"title\":null,\"source\":\"d1\","
        "\"search_result_index\":0,\"start_block_index\":0,\"end_block_index\":1}";
    (void)state;
    struct str want =
        arena_printf(&arena, "{\"type\":\"text\",\"text\":\"abc\",\"citations\":[%s,%s]}", first, second);
    assert_true(str_has(write_whole(events, countof(events)), want));
    want = arena_printf(&arena, "\"index\":0,\"delta\":{\"type\":\"citations_delta\",\"citation\":%s}}\n\n",
                        second);
    assert_true(str_has(write_stream(events, countof(events)), want));
}

/* Answers here have no pictures; what came is in the text. */
static void pictures_in_answers(void **state)
{
    static const struct ir_part picture = {.kind = IR_IMAGE,
                                           .media = {.mime = S("image/png"), .data = S("iVBO")}},
                                spoken = {.kind = IR_AUDIO, .media = {.data = S("UklG"), .text = S("Hello")}};
    static const struct ir_event events[] = {START,
                                             {.kind = IR_EV_MEDIA, .part = &picture},
                                             {.kind = IR_EV_MEDIA, .block = 1, .part = &spoken},
                                             {.kind = IR_EV_FINISH, .finish = IR_FINISH_STOP},
                                             {.kind = IR_EV_END}};
    (void)state;
    assert_true(str_has(
        write_whole(events, countof(events)),
        STR("[{\"type\":\"text\",\"text\":\"data:image/png;base64,iVBO\"},{\"type\":\"text\",\"text\":"
            "\"Hello\"}]")));
    struct str stream = write_stream(events, countof(events));
    assert_true(
        str_has(stream, STR("\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"data:image/png;")));
    assert_true(str_has(stream, STR("\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}")));
}

/* Whatever a provider makes up, what is written is a stream of ours. */
static void a_block_of_two_kinds(void **state)
{
    static const struct ir_event events[] = {START,
                                             {.kind = IR_EV_THINKING, .text = S("Hm")},
                                             {.kind = IR_EV_TEXT, .text = S("a")},
                                             {.kind = IR_EV_FINISH, .finish = IR_FINISH_STOP},
                                             {.kind = IR_EV_END}};
    (void)state;
    struct str stream = write_stream(events, countof(events));
    assert_true(str_has(stream, STR("\"index\":0,\"delta\":{\"type\":\"thinking_delta\"")));
    assert_true(str_has(stream, STR("\"index\":1,\"delta\":{\"type\":\"text_delta\"")));
}

static void a_refusal_explained(void **state)
{
    static const char body[] =
        "{\"type\":\"message\",\"id\":\"m\",\"model\":\"c\",\"content\":[],\"stop_reason\":"
        "\"refusal\",\"stop_details\":{\"type\":\"refusal\",\"category\":\"cyber\","
        "\"explanation\":\"Not this.\"},\"usage\":{\"input_tokens\":1,\"output_tokens\":0}}";
    (void)state;
    struct ir_answer w;
    struct buf b;
    ir_answer_init(&w, &arena);
    assert_int_equal(codec_anthropic.read_answer(&arena, STR(body), on_event, &w), E_OK);
    buf_init(&b, MIB);
    dump_answer(&b, DUMP_EXACT, &w);
    assert_str(buf_str(&b),
               STR("answer.id \"m\"\nanswer.model \"c\"\nanswer.choice 0\nanswer.refusal \"Not "
                   "this.\"\nanswer.finish refusal\nusage.input 1\nusage.output 0\nanswer.end\n"));
    buf_done(&b);
}

static void answers_that_are_none(void **state)
{
    static const char *const cases[] = {"",
                                        "{}",
                                        "[]",
                                        "null",
                                        "{\"type\":\"message\",\"content\":\"text\"}",
                                        "{\"choices\":[{\"message\":{\"content\":\"Hi\"}}]}",
                                        "{\"type\":\"message\",\"content\":[{\"type\":\"tool_use\"}]}",
                                        "{\"type\":\"message\",\"content\":[7]}"};
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_answer w;
        ir_answer_init(&w, &arena);
        assert_int_equal(codec_anthropic.read_answer(&arena, str_c(cases[i]), on_event, &w), E_SYNTAX);
        assert_false(w.ended);
    }
}

/* ---- streams read ---- */

struct taken {
    struct codec_reader reader;
    struct ir_answer answer;
    enum err err;
};

static void on_sse(void *arg, const struct sse_event *ev)
{
    struct taken *t = arg;
    if (t->err == E_OK)
        t->err = codec_anthropic.read_sse(&t->reader, ev);
}

static void begin_reading(struct taken *t)
{
    *t = (struct taken){.reader = {.codec = &codec_anthropic, .arena = &arena, .on_event = on_event}};
    ir_answer_init(&t->answer, &arena);
    t->reader.arg = &t->answer;
}

/* A data: line without a name, which is all that a reader may rely on. */
static void put_event(struct buf *to, struct str data)
{
    assert_int_equal(buf_printf(to, "data: %.*s\n\n", STR_FMT(data)), E_OK);
}

static struct str events_of(const char *const *data)
{
    struct buf b;
    buf_init(&b, MIB);
    for (; *data; data++)
        put_event(&b, str_c(*data));
    struct str text = arena_dup(&arena, buf_str(&b));
    buf_done(&b);
    return text;
}

static void read_stream(struct taken *t, struct str bytes)
{
    struct sse sse;
    begin_reading(t);
    sse_init(&sse);
    assert_int_equal(sse_feed(&sse, bytes, on_sse, t), E_OK);
    sse_done(&sse);
    if (t->err == E_OK)
        codec_anthropic.read_end(&t->reader);
}

#define M_START                                                                                              \
    "{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"usage\":{\"input_tokens\":3}}}"
#define M_DELTA                                                                                              \
    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":4}}"
#define M_STOP "{\"type\":\"message_stop\"}"
#define B_START                                                                                              \
    "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}"
#define B_DELTA                                                                                              \
    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}"
#define B_STOP "{\"type\":\"content_block_stop\",\"index\":0}"

/* What others who speak this dialect leave out or add, and what the API may add one day. */
static void streams_of_others(void **state)
{
    static const char *const data[] = {
        "{\"type\":\"ping\"}",
        M_START,
        "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"a\"}}",
        "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"colour_delta\",\"red\":1}}",
        B_STOP,
        "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\","
        "\"name\":"
        "\"n\",\"input\":{\"a\":1}}}",
        "{\"type\":\"content_block_stop\",\"index\":1}",
        "{\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"thinking\",\"thinking\":"
        "\"h\","
        "\"signature\":\"s\"}}",
        "{\"type\":\"content_block_stop\",\"index\":2}",
        "{\"type\":\"weather\"}",
        M_DELTA,
        M_STOP,
        "[DONE]",
        NULL};
    (void)state;
    struct taken t;
    struct buf b;
    read_stream(&t, events_of(data));
    assert_int_equal(t.err, E_OK);
    buf_init(&b, MIB);
    dump_answer(&b, DUMP_EXACT, &t.answer);
    assert_str(buf_str(&b),
               STR("answer.id \"m\"\nanswer.model \"c\"\nanswer.choice 0\nanswer.text \"a\"\nanswer.call "
                   "\"\"\nanswer.call.id \"t\"\nanswer.call.name \"n\"\nanswer.call.arguments "
                   "\"{\\\"a\\\":1}\"\nanswer.thinking \"h\"\nanswer.thinking.signature \"s\"\nanswer.finish "
                   "stop\nusage.input 3\nusage.output 4\nanswer.end\n"));
    buf_done(&b);
}

static void streams_that_are_none(void **state)
{
    static const char *const cases[][8] = {
        {"nonsense"},
        {"7"},
        {M_START, M_START},
        {B_START},
        {M_DELTA},
        {"{\"type\":\"message_start\"}"},
        {M_START, B_DELTA},
        {M_START, B_STOP},
        {M_START, M_STOP},
        {M_START, B_START, B_START},
        {M_START, B_START, M_DELTA},
        {M_START, "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{}}"},
        {M_START, "{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\"}}"},
        {M_START, "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\"}}"},
        {M_START, B_START,
         "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\"}}"},
        {M_START, B_START,
         "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\"}}"},
        {M_START,
         "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"server_tool_use\"}}",
         "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_"
         "json\":"
         "\"{\"}}",
         B_STOP},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        struct taken t;
        read_stream(&t, events_of(cases[i]));
        if (t.err != E_SYNTAX || t.answer.ended)
            fail_msg("case %zu: %s", i, err_name(t.err));
    }
}

static void a_stream_that_ends_early(void **state)
{
    static const char *const data[] = {M_START, B_START, B_DELTA, B_STOP, M_DELTA, NULL};
    (void)state;
    struct taken t;
    read_stream(&t, events_of(data));
    assert_int_equal(t.err, E_OK);
    assert_true(t.answer.has_error && !t.answer.ended);
    assert_int_equal(t.answer.error.kind, IR_ERR_SERVER);
    assert_str(t.answer.error.message, STR("The stream ended early"));
}

/* What is collected until a block ends has no length of its own. */
static void long_pieces(void **state)
{
    enum { PIECES = 300 };
    (void)state;
    struct buf b;
    struct taken t;
    buf_init(&b, MIB);
    put_event(&b, STR(M_START));
    put_event(&b, STR("{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
                      "\"server_tool_use\",\"id\":\"s\",\"name\":\"code\",\"input\":{}}}"));
    for (int i = 0; i < PIECES; i++) {
        struct str piece = arena_printf(&arena,
                                        "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
                                        "\"input_json_delta\",\"partial_json\":\"%s%d%s\"}}",
                                        i ? "," : "{\\\"a\\\":[", i, i == PIECES - 1 ? "]}" : "");
        put_event(&b, piece);
    }
    put_event(&b, STR(B_STOP));
    read_stream(&t, buf_str(&b));
    assert_int_equal(t.err, E_OK);
    struct str raw = t.answer.choices->parts->raw;
    assert_true(str_starts(raw, STR("{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"code\",\"input\":{"
                                    "\"a\":[0,1,2,")));
    assert_true(str_ends(raw, STR(",298,299]}}")));
    buf_done(&b);
    struct codec_writer w = {.codec = &codec_anthropic, .arena = &arena, .out = &out};
    const struct ir_event sign = {.kind = IR_EV_SIGNATURE, .text = STR("0123456789")};
    buf_clear(&out);
    for (int i = 0; i < PIECES; i++)
        assert_int_equal(codec_anthropic.write_event(&w, &sign), E_OK);
    assert_int_equal(codec_anthropic.write_event(&w, &(struct ir_event){.kind = IR_EV_END}), E_OK);
    struct str all =
        str_from(buf_str(&out), str_search(buf_str(&out), STR("\"signature_delta\",\"signature\":\"")));
    assert_int_equal(str_search(all, STR("9\"}}")),
                     strlen("\"signature_delta\",\"signature\":\"") + 10 * PIECES - 1);
}

/* A text of letters that all mean something, for `max` bytes of arena: done, or E_FULL. */
static void with_little_memory(void **state)
{
    static const char body[] = "{\"model\":\"claude-sonnet-4-5\",\"system\":[{\"type\":\"text\",\"text\":"
                               "\"s\"}],\"messages\":[{\"role\":"
                               "\"user\",\"content\":[{\"type\":\"document\",\"source\":{\"type\":"
                               "\"content\",\"content\":[{\"type\":\"text\","
                               "\"text\":\"one\"},{\"type\":\"text\",\"text\":\"two\"},{\"type\":\"image\"}]}"
                               "},{\"type\":\"search_result\","
                               "\"source\":\"u\",\"title\":\"t\",\"content\":[{\"type\":\"text\",\"text\":"
                               "\"x\"}]}]},{\"role\":\"assistant\","
                               "\"content\":[{\"type\":\"text\",\"text\":\"a\",\"citations\":[{\"type\":"
                               "\"char_location\",\"cited_text\":"
                               "\"q\",\"document_index\":0}]},{\"type\":\"tool_use\",\"id\":\"a.b\",\"name\":"
                               "\"n\",\"input\":{\"a\":[1]}}]},{"
                               "\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"a."
                               "b\",\"content\":\"r\"}]},{"
                               "\"role\":\"system\",\"content\":\"late\"}],\"tools\":[{\"name\":\"n\","
                               "\"input_schema\":{\"properties\":{}},"
                               "\"strict\":true}],\"stop_sequences\":[\"x\"],\"output_config\":{\"format\":{"
                               "\"type\":\"json_schema\",\"schema\":"
                               "{\"type\":\"object\"}}},\"container\":\"c\"}";
    (void)state;
    bool done = false;
    for (size_t max = 64; !done; max += 64) {
        struct arena a;
        struct ir_request r;
        struct codec_ask ask = {.quirks = 0};
        arena_init(&a, max);
        buf_clear(&out);
        enum err e = codec_anthropic.read_request(&a, STR(body), STR(""), &r, &why);
        if (e == E_OK)
            e = codec_anthropic.write_request(&a, &r, &ask, &out, &why);
        assert_true(e == E_OK || e == E_FULL);
        done = e == E_OK;
        assert_true(max < 64 * KIB);
        ir_request_done(&r);
        arena_done(&a);
    }
    for (size_t max = 64; max < 32 * KIB; max += 64) {
        struct arena a;
        struct ir_answer w = answer_of(mixed, countof(mixed));
        struct codec_writer y = {.codec = &codec_anthropic, .arena = &a, .out = &out};
        arena_init(&a, max);
        enum err e = E_OK;
        for (size_t i = 0; i < countof(mixed) && e == E_OK; i++)
            e = codec_anthropic.write_event(&y, &mixed[i]);
        assert_true(e == E_OK || e == E_FULL);
        e = codec_anthropic.write_answer(&a, &w, NULL, &out);
        assert_true(e == E_OK || e == E_FULL);
        arena_done(&a);
    }
}

/* Text of any length passes through with the memory that is there. */
static void deltas_cost_no_memory(void **state)
{
    static const char *const head[] = {M_START, B_START, B_DELTA, NULL}, *const more[] = {B_DELTA, NULL};
    (void)state;
    struct taken t;
    struct sse sse;
    struct ir_request r = request_to("m");
    struct codec_writer w = {.codec = &codec_anthropic, .arena = &arena, .out = &out, .request = &r};
    struct str first = events_of(head), next = events_of(more);
    const struct ir_event text = {.kind = IR_EV_TEXT, .text = STR("word")};
    begin_reading(&t);
    sse_init(&sse);
    assert_int_equal(sse_feed(&sse, first, on_sse, &t), E_OK);
    assert_int_equal(codec_anthropic.write_event(&w, &text), E_OK);
    assert_non_null(buf_room(&out, 64 * KIB));
    uint64_t before = mem_count();
    size_t used = arena.used;
    for (unsigned i = 0; i < 100; i++) {
        buf_clear(&out);
        assert_int_equal(codec_anthropic.write_event(&w, &text), E_OK);
    }
    assert_true(mem_count() == before);
    char *at = arena.at;
    for (unsigned i = 0; i < 20; i++) /* 20 letters: less than the collector's first step */
        assert_int_equal(sse_feed(&sse, next, on_sse, &t), E_OK);
    assert_true(mem_count() == before && arena.at == at && arena.used == used);
    assert_int_equal(t.err, E_OK);
    assert_int_equal(t.answer.choices->parts->text.n, 21);
    sse_done(&sse);
}

/* ---- errors ---- */

static void errors_read(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum ir_error_kind kind;
        const char *code, *message;
    } cases[] = {
        {529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
         IR_ERR_OVERLOADED, "overloaded_error", "Overloaded"},
        {400, "{\"type\":\"error\",\"error\":{\"type\":\"billing_error\",\"message\":\"Pay\"}}", IR_ERR_QUOTA,
         "billing_error", "Pay"},
        {403, "{\"error\":\"forbidden\"}", IR_ERR_PERMISSION, NULL, "forbidden"},
        {502, "<html>Bad Gateway</html>", IR_ERR_SERVER, NULL, "Bad Gateway"},
        {503, "upstream connect error", IR_ERR_OVERLOADED, NULL, "upstream connect error"},
        {429, "", IR_ERR_RATE, NULL, "Too Many Requests"},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_error e;
        codec_anthropic.read_error(&arena, cases[i].status, str_c(cases[i].body), &e);
        assert_int_equal(e.kind, cases[i].kind);
        assert_int_equal(e.status, cases[i].status);
        assert_str(e.message, str_c(cases[i].message));
        assert_str(e.code, str_c(cases[i].code));
        assert_true(cases[i].code || !e.code.p);
    }
}

static void errors_written(void **state)
{
    static const struct {
        enum ir_error_kind kind;
        int status, want;
        const char *type;
    } cases[] = {
        {IR_ERR_INVALID, 400, 400, "invalid_request_error"},
        {IR_ERR_INVALID, 422, 400, "invalid_request_error"},
        {IR_ERR_INVALID, 413, 413, "request_too_large"},
        {IR_ERR_AUTH, 401, 401, "authentication_error"},
        {IR_ERR_PERMISSION, 403, 403, "permission_error"},
        {IR_ERR_NOT_FOUND, 404, 404, "not_found_error"},
        {IR_ERR_RATE, 429, 429, "rate_limit_error"},
        {IR_ERR_QUOTA, 429, 402, "billing_error"},
        {IR_ERR_OVERLOADED, 503, 529, "overloaded_error"},
        {IR_ERR_TIMEOUT, 408, 504, "timeout_error"},
        {IR_ERR_SERVER, 500, 500, "api_error"},
        {IR_ERR_SERVER, 502, 502, "api_error"},
        {IR_ERR_SERVER, 0, 500, "api_error"},
    };
    (void)state;
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_error e = {.kind = cases[i].kind, .status = cases[i].status, .message = STR("Say \"why\"")};
        buf_clear(&out);
        codec_anthropic.write_error(&e, &out);
        assert_str(
            buf_str(&out),
            arena_printf(&arena,
                         "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"Say \\\"why\\\"\"}}",
                         cases[i].type));
        assert_int_equal(codec_anthropic.error_status(&e), cases[i].want);
    }
}

static void errors_inside_a_stream(void **state)
{
    static const struct ir_error error = {.kind = IR_ERR_RATE, .status = 429, .message = S("Slow down")};
    static const struct ir_event early[] = {{.kind = IR_EV_ERROR, .error = &error}, {.kind = IR_EV_END}};
    (void)state;
    assert_str(
        write_stream(early, countof(early)),
        STR("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":"
            "\"Slow down\"}}\n\n"));
    static const char *const data[] = {
        M_START, "{\"type\":\"error\",\"error\":{\"type\":\"timeout_error\",\"message\":\"Too late\"}}",
        NULL};
    struct taken t;
    read_stream(&t, events_of(data));
    assert_int_equal(t.err, E_OK);
    assert_true(t.answer.has_error);
    assert_int_equal(t.answer.error.kind, IR_ERR_TIMEOUT);
    assert_int_equal(t.answer.error.status, 504);
    assert_str(t.answer.error.message, STR("Too late"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_of_a_request),
        TEST(the_model_is_the_providers),
        TEST(turns_are_merged),
        TEST(late_system_messages),
        TEST(blank_text),
        TEST(calls_are_such_that_the_api_takes_them),
        TEST(called_tools_are_declared),
        TEST(thoughts),
        TEST(media),
        TEST(results_with_pictures),
        TEST(odds_and_ends),
        TEST(cache_breakpoints),
        TEST(a_messages_breakpoint_is_its_last_blocks),
        TEST(thinking_in_each_models_way),
        TEST(thoughts_that_are_shown),
        TEST(a_budget_is_less_than_max_tokens),
        TEST(a_thought_that_was_lost),
        TEST(sampling),
        TEST(a_tool_that_cannot_be_forced),
        TEST(tools),
        TEST(format),
        TEST(schemas),
        TEST(what_there_is_no_word_for),
        TEST(reading_a_conversation),
        TEST(reading_parameters),
        TEST(requests_that_are_none),
        TEST(answers_for_the_official_client),
        TEST(signatures_of_others_come_back),
        TEST(how_answers_end),
        TEST(citations_of_others),
        TEST(pictures_in_answers),
        TEST(a_block_of_two_kinds),
        TEST(a_refusal_explained),
        TEST(answers_that_are_none),
        TEST(streams_of_others),
        TEST(streams_that_are_none),
        TEST(a_stream_that_ends_early),
        TEST(long_pieces),
        TEST(with_little_memory),
        TEST(deltas_cost_no_memory),
        TEST(errors_read),
        TEST(errors_written),
        TEST(errors_inside_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
