// SPDX-License-Identifier: Apache-2.0
// LangChain and the Vercel AI SDK behind the interface of clients.mjs.
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, jsonSchema, Output, streamText } from 'ai';
import { AIMessageChunk, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { ChatAnthropic } from '@langchain/anthropic';
import { ChatGoogleGenerativeAI } from '@langchain/google-genai';
import { ChatOpenAI } from '@langchain/openai';
import { MAX_TOKENS } from './clients.mjs';

const dataUrl = ({ mime, data, url }) => url ?? `data:${mime};base64,${data}`;

// ---- Vercel AI SDK ---------------------------------------------------------------------------------------

const AI_FINISH = { stop: 'stop', length: 'length', 'tool-calls': 'tools', 'content-filter': 'filter' };

function vercel(own, can, provider, effort) {
    return {
        own, can,
        make: ({ base, headers }) => provider({ baseURL: base, apiKey: 'sk-test', headers }),
        begin: (s) => [{ role: 'user', content: s.user.map((p) => (p.image
            ? { type: 'file', mediaType: p.image.mime ?? 'image/png', data: p.image.url ? new URL(p.image.url) : p.image.data } : { type: 'text', text: p })) }],
        async ask(model, name, messages, s) {
            const tools = s.tools && Object.fromEntries(s.tools.map((f) => [f.name, { description: f.description, inputSchema: jsonSchema(f.parameters) }]));
            const errors = [], request = { model: model(name), messages, instructions: s.system, maxOutputTokens: MAX_TOKENS, maxRetries: 0, tools, providerOptions: effort(s.effort),
                output: s.schema ? Output.object({ schema: s.schema }) : undefined, onError: ({ error }) => errors.push(error) };
            const got = s.stream ? streamText(request) : await generateText(request);
            if (s.stream) for await (const text of got.textStream) s.said?.push(text);
            if (errors.length) throw errors[0];
            const [text, thinking, calls, u, finish, { messages: more }] = await Promise.all([got.text, got.reasoningText, got.toolCalls, got.usage, got.finishReason, got.response]);
            return { text, thinking: thinking ?? '', finish: AI_FINISH[finish], object: s.schema && (await got.output),
                calls: calls.map((c) => ({ id: c.toolCallId, name: c.toolName, args: c.input })),
                usage: [u.inputTokens, u.outputTokens, u.inputTokenDetails.cacheReadTokens, u.outputTokenDetails.reasoningTokens], messages: [...messages, ...more] };
        },
        results: (messages, results) => [...messages, { role: 'tool', content: results.map(({ id, name, output }) =>
            ({ type: 'tool-result', toolCallId: id, toolName: name, output: { type: 'text', value: output } })) }],
        error: (e) => ({ kind: APICallError.isInstance(e), status: e.statusCode, message: `${e.message} ${e.responseBody ?? ''}`, retryAfter: e.responseHeaders?.['retry-after'] }),
    };
}

const noneShown = { thoughts: false, signatures: false }, allShown = { thoughts: true, signatures: true };

// ---- LangChain -------------------------------------------------------------------------------------------

const LC_FINISH = { stop: 'stop', length: 'length', tool_calls: 'tools', end_turn: 'stop', max_tokens: 'length', tool_use: 'tools', STOP: 'stop', MAX_TOKENS: 'length',
    completed: 'stop', incomplete: 'length' };

function langchain(own, can, build) {
    return {
        own, can,
        make: (at) => at,
        begin: (s) => [...(s.system ? [new SystemMessage(s.system)] : []),
            new HumanMessage({ content: s.user.map((p) => (p.image ? { type: 'image_url', image_url: { url: dataUrl(p.image) } } : { type: 'text', text: p })) })],
        async ask(at, name, messages, s) {
            let model = build(at, name, s);
            if (s.tools) model = model.bindTools(s.tools.map((f) => ({ type: 'function', function: f })));
            if (s.schema) model = model.withStructuredOutput(s.schema, { name: 'answer', method: 'jsonSchema', includeRaw: true });
            let got;
            if (!s.stream) got = await model.invoke(messages);
            else for await (const chunk of await model.stream(messages)) {
                if (chunk instanceof AIMessageChunk && chunk.text) s.said?.push(chunk.text);
                got = got === undefined ? chunk : s.schema ? { raw: chunk.raw ? (got.raw?.concat(chunk.raw) ?? chunk.raw) : got.raw, parsed: chunk.parsed ?? got.parsed } : got.concat(chunk);
            }
            const m = s.schema ? got.raw : got, u = m.usage_metadata, why = m.response_metadata;
            const calls = (m.tool_calls ?? []).map((c) => ({ id: c.id, name: c.name, args: c.args }));
            return { text: m.text, thinking: (m.contentBlocks.some((b) => b.type === 'reasoning') ? m.contentBlocks : [m.content].flat()).map((b) => b.reasoning ?? b.thinking ?? '').join(''), object: got.parsed, calls,
                finish: calls.length ? 'tools' : LC_FINISH[why.finish_reason ?? why.stop_reason ?? m.additional_kwargs.stop_reason ?? why.finishReason ?? why.status ?? m.additional_kwargs.finishReason],
                usage: [u?.input_tokens, u?.output_tokens, u?.input_token_details?.cache_read, u?.output_token_details?.reasoning], messages: [...messages, m] };
        },
        results: (messages, results) => [...messages, ...results.map(({ id, name, output }) => new ToolMessage({ tool_call_id: id, name, content: output }))],
        error: (e) => ({ kind: e instanceof Error, status: e.status, message: e.message }),
    };
}

const chatOpenAI = (more) => ({ base, headers }, model, s) => new ChatOpenAI({ model, apiKey: 'sk-test', maxRetries: 0, maxTokens: MAX_TOKENS,
    configuration: { baseURL: base, defaultHeaders: headers }, ...more(s) });

export const frameworks = {
    'ai, @ai-sdk/openai chat': vercel('openai', { ...noneShown, lists: false }, (at) => createOpenAI(at).chat, (effort) => effort && { openai: { reasoningEffort: effort, forceReasoning: true } }),
    'ai, @ai-sdk/openai responses': vercel('openai', allShown, (at) => createOpenAI(at).responses,
        (effort) => effort && { openai: { reasoningEffort: effort, reasoningSummary: 'auto', forceReasoning: true, store: false } }),
    'ai, @ai-sdk/openai-compatible': vercel('openai', { thoughts: true, signatures: false, urls: false, lists: false },
        (at) => createOpenAICompatible({ name: 'weir', includeUsage: true, supportsStructuredOutputs: true, ...at }), (effort) => effort && { weir: { reasoningEffort: effort } }),
    'ai, @ai-sdk/anthropic': vercel('anthropic', allShown, (at) => createAnthropic(at), (effort) => ({ anthropic: { structuredOutputMode: 'outputFormat', ...(effort && { thinking: { type: 'adaptive' }, effort }) } })),
    '@langchain/openai': langchain('openai', { ...noneShown, lists: false }, chatOpenAI((s) => ({ modelKwargs: s.effort && { reasoning_effort: s.effort } }))),
    /* it keeps one reasoning item of an answer, and of a stream none */
    '@langchain/openai responses': langchain('openai', { thoughts: true, signatures: ['openai', 'openrouter', 'anthropic', 'aws-bedrock'], streamSignatures: false, streamErrors: ['openrouter', 'anthropic', 'google-ai-studio', 'aws-bedrock', 'cohere', 'mistral'] }, chatOpenAI((s) => ({ useResponsesApi: true, zdrEnabled: true,
        modelKwargs: s.effort && { reasoning: { effort: s.effort, summary: 'auto' }, include: ['reasoning.encrypted_content'] } }))),
    '@langchain/anthropic': langchain('anthropic', { ...allShown, streamUsage: false }, ({ base, headers }, model, s) => new ChatAnthropic({ model, apiKey: 'sk-ant-test', anthropicApiUrl: base, maxRetries: 0, maxTokens: MAX_TOKENS,
        clientOptions: { defaultHeaders: headers, timeout: 30000 }, ...(s.effort && { thinking: { type: 'adaptive' }, outputConfig: { effort: s.effort } }) })),
    '@langchain/google-genai': langchain('google-ai-studio', { ...allShown, images: false, usage: false, streamSignatures: false, streamErrors: [],
        breaks: false /* its SDK rejects a promise that nobody has */ }, ({ base, headers }, model, s) => new ChatGoogleGenerativeAI({ model, apiKey: 'g-test', baseUrl: base,
        customHeaders: headers, maxRetries: 0, maxOutputTokens: MAX_TOKENS, ...(s.effort && { thinkingConfig: { thinkingLevel: s.effort.toUpperCase(), includeThoughts: true } }) })),
};
