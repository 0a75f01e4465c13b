/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of stored keys in use: when each was used last, and whether its provider refuses it. Workers
 * note it in atomics that outlive snapshots; the writer's thread saves them now and then.
 */
#pragma once
#include "store/provider_key.h"

struct key_use {
    struct key_use *next;
    int64_t id;              /* of the key's object */
    uint64_t secret;         /* which secret it is about: a hash of its sealed form */
    _Atomic int64_t used_ms; /* 0: never */
    _Atomic bool failing;    /* the provider's latest word was 401 or 403 */
    /* as they are on disk; the writer's thread */
    int64_t saved_ms;
    bool saved_failing;
};

struct key_uses;

struct key_uses *key_uses_new(void);
void key_uses_free(struct key_uses *u); /* accepts NULL */

/* Gives each key of a catalogue that nobody else has yet its use, begun with what was saved; a secret that is
 * not the one of before is not refused yet. Writer's thread. */
void key_uses_attach(struct key_uses *u, struct catalog *c);
/* The next one after `after` (NULL: the first) that differs from what is on disk; NULL: none. Writer's
 * thread. */
struct key_use *key_uses_unsaved(struct key_uses *u, struct key_use *after);

/* A key was used. Any thread; nothing without a use. */
void key_used(const struct provider_key *k, int64_t now_ms);
/* Its provider took it, or refused it. Any thread; nothing without a use. */
void key_answered(const struct provider_key *k, bool refused);
