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

/* Providers tell what is audio of the whole input, so audio that was cached is taken from it first. */
struct usage_parts usage_split(const struct usage *u)
{
    struct usage_parts p;
    int64_t in = within(u->input, INT64_MAX), out = within(u->output, INT64_MAX);
    int64_t cached = within(u->cached, in), written = within(u->cache_write, in - cached);
    int64_t fresh = in - cached - written;
    p.cached_audio = within(u->cached_audio, cached);
    p.cached = cached - p.cached_audio;
    p.written_1h = within(u->cache_write_1h, written);
    p.written = written - p.written_1h;
    p.audio_in = within(within(u->audio_in, in) - p.cached_audio, fresh);
    p.image_in = within(u->image_in, fresh - p.audio_in);
    p.text_in = fresh - p.audio_in - p.image_in;
    p.audio_out = within(u->audio_out, out);
    p.image_out = within(u->image_out, out - p.audio_out);
    p.reasoning = within(u->reasoning, out - p.audio_out - p.image_out);
    p.text_out = out - p.audio_out - p.image_out - p.reasoning;
    return p;
}

static __int128 input_cost(const struct rates *r, const struct usage_parts *p)
{
    int64_t text_rate = rate(r->input, 0);
    int64_t audio_rate = rate(r->audio_in, text_rate);
    int64_t write_rate = rate(r->cache_write, text_rate);
    return times(p->cached, rate(r->cached, text_rate)) +
           times(p->cached_audio, rate(r->cached_audio, rate(r->cached, audio_rate))) +
           times(p->written, write_rate) + times(p->written_1h, rate(r->cache_write_1h, write_rate)) +
           times(p->audio_in, audio_rate) + times(p->image_in, rate(r->image_in, text_rate)) +
           times(p->text_in, text_rate);
}

static __int128 output_cost(const struct rates *r, const struct usage_parts *p)
{
    int64_t text_rate = rate(r->output, 0);
    return times(p->audio_out, rate(r->audio_out, text_rate)) +
           times(p->image_out, rate(r->image_out, text_rate)) +
           times(p->reasoning, rate(r->reasoning, text_rate)) + times(p->text_out, text_rate);
}

int64_t rates_cost(const struct rates *r, const struct usage *u)
{
    struct usage_parts p = usage_split(u);
    __int128 sum = input_cost(r, &p) + output_cost(r, &p);
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

void money_put(struct json_out *w, int64_t pico)
{
    char text[MONEY_TEXT];
    money_text(pico, text);
    json_put_raw(w, str_c(text));
}
