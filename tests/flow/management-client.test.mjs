// SPDX-License-Identifier: Apache-2.0
// Gateways and the audit log through Cloudflare's own client (control plane 4, 24, 32.3 items 1 to 8).
import test from 'node:test';
import assert from 'node:assert/strict';
import Cloudflare from 'cloudflare';
import { once } from './lib/http.mjs';
import { ACCOUNT, startWeir, TOKEN } from './lib/weir.mjs';

const account_id = ACCOUNT;
const SIX = { cache_invalidate_on_update: false, cache_ttl: 0, collect_logs: true, rate_limiting_interval: 60, rate_limiting_limit: 100, rate_limiting_technique: 'sliding' };
const PARTS = {
    guardrails: { prompt: { P1: 'BLOCK', S10: 'FLAG' }, response: { S10: 'BLOCK' } },
    dlp: { enabled: true, policies: [{ id: 'pol-fin', enabled: true, action: 'BLOCK', check: ['REQUEST', 'RESPONSE'], profiles: ['4f1c'] }] },
    spend_limits: { enabled: true, rules: [{ limit: 25, limitType: 'cost', window: 86400, metadata: { user_id: { mode: 'partition' } }, provider: { mode: 'filter', values: ['openai'] } }] },
    otel: [{ url: 'https://otel.example/v1/traces', headers: { 'x-team': 'otel-header-secret' }, authorization: 'otel-authorization-secret', content_type: 'json' }],
    stripe: { authorization: 'stripe-secret', usage_events: [{ payload: '{"event_name":"tokens"}' }] },
    log_management: 100000, log_management_strategy: 'DELETE_OLDEST', retry_max_attempts: 3, retry_delay: 500, retry_backoff: 'exponential',
};

test('Cloudflare\'s client', async (t) => {
    const weir = await startWeir(t, { providers: { openai: 'http://127.0.0.1:1' } }); // nobody is there
    const origin = `http://127.0.0.1:${weir.port}`;
    const client = new Cloudflare({ apiToken: TOKEN, baseURL: `${origin}/client/v4`, maxRetries: 0, apiEmail: null, apiKey: null });
    const fails = (promise, status, code, message) => assert.rejects(promise, (e) => {
        assert.deepEqual([e.status, e.errors[0].code], [status, code], e.message);
        if (message) assert.equal(e.errors[0].message, message);
        return true;
    });

    await t.test('six keys make a gateway; what it leaves out is filled in', async () => {
        const made = await client.aiGateway.create({ account_id, id: 'team-chat', ...SIX });
        for (const [key, value] of Object.entries({ id: 'team-chat', ...SIX, account_id, authentication: false, byok_only: false, zdr: false, logpush: false, wholesale: true,
            log_management: 10000000, log_management_strategy: 'DELETE_OLDEST', is_default: false, guardrails: null, spend_limits: null, otel: null }))
            assert.deepEqual(made[key], value, key);
        assert.equal('dlp' in made, false);
        assert.equal(made.created_at, made.modified_at);
        assert.match(made.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        assert.match(made.internal_id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
        assert.deepEqual(await client.aiGateway.get('team-chat', { account_id }), made);
        await fails(client.aiGateway.create({ account_id, id: 'team-chat', ...SIX }), 409, 7001, 'Gateway already exists');
    });

    await t.test('what is missing or wrong is said, all of it at once', async () => {
        const { cache_ttl, ...five } = SIX;
        await assert.rejects(client.aiGateway.create({ account_id, id: 'x', ...five }), (e) => {
            assert.equal(cache_ttl, 0);
            assert.deepEqual([e.status, e.error.errors], [400, [{ code: 7001, message: 'Required', path: ['body', 'cache_ttl'] }]]);
            return true;
        });
        for (const id of ['Bad Id', '', '-a', 'a-', 'a--b', 'x'.repeat(65), 'ä']) await fails(client.aiGateway.create({ account_id, id, ...SIX }), 400, 7001);
        await assert.rejects(client.aiGateway.create({ account_id, id: 'Bad Id', cache_ttl: -1, otel: [{}], guardrails: { prompt: { S1: 'x' } } }), (e) => {
            assert.deepEqual(e.error.errors.map((x) => x.path.slice(1).join('.')), ['id', 'cache_invalidate_on_update', 'cache_ttl', 'collect_logs',
                'rate_limiting_interval', 'rate_limiting_limit', 'guardrails.prompt.S1', 'otel.0.url', 'otel.0.headers']);
            return true;
        });
        await fails(client.aiGateway.get('nope', { account_id }), 404, 7002, 'Not Found');
        await fails(client.aiGateway.update('nope', { account_id, ...SIX, cache_ttl: 'x' }), 404, 7002);
        await fails(client.aiGateway.update('team-chat', { account_id, ...SIX, logpush: true }), 400, 7001);
    });

    await t.test('null for a TTL is none; every part comes back as it was set', async () => {
        const made = await client.aiGateway.create({ account_id, id: 'full', ...SIX, ...PARTS, cache_ttl: null });
        assert.equal(made.cache_ttl, 0);
        const { id } = made.spend_limits.rules[0];
        assert.match(id, /^[0-9a-f]{8}$/);
        const whole = { ...PARTS, spend_limits: { enabled: true, rules: [{ ...PARTS.spend_limits.rules[0], id, enabled: true, technique: 'sliding' }] } };
        for (const key of Object.keys(PARTS)) assert.deepEqual(made[key], whole[key], key);
        assert.deepEqual(await client.aiGateway.get('full', { account_id }), made, 'ids of rules stay');
        const older = { enabled: false, action: 'FLAG', profiles: ['a', 'b'] };
        const changed = await client.aiGateway.update('full', { account_id, ...SIX, dlp: older });
        assert.deepEqual(changed.dlp, older, 'the older form too');
        assert.deepEqual([changed.guardrails, changed.retry_delay], [null, null], 'what is left out is reset');
    });

    await t.test('fetched and sent back, nothing changes but the time', async () => {
        await client.aiGateway.update('full', { account_id, ...SIX, ...PARTS });
        const before = await client.aiGateway.get('full', { account_id });
        const after = await client.aiGateway.update('full', { account_id, ...before, id: 'other', is_default: true });
        assert.deepEqual({ ...after, modified_at: 0 }, { ...before, modified_at: 0 });
        assert.ok(after.modified_at > before.modified_at);
        await fails(client.aiGateway.get('other', { account_id }), 404, 7002);
    });

    await t.test('pages, newest first, and a search', async () => {
        const ids = [];
        for await (const g of client.aiGateway.list({ account_id, per_page: 2 })) ids.push(g.id);
        assert.deepEqual(ids, ['full', 'team-chat', 'default']);
        const page = await client.aiGateway.list({ account_id, search: 'cha' });
        assert.deepEqual(page.result.map((g) => g.id), ['team-chat']);
        const beyond = await client.aiGateway.list({ account_id, page: 9 });
        assert.deepEqual(beyond.result, []);
        await fails(client.aiGateway.list({ account_id, per_page: 101 }), 400, 7001);
    });

    await t.test('URLs', async () => {
        const url = (provider, gateway_id = 'full') => client.aiGateway.urls.get(provider, { account_id, gateway_id });
        assert.equal(await url('openai'), `${origin}/v1/${ACCOUNT}/full/openai`);
        assert.equal(await url('universal'), `${origin}/v1/${ACCOUNT}/full`);
        await fails(url('openai', 'nope'), 404, 7002);
    });

    await t.test('deleting answers with what it was', async () => {
        const was = await client.aiGateway.get('team-chat', { account_id });
        assert.deepEqual(await client.aiGateway.delete('team-chat', { account_id }), was);
        await fails(client.aiGateway.delete('team-chat', { account_id }), 404, 7002);
    });

    await t.test('the audit log has every change and no secret', async () => {
        const lines = [];
        for await (const line of client.auditLogs.list({ account_id, per_page: 3, direction: 'asc' })) lines.push(line);
        const own = lines.filter((l) => l.interface === 'API');
        assert.deepEqual(own.map((l) => l.action.info), ['gateway created', 'gateway created', 'gateway updated', 'gateway updated', 'gateway updated', 'gateway deleted']);
        const [first] = own, last = own.at(-1);
        const root = (await client.user.tokens.verify()).id;
        assert.deepEqual({ ...first, id: 0, when: 0, newValueJson: 0, resource: 0 }, {
            id: 0, when: 0, interface: 'API', action: { type: 'create', result: true, info: 'gateway created' }, actor: { type: 'user', id: root, email: 'root', ip: '127.0.0.1' },
            owner: { id: ACCOUNT }, resource: 0, metadata: {}, oldValue: '', oldValueJson: {}, newValue: '', newValueJson: 0 });
        assert.equal(first.newValueJson.id, 'team-chat');
        assert.equal(first.newValueJson.rate_limiting_limit, 100);
        assert.deepEqual([last.action.type, last.oldValueJson.id, last.newValueJson], ['delete', 'team-chat', {}]);
        assert.equal(last.resource.type, 'ai_gateway.gateway');
        assert.equal(last.resource.id, first.resource.id);
        const full = own.find((l) => l.newValueJson.id === 'full');
        assert.equal(full.newValueJson.otel[0].authorization, '(hidden)');
        assert.equal(full.newValueJson.stripe.authorization, '(hidden)');
        assert.doesNotMatch(JSON.stringify(lines), /otel-header-secret|otel-authorization-secret|stripe-secret/);
        assert.doesNotMatch(JSON.stringify(lines), new RegExp(TOKEN));

        const count = async (query) => (await client.auditLogs.list({ account_id, ...query })).result.length;
        const total = lines.length;
        assert.deepEqual([await count({ action: { type: 'delete' } }), await count({ actor: { email: 'ROOT' } }), await count({ actor: { email: 'roo' } }), await count({ actor: { ip: '127.0.0.1' } })], [1, 6, 0, 6]);
        const middle = own[2].when;
        assert.equal(await count({ since: middle }) + await count({ before: middle }), total);
        assert.equal(await count({ since: '2099-01-01' }), 0);
        assert.equal(await count({ before: '2099-01-01' }), total);
        assert.equal((await client.auditLogs.list({ account_id })).result[0].id, last.id, 'newest first');
        for (const query of [{ per_page: 1001 }, { since: 'x' }, { before: '2026-13-01' }, { direction: 'up' }, { page: 0 }]) await fails(client.auditLogs.list({ account_id, ...query }), 400, 7001);
    });

    await t.test('deleting logs, and the first use of `default`, leave their lines too', async () => {
        await fails(client.aiGateway.logs.delete('full', { account_id, limit: 10001 }), 400, 7001);
        await client.aiGateway.logs.delete('full', { account_id, limit: 5, filters: [{ key: 'model', operator: 'eq', value: ['m x'] }] });
        const [line, before] = (await client.auditLogs.list({ account_id })).result;
        assert.deepEqual([line.action.info, line.resource.type, line.metadata, line.actor.email], ['logs deleted', 'ai_gateway.logs', { gateway: 'full' }, 'root']);
        assert.match(line.oldValueJson.query, /limit=5/);
        assert.match(line.oldValueJson.query, /m x/);
        assert.notEqual(before.resource.type, 'ai_gateway.logs', 'what was refused left none');
        await client.aiGateway.delete('default', { account_id });
        await weir.request({ to: 'openai/models', headers: {} });
        const [made] = (await client.auditLogs.list({ account_id })).result;
        assert.deepEqual([made.action.info, made.newValueJson.id, made.actor.type, made.actor.email], ['gateway created', 'default', 'system', 'first use of default']);
    });

    await t.test('bodies without a content type are read; HEAD and Allow', async () => {
        const ask = (method, path, body) => once(weir.port, { method, path: `/client/v4/accounts/${ACCOUNT}/ai-gateway/gateways${path}`, headers: { Authorization: `Bearer ${TOKEN}` }, body });
        assert.equal((await ask('POST', '', JSON.stringify({ id: 'plain', ...SIX }))).status, 200);
        const head = await ask('HEAD', '/plain');
        assert.deepEqual([head.status, head.body.length], [200, 0]);
        const wrong = await ask('PATCH', '/plain', '{}');
        assert.deepEqual([wrong.status, wrong.header('allow')], [405, 'GET, HEAD, PUT, DELETE']);
        assert.equal((await ask('GET', '/plain/nothing')).json.errors[0].code, 7003);
    });
});

test('public_url is what URLs begin with', async (t) => {
    const weir = await startWeir(t, { config: { public_url: 'https://ai.example.com/base/' } });
    const a = await weir.api('GET', '/gateways/default/url/anthropic');
    assert.deepEqual(a.json, { success: true, errors: [], messages: [], result: `https://ai.example.com/base/v1/${ACCOUNT}/default/anthropic` });
});
