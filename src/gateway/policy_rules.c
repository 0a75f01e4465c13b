/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/policy_rules.h"
#include "base/limits.h"

#include <math.h>
#include <time.h>

static const struct str periods[] = {[POLICY_HOURLY] = S("hourly"),
                                     [POLICY_DAILY] = S("daily"),
                                     [POLICY_WEEKLY] = S("weekly"),
                                     [POLICY_MONTHLY] = S("monthly")};

struct reading {
    struct arena *arena;
    struct complaints *wrong;
    struct policy_rule *rule;
};

/* ---- reading: actor ---- */

/* The next piece of a template: text up to a field, and the field; ret_field->p == NULL: there is none.
 * False: braces that do not match. */
static bool next_piece(struct str *rest, struct str *ret_text, struct str *ret_field)
{
    size_t open = str_find(*rest, '{');
    bool closed = true;
    *ret_text = str_head(*rest, open);
    *ret_field = str_of(NULL, 0);
    if (open < rest->n) {
        struct str inside = str_from(*rest, open + 1);
        size_t close = str_find(inside, '}');
        closed = close < inside.n;
        *ret_field = str_head(inside, close);
        *rest = str_from(inside, close + 1);
    } else {
        *rest = str_from(*rest, open);
    }
    return closed && str_find(*ret_text, '}') == ret_text->n;
}

static void read_actor(struct reading *r, struct str actor)
{
    struct str rest = actor, text, field, key = STR("actor");
    while (rest.n) {
        if (!next_piece(&rest, &text, &field)) {
            complain(r->wrong, key, "Braces stand around a field, such as user:{cf.user.id}");
            return;
        }
        if (field.p && !cel_is_field(field)) {
            complain(r->wrong, key, "{%.*s} is no field; fields begin with cf. or metadata.",
                     STR_FMT(str_head(field, 64)));
            return;
        }
    }
    r->rule->actor = arena_dup(r->arena, actor);
}

/* ---- reading: resource ---- */

static int order(struct str x, struct str y)
{
    int o = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);
    return o ? o : (x.n > y.n) - (x.n < y.n);
}

/* Into its place in the list, unless it is there. */
static void insert(struct str *list, size_t *n, struct str s)
{
    size_t at = *n;
    while (at > 0 && order(list[at - 1], s) > 0)
        at--;
    if (at > 0 && str_eq(list[at - 1], s))
        return;
    memmove(list + at + 1, list + at, (*n - at) * sizeof(*list));
    list[at] = s;
    (*n)++;
}

static void take(struct reading *r, const struct json_val *v, struct str key, struct str *list, size_t *n)
{
    struct str s = json_str(v);
    if (s.n == 0 || s.n > MODEL_NAME_BYTES)
        complain(r->wrong, key, "Expected a text of 1 to %d character(s)", MODEL_NAME_BYTES);
    else
        insert(list, n, arena_dup(r->arena, s));
}

/* A text or several; none is no list. */
static void read_names(struct reading *r, const struct json_val *resource, const char *name,
                       const struct str **ret, size_t *ret_n)
{
    const struct json_val *v = json_get(resource, name);
    struct str key = complaint_in(r->wrong, STR("resource"), str_c(name));
    bool several = json_type(v) == JSON_ARRAY;
    size_t n = several ? json_count(v) : 1, i = 0;
    if (!v)
        return;
    if (n == 0 || n > POLICY_NAMES) {
        complain(r->wrong, key, "Array must contain 1 to %d element(s)", POLICY_NAMES);
        return;
    }
    struct str *list = arena_alloc(r->arena, n * sizeof(*list));
    if (!list)
        return;
    for (struct json_iter it = json_iter(several ? v : NULL); json_next(&it); i++)
        take(r, it.val, complaint_nth(r->wrong, key, i), list, ret_n);
    if (!several)
        take(r, v, key, list, ret_n);
    *ret = list;
}

static void put_names(struct json_out *w, const char *name, const struct str *list, size_t n)
{
    if (!n)
        return;
    json_key(w, name);
    json_open(w, '[');
    for (size_t i = 0; i < n; i++)
        json_put_str(w, list[i]);
    json_close(w, ']');
}

static void read_resource(struct reading *r, const struct json_val *v)
{
    struct policy_rule *rule = r->rule;
    struct buf b;
    if (str_eq(json_str(v), STR("*"))) {
        rule->resource = STR("\"*\"");
        return;
    }
    if (!json_get(v, "model") && !json_get(v, "provider")) {
        complain(r->wrong, STR("resource"), "Expected \"*\", or an object with model, provider or both");
        return;
    }
    for (struct json_iter it = json_iter(v);
         json_next(&it);) /* a key that limits nothing would go unnoticed */
        if (!str_eq(it.key, STR("model")) && !str_eq(it.key, STR("provider")))
            complain(r->wrong, complaint_in(r->wrong, STR("resource"), str_head(it.key, 64)),
                     "Unrecognized key; there are model and provider");
    read_names(r, v, "model", &rule->models, &rule->n_models);
    read_names(r, v, "provider", &rule->providers, &rule->n_providers);
    buf_init(&b, API_BODY_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    put_names(&w, "model", rule->models, rule->n_models);
    put_names(&w, "provider", rule->providers, rule->n_providers);
    json_close(&w, '}');
    rule->resource = arena_dup(r->arena, buf_str(&b));
    buf_done(&b);
}

/* ---- reading: condition and action ---- */

static void read_condition(struct reading *r, struct str text)
{
    struct cel_fault fault;
    r->rule->condition = cel_parse(r->arena, arena_dup(r->arena, text), &fault);
    if (!r->rule->condition)
        complain(r->wrong, STR("condition"), "At character %zu: %s", fault.at + 1, fault.says);
}

static void read_limit(struct reading *r, const struct json_val *action)
{
    static const double PICO = 1e12, most = 1e6;
    const struct json_val *technique = json_get(action, "technique");
    struct str period = json_str(json_get(action, "period"));
    double amount = json_num(json_get(action, "amount"), 0);
    size_t p = 0;
    if (!(amount > 0 && amount <= most) || llround(amount * PICO) == 0)
        complain(r->wrong, STR("action.amount"), "Expected US dollars: a number above 0, at most 1000000");
    else
        r->rule->amount = llround(amount * PICO);
    while (p < countof(periods) && !str_eq(period, periods[p]))
        p++;
    if (p == countof(periods))
        complain(r->wrong, STR("action.period"), "Expected 'hourly' | 'daily' | 'weekly' | 'monthly'");
    else
        r->rule->period = (enum policy_period)p;
    if (technique && !str_eq(json_str(technique), STR("named-interval")))
        complain(r->wrong, STR("action.technique"), "Expected 'named-interval'");
}

static void read_action(struct reading *r, const struct json_val *v)
{
    static const struct str types[] = {
        [POLICY_NO_LIMIT] = S("no-limit"), [POLICY_BLOCK] = S("block"), [POLICY_LIMIT] = S("limit")};
    const struct json_val *except = json_get(v, "except");
    size_t i = 0;
    while (i < countof(types) && !str_eq(json_str(json_get(v, "type")), types[i]))
        i++;
    if (i == countof(types)) {
        complain(r->wrong, STR("action.type"), "Expected 'no-limit' | 'block' | 'limit'");
        return;
    }
    r->rule->effect = (enum policy_effect)i;
    r->rule->except = json_bool(except, false);
    if (except && (i != POLICY_BLOCK || json_type(except) != JSON_BOOL))
        complain(r->wrong, STR("action.except"), "Expected a boolean, of an action that blocks");
    if (i == POLICY_LIMIT)
        read_limit(r, v);
}

bool policy_rule_read(struct arena *a, const struct json_val *policy, struct policy_rule *ret,
                      struct complaints *wrong)
{
    struct complaint **before = wrong->last;
    struct reading r = {a, wrong, ret};
    *ret = (struct policy_rule){.name = arena_dup(a, json_str(json_get(policy, "name")))};
    read_actor(&r, json_str(json_get(policy, "actor")));
    read_resource(&r, json_get(policy, "resource"));
    read_condition(&r, json_str(json_get(policy, "condition")));
    read_action(&r, json_get(policy, "action"));
    return wrong->last == before && ret->condition && ret->resource.p;
}

/* ---- asking ---- */

/* '*' stands for any characters, of one segment. */
static bool fits_segment(struct str pattern, struct str s)
{
    size_t p = 0, i = 0, star = SIZE_MAX, from = 0;
    while (i < s.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            from = i;
        } else if (p < pattern.n && pattern.p[p] == s.p[i]) {
            p++;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static bool fits(struct str pattern, struct str s)
{
    while (pattern.p && s.p)
        if (!fits_segment(str_cut(&pattern, '/'), str_cut(&s, '/')))
            return false;
    return !pattern.p && !s.p;
}

/* By the model's own name, or with the provider in front. */
static bool fits_model(struct str pattern, struct str provider, struct str model)
{
    if (fits(pattern, model))
        return true;
    struct str first = str_cut(&pattern, '/');
    return pattern.p && fits_segment(first, provider) && fits(pattern, model);
}

bool policy_rule_covers(const struct policy_rule *r, struct str provider, struct str model)
{
    bool has_model = !r->n_models, has_provider = !r->n_providers;
    for (size_t i = 0; i < r->n_models && !has_model; i++)
        has_model = fits_model(r->models[i], provider, model);
    for (size_t i = 0; i < r->n_providers && !has_provider; i++)
        has_provider = str_eq(r->providers[i], provider);
    return has_model && has_provider;
}

struct str policy_rule_actor(struct arena *a, const struct policy_rule *r, const struct cel_input *in)
{
    struct str rest = r->actor, made = STR(""), text, field;
    while (rest.n && next_piece(&rest, &text, &field)) {
        struct str value = field.p ? cel_field_text(a, in, field) : STR("");
        if (!value.p)
            return str_of(NULL, 0);
        made = arena_join(a, (struct str[]){made, text, value}, 3);
        if (!made.p)
            return made;
    }
    return made;
}

/* ---- judging ---- */

struct grant {
    struct str bucket;
    const struct policy_rule *rule;
};

static bool same_bucket(const struct grant *x, const struct grant *y)
{
    return str_eq(x->bucket, y->bucket) && str_eq(x->rule->resource, y->rule->resource);
}

/* Another grant of the bucket makes this one's limit void: none at all, or a higher one, or the same said
 * before. */
static bool is_outdone(const struct grant *all, size_t n, size_t i)
{
    const struct policy_rule *own = all[i].rule;
    for (size_t k = 0; k < n; k++) {
        const struct policy_rule *other = all[k].rule;
        if (k == i || !same_bucket(&all[i], &all[k]))
            continue;
        if (other->effect == POLICY_NO_LIMIT)
            return true;
        if (other->period == own->period &&
            (other->amount > own->amount || (other->amount == own->amount && k < i)))
            return true;
    }
    return false;
}

static void collect_limits(const struct grant *all, size_t n, struct policy_verdict *v)
{
    for (size_t i = 0; i < n; i++)
        if (all[i].rule->effect == POLICY_LIMIT && !is_outdone(all, n, i))
            v->limits[v->n++] = (struct policy_limit){all[i].bucket, all[i].rule};
    v->decision = !n ? POLICY_REFUSE : v->n ? POLICY_CHECK : POLICY_ALLOW;
}

enum err policy_judge(struct arena *a, const struct policy_rule *rules, size_t n, const struct cel_input *in,
                      struct policy_verdict *ret)
{
    struct policy_verdict v = {.decision = POLICY_ALLOW,
                               .limits = arena_alloc(a, (n + 1) * sizeof(*v.limits))};
    struct grant *grants = arena_alloc(a, (n + 1) * sizeof(*grants));
    size_t granted = 0;
    if (!v.limits || !grants)
        return E_FULL;
    for (size_t i = 0; i < n; i++) {
        const struct policy_rule *r = &rules[i];
        if (policy_rule_covers(r, in->provider, in->model) == r->except)
            continue;
        v.tested++;
        enum cel_answer holds = cel_ask(r->condition, in, a);
        struct str actor = policy_rule_actor(a, r, in);
        if (r->effect == POLICY_BLOCK && holds != CEL_FALSE && !v.blocked)
            v.blocked = r;
        else if (r->effect != POLICY_BLOCK && holds == CEL_TRUE && actor.p)
            grants[granted++] = (struct grant){actor, r};
    }
    if (n)
        collect_limits(grants, granted, &v);
    if (v.blocked) {
        v.decision = POLICY_REFUSE;
        v.n = 0;
    }
    *ret = v;
    return E_OK;
}

/* ---- periods ---- */

struct str policy_period_word(enum policy_period p)
{
    return periods[p];
}

int64_t policy_period_start(enum policy_period p, int64_t now_ms)
{
    enum { HOUR = 3600, DAY = 24 * HOUR, WEEK = 7 * DAY, FIRST_MONDAY = 4 * DAY }; /* 1970-01-05 */
    int64_t s = now_ms / 1000;
    time_t now = (time_t)s;
    struct tm tm;
    switch (p) {
    case POLICY_HOURLY: return (s - s % HOUR) * 1000;
    case POLICY_DAILY: return (s - s % DAY) * 1000;
    case POLICY_WEEKLY: return (s - (s - FIRST_MONDAY + 52 * WEEK) % WEEK) * 1000;
    case POLICY_MONTHLY: break;
    }
    if (!gmtime_r(&now, &tm))
        return 0;
    return (s - s % DAY - (int64_t)(tm.tm_mday - 1) * DAY) * 1000;
}
