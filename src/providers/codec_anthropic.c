/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anthropic Messages: the codec's table, its errors, and what is known about models. The API refuses with 400
 * what a model does not take, and each generation takes something else; so the writers ask claude_traits and
 * say it in the model's own way, or leave it out with a note.
 */
#include "providers/codec_anthropic.h"

/* ---- models ---------------------------------------------------------------------------------------- */

enum { V_UNKNOWN = 9900 }; /* a Claude without a version: new */

struct claude {
    struct str family;
    int version; /* 100 * major + minor; -1: not a Claude */
};

static bool is_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* Cuts the next word of a model's name: opus, 4, 5, 20251101. */
static struct str cut_word(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && !strchr("-._@:/", rest->p[n]))
        n++;
    struct str word = str_head(*rest, n);
    *rest = str_from(*rest, n + 1);
    return word;
}

static bool is_family(struct str word)
{
    static const struct str families[] = {S("opus"), S("sonnet"), S("haiku"), S("fable"), S("mythos")};
    for (size_t i = 0; i < countof(families); i++)
        if (str_eq(word, families[i]))
            return true;
    return false;
}

static struct claude read_name(struct str model)
{
    static const struct str word = S("claude");
    struct claude c = {.version = -1};
    size_t at = str_search(model, word);
    if (at == model.n)
        return c;
    struct str rest = str_from(model, at + word.n);
    c.version = 0;
    bool after_major = false;
    while (rest.n) {
        struct str w = cut_word(&rest);
        bool number = is_digits(w) && w.n <= 2; /* longer ones are dates */
        int value = number ? (w.n == 2 ? (w.p[0] - '0') * 10 : 0) + (w.p[w.n - 1] - '0') : 0;
        if (number && c.version == 0)
            c.version = 100 * value;
        else if (number && after_major)
            c.version += value;
        after_major = number && c.version == 100 * value;
        if (is_family(w))
            c.family = w;
    }
    return c;
}

static unsigned thinking_traits(const struct claude *c, bool always)
{
    int v = c->version;
    unsigned t = CLAUDE_THINKING;
    t |= v < 407 ? CLAUDE_BUDGET : 0;
    t |= v >= 406 ? CLAUDE_ADAPTIVE : 0;
    t |= v >= 500 ? CLAUDE_THINKS : 0;
    t |= always ? 0 : CLAUDE_QUIET;
    t |= always && str_eq(c->family, STR("sonnet")) ? CLAUDE_BETWEEN : 0;
    return t;
}

static unsigned output_traits(const struct claude *c)
{
    int v = c->version;
    bool opus_45 = v == 405 && str_eq(c->family, STR("opus"));
    unsigned t = v >= 407 ? CLAUDE_EFFORT_XHIGH : 0;
    t |= v >= 406 ? CLAUDE_EFFORT_MAX : 0;
    t |= v >= 406 || opus_45 ? CLAUDE_EFFORT : 0;
    t |= v >= 405 || v == 401 ? CLAUDE_SCHEMA : 0;
    return t;
}

unsigned claude_traits(struct str model)
{
    struct claude c = read_name(model);
    const unsigned plain = CLAUDE_SAMPLING | CLAUDE_FORCED;
    if (c.version < 0)
        return plain | CLAUDE_SAMPLING_BOTH | CLAUDE_THINKING | CLAUDE_BUDGET | CLAUDE_QUIET;
    bool big = str_eq(c.family, STR("fable")) || str_eq(c.family, STR("mythos"));
    if (c.version == 0) /* claude-mythos-preview came with 4.6 */
        c.version = str_eq(c.family, STR("mythos")) ? 406 : V_UNKNOWN;
    int v = c.version;
    if (v < 307)
        return plain | CLAUDE_SAMPLING_BOTH;
    bool newest = v >= 505 && !str_eq(c.family, STR("haiku"));
    unsigned t = thinking_traits(&c, big || newest) | output_traits(&c);
    t |= v <= 406 && !big ? CLAUDE_SAMPLING : 0;
    t |= v <= 400 ? CLAUDE_SAMPLING_BOTH : 0;
    t |= newest || (big && v > 500) ? 0 : CLAUDE_FORCED;
    t |= v >= 408 ? CLAUDE_SYSTEM : 0;
    return t;
}

/* ---- signatures of others -------------------------------------------------------------------------- */

static const struct str tag = S("weir:");

struct str anthropic_tag(struct arena *a, struct str id, struct str signature)
{
    const struct str parts[] = {tag, id, S(":"), signature};
    return arena_join(a, parts, countof(parts));
}

bool anthropic_untag(struct str text, struct str *ret_id, struct str *ret_signature)
{
    if (!str_starts(text, tag))
        return false;
    struct str rest = str_from(text, tag.n), id = str_cut(&rest, ':');
    if (!rest.p)
        return false;
    *ret_id = id;
    *ret_signature = rest;
    return true;
}

/* ---- errors ---------------------------------------------------------------------------------------- */

static const struct {
    struct str type;
    enum ir_error_kind kind;
    int status;
} errors[] = {
    /* the first of a kind is the one that is written */
    {S("invalid_request_error"), IR_ERR_INVALID, 400},
    {S("request_too_large"), IR_ERR_INVALID, 413},
    {S("conflict_error"), IR_ERR_INVALID, 409},
    {S("authentication_error"), IR_ERR_AUTH, 401},
    {S("permission_error"), IR_ERR_PERMISSION, 403},
    {S("not_found_error"), IR_ERR_NOT_FOUND, 404},
    {S("rate_limit_error"), IR_ERR_RATE, 429},
    {S("billing_error"), IR_ERR_QUOTA, 402},
    {S("overloaded_error"), IR_ERR_OVERLOADED, 529},
    {S("timeout_error"), IR_ERR_TIMEOUT, 504},
    {S("api_error"), IR_ERR_SERVER, 500},
};

/* The row for an error; a kind has several where the status tells them apart. */
static size_t error_row(const struct ir_error *e)
{
    size_t row = countof(errors);
    for (size_t i = 0; i < countof(errors); i++)
        if (errors[i].kind == e->kind && (row == countof(errors) || errors[i].status == e->status))
            row = i;
    must(row < countof(errors));
    return row;
}

void anthropic_error_of(struct arena *a, const struct json_val *v, int status, struct ir_error *ret)
{
    const struct json_val *error = json_get(v, "error");
    struct str type = codec_text(error, "type"), message = codec_text(error, "message");
    *ret = (struct ir_error){.status = status, .code = arena_dup(a, type), .message = arena_dup(a, message)};
    if (!type.p)
        ret->code = type;
    if (status)
        ret->kind = ir_error_of_status(status);
    else
        ret->kind = IR_ERR_SERVER;
    for (size_t i = 0; i < countof(errors); i++)
        if (str_eq(type, errors[i].type)) {
            ret->kind = errors[i].kind;
            ret->status = status ? status : errors[i].status;
        }
    ret->status = ret->status ? ret->status : 500;
}

static void read_error(struct arena *a, int status, struct str body, struct ir_error *ret)
{
    struct json_doc *doc = json_parse(body);
    anthropic_error_of(a, json_root(doc), status, ret);
    if (!ret->message.n)
        ret->message = codec_error_text(a, D_ANTHROPIC, status, body);
    json_free(doc);
}

void anthropic_put_error(struct json_out *w, const struct ir_error *e)
{
    json_open(w, '{');
    json_add_str(w, "type", STR("error"));
    json_key(w, "error");
    json_open(w, '{');
    json_add_str(w, "type", errors[error_row(e)].type);
    json_add_str(w, "message", e->message.p ? e->message : STR(""));
    json_close(w, '}');
    json_close(w, '}');
}

static void write_error(const struct ir_error *e, struct buf *out)
{
    struct json_out w = json_out(out);
    anthropic_put_error(&w, e);
}

static int error_status(const struct ir_error *e)
{
    /* gateways between here and the provider have statuses of their own: 502 stays 502 */
    if (e->kind == IR_ERR_SERVER && e->status > 500 && e->status < 600)
        return e->status;
    return errors[error_row(e)].status;
}

const struct codec codec_anthropic = {
    .dialect = D_ANTHROPIC,
    .name = "Anthropic Messages",
    .stream_type = S("text/event-stream"),
    .read_request = anthropic_read_request,
    .write_request = anthropic_write_request,
    .read_answer = anthropic_read_answer,
    .write_answer = anthropic_write_answer,
    .read_sse = anthropic_read_sse,
    .read_end = anthropic_read_end,
    .write_event = anthropic_write_event,
    .read_error = read_error,
    .write_error = write_error,
    .error_status = error_status,
};
