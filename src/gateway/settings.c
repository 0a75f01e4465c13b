/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/settings.h"
#include "base/file.h"
#include "base/limits.h"
#include "gateway/oidc.h"
#include "net/addr.h"

#include <stdio.h>

enum { PRICES_BYTES = 16 * MIB, PRICE_RULES_BYTES = 1 * MIB };

static _Thread_local char why[512];

static bool fail(const char **ret_why, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool fail(const char **ret_why, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    *ret_why = why;
    return false;
}

/* The whole file; conf's strs are terminated. */
static bool read_whole(const char *key, struct str path, struct buf *text, const char **ret_why)
{
    return file_read(path.p, text) == E_OK || fail(ret_why, "%s: %.256s: it cannot be read", key, path.p);
}

static bool load_prices(struct settings *s, const char **ret_why)
{
    struct str path = s->conf->prices;
    const char *reason = NULL;
    struct buf text;
    if (path.n == 0) {
        s->prices = prices_builtin();
        return true;
    }
    buf_init(&text, PRICES_BYTES);
    bool ok = read_whole("prices", path, &text, ret_why);
    if (ok) {
        s->prices = prices_load(buf_str(&text), &reason);
        ok = s->prices || fail(ret_why, "prices: %.256s: %s", path.p, reason);
    }
    buf_done(&text);
    return ok;
}

static bool load_rules(struct settings *s, const char **ret_why)
{
    struct str path = s->conf->price_rules;
    const char *reason = NULL;
    struct buf text;
    if (path.n == 0)
        return true;
    buf_init(&text, PRICE_RULES_BYTES);
    bool ok = read_whole("price_rules", path, &text, ret_why);
    if (ok) {
        s->rules = price_rules_load(buf_str(&text), &reason);
        ok = s->rules || fail(ret_why, "price_rules: %.256s: %s", path.p, reason);
    }
    buf_done(&text);
    return ok;
}

/* A network that is not understood must not be left out in silence: somebody counts on it. */
static bool check_networks(const struct conf *conf, const char **ret_why)
{
    struct network n;
    for (size_t i = 0; i < conf->egress_allow.n; i++)
        if (network_parse(conf->egress_allow.v[i], &n) != E_OK)
            return fail(ret_why, "egress.allow: \"%.*s\" is not a network; write 10.0.0.0/8 or fd00::/8",
                        STR_FMT(str_head(conf->egress_allow.v[i], HOST_NAME_BYTES)));
    return true;
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
            return fail(ret_why, "providers.%.*s: no such provider", STR_FMT(p->slug));
        if (p->origin.n && provider_parse_origin(p->origin, &url, &prefix) != E_OK)
            return fail(ret_why, "providers.%.*s.origin: \"%.*s\" is not scheme://host[:port][/prefix]",
                        STR_FMT(p->slug), STR_FMT(p->origin));
    }
    return true;
}

static uint64_t ms(int64_t setting)
{
    return (uint64_t)setting;
}

struct settings *settings_new(struct conf *conf, const char **ret_why)
{
    struct settings *s = mem_zalloc(sizeof(*s));
    s->conf = conf;
    s->refs = 1;
    if (!check_networks(conf, ret_why) || !check_providers(conf, ret_why) ||
        !oidc_settings_good(conf, ret_why) || !signin_load(conf, &s->signin, ret_why) ||
        !load_prices(s, ret_why) || !load_rules(s, ret_why)) {
        settings_unref(s);
        return NULL;
    }
    s->sync = str_eq(conf->durability, STR("sync"));
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
    price_rules_free(s->rules);
    signin_free(s->signin);
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
