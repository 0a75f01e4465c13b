/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the catalogue. All changes of a set happen in one transaction, or none does; each leaves a
 * line in the audit log. A set is applied to weir.db by the store's writer, or by a command of its own.
 */
#pragma once
#include "base/crypto.h"

enum object_kind {
#define KIND(name, word, resource) name,
#include "store/kinds.def"
#undef KIND
    KIND_COUNT
};

struct str kind_word(enum object_kind k);
struct str kind_resource(enum object_kind k);

/* CHANGE_GONE: something that is not of the catalogue was deleted (KIND_LOGS): only its line in the audit
 * log, with `settings` as what was there. */
enum change_what { CHANGE_CREATE, CHANGE_UPDATE, CHANGE_DELETE, CHANGE_GONE };

struct change {
    enum change_what what;
    enum object_kind kind;
    struct str account;
    struct str gateway; /* slug of the gateway an object belongs to; empty: it is the account's */
    /* Of an object: chosen by who creates it (uuid_v7). Gateways are known by their name instead. */
    struct uuid uuid;
    struct uuid parent; /* create: an object that takes this one along when it is deleted; zero: none */
    struct str
        name; /* unique among its kind, account and gateway; a gateway's slug. Update: p == NULL keeps it */
    struct str settings; /* JSON object. Update: p == NULL keeps them */
    struct str secret;   /* as it is stored: sealed, or a token's hash. Update: p == NULL keeps it */
    int64_t if_modified; /* update, delete: only what was modified at this time, ms; 0: whatever it is now */
    bool quiet;          /* nothing a person did: no line in the audit log */
};

/* Who makes a change, for the audit log. Never a secret. */
struct actor {
    struct str type;      /* "token", "session", "person", "shell" or "system" */
    struct str id;        /* of the token or person; empty: none */
    struct str name;      /* of the token or person, or what the system was doing */
    struct str ip;        /* empty: no address */
    struct str interface; /* "API", "UI" or "CLI" */
};

struct change_set {
    const struct change *changes;
    size_t n;
    struct actor actor;
};
