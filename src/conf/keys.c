/* SPDX-License-Identifier: Apache-2.0 */
/* The table of settings, their names in both spellings, and suggestions for misspelt ones. */
#include "conf/keys.h"

#include <stdio.h>

const struct key conf_keys[] = {
#define KEY_INT(name, field, def, min, max, flags, doc)                                                      \
    {S(name), KIND_INT, flags, offsetof(struct conf, field), def, min, max, S(""), doc},
#define KEY_BOOL(name, field, def, flags, doc)                                                               \
    {S(name), KIND_BOOL, flags, offsetof(struct conf, field), def, 0, 1, S(""), doc},
#define KEY_STR(name, field, def, flags, doc)                                                                \
    {S(name), KIND_STR, flags, offsetof(struct conf, field), 0, 0, 0, S(def), doc},
#define KEY_STRS(name, field, flags, doc)                                                                    \
    {S(name), KIND_STRS, flags, offsetof(struct conf, field), 0, 0, 0, S(""), doc},
#define KEY_JSON(name, field, flags, doc)                                                                    \
    {S(name), KIND_JSON, flags, offsetof(struct conf, field), 0, 0, 0, S("[]"), doc},
#define KEY_SECRET(name, field, flags, doc)                                                                  \
    {S(name), KIND_SECRET, flags, offsetof(struct conf, field), 0, 0, 0, S(""), doc},
#include "conf/keys.def"
#undef KEY_INT
#undef KEY_BOOL
#undef KEY_STR
#undef KEY_STRS
#undef KEY_JSON
#undef KEY_SECRET
};
const size_t conf_n_keys = countof(conf_keys);

const struct other_variable conf_others[] = {
    {S("WEIR_CONFIG"), "path of the settings file, like `--config`"},
    {S("WEIR_ACCOUNT_ID"), "id of the account that the first start creates: 32 lower-case hex digits"},
    {S("WEIR_ROOT_TOKEN"), "the root token that the first start creates"},
    {S("WEIR_MASTER_KEY"),
     "what stored provider keys are sealed under, 32 bytes in hex or base64: before `master_key.file`"},
    {S("WEIR_BASE_URL"), "address of the gateway, for the commands that talk to a running one"},
    {S("WEIR_TOKEN"), "token for those commands"},
};
const size_t conf_n_others = countof(conf_others);

static const struct str prefix = S("WEIR_");

struct name key_variable(const struct key *k)
{
    struct name v = {.n = prefix.n + k->name.n};
    must(v.n <= sizeof(v.p));
    memcpy(v.p, prefix.p, prefix.n);
    for (size_t i = 0; i < k->name.n; i++) {
        char c = k->name.p[i];
        v.p[prefix.n + i] = c == '.' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return v;
}

const struct key *key_named(struct str name)
{
    for (size_t i = 0; i < conf_n_keys; i++)
        if (str_eq(conf_keys[i].name, name))
            return &conf_keys[i];
    return NULL;
}

const struct key *key_of_variable(struct str variable)
{
    for (size_t i = 0; i < conf_n_keys; i++) {
        struct name v = key_variable(&conf_keys[i]);
        if (str_eq(name_str(&v), variable))
            return &conf_keys[i];
    }
    return NULL;
}

/*
 * Kubernetes gives every container variables for every Service of its namespace, so a Service
 * named "weir" or "weir-x" comes as WEIR_SERVICE_HOST, WEIR_PORT, WEIR_X_PORT_8787_TCP, ...
 */
static bool is_service_link(struct str variable, struct str value)
{
    if (str_ends(variable, STR("_SERVICE_HOST")) || str_has(variable, STR("_SERVICE_PORT")))
        return true;
    return str_has(variable, STR("_PORT")) &&
           (str_has(value, STR("://")) || str_has(variable, STR("_TCP")) || str_has(variable, STR("_UDP")));
}

bool is_other_variable(struct str variable, struct str value)
{
    for (size_t i = 0; i < conf_n_others; i++)
        if (str_eq(conf_others[i].name, variable))
            return true;
    return is_service_link(variable, value);
}

/* ---- mistakes ---- */

static _Thread_local char why[512];

bool conf_fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(why, sizeof(why), fmt, args);
    va_end(args);
    return false;
}

const char *conf_why(void)
{
    return why;
}

struct nearest {
    struct name name;
    size_t distance;
};

/* Takes the candidate when it is nearer; with half of it to be changed there is no likeness. */
static void consider(struct nearest *best, struct str wrong, struct str candidate)
{
    size_t d = str_distance(wrong, candidate);
    if (d >= best->distance || d > candidate.n / 2)
        return;
    best->distance = d;
    memcpy(best->name.p, candidate.p, candidate.n);
    best->name.n = candidate.n;
}

bool unknown_key(const char *where, struct str name)
{
    struct nearest best = {.distance = SIZE_MAX};
    for (size_t i = 0; i < conf_n_keys; i++)
        consider(&best, name, conf_keys[i].name);
    if (best.name.n == 0)
        return conf_fail("%s: no such key; `weir docs config` lists all", where);
    return conf_fail("%s: no such key; did you mean \"%.*s\"?", where, STR_FMT(name_str(&best.name)));
}

bool unknown_variable(struct str variable)
{
    struct nearest best = {.distance = SIZE_MAX};
    for (size_t i = 0; i < conf_n_keys; i++) {
        struct name v = key_variable(&conf_keys[i]);
        consider(&best, variable, name_str(&v));
    }
    for (size_t i = 0; i < conf_n_others; i++)
        consider(&best, variable, conf_others[i].name);
    struct str shown = str_head(variable, CONF_NAME_BYTES);
    if (best.name.n == 0)
        return conf_fail("%.*s: no such setting; `weir docs config` lists all", STR_FMT(shown));
    return conf_fail("%.*s: no such setting; did you mean %.*s?", STR_FMT(shown),
                     STR_FMT(name_str(&best.name)));
}
