// SPDX-License-Identifier: Apache-2.0
// The compat endpoints: what they refuse and how, what passes as it is. matrix.test.mjs has every client and provider.
import test from 'node:test';
import assert from 'node:assert/strict';
import { clients } from './lib/clients.mjs';
import { configure } from './lib/scripts.mjs';
import { startMock, startWeir, TOKEN } from './lib/weir.mjs';
import { OpenAI, QUESTION } from './lib/sdks.mjs';

const PROVIDERS = ['openai', 'anthropic', 'aws-bedrock', 'mistral'];

async function world(t) {
    const mock = await startMock(t);
    const weir = await startWeir(t, { providers: Object.fromEntries(PROVIDERS.map((slug) => [slug, `${mock.origin}/${slug}`])) });
    return { mock, weir };
}

test('compat: a step of a Universal request', async (t) => {
    const { weir } = await world(t);
    const query = { model: 'anthropic/claude-sonnet-5', messages: [{ role: 'user', content: QUESTION }] };
    const step = (extra) => ({ provider: 'compat', endpoint: 'chat/completions', headers: { Authorization: 'Bearer sk-test' }, query, ...extra });
    const r = await fetch(weir.base, { method: 'POST', headers: { 'content-type': 'application/json', 'cf-aig-authorization': `Bearer ${TOKEN}` },
        body: JSON.stringify([step({ headers: { 'x-mock': '500' } }), step({ query: { ...query, model: 'openai/gpt-4o-mini' } })]) });
    assert.equal(r.headers.get('cf-aig-step'), '1');
    assert.equal((await r.json()).object, 'chat.completion');
    const rows = await weir.logs({ query: 'per_page=2' });
    assert.deepEqual(rows.map((x) => [x.provider, x.status_code]).sort(), [['anthropic', 500], ['openai', 200]]);
});

test('compat: what the provider cannot be told is named', async (t) => {
    const { weir } = await world(t);
    const ask = async (trace) => fetch(`${weir.base}/compat/chat/completions`, { method: 'POST',
        headers: { 'content-type': 'application/json', 'cf-aig-authorization': `Bearer ${TOKEN}`, 'weir-trace': trace },
        body: JSON.stringify({ model: 'anthropic/claude-sonnet-5', messages: [{ role: 'user', content: 'hi' }], seed: 7, no_such_member: 1 }) });
    const told = JSON.parse((await ask('true')).headers.get('weir-trace')).target.not_told;
    const planned = (await (await ask('explain')).json()).targets[0].not_told;
    for (const names of [told, planned]) assert.ok(names.includes('seed') && names.includes('no_such_member'), JSON.stringify(names));
});

test('compat: what cannot be served is said', async (t) => {
    const { weir } = await world(t);
    const ask = async (path, body) => {
        const r = await fetch(`${weir.base}/compat/${path}`, { method: 'POST', body: JSON.stringify(body),
            headers: { 'content-type': 'application/json', 'cf-aig-authorization': `Bearer ${TOKEN}` } });
        return { status: r.status, json: await r.json() };
    };
    const messages = [{ role: 'user', content: 'hi' }];
    for (const model of ['gpt-4o-mini', 'nosuch/model', '', 'openai/', undefined]) {
        const got = await ask('chat/completions', { model, messages });
        assert.equal(got.status, 400, String(model));
        assert.equal(got.json.error[0].code, 2019);
    }
    assert.equal((await ask('chat/completions', [])).json.error[0].code, 2019);
    const broken = await weir.request({ to: 'compat/messages', body: '{"model"' });
    assert.equal(broken.json.error.message, 'The body is not a JSON object');
    assert.equal((await ask('nothing/here', { model: 'openai/gpt-4o-mini' })).status, 405);
});

test('compat: what the gateway refuses is said in the client\'s dialect', async (t) => {
    const { weir } = await world(t);
    const ask = async (client, model) => {
        const c = client.make({ base: `${weir.base}/compat`, headers: { 'cf-aig-authorization': `Bearer ${TOKEN}` } });
        const s = { user: ['hi'] };
        return client.error(await client.ask(c, model, client.begin(s), s).then(() => null, (e) => e));
    };
    for (const [name, client] of Object.entries(clients)) {
        const e = await ask(client, 'gpt-4o-mini');
        assert.deepEqual([e.kind, e.status], [true, 400], name);
        if (client.can.reasons !== false) assert.match(e.message, /must be .*provider/, name);
        const unknown = await ask(client, 'opennai/gpt-4o');
        if (client.can.reasons !== false) assert.match(unknown.message, /Unknown provider 'opennai'/, name);
    }
    await configure(weir, { rate_limiting_limit: 1, rate_limiting_interval: 60, rate_limiting_technique: 'fixed' });
    await weir.request({ to: 'compat/chat/completions', body: '{"model":"openai/gpt-4o-mini","messages":[]}' });
    for (const name of ['@anthropic-ai/sdk', 'openai responses', '@google/genai', 'cohere-ai', '@aws-sdk/client-bedrock-runtime']) {
        const e = await ask(clients[name], 'openai/gpt-4o-mini');
        assert.deepEqual([e.kind, e.status], [true, 429], name);
        assert.match(e.message, /Rate limited/, name);
    }
});

test('compat: models, embeddings, and bytes that pass', async (t) => {
    const { weir } = await world(t);
    const client = new OpenAI({ baseURL: `${weir.base}/compat`, apiKey: TOKEN, maxRetries: 0 });
    const ids = [];
    for await (const m of client.models.list()) ids.push(m.id);
    assert.ok(ids.includes('openai/gpt-4o-mini') && ids.some((id) => id.startsWith('anthropic/claude')), ids.slice(0, 5).join());
    const e = await client.embeddings.create({ model: 'openai/text-embedding-3-small', input: 'hello' });
    assert.ok(e.data[0].embedding.length > 0);
    const raw = '{"messages" : [{"role":"user","content":"\\u0041"}],  "model":"openai\\/gpt-4o-mini", "seed":12345678901234567890}';
    const r = await fetch(`${weir.base}/compat/chat/completions`, { method: 'POST', body: raw,
        headers: { 'content-type': 'application/json', 'cf-aig-authorization': `Bearer ${TOKEN}`, 'x-mock': 'echo' } });
    const sent = JSON.stringify(await r.json());
    assert.ok(sent.includes('12345678901234567890'), sent);
    assert.ok(sent.includes('gpt-4o-mini') && !sent.includes('openai\\\\/gpt'), sent);
});
