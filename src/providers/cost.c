/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From tokens and rates to money (prices.h). Sums are 128 bits wide: no count of 63 bits and no rate
 * can overflow them, and the result saturates.
 */
#include "providers/prices.h"

#include <stdio.h>

static int64_t within(int64_t part, int64_t whole)
{
    return part < 0 ? 0 : part < whole ? part : whole;
}

/* The first of the two that is set. */
static int64_t rate(int64_t own, int64_t otherwise)
{
    return own >= 0 ? own : otherwise;
}

static __int128 times(int64_t tokens, int64_t price)
{
    return (__int128)tokens * price;
}

/*
 *   input  ├ cached ┬ audio        (cached_audio)
 *          │        └ the rest     (cached)
 *          ├ cache_write ┬ 1 hour  (cache_write_1h)
 *          │             └ 5 min   (cache_write)
 *          └ fresh ┬ audio, images (audio_in, image_in)
 *                  └ text          (input)
 *
 * Providers tell what is audio of the whole input, so audio that was cached is taken from it first.
 */
static __int128 input_cost(const struct rates *r, const struct usage *u)
{
    int64_t text_rate = rate(r->input, 0);
    int64_t all = within(u->input, INT64_MAX);
    int64_t cached = within(u->cached, all);
    int64_t cached_audio = within(u->cached_audio, cached);
    int64_t written = within(u->cache_write, all - cached);
    int64_t hour = within(u->cache_write_1h, written);
    int64_t fresh = all - cached - written;
    int64_t audio = within(within(u->audio_in, all) - cached_audio, fresh);
    int64_t image = within(u->image_in, fresh - audio);

    int64_t audio_rate = rate(r->audio_in, text_rate);
    int64_t write_rate = rate(r->cache_write, text_rate);
    return times(cached - cached_audio, rate(r->cached, text_rate)) +
           times(cached_audio, rate(r->cached_audio, rate(r->cached, audio_rate))) +
           times(written - hour, write_rate) + times(hour, rate(r->cache_write_1h, write_rate)) +
           times(audio, audio_rate) + times(image, rate(r->image_in, text_rate)) +
           times(fresh - audio - image, text_rate);
}

static __int128 output_cost(const struct rates *r, const struct usage *u)
{
    int64_t text_rate = rate(r->output, 0);
    int64_t all = within(u->output, INT64_MAX);
    int64_t audio = within(u->audio_out, all);
    int64_t image = within(u->image_out, all - audio);
    int64_t thought = within(u->reasoning, all - audio - image);
    return times(audio, rate(r->audio_out, text_rate)) + times(image, rate(r->image_out, text_rate)) +
           times(thought, rate(r->reasoning, text_rate)) + times(all - audio - image - thought, text_rate);
}

int64_t rates_cost(const struct rates *r, const struct usage *u)
{
    __int128 sum = input_cost(r, u) + output_cost(r, u);
    return sum < COST_MAX ? (int64_t)sum : COST_MAX;
}

bool prices_cost(const struct prices *p, const struct provider *provider, struct str model,
                 const struct usage *u, int64_t *ret_pico)
{
    struct rates r;
    if (u->has_cost) {
        *ret_pico = within(u->cost_pico, COST_MAX);
        return true;
    }
    if (!u->known || !prices_find(p, provider->prices, model, u->input, &r))
        return false;
    *ret_pico = rates_cost(&r, u);
    return true;
}

void money_text(int64_t pico, char out[MONEY_TEXT])
{
    const uint64_t dollar = UINT64_C(1000000000000);
    uint64_t amount = pico < 0 ? -(uint64_t)pico : (uint64_t)pico;
    int n = snprintf(out, MONEY_TEXT, "%s%llu.%012llu", pico < 0 ? "-" : "",
                     (unsigned long long)(amount / dollar), (unsigned long long)(amount % dollar));
    while (out[n - 1] == '0')
        n--;
    n -= out[n - 1] == '.';
    out[n] = '\0';
}
