/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/custom.h"
#include "base/json.h"
#include "base/limits.h"
#include "providers/codec.h"

struct customs {
    struct arena arena;
    struct custom *v;
    size_t n;
};

/* ---- static headers ---- */

/* Framing is the client's business, and what weir answers by is nobody else's. */
static bool may_be_set(struct str name)
{
    static const struct str never[] = {S("host"), S("content-length"), S("transfer-encoding"),
                                       S("content-type"), S("accept-encoding")};
    for (size_t i = 0; i < countof(never); i++)
        if (str_ieq(name, never[i]))
            return false;
    return !header_is_hop_by_hop(name) && !str_istarts(name, STR("cf-aig-"));
}

static enum err read_headers(struct arena *a, const struct json_val *root, struct headers *ret,
                             const char **ret_why)
{
    struct headers none = {0};
    struct headers *h = ret ? ret : &none;
    for (struct json_iter it = json_iter(root); json_next(&it);) {
        struct str value = json_str(it.val);
        *ret_why = !value.p                          ? "Each value must be a text"
                   : !header_is_legal(it.key, value) ? "A name or value cannot stand in a header"
                   : !may_be_set(it.key)             ? "A header that belongs to the connection cannot be set"
                                                     : NULL;
        if (*ret_why)
            return E_SYNTAX;
        if (headers_add(h, a, arena_dup(a, it.key), arena_dup(a, value)) != E_OK)
            return E_FULL;
    }
    return E_OK;
}

enum err custom_headers_read(struct arena *a, struct str json, struct headers *ret, const char **ret_why)
{
    if (json.n == 0)
        return E_OK;
    struct json_doc *doc = json_parse(json);
    const struct json_val *root = json_root(doc);
    *ret_why = "Expected the text of a JSON object such as {\"x-team\": \"a\"}";
    enum err e = json_type(root) == JSON_OBJECT ? read_headers(a, root, ret, ret_why) : E_SYNTAX;
    json_free(doc);
    return e;
}

/* ---- prices ---- */

static bool is_counted(struct str key)
{
    return !str_ends(key, STR("_count")) && !str_has(key, STR("video"));
}

static void put_pricing(struct json_out *w, const struct json_val *pricing)
{
    json_key(w, "token_pricing");
    json_open(w, '{');
    for (struct json_iter it = json_iter(pricing); json_next(&it);)
        if (is_counted(it.key)) {
            json_key_str(w, it.key);
            json_put_val(w, it.val);
        }
    json_close(w, '}');
}

struct str custom_price_rule(struct arena *a, struct str slug, struct str settings)
{
    static const char *const members[] = {"model", "model_rule", "cost_in", "cost_out"};
    struct buf b;
    struct json_doc *doc = json_parse(settings);
    const struct json_val *root = json_root(doc);
    buf_init(&b, API_BODY_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    json_add_str(&w, "provider", slug);
    for (size_t i = 0; i < countof(members); i++)
        if (json_type(json_get(root, members[i])) > JSON_NULL) {
            json_key(&w, members[i]);
            json_put_val(&w, json_get(root, members[i]));
        }
    if (json_type(json_get(root, "token_pricing")) == JSON_OBJECT)
        put_pricing(&w, json_get(root, "token_pricing"));
    json_close(&w, '}');
    struct str text = b.full ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
    buf_done(&b);
    json_free(doc);
    return text;
}

static bool is_enabled(const struct object *o)
{
    struct json_doc *doc = json_parse(o->settings);
    bool enabled = json_bool(json_get(json_root(doc), "enable"), true);
    json_free(doc);
    return enabled;
}

/* The API takes no rule that is not understood; one that is all the same (two rules for the same models)
 * costs only itself. */
static void read_prices(struct custom *k, const struct catalog *c, struct arena *a)
{
    struct buf b;
    const char *why;
    size_t n = 0;
    buf_init(&b, CATALOG_BYTES);
    (void)buf_append_byte(&b, '[');
    for (const struct object *o = NULL;
         (o = catalog_next_object(c, KIND_CUSTOM_COST, k->object->account, 0, o)) != NULL;) {
        if (o->parent != k->object->id || !is_enabled(o))
            continue;
        (void)buf_append_c(&b, n++ ? "," : "");
        (void)buf_append(&b, custom_price_rule(a, k->provider.slug, o->settings));
    }
    (void)buf_append_byte(&b, ']');
    k->prices = n ? price_rules_load(buf_str(&b), &why) : NULL;
    buf_done(&b);
}

/* ---- providers ---- */

/* "/v1" and the like at the end of a path. */
static bool ends_in_version(struct str path)
{
    size_t n = path.n;
    while (n > 0 && path.p[n - 1] >= '0' && path.p[n - 1] <= '9')
        n--;
    return n < path.n && n >= 2 && path.p[n - 1] == 'v' && path.p[n - 2] == '/';
}

static struct str text_of(struct arena *a, const struct json_val *v)
{
    struct str s = json_str(v);
    return s.p ? arena_dup(a, s) : STR("");
}

/* The place of an API below the base: the operator's word, else what OpenAI-compatible servers have. */
static struct str path_of(struct arena *a, struct str base, struct str said, const char *usual)
{
    if (said.n)
        return str_starts(said, STR("/")) ? str_from(said, 1) : said;
    return arena_printf(a, "%s%s", ends_in_version(base) ? "" : "v1/", usual);
}

static void read_row(struct custom *k, struct arena *a, const struct json_val *root)
{
    static const struct str lines[] = {S("Authorization"), S("x-api-key"), {NULL, 0}};
    struct str base = text_of(a, json_get(root, "base_url"));
    while (str_ends(base, STR("/")))
        base.n--;
    bool asks = json_bool(json_get(root, "weir_usage_injection"), true);
    k->provider = (struct provider){
        .slug = arena_printf(a, CUSTOM_PREFIX "%.*s", STR_FMT(k->object->name)),
        .origin = base,
        .base = STR(""),
        .rule = PATH_VERBATIM,
        .auth = AUTH_BEARER,
        .auth_header = STR(""),
        .lines = lines,
        .apis = API_OPENAI | API_ANTHROPIC,
        .quirks = asks ? Q_ASK_USAGE : 0,
        .prices = STR(""),
    };
    k->chat = (struct entry){
        .slug = k->provider.slug,
        .dialect = D_OPENAI_CHAT,
        .path = path_of(a, base, text_of(a, json_get(root, "weir_chat_path")), "chat/completions"),
        .quirks = CODEC_NO_DEVELOPER | CODEC_NO_EXTENSIONS,
    };
    k->embeddings = (struct embed_row){
        .entry = {.slug = k->provider.slug,
                  .dialect = D_OPENAI_EMBEDDINGS,
                  .path = path_of(a, base, STR(""), "embeddings")},
        .part = STR(""),
        .form = &embed_as_is,
    };
}

static bool read_custom(struct customs *all, const struct catalog *c, const struct object *o)
{
    struct custom *k = &all->v[all->n];
    struct json_doc *doc = json_parse(o->settings);
    const struct json_val *root = json_root(doc);
    const char *why;
    bool on = json_bool(json_get(root, "enable"), false);
    *k = (struct custom){.object = o};
    if (on) {
        read_row(k, &all->arena, root);
        on = custom_headers_read(&all->arena, text_of(&all->arena, json_get(root, "headers")), &k->headers,
                                 &why) == E_OK;
    }
    json_free(doc);
    if (on)
        read_prices(k, c, &all->arena);
    return on;
}

struct customs *customs_new(const struct catalog *c)
{
    struct customs *all = mem_zalloc(sizeof(*all));
    size_t n = 0;
    arena_init(&all->arena, CATALOG_BYTES);
    for (const struct object *o = NULL;
         (o = catalog_next_object(c, KIND_CUSTOM_PROVIDER, str_of(NULL, 0), 0, o)) != NULL;)
        n++;
    all->v = mem_zalloc((n + 1) * sizeof(*all->v));
    for (const struct object *o = NULL;
         (o = catalog_next_object(c, KIND_CUSTOM_PROVIDER, str_of(NULL, 0), 0, o)) != NULL;)
        all->n += read_custom(all, c, o);
    return all;
}

void customs_free(struct customs *all)
{
    if (!all)
        return;
    for (size_t i = 0; i < all->n; i++)
        price_rules_free(all->v[i].prices);
    mem_free(all->v);
    arena_wipe(&all->arena); /* static headers may be credentials */
    mem_free(all);
}

const struct custom *customs_find(const struct customs *all, struct str account, struct str slug)
{
    for (size_t i = 0; i < all->n; i++)
        if (str_eq(all->v[i].provider.slug, slug) && str_eq(all->v[i].object->account, account))
            return &all->v[i];
    return NULL;
}

const struct custom *customs_at(const struct customs *all, int64_t object)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->v[i].object->id == object)
            return &all->v[i];
    return NULL;
}

const struct custom *custom_of(const struct provider *p)
{
    return str_starts(p->slug, STR(CUSTOM_PREFIX))
               ? (const void *)((const char *)p - offsetof(struct custom, provider))
               : NULL;
}
