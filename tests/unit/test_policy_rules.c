/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/policy_rules: what policies say about a request; against a naive model, with random ones. */
#include "tests/unit/test.h"

#include "base/limits.h"
#include "gateway/policy_rules.h"

#include <fnmatch.h>
#include <stdio.h>

enum { RULES_MAX = 12 };

struct world {
    struct arena arena;
    struct complaints wrong;
    struct policy_rule rules[RULES_MAX];
    size_t n;
    struct json_doc *doc; /* the identity */
    struct policy_verdict verdict;
};

/* policies: a JSON array; identity: {"cf", "metadata"}. */
static void judge(struct world *w, const char *policies, const char *identity, const char *provider,
                  const char *model)
{
    arena_init(&w->arena, MIB);
    complaints_init(&w->wrong, &w->arena, "body");
    w->n = 0;
    struct json_doc *list = json_parse(str_c(policies));
    w->doc = json_parse(str_c(identity));
    assert_non_null(list);
    assert_non_null(w->doc);
    for (struct json_iter it = json_iter(json_root(list)); json_next(&it);)
        if (!policy_rule_read(&w->arena, it.val, &w->rules[w->n++], &w->wrong))
            fail_msg("%s: %.*s: %.*s", policies, STR_FMT(w->wrong.first->key),
                     STR_FMT(w->wrong.first->message));
    json_free(list);
    const struct cel_input in = {json_get(json_root(w->doc), "cf"), json_get(json_root(w->doc), "metadata"),
                                 str_c(model), str_c(provider)};
    assert_int_equal(policy_judge(&w->arena, w->rules, w->n, &in, &w->verdict), E_OK);
}

static void done(struct world *w)
{
    json_free(w->doc);
    arena_done(&w->arena);
}

/* "allow", "refuse" (with the rule that blocks), or the limits: "bucket<amount/period by rule", by name. */
static struct str told(struct world *w)
{
    struct str s = w->verdict.decision == POLICY_ALLOW ? STR("allow") : STR("refuse");
    if (w->verdict.decision == POLICY_REFUSE && w->verdict.blocked)
        return arena_printf(&w->arena, "refuse by %.*s", STR_FMT(w->verdict.blocked->name));
    if (w->verdict.decision == POLICY_CHECK)
        s = STR("");
    for (size_t i = 0; i < w->verdict.n; i++) {
        const struct policy_limit *l = &w->verdict.limits[i];
        s = arena_printf(&w->arena, "%.*s%s%.*s<%lld/%.*s by %.*s", STR_FMT(s), s.n ? " " : "",
                         STR_FMT(l->bucket), (long long)(l->rule->amount / 1000000000000),
                         STR_FMT(policy_period_word(l->rule->period)), STR_FMT(l->rule->name));
    }
    return s;
}

#define P(name, actor, resource, condition, action)                                                          \
    "{\"name\":\"" name "\",\"actor\":\"" actor "\",\"resource\":" resource ",\"condition\":\"" condition    \
    "\",\"action\":" action "}"
#define FREE "{\"type\":\"no-limit\"}"
#define BLOCK "{\"type\":\"block\"}"
#define BUT "{\"type\":\"block\",\"except\":true}"
#define LIMIT(amount, period) "{\"type\":\"limit\",\"amount\":" amount ",\"period\":\"" period "\"}"
#define ANY "\"*\""
#define ANN "{\"cf\":{\"user\":{\"id\":\"ann\",\"groups\":[\"eng\"]}},\"metadata\":{\"team\":\"search\"}}"
#define NOBODY "{}"

static void the_rules_of_section_11_3(void **state)
{
    (void)state;
    static const struct {
        const char *policies, *identity, *provider, *model, *want;
        size_t tested;
    } rows[] = {
        /* none: everything; one: deny by default */
        {"[]", NOBODY, "openai", "gpt-4o", "allow", 0},
        {"[" P("a", "x", "{\"provider\":\"groq\"}", "true", FREE) "]", ANN, "openai", "gpt-4o", "refuse", 0},
        {"[" P("a", "x", ANY, "false", FREE) "]", ANN, "openai", "gpt-4o", "refuse", 1},
        {"[" P("a", "x", ANY, "true", FREE) "]", NOBODY, "openai", "gpt-4o", "allow", 1},
        {"[" P("a", "x", ANY, "false", BLOCK) "]", ANN, "openai", "gpt-4o", "refuse", 1}, /* nothing grants */
        /* a block wins, wherever it stands */
        {"[" P("a", "x", ANY, "true", FREE) "," P("b", "x", ANY, "true", BLOCK) "]", ANN, "openai", "gpt-4o",
         "refuse by b", 2},
        {"[" P("b", "x", "{\"model\":\"gpt-*\"}", "true", BLOCK) "," P("a", "x", ANY, "true", FREE) "]", ANN,
         "openai", "gpt-4o", "refuse by b", 2},
        {"[" P("b", "x", "{\"model\":\"gpt-*\"}", "true", BLOCK) "," P("a", "x", ANY, "true", FREE) "]", ANN,
         "openai", "o3", "allow", 1},
        /* except: all but the resource */
        {"[" P("b", "x", "{\"provider\":\"openai\"}", "true", BUT) "," P("a", "x", ANY, "true", FREE) "]",
         ANN, "openai", "gpt-4o", "allow", 1},
        {"[" P("b", "x", "{\"provider\":\"openai\"}", "true", BUT) "," P("a", "x", ANY, "true", FREE) "]",
         ANN, "groq", "m", "refuse by b", 2},
        /* what is missing grants nothing, and blocks */
        {"[" P("a", "user:{cf.user.id}", ANY, "true", FREE) "]", ANN, "openai", "gpt-4o", "allow", 1},
        {"[" P("a", "user:{cf.user.id}", ANY, "true", FREE) "]", NOBODY, "openai", "gpt-4o", "refuse", 1},
        {"[" P("a", "x", ANY, "'eng' in cf.user.groups", FREE) "]", ANN, "openai", "gpt-4o", "allow", 1},
        {"[" P("a", "x", ANY, "'eng' in cf.user.groups", FREE) "]", NOBODY, "openai", "gpt-4o", "refuse", 1},
        {"[" P("a", "x", ANY, "true", FREE) "," P("b", "x", ANY, "cf.country == 'XX'", BLOCK) "]", ANN,
         "openai", "gpt-4o", "refuse by b", 2},
        {"[" P("a", "x", ANY, "true", FREE) "," P("b", "x", ANY, "metadata.team == 'ads'", BLOCK) "]", ANN,
         "openai", "gpt-4o", "allow", 2},
        {"[" P("a", "x", ANY, "true", FREE) "," P("b", "{metadata.nope}", ANY, "true", BLOCK) "]", ANN,
         "openai", "gpt-4o", "refuse by b", 2},
        {"[" P("a", "x", ANY, "true", FREE) "," P("b", "x", "{\"provider\":\"groq\"}", "cf.country == 'XX'",
                                                  BLOCK) "]",
         ANN, "openai", "gpt-4o", "allow", 1},
        /* buckets */
        {"[" P("a", "user:{cf.user.id}", ANY, "true", LIMIT("10", "daily")) "]", ANN, "openai", "gpt-4o",
         "user:ann<10/daily by a", 1},
        {"[" P("a", "u", ANY, "true", LIMIT("10", "daily")) "," P(
             "b", "u", ANY, "true", LIMIT("20", "daily")) "," P("c", "u", ANY, "true",
                                                                LIMIT("5", "hourly")) "]",
         ANN, "openai", "gpt-4o", "u<20/daily by b u<5/hourly by c", 3},
        {"[" P("a", "u", ANY, "true", LIMIT("10", "daily")) "," P("b", "u", ANY, "true", FREE) "]", ANN,
         "openai", "gpt-4o", "allow", 2},
        {"[" P("a", "u", ANY, "true", LIMIT("10", "daily")) "," P("b", "v", ANY, "true", FREE) "]", ANN,
         "openai", "gpt-4o", "u<10/daily by a", 2},
        {"[" P("a", "u", ANY, "true", LIMIT("10", "daily")) "," P("b", "u", "{\"provider\":\"openai\"}",
                                                                  "true", LIMIT("20", "daily")) "]",
         ANN, "openai", "gpt-4o", "u<10/daily by a u<20/daily by b", 2},
        {"[" P("a", "u", "{\"model\":[\"gpt-*\",\"o3\"]}", "true", LIMIT("10", "weekly")) "," P(
             "b", "u", "{\"model\":[\"o3\",\"gpt-*\",\"o3\"]}", "true", LIMIT("20", "weekly")) "]",
         ANN, "openai", "gpt-4o", "u<20/weekly by b", 2}, /* the same resource, written otherwise */
        {"[" P("a", "{metadata.team}/{cf.user.id}", ANY, "true", LIMIT("1", "monthly")) "]", ANN, "openai",
         "gpt-4o", "search/ann<1/monthly by a", 1},
        {"[" P("a", "u", ANY, "true", LIMIT("10", "daily")) "," P("b", "u", ANY, "true",
                                                                  LIMIT("10", "daily")) "]",
         ANN, "openai", "gpt-4o", "u<10/daily by a", 2}, /* one of two the same */
        /* conditions see what is asked for */
        {"[" P("a", "x", ANY, "model.startsWith('gpt') && provider == 'openai'", FREE) "]", NOBODY, "openai",
         "gpt-4o", "allow", 1},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct world w;
        judge(&w, rows[i].policies, rows[i].identity, rows[i].provider, rows[i].model);
        struct str got = told(&w);
        if (!str_eq(got, str_c(rows[i].want)) || w.verdict.tested != rows[i].tested)
            fail_msg("%s\n  got %.*s of %zu, want %s", rows[i].policies, STR_FMT(got), w.verdict.tested,
                     rows[i].want);
        done(&w);
    }
}

static void resources_are_matched(void **state)
{
    (void)state;
    static const struct {
        const char *resource, *provider, *model;
        bool want;
    } rows[] = {
        {ANY, "openai", "a/b/c", true},
        {"{\"model\":\"gpt-4o\"}", "openai", "gpt-4o", true},
        {"{\"model\":\"gpt-4o\"}", "openai", "gpt-4o-mini", false},
        {"{\"model\":\"*\"}", "openai", "gpt-4o", true},
        {"{\"model\":\"*\"}", "workers-ai", "@cf/meta/llama", false},
        {"{\"model\":\"@cf/*/*\"}", "workers-ai", "@cf/meta/llama", true},
        {"{\"model\":\"@cf/*\"}", "workers-ai", "@cf/meta/llama", false},
        {"{\"model\":\"gpt-*-mini\"}", "openai", "gpt-4-4o-mini", true},
        {"{\"model\":\"gpt-*-mini\"}", "openai", "gpt-mini", false},
        {"{\"model\":\"*4*o*\"}", "openai", "gpt-4o", true},
        {"{\"model\":\"GPT-4o\"}", "openai", "gpt-4o", false},
        /* with the provider in front */
        {"{\"model\":\"openai/gpt-*\"}", "openai", "gpt-4o", true},
        {"{\"model\":\"openai/gpt-*\"}", "groq", "gpt-4o", false},
        {"{\"model\":\"openai/gpt-*\"}", "groq", "openai/gpt-oss", true},
        {"{\"model\":\"*/gpt-4o\"}", "openai", "gpt-4o", true},
        {"{\"model\":[\"a\",\"b*\"]}", "openai", "bc", true},
        {"{\"provider\":\"openai\"}", "openai", "x", true},
        {"{\"provider\":\"open*\"}", "openai", "x", false},
        {"{\"provider\":[\"groq\",\"openai\"]}", "openai", "x", true},
        {"{\"provider\":\"openai\",\"model\":\"x\"}", "openai", "y", false},
        {"{\"provider\":\"groq\",\"model\":\"x\"}", "openai", "x", false},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        char policy[512];
        struct world w;
        snprintf(policy, sizeof(policy), "[" P("a", "u", "%s", "true", FREE) "]", rows[i].resource);
        judge(&w, policy, NOBODY, rows[i].provider, rows[i].model);
        if (policy_rule_covers(&w.rules[0], str_c(rows[i].provider), str_c(rows[i].model)) != rows[i].want)
            fail_msg("%s, %s %s", rows[i].resource, rows[i].provider, rows[i].model);
        done(&w);
    }
}

static void wrong_policies_are_complained_about(void **state)
{
    (void)state;
    static const struct {
        const char *policy, *places;
    } rows[] = {
        {P("a", "{cf.user.id", ANY, "true", FREE), "actor"},
        {P("a", "cf.user.id}", ANY, "true", FREE), "actor"},
        {P("a", "{}", ANY, "true", FREE), "actor"},
        {P("a", "{{cf.user.id}}", ANY, "true", FREE), "actor"},
        {P("a", "a}b{cf.x}", ANY, "true", FREE), "actor"},
        {P("a", "{user.id}", ANY, "true", FREE), "actor"},
        {P("a", "x", "\"openai\"", "true", FREE), "resource"},
        {P("a", "x", "{}", "true", FREE), "resource"},
        {P("a", "x", "{\"models\":\"x\"}", "true", FREE), "resource"},
        {P("a", "x", "{\"model\":\"x\",\"providers\":[]}", "true", FREE), "resource.providers"},
        {P("a", "x", "{\"model\":[]}", "true", FREE), "resource.model"},
        {P("a", "x", "{\"model\":7}", "true", FREE), "resource.model"},
        {P("a", "x", "{\"model\":[\"x\",\"\"],\"provider\":null}", "true", FREE),
         "resource.model.1 resource.provider"},
        {P("a", "x", ANY, "tru", FREE), "condition"},
        {P("a", "x", ANY, "true", "{}"), "action.type"},
        {P("a", "x", ANY, "true", "{\"type\":\"deny\"}"), "action.type"},
        {P("a", "x", ANY, "true", "{\"type\":\"no-limit\",\"except\":true}"), "action.except"},
        {P("a", "x", ANY, "true", "{\"type\":\"block\",\"except\":1}"), "action.except"},
        {P("a", "x", ANY, "true", "{\"type\":\"limit\"}"), "action.amount action.period"},
        {P("a", "x", ANY, "true", LIMIT("0", "daily")), "action.amount"},
        {P("a", "x", ANY, "true", LIMIT("1e-13", "daily")), "action.amount"},
        {P("a", "x", ANY, "true", LIMIT("1000001", "daily")), "action.amount"},
        {P("a", "x", ANY, "true", LIMIT("1", "yearly")), "action.period"},
        {P("a", "x", ANY, "true",
           "{\"type\":\"limit\",\"amount\":1,\"period\":\"daily\",\"technique\":\"sliding\"}"),
         "action.technique"},
        {P("a", "x", ANY, "true",
           "{\"type\":\"limit\",\"amount\":1,\"period\":\"daily\",\"technique\":\"named-interval\"}"),
         ""},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct arena a;
        struct complaints wrong;
        struct policy_rule rule;
        arena_init(&a, MIB);
        complaints_init(&wrong, &a, "body");
        struct json_doc *doc = json_parse(str_c(rows[i].policy));
        bool ok = policy_rule_read(&a, json_root(doc), &rule, &wrong);
        struct str got = STR("");
        for (const struct complaint *c = wrong.first; c; c = c->next)
            got = arena_printf(&a, "%.*s%s%.*s", STR_FMT(got), got.n ? " " : "", STR_FMT(c->key));
        if (!str_eq(got, str_c(rows[i].places)) || ok != !got.n)
            fail_msg("%s: got %.*s, want %s", rows[i].policy, STR_FMT(got), rows[i].places);
        json_free(doc);
        arena_done(&a);
    }
}

static void periods_follow_the_calendar(void **state)
{
    (void)state;
    /* 2024-02-29T12:34:56.789Z, a Thursday */
    const int64_t now = 1709210096789;
    assert_int_equal(policy_period_start(POLICY_HOURLY, now), 1709208000000);
    assert_int_equal(policy_period_start(POLICY_DAILY, now), 1709164800000);
    assert_int_equal(policy_period_start(POLICY_WEEKLY, now), 1708905600000);  /* Monday the 26th */
    assert_int_equal(policy_period_start(POLICY_MONTHLY, now), 1706745600000); /* the 1st */
    /* the first moment of a period is in it; the one before is not */
    for (int p = POLICY_HOURLY; p <= POLICY_MONTHLY; p++) {
        int64_t start = policy_period_start((enum policy_period)p, now);
        assert_int_equal(policy_period_start((enum policy_period)p, start), start);
        assert_true(policy_period_start((enum policy_period)p, start - 1) < start);
    }
    assert_int_equal(policy_period_start(POLICY_WEEKLY, 1709510399000),
                     1708905600000); /* Sunday's last second */
    assert_int_equal(policy_period_start(POLICY_WEEKLY, 1709510400000), 1709510400000); /* Monday */
}

/* ---- random policies, against a model that does it the slow and obvious way ---- */

static const char *const actors[] = {"all", "user:{cf.user.id}", "team:{metadata.team}"};
static const char *const patterns[] = {NULL, "gpt-*", "gpt-4o", "openai/*", "*", "@cf/*/*"};
static const char *const providers[] = {NULL, "openai", "workers-ai"};
static const char *const conditions[] = {"true", "false", "cf.user.id == 'ann'", "metadata.team != 'ads'"};
static const char *const period_words[] = {"hourly", "daily", "weekly", "monthly"};

struct drawn {
    int actor, pattern, provider, condition, effect, period;
    int amount;
    bool except;
};

struct asked {
    const char *user, *team; /* NULL: missing */
    const char *provider, *model;
};

static int draw(unsigned *seed, int n)
{
    *seed = *seed * 1664525 + 1013904223;
    return (int)((*seed >> 8) % (unsigned)n);
}

static bool naive_covers(const struct drawn *d, const struct asked *q)
{
    char full[128];
    snprintf(full, sizeof(full), "%s/%s", q->provider, q->model);
    const char *p = patterns[d->pattern], *provider = providers[d->provider];
    bool model = !p || fnmatch(p, q->model, FNM_PATHNAME) == 0 || fnmatch(p, full, FNM_PATHNAME) == 0;
    return model && (!provider || strcmp(provider, q->provider) == 0);
}

/* 1 yes, 0 no, -1 unknown */
static int naive_condition(int condition, const struct asked *q)
{
    switch (condition) {
    case 0: return 1;
    case 1: return 0;
    case 2: return q->user ? strcmp(q->user, "ann") == 0 : -1;
    default: return q->team ? strcmp(q->team, "ads") != 0 : -1;
    }
}

static bool naive_bucket(const struct drawn *d, const struct asked *q, char out[200])
{
    const char *value = d->actor == 0 ? "" : d->actor == 1 ? q->user : q->team;
    snprintf(out, 200, "%s:%s %d %d", actors[d->actor], value ? value : "", d->pattern, d->provider);
    return value != NULL;
}

/* The decision as policy_decision; the sum of the limits that count, each weighed by its period. */
static int naive_judge(const struct drawn *d, size_t n, const struct asked *q, long *ret_sum)
{
    bool granted = false, blocked = false;
    *ret_sum = 0;
    for (size_t i = 0; i < n; i++) {
        char own[200], other[200];
        int holds = naive_condition(d[i].condition, q);
        if (naive_covers(&d[i], q) == (d[i].effect == 1 && d[i].except))
            continue;
        bool known = naive_bucket(&d[i], q, own);
        blocked |= d[i].effect == 1 && holds != 0;
        if (d[i].effect == 1 || holds != 1 || !known)
            continue;
        granted = true;
        bool counts = d[i].effect == 2;
        for (size_t k = 0; k < n; k++) {
            if (k == i || d[k].effect == 1 || naive_condition(d[k].condition, q) != 1 ||
                !naive_covers(&d[k], q) || !naive_bucket(&d[k], q, other) || strcmp(own, other) != 0)
                continue;
            counts &=
                d[k].effect == 2 && !(d[k].period == d[i].period &&
                                      (d[k].amount > d[i].amount || (d[k].amount == d[i].amount && k < i)));
        }
        *ret_sum += counts ? d[i].amount * (1 + 100 * d[i].period) : 0;
    }
    if (n && (blocked || !granted))
        return POLICY_REFUSE;
    return *ret_sum ? POLICY_CHECK : POLICY_ALLOW;
}

static size_t write_policies(const struct drawn *d, size_t n, char *out, size_t size)
{
    size_t at = (size_t)snprintf(out, size, "[");
    for (size_t i = 0; i < n; i++) {
        char resource[128] = "\"*\"", action[128];
        const char *p = patterns[d[i].pattern], *provider = providers[d[i].provider];
        if (p || provider)
            snprintf(resource, sizeof(resource), "{%s%s%s%s%s%s%s}", p ? "\"model\":\"" : "", p ? p : "",
                     p ? "\"" : "", p && provider ? "," : "", provider ? "\"provider\":[\"" : "",
                     provider ? provider : "", provider ? "\"]" : "");
        snprintf(action, sizeof(action),
                 d[i].effect == 0   ? FREE
                 : d[i].effect == 2 ? "{\"type\":\"limit\",\"amount\":%d,\"period\":\"%s\"}"
                 : d[i].except      ? BUT
                                    : BLOCK,
                 d[i].amount, period_words[d[i].period]);
        at += (size_t)snprintf(out + at, size - at, "%s" P("p%zu", "%s", "%s", "%s", "%s"), i ? "," : "", i,
                               actors[d[i].actor], resource, conditions[d[i].condition], action);
    }
    return at + (size_t)snprintf(out + at, size - at, "]");
}

static void one_draw(unsigned *seed)
{
    static const char *const users[] = {NULL, "ann", "bob"}, *const teams[] = {NULL, "search", "ads"};
    static const char *const models[][2] = {
        {"openai", "gpt-4o"}, {"openai", "o3"}, {"workers-ai", "@cf/meta/x"}};
    static char policies[8192];
    struct drawn d[RULES_MAX];
    size_t n = (size_t)draw(seed, RULES_MAX + 1);
    for (size_t i = 0; i < n; i++)
        d[i] = (struct drawn){.actor = draw(seed, 3),
                              .pattern = draw(seed, 6),
                              .provider = draw(seed, 3),
                              .condition = draw(seed, 4),
                              .effect = draw(seed, 8) ? 2 * draw(seed, 2) : 1,
                              .period = draw(seed, 4),
                              .amount = 1 + draw(seed, 4),
                              .except = draw(seed, 2)};
    int model = draw(seed, 3);
    const struct asked q = {users[draw(seed, 3)], teams[draw(seed, 3)], models[model][0], models[model][1]};
    char identity[200];
    snprintf(identity, sizeof(identity), "{\"cf\":{\"user\":{%s%s%s}},\"metadata\":{%s%s%s}}",
             q.user ? "\"id\":\"" : "", q.user ? q.user : "", q.user ? "\"" : "", q.team ? "\"team\":\"" : "",
             q.team ? q.team : "", q.team ? "\"" : "");
    write_policies(d, n, policies, sizeof(policies));
    struct world w;
    judge(&w, policies, identity, q.provider, q.model);
    long want_sum, sum = 0;
    int want = naive_judge(d, n, &q, &want_sum);
    for (size_t i = 0; i < w.verdict.n; i++)
        sum += (long)(w.verdict.limits[i].rule->amount / 1000000000000) *
               (1 + 100 * (long)w.verdict.limits[i].rule->period);
    if ((int)w.verdict.decision != want || (want == POLICY_CHECK && sum != want_sum))
        fail_msg("%s\n%s %s %s\n  got %d %ld, want %d %ld", policies, identity, q.provider, q.model,
                 (int)w.verdict.decision, sum, want, want_sum);
    done(&w);
}

static void random_policies_do_what_the_model_says(void **state)
{
    (void)state;
    unsigned seed = 20241101;
    for (int i = 0; i < 20000; i++)
        one_draw(&seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rules_of_section_11_3),
        cmocka_unit_test(resources_are_matched),
        cmocka_unit_test(wrong_policies_are_complained_about),
        cmocka_unit_test(periods_follow_the_calendar),
        cmocka_unit_test(random_policies_do_what_the_model_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
