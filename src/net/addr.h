/* SPDX-License-Identifier: Apache-2.0 */
/* Socket addresses, networks and the egress rule. Pure functions. */
#pragma once
#include "base/str.h"

#include <sys/socket.h>

struct addr {
    struct sockaddr_storage sa;
    socklen_t len;
};

/* "127.0.0.1:8787", "[::1]:8787", "localhost:80" is not one: literals only. */
enum err addr_parse(struct str host_port, struct addr *ret) MUST_CHECK;
/* The literal without port; false when host is a name. */
bool addr_from_literal(struct str host, uint16_t port, struct addr *ret);
uint16_t addr_port(const struct addr *a);
enum { ADDR_TEXT = 64 };
/* Address without port, NUL-terminated. */
void addr_text(const struct addr *a, char out[ADDR_TEXT]);

/* Splits "host:port", "[v6]:port", "host"; *ret_port gets fallback when there is no port. */
enum err addr_split(struct str text, uint16_t fallback, struct str *ret_host, uint16_t *ret_port) MUST_CHECK;

/* False for loopback, private, link-local, unique-local, shared (RFC 6598), multicast, reserved and
 * unspecified addresses, and for IPv6 forms that wrap such an IPv4 address. */
bool addr_is_public(const struct addr *a);

struct network {
    unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned bits;           /* of the 128 */
};
/* "10.0.0.0/8", "fd00::/8", "192.168.1.5". */
enum err network_parse(struct str text, struct network *ret) MUST_CHECK;
bool network_contains(const struct network *n, const struct addr *a);

/* What weir may connect to besides public addresses; without TLS only these. */
struct egress {
    const struct network *allow;
    size_t n;
};
bool egress_allows(const struct egress *rule, const struct addr *a, bool tls);
