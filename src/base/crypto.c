/* SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_API_COMPAT 10101 /* sha256 says why */
#include "base/crypto.h"
#include "base/clock.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <errno.h>
#include <sys/random.h>

/*
 * The SHA-256 of libcrypto's core, without EVP around it: looking an algorithm up costs more than
 * hashing a token with it, and would pull in the providers (2 MiB resident) where there is no TLS.
 */
void sha256_parts(const struct str *parts, size_t n, unsigned char out[SHA256_BYTES])
{
    SHA256_CTX ctx;
    must(SHA256_Init(&ctx) == 1);
    for (size_t i = 0; i < n; i++)
        must(SHA256_Update(&ctx, parts[i].p ? parts[i].p : "", parts[i].n) == 1);
    must(SHA256_Final(out, &ctx) == 1);
}

void sha256(struct str data, unsigned char out[SHA256_BYTES])
{
    sha256_parts(&data, 1, out);
}

/* RFC 2104, on the same core for the same reason. */
void hmac_sha256(struct str key, struct str data, unsigned char out[SHA256_BYTES])
{
    enum { BLOCK = SHA256_CBLOCK };
    unsigned char inner[BLOCK] = {0}, outer[BLOCK];
    if (key.n > BLOCK)
        sha256(key, inner);
    else if (key.n > 0)
        memcpy(inner, key.p, key.n);
    for (size_t i = 0; i < BLOCK; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    const struct str first[] = {str_of((const char *)inner, BLOCK), data};
    sha256_parts(first, countof(first), out);
    const struct str second[] = {str_of((const char *)outer, BLOCK), str_of((const char *)out, SHA256_BYTES)};
    sha256_parts(second, countof(second), out);
    OPENSSL_cleanse(inner, BLOCK);
    OPENSSL_cleanse(outer, BLOCK);
}

void random_bytes(void *out, size_t n)
{
    for (char *at = out; n > 0;) {
        ssize_t got = getrandom(at, n, 0);
        must(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

bool equal_constant_time(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

static const char alphabet[2][65] = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

/* Room for base64_room(data.n) bytes; how many were written. */
static size_t base64_put(char *out, struct str data, const char *abc, bool pad)
{
    char *at = out;
    for (size_t i = 0; i < data.n; i += 3) {
        size_t left = data.n - i;
        const unsigned char *d = (const unsigned char *)data.p + i;
        uint32_t word = (uint32_t)d[0] << 16 | (left > 1 ? (uint32_t)d[1] << 8 : 0) | (left > 2 ? d[2] : 0);
        size_t keep = left > 2 ? 4 : left + 1;
        for (size_t k = 0; k < keep; k++)
            *at++ = abc[word >> (18 - 6 * k) & 63];
        for (size_t k = keep; pad && k < 4; k++)
            *at++ = '=';
    }
    return (size_t)(at - out);
}

static size_t base64_room(size_t n)
{
    return (n + 2) / 3 * 4;
}

static struct str base64_any(struct arena *a, struct str data, const char *abc, bool pad)
{
    char *out = arena_alloc(a, base64_room(data.n) + 1);
    if (!out)
        return (struct str){NULL, 0};
    size_t n = base64_put(out, data, abc, pad);
    out[n] = '\0';
    return str_of(out, n);
}

void base64_append(struct buf *out, struct str data)
{
    char *at = buf_room(out, base64_room(data.n));
    if (at)
        buf_grew(out, base64_put(at, data, alphabet[0], true));
}

struct str base64_encode(struct arena *a, struct str data)
{
    return base64_any(a, data, alphabet[0], true);
}

struct str base64url_encode(struct arena *a, struct str data)
{
    return base64_any(a, data, alphabet[1], false);
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

enum err base64_decode(struct arena *a, struct str text, struct str *ret)
{
    while (text.n > 0 && text.p[text.n - 1] == '=')
        text.n--;
    if (text.n % 4 == 1)
        return E_SYNTAX;
    unsigned char *out = arena_alloc(a, text.n / 4 * 3 + 3);
    if (!out)
        return E_FULL;
    size_t n = 0;
    uint32_t word = 0;
    for (size_t i = 0; i < text.n; i++) {
        int v = base64_value(text.p[i]);
        if (v < 0)
            return E_SYNTAX;
        word = word << 6 | (uint32_t)v;
        if (i % 4)
            out[n++] = (unsigned char)(word >> (6 - 2 * (i % 4)));
    }
    *ret = str_of((char *)out, n);
    return E_OK;
}

/* A key that wants a password is refused; without this OpenSSL would ask the terminal. */
static int no_password(char *out, int size, int writing, void *arg)
{
    (void)out, (void)size, (void)writing, (void)arg;
    return -1;
}

enum err rsa_sha256_sign(struct arena *a, struct secret pem, struct str data, struct str *ret)
{
    struct str text = secret_reveal(pem);
    enum err e = E_SYNTAX;
    EVP_PKEY *pkey = NULL;
    EVP_MD_CTX *ctx = NULL;
    size_t n = 0;
    BIO *bio = text.n <= INT_MAX ? BIO_new_mem_buf(text.p, (int)text.n) : NULL;
    if (!bio)
        goto out;
    pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    ctx = EVP_MD_CTX_new();
    if (!pkey || !ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey) != 1)
        goto out;
    if (EVP_DigestSign(ctx, NULL, &n, (const unsigned char *)data.p, data.n) != 1)
        goto out;
    unsigned char *sig = arena_alloc(a, n);
    if (!sig || EVP_DigestSign(ctx, sig, &n, (const unsigned char *)data.p, data.n) != 1)
        goto out;
    *ret = str_of((char *)sig, n);
    e = E_OK;
out:
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    BIO_free(bio);
    return e;
}

static uint64_t random_word(struct uuid_source *src)
{
    if (src->left == 0) {
        random_bytes(src->pool, sizeof(src->pool));
        src->left = countof(src->pool);
    }
    return src->pool[--src->left];
}

struct uuid uuid_v7(struct uuid_source *src)
{
    int64_t now = clock_wall_ms();
    /* RFC 9562 section 6.2 method 1: a counter in rand_a; on overflow borrow the next millisecond */
    if (now > src->last_ms) {
        src->last_ms = now;
        src->seq = (uint16_t)(random_word(src) & 0x3ff);
    } else if (++src->seq > 0xfff) {
        src->last_ms++;
        src->seq = 0;
    }
    struct uuid u;
    for (int i = 0; i < 6; i++)
        u.b[i] = (unsigned char)(src->last_ms >> (40 - 8 * i));
    u.b[6] = (unsigned char)(0x70 | src->seq >> 8);
    u.b[7] = (unsigned char)src->seq;
    uint64_t tail = random_word(src);
    memcpy(u.b + 8, &tail, 8);
    u.b[8] = (unsigned char)(0x80 | (u.b[8] & 0x3f));
    return u;
}

void uuid_text(struct uuid u, char out[UUID_TEXT])
{
    static const unsigned char groups[] = {4, 2, 2, 2, 6};
    const unsigned char *from = u.b;
    for (size_t g = 0; g < countof(groups); g++) {
        if (g)
            *out++ = '-';
        hex_encode(out, from, groups[g]);
        out += 2 * groups[g];
        from += groups[g];
    }
}

enum err uuid_parse(struct str text, struct uuid *ret)
{
    struct uuid u;
    size_t n = 0;
    if (text.n != UUID_TEXT)
        return E_SYNTAX;
    for (size_t i = 0; i < UUID_TEXT; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.p[i] != '-')
                return E_SYNTAX;
            continue;
        }
        int high = hex_digit(text.p[i]), low = hex_digit(text.p[i + 1]);
        if (high < 0 || low < 0)
            return E_SYNTAX;
        u.b[n++] = (unsigned char)(high << 4 | low);
        i++;
    }
    *ret = u;
    return E_OK;
}

int64_t uuid_ms(struct uuid u)
{
    int64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | u.b[i];
    return ms;
}
