/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge: every stream under golden/merge must become its merged.json, and every stream of golden/usage
 * something that is JSON. The rest are rules about what may not get lost.
 */
#include "tests/unit/golden.h"

#include "base/json.h"
#include "providers/merge.h"

static const struct str sse_type = S("text/event-stream; charset=utf-8");

/* ---- golden cases ---- */

static const struct {
    const char *ending;
    struct str content_type;
} kinds[] = {
    {"sse", S("text/event-stream")},
    {"ndjson", S("application/stream+json")},
    {"frames", S("application/vnd.amazon.eventstream")},
};

/* Merges a case's stream into out; false when the case has none of this kind. */
static bool merge_case(const char *what, const char *name, const char *file, size_t kind, struct buf *out)
{
    char path[64];
    struct buf body, frames;
    snprintf(path, sizeof(path), "%s.%s", file, kinds[kind].ending);
    struct str bytes = golden_read(what, name, path, &body);
    buf_init(&frames, 0);
    buf_init(out, 4 * MIB);
    if (bytes.p && strcmp(kinds[kind].ending, "frames") == 0)
        bytes = golden_frames(bytes, &frames);
    if (bytes.p && !merge_stream(kinds[kind].content_type, bytes, out))
        fail_msg("%s is not merged", name);
    buf_done(&frames);
    buf_done(&body);
    return bytes.p != NULL;
}

static void compare(const char *name, struct str merged)
{
    struct buf file, want;
    struct json_doc *doc = json_parse(golden_read("merge", name, "merged.json", &file));
    if (!doc)
        fail_msg("%s has no merged.json", name);
    buf_init(&want, MIB);
    struct json_out w = json_out(&want);
    json_put_val(&w, json_root(doc));
    want.n--; /* its closing brace: streamed_data follows instead */
    struct str got = str_head(merged, str_search(merged, STR(",\"streamed_data\":[")));
    if (!str_eq(got, buf_str(&want)))
        fail_msg("%s: got %.*s, want %.*s", name, STR_FMT(got), STR_FMT(buf_str(&want)));
    json_free(doc);
    buf_done(&want);
    buf_done(&file);
}

static void run_merge_case(const char *name)
{
    struct buf out;
    bool found = false;
    for (size_t i = 0; i < countof(kinds); i++) {
        if (merge_case("merge", name, "stream", i, &out)) {
            compare(name, buf_str(&out));
            found = true;
        }
        buf_done(&out);
    }
    if (!found)
        fail_msg("%s has no stream", name);
}

static void run_usage_case(const char *name)
{
    struct buf out;
    if (strcmp(name, "bedrock-invoke-stream-error-frame") == 0)
        return; /* its only frame is the error's */
    for (size_t i = 0; i < countof(kinds); i++) {
        if (merge_case("usage", name, "answer", i, &out)) {
            struct json_doc *doc = json_parse(buf_str(&out));
            if (json_count(json_get(json_root(doc), "streamed_data")) == 0)
                fail_msg("%s: %.*s", name, STR_FMT(buf_str(&out)));
            json_free(doc);
        }
        buf_done(&out);
    }
}

static void streams_of_all_providers(void **state)
{
    (void)state;
    assert_true(golden_each("merge", run_merge_case) > 10);
    assert_true(golden_each("usage", run_usage_case) > 100);
}

/* ---- single rules ---- */

#define EVENT(json) "data: " json "\n\n"

static void the_example_of_the_specification(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, KIB);
    assert_true(merge_stream(
        sse_type,
        STR(EVENT("{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":"
                  "\"assistant\",\"content\":\"Hello\"}}]}")
                EVENT("{\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" "
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

        cmocka_unit_test(what_is_no_stream_is_left_alone),
        cmocka_unit_test(an_output_that_does_not_fit_is_none),
        cmocka_unit_test(masses_of_members_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
