/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/fit.h"

enum level { REQUEST, MESSAGE, CALL };

/* What a provider refuses. Sources: platform.openai.com (max_tokens is refused by models that reason),
 * docs.mistral.ai and its 422 "Extra inputs are not permitted", api-docs.deepseek.com (knows max_tokens
 * only). */
static const struct rule {
    enum level level;
    struct str key, value; /* value: only this one, raw; p == NULL: any */
    unsigned when;         /* has one of these quirks */
    unsigned unless;       /* and none of these */
    struct str instead;    /* of the key, or of the value where one is given; p == NULL: left out */
} rules[] = {
    {REQUEST, S("max_tokens"), {NULL, 0}, CODEC_MAX_COMPLETION_TOKENS, 0, S("max_completion_tokens")},
    {REQUEST, S("max_completion_tokens"), {NULL, 0}, CODEC_MAX_TOKENS, 0, S("max_tokens")},
    {REQUEST, S("stream_options"), {NULL, 0}, CODEC_NO_STREAM_OPTIONS, 0, {NULL, 0}},
    {REQUEST, S("parallel_tool_calls"), {NULL, 0}, CODEC_NO_PARALLEL, 0, {NULL, 0}},
    {REQUEST, S("seed"), {NULL, 0}, CODEC_RANDOM_SEED, 0, S("random_seed")},
    {REQUEST, S("user"), {NULL, 0}, CODEC_RANDOM_SEED, 0, {NULL, 0}},
    {REQUEST, S("logprobs"), {NULL, 0}, CODEC_RANDOM_SEED, 0, {NULL, 0}},
    {REQUEST, S("top_logprobs"), {NULL, 0}, CODEC_RANDOM_SEED, 0, {NULL, 0}},
    {REQUEST, S("logit_bias"), {NULL, 0}, CODEC_RANDOM_SEED, 0, {NULL, 0}},
    {REQUEST, S("verbosity"), {NULL, 0}, CODEC_RANDOM_SEED, 0, {NULL, 0}},
    {REQUEST, S("store"), {NULL, 0}, CODEC_RANDOM_SEED, 0, {NULL, 0}},
    {REQUEST, S("modalities"), {NULL, 0}, CODEC_RANDOM_SEED, 0, {NULL, 0}},
    {REQUEST, S("audio"), {NULL, 0}, CODEC_RANDOM_SEED, 0, {NULL, 0}},
    {MESSAGE, S("refusal"), {NULL, 0}, CODEC_RANDOM_SEED, 0, {NULL, 0}},
    {MESSAGE, S("annotations"), {NULL, 0}, CODEC_RANDOM_SEED, 0, {NULL, 0}},
    {MESSAGE, S("prefix"), {NULL, 0}, CODEC_NO_EXTENSIONS, CODEC_RANDOM_SEED, {NULL, 0}},
    {MESSAGE, S("role"), S("\"developer\""), CODEC_NO_DEVELOPER, 0, S("\"system\"")},
    /* what weir, or another provider, gave with an answer, and the client sends back */
    {MESSAGE, S("reasoning_content"), {NULL, 0}, CODEC_NO_EXTENSIONS, 0, {NULL, 0}},
    {MESSAGE, S("reasoning_details"), {NULL, 0}, CODEC_NO_EXTENSIONS, 0, {NULL, 0}},
    {MESSAGE, S("thinking_blocks"), {NULL, 0}, CODEC_NO_EXTENSIONS, 0, {NULL, 0}},
    {MESSAGE, S("extra_content"), {NULL, 0}, CODEC_NO_EXTENSIONS, CODEC_EXTRA_CONTENT, {NULL, 0}},
    {CALL, S("extra_content"), {NULL, 0}, CODEC_NO_EXTENSIONS, CODEC_EXTRA_CONTENT, {NULL, 0}},
};
_Static_assert(countof(rules) <= 32, "a bit for each");

struct fitting {
    struct arena *a;
    const struct codec_ask *ask;
    struct buf *out;
    struct ir_strs *left_out;
    uint32_t rules; /* that may matter for this body: a bit for each */
    enum err err;
};

/* A body that does not have the word needs no second look. */
static uint32_t rules_of(unsigned quirks, struct str body)
{
    uint32_t all = 0;
    for (size_t i = 0; i < countof(rules); i++) {
        const struct rule *r = &rules[i];
        if ((quirks & r->when) && !(quirks & r->unless) && str_has(body, r->value.p ? r->value : r->key))
            all |= UINT32_C(1) << i;
    }
    return all;
}

static const struct rule *rule_for(const struct fitting *f, enum level level, struct str key,
                                   struct str value)
{
    for (size_t i = 0; i < countof(rules); i++)
        if ((f->rules >> i & 1) && rules[i].level == level && json_raw_is(key, rules[i].key) &&
            (!rules[i].value.p || str_eq(value, rules[i].value)))
            return &rules[i];
    return NULL;
}

static bool has_member(struct str object, struct str name)
{
    struct json_walk w;
    bool found = false;
    if (json_walk(&w, object))
        while (!found && json_walk_next(&w))
            found = json_raw_is(w.key, name);
    return found;
}

static void leave_out(struct fitting *f, struct str name)
{
    for (size_t i = 0; i < f->left_out->n; i++)
        if (str_eq(f->left_out->v[i], name))
            return;
    if (!ir_add_str(f->a, f->left_out, name))
        f->err = E_FULL;
}

static void put(struct fitting *f, const char *from, const char *to)
{
    (void)buf_append(f->out, str_of(from, (size_t)(to - from)));
}

static void put_object(struct fitting *f, enum level level, struct str object);

/* Elements that are objects of that level; everything else stays. */
static void put_list(struct fitting *f, enum level level, struct str list)
{
    struct json_walk w;
    const char *copied = list.p;
    if (json_walk_array(&w, list))
        while (json_walk_next(&w)) {
            put(f, copied, w.value.p);
            put_object(f, level, w.value);
            copied = w.value.p + w.value.n;
        }
    put(f, copied, list.p + list.n);
}

static void put_value(struct fitting *f, enum level level, struct str key, struct str value)
{
    struct json_out out = json_out(f->out);
    if (level == REQUEST && json_raw_is(key, STR("model")))
        json_put_str(&out, f->ask->model);
    else if (level == REQUEST && f->rules && json_raw_is(key, STR("messages")))
        put_list(f, MESSAGE, value);
    else if (level == MESSAGE && json_raw_is(key, STR("tool_calls")))
        put_list(f, CALL, value);
    else
        (void)buf_append(f->out, value);
}

/* False: the member is left out. */
static bool put_member(struct fitting *f, enum level level, struct str object, const struct json_walk *w,
                       struct str before)
{
    const struct rule *r = rule_for(f, level, w->key, w->value);
    const char *value = w->value.p, *key_end = w->key.p + w->key.n;
    bool has_both = r && !r->value.p && r->instead.p && has_member(object, r->instead);
    if (r && (!r->instead.p || has_both)) {
        leave_out(f, r->key);
        return false;
    }
    (void)buf_append(f->out, before);
    struct json_out out = json_out(f->out);
    if (r && !r->value.p)
        json_put_str(&out, r->instead);
    else
        put(f, w->key.p, key_end);
    put(f, key_end, value);
    if (r && r->value.p)
        (void)buf_append(f->out, r->instead);
    else
        put_value(f, level, w->key, w->value);
    return true;
}

/* The text between two members goes with the second one. */
static void put_object(struct fitting *f, enum level level, struct str object)
{
    struct json_walk w;
    const char *copied = object.p;
    bool any = false;
    if (json_walk(&w, object))
        while (json_walk_next(&w)) {
            struct str between = str_of(copied, (size_t)(w.key.p - copied));
            if (copied == object.p) {
                (void)buf_append(f->out, between);
                between.n = 0;
            }
            any |= put_member(f, level, object, &w, any ? between : STR(""));
            copied = w.value.p + w.value.n;
        }
    put(f, copied, object.p + object.n);
}

enum err fit_request(struct arena *a, struct str body, const struct codec_ask *ask, struct buf *out,
                     struct ir_strs *left_out)
{
    struct json_walk w;
    struct fitting f = {
        .a = a, .ask = ask, .out = out, .left_out = left_out, .rules = rules_of(ask->quirks, body)};
    if (!json_walk(&w, body))
        return E_SYNTAX;
    put_object(&f, REQUEST, body);
    return f.err;
}
