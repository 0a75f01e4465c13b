/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored provider keys (control plane section 7): objects of KIND_PROVIDER_KEY, named "provider/alias". And
 * the operator's own for Unified Billing (section 12): objects of KIND_UNIFIED_KEY, named "provider", one of
 * each for the whole instance, whichever account they are filed under.
 */
#pragma once
#include "store/catalog.h"

struct key_use;

struct provider_key {
    const struct object *object;
    struct str provider, alias; /* provider: slug as it stands in a gateway's path */
    bool preferred;             /* the one that is used when none is named, unless one is called "default" */
    bool readable;              /* false: no master key opens it */
    struct secret secret;       /* what credential_read takes */
    struct window limit;        /* uses of this key */
    const struct provider_key *next; /* of the same gateway and provider, older */
    struct key_use *use;             /* in a running daemon: key_use.h; NULL elsewhere */
};

/* The keys a gateway has for a provider, newest first; NULL: none. A hash look-up. */
const struct provider_key *catalog_provider_keys(const struct catalog *c, const struct gateway *g,
                                                 struct str provider);
/* The operator's key for a provider; NULL: none. A hash look-up. */
const struct provider_key *catalog_unified_key(const struct catalog *c, struct str provider);
/* Uses of Unified Billing by a gateway, for its limit, apart from the gateway's requests (counters.h). */
int64_t unified_counter(const struct gateway *g);
/* Is it such a counter? Then the gateway's id. */
bool is_unified_counter(int64_t counter, int64_t *ret_gateway);

/* The one of that alias among them; an empty alias: the one that is used when none is named. NULL: there is
 * none. */
const struct provider_key *provider_key_named(const struct provider_key *keys, struct str alias);
/* "'a', 'b'": their aliases, oldest first; "none". p == NULL past the arena's cap. */
struct str provider_key_aliases(struct arena *a, const struct provider_key *keys);
/* Counts the uses of a key for its limit (counters.h), apart from the requests of gateways. */
int64_t provider_key_counter(const struct provider_key *k);

/* For catalog_seal: reads an object of the kind. NULL past the arena's cap. */
struct provider_key *provider_key_read(struct arena *a, const struct object *o, const struct keyring *keys);
/* For key_uses_attach: before anybody else has the catalogue. */
void provider_key_attach(struct object *o, struct key_use *use);
/* What a key's sealed form is bound to: its object's id. A view of it. */
struct str provider_key_about(const struct uuid *uuid);

/* Does the ring that a catalogue was read with open all its keys? Looks at every object. */
bool catalog_keys_readable(const struct catalog *c);
