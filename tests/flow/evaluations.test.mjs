// SPDX-License-Identifier: Apache-2.0
// Datasets, evaluations and evaluation types (control plane 6): managed by the official client, exact, in the background.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import Cloudflare from 'cloudflare';
import { once } from './lib/http.mjs';
import { chat, configure } from './lib/scripts.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { poll } from './lib/wait.mjs';
import { ACCOUNT, BIN, startWeir, TOKEN } from './lib/weir.mjs';

const account_id = ACCOUNT;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NOBODY = '00000000-0000-7000-8000-000000000000';

const clientOf = (weir) => new Cloudflare({ apiToken: TOKEN, baseURL: `http://127.0.0.1:${weir.port}/client/v4`, maxRetries: 0 });
const wrong = (e) => e.errors.map(({ path, message }) => [path.join('.'), message]);

test('datasets', async (t) => {
    const weir = await startWeir(t);
    const { datasets } = clientOf(weir).aiGateway;
    await weir.createGateway({ id: 'team' });
    const create = (more = {}) => datasets.create('team', { account_id, name: 'slow', enable: true, filters: [], ...more });
    const names = async (query) => (await datasets.list('team', { account_id, ...query })).result.map((d) => d.name);

    await t.test('the official client makes, lists, replaces and deletes them', async () => {
        const filters = [{ key: 'provider', operator: 'eq', value: ['openai'] }, { key: 'duration', operator: 'gt', value: [2000] }];
        const made = await create({ name: 'slow-openai', filters });
        assert.match(made.id, UUID);
        assert.deepEqual(made, { id: made.id, name: 'slow-openai', enable: true, filters, gateway_id: 'team', account_id, account_tag: account_id,
            created_at: made.created_at, modified_at: made.created_at });
        await create({ name: 'idle', enable: false });
        assert.deepEqual(await names(), ['idle', 'slow-openai']);
        assert.deepEqual([await names({ enable: true }), await names({ enable: false })], [['slow-openai'], ['idle']]);
        assert.deepEqual([await names({ name: 'idle' }), await names({ name: 'idl' })], [['idle'], []]);
        assert.deepEqual([await names({ search: 'idl' }), await names({ search: 'openai' }), await names({ search: made.id.slice(-12) })], [['idle'], ['slow-openai'], ['slow-openai']]);
        assert.deepEqual([await names({ page: 2, per_page: 1 }), await names({ page: 3, per_page: 1 })], [['slow-openai'], []]);
        const put = await datasets.update(made.id, { account_id, gateway_id: 'team', name: 'cached', enable: false, filters: [{ key: 'cached', operator: 'eq', value: [true] }] });
        assert.deepEqual([put.id, put.name, put.enable, put.filters[0].key, put.created_at], [made.id, 'cached', false, 'cached', made.created_at]);
        assert.ok(put.modified_at > made.modified_at);
        assert.deepEqual(await datasets.get(made.id, { account_id, gateway_id: 'team' }), put);
        assert.deepEqual(await datasets.delete(made.id, { account_id, gateway_id: 'team' }), put);
        for (const gone of [made.id, NOBODY])
            await assert.rejects(datasets.get(gone, { account_id, gateway_id: 'team' }), (e) => e.status === 404 && e.errors[0].code === 7002);
        await weir.createGateway({ id: 'other' });
        const [{ id }] = (await datasets.list('team', { account_id })).result;
        await assert.rejects(datasets.get(id, { account_id, gateway_id: 'other' }), (e) => e.status === 404);
    });

    await t.test('what is wrong with a filter is said with its path', async () => {
        const good = { key: 'model', operator: 'eq', value: ['m'] };
        const table = [
            [[{ ...good, key: 'user_agent' }], 'body.filters.0.key', /^Invalid enum value\. Expected 'created_at' \| .*'feedback', received 'user_agent'$/],
            [[good, { ...good, operator: 'neq' }], 'body.filters.1.operator', /^Invalid enum value\. Expected 'eq' \| 'contains' \| 'lt' \| 'gt', received 'neq'$/],
            [[{ ...good, value: 'm' }], 'body.filters.0.value', /^Expected array, received string$/],
            [[{ ...good, value: [] }], 'body.filters.0.value', /at least 1 element/],
            [[{ ...good, value: [{}] }], 'body.filters.0.value.0', /^Expected string, number, boolean or null, received object$/],
            [[{ key: 'cost', operator: 'gt', value: ['much'] }], 'body.filters.0.value.0', /^Expected number, received string$/],
            [[{ key: 'created_at', operator: 'lt', value: ['soon'] }], 'body.filters.0.value.0', /^Expected date/],
            [[{ key: 'success', operator: 'gt', value: [true] }], 'body.filters.0.operator', /use 'eq'$/],
            [[{ key: 'cost', operator: 'contains', value: [1] }], 'body.filters.0.operator', /has no parts/],
            [[{ operator: 'eq', value: ['m'] }], 'body.filters.0.key', /^Required$/],
            [[{ key: 'model', value: ['m'] }], 'body.filters.0.operator', /^Required$/],
            [[{ key: 'model', operator: 'eq' }], 'body.filters.0.value', /^Required$/],
            [[{ ...good, key: 7 }], 'body.filters.0.key', /^Expected string, received number$/],
            [['model'], 'body.filters.0', /^Expected object, received string$/],
            [{}, 'body.filters', /^Expected array, received object$/],
            [Array(101).fill(good), 'body.filters', /at most 100/],
        ];
        for (const [filters, path, message] of table)
            await assert.rejects(create({ filters }), (e) => {
                assert.deepEqual([e.status, e.errors[0].code, wrong(e)[0][0]], [400, 7001, path], e.message);
                assert.match(wrong(e)[0][1], message);
                return true;
            });
        assert.deepEqual(await names(), ['idle']);
    });

    await t.test('a gateway has ten at most', async () => {
        for (let i = 1; i < 10; i++) await create({ name: 'same name' });
        await assert.rejects(create(), (e) => e.status === 400 && /at most 10 datasets/.test(wrong(e)[0][1]));
        const [last] = (await datasets.list('team', { account_id })).result;
        assert.equal((await datasets.update(last.id, { account_id, gateway_id: 'team', name: 'changed', enable: true, filters: [] })).name, 'changed');
        await datasets.delete(last.id, { account_id, gateway_id: 'team' });
        await create();
    });
});

// ---- evaluations ----

const CHAT = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'ping' }] });
const JSON_TYPE = { 'Content-Type': 'application/json' };

/** A daemon with a few calls of known and unknown cost, and what is needed to evaluate them. */
async function world(t, options = {}) {
    let n = 0;
    const up = await startUpstream(t, (req, res) => (req.json.model === 'gpt-4o-mini'
        ? res.json(200, chat('Hi', { prompt_tokens: 7 + n++, completion_tokens: 2, total_tokens: 9 + n }))
        : res.json(200, chat('Hi', null))));
    const weir = await startWeir(t, { gateway: 'team', providers: { openai: up.origin }, ...options });
    const { aiGateway } = clientOf(weir);
    await weir.createGateway({ id: 'team' });
    const call = (body = CHAT) => weir.request({ to: 'openai/chat/completions', headers: { ...JSON_TYPE, Authorization: 'Bearer sk' }, body });
    const types = (await aiGateway.evaluationTypes.list({ account_id })).result;
    const dataset = async (filters, more) => (await aiGateway.datasets.create('team', { account_id, name: 'd', enable: true, filters, ...more })).id;
    const create = (dataset_ids, more) => aiGateway.evaluations.create('team', { account_id, name: 'e', dataset_ids, evaluation_type_ids: types.map((one) => one.id), ...more });
    const get = (id) => aiGateway.evaluations.get(id, { account_id, gateway_id: 'team' });
    const done = (id) => poll('an evaluation', async () => { const e = await get(id); return e.processed ? e : null; });
    return { up, weir, aiGateway, call, types, dataset, create, get, done };
}

/** Pico-dollars, or another integer times 10^digits, as decimal text. */
function decimal(value, digits) {
    const text = value.toString().padStart(digits + 1, '0');
    return `${text.slice(0, -digits)}.${text.slice(-digits)}`.replace(/\.?0+$/, '');
}
const mean = (values, digits) => decimal((2n * values.reduce((a, b) => a + b, 0n) + BigInt(values.length)) / (2n * BigInt(values.length)), digits);
const results = (e) => e.results.map(({ result, total_logs, status, status_description }) => [result, total_logs, status, status_description]);

test('evaluations', async (t) => {
    const w = await world(t);
    const { weir, aiGateway, types } = w;
    await Promise.all(Array.from({ length: 9 }, () => w.call()));
    await w.call(JSON.stringify({ model: 'a-model-nobody-knows', messages: [] }));
    const rows = await weir.waitLogs(10);
    const priced = rows.filter((r) => r.cost !== null);
    assert.equal(priced.length, 9);
    for (const [i, feedback] of [1, 1, -1, 0].entries())
        await aiGateway.logs.edit(rows[i].id, { account_id, gateway_id: 'team', feedback });
    const all = await w.dataset([]);

    await t.test('the official client evaluates every log', async () => {
        const made = await w.create([all], { name: 'first' });
        assert.match(made.id, UUID);
        assert.deepEqual([made.name, made.gateway_id, made.datasets.length, made.results.length], ['first', 'team', 1, 3]);
        assert.deepEqual([made.datasets[0].id, made.datasets[0].account_id, made.datasets[0].account_tag], [all, account_id, account_id]);
        const e = await w.done(made.id);
        assert.deepEqual([e.id, e.created_at, e.total_logs], [made.id, made.created_at, 10]);
        const [cost, speed, feedback] = results(e);
        assert.deepEqual(cost, [mean(priced.map((r) => BigInt(Math.round(r.cost * 1e12))), 12), 9, 2, 'done']);
        assert.deepEqual(feedback, ['0.666667', 3, 2, 'done']);
        assert.deepEqual(speed.slice(1), [10, 2, 'done']);
        assert.ok(Math.abs(Number(speed[0]) - rows.reduce((a, r) => a + r.duration, 0) / 10) <= 0.5, speed[0]);
        for (const [i, r] of e.results.entries()) {
            assert.match(r.id, UUID);
            assert.deepEqual([r.evaluation_id, r.evaluation_type_id, r.created_at], [e.id, types[i].id, e.created_at]);
            assert.ok(r.modified_at >= e.created_at);
        }
    });

    await t.test('a log of several datasets counts once, only what is wanted is found out', async () => {
        const known = await w.dataset([{ key: 'model', operator: 'eq', value: ['gpt-4o-mini'] }]);
        const good = await w.dataset([{ key: 'feedback', operator: 'gt', value: [0] }]);
        const nothing = await w.dataset([{ key: 'cost', operator: 'gt', value: [1000] }]);
        const e = await w.done((await w.create([known, good, known], { evaluation_type_ids: [types[2].id, types[2].id] })).id);
        const rated = rows.filter((r, i) => i < 3 && (r.model === 'gpt-4o-mini' || i < 2)).length;
        assert.equal(e.datasets.length, 2);
        assert.deepEqual(e.results.map((r) => [r.evaluation_type_id, r.total_logs]), [[types[2].id, rated]]);
        assert.ok(e.total_logs === 9 || e.total_logs === 10);
        const empty = await w.done((await w.create([nothing])).id);
        assert.deepEqual([empty.total_logs, results(empty)], [0, Array(3).fill(['', 0, 2, 'done'])]);
    });

    await t.test('later logs, ratings, deletions and changes of a dataset do not change it', async () => {
        const own = await w.dataset([{ key: 'success', operator: 'eq', value: [true] }], { name: 'own' });
        const before = await w.done((await w.create([own])).id);
        await w.call();
        await weir.waitLogs(11);
        await aiGateway.logs.edit(rows[5].id, { account_id, gateway_id: 'team', feedback: -1 });
        await aiGateway.datasets.update(own, { account_id, gateway_id: 'team', name: 'other', enable: false, filters: [] });
        await aiGateway.datasets.delete(own, { account_id, gateway_id: 'team' });
        assert.deepEqual(await w.get(before.id), before);
        const after = await w.done((await w.create([all])).id);
        assert.deepEqual([after.total_logs, after.results[2].total_logs, after.results[2].result], [11, 4, '0.5']);
    });

    await t.test('lists, and deleting', async () => {
        const names = async (query) => (await aiGateway.evaluations.list('team', { account_id, ...query })).result.map((e) => e.name);
        assert.deepEqual(await names({ name: 'first' }), ['first']);
        assert.deepEqual(await names({ processed: false }), []);
        assert.equal((await names({ processed: true })).length, (await names()).length);
        assert.deepEqual(await names({ search: 'firs' }), ['first']);
        assert.equal((await names({ per_page: 2 })).length, 2);
        const [{ id }] = (await aiGateway.evaluations.list('team', { account_id, name: 'first' })).result;
        assert.equal((await aiGateway.evaluations.delete(id, { account_id, gateway_id: 'team' })).id, id);
        for (const gone of [id, NOBODY]) await assert.rejects(w.get(gone), (e) => e.status === 404 && e.errors[0].code === 7002);
    });

    await t.test('what is wrong is said with its path', async () => {
        const idle = await w.dataset([], { name: 'idle', enable: false });
        await weir.createGateway({ id: 'other' });
        const elsewhere = (await aiGateway.datasets.create('other', { account_id, name: 'd', enable: true, filters: [] })).id;
        const table = [
            [{ dataset_ids: [] }, 'body.dataset_ids', /at least 1/],
            [{ dataset_ids: Array(6).fill(all) }, 'body.dataset_ids', /at most 5/],
            [{ dataset_ids: [all, NOBODY] }, 'body.dataset_ids.1', /No dataset/],
            [{ dataset_ids: [elsewhere] }, 'body.dataset_ids.0', /No dataset of this gateway/],
            [{ dataset_ids: [7] }, 'body.dataset_ids.0', /No dataset/],
            [{ dataset_ids: [idle] }, 'body.dataset_ids.0', /not enabled/],
            [{ evaluation_type_ids: [] }, 'body.evaluation_type_ids', /at least 1/],
            [{ evaluation_type_ids: [types[0].id, 'cost'] }, 'body.evaluation_type_ids.1', /No evaluation type/],
            [{ name: '' }, 'body.name', /at least 1/],
            [{ name: undefined }, 'body.name', /^Required$/],
        ];
        for (const [more, path, message] of table)
            await assert.rejects(w.create([all], more), (e) => {
                assert.deepEqual([e.status, e.errors[0].code, wrong(e)[0][0]], [400, 7001, path], e.message);
                assert.match(wrong(e)[0][1], message);
                return true;
            });
    });

    await t.test('a gateway keeps a hundred at most', async () => {
        const dataset = (await aiGateway.datasets.create('other', { account_id, name: 'd', enable: true, filters: [] })).id;
        const create = () => aiGateway.evaluations.create('other', { account_id, name: 'e', dataset_ids: [dataset], evaluation_type_ids: [types[0].id] });
        const [first] = await Promise.all(Array.from({ length: 99 }, create));
        await create();
        await assert.rejects(create(), (e) => e.status === 400 && /at most 100 evaluations/.test(wrong(e)[0][1]));
        await aiGateway.evaluations.delete(first.id, { account_id, gateway_id: 'other' });
        await create();
    });

    await t.test('what nobody did is not in the audit log', async () => {
        const a = await once(weir.port, { method: 'GET', path: `/client/v4/accounts/${ACCOUNT}/audit_logs?resource.type=ai_gateway.evaluation&per_page=100`, headers: { Authorization: `Bearer ${TOKEN}` } });
        assert.equal(a.status, 200, a.text);
        const actions = a.json.result.map((line) => line.action.type);
        assert.ok(actions.includes('create') && actions.includes('delete') && !actions.includes('update'), actions.join());
    });
});

test('evaluation types', async (t) => {
    const { aiGateway, types, weir } = await world(t);
    assert.deepEqual(types.map((one) => one.type), ['cost', 'speed', 'human_feedback']);
    for (const one of types) {
        assert.match(one.id, UUID);
        assert.deepEqual(Object.keys(one).sort(), ['created_at', 'description', 'enable', 'id', 'mandatory', 'modified_at', 'name', 'type']);
    }
    const list = async (query) => (await aiGateway.evaluationTypes.list({ account_id, ...query })).result.map((one) => one.type);
    assert.deepEqual(await list({ order_by: 'name', order_by_direction: 'desc' }), ['speed', 'human_feedback', 'cost']);
    assert.deepEqual(await list({ order_by: 'type' }), ['cost', 'human_feedback', 'speed']);
    assert.deepEqual([await list({ page: 2 }), (await list({ per_page: 5 })).length], [[], 3]);
    for (const query of ['per_page=4', 'per_page=51', 'order_by=price', 'order_by_direction=up'])
        assert.equal((await weir.api('GET', `/evaluation-types?${query}`)).status, 400, query);
});

test('many logs: other calls go on, a killed daemon takes up what it had begun', async (t) => {
    const LOGS = /asan|tsan/.test(BIN) ? 2000 : 10000;
    const w = await world(t);
    await configure(w.weir, { cache_ttl: 3600, authentication: false }, 'team');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
    const hit = () => new Promise((resolve, reject) => {
        const req = http.request({ agent, host: '127.0.0.1', port: w.weir.port, method: 'POST', path: w.weir.path('openai/chat/completions'), headers: { ...JSON_TYPE, Authorization: 'Bearer sk' } },
            (res) => res.resume().on('end', resolve));
        req.on('error', reject).end(CHAT);
    });
    for (let i = 0; i < LOGS; i += 500) await Promise.all(Array.from({ length: 500 }, hit));
    agent.destroy();
    const all = await w.dataset([]);
    const slow = await w.dataset(Array(90).fill({ key: 'model', operator: 'contains', value: ['4o-mini'] }));
    const evaluations = [];
    for (let i = 0; i < 5; i++) evaluations.push(await w.create([slow, all]));
    const times = [];
    await poll('the last evaluation', async () => {
        const start = performance.now();
        await w.weir.logs({ query: 'per_page=5&filters=[{"key":"cached","operator":"eq","value":[true]}]' });
        times.push(performance.now() - start);
        return (await w.get(evaluations.at(-1).id)).processed;
    });
    t.diagnostic(`${times.length} lists meanwhile, the slowest took ${Math.max(...times).toFixed(0)} ms`);
    assert.ok(Math.max(...times) < 2000);
    for (const { id } of evaluations) assert.deepEqual([(await w.get(id)).total_logs, (await w.get(id)).results[0].total_logs], [LOGS, LOGS]);
    const unfinished = [];
    for (let i = 0; i < 5; i++) unfinished.push((await w.create([slow])).id);
    await w.weir.kill();
    await w.weir.start();
    for (const id of unfinished) {
        const e = await poll('an evaluation that was begun', async () => {
            const { result } = (await w.weir.api('GET', `/gateways/team/evaluations/${id}`)).json;
            return result.processed ? result : null;
        });
        assert.deepEqual([e.total_logs, e.results[0].status], [LOGS, 2]);
    }
});
