/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Step: which targets could answer? A native path names one: the provider of its third segment; a
 * Universal body names several, in the order to try them (data plane sections 1.1, 10, 11 and 33).
 */
#include "gateway/plan.h"
#include "gateway/auth.h"
#include "gateway/byok.h"
#include "gateway/compat.h"
#include "gateway/custom.h"
#include "gateway/forward.h"
#include "gateway/identity.h"
#include "gateway/models.h"
#include "gateway/rest.h"
#include "gateway/timeline.h"
#include "gateway/translate.h"
#include "gateway/unified.h"
#include "gateway/universal.h"

const struct provider *plan_provider(const struct txn *t, struct str slug)
{
    const struct provider *mock = provider_mock();
    const struct custom *custom = customs_find(t->view->customs, t->account, slug);
    if (custom)
        return &custom->provider;
    if (!str_eq(slug, mock->slug))
        return provider_find(slug);
    return t->w->mock || settings_origin(t->settings, mock->slug).n ? mock : NULL;
}

static enum next no_such_provider(struct txn *t, struct str slug)
{
    return txn_fail(t, E_NO_PROVIDER,
                    arena_printf(t->arena, "There is no provider \"%.*s\"", STR_FMT(str_head(slug, 64))));
}

static bool is_credential_line(const struct provider *p, struct str name)
{
    for (const struct str *line = p->lines; line->p; line++)
        if (str_ieq(*line, name))
            return true;
    return false;
}

/* Lines that an account has every call of its provider carry. A credential among them stands in for one that
 * the request does not bring. */
static enum err add_static_lines(struct txn *t, struct target *target)
{
    const struct custom *k = custom_of(target->provider);
    enum err e = E_OK;
    if (!k || !k->headers.n)
        return E_OK;
    bool own = provider_has_credential(target->provider, &target->headers, target->query);
    for (unsigned i = 0; i < k->headers.n && e == E_OK; i++) {
        const struct header *line = &k->headers.v[i];
        if (own && is_credential_line(target->provider, line->name))
            continue;
        headers_remove(&target->headers, line->name);
        e = headers_add(&target->headers, t->arena, line->name, line->value);
    }
    return e;
}

static enum err find_url(struct txn *t, struct target *target, const struct headers *asked)
{
    const struct credential *c = target->credential;
    enum err e = c ? credential_path(t->arena, target->provider, c, target->rest, &target->rest) : E_OK;
    if (e == E_OK && c)
        e = credential_query(t->arena, target->provider, &target->query);
    if (e != E_OK)
        return e;
    struct upstream_ask ask = {
        .provider = target->provider,
        .account = c && c->account.n ? c->account : t->account,
        .rest = target->rest,
        .query = target->query,
        .headers = asked,
        .override = settings_origin(t->settings, target->provider->slug),
    };
    target->local = target->provider == provider_mock() && ask.override.n == 0;
    if (add_static_lines(t, target) != E_OK)
        return E_TOO_LARGE;
    provider_operation(t->arena, target->provider, target->method, target->rest, &target->op);
    return provider_url(t->arena, &ask, &target->url);
}

static enum next bad_path(struct txn *t, enum err e)
{
    return txn_fail(t, e, STR("The path cannot be mapped to this provider's API"));
}

static void read_facts(struct txn *t, struct target *target, struct str content_type)
{
    if (str_istarts(content_type, STR("multipart/form-data")))
        target->facts.model = multipart_field(content_type, target->body, STR("model"));
    else if (target->body.n && (target->body_json || content_type.n == 0))
        /* the dialect is only known by the path; reading as chat finds the facts of all of them */
        target->body_json |=
            request_facts_read(t->arena, D_OPENAI_CHAT, target->body, &target->facts) == E_OK;
}

static enum next set_deadline(struct txn *t)
{
    int64_t total = policy_total_timeout(t->gateway, &t->options);
    if (total > 0) {
        int64_t spent = (int64_t)(clock_us() - exchange_started(t->x)) / 1000;
        uint64_t left = total > spent ? (uint64_t)(total - spent) : 1;
        t->deadline_ms = loop_ms(t->w->loop) + left;
        timer_set(&t->deadline, left);
    }
    return NEXT;
}

/* Zeroed targets; txn_free looks through them whatever becomes of the plan. */
static struct target *make_targets(struct txn *t, size_t n)
{
    t->targets = arena_zalloc(t->arena, n * sizeof(*t->targets));
    t->n_made = t->targets ? n : 0;
    return t->targets;
}

/* From the slug of the path or step to the provider. `compat` and the REST host find it by the model. */
static enum next find_target(struct txn *t, struct target *target, struct str slug)
{
    if (t->face != FACE_GATEWAY)
        return rest_plan(t, target);
    if (str_eq(slug, STR("compat")))
        return compat_plan(t, target, target->rest);
    target->provider = plan_provider(t, slug);
    if (!target->provider)
        return no_such_provider(t, slug);
    byok_find(t, target);
    unified_find(t, target);
    return NEXT;
}

/* ---- a native path ---- */

static bool is_models(const struct txn *t)
{
    return str_eq(t->provider_slug, STR("compat")) && str_eq(t->rest, STR("models")) &&
           str_eq(exchange_request(t->x)->method, STR("GET"));
}

static enum next plan_native(struct txn *t)
{
    const struct request_head *req = exchange_request(t->x);
    if (is_models(t))
        return models_answer(t);
    struct target *target = make_targets(t, 1);
    if (!target)
        return txn_fail(t, E_TOO_LARGE, STR(""));
    target->rest = t->rest;
    target->query = req->query;
    target->method = req->method;
    target->headers = t->forward;
    target->options = t->options;
    if (t->body_state == BODY_WHOLE)
        target->body = buf_str(&t->body);
    target->body_json = t->body_json;
    if (find_target(t, target, t->provider_slug) != NEXT)
        return DONE;
    enum err e = find_url(t, target, &req->headers);
    if (e != E_OK)
        return bad_path(t, e);
    if (t->body_state == BODY_WHOLE || t->body_state == BODY_STREAMING)
        read_facts(t, target, headers_last(&req->headers, STR("content-type")));
    policy_resolve(t->gateway, &target->options, &target->policy);
    unified_cover(t, target);
    t->n_targets = 1;
    return set_deadline(t);
}

/* ---- a Universal body ---- */

/* What the client's own request says is not the step's, but for who it is (section 8). */
static enum err step_headers(struct txn *t, const struct universal_step *s, struct target *target)
{
    static const struct str json = S("application/json");
    struct str agent = headers_last(&exchange_request(t->x)->headers, STR("user-agent"));
    enum err e = forward_request(t->arena, &s->headers, &target->headers);
    if (e == E_OK && agent.p && !headers_last(&target->headers, STR("user-agent")).p)
        e = headers_add(&target->headers, t->arena, STR("User-Agent"), agent);
    if (e == E_OK && target->body.n && !headers_last(&target->headers, STR("content-type")).p)
        e = headers_add(&target->headers, t->arena, STR("Content-Type"), json);
    if (e == E_OK) /* a token of ours opens nothing there: unlike a native path's, whatever came beside it */
        target->vouched = auth_take_token(t, provider_find(s->provider), &target->headers);
    identity_hide(t, &target->headers);
    return e;
}

static enum next plan_step(struct txn *t, const struct universal_step *s, int index)
{
    struct target *target = &t->targets[index];
    target->step = index;
    target->rest = s->rest;
    target->query = s->query;
    target->method = STR("POST");
    target->body = s->body;
    target->body_json = true;
    target->options = t->options;
    options_read(t->arena, &s->headers, &target->options);
    identity_sign(t, &target->options);
    options_read_config(t->arena, s->config, &target->options);
    if (step_headers(t, s, target) != E_OK)
        return txn_fail(t, E_TOO_LARGE, STR("The steps' headers are too large"));
    if (find_target(t, target, s->provider) != NEXT)
        return DONE;
    enum err e = find_url(t, target, &s->headers);
    if (e != E_OK)
        return bad_path(t, e);
    read_facts(t, target, STR("application/json"));
    policy_resolve(t->gateway, &target->options, &target->policy);
    unified_cover(t, target);
    return NEXT;
}

static enum next plan_universal(struct txn *t)
{
    struct universal_step *steps;
    struct str why = STR("");
    size_t n;
    if (!str_eq(exchange_request(t->x)->method, STR("POST")))
        return txn_fail(t, E_BAD_METHOD, STR(""));
    enum err e = universal_read(t->arena, buf_str(&t->body), &steps, &n, &why);
    if (e != E_OK || !make_targets(t, n))
        return txn_fail(t, e == E_BAD_REQUEST ? e : E_TOO_LARGE, why);
    for (size_t i = 0; i < n; i++)
        if (plan_step(t, &steps[i], (int)i) != NEXT)
            return DONE;
    t->n_targets = n;
    return set_deadline(t);
}

static enum next enter(struct txn *t)
{
    timeline_turn(t, STEP_PLAN);
    return t->universal ? plan_universal(t) : plan_native(t);
}

/* Run's answers are the translated ones with something around them. */
static struct sink *tap(struct txn *t, struct sink *out)
{
    return translate_tap(t, rest_tap(t, out));
}

const struct step step_plan = {"plan", enter, tap, NULL};
