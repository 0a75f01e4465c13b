/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of KIND_TOKEN as the catalogue's tokens. */
#include "store/token.h"
#include "base/json.h"

bool token_read(const struct object *o, struct token *ret)
{
    struct json_doc *doc = json_parse(o->settings);
    const struct json_val *root = json_root(doc);
    int64_t permissions = 0, expires = 0;
    bool ok = o->secret.n == SHA256_BYTES && json_uint(json_get(root, "permissions"), &permissions);
    (void)json_uint(json_get(root, "expires_ms"), &expires);
    json_free(doc);
    *ret = (struct token){.id = o->id,
                          .object = o,
                          .account = o->account,
                          .name = o->name,
                          .permissions = (unsigned)permissions & PERM_ALL,
                          .created_ms = o->created_ms,
                          .expires_ms = expires};
    if (ok)
        memcpy(ret->hash, o->secret.p, SHA256_BYTES);
    return ok;
}

struct str token_settings(struct arena *a, unsigned permissions, int64_t expires_ms)
{
    return arena_printf(a, "{\"permissions\":%u,\"expires_ms\":%lld}", permissions, (long long)expires_ms);
}
