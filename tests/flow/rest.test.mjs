// SPDX-License-Identifier: Apache-2.0
// The REST inference host (data plane 13 and 15) and the preview run call (14), by the official clients: how models
// are named, which gateway counts, what an answer is wrapped in, and the words of each refusal.
import test from 'node:test';
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import Anthropic0 from '@anthropic-ai/sdk-0';
import OpenAI from 'openai';
import { answers, chat, configure, failure, message, rowsOf, streamChat } from './lib/scripts.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { ACCOUNT, startWeir, TOKEN } from './lib/weir.mjs';

const REST = `/client/v4/accounts/${ACCOUNT}/ai`;
const ask = (model, more = {}) => ({ model, messages: [{ role: 'user', content: 'ping' }], ...more });

/** OpenAI, Anthropic, Gemini and Workers AI behind one daemon. */
async function world(t, scripts = {}) {
    const openai = await startUpstream(t, scripts.openai ?? answers(200, chat()));
    const anthropic = await startUpstream(t, scripts.anthropic ?? answers(200, message()));
    const workers = await startUpstream(t, scripts.workers ?? answers(200, { result: { response: 'Hi' }, success: true, errors: [], messages: [] }));
    const weir = await startWeir(t, { providers: { openai: openai.origin, groq: openai.origin, anthropic: anthropic.origin, 'workers-ai': workers.origin } });
    const host = `http://127.0.0.1:${weir.port}${REST}`;
    const post = (path, body, headers = {}) => weir.request({ path: `${REST}${path}`, auth: false, method: 'POST',
        headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
    return { openai, anthropic, workers, weir, host, post };
}

test('chat: the official client asks any vendor, by the vendor\'s name', async (t) => {
    const { openai, anthropic, weir, host } = await world(t);
    const client = new OpenAI({ apiKey: TOKEN, baseURL: `${host}/v1`, maxRetries: 0 });
    const one = await client.chat.completions.create(ask('openai/gpt-4o-mini')).withResponse();
    assert.equal(one.data.choices[0].message.content, 'Hi');
    assert.deepEqual(openai.last.json, ask('gpt-4o-mini'));
    assert.equal(openai.last.header('authorization'), undefined); // the token is weir's
    assert.ok(one.response.headers.get('cf-aig-log-id'));
    const two = await client.chat.completions.create(ask('anthropic/claude-sonnet-4.5', { max_tokens: 9 }));
    assert.equal(two.choices[0].message.content, 'Hi');
    assert.equal(anthropic.last.json.model, 'claude-sonnet-4-5');
    assert.equal(anthropic.last.target, '/v1/messages');
    assert.equal(anthropic.last.header('anthropic-version'), '2023-06-01');
    const rows = await weir.logs({ gateway: 'default' });
    assert.deepEqual(rows.map((r) => [r.provider, r.model]).sort(), [['anthropic', 'claude-sonnet-4-5'], ['openai', 'gpt-4o-mini']]);
});

test('chat: a stream', async (t) => {
    const { host } = await world(t, { openai: (req, res) => streamChat(res, ['Hi', ' you'], req) });
    const client = new OpenAI({ apiKey: TOKEN, baseURL: `${host}/v1`, maxRetries: 0 });
    let text = '';
    for await (const chunk of await client.chat.completions.create(ask('openai/gpt-4o-mini', { stream: true }))) text += chunk.choices[0]?.delta.content ?? '';
    assert.equal(text, 'Hi you');
});

test('messages: both of Anthropic\'s clients, below both bases, with either header', async (t) => {
    const { anthropic, host } = await world(t);
    for (const [Client, base] of [[Anthropic, host], [Anthropic, `${host}/v1`], [Anthropic0, host], [Anthropic0, `${host}/v1`]]) {
        const client = new Client({ apiKey: TOKEN, baseURL: base, maxRetries: 0 });
        const got = await client.messages.create(ask('anthropic/claude-sonnet-4.5', { max_tokens: 9 }));
        assert.equal(got.content[0].text, 'Hi');
        for (const name of ['authorization', 'x-api-key']) assert.equal(anthropic.last.header(name), undefined, `${name} went on`);
        assert.deepEqual(anthropic.last.json, ask('claude-sonnet-4-5', { max_tokens: 9 }));
    }
});

test('messages: another vendor\'s model', async (t) => {
    const { openai, host } = await world(t);
    const got = await new Anthropic({ apiKey: TOKEN, baseURL: host, maxRetries: 0 }).messages.create(ask('openai/gpt-4o-mini', { max_tokens: 9 }));
    assert.equal(got.content[0].text, 'Hi');
    assert.equal(openai.last.target, '/v1/chat/completions');
});

test('responses', async (t) => {
    const answer = { id: 'resp_1', object: 'response', created_at: 1, model: 'gpt-4o-mini', status: 'completed', output: [{ type: 'message', id: 'm', role: 'assistant', status: 'completed',
        content: [{ type: 'output_text', text: 'Hi', annotations: [] }] }], usage: { input_tokens: 3, output_tokens: 1, total_tokens: 4 } };
    const { openai, host } = await world(t, { openai: answers(200, answer) });
    const got = await new OpenAI({ apiKey: TOKEN, baseURL: `${host}/v1`, maxRetries: 0 }).responses.create({ model: 'openai/gpt-4o-mini', input: 'ping', tools: [{ type: 'web_search' }] });
    assert.equal(got.output_text, 'Hi');
    assert.deepEqual(openai.last.json, { model: 'gpt-4o-mini', input: 'ping', tools: [{ type: 'web_search' }] }); // nothing is dropped
});

test('run: the vendor\'s answer and whose key it was', async (t) => {
    const { openai, anthropic, post } = await world(t);
    const one = await post('/run', { model: 'openai/gpt-4o-mini', input: { messages: [{ role: 'user', content: 'ping "}' }], model: 'other' } });
    assert.equal(one.status, 200);
    assert.deepEqual(Object.keys(one.json).at(-1), 'gatewayMetadata');
    assert.deepEqual({ ...one.json, gatewayMetadata: undefined }, { ...chat(), gatewayMetadata: undefined });
    assert.deepEqual(openai.last.json, { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'ping "}' }] });
    const two = await post('/run', { model: 'anthropic/claude-sonnet-4.5', input: { messages: [{ role: 'user', content: 'ping' }], system: 'Be brief.', max_tokens: 9 } });
    assert.equal(two.json.content[0].text, 'Hi'); // Anthropic's own shape
    assert.ok(two.json.gatewayMetadata.keySource);
    assert.deepEqual(anthropic.last.json, { model: 'claude-sonnet-4-5', messages: [{ role: 'user', content: 'ping' }], system: 'Be brief.', max_tokens: 9 });
    const three = await post('/run/openai%2Fgpt-4o-mini', { messages: [{ role: 'user', content: 'ping' }] });
    assert.equal(three.json.choices[0].message.content, 'Hi');
});

test('run: whatever pieces an answer comes in, one member is added', async (t) => {
    const whole = JSON.stringify(chat('}}} \\" }'));
    const { post } = await world(t, { openai: async (req, res) => {
        await res.head(200, { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' });
        for (const piece of [whole.slice(0, req.json.seed), whole.slice(req.json.seed), ' \n', '\t']) {
            if (piece) await res.chunk(piece);
            await new Promise((r) => { setTimeout(r, 5); });
        }
        await res.lastChunk();
    } });
    for (const seed of [1, whole.indexOf('} \\') + 2, whole.length - 2, whole.length - 1, whole.length]) {
        const got = await post('/run', { model: 'openai/gpt-4o-mini', input: { messages: [], seed } });
        assert.deepEqual({ ...got.json, gatewayMetadata: undefined }, { ...chat('}}} \\" }'), gatewayMetadata: undefined }, `cut at ${seed}`);
    }
});

test('run: a stream is the vendor\'s own', async (t) => {
    const { post } = await world(t, { openai: (req, res) => streamChat(res, ['Hi'], req) });
    const got = await post('/run', { model: 'openai/gpt-4o-mini', input: { messages: [{ role: 'user', content: 'ping' }], stream: true } });
    assert.match(got.header('content-type'), /event-stream/);
    assert.match(got.text, /"content":"Hi"[\s\S]*\[DONE\]/);
    assert.doesNotMatch(got.text, /gatewayMetadata/);
});

test('run: Workers AI\'s models, named both ways', async (t) => {
    const { workers, post } = await world(t);
    const model = '@cf/meta/llama-3.1-8b-instruct';
    for (const [path, body] of [['/run', { model, input: { prompt: 'ping' } }], [`/run/${model}`, { prompt: 'ping' }], ['/run/@cf%2Fmeta%2Fllama-3.1-8b-instruct', { prompt: 'ping' }]]) {
        const got = await post(path, body);
        assert.deepEqual(got.json, { result: { response: 'Hi' }, success: true, errors: [], messages: [] });
        assert.equal(workers.last.target, `/client/v4/accounts/${ACCOUNT}/ai/run/${model}`);
        assert.deepEqual(workers.last.json, { prompt: 'ping' });
    }
});

test('the header names the gateway; without it there is default', async (t) => {
    const { weir, post } = await world(t);
    await weir.api('POST', '/gateways', { id: 'team', authentication: false, cache_invalidate_on_update: false, cache_ttl: 60, collect_logs: true, rate_limiting_interval: 0, rate_limiting_limit: 0 });
    await configure(weir, {}, 'default');
    const body = ask('openai/gpt-4o-mini');
    for (const [gateway, status] of [['team', 'MISS'], ['team', 'HIT'], [undefined, null]]) {
        const got = await post('/v1/chat/completions', body, gateway ? { 'cf-aig-gateway-id': gateway } : {});
        assert.equal(got.status, 200, got.text);
        if (status) assert.equal(got.header('cf-aig-cache-status'), status);
        assert.equal((await rowsOf(weir, got, gateway ?? 'default')).length, 1);
    }
    assert.equal((await post('/v1/chat/completions', body, { 'cf-aig-gateway-id': 'nobody' })).status, 400);
    // an open gateway is open at its own door; this host always asks
    const stranger = await weir.request({ path: `${REST}/v1/chat/completions`, auth: false, method: 'POST', headers: { 'Content-Type': 'application/json', 'cf-aig-gateway-id': 'team' }, body: JSON.stringify(body) });
    assert.equal(stranger.status, 401);
});

test('each refusal in the words of the API that was asked', async (t) => {
    const { weir, post, openai } = await world(t);
    const v4 = (code, message) => ({ result: null, success: false, errors: [{ code, message }], messages: [] });
    const get = (path, headers = {}) => weir.request({ path: `${REST}${path}`, auth: false, headers: { Authorization: `Bearer ${TOKEN}`, ...headers } });
    const cases = [
        [await post('/run', ask('x'), { Authorization: 'Bearer wrong' }), 401, v4(10000, 'Authentication error')],
        [await post('/v1/messages', ask('x'), { Authorization: '' }), 401, v4(10000, 'Authentication error')],
        [await post('/run', { model: 'nobody/x', input: {} }), 404, v4(7003, 'Model not found: nobody/x')],
        [await post('/run', { model: 'workers-ai/@cf/x/y', input: {} }), 404, v4(7003, 'Model not found: workers-ai/@cf/x/y')],
        [await post('/run', 'no json'), 400, v4(7003, 'Model execution failed (User Input Error): the body is not a JSON object')],
        [await post('/run', { input: {} }), 400, v4(7003, 'Model execution failed (User Input Error): model: Required, a string such as "openai/gpt-4o-mini"')],
        [await post('/run', { model: 'openai/gpt-4o-mini' }), 400, v4(7003, 'Model execution failed (User Input Error): input: Required, an object')],
        [await post('/run', { model: 'anthropic/claude-sonnet-4.5', input: { messages: [] } }), 400, v4(7003, 'Model execution failed (User Input Error): max_tokens: Required')],
        [await post('/run', { model: 'anthropic/claude-sonnet-4.5', input: { messages: [], max_tokens: 1, system: [] } }), 400, v4(7003, 'Model execution failed (User Input Error): system: Expected string')],
        [await get('/v1/models'), 405, v4(7001, 'GET not supported for requested URI.')],
        [await get('/run'), 405, v4(7001, 'GET not supported for requested URI.')],
        [await get('/elsewhere'), 404, v4(7003, 'No route for the URI')],
    ];
    for (const [got, status, json] of cases) assert.deepEqual([got.status, got.json], [status, json]);
    const chatRefusal = await post('/v1/chat/completions', ask('nobody/x'));
    assert.equal(chatRefusal.status, 404);
    assert.deepEqual([chatRefusal.json.error.message, chatRefusal.json.error.code], ['Model not found: nobody/x', '7003']);
    const messagesRefusal = await post('/v1/messages', ask('nobody/x'));
    assert.deepEqual([messagesRefusal.status, messagesRefusal.json], [404, { type: 'error', error: { type: 'not_found_error', message: 'Model not found: nobody/x' } }]);
    assert.equal(openai.requests.length, 0);
});

test('run: a provider that refuses the credential', async (t) => {
    const { post } = await world(t, { openai: answers(401, failure('bad key sk-secret')) });
    const got = await post('/run', { model: 'openai/gpt-4o-mini', input: { messages: [] } });
    assert.deepEqual([got.status, got.json.errors[0].code], [401, 2009]);
    const raw = await post('/v1/chat/completions', ask('openai/gpt-4o-mini'));
    assert.equal(raw.status, 401); // OpenAI's own words in OpenAI's own shape
    assert.equal(raw.json.error.message, 'bad key sk-secret');
});

test('run: pictures, by address or as they are', async (t) => {
    const made = (more) => answers(200, { created: 1, data: [more] });
    const input = { prompt: 'a weir at dawn', size: '1024x1024' };
    for (const [data, image] of [[{ url: 'https://img.example/1.png' }, 'https://img.example/1.png'], [{ b64_json: 'aGk=' }, 'data:image/png;base64,aGk=']]) {
        const { openai, weir, post } = await world(t, { openai: made(data) });
        const got = await post('/run', { model: 'openai/gpt-image-1', input });
        assert.deepEqual([got.status, got.json], [200, { result: { state: 'Completed', result: { image }, gatewayMetadata: { keySource: 'None' } }, success: true, errors: [], messages: [] }]);
        assert.deepEqual([openai.last.target, openai.last.json], ['/v1/images/generations', { model: 'gpt-image-1', ...input }]);
        const [row] = await rowsOf(weir, got, 'default');
        assert.deepEqual([row.model, row.model_type, row.status_code], ['gpt-image-1', 'image', 200]);
    }
    const bad = await world(t, { openai: made({ nothing: 1 }) });
    const got = await bad.post('/run', { model: 'openai/gpt-image-1', input });
    assert.deepEqual([got.status, got.json.errors[0].code], [502, 2002]);
    const refused = await world(t, { openai: answers(400, failure('no such size')) });
    assert.deepEqual([(await refused.post('/run', { model: 'openai/gpt-image-1', input })).json], [failure('no such size')]);
    const other = await bad.post('/run', { model: 'anthropic/claude-sonnet-4.5', input: { prompt: 'x' } });
    assert.equal(other.status, 400);
    assert.match(other.json.errors[0].message, /native paths/);
});

test('preview run: what came of it, and where', async (t) => {
    const { weir, openai } = await world(t);
    const run = (body) => weir.request({ to: 'run', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    const good = await run({ model: 'openai/gpt-4o-mini', input: { messages: [{ role: 'user', content: 'ping' }] } });
    assert.deepEqual(good.json, { state: 'Completed', result: chat(), provider: 'openai', model: 'gpt-4o-mini' });
    const elsewhere = await run({ model: 'meta/llama-4', provider: 'groq', input: { messages: [] } });
    assert.equal(elsewhere.json.provider, 'groq');
    assert.equal(openai.last.json.model, 'llama-4');
    for (const [body, status] of [[{ model: 'nobody/x', input: {} }, 404], [{ model: 'openai/gpt-4o-mini', input: { messages: [], stream: true } }, 400]]) {
        const got = await run(body);
        assert.equal(got.status, status);
        assert.equal(got.json.state, 'Failed');
        assert.ok(got.json.error.message && got.json.error.code);
    }
});

test('preview run: a provider that fails', async (t) => {
    const { weir } = await world(t, { openai: answers(500, failure('out of order')) });
    const got = await weir.request({ to: 'run', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ model: 'openai/gpt-4o-mini', input: { messages: [] } }) });
    assert.deepEqual([got.status, got.json], [500, { state: 'Failed', error: { code: 'provider_unavailable', message: 'The provider answered with status 500' }, model: 'gpt-4o-mini' }]);
});
