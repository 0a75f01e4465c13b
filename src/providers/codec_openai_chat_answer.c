/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chat completions answers, read. A message and a delta have the same members, so a whole answer is read as a
 * stream of one long delta for each choice.
 *
 * Pieces of one kind that follow each other are one block; another kind, another thought's index or another
 * call begins the next. Providers differ: calls without ids or indexes, all of them with index 0, names that
 * come twice, arguments that are objects, no [DONE], usage anywhere.
 */
#include "base/limits.h"
#include "providers/codec_openai_chat.h"

struct choice {
    struct choice *next;
    int64_t index;
    int block; /* the newest, -1: none yet */
    enum { NOTHING, WORDS, REFUSAL, THOUGHT, CALL, PIECE } open;
    int64_t which;                /* THOUGHT, CALL: its index */
    bool readable, sealed;        /* THOUGHT: it has text, a signature */
    bool begun, argued;           /* CALL: it was given, has arguments */
    struct str call_id, sound_id; /* n == 0: not known */
    bool called, cited, finished;
};

struct state {
    struct meter meter;
    struct choice *choices;
    uint64_t id_hash; /* of the answer: made ids differ from answer to answer */
};

/* A delta, or a message, and where it stands. */
struct piece {
    struct codec_reader *r;
    struct choice *c;
    const struct json_val *root, *v;
};

static bool is_said(const struct json_val *v)
{
    return json_type(v) != JSON_NONE && json_type(v) != JSON_NULL;
}

static uint64_t hash(uint64_t h, struct str s) /* FNV-1a */
{
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static void emit(const struct piece *p, struct ir_event ev)
{
    ev.choice = (int)p->c->index;
    ev.block = p->c->block < 0 ? 0 : p->c->block;
    codec_emit(p->r, &ev);
}

/* ---- blocks ---- */

static enum err close_block(const struct piece *p)
{
    struct choice *c = p->c;
    if (c->open == CALL && !c->begun)
        return E_SYNTAX; /* a call without a name */
    if (c->open == CALL && !c->argued)
        emit(p, (struct ir_event){.kind = IR_EV_ARGUMENTS, .text = STR("{}")});
    c->open = NOTHING;
    return E_OK;
}

static enum err open_block(const struct piece *p, int kind, int64_t which)
{
    struct choice *c = p->c;
    if ((int)c->open == kind && c->which == which)
        return E_OK;
    enum err e = close_block(p);
    c->block++;
    c->open = (unsigned)kind;
    c->which = which;
    c->readable = c->sealed = c->begun = c->argued = false;
    c->call_id = STR("");
    return e;
}

static enum err give_text(const struct piece *p, int kind, enum ir_event_kind event, struct str text)
{
    if (text.n == 0)
        return E_OK;
    enum err e = open_block(p, kind, 0);
    if (e == E_OK)
        emit(p, (struct ir_event){.kind = event, .text = text});
    return e;
}

/* What belongs to the text needs one, be it empty. */
static enum err need_words(const struct piece *p)
{
    bool open = p->c->open == WORDS;
    enum err e = open_block(p, WORDS, 0);
    if (e == E_OK && !open)
        emit(p, (struct ir_event){.kind = IR_EV_TEXT, .text = STR("")});
    return e;
}

static enum err give_media(const struct piece *p, enum ir_kind kind, const struct ir_media *m)
{
    enum err e = close_block(p);
    struct ir_part part = {.kind = kind, .media = *m};
    p->c->block++;
    p->c->open = PIECE;
    if (e == E_OK)
        emit(p, (struct ir_event){.kind = IR_EV_MEDIA, .part = &part});
    return e;
}

/* ---- thoughts and words ---- */

static enum err give_thought(const struct piece *p, const struct chat_thought *t)
{
    struct choice *c = p->c;
    int64_t which = t->index;
    if (which < 0) /* the one that is open, until it is signed */
        which = c->open == THOUGHT && c->which < 0 ? c->which - c->sealed : -1;
    enum err e = open_block(p, THOUGHT, which);
    if (e != E_OK)
        return e;
    c->readable |= t->text.n > 0;
    if (t->text.n || t->id.n)
        emit(p,
             (struct ir_event){.kind = IR_EV_THINKING, .text = t->text.p ? t->text : STR(""), .id = t->id});
    if (t->signature.n == 0)
        return E_OK;
    c->sealed = true;
    emit(p, (struct ir_event){
                .kind = IR_EV_SIGNATURE, .text = t->signature, .redacted = t->redacted && !c->readable});
    return E_OK;
}

static enum err read_thoughts(const struct piece *p)
{
    struct chat_thought th;
    enum err e = E_OK;
    for (struct chat_thoughts t = chat_thoughts(p->v); e == E_OK && chat_next_thought(&t, &th);)
        e = give_thought(p, &th);
    return e;
}

/* Mistral: content is a list of chunks, its thoughts among them. */
static enum err read_chunk(const struct piece *p, const struct json_val *v)
{
    struct str type = codec_text(v, "type");
    const struct json_val *thinking = json_get(v, "thinking");
    struct ir_media m;
    enum err e = E_OK;
    if (str_eq(type, STR("text")))
        return give_text(p, WORDS, IR_EV_TEXT, codec_text(v, "text"));
    if (str_eq(type, STR("image_url")) && chat_read_url(json_get(v, "image_url"), &m))
        return give_media(p, IR_IMAGE, &m);
    struct chat_thought t = {.text = json_str(thinking), .index = -1};
    if (t.text.n)
        return give_thought(p, &t);
    for (struct json_iter it = json_iter(thinking); e == E_OK && json_next(&it);) {
        t.text = codec_text(it.val, "text");
        e = t.text.n ? give_thought(p, &t) : E_OK;
    }
    return e; /* of the others, references, none is of use without its source */
}

static enum err read_content(const struct piece *p)
{
    const struct json_val *content = json_get(p->v, "content");
    enum err e = E_OK;
    if (json_type(content) == JSON_ARRAY)
        for (struct json_iter it = json_iter(content); e == E_OK && json_next(&it);)
            e = read_chunk(p, it.val);
    else if (is_said(content) && json_type(content) != JSON_STRING)
        e = E_SYNTAX;
    else
        e = give_text(p, WORDS, IR_EV_TEXT, json_str(content));
    struct str signature = chat_signature(p->v);
    if (e != E_OK || signature.n == 0)
        return e;
    e = need_words(p);
    if (e == E_OK)
        emit(p, (struct ir_event){.kind = IR_EV_SIGNATURE, .text = signature});
    return e;
}

/* ---- citations ---- */

static enum err give_citation(const struct piece *p, const struct ir_citation *c)
{
    enum err e = need_words(p);
    if (e == E_OK)
        emit(p, (struct ir_event){.kind = IR_EV_CITATION, .citation = c});
    p->c->cited = true;
    return e;
}

static int64_t position(const struct json_val *v)
{
    int64_t at = -1;
    return json_uint(v, &at) ? at : -1;
}

static enum err read_annotations(const struct piece *p)
{
    enum err e = E_OK;
    for (struct json_iter it = json_iter(json_get(p->v, "annotations")); e == E_OK && json_next(&it);) {
        const struct json_val *at = json_get(it.val, "url_citation");
        struct ir_citation c = {.raw = codec_raw(p->r->arena, it.val), .raw_dialect = D_OPENAI_CHAT};
        c.url = codec_text(at, "url");
        c.title = codec_text(at, "title");
        c.quote = codec_text(at, "content"); /* OpenRouter's */
        c.start = position(json_get(at, "start_index"));
        c.end = position(json_get(at, "end_index"));
        if (c.end <= c.start) /* a place must be said, even if it is not known */
            c.start = c.end = -1;
        e = c.raw.p ? give_citation(p, &c) : E_FULL;
    }
    return e;
}

/* Perplexity and xAI name their sources beside the choices, in every chunk. */
static enum err read_sources(const struct piece *p)
{
    const struct json_val *found = json_get(p->root, "search_results");
    enum err e = E_OK;
    if (p->c->cited || p->c->open != WORDS || p->c->index > 0)
        return E_OK;
    found = json_type(found) == JSON_ARRAY ? found : json_get(p->root, "citations");
    for (struct json_iter it = json_iter(found); e == E_OK && json_next(&it);) {
        struct ir_citation c = {.url = json_str(it.val), .start = -1, .end = -1};
        c.url = c.url.p ? c.url : codec_text(it.val, "url");
        c.title = codec_text(it.val, "title");
        e = c.url.n ? give_citation(p, &c) : E_OK;
    }
    return e;
}

/* ---- media ---- */

static enum err read_media(const struct piece *p)
{
    const struct json_val *audio = json_get(p->v, "audio");
    struct str id = codec_text(audio, "id");
    struct ir_media m = {.data = codec_text(audio, "data")};
    if (id.n && !p->c->sound_id.n)
        p->c->sound_id = arena_dup(p->r->arena, id);
    enum err e = give_text(p, WORDS, IR_EV_TEXT, codec_text(audio, "transcript"));
    m.file_id = p->c->sound_id;
    if (e == E_OK && m.data.n)
        e = give_media(p, IR_AUDIO, &m);
    for (struct json_iter it = json_iter(json_get(p->v, "images")); e == E_OK && json_next(&it);)
        e = chat_read_url(json_get(it.val, "image_url"), &m) ? give_media(p, IR_IMAGE, &m) : E_SYNTAX;
    return e;
}

/* ---- calls ---- */

static struct str make_id(const struct piece *p, struct str name)
{
    const struct state *s = p->r->state;
    uint64_t h = hash(s->id_hash + (uint64_t)p->c->index * 1000 + (uint64_t)p->c->block, name);
    return arena_printf(p->r->arena, "call_%016llx", (unsigned long long)h);
}

static enum err begin_call(const struct piece *p, struct str name)
{
    struct choice *c = p->c;
    if (!c->call_id.n)
        c->call_id = make_id(p, name);
    if (!c->call_id.p)
        return E_FULL;
    c->begun = c->called = true;
    emit(p, (struct ir_event){.kind = IR_EV_CALL, .id = c->call_id, .name = name});
    return E_OK;
}

static enum err give_arguments(const struct piece *p, const struct json_val *v)
{
    struct str text = json_type(v) == JSON_OBJECT ? codec_raw(p->r->arena, v) : json_str(v);
    if (text.n == 0)
        return E_OK;
    if (!p->c->begun)
        return E_SYNTAX;
    p->c->argued = true;
    emit(p, (struct ir_event){.kind = IR_EV_ARGUMENTS, .text = text});
    return E_OK;
}

static enum err read_call(const struct piece *p, const struct json_val *v, int64_t index)
{
    struct choice *c = p->c;
    const struct json_val *f = json_get(v, "function");
    struct str id = codec_text(v, "id"), name = codec_text(f, "name"), signature = chat_signature(v);
    (void)json_uint(json_get(v, "index"), &index);
    bool other = id.n && c->call_id.n && !str_eq(id, c->call_id);
    enum err e = E_OK;
    if (c->open != CALL || c->which != index || other) {
        if (!id.n && !name.n)
            return E_SYNTAX; /* more of a call that is over */
        e = close_block(p);
        e = e == E_OK ? open_block(p, CALL, index) : e;
    }
    if (e == E_OK && id.n && !c->call_id.n) {
        c->call_id = arena_dup(p->r->arena, id);
        e = c->call_id.p ? E_OK : E_FULL;
    }
    if (e == E_OK && name.n && !c->begun)
        e = begin_call(p, name);
    e = e == E_OK ? give_arguments(p, json_get(f, "arguments")) : e;
    if (e == E_OK && signature.n && c->begun)
        emit(p, (struct ir_event){.kind = IR_EV_SIGNATURE, .text = signature});
    return e;
}

static enum err read_calls(const struct piece *p)
{
    const struct json_val *of_old = json_get(p->v, "function_call");
    enum err e = E_OK;
    int64_t n = 0;
    for (struct json_iter it = json_iter(json_get(p->v, "tool_calls")); e == E_OK && json_next(&it);)
        e = read_call(p, it.val, n++);
    if (e != E_OK || n > 0 || json_type(of_old) != JSON_OBJECT)
        return e;
    struct str name = codec_text(of_old, "name");
    e = open_block(p, CALL, 0);
    if (e == E_OK && name.n && !p->c->begun)
        e = begin_call(p, name);
    return e == E_OK ? give_arguments(p, json_get(of_old, "arguments")) : e;
}

/* ---- choices ---- */

static enum err read_delta(const struct piece *p)
{
    enum err e = read_thoughts(p);
    e = e == E_OK ? read_content(p) : e;
    e = e == E_OK ? read_annotations(p) : e;
    e = e == E_OK ? give_text(p, REFUSAL, IR_EV_REFUSAL, codec_text(p->v, "refusal")) : e;
    e = e == E_OK ? read_media(p) : e;
    return e == E_OK ? read_calls(p) : e;
}

/* stop: the string that ended it, as vLLM tells. */
static enum err finish_choice(const struct piece *p, enum ir_finish finish, struct str stop)
{
    struct choice *c = p->c;
    enum err e = read_sources(p);
    e = e == E_OK ? close_block(p) : e;
    if (e != E_OK)
        return e;
    if (c->called && (finish == IR_FINISH_STOP || finish == IR_FINISH_UNKNOWN))
        finish = IR_FINISH_TOOLS; /* "stop" is what a forced call ends with */
    if (finish == IR_FINISH_STOP && stop.p)
        finish = IR_FINISH_STOP_SEQUENCE;
    c->finished = true;
    emit(p, (struct ir_event){.kind = IR_EV_FINISH,
                              .finish = finish,
                              .text = finish == IR_FINISH_STOP_SEQUENCE ? stop : str_of(NULL, 0)});
    return E_OK;
}

static struct choice *choice_of(struct codec_reader *r, int64_t index)
{
    struct state *s = r->state;
    struct choice **at = &s->choices;
    while (*at && (*at)->index != index)
        at = &(*at)->next;
    if (!*at) {
        *at = arena_new(r->arena, struct choice);
        if (*at)
            **at = (struct choice){.index = index, .block = -1};
    }
    return *at;
}

/* The raw nth element of a raw list. */
static struct str raw_element(struct str list, size_t n)
{
    struct json_walk w;
    if (json_walk_array(&w, list))
        while (json_walk_next(&w))
            if (n-- == 0)
                return w.value;
    return str_of(NULL, 0);
}

/* As they stand in the text: nothing is allocated. */
static void give_logprobs(const struct piece *p, const struct json_val *choice, struct str text, size_t n)
{
    if (json_count(json_get(json_get(choice, "logprobs"), "content")) == 0)
        return;
    struct str raw = raw_element(codec_raw_member(text, "choices"), n);
    raw = codec_raw_member(codec_raw_member(raw, "logprobs"), "content");
    emit(p, (struct ir_event){.kind = IR_EV_LOGPROBS, .text = raw});
}

static void give_error(struct codec_reader *r, const struct json_val *error)
{
    struct ir_error e;
    chat_read_error_value(r->arena, 0, error, &e);
    codec_emit(r, &(struct ir_event){.kind = IR_EV_ERROR, .error = &e});
}

/* The nth of the choices in text, whose message or delta is the member `key`. */
static enum err read_choice(struct codec_reader *r, const struct json_val *root,
                            const struct json_val *choice, const char *key, struct str text, size_t n)
{
    int64_t index = (int64_t)n;
    struct piece p = {.r = r, .root = root, .v = json_get(choice, key)};
    struct str reason = codec_text(choice, "finish_reason");
    if (json_type(choice) != JSON_OBJECT ||
        (is_said(json_get(choice, "index")) && !json_uint(json_get(choice, "index"), &index)))
        return E_SYNTAX;
    if (index >= IR_CHOICES || (is_said(p.v) && json_type(p.v) != JSON_OBJECT))
        return E_SYNTAX;
    if (is_said(json_get(choice, "error"))) { /* OpenRouter: the model behind it failed */
        give_error(r, json_get(choice, "error"));
        return E_OK;
    }
    p.c = choice_of(r, index);
    if (!p.c)
        return E_FULL;
    if (p.c->finished)
        return E_OK; /* a last word without content, or Perplexity's repetition */
    enum err e = read_delta(&p);
    if (e == E_OK)
        give_logprobs(&p, choice, text, n);
    return e == E_OK && reason.p ? finish_choice(&p, chat_finish(reason), codec_text(choice, "stop_reason"))
                                 : e;
}

/* ---- both ---- */

static struct state *state_of(struct codec_reader *r)
{
    struct state *s = r->state;
    if (!s) {
        r->state = s = arena_new(r->arena, struct state);
        if (s)
            meter_init(&s->meter, NULL, D_OPENAI_CHAT);
    }
    return s;
}

static void start(struct codec_reader *r, const struct json_val *root)
{
    struct state *s = r->state;
    struct ir_event ev = {
        .kind = IR_EV_START, .id = codec_text(root, "id"), .model = codec_text(root, "model")};
    (void)json_uint(json_get(root, "created"), &ev.created);
    s->id_hash = hash(UINT64_C(0xcbf29ce484222325), ev.id);
    codec_emit(r, &ev);
}

/* Neither a word nor a reason to have ended: no answer. */
static bool is_nothing(const struct choice *c)
{
    while (c && !c->finished && c->block < 0)
        c = c->next;
    return !c;
}

/* The answer is over: what was left open is closed. */
static enum err finish(struct codec_reader *r, const struct json_val *root)
{
    struct state *s = r->state;
    if (is_nothing(s->choices))
        return E_SYNTAX;
    for (struct choice *c = s->choices; c; c = c->next) {
        struct piece p = {.r = r, .c = c, .root = root};
        enum err e = c->finished ? E_OK : finish_choice(&p, IR_FINISH_UNKNOWN, str_of(NULL, 0));
        if (e != E_OK)
            return e;
    }
    const struct usage *u = meter_usage(&s->meter);
    if (u->known)
        codec_emit(r, &(struct ir_event){.kind = IR_EV_USAGE, .usage = u});
    codec_emit(r, &(struct ir_event){.kind = IR_EV_END});
    return E_OK;
}

/* ---- streams ---- */

static enum err read_chunk_object(struct codec_reader *r, const struct json_val *root, struct str text)
{
    const struct json_val *choices = json_get(root, "choices");
    bool is_chunk =
        str_starts(codec_text(root, "object"), STR("chat.completion")) || is_said(json_get(root, "usage"));
    enum err e = E_OK;
    size_t n = 0;
    if (json_type(choices) != JSON_ARRAY && (is_said(choices) || !is_chunk))
        return E_SYNTAX;
    /* Azure begins with a chunk that has nothing but the filter's verdict on the prompt */
    if (!r->started && (json_count(choices) || codec_text(root, "id").n))
        start(r, root);
    for (struct json_iter it = json_iter(choices); e == E_OK && !r->ended && json_next(&it); n++)
        e = read_choice(r, root, it.val, "delta", text, n);
    return e;
}

enum err chat_read_sse(struct codec_reader *r, const struct sse_event *ev)
{
    struct state *s = state_of(r);
    if (!s)
        return E_FULL;
    if (ev->data.n == 0 || r->ended)
        return E_OK;
    if (str_starts(ev->data, STR("[DONE]")))
        return s->choices ? finish(r, NULL) : E_SYNTAX; /* an answer to nothing */
    struct json_doc *doc = json_parse(ev->data);
    const struct json_val *root = json_root(doc), *error = json_get(root, "error");
    enum err e = E_OK;
    if (json_type(root) != JSON_OBJECT)
        e = E_SYNTAX;
    else if (is_said(error) || str_eq(ev->name, STR("error")))
        give_error(r, is_said(error) ? error : root);
    else
        e = read_chunk_object(r, root, ev->data);
    if (e == E_OK)
        meter_sse(&s->meter, ev);
    json_free(doc);
    return e;
}

void chat_read_end(struct codec_reader *r)
{
    static const struct ir_error early = {
        .kind = IR_ERR_SERVER, .status = 502, .message = S("The stream ended early")};
    struct state *s = r->state;
    bool finished = s && s->choices;
    for (const struct choice *c = finished ? s->choices : NULL; c; c = c->next)
        finished = finished && c->finished;
    if (finished && !r->ended)
        (void)finish(r, NULL);                                               /* some forget to say [DONE] */
    codec_emit(r, &(struct ir_event){.kind = IR_EV_ERROR, .error = &early}); /* not after an end */
}

/* ---- whole answers ---- */

static enum err read_whole(struct codec_reader *r, const struct json_val *root, struct str body)
{
    const struct json_val *choices = json_get(root, "choices");
    enum err e = E_OK;
    size_t n = 0;
    if (json_type(choices) != JSON_ARRAY || json_count(choices) == 0)
        return E_SYNTAX;
    start(r, root);
    for (struct json_iter it = json_iter(choices); e == E_OK && json_next(&it); n++) {
        /* Gemini's form of nothing at all is a reason without a message */
        bool empty = json_count(json_get(it.val, "message")) == 0 && !codec_text(it.val, "finish_reason").n;
        e = empty ? E_SYNTAX : read_choice(r, root, it.val, "message", body, n);
    }
    return e == E_OK ? finish(r, root) : e;
}

static void ignore(void *arg, const struct ir_event *ev)
{
    (void)arg;
    (void)ev;
}

/* An error under a success status: OpenRouter has them at the choice too. */
static const struct json_val *error_in(const struct json_val *root)
{
    const struct json_val *error = json_get(root, "error");
    for (struct json_iter it = json_iter(json_get(root, "choices")); !is_said(error) && json_next(&it);)
        error = json_get(it.val, "error");
    return is_said(error) ? error : NULL;
}

enum err chat_read_answer(struct arena *a, struct str body,
                          void (*on_event)(void *arg, const struct ir_event *ev), void *arg)
{
    struct json_doc *doc = json_parse(body);
    const struct json_val *root = json_root(doc), *error = error_in(root);
    struct codec_reader dry = {.arena = a, .on_event = ignore},
                        r = {.arena = a, .on_event = on_event, .arg = arg};
    enum err e = state_of(&dry) && state_of(&r) ? E_OK : E_FULL;
    if (e == E_OK && error) {
        give_error(&r, error);
        e = E_SYNTAX;
    }
    /* twice: nothing may be given of an answer that turns out to be none */
    e = e == E_OK ? read_whole(&dry, root, body) : e;
    if (e == E_OK) {
        meter_json(&((struct state *)r.state)->meter, body);
        e = read_whole(&r, root, body);
    }
    json_free(doc);
    return e;
}
