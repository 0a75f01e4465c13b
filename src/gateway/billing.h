/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a provider's answer costs. The first of these that knows (docs/prices.md):
 *
 *   the caller's price   cf-aig-custom-cost
 *   the account's        a cost rule of its custom provider
 *   the operator's       a price rule
 *   the provider's own   where it says what it charged
 *   list price           the catalogue
 *
 * Pure. Errors and cached answers cost nothing, whatever this says: the caller's business.
 */
#pragma once
#include "gateway/options.h"
#include "gateway/settings.h"

/*
 * `asked` is the model of the request, `told` that of the answer; either may be empty. False: unknown.
 * *ret_custom: the caller or the account named the price.
 */
bool bill(const struct settings *s, const struct options *o, const struct provider *p, struct str asked,
          struct str told, const struct usage *u, int64_t *ret_pico, bool *ret_custom);
/* What it costs the operator, and so what is charged for it: his price rule, what the provider charged, list
 * price. False: unknown. */
bool bill_operator(const struct settings *s, const struct provider *p, struct str asked, struct str told,
                   const struct usage *u, int64_t *ret_pico);
