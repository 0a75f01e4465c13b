/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets at rest: AES-256-GCM under a master key. What is sealed names its key, so that keys can follow each
 * other. OpenSSL inside. Pure; any thread.
 *
 *   sealed = 0x01, 4 bytes of the key's SHA-256, 12 random bytes, ciphertext, 16 bytes of tag
 */
#pragma once
#include "base/arena.h"
#include "base/secret.h"

enum { SEAL_KEY_BYTES = 32, SEAL_KEYS = 4 };

/* The first key seals; all of them open. */
struct keyring {
    unsigned char keys[SEAL_KEYS][SEAL_KEY_BYTES];
    size_t n;
};

/*
 * Reads keys: 64 hex digits or base64 of 32 bytes each, apart by white space or commas; lines that begin
 * with '#' are comments. E_SYNTAX when one is none of that, or there is none, or more than SEAL_KEYS.
 */
enum err keyring_read(struct str text, struct keyring *ret) MUST_CHECK;
/* Wipes it. */
void keyring_done(struct keyring *k);

/*
 * Seals under the first key. `about` is bound to it: only who gives the same can open it (what the secret
 * belongs to, so that a row cannot take another's). p == NULL past the arena's cap.
 */
struct str seal(struct arena *a, const struct keyring *k, struct str about, struct secret plain);
/* E_CREDENTIAL: no key of the ring, other `about`, or damaged. E_FULL past the arena's cap. */
enum err seal_open(struct arena *a, const struct keyring *k, struct str about, struct str sealed,
                   struct secret *ret) MUST_CHECK;
/* Is it sealed under the first key of the ring? */
bool seal_is_current(const struct keyring *k, struct str sealed);
