/* SPDX-License-Identifier: Apache-2.0 */
/* Stored provider keys as the API takes and shows them (control plane section 7). Pure. */
#pragma once
#include "api/fields.h"
#include "base/secret.h"
#include "store/provider_key.h"

struct provider_key_input {
    struct str name;      /* of the object: "provider/alias" */
    struct secret secret; /* unset: none was given */
    struct str secret_id; /* of the key whose secret is taken over; empty: none */
    bool preferred;       /* default_config */
    struct str settings;  /* JSON object, without anything secret */
};

/*
 * Reads a body over the settings of the key that it changes (p == NULL: it makes one). All strs are in the
 * arena of `wrong`, where every member that is not right is complained of.
 */
void provider_key_input_read(struct str body, struct str old, struct provider_key_input *ret,
                             struct complaints *wrong);
/* Complains unless a provider's credential may look like this. */
void provider_key_check(struct str slug, struct secret secret, struct complaints *wrong);
/* What may be shown of a secret: "sk-…9xYz", less of a short one. */
struct str provider_key_preview(struct arena *a, struct secret secret);
/* Members status and last_used_at: how a stored key does, and when it was used, null for never. */
void provider_key_put_use(struct json_out *w, const struct provider_key *k);

/* docs/api.md: the members. */
void provider_key_fields_document(struct buf *out);
