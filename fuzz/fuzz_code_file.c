/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of weir apply from arbitrary text. What is taken becomes calls whose bodies are JSON, one for each
 * thing; what is refused has a place. Written as an export it is taken again, as the same things.
 */
#include "base/limits.h"
#include "cli/apply_plan.h"
#include "cli/code_export.h"
#include "cli/code_file.h"
#include "cli/code_text.h"

static bool find_secret(void *arg, struct str from, struct str name, struct secret *ret)
{
    (void)arg, (void)from;
    *ret = secret_of(name);
    return true;
}

static size_t count(const struct code_set *set)
{
    size_t n = 0;
    for (const struct code_object *o = set->first; o; o = o->next)
        n++;
    return n;
}

static void check_bodies(const struct apply_plan *p)
{
    struct code_secrets secrets = {.find = find_secret};
    for (const struct apply_call *call = p->first; call; call = call->next) {
        struct buf body;
        buf_init(&body, 16 * MIB);
        apply_body(&body, call, &secrets);
        struct json_doc *doc = json_parse(buf_str(&body));
        must(call->action == APPLY_CREATE && json_type(json_root(doc)) == JSON_OBJECT);
        json_free(doc);
        buf_done(&body);
    }
}

static void check_plan(struct code_set *want, struct arena *a)
{
    struct code_set nothing;
    struct apply_plan p;
    struct buf text;
    code_set_init(&nothing, a);
    apply_plan(&p, a, want, &nothing, &(struct apply_options){.prune = true});
    if (p.full)
        return;
    must(p.n == count(want) && p.count[APPLY_CREATE] == p.n && !p.kept);
    check_bodies(&p);
    buf_init(&text, 64 * MIB);
    code_plan_text(&text, &p, true);
    code_plan_json(&text, &p, 0);
    buf_done(&text);
}

static void check_export(const struct code_set *set)
{
    struct arena a;
    struct code_set again;
    struct buf text, wrong;
    arena_init(&a, 64 * MIB);
    buf_init(&text, 64 * MIB);
    buf_init(&wrong, MIB);
    code_set_init(&again, &a);
    code_export(&text, set);
    enum err e = code_file_read(&again, "f", buf_str(&text), &wrong);
    must(e == E_FULL || (e == E_OK && count(&again) == count(set)));
    code_set_done(&again);
    buf_done(&wrong);
    buf_done(&text);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct code_set set;
    struct buf wrong;
    arena_init(&a, 64 * MIB);
    buf_init(&wrong, MIB);
    code_set_init(&set, &a);
    enum err e = code_file_read(&set, "f", str_of((const char *)data, size), &wrong);
    must((e == E_SYNTAX) == (wrong.n > 0));
    must(e != E_SYNTAX || str_starts(buf_str(&wrong), STR("f:")));
    if (e == E_OK) {
        check_plan(&set, &a);
        check_export(&set);
    }
    code_set_done(&set);
    buf_done(&wrong);
    arena_done(&a);
    return 0;
}
