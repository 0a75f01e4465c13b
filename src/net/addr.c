/* SPDX-License-Identifier: Apache-2.0 */
#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

bool addr_from_literal(struct str host, uint16_t port, struct addr *ret)
{
    char text[INET6_ADDRSTRLEN];
    struct addr a = {0};
    if (host.n == 0 || host.n >= sizeof(text))
        return false;
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    struct sockaddr_in *four = (struct sockaddr_in *)&a.sa;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a.sa;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        a.len = sizeof(*four);
    } else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        a.len = sizeof(*six);
    } else {
        return false;
    }
    *ret = a;
    return true;
}

static enum err parse_port(struct str text, uint16_t *ret)
{
    int64_t n;
    if (str_to_int(text, &n) != E_OK || n > UINT16_MAX)
        return E_SYNTAX;
    *ret = (uint16_t)n;
    return E_OK;
}

enum err addr_split(struct str text, uint16_t fallback, struct str *ret_host, uint16_t *ret_port)
{
    struct str host = text, port = {NULL, 0};
    if (text.n && text.p[0] == '[') {
        size_t end = str_find(text, ']');
        if (end == text.n)
            return E_SYNTAX;
        host = str_head(str_from(text, 1), end - 1);
        struct str rest = str_from(text, end + 1);
        if (rest.n && rest.p[0] != ':')
            return E_SYNTAX;
        if (rest.n)
            port = str_from(rest, 1);
    } else {
        host = str_cut(&text, ':');
        port = text;
    }
    uint16_t n = fallback;
    if (host.n == 0 || (port.p && parse_port(port, &n) != E_OK))
        return E_SYNTAX;
    *ret_host = host;
    *ret_port = n;
    return E_OK;
}

enum err addr_parse(struct str host_port, struct addr *ret)
{
    struct str host;
    uint16_t port;
    if (addr_split(host_port, 0, &host, &port) != E_OK || !addr_from_literal(host, port, ret))
        return E_SYNTAX;
    return E_OK;
}

uint16_t addr_port(const struct addr *a)
{
    if (a->sa.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&a->sa)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&a->sa)->sin_port);
}

void addr_text(const struct addr *a, char out[ADDR_TEXT])
{
    const void *from = a->sa.ss_family == AF_INET6
                           ? (const void *)&((const struct sockaddr_in6 *)&a->sa)->sin6_addr
                           : (const void *)&((const struct sockaddr_in *)&a->sa)->sin_addr;
    if (!inet_ntop(a->sa.ss_family, from, out, ADDR_TEXT))
        snprintf(out, ADDR_TEXT, "unix");
}

/* Any address as 16 bytes, IPv4 mapped (RFC 4291 section 2.5.5.2). */
static bool to_bytes(const struct addr *a, unsigned char out[16])
{
    if (a->sa.ss_family == AF_INET6) {
        memcpy(out, &((const struct sockaddr_in6 *)&a->sa)->sin6_addr, 16);
        return true;
    }
    if (a->sa.ss_family != AF_INET)
        return false;
    memset(out, 0, 10);
    memset(out + 10, 0xff, 2);
    memcpy(out + 12, &((const struct sockaddr_in *)&a->sa)->sin_addr, 4);
    return true;
}

static bool in_prefix(const unsigned char b[16], const unsigned char net[16], unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(b, net, whole) != 0)
        return false;
    return rest == 0 || ((b[whole] ^ net[whole]) >> (8 - rest)) == 0;
}

enum err network_parse(struct str text, struct network *ret)
{
    struct addr a;
    struct network n = {.bits = 128};
    int64_t bits = -1;
    struct str host = str_cut(&text, '/');
    if (!addr_from_literal(host, 0, &a) || !to_bytes(&a, n.bytes))
        return E_SYNTAX;
    unsigned width = a.sa.ss_family == AF_INET ? 32 : 128;
    if (text.p && (str_to_int(text, &bits) != E_OK || bits > width))
        return E_SYNTAX;
    if (bits >= 0)
        n.bits = 128 - width + (unsigned)bits;
    *ret = n;
    return E_OK;
}

bool network_contains(const struct network *n, const struct addr *a)
{
    unsigned char b[16];
    return to_bytes(a, b) && in_prefix(b, n->bytes, n->bits);
}

/* IANA special-purpose registries (RFC 6890 and its updates); IPv4 in mapped form. */
static const struct {
    unsigned char bytes[16];
    unsigned bits;
} special[] = {
#define V4(a, b, c, d, n)                                                                                    \
    {                                                                                                        \
        {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}, 96 + (n)                                     \
    }
    V4(0, 0, 0, 0, 8),
    V4(10, 0, 0, 0, 8),
    V4(100, 64, 0, 0, 10),
    V4(127, 0, 0, 0, 8),
    V4(169, 254, 0, 0, 16),
    V4(172, 16, 0, 0, 12),
    V4(192, 0, 0, 0, 24),
    V4(192, 0, 2, 0, 24),
    V4(192, 168, 0, 0, 16),
    V4(198, 18, 0, 0, 15),
    V4(198, 51, 100, 0, 24),
    V4(203, 0, 113, 0, 24),
    V4(224, 0, 0, 0, 4),
    V4(240, 0, 0, 0, 4),
#undef V4
    {{0}, 96},                      /* unspecified, loopback, IPv4-compatible */
    {{0, 0x64, 0xff, 0x9b}, 32},    /* NAT64: would hide an IPv4 address */
    {{0x01, 0}, 64},                /* discard */
    {{0x20, 0x01, 0, 0}, 32},       /* Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02}, 16},             /* 6to4: would hide an IPv4 address */
    {{0xfc}, 7},                    /* unique local */
    {{0xfe, 0x80}, 10},             /* link local */
    {{0xfe, 0xc0}, 10},             /* site local, deprecated */
    {{0xff}, 8},                    /* multicast */
};

bool addr_is_public(const struct addr *a)
{
    unsigned char b[16];
    if (!to_bytes(a, b))
        return false;
    for (size_t i = 0; i < countof(special); i++)
        if (in_prefix(b, special[i].bytes, special[i].bits))
            return false;
    return true;
}

bool egress_allows(const struct egress *rule, const struct addr *a, bool tls)
{
    if (!rule || (tls && addr_is_public(a)))
        return true;
    for (size_t i = 0; i < rule->n; i++)
        if (network_contains(&rule->allow[i], a))
            return true;
    return false;
}
