/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue: accounts, gateways, tokens and everything else people configure, as an immutable
 * snapshot. Read from weir.db once, replaced as a whole on every change; a txn keeps the one it started
 * with. Reference-counted atomically; any thread.
 */
#pragma once
#include "base/arena.h"
#include "base/seal.h"
#include "store/change.h"
#include "store/gateway_policy.h"

struct gateway {
    int64_t id;         /* internal, never reused */
    struct uuid uuid;   /* internal_id of the API */
    struct str account; /* 32 hex */
    struct str slug;
    bool authentication, collect_logs;
    struct str settings;          /* the whole gateway object as JSON, as the API echoes it */
    struct gateway_policy policy; /* what they say to the request path */
    int64_t cache_generation;     /* part of every cache key: a new one, and what was cached is forgotten */
    int64_t created_ms, modified_ms;
};

enum permission {
#define PERMISSION(name, bit, word, id, group, says) PERM_##name = 1 << (bit),
#include "store/permissions.def"
#undef PERMISSION
    PERM_ALL = 255,
    PERM_ACCOUNT = PERM_ALL & ~PERM_OPERATOR, /* everything but what concerns the whole instance */
};

struct token {
    int64_t id;
    const struct object *object;
    struct str account;
    struct str name;
    unsigned char hash[SHA256_BYTES]; /* of the whole token text */
    unsigned permissions;
    int64_t created_ms;
    int64_t not_before_ms, expires_ms; /* 0: no such bound */
    bool disabled;
    const struct str *gateways; /* slugs of those it is for; NULL: all of its account */
    size_t n_gateways;
    struct str policies; /* how the API was told what it may, as JSON; empty: it was not made there */
};

/* Anything but an account or a gateway. */
struct object {
    int64_t id; /* grows with age, never reused */
    struct uuid uuid;
    enum object_kind kind;
    struct str account;
    int64_t gateway; /* 0: of the account */
    int64_t parent;  /* id of the object it goes with; 0: none */
    struct str name;
    struct str settings; /* JSON object, as it was saved */
    struct str secret;   /* sealed, or a token's hash; empty: none */
    int64_t created_ms, modified_ms;
    const void
        *read; /* what its kind makes of it (catalog_seal): struct token, struct provider_key, or NULL */
};

struct catalog {
    struct str *accounts;
    size_t n_accounts;
    struct gateway *gateways;
    size_t n_gateways;
    struct object *objects; /* by id: oldest first */
    size_t n_objects;
    struct token *tokens; /* made of objects, in their order */
    size_t n_tokens;
    size_t n_unified; /* keys of the operator: provider_key.h */
    /* private: look-up tables, memory, count */
    struct catalog_index *index;
    struct arena arena;
    _Atomic int refs;
};

struct catalog *catalog_ref(struct catalog *c);
/* Accepts NULL. */
void catalog_unref(struct catalog *c);

bool catalog_has_account(const struct catalog *c, struct str account);
/* NULL when there is none. Hash look-ups. */
const struct gateway *catalog_gateway(const struct catalog *c, struct str account, struct str slug);
const struct gateway *catalog_gateway_id(const struct catalog *c, int64_t id);
/* The token whose text this is (hashed here, compared in constant time); NULL: none, or it is not live:
 * expired, not valid yet, disabled. */
const struct token *catalog_token(const struct catalog *c, struct str text, int64_t now_ms);
/* The same, live or not. */
const struct token *catalog_token_known(const struct catalog *c, struct str text);

const struct token *catalog_token_id(const struct catalog *c, int64_t id);

/* An object of an account by its name or its id; gateway: internal id, 0 for those of the account. NULL when
 * there is none. Hash look-ups. */
const struct object *catalog_object(const struct catalog *c, enum object_kind kind, struct str account,
                                    int64_t gateway, struct str name);
const struct object *catalog_object_id(const struct catalog *c, int64_t id);
const struct object *catalog_object_uuid(const struct catalog *c, enum object_kind kind, struct uuid uuid);
/*
 * Walks over the objects of a kind, newest first: `after` NULL for the first. account p == NULL: of every
 * account; gateway -1: whatever gateway. NULL at the end. Each step looks at every object of the catalogue
 * in between: for the management API, not for requests.
 */
const struct object *catalog_next_object(const struct catalog *c, enum object_kind kind, struct str account,
                                         int64_t gateway, const struct object *after);

/* ---- for the back-end that reads a catalogue ---- */
/* Empty, with one reference: fill the arrays from the arena, in ascending ids, then seal. */
struct catalog *catalog_new(void);
/*
 * Builds the look-ups, reads each gateway's policy, completes its settings from what people may set to what
 * the API echoes, and has each object read by its kind. `keys` open what is sealed. False past the arena's
 * cap.
 */
bool catalog_seal(struct catalog *c, const struct keyring *keys);
