/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codecs: every file under golden/codec/<dialect>/ is read, written and read again, through its own codec and
 * through every other one and back, and must stay what it was, by the neutral form. The file's
 *
 *   lost     {"dialect": [paths]}: lines of ir_dump that do not survive the way through that dialect, beyond
 * what its writer notes with ir_drop. A path names lines that have it as some of their components in a row.
 *            {"dialect": "refused"}, or "refused" in the list: that dialect's writer says E_SYNTAX to the
 * request
 *
 * A loss that is listed and does not happen is a failure too.
 */
#include "tests/unit/codec_rig.h"

/* ---- comparing ---- */

static void same(struct str got, struct str want)
{
    if (!str_eq(got, want))
        broken("differs, want:\n%.*sgot:\n%.*s", STR_FMT(want), STR_FMT(got));
}

static void same_answer(const struct taken *got, const struct taken *want)
{
    struct buf a, b;
    buf_init(&a, 64 * MIB);
    buf_init(&b, 64 * MIB);
    dump_answer(&a, DUMP_EXACT, &got->answer);
    dump_answer(&b, DUMP_EXACT, &want->answer);
    same(buf_str(&a), buf_str(&b));
    buf_done(&b);
    buf_done(&a);
}

enum { LOST_MAX = 32 };
static struct {
    struct str names[LOST_MAX];
    bool needed[LOST_MAX];
    size_t n;
} lost; /* of the fixture, through `other` */

/* Are the components of `name` some of the path's, in a row? */
static bool names_path(struct str name, struct str path)
{
    for (;;) {
        if (str_starts(path, name) && (path.n == name.n || path.p[name.n] == '.'))
            return name.n > 0;
        size_t dot = str_find(path, '.');
        if (dot == path.n)
            return false;
        path = str_from(path, dot + 1);
    }
}

static bool is_excused(struct str line, const struct ir_strs *dropped, size_t but)
{
    struct str path = str_head(line, str_find(line, ' '));
    for (size_t i = 0; i < lost.n; i++)
        if (i != but && names_path(lost.names[i], path))
            return true;
    for (size_t i = 0; dropped && i < dropped->n; i++)
        if (names_path(dropped->v[i], path))
            return true;
    return false;
}

static struct str next_line(struct str *text, const struct ir_strs *dropped, size_t but)
{
    while (text->n) {
        struct str line = str_cut(text, '\n');
        if (!is_excused(line, dropped, but))
            return line;
    }
    return str_of(NULL, 0);
}

/* The first line in which they differ, excused ones left out; but: this one excuse does not count. */
static bool differ(struct str got, struct str want, const struct ir_strs *dropped, size_t but,
                   struct str *ret_got, struct str *ret_want)
{
    do {
        *ret_got = next_line(&got, dropped, but);
        *ret_want = next_line(&want, dropped, but);
        if (!str_eq(*ret_got, *ret_want))
            return true;
    } while (ret_got->p);
    return false;
}

/* The lines of one that the other has not, in no order. */
static void put_missing(struct buf *out, const char *mark, struct str of, struct str in)
{
    while (of.n) {
        struct str line = str_cut(&of, '\n'), rest = in;
        bool found = false;
        while (rest.n && !found)
            found = str_eq(str_cut(&rest, '\n'), line);
        if (!found)
            (void)buf_printf(out, "%s%.*s\n", mark, STR_FMT(line));
    }
}

static void same_but_lost(struct str got, struct str want, const struct ir_strs *dropped)
{
    struct str g, w;
    if (differ(got, want, dropped, SIZE_MAX, &g, &w)) {
        struct buf b; /* of a test that fails */
        buf_init(&b, 64 * MIB);
        put_missing(&b, "- ", want, got);
        put_missing(&b, "+ ", got, want);
        broken("want line \"%.*s\", got \"%.*s\"; in short:\n%.*swant:\n%.*sgot:\n%.*s", STR_FMT(w),
               STR_FMT(g), STR_FMT(buf_str(&b)), STR_FMT(want), STR_FMT(got));
    }
    for (size_t i = 0; i < lost.n; i++)
        lost.needed[i] |= differ(got, want, dropped, i, &g, &w);
}

static void same_answer_but_lost(const struct taken *got, const struct taken *want)
{
    struct buf a, b;
    buf_init(&a, 64 * MIB);
    buf_init(&b, 64 * MIB);
    dump_answer(&a, DUMP_SHARED, &got->answer);
    dump_answer(&b, DUMP_SHARED, &want->answer);
    same_but_lost(buf_str(&a), buf_str(&b), NULL);
    buf_done(&b);
    buf_done(&a);
}

/* ---- requests ---- */

static void dump_of(struct buf *b, enum dump how, const struct ir_request *r)
{
    buf_init(b, 64 * MIB);
    dump_request(b, how, r);
}

static void request_to_itself(struct arena *a, struct ir_request *first)
{
    struct buf body, d1, d2;
    struct ir_request again;
    buf_init(&body, 64 * MIB);
    dump_of(&d1, DUMP_EXACT, first);
    (void)write_request(a, me->codec, first, false, &body);
    read_request(a, me->codec, buf_str(&body), path_of(a, me->codec, first), &again);
    dump_of(&d2, DUMP_EXACT, &again);
    same(buf_str(&d2), buf_str(&d1));
    if (first->dropped.n)
        broken("dropped on the way to itself: %.*s", STR_FMT(first->dropped.v[0]));
    ir_request_done(&again);
    buf_done(&d2);
    buf_done(&d1);
    buf_done(&body);
}

static void request_through_other(struct arena *a, struct ir_request *first, bool refused)
{
    struct buf body, d3;
    struct ir_request second, third;
    buf_init(&body, 64 * MIB);
    if (write_request(a, other->codec, first, refused, &body)) {
        read_request(a, other->codec, buf_str(&body), path_of(a, other->codec, first), &second);
        (void)write_request(a, me->codec, &second, false, &body);
        read_request(a, me->codec, buf_str(&body), path_of(a, me->codec, &second), &third);
        plain(&third);
        dump_of(&d3, DUMP_SHARED, &third);
        struct ir_strs dropped = first->dropped;
        for (size_t i = 0; i < second.dropped.n; i++)
            assert_true(ir_add_str(a, &dropped, second.dropped.v[i]));
        struct buf d1; /* what is written is not changed: only what it is compared with */
        plain(first);
        dump_of(&d1, DUMP_SHARED, first);
        same_but_lost(buf_str(&d3), buf_str(&d1), &dropped);
        ir_request_done(&third);
        ir_request_done(&second);
        buf_done(&d3);
        buf_done(&d1);
    }
    buf_done(&body);
}

static void check_request(struct str body, bool refused)
{
    struct arena a;
    struct ir_request r;
    what = "request";
    arena_init(&a, 64 * MIB);
    read_request(&a, me->codec, body, json_str(json_get(root, "path")), &r);
    if (other)
        request_through_other(&a, &r, refused);
    else
        request_to_itself(&a, &r);
    ir_request_done(&r);
    arena_done(&a);
}

/* ---- whole answers ---- */

static void whole_through(const struct taken *first, const struct codec *c, struct taken *ret)
{
    struct buf body;
    struct str text = write_whole(&body, c, &first->answer);
    read_whole(ret, c, text);
    if (ret->err != E_OK)
        broken("%s: read_answer: %s\n%.*s", c->name, err_name(ret->err), STR_FMT(text));
    buf_done(&body);
}

/* Half an answer is none, wherever it was cut. */
static void whole_cut(struct str body)
{
    what = "whole, cut";
    for (size_t n = 0; n<body.n; n += body.n> 3 * KIB ? 7 : 1) {
        struct taken t;
        read_whole(&t, me->codec, str_head(body, n));
        if (t.err != E_SYNTAX || t.answer.ended)
            broken("at %zu: %s", n, err_name(t.err));
        taken_done(&t);
    }
}

static void check_whole(struct str body)
{
    struct taken first, second, third;
    what = "whole";
    read_whole(&first, me->codec, body);
    bool faulty = first.err == E_SYNTAX && first.answer.has_error; /* an error under a success status */
    if (first.err != E_OK && !faulty)
        broken("read_answer: %s", err_name(first.err));
    if (!faulty) {
        whole_through(&first, other ? other->codec : me->codec, &second);
        if (other) {
            whole_through(&second, me->codec, &third);
            same_answer_but_lost(&third, &first);
            taken_done(&third);
        } else {
            same_answer(&second, &first);
        }
        taken_done(&second);
    }
    taken_done(&first);
    if (!other)
        whole_cut(body);
}

/* ---- streams ---- */

static void stream_cut_in_pieces(struct str bytes, const struct taken *want)
{
    what = "stream in pieces";
    for (size_t first = 1; first<bytes.n; first += bytes.n> 3 * KIB ? 5 : 1) {
        struct taken t;
        read_stream(&t, me->codec, bytes, first, first == 1 ? 1 : bytes.n);
        if (!str_eq(buf_str(&t.log), buf_str(&want->log)))
            broken("cut at %zu, want:\n%.*sgot:\n%.*s", first, STR_FMT(buf_str(&want->log)),
                   STR_FMT(buf_str(&t.log)));
        taken_done(&t);
    }
}

static bool has_finish(const struct ir_answer *w)
{
    for (const struct ir_choice_answer *c = w->choices; c; c = c->next)
        if (c->finish != IR_FINISH_UNKNOWN)
            return true;
    return false;
}

/* A stream that ends before its time ends in an error; nobody makes up an end. */
static void stream_that_ends_early(void)
{
    what = "stream that ends early";
    for (size_t n = 0; n < json_count(json_get(root, "stream")); n++) {
        struct buf bytes;
        struct taken t;
        read_stream(&t, me->codec, stream_bytes(&bytes, n), SIZE_MAX, SIZE_MAX);
        if (!has_finish(&t.answer) && (t.answer.ended || (t.err == E_OK && !t.answer.has_error)))
            broken("after %zu events:\n%.*s", n, STR_FMT(buf_str(&t.log)));
        taken_done(&t);
        buf_done(&bytes);
    }
}

static void stream_through(const struct taken *first, const struct codec *c, struct taken *ret)
{
    struct buf body;
    struct str bytes = write_stream(&body, c, &first->answer);
    read_stream(ret, c, bytes, SIZE_MAX, SIZE_MAX);
    if (ret->err != E_OK)
        broken("%s: reading: %s\n%.*s", c->name, err_name(ret->err), STR_FMT(bytes));
    buf_done(&body);
}

static void check_stream(struct str whole)
{
    struct buf bytes;
    struct taken first, second, third;
    what = "stream";
    struct str all = stream_bytes(&bytes, SIZE_MAX);
    read_stream(&first, me->codec, all, SIZE_MAX, SIZE_MAX);
    if (first.err != E_OK)
        broken("reading: %s\n%.*s", err_name(first.err), STR_FMT(buf_str(&first.log)));
    stream_through(&first, other ? other->codec : me->codec, &second);
    if (other) {
        stream_through(&second, me->codec, &third);
        same_answer_but_lost(&third, &first);
        taken_done(&third);
    } else {
        same_answer(&second, &first);
        stream_cut_in_pieces(all, &first);
        stream_that_ends_early();
    }
    taken_done(&second);
    if (whole.p && !other) {
        what = "stream against whole";
        read_whole(&third, me->codec, whole);
        same_answer(&first, &third);
        taken_done(&third);
    }
    taken_done(&first);
    buf_done(&bytes);
}

/* ---- errors ---- */

static void error_through(struct arena *a, const struct codec *c, const struct ir_error *e,
                          struct ir_error *ret)
{
    struct buf b;
    buf_init(&b, MIB);
    c->write_error(e, &b);
    must_be_json(buf_str(&b));
    c->read_error(a, c->error_status(e), buf_str(&b), ret);
    buf_done(&b);
}

static void check_error(const struct json_val *error, struct str body)
{
    struct arena a;
    struct buf want, got;
    struct ir_error first, second;
    int64_t status = 0;
    what = "error";
    arena_init(&a, MIB);
    assert_true(json_uint(json_get(error, "status"), &status));
    me->codec->read_error(&a, (int)status, body, &first);
    error_through(&a, other ? other->codec : me->codec, &first, &second);
    buf_init(&want, MIB);
    buf_init(&got, MIB);
    dump_error(&want, &first);
    dump_error(&got, &second);
    if (other && (first.kind != second.kind || !str_eq(first.message, second.message)))
        broken("want:\n%.*sgot:\n%.*s", STR_FMT(buf_str(&want)), STR_FMT(buf_str(&got)));
    if (!other)
        same(buf_str(&got), buf_str(&want));
    buf_done(&got);
    buf_done(&want);
    arena_done(&a);
}

/* ---- files ---- */

/* True: the other refuses the request. */
static bool read_lost(void)
{
    const struct json_val *list = json_get(json_get(root, "lost"), other->name);
    bool refused = str_eq(json_str(list), STR("refused"));
    lost.n = 0;
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        assert_true(lost.n < LOST_MAX && json_str(it.val).p);
        if (str_eq(json_str(it.val), STR("refused"))) {
            refused = true;
            continue;
        }
        lost.names[lost.n] = json_str(it.val);
        lost.needed[lost.n++] = false;
    }
    return refused;
}

static void run_checks(struct arena *a)
{
    bool refused = other && read_lost();
    struct str request = text_of(a, json_get(root, "request")), whole = text_of(a, json_get(root, "whole"));
    const struct json_val *error = json_get(root, "error");
    if (request.p)
        check_request(request, refused);
    if (whole.p)
        check_whole(whole);
    if (json_get(root, "stream"))
        check_stream(whole);
    if (error)
        check_error(error, text_of(a, json_get(error, "body")));
    what = "lost";
    for (size_t i = 0; other && i < lost.n; i++)
        if (!lost.needed[i])
            broken("%.*s is not lost", STR_FMT(lost.names[i]));
}

static void run_file(void)
{
    struct arena a;
    arena_init(&a, 64 * MIB);
    run_checks(&a);
    for (other = speakers; other->name; other++)
        if (other != me)
            run_checks(&a);
    arena_done(&a);
}

/* ---- what is no answer ---- */

/* For nobody: half, empty, another thing. */
static const char *const no_answers[] = {
    "",
    " ",
    "null",
    "[]",
    "{}",
    "1",
    "\"x\"",
    "<html><title>502 Bad Gateway</title></html>",
    "{\"ok\":true}",
    "{\"detail\":\"Not Found\"}",
    "{\"message\":\"too many requests\"}",
    "{\"message\":null}",
    "{\"message\":{}}",
    "{\"message\":{\"role\":\"assistant\"}}",
    "{\"choices\":null}",
    "{\"choices\":[]}",
    "{\"choices\":{}}",
    "{\"choices\":[{}]}",
    "{\"choices\":[null]}",
    "{\"choices\":[{\"message\":null}]}",
    "{\"choices\":[{\"message\":{}}]}",
    "{\"choices\":[{\"message\":\"Hi\"}]}",
    "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":null},\"finish_reason\":null}]}",
    "{\"content\":null}",
    "{\"content\":[]}",
    "{\"content\":[5]}",
    "{\"type\":\"message\",\"content\":[]}",
    "{\"type\":\"message\",\"content\":[{\"type\":\"text\"}]}",
    "{\"type\":\"message\",\"content\":[{\"type\":\"tool_use\"}],\"stop_reason\":\"tool_use\"}",
    "{\"candidates\":null}",
    "{\"candidates\":[]}",
    "{\"candidates\":[{}]}",
    "{\"candidates\":[{\"content\":{}}]}",
    "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{}}]}}]}",
    "{\"usageMetadata\":{\"promptTokenCount\":1}}",
    "{\"promptFeedback\":{}}",
    "{\"output\":null}",
    "{\"output\":[]}",
    "{\"output\":{}}",
    "{\"output\":{\"message\":{}}}",
    "{\"output\":{\"message\":{\"content\":[]}}}",
    "{\"object\":\"response\",\"output\":[]}",
    "{\"object\":\"response\",\"status\":\"queued\",\"output\":[]}",
    "{\"object\":\"response\",\"status\":\"in_progress\",\"output\":[]}",
    "{\"stopReason\":\"end_turn\"}",
    "{\"finish_reason\":\"COMPLETE\"}",
};

static void what_is_no_answer(void **state)
{
    (void)state;
    what = "whole";
    other = NULL;
    for (me = speakers; me->name; me++)
        for (size_t i = 0; i < countof(no_answers); i++) {
            struct taken t;
            file = no_answers[i];
            read_whole(&t, me->codec, str_c(file));
            if (t.err != E_SYNTAX || t.log.n)
                broken("%s\n%.*s", err_name(t.err), STR_FMT(buf_str(&t.log)));
            taken_done(&t);
        }
}

/* For nobody who reads server-sent events; each would be an end if it were one's own. */
static const char *const no_streams[] = {
    "",
    "\n\n",
    ": comment\n\n",
    "<html><title>502 Bad Gateway</title></html>",
    "{\"error\":{\"message\":\"not a stream\"}}",
    "data: x\n\n",
    "data: null\n\n",
    "data: []\n\n",
    "data: {}\n\n",
    "data: [DONE]\n\n",
    "data: {}\n\ndata: [DONE]\n\n",
    "event: ping\ndata: {}\n\n",
    "data: {\"choices\":[]}\n\ndata: [DONE]\n\n",
    "data: {\"choices\":[{\"delta\":{}}]}\n\ndata: [DONE]\n\n",
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\ndata: [DONE]\n\n",
    "data: {\"candidates\":[]}\n\n",
    "data: {\"candidates\":[{}]}\n\n",
    "data: {\"usageMetadata\":{\"promptTokenCount\":1}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    "event: message_start\ndata: "
    "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\","
    "\"role\":\"assistant\",\"model\":\"m\",\"content\":[]}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    "data: {\"type\":\"response.completed\"}\n\n",
    "data: {\"type\":\"response.completed\",\"response\":{}}\n\n",
    "data: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"status\":\"in_progress\"}}\n\n",
    "data: {\"type\":\"message-end\"}\n\n",
    "data: {\"type\":\"message-start\"}\n\ndata: {\"type\":\"message-end\"}\n\n",
};

static void what_is_no_stream(void **state)
{
    (void)state;
    what = "stream";
    other = NULL;
    for (me = speakers; me->name; me++)
        for (size_t i = 0; is_sse(me->codec) && i < countof(no_streams); i++) {
            struct taken t;
            file = no_streams[i];
            read_stream(&t, me->codec, str_c(file), SIZE_MAX, SIZE_MAX);
            if (t.answer.ended || (t.err == E_OK && !t.answer.has_error))
                broken("%s\n%.*s", err_name(t.err), STR_FMT(buf_str(&t.log)));
            taken_done(&t);
        }
}

/* ---- cost ---- */

enum { WARM = 20, ROUNDS = 100, GROWTH = 12 };

/* One event all the way: from the provider's words to the client's. */
struct line {
    struct arena arena;
    struct codec_writer provider, client;
    struct codec_reader reader;
    struct buf wire, out;
    struct sse sse;
    struct aws_stream aws;
    struct ir_request request;
};

static void on_line_event(void *arg, const struct ir_event *ev)
{
    struct line *l = arg;
    assert_int_equal(l->client.codec->write_event(&l->client, ev), E_OK);
}

static void on_line_sse(void *arg, const struct sse_event *ev)
{
    struct line *l = arg;
    assert_int_equal(l->reader.codec->read_sse(&l->reader, ev), E_OK);
}

static void on_line_frame(void *arg, const struct aws_frame *frame)
{
    struct line *l = arg;
    assert_int_equal(l->reader.codec->read_frame(&l->reader, frame), E_OK);
}

static void line_init(struct line *l)
{
    *l = (struct line){.request = ir_request_none()};
    l->request.stream = l->request.stream_usage = true;
    arena_init(&l->arena, 64 * MIB);
    buf_init(&l->wire, MIB);
    buf_init(&l->out, MIB);
    assert_non_null(buf_room(&l->wire, 64 * KIB));
    assert_non_null(buf_room(&l->out, 64 * KIB));
    sse_init(&l->sse);
    aws_stream_init(&l->aws);
    l->provider = (struct codec_writer){
        .codec = me->codec, .arena = &l->arena, .out = &l->wire, .request = &l->request};
    l->client = l->provider;
    l->client.codec = other->codec;
    l->client.out = &l->out;
    l->reader =
        (struct codec_reader){.codec = me->codec, .arena = &l->arena, .on_event = on_line_event, .arg = l};
}

static void line_done(struct line *l)
{
    sse_done(&l->sse);
    aws_stream_done(&l->aws);
    buf_done(&l->out);
    buf_done(&l->wire);
    arena_done(&l->arena);
}

static void pass(struct line *l, const struct ir_event *ev)
{
    buf_clear(&l->wire);
    buf_clear(&l->out);
    assert_int_equal(me->codec->write_event(&l->provider, ev), E_OK);
    enum err e = is_sse(me->codec) ? sse_feed(&l->sse, buf_str(&l->wire), on_line_sse, l)
                                   : aws_stream_feed(&l->aws, buf_str(&l->wire), on_line_frame, l);
    assert_int_equal(e, E_OK);
}

/* Who writes Responses, and Gemini's calls, has to have the whole in the end: space is taken in doubling
 * steps. */
static bool collects(const struct codec *c, const struct ir_event *ev)
{
    return c == &codec_openai_responses || (c == &codec_gemini && ev->kind == IR_EV_ARGUMENTS);
}

static void pass_many(struct line *l, const struct ir_event *ev)
{
    bool may = collects(me->codec, ev) || collects(other->codec, ev);
    uint64_t calls = 0;
    size_t used = 0;
    for (int i = 0; i < ROUNDS; i++) {
        if (i == WARM) {
            calls = mem_count();
            used = l->arena.used - (size_t)(l->arena.end - l->arena.at);
        }
        pass(l, ev);
    }
    uint64_t more = mem_count() - calls;
    assert_true(l->out.n > 0 || may); /* the client heard of it */
    bool grew = l->arena.used - (size_t)(l->arena.end - l->arena.at) != used;
    if (more > (may ? GROWTH : 0) || (grew && !may))
        broken("%d: %llu allocations", (int)ev->kind, (unsigned long long)more);
}

static void steady_deltas_allocate_nothing(void **state)
{
    (void)state;
    static const struct ir_event start = {.kind = IR_EV_START,
                                          .id = S("id_1"),
                                          .model = S("m"),
                                          .created = 1},
                                 call = {.kind = IR_EV_CALL, .block = 2, .id = S("call_1"), .name = S("f")},
                                 thought = {.kind = IR_EV_THINKING, .text = S("more ")},
                                 text = {.kind = IR_EV_TEXT, .block = 1, .text = S("a \"word\"\n")},
                                 arguments = {.kind = IR_EV_ARGUMENTS, .block = 2, .text = S("1")};
    what = "deltas";
    file = "";
    for (me = speakers; me->name; me++)
        for (other = speakers; other->name; other++) {
            struct line l;
            line_init(&l);
            pass(&l, &start);
            pass_many(&l, &thought);
            pass_many(&l, &text);
            pass(&l, &call);
            pass_many(&l, &arguments);
            line_done(&l);
        }
}

static const char *only; /* this folder's; NULL: all */

static void golden_codecs(void **state)
{
    (void)state;
    rig_each(only, run_file);
}

int main(int argc, char **argv)
{
    only = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_codecs),
        cmocka_unit_test(what_is_no_answer),
        cmocka_unit_test(what_is_no_stream),
        cmocka_unit_test(steady_deltas_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
