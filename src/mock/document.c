/* SPDX-License-Identifier: Apache-2.0 */
/* The mock's manual. docs/mock.md is its output; a test holds the two together. */
#include "mock/mock.h"
#include "mock/profile.h"

static const char start[] =
    "# The mock provider\n"
    "\n"
    "Answers like OpenAI, Anthropic, Gemini, Cohere, Workers AI and Bedrock, without a key, a\n"
    "network or a model. The same request always gets the same answer, byte for byte: texts, ids,\n"
    "token counts and the time in `created` depend on the request alone.\n"
    "\n"
    "This page is printed by `weir docs mock`.\n"
    "\n"
    "## Start it\n"
    "\n"
    "```sh\n"
    "weir mock --listen 127.0.0.1:9099\n"
    "curl -s 127.0.0.1:9099/v1/chat/completions \\\n"
    "  -d '{\"model\": \"mock\", \"messages\": [{\"role\": \"user\", \"content\": \"ping\"}]}'\n"
    "```\n"
    "\n"
    "Inside `weir serve` with `sandbox` on, the provider `mock` is the same thing without a\n"
    "process of its own.\n"
    "\n"
    "## Put weir in front of it\n"
    "\n"
    "The mock looks at the end of a path only, so one mock stands in for every provider:\n"
    "\n"
    "```jsonc\n"
    "// weir.jsonc\n"
    "{\"providers\": {\n"
    "  \"openai\": {\"origin\": \"http://127.0.0.1:9099/openai\"},\n"
    "  \"anthropic\": {\"origin\": \"http://127.0.0.1:9099/anthropic\"},\n"
    "  \"groq\": {\"origin\": \"http://127.0.0.1:9099/groq\"}\n"
    "}}\n"
    "```\n"
    "\n"
    "Some services speak OpenAI's chat with a difference. The mock does as they do when the path\n"
    "holds their segment:\n"
    "\n";

static const char words_text[] =
    "\n"
    "## Make it slow, fail or break off\n"
    "\n"
    "Words say how to behave, joined by dashes in any order. They stand in one of three places:\n"
    "\n"
    "- in the model's name, after the word `mock`: `mock-500`, `mock-slow-2000`,\n"
    "  `@cf/mock-cut-5`, `mock-tps-50-error-10`. The model may come in the body, in the path or\n"
    "  as `?model=`;\n"
    "- in a header, with any model: `x-mock: cached-1000-reasoning-200`;\n"
    "- in the query: `?mock=slow-500`.\n"
    "\n"
    "Words the mock does not know mean nothing, so every real model's name works too.\n"
    "\n";

static const char profile_text[] =
    "\n"
    "`cached`, `written`, `written1h` and `reasoning` are reported the way each provider does:\n"
    "inside OpenAI's `prompt_tokens` but beside Anthropic's `input_tokens`, inside OpenAI's\n"
    "`completion_tokens` but beside Gemini's `candidatesTokenCount`.\n"
    "\n"
    "## Make all requests behave: a profile\n"
    "\n"
    "`weir mock --profile FILE` reads JSON with comments. What a request says itself comes first.\n"
    "\n"
    "```jsonc\n"
    "{\n"
    "  \"latency_ms\": 40, \"jitter_ms\": 20,   // for everybody\n"
    "  \"rules\": [                           // the first that matches, over the above\n"
    "    {\"path\": \"*/embeddings\", \"latency_ms\": 5},\n"
    "    {\"model\": \"gpt-*\", \"tokens_per_second\": 80, \"failure_rate\": 0.01},\n"
    "    {\"model\": \"claude-*\", \"rate_limit\": {\"requests\": 50, \"window_ms\": 1000}}\n"
    "  ]\n"
    "}\n"
    "```\n"
    "\n";

static const char answers_text[] =
    "\n"
    "Rates and jitter are drawn from the number of the request since the start, so a run can be\n"
    "repeated. With several workers each counts for itself, limits included.\n"
    "\n"
    "## What it answers\n"
    "\n"
    "| request | answer |\n"
    "|---|---|\n";

static const char rules_text[] =
    "\n"
    "Any prefix before these paths is fine. Other paths get 404 in the form of the provider they\n"
    "look like.\n"
    "\n"
    "- **Text**: `You said: \"...\"` with the first 200 bytes of the last user message, and a\n"
    "  sentence about itself. `max_tokens` and its kin cut it and are the reason given for the\n"
    "  end.\n"
    "- **Tokens**: one for every 4 bytes, rounded up; of the text in the prompt for the input, of\n"
    "  the text or of the tool's name and arguments for the output.\n"
    "- **Streams**: one event a token, 256 pieces at most, unless `events` says how many.\n"
    "- **Tools**: called when `tool_choice` demands it, or when the last user message names one.\n"
    "  The arguments are an instance of the tool's schema. After a tool's result comes text.\n"
    "- **Structured answers**: an instance of the JSON schema in `response_format` and its kin.\n"
    "- **Embeddings**: a vector of about unit length, made of the text's hash; `base64` if asked\n"
    "  for.\n"
    "- **Usage of streams** from OpenAI's chat comes only with `stream_options.include_usage`.\n"
    "- A body that is not JSON gets 400; more than 16 MiB gets 413.\n"
    "\n"
    "## See what a provider would see\n"
    "\n"
    "The model `mock-echo`, or `x-mock: echo`, makes any text answer a JSON text of what arrived;\n"
    "`/mock/echo` and `/__echo` answer with that JSON itself, for any method and body:\n"
    "\n"
    "```json\n"
    "{\"method\": \"POST\", \"target\": \"/v1/x?a=b\", \"headers\": [[\"Host\", \"127.0.0.1:9099\"]],\n"
    " \"body_sha256\": \"...\", \"body_bytes\": 17, \"body\": \"the first 16 KiB\"}\n"
    "```\n"
    "\n"
    "It shows header values, credentials included: that is its purpose. Errors never do.\n";

static void document_flavours(struct buf *out)
{
    (void)buf_append_c(out, "| segment | difference |\n|---|---|\n");
    for (size_t i = 0; i < n_flavours; i++)
        (void)buf_printf(out, "| `%s` | %s |\n", flavours[i].segment.p, flavours[i].doc);
}

static void document_routes(struct buf *out)
{
    for (size_t i = 0; i < n_routes; i++) {
        const struct route *r = &routes[i];
        (void)buf_printf(out, "| `%s %s%s%s%s%s` | %s |\n", r->method ? r->method : "any", r->within,
                         r->within[0] ? "{model}" : "", r->ends, r->query ? "?" : "",
                         r->query ? r->query : "", r->title);
    }
}

void mock_document(struct buf *out)
{
    (void)buf_append_c(out, start); /* overflow is noted in out->full */
    document_flavours(out);
    (void)buf_append_c(out, words_text);
    words_document(out);
    (void)buf_append_c(out, profile_text);
    profile_document(out);
    (void)buf_append_c(out, answers_text);
    document_routes(out);
    (void)buf_append_c(out, rules_text);
}
