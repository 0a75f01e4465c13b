// SPDX-License-Identifier: Apache-2.0
// Identity tokens (data plane 3.5): where they may stand, which are refused, what becomes of the issuer's keys,
// and that no provider ever sees one.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { makeAuthority } from './lib/certs.mjs';
import { Client } from './lib/http.mjs';
import { makeKey, makeToken, now, startIssuer } from './lib/issuer.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { poll } from './lib/wait.mjs';
import { ACCOUNT, BIN, startMock, startWeir, tempDir, TOKEN } from './lib/weir.mjs';

const OTHER = 'f'.repeat(32);
const SLUGS = ['openai', 'anthropic', 'google-ai-studio', 'fal', 'azure-openai', 'aws-bedrock', 'elevenlabs', 'mistral'];

async function world(t, { issuer: options, config, ...rest } = {}) {
    const up = await startUpstream(t);
    const issuer = await startIssuer(t, options);
    const weir = await startWeir(t, { providers: Object.fromEntries(SLUGS.map((s) => [s, up.origin])), config: { ...issuer.config(), ...config }, ...rest });
    const ask = (headers, { to = 'openai/chat/completions', body = '{"model":"m"}', ...more } = {}) => weir.request({ to, auth: false, headers, body, ...more });
    const bearer = (token, more) => ask({ Authorization: `Bearer ${token}` }, more);
    return { up, issuer, weir, ask, bearer };
}

test('a token is accepted in every place where it may stand, and reaches no provider', async (t) => {
    const { up, issuer, weir, ask } = await world(t);
    const jwt = issuer.token();
    const places = [
        ['openai/x', { 'cf-aig-authorization': `Bearer ${jwt}` }],
        ['openai/x', { 'cf-aig-authorization': jwt }],
        ['openai/x', { 'Cf-Access-Jwt-Assertion': jwt }],
        ['openai/x', { 'cf-access-token': jwt }],
        ['openai/x', { Cookie: `a=b; CF_Authorization=${jwt}; c=d` }],
        ['openai/x', [['Cookie', 'a=b'], ['Cookie', `CF_Authorization=${jwt}`]]],
        ['openai/x', { Authorization: `Bearer ${jwt}` }],
        ['openai/x', { authorization: `bearer ${jwt}` }],
        ['openai/x', { 'x-api-key': jwt }],
        ['openai/x', { 'x-goog-api-key': jwt }],
        ['anthropic/v1/messages', { 'x-api-key': jwt }],
        ['anthropic/v1/messages', { Authorization: `Bearer ${jwt}` }],
        ['google-ai-studio/v1beta/models/m:generateContent', { 'x-goog-api-key': jwt }],
        ['fal/fal-ai/x', { Authorization: `Key ${jwt}` }],
        ['elevenlabs/v1/x', { 'xi-api-key': jwt }],
        ['elevenlabs/v1/x', { Authorization: `Bearer ${jwt}` }],
        ['azure-openai/r/d/x', { 'api-key': jwt }],
    ];
    for (const [to, headers] of places)
        await t.test(`${to} ${Array.isArray(headers) ? 'two Cookie lines' : Object.keys(headers)}`, async () => {
            const n = up.requests.length;
            const a = await ask(headers, { to });
            assert.equal(a.status, 200, a.text);
            assert.equal(up.requests.length, n + 1);
            assert.ok(!up.last.rawHead.includes(jwt.slice(0, 40)) && !/cf-|CF_/i.test(up.last.rawHead), up.last.rawHead);
        });
    assert.equal(issuer.fetches, 1);
    const rows = await weir.logs({ query: 'per_page=50' });
    assert.equal(rows.length, places.length);
    for (const row of rows) assert.deepEqual(row.metadata, { 'cf.user_id': 'user-1' });
    assert.ok(!weir.output.includes(jwt.slice(0, 40)));
});

test('every algorithm', async (t) => {
    const keys = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'].map((alg) => makeKey(alg, alg));
    const { issuer, bearer } = await world(t, { issuer: { keys } });
    for (const key of keys) assert.equal((await bearer(issuer.token({}, { key }))).status, 200, key.alg);
});

test('what is wrong with a token makes no difference: 401, the same bytes', async (t) => {
    const { up, issuer, ask, bearer } = await world(t);
    const good = issuer.token();
    const [head, , signature] = good.split('.');
    const part = (x) => Buffer.from(JSON.stringify(x)).toString('base64url');
    const hmac = (input, key) => `${input}.${crypto.createHmac('sha256', key).update(input).digest('base64url')}`;
    const hs = `${part({ alg: 'HS256', kid: 'k1' })}.${part(issuer.claims())}`;
    const pem = issuer.keys[0].publicKey.export({ type: 'spki', format: 'pem' });
    const refused = {
        expired: issuer.token({ exp: now() - 1 }), 'without end': issuer.token({ exp: undefined }), 'not yet': issuer.token({ nbf: now() + 300 }),
        'from the future': issuer.token({ iat: now() + 300 }), 'foreign issuer': issuer.token({ iss: 'https://elsewhere.example' }),
        'no issuer': issuer.token({ iss: undefined }), 'other audience': issuer.token({ aud: 'another' }), 'no audience': issuer.token({ aud: undefined }),
        'other audiences': issuer.token({ aud: ['a', 'b'] }), 'a logout token': issuer.token({}, { header: { typ: 'logout+jwt' } }),
        'a critical header': issuer.token({}, { header: { crit: ['exp'] } }), 'changed claims': `${head}.${part(issuer.claims({ sub: 'root' }))}.${signature}`,
        'no signature': `${head}.${good.split('.')[1]}.`, truncated: good.slice(0, -10), 'two parts': `${head}.${part(issuer.claims())}`,
        none: `${part({ alg: 'none' })}.${part(issuer.claims())}.`, 'HMAC with the public key': hmac(hs, pem),
        'HMAC with the key set': hmac(hs, JSON.stringify({ keys: [issuer.keys[0].jwk] })),
        'unknown key': issuer.token({}, { key: makeKey('k2') }), 'a key of the same name': issuer.token({}, { key: makeKey('k1') }),
        huge: issuer.token({ x: 'x'.repeat(20000) }), empty: '..', words: 'a.b.c',
    };
    const first = (await ask({})).text;
    for (const [name, token] of Object.entries(refused))
        await t.test(name, async () => {
            for (const headers of [{ Authorization: `Bearer ${token}` }, { 'cf-aig-authorization': token }, { 'Cf-Access-Jwt-Assertion': token }]) {
                const a = await ask(headers);
                assert.equal(a.status, 401);
                assert.equal(a.text, first);
            }
        });
    assert.equal(up.requests.length, 0);
    assert.equal((await bearer(good)).status, 200);
    // cf-aig-authorization decides alone; between the other places the first good one counts
    assert.equal((await ask({ 'cf-aig-authorization': 'nonsense', 'Cf-Access-Jwt-Assertion': good, Authorization: `Bearer ${good}` })).status, 401);
    assert.equal((await ask({ Cookie: `CF_Authorization=${refused.expired}`, 'x-api-key': 'sk-1', Authorization: `Bearer ${good}` })).status, 200);
    assert.equal((await ask({ Cookie: `CF_Authorization=${refused.expired}`, Authorization: `Bearer ${TOKEN}` })).status, 200);
    assert.ok(issuer.fetches <= 2, `${issuer.fetches} fetches`); // one for the keys, one for the sake of k2
});

test('the provider\'s key beside a token stays; a token of the issuer is never taken for one', async (t) => {
    const { up, issuer, weir, ask } = await world(t);
    await weir.createGateway({ id: 'open', authentication: false });
    const good = issuer.token();
    const expired = issuer.token({ exp: now() - 10 });
    const other = issuer.token({ aud: 'another-application' });
    const foreign = makeToken(makeKey('k1'), { iss: 'https://cloud.example', aud: 'provider', exp: now() + 60 });
    const gw = { 'cf-aig-authorization': `Bearer ${TOKEN}` };
    const cases = [ // [headers, what must be left of them, more]
        [{ 'Cf-Access-Jwt-Assertion': good, Authorization: 'Bearer sk-1' }, { authorization: 'Bearer sk-1' }],
        [{ 'cf-aig-authorization': good, Authorization: 'Bearer sk-1' }, { authorization: 'Bearer sk-1' }],
        [{ Authorization: `Bearer ${good}`, 'x-api-key': 'sk-ant' }, { 'x-api-key': 'sk-ant', authorization: undefined }, { to: 'anthropic/v1/messages' }],
        [{ Authorization: `Bearer ${good}`, 'x-api-key': 'placeholder' }, { 'x-api-key': undefined, authorization: undefined }, { to: 'anthropic/v1/messages' }],
        [{ 'Cf-Access-Jwt-Assertion': good, Authorization: 'AWS4-HMAC-SHA256 Credential=A/B, SignedHeaders=host, Signature=c' },
            { authorization: 'AWS4-HMAC-SHA256 Credential=A/B, SignedHeaders=host, Signature=c' }, { to: 'aws-bedrock/bedrock-runtime/us-east-1/model/m/invoke' }],
        [{ ...gw, Authorization: `Bearer ${good}` }, { authorization: undefined }],
        [{ ...gw, Authorization: `Bearer ${expired}` }, { authorization: undefined }],
        [{ ...gw, Authorization: `Bearer ${other}` }, { authorization: undefined }],
        [{ ...gw, 'X-Auth-Request-Access-Token': expired, Cookie: `session=${good}` }, { 'x-auth-request-access-token': undefined, cookie: undefined }],
        [{ ...gw, Authorization: `Bearer ${foreign}` }, { authorization: `Bearer ${foreign}` }],
        [{ 'Cf-Access-Jwt-Assertion': good, Authorization: `Bearer ${foreign}` }, { authorization: `Bearer ${foreign}` }],
        [[['Authorization', 'Bearer sk-1'], ['Authorization', `Bearer ${expired}`], ['cf-aig-authorization', good]], { authorization: 'Bearer sk-1' }],
        [{ Authorization: `Bearer ${good}` }, { authorization: undefined }, { gateway: 'open' }],
        [{ Authorization: `Bearer ${expired}` }, { authorization: undefined }, { gateway: 'open' }],
        [{ Authorization: `Bearer ${foreign}` }, { authorization: `Bearer ${foreign}` }, { gateway: 'open' }],
        [{ 'cf-access-token': other, Authorization: 'Bearer sk-1' }, { authorization: 'Bearer sk-1' }, { gateway: 'open' }],
    ];
    for (const [headers, left, more] of cases) {
        const a = await ask(headers, more);
        assert.equal(a.status, 200, a.text);
        for (const [name, value] of Object.entries(left)) assert.equal(up.last.header(name), value, `${JSON.stringify(more)} ${JSON.stringify(headers)}`);
        for (const own of [good, expired, other]) assert.ok(!up.last.rawHead.includes(own.split('.')[1]), up.last.rawHead);
        assert.ok(!/^cf-/im.test(up.last.rawHead), up.last.rawHead);
    }
});

test('whose gateways: those of one account, or of all', async (t) => {
    const issuer = await startIssuer(t);
    const up = await startUpstream(t);
    for (const [account, status] of [[ACCOUNT, 200], [OTHER, 401], ['', 200]]) {
        const weir = await startWeir(t, { providers: { openai: up.origin }, config: issuer.config({ account }) });
        const a = await weir.request({ to: 'openai/x', auth: false, headers: { Authorization: `Bearer ${issuer.token()}` }, body: '{}' });
        assert.equal(a.status, status, account);
        assert.equal((await weir.request({ to: 'openai/x', body: '{}' })).status, 200);
        for (const gateway of ['nobodys', 'default']) {
            const b = await weir.request({ path: `/v1/${OTHER}/${gateway}/openai/x`, auth: false, headers: { Authorization: `Bearer ${issuer.token()}` }, body: '{}' });
            assert.deepEqual([b.status, b.json.error[0].code], [400, 2001]);
        }
    }
});

test('an identity is served by the stored keys of the gateway', async (t) => {
    const { up, issuer, weir, bearer } = await world(t);
    const made = await weir.api('POST', '/gateways/default/provider_configs', { provider_slug: 'openai', alias: 'default', default_config: true, secret: 'sk-stored-openai-key-0001' });
    assert.equal(made.status, 200, made.text);
    assert.equal((await bearer(issuer.token())).status, 200);
    assert.equal(up.last.header('authorization'), 'Bearer sk-stored-openai-key-0001');
});

test('metadata: the user is added to the caller\'s own, and cannot be claimed', async (t) => {
    const { issuer, weir, ask } = await world(t);
    const metadata = async (claims, own) => {
        const a = await ask({ 'cf-aig-authorization': issuer.token(claims), ...(own ? { 'cf-aig-metadata': JSON.stringify(own) } : {}) });
        assert.equal(a.status, 200, a.text);
        return (await weir.log(a.header('cf-aig-log-id'))).metadata ?? null;
    };
    assert.deepEqual(await metadata({ sub: 'zoë|"x"' }), { 'cf.user_id': 'zoë|"x"' });
    assert.deepEqual(await metadata({}, { team: 'a', 'cf.user_id': 'root' }), { team: 'a', 'cf.user_id': 'user-1' });
    assert.deepEqual(await metadata({}, { a: 1, b: 2, c: 3, d: 4, e: 5 }), { a: 1, b: 2, c: 3, d: 4, 'cf.user_id': 'user-1' });
    // service tokens of Cloudflare Access name no user
    assert.equal(await metadata({ sub: '', common_name: 'e367.access' }), null);
    assert.deepEqual(await metadata({ sub: '' }, { team: 'a' }), { team: 'a' });
    const a = await weir.request({ to: 'openai/x', headers: { 'cf-aig-metadata': '{"cf.user_id":"root","t":1}' }, body: '{}' });
    assert.deepEqual((await weir.log(a.header('cf-aig-log-id'))).metadata, { t: 1 });
});

test('Universal: one identity for all steps, none in their headers', async (t) => {
    const { up, issuer, weir, ask } = await world(t);
    const jwt = issuer.token();
    up.script = (req, res) => res.json(up.requests.length < 3 ? 500 : 200, { ok: true });
    const step = (provider, headers) => ({ provider, endpoint: 'x', headers, query: { model: 'm' } });
    const body = JSON.stringify([
        step('openai', { Authorization: `Bearer ${jwt}` }),
        step('mistral', { authorization: 'Bearer sk-2', 'cf-aig-metadata': '{"step":2,"cf.user_id":"x"}' }),
        step('anthropic', { 'x-api-key': 'sk-3', 'x-other': issuer.token({ exp: 1 }) }),
    ]);
    const a = await ask({ Authorization: `Bearer ${jwt}`, 'Content-Type': 'application/json' }, { to: '', body });
    assert.equal(a.status, 200, a.text);
    assert.deepEqual(up.requests.map((r) => r.header('authorization') ?? r.header('x-api-key')), [undefined, 'Bearer sk-2', 'sk-3']);
    for (const r of up.requests) assert.ok(!r.rawHead.includes('eyJ'), r.rawHead);
    const rows = await weir.waitLogs(3);
    assert.deepEqual(rows.map((r) => r.metadata).reverse(), [{ 'cf.user_id': 'user-1' }, { step: 2, 'cf.user_id': 'user-1' }, { 'cf.user_id': 'user-1' }]);
});

// ---- keys ----

test('keys that change: the new one is found when it is first used, the old one ends with its set', async (t) => {
    const { issuer, bearer } = await world(t);
    const [old] = issuer.keys;
    assert.equal((await bearer(issuer.token())).status, 200);
    issuer.keys = [makeKey('k2', 'RS256')];
    assert.equal((await bearer(issuer.token({}, { key: old }))).status, 200, 'until the keys are fetched again');
    assert.equal((await bearer(issuer.token())).status, 200);
    assert.equal((await bearer(issuer.token({}, { key: old }))).status, 401);
    assert.equal((await bearer(issuer.token({}, { key: makeKey('k3') }))).status, 401);
    assert.equal(issuer.fetches, 2, 'not for every made-up key');
});

test('requests that come together wait for one fetch', async (t) => {
    const { up, issuer, bearer } = await world(t);
    const waiting = [];
    issuer.script = (req, res) => waiting.push(res) && true;
    const all = Promise.all(Array.from({ length: 20 }, (_, i) => bearer(issuer.token({ sub: `u${i}` }))));
    await poll('the fetch', () => waiting.length === 1);
    assert.equal(up.requests.length, 0);
    issuer.script = undefined;
    await waiting[0].json(200, { keys: issuer.keys.map((k) => k.jwk) });
    for (const a of await all) assert.equal(a.status, 200);
    assert.equal(issuer.up.requests.length, 1);
});

test('an issuer that is down at the start and comes back', async (t) => {
    const { up, issuer, weir, bearer } = await world(t, { issuer: { status: 503 } });
    const a = await bearer(issuer.token());
    assert.deepEqual([a.status, a.json.error[0].code], [401, 2009]);
    assert.equal((await weir.request({ to: 'openai/x', body: '{}' })).status, 200, 'gateway tokens need no issuer');
    issuer.status = 200;
    await poll('the keys to be fetched', async () => (await bearer(issuer.token())).status === 200);
    assert.match(weir.output, /oidc: the keys of http:[^ ]* cannot be had: the answer's status is not 200\n/);
    assert.match(weir.output, /oidc: the keys of http:[^ ]* are there again\n/);
    const metrics = await weir.request({ path: '/metrics', auth: true, headers: { Authorization: `Bearer ${TOKEN}` } });
    assert.match(metrics.text, /^weir_oidc_fetches_failed_total [1-9]/m);
    // and goes again: the keys are there
    issuer.up.server.close();
    for (const c of issuer.up.connections) c.socket.destroy();
    assert.equal((await bearer(issuer.token({ sub: 'another' }))).status, 200);
    assert.ok(up.requests.length >= 3);
});

test('an issuer that does not answer: requests end, an open gateway does not wait', async (t) => {
    const { up, issuer, weir, ask, bearer } = await world(t);
    await weir.createGateway({ id: 'open', authentication: false });
    issuer.script = () => true;
    const jwt = issuer.token();
    const leaver = await Client.connect(weir.port);
    await leaver.request({ method: 'GET', path: weir.path('openai/x'), headers: [['Authorization', `Bearer ${jwt}`]] });
    const waits = bearer(jwt);
    await issuer.up.request(0);
    assert.equal((await ask({ Authorization: `Bearer ${jwt}` }, { gateway: 'open' })).status, 200);
    assert.ok(!up.last.rawHead.includes('eyJ'));
    assert.equal(await weir.logs({ gateway: 'open' }).then((rows) => rows[0].metadata ?? null), null, 'nobody was waited for');
    leaver.close();
    assert.equal((await waits).status, 401);
    assert.match(weir.output, /cannot be had: it took too long/);
});

test('the daemon drains while requests wait for keys: they end, or are cut at its deadline', async (t) => {
    for (const [drain_timeout_ms, end] of [[14000, 401], [100, /connection ended/]]) {
        const { issuer, weir, bearer } = await world(t, { limits: { drain_timeout_ms } });
        issuer.script = () => true;
        const waits = bearer(issuer.token()).then((a) => a.status, String);
        await issuer.up.request(0);
        weir.child.signal('SIGTERM');
        if (end instanceof RegExp) assert.match(await waits, end);
        else assert.equal(await waits, end);
        await weir.child.exited();
    }
});

test('a body that comes while keys are fetched is taken afterwards', async (t) => {
    const { up, issuer, weir, ask } = await world(t);
    const waiting = [];
    issuer.script = (req, res) => waiting.push(res) && true;
    const big = Buffer.alloc(3_000_000, 'weir');
    const bodies = [['application/json', JSON.stringify({ model: 'm', text: 'x'.repeat(200_000) })], ['application/octet-stream', big], ['text/plain', 'short']];
    const all = bodies.map(([type, body]) => ask({ Authorization: `Bearer ${issuer.token()}`, 'Content-Type': type }, { body, to: `openai/${type}` }));
    const empty = await weir.connect(); // chunks, but none
    await empty.send(`POST ${weir.path('openai/empty')} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${issuer.token()}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`);
    await poll('the fetch', () => waiting.length === 1);
    await waiting[0].json(200, { keys: issuer.keys.map((k) => k.jwk) });
    for (const a of await Promise.all(all)) assert.equal(a.status, 200, a.text);
    assert.equal((await empty.answer()).status, 200);
    empty.close();
    for (const [type, body] of bodies) {
        const r = up.requests.find((x) => x.target.endsWith(type));
        await r.whole();
        assert.ok(r.body.equals(Buffer.from(body)), type);
    }
});

// ---- discovery ----

test('without a place of keys the issuer\'s own description is asked', async (t) => {
    const { issuer, bearer } = await world(t);
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { openai: up.origin }, config: issuer.config({ jwks_url: undefined }) });
    const ask = (token) => weir.request({ to: 'openai/x', auth: false, headers: { Authorization: `Bearer ${token}` }, body: '{}' });
    issuer.description = { issuer: `${issuer.url}/` };
    assert.equal((await ask(issuer.token())).status, 401, 'it says that it is somebody else');
    assert.match(weir.output, /names another issuer/);
    issuer.description = {};
    await poll('the keys to be fetched', async () => (await ask(issuer.token())).status === 200);
    assert.deepEqual(issuer.up.requests.slice(-2).map((r) => r.target), ['/realms/test/.well-known/openid-configuration', '/keys']);
    assert.equal((await bearer(issuer.token())).status, 200);
});

test('an issuer with TLS: its certificate is checked, and keys do not come in plain text', async (t) => {
    const authority = makeAuthority(t);
    const plain = await startIssuer(t);
    const issuer = await startIssuer(t, { tls: authority.issue('issuer', 'IP:127.0.0.1') });
    const up = await startUpstream(t);
    const start = (config) => startWeir(t, { providers: { openai: up.origin }, config: { ...issuer.config({ jwks_url: undefined }), ...config } });
    const ask = (weir) => weir.request({ to: 'openai/x', auth: false, headers: { Authorization: `Bearer ${issuer.token()}` }, body: '{}' });
    const trusting = await start({ upstream: { ca_file: authority.file } });
    const wary = await start({});
    assert.equal((await ask(trusting)).status, 200);
    assert.equal((await ask(wary)).status, 401);
    assert.match(wary.output, /cannot be had: TLS/);
    issuer.description = { jwks_uri: `${plain.up.origin}/keys` };
    plain.keys = issuer.keys;
    const led = await start({ upstream: { ca_file: authority.file } });
    assert.equal((await ask(led)).status, 401);
    assert.equal(plain.fetches, 0);
});

// ---- what else an identity may do ----

test('the gateway `default` is made by the first identity, body and all', async (t) => {
    const { issuer, weir, ask, bearer } = await world(t);
    const remove = await weir.api('DELETE', '/gateways/default');
    assert.equal(remove.status, 200, remove.text);
    for (const headers of [{}, { Authorization: `Bearer ${issuer.token({ exp: 1 })}` }]) {
        const a = await ask(headers);
        assert.deepEqual([a.status, a.json.error[0].code], [400, 2001]);
    }
    const a = await bearer(issuer.token());
    assert.equal(a.status, 200, a.text);
    assert.equal((await ask({})).status, 401);
    const made = (await weir.api('GET', '/gateways/default')).json.result;
    assert.deepEqual([made.authentication, made.collect_logs], [true, true]);
});

test('weir-trace: explain is for identities, too', async (t) => {
    const { issuer, ask } = await world(t);
    const a = await ask({ 'cf-aig-authorization': issuer.token(), 'weir-trace': 'explain' });
    assert.equal(a.status, 200, a.text);
    assert.equal(a.json.gateway, 'default');
});

test('the management API takes no identity tokens', async (t) => {
    const { issuer, weir } = await world(t);
    const a = await weir.request({ path: `/client/v4/accounts/${ACCOUNT}/ai-gateway/gateways/default/logs`, auth: false, headers: { Authorization: `Bearer ${issuer.token()}` } });
    assert.equal(a.status, 403);
});

test('official SDKs with the token as API key', async (t) => {
    const mock = await startMock(t);
    const issuer = await startIssuer(t);
    const slugs = ['openai', 'anthropic', 'google-ai-studio'];
    const weir = await startWeir(t, { providers: Object.fromEntries(slugs.map((s) => [s, `${mock.origin}/${s}`])), config: issuer.config() });
    const jwt = issuer.token({ sub: 'sdk' });
    const openai = new OpenAI({ baseURL: `${weir.base}/openai`, apiKey: jwt, maxRetries: 0 });
    const messages = [{ role: 'user', content: 'Hello' }];
    const chat = await openai.chat.completions.create({ model: 'gpt-4o-mini', messages });
    assert.ok(chat.choices[0].message.content.length > 0);
    for (const key of [{ apiKey: jwt }, { apiKey: null, authToken: jwt }]) {
        const anthropic = new Anthropic({ baseURL: `${weir.base}/anthropic`, maxRetries: 0, ...key });
        const message = await anthropic.messages.create({ model: 'claude-sonnet-5', max_tokens: 50, messages });
        assert.ok(message.content[0].text.length > 0);
    }
    const genai = new GoogleGenAI({ apiKey: jwt, httpOptions: { baseUrl: `${weir.base}/google-ai-studio` } });
    assert.ok((await genai.models.generateContent({ model: 'gemini-2.5-flash', contents: 'Hello' })).text.length > 0);
    const error = await new OpenAI({ baseURL: `${weir.base}/openai`, apiKey: issuer.token({ exp: 1 }), maxRetries: 0 }).models.list().then(() => null, (e) => e);
    assert.ok(error instanceof OpenAI.AuthenticationError, String(error));
    const rows = await weir.waitLogs(4);
    for (const row of rows) assert.deepEqual(row.metadata, { 'cf.user_id': 'sdk' });
});

test('settings that would let too many in end the start', async (t) => {
    const { issuer, weir } = await world(t);
    const file = `${tempDir(t)}/weir.jsonc`;
    for (const [change, said] of [[{ audience: '' }, /oidc\.audience: must be set/], [{ issuer: '' }, /oidc\.issuer: must be set/], [{ account: 'x' }, /oidc\.account: "x" will not do; it needs the id of an account/]]) {
        fs.writeFileSync(file, JSON.stringify(issuer.config(change)));
        const failed = spawnSync(BIN, ['serve', '--config', file, '--data', `${file}-data`], { timeout: 10000, encoding: 'utf8' });
        assert.equal(failed.status, 2);
        assert.match(failed.stderr, said);
    }
    // the same on reload: the old settings stay
    weir.writeConfig({ config: issuer.config({ audience: '' }) });
    weir.child.signal('SIGHUP');
    await weir.child.line(/reload: oidc\.audience: must be set/);
    const a = await weir.request({ to: 'openai/x', auth: false, headers: { Authorization: `Bearer ${issuer.token()}` }, body: '{}' });
    assert.equal(a.status, 200);
});
