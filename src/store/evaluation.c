/* SPDX-License-Identifier: Apache-2.0 */
#include "store/evaluation.h"
#include "base/limits.h"

#include <math.h>

const struct evaluator_row evaluators[EVALUATOR_COUNT] = {
#define EVALUATOR(name, id, type, title, says) [name] = {S(id), S(type), S(title), S(says)},
#include "store/evaluators.def"
#undef EVALUATOR
};

enum evaluator evaluator_of(struct uuid id)
{
    int i = 0;
    char text[UUID_TEXT];
    uuid_text(id, text);
    while (i < EVALUATOR_COUNT && !str_eq(evaluators[i].id, str_of(text, UUID_TEXT)))
        i++;
    return (enum evaluator)i;
}

struct str evaluation_status_word(int status)
{
    static const struct str words[] = {[EVALUATION_PENDING] = S("pending"),
                                       [EVALUATION_RUNNING] = S("running"),
                                       [EVALUATION_DONE] = S("done"),
                                       [EVALUATION_FAILED] = S("failed")};
    return words[status >= 0 && status < (int)countof(words) ? status : EVALUATION_FAILED];
}

/* ---- sums ---- */

void evaluation_add(struct evaluation_sums *s, int64_t cost_pico, int64_t duration_us, double feedback)
{
    s->rows++;
    if (cost_pico >= 0) {
        s->priced++;
        s->cost_pico += cost_pico;
    }
    if (duration_us >= 0) {
        s->timed++;
        s->duration_us += duration_us;
    }
    s->rated += feedback < 0 || feedback > 0;
    s->liked += feedback > 0;
}

int64_t evaluation_logs(const struct evaluation_sums *s, enum evaluator e)
{
    switch (e) {
    case EVALUATE_COST: return s->priced;
    case EVALUATE_SPEED: return s->timed;
    case EVALUATE_FEEDBACK: return s->rated;
    default: return 0;
    }
}

/* sum / n as a decimal with so many digits behind the point, without those that say nothing. */
static struct str mean(struct arena *a, __int128 sum, int64_t n, int digits)
{
    uint64_t unit = 1;
    for (int i = 0; i < digits; i++)
        unit *= 10;
    __int128 rounded = (2 * sum + n) / (2 * (__int128)n);
    uint64_t whole = (uint64_t)(rounded / unit), part = (uint64_t)(rounded % unit);
    while (digits > 0 && part % 10 == 0) {
        part /= 10;
        digits--;
    }
    if (digits == 0)
        return arena_printf(a, "%llu", (unsigned long long)whole);
    return arena_printf(a, "%llu.%0*llu", (unsigned long long)whole, digits, (unsigned long long)part);
}

struct str evaluation_result(struct arena *a, const struct evaluation_sums *s, enum evaluator e)
{
    int64_t n = evaluation_logs(s, e);
    if (n == 0)
        return STR("");
    switch (e) {
    case EVALUATE_COST: return mean(a, s->cost_pico, n, 12);
    case EVALUATE_SPEED: return mean(a, s->duration_us, n, 3);
    default: return mean(a, (__int128)s->liked * 1000000, n, 6);
    }
}

/* ---- what is to be looked through ---- */

bool evaluation_is_processed(struct str settings)
{
    struct json_doc *doc = json_parse(settings);
    bool processed = json_bool(json_get(json_root(doc), "processed"), true);
    json_free(doc);
    return processed;
}

void evaluation_put(struct json_out *w, const struct evaluation *e)
{
    json_open(w, '{');
    json_add_int(w, "last_row", e->last_row);
    json_key(w, "filters");
    json_open(w, '[');
    for (size_t i = 0; i < e->n; i++)
        log_filter_put(w, &e->filters[i]);
    json_close(w, ']');
    json_close(w, '}');
}

bool evaluation_read(struct arena *a, struct str settings, struct evaluation *ret)
{
    struct json_doc *doc = json_parse(settings);
    const struct json_val *snapshot = json_get(json_root(doc), "snapshot");
    const struct json_val *list = json_get(snapshot, "filters");
    struct log_filter *filters = arena_alloc(a, (json_count(list) + 1) * sizeof(*filters));
    bool ok = filters && json_type(list) == JSON_ARRAY && json_count(list) > 0 &&
              json_uint(json_get(snapshot, "last_row"), &ret->last_row);
    ret->n = 0;
    for (struct json_iter it = json_iter(list); ok && json_next(&it);)
        ok = log_filter_get(a, it.val, &filters[ret->n++]);
    ret->filters = filters;
    json_free(doc);
    return ok;
}

/* ---- the state of the work ---- */

static void put_result(struct json_out *w, const struct json_val *old, struct arena *a,
                       const struct evaluation_sums *s, enum evaluation_status status, int64_t now_ms)
{
    struct str id = json_str(json_get(old, "id")), type = json_str(json_get(old, "evaluation_type_id"));
    struct uuid uuid;
    enum evaluator e = uuid_parse(type, &uuid) == E_OK ? evaluator_of(uuid) : EVALUATOR_COUNT;
    bool done = status == EVALUATION_DONE && e != EVALUATOR_COUNT;
    json_open(w, '{');
    json_add_str(w, "id", id);
    json_add_str(w, "evaluation_type_id", type);
    json_add_str(w, "result", done ? evaluation_result(a, s, e) : STR(""));
    json_add_int(w, "status", status);
    json_add_int(w, "total_logs", evaluation_logs(s, e));
    json_add_int(w, "modified_ms", now_ms);
    json_close(w, '}');
}

static void put_state(struct json_out *w, const struct json_iter *member, struct arena *a,
                      const struct evaluation_sums *s, enum evaluation_status status, int64_t now_ms)
{
    json_key_str(w, member->key);
    if (str_eq(member->key, STR("processed"))) {
        json_put_bool(w, status >= EVALUATION_DONE);
    } else if (str_eq(member->key, STR("total_logs"))) {
        json_put_int(w, s->rows);
    } else if (str_eq(member->key, STR("results"))) {
        json_open(w, '[');
        for (struct json_iter it = json_iter(member->val); json_next(&it);)
            put_result(w, it.val, a, s, status, now_ms);
        json_close(w, ']');
    } else {
        json_put_val(w, member->val);
    }
}

struct str evaluation_update(struct arena *a, struct str settings, const struct evaluation_sums *s,
                             enum evaluation_status status, int64_t now_ms)
{
    struct buf b;
    struct json_doc *doc = json_parse(settings);
    buf_init(&b, EVALUATION_BYTES);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    for (struct json_iter it = json_iter(json_root(doc)); json_next(&it);)
        put_state(&w, &it, a, s, status, now_ms);
    json_close(&w, '}');
    struct str text = b.full ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
    buf_done(&b);
    json_free(doc);
    return text;
}
