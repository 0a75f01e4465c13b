/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/settings.h"
#include "base/file.h"

#include <stdio.h>

enum { PRICES_BYTES = 16 * 1024 * 1024 };

static _Thread_local char why[512];

static struct prices *load_prices(struct str path, const char **ret_why)
{
    struct buf text;
    const char *reason = "it cannot be read";
    struct prices *p = NULL;
    if (path.n == 0)
        return prices_builtin();
    buf_init(&text, PRICES_BYTES);
    if (file_read(path.p, &text) == E_OK) /* conf's strs are terminated */
        p = prices_load(buf_str(&text), &reason);
    buf_done(&text);
    if (!p) {
        snprintf(why, sizeof(why), "prices: %.256s: %s", path.p, reason);
        *ret_why = why;
    }
    return p;
}

static bool check_providers(const struct conf *conf, const char **ret_why)
{
    for (size_t i = 0; i < conf->n_providers; i++) {
        const struct conf_provider *p = &conf->providers[i];
        struct upstream_url url;
        struct str prefix;
        bool known = provider_find(p->slug) || str_eq(p->slug, provider_mock()->slug) ||
                     str_eq(p->slug, STR("google-oauth"));
        if (!known)
            snprintf(why, sizeof(why), "providers.%.*s: no such provider", STR_FMT(p->slug));
        else if (p->origin.n && provider_parse_origin(p->origin, &url, &prefix) != E_OK)
            snprintf(why, sizeof(why), "providers.%.*s.origin: \"%.*s\" is not scheme://host[:port][/prefix]",
                     STR_FMT(p->slug), STR_FMT(p->origin));
        else
            continue;
        *ret_why = why;
        return false;
    }
    return true;
}

static uint64_t ms(int64_t setting)
{
    return (uint64_t)setting;
}

struct settings *settings_new(struct conf *conf, const char **ret_why)
{
    struct prices *prices = check_providers(conf, ret_why) ? load_prices(conf->prices, ret_why) : NULL;
    if (!prices) {
        conf_free(conf);
        return NULL;
    }
    struct settings *s = mem_zalloc(sizeof(*s));
    s->conf = conf;
    s->prices = prices;
    s->sync = str_eq(conf->durability, STR("sync"));
    s->refs = 1;
    s->server = (struct server_limits){
        .max_head_bytes = (size_t)conf->max_head_bytes,
        .max_body_bytes = conf->max_body_bytes,
        .head_timeout_ms = ms(conf->head_timeout_ms),
        .body_timeout_ms = ms(conf->body_timeout_ms),
        .idle_timeout_ms = ms(conf->idle_timeout_ms),
    };
    s->client = (struct client_limits){
        .connect_timeout_ms = ms(conf->connect_timeout_ms),
        .first_byte_timeout_ms = ms(conf->first_byte_timeout_ms),
        .stream_idle_timeout_ms = ms(conf->stream_idle_timeout_ms),
        .pool_idle_timeout_ms = ms(conf->upstream_idle_timeout_ms),
        .pool_max_conns = (unsigned)conf->upstream_connections,
        .pool_max_idle = (unsigned)conf->upstream_idle,
        .max_head_bytes = (size_t)conf->max_head_bytes,
    };
    return s;
}

struct settings *settings_ref(struct settings *s)
{
    s->refs++;
    return s;
}

void settings_unref(struct settings *s)
{
    if (!s || --s->refs > 0)
        return;
    prices_unref(s->prices);
    conf_free((struct conf *)(uintptr_t)s->conf);
    mem_free(s);
}

struct str settings_origin(const struct settings *s, struct str slug)
{
    const struct conf_provider *p = conf_provider(s->conf, slug);
    return p ? p->origin : STR("");
}

bool settings_asks_usage(const struct settings *s, struct str slug)
{
    const struct conf_provider *p = conf_provider(s->conf, slug);
    return !p || p->usage_injection;
}
