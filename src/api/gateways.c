/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of .../gateways (control plane section 4). Reading asks the catalogue, changing asks the store. */
#include "api/call.h"
#include "api/gateway_json.h"
#include "store/token.h"

#include <stdlib.h>

/* ---- reading ---- */

/* Newest first; ids grow with time. */
static int by_age(const void *a, const void *b)
{
    const struct gateway *x = *(const struct gateway *const *)a, *y = *(const struct gateway *const *)b;
    return x->id < y->id ? 1 : x->id > y->id ? -1 : 0;
}

/* The gateways of the account whose id contains `search`; NULL past the arena's cap. */
static const struct gateway **find(struct api_call *c, struct str search, size_t *ret_n)
{
    const struct catalog *all = c->catalog;
    const struct gateway **found = arena_alloc(c->arena, (all->n_gateways + 1) * sizeof(struct gateway *));
    size_t n = 0;
    for (size_t i = 0; found && i < all->n_gateways; i++) {
        const struct gateway *g = &all->gateways[i];
        if (str_eq(g->account, c->params[PARAM_ACCOUNT]) && str_has(g->slug, search) &&
            token_covers(c->token, g->slug))
            found[n++] = g;
    }
    if (found)
        qsort(found, n, sizeof(*found), by_age);
    *ret_n = n;
    return found;
}

void gateways_list(struct api_call *c)
{
    struct ask k;
    ask_init(&k, c->arena, api_call_query(c));
    struct paging p = {.page = ask_int(&k, "page", 1, API_PAGE_MAX, 1),
                       .per_page = ask_int(&k, "per_page", 1, API_PAGE_ROWS, API_PAGE_DEFAULT)};
    struct str search = ask_text(&k, "search");
    if (k.wrong.first) {
        reply_invalid(c, &k.wrong);
        return;
    }
    size_t n = 0;
    const struct gateway **found = find(c, search, &n);
    if (!found) {
        reply_error(c, API_INTERNAL);
        return;
    }
    p.total = (int64_t)n;
    struct json_out w = reply_open(c);
    json_open(&w, '[');
    for (size_t i = (size_t)((p.page - 1) * p.per_page); i < n && p.count < p.per_page; i++, p.count++)
        json_put_raw(&w, found[i]->settings);
    json_close(&w, ']');
    reply_close_page(c, &w, &p);
}

static void reply_gateway(struct api_call *c, const struct gateway *g)
{
    struct json_out w = reply_open(c);
    json_put_raw(&w, g->settings);
    reply_close(c, &w);
}

void gateways_fetch(struct api_call *c)
{
    reply_gateway(c, c->gateway);
}

/* Any word: those that are no provider's are told by the call that uses them. */
void gateways_url(struct api_call *c)
{
    struct str base = api_call_public_url(c), provider = c->params[PARAM_ID];
    bool whole = str_eq(provider, STR("universal"));
    struct str url =
        arena_printf(c->arena, "%.*s/v1/%.*s/%.*s%s%.*s", STR_FMT(base), STR_FMT(c->gateway->account),
                     STR_FMT(c->gateway->slug), whole ? "" : "/", STR_FMT(whole ? STR("") : provider));
    struct json_out w = reply_open(c);
    json_put_str(&w, url);
    reply_close(c, &w);
}

/* ---- changing ---- */

static void on_saved(struct api_call *c, enum err e)
{
    if (e != E_OK)
        reply_change_error(c, e, "id");
    else if (c->gateway)
        reply_gateway(c, c->gateway);
    else
        reply_error(c, API_NOT_FOUND); /* deleted since by somebody else */
}

static void on_created(struct api_call *c, enum err e)
{
    c->gateway = catalog_gateway(c->catalog, c->params[PARAM_ACCOUNT], c->params[PARAM_GATEWAY]);
    on_saved(c, e);
}

static void save(struct api_call *c, bool create)
{
    struct gateway_input in;
    struct complaints wrong;
    complaints_init(&wrong, c->arena, "body");
    gateway_read(buf_str(&c->body), create, &in, &wrong);
    if (wrong.first) {
        reply_invalid(c, &wrong);
        return;
    }
    if (create)
        c->params[PARAM_GATEWAY] = in.slug;
    if (in.idle.n)
        c->note = arena_printf(c->arena, "Kept, but nothing acts on it yet: %.*s", STR_FMT(in.idle)).p;
    struct change change = {.what = create ? CHANGE_CREATE : CHANGE_UPDATE,
                            .kind = KIND_GATEWAY,
                            .account = c->params[PARAM_ACCOUNT],
                            .name = c->params[PARAM_GATEWAY],
                            .settings = in.settings};
    api_call_change(c, &change, 1, create ? on_created : on_saved);
}

void gateways_create(struct api_call *c)
{
    save(c, true);
}

void gateways_update(struct api_call *c)
{
    save(c, false);
}

static void on_deleted(struct api_call *c, enum err e)
{
    if (e != E_OK)
        reply_change_error(c, e, "id");
    else /* as it was: the old snapshot still has it */
        reply_gateway(c, catalog_gateway(c->before, c->params[PARAM_ACCOUNT], c->params[PARAM_GATEWAY]));
}

void gateways_delete(struct api_call *c)
{
    struct change change = {.what = CHANGE_DELETE,
                            .kind = KIND_GATEWAY,
                            .account = c->params[PARAM_ACCOUNT],
                            .name = c->params[PARAM_GATEWAY]};
    api_call_change(c, &change, 1, on_deleted);
}
