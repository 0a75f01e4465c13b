/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gemini answers read. A whole answer and an event of a stream are the same object, so there is one reader
 * for both. Pieces of text in a row are one block; a part with a signature ends its block, since what was
 * signed must not be joined with what was not. A stream has no mark at its end, and old models say STOP in
 * every event: finish reasons are given when the bytes end, and bytes that end without any are an error.
 *
 * What an event must look like is checked before the first event is given for it.
 */
#include "providers/codec_gemini.h"
#include "base/limits.h"

/* A candidate being read. */
struct candidate {
    struct candidate *next;
    int number;
    int blocks;        /* begun so far */
    enum ir_kind kind; /* of the newest */
    bool open;         /* more of its kind is more of it */
    bool called;       /* there is a call */
    bool finished;
    enum ir_finish finish;
    struct gemini_span span; /* of the newest block, if it is text */
    struct str piece;        /* all of its text, if it came with this event and in one piece */
};

struct reading {
    struct candidate *candidates;
    struct meter meter;
    struct str id; /* of the answer */
};

/* The service itself writes camelCase; null is as good as nothing. */
static const struct json_val *member(const struct json_val *object, const char *name)
{
    const struct json_val *v = json_get(object, name);
    return json_type(v) == JSON_NULL ? NULL : v;
}

/* ---- what an answer must look like ----------------------------------------------------------------- */

static bool is_or_none(const struct json_val *v, enum json_type type)
{
    return !v || json_type(v) == type;
}

static bool is_part(const struct json_val *v)
{
    const struct json_val *call = member(v, "functionCall"), *blob = member(v, "inlineData");
    const struct json_val *file = member(v, "fileData");
    if (json_type(v) != JSON_OBJECT || !is_or_none(member(v, "text"), JSON_STRING))
        return false;
    if (call && (!codec_text(call, "name").n || !is_or_none(member(call, "args"), JSON_OBJECT)))
        return false;
    if (blob && (!codec_text(blob, "data").p || !codec_text(blob, "mimeType").n))
        return false;
    return !file || codec_text(file, "fileUri").n;
}

static bool read_index(const struct json_val *candidate, int64_t position, int *ret)
{
    const struct json_val *v = member(candidate, "index");
    int64_t n = position;
    if ((v && !gemini_int(v, &n)) || n < 0 || n >= IR_CHOICES)
        return false;
    *ret = (int)n;
    return true;
}

static bool is_candidate(const struct json_val *v, int64_t position, bool whole)
{
    const struct json_val *content = member(v, "content"), *parts = member(content, "parts");
    int number = 0;
    if (json_type(v) != JSON_OBJECT || !is_or_none(content, JSON_OBJECT) || !is_or_none(parts, JSON_ARRAY) ||
        !read_index(v, position, &number))
        return false;
    for (struct json_iter it = json_iter(parts); json_next(&it);)
        if (!is_part(it.val))
            return false;
    return !whole || json_count(parts) || codec_text(v, "finishReason").n;
}

/* whole: it stands for itself, so it must have a candidate, or say why it has none. */
static bool is_answer(const struct json_val *root, bool whole)
{
    const struct json_val *list = member(root, "candidates"), *usage = member(root, "usageMetadata");
    bool blocked = codec_text(member(root, "promptFeedback"), "blockReason").n > 0;
    int64_t position = 0;
    if (json_type(root) != JSON_OBJECT || !is_or_none(list, JSON_ARRAY))
        return false;
    for (struct json_iter it = json_iter(list); json_next(&it); position++)
        if (!is_candidate(it.val, position, whole))
            return false;
    if (whole)
        return blocked || json_count(list);
    return blocked || list || usage || member(root, "responseId") || member(root, "modelVersion");
}

/* ---- finish reasons -------------------------------------------------------------------------------- */

static const struct {
    struct str reason;
    enum ir_finish finish;
} reasons[] = {
    /* the first of a kind is the one that is written */
    {S("STOP"), IR_FINISH_STOP},
    {S("STOP"), IR_FINISH_TOOLS},
    {S("STOP"), IR_FINISH_STOP_SEQUENCE},
    {S("MAX_TOKENS"), IR_FINISH_LENGTH},
    {S("CONTINUATION"), IR_FINISH_LENGTH}, /* the request's own limit, and more could be had */
    {S("SAFETY"), IR_FINISH_FILTER},
    {S("SAFETY"), IR_FINISH_REFUSAL},
    {S("RECITATION"), IR_FINISH_FILTER},
    {S("LANGUAGE"), IR_FINISH_FILTER},
    {S("BLOCKLIST"), IR_FINISH_FILTER},
    {S("PROHIBITED_CONTENT"), IR_FINISH_FILTER},
    {S("SPII"), IR_FINISH_FILTER},
    {S("MODEL_ARMOR"), IR_FINISH_FILTER},
    {S("IMAGE_SAFETY"), IR_FINISH_FILTER},
    {S("IMAGE_PROHIBITED_CONTENT"), IR_FINISH_FILTER},
    {S("IMAGE_RECITATION"), IR_FINISH_FILTER},
    {S("OTHER"), IR_FINISH_ERROR},
    {S("MALFORMED_FUNCTION_CALL"), IR_FINISH_ERROR},
    {S("MALFORMED_RESPONSE"), IR_FINISH_ERROR},
    {S("UNEXPECTED_TOOL_CALL"), IR_FINISH_ERROR},
    {S("TOO_MANY_TOOL_CALLS"), IR_FINISH_ERROR},
    {S("MISSING_THOUGHT_SIGNATURE"), IR_FINISH_ERROR},
    {S("NO_IMAGE"), IR_FINISH_ERROR},
    {S("IMAGE_OTHER"), IR_FINISH_ERROR},
    {S("FINISH_REASON_UNSPECIFIED"), IR_FINISH_UNKNOWN},
    {S("FINISH_REASON_UNSPECIFIED"), IR_FINISH_PAUSE},
};

static enum ir_finish finish_of(struct str reason)
{
    for (size_t i = 0; i < countof(reasons); i++)
        if (str_eq(reason, reasons[i].reason))
            return reasons[i].finish;
    return IR_FINISH_UNKNOWN;
}

struct str gemini_reason_of(enum ir_finish finish)
{
    for (size_t i = 0; i < countof(reasons); i++)
        if (finish == reasons[i].finish)
            return reasons[i].reason;
    return reasons[0].reason;
}

/* ---- events ---------------------------------------------------------------------------------------- */

void gemini_span_add(struct gemini_span *s, struct str text)
{
    s->bytes += text.n;
    for (size_t i = 0; i < text.n; i++)
        s->points += ((unsigned char)text.p[i] & 0xc0) != 0x80;
}

static void emit(struct codec_reader *r, const struct candidate *c, struct ir_event ev)
{
    ev.choice = c->number;
    ev.block = c->blocks - 1;
    codec_emit(r, &ev);
}

static void begin_block(struct candidate *c, enum ir_kind kind, bool open)
{
    c->blocks++;
    c->kind = kind;
    c->open = open;
    c->span = (struct gemini_span){0, 0};
    c->piece = str_of(NULL, 0);
}

static void sign(struct codec_reader *r, struct candidate *c, struct str signature, bool redacted)
{
    if (!signature.n)
        return;
    emit(r, c, (struct ir_event){.kind = IR_EV_SIGNATURE, .text = signature, .redacted = redacted});
    c->open = false;
}

static void give_text(struct codec_reader *r, struct candidate *c, struct str text, struct str signature)
{
    bool more = c->open && c->kind == IR_TEXT;
    if (!text.n && !signature.n)
        return;
    if (!more)
        begin_block(c, IR_TEXT, true);
    if (text.n || !more)
        emit(r, c, (struct ir_event){.kind = IR_EV_TEXT, .text = text.p ? text : STR("")});
    if (text.n)
        c->piece = more ? str_of(NULL, 0) : text;
    gemini_span_add(&c->span, text);
    sign(r, c, signature, false);
}

static enum err give_thought(struct codec_reader *r, struct candidate *c, struct str text,
                             struct str signature)
{
    bool more = c->open && c->kind == IR_THINKING;
    if (!text.n && !signature.n)
        return E_OK;
    struct str id = {NULL, 0};
    struct arena a; /* for this part alone */
    arena_init(&a, r->arena->cap);
    enum err e = gemini_unseal(&a, &signature, &id);
    if (!more)
        begin_block(c, IR_THINKING, true);
    if (text.n || (text.p && !more) || id.n)
        emit(r, c, (struct ir_event){.kind = IR_EV_THINKING, .text = text.p ? text : STR(""), .id = id});
    sign(r, c, signature, !text.p && !more);
    arena_done(&a);
    return e;
}

static enum err give_call(struct codec_reader *r, struct candidate *c, const struct json_val *part)
{
    const struct reading *y = r->state;
    const struct json_val *call = member(part, "functionCall"), *args = member(call, "args");
    struct str name = codec_text(call, "name"), id = codec_text(call, "id"), text = STR("{}");
    struct arena a;
    arena_init(&a, r->arena->cap);
    begin_block(c, IR_TOOL_CALL, false);
    c->called = true;
    if (!id.n)
        id = gemini_make_id(&a, y->id, c->number, c->blocks, name);
    if (args)
        text = codec_raw(&a, args);
    if (id.p && text.p) {
        emit(r, c, (struct ir_event){.kind = IR_EV_CALL, .id = id, .name = name});
        emit(r, c, (struct ir_event){.kind = IR_EV_ARGUMENTS, .text = text});
        sign(r, c, gemini_signature(part), false);
    }
    arena_done(&a);
    return id.p && text.p ? E_OK : E_FULL;
}

static void give_media(struct codec_reader *r, struct candidate *c, const struct json_val *part)
{
    const struct json_val *blob = member(part, "inlineData"), *file = member(part, "fileData");
    struct str mime = ir_media_type(codec_text(blob ? blob : file, "mimeType"));
    struct ir_part p = {.kind = gemini_kind(mime), .media = {.mime = mime, .data = codec_text(blob, "data")}};
    if (!blob)
        p.media.url = codec_text(file, "fileUri");
    begin_block(c, p.kind, false);
    emit(r, c, (struct ir_event){.kind = IR_EV_MEDIA, .part = &p});
}

static enum err give_raw(struct codec_reader *r, struct candidate *c, const struct json_val *part)
{
    struct arena a;
    struct ir_part p = {.kind = IR_RAW, .raw_dialect = D_GEMINI};
    arena_init(&a, r->arena->cap);
    p.raw = codec_raw(&a, part);
    if (p.raw.p) {
        begin_block(c, IR_RAW, false);
        emit(r, c, (struct ir_event){.kind = IR_EV_RAW, .part = &p});
    }
    arena_done(&a);
    return p.raw.p ? E_OK : E_FULL;
}

static enum err give_part(struct codec_reader *r, struct candidate *c, const struct json_val *part)
{
    struct str text = codec_text(part, "text"), signature = gemini_signature(part);
    if (!text.p && member(part, "functionCall"))
        return give_call(r, c, part);
    if (!text.p && (member(part, "inlineData") || member(part, "fileData"))) {
        give_media(r, c, part);
        return E_OK;
    }
    if (!text.p && !signature.p)
        return json_count(part) ? give_raw(r, c, part) : E_OK;
    if (json_bool(member(part, "thought"), false))
        return give_thought(r, c, text, signature);
    give_text(r, c, text, signature);
    return E_OK;
}

/* ---- citations ------------------------------------------------------------------------------------- */

/* Bytes to code points, within the newest block; -1: not known (text that is not ASCII is not kept). */
static int64_t points_of(const struct candidate *c, const struct json_val *v)
{
    struct gemini_span before = {0, 0};
    int64_t bytes = 0;
    if (!gemini_int(v, &bytes) || bytes < 0 || (uint64_t)bytes > c->span.bytes)
        return -1;
    if (c->span.bytes == c->span.points)
        return bytes;
    if ((size_t)bytes == c->span.bytes)
        return (int64_t)c->span.points;
    gemini_span_add(&before, str_head(c->piece, (size_t)bytes));
    return before.bytes == (size_t)bytes ? (int64_t)before.points : -1;
}

static void set_place(const struct candidate *c, const struct json_val *v, struct ir_citation *ret)
{
    const struct json_val *start = member(v, "startIndex"); /* absent when it is 0 */
    ret->end = points_of(c, member(v, "endIndex"));
    ret->start = ret->end < 0 ? -1 : start ? points_of(c, start) : 0;
    if (ret->start < 0)
        ret->end = -1;
}

/* Citations are of text; where there is none, of an empty one. */
static void cite(struct codec_reader *r, struct candidate *c, struct ir_citation *citation)
{
    if (c->blocks == 0 || c->kind != IR_TEXT) {
        begin_block(c, IR_TEXT, true);
        emit(r, c, (struct ir_event){.kind = IR_EV_TEXT, .text = STR("")});
    }
    citation->raw_dialect = D_GEMINI; /* whoever writes this dialect has all of it from the first one's raw */
    emit(r, c, (struct ir_event){.kind = IR_EV_CITATION, .citation = citation});
    citation->raw = str_of(NULL, 0);
}

static void name_source(const struct json_val *chunk, struct ir_citation *ret)
{
    static const char *const kinds[] = {"web", "retrievedContext", "maps", "image"};
    for (size_t i = 0; i < countof(kinds); i++) {
        const struct json_val *v = member(chunk, kinds[i]);
        if (!v)
            continue;
        struct str url = codec_text(v, "uri");
        ret->url = url.p ? url : codec_text(v, "sourceUri");
        ret->title = codec_text(v, "title");
        ret->quote = codec_text(v, "text");
        ret->document = codec_text(v, "documentName");
    }
}

static void give_grounding(struct codec_reader *r, struct candidate *c, const struct json_val *v,
                           struct str raw)
{
    const struct json_val *chunks = member(v, "groundingChunks");
    const struct json_val *supports = member(v, "groundingSupports");
    struct ir_citation citation = {.raw = raw};
    int64_t n = 0;
    for (struct json_iter it = json_iter(supports); json_next(&it);)
        for (struct json_iter k = json_iter(member(it.val, "groundingChunkIndices")); json_next(&k);) {
            if (!gemini_int(k.val, &n) || n < 0)
                continue;
            name_source(json_at(chunks, (size_t)n), &citation);
            set_place(c, member(it.val, "segment"), &citation);
            cite(r, c, &citation);
            citation = (struct ir_citation){.next = NULL};
        }
    if (json_count(supports))
        return;
    for (struct json_iter it = json_iter(chunks); json_next(&it);) {
        citation.start = citation.end = -1;
        name_source(it.val, &citation);
        cite(r, c, &citation);
        citation = (struct ir_citation){.next = NULL};
    }
}

static void give_recited(struct codec_reader *r, struct candidate *c, const struct json_val *v,
                         struct str raw)
{
    const struct json_val *list = member(v, "citationSources"), *vertex = member(v, "citations");
    struct ir_citation citation = {.raw = raw};
    for (struct json_iter it = json_iter(list ? list : vertex); json_next(&it);) {
        citation.url = codec_text(it.val, "uri");
        citation.title = codec_text(it.val, "title");
        set_place(c, it.val, &citation);
        cite(r, c, &citation);
        citation = (struct ir_citation){.next = NULL};
    }
}

/* The candidate's member, as an object of its own: what `raw` of its first citation is. */
static struct str raw_member(struct arena *a, const char *name, const struct json_val *v)
{
    struct str inner = codec_raw(a, v);
    return inner.p ? arena_printf(a, "{\"%s\":%.*s}", name, STR_FMT(inner)) : inner;
}

static enum err give_citations(struct codec_reader *r, struct candidate *c, const struct json_val *v)
{
    static const struct {
        const char *name;
        void (*give)(struct codec_reader *r, struct candidate *c, const struct json_val *v, struct str raw);
    } members[] = {{"groundingMetadata", give_grounding}, {"citationMetadata", give_recited}};
    enum err e = E_OK;
    for (size_t i = 0; i < countof(members) && e == E_OK; i++) {
        const struct json_val *m = member(v, members[i].name);
        struct arena a;
        if (!m)
            continue;
        arena_init(&a, r->arena->cap);
        struct str raw = raw_member(&a, members[i].name, m);
        if (raw.p)
            members[i].give(r, c, m, raw);
        e = raw.p ? E_OK : E_FULL;
        arena_done(&a);
    }
    return e;
}

/* ---- log probabilities ----------------------------------------------------------------------------- */

static void put_entry(struct json_out *w, const struct json_val *v)
{
    struct str token = codec_text(v, "token");
    json_add_str(w, "token", token.p ? token : STR(""));
    json_key(w, "logprob");
    if (member(v, "logProbability"))
        json_put_val(w, member(v, "logProbability"));
    else
        json_put_raw(w, STR("0"));
    json_key(w, "bytes");
    json_open(w, '[');
    for (size_t i = 0; i < token.n; i++)
        json_put_int(w, (unsigned char)token.p[i]);
    json_close(w, ']');
}

static void put_step(struct json_out *w, const struct json_val *chosen, const struct json_val *top)
{
    json_open(w, '{');
    put_entry(w, chosen);
    json_key(w, "top_logprobs");
    json_open(w, '[');
    for (struct json_iter it = json_iter(member(top, "candidates")); json_next(&it);) {
        json_open(w, '{');
        put_entry(w, it.val);
        json_close(w, '}');
    }
    json_close(w, ']');
    json_close(w, '}');
}

static enum err give_logprobs(struct codec_reader *r, struct candidate *c, const struct json_val *v)
{
    const struct json_val *chosen = member(v, "chosenCandidates"), *top = member(v, "topCandidates");
    struct json_iter tops = json_iter(top);
    struct buf b;
    if (json_count(chosen) == 0)
        return E_OK;
    buf_init(&b, r->arena->cap);
    struct json_out w = json_out(&b);
    json_open(&w, '[');
    for (struct json_iter it = json_iter(chosen); json_next(&it);)
        put_step(&w, it.val, json_next(&tops) ? tops.val : NULL);
    json_close(&w, ']');
    bool full = b.full;
    if (!full)
        emit(r, c, (struct ir_event){.kind = IR_EV_LOGPROBS, .text = buf_str(&b)});
    buf_done(&b);
    return full ? E_FULL : E_OK;
}

/* ---- candidates ------------------------------------------------------------------------------------ */

static struct candidate *candidate_of(struct codec_reader *r, int number)
{
    struct reading *y = r->state;
    struct candidate **at = &y->candidates;
    while (*at && (*at)->number < number)
        at = &(*at)->next;
    if (*at && (*at)->number == number)
        return *at;
    struct candidate *c = arena_new(r->arena, struct candidate);
    if (!c)
        return NULL;
    *c = (struct candidate){.next = *at, .number = number};
    return *at = c;
}

static enum err give_candidate(struct codec_reader *r, const struct json_val *v, int64_t position)
{
    struct str reason = codec_text(v, "finishReason");
    int number = 0;
    must(read_index(v, position, &number));
    struct candidate *c = candidate_of(r, number);
    enum err e = c ? E_OK : E_FULL;
    for (struct json_iter it = json_iter(member(member(v, "content"), "parts")); e == E_OK && json_next(&it);)
        e = give_part(r, c, it.val);
    if (e == E_OK)
        e = give_citations(r, c, v);
    if (e == E_OK)
        e = give_logprobs(r, c, member(v, "logprobsResult"));
    if (e != E_OK)
        return e;
    c->piece = str_of(NULL, 0); /* goes away with the event */
    c->finished |= reason.n > 0;
    if (reason.n)
        c->finish = finish_of(reason);
    return E_OK;
}

static enum err give_start(struct codec_reader *r, const struct json_val *root)
{
    struct reading *y = r->state;
    struct str id = codec_text(root, "responseId"), model = codec_text(root, "modelVersion");
    if (r->started)
        return E_OK;
    y->id = id.p ? arena_dup(r->arena, id) : STR("");
    if (!y->id.p)
        return E_FULL;
    codec_emit(r, &(struct ir_event){.kind = IR_EV_START, .id = id, .model = model});
    return E_OK;
}

/* A prompt that was blocked has no candidate. */
static enum err give_block(struct codec_reader *r, const struct json_val *feedback)
{
    if (!codec_text(feedback, "blockReason").n)
        return E_OK;
    struct candidate *c = candidate_of(r, 0);
    if (!c)
        return E_FULL;
    c->finished = true;
    c->finish = IR_FINISH_FILTER;
    return E_OK;
}

static void give_error(struct codec_reader *r, const struct json_val *root)
{
    struct arena a;
    struct ir_error error;
    arena_init(&a, r->arena->cap);
    gemini_error_of(&a, root, 0, &error);
    codec_emit(r, &(struct ir_event){.kind = IR_EV_ERROR, .error = &error});
    arena_done(&a);
}

static enum err give_all(struct codec_reader *r, const struct json_val *root)
{
    int64_t position = 0;
    enum err e = give_start(r, root);
    for (struct json_iter it = json_iter(member(root, "candidates")); e == E_OK && json_next(&it); position++)
        e = give_candidate(r, it.val, position);
    return e == E_OK ? give_block(r, member(root, "promptFeedback")) : e;
}

static enum err begin(struct codec_reader *r)
{
    if (r->state)
        return E_OK;
    struct reading *y = r->state = arena_new(r->arena, struct reading);
    if (!y)
        return E_FULL;
    meter_init(&y->meter, NULL, D_GEMINI);
    return E_OK;
}

static void finish(struct codec_reader *r)
{
    struct reading *y = r->state;
    const struct usage *usage = meter_usage(&y->meter);
    for (const struct candidate *c = y->candidates; c; c = c->next) {
        bool tools = c->called && c->finish == IR_FINISH_STOP;
        emit(r, c, (struct ir_event){.kind = IR_EV_FINISH, .finish = tools ? IR_FINISH_TOOLS : c->finish});
    }
    if (usage->known)
        codec_emit(r, &(struct ir_event){.kind = IR_EV_USAGE, .usage = usage});
    codec_emit(r, &(struct ir_event){.kind = IR_EV_END});
}

/* ---- entry points ---------------------------------------------------------------------------------- */

enum err gemini_read_answer(struct arena *a, struct str body,
                            void (*on_event)(void *arg, const struct ir_event *ev), void *arg)
{
    struct codec_reader r = {.codec = &codec_gemini, .arena = a, .on_event = on_event, .arg = arg};
    enum err e = begin(&r);
    if (e != E_OK)
        return e;
    meter_json(&((struct reading *)r.state)->meter, body);
    struct json_doc *doc = json_parse_exact(body, NULL, NULL);
    const struct json_val *root = json_root(doc);
    bool error = json_type(json_get(root, "error")) == JSON_OBJECT;
    if (error)
        give_error(&r, root);
    if (error || !is_answer(root, true))
        e = E_SYNTAX;
    else
        e = give_all(&r, root);
    if (e == E_OK)
        finish(&r);
    json_free(doc);
    return e;
}

enum err gemini_read_sse(struct codec_reader *r, const struct sse_event *ev)
{
    enum err e = begin(r);
    if (e != E_OK || !ev->data.p || r->ended)
        return e;
    meter_sse(&((struct reading *)r->state)->meter, ev);
    struct json_doc *doc = json_parse_exact(ev->data, NULL, NULL);
    const struct json_val *root = json_root(doc);
    if (json_type(json_get(root, "error")) == JSON_OBJECT)
        give_error(r, root);
    else
        e = is_answer(root, false) ? give_all(r, root) : E_SYNTAX;
    json_free(doc);
    return e;
}

void gemini_read_end(struct codec_reader *r)
{
    static const struct ir_error early = {
        .kind = IR_ERR_SERVER, .status = 502, .message = S("The stream ended early")};
    const struct reading *y = r->state;
    bool complete = y && y->candidates;
    for (const struct candidate *c = complete ? y->candidates : NULL; c; c = c->next)
        complete &= c->finished;
    if (r->ended)
        return;
    if (complete)
        finish(r);
    else
        codec_emit(r, &(struct ir_event){.kind = IR_EV_ERROR, .error = &early});
}
