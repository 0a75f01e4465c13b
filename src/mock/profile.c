/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads profiles and applies them. Every key is a row of `keys`, which reading, messages and the
 * manual share; a rule starts as a copy of the defaults.
 */
#include "mock/profile.h"
#include "base/limits.h"

#include <stdio.h>

struct rule {
    struct str path, model; /* patterns with '*'; empty: all */
    int64_t latency_ms, jitter_ms, ttft_ms, tokens_per_second, failure_status, answer_bytes, events;
    double failure_rate, cut_rate;
    int64_t limit_requests, limit_window_ms;
    uint64_t window_start; /* ms */
    int64_t window_used;
};

struct profile {
    struct arena arena; /* patterns */
    struct rule defaults;
    struct rule rules[MOCK_RULES];
    size_t n;
};

/* ---- keys ---- */

enum key_type { KEY_WHOLE, KEY_RATE, KEY_PATTERN, KEY_LIMIT };

struct key {
    const char *name;
    enum key_type type;
    size_t field;
    int64_t min, max;
    const char *doc;
};

#define AT(name) offsetof(struct rule, name)

static const struct key keys[] = {
    {"path", KEY_PATTERN, AT(path), 0, 0, "only in rules: the paths it is for, `*` standing for anything"},
    {"model", KEY_PATTERN, AT(model), 0, 0, "only in rules: the models it is for, likewise"},
    {"latency_ms", KEY_WHOLE, AT(latency_ms), 0, MOCK_DELAY_MS, "wait before the first byte"},
    {"jitter_ms", KEY_WHOLE, AT(jitter_ms), 0, MOCK_DELAY_MS,
     "up to so much more, different for every request"},
    {"ttft_ms", KEY_WHOLE, AT(ttft_ms), 0, MOCK_DELAY_MS,
     "wait between the head of a stream and its first event"},
    {"tokens_per_second", KEY_WHOLE, AT(tokens_per_second), 1, 1000000, "speed of generation"},
    {"failure_rate", KEY_RATE, AT(failure_rate), 0, 1, "share of requests that fail, 0 to 1"},
    {"failure_status", KEY_WHOLE, AT(failure_status), 400, 599, "how they fail; 500 when not said"},
    {"rate_limit", KEY_LIMIT, 0, 0, 0,
     "`{\"requests\": 10, \"window_ms\": 1000}`: more than that get 429 and Retry-After"},
    {"cut_rate", KEY_RATE, AT(cut_rate), 0, 1, "share of answers that break off in the middle, 0 to 1"},
    {"answer_bytes", KEY_WHOLE, AT(answer_bytes), 0, MOCK_ANSWER_BYTES, "length of an answer's text"},
    {"events", KEY_WHOLE, AT(events), 1, MOCK_EVENTS, "number of events of a stream"},
};

void profile_document(struct buf *out)
{
    (void)buf_printf(out, "| key | meaning |\n|---|---|\n");
    for (size_t i = 0; i < countof(keys); i++)
        (void)buf_printf(out, "| `%s` | %s |\n", keys[i].name, keys[i].doc);
}

/* ---- reading ---- */

static _Thread_local char why[256];

static bool refuse(struct str where, const char *name, const char *what)
{
    snprintf(why, sizeof(why), "profile: %.*s%s %s", STR_FMT(where), name, what);
    return false;
}

static bool read_number(void *field, const struct key *k, const struct json_val *v, struct str where)
{
    char what[96];
    int64_t n = 0;
    if (k->type == KEY_WHOLE && json_uint(v, &n) && n >= k->min && n <= k->max) {
        *(int64_t *)field = n;
        return true;
    }
    double rate = json_num(v, -1);
    if (k->type == KEY_RATE && rate >= 0 && rate <= 1) {
        *(double *)field = rate;
        return true;
    }
    snprintf(what, sizeof(what), "must be a %snumber from %lld to %lld", k->type == KEY_WHOLE ? "whole " : "",
             (long long)k->min, (long long)k->max);
    return refuse(where, k->name, what);
}

static bool read_pattern(struct profile *p, struct str *field, const struct key *k, const struct json_val *v,
                         struct str where)
{
    if (!where.n)
        return refuse(where, k->name, "stands in a rule only");
    if (!json_str(v).n)
        return refuse(where, k->name, "must be a pattern such as \"*/chat/completions\"");
    *field = arena_dup(&p->arena, json_str(v));
    return field->p || refuse(where, k->name, "is too long");
}

static bool read_limit(struct rule *r, const struct key *k, const struct json_val *v, struct str where)
{
    int64_t requests = 0, window_ms = 0;
    if (json_count(v) != 2 || !json_uint(json_get(v, "requests"), &requests) ||
        !json_uint(json_get(v, "window_ms"), &window_ms) || window_ms < 1 || window_ms > MOCK_DELAY_MS)
        return refuse(where, k->name, "must be {\"requests\": N, \"window_ms\": N}");
    r->limit_requests = requests;
    r->limit_window_ms = window_ms;
    return true;
}

static bool read_member(struct profile *p, struct rule *r, struct str name, const struct json_val *v,
                        struct str where)
{
    for (size_t i = 0; i < countof(keys); i++) {
        const struct key *k = &keys[i];
        void *field = (char *)r + k->field;
        if (!str_eq(str_c(k->name), name))
            continue;
        if (k->type == KEY_PATTERN)
            return read_pattern(p, field, k, v, where);
        return k->type == KEY_LIMIT ? read_limit(r, k, v, where) : read_number(field, k, v, where);
    }
    snprintf(why, sizeof(why), "profile: %.*s%.*s is not a key", STR_FMT(where), STR_FMT(str_head(name, 64)));
    return false;
}

static bool read_rule(struct profile *p, struct rule *r, const struct json_val *v, struct str where)
{
    if (json_type(v) != JSON_OBJECT)
        return refuse(STR(""), where.n ? "every rule" : "the file", "must be an object");
    for (struct json_iter it = json_iter(v); json_next(&it);)
        if (!(where.n == 0 && str_eq(it.key, STR("rules"))) && !read_member(p, r, it.key, it.val, where))
            return false;
    return true;
}

static bool read_profile(struct profile *p, const struct json_val *root)
{
    const struct json_val *rules = json_get(root, "rules");
    if (!read_rule(p, &p->defaults, root, STR("")))
        return false;
    if ((rules && json_type(rules) != JSON_ARRAY) || json_count(rules) > MOCK_RULES)
        return refuse(STR(""), "rules", "must be a list of 64 rules at most");
    for (struct json_iter it = json_iter(rules); json_next(&it); p->n++) {
        char where[32];
        int n = snprintf(where, sizeof(where), "rules[%zu].", p->n);
        p->rules[p->n] = p->defaults;
        if (!read_rule(p, &p->rules[p->n], it.val, str_of(where, (size_t)n)))
            return false;
    }
    return true;
}

static unsigned line_of(struct str text, size_t offset)
{
    unsigned line = 1;
    for (size_t i = 0; i < offset && i < text.n; i++)
        line += text.p[i] == '\n';
    return line;
}

static bool read_text(struct profile *p, struct str text)
{
    size_t at = 0;
    const char *reason = NULL;
    if (text.n > MOCK_PROFILE_BYTES)
        return refuse(STR(""), "the file", "is larger than 1 MiB");
    struct json_doc *doc = json_parse_relaxed(text, &at, &reason);
    if (!doc) {
        snprintf(why, sizeof(why), "profile: line %u: %s", line_of(text, at), reason);
        return false;
    }
    bool good = read_profile(p, json_root(doc));
    json_free(doc);
    return good;
}

struct profile *profile_new(struct str text, const char **ret_why)
{
    struct profile *p = mem_zalloc(sizeof(*p));
    arena_init(&p->arena, MOCK_PROFILE_BYTES);
    p->defaults = (struct rule){
        .latency_ms = -1,
        .jitter_ms = -1,
        .ttft_ms = -1,
        .tokens_per_second = -1,
        .answer_bytes = -1,
        .events = -1,
        .limit_requests = -1,
        .failure_status = 500,
    };
    if (str_trim(text).n && !read_text(p, text)) {
        *ret_why = why;
        profile_free(p);
        return NULL;
    }
    return p;
}

void profile_free(struct profile *p)
{
    if (!p)
        return;
    arena_done(&p->arena);
    mem_free(p);
}

/* ---- applying ---- */

/* '*' stands for any run of characters. */
static bool matches(struct str pattern, struct str s)
{
    size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;
    while (i < s.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            mark = i;
        } else if (p < pattern.n && pattern.p[p] == s.p[i]) {
            p++, i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static struct rule *rule_for(struct profile *p, const struct ask *q)
{
    for (size_t i = 0; i < p->n; i++) {
        struct rule *r = &p->rules[i];
        if ((r->path.n == 0 || matches(r->path, q->head->path)) &&
            (r->model.n == 0 || matches(r->model, q->model)))
            return r;
    }
    return &p->defaults;
}

static bool over_limit(struct rule *r, uint64_t now_ms, int64_t *ret_wait_s)
{
    if (r->limit_requests < 0)
        return false;
    uint64_t window = (uint64_t)r->limit_window_ms;
    if (r->window_start == 0 || now_ms - r->window_start >= window) {
        r->window_start = now_ms;
        r->window_used = 0;
    }
    if (r->window_used < r->limit_requests) {
        r->window_used++;
        return false;
    }
    *ret_wait_s = (int64_t)((r->window_start + window - now_ms + 999) / 1000);
    return true;
}

/* A number in [0, 1) that only depends on the request's turn and what it is drawn for. */
static double draw(uint64_t turn, uint64_t purpose)
{
    uint64_t h = hash_bytes(str_of((const char *)&turn, sizeof(turn)), purpose);
    return (double)(h >> 11) / 9007199254740992.0; /* 2^53 */
}

static void prefer(int64_t *word, int64_t value)
{
    if (*word < 0)
        *word = value;
}

void profile_apply(struct profile *p, struct ask *q, uint64_t now_ms, uint64_t turn)
{
    struct rule *r = rule_for(p, q);
    int64_t jitter = r->jitter_ms > 0 ? (int64_t)(draw(turn, 1) * (double)(r->jitter_ms + 1)) : 0;
    if (r->latency_ms >= 0 || jitter)
        prefer(&q->how.slow, (r->latency_ms > 0 ? r->latency_ms : 0) + jitter);
    prefer(&q->how.ttft, r->ttft_ms);
    prefer(&q->how.tps, r->tokens_per_second);
    prefer(&q->how.big, r->answer_bytes);
    prefer(&q->how.events, r->events);
    if (r->cut_rate > 0 && draw(turn, 2) < r->cut_rate)
        prefer(&q->how.cut, (int64_t)(draw(turn, 3) * 8));
    if (q->fault.status || q->how.status >= 0)
        return;
    if (over_limit(r, now_ms, &q->retry_after))
        q->fault = (struct fault){429, STR("The mock provider's rate limit is reached.")};
    else if (r->failure_rate > 0 && draw(turn, 4) < r->failure_rate)
        q->fault =
            (struct fault){(int)r->failure_status, STR("The mock provider fails as its profile says.")};
}
