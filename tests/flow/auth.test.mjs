// SPDX-License-Identifier: Apache-2.0
// Gateway authentication (data plane 3.1, 3.2): who may call, and what is left of the credentials upstream.
import test from 'node:test';
import assert from 'node:assert/strict';
import { ACCOUNT, startWeir, TOKEN } from './lib/weir.mjs';
import { startUpstream } from './lib/upstream.mjs';

const UNAUTHORIZED = {
    success: false, result: [], messages: [], error: [{ code: 2009, message: 'Unauthorized' }], name: 'AiGatewayError',
    httpCode: 401, internalCode: 2009, message: 'Unauthorized', description: 'Unauthorized',
};

async function world(t) {
    const up = await startUpstream(t);
    const providers = Object.fromEntries(['openai', 'anthropic', 'google-ai-studio', 'fal', 'aws-bedrock', 'azure-openai', 'workers-ai', 'groq', 'elevenlabs']
        .map((s) => [s, up.origin]));
    return { up, weir: await startWeir(t, { providers }) };
}

test('authentication on: nothing but a valid token passes', async (t) => {
    const { up, weir } = await world(t);
    const refused = {
        none: {}, empty: { 'cf-aig-authorization': '' }, 'empty bearer': { 'cf-aig-authorization': 'Bearer ' },
        wrong: { 'cf-aig-authorization': 'Bearer nonsense' }, 'wrong scheme': { 'cf-aig-authorization': `Basic ${TOKEN}` },
        prefix: { 'cf-aig-authorization': `Bearer ${TOKEN.slice(0, -1)}` }, suffix: { 'cf-aig-authorization': `Bearer ${TOKEN}x` },
        'provider key only': { Authorization: 'Bearer sk-real' }, signature: { Authorization: 'AWS4-HMAC-SHA256 Credential=x' },
        'wrong primary beside a token in Authorization': { 'cf-aig-authorization': 'Bearer nonsense', Authorization: `Bearer ${TOKEN}` },
    };
    let first;
    for (const [name, headers] of Object.entries(refused))
        await t.test(name, async () => {
            const a = await weir.request({ to: 'openai/chat/completions', auth: false, headers, body: '{}' });
            assert.equal(a.status, 401);
            assert.equal(a.header('content-type'), 'application/json');
            assert.deepEqual(a.json, UNAUTHORIZED);
            first ??= a.text;
            assert.equal(a.text, first, 'the same bytes in all cases');
        });
    assert.equal(up.requests.length, 0);
    const accepted = [`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER ${TOKEN}`, TOKEN, `  Bearer ${TOKEN}\t`];
    for (const value of accepted)
        await t.test(`accepted: ${JSON.stringify(value.replace(TOKEN, 'T'))}`, async () => {
            const a = await weir.request({ to: 'openai/chat/completions', auth: false, headers: { 'CF-AIG-Authorization': value }, body: '{}' });
            assert.equal(a.status, 200, a.text);
        });
});

test('a token of another account is refused', async (t) => {
    const { weir } = await world(t);
    const a = await weir.request({ path: `/v1/${'f'.repeat(32)}/default/openai/x`, body: '{}' });
    assert.equal(a.status, 400);
    assert.equal(a.json.error[0].code, 2001);
});

test('a token in the provider\'s position is taken for the gateway and removed', async (t) => {
    const { up, weir } = await world(t);
    const cases = [
        ['openai/chat/completions', { Authorization: `Bearer ${TOKEN}` }],
        ['groq/chat/completions', { authorization: `bearer ${TOKEN}` }],
        ['anthropic/v1/messages', { Authorization: `Bearer ${TOKEN}` }],
        ['anthropic/v1/messages', { 'x-api-key': TOKEN }],
        ['google-ai-studio/v1beta/models/m:generateContent', { 'x-goog-api-key': TOKEN }],
        ['fal/fal-ai/x', { Authorization: `Key ${TOKEN}` }],
        ['workers-ai/@cf/meta/m', { Authorization: `Bearer ${TOKEN}` }],
        ['elevenlabs/v1/x', { 'xi-api-key': TOKEN }],
    ];
    for (const [to, headers] of cases)
        await t.test(`${to} ${Object.keys(headers)}`, async () => {
            const n = up.requests.length;
            const a = await weir.request({ to, auth: false, headers, body: '{}' });
            assert.equal(a.status, 200, a.text);
            assert.ok(!up.requests[n].rawHead.includes(TOKEN), up.requests[n].rawHead);
        });
});

test('with cf-aig-authorization the provider\'s header goes through verbatim', async (t) => {
    const { up, weir } = await world(t);
    for (const [to, name, value] of [['openai/x', 'Authorization', 'Bearer sk-1'], ['openai/x', 'Authorization', `Bearer ${TOKEN}`],
        ['anthropic/v1/messages', 'x-api-key', 'sk-ant'], ['anthropic/v1/messages', 'Authorization', 'Bearer oauth'], ['azure-openai/r/d/x', 'api-key', 'k'],
        ['google-ai-studio/v1/x', 'X-Goog-Api-Key', 'g'], ['aws-bedrock/bedrock-runtime/us-east-1/model/m/invoke', 'Authorization', 'AWS4-HMAC-SHA256 Credential=A/B, SignedHeaders=host, Signature=c'],
        ['aws-bedrock/bedrock-runtime/us-east-1/model/m/invoke', 'Authorization', 'Bearer bedrock-key']]) {
        const a = await weir.request({ to, headers: { [name]: value }, body: '{}' });
        assert.equal(a.status, 200, a.text);
        assert.deepEqual(up.last.headers.filter(([n]) => n === name), [[name, value]], `${to} ${name}`);
    }
});

test('anthropic: gateway token in Authorization, provider key in x-api-key', async (t) => {
    const { up, weir } = await world(t);
    const call = async (key) => {
        const a = await weir.request({ to: 'anthropic/v1/messages', auth: false, headers: { Authorization: `Bearer ${TOKEN}`, 'x-api-key': key }, body: '{}' });
        assert.equal(a.status, 200, a.text);
        assert.ok(!up.last.names.includes('authorization'));
        return up.last.header('x-api-key');
    };
    assert.equal(await call('sk-ant-real'), 'sk-ant-real');
    for (const dummy of ['placeholder', 'dummy', '']) assert.equal(await call(dummy) ?? '', '', dummy);
});

test('authentication off: anything passes, provider keys stay', async (t) => {
    const { up, weir } = await world(t);
    await weir.createGateway({ id: 'open', authentication: false });
    for (const headers of [{}, { 'cf-aig-authorization': 'Bearer nonsense' }, { 'cf-aig-authorization': `Bearer ${TOKEN}` }, { Authorization: 'Bearer sk-1' }]) {
        const a = await weir.request({ gateway: 'open', to: 'openai/chat/completions', auth: false, headers, body: '{}' });
        assert.equal(a.status, 200, a.text);
        assert.ok(!up.last.names.includes('cf-aig-authorization'));
        assert.equal(up.last.header('authorization'), headers.Authorization);
    }
    const a = await weir.request({ gateway: 'open', to: 'openai/x', auth: false, headers: { Authorization: `Bearer ${TOKEN}` }, body: '{}' });
    assert.equal(a.status, 200);
    assert.ok(!up.last.rawHead.includes(TOKEN), 'a gateway token is never a provider key');
});

test('a gateway with authentication created through the API', async (t) => {
    const { weir } = await world(t);
    await weir.createGateway({ id: 'closed', authentication: true });
    assert.equal((await weir.request({ gateway: 'closed', to: 'openai/x', auth: false, body: '{}' })).status, 401);
    assert.equal((await weir.request({ gateway: 'closed', to: 'openai/x', body: '{}' })).status, 200);
});

test('the gateway "default" comes back on authenticated use only', async (t) => {
    const { weir } = await world(t);
    assert.equal((await weir.request({ to: 'openai/x', body: '{}' })).status, 200);
    const a = await weir.request({ gateway: 'other', to: 'openai/x', body: '{}' });
    assert.equal(a.status, 400);
    assert.equal(a.json.error[0].code, 2001);
});

test('management API: a bad token gets the v4 envelope', async (t) => {
    const { weir } = await world(t);
    for (const headers of [{}, { Authorization: 'Bearer nonsense' }, { Authorization: `Basic ${TOKEN}` }]) {
        const a = await weir.request({ path: `/client/v4/accounts/${ACCOUNT}/ai-gateway/gateways/default/logs`, auth: false, headers });
        assert.equal(a.status, 403);
        assert.equal(a.json.success, false);
        assert.deepEqual(a.json.errors, [{ code: 10000, message: 'Authentication error' }]);
    }
});
