/* SPDX-License-Identifier: Apache-2.0 */
/* mock: words, profiles, what is asked, and every shape as a whole and as a stream. */
#include "tests/unit/test.h"

#include "base/crypto.h"
#include "base/limits.h"
#include "http/sse.h"
#include "mock/mock.h"
#include "mock/profile.h"
#include "providers/aws_stream.h"
#include "providers/usage.h"

#include <stdio.h>

/* A request, its ask, and what the mock answers. */
struct round {
    struct arena arena;
    struct request_head head;
    struct ask q;
    struct buf out;
    struct json_doc *doc; /* of a whole answer */
    const struct json_val *root;
    unsigned events;
};

static void split_target(struct request_head *h, const char *target)
{
    struct str rest = str_c(target);
    h->target = rest;
    h->path = str_cut(&rest, '?');
    h->query = rest;
}

static void play(struct round *r, const char *method, const char *target, const char *body)
{
    memset(r, 0, sizeof(*r));
    arena_init(&r->arena, 4 * MIB);
    buf_init(&r->out, 64 * MIB);
    r->head.method = str_c(method);
    split_target(&r->head, target);
    ask_read(&r->q, &r->arena, &r->head, str_c(body));
    ask_settle(&r->q);
    const struct ask *q = &r->q;
    if (q->fault.status) {
        q->shape->fault(q, &q->fault, &r->out);
    } else if (!q->stream) {
        q->shape->whole(q, &r->out);
    } else {
        for (const struct part *p = q->shape->parts; p->count; p++)
            for (unsigned k = 0; k < p->count(q); k++)
                p->write(q, k, r->events++, &r->out);
        assert_int_equal(r->events, ask_events(q));
    }
    assert_false(r->out.full);
    r->doc = json_parse(buf_str(&r->out));
    r->root = json_root(r->doc);
    ask_done(&r->q);
}

static void end(struct round *r)
{
    json_free(r->doc);
    buf_done(&r->out);
    arena_done(&r->arena);
}

/* "choices.0.message.content": a value by its path. */
static const struct json_val *at(const struct json_val *v, const char *path)
{
    struct str rest = str_c(path);
    while (rest.p && v) {
        char key[64];
        int64_t index = 0;
        struct str step = str_cut(&rest, '.');
        if (str_to_int(step, &index) == E_OK) {
            v = json_at(v, (size_t)index);
            continue;
        }
        snprintf(key, sizeof(key), "%.*s", STR_FMT(step));
        v = json_get(v, key);
    }
    return v;
}

static int64_t number(const struct json_val *root, const char *path)
{
    int64_t n = -1;
    return json_uint(at(root, path), &n) ? n : -1;
}

static struct str text(const struct json_val *root, const char *path)
{
    return json_str(at(root, path));
}

#define HELLO "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]"
#define SAYS_HELLO "You said: \"Hello\". This is the mock provider: the same request, the same answer."
#define TOOLS                                                                                                \
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"parameters\":{\"type\":"         \
    "\"object\","                                                                                            \
    "\"properties\":{\"city\":{\"type\":\"string\"},\"days\":{\"type\":\"integer\",\"minimum\":2},"          \
    "\"unit\":{\"enum\":[\"C\",\"F\"]},\"hours\":{\"type\":\"array\",\"items\":{\"type\":\"number\"}},"      \
    "\"exact\":{\"type\":[\"boolean\",\"null\"]}}}}}]"
#define WEATHER "{\"city\":\"mock\",\"days\":2,\"unit\":\"C\",\"hours\":[1],\"exact\":true}"

/* ---- words ---- */

static struct behaviour words_of(const char *model)
{
    struct behaviour how;
    memset(&how, 0xff, sizeof(how));
    words_read_model(&how, str_c(model));
    return how;
}

static void words_compose(void **state)
{
    (void)state;
    struct behaviour how = words_of("mock-slow-2000-cut-5-tps-7");
    assert_int_equal(how.slow, 2000);
    assert_int_equal(how.cut, 5);
    assert_int_equal(how.tps, 7);
    assert_int_equal(how.status, -1);
    assert_int_equal(words_of("mock-429").status, 429);
    assert_int_equal(words_of("@cf/mock-500").status, 500);
    assert_int_equal(words_of("anthropic.mock-cut-0-v1:0").cut, 0);
    assert_int_equal(words_of("mock-stall").stall, 1);
    assert_int_equal(words_of("mock-written1h-9").written1h, 9);
    assert_int_equal(words_of("mock-events-99999999999999999999").events, MOCK_EVENTS);
}

static void other_names_mean_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"gpt-4o-mini", "gpt-500",     "slow-5",     "",
                                        "mock",        "mock-4o-x-7", "hammock-500"};
    struct behaviour none;
    memset(&none, 0xff, sizeof(none));
    for (size_t i = 0; i < countof(names); i++) {
        struct behaviour how = words_of(names[i]);
        assert_memory_equal(&how, &none, sizeof(how));
    }
}

static void words_come_from_three_places(void **state)
{
    (void)state;
    struct round r;
    play(&r, "POST", "/v1/chat/completions?mock=slow-5&x=1", "{\"model\":\"mock-tps-3\"}");
    assert_int_equal(r.q.how.slow, 5);
    assert_int_equal(r.q.how.tps, 3);
    end(&r);
    play(&r, "GET", "/v1/models?model=mock-503", "");
    assert_int_equal(r.q.fault.status, 503);
    end(&r);
}

/* ---- OpenAI ---- */

static void chat_answers(void **state)
{
    (void)state;
    struct round r;
    play(&r, "POST", "/openai/v1/chat/completions", "{\"model\":\"gpt-x\"," HELLO "}");
    assert_str(text(r.root, "object"), STR("chat.completion"));
    assert_str(text(r.root, "model"), STR("gpt-x"));
    assert_str(text(r.root, "choices.0.message.content"), STR(SAYS_HELLO));
    assert_str(text(r.root, "choices.0.finish_reason"), STR("stop"));
    assert_int_equal(number(r.root, "usage.prompt_tokens"), 2);
    assert_int_equal(number(r.root, "usage.completion_tokens"), (int)tokens_of(strlen(SAYS_HELLO)));
    struct buf first = r.out;
    struct round again;
    play(&again, "POST", "/openai/v1/chat/completions", "{\"model\":\"gpt-x\"," HELLO "}");
    assert_str(buf_str(&again.out), buf_str(&first));
    end(&again);
    end(&r);
}

static void max_tokens_cuts(void **state)
{
    (void)state;
    struct round r;
    play(&r, "POST", "/chat/completions", "{\"max_completion_tokens\":2," HELLO "}");
    assert_str(text(r.root, "choices.0.message.content"), STR("You said"));
    assert_str(text(r.root, "choices.0.finish_reason"), STR("length"));
    assert_int_equal(number(r.root, "usage.completion_tokens"), 2);
    end(&r);
    play(&r, "POST", "/chat/completions", "{\"model\":\"mock-big-1000\",\"max_tokens\":2," HELLO "}");
    assert_int_equal(text(r.root, "choices.0.message.content").n, 1000);
    end(&r);
}

static void tools_are_called(void **state)
{
    (void)state;
    static const char *const calling[] = {
        "{" TOOLS ",\"messages\":[{\"role\":\"user\",\"content\":\"the weather?\"}]}",
        "{" TOOLS ",\"tool_choice\":\"required\"," HELLO "}",
        "{" TOOLS ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}," HELLO "}",
    };
    struct round r;
    for (size_t i = 0; i < countof(calling); i++) {
        play(&r, "POST", "/chat/completions", calling[i]);
        assert_str(text(r.root, "choices.0.message.tool_calls.0.function.name"), STR("weather"));
        assert_str(text(r.root, "choices.0.message.tool_calls.0.function.arguments"), STR(WEATHER));
        assert_str(text(r.root, "choices.0.finish_reason"), STR("tool_calls"));
        end(&r);
    }
    static const char *const talking[] = {
        "{" TOOLS "," HELLO "}",
        "{" TOOLS
        ",\"tool_choice\":\"none\",\"messages\":[{\"role\":\"user\",\"content\":\"the weather?\"}]}",
        "{" TOOLS ",\"messages\":[{\"role\":\"user\",\"content\":\"the weather?\"},"
        "{\"role\":\"tool\",\"content\":\"rain\"}]}",
    };
    for (size_t i = 0; i < countof(talking); i++) {
        play(&r, "POST", "/chat/completions", talking[i]);
        assert_non_null(text(r.root, "choices.0.message.content").p);
        assert_int_equal(
            str_starts(text(r.root, "choices.0.message.content"), STR("The tool said: \"rain\".")), i == 2);
        end(&r);
    }
}

static void schemas_are_obeyed(void **state)
{
    (void)state;
    struct round r;
    play(&r, "POST", "/chat/completions",
         "{\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"object\","
         "\"properties\":"
         "{\"step\":{\"$ref\":\"#/$defs/s\"},\"c\":{\"const\":7},\"o\":{\"anyOf\":[{\"type\":\"null\"},{}]}},"
         "\"$defs\":{\"s\":{\"type\":\"object\",\"properties\":{\"t\":{\"type\":\"string\"}}}}}}}," HELLO
         "}");
    assert_str(text(r.root, "choices.0.message.content"),
               STR("{\"step\":{\"t\":\"Hello\"},\"c\":7,\"o\":null}"));
    end(&r);
    /* a schema that contains itself twice must not take the machine with it */
    play(&r, "POST", "/chat/completions",
         "{\"response_format\":{\"json_schema\":{\"schema\":{\"$ref\":\"#/$defs/"
         "s\",\"$defs\":{\"s\":{\"properties\":"
         "{\"a\":{\"$ref\":\"#/$defs/s\"},\"b\":{\"$ref\":\"#/$defs/s\"}}}}}}}," HELLO "}");
    assert_true(r.out.n < 64 * KIB);
    assert_non_null(r.root);
    end(&r);
}

/* ---- streams of server-sent events ---- */

struct seen {
    struct buf said; /* text deltas, joined */
    unsigned events, with_usage, null_usage;
    int64_t in, out;
    const char *delta; /* where the text is */
    struct str last;
    char name[64];
};

static void see(void *arg, const struct sse_event *ev)
{
    struct seen *s = arg;
    s->events++;
    snprintf(s->name, sizeof(s->name), "%.*s", STR_FMT(ev->name));
    if (str_eq(ev->data, STR("[DONE]")))
        return;
    struct json_doc *d = json_parse(ev->data);
    assert_non_null(d);
    const struct json_val *root = json_root(d);
    struct str delta = text(root, s->delta);
    (void)buf_append(&s->said, delta);
    s->null_usage += json_type(json_get(root, "usage")) == JSON_NULL;
    if (json_type(json_get(root, "usage")) == JSON_OBJECT) {
        s->with_usage++;
        s->in = number(root, "usage.prompt_tokens");
        s->out = number(root, "usage.completion_tokens");
    }
    json_free(d);
}

static struct seen watch(struct round *r, const char *delta)
{
    struct seen s = {.delta = delta};
    struct sse sse;
    buf_init(&s.said, 1 * MIB);
    sse_init(&sse);
    assert_int_equal(sse_feed(&sse, buf_str(&r->out), see, &s), E_OK);
    assert_int_equal(sse.carry.n, 0); /* the last event is complete */
    sse_done(&sse);
    assert_int_equal(s.events, r->events);
    return s;
}

static void chat_streams(void **state)
{
    (void)state;
    struct round r;
    play(&r, "POST", "/chat/completions", "{\"stream\":true," HELLO "}");
    struct seen s = watch(&r, "choices.0.delta.content");
    assert_str(buf_str(&s.said), STR(SAYS_HELLO));
    assert_int_equal(s.with_usage + s.null_usage, 0);
    buf_done(&s.said);
    end(&r);
    play(&r, "POST", "/chat/completions",
         "{\"model\":\"mock-events-64-cached-10-reasoning-5\",\"stream\":true,\"stream_options\":{\"include_"
         "usage\":"
         "true}," HELLO "}");
    s = watch(&r, "choices.0.delta.content");
    assert_int_equal(s.events, 64);
    assert_int_equal(s.with_usage, 1);
    assert_int_equal(s.null_usage, 62); /* all but the usage chunk and [DONE] */
    assert_int_equal(s.in, 12);
    assert_int_equal(s.out, r.q.tokens_out + 5);
    buf_done(&s.said);
    end(&r);
}

static void pieces_keep_characters_whole(void **state)
{
    (void)state;
    struct round r;
    for (unsigned events = 5; events < 40; events++) {
        char body[256];
        snprintf(body, sizeof(body),
                 "{\"model\":\"mock-events-%u\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":"
                 "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9\"}]}",
                 events);
        play(&r, "POST", "/chat/completions", body);
        struct seen s = watch(&r, "choices.0.delta.content");
        assert_int_equal(s.events, events);
        assert_true(
            str_starts(buf_str(&s.said), STR("You said: \"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9\"")));
        buf_done(&s.said);
        end(&r);
    }
}

static void arguments_stream(void **state)
{
    (void)state;
    struct round r;
    play(&r, "POST", "/chat/completions",
         "{\"stream\":true,\"tool_choice\":\"required\"," TOOLS "," HELLO "}");
    struct seen s = watch(&r, "choices.0.delta.tool_calls.0.function.arguments");
    assert_str(buf_str(&s.said), STR(WEATHER));
    buf_done(&s.said);
    end(&r);
}

static void streams_repeat_the_whole(void **state)
{
    (void)state;
    static const struct {
        const char *path, *member, *delta;
    } rows[] = {
        {"/v1/completions", "\"prompt\":\"Hello\"", "choices.0.text"},
        {"/v1/responses", "\"input\":\"Hello\"", "delta"},
        {"/v1/messages", HELLO, "delta.text"},
        {"/v2/chat", HELLO, "delta.message.content.text"},
        {"/accounts/a/ai/run/@cf/x", HELLO, "response"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char body[256];
        struct round r;
        snprintf(body, sizeof(body), "{\"stream\":true,%s}", rows[i].member);
        play(&r, "POST", rows[i].path, body);
        struct seen s = watch(&r, rows[i].delta);
        assert_str(buf_str(&s.said), STR(SAYS_HELLO));
        buf_done(&s.said);
        end(&r);
    }
}

static void flavours_differ_in_usage(void **state)
{
    (void)state;
    struct round r;
    static const char body[] = "{\"model\":\"mock-reasoning-5-cached-3\"," HELLO "}";
    play(&r, "POST", "/grok/v1/chat/completions", body);
    assert_int_equal(number(r.root, "usage.completion_tokens"), r.q.tokens_out);
    assert_int_equal(number(r.root, "usage.total_tokens"), r.q.tokens_out + 5 + 5);
    end(&r);
    play(&r, "POST", "/deepseek/chat/completions", body);
    assert_int_equal(number(r.root, "usage.prompt_cache_hit_tokens"), 3);
    assert_int_equal(number(r.root, "usage.prompt_cache_miss_tokens"), 2);
    end(&r);
    play(&r, "POST", "/openrouter/v1/chat/completions", body);
    assert_true(json_num(at(r.root, "usage.cost"), 0) > 0);
    end(&r);
    play(&r, "POST", "/perplexity-ai/chat/completions", "{\"stream\":true," HELLO "}");
    struct seen s = watch(&r, "choices.0.delta.content");
    assert_int_equal(s.with_usage, r.events - 1);
    buf_done(&s.said);
    end(&r);
    play(&r, "POST", "/groq/openai/v1/chat/completions", "{\"stream\":true," HELLO "}");
    assert_true(str_has(buf_str(&r.out), STR("\"x_groq\":{")));
    end(&r);
}

static void embeddings_have_their_size(void **state)
{
    (void)state;
    struct round r;
    play(&r, "POST", "/v1/embeddings", "{\"input\":[\"a\",\"b\"],\"dimensions\":8}");
    assert_int_equal(json_count(at(r.root, "data")), 2);
    assert_int_equal(json_count(at(r.root, "data.1.embedding")), 8);
    end(&r);
    play(&r, "POST", "/v1/embeddings", "{\"input\":\"a\",\"encoding_format\":\"base64\"}");
    assert_int_equal(text(r.root, "data.0.embedding").n, 1536 * 4 * 4 / 3);
    end(&r);
}

/* ---- the others ---- */

static void anthropic_counts_apart(void **state)
{
    (void)state;
    struct round r;
    play(&r, "POST", "/v1/messages",
         "{\"model\":\"mock-cached-7-written-8-written1h-9-reasoning-4\",\"max_tokens\":100," HELLO "}");
    assert_int_equal(number(r.root, "usage.input_tokens"), 2);
    assert_int_equal(number(r.root, "usage.cache_read_input_tokens"), 7);
    assert_int_equal(number(r.root, "usage.cache_creation_input_tokens"), 17);
    assert_int_equal(number(r.root, "usage.cache_creation.ephemeral_1h_input_tokens"), 9);
    assert_int_equal(number(r.root, "usage.output_tokens"), r.q.tokens_out + 4);
    assert_str(text(r.root, "content.0.text"), STR(SAYS_HELLO));
    end(&r);
    play(&r, "POST", "/v1/messages",
         "{\"tools\":[{\"name\":\"t\",\"input_schema\":{\"type\":\"object\"}}],\"tool_choice\":{\"type\":"
         "\"any\"}," HELLO "}");
    assert_str(text(r.root, "content.0.type"), STR("tool_use"));
    assert_str(text(r.root, "stop_reason"), STR("tool_use"));
    assert_int_equal(json_type(at(r.root, "content.0.input")), JSON_OBJECT);
    end(&r);
    play(&r, "POST", "/v1/messages/count_tokens", "{" HELLO "}");
    assert_int_equal(number(r.root, "input_tokens"), 2);
    end(&r);
}

#define GEMINI_HELLO "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hello\"}]}]"

static void gemini_counts_thoughts_apart(void **state)
{
    (void)state;
    struct round r;
    play(&r, "POST", "/v1beta/models/mock-cached-7-reasoning-4:generateContent", "{" GEMINI_HELLO "}");
    assert_int_equal(number(r.root, "usageMetadata.promptTokenCount"), 9);
    assert_int_equal(number(r.root, "usageMetadata.cachedContentTokenCount"), 7);
    assert_int_equal(number(r.root, "usageMetadata.candidatesTokenCount"), r.q.tokens_out);
    assert_int_equal(number(r.root, "usageMetadata.thoughtsTokenCount"), 4);
    assert_int_equal(number(r.root, "usageMetadata.totalTokenCount"), 9 + r.q.tokens_out + 4);
    assert_str(text(r.root, "modelVersion"), STR("mock-cached-7-reasoning-4"));
    assert_str(text(r.root, "candidates.0.content.parts.0.text"), STR(SAYS_HELLO));
    end(&r);
}

static void gemini_streams_both_ways(void **state)
{
    (void)state;
    struct round r;
    play(&r, "POST", "/v1beta/models/mock-events-6:streamGenerateContent", "{" GEMINI_HELLO "}");
    assert_int_equal(json_count(r.root), 6); /* one JSON array */
    assert_str(text(r.root, "5.candidates.0.finishReason"), STR("STOP"));
    assert_null(at(r.root, "4.candidates.0.finishReason"));
    assert_null(at(r.root, "0.usageMetadata.candidatesTokenCount"));
    end(&r);
    play(&r, "POST", "/v1beta/models/g:streamGenerateContent?alt=sse", "{" GEMINI_HELLO "}");
    assert_true(str_ends(buf_str(&r.out), STR("}\r\n\r\n")));
    struct seen s = watch(&r, "candidates.0.content.parts.0.text");
    assert_str(buf_str(&s.said), STR(SAYS_HELLO));
    buf_done(&s.said);
    end(&r);
}

static void cohere_bills_units(void **state)
{
    (void)state;
    struct round r;
    play(&r, "POST", "/v2/chat", "{\"model\":\"command\"," HELLO "}");
    assert_int_equal(number(r.root, "usage.billed_units.input_tokens"), 2);
    assert_true(number(r.root, "usage.tokens.input_tokens") > 2);
    assert_str(text(r.root, "message.content.0.text"), STR(SAYS_HELLO));
    end(&r);
    play(&r, "POST", "/cohere/v1/chat", "{\"message\":\"Hello\",\"stream\":true}");
    struct str rest = buf_str(&r.out), line = {NULL, 0};
    unsigned lines = 0;
    while (rest.n) {
        line = str_cut(&rest, '\n');
        lines++;
    }
    assert_int_equal(lines, r.events);
    struct json_doc *d = json_parse(line);
    assert_str(text(json_root(d), "event_type"), STR("stream-end"));
    assert_int_equal(number(json_root(d), "response.meta.billed_units.input_tokens"), 2);
    assert_str(text(json_root(d), "response.text"), STR(SAYS_HELLO));
    json_free(d);
    end(&r);
}

static void workers_ai_wraps(void **state)
{
    (void)state;
    struct round r;
    play(&r, "POST", "/client/v4/accounts/a/ai/run/@cf%2Fmeta%2Fllama", "{\"prompt\":\"Hello\"}");
    assert_str(r.q.model, STR("@cf/meta/llama"));
    assert_str(text(r.root, "result.response"), STR(SAYS_HELLO));
    assert_true(json_bool(at(r.root, "success"), false));
    end(&r);
    play(&r, "POST", "/run/@cf/baai/bge", "{\"text\":[\"a\",\"b\"]}");
    assert_int_equal(number(r.root, "result.shape.0"), 2);
    assert_int_equal(json_count(at(r.root, "result.data.1")), 768);
    end(&r);
}

#define CONVERSE_HELLO "\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"Hello\"}]}]"

struct frames {
    struct buf said;
    unsigned n;
    int64_t total;
    bool metrics;
};

static void see_frame(void *arg, const struct aws_frame *f)
{
    struct frames *s = arg;
    struct arena a;
    arena_init(&a, 1 * MIB);
    s->n++;
    assert_str(f->message_type, STR("event"));
    struct json_doc *d = json_parse(f->payload), *inner = NULL;
    assert_non_null(d);
    const struct json_val *root = json_root(d);
    struct str bytes;
    if (json_get(root, "bytes")) {
        assert_str(f->event_type, STR("chunk"));
        assert_int_equal(base64_decode(&a, text(root, "bytes"), &bytes), E_OK);
        inner = json_parse(bytes);
        assert_non_null(inner);
        root = json_root(inner);
        s->metrics = json_get(root, "amazon-bedrock-invocationMetrics") != NULL;
        if (json_get(root, "contentBlockDelta"))
            root = json_get(root, "contentBlockDelta");
    }
    (void)buf_append(&s->said, text(root, "delta.text"));
    if (at(root, "usage.totalTokens"))
        s->total = number(root, "usage.totalTokens");
    json_free(inner);
    json_free(d);
    arena_done(&a);
}

static void bedrock_streams_frames(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/model/mock-cached-7/converse-stream",
        "/model/anthropic.claude-v2%3A0/invoke-with-response-stream",
        "/model/us.amazon.nova-pro-v1:0/invoke-with-response-stream",
    };
    for (size_t i = 0; i < countof(paths); i++) {
        struct round r;
        struct aws_stream stream;
        struct frames s = {.total = -1};
        play(&r, "POST", paths[i], "{" CONVERSE_HELLO "}");
        buf_init(&s.said, 64 * KIB);
        aws_stream_init(&stream);
        assert_int_equal(aws_stream_feed(&stream, buf_str(&r.out), see_frame, &s), E_OK);
        aws_stream_done(&stream);
        assert_int_equal(s.n, r.events);
        assert_str(buf_str(&s.said), STR(SAYS_HELLO));
        if (i == 0)
            assert_int_equal(s.total, 2 + 7 + r.q.tokens_out);
        assert_int_equal(s.metrics, i > 0);
        buf_done(&s.said);
        end(&r);
    }
}

static void bedrock_answers(void **state)
{
    (void)state;
    struct round r;
    play(&r, "POST", "/model/eu.mock-written-5%3A0/converse", "{" CONVERSE_HELLO "}");
    assert_str(r.q.model, STR("eu.mock-written-5:0"));
    assert_str(text(r.root, "output.message.content.0.text"), STR(SAYS_HELLO));
    assert_int_equal(number(r.root, "usage.inputTokens"), 2);
    assert_int_equal(number(r.root, "usage.cacheWriteInputTokens"), 5);
    end(&r);
    play(&r, "POST", "/model/c/converse",
         "{\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":\"t\",\"inputSchema\":{\"json\":{\"type\":"
         "\"object\","
         "\"properties\":{\"a\":{\"type\":\"boolean\"}}}}}}],\"toolChoice\":{\"any\":{}}}," CONVERSE_HELLO
         "}");
    assert_str(text(r.root, "stopReason"), STR("tool_use"));
    assert_true(json_bool(at(r.root, "output.message.content.0.toolUse.input.a"), false));
    end(&r);
}

/* ---- the meter reads what the mock reports ---- */

static void feed_sse(void *arg, const struct sse_event *ev)
{
    meter_sse(arg, ev);
}

static void feed_frame(void *arg, const struct aws_frame *f)
{
    meter_aws(arg, f);
}

static void feed(struct meter *m, const struct round *r)
{
    struct str type = r->q.stream ? r->q.shape->stream_type : r->q.shape->type;
    struct aws_stream frames;
    struct sse sse;
    if (str_starts(type, STR("text/event-stream"))) {
        sse_init(&sse);
        assert_int_equal(sse_feed(&sse, buf_str(&r->out), feed_sse, m), E_OK);
        sse_done(&sse);
    } else if (str_has(type, STR("eventstream"))) {
        aws_stream_init(&frames);
        assert_int_equal(aws_stream_feed(&frames, buf_str(&r->out), feed_frame, m), E_OK);
        aws_stream_done(&frames);
    } else {
        meter_json(m, buf_str(&r->out));
    }
}

#define WORDS "?mock=cached-7-written-5-written1h-3-reasoning-9"
#define STREAM "\"stream\":true,\"stream_options\":{\"include_usage\":true},"

static void usage_is_understood(void **state)
{
    (void)state;
    enum { WRITES = 1, WRITES_1H = 2, NO_CACHED = 4 }; /* parts the provider reports, or not */
    static const struct {
        const char *slug, *rest, *body;
        unsigned reports;
    } rows[] = {
        {"openai", "chat/completions", "{" HELLO "}", WRITES},
        {"openai", "chat/completions", "{" STREAM HELLO "}", WRITES},
        {"openai", "responses", "{\"input\":\"Hello\"}", WRITES},
        {"openai", "responses", "{\"stream\":true,\"input\":\"Hello\"}", WRITES},
        {"openai", "completions", "{\"prompt\":\"Hello\"}", WRITES},
        {"openai", "completions", "{" STREAM "\"prompt\":\"Hello\"}", WRITES},
        {"groq", "openai/v1/chat/completions", "{\"stream\":true," HELLO "}", WRITES},
        {"grok", "v1/chat/completions", "{" HELLO "}", WRITES},
        {"grok", "v1/chat/completions", "{\"stream\":true," HELLO "}", WRITES},
        {"deepseek", "chat/completions", "{\"stream\":true," HELLO "}", WRITES},
        {"mistral", "v1/chat/completions", "{\"stream\":true," HELLO "}", WRITES},
        {"perplexity-ai", "chat/completions", "{\"stream\":true," HELLO "}", WRITES},
        {"openrouter", "chat/completions", "{\"stream\":true," HELLO "}", WRITES},
        {"anthropic", "v1/messages", "{" HELLO "}", WRITES | WRITES_1H},
        {"anthropic", "v1/messages", "{\"stream\":true," HELLO "}", WRITES | WRITES_1H},
        {"google-ai-studio", "v1beta/models/g:generateContent", "{" GEMINI_HELLO "}", 0},
        {"google-ai-studio", "v1beta/models/g:streamGenerateContent", "{" GEMINI_HELLO "}", 0},
        {"cohere", "v2/chat", "{" HELLO "}", NO_CACHED},
        {"cohere", "v2/chat", "{\"stream\":true," HELLO "}", NO_CACHED},
        {"cohere", "v1/chat", "{\"message\":\"Hello\"}", NO_CACHED},
        {"cohere", "v1/chat", "{\"stream\":true,\"message\":\"Hello\"}", NO_CACHED},
        {"workers-ai", "run/@cf/x", "{" HELLO "}", 0},
        {"workers-ai", "run/@cf/x", "{\"stream\":true," HELLO "}", 0},
        {"aws-bedrock", "bedrock-runtime/us-east-1/model/c/converse", "{" CONVERSE_HELLO "}",
         WRITES | WRITES_1H},
        {"aws-bedrock", "bedrock-runtime/us-east-1/model/c/converse-stream", "{" CONVERSE_HELLO "}",
         WRITES | WRITES_1H},
        {"aws-bedrock", "bedrock-runtime/us-east-1/model/anthropic.claude/invoke", "{" HELLO "}",
         WRITES | WRITES_1H},
        {"aws-bedrock", "bedrock-runtime/us-east-1/model/anthropic.claude/invoke-with-response-stream",
         "{" HELLO "}", WRITES | WRITES_1H},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct round r;
        struct operation op;
        struct meter m;
        char target[256];
        const struct provider *p = provider_find(str_c(rows[i].slug));
        assert_non_null(p);
        snprintf(target, sizeof(target), "/%s/%s" WORDS, rows[i].slug, rows[i].rest);
        play(&r, "POST", target, rows[i].body);
        provider_operation(&r.arena, p, STR("POST"), str_c(rows[i].rest), &op);
        meter_init(&m, p, op.dialect);
        feed(&m, &r);
        const struct usage *u = meter_usage(&m);
        int64_t in = 2 + 7 + 5 + 3, out = r.q.tokens_out + 9;
        if (!u->known || u->input != in || u->output != out || m.error)
            fail_msg("%s %s: known %d, input %lld, output %lld, want %lld and %lld", rows[i].slug,
                     rows[i].body, u->known, (long long)u->input, (long long)u->output, (long long)in,
                     (long long)out);
        if (u->cached != (rows[i].reports & NO_CACHED ? 0 : 7) ||
            u->cache_write != (rows[i].reports & WRITES ? 8 : 0) ||
            u->cache_write_1h != (rows[i].reports & WRITES_1H ? 3 : 0))
            fail_msg("%s %s: cached %lld, written %lld, of it 1h %lld", rows[i].slug, rows[i].rest,
                     (long long)u->cached, (long long)u->cache_write, (long long)u->cache_write_1h);
        if (r.q.stream && !m.complete)
            fail_msg("%s %s: not complete", rows[i].slug, rows[i].rest);
        end(&r);
    }
}

/* ---- errors and echo ---- */

static void errors_take_the_providers_form(void **state)
{
    (void)state;
    static const struct {
        const char *target, *body, *path, *want;
    } rows[] = {
        {"/v1/chat/completions", "{\"model\":\"mock-429\"}", "error.code", "rate_limit_exceeded"},
        {"/v1/messages", "{\"model\":\"mock-529\"}", "error.type", "overloaded_error"},
        {"/v1/models/mock-403:generateContent", "{}", "error.status", "PERMISSION_DENIED"},
        {"/v1/models/mock-500:streamGenerateContent", "{}", "0.error.status", "INTERNAL"},
        {"/v2/chat", "{\"model\":\"mock-500\"}", "message",
         "The mock provider answers 500 because the request asks for it."},
        {"/model/mock-400/converse", "{}", "message",
         "The mock provider answers 400 because the request asks for it."},
        {"/ai/run/@cf/mock-500", "{}", "errors.0.message",
         "The mock provider answers 500 because the request asks for it."},
        {"/v1/chat/completions", "{oops", "error.message", "The request body is not a JSON object."},
        {"/v1/messages", "[]", "error.type", "invalid_request_error"},
        {"/v1/nothing", "{}", "error.message", "The mock provider does not know this path."},
        {"/anthropic/v1/nothing", "{}", "error.type", "not_found_error"},
        {"/v1beta/nothing", "{}", "error.status", "NOT_FOUND"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct round r;
        play(&r, "POST", rows[i].target, rows[i].body);
        assert_true(r.q.fault.status >= 400);
        assert_str(text(r.root, rows[i].path), str_c(rows[i].want));
        end(&r);
    }
}

static void echo_shows_what_came(void **state)
{
    (void)state;
    struct round r;
    play(&r, "PUT", "/x/y/__echo?a=b", "raw \xff");
    assert_str(text(r.root, "method"), STR("PUT"));
    assert_str(text(r.root, "target"), STR("/x/y/__echo?a=b"));
    assert_int_equal(number(r.root, "body_bytes"), 5);
    assert_int_equal(text(r.root, "body_sha256").n, 64);
    end(&r);
    play(&r, "POST", "/v1/chat/completions", "{\"model\":\"mock-echo\",\"max_tokens\":1," HELLO "}");
    struct json_doc *inner = json_parse(text(r.root, "choices.0.message.content"));
    assert_str(text(json_root(inner), "target"), STR("/v1/chat/completions"));
    json_free(inner);
    end(&r);
    play(&r, "POST", "/unknown/path?mock=echo", "x");
    assert_str(text(r.root, "body"), STR("x"));
    end(&r);
}

/* ---- the service, over a real server ---- */

struct client {
    struct loop *loop;
    struct server *server;
    struct mock *mock;
    struct conn *conn;
    struct buf got;
    struct timer timer;
    size_t stop_at; /* bytes after which the loop stops; 0: at the end of the connection */
    bool ended;
};

static void client_stop(struct client *c)
{
    loop_stop(c->loop);
}

static void client_read(void *owner, struct conn *conn, struct str bytes)
{
    struct client *c = owner;
    (void)conn;
    assert_int_equal(buf_append(&c->got, bytes), E_OK);
    if (c->stop_at && c->got.n >= c->stop_at)
        client_stop(c);
}

static void client_end(void *owner, struct conn *conn, enum err why)
{
    struct client *c = owner;
    (void)why;
    conn_close(conn);
    c->conn = NULL;
    c->ended = true;
    client_stop(c);
}

static void client_late(struct timer *t)
{
    client_stop(container_of(t, struct client, timer));
}

static void render_nothing(struct buf *out, enum err e)
{
    (void)out, (void)e;
}

static const struct conn_events client_events = {.on_read = client_read, .on_end = client_end};

static void client_open(struct client *c, const char *profile)
{
    static const struct server_limits limits = {64 * KIB, 64 * MIB, 10000, 10000, 10000};
    static struct server_route route;
    const char *why = NULL;
    struct conn *other;
    memset(c, 0, sizeof(*c));
    buf_init(&c->got, 64 * MIB);
    c->loop = loop_new();
    c->mock = mock_new(c->loop, str_c(profile), &why);
    assert_non_null(c->mock);
    route = (struct server_route){STR(""), &mock_service, c->mock};
    c->server = server_new(c->loop, &limits, &route, 1, render_nothing);
    assert_int_equal(conn_pair(c->loop, &c->conn, &other), E_OK);
    conn_set_owner(c->conn, &client_events, c);
    server_accept(c->server, other);
    timer_init(&c->timer, c->loop, client_late);
}

static void client_ask(struct client *c, const char *body, const char *connection)
{
    char head[256];
    int n = snprintf(
        head, sizeof(head),
        "POST /v1/chat/completions HTTP/1.1\r\nHost: m\r\nConnection: %s\r\nContent-Length: %zu\r\n\r\n",
        connection, strlen(body));
    conn_write(c->conn, str_of(head, (size_t)n));
    conn_write(c->conn, str_c(body));
    timer_set(&c->timer, 5000);
    loop_run(c->loop);
    assert_true(timer_is_set(&c->timer)); /* no test takes that long */
    timer_stop(&c->timer);
}

static void client_done(struct client *c)
{
    if (c->conn)
        conn_close(c->conn);
    timer_stop(&c->timer);
    server_free(c->server);
    mock_free(c->mock);
    loop_free(c->loop);
    buf_done(&c->got);
}

static unsigned occurrences(const struct client *c, struct str needle)
{
    unsigned n = 0;
    for (struct str rest = buf_str(&c->got); str_has(rest, needle) && rest.n; n++)
        rest = str_from(rest, str_search(rest, needle) + needle.n);
    return n;
}

static void service_answers(void **state)
{
    (void)state;
    struct client c;
    client_open(&c, "");
    client_ask(&c, "{" HELLO "}", "close");
    assert_true(str_starts(buf_str(&c.got), STR("HTTP/1.1 200 OK\r\n")));
    assert_true(str_has(buf_str(&c.got), STR("x-request-id: req_")));
    assert_int_equal(occurrences(&c, STR("You said")), 1);
    client_done(&c);
    client_open(&c, "");
    client_ask(&c, "{\"model\":\"mock-429\"," HELLO "}", "close");
    assert_true(str_starts(buf_str(&c.got), STR("HTTP/1.1 429 ")));
    assert_true(str_has(buf_str(&c.got), STR("retry-after: 1\r\n")));
    client_done(&c);
}

static void service_streams(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        unsigned events;
        bool done, complete;
    } rows[] = {
        {"events-64", 64, true, true},
        {"events-1000", 1000, true, true},
        {"cut-5", 5, false, false},
        {"cut-0", 0, false, false},
        {"error-4", 5, false, true},
        {"events-9-tps-2000", 9, true, true},
        {"events-9-slow-5-ttft-5", 9, true, true},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct client c;
        char body[256];
        snprintf(body, sizeof(body), "{\"model\":\"mock-%s\",\"stream\":true," HELLO "}", rows[i].words);
        client_open(&c, "");
        client_ask(&c, body, "close");
        assert_int_equal(occurrences(&c, STR("data: ")), rows[i].events);
        assert_int_equal(occurrences(&c, STR("[DONE]")), rows[i].done);
        assert_int_equal(str_ends(buf_str(&c.got), STR("\r\n0\r\n\r\n")), rows[i].complete);
        client_done(&c);
    }
}

static void service_breaks_off(void **state)
{
    (void)state;
    struct client c;
    client_open(&c, "");
    client_ask(&c, "{\"model\":\"mock-reset\"," HELLO "}", "close");
    assert_int_equal(c.got.n, 0);
    client_done(&c);
    client_open(&c, "");
    client_ask(&c, "{\"model\":\"mock-big-10000-cut\"," HELLO "}", "close");
    assert_true(c.got.n > 5000 && c.got.n < 10000);
    client_done(&c);
}

/* Large answers wait for the client, and the connection serves the next request. */
static void service_keeps_going(void **state)
{
    (void)state;
    struct client c;
    client_open(&c, "");
    c.stop_at = 3000000;
    client_ask(&c, "{\"model\":\"mock-big-3000000\"," HELLO "}", "keep-alive");
    conn_pause(c.conn);
    c.stop_at = c.got.n + 2000000;
    conn_resume(c.conn);
    client_ask(&c, "{\"model\":\"mock-big-2000000-events-500\",\"stream\":true," HELLO "}", "close");
    while (!c.ended)
        loop_run(c.loop);
    assert_int_equal(occurrences(&c, STR("HTTP/1.1 200 OK")), 2);
    assert_int_equal(occurrences(&c, STR("data: ")), 500);
    client_done(&c);
}

/* Silent and slow answers end with their client; nothing is left behind. */
static void service_lets_go(void **state)
{
    (void)state;
    static const char *const words[] = {"stall-3", "tps-1", "cut-3", "error-2"};
    for (size_t i = 0; i < countof(words); i++) {
        struct client c;
        char body[256];
        snprintf(body, sizeof(body), "{\"model\":\"mock-%s\",\"stream\":true," HELLO "}", words[i]);
        client_open(&c, "");
        c.stop_at = 300;
        client_ask(&c, body, "keep-alive");
        assert_false(c.ended);
        client_done(&c);
    }
}

static void read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    buf_init(out, 1 * MIB);
    char *p = buf_room(out, 256 * KIB);
    buf_grew(out, fread(p, 1, 256 * KIB, f));
    fclose(f);
}

static void the_manual_is_current(void **state)
{
    (void)state;
    struct buf want, have;
    buf_init(&want, 1 * MIB);
    mock_document(&want);
    read_file(TEST_DATA "/../docs/mock.md", &have);
    if (!str_eq(buf_str(&have), buf_str(&want)))
        fail_msg("docs/mock.md is not what weir docs mock prints");
    buf_done(&want);
    buf_done(&have);
}

/* ---- profiles ---- */

static void profile_rules_apply(void **state)
{
    (void)state;
    const char *why = NULL;
    struct profile *p =
        profile_new(STR("{ // defaults\n \"latency_ms\": 40, \"rules\": ["
                        "{\"model\":\"gpt-*\",\"latency_ms\":7,\"events\":9},"
                        "{\"path\":\"*/limited\",\"rate_limit\":{\"requests\":2,\"window_ms\":1500}},]}"),
                    &why);
    assert_non_null(p);
    struct round r;
    play(&r, "POST", "/chat/completions", "{\"model\":\"gpt-x\"," HELLO "}");
    profile_apply(p, &r.q, 1, 1);
    assert_int_equal(r.q.how.slow, 7);
    assert_int_equal(r.q.how.events, 9);
    end(&r);
    play(&r, "POST", "/chat/completions", "{\"model\":\"mock-slow-3\"," HELLO "}");
    profile_apply(p, &r.q, 1, 2);
    assert_int_equal(r.q.how.slow, 3);
    end(&r);
    for (uint64_t i = 1; i <= 4; i++) {
        play(&r, "GET", "/limited", "");
        r.q.fault.status = 0;
        profile_apply(p, &r.q, i == 4 ? 1600 : 50 + i, i);
        assert_int_equal(r.q.fault.status, i == 3 ? 429 : 0);
        assert_int_equal(r.q.retry_after, i == 3 ? 2 : 0);
        end(&r);
    }
    profile_free(p);
}

static void failures_have_their_share(void **state)
{
    (void)state;
    const char *why = NULL;
    struct profile *p = profile_new(STR("{\"failure_rate\":0.25,\"failure_status\":503}"), &why);
    int failed = 0;
    for (uint64_t turn = 0; turn < 1000; turn++) {
        struct round r;
        play(&r, "POST", "/chat/completions", "{" HELLO "}");
        profile_apply(p, &r.q, 0, turn);
        failed += r.q.fault.status == 503;
        end(&r);
    }
    assert_in_range(failed, 200, 300);
    profile_free(p);
}

static void profiles_of_the_benchmarks_load(void **state)
{
    (void)state;
    static const char *const names[] = {"small", "sse", "provider"};
    for (size_t i = 0; i < countof(names); i++) {
        char path[512];
        const char *why = NULL;
        struct buf text;
        struct client c;
        snprintf(path, sizeof(path), "%s/../bench/profiles/%s.json", TEST_DATA, names[i]);
        read_file(path, &text);
        struct profile *p = profile_new(buf_str(&text), &why);
        if (!p)
            fail_msg("%s", why);
        (void)buf_append_byte(&text, '\0');
        if (i < 2) {
            client_open(&c, text.p);
            client_ask(&c, i ? "{\"stream\":true," HELLO "}" : "{" HELLO "}", "close");
            if (i == 0)
                assert_in_range(c.got.n - str_search(buf_str(&c.got), STR("{")), 580, 620);
            else
                assert_int_equal(occurrences(&c, STR("data: ")), 64);
            client_done(&c);
        }
        profile_free(p);
        buf_done(&text);
    }
}

static void profile_mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"{\"latncy_ms\":1}", "profile: latncy_ms is not a key"},
        {"{\"latency_ms\":-1}", "profile: latency_ms must be a whole number from 0 to 600000"},
        {"{\"rules\":[{},{\"failure_rate\":2}]}",
         "profile: rules[1].failure_rate must be a number from 0 to 1"},
        {"{\"model\":\"x\"}", "profile: model stands in a rule only"},
        {"{\"rules\":[{\"rate_limit\":5}]}",
         "profile: rules[0].rate_limit must be {\"requests\": N, \"window_ms\": N}"},
        {"{\n\n  \"latency_ms\" 5}", "profile: line 3: "},
        {"[]", "profile: the file must be an object"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        const char *why = NULL;
        assert_null(profile_new(str_c(rows[i].text), &why));
        assert_non_null(why);
        if (!str_starts(str_c(why), str_c(rows[i].why)))
            fail_msg("got \"%s\", want \"%s\"", why, rows[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_compose),
        cmocka_unit_test(other_names_mean_nothing),
        cmocka_unit_test(words_come_from_three_places),
        cmocka_unit_test(chat_answers),
        cmocka_unit_test(max_tokens_cuts),
        cmocka_unit_test(tools_are_called),
        cmocka_unit_test(schemas_are_obeyed),
        cmocka_unit_test(chat_streams),
        cmocka_unit_test(pieces_keep_characters_whole),
        cmocka_unit_test(arguments_stream),
        cmocka_unit_test(streams_repeat_the_whole),
        cmocka_unit_test(flavours_differ_in_usage),
        cmocka_unit_test(embeddings_have_their_size),
        cmocka_unit_test(anthropic_counts_apart),
        cmocka_unit_test(gemini_counts_thoughts_apart),
        cmocka_unit_test(gemini_streams_both_ways),
        cmocka_unit_test(cohere_bills_units),
        cmocka_unit_test(workers_ai_wraps),
        cmocka_unit_test(bedrock_streams_frames),
        cmocka_unit_test(bedrock_answers),
        cmocka_unit_test(usage_is_understood),
        cmocka_unit_test(errors_take_the_providers_form),
        cmocka_unit_test(echo_shows_what_came),
        cmocka_unit_test(service_answers),
        cmocka_unit_test(service_streams),
        cmocka_unit_test(service_breaks_off),
        cmocka_unit_test(service_keeps_going),
        cmocka_unit_test(service_lets_go),
        cmocka_unit_test(the_manual_is_current),
        cmocka_unit_test(profile_rules_apply),
        cmocka_unit_test(failures_have_their_share),
        cmocka_unit_test(profiles_of_the_benchmarks_load),
        cmocka_unit_test(profile_mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
