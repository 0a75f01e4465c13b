// SPDX-License-Identifier: Apache-2.0
// Policies (control plane 11): drafts and what counts, partial updates, the commit of all drafts, and the simulator.
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from './lib/http.mjs';
import { answers, chat } from './lib/scripts.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { ACCOUNT, startWeir, TOKEN } from './lib/weir.mjs';

const gateway = 'team-a';
const eng = { name: 'engineers', actor: 'user:{cf.user.id}', resource: '*', condition: '"eng" in cf.user.groups', action: { type: 'limit', amount: 10, period: 'daily', technique: 'named-interval' } };
const KEYS = ['action', 'actor', 'condition', 'created_at', 'id', 'name', 'resource', 'updated_at'];

test('policies', async (t) => {
    const up = await startUpstream(t, answers(200, chat()));
    const weir = await startWeir(t, { providers: { openai: up.origin } });
    await weir.createGateway({ id: gateway });
    const call = (method, rest = '', body = undefined) => weir.api(method, `/gateways/${gateway}/policies${rest}`, body);
    const ok = async (...args) => {
        const a = await call(...args);
        assert.equal(a.status, 200, a.text);
        return a.json;
    };
    const names = async (query = '') => (await ok('GET', query)).result.map((p) => [p.name, p.staging]);
    const clear = async () => {
        for (const p of (await ok('GET', '?includeStaging=true&per_page=100')).result) await ok('DELETE', `/${p.id}`);
    };
    const simulate = async (body, query = '') => (await ok('POST', `/simulate${query}`, { model: 'gpt-4o', provider: 'openai', ...body })).result;

    await t.test('a new one is a draft, unless it is committed', async () => {
        const draft = await ok('POST', '', eng);
        assert.deepEqual([draft.success, draft.committed, draft.messages], [true, false, []]);
        const { id, created_at, updated_at, ...rest } = draft.result;
        assert.deepEqual(rest, { ...eng, staging: true });
        assert.match(id, /^[0-9a-f-]{36}$/);
        assert.ok(Math.abs(created_at - Date.now() / 1000) < 60 && Number.isInteger(created_at) && updated_at === created_at, 'seconds since 1970');
        assert.deepEqual(await names(), []);
        assert.deepEqual(await names('?includeStaging=true'), [['engineers', true]]);
        assert.equal((await ok('GET', `/${id}`)).result.staging, true);
        const early = await call('PUT', `/${id}?commit=true`, { condition: 'true' });
        assert.deepEqual([early.status, early.json.errors[0].code], [400, 7001], 'only committed ones are updated');

        const counts = await ok('POST', '?commit=true', { ...eng, name: 'all', condition: undefined, resource: { model: ['gpt-*', 'o3'], provider: 'openai' }, action: { type: 'no-limit' } });
        assert.equal(counts.committed, true);
        assert.match(counts.messages[0].message, /does not hold requests to them yet/);
        assert.deepEqual(Object.keys(counts.result).sort(), KEYS);
        assert.deepEqual([counts.result.condition, counts.result.resource], ['true', { model: ['gpt-*', 'o3'], provider: 'openai' }]);
        assert.deepEqual(await names(), [['all', undefined]]);
        const page = await ok('GET', '?includeStaging=true&per_page=1&page=2');
        assert.deepEqual([page.result.map((p) => p.name), page.result_info.total_count], [['engineers'], 2]);

        const committed = (await ok('POST', '/commit', {})).result;
        assert.deepEqual([committed.committed, committed.failed, committed.policies.map((p) => [p.name, p.staging]), committed.errors], [1, 0, [['engineers', undefined]], []]);
        assert.deepEqual((await names()).length, 2);
        assert.deepEqual((await ok('POST', '/commit', {})).result, { committed: 0, failed: 0, policies: [], errors: [] });
        const gone = await ok('DELETE', `/${id}`);
        assert.equal(gone.result.name, 'engineers');
        for (const [method, body] of [['GET'], ['PUT', {}], ['DELETE']]) assert.equal((await call(method, `/${id}`, body)).status, 404);
        await clear();
    });

    await t.test('an update changes what is sent: as a draft, or at once', async () => {
        const { id } = (await ok('POST', '?commit=true', eng)).result;
        const staged = await ok('PUT', `/${id}`, { condition: 'cf.country == "DE"', name: 'germans' });
        assert.deepEqual([staged.committed, staged.result.staging, staged.result.name, staged.result.condition, staged.result.actor], [false, true, 'germans', 'cf.country == "DE"', eng.actor]);
        const now = async (query = '') => (await ok('GET', `/${id}${query}`)).result;
        assert.deepEqual([(await now()).condition, (await now()).name, (await now()).staging], [eng.condition, eng.name, undefined], 'what counts is what it was');
        assert.equal((await now('?includeStaging=true')).condition, 'cf.country == "DE"');
        assert.deepEqual([await names(), await names('?includeStaging=true')], [[['engineers', undefined]], [['germans', true]]]);
        const direct = await ok('PUT', `/${id}?commit=true`, { action: { type: 'block' } });
        assert.deepEqual([direct.committed, direct.result.condition, direct.result.action, direct.result.name], [true, 'cf.country == "DE"', { type: 'block' }, 'germans'], 'on top of the draft');
        assert.deepEqual(await now(), direct.result);
        assert.ok(direct.result.updated_at >= direct.result.created_at);
        assert.equal((await ok('POST', '', eng)).result.name, 'engineers', 'its old name is free');
        await clear();
    });

    await t.test('names are one policy\'s; a commit says which drafts it could not take', async () => {
        const one = (await ok('POST', '?commit=true', { ...eng, name: 'one' })).result;
        const two = (await ok('POST', '?commit=true', { ...eng, name: 'two' })).result;
        assert.deepEqual([(await call('POST', '', { ...eng, name: 'one' })).status, (await call('PUT', `/${two.id}?commit=true`, { name: 'one' })).status], [409, 409]);
        await ok('PUT', `/${two.id}`, { name: 'one' });
        await ok('PUT', `/${one.id}`, { actor: 'x' });
        const { result } = await ok('POST', '/commit', {});
        assert.deepEqual([result.committed, result.failed, result.policies.map((p) => [p.name, p.actor])], [1, 1, [['one', 'x']]]);
        assert.deepEqual(result.errors, [{ policyId: two.id, name: 'one', message: 'Another policy has this name' }]);
        assert.deepEqual((await names('?includeStaging=true')).map(String).sort(), ['one,', 'one,true'], 'the draft stays');
        await clear();
    });

    await t.test('what will not do is refused with its place', async () => {
        const body = (...rest) => ['body', ...rest];
        const wrong = [
            [{ ...eng, name: undefined }, body('name'), 'Required'], [{ ...eng, name: '' }, body('name')], [{ ...eng, actor: 7 }, body('actor')], [{ ...eng, actor: '{user.id}' }, body('actor')],
            [{ ...eng, resource: undefined }, body('resource'), 'Required'], [{ ...eng, resource: 7 }, body('resource')], [{ ...eng, resource: {} }, body('resource')], [{ ...eng, resource: { model: ['a', 7] } }, body('resource', 'model', 1)],
            [{ ...eng, condition: 'cf.user.id = "x"' }, body('condition'), 'At character 12: expected an operator, or nothing more'], [{ ...eng, condition: '' }, body('condition')],
            [{ ...eng, action: 'block' }, body('action')], [{ ...eng, action: { type: 'limit', amount: 0, period: 'daily' } }, body('action', 'amount')], [{ ...eng, action: { type: 'limit', amount: 1, period: 'yearly' } }, body('action', 'period')],
        ];
        for (const [policy, path, message] of wrong) {
            const a = await call('POST', '?commit=true', policy);
            assert.deepEqual([a.status, a.json.success, a.json.errors[0].code, a.json.errors[0].path], [400, false, 7001, path], JSON.stringify(policy));
            if (message) assert.equal(a.json.errors[0].message, message);
        }
        for (const [method, rest, value] of [['POST', '?commit=maybe', eng], ['GET', '?includeStaging=7']]) assert.deepEqual((await call(method, rest, value)).json.errors[0].path[0], 'query');
        const { id } = (await ok('POST', '?commit=true', eng)).result;
        assert.deepEqual((await call('PUT', `/${id}?commit=true`, { condition: 'tru' })).json.errors[0].path, ['body', 'condition']);
        assert.deepEqual((await call('PUT', `/${id}`, { actor: null })).json.errors[0].path, ['body', 'actor']);
        assert.deepEqual((await names('?includeStaging=true')), [['engineers', undefined]]);
        await clear();
    });

    await t.test('the simulator', async () => {
        const ann = { cf: { user: { id: 'u-7', email: 'ann@example.com', groups: ['eng'] } }, metadata: { team: 'search' } };
        assert.deepEqual(await simulate({ identity: ann }), { evaluation: { decision: 'no-limit', buckets: [] }, enforcement: { allowed: true }, policiesEvaluated: 0 });
        await ok('POST', '', { ...eng, name: 'draft', resource: { provider: 'groq' } });
        assert.equal((await simulate({})).enforcement.allowed, true, 'a draft says nothing');
        assert.deepEqual(await simulate({}, '?includeStaging=true'), { evaluation: { decision: 'block', buckets: [] }, enforcement: { allowed: false, reason: 'blocked' }, policiesEvaluated: 0 }, 'denied by default');
        await clear();

        await ok('POST', '?commit=true', eng);
        await ok('POST', '?commit=true', { ...eng, name: 'engineers 2', action: { ...eng.action, amount: 20.5 } });
        const checked = await simulate({ identity: ann, bucketUsage: { engineers: { spent: 10.2 } } });
        const [bucket] = checked.evaluation.buckets;
        const { periodStart } = bucket;
        assert.deepEqual(checked, { evaluation: { decision: 'check_limits', buckets: [{ bucket: 'user:u-7', resource: '*', policyName: 'engineers 2', period: 'daily', limit: 20.5, spent: 10.2, periodStart }] }, enforcement: { allowed: true }, policiesEvaluated: 2 });
        assert.ok(periodStart % 86400 === 0 && Date.now() / 1000 - periodStart < 2 * 86400);
        const over = await simulate({ identity: ann, bucketUsage: { 'engineers 2': { spent: 20.5 }, nobody: { spent: 1 } } });
        assert.deepEqual(over.enforcement, { allowed: false, reason: 'limit_exceeded', bucket: 'user:u-7', spent: 20.5, limit: 20.5, policyName: 'engineers 2' });
        assert.deepEqual((await simulate({ identity: { cf: { user: { id: 'u-8', groups: ['hr'] } } } })).enforcement, { allowed: false, reason: 'blocked' });
        assert.deepEqual((await simulate({})).enforcement, { allowed: false, reason: 'blocked' }, 'without an identity nothing is granted');

        await ok('POST', '?commit=true', { ...eng, name: 'search is free', condition: 'metadata.team == "search"', action: { type: 'no-limit' } });
        assert.equal((await simulate({ identity: ann, bucketUsage: { engineers: { spent: 99 } } })).evaluation.decision, 'no-limit');
        await ok('POST', '?commit=true', { ...eng, name: 'only ours', resource: { provider: ['openai', 'anthropic'] }, condition: 'true', action: { type: 'block', except: true } });
        assert.equal((await simulate({ identity: ann })).enforcement.allowed, true);
        assert.deepEqual((await simulate({ identity: ann, provider: 'groq' })).enforcement, { allowed: false, reason: 'blocked', policyName: 'only ours' });

        for (const [question, path] of [[{ model: undefined }, ['body', 'model']], [{ provider: 7 }, ['body', 'provider']], [{ identity: [] }, ['body', 'identity']], [{ identity: { cf: 'x' } }, ['body', 'identity', 'cf']],
            [{ identity: { metadata: { a: { b: 1 } } } }, ['body', 'identity', 'metadata', 'a']], [{ identity: { metadata: { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 } } }, ['body', 'identity', 'metadata']],
            [{ bucketUsage: { x: { spent: -1 } } }, ['body', 'bucketUsage', 'x', 'spent']], [{ bucketUsage: { 'v1.2': 7 } }, ['body', 'bucketUsage', 'v1.2', 'spent']]]) {
            const a = await call('POST', '/simulate', { model: 'm', provider: 'p', ...question });
            assert.deepEqual([a.status, a.json.errors?.[0].path], [400, path], JSON.stringify(question));
        }
    });

    await t.test('requests are not held to them yet; they survive a restart and go with their gateway', async () => {
        const asked = await weir.request({ to: 'openai/chat/completions', gateway, headers: { 'Content-Type': 'application/json' }, body: '{"model":"gpt-4o","messages":[]}' });
        assert.equal(asked.status, 200);
        await ok('POST', '', { ...eng, name: 'a draft' });
        const before = await call('GET', '?includeStaging=true');
        await weir.stop();
        await weir.start();
        assert.equal((await call('GET', '?includeStaging=true')).text, before.text);
        const audit = await once(weir.port, { path: `/client/v4/accounts/${ACCOUNT}/audit_logs?resource.type=ai_gateway.policy`, headers: { Authorization: `Bearer ${TOKEN}` } });
        assert.ok(['create', 'update', 'delete'].every((type) => audit.json.result.some((l) => l.action.type === type)), audit.text);
        await weir.api('DELETE', `/gateways/${gateway}`);
        await weir.createGateway({ id: gateway });
        assert.deepEqual(await names('?includeStaging=true'), []);
    });
});
