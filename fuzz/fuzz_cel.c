/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions from arbitrary text; after a NUL byte comes what they are asked about. A fault is inside the
 * text. What is read answers the same twice, and in brackets; its opposite the opposite; and with one that is
 * known beside it as the words say.
 */
#include "base/limits.h"
#include "gateway/cel.h"

/* What is put around an expression may be one level too many, and nothing else. */
static void check(struct arena *a, const struct cel_input *in, const char *head, struct str e,
                  const char *tail, enum cel_answer want)
{
    struct cel_fault fault;
    struct str text = arena_join(a, (struct str[]){str_c(head), e, str_c(tail)}, 3);
    const struct cel *read = cel_parse(a, text, &fault);
    if (read)
        must(cel_ask(read, in, a) == want);
    else
        must(strstr(fault.says, "too deep") || strstr(fault.says, "too large"));
}

static void check_all(struct arena *a, const struct cel_input *in, struct str text, enum cel_answer got)
{
    static const enum cel_answer opposite[] = {CEL_TRUE, CEL_FALSE, CEL_UNKNOWN};
    must(got == CEL_FALSE || got == CEL_TRUE || got == CEL_UNKNOWN);
    check(a, in, "(", text, ")", got);
    check(a, in, "!(", text, ")", opposite[got]);
    check(a, in, "(", text, ") || true", CEL_TRUE);
    check(a, in, "false && (", text, ")", CEL_FALSE);
    check(a, in, "(", text, ") && (true)", got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct cel_fault fault = {0, NULL};
    struct str json = str_of((const char *)data, size), text = str_cut(&json, '\0');
    arena_init(&a, TXN_ARENA_BYTES);
    struct json_doc *doc = json_parse(json);
    const struct json_val *root = json_root(doc);
    const struct cel_input in = {json_get(root, "cf"), json_get(root, "metadata"),
                                 json_str(json_get(root, "model")), json_str(json_get(root, "provider"))};
    const struct cel *e = cel_parse(&a, text, &fault);
    if (!e)
        must(fault.says && fault.at <= text.n);
    else if (text.n < CEL_BYTES / 2)
        check_all(&a, &in, text, cel_ask(e, &in, &a));
    else
        (void)cel_ask(e, &in, &a);
    must(!cel_is_field(text) || (text.n > 3 && str_find(text, '{') == text.n));
    if (cel_is_field(text))
        (void)cel_field_text(&a, &in, text);
    json_free(doc);
    arena_done(&a);
    return 0;
}
