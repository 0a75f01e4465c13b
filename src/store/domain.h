/* SPDX-License-Identifier: Apache-2.0 */
/* Host names that stand for a gateway (control plane section 10): objects of KIND_DOMAIN, named by the host.
 */
#pragma once
#include "store/catalog.h"

struct domain {
    const struct object *object; /* its name: the host, in lower case */
    bool tls13;                  /* older TLS is refused */
};

/* The domain of a Host line ("AI.example.com:8443"); NULL: none. Hash look-up, nothing at all while there are
 * no domains. */
const struct domain *catalog_domain(const struct catalog *c, struct str host);

/* Most have none: then no request's Host line need be looked for. */
bool catalog_has_domains(const struct catalog *c);

/* For catalog_seal: reads an object of the kind. NULL past the arena's cap. */
const struct domain *domain_read(struct arena *a, const struct object *o);

/* A host name of at least two labels, in lower case (RFC 1123 section 2.1). */
bool domain_is_valid(struct str host);
