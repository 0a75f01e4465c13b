/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/code_state.h"

#include <stdio.h>

enum { PAGE = 100 };

struct asking {
    struct code_set *set;
    const struct daemon *daemon;
    const struct code_set *want;
    struct str only;
};

/* ---- paths ---- */

struct str code_path(struct arena *a, const struct code_kind *kind, const struct code_object *parent)
{
    struct str pattern = str_c(kind->path), id = parent ? parent->id : STR("");
    size_t at = str_search(pattern, STR("%.*s"));
    if (at >= pattern.n)
        return pattern;
    return arena_join(a, (const struct str[]){str_head(pattern, at), id, str_from(pattern, at + 4)}, 3);
}

struct str code_object_path(struct arena *a, const struct code_object *o)
{
    return arena_join(a, (const struct str[]){code_path(a, o->kind, o->parent), STR("/"), o->id}, 3);
}

static struct str page_path(struct asking *k, const struct code_kind *kind, const struct code_object *parent,
                            int page)
{
    struct arena *a = k->set->arena;
    struct str path = code_path(a, kind, parent);
    if (!kind->parent_member)
        return arena_printf(a, "%.*s?per_page=%d&page=%d", STR_FMT(path), PAGE, page);
    return arena_printf(a, "%.*s?per_page=%d&page=%d&%s=%.*s", STR_FMT(path), PAGE, page, kind->parent_member,
                        STR_FMT(parent->id));
}

/* ---- asking ---- */

static bool is_asked_for(const struct asking *k, const struct code_kind *kind,
                         const struct code_object *parent)
{
    if (!k->want)
        return kind->parent != CODE_KINDS || kind == &code_kinds[CODE_GATEWAY] || !k->only.p;
    if (!parent)
        return k->want->mentions & code_bit(kind);
    const struct code_object *said = code_set_find(k->want, parent->kind, NULL, parent->name);
    return said ? said->mentions & code_bit(kind)
                : kind->unique; /* of one that may go: its name may be wanted */
}

static void take(struct asking *k, const struct code_kind *kind, struct code_object *parent,
                 const struct json_val *members)
{
    struct str name = code_name_of(k->set->arena, kind, members, true);
    if (!name.p || (kind == &code_kinds[CODE_GATEWAY] && k->only.p && !str_eq(name, k->only)))
        return;
    if (code_set_find(k->set, kind, parent, name)) { /* names of datasets may be the same: newest first */
        fprintf(stderr, "%s: several of one name: only the newest %s %.*s is looked at\n", k->daemon->command,
                kind->one, STR_FMT(name));
        return;
    }
    struct code_object *o = code_set_add(k->set, kind, parent, name, members, true);
    if (o)
        o->id = arena_dup(k->set->arena, json_str(json_get(members, kind->id)));
}

static const struct json_val *list_in(const struct code_kind *kind, const struct json_val *answer)
{
    if (!kind->answer_list[0])
        return json_get(answer, "result");
    return json_get(json_get(answer, kind->answer_list[0]), kind->answer_list[1]);
}

/* All pages; an object that comes or goes meanwhile may be missed, and the API then refuses what follows. */
static bool read_kind(struct asking *k, const struct code_kind *kind, struct code_object *parent)
{
    size_t n = PAGE;
    for (int page = 1; n == PAGE; page++) {
        struct daemon_answer answer;
        bool good = daemon_call(k->daemon, "GET", page_path(k, kind, parent, page), STR(""), &answer);
        const struct json_val *list = list_in(kind, json_root(answer.doc));
        n = good ? json_count(list) : 0;
        for (struct json_iter it = json_iter(list); good && json_next(&it);)
            take(k, kind, parent, it.val);
        daemon_answer_done(&answer);
        if (!good)
            return false;
    }
    return true;
}

static bool read_children(struct asking *k, struct code_object *parent)
{
    bool good = true;
    for (size_t i = 0; i < CODE_KINDS && good; i++)
        if (code_kinds[i].parent == (enum code_kind_id)(parent->kind - code_kinds) &&
            is_asked_for(k, &code_kinds[i], parent))
            good = read_kind(k, &code_kinds[i], parent);
    return good;
}

bool code_state_read(struct code_set *ret, const struct daemon *d, const struct code_set *want,
                     const char *only)
{
    struct asking k = {ret, d, want, str_c(only)};
    bool good = true;
    for (size_t i = 0; i < CODE_KINDS && good; i++)
        if (code_kinds[i].parent == CODE_KINDS && is_asked_for(&k, &code_kinds[i], NULL))
            good = read_kind(&k, &code_kinds[i], NULL);
    for (struct code_object *o = ret->first; o && good; o = o->next)
        if (!o->parent)
            good = read_children(&k, o);
    if (good && ret->full)
        fprintf(stderr, "%s: there is more than fits in memory\n", d->command);
    return good && !ret->full;
}
