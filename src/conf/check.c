/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a setting must be beyond type and range, and what must fit together. Runs on the finished
 * snapshot, so its messages name the key and not the source. Syntax only: whether an address can be
 * bound or a file read is found out by who does it.
 */
#include "conf/keys.h"

#include <arpa/inet.h>

static bool is_literal(struct str host, int family)
{
    char text[INET6_ADDRSTRLEN], parsed[sizeof(struct in6_addr)];
    if (host.n >= sizeof(text))
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    return inet_pton(family, text, parsed) == 1;
}

static bool is_host_name(struct str host)
{
    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '.')
            return false;
    }
    return host.n > 0 && host.n <= 253;
}

static bool is_listen_address(struct str s)
{
    struct str host = s, port;
    int64_t n;
    if (str_starts(s, STR("["))) {
        host = str_from(s, 1);
        port = host;
        host = str_cut(&port, ']');
        if (!is_literal(host, AF_INET6) || !str_starts(port, STR(":")))
            return false;
        port = str_from(port, 1);
    } else {
        port = host;
        host = str_cut(&port, ':');
        if (!is_host_name(host))
            return false;
    }
    return str_to_int(port, &n) == E_OK && n <= UINT16_MAX;
}

static bool is_optional_listen_address(struct str s)
{
    return s.n == 0 || is_listen_address(s);
}

static bool is_not_empty(struct str s)
{
    return s.n > 0;
}

static bool is_durability(struct str s)
{
    return str_eq(s, STR("batch")) || str_eq(s, STR("sync"));
}

static bool is_log_level(struct str s)
{
    return str_eq(s, STR("debug")) || str_eq(s, STR("info")) || str_eq(s, STR("warn")) ||
           str_eq(s, STR("error"));
}

static bool is_origin(struct str s)
{
    static const struct str schemes[] = {S("http://"), S("https://"), S("ws://"), S("wss://")};
    for (size_t i = 0; i < countof(schemes); i++)
        if (str_starts(s, schemes[i]))
            return s.n > schemes[i].n;
    return s.n == 0;
}

static bool is_optional_url(struct str s)
{
    bool known = str_starts(s, STR("http://")) || str_starts(s, STR("https://"));
    return !s.n || (known && is_origin(s) && str_find(s, '?') == s.n && str_find(s, '#') == s.n);
}

static bool is_optional_account(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (hex_digit(s.p[i]) < 0 || (s.p[i] >= 'A' && s.p[i] <= 'F'))
            return false;
    return s.n == 0 || s.n == 32;
}

static bool is_optional_client_auth(struct str s)
{
    return s.n == 0 || str_eq(s, STR("basic")) || str_eq(s, STR("post"));
}

static bool check_values(const struct conf *c)
{
    const struct {
        const char *key;
        struct str value;
        bool (*good)(struct str);
        const char *want;
    } rules[] = {
        {"listen", c->listen, is_listen_address, "HOST:PORT, such as 127.0.0.1:8787 or [::]:8787"},
        {"admin.listen", c->admin_listen, is_optional_listen_address, "HOST:PORT, such as 127.0.0.1:8788"},
        {"public_url", c->public_url, is_optional_url, "http://HOST or https://HOST, and a path if need be"},
        {"data", c->data, is_not_empty, "the name of a directory"},
        {"oidc.account", c->oidc_account, is_optional_account,
         "the id of an account, 32 lower-case hex digits"},
        {"dashboard.url", c->dashboard_url, is_optional_url, "http://HOST or https://HOST"},
        {"dashboard.oidc.account", c->dashboard_oidc_account, is_optional_account,
         "the id of an account, 32 lower-case hex digits"},
        {"dashboard.oidc.client_auth", c->dashboard_oidc_client_auth, is_optional_client_auth,
         "basic or post"},
        {"durability", c->durability, is_durability, "batch or sync"},
        {"log.level", c->log_level, is_log_level, "debug, info, warn or error"},
    };
    for (size_t i = 0; i < countof(rules); i++)
        if (!rules[i].good(rules[i].value))
            return conf_fail("%s: \"%.*s\" will not do; it needs %s", rules[i].key,
                             STR_FMT(str_head(rules[i].value, CONF_NAME_BYTES)), rules[i].want);
    return true;
}

bool conf_check(const struct conf *c)
{
    if (!check_values(c))
        return false;
    if ((c->tls_cert.n > 0) != (c->tls_key.n > 0))
        return conf_fail("%s: is not set, but %s is; TLS needs both", c->tls_cert.n ? "tls.key" : "tls.cert",
                         c->tls_cert.n ? "tls.cert" : "tls.key");
    for (size_t i = 0; i < c->n_providers; i++)
        if (!is_origin(c->providers[i].origin))
            return conf_fail(
                "providers.%.*s.origin: \"%.*s\" is not an origin; write http://HOST:PORT or https://HOST",
                STR_FMT(str_head(c->providers[i].slug, CONF_NAME_BYTES)),
                STR_FMT(str_head(c->providers[i].origin, CONF_NAME_BYTES)));
    return true;
}
