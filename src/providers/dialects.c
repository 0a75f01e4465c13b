/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of dialects.h. Sources are the providers' API references; the oddities are marked.
 * Within a table of counts a later row overrides an earlier one that reads to the same field.
 */
#include "providers/dialects.h"

#define COUNT(field, ...)                                                                                    \
    {                                                                                                        \
        .at = {__VA_ARGS__}, .to = (field)                                                                   \
    }
#define REPEATED(field, name)                                                                                \
    {                                                                                                        \
        .at = {name}, .to = (field), .repeated = true                                                        \
    }
#define SUM(field, list, number_, key_, is_)                                                                 \
    {                                                                                                        \
        .at = {list}, .to = (field), .number = (number_), .key = (key_), .is = (is_)                         \
    }
#define LAST                                                                                                 \
    {                                                                                                        \
        .to = RAW_FIELDS                                                                                     \
    }

/* OpenAI's names in chat, completions, embeddings, and everybody who copied them. */
static const struct count chat_counts[] = {
    COUNT(RAW_INPUT, "prompt_tokens"),
    COUNT(RAW_OUTPUT, "completion_tokens"),
    COUNT(RAW_TOTAL, "total_tokens"),
    COUNT(RAW_CACHED, "cached_tokens"), /* Moonshot, at the top */
    COUNT(RAW_CACHED, "prompt_tokens_details", "cached_tokens"),
    COUNT(RAW_WRITE, "prompt_tokens_details", "cache_write_tokens"),
    COUNT(RAW_AUDIO_IN, "prompt_tokens_details", "audio_tokens"),
    COUNT(RAW_IMAGE_IN, "prompt_tokens_details", "image_tokens"),
    COUNT(RAW_CACHED_AUDIO, "prompt_tokens_details", "cached_tokens_details", "audio_tokens"),
    COUNT(RAW_REASONING, "completion_tokens_details", "reasoning_tokens"),
    COUNT(RAW_AUDIO_OUT, "completion_tokens_details", "audio_tokens"),
    COUNT(RAW_IMAGE_OUT, "completion_tokens_details", "image_tokens"),
    /* DeepSeek: agrees with the details above or stands alone, so it replaces and never adds */
    COUNT(RAW_CACHED, "prompt_cache_hit_tokens"),
    /* Perplexity; what it read in searches is charged as input */
    COUNT(RAW_REASONING_TOP, "reasoning_tokens"),
    COUNT(RAW_INPUT_MORE, "citation_tokens"),
    LAST,
};

/* OpenAI's names in responses and images; audio says "token" where they say "tokens". */
static const struct count responses_counts[] = {
    COUNT(RAW_INPUT, "input_tokens"),
    COUNT(RAW_OUTPUT, "output_tokens"),
    COUNT(RAW_TOTAL, "total_tokens"),
    COUNT(RAW_CACHED, "input_tokens_details", "cached_tokens"),
    COUNT(RAW_WRITE, "input_tokens_details", "cache_write_tokens"),
    COUNT(RAW_AUDIO_IN, "input_tokens_details", "audio_tokens"),
    COUNT(RAW_IMAGE_IN, "input_tokens_details", "image_tokens"),
    COUNT(RAW_REASONING, "output_tokens_details", "reasoning_tokens"),
    COUNT(RAW_AUDIO_OUT, "output_tokens_details", "audio_tokens"),
    COUNT(RAW_IMAGE_OUT, "output_tokens_details", "image_tokens"),
    COUNT(RAW_CACHED, "input_token_details", "cached_tokens"),
    COUNT(RAW_AUDIO_IN, "input_token_details", "audio_tokens"),
    COUNT(RAW_AUDIO_OUT, "output_token_details", "audio_tokens"),
    LAST,
};

/* What comes out is an image, unless the details (read after this) tell text from image. */
static const struct count images_counts[] = {
    COUNT(RAW_IMAGE_OUT, "output_tokens"),
    LAST,
};

/* The usage of a speech stream has no details: what comes out is audio. */
static const struct count speech_counts[] = {
    COUNT(RAW_AUDIO_OUT, "usage", "output_tokens"),
    LAST,
};

static const struct count anthropic_counts[] = {
    COUNT(RAW_INPUT, "input_tokens"),
    COUNT(RAW_OUTPUT, "output_tokens"),
    COUNT(RAW_CACHED_APART, "cache_read_input_tokens"),
    COUNT(RAW_WRITE_APART, "cache_creation_input_tokens"),
    COUNT(RAW_WRITE_5M, "cache_creation", "ephemeral_5m_input_tokens"),
    COUNT(RAW_WRITE_1H, "cache_creation", "ephemeral_1h_input_tokens"),
    COUNT(RAW_REASONING, "output_tokens_details", "thinking_tokens"),
    LAST,
};

static const struct count gemini_counts[] = {
    COUNT(RAW_INPUT, "promptTokenCount"),
    COUNT(RAW_INPUT_MORE, "toolUsePromptTokenCount"),
    COUNT(RAW_OUTPUT, "candidatesTokenCount"),
    COUNT(RAW_REASONING_APART, "thoughtsTokenCount"),
    COUNT(RAW_CACHED, "cachedContentTokenCount"),
    SUM(RAW_AUDIO_IN, "promptTokensDetails", "tokenCount", "modality", "AUDIO"),
    SUM(RAW_IMAGE_IN, "promptTokensDetails", "tokenCount", "modality", "IMAGE"),
    SUM(RAW_CACHED_AUDIO, "cacheTokensDetails", "tokenCount", "modality", "AUDIO"),
    SUM(RAW_AUDIO_OUT, "candidatesTokensDetails", "tokenCount", "modality", "AUDIO"),
    SUM(RAW_IMAGE_OUT, "candidatesTokensDetails", "tokenCount", "modality", "IMAGE"),
    LAST,
};

static const struct count predict_counts[] = {
    {.at = {"predictions"}, .to = RAW_INPUT, .number = "token_count", .inside = {"embeddings", "statistics"}},
    LAST,
};

/* Nova's invoke bodies are Converse with "Count" at the end of the cache fields. */
static const struct count converse_counts[] = {
    COUNT(RAW_INPUT, "inputTokens"),
    COUNT(RAW_OUTPUT, "outputTokens"),
    COUNT(RAW_CACHED_APART, "cacheReadInputTokenCount"),
    COUNT(RAW_WRITE_APART, "cacheWriteInputTokenCount"),
    COUNT(RAW_CACHED_APART, "cacheReadInputTokens"),
    COUNT(RAW_WRITE_APART, "cacheWriteInputTokens"),
    SUM(RAW_WRITE_5M, "cacheDetails", "inputTokens", "ttl", "5m"),
    SUM(RAW_WRITE_1H, "cacheDetails", "inputTokens", "ttl", "1h"),
    LAST,
};

static const struct count llama_counts[] = {
    COUNT(RAW_INPUT, "prompt_token_count"),
    COUNT(RAW_OUTPUT, "generation_token_count"),
    LAST,
};

static const struct count titan_counts[] = {
    COUNT(RAW_INPUT, "inputTextTokenCount"),
    COUNT(RAW_OUTPUT, "totalOutputTextTokenCount"),
    SUM(RAW_OUTPUT, "results", "tokenCount", NULL, NULL),
    LAST,
};

/*
 * Bedrock's own summary in the last chunk of an invoke stream; the only usage of some models. The input
 * stands last, since the others count only while there is none.
 */
static const struct count invocation_counts[] = {
    REPEATED(RAW_OUTPUT, "outputTokenCount"),
    REPEATED(RAW_CACHED_APART, "cacheReadInputTokenCount"),
    REPEATED(RAW_WRITE_APART, "cacheWriteInputTokenCount"),
    REPEATED(RAW_INPUT, "inputTokenCount"),
    LAST,
};

/* Cohere's billed_units are what is billed; `tokens` beside them is not. */
static const struct count billed_counts[] = {
    COUNT(RAW_INPUT, "input_tokens"),
    COUNT(RAW_OUTPUT, "output_tokens"),
    LAST,
};

#define USAGE(...) .what = LOOK_USAGE, .counts = {__VA_ARGS__}
#define BESIDE(...) .what = LOOK_BESIDE, .counts = {__VA_ARGS__}
#define END .what = LOOK_END
#define ERROR .what = LOOK_ERROR

static const struct look openai_looks[] = {
    {USAGE(chat_counts, responses_counts), .key = S("usage"), .in = {"x_groq"}},
    {USAGE(chat_counts, responses_counts), .key = S("usage")},
    {END, .key = S("finish_reason"), .in = {"choices"}},
    {ERROR, .key = S("error")},
    {ERROR, .key = S("error"), .in = {"x_groq"}},
    {ERROR, .key = S("finish_reason"), .in = {"choices"}, .starts = "error"}, /* OpenRouter */
};

static const struct look responses_looks[] = {
    {USAGE(responses_counts), .key = S("usage")},
    {USAGE(responses_counts), .key = S("usage"), .in = {"response"}},
    {END, .key = S("type"), .starts = "response.completed"},
    {END, .key = S("type"), .starts = "response.incomplete"},
    {END, .key = S("type"), .starts = "response.failed"},
    {ERROR, .key = S("error")},
    {ERROR, .key = S("error"), .in = {"response"}},
    {ERROR, .key = S("type"), .starts = "error"},
    {ERROR, .key = S("type"), .starts = "response.error"},
    {ERROR, .key = S("type"), .starts = "response.failed"},
};

/* Typed events, the last one with the usage. */
static const struct look images_looks[] = {
    {USAGE(images_counts, responses_counts), .key = S("usage")},
    {END, .key = S("type"), .starts = "image_generation.completed"},
    {END, .key = S("type"), .starts = "image_edit.completed"},
    {ERROR, .key = S("error")},
    {ERROR, .key = S("type"), .starts = "error"},
};

static const struct look audio_looks[] = {
    {USAGE(chat_counts, responses_counts), .key = S("usage")},
    {BESIDE(speech_counts), .key = S("type"), .starts = "speech.audio.done"},
    {END, .key = S("type"), .starts = "speech.audio.done"},
    {END, .key = S("type"), .starts = "transcript.text.done"},
    {ERROR, .key = S("error")},
    {ERROR, .key = S("type"), .starts = "error"},
};

static const struct look anthropic_looks[] = {
    {USAGE(anthropic_counts), .key = S("usage")},
    {USAGE(anthropic_counts), .key = S("usage"), .in = {"message"}},
    {END, .key = S("type"), .starts = "message_stop"},
    {ERROR, .key = S("error")},
    {ERROR, .key = S("type"), .starts = "error"},
};

static const struct look gemini_looks[] = {
    {USAGE(gemini_counts), .key = S("usageMetadata")},
    {END, .key = S("finishReason"), .in = {"candidates"}},
    {END, .key = S("blockReason"), .in = {"promptFeedback"}},
    {ERROR, .key = S("error")},
};

static const struct look predict_looks[] = {
    {BESIDE(predict_counts), .key = S("predictions")},
    {ERROR, .key = S("error")},
};

/* Every model family has its own body; their names do not clash. */
static const struct look invoke_looks[] = {
    {USAGE(anthropic_counts, converse_counts, chat_counts), .key = S("usage")},
    {USAGE(anthropic_counts), .key = S("usage"), .in = {"message"}},
    {USAGE(converse_counts), .key = S("usage"), .in = {"metadata"}},
    {USAGE(billed_counts), .key = S("billed_units"), .in = {"response", "meta"}},
    {BESIDE(llama_counts), .key = S("generation_token_count")},
    {BESIDE(titan_counts), .key = S("inputTextTokenCount")},
    {BESIDE(titan_counts), .key = S("totalOutputTextTokenCount")},
    {USAGE(invocation_counts), .key = S("amazon-bedrock-invocationMetrics")},
    {END, .key = S("type"), .starts = "message_stop"},
    {END, .key = S("stopReason"), .in = {"messageStop"}},
    {END, .key = S("stop_reason")},
    {END, .key = S("completionReason")},
    {END, .key = S("finish_reason"), .in = {"choices"}},
    {ERROR, .key = S("error")},
};

static const struct look converse_looks[] = {
    {USAGE(converse_counts), .key = S("usage")},
    {END, .key = S("stopReason")},
};

static const struct look cohere_v1_looks[] = {
    {USAGE(billed_counts), .key = S("billed_units"), .in = {"meta"}},
    {USAGE(billed_counts), .key = S("billed_units"), .in = {"response", "meta"}},
    {END, .key = S("event_type"), .starts = "stream-end"},
    {ERROR, .key = S("finish_reason"), .starts = "ERROR"},
    {ERROR, .key = S("finish_reason"), .in = {"response"}, .starts = "ERROR"},
};

static const struct look cohere_v2_looks[] = {
    {USAGE(billed_counts), .key = S("billed_units"), .in = {"usage"}},
    {USAGE(billed_counts), .key = S("billed_units"), .in = {"delta", "usage"}},
    {USAGE(billed_counts), .key = S("billed_units"), .in = {"meta"}}, /* embed, rerank */
    {END, .key = S("type"), .starts = "message-end"},
    {ERROR, .key = S("finish_reason"), .starts = "ERROR"},
    {ERROR, .key = S("finish_reason"), .in = {"delta"}, .starts = "ERROR"},
    {ERROR, .key = S("finish_reason"), .in = {"delta"}, .starts = "TIMEOUT"},
};

static const struct look workers_ai_looks[] = {
    {USAGE(chat_counts, responses_counts), .key = S("usage"), .in = {"result"}},
    {USAGE(chat_counts, responses_counts), .key = S("usage")},
    {END, .key = S("finish_reason"), .in = {"choices"}},
    {ERROR, .key = S("errors")},
    {ERROR, .key = S("error")},
};

#define RULES(table, model)                                                                                  \
    {                                                                                                        \
        .looks = (table), .n = countof(table), .names_model = (model)                                        \
    }

static const struct rules rules[] = {
    [D_OPAQUE] = {.looks = NULL},
    [D_OPENAI_CHAT] = RULES(openai_looks, true),
    [D_OPENAI_COMPLETIONS] = RULES(openai_looks, true),
    [D_OPENAI_RESPONSES] = RULES(responses_looks, true),
    [D_OPENAI_EMBEDDINGS] = RULES(openai_looks, true),
    [D_OPENAI_IMAGES] = RULES(images_looks, false),
    [D_OPENAI_AUDIO] = RULES(audio_looks, false),
    [D_ANTHROPIC] = RULES(anthropic_looks, true),
    [D_GEMINI] = RULES(gemini_looks, true),
    [D_VERTEX_PREDICT] = RULES(predict_looks, false),
    [D_BEDROCK_INVOKE] = RULES(invoke_looks, false),
    [D_BEDROCK_CONVERSE] = RULES(converse_looks, false),
    [D_COHERE_V1] = RULES(cohere_v1_looks, false),
    [D_COHERE_V2] = RULES(cohere_v2_looks, false),
    [D_WORKERS_AI] = RULES(workers_ai_looks, false),
};

const struct rules *dialect_rules(enum dialect d)
{
    must((size_t)d < countof(rules));
    return &rules[d];
}
