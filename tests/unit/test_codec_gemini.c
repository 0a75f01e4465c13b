/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec_gemini: what the API's documentation says, spelled out. The golden cases (test_codec.c) show that
 * nothing is lost on the way; here stands what exactly is written for what, and what is refused.
 */
#include "tests/unit/codec_written.h"
#include "providers/codec_gemini.h"

static const struct codec *const tested = &codec_gemini;

/* ---- requests that are written: builders ----------------------------------------------------------- */

static struct ir_tool *tool(struct ir_request *r, const char *name)
{
    struct ir_tool *t = ir_add_tool(&arena, r);
    t->name = str_c(name);
    return t;
}

/* ---- requests that are written --------------------------------------------------------------------- */

static void turns_alternate(void **state)
{
    (void)state;
    struct ir_request r = request_to("gemini-2.5-flash");
    say(&r, IR_SYSTEM, "Be brief.");
    say(&r, IR_USER, "Hello.");
    say(&r, IR_USER, "Anybody there?");
    say(&r, IR_ASSISTANT, "Yes.");
    say(&r, IR_DEVELOPER, "In German.");
    say(&r, IR_ASSISTANT, ""); /* says nothing, and would be refused */
    say(&r, IR_USER, "And \"now\"?\n");
    writes(&r, "{\"contents\":["
               "{\"role\":\"user\",\"parts\":[{\"text\":\"Hello.\"},{\"text\":\"Anybody there?\"}]},"
               "{\"role\":\"model\",\"parts\":[{\"text\":\"Yes.\"}]},"
               "{\"role\":\"user\",\"parts\":[{\"text\":\"And \\\"now\\\"?\\n\"}]}],"
               "\"systemInstruction\":{\"parts\":[{\"text\":\"Be brief.\"},{\"text\":\"In German.\"}]},"
               "\"generationConfig\":{}}");
    drops(&r, "");
}

static void prompt_alone_is_what_the_user_says(void **state)
{
    (void)state;
    struct ir_request r = request_to("gemini-2.5-flash");
    say(&r, IR_SYSTEM, "Tell a joke.");
    writes(&r, "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Tell a "
               "joke.\"}]}],\"generationConfig\":{}}");
    struct ir_request empty = request_to("gemini-2.5-flash");
    refuses(&empty, "messages: nothing is said in them");
    say(&empty, IR_USER, "");
    refuses(&empty, "messages: nothing is said in them");
}

static void calls_and_results(void **state)
{
    (void)state;
    struct ir_request r = request_to("gemini-2.5-flash");
    say(&r, IR_USER, "Look.");
    call(&r, "call_1", "{\"at\": [1, 2.50]}");
    call(&r, "call_2", "");
    result(&r, "call_2", "nothing"); /* in whatever order they come */
    result(&r, "call_1", "{\"seen\": 12345678901234567890}")->is_error = false;
    say(&r, IR_USER, "So?");
    writes_member(
        &r, "contents",
        "[{\"role\":\"user\",\"parts\":[{\"text\":\"Look.\"}]},"
        "{\"role\":\"model\",\"parts\":["
        "{\"functionCall\":{\"id\":\"call_1\",\"name\":\"look\",\"args\":{\"at\":[1,2.5]}}},"
        "{\"functionCall\":{\"id\":\"call_2\",\"name\":\"look\",\"args\":{}}}]},"
        "{\"role\":\"user\",\"parts\":["
        "{\"functionResponse\":{\"id\":\"call_2\",\"name\":\"look\",\"response\":{\"result\":\"nothing\"}}},"
        "{\"functionResponse\":{\"id\":\"call_1\",\"name\":\"look\",\"response\":{\"seen\":"
        "12345678901234567890}}},"
        "{\"text\":\"So?\"}]}]");
    assert_true(str_has(buf_str(&out), STR("2.50"))); /* digits stay; comparing has parsed them */
}

static void results_are_objects(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_error;
        const char *want;
    } cases[] = {
        {"sunny", false, "{\"result\":\"sunny\"}"},
        {"", false, "{\"result\":\"\"}"},
        {"42", false, "{\"result\":\"42\"}"},
        {"true", false, "{\"result\":\"true\"}"},
        {"[1,2]", false, "{\"result\":[1,2]}"},
        {"[not json]", false, "{\"result\":\"[not json]\"}"},
        {"{\"sky\":\"clear\"}", false, "{\"sky\":\"clear\"}"},
        {"{\"result\":1}", false,
         "{\"result\":{\"result\":1}}"}, /* or it would be taken out when it is read */
        {"{\"error\":1}", false, "{\"result\":{\"error\":1}}"},
        {"{\"result\":1,\"more\":2}", false, "{\"result\":1,\"more\":2}"},
        {"no such place", true, "{\"error\":\"no such place\"}"},
        {"{\"code\":7}", true, "{\"error\":{\"code\":7}}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r = request_to("gemini-2.5-flash"), again;
        say(&r, IR_USER, "Look.");
        call(&r, "c", "{}");
        result(&r, "c", cases[i].text)->is_error = cases[i].is_error;
        assert_int_equal(write_it(&r), E_OK);
        struct json_doc *doc = json_parse(buf_str(&out));
        const struct json_val *part =
            json_at(json_get(json_at(json_get(json_root(doc), "contents"), 2), "parts"), 0);
        assert_str(codec_raw(&arena, json_get(json_get(part, "functionResponse"), "response")),
                   str_c(cases[i].want));
        json_free(doc);
        /* and back */
        assert_int_equal(
            codec_gemini.read_request(&arena, buf_str(&out), STR("models/m:generateContent"), &again, &why),
            E_OK);
        const struct ir_part *back = again.messages->next->next->parts;
        assert_str(back->parts->text, str_c(cases[i].text));
        assert_int_equal(back->is_error, cases[i].is_error);
        ir_request_done(&again);
    }
}

static void texts_of_a_result_are_lines(void **state)
{
    (void)state;
    struct ir_request r = request_to("gemini-2.5-flash");
    say(&r, IR_USER, "Look.");
    call(&r, "c", "{}");
    struct ir_part *p = result(&r, "c", "one");
    ir_add_part(&arena, &p->parts, IR_TEXT)->text = STR("two");
    assert_int_equal(write_it(&r), E_OK);
    assert_true(str_has(buf_str(&out), STR("\"response\":{\"result\":\"one\\ntwo\"}")));
}

static void result_without_call(void **state)
{
    (void)state;
    struct ir_request r = request_to("gemini-2.5-flash");
    say(&r, IR_USER, "Look.");
    result(&r, "call_9", "x");
    refuses(&r, "the tool result \"call_9\" belongs to no tool call before it");
}

static void pictures_in_results(void **state)
{
    (void)state;
    static const struct {
        const char *model, *want;
    } cases[] = {
        {"gemini-3-flash-preview",
         "{\"functionResponse\":{\"id\":\"c\",\"name\":\"look\",\"response\":{\"result\":\"see\"},"
         "\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}}]}}]}"},
        {"models/gemini-2.5-pro",
         "{\"functionResponse\":{\"id\":\"c\",\"name\":\"look\",\"response\":{\"result\":\"see\"}}},"
         "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}}]}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r = request_to(cases[i].model);
        say(&r, IR_USER, "Look.");
        call(&r, "c", "{}");
        struct ir_part *image = ir_add_part(&arena, &result(&r, "c", "see")->parts, IR_IMAGE);
        image->media = (struct ir_media){.mime = STR("image/png"), .data = STR("AAAA")};
        assert_int_equal(write_it(&r), E_OK);
        assert_true(str_has(buf_str(&out), str_c(cases[i].want)));
    }
}

/* Gemini 3 refuses the first call of a turn without a signature; whoever knows none says so. */
static void signatures_go_back(void **state)
{
    (void)state;
    struct ir_request r = request_to("gemini-3-pro-preview");
    say(&r, IR_USER, "Look.");
    say(&r, IR_ASSISTANT, "I look.")->signature = STR("T1");
    call(&r, "a", "{}")->signature = STR("S1");
    call(&r, "b", "{}");
    result(&r, "a", "1");
    result(&r, "b", "2");
    call(&r, "c", "{}");
    call(&r, "d", "{}");
    writes_member(
        &r, "contents",
        "[{\"role\":\"user\",\"parts\":[{\"text\":\"Look.\"}]},"
        "{\"role\":\"model\",\"parts\":[{\"text\":\"I look.\",\"thoughtSignature\":\"T1\"},"
        "{\"functionCall\":{\"id\":\"a\",\"name\":\"look\",\"args\":{}},\"thoughtSignature\":\"S1\"},"
        "{\"functionCall\":{\"id\":\"b\",\"name\":\"look\",\"args\":{}}}]},"
        "{\"role\":\"user\",\"parts\":["
        "{\"functionResponse\":{\"id\":\"a\",\"name\":\"look\",\"response\":{\"result\":\"1\"}}},"
        "{\"functionResponse\":{\"id\":\"b\",\"name\":\"look\",\"response\":{\"result\":\"2\"}}}]},"
        "{\"role\":\"model\",\"parts\":["
        "{\"functionCall\":{\"id\":\"c\",\"name\":\"look\",\"args\":{}},"
        "\"thoughtSignature\":\"skip_thought_signature_validator\"},"
        "{\"functionCall\":{\"id\":\"d\",\"name\":\"look\",\"args\":{}}}]}]");
    r.model = STR("gemini-2.5-pro");
    assert_int_equal(write_it(&r), E_OK);
    assert_false(str_has(buf_str(&out), STR("validator")));
    assert_true(str_has(buf_str(&out), STR("\"thoughtSignature\":\"S1\"")));
}

static void thoughts_of_others_are_text(void **state)
{
    (void)state;
    struct ir_request r = request_to("gemini-3-pro-preview");
    say(&r, IR_USER, "2+2?");
    struct ir_part *p = add(&r, IR_ASSISTANT, IR_THINKING);
    p->text = STR("Easy.");
    p->signature = STR("signed by somebody else");
    p = add(&r, IR_ASSISTANT, IR_THINKING);
    p->redacted = true;
    p->signature = STR("hidden");
    say(&r, IR_ASSISTANT, "4");
    writes_member(&r, "contents",
                  "[{\"role\":\"user\",\"parts\":[{\"text\":\"2+2?\"}]},"
                  "{\"role\":\"model\",\"parts\":[{\"text\":\"Easy.\",\"thought\":true},{\"text\":\"4\"}]}]");
    drops(&r, "thinking.signature thinking");
}

static void made_ids_stay_here(void **state)
{
    (void)state;
    struct ir_request r = request_to("gemini-2.5-flash");
    struct str made = gemini_make_id(&arena, STR("answer"), 0, 1, STR("look"));
    char id[64];
    (void)snprintf(id, sizeof(id), "%.*s", STR_FMT(made));
    assert_true(gemini_is_made_id(made));
    assert_false(gemini_is_made_id(STR("call_1")));
    say(&r, IR_USER, "Look.");
    call(&r, id, "{}");
    result(&r, id, "x");
    assert_int_equal(write_it(&r), E_OK);
    assert_false(str_has(buf_str(&out), STR("\"id\"")));
}

static void arguments_are_objects(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *want, *dropped;
    } cases[] = {
        {"", "\"args\":{}", ""},
        {" ", "\"args\":{}", ""},
        {"null", "\"args\":{}", ""},
        {" {\"a\" :\n1.10} ", "\"args\":{\"a\":1.10}", ""},
        {"[1]", "\"args\":{\"arguments\":[1]}", "call.arguments"},
        {"{\"cut", "\"args\":{\"arguments\":\"{\\\"cut\"}", "call.arguments"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r = request_to("gemini-2.5-flash");
        call(&r, "c", cases[i].arguments);
        assert_int_equal(write_it(&r), E_OK);
        assert_true(str_has(buf_str(&out), str_c(cases[i].want)));
        drops(&r, cases[i].dropped);
    }
}

static void media_are_sent(void **state)
{
    (void)state;
    static const struct {
        enum ir_kind kind;
        struct ir_media media;
        const char *want;
    } cases[] = {
        {IR_IMAGE,
         {.mime = S("image/png"), .data = S("AAAA")},
         "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}}"},
        {IR_IMAGE, {.data = S("AAAA")}, "{\"inlineData\":{\"mimeType\":\"image/jpeg\",\"data\":\"AAAA\"}}"},
        {IR_IMAGE,
         {.url = S("https://x.example/a.PNG?size=2")},
         "{\"fileData\":{\"mimeType\":\"image/png\",\"fileUri\":\"https://x.example/a.PNG?size=2\"}}"},
        {IR_IMAGE,
         {.url = S("http://x.example/a")},
         "{\"fileData\":{\"mimeType\":\"image/jpeg\",\"fileUri\":\"http://x.example/a\"}}"},
        {IR_VIDEO,
         {.url = S("gs://bucket/a.mov")},
         "{\"fileData\":{\"mimeType\":\"video/mov\",\"fileUri\":\"gs://bucket/a.mov\"}}"},
        {IR_AUDIO,
         {.mime = S("audio/mp3"), .data = S("AAAA")},
         "{\"inlineData\":{\"mimeType\":\"audio/mp3\",\"data\":\"AAAA\"}}"},
        {IR_FILE,
         {.data = S("AAAA")},
         "{\"inlineData\":{\"mimeType\":\"application/pdf\",\"data\":\"AAAA\"}}"},
        {IR_FILE,
         {.text = S("Notes")},
         "{\"inlineData\":{\"mimeType\":\"text/plain\",\"data\":\"Tm90ZXM=\"}}"},
        {IR_FILE,
         {.text = S("a;b"), .name = S("list.csv")},
         "{\"inlineData\":{\"mimeType\":\"text/csv\",\"data\":\"YTti\"}}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r = request_to("gemini-2.5-flash");
        add(&r, IR_USER, cases[i].kind)->media = cases[i].media;
        assert_int_equal(write_it(&r), E_OK);
        assert_true(str_has(buf_str(&out), str_c(cases[i].want)));
    }
}

static void media_out_of_reach(void **state)
{
    (void)state;
    struct ir_request r = request_to("gemini-2.5-flash"), s = request_to("gemini-2.5-flash");
    add(&r, IR_USER, IR_FILE)->media.file_id = STR("file-abc");
    refuses(&r, "the file \"file-abc\" is at another provider: Gemini needs its data, or a URL");
    add(&s, IR_USER, IR_IMAGE)->media.url = STR("s3://bucket/a.png");
    refuses(&s, "Gemini fetches files from http, https and gs URLs, not \"s3://bucket/a.png\"");
}

static void how_much_to_think(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int thinking;
        const char *effort;
        int64_t budget;
        int shown;
        const char *want, *dropped;
    } cases[] = {
        {"gemini-2.5-flash", -1, NULL, -1, -1, "{}", ""},
        {"gemini-2.5-flash", -1, "low", -1, -1, "{\"thinkingConfig\":{\"thinkingBudget\":1024}}", ""},
        {"gemini-2.5-flash", -1, "xhigh", -1, -1, "{\"thinkingConfig\":{\"thinkingBudget\":24576}}", ""},
        {"gemini-2.5-pro", -1, "xhigh", -1, -1, "{\"thinkingConfig\":{\"thinkingBudget\":32768}}", ""},
        {"gemini-2.5-flash", 0, NULL, -1, -1, "{\"thinkingConfig\":{\"thinkingBudget\":0}}", ""},
        {"gemini-2.5-flash", -1, "none", -1, -1, "{\"thinkingConfig\":{\"thinkingBudget\":0}}", ""},
        {"gemini-2.5-pro", 0, NULL, -1, -1, "{\"thinkingConfig\":{\"thinkingBudget\":128}}", "reasoning"},
        {"gemini-2.5-flash", 1, NULL, 50000, 1,
         "{\"thinkingConfig\":{\"thinkingBudget\":24576,\"includeThoughts\":true}}", ""},
        {"gemini-2.5-flash", 1, NULL, -2, -1, "{\"thinkingConfig\":{\"thinkingBudget\":-1}}", ""},
        {"gemini-3-flash-preview", -1, "minimal", -1, -1,
         "{\"thinkingConfig\":{\"thinkingLevel\":\"MINIMAL\"}}", ""},
        {"gemini-3.1-pro-preview", -1, "minimal", -1, -1, "{\"thinkingConfig\":{\"thinkingLevel\":\"LOW\"}}",
         ""},
        {"gemini-3.1-pro-preview", -1, "medium", -1, 0,
         "{\"thinkingConfig\":{\"thinkingLevel\":\"MEDIUM\",\"includeThoughts\":false}}", ""},
        {"gemini-flash-latest", -1, "xhigh", -1, -1, "{\"thinkingConfig\":{\"thinkingLevel\":\"HIGH\"}}", ""},
        {"gemini-3-flash-preview", 0, NULL, -1, -1, "{\"thinkingConfig\":{\"thinkingLevel\":\"MINIMAL\"}}",
         "reasoning"},
        {"gemini-3-flash-preview", 1, NULL, 8000, -1, "{\"thinkingConfig\":{\"thinkingBudget\":8000}}", ""},
        {"gemini-3-flash-preview", 1, "high", -2, -1, "{\"thinkingConfig\":{\"thinkingLevel\":\"HIGH\"}}",
         ""},
        {"gemini-2.5-flash", -1, NULL, -1, 1, "{\"thinkingConfig\":{\"includeThoughts\":true}}", ""},
        {"gemini-2.5-flash", 0, NULL, -1, 1, "{\"thinkingConfig\":{\"thinkingBudget\":0}}", ""},
        {"gemini-2.0-flash", -1, "high", -1, 1, "{}", "reasoning"},
        {"gemini-2.0-flash", 0, NULL, -1, -1, "{}", ""},
        {"gemini-3-flash-preview", -1, NULL, 0, -1, "{\"thinkingConfig\":{\"thinkingLevel\":\"MINIMAL\"}}",
         "reasoning"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r = request_to(cases[i].model);
        say(&r, IR_USER, "2+2?");
        r.thinking = cases[i].thinking;
        r.effort = str_c(cases[i].effort);
        r.thinking_budget = cases[i].budget;
        r.thinking_shown = cases[i].shown;
        writes_member(&r, "generationConfig", cases[i].want);
        drops(&r, cases[i].dropped);
    }
}

static void tools_and_choice(void **state)
{
    (void)state;
    static const struct {
        enum ir_choice choice;
        const char *want;
    } cases[] = {
        {IR_CHOICE_UNSET, ""},
        {IR_CHOICE_AUTO, "{\"functionCallingConfig\":{\"mode\":\"AUTO\"}}"},
        {IR_CHOICE_NONE, "{\"functionCallingConfig\":{\"mode\":\"NONE\"}}"},
        {IR_CHOICE_REQUIRED, "{\"functionCallingConfig\":{\"mode\":\"ANY\"}}"},
        {IR_CHOICE_NAMED,
         "{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"look\"]}}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r = request_to("gemini-2.5-flash");
        say(&r, IR_USER, "Look.");
        tool(&r, "now");
        struct ir_tool *t = tool(&r, "look");
        t->description = STR("Looks.");
        t->schema = STR("{\"$schema\":\"x\",\"type\":\"object\",\"additionalProperties\":false}");
        t = tool(&r, "web_search");
        t->raw = STR("{\"type\":\"web_search\"}");
        t->raw_dialect = D_ANTHROPIC;
        t = tool(&r, "googleSearch");
        t->raw = STR("{\"googleSearch\":{}}");
        t->raw_dialect = D_GEMINI;
        r.choice = cases[i].choice;
        r.choice_name = cases[i].choice == IR_CHOICE_NAMED ? STR("look") : str_of(NULL, 0);
        writes_member(&r, "toolConfig", cases[i].want);
        writes_member(
            &r, "tools",
            "[{\"functionDeclarations\":[{\"name\":\"now\"},{\"name\":\"look\",\"description\":\"Looks.\","
            "\"parametersJsonSchema\":{\"$schema\":\"x\",\"type\":\"object\",\"additionalProperties\":false}}"
            "]},"
            "{\"googleSearch\":{}}]");
        drops(&r, "tools.raw");
    }
}

static void tools_that_are_nearly_none(void **state)
{
    (void)state;
    struct ir_request r = request_to("gemini-2.5-flash"), s = request_to("gemini-2.5-flash");
    say(&r, IR_USER, "Look.");
    tool(&r, "now")->schema = STR("{}");
    writes_member(&r, "tools", "[{\"functionDeclarations\":[{\"name\":\"now\"}]}]");
    say(&s, IR_USER, "Look.");
    tool(&s, "web_search")->raw = STR("{\"type\":\"web_search\"}");
    s.choice = IR_CHOICE_REQUIRED;
    writes_member(&s, "tools", "");
    writes_member(&s, "toolConfig", ""); /* refused without functions */
    drops(&s, "tools.raw tool_choice");
}

static void answer_format(void **state)
{
    (void)state;
    struct ir_request r = request_to("gemini-3-flash-preview");
    say(&r, IR_USER, "Who?");
    tool(&r, "look");
    r.format = IR_FORMAT_SCHEMA;
    r.format_name = STR("person");
    r.format_strict = 1;
    r.format_schema = STR("{\"type\":\"object\"}");
    writes_member(&r, "generationConfig",
                  "{\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{\"type\":\"object\"}}");
    drops(&r, "response_format.name response_format.strict");
    r.format = IR_FORMAT_JSON;
    writes_member(&r, "generationConfig", "{\"responseMimeType\":\"application/json\"}");
    r.format = IR_FORMAT_TEXT;
    writes_member(&r, "generationConfig", "{\"responseMimeType\":\"text/plain\"}");
    /* what older models refuse beside tools is asked for in words */
    r.model = STR("gemini-2.0-flash");
    writes_member(&r, "generationConfig", "{\"responseMimeType\":\"text/plain\"}");
    r.format = IR_FORMAT_SCHEMA;
    writes_member(&r, "generationConfig", "{}");
    writes_member(
        &r, "systemInstruction",
        "{\"parts\":[{\"text\":\"Answer with one JSON value and nothing else: no explanation, no code "
        "fence.\\nIt must be valid by this JSON Schema:\\n{\\\"type\\\":\\\"object\\\"}\"}]}");
    r.choice = IR_CHOICE_NONE; /* then there are no tools */
    writes_member(&r, "systemInstruction", "");
}

static void parameters(void **state)
{
    (void)state;
    struct ir_request r = request_to("gemini-2.5-flash");
    say(&r, IR_USER, "Hello");
    r.temperature = STR("0.70");
    r.top_p = STR("1");
    r.top_k = STR("40");
    r.presence_penalty = STR("0.0"); /* none, and some models refuse even that */
    r.frequency_penalty = STR("0.5");
    r.seed = STR("-7");
    r.max_tokens = 100;
    r.n = 2;
    r.logprobs = 1;
    r.top_logprobs = 3;
    for (int i = 0; i < 6; i++)
        assert_true(ir_add_str(&arena, &r.stop, STR("x")));
    assert_true(ir_add_str(&arena, &r.modalities, STR("text")));
    r.service_tier = STR("default");
    r.store = 0;
    r.safety = STR("[]");
    r.metadata = STR("{\"team\":\"a_1\"}");
    writes(
        &r,
        "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hello\"}]}],"
        "\"generationConfig\":{\"temperature\":0.70,\"topP\":1,\"topK\":40,\"maxOutputTokens\":100,"
        "\"candidateCount\":2,\"stopSequences\":[\"x\",\"x\",\"x\",\"x\",\"x\"],\"seed\":-7,"
        "\"frequencyPenalty\":0.5,\"responseLogprobs\":true,\"logprobs\":3,"
        "\"responseModalities\":[\"TEXT\"]},"
        "\"safetySettings\":[],\"labels\":{\"team\":\"a_1\"},\"serviceTier\":\"standard\",\"store\":false}");
    drops(&r, "stop");
}

static void what_it_has_no_word_for(void **state)
{
    (void)state;
    struct ir_request r = request_to("gemini-2.5-flash");
    struct ir_part *p = say(&r, IR_USER, "Hello");
    r.messages->name = STR("Zoë");
    p->cache = IR_CACHE_1H;
    p = add(&r, IR_USER, IR_IMAGE);
    p->media = (struct ir_media){
        .mime = STR("image/png"), .data = STR("AAAA"), .detail = STR("low"), .name = STR("a.png")};
    p = add(&r, IR_ASSISTANT, IR_RAW);
    p->raw = STR("{}");
    p->raw_dialect = D_ANTHROPIC;
    r.seed = STR("12345678901");
    r.metadata = STR("{\"Team\":\"A B\"}");
    r.user = STR("u");
    r.logit_bias = STR("{}");
    r.verbosity = STR("low");
    r.service_tier = STR("scale");
    r.audio = STR("{\"voice\":\"Kore\",\"format\":\"mp3\"}");
    assert_int_equal(write_it(&r), E_OK);
    drops(&r, "user.name cache_control file.name detail raw seed audio_output metadata "
              "service_tier "
              "user logit_bias verbosity");
}

/* ---- requests that are read ------------------------------------------------------------------------ */

static enum err read_it(const char *body, const char *path, struct ir_request *r)
{
    return codec_gemini.read_request(&arena, str_c(body), str_c(path), r, &why);
}

static void reads(const char *body, const char *want)
{
    struct ir_request r;
    struct buf got;
    enum err e = read_it(body, "v1beta/models/m:generateContent", &r);
    if (e != E_OK)
        fail_msg("%s: %.*s", err_name(e), STR_FMT(why));
    buf_init(&got, MIB);
    dump_request(&got, DUMP_EXACT, &r);
    assert_str(buf_str(&got), str_c(want));
    buf_done(&got);
    ir_request_done(&r);
}

static void paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *model;
        bool stream;
    } cases[] = {
        {"v1beta/models/gemini-2.5-flash:generateContent", "gemini-2.5-flash", false},
        {"/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "gemini-2.5-flash", true},
        {"v1/projects/p/locations/us-central1/publishers/google/models/gemini-3-pro:streamGenerateContent",
         "gemini-3-pro", true},
        {"v1beta/models/anthropic/claude-haiku-4-5:generateContent", "anthropic/claude-haiku-4-5", false},
        {"v1beta/models/anthropic%2Fclaude:generateContent", "anthropic/claude", false},
        {"v1beta/models/aws-bedrock/anthropic.claude-v1%3A0:generateContent",
         "aws-bedrock/anthropic.claude-v1:0", false},
        {"v1beta/models/anthropic.claude-v1:0:generateContent", "anthropic.claude-v1:0", false},
        {"v1beta/tunedModels/mine-7:generateContent", "mine-7", false},
        {"v1beta/models/100%:generateContent", "100%", false},
        {"", "body-model", false},
        {"compat/generate", "body-model", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r;
        assert_int_equal(
            read_it("{\"model\":\"models/body-model\",\"contents\":[{\"parts\":[{\"text\":\"x\"}]}]}",
                    cases[i].path, &r),
            E_OK);
        assert_str(r.model, str_c(cases[i].model));
        assert_int_equal(r.stream, cases[i].stream);
        ir_request_done(&r);
    }
}

static void camel_and_snake(void **state)
{
    (void)state;
    static const char camel[] =
        "{\"systemInstruction\":{\"parts\":[{\"text\":\"Be brief.\"}]},"
        "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Look.\"},"
        "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}},"
        "{\"fileData\":{\"mimeType\":\"video/mp4\",\"fileUri\":\"gs://b/f\"}}]},"
        "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":\"c\",\"name\":\"look\",\"args\":{\"a\":1."
        "50}},\"thoughtSignature\":\"S\"}]},"
        "{\"role\":\"function\",\"parts\":[{\"functionResponse\":{\"id\":\"c\",\"name\":\"look\","
        "\"response\":{\"x\":1}}}]}],"
        "\"tools\":[{\"functionDeclarations\":[{\"name\":\"look\",\"parametersJsonSchema\":{\"type\":"
        "\"object\"}}]}],"
        "\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"look\"]}},"
        "\"generationConfig\":{\"topP\":0.50,\"topK\":3,\"maxOutputTokens\":9,\"candidateCount\":2,"
        "\"stopSequences\":[\"x\"],"
        "\"presencePenalty\":1,\"frequencyPenalty\":-1,\"responseMimeType\":\"application/json\","
        "\"responseJsonSchema\":{\"type\":\"array\"},\"responseLogprobs\":true,\"logprobs\":2,"
        "\"responseModalities\":[\"TEXT\"],"
        "\"speechConfig\":{\"voiceConfig\":{\"prebuiltVoiceConfig\":{\"voiceName\":\"Kore\"}}},"
        "\"thinkingConfig\":{\"thinkingBudget\":7,\"includeThoughts\":true}},"
        "\"safetySettings\":[{\"category\":\"C\"}],\"serviceTier\":\"FLEX\",\"labels\":{\"a\":\"b\"},"
        "\"store\":true}";
    static const char snake[] =
        "{\"system_instruction\":{\"parts\":[{\"text\":\"Be brief.\"}]},"
        "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Look.\"},"
        "{\"inline_data\":{\"mime_type\":\"image/png\",\"data\":\"AAAA\"}},"
        "{\"file_data\":{\"mime_type\":\"video/mp4\",\"file_uri\":\"gs://b/f\"}}]},"
        "{\"role\":\"model\",\"parts\":[{\"function_call\":{\"id\":\"c\",\"name\":\"look\",\"args\":{\"a\":1."
        "50}},\"thought_signature\":\"S\"}]},"
        "{\"role\":\"tool\",\"parts\":[{\"function_response\":{\"id\":\"c\",\"name\":\"look\",\"response\":{"
        "\"x\":1}}}]}],"
        "\"tools\":[{\"function_declarations\":[{\"name\":\"look\",\"parameters_json_schema\":{\"type\":"
        "\"object\"}}]}],"
        "\"tool_config\":{\"function_calling_config\":{\"mode\":\"ANY\",\"allowed_function_names\":[\"look\"]"
        "}},"
        "\"generation_config\":{\"top_p\":0.50,\"top_k\":3,\"max_output_tokens\":9,\"candidate_count\":2,"
        "\"stop_sequences\":[\"x\"],"
        "\"presence_penalty\":1,\"frequency_penalty\":-1,\"response_mime_type\":\"application/json\","
        "\"response_json_schema\":{\"type\":\"array\"},\"response_logprobs\":true,\"logprobs\":2,\"response_"
        "modalities\":[\"TEXT\"],"
        "\"speech_config\":{\"voice_config\":{\"prebuilt_voice_config\":{\"voice_name\":\"Kore\"}}},"
        "\"thinking_config\":{\"thinking_budget\":7,\"include_thoughts\":true}},"
        "\"safety_settings\":[{\"category\":\"C\"}],\"service_tier\":\"flex\",\"labels\":{\"a\":\"b\"},"
        "\"store\":true}";
    static const char want[] =
        "model \"m\"\n"
        "stream_usage 1\n"
        "system {\nsystem.text \"Be brief.\"\n}\n"
        "user {\nuser.text \"Look.\"\nuser.image.mime \"image/png\"\nuser.image.data \"AAAA\"\n"
        "user.video.mime \"video/mp4\"\nuser.video.url \"gs://b/f\"\n}\n"
        "assistant {\nassistant.call \"\"\nassistant.call.id \"c\"\nassistant.call.name \"look\"\n"
        "assistant.call.arguments \"{\\\"a\\\":1.50}\"\nassistant.call.signature \"S\"\n}\n"
        "tool {\ntool.result \"\"\ntool.result.id \"c\"\ntool.result.name \"look\"\n"
        "tool.result.text \"{\\\"x\\\":1}\"\n}\n"
        "tools \"look\"\ntools.schema \"{\\\"type\\\":\\\"object\\\"}\"\n"
        "tool_choice \"named\"\ntool_choice \"look\"\n"
        "top_p \"0.50\"\ntop_k \"3\"\nfrequency_penalty \"-1\"\npresence_penalty \"1\"\n"
        "max_tokens 9\nn 2\nstop \"x\"\nlogprobs 1\ntop_logprobs 2\n"
        "response_format \"schema\"\nresponse_format.schema \"{\\\"type\\\":\\\"array\\\"}\"\n"
        "reasoning 1\nreasoning.budget 7\nreasoning.shown 1\n"
        "metadata \"{\\\"a\\\":\\\"b\\\"}\"\nservice_tier \"flex\"\nstore 1\nmodalities \"text\"\n"
        "audio_output \"{\\\"voice\\\":\\\"Kore\\\"}\"\nsafety \"[{\\\"category\\\":\\\"C\\\"}]\"\n";
    reads(camel, want);
    reads(snake, want);
}

static void schemas_of_the_service(void **state)
{
    (void)state;
    static const struct {
        const char *own, *want;
    } cases[] = {
        {"{\"type\":\"STRING\",\"format\":\"date-time\"}", "{\"type\":\"string\",\"format\":\"date-time\"}"},
        {"{\"type\":\"string\"}", "{\"type\":\"string\"}"},
        {"{\"type\":[\"string\",\"null\"]}", "{\"type\":[\"string\",\"null\"]}"},
        {"{\"type\":\"INTEGER\",\"nullable\":true,\"minimum\":0.50}",
         "{\"type\":[\"integer\",\"null\"],\"minimum\":0.50}"},
        {"{\"type\":\"STRING\",\"nullable\":false,\"maxLength\":\"20\"}",
         "{\"type\":\"string\",\"maxLength\":20}"},
        {"{\"type\":\"ARRAY\",\"items\":{\"type\":\"NUMBER\"},\"min_items\":\"1\",\"maxItems\":3}",
         "{\"type\":\"array\",\"items\":{\"type\":\"number\"},\"minItems\":1,\"maxItems\":3}"},
        {"{\"type\":\"OBJECT\",\"properties\":{\"type\":{\"type\":\"BOOLEAN\"},\"nullable\":{\"type\":"
         "\"STRING\",\"enum\":[\"OBJECT\"]}},"
         "\"required\":[\"type\"],\"propertyOrdering\":[\"type\"]}",
         "{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"boolean\"},\"nullable\":{\"type\":"
         "\"string\",\"enum\":[\"OBJECT\"]}},"
         "\"required\":[\"type\"]}"},
        {"{\"any_of\":[{\"type\":\"STRING\"},{\"type\":\"NULL\"}],\"type\":\"TYPE_UNSPECIFIED\",\"example\":"
         "\"x\"}",
         "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"examples\":[\"x\"]}"},
        {"{\"properties\":{\"any\":true}}", "{\"properties\":{\"any\":true}}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r;
        struct str body = arena_printf(
            &arena,
            "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]}],\"tools\":[{\"functionDeclarations\":"
            "[{\"name\":\"f\",\"parameters\":%s}]}],\"generationConfig\":{\"responseSchema\":%s}}",
            cases[i].own, cases[i].own);
        assert_int_equal(codec_gemini.read_request(&arena, body, STR("models/m:generateContent"), &r, &why),
                         E_OK);
        assert_str(r.tools->schema, str_c(cases[i].want));
        assert_int_equal(r.format, IR_FORMAT_SCHEMA); /* the MIME type may be left out */
        assert_str(r.format_schema, str_c(cases[i].want));
        ir_request_done(&r);
    }
}

/* Results without ids belong to the first open call of their name; those of earlier turns are closed. */
static void ids_that_are_not_given(void **state)
{
    (void)state;
    static const char body[] =
        "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]},"
        "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\"}},{\"functionCall\":{\"name\":"
        "\"never\"}}]},"
        "{\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":{}}}]},"
        "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{\"i\":1}}}]},"
        "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"g\"}},{\"functionCall\":{\"name\":"
        "\"f\",\"args\":{\"i\":2},\"id\":\"mine\"}}]},"
        "{\"parts\":[{\"functionResponse\":{\"name\":\"g\",\"response\":{}}},{\"functionResponse\":{\"name\":"
        "\"f\",\"response\":{}}},"
        "{\"functionResponse\":{\"name\":\"f\",\"response\":{}}},{\"functionResponse\":{\"name\":\"never\","
        "\"response\":{}}}]}]}";
    struct ir_request r;
    assert_int_equal(read_it(body, "models/m:generateContent", &r), E_OK);
    const struct ir_message *m = r.messages->next;
    struct str first = m->parts->id, never = m->parts->next->id;
    assert_true(gemini_is_made_id(first) && gemini_is_made_id(never) && !str_eq(first, never));
    assert_str(m->next->parts->id, first);
    m = m->next->next;
    struct str second = m->parts->id;
    assert_false(str_eq(first, second));
    struct str g = m->parts->next->id; /* a content of the same turn */
    assert_str(m->parts->next->next->id, STR("mine"));
    const struct ir_part *p = m->next->parts;
    assert_str(p->id, g);
    assert_str(p->next->id, second);
    assert_str(p->next->next->id, STR("mine"));
    assert_false(str_eq(p->next->next->next->id, never)); /* of a turn that is over: nobody's */
    ir_request_done(&r);
    /* the same request has the same ids */
    struct ir_request again;
    assert_int_equal(read_it(body, "models/m:generateContent", &again), E_OK);
    assert_str(again.messages->next->parts->id, first);
    ir_request_done(&again);
}

/* A stream's pieces come back as they were: parts of one content, or a content each. */
static void pieces_of_a_thought(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"text\":\"One, "
        "\",\"thought\":true},{\"text\":\"two\",\"thought\":"
        "true},{\"text\":\"\",\"thought\":true,\"thoughtSignature\":\"c2ln\"},{\"text\":\"Three\","
        "\"thought\":true},"
        "{\"functionCall\":{\"name\":\"f\"}},{\"text\":\"Four\",\"thought\":true}]}]}",
        "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"text\":\"One, "
        "\",\"thought\":true}]},{\"role\":\"model\",\"parts\":["
        "{\"text\":\"two\",\"thought\":true,\"thoughtSignature\":\"c2ln\"}]},{\"role\":\"model\",\"parts\":[{"
        "\"text\":"
        "\"Three\",\"thought\":true}]},{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\"}}]},{"
        "\"role\":"
        "\"model\",\"parts\":[{\"text\":\"Four\",\"thought\":true}]}]}"};
    for (size_t i = 0; i < countof(bodies); i++) {
        struct ir_request r;
        assert_int_equal(read_it(bodies[i], "models/m:generateContent", &r), E_OK);
        const struct ir_part *p = r.messages->parts;
        assert_null(r.messages->next);
        assert_str(p->text, STR("One, two"));
        assert_str(p->signature, STR("c2ln"));
        assert_str(p->next->text, STR("Three"));
        assert_int_equal(p->next->next->kind, IR_TOOL_CALL);
        assert_str(p->next->next->next->text, STR("Four"));
        assert_null(p->next->next->next->next);
        ir_request_done(&r);
    }
}

static void names_by_id(void **state)
{
    (void)state;
    reads("{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"id\":\"i\"}}]},"
          "{\"parts\":[{\"functionResponse\":{\"id\":\"i\",\"response\":{\"output\":[1, "
          "2]}}},{\"text\":\"So?\"}]}]}",
          "model \"m\"\nstream_usage 1\n"
          "assistant {\nassistant.call \"\"\nassistant.call.id \"i\"\nassistant.call.name \"f\"\n"
          "assistant.call.arguments \"{}\"\n}\n"
          "tool {\ntool.result \"\"\ntool.result.id \"i\"\ntool.result.name \"f\"\ntool.result.text "
          "\"[1,2]\"\n}\n"
          "user {\nuser.text \"So?\"\n}\n");
}

static void odd_parts(void **state)
{
    (void)state;
    reads("{\"contents\":[{\"role\":\"model\",\"parts\":[]},{\"role\":\"model\"},"
          "{\"role\":\"model\",\"parts\":[{\"thought\":true,\"text\":\"Hm.\"},{\"thought\":true,"
          "\"thoughtSignature\":\"h\"},"
          "{\"thoughtSignature\":\"s\"},{\"text\":\"a\",\"thoughtSignature\":\"skip_thought_signature_"
          "validator\"},"
          "{\"executableCode\":{\"code\":\"1\"}}]},"
          "{\"parts\":[{\"inlineData\":{\"mimeType\":\"text/plain\",\"data\":\"Tm90ZXM=\"}},"
          "{\"inlineData\":{\"mimeType\":\"text/plain\",\"data\":\"//79\"}},"
          "{\"fileData\":{\"fileUri\":\"https://youtu.be/x\"}},{\"fileData\":{\"fileUri\":\"https://"
          "x.example/a.jpg\"}}]}]}",
          "model \"m\"\nstream_usage 1\n"
          "assistant {\nassistant.thinking \"Hm.\"\nassistant.thinking "
          "\"redacted\"\nassistant.thinking.signature \"h\"\n"
          "assistant.text \"\"\nassistant.text.signature \"s\"\nassistant.text \"a\"\n"
          "assistant.raw \"{\\\"executableCode\\\":{\\\"code\\\":\\\"1\\\"}}\"\n}\n"
          "user {\nuser.file.mime \"text/plain\"\nuser.file.text \"Notes\"\n"
          "user.file.mime \"text/plain\"\nuser.file.data \"//79\"\n" /* not UTF-8 */
          "user.video.url \"https://youtu.be/x\"\nuser.image.url \"https://x.example/a.jpg\"\n}\n");
}

static void notes_what_it_does_not_know(void **state)
{
    (void)state;
    struct ir_request r;
    assert_int_equal(read_it("{\"contents\":[{\"parts\":[{\"text\":\"x\",\"video_metadata\":{}}],\"extra\":1}"
                             "],\"newThing\":1,\"nothing\":null,"
                             "\"tools\":[{\"function_declarations\":[{\"name\":\"f\",\"response\":{},"
                             "\"behavior\":\"BLOCKING\"}]}],"
                             "\"toolConfig\":{\"retrievalConfig\":{},\"functionCallingConfig\":{\"mode\":"
                             "\"VALIDATED\",\"allowedFunctionNames\":[\"f\"]}},"
                             "\"generationConfig\":{\"mediaResolution\":\"LOW\",\"responseMimeType\":\"text/"
                             "x.enum\",\"thinkingConfig\":{\"x\":1}}}",
                             "models/m:generateContent", &r),
                     E_OK);
    drops(&r, "extra video_metadata newThing response behavior retrievalConfig toolConfig.VALIDATED "
              "allowedFunctionNames "
              "mediaResolution text/x.enum x");
    assert_int_equal(r.choice, IR_CHOICE_AUTO);
    assert_int_equal(r.format, IR_FORMAT_UNSET);
    ir_request_done(&r);
}

static void what_is_no_request(void **state)
{
    (void)state;
    static const struct {
        const char *body, *want;
    } cases[] = {
        {"", "the body is not JSON: input length is 0 at byte 0"},
        {"[]", "the body is not a JSON object"},
        {"{}", "contents: a list is required"},
        {"{\"contents\":[]}", "contents: a list is required"},
        {"{\"contents\":\"x\"}", "contents: a list is required"},
        {"{\"contents\":[1]}", "contents[0]: a content is an object with a list of parts"},
        {"{\"contents\":[{\"parts\":{}}]}", "contents[0]: a content is an object with a list of parts"},
        {"{\"contents\":[{\"role\":\"assistant\"}]}", "contents[0]: role is user or model"},
        {"{\"contents\":[{\"parts\":[1]}]}", "contents[0].parts[0]: a part is an object"},
        {"{\"contents\":[{\"parts\":[{\"text\":\"x\"},{\"text\":1}]}]}",
         "contents[0].parts[1]: text is a string"},
        {"{\"contents\":[{\"parts\":[{\"inlineData\":{\"data\":\"\"}}]}]}",
         "contents[0].parts[0]: inlineData has mimeType and data"},
        {"{\"contents\":[{\"parts\":[{\"fileData\":{}}]}]}", "contents[0].parts[0]: fileData has fileUri"},
        {"{\"contents\":[{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":[]}}]}]}",
         "contents[0].parts[0]: functionCall has a name, and args that are an object"},
        {"{\"contents\":[{\"parts\":[{\"functionResponse\":{\"response\":{}}}]}]}",
         "contents[0].parts[0]: functionResponse has a name"},
        {"{\"contents\":[{\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"response\":\"x\"}}]}]}",
         "contents[0].parts[0]: functionResponse.response is an object"},
        {"{\"contents\":[{}],\"systemInstruction\":1}", "systemInstruction: a content is an object"},
        {"{\"contents\":[{}],\"cachedContent\":\"cachedContents/1\"}",
         "cachedContent: only Gemini itself can read its caches"},
        {"{\"contents\":[{}],\"tools\":{}}", "tools: not a list"},
        {"{\"contents\":[{}],\"tools\":[{\"functionDeclarations\":[{}]}]}",
         "tools: a function declaration without a name"},
        {"{\"contents\":[{}],\"generationConfig\":[]}", "generationConfig: not an object"},
        {"{\"contents\":[{}],\"labels\":[]}", "labels: not an object"},
        {"{\"contents\":[{}],\"safetySettings\":{}}", "safetySettings: not a list"},
        {"{\"contents\":[{}],\"generationConfig\":{\"responseSchema\":true}}",
         "generationConfig.responseSchema: a schema is an object"},
        {"{\"contents\":[{}],\"tools\":[{\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":[]}]}]}",
         "a function's parameters: a schema is an object"},
        {"{\"contents\":[{}],\"generationConfig\":{\"topP\":\"1\"}}", "generationConfig.topP: not a number"},
        {"{\"contents\":[{}],\"generationConfig\":{\"maxOutputTokens\":-1}}",
         "generationConfig.maxOutputTokens: not a whole number"},
        {"{\"contents\":[{}],\"generationConfig\":{\"candidateCount\":1.5}}",
         "generationConfig.candidateCount: not a whole number"},
        {"{\"contents\":[{}],\"generationConfig\":{\"stopSequences\":\"x\"}}",
         "generationConfig.stopSequences: not a list"},
        {"{\"contents\":[{}],\"generationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":\"x\"}}}",
         "thinkingConfig.thinkingBudget: not a whole number"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_request r;
        assert_int_equal(read_it(cases[i].body, "models/m:generateContent", &r), E_SYNTAX);
        assert_str(why, str_c(cases[i].want));
        ir_request_done(&r);
    }
}

/* ---- answers that are read ------------------------------------------------------------------------- */

struct taken {
    struct ir_answer answer;
    struct buf log;
    struct ir_rules rules;
};

static void on_event(void *arg, const struct ir_event *ev)
{
    struct taken *t = arg;
    const char *wrong = ir_rule_broken(&t->rules, ev);
    if (wrong)
        fail_msg("%s", wrong);
    dump_event(&t->log, ev);
    assert_int_equal(ir_answer_add(&t->answer, ev), E_OK);
}

static void taken_init(struct taken *t)
{
    *t = (struct taken){.log = {.n = 0}};
    ir_answer_init(&t->answer, &arena);
    buf_init(&t->log, MIB);
}

static enum err read_whole(struct taken *t, const char *body)
{
    taken_init(t);
    return codec_gemini.read_answer(&arena, str_c(body), on_event, t);
}

static void on_sse(void *arg, const struct sse_event *ev)
{
    struct codec_reader *r = arg;
    assert_int_equal(codec_gemini.read_sse(r, ev), E_OK);
}

static void read_stream(struct taken *t, struct str bytes)
{
    struct sse sse;
    struct codec_reader r = {.codec = &codec_gemini, .arena = &arena, .on_event = on_event, .arg = t};
    taken_init(t);
    sse_init(&sse);
    assert_int_equal(sse_feed(&sse, bytes, on_sse, &r), E_OK);
    sse_flush(&sse, on_sse, &r);
    codec_gemini.read_end(&r);
    sse_done(&sse);
}

static void logged(struct taken *t, const char *want)
{
    assert_str(buf_str(&t->log), str_c(want));
    buf_done(&t->log);
}

static void whole_answer(void **state)
{
    (void)state;
    struct taken t;
    assert_int_equal(
        read_whole(
            &t,
            "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hm.\",\"thought\":true},{\"text\":\"Hel\"}"
            ",{\"text\":\"lo\","
            "\"thoughtSignature\":\"s\"},{\"text\":\"more\"},"
            "{\"functionCall\":{\"id\":\"c\",\"name\":\"f\",\"args\":{\"x\": "
            "1.50}},\"thoughtSignature\":\"t\"},"
            "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}},{\"text\":\"\"},"
            "{\"executableCode\":{\"code\":\"1\"}}],\"role\":\"model\"},\"finishReason\":\"STOP\","
            "\"avgLogprobs\":-0.1}],"
            "\"usageMetadata\":{\"promptTokenCount\":10,\"candidatesTokenCount\":5,\"thoughtsTokenCount\":3,"
            "\"cachedContentTokenCount\":4,\"totalTokenCount\":18},\"modelVersion\":\"gemini-x\","
            "\"responseId\":\"r\"}"),
        E_OK);
    logged(&t, "START 0.0\n id \"r\"\n model \"gemini-x\"\n"
               "THINKING 0.0\n text \"Hm.\"\n"
               "TEXT 0.1\n text \"Hel\"\n"
               "TEXT 0.1\n text \"lo\"\n"
               "SIGNATURE 0.1\n text \"s\"\n"
               "TEXT 0.2\n text \"more\"\n" /* what was signed is not joined with what was not */
               "CALL 0.3\n id \"c\"\n name \"f\"\n"
               "ARGUMENTS 0.3\n text \"{\\\"x\\\":1.50}\"\n"
               "SIGNATURE 0.3\n text \"t\"\n"
               "MEDIA 0.4\n part.image.mime \"image/png\"\n part.image.data \"AAAA\"\n"
               "RAW 0.5\n part.raw \"{\\\"executableCode\\\":{\\\"code\\\":\\\"1\\\"}}\"\n"
               "FINISH 0.5\n finish tools\n"
               "USAGE 0.0\nusage.input 10\nusage.output 8\nusage.cached 4\nusage.reasoning 3\n"
               "END 0.0\n");
}

static void finish_reasons(void **state)
{
    (void)state;
    static const struct {
        const char *reason;
        enum ir_finish want;
    } cases[] = {
        {"STOP", IR_FINISH_STOP},
        {"MAX_TOKENS", IR_FINISH_LENGTH},
        {"SAFETY", IR_FINISH_FILTER},
        {"RECITATION", IR_FINISH_FILTER},
        {"LANGUAGE", IR_FINISH_FILTER},
        {"BLOCKLIST", IR_FINISH_FILTER},
        {"PROHIBITED_CONTENT", IR_FINISH_FILTER},
        {"SPII", IR_FINISH_FILTER},
        {"MODEL_ARMOR", IR_FINISH_FILTER},
        {"IMAGE_SAFETY", IR_FINISH_FILTER},
        {"MALFORMED_FUNCTION_CALL", IR_FINISH_ERROR},
        {"UNEXPECTED_TOOL_CALL", IR_FINISH_ERROR},
        {"TOO_MANY_TOOL_CALLS", IR_FINISH_ERROR},
        {"MISSING_THOUGHT_SIGNATURE", IR_FINISH_ERROR},
        {"OTHER", IR_FINISH_ERROR},
        {"CONTINUATION", IR_FINISH_LENGTH},
        {"FINISH_REASON_UNSPECIFIED", IR_FINISH_UNKNOWN},
        {"SOMETHING_NEW", IR_FINISH_UNKNOWN},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct taken t;
        struct str body =
            arena_printf(&arena, "{\"candidates\":[{\"finishReason\":\"%s\"}]}", cases[i].reason);
        assert_int_equal(read_whole(&t, body.p), E_OK);
        assert_int_equal(t.answer.choices->finish, cases[i].want);
        assert_false(t.answer.has_usage);
        buf_done(&t.log);
    }
}

static void reasons_written(void **state)
{
    (void)state;
    static const struct {
        enum ir_finish finish;
        const char *want;
    } cases[] = {
        {IR_FINISH_STOP, "STOP"},
        {IR_FINISH_TOOLS, "STOP"},
        {IR_FINISH_STOP_SEQUENCE, "STOP"},
        {IR_FINISH_LENGTH, "MAX_TOKENS"},
        {IR_FINISH_FILTER, "SAFETY"},
        {IR_FINISH_REFUSAL, "SAFETY"},
        {IR_FINISH_ERROR, "OTHER"},
        {IR_FINISH_PAUSE, "FINISH_REASON_UNSPECIFIED"},
        {IR_FINISH_UNKNOWN, "FINISH_REASON_UNSPECIFIED"},
    };
    for (size_t i = 0; i < countof(cases); i++)
        assert_str(gemini_reason_of(cases[i].finish), str_c(cases[i].want));
}

static void blocked_prompt(void **state)
{
    (void)state;
    struct taken t;
    assert_int_equal(
        read_whole(&t, "{\"promptFeedback\":{\"blockReason\":\"SAFETY\",\"blockReasonMessage\":\"no\"},"
                       "\"usageMetadata\":{\"promptTokenCount\":4,\"totalTokenCount\":4}}"),
        E_OK);
    logged(&t, "START 0.0\nFINISH 0.-1\n finish filter\nUSAGE 0.0\nusage.input 4\nusage.output 0\nEND 0.0\n");
}

static void what_is_no_answer(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "{",
        "null",
        "[]",
        "{}",
        "\"x\"",
        "<html>502</html>",
        "{\"candidates\":[]}",
        "{\"candidates\":{}}",
        "{\"candidates\":[1]}",
        "{\"candidates\":[{}]}", /* neither content nor a reason */
        "{\"candidates\":[{\"content\":{\"parts\":[]}}]}",
        "{\"candidates\":[{\"content\":1,\"finishReason\":\"STOP\"}]}",
        "{\"candidates\":[{\"content\":{\"parts\":{}},\"finishReason\":\"STOP\"}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[1]}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":1}]}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{}}]}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":[]}}]}}]}",
        "{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"a/b\"}}]}}]}",
        "{\"candidates\":[{\"finishReason\":\"STOP\",\"index\":-1}]}",
        "{\"candidates\":[{\"finishReason\":\"STOP\",\"index\":128}]}",
        "{\"candidates\":[{\"finishReason\":\"STOP\",\"index\":\"x\"}]}",
        "{\"promptFeedback\":{}}",
        "{\"usageMetadata\":{\"promptTokenCount\":4}}",
    };
    for (size_t i = 0; i < countof(bodies); i++) {
        struct taken t;
        assert_int_equal(read_whole(&t, bodies[i]), E_SYNTAX);
        logged(&t, "");
    }
}

static void error_under_success(void **state)
{
    (void)state;
    struct taken t;
    assert_int_equal(
        read_whole(&t, "{\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}"),
        E_SYNTAX);
    logged(&t, "ERROR 0.0\nerror.kind overloaded\nerror.status 503\nerror.message \"busy\"\nerror.code "
               "\"UNAVAILABLE\"\n");
}

static void calls_without_ids(void **state)
{
    (void)state;
    static const char body[] = "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\"}}"
                               ",{\"functionCall\":{\"name\":\"f\"}}]},"
                               "\"finishReason\":\"STOP\"}],\"responseId\":\"%s\"}";
    struct taken t, same, later;
    assert_int_equal(read_whole(&t, arena_printf(&arena, body, "r1").p), E_OK);
    assert_int_equal(read_whole(&same, arena_printf(&arena, body, "r1").p), E_OK);
    assert_int_equal(read_whole(&later, arena_printf(&arena, body, "r2").p), E_OK);
    const struct ir_part *first = t.answer.choices->parts;
    assert_true(gemini_is_made_id(first->id));
    assert_false(str_eq(first->id, first->next->id));
    assert_str(same.answer.choices->parts->id, first->id);
    assert_false(str_eq(later.answer.choices->parts->id, first->id));
    assert_str(first->arguments, STR("{}"));
    assert_int_equal(t.answer.choices->finish, IR_FINISH_TOOLS);
    buf_done(&t.log);
    buf_done(&same.log);
    buf_done(&later.log);
}

static void citations_count_code_points(void **state)
{
    (void)state;
    struct taken t;
    assert_int_equal(
        read_whole(
            &t,
            "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"K\u00f6ln, "
            "\u00c4\"}]},\"finishReason\":\"STOP\","
            "\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":\"https://a\",\"title\":\"A\"}},"
            "{\"retrievedContext\":{\"uri\":\"gs://b\",\"title\":\"B\",\"text\":\"source\"}}],"
            "\"groundingSupports\":[{\"segment\":{\"endIndex\":5},\"groundingChunkIndices\":[0]},"
            "{\"segment\":{\"startIndex\":7,\"endIndex\":9},\"groundingChunkIndices\":[1]},"
            "{\"segment\":{\"startIndex\":7,\"endIndex\":99},\"groundingChunkIndices\":[1, 7]}]}}]}"),
        E_OK);
    const struct ir_citation *c = t.answer.choices->parts->citations;
    assert_str(c->url, STR("https://a"));
    assert_int_equal(c->start, 0);
    assert_int_equal(c->end, 4);
    assert_true(str_starts(c->raw, STR("{\"groundingMetadata\":{\"groundingChunks\":")));
    c = c->next;
    assert_str(c->url, STR("gs://b"));
    assert_str(c->quote, STR("source"));
    assert_int_equal(c->start, 6);
    assert_int_equal(c->end, 7);
    assert_null(c->raw.p);
    c = c->next;
    assert_int_equal(c->start, -1); /* past the end: nobody knows what it means */
    assert_int_equal(c->end, -1);
    assert_null(c->next->url.p); /* of no chunk that is there */
    assert_null(c->next->next);
    buf_done(&t.log);
}

static void log_probabilities(void **state)
{
    (void)state;
    struct taken t;
    assert_int_equal(
        read_whole(&t, "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\u00e4\"}]},\"finishReason\":"
                       "\"STOP\",\"logprobsResult\":{"
                       "\"chosenCandidates\":[{\"token\":\"\u00e4\",\"logProbability\":-0.0500,\"tokenId\":7}"
                       ",{\"token\":\"!\"}],"
                       "\"topCandidates\":[{\"candidates\":[{\"token\":\"a\",\"logProbability\":-3}]}]}}]}"),
        E_OK);
    assert_str(t.answer.choices->logprobs,
               STR("[{\"token\":\"\xc3\xa4\",\"logprob\":-0.0500,\"bytes\":[195,164],\"top_logprobs\":["
                   "{\"token\":\"a\",\"logprob\":-3,\"bytes\":[97]}]},"
                   "{\"token\":\"!\",\"logprob\":0,\"bytes\":[33],\"top_logprobs\":[]}]"));
    buf_done(&t.log);
}

static void stream_of_events(void **state)
{
    (void)state;
    struct taken t;
    read_stream(
        &t,
        STR(": a comment\r\n\r\n"
            "data: "
            "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hm\",\"thought\":true}]},\"index\":0}],"
            "\"usageMetadata\":{\"promptTokenCount\":5},\"modelVersion\":\"g\",\"responseId\":\"r\"}\r\n\r\n"
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hel\"}]}}]}\n\n"
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"lo\"}]}}]}\r\r"
            "data: "
            "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\",\"thoughtSignature\":\"s\"}]},"
            "\"finishReason\":\"STOP\"}],"
            "\"usageMetadata\":{\"promptTokenCount\":5,\"candidatesTokenCount\":2,\"thoughtsTokenCount\":1}}"
            "\r\n\r\n"
            "data: "
            "{\"usageMetadata\":{\"promptTokenCount\":5,\"candidatesTokenCount\":3,\"thoughtsTokenCount\":1}"
            "}")); /* no blank line */
    logged(&t, "START 0.0\n id \"r\"\n model \"g\"\n"
               "THINKING 0.0\n text \"Hm\"\n"
               "TEXT 0.1\n text \"Hel\"\n"
               "TEXT 0.1\n text \"lo\"\n"
               "SIGNATURE 0.1\n text \"s\"\n"
               "FINISH 0.1\n finish stop\n"
               "USAGE 0.0\nusage.input 5\nusage.output 4\nusage.reasoning 1\n"
               "END 0.0\n");
}

static void stream_without_end(void **state)
{
    (void)state;
    static const char *const streams[] = {
        "",
        "data: {\"candidates\":[],\"responseId\":\"r\"}\n\n",
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hel\"}]}}]}\n\n",
        /* one of two is over */
        ("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"STOP\"},"
         "{\"content\":{\"parts\":[{\"text\":\"b\"}]},\"index\":1}]}\n\n"),
    };
    for (size_t i = 0; i < countof(streams); i++) {
        struct taken t;
        read_stream(&t, str_c(streams[i]));
        assert_false(t.answer.ended);
        assert_true(t.answer.has_error);
        assert_int_equal(t.answer.error.kind, IR_ERR_SERVER);
        assert_str(t.answer.error.message, STR("The stream ended early"));
        buf_done(&t.log);
    }
}

static void stream_with_error(void **state)
{
    (void)state;
    struct taken t;
    read_stream(&t, STR("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hel\"}]}}]}\r\n\r\n"
                        "data: {\"error\":{\"code\":429,\"message\":\"slow "
                        "down\",\"status\":\"RESOURCE_EXHAUSTED\"}}\r\n\r\n"
                        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"lo\"}]}}]}\r\n\r\n"));
    logged(&t, "START 0.0\nTEXT 0.0\n text \"Hel\"\n"
               "ERROR 0.0\nerror.kind rate\nerror.status 429\nerror.message \"slow down\"\nerror.code "
               "\"RESOURCE_EXHAUSTED\"\n");
}

static void stream_of_something_else(void **state)
{
    (void)state;
    static const char *const events[] = {"{",
                                         "{}",
                                         "[]",
                                         "[DONE]",
                                         "{\"choices\":[]}",
                                         "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":{}}]}}]}"};
    for (size_t i = 0; i < countof(events); i++) {
        struct taken t;
        struct codec_reader r = {.codec = &codec_gemini, .arena = &arena, .on_event = on_event, .arg = &t};
        taken_init(&t);
        assert_int_equal(codec_gemini.read_sse(&r, &(struct sse_event){.data = str_c(events[i])}), E_SYNTAX);
        logged(&t, "");
    }
}

/* ---- answers that are written ---------------------------------------------------------------------- */

static void play(struct codec_writer *w, struct ir_event ev)
{
    assert_int_equal(codec_gemini.write_event(w, &ev), E_OK);
}

static void stream_written(void **state)
{
    (void)state;
    const struct ir_request r = request_to("asked");
    const struct usage u = {.known = true, .input = 20, .output = 12, .cached = 8, .reasoning = 5};
    struct codec_writer w = {.codec = &codec_gemini, .arena = &arena, .out = &out, .request = &r};
    play(&w, (struct ir_event){.kind = IR_EV_START, .id = STR("r"), .model = STR("gpt")});
    play(&w, (struct ir_event){.kind = IR_EV_THINKING, .block = 0, .text = STR("Hm")});
    play(&w, (struct ir_event){.kind = IR_EV_SIGNATURE, .block = 0, .text = STR("si")});
    play(&w, (struct ir_event){.kind = IR_EV_SIGNATURE, .block = 0, .text = STR("g")});
    play(&w, (struct ir_event){.kind = IR_EV_TEXT, .block = 1, .text = STR("")});
    play(&w, (struct ir_event){.kind = IR_EV_TEXT, .block = 1, .text = STR("Hel")});
    play(&w, (struct ir_event){.kind = IR_EV_TEXT, .block = 1, .text = STR("lo\n")});
    play(&w, (struct ir_event){.kind = IR_EV_CALL, .block = 2, .id = STR("c1"), .name = STR("f")});
    play(&w, (struct ir_event){.kind = IR_EV_ARGUMENTS, .block = 2, .text = STR("{\"x\":")});
    play(&w, (struct ir_event){.kind = IR_EV_ARGUMENTS, .block = 2, .text = STR("1}")});
    play(&w, (struct ir_event){.kind = IR_EV_CALL, .block = 3, .id = STR("c2"), .name = STR("g")});
    play(&w, (struct ir_event){.kind = IR_EV_FINISH, .finish = IR_FINISH_TOOLS});
    play(&w, (struct ir_event){.kind = IR_EV_USAGE, .usage = &u});
    play(&w, (struct ir_event){.kind = IR_EV_END});
#define CHUNK(part)                                                                                          \
    "data: {\"candidates\":[{\"content\":{\"parts\":[{" part "}],\"role\":\"model\"},\"index\":0}],"         \
    "\"modelVersion\":\"gpt\",\"responseId\":\"r\"}\r\n\r\n"
    assert_str(buf_str(&out),
               STR(CHUNK("\"text\":\"Hm\",\"thought\":true")
                       CHUNK("\"text\":\"\",\"thought\":true,\"thoughtSignature\":\"sig\"")
                           CHUNK("\"text\":\"Hel\"") CHUNK("\"text\":\"lo\\n\"")
                               CHUNK("\"functionCall\":{\"id\":\"c1\",\"name\":\"f\",\"args\":"
                                     "{\"x\":1}}")
                                   CHUNK("\"functionCall\":{\"id\":\"c2\",\"name\":\"g\",\"args\":{}"
                                         "}") "data: "
                                              "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
                                              "\"\"}],\"role\":\"model\"},\"finishReason\":\"STOP\","
                                              "\"index\":0}],"
                                              "\"usageMetadata\":{\"promptTokenCount\":20,"
                                              "\"cachedContentTokenCount\":8,"
                                              "\"candidatesTokenCount\":7,"
                                              "\"thoughtsTokenCount\":5,\"totalTokenCount\":32},"
                                              "\"modelVersion\":\"gpt\",\"responseId\":\"r\"}"
                                              "\r\n\r\n"));
}

/* A thought that may not be read is one without text, not one of no words. */
static void hidden_thoughts_in_a_stream(void **state)
{
    (void)state;
    const struct ir_request r = request_to("asked");
    struct codec_writer w = {.codec = &codec_gemini, .arena = &arena, .out = &out, .request = &r};
    play(&w, (struct ir_event){.kind = IR_EV_START});
    play(&w, (struct ir_event){.kind = IR_EV_THINKING, .block = 0, .id = STR("rs_1")});
    play(&w, (struct ir_event){.kind = IR_EV_SIGNATURE, .block = 0, .text = STR("a"), .redacted = true});
    play(&w, (struct ir_event){.kind = IR_EV_THINKING, .block = 1, .text = STR("")});
    play(&w, (struct ir_event){.kind = IR_EV_SIGNATURE, .block = 1, .text = STR("b")});
    play(&w, (struct ir_event){.kind = IR_EV_TEXT, .block = 2, .text = STR("4")});
    assert_true(str_has(
        buf_str(&out),
        STR("\"parts\":[{\"thought\":true,\"thoughtSignature\":\"d2Vpcjpyc18xOmE=\"}]"))); /* weir:rs_1:a */
    assert_true(str_has(buf_str(&out),
                        STR("\"parts\":[{\"text\":\"\",\"thought\":true,\"thoughtSignature\":\"b\"}]")));
}

static void choices_mix_in_a_stream(void **state)
{
    (void)state;
    const struct ir_request r = request_to("asked");
    struct codec_writer w = {.codec = &codec_gemini, .arena = &arena, .out = &out, .request = &r};
    play(&w, (struct ir_event){.kind = IR_EV_START});
    play(&w, (struct ir_event){.kind = IR_EV_CALL, .choice = 0, .id = STR("a"), .name = STR("f")});
    play(&w, (struct ir_event){.kind = IR_EV_CALL, .choice = 1, .id = STR("b"), .name = STR("g")});
    play(&w, (struct ir_event){.kind = IR_EV_ARGUMENTS, .choice = 0, .text = STR("{\"i\":0}")});
    play(&w, (struct ir_event){.kind = IR_EV_ARGUMENTS, .choice = 1, .text = STR("{\"i\":1}")});
    play(&w, (struct ir_event){.kind = IR_EV_FINISH, .choice = 1, .finish = IR_FINISH_TOOLS});
    play(&w, (struct ir_event){.kind = IR_EV_FINISH, .choice = 0, .finish = IR_FINISH_LENGTH});
    play(&w, (struct ir_event){.kind = IR_EV_END});
    assert_str(buf_str(&out),
               STR("data: "
                   "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"b\",\"name\":\"g\","
                   "\"args\":{\"i\":1}}}],"
                   "\"role\":\"model\"},\"index\":1}],\"modelVersion\":\"asked\"}\r\n\r\n"
                   "data: "
                   "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"a\",\"name\":\"f\","
                   "\"args\":{\"i\":0}}}],"
                   "\"role\":\"model\"},\"index\":0}],\"modelVersion\":\"asked\"}\r\n\r\n"
                   "data: "
                   "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},"
                   "\"finishReason\":\"MAX_TOKENS\",\"index\":0},"
                   "{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},\"finishReason\":\"STOP\","
                   "\"index\":1}],\"modelVersion\":\"asked\"}\r\n\r\n"));
}

static void error_in_a_stream(void **state)
{
    (void)state;
    const struct ir_request r = request_to("asked");
    const struct ir_error e = {
        .kind = IR_ERR_OVERLOADED, .status = 529, .message = STR("busy"), .code = STR("overloaded_error")};
    struct codec_writer w = {.codec = &codec_gemini, .arena = &arena, .out = &out, .request = &r};
    play(&w, (struct ir_event){.kind = IR_EV_START});
    play(&w, (struct ir_event){.kind = IR_EV_ERROR, .error = &e});
    assert_str(
        buf_str(&out),
        STR("data: {\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n"));
}

static void citations_in_a_stream(void **state)
{
    (void)state;
    const struct ir_request r = request_to("asked");
    const struct ir_citation known = {.url = STR("https://a"), .title = STR("A"), .start = 0, .end = 3};
    const struct ir_citation block = {.url = STR("https://b"), .quote = STR("b"), .start = -1, .end = -1};
    const struct ir_citation unclear = {.url = STR("https://c"), .start = 1, .end = 2};
    struct codec_writer w = {.codec = &codec_gemini, .arena = &arena, .out = &out, .request = &r};
    play(&w, (struct ir_event){.kind = IR_EV_START});
    play(&w, (struct ir_event){.kind = IR_EV_TEXT, .text = STR("One. ")});
    play(&w, (struct ir_event){.kind = IR_EV_CITATION, .citation = &known});
    play(&w, (struct ir_event){.kind = IR_EV_CITATION, .block = 1, .citation = &block});
    play(&w, (struct ir_event){.kind = IR_EV_TEXT, .block = 1, .text = STR("Zw\xc3\xb6lf.")});
    play(&w, (struct ir_event){.kind = IR_EV_CITATION, .block = 1, .citation = &unclear});
    play(&w, (struct ir_event){.kind = IR_EV_FINISH, .finish = IR_FINISH_STOP});
    play(&w, (struct ir_event){.kind = IR_EV_END});
    assert_true(str_has(
        buf_str(&out),
        STR("\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":\"https://a\",\"title\":\"A\"}},"
            "{\"retrievedContext\":{\"uri\":\"https://b\",\"text\":\"b\"}},{\"web\":{\"uri\":\"https://"
            "c\"}}],"
            "\"groundingSupports\":[{\"segment\":{\"endIndex\":3},\"groundingChunkIndices\":[0]},"
            "{\"segment\":{\"startIndex\":5,\"endIndex\":12},\"groundingChunkIndices\":[1]},"
            "{\"groundingChunkIndices\":[2]}]}")));
}

static void whole_written(void **state)
{
    (void)state;
    struct ir_request r = request_to("asked");
    struct ir_answer a = {.id = STR("r"),
                          .has_usage = true,
                          .usage = {.known = true, .input = 9, .output = 4, .audio_in = 2, .image_out = 3}};
    struct ir_choice_answer c = {.finish = IR_FINISH_TOOLS,
                                 .logprobs = STR("[{\"token\":\"x\",\"logprob\":-0.50,\"bytes\":null,\"top_"
                                                 "logprobs\":[{\"token\":\"y\",\"logprob\":-1}]}]")};
    struct ir_citation cite = {.url = STR("https://a"), .start = 1, .end = 2};
    a.choices = &c;
    struct ir_part *p = ir_add_part(&arena, &c.parts, IR_THINKING);
    p->redacted = true;
    p->signature = STR("s");
    ir_add_part(&arena, &c.parts, IR_TEXT)->text = STR("\xc3\xa4 ");
    p = ir_add_part(&arena, &c.parts, IR_REFUSAL);
    p->text = STR("\xc3\xb6\xc3\xbc");
    p->citations = &cite;
    p = ir_add_part(&arena, &c.parts, IR_TOOL_CALL);
    p->id = STR("call_gemini_x");
    p->name = STR("f");
    p = ir_add_part(&arena, &c.parts, IR_IMAGE);
    p->media.file_id = STR("file-1");
    assert_int_equal(codec_gemini.write_answer(&arena, &a, &r, &out), E_OK);
    assert_str(
        buf_str(&out),
        STR("{\"candidates\":[{\"content\":{\"parts\":[{\"thought\":true,\"thoughtSignature\":\"s\"},"
            "{\"text\":\"\xc3\xa4 "
            "\xc3\xb6\xc3\xbc\"},{\"functionCall\":{\"id\":\"call_gemini_x\",\"name\":\"f\",\"args\":{}}},"
            "{\"text\":\"file-1\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0,"
            "\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":\"https://a\"}}],"
            "\"groundingSupports\":[{\"segment\":{\"startIndex\":5,\"endIndex\":7},\"groundingChunkIndices\":"
            "[0]}]},"
            "\"logprobsResult\":{\"topCandidates\":[{\"candidates\":[{\"token\":\"y\",\"logProbability\":-1}]"
            "}],"
            "\"chosenCandidates\":[{\"token\":\"x\",\"logProbability\":-0.50}]}}],"
            "\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":4,\"totalTokenCount\":13,"
            "\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":7},{\"modality\":\"AUDIO\","
            "\"tokenCount\":2}],"
            "\"candidatesTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":1},{\"modality\":\"IMAGE\","
            "\"tokenCount\":3}]},"
            "\"modelVersion\":\"asked\",\"responseId\":\"r\"}"));
}

/* Text, read and written, event after event: nothing grows but the output, which is taken away. */
static void steady_deltas_allocate_nothing(void **state)
{
    (void)state;
    const struct ir_request r = request_to("asked");
    struct codec_writer w = {.codec = &codec_gemini, .arena = &arena, .out = &out, .request = &r};
    play(&w, (struct ir_event){.kind = IR_EV_START});
    size_t used = 0;
    uint64_t calls = 0;
    for (int i = 0; i < 1000; i++) {
        if (i == 10) {
            used = arena.used - (size_t)(arena.end - arena.at);
            calls = mem_count();
        }
        play(&w, (struct ir_event){.kind = IR_EV_TEXT, .text = STR("a few words ")});
        buf_clear(&out);
    }
    assert_int_equal(arena.used - (size_t)(arena.end - arena.at), used);
    assert_int_equal(mem_count(), calls);
}

static void ignore(void *arg, const struct ir_event *ev)
{
    (void)arg, (void)ev;
}

static void steady_events_allocate_nothing(void **state)
{
    (void)state;
    struct codec_reader r = {.codec = &codec_gemini, .arena = &arena, .on_event = ignore};
    const struct sse_event ev = {.data =
                                     STR("{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a few words "
                                         "\"}],\"role\":\"model\"},\"index\":0}],"
                                         "\"usageMetadata\":{\"promptTokenCount\":5,\"candidatesTokenCount\":"
                                         "2},\"modelVersion\":\"g\",\"responseId\":\"r\"}")};
    size_t used = 0;
    uint64_t calls = 0;
    for (int i = 0; i < 1000; i++) {
        if (i == 10) {
            used = arena.used - (size_t)(arena.end - arena.at);
            calls = mem_count();
        }
        assert_int_equal(codec_gemini.read_sse(&r, &ev), E_OK);
    }
    assert_int_equal(arena.used - (size_t)(arena.end - arena.at), used);
    assert_int_equal(mem_count(), calls);
}

/* ---- what the official client is shown (tests/flow/gemini-client.test.mjs) -------------------------- */

static const struct usage usage_mixed = {
    .known = true, .input = 100, .output = 20, .cached = 60, .reasoning = 5};
static const struct usage usage_spoken = {
    .known = true, .input = 9, .output = 1300, .audio_in = 2, .image_out = 1290};
static const struct ir_part picture = {.kind = IR_IMAGE,
                                       .media = {.mime = S("image/png"), .data = S("iVBORw0KGgo=")}};
static const struct ir_citation source_a = {
    .url = S("https://a.test/"), .title = S("A"), .start = 0, .end = 5};
static const struct ir_citation source_b = {.url = S("https://b.test/"), .start = -1, .end = -1};
static const struct ir_error busy = {.kind = IR_ERR_OVERLOADED, .status = 529, .message = S("Overloaded")};

#define LOGPROBS(token, number)                                                                              \
    S("[{\"token\":\"" token "\",\"logprob\":" number                                                        \
      ",\"bytes\":null,\"top_logprobs\":[{\"token\":\"" token "\",\"logprob\":" number                       \
      ",\"bytes\":null}]}]")

static const struct ir_event mixed[] = {
    {.kind = IR_EV_START, .id = S("chatcmpl-1"), .model = S("gpt-5")},
    {.kind = IR_EV_THINKING, .block = 0, .text = S("Hm")},
    {.kind = IR_EV_THINKING, .block = 0, .text = S(".")},
    {.kind = IR_EV_SIGNATURE, .block = 0, .text = S("c2ln")},
    {.kind = IR_EV_TEXT, .block = 1, .text = S("Gr\xc3\xbc\xc3\x9f")},
    {.kind = IR_EV_TEXT, .block = 1, .text = S("e\n\"two\" \xf0\x9f\x99\x82")},
    {.kind = IR_EV_CALL, .block = 2, .id = S("call_1"), .name = S("look")},
    {.kind = IR_EV_ARGUMENTS, .block = 2, .text = S("{\"a\"")},
    {.kind = IR_EV_ARGUMENTS, .block = 2, .text = S(":\n[1, 2.50]}")},
    {.kind = IR_EV_SIGNATURE, .block = 2, .text = S("Z2Vt")},
    {.kind = IR_EV_CALL, .block = 3, .id = S("call_2"), .name = S("now")},
    {.kind = IR_EV_FINISH, .finish = IR_FINISH_TOOLS},
    {.kind = IR_EV_USAGE, .usage = &usage_mixed},
    {.kind = IR_EV_END},
};

static const struct ir_event drawn[] = {
    {.kind = IR_EV_START, .id = S("r1")},
    {.kind = IR_EV_TEXT, .block = 0, .text = S("Here:")},
    {.kind = IR_EV_MEDIA, .block = 1, .part = &picture},
    {.kind = IR_EV_FINISH, .finish = IR_FINISH_STOP},
    {.kind = IR_EV_USAGE, .usage = &usage_spoken},
    {.kind = IR_EV_END},
};

static const struct ir_event cited[] = {
    {.kind = IR_EV_START, .id = S("r1"), .model = S("m")},
    {.kind = IR_EV_TEXT, .block = 0, .text = S("First, ")},
    {.kind = IR_EV_CITATION, .block = 0, .citation = &source_a},
    {.kind = IR_EV_TEXT, .block = 1, .text = S("zw\xc3\xb6lf")},
    {.kind = IR_EV_CITATION, .block = 1, .citation = &source_b},
    {.kind = IR_EV_FINISH, .finish = IR_FINISH_LENGTH},
    {.kind = IR_EV_END},
};

static const struct ir_event choices[] = {
    {.kind = IR_EV_START, .id = S("r1"), .model = S("m")},
    {.kind = IR_EV_TEXT, .choice = 0, .text = S("Ada")},
    {.kind = IR_EV_LOGPROBS, .choice = 0, .text = LOGPROBS("Ada", "-0.25")},
    {.kind = IR_EV_TEXT, .choice = 1, .text = S("Ber")},
    {.kind = IR_EV_TEXT, .choice = 1, .text = S("tha")},
    {.kind = IR_EV_FINISH, .choice = 0, .finish = IR_FINISH_STOP_SEQUENCE, .text = S("END")},
    {.kind = IR_EV_FINISH, .choice = 1, .finish = IR_FINISH_STOP},
    {.kind = IR_EV_END},
};

static const struct ir_event filtered[] = {
    {.kind = IR_EV_START, .id = S("r1"), .model = S("m")},
    {.kind = IR_EV_FINISH, .finish = IR_FINISH_FILTER},
    {.kind = IR_EV_END},
};

static const struct ir_event failing[] = {
    {.kind = IR_EV_START, .id = S("r1"), .model = S("m")},
    {.kind = IR_EV_TEXT, .text = S("Once")},
    {.kind = IR_EV_ERROR, .error = &busy},
};

static void same_as_golden(const char *name, const char *file)
{
    struct buf want;
    struct str text = golden_read("gemini_written", name, file, &want);
    if (!str_eq(buf_str(&out), text))
        fail_msg("%s/%s: %.*s", name, file, STR_FMT(buf_str(&out)));
    buf_done(&want);
}

static void write_both(const char *name, const struct ir_event *events, size_t n)
{
    const struct ir_request r = request_to("asked");
    struct codec_writer w = {.codec = &codec_gemini, .arena = &arena, .out = &out, .request = &r};
    struct ir_answer answer;
    ir_answer_init(&answer, &arena);
    buf_clear(&out);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(codec_gemini.write_event(&w, &events[i]), E_OK);
        assert_int_equal(ir_answer_add(&answer, &events[i]), E_OK);
    }
    same_as_golden(name, "stream.sse");
    if (answer.has_error)
        return;
    buf_clear(&out);
    assert_int_equal(codec_gemini.write_answer(&arena, &answer, &r, &out), E_OK);
    same_as_golden(name, "whole.json");
}

static void what_the_client_is_shown(void **state)
{
    (void)state;
    write_both("mixed", mixed, countof(mixed));
    write_both("drawn", drawn, countof(drawn));
    write_both("cited", cited, countof(cited));
    write_both("choices", choices, countof(choices));
    write_both("filtered", filtered, countof(filtered));
    write_both("failing", failing, countof(failing));
}

/* ---- errors ---------------------------------------------------------------------------------------- */

static void errors_read(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum ir_error_kind kind;
        int want_status;
        const char *message, *code;
    } cases[] = {
        {400, "{\"error\":{\"code\":400,\"message\":\"bad\",\"status\":\"INVALID_ARGUMENT\"}}",
         IR_ERR_INVALID, 400, "bad", "INVALID_ARGUMENT"},
        {400,
         "{\"error\":{\"code\":400,\"message\":\"API key not "
         "valid.\",\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}}",
         IR_ERR_AUTH, 401, "API key not valid.", "API_KEY_INVALID"},
        {429, "[{\"error\":{\"code\":429,\"message\":\"slow\",\"status\":\"RESOURCE_EXHAUSTED\"}}]",
         IR_ERR_RATE, 429, "slow", "RESOURCE_EXHAUSTED"},
        {503, "upstream connect error", IR_ERR_OVERLOADED, 503, "upstream connect error", NULL},
        {502, "<html>", IR_ERR_SERVER, 502, "Bad Gateway", NULL},
        {404, "", IR_ERR_NOT_FOUND, 404, "Not Found", NULL},
        {401, "{\"error\":\"nope\"}", IR_ERR_AUTH, 401, "nope", NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct ir_error e;
        codec_gemini.read_error(&arena, cases[i].status, str_c(cases[i].body), &e);
        assert_int_equal(e.kind, cases[i].kind);
        assert_int_equal(e.status, cases[i].want_status);
        assert_str(e.message, str_c(cases[i].message));
        assert_str(e.code, str_c(cases[i].code));
    }
}

static void errors_written(void **state)
{
    (void)state;
    static const struct {
        struct ir_error e;
        const char *want;
    } cases[] = {
        {{IR_ERR_INVALID, 422, S("Say \"why\""), {0}, {0}, 0},
         "{\"error\":{\"code\":400,\"message\":\"Say \\\"why\\\"\",\"status\":\"INVALID_ARGUMENT\"}}"},
        {{IR_ERR_INVALID, 400, S("Say \"why\""), S("FAILED_PRECONDITION"), {0}, 0},
         "{\"error\":{\"code\":400,\"message\":\"Say \\\"why\\\"\",\"status\":\"FAILED_PRECONDITION\"}}"},
        {{IR_ERR_AUTH, 401, S("Say \"why\""), S("invalid_api_key"), {0}, 0},
         "{\"error\":{\"code\":401,\"message\":\"Say \\\"why\\\"\",\"status\":\"UNAUTHENTICATED\"}}"},
        {{IR_ERR_PERMISSION, 403, S("Say \"why\""), {0}, {0}, 0},
         "{\"error\":{\"code\":403,\"message\":\"Say \\\"why\\\"\",\"status\":\"PERMISSION_DENIED\"}}"},
        {{IR_ERR_NOT_FOUND, 404, S("Say \"why\""), {0}, {0}, 0},
         "{\"error\":{\"code\":404,\"message\":\"Say \\\"why\\\"\",\"status\":\"NOT_FOUND\"}}"},
        {{IR_ERR_RATE, 429, S("Say \"why\""), {0}, {0}, 0},
         "{\"error\":{\"code\":429,\"message\":\"Say \\\"why\\\"\",\"status\":\"RESOURCE_EXHAUSTED\"}}"},
        {{IR_ERR_QUOTA, 429, S("Say \"why\""), {0}, {0}, 0},
         "{\"error\":{\"code\":402,\"message\":\"Say \\\"why\\\"\",\"status\":\"RESOURCE_EXHAUSTED\"}}"},
        {{IR_ERR_OVERLOADED, 529, S("Say \"why\""), {0}, {0}, 0},
         "{\"error\":{\"code\":503,\"message\":\"Say \\\"why\\\"\",\"status\":\"UNAVAILABLE\"}}"},
        {{IR_ERR_TIMEOUT, 408, S("Say \"why\""), {0}, {0}, 0},
         "{\"error\":{\"code\":504,\"message\":\"Say \\\"why\\\"\",\"status\":\"DEADLINE_EXCEEDED\"}}"},
        {{IR_ERR_SERVER, 500, S("Say \"why\""), {0}, {0}, 0},
         "{\"error\":{\"code\":500,\"message\":\"Say \\\"why\\\"\",\"status\":\"INTERNAL\"}}"},
        {{IR_ERR_SERVER, 502, {0}, S("2002"), {0}, 0},
         "{\"error\":{\"code\":502,\"message\":\"\",\"status\":\"INTERNAL\"}}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        buf_clear(&out);
        codec_gemini.write_error(&cases[i].e, &out);
        assert_str(buf_str(&out), str_c(cases[i].want));
        struct ir_error again;
        codec_gemini.read_error(&arena, codec_gemini.error_status(&cases[i].e), buf_str(&out), &again);
        assert_int_equal(again.kind, cases[i].e.kind);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(turns_alternate),
        TEST(prompt_alone_is_what_the_user_says),
        TEST(calls_and_results),
        TEST(results_are_objects),
        TEST(texts_of_a_result_are_lines),
        TEST(result_without_call),
        TEST(pictures_in_results),
        TEST(signatures_go_back),
        TEST(thoughts_of_others_are_text),
        TEST(made_ids_stay_here),
        TEST(arguments_are_objects),
        TEST(media_are_sent),
        TEST(media_out_of_reach),
        TEST(how_much_to_think),
        TEST(tools_and_choice),
        TEST(tools_that_are_nearly_none),
        TEST(answer_format),
        TEST(parameters),
        TEST(what_it_has_no_word_for),
        TEST(paths),
        TEST(camel_and_snake),
        TEST(schemas_of_the_service),
        TEST(ids_that_are_not_given),
        TEST(pieces_of_a_thought),
        TEST(names_by_id),
        TEST(odd_parts),
        TEST(notes_what_it_does_not_know),
        TEST(what_is_no_request),
        TEST(whole_answer),
        TEST(finish_reasons),
        TEST(reasons_written),
        TEST(blocked_prompt),
        TEST(what_is_no_answer),
        TEST(error_under_success),
        TEST(calls_without_ids),
        TEST(citations_count_code_points),
        TEST(log_probabilities),
        TEST(stream_of_events),
        TEST(stream_without_end),
        TEST(stream_with_error),
        TEST(stream_of_something_else),
        TEST(stream_written),
        TEST(hidden_thoughts_in_a_stream),
        TEST(choices_mix_in_a_stream),
        TEST(error_in_a_stream),
        TEST(citations_in_a_stream),
        TEST(whole_written),
        TEST(steady_deltas_allocate_nothing),
        TEST(steady_events_allocate_nothing),
        TEST(what_the_client_is_shown),
        TEST(errors_read),
        TEST(errors_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
