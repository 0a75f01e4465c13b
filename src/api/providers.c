/* SPDX-License-Identifier: Apache-2.0 */
/* GET /weir/providers: the names that forms offer while one types. Any other may be typed as well. */
#include "api/objects.h"
#include "providers/prices.h"
#include "providers/provider.h"

static void put_model(void *arg, struct str model, const struct rates *rates)
{
    (void)rates;
    if (!str_eq(model, STR("*"))) /* a price for whatever the provider has: no name */
        json_put_str(arg, model);
}

static void put_provider(struct json_out *w, const struct prices *prices, const struct provider *p)
{
    json_open(w, '{');
    json_add_str(w, "slug", p->slug);
    json_key(w, "models");
    json_open(w, '[');
    prices_list(prices, p->prices, put_model, w);
    json_close(w, ']');
    json_close(w, '}');
}

void providers_list(struct api_call *c)
{
    struct prices *prices = prices_builtin();
    struct json_out w = reply_open(c);
    json_open(&w, '[');
    for (size_t i = 0; provider_at(i); i++)
        put_provider(&w, prices, provider_at(i));
    json_close(&w, ']');
    reply_close(c, &w);
    prices_unref(prices);
}
