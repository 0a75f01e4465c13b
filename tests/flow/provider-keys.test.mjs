// SPDX-License-Identifier: Apache-2.0
// Stored provider keys: who gets which one injected, and who is refused (data plane section 4).
import test from 'node:test';
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import Cloudflare from 'cloudflare';
import OpenAI from 'openai';
import { once } from './lib/http.mjs';
import { ACCOUNT, startMock, startWeir, TOKEN } from './lib/weir.mjs';
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

// ---- which one ----

test('aliases: the one that is asked for, default, else the one that is marked so', async (t) => {
    const { up, weir, store, chat, seen } = await world(t);
    const key = async (headers) => {
        const a = await chat(headers);
        return a.status === 200 ? seen().authorization?.slice(7) : [a.status, a.json.error[0].code, a.json.error[0].message];
    };
    const asks = (alias) => ({ 'cf-aig-byok-alias': alias });
    assert.equal(await key(asks('blue')), undefined, 'nothing is stored: the header is ignored');
    await store('openai', 'sk-openai-key-of-red-team', { alias: 'red' });
    await store('openai', 'sk-openai-key-of-blue-team', { alias: 'blue', default_config: true });
    assert.equal(await key(), 'sk-openai-key-of-blue-team', 'marked');
    assert.equal(await key(asks('red')), 'sk-openai-key-of-red-team');
    const unknown = [400, 2040, "Provider 'openai' has no BYOK credential named 'green'. Configured aliases: 'red', 'blue'"];
    assert.deepEqual(await key(asks('green')), unknown);
    assert.deepEqual(await key(asks('default')), [400, 2040, unknown[2].replace('green', 'default')]);
    assert.equal(await key({ ...asks('green'), Authorization: 'Bearer sk-mine' }), 'sk-mine', "the request's own comes before any alias");
    const other = await store('openai', 'sk-openai-key-called-default', { alias: 'default' });
    assert.equal(await key(), 'sk-openai-key-called-default');
    // at most one is marked
    const marked = async () => (await weir.api('GET', '/gateways/team/provider_configs')).json.result.filter((c) => c.default_config).map((c) => c.alias);
    assert.deepEqual(await marked(), ['blue']);
    const put = await weir.api('PUT', `/gateways/team/provider_configs/${other.id}`, { default_config: true, alias: 'main' });
    assert.equal(put.status, 200, put.text);
    assert.deepEqual(await marked(), ['main']);
    assert.equal(await key(), 'sk-openai-key-called-default');
    // in a Universal request each step has its own word; one that cannot be served is passed over
    const steps = ['green', 'red'].map((alias) => ({ provider: 'openai', endpoint: 'chat/completions', headers: asks(alias), query: CHAT }));
    const a = await weir.request({ to: '', body: JSON.stringify(steps), headers: JSON_TYPE });
    assert.deepEqual([a.status, a.header('cf-aig-step'), seen().authorization], [200, '1', 'Bearer sk-openai-key-of-red-team']);
    assert.equal(up.requests.filter((r) => /green/.test(r.rawHead)).length, 0, 'the alias stays here');
});

test('who gets one: callers with a token, and nobody else', async (t) => {
    const { weir, store, chat, seen, up } = await world(t);
    await weir.createGateway({ id: 'open', authentication: false });
    await weir.createGateway({ id: 'strict', authentication: false, byok_only: true });
    await store('openai', 'sk-stored-openai-key-0001');
    for (const gateway of ['open', 'strict']) {
        const a = await weir.api('POST', `/gateways/${gateway}/provider_configs`, { provider_slug: 'openai', alias: 'default', default_config: true, secret: `sk-stored-of-${gateway}-0001` });
        assert.equal(a.status, 200, a.text);
    }
    assert.equal((await chat({}, { gateway: 'open' })).status, 200);
    assert.equal(seen().authorization, 'Bearer sk-stored-of-open-0001', 'known, though nobody asked');
    for (const headers of [{}, { 'cf-aig-authorization': 'Bearer wrong' }, { 'cf-aig-byok-alias': 'nope' }]) {
        assert.equal((await chat(headers, { gateway: 'open', auth: false })).status, 200);
        assert.deepEqual(seen(), {}, 'a stranger goes on without, and learns no alias');
    }
    assert.equal((await chat({}, { gateway: 'strict' })).status, 200, 'a stored key is a credential');
    const before = up.requests.length;
    const refused = await chat({}, { gateway: 'strict', auth: false });
    assert.deepEqual([refused.status, refused.json.error[0].code], [400, 2040]);
    const tightened = await chat({ 'cf-aig-no-wholesale': 'true' }, { gateway: 'open', auth: false });
    assert.deepEqual([tightened.status, tightened.json.error[0].message],
        [400, "Provider 'openai' has no credentials and unified billing is disabled for this request"]);
    assert.equal((await chat({}, { auth: false })).status, 401);
    assert.equal(up.requests.length, before);
    // no gateway has another one's keys
    await weir.createGateway({ id: 'empty', authentication: false });
    assert.equal((await chat({}, { gateway: 'empty' })).status, 200);
    assert.deepEqual(seen(), {});
    // a step of a Universal request may bring the token where its key goes
    const step = { provider: 'openai', endpoint: 'chat/completions', headers: { Authorization: `Bearer ${TOKEN}` }, query: CHAT };
    assert.equal((await weir.request({ to: '', gateway: 'open', auth: false, body: JSON.stringify(step), headers: JSON_TYPE })).status, 200);
    assert.equal(seen().authorization, 'Bearer sk-stored-of-open-0001');
});

test('a key goes to its own provider and to no host that a request names', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { openai: up.origin, anthropic: up.origin }, gateway: 'team' });
    await weir.createGateway({ id: 'team' });
    const store = (provider_slug, secret) => weir.api('POST', '/gateways/team/provider_configs', { provider_slug, alias: 'default', default_config: false, secret });
    assert.equal((await store('openai', 'sk-stored-openai-key-0001')).status, 200);
    assert.equal((await store('fal', 'fal-stored-key-0001')).status, 200);
    const bare = await weir.request({ to: 'anthropic/v1/messages', body: JSON.stringify({ ...CHAT, max_tokens: 1 }), headers: JSON_TYPE });
    assert.equal(bare.status, 200);
    assert.doesNotMatch(up.last.rawHead, /stored/);
    for (const host of ['app.fal.run', 'someone.gateway.alpha.fal.ai']) {
        const a = await weir.request({ to: 'fal', body: '{}', headers: { ...JSON_TYPE, 'x-fal-target-url': `https://${host}/x` } });
        assert.deepEqual([a.status, a.json.error[0].message], [400, `A stored key of 'fal' is not sent to ${host}`]);
    }
    const foreign = await weir.request({ to: 'fal', body: '{}', headers: { ...JSON_TYPE, 'x-fal-target-url': 'https://evil.example/x' } });
    assert.deepEqual([foreign.status, foreign.json.error[0].code], [400, 2008]);
});

// ---- what becomes of it ----

test('rotation takes effect before it answers, while requests run on several workers', async (t) => {
    const { up, weir, store } = await world(t, { workers: 3 });
    const key = await store('openai', 'sk-rotated-key-number-0000');
    let current = 0, old = 0, over = false;
    const ask = async () => {
        const client = await weir.connect();
        for (let n = 0; !over; n++) {
            const least = current;
            await client.request({ method: 'POST', path: weir.path('openai/chat/completions'), headers: weir.headers({ ...JSON_TYPE, 'x-least': `${least}` }), body: JSON.stringify(CHAT) });
            assert.equal((await client.answer(n)).status, 200);
        }
        client.close();
    };
    const clients = Array.from({ length: 6 }, ask);
    for (let i = 1; i <= 20; i++) {
        const a = await weir.api('PUT', `/gateways/team/provider_configs/${key.id}`, { secret: `sk-rotated-key-number-${String(i).padStart(4, '0')}` });
        assert.equal(a.status, 200, a.text);
        assert.equal(a.json.result.secret_preview, `sk-…${String(i).padStart(4, '0')}`);
        current = i;
    }
    over = true;
    await Promise.all(clients);
    for (const r of up.requests) old += Number(r.header('authorization').slice(-4)) < Number(r.header('x-least'));
    assert.equal(old, 0, 'requests that began after a rotation used an older key');
    assert.ok(up.requests.length > 20);
    const gone = await weir.api('DELETE', `/gateways/team/provider_configs/${key.id}`);
    assert.deepEqual([gone.status, gone.json.result.id], [200, key.id]);
    const a = await weir.request({ to: 'openai/chat/completions', body: JSON.stringify(CHAT), headers: JSON_TYPE });
    assert.deepEqual([a.status, up.last.header('authorization')], [200, undefined]);
});

test('the rate limit of a key is exact among workers, and the next step is tried', async (t) => {
    const { up, weir, store, chat } = await world(t, { workers: 3 });
    await store('openai', 'sk-stored-openai-key-0001', { rate_limit: 10, rate_limit_period: 86400 });
    await store('anthropic', 'sk-ant-stored-key-0001');
    const all = await Promise.all(Array.from({ length: 25 }, () => chat()));
    assert.deepEqual([all.filter((a) => a.status === 200).length, all.filter((a) => a.status === 429).length], [10, 15]);
    assert.deepEqual(all.find((a) => a.status === 429).json.error, [{ code: 2003, message: 'Rate limited' }]);
    assert.equal((await chat({ Authorization: 'Bearer sk-mine' })).status, 200, 'no use of the key');
    const steps = [{ provider: 'openai', endpoint: 'chat/completions', query: CHAT }, { provider: 'anthropic', endpoint: 'v1/messages', query: CHAT }];
    const a = await weir.request({ to: '', body: JSON.stringify(steps), headers: JSON_TYPE });
    assert.deepEqual([a.status, a.header('cf-aig-step'), up.last.header('x-api-key')], [200, '1', 'sk-ant-stored-key-0001']);
    await weir.stop();
    await weir.start();
    assert.equal((await chat()).status, 429, 'counted on after a restart');
});

test('log rows, explain and trace say that a stored key was used, and which', async (t) => {
    const { weir, store, chat } = await world(t);
    await store('openai', 'sk-stored-openai-key-0001', { alias: 'blue', default_config: true });
    const flag = async (a) => (await weir.log(a.header('cf-aig-log-id'), 'team')).byok;
    assert.equal(await flag(await chat()), true);
    assert.equal(await flag(await chat({ Authorization: 'Bearer sk-mine' })), false);
    const plan = (await chat({ 'weir-trace': 'explain' })).json;
    assert.deepEqual([plan.targets[0].credential, plan.targets[0].alias], ['stored', 'blue']);
    const refused = (await chat({ 'weir-trace': 'explain', 'cf-aig-byok-alias': 'red' })).json;
    assert.deepEqual([refused.targets[0].credential, refused.targets[0].refused, refused.answer.by], ['none', 'No provider credential', 'gateway']);
});

test('answers got with different keys do not share cache entries', async (t) => {
    const { up, weir, store, chat } = await world(t);
    const red = await store('openai', 'sk-openai-key-of-red-team', { alias: 'red' });
    await store('openai', 'sk-openai-key-of-blue-team', { alias: 'blue' });
    const verdict = async (headers) => (await chat({ 'cf-aig-cache-ttl': '600', ...headers })).header('cf-aig-cache-status');
    const as = (alias) => ({ 'cf-aig-byok-alias': alias });
    assert.equal(await verdict(as('red')), 'MISS');
    assert.equal(await verdict(as('red')), 'HIT');
    assert.equal(await verdict(as('blue')), 'MISS');
    assert.equal(await verdict({ Authorization: 'Bearer sk-openai-key-of-red-team' }), 'MISS', 'not even the same key of a request');
    assert.equal((await weir.api('PUT', `/gateways/team/provider_configs/${red.id}`, { secret: 'sk-openai-key-of-red-team-2' })).status, 200);
    assert.equal(await verdict(as('red')), 'HIT', 'a rotated key is the same key');
    assert.equal(up.requests.length, 3);
});

test('a key that its provider refuses shows as failing, until another one is stored', async (t) => {
    let status = 200;
    const { up, weir, store, chat } = await world(t);
    up.script = (req, res) => res.json(status, { error: { message: 'no' } });
    const made = await store('openai', 'sk-stored-openai-key-0001');
    assert.deepEqual([made.status, made.last_used_at], ['active', null]);
    const now = async () => (await weir.api('GET', '/gateways/team/provider_configs')).json.result[0];
    await chat();
    assert.equal((await now()).status, 'active');
    assert.ok(Math.abs(Date.parse((await now()).last_used_at) - Date.now()) < 30_000);
    for (status of [401, 403]) {
        await chat();
        assert.equal((await now()).status, 'failing', `${status}`);
        status = 200;
        await chat();
        assert.equal((await now()).status, 'active');
    }
    status = 401;
    await chat();
    const { last_used_at } = await now();
    await weir.stop();
    await weir.start();
    assert.deepEqual([(await now()).status, (await now()).last_used_at], ['failing', last_used_at], 'kept over a restart');
    const put = await weir.api('PUT', `/gateways/team/provider_configs/${made.id}`, { secret: 'sk-stored-openai-key-0002' });
    assert.deepEqual([put.json.result.status, put.json.result.last_used_at], ['active', last_used_at]);
    assert.equal((await weir.api('GET', '/gateways/team')).status, 200);
});

// ---- clients ----

test("SDKs without a provider's key of their own", async (t) => {
    const mock = await startMock(t);
    const weir = await startWeir(t, { providers: Object.fromEntries(['openai', 'anthropic', 'google-ai-studio'].map((s) => [s, `${mock.origin}/${s}`])) });
    const cf = new Cloudflare({ apiToken: TOKEN, baseURL: `http://127.0.0.1:${weir.port}/client/v4`, maxRetries: 0 });
    for (const [provider_slug, secret] of [['openai', 'sk-stored-openai-key-0001'], ['anthropic', 'sk-ant-stored-key-0001'], ['google-ai-studio', 'AIza-stored-key-0001']]) {
        const made = await cf.aiGateway.providerConfigs.create('default', { account_id: ACCOUNT, provider_slug, alias: 'default', default_config: true, secret, rate_limit: 600, rate_limit_period: 60 });
        assert.deepEqual([made.provider_slug, made.gateway_id, made.rate_limit], [provider_slug, 'default', 600]);
        assert.ok(!JSON.stringify(made).includes(secret));
    }
    const listed = [];
    for await (const c of cf.aiGateway.providerConfigs.list('default', { account_id: ACCOUNT, per_page: 2 })) listed.push(c);
    assert.deepEqual(listed.map((c) => c.provider_slug), ['google-ai-studio', 'anthropic', 'openai']);
    assert.ok(listed.every((c) => c.secret_id && c.secret_preview && c.modified_at && c.secret === undefined));

    const said = { model: 'm', messages: [{ role: 'user', content: 'ping' }] };
    const openai = new OpenAI({ baseURL: `${weir.base}/openai`, apiKey: TOKEN, maxRetries: 0 });
    assert.ok((await openai.chat.completions.create(said)).choices[0].message.content);
    const compat = new OpenAI({ baseURL: `${weir.base}/compat`, apiKey: TOKEN, maxRetries: 0 });
    for (const model of ['openai/gpt-4o-mini', 'anthropic/claude-sonnet-5', 'google-ai-studio/gemini-2.5-flash'])
        assert.ok((await compat.chat.completions.create({ ...said, model })).choices[0].message.content, model);
    const anthropic = new Anthropic({ baseURL: `${weir.base}/anthropic`, apiKey: TOKEN, maxRetries: 0 });
    assert.ok((await anthropic.messages.create({ ...said, max_tokens: 50 })).content[0].text);
    const gemini = new GoogleGenAI({ apiKey: TOKEN, httpOptions: { baseUrl: `${weir.base}/google-ai-studio` } });
    assert.ok((await gemini.models.generateContent({ model: 'gemini-2.5-flash', contents: 'ping' })).text);
    const rows = await weir.waitLogs(6);
    assert.deepEqual(rows.map((r) => [r.byok, r.success]), rows.map(() => [true, true]));
});

// ---- the API ----

test('who may see, store and change: accounts, gateways and permissions', async (t) => {
    const { weir, store } = await world(t);
    const key = await store('openai', 'sk-stored-openai-key-0001');
    await weir.createGateway({ id: 'other' });
    const token = async (permissions, more = []) => {
        const { spawnSync } = await import('node:child_process');
        const { BIN } = await import('./lib/weir.mjs');
        const r = spawnSync(BIN, ['token', 'create', '--name', 'x', '--permissions', permissions, '--data', `${weir.dir}/data`, ...more], { encoding: 'utf8' });
        assert.equal(r.status, 0, r.stderr);
        return r.stdout.trim();
    };
    const ask = (auth, method, path, body) => once(weir.port, { method, path: `/client/v4/accounts/${path}`, body: body && JSON.stringify(body), headers: [['Authorization', `Bearer ${auth}`], ...Object.entries(body ? JSON_TYPE : {})] });
    const at = `${ACCOUNT}/ai-gateway/gateways/team/provider_configs`;
    const body = { provider_slug: 'openai', alias: 'x', default_config: false, secret: 'sk-another-openai-key-01' };
    const calls = [['GET', at], ['POST', at, body], ['PUT', `${at}/${key.id}`, { secret: 'sk-another-openai-key-02' }], ['DELETE', `${at}/${key.id}`]];
    const foreign = at.replace(ACCOUNT, 'f'.repeat(32));
    const matrix = { read: [200, 403, 403, 403], write: [200, 403, 403, 403], secrets_write: [403, 403, 403, 403], run: [403, 403, 403, 403], metadata_read: [403, 403, 403, 403], 'read,secrets_write': [200, 403, 403, 403], 'write,secrets_write': [200, 200, 200, 200] };
    const tokens = Object.fromEntries(await Promise.all(Object.keys(matrix).map(async (p) => [p, await token(p)])));
    await new Promise((r) => setTimeout(r, 600)); // the daemon looks four times a second
    for (const [permissions, want] of Object.entries(matrix)) {
        const got = [];
        for (const [method, path, b] of calls) got.push((await ask(tokens[permissions], method, path, b)).status);
        assert.deepEqual(got, want, permissions);
        for (const [method, path, b] of calls) assert.equal((await ask(tokens[permissions], method, path.replace(at, foreign), b)).status, 403, 'another account');
    }
    // a token for one gateway does not take the secrets of another
    const taken = { provider_slug: 'openai', alias: 'taken', default_config: false, secret_id: (await store('openai', 'sk-stored-openai-key-0005', { alias: 'mine' })).secret_id };
    const narrow = await token('write,secrets_write', ['--gateway', 'other']);
    await new Promise((r) => setTimeout(r, 600));
    assert.equal((await ask(narrow, 'GET', at)).status, 403);
    const refused = await ask(narrow, 'POST', at.replace('team', 'other'), taken);
    assert.deepEqual([refused.status, refused.json.errors[0].path], [400, ['body', 'secret_id']]);
    assert.equal((await ask(TOKEN, 'POST', at.replace('team', 'other'), taken)).status, 200);
    const again = await store('openai', 'sk-stored-openai-key-0003', { alias: 'again' });
    for (const [method, b] of [['PUT', { secret: 'sk-another-openai-key-04' }], ['DELETE']]) {
        assert.equal((await ask(TOKEN, method, `${at.replace('team', 'other')}/${again.id}`, b)).status, 404, 'another gateway');
        assert.equal((await ask(TOKEN, method, `${at}/${'0'.repeat(8)}-0000-7000-8000-${'0'.repeat(12)}`, b)).status, 404);
    }
});

test('what is wrong with a key is said before it is stored, and what is shown of it is little', async (t) => {
    const { weir, store } = await world(t);
    const post = (body) => weir.api('POST', '/gateways/team/provider_configs', { provider_slug: 'openai', alias: 'default', default_config: false, ...body });
    const complaints = async (body) => {
        const a = await post(body);
        assert.equal(a.status, 400, a.text);
        return a.json.errors.map((e) => e.path.join('.'));
    };
    assert.deepEqual(await complaints({}), ['body.secret']);
    assert.deepEqual(await complaints({ secret: 'sk', alias: undefined, default_config: undefined, provider_slug: undefined }), ['body.provider_slug', 'body.alias', 'body.default_config']);
    assert.deepEqual(await complaints({ secret: 'sk', provider_slug: 'nobody' }), ['body.provider_slug']);
    assert.deepEqual(await complaints({ secret: 'sk', provider_slug: 'compat' }), ['body.provider_slug']);
    assert.deepEqual(await complaints({ secret: 'two words' }), ['body.secret']);
    assert.deepEqual(await complaints({ secret: '{"accessKeyId":"A"}', provider_slug: 'aws-bedrock' }), ['body.secret']);
    assert.deepEqual(await complaints({ secret: '{}', provider_slug: 'google-vertex-ai' }), ['body.secret']);
    assert.deepEqual(await complaints({ secret_id: '0'.repeat(32) }), ['body.secret_id']);
    assert.deepEqual(await complaints({ secret: 'sk', rate_limit: -1 }), ['body.rate_limit']);
    assert.deepEqual(await complaints({ secret: 'sk', rate_limit: 1, rate_limit_period: 0 }), ['body.rate_limit_period']);
    assert.equal((await weir.api('GET', '/gateways/team/provider_configs')).json.result_info.total_count, 0);

    const shown = async (alias, secret) => (await store('openai', secret, { alias })).secret_preview;
    assert.equal(await shown('long', 'sk-proj-0123456789abcdefWXYZ'), 'sk-…WXYZ');
    assert.equal(await shown('medium', '0123456789abcdefXY'), '…XY');
    assert.equal(await shown('short', '0123456789'), '…');
    assert.equal((await post({ alias: 'long', secret: 'sk-proj-0123456789abcdef' })).status, 409);
    assert.equal((await store('custom-mine', 'any-key-of-a-custom-provider')).provider_slug, 'custom-mine');

    // another key's secret may be taken over; the copy is its own
    const first = await store('openai', 'sk-shared-secret-0123456789ab', { alias: 'first' });
    const copy = await post({ alias: 'second', secret_id: first.secret_id });
    assert.deepEqual([copy.status, copy.json.result.secret_id, copy.json.result.secret_preview], [200, first.secret_id, first.secret_preview]);
    const moved = await weir.api('PUT', `/gateways/team/provider_configs/${first.id}`, { provider_slug: 'anthropic' });
    assert.deepEqual([moved.status, moved.json.errors[0].path], [400, ['body', 'provider_slug']]);
});
