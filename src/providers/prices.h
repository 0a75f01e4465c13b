/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The price catalogue and the arithmetic of cost: integers in pico-dollars (10^-12 USD), every
 * token priced once. Catalogues are immutable and reference-counted; any thread.
 */
#pragma once
#include "providers/usage.h"

struct prices;

/* The catalogue in `json` (data/prices.json's form). NULL with *ret_why set when it is not one. */
struct prices *prices_load(struct str json, const char **ret_why);
/* The catalogue built into the binary. */
struct prices *prices_builtin(void);
struct prices *prices_ref(struct prices *p);
void prices_unref(struct prices *p);

/* Pico-dollars per token. -1: no rate of its own. */
struct rates {
    int64_t input, output, cached, cache_write, cache_write_1h, audio_in, audio_out, cached_audio;
    int64_t image_in, image_out;
};

/*
 * The rates of a model at a provider for a prompt of `input` tokens (tiers go by the whole prompt).
 * Dated and alias names resolve by the catalogue's own match rules. False: unknown model.
 */
bool prices_find(const struct prices *p, struct str provider_key, struct str model, int64_t input, struct rates *ret);

/* Cost of a usage at these rates; a part without a rate of its own costs the input (output) rate. */
int64_t rates_cost(const struct rates *r, const struct usage *u);

/*
 * What a call cost: the provider's own figure if it reports one, else list price. False when it
 * cannot be known (usage not known, or model not in the catalogue).
 */
bool prices_cost(const struct prices *p, const struct provider *provider, struct str model, const struct usage *u,
                 int64_t *ret_pico);

/* "0.0000771" for 77100000 pico-dollars: exact decimal text, no exponent. NUL-terminated. */
enum { MONEY_TEXT = 32 };
void money_text(int64_t pico, char out[MONEY_TEXT]);
