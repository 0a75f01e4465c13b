// SPDX-License-Identifier: Apache-2.0
// Stored provider keys: who gets which one injected, and who is refused (data plane section 4).
import test from 'node:test';
import assert from 'node:assert/strict';
import { startWeir, TOKEN } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';

const CHAT = { model: 'm', messages: [{ role: 'user', content: 'ping' }] };
const JSON_TYPE = { 'Content-Type': 'application/json' };
const LINES = ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key', 'xi-api-key'];

/** A daemon in front of one upstream that plays every provider, a gateway, and a way to store keys in it. */
async function world(t, { slugs = ['openai', 'anthropic', 'google-ai-studio'], ...options } = {}) {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: Object.fromEntries(slugs.map((s) => [s, up.origin])), gateway: 'team', ...options });
    await weir.createGateway({ id: 'team', authentication: true, cache_ttl: 0 });
    const store = async (provider_slug, secret, more = {}) => {
        const a = await weir.api('POST', '/gateways/team/provider_configs', { provider_slug, alias: 'default', default_config: false, secret, ...more });
        assert.equal(a.status, 200, a.text);
        return a.json.result;
    };
    const chat = (headers = {}, more = {}) => weir.request({ to: 'openai/chat/completions', body: JSON.stringify(CHAT), headers: { ...JSON_TYPE, ...headers }, ...more });
    /** The credential lines the provider saw last. */
    const seen = () => Object.fromEntries(LINES.map((n) => [n, up.last.header(n)]).filter(([, v]) => v !== undefined));
    return { up, weir, store, chat, seen };
}

test('a stored key is put where its provider expects it, on every surface', async (t) => {
    const { up, weir, store, seen } = await world(t);
    await store('openai', 'sk-stored-openai-key-0001');
    await store('anthropic', 'sk-ant-stored-key-0001');
    await store('google-ai-studio', 'AIza-stored-key-0001');
    const ask = async (to, body, headers, auth) => {
        const a = await weir.request({ to, body: JSON.stringify(body), headers: { ...JSON_TYPE, ...headers }, auth });
        assert.equal(a.status, 200, a.text);
        return seen();
    };
    assert.deepEqual(await ask('openai/chat/completions', CHAT), { authorization: 'Bearer sk-stored-openai-key-0001' });
    assert.deepEqual(await ask('anthropic/v1/messages', { ...CHAT, max_tokens: 1 }), { 'x-api-key': 'sk-ant-stored-key-0001' });
    assert.deepEqual(await ask('google-ai-studio/v1beta/models/m:generateContent', { contents: [] }), { 'x-goog-api-key': 'AIza-stored-key-0001' });
    assert.deepEqual(await ask('compat/chat/completions', { ...CHAT, model: 'openai/m' }), { authorization: 'Bearer sk-stored-openai-key-0001' });
    // the gateway's token where the provider's key goes is taken out
    assert.deepEqual(await ask('openai/chat/completions', CHAT, { Authorization: `Bearer ${TOKEN}` }, false), { authorization: 'Bearer sk-stored-openai-key-0001' });
    assert.deepEqual(await ask('anthropic/v1/messages', { ...CHAT, max_tokens: 1 }, { 'x-api-key': TOKEN }, false), { 'x-api-key': 'sk-ant-stored-key-0001' });
    assert.deepEqual(await ask('google-ai-studio/v1beta/models/m:generateContent', { contents: [] }, { 'x-goog-api-key': TOKEN }, false), { 'x-goog-api-key': 'AIza-stored-key-0001' });
    const universal = [{ provider: 'openai', endpoint: 'chat/completions', query: CHAT }];
    assert.deepEqual(await ask('', universal), { authorization: 'Bearer sk-stored-openai-key-0001' });
    universal[0].provider = 'anthropic';
    universal[0].endpoint = 'v1/messages';
    assert.deepEqual(await ask('', universal), { 'x-api-key': 'sk-ant-stored-key-0001' });
    // a credential of the request's own comes first, however it is
    assert.deepEqual(await ask('openai/chat/completions', CHAT, { Authorization: 'Bearer sk-mine' }), { authorization: 'Bearer sk-mine' });
    assert.equal(up.requests.length, 10);
});
