/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The price catalogue and the arithmetic of cost: integers in pico-dollars (10^-12 USD), every
 * token priced once. Catalogues are immutable and reference-counted; any thread.
 *
 * How a model's name is looked up (docs/prices.md). Letter case does not matter.
 *
 *   1. as it is, among the provider's names
 *   2. without release marks at its end ("-2025-09-29", "-v1:0", "@default", ...), among models that
 *      the catalogue calls dated; a name is never a prefix of another
 *   3. 1 and 2 again without what may stand in front: "openai/", "us.", ".../models/", an ARN
 *   4. 1 to 3 at the providers that the catalogue names as fallback
 *   5. the provider's model "*", if it has one
 */
#pragma once
#include "base/json.h"
#include "providers/usage.h"

struct prices;

/* The catalogue in `json` (data/prices.json's form). NULL with *ret_why set when it is not one
 * (thread-local text, until the next call). */
struct prices *prices_load(struct str json, const char **ret_why);
/* A reference to the catalogue that is built into the binary. */
struct prices *prices_builtin(void);
struct prices *prices_ref(struct prices *p);
void prices_unref(struct prices *p); /* accepts NULL */

/* Pico-dollars per token. -1: no rate of its own. */
struct rates {
    int64_t input, output, cached, cache_write, cache_write_1h, audio_in, audio_out, cached_audio;
    int64_t image_in, image_out, reasoning;
};

/*
 * The rates of a model at a provider for a prompt of `input` tokens (tiers go by the whole prompt)
 * now (a few providers have prices by the hour). False: unknown model.
 */
bool prices_find(const struct prices *p, struct str provider_key, struct str model, int64_t input,
                 struct rates *ret);

/*
 * The tokens of a usage, each in one part only. Parts larger than their whole are cut to it.
 *
 *   input  ├ cached ┬ audio
 *          │        └ the rest
 *          ├ written ┬ for an hour
 *          │         └ for 5 minutes
 *          └ fresh ┬ audio, images
 *                  └ text
 *   output ┬ audio, images, reasoning
 *          └ text
 */
struct usage_parts {
    int64_t text_in, audio_in, image_in; /* fresh */
    int64_t cached, cached_audio;
    int64_t written, written_1h;
    int64_t text_out, audio_out, image_out, reasoning;
};
struct usage_parts usage_split(const struct usage *u);

/* Every model of a provider that the catalogue names, in no order, with the rates of a short prompt now. */
void prices_list(const struct prices *p, struct str provider_key,
                 void (*on_model)(void *arg, struct str model, const struct rates *r), void *arg);

/* No cost is above this; INT64_MAX stays free to mean "no limit". */
#define COST_MAX (INT64_MAX - 1)

/*
 * Cost of a usage at these rates. A part without a rate of its own costs what the whole costs: cached
 * and written tokens the input rate, a 1-hour write the write rate, audio, images and reasoning the
 * input or output rate.
 */
int64_t rates_cost(const struct rates *r, const struct usage *u);

/*
 * What a call cost: the provider's own figure if it reports one, else list price. False when it
 * cannot be known (usage not known, or model not in the catalogue).
 */
bool prices_cost(const struct prices *p, const struct provider *provider, struct str model,
                 const struct usage *u, int64_t *ret_pico);

/* "0.0000771" for 77100000 pico-dollars: exact decimal text, no exponent. NUL-terminated. */
enum { MONEY_TEXT = 32 };
void money_text(int64_t pico, char out[MONEY_TEXT]);
/* The same as a JSON number: a double would turn 0.0000771 into something near it. */
void money_put(struct json_out *w, int64_t pico);
