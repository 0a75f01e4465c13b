/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that is made fit for a provider; the first byte says what it lacks. What was JSON is JSON after
 * it, with the model's new name and no member more.
 */
#include "base/limits.h"
#include "providers/fit.h"

static void check(struct str before, struct str after)
{
    struct json_doc *a = json_parse(before), *b = json_parse(after);
    if (a) {
        must(b && json_count(json_root(b)) <= json_count(json_root(a)));
        if (json_get(json_root(a), "model"))
            must(str_eq(json_str(json_get(json_root(b), "model")), STR("a \"model\"")));
    }
    json_free(a);
    json_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned quirks[] = {0, CODEC_MAX_COMPLETION_TOKENS | CODEC_NO_EXTENSIONS,
                                      CODEC_NO_DEVELOPER | CODEC_NO_PARALLEL,
                                      CODEC_NO_DEVELOPER | CODEC_NO_STREAM_OPTIONS | CODEC_NO_EXTENSIONS |
                                          CODEC_RANDOM_SEED | CODEC_MAX_TOKENS};
    if (size == 0)
        return 0;
    struct arena a;
    struct buf out;
    struct ir_strs left_out = {0};
    struct str body = str_of((const char *)data + 1, size - 1);
    const struct codec_ask ask = {.model = STR("a \"model\""), .quirks = quirks[data[0] % countof(quirks)]};
    arena_init(&a, TXN_ARENA_BYTES);
    buf_init(&out, SIZE_MAX / 2);
    if (fit_request(&a, body, &ask, &out, &left_out) == E_OK)
        check(body, buf_str(&out));
    buf_done(&out);
    arena_done(&a);
    return 0;
}
