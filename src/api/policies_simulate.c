/* SPDX-License-Identifier: Apache-2.0 */
/* POST .../policies/simulate (control plane section 11.4): what the policies would say, and why. */
#include "api/fields.h"
#include "api/objects.h"
#include "api/policies.h"
#include "base/clock.h"
#include "base/limits.h"
#include "providers/prices.h"

#include <math.h>

struct simulation {
    struct api_call *c;
    struct arena arena; /* for all that the policies are read to */
    struct policy_rule *rules;
    size_t n;
    struct cel_input in;
    const struct json_val *usage;
    struct policy_verdict verdict;
};

/* ---- the question ---- */

static const struct json_val *object_at(const struct json_val *parent, const char *key, struct str at,
                                        struct complaints *wrong)
{
    const struct json_val *v = json_get(parent, key);
    if (v && json_type(v) != JSON_OBJECT)
        complain(wrong, complaint_in(wrong, at, str_c(key)), "Expected object, received %s",
                 json_type_name(json_type(v)));
    return json_type(v) == JSON_OBJECT ? v : NULL;
}

/* As requests' metadata has to be, where policies ask for it (section 11.3). */
static void check_metadata(const struct json_val *metadata, struct complaints *wrong)
{
    struct str at = STR("identity.metadata");
    if (json_count(metadata) > METADATA_ENTRIES)
        complain(wrong, at, "Metadata has %d entries at most", METADATA_ENTRIES);
    for (struct json_iter it = json_iter(metadata); json_next(&it);)
        if (json_type(it.val) < JSON_BOOL || json_type(it.val) > JSON_STRING)
            complain(wrong, complaint_in(wrong, at, str_head(it.key, 64)),
                     "Expected a text, number or boolean");
}

static void check_usage(const struct json_val *usage, struct complaints *wrong)
{
    for (struct json_iter it = json_iter(usage); json_next(&it);) {
        double spent = json_num(json_get(it.val, "spent"), -1);
        if (!(spent >= 0 && spent <= 1e6))
            complain(wrong,
                     complaint_in(wrong, complaint_in(wrong, STR("bucketUsage"), str_head(it.key, 64)),
                                  STR("spent")),
                     "Expected US dollars: a number from 0 to 1000000");
    }
}

static void read_question(struct simulation *s, const struct json_val *body, struct complaints *wrong)
{
    static const struct field names[] = {
        {"model", FIELD_TEXT, 1, MODEL_NAME_BYTES, NULL, "", NULL, FIELD_REQUIRED, ""},
        {"provider", FIELD_TEXT, 1, MODEL_NAME_BYTES, NULL, "", NULL, FIELD_REQUIRED, ""}};
    const struct json_val *identity = object_at(body, "identity", STR(""), wrong);
    fields_check(names, countof(names), body, false, wrong);
    s->in = (struct cel_input){.cf = object_at(identity, "cf", STR("identity"), wrong),
                               .metadata = object_at(identity, "metadata", STR("identity"), wrong),
                               .model = json_str(json_get(body, "model")),
                               .provider = json_str(json_get(body, "provider"))};
    s->usage = object_at(body, "bucketUsage", STR(""), wrong);
    check_metadata(s->in.metadata, wrong);
    check_usage(s->usage, wrong);
}

/* False past the arena's cap. */
static bool read_rules(struct simulation *s, enum policy_view view)
{
    struct api_call *c = s->c;
    const struct object *o = NULL;
    struct complaints wrong;
    complaints_init(&wrong, &s->arena, "body");
    s->rules = arena_alloc(&s->arena, POLICIES_MAX * sizeof(*s->rules));
    while (s->rules && s->n < POLICIES_MAX &&
           (o = catalog_next_object(c->catalog, KIND_POLICY, c->params[PARAM_ACCOUNT], c->gateway->id, o))) {
        bool draft;
        struct str members = policy_look(&s->arena, o, view, &draft);
        if (!members.p) /* a draft */
            continue;
        struct json_doc *doc = json_parse(members);
        if (!policy_rule_read(&s->arena, json_root(doc), &s->rules[s->n++], &wrong))
            s->rules = NULL;
        json_free(doc);
    }
    return s->rules;
}

/* ---- the answer ---- */

/* What any policy of the limit's bucket and period is said to have spent: it is one bucket. */
static int64_t spent_of(struct simulation *s, const struct policy_limit *l)
{
    static const double PICO = 1e12;
    double spent = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct policy_rule *r = &s->rules[i];
        double said = json_num(json_get(json_member(s->usage, r->name), "spent"), 0);
        if (r != l->rule && (r->effect != POLICY_LIMIT || r->period != l->rule->period ||
                             !str_eq(r->resource, l->rule->resource) ||
                             !str_eq(policy_rule_actor(&s->arena, r, &s->in), l->bucket)))
            continue;
        spent = said > spent ? said : spent;
    }
    return llround(spent * PICO);
}

static void put_limit(struct json_out *w, struct simulation *s, const struct policy_limit *l)
{
    enum policy_period p = l->rule->period;
    json_open(w, '{');
    json_add_str(w, "bucket", l->bucket);
    json_add_raw(w, "resource", l->rule->resource);
    json_add_str(w, "policyName", l->rule->name);
    json_add_str(w, "period", policy_period_word(p));
    json_key(w, "limit");
    money_put(w, l->rule->amount);
    json_key(w, "spent");
    money_put(w, spent_of(s, l));
    json_add_int(w, "periodStart", policy_period_start(p, clock_wall_ms()) / 1000);
    json_close(w, '}');
}

static void put_evaluation(struct json_out *w, struct simulation *s)
{
    static const struct str words[] = {
        [POLICY_ALLOW] = S("no-limit"), [POLICY_REFUSE] = S("block"), [POLICY_CHECK] = S("check_limits")};
    json_open(w, '{');
    json_add_str(w, "decision", words[s->verdict.decision]);
    json_key(w, "buckets");
    json_open(w, '[');
    for (size_t i = 0; i < s->verdict.n; i++)
        put_limit(w, s, &s->verdict.limits[i]);
    json_close(w, ']');
    json_close(w, '}');
}

/* The first limit that is used up; NULL: none. */
static const struct policy_limit *exceeded(struct simulation *s)
{
    for (size_t i = 0; i < s->verdict.n; i++)
        if (spent_of(s, &s->verdict.limits[i]) >= s->verdict.limits[i].rule->amount)
            return &s->verdict.limits[i];
    return NULL;
}

static void put_enforcement(struct json_out *w, struct simulation *s)
{
    const struct policy_limit *l = exceeded(s);
    bool refused = s->verdict.decision == POLICY_REFUSE;
    json_open(w, '{');
    json_add_bool(w, "allowed", !refused && !l);
    if (refused) {
        json_add_str(w, "reason", STR("blocked"));
        if (s->verdict.blocked)
            json_add_str(w, "policyName", s->verdict.blocked->name);
    } else if (l) {
        json_add_str(w, "reason", STR("limit_exceeded"));
        json_add_str(w, "bucket", l->bucket);
        json_key(w, "spent");
        money_put(w, spent_of(s, l));
        json_key(w, "limit");
        money_put(w, l->rule->amount);
        json_add_str(w, "policyName", l->rule->name);
    }
    json_close(w, '}');
}

static void reply_verdict(struct simulation *s)
{
    struct json_out w = reply_open(s->c);
    json_open(&w, '{');
    json_key(&w, "evaluation");
    put_evaluation(&w, s);
    json_key(&w, "enforcement");
    put_enforcement(&w, s);
    json_add_int(&w, "policiesEvaluated", (int64_t)s->verdict.tested);
    json_close(&w, '}');
    reply_close(s->c, &w);
}

void policies_simulate(struct api_call *c)
{
    struct simulation s = {.c = c};
    struct complaints wrong;
    struct json_doc *doc;
    struct ask k;
    arena_init(&s.arena, POLICIES_ARENA_BYTES);
    ask_init(&k, c->arena, api_call_query(c));
    complaints_init(&wrong, c->arena, "body");
    enum policy_view view = policy_view_of(&k);
    const struct json_val *body = body_read(buf_str(&c->body), &doc, &wrong);
    if (body)
        read_question(&s, body, &wrong);
    if (k.wrong.first || wrong.first)
        reply_invalid(c, k.wrong.first ? &k.wrong : &wrong);
    else if (!read_rules(&s, view) || policy_judge(&s.arena, s.rules, s.n, &s.in, &s.verdict) != E_OK)
        reply_error(c, API_INTERNAL);
    else
        reply_verdict(&s);
    json_free(doc);
    arena_done(&s.arena);
}
