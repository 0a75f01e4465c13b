/* SPDX-License-Identifier: Apache-2.0 */
#include "base/seal.h"
#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { VERSION = 1, KEY_ID = 4, NONCE = 12, TAG = 16, HEAD = 1 + KEY_ID + NONCE };

/* ---- keys ---- */

static enum err read_key(struct arena *a, struct str word, unsigned char out[SEAL_KEY_BYTES])
{
    struct str bytes;
    if (word.n == (size_t)2 * SEAL_KEY_BYTES) {
        for (size_t i = 0; i < SEAL_KEY_BYTES; i++) {
            int high = hex_digit(word.p[2 * i]), low = hex_digit(word.p[2 * i + 1]);
            if (high < 0 || low < 0)
                return E_SYNTAX;
            out[i] = (unsigned char)(high * 16 + low);
        }
        return E_OK;
    }
    if (base64_decode(a, word, &bytes) != E_OK || bytes.n != SEAL_KEY_BYTES)
        return E_SYNTAX;
    memcpy(out, bytes.p, SEAL_KEY_BYTES);
    OPENSSL_cleanse((void *)(uintptr_t)bytes.p, bytes.n);
    return E_OK;
}

/* The next word of a line; apart by white space or commas. */
static struct str next_word(struct str *line)
{
    size_t start = 0, end;
    while (start < line->n && strchr(" \t\r,", line->p[start]))
        start++;
    for (end = start; end < line->n && !strchr(" \t\r,", line->p[end]);)
        end++;
    struct str word = str_of(line->p + start, end - start);
    *line = str_from(*line, end);
    return word;
}

static enum err read_line(struct arena *a, struct str line, struct keyring *ret)
{
    for (struct str word; (word = next_word(&line)).n > 0;) {
        if (ret->n == SEAL_KEYS || read_key(a, word, ret->keys[ret->n]) != E_OK)
            return E_SYNTAX;
        ret->n++;
    }
    return E_OK;
}

enum err keyring_read(struct str text, struct keyring *ret)
{
    struct arena a;
    enum err e = E_OK;
    *ret = (struct keyring){0};
    arena_init(&a, (size_t)4 * 1024);
    while (text.p && e == E_OK) {
        struct str line = str_trim(str_cut(&text, '\n'));
        if (!str_starts(line, STR("#")))
            e = read_line(&a, line, ret);
    }
    arena_done(&a);
    if (e == E_OK && ret->n > 0)
        return E_OK;
    keyring_done(ret);
    return E_SYNTAX;
}

void keyring_done(struct keyring *k)
{
    OPENSSL_cleanse(k, sizeof(*k));
}

static void key_id(const unsigned char key[SEAL_KEY_BYTES], unsigned char out[KEY_ID])
{
    unsigned char hash[SHA256_BYTES];
    sha256(str_of((const char *)key, SEAL_KEY_BYTES), hash);
    memcpy(out, hash, KEY_ID);
}

static const unsigned char *find_key(const struct keyring *k, const unsigned char id[KEY_ID])
{
    for (size_t i = 0; i < k->n; i++) {
        unsigned char own[KEY_ID];
        key_id(k->keys[i], own);
        if (memcmp(own, id, KEY_ID) == 0)
            return k->keys[i];
    }
    return NULL;
}

/* ---- AES-256-GCM (NIST SP 800-38D) ---- */

static const unsigned char *bytes(struct str s)
{
    return (const unsigned char *)s.p;
}

struct str seal(struct arena *a, const struct keyring *k, struct str about, struct secret plain)
{
    struct str text = secret_reveal(plain);
    must(k->n > 0 && text.n < INT32_MAX);
    unsigned char *out = arena_alloc(a, HEAD + text.n + TAG);
    if (!out)
        return str_of(NULL, 0);
    out[0] = VERSION;
    key_id(k->keys[0], out + 1);
    random_bytes(out + 1 + KEY_ID, NONCE);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0, rest = 0;
    bool ok = c && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, k->keys[0], out + 1 + KEY_ID) == 1 &&
              EVP_EncryptUpdate(c, NULL, &n, bytes(about), (int)about.n) == 1 &&
              EVP_EncryptUpdate(c, out + HEAD, &n, bytes(text), (int)text.n) == 1 &&
              EVP_EncryptFinal_ex(c, out + HEAD + n, &rest) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, out + HEAD + text.n) == 1;
    EVP_CIPHER_CTX_free(c);
    must(ok);
    return str_of((char *)out, HEAD + text.n + TAG);
}

enum err seal_open(struct arena *a, const struct keyring *k, struct str about, struct str sealed,
                   struct secret *ret)
{
    if (sealed.n < HEAD + TAG || sealed.p[0] != VERSION)
        return E_CREDENTIAL;
    const unsigned char *in = bytes(sealed), *key = find_key(k, in + 1);
    size_t size = sealed.n - HEAD - TAG;
    unsigned char *out = arena_alloc(a, size + 1);
    if (!out)
        return E_FULL;
    EVP_CIPHER_CTX *c = key ? EVP_CIPHER_CTX_new() : NULL;
    int n = 0, rest = 0;
    bool ok = c && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, in + 1 + KEY_ID) == 1 &&
              EVP_DecryptUpdate(c, NULL, &n, bytes(about), (int)about.n) == 1 &&
              EVP_DecryptUpdate(c, out, &n, in + HEAD, (int)size) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG, (void *)(uintptr_t)(in + HEAD + size)) == 1 &&
              EVP_DecryptFinal_ex(c, out + n, &rest) == 1;
    EVP_CIPHER_CTX_free(c);
    if (!ok)
        return E_CREDENTIAL;
    out[size] = '\0';
    *ret = secret_of(str_of((char *)out, size));
    return E_OK;
}

bool seal_is_current(const struct keyring *k, struct str sealed)
{
    return sealed.n > HEAD && find_key(k, bytes(sealed) + 1) == k->keys[0];
}
