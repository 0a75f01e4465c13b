/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of arbitrary request bodies: the spliced body must be JSON that asks for usage, and differ in
 * nothing but the splice. Then the same bytes as a form: the first line its content type, the rest its body.
 */
#include "base/json.h"
#include "base/limits.h"
#include "providers/request.h"

static void check_body(struct arena *a, struct str body)
{
    struct request_facts f, again;
    struct str parts[3];
    must(request_answer_tokens(body, 7) >= 0);
    if (request_facts_read(a, D_OPENAI_CHAT, body, &f) != E_OK || !f.insert.p)
        return;
    request_ask_usage(&f, body, parts);
    must(str_starts(body, parts[0]) && str_ends(body, parts[2]));
    must(parts[0].n + f.cut + parts[2].n == body.n);
    struct str asked = arena_join(a, parts, countof(parts));
    must(asked.p && request_facts_read(a, D_OPENAI_CHAT, asked, &again) == E_OK);
    must(again.usage_asked && again.stream && !again.insert.p && str_eq(again.model, f.model));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size), form = text, type = str_cut(&form, '\n');
    struct arena a;
    arena_init(&a, TXN_ARENA_BYTES);
    if (size < 64 * KIB)
        check_body(&a, text);
    struct str value = multipart_field(type, form, STR("model"));
    must(!value.p || (value.p >= form.p && value.p + value.n <= form.p + form.n));
    arena_done(&a);
    return 0;
}
