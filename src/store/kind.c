/* SPDX-License-Identifier: Apache-2.0 */
#include "store/change.h"

static const struct {
    struct str word, resource;
} kinds[] = {
#define KIND(name, word, resource) [name] = {S(word), S(resource)},
#include "store/kinds.def"
#undef KIND
};

struct str kind_word(enum object_kind k)
{
    return kinds[k].word;
}

struct str kind_resource(enum object_kind k)
{
    return kinds[k].resource;
}
