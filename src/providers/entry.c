/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/entry.h"
#include "base/buf.h"
#include "base/limits.h"
#include "providers/codec.h"

static const struct entry entries[] = {
#define ENTRY(slug, dialect, path, quirks) {S(slug), dialect, S(path), quirks},
#include "providers/entries.def"
#undef ENTRY
};

/* Other names of slugs in front of a model's name. */
static const struct {
    struct str prefix, slug;
} aliases[] = {
    {S("google"), S("google-ai-studio")}, {S("perplexity"), S("perplexity-ai")}, {S("xai"), S("grok")}};

bool model_name_split(struct str name, struct model_name *ret)
{
    struct str rest = name, prefix = str_cut(&rest, '/');
    if (str_starts(name, STR("@cf/"))) {
        *ret = (struct model_name){STR("workers-ai"), name};
        return true;
    }
    for (size_t i = 0; i < countof(aliases); i++)
        if (str_eq(prefix, aliases[i].prefix))
            prefix = aliases[i].slug;
    const struct provider *p = rest.n ? provider_find(prefix) : NULL;
    if (!p && rest.n && str_eq(prefix, provider_mock()->slug))
        p = provider_mock();
    if (!p)
        return false;
    *ret = (struct model_name){p->slug, rest};
    return true;
}

const struct entry *entry_find(struct str slug, enum dialect client)
{
    const struct entry *own = NULL;
    for (size_t i = 0; i < countof(entries); i++) {
        if (!str_eq(entries[i].slug, slug))
            continue;
        own = own ? own : &entries[i];
        if (entries[i].dialect == client)
            return &entries[i];
    }
    return own;
}

struct str entry_provider(size_t i)
{
    for (size_t k = 0; k < countof(entries); k++) {
        bool seen = k > 0 && str_eq(entries[k].slug, entries[k - 1].slug);
        if (!seen && i-- == 0)
            return entries[k].slug;
    }
    return str_of(NULL, 0);
}

/* RFC 3986 section 2.3: what need not be escaped in a path segment, and what else is to stay. */
static void put_escaped(struct buf *out, struct str s, const char *plain_too)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && (strchr("-._~@", c) || strchr(plain_too, c)));
        if (plain) {
            (void)buf_append_byte(out, (char)c);
        } else {
            const char escape[] = {'%', hex[c >> 4], hex[c & 15]};
            (void)buf_append(out, str_of(escape, sizeof(escape)));
        }
    }
}

static void put_piece(struct buf *out, struct str piece, const struct entry_place *place)
{
    const struct {
        struct str name, value;
        const char *plain_too;
    } names[] = {{S("model"), place->model, ""},
                 {S("path"), place->model, "/"},
                 {S("project"), place->project, ""},
                 {S("region"), place->region, ""}};
    for (size_t i = 0; i < countof(names); i++)
        if (str_eq(piece, names[i].name)) {
            put_escaped(out, names[i].value, names[i].plain_too);
            return;
        }
    struct str whole = str_cut(&piece, '|');
    (void)buf_append(out, place->stream ? piece : whole);
}

enum err entry_path(struct arena *a, const struct entry *e, const struct entry_place *place,
                    struct str *ret_rest, struct str *ret_query)
{
    struct buf b;
    struct str left = e->path;
    buf_init(&b, HTTP_TARGET_BYTES);
    while (left.p) {
        (void)buf_append(&b, str_cut(&left, '{'));
        if (left.p)
            put_piece(&b, str_cut(&left, '}'), place);
    }
    struct str rest = b.full ? str_of(NULL, 0) : arena_dup(a, buf_str(&b));
    buf_done(&b);
    if (!rest.p)
        return E_FULL;
    *ret_rest = str_cut(&rest, '?');
    *ret_query = rest;
    return E_OK;
}
