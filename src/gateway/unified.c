/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/unified.h"
#include "base/clock.h"
#include "base/limits.h"
#include "gateway/billing.h"
#include "store/key_use.h"

/* Control plane section 12. */
static const struct window limit = {.limit = 200, .interval_ms = 60 * 1000};

/* ---- which ---- */

void unified_find(const struct txn *t, struct target *target)
{
    const struct provider *p = target->provider;
    if (!t->catalog->n_unified || target->stored ||
        provider_has_credential(p, &target->headers, target->query))
        return;
    target->unified = catalog_unified_key(t->catalog, p->slug);
    bool known = t->token || t->identity || target->vouched;
    if (!target->unified || !target->unified->readable || !known)
        return;
    struct credential *c = arena_new(t->arena, struct credential);
    if (c && !credential_read(t->arena, p, target->unified->secret, c))
        target->credential = c;
}

/* ---- how much ---- */

static bool has_output(enum dialect d)
{
    return d != D_OPENAI_EMBEDDINGS && d != D_VERTEX_PREDICT;
}

static int64_t within(int64_t n)
{
    return n < UNIFIED_TOKENS ? n : UNIFIED_TOKENS;
}

/* No tokenizer: few texts have more than a token for three bytes, and those that say nothing about the length
 * of the answer seldom get a longer one. What it is wrong by is settled with the call. */
static void estimate(const struct txn *t, struct target *target)
{
    int64_t bytes = (int64_t)target->body.n > t->body_bytes ? (int64_t)target->body.n : t->body_bytes;
    struct str body = target->body_json ? target->body : STR("");
    target->hold.input = within(bytes / 3 + 1);
    target->hold.output =
        has_output(target->op.dialect) ? within(request_answer_tokens(body, UNIFIED_ANSWER_TOKENS)) : 0;
}

static bool price(const struct txn *t, const struct target *target, int64_t input, int64_t output,
                  int64_t *ret_pico)
{
    struct usage u = {.known = true, .input = input, .output = output};
    return bill_operator(t->settings, target->provider, target_model(target), STR(""), &u, ret_pico);
}

void unified_cover(const struct txn *t, struct target *target)
{
    struct unified_hold *h = &target->hold;
    if (!target->unified)
        return;
    estimate(t, target);
    if (!target->policy.own_key && target->op.dialect != D_OPAQUE && target_model(target).n &&
        price(t, target, h->input, h->output, &h->pico))
        return;
    target->unified = NULL;
    target->credential = NULL;
}

/* ---- whether ---- */

/* Without the operator's keys there is no Unified Billing, and a provider may want no credential. */
static bool must_be_covered(const struct txn *t, const struct target *target)
{
    const struct provider *p = target->provider;
    return t->face != FACE_GATEWAY && t->catalog->n_unified && provider_find(p->slug) == p &&
           p->rule != PATH_WORKERS_AI && !target->stored &&
           !provider_has_credential(p, &target->headers, target->query);
}

enum err unified_refusal(const struct txn *t, const struct target *target, struct str *ret_detail)
{
    *ret_detail = STR("");
    if (!target->unified)
        return must_be_covered(t, target) ? E_NOT_COVERED : E_OK;
    if (!t->token && !t->identity && !target->vouched)
        return E_NO_BILLING_AUTH;
    return target->credential ? E_OK : E_UNIFIED_KEY;
}

static enum err no_credits(const struct txn *t, struct str *ret_detail)
{
    /* the envelope says less in its description (data plane section 9.1) */
    *ret_detail = t->face == FACE_GATEWAY && !t->speaks ? STR("Insufficient AI Gateway credits") : STR("");
    return E_NO_CREDITS;
}

enum err unified_room(const struct txn *t, const struct target *target, struct str *ret_detail)
{
    *ret_detail = STR("");
    if (!target->unified)
        return E_OK;
    if (!counters_peek(store_counters(t->w->store), unified_counter(t->gateway), &limit, clock_wall_ms(),
                       NULL))
        return E_RATE_LIMITED;
    return credits_left(store_credits(t->w->store), t->gateway->account) > 0 ? E_OK
                                                                             : no_credits(t, ret_detail);
}

/* Lines that pick who at the provider pays: the operator's key has one payer. */
static void drop_payers(struct headers *h)
{
    static const struct str lines[] = {S("OpenAI-Organization"), S("OpenAI-Project"),
                                       S("x-goog-user-project")};
    for (size_t i = 0; i < countof(lines); i++)
        headers_remove(h, lines[i]);
}

enum err unified_use(struct txn *t, struct target *target, struct str *ret_detail)
{
    const struct provider_key *k = target->unified;
    int64_t now_ms = clock_wall_ms();
    if (!k)
        return E_OK;
    if (!counters_take(store_counters(t->w->store), unified_counter(t->gateway), &limit, now_ms, NULL))
        return E_RATE_LIMITED;
    if (!credits_reserve(store_credits(t->w->store), t->gateway->account, target->hold.pico))
        return no_credits(t, ret_detail);
    target->hold.reserved = true;
    key_used(k, now_ms);
    drop_payers(&target->headers);
    return credential_put(t->arena, target->provider, target->credential, &target->headers);
}

bool unified_is_refusal(const struct attempt *a, int status)
{
    return a->target->unified && (status == 401 || status == 403);
}

void unified_hide(const struct target *target, struct headers *h)
{
    static const struct str lines[] = {S("openai-organization"), S("openai-project"),
                                       S("anthropic-organization-id")};
    for (size_t i = 0; i < countof(lines) && target->unified; i++)
        headers_remove(h, lines[i]);
}

/* ---- the charge ---- */

/* Tokens of an answer that did not tell, because it was cut or because it never does: each piece of a stream
 * carries some bytes around a token; of a whole answer all of it was made. */
static int64_t tokens_seen(const struct attempt *a)
{
    const struct unified_hold *h = &a->target->hold;
    int64_t seen = a->response_bytes / UNIFIED_STREAM_BYTES + 1;
    return a->framing == FRAME_NONE || seen > h->output ? h->output : seen;
}

static int64_t charge_of(struct txn *t, struct attempt *a)
{
    const struct target *target = a->target;
    const struct usage *u = meter_usage(&a->meter);
    int64_t told = 0, seen = 0;
    bool known =
        bill_operator(t->settings, target->provider, target_model(target), str_c(u->model), u, &told);
    if (known && a->answered)
        return told;
    (void)price(t, target, target->hold.input, tokens_seen(a), &seen);
    return known && told > seen ? told : seen;
}

void unified_charge(struct txn *t, struct attempt *a, struct record *r)
{
    if (!a->target->unified || a->by != BY_PROVIDER)
        return;
    r->flags |= REC_WHOLESALE;
    if (a->status == 0 || a->status >= 400)
        return;
    r->account = t->gateway->account;
    r->charge_pico = charge_of(t, a);
    if (r->cost_pico == RECORD_NULL)
        r->cost_pico = r->charge_pico;
    credits_charge(store_credits(t->w->store), t->gateway->account, r->charge_pico);
    stat_add(&t->w->stats.charged_pico, r->charge_pico);
}

void unified_settle(struct txn *t)
{
    for (size_t i = 0; i < t->n_made; i++) {
        struct unified_hold *h = &t->targets[i].hold;
        if (h->reserved)
            credits_release(store_credits(t->w->store), t->gateway->account, h->pico);
        h->reserved = false;
    }
}
