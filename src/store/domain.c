/* SPDX-License-Identifier: Apache-2.0 */
#include "store/domain.h"
#include "base/json.h"
#include "base/limits.h"

const struct domain *domain_read(struct arena *a, const struct object *o)
{
    struct domain *d = arena_new(a, struct domain);
    if (!d)
        return NULL;
    struct json_doc *doc = json_parse(o->settings);
    d->object = o;
    d->tls13 = str_eq(json_str(json_get(json_root(doc), "minTLS")), STR("1.3"));
    json_free(doc);
    return d;
}

static bool is_label(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool inside = c == '-' && i > 0 && i + 1 < s.n;
        if (!inside && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return false;
    }
    return s.n > 0 && s.n <= HOST_LABEL_BYTES;
}

bool domain_is_valid(struct str host)
{
    size_t labels = 0;
    struct str rest = host;
    for (; rest.p; labels++)
        if (!is_label(str_cut(&rest, '.')))
            return false;
    return labels > 1 && host.n <= HOST_NAME_BYTES;
}
