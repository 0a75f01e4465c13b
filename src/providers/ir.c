/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/ir.h"
#include "base/limits.h"

struct ir_request ir_request_none(void)
{
    return (struct ir_request){
        .parallel_tools = -1,
        .max_tokens = -1,
        .n = -1,
        .logprobs = -1,
        .top_logprobs = -1,
        .format_strict = -1,
        .thinking = -1,
        .thinking_budget = -1,
        .thinking_shown = -1,
        .store = -1,
    };
}

void ir_request_done(struct ir_request *r)
{
    json_free(r->doc);
    r->doc = NULL;
}

bool ir_add_str(struct arena *a, struct ir_strs *l, struct str s)
{
    if ((l->n & (l->n - 1)) == 0) { /* full at every power of two */
        struct str *v = arena_alloc(a, (l->n ? 2 * l->n : 1) * sizeof(*v));
        if (!v)
            return false;
        if (l->n)
            memcpy(v, l->v, l->n * sizeof(*v));
        l->v = v;
    }
    l->v[l->n++] = s;
    return true;
}

void ir_drop(struct arena *a, struct ir_request *r, struct str name)
{
    if (r->dropped.n == IR_DROPPED)
        return;
    for (size_t i = 0; i < r->dropped.n; i++)
        if (str_eq(r->dropped.v[i], name))
            return;
    struct str copy = arena_dup(a, str_head(name, IR_DROPPED_BYTES));
    if (copy.p)
        (void)ir_add_str(a, &r->dropped, copy);
}

/* ---- building ---- */

struct ir_message *ir_add_message(struct arena *a, struct ir_request *r, enum ir_role role)
{
    struct ir_message *m = arena_new(a, struct ir_message), **at = r->last_message;
    if (!m)
        return NULL;
    m->role = role;
    at = at ? at : &r->messages;
    *at = m;
    r->last_message = &m->next;
    return m;
}

struct ir_part *ir_add_part(struct arena *a, struct ir_part **list, enum ir_kind kind)
{
    struct ir_part *p = arena_new(a, struct ir_part);
    if (!p)
        return NULL;
    p->kind = kind;
    while (*list)
        list = &(*list)->next;
    *list = p;
    return p;
}

struct ir_tool *ir_add_tool(struct arena *a, struct ir_request *r)
{
    struct ir_tool *t = arena_new(a, struct ir_tool), **at = r->last_tool;
    if (!t)
        return NULL;
    t->strict = -1;
    at = at ? at : &r->tools;
    *at = t;
    r->last_tool = &t->next;
    return t;
}

/* ---- what several dialects need ---- */

static struct str name_of_call(const struct ir_message *from, const struct ir_message *until, struct str id)
{
    struct str name = {NULL, 0};
    for (const struct ir_message *m = from; m != until; m = m->next)
        for (const struct ir_part *p = m->parts; p; p = p->next)
            if (p->kind == IR_TOOL_CALL && str_eq(p->id, id))
                name = p->name; /* the last one: ids may come again in later turns */
    return name;
}

void ir_link_results(struct ir_request *r)
{
    for (struct ir_message *m = r->messages; m; m = m->next)
        for (struct ir_part *p = m->parts; p; p = p->next)
            if (p->kind == IR_TOOL_RESULT && p->name.n == 0)
                p->name = name_of_call(r->messages, m, p->id);
}

static const struct {
    struct str effort;
    int64_t budget;
} efforts[] = {
    {S("none"), 0},      {S("minimal"), 512}, {S("low"), 1024},
    {S("medium"), 8192}, {S("high"), 24576},  {S("xhigh"), 32768},
};

int64_t ir_effort_budget(struct str effort)
{
    for (size_t i = 0; i < countof(efforts); i++)
        if (str_eq(effort, efforts[i].effort))
            return efforts[i].budget;
    return -1;
}

struct str ir_budget_effort(int64_t budget)
{
    if (budget < 0)
        return str_of(NULL, 0);
    for (size_t i = 0; i < countof(efforts); i++)
        if (budget <= efforts[i].budget)
            return efforts[i].effort;
    return efforts[countof(efforts) - 1].effort;
}

bool ir_wants_single_calls(const struct ir_request *r)
{
    return r->parallel_tools == 0 && r->tools && r->choice != IR_CHOICE_NONE;
}

int ir_count_breakpoints(const struct ir_request *r)
{
    int n = 0;
    for (const struct ir_tool *t = r->tools; t; t = t->next)
        n += t->cache != IR_CACHE_NONE;
    for (const struct ir_message *m = r->messages; m; m = m->next) {
        n += m->cache != IR_CACHE_NONE;
        for (const struct ir_part *p = m->parts; p; p = p->next)
            n += p->cache != IR_CACHE_NONE;
    }
    return n;
}

enum ir_cache ir_cache_behind(const struct ir_message *m, const struct ir_part *p)
{
    return p->cache == IR_CACHE_NONE && !p->next ? m->cache : p->cache;
}

bool ir_wants_other_than_text(const struct ir_request *r)
{
    for (size_t i = 0; i < r->modalities.n; i++)
        if (!str_ieq(r->modalities.v[i], STR("text")))
            return true;
    return false;
}

bool ir_data_url(struct str url, struct str *ret_mime, struct str *ret_data)
{
    static const struct str scheme = S("data:"), base64 = S(";base64");
    if (!str_istarts(url, scheme))
        return false;
    struct str data = str_from(url, scheme.n), head = str_cut(&data, ',');
    if (!data.p || head.n < base64.n || !str_ieq(str_from(head, head.n - base64.n), base64))
        return false;
    struct str mime = str_head(head, head.n - base64.n);
    *ret_mime = str_cut(&mime, ';'); /* without charset and the like */
    *ret_data = data;
    return true;
}

struct str ir_media_type(struct str mime)
{
    return str_find(mime, ',') < mime.n ? str_of(NULL, 0) : mime;
}

struct str ir_system_text(struct arena *a, const struct ir_request *r)
{
    struct ir_strs texts = {NULL, 0};
    for (const struct ir_message *m = r->messages; m; m = m->next)
        for (const struct ir_part *p = m->parts; p; p = p->next) {
            if ((m->role != IR_SYSTEM && m->role != IR_DEVELOPER) || p->kind != IR_TEXT)
                continue;
            if (texts.n && !ir_add_str(a, &texts, STR("\n\n")))
                return str_of(NULL, 0);
            if (!ir_add_str(a, &texts, p->text))
                return str_of(NULL, 0);
        }
    return texts.n ? arena_join(a, texts.v, texts.n) : str_of(NULL, 0);
}

enum ir_error_kind ir_error_of_status(int status)
{
    switch (status) {
    case 401: return IR_ERR_AUTH;
    case 402: return IR_ERR_QUOTA;
    case 403: return IR_ERR_PERMISSION;
    case 404: return IR_ERR_NOT_FOUND;
    case 408:
    case 504: return IR_ERR_TIMEOUT;
    case 429: return IR_ERR_RATE;
    case 503:
    case 529: return IR_ERR_OVERLOADED;
    default: return status >= 500 ? IR_ERR_SERVER : IR_ERR_INVALID;
    }
}

/* ---- whole answers ---- */

void ir_answer_init(struct ir_answer *w, struct arena *a)
{
    *w = (struct ir_answer){.arena = a};
}

static struct ir_choice_answer *choice_of(struct ir_answer *w, int number)
{
    struct ir_choice_answer **at = &w->choices;
    while (*at && (*at)->choice < number)
        at = &(*at)->next;
    if (*at && (*at)->choice == number)
        return *at;
    struct ir_choice_answer *c = arena_new(w->arena, struct ir_choice_answer);
    if (!c)
        return NULL;
    *c = (struct ir_choice_answer){.next = *at, .choice = number, .last_block = -1};
    return *at = c;
}

/* The part of the event's block; begun when it is new. A signature or citation for a block that was not begun
 * begins a thinking or a text block. */
static struct ir_part *part_of(struct ir_answer *w, struct ir_choice_answer *c, const struct ir_event *ev)
{
    static const enum ir_kind kinds[] = {
        [IR_EV_TEXT] = IR_TEXT,          [IR_EV_REFUSAL] = IR_REFUSAL, [IR_EV_THINKING] = IR_THINKING,
        [IR_EV_SIGNATURE] = IR_THINKING, [IR_EV_CALL] = IR_TOOL_CALL,  [IR_EV_ARGUMENTS] = IR_TOOL_CALL,
        [IR_EV_CITATION] = IR_TEXT};
    if (c->last_block == ev->block)
        return c->last;
    c->last_block = ev->block;
    bool whole = ev->kind == IR_EV_MEDIA || ev->kind == IR_EV_RAW;
    enum ir_kind kind = whole ? ev->part->kind : kinds[ev->kind];
    return c->last = ir_add_part(w->arena, c->last ? &c->last->next : &c->parts, kind);
}

/* Deltas are many and small: space is taken in doubling steps. */
static enum err append(struct arena *a, struct str *to, struct str more)
{
    size_t cap = IR_TEXT_STEP;
    while (cap < to->n)
        cap *= 2;
    if (to->n == 0 || to->n + more.n > cap) {
        while (cap < to->n + more.n)
            cap *= 2;
        char *p = arena_alloc(a, cap);
        if (!p)
            return E_FULL;
        if (to->n)
            memcpy(p, to->p, to->n);
        to->p = p;
    }
    if (more.n)
        memcpy((char *)(uintptr_t)to->p + to->n, more.p, more.n);
    to->n += more.n;
    return E_OK;
}

static bool keep(struct arena *a, struct str *s)
{
    if (s->p)
        *s = arena_dup(a, *s);
    return s->p || s->n == 0;
}

static enum err add_media(struct arena *a, struct ir_part *p, const struct ir_part *from)
{
    struct ir_media *m = &p->media;
    *m = from->media;
    bool ok = keep(a, &m->mime) && keep(a, &m->data) && keep(a, &m->url) && keep(a, &m->file_id) &&
              keep(a, &m->text) && keep(a, &m->name) && keep(a, &m->detail);
    return ok ? E_OK : E_FULL;
}

static enum err add_raw(struct arena *a, struct ir_part *p, const struct ir_part *from)
{
    p->raw = from->raw;
    p->raw_dialect = from->raw_dialect;
    return keep(a, &p->raw) ? E_OK : E_FULL;
}

static enum err add_citation(struct arena *a, struct ir_part *p, const struct ir_citation *from)
{
    struct ir_citation *c = arena_new(a, struct ir_citation), **at = &p->citations;
    if (!c)
        return E_FULL;
    *c = *from;
    c->next = NULL;
    while (*at)
        at = &(*at)->next;
    *at = c;
    bool ok = keep(a, &c->url) && keep(a, &c->title) && keep(a, &c->quote) && keep(a, &c->file_id) &&
              keep(a, &c->document) && keep(a, &c->raw);
    return ok ? E_OK : E_FULL;
}

static enum err begin_call(struct arena *a, struct ir_part *p, const struct ir_event *ev)
{
    p->id = ev->id;
    p->name = ev->name;
    return keep(a, &p->id) && keep(a, &p->name) ? E_OK : E_FULL;
}

/* Raw arrays are joined: [a] and [b] are [a,b]. */
static enum err add_logprobs(struct ir_answer *w, struct ir_choice_answer *c, struct str array)
{
    struct str inner = str_trim(array);
    inner = inner.n > 2 ? str_trim(str_of(inner.p + 1, inner.n - 2)) : STR("");
    if (inner.n == 0)
        return E_OK;
    if (c->logprobs.n) {
        c->logprobs.n--; /* its bracket makes way */
        enum err e = append(w->arena, &c->logprobs, STR(","));
        if (e != E_OK)
            return e;
    } else if (append(w->arena, &c->logprobs, STR("[")) != E_OK) {
        return E_FULL;
    }
    enum err e = append(w->arena, &c->logprobs, inner);
    return e == E_OK ? append(w->arena, &c->logprobs, STR("]")) : e;
}

static enum err add_to_part(struct ir_answer *w, struct ir_choice_answer *c, const struct ir_event *ev)
{
    struct ir_part *p = part_of(w, c, ev);
    if (!p)
        return E_FULL;
    switch (ev->kind) {
    case IR_EV_SIGNATURE: p->redacted |= ev->redacted; return append(w->arena, &p->signature, ev->text);
    case IR_EV_CALL: return begin_call(w->arena, p, ev);
    case IR_EV_ARGUMENTS: return append(w->arena, &p->arguments, ev->text);
    case IR_EV_MEDIA: return add_media(w->arena, p, ev->part);
    case IR_EV_RAW: return add_raw(w->arena, p, ev->part);
    case IR_EV_CITATION: return add_citation(w->arena, p, ev->citation);
    case IR_EV_THINKING:
        if (ev->id.p && !p->id.p)
            p->id = arena_dup(w->arena, ev->id);
        return append(w->arena, &p->text, ev->text);
    default: return append(w->arena, &p->text, ev->text);
    }
}

static enum err add_start(struct ir_answer *w, const struct ir_event *ev)
{
    w->id = ev->id;
    w->model = ev->model;
    w->created = ev->created;
    return keep(w->arena, &w->id) && keep(w->arena, &w->model) ? E_OK : E_FULL;
}

static enum err add_error(struct ir_answer *w, const struct ir_error *e)
{
    w->has_error = true;
    w->error = *e;
    bool ok = keep(w->arena, &w->error.message) && keep(w->arena, &w->error.code) &&
              keep(w->arena, &w->error.param);
    return ok ? E_OK : E_FULL;
}

enum err ir_answer_add(struct ir_answer *w, const struct ir_event *ev)
{
    struct ir_choice_answer *c;
    switch (ev->kind) {
    case IR_EV_START: return add_start(w, ev);
    case IR_EV_USAGE:
        w->has_usage = true;
        w->usage = *ev->usage;
        return E_OK;
    case IR_EV_ERROR: return add_error(w, ev->error);
    case IR_EV_END: w->ended = true; return E_OK;
    default: break;
    }
    c = choice_of(w, ev->choice);
    if (!c)
        return E_FULL;
    if (ev->kind == IR_EV_LOGPROBS)
        return add_logprobs(w, c, ev->text);
    if (ev->kind != IR_EV_FINISH)
        return add_to_part(w, c, ev);
    c->finish = ev->finish;
    c->stop_sequence = ev->text;
    return keep(w->arena, &c->stop_sequence) ? E_OK : E_FULL;
}

/* ---- and back ---- */

struct player {
    void (*on_event)(void *arg, const struct ir_event *ev);
    void *arg;
    int choice, block;
};

static void play(const struct player *y, struct ir_event ev)
{
    ev.choice = y->choice;
    ev.block = y->block;
    y->on_event(y->arg, &ev);
}

static void play_part(const struct player *y, const struct ir_part *p)
{
    switch (p->kind) {
    case IR_TEXT: play(y, (struct ir_event){.kind = IR_EV_TEXT, .text = p->text}); break;
    case IR_REFUSAL: play(y, (struct ir_event){.kind = IR_EV_REFUSAL, .text = p->text}); break;
    case IR_THINKING:
        if (!p->redacted || p->id.n)
            play(y, (struct ir_event){.kind = IR_EV_THINKING, .text = p->text, .id = p->id});
        break;
    case IR_TOOL_CALL:
        play(y, (struct ir_event){.kind = IR_EV_CALL, .id = p->id, .name = p->name});
        play(y, (struct ir_event){.kind = IR_EV_ARGUMENTS, .text = p->arguments});
        break;
    case IR_IMAGE:
    case IR_AUDIO:
    case IR_VIDEO:
    case IR_FILE: play(y, (struct ir_event){.kind = IR_EV_MEDIA, .part = p}); break;
    case IR_RAW: play(y, (struct ir_event){.kind = IR_EV_RAW, .part = p}); break;
    case IR_TOOL_RESULT: break; /* not in an answer */
    }
    for (const struct ir_citation *c = p->citations; c; c = c->next)
        play(y, (struct ir_event){.kind = IR_EV_CITATION, .citation = c});
    if (p->signature.n)
        play(y, (struct ir_event){.kind = IR_EV_SIGNATURE, .text = p->signature, .redacted = p->redacted});
}

void ir_answer_play(const struct ir_answer *w, void (*on_event)(void *arg, const struct ir_event *ev),
                    void *arg)
{
    struct player y = {on_event, arg, 0, 0};
    play(&y, (struct ir_event){.kind = IR_EV_START, .id = w->id, .model = w->model, .created = w->created});
    for (const struct ir_choice_answer *c = w->choices; c; c = c->next) {
        y.choice = c->choice;
        y.block = 0;
        for (const struct ir_part *p = c->parts; p; p = p->next, y.block++)
            play_part(&y, p);
        if (c->logprobs.n)
            play(&y, (struct ir_event){.kind = IR_EV_LOGPROBS, .text = c->logprobs});
        if (c->finish != IR_FINISH_UNKNOWN || !w->has_error) /* a failure is no end */
            play(&y, (struct ir_event){.kind = IR_EV_FINISH, .finish = c->finish, .text = c->stop_sequence});
    }
    y.choice = y.block = 0;
    if (w->has_usage)
        play(&y, (struct ir_event){.kind = IR_EV_USAGE, .usage = &w->usage});
    if (w->has_error)
        play(&y, (struct ir_event){.kind = IR_EV_ERROR, .error = &w->error});
    else
        play(&y, (struct ir_event){.kind = IR_EV_END});
}
