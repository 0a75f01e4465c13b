/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings come from four sources, the later winning: defaults of keys.def, the file, WEIR_
 * variables, options of the command line. Each source ends in `set`, which checks type and range
 * and stores into the snapshot; conf_check then looks at the result as a whole.
 *
 * The first mistake ends the reading. Its text says where it is (file and line, variable, option),
 * which key it is about, and what would be right.
 */
#include "conf/keys.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const struct str default_file = S("weir.jsonc");
static const struct str variable_prefix = S("WEIR_");
static const struct str provider_prefix = S("WEIR_PROVIDERS_");

/* ---- values ---- */

/* A value as its source has it: JSON from the file, text from everywhere else. */
struct value {
    const struct json_val *json;
    struct str text; /* when json is NULL */
};

static bool value_int(struct value v, int64_t *ret)
{
    return v.json ? json_uint(v.json, ret) : str_to_int(v.text, ret) == E_OK;
}

static bool value_bool(struct value v, bool *ret)
{
    if (!v.json)
        return str_to_bool(v.text, ret) == E_OK;
    *ret = json_bool(v.json, false);
    return json_type(v.json) == JSON_BOOL;
}

/* File names and the like go to C functions: a NUL byte inside would cut them. */
static bool value_str(struct value v, struct str *ret)
{
    *ret = v.json ? json_str(v.json) : v.text;
    return ret->p && str_find(*ret, '\0') == ret->n;
}

static bool keep(struct conf *c, struct str s, struct str *ret)
{
    struct str copy = arena_dup(&c->arena, s);
    if (!copy.p)
        return conf_fail("the settings take more than %d bytes together", CONF_ARENA_BYTES);
    *ret = copy;
    return true;
}

static bool append(struct conf *c, const char *where, struct str s, struct conf_strs *list)
{
    if (list->n == CONF_LIST)
        return conf_fail("%s: more than %d entries", where, CONF_LIST);
    return keep(c, s, &list->v[list->n]) && ++list->n;
}

/* An array of texts, or one text with commas between the entries. */
static bool set_strs(struct conf *c, const char *where, struct value v, struct conf_strs *ret)
{
    struct conf_strs list = {.v = arena_alloc(&c->arena, CONF_LIST * sizeof(struct str))};
    bool ok = list.v != NULL && (!v.json || json_type(v.json) == JSON_ARRAY);
    struct str entry;
    for (struct json_iter it = json_iter(v.json); ok && json_next(&it);) {
        ok = value_str((struct value){.json = it.val}, &entry);
        if (ok && !append(c, where, entry, &list))
            return false;
    }
    for (struct str rest = v.text; ok && rest.n > 0;) {
        entry = str_trim(str_cut(&rest, ','));
        ok = entry.n > 0;
        if (ok && !append(c, where, entry, &list))
            return false;
    }
    if (!ok)
        return conf_fail("%s: needs a list of texts: [\"a\", \"b\"] in the file, a,b elsewhere", where);
    *ret = list;
    return true;
}

static bool set_int(const struct key *k, const char *where, struct value v, int64_t *ret)
{
    int64_t n;
    if (!value_int(v, &n) || n < k->min || n > k->max)
        return conf_fail("%s: needs a whole number from %lld to %lld", where, (long long)k->min,
                         (long long)k->max);
    *ret = n;
    return true;
}

static bool set_bool(const char *where, struct value v, bool *ret)
{
    return value_bool(v, ret) || conf_fail("%s: needs true or false", where);
}

static bool set_str(struct conf *c, const char *where, struct value v, struct str *ret)
{
    struct str s;
    if (!value_str(v, &s))
        return conf_fail("%s: needs a text in quotes", where);
    return keep(c, s, ret);
}

/* Compact, whatever the file's comments and line breaks. */
static bool set_json(struct conf *c, const char *where, struct value v, struct str *ret)
{
    struct json_doc *doc = v.json ? NULL : json_parse(v.text);
    const struct json_val *list = v.json ? v.json : json_root(doc);
    struct buf text;
    buf_init(&text, CONF_FILE_BYTES);
    struct json_out w = json_out(&text);
    bool ok = json_type(list) == JSON_ARRAY;
    if (ok)
        json_put_val(&w, list);
    ok = ok && !text.full ? keep(c, buf_str(&text), ret)
                          : conf_fail("%s: needs a list of objects, [{...}], also in a variable", where);
    buf_done(&text);
    json_free(doc);
    return ok;
}

static bool set_secret(struct conf *c, const char *where, struct value v, struct secret *ret)
{
    struct str s;
    if (!set_str(c, where, v, &s))
        return false;
    *ret = secret_of(s);
    return true;
}

static bool set(struct conf *c, const struct key *k, const char *where, struct value v)
{
    void *field = (char *)c + k->at;
    switch (k->kind) {
    case KIND_INT: return set_int(k, where, v, field);
    case KIND_BOOL: return set_bool(where, v, field);
    case KIND_STR: return set_str(c, where, v, field);
    case KIND_STRS: return set_strs(c, where, v, field);
    case KIND_JSON: return set_json(c, where, v, field);
    case KIND_SECRET: return set_secret(c, where, v, field);
    }
    return false;
}

static void set_defaults(struct conf *c)
{
    for (size_t i = 0; i < conf_n_keys; i++) {
        void *field = (char *)c + conf_keys[i].at;
        switch (conf_keys[i].kind) {
        case KIND_INT: *(int64_t *)field = conf_keys[i].initial; break;
        case KIND_BOOL: *(bool *)field = conf_keys[i].initial != 0; break;
        case KIND_STR:
        case KIND_JSON: *(struct str *)field = conf_keys[i].text; break;
        case KIND_STRS:
        case KIND_SECRET: break; /* empty: the memory is zeroed */
        }
    }
}

/* ---- providers ---- */

static struct conf_provider *provider_row(const struct conf *c, struct str slug)
{
    for (size_t i = 0; i < c->n_providers; i++)
        if (str_eq(c->providers[i].slug, slug))
            return &c->providers[i];
    return NULL;
}

static bool is_slug(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-'))
            return false;
    return s.n > 0;
}

static struct conf_provider *add_provider(struct conf *c, const char *where, struct str slug)
{
    if (!c->providers)
        c->providers = arena_alloc(&c->arena, CONF_PROVIDERS * sizeof(struct conf_provider));
    struct conf_provider row = {.origin = STR(""), .usage_injection = true};
    if (!c->providers || c->n_providers == CONF_PROVIDERS) {
        (void)conf_fail("%s: more than %d providers", where, CONF_PROVIDERS);
        return NULL;
    }
    if (!is_slug(slug)) {
        (void)conf_fail("%s: a provider's name has lower-case letters, digits and '-'", where);
        return NULL;
    }
    if (!keep(c, slug, &row.slug))
        return NULL;
    c->providers[c->n_providers] = row;
    return &c->providers[c->n_providers++];
}

static bool set_provider(struct conf *c, const char *where, struct str slug, struct str field, struct value v)
{
    struct conf_provider *row = provider_row(c, slug);
    bool is_origin = str_eq(field, STR("origin"));
    if (!is_origin && !str_eq(field, STR("usage_injection")))
        return conf_fail("%s: no such key; a provider has \"origin\" and \"usage_injection\"", where);
    if (!row)
        row = add_provider(c, where, slug);
    if (!row)
        return false;
    return is_origin ? set_str(c, where, v, &row->origin) : set_bool(where, v, &row->usage_injection);
}

/* ---- the file ---- */

enum { WHERE_BYTES = 200 + CONF_NAME_BYTES + 32 };

struct file {
    struct conf *c;
    const char *name;
    struct str text;
    const struct json_doc *doc;
    struct str seen[CONF_SETTINGS]; /* names set so far, to refuse a second time */
    size_t n_seen;
};

static bool once(struct file *f, const char *where, struct str name)
{
    for (size_t i = 0; i < f->n_seen; i++)
        if (str_eq(f->seen[i], name))
            return conf_fail("%s: is set a second time", where);
    if (f->n_seen == CONF_SETTINGS)
        return conf_fail("%s: more than %d settings", where, CONF_SETTINGS);
    return keep(f->c, name, &f->seen[f->n_seen++]);
}

/* Does the name stand for an object whose members are keys? */
static bool is_group(struct str name)
{
    struct str rest = name;
    if (str_eq(str_cut(&rest, '.'), STR("providers")))
        return str_find(rest, '.') == rest.n;
    for (size_t i = 0; i < conf_n_keys; i++)
        if (str_starts(conf_keys[i].name, name) && conf_keys[i].name.p[name.n] == '.')
            return true;
    return false;
}

static bool set_named(struct file *f, const char *where, struct str name, const struct json_val *v)
{
    const struct key *k = key_named(name);
    struct str field = name;
    bool is_provider = str_eq(str_cut(&field, '.'), STR("providers"));
    struct str slug = str_cut(&field, '.');
    if (!k && !(is_provider && field.p))
        return unknown_key(where, name);
    if (!once(f, where, name))
        return false;
    struct value value = {.json = v};
    return k ? set(f->c, k, where, value) : set_provider(f->c, where, slug, field, value);
}

/* "group.key", cut where it is longer than any name we know. */
static struct name join(struct str group, struct str key)
{
    struct name n = {.n = group.n};
    memcpy(n.p, group.p, group.n);
    if (group.n && n.n < sizeof(n.p))
        n.p[n.n++] = '.';
    struct str rest = str_head(key, sizeof(n.p) - n.n);
    memcpy(n.p + n.n, rest.p, rest.n);
    n.n += rest.n;
    return n;
}

/* "limits": {"max_body_bytes": 1} and "limits.max_body_bytes": 1 are the same key. */
static bool read_object(struct file *f, struct str group, const struct json_val *object)
{
    for (struct json_iter it = json_iter(object); json_next(&it);) {
        char where[WHERE_BYTES];
        struct name n = join(group, it.key);
        struct str name = name_str(&n);
        size_t line, column;
        str_position(f->text, json_offset(f->doc, it.key_val), &line, &column);
        (void)snprintf(where, sizeof(where), "%.200s:%zu: %.*s", f->name, line, STR_FMT(name));
        bool ok;
        if (!is_group(name))
            ok = set_named(f, where, name, it.val);
        else if (json_type(it.val) == JSON_OBJECT)
            ok = read_object(f, name, it.val);
        else
            ok = conf_fail("%s: needs an object, {...}", where);
        if (!ok)
            return false;
    }
    return true;
}

static bool read_text(struct conf *c, const char *name, struct str text)
{
    size_t at = 0, line, column;
    const char *reason = NULL;
    struct json_doc *doc = json_parse_relaxed(text, &at, &reason);
    str_position(text, at, &line, &column);
    if (!doc)
        return conf_fail("%s:%zu:%zu: not valid JSON: %s", name, line, column,
                         reason ? reason : "nested too deeply");
    struct file f = {.c = c, .name = name, .text = text, .doc = doc};
    bool ok = json_type(json_root(doc)) == JSON_OBJECT ? read_object(&f, STR(""), json_root(doc))
                                                       : conf_fail("%s: needs an object, {...}", name);
    json_free(doc);
    return ok;
}

/* E_OK, E_NOT_FOUND, or E_IO with `why` set. */
static enum err slurp(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return E_NOT_FOUND;
    ssize_t got = fd < 0 ? -1 : 1;
    while (got > 0) {
        char *room = buf_room(out, 4096);
        got = room ? read(fd, room, 4096) : 0;
        if (got > 0)
            buf_grew(out, (size_t)got);
    }
    if (got < 0)
        (void)conf_fail("%s: cannot be read: %s", path, strerror(errno));
    else if (out->full)
        (void)conf_fail("%s: larger than %d bytes", path, CONF_FILE_BYTES);
    if (fd >= 0)
        (void)close(fd);
    return got < 0 || out->full ? E_IO : E_OK;
}

/* ---- environment and command line ---- */

/* WEIR_PROVIDERS_GOOGLE_AI_STUDIO_ORIGIN: slugs have '-' where variables have '_'. */
static struct name slug_of(struct str capitals)
{
    struct name slug = {.n = capitals.n};
    for (size_t i = 0; i < capitals.n; i++) {
        char c = capitals.p[i];
        slug.p[i] = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    return slug;
}

static bool set_provider_variable(struct conf *c, const char *where, struct str variable, struct str value)
{
    static const struct {
        struct str suffix, field;
    } fields[] = {{S("_ORIGIN"), S("origin")}, {S("_USAGE_INJECTION"), S("usage_injection")}};
    struct str name = str_from(variable, provider_prefix.n);
    for (size_t i = 0; i < countof(fields); i++) {
        if (!str_ends(name, fields[i].suffix))
            continue;
        struct name slug = slug_of(str_head(name, name.n - fields[i].suffix.n));
        return set_provider(c, where, name_str(&slug), fields[i].field, (struct value){.text = value});
    }
    return conf_fail("%s: no such setting; a provider has WEIR_PROVIDERS_<NAME>_ORIGIN and "
                     "WEIR_PROVIDERS_<NAME>_USAGE_INJECTION",
                     where);
}

static bool set_variable(struct conf *c, struct str variable, struct str value)
{
    char where[CONF_NAME_BYTES + 1];
    if (!str_starts(variable, variable_prefix) || is_other_variable(variable, value))
        return true;
    if (variable.n > CONF_NAME_BYTES)
        return unknown_variable(variable);
    (void)snprintf(where, sizeof(where), "%.*s", STR_FMT(variable));
    if (str_starts(variable, provider_prefix))
        return set_provider_variable(c, where, variable, value);
    const struct key *k = key_of_variable(variable);
    return k ? set(c, k, where, (struct value){.text = value}) : unknown_variable(variable);
}

static bool read_environment(struct conf *c, const char *const *env)
{
    for (; env && *env; env++) {
        struct str value = str_c(*env);
        struct str variable = str_cut(&value, '=');
        if (value.p && !set_variable(c, variable, value))
            return false;
    }
    return true;
}

static bool read_options(struct conf *c, const struct conf_options *o)
{
    const struct {
        const char *option, *value;
        struct str key;
    } given[] = {
        {"--listen", o->listen, S("listen")},
        {"--data", o->data, S("data")},
        {"--workers", o->workers, S("workers")},
    };
    for (size_t i = 0; i < countof(given); i++) {
        struct value v = {.text = str_c(given[i].value)};
        if (given[i].value && !set(c, key_named(given[i].key), given[i].option, v))
            return false;
    }
    return true;
}

/* ---- the whole ---- */

struct conf *conf_parse(struct str text, const char *file, const struct conf_options *options,
                        const char *const *env, const char **ret_why)
{
    struct conf *c = mem_zalloc(sizeof(*c));
    arena_init(&c->arena, CONF_ARENA_BYTES);
    set_defaults(c);
    bool ok = !file || (keep(c, str_c(file), &c->file) && read_text(c, file, text));
    if (ok && read_environment(c, env) && read_options(c, options) && conf_check(c))
        return c;
    conf_free(c);
    *ret_why = conf_why();
    return NULL;
}

/* The file that WEIR_CONFIG names; NULL when it is unset or empty. */
static const char *file_of_environment(const char *const *env)
{
    static const struct str assignment = S("WEIR_CONFIG=");
    for (; env && *env; env++)
        if (str_starts(str_c(*env), assignment) && (*env)[assignment.n])
            return *env + assignment.n;
    return NULL;
}

struct conf *conf_load(const struct conf_options *options, const char *const *env, const char **ret_why)
{
    const char *named = options->file ? options->file : file_of_environment(env);
    const char *path = named ? named : default_file.p;
    struct conf *c = NULL;
    struct buf text;
    buf_init(&text, CONF_FILE_BYTES);
    enum err e = slurp(path, &text);
    if (e == E_NOT_FOUND && named)
        (void)conf_fail("%s: there is no such file", path);
    if (e == E_OK || (e == E_NOT_FOUND && !named))
        c = conf_parse(buf_str(&text), e == E_OK ? path : NULL, options, env, ret_why);
    else
        *ret_why = conf_why();
    buf_done(&text);
    return c;
}

void conf_free(struct conf *c)
{
    if (!c)
        return;
    arena_wipe(&c->arena);
    mem_free(c);
}

const struct conf_provider *conf_provider(const struct conf *c, struct str slug)
{
    return provider_row(c, slug);
}
