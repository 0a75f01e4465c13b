/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embeddings: the first byte picks a provider's model, the second what the rest is: a client's request, or an
 * answer to a request for so many vectors. What is read is written or refused; what is written is JSON, with
 * every input in one call and one vector for each input.
 */
#include "base/json.h"
#include "base/limits.h"
#include "providers/embed.h"

enum { ARENA = 4 * MIB, OUT = 64 * MIB };

static const struct str models[][2] = {
    {S("aws-bedrock"), S("amazon.titan-embed-text-v2:0")},
    {S("aws-bedrock"), S("cohere.embed-v4:0")},
    {S("aws-bedrock"), S("amazon.nova-2-multimodal-embeddings-v1:0")},
    {S("cohere"), S("embed-v4.0")},
    {S("google-ai-studio"), S("gemini-embedding-001")},
    {S("google-vertex-ai"), S("gemini-embedding-001")},
    {S("google-vertex-ai"), S("gemini-embedding-2")},
    {S("google-vertex-ai"), S("text-embedding-005")},
    {S("mistral"), S("mistral-embed")},
    {S("openrouter"), S("a/b")},
    {S("workers-ai"), S("@cf/baai/bge-m3")},
};

static void check_json(struct str text)
{
    struct json_doc *doc = json_parse(text);
    must(doc);
    json_free(doc);
}

static void try_request(const struct embed_row *row, struct str model, struct str body)
{
    struct arena a;
    struct buf out;
    struct str why = {NULL, 0};
    struct embed_request r;
    struct ir_request notes = ir_request_none();
    arena_init(&a, ARENA);
    buf_init(&out, OUT);
    enum err e = embed_read(&a, body, &r, &why);
    must(e == E_OK || (e == E_SYNTAX && why.n) || e == E_FULL);
    for (size_t i = 0; e == E_OK && i < embed_calls(row, &r); i++) {
        buf_clear(&out);
        e = embed_write(&a, row, &r, model, i, &out, &notes, &why);
        must(e == E_OK || (e == E_SYNTAX && why.n));
        if (e == E_OK)
            check_json(buf_str(&out));
    }
    embed_done(&r);
    buf_done(&out);
    arena_done(&a);
}

static void try_answer(const struct embed_row *row, struct str model, unsigned how, struct str bodies)
{
    struct buf out;
    struct embed_request r = {.n = 1 + how % 4, .base64 = how & 128};
    struct embed_answer x = {.row = row,
                             .request = &r,
                             .model = model,
                             .provider = provider_find(row->entry.slug),
                             .dialect = how & 64 ? D_BEDROCK_INVOKE : D_VERTEX_PREDICT,
                             .head_tokens = how & 32 ? 7 : -1};
    buf_init(&out, OUT);
    enum err e = embed_answer(&x, bodies, &out);
    must(e == E_OK || e == E_SYNTAX);
    if (e == E_OK) {
        struct json_doc *doc = json_parse(buf_str(&out));
        must(json_count(json_get(json_root(doc), "data")) == r.n);
        json_free(doc);
    }
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const struct str *model = models[data[0] % countof(models)];
    const struct embed_row *row = embed_find(model[0], model[1]);
    struct str text = str_of((const char *)data + 2, size - 2);
    must(row);
    if (data[1] % 16 == 0)
        try_request(row, model[1], text);
    else
        try_answer(row, model[1], data[1], text);
    return 0;
}
