/* SPDX-License-Identifier: Apache-2.0 */
/* GET .../evaluation-types (control plane section 6.3): the rows of store/evaluators.def. */
#include "api/objects.h"
#include "store/evaluation.h"

enum { TYPES_PER_PAGE_MIN = 5, TYPES_PER_PAGE_MAX = 50, TYPES_SINCE_MS = 0 };

static const struct str orders[] = {S("mandatory"), S("enable"), S("created_at"), S("modified_at"),
                                    S("id"),        S("name"),   S("type"),       S("description")};
enum { BY_ID = 4, BY_NAME, BY_TYPE, BY_DESCRIPTION };

static void put_type(struct json_out *w, const struct evaluator_row *e)
{
    json_open(w, '{');
    json_add_str(w, "id", e->id);
    json_add_str(w, "name", e->title);
    json_add_str(w, "description", e->says);
    json_add_str(w, "type", e->type);
    json_add_bool(w, "enable", true);
    json_add_bool(w, "mandatory", false);
    put_time_ms(w, "created_at", TYPES_SINCE_MS);
    put_time_ms(w, "modified_at", TYPES_SINCE_MS);
    json_close(w, '}');
}

/* What all have in common orders nothing. */
static struct str rank(const struct evaluator_row *e, size_t order)
{
    switch (order) {
    case BY_ID: return e->id;
    case BY_NAME: return e->title;
    case BY_TYPE: return e->type;
    case BY_DESCRIPTION: return e->says;
    default: return STR("");
    }
}

static void sort(const struct evaluator_row *v[EVALUATOR_COUNT], size_t order, bool down)
{
    for (size_t i = 0; i < EVALUATOR_COUNT; i++) {
        size_t at = i;
        for (; at > 0; at--) {
            int d = str_compare(rank(v[at - 1], order), rank(&evaluators[i], order));
            if (down ? d >= 0 : d <= 0)
                break;
            v[at] = v[at - 1];
        }
        v[at] = &evaluators[i];
    }
}

void evaluation_types_list(struct api_call *c)
{
    static const struct str directions[] = {S("asc"), S("desc")};
    const struct evaluator_row *v[EVALUATOR_COUNT];
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    struct paging p = {.page = ask_int(&k, "page", 1, API_PAGE_MAX, 1),
                       .per_page =
                           ask_int(&k, "per_page", TYPES_PER_PAGE_MIN, TYPES_PER_PAGE_MAX, API_PAGE_DEFAULT),
                       .total = EVALUATOR_COUNT};
    size_t order = ask_choice(&k, "order_by", orders, countof(orders), 0);
    bool down = ask_choice(&k, "order_by_direction", directions, countof(directions), 0) == 1;
    if (k.wrong.first) {
        reply_invalid(c, &k.wrong);
        return;
    }
    sort(v, order, down);
    struct json_out w = reply_open(c);
    json_open(&w, '[');
    for (int64_t i = (p.page - 1) * p.per_page; i < p.total && p.count < p.per_page; i++, p.count++)
        put_type(&w, v[i]);
    json_close(&w, ']');
    reply_close_page(c, &w, &p);
}
