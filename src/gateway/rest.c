/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/rest.h"
#include "base/json.h"
#include "base/limits.h"
#include "gateway/compat.h"
#include "gateway/custom.h"
#include "gateway/plan.h"
#include "providers/codec.h"
#include "providers/entry.h"

/* ---- the path ---- */

static const struct {
    struct str path;
    enum face face;
} paths[] = {
    {S("run"), FACE_RUN},
    {S("v1/chat/completions"), FACE_CHAT},
    {S("v1/responses"), FACE_RESPONSES},
    {S("v1/messages"), FACE_MESSAGES},
    {S("v1/v1/messages"), FACE_MESSAGES}, /* Anthropic's client below the documented base */
    {S("v1/embeddings"), FACE_EMBEDDINGS},
};

static enum face face_of(struct str rest)
{
    for (size_t i = 0; i < countof(paths); i++)
        if (str_eq(rest, paths[i].path))
            return paths[i].face;
    return str_starts(rest, STR("run/")) ? FACE_RUN : FACE_UNKNOWN;
}

bool rest_cut_path(struct txn *t, struct str path)
{
    static const struct str prefix = S("/client/v4/accounts/"), ai = S("ai");
    if (!str_starts(path, prefix))
        return false;
    struct str rest = str_from(path, prefix.n);
    t->account = str_cut(&rest, '/');
    if (!str_eq(str_cut(&rest, '/'), ai))
        return false;
    struct str named = headers_last(&exchange_request(t->x)->headers, STR("cf-aig-gateway-id"));
    t->gateway_slug = named.n ? named : STR("default");
    t->provider_slug = STR("");
    t->rest = rest;
    t->face = face_of(rest);
    return true;
}

/* ---- refusals ---- */

/* Named in the client's own spelling, cut to what a message needs. */
static enum next no_model(struct txn *t, struct str model)
{
    return txn_fail(t, E_NO_MODEL,
                    arena_printf(t->arena, "Model not found: %.*s", STR_FMT(str_head(model, 128))));
}

static enum next bad_input(struct txn *t, const char *what)
{
    return txn_fail(t, E_BAD_INPUT,
                    arena_printf(t->arena, "Model execution failed (User Input Error): %s", what));
}

/* ---- the model's name (section 13.2) ---- */

/* Anthropic's models have dots here and dashes there: claude-sonnet-4.5 is its claude-sonnet-4-5. */
static struct str with_dashes(struct txn *t, struct str model)
{
    char *out = arena_alloc(t->arena, model.n + 1);
    for (size_t i = 0; out && i < model.n; i++)
        out[i] = model.p[i] == '.' ? '-' : model.p[i];
    return out ? str_of(out, model.n) : model;
}

bool rest_model(struct txn *t, struct str name, struct model_name *ret)
{
    if (str_starts(name, STR("workers-ai/")) || !model_name_split(name, ret))
        return false;
    if (str_eq(ret->slug, STR("anthropic")))
        ret->model = with_dashes(t, ret->model);
    return true;
}

/* ---- run: the envelope and what is in it ---- */

struct envelope {
    struct str model; /* unescaped */
    struct str provider;
    struct str input; /* raw JSON object */
};

/* {"model", "input", "provider"}; anything else in it is nobody's. */
static enum next read_envelope(struct txn *t, struct str body, struct envelope *ret)
{
    struct json_walk w;
    struct str raw_model = {NULL, 0}, raw_provider = {NULL, 0};
    struct json_doc *doc = json_parse(body); /* the walk finds things, it does not say that it is JSON */
    bool ok = json_type(json_root(doc)) == JSON_OBJECT;
    json_free(doc);
    if (!ok || !json_walk(&w, body))
        return bad_input(t, "the body is not a JSON object");
    while (json_walk_next(&w)) {
        if (json_raw_is(w.key, STR("model")))
            raw_model = w.value;
        else if (json_raw_is(w.key, STR("input")))
            ret->input = w.value;
        else if (json_raw_is(w.key, STR("provider")))
            raw_provider = w.value;
    }
    if (!raw_model.p || json_raw_str(t->arena, raw_model, &ret->model) != E_OK)
        return bad_input(t, "model: Required, a string such as \"openai/gpt-4o-mini\"");
    if (raw_provider.p && json_raw_str(t->arena, raw_provider, &ret->provider) != E_OK)
        return bad_input(t, "provider: Expected string");
    if (!ret->input.p || ret->input.p[0] != '{')
        return bad_input(t, "input: Required, an object");
    return NEXT;
}

/* What an input asks for is seen in its members, as each kind of call needs its own. */
struct input {
    bool messages, input, prompt, max_tokens, stream;
    bool system_not_text;
};

static struct input look_at(struct str raw)
{
    struct input in = {0};
    struct json_walk w;
    for (bool ok = json_walk(&w, raw); ok && json_walk_next(&w);) {
        in.messages |= json_raw_is(w.key, STR("messages")) && w.value.p[0] == '[';
        in.input |= json_raw_is(w.key, STR("input"));
        in.prompt |= json_raw_is(w.key, STR("prompt"));
        in.max_tokens |= json_raw_is(w.key, STR("max_tokens"));
        in.stream |= json_raw_is(w.key, STR("stream")) && str_eq(w.value, STR("true"));
        in.system_not_text |= json_raw_is(w.key, STR("system")) && w.value.p[0] != '"';
    }
    return in;
}

/* The input with the model in it: what the vendor's own API takes. */
static enum err make_body(struct txn *t, const struct envelope *e)
{
    struct buf b;
    struct json_walk w;
    buf_init(&b, SIZE_MAX / 2);
    struct json_out out = json_out(&b);
    json_open(&out, '{');
    json_add_str(&out, "model", e->model);
    for (bool ok = json_walk(&w, e->input); ok && json_walk_next(&w);) {
        if (json_raw_is(w.key, STR("model")))
            continue; /* the envelope says which */
        (void)buf_append_byte(&b, ',');
        (void)buf_append(&b, w.key);
        (void)buf_append_byte(&b, ':');
        (void)buf_append(&b, w.value);
    }
    (void)buf_append_byte(&b, '}');
    if (b.full)
        return E_FULL;
    buf_done(&t->body);
    t->body = b;
    return E_OK;
}

/* Anthropic's models keep the shape of its messages; others are asked in OpenAI's (section 13.4). */
static enum next find_call(struct txn *t, const struct model_name *name, const struct input *in,
                           struct str *ret_path)
{
    bool anthropic = str_eq(name->slug, STR("anthropic"));
    if (anthropic && !in->max_tokens)
        return bad_input(t, "max_tokens: Required");
    if (anthropic && in->system_not_text)
        return bad_input(t, "system: Expected string");
    if (in->messages)
        *ret_path = anthropic ? STR("v1/messages") : STR("chat/completions");
    else if (in->input)
        *ret_path = str_has(name->model, STR("embed")) ? STR("embeddings") : STR("responses");
    else
        return bad_input(t,
                         "messages: Required (or input, for responses and embeddings; prompt, for pictures)");
    return NEXT;
}

/* Workers AI's models are run by its own call, whose input is the body. */
static enum next plan_workers_ai(struct txn *t, struct target *target, struct str model, struct str input)
{
    target->rest = arena_printf(t->arena, "run/%.*s", STR_FMT(model)); /* before what it is a view of moves */
    target->query = str_of(NULL, 0);
    target->provider = provider_find(STR("workers-ai"));
    if (input.n)
        memmove(t->body.p, input.p, input.n);
    t->body.n = input.n;
    target->body = buf_str(&t->body);
    return target->rest.p ? NEXT : txn_fail(t, E_TOO_LARGE, STR(""));
}

/* Who makes pictures of a prompt by OpenAI's call. */
static bool makes_pictures(const struct provider *p)
{
    return p && (str_eq(p->slug, STR("openai")) || str_eq(p->slug, STR("grok")) || custom_of(p));
}

/* A picture: the vendor's own call; its answer is wrapped whole (rest_answer.c). */
static enum next plan_picture(struct txn *t, struct target *target, const struct envelope *e,
                              const struct model_name *name)
{
    struct envelope own = {.model = arena_dup(t->arena, name->model), .input = e->input};
    target->provider = plan_provider(t, name->slug);
    if (!makes_pictures(target->provider))
        return bad_input(
            t, "this vendor's models of pictures, sound and films are called by their native paths");
    if (!own.model.p || make_body(t, &own) != E_OK)
        return txn_fail(t, E_TOO_LARGE, STR(""));
    target->body = buf_str(&t->body);
    target->body_json = true;
    target->rest = STR("images/generations");
    target->query = str_of(NULL, 0);
    buf_init(&target->own_body, METER_BODY_BYTES); /* collects the answer */
    t->picture = true;
    return NEXT;
}

static enum next plan_run(struct txn *t, struct target *target, const struct envelope *e)
{
    struct model_name name;
    struct str path;
    if (!rest_model(t, e->model, &name))
        return no_model(t, e->model);
    if (str_eq(name.slug, STR("workers-ai")) && !e->provider.n)
        return plan_workers_ai(t, target, name.model, e->input);
    struct input in = look_at(e->input);
    if (t->face == FACE_PREVIEW && in.stream)
        return bad_input(t, "stream: not available here");
    if (in.prompt && !in.messages && !in.input && !in.stream)
        return plan_picture(t, target, e, &name);
    if (find_call(t, &name, &in, &path) != NEXT)
        return DONE;
    if (make_body(t, e) != E_OK)
        return txn_fail(t, E_TOO_LARGE, STR(""));
    target->body = buf_str(&t->body);
    return compat_plan(t, target, path);
}

/* "openai/gpt-4o-mini" asked of google-vertex-ai and the like: the provider named beside the model rules. */
static struct str at_provider(struct txn *t, const struct envelope *e)
{
    struct str rest = e->model;
    (void)str_cut(&rest, '/');
    return arena_printf(t->arena, "%.*s/%.*s", STR_FMT(e->provider), STR_FMT(rest.p ? rest : e->model));
}

static enum next plan_envelope(struct txn *t, struct target *target)
{
    struct envelope e = {.provider = STR("")};
    if (read_envelope(t, target->body, &e) != NEXT)
        return DONE;
    if (t->face == FACE_PREVIEW && e.provider.n)
        e.model = at_provider(t, &e);
    return plan_run(t, target, &e);
}

/* run/{model}: some clients escape the slashes in it. */
static enum next plan_path(struct txn *t, struct target *target)
{
    struct envelope e = {.provider = STR(""), .input = target->body};
    struct json_doc *doc = json_parse(target->body);
    bool object = json_type(json_root(doc)) == JSON_OBJECT;
    json_free(doc);
    e.model = percent_decode(t->arena, str_from(t->rest, sizeof("run/") - 1), false);
    struct model_name name;
    bool raw_workers_ai = str_starts(e.model, STR("@cf/")) && rest_model(t, e.model, &name);
    if (!object && !raw_workers_ai) /* its speech and vision models take bytes */
        return bad_input(t, "the body is not a JSON object");
    return plan_run(t, target, &e);
}

/* ---- all of it ---- */

static enum next bad_method(struct txn *t)
{
    return txn_fail(t, E_BAD_REST_METHOD,
                    arena_printf(t->arena, "%.*s not supported for requested URI.",
                                 STR_FMT(str_head(exchange_request(t->x)->method, 16))));
}

enum next rest_plan(struct txn *t, struct target *target)
{
    static const struct str calls[] = {
        [FACE_CHAT] = S("chat/completions"),
        [FACE_RESPONSES] = S("responses"),
        [FACE_MESSAGES] = S("v1/messages"),
        [FACE_EMBEDDINGS] = S("embeddings"),
    };
    bool post = str_eq(exchange_request(t->x)->method, STR("POST"));
    if (t->face == FACE_UNKNOWN && (post || !str_starts(t->rest, STR("v1/"))))
        return txn_fail(t, E_NO_REST_ROUTE, STR(""));
    if (!post)
        return bad_method(t);
    if (t->body_state != BODY_WHOLE)
        return txn_fail(t, E_TOO_LARGE, STR("The body of this call must be JSON, or short"));
    if (t->face == FACE_RUN || t->face == FACE_PREVIEW)
        return t->face == FACE_RUN && !str_eq(t->rest, STR("run")) ? plan_path(t, target)
                                                                   : plan_envelope(t, target);
    return compat_plan(t, target, calls[t->face]);
}
