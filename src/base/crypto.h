/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes, random bytes, signatures and the text forms around them. OpenSSL inside. Any thread. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"

enum { SHA256_BYTES = 32, UUID_TEXT = 36 };

void sha256(struct str data, unsigned char out[SHA256_BYTES]);
/* Of the concatenation. */
void sha256_parts(const struct str *parts, size_t n, unsigned char out[SHA256_BYTES]);
/* RFC 2104. `out` may be where the key is. */
void hmac_sha256(struct str key, struct str data, unsigned char out[SHA256_BYTES]);
/* From the kernel's generator; aborts if it fails. */
void random_bytes(void *out, size_t n);
/* Takes the same time whatever differs; lengths are not secret. */
bool equal_constant_time(struct str a, struct str b);

/* RFC 4648 section 4 with padding; section 5 without (`url`). p == NULL past the arena's cap. */
struct str base64_encode(struct arena *a, struct str data);
struct str base64url_encode(struct arena *a, struct str data);
/* The same as the first, at a buffer's end. Pieces of whole triples of bytes make one text. */
void base64_append(struct buf *out, struct str data);
/* Either alphabet, padding optional, white space refused: E_SYNTAX. */
enum err base64_decode(struct arena *a, struct str text, struct str *ret) MUST_CHECK;

/* RSASSA-PKCS1-v1_5 with SHA-256 over data, by a PEM private key (RFC 7518 RS256). */
enum err rsa_sha256_sign(struct arena *a, struct secret pem, struct str data, struct str *ret) MUST_CHECK;

/* RFC 9562 version 7, lower case, monotonic within one caller's state. */
struct uuid {
    unsigned char b[16];
};
struct uuid_source {
    int64_t last_ms;
    uint16_t seq;
    uint64_t pool[64]; /* random words bought in bulk: one kernel call serves many ids */
    unsigned left;
};
struct uuid uuid_v7(struct uuid_source *src);
/* UUID_TEXT characters, no terminator. */
void uuid_text(struct uuid u, char out[UUID_TEXT]);
/* 8-4-4-4-12 hex in either case; E_SYNTAX otherwise. */
enum err uuid_parse(struct str text, struct uuid *ret) MUST_CHECK;
/* The creation time inside a version 7 id, ms since 1970. */
int64_t uuid_ms(struct uuid u);
