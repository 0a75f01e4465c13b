/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process settings: an immutable snapshot read from weir.jsonc, WEIR_... variables and options, in
 * rising order of precedence. Every key is a row of keys.def.
 */
#pragma once
#include "base/buf.h"
#include "base/arena.h"
#include "base/secret.h"

struct conf_provider { /* providers.<slug> in the file, WEIR_PROVIDERS_<SLUG>_ORIGIN outside */
    struct str slug;
    struct str origin;    /* scheme://host[:port][/prefix] that replaces the row's */
    bool usage_injection; /* ask OpenAI-shaped streams for usage; default true */
};

struct conf_strs {
    struct str *v;
    size_t n;
};

struct conf {
#define KEY_INT(name, field, def, min, max, flags, doc) int64_t field;
#define KEY_BOOL(name, field, def, flags, doc) bool field;
#define KEY_STR(name, field, def, flags, doc) struct str field;
#define KEY_STRS(name, field, flags, doc) struct conf_strs field;
#define KEY_JSON(name, field, flags, doc) struct str field;
#define KEY_SECRET(name, field, flags, doc) struct secret field;
#include "conf/keys.def"
#undef KEY_INT
#undef KEY_BOOL
#undef KEY_STR
#undef KEY_STRS
#undef KEY_JSON
#undef KEY_SECRET
    struct conf_provider *providers;
    size_t n_providers;
    struct str file;    /* path of the file that was read; empty when there was none */
    struct arena arena; /* owns every str above; each is NUL-terminated */
};

/* Options of the command line, NULL where not given; they win over file and environment. */
struct conf_options {
    const char *file, *listen, *data, *workers;
};

/*
 * Reads and validates everything. NULL on any mistake: *ret_why (thread-local, until the next call)
 * says which key or line and what to do. `env` is environ's form. The file is options->file, else
 * WEIR_CONFIG, else ./weir.jsonc if there is one. Free with conf_free. Immutable after.
 */
struct conf *conf_load(const struct conf_options *options, const char *const *env, const char **ret_why);
/* The same with the file's text at hand; `file` is its name for messages. */
struct conf *conf_parse(struct str text, const char *file, const struct conf_options *options,
                        const char *const *env, const char **ret_why);
void conf_free(struct conf *c); /* accepts NULL */

/*
 * The overrides of a provider, or NULL. Whether a slug names a provider, and whether an origin is
 * one, is known further right: who builds the provider table checks c->providers.
 */
const struct conf_provider *conf_provider(const struct conf *c, struct str slug);

/* The reference page of every key, as Markdown (weir docs config). */
void conf_document(struct buf *out);
