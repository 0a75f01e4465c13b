// SPDX-License-Identifier: Apache-2.0
// The official SDKs behind one interface, for scenarios that are the same for all of them.
//
//   make({ base, headers })            the SDK's client
//   begin(s)                           the conversation's first messages, in the SDK's own form
//   ask(c, model, messages, s)         one call: { text, thinking, calls, usage, finish, object, messages }, where
//                                      messages has the answer added as the SDK's documentation says
//   results(messages, [{ id, name, output }])
//   error(e)                           { kind, status, message, retryAfter }; kind: it is the SDK's own class
//
// s: { system, user: [text or { image: { mime, data } or { url } }], tools, schema (zod), effort, stream, said }; `said` takes the
// pieces of text of a stream as they come. usage: [in, out, cached, reasoning], undefined where the SDK does not tell.
// can: what the SDK has no means for is false, or a list of the providers where it has; `own` is the provider it is made for.
import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { BedrockRuntimeClient, BedrockRuntimeServiceException, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { ApiError, GoogleGenAI } from '@google/genai';
import { Mistral } from '@mistralai/mistralai';
import { MistralError } from '@mistralai/mistralai/models/errors';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { CohereClientV2, CohereError } from 'cohere-ai';
import Groq from 'groq-sdk';
import OpenAI from 'openai';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';

export const MAX_TOKENS = 32000;
const BUDGET = 24576; /* what an effort of "high" is to those that count */
const dataUrl = ({ mime, data, url }) => url ?? `data:${mime};base64,${data}`;
const join = (list, key) => list.map((x) => x[key] ?? '').join('');

// ---- OpenAI chat: openai and groq-sdk ----------------------------------------------------------------

const CHAT_FINISH = { stop: 'stop', length: 'length', tool_calls: 'tools', content_filter: 'filter' };

function chatBody(model, messages, s) {
    return { model, messages, max_completion_tokens: MAX_TOKENS, ...(s.effort && { reasoning_effort: s.effort }),
        ...(s.tools && { tools: s.tools.map((f) => ({ type: 'function', function: f })) }), ...(s.stream && { stream: true, stream_options: { include_usage: true } }) };
}

/* reasoning_details come in pieces; those of one index belong together. */
function addDetails(details, more) {
    for (const d of more ?? []) {
        const known = details.find((x) => x.index === d.index);
        if (known) for (const key of ['text', 'signature', 'data']) known[key] = d[key] === undefined ? known[key] : (known[key] ?? '') + d[key];
        else details.push({ ...d });
    }
}

async function chatWhole(stream, said) {
    const message = { role: 'assistant', content: null }, calls = [], details = [];
    let usage, finish_reason;
    for await (const chunk of stream) {
        const { delta = {}, finish_reason: f } = chunk.choices[0] ?? {};
        if (delta.content) said?.push(delta.content);
        if (delta.content) message.content = (message.content ?? '') + delta.content;
        const thought = delta.reasoning_content ?? delta.reasoning;
        if (thought) message.reasoning_content = (message.reasoning_content ?? '') + thought;
        addDetails(details, delta.reasoning_details);
        for (const { index, ...call } of delta.tool_calls ?? []) {
            calls[index] ??= { id: call.id, type: 'function', function: { name: call.function.name, arguments: '' }, ...(call.extra_content && { extra_content: call.extra_content }) };
            calls[index].function.arguments += call.function.arguments ?? '';
        }
        finish_reason = f ?? finish_reason;
        usage = chunk.usage ?? usage;
    }
    if (details.length) { message.reasoning_details = details; delete message.reasoning_content; }
    if (calls.length) message.tool_calls = calls;
    return { choices: [{ message, finish_reason }], usage };
}

function chatGot(answer, messages) {
    const { message, finish_reason } = answer.choices[0], u = answer.usage;
    const thoughts = message.reasoning_content ?? message.reasoning ?? join(message.reasoning_details ?? [], 'text');
    return { text: message.content ?? '', thinking: thoughts, finish: CHAT_FINISH[finish_reason], object: message.parsed,
        calls: (message.tool_calls ?? []).map((c) => ({ id: c.id, name: c.function.name, args: JSON.parse(c.function.arguments) })),
        usage: u && [u.prompt_tokens, u.completion_tokens, u.prompt_tokens_details?.cached_tokens, u.completion_tokens_details?.reasoning_tokens],
        messages: [...messages, message] };
}

const httpError = (Class) => (e) => ({ kind: e instanceof Class, status: e.status, message: e.message, retryAfter: e.headers?.get?.('retry-after') });

const chatBegin = (s) => [...(s.system ? [{ role: 'system', content: s.system }] : []),
    { role: 'user', content: s.user.map((p) => (p.image ? { type: 'image_url', image_url: { url: dataUrl(p.image) } } : { type: 'text', text: p })) }];
const chatResults = (messages, results) => [...messages, ...results.map(({ id, output }) => ({ role: 'tool', tool_call_id: id, content: output }))];

const openai = {
    own: 'openai', can: { thoughts: true, signatures: true, lists: false },
    make: ({ base, headers }) => new OpenAI({ baseURL: base, apiKey: 'sk-test', defaultHeaders: headers, maxRetries: 0 }),
    begin: chatBegin,
    async ask(c, model, messages, s) {
        const body = chatBody(model, messages, s);
        if (s.schema && s.stream) return chatGot(await c.chat.completions.stream({ ...body, response_format: zodResponseFormat(s.schema, 'answer') }).finalChatCompletion(), messages);
        if (s.schema) return chatGot(await c.chat.completions.parse({ ...body, response_format: zodResponseFormat(s.schema, 'answer') }), messages);
        const answer = await c.chat.completions.create(body);
        return chatGot(s.stream ? await chatWhole(answer, s.said) : answer, messages);
    },
    results: chatResults,
    error: httpError(OpenAI.APIError),
};

const groq = {
    ...openai, own: 'groq', can: { ...openai.can, reasons: false }, /* shows the envelope's message only */
    make: ({ base, headers }) => new Groq({ baseURL: base, apiKey: 'gsk-test', defaultHeaders: headers, maxRetries: 0 }),
    async ask(c, model, messages, s) {
        const format = s.schema && { response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema: z.toJSONSchema(s.schema) } } };
        const answer = await c.chat.completions.create({ ...chatBody(model, messages, s), ...format });
        const got = chatGot(s.stream ? await chatWhole(answer, s.said) : answer, messages);
        return { ...got, object: s.schema && JSON.parse(got.text) };
    },
    error: httpError(Groq.APIError),
};

// ---- OpenAI Responses ------------------------------------------------------------------------------------

const responses = {
    own: 'openai', can: { thoughts: true, signatures: true },
    make: openai.make,
    begin: (s) => [{ role: 'user', content: s.user.map((p) => (p.image ? { type: 'input_image', image_url: dataUrl(p.image), detail: 'auto' } : { type: 'input_text', text: p })) }],
    async ask(c, model, messages, s) {
        const body = { model, input: messages, instructions: s.system, max_output_tokens: MAX_TOKENS, store: false, include: ['reasoning.encrypted_content'],
            ...(s.effort && { reasoning: { effort: s.effort, summary: 'auto' } }), ...(s.tools && { tools: s.tools.map((f) => ({ type: 'function', strict: false, ...f })) }),
            ...(s.schema && { text: { format: zodTextFormat(s.schema, 'answer') } }) };
        const answer = s.stream
            ? await c.responses.stream(body).on('response.output_text.delta', (e) => s.said?.push(e.delta)).finalResponse()
            : await c.responses[s.schema ? 'parse' : 'create'](body);
        const of = (type) => answer.output.filter((item) => item.type === type), u = answer.usage;
        const calls = of('function_call').map((i) => ({ id: i.call_id, name: i.name, args: JSON.parse(i.arguments) }));
        return { text: answer.output_text, thinking: of('reasoning').flatMap((i) => i.summary.map((p) => p.text)).join(''), calls, object: answer.output_parsed,
            finish: calls.length ? 'tools' : { completed: 'stop', incomplete: 'length' }[answer.status],
            usage: [u.input_tokens, u.output_tokens, u.input_tokens_details.cached_tokens, u.output_tokens_details.reasoning_tokens],
            messages: [...messages, ...answer.output] };
    },
    results: (messages, results) => [...messages, ...results.map(({ id, output }) => ({ type: 'function_call_output', call_id: id, output }))],
    error: openai.error,
};

// ---- Anthropic ---------------------------------------------------------------------------------------------

const ANTHROPIC_FINISH = { end_turn: 'stop', max_tokens: 'length', tool_use: 'tools', refusal: 'filter' };

const anthropic = {
    own: 'anthropic', can: { thoughts: true, signatures: true },
    make: ({ base, headers }) => new Anthropic({ baseURL: base, apiKey: 'sk-ant-test', defaultHeaders: headers, maxRetries: 0, timeout: 30000 }),
    begin: (s) => [{ role: 'user', content: s.user.map((p) => (!p.image ? { type: 'text', text: p }
        : { type: 'image', source: p.image.url ? { type: 'url', url: p.image.url } : { type: 'base64', media_type: p.image.mime, data: p.image.data } })) }],
    async ask(c, model, messages, s) {
        const body = { model, messages, system: s.system, max_tokens: MAX_TOKENS, ...(s.effort && { thinking: { type: 'adaptive' } }),
            ...((s.effort || s.schema) && { output_config: { ...(s.effort && { effort: s.effort }), ...(s.schema && { format: zodOutputFormat(s.schema) }) } }),
            ...(s.tools && { tools: s.tools.map(({ parameters, ...f }) => ({ ...f, input_schema: parameters })) }) };
        const answer = s.stream ? await c.messages.stream(body).on('text', (text) => s.said?.push(text)).finalMessage()
            : await c.messages[s.schema ? 'parse' : 'create'](body);
        const of = (type) => answer.content.filter((b) => b.type === type), u = answer.usage;
        return { text: join(of('text'), 'text'), thinking: join(of('thinking'), 'thinking'), object: answer.parsed_output, finish: ANTHROPIC_FINISH[answer.stop_reason],
            calls: of('tool_use').map((b) => ({ id: b.id, name: b.name, args: b.input })),
            usage: [u.input_tokens + u.cache_read_input_tokens, u.output_tokens, u.cache_read_input_tokens],
            messages: [...messages, { role: 'assistant', content: answer.content }] };
    },
    results: (messages, results) => [...messages, { role: 'user', content: results.map(({ id, output }) => ({ type: 'tool_result', tool_use_id: id, content: output })) }],
    error: httpError(Anthropic.APIError),
};

// ---- Gemini --------------------------------------------------------------------------------------------------

const GEMINI_FINISH = { STOP: 'stop', MAX_TOKENS: 'length', SAFETY: 'filter' };

const gemini = {
    own: 'google-ai-studio', can: { thoughts: true, signatures: true },
    make: ({ base, headers }) => new GoogleGenAI({ apiKey: 'g-test', httpOptions: { baseUrl: base, headers } }),
    begin: (s) => [{ role: 'user', parts: s.user.map((p) => (!p.image ? { text: p }
        : p.image.url ? { fileData: { fileUri: p.image.url, mimeType: 'image/png' } } : { inlineData: { mimeType: p.image.mime, data: p.image.data } })) }],
    async ask(c, model, contents, s) {
        const config = { systemInstruction: s.system, maxOutputTokens: MAX_TOKENS, ...(s.effort && { thinkingConfig: { thinkingLevel: s.effort.toUpperCase(), includeThoughts: true } }),
            ...(s.schema && { responseMimeType: 'application/json', responseJsonSchema: z.toJSONSchema(s.schema) }),
            ...(s.tools && { tools: [{ functionDeclarations: s.tools.map(({ parameters, ...f }) => ({ ...f, parametersJsonSchema: parameters })) }] }) };
        const chunks = s.stream ? await c.models.generateContentStream({ model, contents, config }) : [await c.models.generateContent({ model, contents, config })];
        const parts = [];
        let u, finish;
        for await (const chunk of chunks) {
            const [candidate] = chunk.candidates ?? [];
            for (const p of candidate?.content?.parts ?? []) if (p.text && !p.thought) s.said?.push(p.text);
            parts.push(...(candidate?.content?.parts ?? []));
            finish = candidate?.finishReason ?? finish;
            u = chunk.usageMetadata ?? u;
        }
        const calls = parts.filter((p) => p.functionCall).map(({ functionCall: { id, name, args } }) => ({ id, name, args })), text = join(parts.filter((p) => !p.thought), 'text');
        return { text, thinking: join(parts.filter((p) => p.thought), 'text'), calls, finish: calls.length ? 'tools' : GEMINI_FINISH[finish], object: s.schema && JSON.parse(text),
            usage: [u.promptTokenCount, u.candidatesTokenCount + (u.thoughtsTokenCount ?? 0), u.cachedContentTokenCount, u.thoughtsTokenCount],
            messages: [...contents, { role: 'model', parts: parts.filter((p) => p.text !== '' || p.thoughtSignature) }] };
    },
    results: (contents, results) => [...contents, { role: 'user', parts: results.map(({ id, name, output }) => ({ functionResponse: { id, name, response: { output } } })) }],
    error: (e) => ({ kind: e instanceof ApiError, status: e.status, message: e.message }),
};

// ---- Mistral -------------------------------------------------------------------------------------------------

const mistralText = (content) => (typeof content === 'string' ? content : join((content ?? []).filter((p) => p.type === 'text'), 'text'));
const mistralThought = (content) => (Array.isArray(content) ? content.filter((p) => p.type === 'thinking').flatMap((p) => p.thinking) : []).map((x) => x.text).join('');
const mistralArgs = (args) => (typeof args === 'string' ? JSON.parse(args) : args);

const mistral = {
    own: 'mistral', can: { thoughts: ['mistral'], signatures: false, errorTexts: false, streamUsage: false, streamCalls: ['mistral'] },
    make: ({ base, headers }) => ({ sdk: new Mistral({ serverURL: base, apiKey: 'm-test', retryConfig: { strategy: 'none' } }), options: { headers } }),
    begin: (s) => [...(s.system ? [{ role: 'system', content: s.system }] : []),
        { role: 'user', content: s.user.map((p) => (p.image ? { type: 'image_url', imageUrl: dataUrl(p.image) } : { type: 'text', text: p })) }],
    async ask({ sdk, options }, model, messages, s) {
        const body = { model, messages, maxTokens: MAX_TOKENS, ...(s.effort && { reasoningEffort: s.effort }), ...(s.tools && { tools: s.tools.map((f) => ({ type: 'function', function: f })) }),
            ...(s.schema && { responseFormat: s.schema }) };
        const answer = s.stream ? await this.whole(await sdk.chat[s.schema ? 'parseStream' : 'stream'](body, options), s) : await sdk.chat[s.schema ? 'parse' : 'complete'](body, options);
        const { message, finishReason } = answer.choices[0], u = answer.usage, text = mistralText(message.content);
        return { text, thinking: mistralThought(message.content), finish: CHAT_FINISH[finishReason], object: s.stream ? s.schema && JSON.parse(text) : message.parsed,
            calls: (message.toolCalls ?? []).map((c) => ({ id: c.id, name: c.function.name, args: mistralArgs(c.function.arguments) })),
            usage: [u?.promptTokens, u?.completionTokens], messages: [...messages, { ...message, role: 'assistant' }] };
    },
    async whole(stream, s) {
        const message = { content: '' }, calls = [];
        let usage, finishReason, thought = '';
        for await (const { data } of stream) {
            const { delta = {}, finishReason: f } = data.choices[0] ?? {};
            s.said?.push(mistralText(delta.content));
            message.content += mistralText(delta.content);
            thought += mistralThought(delta.content);
            for (const call of delta.toolCalls ?? []) {
                calls[call.index] ??= { id: call.id, function: { name: call.function.name, arguments: '' } };
                const args = call.function.arguments;
                calls[call.index].function.arguments += typeof args === 'string' ? args : Object.keys(args).length ? JSON.stringify(args) : '';
            }
            finishReason = f ?? finishReason;
            usage = data.usage ?? usage;
        }
        if (thought) message.content = [{ type: 'thinking', thinking: [{ type: 'text', text: thought }] }, ...(message.content ? [{ type: 'text', text: message.content }] : [])];
        return { choices: [{ message: { ...message, ...(calls.length && { toolCalls: calls }) }, finishReason }], usage };
    },
    results: (messages, results) => [...messages, ...results.map(({ id, name, output }) => ({ role: 'tool', toolCallId: id, name, content: output }))],
    error: (e) => ({ kind: e instanceof MistralError, status: e.statusCode, message: e.message, retryAfter: e.headers?.get('retry-after') }),
};

// ---- Cohere --------------------------------------------------------------------------------------------------

const COHERE_FINISH = { COMPLETE: 'stop', MAX_TOKENS: 'length', TOOL_CALL: 'tools' };

const cohere = {
    own: 'cohere', can: { thoughts: true, signatures: false },
    make: ({ base, headers }) => ({ sdk: new CohereClientV2({ token: 'co-test', environment: base }), options: { headers, maxRetries: 0 } }),
    begin: (s) => [...(s.system ? [{ role: 'system', content: s.system }] : []),
        { role: 'user', content: s.user.map((p) => (p.image ? { type: 'image_url', imageUrl: { url: dataUrl(p.image) } } : { type: 'text', text: p })) }],
    async ask({ sdk, options }, model, messages, s) {
        const body = { model, messages, maxTokens: MAX_TOKENS, ...(s.effort && { thinking: { type: 'enabled', tokenBudget: BUDGET } }),
            ...(s.tools && { tools: s.tools.map((f) => ({ type: 'function', function: f })) }),
            ...(s.schema && { responseFormat: { type: 'json_object', jsonSchema: z.toJSONSchema(s.schema) } }) };
        const { message, finishReason, usage: u } = s.stream ? await this.whole(await sdk.chatStream(body, options), s) : await sdk.chat(body, options);
        const text = join((message.content ?? []).filter((b) => b.type === 'text'), 'text');
        return { text, thinking: join((message.content ?? []).filter((b) => b.type === 'thinking'), 'thinking'), finish: COHERE_FINISH[finishReason], object: s.schema && JSON.parse(text),
            calls: (message.toolCalls ?? []).map((c) => ({ id: c.id, name: c.function.name, args: JSON.parse(c.function.arguments) })),
            usage: [u.tokens.inputTokens, u.tokens.outputTokens], messages: [...messages, { role: 'assistant', ...message }] };
    },
    async whole(stream, s) {
        const content = [], toolCalls = [];
        let end;
        for await (const { type, index, delta } of stream) {
            const message = delta?.message;
            if (type === 'content-start') content[index] = { type: message.content.type, [message.content.type]: '' };
            if (type === 'content-delta') for (const [kind, piece] of Object.entries(message.content)) content[index][kind] += piece ?? '';
            if (type === 'content-delta' && message.content.text) s.said?.push(message.content.text);
            if (type === 'tool-call-start') toolCalls[index] = message.toolCalls;
            if (type === 'tool-call-delta') toolCalls[index].function.arguments += message.toolCalls.function.arguments;
            if (type === 'message-end') end = delta;
        }
        if (end?.error) throw new CohereError({ message: end.error });
        if (!end) throw new CohereError({ message: 'no message-end' });
        return { message: { ...(content.length && { content }), ...(toolCalls.length && { toolCalls }) }, finishReason: end.finishReason, usage: end.usage };
    },
    results: (messages, results) => [...messages, ...results.map(({ id, output }) => ({ role: 'tool', toolCallId: id, content: output }))],
    error: (e) => ({ kind: e instanceof CohereError, status: e.statusCode, message: e.message, retryAfter: e.rawResponse?.headers.get('retry-after') }),
};

// ---- Bedrock, with an API key --------------------------------------------------------------------------------

const BEDROCK_FINISH = { end_turn: 'stop', max_tokens: 'length', tool_use: 'tools', guardrail_intervened: 'filter', content_filtered: 'filter' };

/** The SDK's HTTP/1 handler, adding the gateway's header to each request. */
class GatewayHandler extends NodeHttpHandler {
    constructor(headers) {
        super();
        this.extra = headers;
    }
    handle(request, options) {
        Object.assign(request.headers, this.extra);
        return super.handle(request, options);
    }
}

const bedrock = {
    own: 'aws-bedrock', can: { thoughts: true, signatures: true, urls: false },
    make: ({ base, headers }) => new BedrockRuntimeClient({ region: 'us-east-1', endpoint: base, token: { token: 'bedrock-api-key-test' },
        authSchemePreference: ['httpBearerAuth'], maxAttempts: 1, requestHandler: new GatewayHandler(headers) }),
    begin: (s) => [{ role: 'user', content: s.user.map((p) => (p.image ? { image: { format: p.image.mime.slice(6), source: { bytes: Buffer.from(p.image.data, 'base64') } } } : { text: p })) }],
    async ask(c, modelId, messages, s) {
        const input = { modelId, messages, system: s.system ? [{ text: s.system }] : undefined, inferenceConfig: { maxTokens: MAX_TOKENS },
            ...(s.effort && { additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: BUDGET } } }),
            ...(s.schema && { outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'answer', schema: JSON.stringify(z.toJSONSchema(s.schema)) } } } } }),
            ...(s.tools && { toolConfig: { tools: s.tools.map(({ parameters, ...f }) => ({ toolSpec: { ...f, inputSchema: { json: parameters } } })) } }) };
        const { content, stopReason, usage: u } = s.stream ? await this.whole((await c.send(new ConverseStreamCommand(input))).stream, s)
            : await c.send(new ConverseCommand(input)).then((a) => ({ ...a, content: a.output.message.content }));
        const text = join(content, 'text');
        return { text, thinking: content.map((b) => b.reasoningContent?.reasoningText?.text ?? '').join(''), finish: BEDROCK_FINISH[stopReason], object: s.schema && JSON.parse(text),
            calls: content.filter((b) => b.toolUse).map(({ toolUse: t }) => ({ id: t.toolUseId, name: t.name, args: t.input })),
            usage: [u.inputTokens + (u.cacheReadInputTokens ?? 0), u.outputTokens, u.cacheReadInputTokens], messages: [...messages, { role: 'assistant', content }] };
    },
    async whole(stream, s) {
        const content = [];
        let stopReason, usage;
        for await (const { contentBlockStart: start, contentBlockDelta: more, messageStop, metadata } of stream) {
            if (start?.start?.toolUse) content[start.contentBlockIndex] = { toolUse: { ...start.start.toolUse, input: '' } };
            if (more) {
                const { text, toolUse, reasoningContent: r } = more.delta, b = (content[more.contentBlockIndex] ??= {});
                if (text) (b.text = (b.text ?? '') + text, s.said?.push(text));
                if (toolUse) b.toolUse.input += toolUse.input;
                const of = r?.redactedContent ? null : r && (b.reasoningContent ??= { reasoningText: { text: '' } }).reasoningText;
                if (r?.redactedContent) b.reasoningContent = { redactedContent: r.redactedContent };
                if (of && r.text) of.text += r.text;
                if (of && r.signature) of.signature = (of.signature ?? '') + r.signature;
            }
            stopReason = messageStop?.stopReason ?? stopReason;
            usage = metadata?.usage ?? usage;
        }
        if (!stopReason) throw new Error('no messageStop');
        for (const b of content) if (b.toolUse) b.toolUse.input = JSON.parse(b.toolUse.input);
        return { content, stopReason, usage };
    },
    results: (messages, results) => [...messages, { role: 'user', content: results.map(({ id, output }) => ({ toolResult: { toolUseId: id, content: [{ text: output }] } })) }],
    error: (e) => ({ kind: e instanceof BedrockRuntimeServiceException, status: e.$metadata?.httpStatusCode, message: e.message, retryAfter: e.$response?.headers['retry-after'] }),
};

export const clients = { openai, 'openai responses': responses, 'groq-sdk': groq, '@anthropic-ai/sdk': anthropic, '@google/genai': gemini,
    '@mistralai/mistralai': mistral, 'cohere-ai': cohere, '@aws-sdk/client-bedrock-runtime': bedrock };
