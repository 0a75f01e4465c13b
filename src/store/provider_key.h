/* SPDX-License-Identifier: Apache-2.0 */
/* Stored provider keys (control plane section 7): objects of KIND_PROVIDER_KEY, named "provider/alias". */
#pragma once
#include "store/catalog.h"

struct provider_key {
    const struct object *object;
    struct str provider, alias; /* provider: slug as it stands in a gateway's path */
    bool readable;              /* false: no master key opens it */
    struct secret secret;       /* the provider's own form, or JSON (aws-bedrock, google-vertex-ai) */
    int64_t limit, period_ms;   /* uses of this key in a period; limit 0: no such limit */
};

/* The key of a gateway (internal id) for a provider; NULL: there is none of that name. */
const struct provider_key *catalog_provider_key(const struct catalog *c, const struct gateway *g,
                                                struct str provider, struct str alias);
/* "'a', 'b'": the aliases a gateway has for a provider; empty: none. p == NULL past the arena's cap. */
struct str catalog_key_aliases(const struct catalog *c, const struct gateway *g, struct str provider,
                               struct arena *a);

/* For catalog_seal: reads an object of the kind. NULL past the arena's cap. */
const struct provider_key *provider_key_read(struct arena *a, const struct object *o,
                                             const struct keyring *keys);
/* What a key's sealed form is bound to: its object's id. A view of it. */
struct str provider_key_about(const struct uuid *uuid);
