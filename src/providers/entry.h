/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a model's name to the provider's API that serves it (data plane sections 12 and 12.1): prefixes,
 * rows of entries.def, paths. Pure functions on immutable tables; any thread.
 */
#pragma once
#include "providers/provider.h"

struct entry {
    struct str slug;
    enum dialect dialect;
    struct str path;
    unsigned quirks; /* CODEC_... */
};

/* "anthropic/claude-haiku-4-5" in pieces. */
struct model_name {
    struct str slug;  /* of the provider; its row's name, whatever prefix was used */
    struct str model; /* the provider's own name for it */
};
/*
 * Splits at the first slash; "@cf/..." is workers-ai's. Prefixes are slugs, and google, perplexity, xai.
 * False for a name without a prefix, or with one that no provider has.
 */
bool model_name_split(struct str name, struct model_name *ret);

/* The provider's API for clients of that dialect: a row that speaks it, else its own tongue; NULL: it has
 * none. */
const struct entry *entry_find(struct str slug, enum dialect client);

/* The i-th provider that has rows; p == NULL past the end. */
struct str entry_provider(size_t i);

/* What fills the braces of a path; credential_place knows project and region. */
struct entry_place {
    struct str model, project, region;
    bool stream;
};
/* The path (and query, p == NULL when there is none) of a call. E_FULL past the arena's cap. */
enum err entry_path(struct arena *a, const struct entry *e, const struct entry_place *place,
                    struct str *ret_rest, struct str *ret_query) MUST_CHECK;
