/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What translation keeps, and the page that says so. Every file under golden/codec/ goes one way to every
 * other dialect: a request as the client's dialect says it, to a provider of the other; an answer from a
 * provider to a client of the other. Both ends are told as lines of the neutral form (translation.h); each
 * line of the first is found again at the second, or something stands there in its place, or the codec that
 * wrote named it with ir_drop, or the request was refused. Anything else is a failure: a line that is lost in
 * silence, a name in the list of losses that nothing was lost of, a line that no feature of the page has.
 *
 * `test_translation page` prints docs/translation.md: its cells are counted here, nobody writes them.
 */
#include "tests/unit/translation_page.h"

/* ---- a request to another dialect ---- */

/* Everything but the one media part with this number becomes a word. False: there is no such part. */
static bool isolate_in(struct ir_part *p, int wanted, int *at)
{
    bool found = false;
    for (; p; p = p->next) {
        found |= isolate_in(p->parts, wanted, at);
        if (p->kind < IR_IMAGE || p->kind > IR_FILE)
            continue;
        if ((*at)++ == wanted)
            found = true;
        else
            *p = (struct ir_part){.next = p->next, .kind = IR_TEXT, .text = S("a word")};
    }
    return found;
}

static bool isolate(struct ir_request *r, int wanted)
{
    int at = 0;
    bool found = wanted < 0;
    for (struct ir_message *m = r->messages; m; m = m->next)
        if (wanted >= 0)
            found |= isolate_in(m->parts, wanted, &at);
    return found;
}

static void read_isolated(struct arena *a, struct str body, int part, struct ir_request *ret, bool *ret_found)
{
    read_request(a, me->codec, body, json_str(json_get(root, "path")), ret);
    *ret_found = isolate(ret, part);
}

/* False: refused. part: the one media part that stays; -1: all. */
static bool tell(struct arena *a, struct str body, int part, struct str *ret_why, bool *ret_found)
{
    struct ir_request first, shown, second;
    struct str want, got;
    struct buf out;
    buf_init(&out, 64 * MIB);
    read_isolated(a, body, part, &first, ret_found);
    read_isolated(a, body, part, &shown, ret_found); /* the facts' own: they change what means the same */
    want = facts_of_request(a, &shown);
    first.model = str_c(to->model);
    struct codec_ask ask = {.model = first.model, .quirks = to->quirks};
    enum err e = other->codec->write_request(a, &first, &ask, &out, ret_why);
    if (e == E_OK) {
        read_request(a, other->codec, buf_str(&out), path_of(a, other->codec, &first), &second);
        got = facts_of_request(a, &second);
        compare(&request_page, want, got, &first.dropped);
        ir_request_done(&second);
    } else if (part >= 0 && *ret_found) {
        refuse(&request_page, want, *ret_why);
    }
    ir_request_done(&shown);
    ir_request_done(&first);
    buf_done(&out);
    return e == E_OK;
}

/* What is refused is tried again with one picture, sound or document at a time: so that it is known which. */
static void check_request(struct str body)
{
    struct arena a;
    struct str why = {NULL, 0};
    bool found = true;
    what = "request";
    arena_init(&a, 64 * MIB);
    if (!tell(&a, body, -1, &why, &found))
        for (int part = 0; found; part++)
            (void)tell(&a, body, part, &why, &found);
    arena_done(&a);
}

/* ---- an answer to another dialect ---- */

/* ---- and back in the next turn ---- */

/* How a client of the dialect sends an answer back: a question, the answer, what the tools say. */
static const struct echo {
    const struct codec *codec;
    const char *path[3];                      /* to what it sends back of an answer */
    const char *open, *result, *more, *close; /* result: of a call, $id and $name; more: there was none */
} echoes[] = {
    {&codec_anthropic,
     {"content"},
     "{\"model\":\"m\",\"max_tokens\":40000,\"messages\":[{\"role\":\"user\",\"content\":\"What now?\"},"
     "{\"role\":\"assistant\",\"content\":",
     "},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":$id,\"content\":\"done\"}]",
     "},{\"role\":\"user\",\"content\":\"And then?\"",
     "}]}"},
    {&codec_gemini,
     {"candidates", "", "content"},
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"What now?\"}]},",
     ",{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"id\":$id,\"name\":$name,\"response\":{"
     "\"result\":"
     "\"done\"}}}]}",
     ",{\"role\":\"user\",\"parts\":[{\"text\":\"And then?\"}]}",
     "]}"},
    {&codec_bedrock_converse,
     {"output", "message"},
     "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"What now?\"}]},",
     ",{\"role\":\"user\",\"content\":[{\"toolResult\":{\"toolUseId\":$id,\"content\":[{\"text\":\"done\"}]}}"
     "]}",
     ",{\"role\":\"user\",\"content\":[{\"text\":\"And then?\"}]}",
     "]}"},
    {&codec_openai_chat,
     {"choices", "", "message"},
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"What now?\"},",
     ",{\"role\":\"tool\",\"tool_call_id\":$id,\"content\":\"done\"}",
     ",{\"role\":\"user\",\"content\":\"And then?\"}",
     "]}"},
    {&codec_openai_responses,
     {"output"},
     "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":\"What now?\"},",
     ",{\"type\":\"function_call_output\",\"call_id\":$id,\"output\":\"done\"}",
     ",{\"role\":\"user\",\"content\":\"And then?\"}",
     "]}"},
    {&codec_cohere_v2,
     {"message"},
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"What now?\"},",
     ",{\"role\":\"tool\",\"tool_call_id\":$id,\"content\":\"done\"}",
     ",{\"role\":\"user\",\"content\":\"And then?\"}",
     "]}"},
};

static void put_json_str(struct buf *out, struct str text)
{
    struct json_out w = json_out(out);
    json_put_str(&w, text);
}

static void put_result_of(struct buf *out, const char *form, const struct ir_part *call)
{
    static const struct str id = S("$id"), name = S("$name");
    for (struct str rest = str_c(form); rest.n;) {
        size_t n = str_find(rest, '$');
        (void)buf_append(out, str_head(rest, n));
        rest = str_from(rest, n);
        bool is_id = str_starts(rest, id);
        if (rest.n)
            put_json_str(out, is_id ? call->id : call->name);
        rest = str_from(rest, is_id ? id.n : name.n);
    }
}

/* The answer's part that is sent back; a list of items without its brackets. */
static struct str sent_back(struct arena *a, const struct echo *e, const struct json_val *answer)
{
    for (size_t i = 0; i < countof(e->path) && e->path[i]; i++)
        answer = *e->path[i] ? json_get(answer, e->path[i]) : json_at(answer, 0);
    struct str raw = codec_raw(a, answer);
    return e->codec == &codec_openai_responses ? str_of(raw.p + 1, raw.n - 2) : raw;
}

/* The next request of a client that was answered so. */
static void put_next_turn(struct arena *a, struct buf *out, const struct echo *e, struct str answer,
                          const struct ir_part *parts)
{
    struct json_doc *doc = json_parse_exact(answer, NULL, NULL);
    bool called = false;
    buf_init(out, 64 * MIB);
    (void)buf_append_c(out, e->open);
    (void)buf_append(out, sent_back(a, e, json_root(doc)));
    for (const struct ir_part *p = parts; p; p = p->next)
        if (p->kind == IR_TOOL_CALL) {
            put_result_of(out, e->result, p);
            called = true;
        }
    (void)buf_append_c(out, called ? "" : e->more);
    (void)buf_append_c(out, e->close);
    json_free(doc);
}

static const char *model_of(const struct codec *c)
{
    const struct target *t = request_targets;
    while (t->codec != c)
        t++;
    return t->model;
}

/* The facts about the assistant's turn. */
static struct str assistants(struct arena *a, struct ir_request *r)
{
    struct str facts = facts_of_request(a, r);
    struct buf out;
    buf_init(&out, 64 * MIB);
    while (facts.n) {
        struct str line = str_cut(&facts, '\n');
        if (str_starts(line, STR("assistant.")) || str_starts(line, STR("calls ")))
            (void)buf_printf(&out, "%.*s\n", STR_FMT(line));
    }
    return keep_facts(a, &out);
}

/* What the provider, me, sees again of an answer that was given in the client's words. */
static struct str seen_again(struct arena *a, const struct codec *client, struct str answer,
                             const struct ir_part *parts)
{
    const struct echo *e = echoes;
    struct ir_request told, seen, nobody = ir_request_none();
    struct str why = {NULL, 0};
    struct buf body, out;
    while (e->codec != client)
        e++;
    buf_init(&out, 64 * MIB);
    put_next_turn(a, &body, e, answer, parts);
    nobody.model = STR("m");
    read_request(a, client, buf_str(&body), path_of(a, client, &nobody), &told);
    told.thinking = 1;
    told.effort = STR("medium");
    told.model = str_c(model_of(me->codec));
    struct codec_ask ask = {.model = told.model};
    if (me->codec->write_request(a, &told, &ask, &out, &why) != E_OK)
        broken("%.*s\n%.*s", STR_FMT(why), STR_FMT(buf_str(&body)));
    read_request(a, me->codec, buf_str(&out), path_of(a, me->codec, &told), &seen);
    struct str facts = assistants(a, &seen);
    ir_request_done(&seen);
    ir_request_done(&told);
    buf_done(&out);
    buf_done(&body);
    return facts;
}

static const struct ir_part *parts_of(const struct taken *t)
{
    return t->answer.choices ? t->answer.choices->parts : NULL;
}

static void check_next_turn(struct arena *a, const struct taken *first, struct str given,
                            const struct taken *second, struct str told)
{
    if (!parts_of(first) || !parts_of(second))
        return;
    what = "next turn";
    struct str want = seen_again(a, me->codec, given, parts_of(first));
    compare(&history_page, want, seen_again(a, other->codec, told, parts_of(second)), NULL);
}

static void check_whole(struct arena *a, struct str body)
{
    struct taken first, second;
    struct str want, got;
    struct buf out;
    what = "whole";
    read_whole(&first, me->codec, body);
    if (first.err == E_OK) {
        struct str told = write_whole(&out, other->codec, &first.answer);
        read_whole(&second, other->codec, told);
        want = facts_of_answer(a, &first);
        got = facts_of_answer(a, &second);
        compare(&answer_page, want, got, NULL);
        check_next_turn(a, &first, body, &second, told);
        taken_done(&second);
        buf_done(&out);
    }
    taken_done(&first);
}

/* Each event is written as it is read. */
struct passing {
    struct taken *seen;
    struct codec_writer writer;
};

static void on_passing(void *arg, const struct ir_event *ev)
{
    struct passing *p = arg;
    on_event(p->seen, ev);
    on_play(&p->writer, ev);
}

static void check_stream(struct arena *a)
{
    struct taken first, second;
    struct str want, got;
    struct buf in, out;
    struct ir_request r = ir_request_none();
    what = "stream";
    r.stream = r.stream_usage = true;
    buf_init(&out, 64 * MIB);
    struct passing p = {.seen = &first,
                        .writer = {.codec = other->codec, .arena = a, .out = &out, .request = &r}};
    read_stream_with(&first, me->codec, stream_bytes(&in, SIZE_MAX), SIZE_MAX, SIZE_MAX, on_passing, &p);
    size_t step = out.n % 61 + 1; /* odd pieces of what was written */
    read_stream(&second, other->codec, buf_str(&out), step, step);
    want = facts_of_answer(a, &first);
    got = facts_of_answer(a, &second);
    compare(&answer_page, want, got, NULL);
    taken_done(&second);
    taken_done(&first);
    buf_done(&out);
    buf_done(&in);
}

static void check_error(struct arena *a, const struct json_val *error)
{
    struct ir_error first, second;
    struct str want, got;
    struct buf out;
    int64_t status = 0;
    what = "error";
    buf_init(&out, MIB);
    assert_true(json_uint(json_get(error, "status"), &status));
    me->codec->read_error(a, (int)status, text_of(a, json_get(error, "body")), &first);
    other->codec->write_error(&first, &out);
    other->codec->read_error(a, other->codec->error_status(&first), buf_str(&out), &second);
    want = facts_of_error(a, &first);
    got = facts_of_error(a, &second);
    compare(&answer_page, want, got, NULL);
    buf_done(&out);
}

/* ---- all of them ---- */

static void set_target(const struct target *t)
{
    to = t;
    for (other = speakers; other->codec != t->codec;)
        other++;
}

static void check_answer(struct arena *a)
{
    struct str whole = text_of(a, json_get(root, "whole"));
    if (whole.p)
        check_whole(a, whole);
    if (json_get(root, "stream"))
        check_stream(a);
    if (json_get(root, "error"))
        check_error(a, json_get(root, "error"));
}

static void run_file(void)
{
    struct arena a;
    arena_init(&a, 64 * MIB);
    struct str request = text_of(&a, json_get(root, "request"));
    for (size_t i = 0; i < countof(request_targets) && request.p; i++) {
        set_target(&request_targets[i]);
        check_request(request);
    }
    for (size_t i = 0; i < countof(answer_targets); i++) {
        set_target(&answer_targets[i]);
        check_answer(&a);
    }
    arena_done(&a);
}

static void nothing_is_lost_in_silence(void **state)
{
    (void)state;
    rig_each(NULL, run_file);
    assert_int_equal(complaints, 0);
}

static void the_page_says_so(void **state)
{
    (void)state;
    char *counted = NULL;
    size_t n = 0;
    struct buf b;
    FILE *f = open_memstream(&counted, &n);
    assert_non_null(f);
    print_page(f);
    fclose(f);
    if (!str_eq(golden_read("..", "..", "docs/translation.md", &b), str_of(counted, n)))
        fail_msg("docs/translation.md says something else: build/tests/unit/test_translation page > it");
    buf_done(&b);
    free(counted);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost_in_silence),
                                       cmocka_unit_test(the_page_says_so)};
    int status = 0;
    arena_init(&notes_arena, 64 * MIB);
    if (argc > 1 && strcmp(argv[1], "page") == 0) {
        rig_each(NULL, run_file);
        print_page(stdout);
    } else {
        status = cmocka_run_group_tests(tests, NULL, NULL);
    }
    arena_done(&notes_arena);
    return status;
}
