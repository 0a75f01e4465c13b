/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/billing.h"
#include "gateway/custom.h"

/* Rules are written for the names that the log shows, which are those that were asked for. */
static bool by_rule(const struct price_rules *rules, const struct provider *p, const struct str names[2],
                    const struct usage *u, int64_t *ret_pico)
{
    const struct price_rule *rule = NULL;
    for (size_t i = 0; i < 2 && !rule; i++)
        rule = price_rules_find(rules, p->slug, names[i]);
    if (!rule || !u->known)
        return false;
    *ret_pico = price_rule_cost(rule, u);
    return true;
}

/* The answer knows the model better than an alias, except where the path rules: Bedrock's answers have
 * lost what prices go by. */
static bool by_list(const struct prices *prices, const struct provider *p, struct str asked, struct str told,
                    const struct usage *u, int64_t *ret_pico)
{
    bool asked_first = p->auth == AUTH_SIGV4 || told.n == 0;
    return prices_cost(prices, p, asked_first ? asked : told, u, ret_pico) ||
           prices_cost(prices, p, asked_first ? told : asked, u, ret_pico);
}

bool bill_operator(const struct settings *s, const struct provider *p, struct str asked, struct str told,
                   const struct usage *u, int64_t *ret_pico)
{
    const struct str names[2] = {asked.n ? asked : told, told};
    return by_rule(s->rules, p, names, u, ret_pico) || by_list(s->prices, p, asked, told, u, ret_pico);
}

bool bill(const struct settings *s, const struct options *o, const struct provider *p, struct str asked,
          struct str told, const struct usage *u, int64_t *ret_pico, bool *ret_custom)
{
    const struct str names[2] = {asked.n ? asked : told, told};
    *ret_custom = o->custom_cost && custom_cost_of(o->custom_cost, u, ret_pico);
    const struct custom *own = custom_of(p);
    *ret_custom = *ret_custom || (own && by_rule(own->prices, p, names, u, ret_pico));
    return *ret_custom || bill_operator(s, p, asked, told, u, ret_pico);
}
