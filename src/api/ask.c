/* SPDX-License-Identifier: Apache-2.0 */
#include "api/ask.h"
#include "base/buf.h"
#include "http/http.h"

#include <stdio.h>

struct str query_decode(struct arena *a, struct str raw)
{
    return percent_decode(a, raw, true);
}

struct str segment_decode(struct arena *a, struct str raw)
{
    return str_find(raw, '%') == raw.n ? raw : percent_decode(a, raw, false);
}

struct str query_value(struct arena *a, struct str query, struct str name)
{
    struct str found = {NULL, 0};
    while (query.p) {
        struct str value = str_cut(&query, '&');
        struct str key = str_cut(&value, '=');
        if (str_find(key, '%') < key.n || str_find(key, '+') < key.n)
            key = query_decode(a, key);
        if (str_eq(key, name))
            found = value.p ? value : STR("");
    }
    return found.p ? query_decode(a, found) : found;
}

void ask_init(struct ask *k, struct arena *a, struct str query)
{
    k->query = query;
    complaints_init(&k->wrong, a, "query");
}

struct str ask_text(struct ask *k, const char *name)
{
    return query_value(k->wrong.arena, k->query, str_c(name));
}

int64_t ask_int(struct ask *k, const char *name, int64_t min, int64_t max, int64_t fallback)
{
    struct str text = ask_text(k, name);
    int64_t v = 0;
    if (!text.p)
        return fallback;
    enum err e = str_to_int(text, &v);
    if (e == E_SYNTAX && !str_starts(text, STR("-")))
        complain(&k->wrong, str_c(name), "Expected number, received nan");
    else if (e == E_SYNTAX || (e == E_OK && v < min))
        complain(&k->wrong, str_c(name), "Number must be greater than or equal to %lld", (long long)min);
    else if (e == E_FULL || v > max)
        complain(&k->wrong, str_c(name), "Number must be less than or equal to %lld", (long long)max);
    else
        return v;
    return fallback;
}

bool ask_bool(struct ask *k, const char *name, bool fallback)
{
    struct str text = ask_text(k, name);
    if (text.p && str_to_bool(text, &fallback))
        complain(&k->wrong, str_c(name), "Expected true or false");
    return fallback;
}

size_t ask_choice(struct ask *k, const char *name, const struct str *choices, size_t n, size_t fallback)
{
    struct str text = ask_text(k, name);
    if (!text.p)
        return fallback;
    char list[400] = "";
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (str_eq(text, choices[i]))
            return i;
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s'%.*s'", i ? " | " : "", STR_FMT(choices[i]));
        must(at < sizeof(list));
    }
    struct str shown = str_head(text, 64);
    complain(&k->wrong, str_c(name), "Invalid enum value. Expected %s, received '%.*s'", list,
             STR_FMT(shown));
    return fallback;
}
