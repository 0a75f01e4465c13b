// SPDX-License-Identifier: Apache-2.0
// Answers that no provider should give, and some that they do: what a client of another dialect gets.
import test from 'node:test';
import assert from 'node:assert/strict';
import { startWeir, TOKEN } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { OpenAI } from './lib/sdks.mjs';

const QUESTION = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 50 };
const JSON_TYPE = { 'Content-Type': 'application/json' };
const SSE_TYPE = { 'Content-Type': 'text/event-stream' };

async function world(t, answer) {
    const up = await startUpstream(t, (req, res) => answer.now(req, res));
    const weir = await startWeir(t, { providers: { anthropic: up.origin, 'google-ai-studio': up.origin, openai: up.origin, cohere: up.origin, mistral: up.origin, 'perplexity-ai': up.origin } });
    const ask = (path, body) => fetch(`${weir.base}/compat/${path}`, { method: 'POST', body: JSON.stringify(body),
        headers: { ...JSON_TYPE, 'cf-aig-authorization': `Bearer ${TOKEN}`, Authorization: 'Bearer k' } });
    const client = new OpenAI({ baseURL: `${weir.base}/compat`, apiKey: 'k', maxRetries: 0, defaultHeaders: { 'cf-aig-authorization': `Bearer ${TOKEN}` } });
    return { weir, ask, client };
}

test('translate: Gemini says in the body when to try again; clients look for a line of the head', async (t) => {
    const answer = { now: (req, res) => res.json(429, { error: { code: 429, message: 'quota', status: 'RESOURCE_EXHAUSTED',
        details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '35.5s' }] } }) };
    const { ask } = await world(t, answer);
    const r = await ask('messages', { model: 'google-ai-studio/gemini-2.5-flash', ...QUESTION });
    assert.equal(r.status, 429);
    assert.equal(r.headers.get('retry-after'), '36');
    assert.deepEqual((await r.json()).error, { type: 'rate_limit_error', message: 'quota' });
});

test('translate: what is no answer is 502, code 2002, whoever asks', async (t) => {
    const answer = {};
    const { ask, weir } = await world(t, answer);
    const bodies = ['', '{}', 'null', '<html>', '{"choices":[]}', '{"content":[]}', '{"type":"message","content":[]}', '{"candidates":[]}', '{"message":{}}',
        '{"choices":[{"message":{"role":"assistant","content":null},"finish_reason":null}]}', '{"id":"msg_1","type":"message","content":[{"type":"te'];
    const asks = [['chat/completions', 'anthropic/claude-sonnet-5'], ['messages', 'google-ai-studio/gemini-2.5-flash'],
        ['messages', 'cohere/command-a-03-2025'], ['messages', 'openai/gpt-5.1']];
    for (const body of bodies)
        for (const [path, model] of asks) {
            answer.now = (req, res) => res.reply(200, JSON_TYPE, body);
            const r = await ask(path, { model, ...QUESTION });
            const text = await r.text();
            assert.equal(r.status, 502, `${body} of ${model}: ${text}`);
            const { error } = JSON.parse(text);
            assert.ok(error.message, text);
            if (path !== 'messages') assert.equal(error.code, '2002', text);
        }
    const [row] = await weir.logs({ query: 'per_page=1' });
    assert.ok(row, 'it is logged');
});

test('translate: a whole answer to who asked for a stream becomes one', async (t) => {
    const answer = { now: (req, res) => res.json(200, { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-sonnet-5',
        content: [{ type: 'text', text: 'Hello, you.' }], stop_reason: 'end_turn', usage: { input_tokens: 5, output_tokens: 3 } }) };
    const { client } = await world(t, answer);
    const stream = await client.chat.completions.create({ model: 'anthropic/claude-sonnet-5', stream: true, ...QUESTION });
    let text = '', reason = null;
    for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? '';
        reason = chunk.choices[0]?.finish_reason ?? reason;
    }
    assert.deepEqual([text, reason], ['Hello, you.', 'stop']);
});

test('translate: a system prompt in the middle goes to the start where a provider refuses it elsewhere', async (t) => {
    let got;
    const answer = { now: (req, res) => {
        got = JSON.parse(req.body).messages;
        res.json(200, { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }] });
    } };
    const { ask } = await world(t, answer);
    const said = (role, content) => ({ type: 'message', role, content });
    const input = [said('user', 'a'), said('assistant', 'b'), said('developer', 'Late.'), said('user', 'c')];
    for (const model of ['mistral/mistral-small-latest', 'perplexity/sonar']) {
        const r = await ask('responses', { model, instructions: 'First.', input });
        assert.equal(r.status, 200, await r.text());
        assert.deepEqual(got.map((m) => [m.role, m.content]), [['system', 'First.\n\nLate.'], ['user', 'a'], ['assistant', 'b'], ['user', 'c']], model);
    }
});

test('translate: a picture of megabytes arrives', async (t) => {
    const data = Buffer.alloc(5 << 20, 'weir').toString('base64');
    const answer = { now: (req, res) => res.json(200, { candidates: [{ content: { role: 'model', parts: [{ text: 'Here:' }, { inlineData: { mimeType: 'image/png', data } }] },
        finishReason: 'STOP', index: 0 }], usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 3, totalTokenCount: 8 }, modelVersion: 'g', responseId: 'r' }) };
    const { ask } = await world(t, answer);
    const r = await ask('responses', { model: 'google-ai-studio/gemini-2.5-flash-image', input: 'Draw' });
    assert.equal(r.status, 200);
    assert.equal((await r.json()).output.find((item) => item.type === 'image_generation_call').result, data);
});

test('translate: a stream that turns to rubbish, ends too early, or has an event that is too long, ends in an error', async (t) => {
    const start = 'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"usage":{"input_tokens":5,"output_tokens":1}}}\n\n'
        + 'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
        + 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}\n\n';
    const answer = {};
    const { client } = await world(t, answer);
    const long = `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${'x'.repeat(5 << 20)}"}}\n\n`;
    const end = 'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        + 'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n';
    for (const rest of [long + end, 'event: content_block_delta\ndata: {"type":"content_b\n\n', '', 'event: message_stop\ndata: {"type":"message_stop"}\n\n']) {
        answer.now = (req, res) => res.reply(200, SSE_TYPE, start + rest);
        const stream = await client.chat.completions.create({ model: 'anthropic/claude-sonnet-5', stream: true, ...QUESTION });
        let text = '';
        const error = await (async () => { for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''; })().then(() => null, (e) => e);
        assert.equal(text, 'Hello', rest.slice(0, 100));
        assert.ok(error instanceof OpenAI.APIError, `${rest.slice(0, 100)}: ${error}`);
    }
});
