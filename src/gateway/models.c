/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/models.h"
#include "base/json.h"
#include "base/limits.h"
#include "gateway/answer.h"
#include "gateway/custom.h"
#include "providers/entry.h"

#include <math.h>
#include <stdlib.h>

/* Made for one answer; the names are the catalogue's. */
struct listed {
    struct str provider, model;
    struct rates rates;
};

struct listing {
    struct listed *v;
    size_t n, cap;
    struct str provider;
};

static void add(void *arg, struct str model, const struct rates *r)
{
    struct listing *l = arg;
    if (str_eq(model, STR("*")))
        return;
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 256;
        l->v = mem_realloc(l->v, l->cap * sizeof(*l->v));
    }
    l->v[l->n++] = (struct listed){l->provider, model, *r};
}

static int by_name(const void *a, const void *b)
{
    const struct listed *x = a, *y = b;
    int order = str_compare(x->provider, y->provider);
    return order ? order : str_compare(x->model, y->model);
}

/* USD per token; exact, as rates are whole pico-dollars. */
static void put_rate(struct json_out *w, const char *key, int64_t pico)
{
    json_key(w, key);
    if (pico < 0)
        json_put_null(w);
    else
        money_put(w, pico);
}

static void put_model(struct json_out *w, struct arena *a, const struct listed *m)
{
    json_open(w, '{');
    json_add_str(w, "id", arena_printf(a, "%.*s/%.*s", STR_FMT(m->provider), STR_FMT(m->model)));
    json_add_str(w, "object", STR("model"));
    json_add_int(w, "created_at", 0);
    json_add_str(w, "owned_by", m->provider);
    put_rate(w, "cost_in", m->rates.input);
    put_rate(w, "cost_out", m->rates.output);
    json_close(w, '}');
}

static struct str write_list(struct txn *t, const struct listing *l)
{
    struct buf b;
    buf_init(&b, TXN_ARENA_BYTES / 2);
    struct json_out w = json_out(&b);
    json_open(&w, '{');
    json_add_str(&w, "object", STR("list"));
    json_key(&w, "data");
    json_open(&w, '[');
    for (size_t i = 0; i < l->n; i++)
        put_model(&w, t->arena, &l->v[i]);
    json_close(&w, ']');
    json_close(&w, '}');
    struct str text = b.full ? str_of(NULL, 0) : arena_dup(t->arena, buf_str(&b));
    buf_done(&b);
    return text;
}

/* Dollars per token in pico-dollars; -1: not said. */
static int64_t rate_of(const struct json_val *v)
{
    double dollars = json_num(v, -1);
    return dollars < 0 ? -1 : (int64_t)llround(dollars * 1e12);
}

/* What an account's own providers serve is known where a price names a model. */
static void add_custom(struct txn *t, struct listing *l, const struct object *cost)
{
    struct json_doc *doc = json_parse(cost->settings);
    const struct json_val *root = json_root(doc);
    const struct custom *k = customs_at(t->view->customs, cost->parent);
    struct str model = json_str(json_get(root, "model"));
    if (k && str_eq(json_str(json_get(root, "model_rule")), STR("equals"))) {
        struct rates r = {.input = rate_of(json_get(root, "cost_in")),
                          .output = rate_of(json_get(root, "cost_out"))};
        l->provider = k->provider.slug;
        add(l, arena_dup(t->arena, model), &r);
    }
    json_free(doc);
}

enum next models_answer(struct txn *t)
{
    struct listing l = {0};
    for (size_t i = 0; (l.provider = entry_provider(i)).p; i++) {
        const struct provider *p = provider_find(l.provider);
        if (p)
            prices_list(t->settings->prices, p->prices, add, &l);
    }
    for (const struct object *o = NULL;
         (o = catalog_next_object(t->catalog, KIND_CUSTOM_COST, t->account, 0, o)) != NULL;)
        add_custom(t, &l, o);
    if (l.n)
        qsort(l.v, l.n, sizeof(*l.v), by_name);
    struct str text = write_list(t, &l);
    mem_free(l.v);
    if (!text.p)
        return txn_fail(t, E_INTERNAL, STR("The catalogue is too large to be listed"));
    answer_json(t, text);
    return DONE;
}
