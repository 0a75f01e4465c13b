/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage from arbitrary answers. The first byte picks the dialect, the second where a stream is cut; the
 * rest is read as a whole body, as an error body and as a stream. Parts may never exceed their whole,
 * the cut may not matter, and dismissing events by their text alone may not lose anything.
 */
#include "providers/usage.h"

struct both {
    struct meter quick, thorough;
    bool comparable;
};

static void check_counts(struct meter *m)
{
    const struct usage *u = meter_usage(m);
    must(u->input >= 0 && u->output >= 0 && u->cost_pico >= 0);
    must(u->cached >= 0 && u->cache_write >= 0 && u->cached + u->cache_write <= u->input);
    must(u->cache_write_1h >= 0 && u->cache_write_1h <= u->cache_write);
    must(u->reasoning >= 0 && u->reasoning <= u->output);
    must(u->audio_in >= 0 && u->image_in >= 0 && u->audio_in + u->image_in <= u->input);
    must(u->audio_out >= 0 && u->image_out >= 0 && u->audio_out + u->image_out <= u->output);
    must(u->cached_audio >= 0 && u->cached_audio <= u->cached && u->cached_audio <= u->audio_in);
    must(memchr(u->model, 0, sizeof(u->model)) && memchr(m->error_text, 0, sizeof(m->error_text)));
}

static void on_event(void *arg, const struct sse_event *ev)
{
    struct both *b = arg;
    meter_sse(&b->quick, ev);
    meter_json(&b->thorough, ev->data);
    /* names skip events; data of several lines may be several values; escaped keys are not known */
    if (ev->name.n || str_find(ev->data, '\n') < ev->data.n || str_has(ev->data, STR("\\u")))
        b->comparable = false;
    bool only = usage_chunk_only(ev->data);
    must(!only || str_has(ev->data, STR("usage")));
}

static struct both read_stream(enum dialect d, const struct provider *p, struct str text, size_t first)
{
    struct both b = {.comparable = true};
    struct sse s;
    meter_init(&b.quick, p, d);
    meter_init(&b.thorough, p, d);
    sse_init(&s);
    (void)sse_feed(&s, str_head(text, first), on_event, &b);
    (void)sse_feed(&s, str_from(text, first), on_event, &b);
    sse_flush(&s, on_event, &b);
    sse_done(&s);
    check_counts(&b.quick);
    check_counts(&b.thorough);
    return b;
}

static void must_agree(const struct meter *a, const struct meter *b)
{
    must(memcmp(a->raw, b->raw, sizeof(a->raw)) == 0);
    must(a->error == b->error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const slugs[] = {"openai", "grok", "openrouter", "aws-bedrock"};
    if (size < 2)
        return 0;
    struct str text = str_of((const char *)data + 2, size - 2);
    enum dialect d = data[0] % (D_WORKERS_AI + 1);
    const struct provider *p = provider_find(str_c(slugs[data[0] / 16 % countof(slugs)]));
    struct meter m;
    meter_init(&m, p, d);
    meter_json(&m, text);
    check_counts(&m);
    meter_error(&m, text);
    must(m.error && memchr(m.error_text, 0, sizeof(m.error_text)));
    struct both whole = read_stream(d, p, text, text.n), cut = read_stream(d, p, text, data[1]);
    must_agree(&whole.quick, &cut.quick);
    must(whole.quick.complete == cut.quick.complete);
    if (whole.comparable)
        must_agree(&whole.quick, &whole.thorough);
    return 0;
}
