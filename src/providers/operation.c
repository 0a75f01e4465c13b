/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call is, from method and path alone: one table of path endings. The body may say more (which
 * model, whether to stream); nothing here depends on it, so it is known before the body arrives.
 */
#include "providers/provider.h"

enum model_at {
    NOWHERE,
    SEGMENT, /* between the last slash and the tail */
    BETWEEN, /* everything between head and tail, slashes included */
};

struct shape {
    unsigned apis;
    struct str head; /* stands somewhere before the tail, at the start of a segment */
    struct str tail; /* ends the path; after its leading slash it may be all of it */
    enum model_at model;
    enum dialect dialect;
    const char *type;
    bool stream;
};

/* Stands in the table where the path does not tell but the model's name does; never leaves this file. */
static const char by_model[] = "?";

/* The first shape that fits wins: longer tails stand before shorter ones. */
static const struct shape shapes[] = {
    {API_GEMINI, S("publishers/anthropic/models/"), S(":rawPredict"), BETWEEN, D_ANTHROPIC, "chat", false},
    {API_GEMINI, S("publishers/anthropic/models/"), S(":streamRawPredict"), BETWEEN, D_ANTHROPIC, "chat",
     true},
    {API_GEMINI, S("publishers/mistralai/models/"), S(":rawPredict"), BETWEEN, D_OPENAI_CHAT, "chat", false},
    {API_GEMINI, S("publishers/mistralai/models/"), S(":streamRawPredict"), BETWEEN, D_OPENAI_CHAT, "chat",
     true},
    {API_GEMINI, S(""), S(":generateContent"), SEGMENT, D_GEMINI, "chat", false},
    {API_GEMINI, S(""), S(":streamGenerateContent"), SEGMENT, D_GEMINI, "chat", true},
    {API_GEMINI, S(""), S(":embedContent"), SEGMENT, D_GEMINI, "embeddings", false},
    {API_GEMINI, S(""), S(":batchEmbedContents"), SEGMENT, D_GEMINI, "embeddings", false},
    {API_GEMINI, S(""), S(":countTokens"), SEGMENT, D_OPAQUE, NULL, false},
    {API_GEMINI, S(""), S(":predict"), SEGMENT, D_VERTEX_PREDICT, by_model, false},
    {API_GEMINI, S(""), S(":predictLongRunning"), SEGMENT, D_OPAQUE, "video", false},

    {API_BEDROCK, S("model/"), S("/invoke"), BETWEEN, D_BEDROCK_INVOKE, by_model, false},
    {API_BEDROCK, S("model/"), S("/invoke-with-response-stream"), BETWEEN, D_BEDROCK_INVOKE, by_model, true},
    {API_BEDROCK, S("model/"), S("/converse"), BETWEEN, D_BEDROCK_CONVERSE, "chat", false},
    {API_BEDROCK, S("model/"), S("/converse-stream"), BETWEEN, D_BEDROCK_CONVERSE, "chat", true},
    {API_BEDROCK, S("model/"), S("/count-tokens"), BETWEEN, D_OPAQUE, NULL, false},

    {API_COHERE, S(""), S("/v2/chat"), NOWHERE, D_COHERE_V2, "chat", false},
    {API_COHERE, S(""), S("/chat"), NOWHERE, D_COHERE_V1, "chat", false},
    {API_COHERE, S(""), S("/generate"), NOWHERE, D_COHERE_V1, "completions", false},
    {API_COHERE, S(""), S("/v2/embed"), NOWHERE, D_COHERE_V2, "embeddings", false},
    {API_COHERE, S(""), S("/embed"), NOWHERE, D_COHERE_V1, "embeddings", false},
    {API_COHERE, S(""), S("/v2/rerank"), NOWHERE, D_COHERE_V2, "rerank", false},
    {API_COHERE, S(""), S("/rerank"), NOWHERE, D_COHERE_V1, "rerank", false},

    {API_REPLICATE, S("models/"), S("/predictions"), BETWEEN, D_OPAQUE, by_model, false},
    {API_MODEL_PATH, S(""), S("/v1/chat/completions"), BETWEEN, D_OPENAI_CHAT, "chat", false},
    {API_MODEL_PATH, S(""), S("/pipeline/feature-extraction"), BETWEEN, D_OPAQUE, "embeddings", false},
    {API_MODEL_PATH, S(""), S(""), BETWEEN, D_OPAQUE, NULL, false},
    {API_SPEECH, S(""), S(""), NOWHERE, D_OPAQUE, "audio", false},
    {API_PICTURE, S(""), S(""), NOWHERE, D_OPAQUE, "image", false},

    {API_WORKERS_AI, S("run/"), S(""), BETWEEN, D_WORKERS_AI, by_model, false},

    {API_ANTHROPIC, S(""), S("/messages"), NOWHERE, D_ANTHROPIC, "chat", false},
    {API_OPENAI, S(""), S("/chat/completions"), NOWHERE, D_OPENAI_CHAT, "chat", false},
    /* Mistral's two further kinds of chat */
    {API_OPENAI, S(""), S("/agents/completions"), NOWHERE, D_OPENAI_CHAT, "chat", false},
    {API_OPENAI, S(""), S("/fim/completions"), NOWHERE, D_OPENAI_CHAT, "chat", false},
    {API_OPENAI, S(""), S("/completions"), NOWHERE, D_OPENAI_COMPLETIONS, "completions", false},
    {API_OPENAI, S(""), S("/responses"), NOWHERE, D_OPENAI_RESPONSES, "chat", false},
    {API_OPENAI, S(""), S("/responses/compact"), NOWHERE, D_OPENAI_RESPONSES, "chat", false},
    {API_OPENAI, S(""), S("/embeddings"), NOWHERE, D_OPENAI_EMBEDDINGS, "embeddings", false},
    {API_OPENAI, S(""), S("/images/generations"), NOWHERE, D_OPENAI_IMAGES, "image", false},
    {API_OPENAI, S(""), S("/images/edits"), NOWHERE, D_OPENAI_IMAGES, "image", false},
    {API_OPENAI, S(""), S("/images/variations"), NOWHERE, D_OPENAI_IMAGES, "image", false},
    {API_OPENAI, S(""), S("/audio/speech"), NOWHERE, D_OPENAI_AUDIO, "audio", false},
    {API_OPENAI, S(""), S("/audio/transcriptions"), NOWHERE, D_OPENAI_AUDIO, "audio", false},
    {API_OPENAI, S(""), S("/audio/translations"), NOWHERE, D_OPENAI_AUDIO, "audio", false},
    {API_OPENAI, S(""), S("/moderations"), NOWHERE, D_OPAQUE, "moderation", false},

    {API_RUN, S("v1/"), S(""), NOWHERE, D_OPAQUE, NULL, false},
    {API_RUN, S(""), S(""), BETWEEN, D_WORKERS_AI, by_model, false},
};

/* Parts of model names that tell what a model does; anything else is a chat model. */
static const struct {
    struct str part;
    const char *type;
} names[] = {
    {S("rerank"), "rerank"},     {S("embed"), "embeddings"}, {S("/bge-"), "embeddings"},
    {S("whisper"), "audio"},     {S("deepgram"), "audio"},   {S("tts"), "audio"},
    {S("sonic"), "audio"},       {S("image"), "image"},      {S("stable-"), "image"},
    {S("stability."), "image"},  {S("flux"), "image"},       {S("canvas"), "image"},
    {S("dreamshaper"), "image"}, {S("-reel"), "video"},
};

static const char *type_of_model(struct str model)
{
    for (size_t i = 0; i < countof(names); i++)
        if (str_has(model, names[i].part))
            return names[i].type;
    return "chat";
}

/* Where the text after `head` begins; rest.n + 1 when head does not stand at the start of a segment. */
static size_t after_head(struct str rest, struct str head)
{
    for (size_t at = 0; at < rest.n; at += str_find(str_from(rest, at), '/') + 1)
        if (str_starts(str_from(rest, at), head))
            return at + head.n;
    return head.n == 0 ? 0 : rest.n + 1;
}

static bool fits(const struct shape *s, struct str rest, struct str *ret_model)
{
    struct str tail = s->tail, before = rest;
    if (tail.n > 0 && tail.p[0] == '/' && str_eq(rest, str_from(tail, 1)))
        before.n = 0;
    else if (str_ends(rest, tail))
        before.n -= tail.n;
    else
        return false;
    size_t from = after_head(before, s->head);
    if (from > before.n)
        return false;
    size_t segment = before.n; /* where the last one begins */
    while (segment > 0 && before.p[segment - 1] != '/')
        segment--;
    if (s->model == SEGMENT && segment > 0)
        from = segment;
    *ret_model = s->model == NOWHERE ? STR("") : str_from(before, from);
    return true;
}

/* Percent-decoded; an escape that is none stays as it is, and so does everything past the arena's cap. */
static struct str decode(struct arena *a, struct str s)
{
    char *out = str_find(s, '%') < s.n ? arena_alloc(a, s.n) : NULL;
    if (!out)
        return s;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int high = -1, low = -1;
        if (s.p[i] == '%' && s.n - i > 2) {
            high = hex_digit(s.p[i + 1]);
            low = hex_digit(s.p[i + 2]);
        }
        bool escape = high >= 0 && low >= 0;
        out[n++] = escape ? (char)(high << 4 | low) : s.p[i];
        i += escape ? 2 : 0;
    }
    return str_of(out, n);
}

/* {resource}/{deployment}/... or {resource}/openai/deployments/{deployment}/...: its name stands for the
 * model */
static struct str azure_deployment(struct str rest)
{
    str_cut(&rest, '/');
    struct str segment = str_cut(&rest, '/');
    if (!str_eq(segment, STR("openai")))
        return segment;
    return str_eq(str_cut(&rest, '/'), STR("deployments")) ? str_cut(&rest, '/') : STR("");
}

void provider_operation(struct arena *a, const struct provider *p, struct str method, struct str rest,
                        struct operation *ret)
{
    *ret = (struct operation){.dialect = D_OPAQUE, .model = STR("")};
    if (rest.n > 0 && rest.p[rest.n - 1] == '/')
        rest.n--;
    if (!str_eq(method, STR("POST")) || rest.n == 0)
        return;
    for (size_t i = 0; i < countof(shapes); i++) {
        const struct shape *s = &shapes[i];
        struct str model;
        if (!(s->apis & p->apis) || !fits(s, rest, &model))
            continue;
        if (p->rule == PATH_AZURE)
            model = azure_deployment(rest);
        model = decode(a, model);
        const char *type = s->type == by_model ? type_of_model(model) : s->type;
        bool other = s->dialect == D_VERTEX_PREDICT && strcmp(type, "embeddings") != 0;
        *ret = (struct operation){other ? D_OPAQUE : s->dialect, type, model, s->stream};
        return;
    }
}
