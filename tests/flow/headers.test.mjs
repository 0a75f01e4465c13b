// SPDX-License-Identifier: Apache-2.0
// Which header lines go to the provider, which come back, and which the gateway adds.
import test from 'node:test';
import assert from 'node:assert/strict';
import { startWeir, TOKEN } from './lib/weir.mjs';
import { answerJson, startUpstream } from './lib/upstream.mjs';

const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('request headers: providers get theirs, in order and case; the gateway keeps its own', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { anthropic: up.origin } });
    const kept = [
        ['anthropic-version', '2023-06-01'], ['Anthropic-Beta', 'a, b'], ['anthropic-beta', 'c'], ['OpenAI-Organization', 'org'], ['OpenAI-Beta', 'x=v1'],
        ['x-api-key', 'sk-ant'], ['Accept', 'text/event-stream'], ['Content-Type', 'application/json; charset=utf-8'],
        ['User-Agent', 'sdk/1.2 (x; y)'], ['X-Stainless-Lang', 'js'], ['x-stainless-retry-count', '0'], ['Idempotency-Key', 'k'],
        ['Cookie', ''], ['X-Empty', ''], ['x-amz-date', '20261121T000000Z'], ['Cartesia-Version', '2024-06-10'], ['Range', 'bytes=0-1'],
        ['If-None-Match', '"x"'], ['X-UTF8', Buffer.from('é').toString('latin1')], ['Accept-Language', 'de'],
    ];
    const dropped = [
        ['cf-aig-metadata', '{"a":1}'], ['CF-AIG-Cache-TTL', '60'], ['cf-aig-event-id', 'e1'], ['cf-aig-something-new', '1'],
        ['CF-Connecting-IP', '1.2.3.4'], ['cf-ray', 'r'], ['CF-IPCountry', 'DE'], ['X-Forwarded-For', '1.2.3.4'], ['x-forwarded-proto', 'https'],
        ['X-Forwarded-Host', 'h'], ['X-Real-IP', '1.2.3.4'], ['Forwarded', 'for=1.2.3.4'], ['Keep-Alive', 'timeout=5'], ['TE', 'trailers'], ['Proxy-Connection', 'keep-alive'],
        ['Proxy-Authorization', 'Basic eA=='], ['Upgrade', 'h2c'], ['X-Hop', 'named by Connection'], ['Connection', 'keep-alive, X-Hop'], ['Trailer', 'X-T'],
    ];
    const mixed = kept.flatMap((line, i) => (i < dropped.length ? [line, dropped[i]] : [line]));
    const a = await weir.request({ to: 'anthropic/v1/messages', headers: mixed, body: '{"model":"m"}' });
    assert.equal(a.status, 200, a.text);
    const own = new Set(['host', 'content-length', 'connection', 'accept-encoding']);
    const got = up.last.headers.filter(([n]) => !own.has(n.toLowerCase()));
    assert.deepEqual(got, kept);
    assert.equal(up.last.headers.filter(([n]) => n.toLowerCase() === 'host').length, 1);
});

test('the provider is not asked for an encoding the log could not read', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    await weir.request({ to: 'openai/models', headers: { 'Accept-Encoding': 'gzip, br' } });
    assert.ok([undefined, 'identity'].includes(up.last.header('accept-encoding')), up.last.header('accept-encoding'));
});

test('answer headers: the provider\'s pass, framing is renewed, the gateway\'s are added', async (t) => {
    const up = await startUpstream(t, (req, res) => res.reply(200, [
        ['Content-Type', 'application/json'], ['X-Request-Id', 'req_1'], ['request-id', 'r2'], ['openai-processing-ms', '12'],
        ['x-ratelimit-remaining-requests', '9'], ['anthropic-ratelimit-tokens-limit', '10'], ['Retry-After', '3'],
        ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2'], ['Connection', 'keep-alive, X-Hop'], ['X-Hop', 'x'], ['Keep-Alive', 'timeout=9'],
        ['Proxy-Authenticate', 'Basic'], ['cf-aig-cost', 'invented'], ['cf-aig-log-id', 'forged']], '{"a":1}'));
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    const a = await weir.request({ to: 'openai/x', body: '{}' });
    const values = (name) => a.headers.filter(([n]) => n.toLowerCase() === name).map(([, v]) => v);
    assert.equal(a.text, '{"a":1}');
    for (const [n, v] of [['content-type', 'application/json'], ['x-request-id', 'req_1'], ['request-id', 'r2'], ['openai-processing-ms', '12'],
        ['x-ratelimit-remaining-requests', '9'], ['anthropic-ratelimit-tokens-limit', '10'], ['retry-after', '3']])
        assert.deepEqual(values(n), [v], n);
    assert.deepEqual(values('set-cookie'), ['a=1', 'b=2']);
    for (const n of ['x-hop', 'keep-alive', 'cf-aig-cost']) assert.deepEqual(values(n), [], n);
    assert.deepEqual(values('content-length'), ['7']);
    assert.equal(values('cf-aig-log-id').length, 1);
    assert.match(values('cf-aig-log-id')[0], UUID7);
});

test('ids: one for log, event and request; trace id; step', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    const a = await weir.request({ to: 'openai/chat/completions', body: '{}' });
    const id = a.header('cf-aig-log-id');
    assert.match(id, UUID7);
    assert.equal(a.header('cf-aig-event-id'), id);
    assert.equal(a.header('cf-aig-request-id'), id);
    assert.match(a.header('cf-aig-trace-id'), /^[0-9a-f]{32}$/);
    assert.equal(a.header('cf-aig-step'), '0');
    const known = ['cf-aig-cache-status', 'cf-aig-step', 'cf-aig-log-id', 'cf-aig-event-id', 'cf-aig-request-id', 'cf-aig-trace-id'];
    for (const [n] of a.headers.filter(([n]) => n.toLowerCase().startsWith('cf-aig-'))) assert.ok(known.includes(n.toLowerCase()), n);
    assert.equal((await weir.log(id)).id, id);

    const b = await weir.request({ to: 'openai/chat/completions', body: '{}', headers: { 'cf-aig-event-id': 'My Event-1', 'cf-aig-otel-trace-id': 'a'.repeat(32) } });
    assert.equal(b.header('cf-aig-event-id'), 'My Event-1');
    assert.match(b.header('cf-aig-log-id'), UUID7);
    assert.notEqual(b.header('cf-aig-log-id'), id);
    assert.equal(b.header('cf-aig-trace-id'), 'a'.repeat(32));
    assert.equal((await weir.log(b.header('cf-aig-log-id'))).event_id, 'My Event-1');
    assert.ok(b.header('cf-aig-log-id') > id, 'ids sort by time');
});

test('errors before the provider carry request and event id', async (t) => {
    const weir = await startWeir(t);
    for (const request of [{ to: 'nosuch/x' }, { to: 'openai/x', auth: false }, { path: '/v1/unknown/gw/openai/x' }]) {
        const a = await weir.request(request);
        assert.match(a.header('cf-aig-request-id') ?? '', UUID7, JSON.stringify(request));
        assert.match(a.header('cf-aig-event-id') ?? '', UUID7);
    }
});

test('a long or odd event id is echoed unchanged, or refused without harm', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    for (const id of ['x'.repeat(200), 'ünï', 'a"b\\c', '{}']) {
        const sent = Buffer.from(id, 'utf8').toString('latin1');
        const a = await weir.request({ to: 'openai/x', body: '{}', headers: { 'cf-aig-event-id': sent } });
        assert.equal(a.status, 200);
        assert.equal(a.header('cf-aig-event-id'), sent);
        assert.equal((await weir.log(a.header('cf-aig-log-id'))).event_id, id);
    }
});

test('CORS: preflight is answered at the gateway, before authentication', async (t) => {
    const up = await startUpstream(t, (req, res) => answerJson(req, res));
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    const pre = await weir.request({
        method: 'OPTIONS', to: 'openai/chat/completions', auth: false,
        headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization, cf-aig-authorization, x-y' },
    });
    assert.equal(pre.status, 204);
    assert.equal(pre.header('access-control-allow-origin'), '*');
    assert.match(pre.header('access-control-allow-methods'), /POST/);
    assert.equal(pre.header('access-control-allow-headers'), 'authorization, cf-aig-authorization, x-y');
    assert.equal(pre.header('access-control-max-age'), '86400');
    assert.equal(up.requests.length, 0);

    const real = await weir.request({ to: 'openai/chat/completions', headers: { Origin: 'https://app.example' }, body: '{}' });
    assert.equal(real.header('access-control-allow-origin'), '*');
    const exposed = real.header('access-control-expose-headers').toLowerCase();
    for (const h of ['cf-aig-log-id', 'cf-aig-event-id', 'cf-aig-request-id', 'cf-aig-step']) assert.ok(exposed.includes(h) || exposed === '*', exposed);
    const plain = await weir.request({ to: 'openai/chat/completions', body: '{}' });
    assert.equal(plain.header('access-control-allow-origin'), undefined);
    const refused = await weir.request({ to: 'openai/x', auth: false, headers: { Origin: 'https://app.example' } });
    assert.equal(refused.status, 401);
    assert.equal(refused.header('access-control-allow-origin'), '*');
});

test('CORS can be switched off', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { openai: up.origin }, config: { cors: false } });
    const a = await weir.request({ to: 'openai/x', headers: { Origin: 'https://app.example' }, body: '{}' });
    assert.equal(a.header('access-control-allow-origin'), undefined);
});

test('the token never shows: not upstream, not in logs, not on standard error', async (t) => {
    const up = await startUpstream(t);
    const weir = await startWeir(t, { providers: { openai: up.origin }, config: { log: { level: 'debug' } } });
    const a = await weir.request({ to: 'openai/chat/completions', body: '{}', headers: { Authorization: 'Bearer sk-provider-secret' } });
    const row = await weir.log(a.header('cf-aig-log-id'));
    for (const secret of [TOKEN, 'sk-provider-secret']) {
        assert.ok(!JSON.stringify(row).includes(secret));
        assert.ok(!weir.output.includes(secret));
    }
    assert.ok(!up.last.rawHead.includes(TOKEN));
});
