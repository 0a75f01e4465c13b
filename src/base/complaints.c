/* SPDX-License-Identifier: Apache-2.0 */
#include "base/complaints.h"

#include <stdio.h>

void complaints_init(struct complaints *list, struct arena *a, const char *place)
{
    *list = (struct complaints){.arena = a, .place = place};
    list->last = &list->first;
}

void complain(struct complaints *list, struct str key, const char *fmt, ...)
{
    static struct complaint nowhere; /* past the arena's cap the answer says less, but still 400 */
    struct complaint *one = arena_new(list->arena, struct complaint);
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (!one) {
        if (!list->first)
            list->first = &nowhere;
        return;
    }
    one->key = key;
    one->message = arena_dup(list->arena, str_c(text));
    *list->last = one;
    list->last = &one->next;
}

struct str complaint_in(struct complaints *list, struct str at, struct str name)
{
    char *p = arena_alloc(list->arena, at.n + 1 + name.n);
    size_t n = 0;
    if (!p)
        return at;
    if (at.n) {
        memcpy(p, at.p, at.n);
        p[at.n] = '.';
        n = at.n + 1;
    }
    for (size_t i = 0; i < name.n; i++)
        p[n++] = name.p[i] == '.' ? COMPLAINT_DOT : name.p[i];
    return str_of(p, n);
}

struct str complaint_nth(struct complaints *list, struct str at, size_t i)
{
    return arena_printf(list->arena, "%.*s.%zu", STR_FMT(at), i);
}

struct str complaint_shown(struct arena *a, struct str key)
{
    char *p = str_find(key, COMPLAINT_DOT) < key.n ? arena_alloc(a, key.n) : NULL;
    for (size_t i = 0; p && i < key.n; i++)
        p[i] = key.p[i] == COMPLAINT_DOT ? '.' : key.p[i];
    return p ? str_of(p, key.n) : key;
}
