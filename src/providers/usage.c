/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The meter reads an answer by the tables of its dialect (dialects.c): it looks members up by their
 * path, never by searching for a name, so that what a model writes cannot be taken for usage.
 *
 * A stream has hundreds of content events and a handful that matter. Each event's text is first
 * asked whether any key of the tables has a value in it, which costs a hop per colon; only then is
 * it parsed. Fields keep the last value that was seen and are never summed: providers repeat.
 */
#include "providers/usage.h"
#include "base/arena.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"
#include "providers/aws_stream.h"
#include "providers/dialects.h"

#include <math.h>

_Static_assert(RAW_FIELDS <= countof(((struct meter *)0)->raw), "struct meter has room for all raw fields");

/* Sums of a few such counts stay far from 2^63; beyond it a number is a provider's mistake. */
static const int64_t count_max = INT64_C(1) << 48;
static const double cost_max = 1e6; /* USD for one call */

enum {
    MODEL_LOOKS = 4, /* Azure's first event has an empty model name; later than this none comes */
    MESSAGE_DEPTH = 6,
    BYTES_ON_STACK = 4 * KIB, /* decoded Bedrock chunks up to this size cost no allocation */
};

/* ---- text: copies with a cap, cut between characters ------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void put_text(char *out, size_t cap, struct str s)
{
    size_t n = s.n < cap ? s.n : cap - 1;
    while (n > 0 && n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)s.p[i] < ' ' ? ' ' : s.p[i];
    out[n] = '\0';
}

/* ---- errors ------------------------------------------------------------------------------------ */

/* The first text that reads like a message, whatever the provider calls it. */
static struct str find_message(const struct json_val *v, int depth)
{
    static const char *const keys[] = {"error",       "errors", "message", "Message", "detail",
                                       "description", "msg",    "err_msg", "reason",  "error_message",
                                       "code",        "type",   "title",   "status"};
    if (json_type(v) == JSON_ARRAY)
        v = json_at(v, 0);
    struct str found = json_str(v);
    if (json_type(v) != JSON_OBJECT || depth == MESSAGE_DEPTH)
        return found;
    for (size_t i = 0; i < countof(keys) && !found.n; i++)
        found = find_message(json_get(v, keys[i]), depth + 1);
    return found;
}

static void note_error(struct meter *m, struct str text)
{
    m->error = true;
    if (!m->error_text[0])
        put_text(m->error_text, sizeof(m->error_text), text);
}

/* A body that is no JSON: a line of text says something, HTML and compressed bytes do not. */
static struct str plain_message(struct str body)
{
    struct str text = str_head(str_trim(body), USAGE_ERROR_BYTES);
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ' && !is_space(text.p[i]))
            return STR("");
    return str_starts(text, STR("<")) ? STR("") : text;
}

void meter_error(struct meter *m, struct str body)
{
    struct json_doc *doc = json_parse(body);
    note_error(m, doc ? find_message(json_root(doc), 0) : plain_message(body));
    json_free(doc);
}

/* ---- reading by the tables --------------------------------------------------------------------- */

static const struct json_val *at_path(const struct json_val *v, const char *const *path, size_t n)
{
    for (size_t i = 0; i < n && path[i]; i++)
        v = json_get(v, path[i]);
    return v;
}

static bool read_count(const struct json_val *v, int64_t *ret)
{
    int64_t n = 0;
    if (!json_uint(v, &n) || n > count_max)
        return false;
    *ret = n;
    return true;
}

static bool read_sum(const struct count *c, const struct json_val *list, int64_t *ret)
{
    if (json_type(list) != JSON_ARRAY)
        return false;
    int64_t sum = 0;
    bool found = false;
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        int64_t n = 0;
        bool ours = !c->key || str_eq(json_str(json_get(it.val, c->key)), str_c(c->is));
        const struct json_val *holder = at_path(it.val, c->inside, countof(c->inside));
        if (ours && read_count(json_get(holder, c->number), &n)) {
            sum = sum + n < count_max ? sum + n : count_max;
            found = true;
        }
    }
    if (found)
        *ret = sum;
    return found;
}

static void read_counts(struct meter *m, const struct count *c, const struct json_val *object)
{
    const char *outer = NULL; /* neighbouring rows share the object they look into */
    const struct json_val *inside = NULL;
    for (; c->to != RAW_FIELDS; c++) {
        if (c->repeated && m->raw[RAW_INPUT] >= 0)
            continue;
        if (!outer || strcmp(outer, c->at[0]) != 0) {
            outer = c->at[0];
            inside = json_get(object, outer);
        }
        const struct json_val *v = inside ? at_path(inside, c->at + 1, countof(c->at) - 1) : NULL;
        (void)(c->number ? read_sum(c, v, &m->raw[c->to]) : read_count(v, &m->raw[c->to]));
    }
}

static bool has_quirk(const struct meter *m, unsigned quirk)
{
    return m->provider && (m->provider->quirks & quirk);
}

static void read_usage(struct meter *m, const struct look *look, const struct json_val *object)
{
    /* several sets of names: the first that fits is the provider's */
    for (size_t i = 0; i < countof(look->counts) && look->counts[i]; i++) {
        const struct count *before = i ? look->counts[i - 1] : NULL;
        if (before && before->to == RAW_INPUT && json_get(object, before->at[0]))
            break;
        read_counts(m, look->counts[i], object);
    }
    double cost = json_num(json_get(object, "cost"), -1);
    if (has_quirk(m, Q_REPORTS_COST) && cost >= 0 && cost <= cost_max)
        m->raw_cost = cost;
}

static bool is_found(const struct look *look, const struct json_val *v)
{
    struct str text = json_str(v);
    if (look->starts)
        return str_starts(text, str_c(look->starts));
    return text.n || json_count(v) || json_type(v) == JSON_NUMBER || json_bool(v, false);
}

/* `holder` is the object that the look's key stands in. */
static void act(struct meter *m, const struct look *look, const struct json_val *holder)
{
    const struct json_val *v = json_get(holder, look->key.p);
    if (!is_found(look, v))
        return;
    switch (look->what) {
    case LOOK_USAGE: read_usage(m, look, v); break;
    case LOOK_BESIDE: read_usage(m, look, holder); break;
    case LOOK_END: m->complete = true; break;
    case LOOK_ERROR: {
        struct str text = find_message(holder, 0);
        note_error(m, text.n ? text : json_str(v));
        break;
    }
    }
}

static void follow(struct meter *m, const struct look *look, const struct json_val *v, size_t depth)
{
    if (json_type(v) == JSON_ARRAY) {
        for (struct json_iter it = json_iter(v); json_next(&it);)
            if (json_type(it.val) == JSON_OBJECT)
                follow(m, look, it.val, depth);
        return;
    }
    if (depth < countof(look->in) && look->in[depth])
        follow(m, look, json_get(v, look->in[depth]), depth + 1);
    else
        act(m, look, v);
}

static void read_model(struct meter *m, const struct json_val *v)
{
    static const char *const paths[][2] = {
        {"model", NULL}, {"response", "model"}, {"message", "model"}, {"modelVersion", NULL}};
    if (json_type(v) == JSON_ARRAY)
        v = json_at(v, 0);
    for (size_t i = 0; i < countof(paths) && !m->usage.model[0]; i++) {
        struct str name = json_str(at_path(v, paths[i], countof(paths[i])));
        put_text(m->usage.model, sizeof(m->usage.model), name);
    }
}

void meter_value(struct meter *m, const struct json_val *v)
{
    const struct rules *r = dialect_rules(m->dialect);
    if (r->names_model && !m->usage.model[0])
        read_model(m, v);
    for (size_t i = 0; i < r->n; i++)
        follow(m, &r->looks[i], v, 0);
}

static bool read_text(struct meter *m, struct str text)
{
    struct json_doc *doc = json_parse(text);
    if (doc)
        meter_value(m, json_root(doc));
    json_free(doc);
    return doc != NULL;
}

/* ---- the quick question: can this event matter? ------------------------------------------------ */

static uint32_t tail_bit(char c)
{
    return UINT32_C(1) << (c & 31);
}

/* Does the text that ends at `quote`, a closing quote, end in this key? */
static bool ends_in_key(const char *begin, const char *quote, struct str key)
{
    return (size_t)(quote - begin) > key.n && quote[-1 - (ptrdiff_t)key.n] == '"' &&
           memcmp(quote - key.n, key.p, key.n) == 0;
}

static bool value_matters(struct str value, const char *starts)
{
    if (!starts)
        return !str_starts(value, STR("null")) && !str_starts(value, STR("\"\""));
    return str_starts(value, STR("\"")) && str_starts(str_from(value, 1), str_c(starts));
}

/*
 * Text alone, no tree: says yes too often (a member of the same name elsewhere), never too seldom,
 * except for keys written with escapes, which no provider does.
 */
static bool has_member(struct str text, uint32_t tails, const struct look *looks, size_t n)
{
    if (!text.n)
        return false;
    const char *begin = text.p, *end = text.p + text.n;
    for (const char *colon = begin; (colon = memchr(colon, ':', (size_t)(end - colon))); colon++) {
        const char *quote = colon - 1, *value = colon + 1;
        while (quote > begin && is_space(*quote))
            quote--;
        if (quote <= begin || *quote != '"' || !(tails & tail_bit(quote[-1])))
            continue;
        while (value < end && is_space(*value))
            value++;
        for (size_t i = 0; i < n; i++)
            if (ends_in_key(begin, quote, looks[i].key) &&
                value_matters(str_of(value, (size_t)(end - value)), looks[i].starts))
                return true;
    }
    return false;
}

static bool can_matter(struct meter *m, struct str text)
{
    const struct rules *r = dialect_rules(m->dialect);
    if (r->names_model && !m->usage.model[0] && m->model_looks < MODEL_LOOKS) {
        m->model_looks++;
        return true;
    }
    return has_member(text, m->tails, r->looks, r->n);
}

/* Typed streams name their content events "..._delta" or "....delta"; one of them has usage. */
static bool is_content(struct str event_name)
{
    return str_ends(event_name, STR("delta")) && !str_eq(event_name, STR("message_delta"));
}

/* ---- entry points ------------------------------------------------------------------------------ */

void meter_init(struct meter *m, const struct provider *p, enum dialect d)
{
    const struct rules *r = dialect_rules(d);
    *m = (struct meter){.provider = p, .dialect = d, .raw_cost = -1};
    for (size_t i = 0; i < countof(m->raw); i++)
        m->raw[i] = -1;
    for (size_t i = 0; i < r->n; i++)
        m->tails |= tail_bit(r->looks[i].key.p[r->looks[i].key.n - 1]);
}

void meter_head(struct meter *m, const struct headers *h)
{
    static const struct {
        struct str name;
        enum raw to;
    } lines[] = {{S("x-amzn-bedrock-input-token-count"), RAW_INPUT},
                 {S("x-amzn-bedrock-output-token-count"), RAW_OUTPUT}};
    int64_t n;
    if (m->dialect != D_BEDROCK_INVOKE)
        return;
    for (size_t i = 0; i < countof(lines); i++)
        if (str_to_int(headers_last(h, lines[i].name), &n) == E_OK && n >= 0 && n <= count_max)
            m->raw[lines[i].to] = n;
}

void meter_json(struct meter *m, struct str body)
{
    if (m->dialect == D_OPAQUE || read_text(m, body))
        return;
    while (str_starts(str_trim(body), STR("{"))) /* one object a line */
        (void)read_text(m, str_trim(str_cut(&body, '\n')));
}

void meter_sse(struct meter *m, const struct sse_event *ev)
{
    if (str_starts(ev->data, STR("[DONE]"))) {
        m->complete = true;
        return;
    }
    bool error = str_eq(ev->name, STR("error"));
    if (m->dialect == D_OPAQUE || !ev->data.n || is_content(ev->name))
        return;
    if (error || can_matter(m, ev->data))
        (void)read_text(m, ev->data);
    if (error)
        meter_error(m, ev->data);
}

/* The JSON inside a chunk of an invoke stream: {"bytes":"<base64>","p":"<padding>"}. */
static struct str unwrap(struct arena *a, struct str payload)
{
    static const struct str opening = S("\"bytes\":\"");
    struct str inside = str_from(payload, str_search(payload, opening) + opening.n);
    struct str text;
    inside = str_head(inside, str_find(inside, '"'));
    return inside.n && base64_decode(a, inside, &text) == E_OK ? text : payload;
}

static void read_chunk(struct meter *m, struct str payload)
{
    _Alignas(max_align_t) char space[BYTES_ON_STACK];
    struct arena a;
    arena_init(&a, AWS_FRAME_BYTES);
    a.at = space;
    a.end = space + sizeof(space);
    struct str text = unwrap(&a, payload);
    if (can_matter(m, text))
        (void)read_text(m, text);
    arena_done(&a);
}

void meter_aws(struct meter *m, const struct aws_frame *f)
{
    if (str_eq(f->message_type, STR("exception")) || str_eq(f->message_type, STR("error"))) {
        if (f->error_message.n)
            note_error(m, f->error_message);
        else
            meter_error(m, f->payload.n ? f->payload : f->exception_type);
        return;
    }
    if (m->dialect == D_BEDROCK_INVOKE)
        read_chunk(m, f->payload);
    else if (m->dialect != D_OPAQUE && can_matter(m, f->payload))
        (void)read_text(m, f->payload);
}

/* ---- normalising ------------------------------------------------------------------------------- */

static int64_t at_most(int64_t v, int64_t limit)
{
    return v < limit ? v : limit;
}

/* 0 for a field that was never seen */
static int64_t raw(const struct meter *m, enum raw field)
{
    return m->raw[field] > 0 ? m->raw[field] : 0;
}

static bool was_seen(const struct meter *m)
{
    static const enum raw any[] = {RAW_INPUT, RAW_INPUT_MORE, RAW_OUTPUT, RAW_TOTAL, RAW_REASONING_APART};
    for (size_t i = 0; i < countof(any); i++)
        if (m->raw[any[i]] >= 0)
            return true;
    return false;
}

/* Reasoning tokens that the output count leaves out. */
static int64_t reasoning_apart(const struct meter *m)
{
    int64_t counted = raw(m, RAW_INPUT) + raw(m, RAW_OUTPUT), total = raw(m, RAW_TOTAL);
    /* xAI's Responses API counts them in, its chat does not */
    if (!has_quirk(m, Q_REASONING_APART) || m->dialect != D_OPENAI_CHAT)
        return raw(m, RAW_REASONING_APART);
    if (m->raw[RAW_REASONING_TOP] >= 0)
        return raw(m, RAW_REASONING_TOP);
    /* the total tells, should a model count them in after all, or not tell of them (Gemini's chat) */
    if (m->raw[RAW_REASONING] >= 0)
        return total == counted ? 0 : raw(m, RAW_REASONING);
    return m->raw[RAW_INPUT] >= 0 && total > counted ? total - counted : 0;
}

static int64_t cache_written(const struct meter *m)
{
    bool has_sum = m->raw[RAW_WRITE_APART] >= 0 || m->raw[RAW_WRITE] >= 0;
    return has_sum ? raw(m, RAW_WRITE_APART) + raw(m, RAW_WRITE)
                   : raw(m, RAW_WRITE_5M) + raw(m, RAW_WRITE_1H);
}

static void normalise_input(const struct meter *m, struct usage *u)
{
    int64_t input = raw(m, RAW_INPUT);
    if (m->raw[RAW_INPUT] < 0 && raw(m, RAW_TOTAL) > raw(m, RAW_OUTPUT))
        input = raw(m, RAW_TOTAL) - raw(m, RAW_OUTPUT);
    int64_t written = cache_written(m);
    bool inside = m->raw[RAW_WRITE] >= 0;
    u->input = input + raw(m, RAW_INPUT_MORE) + raw(m, RAW_CACHED_APART) + (inside ? 0 : written);
    /* a part larger than its whole is the provider's mistake */
    u->cached = at_most(raw(m, RAW_CACHED) + raw(m, RAW_CACHED_APART), u->input);
    u->cache_write = at_most(written, u->input - u->cached);
    u->cache_write_1h = at_most(raw(m, RAW_WRITE_1H), u->cache_write);
    u->audio_in = at_most(raw(m, RAW_AUDIO_IN), u->input);
    u->cached_audio = at_most(at_most(raw(m, RAW_CACHED_AUDIO), u->cached), u->audio_in);
    u->image_in = at_most(raw(m, RAW_IMAGE_IN), u->input - u->audio_in);
}

static void normalise_output(const struct meter *m, struct usage *u)
{
    int64_t apart = reasoning_apart(m);
    int64_t reported = raw(m, RAW_REASONING) ? raw(m, RAW_REASONING) : raw(m, RAW_REASONING_TOP);
    u->output = raw(m, RAW_OUTPUT) + apart;
    u->reasoning = at_most(reported > apart ? reported : apart, u->output);
    u->audio_out = at_most(raw(m, RAW_AUDIO_OUT), u->output);
    u->image_out = at_most(raw(m, RAW_IMAGE_OUT), u->output - u->audio_out);
}

const struct usage *meter_usage(struct meter *m)
{
    struct usage *u = &m->usage;
    u->known = was_seen(m);
    normalise_input(m, u);
    normalise_output(m, u);
    u->has_cost = m->raw_cost >= 0;
    u->cost_pico = u->has_cost ? llround(m->raw_cost * 1e12) : 0;
    return u;
}

/* ---- the chunk that asking for usage adds ------------------------------------------------------ */

bool usage_chunk_only(struct str data)
{
    static const struct look usage[] = {{.what = LOOK_USAGE, .key = S("usage")}};
    if (!has_member(data, tail_bit('e'), usage, countof(usage)))
        return false;
    struct json_doc *doc = json_parse(data);
    const struct json_val *root = json_root(doc), *choices = json_get(root, "choices");
    bool only = json_type(choices) == JSON_ARRAY && json_count(choices) == 0 &&
                json_type(json_get(root, "usage")) == JSON_OBJECT;
    json_free(doc);
    return only;
}

static size_t skip_blanks(struct str s, size_t at)
{
    while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t'))
        at++;
    return at;
}

bool usage_placeholder(struct str raw, struct str *ret)
{
    static const struct str key = S("\"usage\":"), null = S("null");
    size_t from = str_search(raw, key), end = skip_blanks(raw, from + key.n);
    if (from == raw.n || !str_starts(str_from(raw, end), null))
        return false;
    end += null.n;
    size_t before = from, after = skip_blanks(raw, end);
    while (before > 0 && (raw.p[before - 1] == ' ' || raw.p[before - 1] == '\t'))
        before--;
    if (before > 0 && raw.p[before - 1] == ',')
        from = before - 1;
    else if (after < raw.n && raw.p[after] == ',')
        end = after + 1;
    *ret = str_of(raw.p + from, end - from);
    return true;
}
