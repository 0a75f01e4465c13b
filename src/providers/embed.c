/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/embed.h"
#include "base/crypto.h"
#include "base/limits.h"

#define BEDROCK_INVOKE "bedrock-runtime/{region}/model/{model}/invoke"
#define VERTEX_MODEL "v1/projects/{project}/locations/{region}/publishers/google/models/{model}"

static const struct embed_row rows[] = {
#define EMBED(slug, part, form, most, quirks, path)                                                          \
    {{S(slug), D_OPENAI_EMBEDDINGS, S(path), 0}, S(part), &form, most, quirks},
#include "providers/embeds.def"
#undef EMBED
};

const struct embed_row *embed_find(struct str slug, struct str model)
{
    for (size_t i = 0; i < countof(rows); i++)
        if (str_eq(rows[i].entry.slug, slug) && str_has(model, rows[i].part))
            return &rows[i];
    return NULL;
}

struct str embed_model(const struct embed_row *row, struct str model)
{
    static const struct {
        struct str slug, prefix;
    } said_twice[] = {{S("google-ai-studio"), S("models/")}, {S("google-vertex-ai"), S("google/")}};
    for (size_t i = 0; i < countof(said_twice); i++)
        if (str_eq(row->entry.slug, said_twice[i].slug) && str_starts(model, said_twice[i].prefix))
            return str_from(model, said_twice[i].prefix.n);
    return model;
}

struct str embed_purpose(struct str said, enum embed_words words)
{
    static const struct str purposes[][3] = {
        {S("search_document"), S("RETRIEVAL_DOCUMENT"), S("GENERIC_INDEX")},
        {S("search_query"), S("RETRIEVAL_QUERY"), S("GENERIC_RETRIEVAL")},
        {S("classification"), S("CLASSIFICATION"), S("CLASSIFICATION")},
        {S("clustering"), S("CLUSTERING"), S("CLUSTERING")},
    };
    for (size_t i = 0; i < countof(purposes); i++)
        for (size_t k = 0; k < countof(purposes[i]); k++)
            if (said.p && str_eq(said, purposes[i][k]))
                return purposes[i][words];
    return said;
}

/* ---- the request ---- */

static enum err refuse(struct str *ret_why, const char *why)
{
    *ret_why = str_c(why);
    return E_SYNTAX;
}

/* A string is one input, and so is a list of token ids; the other lists have one in each element. */
static enum err read_input(struct arena *a, struct embed_request *r, struct str *ret_why)
{
    static const char why[] = "\"input\" must be a text, token ids, or a list of either";
    const struct json_val *input = json_get(r->root, "input"), *first = json_at(input, 0);
    enum json_type type = first ? json_type(first) : json_type(input);
    bool list = type == JSON_ARRAY || (first && type == JSON_STRING);
    if (type != JSON_STRING && !(first && (type == JSON_NUMBER || type == JSON_ARRAY)))
        return refuse(ret_why, json_type(input) == JSON_ARRAY && !first ? "\"input\" is empty" : why);
    r->kind = type == JSON_STRING ? EMBED_TEXTS : EMBED_TOKENS;
    r->n = list ? json_count(input) : 1;
    if (r->n > EMBED_INPUTS)
        return refuse(ret_why, "\"input\" has more than 2048 elements");
    r->texts = arena_alloc(a, r->n * sizeof(*r->texts));
    if (!r->texts)
        return E_FULL;
    struct json_iter it = json_iter(input);
    for (size_t i = 0; i < r->n; i++) {
        const struct json_val *v = list && json_next(&it) ? it.val : input;
        if (list && json_type(v) != type)
            return refuse(ret_why, why);
        r->texts[i] = json_str(v);
    }
    return E_OK;
}

static bool is_said(const struct json_val *v)
{
    return v && json_type(v) != JSON_NULL;
}

static enum err read_settings(struct embed_request *r, struct str *ret_why)
{
    const struct json_val *dimensions = json_get(r->root, "dimensions");
    const struct json_val *format = json_get(r->root, "encoding_format");
    r->base64 = str_eq(json_str(format), STR("base64"));
    if (is_said(dimensions) && (!json_uint(dimensions, &r->dimensions) || r->dimensions == 0))
        return refuse(ret_why, "\"dimensions\" must be a whole number above 0");
    if (is_said(format) && !r->base64 && !str_eq(json_str(format), STR("float")))
        return refuse(ret_why, "\"encoding_format\" must be \"float\" or \"base64\"");
    r->purpose = json_str(json_get(r->root, "input_type"));
    if (!r->purpose.p)
        r->purpose = json_str(json_get(r->root, "task_type"));
    return E_OK;
}

enum err embed_read(struct arena *a, struct str body, struct embed_request *ret, struct str *ret_why)
{
    *ret = (struct embed_request){.doc = json_parse(body)};
    ret->root = json_root(ret->doc);
    if (json_type(ret->root) != JSON_OBJECT)
        return refuse(ret_why, "The body is not a JSON object");
    enum err e = read_input(a, ret, ret_why);
    return e == E_OK ? read_settings(ret, ret_why) : e;
}

void embed_done(struct embed_request *r)
{
    json_free(r->doc);
    r->doc = NULL;
}

/* ---- the calls ---- */

size_t embed_calls(const struct embed_row *row, const struct embed_request *r)
{
    return row->most ? (r->n + row->most - 1) / row->most : 1;
}

static void note_unknown(struct arena *a, const struct embed_row *row, const struct embed_request *r,
                         struct ir_request *notes)
{
    static const char *const known[] = {"model",      "input",     "dimensions", "encoding_format",
                                        "input_type", "task_type", NULL};
    static const char *const mistral[] = {"model",           "input",    "dimensions",
                                          "encoding_format", "metadata", "output_dimension",
                                          "output_dtype",    NULL};
    if (row->form != &embed_openai)
        codec_note_unknown(a, notes, r->root, known);
    else if (row->quirks & EMBED_MISTRAL)
        codec_note_unknown(a, notes, r->root, mistral);
}

enum err embed_write(struct arena *a, const struct embed_row *row, const struct embed_request *r,
                     struct str model, size_t i, struct buf *out, struct ir_request *notes,
                     struct str *ret_why)
{
    if (r->kind == EMBED_TOKENS && (!row->form->tokens || (row->quirks & EMBED_NO_TOKENS)))
        return refuse(ret_why, "\"input\" is token ids, of which this provider knows nothing; send texts "
                               "(check_embedding_ctx_length=False with LangChain's OpenAIEmbeddings)");
    struct embed_call c = {.row = row, .request = r, .model = model, .n = r->n};
    if (row->most) {
        c.from = i * row->most;
        c.n = r->n - c.from < row->most ? r->n - c.from : row->most;
    }
    if (i == 0)
        note_unknown(a, row, r, notes);
    struct json_out w = json_out(out);
    json_open(&w, '{');
    row->form->write(&c, &w);
    json_close(&w, '}');
    return out->full ? E_FULL : E_OK;
}

/* ---- the answer ---- */

struct writing {
    const struct embed_answer *x;
    struct json_out w;
    size_t n;                      /* vectors so far */
    int64_t tokens;                /* -1: not told */
    char model[USAGE_MODEL_BYTES]; /* as the answer names it, if it does */
};

static const struct json_val *lead(const struct json_val *v, const char *const path[2])
{
    for (size_t i = 0; i < 2 && path[i] && json_type(v) == JSON_OBJECT; i++)
        v = json_get(v, path[i]);
    return v;
}

/* Numbers as OpenAI packs them: little-endian floats in base64. */
static enum err put_base64(struct buf *out, const struct json_val *vector)
{
    char bytes[768]; /* whole triples */
    size_t n = 0;
    (void)buf_append_byte(out, '"');
    for (struct json_iter it = json_iter(vector); json_next(&it);) {
        float f = (float)json_num(it.val, 0);
        if (json_type(it.val) != JSON_NUMBER)
            return E_SYNTAX;
        uint32_t bits;
        memcpy(&bits, &f, sizeof(bits));
        for (size_t i = 0; i < sizeof(bits); i++)
            bytes[n++] = (char)(bits >> (8 * i) & 0xff);
        if (n == sizeof(bytes)) {
            base64_append(out, str_of(bytes, n));
            n = 0;
        }
    }
    base64_append(out, str_of(bytes, n));
    return buf_append_byte(out, '"');
}

static enum err put_vector(struct writing *x, const struct json_val *vector)
{
    if (json_type(vector) != JSON_ARRAY || json_type(json_at(vector, 0)) != JSON_NUMBER)
        return E_SYNTAX;
    json_open(&x->w, '{');
    json_add_str(&x->w, "object", STR("embedding"));
    json_add_int(&x->w, "index", (int64_t)x->n++);
    json_key(&x->w, "embedding");
    enum err e = E_OK;
    if (x->x->request->base64)
        e = put_base64(x->w.b, vector);
    else
        json_put_val(&x->w, vector);
    json_close(&x->w, '}');
    return e == E_SYNTAX ? e : E_OK;
}

static enum err put_vectors(struct writing *x, const struct json_val *root)
{
    const struct embed_form *form = x->x->row->form;
    const struct json_val *list = lead(root, form->list);
    enum err e = E_OK;
    if (json_type(json_at(list, 0)) == JSON_NUMBER)
        return put_vector(x, list);
    if (json_type(list) != JSON_ARRAY)
        return E_SYNTAX;
    for (struct json_iter it = json_iter(list); e == E_OK && json_next(&it);)
        e = put_vector(x, lead(it.val, form->in));
    return e;
}

static void add_usage(struct writing *x, const struct json_val *root)
{
    struct meter m;
    meter_init(&m, x->x->provider, x->x->dialect);
    meter_value(&m, root);
    const struct usage *u = meter_usage(&m);
    if (u->known)
        x->tokens = (x->tokens < 0 ? 0 : x->tokens) + u->input;
    if (u->model[0])
        memcpy(x->model, u->model, sizeof(x->model));
}

static enum err put_body(struct writing *x, struct str body)
{
    struct json_doc *doc = json_parse(body);
    enum err e = doc ? put_vectors(x, json_root(doc)) : E_SYNTAX;
    if (e == E_OK)
        add_usage(x, json_root(doc));
    json_free(doc);
    return e;
}

/* Clients take both counts for granted: what nobody told is 0 here, and null in the log. */
static void put_usage(struct json_out *w, int64_t tokens)
{
    static const char *const names[] = {"prompt_tokens", "total_tokens"};
    json_key(w, "usage");
    json_open(w, '{');
    for (size_t i = 0; i < countof(names); i++)
        json_add_int(w, names[i], tokens > 0 ? tokens : 0);
    json_close(w, '}');
}

enum err embed_answer(const struct embed_answer *x, struct str bodies, struct buf *out)
{
    struct writing wr = {.x = x, .w = json_out(out), .tokens = -1};
    struct json_out *w = &wr.w;
    enum err e = E_OK;
    json_open(w, '{');
    json_add_str(w, "object", STR("list"));
    json_key(w, "data");
    json_open(w, '[');
    while (e == E_OK && bodies.p)
        e = put_body(&wr, str_cut(&bodies, EMBED_BETWEEN));
    if (e != E_OK || wr.n != x->request->n)
        return E_SYNTAX;
    json_close(w, ']');
    json_add_str(w, "model", wr.model[0] ? str_c(wr.model) : x->model);
    put_usage(w, wr.tokens < 0 ? x->head_tokens : wr.tokens);
    json_close(w, '}');
    return out->full ? E_FULL : E_OK;
}
