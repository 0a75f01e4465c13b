/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings from arbitrary text. The input is the file; after a NUL byte come environment variables,
 * NUL between them. What is accepted must be freed without a leak, what is refused has a reason.
 */
#include "base/limits.h"
#include "conf/conf.h"

enum { VARIABLES = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct conf_options no_options;
    if (size > CONF_FILE_BYTES)
        return 0;
    char *copy = mem_alloc(size + 1);
    memcpy(copy, data, size);
    copy[size] = '\0';

    struct str rest = str_of(copy, size);
    struct str text = str_cut(&rest, '\0');
    const char *env[VARIABLES + 1] = {NULL};
    for (size_t n = 0; n < VARIABLES && rest.p; n++)
        env[n] = str_cut(&rest, '\0').p;

    const char *why = NULL;
    struct conf *c = conf_parse(text, "fuzz", &no_options, env, &why);
    must(c || (why && *why));
    must(!c || c->listen.n > 0);
    conf_free(c);
    mem_free(copy);
    return 0;
}
