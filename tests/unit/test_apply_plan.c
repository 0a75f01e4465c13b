/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/apply_plan: from what is there to what is wanted. A model of the management API, made of the same
 * tables, takes the calls: after them it has what the file says, whatever it had before.
 */
#include "tests/unit/test.h"

#include "api/gateway_parts.h"
#include "base/limits.h"
#include "cli/apply_plan.h"
#include "cli/code_export.h"
#include "cli/code_file.h"
#include "cli/code_text.h"

#include <stdio.h>

/* ---- a model of the management API ---- */

enum { OBJECTS = 256 };

struct kept {
    const struct code_kind *kind; /* NULL: a free place */
    int parent;                   /* -1: none */
    struct str settings;          /* as an answer has them */
};

struct model {
    struct arena arena;
    struct kept v[OBJECTS];
    int n;
    bool one_secret; /* all of them are the same */
};

static void model_init(struct model *m)
{
    memset(m, 0, sizeof(*m));
    arena_init(&m->arena, 64 * MIB);
}

static struct str id_of(struct model *m, int i)
{
    return arena_printf(&m->arena, "00000000-0000-0000-0000-%012d", i);
}

/* What the API makes of a value before it is stored, and before it is shown. */
static void put_stored(struct json_out *w, struct model *m, const struct code_kind *kind,
                       const struct json_iter *it)
{
    struct buf b;
    if (kind == &code_kinds[CODE_GATEWAY] && str_eq(it->key, STR("spend_limits")) &&
        json_type(it->val) == JSON_OBJECT) {
        json_put_raw(w, gateway_spend_limits(it->val, &m->arena));
    } else if (str_eq(it->key, STR("token_pricing")) && json_type(it->val) == JSON_OBJECT) {
        buf_init(&b, MIB);
        struct json_out text = json_out(&b);
        json_put_val(&text, it->val);
        json_put_str(w, buf_str(&b));
        buf_done(&b);
    } else {
        json_put_val(w, it->val);
    }
}

/* The answer's members: those of the table, the id, and what nobody can set. */
static struct str answer(struct model *m, const struct code_kind *kind, int self, struct str name,
                         const struct json_val *body, struct str old)
{
    struct json_doc *before = old.p ? json_parse(old) : NULL;
    struct str object = fields_object(kind->table->v, kind->table->n, body, json_root(before), &m->arena);
    struct json_doc *doc = json_parse(object);
    struct buf b;
    buf_init(&b, MIB);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    json_key(&w, "id");
    json_put_str(&w, kind == &code_kinds[CODE_GATEWAY] ? name : id_of(m, self));
    for (struct json_iter it = json_iter(json_root(doc)); json_next(&it);) {
        if (kind->hidden && str_eq(it.key, str_c(kind->hidden)))
            continue;
        json_key_str(&w, kind->answer_name && str_eq(it.key, str_c(kind->names[0])) ? str_c(kind->answer_name)
                                                                                    : it.key);
        put_stored(&w, m, kind, &it);
    }
    json_key(&w, "created_at");
    json_put_str(&w, STR("2026-01-01T00:00:00Z"));
    json_close(&w, '}');
    struct str text = arena_dup(&m->arena, buf_str(&b));
    buf_done(&b);
    json_free(doc);
    json_free(before);
    assert_non_null(text.p);
    return text;
}

static struct str model_name(struct model *m, int i)
{
    struct json_doc *doc = json_parse(m->v[i].settings);
    struct str name = arena_dup(&m->arena, code_name_of(&m->arena, m->v[i].kind, json_root(doc), true));
    json_free(doc);
    return name;
}

static int model_find(struct model *m, const struct code_object *o)
{
    int parent = o->parent ? model_find(m, o->parent) : -1;
    for (int i = 0; i < m->n; i++)
        if (m->v[i].kind == o->kind && m->v[i].parent == parent && str_eq(model_name(m, i), o->name))
            return i;
    return -1;
}

static void model_remove(struct model *m, int i)
{
    m->v[i].kind = NULL;
    for (int k = 0; k < m->n; k++)
        if (m->v[k].kind && m->v[k].parent == i)
            model_remove(m, k);
}

/* Hosts stand for one gateway. */
static bool is_taken(struct model *m, const struct code_object *o)
{
    for (int i = 0; i < m->n; i++)
        if (o->kind->unique && m->v[i].kind == o->kind && str_eq(model_name(m, i), o->name))
            return true;
    return false;
}

static bool find_secret(void *arg, struct str from, struct str name, struct secret *ret)
{
    struct model *m = arg;
    if (m->one_secret) {
        *ret = secret_of(STR("value"));
        return true;
    }
    *ret = secret_of(arena_printf(&m->arena, "value-of-%.*s-%.*s", STR_FMT(from), STR_FMT(name)));
    return true;
}

static void check_body(struct model *m, const struct apply_call *call, struct str body)
{
    struct complaints wrong;
    bool part = call->action == APPLY_UPDATE && call->want->kind->update != CODE_WHOLE;
    complaints_init(&wrong, &m->arena, "body");
    if (!part)
        call->want->kind->check(body, &wrong);
    if (wrong.first)
        fail_msg("%.*s: %.*s: %.*s", STR_FMT(body), STR_FMT(wrong.first->key), STR_FMT(wrong.first->message));
}

static void model_save(struct model *m, const struct apply_call *call, struct str body)
{
    struct code_object *want = call->want;
    bool create = call->action != APPLY_UPDATE;
    int at = create ? m->n++ : model_find(m, want), parent = want->parent ? model_find(m, want->parent) : -1;
    assert_true(at >= 0 && at < OBJECTS);
    assert_true(!want->parent || parent >= 0); /* what others are made of is there before them */
    assert_false(create && is_taken(m, want));
    struct json_doc *doc = json_parse(body);
    struct str old = create || want->kind->update == CODE_WHOLE ? str_of(NULL, 0) : m->v[at].settings;
    if (want->kind->parent_member && create)
        assert_str(json_str(json_get(json_root(doc), want->kind->parent_member)), want->parent->id);
    m->v[at] = (struct kept){want->kind, parent, answer(m, want->kind, at, want->name, json_root(doc), old)};
    json_free(doc);
    doc = json_parse(m->v[at].settings);
    want->id = arena_dup(&m->arena, json_str(json_get(json_root(doc), want->kind->id)));
    json_free(doc);
}

static void model_apply(struct model *m, const struct apply_plan *p, bool secrets)
{
    struct code_secrets s = {.find = find_secret, .arg = m, .again = secrets};
    for (const struct apply_call *call = p->first; call; call = call->next) {
        struct buf body;
        buf_init(&body, MIB);
        if (call->action == APPLY_DELETE || call->action == APPLY_REPLACE) {
            int gone = model_find(m, call->have);
            assert_true(gone >= 0);
            model_remove(m, gone);
        }
        if (call->want) {
            apply_body(&body, call, &s);
            check_body(m, call, buf_str(&body));
            model_save(m, call, buf_str(&body));
        }
        buf_done(&body);
    }
}

static void model_add(struct model *m, struct code_set *set, int i)
{
    struct json_doc *doc = json_parse(m->v[i].settings);
    struct code_object *parent = NULL;
    if (m->v[i].parent >= 0)
        parent = code_set_find(set, m->v[m->v[i].parent].kind, NULL, model_name(m, m->v[i].parent));
    struct code_object *o = code_set_add(set, m->v[i].kind, parent, model_name(m, i), json_root(doc), true);
    assert_non_null(o);
    o->id = arena_dup(set->arena, json_str(json_get(json_root(doc), m->v[i].kind->id)));
    json_free(doc);
}

/* What a client sees: parents first. */
static void model_set(struct model *m, struct code_set *ret, struct arena *a)
{
    code_set_init(ret, a);
    for (int children = 0; children < 2; children++)
        for (int i = 0; i < m->n; i++)
            if (m->v[i].kind && (m->v[i].parent >= 0) == children)
                model_add(m, ret, i);
}

/* ---- one go ---- */

struct go {
    struct arena arena;
    struct code_set want, have;
    struct apply_plan plan;
};

static void read_file(struct go *g, struct str text)
{
    struct buf wrong;
    buf_init(&wrong, MIB);
    code_set_init(&g->want, &g->arena);
    enum err e = code_file_read(&g->want, "f", text, &wrong);
    if (e != E_OK)
        fail_msg("%.*s%.*s", STR_FMT(buf_str(&wrong)), STR_FMT(text));
    buf_done(&wrong);
}

static void plan(struct go *g, struct model *m, struct str text, bool prune, bool secrets)
{
    arena_init(&g->arena, 64 * MIB);
    read_file(g, text);
    model_set(m, &g->have, &g->arena);
    apply_plan(&g->plan, &g->arena, &g->want, &g->have,
               &(struct apply_options){.prune = prune, .secrets = secrets});
    assert_false(g->plan.full);
}

static void done(struct go *g)
{
    code_set_done(&g->want);
    code_set_done(&g->have);
    arena_done(&g->arena);
}

/* Plans, carries out; returns how many calls that took. */
static size_t apply(struct model *m, struct str text, bool prune, bool secrets)
{
    struct go g;
    plan(&g, m, text, prune, secrets);
    model_apply(m, &g.plan, secrets);
    size_t n = g.plan.n;
    done(&g);
    return n;
}

static void assert_nothing_to_do(struct model *m, struct str text)
{
    struct go g;
    plan(&g, m, text, true, false);
    if (g.plan.n) {
        struct buf b;
        buf_init(&b, MIB);
        code_plan_text(&b, &g.plan, false);
        fail_msg("%.*s\nis left to do of\n%.*s", STR_FMT(buf_str(&b)), STR_FMT(text));
    }
    done(&g);
}

/* ---- files by chance ---- */

static uint64_t chance_state;

static unsigned chance(unsigned n)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (unsigned)(chance_state >> 33) % n;
}

#define PICK(list) ((list)[chance(countof(list))])
static const char *const gateway_settings[][4] = {
    {"", "\"cache_ttl\":0", "\"cache_ttl\":60.0", "\"cache_ttl\":null"},
    {"", "\"collect_logs\":false", "\"collect_logs\":true", "\"authentication\":true"},
    {"", "\"rate_limiting_limit\":null", "\"rate_limiting_limit\":7", "\"rate_limiting_interval\":9"},
    {"", "\"guardrails\":null", "\"guardrails\":{\"prompt\":{\"P1\":\"BLOCK\"}}",
     "\"guardrails\":{\"response\":{\"S1\":\"FLAG\"},\"prompt\":{\"P1\":\"BLOCK\"}}"},
    {"", "\"spend_limits\":{}",
     "\"spend_limits\":{\"enabled\":true,\"rules\":[{\"limit\":2,\"limitType\":\"cost\",\"window\":60}]}",
     "\"spend_limits\":{\"rules\":[{\"id\":\"abc\",\"limit\":2.5,\"limitType\":\"cost\",\"window\":60,"
     "\"technique\":\"fixed\"},"
     "{\"id\":\"d\",\"limit\":1,\"limitType\":\"cost\",\"window\":5}]}"},
    {"", "\"otel\":[]",
     "\"otel\":[{\"url\":\"https://a.example\",\"headers\":{},\"authorization\":{\"env\":\"A\"}}]",
     "\"otel\":[{\"url\":\"https://b.example\",\"headers\":{\"x-key\":{\"env\":\"B\"}}},{\"url\":\"https://"
     "a.example\","
     "\"headers\":{\"x-a\":\"1\"},\"authorization\":{\"file\":\"a\"}}]"},
    {"", "\"weir_retry_jitter\":true", "\"weir_retry_jitter\":false",
     "\"weir_retry_statuses\":[429,\"5xx\"]"},
    {"", "\"log_management\":null", "\"log_management\":10000", "\"retry_backoff\":\"linear\""},
    {"", "\"dlp\":{\"enabled\":false,\"action\":\"FLAG\",\"profiles\":[]}", "\"zdr\":true",
     "\"retry_delay\":null"},
};
static const char *const key_settings[] = {"", ",\"rate_limit\":5",
                                           ",\"rate_limit\":0,\"rate_limit_period\":9",
                                           ",\"default_config\":true", ",\"rate_limit\":null"};
static const char *const domain_settings[] = {"", "\"minTLS\":\"1.2\"",
                                              "\"minTLS\":\"1.3\",\"zone_id\":\"z\""};
static const char *const policy_settings[] = {
    "\"*\",\"action\":{\"type\":\"block\",\"except\":true}",
    "{\"model\":[\"a\"]},\"condition\":\"false\",\"action\":{\"type\":\"no-limit\"}",
    "\"*\",\"condition\":\"true\",\"action\":{\"type\":\"limit\",\"amount\":1.5,\"period\":\"daily\"}"};
static const char *const models[] = {"a", "b"};
static const char *const provider_settings[] = {
    "",
    ",\"enable\":true",
    ",\"headers\":{}",
    ",\"headers\":{\"x-a\":\"1\"}",
    ",\"headers\":{\"authorization\":{\"env\":\"V\"},\"x-a\":\"1\"}",
    ",\"description\":\"\",\"position\":3",
    ",\"logo\":\"eA==\""};
static const char *const cost_settings[] = {
    ",\"cost_in\":0.1,\"cost_out\":1e-7", ",\"token_pricing\":{\"total_tokens\":0.5}",
    ",\"cost_in\":null,\"enable\":false", ",\"model_rule\":\"contains\""};

static void put_some(struct buf *b, const char **between, const char *what)
{
    if (!*what)
        return;
    (void)buf_printf(b, "%s%s", *between, what);
    *between = ",";
}

static void put_gateway(struct buf *b, int i, int hosts)
{
    const char *between = "";
    (void)buf_printf(b, "\"g%d\":{", i);
    for (size_t k = 0; k < countof(gateway_settings); k++)
        put_some(b, &between, PICK(gateway_settings[k]));
    if (chance(2)) {
        (void)buf_printf(b, "%s\"provider_keys\":{", between);
        if (chance(2))
            (void)buf_printf(b, "\"openai/default\":{\"secret\":{\"env\":\"O\"}%s},", PICK(key_settings));
        if (chance(2))
            (void)buf_printf(b, "\"groq/a/b\":{\"secret\":{\"file\":\"g\"}%s},", PICK(key_settings));
        (void)buf_append_c(b, "}"), between = ",";
    }
    if (chance(2)) {
        (void)buf_printf(b, "%s\"routes\":{", between);
        for (int k = (int)chance(3); k > 0; k--)
            (void)buf_printf(
                b,
                "\"r%d\":{\"elements\":[{\"id\":\"s\",\"type\":\"start\",\"outputs\":{\"next\":{"
                "\"elementId\":\"m\"}}},"
                "{\"id\":\"m\",\"type\":\"model\",\"properties\":{\"provider\":\"openai\",\"model\":\"%s\"},"
                "\"outputs\":{\"success\":{\"elementId\":\"e\"}}},{\"id\":\"e\",\"type\":\"end\",\"outputs\":"
                "{}}]},",
                k, PICK(models));
        (void)buf_append_c(b, "}"), between = ",";
    }
    if (chance(2)) {
        (void)buf_printf(b, "%s\"policies\":{", between), between = ",";
        for (int k = (int)chance(3); k > 0; k--)
            (void)buf_printf(b, "\"p%d\":{\"actor\":\"%s\",\"resource\":%s},", k, PICK(models),
                             PICK(policy_settings));
        (void)buf_append_c(b, "}");
    }
    if (chance(2))
        (void)buf_printf(b, "%s\"datasets\":{\"d\":{\"enable\":%s,\"filters\":[]}}", between,
                         chance(2) ? "true" : "false"),
            between = ",";
    (void)buf_printf(b, "%s\"custom_domains\":{", between); /* a host stands for one gateway at a time */
    if (i == hosts)
        (void)buf_printf(b, "\"h.example.com\":{%s}", PICK(domain_settings));
    (void)buf_append_c(b, "}");
    (void)buf_append_c(b, "},");
}

static void put_provider(struct buf *b, int i)
{
    (void)buf_printf(b, "\"v%d\":{\"name\":\"%s\",\"base_url\":\"https://v.example\"%s", i, PICK(models),
                     PICK(provider_settings));
    if (chance(2)) {
        (void)buf_append_c(b, ",\"costs\":[");
        for (size_t k = 0; k < countof(models); k++)
            if (chance(2))
                (void)buf_printf(b, "{\"model\":\"%s\"%s},", models[k], PICK(cost_settings));
        (void)buf_append_c(b, "]");
    }
    (void)buf_append_c(b, "},");
}

/* `all`: says something about every kind of the account's own. */
static void put_file(struct buf *b, bool all)
{
    buf_init(b, MIB);
    (void)buf_append_c(b, "{\"version\":1,");
    if (all || chance(4)) {
        int hosts = (int)chance(4);
        (void)buf_append_c(b, "\"gateways\":{");
        for (int i = 0; i < 3; i++)
            if (chance(3))
                put_gateway(b, i, hosts);
        (void)buf_append_c(b, "},");
    }
    if (all || chance(4)) {
        (void)buf_append_c(b, "\"custom_providers\":{");
        for (int i = 0; i < 2; i++)
            if (chance(3))
                put_provider(b, i);
        (void)buf_append_c(b, "},");
    }
    (void)buf_append_c(b, "}");
}

/* Ids of spend rules are made by chance, or kept. */
static struct str without_ids(struct model *m, struct str settings)
{
    static const struct str mark = S("\"window\":60,\"id\":\"");
    size_t at = str_search(settings, mark);
    struct str rest = str_from(settings, at + mark.n);
    (void)str_cut(&rest, '"');
    return at < settings.n ? arena_join(&m->arena, (const struct str[]){str_head(settings, at), rest}, 2)
                           : settings;
}

static void assert_has(struct model *m, struct model *want, int i)
{
    struct arena a;
    struct code_set set;
    arena_init(&a, 16 * MIB);
    model_set(want, &set, &a);
    struct code_object *parent = NULL;
    if (want->v[i].parent >= 0)
        parent =
            code_set_find(&set, want->v[want->v[i].parent].kind, NULL, model_name(want, want->v[i].parent));
    int at = model_find(m, code_set_find(&set, want->v[i].kind, parent, model_name(want, i)));
    assert_true(at >= 0);
    struct str x = m->v[at].settings, y = want->v[i].settings;
    bool by_name =
        want->v[i].kind == &code_kinds[CODE_GATEWAY]; /* other ids, and those of parents, are numbers */
    size_t skip = by_name                                     ? 0
                  : want->v[i].kind == &code_kinds[CODE_COST] ? str_search(y, STR("\"model\""))
                                                              : 44;
    assert_str(without_ids(m, str_from(x, skip)), without_ids(m, str_from(y, skip)));
    code_set_done(&set);
    arena_done(&a);
}

/* Byte by byte, without the plan's own eyes: as if the file had been the first one. */
static void assert_as_from_nothing(struct model *m, struct str file)
{
    struct model fresh;
    model_init(&fresh);
    fresh.one_secret = true;
    (void)apply(&fresh, file, false, false);
    for (int i = 0; i < fresh.n; i++)
        if (fresh.v[i].kind)
            assert_has(m, &fresh, i);
    arena_done(&fresh.arena);
}

static void whatever_there_was_becomes_what_is_wanted(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 400; seed++) {
        struct model m;
        struct buf a, b;
        chance_state = seed * 0x9e3779b97f4a7c15u;
        model_init(&m);
        m.one_secret = true;
        put_file(&a, true);
        put_file(&b, chance(2));
        (void)apply(&m, buf_str(&a), false, false);
        assert_nothing_to_do(&m, buf_str(&a));
        (void)apply(&m, buf_str(&b), true, chance(2));
        assert_nothing_to_do(&m, buf_str(&b));
        assert_as_from_nothing(&m, buf_str(&b));
        buf_done(&a);
        buf_done(&b);
        arena_done(&m.arena);
    }
}

/* What an export says of the model is what it is, however it came about. */
static void an_export_says_what_there_is(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 200; seed++) {
        struct model m, copy;
        struct arena a;
        struct code_set set;
        struct buf file, text, again;
        chance_state = seed * 0x9e3779b97f4a7c15u;
        model_init(&m);
        model_init(&copy);
        arena_init(&a, 64 * MIB);
        put_file(&file, true);
        buf_init(&text, MIB);
        buf_init(&again, MIB);
        (void)apply(&m, buf_str(&file), false, false);
        model_set(&m, &set, &a);
        code_export(&text, &set);
        assert_nothing_to_do(&m, buf_str(&text));
        code_set_done(&set);
        (void)apply(&copy, buf_str(&text), false, false); /* and makes the same somewhere else */
        model_set(&copy, &set, &a);
        code_export(&again, &set);
        assert_str(buf_str(&again), buf_str(&text));
        code_set_done(&set);
        buf_done(&file), buf_done(&text), buf_done(&again);
        arena_done(&a), arena_done(&m.arena), arena_done(&copy.arena);
    }
}

/* ---- single promises ---- */

#define FILE(rest) STR("{\"version\":1," rest "}")

/* Of the first gateway's setting: an answer's bytes. */
static struct str stored(struct model *m, const char *setting)
{
    for (int i = 0; i < m->n; i++) {
        if (m->v[i].kind != &code_kinds[CODE_GATEWAY])
            continue;
        struct json_doc *doc = json_parse(m->v[i].settings);
        struct buf b;
        buf_init(&b, MIB);
        struct json_out w = json_out(&b);
        json_put_val(&w, json_get(json_root(doc), setting));
        struct str text = arena_dup(&m->arena, buf_str(&b));
        buf_done(&b);
        json_free(doc);
        return text;
    }
    return STR("");
}

static void a_secret_stays_with_the_url_it_is_for(void **state)
{
    struct model m;
    (void)state;
    model_init(&m);
    (void)apply(&m,
                FILE("\"gateways\":{\"g\":{\"otel\":[{\"url\":\"https://"
                     "a.example\",\"headers\":{},\"authorization\":{\"env\":\"A\"}}]}}"),
                false, false);
    static const struct str two =
        S("{\"version\":1,\"gateways\":{\"g\":{\"otel\":[{\"url\":\"https://"
          "b.example\",\"headers\":{},\"authorization\":{\"env\":\"B\"}},"
          "{\"url\":\"https://a.example\",\"headers\":{},\"authorization\":{\"env\":\"C\"}}]}}}");
    assert_int_equal(apply(&m, two, false, false), 1);
    struct str otel = stored(&m, "otel");
    assert_true(str_has(otel, STR("b.example\",\"headers\":{},\"authorization\":\"value-of-env-B\"")));
    assert_true(str_has(
        otel, STR("a.example\",\"headers\":{},\"authorization\":\"value-of-env-A\""))); /* as it was */
    assert_int_equal(apply(&m, two, false, false), 0);
    assert_int_equal(apply(&m, two, false, true), 1);
    assert_true(str_has(stored(&m, "otel"), STR("\"value-of-env-C\"")));
    arena_done(&m.arena);
}

static void a_rule_keeps_its_id(void **state)
{
    struct model m;
    (void)state;
    model_init(&m);
#define RULE(limit)                                                                                          \
    FILE("\"gateways\":{\"g\":{\"spend_limits\":{\"rules\":[{\"limit\":" limit                               \
         ",\"limitType\":\"cost\",\"window\":1}]}}}")
    (void)apply(&m, RULE("1"), false, false);
    struct str before = stored(&m, "spend_limits");
    size_t id = str_search(before, STR("\"id\":"));
    assert_true(id < before.n);
    assert_int_equal(apply(&m, RULE("2"), false, false), 1);
    assert_true(str_has(stored(&m, "spend_limits"), str_head(str_from(before, id), 15)));
    arena_done(&m.arena);
}

static void only_what_is_spoken_of_goes(void **state)
{
    static const struct {
        struct str file;
        size_t calls;
    } rows[] = {
        {S("{\"version\":1}"), 0},
        {S("{\"version\":1,\"gateways\":{\"g\":{},\"h\":{}}}"), 0},
        {S("{\"version\":1,\"gateways\":{\"g\":{\"provider_keys\":{}},\"h\":{}}}"), 1},
        {S("{\"version\":1,\"gateways\":{\"g\":{}}}"), 1},
        {S("{\"version\":1,\"gateways\":{}}"), 2}, /* keys and hosts go with them */
        {S("{\"version\":1,\"custom_providers\":{}}"), 1},
        {S("{\"version\":1,\"gateways\":{},\"custom_providers\":{}}"), 3},
    };
    (void)state;
    for (size_t i = 0; i < countof(rows); i++) {
        struct model m;
        struct go g;
        model_init(&m);
        (void)apply(
            &m,
            FILE("\"gateways\":{\"g\":{\"provider_keys\":{\"openai/default\":{\"secret\":{\"env\":\"A\"}}},"
                 "\"custom_domains\":{\"h.example.com\":{}}},\"h\":{}},\"custom_providers\":{\"v\":{\"name\":"
                 "\"v\","
                 "\"base_url\":\"https://"
                 "v.example\",\"costs\":[{\"model\":\"m\",\"cost_in\":1,\"cost_out\":1}]}}"),
            false, false);
        plan(&g, &m, rows[i].file, false, false);
        assert_int_equal(g.plan.n, 0);
        done(&g);
        plan(&g, &m, rows[i].file, true, false);
        assert_int_equal(g.plan.n, rows[i].calls);
        assert_int_equal(g.plan.count[APPLY_DELETE], rows[i].calls);
        done(&g);
        arena_done(&m.arena);
    }
}

/* The text of a plan, for all of its words. */
static void assert_text(struct model *m, struct str file, struct str want)
{
    struct go g;
    struct buf b;
    buf_init(&b, MIB);
    plan(&g, m, file, true, false);
    code_plan_text(&b, &g.plan, false);
    assert_str(buf_str(&b), want);
    done(&g);
    buf_done(&b);
}

static void a_host_that_moves_goes_before_it_comes(void **state)
{
    struct model m;
    (void)state;
    model_init(&m);
    (void)apply(&m, FILE("\"gateways\":{\"a\":{},\"b\":{\"custom_domains\":{\"h.example.com\":{}}}}"), false,
                false);
    static const struct str moved = S("{\"version\":1,\"gateways\":{\"a\":{\"custom_domains\":{\"h.example."
                                      "com\":{}}},\"b\":{\"custom_domains\":{}}}}");
    assert_text(
        &m, moved,
        STR("- custom domain h.example.com of gateway b\n+ custom domain h.example.com of gateway a\n\n"
            "1 to create, 0 to change, 1 to delete\n"));
    assert_int_equal(apply(&m, moved, true, false), 2);
    arena_done(&m.arena);
}

static void and_before_the_gateway_it_was_of(void **state)
{
    struct model m;
    (void)state;
    model_init(&m);
    (void)apply(&m,
                FILE("\"gateways\":{\"b\":{\"custom_domains\":{\"h.example.com\":{},\"i.example.com\":{}}}}"),
                false, false);
    static const struct str moved =
        S("{\"version\":1,\"gateways\":{\"a\":{\"custom_domains\":{\"h.example.com\":{}}}}}");
    struct go g;
    plan(&g, &m, moved, true, false);
    static const enum apply_action order[] = {APPLY_DELETE, APPLY_CREATE, APPLY_CREATE, APPLY_DELETE};
    const struct apply_call *call = g.plan.first;
    for (size_t i = 0; i < countof(order); i++, call = call->next)
        assert_int_equal(call->action, order[i]);
    assert_null(call);
    done(&g);
    arena_done(&m.arena);
}

static void text_of_others_does_not_move_the_cursor(void **state)
{
    struct model m;
    (void)state;
    model_init(&m);
    assert_text(
        &m,
        FILE("\"custom_providers\":{\"v\":{\"name\":\"\\u001b[2J\\u009b\",\"base_url\":\"https://"
             "v.example\"}}"),
        STR("+ custom provider v\n    + name: \"\\u001B[2J?\"\n    + base_url: \"https://v.example\"\n\n"
            "1 to create, 0 to change, 0 to delete\n"));
    arena_done(&m.arena);
}

static void names_of_credentials_are_known(void **state)
{
    static const struct {
        const char *name;
        bool secret;
    } rows[] = {{"Authorization", true},  {"X-API-Key", true}, {"x-goog-api-key", true},
                {"x-access-token", true}, {"Cookie", true},    {"x-team", false},
                {"accept", false},        {"", false},         {"ke", false}};
    (void)state;
    for (size_t i = 0; i < countof(rows); i++)
        assert_int_equal(code_names_credential(str_c(rows[i].name)), rows[i].secret);
}

/* Every row of the table can be found again from the API's own tables and paths. */
static void the_table_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODE_KINDS; i++) {
        const struct code_kind *k = &code_kinds[i];
        assert_true(k->member && k->one && k->table && k->table->n && k->id && k->path && k->check);
        assert_true(k->parent == CODE_KINDS || k->parent < i); /* parents are made first */
        assert_true((k->update_method != NULL) == (k->update <= CODE_ALL));
        for (const struct code_shape *s = k->inside; s && s->name; s++)
            assert_non_null(code_field(k, str_c(s->name)));
        assert_true(!k->hidden || code_field(k, str_c(k->hidden)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_there_was_becomes_what_is_wanted),
        cmocka_unit_test(an_export_says_what_there_is),
        cmocka_unit_test(a_secret_stays_with_the_url_it_is_for),
        cmocka_unit_test(a_rule_keeps_its_id),
        cmocka_unit_test(only_what_is_spoken_of_goes),
        cmocka_unit_test(a_host_that_moves_goes_before_it_comes),
        cmocka_unit_test(and_before_the_gateway_it_was_of),
        cmocka_unit_test(text_of_others_does_not_move_the_cursor),
        cmocka_unit_test(names_of_credentials_are_known),
        cmocka_unit_test(the_table_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
