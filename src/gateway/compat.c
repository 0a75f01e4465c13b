/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/compat.h"
#include "gateway/byok.h"
#include "gateway/custom.h"
#include "gateway/plan.h"
#include "gateway/rest.h"
#include "gateway/translate.h"
#include "gateway/unified.h"
#include "providers/credential.h"
#include "providers/embed.h"
#include "providers/fit.h"

/* In front of a route's name where a model's stands. */
#define DYNAMIC_PREFIX "dynamic/"

static enum next refuse(struct txn *t, struct str why)
{
    return txn_fail(t, E_BAD_CHAT, why);
}

/* ---- the client's side ---- */

/* "amazon.nova-lite-v1:0:generateContent" without its last colon and what follows */
static struct str before_verb(struct str s)
{
    size_t n = s.n;
    while (n > 0 && s.p[n - 1] != ':')
        n--;
    return str_head(s, n ? n - 1 : s.n);
}

/* What names a model to Gemini's clients: all behind "models/", which some leave out before a name with a
 * slash. */
static struct str gemini_name(struct str path)
{
    struct str models = STR("models/"), rest = str_from(path, str_search(path, models));
    if (rest.n > models.n)
        return before_verb(str_from(rest, models.n));
    if (path.n > 1 && path.p[0] == 'v' && path.p[1] >= '0' && path.p[1] <= '9')
        str_cut(&path, '/');
    return before_verb(path);
}

/* Paths are those of the dialects themselves, with and without a version in front. */
static void read_path(struct txn *t, const struct target *target, struct str path, struct operation *ret)
{
    if (str_eq(path, STR("chat/completion"))) /* as some documentation has it */
        path = STR("chat/completions");
    provider_operation(t->arena, provider_mock(), target->method, path, ret);
    /* Gemini's paths end a model's name at a slash; here it has one, escaped by some clients */
    if (ret->dialect == D_GEMINI && !str_has(ret->model, STR("/")))
        ret->model = gemini_name(path);
}

/* ---- the provider's side ---- */

/* The client's key comes as a Bearer token, or in the line its own dialect uses; the provider's line may be
 * another (section 12). */
static enum err turn_credential(struct txn *t, struct target *target)
{
    static const struct str lines[] = {S("Authorization"), S("x-api-key"), S("x-goog-api-key"), S("api-key")};
    struct secret_ref ref, found = {{NULL, 0}, {NULL, 0}};
    for (unsigned i = 0; (ref = provider_credential(provider_mock(), &target->headers, i)).name.p; i++)
        if (ref.value.n && !found.value.n)
            found = ref;
    for (size_t i = 0; i < countof(lines); i++)
        headers_remove(&target->headers, lines[i]);
    return found.value.n ? provider_put_credential(t->arena, target->provider, found.value, &target->headers)
                         : E_OK;
}

/* Lines that one dialect's servers want, and another's clients do not send. */
static enum err settle_lines(struct txn *t, struct target *target, enum dialect provider, enum dialect client)
{
    static const struct str version = S("anthropic-version");
    if (provider == D_ANTHROPIC && !headers_last(&target->headers, version).p)
        return headers_add(&target->headers, t->arena, version, STR("2023-06-01"));
    if (provider != D_ANTHROPIC && client == D_ANTHROPIC) {
        headers_remove(&target->headers, version);
        headers_remove(&target->headers, STR("anthropic-beta"));
    }
    return E_OK;
}

/* The stored credential, or the service account that stands in the key's place, names project and region
 * (section 33.3). */
static void find_place(struct txn *t, const struct target *target, struct entry_place *place)
{
    struct credential c = {.kind = CREDENTIAL_ACCOUNT};
    if (target->credential) {
        credential_place(target->provider, target->credential, place);
        return;
    }
    struct secret_ref key = provider_credential(target->provider, &target->headers, 0);
    bool account = target->provider->auth == AUTH_GCP && key.value.n &&
                   gcp_account_parse(t->arena, secret_of(key.value), &c.gcp);
    credential_place(target->provider, account ? &c : NULL, place);
}

/* ---- the body ---- */

/* No translation: the client speaks the provider's dialect. */
static enum err pass(struct txn *t, struct target *target, const struct codec_ask *ask)
{
    enum err e = fit_request(t->arena, target->body, ask, &target->own_body, &target->left_out);
    target->body = buf_str(&target->own_body);
    return e;
}

static enum next make_body(struct txn *t, struct target *target, const struct entry *e, enum dialect client,
                           struct str model, struct str path)
{
    struct str why = STR("The body is not a JSON object");
    struct codec_ask ask = {.model = model, .quirks = e->quirks};
    const struct codec *from = codec_of(client), *to = codec_of(e->dialect);
    enum err err;
    if (e->dialect == client)
        err = pass(t, target, &ask);
    else if (from && to)
        err = translate_request(t, target, from, to, path, &ask, &why);
    else
        return refuse(t, STR("This provider does not serve this endpoint"));
    if (err == E_SYNTAX)
        return refuse(t, why);
    return err == E_OK ? NEXT : txn_fail(t, E_TOO_LARGE, STR(""));
}

/* ---- embeddings ---- */

/* Bodies of other dialects for embeddings, and what is neither chat nor embeddings. */
static bool is_served(const struct operation *op)
{
    return op->dialect == D_OPENAI_EMBEDDINGS || (codec_of(op->dialect) && strcmp(op->type, "chat") == 0);
}

static enum next embed(struct txn *t, struct target *target, const struct embed_row *row, struct str model)
{
    struct str why = {NULL, 0};
    const struct codec_ask ask = {.model = model};
    enum err e = row->form->write ? translate_embeddings(t, target, row, model, &why) : pass(t, target, &ask);
    if (e == E_SYNTAX)
        return refuse(t, why.p ? why : STR("The body is not a JSON object"));
    return e == E_OK ? NEXT : txn_fail(t, E_TOO_LARGE, STR(""));
}

/* ---- the plan ---- */

static struct str no_entry(struct txn *t, const struct operation *op, const struct model_name *name)
{
    if (op->dialect == D_OPENAI_EMBEDDINGS)
        return arena_printf(t->arena,
                            "Provider '%.*s' has no embeddings API for the model '%.*s' that weir knows",
                            STR_FMT(name->slug), STR_FMT(str_head(name->model, 64)));
    return arena_printf(t->arena, "Provider '%.*s' has no chat API", STR_FMT(name->slug));
}

/* "custom-{slug}/{model}" of an account's own provider. */
static bool is_custom(const struct txn *t, struct str asked, struct model_name *ret)
{
    struct str model = asked, slug = str_cut(&model, '/');
    *ret = (struct model_name){slug, model};
    return model.n && customs_find(t->view->customs, t->account, slug);
}

/* Where a provider serves what is asked for; NULL: it does not. */
static const struct entry *find_entry(const struct txn *t, const struct operation *op,
                                      const struct model_name *name, const struct embed_row **ret_row)
{
    const struct custom *custom = customs_find(t->view->customs, t->account, name->slug);
    *ret_row = NULL;
    if (op->dialect != D_OPENAI_EMBEDDINGS)
        return custom ? &custom->chat : entry_find(name->slug, op->dialect);
    *ret_row = custom ? &custom->embeddings : embed_find(name->slug, name->model);
    return *ret_row ? &(*ret_row)->entry : NULL;
}

/* Why a name is none. */
static struct str bad_name(struct txn *t, const struct target *target, struct str name)
{
    static const struct str form =
        S("\"model\" must be \"{provider}/{model}\", such as \"openai/gpt-4o-mini\"");
    struct str slug = str_head(name, str_find(name, '/'));
    if (!name.n && !target->body_json)
        return STR("The body is not a JSON object");
    if (slug.n == 0 || slug.n + 1 >= name.n)
        return form;
    return arena_printf(t->arena, "Unknown provider '%.*s': %.*s", STR_FMT(str_head(slug, 64)),
                        STR_FMT(form));
}

static enum next no_model(struct txn *t, enum err e, struct str asked)
{
    return txn_fail(t, e, arena_printf(t->arena, "Model not found: %.*s", STR_FMT(str_head(asked, 128))));
}

/* "dynamic/{name}" (section 21.1): a route of the gateway, each of which has a deployed version. */
static enum next find_route(struct txn *t, struct str asked)
{
    struct str name = str_from(asked, sizeof(DYNAMIC_PREFIX) - 1);
    if (catalog_object(t->catalog, KIND_ROUTE, t->account, t->gateway->id, name))
        return txn_fail(t, E_NOT_RUN,
                        arena_printf(t->arena,
                                     "The route \"%.*s\" is kept, but weir does not run dynamic routes yet",
                                     STR_FMT(name)));
    return no_model(t, t->face == FACE_GATEWAY ? E_NO_ROUTE : E_NO_MODEL, asked);
}

static enum next find_model(struct txn *t, const struct target *target, struct str asked,
                            struct model_name *ret)
{
    if (str_starts(asked, STR(DYNAMIC_PREFIX)))
        return find_route(t, asked);
    if (is_custom(t, asked, ret))
        return NEXT;
    if (t->face == FACE_GATEWAY) {
        if (model_name_split(asked, ret))
            return NEXT;
        return refuse(t, bad_name(t, target, asked));
    }
    if (rest_model(t, asked, ret))
        return NEXT;
    return no_model(t, E_NO_MODEL, asked);
}

/* How a model is asked, once it is found. */
struct way {
    const struct entry *entry;
    const struct embed_row *row; /* of an embedding; NULL: a chat */
    const struct operation *op;
    struct str model, path;
};

/* Credential, header lines, body and path become what the provider's entry wants. */
static enum next prepare(struct txn *t, struct target *target, const struct way *way)
{
    const struct entry *e = way->entry;
    enum dialect asked = way->op->dialect;
    if (turn_credential(t, target) != E_OK || settle_lines(t, target, e->dialect, asked) != E_OK)
        return txn_fail(t, E_CREDENTIAL, STR("The provider's key cannot stand in a header"));
    target->query = (struct str){NULL, 0}; /* the client's is its own dialect's */
    byok_find(t, target);
    unified_find(t, target);
    struct str model = way->row ? embed_model(way->row, way->model) : way->model;
    struct entry_place place = {.model = model, .stream = target->facts.stream || way->op->stream};
    find_place(t, target, &place);
    enum next made =
        way->row ? embed(t, target, way->row, model) : make_body(t, target, e, asked, model, way->path);
    if (made != NEXT)
        return DONE;
    return entry_path(t->arena, e, &place, &target->rest, &target->query) == E_OK
               ? NEXT
               : txn_fail(t, E_TOO_LARGE, STR(""));
}

enum next compat_plan(struct txn *t, struct target *target, struct str path)
{
    struct operation op;
    struct model_name name;
    read_path(t, target, path, &op);
    if (!t->universal && op.dialect != D_OPENAI_CHAT) /* whose clients know the envelope of old */
        t->speaks = codec_of(op.dialect);
    buf_init(&target->own_body, SIZE_MAX / 2);
    target->compat = true;
    target->body_json = request_facts_read(t->arena, D_OPENAI_CHAT, target->body, &target->facts) == E_OK;
    if (!is_served(&op))
        return txn_fail(t, E_BAD_METHOD,
                        STR("The compat endpoints are chat/completions, responses, messages, embeddings, "
                            "models, and the chats of Gemini, Bedrock (converse) and Cohere (v2)"));
    struct str asked = op.model.n ? op.model : target->facts.model;
    if (find_model(t, target, asked, &name) != NEXT)
        return DONE;
    const struct embed_row *row;
    const struct entry *e = find_entry(t, &op, &name, &row);
    if (!e)
        return refuse(t, no_entry(t, &op, &name));
    target->provider = plan_provider(t, name.slug);
    if (!target->provider)
        return refuse(t, STR("The sandbox is off"));
    struct way way = {.entry = e, .row = row, .op = &op, .model = name.model, .path = path};
    return prepare(t, target, &way);
}
