/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custom providers (data plane section 29, control plane section 8): what accounts have registered, in the
 * form of provider rows, with the lines and prices that go with them. Made of a catalogue, immutable; one for
 * each view.
 */
#pragma once
#include "providers/embed.h"
#include "providers/price_rules.h"
#include "store/catalog.h"

/* In front of a custom provider's slug wherever a provider's stands. */
#define CUSTOM_PREFIX "custom-"

struct custom {
    struct provider provider; /* slug "custom-x" */
    struct entry chat;        /* where compat requests go */
    struct embed_row embeddings;
    const struct object *object;
    struct headers headers;     /* static lines that go with every call */
    struct price_rules *prices; /* NULL: none */
};

struct customs;

struct customs *customs_new(const struct catalog *c);
void customs_free(struct customs *all); /* accepts NULL */

/* The enabled provider of an account with this slug ("custom-x"); NULL: none. */
const struct custom *customs_find(const struct customs *all, struct str account, struct str slug);
/* The enabled one that this object is (by its number); NULL: none. */
const struct custom *customs_at(const struct customs *all, int64_t object);
/* The custom provider whose row this is; NULL: it is one of providers.def. */
const struct custom *custom_of(const struct provider *p);

/*
 * A cost object's settings as a rule of price_rules.h; what weir does not count (images) is left out. p ==
 * NULL: past the arena's cap.
 */
struct str custom_price_rule(struct arena *a, struct str slug, struct str settings);
/* Static headers as they are stored, a JSON object as text. E_SYNTAX: not one of texts that may stand in a
 * header; *ret_why (static) says why. `ret` may be NULL. */
enum err custom_headers_read(struct arena *a, struct str json, struct headers *ret,
                             const char **ret_why) MUST_CHECK;
