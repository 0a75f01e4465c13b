/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codecs: what one reads another writes. The first byte picks the reader and what the rest is (a request, a
 * whole answer, a stream, an error), the second the writer, the third how a stream is cut, or for which model
 * and provider a request is written. Nothing may crash or hang; events obey the rules of ir.h; what was read
 * is written or refused; what was written is JSON, and its own reader takes it. A stream of AWS frames stands
 * here as lines: event-type, space, payload; an exception has "!" before its type.
 */
#include "base/limits.h"
#include "providers/aws_stream.h"
#include "tests/unit/ir_dump.h"

static const struct codec *const codecs[] = {
    &codec_anthropic, &codec_gemini, &codec_bedrock_converse, &codec_openai_chat, &codec_openai_responses,
    &codec_cohere_v2, NULL};

enum { ARENA = 4 * MIB, OUT = 32 * MIB };

static bool is_sse(const struct codec *c)
{
    return str_eq(c->stream_type, STR("text/event-stream"));
}

static bool is_json(struct str s)
{
    struct json_doc *doc = json_parse(s);
    json_free(doc);
    return doc != NULL;
}

/* ---- requests ---- */

static struct str path_of(const struct codec *c, bool stream)
{
    if (c->dialect == D_GEMINI)
        return stream ? STR("v1beta/models/m:streamGenerateContent") : STR("v1beta/models/m:generateContent");
    if (c->dialect == D_BEDROCK_CONVERSE)
        return stream ? STR("model/m/converse-stream") : STR("model/m/converse");
    return STR("v1/any");
}

/* Codecs know what models take. */
static const struct str models[] = {
    S("m"),
    S("claude-sonnet-4-6"),
    S("claude-opus-5"),
    S("claude-3-5-haiku-20241022"),
    S("anthropic.claude-sonnet-4-5-20250929-v1:0"),
    S("amazon.nova-2-lite-v1:0"),
    S("openai.gpt-oss-120b-1:0"),
    S("gemini-3-pro-preview"),
    S("gemini-2.5-pro"),
    S("gemini-2.0-flash"),
    S("gpt-5.1"),
    S("command-a-reasoning-08-2025"),
    S("command-r-plus-08-2024"),
};

static struct codec_ask ask_of(unsigned byte)
{
    unsigned mixed = byte * 0x9e3779b1u;
    return (struct codec_ask){.model = models[byte % countof(models)],
                              .quirks = mixed >> 31 ? 0 : mixed >> 20 & (2 * CODEC_RANDOM_SEED - 1)};
}

static void try_request(const struct codec *from, const struct codec *to, unsigned byte, struct str body)
{
    struct arena a;
    struct buf out;
    struct str why = {NULL, 0};
    struct ir_request r = ir_request_none(), again = ir_request_none();
    struct codec_ask ask = ask_of(byte);
    arena_init(&a, ARENA);
    buf_init(&out, OUT);
    if (from->read_request(&a, body, path_of(from, byte & 1), &r, &why) == E_OK) {
        ir_link_results(&r);
        enum err e = to->write_request(&a, &r, &ask, &out, &why);
        must(e == E_OK || e == E_SYNTAX || e == E_FULL);
        if (e == E_OK) {
            must(is_json(buf_str(&out)));
            e = to->read_request(&a, buf_str(&out), path_of(to, r.stream), &again, &why);
            if (e == E_SYNTAX)
                fprintf(stderr, "%s does not read what it wrote: %.*s\n%.*s\n", to->name, STR_FMT(why),
                        STR_FMT(buf_str(&out)));
            must(e == E_OK || e == E_FULL);
        }
    }
    ir_request_done(&again);
    ir_request_done(&r);
    buf_done(&out);
    arena_done(&a);
}

/* ---- answers ---- */

struct run {
    struct ir_answer answer;
    struct ir_rules rules;
    struct codec_writer writer;
    struct codec_reader reader;
    bool full;
    enum err err;
};

static void check_data(void *arg, const struct sse_event *ev)
{
    (void)arg;
    must(!ev->data.p || str_eq(ev->data, STR("[DONE]")) || is_json(ev->data));
}

static void check_stream(const struct codec *c, struct str bytes)
{
    struct sse s;
    if (!is_sse(c))
        return;
    sse_init(&s);
    must(sse_feed(&s, bytes, check_data, NULL) == E_OK || bytes.n > SSE_EVENT_BYTES);
    must(s.carry.n == 0);
    sse_done(&s);
}

static void on_event(void *arg, const struct ir_event *ev)
{
    struct run *r = arg;
    must(!ir_rule_broken(&r->rules, ev));
    r->full |= ir_answer_add(&r->answer, ev) != E_OK;
    if (r->full || !r->writer.codec)
        return;
    enum err e = r->writer.codec->write_event(&r->writer, ev);
    must(e == E_OK || e == E_FULL);
    r->full |= e == E_FULL;
}

static void on_sse(void *arg, const struct sse_event *ev)
{
    struct run *r = arg;
    if (r->err == E_OK)
        r->err = r->reader.codec->read_sse(&r->reader, ev);
    must(r->err == E_OK || r->err == E_SYNTAX || r->err == E_FULL);
}

static void on_frame(void *arg, const struct aws_frame *frame)
{
    struct run *r = arg;
    if (r->err == E_OK)
        r->err = r->reader.codec->read_frame(&r->reader, frame);
    must(r->err == E_OK || r->err == E_SYNTAX || r->err == E_FULL);
}

/* The bytes that the lines stand for. */
static void put_frames(struct buf *out, struct str lines)
{
    while (lines.n) {
        struct str payload = str_cut(&lines, '\n'), type = str_cut(&payload, ' ');
        bool exception = str_starts(type, STR("!"));
        const struct str headers[][2] = {
            {exception ? STR(":exception-type") : STR(":event-type"), str_from(type, exception)},
            {S(":message-type"), exception ? STR("exception") : STR("event")}};
        if (aws_frame_write(out, headers, countof(headers), payload.p ? payload : STR("")) != E_OK)
            return; /* a type that is too long for a header */
    }
}

/* In pieces: one of `cut` bytes, then of `step`. */
static void feed(struct run *r, struct str bytes, size_t cut, size_t step)
{
    struct sse s;
    struct aws_stream f;
    bool sse = is_sse(r->reader.codec), whole = true;
    sse_init(&s);
    aws_stream_init(&f);
    for (size_t at = 0, n = cut; at < bytes.n && whole; at += n, n = step) {
        struct str piece = str_head(str_from(bytes, at), n);
        whole = (sse ? sse_feed(&s, piece, on_sse, r) : aws_stream_feed(&f, piece, on_frame, r)) == E_OK;
    }
    if (sse)
        sse_flush(&s, on_sse, r);
    if (r->err == E_OK)
        r->reader.codec->read_end(&r->reader);
    must(r->err != E_OK || r->rules.over);
    sse_done(&s);
    aws_stream_done(&f);
}

static void run_init(struct run *r, struct arena *a, const struct codec *from)
{
    *r = (struct run){.err = E_OK};
    ir_answer_init(&r->answer, a);
    r->reader = (struct codec_reader){.codec = from, .arena = a, .on_event = on_event, .arg = r};
}

static void write_and_read(struct arena *a, const struct ir_answer *answer, const struct codec *to,
                           struct buf *out)
{
    struct run again;
    struct ir_request request = ir_request_none();
    run_init(&again, a, to);
    enum err e = to->write_answer(a, answer, &request, out);
    must(e == E_OK || e == E_FULL);
    if (e != E_OK || out->full)
        return;
    must(is_json(buf_str(out)));
    e = to->read_answer(a, buf_str(out), on_event, &again);
    if (e == E_SYNTAX)
        fprintf(stderr, "%s does not read what it wrote: %.*s\n", to->name, STR_FMT(buf_str(out)));
    must(e == E_OK || e == E_FULL);
}

static void try_answer(const struct codec *from, const struct codec *to, struct str body)
{
    struct arena a;
    struct buf out;
    struct run r;
    arena_init(&a, ARENA);
    buf_init(&out, OUT);
    run_init(&r, &a, from);
    enum err e = from->read_answer(&a, body, on_event, &r);
    must(e == E_OK || e == E_SYNTAX || e == E_FULL);
    must(e != E_OK || (r.rules.over && !r.answer.has_error) || r.full);
    must(e != E_SYNTAX || !r.answer.ended);
    if (e == E_OK && !r.full)
        write_and_read(&a, &r.answer, to, &out);
    buf_done(&out);
    arena_done(&a);
}

/* What was written tells the same end. */
static void read_written(struct arena *a, const struct codec *to, const struct run *r, struct str bytes)
{
    struct run again;
    run_init(&again, a, to);
    feed(&again, bytes, bytes.n, bytes.n);
    if (again.err == E_SYNTAX || again.answer.ended != r->answer.ended)
        fprintf(stderr, "%s does not read what it wrote: %.*s\n", to->name, STR_FMT(bytes));
    must(again.err == E_OK || again.err == E_FULL);
    must(again.answer.ended == r->answer.ended || again.full || again.err == E_FULL);
}

/* Written as it is read; then what was written is read. */
static void try_stream(const struct codec *from, const struct codec *to, struct str text, unsigned byte)
{
    struct arena a;
    struct buf in, out;
    struct run r;
    struct ir_request request = ir_request_none();
    request.stream = true;
    request.stream_usage = byte & 1;
    arena_init(&a, ARENA);
    buf_init(&in, OUT);
    buf_init(&out, OUT);
    run_init(&r, &a, from);
    r.writer = (struct codec_writer){.codec = to, .arena = &a, .out = &out, .request = &request};
    if (!is_sse(from))
        put_frames(&in, text);
    struct str bytes = is_sse(from) ? text : buf_str(&in);
    size_t cut = byte < 128 ? byte : bytes.n * (byte - 128u) / 128;
    feed(&r, bytes, cut ? cut : 1, byte % 97 + 1);
    check_stream(to, buf_str(&out));
    if (r.rules.over && !r.full && !out.full)
        read_written(&a, to, &r, buf_str(&out));
    buf_done(&out);
    buf_done(&in);
    arena_done(&a);
}

static void try_error(const struct codec *from, const struct codec *to, int status, struct str body)
{
    struct arena a;
    struct buf out;
    struct ir_error e = {0};
    arena_init(&a, ARENA);
    buf_init(&out, OUT);
    from->read_error(&a, status, body, &e);
    to->write_error(&e, &out);
    must(is_json(buf_str(&out)));
    must(to->error_status(&e) >= 400 && to->error_status(&e) <= 599);
    buf_done(&out);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n = countof(codecs) - 1; /* without the NULL */
    if (size < 3 || n == 0)
        return 0;
    const struct codec *from = codecs[data[0] / 4 % n], *to = codecs[data[1] % n];
    struct str text = str_of((const char *)data + 3, size - 3);
    switch (data[0] % 4) {
    case 0: try_request(from, to, data[2], text); break;
    case 1: try_answer(from, to, text); break;
    case 2: try_stream(from, to, text, data[2]); break;
    default: try_error(from, to, 400 + data[2] % 200, text); break;
    }
    return 0;
}
