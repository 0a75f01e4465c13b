/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Price catalogues from arbitrary text, and names from arbitrary bytes. The input is a catalogue;
 * after a NUL byte comes a name, which is looked up in it (as provider "p") and in the built-in one.
 */
#include "providers/prices.h"

static void look_up(const struct prices *p, struct str provider, struct str name)
{
    const struct usage u = {.known = true, .input = 300000, .output = INT64_MAX, .cached = 7, .reasoning = 9};
    struct rates r;
    char text[MONEY_TEXT];
    if (!prices_find(p, provider, name, u.input, &r))
        return;
    must(r.input >= 0 && r.output >= 0);
    int64_t cost = rates_cost(&r, &u);
    must(cost >= 0 && cost <= COST_MAX);
    money_text(cost, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str providers[] = {S("openai"), S("aws-bedrock"), S("google-vertex-ai"),
                                           S("azure-openai")};
    const char *why = NULL;
    struct str name = str_of((const char *)data, size);
    struct str text = str_cut(&name, '\0');
    struct prices *builtin = prices_builtin(), *own = prices_load(text, &why);
    must(own || (why && *why));
    if (own)
        look_up(own, STR("p"), name);
    for (size_t i = 0; i < countof(providers); i++)
        look_up(builtin, providers[i], name);
    prices_unref(own);
    prices_unref(builtin);
    return 0;
}
