/* SPDX-License-Identifier: Apache-2.0 */
/* The reference page of all settings, written from the same table that reads them. */
#include "conf/keys.h"

static void document_default(struct buf *out, const struct key *k)
{
    switch (k->kind) {
    case KIND_INT: (void)buf_printf(out, "%lld", (long long)k->initial); break;
    case KIND_BOOL: (void)buf_append_c(out, k->initial ? "true" : "false"); break;
    case KIND_STR: (void)buf_printf(out, "\"%.*s\"", STR_FMT(k->text)); break;
    case KIND_STRS:
    case KIND_JSON: (void)buf_append_c(out, "[]"); break;
    case KIND_SECRET: (void)buf_append_c(out, "\"\""); break;
    }
}

static void document_key(struct buf *out, const struct key *k)
{
    static const char *const types[] = {
        [KIND_INT] = "whole number",
        [KIND_BOOL] = "true or false",
        [KIND_STR] = "text",
        [KIND_STRS] = "list of texts; the variable has commas between them",
        [KIND_JSON] = "list of objects; the variable has its JSON",
        [KIND_SECRET] = "text, never shown",
    };
    struct name v = key_variable(k);
    (void)buf_printf(out, "### `%.*s`\n\n%s\n\n- variable: `%.*s`\n- type: %s\n- default: `",
                     STR_FMT(k->name), k->doc, STR_FMT(name_str(&v)), types[k->kind]);
    document_default(out, k);
    (void)buf_append_c(out, "`\n");
    if (k->kind == KIND_INT)
        (void)buf_printf(out, "- range: %lld to %lld\n", (long long)k->min, (long long)k->max);
    (void)buf_printf(out, "- takes effect: %s\n\n",
                     k->flags & RELOAD ? "on SIGHUP" : "at the next start of the process");
}

void conf_document(struct buf *out)
{
    (void)buf_append_c(out, "# Settings\n\n"
                            "Settings come from four places; the later wins: the defaults below, the file "
                            "(`--config FILE`, else\n"
                            "`WEIR_CONFIG`, else `./weir.jsonc` if it exists), environment variables, "
                            "options of the command line.\n"
                            "The file is JSON in which comments and trailing commas are allowed. "
                            "`{\"limits\": {\"max_body_bytes\": "
                            "1048576}}`\n"
                            "and `{\"limits.max_body_bytes\": 1048576}` say the same. A key or variable that "
                            "does not exist, or a "
                            "value that\n"
                            "does not fit, ends the start with a message.\n\n"
                            "## Keys\n\n");
    for (size_t i = 0; i < conf_n_keys; i++)
        document_key(out, &conf_keys[i]);
    (void)buf_append_c(
        out,
        "## Providers\n\n"
        "`providers` holds an object per provider, by its name in gateway paths:\n\n"
        "```jsonc\n"
        "{\"providers\": {\"openai\": {\"origin\": \"http://127.0.0.1:9099/openai\", \"usage_injection\": "
        "false}}}\n"
        "```\n\n"
        "- `origin`: scheme, host and port, with an optional path prefix, that replace the provider's own.\n"
        "  Variable: `WEIR_PROVIDERS_OPENAI_ORIGIN` (capitals, `_` for `-`). Default: the provider's own.\n"
        "- `usage_injection`: ask streams of this provider for their usage when the client did not. "
        "Variable:\n"
        "  `WEIR_PROVIDERS_OPENAI_USAGE_INJECTION`. Default: `true`.\n\n"
        "## Other variables\n\n");
    for (size_t i = 0; i < conf_n_others; i++)
        (void)buf_printf(out, "- `%.*s`: %s\n", STR_FMT(conf_others[i].name), conf_others[i].doc);
}
