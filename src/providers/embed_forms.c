/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms of embeds.def. Each says how a call is written and where the vectors of its answer stand.
 *
 *   embed_openai   https://platform.openai.com/docs/api-reference/embeddings/create, and its copies
 *   embed_gemini   https://ai.google.dev/api/embeddings#method:-models.batchembedcontents
 *   embed_predict  https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
 *   embed_content  Vertex AI's embedContent, one text a call: Gemini's models after gemini-embedding-001
 *   embed_cohere   https://docs.cohere.com/reference/embed, and on Bedrock
 *   embed_titan https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
 *   embed_nova     https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html
 */
#include "providers/embed.h"
#include "base/limits.h"

#include <stdio.h>

static struct str text_at(const struct embed_call *c, size_t i)
{
    return c->request->texts[c->from + i];
}

static void put_purpose(const struct embed_call *c, struct json_out *w, const char *key,
                        enum embed_words words)
{
    if (c->request->purpose.p)
        json_add_str(w, key, embed_purpose(c->request->purpose, words));
}

static void put_dimensions(const struct embed_call *c, struct json_out *w, const char *key)
{
    if (!c->request->dimensions)
        return;
    json_add_int(w, key, c->request->dimensions);
}

static void open_member(struct json_out *w, const char *key, char bracket)
{
    json_key(w, key);
    json_open(w, bracket);
}

/* ---- OpenAI's ---- */

const struct embed_form embed_as_is = {.tokens = true, .errors = &codec_openai_chat};

static void put_input(const struct embed_call *c, struct json_out *w)
{
    const struct json_val *input = json_get(c->request->root, "input");
    json_key(w, "input");
    if (c->n == c->request->n) {
        json_put_val(w, input);
        return;
    }
    json_open(w, '[');
    for (size_t i = 0; i < c->n; i++)
        json_put_val(w, json_at(input, c->from + i));
    json_close(w, ']');
}

/* Mistral refuses what it does not know. */
static bool goes_along(const struct embed_call *c, struct str key)
{
    static const struct str mistral[] = {S("metadata"), S("output_dimension"), S("output_dtype")};
    if (str_eq(key, STR("encoding_format")))
        return false;
    if (!(c->row->quirks & EMBED_MISTRAL))
        return true;
    for (size_t i = 0; i < countof(mistral); i++)
        if (str_eq(key, mistral[i]))
            return true;
    return false;
}

static void write_openai(const struct embed_call *c, struct json_out *w)
{
    bool mistral = c->row->quirks & EMBED_MISTRAL;
    for (struct json_iter it = json_iter(c->request->root); json_next(&it);) {
        if (str_eq(it.key, STR("model"))) {
            json_add_str(w, "model", c->model);
        } else if (str_eq(it.key, STR("input"))) {
            put_input(c, w);
        } else if (mistral && str_eq(it.key, STR("dimensions"))) {
            put_dimensions(c, w, "output_dimension");
        } else if (goes_along(c, it.key)) {
            json_key_str(w, it.key);
            json_put_val(w, it.val);
        }
    }
}

const struct embed_form embed_openai = {
    .list = {"data"},
    .in = {"embedding"},
    .tokens = true,
    .errors = &codec_openai_chat,
    .write = write_openai,
};

/* ---- Google's ---- */

static void put_content(const struct embed_call *c, struct json_out *w, size_t i)
{
    open_member(w, "content", '{');
    open_member(w, "parts", '[');
    json_open(w, '{');
    json_add_str(w, "text", text_at(c, i));
    json_close(w, '}');
    json_close(w, ']');
    json_close(w, '}');
}

static void put_model(const struct embed_call *c, struct json_out *w)
{
    char name[EMBED_MODEL_BYTES];
    int n = snprintf(name, sizeof(name), "models/%.*s", STR_FMT(c->model));
    json_add_str(w, "model", str_of(name, n < (int)sizeof(name) ? (size_t)n : 0));
}

static void write_gemini(const struct embed_call *c, struct json_out *w)
{
    open_member(w, "requests", '[');
    for (size_t i = 0; i < c->n; i++) {
        json_open(w, '{');
        put_model(c, w);
        put_content(c, w, i);
        put_purpose(c, w, "taskType", WORDS_GOOGLE);
        put_dimensions(c, w, "outputDimensionality");
        json_close(w, '}');
    }
    json_close(w, ']');
}

const struct embed_form embed_gemini = {
    .list = {"embeddings"},
    .in = {"values"},
    .errors = &codec_gemini,
    .write = write_gemini,
};

static void write_predict(const struct embed_call *c, struct json_out *w)
{
    open_member(w, "instances", '[');
    for (size_t i = 0; i < c->n; i++) {
        json_open(w, '{');
        json_add_str(w, "content", text_at(c, i));
        put_purpose(c, w, "task_type", WORDS_GOOGLE);
        json_close(w, '}');
    }
    json_close(w, ']');
    if (!c->request->dimensions)
        return;
    open_member(w, "parameters", '{');
    put_dimensions(c, w, "outputDimensionality");
    json_close(w, '}');
}

const struct embed_form embed_predict = {
    .list = {"predictions"},
    .in = {"embeddings", "values"},
    .errors = &codec_gemini,
    .write = write_predict,
};

static void write_content(const struct embed_call *c, struct json_out *w)
{
    put_content(c, w, 0);
    if (!c->request->dimensions && !c->request->purpose.p)
        return;
    open_member(w, "embedContentConfig", '{');
    put_purpose(c, w, "taskType", WORDS_GOOGLE);
    put_dimensions(c, w, "outputDimensionality");
    json_close(w, '}');
}

const struct embed_form embed_content = {
    .list = {"embedding", "values"},
    .errors = &codec_gemini,
    .write = write_content,
};

/* ---- Cohere's ---- */

static void put_cohere(const struct embed_call *c, struct json_out *w)
{
    static const struct str document = S("search_document");
    struct str purpose = embed_purpose(c->request->purpose, WORDS_COHERE);
    open_member(w, "texts", '[');
    for (size_t i = 0; i < c->n; i++)
        json_put_str(w, text_at(c, i));
    json_close(w, ']');
    json_add_str(w, "input_type", purpose.p ? purpose : document); /* it must be said */
    open_member(w, "embedding_types", '[');
    json_put_str(w, STR("float"));
    json_close(w, ']');
    put_dimensions(c, w, "output_dimension");
}

static void write_cohere(const struct embed_call *c, struct json_out *w)
{
    json_add_str(w, "model", c->model);
    put_cohere(c, w);
}

const struct embed_form embed_cohere = {
    .list = {"embeddings", "float"},
    .errors = &codec_cohere_v2,
    .write = write_cohere,
};

/* The model stands in the path. */
const struct embed_form embed_bedrock_cohere = {
    .list = {"embeddings", "float"},
    .errors = &codec_bedrock_converse,
    .write = put_cohere,
};

/* ---- Amazon's ---- */

static void write_titan(const struct embed_call *c, struct json_out *w)
{
    json_add_str(w, "inputText", text_at(c, 0));
    put_dimensions(c, w, "dimensions");
}

const struct embed_form embed_titan = {
    .list = {"embedding"},
    .errors = &codec_bedrock_converse,
    .write = write_titan,
};

static void write_nova(const struct embed_call *c, struct json_out *w)
{
    static const struct str index = S("GENERIC_INDEX");
    struct str purpose = embed_purpose(c->request->purpose, WORDS_NOVA);
    json_add_str(w, "schemaVersion", STR("nova-multimodal-embed-v1"));
    json_add_str(w, "taskType", STR("SINGLE_EMBEDDING"));
    open_member(w, "singleEmbeddingParams", '{');
    json_add_str(w, "embeddingPurpose", purpose.p ? purpose : index); /* it must be said */
    put_dimensions(c, w, "embeddingDimension");
    open_member(w, "text", '{');
    json_add_str(w, "truncationMode", STR("NONE")); /* too long is an error, as it is with OpenAI */
    json_add_str(w, "value", text_at(c, 0));
    json_close(w, '}');
    json_close(w, '}');
}

const struct embed_form embed_nova = {
    .list = {"embeddings"},
    .in = {"embedding"},
    .errors = &codec_bedrock_converse,
    .write = write_nova,
};
