/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a keyring, and sealed bytes that nobody sealed: refused, or what was put in. */
#include "base/seal.h"

static const struct keyring fixed = {.keys = {{1}}, .n = 1};

static void check_ring(struct arena *a, struct str text)
{
    struct keyring k;
    struct secret got;
    if (keyring_read(text, &k) != E_OK)
        return;
    must(k.n >= 1 && k.n <= SEAL_KEYS);
    struct str sealed = seal(a, &k, STR("about"), secret_of(text));
    must(sealed.p && seal_is_current(&k, sealed));
    must(seal_open(a, &k, STR("about"), sealed, &got) == E_OK && str_eq(secret_reveal(got), text));
    must(seal_open(a, &k, STR("else"), sealed, &got) == E_CREDENTIAL);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    char *copy = mem_alloc(n ? n : 1); /* of its own size, so that a read past the end is seen */
    struct arena a;
    struct secret got;
    if (n)
        memcpy(copy, data, n);
    arena_init(&a, (size_t)16 << 20);
    check_ring(&a, str_of(copy, n));
    must(seal_open(&a, &fixed, STR("about"), str_of(copy, n), &got) == E_CREDENTIAL);
    arena_done(&a);
    mem_free(copy);
    return 0;
}
