/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of translations share: the files under golden/codec/<dialect>/, and reading and writing with
 * the codecs. A file is one JSON object:
 *
 *   about    what is special about it
 *   request  a body; path: the client's URL path, where the dialect keeps model or stream there
 *   whole    a successful answer
 *   stream   the same as a stream: bytes of events, which are joined; AWS frames as {"type", "payload"} or
 *            {"exception", "payload"}
 *   error    {"status", "body"}
 *   lost     what does not survive the way through another dialect, see test_codec.c
 */
#pragma once
#include "tests/unit/golden.h"
#include "tests/unit/ir_dump.h"

static const struct speaker {
    const char *name; /* of the folder */
    const struct codec *codec;
} speakers[] = {
    {"anthropic", &codec_anthropic},
    {"gemini", &codec_gemini},
    {"bedrock", &codec_bedrock_converse},
    {"openai_chat", &codec_openai_chat},
    {"openai_responses", &codec_openai_responses},
    {"cohere", &codec_cohere_v2},
    {NULL, NULL},
};

static const struct speaker *me;    /* whose fixture it is */
static const struct json_val *root; /* the fixture */
static const char *file;            /* its name */
static const char *what;            /* the step that is being taken */
static const struct speaker *other; /* through whom; NULL: nobody else */

/* Printed here: cmocka cuts long messages. */
#define broken(fmt, ...)                                                                                     \
    do {                                                                                                     \
        fprintf(stderr, "%s/%s, %s%s%s: " fmt "\n", me->name, file, what, other ? " through " : "",          \
                other ? other->name : "", __VA_ARGS__);                                                      \
        fail();                                                                                              \
    } while (0)

/* ---- answers, as they are read ---- */

struct taken {
    struct arena arena;
    struct ir_answer answer;
    struct buf log; /* every event */
    struct ir_rules rules;
    const char *wrong;
    enum err err;
};

static inline void on_event(void *arg, const struct ir_event *ev)
{
    struct taken *t = arg;
    const char *wrong = ir_rule_broken(&t->rules, ev);
    t->wrong = t->wrong ? t->wrong : wrong;
    dump_event(&t->log, ev);
    assert_int_equal(ir_answer_add(&t->answer, ev), E_OK);
}

static inline void taken_init(struct taken *t)
{
    *t = (struct taken){.err = E_OK};
    arena_init(&t->arena, 64 * MIB);
    ir_answer_init(&t->answer, &t->arena);
    buf_init(&t->log, 64 * MIB);
}

static inline void taken_done(struct taken *t)
{
    buf_done(&t->log);
    arena_done(&t->arena);
}

static inline void obey(struct taken *t)
{
    if (t->wrong)
        broken("%s\n%.*s", t->wrong, STR_FMT(buf_str(&t->log)));
}

static inline void read_whole(struct taken *t, const struct codec *c, struct str body)
{
    taken_init(t);
    t->err = c->read_answer(&t->arena, body, on_event, t);
    obey(t);
}

struct feeding {
    struct codec_reader reader;
    struct taken *to;
};

static inline void on_sse(void *arg, const struct sse_event *ev)
{
    struct feeding *f = arg;
    if (f->to->err == E_OK)
        f->to->err = f->reader.codec->read_sse(&f->reader, ev);
}

static inline void on_frame(void *arg, const struct aws_frame *frame)
{
    struct feeding *f = arg;
    if (f->to->err == E_OK)
        f->to->err = f->reader.codec->read_frame(&f->reader, frame);
}

static inline bool is_sse(const struct codec *c)
{
    return str_eq(c->stream_type, STR("text/event-stream"));
}

/* In pieces: one of `first` bytes, then such of `step`. The events go to `take`, which ends in on_event. */
static inline void read_stream_with(struct taken *t, const struct codec *c, struct str bytes, size_t first,
                                    size_t step, void (*take)(void *arg, const struct ir_event *ev),
                                    void *arg)
{
    struct feeding f = {.to = t};
    struct sse sse;
    struct aws_stream aws;
    taken_init(t);
    f.reader = (struct codec_reader){.codec = c, .arena = &t->arena, .on_event = take, .arg = arg};
    sse_init(&sse);
    aws_stream_init(&aws);
    for (size_t at = 0, n = first; at < bytes.n; at += n, n = at == first ? step : n) {
        struct str piece = str_head(str_from(bytes, at), n);
        enum err e =
            is_sse(c) ? sse_feed(&sse, piece, on_sse, &f) : aws_stream_feed(&aws, piece, on_frame, &f);
        assert_int_equal(e, E_OK);
    }
    if (is_sse(c))
        sse_flush(&sse, on_sse, &f);
    if (t->err == E_OK)
        c->read_end(&f.reader);
    sse_done(&sse);
    aws_stream_done(&aws);
    obey(t);
}

static inline void read_stream(struct taken *t, const struct codec *c, struct str bytes, size_t first,
                               size_t step)
{
    read_stream_with(t, c, bytes, first, step, on_event, t);
}

/* ---- answers, written ---- */

static inline void must_be_json(struct str text)
{
    struct json_doc *doc = json_parse(text);
    if (!doc)
        broken("not JSON: %.*s", STR_FMT(text));
    json_free(doc);
}

static inline void check_sse_data(void *arg, const struct sse_event *ev)
{
    (void)arg;
    if (ev->data.p && !str_eq(ev->data, STR("[DONE]")))
        must_be_json(ev->data);
}

static inline struct str write_whole(struct buf *out, const struct codec *c, const struct ir_answer *w)
{
    struct arena a;
    struct ir_request r = ir_request_none();
    arena_init(&a, 64 * MIB);
    buf_init(out, 64 * MIB);
    r.stream_usage = true;
    enum err e = c->write_answer(&a, w, &r, out);
    if (e != E_OK)
        broken("write_answer: %s", err_name(e));
    must_be_json(buf_str(out));
    arena_done(&a);
    return buf_str(out);
}

static inline void on_play(void *arg, const struct ir_event *ev)
{
    struct codec_writer *w = arg;
    enum err e = w->codec->write_event(w, ev);
    if (e != E_OK)
        broken("write_event: %s", err_name(e));
}

static inline struct str write_stream(struct buf *out, const struct codec *c, const struct ir_answer *answer)
{
    struct arena a;
    struct sse sse;
    struct ir_request r = ir_request_none();
    arena_init(&a, 64 * MIB);
    buf_init(out, 64 * MIB);
    r.stream = r.stream_usage = true;
    struct codec_writer w = {.codec = c, .arena = &a, .out = out, .request = &r};
    ir_answer_play(answer, on_play, &w);
    sse_init(&sse);
    if (is_sse(c))
        assert_int_equal(sse_feed(&sse, buf_str(out), check_sse_data, NULL), E_OK);
    if (sse.carry.n)
        broken("the last event is not complete: %.*s", STR_FMT(buf_str(&sse.carry)));
    sse_done(&sse);
    arena_done(&a);
    return buf_str(out);
}

/* What a default is need not be said; of an address nobody has to know the type, of a text everybody does. */
static inline void plain_parts(struct ir_part *p)
{
    for (; p; p = p->next) {
        plain_parts(p->parts);
        if (p->media.url.p || p->media.text.p)
            p->media.mime = str_of(NULL, 0);
        if (str_eq(p->media.detail, STR("auto")))
            p->media.detail = str_of(NULL, 0);
    }
}

/* What means the same becomes the same. */
static inline void plain(struct ir_request *r)
{
    for (struct ir_message *m = r->messages; m; m = m->next)
        plain_parts(m->parts);
    if (r->format == IR_FORMAT_TEXT)
        r->format = IR_FORMAT_UNSET;
    if (r->parallel_tools == 1 || !r->tools || r->choice == IR_CHOICE_NONE)
        r->parallel_tools = -1;
    if (r->choice == IR_CHOICE_AUTO)
        r->choice = IR_CHOICE_UNSET;
    r->stream_usage = false;
}

/* The URL path of a request that was written by `c`. */
static inline struct str path_of(struct arena *a, const struct codec *c, const struct ir_request *r)
{
    if (c->dialect == D_GEMINI)
        return arena_printf(a, "v1beta/models/%.*s:%s", STR_FMT(r->model),
                            r->stream ? "streamGenerateContent" : "generateContent");
    if (c->dialect == D_BEDROCK_CONVERSE)
        return arena_printf(a, "model/%.*s/%s", STR_FMT(r->model),
                            r->stream ? "converse-stream" : "converse");
    return STR("v1/any");
}

static inline void read_request(struct arena *a, const struct codec *c, struct str body, struct str path,
                                struct ir_request *ret)
{
    struct str why = {NULL, 0};
    *ret = ir_request_none();
    enum err e = c->read_request(a, body, path, ret, &why);
    if (e != E_OK)
        broken("read_request: %s, %.*s\n%.*s", err_name(e), STR_FMT(why), STR_FMT(body));
    ir_link_results(ret);
    ret->dropped = (struct ir_strs){NULL, 0}; /* from here on: what writers drop */
}

/* False: it was refused, as the fixture says. */
static inline bool write_request(struct arena *a, const struct codec *c, struct ir_request *r,
                                 bool may_refuse, struct buf *out)
{
    struct str why = {NULL, 0};
    struct codec_ask ask = {.model = r->model};
    buf_clear(out);
    enum err e = c->write_request(a, r, &ask, out, &why);
    if (e == E_SYNTAX && may_refuse) {
        if (why.n == 0)
            broken("%s", "refused without a word");
        return false;
    }
    if (e != E_OK)
        broken("write_request: %s, %.*s", err_name(e), STR_FMT(why));
    if (may_refuse)
        broken("not refused: %.*s", STR_FMT(buf_str(out)));
    must_be_json(buf_str(out));
    return true;
}

static inline void put_frame(struct buf *out, const struct json_val *v, struct str payload)
{
    struct str type = json_str(json_get(v, "type")), exception = json_str(json_get(v, "exception"));
    const struct str headers[][2] = {
        {exception.p ? STR(":exception-type") : STR(":event-type"), exception.p ? exception : type},
        {S(":content-type"), S("application/json")},
        {S(":message-type"), exception.p ? STR("exception") : STR("event")}};
    assert_int_equal(aws_frame_write(out, headers, countof(headers), payload), E_OK);
}

/* The first n events of the fixture. */
static inline struct str stream_bytes(struct buf *out, size_t n)
{
    const struct json_val *events = json_get(root, "stream");
    buf_init(out, 64 * MIB);
    for (struct json_iter it = json_iter(events); n > 0 && json_next(&it); n--) {
        struct buf payload;
        buf_init(&payload, MIB);
        struct json_out w = json_out(&payload);
        if (json_type(it.val) == JSON_OBJECT) {
            json_put_val(&w, json_get(it.val, "payload"));
            put_frame(out, it.val, buf_str(&payload));
        } else {
            (void)buf_append(out, json_str(it.val));
        }
        buf_done(&payload);
    }
    return buf_str(out);
}

static inline struct str text_of(struct arena *a, const struct json_val *v)
{
    return json_type(v) == JSON_STRING ? json_str(v) : codec_raw(a, v);
}

/* ---- the files ---- */

static void (*rig_run)(void);

static inline void rig_file(const char *name)
{
    struct buf b;
    struct json_doc *doc = json_parse(golden_read("codec", me->name, name, &b));
    file = name;
    what = "reading the file";
    other = NULL;
    if (!doc)
        broken("%s", "not JSON");
    root = json_root(doc);
    rig_run();
    json_free(doc);
    buf_done(&b);
}

/* Calls `run` with me, file and root set: for every file of the dialect's folder; only == NULL: of all. */
static inline void rig_each(const char *only, void (*run)(void))
{
    rig_run = run;
    for (me = speakers; me->name; me++) {
        char folder[64];
        if (only && strcmp(only, me->name) != 0)
            continue;
        (void)snprintf(folder, sizeof(folder), "codec/%s", me->name);
        assert_true(golden_each(folder, rig_file) > 0);
    }
}
