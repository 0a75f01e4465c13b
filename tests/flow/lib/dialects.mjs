// SPDX-License-Identifier: Apache-2.0
// Providers by their documentation, not by weir's reading of it: each says a turn in its own dialect, whole and as
// a stream, reads what a request says, and refuses what the real service refuses.
//
// A turn:    { thinking: { text, signature }, text, calls: [{ id, name, args }], finish, usage: { in, out, cached, reasoning } }
//            finish is stop, length, tools or filter; in and out are all of the tokens
// What was heard: { system, texts, images, tools, calls, results, schema, thoughts, signatures }
import { frame } from './aws.mjs';

export const CREATED = 1754000000;

/* Pieces as tokens are: of a few letters, none cut in two. */
const pieces = (text, n = 10) => Array.from({ length: Math.ceil([...text].length / n) }, (_, i) => [...text].slice(i * n, i * n + n).join(''));
const data = (value) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;
const event = (value) => `event: ${value.type}\n${data(value)}`;
const list = (v) => (v === undefined || v === null ? [] : Array.isArray(v) ? v : [v]);
const dataUrl = (url) => {
    const [, mime, base64] = /^data:([^;]+);base64,(.*)$/.exec(url) ?? [];
    return mime ? { mime, data: base64 } : { url };
};
const nothing = () => ({ system: '', texts: [], images: [], tools: {}, calls: [], results: [], schema: undefined, thoughts: [], signatures: [] });
const parsed = (text) => (typeof text === 'string' ? JSON.parse(text) : text);

/* Calls and their results belong together: the ids of the calls that were not answered at once. */
function unanswered(turns) {
    for (const [i, { calls }] of turns.entries()) {
        const answered = turns[i + 1]?.results ?? [];
        for (const id of calls ?? []) if (!answered.includes(id)) return `call ${id} is not answered`;
        for (const id of answered) if (!calls?.includes(id)) return `result of ${id}, which was not called`;
    }
    return turns[0]?.results?.length ? 'results before calls' : null;
}

// ---- OpenAI chat, and what others made of it -------------------------------------------------------

const CHAT_FINISH = { stop: 'stop', length: 'length', tools: 'tool_calls', filter: 'content_filter' };
const chatUsage = ({ in: i, out, cached, reasoning }) => ({ prompt_tokens: i, completion_tokens: out, total_tokens: i + out,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 }, completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: 0 } });
const chatCall = ({ id, name, args }) => ({ id, type: 'function', function: { name, arguments: JSON.stringify(args) } });

/* How a provider of this form shows thoughts. */
const CHAT_THOUGHTS = {
    openrouter: ({ text, signature }) => ({ reasoning: text, reasoning_details: [{ type: 'reasoning.text', index: 0, format: 'anthropic-claude-v1', text, signature }] }),
    mistral: ({ text }) => ({ content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }] }),
};
const CHAT_MEMBERS = new Set(['role', 'content', 'name', 'tool_calls', 'tool_call_id', 'refusal', 'annotations', 'audio', 'function_call']);
const MISTRAL_MEMBERS = new Set(['role', 'content', 'name', 'tool_calls', 'tool_call_id', 'prefix']);

const chat = {
    at: /\/chat\/completions$/,
    type: 'text/event-stream',
    whole: (turn, slug) => ({ id: 'chatcmpl-1', object: 'chat.completion', created: CREATED, model: 'served', usage: chatUsage(turn.usage), choices: [{ index: 0, logprobs: null,
        finish_reason: CHAT_FINISH[turn.finish],
        message: { role: 'assistant', content: turn.text ?? null, refusal: null, ...(turn.calls && { tool_calls: turn.calls.map(chatCall) }),
            ...(turn.thinking && CHAT_THOUGHTS[slug]?.(turn.thinking)), ...(turn.thinking && slug === 'mistral' && turn.text &&
                { content: [...CHAT_THOUGHTS.mistral(turn.thinking).content, { type: 'text', text: turn.text }] }) } }] }),
    *events(turn, slug, request) {
        const chunk = (delta, finish_reason = null, more) => data({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: CREATED, model: 'served',
            choices: [{ index: 0, delta, logprobs: null, finish_reason }], ...more });
        yield chunk({ role: 'assistant', content: '', refusal: null });
        if (turn.thinking && slug === 'mistral') for (const text of pieces(turn.thinking.text)) yield chunk(CHAT_THOUGHTS.mistral({ text }));
        if (turn.thinking && slug === 'openrouter') {
            for (const text of pieces(turn.thinking.text)) yield chunk({ content: '', ...CHAT_THOUGHTS.openrouter({ text }) });
            yield chunk({ content: '', reasoning: null, reasoning_details: [{ type: 'reasoning.text', index: 0, format: 'anthropic-claude-v1', signature: turn.thinking.signature }] });
        }
        for (const content of pieces(turn.text ?? '')) yield chunk({ content });
        for (const [index, call] of (turn.calls ?? []).entries()) {
            const { id, type, function: { name, arguments: args } } = chatCall(call);
            yield chunk({ tool_calls: [{ index, id, type, function: { name, arguments: slug === 'mistral' ? args : '' } }] });
            if (slug !== 'mistral') for (const piece of pieces(args)) yield chunk({ tool_calls: [{ index, function: { arguments: piece } }] });
        }
        const usage = chatUsage(turn.usage);
        yield chunk({}, CHAT_FINISH[turn.finish], slug === 'mistral' ? { usage } : undefined);
        if (request.stream_options?.include_usage) yield data({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: CREATED, model: 'served', choices: [], usage });
        yield data('[DONE]');
    },
    error: (status, message) => ({ error: { message, type: status === 429 ? 'rate_limit_exceeded' : status < 500 ? 'invalid_request_error' : 'server_error', param: null, code: null } }),
    broken: (message) => data({ error: { message, type: 'server_error', param: null, code: null } }),
    hear(body) {
        const h = nothing();
        for (const m of body.messages) {
            const parts = typeof m.content === 'string' ? [{ type: 'text', text: m.content }] : list(m.content);
            const text = parts.filter((p) => p.type === 'text').map((p) => p.text).join('');
            if (m.role === 'system' || m.role === 'developer') h.system += text;
            if (m.role === 'user') h.texts.push(text);
            if (m.role === 'tool') h.results.push({ id: m.tool_call_id, output: text });
            for (const p of parts) if (p.type === 'image_url') h.images.push(dataUrl(p.image_url.url ?? p.image_url));
            for (const c of m.tool_calls ?? []) h.calls.push({ id: c.id, name: c.function.name, args: JSON.parse(c.function.arguments) });
            for (const p of parts) if (p.type === 'thinking') h.thoughts.push(p.thinking.map((x) => x.text).join(''));
            for (const d of m.reasoning_details ?? []) [h.thoughts, h.signatures].forEach((l, i) => l.push([d.text, d.signature][i]));
        }
        for (const t of body.tools ?? []) h.tools[t.function.name] = t.function.parameters;
        h.schema = body.response_format?.json_schema?.schema;
        h.effort = body.reasoning_effort ?? body.reasoning?.effort;
        return h;
    },
    refuses(body, slug) {
        const members = { openai: CHAT_MEMBERS, mistral: MISTRAL_MEMBERS }[slug];
        for (const m of body.messages) {
            for (const name of members ? Object.keys(m) : []) if (!members.has(name)) return `messages: '${name}' is not permitted`;
            if (m.role === 'user' && !m.content?.length) return 'empty message';
        }
        if (slug === 'openai' && body.max_tokens !== undefined) return "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
        if (slug === 'mistral' && (body.stream_options || body.max_completion_tokens)) return 'Extra inputs are not permitted';
        const turns = [];
        for (const m of body.messages) {
            if (m.role !== 'tool') turns.push({ calls: m.tool_calls?.map((c) => c.id) });
            else (turns.at(-1).results || turns.push({ results: [] }), turns.at(-1).results.push(m.tool_call_id));
        }
        return unanswered(turns);
    },
};

// ---- OpenAI Responses ------------------------------------------------------------------------------

const responses = {
    at: /\/responses$/,
    type: 'text/event-stream',
    shell: (request, more) => ({ id: 'resp_1', object: 'response', created_at: CREATED, model: 'served', status: 'in_progress', output: [], error: null, incomplete_details: null, instructions: null,
        metadata: {}, parallel_tool_calls: true, temperature: 1, tool_choice: 'auto', tools: [], top_p: 1, text: request.text ?? { format: { type: 'text' } }, ...more }),
    items(turn) {
        const items = [];
        if (turn.thinking) items.push({ type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: turn.thinking.text }], encrypted_content: turn.thinking.signature });
        if (turn.text) items.push({ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: turn.text, annotations: [], logprobs: [] }] });
        for (const { id, name, args } of turn.calls ?? []) items.push({ type: 'function_call', id: `fc_${id}`, call_id: id, name, arguments: JSON.stringify(args), status: 'completed' });
        return items;
    },
    whole(turn, slug, request) {
        const { in: i, out, cached, reasoning } = turn.usage;
        return this.shell(request, { output: this.items(turn), ...(turn.finish === 'length' ? { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } } : { status: 'completed' }),
            usage: { input_tokens: i, input_tokens_details: { cached_tokens: cached }, output_tokens: out, output_tokens_details: { reasoning_tokens: reasoning }, total_tokens: i + out } });
    },
    *events(turn, slug, request) {
        let sequence_number = 0;
        const say = (type, more) => event({ type, sequence_number: sequence_number++, ...more });
        yield say('response.created', { response: this.shell(request) });
        for (const [output_index, item] of this.items(turn).entries()) {
            const at = { output_index, item_id: item.id };
            yield say('response.output_item.added', { output_index, item: { ...item, ...(item.type === 'message' && { content: [] }), ...(item.type === 'function_call' && { arguments: '' }),
                ...(item.type === 'reasoning' && { summary: [] }) } });
            for (const [summary_index, part] of (item.summary ?? []).entries()) {
                yield say('response.reasoning_summary_part.added', { ...at, summary_index, part: { ...part, text: '' } });
                for (const delta of pieces(part.text)) yield say('response.reasoning_summary_text.delta', { ...at, summary_index, delta });
                yield say('response.reasoning_summary_text.done', { ...at, summary_index, text: part.text });
                yield say('response.reasoning_summary_part.done', { ...at, summary_index, part });
            }
            for (const [content_index, part] of (item.content ?? []).entries()) {
                yield say('response.content_part.added', { ...at, content_index, part: { ...part, text: '' } });
                for (const delta of pieces(part.text)) yield say('response.output_text.delta', { ...at, content_index, delta, logprobs: [] });
                yield say('response.output_text.done', { ...at, content_index, text: part.text, logprobs: [] });
                yield say('response.content_part.done', { ...at, content_index, part });
            }
            if (item.type === 'function_call') {
                for (const delta of pieces(item.arguments)) yield say('response.function_call_arguments.delta', { ...at, delta });
                yield say('response.function_call_arguments.done', { ...at, name: item.name, arguments: item.arguments });
            }
            yield say('response.output_item.done', { output_index, item });
        }
        yield say(turn.finish === 'length' ? 'response.incomplete' : 'response.completed', { response: this.whole(turn, slug, request) });
    },
    error: chat.error,
    broken: (message) => event({ type: 'error', sequence_number: 98, code: 'server_error', message, param: null }) +
        event({ type: 'response.failed', sequence_number: 99, response: responses.shell({}, { status: 'failed', error: { code: 'server_error', message } }) }),
    hear(body) {
        const h = nothing();
        h.system = body.instructions ?? '';
        for (const item of typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : body.input) {
            const parts = typeof item.content === 'string' ? [{ type: 'input_text', text: item.content }] : list(item.content);
            const text = parts.map((p) => p.text ?? '').join('');
            if (item.role === 'system' || item.role === 'developer') h.system += text;
            if (item.role === 'user') h.texts.push(text);
            for (const p of parts) if (p.type === 'input_image') h.images.push(dataUrl(p.image_url));
            if (item.type === 'function_call') h.calls.push({ id: item.call_id, name: item.name, args: JSON.parse(item.arguments) });
            if (item.type === 'function_call_output') h.results.push({ id: item.call_id, output: item.output });
            if (item.type === 'reasoning') [h.thoughts, h.signatures].forEach((l, i) => l.push([item.summary.map((s) => s.text).join(''), item.encrypted_content][i]));
        }
        for (const t of body.tools ?? []) h.tools[t.name] = t.parameters;
        h.schema = body.text?.format?.schema;
        h.effort = body.reasoning?.effort;
        return h;
    },
    refuses(body) {
        const items = Array.isArray(body.input) ? body.input : [];
        const calls = items.filter((i) => i.type === 'function_call').map((i) => i.call_id), results = items.filter((i) => i.type === 'function_call_output').map((i) => i.call_id);
        return unanswered(calls.length || results.length ? [{ calls }, { results }] : []);
    },
};

// ---- Anthropic ---------------------------------------------------------------------------------------

const ANTHROPIC_FINISH = { stop: 'end_turn', length: 'max_tokens', tools: 'tool_use', filter: 'refusal' };
const anthropicUsage = ({ in: i, out, cached }) => ({ input_tokens: i - cached, cache_creation_input_tokens: 0, cache_read_input_tokens: cached, output_tokens: out });

const anthropic = {
    at: /\/v1\/messages$/,
    overloaded: 529,
    type: 'text/event-stream',
    blocks: ({ thinking, text, calls = [] }) => [
        ...(thinking ? [{ type: 'thinking', thinking: thinking.text, signature: thinking.signature }] : []),
        ...(text ? [{ type: 'text', text }] : []),
        ...calls.map(({ id, name, args }) => ({ type: 'tool_use', id, name, input: args }))],
    whole(turn) {
        return { id: 'msg_1', type: 'message', role: 'assistant', model: 'served', content: this.blocks(turn), stop_reason: ANTHROPIC_FINISH[turn.finish], stop_sequence: null,
            usage: anthropicUsage(turn.usage) };
    },
    *events(turn) {
        yield event({ type: 'message_start', message: { ...this.whole({ ...turn, thinking: undefined, text: undefined, calls: [] }), stop_reason: null, usage: anthropicUsage({ ...turn.usage, out: 1 }) } });
        yield event({ type: 'ping' });
        for (const [index, block] of this.blocks(turn).entries()) {
            const delta = (d) => event({ type: 'content_block_delta', index, delta: d });
            const empty = { thinking: { type: 'thinking', thinking: '', signature: '' }, text: { type: 'text', text: '' }, tool_use: { ...block, input: {} } }[block.type];
            yield event({ type: 'content_block_start', index, content_block: empty });
            if (block.type === 'thinking') {
                for (const thinking of pieces(block.thinking)) yield delta({ type: 'thinking_delta', thinking });
                yield delta({ type: 'signature_delta', signature: block.signature });
            }
            if (block.type === 'text') for (const text of pieces(block.text)) yield delta({ type: 'text_delta', text });
            if (block.type === 'tool_use') for (const partial_json of ['', ...pieces(JSON.stringify(block.input))]) yield delta({ type: 'input_json_delta', partial_json });
            yield event({ type: 'content_block_stop', index });
        }
        yield event({ type: 'message_delta', delta: { stop_reason: ANTHROPIC_FINISH[turn.finish], stop_sequence: null }, usage: anthropicUsage(turn.usage) });
        yield event({ type: 'message_stop' });
    },
    error: (status, message) => ({ type: 'error', request_id: 'req_1', error: { message,
        type: { 400: 'invalid_request_error', 401: 'authentication_error', 404: 'not_found_error', 429: 'rate_limit_error', 529: 'overloaded_error' }[status] ?? 'api_error' } }),
    broken: (message) => event({ type: 'error', error: { type: 'overloaded_error', message } }),
    hear(body) {
        const h = nothing();
        const textOf = (content) => (typeof content === 'string' ? content : list(content).map((b) => b.text ?? '').join(''));
        h.system = textOf(body.system);
        for (const m of body.messages) {
            const blocks = typeof m.content === 'string' ? [{ type: 'text', text: m.content }] : m.content;
            const text = textOf(blocks);
            if (m.role === 'system') h.system += text;
            if (m.role === 'user' && text) h.texts.push(text);
            for (const b of blocks) {
                if (b.type === 'image') h.images.push(b.source.type === 'base64' ? { mime: b.source.media_type, data: b.source.data } : { url: b.source.url });
                if (b.type === 'tool_use') h.calls.push({ id: b.id, name: b.name, args: b.input });
                if (b.type === 'tool_result') h.results.push({ id: b.tool_use_id, output: textOf(b.content) });
                if (b.type === 'thinking') [h.thoughts, h.signatures].forEach((l, i) => l.push([b.thinking, b.signature][i]));
            }
        }
        for (const t of body.tools ?? []) h.tools[t.name] = t.input_schema;
        h.schema = body.output_config?.format?.schema;
        h.effort = body.output_config?.effort;
        return h;
    },
    refuses(body) {
        if (!(body.max_tokens > 0)) return 'max_tokens: Field required';
        const thinks = body.thinking && body.thinking.type !== 'disabled';
        if (thinks && body.temperature !== undefined && body.temperature !== 1) return '`temperature` may only be set to 1 when thinking is enabled';
        if (thinks && body.thinking.budget_tokens >= body.max_tokens) return '`max_tokens` must be greater than `thinking.budget_tokens`';
        const turns = [];
        for (const m of body.messages) {
            const blocks = typeof m.content === 'string' ? [{ type: 'text', text: m.content }] : m.content;
            if (blocks.length === 0 || blocks.some((b) => b.type === 'text' && b.text === '')) return 'text content blocks must be non-empty';
            const calls = blocks.filter((b) => b.type === 'tool_use').map((b) => b.id), results = blocks.filter((b) => b.type === 'tool_result').map((b) => b.tool_use_id);
            if (calls.some((id) => !/^[a-zA-Z0-9_-]+$/.test(id))) return 'tool_use.id: should match pattern';
            if (blocks.some((b) => b.type === 'thinking' && b.signature !== SIGNATURE)) return 'Invalid `signature` in `thinking` block';
            if (body.thinking?.type === 'enabled' && calls.length && !['thinking', 'redacted_thinking'].includes(blocks[0].type)) return 'Expected `thinking` or `redacted_thinking`';
            if (m.role === turns.at(-1)?.role) Object.assign(turns.at(-1), { calls: [...turns.at(-1).calls, ...calls], results: [...turns.at(-1).results, ...results] });
            else turns.push({ role: m.role, calls, results });
        }
        return unanswered(turns);
    },
};

// ---- Gemini ------------------------------------------------------------------------------------------

const GEMINI_FINISH = { stop: 'STOP', length: 'MAX_TOKENS', tools: 'STOP', filter: 'SAFETY' };
const geminiUsage = ({ in: i, out, cached, reasoning }) => ({ promptTokenCount: i, cachedContentTokenCount: cached, candidatesTokenCount: out - reasoning, thoughtsTokenCount: reasoning, totalTokenCount: i + out });
const geminiThought = ({ thinking }) => (thinking ? [{ text: thinking.text, thought: true }] : []);
const geminiCalls = ({ thinking, calls = [] }) => calls.map(({ id, name, args }, i) => ({ functionCall: { id, name, args },
    ...(i === 0 && { thoughtSignature: thinking?.signature ?? SIGNATURE }) }));
const geminiPiece = (parts, more, last) => ({ candidates: [{ index: 0, content: { role: 'model', parts }, ...last }], modelVersion: 'served', responseId: 'r1', ...more });

const gemini = {
    at: /:(stream)?[gG]enerateContent(\?|$)/,
    type: 'text/event-stream',
    whole: (turn) => geminiPiece([...geminiThought(turn), ...(turn.text ? [{ text: turn.text }] : []), ...geminiCalls(turn)], { usageMetadata: geminiUsage(turn.usage) },
        { finishReason: GEMINI_FINISH[turn.finish] }),
    *events(turn) {
        for (const text of pieces(turn.thinking?.text ?? '')) yield data(geminiPiece([{ text, thought: true }]));
        for (const text of pieces(turn.text ?? '')) yield data(geminiPiece([{ text }], { usageMetadata: geminiUsage({ ...turn.usage, out: turn.usage.reasoning }) }));
        for (const part of geminiCalls(turn)) yield data(geminiPiece([part]));
        yield data(geminiPiece([{ text: '' }], { usageMetadata: geminiUsage(turn.usage) }, { finishReason: GEMINI_FINISH[turn.finish] }));
    },
    error: (status, message) => ({ error: { code: status, message, status: { 400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 404: 'NOT_FOUND', 429: 'RESOURCE_EXHAUSTED', 503: 'UNAVAILABLE' }[status] ?? 'INTERNAL' } }),
    broken: (message) => data({ error: { code: 503, message, status: 'UNAVAILABLE' } }),
    hear(body) {
        const h = nothing();
        h.system = list(body.systemInstruction?.parts).map((p) => p.text).join('');
        for (const c of body.contents) {
            const text = c.parts.filter((p) => !p.thought).map((p) => p.text ?? '').join('');
            if (c.role !== 'model' && text) h.texts.push(text);
            for (const p of c.parts) {
                if (p.inlineData) h.images.push({ mime: p.inlineData.mimeType, data: p.inlineData.data });
                if (p.fileData) h.images.push({ url: p.fileData.fileUri });
                if (p.functionCall) h.calls.push({ id: p.functionCall.id, name: p.functionCall.name, args: p.functionCall.args });
                if (p.functionResponse) h.results.push({ id: p.functionResponse.id, output: Object.values(p.functionResponse.response)[0] });
                if (p.thoughtSignature) h.signatures.push(p.thoughtSignature);
                if (p.thought) h.thoughts.push(p.text);
            }
        }
        for (const t of (body.tools ?? []).flatMap((x) => x.functionDeclarations ?? [])) h.tools[t.name] = t.parametersJsonSchema ?? t.parameters;
        const g = body.generationConfig ?? {};
        h.schema = g.responseJsonSchema ?? g.responseSchema;
        h.effort = g.thinkingConfig?.thinkingLevel?.toLowerCase() ?? g.thinkingConfig?.thinkingBudget;
        return h;
    },
    refuses(body) {
        const turns = [];
        for (const c of body.contents) {
            if (!c.parts?.length) return 'contents.parts must not be empty';
            const calls = c.parts.filter((p) => p.functionCall), results = c.parts.filter((p) => p.functionResponse);
            if (calls.length && !calls[0].thoughtSignature) return 'Function call is missing a thought_signature in functionCall parts';
            for (const { thoughtSignature: s } of calls) if (s && s !== SIGNATURE && !NO_SIGNATURE.test(s)) return 'Thought signature is not valid';
            const last = turns.at(-1), names = results.map((p) => p.functionResponse.name);
            if (last?.results.length && names.length) last.results.push(...names); /* contents of one side in a row are one */
            else turns.push({ calls: calls.map((p) => p.functionCall.name), results: names });
        }
        for (const [i, t] of turns.entries()) /* by number: ids are optional */
            if (t.calls.length && t.calls.length !== turns[i + 1]?.results.length) return 'the number of function response parts must equal the number of function call parts';
        return unanswered(turns);
    },
};

// ---- Bedrock Converse --------------------------------------------------------------------------------

const BEDROCK_FINISH = { stop: 'end_turn', length: 'max_tokens', tools: 'tool_use', filter: 'guardrail_intervened' };
const BEDROCK_ERRORS = { 400: 'ValidationException', 401: 'UnrecognizedClientException', 404: 'ResourceNotFoundException', 429: 'ThrottlingException', 503: 'ServiceUnavailableException' };
const bedrockUsage = ({ in: i, out, cached }) => ({ inputTokens: i - cached, outputTokens: out, totalTokens: i + out, cacheReadInputTokens: cached, cacheWriteInputTokens: 0 });
const bedrockFrame = (type, payload, kind = 'event') => frame({ ':message-type': kind, [kind === 'event' ? ':event-type' : ':exception-type']: type, ':content-type': 'application/json' }, JSON.stringify(payload));

const bedrock = {
    at: /\/converse(-stream)?$/,
    type: 'application/vnd.amazon.eventstream',
    blocks: ({ thinking, text, calls = [] }) => [
        ...(thinking ? [{ reasoningContent: { reasoningText: { text: thinking.text, signature: thinking.signature } } }] : []),
        ...(text ? [{ text }] : []),
        ...calls.map(({ id, name, args }) => ({ toolUse: { toolUseId: id, name, input: args } }))],
    whole(turn) {
        return { output: { message: { role: 'assistant', content: this.blocks(turn) } }, stopReason: BEDROCK_FINISH[turn.finish], usage: bedrockUsage(turn.usage), metrics: { latencyMs: 12 } };
    },
    *events(turn) {
        yield bedrockFrame('messageStart', { role: 'assistant' });
        for (const [contentBlockIndex, block] of this.blocks(turn).entries()) {
            const delta = (d) => bedrockFrame('contentBlockDelta', { contentBlockIndex, delta: d });
            const { reasoningContent: r, toolUse: t } = block;
            if (t) yield bedrockFrame('contentBlockStart', { contentBlockIndex, start: { toolUse: { toolUseId: t.toolUseId, name: t.name } } });
            for (const text of pieces(r?.reasoningText.text ?? '')) yield delta({ reasoningContent: { text } });
            if (r) yield delta({ reasoningContent: { signature: r.reasoningText.signature } });
            for (const text of pieces(block.text ?? '')) yield delta({ text });
            for (const input of t ? pieces(JSON.stringify(t.input)) : []) yield delta({ toolUse: { input } });
            yield bedrockFrame('contentBlockStop', { contentBlockIndex });
        }
        yield bedrockFrame('messageStop', { stopReason: BEDROCK_FINISH[turn.finish] });
        yield bedrockFrame('metadata', { usage: bedrockUsage(turn.usage), metrics: { latencyMs: 12 } });
    },
    error: (status, message) => ({ message }),
    errorHeaders: (status) => ({ 'x-amzn-ErrorType': `${BEDROCK_ERRORS[status] ?? 'InternalServerException'}:http://internal.amazon.com/` }),
    broken: (message) => bedrockFrame('serviceUnavailableException', { message }, 'exception'),
    hear(body) {
        const h = nothing();
        h.system = list(body.system).map((b) => b.text ?? '').join('');
        for (const m of body.messages) {
            const text = m.content.map((b) => b.text ?? '').join('');
            if (m.role === 'user' && text) h.texts.push(text);
            for (const b of m.content) {
                if (b.image) h.images.push({ mime: `image/${b.image.format}`, data: b.image.source.bytes });
                if (b.toolUse) h.calls.push({ id: b.toolUse.toolUseId, name: b.toolUse.name, args: b.toolUse.input });
                if (b.toolResult) h.results.push({ id: b.toolResult.toolUseId, output: b.toolResult.content.map((c) => c.text ?? JSON.stringify(c.json)).join('') });
                const r = b.reasoningContent?.reasoningText;
                if (r) [h.thoughts, h.signatures].forEach((l, i) => l.push([r.text, r.signature][i]));
            }
        }
        for (const t of body.toolConfig?.tools ?? []) if (t.toolSpec) h.tools[t.toolSpec.name] = t.toolSpec.inputSchema.json;
        h.schema = parsed(body.outputConfig?.textFormat?.structure?.jsonSchema?.schema);
        h.effort = body.additionalModelRequestFields?.thinking?.budget_tokens;
        return h;
    },
    refuses(body) {
        const turns = [];
        for (const m of body.messages) {
            if (m.role === turns.at(-1)?.role) return 'roles must alternate between "user" and "assistant"';
            if (m.content.length === 0 || m.content.some((b) => b.text === '')) return 'The content field in the Message object is empty';
            const calls = m.content.filter((b) => b.toolUse).map((b) => b.toolUse.toolUseId);
            if (calls.length && !body.toolConfig) return 'The toolConfig field must be defined when using toolUse and toolResult content blocks.';
            if (m.content.some((b) => b.reasoningContent?.reasoningText && b.reasoningContent.reasoningText.signature !== SIGNATURE)) return 'Invalid signature';
            if (body.additionalModelRequestFields?.thinking?.type === 'enabled' && calls.length && !m.content[0].reasoningContent) return 'Expected `thinking` or `redacted_thinking`';
            turns.push({ role: m.role, calls, results: m.content.filter((b) => b.toolResult).map((b) => b.toolResult.toolUseId) });
        }
        return unanswered(turns);
    },
};

// ---- Cohere ------------------------------------------------------------------------------------------

const COHERE_FINISH = { stop: 'COMPLETE', length: 'MAX_TOKENS', tools: 'TOOL_CALL', filter: 'ERROR' };
const cohereUsage = ({ in: i, out }) => ({ billed_units: { input_tokens: i, output_tokens: out }, tokens: { input_tokens: i, output_tokens: out } });

const cohere = {
    at: /\/v2\/chat$/,
    type: 'text/event-stream',
    content: ({ thinking, text }) => [...(thinking ? [{ type: 'thinking', thinking: thinking.text }] : []), ...(text ? [{ type: 'text', text }] : [])],
    whole(turn) {
        const content = this.content(turn);
        return { id: 'c1', finish_reason: COHERE_FINISH[turn.finish], usage: cohereUsage(turn.usage),
            message: { role: 'assistant', ...(content.length && { content }), ...(turn.calls && { tool_calls: turn.calls.map(chatCall) }) } };
    },
    *events(turn) {
        const say = (type, index, message) => event({ type, ...(index !== undefined && { index }), ...(message && { delta: { message } }) });
        yield event({ id: 'c1', type: 'message-start', delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } } });
        for (const [i, block] of this.content(turn).entries()) {
            yield say('content-start', i, { content: { ...block, [block.type]: '' } });
            for (const piece of pieces(block[block.type])) yield say('content-delta', i, { content: { [block.type]: piece } });
            yield say('content-end', i);
        }
        for (const [i, call] of (turn.calls ?? []).map(chatCall).entries()) {
            yield say('tool-call-start', i, { tool_calls: { ...call, function: { name: call.function.name, arguments: '' } } });
            for (const piece of pieces(call.function.arguments)) yield say('tool-call-delta', i, { tool_calls: { function: { arguments: piece } } });
            yield say('tool-call-end', i);
        }
        yield event({ type: 'message-end', delta: { finish_reason: COHERE_FINISH[turn.finish], usage: cohereUsage(turn.usage) } });
    },
    error: (status, message) => ({ id: 'e1', message }),
    broken: (message) => event({ type: 'message-end', delta: { finish_reason: 'ERROR', error: message } }),
    hear(body) {
        const h = chat.hear({ messages: body.messages.map((m) => (m.role === 'assistant' ? { ...m, content: list(m.content).filter((p) => p.type !== 'thinking') } : m)) });
        for (const m of body.messages) for (const p of list(m.content)) if (p.type === 'thinking') h.thoughts.push(p.thinking);
        for (const t of body.tools ?? []) h.tools[t.function.name] = t.function.parameters;
        h.schema = body.response_format?.json_schema ?? body.response_format?.schema;
        h.effort = body.thinking?.type === 'enabled' ? body.thinking.token_budget ?? true : undefined;
        return h;
    },
    refuses: (body) => chat.refuses({ messages: body.messages }, 'cohere'),
};

/* What the service takes in its place; the last one is LangChain's. */
const NO_SIGNATURE = /^(skip_thought_signature_validator|context_engineering_is_the_way_to_go|ErYCCrMC)/;
/* A signature with every letter that base64 has. */
export const SIGNATURE = 'EqQBCkYICxgCKkD+/8Jz0w+Ab/QxZ9vU1tSrRqPoNmMlLkKjJiIhHgGf==';

const dialects = { chat, responses, anthropic, gemini, bedrock, cohere };
export const dialectOf = (target) => Object.entries(dialects).map(([name, d]) => ({ name, ...d })).find((d) => d.at.test(target));

/** A script for startUpstream: turns come in order; what was asked is put in `heard`. A turn may be { error, status }, or have `breaks`: a
 * message of an error inside the stream, after its text, or `cut`: the connection ends in the middle. */
export function provider(turns, heard) {
    return async (req, res) => {
        const slug = req.target.split('/')[1], d = dialectOf(req.target);
        const turn = turns.shift();
        if (!d || !turn) return res.json(500, chat.error(500, `unexpected: ${req.target}`));
        const body = req.json, wrong = d.refuses(body, slug);
        const stream = body.stream === true || /streamGenerateContent|converse-stream/.test(req.target);
        heard.push({ dialect: d.name, slug, stream, headers: Object.fromEntries(req.headers.map(([n, v]) => [n.toLowerCase(), v])), target: req.target, body, ...d.hear(body) });
        if (wrong) return res.json(400, d.error(400, wrong), d.errorHeaders?.(400));
        const status = turn.status === 503 ? d.overloaded ?? 503 : turn.status;
        if (status) return res.json(status, d.error(status, turn.error), { ...d.errorHeaders?.(status), ...turn.headers });
        if (!stream) return res.json(200, d.whole(turn, slug, body));
        const events = [...d.events(turn, slug, body)];
        if (turn.breaks) events.splice(-3, 3, d.broken(turn.breaks));
        if (turn.cut) events.splice(-3, 3);
        const bytes = Buffer.concat(events.map((e) => Buffer.from(e)));
        const half = Math.floor(bytes.length / 2); /* in the middle of an event, perhaps of a letter */
        await res.head(200, { 'Content-Type': d.type, 'Transfer-Encoding': 'chunked' });
        await res.chunk(bytes.subarray(0, half));
        await res.chunk(bytes.subarray(half));
        return turn.cut ? res.close() : res.lastChunk();
    };
}
