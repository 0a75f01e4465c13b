/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neutral form as text, for comparing and for messages of failed tests: one line for each fact, "path
 * value", only what was said. Paths are the names under which codecs note what they drop:
 *
 *   model stream stream_usage tool_choice parallel_tool_calls temperature top_p top_k frequency_penalty
 *   presence_penalty seed max_tokens n stop logprobs top_logprobs logit_bias
 *   response_format[.name|.description|.schema|.strict] reasoning[.effort|.budget|.shown] user metadata
 *   service_tier verbosity store modalities audio_output safety
 *   tools[.description|.schema|.strict|.cache_control|.raw]
 *   ROLE[.name|.cache_control]                                  system developer user assistant tool
 *   ROLE.KIND[.url|.data|.mime|.signature|.cache_control|...]   text image audio video file call result
 * thinking refusal ROLE.result.KIND...                                         what is in a tool's result
 *   answer[.id|.model|.created|.finish|.stop_sequence|.logprobs] answer.KIND... usage.* error.*
 *
 * DUMP_EXACT has all of it. DUMP_SHARED is what different dialects can agree on: where messages begin and end
 * does not matter, nor where system messages stood and how they were cut, nor white space in JSON.
 */
#pragma once
#include "base/arena.h"
#include "providers/codec.h"

#include <stdio.h>

/* What holds for every sequence of events (ir.h); zeroed at first. */
struct ir_rules {
    bool started, over;
    int blocks[16]; /* by choice: the newest block's number and one */
};

/* NULL: nothing is wrong with this one. */
static inline const char *ir_rule_broken(struct ir_rules *t, const struct ir_event *ev)
{
    if (t->over)
        return "an event after the end";
    if (ev->kind == IR_EV_ERROR || ev->kind == IR_EV_END) {
        t->over = true;
        return ev->kind == IR_EV_END && !t->started ? "END without START" : NULL;
    }
    if ((ev->kind == IR_EV_START) == t->started)
        return t->started ? "two STARTs" : "no START";
    t->started = true;
    if (ev->kind == IR_EV_START || ev->kind >= IR_EV_LOGPROBS)
        return NULL;
    if (ev->choice < 0)
        return "number of a choice";
    if (ev->choice >= (int)countof(t->blocks))
        return NULL;
    int *next = &t->blocks[ev->choice];
    if (ev->block == *next)
        ++*next;
    return ev->block + 1 == *next ? NULL : "a block's number is skipped or came back";
}

enum dump { DUMP_EXACT, DUMP_SHARED };

struct dumper {
    struct buf *b;
    enum dump how;
    const char *role;  /* of the message, or "answer" */
    const char *inner; /* "result." inside of one */
};

static inline struct str dump_kind(enum ir_kind k)
{
    static const char *const names[] = {
        [IR_TEXT] = "text",          [IR_IMAGE] = "image",
        [IR_AUDIO] = "audio",        [IR_VIDEO] = "video",
        [IR_FILE] = "file",          [IR_TOOL_CALL] = "call",
        [IR_TOOL_RESULT] = "result", [IR_THINKING] = "thinking",
        [IR_REFUSAL] = "refusal",    [IR_RAW] = "raw",
    };
    return str_c(names[k]);
}

static inline const char *dump_role(enum ir_role r)
{
    static const char *const names[] = {"system", "developer", "user", "assistant", "tool"};
    return names[r];
}

/* ---- lines ---- */

static inline void dump_str(struct buf *b, const char *path, struct str s)
{
    if (!s.p)
        return;
    struct json_out w = json_out(b);
    (void)buf_append_c(b, path);
    (void)buf_append_c(b, " ");
    json_put_str(&w, s);
    (void)buf_append_c(b, "\n");
}

static inline void dump_raw(struct buf *b, enum dump how, const char *path, struct str json)
{
    if (!json.p)
        return;
    struct json_doc *doc = how == DUMP_SHARED ? json_parse(json) : NULL;
    if (!doc) {
        dump_str(b, path, json);
        return;
    }
    struct json_out w = json_out(b);
    (void)buf_append_c(b, path);
    (void)buf_append_c(b, " ");
    json_put_val(&w, json_root(doc));
    (void)buf_append_c(b, "\n");
    json_free(doc);
}

static inline void dump_int(struct buf *b, const char *path, int64_t v, int64_t unsaid)
{
    if (v != unsaid)
        (void)buf_printf(b, "%s %lld\n", path, (long long)v);
}

static inline void dump_strs(struct buf *b, const char *path, const struct ir_strs *l)
{
    for (size_t i = 0; i < l->n; i++)
        dump_str(b, path, l->v[i]);
}

static inline void dump_cache(struct buf *b, const char *path, enum ir_cache c)
{
    if (c != IR_CACHE_NONE)
        (void)buf_printf(b, "%s %s\n", path, c == IR_CACHE_5M ? "5m" : "1h");
}

/* ---- parts ---- */

static inline void dump_member(const struct dumper *d, const struct ir_part *p, const char *member,
                               struct str s)
{
    char path[96];
    struct str kind = dump_kind(p->kind);
    if (!s.p)
        return;
    (void)snprintf(path, sizeof(path), "%s.%s%.*s%s%s", d->role, d->inner, STR_FMT(kind), *member ? "." : "",
                   member);
    dump_str(d->b, path, s);
}

static inline void dump_media(const struct dumper *d, const struct ir_part *p)
{
    const struct ir_media *m = &p->media;
    dump_member(d, p, "mime", m->mime);
    dump_member(d, p, "data", m->data);
    dump_member(d, p, "url", m->url);
    dump_member(d, p, "file_id", m->file_id);
    dump_member(d, p, "text", m->text);
    dump_member(d, p, "name", m->name);
    dump_member(d, p, "detail", m->detail);
}

static inline void dump_citation(const struct dumper *d, const struct ir_part *p, const struct ir_citation *c)
{
    char span[64];
    dump_member(d, p, "citation.url", c->url);
    dump_member(d, p, "citation.title", c->title);
    dump_member(d, p, "citation.quote", c->quote);
    dump_member(d, p, "citation.file_id", c->file_id);
    dump_member(d, p, "citation.document", c->document);
    (void)snprintf(span, sizeof(span), "%lld-%lld", (long long)c->start, (long long)c->end);
    dump_member(d, p, "citation.span", c->start < 0 && c->end < 0 ? str_of(NULL, 0) : str_c(span));
    if (d->how == DUMP_EXACT)
        dump_member(d, p, "citation.raw", c->raw);
}

static inline void dump_arguments(const struct dumper *d, const struct ir_part *p)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "%s.%scall.arguments", d->role, d->inner);
    dump_raw(d->b, d->how, path, p->arguments.n ? p->arguments : STR("{}"));
}

static inline void dump_parts(const struct dumper *d, const struct ir_part *p)
{
    for (; p; p = p->next) {
        bool media = p->kind >= IR_IMAGE && p->kind <= IR_FILE;
        struct str said = p->kind == IR_RAW ? p->raw : p->redacted ? STR("redacted") : p->text;
        dump_member(d, p, "", said.p || media ? said : STR(""));
        if (media)
            dump_media(d, p);
        dump_member(d, p, "id", p->id);
        dump_member(d, p, "name", p->name);
        if (p->kind == IR_TOOL_CALL)
            dump_arguments(d, p);
        dump_member(d, p, "signature", p->signature.n ? p->signature : str_of(NULL, 0));
        dump_member(d, p, "is_error", p->is_error ? STR("true") : str_of(NULL, 0));
        for (const struct ir_citation *c = p->citations; c; c = c->next)
            dump_citation(d, p, c);
        if (p->parts)
            dump_parts(&(struct dumper){d->b, d->how, d->role, "result."}, p->parts);
        dump_member(d, p, "cache_control",
                    p->cache == IR_CACHE_NONE ? str_of(NULL, 0)
                    : p->cache == IR_CACHE_5M ? STR("5m")
                                              : STR("1h"));
    }
}

/* ---- requests ---- */

static inline void dump_message(struct buf *b, enum dump how, const struct ir_message *m)
{
    struct dumper d = {b, how, dump_role(m->role), ""};
    char path[32];
    if (how == DUMP_EXACT)
        (void)buf_printf(b, "%s {\n", d.role);
    (void)snprintf(path, sizeof(path), "%s.name", d.role);
    dump_str(b, path, m->name);
    dump_parts(&d, m->parts);
    (void)snprintf(path, sizeof(path), "%s.cache_control", d.role);
    dump_cache(b, path, m->cache);
    if (how == DUMP_EXACT)
        (void)buf_append_c(b, "}\n");
}

static inline bool dump_is_system(const struct ir_message *m)
{
    return m->role == IR_SYSTEM || m->role == IR_DEVELOPER;
}

static inline void dump_messages(struct buf *b, enum dump how, const struct ir_request *r)
{
    if (how == DUMP_SHARED) {
        struct arena a;
        arena_init(&a, 16 * 1024 * 1024);
        dump_str(b, "system.text", ir_system_text(&a, r));
        arena_done(&a);
        for (const struct ir_message *m = r->messages; m; m = m->next)
            for (const struct ir_part *p = m->parts; p && dump_is_system(m); p = p->next)
                dump_cache(b, "system.text.cache_control", p->cache);
    }
    for (const struct ir_message *m = r->messages; m; m = m->next)
        if (how == DUMP_EXACT || !dump_is_system(m))
            dump_message(b, how, m);
}

static inline void dump_tools(struct buf *b, enum dump how, const struct ir_tool *t)
{
    for (; t; t = t->next) {
        dump_str(b, t->raw.p ? "tools.raw" : "tools", t->name);
        dump_str(b, "tools.description", t->description);
        dump_raw(b, how, "tools.schema", t->schema);
        dump_int(b, "tools.strict", t->strict, -1);
        dump_cache(b, "tools.cache_control", t->cache);
        dump_raw(b, how, "tools.raw", t->raw);
    }
}

static inline void dump_format(struct buf *b, enum dump how, const struct ir_request *r)
{
    static const char *const formats[] = {NULL, "text", "json", "schema"};
    dump_str(b, "response_format", str_c(formats[r->format]));
    dump_str(b, "response_format.name", r->format_name);
    dump_str(b, "response_format.description", r->format_description);
    dump_raw(b, how, "response_format.schema", r->format_schema);
    dump_int(b, "response_format.strict", r->format_strict, -1);
}

static inline void dump_sampling(struct buf *b, const struct ir_request *r)
{
    dump_str(b, "temperature", r->temperature);
    dump_str(b, "top_p", r->top_p);
    dump_str(b, "top_k", r->top_k);
    dump_str(b, "frequency_penalty", r->frequency_penalty);
    dump_str(b, "presence_penalty", r->presence_penalty);
    dump_str(b, "seed", r->seed);
    dump_int(b, "max_tokens", r->max_tokens, -1);
    dump_int(b, "n", r->n, -1);
    dump_strs(b, "stop", &r->stop);
    dump_int(b, "logprobs", r->logprobs, -1);
    dump_int(b, "top_logprobs", r->top_logprobs, -1);
}

static inline void dump_reasoning(struct buf *b, const struct ir_request *r)
{
    dump_int(b, "reasoning", r->thinking, -1);
    dump_str(b, "reasoning.effort", r->effort);
    dump_int(b, "reasoning.budget", r->thinking_budget, -1);
    dump_int(b, "reasoning.shown", r->thinking_shown, -1);
}

static inline void dump_request(struct buf *b, enum dump how, const struct ir_request *r)
{
    static const char *const choices[] = {NULL, "auto", "none", "required", "named"};
    dump_str(b, "model", r->model);
    dump_int(b, "stream", r->stream, false);
    dump_int(b, "stream_usage", r->stream_usage, false);
    dump_messages(b, how, r);
    dump_tools(b, how, r->tools);
    dump_str(b, "tool_choice", str_c(choices[r->choice]));
    dump_str(b, "tool_choice", r->choice_name);
    dump_int(b, "parallel_tool_calls", r->parallel_tools, -1);
    dump_sampling(b, r);
    dump_raw(b, how, "logit_bias", r->logit_bias);
    dump_format(b, how, r);
    dump_reasoning(b, r);
    dump_str(b, "user", r->user);
    dump_raw(b, how, "metadata", r->metadata);
    dump_str(b, "service_tier", r->service_tier);
    dump_str(b, "verbosity", r->verbosity);
    dump_int(b, "store", r->store, -1);
    dump_strs(b, "modalities", &r->modalities);
    dump_raw(b, how, "audio_output", r->audio);
    dump_raw(b, how, "safety", r->safety);
}

/* ---- answers ---- */

static inline const char *dump_finish(enum ir_finish f)
{
    static const char *const names[] = {
        [IR_FINISH_UNKNOWN] = "unknown",
        [IR_FINISH_STOP] = "stop",
        [IR_FINISH_STOP_SEQUENCE] = "stop_sequence",
        [IR_FINISH_LENGTH] = "length",
        [IR_FINISH_TOOLS] = "tools",
        [IR_FINISH_FILTER] = "filter",
        [IR_FINISH_REFUSAL] = "refusal",
        [IR_FINISH_PAUSE] = "pause",
        [IR_FINISH_ERROR] = "error",
    };
    return names[f];
}

static inline void dump_error(struct buf *b, const struct ir_error *e)
{
    static const char *const kinds[] = {"invalid", "auth",       "permission", "not_found", "rate",
                                        "quota",   "overloaded", "timeout",    "server"};
    (void)buf_printf(b, "error.kind %s\n", kinds[e->kind]);
    dump_int(b, "error.status", e->status, 0);
    dump_str(b, "error.message", e->message);
    dump_str(b, "error.code", e->code);
    dump_str(b, "error.param", e->param);
    dump_int(b, "error.retry_after", e->retry_after, 0);
}

static inline void dump_usage(struct buf *b, const struct usage *u)
{
    dump_int(b, "usage.input", u->input, -1);
    dump_int(b, "usage.output", u->output, -1);
    dump_int(b, "usage.cached", u->cached, 0);
    dump_int(b, "usage.cache_write", u->cache_write, 0);
    dump_int(b, "usage.cache_write_1h", u->cache_write_1h, 0);
    dump_int(b, "usage.reasoning", u->reasoning, 0);
    dump_int(b, "usage.audio_in", u->audio_in, 0);
    dump_int(b, "usage.audio_out", u->audio_out, 0);
    dump_int(b, "usage.cached_audio", u->cached_audio, 0);
    dump_int(b, "usage.image_in", u->image_in, 0);
    dump_int(b, "usage.image_out", u->image_out, 0);
}

static inline void dump_answer(struct buf *b, enum dump how, const struct ir_answer *w)
{
    dump_str(b, "answer.id", w->id);
    dump_str(b, "answer.model", w->model);
    dump_int(b, "answer.created", w->created, 0);
    for (const struct ir_choice_answer *c = w->choices; c; c = c->next) {
        (void)buf_printf(b, "answer.choice %d\n", c->choice);
        dump_parts(&(struct dumper){b, how, "answer", ""}, c->parts);
        (void)buf_printf(b, "answer.finish %s\n", dump_finish(c->finish));
        dump_str(b, "answer.stop_sequence", c->stop_sequence);
        dump_raw(b, how, "answer.logprobs", c->logprobs);
    }
    if (w->has_usage)
        dump_usage(b, &w->usage);
    if (w->has_error)
        dump_error(b, &w->error);
    (void)buf_append_c(b, w->ended ? "answer.end\n" : "");
}

/* One line, or some for events with objects. */
static inline void dump_event(struct buf *b, const struct ir_event *ev)
{
    static const char *const kinds[] = {[IR_EV_START] = "START",
                                        [IR_EV_TEXT] = "TEXT",
                                        [IR_EV_REFUSAL] = "REFUSAL",
                                        [IR_EV_THINKING] = "THINKING",
                                        [IR_EV_SIGNATURE] = "SIGNATURE",
                                        [IR_EV_CALL] = "CALL",
                                        [IR_EV_ARGUMENTS] = "ARGUMENTS",
                                        [IR_EV_MEDIA] = "MEDIA",
                                        [IR_EV_CITATION] = "CITATION",
                                        [IR_EV_RAW] = "RAW",
                                        [IR_EV_LOGPROBS] = "LOGPROBS",
                                        [IR_EV_FINISH] = "FINISH",
                                        [IR_EV_USAGE] = "USAGE",
                                        [IR_EV_ERROR] = "ERROR",
                                        [IR_EV_END] = "END"};
    (void)buf_printf(b, "%s %d.%d%s\n", kinds[ev->kind], ev->choice, ev->block,
                     ev->redacted ? " redacted" : "");
    dump_str(b, " text", ev->text);
    dump_str(b, " id", ev->id);
    dump_str(b, " name", ev->name);
    dump_str(b, " model", ev->model);
    dump_int(b, " created", ev->created, 0);
    struct dumper d = {b, DUMP_EXACT, " part", ""};
    if (ev->part)
        dump_parts(&d, ev->part);
    if (ev->citation)
        dump_citation(&d, &(struct ir_part){.kind = IR_TEXT}, ev->citation);
    if (ev->kind == IR_EV_FINISH)
        (void)buf_printf(b, " finish %s\n", dump_finish(ev->finish));
    if (ev->usage)
        dump_usage(b, ev->usage);
    if (ev->error)
        dump_error(b, ev->error);
}
