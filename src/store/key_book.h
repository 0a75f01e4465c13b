/* SPDX-License-Identifier: Apache-2.0 */
/* `weir keys`: the sealed secrets of a data directory, whether a daemon has it open or not. */
#pragma once
#include "store/catalog.h"

/* The catalogue, read fresh, its secrets open to the ring (NULL: to nobody); the caller's. NULL: *ret_why is
 * set. */
struct catalog *key_book_catalog(const char *dir, const struct keyring *keys, const char **ret_why);

struct key_book_count {
    size_t sealed;     /* secrets there are */
    size_t resealed;   /* that were sealed under another key of the ring */
    size_t unreadable; /* that no key of the ring opens; they stay as they are */
};
/*
 * Seals every secret under the first key of the ring, in one transaction that is on disk when this returns.
 * None is touched when the ring opens none of them. E_DB with *ret_why set: nothing was changed.
 */
enum err key_book_reseal(const char *dir, const struct keyring *keys, struct key_book_count *ret,
                         const char **ret_why) MUST_CHECK;

/* Seals the secret and stores it as the operator's key for a provider, in place of an earlier one, with a
 * line in the audit log. E_CREDENTIAL: it cannot be sealed; E_DB: *ret_why is set; E_NOT_FOUND: there is no
 * account. */
enum err key_book_set_unified(const char *dir, const struct keyring *keys, struct str provider,
                              struct secret secret, const char **ret_why) MUST_CHECK;
/* E_NOT_FOUND: there is none. */
enum err key_book_delete_unified(const char *dir, struct str provider, const char **ret_why) MUST_CHECK;
